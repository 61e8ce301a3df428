"""A design as a Vega-Lite specification for others to go on with: clear field names, real colours, no expressions.

``values`` stand in it, or the address of the rows API that gives them as CSV. Names of columns are written so that
Vega-Lite reads them as names and not as paths into an object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arengo.portal.charts.design import Design
from arengo.portal.charts.grammar import COLOURS
from arengo.portal.charts.material import OTHERS, Material
from arengo.portal.drawing import COLOURS as TOKENS

if TYPE_CHECKING:
    from arengo.portal.charts.picture import Picture

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


def portable(picture: Picture, x_title: str, y_title: str, foot: str, accent: str, url: str = "") -> dict[str, Any]:
    """The specification; with ``url`` the data come from there."""
    design, material = picture.design, picture.material
    values = [dict(zip(material.names, (_plain(part) for part in row), strict=True)) for row in material.table]
    data: dict[str, Any] = {"url": url, "format": {"type": "csv"}} if url else {"values": values}
    inks = [accent if name == "accent" else TOKENS[name][1] for name in COLOURS[design.palette or "city"]]
    made: dict[str, Any] = {
        "$schema": SCHEMA,
        "title": {"text": picture.title, "subtitle": [part for part in (picture.sub, foot) if part], "anchor": "start"},
        "description": picture.told,
        "data": data,
        "width": 700,
        **_marks(design, material, x_title, y_title, inks),
    }
    if design.height:
        made["height"] = design.height
    return made


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def named(name: str) -> str:
    """A column's name as a field of Vega-Lite: dots and brackets are letters."""
    return "".join(f"\\{mark}" if mark in "\\.[]'\"" else mark for mark in name)


def _marks(design: Design, material: Material, x_title: str, y_title: str, inks: list[str]) -> dict[str, Any]:
    names = [named(name) for name in material.names]
    colour: dict[str, Any] = {"value": inks[0]}
    if material.series and design.kind != "heat":
        colour = {"field": names[_by(design, material)], "type": "nominal", "scale": {"range": inks}, "title": None}
    if design.kind == "map":
        if design.x:
            return {
                "mark": {"type": "bar"},
                "encoding": {"y": {"field": names[0], "type": "nominal", "sort": "-x", "title": None},
                             "x": {"field": names[-1], "type": "quantitative"}, "color": colour},
            }  # fmt: skip
        return {
            "projection": {"type": "mercator"},
            "mark": {"type": "circle"},
            "encoding": {
                "longitude": {"field": names[0], "type": "quantitative"},
                "latitude": {"field": names[1], "type": "quantitative"},
                "color": {"field": names[2], "type": "nominal", "scale": {"range": inks}}
                if len(names) > 2 else {"value": inks[0]},
            },
        }  # fmt: skip
    if design.kind == "histogram":
        return {
            "mark": {"type": "bar"},
            "encoding": {
                "x": {"field": "from", "type": "quantitative", "bin": "binned", "title": x_title},
                "x2": {"field": "to"},
                "y": {"field": "count", "type": "quantitative", "title": y_title},
                "color": colour,
            },
        }
    along = _along(design, material, names[0], x_title)
    amount = {"field": names[-1], "type": "quantitative", "title": y_title or x_title}
    if design.kind == "scatter":
        return {
            "mark": {"type": "circle", "opacity": 0.6},
            "encoding": {
                "x": {**along, "scale": {"zero": False}},
                "y": {"field": names[1], "type": "quantitative", "title": y_title, "scale": {"zero": False}},
                "color": colour,
            },
        }
    if design.kind == "heat":
        return {
            "mark": {"type": "rect"},
            "encoding": {
                "x": {**along, "type": "ordinal"},
                "y": {"field": names[1], "type": "ordinal", "title": None},
                "color": {"field": names[-1], "type": "quantitative", "scale": {"range": ["#f2efe7", inks[0]]}},
            },
        }
    if design.kind in ("line", "area") or material.x.kind == "time":
        encoding = {"x": along, "y": amount, "color": colour}
        mark = {"type": design.kind if design.kind in ("line", "area") else "bar"}
    else:
        encoding = {"y": {**along, "title": None}, "x": amount, "color": colour}
        mark = {"type": "bar"}
    side = "y" if encoding.get("y") is amount else "x"
    if material.series and design.kind != "line":
        stack = {"share": "normalize", "grouped": None}.get(design.stack, "zero")
        encoding[side] = {**amount, "stack": stack}
        if design.stack == "grouped" and mark["type"] == "bar":
            encoding["yOffset" if side == "x" else "xOffset"] = {"field": names[_by(design, material)]}
    if material.panels:
        facet = names[-2]
        encoding["facet"] = {"field": facet, "type": "nominal", "columns": 3, "title": None}
        return {"mark": mark, "encoding": encoding, "width": 220}
    return {"mark": mark, "encoding": encoding}


def _by(design: Design, material: Material) -> int:
    """Which column of the table holds the colours."""
    return 2 if design.kind == "scatter" else 1


def _along(design: Design, material: Material, name: str, title: str) -> dict[str, Any]:
    if material.x.kind == "time":
        if material.x.bucket in ("week", "quarter"):
            return {"field": name, "type": "ordinal", "title": title or None}
        return {"field": name, "type": "temporal", "title": title or None}
    if material.x.kind == "number":
        return {"field": name, "type": "quantitative", "title": title or None}
    order: list[Any] = list(dict.fromkeys(row[0] for row in material.table if row[0] is not OTHERS))
    return {"field": name, "type": "nominal", "title": title or None, "sort": order if len(order) <= 60 else "-x"}
