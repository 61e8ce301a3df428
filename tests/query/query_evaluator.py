"""A naive evaluator of queries over a list of rows: written from the standard, knows nothing of SQL."""

from __future__ import annotations

import datetime as dt
import math
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cmp_to_key
from typing import Any

from arengo.contract.model import Kind
from arengo.query import Query

Row = Mapping[str, Any]
MIN, MAX = dt.datetime.min, dt.datetime.max


def run(query: Query, rows: Sequence[Row], kinds: Mapping[str, Kind], time: str) -> list[dict[str, Any]]:
    """All rows (or groups) that answer a query, in order."""
    kept = [
        row for row in rows if truth(query.filter, row, kinds) is True and in_time(query.datetime, row, kinds, time)
    ]
    if query.group_by or query.aggregates:
        return grouped(query, kept)
    names = list(query.select) or list(kinds)
    order = [(item.column, item.descending) for item in query.order_by]
    return [{name: row[name] for name in names} for row in ordered(kept, order)]


def ordered(rows: Sequence[Row], order: Sequence[tuple[str, bool]]) -> list[Row]:
    """Unknown values last in both directions; ties as they came."""

    def compare(a: Row, b: Row) -> int:
        for name, descending in order:
            x, y = a[name], b[name]
            if x == y:
                continue
            if x is None:
                return 1
            if y is None:
                return -1
            return (1 if x > y else -1) * (-1 if descending else 1)
        return 0

    return sorted(rows, key=cmp_to_key(compare))


