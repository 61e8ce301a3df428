"""Applications, their keys, tokens and use: tables beside :mod:`arengo.state.tables`, under the same metadata.

No secret stands here, only SHA-256 digests of secrets that are random enough not to be guessed.
"""

from __future__ import annotations

import sqlalchemy as sa

from arengo.state.tables import Moment, metadata

application = sa.Table(
    "application",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("organisation", sa.String, nullable=False),  # '' when a person acts for nobody else
    sa.Column("owner", sa.String, nullable=False),  # person
    sa.Column("contacts", sa.JSON, nullable=False),  # [mail, ...]
    sa.Column("state", sa.String, nullable=False),  # active | blocked
    sa.Column("reason", sa.Text, nullable=False),  # why it is blocked
    sa.Column("blocked_by", sa.String, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("application_owner", "owner"),
    sa.Index("application_organisation", "organisation"),
)

api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # stands in the key itself
    sa.Column("application", sa.String, nullable=False),
    sa.Column("agreement", sa.String, nullable=False),  # '' for all of the application's
    sa.Column("title", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False),  # SHA-256 of the key's secret part, hexadecimal
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
    sa.Column("rotated_from", sa.String, nullable=False),
    sa.Index("api_key_application", "application"),
)

oauth_key = sa.Table(  # by what an application proves itself at the token endpoint
    "oauth_key",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("application", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),  # secret | jwk
    sa.Column("digest", sa.String, nullable=False),  # of the secret, or the thumbprint (RFC 7638) of the public key
    sa.Column("jwk", sa.JSON),  # public
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
    sa.Index("oauth_key_application", "application"),
)

credential_use = sa.Table(  # apart from the keys: writing it changes nothing that is kept in memory
    "credential_use",
    metadata,
    sa.Column("credential", sa.String, primary_key=True),
    sa.Column("day", sa.Date, nullable=False),  # the last one
)

revoked_token = sa.Table(
    "revoked_token",
    metadata,
    sa.Column("jti", sa.String, primary_key=True),
    sa.Column("application", sa.String, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Index("revoked_token_expiry", "expires_at"),
)

replay = sa.Table(  # what may be shown once: client assertions; DPoP proofs where the state is PostgreSQL
    "replay",
    metadata,
    sa.Column("mark", sa.String, primary_key=True),
    sa.Column("until", sa.Float, nullable=False),  # seconds since 1970
    sa.Index("replay_until", "until"),
)

quota = sa.Table(  # where the state is PostgreSQL; beside SQLite it is a file of its own, .arengo/quota.sqlite
    "quota",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("arrival", sa.Float, nullable=False),  # when a full bucket would be reached again, seconds since 1970
    sa.Column("day", sa.String, nullable=False),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
)

consumption = sa.Table(
    "consumption",
    metadata,
    sa.Column("application", sa.String, primary_key=True),
    sa.Column("agreement", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("face", sa.String, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("status", sa.String, primary_key=True),  # 2xx | 3xx | 401 | 403 | 4xx | 429 | 5xx
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Index("consumption_dataset", "dataset", "day"),
)
