"""The agreement as one state machine: every transition that exists, and who may make it.

What is not in :data:`TRANSITIONS` cannot happen. The reference page of the documentation is printed from this table,
and the procedure (:mod:`arengo.governance.procedure`) looks every action up in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from arengo.errors import Conflict
from arengo.governance.agreement import ENDED, STATES

WHO: Mapping[str, str] = {
    "consumer": "a person of the organisation that reads",
    "owner": "a steward of the owner, or whom the contract names; not who wrote or sent the request",
    "second": "whom the contract names as second approver; neither the first nor who wrote or sent the request",
    "either": "a person of the organisation that reads, or a steward of the owner",
    "any": "consumer, owner, or an administrator of the whole city for the platform; each its own flag",
    "rule": "nobody: the owner's declared rule and caps",
    "clock": "nobody: the time, or the contract in force",
}
"""Guards: the word in the table and what it means."""


@dataclass(frozen=True, slots=True)
class Transition:
    """``who``: key of :data:`WHO`. ``after``: the states it can lead to, the usual one first. ``needs``: what must
    hold besides, in words; ``reason``: whether words are asked for."""

    state: str
    action: str
    who: str
    after: tuple[str, ...]
    needs: str = ""
    reason: bool = False


_TABLE = (
    Transition("draft", "edit", "consumer", ("draft",)),
    Transition("draft", "submit", "consumer", ("pending",), "the purpose is complete, the terms are within the "
               "contract, the product can be asked for"),
    Transition("draft", "discard", "consumer", ("revoked",)),
    Transition("pending", "grant", "rule", ("active",), "arengoApproval is automatic or threshold, the caps hold, no "
               "personal column is asked for unmasked, one approver is enough"),
    Transition("pending", "approve", "owner", ("active", "pending"), "the terms are not wider than asked; pending as "
               "long as a second approver has to agree"),
    Transition("pending", "confirm", "second", ("active",), "the first approver has agreed; the terms are hers or "
               "narrower"),
    Transition("pending", "reject", "owner", ("rejected",), reason=True),
    Transition("pending", "return", "owner", ("draft",), "approvals given so far are void", reason=True),
    Transition("pending", "withdraw", "consumer", ("draft",), "approvals given so far are void"),
    Transition("pending", "expire", "clock", ("expired",), "the end that was asked for has passed: silence never "
               "grants"),
    Transition("active", "suspend", "any", ("suspended",), reason=True),
    Transition("active", "revoke", "either", ("revoked",), reason=True),
    Transition("active", "expire", "clock", ("expired",), "its end has passed"),
    Transition("active", "supersede", "rule", ("superseded",), "the agreement that follows it became active"),
    Transition("active", "outdate", "clock", ("suspended",), "the contract in force means something else"),
    Transition("suspended", "suspend", "any", ("suspended",), "with a flag that is not set yet", reason=True),
    Transition("suspended", "resume", "any", ("active", "suspended"), "lifts the caller's own flag; suspended as long "
               "as another one is set"),
    Transition("suspended", "revoke", "either", ("revoked",), reason=True),
    Transition("suspended", "expire", "clock", ("expired",), "its end has passed"),
    Transition("suspended", "supersede", "rule", ("superseded",), "the agreement that follows it became active"),
    Transition("suspended", "outdate", "clock", ("suspended",), "the contract in force means something else"),
)  # fmt: skip

TRANSITIONS: Mapping[tuple[str, str], Transition] = {(item.state, item.action): item for item in _TABLE}
"""(state, action) -> transition."""
ACTIONS = tuple(dict.fromkeys(item.action for item in _TABLE))
BY_HAND = tuple(dict.fromkeys(item.action for item in _TABLE if item.who not in ("rule", "clock")))
"""Actions a person takes."""


def transition(state: str, action: str) -> Transition:
    """Raises Conflict when the agreement is in no state for it."""
    found = TRANSITIONS.get((state, action))
    if found is None:
        possible = [item.state for item in _TABLE if item.action == action]
        raise Conflict(
            f"The agreement is {state}, so it cannot {action}." if possible else f"There is no action {action[:40]!r}.",
            todo=f"That is possible while it is {' or '.join(possible)}." if possible else "",
        )
    return found


def actions_of(state: str) -> tuple[Transition, ...]:
    """What can happen to an agreement in this state."""
    return tuple(item for item in _TABLE if item.state == state)


def reference_table() -> str:
    """The machine as Markdown: the reference page of the documentation."""
    rows = ["| state | action | who | becomes | when |", "|---|---|---|---|---|"]
    for item in _TABLE:
        needs = (
            item.needs + ("; " if item.needs and item.reason else "") + ("words are asked for" if item.reason else "")
        )
        rows.append(f"| {item.state} | `{item.action}` | {item.who} | {' or '.join(item.after)} | {needs} |")
    rows += ["", "Nothing leads out of " + ", ".join(ENDED) + ".", "", "| who | is |", "|---|---|"]
    rows += [f"| {name} | {words} |" for name, words in WHO.items()]
    return "\n".join(rows)


assert {item.state for item in _TABLE} | set(ENDED) == set(STATES)
