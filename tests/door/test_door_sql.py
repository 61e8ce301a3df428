"""Questions in SQL: what they may name, what they give, and that an answer follows from what was asked alone."""

from __future__ import annotations

import threading
import time
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from tiny_city import FIRST, TREES, TinyCity, open_tiny, tree

from arengo.contract import loads
from arengo.contract.model import Kind
from arengo.door.sql import child
from arengo.door.sql.complaint import place
from arengo.door.sql.grammar import FUNCTIONS, group_key
from arengo.door.sql.sandbox import HEAD, Turns, bytes_of
from arengo.errors import BadQuery, BadSql, NotAllowed, SettingsError, Stopped, TooExpensive, UnknownVersion


def test_one_select_over_two_datasets(tiny: TinyCity) -> None:
    answer = tiny.door.sql(
        "SELECT t.species, a.name, count(*) AS n, sum(t.rings) AS rings FROM trees t "
        "JOIN areas a ON a.code = 'A' GROUP BY ALL ORDER BY n DESC, species LIMIT 2"
    )
    assert [read.dataset for read in answer.reads] == ["trees", "areas"]
    assert [(item.name, item.kind) for item in answer.columns] == [
        ("species", Kind.STRING),
        ("name", Kind.STRING),
        ("n", Kind.INTEGER),
        ("rings", Kind.INTEGER),
    ]
    rows = answer.rows()
    assert len(rows) == 2
    assert rows[0][1] == "Alpha"
    assert all(type(row[3]) is int for row in rows)
    assert answer.returned == 2
    assert not answer.truncated


def test_rows_agree_with_the_rows_api(tiny: TinyCity) -> None:
    from arengo.query import Query

    names = "id, species, height, protected, planted, inspected, opens, notes"
    want = tiny.door.ask(Query("trees", select=tuple(names.split(", ")), limit=None)).rows()
    assert tiny.door.sql(f"SELECT {names} FROM trees ORDER BY id").rows() == sorted(want)


@pytest.mark.parametrize("name", ["trees", '"trees"', "TREES", '"Trees"', '"trees@2"', '"trees@v2"'])
def test_a_dataset_by_its_spellings(tiny: TinyCity, name: str) -> None:
    assert tiny.door.sql(f"SELECT count(*) FROM {name}").rows() == [(200,)]


def test_a_hyphen_may_be_an_underscore(tmp_path: Path) -> None:
    city = open_tiny(tmp_path)
    contract = loads(TREES.replace("id: trees\n", "id: street-trees\n"))
    city.publish(contract, [tree(number) for number in range(1, 4)], FIRST)
    try:
        assert city.door.sql("SELECT count(*) FROM street_trees").rows() == [(3,)]
        assert city.door.sql('SELECT count(*) FROM "street-trees@2026-01-10"').rows() == [(3,)]
        assert [table.name for table in city.door.sql_tables()] == ["street_trees"]
        with pytest.raises(BadSql, match="no dataset 'street_tree'") as caught:
            city.door.sql("SELECT *\nFROM street_tree")
        assert caught.value.todo == "Did you mean 'street-trees'?"
        assert (caught.value.line, caught.value.column) == (2, 6)
        assert caught.value.excerpt == "FROM street_tree\n     ^"
    finally:
        city.door.close()
        city.close()


def test_versions_beside_each_other(tiny: TinyCity) -> None:
    gone = 'SELECT id FROM "trees@1" EXCEPT SELECT id FROM "trees@2026-02-11"'
    assert tiny.door.sql(gone).rows() == [(3,)]
    assert tiny.door.sql("SELECT count(*) FROM trees WHERE id = 3", as_of="1").rows() == [(1,)]
    with pytest.raises(UnknownVersion, match="no version '9'"):
        tiny.door.sql('SELECT * FROM "trees@9"')


def test_other_names_for_datasets(tiny: TinyCity) -> None:
    names = {"8d2a-11": "trees"}
    assert tiny.door.sql('SELECT count(*) FROM "8d2a-11"', names=names).rows() == [(200,)]
    assert tiny.door.sql('SELECT count(*) FROM "8d2a-11@1" WHERE id = 3', names=names).rows() == [(1,)]


def test_parameters_by_name_and_in_order(tiny: TinyCity) -> None:
    by_name = tiny.door.sql("SELECT count(*) FROM trees WHERE species = $s AND height > $h", {"s": "Tilia", "h": "1"})
    in_order = tiny.door.sql("SELECT count(*) FROM trees WHERE species = ? AND height > ?", ("Tilia", 1))
    assert by_name.rows() == in_order.rows() != [(0,)]
    hostile = tiny.door.sql("SELECT $x AS x", {"x": "'; DROP TABLE trees; --"})
    assert hostile.rows() == [("'; DROP TABLE trees; --",)]
    assert tiny.door.sql("SELECT $d::DATE AS d", {"d": date(2026, 1, 2)}).rows() == [(date(2026, 1, 2),)]
    with pytest.raises(BadSql, match=r"value for \$s is missing"):
        tiny.door.sql("SELECT $s")
    with pytest.raises(BadSql, match="no parameter 'speces'") as caught:
        tiny.door.sql("SELECT $species", {"species": "x", "speces": "y"})
    assert caught.value.todo == "Did you mean 'species'?"
    with pytest.raises(BadSql, match="no text, number"):
        tiny.door.sql("SELECT $x", {"x": ["a"]})


