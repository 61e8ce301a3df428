"""One registry of kinds, lazily loaded, open to plugins."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from arengo.errors import ContractError, SourceForbidden, SourceMalformed, SourceMissing
from arengo.sources import BUILTIN, detect, reader, readers, recognise

SRC = Path(__file__).resolve().parents[2] / "src"


def python(code, *paths):
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={"PYTHONPATH": ":".join([str(SRC), *map(str, paths)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def test_every_kind_explains_itself():
    found = readers()
    assert {item.kind for item in BUILTIN} == set(found)
    assert set(found) >= {
        *("csv", "excel", "json", "ndjson", "parquet", "geojson", "shapefile", "geopackage", "kml", "gml"),
        *("flatgeobuf", "gtfs", "sqlite", "postgresql", "mysql", "http-json", "folder", "zip"),
    }
    for item in found.values():
        assert item.title
        assert item.options
        assert all(sentence.endswith((".", ")")) for sentence in item.options.values())


def test_the_registry_loads_nothing_heavy():
    out = python(
        """
        import sys, arengo.sources
        arengo.sources.readers()
        heavy = {"pyarrow", "numpy", "pyogrio", "duckdb", "httpx", "python_calamine", "charset_normalizer"}
        print(sorted(heavy & set(sys.modules)))
        """
    )
    assert out == "[]"


def test_a_plugin_adds_a_kind_and_a_broken_one_does_no_harm(tmp_path):
    (tmp_path / "weather.py").write_text(
        textwrap.dedent(
            """
            class Reader:
                kind, title, suffixes, options = "weather", "Weather station", (".wx",), {"path": "File."}
                def matches(self, target, head):
                    return 99 if head.startswith(b"WX") else 0
            class Shadow(Reader):
                kind = "csv"
            READERS = [Reader(), Shadow()]
            """
        )
    )
    info = tmp_path / "weather-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: weather\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[arengo.sources]\na = weather:READERS\nb = nowhere:READER\n")
    out = python(
        """
        import logging; logging.disable()
        from arengo.sources import broken, reader, readers, recognise
        print(reader("weather").title, type(reader("csv").inner).__module__, recognise("x", b"WX1"), sorted(broken()))
        """,
        tmp_path,
    )
    assert out == "Weather station arengo.sources.csv weather ['nowhere:READER', 'weather:READERS']"


def test_unknown_kinds_and_files():
    with pytest.raises(ContractError, match=r"no source kind 'fax'.*csv"):
        reader("fax")
    assert recognise("a.psd", b"8BPS\x00\x01") == ""


def test_detect_names_what_it_is(tmp_path, context):
    assert dict(detect("postgres://me@db.example.org/city", context).options) == {
        "dsn": "postgres://me@db.example.org/city"
    }
    assert detect("mariadb://me@db/city", context).kind == "mysql"
    assert detect("sqlite:///srv/a.db", context).options["path"] == "/srv/a.db"
    (tmp_path / "a.psd").write_bytes(b"8BPS\x00\x01")
    with pytest.raises(SourceMalformed, match="No kind of source"):
        detect(str(tmp_path / "a.psd"), context)
    with pytest.raises(SourceMissing):
        detect(str(tmp_path / "nothing"), context)
    with pytest.raises(SourceForbidden):
        detect("http://169.254.169.254/latest/meta-data", context)


def test_detect_follows_the_bytes_before_the_name(tmp_path, context):
    for name, body, kind in (
        ("a.json", b'{"type": "FeatureCollection", "features": []}', "geojson"),
        ("b.json", b'{"a": 1}\n{"a": 2}\n', "ndjson"),
        ("c.csv", b"PAR1" + b"\0" * 20, "parquet"),
        ("d.txt", b"a;b\n1;2\n", "csv"),
        ("e.geojson", b'[{"a": 1}]', "geojson"),
        ("f.dat", b'[{"a": 1}]', "json"),
    ):
        (tmp_path / name).write_bytes(body)
        assert detect(str(tmp_path / name), context).kind == kind, name


def test_a_relative_target_becomes_an_absolute_path(tmp_path, context, monkeypatch):
    (tmp_path / "city").mkdir()
    (tmp_path / "a.json").write_text('[{"a": 1}]')
    monkeypatch.chdir(tmp_path / "city")
    assert detect("../a.json", context).options["path"] == str(tmp_path / "a.json")
