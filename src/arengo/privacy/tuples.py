"""The distinct combinations of some columns with how often each occurs: what all measures and searches run on.

One group-by of the engine, so the table itself may be larger than memory; what follows costs what the number of
*distinct* combinations costs, not the number of rows (reference: decision 0200). Where even these are too many, they
stay in the engine, which spills them to disk (reference: decision 0212).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from arengo.lake.layout import quote

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

MANY = 200_000
"""Rows from which combinations are packed into numbers."""
MEMORY = 6_000_000
"""Combinations that are held in memory; more stay in the engine."""
LISTED = 100_000
"""Values of a column that are held as Python's own; more stay as they came from the engine."""
WIDEST = 1 << 20
"""Distance of the smallest from the largest number (or day) of a column whose values are counted from the smallest."""
WORD = 1 << 62
_WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DATE"})
_numbers = count()


class Values(Sequence[Any]):
    """Many values of a column, as the engine gave them: a twentieth of the memory of a tuple of Python's own."""

    __slots__ = ("array",)

    def __init__(self, array: pa.Array) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        return Values(self.array[at]) if isinstance(at, slice) else self.array[int(at)].as_py()

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self.array), LISTED):
            yield from self.array.slice(start, LISTED).to_pylist()


@dataclass(frozen=True, slots=True)
class Tuples:
    """``codes``: shape (columns, n) int32, index into ``values`` of that column; ``counts``: shape (n,) int64, rows
    with that combination. ``values[c]``: the column's distinct values, NULL as None among them.
    """

    columns: tuple[str, ...]
    values: tuple[Sequence[Any], ...]
    codes: NDArray[np.int32]
    counts: NDArray[np.int64]

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    def __len__(self) -> int:
        return len(self.counts)


