"""Ladders: nested at every level, the same from a value as from a finer group, and refused with file and key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from arengo.contract.model import Kind
from arengo.errors import PolicyError
from arengo.governance import hierarchy as lists
from arengo.privacy import hierarchy
from arengo.privacy.hierarchy import BUILT_IN, CityCodes, Ladder, builders
from arengo.privacy.hierarchy.builders import Groups
from arengo.privacy.hierarchy.codes import _numbers
from arengo.privacy.releases import respelt
from arengo.settings import Settings
from arengo.state import State, open_state

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCHOOLING = """
kind = "order"
order = ["none", "primary", "lower", "upper", "degree"]
[levels.stage]
basic = ["none", "primary"]
secondary = ["lower", "upper"]
tertiary = ["degree"]
[levels.half]
school = ["basic", "secondary"]
beyond = ["tertiary"]
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        yield connection


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    settings = Settings(root=tmp_path)
    settings.home.mkdir(parents=True)
    state = open_state(settings.state_url)
    yield state
    state.close()


@pytest.fixture
def codes(tmp_path: Path, state: State) -> CityCodes:
    settings = Settings(root=tmp_path)
    return CityCodes(settings, state, lists.Hierarchies(settings, state))


def climb(engine: duckdb.DuckDBPyConnection, ladder: Ladder, value: str, kind: Kind) -> list[Any]:
    told = ", ".join(ladder.sql(level, value, kind) for level in ladder.levels)
    found = engine.execute(f"SELECT {told}").fetchone()
    assert found is not None
    return list(found)


@pytest.mark.parametrize(
    ("name", "value", "kind", "labels"),
    [
        ("dates", "DATE '2024-05-17'", Kind.DATE, ["2024-05", "2024-Q2", "2024", "2020–2024", "2020–2029", "*"]),
        ("dates", "1987", Kind.INTEGER, ["1987-01", "1987-Q1", "1987", "1985–1989", "1980–1989", "*"]),
        ("dates", "'1987-11-02'", Kind.STRING, ["1987-11", "1987-Q4", "1987", "1985–1989", "1980–1989", "*"]),
        ("dates", "'yesterday'", Kind.STRING, ["*"] * 6),
        ("numbers", "37", Kind.INTEGER, ["35–39", "30–39", "20–39", "0–39", "*"]),
        ("measures", "CAST(-3.5 AS DOUBLE)", Kind.NUMBER, ["[-5, 0)", "[-10, 0)", "[-20, 0)", "[-40, 0)", "*"]),
        ("numbers", "CAST('nan' AS DOUBLE)", Kind.NUMBER, ["*"] * 5),
        ("characters", "'90255'", Kind.STRING, ["9025*", "902**", "90***", "9****", "*****", "*****", "*"]),
        ("times", "TIME '14:20'", Kind.TIME, ["14:00", "12:00-18:00", "*"]),
        ("all", "'x'", Kind.STRING, ["*"]),
    ],
)
def test_what_is_built_in_tells(
    engine: duckdb.DuckDBPyConnection, name: str, value: str, kind: Kind, labels: list[str]
) -> None:
    assert climb(engine, BUILT_IN[name], value, kind) == labels


def test_intervals_of_fractions_stay_open_above(engine: duckdb.DuckDBPyConnection) -> None:
    ladder = hierarchy.read("dose", 'kind = "intervals"\nwidths = [0.5, 1]')
    assert isinstance(ladder, Ladder)
    assert climb(engine, ladder, "CAST(0.7 AS DOUBLE)", Kind.NUMBER) == ["[0.5, 1.0)", "[0.0, 1.0)", "*"]
    assert ladder.between("by-0.5", "by-1")["[0.5, 1.0)"] == "[0.0, 1.0)"
    single = hierarchy.read("year", 'kind = "intervals"\nwidths = [1, 2]')
    assert isinstance(single, Ladder)
    assert climb(engine, single, "7", Kind.INTEGER) == ["7", "6–7", "*"]
    assert single.between("by-1", "by-2")["7"] == "6–7"
    assert BUILT_IN["numbers"].between("by-5", "by-10")["-5–-1"] == "-10–-1"


