"""Plans, purposes, agreements and their stamps."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "product",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("until", moment),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "purpose",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("organisation", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("dpv", sa.String, nullable=False),
        sa.Column("legal_basis", sa.String, nullable=False),
        sa.Column("special_basis", sa.String, nullable=False),
        sa.Column("personal", sa.Boolean, nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("retention", sa.String, nullable=False),
        sa.Column("recipients", sa.JSON, nullable=False),
        sa.Column("follows", sa.String, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
    )
    op.create_index("purpose_organisation", "purpose", ["organisation", "created_at"])
    op.create_table(
        "agreement",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("contract_version", sa.String, nullable=False),
        sa.Column("contract_sha", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("organisation", sa.String, nullable=False),
        sa.Column("application", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("granted", sa.JSON),
        sa.Column("plan", sa.String, nullable=False),
        sa.Column("volume", sa.BigInteger, nullable=False),
        sa.Column("valid_from", moment, nullable=False),
        sa.Column("valid_to", moment, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("suspended_by", sa.JSON, nullable=False),
        sa.Column("follows", sa.String, nullable=False),
        sa.Column("drafted_by", sa.String, nullable=False),
        sa.Column("requested_by", sa.String, nullable=False),
        sa.Column("requested_at", moment),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
    )
    op.create_index("agreement_of", "agreement", ["application", "dataset", "state"])
    op.create_index("agreement_owner", "agreement", ["owner", "state", "requested_at"])
    op.create_index("agreement_organisation", "agreement", ["organisation", "state"])
    op.create_index("agreement_dataset", "agreement", ["dataset", "state"])
    op.create_index("agreement_end", "agreement", ["state", "valid_to"])
    op.create_index("agreement_follows", "agreement", ["follows"])
    op.create_index("agreement_purpose", "agreement", ["purpose"])
    op.create_table(
        "agreement_stamp",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("agreement", sa.String, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("organisation", sa.String, nullable=False),
        sa.Column("behalf", sa.String, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("before", sa.String, nullable=False),
        sa.Column("after", sa.String, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )
    op.create_index("agreement_stamp_of", "agreement_stamp", ["agreement", "seq"])
    op.create_table(
        "approval",
        sa.Column("agreement", sa.String, primary_key=True),
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("behalf", sa.String, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.UniqueConstraint("agreement", "who", name="approval_once"),
    )
    op.create_table(
        "delegation",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("to", sa.String, nullable=False),
        sa.Column("organisation", sa.String, nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("ended_at", moment),
    )
    op.create_index("delegation_to", "delegation", ["to"])
    op.create_index("delegation_person", "delegation", ["person"])
    op.create_table(
        "reminder",
        sa.Column("agreement", sa.String, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("at", moment, nullable=False),
    )
