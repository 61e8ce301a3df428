"""The API store over HTTP: finding, asking what one may read, keys, tokens, limits, usage; and who must not."""

from __future__ import annotations

import base64
import logging
import re
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from store_city import StoreCity, make_store

from arengo.governance.session import cookie_name
from arengo.governance.token import ASSERTION

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

APPS = "/api/v1/applications"
ROWS = "/api/v1/datasets/pupils/rows"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreCity]:
    made = make_store(Path(tmp_path_factory.mktemp("store")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def web(city: StoreCity) -> Iterator[TestClient]:
    with TestClient(city.application, base_url="http://testserver") as made:
        yield made


@pytest.fixture
def program(city: StoreCity) -> Iterator[dict[str, Any]]:
    """An application with an agreement and a key for it."""
    who = city.caller("bruno")
    made = city.access.applications.create("Bus planner", who, organisation="mobility")
    agreement = city.agreed(made.id)
    key, text = city.access.applications.issue(made.id, who, agreement=agreement.id)
    yield {"id": made.id, "key": key.id, "text": text, "agreement": agreement.id, "purpose": agreement.purpose}
    city.access.agreements.revoke(agreement.id, by=who, why="The test is over.")


def signed_in(city: StoreCity, name: str, **more: str) -> dict[str, str]:
    return {"cookie": f"{cookie_name(False)}={city.cookies[name]}", **more}


def shown(text: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}", **more}


# ---- products -----------------------------------------------------------------------------------------------------


def test_products_are_found_and_described_without_a_row(web: TestClient) -> None:
    found = web.get("/api/v1/products").json()
    assert {item["id"] for item in found["items"]} == {"pupils", "trees", "families"}
    shared = web.get("/api/v1/products?access=shared&q=pupils").json()["items"]
    assert [(item["id"], item["requestable"], item["owner"]["id"]) for item in shared] == [
        ("pupils", True, "education-services")
    ]
    assert web.get("/api/v1/products?state=retired").json()["items"] == []
    first = web.get("/api/v1/products?limit=2")
    assert 'rel="next"' in first.headers["link"]
    assert len(web.get(f"/api/v1/products?limit=2&cursor={first.json()['next']}").json()["items"]) == 1
    one = web.get("/api/v1/products/pupils").json()
    assert [item["name"] for item in one["columns"] if item["personal"]] == ["pupil", "surname", "born"]
    assert one["plans"][0] == {
        "id": "small", "title": "Small", "requests_per_second": 50.0, "calls_per_day": 40, "rows_per_day": 500,
        "token_seconds": 300,
    }  # fmt: skip
    assert one["changelog"][0]["version"] == "1.0.0"
    assert "Zuccherelli" not in str(one)
    closed = web.get("/api/v1/products/families").json()
    assert closed["columns"] is None
    assert closed["links"]["sample"] is None
    assert "income" not in str(closed)
    assert web.get("/api/v1/products/nothing").status_code == 404
    for wrong in ("?access=secret", "?state=secret", "?limit=0", "?limit=x", "?colour=red", "?cursor=-1"):
        assert web.get(f"/api/v1/products{wrong}").status_code == 400


def test_a_sample_is_made_up_from_the_contract_alone(web: TestClient, city: StoreCity, tmp_path: Path) -> None:
    made = web.get("/api/v1/products/pupils/sample?limit=100").json()
    assert made["synthetic"]
    assert len(made["items"]) == 100
    held = {str(value) for row in _held(city) for value in row}
    for row in made["items"]:
        for name in ("pupil", "surname", "school", "born", "income"):
            assert str(row[name]) not in held
        assert row["grade"] is None or 1 <= row["grade"] <= 5
        assert row["pupil"].startswith("P")
    assert web.get("/api/v1/products/pupils/sample?limit=100").json() == made
    other = make_store(tmp_path, "Quintavalle")  # the same contract, other people
    try:
        with TestClient(other.application) as there:
            assert there.get("/api/v1/products/pupils/sample?limit=100").json() == made
    finally:
        other.close()
    opened = web.get("/api/v1/products/trees/sample?limit=2").json()
    assert not opened["synthetic"]
    assert opened["items"][0] == {"id": 1, "species": "Tilia"}
    assert web.get("/api/v1/products/families/sample").status_code == 403
    assert web.get("/api/v1/products/pupils/sample?limit=101").status_code == 400


def _held(city: StoreCity) -> list[Any]:
    from store_city import pupil

    return [pupil(number) for number in range(1, 31)]


# ---- reading with a key -------------------------------------------------------------------------------------------


def test_a_key_opens_what_was_agreed_and_says_what_is_left(
    web: TestClient, city: StoreCity, program: dict[str, Any]
) -> None:
    assert web.get(ROWS).status_code == 403
    answer = web.get(f"{ROWS}?limit=3", headers=shown(program["text"]))
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["items"][0]) == {"school", "grade"}
    assert '"daily";q=30;w=86400' in answer.headers["ratelimit-policy"]
    assert '"daily";r=29;' in answer.headers["ratelimit"]
    assert "no-store" in answer.headers["cache-control"]
    for headers in ({"x-api-key": program["text"]}, {"x-ckan-api-key": program["text"]}):
        assert web.get(f"{ROWS}?limit=1", headers=headers).status_code == 200
    mine = web.get("/api/v1/me/access?open=false", headers=shown(program["text"])).json()["items"]
    assert [(item["dataset"], item["columns"], item["agreement"]) for item in mine] == [
        ("pupils", ["school", "grade"], program["agreement"])
    ]
    assert mine[0]["left"]["calls"] == 27
    assert mine[0]["plan"] == "small"
    assert web.get("/api/v1/me", headers=shown(program["text"])).json()["application"] == program["id"]
    for _ in range(27):
        web.get(f"{ROWS}?limit=1", headers=shown(program["text"]))
    spent = web.get(f"{ROWS}?limit=1", headers=shown(program["text"]))
    assert spent.status_code == 429
    assert int(spent.headers["retry-after"]) > 1
    assert '"daily";r=0;' in spent.headers["ratelimit"]
    assert web.get("/api/v1/datasets/trees/rows", headers=shown(program["text"])).status_code == 200
    city.access.store.consumption.flush()
    used = web.get("/api/v1/me/usage?by=dataset,status", headers=shown(program["text"])).json()["items"]
    calls = {(item["dataset"], item["status"]): item["calls"] for item in used}
    assert calls["pupils", "2xx"] == 30
    assert calls["pupils", "429"] == 1
    assert calls["trees", "2xx"] == 1
    owner = web.get("/api/v1/products/pupils/usage?by=application", headers=signed_in(city, "anna"))
    assert program["id"] in [item["application"] for item in owner.json()["items"]]


def test_a_suspended_agreement_and_a_revoked_key_open_nothing_at_the_next_request(
    web: TestClient, city: StoreCity, program: dict[str, Any]
) -> None:
    anna, agreements = city.caller("anna"), city.access.agreements
    assert web.get(ROWS, headers=shown(program["text"])).status_code == 200
    agreements.suspend(program["agreement"], by=anna, why="We look into it.")
    refused = web.get(ROWS, headers=shown(program["text"]))
    assert refused.status_code == 403
    assert "suspended" in refused.text
    told = web.get("/api/v1/me/access?open=false&all=true", headers=shown(program["text"])).json()["items"]
    assert [(item["allowed"], item["agreement_state"], item["columns"]) for item in told] == [(False, "suspended", [])]
    agreements.resume(program["agreement"], by=anna)
    assert web.get(ROWS, headers=shown(program["text"])).status_code == 200
    gone = web.delete(f"{APPS}/{program['id']}/keys/{program['key']}", headers=signed_in(city, "bruno"))
    assert gone.status_code == 204
    dead = web.get(ROWS, headers=shown(program["text"]))
    assert dead.status_code == 401
    assert dead.headers["www-authenticate"].startswith("Bearer")
    assert web.get("/api/v1/datasets/trees/rows", headers=shown(program["text"])).status_code == 401


def test_a_key_of_one_agreement_opens_no_other(web: TestClient, city: StoreCity, program: dict[str, Any]) -> None:
    who = city.caller("bruno")
    other = city.access.applications.create("Other", who, organisation="mobility")
    _, text = city.access.applications.issue(other.id, who)
    assert web.get(ROWS, headers=shown(text)).status_code == 403
    for purpose in ("", "u-of-nobody"):
        assert web.get(ROWS, headers=shown(text, **{"arengo-purpose": purpose})).status_code == 403
    with_purpose = shown(program["text"], **{"arengo-purpose": program["purpose"]})
    assert web.get(ROWS, headers=with_purpose).status_code == 200
    assert web.get(ROWS, headers=shown(program["text"], **{"arengo-purpose": "curiosity"})).status_code == 403
    for twice in ([("x-api-key", program["text"])] * 2, [*shown(program["text"]).items(), ("x-api-key", text)]):
        assert web.get(ROWS, headers=twice).status_code == 400
    assert web.get(f"{ROWS}?api_key={program['text']}").status_code == 403  # never read from an address


# ---- applications -------------------------------------------------------------------------------------------------


def test_people_register_applications_and_make_keys(web: TestClient, city: StoreCity) -> None:
    bruno = signed_in(city, "bruno")
    made = web.post(APPS, headers=bruno, json={"title": "Atlas", "contacts": ["b@tiny.example"]})
    assert made.status_code == 201
    app = made.json()
    assert app["organisation"] == "mobility"
    at = f"{APPS}/{app['id']}"
    key = web.post(f"{at}/keys", headers=bruno, json={"title": "Nightly", "days": 30}).json()
    assert key["key"].startswith(key["prefix"])
    turned = web.post(f"{at}/keys/{key['id']}/rotate", headers=bruno, json={"overlap_hours": 1}).json()
    assert turned["rotated_from"] == key["id"]
    assert web.post(f"{at}/keys/{key['id']}/rotate", headers=bruno, json={}).status_code == 409
    secret = web.post(f"{at}/clients", headers=bruno, json={}).json()
    jwk = ECKey.generate_key("P-256")
    assert web.post(f"{at}/clients", headers=bruno, json={"jwk": jwk.as_dict(private=True)}).status_code == 400
    assert web.post(f"{at}/clients", headers=bruno, json={"jwk": jwk.as_dict(private=False)}).status_code == 201
    seen = web.get(at, headers=bruno)
    assert len(seen.json()["keys"]) == 2
    assert len(seen.json()["clients"]) == 2
    for text in (key["key"], turned["key"], secret["client_secret"]):
        assert text not in seen.text
        assert text[24:] not in seen.text
    assert seen.headers["cache-control"] == "private, no-store"
    assert web.patch(at, headers=bruno, json={"title": "City atlas"}).json()["title"] == "City atlas"
    assert web.post(f"{at}/block", headers=bruno, json={"why": "Lost."}).json()["state"] == "blocked"
    assert web.get(ROWS, headers=shown(turned["key"])).status_code == 401
    assert web.post(f"{at}/unblock", headers=bruno, json={}).json()["state"] == "active"
    assert web.get("/api/v1/me", headers=shown(turned["key"])).json()["kind"] == "application"
    for wrong in ({"title": 7}, {"colour": "red"}, {"title": "x", "days": True}, {"agreement": "a-of-another"}):
        assert web.post(f"{at}/keys", headers=bruno, json=wrong).status_code in (400, 404)
    assert web.post(f"{at}/owner", headers=bruno, json={"owner": city.ids["ugo"], "why": "Left."}).status_code == 400
    assert web.post(f"{at}/owner", headers=bruno, json={"owner": city.ids["mia"], "why": "Left."}).status_code == 200
    assert web.get(at, headers=bruno).status_code == 404


def test_the_applications_of_others_are_not_there(web: TestClient, city: StoreCity, program: dict[str, Any]) -> None:
    at, key = f"{APPS}/{program['id']}", program["key"]
    strangers = [signed_in(city, "ugo"), signed_in(city, "anna"), shown(program["text"])]
    for headers in strangers:
        answers = [
            web.get(at, headers=headers),
            web.patch(at, headers=headers, json={"title": "Mine"}),
            web.post(f"{at}/keys", headers=headers, json={}),
            web.post(f"{at}/keys/{key}/rotate", headers=headers, json={}),
            web.delete(f"{at}/keys/{key}", headers=headers),
            web.post(f"{at}/clients", headers=headers, json={}),
            web.post(f"{at}/block", headers=headers, json={"why": "x"}),
            web.post(f"{at}/owner", headers=headers, json={"owner": city.ids["ugo"], "why": "x"}),
        ]
        assert {answer.status_code for answer in answers} == {404}
        gone = web.get(f"{APPS}/app-nothing", headers=headers).json()
        assert {orjson.dumps(answer.json()) for answer in answers} == {orjson.dumps(gone)}
        assert program["id"] not in web.get(APPS, headers=headers).text
    assert web.get(APPS).status_code == 401
    assert web.post(APPS, json={"title": "Mine"}).status_code == 401
    assert web.get("/api/v1/me/usage").status_code == 401
    assert web.get("/api/v1/products/pupils/usage", headers=strangers[0]).status_code == 403
    assert web.get("/api/v1/products/pupils/usage", headers=strangers[2]).status_code == 403
    assert web.get("/api/v1/me/usage?by=secret", headers=strangers[0]).status_code == 400


def test_a_page_of_another_site_changes_nothing(web: TestClient, city: StoreCity) -> None:
    bruno = signed_in(city, "bruno")
    for more in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ):
        assert web.post(APPS, headers=bruno | more, json={"title": "Trick"}).status_code == 403
    plain = web.post(APPS, headers=bruno | {"content-type": "text/plain"}, content=b'{"title": "Trick"}')
    assert plain.status_code == 400
    assert "Trick" not in web.get(APPS, headers=bruno).text
    assert web.post(APPS, headers=bruno, content=b"x" * 20_000).status_code == 400
    assert web.post(APPS, headers=bruno | {"content-type": "application/json"}, content=b"[1]").status_code == 400


