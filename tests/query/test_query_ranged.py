"""Names of intervals stand in the order of their numbers, page after page, forwards and backwards."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from arengo.contract.model import Kind
from arengo.query.compile import keyset, prepare
from arengo.query.model import Aggregate, Group, Order, Query
from arengo.query.scope import Field, Scope

LABELS = ["100–104", "5–9", "< 0", "20–24", ">= 105", "0–4", None, "*", "[1.5, 2.0)"]
SORTED = ["< 0", "0–4", "[1.5, 2.0)", "5–9", "20–24", "100–104", ">= 105", "*", None]


def fields(ranged: bool) -> Scope:
    return Scope("t", {"age": Field("age", Kind.STRING, False, ranged), "n": Field("n", Kind.INTEGER)})


def rows(plan: Any, clause: str = "", params: Any = ()) -> list[tuple[Any, ...]]:
    with duckdb.connect() as engine:
        engine.execute("CREATE TABLE t AS SELECT unnest(?) AS age, 1 AS n", [LABELS])
        engine.execute('CREATE TABLE r AS SELECT *, row_number() OVER () AS "_row" FROM t')
        made = plan.select("r", limit=100)
        sql = made.sql.replace("FROM r", f"FROM r WHERE {clause}", 1) if clause else made.sql
        return engine.execute(sql, [*params, *made.params]).fetchall()


@pytest.mark.parametrize("descending", [False, True])
def test_rows_stand_in_the_order_of_numbers(descending: bool) -> None:
    plan = prepare(Query("t", order_by=(Order("age", descending),)), fields(True))
    found = [row[0] for row in rows(plan)]
    assert found == ([*SORTED[:-2][::-1], *SORTED[-2:]] if descending else SORTED)
    assert not plan.comes_sorted(("age",))
    plain = prepare(Query("t", order_by=(Order("age"),)), fields(False))
    assert rows(plain)[0][0] == "*"


def test_a_page_goes_on_where_the_one_before_ended() -> None:
    plan = prepare(Query("t", order_by=(Order("age"),)), fields(True))
    every = rows(plan)
    for at in range(len(every) - 1):
        clause, params = keyset(plan.orderings, every[at][-len(plan.orderings) :])
        assert [row[0] for row in rows(plan, clause, params)] == SORTED[at + 1 :]


def test_groups_stand_in_the_order_of_numbers() -> None:
    plan = prepare(
        Query("t", group_by=(Group("age"),), aggregates=(Aggregate("count"),), order_by=(Order("age"),)), fields(True)
    )
    assert [row[0] for row in rows(plan)] == SORTED
