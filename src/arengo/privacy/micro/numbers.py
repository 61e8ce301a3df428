"""Numbers made less telling: microaggregation (MDAV), top and bottom coding, rounding.

MDAV: Domingo-Ferrer, Torra, *Ordinal, continuous and heterogeneous k-anonymity through microaggregation*, Data Mining
and Knowledge Discovery 11(2), 2005. Bounds and rounding: Hundepool et al., *Statistical Disclosure Control*, 2012,
chapter 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 4_096
"""Rows among which groups are looked for; more are cut first, along the widest column, since MDAV itself costs the
square of the rows."""


def mdav(values: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Group of each row, every group of ``k`` to 2k - 1 rows that lie near each other.

    ``values``: shape (rows, columns), finite; columns are standardised here. Fewer than ``k`` rows are one group.
    """
    rows = len(values)
    if k < 1:
        raise ValueError("a group has at least one row")
    if not rows:
        return np.zeros(0, np.int64)
    spread = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    out = np.empty(rows, np.int64)
    number = 0
    for part in _parts(scaled, np.arange(rows), k):
        inside = _mdav(scaled[part], k)
        out[part] = inside + number
        number += int(inside.max()) + 1
    return out


def _parts(values: NDArray[np.float64], rows: NDArray[np.int64], k: int) -> list[NDArray[np.int64]]:
    """Blocks of neighbours, cut at the middle of the widest column until they are small enough."""
    waiting, out = [rows], []
    while waiting:
        part = waiting.pop()
        if len(part) <= max(BLOCK, 4 * k):
            out.append(part)
            continue
        column = values[part][:, int(np.argmax(np.ptp(values[part], axis=0)))]
        order = np.argsort(column, kind="stable")
        waiting += [part[order[: len(part) // 2]], part[order[len(part) // 2 :]]]
    return out


def _mdav(values: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Two groups at a time: around the row farthest from the middle, and around the one farthest from that."""
    out = np.empty(len(values), np.int64)
    left = np.arange(len(values))
    number = 0
    while len(left) >= 3 * k:
        middle = values[left].mean(axis=0)
        far = _nearest(values[left], values[left[np.argmax(_distance(values[left], middle))]], k)
        # The other end is sought from the first one's own seed, as the paper has it.
        seed = values[left[far[0]]]
        out[left[far]] = number
        left_after = np.delete(left, far)
        other = _nearest(values[left_after], values[left_after[np.argmax(_distance(values[left_after], seed))]], k)
        out[left_after[other]] = number + 1
        left = np.delete(left_after, other)
        number += 2
    if len(left) >= 2 * k:
        middle = values[left].mean(axis=0)
        far = _nearest(values[left], values[left[np.argmax(_distance(values[left], middle))]], k)
        out[left[far]] = number
        left = np.delete(left, far)
        number += 1
    out[left] = number
    return out


def _distance(values: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    away = values - point
    return np.asarray(np.einsum("ij,ij->i", away, away))


def _nearest(values: NDArray[np.float64], point: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Places of the ``k`` rows nearest to ``point``, the nearest first."""
    away = _distance(values, point)
    found = np.argpartition(away, k - 1)[:k]
    return found[np.argsort(away[found], kind="stable")]


def microaggregate(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Each row's values replaced by the means of its group; the means of all columns stay what they were. A row with an
    unknown value (NaN) keeps it: rows are grouped with those that know the same columns, and where fewer than ``k``
    do, all their values become unknown.
    """
    out = values.astype(np.float64, copy=True)
    there = ~np.isnan(out)
    patterns, which = np.unique(there, axis=0, return_inverse=True)
    which = which.reshape(-1)
    for number, pattern in enumerate(patterns):
        rows, columns = np.flatnonzero(which == number), np.flatnonzero(pattern)
        if not len(columns):
            continue
        if len(rows) < k:
            out[rows] = np.nan
            continue
        part = out[np.ix_(rows, columns)]
        group = mdav(part, k)
        size = np.bincount(group)
        for at, column in enumerate(columns):
            out[rows, column] = (np.bincount(group, part[:, at]) / size)[group]
    return out


def top(values: NDArray[np.float64], bound: float) -> NDArray[np.float64]:
    """What is above becomes ``bound``; unknown (NaN) stays unknown."""
    return np.where(values > bound, bound, values)


def bottom(values: NDArray[np.float64], bound: float) -> NDArray[np.float64]:
    return np.where(values < bound, bound, values)


def rounded(values: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """The nearest multiple of ``step``, halves away from zero as the engine has it."""
    if not step > 0:
        raise ValueError("a step is above zero")
    told = values / step
    return np.trunc(told + np.copysign(0.5, told)) * step


def percentile_bound(values: NDArray[np.float64], k: int, largest: bool = True) -> float:
    """The mildest bound of top (or bottom) coding under which at least ``k`` rows share the last value."""
    held = np.sort(values[~np.isnan(values)])
    if len(held) < k:
        return float("nan")
    return float(held[-k] if largest else held[k - 1])
