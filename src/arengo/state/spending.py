"""What was spent of a population's budget of differential privacy, and what was asked of open statistics: tables
beside :mod:`arengo.state.tables`, under the same metadata.
"""

from __future__ import annotations

import sqlalchemy as sa

from arengo.state.tables import Moment, metadata

spending = sa.Table(
    "privacy_spending",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # digest of population, dataset, statement and run
    sa.Column("n", sa.BigInteger, nullable=False),  # order in which it was spent, per population
    sa.Column("population", sa.String, nullable=False),
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("statement", sa.Text, nullable=False),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("basis", sa.String, nullable=False),  # '' or the state of the population the atoms are about
    sa.Column("at", Moment, nullable=False),
    sa.Column("epsilon", sa.Float, nullable=False),
    sa.Column("rho", sa.Float, nullable=False),
    sa.Column("atoms", sa.JSON, nullable=False),  # {"concept level": [values]}
    sa.Index("privacy_spending_population", "population", "at"),
)

question = sa.Table(
    "privacy_question",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # JSON: the question as the door reads it
)

TABLES = (spending, question)
