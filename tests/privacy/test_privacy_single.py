"""Step 2 of the gate over whole publications: what it says, and with which numbers."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gate_case import Plain, World, plain, quasi, sensitive, table

from arengo.contract.model import Kind
from arengo.privacy.finding import Report, worst
from arengo.privacy.release import EVERYTHING, Profile
from arengo.privacy.risk import counted, step

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real"
NEIGHBOUR = Profile("neighbour", ("residence", "sex", "birth-date"), "A neighbour")
ROLL = Profile("voter-roll", ("postcode", "birth-date", "sex"), "Whoever bought the voter roll")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("city"), codes=Plain())
    yield made
    made.close()


@pytest.fixture
def world(city: World) -> World:
    """One city for all; each test has its own register."""
    city._truth.clear()
    return city


def codes(report: Report) -> dict[str, str]:
    return {item.code: item.outcome for item in report.findings}


def outcome(report: Report) -> str:
    return worst(item.outcome for item in report.findings)


def found(report: Report, code: str) -> Any:
    return next(item for item in report.findings if item.code == code)


@pytest.mark.skipif(not (REAL / "lodz-participatory-budget").is_dir(), reason="the real ballots are not here")
def test_the_ballots_of_lodz_need_a_repair(world: World) -> None:
    """58 of 3,778 voters stand in groups of fewer than five by age and sex."""
    (file,) = (REAL / "lodz-participatory-budget").glob("*.pb")
    text = file.read_text(encoding="utf-8-sig")
    votes = list(csv.DictReader(text.partition("VOTES\n")[2].splitlines(), delimiter=";"))
    columns = {"age": quasi(Kind.INTEGER, "age"), "sex": quasi(Kind.STRING, "sex"), "vote": plain(Kind.STRING)}
    rows = [(int(item["age"]) if item["age"] else None, item["sex"] or None, item["vote"]) for item in votes]
    report = step.look(world.case(table("ballots", columns, rows, ())))
    finding = found(report, "risk-small-groups")
    assert outcome(report) == "repair"
    assert (finding.people, finding.columns, finding.facts["column"]) == (58, ("age", "sex"), "age")
    told = report.measured
    assert (told["rows"], told["below"], sum(told["sizes"].values())) == (3778, 58, 3778)
    assert sum(people for size, people in told["sizes"].items() if size != "more" and int(size) < 5) == 58
    assert told["by_column"]["age"] == 58
    assert "58 of 3,778 people" in finding.sentence()


def people(number: int, seed: int = 1) -> dict[int, tuple[str, str, str]]:
    chance = random.Random(seed)
    return {
        at: (f"{chance.randrange(50):05}",
             f"19{chance.randrange(30, 99)}-0{chance.randrange(1, 9)}-1{chance.randrange(10)}",
             chance.choice("FM"))
        for at in range(number)
    }  # fmt: skip


HOSPITAL = {
    "zip": quasi(Kind.STRING, "postcode"), "born": quasi(Kind.STRING, "birth-date"), "sex": quasi(Kind.STRING, "sex"),
    "illness": sensitive(Kind.STRING),
}  # fmt: skip


def test_a_voter_roll_that_singles_people_out_blocks(world: World) -> None:
    """Sweeney 1997: the hospital's rows without names, and the list of voters."""
    register = people(2000)
    world.register(["postcode", "birth-date", "sex"], register)
    rows = [(*register[at], "flu") for at in range(0, 2000, 10)]
    data = table("hospital", HOSPITAL, rows, list(range(0, 2000, 10)))
    report = step.look(world.case(data, profiles=(ROLL, EVERYTHING)))
    finding = found(report, "risk-profile")
    assert (finding.outcome, finding.columns) == ("block", ("zip", "born", "sex"))
    every = list(register.values())
    alone = sum(every.count(register[at]) == 1 for at in range(0, 2000, 10))
    assert finding.people == alone == report.measured["population"]["unique"]
    assert report.measured["population_unique"]["model"] == "register"
    # Somebody who knows less singles out nobody.
    loose = Profile("far", ("sex",), "Somebody far away")
    report = step.look(world.case(data, profiles=(loose, EVERYTHING)))
    assert "risk-profile" not in codes(report)
    assert report.measured["profiles"]["far"]["columns"] == ["sex"]


def test_without_a_register_many_who_stand_alone_block(world: World) -> None:
    rows = [(*item, "flu") for item in people(300).values()]
    report = step.look(world.case(table("hospital", HOSPITAL, rows, ()), profiles=(ROLL, EVERYTHING)))
    assert codes(report)["risk-profile-alone"] == "block"
    assert codes(report)["risk-too-fine"] == "pass"


