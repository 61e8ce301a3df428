"""The cheapest node at which everybody stands in a group of at least ``k``: found for certain, without trying all.

On the way up groups only grow, so one answer settles everything above (it fits) or below (it does not). Paths through
what is not settled are searched by halves (Kohlmayer, Prasser et al., *Flash*, PASSAT 2012), and only nodes that may be
cheaper than the best one so far are asked. Who is withheld is lost whole (Iyengar, *Transforming data to satisfy
privacy constraints*, KDD 2002), so a node costs more than its levels do; at least as many people are withheld below a
node as at it, which bounds what the nodes below can cost. A promise that need not get better on the way up (l-diversity
with suppression, t-closeness) is asked of each node by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.privacy.search.lattice import Lattice, Node
from arengo.privacy.search.loss import losses, shares, withheld

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 20_000_000
"""Nodes of a lattice that is searched as a whole."""
OPEN, FITS, FAILS = 0, 1, 2
PATIENCE = 15
"""Seconds that may pass for each one of the processor that a search may take: a busy machine gives it less of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """``node`` None: not even the top fits. ``loss``: 0..1, who is withheld counts as lost whole. ``withheld``: people
    in groups that are still too small, within the limit. ``optimal``: False when time ran out; then it is the best one
    so far.
    """

    node: Node | None
    loss: float
    withheld: int
    checked: int
    nodes: int
    optimal: bool
    seconds: float


class Spent:
    """Seconds of the processor that this thread took since now. What the engine's own threads do for it is not seen,
    and a machine may hardly let it work: of the time that passes at least one part in :data:`PATIENCE` counts."""

    def __init__(self) -> None:
        self._busy, self._wall = time.thread_time(), time.monotonic()

    def __call__(self) -> float:
        return max(time.thread_time() - self._busy, (time.monotonic() - self._wall) / PATIENCE)


def optimum(problem: Lattice, seconds: float = 60.0, clock: Callable[[], float] | None = None) -> Found:
    """The node with the least loss that fits; of equal ones one whose levels are no coarser than they need to be."""
    clock = clock or Spent()
    begin = clock()
    shape = problem.shape
    nodes = int(np.prod([float(size) for size in shape]))
    per = losses(problem)
    if nodes > MOST:
        return _greedy(problem, per, nodes, begin, seconds, clock)
    costs = _Costs(problem, per)
    state = np.full(shape, OPEN, np.int8)
    optimal = True
    while True:
        asked = (state == OPEN) & (costs.least < costs.bound - 1e-12)
        if not asked.any():
            break
        if clock() - begin > seconds and costs.best is not None:
            optimal = False
            break
        start = np.unravel_index(int(np.where(asked, costs.least, np.inf).argmin()), shape)
        _halved(problem, state, costs, _path(asked, costs.least, tuple(int(level) for level in start)))
    optimal &= _settled(problem, state, costs, begin, seconds, clock)
    if costs.best is None:
        return Found(None, 1.0, problem.rows, problem.checked, nodes, optimal, clock() - begin)
    best = _finest(problem, costs, costs.best)
    held = problem.withheld(best)
    return Found(best, costs.bound, held, problem.checked, nodes, optimal, clock() - begin)


class _Costs:
    """What the nodes cost: at least ``least``, and in full those that were looked at. ``best``: the cheapest of these
    that keeps the promise, where none is asked; ``bound``: its cost.
    """

    def __init__(self, problem: Lattice, per: list[NDArray[np.float64]]) -> None:
        shape = problem.shape
        self._problem = problem
        self._parts = shares(problem)
        self.levels = np.zeros(shape)
        self._spared = np.ones(shape)  # the least that somebody who is withheld costs beyond the levels
        for at, (levels, part) in enumerate(zip(per, self._parts, strict=True)):
            along = [-1 if at == other else 1 for other in range(len(shape))]
            self.levels += levels.reshape(along)
            self._spared -= part.max(axis=1, initial=0.0).reshape(along)
        self.least = self.levels.copy()
        self.known: dict[Node, float] = {}
        self.best: Node | None = None
        self.bound = np.inf

    def look(self, node: Node) -> None:
        """At a node that fits; those below it withhold at least the same people."""
        held = int(self._problem.small(node)[1].sum())
        if held:
            below: Any = tuple(slice(0, level + 1) for level in node)
            share = held / max(self._problem.rows, 1)
            np.maximum(self.least[below], (self.levels + share * self._spared)[below], out=self.least[below])
        if node not in self.known:
            self.known[node] = float(self.levels[node]) + withheld(self._problem, self._parts, node)

    def take(self, node: Node) -> None:
        cost = self.known[node]
        if cost < self.bound - 1e-12:
            self.best, self.bound = node, cost


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


