"""Figures about groups as they may be told: with the noise of their cell key, rounded, or as they are.

Apart from :mod:`arengo.privacy.statistics`, which a server loads at its start, since these need numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from arengo.privacy.statistics import CELL_KEY, KEYS, ROUND, SPREAD, SUPPRESS, Rule


@dataclass(frozen=True, slots=True)
class Figures:
    """One figure of every group, shape (groups,): a sum over persons of what each contributes.

    ``value``: the sums. ``people``: how many contribute. ``key``: sum of their keys, modulo :data:`KEYS`. ``first`` and
    ``second``: the largest contributions as amounts. ``whole``: contributions are whole numbers.
    """

    value: np.ndarray[Any, np.dtype[np.float64]]
    people: np.ndarray[Any, np.dtype[np.int64]]
    key: np.ndarray[Any, np.dtype[np.uint64]]
    first: np.ndarray[Any, np.dtype[np.float64]]
    second: np.ndarray[Any, np.dtype[np.float64]]
    counts: bool


def shown(figures: Figures, rule: Rule, p: float = 0.1) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The figures as they may be told, NaN for those that may not.

    Sums where one person's part could be estimated within ``p`` of it by the second largest are withheld (p % rule,
    Handbook on Statistical Disclosure Control, 4.2.2).
    """
    value = figures.value.astype(float)
    if figures.counts and rule.method == ROUND:
        out = _rounded(value, figures.key, rule.base)
    elif rule.method == SUPPRESS:
        out = value
    else:
        out = value + _noise(figures.key) * figures.first
    hidden = few(figures, rule)
    if not figures.counts:
        rest = np.abs(value) - figures.first - figures.second
        with np.errstate(invalid="ignore"):
            hidden |= ~(rest >= p * figures.first)
    made: np.ndarray[Any, np.dtype[np.float64]] = np.where(hidden, np.nan, out)
    return made


def few(figures: Figures, rule: Rule) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which groups count too few persons to be told of: those that do, and those whose noisy number says so.

    The true number is what protects: noise alone would lift groups of one over the threshold, and a group that is told
    tells its columns' values of everybody in it. The noisy number keeps the edge from telling more than it must: that a
    group is told says that it has ``threshold`` persons or more, that it is not says that it has fewer than
    ``threshold`` + 6 (decision 0206).
    """
    hidden: np.ndarray[Any, np.dtype[np.bool_]] = figures.people < rule.threshold
    if rule.method == CELL_KEY:
        hidden = hidden | (figures.people + _noise(figures.key) < rule.threshold)
    return hidden


def _noise(key: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Whole noise between -6 and 6 persons, a function of the key: a discrete normal distribution, cut."""
    steps, cumulated = _table()
    share = (key.astype(float) + 0.5) / KEYS
    made: np.ndarray[Any, np.dtype[np.float64]] = steps[np.searchsorted(cumulated, share)]
    return made


@cache
def _table() -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
    steps = np.arange(-6, 7).astype(float)
    weights = np.exp(-(steps**2) / (2 * SPREAD**2))
    return steps, np.cumsum(weights)[:-1] / weights.sum()


def _rounded(
    value: np.ndarray[Any, np.dtype[np.float64]], key: np.ndarray[Any, np.dtype[np.uint64]], base: int
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """To a multiple of ``base``, up with the probability that keeps the expected value."""
    low = np.floor(value / base) * base
    made: np.ndarray[Any, np.dtype[np.float64]] = low + np.where((key + 0.5) / KEYS < (value - low) / base, base, 0)
    return made
