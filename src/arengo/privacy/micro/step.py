"""The entries of the protection's registries: ``pram`` of a column, ``microaggregate`` of a table.

Bounds, rounding and the order of rows are said in SQL where the table is made (:mod:`arengo.privacy.protect`); here is
what needs the values of all rows at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from arengo.contract.model import Kind
from arengo.errors import Place, PolicyError
from arengo.lake.layout import quote, text
from arengo.privacy.mask import NUMERIC
from arengo.privacy.micro.draw import pram as pram_
from arengo.privacy.micro.numbers import microaggregate as microaggregate_
from arengo.privacy.protect.work import NUMBER, Column, Held, Work

_DIGITS = 12  # hexadecimal ones of a drawn number: 48 bits


def pram(work: Work, column: Column, held: Held, argument: Any) -> Held:
    """With this probability another value, drawn as often as it occurs.

    What is drawn hangs on the person (on the row where nobody is known) and the city's secret: a person's value is
    changed in the same way at the next publication, so that versions cannot be compared to see what was changed.
    """
    if held.kind in (Kind.GEOMETRY, Kind.JSON):
        raise PolicyError(
            f"arengoProtect of the column {column.read.name}: pram does not fit: it is {held.kind}.",
            todo="Drop it.",
            place=Place(column=column.read.name),
        )
    key = text(work.key("pram", column.stored.name).hex())
    who = f"CAST({work.number} AS VARCHAR)"
    if work.subject:
        who = f"coalesce(CAST({work.subject} AS VARCHAR), '#' || {who})"
    drawn = (
        f"CAST('0x' || left(sha256({key} || '{use}' || {who}), {_DIGITS}) AS BIGINT)" for use in ("change", "pick")
    )
    table = work.values(Held(held.text(), Kind.STRING, held.params), *drawn)
    import pyarrow as pa

    values = table.column("value").combine_chunks().dictionary_encode()
    # Values in their own order, so that a number drawn picks the same one while the frequencies stay.
    names = values.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    found = values.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    codes = np.where(found >= 0, rank[found], -1) if len(names) else found
    change, pick = (table.column(f"c{at}").to_numpy() / 16.0**_DIGITS for at in range(2))
    told = pram_(codes, float(argument), change, pick)
    ordered = pa.array([names[at] for at in order], pa.string())
    shown = ordered.take(pa.array(told, mask=told < 0))
    return work.keep(pa.table({"number": table.column("number"), "value": shown}), Kind.STRING)


def microaggregate(work: Work, table: str, told: Any) -> int:
    """Numbers of ``columns`` are replaced by the means of groups of at least ``k`` rows that are alike in them."""
    import pyarrow as pa

    given: Mapping[str, Any] = told
    kinds = {item.name: item.kind for item in work.contract.properties}
    columns = [str(name) for name in given.get("columns", ())]
    for name in columns:
        if kinds.get(name) not in NUMERIC:
            met = f"it is {kinds[name]}, no number" if name in kinds else "it is not stored"
            raise PolicyError(
                f"arengoProtection.microaggregate names the column {name!r}: {met}.",
                todo="Name columns of numbers.",
                place=Place(column="arengoProtection.microaggregate"),
            )
    if not columns:
        return 0
    listed = ", ".join(f"CAST({quote(name)} AS DOUBLE) AS c{at}" for at, name in enumerate(columns))
    held = work.connection.execute(
        f"SELECT {quote(NUMBER)} AS number, {listed} FROM {table} ORDER BY 1"
    ).to_arrow_table()
    values = np.stack(
        [held.column(f"c{at}").to_numpy(zero_copy_only=False).astype(np.float64) for at in range(len(columns))], axis=1
    )
    values[~np.isfinite(values)] = np.nan
    means = microaggregate_(values, int(given.get("k", 3)))
    arrays: dict[str, Any] = {"number": held.column("number")}
    for at in range(len(columns)):
        arrays[f"c{at}"] = pa.array(means[:, at], mask=np.isnan(means[:, at]))
    work.connection.register("_averaged", pa.table(arrays))
    try:
        shown = ", ".join(
            f"CAST({f'round(m.c{at})' if kinds[name] is Kind.INTEGER else f'm.c{at}'} AS {kinds[name].duckdb}) "
            f"AS {quote(name)}"
            for at, name in enumerate(columns)
        )
        work.connection.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT r.* REPLACE ({shown}) FROM {table} r "
            f"JOIN _averaged m ON m.number = r.{quote(NUMBER)} ORDER BY r.{quote(NUMBER)}"
        )
    finally:
        work.connection.unregister("_averaged")
    return 0
