"""Why somebody may read, before any policy is asked: it is open, they keep the data, they have an agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from arengo.contract.model import Contract
from arengo.governance.caller import CITY, Caller
from arengo.governance.decision import Mask
from arengo.governance.owner import owner_of


class Accord(Protocol):
    """What is asked of an agreement (:class:`arengo.governance.agreement.Agreement`)."""

    @property
    def id(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    @property
    def application(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def plan(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> str: ...
    @property
    def masks(self) -> tuple[tuple[str, Mask], ...]: ...
    @property
    def obligations(self) -> tuple[str, ...]: ...
    @property
    def valid_from(self) -> datetime | None: ...
    @property
    def valid_to(self) -> datetime | None: ...
    @property
    def state(self) -> str: ...
    @property
    def suspended_by(self) -> frozenset[str]: ...
    @property
    def updated_at(self) -> datetime: ...


class Accords(Protocol):
    """Whoever knows the agreements. ``of``: those of an application about a dataset, in any state it cares to tell."""

    def of(self, application: str, dataset: str) -> Sequence[Accord]: ...

    def why(self, agreement: str) -> str:
        """What was said when it was last suspended, '' for nothing."""


class NoAccords:
    """A city without agreements."""

    def of(self, application: str, dataset: str) -> Sequence[Accord]:
        return ()

    def why(self, agreement: str) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Ground:
    """``kind``: open, city, steward, agreement, policy; '' is none, and ``reason`` says what is missing.

    ``final``: a refusal that no permit of a policy heals (a suspended agreement). The rest as in ``Decision``.
    """

    kind: str
    reason: str
    rule: str
    columns: frozenset[str] = frozenset()
    rows: tuple[str, ...] = ()
    masks: tuple[tuple[str, Mask], ...] = ()
    obligations: tuple[str, ...] = ()
    purpose: str = ""
    agreement: str = ""
    plan: str = ""
    recipient: str = ""
    state: str = ""
    expires: datetime | None = None
    todo: str = ""
    final: bool = False
    access: str = ""


def ground(contract: Contract, columns: frozenset[str], caller: Caller, accords: Accords, now: datetime) -> Ground:
    """The strongest ground there is. ``columns``: the names that exist and are not hidden."""
    access = f"{contract.id} {contract.version}: arengoAccess {contract.access}"
    if contract.access == "open":
        return Ground("open", "The contract declares this dataset open.", access, columns, access="open")
    closed = f"The contract declares this dataset {contract.access}, so it is not open to everyone."
    if caller == CITY:
        return Ground("city", closed, access, columns, access=contract.access)
    owner = owner_of(contract)
    ask = f"Ask for access at /datasets/{contract.id}/access."
    if contract.access == "closed":
        ask = f"{contract.owner or 'The city'} gives it to nobody else under an agreement; a rule or a role may."
    named = caller.purpose or caller.agreement or caller.application
    if not named and (owner, "steward") in caller.roles:
        who = contract.owner or "the city"
        return Ground("steward", f"You are a steward of {who}, which answers for this dataset.",
                      f"{access}; role steward of {owner}", columns)  # fmt: skip
    held = _held(contract, caller, accords)
    if held:
        return _by_agreement(contract, columns, caller, held, now, ask, accords)
    if caller.agreement or caller.purpose:
        what = f"agreement {caller.agreement}" if caller.agreement else f"the purpose {caller.purpose}"
        return Ground("", f"There is no agreement on this dataset that covers {what} for you.", access, todo=ask)
    return Ground("", closed, access, todo=ask)


def _held(contract: Contract, caller: Caller, accords: Accords) -> tuple[Accord, ...]:
    if not caller.application and not caller.organisation:
        return ()
    # A person reads under what her own organisation agreed, without a program; a program that went to another
    # organisation leaves its agreements behind.
    mine = (caller.application, caller.organisation, contract.id)
    found = accords.of(caller.application, contract.id)
    return tuple(item for item in found if (item.application, item.organisation, item.dataset) == mine)


def _by_agreement(
    contract: Contract,
    columns: frozenset[str],
    caller: Caller,
    held: Sequence[Accord],
    now: datetime,
    ask: str,
    accords: Accords,
) -> Ground:
    access = f"{contract.id} {contract.version}: arengoAccess {contract.access}"
    fit = [item for item in held if not caller.agreement or item.id == caller.agreement]
    if not fit:
        return Ground("", f"Agreement {caller.agreement} is not about this dataset, or not yours.", access, todo=ask)
    for_it = [item for item in fit if not caller.purpose or item.purpose == caller.purpose]
    if not for_it:
        known = ", ".join(sorted({item.purpose for item in fit}))
        met = f"You have no agreement on this dataset for the purpose {caller.purpose}; there is one for: {known}."
        return Ground("", met, access, todo=f"Name one of these purposes, or ask for another: {ask}")
    active = [item for item in for_it if _active(item, now)]
    purposes = sorted({item.purpose for item in active})
    if len(purposes) > 1:
        met = f"You have agreements on this dataset for several purposes: {', '.join(purposes)}."
        return Ground("", met, access, todo="Name the purpose of this request.")
    if not active:
        return _refused(max(for_it, key=lambda item: item.updated_at), contract, now, ask, accords)
    # Two for one purpose: the newer one, as after a renewal or an upgrade.
    item = max(active, key=lambda item: (item.valid_from or item.updated_at, item.updated_at, item.id))
    until = item.valid_to
    words = f", until {_day(until)}" if until else ""
    return Ground(
        "agreement",
        f"Agreement {item.id} lets you read this for the purpose {item.purpose}{words}.",
        f"agreement {item.id}",
        columns & frozenset(item.columns) if item.columns else frozenset(),
        (item.rows,) if item.rows else (),
        tuple(item.masks),
        tuple(item.obligations),
        item.purpose,
        item.id,
        item.plan,
        item.organisation,
        item.state,
        until,
    )


def _active(item: Accord, now: datetime) -> bool:
    begun = item.valid_from is None or item.valid_from <= now
    return item.state == "active" and begun and (item.valid_to is None or now < item.valid_to)


def _refused(item: Accord, contract: Contract, now: datetime, ask: str, accords: Accords) -> Ground:
    owner = contract.owner or "The city"
    rule, todo, expires = f"agreement {item.id}, {item.state}", ask, None
    if item.state == "suspended":
        by = {"owner": owner, "consumer": "the organisation that reads", "platform": "the city"}
        who = " and ".join(by.get(side, side) for side in sorted(item.suspended_by)) or owner
        why = accords.why(item.id).rstrip(".")
        reason = f"Agreement {item.id} was suspended by {who} on {_day(item.updated_at)}{f': {why}.' if why else '.'}"
        todo = f"{owner} says why and until when: /agreements/{item.id}."
    elif item.state == "active" and item.valid_from is not None and now < item.valid_from:
        reason, expires = f"Agreement {item.id} begins on {_day(item.valid_from)}.", item.valid_from
        todo = "Come again then."
    elif item.state in ("active", "expired") and item.valid_to is not None:
        reason, rule = f"Agreement {item.id} ended on {_day(item.valid_to)}.", f"agreement {item.id}, expired"
        todo = f"Renew it at /agreements/{item.id}, or {ask[0].lower()}{ask[1:]}"
    elif item.state == "pending":
        reason = f"Agreement {item.id} waits for {owner} since {_day(item.updated_at)}; silence grants nothing."
        todo = f"{owner} decides; see /agreements/{item.id}."
    else:
        reason = f"Agreement {item.id} is {item.state} since {_day(item.updated_at)}."
    return Ground(
        "", reason, rule, agreement=item.id, purpose=item.purpose, state=item.state, expires=expires, todo=todo,
        final=item.state in ("suspended", "revoked"),
    )  # fmt: skip


def _day(moment: datetime | None) -> str:
    return moment.astimezone(UTC).date().isoformat() if moment else "an unknown day"
