"""What people made of the data: the showcase, its form, its feed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from arengo.errors import NotAllowed, NotFound
from arengo.portal.amendment import receipt
from arengo.portal.atom import Entry, feed
from arengo.portal.form import Form
from arengo.portal.operator import is_operator
from arengo.portal.sheet import Sheet
from arengo.portal.visit import Visit
from arengo.services.reuse import KINDS, MOST_DATASETS, Reuse
from arengo.services.wording import linked

SHOWN = 200


def kind_word(visit: Visit, kind: str) -> str:
    _ = visit._
    return {
        "application": _("application"),
        "article": _("article"),
        "visualisation": _("visualisation"),
        "research": _("research"),
        "teaching": _("teaching"),
        "business": _("business"),
    }.get(kind, _("other"))


def listing(visit: Visit) -> Response:
    """``/reuses?kind=``."""
    services = visit.site.participation
    kind = visit.param("kind") if visit.param("kind") in KINDS else ""
    known = visit.unchanged(services.events.mark(), visit.site.catalogue.generation)
    if known:
        return known
    everything = services.reuses.shown(limit=SHOWN)
    there = {item.kind for item in everything}
    values = {
        "items": [card(visit, item) for item in everything if not kind or item.kind == kind],
        "kinds": [("", visit._("all")), *((name, kind_word(visit, name)) for name in KINDS if name in there)],
        "kind": kind,
    }
    return visit.page("reuses.html", values)


def single(visit: Visit) -> Response:
    """``/reuses/{number}``."""
    item = visit.site.participation.reuses.one(visit.request.path_params["number"])
    operator = is_operator(visit)
    if item.state != "shown" and not operator:
        raise NotFound("This reuse is not shown.", todo="See the others.")
    return visit.page("reuse.html", {"item": card(visit, item), "pieces": linked(item.words), "operator": operator})


def card(visit: Visit, item: Reuse) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "words": item.words,
        "kind": kind_word(visit, item.kind),
        "link": item.link,
        "host": str(urlsplit(item.link).hostname or "").removeprefix("www."),
        "author": item.author,
        "at": item.created_at,
        "state": item.state,
        "language": item.language if item.language != visit.language else "",
        "datasets": [(name, title(visit, name)) for name in item.datasets],
    }


def title(visit: Visit, dataset: str) -> str:
    """A dataset's title; its id when it is no longer there."""
    from arengo.errors import ArengoError

    try:
        return visit.site.catalogue.entry(dataset).contract.title(visit.language)
    except ArengoError:
        return dataset


def form(visit: Visit) -> Response:
    """``GET /reuses/new?dataset=``."""
    return _form(visit, Sheet(visit, "reuse"))


def take(visit: Visit, given: Form) -> Response:
    """``POST /reuses/new``."""
    services, _ = visit.site.participation, visit._
    if not services.settings.open:
        raise NotAllowed("This city takes no reuses here.", todo="Write to its contact address.")
    f = Sheet(visit, "reuse", given)
    name = f.text("title", 120, _("Give it a title."), line=True)
    words = f.text("words", 1500, _("Say what it is and what it shows."))
    kind = f.choice("kind", KINDS, _("Choose what it is."))
    link = f.web("link", _("Write where it can be found."))
    author = f.text("author", 100, _("Say who made it."), line=True)
    known = {entry.id for entry in visit.site.catalogue.entries(limit=None).items}
    datasets = tuple(item for item in f.values("dataset") if item in known)
    if not datasets:
        f.wrong("dataset", _("Choose at least one dataset."))
    if len(datasets) > MOST_DATASETS:
        f.wrong("dataset", _("Choose at most %(n)s datasets.", n=MOST_DATASETS))
    address = f.mail() if services.letters.able else ""
    sender = f.sender("reuse", address)
    if f.errors:
        return _form(visit, f)
    item = services.reuses.send(name, words, kind, link, author, datasets, sender)
    return receipt(visit, "reuse", item.id, item.title, bool(address))


def _form(visit: Visit, f: Sheet) -> Response:
    services = visit.site.participation
    if not services.settings.open:
        raise NotAllowed("This city takes no reuses here.", todo="Write to its contact address.")
    chosen = set(f.values("dataset")) if f.given is not None else {visit.param("dataset")}
    entries = visit.site.catalogue.entries(limit=None).items
    values = {
        "f": f,
        "kinds": [("", visit._("Choose")), *((name, kind_word(visit, name)) for name in KINDS)],
        "datasets": [(entry.id, entry.contract.title(visit.language), entry.id in chosen) for entry in entries],
        "able": services.letters.able,
        "days": services.settings.keep_days,
    }
    answer = visit.page("reuse_form.html", values, f.status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def atom(visit: Visit) -> Response:
    """``/reuses.atom``: the newest first."""
    services = visit.site.participation
    known = visit.unchanged(services.events.mark())
    if known:
        return known
    entries = [
        Entry(f"/reuses/{item.id}", item.title, item.words, item.updated_at, item.author, item.link)
        for item in services.reuses.shown(limit=50)
    ]
    words = visit._("Made with the data of %(city)s", city=visit.settings.city.name)
    return feed(visit, "/reuses.atom", "/reuses", words, entries)
