"""A CQL2 expression to a SQL condition with bound values.

Closed on purpose: an operator that is not in this module, a column that is not in the view, a literal that does
not fit the column's kind is a BadQuery or UnknownColumn with a sentence. No text of the caller reaches SQL other
than as a bound value. Logic has three values, as in CQL2 and SQL: a comparison with an unknown value is unknown,
and only rows for which the whole is true are kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arengo.contract.model import EMPTY, Kind
from arengo.errors import BadQuery
from arengo.query import moment, shape
from arengo.query.literal import Node, fit, say
from arengo.query.model import Expr
from arengo.query.pattern import compile_pattern
from arengo.query.scope import NUMERIC, TEMPORAL, Field, Scope, nearest, quote
from arengo.query.span import RELATIONS, Ends, relate

MAX_DEPTH = 64
MAX_NODES = 5_000
_COMPARE = frozenset({"=", "<>", "<", "<=", ">", ">="})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "div"})
_SPATIAL = {
    "s_intersects": "ST_Intersects",
    "s_within": "ST_Within",
    "s_disjoint": "ST_Disjoint",
    "s_contains": "ST_Contains",
    "s_touches": "ST_Touches",
    "s_equals": "ST_Equals",
    "s_crosses": "ST_Crosses",
    "s_overlaps": "ST_Overlaps",
}
_ARRAY = {"a_equals", "a_contains", "a_containedby", "a_overlaps"}
_MIRROR = {"s_within": "s_contains", "s_contains": "s_within"}
OPERATORS = (
    *sorted(_COMPARE),
    "and",
    "or",
    "not",
    "between",
    "in",
    "like",
    "isNull",
    "casei",
    "accenti",
    *sorted(_ARITHMETIC),
    *_SPATIAL,
    *RELATIONS,
    *sorted(_ARRAY),
)
"""Everything a filter may do; printed in the API's documentation."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``sql`` with one ``?`` for each of ``params``. ``equals``: columns that a top-level AND compares for equality,
    ``fixed``: those it holds to one plain value; ``columns``: all columns it reads; ``spatial``: whether it looks at
    the place."""

    sql: str
    params: tuple[Any, ...]
    equals: frozenset[str] = frozenset()
    fixed: Mapping[str, Any] = EMPTY
    columns: frozenset[str] = frozenset()
    spatial: bool = False


def compile_filter(expr: Expr, scope: Scope) -> Condition | None:
    """None when there is no filter. Raises BadQuery, UnknownColumn."""
    if expr is None:
        return None
    walk = _Walk(scope)
    node = walk.truth(expr, 0)
    pairs = _equals(expr)
    fixed = {name: literal for name, literal in pairs if isinstance(literal, (str, int, float))}
    equals = frozenset(name for name, _ in pairs)
    return Condition(node.sql, node.params, equals, fixed, frozenset(walk.columns), walk.spatial)


def compile_box(box: shape.Box, scope: Scope) -> Condition:
    """``bbox`` of OGC API Features: the rows whose geometry meets the box, edges included."""
    walk = _Walk(scope)
    node = walk.truth({"op": "s_intersects", "args": [{"property": scope.place or "geometry"}, {"bbox": list(box)}]}, 0)
    return Condition(node.sql, node.params, columns=frozenset(walk.columns), spatial=True)


def compile_span(text: str, scope: Scope) -> Condition:
    """``datetime`` of OGC API Features on the dataset's time column, both ends included."""
    span = moment.read_span(text)
    if not scope.time:
        raise BadQuery(f"{scope.dataset} has no time column.", todo="Leave datetime out, or filter a column by name.")
    field = scope.field(scope.time)
    parts, params = [], []
    for sign, value in ((">=", span.start), ("<=", span.end)):
        if value is not None:
            parts.append(f"{quote(field.name)} {sign} ?")
            params.append(value.date() if field.kind is Kind.DATE else value)
    sql = " AND ".join(parts) if parts else f"{quote(field.name)} IS NOT NULL"
    return Condition(sql, tuple(params), columns=frozenset({field.name}))


