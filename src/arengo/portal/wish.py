"""I am looking for data that is not there yet: the list, the form with what is there already, support."""

from __future__ import annotations

import re
import secrets
from typing import Any

from starlette.responses import RedirectResponse, Response

from arengo.catalogue.record import say
from arengo.catalogue.wanted import Wanted
from arengo.errors import CallerError, NotAllowed, NotFound, TooOften
from arengo.portal.amendment import history, receipt
from arengo.portal.atom import Entry, feed
from arengo.portal.form import Form
from arengo.portal.operator import is_operator
from arengo.portal.reuse import title as dataset_title
from arengo.portal.sheet import Sheet
from arengo.portal.state_words import TONES, state_word
from arengo.portal.visit import YEAR, Visit
from arengo.services.wish import SEEN, Wish
from arengo.services.wording import linked

COOKIE = "arengo_visitor"
"""A random name of this browser, set with the first support and used for nothing else."""
_OURS = re.compile(r"[A-Za-z0-9_-]{22}")
ALIKE = 5
SHOWN = 200


def listing(visit: Visit) -> Response:
    """``/wishes?state=``."""
    services = visit.site.participation
    state = visit.param("state") if visit.param("state") in SEEN else ""
    waiting = services.wishes.count("received")
    known = visit.unchanged(services.events.mark(), waiting, [item.support for item in services.wishes.of(limit=SHOWN)])
    if known:
        return known
    found = services.wishes.of((state,) if state else SEEN, SHOWN)
    values = {
        "items": [line(visit, item) for item in found],
        "states": [("", visit._("all")), *((name, state_word(visit._, "wish", name)) for name in SEEN)],
        "state": state,
        "taken": services.settings.open,
        "waiting": waiting,
    }
    return visit.page("wishes.html", values)


def line(visit: Visit, item: Wish) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "pieces": linked(item.words),
        "purpose": linked(item.purpose),
        "word": state_word(visit._, "wish", item.state),
        "tone": TONES[item.state],
        "state": item.state,
        "support": item.support,
        "planned": item.planned,
        "dataset": item.dataset,
        "dataset_title": dataset_title(visit, item.dataset) if item.dataset else "",
        "reason": linked(item.reason),
        "at": item.created_at,
        "language": item.language if item.language != visit.language else "",
        "open": item.state in ("review", "planned"),
    }


def single(visit: Visit) -> Response:
    """``/wishes/{number}``."""
    return _single(visit, Sheet(visit, "support"))


def _single(visit: Visit, f: Sheet) -> Response:
    services = visit.site.participation
    item = services.wishes.one(visit.request.path_params["number"])
    operator = is_operator(visit)
    if item.state in ("spam", "withdrawn") or (item.state not in SEEN and not operator):
        raise NotFound("This request is not shown yet.", todo="It appears when the city has read it.")
    browser = visit.request.cookies.get(COOKIE, "")
    values = {
        "item": line(visit, item),
        "steps": history(visit, "wish", services.wishes.steps(item.id), True),
        "mine": item.id in services.wishes.backs([item.id], browser),
        "f": f,
        "able": services.letters.able,
        "operator": operator,
        "asked": False,
    }
    answer = visit.page("wish.html", values, f.status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def support(visit: Visit, given: Form) -> Response:
    """``POST /wishes/{number}/support``: I need this too, or no longer."""
    services = visit.site.participation
    number = visit.request.path_params["number"]
    f = Sheet(visit, "support", given)
    browser = visit.request.cookies.get(COOKIE, "")
    fresh = _OURS.fullmatch(browser) is None
    browser = secrets.token_urlsafe(16) if fresh else browser
    if f.value("act") == "undo":
        services.wishes.unback(number, browser)
        return RedirectResponse(f"/wishes/{number}", 303)
    address = f.mail() if services.letters.able else ""
    f.sender("support", address)
    if f.errors:
        return _single(visit, f)
    try:
        if address:
            services.posting.letter(services.key.mark("mail", address.lower()))
        counted = services.wishes.back(number, browser=browser, mail=address, language=visit.language)
    except TooOften:
        f.wrong("mail", visit._("That address got several letters today and confirmed none. Look into them."), 429)
        return _single(visit, f)
    if address and not counted:
        answer: Response = visit.page("asked.html", {"next": f"/wishes/{number}"})
    else:
        answer = RedirectResponse(f"/wishes/{number}", 303)
    if fresh:
        answer.set_cookie(COOKIE, browser, YEAR, path="/", samesite="lax", httponly=True)
    return answer


def form(visit: Visit) -> Response:
    """``GET /wishes/new?title=``: first what is there, then the form."""
    return _form(visit, Sheet(visit, "wish"))


def take(visit: Visit, given: Form) -> Response:
    """``POST /wishes/new``."""
    services, _ = visit.site.participation, visit._
    if not services.settings.open:
        raise NotAllowed("This city takes no requests here.", todo="Write to its contact address.")
    f = Sheet(visit, "wish", given)
    title = f.text("title", 120, _("Say in a few words which data you miss."), line=True)
    words = f.text("words", 2000, _("Describe the data: what it is about, where, how often."))
    purpose = f.text("purpose", 1000)
    address = f.mail() if services.letters.able else ""
    sender = f.sender("wish", address)
    if f.errors:
        return _form(visit, f)
    item = services.wishes.send(title, words, purpose, sender)
    return receipt(visit, "wish", item.id, item.title, bool(address))


def _form(visit: Visit, f: Sheet) -> Response:
    services = visit.site.participation
    if not services.settings.open:
        raise NotAllowed("This city takes no requests here.", todo="Write to its contact address.")
    asked = f.value("title", visit.param("title"))[:200]
    alike = there(visit, asked) if asked else []
    others = [line(visit, item) for item in services.wishes.of(SEEN, SHOWN) if _near(asked, item)][:ALIKE]
    values = {
        "f": f,
        "asked": asked,
        "alike": alike,
        "others": others,
        "step": 2 if asked or f.given is not None else 1,
        "able": services.letters.able,
        "days": services.settings.keep_days,
    }
    answer = visit.page("wish_form.html", values, f.status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def there(visit: Visit, words: str) -> list[dict[str, str]]:
    """Datasets that may be what is looked for."""
    try:
        found = visit.site.catalogue.search(Wanted(words, language=visit.language, limit=ALIKE))
    except CallerError:
        return []
    return [
        {
            "id": hit.record.id,
            "title": say(hit.record.title, visit.language)[0],
            "words": say(hit.record.description, visit.language)[0],
        }
        for hit in found.hits
    ]


def _near(words: str, item: Wish) -> bool:
    """Whether another request speaks of the same: a longer word in common."""
    from arengo.catalogue import fold

    mine = set(re.findall(r"\w{4,}", fold(words)))
    return bool(mine & set(re.findall(r"\w{4,}", fold(item.title))))


def atom(visit: Visit) -> Response:
    """``/wishes.atom``."""
    services = visit.site.participation
    known = visit.unchanged(services.events.mark())
    if known:
        return known
    items = sorted(services.wishes.of(limit=50), key=lambda item: item.updated_at, reverse=True)
    entries = [
        Entry(f"/wishes/{item.id}", f"{item.title}: {state_word(visit._, 'wish', item.state)}", item.words,
              item.updated_at)
        for item in items
    ]  # fmt: skip
    words = visit._("Data people ask %(city)s for", city=visit.settings.city.name)
    return feed(visit, "/wishes.atom", "/wishes", words, entries)
