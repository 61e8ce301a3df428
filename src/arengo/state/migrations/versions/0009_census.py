"""Applications of the city and their exchanges."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "census_application",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("organisation", sa.String, nullable=False),
        sa.Column("vendor", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("databases", sa.String, nullable=False),
        sa.Column("technology", sa.String, nullable=False),
        sa.Column("hosting", sa.String, nullable=False),
        sa.Column("personal", sa.Boolean),
        sa.Column("criticality", sa.String, nullable=False),
        sa.Column("contract_ends", sa.Date),
        sa.Column("contact", sa.String, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "census_exchange",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("way", sa.String, nullable=False),
        sa.Column("frequency", sa.String, nullable=False),
        sa.Column("volume", sa.String, nullable=False),
        sa.Column("personal", sa.Boolean),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("census_exchange_source", "census_exchange", ["source"])
    op.create_index("census_exchange_target", "census_exchange", ["target"])
    op.create_table(
        "census_batch",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("file", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("partial", sa.Boolean, nullable=False),
        sa.Column("base", sa.String, nullable=False),
        sa.Column("mark", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("added", sa.Integer, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("removed", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("census_batch_n", "census_batch", ["n"])
