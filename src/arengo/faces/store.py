"""The API store for programs: products, made-up samples, what a caller may read and what it has used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo.catalogue import Entry
from arengo.door import ANYONE, Caller
from arengo.errors import BadQuery, NotAllowed, NotKnown
from arengo.faces.site import JSON, JSON_OPTIONS, Site, address, parameters, plain, segment, send_json
from arengo.governance.approval import steward
from arengo.governance.owner import owner_of
from arengo.query.model import Query
from arengo.query.notation import whole
from arengo.services import product, sample
from arengo.services.reach import Reach, reach

if TYPE_CHECKING:
    from arengo.contract.model import Contract
    from arengo.governance.plan import Plan
    from arengo.governance.product import Product
    from arengo.services.access import Access

ROOT = "/api/v1"
ACCESS = ("open", "shared", "closed")
MAX_LIST = 1000
MOST = 16_384
"""Bytes of a body."""
DAYS = 30
LONGEST_DAYS = 800
PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}

Read = Callable[["Desk", Request], Any]
Write = Callable[["Desk", Request, Mapping[str, Any]], tuple[Any, int]]


class Desk:
    """The rooms this face uses."""

    def __init__(self, site: Site, access: Access) -> None:
        self.site = site
        self.access = access
        self.store = access.store
        self.applications = access.store.applications

    def known(self, request: Request) -> Caller:
        """Who asks. Raises NotKnown for anyone."""
        found = self.site.caller(request)
        if found == replace(ANYONE, zone=found.zone):
            raise NotKnown("Nobody is signed in, and no key is shown.", todo="Send 'Authorization: Bearer KEY'.")
        return found


def routes(site: Site, access: Access) -> list[BaseRoute]:
    desk = Desk(site, access)
    get = ["GET", "HEAD"]
    return [
        Route(f"{ROOT}/products", read(desk, listing, private=False), methods=get),
        Route(f"{ROOT}/products/{{dataset}}", read(desk, single, private=False), methods=get),
        Route(f"{ROOT}/products/{{dataset}}/sample", read(desk, made_up, private=False), methods=get),
        Route(f"{ROOT}/products/{{dataset}}/usage", read(desk, taken), methods=get),
        Route(f"{ROOT}/me", read(desk, me), methods=get),
        Route(f"{ROOT}/me/access", read(desk, mine), methods=get),
        Route(f"{ROOT}/me/usage", read(desk, used), methods=get),
    ]


def read(desk: Desk, answer: Read, *, private: bool = True) -> Callable[[Request], Response]:
    """An endpoint whose answer depends on who asks, unless it is not ``private``."""

    def endpoint(request: Request) -> Response:
        body = answer(desk, request)
        if isinstance(body, Response):
            return body
        return _sent(body) if private else send_json(request, body)

    endpoint.__name__ = answer.__name__
    return endpoint


def write(desk: Desk, answer: Write, most: int = MOST) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that takes a JSON object and changes something."""

    async def endpoint(request: Request) -> Response:
        _at_home(request)
        try:
            given = await _given(request, most)
        except ClientDisconnect:  # nobody reads the answer
            return Response(status_code=400)
        body, status = await run_in_threadpool(answer, desk, request, given)
        return _sent(body, status)

    endpoint.__name__ = answer.__name__
    return endpoint


def _sent(body: Any, status: int = 200) -> Response:
    if status == 204:
        return Response(None, 204, PRIVATE)
    return Response(orjson.dumps(body, option=JSON_OPTIONS, default=plain), status, PRIVATE, JSON)


def _at_home(request: Request) -> None:
    """A browser's request that changes something comes from this site (Fetch Metadata); programs say nothing."""
    said = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "")
    foreign = origin and origin.partition("://")[2] != request.headers.get("host", "")
    if said not in ("same-origin", "none") or ("sec-fetch-site" not in request.headers and foreign):
        raise NotAllowed("This was sent from another site.", todo="Send it from here, or with a program.")


