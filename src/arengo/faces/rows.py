"""The native rows API: ``/api/v1/datasets/{id}/rows`` and what belongs to rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo.door import Answer, Encoded
from arengo.door.attendance import conclude
from arengo.errors import BadQuery, NotAcceptable
from arengo.faces import datasets, page
from arengo.faces.site import (
    Site,
    accepted,
    asked,
    headers_of,
    matches,
    parameters,
    plain,
    unchanged,
)
from arengo.faces.turn import LARGE
from arengo.query import PARAMETERS, Query, from_parameters
from arengo.query import plain as plain_filters
from arengo.query.notation import SUFFIXES, names, whole
from arengo.query.scope import Scope, nearest

BODY_LIMIT = 1_000_000
_LISTS = {"select", "order_by", "group_by", "aggregate"}


def routes(site: Site) -> list[BaseRoute]:
    at = "/api/v1/datasets/{dataset}"

    def bind(answer: Callable[[Site, Request], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            # Who may not read learns that first, whatever else is wrong with the question.
            site.door.view(request.path_params["dataset"], "", site.caller(request))
            made: Response = await answer(site, request)
            return made

        endpoint.__name__ = answer.__name__
        return endpoint

    return [
        *datasets.routes(site),
        Route(f"{at}/rows", bind(rows), methods=["GET", "HEAD", "POST"]),
        Route(f"{at}/facets", bind(facets), methods=["GET", "HEAD"]),
        Route(f"{at}/changes", bind(changes), methods=["GET", "HEAD"]),
        Route(f"{at}/history", bind(history), methods=["GET", "HEAD"]),
    ]


async def rows(site: Site, request: Request) -> Response:
    """One page of rows or groups."""
    dataset = request.path_params["dataset"]
    if request.method == "POST":
        given, pairs = await _body(request)
    else:
        given, pairs = {}, asked(request)
    form = given.pop("f", "")
    plain_pairs: list[tuple[str, str]] = []
    for name, value in pairs:
        if name == "f":
            form = value
        elif name in PARAMETERS:
            if name in given:
                raise BadQuery(f"The parameter {name!r} is given twice.", todo="Give it once.")
            given[name] = value
        else:
            plain_pairs.append((name, value))
    if request.method != "POST":
        given.setdefault("filter-lang", "")
    query = _query(site, request, dataset, given, plain_pairs)
    form = accepted(request, page.FORMS, "json", form)
    answer = site.door.ask(query, site.caller(request), max_rows=site.settings.serve.max_rows)
    if form == "geojson":
        _has_places(answer)
    headers = headers_of(answer.tag(form), answer.view.modified)
    if matches(request, headers["ETag"]):
        return unchanged(headers)
    held = answer.peek(form)
    if held is None:

        def make() -> Encoded:
            made = answer.peek(form) or answer.encoded(form, lambda given: page.render(given, form))
            conclude()
            return made

        if (query.limit or 0) < LARGE:
            held = await run_in_threadpool(make)
        else:
            async with site.pages.here:
                held = await run_in_threadpool(make)
    if held.next_cursor and request.method != "POST":
        headers["Link"] = site.following(request, held.next_cursor)
    if held.matched is not None:
        headers["Arengo-Matched"] = str(held.matched)
    headers["Arengo-Version"] = str(answer.view.version.number)
    return Response(held.body, 200, headers, page.FORMS[form])


def _query(site: Site, request: Request, dataset: str, given: Mapping[str, str], pairs: list[tuple[str, str]]) -> Query:
    also = None
    if pairs:
        as_of = given.get("as_of", "").strip()
        scope = site.door.view(dataset, as_of, site.caller(request)).scope
        for name, _ in pairs:
            _known(name, scope)
        also = plain_filters(pairs, scope)
    return from_parameters(dataset, given, also=also)


def _known(name: str, scope: Scope) -> None:
    """A parameter must be one of the API's or a column; the nearest of both is named."""
    column, mark, suffix = name.rpartition("__")
    if name in scope.fields or (mark and column in scope.fields and suffix in SUFFIXES):
        return
    if mark and column in scope.fields:
        raise BadQuery(f"There is no comparison {suffix!r}.", todo=nearest(suffix, SUFFIXES))
    known = [*PARAMETERS, "f", *scope.fields]
    raise BadQuery(f"{name!r} is neither a parameter nor a column of {scope.dataset}.", todo=nearest(name, known))


def _has_places(answer: Answer) -> None:
    if answer.view.geometry is None:
        raise NotAcceptable(
            f"{answer.view.dataset} has no geometry, so it is not offered as GeoJSON.", todo="Ask for JSON."
        )
    if answer.plan.grouped:
        raise BadQuery("A grouped answer has no geometry.", todo="Ask for JSON, or leave group_by out.")


async def _body(request: Request) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The query in a JSON body: the parameters' names; lists may be lists, ``filter`` may be CQL2 JSON."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > BODY_LIMIT:
            raise BadQuery(f"The body is larger than {BODY_LIMIT:,} bytes.", todo="Ask a simpler question.")
    try:
        body = orjson.loads(raw or b"{}")
    except (ValueError, RecursionError) as error:
        raise BadQuery(f"The body is not JSON: {error}.", todo="Send an object with the parameters' names.") from None
    if not isinstance(body, dict):
        raise BadQuery("The body is not an object.", todo="Send an object with the parameters' names.")
    out: dict[str, str] = {}
    for name, value in body.items():
        if name == "where":
            if not isinstance(value, dict):
                raise BadQuery("'where' is not an object.", todo='Write {"where": {"status": "open"}}.')
            continue
        if name not in (*PARAMETERS, "f"):
            raise BadQuery(f"There is no parameter {name!r} here.", todo=nearest(name, (*PARAMETERS, "where", "f")))
        if value is not None:
            out[name] = _as_text(name, value)
    if isinstance(body.get("filter"), (dict, list, bool)):
        out["filter-lang"] = "cql2-json"
    pairs = [
        (name, _as_text(name, item))
        for name, value in body.get("where", {}).items()
        for item in (value if isinstance(value, list) else [value])
    ]
    return out, pairs


