"""Geographic files: GeoJSON streamed, the others through GDAL, with the dirt they come with."""

from __future__ import annotations

import json
import struct
import zipfile
from dataclasses import replace

import pyarrow as pa
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.errors import SourceMalformed
from arengo.sources import detect, samples
from arengo.sources.wkb import Extent, encode


def point(x, y):
    return struct.pack("<BIdd", 1, 1, x, y)


def layer(path, driver, names=("Sant Andreu", "Gràcia", "Sants"), at=(2.17, 41.38), crs="EPSG:4326", **options):
    table = pa.table(
        {
            "nom": list(names),
            "n": pa.array(range(len(names)), pa.int64()),
            "geometry": pa.array([point(at[0] + n / 1000, at[1]) for n in range(len(names))], pa.binary()),
        }
    )
    pyogrio.write_arrow(table, path, driver=driver, geometry_name="geometry", geometry_type="Point", crs=crs, **options)
    return str(path)


KINDS = [
    ("shapefile", "a.shp", "ESRI Shapefile"),
    ("geopackage", "a.gpkg", "GPKG"),
    ("flatgeobuf", "a.fgb", "FlatGeobuf"),
    ("gml", "a.gml", "GML"),
    ("kml", "a.kml", "LIBKML"),
]


@pytest.mark.parametrize(("kind", "name", "driver"), KINDS)
def test_every_kind_gives_the_same_layer(tmp_path, context, pull, sample, kind, name, driver):
    path = layer(tmp_path / name, driver)
    assert detect(path, context).kind == kind
    (found,) = sample(kind, path=path)
    assert found.crs == "EPSG:4326"
    assert found.geometry == "geometry"
    assert found.geometry_types in (("Point",), ())
    assert found.total == 3
    assert found.bounds == pytest.approx((2.17, 41.38, 2.172, 41.38))
    names = [column.name for column in found.columns]
    assert "geometry" in names
    read = pull(kind, columns=("geometry", *(n for n in names if n != "geometry")), **found.options)
    assert read.numbers == [1, 2, 3]
    places = sorted(struct.unpack_from("<dd", row, 5) for row in read.column("geometry"))
    assert places == [pytest.approx((2.17 + n / 1000, 41.38)) for n in range(3)]
    assert set(read.column("nom")) == {"Sant Andreu", "Gràcia", "Sants"}
    with pytest.raises(SourceMalformed, match="no column 'x'"):
        pull(kind, columns=("x",), **found.options)


def test_shapefile_without_prj_gets_a_guess_and_a_doubt(tmp_path, context, sample):
    path = layer(tmp_path / "a.shp", "ESRI Shapefile", at=(430_000.0, 4_581_000.0), crs="EPSG:25831")
    (tmp_path / "a.prj").unlink()
    spain = replace(context, country="ES")
    (found,) = sample("shapefile", path=path, context=spain)
    assert found.crs == "EPSG:25830"
    assert "EPSG:25831, EPSG:25829" in found.doubts[-1]
    (found,) = sample("shapefile", path=path)
    assert found.crs == ""
    assert "arengoCrs" in found.doubts[-1]
    degrees = layer(tmp_path / "b.shp", "ESRI Shapefile")
    (tmp_path / "b.prj").unlink()
    (found,) = sample("shapefile", path=degrees)
    assert found.crs == "EPSG:4326"
    assert "look like degrees" in found.doubts[-1]


def test_time_zone_tells_the_country(tmp_path, context, sample):
    path = layer(tmp_path / "a.shp", "ESRI Shapefile", at=(691_000.0, 5_334_000.0), crs="EPSG:25832")
    (tmp_path / "a.prj").unlink()
    (found,) = sample("shapefile", path=path, context=replace(context, timezone="Europe/Berlin"))
    assert found.crs == "EPSG:25832"


