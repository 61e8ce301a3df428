"""Shares beside counts of people: 2.5 % of 40 inhabitants is one of them, whether or not the count of the one is told.

Whose share a column is stands nowhere; the figures say it. A share of a count is, times the count, a whole number in
every row, but for its last decimal; of other figures that holds by chance in as many rows as the decimals are coarse.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arengo.contract.model import Frozen, Kind
from arengo.lake.layout import quote
from arengo.privacy.declared import reason_of
from arengo.privacy.finding import Finding

if TYPE_CHECKING:
    from arengo.privacy.case import Case

CODE = "cells-shares"
_ROWS = 100_000
"""Rows that are looked at."""
_DECIMALS = 4
_PROOF = -6.0
"""Logarithm (base 10) of the chance by which all rows would be whole, from which a column is a share."""
_SHARP = 0.5
"""Chance of one row to be whole by itself from which it proves nothing, and its count cannot be had."""


@dataclass(frozen=True, slots=True)
class Share:
    """``column`` is a share of ``count``; of ``cells`` rows it tells that fewer than the threshold have, or lack, what
    it is a share of."""

    column: str
    count: str
    cells: int


def look(case: Case, counts: Sequence[str], figures: Collection[str]) -> tuple[Finding, ...]:
    """A review for each column that, times one of ``counts`` (exact ones), tells small groups. ``figures``: columns
    that are judged as what they are."""
    out = []
    for item in case.contract.properties:
        if item.kind is not Kind.NUMBER or item.name in figures or item.privacy_role or reason_of(item):
            continue
        found = next((share for count in counts if (share := told(case, item.name, count)).cells), None)
        if found is not None:
            facts = {"column": found.column, "count": found.count, "cells": found.cells,
                     "most": case.target.threshold - 1}  # fmt: skip
            out.append(Finding(CODE, "review", Frozen(facts), (found.column, found.count)))
    return tuple(out)


def told(case: Case, column: str, count: str) -> Share:
    """What a column tells as a share of another; no cells where it is none."""
    rows = case.connection.execute(
        f"SELECT DISTINCT CAST({quote(column)} AS DOUBLE), CAST({quote(count)} AS DOUBLE) FROM {case.table} "
        f"WHERE {quote(column)} IS NOT NULL AND {quote(count)} > 0 ORDER BY ALL LIMIT {_ROWS}"
    ).fetchall()
    top = max((share for share, _ in rows), default=0.0)
    if not rows or top <= 0 or min(share for share, _ in rows) < 0 or top > 100:
        return Share(column, count, 0)
    whole = 1.0 if top <= 1 else 100.0
    step = 10.0 ** -max(_decimals(share) for share, _ in rows)
    proof, cells = 0.0, 0
    for share, people in rows:
        near = 0.5 * step * people / whole + 1e-9  # as far as rounding may have moved it
        chance = 2 * near
        if chance >= _SHARP or people != math.floor(people):
            continue
        part = share * people / whole
        if abs(part - round(part)) > near:
            return Share(column, count, 0)
        if 0 < share < whole:
            proof += math.log10(chance)
            cells += any(1 <= round(each) < case.target.threshold for each in (part, people - part))
    return Share(column, count, cells if proof <= _PROOF else 0)


def _decimals(value: float) -> int:
    """Decimals a figure is written with."""
    return next((many for many in range(_DECIMALS) if abs(value - round(value, many)) < 1e-9), _DECIMALS)
