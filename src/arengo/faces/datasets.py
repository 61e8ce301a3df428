"""The native API's lists and metadata: datasets, versions, profile, quality, contract."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo import __version__
from arengo.catalogue import Entry
from arengo.contract.model import Contract
from arengo.contract.withheld import public_text
from arengo.door import View
from arengo.errors import BadQuery, NotAllowed
from arengo.faces.site import (
    JSON,
    JSON_OPTIONS,
    Site,
    headers_of,
    matches,
    parameters,
    plain,
    segment,
    send_json,
    unchanged,
)
from arengo.governance import Caller
from arengo.governance.owner import owner_of
from arengo.lake.version import Version
from arengo.query.notation import whole

ROOT = "/api/v1"
MAX_LIST = 1000
EXPORTS = ("csv", "parquet", "geoparquet", "geojson", "gpkg", "xlsx", "ndjson", "arrow")
NEED_PLACE = ("geoparquet", "geojson", "gpkg")


def routes(site: Site) -> list[BaseRoute]:
    at = f"{ROOT}/datasets/{{dataset}}"

    def bind(answer: Callable[[Site, Request], Any], guarded: bool = False) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            if guarded:  # who may not read learns that first, whatever else is wrong with the question
                site.door.admit(request.path_params["dataset"], site.caller(request))
            made: Response = await answer(site, request)
            return made

        endpoint.__name__ = answer.__name__
        return endpoint

    methods = ["GET", "HEAD"]
    return [
        Route(ROOT, bind(root), methods=methods),
        Route(f"{ROOT}/", bind(root), methods=methods),
        Route(f"{ROOT}/datasets", bind(listing), methods=methods),
        Route(at, bind(metadata), methods=methods),
        Route(f"{at}/versions", bind(versions, True), methods=methods),
        Route(f"{at}/versions/{{number}}", bind(version, True), methods=methods),
        Route(f"{at}/profile", bind(profile, True), methods=methods),
        Route(f"{at}/quality", bind(quality, True), methods=methods),
        Route(f"{at}/contract", bind(contract, True), methods=methods),
    ]


async def root(site: Site, request: Request) -> Response:
    """What there is, for a newcomer."""
    parameters(request, ())
    base = site.base(request)
    body = {
        "city": site.settings.city.name,
        "software": f"Arengo {__version__}",
        "datasets": f"{base}{ROOT}/datasets",
        "openapi": f"{base}{ROOT}/openapi.json",
    }
    return send_json(request, body)


async def listing(site: Site, request: Request) -> Response:
    """The datasets, page by page."""
    given = parameters(request, ("limit", "cursor", "q", "theme"))
    limit = whole("limit", given.get("limit", "100"))
    if not 1 <= limit <= MAX_LIST:
        raise BadQuery(f"limit is {limit}, and a page has 1 to {MAX_LIST:,} datasets.")
    theme = given.get("theme", "")
    found = site.catalogue.entries(given.get("q", ""), theme, limit, given.get("cursor", ""))
    base = site.base(request)
    body = {
        "items": [_brief(site, request, item, base) for item in found.items],
        "next": found.next or None,
        "total": found.total,
        "themes": site.catalogue.themes(),
    }
    answer = send_json(request, body)
    if found.next:
        answer.headers["Link"] = site.following(request, found.next)
    return answer


def _brief(site: Site, request: Request, entry: Entry, base: str) -> dict[str, Any]:
    contract = entry.contract
    return {
        "id": entry.id,
        "title": contract.title(),
        "description": contract.summary(),
        "access": contract.access,
        "theme": contract.theme or None,
        "licence": contract.licence or (site.settings.city.licence if contract.access == "open" else "") or None,
        "owner": contract.owner or None,
        "language": contract.language,
        "tags": contract.tags,
        "frequency": contract.frequency or None,
        "rows": entry.version.rows if entry.version and contract.access == "open" else None,
        "version": entry.version.number if entry.version else None,
        "versions": entry.versions,
        "updated": entry.updated,
        "next_update": entry.next_update,
        "spatial": contract.geometry is not None,
        "href": f"{base}{ROOT}/datasets/{segment(entry.id)}",
    }


async def metadata(site: Site, request: Request) -> Response:
    """One dataset: what the contract says, the version's facts, its columns, where everything else is."""
    given = parameters(request, ("as_of",))
    dataset = request.path_params["dataset"]
    entry = site.catalogue.entry(dataset)
    base = site.base(request)
    body = _brief(site, request, entry, base)
    contract = entry.contract
    body |= {
        "usage": contract.usage or None,
        "limitations": contract.limitations or None,
        "contract_version": contract.version,
        "status": contract.status,
        "created": entry.created,
        "sla": contract.sla,
    }
    decision = site.door.decide(dataset, site.caller(request))
    body["decision"] = {"allowed": decision.allowed, "reason": decision.reason, "rule": decision.rule}
    try:
        view = site.door.view(dataset, given.get("as_of", ""), site.caller(request)) if entry.version else None
    except NotAllowed as refusal:
        body["decision"]["todo"] = refusal.todo
        view = None
    if view is not None:
        body |= _of_view(view, base, given.get("as_of", ""))
    return send_json(request, body, modified=view.modified if view else None)


