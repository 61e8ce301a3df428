"""Groups instead of rows: answers over a dataset whose contract opens its statistics alone (``arengoStatistics``).

The engine counts per person, so that what one person adds is known; :mod:`arengo.privacy.statistics` decides what of
the groups may be told; the page is then cut from what is told by the same plan that cuts it for any other dataset.
Order, limit, cursor and count see protected figures alone.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from arengo.contract.model import Contract, Kind
from arengo.door.answer import Answer
from arengo.door.grant import subject_of
from arengo.door.view import View
from arengo.errors import BadQuery, NotAllowed
from arengo.privacy import mask as masks
from arengo.privacy import statistics
from arengo.privacy.statistics import KEYS, SUPPRESS, Rule
from arengo.query import cursor as cursors
from arengo.query.compile import ROW, Output, Plan, prepare
from arengo.query.model import Aggregate, Group, Query
from arengo.query.scope import quote
from arengo.state.spending import question

if TYPE_CHECKING:
    import pyarrow as pa

    from arengo.lake import Lake
    from arengo.privacy.figures import Figures

MOST_GROUPS = 50_000
MOST_KEPT = 200
"""Different questions that are compared with each new one."""
FIGURES = ("count", "sum", "avg")
WAIT = 20.0
MOST_REMEMBERED = 4096
_DIFFERENT: dict[tuple[Any, ...], tuple[int, int]] = {}
"""Numbers of values and persons of versions, which do not change."""
MOST_HELD = 64
HELD_GROUPS = 5_000
"""Groups of an answer up to which they are held for the next page, order or figure of the same question."""
_HELD: OrderedDict[tuple[Any, ...], pa.Table] = OrderedDict()
_HOLDING = threading.Lock()


def refuse_rows(dataset: str) -> NotAllowed:
    return NotAllowed(
        f"The statistics of {dataset} are open, its rows are not.",
        todo="Ask for groups: count, sum and avg, by columns that many people share.",
    )


def allowed(query: Query, view: View) -> None:
    """Raises NotAllowed for what tells of single persons: rows, extremes, columns that single out, places."""
    if not (query.group_by or query.aggregates):
        raise refuse_rows(view.dataset)
    for item in query.aggregates:
        if item.function not in FIGURES:
            raise NotAllowed(
                f"{item.function} tells one person's value, and of {view.dataset} only statistics are open.",
                todo="Ask for count, sum or avg.",
            )
    if query.search.strip() or query.bbox is not None or query.datetime.strip():
        raise NotAllowed(
            f"Words, places and spans of time can be cut around single people, and of {view.dataset} only statistics "
            "are open.",
            todo="Leave search, bbox and datetime out; group by columns that many people share.",
        )
    if not _chooses(query.filter):
        raise NotAllowed(
            f"Of {view.dataset} only statistics are open, and a filter of them names groups: columns that equal a "
            "value, joined by AND.",
            todo="Group by the column and add up the groups you want.",
        )


def _chooses(expr: Any) -> bool:
    """Whether a filter is a cell of a table: column = value, or unknown, joined by AND.

    Nothing else is needed to read tables, and with ranges, lists and OR the same few people could be put into as many
    different groups as it takes to average the noise of all of them away (decision 0206).
    """
    if expr is None:
        return True
    if not isinstance(expr, Mapping):
        return False
    op, args = expr.get("op"), expr.get("args") or []
    if op == "and":
        return all(_chooses(item) for item in args)
    known = [item for item in args if isinstance(item, Mapping) and isinstance(item.get("property"), str)]
    if op == "isNull":
        return len(args) == len(known) == 1
    plain: list[Any] = [item for item in args if item is not None and isinstance(item, str | int | float | bool)]
    plain += [item for item in args if isinstance(item, Mapping) and set(item) in ({"date"}, {"timestamp"})]
    return op == "=" and len(known) == 1 and len(plain) == 1 and len(args) == 2


def singles_out(contract: Contract) -> frozenset[str]:
    """Columns by which one person could be chosen or left out: keys, identifiers, places."""
    names = {item.name for item in contract.properties
             if item.key_position >= 0 or item.unique or item.privacy_role == "identifier"
             or item.kind in (Kind.GEOMETRY, Kind.JSON) or item.custom.get("arengoSubject")}  # fmt: skip
    place = contract.geometry
    return frozenset(names | ({place.column, place.x, place.y} - {""} if place is not None else set()))


def judged(plan: Plan, view: View) -> None:
    """Raises NotAllowed for a plan that filters, groups or sums by a column that singles out."""
    met = sorted((plan.columns | frozenset(item.column for item in plan.query.group_by)) & singles_out(view.contract))
    if met or plan.spatial:
        raise NotAllowed(
            f"{met[0] if met else 'The place'} tells people apart, and of {view.dataset} only statistics are open.",
            todo="Use columns that many people share.",
        )


def _alone(plan: Plan, view: View) -> None:
    """Raises NotAllowed for groups by a sensitive column and another one, which would tell the sensitive value of
    whoever is known by the other."""
    names = _cut_by(plan)
    declared = {item.name for item in view.contract.properties if item.privacy_role == "sensitive"}
    met = sorted(names & declared)
    if met and len(names) > 1:
        raise NotAllowed(
            f"{met[0]} is sensitive, and the statistics of {view.dataset} do not tell it of groups of people.",
            todo=f"Ask for it by itself, or for count, sum or avg of it by other columns; leave {met[0]} out of the "
            "groups and the filter otherwise.",
        )


def _cut_by(plan: Plan) -> frozenset[str]:
    """Columns whose values choose who is counted: groups and filter, not what is added up."""
    named = {name for part in plan.conditions for name in part.columns}
    return frozenset(named | {item.column for item in plan.query.group_by})


class Tally(Answer):
    """Figures about groups that may be told. ``secret``: from which the keys of persons are derived."""

    rule: Rule
    secret: bytes

    @classmethod
    def over(cls, answer: Answer, rule: Rule, secret: bytes, newest: int) -> Tally:
        """Raises NotAllowed for a plan that singles people out, and for versions before ``newest``: two of them could
        be subtracted."""
        view = answer.view
        if view.version.number != newest:
            raise NotAllowed(f"Statistics are given of the newest version of {view.dataset}.", todo="Leave as_of out.")
        judged(answer.plan, view)
        _alone(answer.plan, view)
        made = cls(answer.view, answer.plan, answer._lake, answer._cache, answer._after, answer._attend)
        made.rule, made.secret = rule, secret
        made._shared()
        made._digest.update(f"\0statistics {rule}".encode())  # never the body of who reads everything
        return made

    def _shared(self) -> None:
        """Raises NotAllowed for groups by what nearly each person has a value of its own in."""
        fields = self.view.scope.fields
        keys = {item.key: item.column or item.name for item in self.plan.outputs if item.group}
        keys |= {quote(name): name for part in self.plan.conditions for name in part.columns if name in fields}
        for key, name in sorted(keys.items()):
            number = key == quote(name) and fields[name].kind in (Kind.INTEGER, Kind.NUMBER)
            values, people = self._different(key)
            if statistics.near_unique(values, people, number):
                raise NotAllowed(
                    f"{name} has so many different values that they tell people apart, and of {self.view.dataset} only "
                    "statistics are open.",
                    todo="Use columns that many people share; of this one ask for sum or avg.",
                )

    def _different(self, key: str) -> tuple[int, int]:
        """How many values an expression has over the whole version, and how many persons there are."""
        stored = self.view.stored
        told = (stored.dataset, stored.number, stored.checksum, self.view.identity, key)
        found = _DIFFERENT.get(told)
        if found is None:
            relation = self._lake.relation(self.version)
            sql = f"SELECT count(DISTINCT {key}), count(DISTINCT {person(self.view)}) FROM {relation.sql}"
            with self._lake.engine.execute(sql, relation.params) as held:
                ((values, people),) = held.fetchall()
            found = (int(values), int(people))
            if len(_DIFFERENT) >= MOST_REMEMBERED:
                _DIFFERENT.clear()
            _DIFFERENT[told] = found
        return found

    @cached_property
    def table(self) -> pa.Table:
        """What may be told, one row a group; columns ``v0``, ``v1``, ... are the plan's outputs before their form."""
        import pyarrow as pa

        from arengo.privacy import figures

        held = self._groups()
        groups = [item for item in self.plan.outputs if item.group]
        names = [f"v{number}" for number in range(len(self.plan.outputs))]
        people = self._figures(held, "people", True)
        hidden = figures.few(people, self.rule)
        if self.rule.method == SUPPRESS and groups:
            keys = list(zip(*(held.column(name).to_pylist() for name in names[: len(groups)]), strict=True))
            more = statistics.complement(keys, people.people.tolist(), hidden.tolist(), self.rule.threshold)
            hidden = hidden | more
        if self.rule.differencing and not hidden.all():
            cells = held.column("cell").to_pylist()
            Questions(self).admit([cell for cell, gone in zip(cells, hidden, strict=True) if gone])
        columns: list[Any] = [held.column(name) for name in names[: len(groups)]]
        wanted = self.query.aggregates or (Aggregate("count"),)
        for item, output in zip(wanted, self.plan.outputs[len(groups) :], strict=True):
            values = self._told(held, item, people)
            whole = output.kind is Kind.INTEGER
            told = [None if gone else statistics.told(value, whole) for value, gone in zip(values, hidden, strict=True)]
            columns.append(pa.array(told, pa.int64() if whole else pa.float64()))
        made = pa.table(dict(zip(names, columns, strict=True)))
        return made.filter(pa.array(~hidden)) if groups else made

    def _told(self, held: pa.Table, item: Aggregate, people: Figures) -> Any:
        import numpy as np

        from arengo.privacy import figures

        if not item.column:
            return figures.shown(self._figures(held, "rows", True), self.rule)
        at = self._summed.index(item.column)
        known = self._figures(held, f"c{at}", True)
        number = figures.shown(known, self.rule)
        if item.function != "count":
            total = figures.shown(self._figures(held, f"s{at}", False), self.rule)
            with np.errstate(invalid="ignore", divide="ignore"):
                number = np.where(np.isnan(number), np.nan, total if item.function == "sum" else total / number)
        if self.rule.method == SUPPRESS:  # who has no value there would be told by the difference
            unknown = people.people - known.people
            number = np.where((unknown > 0) & (unknown < self.rule.threshold), np.nan, number)
        return number

    @cached_property
    def _summed(self) -> list[str]:
        return list(dict.fromkeys(item.column for item in self.query.aggregates if item.column))

    def _figures(self, held: pa.Table, name: str, counts: bool) -> Figures:
        import numpy as np

        from arengo.privacy.figures import Figures

        def column(part: str, kind: Any) -> Any:
            found = held.column(f"{name}_{part}").to_numpy(zero_copy_only=False)
            return np.nan_to_num(found.astype(float), nan=0.0).astype(kind) if part != "v" else found.astype(float)

        return Figures(
            column("v", float), column("n", np.int64), column("k", np.uint64), column("a", float), column("b", float),
            counts,
        )  # fmt: skip

    def _groups(self) -> pa.Table:
        relation = self._relation()
        where, params = self.plan.where(self._search())
        groups = [(f"v{number}", item.key) for number, item in enumerate(self.plan.outputs) if item.group]
        keys = "".join(f"{key} AS {alias}, " for alias, key in groups)
        aliases = "".join(f"{alias}, " for alias, _ in groups)
        inner, alone, outer = list[str](), list[str](), list[str]()
        for at, name in enumerate(self._summed):
            number = quote(name) if self.view.scope.fields[name].kind in (Kind.INTEGER, Kind.NUMBER) else "NULL"
            inner += [f"count({quote(name)}) AS c{at}", f"coalesce(sum(CAST({number} AS DOUBLE)), 0) AS s{at}"]
            alone += [
                f"CAST({quote(name)} IS NOT NULL AS BIGINT) AS c{at}", f"coalesce(CAST({number} AS DOUBLE), 0) AS s{at}"
            ]  # fmt: skip
            # A sum of ones and zeros counts those with a one: the others take no part in it.
            outer += [_figure(f"c{at}", f"c{at}", f"c{at} > 0"), _figure(f"s{at}", f"s{at}", f"s{at} <> 0")]
        outer = [_figure("people", "1", "true"), _figure("rows", "r", "true"), *outer]
        cell = _row([alias for alias, _ in groups])
        mark = f"md5_number_lower(? || {content(self.view)}) % {KEYS}"
        if _named(self.view):
            listed = ", ".join([f"{person(self.view)} AS p", f"any_value({mark}) AS k", "count(*) AS r", *inner])
            each = f"SELECT {keys}{listed} FROM {relation.sql}{where} GROUP BY {aliases}p"
        else:  # each row is somebody of its own
            listed = ", ".join([f"{mark} AS k", "1 AS r", *alone])
            each = f"SELECT {keys}{listed} FROM {relation.sql}{where}"
        sql = f"SELECT {aliases}{cell} AS cell, {', '.join(outer)} FROM ({each})" + (
            f" GROUP BY {aliases[:-2]}" if groups else ""
        )
        key = masks.derive(self.secret, "statistics", self.view.dataset).hex()
        values = (key, *relation.params, *params)
        stored = self.view.stored
        known = (stored.dataset, stored.number, stored.checksum, self.view.identity, sql, repr(values))
        with _HOLDING:
            held = _HELD.get(known)
            if held is not None:
                _HELD.move_to_end(known)
                return held
        with self._lake.engine.execute(sql, values) as found:
            table = found.fetch_arrow_table() if not hasattr(found, "to_arrow_table") else found.to_arrow_table()
        if table.num_rows > MOST_GROUPS:
            raise BadQuery(f"The answer has more than {MOST_GROUPS:,} groups.", todo="Group by fewer columns.")
        if groups:  # the engine's threads finish in any order
            table = table.sort_by([(alias, "ascending") for alias, _ in groups])
        if table.num_rows <= HELD_GROUPS:
            with _HOLDING:
                _HELD[known] = table
                if len(_HELD) > MOST_HELD:
                    _HELD.popitem(last=False)
        return table

    # ---- pages of it, by the plan every answer has ---------------------------------------------------------------

    def _page(
        self, outputs: Sequence[str], extra: Sequence[str], shown: Sequence[Output] | None = None
    ) -> list[tuple[Any, ...]]:
        limit = self.query.limit
        statement = self.plan.select(
            "", found=(), after=self._after, limit=None if limit is None else limit + 1, outputs=outputs, shown=shown,
            extra=extra, source="protected AS g",
        )  # fmt: skip
        with self._own() as connection:
            rows: list[tuple[Any, ...]] = connection.execute(statement.sql, list(statement.params)).fetchall()
        self._next, self._rows, self._subjects = "", len(rows), ()
        if limit is not None and len(rows) > limit:
            del rows[limit:]
            if statement.cursor:
                values = rows[-1][-statement.cursor :]
                self._next = cursors.write(self.query, self.view.version.number, self.view.identity, values)
        return rows

    def _stream(
        self, outputs: Sequence[str], extra: Sequence[str], shown: Sequence[Output], rows: int, seconds: float
    ) -> Iterator[pa.RecordBatch]:
        statement = self.plan.select(
            "", found=(), after=self._after, limit=self.query.limit, outputs=outputs, shown=shown, extra=extra,
            source="protected AS g",
        )  # fmt: skip
        keep = list(range(len(outputs) + len(extra)))
        with self._own() as connection:
            for batch in connection.execute(statement.sql, list(statement.params)).to_arrow_reader(rows):
                yield batch.select(keep)

    def _own(self) -> Any:
        """An engine that holds what may be told and nothing else."""
        import duckdb

        connection = duckdb.connect(config={"threads": "1", "enable_external_access": "false"})
        connection.register("protected", self.table)
        return connection

    def _count(self) -> int:
        return int(self.table.num_rows)


