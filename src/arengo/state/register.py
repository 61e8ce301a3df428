"""Retention runs and legal holds: tables beside :mod:`arengo.state.tables`, under the same metadata."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.state.tables import Moment, metadata

ALL = "*"
"""Stands for every dataset in a hold."""

retention_run = sa.Table(  # one for each dataset something was disposed of; never changed
    "retention_run",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("versions", sa.JSON, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer),
    sa.Column("rule", sa.JSON, nullable=False),
    sa.Index("retention_run_dataset", "dataset", "at"),
)
legal_hold = sa.Table(
    "legal_hold",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("set_at", Moment, nullable=False),
    sa.Column("set_by", sa.String, nullable=False),
    sa.Column("lifted_at", Moment),
    sa.Column("lifted_by", sa.String, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Index("legal_hold_dataset", "dataset"),
)


@dataclass(frozen=True, slots=True)
class Hold:
    """``dataset``: its id, or :data:`ALL`. ``id`` is '' for a hold the contract names. ``why``: of its lifting."""

    id: str
    dataset: str
    reason: str
    since: date | None
    by: str
    set_at: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: str = ""
    why: str = ""


def holds(connection: Connection, dataset: str = "", lifted: bool = False) -> tuple[Hold, ...]:
    """Holds in force, the oldest first; those on one dataset (and on all) when named; with ``lifted`` past ones too."""
    c = legal_hold.c
    chosen = sa.select(legal_hold).order_by(c.set_at, c.id)
    if dataset:
        chosen = chosen.where(c.dataset.in_((dataset, ALL)))
    if not lifted:
        chosen = chosen.where(c.lifted_at.is_(None))
    return tuple(
        Hold(row.id, row.dataset, row.reason, row.since, row.set_by, row.set_at, row.lifted_at, row.lifted_by, row.why)
        for row in connection.execute(chosen)
    )
