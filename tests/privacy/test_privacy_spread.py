"""What local recoding is said to cost is what a reader of the made table cannot tell any more."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import duckdb
import numpy as np
import pytest

from arengo.contract.model import EMPTY, Kind
from arengo.privacy.search import Axis, recoded
from arengo.privacy.spread import Spread
from arengo.privacy.tuples import Stored, combinations

KINDS = {"street": Kind.STRING, "age": Kind.INTEGER, "way": Kind.NUMBER, "sex": Kind.STRING}


def _spread(connection: duckdb.DuckDBPyConnection, by: list[str], k: int) -> Spread:
    told = combinations(connection, "t", by)
    axes = tuple(Axis(name, np.arange(len(told.values[at]), dtype=np.int32)[None, :], ()) for at, name in enumerate(by))
    return Spread(axes, EMPTY, KINDS, told, k)


def _may_be(label: str | None, values: list[Any]) -> int:
    """How many of the values a reader of the label cannot rule out."""
    if label is None:
        return 1
    if label == "*":
        return len(values)
    if label.startswith("{"):
        return len(label.split(", "))
    if label.startswith("["):
        low, high = map(float, label[1:-1].split(", "))
    elif "–" in label:
        low, high = map(float, label.split("–"))
    else:
        return 1
    return sum(item is not None and low <= item <= high for item in values)


def _shown(connection: duckdb.DuckDBPyConnection, by: list[str], k: int) -> float:
    recoded(connection, "t", by, k, "told")
    match = " AND ".join(f"t.{name} IS NOT DISTINCT FROM told.v{at}" for at, name in enumerate(by))
    lost, rows = 0.0, 0
    for at, name in enumerate(by):
        values = [item for (item,) in connection.execute(f"SELECT DISTINCT {name} FROM t").fetchall()]
        found = connection.execute(f"SELECT l{at}, count(*) FROM t JOIN told ON {match} GROUP BY 1").fetchall()
        rows = sum(n for _, n in found)
        lost += sum((_may_be(label, values) - 1) / max(len(values) - 1, 1) * n for label, n in found)
    return lost / rows / len(by)


@pytest.mark.parametrize("k", [2, 5, 12])
@pytest.mark.parametrize("by", [["street"], ["age"], ["way"], ["street", "age"], ["age", "way", "sex"]])
def test_the_loss_of_local_recoding_is_that_of_what_is_shown(by: list[str], k: int) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT 'Via ' || hash(r) % 300 || ' ' || r % 7 AS street, CASE WHEN hash(r * 7) % 9 = 0 "
            "THEN NULL ELSE hash(r * 5) % 40 END::INTEGER AS age, (hash(r * 3) % 90)::DOUBLE / 4 AS way, "
            "CASE r % 2 WHEN 0 THEN 'f' ELSE 'm' END AS sex FROM range(400) t(r)"
        )
        spread = _spread(connection, by, k)
        assert spread.local_loss(by, k) == pytest.approx(_shown(connection, by, k))


def test_addresses_that_all_become_a_star_are_lost() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'Via ' || r AS street, 1 AS age FROM range(5000) t(r)")
        assert _spread(connection, ["street", "age"], 10).local_loss(["street"], 10) == pytest.approx(1.0)
        assert _spread(connection, ["street"], 5001).local_loss(["street"], 5001) == 1.0


def test_what_stays_in_the_engine_loses_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    by, k = ["age", "street"], 4
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT CASE WHEN hash(r) % 9 = 0 THEN NULL ELSE hash(r * 5) % 40 END::INTEGER AS age, "
            "'s' || hash(r * 3) % 30 AS street FROM range(2000) t(r)"
        )
        monkeypatch.setattr("arengo.privacy.tuples.MANY", 0)
        monkeypatch.setattr("arengo.privacy.tuples.MEMORY", 100)
        monkeypatch.setattr(import_module("arengo.privacy.search.mondrian"), "MOST", 60)
        spread = _spread(connection, by, k)
        assert isinstance(spread.told, Stored)
        assert spread.local_loss(by, k) == pytest.approx(_shown(connection, by, k))
