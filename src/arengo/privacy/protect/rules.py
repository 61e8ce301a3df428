"""The rules of ``arengoProtection``: what is done to whole rows and tables, after the steps of the columns.

A rule is a function ``(work, table, told) -> rows withheld`` over the made table (SQL, quoted), which has the stored
columns, ``_subject`` and ``_number``. It may change the table in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from arengo.contract.model import Contract
from arengo.lake.layout import listing, quote, text
from arengo.privacy.protect.work import NUMBER, SUBJECT, Work, stored

Rule = Callable[[Work, str, Any], int]


def by_of(contract: Contract, told: Mapping[str, Any], rule: str) -> tuple[str, ...]:
    """The columns a rule groups by: those it names, else the quasi-identifiers. Raises PolicyError."""
    named = stored(contract, told.get("by", ()), "groups by", rule)
    return named or tuple(item.name for item in contract.properties if item.privacy_role == "quasi")


def suppress(work: Work, table: str, told: Any) -> int:
    """Rows of persons in groups of fewer than ``below`` persons are left out, where rows are added to a table by the
    groups they make together with those that are there; with ``beside`` also those that would
    make such groups together with earlier releases."""
    by = by_of(work.contract, told, "suppress")
    if told.get("beside"):
        from arengo.privacy.protect.beside import leave_out

        return leave_out(work, table, told, by)
    if not by:
        work.notes.append("arengoProtection.suppress: no column is a quasi-identifier, so there are no groups.")
        return 0
    subject = quote(SUBJECT)
    people = f"count(DISTINCT {subject}) + count(*) FILTER ({subject} IS NULL)" if work.subject else "count(*)"
    whole = (work.whole(table) if work.whole is not None else "") or table
    match = " AND ".join(f"r.{quote(name)} IS NOT DISTINCT FROM s.{quote(name)}" for name in by)
    before = rows_of(work, table)
    work.connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT r.* FROM {table} r ANTI JOIN (SELECT {listing(by)} FROM {whole} "
        f"GROUP BY {listing(by)} HAVING {people} < {int(told['below'])}) s ON {match} ORDER BY r.{quote(NUMBER)}"
    )
    return before - rows_of(work, table)


def local(work: Work, table: str, told: Any) -> int:
    """Values are made coarser only where a group would be smaller than ``k`` (Mondrian)."""
    from arengo.privacy.search import recoded

    by = by_of(work.contract, told, "local")
    if not by:
        work.notes.append("arengoProtection.local: no column is a quasi-identifier, so there are no groups.")
        return 0
    recoded(work.connection, table, by, int(told["k"]), "_recoded", SUBJECT if work.subject else "")
    match = " AND ".join(f"r.{quote(name)} IS NOT DISTINCT FROM g.v{at}" for at, name in enumerate(by))
    shown = ", ".join(f"g.l{at} AS {quote(name)}" for at, name in enumerate(by))
    work.connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT r.* REPLACE ({shown}) FROM {table} r JOIN _recoded g "
        f"ON {match} ORDER BY r.{quote(NUMBER)}"
    )
    work.connection.execute("DROP TABLE _recoded")
    return 0


def shuffle(work: Work, table: str, told: Any) -> int:
    """The source's order is given up for one that only the city's secret knows: the same at the next publication,
    another one in each dataset."""
    if told:
        key = text(work.key("shuffle").hex())
        drawn = f"sha256({key} || {quote(NUMBER)})"
        work.connection.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT * REPLACE (row_number() OVER (ORDER BY {drawn}) "
            f"AS {quote(NUMBER)}) FROM {table} ORDER BY {quote(NUMBER)}"
        )
    return 0


RULES: Mapping[str, Rule | str] = {
    "local": local,
    "microaggregate": "arengo.privacy.micro.step:microaggregate",
    "suppress": suppress,
    "cells": "arengo.privacy.cells.protect:protect",
    "shuffle": shuffle,
}
"""Name of a rule -> the function, or where it is (``module:function``); they are applied in this order."""


def rows_of(work: Work, table: str, where: Sequence[str] = ()) -> int:
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    (rows,) = work.connection.execute(f"SELECT count(*) FROM {table}{condition}").fetchone() or (0,)
    return int(rows)
