"""Open datasets as Iceberg tables, read by pyiceberg and DuckDB over HTTP."""

from __future__ import annotations

import glob
import importlib.util
from typing import Any

import pytest
from tiny_city import TinyCity

TABLES = "/iceberg/v1/namespaces/arengo/tables"


def test_pyiceberg_reads_what_the_rows_face_gives(address: str, client: Any) -> None:
    from pyiceberg.catalog import load_catalog

    catalog = load_catalog("city", type="rest", uri=f"{address}/iceberg")
    assert catalog.list_namespaces() == [("arengo",)]
    assert catalog.list_tables("arengo") == [("arengo", "areas"), ("arengo", "trees")]
    table = catalog.load_table(("arengo", "trees"))
    newest = table.scan().to_arrow()
    assert not [name for name in newest.schema.names if name.startswith("_")]
    rows = client.get("/api/v1/datasets/trees/rows", params={"limit": 10_000, "select": "id,species"}).json()["items"]
    assert sorted(newest.column("id").to_pylist()) == sorted(row["id"] for row in rows)
    species = dict(zip(newest.column("id").to_pylist(), newest.column("species").to_pylist(), strict=True))
    assert species == {row["id"]: row["species"] for row in rows}
    versions = client.get("/api/v1/datasets/trees/versions").json()["items"]
    for version in versions:
        tag = table.refs()[f"v{version['number']}"]
        assert table.scan(snapshot_id=tag.snapshot_id).count() == version["rows"]
    chosen = table.scan(row_filter="district == 'Nord'", selected_fields=("id",)).to_arrow()
    assert chosen.num_rows == sum(1 for row in newest.to_pylist() if row["district"] == "Nord")


def test_pyiceberg_is_told_why_it_may_not(address: str) -> None:
    from pyiceberg.catalog import load_catalog
    from pyiceberg.exceptions import ForbiddenError, NoSuchTableError

    catalog = load_catalog("city", type="rest", uri=f"{address}/iceberg")
    with pytest.raises(ForbiddenError, match="closed"):
        catalog.load_table(("arengo", "families"))
    with pytest.raises(NoSuchTableError):
        catalog.load_table(("arengo", "nothing"))


def test_duckdb_reads_a_table_and_an_earlier_version(address: str, client: Any) -> None:
    import duckdb

    with duckdb.connect() as connection:
        for name in ("avro", "httpfs", "iceberg"):
            spec = importlib.util.find_spec(f"duckdb_extension_{name}")
            if spec is None or not spec.submodule_search_locations:
                pytest.skip(f"the DuckDB extension {name} is not installed")
            (path,) = glob.glob(f"{spec.submodule_search_locations[0]}/extensions/*/*.duckdb_extension")
            connection.execute(f"LOAD '{path}'")
        connection.execute(f"ATTACH '' AS city (TYPE iceberg, ENDPOINT '{address}/iceberg', AUTHORIZATION_TYPE 'none')")
        versions = client.get("/api/v1/datasets/trees/versions").json()["items"]
        found = connection.execute("SELECT count(*) FROM city.arengo.trees").fetchone()
        assert found == (versions[0]["rows"],)
        table = client.get(f"{TABLES}/trees").json()["metadata"]
        first = table["snapshots"][0]["snapshot-id"]
        found = connection.execute(f"SELECT count(*) FROM city.arengo.trees AT (VERSION => {first})").fetchone()
        assert found == (versions[-1]["rows"],)


def test_only_files_of_open_versions_are_given(client: Any, tiny: TinyCity) -> None:
    closed = tiny.lake.resolve("families").files[0].path.split("/data/")[1]
    for name in (f"families/data/{closed}", f"trees/data/{closed}", "trees/data/../../families/data/x.parquet"):
        assert client.get(f"/iceberg-data/{name}").status_code in (403, 404)
    for name in ("trees/metadata/v1/../../../state.sqlite", "trees/data/%2e%2e/%2e%2e/catalog.sqlite", "trees/data/"):
        assert client.get(f"/iceberg-data/{name}").status_code in (404, 405)
    assert client.get("/iceberg-data", params={"list-type": "2", "prefix": "families/"}).status_code == 403


def test_ranges_as_s3_clients_ask_for_them(client: Any) -> None:
    listed = client.get("/iceberg-data", params={"list-type": "2", "prefix": "trees/data/"}).text
    key = listed.split("<Key>")[1].split("<")[0]
    whole = client.get(f"/iceberg-data/{key}")
    assert whole.content[:4] == b"PAR1"
    part = client.get(f"/iceberg-data/{key}", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PAR1")
    assert client.get(f"/iceberg-data/{key}", headers={"range": "bytes=-4"}).content == b"PAR1"
    assert int(client.head(f"/iceberg-data/{key}").headers["content-length"]) == len(whole.content)
    sheet = client.get("/iceberg-data/trees/metadata/v1/list.avro").content
    assert sheet[:3] == b"Obj"
    span = client.get("/iceberg-data/trees/metadata/v1/list.avro", headers={"range": "bytes=1-2"})
    assert (span.status_code, span.content) == (206, sheet[1:3])
    far = client.get("/iceberg-data/trees/metadata/v1/list.avro", headers={"range": "bytes=999999-"})
    assert far.status_code == 416


def test_nothing_can_be_written(client: Any) -> None:
    for method, path in (("POST", TABLES), ("DELETE", f"{TABLES}/trees"), ("POST", f"{TABLES}/trees")):
        answer = client.request(method, path, json={})
        assert answer.status_code in (403, 405), path
    assert client.put("/iceberg-data/trees/data/x", content=b"x").status_code in (403, 405)


def test_pages_of_tables(client: Any) -> None:
    first = client.get(TABLES, params={"pageToken": "", "pageSize": "1"}).json()
    assert [item["name"] for item in first["identifiers"]] == ["areas"]
    then = client.get(TABLES, params={"pageToken": first["next-page-token"], "pageSize": "1"}).json()
    assert [item["name"] for item in then["identifiers"]] == ["trees"]
    assert then["next-page-token"] is None
    assert client.get(TABLES, params={"pageToken": "", "pageSize": "-1"}).status_code == 400
