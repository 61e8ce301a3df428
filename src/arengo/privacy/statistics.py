"""Open statistics (``arengoStatistics``): readers get figures about groups, never rows, and no figure about few.

Three methods. ``cell-key`` (the default): every figure is off by a little, by an amount that depends only on which
people it counts, so the same people always give the same figure, however and by whom it is asked (Fraser and Wooton:
*A proposed method for confidentialising tabular output to protect against differencing*, UNECE 2005). ``round``: the
same key decides whether a count is rounded up or down to the base. ``suppress``: figures are exact, small groups and
as many others as keep them from being subtracted are left out. A group of nobody and a small group look alike: neither
is there, since the difference tells whether somebody stands in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arengo.contract.model import EMPTY, Contract

SUPPRESS, ROUND, CELL_KEY = "suppress", "round", "cell-key"
SPREAD = 2.0
"""Standard deviation of the cell key's noise, in persons."""
KEYS = 1 << 32
SHARE = 10
"""Persons there are for each value of a column, at least, on average, where groups may be formed by it."""
MANY = 150
"""Different values of numbers by which groups may be formed: years of age are fewer, amounts of money are more."""


def alone(contract: Contract) -> bool:
    """Whether everybody may ask an open dataset for groups and nobody gets its rows, so that no rows are released."""
    return contract.access == "open" and "arengoStatistics" in contract.custom


@dataclass(frozen=True, slots=True)
class Rule:
    """``differencing``: whether each question is compared with those answered before."""

    threshold: int = 5
    method: str = CELL_KEY
    base: int = 5
    differencing: bool = False

    @classmethod
    def of(cls, custom: Mapping[str, Any]) -> Rule | None:
        """What a contract says, None when it says nothing."""
        told = custom.get("arengoStatistics", EMPTY)
        if not told and "arengoStatistics" not in custom:
            return None
        method = str(told.get("method", CELL_KEY))
        threshold = int(told.get("threshold", 5))
        # Exact figures are protected by nothing else.
        differencing = bool(told.get("differencing", method == SUPPRESS))
        return cls(threshold, method, int(told.get("base", threshold)), differencing)


def near_unique(values: int, people: int, number: bool) -> bool:
    """Whether a column has so many different values that each is nearly one person's."""
    return values * SHARE > people or (number and values > MANY)


def complement(
    keys: Sequence[tuple[Any, ...]], people: Sequence[int], hidden: Sequence[bool], threshold: int
) -> list[bool]:
    """More groups to leave out, until no line of the table tells what is missing in it.

    A line holds all groups that differ in one column alone. What is missing in it is two groups or more, of
    ``threshold`` persons or more together, or nothing: whoever knows its total learns no small figure. The smallest go
    first. It does not bound what several lines tell together; published tables get that from the gate.
    """
    out = list(hidden)
    lines: dict[tuple[Any, ...], list[int]] = {}
    for at, key in enumerate(keys):
        for column in range(len(key)):
            lines.setdefault((column, *key[:column], None, *key[column + 1 :]), []).append(at)
    lines.setdefault(("all",), list(range(len(keys))))
    changed = True
    while changed:
        changed = False
        for members in lines.values():
            missing = [at for at in members if out[at]]
            total = sum(people[at] for at in missing)
            if not missing or (len(missing) > 1 and total >= threshold):
                continue
            left = [at for at in members if not out[at]]
            if left:
                out[min(left, key=lambda at: (people[at], at))] = True
                changed = True
    return out


def differs(overlap: Mapping[tuple[str | None, str | None], int], threshold: int) -> bool:
    """Whether a group of one answer and one, or several together, of another differ by few persons, but some.

    ``overlap``: (group of the one, group of the other; None for in none of them) -> persons in both. Groups under the
    threshold were not told and do not count.
    """
    turned = {(other, one): count for (one, other), count in overlap.items()}
    return _covered(overlap, threshold) or _covered(turned, threshold)


def _covered(overlap: Mapping[tuple[str | None, str | None], int], threshold: int) -> bool:
    sizes: dict[str, int] = {}
    others: dict[str, int] = {}
    for (one, other), count in overlap.items():
        if one is not None:
            sizes[one] = sizes.get(one, 0) + count
        if other is not None:
            others[other] = others.get(other, 0) + count
    parts: dict[str, list[tuple[str, int]]] = {}
    for (one, other), count in overlap.items():
        if one is not None and other is not None and sizes[one] >= threshold and others[other] >= threshold:
            parts.setdefault(one, []).append((other, count))
    for one, found in parts.items():
        cover = [(other, count) for other, count in found if 2 * count > others[other]]
        differences = [sizes[one] + others[other] - 2 * count for other, count in found]
        if cover:
            differences.append(sizes[one] + sum(others[other] - 2 * count for other, count in cover))
        if any(0 < item < threshold for item in differences):
            return True
    return False


def told(value: float, whole: bool) -> float | int | None:
    """A figure as it is given; None for one that is withheld."""
    if not math.isfinite(value):
        return None
    return round(value) if whole else value