def _of_view(view: View, base: str, as_of: str) -> dict[str, Any]:
    at = f"{base}{ROOT}/datasets/{segment(view.dataset)}"
    tail = f"?as_of={segment(as_of)}" if as_of else ""
    exports = [name for name in EXPORTS if view.geometry is not None or name not in NEED_PLACE]
    return {
        "columns": [
            {
                "name": item.name,
                "kind": item.kind,
                "title": item.title,
                "description": item.declared.description if item.declared else "",
                "unit": item.unit or None,
                "required": item.required,
                "key": item.name in view.scope.key,
                "enum": item.declared.enum if item.declared and item.declared.enum else None,
                "examples": item.declared.examples if item.declared and item.declared.examples else None,
            }
            for item in view.columns
        ],
        "key": view.scope.key,
        "time": view.scope.time or None,
        "geometry": _geometry(view),
        "search": view.scope.search,
        "rows": view.version.rows,
        "version": _version(view.version, at),
        "links": {
            "rows": f"{at}/rows{tail}",
            "versions": f"{at}/versions",
            "changes": f"{at}/changes",
            "profile": f"{at}/profile{tail}",
            "quality": f"{at}/quality{tail}",
            "contract": f"{at}/contract{tail}",
            "openapi": f"{at}/openapi.json",
            "exports": {name: f"{at}/export.{name}{tail}" for name in exports},
        },
    }


def _geometry(view: View) -> dict[str, Any] | None:
    geometry = view.geometry
    if geometry is None:
        return None
    out: dict[str, Any] = {"name": view.scope.place, "crs": "OGC:CRS84", "source_crs": geometry.crs}
    if not geometry.stored:
        out |= {"x": geometry.x, "y": geometry.y}
    if geometry.types:
        out["types"] = geometry.types
    return out


def _version(item: Version, at: str) -> dict[str, Any]:
    return {
        "number": item.number,
        "published_at": item.published_at,
        "contract_version": item.contract_version,
        "rows": item.rows,
        "rows_in": item.rows_in,
        "quarantined": item.quarantined,
        "bytes": item.bytes,
        "checksum": item.checksum,
        "erased_at": item.erased_at,
        "href": f"{at}/versions/{item.number}",
    }


async def versions(site: Site, request: Request) -> Response:
    """The retained versions, newest first."""
    given = parameters(request, ("limit", "cursor"))
    dataset = request.path_params["dataset"]
    limit = whole("limit", given.get("limit", "100"))
    if not 1 <= limit <= MAX_LIST:
        raise BadQuery(f"limit is {limit}, and a page has 1 to {MAX_LIST:,} versions.")
    found = await run_in_threadpool(site.door.versions, dataset, site.caller(request))
    if given.get("cursor"):
        below = whole("cursor", given["cursor"])
        found = tuple(item for item in found if item.number < below)
    page = found[:limit]
    at = f"{site.base(request)}{ROOT}/datasets/{segment(dataset)}"
    body = {
        "items": [_version(item, at) for item in page],
        "next": str(page[-1].number) if len(found) > limit else None,
    }
    return send_json(request, body)