def test_every_kind_of_value(tiny: TinyCity) -> None:
    answer = tiny.door.sql(
        "SELECT 1::HUGEINT AS a, 1.50::DECIMAL(9,2) AS b, [1, 2] AS c, {'k': 'v'} AS d, MAP {'k': 1} AS e, "
        "INTERVAL 3 DAY AS f, TIMESTAMPTZ '2026-01-01 01:00:00+01' AS g, '{\"x\": 1}'::JSON AS h, NULL AS i, "
        "TIME '10:00' AS j, 'a' AS k, 'b' AS k"
    )
    assert [item.name for item in answer.columns][-2:] == ["k", "k_2"]
    assert answer.rows() == [
        (1, 1.5, [1, 2], {"k": "v"}, {"k": 1}, "P3D", datetime(2026, 1, 1), '{"x": 1}', None, *answer.rows()[0][9:])
    ]
    assert answer.columns[0].kind is Kind.INTEGER
    assert answer.columns[7].kind is Kind.JSON


def test_places_are_geometries(tiny: TinyCity) -> None:
    assert tiny.door.sql("SELECT ST_Area(shape) FROM areas ORDER BY code").rows() == [(1.0,), (2.0,), (2.0,), (None,)]
    answer = tiny.door.sql("SELECT code, shape FROM areas ORDER BY code DESC LIMIT 2")
    assert answer.columns[1].kind is Kind.GEOMETRY
    assert answer.rows("wkt")[1][1].startswith("POLYGON ((10 10")
    assert answer.rows("geojson")[1][1].startswith('{"type":"Polygon"')
    assert isinstance(answer.rows()[1][1], bytes)


def test_json_columns_are_json(tiny: TinyCity) -> None:
    assert tiny.door.sql("SELECT tags->>'$[1]' FROM trees WHERE id = 1").rows() == [("t1",)]


def test_words_of_another_database(tiny: TinyCity) -> None:
    text = "SELECT species, height::numeric(9,1) AS h, to_char(planted, 'YYYY') AS y FROM trees WHERE id = 1"
    with pytest.raises(BadSql):
        tiny.door.sql(text)  # to_char is not DuckDB's
    assert tiny.door.sql(text, dialect="postgres").rows() == [("Platanus", 99.5, "2001")]
    with pytest.raises(BadSql, match="cannot be read") as caught:
        tiny.door.sql("SELECT * FORM trees WHERE (", dialect="postgres")
    assert caught.value.line == 1
    with pytest.raises(BadQuery, match="no dialect 'mysql'"):
        tiny.door.sql("SELECT 1", dialect="mysql")


def test_the_limit_says_that_there_is_more(tiny: TinyCity) -> None:
    answer = tiny.door.sql("SELECT id FROM trees ORDER BY id", limit=3)
    assert answer.rows() == [(1,), (2,), (4,)]
    assert answer.truncated
    exact = tiny.door.sql("SELECT id FROM trees", limit=200)
    assert exact.returned == 200
    assert not exact.truncated
    assert tiny.door.sql("SELECT id FROM trees", limit=0).rows() == []


def test_the_etag_is_of_versions_words_and_values(tiny: TinyCity) -> None:
    def tag(text: str, params: dict[str, str] | None = None, as_of: str = "") -> str:
        return tiny.door.sql(text, params or {}, as_of=as_of).etag

    one = tag("SELECT count(*) FROM trees")
    assert one
    assert one == tag("select  count( * )  from trees -- the same")
    assert one != tag("SELECT count(*) FROM trees", as_of="1")
    assert one != tag("SELECT count(id) FROM trees")
    assert tag("SELECT $x", {"x": "1"}) != tag("SELECT $x", {"x": "2"})
    for moment in ("now()", "current_date", "today()", "age(TIMESTAMP '2020-01-01')"):
        assert tag(f"SELECT {moment}") == ""
    answer = tiny.door.sql("SELECT count(*) FROM trees")
    assert answer.tag("csv") != answer.tag("json")


def test_answers_repeat_in_order(tiny: TinyCity) -> None:
    text = "SELECT species, sum(height), avg(lon) FROM trees GROUP BY species"
    assert len({tuple(tiny.door.sql(text).rows()) for _ in range(4)}) == 1


