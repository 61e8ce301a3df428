"""Clustered copies, the word index, the row store, and the engine's walls."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from lake_bench import TREES, Bench, make_contract

from arengo.contract.model import Geometry, Kind
from arengo.errors import TooExpensive
from arengo.lake import Access, serving
from arengo.lake.serving import Clustered, choose

Make = Callable[..., Bench]
REPORTS = make_contract(
    {
        "id": Kind.STRING,
        "category": Kind.STRING,
        "at": Kind.TIMESTAMP,
        "day": Kind.DATE,
        "hour": Kind.TIME,
        "text": Kind.STRING,
        "open": Kind.BOOLEAN,
        "cost": Kind.NUMBER,
        "geometry": Kind.GEOMETRY,
    },
    key=["id"],
    geometry=Geometry(column="geometry", types=("Point",)),
    id="reports",
    arengoFilters=[["category", "-at"]],
    arengoSearch=["text"],
    arengoTime="at",
    arengoLanguage="it",
)
ROWS = """
    SELECT 'R' || i, 'c' || (i % 5), TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE, DATE '2026-01-01' + (i % 9)::INTEGER,
    TIME '10:00:00', ['Lampione rotto in città', 'gatti sugli alberi', NULL][1 + i % 3], i % 2 = 0,
    CASE WHEN i % 7 = 0 THEN NULL ELSE i / 4 END, '\\x01\\x02'::BLOB,
    i % 100, i % 90, i % 100, i % 90 FROM range({n}) r(i)
"""


def test_copies_hold_the_same_rows_and_are_chosen_by_access(bench: Make) -> None:
    b = bench(REPORTS)
    version = b.must(ROWS.format(n=25_000))
    plain = b.lake.relation(version)
    assert plain.layout == "parquet"
    wanted = b.read(version, "*")
    assert b.lake.prepare(version)
    assert not b.lake.prepare(version)
    assert b.read(version, "*") == wanted
    by_category = b.lake.relation(version, Access(equals=frozenset({"category"}), order=("-at",)))
    by_time = b.lake.relation(version, Access(time=True, box=True))
    by_place = b.lake.relation(version, Access(box=True))
    assert len({by_category.sql, by_time.sql, by_place.sql}) == 3
    assert by_place.layout == "main"
    for relation in (by_category, by_time):
        with b.lake.engine.execute(f"SELECT * FROM {relation.sql} ORDER BY _row") as cursor:
            assert cursor.fetchall() == wanted
    with b.lake.engine.execute(f"SELECT category FROM {by_category.sql}") as cursor:
        found = [row[0] for row in cursor.fetchall()]
    assert found == sorted(found)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies are made for the smallest dataset too."""
    monkeypatch.setattr(serving, "worth", lambda version: version.rows > 0)


def test_a_small_dataset_needs_no_copy(bench: Make) -> None:
    b = bench(TREES)
    assert not b.lake.prepare(b.must([[1, "oak"]]))


def test_words_are_found_in_any_form_without_accents(bench: Make) -> None:
    b = bench(REPORTS)
    version = b.must(ROWS.format(n=300))
    assert b.lake.search(version, "città") is None
    b.lake.prepare(version)
    everywhere = dict(b.read(version, "_row, text"))
    for asked, word in (("citta rotto", "città"), ("GATTO", "gatti"), ("albero", "alberi"), ("Lampioni", "Lampione")):
        found = b.lake.search(version, asked)
        assert found == sorted(row for row, text in everywhere.items() if text and word in text), asked
    assert b.lake.search(version, "gatti città") == []
    assert b.lake.search(version, 'x" OR "gatti') == []
    assert b.lake.search(version, "!!") == []
    assert b.lake.search(version, "gatti AND NOT") == []
    first = b.lake.search(version, "gatti", limit=3)
    assert first is not None
    assert len(first) == 3
    rest = b.lake.search(version, "gatti", after=first[-1])
    assert rest is not None
    assert first + rest == b.lake.search(version, "gatti")


def test_rows_are_fetched_by_number_and_found_by_key(bench: Make) -> None:
    b = bench(REPORTS)
    version = b.must(ROWS.format(n=300))
    b.lake.prepare(version)
    relation = b.lake.fetch(version, [3, 299, 21, 7])
    assert relation is not None
    with b.lake.engine.execute(f"SELECT * FROM {relation.sql} ORDER BY _row", relation.params) as cursor:
        names = [item[0] for item in cursor.description]
        found = cursor.fetchall()
    assert found == b.read(version, ", ".join(f'"{n}"' for n in names), "WHERE _row IN (3, 7, 21, 299) ORDER BY _row")
    located = b.lake.locate(version, ("R42",))
    assert located is not None
    assert b.read(version, "id", f"WHERE _row = {located[0]}") == [("R42",)]
    assert b.lake.locate(version, ("none",)) == []


