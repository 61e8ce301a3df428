"""A design made into a picture with its words, its table and its files."""

from __future__ import annotations

import csv
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from arengo.errors import OperatorError
from arengo.portal.cells import Cell, Head
from arengo.portal.charts import words
from arengo.portal.charts.design import Design
from arengo.portal.charts.grammar import COLOURS, Look, specification
from arengo.portal.charts.histogram import histogram
from arengo.portal.charts.material import Material, gather
from arengo.portal.charts.plot import MIDDLE, NARROW, WIDE

if TYPE_CHECKING:
    from arengo.portal.dossier import Dossier

KEPT = 96
MOST_BYTES = 3_000_000  # of one specification

__all__ = ["MIDDLE", "NARROW", "WIDE", "Picture", "drawing", "make"]


@dataclass(frozen=True, slots=True)
class Picture:
    """``spec``: the specification for a width; ``told``: the sentence for who does not see it."""

    design: Design
    material: Material
    title: str
    sub: str
    note: str
    told: str
    spec: Callable[[int], dict[str, Any]]
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def empty(self) -> bool:
        return not self.material.marks and not self.material.counts


class _Shelf:
    """The last pictures, by all they depend on."""

    def __init__(self) -> None:
        self._held: OrderedDict[Any, Picture] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, key: Any) -> Picture | None:
        with self._guard:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def put(self, key: Any, value: Picture) -> None:
        with self._guard:
            self._held[key] = value
            while len(self._held) > KEPT:
                self._held.popitem(last=False)


_SHELF = _Shelf()


def make(d: Dossier, design: Design) -> Picture:
    """The picture of a design. Raises what the door raises, and BadQuery when it cannot be drawn."""
    key = (*identity(d, design), d.speech.language, d.speech.country)
    held = _SHELF.get(key)
    if held is None:
        held = _make(d, design)
        _SHELF.put(key, held)
    else:
        d.visit.door.read(d.view, d.visit.caller)  # on record like the first time, where it is not open
    return held


def identity(d: Dossier, design: Design) -> tuple[Any, ...]:
    """Everything a picture depends on, beside the language."""
    beside = ""
    if design.places:
        beside = d.visit.door.view(design.places).identity
    elif design.kind == "map":
        from arengo.portal import place

        beside = "|".join(mark for _item, mark in place.ground(d.visit, d.id))
    return (d.view.identity, beside, tuple(design.pairs()))


def _make(d: Dossier, design: Design) -> Picture:
    x, y = words.axes(d, design) if design.x else ("", "")
    look = Look(design, x, y, d.speech)
    title = words.title(d, design)
    if design.kind == "map" and not design.x:
        from arengo.portal.charts.maps import dots

        spec, material = dots(d, look)
        return _picture(d, design, material, title, spec)
    material = gather(d, design)
    if design.kind == "map":
        from arengo.portal.charts.maps import choropleth

        choropleth(d, look, material, WIDE)  # what does not match is told now
        return _picture(d, design, material, title, lambda width: choropleth(d, look, material, width))
    if design.kind == "histogram":
        return _histogram(d, design, material, title, x)
    return _picture(d, design, material, title, lambda width: specification(material, look, width))


def _picture(
    d: Dossier, design: Design, material: Material, title: str, spec: Callable[[int], dict[str, Any]]
) -> Picture:
    heads, rows = words.table(d, design, material)
    return Picture(
        design, material, title, words.below(d, design, material), design.note, words.told(d, design, material), spec,
        heads, rows,
    )  # fmt: skip


def _histogram(d: Dossier, design: Design, material: Material, title: str, x: str) -> Picture:
    head = d.head(design.x)
    plot = histogram(
        d.speech, title, list(material.edges), list(material.counts), label=design.x_title or head.label,
        unit="" if design.x_title else head.unit, sub=words.below(d, design, material),
        whole=head.kind == "integer" and bool(material.edges)
        and material.edges[-1] - material.edges[0] >= len(material.counts),
        group=not head.code, rows=design.y_title, colour=COLOURS[design.palette or "city"][0], height=design.height,
    )  # fmt: skip
    return Picture(
        design, material, title, plot.sub, design.note, words.told(d, design, material), plot.spec, plot.heads,
        plot.rows,
    )  # fmt: skip


def drawing(d: Dossier, picture: Picture, width: int) -> Markup:
    """The SVG for a page; '' when it could not be drawn, since the table says the same."""
    if picture.empty:
        return Markup("")
    spec = picture.spec(width)
    try:
        svg = d.visit.site.studio.draw(spec, d.speech.vega(), f"{d.id}/{d.shown.number}")
    except OperatorError:
        return Markup("")
    return Markup(svg)  # noqa: S704 - made by our own drawing process, texts escaped there


def as_csv(picture: Picture) -> bytes:
    """The picture's numbers as the rows API writes them: its names, its forms of values, CRLF (RFC 4180)."""
    from arengo.faces.page import text as _text

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(picture.material.names)
    writer.writerows([_text(value) for value in row] for row in picture.material.table)
    return out.getvalue().encode()
