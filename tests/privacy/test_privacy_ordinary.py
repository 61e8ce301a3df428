"""Ordinary tables of a city that look like counts of people, homes or persons and are none; and numbers of homes."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gate_case import Kind, Plain, World, plain, quasi, table
from stdnum.es import cups

from arengo.privacy import repair
from arengo.privacy.cells import shares, undeclared
from arengo.privacy.detect import hashes, leaks
from arengo.privacy.detect import step as detection
from arengo.privacy.plans import Plan

DICE = random.Random(5)
DISTRICTS = tuple(f"Barrio {n}" for n in range(10))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def _table(name: str, columns: dict[str, Kind], rows: Sequence[Sequence[Any]]) -> Any:
    return table(name, {column: plain(kind) for column, kind in columns.items()}, rows, (), population="")


@pytest.mark.parametrize(
    ("name", "bands"),
    [
        ("traffic_counts", ("v_0_30", "v_31_50", "v_51_70", "v_71_90")),
        ("velocidades", ("vel_0_30", "vel_31_50", "vel_51_70")),
        ("noise_map", ("lden_55_59", "lden_60_64", "lden_65_69", "lden_70_74")),
        ("parking", ("d_0_15", "d_16_30", "d_31_60", "d_61_120")),
        ("energy", ("s_0_49", "s_50_69", "s_70_100")),
    ],
)
def test_bands_of_speeds_noise_minutes_and_scores_are_no_ages(world: World, name: str, bands: Sequence[str]) -> None:
    rows = [(place, *(DICE.randrange(1, 9) for _ in bands)) for place in DISTRICTS]
    data = _table(name, {"district": Kind.STRING, **dict.fromkeys(bands, Kind.INTEGER)}, rows)
    assert undeclared.look(world.case(data)).findings == ()


@pytest.mark.parametrize(
    "bands",
    [("0-14", "15-64", "65+"), ("18-30", "31-45", "46-60", "61+"), ("age_0_20", "age_21_40", "age_41_60", "age_61_80")],
)
def test_bands_of_ages_are_seen(world: World, bands: Sequence[str]) -> None:
    rows = [(place, *(DICE.randrange(1, 9) for _ in bands)) for place in DISTRICTS]
    data = _table("padron", {"district": Kind.STRING, **dict.fromkeys(bands, Kind.INTEGER)}, rows)
    assert [item.code for item in undeclared.look(world.case(data)).findings] == ["cells-undeclared"]


@pytest.mark.parametrize("bands", [("18-30", "31-40", "41-50", "51-60"), ("0-17", "18-64", "65-100")])
def test_bands_that_begin_where_people_come_of_age_are_ages_in_any_table(world: World, bands: Sequence[str]) -> None:
    rows = [(place, *(DICE.randrange(1, 9) for _ in bands)) for place in DISTRICTS]
    data = _table("table_7", {"district": Kind.STRING, **dict.fromkeys(bands, Kind.INTEGER)}, rows)
    assert [item.code for item in undeclared.look(world.case(data)).findings] == ["cells-undeclared"]


def test_where_households_bring_their_waste_nobody_lives(world: World) -> None:
    columns = {"street": Kind.STRING, "house_number": Kind.INTEGER, "postcode": Kind.STRING}
    rows = [(f"Street {n % 4}", n + 1, f"{28001 + n % 9}") for n in range(60)]
    sites = detection.look(world.case(_table("household_waste_recycling", columns, rows)))
    assert {item.outcome for item in sites.findings} == {"pass"}
    paid = detection.look(world.case(_table("household_waste_charge", columns, rows)))
    assert "undeclared-person" in {item.code for item in paid.findings}


def test_round_figures_beside_round_counts_are_no_shares(world: World) -> None:
    rows = [(f"Street {n}", DICE.randrange(10, 300, 10), DICE.choice((10.0, 20.0, 30.0, 50.0, 70.0)))
            for n in range(200)]  # fmt: skip
    columns = {"street": Kind.STRING, "residents": Kind.INTEGER, "limit": Kind.NUMBER}
    case = world.case(_table("limits", columns, rows))
    assert shares.look(case, ("residents",), ()) == ()
    # Forty in every place: shares of them are multiples of 2.5, and tell the few all the same.
    told = [(f"Street {n}", 40, 2.5 * (n % 9)) for n in range(30)]
    (found,) = shares.look(world.case(_table("limits", columns, told)), ("residents",), ())
    assert found.code == shares.CODE


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 1e308])
def test_shares_of_what_is_no_number_are_left_alone(world: World, odd: float) -> None:
    columns = {"place": Kind.STRING, "residents": Kind.NUMBER, "rate": Kind.NUMBER}
    rows = [(f"P{n}", odd if n % 2 else 40.0 + n, odd if n % 3 else 2.5) for n in range(20)]
    assert shares.look(world.case(_table("t", columns, rows)), ("residents",), ()) == ()
    texts = {"place": Kind.STRING, "residents": Kind.STRING, "rate": Kind.NUMBER}
    marked = [(f"P{n}", ("..", "<5", "12", "")[n % 4], 50.0) for n in range(20)]
    assert shares.look(world.case(_table("t", texts, marked)), ("residents",), ()) == ()


def _cups(n: int) -> str:
    number = f"ES0031{10**11 + 7_919 * n:012d}"
    return number + cups.calc_check_digits(number) + "0F"


SUPPLY = {
    "cups": [_cups(n) for n in range(60)],
    "pod": [f"IT001E{10_000_000 + 7_919 * n}" for n in range(60)],
    "pdl": [f"{10**13 + 7_919 * n}" for n in range(60)],
}


@pytest.mark.parametrize("name", list(SUPPLY))
def test_supply_points_of_homes_are_asked_about(world: World, name: str) -> None:
    columns = {name: Kind.STRING, "postcode": Kind.STRING, "kwh": Kind.INTEGER}
    rows = [(number, f"{28001 + n % 9}", 50 + n) for n, number in enumerate(SUPPLY[name])]
    found = detection.look(world.case(_table("consumption", columns, rows)))
    assert (name,) in [item.columns for item in found.findings if item.code == "undeclared-person"]
    public = detection.look(world.case(_table("edificios_municipales", columns, rows)))
    assert "undeclared-person" not in {item.code for item in public.findings}
    other = {"number": Kind.STRING, "kwh": Kind.INTEGER}
    plain_ = [(f"{10**13 + 7_919 * n}", 50 + n) for n in range(60)]
    assert "undeclared-person" not in {
        item.code for item in detection.look(world.case(_table("consumption", other, plain_))).findings
    }


def test_supply_points_are_no_hashes() -> None:
    assert hashes.width(SUPPLY["cups"]) == 0


def test_hashes_of_sensors_that_come_again_are_nobodys(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "TOTAL", 1_000)
    told = [hashlib.sha256(f"long secret {n % 12}".encode()).hexdigest() for n in range(60)]
    for column, outcome in (("sensor_hash", "pass"), ("code", "review")):
        data = _table("readings", {column: Kind.STRING, "value": Kind.INTEGER}, [(one, 1) for one in told])
        (found,) = [item for item in leaks.look(world.case(data)).findings if item.code == "hash-unkeyed"]
        assert found.outcome == outcome


def test_a_repair_that_leaves_out_more_rows_than_the_limit_is_not_offered(world: World) -> None:
    columns = {"age": quasi(Kind.INTEGER, "age"), "sex": quasi(Kind.STRING, "sex"), "note": plain(Kind.INTEGER)}
    rows = [(20 + n % 2, "F", n) for n in range(90)] + [(40 + n, "M", n) for n in range(10)]
    case = world.case(table("people", columns, rows))
    strict = replace(case, target=replace(case.target, suppression=0.05))
    plan = Plan("suppress", rules={"suppress": {"below": case.target.k}}, loss=0.0)
    trial = repair._trial(case, plan)
    assert trial.withheld == 10
    assert not repair._few(strict, plan, trial)
    assert repair._few(replace(case, target=replace(case.target, suppression=0.2)), plan, trial)
    local = replace(plan, kind="local", loss=0.5)
    assert repair._loss(case, local, trial) == pytest.approx(0.55), "who goes is lost whole"
