"""Shares beside counts of people: 2.5 % of 40 inhabitants is one of them, whether or not the count of the one is told.

Whose share a column is stands nowhere; the figures say it. A share of a count is, times the count, a whole number in
every row, but for its last decimal; of other figures that holds by chance in as many rows as the decimals are coarse.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from arengo.contract.model import Frozen, Kind
from arengo.lake.layout import quote
from arengo.privacy.declared import reason_of
from arengo.privacy.finding import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.case import Case

CODE = "cells-shares"
_ROWS = 100_000
"""Rows that are looked at."""
_FIRST = 2_000
"""Rows that are looked at first."""
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
    nothing = Share(column, count, 0)
    share_, count_ = (f"TRY_CAST({quote(name)} AS DOUBLE)" for name in (column, count))
    told_ = f"FROM {case.table} WHERE isfinite({share_})"
    low, top = case.connection.execute(f"SELECT min({share_}), max({share_}) {told_}").fetchone() or (None, None)
    if low is None or top is None or low < 0 or not 0 < top <= 100:
        return nothing
    whole = 1.0 if top <= 1 else 100.0
    rows = f"{share_} AS s, {count_} AS n {told_} AND isfinite({count_}) AND {count_} > 0"
    # Most columns are no shares, which a few rows say; only what they do not rule out is read whole.
    for sql in (f"SELECT {rows} LIMIT {_FIRST}", f"SELECT DISTINCT {rows} ORDER BY ALL LIMIT {_ROWS}"):
        held = case.connection.execute(sql).fetchnumpy()
        share, people = (np.asarray(held[name], np.float64) for name in ("s", "n"))
        if not len(share):
            return nothing
        decimals = _decimals(share)
        near = 0.5 * 10.0**-decimals * people / whole + 1e-9  # as far as rounding may have moved it
        sharp = (2 * near < _SHARP) & (people == np.floor(people))
        share, people, near = share[sharp], people[sharp], near[sharp]
        part = share * people / whole
        if (np.abs(part - np.round(part)) > near).any():
            return nothing
    if not len(share):
        return nothing
    # Round figures (limits of 10, 30, 50; counts by tens) are whole by themselves: shares of a count are finer than
    # what two of its people make.
    grain = float(np.gcd.reduce(np.round(share * 10.0**decimals).astype(np.int64))) / 10.0**decimals
    if 2 * int((grain * people / whole > 2 - 1e-6).sum()) > len(people):
        return nothing
    inner = (share > 0) & (share < whole)
    proof = float(np.log10(2 * near[inner]).sum())
    few = [(np.round(each) >= 1) & (np.round(each) < case.target.threshold) for each in (part, people - part)]
    cells = int((inner & (few[0] | few[1])).sum())
    return Share(column, count, cells if proof <= _PROOF else 0)


def _decimals(values: NDArray[np.float64]) -> int:
    """Decimals figures are written with."""
    return next(
        (many for many in range(_DECIMALS) if (np.abs(values - np.round(values, many)) < 1e-9).all()), _DECIMALS
    )
