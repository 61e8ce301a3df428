"""The identity vault, erasures and restrictions."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "vault_key",
        sa.Column("id", sa.String, primary_key=True),  # random; stands in the sealed rows
        sa.Column("population", sa.String, nullable=False),
        sa.Column("mark", sa.String, nullable=False),  # the person's blind number
        sa.Column("wrapped", sa.LargeBinary, nullable=False),  # the data key under the city's key
        sa.Column("kek", sa.String, nullable=False),  # which of the city's keys
        sa.Column("created_at", moment, nullable=False),
        sa.Column("sealed_at", moment),
        sa.UniqueConstraint("population", "mark"),
    )
    op.create_table(
        "vault_index",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("mark", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
    )
    op.create_index("vault_index_key", "vault_index", ["key"])
    op.create_table(
        "vault_tombstone",
        sa.Column("population", sa.String, primary_key=True),
        sa.Column("mark", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),  # erased | restricted
        sa.Column("at", moment, nullable=False),
        sa.Column("erasure", sa.String, nullable=False),
    )
    op.create_table(
        "erasure",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),  # erase | restrict
        sa.Column("population", sa.String, nullable=False),
        sa.Column("mark", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),  # running | done | lifting | lifted
        sa.Column("by", sa.String, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("ended_at", moment),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.Column("receipt", sa.String, nullable=False),
        sa.Column("lifted_by", sa.String, nullable=False),
        sa.Column("lifted_at", moment),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("erasure_at", "erasure", ["at"])
    op.create_table(
        "erasure_kept",
        sa.Column("erasure", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),  # rows, sealed with the person's key
    )
