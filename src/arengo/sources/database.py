"""Tables of PostgreSQL and MySQL through DuckDB's scanner extensions, attached read-only.

The extensions are the signed files of the ``duckdb_extension_*`` packages, loaded by path; nothing is installed at
run time. A password comes from the environment variable that ``password_env`` names and appears in no message.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import (
    ContractError,
    MissingExtra,
    Place,
    SourceMalformed,
    SourceMissing,
    SourceUnreachable,
)
from arengo.sources.base import ROW, Context, Fingerprint, Pull
from arengo.sources.batches import ROWS, numbered, plain_type, texts

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """LOAD a DuckDB extension from its package. Raises MissingExtra when the package is not installed."""
    package = f"duckdb_extension_{name}"
    spec = find_spec(package)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    found = sorted(folder.glob(f"extensions/*/{name}.duckdb_extension")) if folder else []
    if not found:
        raise MissingExtra(
            f"The DuckDB extension {name} is not installed.",
            todo=f"Run: pip install {package.replace('_', '-')}",
        )
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute(f"LOAD {literal(str(found[-1]))}")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A SQL text literal. ATTACH and LOAD take no bound values; everything else here binds."""
    if "\x00" in text:
        raise ContractError("A connection setting holds a NUL character.")
    return "'" + text.replace("'", "''") + "'"


