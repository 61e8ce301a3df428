"""A dataset as something that is offered: whether it can be asked for, and what its owner decided about that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.contract.model import Contract
from arengo.state import State
from arengo.state.agreements import product

PRODUCT_STATES = ("draft", "published", "deprecated", "suspended", "retired")


@dataclass(frozen=True, slots=True)
class Product:
    """``state``: one of :data:`PRODUCT_STATES`. ``until``: when a deprecated one is retired. ``why``: in words."""

    dataset: str
    state: str
    until: datetime | None = None
    why: str = ""

    @property
    def requestable(self) -> bool:
        """Whether new agreements can be asked for."""
        return self.state == "published"

    @property
    def renewable(self) -> bool:
        """Whether those who read it can go on."""
        return self.state in ("published", "deprecated")

    @property
    def readable(self) -> bool:
        """Whether agreements are worth anything now."""
        return self.state in ("draft", "published", "deprecated")


def product_of(
    contract: Contract, decided: str = "", until: datetime | None = None, why: str = "", *, now: datetime
) -> Product:
    """The product's state: what the owner decided, within what the contract's status allows.

    ``decided``: '', ``suspended`` or ``deprecated``. The stricter of the two holds.
    """
    status = contract.status.lower()
    if status == "retired" or (decided == "deprecated" and until is not None and until <= now):
        return Product(contract.id, "retired", until, why)
    if status in ("draft", "proposed"):
        return Product(contract.id, "draft")
    if decided == "suspended":
        return Product(contract.id, "suspended", None, why)
    if decided == "deprecated" or status == "deprecated":
        return Product(contract.id, "deprecated", until, why)
    return Product(contract.id, "published")


class Products:
    """What owners decided about their products. Thread-safe."""

    def __init__(self, state: State) -> None:
        self._state = state

    def of(self, contract: Contract, now: datetime) -> Product:
        """The product of a contract as it stands at ``now``."""
        with self._state.read() as connection:
            row = connection.execute(sa.select(product).where(product.c.dataset == contract.id)).first()
        if row is None:
            return product_of(contract, now=now)
        return product_of(contract, row.state, row.until, row.why, now=now)

    def put(self, connection: Connection, dataset: str, **values: Any) -> None:
        """Keep a decision: state, until, by, why, at."""
        lock(connection, dataset, values["at"])
        connection.execute(product.update().where(product.c.dataset == dataset).values(**values))


def lock(connection: Connection, dataset: str, at: datetime) -> None:
    """Put the transactions that grant something of a dataset in a row: each waits until the one before has ended."""
    counted = product.update().where(product.c.dataset == dataset).values(turn=product.c.turn + 1)
    if connection.execute(counted).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(product.insert().values(dataset=dataset, state="", by="", why="", at=at, turn=1))
    except sa.exc.IntegrityError:  # somebody else was first, just now
        connection.execute(counted)