def test_names_of_before_are_read_in_the_words_of_today(engine: duckdb.DuckDBPyConnection) -> None:
    told = {"[45, 50)": "45–49", "[-5, 0)": "-5–-1", "1950s": "1950–1959", "2020-2024": "2020–2024",
            "2024-05": "2024-05", "45–49": "45–49", "[7, 8)": "7", "[0.5, 1.0)": "[0.5, 1.0)", "*": "*"}  # fmt: skip
    for before, today in told.items():
        assert engine.execute(f"SELECT {respelt('v')} FROM (SELECT ? AS v)", [before]).fetchone() == (today,)


def test_unknown_stays_unknown_below_the_top(engine: duckdb.DuckDBPyConnection) -> None:
    assert climb(engine, BUILT_IN["numbers"], "CAST(NULL AS BIGINT)", Kind.INTEGER) == [None, None, None, None, "*"]


VALUES = {
    "dates": st.dates(min_value=datetime(1200, 1, 1).date()).map(lambda item: (f"DATE '{item}'", Kind.DATE)),
    "moments": st.datetimes(min_value=datetime(1200, 1, 1)).map(lambda item: (f"TIMESTAMP '{item}'", Kind.TIMESTAMP)),
    "numbers": st.integers(-(10**12), 10**12).map(lambda item: (str(item), Kind.INTEGER)),
    "numbers/250": st.integers(-(10**9), 10**9).map(lambda item: (str(item), Kind.INTEGER)),
    "characters": st.text("ab1*' é", min_size=0, max_size=9).map(
        lambda item: ("'" + item.replace("'", "''") + "'", Kind.STRING)
    ),
}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_group_is_the_same_from_the_value_and_from_the_group_below(
    engine: duckdb.DuckDBPyConnection, name: str
) -> None:
    ladder = BUILT_IN.get(name) or _numbers(name)
    assert ladder is not None

    @hypothesis(max_examples=30, deadline=None)
    @given(VALUES[name])
    def check(drawn: tuple[str, Kind]) -> None:
        labels = climb(engine, ladder, *drawn)
        for at, label in enumerate(labels):
            told = "'" + str(label).replace("'", "''") + "'"
            lifted = [ladder.sql(level, told, "string", ladder.levels[at]) for level in ladder.levels[at + 1 :]]
            if lifted and label is not None:
                assert list(engine.execute(f"SELECT {', '.join(lifted)}").fetchone() or ()) == labels[at + 1 :]

    check()


def test_bounds_take_what_lies_outside_into_one_group(engine: duckdb.DuckDBPyConnection) -> None:
    ladder = hierarchy.read("age", 'kind = "intervals"\nwidths = [5, 10]\nlower = 15\nupper = 85')
    assert isinstance(ladder, Ladder)
    told = {value: climb(engine, ladder, str(value), Kind.INTEGER) for value in (3, 15, 84, 85)}
    assert told == {
        3: ["< 15", "< 15", "*"],
        15: ["15–19", "15–24", "*"],
        84: ["80–84", "75–84", "*"],
        85: [">= 85", ">= 85", "*"],
    }
    assert ladder.between("by-5", "by-10")["< 15"] == "< 15"
    assert ladder.between("by-5", "by-10")["20–24"] == "15–24"


