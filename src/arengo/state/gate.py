"""What the privacy gate keeps: releases as they are public, verdicts, and what people decided about them. Tables beside
:mod:`arengo.state.tables`, under the same metadata.
"""

from __future__ import annotations

import sqlalchemy as sa

from arengo.state.tables import Moment, metadata

release = sa.Table(
    "privacy_release",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("population", sa.String, nullable=False),  # '' when none is declared
    sa.Column("form", sa.String, nullable=False),  # rows | cells
    sa.Column("at", Moment, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("withdrawn_at", Moment),
    sa.Column("body", sa.JSON, nullable=False),  # the release as a value
    sa.Index("privacy_release_population", "population"),
)

verdict = sa.Table(
    "privacy_verdict",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),  # order in which they were given
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("contract_sha", sa.String, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),  # pass | review | repair | block
    sa.Column("settled", sa.String, nullable=False),  # published | held | overridden | repaired
    sa.Column("version", sa.Integer),
    sa.Column("mark", sa.String, nullable=False),  # SHA-256 of the body
    sa.Column("body", sa.JSON, nullable=False),
    sa.Index("privacy_verdict_dataset", "dataset", "n"),
    sa.Index("privacy_verdict_run", "run"),
)

decision = sa.Table(
    "privacy_decision",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),  # approve | override | repair
    sa.Column("state", sa.String, nullable=False),  # waiting | given | declined | withdrawn
    sa.Column("by", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("second", sa.String, nullable=False),
    sa.Column("second_at", Moment),
    sa.Column("second_reason", sa.Text, nullable=False),
    sa.Column("contract_sha", sa.String, nullable=False),
    sa.Column("covers", sa.JSON, nullable=False),  # what was found, so that only that (or less) passes
    sa.Index("privacy_decision_dataset", "dataset"),
)
