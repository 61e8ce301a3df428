"""Places of persons: squares hold enough people, donuts pass enough, noise is Laplace's and never averages out."""

from __future__ import annotations

import struct

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.contract import Contract, loads
from arengo.contract.protection import released
from arengo.errors import PolicyError
from arengo.lake.engine import load
from arengo.privacy.geo import donut, grid, laplace
from arengo.privacy.geo.plane import Plane
from arengo.privacy.protect import protect

KEY = b"k" * 32
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: homes
name: Homes
version: 1.0.0
status: active
description: {purpose: Where they live.}
schema:
  - name: homes
    properties:
      - {name: id, logicalType: string}
      - {name: lon, logicalType: number, customProperties: [{property: arengoProtect, value: %s}]}
      - {name: lat, logicalType: number, customProperties: [{property: arengoProtect, value: %s}]}
      - {name: home, logicalType: object, physicalType: geometry,
         customProperties: [{property: arengoProtect, value: %s}]}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoGeometry, value: {x: lon, y: lat}}
"""


def contract(step: str) -> Contract:
    return released(loads(CONTRACT % (step, step, step)))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000), st.integers(0, 30)), min_size=1, max_size=120),
    st.integers(1, 6),
)
def test_every_square_holds_enough_people(told: list[tuple[float, float, int]], k: int) -> None:
    points = np.array([item[:2] for item in told])
    persons = np.array([item[2] for item in told], np.int64)
    centre, side = grid.cells(points, persons, k)
    known = np.isfinite(side)
    assert (np.abs(points[known] - centre[known]) <= side[known, None] / 2 + 1e-6).all()
    for square in {(*pair, size) for pair, size in zip(map(tuple, centre[known]), side[known], strict=True)}:
        inside = (centre[:, 0] == square[0]) & (centre[:, 1] == square[1]) & (side == square[2])
        assert len(set(persons[inside].tolist())) >= k
    if not known.all():
        assert len(set(persons[~known].tolist())) < 4 * k  # too few even in the largest squares


def test_squares_are_fine_where_many_live() -> None:
    dice = np.random.default_rng(3)
    points = np.vstack([dice.normal(0, 200, (2000, 2)), dice.uniform(-20_000, 20_000, (200, 2))])
    _, side = grid.cells(points, np.arange(2200), 10)
    assert np.median(side[:2000]) <= 200
    assert np.nanmedian(side[2000:]) >= 800


def test_a_donut_passes_enough_people() -> None:
    dice = np.random.default_rng(4)
    points = np.round(dice.normal(0, 500, (400, 2)), 1)
    points[7] = points[8] = points[9]  # three in one house
    persons = np.arange(400)
    made = donut.moved(points, persons, 5, KEY, inner=50)
    places = {tuple(point) for point in points}
    for before, after in zip(points, made, strict=True):
        assert tuple(after) in places
        distance = np.hypot(*(after - before))
        assert distance >= 50
        near = np.hypot(*(points - before).T)
        assert ((near > 0) & (near <= distance + 1e-9)).sum() >= 5
    assert (made[7] == made[8]).all()
    assert (made == donut.moved(points, persons, 5, KEY, inner=50)).all()
    assert (made != donut.moved(points, persons, 5, b"x" * 32, inner=50)).any()
    assert np.isnan(donut.moved(points[:3], persons[:3], 5, KEY)).all()  # too few to hide among
    assert np.isnan(donut.moved(points[:50], np.zeros(50, np.int64), 1, KEY)).all()  # all of them are one person


def test_noise_is_planar_laplace_and_does_not_average_out() -> None:
    epsilon = 0.01
    points = np.arange(40_000.0).reshape(-1, 2) * 3
    made = laplace.moved(points, epsilon, KEY)
    radius = np.hypot(*(made - points).T)
    # The radius follows the Gamma distribution of shape 2 and scale 1 / epsilon.
    assert np.mean(radius) == pytest.approx(2 / epsilon, rel=0.03)
    assert np.mean(radius <= 1 / epsilon) == pytest.approx(1 - 2 / np.e, abs=0.01)
    assert np.abs(np.mean(made - points, axis=0)).max() < 4
    same = laplace.moved(np.repeat(points[:1], 50, axis=0), epsilon, KEY)
    assert len(np.unique(same, axis=0)) == 1


def test_degrees_are_metres_on_the_ground() -> None:
    plane = Plane.of("EPSG:4326", np.array([45.4, 45.5, np.nan]))
    one, two = plane.metres(np.array([[9.0, 45.0], [9.0, 46.0]]))
    assert np.hypot(*(two - one)) == pytest.approx(111_320)
    assert plane.back(plane.metres(np.array([[9.123456, 45.654321]]))).tolist() == [[9.123456, 45.654321]]
    assert Plane.of("EPSG:25832", np.array([5e6])).parallel is None
    assert Plane.of("EPSG:4326", np.array([np.nan])).parallel == 0


@pytest.mark.parametrize("step", ["{grid: {k: 5}}", "{donut: {k: 5}}", "{laplace: {epsilon: 0.5}}"])
def test_a_table_is_protected(step: str) -> None:
    connection = duckdb.connect()
    load(connection, "spatial")
    dice = np.random.default_rng(6)
    rows = [(f"p{n}", 9 + float(x), 45 + float(y), struct.pack("<BIdd", 1, 1, 9 + float(x), 45 + float(y)))
            for n, (x, y) in enumerate(dice.normal(0, 0.01, (300, 2)))]  # fmt: skip
    rows += [("gone", None, 45.0, None), ("half", float("nan"), 45.0, None)]
    connection.execute("CREATE TABLE intake(id VARCHAR, lon DOUBLE, lat DOUBLE, home BLOB)")
    connection.executemany("INSERT INTO intake VALUES (?, ?, ?, ?)", rows)

    class Ladderless:
        def sql(self, name: str, level: str, column: str, kind: str, at: str = "") -> str:
            raise AssertionError(name)

    protect(connection, "intake", contract(step), Ladderless(), secret=KEY, subject="i.id", into="made")
    found = connection.execute(
        "SELECT id, lon, lat, ST_X(ST_GeomFromWKB(home)), ST_Y(ST_GeomFromWKB(home)) FROM made ORDER BY _number"
    ).fetchall()
    assert len(found) == 302
    moved = 0
    for row, held in zip(rows, found, strict=True):
        assert row[0] == held[0]
        if row[0] in ("gone", "half"):
            assert held[1] is None
            continue
        assert held[1] is not None
        moved += (held[1], held[2]) != row[1:3]
        assert abs(held[1] - row[1]) < 0.3
        if "grid" in step:
            assert held[3:] == pytest.approx(held[1:3], abs=1e-5)
    assert moved >= 295


@pytest.mark.parametrize("step", ["{grid: {k: 5, smallest: 0}}", "{donut: {k: 5, inner: 9, outer: 3}}"])
def test_what_is_no_place_or_no_ring_is_said(step: str) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE intake AS SELECT 'a' AS id, 9.0 AS lon, 45.0 AS lat, NULL::BLOB AS home")
    with pytest.raises(PolicyError, match="lon"):
        protect(connection, "intake", contract(step), None, secret=KEY, subject="", into="made")  # type: ignore[arg-type]
    text = (CONTRACT % (step, step, step)).replace("  - {property: arengoGeometry, value: {x: lon, y: lat}}\n", "")
    with pytest.raises(PolicyError, match=r"no place|no ring|is none"):
        protect(connection, "intake", released(loads(text)), None, secret=KEY, subject="", into="made")  # type: ignore[arg-type]