def _halved(problem: Lattice, state: NDArray[np.int8], costs: _Costs, path: list[Node]) -> None:
    """The lowest node of a path that fits, by halves; what it settles is marked, what it costs is known."""
    low, high = 0, len(path) - 1
    while low <= high:
        middle = (low + high) // 2
        node = path[middle]
        if problem.fits(node):
            above: Any = (*(slice(level, None) for level in node), ...)
            state[above] = FITS
            costs.look(node)
            if problem.promise is None:
                costs.take(node)
            high = middle - 1
        else:
            below: Any = (*(slice(0, level + 1) for level in node), ...)
            state[below] = FAILS
            low = middle + 1


def _settled(
    problem: Lattice, state: NDArray[np.int8], costs: _Costs, begin: float, seconds: float, clock: Callable[[], float]
) -> bool:
    """Of the nodes that fit those that may be cheaper than the best one, the most promising first. False: no time."""
    tried = np.zeros(costs.levels.shape, bool)
    if problem.promise is None:
        for node in costs.known:
            tried[node] = True
    while True:
        asked = (state == FITS) & ~tried & (costs.least < costs.bound - 1e-12)
        if not asked.any():
            return True
        if clock() - begin > seconds:
            return False
        first = np.unravel_index(int(np.where(asked, costs.least, np.inf).argmin()), asked.shape)
        node = tuple(int(level) for level in first)
        tried[node] = True
        problem.checked += 1
        if (node in costs.known and costs.known[node] >= costs.bound) or not problem.promises(node):
            continue
        costs.look(node)
        costs.take(node)


def _finest(problem: Lattice, costs: _Costs, best: Node) -> Node:
    """Down as long as it costs the same: levels that tell the values at hand no further apart can still be read better
    (``81***`` than ``8****`` where all begin with 81).
    """
    moved = True
    while moved:
        moved = False
        for at, level in enumerate(best):
            below = (*best[:at], level - 1, *best[at + 1 :])
            if level and costs.levels[below] >= costs.levels[best] - 1e-12 and problem.fits(below):
                costs.look(below)
                if costs.known[below] <= costs.bound + 1e-12 and problem.promises(below):
                    best, moved = below, True
                    break
    return best


def _greedy(
    problem: Lattice, per: list[NDArray[np.float64]], nodes: int, begin: float, seconds: float,
    clock: Callable[[], float],
) -> Found:  # fmt: skip
    """A lattice too large to hold: down from the top, the step that regains most first, as long as it fits."""
    node: Node = tuple(size - 1 for size in problem.shape)

    parts = shares(problem)

    def cost(item: Node) -> float:
        return float(sum(per[at][level] for at, level in enumerate(item)))

    if not (problem.fits(node) and problem.promises(node)):
        return Found(None, 1.0, problem.rows, problem.checked, nodes, False, clock() - begin)
    bound = cost(node) + withheld(problem, parts, node)
    moved = True
    while moved and clock() - begin < seconds:
        moved = False
        below = [(*node[:at], level - 1, *node[at + 1 :]) for at, level in enumerate(node) if level]
        for item in sorted(below, key=cost):
            if problem.fits(item) and problem.promises(item):
                full = cost(item) + withheld(problem, parts, item)
                if full < bound:
                    node, bound, moved = item, full, True
                    break
    return Found(node, bound, problem.withheld(node), problem.checked, nodes, False, clock() - begin)


def brute(problem: Lattice) -> tuple[float, set[Any]]:
    """The least loss that fits and the nodes that have it, by trying all: what the search is tested against."""
    per, parts = losses(problem), shares(problem)
    best = np.inf
    out: set[Any] = set()
    for node in np.ndindex(*problem.shape):
        cost = float(sum(per[at][level] for at, level in enumerate(node)))
        if cost < best + 1e-12 and problem.fits(node) and problem.promises(node):
            cost += withheld(problem, parts, node)
            if cost > best + 1e-12:
                continue
            if cost < best - 1e-12:
                out = set()
            best = min(best, cost)
            out.add(tuple(node))
    return best, out
