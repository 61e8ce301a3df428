"""DPoP: a token bound to the key of whoever asked for it, so that a stolen one opens nothing (RFC 9449)."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import unquote, urlsplit

from arengo.errors import NotKnown
from arengo.governance import jose
from arengo.governance.counter import Counters

LASTS = 60
"""Seconds after which a proof is too old."""
SKEW = 30
"""Seconds by which the clock of a client may be ahead or behind."""
_PORTS = {"http": 80, "https": 443}
_HERE = {"127.0.0.1": "localhost", "::1": "localhost"}


def prove(proof: str, method: str, url: str, now: float, seen: Counters, token: str = "") -> str:
    """The thumbprint (RFC 7638) of the key that made the proof (RFC 9449, 4.3). Raises NotKnown.

    ``now``: seconds since 1970. ``token``: the access token sent with it, '' at the token endpoint. ``seen``: where
    proofs are remembered, since each is good once.
    """
    wrong = NotKnown("The DPoP proof does not fit this request.", todo="Make a new proof for each request.")
    header, _ = jose.opened(proof)
    jwk = header.get("jwk")
    if not isinstance(jwk, dict) or "d" in jwk or header.get("alg") not in jose.BOUND:
        raise wrong
    claims = jose.verified(proof, jwk, typ="dpop+jwt", extra=("jwk",)).claims
    jti, at = claims.get("jti"), claims.get("iat")
    if not isinstance(jti, str) or not 8 <= len(jti) <= 200 or isinstance(at, bool) or not isinstance(at, (int, float)):
        raise wrong
    if not now - LASTS - SKEW <= at <= now + SKEW:
        raise NotKnown(
            "The DPoP proof is too old, or the clock of who made it is wrong.",
            todo=f"Set the clock; a proof is good for {LASTS} seconds.",
        )
    if claims.get("htm") != method or plain(str(claims.get("htu", ""))) != plain(url):
        raise wrong
    if token and claims.get("ath") != digest(token):
        raise wrong
    jkt = jose.thumbprint(jwk)
    if not seen.once(f"dpop {jkt} {hashlib.sha256(jti.encode()).hexdigest()}", at + LASTS + 2 * SKEW, now):
        raise NotKnown("The DPoP proof was used before.", todo="Make a new proof for each request.")
    return jkt


def plain(url: str) -> str:
    """An address without query, fragment and needless port (RFC 9449, 4.3; RFC 3986, 6.2). '' for none at all.

    Its path is decoded, as servers hand it on.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not host or parts.username is not None:
        return ""
    where = _HERE.get(host, host) + (f":{port}" if port and port != _PORTS[scheme] else "")
    return f"{scheme}://{where}{unquote(parts.path) or '/'}"


def digest(token: str) -> str:
    """``ath`` (RFC 9449, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")
