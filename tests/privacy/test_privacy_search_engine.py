"""A table whose combinations do not fit into memory gets the same repairs as one whose do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from gate_case import Table, World, plain, quasi, sensitive, table

from arengo.contract.model import Kind
from arengo.privacy import gate, spread
from arengo.privacy import tuples as counted
from arengo.privacy.search import InEngine, engine

STEPS = ("single", "joint", "intersection")
mondrian = import_module("arengo.privacy.search.mondrian")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(gate, "STEPS", tuple(item for item in gate.STEPS if item[0] in STEPS))
    made = World(tmp_path)
    yield made
    made.close()


def visits(**custom: Any) -> Table:
    draw = np.random.default_rng(11)
    rows = [
        [int(16 + age), "FM"[int(sex)], f"{year}-05-{1 + at % 28:02d}", f"A{int(why):02d}"]
        for at, (age, sex, year, why) in enumerate(
            zip(draw.gamma(2, 11, 900), draw.integers(0, 2, 900), draw.integers(1990, 1992, 900),
                draw.integers(0, 4, 900), strict=True)
        )
    ]  # fmt: skip
    return table(
        "visits",
        {"age": quasi(Kind.INTEGER, "age"), "sex": quasi(Kind.STRING, "sex"), "day": quasi(Kind.DATE, "day"),
         "reason": sensitive(Kind.STRING, "disease")},
        [[*row[:2], np.datetime64(row[2]).astype(object), row[3]] for row in rows],
        **custom,
    )  # fmt: skip


def earlier() -> Table:
    draw = np.random.default_rng(12)
    return table(
        "loans", {"district": quasi(Kind.STRING, "district")}, [[f"d{int(at)}"] for at in draw.integers(0, 3, 900)]
    )


@pytest.mark.parametrize("taken", [1, 300, 2_000])
@pytest.mark.parametrize("what", ["alone", "varied", "joint"])
def test_repairs_are_the_same(world: World, monkeypatch: pytest.MonkeyPatch, taken: int, what: str) -> None:
    """``taken``: hardly any node comes into memory, or some do, or all. Where groups must be various, those that cannot
    be looked at are not taken for various."""
    data = visits(arengoPrivacyTarget={"k": 5, "l": 2}) if what == "varied" else visits()
    if what == "joint":
        world.publish(earlier())
    case = world.case(data)
    monkeypatch.setattr(counted, "MANY", 0)
    problems = []
    for memory in (counted.MEMORY, 20):
        monkeypatch.setattr(counted, "MEMORY", memory)
        monkeypatch.setattr(engine, "TAKEN", taken)
        made = spread.spread(case, joint=what == "joint", varied=what == "varied")
        problems.append([made.problem(limit)[0] for limit in (0.0, 0.05)])
    for mine, theirs in zip(*problems, strict=True):
        assert isinstance(theirs, InEngine)
        assert (theirs.joint >= 0) == (what == "joint")
        assert (theirs.promise is not None) == (what == "varied")
        for node in list(np.ndindex(*mine.shape))[:: 1 if taken > 900 else 5]:
            assert mine.withheld(node) == theirs.withheld(node)
            assert mine.promises(node) or not theirs.promises(node)
            if taken > 900:
                assert mine.promises(node) == theirs.promises(node)


def test_a_verdict_over_the_engine_has_repairs_that_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = gate.judge(world.case(visits()))
    monkeypatch.setattr(counted, "MANY", 0)
    monkeypatch.setattr(counted, "MEMORY", 50)
    monkeypatch.setattr(engine, "TAKEN", 60)
    monkeypatch.setattr(mondrian, "MOST", 100)
    found = gate.judge(world.case(visits()))
    assert found.outcome == expected.outcome == "repair"
    assert {item.kind for item in found.repairs} == {item.kind for item in expected.repairs}
    for mine, theirs in zip(expected.repairs, found.repairs, strict=True):
        assert theirs.outcome in ("pass", "review")
        if mine.kind != "local":  # which is made in parts, each by itself
            assert (mine.columns, mine.contract, mine.suppressed) == (
                theirs.columns,
                theirs.contract,
                theirs.suppressed,
            )
            assert mine.loss == theirs.loss


@pytest.mark.slow
def test_a_column_of_very_many_values_gets_a_verdict_and_repairs(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An address of its own for everybody: the same way as with five million, over what one holds in memory."""
    rows = 300_000
    monkeypatch.setattr(counted, "LISTED", 10_000)
    monkeypatch.setattr(counted, "MEMORY", 100_000)
    monkeypatch.setattr(engine, "TAKEN", 50_000)
    monkeypatch.setattr(mondrian, "MOST", 80_000)
    columns = {"address": quasi(Kind.STRING), "age": quasi(Kind.INTEGER), "sex": quasi(Kind.STRING),
               "use": plain(Kind.STRING)}  # fmt: skip
    case = world.case(table("homes", columns, [["a", 1, "f", "x"]], (), ""))
    limits = {"threads": 2, "memory_limit": "400MB", "temp_directory": str(tmp_path / "spill")}
    with duckdb.connect(str(tmp_path / "homes.duckdb"), config=limits) as connection:
        connection.execute(
            "CREATE TABLE homes AS SELECT 'Street ' || (r // 200) || ' no. ' || (r % 200) AS address, "
            "(hash(r) % 100)::BIGINT AS age, CASE hash(r + 1) % 2 WHEN 0 THEN 'f' ELSE 'm' END AS sex, "
            f"'I' || hash(r * 3) % 9 AS use, NULL::VARCHAR AS _subject FROM range({rows}) t(r)"
        )
        release = replace(case.release, rows=rows, subject=False)
        verdict = gate.judge(replace(case, table='"homes"', intake='"homes"', connection=connection, release=release))
    assert verdict.outcome == "repair"
    told = {item.code: item for item in verdict.findings}
    assert told["risk-too-fine"].columns == ("address",)
    assert told["risk-small-groups"].people == rows
    kinds = {item.kind: item for item in verdict.repairs}
    assert kinds["generalise"].columns["address"] == ("drop",)
    assert all(item.outcome in ("pass", "review") for item in verdict.repairs)