async def _given(request: Request, most: int) -> Mapping[str, Any]:
    """The JSON object sent. A form of another site cannot send that without being asked first (CORS)."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BadQuery(f"The body is larger than {most:,} bytes.", todo="Send less.")
    if request.method == "DELETE" and not body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise BadQuery(f"The body is not said to be {JSON}.", todo=f"Send 'Content-Type: {JSON}'.")
    try:
        found = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadQuery(f"The body is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise BadQuery("The body is not a JSON object.")
    return found


# ---- products -----------------------------------------------------------------------------------------------------


def listing(desk: Desk, request: Request) -> Any:
    """The products, page by page."""
    given = parameters(request, ("q", "access", "state", "theme", "limit", "cursor"))
    limit = whole("limit", given.get("limit", "100"))
    if not 1 <= limit <= MAX_LIST:
        raise BadQuery(f"limit is {limit}, and a page has 1 to {MAX_LIST:,} products.")
    wanted = given.get("access", "")
    if wanted and wanted not in ACCESS:
        raise BadQuery(f"There is no access {wanted[:40]!r}.", todo=f"Write {', '.join(ACCESS)}.")
    state = given.get("state", "")
    if state and state not in product.STATES:
        raise BadQuery(f"There is no state {state[:40]!r}.", todo=f"Write {', '.join(product.STATES)}.")
    found = desk.site.catalogue.entries(given.get("q", ""), given.get("theme", ""), None)
    held = _standing(desk, [item.contract for item in found.items])
    entries = [
        item for item in found.items if wanted in ("", item.contract.access) and state in ("", held[item.id].state)
    ]
    start = whole("cursor", given.get("cursor", "0"))
    if start < 0:
        raise BadQuery("The cursor is broken.", todo="Start again without cursor; follow the next links.")
    page = entries[start : start + limit]
    follows = str(start + limit) if start + limit < len(entries) else ""
    body = {
        "items": [_brief(desk, request, item, held[item.id]) for item in page],
        "next": follows or None,
        "total": len(entries),
    }
    answer = send_json(request, body)
    if follows:
        answer.headers["Link"] = desk.site.following(request, follows)
    return answer


def _standing(desk: Desk, contracts: Sequence[Contract]) -> dict[str, Product]:
    return product.standing(desk.access.state, contracts, desk.applications.now())


def _brief(desk: Desk, request: Request, entry: Entry, told: Product) -> dict[str, Any]:
    contract = entry.contract
    base = desk.site.base(request)
    return {
        "id": contract.id,
        "title": contract.title(),
        "description": contract.summary(),
        "access": contract.access,
        "state": told.state,
        "requestable": contract.access == "shared" and told.requestable,
        "owner": {"id": owner_of(contract), "name": contract.owner or desk.site.settings.city.name},
        "theme": contract.theme or None,
        "licence": contract.licence or None,
        "version": contract.version,
        "updated": entry.updated,
        "href": f"{base}{ROOT}/products/{segment(contract.id)}",
    }


def single(desk: Desk, request: Request) -> Any:
    """What is said of one product before anybody has a key."""
    parameters(request, ())
    entry = desk.site.catalogue.entry(request.path_params["dataset"])
    contract = entry.contract
    told = product.offered(desk.access.state, contract, desk.applications.now())
    base, name = desk.site.base(request), segment(contract.id)
    at = f"{base}{ROOT}/datasets/{name}"
    body = _brief(desk, request, entry, _standing(desk, [contract])[contract.id]) | {
        "usage": contract.usage or None,
        "limitations": contract.limitations or None,
        "language": contract.language,
        "until": told.until,
        "why": told.why or None,
        "next_update": entry.next_update,
        "service_levels": contract.sla,
        "support": contract.support,
        "columns": None if told.columns is None else [asdict(item) for item in told.columns],
        "approval": told.approval or None,
        "usual_answer_seconds": int(told.answer.total_seconds()) if told.answer else None,
        "plans": [_plan(item) for item in told.plans],
        "changelog": [asdict(item) for item in product.changelog(desk.access.state, contract)],
        "links": {
            "sample": None if contract.access == "closed" else f"{base}{ROOT}/products/{name}/sample",
            "ask": f"{base}/datasets/{name}/access" if told.requestable else None,
            "page": f"{base}/datasets/{name}/api",
            "rows": f"{at}/rows",
            "openapi": f"{at}/openapi.json",
            "sql": f"{base}{ROOT}/sql",
            "ckan": f"{base}/api/3/action/datastore_search?resource_id={name}",
            "dcat": f"{base}/datasets/{name}.jsonld",
        },
    }
    if told.requestable:
        body["links"]["terms"] = f"{base}{ROOT}/products/{name}/offer"
    return body


def _plan(item: Plan) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title or item.id,
        "requests_per_second": item.rate,
        "calls_per_day": item.daily,
        "rows_per_day": item.rows,
        "token_seconds": int(item.lifetime.total_seconds()),
    }


def made_up(desk: Desk, request: Request) -> Any:
    """Rows that look like the dataset's: the first ones where it is open, made up from the contract otherwise."""
    given = parameters(request, ("limit",))
    limit = whole("limit", given.get("limit", str(sample.ROWS)))
    if not 1 <= limit <= sample.MOST:
        raise BadQuery(f"limit is {limit}, and a sample has 1 to {sample.MOST} rows.")
    entry = desk.site.catalogue.entry(request.path_params["dataset"])
    contract = entry.contract
    body: dict[str, Any] = {"dataset": contract.id, "contract": contract.version}
    if contract.access == "open" and entry.version is not None:
        answer = desk.site.door.ask(Query(contract.id, limit=limit))
        names = [item.name for item in answer.columns]
        rows = [dict(zip(names, row, strict=True)) for row in answer.rows()]
        return body | {"synthetic": False, "columns": names, "items": rows}
    if contract.access == "closed":
        raise NotAllowed(
            "This dataset is closed: its columns are told to nobody, so there is no sample.",
            todo=f"{contract.owner or 'The city'} decides about it.",
        )
    shown = product.columns(contract)
    names = [item.name for item in contract.properties]
    kept = {item.name for item in shown}
    rows = [
        {name: value for name, value in zip(names, row, strict=True) if name in kept}
        for row in sample.rows(contract, limit)
    ]
    return body | {"synthetic": True, "columns": [item.name for item in shown], "items": rows}


