"""Who answers for the data: the list of offices, and one office with its datasets, numbers and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.responses import Response

from arengo.catalogue import Agent, say
from arengo.portal.home import line
from arengo.portal.news import news
from arengo.portal.results import Scope, asked, page
from arengo.portal.visit import Visit

if TYPE_CHECKING:
    from arengo.catalogue import Entry

LISTED = 6
WEEKS = 30  # days of changes that the page of an office or a theme tells


def listing(visit: Visit) -> Response:
    """``/organisations``."""
    catalogue = visit.site.catalogue
    known = visit.unchanged(catalogue.generation, catalogue.harvested)
    if known:
        return known
    own: dict[str, list[Entry]] = {}
    for entry in catalogue.entries(limit=None).items:
        publisher = catalogue.record(entry.id).publisher
        own.setdefault(publisher.id if publisher else "", []).append(entry)
    lines = []
    for agent, count in catalogue.organisations():
        held = own.get(agent.id, [])
        lines.append(
            {
                "id": agent.id,
                "name": name(visit, agent),
                "count": count,
                "rows": open_rows(held),
                "updated": newest(held),
            }
        )
    lines.sort(key=lambda item: str(item["name"]).casefold())
    return visit.page("organisations.html", {"lines": lines})


def single(visit: Visit) -> Response:
    """``/organisations/{id}``."""
    catalogue = visit.site.catalogue
    agent = catalogue.organisation(visit.request.path_params["agent"])
    entries = [
        entry
        for entry in catalogue.entries(limit=None).items
        if (publisher := catalogue.record(entry.id).publisher) is not None and publisher.id == agent.id
    ]
    scope = Scope(
        name(visit, agent),
        {"owner": (agent.id,)},
        say(agent.description, visit.language)[0],
        agent.email,
        agent.homepage if agent.homepage.startswith(("http://", "https://")) else "",
        f"/feeds/organisations/{agent.id}.atom",
        f"organisation:{agent.id}",
        ((visit._("Offices"), "/organisations"),),
    )
    return scoped(visit, scope, entries)


def scoped(visit: Visit, scope: Scope, entries: Sequence[Entry]) -> Response:
    """The list within a scope; its first page tells numbers and what changed in ``entries`` beside it."""
    from dataclasses import replace

    if asked(visit).narrowed or visit.param("page") or visit.param("f"):
        return page(visit, scope)
    told = news(visit, entries, listed=LISTED, days=WEEKS)
    lines = tuple(line(visit, change) for day in told.days for change in day.changes)[:LISTED]
    return page(visit, replace(scope, facts=facts(visit, entries), changes=lines, mark=lines))


def facts(visit: Visit, entries: Sequence[Entry]) -> tuple[tuple[str, str], ...]:
    """Numbers of some of the city's own datasets."""
    if not entries:
        return ()
    speech, _ = visit.speech, visit._
    rows = open_rows(entries)
    found = [] if rows is None else [(_("Rows"), speech.number(rows))]
    found.append((_("Versions kept"), speech.number(sum(entry.versions for entry in entries))))
    latest = newest(entries)
    if latest is not None:
        found.append((_("Updated"), speech.date(latest)))
    return tuple(found)


def open_rows(entries: Sequence[Entry]) -> int | None:
    """Rows that everybody may read; None where nothing is for everybody, which is not the same as no rows."""
    found = [entry.version.rows for entry in entries if entry.version and entry.contract.access == "open"]
    return sum(found) if found else None


def newest(entries: Sequence[Entry]) -> datetime | None:
    return max((entry.updated for entry in entries if entry.updated), default=None)


def name(visit: Visit, agent: Agent) -> str:
    return say(agent.name, visit.language)[0] or agent.id
