"""The same search where the distinct combinations are too many for memory: they stay in the engine.

The engine groups the combinations at a node, out of core. Once a node has few enough groups, these become a
:class:`~arengo.privacy.search.lattice.Problem` in memory, which every coarser node is asked of: since a group of a
level lies in one group of the next, the groups are all that coarser nodes need (reference: decision 0212).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from arengo.privacy.search.lattice import Axis, Node, Problem, Promise, Small
from arengo.privacy.tuples import WORD, Stored, narrow

if TYPE_CHECKING:
    from numpy.typing import NDArray

TAKEN = 4_000_000
"""Groups of a node that are taken into memory."""
KEPT = 10_000_000
"""Groups of all nodes that are held in memory together."""
_numbers = count()


@dataclass(slots=True)
class InEngine:
    """``columns``: where the axes' columns stand in ``stored``; ``more``: those of the promise. ``joint``: where the
    class of what is public elsewhere stands, -1 for none; its values are numbers, 0 and NULL for nobody in particular.
    """

    axes: tuple[Axis, ...]
    stored: Stored
    columns: tuple[int, ...]
    k: int
    limit: float = 0.0
    joint: int = -1
    promise: Promise | None = None
    more: tuple[int, ...] = ()
    checked: int = 0
    _taken: dict[Node, Problem] = field(default_factory=dict)
    _withheld: dict[Node, int] = field(default_factory=dict)
    _small: dict[Node, Small] = field(default_factory=dict)
    _maps: dict[tuple[int, int], str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return self.stored.rows

    @property
    def shape(self) -> Node:
        return tuple(axis.height + 1 for axis in self.axes)

    def people(self, at: int) -> NDArray[np.int64]:
        """People of each value of a column."""
        column = self.columns[at]
        out = np.zeros(self.axes[at].groups.shape[1], np.int64)
        found = self.stored.connection.execute(
            f"SELECT c{column} AS c, CAST(sum(n) AS BIGINT) AS n FROM {self.stored.table} GROUP BY 1"
        ).fetchnumpy()
        out[self.stored.places[column][found["c"]]] = found["n"]
        return out

    def fits(self, node: Node) -> bool:
        return self.withheld(node) <= self.limit * self.rows

    def withheld(self, node: Node) -> int:
        """People who would have to be withheld at a node so that nobody stands in a group smaller than ``k``."""
        self.checked += 1
        held = self._memory(node) if node in self._withheld else self._looked(node)
        return held[1].withheld(held[0]) if held else self._withheld[node]

    def small(self, node: Node) -> Small:
        """What would have to be withheld at a node."""
        held = self._memory(node) if node in self._small else self._looked(node, small=True)
        if held is None:
            return self._small[node]
        base = tuple(b - a for a, b in zip(held[0], node, strict=True))
        groups, people = held[1].small(held[0])
        values = np.empty_like(groups)
        for at, (axis, level) in enumerate(zip(self.axes, base, strict=True)):
            values[at] = groups[at] if not level else _one(axis, level)[groups[at]]
        return values, people

    def promises(self, node: Node) -> bool:
        """Whether the other promise is kept; not where its groups are too many to look at."""
        if self.promise is None:
            return True
        held = self._memory(node) if node in self._withheld else self._looked(node)
        return held is not None and held[1].promises(held[0])

    def _looked(self, node: Node, small: bool = False) -> tuple[Node, Problem] | None:
        """A node in memory; else what would be withheld at it is known, and with ``small`` what that is."""
        return self._memory(node) or self._grouped(node, small)

    def _memory(self, node: Node) -> tuple[Node, Problem] | None:
        """The smallest finer node that is in memory, and ``node`` as it stands above that one."""
        finer = [at for at in self._taken if all(a <= b for a, b in zip(at, node, strict=True))]
        if not finer:
            return None
        base = min(finer, key=lambda at: len(self._taken[at].counts))
        return tuple(b - a for a, b in zip(base, node, strict=True)), self._taken[base]

    def _grouped(self, node: Node, small: bool) -> tuple[Node, Problem] | None:
        """Group by the engine; into memory where that is few enough."""
        connection = self.stored.connection
        parts = [self._part(at, level) for at, level in enumerate(node)]
        extra = [*([self.joint] if self.joint >= 0 else []), *self.more]
        joins = " ".join(join for _, _, join in parts if join)
        groups = _packed([(sql, width) for sql, width, _ in parts if width > 1]) or [("0", [])]
        others = _packed([(f"t.c{at}", len(self.stored.places[at])) for at in extra])
        keys = [f"{sql} AS g{number}" for number, (sql, _) in enumerate(groups)]
        keys += [f"{sql} AS e{number}" for number, (sql, _) in enumerate(others)]
        by = ", ".join(str(number + 1) for number in range(len(keys)))
        table = f"_node_{next(_numbers)}"
        connection.execute(
            f"CREATE TEMP TABLE {table} AS SELECT {', '.join([*keys, 'CAST(sum(n) AS BIGINT) AS n'])} "
            f"FROM {self.stored.table} AS t {joins} GROUP BY {by}"
        )
        try:
            (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
            if number <= TAKEN:
                return self._take(node, table, parts, [width for _, width in groups], [width for _, width in others])
            few = self._few(table, len(groups), len(others))
            (held,) = connection.execute(f"SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM {few}").fetchone() or (0,)
            self._withheld[node] = int(held)
            if small or held <= self.limit * self.rows:
                self._small[node] = self._fetched(node, few, parts, [width for _, width in groups])
            return None
        finally:
            connection.execute(f"DROP TABLE {table}")

    def _part(self, at: int, level: int) -> tuple[str, int, str]:
        """SQL of a column's group at a level, how many numbers it may have, and the join that it takes."""
        axis, column = self.axes[at], self.columns[at]
        if level == axis.height and axis.single:
            return "0", 1, ""
        if not level:
            return f"t.c{column}", len(self.stored.places[column]), ""
        table = self._map(at, level)
        return f"{table}.g", axis.size(level), f"JOIN {table} ON {table}.c = t.c{column}"

    def _map(self, at: int, level: int) -> str:
        """The table from a column's number to its group at a level, made once."""
        if (at, level) in self._maps:
            return self._maps[at, level]
        import pyarrow as pa

        places = self.stored.places[self.columns[at]]
        there = np.flatnonzero(places >= 0)
        groups = self.axes[at].groups[level][places[there]]
        table = self._maps[at, level] = f"_groups_{next(_numbers)}"
        connection = self.stored.connection
        connection.register("_map", pa.table({"c": there, "g": groups}))
        try:
            connection.execute(
                f"CREATE TEMP TABLE {table} AS SELECT CAST(c AS {narrow(len(places))}) AS c, CAST(g AS BIGINT) AS g "
                "FROM _map"
            )
        finally:
            connection.unregister("_map")
        return table

    def _take(
        self, node: Node, table: str, parts: list[tuple[str, int, str]], groups: list[list[int]],
        others: list[list[int]],
    ) -> tuple[Node, Problem]:  # fmt: skip
        """The groups of a node as a problem of their own, with the levels above."""
        found = self.stored.connection.execute(f"SELECT * FROM {table}").fetchnumpy()
        counts = found["n"].astype(np.int64, copy=False)
        told = iter(_unpacked(found, "g", groups))
        codes = np.zeros((len(node), len(counts)), np.int32)
        axes = []
        for at, (axis, level, (_, width, _)) in enumerate(zip(self.axes, node, parts, strict=True)):
            if width > 1:
                code = next(told)
                codes[at] = code if level else self.stored.places[self.columns[at]][code]
            axes.append(_above(axis, level))
        more = _unpacked(found, "e", others)
        joint = self._classes(more.pop(0)) if self.joint >= 0 else None
        rest = np.stack(more).astype(np.int32) if more else None
        made = Problem(tuple(axes), codes, counts, self.k, self.limit, joint, self.promise, rest)
        while self._taken and sum(len(item.counts) for item in self._taken.values()) + len(counts) > KEPT:
            self._taken.pop(max(self._taken, key=lambda at: len(self._taken[at].counts)))
        self._taken[node] = made
        return (0,) * len(node), made

    def _classes(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Class of each combination by the engine's number, 0 for nobody in particular."""
        return np.where(np.isin(codes, self._nobody()), 0, codes + 1)

    def _nobody(self) -> list[int]:
        """The engine's numbers of the joint class that are none."""
        places = self.stored.places[self.joint]
        told = np.array([not item for item in self.stored.values[self.joint]], bool)
        return [int(at) for at in np.flatnonzero(places >= 0) if told[places[at]]]

    def _few(self, table: str, groups: int, others: int) -> str:
        """SQL of the groups that would have to be withheld: their key and ``n``, of one perhaps several rows."""
        by = ", ".join(f"g{number}" for number in range(groups))
        if self.joint < 0:
            source = f"(SELECT {by}, sum(n) AS n FROM {table} GROUP BY {by})" if others else table
            return f"(SELECT {by}, n FROM {source} WHERE n < {self.k})"
        # The joint class is the first of the other columns, so the lowest digit of the first number.
        width = len(self.stored.places[self.joint])
        nobody = ", ".join(str(item) for item in self._nobody()) or "-1"
        cells = f"(SELECT {by}, e0 % {width} AS j, sum(n) AS n FROM {table} GROUP BY ALL)"
        told = (
            f"(SELECT cell.*, j NOT IN ({nobody}) AND n < least({self.k}, sum(n) OVER (PARTITION BY j)) AS small "
            f"FROM {cells} AS cell)"
        )
        left = f"coalesce(sum(n) FILTER (NOT small) OVER (PARTITION BY {by}), 0)"
        return f"(SELECT {by}, n FROM (SELECT *, {left} AS kept FROM {told}) WHERE small OR kept < {self.k})"

    def _fetched(
        self, node: Node, few: str, parts: list[tuple[str, int, str]], groups: list[list[int]]
    ) -> Small:  # fmt: skip
        found = self.stored.connection.execute(f"SELECT * FROM {few}").fetchnumpy()
        people = found["n"].astype(np.int64)
        told = iter(_unpacked(found, "g", groups))
        values = np.zeros((len(node), len(people)), np.int32)
        for at, (axis, level, (_, width, _)) in enumerate(zip(self.axes, node, parts, strict=True)):
            if width > 1:
                code = next(told)
                values[at] = _one(axis, level)[code] if level else self.stored.places[self.columns[at]][code]
        return values, people


def _packed(parts: list[tuple[str, int]]) -> list[tuple[str, list[int]]]:
    """Numbers of which each holds several parts, with the widths of these."""
    out: list[tuple[list[str], list[int]]] = []
    size = WORD + 1
    for sql, width in parts:
        if size > WORD // width:
            out.append(([], []))
            size = 1
        out[-1][0].append(f"CAST({sql} AS BIGINT) * {size}")
        out[-1][1].append(width)
        size *= width
    return [(" + ".join(terms), widths) for terms, widths in out]


def _unpacked(found: dict[str, NDArray[np.int64]], name: str, words: list[list[int]]) -> list[NDArray[np.int64]]:
    """The parts of numbers, in their order."""
    out = []
    for number, widths in enumerate(words):
        key = found.pop(f"{name}{number}").astype(np.int64, copy=False)
        for width in widths:
            key, rest = np.divmod(key, width)
            out.append(rest)
    return out


def _one(axis: Axis, level: int) -> NDArray[np.int64]:
    """A value of each group of a level."""
    groups = axis.groups[level]
    one = np.zeros(axis.size(level), np.int64)
    one[groups] = np.arange(len(groups))
    return one


def _above(axis: Axis, level: int) -> Axis:
    """The axis whose values are the groups of a level."""
    return Axis(axis.column, axis.groups[level:][:, _one(axis, level)], axis.names[level:]) if level else axis
