"""Counters that many processes share and that need not survive a power cut: quotas and what may be shown once.

Beside SQLite they live in a file of their own, ``.arengo/quota.sqlite``, written without waiting for the disk, so a
count costs microseconds and never waits for the city's records. Where the state is PostgreSQL they live there, so that
machines share them.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import sqlalchemy as sa

from arengo.state import applications as tables
from arengo.state import sqlite

if TYPE_CHECKING:
    from arengo.state import State

T = TypeVar("T")
BUSY_SECONDS = 5.0
SWEEP = 500
"""Marks taken between two sweeps of those that ended."""
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS quota (name TEXT PRIMARY KEY, arrival REAL NOT NULL, day TEXT NOT NULL, "
    "calls INTEGER NOT NULL, rows INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS replay (mark TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS replay_until ON replay (until)",
)


@dataclass(frozen=True, slots=True)
class Count:
    """``arrival``: when a full bucket would be reached again, seconds since 1970. ``calls``, ``rows``: of ``day``."""

    arrival: float = 0.0
    day: str = ""
    calls: int = 0
    rows: int = 0


Rule = Callable[[Count], Count | None]
"""What a count becomes; None leaves it as it is."""


class Counters(Protocol):
    """Safe among threads and processes."""

    def once(self, mark: str, until: float, now: float) -> bool:
        """Whether ``mark`` is shown for the first time; it is remembered until ``until`` (seconds since 1970)."""
        ...

    def turn(self, name: str, rule: Rule) -> Count:
        """Change one count; nobody else changes it meanwhile. Returns what it was before."""
        ...

    def look(self, name: str) -> Count: ...


def counters(state: State, home: Path) -> Counters:
    """Those that fit the city's state database."""
    return FileCounters(home / "quota.sqlite") if state.backend == "sqlite" else StateCounters(state)


class FileCounters:
    """One connection a process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._taken = 0

    def once(self, mark: str, until: float, now: float) -> bool:
        def take(connection: sqlite3.Connection) -> bool:
            self._taken += 1
            if self._taken % SWEEP == 1:
                connection.execute("DELETE FROM replay WHERE until < ?", (now,))
            sql = (
                "INSERT INTO replay VALUES (?, ?) ON CONFLICT (mark) DO UPDATE SET until = excluded.until "
                "WHERE replay.until < ?"
            )
            return connection.execute(sql, (mark, until, now)).rowcount == 1

        return self._within(take)

    def turn(self, name: str, rule: Rule) -> Count:
        def change(connection: sqlite3.Connection) -> Count:
            held = _held(connection, name)
            new = rule(held)
            if new is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO quota VALUES (?, ?, ?, ?, ?)",
                    (name, new.arrival, new.day, new.calls, new.rows),
                )
            return held

        return self._within(change)

    def look(self, name: str) -> Count:
        return self._within(lambda connection: _held(connection, name))

    def close(self) -> None:
        with self._guard:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    def _within(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._guard:
            try:
                return self._once_within(work)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                    raise
                self._anew()  # a power cut left half a page; counts of a day are all that is lost
                return self._once_within(work)

    def _once_within(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._open()
        with _transaction(connection):
            return work(connection)

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._pid == os.getpid():
            return self._connection
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            statements = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=OFF", *_SCHEMA)
            sqlite.begin(connection, *statements, seconds=BUSY_SECONDS)
        except BaseException:
            connection.close()
            raise
        self._connection, self._pid = connection, os.getpid()
        return connection

    def _anew(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for tail in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + tail).unlink(missing_ok=True)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _held(connection: sqlite3.Connection, name: str) -> Count:
    row = connection.execute("SELECT arrival, day, calls, rows FROM quota WHERE name = ?", (name,)).fetchone()
    return Count(*row) if row else Count()


class StateCounters:
    """In the state database itself."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._taken = 0

    def once(self, mark: str, until: float, now: float) -> bool:
        t = tables.replay
        with self._state.write() as connection:
            self._taken += 1
            if self._taken % SWEEP == 1:
                connection.execute(t.delete().where(t.c.until < now))
            connection.execute(t.delete().where(t.c.mark == mark, t.c.until < now))
            try:
                with connection.begin_nested():
                    connection.execute(t.insert().values(mark=mark, until=until))
            except sa.exc.IntegrityError:
                return False
        return True

    def turn(self, name: str, rule: Rule) -> Count:
        t = tables.quota
        mine = t.c.name == name
        with self._state.write() as connection:
            row = connection.execute(sa.select(t).where(mine).with_for_update()).first()
            if row is None:
                with contextlib.suppress(sa.exc.IntegrityError), connection.begin_nested():
                    connection.execute(t.insert().values(name=name, arrival=0.0, day="", calls=0, rows=0))
                row = connection.execute(sa.select(t).where(mine).with_for_update()).one()
            held = Count(row.arrival, row.day, row.calls, row.rows)
            new = rule(held)
            if new is not None:
                values = {"arrival": new.arrival, "day": new.day, "calls": new.calls, "rows": new.rows}
                connection.execute(t.update().where(mine).values(**values))
        return held

    def look(self, name: str) -> Count:
        t = tables.quota
        with self._state.read() as connection:
            row = connection.execute(sa.select(t).where(t.c.name == name)).first()
        return Count(row.arrival, row.day, row.calls, row.rows) if row else Count()
