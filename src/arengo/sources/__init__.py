"""Where data comes from: files, geographic files, databases, HTTP interfaces.

In: a :class:`SourceSpec` (from a contract) or the name of a file, address or database. Out: samples for a draft, or
a :class:`Pull` of Arrow batches with a ``_row`` column, rejects and a fingerprint. Promise: bounded memory, nothing
read half without an error, no request past the guard, no unpacking past the limits.
May import: contract, state, settings, errors. One more kind: one module with a Reader, one line in BUILTIN, or a
package with an entry point in the group ``arengo.sources``.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample
from arengo.errors import ContractError, Place, SourceMalformed
from arengo.sources.api import ApiReader
from arengo.sources.archive import ZipReader, packing
from arengo.sources.base import ROW, Context, Fingerprint, Pull, Reader, Registry, Reject
from arengo.sources.csv import CsvReader
from arengo.sources.database import MysqlReader, PostgresReader
from arengo.sources.documents import DocumentsReader, holds_documents
from arengo.sources.excel import ExcelReader
from arengo.sources.folder import FolderReader
from arengo.sources.gtfs import GtfsReader
from arengo.sources.json import GeoJsonReader, JsonReader, NdjsonReader
from arengo.sources.location import Located, local_path, locate, regular
from arengo.sources.parquet import ParquetReader
from arengo.sources.query import QueryReader
from arengo.sources.sqlite import SqliteReader
from arengo.sources.vector import FlatGeobufReader, GeoPackageReader, GmlReader, KmlReader, ShapefileReader

__all__ = [
    "BUILTIN",
    "ROW",
    "Context",
    "Fingerprint",
    "Pull",
    "Reader",
    "Reject",
    "broken",
    "detect",
    "reader",
    "readers",
    "recognise",
    "samples",
]

BUILTIN: list[Reader] = [
    CsvReader(),
    ExcelReader(),
    JsonReader(),
    NdjsonReader(),
    ParquetReader(),
    GeoJsonReader(),
    ShapefileReader(),
    GeoPackageReader(),
    KmlReader(),
    GmlReader(),
    FlatGeobufReader(),
    GtfsReader(),
    SqliteReader(),
    PostgresReader(),
    MysqlReader(),
    ApiReader(),
    FolderReader(),
    DocumentsReader(),
    QueryReader(),
    ZipReader(),
]
"""The kinds that ship with Arengo; they enter through the same entry point group as plugins."""

_log = logging.getLogger(__name__)
_HEAD = 65_536


@cache
def _load() -> tuple[Registry, dict[str, str]]:
    from importlib.metadata import entry_points

    found: Registry = {}
    failures: dict[str, str] = {}

    def add(items: Iterable[Reader], origin: str) -> None:
        for item in items:
            if item.kind in found:
                failures[origin] = f"The kind {item.kind!r} exists already; the one of {origin} is not used."
                continue
            found[item.kind] = Located(item) if item.suffixes else item

    add(BUILTIN, "arengo")
    for entry in sorted(entry_points(group="arengo.sources"), key=lambda item: item.name):
        if entry.value == "arengo.sources:BUILTIN":
            continue
        try:
            loaded = entry.load()
            add(loaded if isinstance(loaded, (list, tuple)) else [loaded], entry.value)
        except Exception as error:  # a plugin that fails must not take the city's other sources with it
            failures[entry.value] = f"{type(error).__name__}: {error}"
            _log.warning("The source plugin %s cannot be loaded: %s", entry.value, error)
    return found, failures


def readers() -> Registry:
    """Every kind of source, by name; built-in kinds first."""
    return dict(_load()[0])


def broken() -> dict[str, str]:
    """Entry points that could not be used, with the reason."""
    return dict(_load()[1])


def reader(kind: str) -> Reader:
    """The reader of ``kind``. Raises ContractError when there is none."""
    found = _load()[0].get(kind)
    if found is None:
        raise ContractError(
            f"There is no source kind {kind!r}.", todo=f"The kinds are {', '.join(sorted(_load()[0]))}."
        )
    return found


def recognise(name: str, head: bytes) -> str:
    """The kind whose reader fits a name and first bytes best, '' when none does."""
    scores = [(item.matches(name, head), kind) for kind, item in _load()[0].items()]
    best = max(scores, key=lambda pair: pair[0])
    return best[1] if best[0] > 0 else ""


def detect(target: str, context: Context) -> SourceSpec:
    """What ``target`` is: a file, a folder, an address or a database, as a spec whose samples can be taken.

    Raises SourceMissing, SourceMalformed (no kind fits), SourceForbidden (the guard said no).
    """
    if re.match(r"^(postgres(ql)?|mysql|mariadb|sqlite)://", target, re.IGNORECASE):
        kind = {"postgres": "postgresql", "mariadb": "mysql"}.get(scheme := target.split(":")[0].lower(), scheme)
        if kind == "sqlite":
            return SourceSpec("sqlite", {"path": unquote(target.split("://", 1)[1])}, Path.cwd())
        return SourceSpec(kind, {"dsn": target}, Path.cwd())
    remote = re.match(r"^https?://", target, re.IGNORECASE) is not None
    spec = SourceSpec("", {"url": target} if remote else {"path": os.path.abspath(target)}, Path.cwd())
    if not remote and local_path(spec).is_dir():
        kind = "documents" if holds_documents(local_path(spec)) else "folder"
        return SourceSpec(kind, spec.options, spec.base)
    from arengo.sources.download import download

    path = download(spec, context).path if remote else regular(local_path(spec))
    name = Path(unquote(urlsplit(target).path)).name if remote else path.name
    if packing(path) == "gzip":
        path = locate(SourceSpec("", {"path": str(path)}, spec.base), context, (), False).path
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    kind = recognise(str(path), head)
    if not kind:
        raise SourceMalformed(
            "No kind of source fits this file.",
            todo=f"Arengo reads {', '.join(sorted(_load()[0]))}; name the kind in arengoSource if it is one of them.",
            place=Place(file=name),
        )
    if kind == "json" and remote:
        kind = ApiReader.better_than_file(path, kind)
    return SourceSpec(kind, spec.options, spec.base)


def samples(spec: SourceSpec, context: Context, rows: int = 5000) -> list[Sample]:
    """One sample for each table of the source."""
    return list(_samples(spec, context, rows))


def _samples(spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
    yield from reader(spec.kind).samples(spec, context, rows)
