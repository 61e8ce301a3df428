"""The groups of one release, counted by the engine: what step 2 reckons with, whatever the size of the table.

A person counts once in a group however many rows are about them. The groups are kept as a table of the case's
connection, so that leaving a column out or asking what an attacker knows costs what the groups cost, not the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import EMPTY
from arengo.privacy.declared import K_MAP, model_of
from arengo.privacy.overlap import mapped
from arengo.privacy.risk.groups import MORE, Sizes
from arengo.privacy.tuples import Tuples

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from arengo.privacy.case import Case
    from arengo.privacy.release import Attribute

SUBJECT = "_subject"


@dataclass(frozen=True, slots=True)
class Counted:
    """``rows``: of the table; ``people``: persons they are about. ``several``: whether persons have several rows.
    ``base``: SQL of the quasi-identifiers ``c0``, ``c1``, ... once a person and group, with ``_subject``. ``groups``:
    the table of ``c0``, ``c1``, ... and ``n``, the persons of each group.
    """

    columns: tuple[Attribute, ...]
    rows: int
    people: int
    several: bool
    base: str
    groups: str

    def names(self, columns: Sequence[Attribute] | None = None) -> list[str]:
        """How the given columns are called in ``groups``."""
        return [f"c{self.columns.index(item)}" for item in (self.columns if columns is None else columns)]


def count(case: Case, columns: tuple[Attribute, ...]) -> Counted:
    """The groups by all of the columns."""
    reckoning = case.reckoned()
    names = [item.column for item in columns]
    persons = reckoning.persons()
    if not persons.several:  # groups with a sensitive column are finer, so they tell these
        for item in case.release.sensitive[:1]:
            reckoning.cells(names, item.column)
    return Counted(
        columns, persons.rows, persons.people, persons.several, reckoning.base(names), reckoning.groups(names)
    )


def weighed(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> Tuples:
    """Combinations from a table of them, ``c0``, ``c1``, ... in the order of ``columns``, and ``n``, their rows; in one
    order, whatever made the table."""
    listed = ", ".join(f"c{at}" for at in range(len(columns)))
    found = connection.execute(f"SELECT {listed}, n FROM {table} ORDER BY {listed}").to_arrow_table()
    values, codes = [], np.empty((len(columns), found.num_rows), np.int32)
    for at in range(len(columns)):
        held = found.column(at).combine_chunks().dictionary_encode(null_encoding="encode")
        values.append(tuple(held.dictionary.to_pylist()))
        codes[at] = held.indices.to_numpy(zero_copy_only=False)
    return Tuples(tuple(columns), tuple(values), codes, found.column(len(columns)).to_numpy().astype(np.int64))


def sizes(case: Case, held: Counted, columns: Sequence[Attribute] | None = None) -> Sizes:
    """Sizes of the groups by all or some of the columns."""
    sql = f"SELECT n FROM {held.groups}"
    if columns is not None and len(columns) < len(held.columns):
        names = held.names(columns)
        by = f" GROUP BY {', '.join(names)}" if names else ""
        sql = f"SELECT sum(n) AS n FROM {held.groups}{by}"
    return Sizes.counted(case.connection.execute(f"SELECT n, count(*) FROM ({sql}) GROUP BY n").fetchall())


def below(case: Case, held: Counted, found: Sizes, k: int) -> int:
    """Persons in groups of fewer than ``k`` by all columns; somebody in two of them counts once."""
    if not held.several or not found.below(k):
        return found.below(k)
    match = " AND ".join(f"b.{name} IS NOT DISTINCT FROM g.{name}" for name in held.names())
    row = case.connection.execute(
        f"SELECT count(DISTINCT {SUBJECT}) + count(*) FILTER ({SUBJECT} IS NULL) FROM {held.base} b "
        f"SEMI JOIN (SELECT * FROM {held.groups} WHERE n < {int(k)}) g ON {match}"
    ).fetchone() or (0,)
    return int(row[0])


def alone(case: Case, held: Counted, found: Sizes, columns: Sequence[Attribute] | None = None) -> int:
    """Persons who stand alone in a group by all or some of the columns; somebody who does in several counts once."""
    if not held.several or not found.unique:
        return found.unique
    names = held.names(columns)
    by, match = ", ".join(names), " AND ".join(f"b.{name} IS NOT DISTINCT FROM g.{name}" for name in names)
    row = case.connection.execute(
        f"SELECT count(DISTINCT {SUBJECT}) + count(*) FILTER ({SUBJECT} IS NULL) FROM {held.base} b SEMI JOIN "
        f"(SELECT {by} FROM {held.base} GROUP BY {by} HAVING count(DISTINCT {SUBJECT}) + "
        f"count(*) FILTER ({SUBJECT} IS NULL) = 1) g ON {match}"
    ).fetchone() or (0,)
    return int(row[0])


def histogram(case: Case, held: Counted, found: Sizes) -> dict[str, int]:
    """Size of a group -> persons in groups of that size, sizes above :data:`MORE` under ``more``; somebody in several
    counts once, in the smallest."""
    if not held.several:
        return found.histogram()
    match = " AND ".join(f"b.{name} IS NOT DISTINCT FROM g.{name}" for name in held.names())
    rows = case.connection.execute(
        f"SELECT least(n, {MORE + 1}) AS size, count(*) FROM (SELECT min(g.n) AS n FROM (SELECT *, "
        f"coalesce({SUBJECT}, '#' || row_number() OVER ()) AS person FROM {held.base}) b "
        f"JOIN {held.groups} g ON {match} GROUP BY b.person) GROUP BY size ORDER BY size"
    ).fetchall()
    return {str(size) if size <= MORE else "more": int(people) for size, people in rows}


def values(case: Case, held: Counted) -> tuple[tuple[int, int], ...]:
    """(different values, persons who have one) of each column; the first is exact where it matters little and
    estimated to a few percent (HyperLogLog) where there are many."""
    listed = ", ".join(f"approx_count_distinct({name}), coalesce(sum(n) FILTER ({name} IS NOT NULL), 0)"
                       for name in held.names())  # fmt: skip
    row = case.connection.execute(f"SELECT {listed} FROM {held.groups}").fetchone() or ()
    return tuple((int(row[at]), int(row[at + 1])) for at in range(0, len(row), 2))


@dataclass(frozen=True, slots=True)
class Mapped:
    """Each group of the data against the population. ``rows``, ``people``: shape (groups,) of groups somebody of the
    register is in; ``missing``: persons of the data in groups that nobody of the register is in."""

    rows: NDArray[np.int64]
    people: NDArray[np.int64]
    missing: int

    @property
    def sizes(self) -> Sizes:
        return Sizes.of(self.people)


def population(case: Case, held: Counted, columns: Sequence[Attribute], truth: str) -> Mapped | None:
    """The people of the register each group by ``columns`` may be about; None when the register does not tell all."""
    if not truth or not columns:
        return None
    told, missing = mapped.columns(case, columns, truth)
    if missing or len(told) != len(columns):
        return None
    blank = [item for item in columns if item.column in _blanked(case)]
    found: list[tuple[Any, ...]] = []
    for gone in _missing(case, held, blank):
        rest = [item for item in columns if item not in gone]
        listed = [f"c{at}" for at in range(len(rest))]
        mine = "".join(
            f"CAST({name} AS VARCHAR) AS {alias}, " for name, alias in zip(held.names(rest), listed, strict=True)
        )
        tests = [f"{name} IS {'' if item in gone else 'NOT '}NULL"
                 for item, name in zip(blank, held.names(blank), strict=True)]  # fmt: skip
        by = ", ".join(listed) or "()"
        match = " AND ".join(f"s.{name} IS NOT DISTINCT FROM p.{name}" for name in listed) or "true"
        one = "".join(f"{name}, " for name in listed)
        people = f"(SELECT count(*) AS people FROM {truth})"
        if rest:
            people = case.reckoned().register(case.truth, mapped.told(case, rest), truth)
        found += case.connection.execute(
            f"WITH s AS (SELECT {one}sum(n) AS rows FROM (SELECT {mine}n FROM {held.groups} "
            f"WHERE {' AND '.join(tests) or 'true'}) GROUP BY {by}), "
            f"p AS (SELECT {one}people FROM {people} WHERE people > 0) "
            f"SELECT rows, people, count(*) FROM s LEFT JOIN p ON {match} GROUP BY rows, people"
        ).fetchall()
    lone = sum(int(rows * times) for rows, people, times in found if not people)
    real = [(int(rows), int(people), int(times)) for rows, people, times in found if people]
    told_ = np.array(real, np.int64).reshape(-1, 3)
    return Mapped(np.repeat(told_[:, 0], told_[:, 2]), np.repeat(told_[:, 1], told_[:, 2]), lone)


def _blanked(case: Case) -> frozenset[str]:
    """Columns whose single values the contract leaves out: whom such a row is about, what it still tells says. Where
    the population's count decides nothing is left out so."""
    if model_of(case.contract) == K_MAP:
        return frozenset()
    told = case.contract.custom.get("arengoProtection", EMPTY).get("suppress", EMPTY)
    return frozenset(str(name) for name in told.get("blank", ()))


