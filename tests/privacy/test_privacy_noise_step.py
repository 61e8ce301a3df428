"""Step 7: what a table with noise spends is looked at before it is public, and what undoes it is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gate_case import Kind, Plain, Table, World, plain, quasi, table

from arengo.errors import PublicationRefused
from arengo.privacy.noise import Budget, settle
from arengo.privacy.noise.step import look

pytest.importorskip("opendp")
PRIVACY = '[populations.residents]\nunit = "person"\nepsilon = 1.0\nperiod = 30\n'


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, PRIVACY, Plain())
    yield made
    made.close()


def bands(dataset: str = "age-bands", cells: dict[str, Any] | None = None, **custom: Any) -> Table:
    columns = {
        "district": quasi(Kind.STRING, "district"),
        "age": quasi(Kind.STRING, "age"),
        "people": plain(Kind.INTEGER),
    }
    told = {"arengoCells": {"by": ["district", "age"], "count": "people"}}
    if cells is not None:
        told["arengoProtection"] = {"cells": {"method": "noise", **cells}}
    return table(dataset, columns, [("1", "young", 900), ("2", "old", 800)], (), **{**told, **custom})


def codes(world: World, data: Table) -> dict[str, str]:
    return {item.code: item.outcome for item in look(world.case(data)).findings}


def test_a_daily_histogram_is_refused_on_the_day_the_cap_is_exceeded(world: World) -> None:
    data = bands(cells={"epsilon": 0.3})
    budget = Budget(world.state, {"residents": world.populations.get("residents")})  # type: ignore[dict-item]
    outcomes = []
    for day in range(5):
        world.day = day
        outcomes.append(codes(world, data))
        if "budget-fits" in outcomes[-1]:
            settle(budget, data.contract(), "residents", world.now, f"run-{day}")
        else:
            with pytest.raises(PublicationRefused):
                settle(budget, data.contract(), "residents", world.now, f"run-{day}")
    assert outcomes == [{"budget-fits": "pass"}] * 3 + [{"budget-exceeded": "block"}] * 2
    (finding,) = look(world.case(data)).findings
    assert "possible from 2026-01-31" in finding.sentence()
    report = look(world.case(data))
    assert report.measured["spent"] == pytest.approx(0.9)
    assert report.measured["accuracy"]["people"] > 5
    world.day = 30
    assert codes(world, data) == {"budget-fits": "pass"}


def test_what_cannot_be_judged_does_not_pass(world: World) -> None:
    assert codes(world, bands(cells={})) == {"noise-without-amount": "block"}
    assert codes(world, bands(cells={"epsilon": 3.0})) == {"budget-never": "block"}
    assert codes(world, bands(cells={"epsilon": 0.1}, population="")) == {"noise-without-population": "block"}
    capped = bands(cells={"epsilon": 0.5}, arengoPrivacyTarget={"epsilonCap": 0.4})
    assert codes(world, capped) == {"budget-never": "block"}
    assert codes(world, bands(cells={"rho": 0.005})) == {"budget-fits": "pass"}
    assert look(world.case(bands())).findings == ()  # no noise, nothing spent


def test_exact_figures_beside_noisy_ones_are_named(world: World) -> None:
    world.publish(bands("exact-bands"))
    assert codes(world, bands(cells={"epsilon": 0.1})) == {"budget-fits": "pass", "exact-beside-noise": "review"}
    coarse = table("by-district", {"district": quasi(Kind.STRING, "district"), "people": plain(Kind.INTEGER)},
                   [("1", 900)], (), arengoCells={"by": ["district"], "count": "people"},
                   arengoProtection={"cells": {"method": "noise", "epsilon": 0.1}})  # fmt: skip
    assert "exact-beside-noise" in codes(world, coarse)  # it can be added up
    other = table("by-job", {"job": quasi(Kind.STRING, "job"), "people": plain(Kind.INTEGER)}, [("x", 900)], (),
                  arengoCells={"by": ["job"], "count": "people"},
                  arengoProtection={"cells": {"method": "noise", "epsilon": 0.1}})  # fmt: skip
    assert codes(world, other) == {"budget-fits": "pass"}


def test_publishing_exactly_what_was_noisy_is_named(world: World) -> None:
    data = bands(cells={"epsilon": 0.1})
    budget = Budget(world.state, {"residents": world.populations.get("residents")})  # type: ignore[dict-item]
    settle(budget, data.contract(), "residents", world.now, "run-1")
    world.publish(data)
    assert codes(world, bands("exact-bands")) == {"noise-undone": "review"}
    assert codes(world, data) == {"budget-fits": "pass"}  # its own next version
    columns = {"district": quasi(Kind.STRING, "district"), "age": quasi(Kind.STRING, "age")}
    assert codes(world, table("everybody", columns, [("1", "young")])) == {"noise-undone": "review"}


@pytest.mark.slow
def test_a_dataset_that_opens_its_statistics_alone_is_not_held_back_for_its_rows(tmp_path: Path) -> None:
    from arengo.privacy import gate

    world = World(tmp_path, PRIVACY)
    columns = {"born": quasi(Kind.DATE, "birth-date"), "sex": quasi(Kind.STRING, "sex")}
    rows = [(f"19{10 + number}-01-01", "F") for number in range(40)]
    assert gate.judge(world.case(table("people", columns, rows))).outcome != "pass"
    told = gate.judge(world.case(table("people", columns, rows, arengoStatistics={"threshold": 5})))
    assert told.outcome == "pass"
    assert told.findings[0].code == "groups-only"
    world.close()
