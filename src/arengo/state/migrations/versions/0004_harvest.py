"""Records of other catalogues."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "harvest_record",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("identifier", sa.String, nullable=False),
        sa.Column("uuid", sa.String, nullable=False),
        sa.Column("sha", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("publisher", sa.String, nullable=False),
        sa.Column("modified_at", moment),
        sa.Column("stamp", sa.BigInteger, nullable=False),
        sa.Column("misses", sa.Integer, nullable=False),
        sa.Column("gone_at", moment),
    )
    op.create_index("harvest_identity", "harvest_record", ["source", "identifier"], unique=True)
    op.create_index("harvest_uuid", "harvest_record", ["uuid"])
    op.create_index("harvest_stamp", "harvest_record", ["stamp"])
    op.create_table(
        "harvest_run",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("ended_at", moment),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("rejected", sa.JSON, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("notes", sa.JSON, nullable=False),
    )
    op.create_index("harvest_run_source", "harvest_run", ["source", "started_at"])
