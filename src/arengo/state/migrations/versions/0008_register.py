"""Retention runs and legal holds."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "retention_run",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("rule", sa.JSON, nullable=False),
    )
    op.create_index("retention_run_dataset", "retention_run", ["dataset", "at"])
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("set_at", moment, nullable=False),
        sa.Column("set_by", sa.String, nullable=False),
        sa.Column("lifted_at", moment),
        sa.Column("lifted_by", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("legal_hold_dataset", "legal_hold", ["dataset"])
