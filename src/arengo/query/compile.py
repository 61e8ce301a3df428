"""A Query over a view to SQL over a relation of the lake.

Two steps. :func:`prepare` judges the query against the view and needs no data: what it raises, the caller can
mend. :func:`Plan.select` writes the SQL for a relation, so that the lake can first choose the layout by
:attr:`Plan.access`. Pages are cut by keyset, never by offset: after the last row's order values, ties broken by
``_row`` (rows) or by the group's own columns (groups). Unknown values come last in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arengo.contract.model import Kind
from arengo.errors import BadQuery
from arengo.query import condition as conditions
from arengo.query import shape
from arengo.query.bucket import BUCKETS
from arengo.query.condition import Condition
from arengo.query.model import FUNCTIONS, Aggregate, Group, Query
from arengo.query.notation import MAX_WORDS
from arengo.query.scope import NUMERIC, ORDERED, TEMPORAL, Scope, nearest, quote

ROW = "_row"
MAX_COLUMNS = 32
_QUANTILE = {"median": 0.5, "p05": 0.05, "p25": 0.25, "p75": 0.75, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class Output:
    """One column of an answer: ``sql`` computes it (over groups: from the inner ``key``)."""

    name: str
    kind: Kind
    sql: str
    key: str = ""
    key_kind: Kind = Kind.STRING
    column: str = ""  # the view's column it shows, '' for computed ones
    group: bool = False


@dataclass(frozen=True, slots=True)
class Ordering:
    sql: str
    kind: Kind
    descending: bool
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its values; the first ``len(outputs)`` columns are the answer, ``extra`` follow, then the cursor's."""

    sql: str
    params: tuple[Any, ...]
    extra: int
    cursor: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A query that was judged against a view."""

    query: Query
    scope: Scope
    outputs: tuple[Output, ...]
    conditions: tuple[Condition, ...]
    orderings: tuple[Ordering, ...]
    grouped: bool

    @property
    def columns(self) -> frozenset[str]:
        """Every stored column the statement reads, for the choice of a layout."""
        names = {item.column for item in self.outputs if item.column}
        names |= {item.column for item in self.query.order_by if item.column in self.scope.fields}
        names |= {name for part in self.conditions for name in part.columns}
        return frozenset(names)

    @property
    def equals(self) -> frozenset[str]:
        return frozenset(name for part in self.conditions for name in part.equals)

    def comes_sorted(self, order: Sequence[str] | None) -> bool:
        """Whether a scan of rows sorted by ``order`` (then ``_row``) gives them in the wanted order.

        Columns that the filter holds to one value do not count on either side.
        """
        if order is None or self.grouped:
            return False
        if any(self.scope.fields[item.column].ranged for item in self.query.order_by):
            return False  # a scan gives names of intervals as texts
        fixed = {name for part in self.conditions for name in part.fixed}
        held = [term for term in order if term.lstrip("-") not in fixed]
        terms = [f"{'-' if item.descending else ''}{item.column}" for item in self.query.order_by]
        return held == [term for term in terms if term.lstrip("-") not in fixed]

    @property
    def row(self) -> tuple[Any, ...] | None:
        """The primary key of the one row that is asked for, when the filter holds every column of it to a value."""
        key = self.scope.key
        fixed = {name: value for part in self.conditions for name, value in part.fixed.items()}
        if not key or self.grouped or not set(key) <= set(fixed):
            return None
        kinds = {self.scope.fields[name].kind for name in key}
        return tuple(fixed[name] for name in key) if kinds <= {Kind.STRING, Kind.INTEGER} else None

    @property
    def spatial(self) -> bool:
        return any(part.spatial for part in self.conditions)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of the cursor's values."""
        return tuple(item.kind for item in self.orderings)

    def where(self, found: Sequence[int] | None = None) -> tuple[str, tuple[Any, ...]]:
        """``found``: the rows an index named for ``search``; None means there is no index and words are compared."""
        parts = [part.sql for part in self.conditions]
        params = [value for part in self.conditions for value in part.params]
        if self.query.search.strip():
            if found is None:
                words = conditions.compile_words(self.query.search, self.scope)
                parts.append(words.sql)
                params += words.params
            else:
                parts.append(f"{ROW} IN (SELECT unnest(CAST(? AS BIGINT[])))")
                params.append(list(found))
        return (" WHERE " + " AND ".join(parts) if parts else ""), tuple(params)

    def select(
        self,
        relation: str,
        relation_params: tuple[Any, ...] = (),
        *,
        found: Sequence[int] | None = None,
        after: tuple[Any, ...] | None = None,
        limit: int | None = None,
        outputs: Sequence[str] | None = None,
        shown: Sequence[Output] | None = None,
        extra: Sequence[str] = (),
        scan_order: bool = False,
        source: str = "",
    ) -> Statement:
        """The statement for one page (``limit``) or all rows.

        ``outputs``: SQL to put in place of each output's own (a face's form of a value); ``shown``: the outputs it
        stands for, all by default; ``extra``: more SQL expressions after them; ``after``: the cursor's values.
        ``scan_order``: the relation comes out of a scan in the wanted order by itself, so nothing is sorted.
        ``source``: groups that were made already, as ``name AS g`` with the columns v0, v1, ...
        """
        where, params = self.where(found) if not source else ("", ())
        given = shown if shown is not None else self.outputs
        forms = outputs if outputs is not None else self.sqls
        names = [f"{sql} AS {quote(item.name)}" for sql, item in zip(forms, given, strict=True)]
        names += [f"{sql} AS __x{i}" for i, sql in enumerate(extra)]
        keys = [f"{item.sql} AS __k{i}" for i, item in enumerate(self.orderings)] if limit is not None else []
        order = ", ".join(f"{item.sql}{' DESC' if item.descending else ''} NULLS LAST" for item in self.orderings)
        rest: list[Any] = []
        if self.grouped:
            inner = [f"{item.key} AS {alias}" for item, alias in self._named]
            groups = [alias for item, alias in self._named if item.group]
            by = f" GROUP BY {', '.join(groups)}" if groups else ""
            source = source or f"(SELECT {', '.join(inner)} FROM {relation}{where}{by}) AS g"
            clause = ""
            if after is not None:
                clause, rest = keyset(self.orderings, after)
                clause = f" WHERE {clause}"
            sql = f"SELECT {', '.join(names + keys)} FROM {source}{clause}"
        else:
            if after is not None:
                clause, rest = keyset(self.orderings, after)
                where += (" AND " if where else " WHERE ") + clause
            simple = all(map(_is_column, extra)) and all(
                sql == item.sql for sql, item in zip(forms, given, strict=True)
            )
            if limit is not None and not simple:
                # Cut the page first, then compute: not for every row that matches.
                by = "" if scan_order else f" ORDER BY {order}"
                page = f"(SELECT * FROM {relation}{where}{by} LIMIT ?) AS p"
                sql = f"SELECT {', '.join(names + keys)} FROM {page}{by}"
                return Statement(sql, (*relation_params, *params, *rest, limit), len(extra), len(keys))
            sql = f"SELECT {', '.join(names + keys)} FROM {relation}{where}"
        sql += f" ORDER BY {order}" if order and (self.grouped or not scan_order) else ""
        values = (*relation_params, *params, *rest)
        if limit is not None:
            sql += " LIMIT ?"
            values = (*values, limit)
        return Statement(sql, values, len(extra), len(keys))

    def count(
        self, relation: str, relation_params: tuple[Any, ...] = (), *, found: Sequence[int] | None = None
    ) -> Statement:
        """How many rows (or groups) there are before limit and cursor."""
        where, params = self.where(found)
        if self.grouped:
            keys = [f"{item.key} AS {alias}" for item, alias in self._named if item.group]
            if not keys:
                return Statement("SELECT 1", (), 0, 0)
            sql = f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(keys)} FROM {relation}{where}) AS g"
        else:
            sql = f"SELECT count(*) FROM {relation}{where}"
        return Statement(sql, (*relation_params, *params), 0, 0)

    @property
    def sqls(self) -> tuple[str, ...]:
        return tuple(item.sql for item in self.outputs)

    @property
    def _named(self) -> list[tuple[Output, str]]:
        return [(item, f"v{i}") for i, item in enumerate(self.outputs)]


