"""The numbers of a chart, asked from the door as groups: never the rows of a large table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Kind
from arengo.errors import BadQuery
from arengo.portal import ranges
from arengo.portal.cells import Head, Writer, yearly
from arengo.portal.charts.design import CYCLES, NUMBERS, TIMES, Design
from arengo.portal.charts.period import moment
from arengo.quality.profile import nice_edges
from arengo.query import notation
from arengo.query.model import Aggregate, Expr, Group, Order

if TYPE_CHECKING:
    from arengo.portal.dossier import Dossier

BARS, SERIES, PANELS, BINS = 20, 4, 6, 20
CELLS = 6_000  # marks of one drawing
BUCKETS = 3_000
SAMPLE = 2_000  # dots of one scatter plot
READ = 40_000  # rows read to take every n-th of
FEW_VALUES = 5_000
OTHERS = "\0others"
NONE = "\0none"


@dataclass(frozen=True, slots=True)
class Mark:
    """One value: where along x, how much, in which series and panel (indexes, -1 when there are none)."""

    x: Any
    v: float | None
    s: int = -1
    f: int = -1


@dataclass(frozen=True, slots=True)
class Axis:
    """``kind``: time | name | number. ``names``: of the categories, in order; ``bucket``: of times."""

    kind: str
    head: Head
    names: tuple[str, ...] = ()
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class Material:
    """``table``: the machine's names of the columns and their values as the door gave them, for files."""

    x: Axis
    marks: tuple[Mark, ...]
    series: tuple[str, ...] = ()
    panels: tuple[str, ...] = ()
    others: bool = False  # the last series are the others
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    table: tuple[tuple[Any, ...], ...] = ()
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


def gather(d: Dossier, design: Design) -> Material:
    """Raises what the door raises, and BadQuery when it would be more than a picture can hold."""
    if design.kind == "histogram":
        return _ranges(d, design)
    if design.kind == "scatter":
        return _dots(d, design)
    return _groups(d, design)


def unit_of(d: Dossier, name: str, asked: str) -> str:
    """The calendar unit of a column of dates: what was asked, or what gives a readable number of points."""
    if asked:
        return asked
    item = d.contract.column(name)
    from arengo.portal.figure import _bucket

    return (_bucket(item, d.profile.get("columns", {}).get(name, {})) if item else "") or "year"


def measure(design: Design) -> Aggregate:
    return Aggregate("count", "") if design.function == "count" else Aggregate(design.function, design.y)


class _Dimension:
    """A column as categories or as time, with how its values are written."""

    def __init__(self, d: Dossier, name: str, bucket: str) -> None:
        self.d = d
        self.head = d.head(name)
        self.year = yearly(self.head)
        kind = self.head.kind
        self.bucket = unit_of(d, name, bucket) if kind in TIMES else ""
        self.cycle = self.bucket in CYCLES
        self.time = (kind in TIMES and not self.cycle) or self.year
        self.group = Group(name, self.bucket)
        self.sized = self.head.kind in NUMBERS
        if self.year:
            self.bucket = "year"
        self._writer = Writer(d.speech, [self.head], [])

    def say(self, value: Any) -> str:
        _ = self.d.visit._
        if value is None or (isinstance(value, float) and value != value):
            return _("no value")
        if self.bucket == "day_of_week":
            return _weekday(int(value), self.d.speech.locale)
        if self.bucket == "hour_of_day":
            return f"{int(value):02}:00"
        if self.time:
            at = moment(value, self.bucket)
            from arengo.portal.charts.period import period

            return period(self.d.speech, at, self.bucket) if at is not None else str(value)
        cell = self._writer.cell(0, value)
        return cell.full or cell.text

    def among(self, values: Sequence[Any]) -> Expr:
        """The condition that the column holds one of ``values``, unknown ones too when None is among them."""
        prop = {"property": self.head.name}
        known = [value for value in values if value is not None]
        told: Expr = {"op": "in", "args": [prop, known]} if known else None
        if None not in values:
            return told if known else {"op": "and", "args": [{"op": "isNull", "args": [prop]}, False]}
        unknown: Expr = {"op": "isNull", "args": [prop]}
        return {"op": "or", "args": [unknown, told]} if told is not None else unknown

    def beside(self, values: Sequence[Any]) -> Expr:
        """The condition that it holds none of ``values``; unknown ones are beside them."""
        prop = {"property": self.head.name}
        told: Expr = {"op": "not", "args": [{"op": "in", "args": [prop, list(values)]}]}
        return {"op": "or", "args": [{"op": "isNull", "args": [prop]}, told]}


