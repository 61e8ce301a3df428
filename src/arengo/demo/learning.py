"""Schools, libraries, culture, tourism."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from arengo.demo import files, names
from arengo.demo.environment import months
from arengo.demo.promise import Column, Promise, between, rows_at_least
from arengo.demo.world import EVERY, LAST, Dataset, World

SCHOOL_KINDS = (("infanzia", "Kindergarten", 20), ("primaria", "Primary school", 22),
                ("secondaria", "Lower secondary school", 12), ("superiore", "Upper secondary school", 8))  # fmt: skip
YEARS = {"infanzia": 3, "primaria": 5, "secondaria": 3, "superiore": 5}


def schools(world: World) -> list[dict[str, Any]]:
    def make(random: np.random.Generator) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        words = random.permutation([word.split("'")[-1].split()[-1] for word in names.STREET_WORDS])
        for kind, _, count in SCHOOL_KINDS:
            cell, lon, lat = world.ground.scatter(random, count)
            for i in range(count):
                where = world.ground.cells[int(cell[i])]
                out.append(
                    {
                        "code": f"AVMM{len(out) + 1:05d}"[:8] + f"{len(out) % 10}",
                        "name": f'"{words[len(out)]}"',
                        "kind": kind,
                    }
                    | {"district": f"{where.district:02d}", "lon": float(lon[i]), "lat": float(lat[i])}
                    | {"private": bool(random.random() < 0.14), "canteen": bool(random.random() < 0.8)}
                    | {"places": int(random.integers(4, 22)) * 25}
                )
        return out

    result: list[dict[str, Any]] = world.once("schools", make)
    return result


def _schools(world: World, step: int, folder: Path) -> None:
    rows = []
    for i, school in enumerate(schools(world)):
        if i == 14 and step >= 5:
            continue  # merged into its neighbour
        places = school["places"] + (50 if i == 15 and step >= 5 else 0)
        rows.append(
            (
                school["code"],
                f"Scuola {school['kind']} {school['name']}",
                school["kind"],
                school["district"],
                "paritaria" if school["private"] else "statale",
                "Sì" if school["canteen"] else "No",
                places,
                files.comma(school["lat"], 6),
                files.comma(school["lon"], 6),
            )
        )
    header = ("Codice", "Denominazione", "Grado", "Distretto", "Gestione", "Mensa", "Posti", "Lat", "Lon")
    foot = ("", "Fonte: Servizi educativi;;;;;;;;")
    files.table(folder / "scuole" / "scuole.csv", header, rows, delimiter=";", encoding="cp1252", after=foot[1:])


_schools_promise = Promise(
    id="schools",
    name="Schools",
    purpose="Kindergartens and schools with their places, canteen and position.",
    it=("Scuole", "Scuole dell'infanzia, primarie e secondarie con posti, mensa e posizione."),
    owner="Education Services",
    domain="education",
    theme="EDUC",
    frequency="ANNUAL",
    tags=("schools",),
    limitations="The file ends with a line that names its author; it is set aside as a row that cannot be read.",
    source={"kind": "csv", "path": "sources/scuole/scuole.csv", "encoding": "cp1252", "delimiter": ";"},
    geometry={"x": "lon", "y": "lat"},
    search=("name",),
    filters=(("kind", "district"),),
    columns=(
        Column("code", "string", "Code", "Of the ministry.", "Codice", source="Codice", key=True),
        Column("name", "string", "Name", "", "Denominazione", source="Denominazione", required=True),
        Column("kind", "string", "Kind", "", "Grado", source="Grado", required=True,
               codes={kind: label for kind, label, _ in SCHOOL_KINDS}),
        Column("district", "string", "District", "Two digits.", "Distretto", source="Distretto"),
        Column("run_by", "string", "Run by", "", "Gestione", source="Gestione",
               codes={"statale": "State", "paritaria": "Private, recognised"}),
        Column("canteen", "boolean", "Canteen", "", "Mensa", source="Mensa", parse={"true": ["Sì"], "false": ["No"]}),
        Column("places", "integer", "Places", "", "Posti", source="Posti", unit="pupils"),
        Column("lat", "number", "Latitude", "", "Latitudine", source="Lat", unit="°", parse={"decimal": ","}),
        Column("lon", "number", "Longitude", "", "Longitudine", source="Lon", unit="°", parse={"decimal": ","}),
    ),
    rules=(rows_at_least(40),),
)  # fmt: skip


def _enrolments(world: World, step: int, folder: Path) -> None:
    random = world.random("enrolments")
    rows = []
    last = world.day(0).year + (1 if step >= 4 else 0)
    for school in schools(world):
        size = school["places"] / YEARS[school["kind"]]
        for year in range(world.day(0).year - 5, world.day(0).year + 1):
            for grade in range(1, YEARS[school["kind"]] + 1):
                for sex in ("F", "M"):
                    pupils = max(0, int(size * random.normal(0.44, 0.05)))
                    if year < last:
                        shown: Any = ".." if 0 < pupils < 5 else pupils
                        rows.append((f"{year}/{(year + 1) % 100:02d}", school["code"], grade, sex, shown))
    files.table(folder / "scuole" / "iscritti.csv", ("anno_scolastico", "codice", "classe", "sesso", "iscritti"), rows)


_enrolments_promise = Promise(
    id="pupils-by-school",
    name="Pupils by school",
    purpose="Pupils by school, year, class and sex.",
    it=("Iscritti per scuola", "Alunni per scuola, anno, classe e sesso."),
    limitations="Numbers under five are withheld and written as two dots.",
    owner="Education Services",
    domain="education",
    theme="EDUC",
    frequency="ANNUAL",
    tags=("schools", "pupils"),
    source={"kind": "csv", "path": "sources/scuole/iscritti.csv", "encoding": "utf-8", "delimiter": ","},
    filters=(("school",),),
    columns=(
        Column("school_year", "string", "School year", "Such as 2024/25.", "Anno scolastico", source="anno_scolastico",
               key=True),
        Column("school", "string", "School", "As in schools.", "Scuola", source="codice", key=True),
        Column("grade", "integer", "Class", "", "Classe", source="classe", key=True),
        Column("sex", "string", "Sex", "", "Sesso", source="sesso", key=True, codes={"F": "Girls", "M": "Boys"}),
        Column("pupils", "integer", "Pupils", "", "Iscritti", source="iscritti", unit="pupils",
               parse={"suppressed": [".."]}, rules=(between("pupils", 0, 600),)),
    ),
    rules=(rows_at_least(500),),
)  # fmt: skip

LIBRARIES = (
    "Biblioteca Centrale",
    "Darsena",
    "Saline",
    "Belvedere",
    "Orti",
    "Fornaci",
    "Mulini",
    "Ghiaia",
    "Valle Serena",
)


def _libraries(world: World, step: int, folder: Path) -> None:
    random = world.random("libraries")
    cell, lon, lat = world.ground.scatter(random, len(LIBRARIES))
    out = []
    for i, name in enumerate(LIBRARIES):
        hours = {day: "14:00-19:00" if day == "mon" else "9:00-19:00" for day in ("mon", "tue", "wed", "thu", "fri")}
        if step >= 3 and i == 2:
            hours["mon"] = "9:00-19:00"  # opens in the morning too, after a petition
        out.append(
            {"id": f"BIB{i + 1:02d}", "name": name, "district": f"{world.ground.cells[int(cell[i])].district:02d}"}
            | {"books": int(random.integers(14, 160)) * 1000, "seats": int(random.integers(3, 30)) * 10}
            | {
                "wifi": "sì" if i % 4 else "no",
                "opening_hours": hours,
                "position": {"lon": float(lon[i]), "lat": float(lat[i])},
            }
        )
    files.write(folder / "biblioteche" / "biblioteche.json", files.json_text(out))


_libraries_promise = Promise(
    id="libraries",
    name="Libraries",
    purpose="The public libraries with their opening hours, seats and collections.",
    it=("Biblioteche", "Le biblioteche pubbliche con orari, posti a sedere e patrimonio."),
    owner="City Libraries",
    domain="culture",
    theme="EDUC",
    frequency="IRREG",
    tags=("libraries", "culture"),
    source={"kind": "json", "path": "sources/biblioteche/biblioteche.json"},
    geometry={"x": "lon", "y": "lat"},
    columns=(
        Column("id", "string", "Library", "", "Biblioteca", key=True),
        Column("name", "string", "Name", "", "Nome", required=True),
        Column("district", "string", "District", "Two digits.", "Distretto"),
        Column("books", "integer", "Books", "", "Libri", unit="volumes"),
        Column("seats", "integer", "Seats", "", "Posti a sedere"),
        Column("wifi", "boolean", "Free Wi-Fi", "", "Wi-Fi gratuito", parse={"true": ["sì"], "false": ["no"]}),
        Column("opening_monday", "string", "Monday", "Opening hours.", "Lunedì", source="opening_hours.mon"),
        Column("opening_tuesday", "string", "Tuesday to Friday", "Opening hours.", "Da martedì a venerdì",
               source="opening_hours.tue"),
        Column("lon", "number", "Longitude", "", "Longitudine", source="position.lon", unit="°"),
        Column("lat", "number", "Latitude", "", "Latitudine", source="position.lat", unit="°"),
    ),
)  # fmt: skip


def _loans(world: World, step: int, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = ("fiction", "non-fiction", "children", "comics", "music", "film", "e-book", "magazines")
    random = world.random("loans")
    first = world.day(0) - timedelta(days=1400)
    rows: dict[str, list[Any]] = {"month": [], "library": [], "category": [], "loans": [], "borrowers": []}
    for month in months(first, world.day(LAST)):
        season = 1 + 0.15 * np.cos((month.month - 1) / 12 * 2 * np.pi)
        for i in range(len(LIBRARIES)):
            for k, kind in enumerate(kinds):
                loans = int(random.poisson((2600 if i == 0 else 520) * season / (k + 1.6)))
                people = int(loans * float(random.uniform(0.3, 0.5)))
                if month < world.day(step).replace(day=1):
                    for name, value in zip(rows, (month, f"BIB{i + 1:02d}", kind, loans, people), strict=True):
                        rows[name].append(value)
    table = pa.table(
        {"month": pa.array(rows["month"], pa.date32()), "library": rows["library"], "category": rows["category"]}
        | {"loans": pa.array(rows["loans"], pa.int32()), "borrowers": pa.array(rows["borrowers"], pa.int32())}
    )
    path = folder / "biblioteche" / "prestiti.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path.with_name("prestiti.parquet.part"), compression="zstd")
    path.with_name("prestiti.parquet.part").replace(path)


_loans_promise = Promise(
    id="library-loans",
    name="Library loans",
    purpose="Loans and active borrowers each month by library and category.",
    it=("Prestiti delle biblioteche", "Prestiti e utenti attivi ogni mese per biblioteca e categoria."),
    owner="City Libraries",
    domain="culture",
    theme="EDUC",
    frequency="MONTHLY",
    tags=("libraries", "culture"),
    source={"kind": "parquet", "path": "sources/biblioteche/prestiti.parquet"},
    time="month",
    filters=(("library", "-month"),),
    columns=(
        Column("month", "date", "Month", "First day of the month.", "Mese", key=True),
        Column("library", "string", "Library", "As in libraries.", "Biblioteca", key=True),
        Column("category", "string", "Category", "", "Categoria", key=True),
        Column("loans", "integer", "Loans", "", "Prestiti", required=True, unit="loans"),
        Column("borrowers", "integer", "Borrowers", "Cards used at least once.", "Utenti attivi", unit="cards"),
    ),
    rules=(rows_at_least(1_000),),
)

_EVENTS = ("Concerto", "Mercato contadino", "Visita guidata", "Laboratorio per bambini", "Mostra", "Film all'aperto",
           "Lettura", "Torneo di bocce", "Festa di quartiere", "Consiglio aperto")  # fmt: skip
_EVENT_KINDS = ("music", "market", "tour", "children", "exhibition", "film", "reading", "sport", "festival", "council")


def _events(world: World, step: int, folder: Path) -> None:
    def make(random: np.random.Generator) -> Any:
        return random.random((900, 4)), world.ground.scatter(random, 900)

    luck, (cell, lon, lat) = world.once("events", make)
    first = world.day(0) - timedelta(days=20)
    out = []
    for i in range(900):
        start = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(
            days=int(i * 0.32), hours=9 + int(luck[i, 0] * 12)
        )
        announced = start - timedelta(days=35 + int(luck[i, 1] * 20))
        if announced.date() >= world.day(step):
            continue
        kind = int(luck[i, 2] * len(_EVENTS))
        where = world.ground.cells[int(cell[i])]
        gone = luck[i, 3] < 0.04 and (start.date() - world.day(step)).days < 12
        out.append(
            {
                "id": 4000 + i,
                "title": f"{_EVENTS[kind]} a {where.name}",
                "description": f"<p>{_EVENTS[kind]} nel quartiere <b>{where.name}</b>. Ingresso libero&nbsp;!</p>",
                "kind": _EVENT_KINDS[kind],
                "start": start.isoformat(),
                "end": (start + timedelta(hours=1 + int(luck[i, 1] * 5))).isoformat(),
                "place": {"name": f"Spazio {where.name} ", "district": where.district, "lat": lat[i], "lon": lon[i]},
                "price_eur": None if luck[i, 0] < 0.7 else round(3 + luck[i, 2] * 20, 1),
                "cancelled": bool(gone),
            }
        )
    files.write(
        folder / "cultura" / "eventi.json",
        json.dumps({"count": len(out), "results": out}, ensure_ascii=False, default=float),
    )


_events_promise = Promise(
    id="events",
    name="Events",
    purpose="What is on: concerts, markets, tours, council meetings, announced and past.",
    it=("Eventi", "Cosa succede in città: concerti, mercati, visite, consigli aperti, annunciati e passati."),
    owner="Culture Department",
    domain="culture",
    theme="EDUC",
    frequency="DAILY",
    tags=("events", "culture"),
    limitations="Descriptions carry the markup of the web editor.",
    source={"kind": "json", "path": "sources/cultura/eventi.json", "records": "results"},
    geometry={"x": "lon", "y": "lat"},
    time="start",
    sort=("start",),
    search=("title", "description"),
    language="it",
    filters=(("kind", "start"),),
    columns=(
        Column("id", "integer", "Event", "", "Evento", key=True),
        Column("title", "string", "Title", "", "Titolo", required=True),
        Column("description", "string", "Description", "HTML.", "Descrizione"),
        Column("kind", "string", "Kind", "", "Tipo"),
        Column("start", "timestamp", "Begins", "UTC.", "Inizio", required=True),
        Column("end", "timestamp", "Ends", "UTC.", "Fine"),
        Column("place", "string", "Place", "", "Luogo", source="place.name"),
        Column("district", "integer", "District", "Number.", "Distretto", source="place.district"),
        Column("lat", "number", "Latitude", "", "Latitudine", source="place.lat", unit="°"),
        Column("lon", "number", "Longitude", "", "Longitudine", source="place.lon", unit="°"),
        Column("price_eur", "number", "Price", "Empty: free.", "Prezzo", unit="EUR"),
        Column("cancelled", "boolean", "Cancelled", "", "Annullato"),
    ),
    rules=(rows_at_least(50),),
)

_ORIGINS = ("Italia", "Germania", "Francia", "Svizzera", "Paesi Bassi", "Regno Unito", "Stati Uniti", "Altri")


def _tourism(world: World, step: int, folder: Path) -> None:
    random = world.random("tourism")
    rows = []
    for month in months(world.day(0) - timedelta(days=1100), world.day(LAST)):
        season = 0.35 + 1.3 * np.exp(-((month.month - 7.4) ** 2) / 5)
        for k, kind in enumerate(("Alberghi", "B&B", "Campeggi", "Ostelli")):
            for o, origin in enumerate(_ORIGINS):
                arrivals = int(
                    random.poisson(2100 * season / (o + 1) / (k * 1.4 + 1) * (month.month in range(5, 10) or k != 2))
                )
                nights = int(arrivals * float(random.uniform(1.8, 4.1)))
                if month < world.day(step).replace(day=1):
                    small = 0 < arrivals < 12
                    shown = ("..", "..") if small else (f"{arrivals:,}", f"{nights:,}")
                    rows.append((month.strftime("%m/%Y"), kind, origin, *(word.replace(",", ".") for word in shown)))
    header = ("Mese", "Tipologia", "Provenienza", "Arrivi", "Presenze")
    title = ("Movimento turistico - Ufficio statistica;;;;", ";;;;")
    files.table(
        folder / "turismo" / "movimento.csv",
        header,
        rows,
        delimiter=";",
        encoding="cp1252",
        newline="\r\n",
        before=title,
    )


_tourism_promise = Promise(
    id="tourism",
    name="Hotel guests",
    purpose="Arrivals and nights each month by kind of lodging and origin of the guests.",
    it=("Movimento turistico", "Arrivi e presenze ogni mese per tipo di alloggio e provenienza."),
    limitations="Fewer than twelve arrivals are withheld and written as two dots.",
    owner="Statistics Office",
    domain="economy",
    theme="ECON",
    frequency="MONTHLY",
    tags=("tourism", "hotels"),
    source={"kind": "csv", "path": "sources/turismo/movimento.csv", "encoding": "cp1252", "delimiter": ";", "skip": 2},
    time="month",
    filters=(("lodging", "-month"),),
    columns=(
        Column("month", "date", "Month", "First day of the month.", "Mese", source="Mese", key=True,
               parse={"formats": ["%m/%Y"]}),
        Column("lodging", "string", "Lodging", "", "Tipologia", source="Tipologia", key=True),
        Column("origin", "string", "Origin", "Country, in Italian.", "Provenienza", source="Provenienza", key=True),
        Column("arrivals", "integer", "Arrivals", "", "Arrivi", source="Arrivi", unit="guests",
               parse={"thousands": ".", "decimal": ",", "suppressed": [".."]}),
        Column("nights", "integer", "Nights", "", "Presenze", source="Presenze", unit="nights",
               parse={"thousands": ".", "decimal": ",", "suppressed": [".."]}),
    ),
    rules=(rows_at_least(300),),
)  # fmt: skip

DATASETS = (
    Dataset({0: _schools_promise}, (0, 5), _schools),
    Dataset({0: _enrolments_promise}, (0, 4), _enrolments),
    Dataset({0: _libraries_promise}, (0, 3), _libraries),
    Dataset({0: _loans_promise}, (0, 2, 4, 6), _loans),
    Dataset({0: _events_promise}, EVERY, _events),
    Dataset({0: _tourism_promise}, (0, 3, 6), _tourism),
)
