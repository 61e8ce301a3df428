"""Spending of differential privacy and questions asked of open statistics."""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
