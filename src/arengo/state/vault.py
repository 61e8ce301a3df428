"""The identity vault, and what became of requests to be forgotten or left alone. Tables beside
:mod:`arengo.state.tables`, under the same metadata. No table holds a person's id or a value in clear.
"""

from __future__ import annotations

import sqlalchemy as sa

from arengo.state.tables import Moment, metadata

key = sa.Table(
    "vault_key",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # random; stands in the sealed rows
    sa.Column("population", sa.String, nullable=False),
    sa.Column("mark", sa.String, nullable=False),  # the person's blind number
    sa.Column("wrapped", sa.LargeBinary, nullable=False),  # the data key under the city's key
    sa.Column("kek", sa.String, nullable=False),  # which of the city's keys
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sealed_at", Moment),  # while the person is restricted nothing is opened with it
    sa.UniqueConstraint("population", "mark"),
)

index = sa.Table(
    "vault_index",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("mark", sa.String, primary_key=True),  # keyed hash of column and value, another key each dataset
    sa.Column("key", sa.String, primary_key=True),
    sa.Index("vault_index_key", "key"),
)

tombstone = sa.Table(
    "vault_tombstone",
    metadata,
    sa.Column("population", sa.String, primary_key=True),
    sa.Column("mark", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),  # erased | restricted
    sa.Column("at", Moment, nullable=False),
    sa.Column("erasure", sa.String, nullable=False),
)

erasure = sa.Table(
    "erasure",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),  # erase | restrict
    sa.Column("population", sa.String, nullable=False),
    sa.Column("mark", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # running | done | lifting | lifted
    sa.Column("by", sa.String, nullable=False),
    sa.Column("reference", sa.String, nullable=False),  # of the letter that asked for it
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("sealed", sa.LargeBinary),  # what must be known to go on after a kill; NULL once it is done
    sa.Column("plan", sa.JSON, nullable=False),
    sa.Column("steps", sa.JSON, nullable=False),  # [[name, RFC 3339 time, facts]]
    sa.Column("receipt", sa.String, nullable=False),  # SHA-256 of the sealed PDF
    sa.Column("lifted_by", sa.String, nullable=False),
    sa.Column("lifted_at", Moment),
    sa.Column("why", sa.Text, nullable=False),
    sa.Index("erasure_at", "at"),
)

kept = sa.Table(
    "erasure_kept",
    metadata,
    sa.Column("erasure", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # the restricted person's rows, sealed with her key
)
