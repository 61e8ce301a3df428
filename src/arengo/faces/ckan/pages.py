"""CKAN's addresses: the Action API under both prefixes, the DataStore's dump, and its pages as redirects."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from arengo.errors import (
    ArengoError,
    BadQuery,
    CallerError,
    NotAllowed,
    NotKnown,
    QuotaSpent,
    Stopped,
    TooExpensive,
    TooOften,
    UnknownDataset,
    UnknownVersion,
)
from arengo.faces.ckan import actions, package
from arengo.faces.ckan.call import Call
from arengo.faces.ckan.dump import dump
from arengo.faces.site import BASE_HEADERS, Site, matches
from arengo.faces.turn import LARGE, Turns

MOST = 1_000_000
"""Bytes of a body."""
PREFIXES = ("/api/3/action", "/api/action")
PATIENCE = 20.0
"""Seconds a question in SQL waits for its turn."""
_LOG = logging.getLogger(__name__)
_JSON = "application/json;charset=utf-8"


def routes(site: Site) -> list[BaseRoute]:
    turns = Turns(max(1, site.settings.sql.parallel))

    def bind(answer: Callable[[Site, Request], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(answer, site, request)

        endpoint.__name__ = answer.__name__
        return endpoint

    async def action(request: Request) -> Response:
        return await _action(site, turns, request, request.path_params.get("name", ""))

    reading, both = ["GET", "HEAD"], ["GET", "POST", "HEAD"]
    named = [Route(f"{prefix}/{{name}}{slash}", action, methods=both) for prefix in PREFIXES for slash in ("", "/")]
    bare = [Route(f"{prefix}{slash}", action, methods=both) for prefix in PREFIXES for slash in ("", "/")]
    at = "/dataset/{dataset}"
    return [
        *named,
        *bare,
        Route("/api/3", bind(_version), methods=reading),
        Route("/datastore/dump/{resource}", bind(_dump), methods=reading),
        Route("/dataset", bind(_listing), methods=reading),
        Route("/organization", bind(_listing), methods=reading),
        Route("/group", bind(_listing), methods=reading),
        Route(at, bind(_dataset), methods=reading),
        Route(f"{at}/resource/{{resource}}", bind(_dataset), methods=reading),
        Route(f"{at}/resource/{{resource}}/download", bind(_download), methods=reading),
        Route(f"{at}/resource/{{resource}}/download/{{file:path}}", bind(_download), methods=reading),
        Route("/organization/{agent}", bind(_organization), methods=reading),
        Route("/group/{theme}", bind(_group), methods=reading),
    ]


# ---- actions ------------------------------------------------------------------------------------------------------


async def _action(site: Site, turns: Turns, request: Request, name: str) -> Response:
    base = site.absolute(request)
    try:
        given = await _given(request)
        name = name or str(given.pop("action", "") or given.pop("name", ""))
        agent = request.headers.get("user-agent", "").encode("latin-1", "replace")
        asked = Call(site, site.caller(request), base, given, agent)
        work = partial(_called, asked, request, name)
        if name == "datastore_search_sql":
            await _turn(turns)
            try:
                return await run_in_threadpool(work)
            finally:
                turns.here.release()
        async with _pages(site, name, asked):
            return await run_in_threadpool(work)
    except ArengoError as error:
        return _failed(base, name, error)


async def _turn(turns: Turns) -> None:
    try:
        await asyncio.wait_for(turns.here.acquire(), PATIENCE)
    except TimeoutError:
        raise TooExpensive("Many questions are being answered just now.", todo="Try again in a moment.") from None


def _pages(site: Site, name: str, asked: Call) -> AbstractAsyncContextManager[Any]:
    """Large pages wait for their turn, so that memory is bounded however many ask."""
    limit = {"datastore_search": "limit", "package_search": "rows", "current_package_list_with_resources": "limit"}
    given = name in limit and asked.number(limit[name], LARGE if name.startswith("current") else 0) >= LARGE
    return site.pages.here if given else nullcontext()


def _called(asked: Call, request: Request, name: str) -> Response:
    if not name:
        return _plain(400, "Bad request - no action name")
    try:
        result = actions.call(name, asked)
    except ArengoError as error:
        return _failed(asked.base, name, error)
    except KeyError as error:
        if error.args == (name,):
            return _plain(400, f"Bad request - Action name not known: {name[:80]}")
        return _crashed(asked.base, name)
    except Exception:
        return _crashed(asked.base, name)
    body = {"help": _help(asked.base, name), "success": True, "result": result}
    text = orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS)
    headers = dict(BASE_HEADERS)
    if request.method != "POST" and not _of_the_moment(asked.given):
        from hashlib import blake2b

        headers["ETag"] = f'"{blake2b(text, digest_size=16).hexdigest()}"'
        if matches(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
    return Response(text, 200, headers, _JSON)


def _of_the_moment(given: Mapping[str, Any]) -> bool:
    """Whether the answer changes with the clock and not with the data alone."""
    texts = " ".join(str(given.get(name, "")) for name in ("q", "fq", "fq_list", "sql")).upper()
    return "NOW" in texts or "CURRENT_" in texts or "RANDOM" in texts or "TODAY" in texts


def _crashed(base: str, name: str) -> Response:
    _LOG.exception("The action %s failed", name[:80])
    error = {"__type": "Internal Error", "message": "Something went wrong here."}
    return _error(base, name, 500, error)


def _failed(base: str, name: str, error: ArengoError) -> Response:
    """CKAN's envelope of an error (its views/api.py has the table of statuses)."""
    if not isinstance(error, CallerError) and error.status == 500:
        return _crashed(base, name)
    status, kind = _kind(error, name)
    body: dict[str, Any] = {"__type": kind, "message": f"{error.met} {error.todo}".strip()[:2000]}
    field = error.place.column if error.place else None
    if kind == "Validation Error":
        body[field or "message"] = [body["message"]] if field else body["message"]
        if excerpt := getattr(error, "excerpt", ""):
            body["info"] = {"orig": [f"{error.met}\n{excerpt[:1000]}"]}
    made = _error(base, name, status, body)
    if isinstance(error, QuotaSpent):
        made.headers["Retry-After"] = str(error.seconds)
    return made


