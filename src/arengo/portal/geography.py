"""Places without a map library: reads well-known binary, projects, and draws a quiet SVG map.

The drawing is what a reader without JavaScript (or without WebGL, or on paper) sees; MapLibre lays itself over it.
Well-known binary: OGC 06-103r4, 8.2. Projection: Web Mercator (EPSG:3857), as the live map uses.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arengo.portal.language import Speech

Position = tuple[float, float]
_NAMES = {
    1: "Point",
    2: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "MultiLineString",
    6: "MultiPolygon",
    7: "GeometryCollection",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """One geometry as plain parts: points, lines and rings, in longitude and latitude."""

    type: str
    points: tuple[Position, ...] = ()
    lines: tuple[tuple[Position, ...], ...] = ()
    rings: tuple[tuple[Position, ...], ...] = ()

    @property
    def family(self) -> str:
        """dot | path | area."""
        return "area" if self.rings else "path" if self.lines else "dot"

    def positions(self) -> Iterator[Position]:
        yield from self.points
        for part in (*self.lines, *self.rings):
            yield from part

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        found = [place for place in self.positions() if math.isfinite(place[0]) and math.isfinite(place[1])]
        if not found:
            return None
        xs, ys = [place[0] for place in found], [place[1] for place in found]
        return min(xs), min(ys), max(xs), max(ys)


def read(wkb: bytes) -> Shape | None:
    """A shape from WKB or EWKB; None when the bytes are not that. Curves and surfaces are left out."""
    try:
        code, points, lines, rings, _ = _read(wkb, 0)
    except (struct.error, KeyError, IndexError, RecursionError):
        return None
    return Shape(_NAMES[code], tuple(points), tuple(lines), tuple(rings))


_Parts = tuple[int, list[Position], list[tuple[Position, ...]], list[tuple[Position, ...]], int]


def _read(data: bytes, at: int) -> _Parts:
    mark = "<" if data[at] == 1 else ">"
    (raw,) = struct.unpack_from(mark + "I", data, at + 1)
    at += 5
    if raw & 0x20000000:  # EWKB with a reference system
        at += 4
    width = 2 + bool(raw & 0x80000000) + bool(raw & 0x40000000)
    code = raw & 0x0FFFFFFF
    if code >= 1000:
        width = 2 + (2 if code >= 3000 else 1)
        code %= 1000
    points: list[Position] = []
    lines: list[tuple[Position, ...]] = []
    rings: list[tuple[Position, ...]] = []
    if code == 1:
        x, y = struct.unpack_from(mark + "2d", data, at)
        if math.isfinite(x) and math.isfinite(y):
            points.append((x, y))
        at += 8 * width
    elif code == 2:
        line, at = _line(data, at, mark, width)
        lines.append(line)
    elif code == 3:
        (count,) = struct.unpack_from(mark + "I", data, at)
        at += 4
        for _ in range(count):
            ring, at = _line(data, at, mark, width)
            rings.append(ring)
    elif code in (4, 5, 6, 7):
        (count,) = struct.unpack_from(mark + "I", data, at)
        at += 4
        for _ in range(count):
            _code, more, further, others, at = _read(data, at)
            points += more
            lines += further
            rings += others
    else:
        raise KeyError(code)
    return code, points, lines, rings, at


def _line(data: bytes, at: int, mark: str, width: int) -> tuple[tuple[Position, ...], int]:
    (count,) = struct.unpack_from(mark + "I", data, at)
    at += 4
    if at + count * 8 * width > len(data):
        raise IndexError(count)
    numbers = struct.unpack_from(f"{mark}{count * width}d", data, at)
    return tuple(zip(numbers[::width], numbers[1::width], strict=True)), at + count * 8 * width


def describe(wkb: bytes, speech: Speech) -> str:
    """A geometry in a table cell: what it is and where, never its bytes."""
    shape = read(wkb)
    if shape is None:
        return speech._("geometry")
    words = {
        "Point": speech._("point"),
        "MultiPoint": speech._("points"),
        "LineString": speech._("line"),
        "MultiLineString": speech._("lines"),
        "Polygon": speech._("area"),
        "MultiPolygon": speech._("areas"),
    }
    said = words.get(shape.type, speech._("geometry"))
    if shape.type == "Point" and shape.points:
        x, y = shape.points[0]
        return f"{speech.number(y, 5)}; {speech.number(x, 5)}"
    return said


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished map: SVG paths grouped by style class, in a frame of ``width`` by ``height``."""

    width: int
    height: int
    layers: tuple[tuple[str, str], ...]  # (class, path data)
    dots: tuple[tuple[float, float], ...]
    radius: float

    @property
    def strokes(self) -> str:
        """The dots as path data of strokes without a length, which round caps make discs; to half a pixel.

        From neighbour to neighbour in bands, since small steps are short to write and pack well.
        """
        halves = sorted({(round(x * 2), round(y * 2)) for x, y in self.dots}, key=lambda spot: (spot[1] // 12, spot))
        out, last = [], (0, 0)
        for spot in halves:
            out.append(f"m{_step((spot[0] - last[0]) / 2, (spot[1] - last[1]) / 2)}h0")
            last = spot
        return "".join(out)


def draw(
    shapes: Sequence[Shape],
    base: Iterable[tuple[str, Sequence[Shape]]] = (),
    box: tuple[float, float, float, float] | None = None,
    width: int = 800,
    height: int = 520,
) -> Drawing | None:
    """The shapes over the base layers, fitted into the frame with a margin; None when there is nothing to place."""
    box = box or bounds(shapes)
    if box is None:
        return None
    place = _frame(box, width, height)
    layers: list[tuple[str, str]] = []
    for style, items in base:
        parts = [_path(shape, place, width, height, grain=1.5) for shape in items]
        if any(parts):
            layers.append((style, "".join(parts)))
    areas = "".join(_path(shape, place, width, height) for shape in shapes if shape.rings)
    paths = "".join(_path(shape, place, width, height) for shape in shapes if shape.lines)
    if areas:
        layers.append(("area", areas))
    if paths:
        layers.append(("path", paths))
    dots = []
    seen = set()
    for shape in shapes:
        for position in shape.points:
            x, y = place(position)
            spot = (round(x, 1), round(y, 1))
            if spot not in seen and -9 <= x <= width + 9 and -9 <= y <= height + 9:
                seen.add(spot)
                dots.append(spot)
    radius = 5.0 if len(dots) <= 150 else 3.5 if len(dots) <= 800 else 2.2
    return Drawing(width, height, tuple(layers), tuple(dots), radius)


def bounds(shapes: Iterable[Shape]) -> tuple[float, float, float, float] | None:
    boxes = [box for box in (shape.box for shape in shapes) if box]
    if not boxes:
        return None
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def _mercator(latitude: float) -> float:
    bounded = max(-85.05, min(85.05, latitude))
    return math.degrees(math.log(math.tan(math.pi / 4 + math.radians(bounded) / 2)))


def _frame(box: tuple[float, float, float, float], width: int, height: int) -> Any:
    left, right = box[0], box[2]
    bottom, top = _mercator(box[1]), _mercator(box[3])
    wide, high = max(right - left, 0.004), max(top - bottom, 0.004)
    margin = 24
    scale = min((width - 2 * margin) / wide, (height - 2 * margin) / high)
    middle_x, middle_y = (left + right) / 2, (bottom + top) / 2

    def place(position: Position) -> Position:
        return (
            width / 2 + (position[0] - middle_x) * scale,
            height / 2 - (_mercator(position[1]) - middle_y) * scale,
        )

    return place


def _path(shape: Shape, place: Any, width: int, height: int, grain: float = 0.7) -> str:
    """Path data, rounded to what can be seen; points nearer than ``grain`` pixels to the last are dropped.

    Written as steps from point to point (SVG 2, 9.3.4), about half as long as places are.
    """
    places = 1 if grain < 1 else 0
    out = []
    for part, closed in (*((line, False) for line in shape.lines), *((ring, True) for ring in shape.rings)):
        start = last = (0.0, 0.0)
        steps: list[str] = []
        begun = inside = False
        for position in part:
            x, y = place(position)
            inside = inside or (-50 <= x <= width + 50 and -50 <= y <= height + 50)
            spot = (round(x, places), round(y, places))
            if not begun:
                begun, start = True, spot
            elif abs(spot[0] - last[0]) < grain and abs(spot[1] - last[1]) < grain:
                continue
            else:
                steps.append(f"{round(spot[0] - last[0], places):g},{round(spot[1] - last[1], places):g}")
            last = spot
        if inside and steps:
            out.append(f"M{start[0]:g},{start[1]:g}l{' '.join(steps)}{'Z' if closed else ''}")
    return "".join(out)


def _step(x: float, y: float) -> str:
    """A step of a path, written as short as SVG allows: no leading zero, and a minus parts two numbers by itself."""
    first, second = (f"{value:g}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:g}" for value in (x, y))
    return first + second if second[0] == "-" else f"{first},{second}"


def from_row(value: Mapping[str, Any], column: str, x: str, y: str) -> Shape | None:
    """The place of one row: a stored geometry (WKB) or two number columns."""
    if column:
        raw = value.get(column)
        return read(bytes(raw)) if isinstance(raw, bytes | bytearray | memoryview) else None
    east, north = value.get(x), value.get(y)
    if isinstance(east, int | float) and isinstance(north, int | float):
        return Shape("Point", points=((float(east), float(north)),))
    return None
