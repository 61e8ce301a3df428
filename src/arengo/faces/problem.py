"""Errors as problem details (RFC 9457), from the error tree by one table."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from arengo.errors import ArengoError, CallerError, NotKnown, OperatorError, PublisherError, QuotaSpent

MEDIA = "application/problem+json"
MACHINE = (
    "/api/",
    "/ogc/",
    "/catalog",
    "/datastore/",
    "/feeds/",
    "/sitemap",
    "/robots.txt",
    "/mcp",
    "/healthz",
    "/metrics",
    "/iceberg",
    "/oauth/",
    "/.well-known/",
    "/ledger/v1/",
    "/ns/",
    "/ngsi-ld/",
    "/sta/",
    "/dsp/",
)
RETRY_SECONDS = 5
LONGEST = 1000
_TITLES = {
    400: "The request cannot be answered",
    404: "There is nothing at this address",
    405: "This address does not take that method",
    406: "There is no such format",
    413: "The request is too large",
    415: "The body has the wrong form",
    422: "The body cannot be read",
    500: "Something went wrong on our side",
    503: "Try again later",
}
_LOG = logging.getLogger("arengo.faces")


def problem(status: int, title: str, detail: str = "", code: str = "", **members: Any) -> Response:
    """One problem document. ``code`` is the stable name of the kind of error."""
    body: dict[str, Any] = {
        "type": f"urn:arengo:error:{code}" if code else "about:blank",
        "title": title,
        "status": status,
    }
    if detail:
        body["detail"] = detail
    body.update({name: value for name, value in members.items() if value not in (None, "")})
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if status in (429, 503, 507):
        headers["Retry-After"] = str(RETRY_SECONDS)
    return Response(orjson.dumps(body), status, headers, MEDIA)


def of(error: Exception) -> Response:
    """The problem document of any error. What only an operator may read goes to the log, with a number to find it."""
    if isinstance(error, (CallerError, PublisherError)) or (isinstance(error, OperatorError) and error.status != 500):
        where = {name: getattr(error, name, None) or None for name in ("line", "column", "excerpt")}  # of BadSql
        made = problem(error.status, error.title, _short(error.met), error.code, todo=_short(error.todo), **where)
        if isinstance(error, NotKnown):
            # RFC 9110, 11.6.1; RFC 9449, 7.1
            made.headers["WWW-Authenticate"] = 'Bearer realm="arengo", DPoP algs="ES256 Ed25519 EdDSA"'
        if isinstance(error, QuotaSpent):
            made.headers["Retry-After"] = str(error.seconds)
            made.headers.update(error.headers)
        return made
    if isinstance(error, HTTPException):
        return problem(error.status_code, _TITLES.get(error.status_code, "The request failed"))
    number = uuid.uuid4().hex[:12]
    _LOG.error("error %s", number, exc_info=error)
    title = error.title if isinstance(error, ArengoError) else _TITLES[500]
    code = error.code if isinstance(error, ArengoError) else "internal"
    return problem(
        500, title, "The published data is safe. The log knows more.", code, instance=f"urn:arengo:log:{number}"
    )


def _short(text: str) -> str:
    """A sentence that repeats what was sent does not repeat pages of it."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def is_machine(path: str) -> bool:
    return path.startswith(MACHINE)


def handlers(page: Callable[[Request, Exception], Response] | None = None) -> Mapping[Any, Any]:
    def answer(request: Request, error: Exception) -> Response:
        if page is not None and not is_machine(request.url.path):
            return page(request, error)
        made = of(error)
        if isinstance(error, HTTPException) and error.headers:
            made.headers.update(error.headers)
        return made

    return {ArengoError: answer, HTTPException: answer, Exception: answer}
