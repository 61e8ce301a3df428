"""The relations of CQL2 between two spans of time (OGC 21-065r2, 7.8, after Allen)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of a span as SQL with bound values; an instant has the same moment twice."""

    begin: str
    begin_params: tuple[Any, ...]
    end: str
    end_params: tuple[Any, ...]


# Each relation is a conjunction of comparisons between an end of A and an end of B.
_RULES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "t_after": (("begin", ">", "end"),),
    "t_before": (("end", "<", "begin"),),
    "t_contains": (("begin", "<", "begin"), ("end", ">", "end")),
    "t_during": (("begin", ">", "begin"), ("end", "<", "end")),
    "t_equals": (("begin", "=", "begin"), ("end", "=", "end")),
    "t_finishedby": (("begin", "<", "begin"), ("end", "=", "end")),
    "t_finishes": (("begin", ">", "begin"), ("end", "=", "end")),
    "t_intersects": (("begin", "<=", "end"), ("end", ">=", "begin")),
    "t_meets": (("end", "=", "begin"),),
    "t_metby": (("begin", "=", "end"),),
    "t_overlappedby": (("begin", ">", "begin"), ("begin", "<", "end"), ("end", ">", "end")),
    "t_overlaps": (("begin", "<", "begin"), ("end", ">", "begin"), ("end", "<", "end")),
    "t_startedby": (("begin", "=", "begin"), ("end", ">", "end")),
    "t_starts": (("begin", "=", "begin"), ("end", "<", "end")),
}
RELATIONS = (*_RULES, "t_disjoint")


def relate(op: str, a: Ends, b: Ends) -> tuple[str, tuple[Any, ...]]:
    """SQL and values for ``a op b``."""
    if op == "t_disjoint":
        sql, params = relate("t_intersects", a, b)
        return f"(NOT {sql})", params
    parts: list[str] = []
    params = ()
    for left, sign, right in _RULES[op]:
        left_sql, left_params = (a.begin, a.begin_params) if left == "begin" else (a.end, a.end_params)
        right_sql, right_params = (b.begin, b.begin_params) if right == "begin" else (b.end, b.end_params)
        parts.append(f"{left_sql} {sign} {right_sql}")
        params += left_params + right_params
    return "(" + " AND ".join(parts) + ")", params
