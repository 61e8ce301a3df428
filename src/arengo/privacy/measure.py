"""What a protected table still says: the sizes of its groups, and how far its figures are from those before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from arengo.contract.model import Contract, Kind
from arengo.lake.layout import listing, quote
from arengo.privacy.hierarchy.builders import TO

if TYPE_CHECKING:
    import duckdb

LARGEST = 50
"""Sizes of groups up to which a histogram tells them apart."""
MOST_FIGURES = 12
PERSON = "coalesce(\"_subject\", '#' || row_number() OVER ())"
_NUMBER = "-?[0-9]+(?:[.][0-9]+)?"


def histogram(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> dict[str, int]:
    """Size of a group of equal ``columns`` -> people in groups of that size; sizes past 50 under ``more``. Somebody of
    several groups counts once, in the smallest."""
    group = f" GROUP BY {listing(columns)}" if columns else ""
    (several,) = connection.execute(
        f'SELECT count("_subject") > count(DISTINCT "_subject") FROM {table}'
    ).fetchone() or (False,)
    sized = f"SELECT count(DISTINCT _person) AS n, count(DISTINCT _person) AS people FROM people{group}"
    if several:
        by = f"PARTITION BY {listing(columns)}" if columns else ""
        one = f"{listing(columns)}, _person" if columns else "_person"
        sized = (
            f"SELECT min(n) AS n, 1 AS people FROM (SELECT _person, count(*) OVER ({by}) AS n "
            f"FROM (SELECT DISTINCT {one} FROM people)) GROUP BY _person"
        )
    rows = connection.execute(
        f"WITH people AS (SELECT *, {PERSON} AS _person FROM {table}), sized AS ({sized}) "
        f"SELECT least(n, {LARGEST + 1}) AS size, sum(people) FROM sized WHERE n > 0 GROUP BY size ORDER BY size"
    ).fetchall()
    return {str(size) if size <= LARGEST else "more": int(people) for size, people in rows}


def errors(
    connection: duckdb.DuckDBPyConnection, before: str, contract: Contract, after: str, made: Contract
) -> dict[str, float]:
    """Name of a figure -> its relative error: the rows, and the mean of each number. Of an interval the middle counts.

    A figure that can no longer be had is off by 1.
    """
    (was,) = connection.execute(f"SELECT count(*) FROM {before}").fetchone() or (0,)
    (now,) = connection.execute(f"SELECT count(*) FROM {after}").fetchone() or (0,)
    out = {"rows": _off(float(was), float(now))}
    numbers = [item for item in contract.properties
               if item.kind in (Kind.INTEGER, Kind.NUMBER) and item.privacy_role != "identifier"]  # fmt: skip
    for item in numbers[:MOST_FIGURES]:
        stored = made.column(item.name)
        (true,) = connection.execute(f"SELECT avg({quote(item.name)}) FROM {before}").fetchone() or (None,)
        if true is None:
            continue
        told = None
        if stored is not None:
            value = quote(item.name) if stored.kind is not Kind.STRING else middle(quote(item.name), item.kind)
            (told,) = connection.execute(f"SELECT avg({value}) FROM {after}").fetchone() or (None,)
        out[f"mean of {item.name}"] = 1.0 if told is None else _off(float(true), float(told))
    return out


def middle(label: str, kind: Kind) -> str:
    """SQL of the middle of an interval's name, ``20–24`` or ``[20, 25)``, or of the number itself."""
    found = f"list_transform(regexp_extract_all({label}, '{_NUMBER}'), lambda x: TRY_CAST(x AS DOUBLE))"
    # Named by its last whole number an interval of fractions reaches half a step farther; named by its end, which is
    # not in it, one of whole numbers half a step less.
    less = f" - CASE WHEN {label} LIKE '[%)' THEN 0.5 ELSE 0 END" if kind is Kind.INTEGER else (
        f" + CASE WHEN {label} LIKE '%{TO}%' THEN 0.5 ELSE 0 END")  # fmt: skip
    return f"(list_avg({found}){less})"


def _off(true: float, told: float) -> float:
    if true == told:
        return 0.0
    return round(min(abs(told - true) / abs(true), 1.0), 6) if true else 1.0