@pytest.mark.parametrize(
    ("written", "cpg", "expected", "doubted"),
    [
        ("CP1252", None, "Gràcia", True),
        ("UTF-8", None, "Gràcia", False),
        ("UTF-8", "UTF-8", "Gràcia", False),
        ("CP1252", "1252", "Gràcia", False),
        ("CP1252", "UTF-8", "Gràcia", True),
        ("ISO-8859-1", "ISO-8859-1", "Gràcia", False),
    ],
)
def test_text_encoding_of_a_shapefile(tmp_path, pull, sample, written, cpg, expected, doubted):
    names = ["Gràcia", "Horta-Guinardó", "Sant Martí", "Sants-Montjuïc", "Sarrià", "Nou Barris", "el Barri Gòtic"]
    path = layer(tmp_path / "a.shp", "ESRI Shapefile", names, encoding=written)
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    raw = bytearray((tmp_path / "a.dbf").read_bytes())
    raw[29] = 0
    (tmp_path / "a.dbf").write_bytes(raw)
    if cpg:
        (tmp_path / "a.cpg").write_text(cpg)
    (found,) = sample("shapefile", path=path)
    assert found.columns[0].values[0] == expected
    assert any("read as" in doubt for doubt in found.doubts) is doubted
    assert pull("shapefile", **found.options).column("nom") == names


def test_a_shapefile_needs_its_table(tmp_path, pull):
    path = layer(tmp_path / "a.shp", "ESRI Shapefile")
    (tmp_path / "a.dbf").unlink()
    with pytest.raises(SourceMalformed, match=r"a.dbf is missing"):
        pull("shapefile", path=path)


def test_companions_in_capitals(tmp_path, pull):
    layer(tmp_path / "a.shp", "ESRI Shapefile")
    for item in list(tmp_path.glob("a.*")):
        item.rename(tmp_path / item.name.upper())
    assert len(pull("shapefile", path=str(tmp_path / "A.SHP")).rows) == 3


def test_zip_of_several_layers_with_macos_twins(tmp_path, context, pull, sample):
    with zipfile.ZipFile(tmp_path / "layers.zip", "w") as out:
        for name in ("trees", "parks"):
            layer(tmp_path / f"{name}.shp", "ESRI Shapefile")
            for part in sorted(tmp_path.glob(f"{name}.*")):
                out.write(part, f"data/{part.name}")
                out.writestr(f"__MACOSX/data/._{part.name}", b"\x00\x05\x16\x07junk")
    path = str(tmp_path / "layers.zip")
    found = sample("zip", **detect(path, context).options)
    assert {one.options["member"] for one in found} == {"data/trees.shp", "data/parks.shp"}
    assert all(one.kind == "shapefile" and one.crs == "EPSG:4326" for one in found)
    assert len(pull("shapefile", **found[0].options).rows) == 3
    with pytest.raises(SourceMalformed, match="2 tables"):
        pull("shapefile", path=path)


def test_layers_of_a_geopackage(tmp_path, pull, sample):
    path = layer(tmp_path / "a.gpkg", "GPKG", layer="trees")
    layer(tmp_path / "a.gpkg", "GPKG", ("x",), layer="parks", append=True)
    found = sample("geopackage", path=path)
    assert [(one.table, one.options["layer"], one.total) for one in found] == [
        ("trees", "trees", 3),
        ("parks", "parks", 1),
    ]
    assert pull("geopackage", **found[1].options).column("nom") == ["x"]
    with pytest.raises(SourceMalformed, match="2 layers"):
        pull("geopackage", path=path)
    with pytest.raises(SourceMalformed, match="no layer 'roads'"):
        pull("geopackage", path=path, layer="roads")


def test_kmz_is_unpacked_within_limits(tmp_path, context, pull, sample):
    layer(tmp_path / "doc.kml", "LIBKML")
    with zipfile.ZipFile(tmp_path / "a.kmz", "w", zipfile.ZIP_DEFLATED) as out:
        out.write(tmp_path / "doc.kml", "doc.kml")
        out.writestr("files/icon.png", b"png")
    path = str(tmp_path / "a.kmz")
    assert detect(path, context).kind == "kml"
    (found,) = sample("kml", path=path)
    assert len(pull("kml", **found.options).rows) == 3
    with zipfile.ZipFile(tmp_path / "empty.kmz", "w") as out:
        out.writestr("a.txt", b"x")
    with pytest.raises(SourceMalformed, match="holds no KML"):
        pull("kml", path=str(tmp_path / "empty.kmz"))


