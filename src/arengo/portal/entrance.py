"""Pages that are for somebody: the way to sign in and come back, and answers that are kept by nobody."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from arengo.portal.visit import Visit


def signed_in(visit: Visit) -> Response | None:
    """The way to sign in and come back here, for everybody who is not."""
    if visit.caller.party:
        return None
    target = visit.here()
    if visit.request.method == "POST":
        target = visit.request.url.path
    return RedirectResponse(f"/login?{urlencode({'next': target})}", 303, {"Cache-Control": "no-store"})


def private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
