"""Downloads of a whole version: ``/api/v1/datasets/{id}/export.{format}``.

CSV, NDJSON, GeoJSON and Arrow are streamed as they are read and may be filtered. Parquet, GeoParquet, GeoPackage and
XLSX are built once per version by a process of its own, in bounded memory, put in place by a rename, and then served
as files with ranges.
"""

from __future__ import annotations

import io
import os
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from arengo.door import ANYONE, Answer, Caller, Door, View
from arengo.errors import BadQuery, NotAcceptable
from arengo.faces import build
from arengo.faces.site import Site, asked, headers_of, matches, unchanged
from arengo.faces.turn import Stream
from arengo.query import Query, from_parameters
from arengo.query import plain as plain_filters
from arengo.query.notation import switch
from arengo.query.scope import nearest

if TYPE_CHECKING:
    pass

EXCEL_ROWS = 1_048_575
DELIMITERS = {",": ",", ";": ";", "tab": "\t", "\t": "\t", "|": "|", "comma": ",", "semicolon": ";"}
_ROWS = 16_384
_PIECE = 2_048
"""Rows of one piece of a stream: less than a megabyte of most tables."""
_PATIENCE = 15
"""A whole table may take this many times the seconds of a page; waiting for the client does not count."""
_RANGE = re.compile(r"[0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Format:
    """One download. ``built``: made once per version as a file; otherwise streamed. ``place``: needs geometry."""

    name: str
    media: str
    suffix: str
    built: bool = False
    place: bool = False


FORMATS: dict[str, Format] = {
    item.name: item
    for item in (
        Format("csv", "text/csv; charset=utf-8", "csv"),
        Format("parquet", "application/vnd.apache.parquet", "parquet", built=True),
        Format("geoparquet", "application/vnd.apache.parquet", "geo.parquet", built=True, place=True),
        Format("geojson", "application/geo+json", "geojson", place=True),
        Format("gpkg", "application/geopackage+sqlite3", "gpkg", built=True, place=True),
        Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", built=True),
        Format("ndjson", "application/x-ndjson", "ndjson"),
        Format("arrow", "application/vnd.apache.arrow.stream", "arrow"),
    )
}
_FILTERS = ("select", "filter", "filter-lang", "order_by", "bbox", "datetime", "search")
_CSV = ("safe", "bom", "delimiter")


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """``safe``: no text starts a formula. ``bom``: a UTF-8 mark in front, which Excel needs to read accents."""

    safe: bool = False
    bom: bool = False
    delimiter: str = ","


def routes(site: Site) -> list[BaseRoute]:
    async def endpoint(request: Request) -> Response:
        return await export(site, request)

    return [Route("/api/v1/datasets/{dataset}/export.{format}", endpoint, methods=["GET", "HEAD"])]


def find(name: str) -> Format:
    """Raises NotAcceptable, naming the formats there are."""
    found = FORMATS.get(name.lower())
    if found is None:
        raise NotAcceptable(f"There is no format {name!r}.", todo=f"Formats: {', '.join(FORMATS)}.")
    return found


def admit(view: View, form: Format) -> None:
    """Raises NotAcceptable when the dataset cannot be written in this format."""
    if form.place and view.geometry is None:
        raise NotAcceptable(f"{view.dataset} has no geometry, so there is no {form.name}.", todo="Take parquet or csv.")
    if form.name == "xlsx" and view.version.rows > EXCEL_ROWS:
        raise NotAcceptable(
            f"{view.dataset} has {view.version.rows:,} rows, and a sheet of Excel holds {EXCEL_ROWS:,}.",
            todo="Take csv or parquet, or filter the csv.",
        )


async def export(site: Site, request: Request) -> Response:
    """One download."""
    dataset = request.path_params["dataset"]
    caller = site.caller(request)
    site.door.view(dataset, "", caller)  # who may not read learns that first
    form = find(request.path_params["format"])
    given, pairs, options = _read(request, form)
    view = site.door.view(dataset, given.get("as_of", "").strip(), caller)
    admit(view, form)
    also = plain_filters(pairs, view.scope) if pairs else None
    query = from_parameters(dataset, {**given, "as_of": str(view.version.number)}, also=also, limit=None)
    answer = site.door.ask(query, caller)
    headers = headers_of(answer.tag(f"export {form.name} {build.REVISION} {options}"), view.modified)
    headers["Content-Disposition"] = f'attachment; filename="{file_name(view, form)}"'
    headers["Arengo-Version"] = str(view.version.number)
    if matches(request, headers["ETag"]):
        return unchanged(headers)
    if form.built:
        path = built_path(site.door, view, form)
        if not path.is_file():
            async with site.builds.here:  # those who wait for a build hold no thread
                path = await run_in_threadpool(artefact, site.door, answer, form)
        heed_range(request)
        return FileResponse(path, headers=headers, media_type=form.media)
    if request.method == "HEAD":
        bare = Response(b"", 200, headers, form.media)
        del bare.headers["content-length"]  # nobody knows it before the rows are read
        return bare
    seconds = site.settings.engine.request_seconds * _PATIENCE
    return Stream(
        lambda: stream(answer, form, options, rows=_PIECE, seconds=seconds), site.streams, headers, form.media
    )


def heed_range(request: Request) -> None:
    """Take away a Range header that is to be ignored: not a GET, another unit, malformed (RFC 9110, 14.2)."""
    given = request.headers.get("range")
    if given is None:
        return
    unit, _, ranges = given.partition("=")
    parts = [part.strip(" \t") for part in ranges.split(",")]
    if (
        request.method != "GET"
        or unit.lower() != "bytes"
        or not all(_RANGE.fullmatch(part) and _ascends(part) for part in parts)
    ):
        request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0] != b"range"]


