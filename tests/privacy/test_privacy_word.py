"""What the contract says of persons against what the released rows show: a word does not silence the gate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from gate_case import Kind, Plain, World, plain, quasi, sensitive, table
from stdnum.it import codicefiscale

from arengo.contract.lint import lint
from arengo.privacy.cells import differencing
from arengo.privacy.cells import step as cells
from arengo.privacy.detect import step as detect
from arengo.privacy.release import ROWS


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def codes(report: Any) -> dict[str, str]:
    return {item.code: item.outcome for item in report.findings}


PEOPLE = [(n, 20 + n % 70, "MF"[n % 2], f"d{n % 9}", 10 + n % 5) for n in range(100)]
COLUMNS = {
    "id": plain(Kind.INTEGER), "age": quasi(Kind.INTEGER, "age"), "sex": quasi(Kind.STRING, "sex"),
    "disease": sensitive(Kind.STRING, "disease"), "n": plain(Kind.INTEGER),
}  # fmt: skip


@pytest.mark.parametrize("protection", [{}, {"arengoProtection": {"cells": {"method": "round", "base": 1}}}])
def test_rows_about_persons_are_no_table_of_counts(world: World, protection: dict[str, Any]) -> None:
    told = {"arengoCells": {"count": "n", "by": ["id"]}, **protection}
    data = table("people", COLUMNS, PEOPLE, people=(), **told)
    case = world.case(data)
    assert case.release.form == ROWS
    assert codes(cells.look(case))["not-looked"] == "review"


def test_a_number_of_the_row_is_no_group(world: World) -> None:
    told = {"count": "n", "by": ["id", "age", "sex", "disease"]}
    report = cells.look(world.case(table("people", COLUMNS, PEOPLE, people=(), arengoCells=told)))
    assert codes(report)["not-looked"] == "review"


def test_nested_districts_are_groups(world: World) -> None:
    columns = {"district": quasi(Kind.STRING), "section": quasi(Kind.STRING), "people": plain(Kind.INTEGER)}
    rows = [(f"d{n // 4}", f"s{n}", 900 + n) for n in range(40)]
    told = {"count": "people", "by": ["district", "section"]}
    assert codes(cells.look(world.case(table("t", columns, rows, people=(), arengoCells=told)))) == {
        "cells-judged": "pass"
    }


def test_cells_of_columns_nobody_has_are_said(world: World) -> None:
    told = {"count": "nope", "by": ["nada"]}
    case = world.case(table("people", COLUMNS, PEOPLE, people=(), arengoCells=told))
    assert codes(cells.look(case))["not-looked"] == "review"
    assert not differencing.look(case).findings
    text = (
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: T\nversion: 1.0.0\nstatus: active\n"
        "schema: [{name: t, properties: [{name: sex, logicalType: string}, {name: n, logicalType: integer}]}]\n"
        "customProperties: [{property: arengoCells, value: {count: nope, by: [nada]}}]\n"
    )
    errors = [item for item in lint(text) if item.code == "unknown-column"]
    assert ["'nada'" in item.message or "'nope'" in item.message for item in errors] == [True, True]


def fiscal(n: int) -> str:
    head = "RSS" + "BCDFGLMNPR"[n % 10] + "NN" + f"{40 + n % 50}" + "ABCDEHLM"[n % 8] + f"{1 + n % 27:02d}" + "H501"
    return head + codicefiscale.calc_check_digit(head)


@pytest.mark.parametrize(
    "word",
    [
        {"arengoPersonalKind": "nationality"},
        {"arengoProtect": [{"truncate": 900}]},
        {"arengoPersonalReason": " "},
        {"arengoPersonalReason": "x"},
        {"arengoPrivacyRole": "sensitive"},
    ],
)
def test_a_word_does_not_silence_what_the_values_prove(world: World, word: dict[str, Any]) -> None:
    columns = {"n": plain(Kind.INTEGER), "x": plain(Kind.STRING, **word)}
    rows = [(n, fiscal(n)) for n in range(80)]
    assert codes(detect.look(world.case(table("t", columns, rows, (), ""))))["undeclared-person"] == "review"


def test_a_step_that_leaves_the_identifier_does_not_protect_it(world: World) -> None:
    rows = [(n, fiscal(n)) for n in range(80)]
    for steps, code in (([{"truncate": 900}], "identifier-open"), (["pseudonym"], "identifier-protected")):
        told = plain(Kind.STRING, arengoPrivacyRole="identifier", arengoProtect=steps)
        columns = {"n": plain(Kind.INTEGER), "x": told}
        assert code in codes(detect.look(world.case(table("t", columns, rows, (), ""))))


def test_hints_beside_declared_persons_are_asked_about(world: World) -> None:
    columns = {**COLUMNS, "age": plain(Kind.INTEGER), "disease": plain(Kind.STRING)}
    report = detect.look(world.case(table("people", columns, PEOPLE, people=())))
    asked = {item.columns[0] for item in report.findings if item.code == "undeclared-person"}
    assert "age" in asked


def test_several_hints_that_single_out_are_asked_about(world: World) -> None:
    columns = {"birth_date": plain(Kind.DATE), "sex": plain(Kind.STRING), "score": plain(Kind.INTEGER)}
    rows = [(date(1940 + n % 50, 1 + n % 9, 10 + n % 9), "MF"[n % 2], n) for n in range(80)]
    report = detect.look(world.case(table("t", columns, rows, (), "")))
    assert codes(report)["undeclared-person"] == "review"
    alone = detect.look(world.case(table("t", {"sex": columns["sex"]}, [("M",), ("F",)] * 40, (), "")))
    assert set(codes(alone).values()) == {"pass"}
