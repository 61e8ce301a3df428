"""From the numbers of a design to a Vega-Lite specification: the look of every chart that a reader makes.

Marks carry numbers of series and categories, never their names; names stand in lists of constants that are written as
JSON. So no text of a caller or of a dataset is ever read as an expression or a field path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arengo.portal.charts.design import Design
from arengo.portal.charts.material import Mark, Material
from arengo.portal.charts.period import TIMES, fill, stamp, ticks
from arengo.portal.charts.plot import (
    NARROW,
    base,
    cut,
    decimals_of,
    height_axis,
    literal,
    rounded,
    scale_of,
    short,
)
from arengo.portal.drawing import INK, MEASURED
from arengo.portal.language import Speech

COLOURS: dict[str, tuple[str, ...]] = {
    "city": ("accent", "series-1", "series-3", "series-2", "series-4", "series-5"),
    "blue": ("series-1", "series-2", "series-3", "series-4", "series-5", "accent"),
    "green": ("series-3", "series-2", "series-1", "series-4", "series-5", "accent"),
    "ochre": ("series-2", "series-1", "series-3", "series-4", "series-5", "accent"),
    "violet": ("series-4", "series-3", "series-2", "series-1", "series-5", "accent"),
}
"""Orders of the series colours of tokens.css, told apart under every common colour vision."""
OTHER = "line-strong"
CLASSES = (0.12, 0.3, 0.5, 0.74, 1.0)
"""Shades of a heat map or of areas, from least to most."""
NAMED = 4  # lines that are named at their ends instead of in a legend


@dataclass(frozen=True, slots=True)
class Look:
    """Words and appearance of one drawing."""

    design: Design
    x: str  # words along the horizontal axis
    y: str  # words above the vertical axis
    speech: Speech

    @property
    def mirrored(self) -> bool:
        return self.speech.direction == "rtl"

    @property
    def colours(self) -> tuple[str, ...]:
        return COLOURS[self.design.palette or "city"]


def specification(material: Material, look: Look, width: int) -> dict[str, Any]:
    """The drawing of ``material`` for ``width`` pixels."""
    design = look.design
    if design.kind == "heat":
        return _heat(material, look, width)
    if design.kind == "scatter":
        made = _scatter
    elif design.kind in ("line", "area"):
        made = _lines
    elif material.x.kind == "time":
        made = _columns
    else:
        made = _bars
    if not material.panels:
        inner = made(material, look, width, material.marks)
        return {**base(width, inner.pop("height")), **inner}
    return _panels(material, look, width, made)


def _panels(material: Material, look: Look, width: int, made: Any) -> dict[str, Any]:
    """Small multiples on one scale, each named above."""
    across = 1 if width <= NARROW and len(material.panels) < 3 else 2 if width <= NARROW else 3
    across = min(across, len(material.panels))
    names = look.design.kind == "bar" and material.x.kind == "name"
    axis = min(150, round(width * 0.24)) if names else 46
    gap = 24
    single = max(60, (width - axis - gap * (across - 1)) // across) if names else max(60, width // across - axis)
    inner = made(material, look, single, material.marks, small=True)
    data = inner.pop("data")
    height = inner.pop("height")
    spec = base(width, height)
    for name in ("width", "height", "autosize"):
        spec.pop(name)
    return {
        **spec,
        "data": data,
        "facet": {
            "field": "f",
            "type": "ordinal",
            "header": {
                "title": None,
                "labelExpr": f"({literal(material.panels)})[datum.value]",
                "labelColor": INK["ink"],
                "labelFontSize": MEASURED,
                "labelFontWeight": 600,
                "labelAnchor": "start",
                "labelPadding": 4,
                "labelLimit": single,
            },
            "sort": "ascending",
        },
        "columns": across,
        "spacing": {"row": 26, "column": gap},
        "spec": {"width": single, "height": height, **inner},
    }


def _colour(material: Material, look: Look, *, legend: bool) -> dict[str, Any]:
    """The colour channel over series numbers; one colour when there are none."""
    if not material.series:
        return {"value": INK[look.colours[0]]}
    count = len(material.series)
    inks = [INK[name] for name in look.colours[: count - material.others]]
    if material.others:
        inks.append(INK[OTHER])
    return {
        "field": "s",
        "type": "ordinal",
        "scale": {"domain": list(range(len(inks))), "range": inks},
        "legend": {
            "title": None,
            "orient": "top",
            "direction": "horizontal",
            "columns": 0,
            "labelExpr": f"({literal(material.series)})[datum.value]",
            "labelColor": INK["ink"],
            "labelFontSize": MEASURED,
            "labelLimit": 200,
            "symbolType": "stroke" if look.design.kind == "line" else "square",
            "symbolStrokeWidth": 3 if look.design.kind == "line" else 0,
            "symbolOpacity": 1,
            "offset": 34 if look.design.kind != "bar" or material.x.kind == "time" else 8,
        }
        if legend
        else None,
    }


def _legend(colour: dict[str, Any], material: Material, width: int) -> dict[str, Any]:
    """The legend in as many columns as the longest name has room for."""
    if colour.get("legend"):
        longest = max(len(name) for name in material.series)
        room = max(1, min(len(material.series), int(width // (min(200, longest * 7.8) + 34))))
        colour["legend"]["columns"] = room
    return colour


def _values(marks: Sequence[Mark], *, time: bool) -> list[dict[str, Any]]:
    out = []
    for mark in marks:
        value: dict[str, Any] = {"x": stamp(mark.x) if time else mark.x, "v": mark.v}
        if mark.s >= 0:
            value["s"] = mark.s
        if mark.f >= 0:
            value["f"] = mark.f
        out.append(value)
    return out


def _bars(material: Material, look: Look, width: int, marks: Sequence[Mark], small: bool = False) -> dict[str, Any]:
    """Horizontal bars of categories, plain, stacked, side by side or as shares."""
    names = material.x.names
    mode = look.design.stack or "stacked"
    stacked = bool(material.series) and mode != "grouped"
    share = stacked and mode == "share"
    lanes = len(material.series) if material.series and not stacked else 1
    step = (18 if small else 28) if lanes == 1 else 10 * lanes + 10
    height = look.design.height or max(1, len(names)) * step
    values = _values(marks, time=False)
    if material.series and look.design.function not in ("sum", "count") and stacked:
        stacked, share = False, False  # averages cannot be stacked
        lanes = len(material.series)
        height = look.design.height or len(names) * (10 * lanes + 10)
    if not material.series:
        for value in values:
            value["t"] = look.speech.number(_written(value["v"])) if value["v"] is not None else "–"
    orient = "right" if look.mirrored else "left"
    room = round(width * (0.3 if small else 0.42))
    y: dict[str, Any] = {
        "field": "x",
        "type": "ordinal",
        "scale": {"domain": list(range(len(names))), "paddingInner": 0.3, "paddingOuter": 0.1},
        "axis": {
            "title": None, "domain": False, "ticks": False, "labelColor": INK["ink"], "labelLimit": room,
            "labelExpr": f"({literal(names)})[datum.value]", "orient": orient,
        },
    }  # fmt: skip
    x: dict[str, Any] = {
        "field": "v",
        "type": "quantitative",
        "scale": {"zero": True, "nice": False, "reverse": look.mirrored, "padding": 4},
        "axis": None,
    }
    if material.series:
        x["stack"] = ("normalize" if share else "zero") if stacked else None
        scale = 1 if share else scale_of([value["v"] for value in values if value["v"] is not None])
        x["axis"] = {
            "title": None if share else _axis_words(look.speech, look.x, scale) or None, "orient": "bottom",
            "tickCount": 4 if width > NARROW else 3,
            "format": ".0%" if share else ",~f", "domain": False, "ticks": False, **({} if share else short(scale)),
        }  # fmt: skip
        x["scale"] = {"zero": True, "nice": True, "reverse": look.mirrored}
    colour = _legend(_colour(material, look, legend=True), material, width)
    layer: list[dict[str, Any]] = [{"mark": {"type": "bar"}, "encoding": {"color": colour}}]
    encoding: dict[str, Any] = {"y": y, "x": x}
    if material.series and not stacked:
        encoding["yOffset"] = {"field": "s", "type": "ordinal", "scale": {"paddingInner": 0.08}}
    if material.series:
        layer[0]["encoding"]["order"] = {"field": "s"}
        return {"data": {"values": values}, "height": height, "encoding": encoding, **layer[0] | {
            "encoding": {**encoding, **layer[0]["encoding"]}}}  # fmt: skip
    layer.append(
        {
            "mark": {
                "type": "text", "align": "right" if look.mirrored else "left", "dx": -6 if look.mirrored else 6,
                "baseline": "middle", **({"fontSize": 12} if small else {}),
            },
            "encoding": {"text": {"field": "t"}},
        }
    )  # fmt: skip
    return {"data": {"values": values}, "height": height, "encoding": encoding, "layer": layer}


def _written(value: float) -> float | int:
    """A value at the end of its bar: cents of thousands say nothing."""
    return round(value) if abs(value) >= 1000 else rounded(value)


def _time_axis(material: Material, width: int, marks: Sequence[Mark]) -> dict[str, Any]:
    bucket = material.x.bucket
    most = max(2, width // (90 if bucket in ("month", "year", "quarter") else 120))
    buckets = len({mark.x for mark in marks})
    step = ticks(bucket, buckets, most)
    if step["interval"] == "month":
        step = ticks(bucket, buckets, max(3, width // 80))
    return {
        "title": None,
        "grid": False,
        "format": "%b %Y" if step["interval"] == "month" else TIMES[bucket][0],
        "tickCount": step,
        "labelOverlap": "greedy",
        "labelSeparation": 14,
        "labelFlush": False,
    }


def _columns(material: Material, look: Look, width: int, marks: Sequence[Mark], small: bool = False) -> dict[str, Any]:
    """Upright bars over time, stacked or as shares."""
    design = look.design
    share = bool(material.series) and design.stack == "share"
    adds_up = design.function in ("sum", "count")
    values = _values(marks, time=True)
    numbers = [value["v"] for value in values if value["v"] is not None]
    scale = 1 if share else scale_of(numbers)
    unit = {"hour": "hours", "day": "date", "week": "week", "month": "month", "quarter": "quarter", "year": "year"}
    x: dict[str, Any] = {
        "field": "x", "type": "temporal", "axis": _time_axis(material, width, marks), "bandPosition": 0.5,
        "timeUnit": "yearmonthdatehours" if material.x.bucket == "hour" else "yearweek"
        if material.x.bucket == "week" else "yearmonthdate" if unit[material.x.bucket] == "date"
        else f"year{unit[material.x.bucket]}" if unit[material.x.bucket] != "year" else "year",
    }  # fmt: skip
    grouped = bool(material.series) and (design.stack == "grouped" or not adds_up)
    y = {
        "field": "v", "type": "quantitative", "scale": {"zero": True, "nice": True},
        "stack": None if grouped else "normalize" if share else "zero",
        "axis": {**height_axis("" if share or small else _axis_words(look.speech, look.y, scale)),
                 "tickCount": 3 if small else 5,
                 **({"format": ".0%"} if share else short(scale))},
    }  # fmt: skip
    colour = _legend(_colour(material, look, legend=True), material, width)
    encoding: dict[str, Any] = {"x": x, "y": y, "color": colour}
    if grouped:
        encoding["xOffset"] = {"field": "s", "type": "ordinal"}
    elif material.series:
        encoding["order"] = {"field": "s"}
    height = design.height or (120 if small else 300 if width > NARROW else 230)
    return {"data": {"values": values}, "height": height, "mark": {"type": "bar"}, "encoding": encoding}


def _axis_words(speech: Speech, words: str, scale: int) -> str:
    if scale == 10**6:
        return speech._("millions, %(unit)s", unit=words)
    if scale == 10**9:
        return speech._("thousand millions, %(unit)s", unit=words)
    return words


def _lines(material: Material, look: Look, width: int, marks: Sequence[Mark], small: bool = False) -> dict[str, Any]:
    """Lines or areas over time or over ordered names; a gap is a gap."""
    design = look.design
    area = design.kind == "area" and (design.function in ("sum", "count") or not material.series)
    time = material.x.kind == "time"
    marks = _filled(material, marks, zero=area and bool(material.series)) if time else marks
    values = _values(marks, time=time)
    numbers = [float(value["v"]) for value in values if value["v"] is not None]
    share = area and bool(material.series) and design.stack == "share"
    stacked = area and bool(material.series)
    scale = 1 if share else scale_of(numbers)
    zero = area or not numbers or min(numbers) <= 0 or min(numbers) < 0.5 * max(numbers)
    count = len(material.series)
    named = 1 < count <= NAMED and not small and not look.mirrored
    if time:
        x: dict[str, Any] = {"field": "x", "type": "temporal", "axis": _time_axis(material, width, marks)}
    else:
        x = {
            "field": "x", "type": "ordinal", "scale": {"domain": list(range(len(material.x.names)))},
            "axis": {
                "title": look.x or None, "labelExpr": f"({literal(material.x.names)})[datum.value]", "labelAngle": 0,
                "labelOverlap": "greedy", "ticks": False, "labelLimit": 110,
            },
        }  # fmt: skip
    y = {
        "field": "v", "type": "quantitative", "scale": {"zero": zero, "nice": True},
        "stack": ("normalize" if share else "zero") if stacked else None,
        "axis": {**height_axis("" if share or small else _axis_words(look.speech, look.y, scale)),
                 "tickCount": 3 if small else 5 if width > NARROW else 4,
                 **({"format": ".0%"} if share else short(scale))},
    }  # fmt: skip
    colour = _legend(_colour(material, look, legend=count > 1 and not named), material, width)
    if area:
        mark: dict[str, Any] = {
            "type": "area", "opacity": 0.85 if stacked else 0.3,
            **({} if stacked else {"line": {"color": INK[look.colours[0]], "strokeWidth": 2}}),
            "invalid": "break-paths-filter-domains",
        }  # fmt: skip
    else:
        dots = len(values) <= 45 and not small
        mark = {
            "type": "line", "point": {"size": 26, "filled": True} if dots else False,
            "invalid": "break-paths-filter-domains",
            **({"strokeWidth": 1.6} if small else {}),
        }  # fmt: skip
    encoding: dict[str, Any] = {"x": x, "y": y, "color": colour}
    if stacked:
        encoding["order"] = {"field": "s"}
    layers: list[dict[str, Any]] = [{"mark": mark, "encoding": encoding}]
    if named:
        ends = _stack_ends(values, share) if stacked else _line_ends(values, numbers, zero)
        room = 22 if width > NARROW else 13
        layers.append(
            {
                "data": {"values": [{**end, "n": cut(material.series[end["s"]], room)} for end in ends]},
                "mark": {"type": "text", "align": "left", "dx": 7, "baseline": "middle", "fontWeight": 600},
                "encoding": {
                    "x": {"field": "x", "type": x["type"]},
                    "y": {"field": "y", "type": "quantitative", "stack": None},
                    "text": {"field": "n"},
                    "color": {**colour, "legend": None},
                },
            }
        )
    height = design.height or (120 if small else 300 if width > NARROW else 230)
    return {"data": {"values": values}, "height": height, "layer": layers}


def _filled(material: Material, marks: Sequence[Mark], *, zero: bool) -> list[Mark]:
    """An empty mark for every bucket without one, so that a gap is drawn; nothing is nought where areas are stacked."""
    lines: dict[tuple[int, int], list[tuple[Any, float | None]]] = {}
    for mark in marks:
        lines.setdefault((mark.s, mark.f), []).append((mark.x, mark.v))
    if zero:
        every = sorted({mark.x for mark in marks})
        lines = {
            key: [(at, dict(points).get(at, 0.0)) for at in every] for key, points in lines.items()
        }  # fmt: skip
        return [Mark(at, value, s, f) for (s, f), points in lines.items() for at, value in points]
    return [Mark(at, value, s, f) for (s, f), points in lines.items() for at, value in fill(points, material.x.bucket)]


def _line_ends(values: Sequence[Mapping[str, Any]], numbers: Sequence[float], zero: bool) -> list[dict[str, Any]]:
    """Where each line's name stands: beside its last value, moved apart so that names do not lie on each other."""
    ends: dict[int, dict[str, Any]] = {}
    for value in values:
        if value["v"] is not None:
            last = ends.get(value["s"])
            if last is None or value["x"] >= last["x"]:
                ends[value["s"]] = {"x": value["x"], "y": float(value["v"]), "s": value["s"]}
    if not ends:
        return []
    low = min([0.0, *numbers]) if zero else min(numbers)
    gap = (max(numbers) - low) * 0.065
    level = -float("inf")
    out = []
    for end in sorted(ends.values(), key=lambda item: float(item["y"])):
        level = max(end["y"], level + gap)
        out.append({**end, "y": level})
    return out


