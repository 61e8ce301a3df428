"""The whole described API, asked with generated good and bad parameters by nobody, wrong keys, keys and people."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import store_city
from store_city import ANSWERS, StoreCity, make_store

from arengo.governance.agreement import Terms
from arengo.governance.session import cookie_name

EXAMPLES = 8
SECRET = re.compile(r"P9\d{4}\b|\bZuccherelli\d|1931-0|7770\d\d\.5")
"""Numbers, surnames, days of birth and incomes of the pupils: what no generated question may bring up."""


JUDGED = ("/api/v1/me", "/api/v1/applications", "/api/v1/datasets/{dataset}/", "/api/v1/sql", "/api/v1/census")
"""Where a credential that opens nothing is refused; the rest shows everybody the same and looks at none."""


@dataclass(frozen=True)
class Served:
    address: str
    key: str
    cookie: str
    city: StoreCity


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The faces of a city with a shared dataset behind a real server, and a key that reads two of its columns."""
    import uvicorn

    patch = pytest.MonkeyPatch()
    patch.setattr(
        store_city, "PUPILS", store_city.PUPILS.replace("rate: 50, daily: 40, rows: 500", "rate: 10000, daily: 90000")
    )
    city = make_store(Path(tmp_path_factory.mktemp("schemathesis")))
    patch.undo()
    key = _key(city)
    server = uvicorn.Server(uvicorn.Config(city.application, port=0, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield Served(address, key, city.cookies["bruno"], city)
    server.should_exit = True
    thread.join()
    city.close()


def _key(city: StoreCity) -> str:
    bruno, agreements, now = city.caller("bruno"), city.access.agreements, datetime.now(UTC)
    program = city.access.applications.create("Routes", bruno, organisation="mobility")
    values = {
        "title": "School buses", "text": "Lines and stops of the school buses are planned with where pupils go.",
        "dpv": "dpv:ImproveTransportMobility", "legal_basis": "eu-gdpr:A6-1-e", "retention": "P1Y", "personal": True,
        "answers": ANSWERS,
    }  # fmt: skip
    purpose = agreements.purposes.write("mobility", values, by=bruno)
    terms = Terms(("school", "grade"), "small", 90_000, now - timedelta(days=1), now + timedelta(days=90))
    made = agreements.draft(
        "pupils", by=bruno, organisation="mobility", application=program.id, purpose=purpose.id, terms=terms
    )
    agreements.submit(made.id, by=bruno)
    agreements.approve(made.id, by=city.caller("anna"), why="Good.")
    assert agreements.get(made.id).state == "active"
    return city.access.applications.issue(program.id, bruno, agreement=made.id)[1]


def _headers(served: Served, who: str) -> dict[str, str]:
    return {
        "nobody": {},
        "a wrong key": {"Authorization": f"Bearer {served.key[:-4]}AAAA"},
        "a key": {"Authorization": f"Bearer {served.key}"},
        "a person": {"Cookie": f"{cookie_name(False)}={served.cookie}"},
    }[who]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("who", ["nobody", "a wrong key", "a key", "a person"])
def test_generated_questions_find_nothing(served: Served, who: str) -> None:
    """No 500, described answers only, and nothing of a pupil that was not granted."""
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    schema: Any = schemathesis.openapi.from_url(f"{served.address}/api/v1/openapi.json")
    checks = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
    headers = _headers(served, who)
    wrong: list[str] = []
    seen = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        seen += 1

        @settings(
            max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True,
            database=None,
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def run(case: Any) -> None:
            answer = case.call(headers=headers)
            case.validate_response(answer, checks=checks)
            assert not SECRET.search(answer.text), (case.method, case.path, answer.text[:300])
            if who == "a wrong key" and case.path.startswith(JUDGED):
                assert answer.status_code >= 400, (case.path, answer.status_code)

        try:
            run()
        except Exception as error:  # every operation is asked, and all that is wrong told at once
            wrong.append(f"{operation.method.upper()} {operation.path}: {str(error)[:600]}")
    assert seen > 40
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.slow
def test_the_key_of_the_test_reads_what_was_agreed(served: Served) -> None:
    """So that the generated questions of a key are questions of somebody who may ask."""
    import httpx

    path = f"{served.address}/api/v1/datasets/pupils/rows?limit=3"
    assert httpx.get(path, timeout=60).status_code == 403
    answer = httpx.get(path, headers=_headers(served, "a key"), timeout=60)
    assert answer.status_code == 200
    assert set(answer.json()["items"][0]) == {"school", "grade"}
    assert httpx.get(path, headers=_headers(served, "a wrong key"), timeout=60).status_code == 401


def test_every_address_of_the_door_is_described(served: Served) -> None:
    """What the description leaves out nobody generates questions for."""
    import httpx
    from starlette.routing import Route

    from arengo import faces

    body = httpx.get(f"{served.address}/api/v1/openapi.json", timeout=60).json()
    described = {(path, method.upper()) for path, item in body["paths"].items() for method in item}
    city = served.city
    routes = {
        (route.path, method)
        for route in faces.routes(city.door, city.tiny.catalogue, city.tiny.settings, None, city.access)
        if isinstance(route, Route) and route.path.startswith("/api/v1")
        for method in route.methods or ()
        if method != "HEAD"
    }
    by_action = {path for path, _ in routes if path.endswith("/{action}")}  # described one action at a time
    for path in by_action:
        assert sum(told.startswith(path.removesuffix("{action}")) for told, _ in described) > 3, path
    apart = {("/api/v1/", "GET"), ("/api/v1/openapi.json", "GET")}
    assert {(path, method) for path, method in routes if path not in by_action} - apart <= described
