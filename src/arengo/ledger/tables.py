"""The tables of the record, in a database file of its own or in the city's PostgreSQL.

``ledger_leaf`` only ever grows. All that could name a person stands in the other tables and can be erased there.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

head = sa.Table(
    "ledger_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("peaks", sa.LargeBinary, nullable=False),  # 32 bytes each, the largest subtree first
    sa.Column("at", sa.String, nullable=False),
)

leaf = sa.Table(
    "ledger_leaf",
    metadata,
    sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("organisation", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Index("ledger_leaf_kind", "kind", "n"),
    sa.Index("ledger_leaf_dataset", "dataset", "n"),
    sa.Index("ledger_leaf_organisation", "organisation", "n"),
)

node = sa.Table(
    "ledger_node",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),  # of tiles: roots over 256**level leaves
    sa.Column("i", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

day = sa.Table(
    "ledger_day",
    metadata,
    sa.Column("day", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("entries", sa.BigInteger, nullable=False),
)

body = sa.Table(
    "ledger_body",
    metadata,
    sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("text", sa.LargeBinary, nullable=False),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Index("ledger_body_actor", "actor", "n"),
)

hidden = sa.Table(
    "ledger_hidden",
    metadata,
    sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, nullable=False),  # deferred, sealed
    sa.Column("until", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("basis", sa.String, nullable=False),
)

subject = sa.Table(
    "ledger_subject",
    metadata,
    sa.Column("pseudonym", sa.String, primary_key=True),
    sa.Column("counter", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Index("ledger_subject_n", "n"),
    sqlite_with_rowid=False,  # persons come in any order: each would touch three pages instead of one
)

commitments = sa.Table(
    "ledger_commitments",
    metadata,
    sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),  # 32 bytes each; say nothing without the salts
)

day_map = sa.Table(
    "ledger_map",
    metadata,
    sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),  # entries it counts: those below
    sa.Column("pairs", sa.LargeBinary, nullable=False),  # key and value of each person, 32 bytes each, in order
)

checkpoint = sa.Table(
    "ledger_checkpoint",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("cosigned", sa.Integer, nullable=False),
)

cosigned = sa.Table(
    "ledger_cosigned",
    metadata,
    sa.Column("origin", sa.String, primary_key=True),  # records of others that this city has cosigned
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)
