"""From the table as it was read to the table as it is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.contract.model import EMPTY, Contract, Kind, Property
from arengo.lake.layout import quote
from arengo.privacy.hierarchy.codes import hierarchy_of
from arengo.privacy.mask import NUMERIC
from arengo.privacy.protect import steps
from arengo.privacy.protect.rules import RULES
from arengo.privacy.protect.work import NUMBER, SUBJECT, Column, Held, Work
from arengo.quality.place import BOX, box, needs_transform

if TYPE_CHECKING:
    import duckdb

    from arengo.contract.model import Geometry
    from arengo.privacy.case import Case
    from arengo.privacy.protect.work import Ladders

SOURCE = "_source"
"""The hidden column of a staged table that numbers its rows (:data:`arengo.quality.conform.SOURCE`)."""


@dataclass(frozen=True, slots=True)
class Protected:
    """``columns``: name, kind and whether it is required, as :class:`~arengo.lake.version.Staged` wants them.
    ``suppressed``: rows withheld. ``notes``: sentences about what could not be done as written. ``blanked``: single
    values left out of rows that stayed. ``cells``: of ``suppressed``, cells of a table whose rows stayed.
    """

    columns: tuple[tuple[str, Kind, bool], ...]
    suppressed: int = 0
    notes: tuple[str, ...] = ()
    blanked: int = 0
    cells: int = 0


def protect(
    connection: duckdb.DuckDBPyConnection,
    intake: str,
    contract: Contract,
    codes: Ladders,
    *,
    secret: bytes,
    subject: str,
    into: str,
    population: str = "",
    epoch: str = "",
    number: str = "",
    beside: Callable[[str], Case] | None = None,
    whole: Callable[[str], str] | None = None,
) -> Protected:
    """Make the table ``into`` (a name) of the columns as they are stored from ``intake`` (SQL of a table or view).

    ``contract``: over the stored columns; its ``intake`` is the one over those that are read. ``subject``: SQL of the
    person's blind number over a row of ``intake``, or ''. ``number``: the column that tells the rows' order; found when
    it is not given. ``beside``, ``whole``: see :class:`~arengo.privacy.protect.work.Work`. ``into`` gets ``_subject``
    VARCHAR, ``_number`` BIGINT (unique, the source's order unless it is shuffled) and, where the contract has a stored
    geometry, its box. Raises PolicyError for a step that does not fit.
    """
    there = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {intake}").fetchall()]
    work = Work(connection, intake, contract, codes, secret, _number(connection, intake, there, number), subject,
                population, epoch, beside=beside, whole=whole)  # fmt: skip
    if work.number == f"i.{quote(NUMBER)}" and NUMBER not in there:
        # A view without numbers: they are counted once, so that every step means the same row.
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _numbered AS SELECT row_number() OVER () AS {quote(NUMBER)}, * FROM {intake}"
        )
        work.intake = "_numbered"
    later = _later(contract)
    parts: list[str] = []
    params: list[object] = []
    columns: list[tuple[str, Kind, bool]] = []
    changed: dict[str, Held] = {}
    for stored in contract.properties:
        held = _column(work, stored)
        changed[stored.name] = held
        sql = held.sql
        if held.kind is not stored.kind and stored.name not in later:
            sql = f"CAST({sql} AS {stored.kind.duckdb})"
        parts.append(f"{sql} AS {quote(stored.name)}")
        params += held.params
        columns.append((stored.name, stored.kind, stored.required))
    place = contract.geometry
    if place is not None and place.derived and contract.column(place.column) is None:
        parts.append(f"{_point(work, place, changed)} AS {quote(place.column)}")
        columns.append((place.column, Kind.GEOMETRY, False))
    parts.append(f"CAST({subject or 'NULL'} AS VARCHAR) AS {quote(SUBJECT)}")
    parts.append(f"CAST({work.number} AS BIGINT) AS {quote(NUMBER)}")
    table = quote(into)
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT {', '.join(parts)} FROM {work.source()} ORDER BY {quote(NUMBER)}",
        params,
    )
    gone = dict.fromkeys(RULES, 0)
    told = contract.custom.get("arengoProtection", EMPTY)
    for name, rule in RULES.items():
        if told.get(name):
            gone[name] = steps.resolve(rule)(work, table, told[name])
    if place is not None and place.stored:
        _box(work, table, place)
    return Protected(tuple(columns), sum(gone.values()), tuple(work.notes), work.blanked, gone["cells"])


def _column(work: Work, stored: Property) -> Held:
    read = work.contract.as_read().column(stored.name) or stored
    column = Column(read, stored, hierarchy_of(read), str(read.custom.get("arengoLevel", "") or ""))
    return steps.take(work, column, work.original(read.name))


def _later(contract: Contract) -> frozenset[str]:
    """Columns that a rule of the table brings to their type, which needs the values as they are."""
    told: Any = contract.custom.get("arengoProtection", EMPTY)
    if "local" not in told:
        return frozenset()
    named = told["local"].get("by", ())
    return frozenset(named) or frozenset(item.name for item in contract.properties if item.privacy_role == "quasi")


def _number(connection: duckdb.DuckDBPyConnection, intake: str, there: list[str], told: str) -> str:
    if told:
        return f"i.{told if told == 'rowid' else quote(told)}"
    for name in (SOURCE, NUMBER):
        if name in there:
            return f"i.{quote(name)}"
    import duckdb

    try:
        connection.execute(f"SELECT rowid FROM {intake} LIMIT 0")
    except duckdb.Error:
        return f"i.{quote(NUMBER)}"
    return "i.rowid"


def _point(work: Work, place: Geometry, changed: dict[str, Held]) -> str:
    """The geometry that is made from two columns of numbers, made again when one of them was changed."""
    x, y = changed[place.x], changed[place.y]
    if x.sql == work.original(place.x).sql and y.sql == work.original(place.y).sql:
        return f"i.{quote(place.column)}"
    if x.kind not in NUMERIC or y.kind not in NUMERIC:
        return "CAST(NULL AS BLOB)"  # a coordinate that became a text is no place any more
    point = f"ST_Point({x.sql}, {y.sql})"
    if needs_transform(place):
        from arengo.lake.layout import text

        point = f"ST_Transform({point}, {text(place.crs)}, 'OGC:CRS84', true)"
    return f"CASE WHEN {x.sql} IS NULL OR {y.sql} IS NULL THEN NULL ELSE ST_AsWKB({point}) END"


def _box(work: Work, table: str, place: Geometry) -> None:
    """The box columns, over the shapes as they are now."""
    sides = ", ".join(f"{sql} AS {quote(name)}" for name, sql in box("_shape").items())
    work.connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT * EXCLUDE (_shape), {sides} FROM (SELECT *, "
        f"ST_GeomFromWKB({quote(place.column)}) AS _shape FROM {table}) ORDER BY {quote(NUMBER)}"
    )


__all__ = ["BOX", "Protected", "protect"]
