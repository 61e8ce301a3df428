"""How many rows protection withheld: everybody reads a bound, on every page and face; who answers reads the number."""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from access_town import COOKIE, Town, make_town
from starlette.applications import Starlette

from arengo import faces, portal
from arengo.door import Door
from arengo.governance.role import OPERATOR
from arengo.privacy.left_out import bounded
from arengo.privacy.release import Target
from arengo.state import RunRecord

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: ballots
name: Ballots
version: 1.0.0
status: active
description: {purpose: Who voted.}
schema:
  - name: ballots
    properties:
      - {name: ballot, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true,
         customProperties: [{property: arengoProtect, value: drop}]}
      - {name: district, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: quasi}]}
      - {name: sex, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: quasi}]}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoOwner, value: Education Services}
  - {property: arengoLicence, value: CC-BY-4.0}
  - {property: arengoTheme, value: GOVE}
  - {property: arengoProtection, value: {suppress: {below: 5}}}
  - {property: arengoSource, value: {kind: csv, path: sources/ballots.csv}}
"""
CAME, SMALL = 203, 3


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    root = Path(tmp_path_factory.mktemp("withheld"))
    made = make_town(root, rows=20)
    (root / "contracts" / "ballots.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    rows = [f"{('Porto', 'Centro')[at % 2]},{'FM'[at // 2 % 2]}" for at in range(CAME - SMALL)] + ["Colle,F"] * SMALL
    random.Random(7).shuffle(rows)
    lines = ["ballot,district,sex", *(f"{at},{row}" for at, row in enumerate(rows))]
    (root / "sources" / "ballots.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    made.city.apply()
    made.city.publish(["ballots"])
    held = made.city.desk.latest("ballots")
    assert held is not None
    made.city.desk.approve(held.id, OPERATOR, "They are of no population that has a register here.")
    assert made.city.background.wait(60)
    (run,) = made.city.publisher.runs("ballots", 1)
    assert run.state == "succeeded", run.error
    assert any("3 rows are withheld" in text for text in run.warnings)  # who publishes reads the number
    yield made
    made.city.close()


@pytest.fixture(scope="module")
def visits(town: Town) -> Any:
    city = town.city
    pages = portal.routes(
        city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access, city.desk
    )
    app = Starlette(routes=[*faces.routes(city.door, city.catalogue, city.settings), *pages])

    def of(name: str = "") -> TestClient:
        client = TestClient(app, follow_redirects=False)
        if name:
            client.cookies.set(COOKIE, town.cookies[name])
        return client

    return of


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.text[:400]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_everybody_reads_a_bound_and_who_answers_the_number(visits: Any) -> None:
    said = text(visits().get("/datasets/ballots/quality"))
    assert "Rows or cells withheld at most 5" in said
    assert "200 rows of the source were kept and 0 were set aside" in said
    assert str(CAME) not in said
    whole = text(visits("anna").get("/datasets/ballots/quality"))
    assert f"Rows or cells withheld {SMALL} " in whole
    assert f"{CAME} rows came from the source" in whole


def test_no_face_tells_the_number(visits: Any) -> None:
    told = visits().get("/api/v1/datasets/ballots/quality").json()
    assert told["withheld_at_most"] == 5
    assert not {"withheld", "read"} & set(told)
    assert told["rows"] == told["rows_in"] == CAME - SMALL
    mine = visits("anna").get("/api/v1/datasets/ballots/quality").json()
    assert "withheld" not in mine
    for path in (
        "", "/quality", "/profile", "/versions", "/versions/1", "/contract", "/rows?count=true&limit=1", "/schema",
        "/rows?aggregate=count",
    ):  # fmt: skip
        answer = visits().get(f"/api/v1/datasets/ballots{path}")
        assert not re.search(rf"\b{CAME}\b", re.sub(r'"checksum":"[^"]*"', "", answer.text)), path


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/datasets/ballots/quality", "Rows or cells withheld at most 7"),
        ("/api/v1/datasets/ballots/quality", '"withheld_at_most":7'),
    ],
)
def test_a_bound_that_was_kept_is_told_anew_when_the_group_size_changes(town: Town, path: str, said: str) -> None:
    city = town.city
    access = city.access

    def asked(k: int, known: str = "") -> Any:
        settings = replace(city.settings, privacy=replace(city.settings.privacy, k=k))
        door = Door(settings, city.catalogue, city.lake, access.judge, access.hierarchies)
        pages = portal.routes(door, city.catalogue, settings, city.state, city.lake.quarantine, access, city.desk)
        app = Starlette(routes=[*faces.routes(door, city.catalogue, settings), *pages])
        return TestClient(app).get(path, headers={"if-none-match": known} if known else {})

    known = asked(5).headers["etag"]
    assert asked(5, known).status_code == 304
    after = asked(7, known)
    assert after.headers["etag"] != known
    assert said in (text(after) if path.startswith("/datasets") else after.text)


def test_a_run_tells_no_count_of_before_the_protection(town: Town, visits: Any) -> None:
    (run,) = town.city.publisher.runs("ballots", 1)
    said = text(visits().get(f"/runs/{run.id}"))
    assert str(CAME) not in said
    assert "200" in said
    assert str(CAME) in text(visits("anna").get(f"/runs/{run.id}"))
    assert str(CAME) not in text(visits().get("/runs"))


def test_a_run_that_did_not_come_so_far_tells_nothing(town: Town) -> None:
    from arengo.portal.runs import _bounded

    steps = ({"name": "read", "state": "done", "rows": CAME}, {"name": "protect", "state": "running", "rows": None})
    run = RunRecord(id="r", dataset="ballots", state="running", trigger="manual", rows_in=CAME, rows=CAME, steps=steps)
    told = _bounded(run, True)
    assert (told.rows_in, told.rows) == (None, None)
    assert [step["rows"] for step in told.steps] == [None, None]
    assert _bounded(run, False) == run


@pytest.mark.parametrize(("rows", "most"), [(1, 5), (4, 5), (5, 5), (6, 10), (23, 25), (1_000_001, 1_000_005)])
def test_a_bound_is_the_next_multiple_of_the_group_size(rows: int, most: int) -> None:
    told = bounded({"withheld": rows, "read": 9, "cells": 2, "rows": 4}, Target(k=5))
    assert told == {"withheld_at_most": most, "cells": 2, "rows": 4}


def test_where_nothing_is_withheld_nothing_changes() -> None:
    report = {"withheld": 0, "read": 9, "rows": 9}
    assert bounded(report, Target(k=5)) == report
