"""Requests to be forgotten or left alone as the city keeps them, each with the steps that are done."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from arengo.errors import Conflict, NotFound
from arengo.privacy import mask
from arengo.services.erasure import plan as plans
from arengo.services.erasure.person import Person
from arengo.services.erasure.plan import Plan
from arengo.state import vault as t

if TYPE_CHECKING:
    from arengo.ledger import Ledger
    from arengo.privacy.vault import Vault
    from arengo.settings import Settings
    from arengo.state import State


RUNNING, DONE, LIFTING, LIFTED = "running", "done", "lifting", "lifted"
FOLDER = "erasures"
MOST_WORDS = 2_000
NONCE = 12


@dataclass(frozen=True, slots=True)
class Finished:
    """A request as it stands. ``steps``: [name, time, facts], in the order they were done. ``receipt``: SHA-256."""

    id: str
    kind: str
    population: str
    mark: str
    state: str
    by: str
    reference: str
    reason: str
    at: datetime
    ended_at: datetime | None
    plan: Plan
    steps: tuple[tuple[str, str, Mapping[str, Any]], ...]
    receipt: str
    lifted_by: str = ""
    lifted_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """A request while it is worked on: whom it is about, and every text that leads to her."""

    item: Finished
    person: Person
    needles: tuple[str, ...]


class Requests:
    """The requests of one city. What must be known to go on with one is sealed under the city's secret."""

    def __init__(
        self, settings: Settings, state: State, keys: Vault, ledger: Ledger | None, now: Callable[[], datetime]
    ) -> None:
        self.settings = settings
        self.state = state
        self.keys = keys
        self.ledger = ledger
        self.now = now

    def listed(self, limit: int = 100) -> tuple[Finished, ...]:
        """Requests, the newest first."""
        with self.state.read() as connection:
            rows = connection.execute(sa.select(t.erasure).order_by(t.erasure.c.at.desc()).limit(limit)).all()
        return tuple(_read(row) for row in rows)

    def get(self, id: str) -> Finished:
        """Raises NotFound."""
        with self.state.read() as connection:
            row = connection.execute(sa.select(t.erasure).where(t.erasure.c.id == id)).first()
        if row is None:
            raise NotFound(f"There is no request {id[:40]!r}.", todo="See 'arengo erasure list'.")
        return _read(row)

    def receipt(self, id: str) -> bytes:
        """The sealed PDF. Raises NotFound before the request is done."""
        item = self.get(id)
        try:
            return self.path(item.id).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"The request {item.id} has no receipt yet.", todo="It comes with its last step.") from None

    def path(self, id: str) -> Path:
        """Where the receipt is kept."""
        return self.settings.home / FOLDER / f"{id}.pdf"

    def done(self, id: str, name: str, facts: Mapping[str, Any]) -> None:
        """Note a step as done, with what it did."""
        with self.state.write() as connection:
            held = connection.scalar(sa.select(t.erasure.c.steps).where(t.erasure.c.id == id)) or []
            steps = [*held, [name, self.now().isoformat(), dict(facts)]]
            connection.execute(sa.update(t.erasure).where(t.erasure.c.id == id).values(steps=steps))

    def tell(self, act: str, id: str, by: str, body: Mapping[str, Any]) -> None:
        """Put what was done on the record."""
        if self.ledger is not None:
            self.ledger.tell("administration", actor=by, body={"act": act, "request": id, **body})

    def close(self, id: str, told: Mapping[str, Any]) -> bytes:
        """What must be known to go on, sealed."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(NONCE)
        return nonce + AESGCM(self._secret()).encrypt(nonce, orjson.dumps(dict(told)), id.encode())

    def opened(self, id: str) -> Mapping[str, Any]:
        """What :meth:`close` sealed. Raises Conflict when it is gone."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        with self.state.read() as connection:
            body = connection.scalar(sa.select(t.erasure.c.sealed).where(t.erasure.c.id == id))
        if body is None:
            raise Conflict(f"What is needed to go on with {id} is gone.", todo="Begin a new request.")
        found: Mapping[str, Any] = orjson.loads(AESGCM(self._secret()).decrypt(body[:NONCE], body[NONCE:], id.encode()))
        return found

    def _secret(self) -> bytes:
        return mask.derive(self.keys.secret, "erasure")


def words(text: str) -> str:
    """What somebody wrote, on one line and not too long."""
    return " ".join(text.split())[:MOST_WORDS]


def _read(row: Any) -> Finished:
    return Finished(
        row.id, row.kind, row.population, row.mark, row.state, row.by, row.reference, row.reason, row.at, row.ended_at,
        plans.from_json(row.plan), tuple((name, when, told) for name, when, told in row.steps), row.receipt,
        row.lifted_by, row.lifted_at, row.why,
    )  # fmt: skip