def person(view: View) -> str:
    """SQL of who a row is about; every row is somebody of its own where nobody says."""
    return _who(view, f"'row ' || CAST({ROW} AS VARCHAR)")


def content(view: View) -> str:
    """SQL of what the noise of a row depends on: who it is about, else what it says.

    Never where it stands: other rows before it would draw all noise anew, and the mean of many versions is the truth.
    Nor keys, for the same reason: they may be numbered anew. Rows that say the same have the same key, which is right,
    since no group holds one of them without the other.
    """
    held = {item.name for item in view.contract.properties if item.key_position >= 0 or item.unique}
    names = sorted(item.name for item in view.version.schema if not item.name.startswith("_"))
    said = [quote(name) for name in names if name not in held] or [quote(name) for name in names]
    return _who(view, f"'says ' || md5(CAST(row({', '.join(said)}) AS VARCHAR))")


def _named(view: View) -> bool:
    """Whether the rows tell whom they are about."""
    item = subject_of(view.contract)
    return item is not None and any(column.name == item.name for column in view.stored.schema) and view.cut is None


def _who(view: View, otherwise: str) -> str:
    item = subject_of(view.contract)
    if item is None or not _named(view):
        return otherwise
    return f"coalesce(CAST({quote(item.name)} AS VARCHAR), {otherwise})"


