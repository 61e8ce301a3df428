"""A dataset of the city as a catalogue record: everything follows from its contract and its newest version.

What a contract leaves out is computed, so that every record is complete: a theme from its words, keywords from its
title, its place from the rows or the city, its period from the rows or the versions. What a person wrote always wins.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.catalogue.record import Agent, Distribution, Fact, Record, Service, Texts
from arengo.catalogue.subject import keywords_of, theme_of
from arengo.contract.draft.naming import latin
from arengo.contract.model import Contract, Frozen
from arengo.errors import Place, SettingsError

if TYPE_CHECKING:
    from arengo.catalogue.entry import Entry
    from arengo.settings import Settings

Profile = Callable[[], Mapping[str, Any]]
API = "/api/v1/datasets"
ROWS_SERVICE, TABLE_SERVICE, SQL_SERVICE, CKAN_SERVICE = "rows-api", "iceberg", "sql", "ckan"

EXPORTS: tuple[tuple[str, str, str, float, bool], ...] = (
    ("csv", "CSV", "text/csv", 3.0, False),
    ("geojson", "GEOJSON", "application/geo+json", 6.0, True),
    ("gpkg", "GPKG", "application/geopackage+sqlite3", 4.0, True),
    ("xlsx", "XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 2.5, False),
    ("parquet", "PARQUET", "application/vnd.apache.parquet", 1.0, False),
    ("geoparquet", "GEOPARQUET", "application/vnd.apache.parquet", 1.1, True),
    ("ndjson", "NDJSON", "application/x-ndjson", 6.0, False),
    ("arrow", "ARROW", "application/vnd.apache.arrow.stream", 3.0, False),
)
"""(suffix, file type, media type, size against the stored one, needs places). The size is near, not exact."""

RIGHTS: Mapping[str, Texts] = {
    "open": Frozen(
        en="Everybody may read and reuse the data under its licence.",
        it="Chiunque può leggere e riutilizzare i dati secondo la licenza.",
        fr="Chacun peut lire et réutiliser les données selon la licence.",
        es="Cualquiera puede leer y reutilizar los datos según la licencia.",
        de="Alle dürfen die Daten unter der Lizenz lesen und weiterverwenden.",
        ca="Tothom pot llegir i reutilitzar les dades segons la llicència.",
    ),
    "shared": Frozen(
        en="The owner decides who reads the data, and for which purpose.",
        it="Il titolare decide chi legge i dati e per quale finalità.",
        fr="Le responsable décide qui lit les données et à quelle fin.",
        es="El responsable decide quién lee los datos y con qué fin.",
    ),
    "closed": Frozen(
        en="The data is not given out.",
        it="I dati non sono accessibili.",
        fr="Les données ne sont pas communiquées.",
        es="Los datos no se facilitan.",
    ),
}


@dataclass(frozen=True, slots=True)
class Home:
    """What the records of one city share. ``box``: around all its places, for a dataset that has none."""

    publisher: Agent
    contact: str
    place: str
    licence: str
    agents: Mapping[str, Agent]
    box: tuple[float, float, float, float] | None = None


def home(settings: Settings) -> Home:
    """Raises SettingsError when ``organisations.toml`` of the city folder cannot be used."""
    city = settings.city
    name = Frozen({city.language.split("-")[0]: city.name})
    publisher = Agent(
        "city", name, identifier=city.identifier, type="LocalAuthority", homepage=city.homepage, email=city.contact
    )
    return Home(publisher, city.contact, city.place, city.licence, _agents(settings.root / "organisations.toml"))


def slug(text: str) -> str:
    """Words as they stand in an address: Latin letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", latin(text).lower()).strip("-")[:80] or "unnamed"


def agent(owner: str, home: Home, language: str) -> Agent:
    """The office that answers for a dataset; the city itself when the contract names nobody."""
    if not owner:
        return home.publisher
    known = home.agents.get(slug(owner))
    if known is not None:
        return known
    return Agent(
        slug(owner),
        Frozen({language.split("-")[0]: owner}),
        identifier=home.publisher.identifier,
        type=home.publisher.type,
        homepage=home.publisher.homepage,
        email=home.contact,
    )


