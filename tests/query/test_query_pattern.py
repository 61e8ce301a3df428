"""LIKE patterns: linear in the text, whatever the pattern."""

from __future__ import annotations

import time

import duckdb
import pytest

from arengo.contract.model import Kind
from arengo.errors import BadQuery
from arengo.query import Field, Query, Scope, prepare
from arengo.query.pattern import compile_pattern

SCOPE = Scope("texts", {"x": Field("x", Kind.STRING)})


@pytest.mark.parametrize(
    ("pattern", "sql", "text"),
    [
        ("abc", "({value} = {pattern})", "abc"),
        ("", "({value} = {pattern})", ""),
        ("ab%", "starts_with({value}, {pattern})", "ab"),
        ("%ab", "suffix({value}, {pattern})", "ab"),
        ("%%ab%", "contains({value}, {pattern})", "ab"),
        ("%", "contains({value}, {pattern})", ""),
        ("50\\%%", "starts_with({value}, {pattern})", "50%"),
        ("a_.%b", "regexp_full_match({value}, {pattern}, 's')", "a.\\..*b"),
    ],
)
def test_shapes(pattern: str, sql: str, text: str) -> None:
    found, bound = compile_pattern(pattern)
    assert bound == text
    assert found == sql


def test_a_pattern_that_hangs_the_engines_own_like() -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("CREATE TABLE texts AS SELECT repeat('a', 2000) AS x, range AS _row FROM range(20)")
        for pattern in ("%a_" * 30 + "%b", "%\\a" * 30 + "%b", "_" * 300 + "%" + "a_%" * 60 + "b"):
            query = Query("texts", filter={"op": "like", "args": [{"property": "x"}, pattern]})
            statement = prepare(query, SCOPE).count("texts")
            started = time.process_time()
            assert connection.execute(statement.sql, list(statement.params)).fetchone() == (0,)
            assert time.process_time() - started < 60


def test_long_patterns_are_refused() -> None:
    with pytest.raises(BadQuery, match="longer than"):
        compile_pattern("a" * 2000)
