"""People, organisations, roles, sessions, invitations."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "organisation",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("parent", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("mail", sa.String, nullable=False, unique=True),
        sa.Column("organisation", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
    )
    op.create_table(
        "role",
        sa.Column("person", sa.String, primary_key=True),
        sa.Column("organisation", sa.String, primary_key=True),
        sa.Column("role", sa.String, primary_key=True),
        sa.Column("source", sa.String, primary_key=True),
        sa.Column("given_by", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
    )
    op.create_index("role_organisation", "role", ["organisation", "role"])
    op.create_table(
        "identity",
        sa.Column("provider", sa.String, primary_key=True),
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("used_at", moment, nullable=False),
    )
    op.create_index("identity_person", "identity", ["person"])
    op.create_table(
        "password",
        sa.Column("person", sa.String, primary_key=True),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("changed_at", moment, nullable=False),
    )
    op.create_table(
        "totp",
        sa.Column("person", sa.String, primary_key=True),
        sa.Column("sealed", sa.String, nullable=False),
        sa.Column("confirmed_at", moment),
        sa.Column("step", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "recovery_code",
        sa.Column("person", sa.String, primary_key=True),
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("used_at", moment),
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("used_at", moment),
    )
    op.create_index("passkey_person", "passkey", ["person"])
    op.create_table(
        "invitation",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("hash", sa.String, nullable=False, unique=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("given_by", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("used_at", moment),
    )
    op.create_index("invitation_person", "invitation", ["person"])
    op.create_table(
        "session",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("hash", sa.String, nullable=False, unique=True),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("assurance", sa.Integer, nullable=False),
        sa.Column("method", sa.String, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        sa.Column("sealed", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("authenticated_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("ended_at", moment),
    )
    op.create_index("session_person", "session", ["person"])
    op.create_index("session_expires", "session", ["expires_at"])
    op.create_table(
        "login_attempt",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("place", sa.String, nullable=False),
        sa.Column("at", moment, nullable=False),
    )
    op.create_index("login_attempt_account", "login_attempt", ["account", "at"])
    op.create_index("login_attempt_place", "login_attempt", ["place", "at"])
    op.create_index("login_attempt_at", "login_attempt", ["at"])
    op.create_table(
        "login_state",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
    )
    op.create_index("login_state_expires", "login_state", ["expires_at"])
    op.execute("INSERT INTO generation (id, n) SELECT 2, 0 WHERE NOT EXISTS (SELECT 1 FROM generation WHERE id = 2)")
