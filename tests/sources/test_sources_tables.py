"""Parquet, GTFS, folders, places on disk."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import struct
import time
import zipfile
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arengo.contract.model import SourceSpec
from arengo.errors import SourceChanged, SourceForbidden, SourceMalformed, SourceMissing
from arengo.sources import detect, reader, samples

# -- Parquet --


def test_parquet_keeps_its_types(tmp_path, pull, sample, context):
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int16()),
            "big": pa.array([2**63, 1], pa.uint64()),
            "price": pa.array([Decimal("1.10"), None], pa.decimal128(10, 2)),
            "day": pa.array([dt.date(2026, 1, 1), None]),
            "at": pa.array([dt.datetime(2026, 1, 1, 12), None], pa.timestamp("ns", "Europe/Rome")),
            "word": pa.array(["a", "b"]).dictionary_encode(),
            "tags": pa.array([["x"], None]),
            "place": pa.array([{"lat": 1.5}, None]),
            "ok": pa.array([True, None]),
        }
    )
    pq.write_table(table, path)
    assert detect(str(path), context).kind == "parquet"
    (found,) = sample("parquet", path=str(path))
    assert [column.declared for column in found.columns] == [
        "BIGINT",
        "DECIMAL(20,0)",
        "DECIMAL(10,2)",
        "DATE",
        "TIMESTAMP WITH TIME ZONE",
        "VARCHAR",
        "JSON",
        "JSON",
        "BOOLEAN",
    ]
    read = pull("parquet", path=str(path))
    first = read.rows[0]
    assert (first["id"], first["big"], first["price"], first["day"]) == (1, 2**63, Decimal("1.10"), dt.date(2026, 1, 1))
    assert (first["tags"], first["place"], first["ok"], first["word"]) == ('["x"]', '{"lat":1.5}', True, "a")
    assert first["at"].isoformat().startswith("2026-01-01T13:00:00")
    assert read.pull.schema.field("at").type == pa.timestamp("us", "Europe/Rome")
    assert pull("parquet", path=str(path), columns=("word", "id")).pull.schema.names == ["_row", "word", "id"]
    with pytest.raises(SourceMalformed, match="no column 'x'"):
        pull("parquet", path=str(path), columns=("x",))


def geoparquet(path, **about):
    shapes = pa.array([struct.pack("<BIdd", 1, 1, 2.0 + n, 41.0) for n in range(3)], pa.binary())
    geo = {"version": "1.1.0", "primary_column": "geom", "columns": {"geom": {"encoding": "WKB", **about}}}
    table = pa.table({"n": [1, 2, 3], "geom": shapes}).replace_schema_metadata({"geo": json.dumps(geo)})
    pq.write_table(table, path)
    return str(path)


def test_geoparquet_names_geometry_and_crs(tmp_path, pull, sample):
    path = geoparquet(tmp_path / "a.parquet", geometry_types=["Point"], bbox=[2.0, 41.0, 4.0, 41.0])
    (found,) = sample("parquet", path=path)
    assert (found.geometry, found.crs, found.geometry_types) == ("geom", "EPSG:4326", ("Point",))
    assert found.bounds == (2.0, 41.0, 4.0, 41.0)
    assert pull("parquet", path=path).pull.schema.field("geom").type == pa.binary()
    crs = {"id": {"authority": "EPSG", "code": 25831}}
    assert sample("parquet", path=geoparquet(tmp_path / "b.parquet", crs=crs))[0].crs == "EPSG:25831"
    with pytest.raises(SourceMalformed, match="encoded as point"):
        pull("parquet", path=geoparquet(tmp_path / "c.parquet", encoding="point"))


def test_parquet_that_breaks_off(tmp_path, pull):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(SourceMalformed, match="not a Parquet"):
        pull("parquet", path=str(path))


def test_real_parquet(real, sample):
    (found,) = sample("parquet", path=str(real / "lapaz-census" / "poblacion.parquet"))
    assert found.total == 247_346
    assert [(column.name, column.declared) for column in found.columns] == [
        ("codigo", "VARCHAR"),
        ("validado", "BOOLEAN"),
        ("personas", "BIGINT"),
        ("viviendas", "BIGINT"),
    ]


# -- GTFS --


def feed(path, **tables):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, rows in tables.items():
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            out.writestr(f"{name}.txt", "\ufeff" + text.getvalue())
    return str(path)


def test_gtfs_gives_a_table_a_member(tmp_path, context, pull, sample):
    path = feed(
        tmp_path / "feed.zip",
        agency=[["agency_id", "agency_name"], ["1", "Trams"]],
        stops=[["stop_id", "stop_name", "stop_lat", "stop_lon"], ["007", "Ara", "43.9", "12.4"]],
        routes=[["route_id", "route_type"], ["R1", "0"]],
        trips=[["trip_id", "route_id"], ["T1", "R1"]],
        stop_times=[
            ["trip_id", "arrival_time", "stop_sequence"],
            ["T1", "25:10:00", "1"],
            ["T1", "", "2"],
            ["T1", "7:00:00", "3", "surplus"],
        ],
        calendar=[["service_id", "monday", "start_date"], ["S", "1", "20260101"]],
    )
    spec = detect(path, context)
    assert spec.kind == "gtfs"
    found = {one.table: one for one in sample("gtfs", **spec.options)}
    assert set(found) == {"agency", "stops", "routes", "trips", "stop_times", "calendar"}
    assert found["stop_times"].keys == ("trip_id", "stop_sequence")
    assert [column.declared for column in found["stop_times"].columns] == ["VARCHAR", "VARCHAR", "BIGINT"]
    assert [column.declared for column in found["calendar"].columns] == ["VARCHAR", "BIGINT", "DATE"]
    assert found["stops"].extra["x"] == "stop_lon"
    assert found["stops"].crs == "EPSG:4326"
    read = pull("gtfs", **found["stop_times"].options)
    assert read.column("arrival_time") == ["25:10:00", None]
    assert [reject.row for reject in read.rejects] == [3]
    assert pull("gtfs", path=path, table="stops").column("stop_id") == ["007"]
    with pytest.raises(SourceMalformed, match="no table 'shapes'"):
        pull("gtfs", path=path, table="shapes")


def test_real_gtfs(real, context, pull):
    path = str(real / "accra-gtfs" / "GTFS_Accra.zip")
    assert detect(path, context).kind == "gtfs"
    assert len(pull("gtfs", path=path, table="stop_times").rows) == 11_336
    assert len(pull("gtfs", path=path, table="stops").rows) == 4_171


# -- folders --


def test_files_of_a_folder_become_one_table(tmp_path, pull, sample):
    for n in (1, 2, 3):
        (tmp_path / f"trees_{n}.csv").write_text(f"id;name\n{n}1;a\n{n}2;b\n")
    (tmp_path / ".hidden.csv").write_text("x")
    (tmp_path / "~$open.csv").write_text("x")
    (found,) = sample("folder", path=str(tmp_path), glob="*.csv", file_column="file")
    assert found.options["of"] == "csv"
    assert [column.name for column in found.columns] == ["id", "name", "file"]
    read = pull("folder", **found.options)
    assert read.column("id") == ["11", "12", "21", "22", "31", "32"]
    assert read.column("file")[2] == "trees_2.csv"
    assert len(set(read.numbers)) == 6
    assert read.pull.origin(read.numbers[3]) == ("trees_2.csv", read.numbers[1])
    newest = pull("folder", path=str(tmp_path), glob="*.csv", take="newest")
    assert newest.column("id") == ["31", "32"]


def test_folder_fingerprint_follows_its_files(tmp_path, context):
    (tmp_path / "a.csv").write_text("id\n1\n")
    spec = SourceSpec("folder", {"path": str(tmp_path), "glob": "*.csv"})
    first = reader("folder").fingerprint(spec, context)
    assert reader("folder").fingerprint(spec, replace(context, state=first.state)).value == first.value
    (tmp_path / "b.csv").write_text("id\n2\n")
    assert reader("folder").fingerprint(spec, replace(context, state=first.state)).value != first.value


def test_folder_rules(tmp_path, pull, context):
    (tmp_path / "a.csv").write_text("id;n\n1;2\n3;4\n")
    (tmp_path / "b.json").write_text('[{"id": 5}]')
    assert [one.options["of"] for one in samples(detect(str(tmp_path), context), context)] == ["csv", "json"]
    with pytest.raises(SourceMissing, match=r"fits '\*.xml'"):
        pull("folder", path=str(tmp_path), glob="*.xml")
    with pytest.raises(SourceForbidden, match="climbs out"):
        pull("folder", path=str(tmp_path), glob="../*")
    with pytest.raises(SourceMalformed, match="not a folder"):
        pull("folder", path=str(tmp_path / "a.csv"))


# -- places --


def test_paths_stay_in_the_city(tmp_path, pull):
    city = tmp_path / "city"
    (city / "sources").mkdir(parents=True)
    (city / "sources" / "a.json").write_text('[{"a": 1}]')
    (tmp_path / "b.json").write_text('[{"a": 2}]')
    assert pull("json", base=city, path="sources/a.json").column("a") == ["1"]
    assert pull("json", base=city, path=str(tmp_path / "b.json")).column("a") == ["2"]
    for climbing in ("../b.json", "sources/../../b.json", f"{city}/../b.json"):
        with pytest.raises(SourceForbidden, match="climbs out"):
            pull("json", base=city, path=climbing)
    (city / ".arengo").mkdir()
    (city / ".arengo" / "state.json").write_text("[]")
    (city / "link.json").symlink_to(city / ".arengo" / "state.json")
    for own in (".arengo/state.json", "link.json"):
        with pytest.raises(SourceForbidden, match="no place for city data"):
            pull("json", base=city, path=own)
    with pytest.raises(SourceForbidden):
        pull("json", path="/proc/self/environ")
    os.mkfifo(city / "pipe.json")
    with pytest.raises(SourceForbidden, match="device or a pipe"):
        pull("json", base=city, path="pipe.json")


@pytest.mark.parametrize("kind", ["json", "excel", "parquet", "geojson", "shapefile", "geopackage", "gtfs", "sqlite"])
def test_missing_empty_and_folder(tmp_path, pull, kind):
    with pytest.raises(SourceMissing, match="no file"):
        pull(kind, base=tmp_path, path="nothing.x")
    (tmp_path / "empty.x").write_bytes(b"")
    with pytest.raises(SourceMalformed, match="empty"):
        pull(kind, base=tmp_path, path="empty.x")
    with pytest.raises(SourceMalformed, match="is a folder"):
        pull(kind, base=tmp_path, path=".")
    with pytest.raises(SourceMissing, match="neither path nor url"):
        pull(kind, base=tmp_path)


def test_a_file_that_changes_under_the_read(tmp_path, context):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"a": n, "b": "x" * 200} for n in range(60_000)]))
    found = reader("json").open(SourceSpec("json", {"path": str(path)}), ("a",), context)
    next(found.batches)
    path.write_text(json.dumps([{"a": n} for n in range(70_000)]))
    with pytest.raises(SourceChanged):
        list(found.batches)


def test_fingerprint_is_of_the_content(tmp_path, context):
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1}]')
    spec = SourceSpec("json", {"path": str(path)})
    first = reader("json").fingerprint(spec, context)
    later = time.time() - 100
    os.utime(path, (later, later))
    second = reader("json").fingerprint(spec, replace(context, state=first.state))
    assert first.value == second.value
    assert "stats" not in first.state  # too fresh to trust its time
    assert "stats" in second.state
    opened = reader("json").open(spec, (), replace(context, state=second.state))
    list(opened.batches)
    assert opened.fingerprint.value == first.value
    path.write_text('[{"a": 2}]')
    assert reader("json").fingerprint(spec, replace(context, state=second.state)).value != first.value
