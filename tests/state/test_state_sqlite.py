"""A connection begins although others are at the file's journal at that moment."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from arengo.state import sqlite

WAL = "PRAGMA journal_mode=WAL"


def test_a_journal_that_others_hold_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("CREATE TABLE t (n INTEGER)")
        holder.execute("BEGIN EXCLUSIVE")
        with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                sqlite.begin(other, WAL, seconds=0)
            threading.Timer(0.2, lambda: holder.execute("COMMIT")).start()
            sqlite.begin(other, WAL, "INSERT INTO t VALUES (1)", seconds=120)
            assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert other.execute("SELECT count(*) FROM t").fetchone() == (1,)


def test_what_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    made = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    with contextlib.closing(made), pytest.raises(sqlite3.OperationalError, match="no such table"):
        sqlite.begin(made, WAL, "INSERT INTO nobody VALUES (1)", seconds=3600)
