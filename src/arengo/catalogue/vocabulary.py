"""File types, languages and the other tables a catalogue names things by, beside those a contract names.

Codes and addresses are the authority tables of the EU Publications Office (file-type, language, access-right,
planned-availability; reuse under CC BY 4.0, Commission Decision 2011/833/EU); media types are IANA's. ``machine`` and
``free`` (non-proprietary) are how the metadata quality assessment of data.europa.eu counts a format
(reference: piveau vocabularies *machine-readable-format* and *non-proprietary-format*).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from arengo.contract.vocabulary import AUTHORITY

IANA = "https://www.iana.org/assignments/media-types"


@dataclass(frozen=True, slots=True)
class FileType:
    """One format. ``listed``: it is in the EU table. ``spellings``: how else the field writes it."""

    code: str
    media_type: str
    name: str
    machine: bool = True
    free: bool = True
    listed: bool = True
    spellings: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        return f"{AUTHORITY}/file-type/{self.code}" if self.listed else ""


FILE_TYPES: Mapping[str, FileType] = {
    item.code: item
    for item in (
        FileType("CSV", "text/csv", "CSV", spellings=("comma-separated values", "csv file")),
        FileType("TSV", "text/tab-separated-values", "TSV"),
        FileType("JSON", "application/json", "JSON", spellings=("json api", "ndjson", "jsonl")),
        FileType("JSON_LD", "application/ld+json", "JSON-LD", spellings=("jsonld", "json-ld")),
        FileType("GEOJSON", "application/geo+json", "GeoJSON", spellings=("application/vnd.geo+json",)),
        FileType("GPKG", "application/geopackage+sqlite3", "GeoPackage", spellings=("geopackage",)),
        FileType("XML", "application/xml", "XML", spellings=("text/xml",)),
        FileType("GML", "application/gml+xml", "GML"),
        FileType("KML", "application/vnd.google-earth.kml+xml", "KML"),
        FileType("KMZ", "application/vnd.google-earth.kmz", "KMZ"),
        FileType("SHP", "application/vnd.shp", "Shapefile", free=False,
                 spellings=("shapefile", "esri shapefile", "shp zip")),
        FileType("GTFS", "application/zip", "GTFS", free=False, spellings=("gtfs zip",)),
        FileType("ODS", "application/vnd.oasis.opendocument.spreadsheet", "OpenDocument spreadsheet"),
        FileType("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel", free=False,
                 spellings=("excel", "ms excel")),
        FileType("XLS", "application/vnd.ms-excel", "Excel 97", free=False),
        FileType("DBF", "application/dbase", "dBase"),
        FileType("RDF_TURTLE", "text/turtle", "RDF Turtle", spellings=("turtle", "ttl")),
        FileType("RDF_XML", "application/rdf+xml", "RDF/XML", spellings=("rdf", "rdf/xml")),
        FileType("RDF_N_TRIPLES", "application/n-triples", "RDF N-Triples", spellings=("n-triples", "nt")),
        FileType("NETCDF", "application/x-netcdf", "NetCDF"),
        FileType("RSS", "application/rss+xml", "RSS"),
        FileType("ATOM", "application/atom+xml", "Atom"),
        FileType("ICS", "text/calendar", "iCalendar"),
        FileType("TXT", "text/plain", "Text", machine=False, spellings=("plain text", "text")),
        FileType("HTML", "text/html", "Web page", machine=False, spellings=("website", "web page", "link")),
        FileType("PDF", "application/pdf", "PDF", machine=False, free=False),
        FileType("DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word",
                 machine=False, free=False),
        FileType("DOC", "application/msword", "Word 97", machine=False, free=False),
        FileType("ODT", "application/vnd.oasis.opendocument.text", "OpenDocument text", machine=False),
        FileType("PNG", "image/png", "PNG picture", machine=False),
        FileType("JPEG", "image/jpeg", "JPEG picture", machine=False, free=False, spellings=("jpg",)),
        FileType("TIFF", "image/tiff", "TIFF picture", machine=False),
        FileType("GEOTIFF", "image/tiff", "GeoTIFF", free=False),
        FileType("LAZ", "application/vnd.laszip", "LAZ point cloud", free=False),
        FileType("ZIP", "application/zip", "Zip archive", machine=False),
        FileType("REST", "application/json", "Interface (REST)", free=False, spellings=("api", "rest api")),
        FileType("MAP_SRVC", "", "Map service", free=False, spellings=("arcgis geoservices rest api", "esri rest")),
        FileType("WMS_SRVC", "", "Web map service (WMS)", spellings=("wms", "ogc:wms")),
        FileType("WFS_SRVC", "", "Web feature service (WFS)", free=False, spellings=("wfs", "ogc:wfs")),
        FileType("WMTS_SRVC", "", "Web map tiles (WMTS)", free=False, spellings=("wmts", "ogc:wmts")),
        FileType("PARQUET", "application/vnd.apache.parquet", "Parquet", listed=False),
        FileType("GEOPARQUET", "application/vnd.apache.parquet", "GeoParquet", listed=False),
        FileType("NDJSON", "application/x-ndjson", "JSON lines", listed=False),
        FileType("ARROW", "application/vnd.apache.arrow.stream", "Arrow", listed=False),
    )
}  # fmt: skip

_SPELT = {
    spelling.casefold(): item
    for item in reversed(tuple(FILE_TYPES.values()))
    for spelling in (item.media_type, item.name, item.code, item.code.replace("_", "-"), *item.spellings)
    if spelling
}


def file_type(text: str) -> FileType | None:
    """The file type meant by a code, address, media type or usual spelling; None when unknown."""
    words = text.strip().rstrip("/")
    if words.startswith("http"):
        part = words.rsplit("/file-type/", 1)[-1] if "/file-type/" in words else "/".join(words.rsplit("/", 2)[-2:])
        return _SPELT.get(part.casefold()) or _SPELT.get(part.rsplit("/", 1)[-1].casefold())
    key = re.sub(r"\s+", " ", words.casefold()).lstrip(".")
    return _SPELT.get(key) or _SPELT.get(key.split(";")[0].strip())


LANGUAGE_CODES: Mapping[str, str] = {
    "ar": "ARA", "bg": "BUL", "ca": "CAT", "cs": "CES", "da": "DAN", "de": "DEU", "el": "ELL", "en": "ENG", "es": "SPA",
    "et": "EST", "eu": "EUS", "fi": "FIN", "fr": "FRA", "ga": "GLE", "gl": "GLG", "hr": "HRV", "hu": "HUN", "it": "ITA",
    "ja": "JPN", "ko": "KOR", "lt": "LIT", "lv": "LAV", "mt": "MLT", "nl": "NLD", "no": "NOR", "pl": "POL", "pt": "POR",
    "ro": "RON", "ru": "RUS", "sk": "SLK", "sl": "SLV", "sq": "SQI", "sr": "SRP", "sv": "SWE", "tr": "TUR", "uk": "UKR",
    "zh": "ZHO",
}  # fmt: skip
"""BCP 47 primary language -> code of the EU language table (ISO 639-3)."""
_FROM_AUTHORITY = {code: language for language, code in LANGUAGE_CODES.items()}


def language_uri(language: str) -> str:
    """Address in the EU language table, '' for a language it is not known for."""
    code = LANGUAGE_CODES.get(language.split("-")[0].lower(), "")
    return f"{AUTHORITY}/language/{code}" if code else ""


def language_of(text: str) -> str:
    """BCP 47 language of an address or code (``.../language/ITA``, ``ITA``, ``it``, ``it-IT``); '' when unknown."""
    last = text.rstrip("/").rsplit("/", 1)[-1]
    known = _FROM_AUTHORITY.get(last.upper())
    if known:
        return known
    return last.split("-")[0].lower() if re.fullmatch(r"[A-Za-z]{2}(-[A-Za-z]{2,4})?", last) else ""
