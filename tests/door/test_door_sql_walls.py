"""The threat model of questions in SQL: what must never be read, and what must never take the server with it.

Twice: the closed list refuses before anything runs, and the walls behind it hold for what the list might let through.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_city import TinyCity, make_city

from arengo.door.sql.sandbox import Sandbox
from arengo.errors import BadQuery, BadSql, CallerError, LakeError, NotAllowed, TooExpensive

FILES = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM read_parquet('/etc/passwd')",
    "SELECT * FROM parquet_metadata('x.parquet')",
    # PROJ opens files by itself, past what the engine allows.
    "SELECT st_transform(st_point(0, 0), 'EPSG:4326', '+init=/etc/passwd:pin', true)",
    "SELECT st_transform(st_point(0, 0), '+proj=merc +nadgrids=/etc/passwd', 'EPSG:4326')",
    "SELECT st_transform(st_point(0, 0), 'EPSG:4326', '+init=' || '/etc/passwd:pin')",
    "SELECT st_transform(st_point(0, 0), 'EPSG:4326', species) FROM trees",
    "SELECT CAST('POINT(0 0)' AS GEOMETRY('+init=/etc/passwd:pin'))",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT read_text('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM ST_Read('/etc/passwd')",
    "SELECT * FROM ST_Drivers()",
    "SELECT * FROM shapefile_meta('/tmp/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'file.csv'",
    'SELECT * FROM "/etc/passwd.csv"',
    'SELECT * FROM (WITH "/etc/hosts.csv" AS (SELECT 1) SELECT * FROM "/etc/hosts.csv") a, "/etc/hosts.csv"',
    "SELECT * FROM sqlite_scan('state.sqlite', 'contract')",
    "SELECT * FROM postgres_scan('', 'public', 't')",
]
CATALOGUE = [
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM duckdb_views",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM pragma_table_info('trees')",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM pg_class",
    "SELECT * FROM main.trees",
    "SELECT * FROM memory.main.trees",
    "SHOW TABLES",
    "DESCRIBE trees",
    "SUMMARIZE trees",
    "SHOW ALL TABLES",
    "SELECT getenv('HOME')",
    "SELECT current_setting('allowed_paths')",
    "SELECT getvariable('x')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('trees')",
    "SELECT which_secret('s3://x', 's3')",
    "SELECT version()",
    "SELECT nextval('x')",
    "SELECT random()",
    "SELECT uuid()",
    "SELECT setseed(0.5)",
    "SELECT write_log('x')",
    "SELECT sleep_ms(1000)",
    "SELECT * FROM trees USING SAMPLE 5",
    "SELECT * FROM trees TABLESAMPLE 10%",
    "SELECT * FROM trees AT (VERSION => 1)",
    "SELECT trees.*, system.main.getenv('HOME') FROM trees",
    "SELECT species.getenv() FROM trees",
    "SELECT list_transform([1], x -> getenv('HOME'))",
    "SELECT CASE WHEN false THEN getenv('HOME') END",
    "SELECT * REPLACE (getenv('HOME') AS id) FROM trees",
    "SELECT id FROM trees ORDER BY getenv('HOME')",
    "SELECT count(*) FILTER (getenv('HOME') = '') FROM trees",
    "SELECT first(id ORDER BY getenv('HOME')) FROM trees",
    "SELECT sum(id) OVER (PARTITION BY getenv('HOME')) FROM trees",
    "SELECT 1 LIMIT getenv('HOME')",
    "SELECT id FROM trees GROUP BY ROLLUP (getenv('HOME'))",
    "SELECT 1 WHERE EXISTS (SELECT getenv('HOME'))",
    "WITH x AS (SELECT getenv('HOME')) SELECT * FROM x",
    "SELECT * FROM trees t JOIN areas a ON getenv('HOME') = a.code",
    "SELECT * FROM (VALUES (getenv('HOME'))) v",
    "SELECT 1 UNION SELECT getenv('HOME')",
    "SELECT 1::my_type",
    "SELECT gete/**/nv('HOME')",
]
STATEMENTS = [
    "ATTACH 'x.db'",
    "COPY trees TO '/tmp/x.csv'",
    "COPY (SELECT 1) TO '/tmp/x.csv'",
    "EXPORT DATABASE '/tmp/x'",
    "IMPORT DATABASE '/tmp/x'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA database_list",
    "SET memory_limit = '100GB'",
    "RESET memory_limit",
    "CREATE TABLE x AS SELECT 1",
    "CREATE MACRO f() AS 1",
    "CREATE SECRET (TYPE s3)",
    "INSERT INTO trees VALUES (1)",
    "UPDATE trees SET id = 1",
    "DELETE FROM trees",
    "DROP VIEW trees",
    "CALL pragma_version()",
    "EXPLAIN ANALYZE SELECT 1",
    "PREPARE x AS SELECT 1",
    "CHECKPOINT",
    "BEGIN",
    "USE memory",
    "VACUUM",
    "PIVOT trees ON species USING count(*)",
    "SELECT 1; SELECT 2",
    "SELECT 1; ATTACH 'x.db'",
    "",
    ";",
    "-- nothing",
    "SELECT 1\0",
]


@pytest.mark.parametrize("text", [*FILES, *CATALOGUE, *STATEMENTS])
def test_the_list_refuses(tiny: TinyCity, text: str) -> None:
    with pytest.raises(BadSql) as caught:
        tiny.door.sql(text).rows()
    words = str(caught.value)
    assert str(tiny.settings.root) not in words
    assert "root:" not in words


def test_reference_systems_by_name_are_answered(tiny: TinyCity) -> None:
    sql = "SELECT round(st_x(st_transform(st_point(9, 45), 'EPSG:4326', 'EPSG:3857', true))) AS x"
    assert tiny.door.sql(sql).rows() == [(1001875.0,)]


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
@pytest.mark.parametrize(
    "name",
    ["families", "FAMILIES", '"families"', '"Families"', '"families@1"', '"families@v1"', '"families@2026-01-11"'],
)
def test_a_closed_dataset_stays_closed(tiny: TinyCity, name: str, dialect: str) -> None:
    for text in (
        f"SELECT * FROM {name}",
        f"SELECT (SELECT max(income) FROM {name})",
        f"WITH x AS (SELECT * FROM {name}) SELECT count(*) FROM x",
        f"SELECT 1 FROM trees WHERE EXISTS (SELECT 1 FROM {name})",
        f"SELECT id FROM trees UNION ALL SELECT 1 FROM {name}",
        f"SELECT * FROM trees t, LATERAL (SELECT * FROM {name}) f",
    ):
        with pytest.raises(NotAllowed, match="closed"):
            tiny.door.sql(text, dialect=dialect)
    with pytest.raises(NotAllowed):
        tiny.door.sql('SELECT * FROM "alias"', names={"alias": "families"})


def test_closed_and_missing_run_nothing(tiny: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal runs nothing, so its time says nothing about the rows."""
    begun: list[object] = []
    monkeypatch.setattr(Sandbox, "run", lambda self, *question, **limits: begun.append(question))
    for text in ("SELECT * FROM families", "SELECT count(*) FROM families WHERE income > 5", "SELECT * FROM nobody"):
        with pytest.raises(CallerError):
            tiny.door.sql(text).rows()
    assert begun == []