@pytest.mark.slow
def test_copies_before_the_last_two_are_let_go(bench: Make, small: None) -> None:
    b = bench(TREES)
    versions = []
    for number in range(4):
        versions.append(b.must([[number, "x"]]))
        b.lake.prepare(versions[-1])
        assert b.read(versions[-1], "id") == [(number,)]
    folder = b.lake.serving / "trees"
    assert {path.name for path in folder.glob("v*")} == {"v3.duckdb", "v3.json", "v4.duckdb", "v4.json"}
    open_files = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _link(fd)}
    assert not any("v1.duckdb" in path for path in open_files)
    assert b.read(versions[0], "id") == [(0,)]
    assert not b.lake.prepare(versions[0])


def _link(fd: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{fd}")


@pytest.mark.slow
def test_a_large_build_runs_apart_and_a_broken_one_is_told(
    bench: Make, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "APART_FROM", 0)
    b = bench(TREES)
    version = b.must([[1, "oak"]])
    assert b.lake.prepare(version)
    assert b.lake.relation(version).layout == "main"


def test_the_copy_with_the_longest_equal_prefix_wins(bench: Make) -> None:
    b = bench(TREES)
    version = replace(b.must([[1, "oak"]]), sort=("id",))
    one, two, main = Clustered("one", ("name", "-id")), Clustered("two", ("name", "h", "-id")), Clustered("main", ())
    held = (main, one, two)
    assert choose(held, version, Access()) == main
    assert choose(held, version, Access(equals=frozenset({"name"}), order=("-id",))) == one
    assert choose(held, version, Access(equals=frozenset({"name", "h"}))) == two
    assert choose(held, version, Access(order=("id",))) == main


@pytest.mark.slow
def test_slow_shapes_get_a_copy(bench: Make) -> None:
    b = bench(make_contract({"id": Kind.INTEGER, "name": Kind.STRING}, id="trees"))
    for _ in range(30):
        b.lake.record_usage("trees", Access(equals=frozenset({"name"}), order=("-id",)), 40.0)
        b.lake.record_usage("trees", Access(equals=frozenset({"id"})), 1.0)
    b.lake.usage.flush()
    version = b.must("SELECT i, 'n' || (i % 10) FROM range(30000) r(i)")
    assert b.lake.usage.slow(version) == [("name", "-id")]
    b.lake.prepare(version)
    assert b.lake.relation(version, Access(equals=frozenset({"name"}))).layout == "by1"


OUTSIDE = (
    "SELECT * FROM read_text('/etc/hostname')",
    "SELECT * FROM '/etc/passwd'",
    "ATTACH '/tmp/x.duckdb'",
    "COPY (SELECT 1) TO '/tmp/arengo-evil.csv'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '8GB'",
    "SET enable_external_access = true",
    "SELECT * FROM read_csv('http://127.0.0.1/x.csv')",
)


def test_the_serving_engine_is_walled_in(bench: Make) -> None:
    b = bench(TREES)
    for sql in OUTSIDE:
        refused = pytest.raises(duckdb.Error, match=r"(?i)permission|disabled|locked|configuration|does not exist")
        with refused, b.lake.engine.execute(sql):
            pass


def test_a_late_query_is_stopped(bench: Make) -> None:
    b = bench(TREES)
    slow = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE hash(a.range + b.range) = 7"
    with pytest.raises(TooExpensive, match="took more than"), b.lake.engine.execute(slow, seconds=0.2):
        pass
    with b.lake.engine.execute("SELECT 1", seconds=1) as cursor:
        assert cursor.fetchall() == [(1,)]


def test_readers_of_another_process_see_a_new_version_at_once(bench: Make, small: None, tmp_path: Path) -> None:
    b = bench(TREES)
    other = bench(TREES)
    one = b.must([[1, "oak"]])
    assert other.lake.resolve("trees") == one
    two = b.must([[2, "elm"]])
    assert other.lake.resolve("trees") == two
    b.lake.prepare(two)
    assert other.lake.relation(two).layout == "main"
    assert other.read(two, "id") == [(2,)]


def test_the_lake_file_is_plain_parquet_for_others(bench: Make) -> None:
    b = bench(TREES)
    version = b.must([[1, "oak"]])
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT id, name FROM '{version.files[0].path}'").fetchall() == [(1, "oak")]
