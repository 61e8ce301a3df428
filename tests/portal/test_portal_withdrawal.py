"""Versions that show people are taken from readers on the dataset's privacy page."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from access_town import COOKIE, fields
from privacy_town import Told, make, verdict
from starlette.applications import Starlette
from test_portal_pages import Page

from arengo import portal
from arengo.contract.model import Frozen
from arengo.privacy.finding import Finding
from arengo.privacy.verdicts import PUBLISHED
from arengo.services.retention import Disposals

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

ROOMS = "/datasets/rooms/privacy"
REASON = "It named the teacher of each classroom."


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """``rooms`` have three versions."""
    made = make(Path(tmp_path_factory.mktemp("withdrawal")))
    city = made.town.city
    source = city.settings.root / "sources" / "rooms.csv"
    for room in ("B2", "B3"):
        source.write_text(source.read_text() + f"{room},Colle,20\n")
        (run,) = city.publish(["rooms"])
        assert run.state == "succeeded", run.error
    assert [item.number for item in city.lake.retained("rooms")] == [3, 2, 1]
    yield made
    city.close()


@pytest.fixture(scope="module")
def visits(told: Told) -> Any:
    city = told.town.city
    pages = portal.routes(
        city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access, city.desk
    )  # fmt: skip
    app = Starlette(routes=pages)

    def of(name: str) -> TestClient:
        browser = TestClient(app, raise_server_exceptions=True, follow_redirects=False)
        browser.cookies.set(COOKIE, told.town.cookies[name])
        return browser

    return of


def found(told: Told, *releases: str) -> None:
    """The newest verdict names these versions."""
    names = Finding("public-names", "review", columns=("room",), releases=releases)
    groups = Finding("public-small-groups", "review", Frozen(k=5, rows=9), ("room",), releases[:1], people=3)
    made = verdict(told.town, "rooms", names, groups, at=datetime.now(UTC), run=f"r{'-'.join(releases)}")
    told.desk.verdicts.keep(made, PUBLISHED, 3)


def test_a_version_that_shows_people_is_withdrawn_with_a_reason(visits: Any, told: Told) -> None:
    city = told.town.city
    found(told, "rooms v3", "rooms v2", "rooms v1", "ballots v1")
    text = unescape(visits("anna").get(ROOMS).text)
    Page(text)
    assert "Version 3 is the newest, so it cannot be withdrawn yet." in text
    assert "Withdraw version 2" in text
    assert "Withdraw version 1" in text
    assert "Withdraw version 3" not in text
    action = f"{ROOMS}/withdraw"
    given = fields(text, action) | {"version": "1"}
    short = visits("anna").post(action, data=given | {"why": "names"})
    assert short.status_code == 400
    assert "The reason is too short" in short.text
    assert ">names<" in short.text
    for number in ("3", "9", "x", ""):  # the newest, and what is not offered
        late = visits("anna").post(action, data=given | {"version": number, "why": REASON})
        assert late.status_code == 409, number
    assert [item.number for item in city.lake.retained("rooms")] == [3, 2, 1]
    answer = visits("anna").post(action, data=given | {"why": REASON})
    assert answer.status_code == 303
    assert [item.number for item in city.lake.retained("rooms")] == [3, 2]
    entry = city.ledger.entry(city.ledger.size - 1, whole=True)
    facts = dict(entry.body["facts"])
    assert facts.pop("request")  # so that a decision told again after a kill stands there once
    assert facts == {"act": "gate withdraw", "versions": [1], "reason": REASON}
    after = unescape(visits("anna").get(answer.headers["location"]).text)
    assert "The version is withdrawn." in after
    assert "Withdraw version 1" not in after
    assert "Withdraw version 2" in after


def test_only_who_decides_is_offered_it(visits: Any, told: Told) -> None:
    found(told, "rooms v2")
    assert "Withdraw version 2" in visits("dora").get(ROOMS).text
    action = f"{ROOMS}/withdraw"
    given = fields(visits("dora").get(ROOMS).text, action) | {"version": "2", "why": REASON}
    for name in ("carla", "ugo"):
        assert visits(name).get(ROOMS).status_code == 403
        assert visits(name).post(action, data=given).status_code == 403
    assert 2 in [item.number for item in told.town.city.lake.retained("rooms")]


def test_a_legal_hold_keeps_what_would_be_withdrawn(visits: Any, told: Told) -> None:
    city = told.town.city
    found(told, "rooms v2")
    retention = Disposals(city.state)
    hold = retention.hold("rooms", reason="Case 12 of 2026", by="anna")
    action = f"{ROOMS}/withdraw"
    given = fields(visits("anna").get(ROOMS).text, action) | {"version": "2", "why": REASON}
    answer = visits("anna").post(action, data=given)
    assert answer.status_code == 409
    assert "A legal hold keeps every version of rooms: Case 12 of 2026" in answer.text
    assert 2 in [item.number for item in city.lake.retained("rooms")]
    retention.lift(hold.id, by="anna", why="The case is closed.")
    assert visits("anna").post(action, data=given).status_code == 303
    assert [item.number for item in city.lake.retained("rooms")] == [3]


def test_a_verdict_that_names_nothing_public_offers_nothing(visits: Any, told: Told) -> None:
    found(told, "rooms v2", "rooms v1")  # both are gone
    assert "Public versions that show people" not in visits("anna").get(ROOMS).text
