"""The API store's pages: finding, made-up rows, applications, keys shown once, and who must not see them."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faces"))

from store_city import StoreCity, make_store, pupil

from arengo import faces, portal
from arengo.faces.callers import CityCallers, CityWatch
from arengo.governance.session import cookie_name

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

KEY = re.compile(r"arengo_[ks]1_[0-9A-Za-z]{48}")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreCity]:
    made = make_store(Path(tmp_path_factory.mktemp("shop")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def web(city: StoreCity) -> Iterator[TestClient]:
    """Faces and portal as the server composes them."""
    tiny, access = city.tiny, city.access
    callers, watch = CityCallers(access), CityWatch(access, city.door)
    api = faces.routes(city.door, tiny.catalogue, tiny.settings, callers, access)
    pages = portal.routes(city.door, tiny.catalogue, tiny.settings, tiny.state, tiny.lake.quarantine, access)
    inner = Starlette(routes=[*api, *pages], exception_handlers=faces.handlers(portal.error_page(tiny.settings)))
    app = faces.wrap(inner, city.door, tiny.catalogue, tiny.settings, watch)
    with TestClient(app, follow_redirects=False) as made:
        yield made


def signed_in(city: StoreCity, name: str) -> dict[str, str]:
    return {"cookie": f"{cookie_name(False)}={city.cookies[name]}"}


def post(web: TestClient, city: StoreCity, name: str, at: str, **form: Any) -> Any:
    token = city.access.sessions.token(city.cookies[name])
    return web.post(at, headers=signed_in(city, name), data={"csrf": token, **form})


@pytest.fixture
def program(web: TestClient, city: StoreCity) -> str:
    made = post(web, city, "bruno", "/applications", title="Bus planner", organisation="mobility", words="Plans.")
    assert made.status_code == 303
    return str(made.headers["location"])


def test_the_store_lists_every_product(web: TestClient, city: StoreCity) -> None:
    page = web.get("/store").text
    for words in ("Pupils enrolled", "Street trees", "Families", "no key needed", "up to 40 calls a day"):
        assert words in page
    assert "Street trees" not in web.get("/store?access=shared").text
    assert "Nothing fits" in web.get("/store?q=submarines").text
    assert "<script>" not in web.get("/store?q=<script>").text
    assert web.get("/store?from=99&access=nothing").status_code == 200


def test_a_shared_dataset_shows_made_up_rows_and_the_way_to_a_key(web: TestClient, city: StoreCity) -> None:
    page = web.get("/datasets/pupils/api").text
    for words in ("Made-up rows", "Ask for access", "data-key-console", "ARENGO_KEY", "Plan and terms", "50"):
        assert words in page
    for row in map(pupil, range(1, 31)):
        for value in (row[0], row[1], row[2], row[5]):
            assert str(value) not in page
    assert "/datasets/pupils/access" in page
    assert web.get("/datasets/families/api").status_code == 403
    assert "income" not in web.get("/datasets/families/api").text
    opened = web.get("/datasets/trees/api").text
    assert "ARENGO_KEY" not in opened
    assert "data-console" in opened
    assert web.get("/datasets/nothing/api").status_code == 404


def test_an_application_is_registered_and_gets_a_key_that_works(web: TestClient, city: StoreCity, program: str) -> None:
    bruno = signed_in(city, "bruno")
    assert "Bus planner" in web.get("/applications", headers=bruno).text
    agreement = city.agreed(program.rpartition("/")[2])
    page = web.get(program, headers=bruno)
    assert agreement.id in page.text
    assert "30 of 30 calls left today" in page.text
    made = post(web, city, "bruno", program, act="key", title="Map server", agreement=agreement.id, days="30")
    key = KEY.search(made.text)
    assert key is not None
    assert made.headers["cache-control"] == "no-store"
    assert KEY.search(web.get(program, headers=bruno).text) is None  # once
    rows = web.get("/api/v1/datasets/pupils/rows?limit=2", headers={"authorization": f"Bearer {key[0]}"})
    assert rows.status_code == 200
    assert set(rows.json()["items"][0]) == {"school", "grade"}
    city.access.store.consumption.flush()
    assert "1 call" in web.get(program, headers=bruno).text
    told = web.get("/datasets/pupils/api", headers=bruno).text
    assert "Your application may read it" in told
    assert 'value="school,grade"' in told
    assert "Bus planner may read it" in web.get("/store?access=shared", headers=bruno).text
    held = city.access.applications.keys(program.rpartition("/")[2], city.caller("bruno"))[0]
    turned = post(web, city, "bruno", program, act="rotate", key=held.id)
    assert KEY.search(turned.text)
    again = post(web, city, "bruno", program, act="rotate", key=held.id)
    assert "cannot be turned" in again.text
    assert post(web, city, "bruno", program, act="revoke", key=held.id).status_code == 303
    assert web.get("/api/v1/datasets/pupils/rows", headers={"x-api-key": key[0]}).status_code == 401
    city.access.agreements.revoke(agreement.id, by=city.caller("bruno"), why="The test is over.")


def test_secrets_public_keys_blocks_and_other_owners(web: TestClient, city: StoreCity, program: str) -> None:
    from joserfc.jwk import ECKey

    bruno, key = signed_in(city, "bruno"), ECKey.generate_key("P-256")
    assert KEY.search(post(web, city, "bruno", program, act="secret", days="30").text)
    private = post(web, city, "bruno", program, act="jwk", jwk=key.as_pem(private=True).decode())
    assert "private or shared key" in private.text
    assert post(web, city, "bruno", program, act="jwk", jwk="nonsense").status_code == 400
    assert post(web, city, "bruno", program, act="jwk", jwk=key.as_pem(private=False).decode()).status_code == 303
    changed = post(
        web, city, "bruno", program, act="describe", title="<b>Atlas</b>", words="", contacts="x@tiny.example"
    )
    assert changed.status_code == 303
    assert "&lt;b&gt;Atlas" in web.get(program, headers=bruno).text
    assert post(web, city, "bruno", program, act="block", why="Lost.").status_code == 303
    assert "Lost." in web.get(program, headers=bruno).text
    assert post(web, city, "bruno", program, act="unblock").status_code == 303
    assert post(web, city, "bruno", program, act="nonsense").status_code == 400
    assert "Nobody with that" in post(web, city, "bruno", program, act="transfer", mail="x@y.example", why="Left").text
    assert "not one of" in post(web, city, "bruno", program, act="transfer", mail="ugo@tiny.example", why="Left").text
    assert post(web, city, "bruno", program, act="transfer", mail="mia@tiny.example", why="Left").status_code == 303
    assert web.get(program, headers=bruno).status_code == 404
    assert web.get(program, headers=signed_in(city, "mia")).status_code == 200


def test_strangers_and_other_sites_get_nowhere(web: TestClient, city: StoreCity, program: str) -> None:
    for at in ("/applications", program):
        answer = web.get(at)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=")
    for name in ("ugo", "anna"):
        assert web.get(program, headers=signed_in(city, name)).status_code == 404
        for act in ("key", "secret", "block", "describe"):
            assert post(web, city, name, program, act=act, title="Mine").status_code == 404
    bare = web.post(program, headers=signed_in(city, "bruno"), data={"act": "key"})
    assert bare.status_code == 403  # without the session's mark
    token = city.access.sessions.token(city.cookies["bruno"])
    foreign = signed_in(city, "bruno") | {"sec-fetch-site": "cross-site"}
    assert web.post(program, headers=foreign, data={"act": "key", "csrf": token}).status_code == 403
    wrong = post(web, city, "bruno", "/applications", title="", organisation="tourism")
    assert wrong.status_code == 400
    denied = post(web, city, "bruno", "/applications", title="Atlas", organisation="tourism")
    assert denied.status_code == 403
    assert post(web, city, "bruno", "/applications", title="Atlas", contacts="no mail").status_code == 400
