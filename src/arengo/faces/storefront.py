"""The API store's part of the API's description (OpenAPI 3.1): how to show a credential, products, keys, usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arengo.governance.session import cookie_name
from arengo.governance.token import SCOPE
from arengo.services.consumption import BY
from arengo.services.product import STATES
from arengo.services.sample import MOST, ROWS

SECURITY: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"key": []}, {"oauth": [SCOPE]}]
"""Of every path that reads: nothing is needed for open data; otherwise one of these."""
PERSON: list[dict[str, list[str]]] = [{"session": []}]
LIMITS: dict[str, Any] = {
    "RateLimit": {
        "schema": {"type": "string"},
        "description": "What is left of the plan (draft-ietf-httpapi-ratelimit-headers): calls and rows of the day.",
    },
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "The plan itself."},
}
_RETRY = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}


def schemes(base: str) -> dict[str, Any]:
    """Security schemes (OpenAPI 3.1, 4.8.27)."""
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of an application (arengo_k1_...) or a short-lived access token.",
        },
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key of an application."},
        "oauth": {
            "type": "oauth2",
            "description": "Client credentials; the client is an application, DPoP (RFC 9449) is taken.",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": f"{base}/oauth/token",
                    "scopes": {SCOPE: "What the application's agreements open."},
                }
            },
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie_name(False),
            "description": "A person who is signed in.",
        },
    }


def responses(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Answers of a request whose credential opens nothing, or whose plan is used up."""
    return {
        "Unknown": {
            "description": "The credential is wrong, over, revoked or blocked; which of these is not said.",
            "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
            "content": dict(problem),
        },
        "Spent": {
            "description": "The plan is used up for now.",
            "headers": {**_RETRY, **LIMITS},
            "content": dict(problem),
        },
    }


def paths() -> dict[str, Any]:
    """Products, what a caller may read and has used, applications and keys."""
    product = _path("dataset", "The dataset's id.")
    usage = [
        _query("by", f"What to group by, with commas between: {', '.join(BY)}.", {"type": "string"}),
        _query("since", "First day.", {"type": "string", "format": "date"}),
        _query("until", "Last day; today when left out.", {"type": "string", "format": "date"}),
    ]
    at, one = "/api/v1/products", "/api/v1/products/{dataset}"
    out: dict[str, Any] = {
        at: {
            "get": _read(
                "The products: every dataset as something programs can read",
                "listProducts",
                [
                    _query("q", "Words.", {"type": "string", "maxLength": 500}),
                    _query("access", "Who may read.", {"type": "string", "enum": ["open", "shared", "closed"]}),
                    _query("state", "Of the product.", {"type": "string", "enum": list(STATES)}),
                    _query("theme", "EU data theme code, such as ENVI.", {"type": "string"}),
                    _query("limit", "Items of one page.", {"type": "integer", "minimum": 1, "maximum": 1000}),
                    _query("cursor", "The ``next`` of the page before.", {"type": "string"}),
                ],
                "Listing",
            )
        },
        one: {"get": _read("Columns, plans, terms and changes of a product", "product", [product])},
        f"{one}/sample": {
            "get": _read(
                "Rows that look like the product's; made up where it is not open",
                "productSample",
                [
                    product,
                    _query("limit", "Rows.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": ROWS}),
                ],
            )
        },
        f"{one}/usage": {
            "get": _read(
                "Who took how much of a dataset, for its steward", "productUsage", [product, *usage], by=PERSON
            )
        },
        "/api/v1/me": {"get": _read("Who asks", "me", [])},
        "/api/v1/me/access": {
            "get": _read(
                "What the caller may read: datasets, columns, masks, purposes, what is left",
                "myAccess",
                [
                    _query("all", "Whether agreements that open nothing now are named too.", {"type": "boolean"}),
                    _query("open", "Whether open data is named too.", {"type": "boolean", "default": True}),
                ],
            )
        },
        "/api/v1/me/usage": {"get": _read("What the caller's applications took", "myUsage", usage)},
    }
    return out | _applications()


