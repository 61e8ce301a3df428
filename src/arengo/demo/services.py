"""What citizens ask the city for, and the buildings where they ask."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from arengo.demo import files, names
from arengo.demo.promise import Column, Promise, between, rows_at_least
from arengo.demo.world import EVERY, Dataset, World

KINDS = (
    (
        "Street tree",
        "Verde pubblico",
        9,
        ("branch hanging over the pavement", "roots lift the asphalt", "tree looks dead"),
    ),
    (
        "Pothole",
        "Lavori pubblici",
        14,
        ("deep hole near the crossing", "dangerous for bicycles", "came back after the rain"),
    ),
    ("Street light", "Lavori pubblici", 12, ("lamp flickers at night", "whole row is dark", "light stays on at noon")),
    ("Full bin", "Ambiente", 16, ("bin overflows since Friday", "bags beside the container", "smells near the school")),
    (
        "Illegal dumping",
        "Ambiente",
        10,
        ("mattress left on the corner", "old tyres by the road", "paint cans in the ditch"),
    ),
    ("Noise", "Polizia locale", 8, ("music after midnight", "works before seven", "alarm rings for hours")),
    (
        "Abandoned vehicle",
        "Polizia locale",
        6,
        ("car without plates for weeks", "scooter blocks the ramp", "van with flat tyres"),
    ),
    ("Playground", "Verde pubblico", 4, ("swing chain broken", "glass in the sandpit", "slide is loose")),
    (
        "Water leak",
        "Acquedotto",
        6,
        ("water runs from the pavement", "hydrant drips", "pressure is low in the morning"),
    ),
    ("Sign", "Mobilità", 5, ("stop sign turned round", "street name missing", "sign hidden by leaves")),
    ("Bus stop", "Mobilità", 4, ("shelter glass broken", "timetable not readable", "bench missing")),
    ("Other", "Anagrafe", 6, ("please call back", "question about opening hours", "thanks for the quick repair")),
)


def _requests(world: World, step: int, folder: Path) -> None:
    """The ticket program was bought abroad: month first, twelve-hour clock, comma separated with every text quoted."""
    count = 34_000
    first = world.day(0) - timedelta(days=220)

    def make(random: np.random.Generator) -> dict[str, Any]:
        weight = np.array([item[2] for item in KINDS], dtype=float)
        cell, lon, lat = world.ground.scatter(random, count)
        span = (world.end - first).days * 1440
        return {
            "minute": np.sort(random.integers(0, span, count)), "kind": random.choice(len(KINDS), count,
            p=weight / weight.sum()),
            "cell": cell, "lon": lon, "lat": lat, "days": random.gamma(1.3, 6.5, count),
            "luck": random.random((count, 3)),
        }  # fmt: skip

    all_requests = world.once("requests", make)
    start = datetime(first.year, first.month, first.day)
    now = world.moment(step).replace(tzinfo=None)
    rows = []
    for i in range(count):
        created = start + timedelta(minutes=int(all_requests["minute"][i]))
        if created >= now:
            break
        kind, office, _, phrases = KINDS[int(all_requests["kind"][i])]
        closed = created + timedelta(days=float(all_requests["days"][i]))
        luck = all_requests["luck"][i]
        status = "Closed" if closed < now else "In progress" if luck[0] < 0.4 else "Open"
        if status == "Closed" and luck[0] < 0.03:
            status = "Duplicate"
        cell = world.ground.cells[int(all_requests["cell"][i])]
        blank = luck[1] < 0.03
        rows.append(
            (700_000 + i, _us(created), _us(closed) if status in ("Closed", "Duplicate") else "", kind, status)
            + (names.DISTRICTS[cell.district - 1] if not blank else "Unspecified", cell.name if not blank else "")
            + (
                f"{phrases[int(luck[2] * 3)]}, {phrases[int(luck[1] * 3)]}",
                office,
                ("App", "Phone", "Web", "Desk")[int(luck[2] * 4)],
            )
            + (("", "") if blank else (f"{all_requests['lat'][i]:.8f}", f"{all_requests['lon'][i]:.8f}"))
        )
    header = (
        "Request ID", "Created Date", "Closed Date", "Request Type", "Status", "District", "Neighborhood",
        "Description",
        "Assigned To", "Channel", "Latitude", "Longitude",
    )  # fmt: skip
    files.table(folder / "segnalazioni" / "service_requests.csv", header, rows, newline="\r\n")


def _us(when: datetime) -> str:
    hour = when.hour % 12 or 12
    return f"{when.month}/{when.day}/{when.year} {hour}:{when.minute:02d} {'AM' if when.hour < 12 else 'PM'}"


_requests_promise = Promise(
    id="service-requests",
    name="Service requests",
    purpose="What citizens report to the city, where, and when it was settled.",
    it=("Segnalazioni", "Cosa segnalano i cittadini al comune, dove, e quando è stato risolto."),
    usage="Finding what is asked where; how long it takes.",
    limitations="Requests without a place have no coordinates. Descriptions are shortened and carry no names.",
    owner="Citizen Services",
    domain="citizens",
    theme="GOVE",
    frequency="DAILY",
    tags=("citizens", "requests", "311"),
    source={"kind": "csv", "path": "sources/segnalazioni/service_requests.csv", "encoding": "utf-8", "delimiter": ","},
    geometry={"x": "lon", "y": "lat"},
    time="created_at",
    sort=("-created_at", "id"),
    filters=(("kind", "district", "-created_at"), ("status", "-created_at")),
    search=("description",),
    columns=(
        Column("id", "integer", "Request", "", "Segnalazione", source="Request ID", key=True),
        Column("created_at", "timestamp", "Created", "Local time in the source.", "Creata", source="Created Date",
               required=True,
               parse={"formats": ["%m/%d/%Y %I:%M %p"]}),
        Column("closed_at", "timestamp", "Closed", "Empty while open.", "Chiusa", source="Closed Date",
               parse={"formats": ["%m/%d/%Y %I:%M %p"]}),
        Column("kind", "string", "About", "", "Argomento", source="Request Type", required=True),
        Column("status", "string", "Status", "", "Stato", source="Status", required=True,
               codes={"Open": "Open", "In progress": "In progress", "Closed": "Closed", "Duplicate": "Duplicate"}),
        Column("district", "string", "District", "Name.", "Distretto", source="District",
               parse={"nulls": ["Unspecified"]}),
        Column("neighbourhood", "string", "Neighbourhood", "Name.", "Quartiere", source="Neighborhood"),
        Column("description", "string", "Description", "", "Descrizione", source="Description"),
        Column("assigned_to", "string", "Assigned to", "Office, in Italian.", "Assegnata a", source="Assigned To"),
        Column("channel", "string", "Channel", "", "Canale", source="Channel"),
        Column("lat", "number", "Latitude", "", "Latitudine", source="Latitude", unit="°"),
        Column("lon", "number", "Longitude", "", "Longitudine", source="Longitude", unit="°"),
    ),
    rules=(rows_at_least(5_000), between("lat", 40.0, 41.0)),
)  # fmt: skip

_FACILITIES = (
    ("Pharmacy", "Farmacia", 46), ("Doctor", "Ambulatorio", 38), ("Town office", "Ufficio comunale", 26),
     ("Museum", "Museo", 12),
    ("Sports ground", "Campo sportivo", 44), ("Swimming pool", "Piscina", 6), ("Theatre", "Teatro", 7),
     ("Market", "Mercato", 14),
    ("Police", "Polizia", 8), ("Fire station", "Vigili del fuoco", 3), ("Drinking fountain", "Fontanella", 150),
     ("Toilet", "Bagni", 24),
)  # fmt: skip


def _facilities(world: World, step: int, folder: Path) -> None:
    random = world.random("facilities")
    points, rows = [], []
    number = 0
    for kind, word, count in _FACILITIES:
        cell, lon, lat = world.ground.scatter(random, count)
        for i in range(count):
            number += 1
            where = world.ground.cells[int(cell[i])]
            if (step < 4 and number % 61 == 0) or (step >= 2 and number % 97 == 0):
                continue
            name = f"{word} {random.choice(names.SAINTS) if kind in ('Pharmacy', 'Theatre') else where.name}"
            points.append(files.wkb_point(float(lon[i]), float(lat[i])))
            rows.append(
                (
                    f"SRV{number:04d}",
                    name,
                    kind,
                    f"{where.district:02d}",
                    number % 4 != 0,
                    "8:00-20:00" if number % 3 else "0-24",
                )
            )
    titles = ("codice", "nome", "tipo", "distretto", "accessibile", "orario")
    columns: dict[str, list[Any]] = {title: [row[i] for row in rows] for i, title in enumerate(titles)}
    columns["accessibile"] = [int(value) for value in columns["accessibile"]]
    path = folder / "servizi" / "servizi.gpkg"
    files.layer(path, points, "Point", columns, driver="GPKG", crs="EPSG:4326", layer="servizi")


_facilities_promise = Promise(
    id="facilities",
    name="Public facilities",
    purpose="Pharmacies, doctors, sports grounds, museums, fountains and more, with their place.",
    it=("Servizi pubblici", "Farmacie, ambulatori, campi sportivi, musei, fontanelle e altro, con la posizione."),
    owner="Citizen Services",
    domain="citizens",
    theme="SOCI",
    frequency="QUARTERLY",
    tags=("facilities", "map"),
    source={"kind": "geopackage", "path": "sources/servizi/servizi.gpkg", "layer": "servizi"},
    geometry={"column": "geometry"},
    filters=(("kind", "district"),),
    search=("name",),
    columns=(
        Column("id", "string", "Facility", "", "Servizio", source="codice", key=True),
        Column("name", "string", "Name", "", "Nome", source="nome", required=True),
        Column("kind", "string", "Kind", "", "Tipo", source="tipo", required=True),
        Column("district", "string", "District", "Two digits.", "Distretto", source="distretto"),
        Column(
            "step_free",
            "boolean",
            "Step-free",
            "",
            "Accessibile",
            source="accessibile",
            parse={"true": ["1"], "false": ["0"]},
        ),
        Column("hours", "string", "Hours", "", "Orario", source="orario"),
        Column("geometry", "geometry", "Place", "Point.", "Posizione"),
    ),
    rules=(rows_at_least(200),),
)


def _accessibility(world: World, step: int, folder: Path) -> None:
    random = world.random("accessibility")
    rows = []
    for i in range(240):
        cell = world.ground.cells[int(random.integers(0, 30))]
        ramp, lift, toilet = (("S" if random.random() < p else "N") for p in (0.7, 0.4, 0.55))
        if step >= 3 and i % 17 == 0:
            ramp = "S"
        steps = 0 if ramp == "S" else int(random.integers(1, 14))
        door = "S/N" if random.random() < 0.05 else str(int(random.integers(70, 130)))
        rows.append((f"ED{i + 1:04d}",
                    f"{('Scuola', 'Ufficio', 'Biblioteca', 'Palestra', 'Piscina', 'Museo')[i % 6]} {i // 6 + 1}",
                    f"{cell.district:02d}", ramp, lift, toilet, steps, door,
                    "" if i % 9 else "mancano i cartelli tattili"))  # fmt: skip
    header = (
        " Codice",
        "Edificio ",
        "Distretto",
        "Rampa",
        "Ascensore",
        "Bagno attrezzato",
        "Gradini",
        "Porta cm",
        "Note",
    )
    files.table(folder / "accessibilita" / "edifici.csv", header, rows, delimiter=";", encoding="utf-8-sig")


_FLAG = {"true": ["S"], "false": ["N"]}
_accessibility_promise = Promise(
    id="building-accessibility",
    name="Accessibility of public buildings",
    purpose="Ramps, lifts, toilets, steps and door widths of public buildings, as surveyed with the associations.",
    it=(
        "Accessibilità degli edifici pubblici",
        "Rampe, ascensori, bagni, gradini e porte degli edifici pubblici, rilevati con le associazioni.",
    ),
    owner="Citizen Services",
    domain="citizens",
    theme="SOCI",
    frequency="ANNUAL_2",
    tags=("accessibility", "buildings"),
    source={"kind": "csv", "path": "sources/accessibilita/edifici.csv", "encoding": "utf-8-sig", "delimiter": ";"},
    columns=(
        Column(
            "building", "string", "Building", "As in energy-public-buildings.", "Edificio", source="Codice", key=True
        ),
        Column("name", "string", "Name", "", "Nome", source="Edificio", required=True),
        Column("district", "string", "District", "Two digits.", "Distretto", source="Distretto"),
        Column("ramp", "boolean", "Ramp", "", "Rampa", source="Rampa", parse=_FLAG),
        Column("lift", "boolean", "Lift", "", "Ascensore", source="Ascensore", parse=_FLAG),
        Column(
            "toilet", "boolean", "Accessible toilet", "", "Bagno attrezzato", source="Bagno attrezzato", parse=_FLAG
        ),
        Column("steps", "integer", "Steps at the door", "", "Gradini", source="Gradini"),
        Column(
            "door_cm",
            "integer",
            "Door width",
            "",
            "Larghezza porta",
            source="Porta cm",
            unit="cm",
            parse={"nulls": ["S/N"]},
        ),
        Column("note", "string", "Note", "In Italian.", "Note", source="Note"),
    ),
    rules=(rows_at_least(100),),
)

DATASETS = (
    Dataset({0: _requests_promise}, EVERY, _requests),
    Dataset({0: _facilities_promise}, (0, 2, 4), _facilities),
    Dataset({0: _accessibility_promise}, (0, 3), _accessibility),
)