def _weekday(number: int, locale: str) -> str:
    from babel.dates import get_day_names

    return str(get_day_names("wide", locale=locale)[(number - 1) % 7])


def _groups(d: Dossier, design: Design) -> Material:
    x = _Dimension(d, design.x, design.bucket)
    by = _Dimension(d, design.by, design.by_bucket) if design.by else None
    facet = _Dimension(d, design.facet, "") if design.facet and design.kind != "heat" else None
    if by is not None and by.head.name == x.head.name and by.group == x.group:
        by = None
    amount = measure(design)
    notes: list[str] = []
    conditions: list[Expr] = []
    panels: list[Any] = []
    if facet is not None:
        panels, more = _largest(d, design, facet, Aggregate("count"), (), design.panels or PANELS)
        conditions.append(facet.among(panels))
        if more:
            notes.append(d.speech.many("%(n)s other has no panel", "%(n)s others have no panel", more))
    wanted: list[Any] = []
    if not x.time and not x.cycle:
        most = design.top or (40 if design.kind in ("heat", "line", "area") else 200 if design.kind == "map" else BARS)
        if x.sized and not design.sort and not design.top:
            wanted, more = _lowest(d, design, x, conditions, most)
        else:
            wanted, more = _largest(d, design, x, amount, conditions, most, unknown=design.kind != "map")
        if design.kind == "map" and (nulls := int(d.profile["columns"].get(x.head.name, {}).get("nulls") or 0)):
            notes.append(
                d.speech.many("%(n)s row without a value is left out", "%(n)s rows without a value are left out", nulls)
            )
        if more:
            notes.append(_drawn(d, design, len(wanted), more))
        conditions.append(x.among(wanted))
    series: list[Any] = []
    others = False
    heat = design.kind == "heat"
    if by is not None and not (by.time or by.cycle):
        most = 30 if heat else design.series or SERIES
        adds_up = design.function in ("count", "sum")
        series, more = _largest(
            d, design, by, amount if adds_up else Aggregate("count"), conditions, most, unknown=heat
        )
        nulls = d.profile.get("columns", {}).get(by.head.name, {}).get("nulls")
        others = (bool(more) or bool(nulls)) and not heat
        if heat and more:
            notes.append(d.speech.many("%(n)s other is not drawn", "%(n)s others are not drawn", more))
        if by.sized:
            series = sorted(series, key=lambda value: (value is None, value))  # numbers in their own order
        elif ranges.all_ranges(series):
            series = sorted(series, key=ranges.order)
    dimensions = [item for item in (x, by, facet) if item is not None]
    groups = tuple(item.group for item in dimensions)
    rows = _fetch(d, design, groups, amount, [*conditions, by.among(series) if by and series else None])
    table = [tuple(row) for row in rows]
    if by is not None and others:
        rest = tuple(group for group in groups if group is not by.group)
        at = 1
        left = _fetch(d, design, rest, amount, [*conditions, by.beside(series)])
        others = bool(left)
        for row in left:
            told = [*row[:at], OTHERS, *row[at:]]
            rows.append(tuple(told))
            table.append(tuple(d.visit._("others") if part is OTHERS else part for part in told))
    if by is not None and (by.time or by.cycle):
        series = sorted({row[1] for row in rows if row[1] is not None})
        most = 60 if heat else 7
        if len(series) > most:
            raise BadQuery(
                f"{by.head.label} has {len(series)} values, and {most} can be told apart.", todo="Choose a longer unit."
            )
    return _set(d, design, x, by, facet, rows, table, series, panels, wanted, others, notes, groups, amount)


