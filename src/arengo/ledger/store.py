"""Where the record is kept: a SQLite file of its own, or the city's PostgreSQL. The same statements for both."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection

from arengo.errors import Busy, LedgerBroken
from arengo.ledger import tables
from arengo.settings import Settings
from arengo.state import sqlite
from arengo.state.database import State

BUSY_SECONDS = 30.0
PAGE = 2048
"""Bytes. An entry touches a dozen pages, a count one for nearly each person: small ones write less than usual ones."""
FOLDS = 20
"""Attempts, a tenth of a second apart, to fold the log in after an erasure while others read."""
WAL = 8 << 20
"""Bytes of the write-ahead log after which it is folded in."""


class Store:
    """An open database of the record. ``write`` is one transaction at a time among all processes, durable at its end.

    Statements of a transaction are the driver's own, with ``?`` for values: a batch is a few of them, and each costs.
    """

    def __init__(self, settings: Settings, state: State) -> None:
        self.path = settings.home / "ledger.sqlite"
        self.local = state.backend == "sqlite"
        self._lock: int | None = None
        if self.local:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():  # only the owner of the folder may read who read what
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self.engine = _sqlite(self.path)
        else:
            self.engine = state.engine
        with _named(), state.hold("ledger-tables", wait=BUSY_SECONDS), self.engine.begin() as connection:
            tables.metadata.create_all(connection)
            if connection.scalar(sa.select(tables.head.c.size)) is None:
                connection.execute(sa.insert(tables.head).values(id=1, size=0, peaks=b"", at="", counted=0))
        self._driver: Any = None
        self._pooled: Any = None

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """Not to be entered by two threads of a process at once."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(_named())
            driver = self._connection()
            if self.local:
                stack.enter_context(self._turn())
            cursor = driver.cursor()
            try:
                if self.local:
                    cursor.execute("BEGIN IMMEDIATE")
                yield Transaction(cursor, self.local)
                if self.local:
                    cursor.execute("COMMIT")
                else:
                    driver.commit()
            except BaseException:
                self._undo(driver)
                raise
            finally:
                with contextlib.suppress(Exception):
                    cursor.close()

    @contextlib.contextmanager
    def read(self, *, snapshot: bool = False) -> Iterator[Connection]:
        """``snapshot``: all statements see the same moment (SQLite's always do)."""
        more: dict[str, Any] = {"isolation_level": "REPEATABLE READ"} if snapshot and not self.local else {}
        with _named(), self.engine.connect().execution_options(arengo_read=True, **more) as connection:
            yield connection

    def forget(self) -> None:
        """Overwrite what was erased where the database still has it beside its file.

        PostgreSQL does so at its next VACUUM. While somebody reads for long, SQLite does when the log is folded in.
        """
        if self.local:
            with self.engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                for _ in range(FOLDS):
                    ((busy, *_rest),) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                    if not busy:
                        return
                    time.sleep(0.1)

    def close(self) -> None:
        self._drop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self.local:
            self.engine.dispose()

    def _connection(self) -> Any:
        if self._driver is None:
            self._pooled = self.engine.raw_connection()
            self._driver = self._pooled.driver_connection
        return self._driver

    def _undo(self, driver: Any) -> None:
        """Take back what was begun. Closing alone would not: a statement that failed keeps its lock while it lives."""
        try:
            if not self.local or driver.in_transaction:  # a full disk, for one, has ended SQLite's already
                driver.rollback()
        except Exception:
            self._drop()

    def _drop(self) -> None:
        """Give the connection back for good."""
        pooled, self._pooled, self._driver = self._pooled, None, None
        if pooled is not None:
            with contextlib.suppress(Exception):
                pooled.invalidate()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for the other processes on a lock that wakes at once; SQLite's own would sleep up to 100 ms."""
        import fcntl

        if self._lock is None:
            self._lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if self._lock is not None:
                fcntl.flock(self._lock, fcntl.LOCK_UN)


class Transaction:
    """Statements of one transaction, each with ``?`` for its values."""

    __slots__ = ("_cursor", "_local")

    def __init__(self, cursor: Any, local: bool) -> None:
        self._cursor = cursor
        self._local = local

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self._cursor.execute(sql if self._local else sql.replace("?", "%s"), values)
        return list(self._cursor.fetchall())

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        self._cursor.execute(sql if self._local else sql.replace("?", "%s"), values)
        return int(self._cursor.rowcount)

    def insert(self, table: str, columns: str, rows: Sequence[Sequence[Any]], tail: str = "") -> None:
        """Many rows in few statements: between two of them another thread may take the interpreter."""
        width = columns.count(",") + 1
        most = max(1, 2000 // width)
        row = f"({', '.join('?' * width)})"
        for start in range(0, len(rows), most):
            part = rows[start : start + most]
            sql = f"INSERT INTO {table} ({columns}) VALUES {', '.join([row] * len(part))} {tail}"
            self.run(sql, [value for item in part for value in item])

    def head(self) -> tuple[int, bytes, str]:
        """(size, peaks, time of the newest entry); nobody else writes until the transaction ends."""
        sql = "SELECT size, peaks, at FROM ledger_head WHERE id = 1"
        ((size, peaks, at),) = self.rows(sql if self._local else f"{sql} FOR UPDATE")
        return int(size), bytes(peaks), str(at)


def _sqlite(path: Path) -> Engine:
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def pragmas(connection: DBAPIConnection, _record: Any) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.isolation_level = None  # transactions begin where they are written
        sqlite.begin(
            connection,
            f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}",
            f"PRAGMA page_size={PAGE}",
            f"PRAGMA wal_autocheckpoint={WAL // PAGE}",
            "PRAGMA cache_size=-4000",
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "PRAGMA secure_delete=ON",  # erased means overwritten
        )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("arengo_read", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


@contextlib.contextmanager
def _named() -> Iterator[None]:
    """SQLite's errors about the file as ours: Busy when another holds it, LedgerBroken when it is damaged."""
    try:
        yield
    except (sqlite3.DatabaseError, sa.exc.DatabaseError) as error:
        met = getattr(error, "orig", None) or error
        words = str(met).lower()
        if isinstance(met, sqlite3.OperationalError) and ("locked" in words or "busy" in words):
            raise Busy("Another process holds the record.", todo="Try again in a moment.") from None
        if isinstance(met, sqlite3.DatabaseError) and ("malformed" in words or "not a database" in words):
            raise LedgerBroken(
                "The database of the record is damaged.",
                todo="Stop the server, put back .arengo/ledger.sqlite from a copy, and run 'arengo ledger verify'.",
            ) from None
        raise
