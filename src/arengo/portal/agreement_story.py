"""One agreement as its pages tell it: what was asked and granted, for what, what happened, who approved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from arengo.contract.model import Contract
from arengo.errors import ArengoError
from arengo.governance.agreement import Agreement, Stamp, masks_by_column
from arengo.governance.approval import Level, levels
from arengo.governance.caller import ROLES
from arengo.governance.plan import plans
from arengo.governance.purpose import QUESTIONS, Purpose
from arengo.portal.agreement_words import (
    badge,
    basis_words,
    masks_words,
    purpose_word,
    side_word,
    step_word,
    time_words,
)
from arengo.portal.cells import heads
from arengo.portal.terms import last_day
from arengo.portal.visit import Visit

RULE = "arengo"
"""Who acts where nobody did: the clock, or the owner's declared rule."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the story."""

    word: str
    at: datetime
    who: str
    behalf: str
    why: str
    notes: tuple[str, ...] = ()


class Names:
    """Names of people, organisations, applications and datasets; ids where there is no name."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._people: dict[str, str] = {}

    def learn(self, ids: Iterable[str]) -> None:
        """Look up many people at once."""
        wanted = [one for one in ids if one and one not in self._people]
        if wanted:
            self._people |= dict.fromkeys(wanted, "") | dict(self._visit.site.parties.names(wanted))

    def person(self, id: str) -> str:
        if not id:
            return ""
        if id == RULE:
            return self._visit._("by itself")
        self.learn([id])
        return self._people[id] or id

    def organisation(self, id: str) -> str:
        found = self._visit.site.parties.organisations().get(id)
        return found.name if found else id

    def application(self, id: str) -> str:
        if not id:
            return ""
        found = self._visit.site.applications.find(id)
        return found.title if found else id

    def reader(self, agreement: Agreement) -> str:
        """Who reads: the application with its organisation, or the organisation's people."""
        where = self.organisation(agreement.organisation)
        if not agreement.application:
            return self._visit._("the people of %(name)s", name=where)
        return f"{self.application(agreement.application)}, {where}"

    def dataset(self, id: str) -> str:
        contract = contract_of(self._visit, id)
        return contract.title(self._visit.language) if contract else id


def contract_of(visit: Visit, dataset: str) -> Contract | None:
    """The contract in force, None when the dataset is gone."""
    try:
        return visit.site.catalogue.entry(dataset).contract
    except ArengoError:
        return None


def head(visit: Visit, agreement: Agreement, names: Names) -> dict[str, Any]:
    """What every page needs of an agreement."""
    shown = badge(visit, agreement)
    return {
        "id": agreement.id,
        "title": names.dataset(agreement.dataset),
        "state": shown.state,
        "word": shown.word,
        "tone": shown.tone,
        "revision": agreement.revision,
        "decided": agreement.state not in ("draft", "pending"),
    }


# Asked and granted


def asked_granted(visit: Visit, agreement: Agreement, contract: Contract | None) -> dict[str, Any]:
    """Two columns of the same rows: what was asked, what is granted. Before a decision the second says so."""
    _, say = visit._, visit.speech
    asked, granted = agreement.asked or agreement.terms, agreement.terms
    refused = agreement.state == "rejected"
    decided = agreement.state not in ("draft", "pending") and not (
        agreement.state in ("revoked", "expired") and agreement.asked == granted and not agreement.approvals
    )
    labels = labels_of(visit, contract, asked.columns)
    before, after = masks_by_column(asked.masks), masks_by_column(granted.masks)
    columns, fewer, blurred = [], 0, 0
    for name in asked.columns:
        wanted, given = before.get(name, ()), after.get(name, ())
        kept = name in granted.columns and not refused
        how = masks_words(visit, given) if decided and kept else ""
        fewer += decided and not kept
        blurred += decided and kept and given != wanted
        verdict = "" if not decided else "no" if not kept else "less" if given != wanted else "yes"
        columns.append({"label": labels[name], "granted": verdict, "asked_how": masks_words(visit, wanted), "how": how})
    terms = [
        (_("Rows"), asked.rows or _("all"), granted.rows or _("all")),
        (_("Plan"), *(plan_title(contract, terms.plan) for terms in (asked, granted))),
        (_("Calls a day"), say.number(asked.volume), say.number(granted.volume)),
        (_("From"), say.date(asked.valid_from), say.date(granted.valid_from)),
        (_("Until"), *(say.date(last_day(visit, terms.valid_to)) for terms in (asked, granted))),
        (_("Conditions"), "\n".join(asked.obligations) or "–", "\n".join(granted.obligations) or "–"),
    ]
    rows = [
        {
            "label": label,
            "asked": one,
            "granted": "–" if refused else two,
            "changed": decided and (one != two or refused),
        }
        for label, one, two in terms
        if (one, two) != ("–", "–")
    ]
    if refused:
        summary = _("Nothing was granted.")
    elif not decided:
        summary = _("Nothing is granted before the owner has decided.")
    elif not fewer and not blurred and not any(row["changed"] for row in rows):
        summary = _("Granted as it was asked.")
    else:
        parts = []
        if fewer:
            parts.append(say.many("%(n)s column is not given", "%(n)s columns are not given", fewer))
        if blurred:
            parts.append(say.many("%(n)s column is changed", "%(n)s columns are changed", blurred))
        parts += [str(row["label"]) for row in rows if row["changed"]]
        summary = _("Less than asked: %(what)s.", what=", ".join(parts))
    return {"columns": columns, "terms": rows, "decided": decided, "summary": summary}


