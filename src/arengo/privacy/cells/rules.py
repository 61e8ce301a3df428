"""Which cells must not be shown as they are (handbook 4.2, 5.2): by their count, their contributions, their margin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from arengo.privacy.cells.table import Key, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray


def small(counts: NDArray[np.float64], threshold: int) -> NDArray[np.bool_]:
    """Threshold rule: some persons, but fewer than ``threshold``. Withheld (NaN) and empty cells are not small."""
    with np.errstate(invalid="ignore"):
        out: NDArray[np.bool_] = (counts > 0) & (counts < threshold)
    return out


def dominated(
    sums: NDArray[np.float64],
    largest: NDArray[np.float64],
    second: NDArray[np.float64] | None,
    contributors: NDArray[np.float64] | None,
    n: int,
    share: float,
) -> NDArray[np.bool_]:
    """(n, k) rule: the ``n`` largest contributors make up more than ``share`` (0..1) of the sum.

    For n above 2 the third and later contributions are not known; each is at most the second, so the rule is judged
    by that bound and errs on the safe side. Where contributors are counted, n of n always dominate.
    """
    if n < 1 or share <= 0:
        return np.zeros(len(sums), bool)
    next_ = np.zeros(len(sums)) if second is None else np.nan_to_num(np.abs(second))
    first = np.abs(largest)
    top = first if n == 1 else first + (n - 1) * next_
    with np.errstate(invalid="ignore"):
        out: NDArray[np.bool_] = np.minimum(top, np.abs(sums)) > share * np.abs(sums)
        if contributors is not None:
            out |= (contributors > 0) & (contributors <= n)
    return out & ~np.isnan(sums)


def estimable(
    sums: NDArray[np.float64], largest: NDArray[np.float64], second: NDArray[np.float64] | None, p: float
) -> NDArray[np.bool_]:
    """p % rule: the second largest contributor can estimate the largest to within ``p`` (0..1) of it."""
    if p <= 0:
        return np.zeros(len(sums), bool)
    first = np.abs(largest)
    next_ = np.zeros(len(sums)) if second is None else np.nan_to_num(np.abs(second))
    with np.errstate(invalid="ignore"):
        out: NDArray[np.bool_] = (np.abs(sums) - first - next_) < p * first
    return out & ~np.isnan(sums) & (first > 0)


def whole(table: Table, measure: str, sensitive: Sequence[int]) -> list[tuple[int, int]]:
    """Group disclosure: cells that hold everybody of their margin, as (dimension, cell), for ``sensitive`` dimensions.

    Whoever is known to be in the margin is known to have the category. A margin of one category only says nothing
    when the whole table knows no other; withheld cells leave it open.
    """
    counts = table.values[measure]
    found = []
    for at in sensitive:
        lines: dict[Key, list[int]] = defaultdict(list)
        coarser = set(table.parents[at].values())
        for cell, key in enumerate(table.keys):
            if key[at] not in coarser and key[at] != (table.total or None):
                lines[(*key[:at], *key[at + 1 :])].append(cell)
        known = {table.keys[cell][at] for cells in lines.values() for cell in cells}
        if len(known) < 2:
            continue
        for cells in lines.values():
            held = counts[cells]
            if np.isnan(held).any():
                continue
            there = [cell for cell, count in zip(cells, held, strict=True) if count > 0]
            if len(there) == 1:
                found.append((at, there[0]))
    return found
