"""Agreements over HTTP: asking, deciding, suspending; and every id of somebody else's."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from store_city import ANSWERS, StoreCity, make_store

from arengo.faces.agreement_forms import ACTIONS
from arengo.faces.agreements import _ACTIONS
from arengo.governance.role import OPERATOR
from arengo.governance.session import cookie_name

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

AT = "/api/v1/agreements"
PURPOSE = {
    "title": "School buses", "text": "Lines and stops of the school buses are planned with where pupils go.",
    "dpv": "dpv:ImproveTransportMobility", "legal_basis": "eu-gdpr:A6-1-e", "retention": "P1Y", "personal": True,
    "answers": ANSWERS,
}  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreCity]:
    made = make_store(Path(tmp_path_factory.mktemp("agreed")))
    for name, organisation, role in (("ida", "education-services", "steward"), ("eva", "education-services", "reader")):
        person = made.access.parties.add_person(
            name.title(), f"{name}@tiny.example", organisation, by=OPERATOR, state="active"
        )
        made.access.parties.give(person.id, organisation, role, by=OPERATOR)
        made.ids[name], made.cookies[name] = person.id, made.access.sessions.open(person.id, 1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def web(city: StoreCity) -> Iterator[TestClient]:
    with TestClient(city.application, base_url="http://testserver") as made:
        yield made


def as_(city: StoreCity, name: str) -> dict[str, str]:
    return {"cookie": f"{cookie_name(False)}={city.cookies[name]}"} if name else {}


def wanted(**more: Any) -> dict[str, Any]:
    end = (datetime.now(UTC) + timedelta(days=90)).isoformat()
    return {
        "dataset": "pupils", "purpose": PURPOSE, "columns": ["pupil", "school", "grade"], "volume": 20,
        "masks": [{"column": "pupil", "kind": "pseudonym"}], "valid_to": end, "send": True,
    } | more  # fmt: skip


def ask(web: TestClient, city: StoreCity, **more: Any) -> dict[str, Any]:
    made = web.post(AT, headers=as_(city, "bruno"), json=wanted(**more))
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def test_a_request_is_sent_narrowed_and_read_back(web: TestClient, city: StoreCity) -> None:
    made = ask(web, city)
    assert (made["state"], made["granted"], made["decides"]) == ("pending", None, [])
    at = f"{AT}/{made['id']}"
    assert web.get(at, headers=as_(city, "bruno")).json() == made
    inbox = web.get(f"{AT}?side=inbox", headers=as_(city, "anna")).json()["items"]
    assert [(one["id"], one["decides"]) for one in inbox] == [(made["id"], [""])]
    assert web.get(f"{AT}?side=inbox", headers=as_(city, "bruno")).json()["items"] == []
    done = web.post(
        f"{at}/approve", headers=as_(city, "anna"),
        json={"columns": ["pupil", "school"], "rows": "grade > 1", "why": "Less is enough.", "revision": 1},
    )  # fmt: skip
    assert done.status_code == 200, done.text
    body = done.json()
    assert body["state"] == "active"
    assert body["granted"]["columns"] == ["pupil", "school"]
    assert body["asked"] == made["asked"]
    assert [one["what"] for one in body["differences"]] == ["columns", "rows"]
    steps = web.get(f"{at}/history", headers=as_(city, "bruno")).json()["items"]
    assert [one["action"] for one in steps] == ["draft", "submit", "approve"]
    assert steps[-1]["actor"] == city.ids["anna"]
    for headers in (as_(city, "bruno"), as_(city, "anna")):
        assert web.get(f"/api/v1/purposes/{made['purpose']}", headers=headers).json()["title"] == "School buses"
    policy = web.get(f"{at}/odrl", headers=as_(city, "bruno"))
    assert policy.headers["content-type"].startswith("application/ld+json")
    assert policy.headers["cache-control"] == "private, no-store"
    assert policy.json()["assignee"].endswith("/organisations/mobility")
    gone = web.post(f"{at}/revoke", headers=as_(city, "bruno"), json={"why": "The test is over."})
    assert gone.json()["state"] == "revoked"


def test_suspended_by_one_click_and_lifted(web: TestClient, city: StoreCity) -> None:
    at = f"{AT}/{ask(web, city)['id']}"
    assert web.post(f"{at}/approve", headers=as_(city, "ida"), json={}).json()["state"] == "active"
    assert web.post(f"{at}/suspend", headers=as_(city, "anna"), json={}).status_code == 400  # a reason
    stopped = web.post(f"{at}/suspend", headers=as_(city, "anna"), json={"why": "Please call me."}).json()
    assert (stopped["state"], stopped["suspended_by"]) == ("suspended", ["owner"])
    assert web.post(f"{at}/resume", headers=as_(city, "bruno"), json={}).status_code == 403
    assert web.post(f"{at}/resume", headers=as_(city, "anna"), json={}).json()["state"] == "active"
    again = web.post(f"{at}/approve", headers=as_(city, "anna"), json={})
    assert (again.status_code, again.json()["type"]) == (409, "urn:arengo:error:conflict")
    web.post(f"{at}/revoke", headers=as_(city, "bruno"), json={"why": "The test is over."})


@pytest.mark.parametrize("name", ["ugo", "eva", ""])
def test_ids_of_others_are_not_there(web: TestClient, city: StoreCity, name: str) -> None:
    """Another organisation, a colleague of the owner without a part in it, anybody: as if nobody had made it."""
    made = ask(web, city)
    headers = as_(city, name)
    refused = 404 if name else 401
    mine, none = f"{AT}/{made['id']}", f"{AT}/a-222222222222"
    bodies = set()
    for at in (mine, none):
        for path in (at, f"{at}/history", f"{at}/odrl"):
            found = web.get(path, headers=headers)
            assert found.status_code == refused, path
            bodies.add(found.text)
        for action in ("approve", "reject", "suspend", "resume", "revoke", "renew", "edit", "submit", "withdraw",
                       "return", "discard", "change", "upgrade", "nonsense"):  # fmt: skip
            found = web.post(f"{at}/{action}", headers=headers, json={})
            assert found.status_code == refused, action
            bodies.add(found.text)
    assert len(bodies) == 1
    purpose = web.get(f"/api/v1/purposes/{made['purpose']}", headers=headers)
    assert purpose.status_code == refused
    if name:
        assert made["id"] not in web.get(AT, headers=headers).text
        done = web.post(f"{AT}/decisions", headers=headers, json={"agreements": [made["id"]], "action": "approve"})
        assert done.json()["items"][0]["error"]["code"] == "not-found"
    assert web.post(f"{AT}/{made['id']}/withdraw", headers=as_(city, "bruno"), json={}).status_code == 200


def test_nobody_acts_for_another_organisation(web: TestClient, city: StoreCity) -> None:
    ugo, purpose = as_(city, "ugo"), ask(web, city)["purpose"]
    assert web.post(AT, headers=ugo, json=wanted(organisation="mobility")).status_code == 403
    assert web.post(AT, headers=ugo, json=wanted(purpose=purpose)).status_code == 404
    assert web.put(f"/api/v1/purposes/{purpose}", headers=ugo, json=PURPOSE).status_code == 404
    app = city.access.applications.create("Bus planner", city.caller("bruno"), organisation="mobility")
    assert web.post(AT, headers=ugo, json=wanted(application=app.id)).status_code == 403
    assert (
        web.put("/api/v1/products/pupils/offer", headers=ugo, json={"state": "suspended", "why": "x"}).status_code
        == 403
    )
    assert web.get("/api/v1/purposes?organisation=mobility", headers=ugo).json() == {"items": []}
    key, text = city.access.applications.issue(app.id, city.caller("bruno"))
    assert key.application == app.id
    program = {"authorization": f"Bearer {text}"}
    assert web.post(AT, headers=program, json=wanted()).status_code == 403
    assert web.get(AT, headers=program).json() == {"items": []}


@pytest.mark.parametrize(
    "change",
    [
        {"columns": "pupil"},
        {"columns": ["pupil", 3]},
        {"columns": ["password"]},
        {"volume": "many"},
        {"volume": True},
        {"volume": 10**30},
        {"valid_to": "soon"},
        {"valid_to": "2999-01-01"},
        {"masks": {"pupil": "hide"}},
        {"masks": [{"column": "pupil", "kind": "hide", "sql": "x"}]},
        {"rows": "grade >"},
        {"rows": "secret = 1"},
        {"purpose": 7},
        {"purpose": {"title": "x", "constructor": "y"}},
        {"plan": "enterprise"},
        {"state": "active"},
        {"approvals": [{"who": "me"}]},
        {"dataset": ["pupils"]},
    ],
)
def test_bodies_that_cannot_be_read(web: TestClient, city: StoreCity, change: dict[str, Any]) -> None:
    made = web.post(AT, headers=as_(city, "bruno"), json=wanted(**change))
    assert made.status_code == 400, made.text
    assert made.headers["content-type"] == "application/problem+json"


def test_lists_go_page_by_page(web: TestClient, city: StoreCity) -> None:
    made = [ask(web, city, send=False)["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    for _ in range(20):
        page = web.get(f"{AT}?state=draft&limit=2&cursor={cursor}", headers=as_(city, "bruno")).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page.get("next", "")
        if not cursor:
            break
    assert set(made) <= set(seen)
    assert len(seen) == len(set(seen))
    for bad in ("side=mine", "state=fine", "limit=0", "limit=100000", "sort=id", "cursor=a-nobody"):
        assert web.get(f"{AT}?{bad}", headers=as_(city, "bruno")).status_code in (400, 404), bad
    assert not set(made) & {one["id"] for one in web.get(AT, headers=as_(city, "anna")).json()["items"]}


def test_a_page_of_another_site_decides_nothing(web: TestClient, city: StoreCity) -> None:
    made = ask(web, city)
    for more in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        refused = web.post(f"{AT}/{made['id']}/approve", headers=as_(city, "anna") | more, json={})
        assert refused.status_code == 403
    form = web.post(f"{AT}/{made['id']}/approve", headers=as_(city, "anna"), data={"why": "x"})
    assert form.status_code == 400
    assert web.get(f"{AT}/{made['id']}", headers=as_(city, "anna")).json()["state"] == "pending"
    assert web.get(f"{AT}/{made['id']}/approve", headers=as_(city, "anna")).status_code == 405


def test_each_address_is_described_and_each_description_answers(web: TestClient, city: StoreCity) -> None:
    body = web.get("/api/v1/openapi.json").json()
    ours = {path: item for path, item in body["paths"].items() if path.startswith((AT, "/api/v1/purposes"))}
    assert set(ACTIONS) == set(_ACTIONS)
    assert {f"{AT}/{{agreement}}/{action}" for action in ACTIONS} <= set(ours)
    names = {name: set(fields) for name, (fields, _run) in _ACTIONS.items()}
    for action, (_words, fields, required, _status) in ACTIONS.items():
        assert set(fields) == names[action], action
        assert set(required) <= set(fields)
    made = ask(web, city)
    for path, item in ours.items():
        found = path.format(agreement=made["id"], purpose=made["purpose"])
        for method in item:
            if method == "get" and not path.endswith("/odrl"):
                assert web.get(found, headers=as_(city, "bruno")).status_code == 200, path
            elif method != "get":
                sent = web.request(method.upper(), found, headers=as_(city, "bruno"), json={"nonsense": 1})
                assert sent.status_code == 400, (path, sent.text)
                assert "nonsense" in sent.text


def test_offers_and_the_profile_are_public(web: TestClient, city: StoreCity) -> None:
    found = web.get("/api/v1/products/pupils/offer")
    assert (found.status_code, found.json()["@type"]) == (200, "Offer")
    known = web.get("/ns/odrl")
    assert known.headers["content-type"].startswith("application/ld+json")
    assert found.json()["profile"] == known.json()["@graph"][0]["@id"]
    for dataset in ("trees", "nothing"):
        assert web.get(f"/api/v1/products/{dataset}/offer").status_code == 404


def test_standing_in_over_http(web: TestClient, city: StoreCity) -> None:
    now = datetime.now(UTC)
    body = {"to": city.ids["eva"], "organisation": "education-services", "since": now.isoformat(),
            "until": (now + timedelta(days=7)).isoformat()}  # fmt: skip
    assert web.post("/api/v1/delegations", headers=as_(city, "ugo"), json=body).status_code == 403
    given = web.post("/api/v1/delegations", headers=as_(city, "anna"), json=body).json()
    made = ask(web, city)
    at = f"{AT}/{made['id']}"
    assert web.get(at, headers=as_(city, "eva")).json()["decides"] == [city.ids["anna"]]
    assert web.post(f"{at}/approve", headers=as_(city, "eva"), json={}).status_code == 403
    done = web.post(f"{at}/approve", headers=as_(city, "eva"), json={"behalf": city.ids["anna"]})
    assert done.json()["approvals"][0]["behalf"] == city.ids["anna"]
    assert web.delete(f"/api/v1/delegations/{given['id']}", headers=as_(city, "ugo")).status_code == 404
    assert web.delete(f"/api/v1/delegations/{given['id']}", headers=as_(city, "anna")).status_code == 204
    assert web.get("/api/v1/delegations", headers=as_(city, "eva")).json()["items"][0]["ended_at"]
