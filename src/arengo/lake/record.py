"""A version as the JSON body of its state row, and back.

Paths below the warehouse are written relative to it, so a city folder that was moved still reads.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from arengo.contract.model import Geometry, Kind
from arengo.lake.version import Column, DataFile, Version

_PLAIN = (
    "dataset",
    "number",
    "contract_version",
    "contract_sha",
    "key",
    "sort",
    "rows",
    "rows_in",
    "quarantined",
    "bytes",
    "checksum",
    "fingerprint",
    "snapshot_id",
    "run",
    "title",
)


def to_json(version: Version, warehouse: Path) -> str:
    """The body. ``published_at`` and ``erased_at`` are RFC 3339 in UTC."""
    body: dict[str, Any] = {name: getattr(version, name) for name in _PLAIN}
    body["published_at"] = stamp(version.published_at)
    body["erased_at"] = stamp(version.erased_at) if version.erased_at else None
    body["schema"] = [[c.name, c.kind.value, c.field_id, c.required] for c in version.schema]
    body["geometry"] = asdict(version.geometry) if version.geometry else None
    body["metadata"] = relative(version.metadata, warehouse)
    body["files"] = [[relative(f.path, warehouse), f.rows, f.bytes] for f in version.files]
    body["extra"] = dict(version.extra)
    return orjson.dumps(body).decode()


def from_json(text: str, warehouse: Path) -> Version:
    body = orjson.loads(text)
    geometry = body["geometry"]
    return Version(
        dataset=body["dataset"],
        number=body["number"],
        published_at=moment(body["published_at"]),
        contract_version=body["contract_version"],
        contract_sha=body["contract_sha"],
        schema=tuple(Column(name, Kind(kind), field, required) for name, kind, field, required in body["schema"]),
        key=tuple(body["key"]),
        sort=tuple(body["sort"]),
        geometry=Geometry(**{**geometry, "types": tuple(geometry["types"])}) if geometry else None,
        rows=body["rows"],
        rows_in=body["rows_in"],
        quarantined=body["quarantined"],
        bytes=body["bytes"],
        checksum=body["checksum"],
        fingerprint=body["fingerprint"],
        snapshot_id=body["snapshot_id"],
        metadata=absolute(body["metadata"], warehouse),
        files=tuple(DataFile(absolute(path, warehouse), rows, size) for path, rows, size in body["files"]),
        run=body["run"],
        title=body["title"],
        erased_at=moment(body["erased_at"]) if body["erased_at"] else None,
        extra=MappingProxyType(body["extra"]),
    )


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def relative(path: str, warehouse: Path) -> str:
    root = f"{warehouse}/"
    return path[len(root) :] if path.startswith(root) else path


def absolute(path: str, warehouse: Path) -> str:
    return path if not path or path.startswith("/") or "://" in path else f"{warehouse}/{path}"
