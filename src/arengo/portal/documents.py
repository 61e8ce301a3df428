"""Documents to read: the list of a dataset of documents, a search that leads to pages, and the page itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from arengo.catalogue import fold
from arengo.door import Answer
from arengo.errors import BadQuery, UnknownDataset
from arengo.portal.dossier import Dossier
from arengo.portal.visit import Visit
from arengo.query.model import Aggregate, Expr, Group, Order, Query

PAPERS = 50
HITS = 25
BEFORE, AFTER = 90, 190
"""Characters of text around the first word that was met."""
_WORD = re.compile(r"[^\W_]+")
_ABOUT = ("document", "title", "date", "language", "pages", "file", "format", "bytes")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; ``met``: one of the words looked for stands there."""

    text: str
    met: bool


@dataclass(frozen=True, slots=True)
class Paper:
    """One document in the list."""

    name: str
    title: str
    href: str
    date: str
    language: str
    pages: int
    file: str
    format: str
    size: str


@dataclass(frozen=True, slots=True)
class PageHit:
    """A page on which all words stand."""

    title: str
    date: str
    page: int
    href: str
    language: str
    pieces: tuple[Piece, ...]


def page(visit: Visit) -> Response:
    """``/datasets/{id}/documents?q=``: every document, or the pages that hold the words."""
    d = _dossier(visit)
    known = visit.unchanged(d.mark)
    if known:
        return known
    q = visit.param("q")
    cursor = visit.param("cursor")
    hits: list[PageHit] = []
    papers: list[Paper] = []
    found = 0
    if q:
        query = Query(
            d.id,
            select=("document", "page", "title", "date", "language", "text"),
            search=q,
            order_by=(Order("date", True), Order("document"), Order("page")),
            limit=HITS,
            cursor=cursor,
            as_of=visit.as_of,
            count=True,
        )
        answer = visit.door.ask(query)
        for name, number, title, day, language, text in answer.rows():
            href = visit.link("datasets", d.id, "documents", name, page=number, q=q)
            hits.append(PageHit(title or name, _date(visit, day), number, href, language or "", snippet(text or "", q)))
        found = answer.matched
    else:
        answer = _listed(visit, d, PAPERS, cursor)
        papers = [_paper(visit, d, dict(zip(_ABOUT, row, strict=False))) for row in answer.rows()]
        found = answer.matched
    values = {
        "d": d,
        "tab": "documents",
        "tab_title": visit._("Documents"),
        "q": q,
        "hits": hits,
        "papers": papers,
        "found": found,
        "after": visit.here(cursor=answer.next_cursor) if answer.next_cursor else "",
        "first": visit.here(cursor=None) if cursor else "",
    }
    return visit.page("documents.html", values)


def newest(visit: Visit, d: Dossier, limit: int) -> tuple[list[Paper], int]:
    """The newest documents, and how many there are."""
    answer = _listed(visit, d, limit, "")
    return [_paper(visit, d, dict(zip(_ABOUT, row, strict=False))) for row in answer.rows()], answer.matched


def _listed(visit: Visit, d: Dossier, limit: int, cursor: str) -> Answer:
    query = Query(
        d.id,
        group_by=tuple(Group(name) for name in _ABOUT),
        aggregates=(Aggregate("count"),),
        order_by=(Order("date", True), Order("title"), Order("document")),
        limit=limit,
        cursor=cursor,
        as_of=visit.as_of,
        count=True,
    )
    return visit.door.ask(query)