@pytest.mark.parametrize(
    ("text", "value", "labels"),
    [
        (SCHOOLING, "'upper'", ["secondary", "school", "*"]),
        (SCHOOLING, "'unheard of'", ["*", "*", "*"]),
        ('kind = "mask"\nkeep = [4, 2]', "'902551'", ["9025*", "90*", "*"]),
        ('kind = "mask"\nkeep = [4, 2]', "'90'", ["90", "90", "*"]),
        ('kind = "hide"\nhide = [1, 3]', "'9025'", ["902*", "9***", "*"]),
        ('kind = "prefix"\nlengths = [4, 2]', "'01.11'", ["01.1", "01", "*"]),
        ('kind = "dates"\nlevels = ["year", "decade"]', "'2024-02-29'", ["2024", "2020–2029", "*"]),
    ],
)
def test_rules_of_the_city_folder(engine: duckdb.DuckDBPyConnection, text: str, value: str, labels: list[str]) -> None:
    ladder = hierarchy.read("rule", text)
    assert isinstance(ladder, Ladder)
    assert climb(engine, ladder, value, Kind.STRING) == labels


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("kind = 7", "kind"),
        ("", "kind"),
        ("kind = 'cubes'", "kind"),
        ("kind = 'intervals'", "widths"),
        ("kind = 'intervals'\nwidths = [5, 12]", "widths"),
        ("kind = 'intervals'\nwidths = [5, 5]", "widths"),
        ("kind = 'intervals'\nwidths = [true]", "widths"),
        ("kind = 'intervals'\nwidths = [nan]", "widths"),
        ("kind = 'intervals'\nwidths = [5]\nlower = 9\nupper = 9", "upper"),
        ("kind = 'intervals'\nwidths = [5]\nlower = 'low'", "lower"),
        ("kind = 'intervals'\nwidths = [5]\nwidth = 5", "width"),
        ("kind = 'dates'\nlevels = ['year', 'month']", "levels"),
        ("kind = 'dates'\nlevels = ['week']", "levels"),
        ("kind = 'mask'\nkeep = [2, 4]", "keep"),
        ("kind = 'mask'\nkeep = [2.5]", "keep"),
        ("kind = 'order'\norder = ['a', 'b', 'c']\n[levels.x]\none = ['a', 'c']\ntwo = ['b']", "levels.x"),
        ("kind = 'order'\norder = ['a', 'b']\n[levels.x]\none = ['a']", "levels.x"),
        ("kind = 'order'\norder = ['a']\n[levels.x]\none = ['a']\ntwo = ['a']", "levels.x.two"),
        ('kind = "order"\norder = ["a\\u0000b"]', "order"),
        ("kind = 'places'\ndataset = 'sections'\ncolumns = ['section']", "columns"),
        ("kind = 'places'\ndataset = '../x'\ncolumns = ['a', 'b']", "dataset"),
        ("kind = 'places'\nwithin = [{dataset = 'wards'}]", "within.1.column"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_with_its_key(text: str, key: str) -> None:
    with pytest.raises(PolicyError) as raised:
        hierarchy.read("ages", text)
    assert raised.value.place is not None
    assert (raised.value.place.file, raised.value.place.column) == ("hierarchies/ages.toml", key)
    assert raised.value.todo


def test_a_file_that_is_no_toml_says_so() -> None:
    with pytest.raises(PolicyError, match="not TOML"):
        hierarchy.read("ages", "kind = [")


def test_rules_hold_from_when_they_are_taken(tmp_path: Path, state: State, codes: CityCodes) -> None:
    (tmp_path / "hierarchies").mkdir()
    (tmp_path / "hierarchies" / "schooling.toml").write_text(SCHOOLING, encoding="utf-8")
    with pytest.raises(PolicyError) as raised:
        codes.levels("schooling")
    assert "arengo apply" in raised.value.todo
    assert hierarchy.take(state, hierarchy.folder(tmp_path), NOW) == ("schooling",)
    assert hierarchy.take(state, hierarchy.folder(tmp_path), NOW) == ()
    assert codes.levels("schooling") == ("stage", "half", "*")
    assert codes.between("schooling", "stage", "half")["basic"] == "school"
    assert hierarchy.take(state, {}, NOW) == ("schooling",)
    with pytest.raises(PolicyError):
        codes.levels("schooling")


def test_a_wrong_rule_changes_nothing(state: State, codes: CityCodes) -> None:
    hierarchy.take(state, {"schooling": SCHOOLING}, NOW)
    with pytest.raises(PolicyError):
        hierarchy.take(state, {"other": "kind = 'dates'\nlevels = ['year']", "schooling": "kind = 3"}, NOW)
    assert codes.levels("schooling") == ("stage", "half", "*")
    assert "other" not in codes.names()


def test_a_list_and_a_rule_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "hierarchies").mkdir()
    for ending in ("csv", "toml"):
        (tmp_path / "hierarchies" / f"x.{ending}").write_text("a,b", encoding="utf-8")
    with pytest.raises(PolicyError, match="too"):
        hierarchy.folder(tmp_path)