def record(entry: Entry, home: Home, profile: Profile, built: Callable[[str], int | None]) -> Record:
    """``profile``: of the newest version, asked only for what is open. ``built``: bytes of an export already made."""
    contract, version = entry.contract, entry.version
    open_to_all = contract.access == "open"
    facts = profile() if version is not None and open_to_all else {}
    owner = agent(contract.owner, home, contract.language)
    title, description = _texts(contract, "name"), _texts(contract, "description")
    licence = contract.licence or (home.licence if open_to_all else "")
    issued = min(filter(None, (entry.created, entry.updated)))
    made = Record(
        id=entry.id,
        title=title,
        description=description or title,
        kind="documents" if contract.custom.get("arengoDocuments") else "dataset",
        language=contract.language,
        keywords=keywords_of(contract),
        themes=(contract.theme or theme_of(contract),),
        publisher=owner,
        contact=replace(owner, email=owner.email or home.contact),
        access=contract.access,
        licence=licence,
        frequency=contract.frequency or "UNKNOWN",
        issued=issued,
        modified=entry.changed,
        spatial=_box(facts) or home.box,
        places=(home.place,) if home.place else (),
        temporal=_period(facts, entry),
        hvd=_hvd(contract),
        series=series_of(contract)[0],
        version=version.number if version else None,
        versions=entry.versions,
        rows=version.rows if version and open_to_all else None,
        landing_page=f"/datasets/{entry.id}",
        columns=_columns(contract) if open_to_all else (),
    )
    if version is None or not open_to_all:
        return made
    at = f"{API}/{entry.id}"
    files = [
        Distribution(
            id=suffix,
            title=Frozen({language: f"{words} ({_NAMES[suffix]})" for language, words in title.items()}),
            description=Frozen(en=_USES[suffix]),
            format=kind,
            media_type=media,
            access_url=f"/datasets/{entry.id}/downloads",
            download_url=f"{at}/export.{suffix}",
            bytes=built(suffix) or max(1, int(version.bytes * factor)),
            service=ROWS_SERVICE,
            licence=licence,
            rights=RIGHTS["open"],
            issued=issued,
            modified=version.published_at,
            availability="AVAILABLE",
            language=(contract.language,),
        )
        for suffix, kind, media, factor, place in EXPORTS
        if not place or version.geometry is not None
    ]
    return replace(made, distributions=tuple(files), services=services(home, licence, (ROWS_SERVICE, TABLE_SERVICE)))


def services(home: Home, licence: str = "", ids: tuple[str, ...] = ()) -> tuple[Service, ...]:
    """The interfaces of the city; only ``ids`` when given."""
    spoken = next(iter(home.publisher.name), "en")
    name = home.publisher.name.get(spoken, "")
    found = (
        Service(
            ROWS_SERVICE,
            Frozen(en=f"Rows API of {name}", it=f"API delle righe di {name}", fr=f"API des lignes de {name}",
                   es=f"API de filas de {name}"),
            Frozen(en="Rows of every open dataset, filtered, grouped, sorted, as of any time (OpenAPI 3.1)."),
            "/api/v1",
            "/api/v1/openapi.json",
            "/about",
            ("https://spec.openapis.org/oas/v3.1.0",),
            licence or home.licence,
        ),
        Service(
            TABLE_SERVICE,
            Frozen(en=f"Tables of {name} (Apache Iceberg)"),
            Frozen(en="Every open dataset as an Apache Iceberg table, each version a snapshot."),
            "/iceberg/v1",
            "/iceberg/v1/config",
            "/about",
            ("https://iceberg.apache.org/spec/",),
            licence or home.licence,
        ),
        Service(
            CKAN_SERVICE,
            Frozen(en=f"CKAN interface of {name}"),
            Frozen(en="The read actions of the CKAN Action API 3."),
            "/api/3/action",
            "/api/3/action/help_show?name=package_search",
            "/about",
            ("https://docs.ckan.org/en/2.11/api/",),
            licence or home.licence,
        ),
    )  # fmt: skip
    return tuple(item for item in found if not ids or item.id in ids)