def _is_column(sql: str) -> bool:
    """Whether an expression is one column as it is, so that nothing is computed for rows beyond the page."""
    return sql.startswith('"') and sql.endswith('"') and '"' not in sql[1:-1]


def prepare(query: Query, scope: Scope, *, max_rows: int | None = None) -> Plan:
    """Judge a query against a view. Raises BadQuery, UnknownColumn.

    ``max_rows``: the largest page that may be asked for, None for no limit (exports).
    """
    if query.limit is not None and query.limit < 1:
        raise BadQuery(
            f"limit is {query.limit}, and a page has at least one row.", todo="Leave limit out for 100 rows."
        )
    if max_rows is not None and query.limit is not None and query.limit > max_rows:
        raise BadQuery(
            f"limit is {query.limit:,}, and a page has at most {max_rows:,} rows.",
            todo="Follow the next links, or take an export for everything.",
        )
    found: list[Condition] = []
    filtered = conditions.compile_filter(query.filter, scope)
    if filtered is not None:
        found.append(filtered)
    if query.bbox is not None:
        if scope.geometry is None:
            raise BadQuery(f"{scope.dataset} has no geometry.", todo="Leave bbox out.")
        found.append(conditions.compile_box(shape.read_box(query.bbox), scope))
    if query.datetime:
        found.append(conditions.compile_span(query.datetime, scope))
    if len(query.search) > MAX_WORDS:
        raise BadQuery(f"search has {len(query.search):,} characters, and at most {MAX_WORDS:,} are read.")
    if query.search.strip() and not scope.search:
        raise BadQuery(f"{scope.dataset} has no text column to search in.", todo="Use filter instead.")
    grouped = bool(query.group_by or query.aggregates)
    outputs = _groups(query, scope) if grouped else _columns(query, scope)
    orderings = _group_order(query, outputs, scope) if grouped else _row_order(query, scope)
    return Plan(query, scope, outputs, tuple(found), orderings, grouped)


