"""Values in a filter: columns, fixed values, and how a fixed value is fitted to a column's kind."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from arengo.contract.model import Kind
from arengo.errors import BadQuery
from arengo.query import moment
from arengo.query.scope import NUMERIC


@dataclass(frozen=True, slots=True)
class Node:
    """A value in SQL. ``kind`` None: a literal not yet fitted to a column. ``literal`` is its Python value."""

    sql: str
    params: tuple[Any, ...] = ()
    kind: Kind | None = None
    literal: Any = None
    column: str = ""


def fit(value: Any, to: Node) -> Node:
    """A literal as a bound value of the other side's kind. Raises BadQuery when it does not fit."""
    kind = to.kind
    assert kind is not None
    fitted = _FIT[kind](value)
    if fitted is None:
        raise BadQuery(
            f"{value!r} does not fit: {say(to)}.",
            todo={Kind.STRING: f"Write '{value}' in quotes.", Kind.BOOLEAN: "Write true or false."}.get(
                kind, f"Write a {kind} without quotes." if kind in NUMERIC else f"Write a {kind}."
            ),
        )
    return Node("?", (fitted,), kind, fitted)


def _fit_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BadQuery("A number in the filter is too large.")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if abs(value) >= 2**63:
        return float(value)
    return value


def _fit_integer(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and 2**53 <= abs(value) < 2**63:
        raise BadQuery(
            f"{value:.0f} is too large to be read exactly from CQL2 text.",
            todo="Send the filter as filter-lang=cql2-json.",
        )
    return _fit_number(value)


def _fit_date(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return value
    return moment.read(value) if isinstance(value, str) else None


def _fit_timestamp(value: Any) -> Any:
    if isinstance(value, dt.date):
        return moment.first(value)
    return moment.first(moment.read(value)) if isinstance(value, str) else None


_FIT: dict[Kind, Callable[[Any], Any]] = {
    Kind.STRING: lambda value: value if isinstance(value, str) else None,
    Kind.INTEGER: _fit_integer,
    Kind.NUMBER: _fit_number,
    Kind.BOOLEAN: lambda value: value if isinstance(value, bool) else None,
    Kind.DATE: _fit_date,
    Kind.TIME: lambda value: moment.read_time(value) if isinstance(value, str) else None,
    Kind.TIMESTAMP: _fit_timestamp,
    Kind.JSON: lambda value: None,
    Kind.GEOMETRY: lambda value: None,
}


def say(node: Node) -> str:
    if node.column:
        return f"{node.column} is {node.kind}"
    return f"this is {node.kind}" if node.kind else f"{node.literal!r} is a fixed value"
