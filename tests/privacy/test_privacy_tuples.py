"""Combinations packed into numbers are the same combinations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from arengo.privacy import tuples as module
from arengo.privacy.tuples import Tuples, tuples


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


@pytest.mark.parametrize(
    "columns", [["s"], ["i", "s"], ["b", "d", "w"], ["n", "s"], ["e", "n"], ["s", "i", "b", "d", "w", "n", "e"]]
)
def test_packed_and_plain_say_the_same(
    engine: duckdb.DuckDBPyConnection, columns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = rows(tuples(engine, "t", columns))
    monkeypatch.setattr(module, "MANY", 0)
    packed = module._packed(engine, "t", columns, "")
    assert packed is not None
    assert rows(packed) == plain
    assert {len(values) for values in packed.values} == {len(set(values)) for values in packed.values}
    assert sum(plain.values()) == packed.rows == 3000


def test_what_cannot_be_packed_is_grouped_as_it_is(
    engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MANY", 0)
    assert module._packed(engine, "t", ["s", "f"], "") is None
    monkeypatch.setattr(module, "MODERATE", 3)
    assert module._packed(engine, "t", ["s"], "") is None
    assert tuples(engine, "t", ["s"]).rows == 3000


def test_a_condition_and_no_rows(engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 0)
    assert tuples(engine, "t", ["s", "i"], "WHERE i = 4").rows < 3000
    assert len(tuples(engine, "t", ["s", "i"], "WHERE false")) == 0
    assert tuples(engine, "t", []).rows == 3000
