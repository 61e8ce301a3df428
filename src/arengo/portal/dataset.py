"""The first page of a dataset: what it says, whether to trust it, how to take it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from arengo.errors import NotAllowed, UnknownDataset
from arengo.faces import structured
from arengo.faces.site import public_address
from arengo.portal import diagram, place
from arengo.portal.cells import Writer, heads
from arengo.portal.dossier import Dossier
from arengo.portal.elsewhere import elsewhere
from arengo.portal.figure import choose
from arengo.portal.reuse import card
from arengo.portal.row import row_links
from arengo.portal.site import Visit
from arengo.query.model import Query

FIRST_ROWS = 8


def overview(visit: Visit) -> Response:
    """``/datasets/{id}``."""
    dataset = visit.request.path_params["dataset"]
    try:
        d = Dossier(visit, dataset)
    except UnknownDataset as missing:
        return elsewhere(visit, dataset, missing)
    except NotAllowed as refusal:
        return refused(visit, dataset, refusal)
    if d.version is None:
        return unpublished(visit, d)
    known = visit.unchanged(*d.mark)
    if known:
        return known
    choice = choose(d.contract, d.profile)
    lead: dict[str, Any] = {"kind": "table"}
    if choice.kind == "map":
        found = place.picture(d)
        if found is not None:
            title = visit._("Where they are")
            lead = {"kind": "map", "map": found, "title": title, "source": d.source}
    elif choice.kind in ("line", "bars"):
        plot = diagram.lead(d, choice)
        if plot is not None:
            lead = {"kind": choice.kind, "chart": diagram.finish(d, plot)}
    made = [card(visit, item) for item in visit.site.participation.reuses.shown(d.id, limit=3)]
    base, city = public_address(visit.settings, visit.request), visit.settings.city
    told = structured.dataset(visit.site.catalogue.record(d.id), base, city, visit.language)
    values = {"d": d, "tab": "overview", "lead": lead, "sample": sample(d), "made": made}
    return visit.page("dataset.html", {**values, "structured": structured.embedded(told)})


def sample(d: Dossier) -> dict[str, Any]:
    """The first rows, geometry left to the map."""
    columns = [item for item in d.heads if item.kind != "geometry"] or d.heads
    names = tuple(dict.fromkeys([*(item.name for item in columns), *d.view.scope.key]))
    rows = d.visit.door.ask(Query(d.id, select=names, order_by=d.order, limit=FIRST_ROWS, as_of=d.visit.as_of)).rows()
    cells = Writer(d.speech, columns, rows).rows(rows)
    return {"heads": columns, "rows": cells, "links": row_links(d, columns, names, rows, cells)}


def unpublished(visit: Visit, d: Dossier) -> Response:
    known = visit.unchanged(*d.mark)
    if known:
        return known
    names = [item.name for item in d.contract.properties]
    values = {"d": d, "tab": "overview", "heads": heads(d.contract, names, visit.language)}
    return visit.page("unpublished.html", values)


def refused(visit: Visit, dataset: str, refusal: NotAllowed) -> Response:
    """What is public of a closed dataset, who decides, and the next step, in the same place."""
    d = Dossier(visit, dataset, unseen=True)
    names = [item.name for item in d.contract.properties]
    values = {"d": d, "tab": "overview", "heads": heads(d.contract, names, visit.language), "refusal": refusal}
    answer = visit.page("refused.html", values, 403)
    answer.headers["Cache-Control"] = "no-store"
    return answer
