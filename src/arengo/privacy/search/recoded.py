"""What is told instead of the values of a group that local recoding made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.lake.layout import listing, quote
from arengo.privacy.hierarchy.builders import TO
from arengo.privacy.search.mondrian import mondrian, parts, ranked
from arengo.privacy.tuples import LISTED, Tuples, Values, combinations, distinct, regroup

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

FEW = 6
"""Values of a group that are listed; more become the first and the last, or ``*``."""


def recoded(
    connection: duckdb.DuckDBPyConnection, table: str, by: Sequence[str], k: int, into: str, person: str = ""
) -> None:
    """Make the temporary table ``into``: for each combination of ``by`` in ``table`` its values ``v0``, ... and what is
    told instead, ``l0``, ... ``person``: the column of whom a row is about; somebody of several rows counts once in a
    combination, and rows of nobody known count each.

    With fewer than ``k`` people in all, everything is ``*``.
    """
    connection.execute(f"DROP TABLE IF EXISTS {into}")
    found = combinations(connection, _people(table, by, person) if person else table, by)
    first = True
    for part in parts(found, k):
        connection.register("_part", _told(part, k, found.rows < k))
        try:
            said = ", ".join(f"v{at}, CAST(l{at} AS VARCHAR) AS l{at}" for at in range(len(by)))
            make = f"CREATE TEMP TABLE {into} AS" if first else f"INSERT INTO {into}"
            connection.execute(f"{make} SELECT {said} FROM _part")
        finally:
            connection.unregister("_part")
        first = False
    if not isinstance(found, Tuples):
        connection.execute(f"DROP TABLE {found.table}")


def _people(table: str, by: Sequence[str], person: str) -> str:
    """SQL of one row for each person and combination."""
    listed, whose = listing(by), quote(person)
    return (
        f"(SELECT {listed} FROM (SELECT DISTINCT {listed}, {whose} FROM {table} WHERE {whose} IS NOT NULL) "
        f"UNION ALL SELECT {listed} FROM {table} WHERE {whose} IS NULL)"
    )


def _told(part: Tuples, k: int, hide: bool) -> pa.Table:
    import pyarrow as pa

    ranks = ranked(part)
    groups = mondrian(ranks, part.counts, k)
    columns: dict[str, Any] = {}
    for at, values in enumerate(part.values):
        held = values.array if isinstance(values, Values) else pa.array(values)
        columns[f"v{at}"] = held.take(pa.array(part.codes[at]))
        names, of = told(values, part.codes[at], ranks[at], groups, hide)
        columns[f"l{at}"] = pa.DictionaryArray.from_arrays(pa.array(of[groups]), pa.array(names, pa.string()))
    return pa.table(columns)


def told(
    values: Sequence[Any], codes: NDArray[np.int32], ranks: NDArray[np.int32], groups: NDArray[np.int64], hide: bool
) -> tuple[list[str | None], NDArray[np.int32]]:
    """What is told of one column instead of its values: the names, and which one each group has. ``codes``, ``ranks``:
    of each combination, into ``values`` and in their order."""
    number = int(groups.max(initial=-1)) + 1
    if hide:
        return ["*"], np.zeros(number, np.int32)
    value = _in_order(codes, ranks)
    member, starts, lengths = _members(ranks, groups)
    # Groups of the same few values, or of the same first, last and number of values, have the same name.
    shown = np.zeros((FEW + 1, number), np.int64)
    few = lengths <= FEW
    for at in range(FEW):
        has = few & (lengths > at)
        shown[at, has] = member[starts[has] + at] + 1
    many = ~few
    shown[0, many], shown[1, many] = member[starts[many]] + 1, member[(starts + lengths - 1)[many]] + 1
    shown[FEW, many] = lengths[many]
    of, _ = regroup(shown, np.ones(number, np.int64))
    _, first = np.unique(of, return_index=True)
    names = []
    for at in range(0, len(first), LISTED):
        group = first[at : at + LISTED]
        sizes = np.minimum(lengths[group], FEW)
        ends = np.cumsum(sizes)
        place = np.repeat(starts[group] - ends + sizes, sizes) + np.arange(ends[-1])
        last = lengths[group] > FEW
        place[ends[last] - 1] = (starts + lengths - 1)[group[last]]  # of many the last one is told
        members = _some(values, value[member[place]])
        bounds = zip((ends - sizes).tolist(), ends.tolist(), lengths[group].tolist(), strict=True)
        names += [spelt(members[low:high], length, len(values)) for low, high, length in bounds]
    return names, of.astype(np.int32)


def lost(
    values: Sequence[Any], codes: NDArray[np.int32], ranks: NDArray[np.int32], groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Of each group the share of one column's values, besides its own, that a reader of :func:`told` cannot rule out:
    what a list names, what lies within a range, and all where it says ``*``."""
    if not len(groups):
        return np.zeros(0)
    known = max(len(values) - 1, 1)
    value = _in_order(codes, ranks)
    member, starts, lengths = _members(ranks, groups)
    low, high = member[starts], member[starts + lengths - 1]
    listed = isinstance(_some(values, value[-1:])[0], str)
    within = np.where(lengths > FEW, known, lengths - 1) if listed else high - low
    unknown = _some(values, value[:1])[0] is None  # comes first
    whole = (lengths == len(values)) | ((low == 0) & unknown)
    return np.where(lengths == 1, 0, np.where(whole, known, within)) / known


def _in_order(codes: NDArray[np.int32], ranks: NDArray[np.int32]) -> NDArray[np.int64]:
    """Which value has each rank."""
    value = np.zeros(int(ranks.max(initial=0)) + 1, np.int64)
    value[ranks] = codes
    return value


def _members(
    ranks: NDArray[np.int32], groups: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The ranks that occur in each group, in order, group after group; where each group's begin, and how many."""
    width = int(ranks.max(initial=0)) + 1
    owner, member = np.divmod(distinct(groups * width + ranks), width)
    starts = np.searchsorted(owner, np.arange(int(groups.max(initial=-1)) + 1))
    return member, starts, np.diff(np.append(starts, len(owner)))


def _some(values: Sequence[Any], places: NDArray[np.int64]) -> list[Any]:
    if isinstance(values, Values):
        told: list[Any] = values.array.take(places).to_pylist()
        return told
    return [values[place] for place in places.tolist()]


def spelt(members: Sequence[Any], number: int, of: int) -> str | None:
    """The name of a group of ``number`` of the column's ``of`` values, in their order (the first and last are enough
    of many): itself, ``{a, b}``, ``20–34``, ``[0.5, 0.75]``, or ``*``."""
    if number == 1:
        return None if members[0] is None else word(members[0])
    if number == of or members[0] is None:
        return "*"
    if isinstance(members[0], str):
        return "{" + ", ".join(members) + "}" if number <= FEW else "*"
    first, last = word(members[0]), word(members[-1])
    if isinstance(members[0], float):
        return f"[{first}, {last}]"
    return f"{first}{TO}{last}" if isinstance(members[0], int) else f"{first} {TO} {last}"


def word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
