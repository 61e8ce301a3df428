"""What a table no longer tells: the normalised certainty penalty (Xu et al., *Utility-based anonymization*, KDD 2006).

A value whose group holds g of the column's d distinct values has lost (g - 1) / (d - 1): 0 when it stands for itself,
1 when it could be any. A column's loss is the mean over its people, a table's the mean over its columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.search.lattice import Node, Problem


def losses(problem: Problem) -> list[NDArray[np.float64]]:
    """For each column the part of the table's loss that each level costs; a node's loss is the sum over its levels."""
    out = []
    rows = max(problem.rows, 1)
    for axis, codes in zip(problem.axes, problem.codes, strict=True):
        people = np.bincount(codes, weights=problem.counts, minlength=axis.groups.shape[1])
        known = max(axis.groups.shape[1] - 1, 1)
        level = []
        for groups in axis.groups:
            size = np.bincount(groups)
            level.append(float(((size[groups] - 1) / known * people).sum()) / rows)
        out.append(np.array(level) / len(problem.axes))
    return out


def loss(problem: Problem, node: Node, withheld: int = 0) -> float:
    """Of a node, with people who are withheld counted as lost whole."""
    told = sum(float(levels[level]) for levels, level in zip(losses(problem), node, strict=True))
    share = withheld / max(problem.rows, 1)
    return told * (1 - share) + share
