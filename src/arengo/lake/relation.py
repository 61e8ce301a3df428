"""How one version is read: a piece of SQL to stand after FROM, from its Parquet files or a clustered copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from arengo.contract.model import Kind
from arengo.lake.layout import BOX, ROW, SIDES, Layout, of, quote, text
from arengo.lake.version import Column, Version

BOX_COLUMNS = tuple(f"_{side}" for side in SIDES)


@dataclass(frozen=True, slots=True)
class Access:
    """What a query is going to do, so that the best clustered copy is read.

    ``equals``: columns compared for equality. ``order``: columns of the ORDER BY, ``-`` prefix for descending.
    ``box``, ``time``: whether a bounding box or a range of the time column narrows it. ``columns``: those read.
    """

    equals: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()
    box: bool = False
    time: bool = False
    columns: frozenset[str] = frozenset()


ANY = Access()


@dataclass(frozen=True, slots=True)
class Relation:
    """``sql`` stands after FROM and yields the contract's columns, ``_row`` and, for stored geometry, the box columns.

    ``params`` are bound where ``sql`` stands (empty today). ``layout`` names what is read: ``parquet``, ``clean`` or
    a clustered copy. ``order``: what a clustered copy is sorted by (``-`` prefix for descending, unknown values
    last, then ``_row``); None when a plain scan promises no order.
    """

    sql: str
    params: tuple[object, ...] = ()
    layout: str = "parquet"
    order: tuple[str, ...] | None = None


def parquet(version: Version, today: Version | None = None) -> str:
    """SQL over a version's own files, under its own column names or under those of ``today``.

    Files are read by the names they were written with, grouped by schema, and each column is found by its field
    id. (DuckDB's own ``schema => MAP`` reading by field id does the same but skips no row groups: 13 ms against
    2 ms for a box query, decision 0041.)
    """
    layout = of(version)
    target = today.schema if today is not None else version.schema
    own = {column.field_id: column for column in version.schema}
    by_name = {column.name: column for column in version.schema}
    wanted = [(column, own.get(column.field_id) or by_name.get(column.name)) for column in target]
    groups = file_groups(version)
    if not groups:
        return f"({_empty(layout, [column for column, _ in wanted])})"
    parts = []
    for names, paths in groups:
        select = [_column(column, was, names) for column, was in wanted]
        select.append(quote(ROW))
        if layout.box:
            select += [f'{quote(BOX)}.{side} AS "_{side}"' for side in SIDES]
        listed = ", ".join(text(path) for path in paths)
        parts.append(f"SELECT {', '.join(select)} FROM read_parquet([{listed}])")
    return f"({' UNION ALL '.join(parts)})"


def file_groups(version: Version) -> list[tuple[dict[int, str], list[str]]]:
    """(field id -> name in the file, paths) of files that were written with the same schema."""
    schemas = version.extra.get("file_schemas")
    paths = [file.path for file in version.files]
    if not schemas:
        return [({c.field_id: c.name for c in version.schema}, paths)] if paths else []
    out: list[tuple[dict[int, str], list[str]]] = [({int(i): n for i, n in fields}, []) for fields in schemas]
    for path, which in zip(paths, version.extra["file_schema"], strict=True):
        out[which][1].append(path)
    return [group for group in out if group[1]]


def _column(column: Column, was: Column | None, names: dict[int, str]) -> str:
    name = names.get(was.field_id) if was is not None else None
    if was is None or name is None:
        return f"NULL::{column.kind.duckdb} AS {quote(column.name)}"
    if was.kind.duckdb != column.kind.duckdb:
        return f"{cast(quote(name), was.kind, column.kind)} AS {quote(column.name)}"
    return quote(name) if name == column.name else f"{quote(name)} AS {quote(column.name)}"


def cast(sql: str, was: Kind, now: Kind) -> str:
    """An old value under today's type; NULL where it has no such reading."""
    if Kind.GEOMETRY in (was, now):
        return f"NULL::{now.duckdb}"
    return f"TRY_CAST({sql} AS {now.duckdb})"


def _empty(layout: Layout, columns: Sequence[Column]) -> str:
    parts = [f"NULL::{column.kind.duckdb} AS {quote(column.name)}" for column in columns]
    parts.append(f"NULL::BIGINT AS {quote(ROW)}")
    if layout.box:
        parts += [f"NULL::DOUBLE AS {quote(name)}" for name in BOX_COLUMNS]
    return f"SELECT {', '.join(parts)} WHERE false"
