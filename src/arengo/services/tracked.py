"""What requests, reuses and wishes have in common: a number, a state with its public history, letters to the sender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.contract.model import EMPTY
from arengo.errors import BadForm, NotFound
from arengo.services.event import Events
from arengo.services.key import Key, number
from arengo.services.letter import Letters
from arengo.services.posting import Posting
from arengo.services.progress import Progress
from arengo.state import State
from arengo.state.participation import step


@dataclass(frozen=True, slots=True)
class Step:
    """One change of state. ``by``: sender, city or arengo (by itself)."""

    at: datetime
    state: str
    by: str
    words: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends something: ``mail`` may be '', ``nonce`` is the form's own number."""

    language: str
    nonce: str
    mail: str = ""


def now_utc() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Office:
    """What every service works with."""

    state: State
    key: Key
    events: Events
    letters: Letters
    posting: Posting
    clock: Callable[[], datetime] = now_utc


class Tracked:
    """Base of the services whose items have a :class:`Progress`."""

    def __init__(self, office: Office, progress: Progress, table: sa.Table) -> None:
        self._office = office
        self.progress = progress
        self._table = table

    @property
    def kind(self) -> str:
        return self.progress.kind

    def row(self, id: str) -> Any:
        with self._office.state.read() as connection:
            row = connection.execute(sa.select(self._table).where(self._table.c.id == id)).first()
        if row is None:
            raise NotFound(f"There is nothing under the number {id[:40]}.", todo="Check the number.")
        return row

    # Coming in

    def _enter(
        self,
        values: Mapping[str, Any],
        sender: Sender,
        *,
        state: str = "",
        by: str = "sender",
        beside: Mapping[str, Any] = EMPTY,
    ) -> str:
        """Its number; the same form sent twice is one item. ``beside``: what :meth:`_entered` is told more."""
        table = self._table
        now = self._office.clock()
        mine = number()
        with self._office.state.write() as connection:
            held = connection.scalar(sa.select(table.c.id).where(table.c.nonce == sender.nonce))
            if held is not None:
                return str(held)
            first = state or self.progress.first
            dated = {"state": first, "created_at": now, "updated_at": now}
            reach = {"language": sender.language, "mail": sender.mail or None, "nonce": sender.nonce}
            connection.execute(table.insert().values(id=mine, **values, **dated, **reach))
            self._step(connection, mine, first, by, "", now)
            self._entered(connection, mine, {**values, **beside}, first, now)
            if sender.mail:
                self._ask(connection, mine, sender, now)
        return mine

    def _entered(self, connection: Connection, id: str, values: Mapping[str, Any], state: str, now: datetime) -> None:
        """What else belongs to a new item, in its transaction."""

    def _ask(self, connection: Connection, id: str, sender: Sender, now: datetime) -> None:
        facts = {
            "what": self.kind,
            "number": id,
            "confirm": f"/confirm/{self.kind}/{id}/{self.secret('confirm', id)}",
            "track": f"/track/{self.kind}/{id}/{self.secret('track', id)}",
        }
        self._office.letters.put(
            connection, f"confirm-{self.kind}-{id}", "confirm", sender.mail, sender.language, facts, now=now
        )

    # The sender's links

    def secret(self, use: str, id: str) -> str:
        return self._office.key.secret(f"{use} {self.kind}", id)

    def check(self, use: str, id: str, secret: str) -> Any:
        """The row a secret link opens. Raises NotFound, the same for a wrong number and a wrong secret."""
        if not self._office.key.opens(f"{use} {self.kind}", id, secret):
            raise NotFound("This link opens nothing.", todo="Copy it whole from the letter or the receipt.")
        return self.row(id)

    def confirm(self, id: str, secret: str) -> None:
        """The e-mail address belongs to the sender. Confirming twice changes nothing. Raises NotFound."""
        row = self.check("confirm", id, secret)
        if row.confirmed_at is not None or row.mail is None:
            return
        with self._office.state.write() as connection:
            connection.execute(
                self._table.update().where(self._table.c.id == id).values(confirmed_at=self._office.clock())
            )
            self._office.posting.confirmed(connection, self._office.key.mark("mail", row.mail.lower()))
            self._confirmed(connection, row)

    def _confirmed(self, connection: Connection, row: Any) -> None:
        """What a confirmation sets free, in its transaction."""

    def withdraw(self, id: str, secret: str) -> None:
        """The sender takes it back: it is shown no more and the address is erased at once. Raises NotFound, BadForm."""
        self.check("track", id, secret)
        self._move(id, "withdrawn", "", "sender")
        with self._office.state.write() as connection:
            connection.execute(self._table.update().where(self._table.c.id == id).values(mail=None, confirmed_at=None))

    # Changing state

    def _move(
        self,
        id: str,
        state: str,
        words: str,
        by: str,
        values: Mapping[str, Any] | None = None,
        told: Mapping[str, Any] | None = None,
    ) -> None:
        """Go to ``state``; the event and the sender's letter are written with it. Raises NotFound, BadForm."""
        table, now = self._table, self._office.clock()
        with self._office.state.write() as connection:
            row = connection.execute(sa.select(table).where(table.c.id == id)).first()
            if row is None:
                raise NotFound(f"There is nothing under the number {id[:40]}.")
            self.progress.check(row.state, state, words)
            ended = now if state in self.progress.ended else None
            connection.execute(
                table.update()
                .where(table.c.id == id)
                .values(state=state, updated_at=now, closed_at=ended, **(values or {}))
            )
            count = self._step(connection, id, state, by, words, now)
            self._moved(connection, row, state, words, now, values or {})
            if row.mail and row.confirmed_at is not None and by != "sender" and state != "spam":
                facts = {"what": self.kind, "number": id, "state": state, "words": words, **(told or {})}
                facts |= self._facts(row) | {"track": f"/track/{self.kind}/{id}/{self.secret('track', id)}"}
                letter = f"{self.kind}-{id}-{count}"
                self._office.letters.put(connection, letter, "moved", row.mail, row.language, facts, now=now)

    def _moved(
        self, connection: Connection, row: Any, state: str, words: str, now: datetime, values: Mapping[str, Any]
    ) -> None:
        """The event of a change, in its transaction."""

    def _facts(self, row: Any) -> dict[str, Any]:
        """What a letter says of the item beside its state."""
        return {}

    def _step(self, connection: Connection, id: str, state: str, by: str, words: str, now: datetime) -> int:
        mine = (step.c.kind == self.kind) & (step.c.item == id)
        count = int(connection.scalar(sa.select(sa.func.count()).select_from(step).where(mine)) or 0)
        connection.execute(
            step.insert().values(kind=self.kind, item=id, n=count, at=now, state=state, by=by, words=words)
        )
        return count

    def steps(self, id: str) -> tuple[Step, ...]:
        """Its history, oldest first."""
        s = step.c
        chosen = sa.select(s.at, s.state, s.by, s.words).where(s.kind == self.kind, s.item == id).order_by(s.n)
        with self._office.state.read() as connection:
            return tuple(Step(**row._mapping) for row in connection.execute(chosen))

    # Counting and forgetting

    def count(self, *states: str) -> int:
        chosen = sa.select(sa.func.count()).select_from(self._table).where(self._table.c.state.in_(states))
        with self._office.state.read() as connection:
            return int(connection.scalar(chosen) or 0)

    def erase(self, now: datetime, keep_days: int, confirm_days: int) -> int:
        """Empty the addresses of what was closed long ago or never confirmed; how many."""
        t = self._table.c
        gone = sa.or_(
            sa.and_(t.closed_at.is_not(None), t.closed_at < now - timedelta(days=keep_days)),
            sa.and_(t.confirmed_at.is_(None), t.created_at < now - timedelta(days=confirm_days)),
        )
        with self._office.state.write() as connection:
            done = connection.execute(
                self._table.update().where(t.mail.is_not(None), gone).values(mail=None, confirmed_at=None)
            )
        return int(done.rowcount)

    def forget(self, connection: Connection, address: str) -> None:
        """Empty one address wherever it stands, inside the caller's transaction."""
        connection.execute(
            self._table.update().where(self._table.c.mail == address).values(mail=None, confirmed_at=None)
        )


def nonempty(words: str, what: str) -> str:
    """Raises BadForm for a text that says nothing."""
    if not words:
        raise BadForm(f"{what} is empty.", todo="Write a sentence.")
    return words
