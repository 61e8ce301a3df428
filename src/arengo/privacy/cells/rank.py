"""Which parts of a population can be worked out exactly from published figures.

A part t is derivable iff its indicator is a combination of rows of the 0/1 matrix A (cells x atoms). What is
published as a cell of its own is taken out first; then, in each connected rest, t is in the row space iff its
leverage t' A'(AA')^-1 A t equals the size of t. That asks only for the Gram matrix of the cells, which is small while
atoms may be many. Every part found is proved by a combination with rational coefficients, multiplied out in whole
numbers. Where cells are too many even for that, random tables that change no published sum are drawn: a part that is
derivable is the same in all of them, any other one is not (but for chance).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 2_500
"""Cells of one connected rest up to which its rank is taken from the Gram matrix."""
STEPS = 1_000
"""Steps of the solver for one draw."""
SECONDS = 20.0
"""Of the processor, for the draws of one question; what is not solved by then was not compared."""
WHOLE = 5_000_000
"""Cells times their atoms from which a matrix is not divided into its connected parts."""
ENTRIES = 60_000_000
"""Cells times their atoms up to which draws are made: what fits into memory."""
PAIRS = 1_500
"""Atoms up to which unions of two are tried."""
NEAR = 1e-7


@dataclass(frozen=True, slots=True)
class Derived:
    """``single``: (atoms,) bool. ``value``: (atoms,) what the published figures give for them, NaN for the others.
    ``pairs``: unions of two atoms that are derivable while neither is, with their figure. ``skipped``: cells that were
    not compared as there were too many of them at once. ``unproved``: those of the found whose coefficients have no
    small denominator, so that floating point alone speaks for them.
    """

    single: NDArray[np.bool_]
    value: NDArray[np.float64]
    pairs: tuple[tuple[int, int, float], ...] = ()
    skipped: int = 0
    unproved: int = 0


def nothing(size: int) -> Derived:
    return Derived(np.zeros(size, bool), np.full(size, np.nan))


def derive(
    matrix: Any, figures: NDArray[np.float64], small: NDArray[np.bool_] | None = None, *, pairs: bool = True
) -> Derived:
    """``matrix``: sparse 0/1 (cells, atoms); ``figures``: published, NaN when only the predicate is known.
    ``small``: atoms of interest for unions of two (default all).
    """
    from scipy.sparse import csr_matrix

    size = matrix.shape[1]
    single = np.zeros(size, bool)
    value = np.full(size, np.nan)
    held = csr_matrix(matrix)
    left = figures.astype(float).copy()
    while True:  # what is published as it is, or becomes so
        counts = np.diff(held.indptr)
        alone = np.flatnonzero(counts == 1)
        if not len(alone):
            break
        which = held.indices[held.indptr[alone]]
        order = np.argsort(np.isnan(left[alone]), kind="stable")  # a known figure speaks first
        which, first = np.unique(which[order], return_index=True)
        found = left[alone[order][first]]
        fresh = ~single[which]
        single[which] = True
        value[which[fresh]] = found[fresh]
        known = np.zeros(size)
        known[which] = np.where(np.isnan(value[which]), 0.0, value[which])
        hidden = np.zeros(size, np.int64)
        hidden[which[np.isnan(value[which])]] = 1
        mask = np.ones(size, np.int64)
        mask[which] = 0
        left = left - held @ known
        left[(held @ hidden) > 0] = np.nan
        held = held.multiply(mask[None, :]).tocsr()
        held.eliminate_zeros()
    rows = np.flatnonzero(np.diff(held.indptr) > 0)
    if not len(rows):
        return Derived(single, value)
    if held.nnz > ENTRIES:
        return Derived(single, value, (), len(rows))
    part_ = held if len(rows) == held.shape[0] else held[rows]
    rest, figures_left = _distinct(part_, left[rows])
    skipped = unproved = 0
    union: list[tuple[int, int, float]] = []
    if rest.nnz > WHOLE and rest.shape[0] > ROWS:  # so large that to divide it costs more than to solve it
        many, group = 1, np.zeros(rest.shape[0], np.int64)
    else:
        many, group = connected(rest)
    for number in range(many):
        cells = np.flatnonzero(group == number)
        if not len(cells):
            continue
        part = rest if len(cells) == rest.shape[0] else rest[cells]
        there = np.zeros(size, bool)
        there[part.indices] = True
        columns = np.flatnonzero(there)
        by = _rank if len(cells) <= ROWS else _drawn
        inner = part if len(columns) == size else part[:, columns].tocsr()
        told = by(inner, figures_left[cells], None if small is None else small[columns], pairs)
        skipped += told.skipped
        single[columns[told.single]] = True
        value[columns[told.single]] = told.value[told.single]
        union += [(int(columns[a]), int(columns[b]), figure) for a, b, figure in told.pairs]
        unproved += told.unproved
    return Derived(single, value, tuple(union), skipped, unproved)


def _distinct(matrix: Any, figures: NDArray[np.float64]) -> tuple[Any, NDArray[np.float64]]:
    """Each predicate once, with a known figure when there is one."""
    marks = signatures(matrix)
    order = np.lexsort((np.isnan(figures), marks[:, 1], marks[:, 0]))
    sorted_ = marks[order]
    first = np.ones(len(order), bool)
    first[1:] = (sorted_[1:] != sorted_[:-1]).any(axis=1)
    chosen = np.sort(order[first])
    if len(chosen) == matrix.shape[0]:
        return matrix.tocsr(), figures
    return matrix[chosen].tocsr(), figures[chosen]


def connected(matrix: Any) -> tuple[int, NDArray[np.int64]]:
    """How many groups of rows share no column, and the group of each row."""
    from scipy.sparse import block_array
    from scipy.sparse.csgraph import connected_components

    many, group = connected_components(block_array([[None, matrix], [matrix.T, None]]), directed=False)
    return int(many), np.asarray(group[: matrix.shape[0]], np.int64)


def signatures(matrix: Any, seed: int = 20_260) -> NDArray[np.uint64]:
    """Two 64-bit sums a row that are equal for equal sets of columns (and, but for 2^-128, only then)."""
    source = np.random.default_rng(seed)
    draws = source.integers(0, 2**63, (matrix.shape[1], 2), dtype=np.int64)
    sums: NDArray[np.uint64] = np.asarray(matrix.astype(np.int64, copy=False) @ draws).view(np.uint64)
    return sums


def merged(matrix: Any, extra: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
    """Number of the merged atom of each atom: those no cell tells apart (and that are equal in ``extra``) share one."""
    marks = signatures(matrix.T)
    # One number an atom: that two of a million different ones meet has a chance of 3 in 100 million.
    one = marks[:, 0] ^ (marks[:, 1] << np.uint64(1))
    if extra is not None:
        _, one = np.unique(np.column_stack([one, extra.view(np.uint64)]), axis=0, return_inverse=True)
    distinct, which = np.unique(one, return_inverse=True)
    return np.arange(len(one)) if len(distinct) == len(one) else np.asarray(which).ravel()


def _rank(part: Any, figures: NDArray[np.float64], small: NDArray[np.bool_] | None, pairs: bool) -> Derived:
    from scipy.linalg import solve_triangular
    from scipy.linalg.lapack import dpstrf

    size = part.shape[1]
    gram = (part @ part.T).toarray().astype(float)
    factor, order, rank, _ = dpstrf(gram, tol=1e-9 * max(1.0, float(gram.diagonal().max())), lower=1)
    rows = order[:rank] - 1
    lower = np.tril(factor[:rank, :rank])
    chosen = part[rows].tocsc()
    single = np.zeros(size, bool)
    value = np.full(size, np.nan)
    keep = np.flatnonzero(small) if small is not None else np.arange(size)
    # What a random vector of the null space does not leave alone is not derivable, and needs no further look.
    source = np.random.default_rng(size)
    null = []
    for _ in range(2):
        x = source.standard_normal(size)
        half = solve_triangular(lower, chosen @ x, lower=True)
        null.append(x - chosen.T @ solve_triangular(lower.T, half, lower=False))
    asked = np.flatnonzero(np.max(np.abs(np.array(null)), axis=0) < 1e-5)
    leverage = _leverage(chosen, lower, asked)
    unproved = 0
    known = figures[rows]
    for atom in asked[leverage > 1 - NEAR]:
        told, proved = _proof(chosen, lower, (int(atom),), known)
        unproved += not proved
        single[atom], value[atom] = True, told
    union: list[tuple[int, int, float]] = []
    if pairs:
        for a, b in _opposite(null, keep[~single[keep]]):
            told, proved = _proof(chosen, lower, (a, b), known)
            if proved:
                union.append((a, b, told))
    return Derived(single, value, tuple(union), 0, unproved)


def _leverage(rows: Any, lower: NDArray[np.float64], atoms: NDArray[np.int64]) -> NDArray[np.float64]:
    from scipy.linalg import solve_triangular

    out = np.zeros(len(atoms))
    step = max(1, 20_000_000 // max(len(lower), 1))
    for at in range(0, len(atoms), step):
        columns = rows[:, atoms[at : at + step]].toarray().astype(float)
        out[at : at + step] = (solve_triangular(lower, columns, lower=True) ** 2).sum(axis=0)
    return out


def _opposite(null: list[NDArray[np.float64]], atoms: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Pairs of atoms whose sum no vector of the null space changes."""
    if not 1 < len(atoms) <= PAIRS:
        return []
    near = np.ones((len(atoms), len(atoms)), bool)
    for z in null:
        near &= np.abs(z[atoms][:, None] + z[atoms][None, :]) < 1e-6
    return [(int(atoms[a]), int(atoms[b])) for a, b in zip(*np.nonzero(np.triu(near, 1)), strict=True)]


