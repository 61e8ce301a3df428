"""Who said that a column may be public although persons were found in it, as far as the desk's record knows.

A reason in a contract counts, however it came there: whoever applies a contract decides. Where it came from a form of
the desk or from ``arengo privacy allow``, the record has who and when; where somebody wrote it into the file, it has
not, and the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from arengo.governance.role import OPERATOR
from arengo.portal.agreement_story import Names
from arengo.portal.visit import Visit
from arengo.privacy.verdicts import Held
from arengo.services.answer import ALLOWED

LOOKED = 1_000
"""Entries about a dataset that are looked through, the newest."""


@dataclass(frozen=True, slots=True)
class Given:
    """``why``: the reason as it was given. ``by``: a name."""

    why: str
    by: str
    at: datetime


def reasons(visit: Visit, held: Held) -> Mapping[str, Given]:
    """For a verdict that took a reason for granted: what the record has; else nothing is looked up."""
    asked = any(item.code == "reason" for item in held.verdict.assumptions)
    return given(visit, held.dataset) if asked else {}


def given(visit: Visit, dataset: str) -> Mapping[str, Given]:
    """Column -> the newest reason that the record holds for it."""
    ledger = visit.site.access.ledger
    names, out = Names(visit), dict[str, Given]()
    for entry in ledger.entries(
        kind="administration", dataset=dataset, before=ledger.size, limit=LOOKED, whole=True
    ):  # fmt: skip
        body = entry.body or {}
        facts = body.get("facts") or {}
        if facts.get("act") == ALLOWED and facts.get("column") not in out:
            actor = str(body.get("actor") or "")
            who = visit._("the keeper of the city's key") if actor in ("", OPERATOR.party) else names.person(actor)
            out[str(facts["column"])] = Given(str(facts.get("why") or ""), who, entry.at)
    return out
