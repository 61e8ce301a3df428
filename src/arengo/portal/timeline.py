"""Time made visible: the versions of a dataset, one after the other."""

from __future__ import annotations

from starlette.responses import Response

from arengo.lake.version import Version
from arengo.portal.dossier import Dossier
from arengo.portal.visit import Visit

SHOWN = 40
STRIP = 120


def versions(visit: Visit) -> Response:
    """``/datasets/{id}/versions``."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    known = visit.unchanged(*d.mark)
    if known:
        return known
    start = int(visit.param("from")) if visit.param("from").isdigit() else 0
    listed = [item for item in d.versions if not start or item.number <= start]
    shown = []
    for index, item in enumerate(listed[:SHOWN]):
        before = listed[index + 1] if index + 1 < len(listed) else None
        shown.append(
            {
                "version": item,
                "href": visit.link("datasets", d.id, as_of=item.number),
                "step": _step(visit, item, before),
                "compare": visit.link(
                    "datasets", d.id, "compare", **{"from": before.number, "to": item.number, "as_of": None}
                )
                if before
                else "",
            }
        )
    strip = [
        {
            "number": item.number,
            "href": visit.link("datasets", d.id, "versions", as_of=item.number),
            "words": visit._("version %(n)s, %(date)s", n=item.number, date=visit.speech.date(item.published_at)),
        }
        for item in reversed(d.versions[:STRIP])
    ]
    older = visit.here(**{"from": listed[SHOWN].number}) if len(listed) > SHOWN else ""
    values = {
        "d": d,
        "tab": "versions",
        "tab_title": visit._("Versions"),
        "shown": shown,
        "strip": strip,
        "older": older,
    }
    return visit.page("versions.html", values)


def _step(visit: Visit, item: Version, before: Version | None) -> str:
    if before is None or item.rows == before.rows:
        return ""
    step = item.rows - before.rows
    return f"+{visit.speech.number(step)}" if step > 0 else visit.speech.number(step)
