"""Maps that a chart can be: areas coloured by a number, and places as dots.

Positions are longitude and latitude in Web Mercator (EPSG:3857), as on every other map here. Rings are turned
clockwise, the way the drawing library fills them (RFC 7946, 3.1.6 asks for the other way round in files).
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from arengo.contract.model import Kind
from arengo.errors import BadQuery
from arengo.portal import place
from arengo.portal.charts.grammar import COLOURS, OTHER, Look, class_of, class_words, classes, shade_scale
from arengo.portal.charts.material import SERIES, Material, _Dimension, _key, _largest, sample
from arengo.portal.charts.plot import CONFIG, NARROW, literal
from arengo.portal.drawing import INK, MEASURED
from arengo.query.model import Aggregate, Query

if TYPE_CHECKING:
    from arengo.door import View
    from arengo.portal.dossier import Dossier

Box = tuple[float, float, float, float]
AREAS = 600
ENOUGH = 0.6  # share of the values that must be found among the areas
GRAIN = 1 / 900  # of the map's width: nearer points of an outline are dropped


@dataclass(frozen=True, slots=True)
class Area:
    """``names``: what it is called in each column that could name it; ``shape``: GeoJSON."""

    names: Mapping[str, str]
    shape: Mapping[str, Any]


def areas(d: Dossier, dataset: str) -> tuple[list[Area], str]:
    """The areas of a dataset and its title. Raises BadQuery when it has none."""
    view = d.visit.door.view(dataset, d.visit.as_of if dataset == d.id else "")
    geometry = view.geometry
    if geometry is None or not geometry.stored:
        raise BadQuery(f"{dataset} has no areas.", todo="Choose a dataset of districts.")
    named = [name for name, item in view.scope.fields.items() if item.kind in (Kind.STRING, Kind.INTEGER)]
    asked = Query(dataset, select=(*named, geometry.column), limit=AREAS, as_of=str(view.version.number))
    found = []
    for row in d.visit.door.ask(asked).rows("geojson"):
        if row[-1] is None:
            continue
        shape = orjson.loads(row[-1])
        if shape.get("type") in ("Polygon", "MultiPolygon"):
            found.append(Area({name: str(value) for name, value in zip(named, row, strict=False)}, shape))
    if not found:
        raise BadQuery(f"{dataset} has no areas.", todo="Choose a dataset of districts.")
    return found, view.contract.title(d.speech.language)


def matching(values: Iterable[str], found: Sequence[Area]) -> str:
    """The column of the areas that names most of ``values``, '' when none names enough."""
    wanted = {folded(value) for value in values}
    if not wanted or not found:
        return ""
    best, share = "", 0.0
    for name in found[0].names:
        known = {folded(area.names[name]) for area in found}
        hit = len(wanted & known) / len(wanted)
        if hit > share and len(known) > 0.6 * len(found):
            best, share = name, hit
    return best if share >= ENOUGH else ""


def folded(text: str) -> str:
    """A name without case, accents and leading zeros."""
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(mark))
    plain = " ".join(plain.split())
    return plain.lstrip("0") if plain.isdigit() else plain


def choropleth(d: Dossier, look: Look, material: Material, width: int) -> dict[str, Any]:
    """Areas in shades of the amounts. Raises BadQuery when the names do not match."""
    design = look.design
    found, _title = areas(d, design.places)
    # The values as stored, not as written for a reader: codes keep their zeros.
    raw = {mark.x: mark.v for mark in material.marks}
    names = dict(enumerate(material.x.names))
    column = matching(names.values(), found)
    if not column:
        raise BadQuery(
            f"The values of {design.x} are not found among the areas of {design.places}.",
            todo="Choose another column or another dataset of areas.",
        )
    by_name = {folded(names[at]): value for at, value in raw.items() if value is not None}
    numbers = list(by_name.values())
    edges = classes(numbers)
    box = bounds([area.shape for area in found])
    ink = INK[look.colours[0]]
    filled, empty = [], []
    for area in found:
        shape = drawn(area.shape, box)
        value = by_name.get(folded(area.names[column]))
        if value is None:
            empty.append({"type": "Feature", "geometry": shape, "properties": {}})
        else:
            filled.append({"type": "Feature", "geometry": shape, "k": class_of(value, edges)})
    words = class_words(edges, look.speech, numbers)
    layers: list[dict[str, Any]] = []
    if empty:
        layers.append(
            {
                "data": {"values": empty},
                "mark": {"type": "geoshape", "fill": INK["line"], "fillOpacity": 0.35, "stroke": INK["line-strong"]},
            }
        )
    layers.append(
        {
            "data": {"values": filled},
            "mark": {"type": "geoshape", "fill": ink, "strokeWidth": 0},
            "encoding": {"opacity": shade_scale(edges, words, ink, width)},
        }
    )
    layers.append(
        {
            "data": {"values": filled},
            "mark": {"type": "geoshape", "filled": False, "stroke": INK["line-strong"], "strokeWidth": 0.8},
        }
    )
    return _map(layers, box, width, design.height)


def dots(d: Dossier, look: Look) -> tuple[Any, Material]:
    """Places as dots: a maker of the specification for a width, and what stands in the table."""
    design = look.design
    geometry = d.view.geometry
    if geometry is None:
        raise BadQuery(f"{d.title} has no places.", todo="Choose another kind of chart, or a dataset of areas.")
    by = _Dimension(d, design.by, "") if design.by else None
    series: list[Any] = []
    if by is not None:
        if by.time:
            raise BadQuery("Colours of places are names, not times.", todo="Choose another column.")
        series, _more = _largest(d, design, by, Aggregate("count"), (), design.series or SERIES, unknown=False)
    names = [geometry.column] if geometry.stored else [geometry.x, geometry.y]
    rows, whole = sample(
        d, design, (*names, *([by.head.name] if by else [])), [place._placed(d.view, geometry)], place.DRAWN
    )
    colour = {_key(value): index for index, value in enumerate(series)}
    positions: list[dict[str, Any]] = []
    counts: dict[int, int] = {}
    for row in rows:
        spot = _position(row, geometry.stored)
        if spot is None:
            continue
        s = colour.get(_key(row[-1]), len(series)) if by is not None else 0
        counts[s] = counts.get(s, 0) + 1
        positions.append({"lon": spot[0], "lat": spot[1], "s": s})
    positions.sort(key=lambda item: -1 if by is not None and item["s"] == len(series) else int(item["s"]))
    said = [by.say(value) for value in series] if by is not None else [d.visit._("Places")]
    if by is not None and counts.get(len(series)):
        said.append(d.visit._("others"))
    notes = []
    if len(rows) < whole:
        notes.append(
            d.visit._(
                "%(n)s of %(all)s rows are drawn, evenly chosen",
                n=d.speech.number(len(rows)), all=d.speech.number(whole),
            )
        )  # fmt: skip
    if not positions:
        raise BadQuery("No row with a place fits.", todo="Take a filter away.")
    box = _around(positions)
    ground = [
        {"type": "Feature", "geometry": {"type": "MultiLineString", "coordinates": lines}, "properties": {}}
        for item, _identity in place.ground(d.visit, d.id)[:2]
        if item.style == "base-area"
        for shape in place._ground(d.visit, item, box)
        if (lines := [_thin(ring, box) for ring in shape.rings])
    ]
    inks = [INK[name] for name in COLOURS[design.palette or "city"][: len(series) or 1]] + [INK[OTHER]]

    def spec(width: int) -> dict[str, Any]:
        layers: list[dict[str, Any]] = []
        if ground:
            layers.append(
                {
                    "data": {"values": ground},
                    "mark": {"type": "geoshape", "filled": False, "stroke": INK["line-strong"], "strokeWidth": 0.7,
                             "strokeOpacity": 0.7, "clip": True},
                }
            )  # fmt: skip
        legend: Any = None
        if by is not None:
            legend = {
                "title": None, "orient": "top", "direction": "horizontal", "labelFontSize": MEASURED, "offset": 8,
                "labelColor": INK["ink"], "labelExpr": f"({literal(said)})[datum.value]", "symbolType": "circle",
                "symbolOpacity": 1, "columns": max(1, int(width // (max(map(len, said)) * 7.8 + 34))),
            }  # fmt: skip
        size = 40 if len(positions) <= 150 else 22 if len(positions) <= 800 else 9
        layers.append(
            {
                "data": {"values": positions},
                "mark": {"type": "circle", "size": size, "opacity": 0.75, "clip": True},
                "encoding": {
                    "longitude": {"field": "lon", "type": "quantitative"},
                    "latitude": {"field": "lat", "type": "quantitative"},
                    "color": {
                        "field": "s", "type": "ordinal", "legend": legend,
                        "scale": {"domain": list(range(len(said))), "range": inks[: len(said)]},
                    },
                },
            }
        )  # fmt: skip
        return _map(layers, box, width, design.height)

    from arengo.portal.charts.material import Axis, Mark

    head = by.head if by is not None else d.heads[0]
    material = Material(
        Axis("name", head, tuple(said)),
        tuple(Mark(index, float(counts.get(index, 0))) for index in range(len(said))),
        notes=tuple(notes),
        names=("lon", "lat", *([by.head.name] if by else [])),
        table=tuple((item["lon"], item["lat"], *([said[item["s"]]] if by else [])) for item in positions),
    )
    return spec, material


def _position(row: Sequence[Any], stored: bool) -> tuple[float, float] | None:
    if stored:
        from arengo.portal import geography

        shape = geography.read(bytes(row[0])) if row[0] is not None else None
        box = shape.box if shape else None
        return (round((box[0] + box[2]) / 2, 6), round((box[1] + box[3]) / 2, 6)) if box else None
    if row[0] is None or row[1] is None or not (math.isfinite(row[0]) and math.isfinite(row[1])):
        return None
    return round(float(row[0]), 6), round(float(row[1]), 6)


def _around(positions: Sequence[Mapping[str, Any]]) -> Box:
    """The box of nearly all places: one lost at sea does not make the city a dot."""
    lons = sorted(item["lon"] for item in positions)
    lats = sorted(item["lat"] for item in positions)
    low, high = int(len(lons) * 0.005), len(lons) - 1 - int(len(lons) * 0.005)
    west, east, south, north = lons[low], lons[high], lats[low], lats[high]
    margin = max(0.03 * max(east - west, north - south), 0.002)
    return west - margin, south - margin, east + margin, north + margin


def _map(layers: list[dict[str, Any]], box: Box, width: int, asked: int) -> dict[str, Any]:
    """Layers in one projection that fits ``box`` into the frame."""
    east, north = math.radians(box[2]), _mercator(box[3])
    west, south = math.radians(box[0]), _mercator(box[1])
    wide, high = max(east - west, 1e-6), max(north - south, 1e-6)
    height = asked or round(min(560 if width > NARROW else 420, max(200, width * high / wide)))
    scale = 0.98 * min(width / wide, height / high)
    centre = [(box[0] + box[2]) / 2, math.degrees(2 * math.atan(math.exp((north + south) / 2)) - math.pi / 2)]
    return {
        "width": width,
        "height": height,
        "autosize": {"type": "pad", "contains": "content"},
        "config": CONFIG,
        "projection": {"type": "mercator", "scale": scale, "center": centre, "translate": [width / 2, height / 2]},
        "layer": layers,
    }


def _mercator(latitude: float) -> float:
    bounded = max(-85.05, min(85.05, latitude))
    return math.log(math.tan(math.pi / 4 + math.radians(bounded) / 2))


def bounds(shapes: Iterable[Mapping[str, Any]]) -> Box:
    xs, ys = [], []
    for shape in shapes:
        for polygon in _polygons(shape):
            for x, y, *_z in polygon[0]:
                xs.append(x)
                ys.append(y)
    return min(xs), min(ys), max(xs), max(ys)


def _polygons(shape: Mapping[str, Any]) -> list[Any]:
    return [shape["coordinates"]] if shape["type"] == "Polygon" else list(shape["coordinates"])


def drawn(shape: Mapping[str, Any], box: Box) -> dict[str, Any]:
    """The shape with fewer points and its rings turned for the drawing library."""
    out = []
    for polygon in _polygons(shape):
        rings = [_thin(ring, box) for ring in polygon]
        rings = [_turned(ring, clockwise=index == 0) for index, ring in enumerate(rings) if len(ring) >= 4]
        if rings:
            out.append(rings)
    return {"type": "MultiPolygon", "coordinates": out}


def _thin(ring: Sequence[Sequence[float]], box: Box) -> list[list[float]]:
    grain = (box[2] - box[0]) * GRAIN
    out: list[list[float]] = []
    for position in ring:
        x, y = float(position[0]), float(position[1])
        if not out or abs(x - out[-1][0]) > grain or abs(y - out[-1][1]) > grain:
            out.append([round(x, 6), round(y, 6)])
    if out and out[0] != out[-1] and list(ring[0])[:2] == list(ring[-1])[:2]:
        out.append(out[0])
    return out


def _turned(ring: list[list[float]], *, clockwise: bool) -> list[list[float]]:
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    return ring if (area < 0) == clockwise else ring[::-1]


def district_sets(d: Dossier) -> list[tuple[str, str]]:
    """Open datasets of the city that have areas: id and title."""
    from arengo.errors import ArengoError

    out = []
    for entry in d.visit.site.catalogue.entries(limit=None).items:
        version = entry.version
        geometry = version.geometry if version else None
        if version is None or geometry is None or not geometry.stored or entry.contract.access != "open":
            continue
        types = set(geometry.types) or {""}
        if version.rows > AREAS or not types & {"Polygon", "MultiPolygon", ""}:
            continue
        try:
            view: View = d.visit.door.view(entry.id)
        except ArengoError:
            continue
        if view.geometry is not None:
            out.append((entry.id, entry.contract.title(d.speech.language)))
    return out