def labels_of(visit: Visit, contract: Contract | None, names: Sequence[str]) -> Mapping[str, str]:
    """Column -> what a reader calls it; its name when the contract no longer has it."""
    found = {item.name: item.label for item in heads(contract, names, visit.language)} if contract else {}
    return {name: found.get(name, name) for name in names}


def plan_title(contract: Contract | None, id: str) -> str:
    known = {plan.id: plan.title for plan in plans(contract)} if contract else {}
    return known.get(id, id) or id


# What for


def question_words(visit: Visit) -> dict[str, tuple[str, str]]:
    """Question -> its words and a hint, in the reader's language."""
    _ = visit._
    words = {
        "necessity": (
            _("Why is each of these columns needed, and why is less not enough?"),
            _("Go through the columns you ask for. Coarser values, fewer rows or no names are often enough."),
        ),
        "people": (
            _("Who is affected, and what could it mean for them?"),
            _("Think of people who are few, weak or known in the neighbourhood."),
        ),
        "safeguards": (
            _("Who will have access on your side, and how is it protected?"),
            _("Name the office and the program, where it runs, and how access ends when somebody leaves."),
        ),
        "combination": (
            _("What other data will it be combined with?"),
            _("Say 'none' with a reason when it is used alone: rows without names can name people once combined."),
        ),
        "decisions": (
            _("Are decisions about people made with it, and how are they told?"),
            _("Say who decides, whether a program decides alone (Art. 22), and how people are informed (Art. 14)."),
        ),
    }
    return {item.id: words.get(item.id, (item.text, item.help)) for item in QUESTIONS}


def purpose_view(visit: Visit, purpose: Purpose) -> dict[str, Any]:
    _ = visit._
    facts = [
        (_("Kind of purpose"), purpose_word(visit, purpose.dpv)),
        (_("What allows it (legal basis)"), basis_words(visit, purpose.legal_basis)),
        (_("Exception for special categories"), basis_words(visit, purpose.special_basis)),
        (_("Kept by the reader for"), time_words(visit, purpose.retention) if purpose.retention else ""),
        (_("Passed on to"), ", ".join(purpose.recipients) or _("nobody")),
    ]
    words = question_words(visit)
    return {
        "title": purpose.title,
        "text": purpose.text,
        "facts": [(label, text) for label, text in facts if text],
        "answers": [(words[name][0], text) for name, text in purpose.answers.items() if text and name in words],
    }


# What happened


def story(visit: Visit, stamps: Sequence[Stamp], names: Names) -> list[Step]:
    """The steps, the newest first."""
    names.learn([*(item.actor for item in stamps), *(item.behalf for item in stamps)])
    out = []
    for item in reversed(stamps):
        who = names.person(item.actor)
        if item.organisation and item.actor != RULE:
            who = f"{who}, {names.organisation(item.organisation)}"
        word = step_word(visit, item.action, item.before, item.after)
        out.append(Step(word, item.at, who, names.person(item.behalf), item.why))
    return out


def message_of(stamps: Sequence[Stamp]) -> str:
    """What the reader wrote when the request was last sent."""
    return next((item.why for item in reversed(stamps) if item.action == "submit"), "")


# Who approves


def approvals(visit: Visit, agreement: Agreement, contract: Contract | None, personal: bool, names: Names) -> list[Any]:
    """Who approved, and who is missing."""
    given = [
        {"name": names.person(item.who), "at": item.at, "why": item.why, "behalf": names.person(item.behalf)}
        for item in agreement.approvals
    ]
    if agreement.state != "pending" or contract is None:
        return given
    have = {item.level for item in agreement.approvals}
    needed = levels(contract, agreement, personal)
    return given + [
        {"at": None, "missing": missing_words(visit, level, len(needed), names)}
        for level in needed
        if level.number not in have
    ]


def missing_words(visit: Visit, level: Level, count: int, names: Names) -> str:
    _ = visit._
    told = [_named(visit, word, level.owner, names) for word in level.words]
    who = ", ".join(told) or _("a steward of %(owner)s", owner=names.organisation(level.owner))
    if count == 1:
        return _("Waits for %(who)s.", who=who)
    if level.number == 1:
        return _("First approval is missing: %(who)s.", who=who)
    return _("Second approval is missing: %(who)s.", who=who)


def _named(visit: Visit, word: str, owner: str, names: Names) -> str:
    """Whom a contract names as approver: a role of an organisation in words, anybody else as the contract does."""
    organisation, _colon, role = word.rpartition(":")
    if role not in ROLES:
        return word
    where = names.organisation(organisation or owner)
    return visit._("a steward of %(owner)s", owner=where) if role == "steward" else f"{role}, {where}"


def suspended_words(visit: Visit, agreement: Agreement, names: Names) -> str:
    owner, consumer = names.organisation(agreement.owner), names.organisation(agreement.organisation)
    return visit._("Suspended by %(who)s.", who=side_word(visit, agreement.suspended_by, owner, consumer))


def waits(visit: Visit, since: datetime) -> tuple[str, int]:
    """How long something has waited, in words and days."""
    days = max((visit.now - since).days, 0)
    words = (
        visit.speech.many("waits for %(n)s day", "waits for %(n)s days", days) if days else visit._("waits since today")
    )
    return words, days


def left_words(visit: Visit, agreement: Agreement) -> str:
    """How long it lasts."""
    say, days = visit.speech, (agreement.valid_to - visit.now) // timedelta(days=1)
    date = say.date(last_day(visit, agreement.valid_to))
    if 0 <= days <= 60 and agreement.state in ("active", "suspended"):
        return say.many("until %(date)s, %(n)s day left", "until %(date)s, %(n)s days left", days, date=date)
    return visit._("until %(date)s", date=date)
