"""Combinations packed into numbers are the same combinations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from arengo.privacy import tuples as module
from arengo.privacy.tuples import Stored, Tuples, Values, combinations, tuples


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT nullif('v''' || (hash(r) % 7), 'v''3') AS s, "
            "nullif(hash(r + 1) % 5, 2)::BIGINT AS i, "
            "(hash(r + 2) % 3 = 0) AS b, "
            "nullif(DATE '2020-02-27' + (hash(r + 3) % 4)::INTEGER, DATE '2020-03-01') AS d, "
            "((hash(r + 4) % 3) * 10000000000)::BIGINT - 5 AS w, NULL::VARCHAR AS n, '' AS e, 0.1 * (r % 3) AS f "
            "FROM range(3000) t(r)"
        )
        yield connection


def rows(found: Tuples) -> dict[tuple[Any, ...], int]:
    assert found.codes.shape == (len(found.columns), len(found))
    told = zip(*([values[code] for code in codes] for values, codes in zip(found.values, found.codes, strict=True)),
               strict=True)  # fmt: skip
    out = {row: int(count) for row, count in zip(told, found.counts, strict=True)}
    assert len(out) == len(found)
    return out


COLUMNS = [["s"], ["i", "s"], ["b", "d", "w"], ["n", "s"], ["e", "n"], ["s", "i", "b", "d", "w", "n", "e", "f"]]


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("word", [module.WORD, 50])
def test_packed_and_plain_say_the_same(
    engine: duckdb.DuckDBPyConnection, columns: list[str], word: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = rows(tuples(engine, "t", columns))
    monkeypatch.setattr(module, "MANY", 0)
    monkeypatch.setattr(module, "WORD", word)
    packed = tuples(engine, "t", columns)
    assert rows(packed) == plain
    assert {len(values) for values in packed.values} == {len(set(values)) for values in packed.values}
    assert sum(plain.values()) == packed.rows == 3000
    left = engine.execute("SELECT table_name FROM information_schema.tables").fetchall()
    assert left == [("t",)]


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("word", [module.WORD, 50])
def test_what_stays_in_the_engine_is_the_same(
    engine: duckdb.DuckDBPyConnection, columns: list[str], word: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = rows(tuples(engine, "t", columns))
    monkeypatch.setattr(module, "MANY", 0)
    monkeypatch.setattr(module, "WORD", word)
    monkeypatch.setattr(module, "LISTED", 3)
    stored = combinations(engine, "t", columns, most=1)
    if len(plain) == 1:
        assert isinstance(stored, Tuples)
        return
    assert isinstance(stored, Stored)
    assert (stored.rows, len(stored)) == (3000, len(plain))
    assert rows(stored.fetched()) == plain
    for values in stored.values:  # numbers of the engine are in the order of the values
        known = [item for item in values if item is not None]
        assert known == sorted(known)
        assert values[0] is None or None not in values


def test_many_values_are_held_as_the_engine_gave_them(
    engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MANY", 0)
    monkeypatch.setattr(module, "LISTED", 3)
    (values,) = tuples(engine, "t", ["s"]).values
    assert isinstance(values, Values)
    assert list(values) == [None, "v'0", "v'1", "v'2", "v'4", "v'5", "v'6"]
    assert (len(values), values[1], list(values[1:3])) == (7, "v'0", ["v'0", "v'1"])


def test_a_condition_and_no_rows(engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 0)
    assert tuples(engine, "t", ["s", "i"], "WHERE i = 4").rows < 3000
    assert len(tuples(engine, "t", ["s", "i"], "WHERE false")) == 0
    assert tuples(engine, "t", []).rows == 3000
