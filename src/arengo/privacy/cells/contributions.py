"""What is left when published sums are subtracted, by the rules for large contributions: (n, k) dominance and p %.

A total less the cells that are shown is the sum of those that were left out. Each of them may be hidden well, and yet
one contributor make up nearly all of what they are together; the second largest then knows the first (handbook 4.2; the
singletons of 4.3). What is subtracted may be cells of one table or of two. The city knows the largest contributions of
the candidate's cells and of no earlier table's, so that what is left is judged exactly where it is made of the
candidate's cells, else by what it could be at worst; where that does not settle it, a person looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import Frozen
from arengo.privacy.cells import rank, rules
from arengo.privacy.cells.atoms import NOISY, Atoms, Published, incidence
from arengo.privacy.cells.table import Sum
from arengo.privacy.finding import Finding
from arengo.privacy.release import Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.case import Case

MOST = 4_000
"""Cells with sums up to which their differences are judged."""
NEAR = 1e-6
CODE = "cells-sums-telling"
WHAT = "How much of the differences of sums is one contributor's"


@dataclass(frozen=True, slots=True)
class Known:
    """Of each cell of the candidate, as it was read: its sum, its two largest contributions, how many contribute (NaN
    where nobody says)."""

    sums: NDArray[np.float64]
    largest: NDArray[np.float64]
    second: NDArray[np.float64]
    many: NDArray[np.float64]


@dataclass(slots=True)
class Left:
    """Differences by whose figure contributors tell each other. ``telling``: of each the candidate's cell that is best
    left out against it. ``unknown``: how many may do so. ``releases``: earlier ones that take part."""

    telling: list[int] = field(default_factory=list)
    unknown: int = 0
    releases: set[str] = field(default_factory=set)
    skipped: int = 0


def differenced(
    case: Case, held: Atoms, others: Sequence[Published], mine: Published
) -> tuple[list[Finding], frozenset[int]]:  # fmt: skip
    """Findings ``cells-sums-telling`` and ``not-looked``, for each column of sums whose contributions are declared, and
    the candidate's cells that are best left out against the former."""
    out = []
    hide: set[int] = set()
    n, share = case.target.dominance
    for item, told in of(case, held, others, mine):
        if told.telling:
            hide |= set(told.telling)
            names = tuple(sorted(told.releases))
            facts = {
                "parts": len(told.telling), "column": item.column, "n": n, "share": round(share * 100),
                "p": round(case.target.p * 100), "where": ", ".join((case.release.label, *names)),
            }  # fmt: skip
            out.append(Finding(CODE, "block", Frozen(facts), (item.column,), names))
        if told.unknown or told.skipped:
            why = (
                f"{told.skipped:,} cells are more than are looked at" if told.skipped else
                f"{told.unknown:,} sums of {item.column} follow by subtraction, and no table says how large the "
                "largest contributions to them are"
            )  # fmt: skip
            out.append(Finding("not-looked", "review", Frozen({"what": WHAT, "why": why}), (item.column,)))
    return out, frozenset(hide)


def of(case: Case, held: Atoms, others: Sequence[Published], mine: Published) -> Iterator[tuple[Sum, Left]]:
    """What is left of each column of sums whose contributions were read."""
    wanted = [item for item in mine.layout.sums if item.largest]
    truth = _truth(case, mine) if wanted and mine.slack < NOISY else {}
    for item in wanted:
        concept = next((key for key, told in mine.sums.items() if told[0] == item.column), None)
        if concept is None or item.largest not in truth or item.column not in truth:
            continue
        nobody = np.full(len(mine.keys), np.nan)
        second = truth.get(item.second, truth[item.largest])  # not said: as much as the largest, at worst
        many = truth.get(item.contributors, truth.get(mine.layout.count, nobody))
        known = Known(truth[item.column], np.abs(truth[item.largest]), np.abs(second), many)
        tables = [(other, concept) for other in others if concept in other.sums and other.slack < NOISY]
        yield item, left(held, [*tables, (mine, concept)], known, case.target)


def _truth(case: Case, mine: Published) -> Mapping[str, NDArray[np.float64]]:
    """The candidate's figures and contributions as they were read, in the order of its cells."""
    from arengo.privacy.cells import step
    from arengo.privacy.cells.table import read

    table = read(case.connection, case.table, mine.layout, ())
    if table.repeated:
        return {}
    found = step.behind(case, mine.layout, table)
    place = {key: at for at, key in enumerate(table.keys)}
    order = [place.get(key, -1) for key in mine.keys]
    return {name: values[order] for name, values in found.items()} if -1 not in order else {}


