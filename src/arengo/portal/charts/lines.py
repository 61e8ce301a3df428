"""Lines over time, named at their ends, with gaps as gaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arengo.portal.cells import Cell
from arengo.portal.charts.period import TIMES, fill, period, period_word, stamp, ticks
from arengo.portal.charts.plot import (
    NARROW,
    SERIES,
    Plot,
    Series,
    base,
    cut,
    decimals_of,
    head,
    height_axis,
    scale_of,
    short,
)
from arengo.portal.drawing import INK
from arengo.portal.language import Speech


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
        {"t": stamp(at), "v": value, "s": item.name, "i": index}
        for index, item in enumerate(filled)
        for at, value in item.points
    ]
    numbers = [float(point["v"]) for point in values if point["v"] is not None]
    zero = not numbers or min(numbers) <= 0 or min(numbers) < 0.5 * max(numbers)
    ends = []
    for index, item in enumerate(filled):
        last = next(((at, value) for at, value in reversed(item.points) if value is not None), None)
        if last:
            ends.append({"t": stamp(last[0]), "v": last[1], "s": item.name, "i": index})
    ends = spread(ends, numbers, zero)
    few = len(values) <= 45
    axis = unit or measure
    scale = scale_of(numbers)
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
    places = decimals if decimals is not None else (0 if all(n == int(n) for n in numbers) else decimals_of(numbers))
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
        (head(period_word(speech, bucket)), *(head(name or measure, True, unit) for name in names)),
        tuple(rows),
    )


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
    time_format = TIMES[bucket][0]
    buckets = len({value["t"] for value in values})
    time = {
        "field": "t",
        "type": "temporal",
        "axis": {
            "title": None,
            "grid": False,
            "format": time_format,
            "tickCount": ticks(bucket, buckets, width // (90 if bucket in ("month", "year", "quarter") else 120)),
            "labelOverlap": "greedy",
            "labelSeparation": 14,
            "labelFlush": False,
        },
    }
    height = {
        "field": "v",
        "type": "quantitative",
        "scale": {"zero": zero, "nice": True},
        "axis": {**height_axis(axis), "tickCount": 5 if width > NARROW else 4, **short(scale)},
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
                "data": {"values": [{**end, "s": cut(str(end["s"]), room)} for end in ends]},
                "mark": {"type": "text", "align": "left", "dx": 7, "baseline": "middle", "fontWeight": 600},
                "encoding": {
                    "x": {"field": "t", "type": "temporal"},
                    "y": {"field": "y", "type": "quantitative"},
                    "text": {"field": "s"},
                    "color": colour,
                },
            }
        )
    return {**base(width, 300 if width > NARROW else 230), "data": {"values": values}, "layer": layers}


def spread(ends: list[dict[str, Any]], numbers: Sequence[float], zero: bool) -> list[dict[str, Any]]:
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
