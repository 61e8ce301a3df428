"""Complementary suppression: which other cells must be withheld so that the first ones cannot be worked out.

For each cell that must be protected, a second table is looked for that the attacker cannot tell from the true one: it
has the same sums, differs only in withheld cells, and in the protected cell by at least its protection width. Its
existence proves that the attacker's interval is that wide (Fischetti and Salazar, *Solving the cell suppression
problem on tabular data with linear constraints*, Management Science 2001). Small tables are solved to the optimum in
one mixed-integer program; larger ones cell by cell, each at least cost given those before, and then thinned out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.errors import BadQuery
from arengo.privacy.cells.attacker import TINY, audit
from arengo.privacy.cells.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT = 6_000
"""Unknowns (cells times protected cells) up to which one program is solved to the optimum."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """``withheld``: (n,) bool, ``first``: those that had to be. ``cost``: of the others, as :func:`costs` counts.
    ``optimal``: whether it was proved that no cheaper set does. ``open``: protected cells whose width was not reached
    (in no table is it: a sum of one cell that is itself shown, say) — they are in ``withheld`` with all they add up to.
    """

    withheld: NDArray[np.bool_]
    first: NDArray[np.bool_]
    cost: float
    optimal: bool
    open: int = 0

    @property
    def second(self) -> int:
        return int((self.withheld & ~self.first).sum())


@dataclass(frozen=True, slots=True)
class _Task:
    """Per cell, but ``matrix`` @ ``values`` == 0 and ``targets``, which are the cells to protect by ``width``.

    ``low``: the least a reader would believe. ``start``: withheld before anything is looked for. ``price``: of
    withholding it; ``free``: 0.0 where that is of no use, 1.0 elsewhere.
    """

    matrix: Any
    values: NDArray[np.float64]
    low: NDArray[np.float64]
    start: NDArray[np.bool_]
    price: NDArray[np.float64]
    free: NDArray[np.float64]
    targets: list[int]
    width: NDArray[np.float64]


def costs(table: Table, measure: str) -> NDArray[np.float64]:
    """What it costs to withhold each cell: mostly one, sums and large cells more, empty cells most, as readers may know
    that a cell can only be empty.
    """
    values = np.abs(np.nan_to_num(table.values[measure]))
    out: NDArray[np.float64] = 1.0 + np.log1p(values) / (1.0 + np.log1p(values.max(initial=0.0)))
    parents = np.zeros(len(values))
    for item in table.equations:
        parents[item.parent] = 1.0
    out = out + parents
    out[values == 0] += 10.0
    return out


def protect(
    table: Table,
    measure: str,
    first: NDArray[np.bool_],
    width: NDArray[np.float64],
    *,
    already: NDArray[np.bool_] | None = None,
    fixed: NDArray[np.bool_] | None = None,
    seconds: float = 20.0,
) -> Suppression:
    """Withhold ``first`` and what else is needed that the interval of each is at least ``width`` (per cell) wide.

    ``already``: cells that are withheld anyway and cost nothing (for another measure). ``fixed``: cells that
    readers know anyway, so that withholding them is of no use. Figures must be there for all
    cells that are not ``already`` withheld: raises BadQuery.
    """
    values = table.values[measure]
    start = first | (already if already is not None else np.zeros(len(table), bool))
    if np.isnan(values[~start]).any():
        raise BadQuery(
            "A table with unknown figures cannot be protected by leaving out others.",
            todo="Publish it with what is missing filled in, or use method cell-key.",
        )
    numbers = np.nan_to_num(values)
    matrix = sums_of(table)
    if not first.any() or matrix.shape[0] == 0:
        return Suppression(start, first, 0.0, True)
    until = time.monotonic() + seconds
    price = costs(table, measure)
    touched = np.asarray(abs(matrix).sum(axis=0)).ravel() > 0
    targets = [int(cell) for cell in np.flatnonzero(first & touched)]
    low = np.full(len(numbers), 4 * numbers.min() - 1) if (numbers < 0).any() else np.zeros(len(numbers))
    free = np.ones(len(table)) if fixed is None else np.where(fixed, 0.0, 1.0)
    task = _Task(matrix, numbers, low, start, price, free, targets, width)
    made: NDArray[np.bool_] | None = None
    optimal = False
    if 0 < len(targets) * len(table) <= EXACT:
        made, optimal = _whole(task, seconds / 2)
    left = 0
    if made is None:
        made, left = _each(task, until)
        made = _thin(table, measure, task, made, until)
    return Suppression(made, first, float(price[made & ~start].sum()), optimal and not left, left)


def sums_of(table: Table) -> Any:
    """The sums of a table: matrix @ values == 0. Those that do not hold are nobody's to reckon with."""
    from scipy.sparse import csr_matrix

    rows, columns, signs = [], [], []
    for at, item in enumerate(table.equations):
        rows += [at] * (1 + len(item.children))
        columns += [item.parent, *item.children]
        signs += [-1.0] + [1.0] * len(item.children)
    return csr_matrix((signs, (rows, columns)), shape=(len(table.equations), len(table)))