def test_the_target_says_whether_the_data_or_the_population_counts(world: World) -> None:
    """By the population nobody is rare, in the data somebody is."""
    world.register(["sex"], {at: ("F" if at % 2 else "M",) for at in range(100)})
    columns = {"sex": quasi(Kind.STRING, "sex")}
    rows, ids = [("F",), ("F",), *[("M",)] * 9], [1, 3, *range(0, 18, 2)]
    report = step.look(world.case(table("loans", columns, rows, ids)))
    assert found(report, "risk-small-groups").people == 2
    assert report.measured["population"] == {"people": 100, "k": 50, "below": 0, "unique": 0, "missing": 0}
    by_map = table("loans", columns, rows, ids, arengoPrivacyTarget={"model": "k-map"})
    assert codes(step.look(world.case(by_map))) == {"risk-met": "pass"}
    world.register(["sex"], {at: ("F" if at < 3 else "M",) for at in range(100)})
    rare = step.look(world.case(by_map))
    assert found(rare, "risk-small-map").people == 3  # the register's people, not the rows
    assert rare.measured["journalist"]["highest"] == pytest.approx(1 / 3)


def test_what_the_register_cannot_tell_is_said(world: World) -> None:
    world.register(["sex"], dict.fromkeys(range(30), ("F",)))
    columns = {"sex": quasi(Kind.STRING, "sex"), "job": quasi(Kind.STRING, "job")}
    data = table("loans", columns, [("F", "baker")] * 6, arengoPrivacyTarget={"model": "k-map"})
    report = step.look(world.case(data))
    assert codes(report) == {"risk-register-lacks": "review", "risk-met": "pass"}
    assert report.measured["population_unique"]["model"] in ("pitman", "snb", "sample")
    stranger = table("loans", {"sex": quasi(Kind.STRING, "sex")}, [("X",)] * 6, arengoPrivacyTarget={"model": "k-map"})
    apart = step.look(world.case(stranger))
    assert (found(apart, "risk-register-apart").people, outcome(apart)) == (6, "review")
    assert (apart.measured["journalist"], apart.measured["marketer"]) == (None, None), "not known, never 0 %"
    nobody = table("loans", {"job": quasi(Kind.STRING, "job")}, [("baker",)] * 6, ())
    assert codes(step.look(world.case(nobody)))["risk-register-strange"] == "review"


def test_a_few_whom_the_register_does_not_know_are_a_note(world: World) -> None:
    world.register(["sex"], {at: ("F" if at % 2 else "M",) for at in range(100)})
    rows = [("F",)] * 30 + [("M",)] * 30 + [("X",)] * 6
    report = step.look(world.case(table("loans", {"sex": quasi(Kind.STRING, "sex")}, rows)))
    assert codes(report) == {"risk-not-in-register": "pass", "risk-met": "pass"}
    assert report.measured["journalist"]["highest"] > 0


def test_a_group_of_one_mind_is_reviewed_or_must_be_mended(world: World) -> None:
    columns = {"sex": quasi(Kind.STRING, "sex"), "benefit": sensitive(Kind.STRING)}
    rows = [("F", "rent")] * 5 + [("M", "rent"), ("M", "food"), ("M", "food"), ("M", "heat"), ("M", "heat")]
    report = step.look(world.case(table("benefits", columns, rows)))
    assert outcome(report) == "review"
    assert (found(report, "risk-homogeneous").people, found(report, "risk-homogeneous").facts["groups"]) == (5, 1)
    told = report.measured["sensitive"]["benefit"]
    assert (told["distinct"], told["recursive"], told["distance"]) == (1, None, "equal")
    asked = step.look(world.case(table("benefits", columns, rows, arengoPrivacyTarget={"l": 2, "t": 0.2})))
    assert codes(asked) == {"risk-met": "pass", "risk-diversity": "repair", "risk-closeness": "repair"}
    assert found(asked, "risk-diversity").people == 5
    silent = [("F", None)] * 5 + rows[5:]
    assert "risk-homogeneous" not in codes(step.look(world.case(table("benefits", columns, silent))))


def test_numbers_are_compared_in_their_order(world: World) -> None:
    columns = {"sex": quasi(Kind.STRING, "sex"), "wage": sensitive(Kind.INTEGER)}
    rows = [("F", wage) for wage in (3, 4, 5)] + [("M", wage) for wage in (6, 7, 8, 9, 10, 11)]
    told = step.look(world.case(table("wages", columns, rows))).measured["sensitive"]["wage"]
    assert (told["distance"], told["t"]) == ("ordered", 0.375)


