"""The city's own mark: an SVG of plain drawing and nothing else, or a PNG.

An SVG file can carry script, other documents and requests to other hosts. What is served is written anew from the
elements and attributes below (SVG 2, 1.1 and what editors write), so nothing else can be in it.
"""

from __future__ import annotations

import re
import struct
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from arengo.errors import Place, SettingsError

MOST = 200_000
SVG = "http://www.w3.org/2000/svg"
_ELEMENT = re.compile(
    "svg|g|path|rect|circle|ellipse|line|polyline|polygon|text|tspan|title|desc|defs|linearGradient|radialGradient|"
    "stop|clipPath|mask"
)
_ATTRIBUTE = re.compile(
    "id|viewBox|width|height|x|y|x1|y1|x2|y2|cx|cy|r|rx|ry|fx|fy|d|points|transform|fill|fill-opacity|fill-rule|stroke|"
    "stroke-width|stroke-linecap|stroke-linejoin|stroke-miterlimit|stroke-dasharray|stroke-dashoffset|stroke-opacity|"
    "opacity|color|clip-path|clip-rule|mask|offset|stop-color|stop-opacity|gradientUnits|gradientTransform|"
    "spreadMethod|clipPathUnits|maskUnits|maskContentUnits|preserveAspectRatio|font-family|font-size|font-weight|"
    "font-style|text-anchor|dominant-baseline|letter-spacing|dx|dy|display|visibility"
)
_REFERENCE = re.compile(r"#[\w.-]+")
_OUTSIDE = re.compile(r"url\(\s*['\"]?(?!#)|[\\]|javascript:|data:", re.I)
_LINK = "{http://www.w3.org/1999/xlink}href"
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:px)?")


def read(body: bytes, file: str) -> tuple[bytes, str]:
    """What is served for a logo file, and its media type. Raises SettingsError for what is no plain picture."""
    if len(body) > MOST:
        raise _wrong(f"The logo has {len(body):,} bytes; {MOST:,} is the most.", file, "Save it smaller.")
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        _size_of_png(body, file)
        return body, "image/png"
    return clean(body, file), "image/svg+xml"


def clean(body: bytes, file: str = "logo.svg") -> bytes:
    """The drawing of an SVG file, written anew. Raises SettingsError."""
    if b"\x00" in body[:64] or b"<!DOCTYPE" in body.upper() or b"<!ENTITY" in body.upper():
        raise _wrong("The logo declares a document type or entities.", file, "Save it as plain SVG.")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - without a document type there are no entities to expand
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise _wrong(f"The logo is neither PNG nor SVG: {error}.", file, "Save it as plain SVG or PNG.") from None
    if root.tag != f"{{{SVG}}}svg":
        raise _wrong("The logo is not an SVG document.", file, "Save it as plain SVG or PNG.")
    if not root.get("viewBox"):
        width, height = (_SIZE.fullmatch(root.get(name, "").strip()) for name in ("width", "height"))
        if not width or not height:
            raise _wrong("The logo says neither its viewBox nor its size.", file, "Save it with a viewBox.")
        root.set("viewBox", f"0 0 {width[1]} {height[1]}")
    written = _element(root, top=True, depth=0, file=file)
    return written.encode()


def _element(item: ElementTree.Element, *, top: bool, depth: int, file: str) -> str:
    if depth > 60:
        raise _wrong("The logo nests its shapes too deeply.", file, "Save it as plain SVG.")
    space, _brace, name = str(item.tag).rpartition("}")
    if space == f"{{{SVG}" and name == "use":  # repeated repetitions can be made to grow without end
        raise _wrong("The logo repeats shapes by reference.", file, "Save it as plain shapes, without <use>.")
    if space != f"{{{SVG}" or not _ELEMENT.fullmatch(name):
        return ""  # script, style, foreignObject, image, animation, editors' own
    attributes = f' xmlns="{SVG}"' if top else ""
    for key, value in {**_styles(item.get("style", "")), **item.attrib}.items():
        if key == _LINK:
            key = "href"
        if key == "href":
            kept = bool(name in ("linearGradient", "radialGradient") and _REFERENCE.fullmatch(value))
        else:
            kept = _ATTRIBUTE.fullmatch(key) is not None and not _OUTSIDE.search(value)
        if kept:
            attributes += f" {key}={quoteattr(value)}"
    inner = escape(item.text or "") if name in ("text", "tspan", "title", "desc") else ""
    for child in item:
        inner += _element(child, top=False, depth=depth + 1, file=file) if isinstance(child.tag, str) else ""
        inner += escape(child.tail or "") if name in ("text", "tspan") else ""
    return f"<{name}{attributes}>{inner}</{name}>"


def _styles(text: str) -> dict[str, str]:
    """Declarations of a style attribute as the attributes they stand for; the content policy forbids the former."""
    pairs = (part.partition(":") for part in text.split(";"))
    return {name.strip(): value.strip() for name, _colon, value in pairs if _ATTRIBUTE.fullmatch(name.strip())}


def _size_of_png(body: bytes, file: str) -> None:
    try:
        width, height = struct.unpack(">II", body[16:24])
    except struct.error:
        width = height = 0
    if not 0 < width <= 4000 or not 0 < height <= 4000:
        raise _wrong("The logo is no picture of at most 4,000 by 4,000 pixels.", file, "Save it again as PNG.")


def _wrong(met: str, file: str, todo: str) -> SettingsError:
    return SettingsError(met, todo=todo, place=Place(file=file))