def _stack_ends(values: Sequence[Mapping[str, Any]], share: bool) -> list[dict[str, Any]]:
    """The middle of each band at the last moment."""
    if not values:
        return []
    last = max(value["x"] for value in values)
    here = sorted((value for value in values if value["x"] == last), key=lambda value: int(value["s"]))
    whole = sum(value["v"] or 0 for value in here) or 1
    below, out = 0.0, []
    for value in here:
        amount = float(value["v"] or 0)
        middle = below + amount / 2
        out.append({"x": last, "y": middle / whole if share else middle, "s": value["s"]})
        below += amount
    top = 1.0 if share else max(_sums(values).values(), default=1.0)
    level = -float("inf")
    for end in out:
        level = max(end["y"], level + top * 0.065)
        end["y"] = level
    return out


def _sums(values: Sequence[Mapping[str, Any]]) -> dict[Any, float]:
    found: dict[Any, float] = {}
    for value in values:
        found[value["x"]] = found.get(value["x"], 0.0) + (value["v"] or 0)
    return found


def _scatter(material: Material, look: Look, width: int, marks: Sequence[Mark], small: bool = False) -> dict[str, Any]:
    """Dots of single rows, neither axis forced to zero."""
    time = material.x.kind == "time"
    values = sorted(
        _values(marks, time=time),
        key=lambda value: -1 if material.others and value["s"] == len(material.series) - 1 else int(value.get("s", 0)),
    )  # rare ones on top
    many = len(values) > 400
    if time:
        x: dict[str, Any] = {
            "field": "x", "type": "temporal", "axis": {"title": look.x or None, "grid": True, "format": "%b %Y"},
        }  # fmt: skip
    else:
        x = {
            "field": "x", "type": "quantitative", "scale": {"zero": False, "nice": True},
            "axis": {"title": look.x or None, "domain": False, "ticks": False, "format": ",~f",
                     "tickCount": 6 if width > NARROW else 4},
        }  # fmt: skip
    y = {
        "field": "v", "type": "quantitative", "scale": {"zero": False, "nice": True},
        "axis": {**height_axis(look.y), "tickCount": 5},
    }  # fmt: skip
    colour = _legend(_colour(material, look, legend=True), material, width)
    height = look.design.height or (380 if width > NARROW else 280)
    return {
        "data": {"values": values},
        "height": height,
        "mark": {"type": "circle", "size": 16 if many else 34, "opacity": 0.4 if many else 0.65},
        "encoding": {"x": x, "y": y, "color": colour},
    }


