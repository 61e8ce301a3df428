"""Nested geography from the city's own datasets: by columns, and by which area lies in which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from arengo.contract.model import Contract, Geometry, Kind, Property
from arengo.errors import PolicyError
from arengo.governance.hierarchy import Hierarchies
from arengo.lake import Lake, Staged
from arengo.lake.engine import load
from arengo.privacy import hierarchy
from arengo.privacy.hierarchy import CityCodes
from arengo.settings import Settings
from arengo.state import open_state

pytestmark = pytest.mark.slow  # each opens a lake of its own
START = datetime(2026, 1, 1, tzinfo=UTC)
BY_COLUMN = 'kind = "places"\ndataset = "sections"\ncolumns = ["section", "ward", "district"]'
BY_SHAPE = """
kind = "places"
dataset = "sections"
column = "section"
[[within]]
level = "zone"
dataset = "zones"
column = "zone"
"""
POINTS = 'kind = "places"\n[[within]]\ndataset = "zones"\ncolumn = "zone"'
SQUARE = "ST_AsWKB(ST_MakeEnvelope({x}, {y}, {x} + {w}, {y} + {w}))"


class City:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(root=folder)
        self.state = open_state(self.settings.state_url)
        self.lake = Lake(self.settings, self.state)
        self.codes = CityCodes(self.settings, self.state, Hierarchies(self.settings, self.state), self.lake)
        self.runs = 0

    def close(self) -> None:
        self.lake.close()
        self.state.close()

    def publish(self, id: str, columns: Mapping[str, Kind], rows: str, shape: bool = False) -> None:
        self.runs += 1
        place = Geometry("shape") if shape else None
        properties = tuple(Property(name, kind) for name, kind in columns.items())
        contract = Contract(id, "1.0.0", id, "active", id, properties, id, None, place)
        path = self.folder / f"staged{self.runs}.duckdb"
        with duckdb.connect(str(path)) as connection:
            load(connection, "spatial")
            box = ""
            if shape:
                sides = ("xmin", "ymin", "xmax", "ymax")
                box = "".join(f", ST_{side.capitalize()}(ST_GeomFromWKB(shape)) AS _{side}" for side in sides)
            connection.execute(f"CREATE TABLE rows AS SELECT *{box} FROM ({rows})")
            (count,) = connection.execute("SELECT count(*) FROM rows").fetchone() or (0,)
        staged = Staged(path, "rows", tuple((name, kind, False) for name, kind in columns.items()), place, count)
        self.lake.commit(contract, staged, run=f"r{self.runs}", published_at=START + timedelta(days=self.runs),
                         rows_in=count, quarantined=0, fingerprint=f"f{self.runs}", reports={})  # fmt: skip

    def told(self, name: str, level: str, values: Sequence[str], kind: str = "string") -> list[Any]:
        sql = self.codes.sql(name, level, "v", kind)
        listed = ", ".join(f"({value})" for value in values)
        with duckdb.connect() as connection:
            load(connection, "spatial")
            return [row[0] for row in connection.execute(f"SELECT {sql} FROM (VALUES {listed}) t(v)").fetchall()]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    yield made
    made.close()


def sections(city: City, district: str = "'d' || r // 50") -> None:
    city.publish(
        "sections",
        {"section": Kind.STRING, "ward": Kind.STRING, "district": Kind.STRING, "shape": Kind.GEOMETRY},
        f"SELECT 's' || r AS section, 'w' || r // 10 AS ward, {district} AS district, "
        f"{SQUARE.format(x='r % 10', y='r // 10', w='1')} AS shape FROM range(100) t(r)",
        shape=True,
    )


def zones(city: City) -> None:
    city.publish(
        "zones", {"zone": Kind.STRING, "shape": Kind.GEOMETRY},
        f"SELECT 'z' || r AS zone, {SQUARE.format(x='5 * (r % 2)', y='5 * (r // 2)', w='5')} AS shape "
        "FROM range(4) t(r)", shape=True,
    )  # fmt: skip


def test_levels_by_columns_follow_the_newest_version(city: City) -> None:
    sections(city)
    hierarchy.take(city.state, {"places": BY_COLUMN}, START)
    assert city.codes.levels("places") == ("ward", "district", "*")
    assert city.told("places", "ward", ["'s37'", "'s0'", "'nowhere'"]) == ["w3", "w0", "*"]
    assert city.codes.between("places", "ward", "district")["w7"] == "d1"
    sections(city, "'new ' || r // 50")
    assert city.told("places", "district", ["'s37'"]) == ["new 0"]


def test_levels_by_shape(city: City) -> None:
    sections(city)
    zones(city)
    hierarchy.take(city.state, {"zones-of-sections": BY_SHAPE, "points": POINTS}, START)
    assert city.told("zones-of-sections", "zone", ["'s0'", "'s9'", "'s99'"]) == ["z0", "z1", "z3"]
    points = ["ST_AsWKB(ST_Point(1.5, 1.5))", "ST_AsWKB(ST_Point(9.5, 1.5))", "ST_AsWKB(ST_Point(70, 70))"]
    assert city.told("points", "zones", points, "geometry") == ["z0", "z1", "*"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (BY_COLUMN, "no version"),
        (BY_COLUMN.replace("sections", "zones").replace('"ward"', '"wards"'), "no column"),
        (BY_SHAPE.replace('dataset = "sections"', 'dataset = "plain"'), "no shapes"),
    ],
)
def test_what_is_missing_is_said(city: City, text: str, word: str) -> None:
    zones(city)
    city.publish("plain", {"section": Kind.STRING}, "SELECT 's' AS section")
    hierarchy.take(city.state, {"places": text}, START)
    with pytest.raises(PolicyError, match=word) as raised:
        city.codes.levels("places")
    assert raised.value.place is not None
    assert raised.value.place.file == "hierarchies/places.toml"


def test_places_that_do_not_nest_are_refused(city: City) -> None:
    sections(city, "'d' || r % 3")
    hierarchy.take(city.state, {"places": BY_COLUMN}, START)
    with pytest.raises(PolicyError, match="lies in"):
        city.codes.levels("places")