def series_of(contract: Contract) -> tuple[str, Texts]:
    """(id, titles) of the series a dataset belongs to, ('', {}) when to none (``arengoSeries``)."""
    told = contract.custom.get("arengoSeries")
    if not told:
        return "", Frozen()
    if isinstance(told, str):
        return slug(told), Frozen({contract.language.split("-")[0]: told})
    title = told.get("title", told["id"])
    texts = title if isinstance(title, Mapping) else {contract.language.split("-")[0]: str(title)}
    return slug(str(told["id"])), Frozen(texts)


_NAMES = {
    "csv": "CSV", "geojson": "GeoJSON", "gpkg": "GeoPackage", "xlsx": "Excel", "parquet": "Parquet",
    "geoparquet": "GeoParquet", "ndjson": "JSON lines", "arrow": "Arrow",
}  # fmt: skip
_USES = {
    "csv": "Text for every program, one line a row.",
    "geojson": "For maps on the web.",
    "gpkg": "For geographic programs such as QGIS.",
    "xlsx": "For spreadsheets.",
    "parquet": "For the analysis of large data.",
    "geoparquet": "For the analysis of large geographic data.",
    "ndjson": "For programs, one object a line.",
    "arrow": "For programs that share memory.",
}


def _texts(contract: Contract, what: str) -> Texts:
    own = contract.title() if what == "name" else contract.summary()
    out = {contract.language.split("-")[0]: own} if own else {}
    for language, words in contract.custom.get("arengoTranslations", {}).items():
        if isinstance(words, Mapping) and words.get(what):
            out[language.split("-")[0]] = str(words[what])
    return Frozen(out)


def _columns(contract: Contract) -> tuple[Fact, ...]:
    told = {
        language: words.get("columns", {})
        for language, words in contract.custom.get("arengoTranslations", {}).items()
        if isinstance(words, Mapping)
    }
    own = contract.language.split("-")[0]
    return tuple(
        Fact(
            item.name,
            Frozen(
                {own: item.label}
                | {spoken: str(words[item.name]) for spoken, words in told.items() if item.name in words}
            ),
            item.kind,
            item.unit,
            item.description,
        )
        for item in contract.properties
    )


def _hvd(contract: Contract) -> tuple[str, ...]:
    told = contract.custom.get("arengoHvdCategory", ())
    return (told,) if isinstance(told, str) else tuple(told)


def _box(facts: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    box = facts.get("bbox")
    if not box or len(box) != 4 or any(part is None for part in box):
        return None
    west, south, east, north = (float(part) for part in box)
    return west, south, east, north


def _period(facts: Mapping[str, Any], entry: Entry) -> tuple[date | None, date | None]:
    """First and last day of the rows; of the versions when the rows have no time."""
    time = facts.get("time") or {}
    first, last = _day(time.get("min")), _day(time.get("max"))
    if first and last:
        return first, last
    updated = entry.updated or entry.created
    start = min(entry.created, updated)
    return start.date(), updated.date()


def _day(text: Any) -> date | None:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).date() if text else None
    except ValueError:
        return None


def _agents(path: Path) -> Mapping[str, Agent]:
    """``organisations.toml``: a table an office, ``["Parks and Gardens"]`` with email, homepage, identifier, ..."""
    if not path.is_file():
        return {}
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"This is not TOML: {error}.", place=Place(file=path.name)) from error
    out: dict[str, Agent] = {}
    known = {"email", "phone", "homepage", "identifier", "type", "uri", "name", "description", "language"}
    for owner, told in raw.items():
        if not isinstance(told, dict) or not set(told) <= known:
            raise SettingsError(
                f"[{owner!r}] holds something that is not known.",
                todo=f"Known here: {', '.join(sorted(known))}.",
                place=Place(file=path.name),
            )
        spoken = str(told.get("language", "en"))
        out[slug(owner)] = Agent(
            slug(owner),
            _spoken(told.get("name", owner), spoken),
            uri=str(told.get("uri", "")),
            identifier=str(told.get("identifier", "")),
            type=str(told.get("type", "")),
            homepage=str(told.get("homepage", "")),
            email=str(told.get("email", "")),
            phone=str(told.get("phone", "")),
            description=_spoken(told.get("description", ""), spoken),
        )
    return out


def _spoken(value: Any, language: str) -> Texts:
    if isinstance(value, Mapping):
        return Frozen({str(key): str(text) for key, text in value.items()})
    return Frozen({language: str(value)}) if value else Frozen()
