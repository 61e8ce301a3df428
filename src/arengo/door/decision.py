"""The one decision point: who asks and whether they may read is decided by :mod:`arengo.governance`."""

from __future__ import annotations

from arengo.contract.model import Contract
from arengo.errors import NotAllowed
from arengo.governance import ANYONE, CITY, Caller, Decision, Judge, OpenJudge

__all__ = ["ANYONE", "CITY", "Caller", "Decision", "Judge", "OpenJudge", "refuse"]


def refuse(contract: Contract, decision: Decision, contact: str = "") -> NotAllowed:
    """The error for a refused caller: the rule, who decides, where to ask."""
    owner = contract.owner or "The city"
    where = f" Ask {contact}." if contact else " Ask there for access."
    todo = decision.todo or f"{owner} decides who may read it.{where}"
    return NotAllowed(f"{decision.reason} ({decision.rule})", todo=todo)
