"""Questions in SQL: ``/api/v1/sql``, one SELECT over everything a caller may read.

``GET ?q=SELECT ...&p.district=Nord&format=csv``, or POST: the same names in a form or as JSON (``params`` an object or
a list), or the text itself as ``text/plain`` or ``application/sql``. A question is stopped when its caller goes away,
or by ``DELETE /api/v1/sql/{id}`` with the ``id`` it was asked with.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo.contract.model import Kind
from arengo.door import Encoded, SqlAnswer, SqlTable
from arengo.errors import BadQuery, TooExpensive, UnknownVersion
from arengo.faces import page
from arengo.faces.site import (
    JSON,
    JSON_OPTIONS,
    Site,
    accepted,
    asked,
    headers_of,
    matches,
    parameters,
    plain,
    segment,
    send_json,
    unchanged,
)
from arengo.faces.turn import Stream, Turns
from arengo.query.notation import whole
from arengo.query.scope import nearest
from arengo.services.reading import READINGS

FORMS = {
    "json": JSON,
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "arrays": "application/vnd.arengo.arrays+json",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
PARAMETERS = ("q", "format", "f", "as_of", "limit", "dialect", "id", "safe")
BODY_LIMIT = 200_000
PATIENCE = 20.0
"""Seconds a question waits for its turn."""
PIECE = 2000
"""Rows written at once."""
SMALL = 5000
"""Answers up to this many rows are written whole and kept."""
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def routes(site: Site) -> list[BaseRoute]:
    turns = Turns(site.settings.sql.parallel)

    async def answer(request: Request) -> Response:
        return await _answer(site, turns, request)

    async def tables(request: Request) -> Response:
        return await _tables(site, request)

    async def stop(request: Request) -> Response:
        if not site.door.stop_sql(request.path_params["id"]):
            raise UnknownVersion("No question of that id is being answered.", todo="It may be answered already.")
        return Response(status_code=204)

    return [
        Route("/api/v1/sql", answer, methods=["GET", "HEAD", "POST"]),
        Route("/api/v1/sql/tables", tables, methods=["GET", "HEAD"]),
        Route("/api/v1/sql/{id}", stop, methods=["DELETE"]),
    ]


async def _answer(site: Site, turns: Turns, request: Request) -> Response:
    given, params = await _asked(request)
    form = accepted(request, FORMS, "json", given.get("format") or given.get("f", ""))
    text = given.get("q", "")
    if not text.strip():
        raise BadQuery("Which question?", todo="Add q= with a SELECT; /api/v1/sql/tables lists the tables.")
    mark = given.get("id", "")
    if mark and not _ID.fullmatch(mark):
        raise BadQuery(f"The id {mark!r} is not one.", todo="Give 8 to 64 letters, digits, - or _.")
    most = site.settings.sql.max_rows
    limit = min(whole("limit", given["limit"]), most) if given.get("limit") else most
    safe = given.get("safe", "").lower() in ("1", "true", "yes")
    try:
        await asyncio.wait_for(turns.here.acquire(), PATIENCE)
    except TimeoutError:
        raise TooExpensive("Many questions are being answered just now.", todo="Try again in a moment.") from None
    try:
        made = await run_in_threadpool(
            site.door.sql,
            text,
            params,
            caller=site.caller(request),
            dialect=given.get("dialect") or "duckdb",
            limit=limit,
            as_of=given.get("as_of", ""),
            id=mark,
        )
        for read in made.reads:
            READINGS.count(read.dataset, "sql", request.headers.get("user-agent", "").encode())
        headers = _headers(site, made, f"{form} {safe}")
        if headers.get("ETag") and matches(request, headers["ETag"]):
            return unchanged(headers)
        key = made.key + f" {form} {safe}".encode() if made.key else b""
        held = site.door.cache.get(key) if key else None
        if held is None:
            await _while_there(request, made, lambda: made.returned)
            if made.returned > SMALL or form in ("parquet", "arrow"):
                _count(headers, made.returned, made.truncated)
                _named(headers, form)
                return Stream(lambda: _WRITE[form](made, safe), site.streams, headers, FORMS[form])
            held = await run_in_threadpool(_whole, made, form, safe)
            if key:
                site.door.cache.put(key, held)
    finally:
        turns.here.release()
    _count(headers, held.returned, held.next_cursor == "more")
    _named(headers, form)
    return Response(held.body, 200, headers, FORMS[form])


async def _while_there(request: Request, answer: SqlAnswer, work: Callable[[], Any]) -> None:
    """Run ``work`` and stop the question when the caller goes away meanwhile."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working = asyncio.ensure_future(run_in_threadpool(work))
    leaving = asyncio.ensure_future(gone())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            answer.stop()
        await working
    finally:
        leaving.cancel()
        if not working.done():
            answer.stop()


