"""The attacker who has the published figures and linear programming: how closely each withheld figure is pinned down.

Every figure is bounded by what it can be at most and at least while all published sums hold (handbook 4.3, *interval
audit*). A target that has been seen far enough apart in any solution is safe and needs no program of its own, so a
few solutions usually settle most targets.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.privacy.cells.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Bounds:
    """``lower``, ``upper``: shape (targets,); once they are as far apart as was enough, they are what was seen and the
    true ones may be wider. ``looked``: False where time ran out first; there what was seen proves nothing.
    ``solved``: linear programs.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    looked: NDArray[np.bool_]
    solved: int = 0
    feasible: bool = True

    @property
    def width(self) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):  # NaN where no solution was seen
            return self.upper - self.lower


def bounds(
    matrix: Any,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    targets: NDArray[np.int64],
    enough: NDArray[np.float64],
    *,
    ceiling: float = np.inf,
    floor: NDArray[np.float64] | None = None,
    known: NDArray[np.float64] | None = None,
    seconds: float = 5.0,
    whole: bool = False,
) -> Bounds:
    """What ``low <= matrix @ x <= high``, ``x >= floor`` (0) says about ``x[targets]``.

    ``matrix``: sparse (rows, n). ``enough``: per target, the width at which it is safe and not looked at further.
    ``known``: a solution, when there is one. ``whole``: x are whole numbers. ``ceiling``: largest value an attacker
    would believe.
    """
    from scipy.optimize import Bounds as Box
    from scipy.optimize import LinearConstraint, milp

    size = matrix.shape[1]
    lower, upper = np.full(len(targets), np.inf), np.full(len(targets), -np.inf)
    looked = np.zeros(len(targets), bool)
    until = time.monotonic() + seconds
    rule = [LinearConstraint(matrix, low, high)] if matrix.shape[0] else []
    box = Box(np.zeros(size) if floor is None else floor, np.full(size, ceiling))
    integrality = np.ones(size) if whole else None
    solved = 0
    feasible = True

    def see(x: NDArray[np.float64]) -> None:
        np.minimum(lower, x[targets], out=lower)
        np.maximum(upper, x[targets], out=upper)

    def solve(cost: NDArray[np.float64]) -> tuple[NDArray[np.float64] | None, int]:
        """Solution, and scipy's status: 0 solved, 1 out of time, 2 infeasible, 3 without end."""
        nonlocal solved
        left = until - time.monotonic()
        if left <= 0:
            return None, 1
        solved += 1
        answer = milp(
            cost, constraints=rule, bounds=box, integrality=integrality, options={"time_limit": max(left, 0.01)}
        )
        return answer.x if answer.status == 0 else None, int(answer.status)

    if known is not None:
        see(known)
    source = np.random.default_rng(len(targets))
    cost = np.zeros(size)
    if len(targets) > 2:
        for _ in range(4):  # a handful of random directions moves most targets at once
            cost[:] = 0
            cost[targets] = source.choice((-1.0, 1.0), len(targets)) * source.random(len(targets))
            x, _ = solve(cost)
            if x is not None:
                see(x)
    for at, target in enumerate(targets):
        if upper[at] - lower[at] >= enough[at] - TINY:
            looked[at] = True
            continue
        ends = 0
        for sign in (-1.0, 1.0):
            cost[:] = 0
            cost[target] = sign
            x, status = solve(cost)
            if x is not None:
                see(x)
                ends += 1
            elif status in (3, 4):
                (upper if sign < 0 else lower)[at] = -sign * np.inf
                other = lower if sign < 0 else upper
                other[at] = other[at] if np.isfinite(other[at]) else 0.0
                ends += 1
            elif status == 2 and known is None:
                feasible = False
                break
            if upper[at] - lower[at] >= enough[at] - TINY:
                break
        looked[at] = ends == 2 or upper[at] - lower[at] >= enough[at] - TINY
        if not feasible:
            break
    return Bounds(lower, upper, looked, solved, feasible)


@dataclass(frozen=True, slots=True)
class System:
    """The sums of a table with its withheld cells as unknowns: ``matrix @ x == known``.

    ``cells``: per unknown, the index of its cell; -1 for one that is not in the table at all (left out instead of
    withheld). ``broken``: sums that do not add up, so that nobody can reckon with them.
    """

    cells: tuple[int, ...]
    matrix: Any
    known: NDArray[np.float64]
    broken: int