def _drawn(part: Any, figures: NDArray[np.float64], small: NDArray[np.bool_] | None, pairs: bool) -> Derived:
    """Derivable parts of many cells: those at which random vectors of the null space vanish.

    A solution of the published sums gives their figures: derivable parts are equal in every one.
    """
    from scipy.sparse import csr_matrix

    size = part.shape[1]
    until = time.thread_time() + SECONDS
    # Rows of one length: cells of very different sizes would keep the solver busy for long.
    length = np.diff(part.indptr)
    scale = 1 / np.sqrt(length)
    matrix = csr_matrix((np.repeat(scale, length), part.indices, part.indptr), shape=part.shape)
    keep = np.flatnonzero(small) if small is not None else np.arange(size)
    x = np.random.default_rng(size).standard_normal((size, 2))
    z = x - _least(matrix, matrix @ x, until)
    if np.abs(matrix @ z).max(initial=0.0) > 1e-6:  # the solver did not come to its end
        return Derived(np.zeros(size, bool), np.full(size, np.nan), (), part.shape[0])
    null = [np.ascontiguousarray(z[:, at]) for at in range(2)]
    single: NDArray[np.bool_] = np.abs(z).max(axis=1) < 1e-5
    union = [(a, b, float("nan")) for a, b in _opposite(null, keep[~single[keep]])] if pairs else []
    value = np.full(size, np.nan)
    if single[keep].any() and not np.isnan(figures).any():
        value[single] = _least(matrix, (scale * figures)[:, None], until)[single, 0]
    return Derived(single, value, tuple(union), 0, int(single.sum()) + len(union))