def truth(expr: Any, row: Row, kinds: Mapping[str, Kind]) -> bool | None:
    """Three-valued."""
    if expr is None or expr is True:
        return True
    if expr is False:
        return False
    if "property" in expr:
        return row[expr["property"]]
    op, args = expr["op"], expr["args"]
    if op == "and":
        values = [truth(arg, row, kinds) for arg in args]
        return False if False in values else None if None in values else True
    if op == "or":
        values = [truth(arg, row, kinds) for arg in args]
        return True if True in values else None if None in values else False
    if op == "not":
        value = truth(args[0], row, kinds)
        return None if value is None else not value
    if op == "isNull":
        return value_of(args[0], row) is None
    if op == "between":
        low = truth({"op": ">=", "args": [args[0], args[1]]}, row, kinds)
        high = truth({"op": "<=", "args": [args[0], args[2]]}, row, kinds)
        return False if False in (low, high) else None if None in (low, high) else True
    if op == "in":
        found = [truth({"op": "=", "args": [args[0], item]}, row, kinds) for item in args[1]]
        return True if True in found else None if None in found else False
    if op == "like":
        a, b = value_of(args[0], row), value_of(args[1], row)
        return None if a is None or b is None else like(a, b)
    if op.startswith("t_"):
        return temporal(op, args, row)
    a, b = value_of(args[0], row), value_of(args[1], row)
    if a is None or b is None:
        return None
    if isinstance(a, dt.datetime) and is_day(b):
        return day_compare(op, a, b)
    if is_day(a) and isinstance(b, dt.datetime):
        return day_compare({"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op), b, a)
    return {"=": a == b, "<>": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op] if same(a, b) else None


def same(a: Any, b: Any) -> bool:
    return isinstance(a, str) == isinstance(b, str)


def is_day(value: Any) -> bool:
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


def day_compare(op: str, moment: dt.datetime, day: dt.date) -> bool:
    first = dt.datetime.combine(day, dt.time.min)
    last = dt.datetime.combine(day, dt.time.max)
    inside = first <= moment <= last
    return {
        "=": inside,
        "<>": not inside,
        "<": moment < first,
        "<=": moment <= last,
        ">": moment > last,
        ">=": moment >= first,
    }[op]


def value_of(expr: Any, row: Row) -> Any:
    if not isinstance(expr, dict):
        return expr
    if "property" in expr:
        return row[expr["property"]]
    if "date" in expr:
        return dt.date.fromisoformat(expr["date"])
    if "timestamp" in expr:
        return dt.datetime.fromisoformat(expr["timestamp"].replace("Z", ""))
    op = expr["op"]
    args = [value_of(arg, row) for arg in expr["args"]]
    if any(arg is None for arg in args):
        return None
    if op == "casei":
        return args[0].lower()
    if op == "accenti":
        return "".join(c for c in unicodedata.normalize("NFD", args[0]) if not unicodedata.combining(c))
    a, b = (float(arg) for arg in args)
    if op in ("/", "%", "div") and b == 0:
        return None
    return {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "%": lambda: math.fmod(a, b),
        "div": lambda: float(math.trunc(a / b)),
    }[op]()


def like(text: str, pattern: str) -> bool:
    """``%`` any run, ``_`` one character, backslash takes the next one as it is."""
    tokens: list[tuple[str, str]] = []
    i = 0
    while i < len(pattern):
        if pattern[i] == "\\":
            tokens.append(("c", pattern[i + 1]))
            i += 2
            continue
        tokens.append({"%": ("%", ""), "_": ("_", "")}.get(pattern[i], ("c", pattern[i])))
        i += 1
    reach = {0}
    for kind, char in tokens:
        if kind == "%":
            reach = set(range(min(reach), len(text) + 1)) if reach else set()
        else:
            reach = {at + 1 for at in reach if at < len(text) and (kind == "_" or text[at] == char)}
    return len(text) in reach


def span(expr: Any, row: Row) -> tuple[Any, Any] | None:
    parts = expr["interval"] if isinstance(expr, dict) and "interval" in expr else [expr, expr]
    out = []
    for part, last in zip(parts, (False, True), strict=True):
        if part == "..":
            out.append(MAX if last else MIN)
            continue
        value = value_of(part, row)
        if isinstance(value, str):
            value = (
                dt.date.fromisoformat(value) if len(value) == 10 else dt.datetime.fromisoformat(value.replace("Z", ""))
            )
        if value is None:
            return None
        if is_day(value):
            value = dt.datetime.combine(value, dt.time.max if last else dt.time.min)
        out.append(value)
    return out[0], out[1]


def temporal(op: str, args: Sequence[Any], row: Row) -> bool | None:
    a, b = span(args[0], row), span(args[1], row)
    if a is None or b is None:
        return None
    (a1, a2), (b1, b2) = a, b
    return {
        "t_after": a1 > b2,
        "t_before": a2 < b1,
        "t_contains": a1 < b1 and a2 > b2,
        "t_disjoint": a2 < b1 or a1 > b2,
        "t_during": a1 > b1 and a2 < b2,
        "t_equals": a1 == b1 and a2 == b2,
        "t_finishedby": a1 < b1 and a2 == b2,
        "t_finishes": a1 > b1 and a2 == b2,
        "t_intersects": a1 <= b2 and a2 >= b1,
        "t_meets": a2 == b1,
        "t_metby": a1 == b2,
        "t_overlappedby": b1 < a1 < b2 < a2,
        "t_overlaps": a1 < b1 < a2 < b2,
        "t_startedby": a1 == b1 and a2 > b2,
        "t_starts": a1 == b1 and a2 < b2,
    }[op]


def in_time(text: str, row: Row, kinds: Mapping[str, Kind], time: str) -> bool:
    if not text:
        return True
    head, slash, tail = text.partition("/")
    if not slash:
        tail = head
    value = row[time]
    if value is None:
        return False
    begin, end = span({"interval": [head or "..", tail or ".."]}, row) or (MIN, MAX)
    if is_day(value):
        return begin.date() <= value <= end.date()
    return begin <= value <= end


def bucket(value: Any, unit: str) -> Any:
    if value is None or not unit:
        return value
    iso = value.isocalendar()
    return {
        "hour": lambda: value.replace(minute=0, second=0, microsecond=0),
        "day": lambda: dt.date(value.year, value.month, value.day),
        "week": lambda: f"{iso.year:04d}-W{iso.week:02d}",
        "month": lambda: f"{value.year:04d}-{value.month:02d}",
        "quarter": lambda: f"{value.year:04d}-Q{(value.month + 2) // 3}",
        "year": lambda: value.year,
        "hour_of_day": lambda: value.hour,
        "day_of_week": lambda: iso.weekday,
    }[unit]()


def quantile(values: list[float], q: float) -> float:
    values = sorted(values)
    at = (len(values) - 1) * q
    low = math.floor(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


def grouped(query: Query, rows: Sequence[Row]) -> list[dict[str, Any]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(bucket(row[g.column], g.bucket) for g in query.group_by), []).append(row)
    if not query.group_by:
        groups.setdefault((), [])
    out: list[dict[str, Any]] = []
    for key, members in groups.items():
        line = {g.name: part for g, part in zip(query.group_by, key, strict=True)}
        for item in query.aggregates:
            values = [row[item.column] for row in members if item.column and row[item.column] is not None]
            line[item.name] = {
                "count": lambda m=members, v=values, i=item: len(v) if i.column else len(m),
                "distinct": lambda v=values: len(set(v)),
                "sum": lambda v=values: math.fsum(v) if v else None,
                "avg": lambda v=values: math.fsum(v) / len(v) if v else None,
                "min": lambda v=values: min(v) if v else None,
                "max": lambda v=values: max(v) if v else None,
                "median": lambda v=values: quantile(v, 0.5) if v else None,
                "p05": lambda v=values: quantile(v, 0.05) if v else None,
                "p25": lambda v=values: quantile(v, 0.25) if v else None,
                "p75": lambda v=values: quantile(v, 0.75) if v else None,
                "p95": lambda v=values: quantile(v, 0.95) if v else None,
            }[item.function]()
        out.append(line)
    order = [(item.column, item.descending) for item in query.order_by]
    order += [(g.name, False) for g in query.group_by]
    return [dict(row) for row in ordered(out, order)]
