"""Releases, verdicts and decisions of the privacy gate."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "privacy_release",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("population", sa.String, nullable=False),  # '' when none is declared
        sa.Column("form", sa.String, nullable=False),  # rows | cells
        sa.Column("at", moment, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("withdrawn_at", moment),
        sa.Column("body", sa.JSON, nullable=False),  # the release as a value
    )
    op.create_index("privacy_release_population", "privacy_release", ["population"])
    op.create_table(
        "privacy_verdict",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),  # order in which they were given
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("contract_sha", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),  # pass | review | repair | block
        sa.Column("settled", sa.String, nullable=False),  # published | held | overridden | repaired
        sa.Column("version", sa.Integer),
        sa.Column("mark", sa.String, nullable=False),  # SHA-256 of the body
        sa.Column("body", sa.JSON, nullable=False),
    )
    op.create_index("privacy_verdict_dataset", "privacy_verdict", ["dataset", "n"])
    op.create_index("privacy_verdict_run", "privacy_verdict", ["run"])
    op.create_table(
        "privacy_decision",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),  # approve | override | repair
        sa.Column("state", sa.String, nullable=False),  # waiting | given | declined | withdrawn
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("second", sa.String, nullable=False),
        sa.Column("second_at", moment),
        sa.Column("second_reason", sa.Text, nullable=False),
        sa.Column("contract_sha", sa.String, nullable=False),
        sa.Column("covers", sa.JSON, nullable=False),  # what was found, so that only that (or less) passes
    )
    op.create_index("privacy_decision_dataset", "privacy_decision", ["dataset"])
