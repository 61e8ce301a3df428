"""The cheapest node at which everybody stands in a group of at least ``k``: found for certain, without trying all.

On the way up groups only grow, so one answer settles everything above (it fits) or below (it does not). Paths through
what is not settled are searched by halves (Kohlmayer, Prasser et al., *Flash*, PASSAT 2012), and only nodes cheaper
than the best one so far are asked. A promise that need not get better on the way up (l-diversity with suppression,
t-closeness) is asked of each node by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.privacy.search.lattice import Node, Problem
from arengo.privacy.search.loss import losses

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 20_000_000
"""Nodes of a lattice that is searched as a whole."""
OPEN, FITS, FAILS = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Found:
    """``node`` None: not even the top fits. ``loss``: 0..1, of the levels alone. ``withheld``: people in groups that
    are still too small, within the limit. ``optimal``: False when time ran out; then it is the best one so far.
    """

    node: Node | None
    loss: float
    withheld: int
    checked: int
    nodes: int
    optimal: bool
    seconds: float


def optimum(problem: Problem, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> Found:
    """The node with the least loss that fits; of equal ones the one that withholds fewer people."""
    begin = clock()
    shape = problem.shape
    nodes = int(np.prod([float(size) for size in shape]))
    per = losses(problem)
    if nodes > MOST:
        return _greedy(problem, per, nodes, begin, seconds, clock)
    cost = np.zeros(shape)
    for at, levels in enumerate(per):
        cost += levels.reshape([-1 if at == other else 1 for other in range(len(shape))])
    state = np.full(shape, OPEN, np.int8)
    best: Node | None = None
    bound = np.inf
    optimal = True
    while True:
        asked = (state == OPEN) & (cost < bound - 1e-12)
        if not asked.any():
            break
        if clock() - begin > seconds and best is not None:
            optimal = False
            break
        start = np.unravel_index(int(np.where(asked, cost, np.inf).argmin()), shape)
        for node in _halved(problem, state, _path(asked, cost, tuple(int(level) for level in start))):
            if problem.promise is None and cost[node] < bound - 1e-12:
                best, bound = node, float(cost[node])
    if problem.promise is not None:
        best, optimal = _promised(problem, state, cost, begin, seconds, clock)
        bound = float(cost[best]) if best else np.inf
    if best is None:
        return Found(None, 1.0, problem.rows, problem.checked, nodes, optimal, clock() - begin)
    return Found(best, bound, problem.withheld(best), problem.checked, nodes, optimal, clock() - begin)


def _path(asked: NDArray[np.bool_], cost: NDArray[np.float64], start: Node) -> list[Node]:
    """Upwards through nodes that are still asked about, the cheapest next one each time."""
    path, node = [start], start
    while True:
        above = [(*node[:at], node[at] + 1, *node[at + 1 :]) for at in range(len(node))]
        open_ = [item for item in above if all(a < b for a, b in zip(item, cost.shape, strict=True)) and asked[item]]
        if not open_:
            return path
        node = min(open_, key=lambda item: float(cost[item]))
        path.append(node)


def _halved(problem: Problem, state: NDArray[np.int8], path: list[Node]) -> list[Node]:
    """The lowest node of a path that fits, by halves; what it settles is marked."""
    low, high, found = 0, len(path) - 1, []
    while low <= high:
        middle = (low + high) // 2
        node = path[middle]
        if problem.fits(node):
            above: Any = (*(slice(level, None) for level in node), ...)
            state[above] = FITS
            found, high = [node], middle - 1
        else:
            below: Any = (*(slice(0, level + 1) for level in node), ...)
            state[below] = FAILS
            low = middle + 1
    return found


def _promised(
    problem: Problem, state: NDArray[np.int8], cost: NDArray[np.float64], begin: float, seconds: float,
    clock: Callable[[], float],
) -> tuple[Node | None, bool]:  # fmt: skip
    """The cheapest node that fits and keeps the other promise: asked in the order of their cost."""
    fitting = np.flatnonzero(state == FITS)
    for flat in fitting[np.argsort(cost.ravel()[fitting], kind="stable")]:
        node = tuple(int(level) for level in np.unravel_index(int(flat), cost.shape))
        problem.checked += 1
        if problem.promises(node):
            return node, True
        if clock() - begin > seconds:
            return None, False
    return None, True


def _greedy(
    problem: Problem, per: list[NDArray[np.float64]], nodes: int, begin: float, seconds: float,
    clock: Callable[[], float],
) -> Found:  # fmt: skip
    """A lattice too large to hold: down from the top, the step that regains most first, as long as it fits."""
    node: Node = tuple(size - 1 for size in problem.shape)

    def cost(item: Node) -> float:
        return float(sum(per[at][level] for at, level in enumerate(item)))

    if not (problem.fits(node) and problem.promises(node)):
        return Found(None, 1.0, problem.rows, problem.checked, nodes, False, clock() - begin)
    moved = True
    while moved and clock() - begin < seconds:
        moved = False
        below = [(*node[:at], level - 1, *node[at + 1 :]) for at, level in enumerate(node) if level]
        for item in sorted(below, key=cost):
            if problem.fits(item) and problem.promises(item):
                node, moved = item, True
                break
    return Found(node, cost(node), problem.withheld(node), problem.checked, nodes, False, clock() - begin)


def brute(problem: Problem) -> tuple[float, set[Any]]:
    """The least loss that fits and the nodes that have it, by trying all: what the search is tested against."""
    per = losses(problem)
    best = np.inf
    out: set[Any] = set()
    for node in np.ndindex(*problem.shape):
        cost = float(sum(per[at][level] for at, level in enumerate(node)))
        if cost < best + 1e-12 and problem.fits(node) and problem.promises(node):
            if cost < best - 1e-12:
                out = set()
            best = min(best, cost)
            out.add(tuple(node))
    return best, out