def system(table: Table, measure: str, withheld: NDArray[np.bool_] | None = None) -> System:
    """What the reader of ``table`` can write down about a measure. ``withheld``: which cells are unknown (default:
    those without a value).

    A cell that is not there is empty, unless a sum says that something is missing in its line.
    """
    from scipy.sparse import csr_matrix

    values = table.values[measure]
    gone = np.isnan(values) if withheld is None else withheld
    places = {int(cell): at for at, cell in enumerate(np.flatnonzero(gone))}
    cells = list(places)
    rows: list[tuple[list[int], list[float], float]] = []
    short: list[tuple[int, tuple[int, ...], float]] = []
    full: set[Any] = set()
    broken = 0
    for item in table.equations:
        unknown = [cell for cell in (item.parent, *item.children) if gone[cell]]
        if unknown:
            rest = sum(values[cell] for cell in item.children if not gone[cell])
            rest -= 0.0 if gone[item.parent] else values[item.parent]
            signs = [-1.0 if cell == item.parent else 1.0 for cell in unknown]
            rows.append(([places[cell] for cell in unknown], signs, -float(rest)))
            continue
        left = float(values[item.parent] - values[list(item.children)].sum())
        scale = TINY * max(1.0, abs(float(values[item.parent])))
        if abs(left) <= scale:
            full.update(missing(table, item.parent, item.children))
        elif left > 0:
            short.append((item.parent, item.children, left))
        else:
            broken += 1
    absent: dict[Any, int] = {}
    for parent, children, left in short:
        keys = [key for key in missing(table, parent, children) if key not in full]
        if not keys:
            broken += 1
            continue
        for key in keys:
            if key not in absent:
                absent[key] = len(cells)
                cells.append(-1)
        rows.append(([absent[key] for key in keys], [1.0] * len(keys), left))
    entries = [(at, column, sign) for at, row in enumerate(rows) for column, sign in zip(row[0], row[1], strict=True)]
    at_, columns, signs_ = zip(*entries, strict=True) if entries else ((), (), ())
    matrix = csr_matrix((np.array(signs_, float), (at_, columns)), shape=(len(rows), len(cells)))
    return System(tuple(cells), matrix, np.array([row[2] for row in rows], float), broken)


def missing(table: Table, parent: int, children: tuple[int, ...]) -> list[Any]:
    """Labels that could stand in the line of a sum and do not."""
    whole, first = table.keys[parent], table.keys[children[0]]
    at = next(place for place, (a, b) in enumerate(zip(whole, first, strict=True)) if a != b)
    there = {table.keys[cell][at] for cell in children}
    return [
        (*whole[:at], label, *whole[at + 1 :])
        for label, above in table.parents[at].items()
        if above == whole[at] and label not in there
    ]


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known of each withheld cell. ``cells``: as in :class:`System`; ``bounds`` beside it."""

    cells: tuple[int, ...]
    bounds: Bounds
    broken: int


def audit(
    table: Table,
    measure: str,
    enough: float | NDArray[np.float64],
    *,
    withheld: NDArray[np.bool_] | None = None,
    only: NDArray[np.bool_] | None = None,
    known: bool = False,
    whole_numbers: bool = True,
    seconds: float = 10.0,
) -> Audit:
    """The attacker's interval of every withheld cell of ``measure``; ``enough``: width at which it is safe (one, or
    per cell of the table). ``only``: which cells of the table are asked about. ``known``: the withheld values are in
    the table and solve the system.
    """
    made = system(table, measure, withheld)
    count = len(made.cells)
    asked = [at for at, cell in enumerate(made.cells) if only is None or cell < 0 or only[cell]]
    targets = np.array(asked, np.int64)
    cells = tuple(made.cells[at] for at in asked)
    if not count or not len(targets):
        none = np.zeros(0)
        return Audit((), Bounds(none, none, none.astype(bool)), made.broken)
    values = table.values[measure]
    truth = None
    if known and all(cell >= 0 for cell in made.cells):
        truth = values[list(made.cells)]
        if np.isnan(truth).any() or np.abs(made.matrix @ truth - made.known).max(initial=0.0) > 1e-3:
            truth = None
    safe = (
        np.array([enough[cell] if cell >= 0 else enough.max() for cell in cells])
        if isinstance(enough, np.ndarray)
        else np.full(len(targets), float(enough))
    )
    with np.errstate(invalid="ignore"):
        negative = bool((values < 0).any())
    floor = np.full(count, -np.inf) if negative else None
    slack = TINY if whole_numbers else TINY * max(1.0, float(np.nanmax(np.abs(values), initial=1.0)))
    found = bounds(made.matrix, made.known - slack, made.known + slack, targets, safe, floor=floor, known=truth,
                   seconds=seconds)  # fmt: skip
    if whole_numbers:
        lower, upper = np.ceil(found.lower - 1e-4), np.floor(found.upper + 1e-4)
        found = Bounds(lower, np.maximum(lower, upper), found.looked, found.solved, found.feasible)
    return Audit(cells, found, made.broken)
