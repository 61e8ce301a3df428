"""Three questions to begin with, made from what the city has published: a count, a course over time, two together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Kind
from arengo.door.sql.tables import SqlTable, written
from arengo.errors import ArengoError
from arengo.portal.cells import coded, spoken
from arengo.portal.workbench_state import Cell, Notebook

if TYPE_CHECKING:
    from arengo.portal.visit import Visit

LOOKED_AT = 60
"""Datasets looked at, by id."""
_FEW = (2, 40)


@dataclass(frozen=True, slots=True)
class Example:
    title: str
    sql: str
    address: str


@dataclass(frozen=True, slots=True)
class _Known:
    table: SqlTable
    profile: Mapping[str, Any]

    @property
    def rows(self) -> int:
        return self.table.view.version.rows

    def about(self, column: str) -> Mapping[str, Any]:
        found = self.profile.get("columns", {}).get(column, {})
        return found if isinstance(found, Mapping) else {}


_held: dict[tuple[str, int, str], tuple[Example, ...]] = {}


def examples(visit: Visit) -> tuple[Example, ...]:
    """Up to three; none in an empty city."""
    key = (str(visit.settings.root), visit.site.catalogue.generation, visit.language)
    found = _held.get(key)
    if found is None:
        if len(_held) > 64:
            _held.clear()
        found = _held[key] = tuple(_made(visit))
    return found


def _made(visit: Visit) -> list[Example]:
    known = []
    for table in visit.door.sql_tables(limit=LOOKED_AT):
        try:
            known.append(_Known(table, visit.door.profile(table.dataset)))
        except ArengoError:
            continue
    known.sort(key=lambda item: -item.rows)
    out: list[Example] = []
    used: set[str] = set()
    for make in (_joined, _over_time, _chosen, _counted, _looked):
        for item in known:
            if len(out) < 3 and item.table.dataset not in used:
                example = make(visit, item, known)
                if example is not None:
                    out.append(example)
                    used.add(item.table.dataset)
                    break
    return out


def _example(title: str, sql: str, show: str, values: Mapping[str, str] | None = None) -> Example:
    return Example(title, sql, Notebook((Cell("sql", sql, show),), values or {}).address)


def _label(visit: Visit, item: _Known, column: str) -> str:
    contract = item.table.view.contract
    declared = contract.column(column)
    return spoken(contract, declared, visit.language)[0] if declared else column


def _categories(item: _Known) -> list[str]:
    """Columns of few values that are names, the first ones first."""
    out = []
    for column in item.table.view.columns:
        distinct = item.about(column.name).get("distinct")
        if column.kind is Kind.STRING and isinstance(distinct, int) and _FEW[0] <= distinct <= _FEW[1]:
            out.append(column.name)
    return out


def _title(visit: Visit, item: _Known) -> str:
    return item.table.view.contract.title(visit.language)


def _joined(visit: Visit, item: _Known, known: list[_Known]) -> Example | None:
    """Counts of one dataset with the names and the size of another whose key it holds."""
    for column in _categories(item):
        values = _values(item, column)
        for other in known:
            keys = other.table.view.version.key
            if other is item or len(keys) != 1 or not values or other.rows > 500:
                continue
            key = other.table.view.column(keys[0])
            if key.kind is not Kind.STRING or column not in (key.name, other.table.dataset.rstrip("s"), _one(other)):
                continue
            number = next(
                (
                    part.name
                    for part in other.table.view.columns
                    if part.kind is Kind.INTEGER and not coded(part.name) and _large(other, part.name)
                ),
                "",
            )
            if not number:
                continue
            name = next((part.name for part in other.table.view.columns if part.name in ("name", "title")), key.name)
            sql = (
                f"SELECT b.{plain_name(name)}, count(*) AS n,\n"
                f"       round(1000.0 * count(*) / b.{plain_name(number)}, 2) AS rate\n"
                f"FROM {item.table.name} a\n"
                f"JOIN {other.table.name} b ON b.{plain_name(key.name)} = a.{plain_name(column)}\n"
                f"GROUP BY b.{plain_name(name)}, b.{plain_name(number)}\nORDER BY rate DESC"
            )
            title = visit._(
                "%(first)s for a thousand of “%(number)s” in %(second)s",
                first=_title(visit, item),
                number=_label(visit, other, number),
                second=_title(visit, other),
            )
            try:
                if visit.door.sql(sql, limit=1).returned:
                    return _example(title, sql, "table")
            except ArengoError:
                continue
    return None


def _large(item: _Known, column: str) -> bool:
    """Whether a rate by thousands of it makes sense: counted things, not a year or a size."""
    low, high = item.about(column).get("min"), item.about(column).get("max")
    return isinstance(low, int) and isinstance(high, int) and low > 0 and high >= 3000


def _one(item: _Known) -> str:
    """districts -> district."""
    name = item.table.dataset.replace("-", "_")
    return name[:-1] if name.endswith("s") else name


def _over_time(visit: Visit, item: _Known, known: list[_Known]) -> Example | None:
    time = (item.profile.get("time") or {}).get("column")
    if not time or item.rows < 100:
        return None
    about = item.about(time)
    low, high = str(about.get("min", ""))[:10], str(about.get("max", ""))[:10]
    if not low or not high or _months(low, high) < 6:
        return None
    sql = (
        f"SELECT CAST(date_trunc('month', {plain_name(time)}) AS DATE) AS month, count(*) AS n\n"
        f"FROM {item.table.name}\nWHERE {plain_name(time)} IS NOT NULL\nGROUP BY month\nORDER BY month"
    )
    return _example(visit._("%(title)s, month by month", title=_title(visit, item)), sql, "lines")


def _months(low: str, high: str) -> int:
    try:
        return (int(high[:4]) - int(low[:4])) * 12 + int(high[5:7]) - int(low[5:7])
    except ValueError:
        return 0


def _chosen(visit: Visit, item: _Known, known: list[_Known]) -> Example | None:
    """A question with a value to fill in."""
    names = _categories(item)
    if len(names) < 2:
        return None
    by, chosen = names[0], names[1]
    values = _values(item, chosen)
    if not values:
        return None
    sql = (
        f"SELECT {plain_name(by)}, count(*) AS n\nFROM {item.table.name}\n"
        f"WHERE {plain_name(chosen)} = ${_parameter(chosen)}\nGROUP BY {plain_name(by)}\nORDER BY n DESC"
    )
    title = visit._(
        "%(title)s by “%(by)s”, for one “%(chosen)s” of your choice",
        title=_title(visit, item),
        by=_label(visit, item, by),
        chosen=_label(visit, item, chosen),
    )
    return _example(title, sql, "bars", {_parameter(chosen): values[0]})


def _counted(visit: Visit, item: _Known, known: list[_Known]) -> Example | None:
    names = _categories(item)
    if not names:
        return None
    by = plain_name(names[0])
    sql = f"SELECT {by}, count(*) AS n\nFROM {item.table.name}\nGROUP BY {by}\nORDER BY n DESC"
    title = visit._("%(title)s by “%(by)s”", title=_title(visit, item), by=_label(visit, item, names[0]))
    return _example(title, sql, "bars")


def _looked(visit: Visit, item: _Known, known: list[_Known]) -> Example | None:
    sql = f"SELECT *\nFROM {item.table.name}\nLIMIT 20"
    return _example(visit._("The first rows of %(title)s", title=_title(visit, item)), sql, "table")


def _values(item: _Known, column: str) -> list[str]:
    top = item.about(column).get("top") or []
    return [str(part["value"]) for part in top if isinstance(part, Mapping) and part.get("value") not in (None, "")]


def plain_name(name: str) -> str:
    """A column as a question may write it; the same rule as for tables, but a hyphen stays."""
    plain = written(name)
    return plain if plain == name else '"' + name.replace('"', '""') + '"'


def _parameter(name: str) -> str:
    made = "".join(mark if mark.isascii() and (mark.isalnum() or mark == "_") else "_" for mark in name)
    return made if made[:1].isalpha() else f"value_{made}"