def _figure(name: str, value: str, who: str) -> str:
    """The parts of :class:`Figures` over the rows of persons."""
    return (
        f"coalesce(sum({value}), 0)::DOUBLE AS {name}_v, count(*) FILTER (WHERE {who}) AS {name}_n, "
        f"CAST(coalesce(sum(k) FILTER (WHERE {who}), 0) % {KEYS} AS UBIGINT) AS {name}_k, "
        f"coalesce(max(abs({value})), 0)::DOUBLE AS {name}_a, coalesce(max(abs({value}), 2)[2], 0)::DOUBLE AS {name}_b"
    )


class Questions:
    """What was answered over one version, in the state database: with exact figures, whoever asks again a little
    differently could subtract.

    A question whose groups differ from those of an earlier one by a group of some, but fewer than the threshold, is
    refused; so is a new one when too many are kept to compare. That a question is refused tells by itself that the
    difference is small and not empty (Kenthapadi, Mishra, Nissim: *Simulatable auditing*, PODS 2005); decision 0206.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lake: Lake = tally._lake

    def admit(self, hidden: Sequence[str]) -> None:
        """Keep the question, or raise NotAllowed. The same question is admitted whenever it was once.

        ``hidden``: its groups that are not told.
        """
        tally, version = self._tally, self._tally.view.version
        body = _body(tally.query)
        digest = hashlib.sha256(body).hexdigest()[:32]
        mine = (question.c.dataset == version.dataset) & (question.c.version == version.number)
        with self._lake.state.hold(f"statistics {version.dataset}", wait=WAIT):
            with self._lake.state.read() as connection:
                query = sa.select(question.c.digest, question.c.body).where(mine).order_by(question.c.n)
                kept = [(row.digest, row.body) for row in connection.execute(query)]
            if any(held == digest for held, _ in kept):
                return
            if len(kept) >= MOST_KEPT:
                raise NotAllowed(
                    f"{MOST_KEPT} different questions about {version.dataset} were answered, and one more cannot be "
                    "compared with all of them.",
                    todo="Ask one that was answered, or after the next publication.",
                )
            everybody = Query(version.dataset, aggregates=(Aggregate("count"),))
            self._compare(everybody, hidden, ())
            for _, text in kept:
                told = orjson.loads(text)
                self._compare(_query(told), hidden, told["hidden"])
            with self._lake.state.write() as connection:
                connection.execute(sa.insert(question).values(
                    dataset=version.dataset, version=version.number, digest=digest, n=len(kept) + 1,
                    at=datetime.now(UTC), body=orjson.dumps({**orjson.loads(body), "hidden": hidden}).decode(),
                ))  # fmt: skip

    def _compare(self, earlier: Query, hidden: Sequence[str], before: Sequence[str]) -> None:
        tally = self._tally
        other = prepare(replace(earlier, dataset=tally.view.dataset), tally.view.scope)
        one, first = _cell(tally.plan)
        two, second = _cell(other)
        relation = self._lake.relation(tally.version)
        sql = (
            f"SELECT a, b, count(*) FROM (SELECT DISTINCT {person(tally.view)} AS p, {one} AS a, {two} AS b "
            f"FROM {relation.sql}) WHERE a IS NOT NULL OR b IS NOT NULL GROUP BY a, b"
        )
        with self._lake.engine.execute(sql, (*first, *second, *relation.params)) as found:
            rows = found.fetchall()
        gone, untold = frozenset(hidden), frozenset(before)
        overlap: dict[tuple[str | None, str | None], int] = {}
        for one_cell, other_cell, count in rows:
            pair = (None if one_cell in gone else one_cell, None if other_cell in untold else other_cell)
            overlap[pair] = overlap.get(pair, 0) + int(count)
        if statistics.differs(overlap, tally.rule.threshold):
            raise NotAllowed(
                f"The answer would differ from one already given by fewer than {tally.rule.threshold} people.",
                todo="Ask for larger groups, or for groups that were asked before.",
            )


def _cell(plan: Plan) -> tuple[str, tuple[Any, ...]]:
    """SQL of the group a row falls into, NULL for none."""
    where, params = plan.where(())
    keys = [item.key for item in plan.outputs if item.group]
    cell = _row(keys)
    condition = where.removeprefix(" WHERE ")
    return (f"CASE WHEN {condition} THEN {cell} END", params) if condition else (cell, ())


def _row(keys: Sequence[str]) -> str:
    return f"CAST(row({', '.join(keys)}) AS VARCHAR)" if keys else "''"


def _body(query: Query) -> bytes:
    """The groups a question asks for; which figures of them does not matter."""
    told = {"filter": query.filter, "group_by": sorted((asdict(item) for item in query.group_by), key=str),
            "datetime": query.datetime}  # fmt: skip
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


def _query(told: Mapping[str, Any]) -> Query:
    return Query(
        "", filter=told["filter"], group_by=tuple(Group(**item) for item in told["group_by"]),
        aggregates=(Aggregate("count"),), datetime=told["datetime"],
    )  # fmt: skip
