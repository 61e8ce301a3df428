"""Passkeys: Web Authentication Level 3, discoverable credentials with user verification.

The challenge of a page is signed by the city and bound to its use and its person, so showing a page writes nothing;
used once it is remembered until it is too old. No list of an account's keys is ever told: the device finds the fitting
one, so nobody learns who has an account.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.errors import BadForm, Conflict, NotFound, NotKnown
from arengo.governance import halfway
from arengo.governance.seal import secret
from arengo.state import parties as tables

if TYPE_CHECKING:
    from arengo.governance.party import Parties
    from arengo.governance.person import Person

LASTS = timedelta(minutes=10)
MOST = 20
"""Passkeys of one person."""
ALGORITHMS = (-8, -7, -257)
"""EdDSA, ES256, RS256 (COSE)."""


@dataclass(frozen=True, slots=True)
class Passkey:
    id: str
    person: str
    name: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where keys are good: the domain of the city and the origin of its pages."""

    domain: str
    origin: str


class Passkeys:
    """Keys of all people."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties

    # Challenges

    def challenge(self, use: str, person: str = "") -> str:
        """What a page carries; the challenge itself is :func:`raw` of it."""
        body = f"{int(self._parties.now().timestamp()):x}.{secret()}"
        return f"{body}.{self._sign(use, person, body)}"

    def _spend(self, use: str, person: str, given: str) -> bytes:
        body, _, sign = given.rpartition(".")
        if not body or not hmac.compare_digest(sign.encode(), self._sign(use, person, body).encode()):
            raise NotKnown("The page was not made here.", todo="Open it again.")
        if self._parties.now().timestamp() - int(body.partition(".")[0], 16) > LASTS.total_seconds():
            raise NotKnown("The page was open too long.", todo="Open it again.")
        with self._parties.state.write() as connection:
            if not halfway.spend(self._parties, connection, "passkey", body, LASTS):
                raise NotKnown("That was sent before.", todo="Open the page again.")
        return raw(given)

    def _sign(self, use: str, person: str, body: str) -> str:
        return self._parties.seal.mark("passkey", f"{use} {person} {body}")

    # What the browser is asked (Web Authentication, 5.4 and 5.5)

    def creation(self, person: Person, challenge: str, place: Place) -> str:
        """PublicKeyCredentialCreationOptions as JSON, bytes in base64url."""
        held = [{"type": "public-key", "id": item.id} for item in self.of(person.id)]
        return json.dumps(
            {
                "rp": {"id": place.domain, "name": self._parties.settings.city.name},
                "user": {"id": _b64(person.id.encode()), "name": person.mail, "displayName": person.name},
                "challenge": _b64(raw(challenge)),
                "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in ALGORITHMS],
                "timeout": 120_000,
                "excludeCredentials": held,
                "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
                "attestation": "none",
            }
        )

    def request(self, challenge: str, place: Place) -> str:
        """PublicKeyCredentialRequestOptions as JSON."""
        asked = {"rpId": place.domain, "timeout": 120_000, "userVerification": "required", "allowCredentials": []}
        return json.dumps({"challenge": _b64(raw(challenge)), **asked})

    # What the browser answers

    def add(self, person: Person, challenge: str, answer: str, place: Place, name: str) -> Passkey:
        """Keep a new key. Raises NotKnown, BadForm, Conflict."""
        from webauthn import verify_registration_response
        from webauthn.helpers.cose import COSEAlgorithmIdentifier
        from webauthn.helpers.exceptions import WebAuthnException

        expected = self._spend("add", person.id, challenge)
        try:
            found = verify_registration_response(
                credential=_read(answer),
                expected_challenge=expected,
                expected_rp_id=place.domain,
                expected_origin=place.origin,
                require_user_verification=True,
                supported_pub_key_algs=[COSEAlgorithmIdentifier(number) for number in ALGORITHMS],
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise BadForm("The key was not made as it was asked for.", todo="Try again.") from error
        new, now = _b64(found.credential_id), self._parties.now()
        name = " ".join(name.split())[:60] or f"{now:%Y-%m-%d}"
        p = tables.passkey.c
        with self._parties.state.write() as connection:
            if connection.scalar(sa.select(p.id).where(p.id == new)) is not None:
                raise Conflict("That key is kept here already.")
            if (connection.scalar(sa.select(sa.func.count()).where(p.person == person.id)) or 0) >= MOST:
                raise Conflict(f"At most {MOST} keys can be kept.", todo="Remove one first.")
            connection.execute(
                tables.passkey.insert().values(
                    id=new,
                    person=person.id,
                    name=name,
                    public_key=found.credential_public_key,
                    sign_count=found.sign_count,
                    created_at=now,
                )
            )
        return Passkey(new, person.id, name, now, None)

    def check(self, challenge: str, answer: str, place: Place, *, person: str = "") -> str:
        """The person whose key signed the challenge; only ``person`` when given. Raises NotKnown."""
        from webauthn import verify_authentication_response
        from webauthn.helpers.exceptions import WebAuthnException

        expected = self._spend("open", person, challenge)
        wrong = NotKnown("That key opens nothing here.", todo="Try another, or sign in another way.")
        p = tables.passkey.c
        try:
            given = _read(answer)
            with self._parties.state.read() as connection:
                row = connection.execute(sa.select(tables.passkey).where(p.id == str(given.get("id", "")))).first()
            if row is None or (person and row.person != person):
                raise wrong
            found = verify_authentication_response(
                credential=given,
                expected_challenge=expected,
                expected_rp_id=place.domain,
                expected_origin=place.origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise wrong from error
        with self._parties.state.write() as connection:
            mine = (p.id == row.id) & (p.sign_count == row.sign_count)
            values = {"sign_count": found.new_sign_count, "used_at": self._parties.now()}
            if not connection.execute(tables.passkey.update().where(mine).values(**values)).rowcount:
                raise wrong  # a copy of the key was used at the same moment
        return str(row.person)

    # The list

    def of(self, person: str) -> tuple[Passkey, ...]:
        p = tables.passkey.c
        with self._parties.state.read() as connection:
            rows = connection.execute(sa.select(tables.passkey).where(p.person == person).order_by(p.created_at))
            return tuple(Passkey(row.id, row.person, row.name, row.created_at, row.used_at) for row in rows)

    def drop(self, person: str, id: str) -> None:
        """Raises NotFound."""
        p = tables.passkey.c
        with self._parties.state.write() as connection:
            if not connection.execute(tables.passkey.delete().where(p.person == person, p.id == id)).rowcount:
                raise NotFound("There is no such key.")


def raw(challenge: str) -> bytes:
    """The 32 bytes a device signs for the challenge of a page."""
    return hashlib.sha256(challenge.encode()).digest()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _read(answer: str) -> dict[str, Any]:
    found = json.loads(answer)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found