def _least(matrix: Any, right: NDArray[np.float64], until: float) -> NDArray[np.float64]:
    """Until then, the shortest x with matrix @ x == right for each column of ``right``, by conjugate gradients on the
    cells (Craig's method), all columns in one go over the matrix.

    Sums of squares are taken without the linear-algebra library: its threads cost more than they give here.
    """
    back = matrix.T
    x = np.zeros((matrix.shape[1], right.shape[1]))
    rest = right.copy()
    way = back @ rest
    now = (rest * rest).sum(axis=0)
    end = now * 1e-24
    for _ in range(STEPS):
        going = now > end
        if not going.any() or time.thread_time() > until:
            break
        length = np.where(going, now / np.maximum((way * way).sum(axis=0), 1e-300), 0.0)
        x += length * way
        rest -= length * (matrix @ way)
        before, now = now, (rest * rest).sum(axis=0)
        way = back @ rest + np.where(going, now / np.maximum(before, 1e-300), 0.0) * way
    return x


def _proof(
    rows: Any, lower: NDArray[np.float64], target: tuple[int, ...], figures: NDArray[np.float64]
) -> tuple[float, bool]:
    """The figure of a set of atoms, and whether its combination of cells was proved in whole numbers.

    The rows are independent, so there is one combination only; what its coefficients are in floating point is taken
    for the nearest fraction and multiplied out.
    """
    from scipy.linalg import solve_triangular

    want = np.zeros(rows.shape[1], np.int64)
    want[list(target)] = 1
    half = solve_triangular(lower, rows @ want.astype(float), lower=True)
    mix = solve_triangular(lower.T, half, lower=False)
    used = np.flatnonzero(np.abs(mix) > 1e-9)
    figure = float(mix[used] @ figures[used])
    parts = [Fraction(float(mix[at])).limit_denominator(5_000) for at in used]
    down = lcm(*(item.denominator for item in parts)) if parts else 1
    if down > 10**9 or any(abs(item * down) > 2**40 for item in parts):
        return figure, False
    whole = np.array([int(item * down) for item in parts], np.int64)
    made = rows.tocsr()[used].T.astype(np.int64) @ whole
    return figure, bool((np.asarray(made).ravel() == want * down).all())
