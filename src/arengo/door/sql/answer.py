"""The answer to a question in SQL: judged at once, run when its rows are wanted."""

from __future__ import annotations

import io
import threading
import time
import uuid
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from hashlib import blake2b
from typing import IO, TYPE_CHECKING, Any

import orjson

from arengo.contract.model import Kind
from arengo.door.sql import tables
from arengo.door.sql.grammar import Question
from arengo.door.sql.sandbox import WAIT, bytes_of
from arengo.door.sql.tables import Read
from arengo.errors import BadSql, Stopped
from arengo.query.scope import nearest

if TYPE_CHECKING:
    import pyarrow as pa

    from arengo.door.sql.sandbox import Run, Sandbox
    from arengo.lake import Lake


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """``type``: the engine's word, such as ``DECIMAL(10,2)``."""

    name: str
    kind: Kind
    type: str


class SqlAnswer:
    """Rows of one question.

    ``id``: to stop it by. ``reads``: the tables with their versions. ``etag``: strong, '' when the question asks for
    the time; a face adds its form with :meth:`tag`. Nothing runs before :attr:`columns`, :meth:`rows`,
    :meth:`batches`, :attr:`truncated` or :attr:`returned`; running raises BadSql, TooExpensive, Stopped.
    """

    def __init__(
        self,
        question: Question,
        reads: tuple[Read, ...],
        params: Sequence[Any] | Mapping[str, Any],
        lake: Lake,
        sandbox: Sandbox,
        *,
        limit: int,
        seconds: float,
        max_bytes: int,
        memory: str = "",
        id: str = "",
    ) -> None:
        self.id = id or uuid.uuid4().hex
        self.question = question
        self.reads = reads
        self.limit = limit
        self.params = _bound(question, params)
        self._lake = lake
        self._sandbox = sandbox
        self._seconds = seconds
        self._bytes = max_bytes
        self._memory = bytes_of(memory or sandbox.settings.sql.memory)
        self._digest = blake2b(digest_size=16)
        for read in reads:
            self._digest.update(f"{read.name}\0{read.view.identity}\0".encode())
        self._digest.update(question.canonical)
        self._digest.update(orjson.dumps(self.params, option=orjson.OPT_SORT_KEYS))
        self._digest.update(f"\0{limit}\0{sandbox.settings.sql.threads}".encode())
        self._guard = threading.Lock()
        self._run: Run | None = None
        self._halt = threading.Event()
        self._said: dict[str, Any] = {}
        self._form = ""
        self._held: IO[bytes] | None = None
        self._columns: tuple[SqlColumn, ...] = ()
        self.took = 0.0

    @property
    def sql(self) -> str:
        """The question in DuckDB's words."""
        return self.question.sql

    @property
    def etag(self) -> str:
        return self.tag("")

    def tag(self, form: str) -> str:
        """The strong ETag of this answer in one form (weak when its rows may come in another order)."""
        if self.question.of_the_moment:
            return ""
        digest = self._digest.copy()
        digest.update(form.encode())
        weak = "W/" if self._sandbox.settings.sql.threads > 1 else ""
        return f'{weak}"{digest.hexdigest()}"'

    @property
    def key(self) -> bytes:
        """A key for finished bodies, empty when none may be kept."""
        return b"" if self.question.of_the_moment else b"sql" + self._digest.digest()

    @property
    def modified(self) -> datetime | None:
        """When the newest of the versions read came to be."""
        return max((read.view.modified for read in self.reads), default=None)

    @property
    def columns(self) -> tuple[SqlColumn, ...]:
        self._want(self._form or "wkb")
        return self._columns

    @property
    def truncated(self) -> bool:
        """Whether there were more rows than ``limit``."""
        self._want(self._form or "wkb")
        return bool(self._said["truncated"])

    @property
    def returned(self) -> int:
        self._want(self._form or "wkb")
        return int(self._said["rows"])

    def batches(self, geometry: str = "wkb") -> Iterator[pa.RecordBatch]:
        """The rows as Arrow batches. ``geometry``: ``wkb`` (binary), ``geojson`` or ``wkt`` (text)."""
        import pyarrow as pa

        with pa.ipc.open_stream(_Reader(self._want(geometry), self._guard)) as found:
            yield from found

    def schema(self, geometry: str = "wkb") -> pa.Schema:
        import pyarrow as pa

        with pa.ipc.open_stream(_Reader(self._want(geometry), self._guard)) as found:
            return found.schema

    def pieces(self, geometry: str = "wkb", rows: int = 2000) -> Iterator[list[tuple[Any, ...]]]:
        """The rows as :meth:`rows` gives them, some at a time."""
        for batch in self.batches(geometry):
            for start in range(0, batch.num_rows, rows):
                yield list(zip(*(_values(column) for column in batch.slice(start, rows).columns), strict=True))

    def rows(self, geometry: str = "wkb") -> list[tuple[Any, ...]]:
        """All rows. Timestamps are UTC without zone, whole decimals int, others float."""
        return [row for part in self.pieces(geometry) for row in part]

    def stop(self) -> None:
        """Stop it; whoever waits for its rows gets Stopped. Safe from any thread, and when it is done already."""
        self._halt.set()
        run = self._run
        if run is not None:
            run.stop()

    def close(self) -> None:
        """Let go of the rows."""
        self.stop()
        if self._held is not None:
            self._held.close()
            self._held = None

    def _want(self, form: str) -> IO[bytes]:
        with self._guard:
            if self._held is None or (form != self._form and self._has_geometry()):
                self._answer(form)
            assert self._held is not None
            return self._held

    def _go_on(self) -> None:
        if self._halt.is_set():
            raise Stopped("The question was stopped before its answer.", todo="Ask again when you want it.")

    def _has_geometry(self) -> bool:
        return any(item.kind is Kind.GEOMETRY for item in self._columns)

    def _answer(self, form: str) -> None:
        import pyarrow as pa

        question = {
            "sql": self.question.sql,
            "params": self.params,
            "views": [tables.statement(self._lake, read) for read in self.reads],
            "paths": sorted(
                {str(path) for read in self.reads for path in self._lake.files(tables.held(self._lake, read.view))}
            ),
            "limit": self.limit,
            "bytes": self._bytes,
            "memory": self._memory,
            "seconds": self._seconds,
            "geometry": form,
        }
        known = sorted({column.name for read in self.reads for column in read.view.columns})
        with self._sandbox.turns.turn(WAIT):
            self._go_on()
            started = time.monotonic()
            self._run = self._sandbox.begin(self._seconds)
            try:
                self._go_on()
                said, held = self._sandbox.run(self._run, question, self.question.sql, known)
            finally:
                self._run.close()
                self._run = None
            self.took = time.monotonic() - started
        if self._held is not None:
            self._held.close()
        weakref.finalize(self, held.close)
        self._said, self._held, self._form = said, held, form
        with pa.ipc.open_stream(_Reader(held, threading.Lock())) as found:
            kinds = [field.type for field in found.schema]
        self._columns = tuple(
            SqlColumn(name, _kind(kind, word), word) for (name, word), kind in zip(said["columns"], kinds, strict=True)
        )