def reader(visit: Visit) -> Response:
    """``/datasets/{id}/documents/{document}?page=&q=``: one page of text, beside the way to the original."""
    d = _dossier(visit)
    known = visit.unchanged(d.mark)
    if known:
        return known
    name = visit.request.path_params["document"]
    asked = visit.param("page") or "1"
    if not asked.isdecimal() or not 1 <= int(asked[:9]) < 10**8:
        raise BadQuery(f"page is {asked[:20]!r}, and pages are counted from 1.")
    number = int(asked)
    same: Expr = {"op": "=", "args": [{"property": "document"}, name]}
    here: Expr = {"op": "and", "args": [same, {"op": "=", "args": [{"property": "page"}, number]}]}
    columns = (*_ABOUT, "text", "checksum")
    rows = visit.door.ask(Query(d.id, select=columns, filter=here, limit=1, as_of=visit.as_of)).rows()
    if not rows:
        raise UnknownDataset(
            visit._("This document has no page %(n)s here.", n=number),
            todo=visit._("Go back to the list of documents."),
        )
    row = dict(zip(columns, rows[0], strict=True))
    paper = _paper(visit, d, row)
    q = visit.param("q")
    also: list[int] = []
    if q:
        query = Query(
            d.id, select=("page",), filter=same, search=q, order_by=(Order("page"),), limit=200, as_of=visit.as_of
        )
        also = [int(item[0]) for item in visit.door.ask(query).rows()]
    base = f"/api/v1/datasets/{quote(d.id)}/documents/{quote(name, safe='')}"
    past = f"as_of={quote(visit.as_of)}" if visit.as_of else ""

    def turn(to: int) -> str:
        return visit.link("datasets", d.id, "documents", name, page=to, q=q) if 1 <= to <= paper.pages else ""

    values = {
        "d": d,
        "tab": "documents",
        "tab_title": paper.title,
        "paper": paper,
        "number": number,
        "q": q,
        "paragraphs": [marked(part, q) for part in re.split(r"\n\s*\n", row["text"] or "") if part.strip()],
        "before": turn(number - 1),
        "after": turn(number + 1),
        "also": [(other, turn(other)) for other in also],
        "original": f"{base}{'?' if past else ''}{past}" + (f"#page={number}" if paper.format == "PDF" else ""),
        "download": f"{base}?download=1{'&' if past else ''}{past}",
        "checksum": row["checksum"],
        "list": visit.link("datasets", d.id, "documents", q=q),
    }
    return visit.page("document.html", values)


def _dossier(visit: Visit) -> Dossier:
    d = Dossier(visit, visit.request.path_params["dataset"])
    if not d.documents:
        raise UnknownDataset(visit._("%(title)s is no dataset of documents.", title=d.title))
    return d


def _paper(visit: Visit, d: Dossier, row: dict[str, Any]) -> Paper:
    return Paper(
        row["document"],
        row["title"] or row["document"],
        visit.link("datasets", d.id, "documents", row["document"]),
        _date(visit, row["date"]),
        row["language"] or "",
        int(row["pages"] or 0),
        row["file"] or "",
        row["format"] or "",
        visit.speech.size(int(row["bytes"] or 0)),
    )


def _date(visit: Visit, day: date | None) -> str:
    return visit.speech.date(day) if day else ""


def _roots(words: str) -> tuple[str, ...]:
    """Beginnings that tell a word in its other forms: most languages of a city inflect at the end."""
    found = [fold(word) for word in _WORD.findall(words)[:20]]
    return tuple(word[: max(3, len(word) - 2)] if len(word) > 4 else word for word in found)


def _matches(text: str, roots: Iterable[str]) -> list[tuple[int, int]]:
    chosen = tuple(roots)
    return [(m.start(), m.end()) for m in _WORD.finditer(text) if chosen and fold(m.group()).startswith(chosen)]


def marked(text: str, words: str) -> tuple[Piece, ...]:
    """``text`` cut where one of ``words`` stands, in any form."""
    out: list[Piece] = []
    at = 0
    for start, end in _matches(text, _roots(words)):
        out += [Piece(text[at:start], False)] if start > at else []
        out.append(Piece(text[start:end], True))
        at = end
    return (*out, Piece(text[at:], False)) if at < len(text) else tuple(out)


def snippet(text: str, words: str) -> tuple[Piece, ...]:
    """The stretch of ``text`` in which most of ``words`` stand together, cut at spaces."""
    flat = re.sub(r"\s+", " ", text)
    met = _matches(flat, _roots(words))
    if not met:
        return (Piece(flat[: BEFORE + AFTER], False),)
    best = max(met, key=lambda item: (sum(item[0] <= other[0] < item[0] + AFTER for other in met), -item[0]))
    start = max(0, best[0] - BEFORE)
    start = flat.find(" ", start) + 1 if start else 0
    end = min(len(flat), best[0] + AFTER)
    end = flat.rfind(" ", best[1], end) if end < len(flat) and flat.rfind(" ", best[1], end) > 0 else end
    pieces = marked(flat[start:end], words)
    return (
        *((Piece("… ", False),) if start else ()),
        *pieces,
        *((Piece(" …", False),) if end < len(flat) else ()),
    )
