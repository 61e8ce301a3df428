"""Sentences of findings agree with their numbers."""

from __future__ import annotations

import re

import pytest

from arengo.contract.model import Frozen
from arengo.privacy.finding import Finding
from arengo.privacy.words import SENTENCES


def test_one_person_stands_alone() -> None:
    facts = Frozen(k=5, unique=1, rows=1_001, column="age")
    one = Finding("risk-small-groups", "repair", facts, ("age",), people=1).sentence()
    assert one == "1 of 1,001 people stands in groups of fewer than 5 by age; 1 of them stands alone. age costs most."
    many = Finding("risk-small-groups", "repair", Frozen({**facts, "unique": 21}), ("age",), people=4_001).sentence()
    assert "4,001 of 1,001 people stand in" in many
    assert "21 of them stand alone" in many


@pytest.mark.parametrize(
    ("code", "facts", "people", "said"),
    [
        ("cells-small", {"cells": 1, "threshold": 5}, 1, "1 cell counts fewer than 5 persons (1 person in all)."),
        ("cells-small", {"cells": 2, "threshold": 5}, 1_001, "2 cells count fewer than 5 persons (1,001 persons in "),
        ("cells-small", {"cells": 11, "threshold": 5}, 21, "11 cells count fewer than 5 persons (21 persons in all)."),
        ("linkage-sets", {"items": 1, "k": 5}, 1, "1 person has a value of "),
        ("linkage-unchecked", {"shared": "age"}, 1, "1 row matches exactly one row of "),
        ("cells-recovered", {"cells": 1}, 0, "1 figure that was left out can be worked out exactly"),
        ("cells-dominated", {"cells": 1, "column": "pay", "n": 2}, 0, "In 1 cell of pay, 2 contributors make"),
        ("cells-dominated", {"cells": 2, "n": 1}, 0, "In 2 cells of …, 1 contributor makes up more than … % of the "
         "sum: their own figure can"),
        ("risk-homogeneous", {"groups": 1}, 1, "In 1 group everybody has the same : it becomes known of the 1 person "
         "in it."),
        ("small-places", {"values": 1, "k": 5}, 0, "1 place in  stands on fewer than 5 rows."),
        ("contacts-in-text", {"texts": 1, "column": "note"}, 0, "1 text in note holds ways to"),
        ("cells-sums-differenced", {"parts": 1}, 0, "By subtracting the sums of … in … and , that of 1 group of fewer"),
        ("cells-undeclared", {"cells": 1, "most": 1, "column": "n", "by": "area"}, 0,
         "n looks like counts of people by area: 1 cell is 1, and"),
        ("hash-recovered", {"recovered": 1, "tried": 5, "column": "id"}, 0,
         "id holds unkeyed hashes: 1 of 5 different values was traced back to what it stands for ("),
        ("budget-never", {"period": 1}, 0, "It would spend … of the privacy of …, more than the … that 1 day has in "),
    ],
)  # fmt: skip
def test_words_agree_with_their_numbers(code: str, facts: dict[str, object], people: int, said: str) -> None:
    sentence = Finding(code, facts=Frozen(facts), people=people).sentence()
    assert sentence.startswith(said)
    assert "[" not in sentence


def test_what_a_value_holds_is_not_made_to_agree() -> None:
    facts = Frozen(cells=1, most=1, column="[cells|1 groups|2]", by="1 cells, District 1 groups and 1 texts")
    said = Finding("cells-undeclared", facts=facts, columns=("1 people",)).sentence()
    assert said.startswith(
        "[cells|1 groups|2] looks like counts of people by 1 cells, District 1 groups and 1 texts: 1 cell is 1, and"
    )
    assert "say of 1 people why" in said


def test_only_facts_that_are_filled_in_decide_on_words() -> None:
    for code, template in SENTENCES.items():
        named = set(re.findall(r"\[(\w+)\|", template))
        assert named <= set(re.findall(r"{(\w+)}", template)), code
        plain = re.sub(r"\[\w+\|[^\[\]|]*\|[^\[\]|]*(\|[^\[\]|]*)?\]", "", template)
        assert not set("[]|") & set(plain), code


@pytest.mark.parametrize("code", ["risk-small-groups", "risk-small-map", "overlap-joint"])
def test_nothing_is_said_of_those_who_stand_alone_where_nobody_does(code: str) -> None:
    facts = Frozen(k=5, unique=0, alone=0, rows=90, most=4, column="age", population="residents")
    none = Finding(code, "repair", facts, ("age",), ("rooms v1",), people=7).sentence()
    assert "alone" not in none
    assert "0 of them" not in none
    some = Finding(code, "repair", Frozen({**facts, "unique": 10, "alone": 10}), ("age",), ("rooms v1",), people=17)
    assert "10 of them" in some.sentence()


def test_one_column_with_marks_is_no_several() -> None:
    assert Finding("suppression-marks", columns=("count",)).sentence().startswith("Marks of values")
