"""SQLite files, through Python's own SQLite.

SQLite does not hold its columns to their types, and legacy files hold texts in legacy encodings, so every value is
handed on as text: numbers as written, blobs as hexadecimal digits, texts decoded as UTF-8 or, failing that,
Windows-1252. The file is opened read-only and read in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.request import pathname2url

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import Place, SourceMalformed, SourceMissing, SourceUnreachable
from arengo.sources.base import Context, Fingerprint, Pull
from arengo.sources.batches import ROWS, sampled, text_schema
from arengo.sources.database import quoted
from arengo.sources.location import digest

if TYPE_CHECKING:
    import pyarrow as pa


def text(value: Any) -> str | None:
    """One value as text; ``bytes`` are texts still to be decoded."""
    if value is None:
        return None
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("cp1252", "replace")
    return repr(value) if isinstance(value, float) else str(value)


def _texts(values: Sequence[Any]) -> pa.Array:
    """One column of values as texts; columns of one kind, which most are, are converted at once."""
    import pyarrow as pa

    first = next((value for value in values if value is not None), None)
    kinds = {bytes: pa.binary(), int: pa.int64()}
    if type(first) in kinds:
        try:
            return pa.array(values, kinds[type(first)]).cast(pa.string())
        except (pa.ArrowException, TypeError, OverflowError):
            pass
    return pa.array([text(value) for value in values], pa.string())


class SqliteReader:
    """A SQLite file."""

    kind = "sqlite"
    title = "SQLite"
    suffixes: tuple[str, ...] = (".sqlite", ".sqlite3", ".db", ".db3")
    options: Mapping[str, str] = {
        "path": "Database file, relative to the city folder.",
        "table": "Table or view.",
        "incremental": "Column that grows (a number or a time); each pull reads what is new since the last.",
    }

    def matches(self, target: str, head: bytes) -> int:
        return 90 if head.startswith(b"SQLite format 3\x00") else 0

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        wanted = str(spec.options.get("table", ""))
        with closing(_connect(spec)) as connection:
            tables = [table for table in _tables(connection, spec) if not wanted or table == wanted]
        if not tables:
            raise SourceMissing(
                f"There is no table {wanted!r}." if wanted else "The database has no tables.",
                place=Place(file=spec.path().name),
            )
        for table in tables:
            with closing(_connect(spec)) as connection:
                columns = _columns(connection, spec, table)
            inner = SourceSpec(self.kind, {"path": spec.options["path"], "table": table}, spec.base)
            pull = self.open(inner, (), context)
            names = pull.schema.names[1:]
            values, extra, met = sampled(pull.batches, names, rows)
            pull.close()
            options = {key: value for key, value in spec.options.items() if key in self.options}
            yield Sample(
                name=table,
                kind=self.kind,
                options={**options, "table": table},
                columns=tuple(SampleColumn(name, values[n], columns[name][0]) for n, name in enumerate(names)),
                table=table,
                total=met,
                keys=tuple(name for name in sorted(columns, key=lambda n: columns[n][1]) if columns[name][1]),
                extra=extra,
            )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        path = spec.path()
        log = path.with_name(path.name + "-wal")
        return digest((path, log) if log.is_file() else (path,), context)

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        connection = _connect(spec)
        try:
            table = self._table(connection, spec)
            have = _columns(connection, spec, table)
            step = str(spec.options.get("incremental", ""))
            for column in (*columns, *([step] if step else [])):
                if column not in have:
                    raise SourceMalformed(
                        f"There is no column {column!r} in table {table!r}.",
                        todo=f"It has {', '.join(have)}.",
                        place=Place(file=spec.path().name, column=column),
                    )
            wanted = columns or tuple(have)
            where, bound, state, incremental = _window(connection, spec, table, step, context)
            total = _run(connection, spec, f"SELECT count(*) FROM {quoted(table)}{where}", bound).fetchone()[0]
            # Blobs cannot be told from texts once decoded by ourselves; typeof says which they are.
            picked = ", ".join(
                f"CASE typeof({quoted(name)}) WHEN 'blob' THEN hex({quoted(name)}) ELSE {quoted(name)} END"
                for name in wanted
            )
            order = f" ORDER BY {quoted(step)}" if step else ""
            cursor = _run(connection, spec, f"SELECT {picked} FROM {quoted(table)}{where}{order}", bound)
        except BaseException:
            connection.close()
            raise
        schema = text_schema(wanted)
        pull = Pull(
            schema=schema,
            batches=iter(()),
            fingerprint=Fingerprint("", state=state),
            incremental=incremental,
            close=connection.close,
        )

        def batches() -> Iterator[pa.RecordBatch]:
            import pyarrow as pa

            with closing(connection):
                while found := _guarded(spec, lambda: cursor.fetchmany(ROWS)):
                    numbers = pa.array(range(pull.read + 1, pull.read + 1 + len(found)), pa.int64())
                    arrays = [_texts(values) for values in zip(*found, strict=True)]
                    pull.read += len(found)
                    yield pa.RecordBatch.from_arrays([numbers, *arrays], schema=schema)
                    context.progress(pull.read, total)

        pull.batches = batches()
        return pull

    def _table(self, connection: sqlite3.Connection, spec: SourceSpec) -> str:
        wanted = str(spec.options.get("table", ""))
        tables = _tables(connection, spec)
        if wanted in tables:
            return wanted
        if not wanted and len(tables) == 1:
            return tables[0]
        raise SourceMissing(
            f"There is no table {wanted!r}." if wanted else "The source's option 'table' is missing.",
            todo=f"The database has {', '.join(tables[:12]) or 'no tables'}.",
            place=Place(file=spec.path().name),
        )


def _connect(spec: SourceSpec) -> sqlite3.Connection:
    path = spec.path()
    with path.open("rb") as stream:
        if stream.read(16) != b"SQLite format 3\x00":
            raise SourceMalformed("This is not a SQLite file.", place=Place(file=path.name))

    def begin() -> sqlite3.Connection:
        found = sqlite3.connect(
            f"file:{pathname2url(str(path))}?mode=ro",
            uri=True,
            timeout=10,
            check_same_thread=False,
            isolation_level=None,
        )
        found.text_factory = bytes
        found.execute("PRAGMA trusted_schema = OFF")
        found.execute("BEGIN")
        return found

    connection: sqlite3.Connection = _guarded(spec, begin)
    return connection


def _guarded(spec: SourceSpec, step: Any) -> Any:
    """Run one step of SQLite; its errors become ours."""
    try:
        return step()
    except sqlite3.Error as error:
        place = Place(file=spec.path().name)
        if "locked" in str(error) or "busy" in str(error):
            raise SourceUnreachable(
                f"The database is being written: {error}.", todo="The next run tries again.", place=place
            ) from error
        raise SourceMalformed(
            f"SQLite cannot read the file: {error}.", todo="Ask its owner for a sound copy.", place=place
        ) from error


def _run(connection: sqlite3.Connection, spec: SourceSpec, query: str, bound: Sequence[Any] = ()) -> sqlite3.Cursor:
    cursor: sqlite3.Cursor = _guarded(spec, lambda: connection.execute(query, bound))
    return cursor


def _tables(connection: sqlite3.Connection, spec: SourceSpec) -> list[str]:
    rows = _run(
        connection,
        spec,
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND substr(name, 1, 7) <> 'sqlite_' ORDER BY rowid",
    ).fetchall()
    return [text(row[0]) or "" for row in rows]


def _columns(connection: sqlite3.Connection, spec: SourceSpec, table: str) -> dict[str, tuple[str, int]]:
    """Column -> (declared type, position in the key from 1, or 0)."""
    rows = _run(connection, spec, "SELECT name, type, pk FROM pragma_table_info(?)", [table]).fetchall()
    return {text(name) or "": ((text(kind) or "").upper(), int(key)) for name, kind, key in rows}


def _window(
    connection: sqlite3.Connection, spec: SourceSpec, table: str, step: str, context: Context
) -> tuple[str, list[Any], dict[str, Any], bool]:
    """WHERE clause of an incremental read: after the last high-water mark, up to the highest value now."""
    if not step:
        return "", [], {}, False
    column = quoted(step)
    low = context.state.get("high") if context.state.get("incremental") == step else None
    high = _run(connection, spec, f"SELECT max({column}) FROM {quoted(table)}").fetchone()[0]
    high = text(high) if isinstance(high, bytes) else high
    bounds = [(sign, value) for sign, value in ((">", low), ("<=", high)) if value is not None]
    where = " AND ".join(f"{column} {sign} ?" for sign, _ in bounds)
    state = {"incremental": step, "high": low if high is None else high}
    return (f" WHERE {where}" if where else ""), [value for _, value in bounds], state, low is not None