def test_hidden_columns_are_not_there(tiny: TinyCity) -> None:
    for column in ("_row", "_bbox", "_xmin", "filename", "file_row_number", "rowid", "file_index"):
        for table in ("trees", "areas"):
            with pytest.raises(BadSql, match="no column"):
                tiny.door.sql(f"SELECT {column} FROM {table}").rows()
    names = [item.name for item in tiny.door.sql("SELECT * FROM areas").columns]
    assert names == ["code", "name", "people", "shape"]
    with pytest.raises(BadSql):
        tiny.door.sql("SELECT COLUMNS('_.*') FROM areas").rows()


@pytest.fixture(scope="module")
def sandbox(tiny: TinyCity) -> Iterator[Sandbox]:
    made = Sandbox(tiny.settings, 2)
    yield made
    made.close()


def _raw(sandbox: Sandbox, sql: str, *, seconds: float = 3.0, views: tuple[str, ...] = (), **more: Any) -> Any:
    """A statement past the closed list, straight at the walls."""
    question = {
        "sql": sql, "params": [], "views": list(views), "paths": [], "limit": 10, "bytes": 1_000_000,
        "memory": 128_000_000, "seconds": seconds, "geometry": "wkb", **more,
    }  # fmt: skip
    run = sandbox.begin(seconds)
    try:
        said, rows = sandbox.run(run, question, sql)
        rows.close()
        return said
    finally:
        run.close()


