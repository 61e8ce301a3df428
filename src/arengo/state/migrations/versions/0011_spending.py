"""Spending of differential privacy and questions asked of open statistics."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "privacy_spending",
        sa.Column("id", sa.String, primary_key=True),  # digest of population, dataset, statement and run
        sa.Column("n", sa.BigInteger, nullable=False),  # order in which it was spent, per population
        sa.Column("population", sa.String, nullable=False),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("run", sa.String, nullable=False),
        sa.Column("basis", sa.String, nullable=False),  # '' or the state of the population the atoms are about
        sa.Column("at", moment, nullable=False),
        sa.Column("epsilon", sa.Float, nullable=False),
        sa.Column("rho", sa.Float, nullable=False),
        sa.Column("atoms", sa.JSON, nullable=False),  # {"concept level": [values]}
    )
    op.create_index("privacy_spending_population", "privacy_spending", ["population", "at"])
    op.create_table(
        "privacy_question",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("body", sa.Text, nullable=False),  # JSON: the question as the door reads it
    )