class DatabaseReader:
    """What the three database kinds share."""

    kind = ""
    title = ""
    suffixes: tuple[str, ...] = ()
    extension = ""
    options: Mapping[str, str] = {}

    def matches(self, target: str, head: bytes) -> int:
        return 0

    # -- what differs --

    def attach(self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, context: Context) -> tuple[str, ...]:
        """Attach the source as ``src``; returns texts that no message may repeat."""
        raise NotImplementedError

    def tables(self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec) -> list[tuple[str, str]]:
        """(schema, table) pairs, system tables left out."""
        rows = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'src' "
            "UNION SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'src' AND NOT internal "
            "ORDER BY 1, 2"
        ).fetchall()
        hidden = ("information_schema", "pg_catalog", "mysql", "performance_schema", "sys")
        return [(schema, table) for schema, table in rows if schema not in hidden and not table.startswith("sqlite_")]

    def keys(self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, schema: str, table: str) -> tuple[str, ...]:
        return ()

    def types(self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, schema: str, table: str) -> dict[str, str]:
        """Column -> declared type, in order."""
        rows = connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = 'src' AND schema_name = ? AND table_name = ? ORDER BY column_index",
            [schema, table],
        ).fetchall()
        if not rows:  # views of an attached database are described by asking them
            rows = connection.execute(f"DESCRIBE SELECT * FROM {_name(schema, table)}").fetchall()
        return {row[0]: str(row[1]) for row in rows}

    def comments(
        self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, schema: str, table: str
    ) -> dict[str, str]:
        """Column -> the database's own comment."""
        return {}

    # -- the reader --

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        with self._session(spec, context) as session:
            connection = session.connection
            wanted = str(spec.options.get("table", ""))
            for schema, table in session.run(lambda: self.tables(connection, spec)):
                if wanted and wanted not in (table, f"{schema}.{table}"):
                    continue
                types = session.run(lambda s=schema, t=table: self.types(connection, spec, s, t))
                comments = session.run(lambda s=schema, t=table: self.comments(connection, spec, s, t))
                name = _name(schema, table)
                columns = list(types)
                arrow = session.run(
                    lambda n=name: connection.execute(f"SELECT * FROM {n} LIMIT ?", [rows]).to_arrow_table()
                )
                total = session.run(lambda n=name: connection.execute(f"SELECT count(*) FROM {n}").fetchone())[0]
                options = {
                    key: _masked(value) if key == "dsn" else value
                    for key, value in spec.options.items()
                    if key in self.options or key == "path"
                }
                options["table"] = table if schema in _HOME else f"{schema}.{table}"
                yield Sample(
                    name=table,
                    kind=self.kind,
                    options=options,
                    columns=tuple(
                        SampleColumn(column, texts(_one(arrow.column(column))), types[column], comments.get(column, ""))
                        for column in columns
                        if column in arrow.column_names
                    ),
                    table=table,
                    total=int(total),
                    keys=session.run(lambda s=schema, t=table: self.keys(connection, spec, s, t)),
                )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        return Fingerprint("")

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        import pyarrow as pa

        session = self._session(spec, context)
        try:
            schema_name, table = self._table(session, spec)
            connection = session.connection
            types = session.run(lambda: self.types(connection, spec, schema_name, table))
            step = str(spec.options.get("incremental", ""))
            for column in (*columns, *([step] if step else [])):
                if column not in types:
                    raise SourceMalformed(
                        f"There is no column {column!r} in table {table!r}.",
                        todo=f"It has {', '.join(types)}.",
                        place=Place(file=table, column=column),
                    )
            wanted = columns or tuple(types)
            where, values, state, incremental = self._window(session, schema_name, table, step, types, context)
            picked = ", ".join(quoted(column) for column in wanted)
            name = _name(schema_name, table)
            order = f" ORDER BY {quoted(step)}" if step else ""
            query = f"SELECT {picked} FROM {name}{where}{order}"
            total = session.run(lambda: connection.execute(f"SELECT count(*) FROM {name}{where}", values).fetchone())
            reader = session.run(lambda: connection.execute(query, values).to_arrow_reader(ROWS))
        except BaseException:
            session.close()
            raise
        have = reader.schema
        fields = [pa.field(column, plain_type(have.field(column).type)) for column in wanted]
        schema = pa.schema([pa.field(ROW, pa.int64()), *fields])
        value = f"{step}<={state['high']}" if step else ""
        pull = Pull(
            schema=schema,
            batches=iter(()),
            fingerprint=Fingerprint(value, state=state),
            incremental=incremental,
            close=session.close,
        )

        def batches() -> Iterator[pa.RecordBatch]:
            with session:
                while (batch := session.run(lambda: next(reader, None), table)) is not None:
                    if batch.num_rows == 0:
                        continue
                    yield numbered(batch, schema, pull.read + 1)
                    pull.read += batch.num_rows
                    context.progress(pull.read, int(total[0]))

        pull.batches = batches()
        return pull

    def _window(
        self,
        session: Session,
        schema: str,
        table: str,
        step: str,
        types: Mapping[str, str],
        context: Context,
    ) -> tuple[str, list[Any], dict[str, Any], bool]:
        """WHERE clause of an incremental read: after the last high-water mark, up to the highest value now."""
        if not step:
            return "", [], {}, False
        column = quoted(step)
        low = context.state.get("high") if context.state.get("incremental") == step else None
        high = session.run(
            lambda: session.connection.execute(
                f"SELECT CAST(max({column}) AS VARCHAR) FROM {_name(schema, table)}"
            ).fetchone()
        )[0]
        state = {"incremental": step, "high": low if high is None else high}
        parts, values = [], []
        kind = session.run(
            lambda: session.connection.execute(
                f"SELECT typeof({column}) FROM {_name(schema, table)} WHERE {column} IS NOT NULL LIMIT 1"
            ).fetchone()
        )
        cast = kind[0] if kind else "VARCHAR"
        if low is not None:
            parts.append(f"{column} > CAST(? AS {cast})")
            values.append(low)
        if high is not None:
            parts.append(f"{column} <= CAST(? AS {cast})")
            values.append(high)
        return (f" WHERE {' AND '.join(parts)}" if parts else ""), values, state, low is not None

    def _table(self, session: Session, spec: SourceSpec) -> tuple[str, str]:
        wanted = str(spec.options.get("table", ""))
        tables: list[tuple[str, str]] = session.run(lambda: self.tables(session.connection, spec))
        if not wanted and len(tables) == 1:
            return tables[0]
        fitting = [pair for pair in tables if wanted in (pair[1], f"{pair[0]}.{pair[1]}")]
        best = [pair for pair in fitting if pair[0] in _HOME] or fitting
        if not best:
            raise SourceMissing(
                f"There is no table {wanted!r}." if wanted else "The source's option 'table' is missing.",
                todo=f"The database has {', '.join(table for _, table in tables[:12]) or 'no tables'}.",
            )
        return best[0]

    def _session(self, spec: SourceSpec, context: Context) -> Session:
        session = Session(self.title)
        try:
            session.run(lambda: load_extension(session.connection, self.extension))
            session.secrets = self.attach(session.connection, spec, context)
        except BaseException:
            session.close()
            raise
        return session