def _set(
    d: Dossier, design: Design, x: _Dimension, by: _Dimension | None, facet: _Dimension | None,
    rows: Sequence[tuple[Any, ...]], table: Sequence[tuple[Any, ...]], series: Sequence[Any], panels: Sequence[Any],
    wanted: Sequence[Any], others: bool, notes: Sequence[str], groups: Sequence[Group], amount: Aggregate,
) -> Material:  # fmt: skip
    """The answer's rows as marks with places."""
    if x.cycle:
        wanted = list(range(24)) if x.bucket == "hour_of_day" else list(range(1, 8))
    elif not x.time and design.sort in ("", "name", "-name") and ranges.all_ranges(wanted):
        wanted = sorted(wanted, key=ranges.order, reverse=design.sort == "-name")
    elif not x.time and design.sort in ("name", "-name"):
        wanted = sorted(wanted, key=lambda value: (value is None, _sortable(value, x)), reverse=design.sort == "-name")
    elif not x.time and design.sort == "value":
        wanted = list(reversed(wanted))
    place = {_key(value): index for index, value in enumerate(wanted)}
    colour = {_key(value): index for index, value in enumerate(series)}
    colour[OTHERS] = len(series)
    panel = {_key(value): index for index, value in enumerate(panels)}
    marks = []
    undated = 0
    for row in rows:
        value = row[-1]
        amount_is = None if value is None or (isinstance(value, float) and not math.isfinite(value)) else float(value)
        at: Any = moment(row[0], x.bucket) if x.time and row[0] is not None else place.get(_key(row[0]))
        if at is None:
            undated += 1
            continue
        s = colour.get(_key(row[1]), -1) if by is not None else -1
        f = panel.get(_key(row[-2]), -1) if facet is not None else -1
        if (by is not None and s < 0) or (facet is not None and f < 0):
            continue
        marks.append(Mark(at, amount_is, s, f))
    if x.time:
        marks.sort(key=lambda mark: (mark.f, mark.s, _at(mark.x)))
    said = [by.say(value) for value in series] if by is not None else []
    if others:
        said.append(d.visit._("others"))
    axis = Axis(
        "time" if x.time else "name", x.head, () if x.time else tuple(x.say(value) for value in wanted), x.bucket
    )
    return Material(
        axis, tuple(marks), tuple(said), tuple(facet.say(value) for value in panels) if facet else (), others,
        tuple(notes), (*(group.name for group in groups), amount.name), tuple(table),
    )  # fmt: skip


