"""An adaptive grid: squares as fine as they still hold at least k persons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = 12
"""How often squares may grow to four times their size: those of 100 m up to 410 km."""


def cells(
    points: NDArray[np.float64], persons: NDArray[np.int64], k: int, smallest: float = 100.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre of each point's square (n, 2) and its side (n,), in metres; NaN where not even the largest holds k.

    From the finest squares up: one with at least ``k`` persons is told, who is left over goes on into the square of
    four. So every label that is told holds ``k`` persons, and a few who live apart do not make a dense quarter coarse.
    Squares lie at multiples of their side whatever the data is (Samet: *The quadtree and related hierarchical data
    structures*, 1984; k persons a square: Gruteser and Grunwald, MobiSys 2003).
    """
    size = smallest
    side = np.full(len(points), np.nan)
    centre = np.full((len(points), 2), np.nan)
    left = np.arange(len(points))
    for _ in range(LEVELS + 1):
        if not len(left):
            break
        place = np.floor(points[left] / size).astype(np.int64)
        cell, people = _people(place, persons[left])
        told = people[cell] >= k
        centre[left[told]] = (place[told] + 0.5) * size
        side[left[told]] = size
        left = left[~told]
        size *= 2
    return centre, side


def _people(place: NDArray[np.int64], persons: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which cell each point is in, and how many different persons each cell has."""
    _, cell = np.unique(place, axis=0, return_inverse=True)
    cell = cell.reshape(-1)
    pairs = np.unique(np.stack([cell, persons]), axis=1)
    return cell, np.bincount(pairs[0], minlength=int(cell.max(initial=-1)) + 1)
