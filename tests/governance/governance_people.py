"""A city with nothing but people, whose clock the test moves, and a device that makes passkeys."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from arengo.governance import Caller
from arengo.governance.party import Parties
from arengo.governance.passkey import Place
from arengo.governance.person import Person
from arengo.governance.role import OPERATOR
from arengo.governance.session import Sessions
from arengo.settings import CitySettings, LoginSettings, Settings
from arengo.state import open_state

PHRASE = "tulip harbour seven stones"
HERE = Place("data.city.example", "https://data.city.example")
CHEAP = {"argon2_memory": 64, "argon2_passes": 1}
"""Parameters of argon2id that no city should use: tests check hundreds of passwords."""


@dataclass
class Hall:
    """``told``: what was recorded."""

    parties: Parties
    sessions: Sessions
    at: list[datetime]
    told: list[dict[str, Any]] = field(default_factory=list)

    def later(self, **span: float) -> datetime:
        self.at[0] += timedelta(**span)
        return self.at[0]

    def person(self, mail: str, organisation: str = "city", *roles: str, wide: bool = False) -> Person:
        """Somebody who can sign in with :data:`PHRASE`."""
        found = self.parties.add_person(mail.partition("@")[0].title(), mail, organisation, by=OPERATOR, state="active")
        for role in roles:
            self.parties.give(found.id, "*" if wide else organisation, role, by=OPERATOR)
        hashed = self.parties.passwords.hashed(PHRASE)
        with self.parties.state.write() as connection:
            self.parties.passwords.put(connection, found.id, hashed)
        return found

    def as_(self, person: Person, assurance: int = 2) -> Caller:
        """The person, signed in."""
        return self.sessions.caller(self.sessions.open(person.id, assurance))


def hall(root: Path, url: str = "", **login: Any) -> Hall:
    settings = Settings(root, CitySettings(name="Tinyville"), login=LoginSettings(**{**CHEAP, **login}))
    if not url and not settings.home.exists():
        settings.home.mkdir(parents=True)
        shutil.copy(_migrated(), settings.home / "state.sqlite")
    state = open_state(url or settings.state_url)
    at = [datetime(2026, 5, 4, 8, 0, tzinfo=UTC)]
    told: list[dict[str, Any]] = []

    def tell(kind: str, **facts: Any) -> None:
        told.append({"kind": kind, **facts})

    parties = Parties(settings, state, now=lambda: at[0], tell=tell)
    made = Hall(parties, Sessions(parties, tell=tell), at, told)
    for name in ("Registry Office", "Parks and Gardens"):
        parties.add_organisation(name, by=OPERATOR)
    return made


@cache
def _migrated() -> Path:
    """An empty state database, made once: migrating takes longer than most tests."""
    path = Path(tempfile.mkdtemp()) / "state.sqlite"
    open_state(f"sqlite:///{path}").close()
    return path


class Device:
    """An authenticator in software: ES256, resident keys, user verified (Web Authentication, 6)."""

    def __init__(self, place: Place = HERE) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self.place = place
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.count = 0

    def _data(self, *, made: bool, verified: bool = True) -> bytes:
        import cbor2

        self.count += 1
        flags = 0x01 | (0x04 if verified else 0) | (0x40 if made else 0)
        out = hashlib.sha256(self.place.domain.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")
        if made:
            point = self.key.public_key().public_numbers()
            cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
            out += bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        return out

    def _client(self, kind: str, options: str) -> bytes:
        said = {"type": kind, "challenge": json.loads(options)["challenge"], "origin": self.place.origin}
        return json.dumps(said).encode()

    def create(self, options: str, **how: bool) -> str:
        import cbor2

        response = {
            "clientDataJSON": b64(self._client("webauthn.create", options)),
            "attestationObject": b64(
                cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(made=True, **how)})
            ),
        }
        return self._answer(response)

    def get(self, options: str, **how: bool) -> str:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        client, data = self._client("webauthn.get", options), self._data(made=False, **how)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        )

    def _answer(self, response: dict[str, str]) -> str:
        return json.dumps({"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response})


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
