"""Open datasets as tables that other engines read directly (Apache Iceberg REST catalogue specification, read part).

``/iceberg/v1``: what a client asks a catalogue for. ``/iceberg-data``: the files, the way an S3 client asks for them
(GetObject and HeadObject with ranges, ListObjectsV2), since that is the one remote form that pyiceberg, DuckDB,
Spark and Trino share. A client signs its requests with the key it is told; the signature is not looked at, because
only what everybody may read is here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from arengo.errors import ArengoError, BadQuery, NotAllowed, NotKnown, UnknownDataset
from arengo.faces.site import Site, send_json

ROOT = "/iceberg/v1"
BUCKET = "iceberg-data"
NAMESPACE = "arengo"
PAGE = 100
KEY = "anonymous"
ENDPOINTS = [
    "GET /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
    "GET /v1/{prefix}/namespaces/{namespace}/views",
]


def routes(site: Site) -> list[BaseRoute]:
    def bind(answer: Callable[[Site, Request], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                return await run_in_threadpool(answer, site, request)
            except ArengoError as error:
                return failure(error.status, _kind(error), str(error))

        endpoint.__name__ = answer.__name__
        return endpoint

    spaces = f"{ROOT}/namespaces"
    tables = f"{spaces}/{{namespace}}/tables"
    reading = ["GET", "HEAD"]
    writing = ["POST", "DELETE", "PUT", "PATCH"]
    return [
        Route(f"{ROOT}/config", bind(config), methods=reading),
        Route(spaces, bind(namespaces), methods=reading),
        Route(f"{spaces}/{{namespace}}", bind(namespace), methods=reading),
        Route(tables, bind(listing), methods=reading),
        Route(f"{spaces}/{{namespace}}/views", bind(views), methods=reading),
        Route(f"{tables}/{{table}}/metrics", bind(metrics), methods=["POST"]),
        Route(f"{tables}/{{table}}", bind(table), methods=reading),
        Route(f"{ROOT}/{{rest:path}}", bind(read_only), methods=writing),
        Route(f"{ROOT}/{{rest:path}}", bind(nothing), methods=reading),
        Route(f"/{BUCKET}", bind(objects), methods=reading),
        Route(f"/{BUCKET}/{{dataset}}/{{name:path}}", _file(site), methods=reading),
        Route(f"/{BUCKET}/{{rest:path}}", bind(read_only), methods=writing),
    ]


def failure(status: int, kind: str, message: str) -> Response:
    """An error as the specification wants it (ErrorModel)."""
    body = {"error": {"message": message, "type": kind, "code": status}}
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, "application/json")


def _kind(error: ArengoError) -> str:
    if isinstance(error, UnknownDataset):
        return "NoSuchTableException"
    if isinstance(error, NotAllowed):
        return "ForbiddenException"
    if isinstance(error, NotKnown):
        return "NotAuthorizedException"
    return "BadRequestException" if error.status < 500 else "InternalServerError"


def _access(site: Site, request: Request) -> dict[str, str]:
    """What a client needs to fetch the files. The key is a word, not a secret."""
    return {
        "s3.endpoint": site.absolute(request),
        "s3.path-style-access": "true",
        "s3.access-key-id": KEY,
        "s3.secret-access-key": KEY,
        "s3.region": "eu-central-1",
        "client.region": "eu-central-1",
    }


def config(site: Site, request: Request) -> Response:
    return send_json(request, {"defaults": {}, "overrides": _access(site, request), "endpoints": ENDPOINTS})


def namespaces(site: Site, request: Request) -> Response:
    parent = request.query_params.get("parent", "")
    return send_json(request, {"namespaces": [] if parent else [[NAMESPACE]]})


def namespace(site: Site, request: Request) -> Response:
    if request.path_params["namespace"] != NAMESPACE:
        return failure(404, "NoSuchNamespaceException", f"The one namespace here is {NAMESPACE}.")
    return send_json(request, {"namespace": [NAMESPACE], "properties": {"owner": site.settings.city.name}})


def _open(site: Site, request: Request) -> list[str]:
    caller = site.caller(request)
    found = []
    for entry in site.catalogue.entries(limit=None).items:
        if entry.version is not None and site.door.grants_whole(entry.id, caller):
            found.append(entry.id)
    return sorted(found)


def listing(site: Site, request: Request) -> Response:
    """Datasets the caller may open, in pages (``pageToken``, ``pageSize``)."""
    if request.path_params["namespace"] != NAMESPACE:
        return failure(404, "NoSuchNamespaceException", f"The one namespace here is {NAMESPACE}.")
    names = _open(site, request)
    after = request.query_params.get("pageToken")
    following = None
    if after is not None:
        size = _size(request.query_params.get("pageSize", str(PAGE)))
        names = [name for name in names if name > after]
        following = names[size - 1] if len(names) > size else None
        names = names[:size]
    body: dict[str, Any] = {"identifiers": [{"namespace": [NAMESPACE], "name": name} for name in names]}
    if after is not None:
        body["next-page-token"] = following
    return send_json(request, body)


def _size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:6]) <= 1000:
        raise BadQuery(f"pageSize is {text[:20]!r}, and a page has 1 to 1,000 tables.")
    return int(text)


def views(site: Site, request: Request) -> Response:
    return send_json(request, {"identifiers": []})


def table(site: Site, request: Request) -> Response:
    """Table metadata with every retained version as a snapshot and a tag (LoadTableResult)."""
    if request.path_params["namespace"] != NAMESPACE:
        return failure(404, "NoSuchTableException", f"The one namespace here is {NAMESPACE}.")
    dataset = request.path_params["table"]
    document = site.door.table(dataset, _root(dataset), site.caller(request))
    access = _access(site, request)
    body = {
        "metadata-location": document.location,
        "metadata": document.body,
        "config": access,
        "storage-credentials": [{"prefix": f"s3://{BUCKET}/", "config": access}],
    }
    return send_json(request, body)


def metrics(site: Site, request: Request) -> Response:
    """Clients report how they scanned; nobody keeps it."""
    return Response(status_code=204)


def read_only(site: Site, request: Request) -> Response:
    return failure(403, "ForbiddenException", "These tables can be read only; a city publishes them by contract.")


def nothing(site: Site, request: Request) -> Response:
    return failure(404, "NotFoundException", "There is nothing at this address.")


def _root(dataset: str) -> str:
    return f"s3://{BUCKET}/{quote(dataset, safe='')}"


def _file(site: Site) -> Callable[[Request], Any]:
    async def file(request: Request) -> Response:
        dataset, name = request.path_params["dataset"], request.path_params["name"]
        try:
            found = await run_in_threadpool(site.door.table_file, dataset, name, _root(dataset), site.caller(request))
        except ArengoError as error:
            return _s3_error(error.status if error.status < 500 else 404, str(error))
        headers = {"Accept-Ranges": "bytes", "Cache-Control": "public, max-age=3600"}
        if isinstance(found, Path):
            if not found.is_file():
                return _s3_error(404, "The file is no longer kept.")
            try:
                return FileResponse(found, headers=headers, media_type="application/vnd.apache.parquet")
            except HTTPException as error:
                return _s3_error(error.status_code, str(error.detail))
        return _bytes(request, found, headers)

    return file


def _bytes(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    """A small file from memory, whole or the one range asked for (RFC 9110, section 14)."""
    span = _span(request.headers.get("range", ""), len(body))
    if span is None:
        return Response(body, 200, headers, "application/octet-stream")
    start, end = span
    if start >= len(body):
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(body)}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
    return Response(body[start : end + 1], 206, headers, "application/octet-stream")


def _span(text: str, size: int) -> tuple[int, int] | None:
    unit, _, spec = text.partition("=")
    first, dash, last = spec.partition("-")
    known = (first + last).isdecimal() and len(first + last) < 30
    if unit.strip() != "bytes" or not dash or "," in spec or not known:
        return None
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _s3_error(status: int, message: str) -> Response:
    code = {403: "AccessDenied", 404: "NoSuchKey", 416: "InvalidRange"}.get(status, "InvalidRequest")
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>'
    )
    return Response(text, status, {"Cache-Control": "no-store"}, "application/xml")


def objects(site: Site, request: Request) -> Response:
    """ListObjectsV2 of one dataset: the Parquet files of its versions. The prefix must name the dataset."""
    prefix = request.query_params.get("prefix", "")
    dataset, _, rest = prefix.partition("/")
    keys: list[tuple[str, int, datetime]] = []
    if dataset:
        try:
            keys = site.door.table_files(dataset, site.caller(request))
        except ArengoError as error:
            return _s3_error(error.status, str(error))
    parts = [
        f"<Contents><Key>{escape(f'{dataset}/{name}')}</Key><LastModified>{at.isoformat()}</LastModified>"
        f"<Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for name, size, at in keys
        if name.startswith(rest)
    ]
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{BUCKET}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(parts)}</KeyCount>"
        f"<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{''.join(parts)}</ListBucketResult>"
    )
    return Response(text, 200, {"Cache-Control": "no-cache"}, "application/xml")
