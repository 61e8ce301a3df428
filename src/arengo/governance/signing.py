"""The keys that sign the city's tokens: P-256, one file each in ``.arengo/oauth``, turned every thirty days.

ES256, since every client library of the last ten years verifies it. Only their public halves are published (JWKS,
RFC 7517). A worker that meets a token of a key it does not know looks into the folder once more, so workers need not
tell each other. A key is thrown away when the last token it signed has long ended.
"""

from __future__ import annotations

import itertools
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from joserfc.jwk import Key

ALGORITHM = "ES256"
TURNED = timedelta(days=30)
KEPT = timedelta(days=2)
"""After another followed it; far longer than any token lasts."""
PAUSE = 1.0
"""Seconds between two looks into the folder for keys nobody knows."""


@dataclass(frozen=True, slots=True)
class _Held:
    made: datetime
    key: Key
    shown: Mapping[str, Any]


class SigningKeys:
    """``folder``: made when first needed, readable by its owner only."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._folder = folder
        self._now = now
        self._held: dict[str, _Held] = {}
        self._looked = 0.0
        self._guard = threading.Lock()

    def current(self) -> tuple[str, Key]:
        """(kid, private key) to sign with; a new one when the newest is too old."""
        with self._guard:
            self._look()
            newest = max(self._held.items(), key=lambda pair: (pair[1].made, pair[0]), default=None)
            if newest is None or newest[1].made + TURNED <= self._now():
                newest = self._make()
                self._drop()
            return newest[0], newest[1].key

    def public(self, kid: str) -> Mapping[str, Any] | None:
        """The public half of one key. ``kid`` is looked up, never used as a name of anything."""
        found = self._held.get(kid)
        if found is None and time.monotonic() - self._looked >= PAUSE:
            with self._guard:
                self._look()
            found = self._held.get(kid)
        return found.shown if found else None

    def jwks(self) -> dict[str, Any]:
        """What is published (RFC 7517, 5), newest first."""
        self.current()
        keys = sorted(self._held.items(), key=lambda pair: (pair[1].made, pair[0]), reverse=True)
        return {"keys": [{**held.shown, "kid": kid, "use": "sig", "alg": ALGORITHM} for kid, held in keys]}

    def turn(self) -> str:
        """Sign with a new key from now on; the kid. What the old ones signed stays good until it ends."""
        with self._guard:
            self._look()
            return self._make()[0]

    def _look(self) -> None:
        from joserfc.jwk import ECKey

        from arengo.governance.jose import public

        self._looked = time.monotonic()
        held = dict(self._held)
        there = {path.stem: path for path in self._folder.glob("*.json")} if self._folder.is_dir() else {}
        for kid, path in there.items():
            if kid not in held:
                try:
                    raw = orjson.loads(path.read_bytes())
                except (OSError, orjson.JSONDecodeError):
                    continue  # half written or just thrown away
                key = ECKey.import_key(raw["key"])
                held[kid] = _Held(datetime.fromisoformat(raw["made"]), key, public(key.as_dict(private=False))[0])
        self._held = {kid: item for kid, item in held.items() if kid in there}

    def _make(self) -> tuple[str, _Held]:
        from joserfc.jwk import ECKey

        from arengo.governance.jose import public

        key = ECKey.generate_key("P-256")
        made = self._now()
        shown, kid = public(key.as_dict(private=False))
        body = orjson.dumps({"made": made.isoformat(), "key": key.as_dict(private=True)})
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self._folder / f"{kid}.{secrets.token_hex(4)}"
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(self._folder / f"{kid}.json")
        item = _Held(made, key, shown)
        self._held = {**self._held, kid: item}
        return kid, item

    def _drop(self) -> None:
        """Throw away keys that another followed long ago."""
        ordered = sorted(self._held.items(), key=lambda pair: (pair[1].made, pair[0]))
        for (kid, _), (_, follower) in itertools.pairwise(ordered):
            if self._now() - follower.made > KEPT:
                (self._folder / f"{kid}.json").unlink(missing_ok=True)
                self._held = {name: held for name, held in self._held.items() if name != kid}