def _missing(case: Case, held: Counted, blank: Sequence[Attribute]) -> list[tuple[Attribute, ...]]:
    """Which of the columns are missing together in some group."""
    if not blank:
        return [()]
    listed = ", ".join(f"{name} IS NULL" for name in held.names(blank))
    rows = case.connection.execute(f"SELECT DISTINCT {listed} FROM {held.groups}").fetchall()
    return [tuple(item for item, gone in zip(blank, row, strict=True) if gone) for row in sorted(rows)]


def attribution(case: Case, held: Counted, small: Sizes, k: int) -> dict[str, int]:
    """Column -> how many fewer persons would stand in groups below ``k`` without it, the costliest first."""
    out = {}
    for item in held.columns:
        rest = [other for other in held.columns if other is not item]
        left = sizes(case, held, rest).below(k)
        out[item.column] = small.below(k) - left
    return dict(sorted(out.items(), key=lambda told: (-told[1], told[0])))


def by_place(case: Case, held: Counted, column: Attribute, k: int, threshold: int, most: int = 5_000) -> dict[str, int]:
    """Value of a column of places -> persons below ``k`` there, of places with at least ``threshold`` persons."""
    (name,) = held.names([column])
    rows = case.connection.execute(
        f"SELECT CAST({name} AS VARCHAR), sum(n) FILTER (n < {int(k)}) FROM {held.groups} WHERE {name} IS NOT NULL "
        f"GROUP BY {name} HAVING sum(n) >= {int(threshold)} ORDER BY 1 LIMIT {int(most) + 1}"
    ).fetchall()
    return {str(value): int(few or 0) for value, few in rows} if len(rows) <= most else {}
