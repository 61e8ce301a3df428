"""What every chart is made of: a plot before it is drawn, a chart after, and the look they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from arengo.contract.model import Kind
from arengo.portal.cells import Cell, Head
from arengo.portal.drawing import INK, MEASURED

WIDE, MIDDLE, NARROW = 780, 560, 330
SERIES = ("accent", "series-1", "series-3", "series-2")
MOST_BARS = 20
APART = 0.5  # bars between a range of another width and the others

CONFIG: Mapping[str, Any] = {
    "font": "Public Sans, Arial, sans-serif",
    "background": None,
    "padding": 0,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK["ink-quiet"],
        "labelFontSize": MEASURED,
        "titleColor": INK["ink-quiet"],
        "titleFontSize": MEASURED,
        "titleFontWeight": "normal",
        "gridColor": INK["line"],
        "domainColor": INK["line-strong"],
        "tickColor": INK["line-strong"],
        "labelPadding": 6,
    },
    "text": {"fill": INK["ink"], "fontSize": MEASURED},
    "line": {"strokeWidth": 2.2, "strokeJoin": "round", "strokeCap": "round"},
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A finished chart: drawing in two widths, its table, its words."""

    title: str
    sub: str
    wide: Markup
    narrow: Markup
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    source: str
    version: str
    file: str = ""
    open: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart before it is drawn."""

    title: str
    sub: str
    spec: Callable[[int], dict[str, Any]]  # the specification for a width in pixels
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Series:
    """One line: (moment, value) pairs in order; a missing moment is a gap."""

    name: str
    points: tuple[tuple[date | datetime, float | None], ...]


def head(label: str, numeric: bool = False, unit: str = "") -> Head:
    return Head(label, label, unit, Kind.NUMBER if numeric else Kind.STRING, numeric, False)


def rounded(value: float) -> float | int:
    if isinstance(value, int) or value == int(value):
        return int(value)
    return round(value, 2 if abs(value) >= 1 else 4)


def decimals_of(numbers: Sequence[float]) -> int:
    """Decimals that tell neighbouring numbers apart."""
    if not numbers:
        return 0
    reach = max(numbers) - min(numbers) or abs(max(numbers)) or 1
    for places in range(5):
        if reach >= 20 / 10**places:
            return places
    return 5


def base(width: int, height: float | dict[str, Any]) -> dict[str, Any]:
    return {"width": width, "height": height, "autosize": {"type": "fit-x", "contains": "padding"}, "config": CONFIG}


def literal(texts: Sequence[str]) -> str:
    import json

    return json.dumps([text if len(text) <= 60 else text[:59] + "…" for text in texts], ensure_ascii=True)


def height_axis(title: str) -> dict[str, Any]:
    """Axis of heights: its words stand above it, level, where they are read first."""
    return {
        "title": title,
        "titleAngle": 0,
        "titleAlign": "left",
        "titleAnchor": "end",
        "titleX": 0,
        "titleY": -14,
        "domain": False,
        "ticks": False,
        "format": ",~f",
    }


def scale_of(numbers: Sequence[float]) -> int:
    """What the figures of an axis are divided by, so that they stay short."""
    most = max((abs(number) for number in numbers), default=0)
    return 10**9 if most >= 10**10 else 10**6 if most >= 10**7 else 1


def short(scale: int) -> dict[str, Any]:
    return {"labelExpr": f"format(datum.value / {scale}, ',~f')"} if scale > 1 else {}


def cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
