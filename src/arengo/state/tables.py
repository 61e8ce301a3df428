"""The tables, in the words of the architecture page. Changed only together with a migration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect


class Moment(sa.TypeDecorator[datetime]):
    """An aware UTC time. SQLite has no zones, so it holds the UTC wall time there."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()

contract = sa.Table(
    "contract",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("sha", sa.String, primary_key=True),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("path", sa.String),
    sa.Column("applied_at", Moment, nullable=False),
)

dataset = sa.Table(
    "dataset",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("contract_sha", sa.String, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("retired_at", Moment),
)

version = sa.Table(
    "version",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("snapshot_id", sa.BigInteger, nullable=False),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # JSON of lake.record
    sa.Index("version_time", "dataset", "published_at"),
    sa.Index("version_run", "dataset", "run"),
)

expired = sa.Table(  # numbers never repeat, also after the newest of them expired
    "expired",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("expired_at", Moment, nullable=False),
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("trigger", sa.String, nullable=False),  # manual | schedule | demo
    sa.Column("state", sa.String, nullable=False),  # queued | running | succeeded | unchanged | refused | failed
    sa.Column("step", sa.String, nullable=False, server_default=""),
    sa.Column("started_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("steps", sa.JSON, nullable=False),  # [{name, state, started_at, seconds, rows}]
    sa.Column("rows_in", sa.BigInteger),
    sa.Column("rows", sa.BigInteger),
    sa.Column("quarantined", sa.BigInteger),
    sa.Column("version", sa.Integer),
    sa.Column("error", sa.JSON),
    sa.Index("run_dataset", "dataset", "started_at"),
    sa.Index("run_started", "started_at"),
)

source_state = sa.Table(
    "source_state",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("state", sa.JSON, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
)

usage = sa.Table(
    "usage",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("shape", sa.String, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("ms", sa.Float, nullable=False),
)

generation = sa.Table(
    "generation",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, nullable=False),
)

saved = sa.Table(  # a query, chart or dashboard kept under a name by the operator
    "saved",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),  # query | chart | dashboard
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
)
