"""Webhooks after Standard Webhooks 1.0: signed, tried again, and never into the city's own network.

Receivers stand in ``webhooks.toml`` of the city folder or are added by the operator. Each event becomes one delivery
for each receiver that wants it, in the order of events; ``webhook-id`` is the same for every try.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import ArengoError, BadForm, Busy, NotFound, Place, SettingsError
from arengo.services.event import KINDS, Event
from arengo.services.tracked import Office
from arengo.services.wording import web
from arengo.settings import Settings
from arengo.state.participation import delivery, webhook, webhook_rest

FILE = "webhooks.toml"
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""Between tries, as the standard recommends: about three days in all, then the delivery is dead."""
ANSWER = 10.0
"""Seconds a receiver may be silent."""
WHOLE = 20.0
"""Seconds a receiver has for its whole answer."""
AT_ONCE = 50
"""Deliveries of one round."""
LARGEST_ANSWER = 65_536
READER = "webhooks"
KEPT = timedelta(days=30)
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@contextmanager
def _within(seconds: float, end: Callable[[], object]) -> Iterator[None]:
    """Call ``end`` when the work takes longer: a receiver that drips a byte now and then would hold all others."""
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@dataclass(frozen=True, slots=True)
class Hook:
    """``events``: kinds, ``*`` at the end of one means all that begin so. ``datasets``: ids, () for all.

    ``declared``: it stands in the file and is changed there. ``rests``: why nothing is sent to it now.
    """

    id: str
    url: str
    secret: str
    events: tuple[str, ...]
    datasets: tuple[str, ...]
    declared: bool
    rests: str = ""

    def wants(self, event: Event) -> bool:
        patterns: Sequence[str] = self.events
        if event.kind.startswith("agreement."):  # who reads what is no public fact: '*' is not enough
            patterns = [pattern for pattern in patterns if pattern.startswith("agreement.")]
        fits = any(fnmatchcase(event.kind, pattern) for pattern in patterns)
        return fits and (not self.datasets or event.dataset in self.datasets)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one receiver. ``state``: waiting, delivered or dead."""

    id: str
    hook: str
    kind: str
    state: str
    attempts: int
    next_at: datetime
    status: int | None
    error: str
    ms: int | None
    created_at: datetime
    ended_at: datetime | None


class Webhooks:
    def __init__(self, office: Office, settings: Settings) -> None:
        self._office = office
        self._settings = settings

    # Receivers

    def hooks(self) -> tuple[Hook, ...]:
        """Every receiver, those of the file first. Raises SettingsError when the file cannot be used."""
        with self._office.state.read() as connection:
            rests = {row.hook: row.reason for row in connection.execute(sa.select(webhook_rest))}
            rows = connection.execute(sa.select(webhook).order_by(webhook.c.created_at)).all()
        declared = _read(self._settings.root, rests)
        taken = {item.id for item in declared}
        return declared + tuple(
            Hook(row.id, row.url, row.secret, tuple(row.events), tuple(row.datasets), False, rests.get(row.id, ""))
            for row in rows
            if row.id not in taken
        )

    def hook(self, id: str) -> Hook:
        """Raises NotFound."""
        for item in self.hooks():
            if item.id == id:
                return item
        raise NotFound(f"There is no receiver {id[:40]!r}.")

    def add(self, id: str, url: str, events: Sequence[str], datasets: Sequence[str] = ()) -> Hook:
        """Declare a receiver; its secret is made here. Raises BadForm."""
        if not _ID.fullmatch(id):
            raise BadForm("The name has small letters, digits and hyphens, at most 40.", todo="Choose another.")
        if any(item.id == id for item in self.hooks()):
            raise BadForm(f"There is a receiver {id} already.", todo="Choose another name.")
        chosen = _events(events)
        values = {"id": id, "url": web(url), "secret": new_secret(), "events": list(chosen), "datasets": list(datasets)}
        with self._office.state.write() as connection:
            self._begin(connection)
            connection.execute(webhook.insert().values(**values, created_at=datetime.now(UTC)))
        return self.hook(id)

    def drop(self, id: str) -> None:
        """Forget a receiver added on the page, and what waits for it. Raises NotFound, BadForm (it is in the file)."""
        if self.hook(id).declared:
            raise BadForm(f"{id} stands in {FILE}.", todo="Remove it there.")
        with self._office.state.write() as connection:
            connection.execute(webhook.delete().where(webhook.c.id == id))
            connection.execute(webhook_rest.delete().where(webhook_rest.c.hook == id))
            connection.execute(delivery.delete().where(delivery.c.hook == id, delivery.c.state == "waiting"))

    def rest(self, id: str, reason: str) -> None:
        """Send nothing to a receiver until :meth:`wake`."""
        with self._office.state.write() as connection:
            connection.execute(webhook_rest.delete().where(webhook_rest.c.hook == id))
            connection.execute(webhook_rest.insert().values(hook=id, reason=reason[:200], at=datetime.now(UTC)))

    def wake(self, id: str) -> None:
        with self._office.state.write() as connection:
            connection.execute(webhook_rest.delete().where(webhook_rest.c.hook == id))

    def test(self, id: str) -> Delivery:
        """Send a test event at once; how it went. Raises NotFound."""
        hook = self.hook(id)
        now = datetime.now(UTC)
        message = f"msg_test_{secrets.token_hex(8)}"
        body = _body("webhook.test", now, {"city": self._settings.city.name, "url": self._base})
        with self._office.state.write() as connection:
            self._put(connection, message, hook.id, "webhook.test", body, now)
        self._try(hook, message, body, 0, now, last=True)
        return self.one(message)

    # Deliveries

    def turn(self, now: datetime | None = None) -> int:
        """Make deliveries of new events and send what is due; how many were taken. One process at a time."""
        try:
            with self._office.state.hold("webhooks"):
                return self._turn(now or datetime.now(UTC))
        except Busy:
            return 0

    def _turn(self, now: datetime) -> int:
        hooks = {item.id: item for item in self.hooks()}
        place = self._office.events.place(READER)
        if place is None:
            if hooks:  # those declared now hear of what happens from now on
                with self._office.state.write() as connection:
                    self._begin(connection)
            return 0
        events = self._office.events.after(place)
        if events:
            with self._office.state.write() as connection:
                for event in events:
                    body = _body(event.kind, event.at, self._data(event))
                    for hook in hooks.values():
                        if hook.wants(event):
                            self._put(connection, f"msg_{event.seq}_{hook.id}", hook.id, event.kind, body, now)
                self._office.events.keep_place(connection, READER, events[-1].seq)
        return self._deliver(hooks, now)

    def _begin(self, connection: Connection) -> None:
        from arengo.state.participation import counter

        if connection.scalar(sa.select(counter.c.n).where(counter.c.name == READER)) is None:
            last = connection.scalar(sa.select(counter.c.n).where(counter.c.name == "event")) or 0
            self._office.events.keep_place(connection, READER, int(last))

    def _put(self, connection: Connection, id: str, hook: str, kind: str, body: bytes, now: datetime) -> None:
        connection.execute(
            delivery.insert().values(
                id=id, hook=hook, kind=kind, body=body.decode(), state="waiting", attempts=0, next_at=now, error="",
                created_at=now,
            )
        )  # fmt: skip

    def _deliver(self, hooks: dict[str, Hook], now: datetime) -> int:
        d = delivery.c
        due = sa.select(delivery).where(d.state == "waiting", d.next_at <= now).order_by(d.created_at, d.id)
        with self._office.state.read() as connection:
            rows = connection.execute(due.limit(AT_ONCE)).all()
        taken = 0
        slow: set[str] = set()
        for row in rows:
            hook = hooks.get(row.hook)
            if hook is None:
                self._end(row.id, "dead", row.attempts, None, "The receiver is no longer declared.", None, now)
            elif hook.rests or hook.id in slow:
                self._later(row.id, row.attempts, now + PAUSES[1], row.error, row.status)
            elif self._try(hook, row.id, row.body.encode(), row.attempts, now):
                taken += 1
            else:
                slow.add(hook.id)  # one failure is enough to know for this round
        return taken

    def _try(self, hook: Hook, id: str, body: bytes, attempts: int, now: datetime, last: bool = False) -> bool:
        started = time.monotonic()
        status, error = self._post(hook, id, body)
        ms = round((time.monotonic() - started) * 1000)
        attempts += 1
        if status is not None and 200 <= status < 300:
            self._end(id, "delivered", attempts, status, "", ms, now)
            return True
        if status == 410:
            self.rest(hook.id, "The receiver answered 410 Gone.")
            self._end(id, "dead", attempts, status, error, ms, now)
        elif last or attempts > len(PAUSES):
            self._end(id, "dead", attempts, status, error, ms, now)
        else:
            self._later(id, attempts, now + PAUSES[attempts - 1], error, status)
        return False

    def _post(self, hook: Hook, id: str, body: bytes) -> tuple[int | None, str]:
        import dataclasses

        import httpx

        from arengo.sources.guard import Guard

        stamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "user-agent": "Arengo-Webhooks/1",
            "webhook-id": id,
            "webhook-timestamp": stamp,
            "webhook-signature": sign(hook.secret, id, stamp, body),
        }
        guard = Guard(dataclasses.replace(self._settings.sources, timeout=ANSWER))
        try:
            guard.check_url(httpx.URL(hook.url))
            with (
                guard.client() as client,
                _within(WHOLE, client.close),
                client.stream("POST", hook.url, content=body, headers=headers) as response,
            ):
                size = 0
                for chunk in response.iter_raw():  # read a little, so that the connection ends well
                    size += len(chunk)
                    if size > LARGEST_ANSWER:
                        break
                code = response.status_code
        except ArengoError as error:
            return None, error.met
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, RuntimeError) as error:
            return None, f"{type(error).__name__}: {error}"[:300]
        if 200 <= code < 300:
            return code, ""
        return code, "A redirection is not followed." if 300 <= code < 400 else f"The receiver answered {code}."

    def _later(self, id: str, attempts: int, at: datetime, error: str, status: int | None) -> None:
        values = {"attempts": attempts, "next_at": at, "error": error[:300], "status": status}
        with self._office.state.write() as connection:
            connection.execute(delivery.update().where(delivery.c.id == id).values(**values))

    def _end(
        self, id: str, state: str, attempts: int, status: int | None, error: str, ms: int | None, now: datetime
    ) -> None:
        values = {"state": state, "attempts": attempts, "status": status, "error": error[:300], "ms": ms}
        with self._office.state.write() as connection:
            connection.execute(delivery.update().where(delivery.c.id == id).values(**values, ended_at=now))

    def one(self, id: str) -> Delivery:
        """Raises NotFound."""
        with self._office.state.read() as connection:
            row = connection.execute(sa.select(delivery).where(delivery.c.id == id)).first()
        if row is None:
            raise NotFound(f"There is no delivery {id[:60]!r}.")
        return _delivery(row)

    def deliveries(self, hook: str = "", state: str = "", limit: int = 50) -> tuple[Delivery, ...]:
        """The newest deliveries."""
        chosen = sa.select(delivery).order_by(delivery.c.created_at.desc(), delivery.c.id.desc()).limit(limit)
        if hook:
            chosen = chosen.where(delivery.c.hook == hook)
        if state:
            chosen = chosen.where(delivery.c.state == state)
        with self._office.state.read() as connection:
            return tuple(_delivery(row) for row in connection.execute(chosen))

    def again(self, id: str) -> None:
        """Try a dead delivery again. Raises NotFound."""
        self.one(id)
        with self._office.state.write() as connection:
            connection.execute(
                delivery.update()
                .where(delivery.c.id == id, delivery.c.state == "dead")
                .values(state="waiting", attempts=0, next_at=datetime.now(UTC), ended_at=None)
            )

    def purge(self, now: datetime) -> None:
        with self._office.state.write() as connection:
            connection.execute(
                delivery.delete().where(delivery.c.state != "waiting", delivery.c.created_at < now - KEPT)
            )

    @property
    def _base(self) -> str:
        return self._settings.city.url.rstrip("/")

    def _data(self, event: Event) -> dict[str, Any]:
        data: dict[str, Any] = {"seq": event.seq, "dataset": event.dataset, "subject": event.subject}
        data |= dict(event.body)
        data["url"] = self._base + _page(event)
        if event.kind in ("version.published", "dataset.added", "dataset.changed"):
            data["api"] = f"{self._base}/api/v1/datasets/{event.dataset}"
        return {name: value for name, value in data.items() if value not in (None, "")}


def _page(event: Event) -> str:
    if event.kind.startswith("agreement."):
        return f"/agreements/{event.subject}"
    if event.kind.startswith("amendment."):
        return f"/datasets/{event.dataset}/requests/{event.subject}"
    if event.kind.startswith("wish."):
        return f"/wishes/{event.subject}"
    if event.kind.startswith("reuse."):
        return f"/reuses/{event.subject}"
    if event.kind.startswith("comment."):
        return f"/datasets/{event.dataset}/discussion#c-{event.subject}"
    if event.kind == "version.published":
        return f"/datasets/{event.dataset}?as_of={event.subject}"
    return f"/datasets/{event.dataset}"


def sign(secret: str, id: str, timestamp: str, body: bytes) -> str:
    """``webhook-signature`` of Standard Webhooks: v1, HMAC-SHA256 over id.timestamp.body."""
    content = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(_secret(secret), content, hashlib.sha256).digest()).decode()


def new_secret() -> str:
    """A new one in the standard's form, 256 bits."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _secret(text: str) -> bytes:
    try:
        found = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise BadForm("The secret is not base64 after whsec_.", todo="Make one with the operator's page.") from None
    if not 24 <= len(found) <= 64:
        raise BadForm("The secret has not 24 to 64 bytes.", todo="Make one with the operator's page.")
    return found