def test_a_person_with_many_rows_is_one_person(world: World) -> None:
    columns = {"sex": quasi(Kind.STRING, "sex")}
    report = step.look(world.case(table("visits", columns, [("F",)] * 20 + [("M",)] * 6, [0] * 20 + list(range(1, 7)))))
    assert (report.measured["rows"], report.measured["k"], report.measured["below"]) == (7, 1, 1)
    both = [("F",)] * 3 + [("M",)] * 3
    report = step.look(world.case(table("visits", columns, both, [0, 0, 1, 0, 1, 2])))
    assert (found(report, "risk-larger-k").people, found(report, "risk-small-groups").people) == (3, 3)


def test_nothing_passes_for_want_of_words(world: World) -> None:
    """What a contract does not say, what cannot be looked at: a sentence, and a review where persons are concerned."""
    bare = {"name": plain(Kind.STRING)}
    assert codes(step.look(world.case(table("a", bare, [("x",)])))) == {"risk-no-quasi": "review"}
    named = {"id": (Kind.STRING, {"arengoPrivacyRole": "identifier"})}
    assert codes(step.look(world.case(table("b", named, [("x",)], (), population="")))) == {"risk-no-quasi": "review"}
    assert step.look(world.case(table("c", bare, [("x",)], (), population=""))) == Report()
    sex = {"sex": quasi(Kind.STRING, "sex")}
    assert codes(step.look(world.case(table("d", sex, [])))) == {"risk-empty": "pass"}
    few = step.look(world.case(table("e", sex, [("F",)] * 3)))
    assert codes(few)["risk-larger-k"] == "repair"
    hollow = {**sex, "job": quasi(Kind.STRING, "job")}
    assert codes(step.look(world.case(table("f", hollow, [("F", None)] * 6)))) == {
        "risk-empty-column": "pass", "risk-met": "pass",
    }  # fmt: skip
    raised = {"age": quasi(Kind.STRING, "age", arengoHierarchy="nobody", arengoLevel="decade")}
    report = step.look(world.case(table("g", raised, [("30s",)] * 6)))
    assert codes(report)["risk-no-hierarchy"] == "review"


def test_what_is_not_open_is_measured_and_let_through(world: World) -> None:
    columns = {"sex": quasi(Kind.STRING, "sex")}
    report = step.look(world.case(table("files", columns, [("F",)], arengoAccess="shared")))
    assert codes(report) == {"not-public": "pass"}
    assert (report.measured["k"], report.measured["below"]) == (1, 1)


def test_the_map_tells_places_with_enough_people_only(world: World) -> None:
    columns = {"district": quasi(Kind.STRING, "residence"), "sex": quasi(Kind.STRING, "sex")}
    rows = [("North", "F")] * 6 + [("North", "M")] * 2 + [("South", "F")] * 2
    told = step.look(world.case(table("loans", columns, rows))).measured["places"]
    assert told == {"column": "district", "below": {"North": 2}}


def test_hostile_names_and_values(world: World) -> None:
    columns = {'a"b; DROP TABLE x': quasi(Kind.STRING, "it's"), "c0": quasi(Kind.NUMBER), "n": sensitive(Kind.NUMBER)}
    rows: list[Any] = [("'; --", float("nan"), float("nan"))] * 6 + [(None, None, 1.5)] * 5
    world.register(["it's"], dict.fromkeys(range(9), ("'; --",)))
    report = step.look(world.case(table("odd", columns, rows)))
    assert report.measured["k"] == 5
    assert set(codes(report)) == {"risk-met", "risk-homogeneous"}


@pytest.mark.slow
def test_a_column_of_five_million_values_does_not_fill_the_memory(world: World) -> None:
    """A candidate may be any table; here one row of each of five million people."""
    data = table("log", {"at": quasi(Kind.INTEGER, "moment"), "tip": sensitive(Kind.INTEGER)}, [])
    case = world.case(data)
    world.connection.execute("SET memory_limit = '1GB'")
    world.connection.execute(f"INSERT INTO {case.table} SELECT i, i % 7, NULL FROM range(5000000) t(i)")
    report = step.look(case)
    assert codes(report) == {"risk-too-fine": "pass", "risk-small-groups": "repair", "not-looked": "review"}
    assert found(report, "risk-small-groups").people == 5_000_000
    assert report.measured["sizes"] == {"1": 5_000_000}


def test_leaving_a_column_out_is_reckoned_from_the_groups(world: World) -> None:
    columns = {"sex": quasi(Kind.STRING, "sex"), "job": quasi(Kind.STRING, "job")}
    case = world.case(table("loans", columns, [("F", "a")] * 3 + [("M", "a")] * 3 + [("F", "b")] * 5))
    held = counted.count(case, case.release.quasi)
    assert counted.attribution(case, held, counted.sizes(case, held), 5) == {"sex": 6, "job": 3}
