"""How closely small parts can be estimated from all tables of a population together, where none is derivable.

The tables are one system of sums over whole numbers of persons. What is derivable is taken out of it, which lets it
fall into connected pieces; each piece is solved alone, those with the smallest parts first, until the time is used up.
Bounds are rounded inwards to whole persons, and where three tables or more meet in a small piece whole solutions are
looked for (a sum of two partitions has whole corners anyway; Hoffman and Kruskal, *Integral boundary points of convex
polyhedra*, 1956). What is left over is said with the tables it lies in (privacy.md, section 3, step 6 (ii)).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.privacy.cells import rank
from arengo.privacy.cells.attacker import Bounds, bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.cells.parts import Rows

SECONDS = 6.0
"""For linear programs of one verdict."""
PROGRAM = 100_000
"""Cells times their parts up to which a linear program is posed at all."""
DIVIDED = 4_000_000
"""Cells times their parts up to which pieces that are not connected are looked for."""
WHOLE = 400
"""Parts of a piece up to which whole solutions are looked for."""
SHARE = 4
"""Whole solutions are looked for where the interval is narrower than so many thresholds."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """``parts``: how many are pinned down more closely than the threshold by the candidate. ``unlooked``: how many the
    time did not suffice for, in cells of the releases of these numbers (``within``). ``solved``: programs.
    """

    parts: int = 0
    unlooked: int = 0
    within: tuple[int, ...] = ()
    solved: int = 0


def pinned(
    rows: Rows, matrix: Any, figures: NDArray[np.float64], sizes: NDArray[np.float64], small: NDArray[np.bool_],
    derived: NDArray[np.bool_], last: int, threshold: int,
) -> Pinned:  # fmt: skip
    """``matrix``: sparse (cells, parts); ``figures``: their counts; ``sizes``: persons of each part, the truth.
    ``small``: parts that must not be known; ``derived``: those that are, and so are no question."""
    mine = np.flatnonzero(rows.owner == last)
    touched = np.asarray(matrix[mine].sum(axis=0)).ravel() > 0
    targets = small & ~derived
    if not targets.any() or not touched.any():
        return Pinned()
    if matrix.nnz > DIVIDED:
        owners = tuple(int(item) for item in np.unique(rows.owner) if item != last)
        return Pinned(0, int(targets.sum()), owners)
    until = time.monotonic() + SECONDS
    known = np.where(derived, sizes, 0.0)
    low = figures - rows.slack - matrix @ known
    high = figures + rows.slack - matrix @ known
    open_ = np.flatnonzero(~derived)
    rest = matrix[:, open_].tocsr() if len(open_) < matrix.shape[1] else matrix
    filled = np.flatnonzero(np.diff(rest.indptr) > 0)
    rest = rest[filled]
    pieces = _pieces(rest, rows.owner[filled] == last, np.where(targets[open_], sizes[open_], np.inf))
    found, unlooked, solved = 0, 0, 0
    within: set[int] = set()
    for cells, columns in pieces:
        asked = columns[targets[open_][columns]]
        if rest[cells].nnz > PROGRAM or time.monotonic() >= until:
            unlooked += len(asked)
            within.update(map(int, rows.owner[filled[cells]]))
            continue
        piece = _Piece(rest[cells][:, columns].tocsr(), low[filled[cells]], high[filled[cells]],
                       rows.owner[filled[cells]], sizes[open_][columns], threshold, until)  # fmt: skip
        order = np.argsort(sizes[open_][asked], kind="stable")
        place = np.searchsorted(columns, asked[order])
        told = piece.look(place, last)
        found += told.parts
        solved += told.solved
        if told.unlooked:
            unlooked += told.unlooked
            within.update(map(int, rows.owner[filled[cells]]))
    return Pinned(found, unlooked, tuple(sorted(within - {last})), solved)


def _pieces(
    matrix: Any, mine: NDArray[np.bool_], sizes: NDArray[np.float64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(cells, parts) of each connected piece that the candidate touches, the one with the smallest asked part first.
    ``sizes``: infinite where nothing is asked."""
    _, group = rank.connected(matrix)
    out = []
    for number in np.unique(group[mine]):
        cells = np.flatnonzero(group == number)
        there = np.zeros(matrix.shape[1], bool)
        there[matrix[cells].indices] = True
        columns = np.flatnonzero(there)
        if np.isfinite(sizes[columns]).any():
            out.append((float(sizes[columns].min()), len(columns), cells, columns))
    out.sort(key=lambda item: item[:2])
    return [(cells, columns) for _, _, cells, columns in out]


@dataclass(frozen=True, slots=True)
class _Piece:
    matrix: Any
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    owner: NDArray[np.int64]
    sizes: NDArray[np.float64]
    threshold: int
    until: float

    def look(self, targets: NDArray[np.int64], last: int) -> Pinned:
        enough = np.full(len(targets), float(self.threshold))
        place = {int(target): at for at, target in enumerate(targets)}
        promised = np.zeros(len(targets), bool)
        for row in np.flatnonzero(np.diff(self.matrix.indptr) == 1):  # a rounded cell keeps what its rounding promised
            at = place.get(int(self.matrix.indices[self.matrix.indptr[row]]))
            if at is not None:
                enough[at] = min(enough[at], float(self.high[row] - max(self.low[row], 0.0)))
                promised[at] = True
        # Whole numbers between two bounds may be up to two fewer than the bounds are apart.
        found = self._bounds(slice(None), targets, np.where(promised, enough, enough + 2))
        width = np.where(promised, found.width, _whole(found))
        narrow = found.looked & (width < enough - 1e-6)
        solved = found.solved
        left = np.flatnonzero(found.looked & ~narrow & ~promised & (width < SHARE * enough))
        if len(left) and len(np.unique(self.owner)) > 2 and self.matrix.shape[1] <= WHOLE:
            again = self._bounds(slice(None), targets[left], enough[left], whole=True)
            narrow[left[again.looked & (again.width < enough[left] - 0.5)]] = True
            width[left] = np.minimum(width[left], again.width)
            solved += again.solved
        unlooked = int((~found.looked).sum())
        if not narrow.any():
            return Pinned(0, unlooked, (), solved)
        # What earlier tables pin down as closely is not the candidate's doing.
        suspect = np.flatnonzero(narrow)
        before = self._bounds(np.flatnonzero(self.owner != last), targets[suspect], width[suspect] + 2.5)
        fresh = ~before.looked | (_whole(before) > width[suspect] + 0.25)
        return Pinned(int(fresh.sum()), unlooked, (), solved + before.solved)

    def _bounds(
        self, rows: Any, targets: NDArray[np.int64], enough: NDArray[np.float64], whole: bool = False
    ) -> Bounds:  # fmt: skip
        left = max(self.until - time.monotonic(), 0.5)
        return bounds(self.matrix[rows], self.low[rows], self.high[rows], targets, enough, known=self.sizes,
                      seconds=left, whole=whole)  # fmt: skip


def _whole(found: Bounds) -> NDArray[np.float64]:
    """How far apart the outermost whole numbers within the bounds are."""
    made: NDArray[np.float64] = np.floor(found.upper + 1e-6) - np.ceil(found.lower - 1e-6)
    return made


def labels(numbers: Sequence[int], names: Sequence[str], most: int = 4) -> str:
    """Releases as a sentence names them."""
    told = [names[number] for number in numbers]
    return ", ".join(told[:most]) + (f" and {len(told) - most} more" if len(told) > most else "")
