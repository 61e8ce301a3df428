"""What a query may not do: functions, hidden columns, wrong literals, broken cursors, texts that overflow a parser."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.contract.model import Geometry, Kind
from arengo.errors import BadQuery, CallerError, UnknownColumn
from arengo.query import (
    Aggregate,
    Field,
    Group,
    Order,
    Query,
    Scope,
    from_parameters,
    parse,
    parse_json,
    parse_text,
    plain,
    prepare,
    to_text,
)
from arengo.query import cursor as cursors
from arengo.query.moment import read_span

FIELDS = {
    name: Field(name, kind)
    for name, kind in {
        "id": Kind.INTEGER,
        "name": Kind.STRING,
        "size": Kind.NUMBER,
        "flag": Kind.BOOLEAN,
        "day": Kind.DATE,
        "at": Kind.TIMESTAMP,
        "opens": Kind.TIME,
        "tags": Kind.JSON,
        "shape": Kind.GEOMETRY,
        'odd "name"': Kind.STRING,
    }.items()
}
SCOPE = Scope("things", FIELDS, Geometry("shape"), "at", ("name",), ("id",))
FLAT = Scope("plain", {"id": FIELDS["id"]})


def ask(text: str) -> None:
    prepare(Query("things", filter=parse_text(text)), SCOPE)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("pg_sleep(10) = 1", "cannot do 'pg_sleep'"),
        ("current_setting('threads') = '2'", "cannot do 'current_setting'"),
        ("read_text('/etc/passwd') = 'x'", "cannot do 'read_text'"),
        ("name = getvariable('x')", "cannot do 'getvariable'"),
        ("size ^ 2 = 4", "cannot do '^'"),
        ("id = 'x'", "'x' does not fit: id is integer"),
        ("name = 1", "1.0 does not fit: name is string"),
        ("flag = 'yes'", "does not fit"),
        ("flag > true", "has no order"),
        ("day = 'tomorrow'", "is not a time"),
        ("day = DATE('2024-13-45')", "is not a date"),
        ("opens = '25:00'", "is not a time of day"),
        ("name", "not true or false"),
        ("name = NULL", "Nothing equals NULL"),
        ("1 = 1", "fixed values"),
        ("name LIKE size", "fixed text"),
        ("size LIKE 'a'", "LIKE compares texts"),
        ("name LIKE 'a\\'", "lone backslash"),
        ("tags = 'a'", "does not fit"),
        ("shape = 'a'", "does not fit"),
        ("name + 1 = 2", "Arithmetic is for numbers"),
        ("casei(size) = 'a'", "is for text"),
        ("size = name", "cannot be compared"),
        ("(id, name) = 1", "list stands"),
        ("S_INTERSECTS(name, POINT(1 2))", "is no geometry"),
        ("S_INTERSECTS(shape, shape)", "fixed geometry"),
        ("S_INTERSECTS(POINT(1 2), POINT(1 2))", "needs the geometry column"),
        ("S_INTERSECTS(shape, BBOX(1,2))", "bbox"),
        ("S_INTERSECTS(shape, POLYGON((0 0,1 0,1 1,0 1)))", "ends where it starts"),
        ("T_AFTER(name, DATE('2024-01-01'))", "compares times"),
        ("T_AFTER(at, 'soon')", "not a time"),
        ("A_CONTAINS(name, ('a'))", "column of lists"),
        ("size = 1e400", "too large"),
        ("id = 9007199254740993000", "too large to be read exactly"),
        ("name = 'a", "CQL2"),
        ("name ==", "CQL2"),
        ("id IN ()", "CQL2"),
    ],
)
def test_refused_with_a_sentence(text: str, met: str) -> None:
    with pytest.raises(BadQuery) as caught:
        ask(text)
    assert met in caught.value.met


@pytest.mark.parametrize(
    "text",
    [
        "secret = 's'",
        "rowid = 1",
        '"_row" = 1',
        '"_xmin" > 0',
        "things.id = 1",
        "A_CONTAINS(secret, ('a'))",
        "secret IS NULL",
    ],
)
def test_only_the_columns_of_the_view(text: str) -> None:
    with pytest.raises(UnknownColumn):
        ask(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "id=1" + ")" * 5000,
        "NOT " * 5000 + "id=1",
        "id=" + "-" * 5000 + "1",
        "casei(" * 5000 + "name" + ")" * 5000 + "='a'",
        "id=1" + " OR id=1" * 20000,
        "id=1" + "-1" * 20000,
        "id" + "=id" * 20000,
        "id=1" + "^2" * 20000,
        "x" * 300_000,
    ],
)
def test_texts_that_overflow_the_parser_are_refused_before_it(text: str) -> None:
    with pytest.raises(BadQuery):
        parse_text(text)


@pytest.mark.parametrize(
    "expr",
    ["onmouseover=alert(1) x=", "=", {"op": "x"}, {"args": []}, {"op": "=", "args": []}, {"type": "Point"}, {}],
)
def test_what_is_no_expression_is_not_written_as_text(expr: object) -> None:
    with pytest.raises(BadQuery):
        to_text(expr)


def test_words_are_bounded() -> None:
    scope = Scope("things", {"name": Field("name", Kind.STRING)}, search=("name",))
    prepare(Query("things", search="a" * 500), scope)
    with pytest.raises(BadQuery, match="at most 500"):
        prepare(Query("things", search="a" * 501), scope)


def test_json_is_bounded_too() -> None:
    deep: object = {"op": "=", "args": [{"property": "id"}, 1]}
    for _ in range(100):
        deep = {"op": "not", "args": [deep]}
    with pytest.raises(BadQuery, match="nested deeper"):
        prepare(Query("things", filter=deep), SCOPE)  # type: ignore[arg-type]
    with pytest.raises(BadQuery, match="not JSON"):
        parse_json("[" * 100_000)
    with pytest.raises(BadQuery, match="more than"):
        prepare(Query("things", filter={"op": "in", "args": [{"property": "id"}, list(range(10_000))]}), SCOPE)
    line = {"type": "LineString", "coordinates": [[0, 0]] * 30_000}
    with pytest.raises(BadQuery, match="more than 20,000 positions"):
        prepare(Query("things", filter={"op": "s_within", "args": [{"property": "shape"}, line]}), SCOPE)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.fixed_dictionaries(
                {"op": st.sampled_from(["=", "and", "in", "like", "s_within", "t_after", "not", "div"])}
            ).flatmap(lambda d: inner.map(lambda args: {**d, "args": args})),
            st.dictionaries(st.sampled_from(["property", "date", "interval", "bbox", "type", "coordinates"]), inner),
        ),
        max_leaves=12,
    )
)
def test_any_json_is_answered_or_refused(expr: object) -> None:
    with contextlib.suppress(CallerError):
        prepare(Query("things", filter=expr), SCOPE)  # type: ignore[arg-type]


def test_values_never_reach_the_text_of_the_statement() -> None:
    evil = "x' OR 1=1; --"
    plan = prepare(Query("things", filter=parse_json({"op": "=", "args": [{"property": "name"}, evil]})), SCOPE)
    statement = plan.select("things", limit=5)
    assert evil not in statement.sql
    assert evil in statement.params
    quoted = prepare(Query("things", select=('odd "name"',), order_by=(Order('odd "name"'),)), SCOPE).select("things")
    assert '"odd ""name"""' in quoted.sql


