"""The composed application, asked in process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

import arengo
from arengo.app import create
from arengo.contract.write import set_property


class Client:
    """Asks the application without a network."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def get(self, address: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                return await client.get(address, **options)

        return asyncio.run(ask())


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    arengo.init(tmp_path, name="Borgo").close()
    (tmp_path / "contracts" / "odd.odcs.yaml").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("ARENGO_CITY", str(tmp_path))
    monkeypatch.setattr("arengo.caretaker.watch", lambda city: None)
    return Client(create())


def test_an_empty_city_answers(client: Client) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/api/v1/datasets").json()["items"] == []
    assert "Borgo" in client.get("/").text
    assert client.get("/datasets/none").status_code == 404
    assert client.get("/api/v1/datasets/none").headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    ("path", "place"),
    [("/datasets/?q=a", "/datasets?q=a"), ("//evil.example/", "/evil.example"), ("/a%20b/", "/a%20b")],
)
def test_a_last_slash_is_taken_off_without_naming_a_host(client: Client, path: str, place: str) -> None:
    found = client.get(f"http://testserver{path}", headers={"host": "evil.example"})
    assert (found.status_code, found.headers["location"]) == (308, place)


def test_a_contract_that_is_no_text_is_a_finding(tmp_path: Path, client: Client) -> None:
    with arengo.open(tmp_path) as city:
        ((path, findings),) = city.folder.lint().items()
    assert path.name == "odd.odcs.yaml"
    assert findings[0].code == "encoding"


PAGES = (
    "",
    "/table",
    "/charts",
    "/map",
    "/columns",
    "/quality",
    "/versions",
    "/downloads",
    "/api",
    "/compare",
    "/rows/1",
)


def test_a_dataset_without_a_version_and_a_closed_one_have_no_broken_page(tmp_path: Path, client: Client) -> None:
    rows = "".join(f"{number},row {number}\n" for number in range(1, 198))
    (tmp_path / "sources" / "t.csv").write_text(f"id,name\n{rows}", encoding="utf-8")
    with arengo.open(tmp_path) as city:
        (drafted,) = city.draft(str(tmp_path / "sources" / "t.csv"), id="planned")
        (tmp_path / "contracts" / "planned.odcs.yaml").write_text(drafted.text, encoding="utf-8")
        closed = set_property(drafted.text.replace("id: planned", "id: secret"), "arengoAccess", "closed")
        (tmp_path / "contracts" / "secret.odcs.yaml").write_text(closed, encoding="utf-8")
        city.apply("planned")
        (run,) = city.publish("secret")
        assert (run.state, run.rows) == ("succeeded", 197)
    for page in PAGES:
        assert client.get(f"/datasets/planned{page}").status_code in (200, 400, 404, 406), page
        assert client.get(f"/datasets/secret{page}").status_code == 403, page
    for page in ("/", "/datasets", "/runs", f"/runs/{run.id}", "/api/v1/datasets", "/datasets/secret"):
        assert "197" not in client.get(page).text, page