def _as_text(name: str, value: Any) -> str:
    if name == "filter" and not isinstance(value, str):
        return orjson.dumps(value).decode()
    if name in _LISTS and isinstance(value, list):
        return ",".join(f'"{item}"' if "," in str(item) else str(item) for item in value)
    if name == "bbox" and isinstance(value, list):
        return ",".join(str(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadQuery(f"{name!r} has a value of the wrong form.", todo="See /api/v1/openapi.json.")


async def facets(site: Site, request: Request) -> Response:
    """The most frequent values of columns among the rows of a query."""
    dataset = request.path_params["dataset"]
    given: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    allowed = ("filter", "filter-lang", "bbox", "datetime", "as_of", "search")
    columns, size = "", 10
    for name, value in asked(request):
        if name == "columns":
            columns = value
        elif name == "limit":
            size = whole("limit", value)
        elif name in allowed:
            given[name] = value
        else:
            pairs.append((name, value))
    if not 1 <= size <= 1000:
        raise BadQuery(f"limit is {size}, and a facet has 1 to 1,000 values.")
    caller = site.caller(request)
    scope = site.door.view(dataset, given.get("as_of", "").strip(), caller).scope
    if not columns:
        raise BadQuery("Which columns?", todo=f"Add columns=, such as columns={next(iter(scope.fields))}.")
    query = _query(site, request, dataset, given, pairs)
    answer = site.door.ask(query, caller)
    tag = answer.tag(f"facets {columns} {size}")
    headers = headers_of(tag, answer.view.modified)
    if matches(request, tag):
        return unchanged(headers)
    found = await run_in_threadpool(site.door.facets, query, names(columns), size, caller)
    body = {
        "facets": [
            {
                "column": facet.column,
                "values": [{"value": item.value, "count": item.count} for item in facet.values],
                "more": facet.more,
            }
            for facet in found
        ],
        "dataset": dataset,
        "version": answer.view.version.number,
    }
    return Response(orjson.dumps(body, default=plain), 200, headers, "application/json")


async def changes(site: Site, request: Request) -> Response:
    """What changed between two versions, row by row."""
    dataset = request.path_params["dataset"]
    given = parameters(request, ("from", "to", "limit", "cursor", "count"))
    caller = site.caller(request)
    newest = site.door.view(dataset, given.get("to", ""), caller)
    before = given.get("from", "")
    if not before:
        if newest.version.number < 2:
            raise BadQuery(f"{dataset} has one version, so nothing changed yet.", todo="Name from= and to=.")
        older = [item for item in site.door.versions(dataset, caller) if item.number < newest.version.number]
        if not older:
            raise BadQuery("There is no older version kept.", todo="Name from= and to=.")
        before = str(older[0].number)
    first = site.door.view(dataset, before, caller)
    limit = whole("limit", given.get("limit", "100"))
    if not 1 <= limit <= site.settings.serve.max_rows:
        raise BadQuery(f"limit is {limit}, and a page has 1 to {site.settings.serve.max_rows:,} changes.")
    after = datasets.read_key(given["cursor"]) if given.get("cursor") else ()

    def make() -> dict[str, Any]:
        found = site.door.changes(dataset, before, str(newest.version.number), limit + 1, after, caller)
        more = len(found) > limit
        found = found[:limit]
        total = site.door.diff(dataset, before, str(newest.version.number), caller)
        return {
            "items": [
                {
                    "kind": item.kind,
                    "key": list(item.key),
                    "before": page.as_row(item.before, first.scope),
                    "after": page.as_row(item.after, newest.scope),
                }
                for item in found
            ],
            "next": datasets.write_key(found[-1].key) if more and found else None,
            "added": total.added,
            "changed": total.changed,
            "removed": total.removed,
            "columns_added": total.columns_added,
            "columns_removed": total.columns_removed,
            "columns_renamed": total.columns_renamed,
            "from": first.version.number,
            "to": newest.version.number,
        }

    identity = f"{first.identity}\0{newest.identity}\0{limit}\0{given.get('cursor', '')}".encode()
    return await datasets.lazily(request, identity, newest.modified, make)


async def history(site: Site, request: Request) -> Response:
    """One row through the retained versions."""
    dataset = request.path_params["dataset"]
    keys = [value for name, value in asked(request) if name == "key"]
    parameters(request, ("key",), repeated=("key",))
    if not keys:
        raise BadQuery("Which row?", todo="Add key=, once for each column of the primary key.")
    caller = site.caller(request)
    view = site.door.view(dataset, "", caller)

    def make() -> dict[str, Any]:
        found = site.door.history(dataset, keys, caller)
        return {
            "items": [
                {
                    "version": item.version.number,
                    "published_at": item.version.published_at,
                    "row": page.as_row(item.row, view.scope),
                }
                for item in found
            ],
            "next": None,
            "key": dict(zip(view.scope.key, keys, strict=False)),
        }

    return await datasets.lazily(request, f"{view.identity}\0history\0{keys}".encode(), view.modified, make)
