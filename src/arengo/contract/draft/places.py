"""Where the places of a table are: longitude and latitude, projected coordinates, geometry written as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from arengo.contract.draft.column import Column
from arengo.contract.draft.systems import BOXES, SPOKEN, system
from arengo.contract.draft.words import concepts, exactly, plain
from arengo.contract.model import Kind

_WKT = re.compile(
    r"\s*(?:SRID=(?P<srid>\d+);)?\s*(?P<type>(?:MULTI)?(?:POINT|LINESTRING|POLYGON)|GEOMETRYCOLLECTION)\s*(?:ZM|Z|M)?\s*(?:\(|EMPTY)",
    re.IGNORECASE,
)
_GEOJSON = re.compile(
    r'\s*\{\s*"(?:type|coordinates|crs|bbox)"\s*:.*"type"\s*:\s*"(?P<type>(?:Multi)?(?:Point|LineString|Polygon)|GeometryCollection)"'
    r'|\s*\{\s*"type"\s*:\s*"(?P<type2>(?:Multi)?(?:Point|LineString|Polygon)|GeometryCollection)"',
    re.DOTALL,
)
_WKB = re.compile(r"(?:01|00)(?:0[1-7]0000[028]0|000000[0-9a-f]{2})[0-9A-Fa-f]{30,}", re.IGNORECASE)
_PAIR = re.compile(r"[\[(]?\s*(-?\d{1,3}\.\d{2,})\s*[,;]\s*(-?\d{1,3}\.\d{2,})\s*[\])]?")
_TYPES = {
    "point": "Point", "linestring": "LineString", "polygon": "Polygon", "multipoint": "MultiPoint",
    "multilinestring": "MultiLineString", "multipolygon": "MultiPolygon", "geometrycollection": "GeometryCollection",
}  # fmt: skip


@dataclass(slots=True)
class Found:
    """What was found: a geometry column, or a pair of number columns, and the reference system."""

    column: str = ""
    x: str = ""
    y: str = ""
    crs: str = ""
    types: tuple[str, ...] = ()
    doubts: list[str] = field(default_factory=list)


def geometry_text(column: Column) -> tuple[str, ...]:
    """Geometry types when the column holds WKT, GeoJSON or hexadecimal WKB; () when it does not."""
    values = list(column.told())
    if not values:
        return ()
    types: dict[str, int] = {}
    for text in values:
        found = _WKT.match(text)
        if found:
            column.geometry_format = "WKT"
            if found["srid"]:
                column.options["srid"] = found["srid"]
        else:
            found = _GEOJSON.match(text[:2000]) if text.startswith("{") else None
            if found:
                column.geometry_format = "GeoJSON"
        if found:
            groups = found.groupdict()
            word = (groups.get("type") or groups.get("type2") or "point").casefold()
            types[_TYPES[word]] = types.get(_TYPES[word], 0) + 1
        elif _WKB.fullmatch(text):
            column.geometry_format = "WKB"
            types["Geometry"] = types.get("Geometry", 0) + 1
        else:
            return ()
    return tuple(types)


def coordinate_pair(column: Column) -> bool:
    """Texts such as ``43.61, 3.87``: both coordinates in one cell."""
    values = list(column.told())
    return len(values) >= 3 and all(_PAIR.fullmatch(text) for text in values[:500])


_FIRST = re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*[ ,]\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")


def text_bounds(column: Column) -> tuple[float, float, float, float] | None:
    """Box of the first positions of WKT or GeoJSON texts; None when they cannot be read."""
    found = [_FIRST.search(re.sub(r"^SRID=\d+;", "", text[:400])) for text in list(column.told())[:500]]
    pairs = [(float(item[1]), float(item[2])) for item in found if item]
    if not pairs:
        return None
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    return min(xs), min(ys), max(xs), max(ys)


def find(columns: Sequence[Column], *, country: str, language: str, crs: str = "", hint: str = "") -> Found | None:
    """The place of a row, out of number columns: names first, then ranges. Geometry texts win over neither."""
    pairs = []
    axes = {
        axis: [c for c in columns if c.numbers and axis in concepts(c.name) and _axis_name(c.name, axis)]
        for axis in ("latitude", "longitude", "x", "y")
    }
    for lat_axis, lon_axis in (("latitude", "longitude"), ("y", "x")):
        for lon in axes[lon_axis]:
            lat = _partner(lon, axes[lat_axis])
            if lat is not None:
                pairs.append((lon, lat, lat_axis == "latitude"))
    best: Found | None = None
    for x, y, named in pairs:
        found = _pair(x, y, named, country, language, crs, hint)
        if found is None:
            continue
        if found.crs == "EPSG:4326":
            return found
        best = best or found
    return best


def _axis_name(name: str, axis: str) -> bool:
    """``Cod Y`` and ``Y`` of a crossing are not coordinates unless their numbers say so; codes never are."""
    known = concepts(name)
    return not known & {"code", "id", "year", "email", "street"} or exactly(name, axis)


def _partner(x: Column, ys: Sequence[Column]) -> Column | None:
    """The y that belongs to this x: its name differs least."""
    ys = [y for y in ys if y is not x]  # "EOV Y" is an easting, and a Y
    if not ys:
        return None
    mine = plain(x.name)

    def distance(y: Column) -> tuple[int, int]:
        other = plain(y.name)
        common = len(set(re.findall(r"[a-z0-9]+", mine)) & set(re.findall(r"[a-z0-9]+", other)))
        return -common, abs(x.index - y.index)

    return min(ys, key=distance)


def _range(column: Column) -> tuple[float, float]:
    ordered = sorted(value for value in column.numbers if value != 0)
    if not ordered:
        return (0.0, 0.0)
    cut = len(ordered) // 200
    return ordered[cut], ordered[-1 - cut]


def _inside(column: Column, low: float, high: float) -> float:
    values = [value for value in column.numbers if value != 0]
    return sum(1 for value in values if low <= value <= high) / len(values) if values else 0.0


def _pair(x: Column, y: Column, named: bool, country: str, language: str, crs: str, hint: str) -> Found | None:
    if not any(x.numbers) or not any(y.numbers):
        return None
    if _inside(x, -180, 180) > 0.98 and _inside(y, -90, 90) > 0.98:
        fraction = any(v != int(v) for v in x.numbers[:200]) or any(v != int(v) for v in y.numbers[:200])
        if not fraction or (not named and max(_spread(x), _spread(y)) > 30):
            return None
        found = Found(x=x.name, y=y.name, crs=crs or "EPSG:4326", types=("Point",))
        if not named and _range(x)[0] >= 0 and _range(y)[0] >= 0 and _swapped(x, y, country, language):
            found = Found(x=y.name, y=x.name, crs=crs or "EPSG:4326", types=("Point",))
            found.doubts.append(
                f"{y.name} holds the longitudes and {x.name} the latitudes, other than their names say."
            )
        elif named and _swapped(x, y, country, language):
            found = Found(x=y.name, y=x.name, crs=crs or "EPSG:4326", types=("Point",))
            found.doubts.append(f"Latitude and longitude look swapped: {y.name} was taken as the longitude.")
        return found
    if named and _inside(y, -180, 180) > 0.98 and _inside(x, -90, 90) > 0.98 and _inside(y, -90, 90) < 0.9:
        found = Found(x=y.name, y=x.name, crs=crs or "EPSG:4326", types=("Point",))
        found.doubts.append(f"Latitude and longitude are swapped: {y.name} holds values beyond 90 degrees.")
        return found
    if named and (scaled := _micro(x, y)) is not None:
        return scaled
    return _projected(x, y, named, country, language, crs, hint)


def _spread(column: Column) -> float:
    low, high = _range(column)
    return high - low


def _swapped(x: Column, y: Column, country: str, language: str) -> bool:
    """Does the pair fall into the country only when the axes are exchanged?"""
    several = {"es": "ES MX CO AR CL PE UY BO EC CR GT PY VE PA DO", "pt": "PT BR AO MZ CV", "fr": ""}.get(language)
    if country:
        countries = [country.upper()]
    elif several is not None:
        countries = several.split()
    else:
        countries = [SPOKEN[language]] if language in SPOKEN else []
    boxes = [BOXES[code] for code in countries if code in BOXES]
    straight = max((_inside(x, box[0], box[1]) * _inside(y, box[2], box[3]) for box in boxes), default=1.0)
    crossed = max((_inside(y, box[0], box[1]) * _inside(x, box[2], box[3]) for box in boxes), default=0.0)
    return crossed > 0.9 and straight < 0.1


def _micro(x: Column, y: Column) -> Found | None:
    """Degrees as whole numbers: 41397952 is 41.397952."""
    values = [v for v in (*x.numbers[:500], *y.numbers[:500]) if v]
    if not values or any(v != int(v) for v in values):
        return None
    (x0, x1), (y0, y1) = _range(x), _range(y)
    for power in (6, 7, 5, 4, 3):
        factor = 10.0**-power
        if max(abs(x0), abs(x1)) * factor > 180 or max(abs(y0), abs(y1)) * factor > 90:
            continue
        if max(abs(y0), abs(y1)) * factor < 0.5 and max(abs(x0), abs(x1)) * factor < 0.5:
            continue
        for column in (x, y):
            column.parse["scale"] = factor
            column.kind = Kind.NUMBER
            column.doubts.append(f"Whole numbers were read as degrees times {10**power:,}.")
        return Found(x=x.name, y=y.name, crs="EPSG:4326", types=("Point",))
    return None


def _projected(x: Column, y: Column, named: bool, country: str, language: str, crs: str, hint: str) -> Found | None:
    xr, yr = _range(x), _range(y)
    if max(map(abs, xr)) < 1000 or max(map(abs, yr)) < 1000 or x.distinct < 3 or not (x.numbers and y.numbers):
        return None
    if crs:
        return Found(x=x.name, y=y.name, crs=crs, types=("Point",))
    code, why, swap = system(xr, yr, country, language, f"{x.name} {x.caption} {y.caption} {hint}")
    if not code:
        return Found(
            x=x.name,
            y=y.name,
            types=("Point",),
            doubts=[f"{x.name} and {y.name} look like projected coordinates, but nothing says in which system."],
        )
    found = (
        Found(x=y.name, y=x.name, crs=code, types=("Point",))
        if swap
        else Found(x=x.name, y=y.name, crs=code, types=("Point",))
    )
    if not crs:
        found.doubts.append(f"{code} is a guess ({why}).")
    return found
