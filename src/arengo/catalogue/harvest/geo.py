"""OGC catalogues as records: CSW 2.0.2 (GetRecords in ISO 19139 or Dublin Core) and OGC API Records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree

import orjson

from arengo.catalogue.harvest.declared import Declared
from arengo.catalogue.harvest.reading import (
    Ends,
    Read,
    agent,
    box,
    careful,
    day,
    format_code,
    frequency_code,
    licence_code,
    moment,
    office,
    office_mail,
    one,
    plain,
    theme_codes,
)  # fmt: skip
from arengo.catalogue.harvest.wire import Wire, no_entities
from arengo.catalogue.record import Distribution, Provenance, Record
from arengo.contract.model import Frozen
from arengo.errors import Place, SourceMalformed

PAGE = 100
PAGES = 20_000
_CSW = "{http://www.opengis.net/cat/csw/2.0.2}"
_GMD = "{http://www.isotc211.org/2005/gmd}"
_DC, _DCT = "{http://purl.org/dc/elements/1.1/}", "{http://purl.org/dc/terms/}"
_OWS = "{http://www.opengis.net/ows}"


def csw(source: Declared, wire: Wire, since: datetime | None = None) -> Iterator[Read]:
    """Every record of a CSW 2.0.2 server, page by page, or of a saved GetRecords answer."""
    remote = source.address.startswith(("http://", "https://"))
    start, ends = 1, Ends(source.id)
    for _ in range(PAGES):
        asked = {
            "service": "CSW", "version": "2.0.2", "request": "GetRecords", "typeNames": "csw:Record",
            "resultType": "results", "elementSetName": "full", "maxRecords": PAGE, "startPosition": start,
            "outputSchema": "http://www.isotc211.org/2005/gmd",
        }  # fmt: skip
        body, _media = wire.get(source.address, asked if remote else None, "application/xml")
        try:
            root = ElementTree.fromstring(no_entities(body, source.id))  # noqa: S314 - entities were refused
        except ElementTree.ParseError as error:
            raise SourceMalformed(f"The answer is no XML: {error}.", place=Place(file=source.id)) from error
        if root.tag.endswith("ExceptionReport"):
            raise SourceMalformed(
                f"The server refuses: {plain(''.join(root.itertext()), 200)}", place=Place(file=source.id)
            )
        items = [*root.iter(f"{_GMD}MD_Metadata"), *root.iter(f"{_CSW}Record")]
        for item in items:
            found = careful(_iso if item.tag == f"{_GMD}MD_Metadata" else _dublin, item, source)
            ends.is_new(found.identifier)
            yield found
        results = root.find(f".//{_CSW}SearchResults")
        following = int(results.get("nextRecord", "0")) if results is not None else 0
        if not remote or not items or following <= start:
            return
        ends.page()
        start = following


def _text(item: ElementTree.Element, *path: str) -> str:
    """The text under a path of ISO element names, whatever kind of text it is."""
    found: ElementTree.Element | None = item
    for name in path:
        found = next((inner for inner in found.iter(f"{_GMD}{name}")), None) if found is not None else None
    return plain("".join(found.itertext()), 20_000) if found is not None else ""


def _code(item: ElementTree.Element, name: str) -> str:
    found = next(item.iter(f"{_GMD}{name}"), None)
    return str(found.get("codeListValue", "")) if found is not None else ""


def _iso(item: ElementTree.Element, source: Declared) -> Read:
    identifier = _text(item, "fileIdentifier")
    info = next(item.iter(f"{_GMD}identificationInfo"), item)
    title = _text(info, "citation", "title")
    if not identifier:
        return Read("", None, "it has no fileIdentifier", title)
    if not title:
        return Read(identifier, None, "it has no title")
    spoken = source.language
    west, east, south, north = (
        _text(info, name)
        for name in ("westBoundLongitude", "eastBoundLongitude", "southBoundLatitude", "northBoundLatitude")
    )
    dates: dict[str, datetime | None] = {}
    for entry in info.iter(f"{_GMD}CI_Date"):
        dates.setdefault(_code(entry, "CI_DateTypeCode"), moment(_text(entry, "date")))
    owner = _text(info, "pointOfContact", "organisationName") or _text(item, "contact", "organisationName")
    mail = office_mail(_text(info, "pointOfContact", "electronicMailAddress"))
    files = []
    for number, entry in enumerate(item.iter(f"{_GMD}CI_OnlineResource"), 1):
        href = _text(entry, "linkage")
        if href.startswith(("http://", "https://")):
            name, protocol = _text(entry, "name"), _text(entry, "protocol")
            files.append(
                Distribution(
                    id=str(number),
                    title=one(name or protocol or href, spoken),
                    description=one(_text(entry, "description"), spoken),
                    format=format_code(protocol, href),
                    access_url=href,
                )
            )
    words = [
        plain(word.text, 100)
        for entry in info.iter(f"{_GMD}keyword")
        for word in entry.iter()
        if word.text and word.text.strip()
    ]
    record = Record(
        id="",
        title=Frozen({spoken: title}),
        description=one(_text(info, "abstract"), spoken),
        language=spoken,
        keywords=Frozen({spoken: tuple(dict.fromkeys(words))}) if words else Frozen(),
        themes=theme_codes([source.theme]) if source.theme else (),
        publisher=agent(owner or source.title, spoken),
        contact=agent(owner or source.title, spoken, mail),
        licence=licence_code(_text(info, "otherConstraints") or _text(info, "useLimitation"), source.licence),
        frequency=frequency_code(_code(info, "MD_MaintenanceFrequencyCode")),
        issued=dates.get("publication") or dates.get("creation"),
        modified=dates.get("revision") or moment(_text(item, "dateStamp")),
        spatial=box(f"{west} {south} {east} {north}"),
        temporal=(day(_gml(info, "beginPosition")), day(_gml(info, "endPosition"))),
        distributions=tuple(files),
        provenance=Provenance(source.id, source.title, identifier, "", "", (source.address,)),
    )
    return Read(identifier, record, title=title)


def _gml(item: ElementTree.Element, name: str) -> str:
    return next((plain(entry.text, 40) for entry in item.iter() if entry.tag.endswith(f"}}{name}")), "")


def _dublin(item: ElementTree.Element, source: Declared) -> Read:
    def said(*names: str) -> str:
        return next((plain(found.text) for name in names for found in item.iter(name) if found.text), "")

    identifier, title = said(f"{_DC}identifier"), said(f"{_DC}title")
    if not identifier:
        return Read("", None, "it has no identifier", title)
    if not title:
        return Read(identifier, None, "it has no title")
    spoken = source.language
    corners = " ".join(said(f"{_OWS}{name}") for name in ("LowerCorner", "UpperCorner"))
    links = [
        plain(found.text)
        for name in ("references", "source")
        for space in (_DC, _DCT)
        for found in item.iter(f"{space}{name}")
    ]
    files = tuple(
        Distribution(id=str(number), title=one(link, spoken), format=format_code(link), access_url=link)
        for number, link in enumerate((link for link in links if link.startswith("http")), 1)
    )
    record = Record(
        id="",
        title=Frozen({spoken: title}),
        description=one(said(f"{_DCT}abstract", f"{_DC}description"), spoken),
        language=spoken,
        keywords=Frozen({spoken: tuple(plain(found.text, 100) for found in item.iter(f"{_DC}subject") if found.text)}),
        publisher=agent(office(said(f"{_DC}publisher", f"{_DC}creator"), source.title), spoken),
        licence=licence_code(said(f"{_DC}rights"), source.licence),
        modified=moment(said(f"{_DCT}modified", f"{_DC}date")),
        spatial=box(corners),
        distributions=files,
        provenance=Provenance(source.id, source.title, identifier, "", "", (source.address,)),
    )
    return Read(identifier, record, title=title)


def records(source: Declared, wire: Wire, since: datetime | None = None) -> Iterator[Read]:
    """Every record of an OGC API Records collection (its ``items``), following ``next``."""
    address: str = source.address
    if address.startswith("http") and "/items" not in address:
        address = f"{address.rstrip('/')}/items?limit={PAGE}"
    seen, ends = set[str](), Ends(source.id)
    for _ in range(PAGES):
        if not address or address in seen:
            return
        seen.add(address)
        body, _media = wire.get(address, None, "application/geo+json, application/json;q=0.9")
        try:
            told = orjson.loads(body)
            items = told["features"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise SourceMalformed("This is no list of records ('features').", place=Place(file=source.id)) from error
        for item in items:
            found = careful(_feature, item, source)
            ends.is_new(found.identifier)
            yield found
        ends.page()
        link = next((str(link.get("href")) for link in told.get("links") or () if link.get("rel") == "next"), "")
        address = urljoin(address, link) if link and address.startswith("http") else ""


def _feature(item: Any, source: Declared) -> Read:
    told = item.get("properties") or {} if isinstance(item, dict) else {}
    identifier = str((item.get("id") if isinstance(item, dict) else "") or told.get("externalIds") or "")
    title = plain(told.get("title"), 500)
    if not identifier:
        return Read("", None, "it has no id", title)
    if not title:
        return Read(identifier, None, "it has no title")
    spoken = source.language
    links = [link for link in [*(item.get("links") or ()), *(told.get("links") or ())] if isinstance(link, dict)]
    files = tuple(
        Distribution(
            id=str(number),
            title=one(link.get("title") or link.get("type") or link.get("rel"), spoken),
            format=format_code(link.get("type"), link.get("href")),
            media_type=str(link.get("type") or ""),
            access_url=str(link.get("href")),
        )
        for number, link in enumerate(links, 1)
        if str(link.get("href", "")).startswith("http")
        and link.get("rel") not in ("self", "collection", "root", "alternate")
    )
    first = next((entry for entry in told.get("contacts") or () if isinstance(entry, dict)), {})
    owner = str(first.get("organization") or told.get("publisher") or source.title)
    interval = (
        ((item.get("time") or {}).get("interval") or [None, None])
        if isinstance(item.get("time"), dict)
        else [None, None]
    )
    record = Record(
        id="",
        title=Frozen({spoken: title}),
        description=one(told.get("description"), spoken),
        language=spoken,
        keywords=Frozen({spoken: tuple(plain(word, 100) for word in told.get("keywords") or ())}),
        themes=theme_codes([source.theme]) if source.theme else (),
        publisher=agent(owner, spoken),
        licence=licence_code(told.get("license"), source.licence),
        issued=moment(told.get("created")),
        modified=moment(told.get("updated")),
        spatial=box(orjson.dumps(item.get("geometry")).decode()) if item.get("geometry") else None,
        temporal=(day(interval[0]), day(interval[1])),
        distributions=files,
        provenance=Provenance(source.id, source.title, identifier, "", "", (source.address,)),
    )
    return Read(identifier, record, title=title)