def left(held: Atoms, tables: Sequence[tuple[Published, str]], known: Known, target: Target) -> Left:
    """``tables``: with the concept of the sum in each, the candidate last."""
    from scipy.sparse import vstack

    last = len(tables) - 1
    shown, sums, owner, kind, cell = [], [], [], [], []
    for number, (item, concept) in enumerate(tables):
        matrix, kinds = incidence(held, item)
        values = item.sums[concept][1]
        chosen = np.flatnonzero(~np.isnan(values) & (np.diff(matrix.indptr) > 0))
        shown.append(matrix[chosen])
        sums.append(values[chosen])
        owner.append(np.full(len(chosen), number))
        kind.append(kinds[chosen])
        cell.append(chosen)
    own, kinds = incidence(held, tables[last][0])
    figures = np.concatenate(sums)
    if len(figures) > MOST:
        return Left(skipped=len(figures))
    if not len(figures) or (figures < 0).any() or (known.sums < 0).any():
        return Left(skipped=len(figures)) if len(figures) else Left()
    stacked = vstack([*shown, own]).tocsr()
    nought = np.flatnonzero(figures == 0)  # nobody gave less than nothing
    there = np.asarray(stacked[nought].sum(axis=0)).ravel() == 0 if len(nought) else np.ones(len(held), bool)
    there &= np.asarray(stacked.sum(axis=0)).ravel() > 0
    stacked = stacked[:, np.flatnonzero(there)].tocsr()
    if not stacked.shape[1]:
        return Left()
    _, first = np.unique(rank.merged(stacked), return_index=True)
    stacked = stacked[:, first].tocsr()
    made = _Differences(stacked[: len(figures)].tocsr(), figures, np.concatenate(owner), np.concatenate(kind),
                        np.concatenate(cell), last)  # fmt: skip
    judge = _Judge(stacked[len(figures) :].tocsr(), kinds, known, target)
    out = Left()
    for columns, figure, rows in made.found():
        inner = [float(figures[row]) for row in rows[1:] if made.owner[row] != last]
        around = int(made.cell[rows[0]]) if rows and made.owner[rows[0]] == last and len(inner) == len(rows) - 1 else -1
        said = judge.of(columns, figure, around, max(inner, default=figure))
        if said == "block":
            mine = [row for row in rows if made.owner[row] == last]
            mine.sort(key=lambda row: (row == rows[0], float(figures[row])))
            wider = (row for row in mine if judge.with_(columns, figure, int(made.cell[row])) == "pass")
            out.telling.append(int(made.cell[next(wider, mine[0])]))
            out.releases |= {tables[made.owner[row]][0].release.label for row in rows if made.owner[row] != last}
        out.unknown += said == "review"
    return out


Parts = tuple[tuple[int, ...], float, tuple[int, ...]]