def test_lists_are_ladders_and_many_values_are_joined(
    engine: duckdb.DuckDBPyConnection, state: State, codes: CityCodes
) -> None:
    rows = "".join(f"s{number},w{number // 10},d{number // 100}\n" for number in range(1_000))
    lists.take(state, {"places": "section,ward,district\n" + rows}, NOW)
    assert codes.levels("places") == ("ward", "district", "*")
    told = ", ".join(codes.sql("places", level, "v", "string") for level in ("ward", "2", "*"))
    found = engine.execute(f"SELECT v, {told} FROM (VALUES ('s123'), ('nowhere'), (NULL)) t(v) ORDER BY v").fetchall()
    assert found == [("nowhere", "*", "*", "*"), ("s123", "w12", "d1", "*"), (None, None, None, "*")]
    lifted = engine.execute(f"SELECT {codes.sql('places', 'district', chr(39) + 'w12' + chr(39), 'string', 'ward')}")
    assert lifted.fetchone() == ("d1",)
    assert codes.between("places", "ward", "district")["w12"] == "d1"


@pytest.mark.parametrize("name", ["nothing", "numbers/0", "numbers/x", "numbers/-5", "numbers/nan", "a\nb", "../x"])
def test_a_name_nobody_has_is_refused(codes: CityCodes, name: str) -> None:
    with pytest.raises(PolicyError):
        codes.sql(name, "1", "v", "integer")


def test_a_level_nobody_has_is_refused(codes: CityCodes) -> None:
    with pytest.raises(PolicyError, match="no level"):
        codes.sql("dates", "century", "v", "date")


HOSTILE = ("it's", "a\\b", "a\nb", 'q"x', "ü–€", "--", "'); DROP TABLE t; --", "$1", ".*", r"\1", "\\Q.\\E", ",", "*")


def long_list(extra: str = "") -> Groups:
    """More values than are listed as rows, of every kind that could be taken for something else."""
    named = {f"{HOSTILE[at % len(HOSTILE)]}{at}{extra}": at for at in range(2_500)}
    groups = {value: (f"w{at // 7}{HOSTILE[at // 7 % len(HOSTILE)]}", f"d{at // 70}'") for value, at in named.items()}
    return Groups("long", ("ward", "district"), groups)


def asked(engine: duckdb.DuckDBPyConnection, sql: str, values: list[str | None]) -> list[Any]:
    engine.register("_asked", pa.table({"n": range(len(values)), "v": pa.array(values, pa.string())}))
    try:
        return [row[0] for row in engine.execute(f"SELECT {sql} FROM _asked ORDER BY n").fetchall()]
    finally:
        engine.unregister("_asked")


