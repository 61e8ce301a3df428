"""The process that runs questions in SQL: one fork for each, with nothing in reach but what that one may read.

Started as a script by :mod:`arengo.door.sql.sandbox`, it imports nothing of Arengo, opens an empty DuckDB and waits.
For each question it is handed a socket, forks, and the child limits itself (memory, processor, no file written),
is given the views and the Parquet files behind them, locks the engine, runs one statement, writes the rows as an
Arrow stream and ends. The child ends at once when the other end of its socket is closed, so stopping a question is
closing a socket, and nothing a question does to its process outlives it.

Frames on the socket: one letter, four bytes of length (big-endian), the body. In: ``Q`` a JSON question. Out:
``T`` a parse tree, ``H`` the columns, ``B`` a piece of the Arrow stream, ``Z`` the end, ``E`` an error (JSON but B).
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import struct
import sys
import threading
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.ipc

HEAD = struct.Struct(">cI")
BATCH = 8192
IDLE = 300.0
"""Seconds without a question after which the process ends."""
_QUIET = {
    "threads": "1",
    "memory_limit": "64MB",
    "temp_directory": "",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
}


def main() -> None:
    """Arguments: the number of the control socket, the path of the spatial extension."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.settimeout(IDLE)
    connection = _open(sys.argv[2])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control.sendall(b"+")
    while True:
        try:
            letter, numbers, _, _ = socket.recv_fds(control, 1, 1)
        except TimeoutError:
            return
        if not letter:
            return
        for number in numbers:
            if os.fork() == 0:
                control.close()
                try:
                    _child(connection, socket.socket(fileno=number))
                finally:
                    os._exit(0)
            os.close(number)


def _open(spatial: str) -> duckdb.DuckDBPyConnection:
    """An empty engine with all code loaded, so that a fork begins where it would have come to anyway."""
    import sqlglot

    sqlglot.transpile("SELECT 1", read="postgres", write="duckdb")
    connection = duckdb.connect(config=dict(_QUIET))
    if spatial:
        connection.execute("LOAD '" + spatial.replace("'", "''") + "'")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET enable_geoparquet_conversion = false")
    connection.execute("SELECT json_serialize_sql($1::VARCHAR)", ["SELECT 1"]).fetchone()
    connection.execute("SELECT $a::VARCHAR, 1::HUGEINT", {"a": "b"}).to_arrow_reader(10).read_all()
    return connection


def _child(connection: duckdb.DuckDBPyConnection, channel: socket.socket) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 30)
    question = json.loads(_read(channel))
    _limit(question)
    threading.Thread(target=_end_with, args=(channel,), daemon=True).start()
    try:
        if question["op"] == "parse":
            _send(channel, b"T", _parse(connection, question))
        else:
            _run(connection, question, channel)
    except BrokenPipeError:
        return
    except BaseException as error:  # whatever it is, the other side is told and this process ends
        with contextlib.suppress(OSError):
            _send(channel, b"E", _said(error))


def _limit(question: dict[str, Any]) -> None:
    """What the kernel holds, whatever the engine believes: memory, processor, files written, core dumps."""
    seconds = float(question["seconds"])
    signal.setitimer(signal.ITIMER_REAL, seconds + 5)
    processor = int(seconds * max(1, int(question["threads"]))) + 10
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with open("/proc/self/status", encoding="ascii") as status:
            held = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData:"))
        most = held + int(question["memory"])
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _end_with(channel: socket.socket) -> None:
    """End this process when the other side is gone or has had enough."""
    with contextlib.suppress(OSError):
        channel.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def _parse(connection: duckdb.DuckDBPyConnection, question: dict[str, Any]) -> dict[str, Any]:
    text = question["sql"]
    if question["dialect"] != "duckdb":
        import sqlglot

        given = [item for item in sqlglot.parse(text, read=question["dialect"]) if item is not None]
        if len(given) == 1:
            text = given[0].sql(dialect="duckdb", comments=False)
    row = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [text]).fetchone()
    return {"sql": text, "tree": row[0] if row else ""}


def _run(connection: duckdb.DuckDBPyConnection, question: dict[str, Any], channel: socket.socket) -> None:
    paths = ", ".join("'" + path.replace("'", "''") + "'" for path in question["paths"])
    connection.execute(f"SET memory_limit = '{int(question['memory']) * 3 // 4}B'")
    if int(question["threads"]) > 1:
        connection.execute(f"SET threads = {int(question['threads'])}")
    connection.execute(f"SET allowed_paths = [{paths}]")
    connection.execute("SET enable_external_access = false")
    try:
        for statement in question["views"]:
            connection.execute(statement)
    except duckdb.Error as error:
        raise OSError(f"The tables of the question cannot be opened: {error}") from error
    connection.execute("SET errors_as_json = true")
    connection.execute("SET lock_configuration = true")
    found = _execute(connection, question["sql"], question["params"])
    described = [(item[0], str(item[1])) for item in found.description or ()]
    if question["geometry"] != "wkb" and any(kind == "GEOMETRY" for _, kind in described):
        found = _execute(connection, _as_texts(connection, question, described), question["params"])
    batches = found.to_arrow_reader(BATCH)
    wanted = _schema(batches.schema, described)
    _send(channel, b"H", {"columns": [[field.name, kind] for field, (_, kind) in zip(wanted, described, strict=True)]})
    limit, most = int(question["limit"]), int(question["bytes"])
    sink = _Pieces(channel, most)
    rows, more = 0, False
    with pa.ipc.new_stream(sink, wanted) as out:
        for batch in batches:
            kept = min(batch.num_rows, limit - rows)
            if kept:
                out.write_batch(_plain(batch.slice(0, kept), wanted))
            rows += kept
            if kept < batch.num_rows:
                more = True
                break
    sink.send()
    _send(channel, b"Z", {"rows": rows, "truncated": more})


