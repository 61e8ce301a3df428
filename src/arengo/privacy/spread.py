"""A case's table as the search sees it: distinct combinations of its quasi-identifiers, each with its ladder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import EMPTY, Frozen, Kind, Property
from arengo.lake.layout import quote
from arengo.privacy.hierarchy.ladder import ALL
from arengo.privacy.search import Axis, InEngine, Lattice, Problem, axis, mondrian
from arengo.privacy.search.lattice import Members, Node
from arengo.privacy.search.mondrian import parts, ranked
from arengo.privacy.search.recoded import lost
from arengo.privacy.tuples import Stored, Tuples, Values, combinations

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from arengo.privacy.case import Case

JOINT = "_class"
SOURCE = "_spread"
_DIGIT = re.compile(r"\d")
OPAQUE = frozenset({Kind.GEOMETRY, Kind.JSON})
"""Kinds that have no levels: they stay or go."""


@dataclass(frozen=True, slots=True)
class Spread:
    """``axes``: of the quasi-identifiers, with the levels that are left. ``hierarchies``: column -> its ladder's name.
    ``told``: combinations of the quasi-identifiers, then the sensitive columns, then the joint class where asked.
    """

    axes: tuple[Axis, ...]
    hierarchies: Mapping[str, str]
    kinds: Mapping[str, Kind]
    told: Tuples | Stored
    k: int
    joint: NDArray[np.int64] | int | None = None  # of each combination; of Stored: where it stands in ``told``
    l: int = 1  # noqa: E741 - the literature's own letter
    t: float = 0.0
    sensitive: tuple[int, ...] = ()  # where they stand in ``told``

    def problem(self, limit: float, only: Mapping[str, bool] = EMPTY) -> tuple[Lattice, tuple[Axis, ...]]:
        """The search over all columns but those of ``only``, which are left out (True) or kept as they are (False)."""
        chosen: list[Axis] = []
        places: list[int] = []
        for at, item in enumerate(self.axes):
            if only.get(item.column):
                continue
            places.append(at)
            chosen.append(item if item.column not in only else Axis(item.column, item.groups[:1]))
        promise = self._promise()
        also = self.sensitive if promise else ()
        if isinstance(self.told, Stored):
            at = self.joint if isinstance(self.joint, int) else -1
            held = InEngine(tuple(chosen), self.told, tuple(places), self.k, limit, at, promise, also)
            return held, tuple(chosen)
        assert not isinstance(self.joint, int)
        codes, more = (self.told.codes[list(rows)] for rows in (places, also))
        made = Problem(tuple(chosen), codes, self.told.counts, self.k, limit, self.joint, promise, more)
        return made, tuple(chosen)

    def full(self, axes: Sequence[Axis], node: Node, only: Mapping[str, bool]) -> Node:
        """A node of a smaller search as one over all columns: those left out stand at the top."""
        held = {item.column: place for item, place in zip(axes, node, strict=True)}
        return tuple(item.height if only.get(item.column) else held.get(item.column, 0) for item in self.axes)

    def step(self, item: Axis, place: int) -> Any:
        """The step of ``arengoProtect`` that brings a column to a level; None for the level it stands at."""
        if not place:
            return None
        name = item.names[place - 1]
        if name == ALL:
            return "drop"
        return Frozen(level=name, hierarchy=self.hierarchies[item.column])

    def plain(self, column: str) -> bool:
        return self.kinds[column] not in OPAQUE

    def local_loss(self, by: Sequence[str], k: int) -> float:
        """Of local recoding: how much of each column's values cannot be told apart in what is shown instead, over all
        people."""
        places = [at for at, item in enumerate(self.axes) if item.column in by]
        if not places or self.told.rows < k:
            return 1.0
        gone = sum(self._lost(part, places, k) for part in parts(self.told, k)) / max(self.told.rows, 1)
        return (gone + len(self.axes) - len(places)) / len(self.axes)

    def _lost(self, part: Tuples, places: list[int], k: int) -> float:
        codes = ranked(part)[places]
        groups = mondrian(codes, part.counts, k)
        return sum(
            float((lost(part.values[at], part.codes[at], row, groups)[groups] * part.counts).sum())
            for row, at in zip(codes, places, strict=True)
        )

    def _promise(self) -> Callable[[Members], bool] | None:
        if not self.sensitive or (self.l < 2 and not self.t):
            return None

        def kept(held: Members) -> bool:
            return all(
                self._varied(held, codes, len(self.told.values[at]))
                for at, codes in zip(self.sensitive, held.more, strict=True)
            )

        return kept

    def _varied(self, held: Members, codes: NDArray[np.int32], width: int) -> bool:
        """Whether every group that is large enough shows ``l`` values of a sensitive column, none too unlike all."""
        people = held.sizes
        pairs, inverse = np.unique(held.of * width + codes, return_inverse=True)
        counts = np.bincount(inverse, weights=held.people)
        group, value = np.divmod(pairs, width)
        large = people >= self.k
        if self.l > 1 and (np.bincount(group, minlength=len(people))[large] < self.l).any():
            return False
        if not self.t:
            return True
        overall = np.bincount(value, weights=counts, minlength=width) / counts.sum()
        share = counts / people[group]
        # Half the sum of the differences; values a group does not have add their own share.
        away = np.bincount(group, weights=np.abs(share - overall[value]) - overall[value], minlength=len(people)) + 1
        return not (away[large] / 2 > self.t + 1e-12).any()


def spread(case: Case, joint: bool = False, varied: bool = False) -> Spread:
    """``joint``: with the class of each person by what is public already. ``varied``: with the sensitive values."""
    quasi = [item.column for item in case.release.quasi]
    wants = varied or case.target.l > 1 or case.target.t > 0
    sensitive = [item.column for item in case.release.sensitive] if wants else []
    columns = [*quasi, *(name for name in sensitive if name not in quasi)]
    classes = _classes(case) if joint else None
    listed = [*columns, JOINT] if classes is not None else columns
    source = _persons(case, columns, classes)
    told = combinations(case.connection, source, listed)
    axes, hierarchies, kinds = [], {}, {}
    for at, name in enumerate(quasi):
        column = case.contract.column(name)
        assert column is not None
        hierarchies[name], held = ladder(case, column, told.values[at])
        kinds[name] = column.kind
        axes.append(held)
    held_classes: NDArray[np.int64] | int | None = None
    if classes is not None and isinstance(told, Stored):
        held_classes = len(listed) - 1
    elif classes is not None and isinstance(told, Tuples):
        held_classes = np.array([int(item or 0) for item in told.values[-1]], np.int64)[told.codes[-1]]
        if not np.any(held_classes):
            held_classes = None
    return Spread(
        tuple(axes), hierarchies, kinds, told, case.target.k, held_classes, max(case.target.l, 2 if varied else 1),
        case.target.t, tuple(range(len(quasi), len(columns))),
    )  # fmt: skip


def _classes(case: Case) -> NDArray[np.int64] | None:
    from arengo.privacy.overlap.joint import joint_classes

    found = joint_classes(case)
    return found if found.any() else None


def _persons(case: Case, columns: Sequence[str], classes: NDArray[np.int64] | None) -> str:
    """SQL of one row a person and combination: somebody with many equal rows is one person."""
    given = f"{case.table} AS t"
    extra = ""
    if classes is not None:
        import pyarrow as pa

        case.connection.register("_classes_of_rows", pa.table({JOINT: classes}))
        case.connection.execute(f"CREATE OR REPLACE TEMP TABLE {SOURCE}_classes AS SELECT * FROM _classes_of_rows")
        case.connection.unregister("_classes_of_rows")
        given += f" POSITIONAL JOIN {SOURCE}_classes AS j"
        extra = f", j.{quote(JOINT)}"
    names = ", ".join(f"t.{quote(name)}" for name in columns)
    if not case.release.subject:
        return f"(SELECT {names}{extra} FROM {given})"
    case.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {SOURCE} AS SELECT DISTINCT {names}{extra}, "
        f"coalesce(t.\"_subject\", '#' || row_number() OVER ()) AS _person FROM {given}"
    )
    return quote(SOURCE)


# Ladders


def ladder(case: Case, column: Property, values: Sequence[Any]) -> tuple[str, Axis]:
    """Name of the hierarchy that a column is coarsened by, and its groups over these values."""
    from arengo.privacy.repair import stands

    if column.kind in OPAQUE:
        return "all", axis(column.name, [list(range(len(values))), [ALL] * len(values)], (ALL,))
    hierarchy, at = stands(column, case.intake_contract.column(column.name))
    if not at:
        # What another step made of the values is no longer what the contract's hierarchy is about.
        told = "" if column.protect else str(column.custom.get("arengoHierarchy", ""))
        hierarchy = told or fitting(column, values)
    names = case.codes.levels(hierarchy)
    here = 0
    if at:
        here = names.index(at) + 1 if at in names else int(at) if at.isdecimal() else 0
    kind = Kind.STRING if at else column.kind
    above = names[here:]
    return hierarchy, coarser(
        column.name, above, grouped(case.connection, case.codes, hierarchy, above, at, kind, values), len(values)
    )


def coarser(column: str, above: Sequence[str], told: Sequence[NDArray[np.int32]], values: int) -> Axis:
    """The axis of a column from its values' groups at each level above them, numbered from 0; a level that tells apart
    what the one below does is none."""
    levels = [np.arange(values, dtype=np.int32)]
    kept: list[str] = []
    for name, row in zip(above, told, strict=True):
        if int(row.max(initial=-1)) < int(levels[-1].max(initial=-1)) or name == ALL:
            levels.append(row)
            kept.append(name)
    return Axis(column, np.stack(levels), tuple(kept))


def grouped(
    connection: duckdb.DuckDBPyConnection, codes: Any, hierarchy: str, levels: Sequence[str], at: str, kind: Kind,
    values: Sequence[Any],
) -> list[NDArray[np.int32]]:  # fmt: skip
    """The group of each value at each of ``levels``, numbered from 0. ``at``: the level the values stand at already."""
    import pyarrow as pa

    held = values.array if isinstance(values, Values) else pa.array(values)
    connection.register("_values", pa.table({"n": np.arange(len(values)), "v": held}))
    try:
        value = f'CAST("v" AS {kind.duckdb})'
        told = [codes.sql(hierarchy, level, value, kind, *([at] if at else [])) for level in levels]
        # Many values take one level after the other, so that the names of one are in memory.
        together = 1 if isinstance(values, Values) else max(len(told), 1)
        out: list[NDArray[np.int32]] = []
        for start in range(0, len(told), together):
            listed = ", ".join(f"{sql} AS l{place}" for place, sql in enumerate(told[start : start + together]))
            found = connection.execute(f"SELECT {listed} FROM _values ORDER BY n").to_arrow_table()
            for column in found.columns:
                named = column.combine_chunks().dictionary_encode(null_encoding="encode")
                out.append(named.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False))
        return out
    finally:
        connection.unregister("_values")


def fitting(column: Property, values: Sequence[Any]) -> str:
    """The built-in hierarchy that fits the values of a column whose contract names none."""
    if column.kind in (Kind.INTEGER, Kind.NUMBER):
        known = np.array([item for item in values if item is not None], np.float64)
        if len(known):
            return _numbers(column.kind, float(known.max()) - float(known.min()), len(known))
    if column.kind is Kind.STRING:
        return _texts(values)
    return {Kind.DATE: "dates", Kind.TIMESTAMP: "moments", Kind.TIME: "times"}.get(column.kind, "all")


def _texts(values: Sequence[Any]) -> str:
    """Codes of one length are told by their first characters."""
    number, coded, lengths = 0, 0, set()
    for item in values:
        if item is None:
            continue
        number += 1
        if 3 <= len(item) <= 12 and _DIGIT.search(item):
            coded += 1
            lengths.add(len(item))
    return "characters" if len(lengths) == 1 and coded > 0.8 * number and number > 20 else "all"


def _numbers(kind: Kind, extent: float, values: int) -> str:
    """Widths that suit the spread: ages by 5, incomes by what about a thirtieth of their range is."""
    if kind is Kind.INTEGER and 20 <= extent <= 200:
        return "numbers"
    if not 0 < extent < 1e15 or values < 3:
        return "all"
    width = extent / 32
    step = 10.0 ** floor(log10(width))
    step = next((step * times for times in (1, 2, 5, 10) if step * times >= width), step)
    if kind is Kind.INTEGER:
        step = max(2.0, round(step))
    head = "numbers" if kind is Kind.INTEGER else "measures"
    return f"{head}/{step:.12g}" if 1e-9 <= step <= 1e15 else "all"
