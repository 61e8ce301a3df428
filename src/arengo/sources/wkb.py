"""GeoJSON geometries (RFC 7946 section 3.1) to Well-Known Binary (OGC 06-103r4 section 8, ISO Z codes)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

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
NAMES = frozenset(_CODES)


class Extent:
    """Types and bounds met so far, in source coordinates."""

    def __init__(self) -> None:
        self.types: dict[str, None] = {}
        self.box: list[float] = []

    def add(self, points: Sequence[Sequence[float]]) -> None:
        xs = [point[0] for point in points]
        ys = [point[1] for point in points]
        low_x, low_y, high_x, high_y = min(xs), min(ys), max(xs), max(ys)
        if not self.box:
            self.box = [low_x, low_y, high_x, high_y]
        else:
            old = self.box
            self.box = [min(old[0], low_x), min(old[1], low_y), max(old[2], high_x), max(old[3], high_y)]

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        return (self.box[0], self.box[1], self.box[2], self.box[3]) if self.box else None


def encode(geometry: Any, extent: Extent | None = None) -> bytes | None:
    """WKB of one GeoJSON geometry, None for a null or empty one. Raises ValueError with a sentence when it is none."""
    if geometry is None:
        return None
    if not isinstance(geometry, dict) or geometry.get("type") not in _CODES:
        kind = geometry.get("type") if isinstance(geometry, dict) else type(geometry).__name__
        raise ValueError(f"{kind!r} is no GeoJSON geometry.")
    kind = geometry["type"]
    if extent is not None:
        extent.types[kind] = None
    if kind == "GeometryCollection":
        parts = [part for part in map(encode, geometry.get("geometries") or ()) if part]
        return struct.pack("<BII", 1, 7, len(parts)) + b"".join(parts) if parts else None
    coordinates = geometry.get("coordinates")
    if not coordinates:
        return None
    try:
        return _encode(kind, coordinates, extent)
    except (TypeError, struct.error, IndexError) as error:
        raise ValueError(f"The coordinates of this {kind} are not lists of numbers.") from error


def _encode(kind: str, coordinates: Any, extent: Extent | None) -> bytes:
    if kind in _PARTS:
        parts = [_encode(_PARTS[kind], part, extent) for part in coordinates if part]
        # The members' own type code says whether they hold a third coordinate (1000 is added by ISO WKB).
        code = _CODES[kind] + (1000 if parts and parts[0][2] >= 3 else 0)
        return struct.pack("<BII", 1, code, len(parts)) + b"".join(parts)
    rings: list[Any] = coordinates if kind == "Polygon" else [[coordinates] if kind == "Point" else coordinates]
    size = 3 if all(len(point) >= 3 for ring in rings for point in ring) else 2
    packed = []
    for ring in rings:
        if extent is not None:
            extent.add(ring)
        flat = tuple(chain.from_iterable(point[:size] for point in ring))
        if len(flat) != size * len(ring):
            raise ValueError(f"A position of this {kind} has fewer than two numbers.")
        packed.append((len(ring), struct.pack(f"<{len(flat)}d", *flat)))
    head = struct.pack("<BI", 1, _CODES[kind] + (1000 if size == 3 else 0))
    if kind == "Point":
        return head + packed[0][1]
    if kind == "LineString":
        return head + struct.pack("<I", packed[0][0]) + packed[0][1]
    body = b"".join(struct.pack("<I", count) + ring for count, ring in packed)
    return head + struct.pack("<I", len(packed)) + body