def _execute(connection: duckdb.DuckDBPyConnection, sql: str, params: Any) -> duckdb.DuckDBPyConnection:
    return connection.execute(sql, params) if params else connection.execute(sql)


def _as_texts(connection: duckdb.DuckDBPyConnection, question: dict[str, Any], described: list[tuple[str, str]]) -> str:
    """The question with its geometries as GeoJSON or WKT, around the statement as the engine itself writes it."""
    row = connection.execute(
        "SELECT json_deserialize_sql(json_serialize_sql($1::VARCHAR))", [question["sql"]]
    ).fetchone()
    function = {"geojson": "ST_AsGeoJSON", "wkt": "ST_AsText"}[question["geometry"]]
    inner = [f"_{number}" for number in range(len(described))]
    parts = []
    for column, (name, kind) in zip(inner, described, strict=True):
        quoted = '"' + name.replace('"', '""') + '"'
        parts.append(
            f"CAST({function}({column}) AS VARCHAR) AS {quoted}" if kind == "GEOMETRY" else f"{column} AS {quoted}"
        )
    return f"SELECT {', '.join(parts)} FROM ({row[0] if row else ''}) AS _q({', '.join(inner)})"


def _schema(schema: pa.Schema, described: list[tuple[str, str]]) -> pa.Schema:
    """The columns as they are sent: each name once, no dictionaries, no spans of time (as ISO 8601 text)."""
    taken: set[str] = set()
    fields = []
    for field, (_, kind) in zip(schema, described, strict=True):
        name, number = field.name, 2
        while name.lower() in taken:
            name, number = f"{field.name}_{number}", number + 1
        taken.add(name.lower())
        fields.append(pa.field(name, pa.string() if _as_text(field.type, kind) else field.type, True))
    return pa.schema(fields)


def _as_text(held: pa.DataType, kind: str) -> bool:
    return bool(pa.types.is_dictionary(held) or pa.types.is_interval(held)) or kind in ("BIT", "TIME WITH TIME ZONE")


def _plain(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    columns = []
    for column, field in zip(batch.columns, wanted, strict=True):
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        elif pa.types.is_interval(column.type):
            column = pa.array([None if v is None else _span(*v) for v in column.to_pylist()], pa.string())
        elif column.type != field.type:
            column = pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def _span(months: int, days: int, nanoseconds: int) -> str:
    """An ISO 8601 duration."""
    date = "".join(f"{value}{mark}" for value, mark in ((months, "M"), (days, "D")) if value)
    time = f"T{nanoseconds / 1e9:g}S" if nanoseconds else ""
    return f"P{date}{time}" if date or time else "PT0S"


class _Pieces:
    """A file for the Arrow stream that sends frames."""

    closed = False

    def __init__(self, channel: socket.socket, most: int) -> None:
        self._channel = channel
        self._most = most
        self._sent = 0
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._held.append(piece)
        self._size += len(piece)
        self._sent += len(piece)
        if self._sent > self._most:
            raise ValueError(f"large {self._most}")
        if self._size >= 1 << 18:
            self.send()
        return len(piece)

    def send(self) -> None:
        if self._held:
            _write(self._channel, b"B", b"".join(self._held))
        self._held, self._size = [], 0

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def _said(error: BaseException) -> dict[str, Any]:
    """An error as plain values; the other side decides which of its words a caller may read."""
    out: dict[str, Any] = {"kind": type(error).__name__, "message": str(error)[:20_000]}
    if hasattr(error, "errors") and isinstance(error.errors, list) and error.errors:  # sqlglot
        first = error.errors[0]
        out["parse"] = {name: first.get(name) for name in ("description", "line", "col", "highlight")}
    return out


def _read(channel: socket.socket) -> bytes:
    head = _exactly(channel, HEAD.size)
    _, size = HEAD.unpack(head)
    return _exactly(channel, size)


def _exactly(channel: socket.socket, size: int) -> bytes:
    out = bytearray()
    while len(out) < size:
        piece = channel.recv(min(1 << 16, size - len(out)))
        if not piece:
            os._exit(0)
        out += piece
    return bytes(out)


def _send(channel: socket.socket, letter: bytes, body: Any) -> None:
    _write(channel, letter, json.dumps(body).encode())


def _write(channel: socket.socket, letter: bytes, body: bytes) -> None:
    channel.sendall(HEAD.pack(letter, len(body)))
    channel.sendall(body)


if __name__ == "__main__":
    main()
