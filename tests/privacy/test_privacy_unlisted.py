"""A register that lists other persons than the release is about: told, whatever its values look like."""

from __future__ import annotations

from pathlib import Path

import pytest
from gate_case import World, quasi, table

from arengo.contract.model import Kind
from arengo.privacy import gate

ROWS = [(n % 5, "FM"[n % 2]) for n in range(600)]
COLUMNS = {"district": quasi(Kind.INTEGER, "residence"), "sex": quasi(Kind.STRING, "sex")}


@pytest.mark.parametrize(("letter", "outcome"), [("R", "pass"), ("Q", "review")])
@pytest.mark.parametrize("model", ["k-anonymity", "k-map"])
def test_a_register_of_others_is_a_review_although_its_values_are_alike(
    tmp_path: Path, letter: str, outcome: str, model: str
) -> None:
    world = World(tmp_path)
    world.register({"residence": Kind.INTEGER, "sex": Kind.STRING}, {f"{letter}{n}": row for n, row in enumerate(ROWS)})
    people = [f"R{n}" for n in range(600)]
    found = gate.judge(world.case(table("loans", COLUMNS, ROWS, people, arengoPrivacyTarget={"model": model})))
    assert found.outcome == outcome, found.said()
    told = [item for item in found.findings if item.code == "risk-register-apart"]
    assert [item.people for item in told] == ([600] if outcome == "review" else [])
