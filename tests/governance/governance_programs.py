"""A small city's programs: applications, their keys and tokens, with a clock that tests turn."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from arengo.governance.application import Application, Applications
from arengo.governance.caller import Caller
from arengo.governance.counter import Counters, counters
from arengo.governance.credential import Credentials
from arengo.governance.proof import digest
from arengo.governance.signing import SigningKeys
from arengo.governance.token import Tokens
from arengo.settings import CitySettings, Settings
from arengo.state import State, open_state

_EMPTY: list[bytes] = []
"""A state database as it is after its migrations; making it costs more than most tests."""

HERE = "https://data.example.org"
ROWS = f"{HERE}/api/v1/datasets/pupils/rows"
RITA = Caller(party="rita", organisation="schools", roles=(("schools", "reader"),))
OTTO = Caller(party="otto", organisation="parks", roles=(("parks", "reader"),))
HEAD = Caller(party="head", organisation="schools", roles=(("schools", "administrator"),))
CITY_HEAD = Caller(party="mayor", organisation="city", roles=(("*", "administrator"),))


@dataclass
class Programs:
    """``at``: the time it is. ``told``: what went into the record."""

    folder: Path
    at: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    agreements: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = Settings(root=self.folder, city=CitySettings(url=HERE))
        path = self.settings.home / "state.sqlite"
        if _EMPTY and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_EMPTY[0])
        self.state: State = open_state(self.settings.state_url)
        if not _EMPTY:
            with contextlib.closing(sqlite3.connect(path)) as connection:
                _EMPTY.append(connection.serialize())
        self.seen: Counters = counters(self.state, self.settings.home)
        self.applications = Applications(
            self.state,
            now=self.now,
            tell=lambda kind, **entry: self.told.append((kind, entry)),
            belongs=lambda agreement, application: self.agreements.get(agreement) == application,
        )
        self.keys = SigningKeys(self.settings.home / "oauth", self.now)
        self.tokens = Tokens(self.applications, self.keys, self.seen, now=self.now, belongs=self.belongs)
        self.credentials = Credentials(self.settings, self.state, self.applications, self.tokens, self.now)

    def now(self) -> datetime:
        return self.at

    def belongs(self, agreement: str, application: str) -> bool:
        return self.agreements.get(agreement) == application

    def later(self, **by: float) -> None:
        self.at += timedelta(**by)

    def application(self, by: Caller = RITA, title: str = "School atlas") -> Application:
        return self.applications.create(title, by, organisation=by.organisation)

    def ask(self, *headers: tuple[str, str], method: str = "GET", url: str = ROWS) -> Caller | None:
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        return self.credentials.caller(raw, method, url)

    def bearer(self, text: str, **more: Any) -> Caller | None:
        return self.ask(("Authorization", f"Bearer {text}"), **more)

    def proof(
        self, key: ECKey | OKPKey, token: str = "", *, method: str = "GET", url: str = ROWS, **claims: Any
    ) -> str:
        """A DPoP proof, right unless ``claims`` says otherwise."""
        body: dict[str, Any] = {
            "jti": f"proof-{time.perf_counter_ns()}",
            "htm": method,
            "htu": url,
            "iat": int(self.at.timestamp()),
        }
        if token:
            body["ath"] = digest(token)
        return signed({"typ": "dpop+jwt", "jwk": key.as_dict(private=False)}, {**body, **claims}, key)

    def assertion(self, application: str, key: ECKey | OKPKey, **claims: Any) -> str:
        """A client assertion, right unless ``claims`` says otherwise."""
        now = int(self.at.timestamp())
        body = {
            "iss": application,
            "sub": application,
            "aud": f"{HERE}/oauth/token",
            "iat": now,
            "exp": now + 60,
            "jti": f"assertion-{time.perf_counter_ns()}",
        }
        return signed({"kid": key.thumbprint()}, {**body, **claims}, key)


def signed(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    import orjson

    algorithm = {"EC": "ES256", "OKP": "Ed25519", "oct": "HS256", "RSA": "RS256"}[key.key_type]
    body = {"alg": algorithm, **header}
    registry = jws.JWSRegistry(algorithms=[body["alg"]], strict_check_header=False)
    return jws.serialize_compact(body, orjson.dumps(claims), key, registry=registry)
