"""Spatial operators on both kinds of geometry: a stored column with its box, and two number columns."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from arengo.contract.model import Geometry, Kind
from arengo.lake.engine import load
from arengo.query import Field, Query, Scope, parse_text, prepare

POINTS = {1: (0.5, 0.5), 2: (1.0, 1.0), 3: (2.0, 2.0), 4: (179.5, 0.0), 5: (-179.5, 0.0), 6: (None, 1.0)}
SHAPES = {
    1: "POLYGON((0 0,1 0,1 1,0 1,0 0))",
    2: "POLYGON((1 0,2 0,2 1,1 1,1 0))",
    3: "LINESTRING(0.5 -1,0.5 2)",
    4: "POINT(5 5)",
    5: None,
    6: "POLYGON((10 10,12 10,10 12,10 10))",
}
FIELDS = {"id": Field("id", Kind.INTEGER, True)}
FLAT = Scope(
    "flat",
    {**FIELDS, "x": Field("x", Kind.NUMBER), "y": Field("y", Kind.NUMBER)},
    Geometry("", "x", "y"),
    "",
    (),
    ("id",),
)
STORED = Scope("stored", {**FIELDS, "shape": Field("shape", Kind.GEOMETRY)}, Geometry("shape"), "", (), ("id",))


@pytest.fixture(scope="module")
def space() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        load(connection, "spatial")
        connection.execute("CREATE TABLE flat (id BIGINT, x DOUBLE, y DOUBLE, _row BIGINT)")
        for i, (x, y) in POINTS.items():
            connection.execute("INSERT INTO flat VALUES (?, ?, ?, ?)", [i, x, y, i])
        connection.execute("CREATE TABLE texts (id BIGINT, wkt VARCHAR)")
        for i, wkt in SHAPES.items():
            connection.execute("INSERT INTO texts VALUES (?, ?)", [i, wkt])
        connection.execute(
            "CREATE TABLE stored AS SELECT id, ST_AsWKB(g)::BLOB AS shape, id AS _row, ST_XMin(g) AS _xmin, "
            "ST_YMin(g) AS _ymin, ST_XMax(g) AS _xmax, ST_YMax(g) AS _ymax "
            "FROM (SELECT id, ST_GeomFromText(wkt) AS g FROM texts)"
        )
        yield connection


def ids(connection: duckdb.DuckDBPyConnection, scope: Scope, query: Query) -> list[int]:
    statement = prepare(query, scope).select(scope.dataset)
    return [row[0] for row in connection.execute(statement.sql, list(statement.params)).fetchall()]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("S_INTERSECTS(geometry, BBOX(0,0,1,1))", [1, 2]),
        ("S_INTERSECTS(geom, POLYGON((0 0,3 0,3 3,0 0)))", [1, 2, 3]),
        ("S_INTERSECTS(geometry, POINT(1 1))", [2]),
        ("S_WITHIN(geometry, POLYGON((0 0,1.5 0,1.5 1.5,0 1.5,0 0)))", [1, 2]),
        ("S_DISJOINT(geometry, BBOX(0,0,1,1))", [3, 4, 5]),
        ("S_INTERSECTS(geometry, BBOX(179,-1,-179,1))", [4, 5]),
        ("NOT S_INTERSECTS(geometry, BBOX(0,0,1,1))", [3, 4, 5]),
        ("S_EQUALS(geometry, POINT(2 2))", [3]),
        ("geometry IS NULL", [6]),
        ("S_CONTAINS(POLYGON((0 0,1.5 0,1.5 1.5,0 1.5,0 0)), geometry)", [1, 2]),
    ],
)
def test_points_of_two_columns(space: duckdb.DuckDBPyConnection, text: str, wanted: list[int]) -> None:
    assert ids(space, FLAT, Query("flat", filter=parse_text(text))) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("S_INTERSECTS(shape, BBOX(0.2,0.2,0.8,0.8))", [1, 3]),
        ("S_INTERSECTS(shape, BBOX(1,0,1,1))", [1, 2]),
        ("S_INTERSECTS(shape, BBOX(5,5,5,5))", [4]),
        ("S_INTERSECTS(shape, BBOX(11.5,11.5,12,12))", []),
        ("S_TOUCHES(shape, POLYGON((1 0,2 0,2 1,1 1,1 0)))", [1]),
        ("S_CROSSES(shape, POLYGON((0 0,1 0,1 1,0 1,0 0)))", [3]),
        ("S_OVERLAPS(shape, POLYGON((0.5 0,1.5 0,1.5 1,0.5 1,0.5 0)))", [1, 2]),
        ("S_WITHIN(shape, BBOX(-1,-2,3,3))", [1, 2, 3]),
        ("S_CONTAINS(shape, POINT(0.3 0.3))", [1]),
        ("S_EQUALS(shape, POLYGON((0 0,0 1,1 1,1 0,0 0)))", [1]),
        ("S_DISJOINT(shape, BBOX(-1,-2,3,3))", [4, 6]),
        ("shape IS NOT NULL AND NOT S_INTERSECTS(shape, BBOX(-1,-2,3,3))", [4, 6]),
        ("S_INTERSECTS(shape, GEOMETRYCOLLECTION(POINT(5 5), LINESTRING(10 10, 10 12)))", [4, 6]),
        ("S_INTERSECTS(shape, MULTIPOINT((5 5),(0.1 0.1)))", [1, 4]),
    ],
)
def test_stored_geometries(space: duckdb.DuckDBPyConnection, text: str, wanted: list[int]) -> None:
    assert ids(space, STORED, Query("stored", filter=parse_text(text))) == wanted


def test_bbox_is_the_same_as_the_operator(space: duckdb.DuckDBPyConnection) -> None:
    assert ids(space, STORED, Query("stored", bbox=(0.2, 0.2, 0.8, 0.8))) == [1, 3]
    assert ids(space, FLAT, Query("flat", bbox=(179.0, -1.0, -179.0, 1.0))) == [4, 5]


def test_lists(space: duckdb.DuckDBPyConnection) -> None:
    scope = Scope("lists", {**FIELDS, "tags": Field("tags", Kind.JSON)})
    space.execute("CREATE TABLE lists (id BIGINT, tags VARCHAR, _row BIGINT)")
    for i, tags in enumerate(['["a","b"]', "[1,2]", None, "x["], start=1):
        space.execute("INSERT INTO lists VALUES (?, ?, ?)", [i, tags, i])
    for text, wanted in (
        ("A_CONTAINS(tags, ('a'))", [1]),
        ("A_EQUALS(tags, ('a','b'))", [1]),
        ("A_CONTAINEDBY(tags, ('a','b','c'))", [1]),
        ("A_OVERLAPS(tags, ('b','z'))", [1]),
        ("A_CONTAINS(tags, (1))", [2]),
    ):
        assert ids(space, scope, Query("lists", filter=parse_text(text))) == wanted, text
