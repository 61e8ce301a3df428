"""Follow by letter or feed: the form, the page of a subscription, ending it."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from arengo.contract.vocabulary import THEMES
from arengo.errors import ArengoError, BadForm, NotFound, TooOften
from arengo.portal.form import Form
from arengo.portal.letters import topic_name
from arengo.portal.sheet import Sheet
from arengo.portal.visit import Visit
from arengo.services.follow import RHYTHMS, TOPICS, Subscription, query


def page(visit: Visit) -> Response:
    """``GET /follow?topic=dataset&value=trees``."""
    topic, value, label = _topic(visit, visit.param("topic", "everything"), visit.param("value"))
    return _page(visit, Sheet(visit, "follow"), topic, value, label)


def begin(visit: Visit, given: Form) -> Response:
    """``POST /follow``: asks the address first; says the same whoever it belongs to."""
    services, _ = visit.site.participation, visit._
    f = Sheet(visit, "follow", given)
    topic, value, label = _topic(visit, f.value("topic"), f.value("value"))
    if not services.letters.able:
        return _page(visit, f, topic, value, label)
    rhythm = f.choice("rhythm", RHYTHMS, _("Choose how often."))
    address = f.mail(missing=_("Write your e-mail address."))
    f.sender("follow", address)
    if f.errors:
        return _page(visit, f, topic, value, label)
    try:
        services.follows.begin(topic, value, rhythm, address, visit.language)
    except TooOften:
        f.wrong("mail", _("That address got several letters today and confirmed none. Look into them."), 429)
        return _page(visit, f, topic, value, label)
    except BadForm:
        f.wrong("mail", _("That address follows as much as one can. End something first, with the link in a letter."))
        return _page(visit, f, topic, value, label)
    return visit.page("asked.html", {"next": _back(topic, value)})


def manage(visit: Visit) -> Response:
    """``GET /follow/{id}/{secret}``: how often, and stopping; for whoever has the letter."""
    number, secret = _ids(visit)
    follows = visit.site.participation.follows
    item = follows.one(number, secret)
    values = {
        "item": item,
        "name": _name(visit, item),
        "others": [(other, _name(visit, other), follows.secret("end", other.id)) for other in
                   follows.beside(number, secret) if other.id != item.id],
        "rhythms": rhythms(visit),
        "path": f"/follow/{number}/{secret}",
    }  # fmt: skip
    return _private(visit.page("subscription.html", values))


def change(visit: Visit, given: Form) -> Response:
    """``POST /follow/{id}/{secret}``: another rhythm, an end, or erasing the address everywhere."""
    number, secret = _ids(visit)
    services = visit.site.participation
    act = given.one("act")
    if act == "erase":
        services.forget(services.follows.address(number, secret))
        return _private(visit.page("ended.html", {"all": True}))
    if act == "end":
        services.follows.end(number, secret)
        return _private(visit.page("ended.html", {"all": False}))
    if given.one("rhythm") in RHYTHMS:
        services.follows.change(number, secret, given.one("rhythm"))
    return manage(visit)


def unsubscribe_page(visit: Visit) -> Response:
    """``GET /unsubscribe/{id}/{secret}``: a button, since mail programs open links by themselves."""
    number, secret = _ids(visit)
    item = visit.site.participation.follows.one(number, secret)
    path = f"/unsubscribe/{number}/{secret}"
    return _private(visit.page("unsubscribe.html", {"name": _name(visit, item), "path": path}))


def unsubscribe(visit: Visit, given: Form) -> Response:
    """``POST /unsubscribe/{id}/{secret}``: one click ends it, from a mail program too (RFC 8058)."""
    number, secret = _ids(visit)
    visit.site.participation.follows.end(number, secret)
    return _private(visit.page("ended.html", {"all": False}))


def rhythms(visit: Visit) -> list[tuple[str, str]]:
    _ = visit._
    return [("immediate", _("at once")), ("daily", _("every day")), ("weekly", _("every week"))]


def feeds(visit: Visit, topic: str, value: str) -> list[tuple[str, str]]:
    """Feeds of the same, for those who read feeds: (words, address)."""
    _ = visit._
    versions, changes = _("new versions"), _("changed rows")
    if topic == "dataset":
        return [(versions, f"/feeds/datasets/{value}.atom"), (changes, f"/feeds/datasets/{value}/changes.atom")]
    if topic == "theme":
        return [(versions, f"/feeds/themes/{value}.atom")]
    if topic == "organisation":
        return [(versions, f"/feeds/organisations/{value}.atom")]
    if topic == "reuses":
        return [(_("what people made"), "/reuses.atom")]
    if topic == "request":
        return [(_("requests for data"), "/wishes.atom")]
    return [(versions, "/feeds/catalog.atom"), (_("what people made"), "/reuses.atom")]


def _page(visit: Visit, f: Sheet, topic: str, value: str, label: str) -> Response:
    services = visit.site.participation
    values: dict[str, Any] = {
        "f": f,
        "topic": topic,
        "value": value,
        "name": topic_name(visit.speech, visit.settings, {"topic": topic, "value": value, "label": label}),
        "rhythms": rhythms(visit),
        "feeds": feeds(visit, topic, value),
        "able": services.letters.able,
        "back": _back(topic, value),
    }
    answer = visit.page("follow.html", values, f.status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _topic(visit: Visit, topic: str, value: str) -> tuple[str, str, str]:
    """(topic, value, its name). Raises NotFound for what is not there."""
    if topic not in TOPICS:
        raise NotFound("That cannot be followed.", todo="Follow a dataset, a theme, a search or everything.")
    catalogue, services = visit.site.catalogue, visit.site.participation
    if topic == "dataset":
        return topic, value, catalogue.entry(value).contract.title(visit.language)
    if topic == "theme" and value not in THEMES:
        raise NotFound("There is no such theme.")
    if topic == "organisation":
        from arengo.catalogue.record import say

        try:
            return topic, value, say(catalogue.organisation(value).name, visit.language)[0]
        except ArengoError:
            raise NotFound("There is no such organisation.") from None
    if topic == "search":
        return topic, query(value), ""
    if topic == "request":
        try:
            seen = services.wishes.one(value).state not in services.wishes.progress.unseen
        except NotFound:
            seen = services.amendments.one(value).state not in ("spam", "withdrawn")
        if not seen:
            raise NotFound("This request is not shown yet.")
        return topic, value, ""
    return topic, value if topic == "theme" else "", ""


def _back(topic: str, value: str) -> str:
    if topic == "dataset":
        return f"/datasets/{value}"
    if topic == "theme":
        return f"/themes/{value}"
    if topic == "organisation":
        return f"/organisations/{value}"
    return {"search": f"/datasets?{value}", "reuses": "/reuses", "request": "/wishes"}.get(topic, "/datasets")


def _name(visit: Visit, item: Subscription) -> str:
    from arengo.portal.reuse import title

    label = title(visit, item.value) if item.topic == "dataset" else ""
    return topic_name(visit.speech, visit.settings, {"topic": item.topic, "value": item.value, "label": label})


def _ids(visit: Visit) -> tuple[str, str]:
    return visit.request.path_params["number"], visit.request.path_params["secret"]


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
