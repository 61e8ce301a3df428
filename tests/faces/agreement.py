"""Reading what any face answers back into rows, to hold faces against the door's own answer."""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from typing import Any

import duckdb
import pandas
from tiny_city import TinyCity

from arengo.contract.model import Kind
from arengo.lake.engine import load
from arengo.query import Query

Table = list[dict[str, Any]]
DATASETS = ("trees", "areas")


def truth(tiny: TinyCity, dataset: str) -> tuple[Table, list[str | None]]:
    """What the door itself gives, and each row's place as normalised WKT."""
    answer = tiny.door.ask(Query(dataset, limit=None))
    names = [item.name for item in answer.columns]
    rows = [dict(zip(names, row, strict=True)) for row in answer.rows("wkt")]
    geometry = answer.view.geometry
    assert geometry is not None
    if geometry.stored:
        places = [row.pop(geometry.column) for row in rows]
        return rows, normal(places)
    return rows, normal([None if row["lon"] is None else f"POINT ({row['lon']} {row['lat']})" for row in rows])


@cache
def spatial() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    load(connection, "spatial")
    return connection


def shapes(values: list[Any], reader: str) -> list[str | None]:
    """Geometries read by one of the engine's readers, as normalised WKT."""
    sql = f"SELECT ST_AsText(ST_Normalize({reader})) FROM (SELECT unnest(?) AS g)"
    return [row[0] for row in spatial().execute(sql, [values]).fetchall()]


def normal(texts: list[str | None]) -> list[str | None]:
    return shapes(texts, "ST_GeomFromText(g::VARCHAR)")


def from_wkb(values: list[bytes | None]) -> list[str | None]:
    return shapes(values, "ST_GeomFromWKB(g::BLOB)")


def from_geojson(values: list[Any]) -> list[str | None]:
    return shapes([json.dumps(value) if value else None for value in values], "ST_GeomFromGeoJSON(g::VARCHAR)")


def plain(value: Any, kind: Kind) -> Any:
    """A value as every reader should end with it."""
    if value is None or (isinstance(value, float) and value != value) or value is pandas.NaT:
        return None
    if kind is Kind.TIMESTAMP:
        if isinstance(value, str):
            value = dt.datetime.fromisoformat(value)
        if hasattr(value, "to_pydatetime"):
            value = value.to_pydatetime()
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    if kind is Kind.DATE:
        if isinstance(value, str):
            return dt.date.fromisoformat(value[:10])
        return value.date() if isinstance(value, dt.datetime) else value
    if kind is Kind.TIME:
        return value if isinstance(value, dt.time) else dt.time.fromisoformat(str(value)[:15])
    if kind is Kind.JSON:
        return json.loads(value) if isinstance(value, str) else value
    if kind is Kind.BOOLEAN:
        return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else bool(value)
    if kind is Kind.INTEGER:
        return int(value)
    if kind is Kind.NUMBER:
        return float(value)
    return str(value)


def kinds_of(tiny: TinyCity, dataset: str) -> dict[str, Kind]:
    """Columns without places, in their order."""
    return {item.name: item.kind for item in tiny.door.view(dataset).columns if item.kind is not Kind.GEOMETRY}


def same(mine: Table, theirs: Table, kinds: dict[str, Kind], *, empty_is_unknown: bool = False) -> None:
    """Rows of a face against those of the door: as many, in the same order, every value of its kind."""
    assert len(mine) == len(theirs)
    for row, wanted in zip(mine, theirs, strict=True):
        for name, kind in kinds.items():
            expected = plain(wanted[name], kind)
            if empty_is_unknown and expected == "":
                expected = None
            assert plain(row[name], kind) == expected, (name, row, wanted)
