"""An error as a page in the city's name: what happened, what is safe, what to do."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from arengo.errors import ArengoError, CallerError, NotAllowed
from arengo.portal.visit import Visit
from arengo.settings import Settings

_LOG = logging.getLogger("arengo.portal")


def handler(settings: Settings) -> Callable[[Request, Exception], Response]:
    """Answers any error of a page: Arengo's own, HTTP's and the unexpected."""

    def answer(request: Request, error: Exception) -> Response:
        return page(Visit(request, settings), error)

    return answer


def page(visit: Visit, error: Exception) -> Response:
    """The error as HTML, with the status of the error tree. What only an operator may read stays in the log."""
    status = 500
    if isinstance(error, ArengoError):
        status = error.status
    elif isinstance(error, HTTPException):
        status = error.status_code
    met, todo, number = "", "", ""
    if status >= 500 and not isinstance(error, HTTPException):
        number = uuid.uuid4().hex[:12]
        _LOG.error("error %s at %s", number, visit.request.url.path, exc_info=error)
    if isinstance(error, CallerError):
        met, todo = error.met, error.todo
    headings = _headings(visit._)
    heading, safe = headings.get(status, headings[500 if status >= 500 else 400])
    values: dict[str, Any] = {
        "status": status,
        "heading": heading,
        "met": met,
        "todo": todo,
        "safe": safe,
        "number": number,
        "refused": isinstance(error, NotAllowed) or status == 403,
        "ask": _asking(visit) if isinstance(error, NotAllowed) else "",
        "retry": status in (429, 503, 507) or (isinstance(error, ArengoError) and error.retry),
    }
    answer = visit.page("error.html", values, status)
    answer.headers["Cache-Control"] = "no-store"
    if status in (429, 503):
        answer.headers["Retry-After"] = "10"
    return answer


def _asking(visit: Visit) -> str:
    """Where access can be asked for, when the page refused is about a dataset that is shared; ''."""
    dataset = visit.request.path_params.get("dataset", "")
    if not dataset or visit.request.method not in ("GET", "HEAD"):
        return ""
    try:
        contract = visit.site.catalogue.entry(dataset).contract
    except (ArengoError, AssertionError):  # no such dataset; an error outside the pages
        return ""
    return visit.link("datasets", dataset, "access") if contract.access == "shared" else ""


def _headings(_: Callable[[str], str]) -> dict[int, tuple[str, str]]:
    return {
        400: (_("This request cannot be answered"), _("The data is as it was; only the question needs a correction.")),
        403: (_("You may not read this"), _("Nothing was shown, and nothing was changed.")),
        404: (
            _("There is no such page"),
            _("Nothing is lost: everything that is published is in the list of datasets."),
        ),
        405: (_("This page cannot be asked that way"), _("Nothing was changed.")),
        500: (_("Something went wrong on our side"), _("The published data is safe; nothing was changed.")),
        503: (_("That takes longer than one request may"), _("The published data is safe; the request was stopped.")),
    }
