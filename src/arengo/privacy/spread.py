"""A case's table as the search sees it: distinct combinations of its quasi-identifiers, each with its ladder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import EMPTY, Frozen, Kind, Property
from arengo.lake.layout import listing, quote
from arengo.privacy.hierarchy.ladder import ALL
from arengo.privacy.search import Axis, Problem, axis, mondrian
from arengo.privacy.search.lattice import Groups, Node
from arengo.privacy.search.mondrian import ranked
from arengo.privacy.tuples import Tuples, tuples

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from arengo.privacy.case import Case

JOINT = "_class"
SOURCE = "_spread"
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
    told: Tuples
    k: int
    joint: NDArray[np.int64] | None = None
    l: int = 1  # noqa: E741 - the literature's own letter
    t: float = 0.0
    sensitive: tuple[int, ...] = ()  # where they stand in ``told``

    def problem(self, limit: float, only: Mapping[str, bool] = EMPTY) -> tuple[Problem, tuple[Axis, ...]]:
        """The search over all columns but those of ``only``, which are left out (True) or kept as they are (False)."""
        chosen: list[Axis] = []
        places: list[int] = []
        for at, item in enumerate(self.axes):
            if only.get(item.column):
                continue
            places.append(at)
            chosen.append(item if item.column not in only else Axis(item.column, item.groups[:1]))
        codes = self.told.codes[places] if places else np.zeros((0, len(self.told)), np.int32)
        made = Problem(tuple(chosen), codes, self.told.counts, self.k, limit, self.joint, self._promise())
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

    def local_loss(self, by: Sequence[str]) -> float:
        """Of local recoding: how much of each column's values its groups span, over all people."""
        places = [at for at, item in enumerate(self.axes) if item.column in by]
        if not places:
            return 1.0
        codes = ranked(self.told)[places]
        groups = mondrian(codes, self.told.counts, self.k)
        number = int(groups.max(initial=-1)) + 1
        lost = 0.0
        for row, at in zip(codes, places, strict=True):
            pairs = np.unique(groups * (int(row.max(initial=0)) + 1) + row)
            held = np.bincount(pairs // (int(row.max(initial=0)) + 1), minlength=number)
            known = max(len(self.told.values[at]) - 1, 1)
            lost += float(((held[groups] - 1) / known * self.told.counts).sum()) / max(self.told.rows, 1)
        return (lost + len(self.axes) - len(places)) / len(self.axes)

    def _promise(self) -> Callable[[Groups], bool] | None:
        if not self.sensitive or (self.l < 2 and not self.t):
            return None

        def kept(groups: Groups) -> bool:
            assert groups.of is not None
            return all(self._varied(groups.of, groups.counts, at) for at in self.sensitive)

        return kept

    def _varied(self, of: NDArray[np.int64], people: NDArray[np.int64], at: int) -> bool:
        """Whether every group that is large enough shows ``l`` values of a sensitive column, none too unlike all."""
        width = len(self.told.values[at])
        pairs, inverse = np.unique(of * width + self.told.codes[at], return_inverse=True)
        counts = np.bincount(inverse, weights=self.told.counts)
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
    told = tuples(case.connection, source, listed)
    axes, hierarchies, kinds = [], {}, {}
    for at, name in enumerate(quasi):
        column = case.contract.column(name)
        assert column is not None
        hierarchies[name], held = ladder(case, column, told.values[at])
        kinds[name] = column.kind
        axes.append(held)
    held_classes = None
    if classes is not None:
        held_classes = np.array([int(item or 0) for item in told.values[-1]], np.int64)[told.codes[-1]]
        if not held_classes.any():
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
        f"CREATE OR REPLACE TEMP TABLE {SOURCE} AS SELECT {names}{extra}, "
        f"coalesce(t.\"_subject\", '#' || row_number() OVER ()) AS _person FROM {given}"
    )
    more = [JOINT] if classes is not None else []
    return f"(SELECT DISTINCT {listing([*columns, *more])}, _person FROM {SOURCE})"


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
        column.name, above, labels(case.connection, case.codes, hierarchy, above, at, kind, values), len(values)
    )


def coarser(column: str, above: Sequence[str], told: Sequence[Sequence[object]], values: int) -> Axis:
    """The axis of a column from the names of its values' groups at each level above them; a level that tells apart
    what the one below does is none."""
    levels: list[Sequence[object]] = [list(range(values))]
    kept: list[str] = []
    for name, row in zip(above, told, strict=True):
        if len(set(row)) < len(set(levels[-1])) or name == ALL:
            levels.append(row)
            kept.append(name)
    return axis(column, levels, kept)


def labels(
    connection: duckdb.DuckDBPyConnection, codes: Any, hierarchy: str, levels: Sequence[str], at: str, kind: Kind,
    values: Sequence[Any],
) -> list[list[Any]]:  # fmt: skip
    """The name of each value's group at each of ``levels``. ``at``: the level the values stand at already."""
    import pyarrow as pa

    held = pa.table({"n": pa.array(range(len(values)), pa.int64()), "v": pa.array(values)})
    connection.register("_values", held)
    try:
        value = f'CAST("v" AS {kind.duckdb})'
        told = ", ".join(
            f"{codes.sql(hierarchy, level, value, kind, at) if at else codes.sql(hierarchy, level, value, kind)} "
            f"AS l{place}"
            for place, level in enumerate(levels)
        )
        found = connection.execute(f"SELECT {told} FROM _values ORDER BY n").to_arrow_table()
        return [column.to_pylist() for column in found.columns]
    finally:
        connection.unregister("_values")


def fitting(column: Property, values: Sequence[Any]) -> str:
    """The built-in hierarchy that fits the values of a column whose contract names none."""
    known = [item for item in values if item is not None]
    if column.kind in (Kind.INTEGER, Kind.NUMBER) and known:
        return _numbers(column.kind, float(max(known)) - float(min(known)), len(known))
    if column.kind is Kind.STRING:
        coded = [item for item in known if 3 <= len(item) <= 12 and any(mark.isdigit() for mark in item)]
        alike = len({len(item) for item in coded}) == 1 and len(coded) > 0.8 * len(known)
        return "characters" if alike and len(known) > 20 else "all"
    return {Kind.DATE: "dates", Kind.TIMESTAMP: "moments", Kind.TIME: "times"}.get(column.kind, "all")


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
    return f"numbers/{step:.12g}" if 1e-9 <= step <= 1e15 else "all"
