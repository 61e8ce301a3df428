"""The distinct combinations of some columns with how often each occurs: what all measures and searches run on.

One group-by of the engine, so the table itself may be larger than memory; what follows costs what the number of
*distinct* combinations costs, not the number of rows (reference: decision 0200).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.lake.layout import quote

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tuples:
    """``codes``: shape (columns, n) int32, index into ``values`` of that column; ``counts``: shape (n,) int64, rows with
    that combination. ``values[c]``: the column's distinct values, NULL as None among them.
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
    names = [quote(name) for name in columns]
    listed = ", ".join(names)
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


def regroup(codes: NDArray[np.int32], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Classes of equal columns of ``codes`` (shape (columns, n)): (class of each column, rows of each class)."""
    held = np.zeros(codes.shape[1], np.int64)
    for row in codes:
        width = int(row.max(initial=0)) + 1
        _, held = np.unique(held * width + row, return_inverse=True)
    sums = np.zeros(int(held.max(initial=-1)) + 1, np.int64)
    np.add.at(sums, held, counts)
    return held, sums
