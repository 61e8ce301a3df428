"""Of very many values or combinations, those whose hash is small, with how many rows have each.

A KMV sketch (Beyer, Haas, Reinwald, Sismanis, Gemulla, *On synopses for distinct-value estimation*, SIGMOD 2007): few
rows of many are looked at and yet the same ones every time, and the sketches of two tables add up to that of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import Kind

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

LOOKED = frozenset({Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.TIMESTAMP})
"""Kinds of columns whose values tell something by themselves."""


@dataclass(frozen=True, slots=True)
class Values:
    """A column's values, by hash. ``texts``, ``hashes``, ``counts``: beside each other, all values whose hash is below
    2**(64 - ``power``), with the rows that have each. ``filled``: rows that have a value, of the whole table.
    """

    texts: tuple[str, ...]
    hashes: NDArray[np.uint64]
    counts: NDArray[np.int64]
    filled: int
    power: int = 0

    @property
    def share(self) -> float:
        """Of all values, about so many are here; 1 is every one."""
        return 0.5**self.power

    def settled(self, size: int) -> Values:
        """With as few halvings as leave at most ``size`` values."""
        power = self.power
        here = np.ones(len(self.hashes), bool)
        while int(here.sum()) > size:
            power += 1
            here = self.hashes < np.uint64(1 << (64 - power))
        if power == self.power:
            return self
        told = tuple(item for item, keep in zip(self.texts, here.tolist(), strict=True) if keep)
        return Values(told, self.hashes[here], self.counts[here], self.filled, power)

    def joined(self, more: Values) -> Values:
        """Of both tables; ``more`` was taken at the same power."""
        counts: dict[str, int] = dict(zip(self.texts, self.counts.tolist(), strict=True))
        hashes = dict(zip(self.texts, self.hashes.tolist(), strict=True))
        for told, mark, rows in zip(more.texts, more.hashes.tolist(), more.counts.tolist(), strict=True):
            counts[told] = counts.get(told, 0) + rows
            hashes[told] = mark
        return values_of(
            list(counts), list(hashes.values()), list(counts.values()), self.filled + more.filled, self.power
        )


@dataclass(frozen=True, slots=True)
class Combos:
    """Distinct combinations of some columns, as :class:`Values` has those of one. ``table``: columns ``c0``, ``c1``,
    ..., ``h`` (hash) and ``n`` (rows)."""

    table: pa.Table
    power: int = 0


def values_of(texts: Sequence[str], hashes: Any, counts: Any, filled: int, power: int) -> Values:
    """The values of a column, sorted by hash, which is an order by chance and always the same one."""
    marks, rows = np.asarray(hashes, np.uint64), np.asarray(counts, np.int64)
    order = np.argsort(marks, kind="stable")
    return Values(tuple(texts[at] for at in order.tolist()), marks[order], rows[order], filled, power)


def power_of(distinct: int, limit: int) -> int:
    """Halvings after which about twice the limit is left of ``distinct`` values, or more."""
    power = 0
    while distinct > 2 * limit:
        distinct //= 2
        power += 1
    return power


def halved(found: pa.Table, power: int, limit: int, rows: int) -> Combos:
    """Combinations with as few halvings as leave at most ``limit``; all of a table of no more ``rows``."""
    if rows <= limit:
        return Combos(found, power)
    marks = found.column("h").to_numpy()
    here = np.ones(len(marks), bool)
    while int(here.sum()) > limit:
        power += 1
        here = marks < np.uint64(1 << (64 - power))
    import pyarrow as pa

    return Combos(found.filter(pa.array(here)), power)


def places_of(names: pa.ChunkedArray) -> dict[str, tuple[int, int]]:
    """First and last place of each name in a sorted column."""
    out: dict[str, tuple[int, int]] = {}
    start = 0
    for pair in names.combine_chunks().value_counts().to_pylist():
        out[pair["values"]] = (start, start + pair["counts"])
        start += pair["counts"]
    return out
