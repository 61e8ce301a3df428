"""The staged table of one run: Parquet parts beside a small database that shows them as one table.

Writing rows into the database's own storage costs twice the CPU of writing them as Parquet, and reading them again
costs more too. A reading connection has bounded memory and no way out of the process but to the parts.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.lake.version import Staged
from arengo.quality.expression import quote
from arengo.quality.place import load_spatial

if TYPE_CHECKING:
    import duckdb


class Parts:
    """Parquet files of one staged table: one for each batch, rows in the source's order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: list[Path] = []

    @classmethod
    def anew(cls, database: Path) -> Parts:
        """No parts yet; what an earlier attempt left at ``database`` is removed."""
        database.parent.mkdir(parents=True, exist_ok=True)
        for stale in (database, database.with_name(database.name + ".wal")):
            stale.unlink(missing_ok=True)
        folder = parts_of(database)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return cls(folder)

    def add(self, connection: duckdb.DuckDBPyConnection, select: str, values: Sequence[Any]) -> int:
        """Write the rows of ``select`` as the next part; their number."""
        path = self.folder / f"{len(self.paths):06}.parquet"
        rows = _copy(connection, select, values, path)
        if rows:
            self.paths.append(path)
        else:
            path.unlink(missing_ok=True)
        return rows

    def show(self, connection: duckdb.DuckDBPyConnection, table: str, number: str, empty: str) -> None:
        """Make ``table`` in the database: the rows of all parts but those in ``gone``, by their ``number``."""
        if not self.paths:
            path = self.folder / "empty.parquet"
            _copy(connection, f"{empty} WHERE false", (), path)
            self.paths.append(path)
        connection.execute(f"CREATE TABLE gone ({quote(number)} BIGINT)")
        connection.execute(f"CREATE VIEW {quote(table)} AS {self._all()}")

    def take_out(self, connection: duckdb.DuckDBPyConnection, table: str, number: str, select: str) -> int:
        """Leave rows out of ``table``: those whose ``number`` is in ``select``. How many."""
        found = connection.execute(f"INSERT INTO gone {select}").fetchone()
        kept = f"{self._all()} WHERE {quote(number)} NOT IN (SELECT {quote(number)} FROM gone)"
        connection.execute(f"CREATE OR REPLACE VIEW {quote(table)} AS {kept}")
        return int(found[0]) if found else 0

    def _all(self) -> str:
        listed = ", ".join(_text(str(path)) for path in self.paths)
        return f"SELECT * FROM read_parquet([{listed}])"


def parts_of(database: Path) -> Path:
    """The folder of a staged database's parts."""
    return database.with_suffix(".parts")


def _copy(connection: duckdb.DuckDBPyConnection, select: str, values: Sequence[Any], path: Path) -> int:
    # The parts live for one run: to compress them costs more than to write them.
    sql = f"COPY ({select}) TO {_text(str(path))} (FORMAT parquet, COMPRESSION uncompressed)"
    found = connection.execute(sql, list(values)).fetchone()
    return int(found[0]) if found else 0


def _text(value: str) -> str:
    """A text literal, for paths of the run's folder in statements that take no bound values."""
    return "'" + value.replace("'", "''") + "'"


@contextlib.contextmanager
def reading(
    staged: Staged, view: str = "", *, memory: str = "128MB", threads: int = 2, spatial: bool = False
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A locked-down connection and the SQL name of the staged table.

    With ``view`` a temporary view of that name shows the contract's columns only, for the queries of rules. Files,
    network and settings are out of reach of whatever runs on this connection.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": memory,
        "temp_directory": str(staged.database.with_suffix(".tmp")),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
    }
    connection = duckdb.connect(str(staged.database), read_only=True, config=config)
    try:
        if spatial:
            load_spatial(connection)
        row = connection.execute("SELECT current_database()").fetchone()
        table = f"{quote(row[0] if row else '')}.main.{quote(staged.table)}"
        if view:
            columns = ", ".join(quote(name) for name, _, _ in staged.columns)
            connection.execute(f"CREATE TEMP VIEW {quote(view)} AS SELECT {columns} FROM {table}")
        listed = ", ".join(_text(str(path)) for path in sorted(parts_of(staged.database).glob("*.parquet")))
        if listed:
            connection.execute(f"SET allowed_paths = [{listed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection, table
    finally:
        connection.close()