@dataclass(frozen=True, slots=True)
class Stored:
    """The same in the engine: ``table`` (SQL name) has a whole number ``c0``, ``c1``, ... for each column, in the order
    of its values, and ``n``, the rows. ``places[c]``: number of the engine -> index into ``values[c]``.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    columns: tuple[str, ...]
    values: tuple[Sequence[Any], ...]
    places: tuple[NDArray[np.int32], ...]
    rows: int
    length: int

    def __len__(self) -> int:
        return self.length

    def fetched(self, where: str = "") -> Tuples:
        """Some of the combinations, in memory."""
        names = ", ".join(f"c{at}" for at in range(len(self.columns)))
        found = self.connection.execute(f"SELECT {names}, n FROM {self.table} {where}").fetchnumpy()
        codes = np.empty((len(self.columns), len(found["n"])), np.int32)
        for at, places in enumerate(self.places):
            codes[at] = places[found.pop(f"c{at}")]
        return Tuples(self.columns, self.values, codes, found["n"].astype(np.int64))


def tuples(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], where: str = "") -> Tuples:
    """The distinct combinations of ``columns`` in ``table`` (SQL: a quoted name or a subquery in parentheses).

    NULL is a value of its own: withheld and unknown make a group like any other.
    """
    found = combinations(connection, table, columns, where, most=0)
    assert isinstance(found, Tuples)
    return found


def combinations(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], where: str = "", *, most: int = -1
) -> Tuples | Stored:
    """The same; :class:`Stored` when there are more than ``most`` (0: never; by default :data:`MEMORY`)."""
    if not columns:
        (rows,) = connection.execute(f"SELECT count(*) FROM {table} {where}").fetchone() or (0,)
        return Tuples((), (), np.zeros((0, 1), np.int32), np.array([rows], np.int64))
    listed = ", ".join(quote(name) for name in columns)
    source = f"(SELECT {listed} FROM {table} {where})"
    kinds = [row[1] for row in connection.execute(f"DESCRIBE SELECT {listed} FROM {source}").fetchall()]
    whole = [at for at, kind in enumerate(kinds) if kind in _WHOLE]
    asked = "".join(f", min({quote(columns[at])}), max({quote(columns[at])})" for at in whole)
    rows, *bounds = connection.execute(f"SELECT count(*){asked} FROM {source}").fetchone() or (0,)
    if rows < MANY:
        return _plain(connection, source, columns)
    told = {at: (bounds[2 * place], bounds[2 * place + 1]) for place, at in enumerate(whole)}
    return _packed(connection, source, columns, told, int(rows), MEMORY if most < 0 else most)


def _plain(connection: duckdb.DuckDBPyConnection, source: str, columns: Sequence[str]) -> Tuples:
    listed = ", ".join(quote(name) for name in columns)
    found = connection.execute(f"SELECT {listed}, count(*) AS _count FROM {source} GROUP BY {listed}").to_arrow_table()
    return counted(columns, found)


def counted(columns: Sequence[str], found: pa.Table) -> Tuples:
    """Combinations that an engine has counted: ``found`` has ``columns`` and, last, how often each occurs."""
    values: list[tuple[Any, ...]] = []
    codes = np.empty((len(columns), found.num_rows), np.int32)
    for at in range(len(columns)):
        held = found.column(at).combine_chunks().dictionary_encode(null_encoding="encode")
        values.append(tuple(held.dictionary.to_pylist()))
        codes[at] = held.indices.to_numpy(zero_copy_only=False)
    return Tuples(tuple(columns), tuple(values), codes, found.column(len(columns)).to_numpy().astype(np.int64))


# Packed into numbers: the engine groups one number faster than several texts, in half the memory


@dataclass(frozen=True, slots=True)
class _Coded:
    """A column as a whole number from 0, in the order of its values, NULL first. ``sql`` of it; ``join``: what it takes
    to have it; ``width``: how many there may be. ``values``: of each number, None where they count from ``least``."""

    sql: str
    width: int
    join: str = ""
    values: Sequence[Any] | None = None
    least: Any = None

    def held(self, there: NDArray[np.int64]) -> tuple[Sequence[Any], NDArray[np.int32]]:
        """Values, and index into them of each number. ``there``: the numbers that occur, sorted."""
        if self.values is not None:
            return self.values, np.arange(self.width, dtype=np.int32)
        places = np.full(self.width, -1, np.int32)
        places[there] = np.arange(len(there), dtype=np.int32)
        known = there[there > 0] - 1
        told = (known + self.least).tolist() if isinstance(self.least, int) else _days(self.least, known)
        return (None, *told) if len(there) > len(known) else tuple(told), places


def _days(least: Any, after: NDArray[np.int64]) -> list[Any]:
    days: list[Any] = (np.datetime64(least, "D") + after).tolist() if len(after) else []
    return days


def _packed(
    connection: duckdb.DuckDBPyConnection, source: str, columns: Sequence[str], bounds: dict[int, tuple[Any, Any]],
    rows: int, most: int,
) -> Tuples | Stored:  # fmt: skip
    made: list[str] = []
    try:
        held = [_coded(connection, source, name, bounds.get(at), made) for at, name in enumerate(columns)]
        words = _words([item.width for item in held])
        keys = [" + ".join(f"CAST({held[at].sql} AS BIGINT) * {size}" for at, size in word) for word in words]
        listed = ", ".join(f"{key} AS k{number}" for number, key in enumerate(keys))
        by = ", ".join(f"k{number}" for number in range(len(keys)))
        joins = " ".join(item.join for item in held if item.join)
        grouped = f"SELECT {listed}, count(*) AS n FROM {source} AS t {joins} GROUP BY {by}"
        if most and rows > most:
            stored = _stored(connection, grouped, columns, held, words, rows)
            if len(stored) > most:
                return stored
            found = stored.fetched()
            connection.execute(f"DROP TABLE {stored.table}")
            return found
        return _fetched(connection, grouped, columns, held, words)
    finally:
        for name in made:
            connection.execute(f"DROP TABLE IF EXISTS {name}")


def _coded(
    connection: duckdb.DuckDBPyConnection, source: str, name: str, bounds: tuple[Any, Any] | None, made: list[str]
) -> _Coded:
    least: Any
    most: Any
    least, most = bounds or (None, None)
    column = f"t.{quote(name)}"
    if isinstance(least, date) and (most - least).days < WIDEST:
        return _Coded(f"coalesce(datediff('day', DATE '{least}', {column}) + 1, 0)", (most - least).days + 2,
                      least=least)  # fmt: skip
    if isinstance(least, int) and most - least < WIDEST:
        return _Coded(f"coalesce(CAST({column} AS BIGINT) - ({least}) + 1, 0)", most - least + 2, least=least)
    table = f"_values_{next(_numbers)}"
    made.append(table)
    connection.execute(
        f"CREATE TEMP TABLE {table} AS SELECT v, CAST(row_number() OVER (ORDER BY v NULLS FIRST) - 1 AS INTEGER) AS c "
        f"FROM (SELECT DISTINCT {quote(name)} AS v FROM {source})"
    )
    array = connection.execute(f"SELECT v FROM {table} ORDER BY c").to_arrow_table().column(0).combine_chunks()
    values: Sequence[Any] = Values(array) if len(array) > LISTED else tuple(array.to_pylist())
    join = f"LEFT JOIN {table} ON {table}.v IS NOT DISTINCT FROM {column}"
    return _Coded(f"{table}.c", max(len(values), 1), join, values)


def _words(widths: Sequence[int]) -> list[list[tuple[int, int]]]:
    """(column, factor) of each number that columns are packed into; most often there is one."""
    words: list[list[tuple[int, int]]] = [[]]
    size = 1
    for at, width in enumerate(widths):
        if size > WORD // width:
            words.append([])
            size = 1
        words[-1].append((at, size))
        size *= width
    return words


def _fetched(
    connection: duckdb.DuckDBPyConnection, grouped: str, columns: Sequence[str], held: Sequence[_Coded],
    words: Sequence[Sequence[tuple[int, int]]],
) -> Tuples:  # fmt: skip
    found = connection.execute(grouped).fetchnumpy()
    counts = found.pop("n").astype(np.int64, copy=False)
    codes = np.empty((len(columns), len(counts)), np.int32)
    values: list[Sequence[Any]] = [()] * len(columns)
    for number, word in enumerate(words):
        key = found.pop(f"k{number}").astype(np.int64, copy=False)
        for at, _ in word:
            key, rest = np.divmod(key, held[at].width)
            there = np.zeros(held[at].width, bool)
            there[rest] = True
            values[at], places = held[at].held(np.flatnonzero(there))
            codes[at] = places[rest]
    return Tuples(tuple(columns), tuple(values), codes, counts)


def _stored(
    connection: duckdb.DuckDBPyConnection, grouped: str, columns: Sequence[str], held: Sequence[_Coded],
    words: Sequence[Sequence[tuple[int, int]]], rows: int,
) -> Stored:  # fmt: skip
    table = f"_combinations_{next(_numbers)}"
    parts = {
        at: f"CAST(k{number} // {size} % {held[at].width} AS {narrow(held[at].width)}) AS c{at}"
        for number, word in enumerate(words)
        for at, size in word
    }
    listed = ", ".join(parts[at] for at in range(len(columns)))
    connection.execute(
        f"CREATE TEMP TABLE {table} AS SELECT {listed}, CAST(n AS {narrow(rows + 1)}) AS n FROM ({grouped})"
    )
    (length,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    values, places = [], []
    for at, item in enumerate(held):
        there = np.zeros(0, np.int64)
        if item.values is None:
            there = connection.execute(f"SELECT DISTINCT c{at} AS c FROM {table} ORDER BY 1").fetchnumpy()["c"]
        told, place = item.held(there.astype(np.int64))
        values.append(told)
        places.append(place)
    return Stored(connection, table, tuple(columns), tuple(values), tuple(places), rows, int(length))


def narrow(width: int) -> str:
    """The engine's narrowest type of whole numbers below ``width``."""
    for bits, name in ((8, "UTINYINT"), (16, "USMALLINT"), (32, "UINTEGER")):
        if width <= 1 << bits:
            return name
    return "BIGINT"


def distinct(key: NDArray[np.int64]) -> NDArray[np.int64]:
    """The different numbers, in order: by sorting, which for millions is many times faster than by hashing, as numpy
    does when it is asked for nothing else."""
    held = np.sort(key)
    return np.asarray(held[np.append(True, held[1:] != held[:-1])[: len(held)]])


def regroup(codes: NDArray[Any], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Classes of equal columns of ``codes`` (shape (columns, n)): (class of each column, rows of each class)."""
    held, size = np.zeros(codes.shape[1], np.int64), 1
    for row in codes:
        width = int(row.max(initial=0)) + 1
        if size > WORD // width:
            _, held = np.unique(held, return_inverse=True)
            size = int(held.max(initial=0)) + 1
        held = held * width + row
        size *= width
    _, held = np.unique(held, return_inverse=True)
    return held, np.bincount(held, counts, int(held.max(initial=-1)) + 1).astype(np.int64)
