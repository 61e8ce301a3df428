"""Who may do what the city does: whoever holds the key of the city folder, and people whose role it is.

The key lies in ``.arengo/operator.key``; with it the first administrator is invited. A cookie holds a time and a keyed
digest of it, never the key: a copied one ends by itself, and a page of another site cannot use it (SameSite=Strict).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Sequence

from starlette.responses import RedirectResponse, Response

from arengo.errors import UnknownDataset
from arengo.governance import CITY_WIDE, Caller
from arengo.governance.owner import owner_of
from arengo.governance.role import OPERATOR
from arengo.portal.form import Form
from arengo.portal.visit import Visit, safe_target
from arengo.settings import Settings

COOKIE = "arengo_operator"
LASTS = 12 * 3600
MOST = 4096  # bytes of a posted form
STEWARDS = ("steward", "administrator")
"""Who answers people, moderates and decides for an owner."""
KEEPERS = ("steward", "publisher")
"""Who sees what may name files and values of a source. An administrator manages people and reads no data."""


def key_of(settings: Settings) -> str:
    """The operator's key, made at the first look; only the owner of the folder can read the file."""
    path = settings.home / "operator.key"
    try:
        held = path.read_text(encoding="ascii").strip()
        if held:
            return held
    except OSError:
        pass
    made = secrets.token_urlsafe(24)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip() or made
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(made + "\n")
    return made


def token(settings: Settings, until: int = 0) -> str:
    """What the cookie holds. ``until``: seconds since 1970 after which it opens nothing; in twelve hours by default."""
    until = until or int(time.time()) + LASTS
    said = hmac.new(key_of(settings).encode(), b"arengo operator cookie %d" % until, hashlib.sha256).hexdigest()
    return f"{until}.{said}"


def holds_key(visit: Visit) -> bool:
    """Whether the visitor gave the city's key on this browser."""
    given = visit.request.cookies.get(COOKIE, "")
    until = given.partition(".")[0]
    if not (until.isascii() and until.isdecimal() and len(until) < 16) or int(until) < time.time():
        return False
    return hmac.compare_digest(given.encode(), token(visit.settings, int(until)).encode())


def acting(visit: Visit) -> Caller:
    """Who decides something in the city's name: the keeper of the key, or the person who is signed in."""
    return OPERATOR if holds_key(visit) else visit.caller


def is_operator(visit: Visit, dataset: str = "", roles: Sequence[str] = STEWARDS) -> bool:
    """Whether the visitor holds the city's key, or has one of ``roles`` where the page is about.

    ``dataset``: the one the page is about, whose owner's people are let in; '' for what concerns the whole city.
    """
    if holds_key(visit):
        return True
    caller = visit.caller
    if not caller.roles:
        return False
    owner = _owner(visit, dataset) if dataset else CITY_WIDE
    return any(caller.has(role, owner) for role in roles)


def kept(visit: Visit, roles: Sequence[str] = STEWARDS) -> frozenset[str] | None:
    """The datasets whose owner's people the visitor is one of; None for all of them."""
    if is_operator(visit, roles=roles):
        return None
    caller = visit.caller
    mine = {where for where, role in caller.roles if role in roles}
    if not mine:
        return frozenset()
    entries = visit.site.catalogue.entries(limit=None).items
    return frozenset(entry.id for entry in entries if owner_of(entry.contract) in mine)


def _owner(visit: Visit, dataset: str) -> str:
    try:
        return owner_of(visit.site.catalogue.entry(dataset).contract)
    except UnknownDataset:
        return CITY_WIDE


def page(visit: Visit) -> Response:
    """``GET /operator``."""
    key_of(visit.settings)
    values = {"signed_in": holds_key(visit), "wrong": False, "next": safe_target(visit.param("next"))}
    answer = visit.page("operator.html", values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def enter(visit: Visit, form: Form) -> Response:
    """``POST /operator``: the key, or ``leave``."""
    target = safe_target(form.one("next", "/runs"))
    if form.one("leave"):
        answer: Response = RedirectResponse("/operator", 303)
        answer.delete_cookie(COOKIE, path="/")
        return answer
    if not hmac.compare_digest(form.one("key").encode(), key_of(visit.settings).encode()):
        return visit.page("operator.html", {"signed_in": False, "wrong": True, "next": target}, 403)
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        COOKIE,
        token(visit.settings),
        LASTS,
        path="/",
        samesite="strict",
        httponly=True,
        secure=visit.secure,
    )
    return answer


def record(visit: Visit, act: str, dataset: str, **facts: object) -> None:
    """Put on record what the visitor did as a keeper of the city: by name, or with the city's key."""
    caller = visit.caller
    visit.site.access.ledger.tell(
        "administration",
        actor=caller.party or "operator",
        organisation=_owner(visit, dataset),
        dataset=dataset,
        body={"act": act, **facts},
    )
