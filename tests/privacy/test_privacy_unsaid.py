"""Columns of rows about persons of which the contract says nothing are named where they divide the groups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from gate_case import Plain, World, plain, quasi, table

from arengo.contract.model import Kind
from arengo.privacy.risk import step

PEOPLE = range(200)
SEX = quasi(Kind.STRING, "sex")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(Path(tmp_path_factory.mktemp("city")), codes=Plain())
    yield made
    made.close()


def asked(world: World, columns: dict[str, Any], rows: list[tuple[Any, ...]], **custom: Any) -> list[tuple[str, ...]]:
    report = step.look(world.case(table("clubs", columns, rows, **custom)))
    return [item.columns for item in report.findings if item.code == "not-looked" and item.outcome == "pass"]


def test_a_day_of_each_person_that_nobody_declared_is_named(world: World) -> None:
    rows = [("fm"[n % 2], date(1950, 1, 1) + timedelta(days=97 * n), f"quarter {n % 4}") for n in PEOPLE]
    columns = {"sex": SEX, "d1": plain(Kind.DATE), "x": plain(Kind.STRING)}
    assert asked(world, columns, rows) == [("d1",)], "the quarters leave nobody in a small group"
    assert asked(world, {**columns, "d1": plain(Kind.DATE, arengoPrivacyRole="sensitive")}, rows) == []
    reason = "It is the day of the lottery they drew"
    assert asked(world, {**columns, "d1": plain(Kind.DATE, arengoPersonalReason=reason)}, rows) == []
    assert asked(world, columns, rows, population="") == [], "of things nothing has to be said"


def test_columns_that_divide_only_together_are_named_together(world: World) -> None:
    rows = [("fm"[n % 2], f"quarter {n % 5}", n // 10) for n in PEOPLE]
    columns = {"sex": SEX, "x1": plain(Kind.STRING), "x2": plain(Kind.INTEGER)}
    assert asked(world, columns, rows) == [("x1", "x2")]


def test_sentences_are_no_groups(world: World) -> None:
    rows = [("fm"[n % 2], f"the bench number {n} is broken again") for n in PEOPLE]
    assert asked(world, {"sex": SEX, "note": plain(Kind.STRING)}, rows) == []