def _headers(site: Site, answer: SqlAnswer, form: str) -> dict[str, str]:
    headers = headers_of(answer.tag(form), answer.modified)
    if not headers["ETag"]:
        del headers["ETag"]
        headers["Cache-Control"] = "no-store"
    headers["Arengo-Question"] = answer.id
    headers["Arengo-Limit-Rows"] = str(answer.limit)
    headers["Arengo-Limit-Seconds"] = f"{site.settings.sql.seconds:g}"
    return headers


def _count(headers: dict[str, str], rows: int, truncated: bool) -> None:
    headers["Arengo-Rows"] = str(rows)
    headers["Arengo-Truncated"] = str(truncated).lower()


def _named(headers: dict[str, str], form: str) -> None:
    if form in ("csv", "parquet", "arrow"):
        headers["Content-Disposition"] = f'attachment; filename="answer.{form}"'


# ---- what was asked -----------------------------------------------------------------------------------------------


async def _asked(request: Request) -> tuple[dict[str, str], dict[str, Any] | list[Any]]:
    """Words and parameters. Raises BadQuery."""
    pairs = request.query_params.multi_items() if request.method == "POST" else asked(request)
    params: dict[str, Any] | list[Any] = {}
    if request.method == "POST":
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise BadQuery(f"The body is larger than {BODY_LIMIT:,} bytes.", todo="Ask a shorter question.")
        media = request.headers.get("content-type", "").split(";")[0].strip().lower()
        try:
            if media == "application/x-www-form-urlencoded":
                pairs += parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200)
            elif media in ("text/plain", "application/sql", "text/sql"):
                pairs.append(("q", body.decode()))
            else:
                more, params = _json_body(body)
                pairs += more
        except UnicodeDecodeError:
            raise BadQuery("The body is not UTF-8.", todo="Send UTF-8.") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith("p.") and isinstance(params, dict):
            name, target = name[2:], params
        elif name in PARAMETERS:
            target = given
        else:
            raise BadQuery(f"There is no parameter {name!r} here.", todo=nearest(name, (*PARAMETERS, "p.name")))
        if name in target:
            raise BadQuery(f"The parameter {name!r} is given twice.", todo="Give it once.")
        target[name] = value
    return given, params


def _json_body(body: bytes) -> tuple[list[tuple[str, str]], dict[str, Any] | list[Any]]:
    try:
        found = orjson.loads(body or b"{}")
    except ValueError as error:
        raise BadQuery(f"The body is not JSON: {error}.", todo='Send {"q": "SELECT ...", "params": {}}.') from None
    if not isinstance(found, dict):
        raise BadQuery("The body is not an object.", todo='Send {"q": "SELECT ...", "params": {}}.')
    params = found.pop("params", None)
    if not isinstance(params, (dict, list, type(None))):
        raise BadQuery("'params' is neither an object nor a list.", todo='Write {"params": {"district": "Nord"}}.')
    pairs = []
    for name, value in found.items():
        if isinstance(value, (dict, list)):
            raise BadQuery(f"{name!r} has a value of the wrong form.", todo="See /api/v1/openapi.json.")
        if value is not None:
            pairs.append((str(name), str(value).lower() if isinstance(value, bool) else str(value)))
    return pairs, params or {}


# ---- the tables ---------------------------------------------------------------------------------------------------


async def _tables(site: Site, request: Request) -> Response:
    given = parameters(request, ("limit", "cursor"))
    limit = whole("limit", given.get("limit", "100"))
    if not 1 <= limit <= 1000:
        raise BadQuery(f"limit is {limit}, and a page has 1 to 1,000 tables.")
    found = await run_in_threadpool(site.door.sql_tables, site.caller(request), given.get("cursor", ""), limit + 1)
    more = len(found) > limit
    items = [_table(site, request, item) for item in found[:limit]]
    return send_json(request, {"items": items, "next": found[limit - 1].dataset if more else None})


