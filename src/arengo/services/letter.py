"""Letters: written once into the outbox, sent until the server took them, erased after that.

A letter is written in the transaction of what it tells, so nothing is told that did not happen and nothing that
happened goes untold. Its id is the Message-ID: when a kill falls between sending and noting it, the second copy has
the same one and a mail program shows it once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import Busy
from arengo.services import mail
from arengo.services.key import Key
from arengo.settings import Settings
from arengo.state import State
from arengo.state.participation import letter, subscription

Compose = Callable[[str, str, Mapping[str, Any]], tuple[str, str]]
"""(kind, language, facts) -> (subject, text): how the portal says a letter."""

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
GIVE_UP = timedelta(days=3)
KEPT = timedelta(days=30)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LetterRecord:
    """A letter as the operator sees it: no address, no text."""

    id: str
    kind: str
    language: str
    state: str
    attempts: int
    error: str
    created_at: datetime
    next_at: datetime
    sent_at: datetime | None


class Letters:
    """The outbox. ``compose`` says each kind in each language."""

    def __init__(self, settings: Settings, state: State, key: Key, compose: Compose) -> None:
        self._settings = settings
        self._state = state
        self._key = key
        self._compose = compose

    @property
    def able(self) -> bool:
        """Whether letters can be sent: there is a server, an address to send from and one to lead back to."""
        return not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """The settings without which no letter is sent."""
        city, post = self._settings.city, self._settings.mail
        wanted = {"mail.host": post.host, "city.url": city.url, "mail.sender": post.sender or city.contact}
        return tuple(name for name, value in wanted.items() if not value)

    def put(
        self,
        connection: Connection,
        id: str,
        kind: str,
        address: str,
        language: str,
        facts: Mapping[str, Any],
        *,
        unsubscribe: str = "",
        subscription: str = "",
        now: datetime | None = None,
    ) -> bool:
        """Write a letter in the caller's transaction; False when it is there already or none can be sent.

        ``unsubscribe``: path on this site that ends the letters of this kind with one click (RFC 8058).
        """
        if not self.able or not address:
            return False
        if connection.scalar(sa.select(letter.c.id).where(letter.c.id == id)) is not None:
            return False
        now = now or datetime.now(UTC)
        subject, words = self._compose(kind, language, facts)
        connection.execute(
            letter.insert().values(
                id=id,
                kind=kind,
                mail=address,
                who=self._key.mark("mail", address.lower()),
                language=language,
                subject=" ".join(subject.split())[:300],
                words=words,
                unsubscribe=unsubscribe,
                subscription=subscription,
                state="waiting",
                attempts=0,
                next_at=now,
                error="",
                created_at=now,
            )
        )
        return True

    def send(self, now: datetime | None = None) -> int:
        """Send what is due, at most a minute's worth; how many the server took. One process at a time."""
        if not self.able:
            return 0
        try:
            with self._state.hold("letters"):
                return self._send(now or datetime.now(UTC))
        except Busy:
            return 0

    def _send(self, now: datetime) -> int:
        due = (
            sa.select(letter)
            .where(letter.c.state == "waiting", letter.c.next_at <= now)
            .order_by(letter.c.next_at)
            .limit(self._settings.mail.per_minute)
        )
        with self._state.read() as connection:
            rows = connection.execute(due).all()
        if not rows:
            return 0
        sent = 0
        with mail.Post(self._settings) as post:
            for row in rows:
                made = mail.message(self._settings, row, row.mail or "", row.words or "")
                result = post.send(made, row.mail or "")
                self._note(row, result, now)
                sent += result.state == "sent"
                if result.broken:
                    break
        return sent

    def _note(self, row: Any, result: mail.Result, now: datetime) -> None:
        attempts = row.attempts + 1
        values: dict[str, Any] = {"attempts": attempts, "error": result.error[:500]}
        if result.state == "retry" and now - row.created_at < GIVE_UP:
            values["next_at"] = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 12))
        elif result.state == "sent":
            values |= {"state": "sent", "sent_at": now, "mail": None, "words": None, "subject": ""}
        else:
            values |= {"state": "failed", "mail": None, "words": None, "subject": ""}
            _log.warning("Letter %s was given up after %d tries: %s", row.id, attempts, result.error[:200])
        with self._state.write() as connection:
            connection.execute(letter.update().where(letter.c.id == row.id).values(**values))
            if values.get("state") == "failed" and result.state == "refused" and row.subscription:
                # the address does not exist: going on would only spoil the city's name with other servers
                connection.execute(subscription.delete().where(subscription.c.id == row.subscription))

    def records(self, state: str = "", limit: int = 50) -> tuple[LetterRecord, ...]:
        """The newest letters, of one state when given."""
        c = letter.c
        chosen = sa.select(
            c.id, c.kind, c.language, c.state, c.attempts, c.error, c.created_at, c.next_at, c.sent_at
        ).order_by(c.created_at.desc())
        with self._state.read() as connection:
            rows = connection.execute((chosen.where(c.state == state) if state else chosen).limit(limit)).all()
        return tuple(LetterRecord(**row._mapping) for row in rows)

    def counts(self) -> dict[str, int]:
        with self._state.read() as connection:
            rows = connection.execute(sa.select(letter.c.state, sa.func.count()).group_by(letter.c.state)).all()
        return {str(row[0]): int(row[1]) for row in rows}

    def purge(self, now: datetime) -> None:
        """Forget letters that were dealt with a month ago."""
        with self._state.write() as connection:
            connection.execute(letter.delete().where(letter.c.state != "waiting", letter.c.created_at < now - KEPT))
