"""What a verdict comes to, and what became of it: the one big sentence, its colour, the decisions of people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from arengo.portal.language import Speech
from arengo.privacy.finding import Finding
from arengo.privacy.verdict import Verdict
from arengo.privacy.verdicts import DECIDED, HELD, PUBLISHED, REPAIRED, REPLACED, Held

ORDER = {"pass": 0, "review": 1, "repair": 2, "block": 3}
TONES = {"pass": "good", "review": "warn", "repair": "warn", "block": "bad"}


def outcome_word(s: Speech, outcome: str) -> str:
    _ = s._
    return {"pass": _("passes"), "review": _("to be looked at"), "repair": _("needs a repair"),
            "block": _("must not be published")}.get(outcome, outcome)  # fmt: skip


def settled_word(s: Speech, settled: str) -> str:
    _ = s._
    return {
        HELD: _("held back"),
        PUBLISHED: _("published"),
        DECIDED: _("published by decision"),
        REPAIRED: _("repaired"),
        REPLACED: _("replaced by a newer check"),
    }.get(settled, settled)


def ruling(s: Speech, held: Held) -> str:
    """The word above the headline: the outcome, or that people decided."""
    return settled_word(s, DECIDED) if held.settled == DECIDED and held.version else outcome_word(s, held.outcome)


def headline(s: Speech, verdict: Verdict, settled: str = "") -> str:
    """The outcome in one plain sentence. ``settled``: what became of it, where that is known."""
    _ = s._
    outcome = verdict.outcome
    worst = [item for item in verdict.findings if item.outcome == outcome]
    top: Finding | None = max(worst, key=lambda item: item.people, default=None)
    beside = top is not None and bool(top.releases)
    people = top.people if top is not None and beside else _alone(verdict)
    if outcome == "pass":
        if not is_public(verdict):
            return _("It is not open: agreements decide who reads it.")
        return _("Nothing in it points at a person.")
    if outcome == "review" and settled == DECIDED:
        return _("Somebody looked at it and approved it.")
    if outcome == "review":
        return _("Somebody has to look at it before it is published.")
    if people and beside:
        return s.many(
            "Together with what is public already, it would expose %(n)s person.",
            "Together with what is public already, it would expose %(n)s people.",
            people,
        )
    if people:
        return s.many(
            "As it is, %(n)s person could be recognised in it.",
            "As it is, %(n)s people could be recognised in it.",
            people,
        )
    if outcome == "repair":
        return _("It has to be changed before it is published.")
    return _("It must not be published as it is.")


def _alone(verdict: Verdict) -> int:
    """How many people the release by itself exposes; 0 where it is not counted since it names everybody."""
    stop = [item for item in verdict.findings if ORDER[item.outcome] > ORDER["review"] and not item.releases]
    named = any(item.code == "identifier-open" for item in stop)
    return 0 if named else max((item.people for item in stop), default=0)


def is_public(verdict: Verdict) -> bool:
    """Whether it was judged as something everybody may read."""
    return all(item.code != "not-public" for item in verdict.findings)


def standing(s: Speech, held: Held) -> str:
    """What became of the publication, in a sentence."""
    _ = s._
    number = held.version
    if held.settled == HELD:
        return {
            "review": _("The publication waits for a steward. What was public before stays as it is."),
            "repair": _("The publication waits: take one of the repairs. What was public before stays as it is."),
        }.get(held.outcome, _("The publication is held back. What was public before stays as it is."))
    if held.settled == PUBLISHED:
        return _("It was published as version %(n)s.", n=number) if number else _("It was published.")
    if held.settled == DECIDED and held.outcome == "review":
        if number:
            return _("It was published as version %(n)s.", n=number)
        return _("Approved. The publication was started again.")
    if held.settled == DECIDED:
        if number:
            return _("People decided to publish it all the same, as version %(n)s.", n=number)
        return _("People decided to publish it all the same.")
    if held.settled == REPAIRED:
        return _("A repair went into the contract, and the publication was started again.")
    return _("A newer check has taken its place.")


def people_of(verdict: Verdict) -> int:
    """People in groups that are too small, or the most that one of the findings which stop is about."""
    return max((item.people for item in verdict.findings if item.outcome != "pass"), default=0)


def target_k(verdict: Verdict) -> int | None:
    """Persons that a group must have."""
    for item in verdict.assumptions:
        if item.code == "target" and isinstance(item.facts.get("k"), int):
            return int(item.facts["k"])
    return None


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision in words. ``steps``: (who, what, when, reason)."""

    id: str
    kind: str
    word: str
    tone: str
    waits: bool
    steps: tuple[tuple[str, str, datetime | None, str], ...]


def decision_words(s: Speech) -> Mapping[tuple[str, str], tuple[str, str]]:
    """(kind, state) of a decision -> words and tone."""
    _ = s._
    return {
        ("approve", "given"): (_("Approved"), "good"),
        ("override", "waiting"): (_("Waits for a second person"), "warn"),
        ("override", "given"): (_("Published all the same, by two people"), "bad"),
        ("override", "declined"): (_("Declined"), ""),
        ("override", "withdrawn"): (_("Taken back"), ""),
        ("repair", "given"): (_("Repair taken"), "good"),
    }
