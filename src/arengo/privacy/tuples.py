"""The distinct combinations of some columns with how often each occurs: what all measures and searches run on.

One group-by of the engine, so the table itself may be larger than memory; what follows costs what the number of
*distinct* combinations costs, not the number of rows (reference: decision 0200).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.lake.layout import quote, text

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray


MANY = 200_000
"""Rows from which combinations are packed into one number each."""
MODERATE = 20_000
"""Values of a column up to which that is done."""
WIDEST = 1 << 20
_CODED = frozenset({"VARCHAR", "BOOLEAN", "DATE", "TINYINT", "SMALLINT", "INTEGER", "BIGINT"})


@dataclass(frozen=True, slots=True)
class Tuples:
    """``codes``: shape (columns, n) int32, index into ``values`` of that column; ``counts``: shape (n,) int64, rows
    with that combination. ``values[c]``: the column's distinct values, NULL as None among them.
    """

    columns: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    codes: NDArray[np.int32]
    counts: NDArray[np.int64]

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    def __len__(self) -> int:
        return len(self.counts)


def tuples(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], where: str = "") -> Tuples:
    """The distinct combinations of ``columns`` in ``table`` (SQL: a quoted name or a subquery in parentheses).

    NULL is a value of its own: withheld and unknown make a group like any other.
    """
    if not columns:
        (rows,) = connection.execute(f"SELECT count(*) FROM {table} {where}").fetchone() or (0,)
        return Tuples((), (), np.zeros((0, 1), np.int32), np.array([rows], np.int64))
    return _packed(connection, table, columns, where) or _plain(connection, table, columns, where)


def _plain(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], where: str) -> Tuples:
    listed = ", ".join(quote(name) for name in columns)
    found = connection.execute(
        f"SELECT {listed}, count(*) AS _count FROM {table} {where} GROUP BY {listed}"
    ).to_arrow_table()
    values: list[tuple[Any, ...]] = []
    codes = np.empty((len(columns), found.num_rows), np.int32)
    for at in range(len(columns)):
        held = found.column(at).combine_chunks().dictionary_encode(null_encoding="encode")
        values.append(tuple(held.dictionary.to_pylist()))
        codes[at] = held.indices.to_numpy(zero_copy_only=False)
    return Tuples(tuple(columns), tuple(values), codes, found.column(len(columns)).to_numpy().astype(np.int64))


def _packed(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], where: str) -> Tuples | None:
    """The same by one number for each combination: twice as fast and half the memory, for many rows of columns with a
    moderate number of values. None where that does not fit.
    """
    names = [quote(name) for name in columns]
    asked = ", ".join(f"approx_count_distinct({name}), any_value(typeof({name}))" for name in names)
    rows, *told = connection.execute(f"SELECT count(*), {asked} FROM {table} {where}").fetchone() or (0,)
    if rows < MANY or any(number > MODERATE for number in told[::2]) or not set(told[1::2]) <= _CODED:
        return None
    made: list[str] = []
    try:
        parts: list[str] = []
        held: list[tuple[tuple[Any, ...], NDArray[np.int32]]] = []
        size = 1
        for name, type_ in zip(names, told[1::2], strict=True):
            sql, values, places = _coded(connection, f"{table} {where}", name, type_, made)
            parts.append(f"{sql} * {size}")
            size *= len(places)
            held.append((values, places))
            if size > 1 << 62:
                return None
        found = connection.execute(
            f"SELECT {' + '.join(parts)} AS _key, count(*) AS _count FROM {table} {where} GROUP BY 1"
        ).fetchnumpy()
    finally:
        for name in made:
            connection.execute(f"DROP TYPE {name}")
    key = found["_key"].astype(np.int64)
    codes = np.empty((len(columns), len(key)), np.int32)
    for at, (_, places) in enumerate(held):
        key, rest = np.divmod(key, len(places))
        codes[at] = places[rest]
    return Tuples(tuple(columns), tuple(values for values, _ in held), codes, found["_count"].astype(np.int64))


def _coded(
    connection: duckdb.DuckDBPyConnection, source: str, name: str, type_: str, made: list[str]
) -> tuple[str, tuple[Any, ...], NDArray[np.int32]]:
    """SQL of a whole number for each value of a column, 0 for NULL; its values; and which value each number is."""
    values = tuple(row[0] for row in connection.execute(f"SELECT DISTINCT {name} FROM {source} ORDER BY 1 NULLS FIRST")
                   .fetchall())  # fmt: skip
    known = [item for item in values if item is not None]
    start = len(values) - len(known)
    numbers = [item.toordinal() for item in known] if type_ == "DATE" else known
    wide = type_ == "VARCHAR" or (bool(known) and numbers[-1] - numbers[0] >= WIDEST)
    if not known:
        sql, width, at = "NULL", 0, []
    elif type_ == "BOOLEAN":
        sql, width, at = f"CAST({name} AS BIGINT)", 2, [int(item) for item in known]
    elif wide:
        made.append(f"_tuples_{len(made)}")
        connection.execute(f"CREATE TEMP TYPE {made[-1]} AS ENUM ({', '.join(text(str(item)) for item in known)})")
        sql = f"CAST(enum_code(CAST(CAST({name} AS VARCHAR) AS {made[-1]})) AS BIGINT)"
        width, at = len(known), list(range(len(known)))
    else:
        day = f"datediff('day', DATE '{known[0]}', {name})"
        sql = f"CAST({day if type_ == 'DATE' else f'{name} - ({known[0]})'} AS BIGINT)"
        width, at = numbers[-1] - numbers[0] + 1, [item - numbers[0] for item in numbers]
    sql = f"coalesce({sql} + 1, 0)"
    places = np.zeros(width + 1, np.int32)
    places[np.array(at, np.int64) + 1] = np.arange(start, len(values), dtype=np.int32)
    return sql, values, places


def regroup(codes: NDArray[np.int32], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Classes of equal columns of ``codes`` (shape (columns, n)): (class of each column, rows of each class)."""
    held = np.zeros(codes.shape[1], np.int64)
    for row in codes:
        width = int(row.max(initial=0)) + 1
        _, held = np.unique(held * width + row, return_inverse=True)
    sums = np.zeros(int(held.max(initial=-1)) + 1, np.int64)
    np.add.at(sums, held, counts)
    return held, sums