def compile_words(words: str, scope: Scope) -> Condition:
    """Rows that hold every word in some text column, accents and case aside: the search when there is no index."""
    parts: list[str] = []
    params: list[str] = []
    for word in words.split()[:16]:
        likes = [f"contains(strip_accents(lower({quote(name)})), strip_accents(lower(?)))" for name in scope.search]
        if not likes:
            raise BadQuery(f"{scope.dataset} has no text column to search in.", todo="Use filter instead.")
        parts.append("(" + " OR ".join(likes) + ")")
        params += [word] * len(likes)
    return Condition(" AND ".join(parts) or "TRUE", tuple(params), columns=frozenset(scope.search))


def _equals(expr: Expr) -> list[tuple[str, Any]]:
    """Columns and what they must equal, as far as a top-level AND says so."""
    if isinstance(expr, dict):
        args = expr.get("args", [])
        if expr.get("op") == "and":
            return [pair for arg in args for pair in _equals(arg)]
        if expr.get("op") in ("=", "in") and len(args) == 2 and isinstance(args[0], dict) and "property" in args[0]:
            return [(args[0]["property"], args[1])]
    return []


class _Walk:
    """One pass over one expression; recursion is bounded by MAX_DEPTH and MAX_NODES."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.nodes = 0
        self.columns: set[str] = set()
        self.spatial = False

    # ---- truth ------------------------------------------------------------------------------------------------

    def truth(self, expr: Expr, depth: int) -> Node:
        self._count(depth)
        if isinstance(expr, bool):
            return Node("TRUE" if expr else "FALSE")
        if isinstance(expr, dict) and "property" in expr:
            node = self.value(expr, depth)
            if node.kind is not Kind.BOOLEAN:
                raise BadQuery(f"{node.column} is {node.kind}, not true or false.", todo="Compare it with a value.")
            return node
        op, args = _operation(expr)
        if op in ("and", "or"):
            if not args:
                raise BadQuery(f"{op.upper()} needs something to join.")
            parts = [self.truth(arg, depth + 1) for arg in args]
            return Node(
                "(" + f" {op.upper()} ".join(part.sql for part in parts) + ")",
                tuple(p for n in parts for p in n.params),
            )
        if op == "not":
            inner = self.truth(_only(op, args, 1)[0], depth + 1)
            return Node(f"(NOT {inner.sql})", inner.params)
        if op == "isnull":
            return self._is_null(_only(op, args, 1)[0], depth)
        if op in _COMPARE:
            left, right = _only(op, args, 2)
            return self._compare(op, self.value(left, depth + 1), self.value(right, depth + 1))
        if op == "between":
            value, low, high = (self.value(arg, depth + 1) for arg in _only(op, args, 3))
            lower, upper = self._compare(">=", value, low), self._compare("<=", value, high)
            return Node(f"({lower.sql} AND {upper.sql})", lower.params + upper.params)
        if op == "in":
            return self._in(args, depth)
        if op == "like":
            return self._like(args, depth)
        if op in _SPATIAL:
            return self._spatial(op, _only(op, args, 2))
        if op in RELATIONS:
            return self._temporal(op, _only(op, args, 2), depth)
        if op in _ARRAY:
            return self._array(op, _only(op, args, 2), depth)
        raise BadQuery(f"A filter cannot do {op!r}.", todo=nearest(op, OPERATORS))

    def _compare(self, op: str, left: Node, right: Node) -> Node:
        if left.kind is None and right.kind is not None:
            swapped = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)
            return self._compare(swapped, right, left)
        if left.kind is None:
            raise BadQuery("Both sides of a comparison are fixed values.", todo="Name a column on one side.")
        if right.kind is None:
            if left.kind is Kind.TIMESTAMP and _is_day(right.literal):
                return _day_compare(op, left, _day(right.literal))
            right = fit(right.literal, left)
        kinds = {left.kind, right.kind}
        if kinds <= NUMERIC:
            pass
        elif kinds == TEMPORAL:
            left, right = _as_timestamp(left), _as_timestamp(right)
        elif len(kinds) > 1:
            raise BadQuery(f"{say(left)} cannot be compared with {say(right)}.", todo="Compare like with like.")
        if left.kind in (Kind.GEOMETRY, Kind.JSON):
            raise BadQuery(f"{say(left)} cannot be compared.", todo="Use the s_ or a_ operators.")
        if left.kind is Kind.BOOLEAN and op not in ("=", "<>"):
            raise BadQuery(f"{say(left)} has no order.", todo="Use = or <>.")
        return Node(f"({left.sql} {op} {right.sql})", left.params + right.params)

    def _in(self, args: list[Any], depth: int) -> Node:
        head, items = _only("in", args, 2)
        value = self.value(head, depth + 1)
        if value.kind is None:
            raise BadQuery("IN needs a column on its left side.")
        if not isinstance(items, list):
            raise BadQuery("IN needs a list of values.", todo="Write column IN ('a', 'b').")
        if not items:
            return Node("FALSE")
        plain = all(not isinstance(item, (dict, list)) for item in items) and value.kind is not Kind.TIMESTAMP
        if plain:
            self._count(depth, len(items))
            fitted = [fit(item, value) for item in items]
            marks = ", ".join(node.sql for node in fitted)
            return Node(f"({value.sql} IN ({marks}))", value.params + tuple(p for n in fitted for p in n.params))
        parts = [self._compare("=", value, self.value(item, depth + 1)) for item in items]
        return _join("OR", parts)

    def _like(self, args: list[Any], depth: int) -> Node:
        head, tail = _only("like", args, 2)
        value, pattern = self.value(head, depth + 1), self.value(tail, depth + 1)
        if value.kind is not Kind.STRING or (pattern.kind is None and not isinstance(pattern.literal, str)):
            raise BadQuery(f"LIKE compares texts, and {say(value)}.", todo="Write column LIKE 'begin%'.")
        if pattern.column or not isinstance(pattern.literal, str):
            raise BadQuery("The pattern of LIKE is a fixed text.", todo="Write column LIKE 'begin%'.")
        shape_sql, text = compile_pattern(pattern.literal)
        sql = shape_sql.format(value=value.sql, pattern=pattern.sql if pattern.kind else "?")
        return Node(sql, (*value.params, text))

    def _is_null(self, arg: Expr, depth: int) -> Node:
        if isinstance(arg, dict) and self._is_place(arg):
            self.spatial = True
            geometry = self.scope.geometry
            assert geometry is not None
            if geometry.stored:
                return Node(f"({quote(geometry.column)} IS NULL)")
            return Node(f"({quote(geometry.x)} IS NULL OR {quote(geometry.y)} IS NULL)")
        node = self.value(arg, depth + 1)
        if node.kind is None:
            raise BadQuery("IS NULL needs a column.")
        return Node(f"({node.sql} IS NULL)", node.params)

    # ---- values -----------------------------------------------------------------------------------------------

    def value(self, expr: Expr, depth: int) -> Node:
        self._count(depth)
        if expr is None:
            raise BadQuery("Nothing equals NULL.", todo="Write column IS NULL.")
        if isinstance(expr, (bool, int, float, str)):
            return Node("?", (), None, expr)
        if isinstance(expr, list):
            raise BadQuery("A list stands where one value is wanted.", todo="Use IN for lists.")
        if "property" in expr:
            field = self._field(expr["property"])
            return Node(quote(field.name), (), field.kind, None, field.name)
        if "date" in expr:
            return Node("?", (), None, moment.read_date(_text(expr["date"])))
        if "timestamp" in expr:
            return Node("?", (), None, moment.read_timestamp(_text(expr["timestamp"])))
        op, args = _operation(expr)
        if op in ("casei", "accenti"):
            inner = self.value(_only(op, args, 1)[0], depth + 1)
            inner = fit(inner.literal, Node("", kind=Kind.STRING)) if inner.kind is None else inner
            if inner.kind is not Kind.STRING:
                raise BadQuery(f"{op.upper()} is for text, and {say(inner)}.")
            function = "lower" if op == "casei" else "strip_accents"
            return Node(f"{function}({inner.sql})", inner.params, Kind.STRING, inner.literal, inner.column)
        if op in _ARITHMETIC:
            return self._arithmetic(op, args, depth)
        if op in _COMPARE or op in ("and", "or", "not", "isnull", "between", "in", "like"):
            node = self.truth(expr, depth)
            return Node(node.sql, node.params, Kind.BOOLEAN)
        raise BadQuery(f"A filter cannot do {op!r}.", todo=nearest(op, OPERATORS))

    def _arithmetic(self, op: str, args: list[Any], depth: int) -> Node:
        left, right = (self._number(arg, depth) for arg in _only(op, args, 2))
        sql = {
            "/": f"({left.sql} / nullif({right.sql}, 0))",
            "%": f"({left.sql} % nullif({right.sql}, 0))",
            "div": f"trunc({left.sql} / nullif({right.sql}, 0))",
        }.get(op, f"({left.sql} {op} {right.sql})")
        return Node(sql, left.params + right.params, Kind.NUMBER)

    def _number(self, arg: Expr, depth: int) -> Node:
        node = self.value(arg, depth + 1)
        if node.kind is None:
            fitted = fit(node.literal, Node("", kind=Kind.NUMBER))
            return Node("CAST(? AS DOUBLE)", fitted.params, Kind.NUMBER)
        if node.kind not in NUMERIC:
            raise BadQuery(f"Arithmetic is for numbers, and {say(node)}.")
        return Node(f"CAST({node.sql} AS DOUBLE)", node.params, Kind.NUMBER, None, node.column)

    def _field(self, name: Any) -> Field:
        field = self.scope.field(_text(name))
        self.columns.add(field.name)
        return field

    # ---- place ------------------------------------------------------------------------------------------------

    def _is_place(self, expr: dict[str, Any]) -> bool:
        name = expr.get("property")
        geometry = self.scope.geometry
        if geometry is None or not isinstance(name, str):
            return False
        if name == self.scope.place and (geometry.stored or name not in self.scope.fields):
            return True
        return name in ("geometry", "geom") and name not in self.scope.fields

    def _spatial(self, op: str, args: list[Any]) -> Node:
        left, right = args
        if not (isinstance(left, dict) and "property" in left):
            left, right, op = right, left, _MIRROR.get(op, op)
        if not (isinstance(left, dict) and "property" in left):
            raise BadQuery(f"{op.upper()} needs the geometry column on one side.")
        if not self._is_place(left):
            name = _text(left["property"])
            if self.scope.geometry is None:
                raise BadQuery(f"{self.scope.dataset} has no geometry.", todo="Filter by another column.")
            raise BadQuery(
                f"{name!r} is no geometry of {self.scope.dataset}.", todo=f"Its geometry is {self.scope.place!r}."
            )
        self.spatial = True
        if not isinstance(right, dict) or "property" in right:
            raise BadQuery(f"{op.upper()} needs a fixed geometry on its other side.", todo="Write POINT(9.19 45.46).")
        if "bbox" in right:
            return self._boxes(op, shape.read_box(right["bbox"]))
        wkb, box = shape.read_geometry(right)
        return self._shape(op, wkb, box)

    def _boxes(self, op: str, box: shape.Box) -> Node:
        parts = shape.halves(box)
        if op == "s_intersects":
            nodes = [self._meets_box(part) for part in parts]
            return _join("OR", nodes)
        pieces = [shape.box_geometry(part) for part in parts]
        whole = pieces[0] if len(pieces) == 1 else {"type": "GeometryCollection", "geometries": pieces}
        wkb, around = shape.read_geometry(whole)
        return self._shape(op, wkb, around)

    def _meets_box(self, box: shape.Box) -> Node:
        near = self._near(box)
        geometry = self.scope.geometry
        assert geometry is not None
        if not geometry.stored:
            return near
        xmin, ymin, xmax, ymax = box
        wkb, _ = shape.read_geometry(shape.box_geometry(box))
        inside = '("_xmin" >= ? AND "_xmax" <= ? AND "_ymin" >= ? AND "_ymax" <= ?)'
        exact = f"ST_Intersects(ST_GeomFromWKB({quote(geometry.column)}), ST_GeomFromWKB(?::BLOB))"
        return Node(f"({near.sql} AND ({inside} OR {exact}))", (*near.params, xmin, xmax, ymin, ymax, wkb))

    def _near(self, box: shape.Box) -> Node:
        """The cheap test on box columns that lets the engine skip most row groups."""
        geometry = self.scope.geometry
        assert geometry is not None
        xmin, ymin, xmax, ymax = box
        if geometry.stored:
            return Node('("_xmax" >= ? AND "_xmin" <= ? AND "_ymax" >= ? AND "_ymin" <= ?)', (xmin, xmax, ymin, ymax))
        x, y = quote(geometry.x), quote(geometry.y)
        return Node(f"({x} >= ? AND {x} <= ? AND {y} >= ? AND {y} <= ?)", (xmin, xmax, ymin, ymax))

    def _shape(self, op: str, wkb: bytes, box: shape.Box) -> Node:
        geometry = self.scope.geometry
        assert geometry is not None
        here = (
            f"ST_GeomFromWKB({quote(geometry.column)})"
            if geometry.stored
            else f"ST_Point({quote(geometry.x)}, {quote(geometry.y)})"
        )
        exact = f"{_SPATIAL[op]}({here}, ST_GeomFromWKB(?::BLOB))"
        if op == "s_disjoint":
            return Node(exact, (wkb,))
        near = self._near(box)
        return Node(f"({near.sql} AND {exact})", (*near.params, wkb))

    # ---- time -------------------------------------------------------------------------------------------------

    def _temporal(self, op: str, args: list[Any], depth: int) -> Node:
        ends = [self._ends(op, arg, depth) for arg in args]
        sql, params = relate(op, ends[0], ends[1])
        return Node(sql, params)

    def _ends(self, op: str, arg: Expr, depth: int) -> Ends:
        if isinstance(arg, dict) and "interval" in arg:
            parts = arg["interval"]
            if not isinstance(parts, list) or len(parts) != 2:
                raise BadQuery("An interval has a start and an end.", todo="Write INTERVAL('2024-01-01', '..').")
            begin = self._edge(op, parts[0], False, depth)
            end = self._edge(op, parts[1], True, depth)
            return Ends(begin[0], begin[1], end[0], end[1])
        begin, end = self._edge(op, arg, False, depth), self._edge(op, arg, True, depth)
        return Ends(begin[0], begin[1], end[0], end[1])

    def _edge(self, op: str, part: Expr, last: bool, depth: int) -> tuple[str, tuple[Any, ...]]:
        if part == "..":
            return f"TIMESTAMP '{'' if last else '-'}infinity'", ()
        node = self.value(part, depth + 1)
        if node.kind is None:
            value = moment.read(node.literal) if isinstance(node.literal, str) else node.literal
            if not isinstance(value, dt.date):
                raise BadQuery(f"{op.upper()} compares times, and {value!r} is none.", todo="Write DATE('2024-01-01').")
            return "CAST(? AS TIMESTAMP)", (moment.last(value) if last else moment.first(value),)
        if node.kind is Kind.TIMESTAMP:
            return node.sql, node.params
        if node.kind is Kind.DATE:
            day = f"CAST({node.sql} AS TIMESTAMP)"
            return (f"({day} + INTERVAL '86399999999 microseconds')" if last else day), node.params
        raise BadQuery(f"{op.upper()} compares times, and {say(node)}.")

    # ---- arrays -----------------------------------------------------------------------------------------------

    def _array(self, op: str, args: list[Any], depth: int) -> Node:
        head, items = args
        if isinstance(head, list):
            head, items = items, head
            op = {"a_contains": "a_containedby", "a_containedby": "a_contains"}.get(op, op)
        node = self.value(head, depth + 1)
        if node.kind is not Kind.JSON:
            raise BadQuery(f"{op.upper()} needs a column of lists, and {say(node)}.")
        if not isinstance(items, list) or any(isinstance(item, (dict, list)) for item in items):
            raise BadQuery(f"{op.upper()} needs a list of plain values.", todo="Write ('a', 'b').")
        self._count(depth, len(items))
        texts = [_json_text(item) for item in items]
        held = f"TRY_CAST(TRY_CAST({node.sql} AS JSON) AS VARCHAR[])"
        wanted = "CAST(? AS VARCHAR[])"
        sql = {
            "a_equals": f"({held} = {wanted})",
            "a_contains": f"list_has_all({held}, {wanted})",
            "a_containedby": f"list_has_all({wanted}, {held})",
            "a_overlaps": f"list_has_any({held}, {wanted})",
        }[op]
        return Node(sql, (*node.params, texts))

    def _count(self, depth: int, more: int = 1) -> None:
        self.nodes += more
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise BadQuery(
                f"The filter is nested deeper than {MAX_DEPTH} levels or has more than {MAX_NODES:,} parts.",
                todo="Ask a simpler question.",
            )


def _is_day(value: Any) -> bool:
    if isinstance(value, str):
        value = moment.read(value)
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


def _day(value: Any) -> dt.date:
    return moment.read_date(value) if isinstance(value, str) else value


def _day_compare(op: str, left: Node, day: dt.date) -> Node:
    """A timestamp against a whole day."""
    begin, after = moment.first(day), moment.next_day(day)
    column, params = left.sql, left.params
    if op == "=":
        return Node(f"({column} >= ? AND {column} < ?)", (*params, begin, *params, after))
    if op == "<>":
        return Node(f"({column} < ? OR {column} >= ?)", (*params, begin, *params, after))
    sign, bound = {"<": ("<", begin), "<=": ("<", after), ">": (">=", after), ">=": (">=", begin)}[op]
    return Node(f"({column} {sign} ?)", (*params, bound))


def _as_timestamp(node: Node) -> Node:
    if node.kind is Kind.TIMESTAMP:
        return node
    return Node(f"CAST({node.sql} AS TIMESTAMP)", node.params, Kind.TIMESTAMP, node.literal, node.column)


def _json_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(int(value)) if float(value).is_integer() else str(value)


def _join(word: str, parts: list[Node]) -> Node:
    return Node("(" + f" {word} ".join(part.sql for part in parts) + ")", tuple(p for n in parts for p in n.params))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadQuery(f"{value!r} stands where a text is wanted.")
    return value


def _operation(expr: Expr) -> tuple[str, list[Any]]:
    if not isinstance(expr, dict) or not isinstance(expr.get("op"), str):
        raise BadQuery(f"{_short(expr)} is neither true nor false.", todo="Write a comparison, such as cost > 100.")
    args = expr.get("args")
    if not isinstance(args, list):
        raise BadQuery(f"{expr['op']!r} has no list of arguments.")
    return expr["op"].lower(), args


def _only(op: str, args: list[Any], count: int) -> list[Any]:
    if len(args) != count:
        raise BadQuery(f"{op.upper()} takes {count} arguments, and {len(args)} were given.")
    return args


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