class Session:
    """One DuckDB connection with the source attached; its errors say nothing secret."""

    def __init__(self, title: str) -> None:
        import duckdb

        self.title = title
        self.secrets: tuple[str, ...] = ()
        self.connection = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "256MB"})

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    def run(self, step: Any, table: str = "") -> Any:
        try:
            return step()
        except Exception as error:
            translate(error, self.title, self.secrets, table)
            raise


def translate(error: BaseException, title: str, secrets: tuple[str, ...], table: str = "") -> None:
    """Raise our error in the place of DuckDB's, with every secret masked; other errors pass."""
    import duckdb

    if not isinstance(error, duckdb.Error):
        return
    words = str(error).split("\n")[0]
    for secret in secrets:
        words = words.replace(secret, "***")
    words = re.sub(r"(password|passwd)\s*=\s*(\"[^\"]*\"|'[^']*'|\S+)", r"\1=***", words, flags=re.IGNORECASE)
    words = re.sub(r"://([^:/@\s]+):[^@\s]*@", r"://\1:***@", words)
    if re.search(r"connect|refused|timeout|timed out|server closed|gone away|network", words, re.IGNORECASE):
        raise SourceUnreachable(
            f"{title} does not answer: {words}.",
            todo="Check host, port, user and that the server is up; the next run tries again.",
        ) from None
    raise SourceMalformed(f"{title} cannot be read: {words}.", place=Place(file=table) if table else None) from None


class ServerReader(DatabaseReader):
    """A database server, reached through the guard."""

    port = 0
    options: Mapping[str, str] = {
        "dsn": "Address without a password: postgresql://user@host:port/database.",
        "host": "Host, instead of dsn.",
        "port": "Port.",
        "database": "Name of the database.",
        "user": "User.",
        "password_env": "Name of the environment variable that holds the password.",
        "table": "Table or view, with its schema when it is not the usual one.",
        "incremental": "Column that grows (a number or a time); each pull reads what is new since the last.",
    }

    def parts(self, spec: SourceSpec) -> dict[str, str]:
        """Host, port, database, user and password. Raises ContractError for what cannot be."""
        told = spec.options
        out = {"host": "", "port": str(self.port), "database": "", "user": "", "password": ""}
        if told.get("dsn"):
            try:
                url = urlsplit(str(told["dsn"]))
                port = url.port
            except ValueError as error:
                raise ContractError(f"The source's dsn cannot be read: {error}.") from None
            query = dict(parse_qsl(url.query))
            out |= {
                "host": query.get("host", "") or unquote(url.hostname or ""),
                "port": str(port or query.get("port", "") or self.port),
                "database": unquote(url.path.lstrip("/")),
                "user": unquote(url.username or ""),
                "password": unquote(url.password or ""),
            }
        out |= {key: str(told[key]) for key in ("host", "port", "database", "user") if told.get(key)}
        name = str(told.get("password_env", ""))
        if name:
            if name not in os.environ:
                raise SourceMissing(
                    f"The environment variable {name} is not set.", todo="Set it where Arengo is started."
                )
            out["password"] = os.environ[name]
        if not out["host"]:
            raise ContractError("The source names no host.", todo="Write dsn or host in arengoSource.")
        return out

    def address(self, parts: Mapping[str, str], context: Context) -> str:
        """The vetted network address of the host, or the folder of a local socket."""
        from arengo.sources.guard import Guard

        return Guard(context.settings).address(parts["host"], int(parts["port"]))

    def attached(
        self, connection: duckdb.DuckDBPyConnection, settings: Mapping[str, str], quote: Callable[[str], str]
    ) -> tuple[str, ...]:
        """ATTACH with a connection string; returns the spellings of the password that no message may repeat."""
        text = " ".join(f"{key}={quote(value)}" for key, value in settings.items() if value)
        password = settings.get("password") or settings.get("passwd") or ""
        secrets = tuple(dict.fromkeys((quote(password), literal(password)[1:-1], password))) if password else ()
        kind = self.extension.removesuffix("_scanner")
        try:
            connection.execute(f"ATTACH {literal(text)} AS src (TYPE {kind}, READ_ONLY)")
        except Exception as error:
            translate(error, self.title, secrets)
            raise
        return secrets


