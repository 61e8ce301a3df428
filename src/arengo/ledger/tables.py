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
    sa.Column("counted", sa.BigInteger, nullable=False),  # entries below have given their persons' counters
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

about = sa.Table(
    "ledger_about",
    metadata,
    sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("slots", sa.LargeBinary, nullable=False),  # salt and pseudonym of each person, see about.py
    sa.Column("gone", sa.LargeBinary, nullable=False),  # what stands for those who were erased
)

subject = sa.Table(  # written by counting only: which entries are about somebody
    "ledger_subject",
    metadata,
    sa.Column("pseudonym", sa.LargeBinary, primary_key=True),
    sa.Column("counter", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,  # persons come in any order: each would touch two pages instead of one
)

count = sa.Table(
    "ledger_count",
    metadata,
    sa.Column("n", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("first", sa.BigInteger, nullable=False),  # it counted the entries from here
    sa.Column("size", sa.BigInteger, nullable=False, index=True),  # to here (exclusive)
    sa.Column("roots", sa.LargeBinary, nullable=False),  # 32 bytes for each entry about somebody
    sa.Column("counters", sa.LargeBinary, nullable=False),  # 4 bytes for each of its persons
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
