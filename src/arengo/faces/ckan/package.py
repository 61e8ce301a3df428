"""Records as CKAN's dictionaries: package, resource, organization, group, tag.

A resource's id is a UUID that tells its dataset (the first 32 characters, as in the dataset's own) and its file (the
last four), so any worker finds what an id means without a table of ids, and it stays the same from version to version.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from arengo.catalogue import Agent, Catalogue, Distribution, Record, say
from arengo.catalogue.vocabulary import FILE_TYPES
from arengo.contract.vocabulary import THEMES, licence

TABLE = 1
_FILES = {"csv": TABLE, "geojson": 2, "gpkg": 3, "xlsx": 4, "parquet": 5, "geoparquet": 6, "ndjson": 7, "arrow": 8}
_OTHERS = 0x0100
VERSION_MARK = 0x4000
"""Resource numbers from here on are earlier versions of the table."""
SHOWN_VERSIONS = 5
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_uuid(text: str) -> bool:
    return bool(_UUID.fullmatch(text))


def resource_id(record: Record, number: int) -> str:
    return f"{record.uuid[:-4]}{number:04x}"


def numbered(record: Record) -> Iterator[tuple[int, Distribution]]:
    """The files of a record with their numbers: fixed for a city's own, by what they are called for others."""
    used: set[int] = set()
    for item in record.distributions:
        number = _FILES.get(item.id, 0) if record.local else 0
        if not number:
            name = item.id or item.download_url or item.access_url
            number = _OTHERS + int.from_bytes(blake2b(name.encode(), digest_size=2).digest(), "big") % 0x3E00
        while number in used:
            number += 1
        used.add(number)
        yield number, item


def table_number(record: Record) -> int:
    """The number of the file that stands for the table, 0 when no rows are given out."""
    return TABLE if record.local and any(item.id == "csv" for item in record.distributions) else 0


def resolve(catalogue: Catalogue, name: str) -> tuple[Record | None, int]:
    """(record, number of an earlier version or 0) of the id of a table, or of a dataset; None when it is neither."""
    if not is_uuid(name):
        return None, 0
    name = name.lower()
    record = catalogue.by_uuid(name)
    if record is not None:
        return record, 0
    record = catalogue.by_uuid(name[:-4])
    number = int(name[-4:], 16)
    if record is None or not (number == table_number(record) or number > VERSION_MARK):
        return None, 0
    return record, max(0, number - VERSION_MARK)


