"""The agreements' part of the API's description (OpenAPI 3.1): what is sent and what may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arengo.faces.storefront import PERSON, SECURITY
from arengo.governance.agreement import FLAGS, STATES
from arengo.governance.approval import LONGEST_ROWS
from arengo.governance.decision import MASKS
from arengo.governance.purpose import LONGEST_TEXT, LONGEST_TITLE, QUESTIONS
from arengo.governance.step import LONGEST_WHY

_TEXT: Mapping[str, Any] = {"type": "string"}
_WHY: Mapping[str, Any] = {"type": "string", "maxLength": LONGEST_WHY}
_TIME: Mapping[str, Any] = {"type": "string", "format": "date-time"}
_TERMS: Mapping[str, Any] = {
    "columns": {"type": "array", "items": _TEXT},
    "rows": {"type": "string", "maxLength": LONGEST_ROWS, "description": "CQL2 text that every row read fulfils."},
    "masks": {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["column", "kind"],
            "properties": {"column": _TEXT, "kind": {"type": "string", "enum": list(MASKS)}, "argument": _TEXT},
        },
    },
    "obligations": {"type": "array", "maxItems": 20, "items": {"type": "string", "minLength": 1, "maxLength": 500}},
    "plan": _TEXT,
    "volume": {"type": "integer", "minimum": 1, "maximum": 10**12, "description": "Calls a day."},
    "valid_from": _TIME,
    "valid_to": _TIME,
}
_PURPOSE: Mapping[str, Any] = {
    "title": {"type": "string", "maxLength": LONGEST_TITLE},
    "text": {"type": "string", "maxLength": LONGEST_TEXT},
    "dpv": {"type": "string", "description": "A purpose of the Data Privacy Vocabulary, such as dpv:PublicBenefit."},
    "legal_basis": {"type": "string", "description": "Art. 6 GDPR, such as eu-gdpr:A6-1-e."},
    "special_basis": {"type": "string", "description": "Art. 9(2) GDPR, such as eu-gdpr:A9-2-j."},
    "personal": {"type": "boolean", "description": "Whether personal data is asked for."},
    "answers": {
        "type": "object",
        "additionalProperties": False,
        "properties": {item.id: {"type": "string", "description": item.text} for item in QUESTIONS},
    },
    "retention": {"type": "string", "description": "How long what is read is kept, ISO 8601."},
    "recipients": {"type": "array", "maxItems": 50, "items": _TEXT},
}
_REVISION: Mapping[str, Any] = {
    "type": "integer",
    "minimum": 0,
    "description": "The one that was looked at; 409 when it has changed.",
}
_DECISION = {"why": _WHY, "revision": _REVISION, "behalf": {"type": "string", "description": "Whom one stands in for."}}
_ASKING = {"why": _WHY, "revision": _REVISION}
_SIDE = {"side": {"type": "string", "enum": list(FLAGS)}}
ACTIONS: Mapping[str, tuple[str, Mapping[str, Any], tuple[str, ...], str]] = {
    "edit": ("Change a request before it is sent", {**_TERMS, "purpose": _TEXT, "revision": _REVISION}, (), "200"),
    "submit": ("Send a request", _ASKING, (), "200"),
    "discard": ("Give a request up that was not sent", _ASKING, (), "200"),
    "withdraw": ("Take a request back", _ASKING, (), "200"),
    "approve": ("Grant what was asked, or less", {**_TERMS, **_DECISION}, (), "200"),
    "reject": ("Say no", _DECISION, ("why",), "200"),
    "return": ("Send a request back for corrections", _DECISION, ("why",), "200"),
    "suspend": ("Stop reading for a while", {**_DECISION, **_SIDE}, ("why",), "200"),
    "resume": ("Lift one's own suspension", {**_DECISION, **_SIDE}, (), "200"),
    "revoke": ("End it for good", _DECISION, ("why",), "200"),
    "renew": ("Ask for the same for longer", {"valid_to": _TIME, "why": _WHY}, ("valid_to",), "201"),
    "change": ("Ask for something else", {**_TERMS, "purpose": _TEXT, "why": _WHY}, (), "201"),
    "upgrade": ("Ask for the same under the contract in force", {"why": _WHY}, (), "201"),
}
"""Action -> (what it is for, fields, those that must be there, status of the answer)."""


def paths() -> dict[str, Any]:
    """Agreements, purposes, standing in, offers."""
    item, dataset = _path("agreement", "The agreement's id."), _path("dataset", "The dataset's id.")
    purpose, standing_in = _path("purpose", "The purpose's id."), _path("delegation", "The delegation's id.")
    at, one = "/api/v1/agreements", "/api/v1/agreements/{agreement}"
    sides = {"type": "string", "enum": ["consumer", "owner", "inbox"]}
    asked = {
        "dataset": _TEXT, "organisation": _TEXT, "application": _TEXT, "follows": _TEXT, "send": {"type": "boolean"},
        "purpose": {"anyOf": [_TEXT, {"type": "object", "additionalProperties": False, "properties": dict(_PURPOSE)}]},
        "why": _WHY, **_TERMS,
    }  # fmt: skip
    deputy = {"to": _TEXT, "organisation": _TEXT, "since": _TIME, "until": _TIME}
    out: dict[str, Any] = {
        at: {
            "get": _read("Agreements one may see", "listAgreements", [
                _query("side", "The side one is on; inbox: what waits for one's decision.", sides),
                _query("state", f"States, with commas between: {', '.join(STATES)}.", _TEXT),
                _query("dataset", "The dataset's id.", _TEXT),
                _query("limit", "Items of one page.", {"type": "integer", "minimum": 1, "maximum": 500}),
                _query("cursor", "The ``next`` of the page before.", _TEXT),
            ]),
            "post": _write("Write a request down, or send it", "askForAgreement", [], asked, "201",
                           ("dataset", "purpose", "columns", "volume", "valid_to")),
        },
        f"{at}/decisions": {
            "post": _write("One decision about several", "decideAgreements", [], {
                "agreements": {"type": "array", "maxItems": 200, "items": _TEXT},
                "action": {"type": "string", "enum": ["approve", "reject", "return", "suspend", "resume", "revoke"]},
                "why": _WHY, "behalf": _TEXT,
            }, "200", ("agreements", "action")),
        },
        one: {"get": _read("One agreement: asked, granted, what can be done", "agreement", [item])},
        f"{one}/history": {"get": _read("Every step of it", "agreementHistory", [item])},
        f"{one}/odrl": {"get": _read("The agreement in ODRL 2.2", "agreementOdrl", [item], "application/ld+json")},
        **{
            f"{one}/{action}": {"post": _write(words, f"{action}Agreement", [item], fields, status, required)}
            for action, (words, fields, required, status) in ACTIONS.items()
        },
        "/api/v1/purposes": {
            "get": _read("The purposes of one's organisation", "listPurposes",
                         [_query("organisation", "Another one of one's own.", _TEXT)], by=PERSON),
            "post": _write("Write a purpose down", "writePurpose", [],
                           {**_PURPOSE, "organisation": _TEXT, "follows": _TEXT}, "201"),
        },
        "/api/v1/purposes/{purpose}": {
            "get": _read("One purpose", "purpose", [purpose], by=PERSON),
            "put": _write("Correct a purpose that no request names", "editPurpose", [purpose], _PURPOSE, "200"),
        },
        "/api/v1/delegations": {
            "get": _read("For whom one stands in, and who for oneself", "listDelegations", [], by=PERSON),
            "post": _write("Let somebody stand in", "standIn", [], deputy, "201", tuple(deputy)),
        },
        "/api/v1/delegations/{delegation}": {"delete": _end("End it", "endDelegation", [standing_in])},
        "/api/v1/products/{dataset}/offer": {
            "get": _read("What the owner offers, in ODRL 2.2", "offer", [dataset], "application/ld+json"),
            "put": _write("Suspend or deprecate a product, or offer it again", "decideOffer", [dataset], {
                "state": {"type": "string", "enum": ["", "suspended", "deprecated"]}, "why": _WHY, "until": _TIME,
            }, "200", ("state",)),
        },
    }  # fmt: skip
    return out


_REFUSED = {
    "400": {"$ref": "#/components/responses/Bad"},
    "401": {"$ref": "#/components/responses/Unknown"},
    "403": {"$ref": "#/components/responses/Refused"},
    "404": {"$ref": "#/components/responses/Missing"},
}


def _read(
    summary: str, operation: str, given: list[dict[str, Any]], media: str = "application/json", by: Any = SECURITY
) -> dict[str, Any]:
    body = {media: {"schema": {"$ref": "#/components/schemas/Object"}}}
    return {
        "summary": summary,
        "operationId": operation,
        "parameters": given,
        "security": by,
        "responses": {"200": {"description": "The answer.", "content": body}} | _REFUSED,
    }


def _write(
    summary: str, operation: str, given: list[dict[str, Any]], fields: Mapping[str, Any], status: str,
    required: tuple[str, ...] = (),
) -> dict[str, Any]:  # fmt: skip
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
        "responses": {"204": {"description": "It is over."}} | _REFUSED,
    }


def _query(name: str, about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": dict(schema)}


def _path(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string"}}