VRT = b'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/vsicurl/http://127.0.0.1:1/a.csv</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'


@pytest.mark.parametrize(
    ("kind", "name", "body", "message"),
    [
        ("kml", "a.kml", VRT, "refers to another"),
        ("kml", "a.kml", b"<gml></gml>", "not a KML"),
        ("kml", "a.kml", b"<kml>" + VRT + b"</kml>", "refers to another"),
        ("kml", "a.kml", b'<!DOCTYPE x [<!ENTITY e "e">]><kml>&e;</kml>', "document type|not a KML"),
        ("kml", "a.kml", b'<?xml version="1.0"?><kml><!ENTITY e SYSTEM "file:///etc/passwd"></kml>', "document type"),
        (
            "gml",
            "a.gml",
            b'<a xmlns:gml="http://www.opengis.net/gml" xlink:href="http://10.0.0.1/x"/>',
            "refers to another",
        ),
        ("geopackage", "a.gpkg", VRT, "not a GeoPackage"),
        ("shapefile", "a.shp", b"x" * 200, "missing|not a shapefile"),
        ("flatgeobuf", "a.fgb", b"fgb\x03fgb\x01" + b"\xff" * 40, "cannot open|cannot be read|no layer"),
    ],
)
def test_gdal_is_not_led_elsewhere(tmp_path, pull, kind, name, body, message):
    (tmp_path / name).write_bytes(body)
    with pytest.raises(SourceMalformed, match=message):
        pull(kind, path=str(tmp_path / name))


def test_file_names_mean_nothing_to_gdal(tmp_path, pull):
    folder = tmp_path / "vsicurl" / "http:"
    folder.mkdir(parents=True)
    path = layer(tmp_path / "a.gpkg", "GPKG")
    odd = folder / "x!y.zip?.gpkg"
    odd.write_bytes((tmp_path / "a.gpkg").read_bytes())
    assert len(pull("geopackage", path=str(odd)).rows) == len(pull("geopackage", path=path).rows) == 3


def test_truncated_files_are_not_read_half(tmp_path, pull):
    names = [f"name {n}" for n in range(5000)]
    for kind, name, driver in KINDS:
        path = layer(tmp_path / name, driver, names)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) * 2 // 3])
        with pytest.raises(SourceMalformed):
            pull(kind, path=path)


# -- GeoJSON --


def features(rows, **more):
    return {"type": "FeatureCollection", **more, "features": rows}


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_geojson_is_streamed(tmp_path, context, pull, sample):
    rows = [
        feature({"type": "Point", "coordinates": [2.1, 41.3]}, nom="Gràcia", when={"from": "2026-01-01"}, codes=[1, 2]),
        feature(None, nom="nowhere"),
        feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}, nom="triangle", codes=None),
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(features(rows)))
    assert detect(str(path), context).kind == "geojson"
    (found,) = sample("geojson", path=str(path))
    assert [column.name for column in found.columns] == ["nom", "when.from", "codes", "geometry"]
    assert (found.crs, found.geometry_types, found.bounds) == ("EPSG:4326", ("Point", "Polygon"), (0, 0, 2.1, 41.3))
    read = pull("geojson", **found.options)
    assert read.rows[0] == {
        "_row": 1,
        "nom": "Gràcia",
        "when.from": "2026-01-01",
        "codes": "[1,2]",
        "geometry": point(2.1, 41.3),
    }
    assert read.rows[1]["geometry"] is None


def test_geojson_with_a_declared_or_a_projected_crs(tmp_path, context, sample):
    rows = [feature({"type": "Point", "coordinates": [430_000, 4_581_000]}, web="http://www.bcn.cat/x")]
    path = tmp_path / "a.geojson"
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25831"}}
    path.write_text(json.dumps(features(rows, crs=crs)))
    assert sample("geojson", path=str(path))[0].crs == "EPSG:25831"
    path.write_text(json.dumps(features(rows)))
    assert sample("geojson", path=str(path))[0].doubts


