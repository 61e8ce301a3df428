"""Counts, sums, means, histograms and quantiles with differential privacy, over aggregates of the engine.

The engine bounds what one person contributes (rows and clamped values) and computes whole numbers; OpenDP adds noise
(:class:`~arengo.privacy.noise.process.Noise`). Neighbours differ by one person added or removed. Sums are sums of whole
multiples of a step that does not depend on the data, so that their sensitivity is exact
(Casacuberta et al.: *Widespread underestimation of sensitivity in differentially private libraries*, CCS 2022).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.errors import ContractError
from arengo.lake.layout import quote
from arengo.privacy.noise.process import Noise

if TYPE_CHECKING:
    import duckdb

STEPS = 1 << 20
"""Steps between the bounds of a sum."""
PURE, ZCDP = "pure", "zcdp"


@dataclass(frozen=True, slots=True)
class Loss:
    """``measure`` pure: ``amount`` is epsilon; zcdp: it is rho."""

    measure: str
    amount: float

    def __post_init__(self) -> None:
        if self.measure not in (PURE, ZCDP) or not 0 < self.amount < math.inf:
            raise ContractError(
                f"A loss of privacy of {self.amount!r} ({self.measure}) is none.",
                todo="Write an epsilon or rho above 0, such as 0.1.",
            )

    def part(self, share: float) -> Loss:
        return Loss(self.measure, self.amount * share)

    @property
    def epsilon(self) -> float:
        return self.amount if self.measure == PURE else 0.0

    @property
    def rho(self) -> float:
        return self.amount if self.measure == ZCDP else 0.0


@dataclass(frozen=True, slots=True)
class Noisy:
    """``accuracy``: half the width of the interval that holds the value without noise in 95 of 100 cases."""

    value: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Persons:
    """A table in which every person has at most ``rows`` rows.

    ``table``: SQL of a relation. ``subject``: its column that tells persons apart; where there is one, the engine
    leaves out what is beyond ``rows`` and rows of nobody known; '' means that the city declares the bound.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    subject: str = ""
    rows: int = 1

    @property
    def sql(self) -> str:
        if not self.subject:
            return f"(SELECT * FROM {self.table})"
        who = quote(self.subject)
        # Which rows stay depends on the person's own rows alone.
        return (
            f"(SELECT * FROM {self.table} AS held WHERE {who} IS NOT NULL QUALIFY "
            f"row_number() OVER (PARTITION BY {who} ORDER BY md5(CAST(held AS VARCHAR))) <= {int(self.rows)})"
        )

    def row(self, select: str, params: Sequence[object] = ()) -> tuple[Any, ...]:
        found = self.connection.execute(f"SELECT {select} FROM {self.sql} AS t", list(params)).fetchone()
        return found or ()


def count(persons: Persons, noise: Noise, loss: Loss) -> Noisy:
    """How many rows."""
    (value,) = persons.row("count(*)")
    (noisy,), accuracy = noise.add([value], measure=loss.measure, loss=loss.amount, sensitivity=persons.rows)
    return Noisy(noisy, accuracy)


def histogram(
    persons: Persons, by: Sequence[str], keys: Sequence[Sequence[Any]], noise: Noise, loss: Loss
) -> tuple[list[int], float]:
    """Rows with each of ``keys`` (values of the columns ``by``), in their order, and the accuracy of each.

    ``keys`` must not come from the data: that a group is there or not would tell of persons. Rows with other keys
    are not counted.
    """
    names = ", ".join(quote(name) for name in by)
    found = persons.connection.execute(f"SELECT {names}, count(*) FROM {persons.sql} AS t GROUP BY {names}").fetchall()
    held = {tuple(row[:-1]): row[-1] for row in found}
    values = [int(held.get(tuple(key), 0)) for key in keys]
    return noise.add(values, measure=loss.measure, loss=loss.amount, sensitivity=persons.rows)


