"""Repairs: each makes the gate pass when it is taken into the contract, and says what it costs."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gate_case import Table, World, plain, quasi, sensitive, table

from arengo.contract.load import freeze
from arengo.contract.model import EMPTY, Kind
from arengo.privacy import gate
from arengo.privacy.repair import Plan, merged, rules_with
from arengo.privacy.verdict import Repair, Verdict

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real"
STEPS = ("single", "joint", "intersection")
ALL = gate.STEPS


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(gate, "STEPS", tuple(item for item in gate.STEPS if item[0] in STEPS))
    made = World(tmp_path)
    yield made
    made.close()


def taken(data: Table, repair: Repair) -> Table:
    """The table under a contract with the repair in it."""
    columns = {
        name: (kind, {**told, "arengoProtect": repair.columns[name]} if name in repair.columns else told)
        for name, (kind, told) in data.columns.items()
    }
    custom = {**data.custom, "arengoProtection": repair.contract} if repair.contract else data.custom
    return replace(data, columns=columns, custom=custom)


def published(world: World, data: Table) -> Verdict:
    """The verdict on a table after what its contract does to it: as the street goes."""
    from arengo.privacy.protect import protect

    case = world.case(data)
    protect(case.connection, world.put(data, data.contract().as_read()), case.contract, case.codes,  # type: ignore[arg-type]
            secret=case.secret, subject='i."_subject"', into="stored")  # fmt: skip
    return gate.judge(replace(case, table='"stored"'))


def voters(rows: int = 900) -> Table:
    draw = np.random.default_rng(3)
    told = [
        [f"v{at}", int(age), "FM"[int(sex)], f"{year}-05-{1 + at % 28:02d}"]
        for at, (age, sex, year) in enumerate(
            zip(np.minimum(16 + draw.gamma(2, 11, rows), 96), draw.integers(0, 2, rows),
                draw.integers(1990, 1992, rows), strict=True)
        )
    ]  # fmt: skip
    columns = {
        "voter": plain(Kind.STRING, arengoProtect="drop"), "age": quasi(Kind.INTEGER, "age"),
        "sex": quasi(Kind.STRING, "sex"), "seen": plain(Kind.STRING),
    }  # fmt: skip
    return table("ballots", columns, told)


def test_three_repairs_each_pass_when_taken(world: World) -> None:
    data = voters()
    verdict = gate.judge(world.case(data))
    assert verdict.outcome == "repair"
    assert len(verdict.repairs) == 3
    assert {item.kind for item in verdict.repairs} == {"generalise", "local"}
    below = sum(people for size, people in verdict.repairs[0].before.items() if size != "more" and int(size) < 5)
    assert below > 0
    for repair in verdict.repairs:
        assert published(world, taken(data, repair)).outcome == "pass"
        assert min(int(size) for size in repair.after if size != "more") >= 5
        assert sum(repair.after.values()) + repair.suppressed == 900
        assert 0 <= repair.loss <= 1
        assert repair.errors["rows"] == pytest.approx(repair.suppressed / 900, abs=1e-6)
        assert set(repair.errors) == {"rows", "mean of age"}
        assert Repair.of(repair.as_json()).as_json() == repair.as_json()
    assert [item.loss for item in verdict.repairs] == sorted(item.loss for item in verdict.repairs)


def test_a_repair_together_with_what_is_public(world: World) -> None:
    """District was published; the same people by age band: each table is fine alone, together they are not."""
    draw = np.random.default_rng(9)
    people = 1_200
    district = draw.integers(0, 30, people)
    age = draw.integers(0, 80, people)
    world.register(["district", "age"], {at: [f"d{district[at]}", int(age[at])] for at in range(people)})
    world.publish(table("visits", {"district": quasi(Kind.STRING, "district")}, [[f"d{item}"] for item in district]))
    data = table("loans", {"age": quasi(Kind.INTEGER, "age"), "branch": plain(Kind.STRING)},
                 [[int(item), "x"] for item in age])  # fmt: skip
    verdict = gate.judge(world.case(data))
    assert verdict.outcome == "block"
    assert any(item.code == "overlap-joint" for item in verdict.findings)
    assert verdict.repairs
    for repair in verdict.repairs:
        again = published(world, taken(data, repair))
        assert again.outcome in ("pass", "review")
        assert not any(item.code == "overlap-joint" for item in again.findings)
        # what is told of the groups after it is what the gate measures then, as counts alone
        joint = repair.facts.get("joint", {})  # where no column is left that makes groups, nothing is measured
        assert joint == again.measured.get("joint", {}).get("after", {})
        assert not {"1", "2", "3", "4"} & set(joint)
        assert Repair.of(repair.as_json()).as_json() == repair.as_json()
    assert {"1", "2", "3", "4"} & set(verdict.measured["joint"]["after"])
    first = verdict.repairs[0]
    assert first.kind == "generalise"
    assert first.facts["joint"]
    assert first.facts["levels"]["age"].startswith("by-")


def test_values_that_are_too_alike_get_groups_with_more_of_them(world: World) -> None:
    rows = [[20 + at // 20, "benefit" if at < 200 else ("none" if at % 2 else "benefit")] for at in range(400)]
    data = table(
        "aid", {"age": quasi(Kind.INTEGER, "age"), "aid": sensitive(Kind.STRING, "aid")}, rows,
        arengoPrivacyTarget={"k": 5, "l": 2},
    )  # fmt: skip
    verdict = gate.judge(world.case(data))
    assert any(item.code == "risk-diversity" for item in verdict.findings)
    assert verdict.repairs
    for repair in verdict.repairs:
        assert OUTCOME[published(world, taken(data, repair)).outcome] < OUTCOME["repair"]


OUTCOME = {"pass": 0, "review": 1, "repair": 2, "block": 3}


def test_a_level_in_force_is_only_ever_made_coarser(world: World) -> None:
    data = voters(120)
    columns = {**data.columns, "age": quasi(Kind.INTEGER, "age", arengoProtect={"level": "by-5"})}
    shown = world.hierarchies().sql("numbers", "by-5", "v", "integer")
    rows = [[row[0], world.connection.execute(f"SELECT {shown} FROM (SELECT {row[1]} AS v)").fetchone()[0], *row[2:]]
            for row in data.rows]  # type: ignore[index]  # fmt: skip
    # Both tables hold what is stored, as the street hands them over.
    contract = replace(data, columns=columns).contract()
    case = world.case(voters(120))
    world.connection.execute(
        "CREATE TABLE coarse (voter VARCHAR, age VARCHAR, sex VARCHAR, seen VARCHAR, _subject VARCHAR)"
    )
    world.connection.executemany("INSERT INTO coarse VALUES (?, ?, ?, ?, ?)", [[*row, row[0]] for row in rows])
    from arengo.privacy.declared import release_of

    release = release_of(contract, 0, world.now, 120, subject=True)
    verdict = gate.judge(replace(case, contract=contract, intake_contract=contract.as_read(), release=release,
                                 table="coarse"))  # fmt: skip
    assert verdict.repairs
    for repair in verdict.repairs:
        for step in repair.columns.get("age", ()):
            assert step == "drop" or step["level"] in ("by-10", "by-20", "by-40")


def test_a_column_that_gives_people_away_is_masked_or_left_out(tmp_path: Path) -> None:
    """Over the whole gate: the voters' numbers are stored as they are."""
    world = World(tmp_path)
    rows = [[f"V{at:05d}", 20 + at // 60, "x"] for at in np.random.default_rng(4).permutation(600).tolist()]
    columns = {
        "voter": plain(Kind.STRING, arengoPrivacyRole="identifier", arengoPersonalKind="register-number"),
        "age": quasi(Kind.INTEGER, "age"), "choice": plain(Kind.STRING),
    }  # fmt: skip
    data = table("ballots", columns, rows)
    verdict = gate.judge(world.case(data))
    assert verdict.outcome == "block"
    assert any(item.code == "identifier-open" for item in verdict.findings)
    told = {item.kind: item for item in verdict.repairs}
    assert {"pseudonym", "drop"} <= set(told)
    assert told["pseudonym"].columns == {"voter": ("pseudonym",)}
    assert told["drop"].columns == {"voter": ("drop",)}
    for repair in verdict.repairs:
        assert OUTCOME[published(world, taken(data, repair)).outcome] < OUTCOME["repair"]
    world.close()


def test_rules_do_not_name_columns_that_are_left_out() -> None:
    there = freeze({"suppress": {"below": 5, "by": ["age", "sex"]}, "local": {"k": 5, "by": ["sex"]}, "shuffle": True})
    plan = Plan("drop", freeze({"sex": ["drop"]}))
    assert rules_with(there, plan) == {"suppress": {"below": 5, "by": ("age",)}, "local": {"k": 5}, "shuffle": True}


def test_what_the_rules_that_are_there_promise_stays_promised() -> None:
    there = freeze({"suppress": {"below": 10, "by": ["age", "ward"], "beside": True, "blank": ["job"]},
                    "local": {"k": 20, "by": ["age"]}, "microaggregate": {"k": 3, "columns": ["pay"]},
                    "shuffle": True})  # fmt: skip
    few = Plan("suppress", rules=freeze({"suppress": {"below": 5}}))
    kept = {name: there[name] for name in ("local", "microaggregate", "shuffle")}
    promised = {"below": 10, "beside": True, "blank": ("job",)}
    assert rules_with(there, few, ("age", "ward", "sex")) == {**kept, "suppress": promised}
    # A column that makes groups there and is no quasi-identifier goes on making them.
    assert rules_with(there, few, ("age", "sex"))["suppress"] == {**promised, "by": ("age", "sex", "ward")}
    more = Plan("local", rules=freeze({"local": {"k": 5, "by": ["sex", "age"]}, "suppress": {"below": 40}}))
    made = rules_with(there, more, ("age", "ward", "sex"))
    assert made["local"] == {"k": 20, "by": ("sex", "age")}
    assert made["suppress"] == {**promised, "below": 40}


def test_a_repair_keeps_the_larger_groups_of_a_rule_that_is_there(world: World) -> None:
    rows = [("m", 20 + at % 40, "x", "y") for at in range(1200)]
    rows += [("f", 90 + at, "x", "y") for at in range(8)]
    columns = {"sex": quasi(Kind.STRING), "age": quasi(Kind.INTEGER), "note": plain(Kind.STRING),
               "job": plain(Kind.STRING)}  # fmt: skip
    data = table("groups", columns, rows, arengoProtection={"suppress": {"below": 12, "by": ["note"]}})
    verdict = gate.judge(world.case(data))
    assert verdict.outcome == "repair"
    told = [item for item in verdict.repairs if "suppress" in item.contract]
    assert told
    for repair in verdict.repairs:
        rule = dict((repair.contract or data.contract().custom["arengoProtection"])["suppress"])
        assert rule["below"] >= 12
        assert "note" in rule["by"]
        assert OUTCOME[published(world, taken(data, repair)).outcome] < OUTCOME["repair"]


def test_the_contract_with_a_repair_keeps_its_other_rules() -> None:
    from arengo.contract.document import parse
    from arengo.services.gate import repaired

    text = """\
apiVersion: v3.1.0
kind: DataContract
id: groups
schema: [{name: groups, properties: [{name: age, logicalType: integer}, {name: ward, logicalType: string}]}]
customProperties:
  - property: arengoProtection
    value: {suppress: {below: 10, by: [ward], beside: true}, shuffle: true}  # since March
"""
    there = freeze({"suppress": {"below": 10, "by": ["ward"], "beside": True}, "shuffle": True})
    rules = rules_with(there, Plan("suppress", rules=freeze({"suppress": {"below": 5}})), ("age",))
    made = parse(repaired(text, Repair("suppress-1", "suppress", contract=rules))).data
    (held,) = [item["value"] for item in made["customProperties"] if item["property"] == "arengoProtection"]
    assert held == {"suppress": {"below": 10, "by": ["age", "ward"], "beside": True}, "shuffle": True}


def test_steps_join_those_that_are_there() -> None:
    level = freeze({"level": "by-10", "hierarchy": "numbers"})
    assert merged((freeze({"level": "by-5"}),), (level,)) == (level,)
    assert merged((freeze({"top": 90}),), (level,)) == (freeze({"top": 90}), level)
    assert merged((level,), ("drop",)) == ("drop",)


def test_bad_tables_get_a_verdict_and_no_nonsense(world: World) -> None:
    few = table("few", {"age": quasi(Kind.INTEGER, "age")}, [[31], [47]])
    empty = table("empty", {"age": quasi(Kind.INTEGER, "age")}, [])
    unknown = table("unknown", {"age": quasi(Kind.INTEGER, "age"), "sex": quasi(Kind.STRING, "sex")},
                    [[None, "f"]] * 9 + [[None, "m"]] * 2)  # fmt: skip
    for data in (few, empty, unknown):
        verdict = gate.judge(world.case(data))
        assert all(OUTCOME[item.outcome] < OUTCOME["repair"] for item in verdict.repairs)
    (mended, *_) = gate.judge(world.case(unknown)).repairs
    assert mended.columns == EMPTY or set(mended.columns) <= {"age", "sex"}


def test_more_combinations_of_levels_than_64_bits_hold_are_still_a_verdict(world: World) -> None:
    columns = {f"c{n}": quasi(Kind.INTEGER) for n in range(40)}
    rows = [tuple((row * 7 + n * row) % 90 for n in range(40)) for row in range(60)]
    verdict = gate.judge(world.case(table("many", columns, rows)))
    assert verdict.outcome == "repair"
    assert any(item.facts["nodes"] > 2**64 for item in verdict.repairs if "nodes" in item.facts)
    assert Verdict.of(verdict.as_json()).as_json()["mark"] == verdict.mark


def test_names_of_owners_go_rather_than_everything_that_stands_beside_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a pseudonym an owner's two dogs would still be one owner's: without it, coarser years are enough."""
    monkeypatch.setattr(gate, "STEPS", ALL)
    draw = np.random.default_rng(9)
    owners = [(f"Owner {at // 3}", f"4012{draw.integers(1, 9)}", int(draw.integers(1938, 2005))) for at in range(280)]
    rows = [[*owners[at % 280], ("Meticcio", "Labrador", "Bassotto")[at % 3]] for at in range(300)]
    columns = {
        "owner": (Kind.STRING, {"arengoPrivacyRole": "identifier", "arengoPersonalKind": "name"}),
        "owner_postcode": quasi(Kind.STRING, arengoPersonalKind="postcode"),
        "owner_year_of_birth": quasi(Kind.INTEGER, arengoPersonalKind="birth-date"), "breed": plain(Kind.STRING),
    }  # fmt: skip
    data = table("dogs", columns, rows, (), population="")
    verdict = gate.judge(world.case(data))
    assert "linkage-trace" in {item.code for item in verdict.findings}
    assert "small-places" not in {item.code for item in verdict.findings if "owner_year_of_birth" in item.columns}
    told = {item.kind: item for item in verdict.repairs}
    assert told["local"].columns["owner"] == ("drop",)
    assert told["local"].loss < 0.2
    assert told["local"].suppressed == 0
    assert published(world, taken(data, told["local"])).outcome == "review"


def test_58_voters_of_lodz(world: World) -> None:
    path = REAL / "lodz-participatory-budget" / "poland_lodz_2022_baluty-centrum.pb"
    if not path.is_file():
        pytest.skip("the ballots of Łódź are not here")
    votes = path.read_text(encoding="utf-8").partition("VOTES\n")[2]
    rows: list[list[Any]] = [
        [row["voter_id"], int(row["age"]), row["sex"], row["voting_method"], row["vote"]]
        for row in csv.DictReader(votes.splitlines(), delimiter=";")
    ]
    columns = {
        "voter": plain(Kind.STRING, arengoProtect="drop"), "age": quasi(Kind.INTEGER, "age"),
        "sex": quasi(Kind.STRING, "sex"), "method": plain(Kind.STRING), "vote": plain(Kind.STRING),
    }  # fmt: skip
    data = table("ballots", columns, rows, [row[0] for row in rows])
    verdict = gate.judge(world.case(data))
    (finding,) = [item for item in verdict.findings if item.outcome == "repair"]
    assert finding.people == 58
    told = {item.kind: item for item in verdict.repairs}
    assert set(told) == {"suppress", "generalise", "local"}
    assert told["suppress"].suppressed == 58
    assert told["generalise"].columns == {"age": ({"level": "by-5", "hierarchy": "numbers"},)}
    assert told["generalise"].suppressed == 0
    assert max(item.loss for item in verdict.repairs) < 0.03
    assert told["generalise"].errors["mean of age"] < 0.001
