"""A small city of three datasets, committed to a real lake without the street in: for the door and its faces."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from arengo.catalogue import Catalogue
from arengo.contract import Contract, loads
from arengo.door import Door
from arengo.lake import Lake, Staged, Version
from arengo.lake.engine import load
from arengo.settings import CitySettings, EngineSettings, Settings
from arengo.state import State, open_state

TREES = """\
apiVersion: v3.1.0
kind: DataContract
id: trees
name: Street trees
version: 1.0.0
status: active
domain: parks
tags: [green, trees]
description: {purpose: Every tree along the streets., usage: Planning of care.}
schema:
  - name: trees
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true, businessName: Number}
      - {name: species, logicalType: string, businessName: Species, description: "Common name, as people say it"}
      - {name: district, logicalType: string}
      - {name: code, logicalType: string}
      - {name: height, logicalType: number, customProperties: [{property: arengoUnit, value: m}]}
      - {name: rings, logicalType: integer}
      - {name: protected, logicalType: boolean}
      - {name: planted, logicalType: date}
      - {name: inspected, logicalType: timestamp}
      - {name: opens, logicalType: time}
      - {name: notes, logicalType: string}
      - {name: tags, logicalType: array, items: {logicalType: string}}
      - {name: lon, logicalType: number}
      - {name: lat, logicalType: number}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoTheme, value: ENVI}
  - {property: arengoLicence, value: CC-BY-4.0}
  - {property: arengoFrequency, value: MONTHLY}
  - {property: arengoOwner, value: Parks office}
  - {property: arengoGeometry, value: {x: lon, y: lat}}
  - {property: arengoTime, value: inspected}
  - {property: arengoSearch, value: [species, notes]}
  - {property: arengoTranslations, value: {it: {name: Alberi delle strade, description: Tutti gli alberi.}}}
"""

AREAS = """\
apiVersion: v3.1.0
kind: DataContract
id: areas
name: Areas
version: 1.0.0
status: active
description: {purpose: Quarters of the city.}
schema:
  - name: areas
    properties:
      - {name: code, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: name, logicalType: string}
      - {name: people, logicalType: integer}
      - {name: shape, logicalType: object, physicalType: geometry}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoTheme, value: REGI}
  - {property: arengoGeometry, value: {column: shape, types: [Polygon, MultiPolygon]}}
"""

CLOSED = """\
apiVersion: v3.1.0
kind: DataContract
id: families
name: Families
version: 1.0.0
status: active
description: {purpose: Who lives with whom.}
schema:
  - name: families
    properties:
      - {name: person, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: income, logicalType: number}
customProperties:
  - {property: arengoAccess, value: closed}
  - {property: arengoOwner, value: Registry office}
