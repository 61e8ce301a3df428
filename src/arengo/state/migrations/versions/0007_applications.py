"""Applications, their keys and their use."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "application",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("organisation", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("contacts", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("blocked_by", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
    )
    op.create_index("application_owner", "application", ["owner"])
    op.create_index("application_organisation", "application", ["organisation"])
    op.create_table(
        "api_key",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("application", sa.String, nullable=False),
        sa.Column("agreement", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("revoked_at", moment),
        sa.Column("rotated_from", sa.String, nullable=False),
    )
    op.create_index("api_key_application", "api_key", ["application"])
    op.create_table(
        "oauth_key",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("application", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("jwk", sa.JSON),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("revoked_at", moment),
    )
    op.create_index("oauth_key_application", "oauth_key", ["application"])
    op.create_table(
        "credential_use",
        sa.Column("credential", sa.String, primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
    )
    op.create_table(
        "revoked_token",
        sa.Column("jti", sa.String, primary_key=True),
        sa.Column("application", sa.String, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
    )
    op.create_index("revoked_token_expiry", "revoked_token", ["expires_at"])
    op.create_table(
        "replay",
        sa.Column("mark", sa.String, primary_key=True),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_index("replay_until", "replay", ["until"])
    op.create_table(
        "quota",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("arrival", sa.Float, nullable=False),
        sa.Column("day", sa.String, nullable=False),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "consumption",
        sa.Column("application", sa.String, primary_key=True),
        sa.Column("agreement", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("face", sa.String, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("status", sa.String, primary_key=True),
        sa.Column("calls", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    op.create_index("consumption_dataset", "consumption", ["dataset", "day"])