@pytest.mark.parametrize(
    "query",
    [
        Query("things", limit=0),
        Query("things", limit=99_999),
        Query("things", order_by=(Order("tags"),)),
        Query("things", group_by=(Group("shape"),)),
        Query("things", group_by=(Group("day", "hour"),)),
        Query("things", group_by=(Group("name", "month"),)),
        Query("things", group_by=(Group("at", "fortnight"),)),
        Query("things", group_by=(Group("name"),), select=("id",)),
        Query("things", group_by=(Group("name"), Group("name"))),
        Query("things", group_by=(Group("name"),), order_by=(Order("id"),)),
        Query("things", aggregates=(Aggregate("mode", "id"),)),
        Query("things", aggregates=(Aggregate("sum", "name"),)),
        Query("things", aggregates=(Aggregate("sum"),)),
        Query("things", bbox=(1, 5, 2, 4)),
        Query("things", datetime="2024-02-01/2024-01-01"),
        Query("things", datetime="never"),
    ],
)
def test_queries_that_make_no_sense(query: Query) -> None:
    with pytest.raises(BadQuery):
        prepare(query, SCOPE, max_rows=10_000)


def test_what_a_dataset_lacks_is_said() -> None:
    for query, word in (
        (Query("plain", bbox=(0, 0, 1, 1)), "no geometry"),
        (Query("plain", datetime="2024"), "no time column"),
        (Query("plain", search="a"), "no text column"),
    ):
        with pytest.raises(BadQuery, match=word):
            prepare(query, FLAT)


