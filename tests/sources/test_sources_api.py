"""JSON interfaces: every way of paging, keys, retries, drafts."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import answer

from arengo.contract.model import SourceSpec
from arengo.errors import ContractError, SourceChanged, SourceMalformed, SourceMissing
from arengo.sources import detect, reader, samples

ROWS = [{"id": n, "name": f"tree {n}", "place": {"lat": 43.9, "lon": 12 + n / 100}} for n in range(25)]
IDS = [str(row["id"]) for row in ROWS]


def route(web, path, make):
    """``make(query) -> (document, headers)``."""

    def run(handler):
        query = {name: values[-1] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        document, headers = make(query)
        answer(handler, json.dumps(document).encode(), Content_Type="application/json", **headers)

    web.routes[path] = run
    return web.url + path


def offset_route(web, total="total"):
    def make(query):
        start, size = int(query.get("offset", 0)), int(query.get("limit", 10))
        return {"result": {"records": ROWS[start : start + size], total: len(ROWS)}}, {}

    return route(web, "/api/3/action/datastore_search", make)


def test_ckan_datastore_is_drafted_and_read(web, context, pull):
    url = offset_route(web) + "?resource_id=abc"
    spec = detect(url, context)
    assert spec.kind == "http-json"
    (found,) = samples(spec, context)
    assert found.options["records"] == "result.records"
    assert found.options["paging"] == "offset"
    assert found.total == 25
    assert [column.name for column in found.columns] == ["id", "name", "place.lat", "place.lon"]
    assert [column.declared for column in found.columns] == ["BIGINT", "", "DOUBLE", "DOUBLE"]
    read = pull("http-json", columns=("id", "place.lat"), **found.options)
    assert read.column("id") == IDS
    assert read.numbers == list(range(1, 26))
    assert all("resource_id=abc" in path for path, _ in web.asked)


def test_next_link_in_the_body_relative_and_listed(web, pull):
    def make(query):
        start = int(query.get("at", 0))
        links = [{"rel": "self", "href": "x"}]
        if start + 10 < 25:
            links.append({"rel": "next", "href": f"/items?at={start + 10}"})
        return {"items": ROWS[start : start + 10], "links": links}, {}

    url = route(web, "/items", make)
    assert pull("http-json", url=url, paging="next", next="links", records="items").column("id") == IDS
    assert pull("http-json", url=url).column("id") == IDS  # found


def test_odata_and_ogc_features(web, pull, sample):
    def features(query):
        start = int(query.get("offset", 0))
        found = [
            {
                "type": "Feature",
                "id": row["id"],
                "properties": {"name": row["name"]},
                "geometry": {"type": "Point", "coordinates": [row["place"]["lon"], 43.9]},
            }
            for row in ROWS[start : start + 10]
        ]
        links = [{"rel": "next", "href": f"{web.url}/ogc?offset={start + 10}"}] if start + 10 < 25 else []
        return {"type": "FeatureCollection", "features": found, "links": links, "numberMatched": 25}, {}

    url = route(web, "/ogc", features)
    (found,) = sample("http-json", url=url)
    assert (found.geometry, found.crs, found.geometry_types) == ("geometry", "EPSG:4326", ("Point",))
    assert [column.name for column in found.columns] == ["id", "name", "geometry"]
    read = pull("http-json", **found.options)
    assert read.column("id") == IDS
    assert all(len(shape) == 21 for shape in read.column("geometry"))

    def odata(query):
        start = int(query.get("$skip", 0))
        more = {"@odata.nextLink": f"{web.url}/odata?$skip={start + 10}"} if start + 10 < 25 else {}
        return {"value": ROWS[start : start + 10], **more}, {}

    assert pull("http-json", url=route(web, "/odata", odata)).column("id") == IDS


def test_link_header(web, pull):
    def make(query):
        page = int(query.get("page", 1))
        more = {"Link": f'<{web.url}/list?page={page + 1}>; rel="next"'} if page < 3 else {}
        return ROWS[(page - 1) * 10 : page * 10], more

    assert pull("http-json", url=route(web, "/list", make)).column("id") == IDS


def test_page_number_and_cursor(web, pull):
    def pages(query):
        page = int(query["page"])
        return {"data": ROWS[(page - 1) * 10 : page * 10]}, {}

    url = route(web, "/pages", pages)
    assert pull("http-json", url=url, records="data", paging="page", limit=10).column("id") == IDS

    def cursor(query):
        start = int(query.get("after", 0))
        return {"data": ROWS[start : start + 10], "meta": {"after": start + 10 if start + 10 < 25 else None}}, {}

    url = route(web, "/cursor", cursor)
    read = pull("http-json", url=url, records="data", paging="cursor", cursor="meta.after", cursor_param="after")
    assert read.column("id") == IDS


def test_opendatasoft_and_socrata(web, pull):
    def ods(query):
        start, size = int(query.get("offset", 0)), int(query.get("limit", 10))
        return {"total_count": 25, "results": ROWS[start : start + size]}, {}

    assert pull("http-json", url=route(web, "/records", ods) + "?limit=10").column("id") == IDS

    def socrata(query):
        start, size = int(query.get("$offset", 0)), int(query.get("$limit", 10))
        return ROWS[start : start + size], {}

    assert pull("http-json", url=route(web, "/resource.json", socrata) + "?$limit=10").column("id") == IDS


def test_post_with_a_body_and_a_key(web, pull, monkeypatch):
    seen = []

    def make(handler):
        seen.append(
            (handler.command, handler.rfile.read(int(handler.headers["Content-Length"])), handler.headers["X-Key"])
        )
        answer(handler, b'{"rows": [{"a": 1}]}')

    web.routes["/q"] = make
    monkeypatch.setenv("CITY_KEY", "k")
    options = {"method": "POST", "body": {"q": "x"}, "headers_env": {"X-Key": "CITY_KEY"}}
    assert pull("http-json", url=web.url + "/q", records="rows", paging="none", **options).column("a") == ["1"]
    assert seen == [("POST", b'{"q":"x"}', "k")]


def test_incremental_by_a_growing_column(web, pull, context):
    def make(query):
        return {"data": [row for row in ROWS if row["id"] > int(query.get("since", -1))]}, {}

    url = route(web, "/inc", make)
    options = {"url": url, "records": "data", "paging": "none", "incremental": "id", "since": "since"}
    first = pull("http-json", **options)
    assert not first.pull.incremental
    assert first.pull.fingerprint.state["high"] == 24
    ROWS.append({"id": 25, "name": "new", "place": {}})
    try:
        later = replace(context, state=first.pull.fingerprint.state)
        second = pull("http-json", columns=("id", "name"), context=later, **options)
    finally:
        ROWS.pop()
    assert second.pull.incremental
    assert second.column("name") == ["new"]


def test_a_parameter_the_server_does_not_know(web, pull):
    url = route(web, "/same", lambda _: ({"data": ROWS[:10]}, {}))
    with pytest.raises(SourceMalformed, match="two pages with the same records"):
        pull("http-json", url=url, records="data", paging="page", columns=("id",))


def test_pages_that_run_in_a_circle(web, pull):
    def make(query):
        at = query.get("at", "a")
        return {"data": [{"id": at}], "next": f"/circle?at={'b' if at == 'a' else 'a'}"}, {}

    with pytest.raises(SourceMalformed, match="circle"):
        pull("http-json", url=route(web, "/circle", make), records="data", paging="next", columns=("id",))


def test_fewer_records_than_promised_is_a_change(web, pull):
    def make(query):
        start = int(query.get("offset", 0))
        return {"total": 25, "data": ROWS[start : start + 10] if start < 20 else []}, {}

    with pytest.raises(SourceChanged, match="promised 25 records and sent 20"):
        pull("http-json", url=route(web, "/less", make), records="data", paging="offset", limit=10, total="total")


def test_what_is_no_json_and_what_is_missing(web, pull, context):
    with pytest.raises(SourceMalformed, match="not JSON"):
        pull("http-json", url=web.serve("/page", b"<html>"))
    with pytest.raises(SourceMalformed, match="no member 'rows'"):
        pull("http-json", url=web.serve("/other", b"{}"), records="rows", paging="none")
    with pytest.raises(SourceMissing):
        pull("http-json", url=web.url + "/nowhere")
    with pytest.raises(ContractError, match="paging"):
        pull("http-json", url=web.url, paging="zigzag")
    with pytest.raises(ContractError, match="no url"):
        reader("http-json").open(SourceSpec("http-json"), (), context)


def test_a_busy_interface_is_asked_again(web, pull):
    replies = [503, 429, 200]

    def make(handler):
        status = replies.pop(0)
        answer(handler, b'[{"a": 1}]', status, Retry_After="0")

    web.routes["/busy"] = make
    assert pull("http-json", url=web.url + "/busy", records="", paging="none").column("a") == ["1"]
