"""Who asks, and whether they may read. The one decision point; governance replaces its rules, not its place."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from arengo.contract.model import Contract
from arengo.errors import NotAllowed


@dataclass(frozen=True, slots=True)
class Caller:
    """A party at this request. Everybody is :data:`ANYONE` until parties and agreements exist."""

    party: str = ""
    purpose: str = ""
    agreement: str = ""


ANYONE = Caller()
CITY = Caller(party="\0city")
"""The city itself, for datasets made of its own datasets. No credential can name it: a NUL is in no header."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``reason``: a sentence a clerk understands. ``rule``: what of which contract decided.

    ``columns``: names granted. ``fingerprint``: equal for all requests that were decided by equal rules with
    equal grants; part of every cache key and ETag.
    """

    allowed: bool
    reason: str
    rule: str
    columns: frozenset[str]
    fingerprint: str


def decide(contract: Contract, columns: tuple[str, ...], caller: Caller = ANYONE) -> Decision:
    """The decision on one dataset for one caller. Hidden columns (``_row``, box columns) are never granted."""
    granted = frozenset(name for name in columns if not name.startswith("_"))
    open_to_all = contract.access == "open"
    rule = f"{contract.id} {contract.version}: arengoAccess {contract.access}"
    reason = (
        "The contract declares this dataset open."
        if open_to_all
        else f"The contract declares this dataset {contract.access}, so it is not open to everyone."
    )
    parts = ("open-1", contract.access, caller.party, caller.purpose, caller.agreement, *sorted(granted))
    digest = blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()
    return Decision(open_to_all or caller == CITY, reason, rule, granted, digest)


def refuse(contract: Contract, decision: Decision, contact: str = "") -> NotAllowed:
    """The error for a refused caller: the rule, who decides, where to ask."""
    owner = contract.owner or "The city"
    where = f" Ask {contact}." if contact else " Ask there for access."
    return NotAllowed(f"{decision.reason} ({decision.rule})", todo=f"{owner} decides who may read it.{where}")
