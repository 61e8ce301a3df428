"""Short-lived access tokens for programs: OAuth 2.0 client credentials (RFC 6749, 4.4), JWTs of RFC 9068."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.errors import BadQuery, NotFound, NotKnown
from arengo.governance import apikey, jose
from arengo.governance.application import Application, Applications, ClientKey
from arengo.governance.caller import Caller
from arengo.governance.proof import SKEW, prove
from arengo.state import applications as tables

if TYPE_CHECKING:
    from arengo.governance.counter import Counters
    from arengo.governance.signing import SigningKeys

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LASTS = timedelta(minutes=10)
LONGEST = timedelta(hours=24)
"""No plan makes a token last longer: what it opens ends with it at the latest."""
ASSERTED = 300
"""Seconds a client assertion may be good for."""
SCOPE = "read"
_TYP = "at+jwt"


@dataclass(frozen=True, slots=True)
class Granted:
    """``kind``: Bearer, or DPoP for a bound token. ``seconds``: how long it lasts."""

    token: str
    kind: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says. ``jkt``: thumbprint of the key it is bound to, '' for none."""

    application: str
    agreement: str
    purpose: str
    jti: str
    issued: float
    expires: float
    jkt: str


class Tokens:
    """``lifetime``: how long a token of an agreement ('' for all) lasts, from its plan."""

    def __init__(
        self,
        applications: Applications,
        keys: SigningKeys,
        seen: Counters,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lifetime: Callable[[str], timedelta] = lambda agreement: LASTS,
        belongs: Callable[[str, str], bool] = lambda agreement, application: True,
    ) -> None:
        self._applications = applications
        self._state = applications.state
        self.keys = keys
        self._seen = seen
        self._now = now
        self._lifetime = lifetime
        self._belongs = belongs

    # ---- who asks for a token ------------------------------------------------------------------------------------

    def client(self, given: Mapping[str, str], basic: tuple[str, str] | None, issuer: str) -> Application:
        """The application that proves itself at the token endpoint.

        ``given``: the form's fields. ``basic``: id and secret of an Authorization header (RFC 6749, 2.3.1).
        Raises NotKnown, always in the same words; BadQuery for two ways at once.
        """
        assertion = given.get("client_assertion", "")
        ways = [bool(basic), "client_secret" in given, bool(assertion)]
        if sum(ways) > 1:
            raise BadQuery("The application proves itself in two ways at once.", todo="Use one of them.")
        if assertion:
            return self._by_assertion(assertion, given, issuer)
        name, secret = basic or (given.get("client_id", ""), given.get("client_secret", ""))
        if basic and given.get("client_id", name) != name:
            raise BadQuery("The header and the form name two applications.", todo="Name one.")
        return self._by_secret(name, secret)

    def _by_secret(self, id: str, secret: str) -> Application:
        digest = apikey.digest(secret)
        found = None
        for item in self._proofs(id, "secret") if apikey.read(secret, apikey.SECRET) else ():
            if hmac.compare_digest(item.digest, digest):
                found = item
        if found is None:
            raise _nobody()
        return self._active(id, found)

    def _by_assertion(self, assertion: str, given: Mapping[str, str], issuer: str) -> Application:
        """RFC 7523, 3: signed with a registered key, for this endpoint, once."""
        if given.get("client_assertion_type") != ASSERTION:
            raise BadQuery(f"client_assertion_type is not {ASSERTION}.")
        header, claims = jose.opened(assertion)
        name = str(claims.get("iss", ""))
        if claims.get("sub") != name or given.get("client_id", name) != name:
            raise _nobody()
        known = self._proofs(name, "jwk")
        named = [item for item in known if header.get("kid") in (item.id, item.digest)]
        for item in named or known:
            try:
                claims = dict(jose.verified(assertion, item.jwk or {}, typ="").claims)
            except NotKnown:
                continue
            self._fits(claims, issuer)
            return self._active(name, item)
        raise _nobody()

    def _fits(self, claims: Mapping[str, Any], issuer: str) -> None:
        now = self._now().timestamp()
        said = claims.get("aud")
        wanted = (issuer, f"{issuer}/oauth/token")
        if not any(item in wanted for item in (said if isinstance(said, list) else [said])):
            raise _nobody()
        ends, since, jti = _number(claims, "exp"), _number(claims, "nbf", now), claims.get("jti")
        if (
            not now - SKEW < ends <= now + ASSERTED + SKEW
            or since > now + SKEW
            or _number(claims, "iat", now) > now + SKEW
        ):
            raise _nobody()
        if not isinstance(jti, str) or not 8 <= len(jti) <= 200:
            raise _nobody()
        if not self._seen.once(f"assertion {claims['iss']} {jti}", ends + 2 * SKEW, now):
            raise _nobody()

    def _proofs(self, id: str, kind: str) -> list[ClientKey]:
        return [item for item in self._applications.proofs(id) if item.kind == kind] if len(id) < 100 else []

    def _active(self, id: str, proof: ClientKey) -> Application:
        found = self._applications.find(id)
        if found is None or not found.active:
            raise _nobody()
        self._applications.touch({proof.id: self._now().date()})
        return found

    # ---- tokens -------------------------------------------------------------------------------------------------

    def grant(
        self, application: Application, issuer: str, *, agreement: str = "", purpose: str = "", jkt: str = ""
    ) -> Granted:
        """A token for one agreement of the application, or for all. Raises NotFound for one it has not."""
        if agreement and not self._belongs(agreement, application.id):
            raise NotFound("There is no such agreement of this application.", todo="Name one of its own.")
        lasts = min(self._lifetime(agreement), LONGEST)
        now = int(self._now().timestamp())
        seconds = max(int(lasts.total_seconds()), 1)
        claims: dict[str, Any] = {
            "iss": issuer,
            "aud": issuer,
            "sub": application.id,
            "client_id": application.id,
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "jti": secrets.token_urlsafe(16),
            "scope": SCOPE,
        }
        claims |= {name: value for name, value in (("agreement", agreement), ("purpose", purpose)) if value}
        if jkt:
            claims["cnf"] = {"jkt": jkt}
        kid, key = self.keys.current()
        token = jose.sign({"alg": "ES256", "typ": _TYP, "kid": kid}, claims, key)
        return Granted(token, "DPoP" if jkt else "Bearer", seconds)

    def read(self, token: str, issuer: str) -> Claims:
        """What a token says that we signed for ourselves and that is good now (RFC 9068, 4). Raises NotKnown.

        The application may be blocked all the same; see :class:`~arengo.governance.credential.Credentials`.
        """
        header, _ = jose.opened(token)
        kid = header.get("kid")
        jwk = self.keys.public(kid) if isinstance(kid, str) else None
        if jwk is None:
            raise spent()
        claims = jose.verified(token, jwk, typ=_TYP).claims
        now = self._now().timestamp()
        if claims.get("iss") != issuer or claims.get("aud") != issuer:
            raise spent()
        starts, ends = max(_number(claims, "nbf"), _number(claims, "iat")), _number(claims, "exp")
        if ends <= now or starts > now + SKEW or ends - starts > LONGEST.total_seconds():
            raise spent()
        jti = str(claims.get("jti", ""))
        if self._revoked(jti):
            raise spent()
        bound = claims.get("cnf")
        return Claims(
            str(claims["client_id"]),
            str(claims.get("agreement", "")),
            str(claims.get("purpose", "")),
            jti,
            _number(claims, "iat"),
            ends,
            str(bound.get("jkt", "")) if isinstance(bound, dict) else "",
        )

    def _revoked(self, jti: str) -> bool:
        t = tables.revoked_token.c
        with self._state.read() as connection:
            return connection.scalar(sa.select(t.jti).where(t.jti == jti)) is not None

    def revoke(self, text: str, application: Application, issuer: str) -> None:
        """RFC 7009: a token or key of this application opens nothing from the next request on.

        Whatever else it is, the answer is the same.
        """
        t = tables.revoked_token
        key = apikey.read(text)
        found = self._applications.key(key) if key else None
        if found is not None and hmac.compare_digest(found.digest, apikey.digest(text)):
            if found.application == application.id:
                self._applications.revoke(application.id, key, Caller(party=application.owner))
            return
        try:
            claims = self.read(text, issuer)
        except NotKnown:
            return
        if claims.application != application.id:
            return
        now = self._now()
        with self._state.write() as connection:
            connection.execute(t.delete().where(t.c.expires_at < now - timedelta(seconds=SKEW)))
            if connection.scalar(sa.select(t.c.jti).where(t.c.jti == claims.jti)) is None:
                ends = datetime.fromtimestamp(claims.expires, UTC)
                connection.execute(t.insert().values(jti=claims.jti, application=application.id, expires_at=ends))
            self._state.bump(connection)

    def introspect(self, text: str, application: Application, issuer: str) -> dict[str, Any]:
        """RFC 7662, 2.2: what a token or key of this application is worth; ``active`` false for any other."""
        key = apikey.read(text)
        found = self._applications.key(key) if key else None
        now = self._now()
        if found is not None and hmac.compare_digest(found.digest, apikey.digest(text)):
            if found.application != application.id or found.state(now) != "live":
                return {"active": False}
            out = {"token_type": "api_key", "exp": int(found.expires_at.timestamp()), "agreement": found.agreement}
            out |= {"iat": int(found.created_at.timestamp()), "jti": found.id}
        else:
            try:
                claims = self.read(text, issuer)
            except NotKnown:
                return {"active": False}
            if claims.application != application.id:
                return {"active": False}
            out = {"token_type": "DPoP" if claims.jkt else "Bearer", "exp": int(claims.expires), "jti": claims.jti}
            out |= {"iat": int(claims.issued), "agreement": claims.agreement, "purpose": claims.purpose}
            if claims.jkt:
                out["cnf"] = {"jkt": claims.jkt}
        named = {"active": True, "client_id": application.id, "sub": application.id, "iss": issuer, "scope": SCOPE}
        return named | {name: value for name, value in out.items() if value != ""}

    def prove(self, proof: str, method: str, url: str, token: str = "") -> str:
        """The thumbprint of the key behind a DPoP proof. Raises NotKnown."""
        return prove(proof, method, url, self._now().timestamp(), self._seen, token)


def spent() -> NotKnown:
    """One sentence for every credential that opens nothing, so that nobody learns which of the reasons it is."""
    return NotKnown(
        "This key or token opens nothing: not one of ours, ended, revoked, or its application is blocked.",
        todo="Ask for a new token, or look at your keys at /applications.",
    )


def _nobody() -> NotKnown:
    return NotKnown("The application did not prove who it is.", todo="Look at its keys at /applications.")


def _number(claims: Mapping[str, Any], name: str, default: float = -1.0) -> float:
    value = claims.get(name, default)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else -1.0