def _ascends(part: str) -> bool:
    first, _, last = part.partition("-")
    return not first or not last or int(first) <= int(last)


def _read(request: Request, form: Format) -> tuple[dict[str, str], list[tuple[str, str]], CsvOptions]:
    given: dict[str, str] = {}
    options: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    known = ["as_of", *([] if form.built else _FILTERS), *(_CSV if form.name == "csv" else ())]
    for name, value in asked(request):
        if name in given or name in options:
            raise BadQuery(f"The parameter {name!r} is given twice.", todo="Give it once.")
        if name in _CSV and name in known:
            options[name] = value
        elif name in known:
            given[name] = value
        elif form.built:
            note = " Filters are for csv, ndjson, geojson and arrow." if name in _FILTERS else ""
            raise BadQuery(f"There is no parameter {name!r} for {form.name}.{note}", todo=nearest(name, known))
        elif name in _CSV or name in ("group_by", "aggregate", "limit", "cursor", "count", "f"):
            raise BadQuery(f"There is no parameter {name!r} for {form.name}.", todo="Use /rows for pages and groups.")
        else:
            pairs.append((name, value))
    return given, pairs, csv_options(options)


def csv_options(given: Mapping[str, str]) -> CsvOptions:
    delimiter = given.get("delimiter", ",")
    if delimiter not in DELIMITERS:
        raise BadQuery(f"The delimiter {delimiter!r} is not offered.", todo="Use comma, semicolon, tab or |.")
    return CsvOptions(
        switch("safe", given.get("safe", "false")), switch("bom", given.get("bom", "false")), DELIMITERS[delimiter]
    )


def file_name(view: View, form: Format) -> str:
    return f"{view.dataset}-{view.version.label}.{form.suffix}"


def stream(
    answer: Answer, form: Format, options: CsvOptions | None = None, *, rows: int = _ROWS, seconds: float = 0
) -> Iterator[bytes]:
    """The whole answer in a streamed format, in bounded memory.

    ``rows``: of one piece; the bytes do not depend on it. ``seconds``: what reading may take, 0 for no limit.
    """
    if form.name == "csv":
        return _csv(answer, options or CsvOptions(), rows, seconds)
    if form.name == "arrow":
        return _arrow(answer, seconds)
    lines = answer.lines(form.name, rows=rows, seconds=seconds)
    return _geojson(lines) if form.name == "geojson" else lines


