"""Made-up rows fit their contract and come from nothing else."""

from __future__ import annotations

import random
import re
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arengo.contract import loads
from arengo.contract.model import Contract
from arengo.services import product
from arengo.services.sample import MOST, like, rows

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: things
name: Things
version: 1.0.0
status: active
schema:
  - name: things
    properties:
"""
TAIL = """
customProperties:
  - {property: arengoAccess, value: shared}
"""


def contract(*columns: str, more: str = "") -> Contract:
    lines = "\n".join(f"      - {{name: c{n}, {column}}}" for n, column in enumerate(columns))
    return loads(HEAD + lines + TAIL + more)


def column(text: str, n: int = 60) -> list[Any]:
    return [row[0] for row in rows(contract(text + ", required: true"), n)]


def test_values_fit_what_the_contract_declares() -> None:
    assert all(
        3 <= value <= 9 for value in column("logicalType: integer, logicalTypeOptions: {minimum: 3, maximum: 9}")
    )
    assert all(
        3 < value < 5
        for value in column("logicalType: number, logicalTypeOptions: {exclusiveMinimum: 3, exclusiveMaximum: 5}")
    )
    assert all(value % 5 == 0 for value in column("logicalType: integer, logicalTypeOptions: {multipleOf: 5}"))
    assert all(len(value) <= 4 for value in column("logicalType: string, logicalTypeOptions: {maxLength: 4}"))
    assert all(len(value) >= 30 for value in column("logicalType: string, logicalTypeOptions: {minLength: 30}"))
    options = "{minimum: '2020-01-01', maximum: '2020-02-01'}"
    days = [date.fromisoformat(value) for value in column(f"logicalType: date, logicalTypeOptions: {options}")]
    assert all(date(2020, 1, 1) <= day <= date(2020, 2, 1) for day in days)
    for value in column("logicalType: timestamp"):
        datetime.fromisoformat(value.replace("Z", "+00:00"))
    assert all(
        value.endswith("@example.org") for value in column("logicalType: string, logicalTypeOptions: {format: email}")
    )
    assert len(set(column("logicalType: string, unique: true"))) == 60
    assert len(set(column("logicalType: integer, primaryKey: true, primaryKeyPosition: 1"))) == 60


def test_the_same_contract_gives_the_same_rows() -> None:
    made = contract("logicalType: string", "logicalType: number")
    assert rows(made, 50) == rows(made, 50)
    assert rows(made, 50)[:10] == rows(made, 10)
    assert len(rows(made, 10_000)) == MOST
    assert len(rows(made, -3)) == 1
    assert any(value is None for row in rows(made, 50) for value in row)


def test_what_a_draft_took_from_the_file_is_left_out() -> None:
    enum = "enum: [{value: Rossi}, {value: Bianchi}]"
    shown = contract(f"logicalType: string, required: true, {enum}")
    assert {row[0] for row in rows(shown, 30)} <= {"Rossi", "Bianchi"}
    role = "customProperties: [{property: arengoPrivacyRole, value: sensitive}]"
    hidden = contract(f"logicalType: string, examples: [Rossi], {enum}, {role}")
    assert not {row[0] for row in rows(hidden, 100)} & {"Rossi", "Bianchi"}


def test_places_are_in_the_sea() -> None:
    shape = "  - {property: arengoGeometry, value: {x: c0, y: c1}}\n"
    made = rows(contract("logicalType: number", "logicalType: number", more=shape), 40)
    assert all(0 <= x <= 0.1 and 0 <= y <= 0.1 for x, y in made)


@given(
    st.sampled_from(
        (
            "[A-Z]{2}[0-9]{6}",
            r"\d{5}",
            "(foo|bar)-[a-f0-9]+",
            "A?B*C+",
            "[^x-z]{3}",
            r"^IT\d{2}[A-Z]\w{4}$",
            "x.y",
            "[ -~]{1,9}",
        )
    ),
    st.integers(),
)
def test_texts_fit_their_pattern(pattern: str, seed: int) -> None:
    made = like(pattern, random.Random(seed))
    assert made is not None
    assert re.fullmatch(pattern, made)


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "(", "a{5000}", "x" * 501, "(?:" * 30 + "a" + ")" * 30])
def test_patterns_that_are_too_clever_give_a_plain_text(pattern: str) -> None:
    made = like(pattern, random.Random(1))
    assert made is None or re.fullmatch(pattern, made)


def test_what_changed_is_told_without_values_of_persons() -> None:
    first = contract("logicalType: string", "logicalType: integer")
    assert [item.name for item in product.columns(first)] == ["c0", "c1"]
    enum = "enum: [{value: %s}]"
    role = "customProperties: [{property: arengoPrivacyRole, value: sensitive}]"
    old = contract(f"logicalType: string, {enum % 'Rossi'}, {role}").text
    new = contract(f"logicalType: string, {enum % 'Bianchi'}, {role}").text
    told = " ".join(words for words, _ in product._compared(old, new))
    assert "The values of c0 changed." in told
    assert "Rossi" not in told
    assert "Bianchi" not in told
