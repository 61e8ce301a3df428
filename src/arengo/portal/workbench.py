"""The workbench: questions in SQL on a page whose address is all of it, and those the city keeps under a name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from starlette.responses import RedirectResponse, Response

from arengo.errors import BadQuery, NotAllowed, NotFound
from arengo.portal import workbench_run as runs
from arengo.portal.form import Form
from arengo.portal.gallery import slug
from arengo.portal.operator import is_operator
from arengo.portal.visit import Visit
from arengo.portal.workbench_examples import examples, plain_name
from arengo.portal.workbench_state import SHOWS, Cell, Notebook, kept, read, taken
from arengo.portal.workbench_text import written

KIND = "query"
MOST_KEPT = 2000
ON_PAGE = 30
TABLES = 80
"""Tables in the list beside the questions; those the questions name always stand there."""
MOST = 600_000
"""Bytes of a posted form."""


@dataclass(frozen=True, slots=True)
class Kept:
    id: str
    title: str
    notebook: Notebook
    stamp: datetime

    @property
    def first(self) -> str:
        """The first question, for a list."""
        return next((cell.text for cell in self.notebook.cells if cell.kind == "sql"), "")


def page(visit: Visit) -> Response:
    """``GET /sql``: the address holds the cells, the values and the version."""
    _enabled(visit)
    return _show(visit, read(visit.request.query_params.multi_items()))


def take(visit: Visit, form: Form) -> Response:
    """``POST /sql``: run, change the cells, or (the operator) keep it. Leads to the address that holds the state."""
    _enabled(visit)
    notebook, do = taken(form), form.one("do", "run")
    at = -1
    if do == "keep":
        return _keep(visit, notebook, form.one("name"))
    if do.startswith("run:"):
        at = int(do[4:]) if do[4:].isdigit() else -1
    elif do != "run":
        notebook, at = notebook.changed(do)
        fresh = at if 0 <= at < len(notebook.cells) and not notebook.cells[at].text.strip() else -1
        if fresh >= 0:  # an empty cell is in no address
            return _show(visit, notebook, focus=fresh)
    address = notebook.address
    if not address:
        return _show(visit, notebook, too_long=True)
    return RedirectResponse(address + (f"#cell-{at + 1}" if at >= 0 else ""), 303)


def _show(
    visit: Visit, notebook: Notebook, *, focus: int = -1, too_long: bool = False, held: Kept | None = None
) -> Response:
    asked = [
        runs.ask(visit, notebook, cell) if cell.kind == "sql" and cell.text.strip() else None for cell in notebook.cells
    ]
    tags = [item.answer.etag if item is not None and item.answer is not None else "" for item in asked]
    operator = is_operator(visit)
    sure = all(tag for tag, item in zip(tags, asked, strict=True) if item is not None)  # none asks for the time
    if focus < 0 and sure and visit.request.method in ("GET", "HEAD"):
        known = visit.unchanged(tags, visit.site.catalogue.generation, operator, held.stamp if held else "")
        if known:
            return known
    names = runs.parameters(visit, notebook)
    cells = notebook.cells or (Cell("sql", ""),)
    results = [runs.run(visit, notebook, item) if item is not None else None for item in asked] or [None]
    used = {
        read.dataset for item in asked if item is not None and item.answer is not None for read in item.answer.reads
    }
    values: dict[str, Any] = {
        "notebook": replace(notebook, cells=cells),
        "blank": notebook.empty,
        "results": results,
        "shows": SHOWS,
        "values": runs.values_of(notebook, names),
        "offers": runs.offers(visit, asked, names),
        "tables": _tables(visit, used),
        "examples": examples(visit) if notebook.empty and focus < 0 else (),
        "operator": operator,
        "written": written,
        "quoted": plain_name,
        "too_long": too_long,
        "focus": focus,
        "kept": held,
        "address": notebook.address,
        "limits": visit.settings.sql,
        "shown": runs.SHOWN,
    }
    return visit.page("workbench.html", values)


def _tables(visit: Visit, used: set[str]) -> dict[str, Any]:
    """The list beside the questions: tables in use first, open; the others folded."""
    found = visit.door.sql_tables(limit=TABLES + 1)
    more = len(found) > TABLES
    shown = [(item, item.dataset in used) for item in found[:TABLES]]
    shown.sort(key=lambda pair: not pair[1])
    return {"shown": shown, "more": more}


def _enabled(visit: Visit) -> None:
    if not visit.settings.sql.enabled:
        raise NotAllowed("This city answers no questions in SQL.", todo="Filter a dataset's table instead.")


# ---- kept queries -------------------------------------------------------------------------------------------------


def every(visit: Visit) -> list[Kept]:
    return [Kept(item.id, item.title, kept(item.body), item.updated_at) for item in visit.site.state.saved(KIND)]


def listing(visit: Visit) -> Response:
    """``/queries``: what the city keeps, the newest first."""
    found = every(visit)
    operator = is_operator(visit)
    known = visit.unchanged([(item.id, item.stamp) for item in found], operator)
    if known:
        return known
    pages = max(1, -(-len(found) // ON_PAGE))
    number = min(pages, max(1, int(visit.param("page")) if visit.param("page").isdigit() else 1))
    shown = found[(number - 1) * ON_PAGE : number * ON_PAGE]
    return visit.page(
        "queries.html", {"shown": shown, "count": len(found), "page": number, "pages": pages, "operator": operator}
    )


def single(visit: Visit) -> Response:
    """``/queries/{id}``: a kept page of questions, run on what is newest now."""
    _enabled(visit)
    held = _find(visit, visit.request.path_params["query"])
    given = {name[2:]: value for name, value in visit.request.query_params.multi_items() if name.startswith("p.")}
    return _show(visit, replace(held.notebook, values={**held.notebook.values, **given}), held=held)


def drop(visit: Visit, form: Form) -> Response:
    """``POST /queries/{id}`` by the operator: forget it."""
    _operator(visit)
    held = _find(visit, visit.request.path_params["query"])
    if form.one("do") == "drop":
        visit.site.state.forget(KIND, held.id)
        return RedirectResponse("/queries", 303)
    return RedirectResponse(f"/queries/{held.id}", 303)


def _keep(visit: Visit, notebook: Notebook, title: str) -> Response:
    _operator(visit)
    title = title[:120].strip()
    if not title:
        raise BadQuery("A name is needed.", todo="Write one.")
    if notebook.empty:
        raise BadQuery("There is nothing to keep yet.", todo="Write a question.")
    held = {item.id: item for item in every(visit)}
    if len(held) >= MOST_KEPT:
        raise BadQuery(f"{MOST_KEPT:,} questions are kept already.", todo="Drop one that nobody needs.")
    same = next((item.id for item in held.values() if item.title == title), "")
    name = same or slug(title, set(held))
    visit.site.state.save(KIND, name, title, notebook.as_body(), datetime.now(UTC))
    return RedirectResponse(f"/queries/{name}", 303)


def _find(visit: Visit, id: str) -> Kept:
    for item in visit.site.state.saved(KIND, id) if id else ():
        return Kept(item.id, item.title, kept(item.body), item.updated_at)
    raise NotFound(f"No question is kept as {id[:80]!r}.", todo="See the list of questions.")


def _operator(visit: Visit) -> None:
    if not is_operator(visit):
        raise NotAllowed("Only the city's operator keeps and drops questions.", todo="Sign in as the operator first.")