def classes(numbers: Sequence[float]) -> list[float]:
    """Upper edges of at most five classes with about as many values each, round enough to be read."""
    held = sorted(set(numbers))
    if len(held) <= len(CLASSES):
        return held
    ordered = sorted(numbers)
    edges = []
    for index in range(1, len(CLASSES)):
        edges.append(_round_up(ordered[min(len(ordered) - 1, len(ordered) * index // len(CLASSES))]))
    edges.append(_round_up(ordered[-1]))
    return list(dict.fromkeys(edges))


def _round_up(value: float) -> float:
    from math import ceil, floor, log10

    if not value:
        return 0.0
    step = 10.0 ** (floor(log10(abs(value))) - 1)
    return round(ceil(round(value / step, 9)) * step, max(0, -floor(log10(step))))


def class_of(value: float, edges: Sequence[float]) -> int:
    return next((index for index, edge in enumerate(edges) if value <= edge), len(edges) - 1)


def class_words(edges: Sequence[float], speech: Speech, numbers: Sequence[float]) -> list[str]:
    """``up to 10``, ``10 – 20``, ... ; the value itself where a class has only one."""
    places = 0 if all(edge == int(edge) for edge in edges) else decimals_of(list(edges))
    if len(set(numbers)) <= len(CLASSES):
        return [speech.number(edge, places) for edge in edges]
    out = []
    for index, edge in enumerate(edges):
        upper = speech.number(edge, places)
        out.append(
            speech._("up to %(n)s", n=upper) if index == 0 else f"{speech.number(edges[index - 1], places)} – {upper}"
        )
    return out


def shades(count: int) -> list[float]:
    """Opacities of ``count`` classes, as far apart as they can be."""
    return list(CLASSES[-count:]) if count < 3 else [CLASSES[round(i * 4 / (count - 1))] for i in range(count)]


def shade_scale(edges: Sequence[float], words: Sequence[str], ink: str, width: int) -> dict[str, Any]:
    """Opacity over class numbers, with a legend of the classes."""
    return {
        "field": "k",
        "type": "ordinal",
        "scale": {"type": "ordinal", "domain": list(range(len(edges))), "range": shades(len(edges))},
        "legend": {
            "title": None, "orient": "top", "direction": "horizontal", "columns": max(2, width // 120), "offset": 10,
            "labelExpr": f"({literal(words)})[datum.value]", "labelFontSize": MEASURED, "labelColor": INK["ink"],
            "symbolType": "square", "symbolFillColor": ink, "symbolStrokeColor": ink, "symbolSize": 150,
            "labelLimit": 180,
        },
    }  # fmt: skip


def _heat(material: Material, look: Look, width: int) -> dict[str, Any]:
    """A field of squares, one a pair of values; empty where there is none."""
    time = material.x.kind == "time"
    moments = sorted({mark.x for mark in material.marks}) if time else []
    names: Sequence[str] = material.x.names
    if time:
        from arengo.portal.charts.period import period

        moments = [at for at, _none in fill([(at, None) for at in moments], material.x.bucket)]
        names = [period(look.speech, at, material.x.bucket) for at in moments]
    at_of = {at: index for index, at in enumerate(moments)}
    numbers = [mark.v for mark in material.marks if mark.v is not None]
    edges = classes(numbers)
    values = [
        {"x": at_of[mark.x] if time else mark.x, "y": mark.s, "k": class_of(mark.v, edges)}
        for mark in material.marks
        if mark.v is not None
    ]
    ink = INK[look.colours[0]]
    rows = len(material.series)
    height = look.design.height or max(60, rows * (26 if rows <= 20 else 18))
    across = max(1, len(names))
    room = width * 0.7 / across
    step = next(
        (n for n in (1, 2, 3, 4, 6, 12, 24, 48) if room * n >= min(90, 9 * max(map(len, names), default=1))), 48
    )
    return {
        **base(width, height),
        "data": {"values": values},
        "mark": {"type": "rect", "fill": ink, "stroke": INK["paper"], "strokeWidth": 1 if room > 6 else 0},
        "encoding": {
            "x": {
                "field": "x", "type": "ordinal",
                "scale": {"domain": list(range(across)), "reverse": look.mirrored, "padding": 0},
                "axis": {
                    "title": look.x or None, "labelExpr": f"({literal(names)})[datum.value]", "labelAngle": 0,
                    "values": list(range(0, across, step)), "ticks": False, "domain": False, "labelLimit": 100,
                    "labelOverlap": "greedy", "labelAlign": "center",
                },
            },
            "y": {
                "field": "y", "type": "ordinal", "scale": {"domain": list(range(rows)), "padding": 0},
                "axis": {
                    "title": None, "labelExpr": f"({literal(material.series)})[datum.value]", "ticks": False,
                    "domain": False, "labelColor": INK["ink"], "labelLimit": round(width * 0.3),
                    "orient": "right" if look.mirrored else "left",
                },
            },
            "opacity": shade_scale(edges, class_words(edges, look.speech, numbers), ink, width),
        },
    }  # fmt: skip
