"""A table of counts and sums with noise of differential privacy (``arengoProtection.cells``, method ``noise``).

The whole table is one statement: every cell of the cross product of its columns' values is given, also those with
nobody, since a row that is there only when somebody stands in it would tell of that person. The values themselves
(the names of districts) are taken as public. Rows of totals are the sums of the noisy cells, so that nothing is spent
on them and the table adds up but for counts that are shown as 0 when noise made them negative.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.contract.model import EMPTY, Contract, Kind
from arengo.errors import ContractError
from arengo.lake.layout import quote
from arengo.privacy.noise.mechanism import PURE, STEPS, ZCDP, Loss
from arengo.privacy.noise.process import Noise

if TYPE_CHECKING:
    import duckdb

MOST = 200_000
"""Cells of one table."""


@dataclass(frozen=True, slots=True)
class Noised:
    """``cells``: how many were given noise. ``accuracy``: of counts and of each sum, as half an interval of 95 %."""

    cells: int
    loss: Loss
    accuracy: Mapping[str, float]


def loss_of(contract: Contract) -> Loss | None:
    """What a table with noise spends; None when the contract asks for none. Raises ContractError without an amount."""
    told = contract.custom.get("arengoProtection", EMPTY).get("cells", EMPTY)
    if told.get("method") != "noise":
        return None
    epsilon, rho = told.get("epsilon"), told.get("rho")
    if (epsilon is None) == (rho is None):
        raise ContractError(
            "A table with noise says either epsilon or rho.", todo="Write cells: {method: noise, epsilon: 0.1}."
        )
    return Loss(PURE, float(epsilon)) if epsilon is not None else Loss(ZCDP, float(rho))


def accuracy(contract: Contract, noise: Noise) -> dict[str, float]:
    """How exact the table will be, before anything is spent: column -> half an interval of 95 %."""
    loss, cells = loss_of(contract), contract.custom.get("arengoCells", EMPTY)
    if loss is None:
        return {}
    told = contract.custom["arengoProtection"]["cells"]
    rows, sums = int(told.get("rows", 1)), _sums(cells, told)
    part = loss.part(1 / (1 + len(sums)))
    made = {str(cells.get("count") or "count"): noise.accuracy(
        measure=part.measure, loss=part.amount, sensitivity=rows)}  # fmt: skip
    for name, most in sums.items():
        width = noise.accuracy(measure=part.measure, loss=part.amount, sensitivity=rows * (STEPS + 1))
        made[name] = width * most / STEPS
    return made


def cells(connection: duckdb.DuckDBPyConnection, table: str, contract: Contract, noise: Noise | None = None) -> Noised:
    """Replace the rows of ``table`` (its name, columns as stored) by noisy ones, as the contract says.

    Raises ContractError when the contract does not say what is needed, MissingExtra without OpenDP.
    """
    loss, said = loss_of(contract), contract.custom.get("arengoCells", EMPTY)
    if loss is None or not said:
        raise ContractError(
            "Noise is added to tables of counts.", todo="Describe the table with arengoCells, and ask for noise."
        )
    told = contract.custom["arengoProtection"]["cells"]
    work = _Table(connection, table, contract, said)
    sums = _sums(said, told)
    for item in said.get("sums", ()):
        work.check(item, sums[str(item["column"])])
    if noise is None:
        with Noise() as own:
            return work.noised(own, loss, sums, int(told.get("rows", 1)))
    return work.noised(noise, loss, sums, int(told.get("rows", 1)))


def _sums(said: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, float]:
    """Summed column -> the most one person adds to it."""
    out = {}
    for item in said.get("sums", ()):
        name = str(item["column"])
        low, high = told.get("bounds", EMPTY).get(name, (0.0, 0.0))
        most = max(abs(float(low)), abs(float(high)))
        if not (0 < most < math.inf and low <= high):
            raise ContractError(
                f"The sum {name} needs bounds of what one person adds to it.",
                todo=f"Write bounds: {{{name}: [0, 100]}} beside method: noise.",
            )
        out[name] = most
    return out


class _Table:
    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: str, contract: Contract, said: Mapping[str, Any]
    ) -> None:
        self._connection, self._table, self._contract, self._said = connection, table, contract, said
        described = connection.execute(f"SELECT * FROM {quote(table)} LIMIT 0").description or []
        self._names = [item[0] for item in described]
        self._by = [str(name) for name in said["by"] if name in self._names]
        self._count = str(said.get("count", "") or "")
        self._total = said.get("total")

    def check(self, item: Mapping[str, Any], most: float) -> None:
        """What is known of the largest contributions keeps to the bounds."""
        largest = item.get("largest")
        if largest in self._names:
            row = self._connection.execute(f"SELECT max(abs({quote(largest)})) FROM {quote(self._table)}").fetchone()
            if row and row[0] is not None and row[0] > most:
                raise ContractError(
                    f"A contribution to {item['column']} lies outside its bounds.",
                    todo="Widen bounds, or cap the source.",
                )

    def noised(self, noise: Noise, loss: Loss, sums: Mapping[str, float], rows: int) -> Noised:
        measures = [*([self._count] if self._count in self._names else []), *(n for n in sums if n in self._names)]
        if not measures:
            raise ContractError("The table has neither counts nor sums.", todo="Name them in arengoCells.")
        held = self._connection.execute(f"SELECT * FROM {quote(self._table)}").fetchall()
        at = {name: number for number, name in enumerate(self._names)}
        keys = [tuple(row[at[name]] for name in self._by) for row in held]
        patterns = {self._pattern(key) for key in keys} or {(False,) * len(self._by)}
        leaf = min(patterns)
        values = self._values(keys)
        # Marginals without the cells they are sums of are statements of their own, one a pattern.
        given = [leaf] if not any(leaf) else sorted(patterns)
        wanted = {pattern: self._product(pattern, values) for pattern in sorted(patterns)}
        asked = [key for pattern in given for key in wanted[pattern]]
        if len(asked) > MOST or sum(map(len, wanted.values())) > MOST:
            raise ContractError(f"The table has more than {MOST:,} cells.", todo="Take coarser columns.")
        part = loss.part(1 / (1 + len(sums)))
        made: dict[str, dict[tuple[Any, ...], float]] = {}
        exact: dict[str, float] = {}
        for name in measures:
            known: dict[tuple[Any, ...], float] = {}
            for row, key in zip(held, keys, strict=True):
                known[key] = known.get(key, 0) + (row[at[name]] or 0)
            step = sums[name] / STEPS if name in sums else 1
            most = rows * len(given) * (STEPS + 1 if name in sums else 1)
            whole = [round(float(known.get(key, 0)) / step) for key in asked]
            noisy, width = noise.add(whole, measure=part.measure, loss=part.amount, sensitivity=most)
            made[name] = {key: value * step for key, value in zip(asked, noisy, strict=True)}
            exact[name] = width * step
            self._add_totals(made[name], [pattern for pattern in wanted if pattern not in given])
        self._write(made, [key for pattern in wanted for key in wanted[pattern]], held, keys, at)
        return Noised(len(asked), loss, exact)

    def _pattern(self, key: Sequence[Any]) -> tuple[bool, ...]:
        return tuple(self._total is not None and value == self._total for value in key)

    def _values(self, keys: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
        """The values of each column: those the contract lists, and those that are there."""
        out = []
        for number, name in enumerate(self._by):
            column = self._contract.column(name)
            listed = list(column.enum) if column is not None and column.kind is Kind.STRING else []
            there = {key[number] for key in keys} | set(listed)
            if self._total is not None:
                there -= {self._total}
            out.append(sorted(there, key=lambda value: (value is None, str(value))))
        return out

    def _product(self, pattern: tuple[bool, ...], values: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        parts = [[self._total] if total else list(of) for total, of in zip(pattern, values, strict=True)]
        if math.prod(map(len, parts)) > MOST:
            raise ContractError(f"The table has more than {MOST:,} cells.", todo="Take coarser columns.")
        return list(itertools.product(*parts))

    def _add_totals(self, made: dict[tuple[Any, ...], float], patterns: Sequence[tuple[bool, ...]]) -> None:
        leaves = list(made.items())
        for pattern in patterns:
            for key, value in leaves:
                whole = tuple(self._total if total else part for total, part in zip(pattern, key, strict=True))
                made[whole] = made.get(whole, 0) + value

    def _write(
        self,
        made: Mapping[str, Mapping[tuple[Any, ...], float]],
        asked: Sequence[tuple[Any, ...]],
        held: Sequence[tuple[Any, ...]],
        keys: Sequence[tuple[Any, ...]],
        at: Mapping[str, int],
    ) -> None:
        labels = {name: _label(name, held, keys, at) for name in self._names
                  if name not in self._by and name not in made and not name.startswith("_")}  # fmt: skip
        of_sums = ("largest", "second", "contributors")
        silent = {str(item[part]) for item in self._said.get("sums", ()) for part in of_sums if part in item}
        rows = []
        for key in asked:
            row: list[Any] = []
            for name in self._names:
                if name in self._by:
                    row.append(key[self._by.index(name)])
                elif name == self._count:
                    row.append(max(0, round(made[name].get(key, 0))))
                elif name in made:
                    row.append(made[name].get(key, 0.0))
                else:
                    by, known = labels.get(name, (-1, {}))
                    row.append(known.get(key[by]) if by >= 0 and name not in silent else None)
            rows.append(row)
        marks = ", ".join("?" for _ in self._names)
        self._connection.execute(f"DELETE FROM {quote(self._table)}")
        if rows:
            self._connection.executemany(f"INSERT INTO {quote(self._table)} VALUES ({marks})", rows)


def _label(
    name: str, held: Sequence[tuple[Any, ...]], keys: Sequence[tuple[Any, ...]], at: Mapping[str, int]
) -> tuple[int, dict[Any, Any]]:
    """Which column of the key tells this one (a district's name), and how; (-1, {}) for none: then it is left out."""
    for by in range(len(keys[0]) if keys else 0):
        known: dict[Any, Any] = {}
        if all(known.setdefault(key[by], row[at[name]]) == row[at[name]] for row, key in zip(held, keys, strict=True)):
            return by, known
    return -1, {}
