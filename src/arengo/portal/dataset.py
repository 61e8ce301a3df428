"""The first page of a dataset: what it says, whether to trust it, how to take it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from arengo.catalogue import say
from arengo.errors import NotAllowed, UnknownDataset
from arengo.faces import structured
from arengo.faces.site import public_address
from arengo.portal import access, diagram, documents, place, privacy
from arengo.portal.cells import Writer, heads
from arengo.portal.digest import sentences
from arengo.portal.dossier import Dossier
from arengo.portal.elsewhere import elsewhere
from arengo.portal.figure import choose
from arengo.portal.preview import address
from arengo.portal.reuse import card
from arengo.portal.row import row_links
from arengo.portal.visit import Visit
from arengo.query.model import Query

FIRST_ROWS = 8
PAPERS = 8
NEAR = 4


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
    checked = privacy.checked(visit, d.id)
    known = visit.unchanged(*d.mark, checked)
    if known:
        return known
    choice = choose(d.contract, d.profile)
    lead: dict[str, Any] = {"kind": "table"}
    if d.documents or d.grouped:
        pass  # pages counted by day tell nothing; the documents themselves come first
    elif choice.kind == "map":
        found = place.picture(d)
        if found is not None:
            title = visit._("Where they are")
            lead = {"kind": "map", "map": found, "title": title, "source": d.source}
    elif choice.kind in ("line", "bars"):
        plot = diagram.lead(d, choice)
        if plot is not None:
            lead = {"kind": choice.kind, "chart": diagram.finish(d, plot)}
    made = [card(visit, item) for item in visit.site.participation.reuses.shown(d.id, limit=3)]
    record = visit.site.catalogue.record(d.id)
    base, city = public_address(visit.settings, visit.request), visit.settings.city
    told = structured.dataset(record, base, city, visit.language)
    values = {
        "d": d,
        "tab": "overview",
        "lead": lead,
        "sample": sample(d) if not d.documents and not d.grouped else None,
        "papers": documents.newest(visit, d, PAPERS) if d.documents else None,
        "made": made,
        "short": sentences(d),
        "near": near(visit, d.id),
        "comes_from": origin(visit, d.id),
        "checked": checked,
        "owner_id": record.publisher.id if record.publisher and d.contract.owner else "",
        "image": address(visit, "preview", f"{d.id}.png"),
    }
    return visit.page("dataset.html", {**values, "structured": structured.embedded(told)})


def origin(visit: Visit, dataset: str) -> str:
    """The system or source a dataset comes from, in a word or two."""
    nodes = visit.site.catalogue.lineage(dataset).nodes
    return next((node.title for kind in ("system", "source") for node in nodes if node.kind == kind), "")


def near(visit: Visit, dataset: str) -> list[tuple[str, str, str, str]]:
    """(title, address, why, language of the title when it is another) of datasets that belong with this one."""
    _ = visit._
    out = []
    for item in visit.site.catalogue.related(dataset, NEAR):
        shared = ", ".join(item.shared[:2])
        why = {
            "series": _("the same series"),
            "key": _("shares %(what)s", what=shared),
            "concept": _("the same kind of things"),
            "columns": _("has %(what)s too", what=shared),
            "place": _("the same places"),
            "words": _("about %(what)s", what=shared),
        }.get(item.reason, "")
        title, spoken = say(item.record.title, visit.language)
        href = visit.link("datasets", item.record.id)
        out.append((title, href, why if shared or item.reason in ("series", "place", "concept") else "", spoken))
    return [(title, href, why, "" if spoken == visit.language else spoken) for title, href, why, spoken in out]


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
    values: dict[str, Any] = {
        "d": d,
        "tab": "overview",
        "heads": heads(d.contract, names, visit.language),
        "refusal": refusal,
        "standing": access.here(visit, d) if d.contract.access == "shared" else None,
    }
    answer = visit.page("refused.html", values, 403)
    answer.headers["Cache-Control"] = "no-store"
    return answer
