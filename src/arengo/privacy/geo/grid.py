"""An adaptive grid: quarters of squares, as fine as every square still holds at least k persons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = 12
"""How often the largest squares may be quartered: 100 m squares begin as 410 km."""


def cells(
    points: NDArray[np.float64], persons: NDArray[np.int64], k: int, smallest: float = 100.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre of each point's square (n, 2) and its side (n,), in metres; NaN where not even the largest holds k.

    A square is quartered only if each quarter with somebody in it holds ``k`` persons, so that no square that is told
    holds fewer. Squares lie at multiples of their side whatever the data is (Samet: *The quadtree and related
    hierarchical data structures*, 1984; k persons a square: Gruteser and Grunwald, MobiSys 2003).
    """
    size = smallest * 2**LEVELS
    place = np.floor(points / size).astype(np.int64)
    side = np.full(len(points), np.nan)
    centre = np.full((len(points), 2), np.nan)
    cell, people = _people(place, persons)
    active = people[cell] >= k
    centre[active] = (place[active] + 0.5) * size
    side[active] = size
    for _ in range(LEVELS):
        if not active.any():
            break
        size /= 2
        at = np.flatnonzero(active)
        finer = np.floor(points[at] / size).astype(np.int64)
        quarter, people = _people(finer, persons[at])
        parent, _ = _people(finer >> 1, persons[at])
        poor = np.zeros(int(parent.max()) + 1, bool)
        poor[parent[people[quarter] < k]] = True
        splits = ~poor[parent]
        active = np.zeros(len(points), bool)
        active[at[splits]] = True
        centre[at[splits]] = (finer[splits] + 0.5) * size
        side[at[splits]] = size
    return centre, side


def _people(place: NDArray[np.int64], persons: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which cell each point is in, and how many different persons each cell has."""
    _, cell = np.unique(place, axis=0, return_inverse=True)
    cell = cell.reshape(-1)
    pairs = np.unique(np.stack([cell, persons]), axis=1)
    return cell, np.bincount(pairs[0], minlength=int(cell.max(initial=-1)) + 1)
