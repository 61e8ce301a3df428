"""Maps: the still drawing every reader gets, the page with map and list, and what the live map needs to know."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import Response

from arengo.contract.model import Contract, Geometry, Kind
from arengo.errors import ArengoError
from arengo.portal import geography
from arengo.portal.cells import Cell, Head, Writer, coded
from arengo.portal.dossier import Dossier
from arengo.portal.geography import Drawing, Shape
from arengo.portal.row import row_link
from arengo.portal.visit import Visit
from arengo.query import cql2
from arengo.query.model import Expr, Query
from arengo.query.notation import both

if TYPE_CHECKING:
    from arengo.door import View

DRAWN = 2500  # places in a still drawing; more would be ink without meaning
LISTED = 60
GROUND = 500
CANDIDATES = 8  # columns among which those are chosen that tell the listed places apart
TOLD = 12  # facts in a popup
STEP = 987654321  # stands in a sampling condition where the live map writes its own step
BASE_TAGS = frozenset({"base map", "base-map", "basemap"})
_TITLE = re.compile(r"(^|_)(name|nome|nom|nombre|title|titolo|titre|titulo|label|denominazione|libelle)($|_)", re.I)
_WATER = re.compile(r"(^|[-_])(water|waters|river|rivers|lakes|acqua|acque|fiumi|eau|eaux|agua|rios)($|[-_])", re.I)

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Picture:
    """A still map with its words. ``drawing`` None: no row has a place."""

    drawing: Drawing | None
    words: str
    counts: tuple[tuple[str, str], ...]  # (dot | path | area, "1,204 places")
    base: str
    note: str
    box: Box | None
    places: int = 0  # rows that have a place
    without: int = 0  # rows that have none


@dataclass(frozen=True, slots=True)
class Ground:
    """A dataset of the city that lies under other maps."""

    dataset: str
    title: str
    style: str  # base-area | base-line | base-water


class Drawings:
    """The last drawings, by what they depend on."""

    def __init__(self, most: int = 48) -> None:
        self._held: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._most = most
        self._guard = threading.Lock()

    def get(self, key: tuple[Any, ...]) -> Any:
        with self._guard:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def put(self, key: tuple[Any, ...], value: Any) -> None:
        with self._guard:
            self._held[key] = value
            while len(self._held) > self._most:
                self._held.popitem(last=False)


_DRAWINGS = Drawings()


def picture(d: Dossier, search: str = "", width: int = 800, height: int = 520) -> Picture | None:
    """The still map of a dataset; None when it has no geometry."""
    geometry = d.view.geometry
    if geometry is None:
        return None
    bbox = d.profile.get("bbox")
    box: Box | None = tuple(bbox) if bbox and not search else None
    grounds = ground(d.visit, d.id)
    key = (d.view.identity, search, width, height, tuple((item.dataset, identity) for item, identity in grounds))
    held = _DRAWINGS.get(key)
    if held is None:
        shapes, complete = _shapes(d, geometry, search, box)
        box = box or geography.bounds(shapes)
        base = [(item.style, _ground(d.visit, item, box)) for item, _identity in grounds] if box else []
        drawing = geography.draw(shapes, base, box, width, height)
        families: dict[str, int] = {}
        for shape in shapes:
            families[shape.family] = families.get(shape.family, 0) + 1
        held = (drawing, families, complete, box, *_counted(d, geometry, search))
        _DRAWINGS.put(key, held)
    drawing, families, complete, box, places, without = held
    _ = d.visit._
    many = {
        "dot": lambda n: d.speech.many("%(n)s place", "%(n)s places", n),
        "path": lambda n: d.speech.many("%(n)s line", "%(n)s lines", n),
        "area": lambda n: d.speech.many("%(n)s area", "%(n)s areas", n),
    }
    counts = tuple((family, many[family](n)) for family, n in families.items())
    note = ""
    if not complete:  # a sample is drawn, and only the whole is a number
        note = _("an even part of them is drawn")
        family = max(families, key=lambda name: families[name], default="dot")
        counts = ((family, (many[family] if len(families) == 1 else many["dot"])(places)),)
    names = ", ".join(item.title for item, _identity in grounds)
    words = _(
        "Map of %(title)s: %(counts)s.",
        title=d.title,
        counts=", ".join(w for _f, w in counts),
    )
    return Picture(drawing, words, counts, names, note, box, places, without)


def _placed(view: View, geometry: Geometry) -> Expr:
    """The condition that a row has a place."""
    names = (geometry.x, geometry.y) if geometry.x in view.scope.fields else (geometry.column,)
    parts: list[Expr] = [{"op": "not", "args": [{"op": "isNull", "args": [{"property": name}]}]} for name in names]
    return both(*parts)


def _counted(d: Dossier, geometry: Geometry, search: str) -> tuple[int, int]:
    """How many rows have a place, and how many have none."""
    query = Query(d.id, select=tuple(d.view.scope.key[:1]), search=search, limit=1, as_of=d.visit.as_of, count=True)
    every = d.visit.door.ask(query).matched if search else (d.version.rows if d.version else 0)
    places = d.visit.door.ask(replace(query, filter=_placed(d.view, geometry))).matched
    return int(places or 0), int(every or 0) - int(places or 0)


def one(d: Dossier, shape: Shape, title: str) -> Picture | None:
    """A still map of a single row, with some ground around it."""
    box = shape.box
    if box is None:
        return None
    reach = max(box[2] - box[0], box[3] - box[1], 0.008)
    wide = (box[0] - reach / 2, box[1] - reach / 2, box[2] + reach / 2, box[3] + reach / 2)
    grounds = ground(d.visit, "")
    base = [(item.style, _ground(d.visit, item, wide)) for item, _identity in grounds]
    drawing = geography.draw([shape], base, wide, 480, 320)
    return Picture(drawing, title, (), ", ".join(item.title for item, _identity in grounds), "", wide)


def page(visit: Visit) -> Response:
    """``/datasets/{id}/map``: the map and, beside it, the same places as a list."""
    from arengo.errors import NotAcceptable

    d = Dossier(visit, visit.request.path_params["dataset"])
    geometry = d.view.geometry
    if geometry is None:
        raise NotAcceptable(f"{d.title} has no places.", todo="Its table and charts are on the other pages.")
    grounds = ground(visit, d.id)
    known = visit.unchanged(*d.mark, [identity for _item, identity in grounds])
    if known:
        return known
    search, cursor = visit.param("q"), visit.param("cursor")
    found = picture(d, search)
    assert found is not None
    columns = [item for item in d.heads if item.kind not in (Kind.GEOMETRY, Kind.JSON)]
    title, facts = title_columns(d.contract, columns, d.profile, CANDIDATES)
    names = tuple(dict.fromkeys([*d.view.scope.key, *([title.name] if title else []), *(item.name for item in facts)]))
    place = (geometry.column,) if geometry.stored else (geometry.x, geometry.y)
    answer = visit.door.ask(
        Query(
            d.id,
            select=tuple(dict.fromkeys((*names, *place))),
            filter=_placed(d.view, geometry),
            order_by=d.order,
            search=search,
            limit=LISTED,
            cursor=cursor,
            as_of=visit.as_of,
        )
    )
    rows = [dict(zip((item.name for item in answer.columns), row, strict=True)) for row in answer.rows()]
    told = [item for item in columns if item is not title and item.name not in d.view.scope.key]
    told = [*[item for item in columns if item not in told], *told[:TOLD]]
    labels = {item.name: [item.label, item.unit] for item in columns if item in told}
    asked = {"f": "geojson", "select": ",".join(_listed(name) for name in labels)}
    asked |= {name: value for name, value in (("search", search), ("as_of", visit.as_of)) if value}
    sample = _sampled(d.view, geometry, STEP)
    values = {
        "d": d,
        "tab": "map",
        "tab_title": visit._("Map"),
        "m": found,
        "q": search,
        "places": _places(d, rows, geometry, title, facts),
        "range_words": d.speech.many("%(n)s place", "%(n)s places", found.places),
        "without": d.speech.many("%(n)s row has no place", "%(n)s rows have no place", found.without)
        if found.without
        else "",
        "after": visit.here(cursor=answer.next_cursor) if answer.next_cursor else "",
        "source": f"/api/v1/datasets/{d.id}/rows?{urlencode(asked)}",
        "bounds": ",".join(f"{part:.6f}" for part in found.box) if found.box else "",
        "base_urls": json.dumps(
            [[f"/api/v1/datasets/{item.dataset}/rows?f=geojson&limit=5000", item.style] for item, _i in grounds]
        ),
        "title_column": title.name if title else "",
        "labels": json.dumps(labels, ensure_ascii=False),
        "key_columns": json.dumps(list(d.view.scope.key)),
        "row_path": f"/datasets/{d.id}/rows/",
        "sample": cql2.to_text(sample) if sample else "",
        "words": json.dumps(
            {
                "row": visit._("Open this row"),
                "none": visit._("no value"),
                "yes": visit._("yes"),
                "no": visit._("no"),
                "close": visit._("Close"),
                "zoomIn": visit._("Zoom in"),
                "zoomOut": visit._("Zoom out"),
                "map": visit._("Map; arrow keys move it, plus and minus zoom"),
                "more": visit._("{n} of the {all} in view are drawn. Zoom in to see all."),
                "failed": visit._("The places could not be fetched. The drawing and the list still hold."),
            },
            ensure_ascii=False,
        ),
    }
    return visit.page("map.html", values)


def _listed(name: str) -> str:
    """A column in a comma list of the rows API."""
    return f'"{name}"' if "," in name else name


def title_columns(
    contract: Contract, columns: Sequence[Head], profile: Mapping[str, Any] | None = None, most: int = 2
) -> tuple[Head | None, list[Head]]:
    """The column a place is called by, and up to ``most`` that say what it is. One value for all says nothing."""
    known = (profile or {}).get("columns", {})
    constant = {name for name, found in known.items() if found.get("distinct") is not None and found["distinct"] <= 1}
    columns = [item for item in columns if item.key or item.name not in constant] or list(columns)
    texts = [item for item in columns if item.kind is Kind.STRING]
    named = [item for item in texts if _TITLE.search(item.name)]
    spoken = [item for item in texts if not item.key and not coded(item.name)]
    key = [item for item in columns if item.key]
    title = next(iter(named or spoken or [item for item in texts if not item.key] or key or columns), None)
    rest = [item for item in columns if item is not title and not item.key and item.kind is not Kind.GEOMETRY]
    place = contract.geometry
    hidden = {place.x, place.y} if place else set()
    wanted = [name.lstrip("-") for group in contract.filters for name in group]
    rest = [item for item in rest if item.name not in hidden]
    rest.sort(key=lambda item: (coded(item.name), item.name not in wanted, item.kind is not Kind.STRING))
    return title, rest[:most]


@dataclass(frozen=True, slots=True)
class Listed:
    """One place in the list beside the map."""

    title: str
    facts: tuple[str, ...]
    href: str
    x: str
    y: str


def _places(
    d: Dossier, rows: Sequence[dict[str, Any]], geometry: Geometry, title: Head | None, facts: Sequence[Head]
) -> list[Listed]:
    key = [item for item in d.heads if item.name in d.view.scope.key]
    distinct = (d.profile.get("columns", {}).get(title.name, {}).get("distinct") or 0) if title else 0
    most = 2
    if title and not title.key and distinct < 0.8 * (d.version.rows if d.version else 0):
        facts = [*key[:2], *facts]  # the name alone does not tell the places apart
        most += len(key[:2])
    facts = _telling(facts, rows)[:most]
    shown = [*([title] if title else []), *facts]
    writer = Writer(d.speech, shown, [[row.get(item.name) for item in shown] for row in rows])
    out = []
    for row in rows:
        cells = [writer.cell(index, row.get(item.name)) for index, item in enumerate(shown)]
        shape = geography.from_row(row, geometry.column, geometry.x, geometry.y)
        box = shape.box if shape else None
        words = tuple(
            _fact(item, cell) for item, cell in zip(facts, cells[1:] if title else cells, strict=True) if not cell.mark
        )
        name = (cells[0].full or cells[0].text) if title else "–"
        x = f"{(box[0] + box[2]) / 2:.6f}" if box else ""
        y = f"{(box[1] + box[3]) / 2:.6f}" if box else ""
        out.append(Listed(name, words, row_link(d, row), x, y))
    return out


def _fact(head: Head, cell: Cell) -> str:
    """A value in words; one without letters says what it is."""
    said = f"{cell.full or cell.text}{f' {head.unit}' if head.unit else ''}"
    return said if head.key or any(mark.isalpha() for mark in cell.text) else f"{head.label}: {said}"


def _telling(facts: Sequence[Head], rows: Sequence[dict[str, Any]]) -> list[Head]:
    """The columns whose values tell the rows of one list apart, in the order given."""
    if len(rows) < 2:
        return list(facts)
    return [item for item in facts if item.key or len({repr(row.get(item.name)) for row in rows}) > 1]


def ground(visit: Visit, beside: str) -> list[tuple[Ground, str]]:
    """The datasets tagged ``base map`` that have lines or areas, areas first, each with its version's identity."""
    out = []
    for entry in visit.site.catalogue.entries(limit=None).items:
        contract, version = entry.contract, entry.version
        place = version.geometry if version else None
        if entry.id == beside or version is None or place is None or not place.stored or contract.access != "open":
            continue
        if not BASE_TAGS & {tag.lower() for tag in contract.tags}:
            continue
        style = _style(visit, entry.id, version.checksum)
        if style:
            out.append((Ground(entry.id, contract.title(visit.language), style), f"{entry.id}:{version.number}"))
    return sorted(out, key=lambda pair: _ORDER[pair[0].style])[:4]


