"""A small city that went the whole street in: places, a series, areas, a closed and an unpublished dataset."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import arengo
from arengo import faces, portal
from arengo.city import City
from arengo.faces.callers import CityCallers

HOSTILE = "<script>alert('x')</script>"
HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {name}
version: 1.0.0
status: active
domain: parks
description: {{purpose: "{purpose}", limitations: Counted by hand.}}
tags: [{tags}]
schema:
  - name: {id}
    properties:
"""


def contract(id: str, name: str, columns: list[str], custom: list[str], purpose: str = "", tags: str = "") -> str:
    text = HEAD.format(id=id, name=name, purpose=purpose or f"All about {name}.", tags=tags)
    text += "".join(f"      - {{{column}}}\n" for column in columns)
    return text + "customProperties:\n" + "".join(f"  - {{property: {item}}}\n" for item in custom)


TREES = contract(
    "trees",
    "Street trees",
    [
        "name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true, businessName: Number",
        "name: name, logicalType: string, businessName: Common name, description: As the gardeners call it.",
        "name: district, logicalType: string",
        "name: height, logicalType: number, customProperties: [{property: arengoUnit, value: m}]",
        "name: planted, logicalType: date",
        "name: protected, logicalType: boolean",
        "name: lon, logicalType: number",
        "name: lat, logicalType: number",
        "name: notes, logicalType: string",
    ],
    [
        "arengoSource, value: {kind: csv, path: sources/trees.csv}",
        "arengoGeometry, value: {x: lon, y: lat}",
        "arengoTheme, value: ENVI",
        "arengoLicence, value: CC-BY-4.0",
        "arengoFrequency, value: MONTHLY",
        "arengoOwner, value: Parks and Gardens",
        "arengoFilters, value: [[district]]",
        "arengoTranslations, value: {it: {name: Alberature stradali, columns: {district: Circoscrizione}}}",
    ],
    purpose="Every tree on public ground.",
)
DISTRICTS = contract(
    "districts",
    "Districts",
    [
        "name: code, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true",
        "name: name, logicalType: string",
        "name: geometry, logicalType: object, physicalType: geometry",
    ],
    [
        "arengoSource, value: {kind: geojson, path: sources/districts.geojson}",
        "arengoGeometry, value: {column: geometry, types: [Polygon]}",
        "arengoTheme, value: REGI",
    ],
    tags="base map, boundaries",
)
AIR = contract(
    "air",
    "Air quality",
    [
        "name: day, logicalType: date, primaryKey: true, primaryKeyPosition: 1, required: true",
        "name: pollutant, logicalType: string, primaryKey: true, primaryKeyPosition: 2, required: true",
        "name: value, logicalType: number, customProperties: [{property: arengoUnit, value: µg/m³}]",
    ],
    [
        "arengoSource, value: {kind: csv, path: sources/air.csv}",
        "arengoTime, value: day",
        "arengoTheme, value: ENVI",
    ],
)
BUDGET = contract(
    "budget",
    "Budget",
    [
        "name: chapter, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true",
        "name: amount, logicalType: number, customProperties: [{property: arengoUnit, value: EUR}]",
    ],
    ["arengoSource, value: {kind: csv, path: sources/budget.csv}", "arengoTheme, value: ECON"],
)
PERSONS = contract(
    "persons",
    "Persons",
    ["name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true"],
    ["arengoSource, value: {kind: csv, path: sources/persons.csv}", "arengoAccess, value: closed"],
)
PLANNED = contract(
    "planned",
    "Planned benches",
    ["name: id, logicalType: integer, description: Number of the bench."],
    ["arengoSource, value: {kind: csv, path: sources/none.csv}", "arengoTheme, value: ENVI"],
)
FIRST, SECOND = datetime(2026, 3, 1, 6, tzinfo=UTC), datetime(2026, 4, 1, 6, tzinfo=UTC)
NAMES = ("Field maple", "London plane", "Holm oak", HOSTILE, "Tiglio selvatico a foglie grandi")


