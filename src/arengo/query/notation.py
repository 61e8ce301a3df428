"""The short notation of queries in addresses and on the command line.

``select=id,name``, ``order_by=-created_at,id``, ``group_by=district,created_at:month``,
``aggregate=count,sum:cost``, ``bbox=9.1,45.4,9.2,45.5`` and the shorthand for plain filters:
``status=open``, ``status=open&status=new`` (one of), ``cost__gte=100``, ``name__like=Via%``, ``closed_at__null=true``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from arengo.contract.model import Kind
from arengo.errors import BadQuery
from arengo.query import cql2, shape
from arengo.query.model import Aggregate, Expr, Group, Order, Query
from arengo.query.scope import Field, Scope, nearest

SUFFIXES = {
    "ne": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "like": "like",
    "ilike": "ilike",
    "in": "in",
    "null": "null",
}
_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}


PARAMETERS = (
    "select",
    "filter",
    "filter-lang",
    "group_by",
    "aggregate",
    "order_by",
    "limit",
    "cursor",
    "bbox",
    "datetime",
    "as_of",
    "search",
    "count",
)
"""Every parameter :func:`from_parameters` reads."""


MAX_VALUE = 20_000
"""Characters of one parameter in an address."""
MAX_WORDS = 500
"""Characters of ``search`` and ``q``."""


def bounded(name: str, text: str) -> str:
    """The value of a parameter of an address as it came. Raises BadQuery when it is too long."""
    most = MAX_WORDS if name in ("search", "q") else MAX_VALUE
    if len(text) > most:
        shown = name if len(name) <= 60 else f"{name[:60]}…"
        raise BadQuery(f"{shown} has {len(text):,} characters, and at most {most:,} are read.", todo="Ask for less.")
    return text


def from_parameters(dataset: str, given: Mapping[str, str], *, also: Expr = None, limit: int | None = 100) -> Query:
    """A Query from texts named like the parameters of the rows API. Raises BadQuery for an unknown name.

    ``also``: a filter to join with ``filter`` (the plain filters). ``limit``: what holds when none is given.
    """
    for name in given:
        if name not in PARAMETERS:
            raise BadQuery(f"There is no parameter {name!r}.", todo=nearest(name, PARAMETERS))
    text = given.get("filter", "")
    return Query(
        dataset,
        select=names(given["select"]) if given.get("select") else (),
        filter=both(cql2.parse(text, given.get("filter-lang", "")) if text.strip() else None, also),
        group_by=groups(given["group_by"]) if given.get("group_by") else (),
        aggregates=aggregates(given["aggregate"]) if given.get("aggregate") else (),
        order_by=orders(given["order_by"]) if given.get("order_by") else (),
        limit=whole("limit", given["limit"]) if given.get("limit") else limit,
        cursor=given.get("cursor", ""),
        bbox=box(given["bbox"]) if given.get("bbox") else None,
        datetime=given.get("datetime", "").strip(),
        as_of=given.get("as_of", "").strip(),
        search=given.get("search", "").strip(),
        count=switch("count", given["count"]) if given.get("count") else False,
    )


def names(text: str) -> tuple[str, ...]:
    """A comma list. A column whose name holds a comma is written in double quotes."""
    out: list[str] = []
    for part in _split(text):
        if not part:
            raise BadQuery(f"There is an empty name in {text!r}.", todo="Write names with commas between them.")
        out.append(part)
    return tuple(out)


def _split(text: str) -> Iterable[str]:
    if '"' not in text:
        return [part.strip() for part in text.split(",")]
    out, part, quoted = [], "", False
    for char in text:
        if char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            out.append(part.strip())
            part = ""
        else:
            part += char
    return [*out, part.strip()]


def orders(text: str) -> tuple[Order, ...]:
    return tuple(
        Order(name[1:] if name[0] in "-+" else name, name.startswith("-")) for name in (part for part in names(text))
    )


def groups(text: str) -> tuple[Group, ...]:
    out = []
    for part in names(text):
        column, _, bucket = part.rpartition(":") if ":" in part else (part, "", "")
        out.append(Group(column, bucket))
    return tuple(out)


def aggregates(text: str) -> tuple[Aggregate, ...]:
    out = []
    for part in names(text):
        function, _, column = part.partition(":")
        out.append(Aggregate(function, column))
    return tuple(out)


def box(text: str) -> shape.Box:
    try:
        return shape.read_box([float(part) for part in text.split(",")])
    except ValueError as error:
        if isinstance(error, BadQuery):
            raise
        raise BadQuery(f"{text!r} is no bbox.", todo="Write xmin,ymin,xmax,ymax in degrees.") from None


def whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadQuery(f"{name} is {text!r}, and a whole number is wanted.") from None


def switch(name: str, text: str) -> bool:
    low = text.lower()
    if low in _TRUE:
        return True
    if low in _FALSE:
        return False
    raise BadQuery(f"{name} is {text!r}, and true or false is wanted.")


def plain(pairs: Iterable[tuple[str, str]], scope: Scope) -> Expr:
    """Plain filters (``column=value``, ``column__gte=value``) as one CQL2 expression, None when there are none.

    A repeated column means one of its values. Raises UnknownColumn for a name that is no column of the view.
    """
    equal: dict[str, list[Any]] = {}
    parts: list[Expr] = []
    for name, text in pairs:
        column, op = _target(name, scope)
        field = scope.field(column)
        prop: dict[str, Any] = {"property": column}
        if op == "null":
            unknown: dict[str, Any] = {"op": "isNull", "args": [prop]}
            parts.append(unknown if switch(name, text) else {"op": "not", "args": [unknown]})
        elif op == "=":
            equal.setdefault(column, []).append(value(field, text))
        elif op == "in":
            parts.append({"op": "in", "args": [prop, [value(field, part) for part in names(text)]]})
        elif op == "like":
            parts.append({"op": "like", "args": [prop, text]})
        elif op == "ilike":
            fold = {"op": "accenti", "args": [{"op": "casei", "args": [prop]}]}
            parts.append({"op": "like", "args": [fold, {"op": "accenti", "args": [{"op": "casei", "args": [text]}]}]})
        else:
            parts.append({"op": op, "args": [prop, value(field, text)]})
    for column, values in equal.items():
        prop = {"property": column}
        parts.append(
            {"op": "=", "args": [prop, values[0]]} if len(values) == 1 else {"op": "in", "args": [prop, values]}
        )
    return both(*parts)


def both(*parts: Expr) -> Expr:
    """All of several filters, those that are None left out."""
    given = [part for part in parts if part is not None]
    if len(given) < 2:
        return given[0] if given else None
    return {"op": "and", "args": given}


def value(field: Field, text: str) -> Any:
    """A text from an address as a CQL2 literal of the column's kind. Raises BadQuery."""
    if field.kind is Kind.INTEGER or field.kind is Kind.NUMBER:
        try:
            return int(text)
        except ValueError:
            try:
                return float(text)
            except ValueError:
                raise BadQuery(f"{field.name} is {field.kind}, and {text!r} is no number.") from None
    if field.kind is Kind.BOOLEAN:
        return switch(field.name, text)
    if field.kind in (Kind.DATE, Kind.TIMESTAMP):
        return {"date": text} if len(text) == 10 else {"timestamp": text}
    if field.kind in (Kind.GEOMETRY, Kind.JSON):
        raise BadQuery(f"{field.name} is {field.kind} and cannot be compared.", todo="Use bbox or filter.")
    return text


def _target(name: str, scope: Scope) -> tuple[str, str]:
    if name in scope.fields:
        return name, "="
    column, mark, suffix = name.rpartition("__")
    if mark and suffix in SUFFIXES and column in scope.fields:
        return column, SUFFIXES[suffix]
    return (column if mark and suffix in SUFFIXES else name), "="
