"""Applications and their keys for programs and scripts of signed-in people: register, make, turn, revoke, block."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from arengo.errors import BadQuery
from arengo.faces.site import Site, parameters, segment
from arengo.faces.store import ROOT, Desk, read, write
from arengo.governance.application import offices

if TYPE_CHECKING:
    from arengo.governance.application import ApiKey, Application, ClientKey
    from arengo.services.access import Access


def routes(site: Site, access: Access) -> list[BaseRoute]:
    desk = Desk(site, access)
    one, keys, clients = (f"{ROOT}/applications/{{id}}{tail}" for tail in ("", "/keys", "/clients"))
    get = ["GET", "HEAD"]
    return [
        Route(f"{ROOT}/applications", read(desk, applications), methods=get),
        Route(f"{ROOT}/applications", write(desk, register), methods=["POST"]),
        Route(one, read(desk, application), methods=get),
        Route(one, write(desk, describe), methods=["PATCH"]),
        Route(f"{one}/block", write(desk, block), methods=["POST"]),
        Route(f"{one}/unblock", write(desk, unblock), methods=["POST"]),
        Route(f"{one}/owner", write(desk, transfer), methods=["POST"]),
        Route(keys, write(desk, issue), methods=["POST"]),
        Route(f"{keys}/{{key}}/rotate", write(desk, rotate), methods=["POST"]),
        Route(f"{keys}/{{key}}", write(desk, revoke), methods=["DELETE"]),
        Route(clients, write(desk, enrol), methods=["POST"]),
        Route(f"{clients}/{{key}}", write(desk, revoke), methods=["DELETE"]),
    ]


def applications(desk: Desk, request: Request) -> Any:
    """Those the caller looks after."""
    parameters(request, ())
    return {"items": [_application(desk, request, item) for item in desk.applications.mine(desk.known(request))]}


def application(desk: Desk, request: Request) -> Any:
    """One application with its keys, never their secrets."""
    parameters(request, ())
    by, name = desk.known(request), request.path_params["id"]
    item = desk.applications.seen(name, by)
    return _application(desk, request, item) | {
        "keys": [_key(desk, key) for key in desk.applications.keys(name, by)],
        "clients": [_client(desk, key) for key in desk.applications.clients(name, by)],
    }


def _application(desk: Desk, request: Request, item: Application) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "description": item.words,
        "organisation": item.organisation or None,
        "owner": item.owner,
        "contacts": item.contacts,
        "state": item.state,
        "reason": item.reason or None,
        "created": item.created_at,
        "href": f"{desk.site.base(request)}{ROOT}/applications/{segment(item.id)}",
    }


def _key(desk: Desk, key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "title": key.title,
        "prefix": key.prefix,
        "agreement": key.agreement or None,
        "state": key.state(desk.applications.now()),
        "created": key.created_at,
        "expires": key.expires_at,
        "revoked": key.revoked_at,
        "last_used": key.used,
        "rotated_from": key.rotated_from or None,
    }


def _client(desk: Desk, key: ClientKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "kind": key.kind,
        "jwk": key.jwk,
        "state": key.state(desk.applications.now()),
        "created": key.created_at,
        "expires": key.expires_at,
        "revoked": key.revoked_at,
        "last_used": key.used,
    }


def register(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    _only(given, ("title", "description", "organisation", "contacts"))
    by = desk.known(request)
    organisation = _text(given, "organisation") if "organisation" in given else by.organisation
    made = desk.applications.create(
        _text(given, "title"), by, organisation=organisation, words=_text(given, "description"), contacts=_mails(given)
    )
    return _application(desk, request, made), 201


def describe(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    _only(given, ("title", "description", "contacts"))
    by, name = desk.known(request), request.path_params["id"]
    held = desk.applications.seen(name, by)
    made = desk.applications.describe(
        name,
        by,
        title=_text(given, "title") if "title" in given else held.title,
        words=_text(given, "description") if "description" in given else held.words,
        contacts=_mails(given) if "contacts" in given else held.contacts,
    )
    return _application(desk, request, made), 200


def block(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    _only(given, ("why",))
    made = desk.applications.block(request.path_params["id"], desk.known(request), _text(given, "why"))
    return _application(desk, request, made), 200


def unblock(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    _only(given, ("why",))
    made = desk.applications.unblock(request.path_params["id"], desk.known(request), _text(given, "why"))
    return _application(desk, request, made), 200


def transfer(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    _only(given, ("owner", "why"))
    by, to = desk.known(request), _text(given, "owner")
    desk.applications.seen(request.path_params["id"], by)
    held = offices(desk.access.parties, desk.access.parties.person(to))
    made = desk.applications.transfer(request.path_params["id"], to, by, _text(given, "why"), acts_for=held)
    return _application(desk, request, made), 200


def issue(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    """A key; the only answer that holds its text."""
    _only(given, ("title", "agreement", "days"))
    made, text = desk.applications.issue(
        request.path_params["id"],
        desk.known(request),
        agreement=_text(given, "agreement"),
        title=_text(given, "title"),
        days=_number(given, "days", 365),
    )
    return _key(desk, made) | {"key": text}, 201


def rotate(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    """A key in place of another, which goes on for ``overlap_hours`` (a week by default)."""
    _only(given, ("overlap_hours",))
    hours = _number(given, "overlap_hours", 168)
    if not 0 <= hours <= 720:
        raise BadQuery("overlap_hours is between 0 and 720.")
    made, text = desk.applications.rotate(
        request.path_params["id"], request.path_params["key"], desk.known(request), overlap=timedelta(hours=hours)
    )
    return _key(desk, made) | {"key": text}, 201


def revoke(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    desk.applications.revoke(request.path_params["id"], request.path_params["key"], desk.known(request))
    return None, 204


def enrol(desk: Desk, request: Request, given: Mapping[str, Any]) -> tuple[Any, int]:
    """A public key (``jwk``), or a client secret when none is sent; the only answer that holds its text."""
    _only(given, ("jwk", "days"))
    by, name, days = desk.known(request), request.path_params["id"], _number(given, "days", 365)
    if "jwk" in given:
        if not isinstance(given["jwk"], dict):
            raise BadQuery("jwk is not a JSON Web Key.")
        return _client(desk, desk.applications.register(name, given["jwk"], by, days=days)), 201
    made, text = desk.applications.secret(name, by, days=days)
    return _client(desk, made) | {"client_id": name, "client_secret": text}, 201


def _only(given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise BadQuery(f"There is no field {name[:40]!r} here.", todo=f"Known: {', '.join(known)}.")


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise BadQuery(f"{name} is no text.")
    return value


def _number(given: Mapping[str, Any], name: str, default: int) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadQuery(f"{name} is no whole number.")
    return value


def _mails(given: Mapping[str, Any]) -> list[str]:
    value = given.get("contacts", [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadQuery("contacts is no list of e-mail addresses.")
    return value
