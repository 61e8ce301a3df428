"""A dataset as somebody who writes programs reads about it before she has a key: columns, plans, changes, no row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.contract import compare, loads
from arengo.contract.breaking import Effect
from arengo.contract.model import Contract, Kind
from arengo.contract.purpose import personal
from arengo.errors import ContractError
from arengo.governance.owner import owner_of
from arengo.governance.plan import Plan, approval_rule, plans
from arengo.governance.product import PRODUCT_STATES, Product, Products, product_of
from arengo.governance.response import usual
from arengo.state import agreements, tables

if TYPE_CHECKING:
    from arengo.state import State

STATES = PRODUCT_STATES
CHANGES = 20
"""Versions of the contract that are told."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column in words. ``personal``: it tells of persons. ``key``: part of the primary key."""

    name: str
    title: str
    kind: Kind
    description: str
    unit: str
    required: bool
    key: bool
    classification: str
    personal: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One version of the contract and what it changed for who reads. ``sentences`` is empty for the first."""

    version: str
    at: datetime
    breaking: bool
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offered:
    """``state``: of the product (draft, published, deprecated, suspended, retired), ``until`` and ``why`` of it.

    ``columns`` is None for a closed dataset, which tells them to nobody. ``plans`` is () for one that is not shared.
    ``approval``: manual, threshold or automatic. ``answer``: how long the owner usually takes.
    """

    contract: Contract
    owner: str
    state: str
    until: datetime | None
    why: str
    requestable: bool
    columns: tuple[Column, ...] | None
    plans: tuple[Plan, ...]
    approval: str
    answer: timedelta | None


def offered(state: State, contract: Contract, now: datetime) -> Offered:
    """What may be said of a dataset to everybody."""
    shared = contract.access == "shared"
    product = Products(state).of(contract, now)
    return Offered(
        contract,
        owner_of(contract),
        product.state,
        product.until,
        product.why,
        shared and product.requestable,
        None if contract.access == "closed" else columns(contract),
        plans(contract) if shared else (),
        approval_rule(contract) if shared else "",
        usual(state, contract.id) if shared else None,
    )


def standing(state: State, contracts: Iterable[Contract], now: datetime) -> dict[str, Product]:
    """Dataset -> its product, of many at once."""
    with state.read() as connection:
        rows = {row.dataset: row for row in connection.execute(sa.select(agreements.product))}
    out: dict[str, Product] = {}
    for contract in contracts:
        row = rows.get(contract.id)
        decided = (row.state, row.until, row.why) if row is not None else ("", None, "")
        out[contract.id] = product_of(contract, *decided, now=now)
    return out


def columns(contract: Contract) -> tuple[Column, ...]:
    """The columns a contract declares, hidden ones left out."""
    about = {item.name for item in personal(contract)}
    return tuple(
        Column(
            item.name,
            item.label,
            item.kind,
            item.description,
            item.unit,
            item.required,
            item.key_position >= 0,
            item.classification,
            item.name in about,
        )
        for item in contract.properties
        if not item.name.startswith("_")
    )


def changelog(state: State, contract: Contract, limit: int = CHANGES) -> tuple[Change, ...]:
    """The versions of the contract that were applied, newest first; () for a closed dataset.

    Of columns that tell of persons it says that they changed, not their values.
    """
    if contract.access == "closed":
        return ()
    t = tables.contract
    chosen = (
        sa.select(t.c.version, t.c.applied_at, t.c.text)
        .where(t.c.dataset == contract.id)
        .order_by(t.c.applied_at.desc(), t.c.sha)
        .limit(limit + 1)
    )
    with state.read() as connection:
        held = connection.execute(chosen).all()
    out: list[Change] = []
    for place, row in enumerate(held[:limit]):
        before = held[place + 1].text if place + 1 < len(held) else ""
        found = list(_compared(before, row.text)) if before else []
        if before and not found:
            continue  # only words changed
        out.append(
            Change(row.version, row.applied_at, any(breaking for _, breaking in found), tuple(w for w, _ in found))
        )
    return tuple(out)


def _compared(before: str, after: str) -> Iterable[tuple[str, bool]]:
    try:
        old, new = loads(before), loads(after)
    except ContractError:  # written for an older release, and no reader's matter
        return
    hidden = {item.name for item in (*personal(old), *personal(new)) if item.enum or item.examples}
    for item in compare(old, new):
        if item.consumer is Effect.NONE:  # where it comes from and how it is read is the owner's matter
            continue
        breaking = item.consumer is Effect.BREAKING
        if item.column in hidden and item.code.startswith("enum"):
            yield f"The values of {item.column} changed.", breaking
        else:
            yield item.sentence, breaking