def _at(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else datetime.min


def _key(value: Any) -> Any:
    """Values that a dictionary tells apart: true is not 1, and no number is itself."""
    if value is None or (isinstance(value, float) and value != value):
        return NONE
    return ("bool", value) if isinstance(value, bool) else value


def _sortable(value: Any, x: _Dimension) -> Any:
    return value if x.head.kind in NUMBERS and value is not None else x.say(value).casefold()


def _drawn(d: Dossier, design: Design, shown: int, more: int) -> str:
    return d.visit._(
        "The %(n)s largest of %(all)s are drawn", n=d.speech.number(shown), all=d.speech.number(shown + more)
    )


def _largest(
    d: Dossier, design: Design, dimension: _Dimension, amount: Aggregate, conditions: Sequence[Expr], most: int,
    *, unknown: bool = True,
) -> tuple[list[Any], int]:  # fmt: skip
    """The values of a dimension with the largest amounts, and how many more there are."""
    known: Expr = {"op": "not", "args": [{"op": "isNull", "args": [{"property": dimension.head.name}]}]}
    query = design.ask(
        d.id, d.visit.as_of, group_by=(dimension.group,), aggregates=(amount,),
        order_by=(Order(amount.name, True),), limit=most, count=True,
        also=notation.both(*conditions, None if unknown else known),
    )  # fmt: skip
    answer = d.visit.door.ask(query)
    values = [row[0] for row in answer.rows()]
    return values, max(0, int(answer.matched) - len(values))


def _lowest(
    d: Dossier, design: Design, dimension: _Dimension, conditions: Sequence[Expr], most: int
) -> tuple[list[Any], int]:
    """Numbers in their own order when they are few; the largest amounts otherwise."""
    most = max(most, 40)
    query = design.ask(
        d.id, d.visit.as_of, group_by=(dimension.group,), aggregates=(Aggregate("count"),),
        order_by=(Order(dimension.group.name),), limit=most + 1, also=notation.both(*conditions),
    )  # fmt: skip
    found = [row[0] for row in d.visit.door.ask(query).rows()]
    if len(found) <= most:
        return found, 0
    return _largest(d, design, dimension, measure(design), conditions, most // 2)


def _fetch(
    d: Dossier, design: Design, groups: tuple[Group, ...], amount: Aggregate, conditions: Sequence[Expr]
) -> list[tuple[Any, ...]]:
    """The groups in the order of their names. Raises BadQuery when they are more than a picture holds."""
    query = design.ask(
        d.id, d.visit.as_of, group_by=groups, aggregates=(amount,), limit=CELLS, also=notation.both(*conditions),
        order_by=tuple(Order(group.name) for group in groups),
    )  # fmt: skip
    answer = d.visit.door.ask(query)
    rows = answer.rows()
    if answer.next_cursor:
        raise BadQuery(
            f"That would be more than {CELLS:,} marks, which no eye can tell apart.",
            todo="Choose a longer calendar unit, fewer categories, or a filter.",
        )
    return rows


def _ranges(d: Dossier, design: Design) -> Material:
    """Counts of rows by ranges of a number."""
    head = d.head(design.x)
    axis = Axis("number", head)
    found = d.profile.get("columns", {}).get(head.name, {})
    plain = design.expr is None and not (design.search or design.datetime or design.bbox or design.bins)
    shape = found.get("histogram") or {}
    edges: list[float] = [float(edge) for edge in shape.get("edges") or []]
    counts: list[int] = [int(count) for count in shape.get("counts") or []]
    if not plain or len(counts) < 2:
        edges, counts = _counted(d, design, head, found)
    nulls = int(found.get("nulls") or 0)
    notes = []
    if nulls and plain:
        notes.append(
            d.speech.many("%(n)s row without a value is left out", "%(n)s rows without a value are left out", nulls)
        )
    table = tuple((a, b, n) for a, b, n in zip(edges, edges[1:], counts, strict=False))
    return Material(
        axis, (), notes=tuple(notes), names=("from", "to", "count"), table=table, edges=tuple(edges),
        counts=tuple(counts),
    )  # fmt: skip


def _counted(d: Dossier, design: Design, head: Head, found: Any) -> tuple[list[float], list[int]]:
    name = head.name
    prop = {"property": name}
    parts = tuple(Aggregate(function, name) for function in ("min", "max", "p05", "p95", "count", "distinct"))
    rows = d.visit.door.ask(design.ask(d.id, d.visit.as_of, aggregates=parts)).rows()
    low, high, p05, p95, count, distinct = rows[0] if rows else (None,) * 6
    if low is None or not count or not (math.isfinite(low) and math.isfinite(high)):
        return [], []
    whole = head.kind is Kind.INTEGER
    inner_low, inner_high = float(low), float(high)
    spread = float(p95) - float(p05)
    if spread > 0 and inner_high - inner_low > 4 * spread:
        inner_low, inner_high = max(inner_low, p05 - spread / 2), min(inner_high, p95 + spread / 2)
    edges = nice_edges(inner_low, inner_high, design.bins or BINS, whole=whole)
    if len(edges) < 3:
        return [float(low), float(high)], [int(count)]
    if low < edges[0]:
        edges = [float(low), *edges]
    if high > edges[-1]:
        edges = [*edges, float(high)]
    counts = [0] * (len(edges) - 1)
    if int(distinct) <= FEW_VALUES:
        query = design.ask(
            d.id, d.visit.as_of, group_by=(Group(name),), aggregates=(Aggregate("count"),), limit=FEW_VALUES + 1,
            also={"op": "not", "args": [{"op": "isNull", "args": [prop]}]},
        )  # fmt: skip
        from bisect import bisect_right

        for value, n in d.visit.door.ask(query).rows():
            if value == value:
                counts[min(len(counts) - 1, max(0, bisect_right(edges, float(value)) - 1))] += int(n)
        return edges, counts
    for index, (a, b) in enumerate(pairwise(edges)):
        upper = "<=" if index == len(counts) - 1 else "<"
        also: Expr = {"op": "and", "args": [{"op": ">=", "args": [prop, a]}, {"op": upper, "args": [prop, b]}]}
        answer = d.visit.door.ask(design.ask(d.id, d.visit.as_of, aggregates=(Aggregate("count"),), also=also))
        counts[index] = int(answer.rows()[0][0])
    return edges, counts


def _dots(d: Dossier, design: Design) -> Material:
    """Single rows, an even share of them when they are many."""
    x, y = d.head(design.x), d.head(design.y)
    by = _Dimension(d, design.by, design.by_bucket) if design.by and design.by not in (design.x, design.y) else None
    conditions: list[Expr] = [
        {"op": "not", "args": [{"op": "isNull", "args": [{"property": name}]}]} for name in (x.name, y.name)
    ]
    series: list[Any] = []
    if by is not None and not (by.time or by.cycle):
        series, _more = _largest(d, design, by, Aggregate("count"), conditions, design.series or SERIES, unknown=False)
    else:
        by = None
    names = (x.name, y.name, *([by.head.name] if by else []))
    rows, whole = sample(d, design, names, conditions)
    notes = []
    if len(rows) < whole:
        notes.append(
            d.visit._(
                "%(n)s of %(all)s rows are drawn, evenly chosen",
                n=d.speech.number(len(rows)), all=d.speech.number(whole),
            )
        )  # fmt: skip
    colour = {_key(value): index for index, value in enumerate(series)}
    marks = [
        Mark(_plot(row[0]), float(row[1]), colour.get(_key(row[2]), len(series)) if by else -1)
        for row in rows
        if math.isfinite(float(row[1])) and not (isinstance(row[0], float) and not math.isfinite(row[0]))
    ]
    others = any(mark.s == len(series) for mark in marks) if by else False
    said = [by.say(value) for value in series] if by else []
    if others:
        said.append(d.visit._("others"))
    axis = Axis("time" if x.kind in TIMES else "number", x, (), "day" if x.kind in TIMES else "")
    return Material(axis, tuple(marks), tuple(said), (), others, tuple(notes), names, tuple(tuple(row) for row in rows))


def _plot(value: Any) -> Any:
    return value if isinstance(value, date | datetime) else float(value)


def sample(
    d: Dossier, design: Design, names: Sequence[str], conditions: Sequence[Expr], most: int = SAMPLE
) -> tuple[list[tuple[Any, ...]], int]:
    """At most about ``most`` rows, evenly chosen among those that fit, and how many fit.

    Up to :data:`READ` rows are read and every n-th is taken; of more, those whose key is a multiple of n, or whose
    numbers fall on a lattice when the key is no number.
    """
    also = notation.both(*conditions)
    counted = d.visit.door.ask(design.ask(d.id, d.visit.as_of, aggregates=(Aggregate("count"),), also=also)).rows()
    whole = int(counted[0][0]) if counted else 0
    picked: Expr = None
    if whole > READ:
        picked = _lattice(d, max(2, whole // most))
    query = design.ask(
        d.id, d.visit.as_of, select=tuple(dict.fromkeys(names)), limit=READ, also=notation.both(also, picked)
    )
    rows = d.visit.door.ask(query).rows()
    at = [list(dict.fromkeys(names)).index(name) for name in names]
    rows = [tuple(row[index] for index in at) for row in rows]
    if len(rows) > most:
        step = len(rows) / most
        rows = [rows[int(index * step)] for index in range(most)]
    return rows, whole


def _lattice(d: Dossier, step: int) -> Expr:
    scope = d.view.scope
    step = next(n for n in range(step | 1, step + 200, 2) if all(n % k for k in (3, 5, 7, 11)) or n > step + 150)
    keyed = [name for name in scope.key if scope.fields[name].kind is Kind.INTEGER]
    if keyed:
        return {"op": "=", "args": [{"op": "%", "args": [{"property": keyed[-1]}, step]}, 0]}
    numbers = [name for name, item in scope.fields.items() if item.kind in NUMBERS and name not in scope.key][:4]
    if not numbers:
        return None
    grains: Any = 0
    for weight, name in zip((7919, 104729, 1299709, 15485863), numbers, strict=False):
        grains = {"op": "+", "args": [grains, {"op": "*", "args": [{"property": name}, weight]}]}
    return {"op": "=", "args": [{"op": "div", "args": [{"op": "%", "args": [grains, step]}, 1]}, 0]}