def keyset(orderings: Sequence[Ordering], after: Sequence[Any]) -> tuple[str, list[Any]]:
    """The rows that come after ``after`` in the given order, unknown values last."""
    branches: list[str] = []
    params: list[Any] = []
    for i, item in enumerate(orderings):
        beyond, beyond_params = _beyond(item, after[i])
        if beyond is None:
            continue
        parts, values = [], []
        for j in range(i):
            if after[j] is None:
                parts.append(f"{orderings[j].sql} IS NULL")
            else:
                parts.append(f"{orderings[j].sql} = ?")
                values.append(after[j])
        parts.append(beyond)
        values += beyond_params
        branches.append("(" + " AND ".join(parts) + ")")
        params += values
    if not branches:
        return "FALSE", []
    sql = "(" + " OR ".join(branches) + ")"
    if len(branches) > 1 and after[0] is not None:
        # The same said of the first column alone: lets the engine skip what lies before.
        head = orderings[0]
        sign = "<=" if head.descending else ">="
        range_sql = f"{head.sql} {sign} ?"
        sql = f"({range_sql} OR {head.sql} IS NULL) AND {sql}" if head.nullable else f"{range_sql} AND {sql}"
        params = [after[0], *params]
    return sql, params


def _beyond(item: Ordering, value: Any) -> tuple[str | None, list[Any]]:
    if value is None:
        return None, []
    sql = f"{item.sql} {'<' if item.descending else '>'} ?"
    return (f"({sql} OR {item.sql} IS NULL)" if item.nullable else sql), [value]


def _columns(query: Query, scope: Scope) -> tuple[Output, ...]:
    names = dict.fromkeys(query.select or scope.fields)
    fields = [scope.field(name) for name in names]
    if not fields:
        raise BadQuery(f"{scope.dataset} has no column to show.")
    return tuple(Output(item.name, item.kind, quote(item.name), column=item.name) for item in fields)


def _row_order(query: Query, scope: Scope) -> tuple[Ordering, ...]:
    out: list[Ordering] = []
    seen: set[str] = set()
    for item in query.order_by:
        field = scope.field(item.column)
        if field.kind not in ORDERED:
            raise BadQuery(f"{field.name} is {field.kind} and has no order.", todo="Order by another column.")
        if field.name not in seen:
            if field.ranged:
                out.append(_numbered(quote(field.name), item.descending))
            out.append(Ordering(quote(field.name), field.kind, item.descending, not field.required))
            seen.add(field.name)
    if len(out) > MAX_COLUMNS:
        raise BadQuery(f"order_by has more than {MAX_COLUMNS} columns.")
    out.append(Ordering(ROW, Kind.INTEGER, False, False))
    return tuple(out)


def _numbered(sql: str, descending: bool) -> Ordering:
    """Names of intervals by the number they begin with, ``< 5`` before ``5–9``; texts that are none come after them."""
    number = f"TRY_CAST(regexp_extract({sql}, '^(?:\\[|< |>= )?(-?[0-9]+(?:\\.[0-9]+)?)', 1) AS DOUBLE)"
    return Ordering(f"({number} - CASE WHEN {sql} LIKE '<%' THEN 0.5 ELSE 0 END)", Kind.NUMBER, descending)