def _events(events: Sequence[str]) -> tuple[str, ...]:
    """Raises BadForm for a pattern that no event can ever fit."""
    chosen = tuple(dict.fromkeys(item.strip() for item in events if item.strip()))
    for item in chosen:
        if not any(fnmatchcase(kind, item) for kind in KINDS):
            raise BadForm(f"No event is called {item[:60]!r}.", todo=f"Known: {', '.join(KINDS)}; amendment.* is all.")
    if not chosen:
        raise BadForm("No event is chosen.", todo="Choose at least one.")
    return chosen


def _body(kind: str, at: datetime, data: dict[str, Any]) -> bytes:
    stamp = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return orjson.dumps({"type": kind, "timestamp": stamp, "data": data})


def _delivery(row: Any) -> Delivery:
    return Delivery(**{name: getattr(row, name) for name in Delivery.__slots__})


def _read(root: Path, rests: dict[str, str]) -> tuple[Hook, ...]:
    """The receivers of the city folder: ``[[webhook]]`` with id, url, events, datasets and secret, secret_env or
    secret_file. Raises SettingsError."""
    path = root / FILE
    if not path.is_file():
        return ()
    place = Place(file=str(path))
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"This cannot be read: {error}.", place=place) from None
    out: list[Hook] = []
    for item in raw.get("webhook", []):
        unknown = set(item) - {"id", "url", "events", "datasets", "secret", "secret_env", "secret_file"}
        name = str(item.get("id", ""))
        if unknown or not _ID.fullmatch(name) or any(other.id == name for other in out):
            what = f"There is no field {sorted(unknown)[0]!r}." if unknown else f"The id {name!r} cannot be used."
            raise SettingsError(what, todo="Each [[webhook]] has id, url, events, datasets, secret_env.", place=place)
        try:
            secret = str(item.get("secret", ""))
            if item.get("secret_env"):
                secret = os.environ.get(str(item["secret_env"]), "")
            elif item.get("secret_file"):
                secret = (root / str(item["secret_file"])).read_text(encoding="utf-8").strip()
            _secret(secret)
            events = _events([str(part) for part in item.get("events", ["version.published"])])
            datasets = tuple(str(part) for part in item.get("datasets", ()))
            out.append(Hook(name, web(str(item.get("url", ""))), secret, events, datasets, True, rests.get(name, "")))
        except (BadForm, OSError) as error:
            met = error.met if isinstance(error, BadForm) else str(error)
            raise SettingsError(f"The webhook {name}: {met}", place=place) from None
    return tuple(out)
