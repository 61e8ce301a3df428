"""Which cells of a table must be left out beside earlier tables, so that no small part of the population follows.

The sums are those an attacker has: each shown cell, the table's own and those of earlier tables, is the sum of the
parts of the population it counts. Earlier cells are known and stay known; what may move are the table's own. That is
complementary suppression (:mod:`arengo.privacy.cells.suppress`) over all tables at once, with the parts that follow
now as what must be hidden (privacy.md, section 3, steps 6 and 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.errors import ArengoError
from arengo.privacy.cells import rank, suppress
from arengo.privacy.cells.table import COUNT, Equation, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.cells.differencing import Exposed, System

PROGRAM = 100_000
"""Cells times their parts up to which a program is posed; a larger system loses the smallest cells that take part."""
SECONDS = 10.0


def to_hide(found: Exposed, threshold: int) -> set[int]:
    """The table's own cells (their places in it) that must go so that none of the parts ``found`` follows.

    Empty where nothing follows. Parts that can only be estimated closely are widened as well.
    """
    system = found.system
    if system is None or not (found.counts or found.pinned):
        return set()
    parts = list(system.parts)
    if found.pinned and not parts:
        parts = [(int(part),) for part in np.flatnonzero(system.near)]
    try:
        made = _program(system, parts, threshold)
    except ArengoError:
        made = set()
    return made or _smallest(system, found)


def _program(system: System, parts: list[tuple[int, ...]], threshold: int) -> set[int]:
    """By complementary suppression over what is connected with the parts."""
    if not parts:
        return set()
    _, group = rank.connected(system.matrix)
    columns = system.matrix.tocsc()
    touched = np.unique(np.concatenate([columns[:, list(part)].indices for part in parts]))
    rows = np.flatnonzero(np.isin(group, np.unique(group[touched])))
    matrix = system.matrix[rows]
    if matrix.nnz > PROGRAM or not len(rows):
        return set()
    atoms = np.unique(matrix.indices)
    place = {int(atom): len(rows) + at for at, atom in enumerate(atoms)}
    sizes = _sizes(system, matrix, system.figures[rows])
    if sizes is None:
        return set()
    values = [*system.figures[rows].tolist(), *sizes[atoms].tolist()]
    counts = np.split(matrix.indices, matrix.indptr[1:-1])
    equations = [Equation(at, tuple(place[int(atom)] for atom in counted)) for at, counted in enumerate(counts)]
    targets = []
    for part in parts:
        if len(part) > 1:
            equations.append(Equation(len(values), tuple(place[atom] for atom in part)))
            targets.append(len(values))
            values.append(float(sum(sizes[list(part)])))
        else:
            targets.append(place[part[0]])
    table = Table((), tuple((str(at),) for at in range(len(values))), {COUNT: np.array(values)}, (), "",
                  tuple(equations))  # fmt: skip
    hidden = np.arange(len(values)) >= len(rows)
    known = np.zeros(len(values), bool)
    known[: len(rows)] = ~system.mine[rows]
    first = np.zeros(len(values), bool)
    first[targets] = True
    width = np.full(len(values), float(threshold))
    done = suppress.protect(table, COUNT, first, width, already=hidden, fixed=known, seconds=SECONDS)
    gone = np.flatnonzero(done.withheld[: len(rows)] & system.mine[rows])
    return {int(system.cell[rows[at]]) for at in gone}


def _sizes(system: System, matrix: Any, figures: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """How many persons each part has: as the register says, else any way that makes the figures."""
    if not np.isnan(system.sizes).any():
        return system.sizes
    from scipy.optimize import linprog

    found = linprog(np.zeros(matrix.shape[1]), A_eq=matrix, b_eq=figures, bounds=(0, None), method="highs",
                    options={"time_limit": SECONDS})  # fmt: skip
    return None if found.x is None else np.asarray(found.x, float)


def _smallest(system: System, found: Exposed) -> set[int]:
    """The smallest cell that takes part in each."""
    figure = {int(cell): float(system.figures[at]) for at, cell in enumerate(system.cell) if system.mine[at]}
    out: set[int] = set()
    for cells in found.cells:
        shown = [cell for cell in cells if cell in figure]
        if shown and not out & set(shown):
            out.add(min(shown, key=lambda cell: (figure[cell], cell)))
    return out