"""

FIRST = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
SECOND = datetime(2026, 2, 10, 8, 0, tzinfo=UTC)

_TREE = "id, species, district, code, height, rings, protected, planted, inspected, opens, notes, tags, lon, lat"


def tree(number: int) -> tuple[Any, ...]:
    """Row ``number`` of the trees: every kind of value, unknown ones, quotes, formulas, accents."""
    species = ["Tilia", "Platanus", "Acer, red", 'Quercus "old"', None, "Érable"][number % 6]
    return (
        number,
        species,
        ["Nord", "Sud", "Est"][number % 3],
        f"{number:04d}",
        None if number % 5 == 0 else number * 0.5,
        None if number % 7 == 0 else number * 3,
        None if number % 11 == 0 else number % 2 == 0,
        None if number % 13 == 0 else f"20{number % 24:02d}-0{number % 9 + 1}-1{number % 9}",
        None if number % 17 == 0 else f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d} {number % 24:02d}:30:15",
        f"{number % 24:02d}:15:00",
        ["=1+1", "two\nlines", "", "the old lime tree", "+39 02", "Città", None][number % 7],
        None if number % 4 == 0 else orjson.dumps(["a", f"t{number % 3}"]).decode(),
        None if number % 19 == 0 else 9.0 + number % 100 / 1000,
        None if number % 19 == 0 else 45.0 + number // 100 / 1000,
    )


SQUARES: tuple[tuple[Any, ...], ...] = (
    ("A", "Alpha", 100, "POLYGON((0 0,1 0,1 1,0 1,0 0))"),
    ("B", "Beta", None, "MULTIPOLYGON(((2 0,3 0,3 1,2 1,2 0)),((4 0,5 0,5 1,4 1,4 0)))"),
    ("C", None, 7, "POLYGON((10 10,12 10,11 12,10 10))"),
    ("D", "Delta", 0, None),
)


@dataclass(slots=True)
class TinyCity:
    """The open rooms of the city."""

    settings: Settings
    state: State
    lake: Lake
    catalogue: Catalogue
    door: Door

    def close(self) -> None:
        self.lake.close()
        self.state.close()

    def publish(
        self,
        contract: Contract,
        rows: Sequence[tuple[Any, ...]],
        at: datetime,
        reports: Mapping[str, Any] | None = None,
    ) -> Version | None:
        """Apply the contract and commit the rows as its next version."""
        apply(self.state, contract)
        scratch = self.settings.home / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        database = scratch / f"{contract.id}-{at:%Y%m%d%H%M%S}.duckdb"
        database.unlink(missing_ok=True)
        geometry = contract.geometry
        columns = tuple((item.name, item.kind, item.required) for item in contract.properties)
        with duckdb.connect(str(database)) as connection:
            load(connection, "spatial")
            names = [name for name, _, _ in columns]
            texts = pa.table(
                {
                    name: pa.array([None if v is None else str(v) for v in values], pa.string())
                    for name, values in zip(names, zip(*rows, strict=True), strict=True)
                }
            )
            connection.register("texts", texts)
            select = ", ".join(
                f'ST_AsWKB(ST_GeomFromText("{name}"))::BLOB AS "{name}"'
                if geometry and name == geometry.column
                else f'CAST("{name}" AS {kind.duckdb}) AS "{name}"'
                for name, kind, _ in columns
            )
            connection.execute(f"CREATE TABLE staged AS SELECT {select} FROM texts")
            if geometry and geometry.stored:
                shape = f'ST_GeomFromWKB("{geometry.column}")'
                sides = ", ".join(f"ST_{side[0].upper()}{side[1:]}({shape}) AS _{side}" for side in _SIDES)
                sides = sides.replace("ST_Xmin", "ST_XMin").replace("ST_Ymin", "ST_YMin")
                sides = sides.replace("ST_Xmax", "ST_XMax").replace("ST_Ymax", "ST_YMax")
                connection.execute(f"CREATE TABLE boxed AS SELECT *, {sides} FROM staged")
            table = "boxed" if geometry and geometry.stored else "staged"
        paths: dict[str, Path] = {}
        for name, body in (reports or {}).items():
            paths[name] = scratch / f"{contract.id}-{name}.json"
            paths[name].write_bytes(orjson.dumps(body))
        return self.lake.commit(
            contract,
            Staged(database, table, columns, geometry, len(rows)),
            run=f"{contract.id}-{at:%Y%m%d%H%M%S}",
            published_at=at,
            rows_in=len(rows),
            quarantined=0,
            fingerprint=str(at),
            reports=paths,
        )


_SIDES = ("xmin", "ymin", "xmax", "ymax")


def apply(state: State, contract: Contract) -> None:
    """Bring a contract into force."""
    state.put_contract(
        contract.id,
        version=contract.version,
        sha=hashlib.sha256(contract.text.encode()).hexdigest(),
        text=contract.text,
        path="",
        at=FIRST,
    )


def open_tiny(root: Path, **engine: Any) -> TinyCity:
    """An empty city in ``root``."""
    settings = Settings(
        root, CitySettings(name="Tinyville", contact="data@tiny.example"), engine=EngineSettings(**engine)
    )
    state = open_state(settings.state_url)
    lake = Lake(settings, state)
    catalogue = Catalogue(state, lake)
    return TinyCity(settings, state, lake, catalogue, Door(settings, catalogue, lake))


def make_city(root: Path, trees: int = 200) -> TinyCity:
    """Trees in two versions (the second without row 3, with a new row and a taller row 1), areas, a closed register."""
    city = open_tiny(root)
    rows = [tree(number) for number in range(1, trees + 1)]
    profile = {
        "rows": trees,
        "columns": {"species": {"kind": "string", "count": trees}, "gone": {"kind": "string"}},
        "bbox": [9.0, 45.0, 9.1, 45.1],
        "time": {"column": "inspected", "min": None, "max": None},
    }
    quality = {"rules": [{"name": "unique ids", "column": "id", "passed": True}], "passed": 1, "failed": 0}
    city.publish(loads(TREES), rows, FIRST, {"profile": profile, "quality": quality})
    second = [row if row[0] != 1 else (*row[:4], 99.5, *row[5:]) for row in rows if row[0] != 3] + [tree(trees + 1)]
    city.publish(loads(TREES), second, SECOND, {"profile": profile, "quality": quality})
    city.publish(loads(AREAS), SQUARES, FIRST)
    city.publish(loads(CLOSED), [("p1", 10.0), ("p2", None)], FIRST)
    return city
