"""What a table no longer tells: the normalised certainty penalty (Xu et al., *Utility-based anonymization*, KDD 2006).

A value whose group holds g of the column's d distinct values has lost (g - 1) / (d - 1): 0 when it stands for itself,
1 when it could be any. A column's loss is the mean over its people, a table's the mean over its columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.search.lattice import Lattice, Node


def shares(problem: Lattice) -> list[NDArray[np.float64]]:
    """For each column, shape (levels, values): what each level of each value has lost, as its part of a row's loss."""
    out = []
    for axis in problem.axes:
        known = max(axis.groups.shape[1] - 1, 1) * len(problem.axes)
        out.append(np.stack([(np.bincount(groups)[groups] - 1) / known for groups in axis.groups]))
    return out


def losses(problem: Lattice) -> list[NDArray[np.float64]]:
    """For each column the part of the table's loss that each level costs; a node's loss is the sum over its levels,
    and more where people are withheld (:func:`withheld`).
    """
    rows = max(problem.rows, 1)
    return [part @ problem.people(at) / rows for at, part in enumerate(shares(problem))]


def withheld(problem: Lattice, parts: list[NDArray[np.float64]], node: Node) -> float:
    """What a node costs beyond its levels: those who are withheld at it are lost whole, not as far as the levels go.

    ``parts``: :func:`shares`.
    """
    values, people = problem.small(node)
    if not len(people):
        return 0.0
    told = sum((part[level][codes] for part, level, codes in zip(parts, node, values, strict=True)),
               np.zeros(len(people)))  # fmt: skip
    return float(((1 - told) * people).sum()) / max(problem.rows, 1)


def loss(problem: Lattice, node: Node) -> float:
    """Of a node: the mean over all people of what is lost of each, 1 for who is withheld at it."""
    told = sum(float(levels[level]) for levels, level in zip(losses(problem), node, strict=True))
    return told + withheld(problem, shares(problem), node)