def _csv(answer: Answer, options: CsvOptions, rows: int, seconds: float) -> Iterator[bytes]:
    import pyarrow.csv as pc

    write = pc.WriteOptions(include_header=False, delimiter=options.delimiter, quoting_style="needed")
    names = [item.name for item in answer.columns]
    if options.safe:
        names = [f"'{name}" if name[:1] in "=+-@\t\r" else name for name in names]
    head = options.delimiter.join('"' + name.replace('"', '""') + '"' for name in names) + "\n"
    first = (b"\xef\xbb\xbf" if options.bom else b"") + head.encode()
    for batch in answer.cells(safe=options.safe, rows=rows, seconds=seconds):
        out = io.BytesIO()
        out.write(first)  # with the first rows: what keeps them from being read is told before anything is sent
        pc.write_csv(batch, out, write)
        yield out.getvalue()
        first = b""
    if first:
        yield first


def _geojson(lines: Iterator[bytes]) -> Iterator[bytes]:
    head = b'{"type":"FeatureCollection","features":['
    for piece in lines:
        if head:
            yield head
            piece, head = piece[1:], b""
        yield piece
    yield head + b"\n]}\n"


def _arrow(answer: Answer, seconds: float) -> Iterator[bytes]:
    import pyarrow as pa

    sink = io.BytesIO()
    writer: Any = None
    for batch in build.typed(answer, seconds=seconds):  # its own batches: they are part of the bytes
        if writer is None:
            writer = pa.ipc.new_stream(sink, batch.schema)
        writer.write_batch(batch)
        yield sink.getvalue()
        sink.seek(0)
        sink.truncate()
    if writer is None:
        writer = pa.ipc.new_stream(sink, build.schema_of(answer))
    writer.close()
    yield sink.getvalue()


_BUILDS: dict[str, threading.Lock] = {}
_GUARD = threading.Lock()
_AT_ONCE = threading.BoundedSemaphore(2)


def built_path(door: Door, view: View, form: Format) -> Path:
    """Where the built file of a version is, or will be."""
    return door.artefact(view, f"export-{build.REVISION}.{form.suffix}")


def artefact(door: Door, answer: Answer, form: Format) -> Path:
    """The built file of a version, made now when it is not there. One build at a time for each file."""
    path = built_path(door, answer.view, form)
    if path.is_file():
        return path
    with _GUARD:
        lock = _BUILDS.setdefault(str(path), threading.Lock())
    with lock, _AT_ONCE:
        if not path.is_file():
            part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
            try:
                build.make(answer, form.name, part, door.scratch())
                path.parent.mkdir(parents=True, exist_ok=True)
                with part.open("rb") as file:  # a power cut must not leave the name without the rows
                    os.fsync(file.fileno())
                os.replace(part, path)
            finally:
                part.unlink(missing_ok=True)
    with _GUARD:
        _BUILDS.pop(str(path), None)
    return path


def write(
    door: Door,
    dataset: str,
    format: str,
    output: Path | None = None,
    *,
    as_of: str = "",
    caller: Caller = ANYONE,
    options: CsvOptions | None = None,
) -> Path:
    """Write one version to ``output`` (default: its own name in the current folder), whole or not at all."""
    form = find(format)
    view = door.view(dataset, as_of, caller)
    admit(view, form)
    path = output or Path(file_name(view, form))
    answer = door.ask(Query(dataset, limit=None, as_of=str(view.version.number)), caller)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if form.built:
            build.make(answer, form.name, part, door.scratch())
        else:
            with part.open("wb") as sink:
                for piece in stream(answer, form, options):
                    sink.write(piece)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path
