"""A reading connection to a staged table: bounded memory, no way out of the process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from arengo.lake.version import Staged
from arengo.quality.expression import quote
from arengo.quality.place import load_spatial

if TYPE_CHECKING:
    import duckdb


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
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection, table
    finally:
        connection.close()
