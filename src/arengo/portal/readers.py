"""Who reads a dataset under an agreement, how much by day, when last; and the button that stops it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from arengo.errors import NotFound
from arengo.governance.agreement import Agreement
from arengo.governance.approval import steward
from arengo.governance.owner import owner_of
from arengo.portal import agreement_story as told
from arengo.portal import agreement_use
from arengo.portal.agreement_steps import Post
from arengo.portal.agreement_story import Names
from arengo.portal.dossier import Dossier
from arengo.portal.entrance import private, signed_in
from arengo.portal.granting import waiting
from arengo.portal.visit import Visit
from arengo.services.consumption import Used

PAGE = 50


def page(visit: Visit) -> Response:
    """``GET /datasets/{id}/readers``: for the owner's stewards and whoever watches over the owner."""
    refused = signed_in(visit)
    if refused:
        return refused
    d = Dossier(visit, visit.request.path_params["dataset"], unseen=True)
    owner, by, _ = owner_of(d.contract), visit.caller, visit._
    if not (steward(by, owner) or any(by.has(role, owner) for role in ("auditor", "administrator"))):
        raise NotFound(_("There is no such page for you."), todo=_("The dataset's own page says who may read it."))
    names = Names(visit)
    found = visit.site.agreements.listing(by, side="owner", states=("active", "suspended"), dataset=d.id, limit=1000)
    every = sorted(found, key=lambda item: item.state)
    start = int(visit.param("from")) if visit.param("from").isdigit() else 0
    shown = every[start : start + PAGE]
    used = agreement_use.of_dataset(visit, d.id)
    titles = visit.site.agreements.purposes.titles(tuple(item.purpose for item in shown))
    total = agreement_use.shown(visit, [day for days in used.values() for day in days])
    done, of = visit.param("done"), visit.param("of")
    values = {
        "d": d,
        "tab": "readers",
        "tab_title": _("Who reads it"),
        "items": [_line(visit, item, names, titles.get(item.purpose, ""), used.get(item.id, ())) for item in shown],
        "use": total if total["calls"] else None,
        "summary": _summary(visit, every, total["words"]),
        "more": visit.here(**{"from": start + PAGE}) if len(every) > start + PAGE else "",
        "waiting": sum(item.dataset == d.id for item in waiting(visit)),
        "said": _said(visit, done, next((item for item in every if item.id == of), None), names),
        "here": visit.link("datasets", d.id, "readers"),
    }
    return private(visit.page("readers.html", values))


def _summary(visit: Visit, shown: Sequence[Agreement], words: str) -> str:
    active = sum(item.state == "active" for item in shown)
    stopped = len(shown) - active
    out = visit.speech.many("%(n)s agreement is in force", "%(n)s agreements are in force", active)
    if stopped:
        out += ", " + visit.speech.many("%(n)s is suspended", "%(n)s are suspended", stopped)
    return f"{out}. {words}"


def _line(visit: Visit, item: Agreement, names: Names, purpose: str, used: Sequence[Used]) -> dict[str, Any]:
    _, say = visit._, visit.speech
    asked = item.asked or item.terms
    given = _(
        "%(given)s of %(asked)s columns", given=say.number(len(item.columns)), asked=say.number(len(asked.columns))
    )
    if item.masks:
        given += ", " + say.many("%(n)s changed", "%(n)s changed", len({name for name, _mask in item.masks}))
    if item.rows:
        given += ", " + _("rows filtered")
    last = agreement_use.last_day(used) or agreement_use.last_read(visit, item.id)
    calls = sum(one.calls for one in used)
    read = _("not read yet") if last is None else _("last read on %(date)s", date=say.date(last))
    if calls:
        read += ", " + say.many("%(n)s call in a month", "%(n)s calls in a month", calls)
    posts = []
    if steward(visit.caller, item.owner):
        if item.state == "active":
            posts.append(Post("suspend", _("Suspend"), second=True, instant=True))
        elif "owner" in item.suspended_by:
            posts.append(Post("resume", _("Resume")))
    return told.head(visit, item, names) | {
        "reader": names.reader(item),
        "purpose": purpose,
        "given": given,
        "read": read,
        "when": told.left_words(visit, item),
        "spark": agreement_use.spark(visit, used),
        "posts": posts,
    }


def _said(visit: Visit, done: str, item: Agreement | None, names: Names) -> dict[str, str] | None:
    if item is None:
        return None
    _, reader = visit._, names.reader(item)
    if done == "suspend" and item.state == "suspended":
        words = _("The next call of %(reader)s is refused. “Resume” undoes it.", reader=reader)
        return {"tone": "good", "title": _("Suspended"), "words": words}
    if done == "resume" and item.state == "active":
        words = _("Calls of %(reader)s are answered again.", reader=reader)
        return {"tone": "good", "title": _("Resumed"), "words": words}
    return None
