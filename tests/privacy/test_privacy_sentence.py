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
    ],
)
def test_words_agree_with_one(text: str, said: str) -> None:
    assert agreed(text) == said