def _groups(query: Query, scope: Scope) -> tuple[Output, ...]:
    if query.select:
        raise BadQuery("select and group_by were both given.", todo="A grouped answer has the groups and aggregates.")
    if len(query.group_by) + len(query.aggregates) > MAX_COLUMNS:
        raise BadQuery(f"group_by and aggregate have more than {MAX_COLUMNS} columns together.")
    out: list[Output] = []
    names: set[str] = set()
    for i, group in enumerate(query.group_by):
        out.append(_group(group, scope, f"v{i}"))
    for i, item in enumerate(query.aggregates or (Aggregate("count"),), start=len(out)):
        out.append(_aggregate(item, scope, f"v{i}"))
    for each in out:
        if each.name in names:
            raise BadQuery(f"{each.name!r} is asked for twice.", todo="Name each group and aggregate once.")
        names.add(each.name)
    return tuple(out)


def _group(group: Group, scope: Scope, alias: str) -> Output:
    field = scope.field(group.column)
    column = quote(field.name)
    if not group.bucket:
        if field.kind not in ORDERED:
            raise BadQuery(f"{field.name} is {field.kind} and cannot be grouped by.", todo="Group by another column.")
        return Output(field.name, field.kind, alias, column, field.kind, field.name, True)
    bucket = BUCKETS.get(group.bucket)
    if bucket is None:
        raise BadQuery(f"There is no calendar unit {group.bucket!r}.", todo=nearest(group.bucket, BUCKETS))
    if field.kind not in TEMPORAL or (field.kind is Kind.DATE and not bucket.of_dates):
        raise BadQuery(f"{field.name} is {field.kind} and has no {group.bucket}.", todo="Group by the column itself.")
    return Output(
        group.name,
        bucket.kind,
        bucket.label.format(k=alias),
        bucket.key.format(c=column),
        bucket.key_kind,
        field.name,
        True,
    )


def _aggregate(item: Aggregate, scope: Scope, alias: str) -> Output:
    if item.function not in FUNCTIONS:
        raise BadQuery(f"There is no aggregate {item.function!r}.", todo=nearest(item.function, FUNCTIONS))
    if item.function == "count" and not item.column:
        return Output(item.name, Kind.INTEGER, alias, "count(*)", Kind.INTEGER)
    if not item.column:
        raise BadQuery(f"{item.function} needs a column.", todo=f"Write {item.function}:COLUMN.")
    field = scope.field(item.column)
    column = quote(field.name)

    def output(sql: str, kind: Kind) -> Output:
        return Output(item.name, kind, alias, sql, kind, field.name)

    if item.function == "count":
        return output(f"count({column})", Kind.INTEGER)
    if item.function == "distinct":
        return output(f"count(DISTINCT {column})", Kind.INTEGER)
    if field.kind not in ORDERED or (item.function not in ("min", "max") and field.kind not in NUMERIC):
        raise BadQuery(
            f"{field.name} is {field.kind} and has no {item.function}.", todo="Use count, distinct, min or max."
        )
    if item.function in ("min", "max"):
        return output(f"{item.function}({column})", field.kind)
    if item.function in _QUANTILE:
        return output(_steady(f"quantile_cont({column}, {_QUANTILE[item.function]})"), Kind.NUMBER)
    if item.function == "avg":
        return output(_steady(f"favg(CAST({column} AS DOUBLE))"), Kind.NUMBER)
    if field.kind is Kind.INTEGER:
        return output(f"CAST(sum({column}) AS BIGINT)", Kind.INTEGER)
    return output(_steady(f"fsum({column})"), Kind.NUMBER)


def _steady(sql: str) -> str:
    """Fifteen digits of a compensated sum: the same question gives the same text whatever the threads did first."""
    return f"CAST(printf('%.15g', {sql}) AS DOUBLE)"


def _group_order(query: Query, outputs: tuple[Output, ...], scope: Scope) -> tuple[Ordering, ...]:
    aliases = {item.name: (f"v{i}", item) for i, item in enumerate(outputs)}
    out: list[Ordering] = []
    seen: set[str] = set()
    for order in query.order_by:
        if order.column not in aliases:
            raise BadQuery(f"A grouped answer has no column {order.column!r}.", todo=nearest(order.column, aliases))
        alias, item = aliases[order.column]
        if alias not in seen:
            if item.group and item.key_kind is Kind.STRING and scope.fields[item.column].ranged:
                out.append(_numbered(alias, order.descending))
            out.append(Ordering(alias, item.key_kind, order.descending))
            seen.add(alias)
    for alias, item in aliases.values():
        if item.group and alias not in seen:
            out.append(Ordering(alias, item.key_kind, False))
    return tuple(out)
