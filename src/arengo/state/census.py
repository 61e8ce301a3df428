"""The register of the city's applications and the exchanges between them: tables beside
:mod:`arengo.state.tables`, under the same metadata.
"""

from __future__ import annotations

import sqlalchemy as sa

from arengo.state.tables import Moment, metadata

application = sa.Table(
    "census_application",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("organisation", sa.String, nullable=False),
    sa.Column("vendor", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),  # application | database | files | service | external
    sa.Column("databases", sa.String, nullable=False),
    sa.Column("technology", sa.String, nullable=False),
    sa.Column("hosting", sa.String, nullable=False),
    sa.Column("personal", sa.Boolean),  # null: nobody said
    sa.Column("criticality", sa.String, nullable=False),  # low | medium | high | ''
    sa.Column("contract_ends", sa.Date),
    sa.Column("contact", sa.String, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

exchange = sa.Table(
    "census_exchange",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("source", sa.String, nullable=False),  # id of the application that gives
    sa.Column("target", sa.String, nullable=False),  # id of the application that receives
    sa.Column("what", sa.String, nullable=False),
    sa.Column("dataset", sa.String, nullable=False),  # '' when no dataset holds it
    sa.Column("way", sa.String, nullable=False),  # by-hand | by-file | by-api | through-platform
    sa.Column("frequency", sa.String, nullable=False),
    sa.Column("volume", sa.String, nullable=False),
    sa.Column("personal", sa.Boolean),
    sa.Column("note", sa.Text, nullable=False),
    sa.Index("census_exchange_source", "source"),
    sa.Index("census_exchange_target", "target"),
)

batch = sa.Table(  # sheets that were read: those that wait for a yes hold what they say
    "census_batch",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),  # order in which sheets were taken, 0 while one waits
    sa.Column("at", Moment, nullable=False),
    sa.Column("file", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # waiting | taken
    sa.Column("partial", sa.Boolean, nullable=False),
    sa.Column("base", sa.String, nullable=False),  # mark of the register it was compared with
    sa.Column("mark", sa.String, nullable=False),  # mark of the register it makes
    sa.Column("by", sa.String, nullable=False),
    sa.Column("added", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("removed", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("census_batch_n", "n"),
)

TABLES = (application, exchange, batch)
