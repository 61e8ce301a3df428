"""The whole story over the composed application: ask, decide, read, suspend, and the record of it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "portal"))

from access_town import GRANTED as COLUMNS
from access_town import Town, granted, make_town

from arengo import faces, portal
from arengo.faces.callers import CityCallers, CityWatch

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

WRONG = "arengo_k1_aaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = make_town(tmp_path_factory.mktemp("town"))
    yield made
    made.city.close()


@pytest.fixture(scope="module")
def client(town: Town) -> Iterator[TestClient]:
    from starlette.applications import Starlette

    city = town.city
    api = faces.routes(city.door, city.catalogue, city.settings, CityCallers(city.access), city.access)
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access)
    handlers = faces.handlers(portal.error_page(city.settings))
    inner = Starlette(routes=[*api, *pages], exception_handlers=handlers)
    watch = CityWatch(city.access, city.door)
    with TestClient(faces.wrap(inner, city.door, city.catalogue, city.settings, watch)) as made:
        yield made


@pytest.fixture(scope="module")
def key(town: Town) -> tuple[str, str]:
    """(key, agreement) of an application of another office, granted by both approvers."""
    return granted(town)


def get(client: TestClient, path: str, key: str = "") -> Any:
    return client.get(path, headers={"x-api-key": key} if key else {})


def test_nobody_else_reads_and_is_told_where_to_ask(client: TestClient) -> None:
    for path in ("rows", "export.csv", "profile", "versions"):
        answer = get(client, f"/api/v1/datasets/pupils/{path}")
        assert answer.status_code == 403, path
        assert "/datasets/pupils/access" in answer.json()["todo"]
    assert get(client, "/api/v1/datasets/pupils/rows", WRONG).status_code == 401


def test_every_face_gives_what_was_granted_and_nothing_else(client: TestClient, key: tuple[str, str]) -> None:
    answer = get(client, "/api/v1/datasets/pupils/rows?limit=5", key[0])
    assert answer.status_code == 200, answer.text
    rows = answer.json()["items"]
    assert [tuple(row) for row in rows] == [COLUMNS] * 5
    assert all(len(row["pupil"]) == 32 for row in rows)
    assert answer.headers["cache-control"] == "private, no-store"
    assert "small" in answer.headers["ratelimit-policy"] or "daily" in answer.headers["ratelimit-policy"]
    for path in (
        "/api/v1/datasets/pupils/export.csv",
        "/api/v1/sql?q=SELECT%20*%20FROM%20pupils",
        "/api/3/action/datastore_search?resource_id=pupils",
        "/datastore/dump/pupils",
    ):
        text = get(client, path, key[0])
        assert text.status_code in (200, 429), path
        if text.status_code == 429:  # two a second
            assert int(text.headers["retry-after"]) >= 1
            continue
        assert "P00001" not in text.text, path
        assert "Rossi" not in text.text, path


def test_what_was_read_is_on_record_and_the_record_holds(town: Town, key: tuple[str, str], client: TestClient) -> None:
    import time

    time.sleep(0.6)
    before = town.city.ledger.size
    answer = get(client, "/api/v1/datasets/pupils/rows?limit=3", key[0])
    assert answer.status_code == 200, answer.text
    assert town.city.ledger.size == before + 1
    entry = town.city.ledger.entry(before, whole=True)
    assert entry.kind == "read"
    assert "P0000" not in str(entry)
    assert key[0] not in str(entry)
    kinds = {item.kind for item in town.city.ledger.entries(limit=200)}
    assert {"agreement", "read"} <= kinds


@pytest.mark.parametrize("path", ["rows", "export.csv", "export.ndjson", "export.arrow", "export.parquet"])
def test_nothing_is_answered_that_cannot_be_recorded(
    town: Town, key: tuple[str, str], client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    import time

    from arengo.errors import LedgerBroken
    from arengo.ledger.writer import Writer

    def refuse(*_: object) -> int:
        raise LedgerBroken("It was set back.")

    time.sleep(0.6)
    monkeypatch.setattr(Writer, "_commit", refuse)
    answer = get(client, f"/api/v1/datasets/pupils/{path}", key[0])
    assert answer.status_code == 500, answer.text[:200]
    assert answer.json()["type"].endswith("ledger-broken")


def test_a_suspension_is_felt_at_the_next_request(town: Town, client: TestClient, key: tuple[str, str]) -> None:
    import time

    anna = town.caller("anna")
    time.sleep(0.6)
    assert get(client, "/api/v1/datasets/pupils/rows?limit=1", key[0]).status_code == 200
    town.city.access.agreements.suspend(key[1], by=anna, why="The office moves house.")
    answer = get(client, "/api/v1/datasets/pupils/rows?limit=1", key[0])
    assert answer.status_code == 403
    assert "suspended" in answer.text
    town.city.access.agreements.resume(key[1], by=anna)
    time.sleep(0.6)
    assert get(client, "/api/v1/datasets/pupils/rows?limit=1", key[0]).status_code == 200


def test_a_steward_reads_her_own_data_in_the_browser_and_that_is_on_record(town: Town, client: TestClient) -> None:
    before = town.city.ledger.size
    client.cookies.set("arengo_session", town.cookies["anna"])
    page = client.get("/datasets/pupils/table")
    client.cookies.clear()
    assert page.status_code == 200
    assert "P00001" in page.text
    assert page.headers["cache-control"] == "private, no-store"
    assert town.city.ledger.size > before
    assert client.get("/datasets/pupils/table").status_code == 403


def test_nobody_of_another_office_reads_it_in_a_browser(town: Town, client: TestClient) -> None:
    for name in ("ugo", "carla", "paolo"):
        client.cookies.set("arengo_session", town.cookies[name])
        answer = client.get("/datasets/pupils/table")
        client.cookies.clear()
        assert answer.status_code == 403, name
        assert "P00001" not in answer.text


def test_the_page_says_why_less_is_shown_and_that_it_is_on_record(town: Town, client: TestClient) -> None:
    client.cookies.set("arengo_session", town.cookies["anna"])
    page = client.get("/datasets/pupils")
    client.cookies.clear()
    assert "You see all of it; not everybody does." in page.text
    assert "steward of Education Services" in page.text
    assert "on record" in page.text
