"""The one query every face speaks: parsed from a standard's own form, answered by the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Expr = dict[str, Any] | str | int | float | bool | None | list[Any]
"""A CQL2 JSON expression (OGC 21-065r2, section 7), already parsed; validated against a closed list by the compiler."""

FUNCTIONS = ("count", "sum", "avg", "min", "max", "median", "p05", "p25", "p75", "p95", "distinct")
BUCKETS = ("hour", "day", "week", "month", "quarter", "year", "hour_of_day", "day_of_week")


@dataclass(frozen=True, slots=True)
class Group:
    """A grouping column; ``bucket`` is a calendar unit for dates and times, '' for the value itself."""

    column: str
    bucket: str = ""

    @property
    def name(self) -> str:
        return f"{self.column}_{self.bucket}" if self.bucket else self.column


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``function`` is one of FUNCTIONS; ``column`` is '' for count of rows."""

    function: str
    column: str = ""

    @property
    def name(self) -> str:
        return f"{self.function}_{self.column}" if self.column else self.function


@dataclass(frozen=True, slots=True)
class Order:
    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One question to one dataset. All names are the contract's.

    ``bbox``: xmin, ymin, xmax, ymax in degrees (OGC:CRS84); xmin > xmax crosses the antimeridian.
    ``datetime``: RFC 3339 instant or interval ``start/end`` with ``..`` for open ends, on the dataset's time column.
    ``as_of``: a version number (``3`` or ``v3``), an RFC 3339 date or time, '' for the newest.
    ``cursor``: opaque keyset cursor from the last answer. ``count``: whether the number of matches is wanted.
    ``search``: words that must all occur in the text columns, stemmed in the contract's language.
    """

    dataset: str
    select: tuple[str, ...] = ()
    filter: Expr = None
    group_by: tuple[Group, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    order_by: tuple[Order, ...] = ()
    limit: int | None = 100  # None: all rows, streamed
    cursor: str = ""
    bbox: tuple[float, float, float, float] | None = None
    datetime: str = ""
    as_of: str = ""
    search: str = ""
    count: bool = False