# The marks that part the pairs, in the values: one kind, two kinds, and all that there are.
@pytest.mark.parametrize("extra", ["", "\x1f", "\x1e", "\x1d\x1e", "\x1f\x1c\x02"])
def test_a_long_list_says_what_its_rows_say(
    engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    held = long_list(extra).mapping
    values = [*list(held)[::3], "nowhere", "", "\x1f", "\x1e", None]
    for place, level in enumerate(("ward", "district")):
        fast = long_list(extra).sql(level, '"v"', "string")
        assert ("VALUES" in fast) == (extra == "\x1f\x1c\x02")
        with monkeypatch.context() as within:
            within.setattr(builders, "MOST_ROWS", 10**9)
            slow = long_list(extra).sql(level, '"v"', "string")
        assert "VALUES" in slow
        wanted = [None if value is None else held.get(value, ("*", "*"))[place] for value in values]
        assert asked(engine, fast, values) == asked(engine, slow, values) == wanted
    above = dict(held.values())
    lifted = long_list(extra).sql("district", '"v"', "string", "ward")
    assert asked(engine, lifted, [*above, "nowhere"]) == [*above.values(), "*"]
    assert long_list(extra).between("ward", "district") == {**above, "*": "*"}
    assert long_list(extra).between("0", "*") == {**dict.fromkeys(held, "*"), "*": "*"}


def test_a_long_list_works_in_a_view(engine: duckdb.DuckDBPyConnection) -> None:
    held = long_list()
    engine.execute("CREATE OR REPLACE TEMP TABLE _people (v VARCHAR)")
    engine.executemany("INSERT INTO _people VALUES (?)", [[value] for value in list(held.mapping)[:5]])
    told = held.sql("ward", '"v"', "string")
    engine.execute(f"CREATE OR REPLACE TEMP VIEW _shown AS SELECT v, {told} AS g FROM _people")
    found = engine.execute("SELECT v, g FROM _shown WHERE g IS NOT NULL").fetchall()
    assert dict(found) == {value: held.mapping[value][0] for value in list(held.mapping)[:5]}
    engine.execute("DROP VIEW _shown; DROP TABLE _people")


def test_the_verdict_is_the_same_however_a_list_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gate_case import World, quasi, table

    from arengo.privacy import gate

    rows = "".join(f'"{HOSTILE[at % 13]}{at}","w{at // 40}\'",d{at // 400}\n' for at in range(4_000))
    people = [[f"{HOSTILE[at * 7 % 4_000 % 13]}{at * 7 % 4_000}", 20 + at % 3] for at in range(900)]
    columns = {"code": quasi(Kind.STRING, "code", arengoHierarchy="codes"), "age": quasi(Kind.INTEGER, "age")}
    seen = []
    for most in (10**9, builders.MOST_ROWS):
        monkeypatch.setattr(builders, "MOST_ROWS", most)
        world = World(tmp_path / str(most))
        world.lists(codes="value,ward,district\n" + rows.replace('q"x', 'q""x'))
        verdict = gate.judge(world.case(table("loans", columns, people)))
        seen.append((verdict.outcome, verdict.findings, verdict.repairs))
        world.close()
    assert seen[0] == seen[1]
    assert seen[0][0] == "repair"
    assert any("level" in str(repair.columns) for repair in seen[0][2])


GOOD = "value,ward,district\n"
_CELLS = st.sampled_from(["a", "b", " a ", "w1", "w2", "d1", "d2", "", " ", '"', '"x,y"', "\0", '"a\nb"', "\x1f"])
_ROWS = st.lists(st.lists(_CELLS, max_size=4).map(",".join), max_size=6).map("\n".join)


@hypothesis(max_examples=300, deadline=None)
@given(_ROWS, st.sampled_from([GOOD, "value,ward\n", "value\n", "value,value\n", "\n", "", '"value,ward\n']))
def test_a_list_read_at_once_is_what_it_is_row_by_row(rows: str, head: str) -> None:
    def told(read: Any) -> Any:
        try:
            made = read("places", head + rows)
        except PolicyError as error:
            return str(error), error.place, error.todo
        return made

    assert told(lists.read) == told(lists._by_row)


def test_a_list_is_read_at_once_in_more_than_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    text = GOOD + "".join(f"s{at},w{at // 3},d{at // 9}\r\n\r\n" for at in range(100))
    whole = lists._by_row("places", text)
    monkeypatch.setattr(lists, "BATCH", 7)
    assert lists._whole("places", text) == whole
    assert lists._whole("places", text + "s100,w1,d7\n") is None  # w1 is in d0, which another batch says
    assert lists._whole("places", text + "s1,w40,d10\n") is None
    with pytest.raises(PolicyError, match="w1"):
        lists.read("places", text + "s100,w1,d7\n")
    with pytest.raises(PolicyError, match="two groups"):
        lists.read("places", text + "s1,w40,d10\n")
