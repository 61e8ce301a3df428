"""Noise is OpenDP's, in a process of its own; what goes in is bounded and whole."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from arengo.contract import Contract, loads
from arengo.errors import ContractError, MissingExtra, OperatorError, TooExpensive
from arengo.privacy.noise import Loss, Noise, Persons, accuracy, cells, mechanism

pytest.importorskip("opendp")

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: people
name: People
version: 1.0.0
status: active
description: {purpose: How many live where.}
schema:
  - name: people
    properties:
      - {name: district, logicalType: string}
      - {name: age, logicalType: string}
      - {name: people, logicalType: integer}
      - {name: income, logicalType: number}
      - {name: title, logicalType: string}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoPopulation, value: residents}
  - {property: arengoCells, value: {by: [district, age], count: people, sums: [{column: income}], total: Total}}
  - property: arengoProtection
    value: {cells: {method: noise, %s}}
"""


def contract(told: str = "epsilon: 1.0, bounds: {income: [0, 100]}") -> Contract:
    return loads(CONTRACT % told)


@pytest.fixture(scope="module")
def noise() -> Iterator[Noise]:
    with Noise() as made:
        yield made


@pytest.fixture
def people() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE people AS SELECT 'p' || (i // 2) AS person, (i % 4)::VARCHAR AS district, "
        "(i % 100)::DOUBLE AS income FROM range(4000) AS t(i)"
    )
    return connection


@pytest.mark.parametrize("loss", [Loss("pure", 2.0), Loss("zcdp", 0.5)])
def test_figures_are_near_and_the_accuracy_is_known_before(
    noise: Noise, people: duckdb.DuckDBPyConnection, loss: Loss
) -> None:
    persons = Persons(people, "people", "person", rows=2)
    wide = noise.accuracy(measure=loss.measure, loss=loss.amount, sensitivity=2)
    found = mechanism.count(persons, noise, loss)
    assert found.accuracy == pytest.approx(wide)
    assert abs(found.value - 4000) < 8 * wide
    counts, _ = mechanism.histogram(persons, ["district"], [["0"], ["1"], ["nobody"]], noise, loss)
    assert abs(counts[0] - 1000) < 8 * wide
    assert abs(counts[2]) < 8 * wide
    sums = mechanism.total(persons, "income", 0, 100, noise, loss)
    assert abs(sums.value - 198_000) < 8 * sums.accuracy
    middle = mechanism.mean(persons, "income", 0, 100, noise, loss)
    assert abs(middle.value - 49.5) < 8 * middle.accuracy < 30
    half = mechanism.quantile(persons, "income", 0.5, 0, 100, noise, loss)
    assert 45 < half < 55


def test_nobody_counts_more_often_than_declared(people: duckdb.DuckDBPyConnection) -> None:
    people.execute("INSERT INTO people SELECT 'busy', '0', 1e9 FROM range(500)")
    people.execute("INSERT INTO people SELECT NULL, '0', 1e9 FROM range(500)")
    assert Persons(people, "people", "person", 1).row("count(*)") == (2001,)
    assert Persons(people, "people", "person", 2).row("count(*)") == (4002,)


def test_values_beyond_the_bounds_are_clamped(noise: Noise, people: duckdb.DuckDBPyConnection) -> None:
    people.execute("CREATE TABLE wild AS SELECT unnest([1e300, -1e300, 'nan'::DOUBLE, NULL, 'inf'::DOUBLE]) AS income")
    found = mechanism.total(Persons(people, "wild"), "income", 0, 10, noise, Loss("pure", 50.0))
    assert abs(found.value - 20) < 5
    for low, high in ((1, 1), (5, 1), (0, float("inf"))):
        with pytest.raises(ContractError):
            mechanism.total(Persons(people, "wild"), "income", low, high, noise, Loss("pure", 1.0))


@pytest.mark.parametrize("amount", [0, -1, float("nan"), float("inf")])
def test_no_loss_is_no_loss(amount: float) -> None:
    with pytest.raises(ContractError):
        Loss("pure", amount)


def test_a_table_with_noise_has_every_cell_and_adds_up(noise: Noise) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t(district VARCHAR, age VARCHAR, people BIGINT, income DOUBLE, title VARCHAR)")
    rows = [("1", "young", 900, 9000.0, "North"), ("2", "old", 700, 900.0, "South"),
            ("1", "Total", 900, 9000.0, "North"), ("Total", "Total", 1600, 9900.0, None)]  # fmt: skip
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
    told = contract()
    before = accuracy(told, noise)
    made = cells(connection, "t", told, noise)
    assert made.cells == 4
    assert made.accuracy == pytest.approx(before)
    found = {tuple(row[:2]): row[2:] for row in connection.execute("SELECT * FROM t").fetchall()}
    assert {("1", "old"), ("2", "young"), ("2", "Total")} <= set(found)  # also where nobody was, and its total
    assert found["2", "old"][2] == "South"
    assert abs(found["1", "young"][0] - 900) < 60
    inner = [row for key, row in found.items() if "Total" not in key]
    assert abs(sum(row[0] for row in inner) - found["Total", "Total"][0]) < 60
    assert sum(row[1] for row in inner) == pytest.approx(found["Total", "Total"][1])


@pytest.mark.parametrize(
    ("told", "met"),
    [
        ("epsilon: 1.0", "needs bounds"),
        ("bounds: {income: [0, 100]}", "either epsilon or rho"),
        ("epsilon: 1.0, rho: 0.1, bounds: {income: [0, 100]}", "either epsilon or rho"),
        ("epsilon: 1.0, bounds: {income: [0, 0]}", "needs bounds"),
    ],
)
def test_a_table_that_does_not_say_how_much_is_refused(noise: Noise, told: str, met: str) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t(district VARCHAR, age VARCHAR, people BIGINT, income DOUBLE, title VARCHAR)")
    with pytest.raises(ContractError, match=met):
        cells(connection, "t", contract(told), noise)


def test_without_opendp_it_says_what_to_install(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n')  # neither site-packages nor the way to them
    bare.chmod(0o755)
    with Noise(python=str(bare)) as absent, pytest.raises(MissingExtra, match=r"arengo\[noise\]"):
        absent.add([1], measure="pure", loss=1.0)


def test_the_process_is_limited_and_its_end_is_a_sentence(noise: Noise) -> None:
    with Noise(seconds=0.001) as hasty, pytest.raises(TooExpensive):
        hasty.add([1], measure="pure", loss=1.0)
    with pytest.raises(OperatorError, match="measure"):
        noise.add([1], measure="magic", loss=1.0)
    with pytest.raises(OperatorError, match="above zero"):
        noise.add([1], measure="pure", loss=1.0, sensitivity=0)
    with pytest.raises(OperatorError, match="whole numbers"):
        noise.add([1] * 200_001, measure="pure", loss=1.0)
    process = noise._process
    assert process is not None
    process.kill()
    process.wait()
    assert noise.add([5], measure="pure", loss=9.0)[0]  # started again


def test_losses_are_plain_values() -> None:
    assert dataclasses.astuple(Loss("zcdp", 0.5).part(0.5)) == ("zcdp", 0.25)
