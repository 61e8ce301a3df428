"""The SQL face: every way in, every form out, errors with their place, stopping."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient
from tiny_city import TinyCity

from arengo import faces

AT = "/api/v1/sql"
PLAIN = "SELECT count(*) AS n FROM trees WHERE species = 'Tilia'"
QUESTION = "SELECT id, species, code, planted, inspected, opens, tags, height FROM trees WHERE id < $n ORDER BY id"


def ask(client: TestClient, q: str, **more: str) -> Any:
    return client.get(AT, params={"q": q, **more})


def test_json(client: TestClient) -> None:
    found = ask(client, QUESTION, **{"p.n": "3"})
    assert found.status_code == 200
    body = found.json()
    assert body["items"][0] == {
        "id": 1, "species": "Platanus", "code": "0001", "planted": "2001-02-11", "inspected": "2025-02-02T01:30:15Z",
        "opens": "01:15:00", "tags": ["a", "t1"], "height": 99.5,
    }  # fmt: skip
    assert body["columns"][0] == {"name": "id", "kind": "integer", "type": "BIGINT"}
    assert body["tables"] == [{"name": "trees", "dataset": "trees", "version": 2}]
    assert (body["returned"], body["truncated"], body["next"]) == (2, False, None)
    assert found.headers["arengo-limit-rows"] == "100000"
    assert found.headers["arengo-limit-seconds"] == "20"


def test_the_same_rows_as_the_rows_api(client: TestClient) -> None:
    names = "id,species,code,height,rings,protected,planted,inspected,opens,notes,tags,lon,lat"
    rows = client.get("/api/v1/datasets/trees/rows", params={"select": names, "limit": "1000", "order_by": "id"}).json()
    assert ask(client, f"SELECT {names} FROM trees ORDER BY id").json()["items"] == rows["items"]
    places = client.get("/api/v1/datasets/areas/rows", params={"order_by": "code"}).json()
    assert ask(client, "SELECT * FROM areas ORDER BY code").json()["items"] == places["items"]
    text = client.get(
        "/api/v1/datasets/trees/rows", params={"select": names, "limit": "1000", "order_by": "id", "f": "csv"}
    )
    assert ask(client, f"SELECT {names.replace('tags', 'CAST(tags AS VARCHAR) AS tags')} FROM trees ORDER BY id",
               format="csv").text == text.text  # fmt: skip


@pytest.mark.parametrize("form", ["json", "arrays", "csv", "ndjson", "parquet", "arrow"])
@pytest.mark.parametrize("q", [QUESTION, "SELECT id FROM trees WHERE false AND id < $n"])
def test_every_form(client: TestClient, form: str, q: str) -> None:
    found = ask(client, q, format=form, **{"p.n": "5"})
    assert found.status_code == 200
    rows = 0 if "false" in q else 3
    body = found.content
    if form == "json":
        assert len(found.json()["items"]) == rows
    elif form == "arrays":
        assert len(found.json()["rows"]) == rows
    elif form == "csv":
        assert len(found.text.strip().split("\r\n")) == rows + 1
    elif form == "ndjson":
        assert len([orjson.loads(line) for line in body.splitlines()]) == rows
    elif form == "parquet":
        assert pq.read_table(io.BytesIO(body)).num_rows == rows
    else:
        assert pa.ipc.open_stream(body).read_all().num_rows == rows


def test_accept_and_unknown_forms(client: TestClient) -> None:
    assert client.get(AT, params={"q": "SELECT 1 AS a"}, headers={"accept": "text/csv"}).text == "a\r\n1\r\n"
    assert ask(client, "SELECT 1", format="xlsx").json()["status"] == 400
    assert client.get(AT, params={"q": "SELECT 1"}, headers={"accept": "image/png"}).status_code == 406


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"q": "SELECT count(*) AS n FROM trees WHERE species = $s", "params": {"s": "Tilia"}}},
        {"json": {"q": "SELECT count(*) AS n FROM trees WHERE species = ?", "params": ["Tilia"]}},
        {"data": {"q": "SELECT count(*) AS n FROM trees WHERE species = $s", "p.s": "Tilia"}},
        {
            "content": "SELECT count(*) AS n FROM trees WHERE species = 'Tilia'",
            "headers": {"content-type": "text/plain"},
        },
        {
            "content": "SELECT count(*) AS n FROM trees WHERE species = 'Tilia'",
            "headers": {"content-type": "application/sql"},
        },
    ],
)
def test_every_way_in(client: TestClient, sent: dict[str, Any]) -> None:
    assert client.post(AT, **sent).json()["items"] == [{"n": 33}]


@pytest.mark.parametrize(
    "sent",
    [
        {"content": b"\xff\xfe", "headers": {"content-type": "text/plain"}},
        {"content": b"[1]", "headers": {"content-type": "application/json"}},
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"json": {"q": "SELECT 1", "params": "x"}},
        {"json": {"q": {"a": 1}}},
        {"json": {"q": "SELECT 1", "colour": "red"}},
        {"json": {}},
        {"json": {"q": "SELECT 1", "limit": "many"}},
        {"json": {"q": "SELECT 1", "id": "../../etc"}},
        {"content": b"x" * 300_000, "headers": {"content-type": "text/plain"}},
    ],
)
def test_bodies_that_are_none(client: TestClient, sent: dict[str, Any]) -> None:
    found = client.post(AT, **sent)
    assert found.status_code == 400
    assert found.headers["content-type"] == "application/problem+json"


def test_an_etag_and_what_has_none(client: TestClient) -> None:
    first = ask(client, "SELECT count(*) FROM trees")
    again = client.get(AT, params={"q": "SELECT count(*) FROM trees"}, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    moment = ask(client, "SELECT now()")
    assert "etag" not in moment.headers
    assert moment.headers["cache-control"] == "no-store"


def test_a_mistake_is_shown(client: TestClient) -> None:
    found = ask(client, "SELECT\n  specis FROM trees")
    assert found.status_code == 400
    body = found.json()
    assert body["type"] == "urn:arengo:error:bad-sql"
    assert (body["line"], body["column"], body["excerpt"]) == (2, 3, "  specis FROM trees\n  ^")
    assert body["todo"] == "Did you mean 'species'?"
    closed = ask(client, "SELECT * FROM families")
    assert closed.status_code == 403
    assert "Registry office decides" in closed.json()["todo"]
    assert ask(client, 'SELECT * FROM "trees@77"').status_code == 404


def test_more_rows_than_the_limit(client: TestClient) -> None:
    found = ask(client, "SELECT id FROM trees ORDER BY id", limit="2")
    assert [item["id"] for item in found.json()["items"]] == [1, 2]
    assert found.headers["arengo-truncated"] == "true"
    many = ask(client, "SELECT i, i % 7 AS rest FROM range(20000) t(i)", format="csv")
    assert many.headers["arengo-rows"] == "20000"
    assert many.text.count("\r\n") == 20_001


def test_cells_that_a_spreadsheet_would_run(client: TestClient) -> None:
    q = "SELECT notes FROM trees WHERE notes LIKE '=%' LIMIT 1"
    assert ask(client, q, format="csv").text.endswith("\r\n=1+1\r\n")
    assert ask(client, q, format="csv", safe="true").text.endswith("\r\n'=1+1\r\n")


def test_the_tables(client: TestClient) -> None:
    body = client.get(f"{AT}/tables").json()
    assert [item["name"] for item in body["items"]] == ["areas", "trees"]
    assert body["items"][1]["columns"][4] == {"name": "height", "kind": "number", "title": "height", "unit": "m"}
    first = client.get(f"{AT}/tables", params={"limit": "1"}).json()
    assert first["next"] == "areas"
    assert client.get(f"{AT}/tables", params={"limit": "1", "cursor": "areas"}).json()["items"][0]["name"] == "trees"
    assert client.get(f"{AT}/tables", params={"limit": "0"}).status_code == 400


def test_stopped_by_its_id(client: TestClient) -> None:
    found: list[Any] = []
    long = "SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c"
    thread = threading.Thread(target=lambda: found.append(ask(client, long, id="of-a-test")))
    thread.start()
    until = time.monotonic() + 60
    while client.delete(f"{AT}/of-a-test").status_code != 204 and time.monotonic() < until:
        time.sleep(0.05)
    thread.join(60)
    assert found[0].status_code == 409
    assert client.delete(f"{AT}/nobody-here").status_code == 404


def test_stopped_when_its_caller_goes_away(tiny: TinyCity) -> None:
    app = faces.application(tiny.door, tiny.catalogue, tiny.settings)
    scope = {
        "type": "http", "method": "GET", "path": AT, "raw_path": AT.encode(), "root_path": "", "scheme": "http",
        "query_string": b"q=SELECT+count(*)+FROM+range(100000)+a,+range(100000)+b,+range(1000)+c",
        "headers": [(b"host", b"x")], "server": ("x", 80), "client": ("y", 1), "http_version": "1.1",
    }  # fmt: skip

    async def visit() -> float:
        told = False

        async def receive() -> dict[str, Any]:
            nonlocal told
            if not told:
                told = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await asyncio.sleep(0.3)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            pass

        started = time.monotonic()
        await app(scope, receive, send)
        return time.monotonic() - started

    assert asyncio.run(visit()) < 60
