"""Which columns name a row. A key is claimed where every row was checked, or many and its name says so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from arengo.contract.draft.column import Column
from arengo.contract.draft.words import concepts, words
from arengo.contract.model import Kind
from arengo.contract.sample import Sample

_KINDS = (Kind.STRING, Kind.INTEGER, Kind.DATE, Kind.TIMESTAMP)
_MOST = 5


def find(sample: Sample, columns: Sequence[Column], whole: bool) -> tuple[tuple[str, ...], str]:
    """Names (of the source) of the key's columns and a doubt, ((), '') when there is none to claim."""
    if sample.keys:
        return tuple(sample.keys), ""
    rows = len(sample.columns[0].values) if sample.columns else 0
    if rows < 2:
        return (), ""
    checked = dict(sample.extra.get("unique", {}) or {})
    single = []
    for column in columns:
        if column.kind not in _KINDS or column.blank or column.nulls or column.personal in ("email", "phone", "iban"):
            continue
        values = sample.columns[column.index].values
        alike = len({(text or "").strip() for text in values}) == len(values)
        column.unique = alike and (whole or bool(checked.get(column.name)))
        if not alike or (not whole and checked.get(column.name) is False):
            continue
        score = _score(column)
        if score <= 0:
            continue
        if column.unique and (rows >= 10 or score >= 3):
            single.append((score, -column.index, column, ""))
        elif not whole and column.name not in checked and score >= 3 and rows >= 1000:
            doubt = f"All {rows:,} sampled values differ; the rest was not compared."
            single.append((score - 1, -column.index, column, doubt))
    if single and max(item[0] for item in single) < 3 and whole and rows >= 20:
        several = _several(sample, columns)  # two codes name a row better than one text does
        if several:
            return several, ""
    if single:
        _, _, column, doubt = max(single, key=lambda item: item[:2])
        return (column.name,), doubt
    if whole and rows >= 20:
        return _several(sample, columns), ""
    return (), ""


def _score(column: Column) -> int:
    """How much a column looks like the name of a row."""
    known = concepts(column.name)
    longest = max(map(len, column.weights), default=0)
    if longest > 80 or column.geometry_format:
        return 0
    if "id" in known or {"id", "uuid", "guid", "gid", "fid", "objectid", "key", "pk"} & set(words(column.name)):
        return 6 if column.index == 0 or words(column.name) in (("id",), ("objectid",), ("uuid",), ("gid",)) else 5
    if "code" in known or "official_code" in known:
        return 4
    if known & {"order"} and column.kind is Kind.INTEGER:
        return 3
    if (
        column.index == 0
        and column.kind in (Kind.STRING, Kind.INTEGER)
        and not known & {"count", "year", "date", "flag"}
    ):
        return 3 if column.kind is Kind.INTEGER or column.name.startswith("column_") else 2
    if column.kind is Kind.TIMESTAMP and column.index == 0:
        return 2
    return 0


def _several(sample: Sample, columns: Sequence[Column]) -> tuple[str, ...]:
    """The fewest columns of codes, dates and short words whose values together differ in every row."""
    rows = len(sample.columns[0].values)
    measured = any(c.kind in (Kind.INTEGER, Kind.NUMBER) and "count" in concepts(c.name) for c in columns)
    usable = [
        column
        for column in columns
        if column.kind in (*_KINDS, Kind.TIME)
        and not column.blank
        and not column.nulls
        and not column.suppressed
        and column.distinct > 1
        and not column.geometry_format
        and max(map(len, column.weights), default=0) <= 60
        and column.personal in ("", "person-id")
        and (column.kind in (Kind.DATE, Kind.TIMESTAMP) or column.distinct <= max(3, 0.7 * rows))
        and (
            column.kind is not Kind.INTEGER
            or _dimension(column)
            or (measured and column.distinct <= 0.2 * rows and not concepts(column.name) & {"count", "age", "income"})
        )
    ]
    usable = sorted(usable, key=lambda column: (not _coded(column), "order" in concepts(column.name), column.index))[
        :12
    ]
    data = {column.name: [(text or "").strip() for text in sample.columns[column.index].values] for column in usable}
    names = list(data)

    def differ(chosen: Sequence[str]) -> bool:
        return len(set(zip(*(data[name] for name in chosen), strict=True))) == rows

    if len(names) < 2 or not differ(names):
        return ()
    for size in (2, 3):
        for chosen in combinations(names[:10], size):
            if differ(chosen) and any(_coded(column) for column in usable if column.name in chosen):
                return _calendar(chosen, columns)
    kept = list(names)
    for name in reversed(names):
        fewer = [other for other in kept if other != name]
        if len(fewer) >= 2 and differ(fewer):
            kept = fewer
    if len(kept) > _MOST:
        return ()
    return _calendar(kept, columns)


def _calendar(chosen: Sequence[str], columns: Sequence[Column]) -> tuple[str, ...]:
    """The key in the order of the table; a day or month takes its month and year with it, even when there is one."""
    names = set(chosen)
    parts = [
        c for c in columns if c.kind is Kind.INTEGER and concepts(c.name) & {"year", "month", "date"} and not c.blank
    ]
    if names & {c.name for c in parts if "year" not in concepts(c.name)}:
        names |= {c.name for c in parts if concepts(c.name) & {"year", "month"}}
    return tuple(column.name for column in columns if column.name in names)


def _dimension(column: Column) -> bool:
    """A whole number that says which, not how much."""
    known = concepts(column.name)
    if known & {"count", "age", "income", "elevation"}:
        return False
    return bool(
        known
        & {"code", "id", "year", "month", "hour", "date", "order", "quarter", "official_code", "house_number", "sex"}
    )


def _coded(column: Column) -> bool:
    known = concepts(column.name)
    return bool(
        known & {"code", "id", "year", "month", "date", "order", "official_code", "hour", "quarter"}
    ) or column.kind in (
        Kind.DATE,
        Kind.TIMESTAMP,
    )
