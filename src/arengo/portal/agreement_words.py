"""Agreements in plain words: their states, what happened to them, masks, approvals, durations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from arengo.contract import dpv
from arengo.contract.period import Period
from arengo.governance.agreement import Agreement
from arengo.governance.decision import Mask
from arengo.governance.plan import Plan
from arengo.portal.visit import Visit

TONES = {
    "draft": "",
    "pending": "warn",
    "active": "good",
    "suspended": "bad",
    "rejected": "bad",
    "expired": "",
    "revoked": "bad",
    "superseded": "",
}
RETENTIONS = ("P1D", "P7D", "P1M", "P6M", "P1Y", "P2Y", "P5Y", "P10Y")
"""How long a reader may say it keeps what it read; others stand in purposes that programs wrote."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as it is shown: a word, a mark, a tone."""

    state: str
    word: str
    tone: str


def badge(visit: Visit, agreement: Agreement) -> Badge:
    """The state at this moment: one whose end has passed is over, whether the clock has written it down or not."""
    state = agreement.state
    if state in ("active", "suspended", "pending") and agreement.valid_to <= visit.now:
        state = "expired"
    word = state_word(visit, state)
    if state == "active" and agreement.valid_from > visit.now:
        word = visit._("agreed, begins later")
    return Badge(state, word, TONES[state])


def state_word(visit: Visit, state: str) -> str:
    _ = visit._
    return {
        "draft": _("draft, not sent"),
        "pending": _("waits for a decision"),
        "active": _("in force"),
        "suspended": _("suspended"),
        "rejected": _("refused"),
        "expired": _("over"),
        "revoked": _("ended"),
        "superseded": _("replaced"),
    }.get(state, state)


def step_word(visit: Visit, action: str, before: str, after: str) -> str:
    """What happened, as a heading of the story."""
    _ = visit._
    if action == "approve" and after == "pending":
        return _("First approval")
    if action == "approve" and before == "pending":
        return _("Approved")
    if action == "outdate" and before == after:
        return _("The contract changed")
    return {
        "draft": _("Draft begun"),
        "edit": _("Draft changed"),
        "submit": _("Request sent"),
        "discard": _("Draft thrown away"),
        "grant": _("Granted by the owner's rule"),
        "confirm": _("Approved by the second approver"),
        "reject": _("Refused"),
        "return": _("Sent back with a question"),
        "withdraw": _("Taken back"),
        "expire": _("Over"),
        "suspend": _("Suspended"),
        "resume": _("Resumed"),
        "revoke": _("Ended"),
        "supersede": _("Replaced by a newer agreement"),
        "outdate": _("Suspended: the contract changed"),
        "renew": _("Renewal asked for"),
        "change": _("Change asked for"),
        "upgrade": _("Upgrade asked for"),
    }.get(action, action)


def mask_words(visit: Visit, mask: Mask) -> str:
    """What a mask does to a value, in a few words."""
    _, argument = visit._, mask.argument
    if mask.kind == "truncate":
        count = int(argument) if argument.isdigit() else 0
        return visit.speech.many("only the first %(n)s character", "only the first %(n)s characters", count)
    if mask.kind == "generalise":
        periods = {"month": _("only month and year"), "year": _("only the year"), "decade": _("only the decade")}
        if argument in periods:
            return periods[argument]
        name, colon, level = argument.rpartition(":")
        if colon:
            return _("only the group (%(hierarchy)s, level %(level)s)", hierarchy=name, level=level)
        return _("only a range %(width)s wide", width=argument)
    return {
        "hide": _("hidden"),
        "pseudonym": _("a code instead (pseudonym)"),
        "round": _("rounded to %(step)s", step=argument),
        "top": _("at most %(bound)s", bound=argument),
        "bottom": _("at least %(bound)s", bound=argument),
    }.get(mask.kind, str(mask))


def masks_words(visit: Visit, masks: Iterable[Mask]) -> str:
    return ", ".join(mask_words(visit, mask) for mask in masks)


def mask_kinds(visit: Visit) -> list[tuple[str, str]]:
    """The choices of the owner's form."""
    _ = visit._
    return [
        ("", _("as it is")),
        ("pseudonym", _("a code instead (pseudonym)")),
        ("generalise", _("only the group, range or period")),
        ("truncate", _("only the first characters")),
        ("round", _("rounded")),
        ("top", _("at most")),
        ("bottom", _("at least")),
        ("hide", _("hidden")),
    ]


def side_word(visit: Visit, flags: Iterable[str], owner: str, consumer: str) -> str:
    """Who suspended."""
    words = {"owner": owner, "consumer": consumer, "platform": visit.settings.city.name}
    return visit._(" and ").join(words.get(flag, flag) for flag in sorted(flags))


def plan_words(visit: Visit, plan: Plan) -> str:
    say = visit.speech
    return ", ".join(
        (
            say.many("%(n)s call a second", "%(n)s calls a second", int(plan.rate))
            if plan.rate >= 1 and plan.rate == int(plan.rate)
            else visit._("%(n)s calls a second", n=say.number(plan.rate)),
            say.many("%(n)s call a day", "%(n)s calls a day", plan.daily),
            say.many("%(n)s row a day", "%(n)s rows a day", plan.rows),
        )
    )


def time_words(visit: Visit, text: str) -> str:
    """An ISO 8601 duration as people say it."""
    period, say = Period.parse(text), visit.speech
    if period is None:
        return text
    if period.months and period.months % 12 == 0 and not period.rest:
        return say.many("%(n)s year", "%(n)s years", period.months // 12)
    if period.months and not period.rest:
        return say.many("%(n)s month", "%(n)s months", period.months)
    return span_words(visit, period.about)


def span_words(visit: Visit, span: timedelta) -> str:
    """A span as people say it, in its largest unit."""
    say, days = visit.speech, span.days
    if days:
        return say.many("%(n)s day", "%(n)s days", days)
    hours, seconds = divmod(span.seconds, 3600)
    if hours:
        return say.many("%(n)s hour", "%(n)s hours", hours)
    return say.many("%(n)s minute", "%(n)s minutes", max(1, seconds // 60))


def basis_words(visit: Visit, code: str) -> str:
    """A legal basis in words, with its article."""
    found = dpv.concept(code, "basis", "special")
    if found is None:
        return code
    return f"{found.label(visit.language)} ({found.article})" if found.article else found.label(visit.language)


def purpose_word(visit: Visit, code: str) -> str:
    found = dpv.concept(code, "purpose")
    return found.label(visit.language) if found else code
