"""A series: datasets that go on from each other, the newest first."""

from __future__ import annotations

from starlette.responses import Response

from arengo.catalogue import Hit, say
from arengo.errors import UnknownDataset
from arengo.portal.results import line
from arengo.portal.visit import Visit


def single(visit: Visit) -> Response:
    """``/series/{id}``."""
    name = visit.request.path_params["series"]
    catalogue = visit.site.catalogue
    known = visit.unchanged(catalogue.generation, catalogue.harvested)
    if known:
        return known
    record = catalogue.record(name)
    if record.kind != "series":
        raise UnknownDataset(visit._("There is no series “%(name)s”.", name=name[:60]))
    members = [item for item in catalogue.records(local_only=record.local) if item.series == name]
    members.sort(key=lambda item: (str(item.temporal[1] or item.modified or ""), item.id), reverse=True)
    title, spoken = say(record.title, visit.language)
    rows = [item.rows for item in members if item.rows is not None]
    values = {
        "title": title,
        "foreign": spoken if spoken != visit.language else "",
        "record": record,
        "lines": [line(visit, Hit(item, 0.0)) for item in members],
        "rows": sum(rows) if rows else None,
        "owner": say(record.publisher.name, visit.language)[0] if record.publisher else "",
        "owner_id": record.publisher.id if record.publisher else "",
    }
    return visit.page("series.html", values)
