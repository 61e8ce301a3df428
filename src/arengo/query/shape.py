"""Geometry literals: GeoJSON (RFC 7946) to well-known binary, checked before the engine sees it."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

from arengo.errors import BadQuery

Box = tuple[float, float, float, float]
MAX_POSITIONS = 20_000
_CODES = {
    "Point": 1,
    "LineString": 2,
    "Polygon": 3,
    "MultiPoint": 4,
    "MultiLineString": 5,
    "MultiPolygon": 6,
    "GeometryCollection": 7,
}
_PARTS = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}


def read_box(values: Any) -> Box:
    """Four numbers xmin, ymin, xmax, ymax, or six with heights, which are left out. xmin > xmax crosses 180 degrees."""
    numbers = list(values)
    if len(numbers) == 6:
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if len(numbers) != 4 or not all(
        isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) for x in numbers
    ):
        raise BadQuery(
            "A bbox is four finite numbers: xmin,ymin,xmax,ymax.", todo="Longitude first, in degrees (WGS 84)."
        )
    xmin, ymin, xmax, ymax = (float(x) for x in numbers)
    if ymin > ymax:
        raise BadQuery(f"The bbox ends south of where it starts: {ymin} > {ymax}.", todo="Write xmin,ymin,xmax,ymax.")
    return xmin, ymin, xmax, ymax


def halves(box: Box) -> tuple[Box, ...]:
    """A box that crosses the antimeridian as the two it is made of."""
    xmin, ymin, xmax, ymax = box
    if xmin <= xmax:
        return (box,)
    return ((xmin, ymin, 180.0, ymax), (-180.0, ymin, xmax, ymax))


def box_geometry(box: Box) -> dict[str, Any]:
    """A box as a GeoJSON geometry; a flat one becomes the line or point it is."""
    xmin, ymin, xmax, ymax = box
    if xmin == xmax and ymin == ymax:
        return {"type": "Point", "coordinates": [xmin, ymin]}
    if xmin == xmax or ymin == ymax:
        return {"type": "LineString", "coordinates": [[xmin, ymin], [xmax, ymax]]}
    ring = [[xmin, ymin], [xmax, ymin], [xmax, ymax], [xmin, ymax], [xmin, ymin]]
    return {"type": "Polygon", "coordinates": [ring]}


def read_geometry(value: Any) -> tuple[bytes, Box]:
    """A GeoJSON geometry as (little-endian WKB in two dimensions, its box). Raises BadQuery."""
    out = bytearray()
    seen: list[tuple[float, float]] = []
    _write(value, out, seen, 0)
    if not seen:
        raise BadQuery("The geometry has no coordinates.", todo="Write for example POINT(9.19 45.46).")
    xs, ys = [x for x, _ in seen], [y for _, y in seen]
    return bytes(out), (min(xs), min(ys), max(xs), max(ys))


def _write(value: Any, out: bytearray, seen: list[tuple[float, float]], depth: int) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in _CODES or depth > 4:
        raise BadQuery(f"{kind!r} is not a geometry.", todo=f"Known: {', '.join(_CODES)}.")
    out += struct.pack("<BI", 1, _CODES[kind])
    if kind == "GeometryCollection":
        parts = _list(value.get("geometries"))
        out += struct.pack("<I", len(parts))
        for part in parts:
            _write(part, out, seen, depth + 1)
        return
    coordinates = value.get("coordinates")
    if kind in _PARTS:
        parts = _list(coordinates)
        out += struct.pack("<I", len(parts))
        for part in parts:
            _write({"type": _PARTS[kind], "coordinates": part}, out, seen, depth + 1)
        return
    _SIMPLE[kind](coordinates, out, seen)


def _point(value: Any, out: bytearray, seen: list[tuple[float, float]]) -> None:
    parts = _list(value)
    if len(parts) not in (2, 3) or not all(
        isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) for x in parts
    ):
        raise BadQuery("A position is two finite numbers: longitude and latitude.", todo="Write POINT(9.19 45.46).")
    if len(seen) >= MAX_POSITIONS:
        raise BadQuery(f"The geometry has more than {MAX_POSITIONS:,} positions.", todo="Simplify it.")
    x, y = float(parts[0]), float(parts[1])
    seen.append((x, y))
    out += struct.pack("<dd", x, y)


def _line(value: Any, out: bytearray, seen: list[tuple[float, float]]) -> None:
    parts = _list(value)
    if len(parts) < 2:
        raise BadQuery("A line has at least two positions.", todo="")
    out += struct.pack("<I", len(parts))
    for part in parts:
        _point(part, out, seen)


def _polygon(value: Any, out: bytearray, seen: list[tuple[float, float]]) -> None:
    rings = _list(value)
    if not rings:
        raise BadQuery("A polygon has at least one ring.", todo="")
    out += struct.pack("<I", len(rings))
    for ring in rings:
        parts = _list(ring)
        if len(parts) < 4 or _list(parts[0])[:2] != _list(parts[-1])[:2]:
            raise BadQuery("A ring has at least four positions and ends where it starts.", todo="Close the ring.")
        out += struct.pack("<I", len(parts))
        for part in parts:
            _point(part, out, seen)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise BadQuery("The geometry's coordinates are not a list.", todo="Write GeoJSON (RFC 7946).")
    return list(value)


_SIMPLE: dict[str, Callable[[Any, bytearray, list[tuple[float, float]]], None]] = {
    "Point": _point,
    "LineString": _line,
    "Polygon": _polygon,
}


def from_wkb(value: bytes) -> dict[str, Any]:
    """Well-known binary (OGC 06-103r4, section 8; ISO and EWKB heights are left out) as a GeoJSON geometry."""
    found, _ = _read(value, 0)
    return found


def _read(value: bytes, at: int) -> tuple[dict[str, Any], int]:
    order = "<" if value[at] == 1 else ">"
    (code,) = struct.unpack_from(f"{order}I", value, at + 1)
    at += 5
    if code & 0x20000000:  # EWKB: an SRID follows
        at += 4
    width = 2 + bool(code & 0x80000000) + bool(code & 0x40000000)
    plain = code & 0x0FFFFFFF
    width = max(width, {0: 2, 1: 3, 2: 3, 3: 4}[plain // 1000])
    kind = _NAMES[plain % 1000]

    def number() -> int:
        nonlocal at
        (found,) = struct.unpack_from(f"{order}I", value, at)
        at += 4
        return int(found)

    def position() -> list[float]:
        nonlocal at
        found = struct.unpack_from(f"{order}{width}d", value, at)
        at += 8 * width
        return [found[0], found[1]]

    def positions() -> list[list[float]]:
        return [position() for _ in range(number())]

    if kind == "Point":
        return {"type": kind, "coordinates": position()}, at
    if kind == "LineString":
        return {"type": kind, "coordinates": positions()}, at
    if kind == "Polygon":
        return {"type": kind, "coordinates": [positions() for _ in range(number())]}, at
    parts = []
    for _ in range(number()):
        part, at = _read(value, at)
        parts.append(part)
    if kind == "GeometryCollection":
        return {"type": kind, "geometries": parts}, at
    return {"type": kind, "coordinates": [part["coordinates"] for part in parts]}, at


_NAMES = {code: name for name, code in _CODES.items()}