@pytest.mark.parametrize(
    "text",
    [
        *(
            item
            for item in FILES
            if not any(word in item for word in ("ST_Drivers", "sqlite_scan", "glob", "st_transform", "GEOMETRY("))
        ),
        "ATTACH '/tmp/walls.db'",
        "COPY (SELECT 1) TO '/tmp/walls.csv'",
        "EXPORT DATABASE '/tmp/walls'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '/tmp/x.duckdb_extension'",
        "SET memory_limit = '100GB'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET allowed_paths = ['/etc/passwd']",
        "SET temp_directory = '/tmp'",
        "SELECT * FROM 'https://example.org/x.csv'",
        "CREATE PERSISTENT SECRET x (TYPE s3)",
    ],
)
def test_the_walls_hold_without_the_list(sandbox: Sandbox, text: str) -> None:
    with pytest.raises((BadSql, LakeError, BadQuery)) as caught:
        _raw(sandbox, text)
    assert "root:" not in str(caught.value)
    assert not Path("/tmp/walls.db").exists()
    assert not Path("/tmp/walls.csv").exists()


def test_the_process_knows_nothing_of_the_environment(sandbox: Sandbox) -> None:
    os.environ["ARENGO_SECRET_OF_A_TEST"] = "hush"
    try:
        fresh = Sandbox(sandbox.settings, 1)
        with pytest.raises((BadSql, LakeError)):
            _raw(fresh, "SELECT read_text('/proc/self/environ')")
        environ = Path(f"/proc/{fresh._held[0][1].pid}/environ").read_bytes()
        assert b"ARENGO_SECRET_OF_A_TEST" not in environ
        assert b"PYTHONPATH" in environ
        fresh.close()
    finally:
        del os.environ["ARENGO_SECRET_OF_A_TEST"]


def test_a_file_of_another_dataset_is_out_of_reach(tiny: TinyCity, sandbox: Sandbox) -> None:
    trees, areas = (tiny.lake.files(tiny.lake.resolve(name))[0] for name in ("trees", "areas"))
    assert _raw(sandbox, f"SELECT count(*) FROM '{trees}'", paths=[str(trees)])["rows"] == 1
    with pytest.raises((BadSql, LakeError)):
        _raw(sandbox, f"SELECT count(*) FROM '{areas}'", paths=[str(trees)])


BOMBS = [
    "SELECT len(range(300000000))",
    "SELECT length(repeat('a', 1000000000))",
    "SELECT length(lpad('a', 1000000000, 'b'))",
    "SELECT len(list(i)) FROM range(100000000) t(i)",
    "SELECT length(string_agg(i::VARCHAR, ',')) FROM range(100000000) t(i)",
    "SELECT max(length(repeat('y', 1000000) || i::VARCHAR)) FROM range(4096) t(i)",
    "SELECT count(DISTINCT i) FROM range(100000000) t(i)",
    "SELECT i FROM range(100000000) t(i) ORDER BY md5(i::VARCHAR)",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r",
    "WITH RECURSIVE r(t) AS (SELECT 'x' UNION ALL SELECT t || t FROM r) SELECT max(length(t)) FROM r",
    "SELECT printf('%999999999d', 1)",
    "SELECT list_transform(range(100000000), x -> x + 1)",
    "SELECT repeat('x', 100000) FROM range(2000)",
    "SELECT json_group_array(i) FROM range(50000000) t(i)",
]


@pytest.mark.parametrize("text", [*BOMBS[:2], *(pytest.param(bomb, marks=pytest.mark.slow) for bomb in BOMBS[2:])])
def test_memory_bombs_end_the_question_alone(tiny: TinyCity, text: str) -> None:
    started = time.monotonic()
    with pytest.raises(TooExpensive):
        tiny.door.sql(text, seconds=1.0).rows()
    assert time.monotonic() - started < 60
    assert tiny.door.sql("SELECT 1").rows() == [(1,)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c",
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT (n + 1) % 1000000 FROM r) SELECT count(*) FROM r, r AS s",
    ],
)
def test_time_bombs_are_stopped(tiny: TinyCity, text: str) -> None:
    started = time.monotonic()
    with pytest.raises(TooExpensive):
        tiny.door.sql(text, seconds=0.4).rows()
    assert time.monotonic() - started < 60


