"""Which rows must be left out so that what earlier tables left out does not follow from their number.

Of each group of rows some may go; then their readers know only the least that the group can have, and how many rows
are missing in all. One linear program looks for the fewest rows after which every figure in question can be as wide
apart as the threshold: for each there are two tables, both with the sums that are public, that far apart in it. That
is complementary suppression (:mod:`arengo.privacy.cells.suppress`) with rows in the place of cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import TYPE_CHECKING

import numpy as np

from arengo.lake.layout import quote, text
from arengo.privacy.cells import attacker, later
from arengo.privacy.cells.margins import Margin
from arengo.privacy.cells.table import Key

if TYPE_CHECKING:
    from arengo.privacy.case import Case

SECONDS = 10.0
TOGETHER = 40
"""Figures that are asked about in one program; the others are looked at again in the next round."""


@dataclass(frozen=True, slots=True)
class Leave:
    """``many`` of the rows of which ``where`` (SQL) holds."""

    where: str
    many: int


def to_leave(case: Case, k: int) -> list[Leave]:
    """What must go of the rows of ``case``, at least ``k`` of a group; nothing where nothing follows."""
    out: list[Leave] = []
    for told in later.told(case):
        if told.exact or told.close:
            out += _of(told, k, later.gaps_of(case).most)
    return out


def _of(told: later.Told, k: int, most: float) -> list[Leave]:
    own = told.margins[: told.own]
    finest = max((len(item.group) for item in own), default=0)
    groups = [item for item in own if len(item.group) == finest and item.group and item.people]
    found = _program(told, own, groups, most) if groups else None
    if found is None:
        return []
    out = []
    for item, gone in zip(groups, found, strict=True):
        if gone > 1e-6:
            many = min(max(ceil(gone - 1e-6), k), int(item.people))
            out.append(Leave(_where(told.where, item), many if item.people - many >= k else int(item.people)))
    return out


def _where(rows: str, item: Margin) -> str:
    columns = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name, _ in item.group)
    listed = zip(*(labels for _, labels in item.group), strict=True)
    told = ", ".join("(" + ", ".join(text(str(label)) for label in labels) + ")" for labels in listed)
    return f"{rows}{' AND' if rows else ' WHERE'} ({columns}) IN ({told})"


def _program(
    told: later.Told, own: Sequence[Margin], groups: Sequence[Margin], most: float
) -> list[float] | None:  # fmt: skip
    """How many rows of each group go; None where no number of them helps."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    table, count = told.held.table, told.held.told.count
    held = attacker.system(table, count)
    places: dict[int | Key, int] = {cell: at for at, cell in enumerate(held.cells) if cell >= 0}
    for item in told.margins:
        for key in item.missing:
            places.setdefault(key, len(held.cells) + sum(isinstance(name, tuple) for name in places))
    size = len(held.cells) + sum(isinstance(name, tuple) for name in places)
    asked = [cell for cell in (*told.exact, *told.close) if cell in places][:TOGETHER]
    if not asked:
        return None
    copies = 2 * len(asked)
    many = len(groups)
    inside = [set(item.place) for item in groups]
    entries: list[tuple[int, int, float]] = []
    limits: list[float] = []
    equal: list[tuple[int, int, float]] = []
    figures: list[float] = []
    values = told.held.values

    def bound(row: Sequence[tuple[int, float]], limit: float) -> None:  # the sum of a row is at most ``limit``
        entries.extend((len(limits), column, value) for column, value in row)
        limits.append(limit)

    system = held.matrix.tocoo()
    for copy in range(copies):
        start = many + copy * size
        base = len(figures)
        equal += [(base + int(row), start + int(column), float(value))
                  for row, column, value in zip(system.row, system.col, system.data, strict=True)]  # fmt: skip
        figures += [float(item) for item in held.known]
        for at, item in enumerate(told.margins):
            unknown = [(start + places[name], 1.0) for name in item.place if name in places]
            known = sum(float(values[cell]) for cell in item.cells if not np.isnan(values[cell]))
            mine = at < told.own
            less = [group for group in range(many) if mine and inside[group] <= set(item.place)]
            # At least what is shown, less what goes of it.
            bound([*((c, -v) for c, v in unknown), *((group, -1.0) for group in less)], known - item.people)
            room = most if mine else item.room
            if room < inf:
                # At most what is shown and all that is missing: what goes elsewhere might have been here.
                more = [(group, -1.0) for group in range(many) if mine and group not in less]
                bound([*unknown, *more], item.people + room - known)
    for at, cell in enumerate(asked):
        up, down = many + 2 * at * size + places[cell], many + (2 * at + 1) * size + places[cell]
        bound([(down, 1.0), (up, -1.0)], -float(told.threshold))
    width = many + copies * size
    cost = np.zeros(width)
    cost[:many] = 1.0

    def matrix(held_: Sequence[tuple[int, int, float]], rows: int) -> coo_array:
        at, columns, data = zip(*held_, strict=True) if held_ else ((), (), ())
        return coo_array((np.array(data, float), (at, columns)), shape=(rows, width)).tocsr()

    ends = [(0.0, float(item.people)) for item in groups] + [(0.0, None)] * (copies * size)
    answer = linprog(
        cost, A_ub=matrix(entries, len(limits)), b_ub=np.array(limits),
        A_eq=matrix(equal, len(figures)) if figures else None, b_eq=np.array(figures) if figures else None,
        bounds=ends, method="highs", options={"time_limit": SECONDS},
    )  # fmt: skip
    return None if answer.x is None else [float(item) for item in answer.x[:many]]