def _applications() -> dict[str, Any]:
    name, key = _path("id", "The application's id."), _path("key", "The id that stands in the key.")
    text, days = {"type": "string"}, {"type": "integer", "minimum": 1, "maximum": 365}
    one = "/api/v1/applications/{id}"
    why = {"why": text}
    return {
        "/api/v1/applications": {
            "get": _read("The applications one looks after", "listApplications", [], by=PERSON),
            "post": _write(
                "Register an application",
                "registerApplication",
                [],
                {"title": text, "description": text, "organisation": text, "contacts": _mails()},
                required=("title",),
            ),
        },
        one: {
            "get": _read("One application and its keys, never their secrets", "application", [name], by=PERSON),
            "patch": _write(
                "Change its words",
                "describeApplication",
                [name],
                {"title": text, "description": text, "contacts": _mails()},
                "200",
            ),
        },
        f"{one}/block": {"post": _write("Block it: none of its keys works", "blockApplication", [name], why, "200")},
        f"{one}/unblock": {"post": _write("Let its keys work again", "unblockApplication", [name], why, "200")},
        f"{one}/owner": {
            "post": _write("Give it to somebody else", "transferApplication", [name], {"owner": text, **why}, "200")
        },
        f"{one}/keys": {
            "post": _write(
                "Make a key; its text is in this answer alone",
                "makeKey",
                [name],
                {"title": text, "agreement": text, "days": days},
            )
        },
        f"{one}/keys/{{key}}/rotate": {
            "post": _write(
                "Make a key in place of another, which goes on for a while",
                "rotateKey",
                [name, key],
                {"overlap_hours": {"type": "integer", "minimum": 0, "maximum": 720, "default": 168}},
            )
        },
        f"{one}/keys/{{key}}": {"delete": _end("Revoke a key", "revokeKey", [name, key])},
        f"{one}/clients": {
            "post": _write(
                "Register a public key, or make a client secret when none is sent",
                "makeClient",
                [name],
                {"jwk": {"type": "object"}, "days": days},
            )
        },
        f"{one}/clients/{{key}}": {"delete": _end("Revoke it", "revokeClient", [name, key])},
    }


def _mails() -> dict[str, Any]:
    return {"type": "array", "maxItems": 5, "items": {"type": "string"}}


_REFUSED = {
    "400": {"$ref": "#/components/responses/Bad"},
    "401": {"$ref": "#/components/responses/Unknown"},
    "403": {"$ref": "#/components/responses/Refused"},
    "404": {"$ref": "#/components/responses/Missing"},
    "429": {"$ref": "#/components/responses/Spent"},
}


def _read(
    summary: str, operation: str, given: list[dict[str, Any]], schema: str = "Object", by: Any = SECURITY
) -> dict[str, Any]:
    body = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {
        "summary": summary,
        "operationId": operation,
        "parameters": given,
        "security": by,
        "responses": {"200": {"description": "The answer.", "content": body}, "304": {"description": "Unchanged."}}
        | _REFUSED,
    }


def _write(
    summary: str,
    operation: str,
    given: list[dict[str, Any]],
    fields: Mapping[str, Any],
    status: str = "201",
    required: tuple[str, ...] = (),
) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": dict(fields)}
    if required:
        shape["required"] = list(required)
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Object"}}}
    return {
        "summary": summary,
        "operationId": operation,
        "parameters": given,
        "security": PERSON,
        "requestBody": {"required": True, "content": {"application/json": {"schema": shape}}},
        "responses": {status: {"description": "Done.", "content": body}}
        | _REFUSED
        | {"409": {"$ref": "#/components/responses/Bad"}},
    }


def _end(summary: str, operation: str, given: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "summary": summary,
        "operationId": operation,
        "parameters": given,
        "security": PERSON,
        "responses": {"204": {"description": "It opens nothing from the next request on."}} | _REFUSED,
    }


def _query(name: str, about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": dict(schema)}


def _path(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string"}}
