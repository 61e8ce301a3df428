"""Talk about a dataset: its threads, the form to join in, reporting what is out of place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from arengo.errors import NotAllowed, NotFound, TooOften
from arengo.portal.amendment import dossier, receipt
from arengo.portal.dossier import Dossier
from arengo.portal.form import Form
from arengo.portal.operator import is_operator
from arengo.portal.sheet import Sheet, who
from arengo.portal.visit import Visit
from arengo.services.discussion import Comment
from arengo.services.wording import linked


@dataclass(frozen=True, slots=True)
class Said:
    """A comment on a page. ``gone``: why it is not shown, '' when it is."""

    item: Comment
    author: str
    pieces: list[tuple[str, str]]
    gone: str
    language: str


def page(visit: Visit) -> Response:
    """``/datasets/{id}/discussion?reply=``."""
    return _page(visit, dossier(visit), Sheet(visit, "comment"))


def say(visit: Visit, given: Form) -> Response:
    """``POST /datasets/{id}/discussion``: a thread or a reply."""
    services, _ = visit.site.participation, visit._
    d = dossier(visit)
    operator = is_operator(visit, d.id)
    if not services.settings.open and not operator:
        raise NotAllowed("This city takes no comments here.", todo="Write to its contact address.")
    f = Sheet(visit, "comment", given)
    thread = f.value("thread")
    title = "" if thread else f.text("title", 150, _("Say in a few words what it is about."), line=True)
    words = f.text("words", 4000, _("Write your comment."))
    author = f.text("author", 60, line=True)
    official = operator and f.value("official") == "1"
    address = f.mail() if services.letters.able and not official else ""
    sender = f.sender("comment", address, known=operator)
    if f.errors:
        return _page(visit, d, f)
    item = services.discussions.say(d.id, words, sender, title=title, author=author, thread=thread, official=official)
    if item.state == "pending" or address:
        return receipt(visit, "comment", item.id, d.title, bool(address))
    return RedirectResponse(f"/datasets/{d.id}/discussion#c-{item.id}", 303)


def report_page(visit: Visit) -> Response:
    """``GET /comments/{id}/report``."""
    return _report(visit, Sheet(visit, "report"))


def report(visit: Visit, given: Form) -> Response:
    """``POST /comments/{id}/report``: the city looks at it."""
    f = Sheet(visit, "report", given)
    item = _shown(visit)
    words = f.text("words", 500)
    if not f.errors:
        mark = who(visit)
        try:
            visit.site.participation.posting.count("report", mark)
            visit.site.participation.discussions.report(item.id, mark, words)
        except TooOften:
            f.wrong("", visit._("A lot was sent from here in the last hour. Try again later."), 429)
    if f.errors:
        return _report(visit, f)
    return visit.page("report.html", {"f": f, "item": None, "dataset": item.dataset, "pieces": []})


def _report(visit: Visit, f: Sheet) -> Response:
    item = _shown(visit)
    values = {"f": f, "item": item, "dataset": item.dataset, "pieces": linked(item.words)}
    return visit.page("report.html", values, f.status)


def _shown(visit: Visit) -> Comment:
    item = visit.site.participation.discussions.one(visit.request.path_params["number"])
    if item.state != "shown":
        raise NotFound("This comment is not shown any more.")
    return item


def _page(visit: Visit, d: Dossier, f: Sheet) -> Response:
    services = visit.site.participation
    threads = [
        {
            "first": said(visit, thread.first),
            "replies": [said(visit, item) for item in thread.replies],
            "answered": thread.answered,
            "count": len(thread.replies),
        }
        for thread in services.discussions.threads(d.id)
    ]
    operator = is_operator(visit, d.id)
    values: dict[str, Any] = {
        "d": d,
        "tab": "discussion",
        "tab_title": visit._("Discussion"),
        "threads": threads,
        "f": f,
        "replying": f.value("thread") if f.given is not None else visit.param("reply"),
        "able": services.letters.able,
        "days": services.settings.keep_days,
        "taken": services.settings.open or operator,
        "operator": operator,
        "tally": services.amendments.tally(d.id),
    }
    answer = visit.page("discussion.html", values, f.status)
    answer.headers["Cache-Control"] = "no-store"  # the form's stamp is for one reader
    return answer


def said(visit: Visit, item: Comment) -> Said:
    _ = visit._
    gone = ""
    if item.state == "hidden":
        gone = _("%(city)s has hidden this comment: %(reason)s", city=visit.settings.city.name, reason=item.reason)
    elif item.state == "withdrawn":
        gone = _("The author took this comment back.")
    author = visit.settings.city.name if item.official else item.author or _("A visitor")
    pieces = [] if gone else linked(item.words)
    return Said(item, author, pieces, gone, item.language if item.language != visit.language else "")
