"""People, organisations, roles, sessions and invitations: tables beside :mod:`arengo.state.tables`, same metadata.

Nothing here opens anything by itself: passwords are argon2id hashes, links and cookies are kept as SHA-256 of random
bits, second secrets are sealed with the key in ``.arengo/parties.key``, and whoever tried to sign in stands here as a
keyed hash only.
"""

from __future__ import annotations

import sqlalchemy as sa

from arengo.state.tables import Moment, metadata

organisation = sa.Table(  # beyond those that contracts name as owners; a department has a parent
    "organisation",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("parent", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # active | closed
    sa.Column("created_at", Moment, nullable=False),
)

person = sa.Table(
    "person",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("mail", sa.String, nullable=False, unique=True),  # lower case
    sa.Column("organisation", sa.String, nullable=False),  # for whom the person acts
    sa.Column("state", sa.String, nullable=False),  # invited | active | blocked
    sa.Column("language", sa.String, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
)

role = sa.Table(
    "role",
    metadata,
    sa.Column("person", sa.String, primary_key=True),
    sa.Column("organisation", sa.String, primary_key=True),  # '*': the whole city
    sa.Column("role", sa.String, primary_key=True),
    sa.Column("source", sa.String, primary_key=True),  # '' given here, otherwise the directory that says so
    sa.Column("given_by", sa.String, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index("role_organisation", "organisation", "role"),
)

identity = sa.Table(  # who a person is at a provider (OpenID Connect Core, section 5.7: issuer and sub)
    "identity",
    metadata,
    sa.Column("provider", sa.String, primary_key=True),
    sa.Column("subject", sa.String, primary_key=True),
    sa.Column("person", sa.String, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("used_at", Moment, nullable=False),
    sa.Index("identity_person", "person"),
)

password = sa.Table(
    "password",
    metadata,
    sa.Column("person", sa.String, primary_key=True),
    sa.Column("hash", sa.String, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
)

totp = sa.Table(
    "totp",
    metadata,
    sa.Column("person", sa.String, primary_key=True),
    sa.Column("sealed", sa.String, nullable=False),
    sa.Column("confirmed_at", Moment),
    sa.Column("step", sa.BigInteger, nullable=False),  # the last one used: a code opens once (RFC 6238, 5.2)
)

recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("person", sa.String, primary_key=True),
    sa.Column("hash", sa.String, primary_key=True),
    sa.Column("used_at", Moment),
)

passkey = sa.Table(
    "passkey",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # credential id, base64url
    sa.Column("person", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
    sa.Index("passkey_person", "person"),
)

invitation = sa.Table(
    "invitation",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.Column("kind", sa.String, nullable=False),  # invite | reset
    sa.Column("person", sa.String, nullable=False),
    sa.Column("given_by", sa.String, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
    sa.Index("invitation_person", "person"),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.Column("person", sa.String, nullable=False),
    sa.Column("assurance", sa.Integer, nullable=False),
    sa.Column("method", sa.String, nullable=False),  # password | password totp | passkey | the provider's id
    sa.Column("agent", sa.String, nullable=False),  # which browser on what, in two words
    sa.Column("sealed", sa.String, nullable=False),  # the provider's id_token, for signing out there; '' when none
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("authenticated_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Index("session_person", "person"),
    sa.Index("session_expires", "expires_at"),
)

login_attempt = sa.Table(
    "login_attempt",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("place", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("login_attempt_account", "account", "at"),
    sa.Index("login_attempt_place", "place", "at"),
    sa.Index("login_attempt_at", "at"),
)

login_state = sa.Table(  # a login that is half done, and secrets that were used up
    "login_state",
    metadata,
    sa.Column("hash", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),  # oidc | second | spent
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Index("login_state_expires", "expires_at"),
)

TABLES = (
    organisation, person, role, identity, password, totp, recovery_code, passkey, invitation, session, login_attempt,
    login_state,
)  # fmt: skip
