"""Controlled rounding: every figure becomes a multiple of the base next to it, and all sums still add up.

Zero-restricted controlled rounding (Cox, *A constructive procedure for unbiased controlled rounding*, JASA 1987;
handbook 5.4.3) as a mixed-integer program over the sums of the table; where three or more dimensions leave no such
table, figures may go one multiple further.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.privacy.cells.suppress import sums_of
from arengo.privacy.cells.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rounded(table: Table, measure: str, base: int, *, seed: bytes = b"", seconds: float = 20.0) -> NDArray[np.float64]:
    """The figures of ``measure`` as multiples of ``base``; unknown ones stay unknown. ``seed``: which of two equally
    near tables is taken; the same seed and table give the same one.

    Every cell stays within ``base`` of its figure; where no such table adds up or time runs out, within two bases;
    and where that fails too the inner cells are rounded one by one and their sums added anew.
    """
    values = table.values[measure]
    out = values.copy()
    known = ~np.isnan(values)
    if base < 2 or not known.any():
        return out
    numbers = np.where(known, values, 0.0)
    matrix = sums_of(table)
    holds = np.abs(matrix @ numbers) < 0.5
    for at, item in enumerate(table.equations):
        holds[at] &= bool(known[[item.parent, *item.children]].all())
    matrix = matrix[np.flatnonzero(holds)]
    chance = np.random.default_rng(int.from_bytes(hashlib.sha256(seed + measure.encode()).digest()[:8], "big"))
    lower = np.floor(numbers / base)
    part = numbers / base - lower
    made = None
    for further in (0, 1):
        made = _solve(matrix, lower, part, further, chance.random(len(numbers)), seconds / 2)
        if made is not None:
            break
    if made is None:
        made = _inner(table, lower + (chance.random(len(numbers)) < part), holds)
    out[known] = (made * base)[known]
    return out


def _solve(
    matrix: Any,
    lower: NDArray[np.float64],
    part: NDArray[np.float64],
    further: int,
    chance: NDArray[np.float64],
    seconds: float,
) -> NDArray[np.float64] | None:
    """Multiples u with lower + u additive. u of 0 or 1 (exact multiples stay); ``further``: one more on each side.

    The cost of rounding up is the distance gained less a draw, so that a figure goes up as often as it is near the
    upper multiple and not always to the nearer one: that keeps sums of many cells unbiased.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import hstack

    size = len(lower)
    exact = part < 1e-9
    up = np.where(exact, 0.0, 1.0)
    cost = chance - part + 1e-3 * (1 - 2 * part)
    rules = []
    count = matrix.shape[0]
    goal = -(matrix @ lower)
    if further:
        wide = hstack([matrix, matrix, -matrix])
        cost = np.concatenate([cost, np.full(2 * size, 50.0)])
        box = Bounds(np.zeros(3 * size), np.concatenate([up, np.ones(size), np.where(lower > 0, 1.0, 0.0)]))
        # Nothing that is empty may become something.
        box.ub[size : 2 * size][(lower == 0) & exact] = 0.0
    else:
        wide = matrix
        box = Bounds(np.zeros(size), up)
    if count:
        rules = [LinearConstraint(wide, goal, goal)]
    answer = milp(cost, constraints=rules, bounds=box, integrality=np.ones(len(cost)), options={"time_limit": seconds})
    if answer.x is None:
        return None
    moved = np.round(answer.x[:size])
    if further:
        moved = moved + np.round(answer.x[size : 2 * size]) - np.round(answer.x[2 * size :])
    made: NDArray[np.float64] = lower + moved
    return made


def _inner(table: Table, made: NDArray[np.float64], holds: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Sums added anew from inner cells, from the inside out."""
    for _ in range(len(table.by) * 4):
        before = made.copy()
        for item, fine in zip(table.equations, holds, strict=True):
            if fine:
                made[item.parent] = made[list(item.children)].sum()
        if (before == made).all():
            break
    return made
