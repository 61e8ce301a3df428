"""The API's description: valid, complete, and kept by the API itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient
from tiny_city import TinyCity

from arengo import faces
from arengo.query import BUCKETS, FUNCTIONS, OPERATORS, PARAMETERS


def test_every_route_and_parameter_is_described(tiny: TinyCity, client: TestClient) -> None:
    found = client.get("/api/v1/openapi.json")
    assert found.headers["content-type"].startswith("application/vnd.oai.openapi+json")
    body = found.json()
    assert body["openapi"] == "3.1.0"
    described = {(path, method.upper()) for path, item in body["paths"].items() for method in item}
    routes = {
        (route.path, method)
        for route in faces.routes(tiny.door, tiny.catalogue, tiny.settings)
        if isinstance(route, Route) and route.path.startswith(("/api/v1", "/healthz"))  # other standards tell their own
        for method in route.methods or ()
        if method != "HEAD"
    }
    hidden = {("/api/v1/", "GET"), ("/metrics", "GET"), ("/api/v1/openapi.json", "GET")}
    assert routes - hidden == described
    rows = {item["name"] for item in body["paths"]["/api/v1/datasets/{dataset}/rows"]["get"]["parameters"]}
    assert set(PARAMETERS) <= rows
    text = found.text
    assert all(word in text for word in (*FUNCTIONS, *BUCKETS, *OPERATORS))


def test_one_dataset_is_described_with_its_columns(client: TestClient) -> None:
    body = client.get("/api/v1/datasets/trees/openapi.json").json()
    row = body["components"]["schemas"]["Row"]["properties"]
    assert row["id"]["type"] == "integer"
    assert row["height"] | {} == {"type": ["number", "null"], "title": "height", "x-unit": "m"}
    assert row["inspected"]["format"] == "date-time"
    plain = {item["name"] for item in body["paths"]["/api/v1/datasets/trees/rows"]["get"]["parameters"]}
    assert {"species", "height", "inspected"} <= plain
    assert "tags" not in plain


def test_rows_keep_their_schema(client: TestClient) -> None:
    import jsonschema_rs

    for dataset in ("trees", "areas"):
        body = client.get(f"/api/v1/datasets/{dataset}/openapi.json").json()
        schema = {"$ref": "#/components/schemas/Rows", "components": body["components"]}
        jsonschema_rs.validator_for(schema).validate(
            client.get(f"/api/v1/datasets/{dataset}/rows", params={"limit": "1000", "count": "true"}).json()
        )


@pytest.fixture(scope="module")
def address(tiny: TinyCity) -> Iterator[str]:
    """The faces behind a real server."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    app = faces.application(tiny.door, tiny.catalogue, tiny.settings)
    import asyncio
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve()), daemon=True)
    thread.start()
    import httpx

    until = time.monotonic() + 120
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60)
            break
        except httpx.TransportError:
            assert time.monotonic() < until
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.stop()
    thread.join(120)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", ["/api/v1/openapi.json", "/api/v1/datasets/trees/openapi.json"])
def test_schemathesis_finds_nothing(address: str, path: str) -> None:
    """Every described operation, asked with generated good and bad parameters: no 500, described answers only."""
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    schema: Any = schemathesis.openapi.from_url(f"{address}{path}")
    checks = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
    seen = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        seen += 1

        @settings(
            max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
        )
        @given(case=operation.as_strategy())
        def run(case: Any) -> None:
            case.call_and_validate(checks=checks)

        run()
    assert seen > 10