def _whole(task: _Task, seconds: float) -> tuple[NDArray[np.bool_] | None, bool]:
    """One program: binaries say which cells are withheld, and each target has its own second table."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import block_diag, csr_matrix, diags, hstack, identity, kron

    matrix, start, free, targets, width = task.matrix, task.start, task.free, task.targets, task.width
    size, many = len(task.values), len(targets)
    reach = float(width[targets].max()) * 4 + 1.0
    down = np.minimum(task.values - task.low, reach) * free
    cost = np.concatenate([np.where(start, 0.0, task.price), np.zeros(size * many)])
    z_low = np.where(start, 1.0, 0.0)
    box_low = [z_low, *(-down for _ in targets)]
    box_high = [np.where(start, 1.0, free), *(reach * free for _ in targets)]
    for place, cell in enumerate(targets):
        box_low[place + 1] = box_low[place + 1].copy()
        box_low[place + 1][cell] = box_high[place + 1][cell] = float(width[cell])
    sums = hstack([csr_matrix((matrix.shape[0] * many, size)), block_diag([matrix] * many)])
    one = identity(size, format="csr")
    tall = csr_matrix(np.ones((many, 1)))
    moved = identity(size * many, format="csr")
    under = hstack([kron(tall, reach * one), -moved])  # reach z - d >= 0
    over = hstack([kron(tall, diags(down)), moved])  # down z + d >= 0
    rules = [
        LinearConstraint(sums, 0, 0), LinearConstraint(under, 0, np.inf), LinearConstraint(over, 0, np.inf),
    ]  # fmt: skip
    answer = milp(
        cost,
        constraints=rules,
        bounds=Bounds(np.concatenate(box_low), np.concatenate(box_high)),
        integrality=np.concatenate([np.ones(size), np.zeros(size * many)]),
        options={"time_limit": seconds},
    )
    if answer.x is None:
        return None, False
    made: NDArray[np.bool_] = (answer.x[:size] > 0.5) | start
    return made, answer.status == 0


def _each(task: _Task, until: float) -> tuple[NDArray[np.bool_], int]:
    """Cell by cell, the widest first: the cheapest second table, in which what is withheld already moves for free."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import hstack

    size = len(task.values)
    made = task.start.copy()
    both = hstack([task.matrix, -task.matrix]).tocsr()
    rule = LinearConstraint(both, 0, 0)
    left = 0
    for cell in sorted(task.targets, key=lambda item: -float(task.width[item])):
        need = float(task.width[cell])
        reach = need * 4 + 1.0
        upper = np.concatenate([reach * task.free, np.minimum(task.values - task.low, reach) * task.free])
        lower = np.zeros(2 * size)
        lower[cell] = upper[cell] = need
        upper[size + cell] = 0.0
        each = np.where(made, 1e-4, task.price / need)
        answer = milp(
            np.concatenate([each, each]),
            constraints=[rule],
            bounds=Bounds(lower, upper),
            options={"time_limit": max(until - time.monotonic(), 1.0)},
        )
        if answer.x is None:
            left += 1
            made |= _line(task.matrix, cell)
            continue
        made |= (answer.x[:size] + answer.x[size:]) > TINY
    return made, left


def _line(matrix: Any, cell: int) -> NDArray[np.bool_]:
    """All cells of the sums a cell takes part in: withheld when nothing cheaper protects it."""
    rows = matrix[:, [cell]].nonzero()[0]
    out: NDArray[np.bool_] = np.asarray(abs(matrix[rows]).sum(axis=0)).ravel() > 0
    return out


def _thin(table: Table, measure: str, task: _Task, made: NDArray[np.bool_], until: float) -> NDArray[np.bool_]:
    """Show again what was withheld for one cell and is no longer needed, the dearest first, while there is time."""
    asked = np.zeros(len(table), bool)
    asked[task.targets] = True
    extra = [int(cell) for cell in np.flatnonzero(made & ~task.start)]
    for cell in sorted(extra, key=lambda item: -float(task.price[item])):
        left = until - time.monotonic()
        if left < 0.2:
            break
        tried = made.copy()
        tried[cell] = False
        held = audit(table, measure, task.width, withheld=tried, only=asked, known=True, seconds=min(left, 2.0))
        places = np.array(held.cells)
        if held.bounds.looked.all() and (held.bounds.width >= task.width[places] - TINY).all():
            made = tried
    return made
