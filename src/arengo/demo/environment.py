"""Parks, air, noise, waste, water, energy."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from arengo.demo import files, names
from arengo.demo.geography import place
from arengo.demo.promise import Column, Promise, between, few_empty, one_of, rows_at_least
from arengo.demo.world import EVERY, Dataset, World

DOMAIN = "environment"
PARKS = "Parks and Gardens"
AGENCY = "Environment Agency of Arvenza"

# Street trees: latin-1, semicolons, decimal commas, felled trees vanish, planted ones appear


def _all_trees(world: World) -> Any:
    def make(random: np.random.Generator) -> dict[str, Any]:
        count = 14_800
        cell, lon, lat = world.ground.scatter(random, count)
        weight = np.array([item[2] for item in names.SPECIES])
        species = random.choice(len(names.SPECIES), count, p=weight / weight.sum())
        born = np.where(random.random(count) < 0.045, random.choice([1, 1, 2, 2, 3, 4, 5, 6], count), 0)
        gone = np.where(random.random(count) < 0.022, random.choice([1, 2, 3, 4, 5, 6], count), 99)
        streets = {index: [s for s in world.ground.streets if s.cell == index] for index in range(30)}
        return {
            "cell": cell, "lon": lon, "lat": lat, "species": species, "born": born, "gone": gone,
            "trunk": np.clip(random.gamma(3.4, 9.5, count), 4, 160),
            "height": np.clip(random.gamma(5, 2.1, count), 2, 32),
            "planted": random.integers(1952, world.end.year - 1, count),
            "street": [streets[c][int(r * len(streets[c]))].name for c,
            r in zip(cell, random.random(count), strict=True)],
            "state": random.choice(["Buono", "Buono", "Buono", "Discreto", "Discreto", "Scarso"], count),
            "measured": random.integers(0, 7, count), "kept": random.random(count) < 0.031,
        }  # fmt: skip

    return world.once("trees", make)


def _trees(world: World, step: int, folder: Path) -> None:
    trees = _all_trees(world)
    today = world.day(step)
    rows = []
    for i in range(len(trees["lon"])):
        if trees["born"][i] > step or trees["gone"][i] <= step:
            continue
        new = trees["born"][i] > 0
        trunk, height = float(trees["trunk"][i]), float(trees["height"][i])
        if new:
            trunk, height = 5.0 + i % 4, 2.5 + (i % 10) / 10
        if trees["measured"][i] == step and step and i % 3 == 0:
            trunk += 1.5
        if i == 4_211 and step < 2:
            trunk *= 10  # typed one zero too many; corrected in the third version
        planted = world.day(int(trees["born"][i])).year if new else int(trees["planted"][i])
        measured = "da misurare" if step < 4 and i % 2903 == 7 else files.comma(trunk, 1)  # ends in the quarantine
        latin, common, _ = names.SPECIES[int(trees["species"][i])]
        seen = today - timedelta(days=int(trees["measured"][i]) * 37 + i % 29)
        row: tuple[Any, ...] = (
            f"ALB{i + 1:06d}", latin, common if i % 2 else common.upper(), f"  {trees['street'][i]} ",
            f"{world.ground.cells[int(trees['cell'][i])].district:02d}", measured,
            files.comma(height, 1) if i % 53 else "n.r.", planted if new or i % 7 else "",
            trees["state"][i], seen.strftime("%d/%m/%y"), files.comma(trees["lon"][i], 6),
            files.comma(trees["lat"][i], 6),
        )  # fmt: skip
        if step >= 3:
            row += ("S" if trees["kept"][i] and not new else "N",)
        rows.append(row)
    header: tuple[str, ...] = (
        "ID_ALBERO", "SPECIE", "NOME_COMUNE", "VIA", "DISTRETTO", "DIAMETRO_CM", "ALTEZZA_M", "ANNO_IMPIANTO", "STATO",
        "RILIEVO", "LONGITUDINE", "LATITUDINE",
    )  # fmt: skip
    header += ("MONUMENTALE",) if step >= 3 else ()
    files.table(folder / "verde" / "alberi.csv", header, rows, delimiter=";", encoding="latin-1", newline="\r\n")


def _trees_promise(version: str, *more: Column) -> Promise:
    return Promise(
        id="street-trees",
        name="Street trees",
        version=version,
        purpose="Every tree on public ground: species, size, condition and place, kept by the gardeners.",
        it=("Alberi", "Ogni albero su suolo pubblico: specie, misure, stato e posizione, a cura dei giardinieri."),
        usage="Shade and heat studies, pruning plans, finding the tree in front of your door.",
        limitations="Trunks are measured in rotation, a seventh of the trees each month. Trees in schools are missing.",
        owner=PARKS,
        domain=DOMAIN,
        theme="ENVI",
        frequency="MONTHLY",
        tags=("trees", "green", "climate"),
        source={"kind": "csv", "path": "sources/verde/alberi.csv", "encoding": "iso-8859-1", "delimiter": ";"},
        geometry={"x": "lon", "y": "lat"},
        sort=("district", "species"),
        filters=(("district", "species"), ("species", "-trunk_cm")),
        search=("species", "common_name", "street"),
        columns=(
            Column("id", "string", "Tree", "Number on the tag.", "Albero", source="ID_ALBERO", key=True),
            Column("species", "string", "Species", "Botanical name.", "Specie", source="SPECIE", required=True),
            Column("common_name", "string", "Common name", "In English, as typed.", "Nome comune",
                   source="NOME_COMUNE"),
            Column("street", "string", "Street", "Nearest street.", "Via", source="VIA"),
            Column("district", "string", "District", "Two digits.", "Distretto", source="DISTRETTO", required=True),
            Column(
                "trunk_cm", "number", "Trunk diameter", "At 1.30 m above ground.", "Diametro", source="DIAMETRO_CM",
                unit="cm", parse={"decimal": ","}, rules=(between("trunk_cm", 1, 250),),
            ),
            Column(
                "height_m", "number", "Height", "Estimated from the ground.", "Altezza", source="ALTEZZA_M", unit="m",
                parse={"decimal": ",", "nulls": ["n.r."]}, rules=(few_empty(5),),
            ),
            Column("planted_year", "integer", "Planted in", "Unknown for old trees.", "Anno d'impianto",
                   source="ANNO_IMPIANTO"),
            Column(
                "condition", "string", "Condition", "Last visual check.", "Stato", source="STATO",
                codes={"Buono": "Good", "Discreto": "Fair", "Scarso": "Poor"},
            ),
            Column(
                "surveyed_on", "date", "Surveyed on", "", "Rilievo", source="RILIEVO", parse={"formats": ["%d/%m/%y"]}
            ),
            Column("lon", "number", "Longitude", "", "Longitudine", source="LONGITUDINE", unit="°",
                   parse={"decimal": ","}),
            Column("lat", "number", "Latitude", "", "Latitudine", source="LATITUDINE", unit="°",
                   parse={"decimal": ","}),
            *more,
        ),
        rules=(rows_at_least(10_000),),
    )  # fmt: skip


_LISTED = Column(
    "listed", "boolean", "Protected", "Listed as a monument; may not be felled.", "Monumentale", source="MONUMENTALE",
    parse={"true": ["S"], "false": ["N"]},
)  # fmt: skip

# Air: one row a station, pollutant and day; 24 values with 24 validity flags beside them

STATIONS = (
    ("01", "Darsena", "traffic", 500, 20),
    ("02", "Belvedere", "background", 2200, 75),
    ("03", "Fornaci", "industrial", 3300, 40),
    ("04", "Conceria", "traffic", 1300, 150),
    ("05", "Orti Nuovi", "background", 2300, 170),
    ("06", "Monte Civetta", "rural", 4900, 75),
)
POLLUTANTS = (("08", "NO2", 27.0), ("10", "PM10", 22.0), ("09", "PM2.5", 12.0), ("14", "O3", 58.0))
_CLOSED = {"04": 4}  # station 04 ends with the fifth version


def _air(world: World, step: int, folder: Path) -> None:
    first = world.day(0) - timedelta(days=45)

    def all_air(random: np.random.Generator) -> Any:
        days = (world.end - first).days
        hours = np.arange(24)
        rush = 1 + 0.5 * np.exp(-((hours - 8) ** 2) / 6) + 0.6 * np.exp(-((hours - 19) ** 2) / 8)
        sun = 0.6 + 0.9 * np.exp(-((hours - 14) ** 2) / 18)
        weather = np.exp(np.cumsum(random.normal(0, 0.22, days)) * 0.25 + random.normal(0, 0.12, days))
        weather /= weather.mean()
        site = {"traffic": 1.35, "background": 0.85, "industrial": 1.15, "rural": 0.5}
        out = {}
        for number, _, kind, _, _ in STATIONS:
            for code, _, level in POLLUTANTS:
                shape, factor = (sun, 2 - site[kind]) if code == "14" else (rush, site[kind])
                values = level * factor * shape[None, :] * weather[:, None] * random.lognormal(0, 0.18, (days, 24))
                flag = random.random((days, 24)) < 0.985
                out[number, code] = (np.round(values, 1), flag)
        return out

    series = world.once("air", all_air)
    rows = []
    for d in range((world.day(step) - first).days):
        day = first + timedelta(days=d)
        for number, name, _, _, _ in STATIONS:
            if step >= _CLOSED.get(number, 99) and day >= world.day(_CLOSED[number]):
                continue
            for code, _, _ in POLLUTANTS:
                values, valid = series[number, code]
                row: list[Any] = ["09", "Arvenza", number, name, code, day.year, day.month, day.day]
                late = d >= (world.day(step) - first).days - 5  # the newest days are not validated yet
                for hour in range(24):
                    value = values[d, hour]
                    if step < 3 and number == "03" and code == "10" and d == 20 and hour == 6:
                        value = value * 100  # a broken filter, put right when the year was validated
                    good = bool(valid[d, hour])
                    row += [f"{value:g}" if good else "", "N" if not good else "P" if late else "V"]
                rows.append(row)
    header = ["PROVINCIA", "COMUNE", "STAZIONE", "NOME_STAZIONE", "INQUINANTE", "ANNO", "MESE", "GIORNO"]
    for hour in range(1, 25):
        header += [f"H{hour:02d}", f"V{hour:02d}"]
    files.table(folder / "aria" / "qualita_aria_orari.csv", header, rows, newline="\r\n")


def _air_promise() -> Promise:
    hours = []
    for hour in range(1, 25):
        hours.append(
            Column(
                f"h{hour:02d}", "number", f"{hour - 1:02d}:00 to {hour:02d}:00", "Mean of the hour, local time.",
                f"dalle {hour - 1:02d} alle {hour:02d}", source=f"H{hour:02d}", unit="µg/m³",
            )
        )  # fmt: skip
        hours.append(
            Column(
                f"v{hour:02d}", "string", f"Validity {hour - 1:02d}:00", "V valid, P provisional, N not valid.",
                f"validità {hour - 1:02d}", source=f"V{hour:02d}",
            )
        )  # fmt: skip
    hours[1] = Column(
        "v01", "string", "Validity 00:00", "V valid, P provisional, N not valid.", "validità 00", source="V01",
        codes={"V": "Valid", "P": "Provisional", "N": "Not valid"}, rules=(one_of("V", "P", "N"),),
    )  # fmt: skip
    return Promise(
        id="air-quality-hourly",
        name="Air quality, hourly",
        purpose="Hourly means of four pollutants at the city's stations, one row a station, pollutant and day.",
        it=("Qualità dell'aria oraria",
        "Medie orarie di quattro inquinanti, una riga per stazione, inquinante e giorno."),
        usage="Exposure studies; comparing streets and days.",
        limitations="The last five days are provisional. Station 04 closed during the period shown.",
        owner=AGENCY,
        domain=DOMAIN,
        theme="ENVI",
        frequency="DAILY",
        tags=("air", "health", "sensors"),
        source={"kind": "csv", "path": "sources/aria/qualita_aria_orari.csv", "encoding": "utf-8", "delimiter": ","},
        sort=("station", "pollutant", "year", "month", "day"),
        filters=(("station", "pollutant"),),
        columns=(
            Column("province", "string", "Province", "Two digits.", "Provincia", source="PROVINCIA"),
            Column("municipality", "string", "Municipality", "", "Comune", source="COMUNE"),
            Column("station", "string", "Station", "As in air-stations.", "Stazione", source="STAZIONE", key=True),
            Column("station_name", "string", "Station name", "", "Nome stazione", source="NOME_STAZIONE"),
            Column(
                "pollutant", "string", "Pollutant", "Two-digit code.", "Inquinante", source="INQUINANTE", key=True,
                codes={code: label for code, label, _ in POLLUTANTS},
            ),
            Column("year", "integer", "Year", "", "Anno", source="ANNO", key=True),
            Column("month", "integer", "Month", "", "Mese", source="MESE", key=True),
            Column("day", "integer", "Day", "", "Giorno", source="GIORNO", key=True),
            *hours,
        ),
        rules=(
            rows_at_least(500),
            between("h12", 0, 600, text="No hour at noon may exceed 600 µg/m³."),
        ),
    )  # fmt: skip


def _stations(world: World, step: int, folder: Path) -> None:
    rows = []
    for number, name, kind, radius, degree in STATIONS:
        lon, lat = place(radius, degree)
        off = step >= _CLOSED.get(number, 99)
        rows.append(
            (
                number,
                f"{name}  _OFF-" if off else name,
                kind,
                f"{float(lon):.5f}",
                f"{float(lat):.5f}",
                f"{2003 + int(number)}-04-01",
                world.day(_CLOSED[number]).isoformat() if off else "",
            )
        )
    header = ("codice", "nome", "tipo", "lon", "lat", "attiva_dal", "dismessa_il")
    files.table(folder / "aria" / "stazioni.csv", header, rows, delimiter="\t")


_stations_promise = Promise(
    id="air-stations",
    name="Air quality stations",
    purpose="Where the air is measured and since when.",
    it=("Stazioni di qualità dell'aria", "Dove si misura l'aria e da quando."),
    owner=AGENCY,
    domain=DOMAIN,
    theme="ENVI",
    frequency="IRREG",
    tags=("air", "sensors"),
    source={"kind": "csv", "path": "sources/aria/stazioni.csv", "encoding": "utf-8", "delimiter": "\t"},
    geometry={"x": "lon", "y": "lat"},
    limitations="A closed station carries _OFF- in its name, as the agency's program writes it.",
    columns=(
        Column("station", "string", "Station", "Two digits.", "Stazione", source="codice", key=True),
        Column("name", "string", "Name", "", "Nome", source="nome", required=True),
        Column(
            "kind", "string", "Kind", "What the place stands for.", "Tipo", source="tipo",
            codes={"traffic": "Traffic", "background": "Urban background", "industrial": "Industry", "rural": "Rural"},
        ),
        Column("lon", "number", "Longitude", "", "Longitudine", unit="°"),
        Column("lat", "number", "Latitude", "", "Latitudine", unit="°"),
        Column("since", "date", "Since", "", "Attiva dal", source="attiva_dal", required=True),
        Column("closed_on", "date", "Closed on", "", "Dismessa il", source="dismessa_il"),
    ),
)  # fmt: skip

# Noise: newline-delimited JSON, local time with offset, hourly levels of eight meters


def _noise(world: World, step: int, folder: Path) -> None:
    first = world.day(0) - timedelta(days=14)

    def all_noise(random: np.random.Generator) -> Any:
        hours = (world.end - first).days * 24
        clock = np.arange(hours) % 24
        weekday = (np.arange(hours) // 24 + first.weekday()) % 7
        daily = 52 + 11 * np.sin((clock - 8) / 24 * 2 * np.pi) * (clock > 4) + 6 * ((clock > 21) & (weekday > 3))
        place_level = (6, 3, -2, 4, -5, 1, 8, -7)
        level = daily[None, :] + np.array(place_level)[:, None] + random.normal(0, 2.4, (8, hours))
        peak = level + np.abs(random.normal(9, 4, (8, hours)))
        return np.round(level, 1), np.round(peak, 1), random.random((8, hours)) > 0.012

    level, peak, present = world.once("noise", all_noise)
    start = datetime.combine(first, time(0), tzinfo=UTC)
    lines = []
    for hour in range((world.day(step) - first).days * 24):
        stamp = (start + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for meter in range(8):
            if present[meter, hour]:
                lines.append(
                    f'{{"sensor": "RUM-{meter + 1:02d}", "time": "{stamp}", "laeq_db": {level[meter, hour]}, '
                    f'"lafmax_db": {peak[meter, hour]}}}'
                )
    files.write(folder / "rumore" / "livelli.ndjson", "\n".join(lines) + "\n")


_noise_promise = Promise(
    id="noise-levels",
    name="Noise levels",
    purpose="Hourly sound levels of eight meters on house fronts.",
    it=("Livelli di rumore", "Livelli sonori orari di otto fonometri sulle facciate."),
    usage="Night noise near bars; checking the noise plan.",
    limitations="Hours with fewer than 45 minutes of measurement are left out.",
    owner=AGENCY,
    domain=DOMAIN,
    theme="ENVI",
    frequency="DAILY",
    tags=("noise", "health", "sensors"),
    source={"kind": "ndjson", "path": "sources/rumore/livelli.ndjson"},
    time="time",
    sort=("sensor", "time"),
    filters=(("sensor", "-time"),),
    columns=(
        Column("sensor", "string", "Meter", "Number on the box.", "Fonometro", key=True),
        Column("time", "timestamp", "Hour", "Start of the hour, UTC.", "Ora", key=True),
        Column(
            "laeq_db", "number", "Mean level", "Equivalent level LAeq.", "Livello medio", unit="dB(A)", required=True
        ),
        Column("lafmax_db", "number", "Highest level", "LAFmax.", "Livello massimo", unit="dB(A)"),
    ),
    rules=(rows_at_least(2_000), between("laeq_db", 20, 110)),
)

# Waste containers: KML with the attributes packed in ExtendedData


def _containers(world: World, step: int, folder: Path) -> None:
    def make(random: np.random.Generator) -> Any:
        count = 1_900
        cell, lon, lat = world.ground.scatter(random, count)
        kinds = random.choice(5, count, p=[0.3, 0.24, 0.2, 0.16, 0.1])
        born = random.choice([0, 2, 5], count, p=[0.95, 0.03, 0.02])
        gone = random.choice([2, 5, 99], count, p=[0.015, 0.015, 0.97])
        return cell, lon, lat, kinds, born, gone, random.choice([120, 240, 660, 1100, 3000], count)

    cell, lon, lat, kinds, born, gone, litres = world.once("containers", make)
    words = ("indifferenziato", "carta", "plastica", "vetro", "organico")
    out = io.StringIO()
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n')
    out.write("<name>contenitori</name><Folder><name>contenitori</name>\n")
    for i in range(len(lon)):
        if born[i] > step or gone[i] <= step:
            continue
        district = names.DISTRICTS[world.ground.cells[int(cell[i])].district - 1]
        data = {"codice": f"C{i + 1:05d}", "frazione": words[kinds[i]], "litri": str(litres[i]), "distretto": district}
        data["svuotamento"] = ("lun-gio", "mar-ven", "mer", "ogni giorno")[i % 4]
        fields = "".join(f'<Data name="{k}"><value>{escape(v)}</value></Data>' for k, v in data.items())
        out.write(
            f"<Placemark><name>{data['codice']}</name><ExtendedData>{fields}</ExtendedData>"
            f"<Point><coordinates>{lon[i]:.6f},{lat[i]:.6f},0</coordinates></Point></Placemark>\n"
        )
    out.write("</Folder></Document></kml>\n")
    files.write(folder / "rifiuti" / "contenitori.kml", out.getvalue())


_containers_promise = Promise(
    id="waste-containers",
    name="Waste containers",
    purpose="Where to take which waste, with the size of the container and its collection days.",
    it=("Contenitori dei rifiuti", "Dove portare quali rifiuti, con la capienza e i giorni di raccolta."),
    owner="Waste Collection",
    domain=DOMAIN,
    theme="ENVI",
    frequency="QUARTERLY",
    tags=("waste", "recycling"),
    source={"kind": "kml", "path": "sources/rifiuti/contenitori.kml", "layer": "contenitori"},
    geometry={"column": "geometry"},
    filters=(("fraction",),),
    columns=(
        Column("id", "string", "Container", "", "Contenitore", source="codice", key=True),
        Column(
            "fraction", "string", "Takes", "", "Frazione", source="frazione", required=True,
            codes={"indifferenziato": "Residual waste", "carta": "Paper", "plastica": "Plastic", "vetro": "Glass",
                   "organico": "Organic waste"},
        ),
        Column("litres", "integer", "Volume", "", "Capienza", source="litri", unit="l"),
        Column("district", "string", "District", "Name.", "Distretto", source="distretto"),
        Column("emptied", "string", "Emptied", "Days of the week, in Italian.", "Svuotamento", source="svuotamento"),
        Column("geometry", "geometry", "Place", "Point.", "Posizione"),
    ),
    rules=(rows_at_least(1_000),),
)  # fmt: skip

# Playgrounds: GeoJSON points


def _playgrounds(world: World, step: int, folder: Path) -> None:
    random = world.random("playgrounds")
    cell, lon, lat = world.ground.scatter(random, 64)
    features = []
    for i in range(64):
        if step < 5 and i >= 61:
            continue
        where = world.ground.cells[int(cell[i])]
        equipment = [
            word for word in ("swing", "slide", "climbing frame", "sandpit", "seesaw", "water") if random.random() < 0.5
        ]
        features.append(
            (
                {"type": "Point", "coordinates": [float(lon[i]), float(lat[i])]},
                {"id": i + 1, "name": f"{'Giardino' if i % 2 else 'Parco giochi'} {where.name} {i % 3 + 1}"}
                | {
                    "district": f"{where.district:02d}",
                    "age_from": int(random.choice([0, 3, 6])),
                    "fenced": bool(i % 3),
                }
                | {"shade": bool(i % 4), "step_free": bool(i % 5), "equipment": ", ".join(equipment) or None}
                | {"renewed": 2006 + int(random.integers(0, 19))},
            )
        )
    files.geojson(folder / "verde" / "aree_gioco.geojson", "aree_gioco", features)


_playgrounds_promise = Promise(
    id="playgrounds",
    name="Playgrounds",
    purpose="Public playgrounds with what there is to play on, for whom, and whether there is shade.",
    it=("Aree gioco", "Le aree gioco pubbliche: cosa c'è, per chi, e se c'è ombra."),
    owner=PARKS,
    domain=DOMAIN,
    theme="SOCI",
    frequency="ANNUAL",
    tags=("children", "green", "accessibility"),
    source={"kind": "geojson", "path": "sources/verde/aree_gioco.geojson"},
    geometry={"column": "geometry"},
    search=("name", "equipment"),
    columns=(
        Column("id", "integer", "Playground", "", "Area gioco", key=True),
        Column("name", "string", "Name", "", "Nome", required=True),
        Column("district", "string", "District", "Two digits.", "Distretto"),
        Column("age_from", "integer", "From age", "", "Dall'età di", unit="years"),
        Column("fenced", "boolean", "Fenced", "", "Recintata"),
        Column("shade", "boolean", "Shade", "Trees or sails over the equipment.", "Ombra"),
        Column("step_free", "boolean", "Step-free", "Reached and used with a wheelchair.", "Senza gradini"),
        Column("equipment", "string", "Equipment", "", "Attrezzature"),
        Column("renewed", "integer", "Renewed in", "", "Rinnovata nel"),
        Column("geometry", "geometry", "Place", "Point.", "Posizione"),
    ),
)

# Water: months as text, use by neighbourhood, few-customer cells withheld


def months(first: date, last: date) -> list[date]:
    """First days of the months from ``first`` to before ``last``."""
    out, here = [], first.replace(day=1)
    while here < last.replace(day=1):
        out.append(here)
        here = (here + timedelta(days=32)).replace(day=1)
    return out


def _water(world: World, step: int, folder: Path) -> None:
    from arengo.demo.territory import population

    first = world.day(0) - timedelta(days=1000)
    people = population(world)
    rows = []
    random = world.random("water")
    for month in months(first, world.day(LAST_STEP)):
        summer = 1 + 0.28 * np.exp(-((month.month - 7.5) ** 2) / 4)
        for cell in world.ground.cells:
            for use, share in (("domestico", 4.6), ("commerciale", 1.4), ("irriguo", 0.5), ("pubblico", 0.3)):
                value = people[cell.number - 1] * share * summer * float(random.lognormal(0, 0.06))
                users = int(people[cell.number - 1] * share / 9) + 1
                if month < world.day(step).replace(day=1):
                    hidden = users < 60 and use != "domestico"
                    rows.append(
                        (
                            month.strftime("%Y-%m"),
                            cell.code,
                            cell.name,
                            use,
                            ".." if hidden else users,
                            ".." if hidden else files.money(round(value, 0)).strip().split(",")[0],
                        )
                    )
    header = ("mese", "quartiere", "nome quartiere", "uso", "utenze", "consumo m3")
    files.table(folder / "acqua" / "consumi_idrici.tsv", header, rows, delimiter="\t")


_water_promise = Promise(
    id="water-consumption",
    name="Water consumption",
    purpose="Drinking water billed each month by neighbourhood and use.",
    it=("Consumi idrici", "Acqua potabile fatturata ogni mese per quartiere e uso."),
    limitations="Cells with fewer than 60 customers are withheld and written as two dots.",
    owner="Arvenza Waterworks",
    domain=DOMAIN,
    theme="ENVI",
    frequency="MONTHLY",
    tags=("water",),
    source={"kind": "csv", "path": "sources/acqua/consumi_idrici.tsv", "encoding": "utf-8", "delimiter": "\t"},
    time="month",
    filters=(("neighbourhood", "month"),),
    columns=(
        Column("month", "date", "Month", "First day of the month.", "Mese", source="mese", key=True,
               parse={"formats": ["%Y-%m"]}),
        Column("neighbourhood", "string", "Neighbourhood", "As in neighbourhoods.", "Quartiere", source="quartiere",
               key=True),
        Column("neighbourhood_name", "string", "Neighbourhood name", "", "Nome quartiere", source="nome quartiere"),
        Column("use", "string", "Use", "", "Uso", source="uso", key=True,
               codes={"domestico": "Homes", "commerciale": "Business", "irriguo": "Irrigation", "pubblico": "Public"}),
        Column("customers", "integer", "Customers", "", "Utenze", source="utenze", parse={"suppressed": [".."]}),
        Column("volume_m3", "number", "Volume", "", "Consumo", source="consumo m3", unit="m³",
               parse={"thousands": " ", "suppressed": [".."]}),
    ),
    rules=(rows_at_least(1_000),),
)  # fmt: skip

LAST_STEP = EVERY[-1]

DATASETS = (
    Dataset({0: _trees_promise("1.0.0"), 3: _trees_promise("1.1.0", _LISTED)}, EVERY, _trees),
    Dataset({0: _air_promise()}, EVERY, _air),
    Dataset({0: _stations_promise}, (0, 4), _stations),
    Dataset({0: _noise_promise}, (0, 1, 2, 3, 5, 6), _noise),
    Dataset({0: _containers_promise}, (0, 2, 5), _containers),
    Dataset({0: _playgrounds_promise}, (0, 5), _playgrounds),
    Dataset({0: _water_promise}, (0, 2, 4, 6), _water),
)
