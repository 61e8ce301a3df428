"""Charts the city keeps under a name: their list, their pages, and how the operator keeps and drops them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse, Response

from arengo.errors import BadQuery, CallerError, NotAllowed, NotFound
from arengo.faces.site import public_address
from arengo.portal.charts import picture as pictures
from arengo.portal.charts.design import read, ready
from arengo.portal.dossier import Dossier
from arengo.portal.form import Form
from arengo.portal.operator import is_operator
from arengo.portal.visit import Visit

if TYPE_CHECKING:
    from arengo.state.records import SavedRecord

KIND = "chart"
MOST_KEPT = 2000
ON_PAGE = 12


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept chart: which dataset, and the builder's parameters."""

    id: str
    title: str
    dataset: str
    pairs: tuple[tuple[str, str], ...]
    stamp: str
    as_of: str = ""

    @property
    def builder(self) -> str:
        return f"/datasets/{self.dataset}/chart?{urlencode(self.pairs)}"


def of(record: SavedRecord) -> Kept:
    body = record.body
    pairs = tuple((str(name), str(value)) for name, value in body.get("design", ()))
    return Kept(record.id, record.title, str(body.get("dataset", "")), pairs, record.updated_at.isoformat())


def every(visit: Visit, dataset: str = "") -> list[Kept]:
    found = [of(record) for record in visit.site.state.saved(KIND)]
    return [chart for chart in found if not dataset or chart.dataset == dataset]


def find(visit: Visit, id: str) -> Kept:
    """Raises NotFound when nothing is kept under that name."""
    records = visit.site.state.saved(KIND, id) if id else ()
    if not records:
        raise NotFound(f"No chart is kept as {id[:80]!r}.", todo="See the list of charts.")
    return of(records[0])


def slug(title: str, taken: set[str]) -> str:
    """A short name for an address; a number is added when it is taken."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "chart"
    name, number = base, 2
    while name in taken or name == "new":
        name, number = f"{base}-{number}", number + 1
    return name


def listing(visit: Visit) -> Response:
    """``/charts``: what the city keeps, the newest first."""
    charts = every(visit)
    operator = is_operator(visit)
    known = visit.unchanged([(chart.id, chart.stamp) for chart in charts], visit.site.catalogue.generation, operator)
    if known:
        return known
    pages = max(1, -(-len(charts) // ON_PAGE))
    number = min(pages, max(1, int(visit.param("page")) if visit.param("page").isdigit() else 1))
    shown = [small(visit, chart) for chart in charts[(number - 1) * ON_PAGE : number * ON_PAGE]]
    values = {"shown": shown, "page": number, "pages": pages, "count": len(charts), "operator": operator}
    return visit.page("gallery.html", values)


def small(visit: Visit, chart: Kept) -> dict[str, Any]:
    """A kept chart as a tile; a dataset that is gone or closed is said instead of drawn."""
    try:
        d = Dossier(visit, chart.dataset)
        made = pictures.make(d, read(d, chart.pairs, []))
        svg = pictures.drawing(d, made, pictures.NARROW)
        return {"title": chart.title, "href": f"/charts/{chart.id}", "svg": svg, "dataset": d.title, "sub": made.sub}
    except CallerError as error:
        return {
            "title": chart.title,
            "href": f"/charts/{chart.id}",
            "svg": "",
            "dataset": chart.dataset,
            "sub": error.met,
        }


def single(visit: Visit) -> Response:
    """``/charts/{id}``."""
    from arengo.portal import builder

    chart = find(visit, visit.request.path_params["chart"])
    d = Dossier(visit, chart.dataset)
    problems: list[str] = []
    design = read(d, chart.pairs, problems)
    operator = is_operator(visit, chart.dataset)
    known = visit.unchanged(*d.mark, pictures.identity(d, design), chart.stamp, operator)
    if known:
        return known
    if not ready(d, design):
        raise BadQuery("This chart cannot be drawn any more.", todo="Its dataset has other columns now.")
    made = pictures.make(d, design)
    values = {
        "d": d, "tab": "charts", "tab_title": chart.title, "chart": builder.finish(d, made), "made": made,
        "problems": problems, "take": builder.take(d, design, made), "kept": chart, "operator": operator,
        "href": builder.address(d, design), "base": public_address(visit.settings, visit.request),
    }  # fmt: skip
    return visit.page("gallery_chart.html", values)


def keep(visit: Visit, form: Form) -> Response:
    """``POST /datasets/{id}/chart`` by the operator: keep this design under a name."""
    _operator(visit, visit.request.path_params["dataset"])
    d = Dossier(visit, visit.request.path_params["dataset"])
    design = read(d, parse_qsl(form.one("design")[:20_000]))
    if not ready(d, design):
        raise BadQuery("Only a whole chart can be kept.")
    pictures.make(d, design)
    title = form.one("name")[:120]
    if not title:
        raise BadQuery("A name is needed.", todo="Write one.")
    charts = visit.site.state.saved(KIND)
    if len(charts) >= MOST_KEPT:
        raise BadQuery(f"{MOST_KEPT:,} charts are kept.", todo="Drop some first.")
    name = slug(title, {record.id for record in charts})
    body = {"dataset": d.id, "design": [list(pair) for pair in design.pairs()]}
    visit.site.state.save(KIND, name, title, body, datetime.now(UTC))
    return RedirectResponse(f"/charts/{name}", 303)


def drop(visit: Visit, form: Form) -> Response:
    """``POST /charts/{id}`` by the operator: drop what is kept."""
    _operator(visit, find(visit, visit.request.path_params["chart"]).dataset)
    visit.site.state.forget(KIND, visit.request.path_params["chart"])
    return RedirectResponse("/charts", 303)


def _operator(visit: Visit, dataset: str) -> None:
    if not is_operator(visit, dataset):
        raise NotAllowed("Only stewards of the data keep and drop its charts.", todo="Sign in as one first.")
