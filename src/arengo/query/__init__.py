"""The one question every face asks, judged against a view and written as SQL.

In: a :class:`Query` in a standard's notation or CQL2. Out: a :class:`Plan` that writes one SQL statement over a
relation of the lake, every value bound. Promise: only the view's columns, only the operators listed in
:data:`OPERATORS`, stable paging by keyset, three-valued logic. May import: contract, errors. No data is touched.
"""

from __future__ import annotations

from arengo.query.compile import Output, Plan, prepare
from arengo.query.condition import OPERATORS
from arengo.query.cql2 import parse, parse_json, parse_text, to_text
from arengo.query.cursor import canonical
from arengo.query.model import BUCKETS, FUNCTIONS, Aggregate, Expr, Group, Order, Query
from arengo.query.notation import PARAMETERS, from_parameters, plain
from arengo.query.scope import Field, Scope

__all__ = [
    "BUCKETS",
    "FUNCTIONS",
    "OPERATORS",
    "PARAMETERS",
    "Aggregate",
    "Expr",
    "Field",
    "Group",
    "Order",
    "Output",
    "Plan",
    "Query",
    "Scope",
    "canonical",
    "from_parameters",
    "parse",
    "parse_json",
    "parse_text",
    "plain",
    "prepare",
    "to_text",
]