def _kind(error: ArengoError, name: str) -> tuple[int, str]:
    """(status, CKAN's name) of an error."""
    if isinstance(error, (NotAllowed, NotKnown)):
        return 403, "Authorization Error"
    if isinstance(error, TooOften):
        return 429, "Rate Limit Error"
    if isinstance(error, (UnknownDataset, UnknownVersion)):
        return 404, "Not Found Error"
    if isinstance(error, (TooExpensive, Stopped)) or error.status >= 500:
        return (error.status if error.status >= 500 else 409), "Search Error"
    if name == "package_search" and isinstance(error, BadQuery):
        return 400, "Search Query Error"
    return 409, "Validation Error"


def _help(base: str, name: str) -> str:
    return f"{base}/api/3/action/help_show?name={quote(name[:80])}"


def _error(base: str, name: str, status: int, error: Mapping[str, Any]) -> Response:
    body = {"help": _help(base, name), "error": error, "success": False}
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(orjson.dumps(body, default=str), status, headers, _JSON)


def _plain(status: int, words: str) -> Response:
    """What CKAN says about a call that is no call: a JSON text alone."""
    return Response(orjson.dumps(words), status, {"Cache-Control": "no-store"}, _JSON)


async def _given(request: Request) -> dict[str, Any]:
    """Parameters of the address and of the body: JSON whatever its declared type, or a form. Raises BadQuery."""
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
    media = request.headers.get("content-type", "").lower()
    if media.startswith("multipart/"):
        raise BadQuery("Files are not taken here.", todo="Send JSON or a form.")
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        if "json" in media or text[:1] in (b"{", b"["):
            raise BadQuery("The body cannot be read as JSON.") from None
        try:
            pairs = parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=500)
        except ValueError:
            raise BadQuery("The body cannot be read as a form.") from None
        for key, value in pairs:
            given[key] = value
        return given
    if told is None:
        return given
    if not isinstance(told, dict):
        raise BadQuery("The body is no JSON object.")
    return given | told


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _version(site: Site, request: Request) -> Response:
    return Response(orjson.dumps({"version": 3}), media_type="application/json")


# ---- the dump and the pages ---------------------------------------------------------------------------------------


def _dump(site: Site, request: Request) -> Response:
    given: dict[str, Any] = dict(request.query_params)
    given["resource_id"] = request.path_params["resource"]
    agent = request.headers.get("user-agent", "").encode("latin-1", "replace")
    return dump(Call(site, site.caller(request), site.absolute(request), given, agent), request)


def _listing(site: Site, request: Request) -> Response:
    return _to("/organisations" if request.url.path.startswith("/organization") else "/datasets")


def _dataset(site: Site, request: Request) -> Response:
    return _to(f"/datasets/{quote(_record(site, request)['name'])}")


def _record(site: Site, request: Request) -> dict[str, Any]:
    asked = Call(site, site.caller(request), site.absolute(request), {"id": request.path_params["dataset"]})
    return asked.package(asked.record())


def _download(site: Site, request: Request) -> Response:
    told = request.path_params["resource"].lower()
    for item in _record(site, request)["resources"]:
        if item["id"] == told:
            return RedirectResponse(item["url"], 302)
    raise UnknownDataset(f"There is no resource {told[:60]!r}.")


def _organization(site: Site, request: Request) -> Response:
    told = request.path_params["agent"]
    for agent, _ in site.catalogue.organisations():
        if told in (agent.id, package.organization_id(agent.id)):
            return _to(f"/organisations/{quote(agent.id)}")
    raise UnknownDataset(f"There is no organization {told[:60]!r}.")


def _group(site: Site, request: Request) -> Response:
    return _to(f"/themes/{quote(request.path_params['theme'].upper(), safe='')}")


def _to(path: str) -> Response:
    return RedirectResponse(path, 302)
