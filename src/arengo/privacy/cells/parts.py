"""Small parts of a population that published cells set apart: those the rank test finds, and differences of cells.

Each part is a set of merged atoms, known by a mark (a sum of random numbers), so that it is told once however often it
can be worked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.privacy.cells import rank
from arengo.privacy.cells.atoms import Atoms, Published, incidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

MANY = 50_000
"""Atoms from which cells are compared by one number an atom and kind instead of by multiplying matrices."""


@dataclass(slots=True)
class Rows:
    """Cells of several releases over one set of atoms. ``owner``: index of the release (the candidate is last)."""

    matrix: Any
    figures: NDArray[np.float64]
    slack: NDArray[np.float64]
    owner: NDArray[np.int64]
    cell: NDArray[np.int64]
    kind: NDArray[np.int64]


def stack(held: Atoms, tables: Sequence[Published]) -> Rows:
    from scipy.sparse import vstack

    parts, figures, slack, owner, cell, kind = [], [], [], [], [], []
    for number, item in enumerate(tables):
        matrix, kinds = incidence(held, item)
        chosen = np.flatnonzero(item.shown & (np.diff(matrix.indptr) > 0))
        parts.append(matrix if len(chosen) == matrix.shape[0] else matrix[chosen])
        figures.append(item.figures[chosen])
        slack.append(np.full(len(chosen), item.slack))
        owner.append(np.full(len(chosen), number))
        cell.append(chosen)
        kind.append(kinds[chosen])
    return Rows(vstack(parts).tocsr(), *(np.concatenate(item) for item in (figures, slack, owner, cell, kind)))


def own_cells(matrix: Any, rows: Rows, last: int) -> set[tuple[int, int]]:
    """Marks of what the candidate shows as cells: the rule for single cells has judged them."""
    mine = np.flatnonzero(rows.owner == last)
    return {(int(a), int(b)) for a, b in rank.signatures(matrix[mine])} if len(mine) else set()


class Parts:
    """Collects parts with few persons, each once, by its mark."""

    def __init__(
        self, matrix: Any, figures: NDArray[np.float64], sizes: NDArray[np.float64], truth: bool, below: int
    ) -> None:
        self._matrix, self._figures, self._sizes, self._truth, self._below = matrix, figures, sizes, truth, below
        draws = np.random.default_rng(20_260).integers(0, 2**63, (matrix.shape[1], 2), dtype=np.int64)
        self._draws = draws
        self._found: dict[tuple[int, int], tuple[tuple[int, ...], float, tuple[int, ...]]] = {}
        self._skip: set[tuple[int, int]] = set()

    def _mark(self, columns: Any) -> tuple[int, int]:
        a, b = self._draws[columns].sum(axis=0).view(np.uint64)
        return int(a), int(b)

    def _few(self, count: float) -> bool:
        return bool(0.5 < count < self._below - 0.5)

    def take(self, after: rank.Derived, prior: rank.Derived, own: set[tuple[int, int]]) -> None:
        """Atoms and unions of two that the rank test found and that were not derivable before."""
        self._skip |= own
        for atom in np.flatnonzero(prior.single):
            self._skip.add(self._mark([atom]))
        for a, b, _ in prior.pairs:
            self._skip.add(self._mark([a, b]))
        for atom in np.flatnonzero(after.single):
            self._add([int(atom)], self._sizes[atom] if self._truth else after.value[atom], ())
        for a, b, told in after.pairs:
            self._add([a, b], self._sizes[a] + self._sizes[b] if self._truth else told, ())

    def _add(self, columns: list[int], count: float, cells: tuple[int, ...]) -> None:
        if not self._few(float(count)):
            return
        mark = self._mark(columns)
        if mark not in self._skip:
            held = self._found.get(mark)
            if held is None or (cells and not held[2]):
                self._found[mark] = (tuple(columns), float(count), cells)

    def nested(self, rows: Rows, last: int, before: NDArray[np.int64]) -> None:
        """Differences of a cell and cells inside it, and of cells that cover it together, one of them the candidate's.

        For each new cell and each set of disjoint cells of another table: what is left of it when those inside are
        taken away, and what those that touch it have beyond it; and the same with the sides changed.
        """
        exact = np.flatnonzero(rows.slack == 0)
        marks = rank.signatures(self._matrix[exact])
        known = {(int(a), int(b)) for at, (a, b) in zip(exact, marks, strict=True) if rows.owner[at] != last}
        self._skip |= known
        fresh = [
            int(at) for at, (a, b) in zip(exact, marks, strict=True)
            if rows.owner[at] == last and (int(a), int(b)) not in known
        ]  # fmt: skip
        if not fresh:
            return
        new = np.array(fresh)
        groups: dict[tuple[int, int], list[int]] = {}
        for at in exact:
            groups.setdefault((int(rows.owner[at]), int(rows.kind[at])), []).append(int(at))
        mine: dict[int, list[int]] = {}
        for row in fresh:
            mine.setdefault(int(rows.kind[row]), []).append(row)
        own = [(np.array(part), self._places(np.array(part))) for part in mine.values()]
        for (owner, _), listed in groups.items():
            cells = np.array(listed)
            places = self._places(cells)
            if places is None:
                self._between(new, cells, None)
            for part, here in own:
                if places is not None:
                    self._between(part, cells, _common(here, places, len(part), len(cells)))
                if owner != last:
                    self._between(cells, part, _common(places, here, len(cells), len(part)))

    def _places(self, cells: NDArray[np.int64]) -> NDArray[np.int32] | None:
        """Of each atom which of some disjoint cells it is in, -1 for none; None where matrices are quick enough."""
        if self._matrix.shape[1] < MANY:
            return None
        part = self._matrix[cells]
        out = np.full(self._matrix.shape[1], -1, np.int32)
        out[part.indices] = np.repeat(np.arange(len(cells), dtype=np.int32), np.diff(part.indptr))
        return out

    def _between(self, outer: NDArray[np.int64], inner: NDArray[np.int64], met: Any) -> None:
        """``outer`` cells against the disjoint ``inner`` ones. ``met``: how many atoms each two share."""
        left, right = self._matrix[outer], self._matrix[inner]
        common = (left @ right.T).tocoo() if met is None else met
        size = np.diff(right.indptr)
        inside = common.data == size[common.col]
        weight = self._figures
        if np.isnan(weight[outer]).all():
            return
        taken = np.zeros(len(outer))
        np.add.at(taken, common.row[inside], weight[inner][common.col[inside]])
        count = np.zeros(len(outer), np.int64)
        np.add.at(count, common.row[inside], 1)
        rest = weight[outer] - taken
        touched = np.zeros(len(outer))
        np.add.at(touched, common.row, weight[inner][common.col])
        covered = np.zeros(len(outer), np.int64)
        np.add.at(covered, common.row, common.data)
        beyond = np.where(covered == np.diff(left.indptr), touched - weight[outer], np.nan)
        for at in np.flatnonzero((count > 0) & (rest > 0.5) & (rest < self._below - 0.5)):
            chosen = common.col[(common.row == at) & inside]
            self._set(left[at].indices, right[chosen].indices, float(rest[at]), (outer[at], *inner[chosen]))
        for at in np.flatnonzero((beyond > 0.5) & (beyond < self._below - 0.5)):
            chosen = common.col[common.row == at]
            self._set(right[chosen].indices, left[at].indices, float(beyond[at]), (outer[at], *inner[chosen]))
        # One cell less one other, where several are inside.
        for at in np.flatnonzero(count > 1):
            chosen = common.col[(common.row == at) & inside]
            each = weight[outer[at]] - weight[inner[chosen]]
            for place in np.flatnonzero((each > 0.5) & (each < self._below - 0.5)):
                other = right[chosen[place]].indices
                self._set(left[at].indices, other, float(each[place]), (outer[at], inner[chosen[place]]))

    def _set(self, whole: Any, less: Any, count: float, cells: tuple[Any, ...]) -> None:
        columns = np.setdiff1d(whole, less)
        if len(columns):
            self._add([int(item) for item in columns], count, tuple(int(item) for item in cells))

    def done(self) -> list[tuple[tuple[int, ...], int]]:
        """The parts found, with how many persons each has; the smallest sets first."""
        listed = sorted(self._found.values(), key=lambda item: (len(item[0]), item[0]))
        return [(columns, round(count)) for columns, count, _ in listed]

    def counted(self, parts: Sequence[tuple[tuple[int, ...], int]]) -> tuple[tuple[int, ...], int]:
        """(persons in each part, persons in all of them together) of what :meth:`done` gave. A part that holds a
        smaller one with as many persons is that one: what it has beyond it is nobody. Somebody in two parts is one
        person; where no register tells who is in both, those of the second are left uncounted."""
        told: list[tuple[frozenset[int], int]] = []
        within: dict[int, list[int]] = {}
        for columns, count in parts:
            met = {number for column in columns for number in within.get(column, ())}
            if any(told[number][1] == count and told[number][0] <= set(columns) for number in met):
                continue
            for column in columns:
                within.setdefault(column, []).append(len(told))
            told.append((frozenset(columns), count))
        counts = tuple(count for _, count in told)
        if self._truth:
            return counts, round(float(self._sizes[list(within)].sum()))
        alone = {next(iter(columns)): count for columns, count in told if len(columns) == 1}
        people, seen = sum(alone.values()), set(alone)
        for part, count in told:
            if len(part) > 1 and not (part & seen) - alone.keys():
                people += count - sum(alone.get(column, 0) for column in part)
                seen |= part
        return counts, people

    def before(self, prior: rank.Derived, published: Any) -> int:
        """Small parts that earlier tables give away without being cells of theirs."""
        told = {(int(a), int(b)) for a, b in rank.signatures(published)} if published.shape[0] else set()
        sizes = self._sizes if self._truth else prior.value
        return sum(
            self._few(float(sizes[atom])) and self._mark([atom]) not in told for atom in np.flatnonzero(prior.single)
        )

    def explain(
        self, rows: Rows, last: int, parts: list[tuple[tuple[int, ...], int]], others: list[Published]
    ) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
        """Labels of the earlier releases that give the parts away with the candidate, and the candidate's cells that
        take part in each. A release alone with the candidate when that suffices, else all that are connected.
        """
        if not parts:
            return (), ()
        by_columns = {item[0]: item[2] for item in self._found.values()}
        owners: set[int] = set()
        exact = rows.slack == 0
        open_: list[tuple[int, ...]] = []
        cells: list[tuple[int, ...]] = []
        columns_of = self._matrix.tocsc()
        for columns, _ in parts:
            used = by_columns[columns]
            if used:
                owners.update(int(rows.owner[cell]) for cell in used)
                cells.append(tuple(int(rows.cell[cell]) for cell in used if rows.owner[cell] == last))
            else:
                open_.append(columns)
                near = np.unique(columns_of[:, list(columns)].indices)
                cells.append(tuple(int(rows.cell[row]) for row in near if rows.owner[row] == last and exact[row]))
        for number in range(len(others)):
            if not open_:
                break
            chosen = np.flatnonzero(exact & np.isin(rows.owner, (number, last)))
            alone = rank.derive(self._matrix[chosen], self._figures[chosen], pairs=False)
            solved = [columns for columns in open_ if alone.single[list(columns)].all()]
            if solved:
                owners.add(number)
                open_ = [columns for columns in open_ if columns not in solved]
        for columns in open_:
            near = np.unique(columns_of[:, list(columns)].indices)
            owners.update(int(rows.owner[row]) for row in near if exact[row])
        names = (others[number].release.label for number in sorted(owners - {last}))
        return tuple(dict.fromkeys(names)), tuple(cells)


def _common(one: NDArray[np.int32] | None, two: NDArray[np.int32] | None, ones: int, twos: int) -> Any:
    """Sparse (ones, twos): how many atoms two cells of two sets of disjoint cells share; None without their places."""
    from scipy.sparse import coo_array

    if one is None or two is None:
        return None
    both = (one >= 0) & (two >= 0)
    key = one[both].astype(np.int64) * twos + two[both]
    if ones * twos <= 8 * len(one):
        counts = np.bincount(key, minlength=ones * twos)
        found = np.flatnonzero(counts)
        counts = counts[found]
    else:
        found, counts = np.unique(key, return_counts=True)
    return coo_array((counts, (found // twos, found % twos)), shape=(ones, twos))
