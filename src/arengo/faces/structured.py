"""A dataset for search engines and machine learning: schema.org ``Dataset`` and Croissant 1.0, one JSON-LD document.

Croissant (mlcommons.org/croissant/1.0) is schema.org with files (``FileObject``) and records (``RecordSet``), so one
document serves both. It stands in the dataset's page as data and by itself at ``/datasets/{id}/croissant.json``.
A dataset is live in Croissant's sense (1.0, *Live Datasets*): its files are those of the newest version, so they have
no checksum; those of one version, at an address with ``as_of``, do not change.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo import __version__
from arengo.catalogue import Record, say
from arengo.contract.vocabulary import licence
from arengo.faces.site import Site, headers_of, matches, parameters, unchanged

if TYPE_CHECKING:
    from arengo.settings import CitySettings

MEDIA = "application/ld+json"
CROISSANT = "http://mlcommons.org/croissant/1.0"
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
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_KINDS = {
    "string": "sc:Text", "integer": "sc:Integer", "number": "sc:Float", "boolean": "sc:Boolean", "date": "sc:Date",
    "time": "sc:Text", "timestamp": "sc:DateTime", "geometry": "sc:Text", "json": "sc:Text",
}  # fmt: skip
_LONGEST = 5000
"""Characters of a description that search engines read."""


def routes(site: Site) -> list[BaseRoute]:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_croissant, site, request)

    return [Route("/datasets/{dataset}/croissant.json", endpoint, methods=["GET", "HEAD"], name="croissant")]


def _croissant(site: Site, request: Request) -> Response:
    parameters(request, ())
    record = site.catalogue.record(request.path_params["dataset"])
    base, city = site.absolute(request), site.settings.city
    parts = (record.id, base, city, site.catalogue.generation, __version__)
    etag = f'"{blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"'
    headers = headers_of(etag, record.modified) | {"Access-Control-Allow-Origin": "*"}
    if matches(request, etag):
        return unchanged(headers)
    body = orjson.dumps(dataset(record, base, city, city.language), option=orjson.OPT_INDENT_2)
    return Response(body, 200, headers, MEDIA)


def dataset(record: Record, base: str, city: CitySettings, language: str = "") -> dict[str, Any]:
    """The document of one dataset. ``base``: public address of the city.

    It says to be Croissant when it has all that Croissant requires: a licence, a creator and a date.
    """
    title, spoken = say(record.title, language)
    title = title or record.id
    me = f"{base}/datasets/{quote(record.id)}"
    known = licence(record.licence) if record.licence else None
    rights = (known.url or known.uri) if known else record.licence
    body: dict[str, Any] = {
        "@context": CONTEXT | {"@language": spoken or "en"},
        "@type": "sc:Dataset",
        "@id": me,
        "conformsTo": CROISSANT if rights and record.issued and record.publisher and record.local else None,
        "name": title,
        "alternateName": list(dict.fromkeys(text for text in record.title.values() if text and text != title)),
        "description": (say(record.description, language)[0] or title)[:_LONGEST],
        "identifier": record.uuid,
        "url": me,
        "sameAs": record.provenance.uri if record.provenance and "://" in record.provenance.uri else None,
        "inLanguage": record.language,
        "isAccessibleForFree": record.access == "open",
        "keywords": [word for words in record.keywords.values() for word in words],
        "dateModified": record.modified.isoformat() if record.modified else None,
        "datePublished": record.issued.isoformat() if record.issued else None,
        "version": f"{record.version}.0.0" if record.version else None,
        "license": rights,
        "includedInDataCatalog": {"@type": "sc:DataCatalog", "url": f"{base}/catalog", "name": city.name},
        "isLiveDataset": True if record.local else None,
    }
    body |= _responsible(record, base, language, title, me)
    if record.spatial is not None:
        west, south, east, north = record.spatial
        shape = {"@type": "sc:GeoShape", "box": f"{south} {west} {north} {east}"}
        body["spatialCoverage"] = {"@type": "sc:Place", "geo": shape}
    first, last = record.temporal
    if first or last:
        body["temporalCoverage"] = f"{first.isoformat() if first else '..'}/{last.isoformat() if last else '..'}"
    body["variableMeasured"] = [
        {
            "@type": "sc:PropertyValue",
            "name": say(item.label, language)[0] or item.name,
            "description": item.description or None,
            "unitText": item.unit or None,
        }
        for item in record.columns
    ]
    body["distribution"] = [
        {
            "@type": "cr:FileObject" if record.local else "sc:DataDownload",
            "@id": item.id,
            "name": f"{record.id}.{item.id}" if record.local else say(item.title, language)[0] or item.id,
            "description": say(item.title, language)[0] or None,
            "contentUrl": _whole(base, item.download_url or item.access_url),
            "encodingFormat": item.media_type or "application/octet-stream",
            "contentSize": f"{item.bytes} B" if item.bytes else None,
            "sha256": item.checksum or None,
        }
        for item in record.distributions
        if item.download_url or item.access_url
    ]
    if any(item.id == "csv" for item in record.distributions) and record.columns and record.local:
        body["recordSet"] = [_records(record, language)]
    found: dict[str, Any] = _without_nothing(body)
    return found


def _responsible(record: Record, base: str, language: str, title: str, me: str) -> dict[str, Any]:
    if record.publisher is None:
        return {}
    name = say(record.publisher.name, language)[0] or record.publisher.id
    office = {
        "@type": "sc:Organization", "name": name, "url": f"{base}/organisations/{quote(record.publisher.id, safe='')}"
    }  # fmt: skip
    year = f" ({record.modified.year})" if record.modified else ""
    version = f", version {record.version}" if record.version else ""
    return {"creator": office, "publisher": office, "citeAs": f"{name}{year}. {title}{version}. {me}"}


def _records(record: Record, language: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "rows",
        "name": "rows",
        "description": "The rows of the newest version.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"rows/{item.name}",
                "name": item.name,
                "description": item.description or say(item.label, language)[0],
                "dataType": _KINDS.get(str(item.kind), "sc:Text"),
                "source": {"fileObject": {"@id": "csv"}, "extract": {"column": item.name}},
            }
            for item in record.columns
        ],
    }


def catalog(city: CitySettings, base: str, count: int) -> dict[str, Any]:
    """The whole catalogue as schema.org ``DataCatalog``."""
    body = {
        "@context": "https://schema.org/",
        "@type": "DataCatalog",
        "@id": f"{base}/catalog",
        "name": city.name,
        "description": city.description or None,
        "url": f"{base}/",
        "license": known.url if (known := licence(city.licence)) else None,
        "inLanguage": city.language,
        "publisher": {"@type": "Organization", "name": city.name, "url": city.homepage or f"{base}/"},
        "size": f"{count} datasets",
    }
    found: dict[str, Any] = _without_nothing(body)
    return found


def embedded(document: dict[str, Any]) -> str:
    """A document as text that may stand inside a ``script`` element: no end tag can hide in it."""
    text = orjson.dumps(document).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _whole(base: str, address: str) -> str:
    return f"{base}{address}" if address.startswith("/") else address


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if item not in (None, "", [])}
    if isinstance(value, list):
        return [_without_nothing(item) for item in value]
    return value