def test_what_is_wrong_is_shown_where_it_stands(tiny: TinyCity) -> None:
    answer = tiny.door.sql("SELECT id,\n       specis\nFROM trees")
    with pytest.raises(BadSql, match="no column 'specis'") as caught:
        answer.rows()
    assert (caught.value.line, caught.value.column) == (2, 8)
    assert caught.value.excerpt == "       specis\n       ^"
    assert caught.value.todo == "Did you mean 'species'?"
    with pytest.raises(BadSql, match="wrong kind"):
        tiny.door.sql("SELECT lower(1, 2)").rows()
    with pytest.raises(BadSql, match="syntax error") as caught:
        tiny.door.sql("SELECT 'è', * FRM trees")
    assert caught.value.column == 18
    assert caught.value.excerpt.endswith("\n" + " " * 17 + "^")
    with pytest.raises(BadSql, match="Could not convert string 'x'") as caught:
        tiny.door.sql("SELECT 'x'::INTEGER").rows()
    assert "TRY_CAST" in caught.value.todo


def test_a_place_in_a_long_line() -> None:
    line, column, excerpt = place("SELECT 1;\n" + "x" * 500 + "HERE", 510)
    assert (line, column) == (2, 501)
    text, caret = excerpt.split("\n")
    assert text[caret.index("^") :].startswith("HERE")
    assert len(text) <= 100


def test_a_question_is_stopped_by_its_id(tiny: TinyCity) -> None:
    answer = tiny.door.sql("SELECT count(*) FROM range(100000) a, range(100000) b, range(1000) c", id="long-one")
    failed: list[BaseException] = []

    def run() -> None:
        try:
            answer.rows()
        except Stopped as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 120
    while not tiny.door.stop_sql("long-one"):  # it is not asked yet
        assert time.monotonic() < until
        time.sleep(0.02)
    thread.join(120)
    assert failed
    assert not thread.is_alive()
    assert not tiny.door.stop_sql("nobody")


def test_turns_come_in_order_and_are_bounded() -> None:
    turns = Turns(1)
    order: list[int] = []
    with turns.turn(1):
        threads = [threading.Thread(target=lambda n=n: _take(turns, order, n)) for n in range(3)]
        for number, thread in enumerate(threads, 1):
            thread.start()
            while len(turns._waiting) < number:  # each is in the row before the next one comes
                time.sleep(0.001)
    for thread in threads:
        thread.join(120)
    assert order == [0, 1, 2]
    with turns.turn(1), pytest.raises(TooExpensive, match="Many questions"), turns.turn(0.01):
        pass
    with turns.turn(0.01):
        pass


def _take(turns: Turns, order: list[int], number: int) -> None:
    with turns.turn(120):
        order.append(number)


def test_closed_for_questions(tmp_path: Path) -> None:
    from dataclasses import replace

    from arengo.door import Door
    from arengo.settings import SqlSettings

    city = open_tiny(tmp_path)
    door = Door(replace(city.settings, sql=SqlSettings(enabled=False)), city.catalogue, city.lake)
    with pytest.raises(NotAllowed, match="no questions in SQL"):
        door.sql("SELECT 1")
    city.close()


def test_batches_are_read_several_at_a_time(tiny: TinyCity) -> None:
    answer = tiny.door.sql("SELECT i FROM range(30000) t(i)")
    first, second = answer.batches(), answer.batches()
    assert next(first).equals(next(second))
    assert pa.Table.from_batches(list(answer.batches())).num_rows == 30000
    answer.close()


def test_groups_make_a_key(tiny: TinyCity) -> None:
    def key(text: str) -> tuple[str, ...]:
        return group_key(tiny.door.judged(text))

    assert key("SELECT species, count(*) FROM trees GROUP BY species") == ("species",)
    assert key("SELECT year(planted) AS y, district, count(*) FROM trees GROUP BY 1, district") == ("y", "district")
    assert key("SELECT species AS s, count(*) FROM trees GROUP BY ALL") == ("s",)
    assert key("SELECT count(*) FROM trees GROUP BY species") == ()
    assert key("SELECT species FROM trees") == ()


def test_both_sides_speak_the_same_frames() -> None:
    assert HEAD.format == child.HEAD.format
    assert bytes_of("256MB") == 256_000_000
    assert bytes_of("1 GiB") == 2**30
    with pytest.raises(SettingsError, match=r"sql\.memory"):
        bytes_of("much")


def test_every_listed_function_is_one() -> None:
    import duckdb

    from arengo.lake.engine import load

    with duckdb.connect() as connection:
        load(connection, "spatial")
        rows = connection.execute("SELECT DISTINCT lower(function_name) FROM duckdb_functions()").fetchall()
    words = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "date", "ifnull"}
    assert {name for name in FUNCTIONS if name[0].isalpha()} - {row[0] for row in rows} <= words
