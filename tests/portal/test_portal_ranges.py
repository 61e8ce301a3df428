"""Names of intervals in charts: in the order of numbers, and in words where they are signs."""

from __future__ import annotations

import pytest

from arengo.contract.model import Kind
from arengo.portal import ranges
from arengo.portal.cells import Head, one
from arengo.portal.language import Speech


def test_they_stand_in_the_order_of_numbers() -> None:
    names = ["100–104", "5–9", ">= 105", "< 0", "-5–-1", None, "*", "20"]
    assert ranges.all_ranges(names)
    assert sorted(names, key=ranges.order) == ["-5–-1", "< 0", "5–9", "20", "100–104", ">= 105", None, "*"]


@pytest.mark.parametrize(
    "names", [["2020", "2021"], ["01", "02"], ["A–B", "5–9"], ["5–9"], [1, 2], [None], ["12–14 Main Street", "5–9"]]
)
def test_other_words_are_no_intervals(names: list[object]) -> None:
    assert not ranges.all_ranges(names)


def test_signs_are_said_in_words() -> None:
    s = Speech("en")
    assert ranges.words(s, "[0.5, 1.0)") == "0.5 to under 1.0"
    assert ranges.words(s, "< 15") == "under 15"
    assert ranges.words(s, ">= 85") == "85 and more"
    assert one(s, Head("dose", "Dose", "", Kind.STRING, False, False), "[0.5, 1.0)").text == "0.5 to under 1.0"
    for name in ("5–9", "1950–1959", "district 4", "<b>", "*", ""):
        assert ranges.words(s, name) == name
