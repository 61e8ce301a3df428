"""Sums that can be worked out by subtracting published sums, over fewer contributors than a cell may have.

A sum over wards less a sum over school zones is the income of one courtyard. One or two contributors to what is left
know, or are known, to the last digit: by the (n, k) rule n of n dominate whatever they gave (handbook 4.2). Sums are
compared that are of one concept; who contributes is told by the tables, else by the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from arengo.contract.model import Frozen
from arengo.privacy.cells import rank
from arengo.privacy.cells.atoms import Atoms, Published, incidence
from arengo.privacy.cells.parts import Parts, Rows, own_cells
from arengo.privacy.finding import Finding

if TYPE_CHECKING:
    from arengo.privacy.case import Case


def differenced(case: Case, held: Atoms, others: Sequence[Published], mine: Published) -> list[Finding]:
    """Findings ``cells-sums-differenced`` and ``not-looked``, one a column of sums of the candidate."""
    out = []
    for concept, (column, _, _) in mine.sums.items():
        alike = [item for item in others if concept in item.sums and item.slack == 0]
        if alike and mine.slack == 0:
            found = _of(case, held, alike, mine, concept, column)
            if found is not None:
                out.append(found)
    return out


def _of(
    case: Case, held: Atoms, others: list[Published], mine: Published, concept: str, column: str
) -> Finding | None:  # fmt: skip
    rows = _rows(held, [*others, mine], concept)
    last = len(others)
    counts = held.counts if np.isnan(rows.figures).any() else np.full(len(held), np.nan)
    empty = counts == 0
    nought = np.flatnonzero(rows.figures == 0)
    if len(nought):
        empty |= np.asarray(rows.matrix[nought].sum(axis=0)).ravel() > 0
    matrix = rows.matrix[:, np.flatnonzero(~empty)].tocsr()
    if not matrix.shape[1]:
        return None
    which = rank.merged(matrix)
    _, first = np.unique(which, return_index=True)
    sizes = np.zeros(len(first))
    np.add.at(sizes, which, counts[~empty])
    matrix = matrix[:, first].tocsr()
    truth = not np.isnan(sizes).any()
    figures = np.asarray(matrix @ sizes).ravel() if truth else rows.figures
    before = np.flatnonzero(rows.owner != last)
    after = rank.derive(matrix, figures)
    prior = rank.derive(matrix[before], figures[before])
    if after.single.any() and np.isnan(figures).all():
        why = f"neither the tables nor a register say how many contribute to the sums of {column}"
        return Finding("not-looked", "review", Frozen({"what": "Differences of sums", "why": why}), (column,))
    below = max(case.target.threshold, case.target.dominance[0] + 1)
    parts = Parts(matrix, figures, sizes, truth, below)
    parts.take(after, prior, own_cells(matrix, rows, last))
    parts.nested(rows, last, before)
    found = parts.done()
    if not found:
        return None
    names, _ = parts.explain(rows, last, found, others)
    facts = {"parts": len(found), "threshold": below, "column": column, "release": case.release.label}
    return Finding("cells-sums-differenced", "block", Frozen(facts), (column,), names, sum(count for _, count in found))


def _rows(held: Atoms, tables: Sequence[Published], concept: str) -> Rows:
    """The cells whose sum is shown; ``figures``: how many contribute to each."""
    from scipy.sparse import vstack

    matrices, figures, owner, cell, kind = [], [], [], [], []
    for number, item in enumerate(tables):
        _, values, contributors = item.sums[concept]
        matrix, kinds = incidence(held, item)
        chosen = np.flatnonzero(~np.isnan(values) & (np.diff(matrix.indptr) > 0))
        matrices.append(matrix[chosen])
        figures.append(contributors[chosen])
        owner.append(np.full(len(chosen), number))
        cell.append(chosen)
        kind.append(kinds[chosen])
    joined = [np.concatenate(item) for item in (figures, owner, cell, kind)]
    return Rows(vstack(matrices).tocsr(), joined[0], np.zeros(len(joined[0])), *joined[1:])
