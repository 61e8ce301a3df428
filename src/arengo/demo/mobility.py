"""Traffic counts, parking, shared bikes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from arengo.demo import files
from arengo.demo.promise import Column, Promise, between, few_empty, rows_at_least
from arengo.demo.world import EVERY, Dataset, World

DOMAIN = "mobility"
OWNER = "Mobility Department"


# Traffic: dd/mm/yy, dBase types in the header, three ways to say unknown


def _traffic(world: World, step: int, folder: Path) -> None:
    first = world.day(0) - timedelta(days=10)
    counters = [s for s in world.ground.streets if s.kind in ("Viale", "Corso")][:22]

    def make(random: np.random.Generator) -> Any:
        hours = (world.end - first).days * 24
        clock = np.arange(hours) % 24
        weekday = (np.arange(hours) // 24 + first.weekday()) % 7
        shape = (
            0.15
            + np.exp(-((clock - 8) ** 2) / 5)
            + 0.9 * np.exp(-((clock - 18) ** 2) / 7)
            + 0.4 * (abs(clock - 13) < 4)
        )
        shape = shape * np.where(weekday > 4, 0.62, 1.0)
        base = np.exp(random.normal(6.3, 0.5, len(counters)))
        values = random.poisson(base[:, None] * shape[None, :])
        return (
            values,
            random.random((len(counters), hours)),
            np.clip(random.normal(37, 6, (len(counters), hours)), 8, 70),
        )

    values, luck, speed = world.once("traffic", make)
    rows = []
    for hour in range((world.day(step) - first).days * 24):
        day = first + timedelta(days=hour // 24)
        for c, street in enumerate(counters):
            broken = c == 5 and 40 <= hour // 24 < 52 and step >= 1
            count: Any = int(values[c, hour])
            if broken and step >= 2:
                count = "#N/A"  # the loop was cut by roadworks; the values of the version before were noise
            elif broken:
                count = count * 7
            elif luck[c, hour] < 0.006:
                count = 99999
            elif luck[c, hour] < 0.011:
                count = "#N/A"
            kmh = "#N/A" if isinstance(count, str) or count == 99999 else f"{speed[c, hour]:.1f}".replace(".", ",")
            rows.append((f"SP{c + 1:03d}", street.name, day.strftime("%d/%m/%y"), hour % 24, count, kmh))
    header = ("SPIRA,C,5", "VIA,C,60", "DATA,D", "ORA,N,2,0", "VEICOLI,N,6,0", "VEL_MEDIA,N,5,1")
    files.table(folder / "traffico" / "conteggi.csv", header, rows, delimiter=";", encoding="latin-1", newline="\r\n")


_traffic_promise = Promise(
    id="traffic-counts",
    name="Traffic counts",
    purpose="Vehicles an hour and their mean speed at loops in the main roads.",
    it=("Conteggi del traffico", "Veicoli all'ora e velocità media alle spire delle strade principali."),
    usage="Traffic models, noise maps, before-and-after studies.",
    limitations="#N/A and 99999 both mean that the loop did not count.",
    owner=OWNER,
    domain=DOMAIN,
    theme="TRAN",
    frequency="MONTHLY",
    tags=("traffic", "sensors"),
    source={"kind": "csv", "path": "sources/traffico/conteggi.csv", "encoding": "iso-8859-1", "delimiter": ";"},
    time="day",
    sort=("counter", "day", "hour"),
    filters=(("counter", "-day"),),
    columns=(
        Column("counter", "string", "Counter", "Number of the loop.", "Spira", source="SPIRA,C,5", key=True),
        Column("street", "string", "Street", "", "Via", source="VIA,C,60"),
        Column("day", "date", "Day", "", "Data", source="DATA,D", key=True, parse={"formats": ["%d/%m/%y"]}),
        Column("hour", "integer", "Hour", "0 to 23, local time.", "Ora", source="ORA,N,2,0", key=True),
        Column("vehicles", "integer", "Vehicles", "", "Veicoli", source="VEICOLI,N,6,0", unit="vehicles/h",
               parse={"nulls": ["#N/A", "99999"]}, rules=(between("vehicles", 0, 12_000), few_empty(5))),
        Column("speed_kmh", "number", "Mean speed", "", "Velocità media", source="VEL_MEDIA,N,5,1", unit="km/h",
               parse={"decimal": ",", "nulls": ["#N/A"]}),
    ),
    rules=(rows_at_least(2_000),),
)  # fmt: skip

# Parking: newline-delimited JSON, a rolling fortnight of quarter hours

GARAGES = ("Darsena", "Piazza Grande", "Molo Ponente", "Belvedere", "Ospedale", "Stazione Marittima", "Fornaci",
           "Mercato", "Teatro", "Orti", "Cala Rossa", "Stadio")  # fmt: skip
PLACES = (420, 310, 260, 180, 640, 380, 150, 210, 240, 300, 520, 800)


def _parking(world: World, step: int, folder: Path) -> None:
    random = np.random.default_rng([world.seed, 31, step])
    last = datetime.combine(world.day(step), time(4), tzinfo=UTC)
    ticks = 12 * 24 * 4
    clock = (np.arange(ticks) / 4 + 4) % 24
    lines = []
    busy = 0.25 + 0.5 * np.exp(-((clock - 11) ** 2) / 14) + 0.3 * np.exp(-((clock - 20) ** 2) / 6)
    share = np.clip(busy[:, None] + random.normal(0, 0.05, (ticks, 12)) + np.linspace(-0.1, 0.1, 12)[None, :], 0.01, 1)
    for tick in range(ticks):
        stamp = (last - timedelta(minutes=15 * (ticks - tick))).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        for g, name in enumerate(GARAGES):
            if g == 6 and tick % 97 < 5:
                continue
            free = int(PLACES[g] * (1 - share[tick, g]))
            closed = g == 8 and step >= 4
            lines.append(
                json.dumps(
                    {"garage": f"P{g + 1:02d}", "name": name, "time": stamp, "places": PLACES[g]}
                    | {"free": None if closed else free, "status": "closed" if closed else "open"},
                    ensure_ascii=False,
                )
            )
    files.write(folder / "sosta" / "parcheggi.ndjson", "\n".join(lines) + "\n")


_parking_promise = Promise(
    id="parking-occupancy",
    name="Parking occupancy",
    purpose="Free places in the public garages every quarter of an hour, for the last twelve days.",
    it=("Occupazione dei parcheggi", "Posti liberi nei parcheggi pubblici ogni quarto d'ora, ultimi dodici giorni."),
    usage="Guidance signs; finding when a garage fills up.",
    owner="Parking Company",
    domain=DOMAIN,
    theme="TRAN",
    frequency="15MIN",
    tags=("parking", "live"),
    source={"kind": "ndjson", "path": "sources/sosta/parcheggi.ndjson"},
    time="time",
    sort=("garage", "time"),
    filters=(("garage", "-time"),),
    columns=(
        Column("garage", "string", "Garage", "", "Parcheggio", key=True),
        Column("name", "string", "Name", "", "Nome"),
        Column("time", "timestamp", "Time", "UTC.", "Ora", key=True),
        Column("places", "integer", "Places", "", "Posti", unit="places", required=True),
        Column("free", "integer", "Free places", "Unknown while closed.", "Posti liberi", unit="places"),
        Column("status", "string", "Status", "", "Stato", codes={"open": "Open", "closed": "Closed"}),
    ),
    rules=(rows_at_least(1_000), between("free", 0, 1_000)),
)

# Shared bikes: one answer of the operator's API, coordinates in millionths of a degree


def _bikes(world: World, step: int, folder: Path) -> None:
    def make(random: np.random.Generator) -> Any:
        return world.ground.scatter(random, 66)

    cell, lon, lat = world.once("bikes", make)
    random = np.random.default_rng([world.seed, 32, step])
    stations = []
    when = datetime.combine(world.day(step), time(4, 10), tzinfo=UTC)
    for i in range(66):
        if i >= 63 and step < 5:
            continue  # three stations open with the sixth version
        docks = 12 + (i * 7) % 20
        closed = i == 17 and step >= 4
        if i == 40 and step >= 6:
            continue  # taken away
        bikes = 0 if closed else int(random.integers(0, docks + 1))
        where = world.ground.cells[int(cell[i])]
        moved = 1 if i == 9 and step >= 2 else 0
        stations.append(
            {
                "station_id": f"{i + 101}",
                "name": f"{i + 101:03d} - {where.name.upper()} ",
                "lat": round((lat[i] + moved * 0.0004) * 1e6),
                "lon": round(lon[i] * 1e6),
                "capacity": docks,
                "bikes": bikes,
                "free_docks": 0 if closed else docks - bikes,
                "status": "CLOSED" if closed else "OPEN",
                "last_report": (when - timedelta(seconds=int(random.integers(0, 400)))).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )
    answer = {"last_updated": int(when.timestamp()), "ttl": 60, "version": "1.4", "data": {"stations": stations}}
    files.write(folder / "bici" / "station_status.json", json.dumps(answer, ensure_ascii=False))


_bikes_promise = Promise(
    id="bike-stations",
    name="Bike stations",
    purpose="Shared-bike stations with bikes and free docks at the time of the last pull.",
    it=("Stazioni bici", "Stazioni delle biciclette condivise, con bici e stalli liberi all'ultimo aggiornamento."),
    usage="Trip planners; watching how stations open and close.",
    limitations="The operator writes coordinates in millionths of a degree and packs the number into the name.",
    owner=OWNER,
    domain=DOMAIN,
    theme="TRAN",
    frequency="15MIN",
    tags=("bikes", "live"),
    source={"kind": "json", "path": "sources/bici/station_status.json", "records": "data.stations"},
    geometry={"x": "lon", "y": "lat"},
    columns=(
        Column("station_id", "string", "Station", "", "Stazione", key=True),
        Column("name", "string", "Name", "Number and quarter.", "Nome", required=True),
        Column("lat", "number", "Latitude", "", "Latitudine", unit="°", parse={"scale": 0.000001}),
        Column("lon", "number", "Longitude", "", "Longitudine", unit="°", parse={"scale": 0.000001}),
        Column("capacity", "integer", "Docks", "", "Stalli", unit="docks"),
        Column("bikes", "integer", "Bikes", "", "Bici", unit="bikes", rules=(between("bikes", 0, 60),)),
        Column("free_docks", "integer", "Free docks", "", "Stalli liberi", unit="docks"),
        Column("status", "string", "Status", "", "Stato", codes={"OPEN": "Open", "CLOSED": "Closed"}),
        Column("last_report", "timestamp", "Reported at", "UTC.", "Ultimo segnale"),
    ),
    time="last_report",
    rules=(rows_at_least(40),),
)

DATASETS = (
    Dataset({0: _traffic_promise}, (0, 1, 2, 6), _traffic),
    Dataset({0: _parking_promise}, EVERY, _parking),
    Dataset({0: _bikes_promise}, EVERY, _bikes),
)
