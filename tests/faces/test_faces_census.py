"""The census for programs: figures for everybody, weak spots for those who keep it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from store_city import StoreCity, make_store

from arengo import faces
from arengo.faces.callers import CityCallers
from arengo.governance.session import cookie_name
from arengo.services.census import Census, book
from arengo.services.census.record import Application, Exchange, Register

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

HELD = Register(
    {
        "registry": Application("registry", "Registry", "Education Services", technology="Cobol", contact="Ada"),
        "buses": Application("buses", "Buses", "Mobility"),
    },
    {"e": Exchange("e", "registry", "buses", "Pupils", "by-hand", "pupils", "monthly", personal=True)},
)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreCity]:
    root = Path(tmp_path_factory.mktemp("census"))
    made = make_store(root)
    sheet = root / "census.xlsx"
    sheet.write_bytes(book.as_book(HELD))
    census = Census(made.access.state)
    census.take(census.offer(census.read([sheet]), "test"), "test")
    yield made
    made.close()


def test_everybody_reads_the_figures_and_keepers_the_rest(city: StoreCity) -> None:
    with TestClient(city.application) as client:
        answer = client.get("/api/v1/census")
        body = answer.json()
        assert body["figures"]["ways"] == {"by-hand": 1, "by-file": 0, "by-api": 0, "through-platform": 0}
        assert body["figures"]["lines"] == {"today": 1, "published": 2, "all": 2}
        assert body["figures"]["times_a_year_by_hand_or_file"] == 12
        assert body["exchanges"][0]["dataset"] == "pupils"
        assert "Ada" not in answer.text
        assert "Cobol" not in answer.text
        assert client.get("/api/v1/census", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
        assert client.get("/api/v1/census?limit=3").status_code == 400
        client.cookies.set(cookie_name(False), city.cookies["anna"])
        assert "Cobol" in client.get("/api/v1/census").text
        client.cookies.set(cookie_name(False), city.cookies["ugo"])
        assert "Cobol" not in client.get("/api/v1/census").text


def test_a_city_may_keep_it_to_its_own_people(city: StoreCity) -> None:
    settings = replace(city.tiny.settings, census=replace(city.tiny.settings.census, public=False))
    app = faces.application(city.door, city.tiny.catalogue, settings, CityCallers(city.access), None, city.access)
    with TestClient(app) as client:
        assert client.get("/api/v1/census").status_code == 403
        client.cookies.set(cookie_name(False), city.cookies["ugo"])
        assert client.get("/api/v1/census").status_code == 200
