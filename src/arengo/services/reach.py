"""What one caller may read: every dataset the city has, decided for that caller in one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from arengo.contract.model import Contract
from arengo.governance.caller import Caller

if TYPE_CHECKING:
    from arengo.door import Decision, Door
    from arengo.governance.agreement import Agreement
    from arengo.governance.quota import Allowance
    from arengo.services.store import Store


@dataclass(frozen=True, slots=True)
class Reach:
    """One dataset under one agreement, or under none. ``columns``: in the contract's order; () when refused.

    ``until``: when it must be decided again. ``state``: of the agreement, '' without. ``left``: of its plan now.
    """

    contract: Contract
    decision: Decision
    columns: tuple[str, ...]
    agreement: str
    purpose: str
    state: str
    until: datetime | None
    plan: str
    left: Allowance | None


def reach(
    door: Door, store: Store | None, contracts: Iterable[Contract], caller: Caller, *, refused: bool = False
) -> Iterator[Reach]:
    """What ``caller`` may read of these datasets, in their order; several times where several agreements open it.

    ``refused``: also agreements that open nothing now, and why.
    """
    for contract in contracts:
        held = [] if store is None or contract.access == "open" else _agreements(store, contract.id, caller)
        for item in held:
            asked = replace(caller, agreement=item.id, purpose=item.purpose)
            decision = door.decide(contract.id, asked)
            if decision.allowed or refused:
                yield _one(store, contract, decision, caller, item)
        if not held:
            decision = door.decide(contract.id, caller)
            if decision.allowed:
                yield _one(store, contract, decision, caller, None)


def _agreements(store: Store, dataset: str, caller: Caller) -> list[Agreement]:
    if store.agreements is None or not caller.party:
        return []
    found = store.agreements.of(caller.application, dataset)
    if not caller.application:  # of the organisation's own people
        found = tuple(item for item in found if item.organisation == caller.organisation)
    return [
        item
        for item in found
        if caller.agreement in ("", item.id) and caller.purpose in ("", item.purpose) and item.state != "pending"
    ]


def _one(store: Store | None, contract: Contract, decision: Decision, caller: Caller, item: Agreement | None) -> Reach:
    names = [column.name for column in contract.properties if decision.allowed and column.name in decision.columns]
    left = store.left(caller, item) if store is not None and item is not None and decision.allowed else None
    return Reach(
        contract,
        decision,
        tuple(names),
        item.id if item else decision.agreement,
        item.purpose if item else decision.purpose,
        item.state if item else "",
        item.valid_to if item else decision.expires,
        item.plan if item else "",
        left,
    )
