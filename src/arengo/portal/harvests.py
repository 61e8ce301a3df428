"""Which other catalogues are listed here: each source, what its last runs found, and a run that waits for a yes."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from arengo.catalogue.harvest.declared import declared
from arengo.catalogue.harvest.run import Harvest, accept, accepted, held_by, runs
from arengo.errors import NotAllowed, SettingsError, UnknownDataset
from arengo.portal.form import Form
from arengo.portal.operator import is_operator
from arengo.portal.visit import Visit

PAST = 12


@dataclass(frozen=True, slots=True)
class Run:
    """One run in words. ``tone``: good, warn, bad or quiet. ``counts``: (words, number)."""

    state: str
    word: str
    tone: str
    when: str
    took: str
    counts: tuple[tuple[str, str], ...]
    problem: str
    refused: tuple[tuple[str, str], ...]
    refusals: int


@dataclass(frozen=True, slots=True)
class Source:
    """``kind``: the standard it speaks. ``host``: where it is, without what only the city's folder says."""

    id: str
    title: str
    kind: str
    host: str
    records: str
    href: str
    every: str
    runs: tuple[Run, ...]
    waits: bool
    said_yes: bool


def page(visit: Visit) -> Response:
    """``/harvests``."""
    state = visit.site.state
    problem = ""
    try:
        sources = declared(visit.settings.root)
    except SettingsError as error:
        sources, problem = {}, f"{error.met} {error.todo}".strip()
    past = {name: runs(state, name, PAST) for name in sources}
    known = visit.unchanged(visit.site.catalogue.harvested, past, problem, accepted(state))
    if known:
        return known
    held, yes = held_by(state), accepted(state)
    _, speech = visit._, visit.speech
    names = {"ckan": "CKAN", "dcat": "DCAT", "arcgis": "ArcGIS (data.json)", "csw": "CSW", "records": "OGC API Records"}
    lines = []
    for item in sources.values():
        found = past[item.id]
        lines.append(
            Source(
                item.id,
                item.title,
                names[item.kind],
                _host(item.address),
                speech.many("%(n)s dataset", "%(n)s datasets", held.get(item.id, 0)),
                visit.link("datasets", source=item.id),
                speech.many("every %(n)s hour", "every %(n)s hours", round(item.every)) if item.enabled else _("off"),
                tuple(_run(visit, run) for run in found),
                bool(found) and found[0].state == "held",
                item.id in yes,
            )
        )
    values = {"lines": lines, "problem": problem, "operator": is_operator(visit)}
    return visit.page("harvests.html", values)


def take(visit: Visit, form: Form) -> Response:
    """``POST /harvests``: say yes to a run that shrank; the caretaker does it again and takes it over."""
    if not is_operator(visit):
        raise NotAllowed("Only who holds the city's key may do this.", todo="Sign in at /operator.")
    name = form.one("source")
    if name not in declared(visit.settings.root):
        raise UnknownDataset(f"No file harvest/{name[:60]}.toml is there.")
    accept(visit.site.state, name)
    return RedirectResponse("/harvests", 303)


def _host(address: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(address).hostname or "" if address.startswith(("http://", "https://")) else ""


def _run(visit: Visit, run: Harvest) -> Run:
    _, speech = visit._, visit.speech
    words = {
        "succeeded": (_("taken over"), "good"),
        "unchanged": (_("nothing new"), "quiet"),
        "held": (_("held: it shrank"), "warn"),
        "failed": (_("failed"), "bad"),
    }
    word, tone = words.get(run.state, (run.state, "quiet"))
    named = {
        "met": _("met"), "added": _("new"), "changed": _("changed"), "unchanged": _("as before"), "gone": _("gone"),
        "missing": _("missed"), "rejected": _("refused"), "repeated": _("twice"), "looped": _("our own"),
    }  # fmt: skip
    counts = tuple((named[name], speech.number(run.counts[name])) for name in named if run.counts.get(name))
    seconds = (run.ended_at - run.started_at).total_seconds() if run.ended_at and run.started_at else None
    problem = ""
    if run.error:
        # Where a source lies inside the city's network is the operator's to know.
        problem = str(run.error.get("message", "")) if is_operator(visit) else _("The operator sees why.")
    return Run(
        run.state,
        word,
        tone,
        speech.moment(run.started_at) if run.started_at else "",
        speech.duration(seconds) if seconds is not None else "",
        counts,
        problem,
        tuple((item["title"] or item["identifier"], item["reason"]) for item in run.rejected[:20]),
        run.counts.get("rejected", 0),
    )
