"""Plans, purposes, agreements and their stamps: tables beside :mod:`arengo.state.tables`, under the same metadata.

``agreement_stamp`` is only ever added to; its numbers follow the order of commit.
"""

from __future__ import annotations

import sqlalchemy as sa

from arengo.state.tables import Moment, metadata

product = sa.Table(  # what an owner decided about a dataset's being offered; its contract says the rest
    "product",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),  # '' | deprecated | suspended
    sa.Column("until", Moment),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("turn", sa.BigInteger, nullable=False),  # counted up by every grant: its row lock puts them in order
)

purpose = sa.Table(
    "purpose",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("organisation", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("dpv", sa.String, nullable=False),
    sa.Column("legal_basis", sa.String, nullable=False),
    sa.Column("special_basis", sa.String, nullable=False),  # Art. 9(2), '' when no special category is read
    sa.Column("personal", sa.Boolean, nullable=False),
    sa.Column("answers", sa.JSON, nullable=False),  # question -> text
    sa.Column("retention", sa.String, nullable=False),  # ISO 8601 duration
    sa.Column("recipients", sa.JSON, nullable=False),
    sa.Column("follows", sa.String, nullable=False),  # the purpose this one was written instead of
    sa.Column("created_by", sa.String, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("purpose_organisation", "organisation", "created_at"),
)

agreement = sa.Table(
    "agreement",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("contract_version", sa.String, nullable=False),
    sa.Column("contract_sha", sa.String, nullable=False),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("organisation", sa.String, nullable=False),
    sa.Column("application", sa.String, nullable=False),  # '' for the organisation's own people
    sa.Column("purpose", sa.String, nullable=False),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("granted", sa.JSON),
    sa.Column("plan", sa.String, nullable=False),  # of what is granted, of what is asked before
    sa.Column("volume", sa.BigInteger, nullable=False),
    sa.Column("valid_from", Moment, nullable=False),
    sa.Column("valid_to", Moment, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("suspended_by", sa.JSON, nullable=False),
    sa.Column("follows", sa.String, nullable=False),  # the agreement this one renews, changes or upgrades
    sa.Column("drafted_by", sa.String, nullable=False),
    sa.Column("requested_by", sa.String, nullable=False),
    sa.Column("requested_at", Moment),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("agreement_of", "application", "dataset", "state"),
    sa.Index("agreement_owner", "owner", "state", "requested_at"),
    sa.Index("agreement_organisation", "organisation", "state"),
    sa.Index("agreement_dataset", "dataset", "state"),
    sa.Index("agreement_end", "state", "valid_to"),
    sa.Index("agreement_follows", "follows"),
    sa.Index("agreement_purpose", "purpose"),
)

agreement_stamp = sa.Table(
    "agreement_stamp",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("agreement", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("organisation", sa.String, nullable=False),
    sa.Column("behalf", sa.String, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("before", sa.String, nullable=False),
    sa.Column("after", sa.String, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Index("agreement_stamp_of", "agreement", "seq"),
)

approval = sa.Table(  # of the request as it stands; a request that goes back to its writer starts with none
    "approval",
    metadata,
    sa.Column("agreement", sa.String, primary_key=True),
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("behalf", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.UniqueConstraint("agreement", "who", name="approval_once"),
)

delegation = sa.Table(
    "delegation",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("person", sa.String, nullable=False),
    sa.Column("to", sa.String, nullable=False),
    sa.Column("organisation", sa.String, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Index("delegation_to", "to"),
    sa.Index("delegation_person", "person"),
)

reminder = sa.Table(  # what somebody was reminded of, so that nobody is twice
    "reminder",
    metadata,
    sa.Column("agreement", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),  # waiting:N | ending | outdated:SHA
    sa.Column("at", Moment, nullable=False),
)
