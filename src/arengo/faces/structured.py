"""A dataset for search engines and machine learning: schema.org ``Dataset`` and Croissant 1.0, one JSON-LD document.

Croissant (mlcommons.org/croissant/1.0) is schema.org with files (``FileObject``) and records (``RecordSet``), so one
document serves both. It stands in the page as data; no script of the page reads it.
"""

from __future__ import annotations

from typing import Any

import orjson

from arengo.catalogue import Record, say
from arengo.contract.vocabulary import licence

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "isLiveDataset": "cr:isLiveDataset",
    "key": "cr:key",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "sc": "https://schema.org/",
    "source": "cr:source",
}
_KINDS = {
    "string": "sc:Text", "integer": "sc:Integer", "number": "sc:Float", "boolean": "sc:Boolean", "date": "sc:Date",
    "time": "sc:Time", "timestamp": "sc:DateTime", "geometry": "sc:Text", "json": "sc:Text",
}  # fmt: skip


def dataset(record: Record, base: str, language: str = "") -> dict[str, Any]:
    """The document of one dataset. ``base``: public address of the city."""
    title, spoken = say(record.title, language)
    me = f"{base}/datasets/{record.id}"
    known = licence(record.licence) if record.licence else None
    body: dict[str, Any] = {
        "@context": CONTEXT | {"@language": spoken or "en"},
        "@type": "sc:Dataset",
        "@id": me,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": title,
        "alternateName": [text for tongue, text in record.title.items() if tongue != spoken],
        "description": (say(record.description, language)[0] or title),
        "identifier": record.uuid,
        "url": me,
        "inLanguage": record.language,
        "isAccessibleForFree": record.access == "open",
        "keywords": [word for words in record.keywords.values() for word in words],
        "dateModified": record.modified.isoformat() if record.modified else None,
        "datePublished": record.issued.isoformat() if record.issued else None,
        "version": f"{record.version}.0.0" if record.version else None,
        "license": (known.url or known.uri) if known else record.licence or None,
        "includedInDataCatalog": {"@type": "sc:DataCatalog", "url": f"{base}/catalog", "name": base.split("://")[-1]},
        "isLiveDataset": True,
    }
    if record.publisher is not None:
        name = say(record.publisher.name, language)[0]
        office = {"@type": "sc:Organization", "name": name, "url": f"{base}/organisations/{record.publisher.id}"}
        body["creator"] = body["publisher"] = office
        year = f" ({record.modified.year})" if record.modified else ""
        body["citeAs"] = f"{name}{year}. {title}, version {record.version or 0}. {me}"
    if record.spatial is not None:
        west, south, east, north = record.spatial
        shape = {"@type": "sc:GeoShape", "box": f"{south} {west} {north} {east}"}
        body["spatialCoverage"] = {"@type": "sc:Place", "geo": shape}
    first, last = record.temporal
    if first or last:
        body["temporalCoverage"] = f"{first.isoformat() if first else '..'}/{last.isoformat() if last else '..'}"
    if record.columns:
        body["variableMeasured"] = [
            {
                "@type": "sc:PropertyValue",
                "name": say(item.label, language)[0] or item.name,
                "unitText": item.unit or None,
            }
            for item in record.columns
        ]
    body["distribution"] = [
        {
            "@type": "cr:FileObject",
            "@id": item.id,
            "name": say(item.title, language)[0] or item.id,
            "contentUrl": _whole(base, item.download_url or item.access_url),
            "encodingFormat": item.media_type or "application/octet-stream",
            "contentSize": f"{item.bytes} B" if item.bytes else None,
            "sha256": item.checksum or None,
        }
        for item in record.distributions
    ]
    if any(item.id == "csv" for item in record.distributions) and record.columns:
        body["recordSet"] = [_records(record, language)]
    found: dict[str, Any] = _without_nothing(body)
    return found


def _records(record: Record, language: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "rows",
        "name": "rows",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"rows/{item.name}",
                "name": item.name,
                "description": item.description or say(item.label, language)[0],
                "dataType": _KINDS.get(item.kind, "sc:Text"),
                "source": {"fileObject": {"@id": "csv"}, "extract": {"column": item.name}},
            }
            for item in record.columns
        ],
    }


def _whole(base: str, address: str) -> str:
    return f"{base}{address}" if address.startswith("/") else address


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if item not in (None, "", [])}
    if isinstance(value, list):
        return [_without_nothing(item) for item in value]
    return value


def embedded(record: Record, base: str, language: str = "") -> str:
    """The document as text that may stand inside a ``script`` element: no end tag can hide in it."""
    text = orjson.dumps(dataset(record, base, language)).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
