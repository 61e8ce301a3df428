"""Step 6 beside rows: tables of counts about people whose rows are public already. The fixtures are rebuilt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from gate_case import Kind, Table, World, plain, quasi, table
from scipy.optimize import linprog

from arengo.privacy import gate
from arengo.privacy.cells import differencing, repair, step

DISTRICTS = ["North", "Old Town", "East", "West", "Hill", "Harbour", "Fields", "Woods"]
SHARE = [30, 20, 15, 12, 10, 6, 5, 2]
Voter = tuple[int, str, str]
"""Age, sex, district."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def voters(seed: int, number: int = 3_778) -> list[Voter]:
    random = Random(seed)
    out = []
    for _ in range(number):
        age = min(max(int(random.gauss(45, 19)), 3), 84)
        out.append((age, random.choice("KM"), random.choices(DISTRICTS, SHARE)[0]))
    return out


def decade(age: int) -> str:
    return f"{age // 10 * 10}-{age // 10 * 10 + 9}" if age < 80 else "80+"


def five(age: int) -> str:
    return f"{age // 5 * 5}–{age // 5 * 5 + 4}"


def ballots(people: Sequence[Voter], **custom: Any) -> Table:
    """Rows by five years and sex, which say no concept."""
    columns = {"age": quasi(Kind.STRING), "sex": quasi(Kind.STRING)}
    return table("ballots", columns, [(five(age), sex) for age, sex, _ in people], (), **custom)


def turnout(people: Sequence[Voter], name: str = "turnout", hidden: int = 0, **custom: Any) -> Table:
    """Counts by district and decade; those below ``hidden`` are left out of what is read."""
    counts = Counter((district, decade(age)) for age, _, district in people)
    rows = [(*key, None if n < hidden else n) for key, n in sorted(counts.items())]
    columns = {"district": plain(Kind.STRING), "age_band": plain(Kind.STRING), "people": plain(Kind.INTEGER)}
    return table(name, columns, rows, (), arengoCells={"by": ["district", "age_band"], "count": "people"}, **custom)


def outcomes(report: Any) -> dict[str, str]:
    return {item.code: item.outcome for item in report.findings}


def worked_out(shown: dict[tuple[str, str], int | None], people: Sequence[Voter]) -> list[tuple[float, float]]:
    """What somebody who subtracts learns of each figure that is left out: the least and the most it can be."""
    cells = [key for key, n in shown.items() if n is None]
    decades = sorted({band for _, band in cells})
    of_all = Counter(decade(age) for age, _, _ in people)
    matrix = np.array([[float(key[1] == band) for key in cells] for band in decades])
    left = np.array([of_all[b] - sum(n or 0 for key, n in shown.items() if key[1] == b) for b in decades], float)
    out = []
    for at in range(len(cells)):
        unit = np.eye(len(cells))[at]
        ends = [linprog(sign * unit, A_eq=matrix, b_eq=left, bounds=(0, None)).fun * sign for sign in (1, -1)]
        out.append((ends[0], ends[1]))
    return out


def left_out(case: Any) -> dict[tuple[str, str], int | None]:
    rows = case.connection.execute(f"SELECT district, age_band, people FROM {case.table}").fetchall()
    return {(row[0], row[1]): row[2] for row in rows}


@pytest.mark.parametrize("seed", range(3))
def test_rows_by_five_years_give_away_what_a_table_by_decades_leaves_out(world: World, seed: int) -> None:
    people = voters(seed)
    true = Counter((district, decade(age)) for age, _, district in people)
    case = world.case(turnout(people))
    plain_ = repair._made(case, {"method": "suppress", "threshold": 5}, {})
    assert outcomes(step.look(plain_)) == {"cells-judged": "pass"}
    world.publish(ballots(people))
    case = world.case(turnout(people))
    tried = repair._made(case, {"method": "suppress", "threshold": 5}, {})
    hidden = worked_out(left_out(tried), people)
    assert hidden
    assert any(high - low < 5 and low < 5 for low, high in hidden)
    report = differencing.look(tried)
    assert outcomes(report)["cells-differenced"] == "block"
    found = next(item for item in report.findings if item.code == "cells-differenced")
    assert found.releases == ("ballots v1",)
    assert "ballots v1" in found.sentence()
    assert "cells-judged" not in outcomes(step.look(tried))
    verdict = gate.judge(case)
    offered = {item.id: item for item in verdict.repairs}
    made = offered["cells-suppress"]
    assert made.outcome == "pass"
    assert made.contract["cells"]["beside"] is True
    mended = repair._made(case, dict(made.contract["cells"]), made.columns)
    shown = left_out(mended)
    assert sum(n is None for n in shown.values()) > len(hidden)
    small = [key for key, n in true.items() if n < 5]
    assert all(shown[key] is None for key in small)
    cells = [key for key, n in shown.items() if n is None]
    for key, (low, high) in zip(cells, worked_out(shown, people), strict=True):
        assert key not in small or high - low >= 4.99


