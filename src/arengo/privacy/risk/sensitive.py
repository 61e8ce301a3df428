"""What a group of equals tells of a sensitive value: l-diversity, t-closeness, delta-disclosure, beta-likeness.

Everything runs on the *cells*, the pairs (group, value) that occur, never on a table of groups by values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from arengo.privacy.risk.groups import chosen
from arengo.privacy.tuples import Tuples, regroup

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Cells:
    """``group``, ``value``, ``rows``: shape (cells,), sorted by group, then value. ``sizes``: rows of each group.
    ``totals``: rows of each value, shape (values,); a value that does not occur has 0.
    """

    group: NDArray[np.int64]
    value: NDArray[np.int64]
    rows: NDArray[np.int64]
    sizes: NDArray[np.int64]
    totals: NDArray[np.int64]

    @property
    def within(self) -> NDArray[np.float64]:
        """Share of each cell in its group."""
        return self.rows / self.sizes[self.group]

    @property
    def overall(self) -> NDArray[np.float64]:
        """Share of each value in all, shape (values,)."""
        return self.totals / max(int(self.totals.sum()), 1)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Place of the first cell of each group."""
        return np.searchsorted(self.group, np.arange(len(self.sizes)))


def cells(data: Tuples, quasi: Sequence[str], sensitive: str) -> Cells:
    """The cells of one sensitive column under groups of equal ``quasi``."""
    group, sizes = regroup(chosen(data, quasi), data.counts)
    at = data.columns.index(sensitive)
    value, width = data.codes[at].astype(np.int64), max(len(data.values[at]), 1)
    pair, where = np.unique(group * width + value, return_inverse=True)
    rows = np.bincount(where, data.counts, len(pair)).astype(np.int64)
    totals = np.bincount(value, data.counts, width).astype(np.int64)
    return Cells(pair // width, pair % width, rows, sizes, totals)


# l-diversity (Machanavajjhala, Gehrke, Kifer, Venkitasubramaniam, TKDD 2007)


def distinct(held: Cells) -> int:
    """Fewest different values in a group, 0 when there is no group."""
    return int(np.bincount(held.group, minlength=len(held.sizes)).min()) if len(held.sizes) else 0


def poor(held: Cells, l: int) -> NDArray[np.bool_]:  # noqa: E741 - the literature's own letter
    """Which groups have fewer than ``l`` different values."""
    return np.bincount(held.group, minlength=len(held.sizes)) < l


def entropy(held: Cells) -> float:
    """The ``l`` of entropy l-diversity: e to the least entropy of a group."""
    if not len(held.sizes):
        return 0.0
    share = held.within
    spread = np.bincount(held.group, -share * np.log(share), len(held.sizes))
    return float(np.exp(max(spread.min(), 0.0)))


def recursive(held: Cells, l: int) -> float:  # noqa: E741
    """The smallest ``c`` above which recursive (c, l)-diversity holds: most frequent value of a group against all from
    the l-th on, the worst group; infinite when a group has fewer than ``l`` values.
    """
    if not len(held.sizes):
        return 0.0
    order = np.lexsort((-held.rows, held.group))
    rows, starts = held.rows[order], held.starts
    rank = np.arange(len(rows)) - starts[held.group]
    tail = np.bincount(held.group, np.where(rank >= l - 1, rows, 0), len(held.sizes))
    with np.errstate(divide="ignore"):
        return float((rows[starts] / tail).max())


# t-closeness (Li, Li, Venkatasubramanian, ICDE 2007): earth mover's distance of a group's values from everybody's


def closeness(held: Cells) -> float:
    """``t`` under equal distance: any value is as far from any other."""
    return float(_equal(held).max(initial=0.0))


def _equal(held: Cells) -> NDArray[np.float64]:
    more = np.maximum(held.within - held.overall[held.value], 0.0)
    return np.bincount(held.group, more, len(held.sizes)).astype(np.float64)


def closeness_ordered(held: Cells, order: NDArray[np.int64]) -> float:
    """``t`` when values stand in an order: ``order[v]`` is the rank of value v (0, 1, ..., without gaps or repeats).

    The distance is the area between two cumulated distributions; between two values that occur in a group the group's
    is flat, so its area is a difference of prefix sums.
    """
    values = len(held.totals)
    if values < 2 or not len(held.sizes):
        return 0.0
    overall = np.zeros(values)
    overall[order] = held.overall
    all_ = np.cumsum(overall)
    prefix = np.concatenate([[0.0], np.cumsum(all_)])
    rank = order[held.value]
    sort = np.lexsort((rank, held.group))
    group, rank, share = held.group[sort], rank[sort], held.within[sort]
    starts = held.starts
    summed = np.cumsum(share)
    before = np.concatenate([[0.0], summed[:-1]])[starts]
    reached = summed - before[group]
    last = np.append(group[1:] != group[:-1], True)
    end = np.where(last, values, np.append(rank[1:], values))
    cut = np.clip(np.searchsorted(all_, reached), rank, end)
    above = reached * (cut - rank) - (prefix[cut] - prefix[rank])
    below = (prefix[end] - prefix[cut]) - reached * (end - cut)
    area = np.bincount(group, above + below, len(held.sizes)) + prefix[rank[starts]]
    return float(area.max()) / (values - 1)


def closeness_hierarchical(held: Cells, levels: NDArray[np.int64]) -> float:
    """``t`` when values stand in a hierarchy. ``levels[j][v]``: number of v's group at level j + 1 above the values;
    the last level is one group. The distance of two values is the height of the lowest group both are in, over the
    height of all.
    """
    height = len(levels)
    if not height or not len(held.sizes):
        return closeness(held)
    group, node = held.group, held.value
    share, overall = held.within, held.overall
    cost = np.zeros(len(held.sizes))
    inside = np.arange(len(held.totals))
    for at in range(height):
        parent_of = np.zeros(len(overall), np.int64)
        parent_of[inside] = levels[at]
        more = np.maximum(share - overall[node], 0.0)
        width = int(levels[at].max(initial=0)) + 1
        pair, where = np.unique(group * width + parent_of[node], return_inverse=True)
        gained = np.bincount(where, more, len(pair))
        share = np.bincount(where, share, len(pair)).astype(np.float64)
        overall = np.bincount(levels[at], held.overall, width).astype(np.float64)
        group, node = pair // width, pair % width
        lost = gained - (share - overall[node])
        moved = np.bincount(group, np.minimum(gained, np.maximum(lost, 0.0)), len(held.sizes))
        cost += moved * (at + 1) / height
        inside = levels[at]
    return float(cost.max())


def delta_disclosure(held: Cells) -> float:
    """Greatest \\|ln(share in the group / share in all)\\| of a value that occurs in the group (Brickell, Shmatikov,
    KDD 2008; over the values that occur, as every implementation reads it, since else any missing value is infinite).
    """
    if not len(held.sizes):
        return 0.0
    return float(np.abs(np.log(held.within / held.overall[held.value])).max())


def beta_likeness(held: Cells) -> float:
    """Greatest relative gain of a value's share in a group over its share in all (Cao, Karras, VLDB 2012)."""
    if not len(held.sizes):
        return 0.0
    overall = held.overall[held.value]
    return float(((held.within - overall) / overall).max())


def beta_enhanced(held: Cells) -> bool:
    """Whether the gain of every value is at most -ln of its share in all, the bound of *enhanced* beta-likeness that
    no ``beta`` loosens (Cao, Karras, VLDB 2012, definition 3)."""
    overall = held.overall[held.value]
    return bool((((held.within - overall) / overall) <= -np.log(overall) + 1e-12).all())


def known(held: Cells, nothing: int | None = None, least: int = 1) -> tuple[int, int]:
    """(groups, rows) of at least ``least`` rows that have one value in common, so that it is known of everybody in
    them. ``nothing``: number of the value that tells nothing (NULL)."""
    alone = (np.bincount(held.group, minlength=len(held.sizes)) == 1) & (held.sizes >= least)
    if nothing is not None and len(held.group):
        alone &= held.value[held.starts] != nothing
    return int(alone.sum()), int(held.sizes[alone].sum())
