"""Groups of equal quasi-identifiers: their sizes, and what an attacker's chances are.

``k``-anonymity: Samarati and Sweeney, *Protecting privacy when disclosing information*, SRI 1998. Prosecutor,
journalist and marketer: El Emam, *Guide to the De-Identification of Personal Health Information*, 2013, ch. 16-18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.privacy.tuples import Tuples, regroup

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

MORE = 50
"""Sizes of groups up to which a histogram tells them apart."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many groups there are of each size. ``size`` ascending and distinct, ``groups`` beside it: (n,) int64."""

    size: NDArray[np.int64]
    groups: NDArray[np.int64]

    @classmethod
    def of(cls, sizes: NDArray[np.int64]) -> Sizes:
        """From the size of each group; empty groups do not count."""
        held, groups = np.unique(sizes[sizes > 0], return_counts=True)
        return cls(held.astype(np.int64), groups.astype(np.int64))

    @classmethod
    def counted(cls, rows: Sequence[tuple[Any, Any]]) -> Sizes:
        """From (size, how many groups) as an engine lists them."""
        ordered = sorted((int(size), int(groups)) for size, groups in rows if size)
        told = np.array(ordered, np.int64).reshape(-1, 2)
        return cls(told[:, 0], told[:, 1])

    @property
    def rows(self) -> int:
        return int(self.size @ self.groups)

    @property
    def number(self) -> int:
        return int(self.groups.sum())

    @property
    def smallest(self) -> int:
        """``k`` of the table: rows of its smallest group, 0 when it is empty."""
        return int(self.size[0]) if len(self.size) else 0

    @property
    def unique(self) -> int:
        """Groups of one."""
        return self.below(2)

    def below(self, k: int) -> int:
        """Rows in groups of fewer than ``k``."""
        small = self.size < k
        return int(self.size[small] @ self.groups[small])

    def share_below(self, k: int) -> float:
        return self.below(k) / self.rows if self.rows else 0.0

    def histogram(self) -> dict[str, int]:
        """Size of a group -> rows in groups of that size, sizes above :data:`MORE` under ``more``."""
        out = {str(int(size)): int(size * groups) for size, groups in zip(self.size, self.groups, strict=True)
               if size <= MORE}  # fmt: skip
        more = self.size > MORE
        if more.any():
            out["more"] = int(self.size[more] @ self.groups[more])
        return out


@dataclass(frozen=True, slots=True)
class Chance:
    """An attacker's chances, 0..1. ``highest``: with the worst row; ``at_risk``: share of rows with which his chance is
    above 1/k; ``success``: with a row on average.
    """

    highest: float
    at_risk: float
    success: float

    def as_json(self) -> dict[str, float]:
        return {"highest": round(self.highest, 6), "at_risk": round(self.at_risk, 6), "success": round(self.success, 6)}


NONE = Chance(0.0, 0.0, 0.0)


def prosecutor(sizes: Sizes, k: int) -> Chance:
    """He looks for one person whom he knows to be in the data: 1 in the size of the group."""
    if not sizes.rows:
        return NONE
    return Chance(1 / sizes.smallest, sizes.share_below(k), sizes.number / sizes.rows)


def journalist(rows: NDArray[np.int64], people: NDArray[np.int64], k: int) -> Chance:
    """He does not know who is in the data: 1 in the people of the *population* a group may be about. ``rows``: of each
    group in the data, ``people``: in the population. Success is the better of his two ways, from a row to the people
    and from a person to the rows.
    """
    rows, people = _real(rows, people)
    total = int(rows.sum())
    if not total:
        return NONE
    success = max(len(rows) / int(people.sum()), float((rows / people).sum()) / total)
    return Chance(float(1 / people.min()), float(rows[people < k].sum()) / total, success)


def marketer(rows: NDArray[np.int64], people: NDArray[np.int64]) -> float:
    """Share of all rows he gets right who links them all to the population."""
    rows, people = _real(rows, people)
    total = int(rows.sum())
    return float((rows / people).sum()) / total if total else 0.0


def _real(rows: NDArray[np.int64], people: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A group has at least as many people as rows, whatever a register lacks."""
    there = rows > 0
    return rows[there], np.maximum(people[there], rows[there])


def sizes_of(data: Tuples, columns: Sequence[str] | None = None) -> NDArray[np.int64]:
    """Rows of each group of equal ``columns`` (all when None)."""
    return regroup(chosen(data, columns), data.counts)[1]


def chosen(data: Tuples, columns: Sequence[str] | None) -> NDArray[np.int32]:
    """The codes of some columns, shape (columns, n)."""
    if columns is None:
        return data.codes
    return data.codes[[data.columns.index(name) for name in columns]]


def k_anonymity(data: Tuples, columns: Sequence[str] | None = None) -> Sizes:
    return Sizes.of(sizes_of(data, columns))


def of_table(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> Sizes:
    """The same from a table itself (SQL), counted by the engine: what only sizes are asked of."""
    from arengo.lake.layout import listing

    by = f" GROUP BY {listing(columns)}" if columns else ""
    rows = connection.execute(f"SELECT n, count(*) FROM (SELECT count(*) AS n FROM {table}{by}) GROUP BY n").fetchall()
    return Sizes.counted(rows)


def mapped(data: Tuples, population: Tuples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows, people) of each group of ``data``, then of each group of ``population`` that no row is about (rows 0).

    Both over the same columns in the same order, released values on both sides: k-map (Sweeney,
    *k-anonymity: a model for protecting privacy*, 2002), and what delta-presence is reckoned from.
    """
    if data.columns != population.columns:
        raise ValueError("the columns differ")
    both = np.empty((len(data.columns), len(data) + len(population)), np.int32)
    for at, (mine, theirs) in enumerate(zip(data.values, population.values, strict=True)):
        known = {value: number for number, value in enumerate(mine)}
        move = np.array([known.setdefault(value, len(known)) for value in theirs], np.int32)
        both[at, : len(data)] = data.codes[at]
        both[at, len(data) :] = move[population.codes[at]] if len(population) else ()
    nothing = np.zeros(len(data), np.int64), np.zeros(len(population), np.int64)
    _, rows = regroup(both, np.concatenate([data.counts, nothing[1]]))
    _, people = regroup(both, np.concatenate([nothing[0], population.counts]))
    return rows, people


def delta_presence(rows: NDArray[np.int64], people: NDArray[np.int64]) -> tuple[float, float]:
    """Least and greatest chance that somebody of the population is in the data, given his group (Nergiz, Atzori,
    Clifton, *Hiding the presence of individuals*, SIGMOD 2007). Groups whose people nobody lists do not count.
    """
    there = people > 0
    if not there.any():
        return 0.0, 0.0
    chance = np.minimum(rows[there] / people[there], 1.0)
    return float(chance.min()), float(chance.max())