class _Reader(io.RawIOBase):
    """One reading of a file that several may read at the same time."""

    def __init__(self, held: IO[bytes], guard: threading.Lock) -> None:
        super().__init__()
        self._file = held
        self._guard = guard
        self._place = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        with self._guard:
            self._file.seek(self._place)
            data = self._file.read(-1 if size is None else size)
        self._place += len(data)
        return data


def _kind(held: pa.DataType, word: str) -> Kind:
    import pyarrow.types as types

    if word == "GEOMETRY":
        return Kind.GEOMETRY
    if word == "JSON" or types.is_nested(held):
        return Kind.JSON
    if types.is_integer(held) or (types.is_decimal(held) and held.scale == 0):
        return Kind.INTEGER
    if types.is_floating(held) or types.is_decimal(held):
        return Kind.NUMBER
    if types.is_boolean(held):
        return Kind.BOOLEAN
    if types.is_date(held):
        return Kind.DATE
    if types.is_time(held):
        return Kind.TIME
    return Kind.TIMESTAMP if types.is_timestamp(held) else Kind.STRING


def _values(column: pa.Array) -> list[Any]:
    """A column as Python's values; what Arrow gives as it should be is not looked at one by one."""
    import pyarrow.types as types

    held, found = column.type, column.to_pylist()
    if types.is_nested(held) or types.is_decimal(held) or (types.is_timestamp(held) and held.tz):
        return [_plain(value) for value in found]
    return list(found)


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, (str, bool, int, float, date, clock)) and not isinstance(value, datetime)):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, list):
        if value and isinstance(value[0], tuple):  # a MAP
            return {str(key): _plain(item) for key, item in value}
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _bound(question: Question, params: Sequence[Any] | Mapping[str, Any]) -> Any:
    """The values for the question's parameters as plain JSON values. Raises BadSql when one is missing or too many."""
    wanted = question.parameters
    numbered = all(name.isdigit() for name in wanted)
    if not isinstance(params, Mapping):
        params = {str(number): value for number, value in enumerate(params, 1)}
    for name in params:
        if str(name) not in wanted:
            known = nearest(str(name), wanted) if wanted else "Write $name in the question where the value belongs."
            raise BadSql(f"The question has no parameter {name!r}.", todo=known)
    missing = [name for name in wanted if name not in params]
    if missing:
        raise BadSql(f"A value for ${missing[0]} is missing.", todo=f"Add p.{missing[0]}= to the address.")
    values = {str(name): _scalar(str(name), value) for name, value in params.items()}
    return [values[name] for name in wanted] if numbered else values


def _scalar(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (bool, float, str)) or (isinstance(value, int) and abs(value) < 1 << 63):
        return value
    if isinstance(value, (date, datetime, clock)):
        return value.isoformat()
    raise BadSql(f"The value of ${name} is no text, number, date or truth value.", todo="Give one value for each name.")
