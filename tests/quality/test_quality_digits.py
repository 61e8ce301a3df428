"""Digits of other scripts: what a draft calls a number or a date is read as one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from quality_pull import contract_of

from arengo.contract.draft import infer
from arengo.contract.model import Kind, Parse, Property
from arengo.contract.sample import Sample, SampleColumn

CASES = [
    ({"٧١٢": 712, "٣٤٩٨": 3498, "85": 85, "-٤": -4}, Kind.INTEGER),
    ({"١٬٢٣٤": 1234, "٨٥٩": 859, "١٢٬٣٤٥٬٦٧٨": 12345678}, Kind.INTEGER),
    ({"١٬٢٣٤٫٥": 1234.5, "٨٥٩٫٢٥": 859.25}, Kind.NUMBER),
    ({"۱۲۳": 123, "۴۵": 45}, Kind.INTEGER),
    ({"१२३": 123, "४५": 45}, Kind.INTEGER),
    ({"１２３": 123, "４５": 45}, Kind.INTEGER),
    ({"\u200f٧١٢\u200f": 712, "٥": 5}, Kind.INTEGER),
    ({"٢٠٢٥-٠١-٣١": date(2025, 1, 31), "٢٠٢٥-٠٢-٠١": date(2025, 2, 1)}, Kind.DATE),
    ({"٣١/٠١/٢٠٢٥": date(2025, 1, 31), "٠١/٠٢/٢٠٢٥": date(2025, 2, 1)}, Kind.DATE),
]


@pytest.mark.parametrize(("values", "kind"), CASES)
def test_draft_and_reader_agree(conformed: Any, values: dict[str, Any], kind: Kind) -> None:
    columns = (SampleColumn("قيمة", tuple(values)), SampleColumn("n", tuple(str(n) for n in range(len(values)))))
    drafted = infer(Sample("t.csv", "csv", {}, columns, total=len(values)), language="ar").contract.properties[0]
    assert drafted.kind is kind
    found = conformed(contract_of(Property("v", kind, parse=drafted.parse)), {"v": [*values]})
    assert found.column("v") == list(values.values())
    assert not found.quarantine


def test_declared_arabic_marks(conformed: Any) -> None:
    parse = Parse(decimal="٫", thousands="٬")
    found = conformed(contract_of(Property("v", Kind.NUMBER, parse=parse)), {"v": ["١٬٢٣٤٫٥", "٣", "1.5", "١x"]})
    assert found.column("v") == [1234.5, 3.0]
    assert [line["value"] for line in found.quarantine] == ["1.5", "١x"]


def test_digits_no_reader_knows_stay_text() -> None:
    columns = (SampleColumn("a", ("᭑᭒", "᭓᭔")), SampleColumn("b", ("1", "2")))  # Balinese
    assert infer(Sample("t.csv", "csv", {}, columns, total=2)).contract.properties[0].kind is Kind.STRING


def test_texts_keep_their_digits(conformed: Any) -> None:
    assert conformed(contract_of(Property("v", Kind.STRING)), {"v": ["شارع ٥"]}).column("v") == ["شارع ٥"]


def test_dates_a_spreadsheet_made_of_numbers_are_missing(conformed: Any) -> None:
    texts = ["1.5", "2021-05-02", "2/5/2021", "2-may", "mai-21", "2.5", "x"]
    found = conformed(contract_of(Property("v", Kind.NUMBER, parse=Parse(spoilt_dates=True))), {"v": texts})
    assert found.column("v") == [1.5, None, None, None, None, 2.5]
    assert [line["value"] for line in found.quarantine] == ["x"]