_ORDER = {"base-area": 0, "base-water": 1, "base-line": 2}


def _style(visit: Visit, dataset: str, mark: str) -> str:
    """How a ground is drawn, told by its first shape; '' for points."""
    held = _DRAWINGS.get(("style", dataset, mark))
    if held is None:
        geometry = visit.door.view(dataset).geometry
        rows = visit.door.ask(Query(dataset, select=(geometry.column,), limit=1)).rows() if geometry else []
        shape = geography.read(bytes(rows[0][0])) if rows and rows[0][0] is not None else None
        family = shape.family if shape else "dot"
        held = {"path": "base-line", "area": "base-water" if _WATER.search(dataset) else "base-area"}.get(family, "")
        _DRAWINGS.put(("style", dataset, mark), held)
    return str(held)


def _ground(visit: Visit, item: Ground, box: Box) -> list[Shape]:
    view = visit.door.view(item.dataset)
    key = ("ground", view.identity, box)
    held: list[Shape] | None = _DRAWINGS.get(key)
    if held is not None:
        return held
    try:
        assert view.geometry
        rows = visit.door.ask(Query(item.dataset, select=(view.geometry.column,), bbox=box, limit=GROUND * 4)).rows()
    except ArengoError:
        return []  # the ground is a help, not the answer
    shapes = [shape for (raw,) in rows if raw is not None and (shape := geography.read(bytes(raw)))]
    _DRAWINGS.put(key, shapes)
    return shapes