def _table(site: Site, request: Request, table: SqlTable) -> dict[str, Any]:
    view = table.view
    return {
        "name": table.name,
        "dataset": table.dataset,
        "title": view.contract.title(),
        "version": view.version.number,
        "rows": view.version.rows,
        "columns": [
            {"name": item.name, "kind": item.kind, "title": item.title, "unit": item.unit or None}
            for item in view.columns
        ],
        "address": f"{site.base(request)}/api/v1/datasets/{segment(table.dataset)}",
    }


# ---- the forms of an answer ---------------------------------------------------------------------------------------


def _whole(answer: SqlAnswer, form: str, safe: bool) -> Encoded:
    body = b"".join(_WRITE[form](answer, safe))
    return Encoded(body, "more" if answer.truncated else "", None, answer.returned)


def _rows(answer: SqlAnswer, geometry: str) -> Iterator[Sequence[Sequence[Any]]]:
    """Pieces of rows whose values any writer takes."""
    at = [i for i, item in enumerate(answer.columns) if item.kind is Kind.GEOMETRY or item.type == "JSON"]
    for piece in answer.pieces(geometry, PIECE):
        if not at or geometry != "geojson":
            yield piece
            continue
        out = []
        for row in piece:
            values = list(row)
            for i in at:
                values[i] = page.as_json(values[i])
            out.append(values)
        yield out


def _dumps(value: Any) -> bytes:
    return orjson.dumps(value, option=JSON_OPTIONS, default=_default)


def _default(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else plain(value)


def _about(answer: SqlAnswer) -> dict[str, Any]:
    return {
        "columns": [{"name": item.name, "kind": item.kind, "type": item.type} for item in answer.columns],
        "returned": answer.returned,
        "truncated": answer.truncated,
        "next": None,
        "tables": [{"name": read.name, "dataset": read.dataset, "version": read.version} for read in answer.reads],
    }


def _json(answer: SqlAnswer, safe: bool) -> Iterator[bytes]:
    names = [item.name for item in answer.columns]
    yield b'{"items":['
    yield from _listed([dict(zip(names, row, strict=True)) for row in part] for part in _rows(answer, "geojson"))
    yield b"]," + _dumps(_about(answer))[1:]


def _arrays(answer: SqlAnswer, safe: bool) -> Iterator[bytes]:
    yield b'{"rows":['
    yield from _listed(_rows(answer, "geojson"))
    yield b"]," + _dumps(_about(answer))[1:]


def _listed(parts: Iterator[Sequence[Any]]) -> Iterator[bytes]:
    first = True
    for part in parts:
        if part:
            yield (b"" if first else b",") + _dumps(part)[1:-1]
            first = False


def _ndjson(answer: SqlAnswer, safe: bool) -> Iterator[bytes]:
    names = [item.name for item in answer.columns]
    for part in _rows(answer, "geojson"):
        yield b"".join(_dumps(dict(zip(names, row, strict=True))) + b"\n" for row in part)


def _csv(answer: SqlAnswer, safe: bool) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_cell(item.name, safe) for item in answer.columns)
    for part in _rows(answer, "wkt"):
        writer.writerows([_cell(value, safe) for value in row] for row in part)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    if answer.returned == 0:
        yield out.getvalue().encode()


def _cell(value: Any, safe: bool) -> str:
    if isinstance(value, (dict, list)):
        value = _dumps(value).decode()
    elif isinstance(value, bytes):
        value = value.hex()
    text = page.text(value)
    return f"'{text}" if safe and isinstance(value, str) and text.startswith(_RISKY) else text


def _arrow(answer: SqlAnswer, safe: bool) -> Iterator[bytes]:
    import pyarrow as pa

    sink = _Sink()
    with pa.ipc.new_stream(sink, answer.schema()) as out:
        for batch in answer.batches():
            out.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


def _parquet(answer: SqlAnswer, safe: bool) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), answer.schema(), compression="zstd") as out:
        for batch in answer.batches():
            out.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file whose bytes are taken away as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._held.append(piece)
        self._size += len(piece)
        return len(piece)

    def close(self) -> None:
        """What was written stays to be taken."""

    def taken(self) -> bytes:
        held, self._held = b"".join(self._held), []
        return held


_WRITE: Mapping[str, Callable[[SqlAnswer, bool], Iterator[bytes]]] = {
    "json": _json,
    "arrays": _arrays,
    "ndjson": _ndjson,
    "csv": _csv,
    "arrow": _arrow,
    "parquet": _parquet,
}
