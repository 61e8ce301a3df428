"""CKAN and ArcGIS Hub (Project Open Data ``data.json``) as records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from arengo.catalogue.harvest.declared import Declared
from arengo.catalogue.harvest.reading import (
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
from arengo.catalogue.harvest.wire import Wire
from arengo.catalogue.record import Distribution, Provenance, Record
from arengo.contract.model import Frozen
from arengo.errors import Place, SourceMalformed

PAGE = 500


def ckan(source: Declared, wire: Wire, since: datetime | None = None) -> Iterator[Read]:
    """Every package of a CKAN catalogue, page by page, or of a saved ``package_search`` answer.

    Order by id keeps the pages apart while the catalogue changes under the walk.
    """
    remote = source.address.startswith(("http://", "https://"))
    start, before = 0, b""
    root = source.address.rstrip("/").removesuffix("/api/3/action").removesuffix("/api/3").removesuffix("/api")
    while True:
        if remote:
            asked = {"rows": PAGE, "start": start, "sort": "id asc"}
            if source.fq:
                asked["fq"] = source.fq
            body, _ = wire.get(f"{root}/api/3/action/package_search", asked, "application/json")
        else:
            body, _ = wire.get(source.address)
        result = _result(body, source)
        items = result.get("results") or []
        told = orjson.dumps(items)
        if items and told == before:
            raise SourceMalformed("The server gives the same page again and again.", place=Place(file=source.id))
        before = told
        for item in items:
            yield careful(package, item, source, root if remote else "")
        start += len(items)
        total = int(result.get("count") or 0)
        if not remote or not items or start >= total:
            return


def _result(body: bytes, source: Declared) -> Mapping[str, Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceMalformed(f"The answer is no JSON: {error}.", place=Place(file=source.id)) from error
    if not isinstance(answer, dict) or not answer.get("success", True) or not isinstance(answer.get("result"), dict):
        raise SourceMalformed("The answer is not one of CKAN's package_search.", place=Place(file=source.id))
    found: Mapping[str, Any] = answer["result"]
    return found


def package(item: Any, source: Declared, root: str) -> Read:
    """One package dictionary."""
    if not isinstance(item, dict):
        return Read("", None, "it is no object")
    extras = {str(e.get("key")): e.get("value") for e in item.get("extras") or () if isinstance(e, dict)}
    identifier = str(extras.get("guid") or extras.get("identifier") or item.get("id") or item.get("name") or "")
    title = plain(item.get("title") or item.get("name"), 500)
    if not identifier:
        return Read("", None, "it has no identifier", title)
    if not title:
        return Read(identifier, None, "it has no title")
    if item.get("state", "active") != "active" or item.get("private"):
        return Read(identifier, None, "it is not public", title)
    spoken = source.language
    organisation = item.get("organization") or {}
    owner = str(organisation.get("title") or organisation.get("name") or item.get("author") or "")
    publisher = agent(owner if organisation else office(owner, source.title), spoken) or agent(source.title, spoken)
    mail = office_mail(str(item.get("maintainer_email") or item.get("author_email") or ""))
    contact = agent(office(str(item.get("maintainer") or ""), owner or source.title), spoken, mail)
    landing = f"{root}/dataset/{item.get('name') or identifier}" if root else str(item.get("url") or "")
    files = tuple(
        found
        for number, entry in enumerate(item.get("resources") or (), 1)
        if (found := _resource(entry, number, spoken)) is not None
    )
    record = Record(
        id="",
        title=_spoken(item.get("title_translated"), title, spoken),
        description=_spoken(item.get("notes_translated"), plain(item.get("notes")), spoken),
        language=spoken,
        keywords=Frozen({spoken: tuple(_names(item.get("tags")))}) if item.get("tags") else Frozen(),
        themes=theme_codes([*_names(item.get("groups")), *str(extras.get("theme") or "").split(","), source.theme]),
        publisher=publisher,
        contact=contact,
        licence=licence_code(item.get("license_id") or item.get("license_title"), source.licence),
        frequency=frequency_code(extras.get("frequency")),
        issued=moment(extras.get("issued") or item.get("metadata_created")),
        modified=moment(extras.get("modified") or item.get("metadata_modified")),
        spatial=box(extras.get("spatial")),
        temporal=(day(extras.get("temporal_start")), day(extras.get("temporal_end"))),
        landing_page=landing,
        distributions=files,
        provenance=Provenance(
            source.id, source.title, identifier, str(extras.get("uri") or landing), landing,
            tuple(filter(None, (str(extras.get("harvest_source_title") or ""), root or source.address))),
        ),
    )  # fmt: skip
    return Read(identifier, record, title=title)


def _spoken(told: Any, otherwise: str, language: str) -> Any:
    texts = {str(key)[:8]: plain(text) for key, text in told.items() if text} if isinstance(told, dict) else {}
    return Frozen(texts or ({language: otherwise} if otherwise else {}))


def _names(items: Any) -> list[str]:
    out = []
    for item in items or ():
        words = item.get("display_name") or item.get("name") if isinstance(item, dict) else item
        if words:
            out.append(plain(words, 100))
    return out


def _resource(item: Any, number: int, language: str) -> Distribution | None:
    if not isinstance(item, dict) or not str(item.get("url") or "").startswith(("http://", "https://", "ftp://")):
        return None
    size = str(item.get("size") or "")
    return Distribution(
        id=str(item.get("id") or number),
        title=one(item.get("name") or item.get("description") or item.get("format"), language),
        description=one(item.get("description"), language),
        format=format_code(item.get("format"), item.get("mimetype"), item.get("url")),
        media_type=str(item.get("mimetype") or ""),
        access_url=str(item["url"]),
        download_url=str(item["url"]),
        bytes=int(size) if size.isdecimal() else None,
        issued=moment(item.get("created")),
        modified=moment(item.get("last_modified") or item.get("metadata_modified")),
    )


def arcgis(source: Declared, wire: Wire, since: datetime | None = None) -> Iterator[Read]:
    """Every dataset of a ``data.json`` (Project Open Data 1.1, as ArcGIS Hub writes it)."""
    address = source.address
    if address.startswith("http") and not urlsplit(address).path.endswith(".json"):
        address = f"{address.rstrip('/')}/data.json"
    body, _ = wire.get(address, None, "application/json")
    try:
        told = orjson.loads(body)
        items = told["dataset"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise SourceMalformed("This is no data.json with a list 'dataset'.", place=Place(file=source.id)) from error
    for item in items:
        yield careful(_listed, item, source)


def _listed(item: Any, source: Declared) -> Read:
    if not isinstance(item, dict):
        return Read("", None, "it is no object")
    identifier, title = str(item.get("identifier") or ""), plain(item.get("title"), 500)
    if not identifier:
        return Read("", None, "it has no identifier", title)
    if not title:
        return Read(identifier, None, "it has no title")
    spoken = source.language
    office_name = plain(
        (item.get("publisher") or {}).get("name") if isinstance(item.get("publisher"), dict) else "", 300
    )
    contact = item.get("contactPoint") or {}
    files = []
    for number, entry in enumerate(item.get("distribution") or (), 1):
        href = str(entry.get("downloadURL") or entry.get("accessURL") or "") if isinstance(entry, dict) else ""
        if not href.startswith(("http://", "https://")):
            continue
        files.append(
            Distribution(
                id=str(number),
                title=one(entry.get("title"), spoken),
                description=one(entry.get("description"), spoken),
                format=format_code(entry.get("format"), entry.get("mediaType")),
                media_type=str(entry.get("mediaType") or ""),
                access_url=str(entry.get("accessURL") or href),
                download_url=str(entry.get("downloadURL") or ""),
            )
        )
    period = str(item.get("temporal") or "").split("/")
    landing = str(item.get("landingPage") or "")
    record = Record(
        id="",
        title=Frozen({spoken: title}),
        description=one(item.get("description"), spoken),
        language=spoken,
        keywords=Frozen({spoken: tuple(plain(word, 100) for word in item.get("keyword") or () if word)}),
        themes=theme_codes([*(item.get("theme") or ()), source.theme]),
        publisher=agent(office_name or source.title, spoken),
        contact=agent(
            office(str(contact.get("fn") or ""), office_name or source.title),
            spoken,
            office_mail(str(contact.get("hasEmail") or "")),
        ),
        access={"public": "open", "restricted public": "shared", "non-public": "closed"}.get(
            str(item.get("accessLevel", "public")), "open"
        ),
        licence=licence_code(item.get("license"), source.licence),
        frequency=frequency_code(item.get("accrualPeriodicity")),
        issued=moment(item.get("issued")),
        modified=moment(item.get("modified")),
        spatial=box(item.get("spatial")),
        temporal=(day(period[0]), day(period[1])) if len(period) == 2 else (None, None),
        landing_page=landing,
        distributions=tuple(files),
        provenance=Provenance(source.id, source.title, identifier, landing or identifier, landing, (source.address,)),
    )
    return Read(identifier, record, title=title)