def test_patterns_take_linear_time(tiny: TinyCity) -> None:
    text = (
        "SELECT regexp_matches(repeat('a', 50000), '(a+)+$') AND regexp_matches(repeat('a', 5000) || '!', '(a|aa)+$')"
    )
    assert tiny.door.sql(text, seconds=60).rows() == [(False,)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 9000 + "1" + ")" * 9000,
        "SELECT " + "[" * 9000 + "1" + "]" * 9000,
        "SELECT " + "1+" * 9000 + "1",
        "SELECT " + "NOT " * 4000 + "true",
        "SELECT " + "- " * 9000 + "1",
        "SELECT " + "CASE WHEN true THEN " * 400 + "1" + " ELSE 2 END" * 400,
        "SELECT 1 " + "UNION ALL SELECT 1 " * 1000,
        "SELECT * FROM " + "(SELECT * FROM " * 900 + "trees" + ")" * 900,
        "SELECT id FROM trees WHERE " + " AND ".join(["id > 0"] * 1500),
        "SELECT id FROM trees WHERE id IN (" + ",".join(map(str, range(4000))) + ")",
        "SELECT '" + "x" * 19_000 + "'",
        "SELECT " + "lower(" * 2500 + "'a'" + ")" * 2500,
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_depth_and_length_hurt_nobody(tiny: TinyCity, text: str, dialect: str) -> None:
    with contextlib.suppress(CallerError):
        tiny.door.sql(text, dialect=dialect, seconds=3).rows()
    assert tiny.door.sql("SELECT 2").rows() == [(2,)]


def test_a_long_text_is_not_read(tiny: TinyCity) -> None:
    with pytest.raises(BadSql, match="characters"):
        tiny.door.sql("SELECT 1 --" + "x" * 30_000)
    with pytest.raises(BadSql, match="names 25 tables"):
        tiny.door.sql("SELECT 1 FROM " + ", ".join(f'"t{n}"' for n in range(25)))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT /* ; ATTACH 'x' */ 1 AS a",
        "SELECT 1 AS a -- ; COPY x TO 'y'",
        "SELECT 1 AS a;",
        "\ufeffSELECT 1 AS a",
        "SELECT\u00a01 AS a",
        'select 1 as "a"',
    ],
)
def test_comments_and_odd_spaces_change_nothing(tiny: TinyCity, text: str) -> None:
    assert _said(tiny, text) == "[(1,)]" or not text.isascii()


@pytest.mark.parametrize(
    "name", ["famil\u0131es", "famılıes", "fami\u200blies", "ｆamilies", "families\u0000", "families "]
)
def test_letters_that_look_alike_are_other_names(tiny: TinyCity, name: str) -> None:
    with pytest.raises(BadSql):
        tiny.door.sql(f'SELECT * FROM "{name}"')


SOUP = (
    "SELECT FROM WHERE trees areas families id species count(*) ( ) , . * = > 'x' 1 NULL AS JOIN ON GROUP BY ORDER "
    "LIMIT UNION WITH x RECURSIVE CASE WHEN THEN END [ ] { } : :: -> ->> $a ? getenv read_csv('/etc/passwd') "
    'unnest range(10) " ` ; -- /* */ @ \\ é'
)


def test_no_soup_of_words_breaks_it(tiny: TinyCity) -> None:
    made = random.Random(7)
    for _ in range(60):
        text = " ".join(made.choice(SOUP.split(" ")) for _ in range(made.randrange(1, 14)))
        said = _said(tiny, text)
        assert "/home" not in said
        assert str(tiny.settings.root) not in said


def _said(tiny: TinyCity, text: str) -> str:
    """What a caller reads; any other kind of error comes through."""
    try:
        return str(tiny.door.sql(text, seconds=1).rows())
    except CallerError as error:
        return str(error)


def test_errors_in_the_lake_do_not_name_files(tmp_path: Path) -> None:
    city = make_city(tmp_path, trees=5)
    try:
        for file in city.lake.files(city.lake.resolve("areas")):
            file.unlink()
        with pytest.raises(LakeError) as caught:
            city.door.sql("SELECT * FROM areas").rows()
        assert caught.value.status == 500  # its words go to the log, not to the caller
    finally:
        city.door.close()
        city.close()
