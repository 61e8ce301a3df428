"""CKAN's addresses: the Action API under both prefixes, the DataStore's dump, and its pages as redirects."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from arengo.catalogue import Record
from arengo.errors import ArengoError, BadQuery, NotAllowed, UnknownColumn, UnknownDataset, UnknownVersion
from arengo.faces.ckan import actions, datastore
from arengo.faces.site import Site

MOST = 1_000_000
PREFIXES = ("/api/3/action", "/api/action")
_LOG = logging.getLogger(__name__)


def routes(site: Site) -> list[BaseRoute]:
    async def action(request: Request) -> Response:
        return await _action(site, request, request.path_params.get("name", ""))

    async def unnamed(request: Request) -> Response:
        return await _action(site, request, "")

    async def dump(request: Request) -> Response:
        return await run_in_threadpool(_dump, site, request)

    def page(request: Request) -> Response:
        return _page(site, request)

    async def version(request: Request) -> Response:
        return Response(orjson.dumps({"version": 3}), media_type="application/json")

    both = ["GET", "POST", "HEAD"]
    named = [Route(f"{prefix}/{{name}}{slash}", action, methods=both) for prefix in PREFIXES for slash in ("", "/")]
    bare = [Route(f"{prefix}{slash}", unnamed, methods=both) for prefix in PREFIXES for slash in ("", "/")]
    return [
        *named,
        *bare,
        Route("/api/3", version, methods=["GET", "HEAD"]),
        Route("/datastore/dump/{resource_id}", dump, methods=["GET", "HEAD"]),
        Route("/dataset", page, methods=["GET", "HEAD"]),
        Route("/dataset/{dataset}", page, methods=["GET", "HEAD"]),
        Route("/dataset/{dataset}/resource/{resource}", page, methods=["GET", "HEAD"]),
        Route("/organization", page, methods=["GET", "HEAD"]),
        Route("/organization/{agent}", page, methods=["GET", "HEAD"]),
        Route("/group/{theme}", page, methods=["GET", "HEAD"]),
    ]


async def _action(site: Site, request: Request, name: str) -> Response:
    base = site.absolute(request)
    try:
        given = await _given(request)
    except BadQuery as error:
        return _answer(base, name, 400, error={"__type": "Validation Error", "message": str(error)})
    name = name or str(given.pop("action", "") or given.pop("name", ""))
    return await run_in_threadpool(_called, site, request, base, name, given)


def _called(site: Site, request: Request, base: str, name: str, given: dict[str, Any]) -> Response:
    if not name:
        return Response(orjson.dumps("Bad request - no action name"), 400, media_type="application/json")
    try:
        result = actions.call(name, actions.Request(site, site.caller(request), base, given))
    except KeyError:
        words = f"Bad request - Action name not known: {name[:80]}"
        return Response(orjson.dumps(words), 400, {"Access-Control-Allow-Origin": "*"}, "application/json")
    except ArengoError as error:
        status, kind = _kind(error, name)
        return _answer(base, name, status, error={"__type": kind, "message": str(error)})
    except Exception:
        _LOG.exception("The action %s failed", name)
        return _answer(base, name, 500, error={"__type": "Internal Error", "message": "Something went wrong here."})
    return _answer(base, name, 200, result=result)


def _kind(error: ArengoError, name: str) -> tuple[int, str]:
    """(status, CKAN's name) of an error."""
    if isinstance(error, NotAllowed):
        return 403, "Authorization Error"
    if isinstance(error, (UnknownDataset, UnknownVersion)):
        return 404, "Not Found Error"
    if name == "package_search" and isinstance(error, BadQuery):
        return 400, "Search Query Error"
    if isinstance(error, (BadQuery, UnknownColumn)) or error.status == 400:
        return 409, "Validation Error"
    return (409 if error.status < 500 else error.status), "Search Error"


def _answer(
    base: str, name: str, status: int, *, result: Any = None, error: Mapping[str, Any] | None = None
) -> Response:
    body: dict[str, Any] = {"help": f"{base}/api/3/action/help_show?name={quote(name)}", "success": error is None}
    if error is None:
        body["result"] = result
    else:
        body["error"] = {"message": error["message"], "__type": error["__type"]}
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    text = orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS)
    return Response(text, status, headers, "application/json;charset=utf-8")


async def _given(request: Request) -> dict[str, Any]:
    """Parameters of the address and of the body: JSON whatever its declared type, or a form."""
    given: dict[str, Any] = {}
    for key, value in request.query_params.multi_items():
        given[key] = [*_listed(given[key]), value] if key in given else value
    if request.method != "POST":
        return given
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST:
            raise BadQuery(f"The body is larger than {MOST:,} bytes.")
    text = body.strip()
    if not text:
        return given
    try:
        told = orjson.loads(text)
        if not isinstance(told, dict):
            raise BadQuery("The body is no JSON object.")
        return given | told
    except orjson.JSONDecodeError:
        if "json" in request.headers.get("content-type", ""):
            raise BadQuery("The body cannot be read as JSON.") from None
    form = dict(parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=500))
    return given | form


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _dump(site: Site, request: Request) -> Response:
    given = dict(request.query_params) | {"resource_id": request.path_params["resource_id"]}
    form = str(given.get("format") or "csv").lower()
    pieces = datastore.dump(site, site.caller(request), given)
    media = {"csv": "text/csv; charset=utf-8", "tsv": "text/tab-separated-values; charset=utf-8"}.get(
        form, "application/json"
    )
    name = f"{request.path_params['resource_id'][:60]}.{form}".replace('"', "")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(pieces, 200, headers, media)


def _page(site: Site, request: Request) -> Response:
    """CKAN's pages lead to the portal's."""
    where = request.path_params
    if "dataset" in where:
        record: Record | None = site.catalogue.by_uuid(where["dataset"]) if len(where["dataset"]) == 36 else None
        name = record.id if record is not None else site.catalogue.record(where["dataset"]).id
        target = f"/datasets/{quote(name)}"
    elif "agent" in where:
        target = f"/organisations/{quote(where['agent'])}"
    elif "theme" in where:
        target = f"/themes/{quote(where['theme'].upper())}"
    else:
        target = "/organisations" if request.url.path.startswith("/organization") else "/datasets"
    return RedirectResponse(target, 302)
