"""Whether an ID token is what it says (OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from arengo.errors import NotKnown
from arengo.services.login.discovery import Discovery
from arengo.services.login.provider import Provider

LONGEST = 32_768
"""Characters of a token."""
OLDEST = 600
"""Seconds since a token was made; it is asked for and read at once."""
_SHA = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


class Refused(NotKnown):
    """``why``: what was wrong, for the log; the person is told that the provider could not be believed."""

    def __init__(self, why: str, **_: Any) -> None:
        super().__init__("The answer of the provider could not be believed.", todo="Sign in again.")
        self.why = why


def check(
    token: str,
    discovery: Discovery,
    *,
    nonce: str,
    access_token: str = "",
    now: datetime,
    since: datetime | None = None,
) -> Mapping[str, Any]:
    """The claims of a token. ``since``: the login must be no older. Raises Refused, SourceError (keys)."""
    provider = discovery.provider
    header, claims = _signed(token, discovery)
    if claims.get("iss") != provider.issuer:
        raise Refused("iss is another issuer")
    audience = claims.get("aud")
    listed: Sequence[Any] = audience if isinstance(audience, list) else [audience]
    if provider.client_id not in listed:
        raise Refused("aud is another client")
    if (len(listed) > 1 or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise Refused("azp is another client")
    seconds, skew = now.timestamp(), provider.skew
    if _number(claims, "exp") <= seconds - skew:
        raise Refused("exp is over")
    issued = _number(claims, "iat")
    if issued > seconds + skew or issued < seconds - OLDEST - skew:
        raise Refused("iat is not now")
    if "nbf" in claims and _number(claims, "nbf") > seconds + skew:
        raise Refused("nbf is to come")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise Refused("nonce is of another login")
    if since is not None and _number(claims, "auth_time") < since.timestamp() - skew:
        raise Refused("auth_time is before the login was asked for")
    if "at_hash" in claims and not _is_half(str(claims["at_hash"]), access_token, str(header.get("alg", ""))):
        raise Refused("at_hash is of another access token")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise Refused("sub is missing")
    return claims


def _signed(token: str, discovery: Discovery) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    from joserfc import jwt
    from joserfc.errors import JoseError

    if not isinstance(token, str) or len(token) > LONGEST or token.count(".") != 2:
        raise Refused("not a signed token")
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    allowed = discovery.provider.algorithms
    if algorithm not in allowed:
        raise Refused(f"alg {str(algorithm)[:20]!r}")
    if "crit" in header:
        raise Refused("crit")
    for key in discovery.keys(kid if isinstance(kid, str) else "")[:16]:
        if not _fits(key, str(algorithm)):
            continue
        try:
            found = jwt.decode(token, key, algorithms=[str(algorithm)])
        except (JoseError, ValueError, TypeError):
            continue
        return found.header, found.claims
    raise Refused("no key of the provider signed it")


def _header(token: str) -> Mapping[str, Any]:
    part = token.partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise Refused("no header") from None
    if not isinstance(found, dict):
        raise Refused("no header")
    return found


def _fits(key: Any, algorithm: str) -> bool:
    """A key signs with the algorithms of its kind only, and with the one it names."""
    kinds = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
    said = key.as_dict(private=False).get("alg")
    return key.key_type == kinds.get(algorithm[:2]) and said in (None, algorithm)


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{name} is no time")
    return float(value)


def _is_half(said: str, access_token: str, algorithm: str) -> bool:
    """at_hash: the left half of the access token's digest (section 3.1.3.6). EdDSA: SHA-512, as Ed25519 signs."""
    made = _SHA.get(algorithm[-3:], hashlib.sha512)(access_token.encode()).digest()
    half = base64.urlsafe_b64encode(made[: len(made) // 2]).decode().rstrip("=")
    return hmac.compare_digest(half.encode(), said.encode())


def roles_of(provider: Provider, claims: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(organisation, role) that the directory's claims say; a claim is a text, a list, or spaces between words."""
    out = []
    for rule in provider.roles:
        value: Any = claims
        for part in rule.claim.split("."):  # realm_access.roles
            value = value.get(part) if isinstance(value, Mapping) else None
        held = value if isinstance(value, list) else [value, *(value.split() if isinstance(value, str) else ())]
        if rule.value in held:
            out.append((rule.organisation, rule.role))
    return tuple(dict.fromkeys(out))