def total(persons: Persons, column: str, low: float, high: float, noise: Noise, loss: Loss) -> Noisy:
    """The sum of a column whose values are clamped to ``low``..``high``; unknown ones count as nothing."""
    _bounds(low, high)
    most = max(abs(low), abs(high))
    step = most / STEPS
    (value,) = persons.row(f"coalesce(sum({_stepped(column, low, high, 0.0, step)}), 0)")
    (noisy,), accuracy = noise.add(
        [int(value)], measure=loss.measure, loss=loss.amount, sensitivity=persons.rows * (STEPS + 1)
    )
    return Noisy(noisy * step, accuracy * step)


def mean(persons: Persons, column: str, low: float, high: float, noise: Noise, loss: Loss) -> Noisy:
    """The mean of the known values, clamped: half of the loss for the sum around the middle, half for the count.

    ``accuracy`` is that of the quotient to first order.
    """
    _bounds(low, high)
    middle, step = (low + high) / 2, (high - low) / 2 / STEPS
    known = f"{quote(column)} IS NOT NULL AND NOT isnan(CAST({quote(column)} AS DOUBLE))"
    value, rows = persons.row(
        f"coalesce(sum({_stepped(column, low, high, middle, step)}), 0), count(*) FILTER (WHERE {known})"
    )
    half = loss.part(0.5)
    (noisy,), wide = noise.add(
        [int(value)], measure=half.measure, loss=half.amount, sensitivity=persons.rows * (STEPS + 1)
    )
    (number,), off = noise.add([int(rows)], measure=half.measure, loss=half.amount, sensitivity=persons.rows)
    number = max(1, number)
    around = max(-(high - low) / 2, min((high - low) / 2, noisy * step / number))
    return Noisy(middle + around, min(high - low, (wide * step + abs(around) * off) / number))


def quantile(
    persons: Persons, column: str, share: float, low: float, high: float, noise: Noise, loss: Loss, steps: int = 256
) -> float:
    """A value near the quantile ``share`` (0..1), one of ``steps`` + 1 evenly spaced between the bounds.

    Chosen by the exponential mechanism's successor permute-and-flip over the rank error
    (Smith: *Privacy-preserving statistical estimation with optimal convergence rates*, STOC 2011).
    """
    _bounds(low, high)
    if not 0 <= share <= 1:
        raise ContractError(f"There is no quantile {share!r}.", todo="Write a number from 0 to 1.")
    width = (high - low) / steps
    value = f"greatest({low!r}, least({high!r}, CAST({quote(column)} AS DOUBLE)))"
    at = f"CAST(floor(({value} - {low!r}) / {width!r}) AS BIGINT)"
    found = persons.connection.execute(
        f"SELECT {at} AS at, {value} = {low!r} + {at} * {width!r} AS exact, count(*) FROM {persons.sql} AS t "
        f"WHERE {quote(column)} IS NOT NULL AND NOT isnan(CAST({quote(column)} AS DOUBLE)) GROUP BY ALL"
    ).fetchall()
    inside, exact = [0] * (steps + 2), [0] * (steps + 2)
    for place, same, rows in found:
        at_most = min(int(place), steps)
        inside[at_most] += rows
        exact[at_most] += rows if same else 0
    of, whole = round(share * 1000), 1000
    rows, below, scores = sum(inside), 0, []
    for place in range(steps + 1):
        above = rows - below - exact[place]
        scores.append(abs((whole - of) * below - of * above))
        below += inside[place]
    chosen = noise.lowest(
        scores, measure=loss.measure, loss=loss.amount, sensitivity=persons.rows * max(of, whole - of, 1)
    )
    return low + chosen * width


def _bounds(low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ContractError(
            f"The bounds {low!r} and {high!r} are none.", todo="Write the least and the largest value that counts."
        )


def _stepped(column: str, low: float, high: float, middle: float, step: float) -> str:
    """SQL of a value as whole steps from ``middle``; 0 for an unknown one."""
    value = f"CAST({quote(column)} AS DOUBLE)"
    clamped = f"greatest({low!r}, least({high!r}, {value}))"
    return (
        f"CASE WHEN {quote(column)} IS NULL OR isnan({value}) THEN 0 "
        f"ELSE CAST(round(({clamped} - {middle!r}) / {step!r}) AS BIGINT) END"
    )