# ---- tokens over HTTP ---------------------------------------------------------------------------------------------


def _secret(city: StoreCity, program: dict[str, Any]) -> str:
    return city.access.applications.secret(program["id"], city.caller("bruno"))[1]


def _basic(name: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def test_a_token_is_got_used_looked_at_and_revoked(web: TestClient, city: StoreCity, program: dict[str, Any]) -> None:
    basic = _basic(program["id"], _secret(city, program))
    form = {"grant_type": "client_credentials", "agreement": program["agreement"]}
    answer = web.post("/oauth/token", headers=basic, data=form)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)  # the plan's lifetime
    token = body["access_token"]
    assert web.get(ROWS, headers=shown(token)).status_code == 200
    seen = web.post("/oauth/introspect", headers=basic, data={"token": token}).json()
    assert seen["active"]
    assert seen["agreement"] == program["agreement"]
    assert web.post("/oauth/revoke", headers=basic, data={"token": token}).status_code == 200
    assert web.post("/oauth/introspect", headers=basic, data={"token": token}).json() == {"active": False}
    assert web.get(ROWS, headers=shown(token)).status_code == 401


def test_the_token_endpoint_refuses_in_the_words_of_the_standard(
    web: TestClient, city: StoreCity, program: dict[str, Any]
) -> None:
    secret = _secret(city, program)
    good, name = {"grant_type": "client_credentials"}, program["id"]
    post = {**good, "client_id": name, "client_secret": secret}

    def ask(headers: dict[str, str] | None = None, at: str = "/oauth/token", **form: Any) -> tuple[int, str]:
        answer = web.post(at, headers=headers or {}, **form)
        assert "no-store" in answer.headers["cache-control"]
        return answer.status_code, answer.json().get("error", "")

    assert ask(data=post) == (200, "")
    wrong = web.post("/oauth/token", headers=_basic(name, "wrong"), data=good)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert wrong.headers["www-authenticate"].startswith("Basic")
    unknown = web.post("/oauth/token", headers=_basic("app-nothing", secret), data=good)
    assert unknown.json() == wrong.json()
    assert ask({"authorization": "Bearer x"}, data=good) == (401, "invalid_client")
    assert ask({"authorization": "Basic !!"}, data=good) == (401, "invalid_client")
    assert ask(_basic(name, secret), data={}) == (400, "invalid_request")
    assert ask(_basic(name, secret), data={"grant_type": "password"}) == (400, "unsupported_grant_type")
    assert ask(_basic(name, secret), data={**good, "scope": "read write"}) == (400, "invalid_scope")
    assert ask(_basic(name, secret), data={**good, "resource": "https://other.example"}) == (400, "invalid_target")
    assert ask(_basic(name, secret), data={**good, "agreement": "a-of-another"}) == (400, "invalid_target")
    assert ask(_basic(name, secret), data={**good, "purpose": "two words"}) == (400, "invalid_request")
    assert ask(_basic(name, secret), data=post) == (400, "invalid_request")  # two ways at once
    assert ask(at=f"/oauth/token?client_secret={secret}", data=post) == (400, "invalid_request")
    assert ask(json=post) == (400, "invalid_request")
    twice = f"grant_type=client_credentials&grant_type=client_credentials&client_id={name}&client_secret={secret}"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert ask(form, content=twice) == (400, "invalid_request")
    assert ask(form, content="x" * 17_000) == (413, "invalid_request")
    assert ask(form, content=b"\xff=\xff") == (400, "invalid_request")
    assert ask(_basic(name, secret), at="/oauth/revoke", data={"x": "y"}) == (400, "invalid_request")
    assert web.get("/oauth/token").status_code == 405
    for _ in range(40):
        answer = web.post("/oauth/token", headers=_basic(name, secret), data=good)
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert "retry-after" in answer.headers


