"""Signing in: with a password or passkey kept here, or with a provider of identities by OpenID Connect.

In: what a person gives, or a provider says. Out: a person of :class:`arengo.governance.party.Parties` and how surely
it is that person; the portal opens the session. Promise: nothing tells a stranger who has an account; a provider is
believed only what its signature, its audience and the nonce of this very login bear out.
Standards: OpenID Connect Core and Discovery 1.0, RFC 6749, 7636 (PKCE, S256), 9207 (issuer), RP-Initiated Logout 1.0.
"""

from __future__ import annotations

from arengo.services.login.local import Local, Right
from arengo.services.login.provider import Provider, providers
from arengo.services.login.relying import Arrival, Logins

__all__ = ["Arrival", "Local", "Logins", "Provider", "Right", "providers"]
