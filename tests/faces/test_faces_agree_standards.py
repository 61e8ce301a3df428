"""The same rows through every standard: CKAN, SQL, Iceberg and assistants tell what the door tells.

Downloads and the rows API are held against the door in test_faces_agree.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from xml.etree import ElementTree

import anyio
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from agreement import DATASETS, Table, from_geojson, from_wkb, kinds_of, normal, same, truth
from starlette.testclient import TestClient
from tiny_city import TinyCity

PAGE = 37
"""Rows asked at once: the small city's tables have more, so that pages must go on in one order."""


def resource(client: TestClient, dataset: str) -> str:
    found = client.get("/api/3/action/package_show", params={"id": dataset}).json()["result"]
    return next(str(item["id"]) for item in found["resources"] if item["datastore_active"])


def split(rows: Table, dataset: str) -> tuple[Table, list[str | None]]:
    """Rows without their place, and the places (GeoJSON objects or text of them)."""
    if dataset != "areas":
        return rows, []
    shapes = [row.pop("shape") for row in rows]
    return rows, from_geojson([json.loads(shape) if isinstance(shape, str) and shape else shape for shape in shapes])


KEYS = {"trees": "id", "areas": "code"}


def told(item: ElementTree.Element) -> Any:
    """A value of the XML that CKAN writes: what is below ``value`` elements is a list or an object."""
    if len(item) == 0:
        text = None if item.get("{http://www.w3.org/2001/XMLSchema-instance}nil") else item.text or ""
        coordinate = item.get("key") and text and re.fullmatch(r"-?\d+\.\d+", text)
        return float(text) if coordinate else text
    if item[0].get("key") == "0":
        return [told(part) for part in item]
    return {str(part.get("key")): told(part) for part in item}


def check(
    tiny: TinyCity,
    dataset: str,
    rows: Table,
    places: list[str | None],
    *,
    empty_is_unknown: bool = False,
    by_key: bool = False,
) -> None:
    """``by_key``: a standard without an order of its own was asked for the key's."""
    wanted, stands = truth(tiny, dataset)
    if by_key and dataset == "trees":  # areas lie in the order of their key
        wanted.sort(key=lambda row: row["id"])
    same(rows, wanted, kinds_of(tiny, dataset), empty_is_unknown=empty_is_unknown)
    if dataset == "areas":
        assert places == stands


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("form", ["objects", "lists", "csv", "tsv"])
def test_ckan_pages_agree(tiny: TinyCity, client: TestClient, dataset: str, form: str) -> None:
    rows: Table = []
    total = None
    while total is None or len(rows) < total:
        params = {"resource_id": resource(client, dataset), "limit": PAGE, "offset": len(rows), "records_format": form}
        found = client.get("/api/3/action/datastore_search", params=params).json()["result"]
        total = found["total"]
        names = [item["id"] for item in found["fields"]]
        if form == "objects":
            page = found["records"]
        elif form == "lists":
            page = [dict(zip(names, row, strict=True)) for row in found["records"]]
        else:
            read = csv.reader(io.StringIO(found["records"]), delimiter="," if form == "csv" else "\t")
            page = [dict(zip(names, (cell or None for cell in row), strict=True)) for row in read]
        assert page
        rows += page
    assert [int(row.pop("_id")) for row in rows] == list(range(1, len(rows) + 1))
    check(tiny, dataset, *split(rows, dataset), empty_is_unknown=form in ("csv", "tsv"))


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("form", ["csv", "tsv", "json", "xml"])
def test_ckan_dumps_agree(tiny: TinyCity, client: TestClient, dataset: str, form: str) -> None:
    answer = client.get(f"/datastore/dump/{resource(client, dataset)}", params={"format": form})
    if form == "json":
        body = answer.json()
        names = [item["id"] for item in body["fields"]]
        rows = [dict(zip(names, row, strict=True)) for row in body["records"]]
    elif form == "xml":
        rows = [
            {"_id": row.get("_id"), **{item.tag: told(item) for item in row}} for row in ElementTree.XML(answer.text)
        ]
    else:
        head, *read = csv.reader(io.StringIO(answer.text), delimiter="," if form == "csv" else "\t")
        rows = [dict(zip(head, (cell or None for cell in row), strict=True)) for row in read]
    check(tiny, dataset, *split(rows, dataset), empty_is_unknown=form in ("csv", "tsv"))


