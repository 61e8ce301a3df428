"""Facets: how often the most frequent values of a column occur among the rows of a query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from arengo.door.answer import Answer
from arengo.query.model import Aggregate, Expr, Group, Order, Query


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: Any
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The most frequent values of a column among the matching rows. ``more``: there are others beside them.

    ``value`` None counts the rows where it is unknown.
    """

    column: str
    values: tuple[FacetValue, ...]
    more: bool


def question(query: Query, group: Group, limit: int) -> Query:
    """What to ask for the facet of a column; the column's own filter is left out of it."""
    return replace(
        query,
        select=(),
        filter=_without(query.filter, group.column),
        group_by=(group,),
        aggregates=(Aggregate("count"),),
        order_by=(Order("count", True),),
        limit=limit,
        cursor="",
        count=False,
    )


def facet(answer: Answer, group: Group) -> Facet:
    """The facet that the answer to its :func:`question` tells."""
    held = answer.encoded("facet", lambda given: orjson.dumps(_counted(given)))
    values = tuple(FacetValue(value, count) for value, count in orjson.loads(held.body))
    return Facet(group.name if group.bucket else group.column, values, bool(held.next_cursor))


def _counted(answer: Answer) -> list[list[Any]]:
    rows = [list(row) for row in answer.rows()]
    for row in rows:
        if isinstance(row[0], float) and row[0] != row[0]:
            row[0] = None
    return rows


def _without(expr: Expr, column: str) -> Expr:
    """A filter without the top-level conditions that look at ``column`` alone."""
    if expr is None:
        return None
    parts = expr["args"] if isinstance(expr, dict) and expr.get("op") == "and" else [expr]
    kept = [part for part in parts if set(_names(part)) != {column}]
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else {"op": "and", "args": kept}


def _names(expr: Any) -> Iterator[str]:
    if isinstance(expr, dict):
        if isinstance(expr.get("property"), str):
            yield expr["property"]
        for part in expr.values():
            yield from _names(part)
    elif isinstance(expr, (list, tuple)):
        for part in expr:
            yield from _names(part)
