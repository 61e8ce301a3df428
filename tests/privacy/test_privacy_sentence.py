"""Sentences of findings agree with their numbers."""

from __future__ import annotations

import pytest

from arengo.contract.model import Frozen
from arengo.privacy.finding import Finding, agreed


def test_one_person_stands_alone() -> None:
    facts = Frozen(k=5, unique=1, rows=1_001, column="age")
    one = Finding("risk-small-groups", "repair", facts, ("age",), people=1).sentence()
    assert one == "1 of 1,001 people stands in groups of fewer than 5 by age; 1 of them stands alone. age costs most."
    many = Finding("risk-small-groups", "repair", Frozen({**facts, "unique": 21}), ("age",), people=4_001).sentence()
    assert "4,001 of 1,001 people stand in" in many
    assert "21 of them stand alone" in many


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("turns 1 people from", "turns 1 person from"),
        ("1 people have a combination", "1 person has a combination"),
        ("v1 people", "v1 people"),
        ("2.1 people are", "2.1 people are"),
        ("1 rows match exactly one row", "1 row matches exactly one row"),
        ("(1 persons in all)", "(1 person in all)"),
        ("1 small parts of the population can", "1 small part of the population can"),
        ("1 figures that were left out can", "1 figure that was left out can"),
        ("In 1 cells of pay, 2 contributors make", "In 1 cell of pay, 2 contributors make"),
        ("In 1 groups everybody", "In 1 group everybody"),
        ("1 groups of sex, age fall whole", "1 group of sex, age falls whole"),
        ("1 cells count fewer", "1 cell counts fewer"),
        ("1 places in town stand on fewer than 5 rows each.", "1 place in town stands on fewer than 5 rows."),
        ("1 texts in note hold ways to", "1 text in note holds ways to"),
        ("those of 1 groups of", "that of 1 group of"),
        ("11 cells count, 1,001 groups and 0.1 values", "11 cells count, 1,001 groups and 0.1 values"),
    ],
)
def test_words_agree_with_one(text: str, said: str) -> None:
    assert agreed(text) == said


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