def test_a_cursor_is_bound_to_its_question_and_version() -> None:
    query = Query("things", order_by=(Order("name"),))
    kinds = prepare(query, SCOPE).kinds
    text = cursors.write(query, 3, "v3", ("a", 7))
    same = from_parameters("things", {"order_by": "name", "cursor": text, "limit": "5", "select": "id"})
    assert cursors.read(same, "v3", kinds).values == ("a", 7)
    assert cursors.number_of(text) == 3
    for broken in (text[:-2], "x" + text, "!!", "é", "AAAA", "A" * 30_000):
        with pytest.raises(BadQuery):
            cursors.read(from_parameters("things", {"order_by": "name", "cursor": broken}), "v3", kinds)
    with pytest.raises(BadQuery, match="another question"):
        cursors.read(same, "v4", kinds)
    with pytest.raises(BadQuery, match="another question"):
        cursors.read(from_parameters("things", {"order_by": "-name", "cursor": text}), "v3", kinds)


def test_parameters_are_never_ignored() -> None:
    with pytest.raises(BadQuery, match=r"no parameter 'ordr_by'.*order_by"):
        from_parameters("things", {"ordr_by": "name"})
    with pytest.raises(BadQuery, match="no filter language"):
        parse("a=1", "sql")
    with pytest.raises(UnknownColumn, match="Did you mean 'name'"):
        plain([("nome", "x")], SCOPE)


def test_plain_filters() -> None:
    made = plain(
        [("name", "a"), ("name", "b"), ("size__gte", "1.5"), ("day__lt", "2024-01-01"), ("at__null", "false")], SCOPE
    )
    prepare(Query("things", filter=made), SCOPE)
    assert made == {
        "op": "and",
        "args": [
            {"op": ">=", "args": [{"property": "size"}, 1.5]},
            {"op": "<", "args": [{"property": "day"}, {"date": "2024-01-01"}]},
            {"op": "not", "args": [{"op": "isNull", "args": [{"property": "at"}]}]},
            {"op": "in", "args": [{"property": "name"}, ["a", "b"]]},
        ],
    }
    for name, text in (("size", "x"), ("flag", "maybe"), ("tags", "a"), ("day", "x")):
        with pytest.raises(BadQuery):
            prepare(Query("things", filter=plain([(name, text)], SCOPE)), SCOPE)


def test_spans() -> None:
    assert str(read_span("2024-02").end) == "2024-02-29 23:59:59.999999"
    assert str(read_span("2024").start) == "2024-01-01 00:00:00"
    assert str(read_span("2024-01-01T10:00:00+02:00").start) == "2024-01-01 08:00:00"
    assert read_span("../2024-01-01").start is None
