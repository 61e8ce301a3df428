"""``/datastore/dump/{resource}``: a whole table as CSV, TSV, JSON or XML, in bounded memory and steady time a row.

``format``, ``bom``, ``limit``, ``offset``, ``filters``, ``q``, ``fields``, ``sort`` as CKAN has them, and ``as_of``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import orjson
from starlette.requests import Request
from starlette.responses import Response

from arengo.errors import BadQuery
from arengo.faces.ckan import datastore, markup
from arengo.faces.ckan.call import ALL, Call
from arengo.faces.ckan.datastore import Asked, Row
from arengo.faces.ckan.sheet import lines
from arengo.faces.site import headers_of, matches, unchanged
from arengo.faces.turn import Stream
from arengo.services.reading import READINGS

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
    "json": "application/json",
    "xml": "text/xml; charset=utf-8",
}
PIECE = 2000
"""Rows written at once."""
PATIENCE = 15
"""A whole table may take this many times the seconds of a page; waiting for the client does not count."""


def dump(call: Call, request: Request) -> Response:
    """Raises what :func:`datastore.asked` raises; BadQuery for another format."""
    form = call.text("format", "csv").lower()
    if form not in MEDIA:
        raise BadQuery(f"There is no format {form[:20]!r}.", todo=f"Write {', '.join(MEDIA)}.")
    wanted = datastore.asked(call)
    READINGS.count(wanted.record.id, "ckan", call.agent)
    offset, limit = call.number("offset", 0), call.number("limit", ALL)
    bom = call.yes("bom")
    answer = call.site.door.ask(wanted.query, call.caller)
    tag = answer.tag(f"ckan {form} {bom} {offset} {limit} {wanted.names} {wanted.narrowing.numbers}")
    headers = headers_of(tag, wanted.view.modified)
    if matches(request, tag):
        return unchanged(headers)
    headers["Content-Disposition"] = f'attachment; filename="{wanted.record.id}.{form}"'
    headers["Arengo-Version"] = str(wanted.view.version.number)
    seconds = call.site.settings.engine.request_seconds * PATIENCE

    def make() -> Iterator[bytes]:
        return _pieces(form, wanted, _parts(call, wanted, offset, limit, seconds), bom)

    return Stream(make, call.site.streams, headers, MEDIA[form])


def _parts(call: Call, wanted: Asked, offset: int, limit: int, seconds: float) -> Iterator[list[Row]]:
    """Small answers as pages are found; the rest read as it is taken."""
    if wanted.narrowing.numbers is not None or wanted.narrowing.after or limit <= PIECE:
        yield datastore.found(call, wanted, offset, min(limit, datastore.LARGEST))[0]
        return
    query = wanted.query if limit >= ALL else replace(wanted.query, limit=offset + limit)
    yield from datastore.parts(call, wanted, query, offset, seconds)


def _pieces(form: str, wanted: Asked, parts: Iterator[list[Row]], bom: bool) -> Iterator[bytes]:
    cut = (part[start : start + PIECE] for part in parts for start in range(0, len(part), PIECE))
    if form == "json":
        fields = orjson.dumps(datastore.fields(wanted.view, wanted.names))
        yield b'{\n  "fields": ' + fields + b',\n  "records": ['
        first = True
        for part in cut:
            rows = b",\n    ".join(orjson.dumps(row, default=str) for row in part)
            yield (b"\n    " if first else b",\n    ") + rows
            first = False
        yield b"\n  ]\n}\n"
        return
    if form == "xml":
        yield markup.HEAD
        for part in cut:
            yield markup.rows(wanted.names, part)
        yield markup.TAIL
        return
    yield ("\ufeff" if bom else "").encode() + lines((wanted.names,), form)
    for part in cut:
        yield lines(part, form)
