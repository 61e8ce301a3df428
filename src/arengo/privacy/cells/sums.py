"""Sums that can be worked out by subtracting published sums, over fewer contributors than a cell may have.

A sum over wards less a sum over school zones is the income of one courtyard. One or two contributors to what is left
know, or are known, to the last digit: by the (n, k) rule n of n dominate whatever they gave (handbook 4.2). Sums are
compared that are of one concept; who contributes is told by the tables, else by the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from arengo.contract.model import Frozen
from arengo.privacy.cells import rank
from arengo.privacy.cells.atoms import NOISY, Atoms, Published, incidence
from arengo.privacy.cells.parts import Parts, Rows, own_cells
from arengo.privacy.finding import Finding

if TYPE_CHECKING:
    from arengo.privacy.case import Case

ALIKE = 0.2
"""A register counts the contributors when its figures differ from theirs by no more than this."""


def differenced(case: Case, held: Atoms, others: Sequence[Published], mine: Published) -> list[Finding]:
    """Findings ``cells-sums-differenced`` and ``not-looked``, one a column of sums of the candidate.

    Rounding and small noise change counts, not sums: what is left of two sums is exact all the same. Sums of no
    declared concept are compared with those of the same name; that is a guess, which a person looks at.
    """
    out = []
    for concept, (column, _, _) in mine.sums.items():
        alike = [(item, concept) for item in others if concept in item.sums]
        named = []
        if concept == f"{mine.release.dataset}.{column}":
            keys = [(item, f"{item.release.dataset}.{column}") for item in others if concept not in item.sums]
            named = [(item, key) for item, key in keys if key in item.sums]
        alike = [(item, key) for item, key in (*alike, *named) if item.slack < NOISY]
        if alike and mine.slack < NOISY:
            found = _of(case, held, [*alike, (mine, concept)], column)
            if found is not None:
                guessed = found.outcome == "block" and bool(named)
                out.append(replace(found, outcome="review") if guessed else found)
    return out


def _of(case: Case, held: Atoms, tables: list[tuple[Published, str]], column: str) -> Finding | None:
    """``tables``: with the concept of the sum in each, the candidate last."""
    rows = _rows(held, tables)
    others, last = [item for item, _ in tables[:-1]], len(tables) - 1
    slack = np.array([item.slack for item, _ in tables])
    off = float(slack.max())
    known = not np.isnan(rows.figures).any() and (off == 0 or not _registered(held, rows))
    counts = np.full(len(held), np.nan) if known else held.counts
    empty = counts == 0
    nought = np.flatnonzero((rows.figures == 0) & (slack[rows.owner] == 0))
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
    wide = 0 if truth else 2 * round(off)  # how far the difference of two counts may be off
    parts = Parts(matrix, figures, sizes, truth, below + wide)
    parts.take(after, prior, own_cells(matrix, rows, last))
    parts.nested(rows, last, before)
    found = parts.done()
    if not found:
        return None
    if wide:
        why = f"the counts beside the sums of {column} are not exact, and no register says how many contribute"
        return Finding("not-looked", "review", Frozen({"what": "Differences of sums", "why": why}), (column,))
    names, _ = parts.explain(rows, last, found, others)
    facts = {"parts": len(found), "threshold": below, "column": column, "release": case.release.label}
    return Finding("cells-sums-differenced", "block", Frozen(facts), (column,), names, sum(count for _, count in found))


def _registered(held: Atoms, rows: Rows) -> bool:
    """Whether the register counts those who contribute, so that its figures may stand for counts that are not exact."""
    told, there = float(rows.figures.sum()), float((rows.matrix @ held.counts).sum())
    return bool(not np.isnan(there) and abs(there - told) <= ALIKE * max(told, 1.0))


def _rows(held: Atoms, tables: Sequence[tuple[Published, str]]) -> Rows:
    """The cells whose sum is shown; ``figures``: how many contribute to each."""
    from scipy.sparse import vstack

    matrices, figures, owner, cell, kind = [], [], [], [], []
    for number, (item, concept) in enumerate(tables):
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