def test_a_table_that_left_figures_out_before_it_came_here(world: World) -> None:
    people = voters(1)
    world.publish(ballots(people))
    assert outcomes(differencing.look(world.case(turnout(people, hidden=5))))["cells-differenced"] == "block"


def test_what_is_known_of_other_people_stops_nothing(world: World) -> None:
    world.publish(ballots(voters(1)))
    for number in (3_778, 3_700, 900, 9_000):
        others = turnout(voters(2, number), arengoProtection={"cells": {"method": "suppress"}}, hidden=5)
        assert "cells-differenced" not in outcomes(differencing.look(world.case(others))), number
    for number in (900, 9_000):
        others = turnout(voters(2, number), hidden=5)
        assert outcomes(differencing.look(world.case(others))) == {}, number
        assert outcomes(step.look(world.case(others))) == {"cells-judged": "pass"}


def test_rows_whose_groups_cannot_be_compared_ask_a_person(world: World) -> None:
    people = voters(3)
    codes = {name: f"c{at % 3}" for at, name in enumerate(DISTRICTS)}
    columns = {"part": quasi(Kind.STRING)}
    world.publish(table("ballots", columns, [(codes[district],) for _, _, district in people], ()))
    case = world.case(turnout(people, hidden=5))
    report = differencing.look(case)
    asked = [item for item in report.findings if item.code == "not-looked"]
    assert [(item.outcome, item.releases) for item in asked] == [("review", ("ballots v1",))]
    assert "part" in asked[0].sentence()
    assert "cells-judged" not in outcomes(step.look(case))


def test_a_table_that_leaves_nothing_out_asks_nothing(world: World) -> None:
    people = [voter for voter in voters(4) for _ in range(5)]
    world.publish(ballots(people))
    case = world.case(turnout(people))
    assert outcomes(differencing.look(case)) == {}
    assert outcomes(step.look(case)) == {"cells-judged": "pass"}


def test_groups_that_are_missing_in_the_table_are_found_as_well(world: World) -> None:
    """Small cells are not left empty but taken out with their rows: the one that is missing in a decade follows."""
    people = [voter for voter in voters(5) for _ in range(3)]
    people = [voter for voter in people if voter[2] != "Woods" or 10 <= voter[0] < 80] + [(5, "K", "Woods")] * 2
    world.publish(ballots(people))
    full = turnout(people)
    gone = [row for row in full.rows if row[2] >= 5]
    assert len(gone) == len(full.rows) - 1
    case = world.case(replace(full, rows=gone))
    found = [item for item in differencing.look(case).findings if item.code == "cells-differenced"]
    assert [(item.outcome, item.releases, item.people) for item in found] == [("block", ("ballots v1",), 2)]
    offered = {item.id: item for item in gate.judge(case).repairs}
    assert offered["cells-suppress"].outcome == "pass"
    assert offered["cells-suppress"].facts["hidden"] >= 1


def test_labels_of_sexes_and_ages_meet_in_other_words(world: World) -> None:
    people = voters(6)
    columns = {"anni": quasi(Kind.INTEGER), "sesso": quasi(Kind.STRING)}
    words = {"K": "donna", "M": "uomo"}
    world.publish(table("anagrafe", columns, [(age, words[sex]) for age, sex, _ in people], ()))
    counts = Counter(
        ("under 20" if age < 20 else "20-79" if age < 80 else "80 and over", sex) for age, sex, _ in people
    )
    least = min(counts.values())
    rows = [(*key, None if n == least else n) for key, n in counts.items()]
    told = {"by": ["age", "sex"], "count": "people"}
    by = {"age": plain(Kind.STRING), "sex": plain(Kind.STRING), "people": plain(Kind.INTEGER)}
    data = table("few", by, rows, (), arengoCells=told, arengoPrivacyTarget={"threshold": least + 1})
    assert outcomes(differencing.look(world.case(data)))["cells-differenced"] == "block"


def test_hierarchies_that_rows_and_tables_share_are_followed(world: World) -> None:
    people = voters(7)
    world.lists(parts="\n".join(["district,part", *(f"{name},p{at // 3}" for at, name in enumerate(DISTRICTS))]))
    part = {name: f"p{at // 3}" for at, name in enumerate(DISTRICTS)}
    columns = {"quarter": quasi(Kind.STRING, arengoHierarchy="parts")}
    world.publish(table("ballots", columns, [(district,) for _, _, district in people], ()))
    counts = Counter((part[district], decade(age)) for age, _, district in people)
    first = min(counts, key=lambda key: counts[key])
    rows = [(*key, None if key == first else n) for key, n in sorted(counts.items())]
    by = {"part": plain(Kind.STRING, arengoHierarchy="parts", arengoLevel="part"), "age_band": plain(Kind.STRING),
          "people": plain(Kind.INTEGER)}  # fmt: skip
    told = {"by": ["part", "age_band"], "count": "people"}
    data = table("by-part", by, rows, (), arengoCells=told, arengoPrivacyTarget={"threshold": counts[first] + 1})
    assert outcomes(differencing.look(world.case(data)))["cells-differenced"] == "block"