async def version(site: Site, request: Request) -> Response:
    """One version."""
    parameters(request, ())
    dataset = request.path_params["dataset"]
    view = site.door.view(dataset, request.path_params["number"], site.caller(request))
    base = site.base(request)
    body = _version(view.version, f"{base}{ROOT}/datasets/{segment(dataset)}")
    body |= {
        "columns": [{"name": item.name, "kind": item.kind} for item in view.columns],
        "key": view.scope.key,
        "title": view.version.title,
    }
    return send_json(request, body, modified=view.modified)


async def profile(site: Site, request: Request) -> Response:
    """What the columns hold: counts, extremes, frequent values, histograms."""
    given = parameters(request, ("as_of",))
    dataset, as_of = request.path_params["dataset"], given.get("as_of", "")
    view = site.door.view(dataset, as_of, site.caller(request))
    return await lazily(
        request,
        f"{view.identity}\0profile".encode(),
        view.modified,
        lambda: site.door.profile(dataset, str(view.version.number), site.caller(request)),
    )


async def quality(site: Site, request: Request) -> Response:
    """Which quality rules held."""
    given = parameters(request, ("as_of",))
    dataset, as_of = request.path_params["dataset"], given.get("as_of", "")
    view = site.door.view(dataset, as_of, site.caller(request))
    return await lazily(
        request,
        f"{view.identity}\0quality {site.settings.privacy!r}".encode(),  # the bound on rows withheld is told by it
        view.modified,
        lambda: site.door.quality(dataset, str(view.version.number), site.caller(request)),
    )


async def contract(site: Site, request: Request) -> Response:
    """The contract's own text (Open Data Contract Standard, YAML)."""
    given = parameters(request, ("as_of",))
    dataset = request.path_params["dataset"]
    if given.get("as_of"):
        text = text_of(site.door.view(dataset, given["as_of"], site.caller(request)).contract, site.caller(request))
    else:
        site.door.admit(dataset, site.caller(request))
        text = text_of(site.catalogue.entry(dataset).contract, site.caller(request))
    data = text.encode()
    etag = f'"{blake2b(data, digest_size=16).hexdigest()}"'
    headers = headers_of(etag)
    headers["Content-Disposition"] = f'inline; filename="{dataset}.odcs.yaml"'
    if matches(request, etag):
        return unchanged(headers)
    return Response(data, 200, headers, "application/yaml; charset=utf-8")


def text_of(contract: Contract, caller: Caller) -> str:
    """The artefact of record for the owner's own people, for others without values of protected columns."""
    owner = owner_of(contract)
    if any(caller.has(role, owner) for role in ("steward", "publisher")):
        return contract.text
    return public_text(contract)


async def lazily(request: Request, identity: bytes, modified: datetime, make: Callable[[], Any]) -> Response:
    """A JSON document named by what it depends on: 304 without making it, else made in a thread."""
    etag = f'"{blake2b(identity + __version__.encode(), digest_size=16).hexdigest()}"'
    headers = headers_of(etag, modified)
    if matches(request, etag):
        return unchanged(headers)
    body = await run_in_threadpool(make)
    return Response(orjson.dumps(body, option=JSON_OPTIONS, default=plain), 200, headers, JSON)


def write_key(key: Sequence[Any]) -> str:
    """A primary key as an opaque cursor."""
    raw = orjson.dumps([[type(part).__name__, part] for part in key], default=str)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_key(cursor: str) -> tuple[Any, ...]:
    """Raises BadQuery for a broken cursor."""
    from datetime import date, time

    readers: dict[str, Callable[[Any], Any]] = {
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
        "time": time.fromisoformat,
        "str": str,
        "int": int,
        "float": float,
        "bool": bool,
        "NoneType": lambda value: None,
    }
    try:
        pairs = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        return tuple(readers[kind](part) for kind, part in pairs)
    except (ValueError, TypeError, KeyError, binascii.Error):
        raise BadQuery("The cursor is broken.", todo="Start again without cursor; follow the next links.") from None
