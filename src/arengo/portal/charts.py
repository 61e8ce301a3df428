"""Charts as Vega-Lite specifications and the table beside each: bars for categories, columns for quantities,
lines for time. Zero baseline for bars, gaps shown as gaps, direct labels, one axis, colours told apart by all.

A specification is made twice, for a wide and a narrow page, because scaled-down letters cannot be read on a phone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from arengo.contract.model import Kind
from arengo.portal.cells import Cell, Head
from arengo.portal.drawing import INK, MEASURED
from arengo.portal.language import Speech

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


def bars(
    speech: Speech,
    title: str,
    pairs: Sequence[tuple[str, float]],
    *,
    category: str,
    measure: str,
    unit: str = "",
    sub: str = "",
) -> Plot:
    """Horizontal bars with the value written at the end of each."""
    shown = list(pairs[:MOST_BARS])
    values = [
        {"l": label, "v": value, "t": speech.number(_round(value)), "i": i} for i, (label, value) in enumerate(shown)
    ]
    return Plot(
        title,
        sub,
        lambda width: _bars(values, width, speech.direction == "rtl"),
        (head(category), head(measure, True, unit)),
        tuple((Cell(label), Cell(speech.number(_round(value)))) for label, value in shown),
    )


def histogram(
    speech: Speech,
    title: str,
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    label: str,
    unit: str = "",
    sub: str = "",
    whole: bool = False,
    group: bool = True,
) -> Plot:
    """Columns of one width, each a range of values; the height is the number of rows. An outermost range that is
    wider than the others (it reaches to the few values far out) stands apart and says so."""
    first, last = _open_ends(edges)
    inner = edges[first : len(edges) - last]
    places = 0 if whole else _decimals(inner)
    axis = f"{label} ({unit})" if unit else label
    values: list[dict[str, Any]] = []
    labels: dict[float, str] = {}
    apart = []
    for index, count in enumerate(counts):
        start = float(index - first)
        if first and index == 0:
            start -= APART
            labels[start + 0.5] = f"< {speech.number(float(edges[1]), places, group)}"
        elif last and index == len(counts) - 1:
            start += APART
            labels[start + 0.5] = f"≥ {speech.number(float(edges[-2]), places, group)}"
        else:
            values.append({"a": start, "b": start + 1, "v": count})
            continue
        values.append({"a": start, "b": start + 1, "v": count, "apart": True})
        ends = (speech.number(float(edge), places, group) for edge in edges[index : index + 2])
        apart.append(" – ".join(ends))
    edged = {float(index): speech.number(float(edge), places, group) for index, edge in enumerate(inner)}
    if apart:
        said = speech.many(
            "the bar set apart holds %(ranges)s", "the bars set apart hold %(ranges)s", len(apart),
            ranges="; ".join(apart),
        )  # fmt: skip
        sub = f"{sub}; {said}" if sub else said[:1].upper() + said[1:]
    rows = tuple(
        (
            Cell(f"{speech.number(float(a), places, group)} – {speech.number(float(b), places, group)}"),
            Cell(speech.number(n)),
        )
        for a, b, n in zip(edges, edges[1:], counts, strict=False)
    )
    return Plot(
        title,
        sub,
        lambda width: _columns(values, width, axis, speech._("Rows"), labels, edged),
        (head(label, False, unit), head(speech._("Rows"), True)),
        rows,
    )


def lines(
    speech: Speech,
    title: str,
    series: Sequence[Series],
    *,
    bucket: str,
    measure: str,
    unit: str = "",
    sub: str = "",
    decimals: int | None = None,
) -> Plot:
    """One line a series, named at its end; only one scale, starting at zero unless the values stay far from it."""
    filled = [Series(item.name, tuple(fill(item.points, bucket))) for item in series]
    values = [
        {"t": _stamp(at), "v": value, "s": item.name, "i": index}
        for index, item in enumerate(filled)
        for at, value in item.points
    ]
    numbers = [float(point["v"]) for point in values if point["v"] is not None]
    zero = not numbers or min(numbers) <= 0 or min(numbers) < 0.5 * max(numbers)
    ends = []
    for index, item in enumerate(filled):
        last = next(((at, value) for at, value in reversed(item.points) if value is not None), None)
        if last:
            ends.append({"t": _stamp(last[0]), "v": last[1], "s": item.name, "i": index})
    ends = _spread(ends, numbers, zero)
    few = len(values) <= 45
    axis = unit or measure
    scale = _scale(numbers)
    if scale > 1:
        words = (
            speech._("millions, %(unit)s", unit=axis)
            if scale == 10**6
            else speech._("thousand millions, %(unit)s", unit=axis)
        )
        axis = words
    moments = sorted({at for item in filled for at, _ in item.points})
    lookup = [dict(item.points) for item in filled]
    rows = []
    places = decimals if decimals is not None else (0 if all(n == int(n) for n in numbers) else _places(numbers))
    for at in moments:
        cells = [Cell(period(speech, at, bucket))]
        for points in lookup:
            value = points.get(at)
            cells.append(Cell("–", "nil") if value is None else Cell(speech.number(float(value), places)))
        rows.append(tuple(cells))
    names = [item.name for item in filled]
    return Plot(
        title,
        sub,
        lambda width: _lines(values, ends, width, axis, bucket, zero, few, len(names), scale),
        (head(_period_word(speech, bucket)), *(head(name or measure, True, unit) for name in names)),
        tuple(rows),
    )


def period(speech: Speech, at: date | datetime, bucket: str) -> str:
    """A bucket's name in words: March 2024, 12 Mar 2024, 12 Mar 2024 14:00."""
    from babel.dates import format_skeleton

    if bucket == "year":
        return str(at.year)
    if bucket == "quarter":
        return f"{at.year}-Q{(at.month - 1) // 3 + 1}"
    if bucket == "month":
        return str(format_skeleton("yMMM", at, locale=speech.locale))
    if bucket == "hour" and isinstance(at, datetime):
        return f"{speech.date(at.date())} {at:%H:%M}"
    return speech.date(at.date() if isinstance(at, datetime) else at)


