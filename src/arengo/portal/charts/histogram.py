"""Columns of one width, each a range of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from arengo.portal.cells import Cell
from arengo.portal.charts.plot import APART, NARROW, Plot, base, head, height_axis
from arengo.portal.drawing import INK, MEASURED
from arengo.portal.language import Speech


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
    rows: str = "",
    colour: str = "accent",
    height: int = 0,
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
    table = tuple(
        (
            Cell(f"{speech.number(float(a), places, group)} – {speech.number(float(b), places, group)}"),
            Cell(speech.number(n)),
        )
        for a, b, n in zip(edges, edges[1:], counts, strict=False)
    )
    return Plot(
        title,
        sub,
        lambda width: _columns(values, width, axis, rows or speech._("Rows"), labels, edged, colour, height),
        (head(label, False, unit), head(speech._("Rows"), True)),
        table,
    )


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
    colour: str = "accent",
    height: int = 0,
) -> dict[str, Any]:
    import json

    low, high = min((value["a"] for value in values), default=0), max((value["b"] for value in values), default=1)
    shown = _marks(labels, edged, (width - 50) / (high - low))
    words = json.dumps({f"{at:g}": text for at, text in shown.items()}, ensure_ascii=True)
    return {
        **base(width, height or (220 if width > NARROW else 190)),
        "data": {"values": values},
        "mark": {"type": "rect", "fill": INK[colour], "stroke": INK["paper"], "strokeWidth": 1},
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
                "axis": {**height_axis(rows), "tickCount": 4},
            },
            "y2": {"datum": 0},
            "opacity": {"condition": {"test": "datum.apart", "value": 0.6}, "value": 1},
        },
    }
