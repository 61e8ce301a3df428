"""The lattice of all combinations of levels, and what a group of people becomes at one of them.

A node is one level per column. Everything runs on distinct combinations with counts, never on rows, and a node is
worked out from the smallest finer node that was worked out before (roll-up: LeFevre, DeWitt, Ramakrishnan,
*Incognito*, SIGMOD 2005).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Node = tuple[int, ...]
SMALL, SPARSE, DENSE = 1 << 16, 4, 1 << 26
"""Groups are counted in an array instead of sorted where at most this many, this many for each combination, and this
many in all are possible."""
KEPT = 40_000_000
"""Groups of earlier nodes that are kept in memory for roll-up, together."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One column. ``groups``: shape (levels + 1, values) int32, the group of each value at each level, 0 the value
    itself; a group of a level lies in one group of the next. ``names``: of the levels above the values.
    """

    column: str
    groups: NDArray[np.int32]
    names: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        return len(self.groups) - 1

    @property
    def single(self) -> bool:
        """Whether the top is one group, which tells nobody apart."""
        return not self.groups[-1].any()

    def size(self, level: int) -> int:
        """Groups at a level."""
        return int(self.groups[level].max(initial=-1)) + 1


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups at a node: ``first`` (m,) index of one combination of each, ``counts`` (m,) its people."""

    first: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Members:
    """The groups at a node with who is in them. ``of``: (n,) group of each combination; ``people``: (n,) of each;
    ``sizes``: (m,) people of each group; ``more``: (columns, n) codes of columns the groups are not made by.
    """

    of: NDArray[np.int64]
    people: NDArray[np.int64]
    sizes: NDArray[np.int64]
    more: NDArray[np.int32]


Promise = Callable[[Members], bool]
"""Whether a node keeps some other promise."""


Small = tuple["NDArray[np.int32]", "NDArray[np.int64]"]
"""(columns, m) a value of each column of each group that is too small, (m,) its people."""


class Lattice(Protocol):
    """What a search asks of the combinations, in memory (:class:`Problem`) or in the engine
    (:class:`~arengo.privacy.search.engine.InEngine`)."""

    axes: tuple[Axis, ...]
    k: int
    promise: Promise | None
    checked: int

    @property
    def rows(self) -> int: ...
    @property
    def shape(self) -> Node: ...
    def people(self, at: int) -> NDArray[np.int64]: ...
    def withheld(self, node: Node) -> int: ...
    def small(self, node: Node) -> Small: ...
    def fits(self, node: Node) -> bool: ...
    def promises(self, node: Node) -> bool: ...


