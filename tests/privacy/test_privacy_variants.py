"""Several tables whose columns nobody gave a concept: variants of one are one, and what is too much is told by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from gate_case import Kind, Plain, World, plain, quasi, table

from arengo.privacy import gate
from arengo.privacy.cells import differencing

DISTRICTS = tuple(f"d{at}" for at in range(9))
AGES = tuple(f"{at}-{at + 9}" for at in range(0, 90, 10))
FULL = {(district, age): 20 + at for at, (district, age) in enumerate((d, a) for d in DISTRICTS for a in AGES)}
SMALL = FULL | {("d1", "0-9"): 3}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    people = pa.table({"_subject": [f"p{at}" for at in range(5_000)], "sex": ["F", "M"] * 2_500})
    made.connection.register("_people", people)
    made.connection.execute("CREATE TABLE _truth AS SELECT * FROM _people")
    made._truth["residents"] = "_truth"
    yield made
    made.close()


def counts(dataset: str, by: tuple[str, ...], cells: Any) -> Any:
    columns = {name: quasi(Kind.STRING) for name in by}
    told = {"by": list(by), "count": "people"}
    rows = [(*(key if isinstance(key, tuple) else (key,)), count) for key, count in cells.items()]
    return table(dataset, {**columns, "people": plain(Kind.INTEGER)}, rows, people=(), arengoCells=told)


def several(world: World, cells: Any, many: int = 4) -> None:
    for number in range(many):
        world.publish(counts(f"turnout{number}", ("district", "age"), cells))


def test_variants_of_one_table_are_compared(world: World) -> None:
    several(world, FULL)
    report = differencing.look(world.case(counts("again", ("district", "age"), FULL)))
    assert [item for item in report.findings if item.code == "not-looked"] == []
    assert report.measured["atoms"] <= 10 * 10
    assert "cells-judged" in {
        item.code for item in gate.judge(world.case(counts("again", ("district", "age"), FULL))).findings
    }


def test_what_follows_from_variants_is_found(world: World) -> None:
    several(world, SMALL | {("d1", "0-9"): None})
    sums = {district: sum(n for (other, _), n in SMALL.items() if other == district) for district in DISTRICTS}
    report = differencing.look(world.case(counts("districts", ("district",), sums)))
    (found,) = [item for item in report.findings if item.code == "cells-differenced"]
    assert (found.outcome, found.people) == ("review", 3), "that the columns are of one concept is a guess"
    assert "turnout0 v1" in found.releases


def test_two_columns_of_one_table_with_the_same_groups_stay_two(world: World) -> None:
    ways = {(here, there): 30 for here in DISTRICTS for there in DISTRICTS}
    for number in range(4):
        world.publish(counts(f"trips{number}", ("origin", "destination"), ways))
    report = differencing.look(world.case(counts("again", ("origin", "destination"), ways)))
    (found,) = [item for item in report.findings if item.code == "not-looked"]
    assert found.facts["why"].startswith("together trips0 v1, ")


def test_what_was_not_compared_is_named_and_nothing_is_promised(world: World) -> None:
    for number in range(4):
        cells = {(f"{district}/{number}", f"{age} {number}"): size for (district, age), size in FULL.items()}
        world.publish(counts(f"turnout{number}", ("district", "age"), cells))
    verdict = gate.judge(world.case(counts("again", ("district", "age"), FULL)))
    (found,) = [item for item in verdict.findings if item.code == "not-looked"]
    assert "turnout0 v1, turnout1 v1" in found.sentence()
    assert verdict.outcome == "review"
    assert "cells-judged" not in {item.code for item in verdict.findings}