def test_bad_geometries_go_to_quarantine(tmp_path, pull):
    rows = [
        feature({"type": "Point", "coordinates": ["x", 1]}, n=1),
        feature({"type": "Point", "coordinates": [1, 1]}, n=2),
        feature({"type": "Circle", "coordinates": [1, 1]}, n=3),
        feature({"type": "Point", "coordinates": [1]}, n=4),
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(features(rows)))
    read = pull("geojson", path=str(path))
    assert read.column("n") == ["2"]
    assert [(reject.row, reject.column) for reject in read.rejects] == [
        (1, "geometry"),
        (3, "geometry"),
        (4, "geometry"),
    ]
    assert "Circle" in read.rejects[1].reason


def test_geojson_lines(tmp_path, context, pull, sample):
    rows = [feature({"type": "Point", "coordinates": [n, n]}, n=n) for n in range(3)]
    path = tmp_path / "a.geojsonl"
    path.write_text("".join("\x1e" + json.dumps(row) + "\n" for row in rows))
    (found,) = sample("geojson", path=str(path))
    assert found.options["lines"] is True
    assert pull("geojson", **found.options).column("n") == ["0", "1", "2"]


coordinate = st.floats(-1e6, 1e6, allow_nan=False)
position = st.tuples(coordinate, coordinate) | st.tuples(coordinate, coordinate, coordinate)


def shapes(position):
    line = st.lists(position, min_size=2, max_size=5)
    ring = st.lists(position, min_size=3, max_size=5).map(lambda points: [*points, points[0]])
    polygon = st.lists(ring, min_size=1, max_size=2)
    kinds = {
        "Point": position,
        "LineString": line,
        "Polygon": polygon,
        "MultiPoint": st.lists(position, min_size=1, max_size=4),
        "MultiLineString": st.lists(line, min_size=1, max_size=3),
        "MultiPolygon": st.lists(polygon, min_size=1, max_size=3),
    }
    return st.one_of(
        *(st.builds(lambda c, k=kind: {"type": k, "coordinates": c}, values) for kind, values in kinds.items())
    )


flat = shapes(st.tuples(coordinate, coordinate))
high = shapes(st.tuples(coordinate, coordinate, coordinate))


@pytest.fixture(scope="module")
def spatial():
    import duckdb

    from arengo.sources.database import load_extension

    with duckdb.connect() as connection:
        load_extension(connection, "spatial")
        yield connection


@settings(max_examples=60, deadline=None)
@given(geometry=flat | high)
def test_our_wkb_is_the_one_geos_reads(spatial, geometry):
    extent = Extent()
    same, box = spatial.execute(
        "SELECT ST_AsText(g) = ST_AsText(ST_GeomFromWKB(?)), ST_XMin(g) FROM (SELECT ST_GeomFromGeoJSON(?) AS g)",
        [encode(geometry, extent), json.dumps(geometry)],
    ).fetchone()
    assert same
    assert extent.bounds[0] == pytest.approx(box)


def test_real_geographic_files(real, context, sample, pull):
    (found,) = sample("shapefile", path=str(real / "barcelona-boundaries" / "0301040100_Barris_UNITATS_ADM.shp"))
    assert (found.crs, found.total) == ("EPSG:25831", 73)
    names = next(column for column in found.columns if column.name == "NOM")
    assert "el Barri Gòtic" in names.values
    assert len(pull("shapefile", **found.options).rows) == 73
    (found,) = samples(detect(str(real / "montreal-elections" / "mtl2013_election_districts.zip"), context), context)
    assert (found.kind, found.crs, found.total) == ("shapefile", "EPSG:4326", 58)
    (found,) = sample("geojson", path=str(real / "montreal-streets" / "rue-pietonnes.geojson"))
    assert (found.crs, found.total) == ("EPSG:4326", 53)