def moment(value: Any, bucket: str) -> date | datetime | None:
    """The start of a bucket as the door names it (2024, 2024-03, 2024-Q1, 2024-W05, a date or a time)."""
    if isinstance(value, datetime | date):
        return value
    text = str(value)
    try:
        if bucket == "year":
            return date(int(text), 1, 1)
        if bucket == "month":
            return date(int(text[:4]), int(text[5:7]), 1)
        if bucket == "quarter":
            return date(int(text[:4]), int(text[-1]) * 3 - 2, 1)
        if bucket == "week":
            return date.fromisocalendar(int(text[:4]), int(text[-2:]), 1)
    except ValueError:
        return None
    return None


_STEP = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


def fill(
    points: Sequence[tuple[date | datetime, float | None]], bucket: str, most: int = 3000
) -> list[tuple[date | datetime, float | None]]:
    """The same points with an empty one for every bucket between that has none, so that a gap is drawn as a gap."""
    if len(points) < 2:
        return list(points)
    out: list[tuple[date | datetime, float | None]] = [points[0]]
    for at, value in points[1:]:
        expected = _after(out[-1][0], bucket)
        while expected < at and len(out) < most:
            out.append((expected, None))
            expected = _after(expected, bucket)
        out.append((at, value))
    return out


def _after(at: date | datetime, bucket: str) -> date | datetime:
    if bucket in _STEP:
        return at + _STEP[bucket]
    months = {"month": 1, "quarter": 3, "year": 12}[bucket]
    index = at.year * 12 + at.month - 1 + months
    return at.replace(year=index // 12, month=index % 12 + 1, day=1)


def _stamp(at: date | datetime) -> str:
    return at.isoformat() if isinstance(at, datetime) else f"{at.isoformat()}T00:00:00"


def _round(value: float) -> float | int:
    if isinstance(value, int) or value == int(value):
        return int(value)
    return round(value, 2 if abs(value) >= 1 else 4)


def _places(numbers: Sequence[float]) -> int:
    """Decimals that tell neighbouring numbers apart."""
    if not numbers:
        return 0
    reach = max(numbers) - min(numbers) or abs(max(numbers)) or 1
    for places in range(5):
        if reach >= 20 / 10**places:
            return places
    return 5


def _base(width: int, height: float | dict[str, Any]) -> dict[str, Any]:
    return {"width": width, "height": height, "autosize": {"type": "fit-x", "contains": "padding"}, "config": CONFIG}


def _bars(values: list[dict[str, Any]], width: int, mirrored: bool) -> dict[str, Any]:
    order = [value["l"] for value in values]
    category = {
        "field": "i",
        "type": "ordinal",
        "axis": {
            "title": None,
            "domain": False,
            "ticks": False,
            "labelColor": INK["ink"],
            "labelLimit": round(width * 0.45),
            "labelExpr": f"({_literal(order)})[datum.value]",
            "orient": "right" if mirrored else "left",
        },
        "scale": {"paddingInner": 0.34, "paddingOuter": 0.1},
    }
    length = {
        "field": "v",
        "type": "quantitative",
        "axis": None,
        "scale": {"zero": True, "nice": False, "reverse": mirrored, "padding": 4},
    }
    return {
        **_base(width, 28 * max(1, len(values))),
        "data": {"values": values},
        "encoding": {"y": category, "x": length},
        "layer": [
            {"mark": {"type": "bar", "color": INK["accent"]}},
            {
                "mark": {
                    "type": "text",
                    "align": "right" if mirrored else "left",
                    "dx": -6 if mirrored else 6,
                    "baseline": "middle",
                },
                "encoding": {"text": {"field": "t"}},
            },
        ],
    }


def _literal(texts: Sequence[str]) -> str:
    import json

    return json.dumps([text if len(text) <= 60 else text[:59] + "…" for text in texts], ensure_ascii=True)


def _open_ends(edges: Sequence[float]) -> tuple[int, int]:
    """Whether the first and the last range have another width than those between: 1 or 0 each."""
    widths = [b - a for a, b in pairwise(edges)]
    if len(widths) < 3:
        return 0, 0
    step = sorted(widths)[len(widths) // 2]
    return int(abs(widths[0] - step) > 0.01 * step), int(abs(widths[-1] - step) > 0.01 * step)


def _decimals(numbers: Sequence[float]) -> int:
    """Decimals with which round numbers are written in full, at most 6."""
    return next((n for n in range(6) if all(abs(round(x, n) - x) <= 1e-9 * max(1.0, abs(x)) for x in numbers)), 6)


def _marks(labels: Mapping[float, str], edged: Mapping[float, str], room: float) -> dict[float, str]:
    """The words along the axis of a histogram: those of ranges set apart, and as many edges as have room (in bars)."""

    def wide(text: str) -> float:
        return (len(text) * 0.58 * MEASURED + 12) / room

    step = next((n for n in (1, 2, 4, 5, 10, 20) if n >= max((wide(text) for text in edged.values()), default=0)), 20)
    kept = {
        at: text
        for at, text in edged.items()
        if at % step == 0 and all(abs(at - far) >= (wide(text) + wide(said)) / 2 for far, said in labels.items())
    }
    return dict(sorted({**kept, **labels}.items()))


def _columns(
    values: list[dict[str, Any]],
    width: int,
    axis: str,
    rows: str,
    labels: Mapping[float, str],
    edged: Mapping[float, str],
) -> dict[str, Any]:
    import json

    low, high = min(value["a"] for value in values), max(value["b"] for value in values)
    shown = _marks(labels, edged, (width - 50) / (high - low))
    words = json.dumps({f"{at:g}": text for at, text in shown.items()}, ensure_ascii=True)
    return {
        **_base(width, 220 if width > NARROW else 190),
        "data": {"values": values},
        "mark": {"type": "rect", "fill": INK["accent"], "stroke": INK["paper"], "strokeWidth": 1},
        "encoding": {
            "x": {
                "field": "a",
                "type": "quantitative",
                "scale": {"zero": False, "nice": False, "domain": [low, high]},
                "axis": {
                    "title": axis,
                    "grid": False,
                    "domain": False,
                    "values": list(shown),
                    "labelExpr": f"({words})[datum.value]",
                    "labelOverlap": False,
                    "labelFlush": False,
                },
            },
            "x2": {"field": "b"},
            "y": {
                "field": "v",
                "type": "quantitative",
                "scale": {"zero": True},
                "axis": {**_height_axis(rows), "tickCount": 4},
            },
            "y2": {"datum": 0},
            "opacity": {"condition": {"test": "datum.apart", "value": 0.6}, "value": 1},
        },
    }


def _height_axis(title: str) -> dict[str, Any]:
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


# bucket: how a tick is written, its calendar unit, how many of the units a bucket has
_TIMES = {
    "hour": ("%-d %b %H:%M", "hour", 1),
    "day": ("%-d %b %Y", "day", 1),
    "week": ("%-d %b %Y", "day", 7),
    "month": ("%b %Y", "month", 1),
    "quarter": ("%b %Y", "month", 3),
    "year": ("%Y", "year", 1),
}
_STEPS = {
    "hour": (1, 3, 6, 12, 24),
    "day": (1, 2, 7, 14, 28),
    "month": (1, 3, 6, 12, 24, 60),
    "year": (1, 2, 5, 10, 20, 50),
}


def _ticks(bucket: str, buckets: int, most: int) -> dict[str, Any]:
    """Ticks at round calendar places, at most ``most`` of them."""
    _format, unit, size = _TIMES[bucket]
    step = next((step for step in _STEPS[unit] if buckets * size / step <= most), _STEPS[unit][-1])
    return {"interval": unit, "step": step}


def _lines(
    values: list[dict[str, Any]],
    ends: list[dict[str, Any]],
    width: int,
    axis: str,
    bucket: str,
    zero: bool,
    dots: bool,
    count: int,
    scale: int,
) -> dict[str, Any]:
    colours = [INK[name] for name in SERIES][: max(1, count)]
    colour = {
        "field": "i",
        "type": "nominal",
        "scale": {"domain": list(range(len(colours))), "range": colours},
        "legend": None,
    }
    time_format = _TIMES[bucket][0]
    buckets = len({value["t"] for value in values})
    time = {
        "field": "t",
        "type": "temporal",
        "axis": {
            "title": None,
            "grid": False,
            "format": time_format,
            "tickCount": _ticks(bucket, buckets, width // (90 if bucket in ("month", "year", "quarter") else 120)),
            "labelOverlap": "greedy",
            "labelSeparation": 14,
            "labelFlush": False,
        },
    }
    height = {
        "field": "v",
        "type": "quantitative",
        "scale": {"zero": zero, "nice": True},
        "axis": {**_height_axis(axis), "tickCount": 5 if width > NARROW else 4, **_short(scale)},
    }
    layers: list[dict[str, Any]] = [
        {
            "mark": {
                "type": "line",
                "point": {"size": 26, "filled": True} if dots else False,
                "invalid": "break-paths-filter-domains",
            },
            "encoding": {"x": time, "y": height, "color": colour},
        }
    ]
    if count > 1:
        room = 22 if width > NARROW else 13
        layers.append(
            {
                "data": {"values": [{**end, "s": _cut(str(end["s"]), room)} for end in ends]},
                "mark": {"type": "text", "align": "left", "dx": 7, "baseline": "middle", "fontWeight": 600},
                "encoding": {
                    "x": {"field": "t", "type": "temporal"},
                    "y": {"field": "y", "type": "quantitative"},
                    "text": {"field": "s"},
                    "color": colour,
                },
            }
        )
    return {**_base(width, 300 if width > NARROW else 230), "data": {"values": values}, "layer": layers}


def _scale(numbers: Sequence[float]) -> int:
    """What the figures of an axis are divided by, so that they stay short."""
    most = max((abs(number) for number in numbers), default=0)
    return 10**9 if most >= 10**10 else 10**6 if most >= 10**7 else 1


def _short(scale: int) -> dict[str, Any]:
    return {"labelExpr": f"format(datum.value / {scale}, ',~f')"} if scale > 1 else {}


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def _spread(ends: list[dict[str, Any]], numbers: Sequence[float], zero: bool) -> list[dict[str, Any]]:
    """Moves the names at the line ends apart so that they do not lie on each other."""
    if not numbers:
        return []
    low = min([0.0, *numbers]) if zero else min(numbers)
    gap = (max(numbers) - low) * 0.065
    level = -float("inf")
    out = []
    for end in sorted(ends, key=lambda item: float(item["v"])):
        level = max(float(end["v"]), level + gap)
        out.append({**end, "y": level})
    return out


def _period_word(speech: Speech, bucket: str) -> str:
    words = {
        "hour": speech._("Hour"),
        "day": speech._("Day"),
        "week": speech._("Week from"),
        "month": speech._("Month"),
        "quarter": speech._("Quarter"),
        "year": speech._("Year"),
    }
    return words[bucket]