class PostgresReader(ServerReader):
    """PostgreSQL."""

    kind = "postgresql"
    title = "PostgreSQL"
    extension = "postgres_scanner"
    port = 5432

    def attach(self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, context: Context) -> tuple[str, ...]:
        told = self.parts(spec)
        address = self.address(told, context)
        settings = {
            "host": told["host"],
            "port": told["port"],
            "dbname": told["database"],
            "user": told["user"],
            "password": told["password"],
            "connect_timeout": str(max(2, round(context.settings.timeout))),
            "application_name": "arengo",
        }
        if not address.startswith("/"):
            settings["hostaddr"] = address  # the vetted address; the name stays for the certificate
        return self.attached(connection, settings, _single)

    def keys(self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, schema: str, table: str) -> tuple[str, ...]:
        inner = (
            "SELECT n.nspname s, c.relname t, a.attname c, array_position(i.indkey::int2[], a.attnum) p "
            "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) WHERE i.indisprimary"
        )
        rows = connection.execute(
            "SELECT c FROM postgres_query('src', ?) WHERE s = ? AND t = ? ORDER BY p", [inner, schema, table]
        ).fetchall()
        return tuple(str(row[0]) for row in rows)

    def comments(
        self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, schema: str, table: str
    ) -> dict[str, str]:
        inner = (
            "SELECT n.nspname s, c.relname t, a.attname c, d.description w FROM pg_description d "
            "JOIN pg_class c ON c.oid = d.objoid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid WHERE d.objsubid > 0"
        )
        rows = connection.execute(
            "SELECT c, w FROM postgres_query('src', ?) WHERE s = ? AND t = ?", [inner, schema, table]
        ).fetchall()
        return {str(row[0]): str(row[1]) for row in rows}


class MysqlReader(ServerReader):
    """MySQL and MariaDB."""

    kind = "mysql"
    title = "MySQL"
    extension = "mysql_scanner"
    port = 3306

    def attach(self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, context: Context) -> tuple[str, ...]:
        told = self.parts(spec)
        address = self.address(told, context)
        settings = {
            "host": "localhost" if address.startswith("/") else address,
            "socket": address if address.startswith("/") else "",
            "port": "0" if address.startswith("/") else told["port"],
            "database": told["database"],
            "user": told["user"],
            "passwd": told["password"],
        }
        return self.attached(connection, settings, _double)

    def tables(self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec) -> list[tuple[str, str]]:
        database = self.parts(spec)["database"]
        return [pair for pair in super().tables(connection, spec) if not database or pair[0] == database]

    def _catalogue(
        self, connection: duckdb.DuckDBPyConnection, query: str, schema: str, table: str
    ) -> list[tuple[Any, ...]]:
        return connection.execute(
            "SELECT * FROM mysql_query('src', ?) WHERE s = ? AND t = ? ORDER BY p", [query, schema, table]
        ).fetchall()

    def keys(self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, schema: str, table: str) -> tuple[str, ...]:
        rows = self._catalogue(
            connection,
            "SELECT TABLE_SCHEMA s, TABLE_NAME t, COLUMN_NAME c, ORDINAL_POSITION p "
            "FROM information_schema.KEY_COLUMN_USAGE WHERE CONSTRAINT_NAME = 'PRIMARY'",
            schema,
            table,
        )
        return tuple(str(row[2]) for row in rows)

    def comments(
        self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, schema: str, table: str
    ) -> dict[str, str]:
        rows = self._catalogue(
            connection,
            "SELECT TABLE_SCHEMA s, TABLE_NAME t, COLUMN_NAME c, ORDINAL_POSITION p, COLUMN_COMMENT w "
            "FROM information_schema.COLUMNS WHERE COLUMN_COMMENT <> ''",
            schema,
            table,
        )
        return {str(row[2]): str(row[4]) for row in rows}


_HOME = ("main", "public")


def _name(schema: str, table: str) -> str:
    return f"src.{quoted(schema)}.{quoted(table)}"


def _one(column: Any) -> Any:
    import pyarrow as pa

    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)


def _single(value: str) -> str:
    """A value of a libpq connection string (PostgreSQL documentation, section 34.1.1.1)."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _double(value: str) -> str:
    """A value of a connection string of DuckDB's MySQL scanner."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _masked(dsn: Any) -> str:
    """The address without its password."""
    return re.sub(r"://([^:/@\s]*):[^@\s]*@", r"://\1@", str(dsn))
