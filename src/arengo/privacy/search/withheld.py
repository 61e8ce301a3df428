"""Of whom a table must say less, so that nobody stands in a small group together with what is public already.

People who are alike in everything that is public make a class. What the table tells of a class divides it into cells,
and whoever knows the class sees who is missing as well: those left out are a cell, too. Each cell must hold at least
``k`` people, or the whole class (privacy.md, section 3, step 3: *missing* is a value like others). People of small
cells are left out; when they would be too few among those left out, some of large cells join them.

The fewest are sought cell by cell, the smallest first; it is no proof that no smaller set would do.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN, BLANK, OUT = 0, 1, 2
"""What is told of a person: everything, all but some columns, nothing."""
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class People:
    """One entry a person, all of shape (n,). ``other``: class by all that is public elsewhere, -1 for people of no
    class that must be kept whole. ``shown``: what the table tells of the person, ``blank``: the same without the
    columns that may be left out (-1: nothing may). ``draw``: an order that only the city knows, so that it is the same
    people at the next publication. ``fixed``: of whom nothing can be changed, since it is public already.
    """

    other: NDArray[np.int64]
    shown: NDArray[np.int64]
    blank: NDArray[np.int64]
    draw: NDArray[np.int64]
    fixed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.other)


def choose(people: People, k: int, least: NDArray[np.int8], whole: bool = False) -> NDArray[np.int8]:
    """What is told of each person (:data:`SHOWN`, :data:`BLANK`, :data:`OUT`), shape (n,). ``least``: what must be
    left out at least. ``whole``: it is not known whose row is whose, so who is told the same is left out together, and
    who is missing cannot be told.
    """
    state = least.copy()
    if not len(people):
        return state
    order = np.lexsort((people.draw, people.other))
    bounds = np.flatnonzero(np.diff(people.other[order], prepend=np.int64(-2)))
    classes = {int(people.other[order[start]]): order[start:end]
               for start, end in zip(bounds, [*bounds[1:].tolist(), len(order)], strict=True)}  # fmt: skip
    open_ = _open(people, k, state)
    while open_:
        for name in sorted(open_):
            members = classes[name]
            state[members] = _Class(people, members, state[members], k, whole).settled()
        if not whole:
            break
        gone = np.isin(people.shown, people.shown[state == OUT]) & (state != OUT)
        state[gone] = OUT
        open_ = {int(item) for item in np.unique(people.other[gone]) if item >= 0}
    return state


def _open(people: People, k: int, state: NDArray[np.int8]) -> set[int]:
    """Classes with a small cell, or of which somebody is left out."""
    kept = people.other >= 0
    if not kept.any():
        return set()
    pairs, inverse, sizes = np.unique(
        np.stack([people.other[kept], people.shown[kept]]), axis=1, return_inverse=True, return_counts=True
    )
    small = sizes[inverse.ravel()] < k
    return {int(item) for item in np.unique(people.other[kept][small | (state[kept] > SHOWN)])} if pairs.size else set()


class _Class:
    """The people of one class, in the order of their draw."""

    def __init__(
        self, people: People, members: NDArray[np.int64], state: NDArray[np.int8], k: int, whole: bool
    ) -> None:
        self._shown: list[int] = people.shown[members].tolist()
        self._blank: list[int] = people.blank[members].tolist()
        self._fixed: list[bool] = people.fixed[members].tolist()
        self._state: list[int] = state.tolist()
        self._k = k
        self._whole = whole

    def settled(self) -> list[int]:
        """Each turn leaves more out, so it comes to an end."""
        while True:
            cells = self._cells()
            small = [cell for cell, held in cells.items() if len(held) < self._k and len(held) < len(self._state)]
            if self._whole:
                small = [cell for cell in small if cell[0] != OUT]
            small = [cell for cell in small if cell[0] == OUT or any(not self._fixed[at] for at in cells[cell])]
            if not small or not self._turn(cells, sorted(small)):
                return self._state

    def _cells(self) -> dict[Cell, list[int]]:
        out: dict[Cell, list[int]] = defaultdict(list)
        for at, state in enumerate(self._state):
            out[(state, (self._shown[at], self._blank[at], 0)[state])].append(at)
        return out

    def _turn(self, cells: dict[Cell, list[int]], small: list[Cell]) -> bool:
        shown = [cell for cell in small if cell[0] == SHOWN]
        if shown:
            return self._all_less([at for cell in shown for at in cells[cell]])
        cell = small[0]  # what is partly told before what is not told at all
        if self._filled(cells, cell):
            return True
        return cell[0] == BLANK and self._all_less(cells[cell])

    def _all_less(self, members: list[int]) -> bool:
        """Less is told of each; whether that changed anything."""
        free = [at for at in members if not self._fixed[at] and self._state[at] != OUT]
        for at in free:
            self._state[at] = BLANK if self._state[at] == SHOWN and self._blank[at] >= 0 else OUT
        return bool(free)

    def _filled(self, cells: dict[Cell, list[int]], cell: Cell) -> bool:
        """Others of the class join a small cell: from large ones as many as these can spare, else a whole one."""
        kind, code = cell
        need = self._k - len(cells[cell])
        givers: list[tuple[Cell, list[int]]] = []
        for other, held in cells.items():
            free = [at for at in held if not self._fixed[at] and (kind == OUT or self._blank[at] == code)]
            if other[0] < kind and free:
                givers.append((other, free))
        givers.sort(key=lambda item: (-len(cells[item[0]]), item[0]))
        spare = {other: min(len(free), max(len(cells[other]) - self._k, 0)) for other, free in givers}
        if sum(spare.values()) >= need:
            for other, free in givers:
                taken = min(need, spare[other])
                need -= taken
                for at in free[:taken]:
                    self._state[at] = kind
            return True
        if not givers:
            return False
        for at in givers[-1][1]:
            self._state[at] = kind
        return True
