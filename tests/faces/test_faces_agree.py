"""One suite over every form of a dataset: rows, types, unknown values, geometry and order must agree."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pyogrio
import pytest
from agreement import DATASETS, Table, from_geojson, from_wkb, normal, plain, spatial, truth
from starlette.testclient import TestClient
from tiny_city import TinyCity

from arengo.contract.model import Kind

SLOW = {("parquet", "areas"), ("geoparquet", "areas"), ("gpkg", "trees"), ("xlsx", "areas")}
"""A process each, like their counterparts."""


def fetch(client: TestClient, dataset: str, form: str, tmp: Path) -> tuple[Path, bytes]:
    found = client.get(f"/api/v1/datasets/{dataset}/export.{form}")
    assert found.status_code == 200, found.text
    path = tmp / f"{dataset}.{form}"
    path.write_bytes(found.content)
    return path, found.content


def read_csv(path: Path, body: bytes, place: str) -> tuple[Table, list[str | None]]:
    frame = pandas.read_csv(io.BytesIO(body), dtype=str, keep_default_na=False, na_values=[])
    rows = [{name: (None if value == "" else value) for name, value in row.items()} for row in frame.to_dict("records")]
    return rows, normal([row.pop(place, None) for row in rows]) if place in frame else []


def read_pages(body: bytes, place: str) -> tuple[Table, list[str | None]]:
    rows = [json.loads(line) for line in body.splitlines()]
    return rows, from_geojson([row.pop(place) for row in rows]) if rows and place in rows[0] else []


def read_geojson(body: bytes) -> tuple[Table, list[str | None]]:
    found = json.loads(body)
    assert found["type"] == "FeatureCollection"
    return [item["properties"] for item in found["features"]], from_geojson(
        [item["geometry"] for item in found["features"]]
    )


def read_arrow(table: pa.Table, place: str) -> tuple[Table, list[str | None]]:
    rows = table.to_pylist()
    for row in rows:
        row.pop("bbox", None)
    return rows, from_wkb([row.pop(place) for row in rows]) if place in table.column_names else []


def read_gpkg(path: Path) -> tuple[Table, list[str | None]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meta, table = pyogrio.read_arrow(path)
    return read_arrow(
        table.drop_columns([name for name in table.column_names if name == meta["fid_column"]]), meta["geometry_name"]
    )


def read_xlsx(path: Path, place: str) -> tuple[Table, list[str | None]]:
    sheet = openpyxl.load_workbook(path).worksheets[0]
    head, *body = list(sheet.values)
    rows = [dict(zip(head, row, strict=True)) for row in body]
    return rows, normal([row.pop(place) for row in rows]) if place in head else []


def read(form: str, path: Path, body: bytes, place: str) -> tuple[Table, list[str | None]]:
    readers: dict[str, Callable[[], tuple[Table, list[str | None]]]] = {
        "csv": lambda: read_csv(path, body, place),
        "ndjson": lambda: read_pages(body, place),
        "geojson": lambda: read_geojson(body),
        "parquet": lambda: read_arrow(pq.read_table(path), place),
        "geoparquet": lambda: read_arrow(pq.read_table(path), place or "geometry"),
        "arrow": lambda: read_arrow(pa.ipc.open_stream(body).read_all(), place),
        "gpkg": lambda: read_gpkg(path),
        "xlsx": lambda: read_xlsx(path, place),
    }
    return readers[form]()


@pytest.mark.parametrize(
    ("form", "dataset"),
    [
        pytest.param(form, dataset, marks=pytest.mark.slow if (form, dataset) in SLOW else ())
        for form in ("csv", "ndjson", "geojson", "parquet", "geoparquet", "arrow", "gpkg", "xlsx")
        for dataset in DATASETS
    ],
)
def test_every_download_agrees_with_the_door(
    tiny: TinyCity, client: TestClient, tmp_path: Path, dataset: str, form: str
) -> None:
    wanted, places = truth(tiny, dataset)
    view = tiny.door.view(dataset)
    kinds = {item.name: item.kind for item in view.columns if item.kind is not Kind.GEOMETRY}
    place = "shape" if dataset == "areas" else "geometry" if form == "geoparquet" else ""
    path, body = fetch(client, dataset, form, tmp_path)
    rows, found = read(form, path, body, place)
    assert len(rows) == len(wanted) == view.version.rows
    lossy = {"csv"}  # as pandas was told to read it, an empty text is an unknown one
    for mine, theirs in zip(rows, wanted, strict=True):
        assert list(mine) == list(kinds)
        for name, kind in kinds.items():
            expected = plain(theirs[name], kind)
            if form in lossy and expected == "":
                expected = None
            assert plain(mine[name], kind) == expected, (name, mine, theirs)
    if found:
        assert found == places
    assert found or form in ("csv", "ndjson", "parquet", "arrow", "xlsx")


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_rows_api_agrees_with_the_door(tiny: TinyCity, client: TestClient, dataset: str) -> None:
    wanted, places = truth(tiny, dataset)
    kinds = {item.name: item.kind for item in tiny.door.view(dataset).columns if item.kind is not Kind.GEOMETRY}
    for form in ("json", "arrays", "ndjson", "geojson", "csv"):
        pages: Table = []
        found: list[str | None] = []
        cursor = ""
        while True:
            params = {"limit": "37", "f": form, **({"cursor": cursor} if cursor else {})}
            answer = client.get(f"/api/v1/datasets/{dataset}/rows", params=params)
            assert answer.status_code == 200, answer.text
            if form == "json":
                rows = answer.json()["items"]
                found += from_geojson([row.pop("shape") for row in rows]) if dataset == "areas" else []
            elif form == "arrays":
                names = [item["name"] for item in answer.json()["columns"]]
                rows = [dict(zip(names, row, strict=True)) for row in answer.json()["rows"]]
                [row.pop("shape", None) for row in rows]
            elif form == "geojson":
                rows, more = read_geojson(answer.content)
                found += more
            elif form == "csv":
                rows, more = read_csv(Path(), answer.content, "shape")
                found += more
            else:
                rows, more = read_pages(answer.content, "shape")
                found += more
            pages += rows
            link = answer.links.get("next")
            if link is None:
                break
            assert "limit=37" in link["url"]
            assert f"f={form}" in link["url"]
            cursor = dict(part.split("=", 1) for part in link["url"].partition("?")[2].split("&"))["cursor"]
        assert len(pages) == len(wanted)
        for mine, theirs in zip(pages, wanted, strict=True):
            for name, kind in kinds.items():
                expected = plain(theirs[name], kind)
                assert plain(mine[name], kind) == (None if form == "csv" and expected == "" else expected)
        if found:
            assert found == places


@pytest.mark.slow
def test_geoparquet_says_what_it_is(client: TestClient, tmp_path: Path) -> None:
    path, _ = fetch(client, "areas", "geoparquet", tmp_path)
    geo = json.loads(pq.read_metadata(path).metadata[b"geo"])
    assert geo == {
        "version": "1.1.0",
        "primary_column": "shape",
        "columns": {
            "shape": {
                "encoding": "WKB",
                "geometry_types": ["MultiPolygon", "Polygon"],
                "bbox": [0.0, 0.0, 12.0, 12.0],
                "covering": {"bbox": {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}},
            }
        },
    }
    boxes = pq.read_table(path).column("bbox").to_pylist()
    assert boxes[0] == {"xmin": 0.0, "ymin": 0.0, "xmax": 1.0, "ymax": 1.0}
    assert boxes[3] is None
    point, _ = fetch(client, "trees", "geoparquet", tmp_path)
    kinds = json.loads(pq.read_metadata(point).metadata[b"geo"])["columns"]["geometry"]["geometry_types"]
    assert kinds == ["Point"]
    kind = spatial().execute("SELECT typeof(shape) FROM read_parquet(?) LIMIT 1", [str(path)]).fetchone()
    assert kind is not None
    assert kind[0].startswith("GEOMETRY")


@pytest.mark.slow
def test_geopackage_has_its_layer_and_crs(client: TestClient, tmp_path: Path) -> None:
    path, _ = fetch(client, "areas", "gpkg", tmp_path)
    info = pyogrio.read_info(path)
    assert info["features"] == 4
    assert pyogrio.list_layers(path)[0][0] == "areas"
    assert info["crs"] == "EPSG:4326"
    assert tuple(info["total_bounds"]) == (0.0, 0.0, 12.0, 12.0)


def test_excel_runs_no_text(client: TestClient, tmp_path: Path) -> None:
    path, _ = fetch(client, "trees", "xlsx", tmp_path)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    column = [cell.value for cell in sheet[1]].index("notes")
    assert "=1+1" in [row[column].value for row in sheet.iter_rows()]
    code = [cell.value for cell in sheet[1]].index("code")
    assert sheet.cell(2, code + 1).value == "0001"


def test_safe_csv_starts_no_formula(client: TestClient) -> None:
    at = "/api/v1/datasets/trees/export.csv"
    frame = pandas.read_csv(
        io.BytesIO(client.get(at, params={"safe": "true"}).content), dtype=str, keep_default_na=False
    )
    risky = [text for name in ("notes", "species", "code") for text in frame[name] if text[:1] in tuple("=+-@\t\r")]
    assert risky == []
    assert "'=1+1" in set(frame["notes"])
    assert "=1+1" in client.get(at).text
    marked = client.get(at, params={"bom": "true", "delimiter": ";"}).content
    assert marked.startswith(b'\xef\xbb\xbf"id";"species"')
