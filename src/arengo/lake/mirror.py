"""A dataset's versions as an Iceberg table that other engines open by address, read-only.

The lake's own metadata names files of this disk. What other engines get says the same under an address they can
reach: table metadata, one manifest list and one manifest a version, written anew with the statistics of the real
ones (Apache Iceberg specification v2, sections *Table Metadata* and *Manifests*). The Parquet files are the real ones.
Every version is a snapshot with the time it was published at, and a tag ``v<number>``.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from pyiceberg.io import OutputFile

from arengo.errors import LakeError, UnknownVersion
from arengo.lake.version import Version

if TYPE_CHECKING:
    from pyiceberg.manifest import ManifestEntry
    from pyiceberg.table import Table

MANIFEST = "manifest.avro"
LIST = "list.avro"


@dataclass(frozen=True, slots=True)
class TableDocument:
    """``body``: Iceberg table metadata as JSON. ``location``: the name of the file it stands for."""

    location: str
    body: dict[str, Any]


def shown(versions: Sequence[Version]) -> tuple[Version, ...]:
    """Versions another engine can read whole, oldest first: those whose deleted rows are not apart from the files."""
    return tuple(sorted((v for v in versions if not v.extra.get("deletes")), key=lambda v: v.number))


def table_document(versions: Sequence[Version], root: str) -> TableDocument:
    """The metadata of the table made of ``versions`` under the address ``root``. Raises UnknownVersion when empty."""
    held = shown(versions)
    if not held:
        raise UnknownVersion("No version of this dataset can be opened as a table.", todo="Use a download instead.")
    newest = held[-1]
    body: dict[str, Any] = orjson.loads(_read(newest.metadata))
    snapshots, log, refs = [], [], {}
    before: int | None = None
    for version in held:
        at = int(version.published_at.timestamp() * 1000)
        snapshot = {
            "snapshot-id": version.snapshot_id,
            "sequence-number": version.number,
            "timestamp-ms": at,
            "manifest-list": f"{root}/metadata/v{version.number}/{LIST}",
            "summary": {
                "operation": "append" if before is None else "overwrite",
                "total-records": str(version.rows),
                "total-data-files": str(len(version.files)),
                "total-files-size": str(sum(file.bytes for file in version.files)),
                "arengo.version": str(version.number),
                "arengo.checksum": version.checksum,
            },
            "schema-id": _schema_id(version.metadata, version.snapshot_id),
        }
        if before is not None:
            snapshot["parent-snapshot-id"] = before
        before = version.snapshot_id
        snapshots.append(snapshot)
        log.append({"snapshot-id": version.snapshot_id, "timestamp-ms": at})
        refs[f"v{version.number}"] = {"snapshot-id": version.snapshot_id, "type": "tag"}
    refs["main"] = {"snapshot-id": newest.snapshot_id, "type": "branch"}
    body |= {
        "location": root,
        "last-sequence-number": newest.number,
        "last-updated-ms": log[-1]["timestamp-ms"],
        "current-snapshot-id": newest.snapshot_id,
        "current-schema-id": snapshots[-1]["schema-id"],
        "snapshots": snapshots,
        "snapshot-log": log,
        "metadata-log": [],
        "refs": refs,
        "properties": {"arengo.dataset": newest.dataset, "format-version": "2"},
    }
    for schema in body["schemas"]:  # readers go by field id, so a column that is not named is not there
        schema["fields"] = [field for field in schema["fields"] if not field["name"].startswith("_")]
    for name in ("statistics", "partition-statistics"):
        body.pop(name, None)
    return TableDocument(f"{root}/metadata/v{newest.number}.metadata.json", body)


def table_file(versions: Sequence[Version], name: str, root: str) -> bytes | Path | None:
    """One file of that table by what stands after ``root`` in its metadata; None when it has none of that name.

    A manifest is given as bytes, a Parquet file as its path.
    """
    held = shown(versions)
    folder, _, rest = name.partition("/")
    if folder == "data":
        for version in reversed(held):
            found = data_path(version, rest)
            if found is not None:
                return found
    label, _, sheet = rest.partition("/")
    if folder == "metadata" and sheet in (LIST, MANIFEST):
        for version in held:
            if version.label == label:
                return manifests(version, root)[sheet == MANIFEST]
    return None


def table_files(versions: Sequence[Version]) -> list[tuple[str, int, datetime]]:
    """(name, bytes, published at) of the Parquet files of that table, by name."""
    found = {
        f"data/{data_name(file.path)}": (file.bytes, version.published_at)
        for version in shown(versions)
        for file in version.files
    }
    return [(name, size, at) for name, (size, at) in sorted(found.items())]


def data_path(version: Version, name: str) -> Path | None:
    """The Parquet file of ``version`` that goes by ``name`` in its manifest; None when it has none of that name."""
    return next((Path(file.path) for file in version.files if data_name(file.path) == name), None)


def manifests(version: Version, root: str) -> tuple[bytes, bytes]:
    """(manifest list, manifest) of one version, as Avro files under the address ``root``."""
    from pyiceberg.manifest import (
        DataFileContent,
        ManifestEntry,
        ManifestEntryStatus,
        write_manifest,
        write_manifest_list,
    )

    from arengo.lake.iceberg import static_table

    table = static_table(version.metadata)
    spec, schema = table.spec(), table.schemas()[_schema_id(version.metadata, version.snapshot_id)]
    place = f"{root}/metadata/v{version.number}"
    sheet = _Sheet(f"{place}/{MANIFEST}")
    entries = _entries(table, version)
    writer = write_manifest(2, spec, schema, sheet, version.snapshot_id, "deflate")
    with writer if entries else contextlib.nullcontext():
        for entry in entries:
            file = entry.data_file
            if file.content != DataFileContent.DATA:
                raise LakeError(
                    f"{version.dataset} v{version.number} has rows deleted apart.", todo="Publish it again."
                )
            name = data_name(file.file_path.removeprefix("file://"))
            file._data[1] = f"{root}/data/{name}"
            writer.add_entry(
                ManifestEntry.from_args(
                    status=ManifestEntryStatus.EXISTING,
                    snapshot_id=version.snapshot_id,
                    sequence_number=version.number,
                    file_sequence_number=version.number,
                    data_file=file,
                )
            )
    made = [writer.to_manifest_file()] if entries else []  # a version without rows has no file
    listed = _Sheet(f"{place}/{LIST}")
    with write_manifest_list(2, listed, version.snapshot_id, None, version.number, "deflate") as lists:
        lists.add_manifests(made)
    return listed.body, sheet.body


def _entries(table: Table, version: Version) -> list[ManifestEntry]:
    if version.extra.get("rewritten"):  # rows were erased: the manifests of its own commit are gone
        return _described(table, version)
    snapshot = table.snapshot_by_id(version.snapshot_id)
    if snapshot is None:
        raise LakeError(f"{version.dataset} v{version.number} is not in its own metadata.", todo="Run 'arengo doctor'.")
    return [
        entry
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    ]


def _described(table: Table, version: Version) -> list[ManifestEntry]:
    from pyiceberg.manifest import ManifestEntry, ManifestEntryStatus

    from arengo.lake.iceberg import data_file

    return [
        ManifestEntry.from_args(
            status=ManifestEntryStatus.EXISTING,
            snapshot_id=version.snapshot_id,
            data_file=data_file(table.io, table.metadata, file.path),
        )
        for file in version.files
    ]


def data_name(path: str) -> str:
    """``data/v1-13a172bf/part-0.parquet`` goes by ``v1-13a172bf/part-0.parquet``."""
    return "/".join(path.rsplit("/", 2)[1:])


def _read(path: str) -> bytes:
    try:
        return Path(path.removeprefix("file://")).read_bytes()
    except FileNotFoundError as error:
        raise LakeError("The Iceberg metadata of a version is missing.", todo="Run 'arengo doctor'.") from error


@lru_cache(maxsize=4096)
def _schema_id(metadata: str, snapshot_id: int) -> int:
    body = orjson.loads(_read(metadata))
    for snapshot in body.get("snapshots", ()):
        if snapshot["snapshot-id"] == snapshot_id:
            return int(snapshot.get("schema-id", body["current-schema-id"]))
    return int(body["current-schema-id"])


class _Sheet(OutputFile):
    """pyiceberg's output file, in memory: what is written stands in ``body`` when it is closed."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.body = b""

    def create(self, overwrite: bool = False) -> Any:
        return _Page(self)

    def __len__(self) -> int:
        return len(self.body)

    def to_input_file(self) -> Any:
        return self

    def exists(self) -> bool:
        return bool(self.body)


class _Page(io.BytesIO):
    def __init__(self, sheet: _Sheet) -> None:
        super().__init__()
        self._sheet = sheet

    def close(self) -> None:
        if not self.closed:
            self._sheet.body = self.getvalue()
        super().close()
