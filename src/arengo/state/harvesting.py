"""Tables of records that other catalogues gave. Changed only together with a migration."""

from __future__ import annotations

import sqlalchemy as sa

from arengo.state.tables import Moment, metadata

record = sa.Table(
    "harvest_record",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # slug, for life
    sa.Column("source", sa.String, nullable=False),
    sa.Column("identifier", sa.String, nullable=False),  # dct:identifier or address at the origin
    sa.Column("uuid", sa.String, nullable=False),
    sa.Column("sha", sa.String, nullable=False),  # of the record as it was read
    sa.Column("body", sa.LargeBinary, nullable=False),  # catalogue.harvest.codec
    sa.Column("publisher", sa.String, nullable=False),
    sa.Column("modified_at", Moment),
    sa.Column("stamp", sa.BigInteger, nullable=False),  # grows with every change of any record
    sa.Column("misses", sa.Integer, nullable=False),  # runs in a row that did not find it
    sa.Column("gone_at", Moment),  # a tombstone since then
    sa.Index("harvest_identity", "source", "identifier", unique=True),
    sa.Index("harvest_uuid", "uuid"),
    sa.Index("harvest_stamp", "stamp"),
)

run = sa.Table(
    "harvest_run",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # running | succeeded | unchanged | held | failed
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("counts", sa.JSON, nullable=False),
    sa.Column("rejected", sa.JSON, nullable=False),  # [{identifier, title, reason}], the first hundred
    sa.Column("error", sa.JSON),
    sa.Column("notes", sa.JSON, nullable=False),  # what the next run needs: etag, last_modified, ...
    sa.Index("harvest_run_source", "source", "started_at"),
)
