"""The land registry: districts, neighbourhoods, streets, addresses, building permits."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from arengo.demo import files, names
from arengo.demo.geography import Ring, utm32
from arengo.demo.promise import Column, Promise, between, rows_at_least
from arengo.demo.world import Dataset, World

OWNER = "Land and Maps Office"
DOMAIN = "territory"
PEOPLE = 184_000


def population(world: World) -> list[int]:
    """Residents of each neighbourhood, in the order of the cells."""
    return [round(PEOPLE * share) for share in world.ground.weights]


def square_kilometres(ring: Ring) -> float:
    x, y = utm32(*np.array(ring).T)
    return round(float(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2e6, 3)


def _districts(world: World, step: int, folder: Path) -> None:
    ground, people = world.ground, population(world)
    features = []
    for number, name in enumerate(names.DISTRICTS, 1):
        ring = ground.outline(ground.district(number))
        residents = sum(people[cell.number - 1] for cell in ground.district(number))
        features.append(
            (
                {"type": "Polygon", "coordinates": [ring]},
                {"cod_distretto": f"{number:02d}", "nome": name, "area_km2": square_kilometres(ring)}
                | {"residenti": residents, "sede": f"Piazza del Municipio {number}"},
            )
        )
    files.geojson(folder / "confini" / "distretti.geojson", "distretti", features)


def _neighbourhoods(world: World, step: int, folder: Path) -> None:
    ground, people = world.ground, population(world)
    features = []
    for cell in ground.cells:
        name = "Gasometro - Parco Nord" if step >= 3 and cell.name == "Gasometro" else cell.name
        ring = ground.outline([cell])
        features.append(
            (
                {"type": "Polygon", "coordinates": [ring]},
                {"cod_quartiere": cell.code, "nome": name, "cod_distretto": f"{cell.district:02d}"}
                | {"distretto": names.DISTRICTS[cell.district - 1], "residenti": people[cell.number - 1]}
                | {"area_km2": square_kilometres(ring)},
            )
        )
    files.geojson(folder / "confini" / "quartieri.geojson", "quartieri", features)


def _streets(world: World, step: int, folder: Path) -> None:
    """A zipped shapefile of UTM metres in a legacy code page, without the .prj that would say so."""
    ground = world.ground
    random = world.random("streets")
    lines, rows = [], []
    for street in ground.streets:
        east, north = utm32(*street.line.T)
        points = np.column_stack((np.round(east, 2), np.round(north, 2)))
        lines.append(files.wkb_line(points))
        length = float(np.hypot(*np.diff(points, axis=0).T).sum())
        main = street.kind in ("Viale", "Corso")
        limit = 50 if main else int(random.choice([30, 30, 30, 50]))
        if step >= 4 and street.cell in (0, 1, 2) and limit == 50 and not main:
            limit = 30
        rows.append((street.code, street.name, street.kind, round(length, 1), limit, "S" if main else "N"))
    scratch = folder / "confini" / ".grafo"
    scratch.mkdir(parents=True, exist_ok=True)
    titles = ("COD_VIA", "NOME", "TIPO", "LUNGH_M", "VEL_MAX", "PRINCIPALE")
    columns = dict(zip(titles, map(list, zip(*rows, strict=True)), strict=True))
    files.layer(
        scratch / "GRAFO_STRADE.shp",
        lines,
        "LineString",
        columns,
        driver="ESRI Shapefile",
        crs=None,
        encoding="CP1252",
        DBF_DATE_LAST_UPDATE="2024-03-05",
    )
    members = {}
    for suffix in ("shp", "shx", "dbf"):
        part = scratch / f"GRAFO_STRADE.{suffix}"
        members[part.name] = part.read_bytes()
    for part in scratch.iterdir():
        part.unlink()
    scratch.rmdir()
    files.archive(folder / "confini" / "grafo_strade.zip", members)


def _addresses(world: World, step: int, folder: Path) -> None:
    ground = world.ground
    houses = ground.houses

    def plan(random: np.random.Generator) -> tuple[Any, Any, Any]:
        born = random.choice([0, 0, 0, 0, 0, 2, 4, 6], len(houses), p=[0.196] * 5 + [0.008, 0.006, 0.006])
        mended = random.choice([0, 2, 4, 6], len(houses), p=[0.988, 0.005, 0.004, 0.003])
        return born, mended, random.integers(0, 4, len(houses))

    born, mended, how = world.once("addresses", plan)
    rows = []
    for i, house in enumerate(houses):
        if born[i] > step:
            continue
        number, suffix, lon, lat = house.number, house.suffix, house.lon, house.lat
        if mended[i] > step:  # the mistake that a later version corrects
            if how[i] == 0:
                number += 10
            elif how[i] == 1:
                suffix = ""
            elif how[i] == 2:
                lon, lat = round(lon + 0.0021, 6), round(lat - 0.0013, 6)
            else:
                number = int(f"{number}{number % 10}")
        cell = ground.cells[house.cell]
        street = ground.streets[house.street]
        rows.append(
            (
                house.id,
                street.code,
                street.name,
                number,
                suffix,
                house.postcode,
                f"{cell.district:02d}",
                cell.code,
                f"{lon:.6f}",
                f"{lat:.6f}",
            )
        )
    postcode = "POSTCODE" if step >= 4 else "CAP"
    header = ("ID_CIVICO", "COD_VIA", "VIA", "NUMERO", "ESPONENTE", postcode, "DISTRETTO", "QUARTIERE", "LON", "LAT")
    files.table(folder / "civici" / "numeri_civici.csv", header, rows)


def _permits(world: World, step: int, folder: Path) -> None:
    ground = world.ground
    kinds = ("Ristrutturazione", "Nuova costruzione", "Demolizione", "Fotovoltaico", "Cambio d'uso", "Sopraelevazione")

    def all_permits(random: np.random.Generator) -> list[tuple[Any, ...]]:
        count, first = 3_400, world.day(0) - timedelta(days=900)
        span = (world.end - first).days
        days = np.sort(random.integers(0, span, count))
        out = []
        for i in range(count):
            filed = first + timedelta(days=int(days[i]))
            decided = filed + timedelta(days=int(random.gamma(3.2, 24)) + 6)
            verdict = str(random.choice(["Rilasciato"] * 7 + ["Respinto", "Archiviato"]))
            house = ground.houses[int(random.integers(0, len(ground.houses)))]
            kind = int(random.choice(6, p=[0.45, 0.09, 0.05, 0.24, 0.1, 0.07]))
            cost = float(np.exp(random.normal((10.4, 12.6, 9.8, 9.3, 9.9, 11.2)[kind], 0.7)))
            out.append((filed, decided, verdict, house, kind, cost, float(random.gamma(2.0, 55))))
        return out

    rows = []
    for i, (filed, decided, verdict, house, kind, cost, area) in enumerate(world.once("permits", all_permits)):
        if filed >= world.day(step):
            break
        done = decided < world.day(step)
        cell = ground.cells[house.cell]
        rows.append(
            (
                f"PE/{filed.year}/{i + 1:05d}",
                filed.strftime("%d/%m/%Y"),
                decided.strftime("%d/%m/%Y") if done else "",
                verdict if done else "In istruttoria",
                kinds[kind],
                house.id,
                ground.address(house),
                f"{cell.district:02d}",
                f"€ {cost:,.0f}".replace(",", ".") if i % 1409 or done else "€ da definire",
                files.comma(area, 1) if kind != 3 else "n.d.",
                f"{house.lon:.6f}",
                f"{house.lat:.6f}",
            )
        )
    header = (
        "Pratica", "Data presentazione", "Data esito", "Esito", "Tipo intervento", "ID civico", "Indirizzo",
        "Distretto",
        "Importo lavori", "Superficie mq", "Longitudine", "Latitudine",
    )  # fmt: skip
    files.table(folder / "edilizia" / "permessi.csv", header, rows, delimiter=";", newline="\r\n")


DISTRICT = Column(
    "district",
    "string",
    "District",
    "Two-digit number of the district.",
    "Distretto",
    source="DISTRETTO",
    examples=("03",),
)

_districts_promise = Promise(
    id="districts",
    name="Districts",
    purpose="The ten districts of the city with their outlines, as the council last drew them.",
    it=("Distretti", "I dieci distretti della città con i loro confini, come li ha deliberati il consiglio."),
    usage="Base map; joining statistics to places by district number.",
    limitations="Outlines follow street centre lines and the shore at mean sea level.",
    owner=OWNER,
    domain=DOMAIN,
    theme="REGI",
    frequency="IRREG",
    tags=("boundaries", "base map"),
    source={"kind": "geojson", "path": "sources/confini/distretti.geojson"},
    geometry={"column": "geometry"},
    columns=(
        Column("code", "string", "District number", "Two digits.", "Numero", source="cod_distretto", key=True),
        Column("name", "string", "Name", "", "Nome", source="nome", required=True),
        Column("area_km2", "number", "Area", "Land area.", "Superficie", unit="km²"),
        Column("residents", "integer", "Residents", "On 1 January.", "Residenti", source="residenti", unit="persons"),
        Column("town_hall", "string", "Town hall", "Seat of the district council.", "Sede", source="sede"),
        Column("geometry", "geometry", "Outline", "Polygon, longitude and latitude on WGS 84.", "Confine"),
    ),
    rules=(rows_at_least(10),),
)

_neighbourhoods_promise = Promise(
    id="neighbourhoods",
    name="Neighbourhoods",
    purpose="The thirty neighbourhoods that make up the districts.",
    it=("Quartieri", "I trenta quartieri che compongono i distretti."),
    usage="Small-area statistics and maps.",
    owner=OWNER,
    domain=DOMAIN,
    theme="REGI",
    frequency="IRREG",
    tags=("boundaries", "base map"),
    source={"kind": "geojson", "path": "sources/confini/quartieri.geojson"},
    geometry={"column": "geometry"},
    columns=(
        Column(
            "code", "string", "Code", "District and neighbourhood number.", "Codice", source="cod_quartiere", key=True
        ),
        Column("name", "string", "Name", "", "Nome", source="nome", required=True),
        Column(
            "district", "string", "District", "District number.", "Distretto", source="cod_distretto", required=True
        ),
        Column("district_name", "string", "District name", "", "Nome del distretto", source="distretto"),
        Column("residents", "integer", "Residents", "On 1 January.", "Residenti", source="residenti", unit="persons"),
        Column("area_km2", "number", "Area", "Land area.", "Superficie", unit="km²"),
        Column("geometry", "geometry", "Outline", "Polygon, longitude and latitude on WGS 84.", "Confine"),
    ),
    rules=(rows_at_least(30),),
)

_streets_promise = Promise(
    id="streets",
    name="Streets",
    purpose="Every street of the city as a line, with its type, length and speed limit.",
    it=("Strade", "Tutte le strade della città come linee, con tipo, lunghezza e limite di velocità."),
    usage="Routing, maintenance planning, joining addresses by street code.",
    limitations="The source has no projection file; coordinates are ETRS89 / UTM zone 32N metres.",
    owner=OWNER,
    domain=DOMAIN,
    theme="TRAN",
    frequency="QUARTERLY",
    tags=("streets", "base map"),
    source={"kind": "shapefile", "path": "sources/confini/grafo_strade.zip", "encoding": "cp1252"},
    geometry={"column": "geometry"},
    crs="EPSG:25832",
    columns=(
        Column("code", "string", "Street code", "Four digits, zero padded.", "Codice via", source="COD_VIA", key=True),
        Column("name", "string", "Name", "", "Nome", source="NOME", required=True),
        Column("kind", "string", "Kind", "First word of the name.", "Tipo", source="TIPO"),
        Column("length_m", "number", "Length", "", "Lunghezza", source="LUNGH_M", unit="m"),
        Column(
            "speed_limit", "integer", "Speed limit", "", "Limite di velocità", source="VEL_MAX", unit="km/h",
            rules=(between("speed_limit", 10, 90),),
        ),
        Column(
            "main_road", "boolean", "Main road", "Carries through traffic.", "Strada principale", source="PRINCIPALE",
            parse={"true": ["S"], "false": ["N"]},
        ),
        Column("geometry", "geometry", "Line", "Centre line.", "Linea"),
    ),
    search=("name",),
    rules=(rows_at_least(200),),
)  # fmt: skip


def _addresses_promise(version: str, postcode: Column) -> Promise:
    return Promise(
        id="addresses",
        name="Addresses",
        version=version,
        purpose="Every house number with its street, district and position.",
        it=("Numeri civici", "Tutti i numeri civici con via, distretto e posizione."),
        usage="Geocoding; joining anything that carries an address.",
        limitations="Inner staircases and flats are not numbered here.",
        owner=OWNER,
        domain=DOMAIN,
        theme="REGI",
        frequency="MONTHLY",
        tags=("addresses", "base map"),
        source={"kind": "csv", "path": "sources/civici/numeri_civici.csv", "encoding": "utf-8", "delimiter": ","},
        geometry={"x": "lon", "y": "lat"},
        sort=("street_code", "number"),
        filters=(("street_code", "number"), ("district",)),
        search=("street",),
        columns=(
            Column("id", "string", "Address", "Stable identifier.", "Identificativo", source="ID_CIVICO", key=True),
            Column(
                "street_code", "string", "Street code", "As in streets.", "Codice via", source="COD_VIA", required=True
            ),
            Column("street", "string", "Street", "", "Via", source="VIA", required=True),
            Column("number", "integer", "Number", "", "Numero", source="NUMERO", required=True),
            Column("suffix", "string", "Suffix", "Letter or bis.", "Esponente", source="ESPONENTE"),
            postcode,
            DISTRICT,
            Column(
                "neighbourhood", "string", "Neighbourhood", "As in neighbourhoods.", "Quartiere", source="QUARTIERE"
            ),
            Column("lon", "number", "Longitude", "At the door.", "Longitudine", source="LON", unit="°"),
            Column("lat", "number", "Latitude", "At the door.", "Latitudine", source="LAT", unit="°"),
        ),
        rules=(rows_at_least(15_000),),
    )


_ZIP = Column("zip_code", "string", "Postcode", "Five digits, zero padded.", "CAP", source="CAP")
_POSTCODE = Column(
    "postcode", "string", "Postcode", "Five digits, zero padded.", "CAP", source="POSTCODE",
    custom={"arengoRenamedFrom": "zip_code"},
)  # fmt: skip

_permits_promise = Promise(
    id="building-permits",
    name="Building permits",
    purpose="Applications to build, alter or demolish, with the decision when there is one.",
    it=("Permessi edilizi", "Le pratiche per costruire, ristrutturare o demolire, con l'esito quando c'è."),
    usage="Following building activity; how long decisions take.",
    limitations="Applicants are not named. Costs are as declared by the applicant.",
    owner="Building Office",
    domain=DOMAIN,
    theme="GOVE",
    frequency="MONTHLY",
    tags=("building", "permits"),
    source={"kind": "csv", "path": "sources/edilizia/permessi.csv", "encoding": "utf-8", "delimiter": ";"},
    geometry={"x": "lon", "y": "lat"},
    time="filed_on",
    sort=("-filed_on",),
    filters=(("district", "-filed_on"),),
    columns=(
        Column("id", "string", "File number", "Kind, year and number.", "Pratica", source="Pratica", key=True),
        Column(
            "filed_on", "date", "Filed on", "", "Data presentazione", source="Data presentazione", required=True,
            parse={"formats": ["%d/%m/%Y"]},
        ),
        Column(
            "decided_on", "date", "Decided on", "Empty while under examination.", "Data esito", source="Data esito",
            parse={"formats": ["%d/%m/%Y"]},
        ),
        Column(
            "decision", "string", "Decision", "", "Esito", source="Esito",
            codes={"Rilasciato": "Granted", "Respinto": "Refused", "Archiviato": "Closed without decision",
                   "In istruttoria": "Under examination"},
        ),
        Column("work", "string", "Work", "Kind of work, in Italian.", "Tipo intervento", source="Tipo intervento"),
        Column("address_id", "string", "Address", "As in addresses.", "ID civico", source="ID civico"),
        Column("address", "string", "Address text", "", "Indirizzo", source="Indirizzo"),
        Column("district", "string", "District", "", "Distretto", source="Distretto"),
        Column(
            "cost_eur", "number", "Declared cost", "", "Importo lavori", source="Importo lavori", unit="EUR",
            parse={"thousands": ".", "decimal": ",", "strip": ["€"]},
        ),
        Column(
            "area_m2", "number", "Floor area", "Not asked for solar panels.", "Superficie", source="Superficie mq",
            unit="m²", parse={"decimal": ",", "nulls": ["n.d."]},
        ),
        Column("lon", "number", "Longitude", "", "Longitudine", source="Longitudine", unit="°"),
        Column("lat", "number", "Latitude", "", "Latitudine", source="Latitudine", unit="°"),
    ),
    rules=(
        rows_at_least(1_000),
    ),
)  # fmt: skip

DATASETS = (
    Dataset({0: _districts_promise}, (0,), _districts),
    Dataset({0: _neighbourhoods_promise}, (0, 3), _neighbourhoods),
    Dataset({0: _streets_promise}, (0, 4), _streets),
    Dataset(
        {0: _addresses_promise("1.0.0", _ZIP), 4: _addresses_promise("2.0.0", _POSTCODE)}, (0, 2, 4, 6), _addresses
    ),
    Dataset({0: _permits_promise}, (0, 3, 6), _permits),
)