@pytest.mark.parametrize("dataset", DATASETS)
def test_ckan_sql_agrees(tiny: TinyCity, client: TestClient, dataset: str) -> None:
    sql = f'SELECT * FROM "{resource(client, dataset)}" ORDER BY "{KEYS[dataset]}"'
    found = client.get("/api/3/action/datastore_search_sql", params={"sql": sql}).json()["result"]
    check(tiny, dataset, *split(found["records"], dataset), by_key=True)


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("form", ["json", "ndjson", "arrays", "csv", "parquet", "arrow"])
def test_sql_agrees(tiny: TinyCity, client: TestClient, dataset: str, form: str) -> None:
    answer = client.get(
        "/api/v1/sql", params={"q": f"SELECT * FROM {dataset} ORDER BY {KEYS[dataset]}", "format": form}
    )
    assert answer.status_code == 200, answer.text
    places: list[str | None] = []
    if form == "json":
        rows, places = split(answer.json()["items"], dataset)
    elif form == "ndjson":
        rows, places = split([json.loads(line) for line in answer.content.splitlines()], dataset)
    elif form == "arrays":
        names = [item["name"] for item in answer.json()["columns"]]
        rows, places = split([dict(zip(names, row, strict=True)) for row in answer.json()["rows"]], dataset)
    elif form == "csv":
        rows = [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(io.StringIO(answer.text))]
        places = normal([row.pop("shape") for row in rows]) if dataset == "areas" else []
    else:
        table = (pq.read_table if form == "parquet" else _arrow)(io.BytesIO(answer.content))
        rows = table.to_pylist()
        places = from_wkb([row.pop("shape") for row in rows]) if dataset == "areas" else []
    check(tiny, dataset, rows, places, empty_is_unknown=form == "csv", by_key=True)


def _arrow(body: io.BytesIO) -> pa.Table:
    return pa.ipc.open_stream(body).read_all()


@pytest.mark.parametrize("dataset", DATASETS)
def test_iceberg_agrees(tiny: TinyCity, address: str, dataset: str) -> None:
    from pyiceberg.catalog import load_catalog

    catalog = load_catalog("city", type="rest", uri=f"{address}/iceberg")
    rows = catalog.load_table(("arengo", dataset)).scan().to_arrow()
    found = rows.sort_by(KEYS[dataset]).to_pylist()  # a table of Iceberg has no order
    places = from_wkb([row.pop("shape") for row in found]) if dataset == "areas" else []
    check(tiny, dataset, found, places, by_key=True)


@pytest.mark.parametrize("dataset", DATASETS)
def test_assistants_are_told_the_same(tiny: TinyCity, address: str, dataset: str) -> None:
    from mcp.client.client import Client

    columns = [item.name for item in tiny.door.view(dataset).columns]

    async def read() -> Table:
        rows: Table = []
        cursor = ""
        async with Client(f"{address}/mcp") as client:
            while True:
                asked: dict[str, Any] = {"dataset": dataset, "select": columns, "limit": PAGE}
                found = await client.call_tool("query_dataset", {**asked, **({"cursor": cursor} if cursor else {})})
                assert not found.is_error, found.content[0].text
                told = found.structured_content
                rows += told["rows"]
                cursor = told.get("next") or ""
                if not cursor:
                    return rows

    check(tiny, dataset, *split(anyio.run(read), dataset))


@pytest.mark.parametrize("form", ["json", "csv"])
def test_what_is_closed_is_closed_everywhere(tiny: TinyCity, client: TestClient, address: str, form: str) -> None:
    """No standard gives a row, a column or a count of the closed register."""
    listed = client.get("/api/3/action/package_show", params={"id": "families"}).json()
    active = [item for item in listed.get("result", {}).get("resources", ()) if item.get("datastore_active")]
    assert not active
    refused = {
        "/api/v1/datasets/families/rows": {"f": form},
        f"/api/v1/datasets/families/export.{form}": {},
        "/api/v1/datasets/families/facets": {"columns": "person"},
        "/api/v1/datasets/families/history": {"key": "p1"},
        "/api/v1/datasets/families/changes": {},
        "/api/v1/datasets/families/profile": {},
        "/api/v1/sql": {"q": "SELECT count(*) FROM families", "format": form},
        "/iceberg/v1/namespaces/arengo/tables/families": {},
    }
    for path, params in refused.items():
        answer = client.get(path, params=params)
        assert answer.status_code in (401, 403, 404), (path, answer.status_code)
        assert "p1" not in answer.text
        assert "income" not in answer.text, path
