"""OAuth 2.0 for programs: client credentials for short-lived tokens, their end, and what a token is worth.

RFC 6749 (4.4), RFC 7523 (private_key_jwt), RFC 9449 (DPoP), RFC 7009, RFC 7662, RFC 8414, RFC 9728, RFC 7517. Errors
are in the form of RFC 6749, 5.2. The token endpoint keeps no cookie and no session.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo.errors import BadQuery, CallerError, NotFound, NotKnown, QuotaSpent
from arengo.faces.site import JSON, Site, parameters, public_address, send_json
from arengo.governance.credential import purpose_of
from arengo.governance.jose import ALGORITHMS, BOUND
from arengo.governance.token import SCOPE

if TYPE_CHECKING:
    from arengo.governance.application import Application
    from arengo.services.access import Access
    from arengo.services.store import Store

MOST = 16_384
"""Bytes of a form."""
GRANT = "client_credentials"
WAYS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
_KEEP_NOT = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
_FORM = "application/x-www-form-urlencoded"


class Refused(Exception):
    """An error in the words of RFC 6749, 5.2."""

    def __init__(self, code: str, words: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.code, self.words, self.status = code, words, status
        self.headers = dict(headers or {})


def routes(site: Site, access: Access) -> list[BaseRoute]:
    store = access.store
    read = ["GET", "HEAD"]
    return [
        Route("/oauth/token", _posted(site, store, _token), methods=["POST"]),
        Route("/oauth/revoke", _posted(site, store, _revoke), methods=["POST"]),
        Route("/oauth/introspect", _posted(site, store, _introspect), methods=["POST"]),
        Route("/oauth/jwks.json", _told(site, lambda request, at: store.keys.jwks()), methods=read),
        Route("/.well-known/oauth-authorization-server", _told(site, _server), methods=read),
        Route("/.well-known/oauth-protected-resource", _told(site, _resource), methods=read),
    ]


Answer = Callable[["Store", str, str, "Application", Mapping[str, str], Request], Response]


def _posted(site: Site, store: Store, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """A form of a client that proves itself, answered in a thread."""

    def work(request: Request, body: bytes) -> Response:
        issuer = public_address(site.settings, request)
        given = _fields(request, body)
        basic = _basic(request)
        try:
            application = store.tokens.client(given, basic, issuer)
        except NotKnown as error:
            # RFC 6749, 5.2: whoever used the header is told how to use it.
            way = {"WWW-Authenticate": 'Basic realm="arengo"'} if basic else {}
            raise Refused("invalid_client", error.met, 401, way) from error
        store.throttle(application.id)
        return answer(store, issuer, issuer + request.url.path, application, given, request)

    async def endpoint(request: Request) -> Response:
        try:
            body = await _body(request)
            return await run_in_threadpool(work, request, body)
        except ClientDisconnect:  # nobody reads the answer
            return Response(status_code=400)
        except Refused as error:
            made = {"error": error.code, "error_description": error.words}
            return Response(orjson.dumps(made), error.status, {**_KEEP_NOT, **error.headers}, JSON)
        except QuotaSpent as error:
            made = {"error": "slow_down", "error_description": str(error)}
            headers = {**_KEEP_NOT, **error.headers, "Retry-After": str(error.seconds)}
            return Response(orjson.dumps(made), 429, headers, JSON)
        except CallerError as error:
            made = {"error": "invalid_request", "error_description": str(error)}
            return Response(orjson.dumps(made), 400, _KEEP_NOT, JSON)

    return endpoint


def _token(
    store: Store, issuer: str, url: str, application: Application, given: Mapping[str, str], request: Request
) -> Response:
    """RFC 6749, 4.4.2."""
    kind = given.get("grant_type", "")
    if not kind:
        raise Refused("invalid_request", "grant_type is missing.")
    if kind != GRANT:
        raise Refused("unsupported_grant_type", f"Only {GRANT} is taken.")
    if not set(given.get("scope", SCOPE).split()) <= {SCOPE}:
        raise Refused("invalid_scope", f"The only scope is {SCOPE}; what it opens follows from the agreements.")
    if given.get("resource", issuer).rstrip("/") not in (issuer, f"{issuer}/api/v1"):  # RFC 8707
        raise Refused("invalid_target", "This city gives tokens for itself alone.")
    try:
        purpose = purpose_of([(b"arengo-purpose", given.get("purpose", "").encode())])
    except BadQuery as error:
        raise Refused("invalid_request", "purpose is not the id of a purpose.") from error
    try:
        granted = store.tokens.grant(
            application, issuer, agreement=given.get("agreement", ""), purpose=purpose, jkt=_bound(store, request, url)
        )
    except NotFound as error:
        raise Refused("invalid_target", error.met) from error
    body = {
        "access_token": granted.token,
        "token_type": granted.kind,
        "expires_in": granted.seconds,
        "scope": SCOPE,
    }
    return Response(orjson.dumps(body), 200, _KEEP_NOT, JSON)


def _bound(store: Store, request: Request, url: str) -> str:
    """The key the token shall be bound to (RFC 9449, 5), '' without a proof."""
    proofs = request.headers.getlist("dpop")
    if not proofs:
        return ""
    if len(proofs) > 1:
        raise Refused("invalid_dpop_proof", "Two proofs are sent with one request.")
    try:
        return store.tokens.prove(proofs[0], request.method, url)
    except NotKnown as error:
        raise Refused("invalid_dpop_proof", str(error)) from error


def _revoke(
    store: Store, issuer: str, url: str, application: Application, given: Mapping[str, str], request: Request
) -> Response:
    """RFC 7009, 2: the answer is the same whatever the token was."""
    store.tokens.revoke(_shown(given), application, issuer)
    return Response(None, 200, _KEEP_NOT)


def _introspect(
    store: Store, issuer: str, url: str, application: Application, given: Mapping[str, str], request: Request
) -> Response:
    """RFC 7662, 2; an application looks at its own tokens and keys."""
    found = store.tokens.introspect(_shown(given), application, issuer)
    return Response(orjson.dumps(found), 200, _KEEP_NOT, JSON)


def _shown(given: Mapping[str, str]) -> str:
    if not given.get("token"):
        raise Refused("invalid_request", "token is missing.")
    return given["token"]


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise Refused("invalid_request", f"Send a form ({_FORM}).")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST:
            raise Refused("invalid_request", f"The form is larger than {MOST:,} bytes.", 413)
    return body


def _fields(request: Request, body: bytes) -> dict[str, str]:
    """The fields, each once (RFC 6749, 3.2); a secret in the address is refused (RFC 6749, 2.3.1)."""
    if request.url.query:
        raise Refused("invalid_request", "Nothing may stand in the address; send it in the form.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=50)
    except ValueError as error:
        raise Refused("invalid_request", "The form cannot be read.") from error
    out: dict[str, str] = {}
    for name, value in pairs:
        if name in out:
            raise Refused("invalid_request", f"The field {name[:40]} is sent twice.")
        if value:  # RFC 6749, 3.2: one without a value is treated as left out
            out[name] = value
    return out


def _basic(request: Request) -> tuple[str, str] | None:
    """Id and secret of the Authorization header (RFC 6749, 2.3.1)."""
    headers = request.headers.getlist("authorization")
    if not headers:
        return None
    scheme, _, rest = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "basic":
        raise Refused(
            "invalid_client", "Only Basic is taken in Authorization here.", 401, {"WWW-Authenticate": "Basic"}
        )
    try:
        name, colon, secret = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused("invalid_client", "The Authorization header cannot be read.", 401) from error
    return (unquote_plus(name), unquote_plus(secret)) if colon else (unquote_plus(name), "")


def _told(site: Site, make: Callable[[Request, str], Mapping[str, Any]]) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        parameters(request, ())
        return send_json(request, make(request, public_address(site.settings, request)))

    return endpoint


def _server(request: Request, at: str) -> Mapping[str, Any]:
    """RFC 8414, 2."""
    signed = sorted({name for names in ALGORITHMS.values() for name in names})
    return {
        "issuer": at,
        "token_endpoint": f"{at}/oauth/token",
        "jwks_uri": f"{at}/oauth/jwks.json",
        "revocation_endpoint": f"{at}/oauth/revoke",
        "introspection_endpoint": f"{at}/oauth/introspect",
        "grant_types_supported": [GRANT],
        "response_types_supported": [],
        "scopes_supported": [SCOPE],
        "token_endpoint_auth_methods_supported": list(WAYS),
        "token_endpoint_auth_signing_alg_values_supported": signed,
        "revocation_endpoint_auth_methods_supported": list(WAYS),
        "introspection_endpoint_auth_methods_supported": list(WAYS),
        "dpop_signing_alg_values_supported": list(BOUND),
        "service_documentation": f"{at}/store",
    }


def _resource(request: Request, at: str) -> Mapping[str, Any]:
    """RFC 9728, 2."""
    return {
        "resource": at,
        "authorization_servers": [at],
        "scopes_supported": [SCOPE],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(BOUND),
        "resource_documentation": f"{at}/store",
    }
