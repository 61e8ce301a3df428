"""The steps of an agreement: who may press which button, the page that asks first, the word for who came second."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from arengo.errors import CallerError
from arengo.governance.agreement import Agreement
from arengo.governance.approval import member, steward
from arengo.governance.caller import CITY_WIDE
from arengo.portal import agreement_story as told
from arengo.portal.agreement_story import Names
from arengo.portal.agreement_words import badge, step_word
from arengo.portal.entrance import private
from arengo.portal.sheet import Sheet
from arengo.portal.visit import Visit, safe_target

ACTS = ("submit", "discard", "withdraw", "suspend", "resume", "revoke")
INSTANT = ("submit", "resume")
"""What needs no second look: sending what was just read, and lifting one's own suspension."""


@dataclass(frozen=True, slots=True)
class Post:
    """A button. ``instant``: one click where scripts run. ``second``: not the main step. ``grave``: takes away."""

    act: str
    words: str
    second: bool = False
    instant: bool = False
    grave: bool = False


def flags_of(visit: Visit, item: Agreement) -> tuple[str, ...]:
    """On whose side the visitor may suspend and resume."""
    by = visit.caller
    out = []
    if member(by, item.organisation):
        out.append("consumer")
    if steward(by, item.owner):
        out.append("owner")
    if (CITY_WIDE, "administrator") in by.roles:
        out.append("platform")
    return tuple(out)


def posts_of(visit: Visit, item: Agreement) -> tuple[list[Post], list[Post]]:
    """(main buttons, further ones) that this visitor may press now."""
    _, by = visit._, visit.caller
    mine, gives = member(by, item.organisation), steward(by, item.owner)
    state, flags = badge(visit, item).state, flags_of(visit, item)
    main: list[Post] = []
    rest: list[Post] = []
    if state == "draft" and mine:
        main.append(Post("submit", _("Send the request"), instant=True))
        rest.append(Post("discard", _("Throw the draft away"), grave=True))
    if state == "pending" and mine:
        main.append(Post("withdraw", _("Take the request back"), second=True))
    if state == "active" and gives:
        main.append(Post("suspend", _("Suspend"), second=True, instant=True))
    if state == "active" and flags == ("platform",):
        main.append(Post("suspend", _("Suspend for the city"), second=True))
    if state == "suspended" and set(flags) & item.suspended_by:
        main.append(Post("resume", _("Resume"), instant=True))
    if state == "active" and mine and not gives:
        rest.append(Post("suspend", _("Suspend it from our side")))
    if state in ("active", "suspended") and (mine or gives):
        rest.append(Post("revoke", _("End it for good"), grave=True))
    return main, rest


def step(visit: Visit, item: Agreement, name: str, why: str) -> None:
    """Make one step. Raises what the procedure raises."""
    accords, by = visit.site.agreements, visit.caller
    if name == "submit":
        accords.submit(item.id, by=by, why=why)
    elif name == "discard":
        accords.discard(item.id, by=by, why=why)
    elif name == "withdraw":
        accords.withdraw(item.id, by=by, why=why)
    elif name == "suspend":
        accords.suspend(item.id, by=by, why=why)
    elif name == "resume":
        accords.resume(item.id, by=by, why=why)
    elif name == "revoke":
        accords.revoke(item.id, by=by, why=why)


def late_words(visit: Visit, item: Agreement) -> str:
    """Who did what when, for somebody who came second."""
    _ = visit._
    try:
        last = visit.site.agreements.history(item.id, visit.caller)[-1]
    except (CallerError, IndexError):
        return _("Somebody was quicker. Look at it again.")
    names = Names(visit)
    minutes = int((visit.now - last.at).total_seconds() // 60)
    ago = _("just now") if minutes < 1 else visit.speech.many("%(n)s minute ago", "%(n)s minutes ago", minutes)
    if minutes >= 120:
        ago = visit.speech.moment(last.at)
    word = step_word(visit, last.action, last.before, last.after)
    return _("%(who)s decided this %(when)s: %(what)s. Nothing of yours was changed.",
             who=names.person(last.actor), when=ago, what=word)  # fmt: skip


def sure(visit: Visit, f: Sheet, item: Agreement, name: str, back: str) -> Response:
    """The page that asks once more, and takes the reason."""
    _, names = visit._, Names(visit)
    reader = names.reader(item)
    headings = {
        "discard": (_("Throw the draft away?"), _("It was never sent; nobody else has seen it."), _("Throw it away")),
        "withdraw": (
            _("Take the request back?"),
            _("It becomes a draft again. Approvals given so far are void."),
            _("Take it back"),
        ),
        "suspend": (
            _("Suspend the agreement?"),
            _("The next call of %(reader)s is refused. You can resume it at any time.", reader=reader),
            _("Suspend it"),
        ),
        "revoke": (
            _("End the agreement for good?"),
            _("The next call of %(reader)s is refused. It cannot be resumed, only asked for anew.", reader=reader),
            _("End it"),
        ),
    }
    heading, words, button = headings[name]
    needed = name in ("suspend", "revoke")
    values = {
        "f": f,
        "a": told.head(visit, item, names),
        "heading": heading,
        "words": words,
        "button": button,
        "action": "",
        "act": name,
        "until": "",
        "why_needed": needed,
        "why_hint": _("The other side reads it, and it stays in the record."),
        "back_to": safe_target(back) if back else "",
    }
    return private(visit.page("agreement_sure.html", values, f.status))