def time(at: datetime | None) -> str | None:
    """CKAN writes UTC without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() if at else None


def package(record: Record, base: str, language: str) -> dict[str, Any]:
    """One package dictionary, whole."""
    known = licence(record.licence) if record.licence else None
    tags = list(dict.fromkeys(word for words in record.keywords.values() for word in words))
    resources = [resource(record, item, number, base, language) for number, item in numbered(record)]
    resources += earlier(record, base, language)
    for position, item in enumerate(resources):
        item["position"] = position
    origin = record.provenance
    extras = {
        "access": record.access,
        "frequency": record.frequency,
        "language": record.language,
        "theme": ", ".join(record.themes),
        "version_number": str(record.version or ""),
        "rows": str(record.rows if record.rows is not None else ""),
        "spatial": _spatial(record),
        "temporal_start": str(record.temporal[0] or ""),
        "temporal_end": str(record.temporal[1] or ""),
        "guid": origin.identifier if origin else record.id,
        "uri": (origin.uri if origin else "") or f"{base}/datasets/{record.id}",
        "harvest_source_id": origin.source if origin else "",
        "harvest_source_title": origin.title if origin else "",
    }
    owner = organization(record.publisher, base, language) if record.publisher else None
    return {
        "id": record.uuid,
        "name": record.id,
        "title": say(record.title, language)[0],
        "title_translated": dict(record.title),
        "notes": say(record.description, language)[0],
        "notes_translated": dict(record.description),
        "url": _whole(base, record.landing_page),
        "author": say(record.publisher.name, language)[0] if record.publisher else None,
        "author_email": None,
        "maintainer": say(record.contact.name, language)[0] if record.contact else None,
        "maintainer_email": (record.contact.email or None) if record.contact else None,
        "license_id": known.code if known else record.licence or "notspecified",
        "license_title": known.label(language) if known else record.licence or None,
        "license_url": (known.url or known.uri) if known else None,
        "isopen": bool(known and known.open and record.access == "open"),
        "metadata_created": time(record.issued),
        "metadata_modified": time(record.modified),
        "creator_user_id": None,
        "type": "dataset",
        "state": "active",
        "private": False,
        "version": str(record.version) if record.version else None,
        "owner_org": owner["id"] if owner else None,
        "organization": owner,
        "groups": [group(code, base, language) for code in record.themes if code in THEMES],
        "tags": [tag(word) for word in tags],
        "extras": [{"key": key, "value": value} for key, value in extras.items() if value],
        "resources": resources,
        "num_resources": len(resources),
        "num_tags": len(tags),
        "relationships_as_object": [],
        "relationships_as_subject": [],
    }


def resource(record: Record, item: Distribution, number: int, base: str, language: str) -> dict[str, Any]:
    kind = FILE_TYPES.get(item.format)
    return {
        "id": resource_id(record, number),
        "package_id": record.uuid,
        "name": say(item.title, language)[0] or item.id,
        "description": say(item.description, language)[0],
        "format": kind.name if kind else item.format,
        "mimetype": item.media_type or None,
        "url": _whole(base, item.download_url or item.access_url),
        "url_type": None,
        "size": None if record.local else item.bytes,  # clients compare it with the file; ours is only near
        "hash": item.checksum,
        "created": time(item.issued or record.issued),
        "last_modified": time(item.modified or record.modified),
        "metadata_modified": time(item.modified or record.modified),
        "datastore_active": record.local and item.id == "csv",
        "position": 0,
        "state": "active",
        "resource_type": None,
        "cache_url": None,
        "mimetype_inner": None,
    }


def earlier(record: Record, base: str, language: str) -> list[dict[str, Any]]:
    """The table as it was in the last versions before this one, a resource each."""
    item = next((item for item in record.distributions if item.id == "csv"), None)
    if record.version is None or not record.local or item is None:
        return []
    last = max(0, record.version - min(record.versions, SHOWN_VERSIONS + 1))
    out = []
    for number in range(record.version - 1, last, -1):
        made = resource(record, item, VERSION_MARK + number, base, language)
        made["name"] = f"{made['name']}, version {number}"
        made["url"] = f"{made['url']}?as_of={number}"
        made["created"] = made["last_modified"] = made["metadata_modified"] = None
        out.append(made)
    return out


def organization_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:arengo:organisation:{name}"))


def organization(agent: Agent, base: str, language: str, count: int | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": organization_id(agent.id),
        "name": agent.id,
        "title": say(agent.name, language)[0],
        "display_name": say(agent.name, language)[0],
        "description": say(agent.description, language)[0],
        "type": "organization",
        "image_url": "",
        "image_display_url": "",
        "created": None,
        "is_organization": True,
        "approval_status": "approved",
        "state": "active",
    }
    if count is not None:
        body |= {"package_count": count, "num_followers": 0, "users": [], "groups": [], "tags": [], "extras": []}
    return body


def group(code: str, base: str, language: str, count: int | None = None) -> dict[str, Any]:
    title = THEMES[code].label(language)
    body: dict[str, Any] = {
        "id": code.lower(),
        "name": code.lower(),
        "title": title,
        "display_name": title,
        "description": "",
        "image_display_url": "",
    }
    if count is not None:
        body |= {
            "package_count": count, "type": "group", "is_organization": False, "state": "active", "image_url": "",
            "approval_status": "approved", "num_followers": 0, "users": [], "groups": [], "tags": [], "extras": [],
        }  # fmt: skip
    return body


def tag(word: str) -> dict[str, Any]:
    return {"id": word, "name": word, "display_name": word, "state": "active", "vocabulary_id": None}


def licences() -> list[dict[str, Any]]:
    from arengo.contract.vocabulary import LICENCES

    return [
        {
            "id": item.code, "title": item.label(), "url": item.url or item.uri, "status": "active", "family": "",
            "domain_content": item.open, "domain_data": item.open, "domain_software": False, "is_generic": False,
            "is_okd_compliant": item.open, "is_osi_compliant": False, "maintainer": "",
            "od_conformance": "approved" if item.open else "not reviewed", "osd_conformance": "not reviewed",
        }
        for item in LICENCES.values()
    ]  # fmt: skip


def _spatial(record: Record) -> str:
    import json

    if record.spatial is None:
        return ""
    w, s, e, n = record.spatial
    body: Mapping[str, Any] = {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]}
    return json.dumps(body)


def _whole(base: str, address: str) -> str:
    return f"{base}{quote(address, safe='/:?=&%#.,-_~+')}" if address.startswith("/") else address
