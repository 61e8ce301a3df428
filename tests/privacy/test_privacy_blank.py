"""Values that are left out: whom a row is about, what it still tells says, and the row is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gate_case import World, plain, quasi, table

from arengo.contract.model import Kind
from arengo.privacy import gate
from arengo.privacy.protect import protect


@pytest.mark.parametrize("blank", [False, True])
def test_rows_whose_value_was_left_out_are_no_strangers(tmp_path: Path, blank: bool) -> None:
    world = World(tmp_path)
    people = {at: ("FM"[at % 2], f"D{at // 2 % 2}") for at in range(80)}
    world.register(["sex", "residence"], people)
    rows = [(sex, place if at >= 18 else None) for at, (sex, place) in people.items()]
    columns = {"sex": quasi(Kind.STRING, "sex"), "place": quasi(Kind.STRING, "residence")}
    rule = {"below": 5, "blank": ["place"]} if blank else {"below": 5}
    verdict = gate.judge(world.case(table("votes", columns, rows, arengoProtection={"suppress": rule})))
    strangers = sum(item.people for item in verdict.findings if item.code.startswith("risk-not-in-register"))
    assert strangers == (0 if blank else 18)
    told = verdict.measured["single"]["population"]
    assert told["missing"] == strangers
    if blank:  # of 40 of a sex anybody may be meant
        assert told["k"] == 20
    world.close()


def test_cells_that_are_left_out_are_no_rows_that_are_withheld(tmp_path: Path) -> None:
    world = World(tmp_path)
    rows = [("north", "young", 3), ("north", "old", 30), ("south", "young", 20), ("south", "old", 40)]
    columns = {"district": quasi(Kind.STRING), "age": quasi(Kind.STRING), "people": plain(Kind.INTEGER)}
    told: dict[str, Any] = {"arengoCells": {"by": ["district", "age"], "count": "people"}}
    told["arengoProtection"] = {"cells": {"method": "suppress"}}
    data = table("t", columns, rows, people=(), **told)
    made = protect(
        world.connection, world.put(data), data.contract(), world.hierarchies(), secret=bytes(32), subject="",
        into="_made",
    )  # fmt: skip
    left = world.connection.execute("SELECT count(*), count(people) FROM _made").fetchone()
    assert left is not None
    assert (left[0], made.cells, made.suppressed) == (4, 4 - left[1], made.cells)
    assert made.cells > 0
    world.close()
