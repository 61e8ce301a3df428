"""Signed tokens by joserfc, with one rule above all: the key says which algorithms it may verify, never the token.

``none`` and every keyed hash (HS256, ...) are in no list, so a public key can never become a secret. What a token says
of where its key lies (``jku``, ``x5u``, ``jwk``, ``x5c``) is refused unless the standard at hand asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from arengo.errors import BadForm, NotKnown

if TYPE_CHECKING:
    from joserfc.jwk import Key

ALGORITHMS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("Ed25519", "EdDSA"),
    ("RSA", ""): ("PS256", "RS256"),
}
"""(kty, crv) -> algorithms (RFC 7518, 3.1; RFC 9864)."""
BOUND = ("ES256", "Ed25519", "EdDSA")
"""Of keys that tokens are bound to: short enough to send with every request."""
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_SHOWN = ("kty", "crv", "x", "y", "n", "e")
_HEADER = frozenset(("alg", "typ", "kid", "cty"))
LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Signed:
    """A verified token."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def public(jwk: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """(the public key with nothing else in it, its RFC 7638 thumbprint). Raises BadForm."""
    if any(name in jwk for name in _PRIVATE):
        raise BadForm(
            "This is a private or shared key: whoever saw it can act for you.",
            todo="Make a new pair of keys and send only the public one.",
        )
    if any(isinstance(value, (dict, list)) for value in jwk.values()) or len(orjson.dumps(dict(jwk))) > LONGEST:
        raise BadForm("This is not one public key as a JSON Web Key (RFC 7517).", todo="Send one key, without x5c.")
    shown = {name: str(jwk[name]) for name in _SHOWN if name in jwk}
    try:
        allowed(shown)
        key = _import(shown)
        strong = shown["kty"] != "RSA" or key.raw_value.key_size >= 2048  # type: ignore[union-attr]
    except (NotKnown, ValueError, KeyError, TypeError) as error:
        raise BadForm(
            "This is no public key we can use.", todo="Send an EC P-256, OKP Ed25519 or RSA key as a JSON Web Key."
        ) from error
    if not strong:
        raise BadForm("This RSA key is shorter than 2048 bits.", todo="Make a longer one, or an EC P-256 key.")
    return shown, key.thumbprint()


def allowed(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """What a key may verify. Raises NotKnown for a key of another kind."""
    kind = str(jwk.get("kty", ""))
    found = ALGORITHMS.get((kind, str(jwk.get("crv", "")) if kind != "RSA" else ""))
    if found is None:
        raise NotKnown("The token is signed in a way that is not taken.", todo="Sign with ES256 or Ed25519.")
    return found


def opened(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(header, claims) of a compact token, believed by nobody yet. Raises NotKnown."""
    import base64

    try:
        if len(token) > LONGEST:
            raise ValueError("too long")
        parts = token.split(".")
        if len(parts) != 3:
            raise ValueError("not three parts")
        head, body = (orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
        if not isinstance(head, dict) or not isinstance(body, dict):
            raise ValueError("not objects")
    except (ValueError, TypeError) as error:
        raise NotKnown("The token is not a signed token.", todo="Ask for a new one.") from error
    return head, body


def verified(token: str, jwk: Mapping[str, Any], *, typ: str, extra: Sequence[str] = ()) -> Signed:
    """The token when ``jwk`` signed it. ``typ``: what its header must say, '' for JWT or nothing. Raises NotKnown.

    ``extra``: header parameters taken beside alg, typ, kid and cty.
    """
    from joserfc import jws
    from joserfc.errors import JoseError

    header, _ = opened(token)
    said = str(header.get("typ", "")).lower().removeprefix("application/")
    wrong = NotKnown("The token is not one of ours, or it was changed.", todo="Ask for a new one.")
    if set(header) - _HEADER - set(extra) or (said != typ if typ else said not in ("", "jwt")):
        raise wrong
    names = allowed(jwk)
    if header.get("alg") not in names:
        raise wrong
    try:
        found = jws.deserialize_compact(token, _import(jwk), registry=_registry(names))
        claims = orjson.loads(found.payload)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise wrong from error
    return Signed(header, claims)


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    from joserfc import jws

    algorithm = str(header["alg"])
    return jws.serialize_compact(dict(header), orjson.dumps(dict(claims)), key, registry=_registry((algorithm,)))


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638, SHA-256."""
    return _import(jwk).thumbprint()


def _import(jwk: Mapping[str, Any]) -> Key:
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    try:
        return import_key({name: str(jwk[name]) for name in _SHOWN if name in jwk})
    except JoseError as error:
        raise ValueError(str(error)) from error


def _registry(names: Sequence[str]) -> Any:
    """Of these algorithms only. The name EdDSA is deprecated (RFC 9864) and still what most clients write."""
    from joserfc.errors import UnsupportedAlgorithmError
    from joserfc.jws import JWSRegistry

    class Listed(JWSRegistry):
        def get_alg(self, name: str) -> Any:
            if name not in names:
                raise UnsupportedAlgorithmError("not in the list")
            return self.algorithms[name]

    return Listed(algorithms=list(names))


def of_pem(text: str) -> dict[str, Any]:
    """A PEM public key (RFC 7468) as a JSON Web Key. Raises BadForm, also for a private one."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    if "PRIVATE KEY" in text:
        public({"d": ""})
    for kind in (ECKey, OKPKey, RSAKey):
        try:
            return dict(kind.import_key(text.strip()).as_dict(private=False))
        except (JoseError, ValueError, TypeError, AttributeError):
            continue
    raise BadForm("This is no public key we can use.", todo="Paste an EC P-256, Ed25519 or RSA public key.")
