"""The operator: whoever can read the key in the city folder. Until parties and policies exist, that is the only login.

It opens two things: the messages of runs (they name files and values) and the rows set aside. A cookie holds a
keyed digest, never the key; a page of another site cannot use it (SameSite=Strict).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets

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


def token(settings: Settings) -> str:
    return hmac.new(key_of(settings).encode(), b"arengo operator cookie", hashlib.sha256).hexdigest()


def is_operator(visit: Visit) -> bool:
    given = visit.request.cookies.get(COOKIE, "")
    return bool(given) and hmac.compare_digest(given.encode(), token(visit.settings).encode())


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
    answer.set_cookie(COOKIE, token(visit.settings), LASTS, path="/", samesite="strict", httponly=True, secure=secure)
    return answer
