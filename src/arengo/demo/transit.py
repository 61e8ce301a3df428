"""The bus network as a GTFS feed: one file, eight datasets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from arengo.demo import files
from arengo.demo.geography import RADII, place
from arengo.demo.promise import Column, Promise, rows_at_least
from arengo.demo.world import Dataset, World

DOMAIN = "mobility"
OWNER = "Arvenza Buses"

Feed = dict[str, tuple[tuple[str, ...], list[Sequence[Any]]]]

# line, colour, points of its way as (radius in metres, degree)
LINES: tuple[tuple[str, str, str, tuple[tuple[float, float], ...]], ...] = (
    ("1", "Cala Rossa - Punta Levante", "B03A2E", ((3600, 205), (2700, 190), (1700, 160), (900, 105), (1700, 50),
     (2700, 20), (3800, 8))),
    ("2", "Monte Civetta - Darsena", "1F618D", ((5300, 75), (4000, 75), (2700, 75), (1700, 75), (900, 60), (300, 35))),
    ("3", "Orti Nuovi - Fornaci", "117A65", ((2400, 178), (1700, 140), (1300, 105), (1700, 70), (2700, 45),
     (3700, 40))),
    ("4", "Prima Cinta", "7D3C98", ((900, 5), (900, 60), (900, 105), (900, 150), (900, 205))),
    ("5", "Terza Cinta", "AF601A", ((2700, 5), (2700, 55), (2700, 105), (2700, 155), (2700, 205))),
    ("6", "Bosco Comune - Piazza Grande", "2E4053", ((5200, 165), (4000, 160), (2700, 150), (1700, 125), (600, 105))),
    ("7", "Valle Serena - Molo Ponente", "196F3D", ((5400, 105), (4000, 115), (2700, 130), (1700, 165), (1000, 200))),
    ("8", "Le Querce - Saline - Darsena", "943126", ((5100, 45), (4000, 40), (2700, 25), (1700, 30), (900, 25),
     (300, 20))),
    ("9", "Mulini - Ospedale", "5B2C6F", ((3700, 122), (2700, 108), (2000, 95), (1500, 60), (1200, 45))),
    ("N", "Notturna", "1B2631", ((3600, 195), (1700, 170), (600, 105), (1700, 40), (3400, 30))),
)  # fmt: skip


def _feed(world: World, step: int) -> Feed:
    random = world.random("transit")
    start = world.day(0) - timedelta(days=20)
    summer = step >= 4
    feed: Feed = {}
    feed["agency.txt"] = (
        ("agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang"),
        [("AVB", OWNER, "https://bus.arvenza.example", "Europe/Rome", "it")],
    )
    first, last = (world.day(4), world.end + timedelta(days=120)) if summer else (start, world.day(4))
    week = [("FER", 1, 1, 1, 1, 1, 0, 0), ("SAB", 0, 0, 0, 0, 0, 1, 0), ("FES", 0, 0, 0, 0, 0, 0, 1)]
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    feed["calendar.txt"] = (
        ("service_id", *days, "start_date", "end_date"),
        [(*row, first.strftime("%Y%m%d"), last.strftime("%Y%m%d")) for row in week],
    )
    holiday = first + timedelta(days=24)
    feed["calendar_dates.txt"] = (
        ("service_id", "date", "exception_type"),
        [("FES", holiday.strftime("%Y%m%d"), 1), ("FER", holiday.strftime("%Y%m%d"), 2)],
    )
    stops: dict[tuple[int, int], tuple[str, str, float, float]] = {}
    routes: list[Sequence[Any]] = []
    trips: list[Sequence[Any]] = []
    times: list[Sequence[Any]] = []
    shapes: list[Sequence[Any]] = []
    for number, name, colour, way in LINES:
        route = f"L{number}"
        routes.append((route, "AVB", number, name, 3, colour, "FFFFFF"))
        radius, degree = _way(way)
        lon, lat = place(radius, degree)
        for i in range(len(lon)):
            shapes.append((f"S{number}", f"{lat[i]:.6f}", f"{lon[i]:.6f}", i + 1))
        called: list[str] = []
        for i in range(0, len(lon), 3):
            spot = (round(radius[i] / 120), round(degree[i] * max(radius[i], 300) / 8000))
            if spot not in stops:
                street = world.ground.streets[int(random.integers(0, len(world.ground.streets)))].name
                stops[spot] = (f"F{len(stops) + 1:04d}", f"{street} {len(stops) % 3 + 1}", float(lat[i]), float(lon[i]))
            if not called or called[-1] != stops[spot][0]:
                called.append(stops[spot][0])
        for service, minutes in (("FER", 30), ("SAB", 45), ("FES", 60)):
            gap = minutes * (2 if number in ("N", "7", "8") else 1) + (10 if summer and number in ("3", "9") else 0)
            opening, closing = (23 * 60, 29 * 60) if number == "N" else (5 * 60 + 40, 22 * 60 + 30)
            for direction in (0, 1):
                for k, leave in enumerate(range(opening, closing, gap)):
                    trip = f"{route}-{service}-{direction}-{k:02d}"
                    trips.append(
                        (route, service, trip, name.split(" - ")[-1 if direction == 0 else 0], direction, f"S{number}")
                    )
                    clock = leave * 60
                    for order, stop in enumerate(called if direction == 0 else reversed(called), 1):
                        stamp = f"{clock // 3600:02d}:{clock % 3600 // 60:02d}:{clock % 60:02d}"
                        times.append((trip, stamp, stamp, stop, order))
                        clock += 55 + (order * 37) % 50
    closed = "F0012" if step >= 4 else ""
    feed["stops.txt"] = (
        ("stop_id", "stop_name", "stop_lat", "stop_lon", "wheelchair_boarding"),
        [
            (
                code,
                name + (" (spostata)" if code == closed else ""),
                f"{lat:.6f}",
                f"{lon:.6f}",
                1 + (int(code[1:]) % 4 == 0),
            )
            for code, name, lat, lon in stops.values()
        ],
    )
    feed["routes.txt"] = (
        (
            "route_id",
            "agency_id",
            "route_short_name",
            "route_long_name",
            "route_type",
            "route_color",
            "route_text_color",
        ),
        routes,
    )
    feed["trips.txt"] = (("route_id", "service_id", "trip_id", "trip_headsign", "direction_id", "shape_id"), trips)
    feed["stop_times.txt"] = (("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence"), times)
    feed["shapes.txt"] = (("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"), shapes)
    return feed


def _way(way: tuple[tuple[float, float], ...]) -> tuple[Any, Any]:
    points = np.array(way)
    steps = np.arange(len(points))
    fine = np.linspace(0, len(points) - 1, (len(points) - 1) * 9 + 1)
    radius = np.clip(np.interp(fine, steps, points[:, 0]), RADII[0] + 20, RADII[-1] - 20)
    return radius, np.interp(fine, steps, points[:, 1])


def _write(world: World, step: int, folder: Path) -> None:
    members = {}
    for name, (header, rows) in _feed(world, step).items():
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)
        members[name] = out.getvalue().encode("utf-8-sig" if name == "stops.txt" else "utf-8")
    files.archive(folder / "trasporti" / "gtfs.zip", members)


def _promise(table: str, name: str, purpose: str, it: tuple[str, str], *columns: Column, **more: Any) -> Promise:
    return Promise(
        id=f"transit-{table.replace('_', '-')}",
        name=name,
        purpose=purpose,
        it=it,
        owner=OWNER,
        domain=DOMAIN,
        theme="TRAN",
        frequency="QUARTERLY",
        tags=("buses", "GTFS"),
        usage="Trip planning; the whole feed follows the GTFS Schedule reference.",
        source={"kind": "gtfs", "path": "sources/trasporti/gtfs.zip", "table": table},
        columns=columns,
        **more,
    )


_GTFS_DAY = {"formats": ["%Y%m%d"]}
_FLAG = {"true": ["1"], "false": ["0"]}

_PROMISES = {
    "agency": _promise(
        "agency", "Bus operator", "Who runs the buses.", ("Gestore degli autobus", "Chi gestisce gli autobus."),
        Column("agency_id", "string", "Operator", "", "Gestore", key=True),
        Column("agency_name", "string", "Name", "", "Nome", required=True),
        Column("agency_url", "string", "Address", "", "Sito"),
        Column("agency_timezone", "string", "Time zone", "", "Fuso orario"),
        Column("agency_lang", "string", "Language", "", "Lingua"),
    ),
    "stops": _promise(
        "stops", "Bus stops", "Where buses stop and whether one boards without a step.",
        ("Fermate", "Dove fermano gli autobus e se si sale senza gradini."),
        Column("stop_id", "string", "Stop", "", "Fermata", key=True),
        Column("stop_name", "string", "Name", "", "Nome", required=True),
        Column("stop_lat", "number", "Latitude", "", "Latitudine", unit="°"),
        Column("stop_lon", "number", "Longitude", "", "Longitudine", unit="°"),
        Column("wheelchair_boarding", "string", "Wheelchair boarding", "", "Accesso in carrozzina",
               codes={"0": "Unknown", "1": "Possible", "2": "Not possible"}),
        geometry={"x": "stop_lon", "y": "stop_lat"}, search=("stop_name",), rules=(rows_at_least(50),),
    ),
    "routes": _promise(
        "routes", "Bus lines", "The lines with their number and colour.", ("Linee", "Le linee con numero e colore."),
        Column("route_id", "string", "Line", "", "Linea", key=True),
        Column("agency_id", "string", "Operator", "", "Gestore"),
        Column("route_short_name", "string", "Number", "", "Numero", required=True),
        Column("route_long_name", "string", "Name", "", "Nome"),
        Column("route_type", "string", "Kind", "", "Tipo", codes={"3": "Bus"}),
        Column("route_color", "string", "Colour", "Hexadecimal, without #.", "Colore"),
        Column("route_text_color", "string", "Text colour", "", "Colore del testo"),
    ),
    "trips": _promise(
        "trips", "Bus trips", "Every run of every line.", ("Corse", "Ogni corsa di ogni linea."),
        Column("trip_id", "string", "Trip", "", "Corsa", key=True),
        Column("route_id", "string", "Line", "", "Linea", required=True),
        Column("service_id", "string", "Days", "As in transit-calendar.", "Giorni"),
        Column("trip_headsign", "string", "Towards", "", "Direzione"),
        Column("direction_id", "string", "Direction", "", "Verso", codes={"0": "Out", "1": "Back"}),
        Column("shape_id", "string", "Way", "", "Percorso"),
        filters=(("route_id", "service_id"),),
    ),
    "stop_times": _promise(
        "stop_times", "Bus timetable", "When each trip calls at each stop.",
        ("Orari", "Quando ogni corsa passa a ogni fermata."),
        Column("trip_id", "string", "Trip", "", "Corsa", key=True),
        Column("arrival_time", "string", "Arrival", "Hours after noon minus twelve: may pass 24:00.", "Arrivo"),
        Column("departure_time", "string", "Departure", "", "Partenza"),
        Column("stop_id", "string", "Stop", "", "Fermata", required=True),
        Column("stop_sequence", "integer", "Order", "", "Ordine", key=True),
        filters=(("stop_id", "departure_time"),), rules=(rows_at_least(5_000),),
    ),
    "calendar": _promise(
        "calendar", "Bus service days", "On which days of the week each service runs.",
        ("Giorni di servizio", "In quali giorni della settimana circola ogni servizio."),
        Column("service_id", "string", "Days", "", "Giorni", key=True),
        *(
            Column(day, "boolean", day.capitalize(), "", italian, parse=_FLAG)
            for day, italian in zip(
                ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
                ("Lunedì", "Martedì", "Mercoledì", "Giovedì", "Venerdì", "Sabato", "Domenica"), strict=True,
            )
        ),
        Column("start_date", "date", "From", "", "Dal", parse=_GTFS_DAY),
        Column("end_date", "date", "To", "", "Al", parse=_GTFS_DAY),
    ),
    "calendar_dates": _promise(
        "calendar_dates", "Bus service exceptions", "Holidays on which another service runs.",
        ("Eccezioni di servizio", "I festivi in cui circola un altro servizio."),
        Column("service_id", "string", "Days", "", "Giorni", key=True),
        Column("date", "date", "Date", "", "Data", key=True, parse=_GTFS_DAY),
        Column("exception_type", "string", "Exception", "", "Eccezione", codes={"1": "Added", "2": "Removed"}),
    ),
    "shapes": _promise(
        "shapes", "Bus ways", "The way of each line as points in order.",
        ("Percorsi", "Il percorso di ogni linea, per punti."),
        Column("shape_id", "string", "Way", "", "Percorso", key=True),
        Column("shape_pt_sequence", "integer", "Order", "", "Ordine", key=True),
        Column("shape_pt_lat", "number", "Latitude", "", "Latitudine", unit="°"),
        Column("shape_pt_lon", "number", "Longitude", "", "Longitudine", unit="°"),
        geometry={"x": "shape_pt_lon", "y": "shape_pt_lat"},
    ),
}  # fmt: skip

_TWICE = ("stops", "trips", "stop_times", "calendar", "calendar_dates")
DATASETS = tuple(
    Dataset({0: promise}, (0, 4) if name in _TWICE else (0,), _write if name == "stops" else None)
    for name, promise in _PROMISES.items()
)