@dataclass(slots=True)
class _Differences:
    """Sums that follow from published ones and are none themselves."""

    matrix: Any
    figures: NDArray[np.float64]
    owner: NDArray[np.int64]
    kind: NDArray[np.int64]
    cell: NDArray[np.int64]
    last: int

    def found(self) -> list[Parts]:
        """(parts, sum, rows: the first less the others) of each set that only the candidate makes known."""
        listed = np.split(self.matrix.indices, self.matrix.indptr[1:-1])
        public = {tuple(sorted(map(int, item))) for item in listed}
        out: dict[tuple[int, ...], tuple[float, tuple[int, ...]]] = {}
        before: set[tuple[int, ...]] = set()
        for columns, figure, rows in self._nested():
            if columns in public:
                continue
            if (self.owner[list(rows)] == self.last).any():
                out.setdefault(columns, (figure, rows))
            else:
                before.add(columns)
        earlier = np.flatnonzero(self.owner != self.last)
        after = rank.derive(self.matrix, self.figures, pairs=False)
        prior = rank.derive(self.matrix[earlier], self.figures[earlier], pairs=False) if len(earlier) else None
        by_column = self.matrix.tocsc()
        for atom in np.flatnonzero(after.single):
            one = (int(atom),)
            if prior is not None and prior.single[atom]:
                before.add(one)
            elif one not in public and one not in out:
                near = [int(row) for row in by_column[:, [int(atom)]].indices]
                out[one] = (float(after.value[atom]), tuple(near))
        small = NEAR * max(float(self.figures.max()), 1.0)
        return [(columns, figure, rows) for columns, (figure, rows) in out.items()
                if columns not in before and figure > small]  # fmt: skip

    def _nested(self) -> Iterator[Parts]:
        """Each cell less all those of another kind inside it, and those that cover it less the cell."""
        groups: dict[tuple[int, int], list[int]] = {}
        for row, key in enumerate(zip(self.owner.tolist(), self.kind.tolist(), strict=True)):
            groups.setdefault(key, []).append(row)
        sizes = np.diff(self.matrix.indptr)
        for outer in groups.values():
            for inner in groups.values():
                if inner is outer:
                    continue
                common = (self.matrix[outer] @ self.matrix[inner].T).tocsr()
                for at, row in enumerate(outer):
                    met = slice(common.indptr[at], common.indptr[at + 1])
                    cells = np.array(inner)[common.indices[met]]
                    inside = cells[common.data[met] == sizes[cells]]
                    if len(inside):
                        yield self._less((row,), tuple(map(int, inside)))
                    if len(cells) > len(inside) and common.data[met].sum() == sizes[row]:
                        yield self._less(tuple(map(int, cells)), (row,))

    def _less(self, whole: tuple[int, ...], part: tuple[int, ...]) -> Parts:
        columns = np.setdiff1d(self.matrix[list(whole)].indices, self.matrix[list(part)].indices)
        figure = float(self.figures[list(whole)].sum() - self.figures[list(part)].sum())
        return tuple(map(int, columns)), figure, (*whole, *part)


@dataclass(slots=True)
class _Judge:
    """``own``: the parts that each of the candidate's cells holds, shown or not; ``kinds``: cells of one do not
    overlap."""

    own: Any
    kinds: NDArray[np.int64]
    known: Known
    target: Target

    def of(self, columns: tuple[int, ...], figure: float, around: int, most: float) -> str:
        """pass, review or block. ``around``: the candidate's cell from which sums of at most ``most`` were taken, -1
        for none."""
        met = np.asarray(self.own[:, list(columns)].sum(axis=1)).ravel()
        sizes = np.diff(self.own.indptr)
        out = "review"
        for kind in np.unique(self.kinds[met > 0]):
            cells = np.flatnonzero((met > 0) & (self.kinds == kind))
            if np.isnan(self.known.sums[cells]).any() or np.isnan(self.known.largest[cells]).any():
                continue
            inside = cells[met[cells] == sizes[cells]]
            rest = figure - float(self.known.sums[inside].sum())
            sure = [*self.known.largest[inside], *np.nan_to_num(self.known.second[inside])]
            if abs(rest) <= NEAR * max(figure, 1.0):
                many = float(self.known.many[inside].sum())
                return "block" if self._fails(figure, sure, None if np.isnan(many) else many) else "pass"
            partly = cells[met[cells] < sizes[cells]]
            may = [min(float(item), rest) for item in
                   (*self.known.largest[partly], *np.nan_to_num(self.known.second[partly]))]  # fmt: skip
            if met[cells].sum() < len(columns):
                may.append(rest)
            if not self._fails(figure, [*sure, *may], None):
                return "pass"
            if around in partly:
                both = (float(self.known.largest[around]), float(np.nan_to_num(self.known.second[around])))
                sure += [item for item in both if most < item <= figure]
            if sure and self._fails(figure, sure, None):
                out = "block"
        return out

    def with_(self, columns: tuple[int, ...], figure: float, cell: int) -> str:
        """What is left were it left with one more of the candidate's cells."""
        more = {int(atom) for atom in self.own[[cell]].indices}
        if more & set(columns):
            return "review"
        return self.of(tuple(sorted({*columns, *more})), figure + float(self.known.sums[cell]), -1, 0.0)

    def _fails(self, figure: float, contributions: Sequence[float], many: float | None) -> bool:
        """Whether the two largest of ``contributions`` break a rule for their sum."""
        first, second = [*sorted(contributions, reverse=True), 0.0, 0.0][:2]
        first = min(first, figure)
        second = min(second, figure - first)
        n, share = self.target.dominance
        sums, top, next_ = (np.array([item]) for item in (figure, first, second))
        counted = None if many is None else np.array([many])
        return bool(
            rules.dominated(sums, top, next_, counted, n, share)[0]
            or rules.estimable(sums, top, next_, self.target.p)[0]
        )