# ---- who asks -----------------------------------------------------------------------------------------------------


def me(desk: Desk, request: Request) -> Any:
    """Who asks, as the city knows it."""
    parameters(request, ())
    caller = desk.site.caller(request)
    return {
        "known": bool(caller.party),
        "kind": "application" if caller.application else "person" if caller.party else "anyone",
        "party": caller.party or None,
        "organisation": caller.organisation or None,
        "application": caller.application or None,
        "credential": caller.credential if caller.application else None,
        "agreement": caller.agreement or None,
        "purpose": caller.purpose or None,
        "roles": [{"organisation": name, "role": role} for name, role in caller.roles],
    }


def mine(desk: Desk, request: Request) -> Any:
    """What the caller may read, in one call; ``all=true`` names agreements that open nothing now, and why."""
    given = parameters(request, ("all", "open"))
    caller = desk.site.caller(request)
    contracts = [item.contract for item in desk.site.catalogue.entries(limit=None).items]
    if given.get("open", "true") == "false":
        contracts = [item for item in contracts if item.access != "open"]
    base = desk.site.base(request)
    found = reach(desk.site.door, desk.store, contracts, caller, refused=given.get("all", "") == "true")
    return {"items": [_reached(item, base) for item in found]}


def _reached(item: Reach, base: str) -> dict[str, Any]:
    decision, left = item.decision, item.left
    name = segment(item.contract.id)
    asked = [("agreement", item.agreement)] if item.agreement else []
    return {
        "dataset": item.contract.id,
        "title": item.contract.title(),
        "access": item.contract.access,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "rule": decision.rule,
        "todo": decision.todo or None,
        "columns": item.columns,
        "rows": list(decision.rows) if decision.allowed else [],
        "masks": [{"column": column, "mask": str(mask)} for column, mask in decision.masks],
        "obligations": list(decision.obligations),
        "agreement": item.agreement or None,
        "agreement_state": item.state or None,
        "purpose": item.purpose or None,
        "until": item.until,
        "plan": item.plan or None,
        "left": None
        if left is None
        else {
            "calls": left.remaining if left.limit else None,
            "rows": left.rows_remaining if left.rows_limit else None,
            "seconds": left.reset,
        },
        "href": f"{base}{ROOT}/datasets/{name}/rows" if decision.allowed else None,
        "page": address(f"{base}/datasets/{name}/access", asked) if not decision.allowed else None,
    }


def used(desk: Desk, request: Request) -> Any:
    """What the caller's applications took. ``by``: day, application, agreement, dataset, face, status."""
    by, since, until = _asked_usage(desk, request)
    caller = desk.known(request)
    whose = [caller.application] if caller.application else [item.id for item in desk.applications.mine(caller)]
    return _usage(desk, by, since, until, applications=whose)


def taken(desk: Desk, request: Request) -> Any:
    """What all applications took of one dataset, for whoever looks after it."""
    by, since, until = _asked_usage(desk, request)
    caller = desk.known(request)
    contract = desk.site.catalogue.entry(request.path_params["dataset"]).contract
    owner = owner_of(contract)
    if not steward(caller, owner) and not caller.has("auditor", owner):
        raise NotAllowed(
            "Only whoever looks after a dataset sees who reads it.",
            todo=f"Ask {contract.owner or desk.site.settings.city.name}.",
        )
    return _usage(desk, by, since, until, dataset=contract.id)


def _asked_usage(desk: Desk, request: Request) -> tuple[list[str], date, date]:
    from arengo.services.consumption import BY

    given = parameters(request, ("by", "since", "until"))
    by = [name for name in given.get("by", "day,dataset").split(",") if name]
    for name in by:
        if name not in BY:
            raise BadQuery(f"Usage is not grouped by {name[:40]!r}.", todo=f"Write some of {', '.join(BY)}.")
    until = _day("until", given.get("until", ""), desk.store.consumption.today())
    since = _day("since", given.get("since", ""), until - timedelta(days=DAYS - 1))
    if not timedelta(0) <= until - since <= timedelta(days=LONGEST_DAYS):
        raise BadQuery(f"From {since} to {until} is no span of up to {LONGEST_DAYS} days.")
    return list(dict.fromkeys(by)), since, until


def _day(name: str, text: str, default: date) -> date:
    if not text:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadQuery(f"{name} is no date: {text[:40]!r}.", todo="Write it like 2026-03-01.") from None


def _usage(desk: Desk, by: list[str], since: date, until: date, **only: Any) -> Any:
    found = desk.store.consumption.used(by, since=since, until=until, **only)
    return {
        "since": since,
        "until": until,
        "by": by,
        "items": [
            {
                **dict(zip(by, item.key, strict=True)),
                "calls": item.calls,
                "refused": item.refused,
                "rows": item.rows,
                "bytes": item.bytes,
            }
            for item in found
        ],
    }
