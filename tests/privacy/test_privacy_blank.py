"""A value that a repair left out: whom its row is about, what it still tells says."""

from __future__ import annotations

from pathlib import Path

import pytest
from gate_case import World, quasi, table

from arengo.contract.model import Kind
from arengo.privacy import gate


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