def _shapes(d: Dossier, geometry: Geometry, search: str, box: Box | None) -> tuple[list[Shape], bool]:
    """Shapes to draw and whether they are all. Of many, an even sample that keeps what is dense dense."""
    select = (geometry.column,) if geometry.stored else (geometry.x, geometry.y)
    rows = d.version.rows if d.version else 0
    condition: Expr = None
    if rows > DRAWN * 1.2 and not search:
        condition = _sampled(d.view, geometry, max(2, rows // DRAWN))
    query = Query(d.id, select=select, filter=condition, search=search, limit=DRAWN * 2, as_of=d.visit.as_of)
    answer = d.visit.door.ask(query)
    shapes = []
    for row in answer.rows():
        shape = geography.from_row(dict(zip(select, row, strict=True)), geometry.column, geometry.x, geometry.y)
        if shape is not None:
            shapes.append(shape)
    return shapes, condition is None and not answer.next_cursor


def _sampled(view: View, geometry: Geometry, step: int) -> Expr:
    """A condition that about one row in ``step`` meets, wherever it lies."""
    whole = [name for name in view.scope.key if view.scope.fields[name].kind is Kind.INTEGER]
    if whole:
        return {"op": "=", "args": [{"op": "%", "args": [{"property": whole[-1]}, step]}, 0]}
    if not geometry.stored:
        grains = {"op": "*", "args": [{"property": geometry.x}, 1_000_000]}
        return {"op": "=", "args": [{"op": "div", "args": [{"op": "%", "args": [grains, step]}, 1]}, 0]}
    return None
