"""The operator: whoever can read the key in the city folder. Until parties and policies exist, that is the only login.

It opens the messages of runs (they name files and values), the rows set aside, the desk and the form of contracts. A
cookie holds a time and a keyed digest of it, never the key: a copied one ends by itself, and a page of another site
cannot use it (SameSite=Strict).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time

from starlette.responses import RedirectResponse, Response

from arengo.portal.site import Form, Visit, safe_target
from arengo.settings import Settings

COOKIE = "arengo_operator"
LASTS = 12 * 3600
MOST = 4096  # bytes of a posted form


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


def is_operator(visit: Visit) -> bool:
    given = visit.request.cookies.get(COOKIE, "")
    until = given.partition(".")[0]
    if not (until.isascii() and until.isdecimal() and len(until) < 16) or int(until) < time.time():
        return False
    return hmac.compare_digest(given.encode(), token(visit.settings, int(until)).encode())


def page(visit: Visit) -> Response:
    """``GET /operator``."""
    key_of(visit.settings)
    values = {"signed_in": is_operator(visit), "wrong": False, "next": safe_target(visit.param("next"))}
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
    secure = visit.request.url.scheme == "https" or visit.settings.city.url.startswith("https:")
    answer.set_cookie(
        COOKIE,
        token(visit.settings),
        LASTS,
        path="/",
        samesite="strict",
        httponly=True,
        secure=secure,
    )
    return answer
