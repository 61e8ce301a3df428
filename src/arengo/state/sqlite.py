"""How a connection to one of our SQLite files begins."""

from __future__ import annotations

import sqlite3
import time

_TAKEN = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def begin(connection: sqlite3.Connection, *statements: str, seconds: float = 30.0) -> None:
    """Run ``statements``, pragmas and the making of tables, on a connection that was just opened.

    Choosing the journal takes the whole file for a moment, where the last other connection is closing or another one
    does the same; SQLite answers "database is locked" at once then, whatever ``busy_timeout`` says
    (sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY In WAL Mode"). So they are tried again, for
    ``seconds`` at most.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            for statement in statements:
                connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _TAKEN or time.monotonic() > until:
                raise
            time.sleep(0.02)
