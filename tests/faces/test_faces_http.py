"""The faces as HTTP: conditions, ranges, compression, CORS, problems, nothing ignored."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from tiny_city import TREES, TinyCity, make_city, tree

from arengo import faces
from arengo.contract import loads
from arengo.errors import LakeError, NotAllowed
from arengo.faces.gate import Gate
from arengo.faces.meter import METER, Meter, face_of
from arengo.faces.problem import of

ROWS = "/api/v1/datasets/trees/rows"
READS = [
    "/api/v1",
    "/api/v1/datasets",
    "/api/v1/datasets/trees",
    f"{ROWS}?limit=5",
    f"{ROWS}?limit=5&f=geojson",
    f"{ROWS}?group_by=district",
    "/api/v1/datasets/trees/facets?columns=species",
    "/api/v1/datasets/trees/versions",
    "/api/v1/datasets/trees/versions/1",
    "/api/v1/datasets/trees/changes?from=1&to=2",
    "/api/v1/datasets/trees/history?key=1",
    "/api/v1/datasets/trees/profile",
    "/api/v1/datasets/trees/quality",
    "/api/v1/datasets/trees/contract",
    "/api/v1/datasets/trees/openapi.json",
    "/api/v1/openapi.json",
    "/api/v1/datasets/trees/export.csv",
    "/api/v1/datasets/trees/export.parquet",
]


@pytest.mark.parametrize("address", READS)
def test_every_read_has_an_etag_and_answers_304(tiny: TinyCity, client: TestClient, address: str) -> None:
    first = client.get(address)
    assert first.status_code == 200, first.text
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert first.headers["access-control-allow-origin"] == "*"
    assert first.headers["x-content-type-options"] == "nosniff"
    before = METER.quick
    again = client.get(address, headers={"if-none-match": f'"other", {tag}'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag
    assert METER.quick == before + 1  # answered before any routing
    cold = TestClient(faces.application(tiny.door, tiny.catalogue, tiny.settings))
    assert cold.get(address, headers={"if-none-match": tag}).status_code == 304
    assert client.get(address, headers={"if-none-match": '"other"'}).status_code == 200
    head = client.head(address)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["etag"] == tag


def test_packed_answers_have_their_own_strong_tag(client: TestClient) -> None:
    plain = client.get(ROWS)
    packed = client.get(ROWS, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]
    assert "Accept-Encoding" in packed.headers["vary"]
    for tag in (packed.headers["etag"], plain.headers["etag"]):
        again = client.get(ROWS, headers={"accept-encoding": "gzip", "if-none-match": tag})
        assert (again.status_code, again.headers["etag"]) == (304, tag)
    small = client.get(f"{ROWS}?limit=1&select=id", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in small.headers
    with client.stream("GET", "/api/v1/datasets/trees/export.csv", headers={"accept-encoding": "gzip"}) as streamed:
        raw = b"".join(streamed.iter_raw())
    assert gzip.decompress(raw) == client.get("/api/v1/datasets/trees/export.csv").content


@pytest.mark.slow
def test_repeated_answers_are_the_same_bytes_until_something_is_published(tmp_path: Path) -> None:
    city = make_city(tmp_path, trees=20)
    try:
        with TestClient(faces.application(city.door, city.catalogue, city.settings)) as client:
            for address in (ROWS, f"{ROWS}?group_by=district", "/api/v1/datasets", "/healthz"):
                for encoding in ("gzip", "identity", "gzip", "identity"):
                    answer = client.get(address, headers={"accept-encoding": encoding})
                    assert answer.status_code == 200
                    assert answer.json() == client.get(address, headers={"cookie": "a=b"}).json()
            assert client.get(ROWS).json()["version"] == 2
            city.publish(loads(TREES), [tree(7)], datetime(2026, 3, 1, tzinfo=UTC))
            assert client.get(ROWS).json()["version"] == 3
            assert client.get(ROWS, headers={"if-none-match": answer.headers["etag"]}).status_code == 200
    finally:
        city.close()


def test_built_files_are_served_in_ranges(client: TestClient) -> None:
    at = "/api/v1/datasets/trees/export.parquet"
    whole = client.get(at)
    assert whole.headers["content-disposition"] == 'attachment; filename="trees-v2.parquet"'
    assert int(whole.headers["content-length"]) == len(whole.content)
    part = client.get(at, headers={"range": "bytes=4-11"})
    assert (part.status_code, part.content) == (206, whole.content[4:12])
    assert client.get(at, headers={"range": "bytes=999999999-"}).status_code == 416
    stale = client.get(at, headers={"range": "bytes=4-11", "if-range": '"old"'})
    assert (stale.status_code, len(stale.content)) == (200, len(whole.content))
    fresh = client.get(at, headers={"range": "bytes=4-11", "if-range": whole.headers["etag"]})
    assert fresh.status_code == 206


@pytest.mark.parametrize(
    "given",
    [
        "bytes=5-2",
        "bytes=a-b",
        "items=0-1",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=0-1,5-2",
        "bytes=0-1,x",
        "=0-1",
        "bytes=0-²",
    ],
)
def test_a_malformed_range_is_ignored(client: TestClient, given: str) -> None:
    at = "/api/v1/datasets/trees/export.parquet"
    answer = client.get(at, headers={"range": given.encode()})
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_heads(client: TestClient) -> None:
    at = "/api/v1/datasets/trees/export"
    for form in ("csv", "geojson", "ndjson", "arrow"):
        answer = client.head(f"{at}.{form}")
        assert (answer.status_code, answer.content) == (200, b"")
        assert "content-length" not in answer.headers  # it is not known before the rows are read
        assert answer.headers["etag"] == client.get(f"{at}.{form}").headers["etag"]
    built = client.head(f"{at}.parquet", headers={"range": "bytes=0-1"})
    assert built.status_code == 200
    assert built.headers["content-length"] == client.get(f"{at}.parquet").headers["content-length"]


def test_a_past_version_stays_readable(client: TestClient) -> None:
    for text, height in (("1", 0.5), ("v2", 99.5), ("2026-01-31", 0.5), ("2026-02-10T09:00:00Z", 99.5), ("", 99.5)):
        answer = client.get(ROWS, params={"id": "1", "as_of": text}).json()
        assert answer["items"][0]["height"] == height, text
    old = client.get("/api/v1/datasets/trees/export.ndjson", params={"as_of": "1", "id": "3"})
    assert old.headers["content-disposition"] == 'attachment; filename="trees-v1.ndjson"'
    assert len(old.text.splitlines()) == 1
    assert client.get(ROWS, params={"as_of": "2025-01-01"}).status_code == 404


def test_a_cursor_keeps_to_its_version(client: TestClient) -> None:
    first = client.get(ROWS, params={"as_of": "1", "limit": "2", "order_by": "-id", "select": "id"}).json()
    following = client.get(ROWS, params={"cursor": first["next"], "limit": "2", "order_by": "-id", "select": "id"})
    assert following.json()["version"] == 1
    assert [row["id"] for row in first["items"] + following.json()["items"]] == [200, 199, 198, 197]
    clash = client.get(ROWS, params={"cursor": first["next"], "limit": "2", "order_by": "-id", "as_of": "2"})
    assert clash.status_code == 400


@pytest.mark.parametrize(
    ("address", "status", "code", "word"),
    [
        ("/api/v1/datasets/tree/rows", 404, "unknown-dataset", "Did you mean 'trees'?"),
        (f"{ROWS}?as_of=9", 404, "unknown-version", "no version"),
        (f"{ROWS}?specis=Tilia", 400, "bad-query", "Did you mean 'species'?"),
        (f"{ROWS}?height__near=3", 400, "bad-query", "no comparison 'near'"),
        (f"{ROWS}?limit=0", 400, "bad-query", "at least one row"),
        (f"{ROWS}?limit=1000000", 400, "bad-query", "at most 10,000"),
        (f"{ROWS}?limit=many", 400, "bad-query", "whole number"),
        (f"{ROWS}?limit=1&limit=2", 400, "bad-query", "given twice"),
        (f"{ROWS}?select=id,secret", 400, "unknown-column", "secret"),
        (f"{ROWS}?select=_row", 400, "unknown-column", "_row"),
        (f"{ROWS}?filter=pg_sleep(9)=1", 400, "bad-query", "cannot do"),
        (f"{ROWS}?bbox=1,2,3", 400, "bad-query", "four finite numbers"),
        (f"{ROWS}?cursor=abc", 400, "bad-query", "broken"),
        (f"{ROWS}?f=pdf", 400, "bad-query", "no form"),
        (f"{ROWS}?f=geojson&group_by=district", 400, "bad-query", "no geometry"),
        ("/api/v1/datasets/families/rows", 403, "not-allowed", "Registry office decides"),
        ("/api/v1/datasets/families/versions", 403, "not-allowed", "Registry office decides"),
        ("/api/v1/datasets/families/export.csv", 403, "not-allowed", "data@tiny.example"),
        ("/api/v1/datasets/families/profile", 403, "not-allowed", "closed"),
        ("/api/v1/datasets/families/rows?cursor=abc", 403, "not-allowed", "closed"),
        ("/api/v1/datasets/families/rows?filter=((&limit=x", 403, "not-allowed", "closed"),
        ("/api/v1/datasets/families/facets?limit=x", 403, "not-allowed", "closed"),
        ("/api/v1/datasets/families/changes?cursor=abc", 403, "not-allowed", "closed"),
        ("/api/v1/datasets/families/history", 403, "not-allowed", "closed"),
        ("/api/v1/datasets/families/versions?limit=x", 403, "not-allowed", "closed"),
        ("/api/v1/datasets/families/export.pdf?limit=x", 403, "not-allowed", "closed"),
        ("/api/v1/datasets/families/contract", 403, "not-allowed", "closed"),
        ("/api/v1/datasets/trees/export.pdf", 406, "not-acceptable", "csv"),
        ("/api/v1/datasets/trees/export.parquet?filter=id=1", 400, "bad-query", "Filters are for csv"),
        ("/api/v1/datasets/trees/export.csv?limit=3", 400, "bad-query", "/rows"),
        ("/api/v1/datasets/trees/export.csv?delimiter=x", 400, "bad-query", "delimiter"),
        ("/api/v1/datasets/trees/facets", 400, "bad-query", "Which columns"),
        ("/api/v1/datasets/trees/history", 400, "bad-query", "Which row"),
        ("/api/v1/datasets/trees/history?key=x", 400, "bad-query", "no number"),
        ("/api/v1/datasets/areas/changes", 400, "bad-query", "one version"),
        ("/api/v1/datasets?q=a&page=2", 400, "bad-query", "no parameter 'page'"),
        ("/api/v1/datasets?cursor=zzz", 400, "bad-query", "broken"),
        (f"{ROWS}?search={'a' * 501}", 400, "bad-query", "at most 500"),
        (f"/api/v1/datasets?q={'a' * 501}", 400, "bad-query", "at most 500"),
        (f"{ROWS}?filter={'a' * 20_001}", 400, "bad-query", "at most 20,000"),
        (f"{ROWS}?species={'a' * 20_001}", 400, "bad-query", "at most 20,000"),
        (f"/api/v1/datasets/trees/export.csv?search={'a' * 501}", 400, "bad-query", "at most 500"),
        (f"/api/v1/datasets/trees/facets?columns=district&search={'a' * 501}", 400, "bad-query", "at most 500"),
        (f"{ROWS}?{'a' * 5000}=1", 400, "bad-query", "aaaa…"),
        ("/api/v1/nothing", 404, None, "nothing at this address"),
    ],
)
def test_errors_are_problems(client: TestClient, address: str, status: int, code: str | None, word: str) -> None:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"] == (f"urn:arengo:error:{code}" if code else "about:blank")
    assert word in answer.text
    assert "Traceback" not in answer.text
    assert len(answer.content) < 4000  # what was sent is not sent back at length


def test_methods_forms_and_origins(client: TestClient) -> None:
    refused = client.delete(ROWS)
    assert refused.status_code == 405
    assert "GET" in refused.headers["allow"]
    assert refused.headers["content-type"] == "application/problem+json"
    asked = client.options(ROWS, headers={"origin": "https://a.example", "access-control-request-method": "POST"})
    assert asked.status_code == 204
    assert "POST" in asked.headers["access-control-allow-methods"]
    for accept, media in (
        ("application/geo+json", "application/geo+json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("application/x-ndjson;q=0.5, text/csv;q=0.4", "application/x-ndjson"),
        ("*/*", "application/json"),
    ):
        assert client.get(ROWS, headers={"accept": accept}).headers["content-type"] == media
    none = client.get(ROWS, headers={"accept": "image/png"})
    assert (none.status_code, "application/json" in none.text) == (406, True)


def test_a_question_in_the_body(client: TestClient) -> None:
    body = {
        "select": ["id", "height"],
        "where": {"district": ["Nord", "Sud"], "height__gte": 3},
        "filter": {"op": "<", "args": [{"property": "id"}, 20]},
        "order_by": ["-height"],
        "limit": 3,
        "count": True,
    }
    answer = client.post(ROWS, json=body)
    assert answer.status_code == 200, answer.text
    assert [row["id"] for row in answer.json()["items"]] == [1, 19, 18]
    same = client.get(
        ROWS,
        params={
            "select": "id,height",
            "district": ["Nord", "Sud"],
            "filter": "id < 20 AND height >= 3",
            "order_by": "-height",
            "limit": 3,
            "count": "true",
        },
    )
    assert same.json()["items"] == answer.json()["items"]
    assert answer.json()["matched"] == same.json()["matched"] == 9
    assert same.headers["arengo-matched"] == "9"
    for wrong in ({"limits": 3}, [1], {"where": 3}, {"bbox": {"a": 1}}):
        assert client.post(ROWS, json=wrong).status_code == 400
    assert client.post(ROWS, content=b"{").status_code == 400
    assert client.post(ROWS, content=b" " * 2_000_000).status_code == 400


def test_counts(client: TestClient) -> None:
    assert client.get(ROWS, params={"count": "true", "limit": 1}).json()["matched"] == 200
    assert "matched" not in client.get(ROWS, params={"limit": 1}).json()
    some = client.get(ROWS, params={"count": "true", "limit": 1, "species": "Tilia"}).json()
    assert some["matched"] == sum(1 for number in range(1, 202) if number % 6 == 0 and number != 3)
    groups = client.get(ROWS, params={"count": "true", "limit": 1, "group_by": "district"}).json()
    assert groups["matched"] == 3
    words = client.get(ROWS, params={"count": "true", "limit": 1, "search": "lime old"}).json()
    assert words["matched"] == len([n for n in range(1, 202) if n % 7 == 3 and n != 3])


def test_facets_leave_their_own_filter_out(client: TestClient) -> None:
    found = client.get(
        "/api/v1/datasets/trees/facets", params={"columns": "district,inspected:year", "district": "Nord", "limit": "2"}
    ).json()["facets"]
    assert len(found[0]["values"]) == 2
    assert found[0]["more"]
    assert sum(item["count"] for item in found[1]["values"]) < 100


def test_changes_page_by_page(client: TestClient) -> None:
    kinds, cursor = [], ""
    for _ in range(5):
        params = {"limit": "1", **({"cursor": cursor} if cursor else {})}
        page = client.get("/api/v1/datasets/trees/changes", params=params).json()
        kinds += [(item["kind"], item["key"]) for item in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert kinds == [("changed", [1]), ("removed", [3]), ("added", [201])]
    assert (page["added"], page["changed"], page["removed"], page["from"], page["to"]) == (1, 1, 1, 1, 2)


def test_reports_show_only_the_columns_of_the_view(client: TestClient) -> None:
    profile = client.get("/api/v1/datasets/trees/profile").json()
    assert list(profile["columns"]) == ["species"]
    assert client.get("/api/v1/datasets/areas/profile").json() == {}


def test_the_list_of_datasets(client: TestClient) -> None:
    first = client.get("/api/v1/datasets", params={"limit": "2"})
    body = first.json()
    assert [item["id"] for item in body["items"]] == ["areas", "families"]
    assert 'rel="next"' in first.headers["link"]
    rest = client.get("/api/v1/datasets", params={"limit": "2", "cursor": body["next"]}).json()
    assert [item["id"] for item in rest["items"]] == ["trees"]
    assert rest["next"] is None
    assert [i["id"] for i in client.get("/api/v1/datasets", params={"q": "alberi"}).json()["items"]] == ["trees"]
    assert [i["id"] for i in client.get("/api/v1/datasets", params={"theme": "REGI"}).json()["items"]] == ["areas"]
    closed = client.get("/api/v1/datasets/families").json()
    assert closed["decision"]["allowed"] is False
    assert "columns" not in closed
    assert closed["rows"] is None


def test_health_and_metrics(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    text = client.get("/metrics").text
    assert 'arengo_requests_total{face="rows",method="GET",status="200"}' in text
    assert "arengo_cache_hits_total" in text
    assert face_of("/api/v1/datasets/any/export.csv") == "export"
    meter = Meter()
    meter.add("/x", "GET", 200, 0.003)
    assert 'arengo_request_seconds_bucket{face="pages",le="0.005"} 1' in "\n".join(meter.lines())


def test_an_unexpected_error_leaks_nothing(tiny: TinyCity) -> None:
    def broken(request: Request) -> PlainTextResponse:
        raise RuntimeError("secret path /var/lib/x")

    def page(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("a page", 500)

    inner = Starlette(
        routes=[Route("/api/v1/broken", broken), Route("/page", broken)], exception_handlers=faces.handlers(page)
    )
    with TestClient(Gate(inner, tiny.catalogue)) as client:
        answer = client.get("/api/v1/broken")
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert "secret" not in answer.text
        assert answer.json()["instance"].startswith("urn:arengo:log:")
        assert client.get("/page").text == "a page"


def test_the_error_table() -> None:
    refused: Any = of(NotAllowed("no", todo="ask"))
    assert refused.status_code == 403
    inner: Any = of(LakeError("the file /var/lib/x is gone"))
    assert inner.status_code == 500
    assert b"/var/lib" not in inner.body


def test_no_link_repeats_the_host_of_a_request(tiny: TinyCity, client: TestClient) -> None:
    evil = {"host": "evil.example"}
    at = "/api/v1/datasets/trees"
    for address in (
        "/api/v1",
        "/api/v1/datasets?limit=1",
        at,
        f"{at}/versions",
        f"{at}/versions/1",
        "/api/v1/openapi.json",
    ):
        answer = client.get(address, headers=evil)
        assert answer.status_code == 200
        assert "evil" not in answer.text + str(answer.headers)
        assert "testserver" not in client.get(address).text
    assert client.get(at).json()["links"]["rows"] == f"{at}/rows"
    assert client.get("/api/v1/openapi.json").json()["servers"] == [{"url": "/"}]
    assert client.get(f"{ROWS}?limit=1").headers["link"].startswith(f"<{ROWS}?limit=1&cursor=")

    named = replace(tiny.settings, city=replace(tiny.settings.city, url="https://data.tiny.example/open/"))
    with TestClient(faces.application(tiny.door, tiny.catalogue, named)) as other:
        base = "https://data.tiny.example/open"
        assert other.get(at, headers=evil).json()["href"] == f"{base}{at}"
        assert other.get("/api/v1/openapi.json").json()["servers"] == [{"url": base}]
        assert other.get(f"{ROWS}?limit=1").headers["link"].startswith(f"<{base}{ROWS}?limit=1&cursor=")
        assert other.get("/api/v1/datasets?limit=1").headers["link"].startswith(f"<{base}/api/v1/datasets?limit=1&")
