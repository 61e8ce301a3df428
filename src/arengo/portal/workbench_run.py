"""The cells of the workbench, run: a table each, a chart where one was asked, or what was wrong and where."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup

from arengo.contract.model import Kind
from arengo.errors import ArengoError, BadSql, CallerError, OperatorError
from arengo.portal.cells import Cell as Value
from arengo.portal.cells import Head, Writer, coded, yearly
from arengo.portal.charts import NARROW, WIDE, Chart, Plot, Series, bars, lines
from arengo.portal.workbench_state import Cell, Notebook

if TYPE_CHECKING:
    from arengo.door import SqlAnswer
    from arengo.portal.visit import Visit

SHOWN = 100
"""Rows of a table on the page."""
READ = 2000
"""Rows a chart may be made of."""
_LINES = 4
_FORMATS = ("csv", "json", "parquet")


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset a cell read."""

    dataset: str
    title: str
    version: int


@dataclass(frozen=True, slots=True)
class Result:
    """``problem``: what was met and what to do, with ``excerpt`` showing where. ``takes``: (format, address)."""

    heads: tuple[Head, ...] = ()
    rows: tuple[Sequence[Value], ...] = ()
    returned: int = 0
    more: bool = False
    chart: Chart | None = None
    remark: str = ""
    tables: tuple[Table, ...] = ()
    takes: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    todo: str = ""
    excerpt: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A cell judged and not run yet. ``missing``: parameters without a value."""

    cell: Cell
    answer: SqlAnswer | None = None
    error: ArengoError | None = None
    missing: tuple[str, ...] = ()


def parameters(visit: Visit, notebook: Notebook) -> tuple[str, ...]:
    """Names of the parameters in the order the cells name them."""
    found: dict[str, None] = {}
    for cell in notebook.cells:
        if cell.kind == "sql" and cell.text.strip():
            try:
                found.update(dict.fromkeys(visit.door.judged(cell.text).parameters))
            except ArengoError:
                continue  # the cell itself says it
    return tuple(found)


def ask(visit: Visit, notebook: Notebook, cell: Cell) -> Asked:
    """Judge one SQL cell."""
    try:
        wanted = visit.door.judged(cell.text).parameters
        missing = tuple(name for name in wanted if not notebook.values.get(name))
        if missing:
            return Asked(cell, missing=missing)
        values = {name: notebook.values[name] for name in wanted}
        return Asked(cell, visit.door.sql(cell.text, values, limit=READ, as_of=notebook.as_of))
    except ArengoError as error:
        return Asked(cell, error=error)


def run(visit: Visit, notebook: Notebook, asked: Asked) -> Result:
    """The result of a judged cell."""
    _ = visit._
    if asked.missing:
        names = ", ".join(f"${name}" for name in asked.missing)
        return Result(
            problem=_("This question waits for a value: %(names)s.", names=names), todo=_("Fill it in above.")
        )
    if asked.error is not None or asked.answer is None:
        return _problem(asked.error)
    answer = asked.answer
    try:
        rows = answer.rows()
    except (CallerError, OperatorError) as error:
        return _problem(error)
    heads = _heads(answer)
    shown = [[_value(item) for item in row] for row in rows[:SHOWN]]
    chart, remark = _chart(visit, answer, heads, rows, asked.cell.show)
    return Result(
        heads=heads,
        rows=tuple(Writer(visit.speech, heads, shown).rows(shown)),
        returned=answer.returned,
        more=answer.truncated,
        chart=chart,
        remark=remark,
        tables=_tables(visit, answer),
        takes=_takes(notebook, asked.cell),
    )


def _problem(error: ArengoError | None) -> Result:
    if error is None:
        return Result()
    where = error if isinstance(error, BadSql) else None
    met = error.met if isinstance(error, CallerError) else error.title + "."
    todo = error.todo if isinstance(error, CallerError) else ""
    return Result(problem=met, todo=todo, excerpt=where.excerpt if where else "", line=where.line if where else 0)


def _heads(answer: SqlAnswer) -> tuple[Head, ...]:
    """Headings with the names the question gave, and the unit of a column that goes through as it is."""
    known: dict[str, set[tuple[Kind, str]]] = {}
    for read in answer.reads:
        for item in read.view.columns:
            known.setdefault(item.name, set()).add((item.kind, item.unit))
    out = []
    for column in answer.columns:
        same = known.get(column.name, set())
        unit = next(iter(same))[1] if len(same) == 1 and next(iter(same))[0] is column.kind else ""
        numeric = column.kind in (Kind.INTEGER, Kind.NUMBER)
        guess = Head(column.name, column.name, unit, column.kind, numeric, False, code=True)
        code = column.kind is Kind.INTEGER and not unit and (coded(column.name) or yearly(guess))
        out.append(Head(column.name, column.name, unit, column.kind, numeric and not code, False, code=code))
    return tuple(out)


def _value(item: Any) -> Any:
    if isinstance(item, (dict, list)):
        import orjson

        return orjson.dumps(item, default=str).decode()
    return item


def _tables(visit: Visit, answer: SqlAnswer) -> tuple[Table, ...]:
    found = {(read.dataset, read.version): read.view.contract for read in answer.reads}
    return tuple(Table(name, contract.title(visit.language), number) for (name, number), contract in found.items())


def _takes(notebook: Notebook, cell: Cell) -> tuple[tuple[str, str], ...]:
    """Addresses of the whole answer; none when the question is too long for one."""
    pairs = [("q", cell.text)]
    names = set(re.findall(r"\$(\w+)", cell.text))
    pairs += [(f"p.{name}", value) for name, value in notebook.values.items() if name in names and value]
    if notebook.as_of:
        pairs.append(("as_of", notebook.as_of))
    made = [(kind, f"/api/v1/sql?{urlencode([*pairs, ('format', kind)])}") for kind in _FORMATS]
    return tuple(made) if len(made[0][1]) < 7000 else ()


# ---- charts -------------------------------------------------------------------------------------------------------


def _chart(
    visit: Visit, answer: SqlAnswer, heads: Sequence[Head], rows: Sequence[Sequence[Any]], show: str
) -> tuple[Chart | None, str]:
    """The chart asked for, or the sentence that says what it would need."""
    _ = visit._
    if show == "table" or not rows or not answer.reads:
        return None, ""
    plot = _bars(visit, heads, rows) if show == "bars" else _lines(visit, heads, rows)
    if plot is None:
        need = (
            _("Bars need a column of names and a column of numbers.")
            if show == "bars"
            else _("Lines need a column of dates, times or years and a column of numbers, in their order.")
        )
        return None, need
    place = f"{answer.reads[0].dataset}/{answer.reads[0].version}"
    drawn = []
    for width in (WIDE, NARROW):
        try:
            drawn.append(Markup(visit.site.studio.draw(plot.spec(width), visit.speech.vega(), place)))  # noqa: S704
        except OperatorError:
            drawn.append(Markup(""))
    if not drawn[0]:
        return None, _("The chart could not be drawn. The table says the same.")
    source = ", ".join(table.title for table in _tables(visit, answer))
    words = _("version %(n)s", n=answer.reads[0].version) if len({read.dataset for read in answer.reads}) == 1 else ""
    return Chart(plot.title, plot.sub, drawn[0], drawn[1], plot.heads, plot.rows, source, words), ""


def _bars(visit: Visit, heads: Sequence[Head], rows: Sequence[Sequence[Any]]) -> Plot | None:
    name = next((i for i, head in enumerate(heads) if not head.numeric), None)
    measure = next((i for i, head in enumerate(heads) if head.numeric), None)
    if name is None or measure is None:
        return None
    writer = Writer(visit.speech, heads, rows)
    pairs = [
        (visit._("no value") if row[name] is None else writer.cell(name, _value(row[name])).text, float(row[measure]))
        for row in rows
        if _finite(row[measure])
    ]
    if not pairs:
        return None
    title = visit._("%(measure)s by %(names)s", measure=heads[measure].label, names=heads[name].label)
    return bars(
        visit.speech, title, pairs, category=heads[name].label, measure=heads[measure].label, unit=heads[measure].unit
    )


def _lines(visit: Visit, heads: Sequence[Head], rows: Sequence[Sequence[Any]]) -> Plot | None:
    times = (Kind.DATE, Kind.TIMESTAMP)
    when = next((i for i, head in enumerate(heads) if head.kind in times), None)
    if when is None:
        when = next((i for i, head in enumerate(heads) if yearly(head)), None)
    measures = [i for i, head in enumerate(heads) if head.numeric and i != when][:_LINES]
    if when is None or not measures:
        return None
    split = next((i for i, head in enumerate(heads) if head.kind is Kind.STRING), None)
    series: dict[str, dict[date | datetime, float | None]] = {}
    for row in rows:
        at = _moment(row[when])
        if at is None:
            continue
        for i in measures if split is None else measures[:1]:
            key = heads[i].label if split is None else str(row[split] if row[split] is not None else "–")
            series.setdefault(key, {})[at] = float(row[i]) if _finite(row[i]) else None
    largest = sorted(series, key=lambda key: -sum(value or 0 for value in series[key].values()))[:_LINES]
    chosen = [Series(key, tuple(sorted(series[key].items()))) for key in series if key in largest]
    if not chosen:
        return None
    moments = sorted({at for item in chosen for at, _value in item.points})
    measure = heads[measures[0]] if split is not None or len(measures) == 1 else None
    label = measure.label if measure else visit._("value")
    title = visit._(
        "%(measure)s over time", measure=", ".join(heads[i].label for i in measures) if not measure else label
    )
    unit = measure.unit if measure else ""
    return lines(visit.speech, title, chosen, bucket=_bucket(moments), measure=label, unit=unit)


def _moment(value: Any) -> date | datetime | None:
    if isinstance(value, (date, datetime)):
        return value
    if isinstance(value, int) and 1000 <= value <= 2999:
        return date(value, 1, 1)
    return None


def _bucket(moments: Sequence[date | datetime]) -> str:
    """The calendar unit the moments stand at."""
    if any(isinstance(at, datetime) and (at.hour or at.minute or at.second) for at in moments):
        return "hour"
    if all(at.day == 1 for at in moments):
        if all(at.month == 1 for at in moments):
            return "year"
        return "quarter" if all(at.month in (1, 4, 7, 10) for at in moments) else "month"
    return "week" if len({at.weekday() for at in moments}) == 1 else "day"


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def values_of(notebook: Notebook, names: Sequence[str]) -> Mapping[str, str]:
    """Parameter -> its value, '' for one that waits."""
    return {name: notebook.values.get(name, "") for name in names}


def offers(visit: Visit, asked: Sequence[Asked | None], names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Parameter -> frequent values of a column of the same name in the tables asked, to choose from."""
    out: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    if not names:
        return out
    for dataset in _named(visit, asked):
        try:
            columns = visit.door.profile(dataset).get("columns", {})
        except ArengoError:
            continue
        for name in names:
            top = columns.get(name, {}).get("top") or ()
            if not out[name]:
                out[name] = tuple(str(item["value"]) for item in top if item.get("value") not in (None, ""))
    return out


def _named(visit: Visit, asked: Sequence[Asked | None]) -> list[str]:
    """Datasets the questions name, whether they wait for a value or not."""
    from arengo.door.sql.tables import known, split

    found: dict[str, None] = {}
    for item in asked:
        if item is not None and item.error is None:
            for table in visit.door.judged(item.cell.text).tables:
                dataset = known(visit.door, split(table.name)[0])
                if dataset is not None:
                    found[dataset] = None
    return list(found)