def make_city(root: Path) -> City:
    arengo.init(root, name="Città di Prova", timezone="Europe/Rome", country="IT").close()
    with (root / "city.toml").open("a", encoding="utf-8") as file:
        file.write('contact = "data@prova.example"\n')
    texts = {"trees": TREES, "districts": DISTRICTS, "air": AIR, "budget": BUDGET, "persons": PERSONS}
    for name, text in texts.items():
        (root / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    _write(root, trees(120), rows=True)
    city = arengo.open(root)
    runs = city.publish(at=FIRST)
    assert {run.state for run in runs} == {"succeeded"}, runs
    _write(root, trees(120, later=True))
    (run,) = city.publish(["trees"], at=SECOND)
    assert run.state == "succeeded"
    (root / "contracts" / "planned.odcs.yaml").write_text(PLANNED, encoding="utf-8")
    city.apply(["planned"])
    return city


def trees(count: int, later: bool = False) -> list[str]:
    """Lines of CSV. Later: one felled, one planted, one grown; the last line never fits its types."""
    dice = random.Random(7)
    lines = ["id,name,district,height,planted,protected,lon,lat,notes"]
    for number in range(1, count + 1):
        height = "" if number % 11 == 0 else f"{dice.uniform(2, 30):.1f}"
        lon, lat = 11.5 + dice.uniform(-0.05, 0.05), 40.4 + dice.uniform(-0.03, 0.03)
        day = date(1950, 1, 1) + timedelta(days=dice.randrange(25_000))
        kind, district = dice.choice(NAMES), dice.choice(("Porto", "Centro", "Colle"))
        if later and number == 2:
            continue
        if later and number == 3:
            height = "31.5"
        text = "Stands alone. " * 8 if number == 4 else ""
        safe = number % 7 == 0
        lines.append(f'{number},"{kind}",{district},{height},{day},{str(safe).lower()},{lon:.6f},{lat:.6f},{text}')
    if later:
        lines.append(f'{count + 1},"Holm oak",Porto,1.5,2026-03-20,false,11.5,40.4,')
    lines.append('999,"Holm oak",Porto,very tall,2026-03-20,false,11.5,40.4,')
    return lines


def _write(root: Path, lines: list[str], rows: bool = False) -> None:
    (root / "sources" / "trees.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if not rows:
        return
    start = date(2025, 1, 1)
    air = ["day,pollutant,value"]
    for step in range(90):
        if 40 <= step < 50:
            continue  # the station was away
        for pollutant, level in (("NO2", 30), ("PM10", 22), ("O3", 60)):
            air.append(f"{start + timedelta(days=step)},{pollutant},{level + (step * 7) % 13}")
    (root / "sources" / "air.csv").write_text("\n".join(air) + "\n", encoding="utf-8")
    budget = ["chapter,amount"] + [f"Chapter {n} of the town,{n * 1_250_000.5}" for n in range(1, 13)]
    (root / "sources" / "budget.csv").write_text("\n".join(budget) + "\n", encoding="utf-8")
    (root / "sources" / "persons.csv").write_text("id\n1\n2\n", encoding="utf-8")
    squares = [("01", "Porto", 11.45), ("02", "Centro", 11.5)]
    features = [
        {"type": "Feature", "properties": {"code": code, "name": name}, "geometry": _square(lon)}
        for code, name, lon in squares
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (root / "sources" / "districts.geojson").write_text(text, encoding="utf-8")


def _square(lon: float) -> dict[str, Any]:
    ring = [[lon, 40.37], [lon + 0.05, 40.37], [lon + 0.05, 40.43], [lon, 40.43], [lon, 40.37]]
    return {"type": "Polygon", "coordinates": [ring]}


def application(city: City) -> Any:
    """Faces and portal as the server composes them."""
    from starlette.applications import Starlette

    api = faces.routes(city.door, city.catalogue, city.settings, CityCallers(city.access), city.access)
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, city.lake.quarantine)
    handlers = faces.handlers(portal.error_page(city.settings))
    inner = Starlette(routes=[*api, *pages], exception_handlers=handlers)
    return faces.wrap(inner, city.door, city.catalogue, city.settings)
