"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "contract",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("sha", sa.String, primary_key=True),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("path", sa.String),
        sa.Column("applied_at", moment, nullable=False),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("contract_sha", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("retired_at", moment),
    )
    op.create_table(
        "version",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("published_at", moment, nullable=False),
        sa.Column("snapshot_id", sa.BigInteger, nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("version_time", "version", ["dataset", "published_at"])
    op.create_index("version_run", "version", ["dataset", "run"])
    op.create_table(
        "expired",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("published_at", moment, nullable=False),
        sa.Column("expired_at", moment, nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("trigger", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("step", sa.String, nullable=False, server_default=""),
        sa.Column("started_at", moment),
        sa.Column("ended_at", moment),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.Column("rows_in", sa.BigInteger),
        sa.Column("rows", sa.BigInteger),
        sa.Column("quarantined", sa.BigInteger),
        sa.Column("version", sa.Integer),
        sa.Column("error", sa.JSON),
    )
    op.create_index("run_dataset", "run", ["dataset", "started_at"])
    op.create_index("run_started", "run", ["started_at"])
    op.create_table(
        "source_state",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
    )
    op.create_table(
        "usage",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("shape", sa.String, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("ms", sa.Float, nullable=False),
    )
    generation = op.create_table(
        "generation",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(generation, [{"id": 1, "n": 1}])


def downgrade() -> None:
    for name in (
        "generation",
        "usage",
        "source_state",
        "run",
        "expired",
        "version",
        "dataset",
        "contract",
    ):
        op.drop_table(name)