def _signed(key: ECKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jws.serialize_compact({"alg": "ES256", **header}, orjson.dumps(claims), key, registry=registry)


def test_a_bound_token_over_http(web: TestClient, city: StoreCity, program: dict[str, Any]) -> None:
    key = ECKey.generate_key("P-256")
    city.access.applications.register(program["id"], key.as_dict(private=False), city.caller("bruno"))
    at = web.get("/.well-known/oauth-authorization-server").json()
    now = int(time.time())
    claims = {"iss": program["id"], "sub": program["id"], "aud": at["token_endpoint"], "exp": now + 60}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": _signed(key, {}, {**claims, "jti": "assertion-1"}),
    }
    proofs = (
        {"jti": f"proof-{n:08d}", "htm": method, "htu": url, "iat": now}
        for n, (method, url) in enumerate([("POST", at["token_endpoint"]), ("GET", f"{at['issuer']}{ROWS}")] * 3)
    )
    shape = {"typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    made = web.post("/oauth/token", headers={"dpop": _signed(key, shape, next(proofs))}, data=form).json()
    assert made["token_type"] == "DPoP"
    assert web.post("/oauth/token", data=form).json()["error"] == "invalid_client"  # the assertion was used
    token = made["access_token"]
    from arengo.governance.proof import digest

    proof = _signed(key, shape, {**next(proofs), "ath": digest(token)})
    headers = {"authorization": f"DPoP {token}", "dpop": proof}
    assert web.get(f"{ROWS}?limit=1", headers=headers).status_code == 200
    assert web.get(f"{ROWS}?limit=1", headers=headers).status_code == 401
    assert web.get(ROWS, headers=shown(token)).status_code == 401
    again = {**form, "client_assertion": _signed(key, {}, {**claims, "jti": "assertion-2"})}
    assert web.post("/oauth/token", headers={"dpop": "x"}, data=again).json()["error"] == "invalid_dpop_proof"


def test_what_is_published_is_public_and_complete(web: TestClient) -> None:
    server = web.get("/.well-known/oauth-authorization-server").json()
    for name in ("token_endpoint", "jwks_uri", "revocation_endpoint", "introspection_endpoint"):
        assert server[name].startswith(server["issuer"])
    for key in web.get("/oauth/jwks.json").json()["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert web.get("/.well-known/oauth-protected-resource").json()["authorization_servers"] == [server["issuer"]]


def test_the_description_says_how_to_show_a_credential(web: TestClient) -> None:
    told = web.get("/api/v1/openapi.json").json()
    assert set(told["components"]["securitySchemes"]) == {"bearer", "key", "oauth", "session"}
    assert {} in told["security"]
    rows = told["paths"]["/api/v1/datasets/{dataset}/rows"]["get"]
    assert {"401", "403", "429"} <= set(rows["responses"])
    assert "RateLimit" in rows["responses"]["200"]["headers"]
    known = set(told["paths"])
    for path in ("/api/v1/products/{dataset}/sample", "/api/v1/me/access", "/api/v1/applications/{id}/keys"):
        assert path in known
    names = [ask["operationId"] for path in told["paths"].values() for ask in path.values() if "operationId" in ask]
    assert len(names) == len(set(names))
    text = orjson.dumps(told).decode()
    for place in set(re.findall(r"#/components/(\w+)/(\w+)", text)):
        assert place[1] in told["components"][place[0]]


def test_secrets_stand_in_no_log(
    web: TestClient, city: StoreCity, program: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    secret = _secret(city, program)
    with caplog.at_level(logging.DEBUG):
        web.get(ROWS, headers=shown(program["text"]))
        web.get(ROWS, headers=shown(program["text"][:-1] + "x"))
        web.post("/oauth/token", headers=_basic(program["id"], secret), data={"grant_type": "client_credentials"})
        web.post("/oauth/token", data={"client_id": program["id"], "client_secret": secret + "x"})
    for text in (program["text"], secret, city.cookies["bruno"], "Zuccherelli"):
        assert text not in caplog.text
