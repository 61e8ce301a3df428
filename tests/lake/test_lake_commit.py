"""Commits: versions, modes, schema evolution, kills, two at once, a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import duckdb
import pyarrow.parquet as pq
import pytest
from lake_bench import START, TREES, Bench, make_contract, pair

from arengo.contract.model import Geometry, Kind
from arengo.errors import Busy, PublisherError, StorageFull, UnknownDataset, UnknownVersion
from arengo.lake.iceberg import LIVE, reachable, static_table

Make = Callable[..., Bench]


def test_versions_are_found_by_number_and_time(bench: Make) -> None:
    b = bench(TREES)
    one = b.must([[1, "oak"]])
    two = b.must([[1, "oak"], [2, "elm"]])
    lake = b.lake
    assert lake.resolve("trees") == two
    assert lake.resolve("trees", "1") == lake.resolve("trees", "v1") == one
    assert lake.resolve("trees", one.published_at.date().isoformat()) == one
    assert lake.resolve("trees", (two.published_at - timedelta(seconds=1)).isoformat()) == one
    assert lake.resolve("trees", "2030-01-01T00:00:00Z") == two
    assert lake.versions("trees") == (two, one)
    assert lake.datasets() == ("trees",)
    assert b.read(one, "id, name, _row") == [(1, "oak", 0)]
    assert b.read(two, "id") == [(1,), (2,)]
    with pytest.raises(UnknownVersion, match="oldest kept is v1"):
        lake.resolve("trees", "2020-01-01")
    with pytest.raises(UnknownVersion, match="names no version"):
        lake.resolve("trees", "yesterday")
    with pytest.raises(UnknownVersion):
        lake.resolve("trees", "7")
    with pytest.raises(UnknownDataset):
        lake.resolve("parks")


def test_equal_content_in_another_order_is_no_version(bench: Make) -> None:
    b = bench(make_contract({"id": Kind.INTEGER, "name": Kind.STRING}))
    one = b.must([[1, "oak"], [2, None]])
    assert b.put([[2, None], [1, "oak"]]) is None
    two = b.must([[1, "oak"], [2, None], [2, None]])
    assert (one.number, two.number) == (1, 2)


def test_the_same_run_finds_its_version_and_time_only_grows(bench: Make) -> None:
    b = bench(TREES)
    one = b.must([[1, "oak"]], run="a")
    assert b.put([[9, "another"]], run="a") == one
    b.day = 0
    with pytest.raises(PublisherError, match="not be later"):
        b.put([[2, "elm"]])


def test_every_kind_comes_back_as_it_went(bench: Make) -> None:
    columns = {kind.value: kind for kind in Kind}
    b = bench(make_contract(columns))
    sql = (
        "SELECT 'é\"', -9223372036854775807, 0.1, true, DATE '1890-02-28', TIME '23:59:59.123456', "
        "TIMESTAMP '2026-01-01 10:00:00.000001', '\\x01\\xFF'::BLOB, '{\"a\":1}' UNION ALL "
        "SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
    )
    version = b.must(sql)
    with duckdb.connect(str(b.folder / "staged-trees-1.duckdb"), read_only=True) as connection:
        wanted = connection.execute("SELECT * FROM rows").fetchall()
    assert b.read(version, "* EXCLUDE (_row)") == wanted
    arrow = static_table(version.metadata).scan(snapshot_id=version.snapshot_id).to_arrow()
    assert arrow.num_rows == 2
    assert arrow["integer"].to_pylist() == [-9223372036854775807, None]


def test_rows_are_sorted_as_declared(bench: Make) -> None:
    b = bench(make_contract({"id": Kind.INTEGER, "name": Kind.STRING}, arengoSort=["name", "-id"]))
    version = b.must([[1, "b"], [2, "a"], [3, None], [4, "a"]])
    assert b.read(version, "id, _row") == [(4, 0), (2, 1), (1, 2), (3, 3)]


def test_geometry_is_hilbert_sorted_and_the_file_is_geoparquet(bench: Make) -> None:
    place = Geometry(column="geometry", types=("Point",))
    b = bench(make_contract({"id": Kind.INTEGER, "geometry": Kind.GEOMETRY}, geometry=place))
    version = b.must(
        "SELECT i, unhex('0101000000000000000000F03F0000000000000040'), x, y, x, y FROM "
        "(SELECT i, hash(i) % 1000 / 100.0 AS x, hash(i + 7) % 1000 / 100.0 AS y FROM range(2000) r(i))"
    )
    points = b.read(version, "_xmin, _ymin")
    steps = sum(abs(p[0] - q[0]) + abs(p[1] - q[1]) for p, q in pairwise(points))
    assert steps / len(points) < 1.0  # unsorted points of a 10 by 10 square are 6.7 apart
    meta = pq.read_metadata(version.files[0].path).metadata
    geo = duckdb.execute("SELECT json(?)", [meta[b"geo"].decode()]).fetchone()
    assert geo is not None
    assert '"version":"1.1.0"' in geo[0]
    assert '"covering":{"bbox":{"xmin":["_bbox","xmin"]' in geo[0]
    with duckdb.connect() as connection:
        kind = connection.execute(f"DESCRIBE SELECT geometry FROM '{version.files[0].path}'").fetchone()
    assert kind is not None
    assert kind[1].startswith("GEOMETRY")


def test_append_keeps_files_few_and_row_numbers_unique(bench: Make) -> None:
    b = bench(TREES)
    version = b.must([[0, "x"]])
    for number in range(1, 10):
        version = b.must([[number, "x"]], mode="append")
    assert version.number == 10
    assert version.rows == 10
    assert len(version.files) < 4
    assert b.read(version, "count(*), count(DISTINCT _row), max(_row)", "") == [(10, 10, 9)]
    assert b.put([], mode="append") is None
    assert [row[0] for row in b.read(b.lake.resolve("trees", "7"), "id")] == list(range(7))


def test_upsert_replaces_by_key_and_keeps_row_numbers(bench: Make) -> None:
    b = bench(TREES)
    b.must([[1, "oak"], [2, "elm"], [3, "ash"]])
    two = b.must([[2, "lime"], [4, "yew"]], mode="upsert")
    assert sorted(b.read(two, "id, name, _row")) == [(1, "oak", 0), (2, "lime", 1), (3, "ash", 2), (4, "yew", 3)]
    assert b.put([[2, "lime"]], mode="upsert") is None
    three = b.must([[1, "oak"], [2, "lime"], [3, "ash"], [4, "yew"], [5, "fir"]])
    assert b.put([[5, "fir"]], mode="upsert") is None
    assert three.checksum == b.lake.resolve("trees").checksum


def test_a_renamed_column_is_one_column_through_all_versions(bench: Make) -> None:
    b = bench(TREES)
    one = b.must([[1, "oak"], [2, "elm"]])
    renamed = make_contract({"id": Kind.INTEGER, "species": Kind.STRING, "height": Kind.NUMBER}, key=["id"])
    properties = tuple(
        replace(p, custom=MappingProxyType({"arengoRenamedFrom": "name"})) if p.name == "species" else p
        for p in renamed.properties
    )
    renamed = replace(renamed, properties=properties)
    two = b.must([[3, "ash", 4.5]], renamed, mode="append")
    assert len(two.files) == 2
    assert b.read(two, "id, species, height") == [(1, "oak", None), (2, "elm", None), (3, "ash", 4.5)]
    assert b.read(one, "id, name") == [(1, "oak"), (2, "elm")]
    assert [c.field_id for c in one.schema] == [c.field_id for c in two.schema[:2]]
    changes = b.lake.changes(*pair(b.lake, "trees", 1, 2))
    assert [(c.kind, c.key) for c in changes] == [("added", (3,))]
    difference = b.lake.diff(*pair(b.lake, "trees", 1, 2))
    assert difference.columns_renamed == (("name", "species"),)
    assert difference.columns_added == ("height",)
    assert (difference.added, difference.changed, difference.removed) == (1, 0, 0)
    arrow = static_table(two.metadata).scan(snapshot_id=two.snapshot_id).to_arrow()
    assert sorted(arrow["species"].to_pylist()) == ["ash", "elm", "oak"]


def test_a_widened_type_reads_under_todays_type(bench: Make) -> None:
    b = bench(make_contract({"id": Kind.INTEGER, "n": Kind.INTEGER}, key=["id"]))
    one = b.must([[1, 5]])
    wider = make_contract({"id": Kind.INTEGER, "n": Kind.NUMBER}, key=["id"])
    two = b.must([[2, 1.5]], wider, mode="append")
    assert b.read(two, "id, n") == [(1, 5.0), (2, 1.5)]
    assert b.read(one, "id, n") == [(1, 5)]
    assert b.lake.diff(*pair(b.lake, "trees", 1, 2)).changed == 0
    assert [(v.number, row) for v, row in b.lake.history(b.lake.versions("trees"), (1,))] == [(1, {"id": 1, "n": 5.0})]


@pytest.mark.slow
def test_live_metadata_stays_small_and_every_version_readable_by_iceberg(bench: Make) -> None:
    b = bench(TREES)
    versions = [b.must([[i, str(i)]]) for i in range(LIVE + 5)]
    table = b.lake.iceberg.find("trees")
    assert table is not None
    assert len(table.metadata.snapshots) == LIVE
    for version in versions:
        arrow = static_table(version.metadata).scan(snapshot_id=version.snapshot_id).to_arrow()
        assert arrow["id"].to_pylist() == [version.number - 1]


def test_reports_are_kept_with_the_version(bench: Make, tmp_path: Path) -> None:
    b = bench(TREES)
    profile = tmp_path / "p.json"
    profile.write_text('{"rows": 1}')
    version = b.must([[1, "oak"]], reports={"profile": profile})
    assert b.lake.report(version, "profile") == b'{"rows": 1}'
    assert b.lake.report(version, "quality") is None
    assert b.lake.quarantine(version) is None
    with pytest.raises(UnknownVersion):
        b.lake.artefact(version, "../../../secret")


def test_second_commit_at_the_same_time_is_busy(bench: Make) -> None:
    b = bench(TREES)
    staged = b.stage([[1, "oak"]])
    with b.lake.state.hold("lake trees"), pytest.raises(Busy):
        b.lake.commit(
            TREES,
            staged,
            run="r",
            published_at=START,
            rows_in=1,
            quarantined=0,
            fingerprint="",
            reports={},
        )


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_version_and_no_partial_file(bench: Make) -> None:
    b = bench(TREES)
    b.must([[1, "oak"]])
    before = b.files()
    code = f"""
        import resource, signal
        from datetime import timedelta
        from pathlib import Path
        from lake_bench import START, TREES, Bench, open_lake
        root = Path({str(b.folder)!r})
        b = Bench(open_lake(root), root, TREES, day=5)
        staged = b.stage("SELECT i, md5(i::VARCHAR) FROM range(200000) r(i)")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
        try:
            b.lake.commit(TREES, staged, run="big", published_at=START + timedelta(days=9), rows_in=staged.rows,
                          quarantined=0, fingerprint="", reports={{}})
        except BaseException as error:
            print(type(error).__name__, error)
    """
    out = run_code(code)
    assert out.startswith("StorageFull"), out
    assert b.files() == before
    assert b.lake.resolve("trees").number == 1
    assert b.must([[2, "elm"]]).number == 2
    assert StorageFull.retry


@pytest.mark.slow
@pytest.mark.parametrize("where", ["after files", "before iceberg", "after iceberg"])
def test_a_kill_at_any_moment_is_finished_or_undone(bench: Make, where: str) -> None:
    b = bench(TREES)
    b.must([[1, "oak"]])
    before = b.files()
    code = f"""
        import os, sys
        from pathlib import Path
        from lake_bench import START, TREES, Bench, open_lake
        import arengo.lake.commit as commit, arengo.lake.parquet as parquet, arengo.lake.iceberg as iceberg
        root = Path({str(b.folder)!r})
        lake = open_lake(root)
        b = Bench(lake, root, TREES, day=1)
        where = {where!r}
        if where == "after files":
            real = parquet.write
            def write(*a):
                real(*a)
                os._exit(9)
            commit.parquet.write = write
        else:
            real = iceberg.Iceberg.commit
            def commit_(self, *a):
                if where == "before iceberg":
                    os._exit(9)
                real(self, *a)
                os._exit(9)
            iceberg.Iceberg.commit = commit_
        b.put([[1, "oak"], [2, "elm"]], run="killed")
    """
    run_code(code, expect=9)
    assert b.lake.resolve("trees").number == 1
    b.day = 1
    again = b.must([[1, "oak"], [2, "elm"]], run="killed")
    assert again.number == 2
    assert again.rows == 2
    assert b.read(again, "id") == [(1,), (2,)]
    table = b.lake.iceberg.find("trees")
    assert table is not None
    assert len(table.metadata.snapshots) == 2
    b.lake.collect(grace=timedelta(0))
    needed = reachable(again.metadata, again.snapshot_id) | before
    assert b.files() - needed <= {table.metadata_location}


@pytest.mark.slow
def test_two_processes_appending_at_once_lose_nothing(bench: Make) -> None:
    b = bench(TREES)
    b.must([[0, "first"]])
    code = """
        import sys, time
        from datetime import datetime, UTC
        from pathlib import Path
        from arengo.errors import Busy, PublisherError
        from lake_bench import TREES, Bench, open_lake
        root, who = Path({root!r}), {who}
        lake = open_lake(root)
        b = Bench(lake, root, TREES)
        for i in range(10):
            b.day = who * 100 + i
            staged = b.stage([[who * 100 + i, "x"]])
            while True:
                try:
                    lake.commit(TREES, staged, run=f"{{who}}-{{i}}", published_at=datetime.now(UTC).replace(year=2030),
                                rows_in=1, quarantined=0, fingerprint="", reports={{}}, mode="append")
                    break
                except (Busy, PublisherError):
                    time.sleep(0.01)
    """
    running = [start_code(code.format(root=str(b.folder), who=who)) for who in (1, 2)]
    for process in running:
        process.communicate(timeout=120)
    assert [process.returncode for process in running] == [0, 0]
    newest = b.lake.resolve("trees")
    assert newest.number == 21
    assert {row[0] for row in b.read(newest, "id")} == {0, *range(100, 110), *range(200, 210)}


def start_code(code: str) -> subprocess.Popen[str]:
    """Run code in a process of its own that can import this folder's modules."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def run_code(code: str, expect: int = 0) -> str:
    process = start_code(code)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == expect, out
    return out
