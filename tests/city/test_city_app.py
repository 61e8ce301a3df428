"""The composed application, asked in process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

import arengo
from arengo.app import create


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
        ((path, findings),) = city.lint().items()
    assert path.name == "odd.odcs.yaml"
    assert findings[0].code == "encoding"