@dataclass(slots=True)
class Problem:
    """``codes`` (columns, n) int32: values of the distinct combinations; ``counts`` (n,) int64 people of each.

    ``joint`` (n,) int64: class of what is public elsewhere, 0 for nobody in particular. People of one class must stay
    in groups of at least ``k`` of that class, or all together. ``limit``: share of people that may be withheld.
    ``more`` (columns, n): codes of other columns, for the promise.
    """

    axes: tuple[Axis, ...]
    codes: NDArray[np.int32]
    counts: NDArray[np.int64]
    k: int
    limit: float = 0.0
    joint: NDArray[np.int64] | None = None
    promise: Promise | None = None
    more: NDArray[np.int32] | None = None
    checked: int = 0
    _kept: dict[Node, Groups] = field(default_factory=dict)
    _sizes: list[tuple[int, Node]] = field(default_factory=list)  # of what is kept, the smallest first
    _alike: NDArray[np.int64] | None = None
    _last: tuple[Node, Groups] | None = None

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    @property
    def shape(self) -> Node:
        return tuple(axis.height + 1 for axis in self.axes)

    def people(self, at: int) -> NDArray[np.int64]:
        """People of each value of a column."""
        found = np.bincount(self.codes[at], weights=self.counts, minlength=self.axes[at].groups.shape[1])
        return found.astype(np.int64)

    def withheld(self, node: Node) -> int:
        """People who would have to be withheld at a node so that nobody stands in a group smaller than ``k``."""
        self.checked += 1
        return int(self._few(node).counts.sum())

    def small(self, node: Node) -> Small:
        """What would have to be withheld at a node."""
        few = self._few(node)
        return self.codes[:, few.first], few.counts

    def _few(self, node: Node) -> Groups:
        if self._last is not None and self._last[0] == node:
            return self._last[1]
        if self.joint is None:
            groups = self.groups(node)
            few = np.flatnonzero(groups.counts < self.k)
            made = Groups(groups.first[few], groups.counts[few])
        else:
            some = np.flatnonzero(self.violating(node))
            made = Groups(some, self.counts[some])
        self._last = (node, made)
        return made

    def violating(self, node: Node) -> NDArray[np.bool_]:
        """(n,) which combinations would have to be withheld at a node."""
        of, sums = self._of(self._codes_at(node, None))
        if self.joint is None:
            return np.asarray((sums < self.k)[of])
        if self._alike is None:
            _, self._alike = self._of([self.joint])
        by_class, sizes = self._of([of, self.joint])
        whole = self._alike[self._dense(self.joint)]
        small = (self.joint != 0) & (sizes[by_class] < np.minimum(self.k, whole))
        left = np.bincount(of, weights=np.where(small, 0, self.counts), minlength=len(sums))
        return np.asarray(small | (left < self.k)[of])

    def fits(self, node: Node) -> bool:
        return self.withheld(node) <= self.limit * self.rows

    def promises(self, node: Node) -> bool:
        """Whether the other promise is kept; it need not get better on the way up."""
        if self.promise is None:
            return True
        of, sums = self._of(self._codes_at(node, None))
        more = np.zeros((0, len(of)), np.int32) if self.more is None else self.more
        return self.promise(Members(of, self.counts, sums, more))

    def groups(self, node: Node) -> Groups:
        """By roll-up from the smallest finer node that is known."""
        found = self._kept.get(node)
        if found is not None:
            return found
        base = self._finer(node)
        first = None if base is None else base.first
        counts = self.counts if base is None else base.counts
        made = self._counted(self._codes_at(node, first), counts, first)
        if len(made.counts) * 2 < len(self.counts) or len(self.counts) < 100_000:
            while self._sizes and sum(size for size, _ in self._sizes) > KEPT:
                self._kept.pop(self._sizes.pop()[1])
            self._kept[node] = made
            insort(self._sizes, (len(made.counts), node))
        return made

    def _finer(self, node: Node) -> Groups | None:
        """The smallest finer node that is known."""
        for _, at in self._sizes:
            for low, high in zip(at, node, strict=True):
                if low > high:
                    break
            else:
                return self._kept[at]
        return None

    def _codes_at(self, node: Node, first: NDArray[np.int64] | None) -> list[NDArray[np.int64]]:
        out = []
        for axis, level, row in zip(self.axes, node, self.codes, strict=True):
            if level == axis.height and axis.single:
                continue
            held = row if first is None else row[first]
            out.append(axis.groups[level][held])
        return out

    def _counted(
        self, codes: Sequence[NDArray[np.int64]], counts: NDArray[np.int64], first: NDArray[np.int64] | None
    ) -> Groups:
        key, size = packed(codes, len(counts))
        if size <= min(max(SMALL, SPARSE * len(counts)), DENSE):
            sums = np.bincount(key, weights=counts, minlength=size)
            some = np.empty(size, np.int64)
            some[key] = np.arange(len(counts))
            there = np.flatnonzero(sums)
            picked, people = some[there], sums[there].astype(np.int64)
        else:
            order, ordered = in_order(key, size)
            starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
            picked, people = order[starts], np.add.reduceat(counts[order], starts)
        return Groups(picked if first is None else first[picked], people)

    def _of(self, codes: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(group of each combination from 0, people of each group)."""
        key, size = packed(codes, len(self.counts))
        if size > min(max(SMALL, SPARSE * len(self.counts)), DENSE):
            _, key = np.unique(key, return_inverse=True)
        else:
            key = self._dense(key)
        sums = np.bincount(key, weights=self.counts).astype(np.int64)
        return key, sums

    @staticmethod
    def _dense(key: NDArray[np.int64]) -> NDArray[np.int64]:
        there = np.zeros(int(key.max(initial=0)) + 1, np.int64)
        there[key] = 1
        return np.asarray((np.cumsum(there) - 1)[key])


def in_order(key: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(places of the numbers below ``size`` in their order, the numbers in order)."""
    bits = len(key).bit_length()
    if size >= 1 << (62 - bits):
        order = np.argsort(key)
        return order, key[order]
    # Sorting numbers that carry their place is several times faster than sorting places by their numbers.
    both = np.sort((key << bits) | np.arange(len(key)))
    return both & ((1 << bits) - 1), both >> bits


def packed(codes: Sequence[NDArray[np.int64]], length: int) -> tuple[NDArray[np.int64], int]:
    """One number for each combination, and how many there could be."""
    if not codes:
        return np.zeros(length, np.int64), 1
    key, size = np.zeros(length, np.int64), 1
    for row in codes:
        width = int(row.max(initial=0)) + 1
        if size > (1 << 62) // width:
            _, key = np.unique(key, return_inverse=True)
            size = int(key.max(initial=0)) + 1
        key = key * width + row
        size *= width
    return key, size


def axis(column: str, labels: Sequence[Sequence[object]], names: Sequence[str] = ()) -> Axis:
    """From the names of the groups of each value: ``labels[level][value]``, the finest first."""
    rows = []
    for level in labels:
        seen: dict[object, int] = {}
        rows.append([seen.setdefault(item, len(seen)) for item in level])
    return Axis(column, np.array(rows, np.int32).reshape(len(labels), -1), tuple(names))
