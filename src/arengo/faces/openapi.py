"""The API's description (OpenAPI 3.1), made from the contracts in force and the query model.

``/api/v1/openapi.json`` describes every path once; ``/api/v1/datasets/{id}/openapi.json`` describes one dataset with
its own columns as parameters and row schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from arengo import __version__
from arengo.contract.model import Kind
from arengo.contract.plainsql import LENGTH
from arengo.door import View
from arengo.faces import agreement_forms, census, ledger, page, storefront
from arengo.faces.export import FORMATS
from arengo.faces.problem import MEDIA as PROBLEM
from arengo.faces.site import Site, json_kind, parameters, public_address, segment, send_json
from arengo.query import BUCKETS, FUNCTIONS, OPERATORS
from arengo.query.notation import MAX_VALUE, MAX_WORDS

MEDIA = "application/vnd.oai.openapi+json;version=3.1"
_JSON = {"type": ["object"]}
_AS_OF = "A version (3 or v3), a date (the end of that day, UTC) or a time; the newest when left out."
_WORDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "select": ("Columns to show, with commas between them.", {"type": "string"}, "id"),
    "filter": (
        f"CQL2 (OGC 21-065r2). Operators: {', '.join(OPERATORS)}.",
        {"type": "string", "maxLength": MAX_VALUE},
        "",
    ),
    "filter-lang": ("Language of filter.", {"type": "string", "enum": ["cql2-text", "cql2-json"]}, ""),
    "group_by": (
        f"Columns to group by; a calendar unit after a colon: {', '.join(BUCKETS)}. Times are UTC.",
        {"type": "string"},
        "",
    ),
    "aggregate": (
        f"What to compute of each group, as function:column. {', '.join(FUNCTIONS)}.",
        {"type": "string"},
        "",
    ),
    "order_by": (
        "Columns to order by, a minus in front for descending. Unknown values come last.",
        {"type": "string"},
        "",
    ),
    "limit": ("Rows of one page.", {"type": "integer", "minimum": 1, "default": 100}, ""),
    "cursor": ("Where the last page ended: its ``next``.", {"type": "string"}, ""),
    "bbox": ("xmin,ymin,xmax,ymax in degrees (WGS 84).", {"type": "string"}, ""),
    "datetime": (
        "An instant, a date or start/end with .. for open ends, on the dataset's time column.",
        {"type": "string"},
        "",
    ),
    "as_of": (_AS_OF, {"type": "string"}, ""),
    "search": ("Words that must all occur in the text columns.", {"type": "string", "maxLength": MAX_WORDS}, ""),
    "count": ("Whether the number of matches is wanted.", {"type": "boolean", "default": False}, ""),
    "f": ("Form of the answer; wins over Accept.", {"type": "string", "enum": list(page.FORMS)}, ""),
}


def routes(site: Site) -> list[BaseRoute]:
    def whole(request: Request) -> Response:
        parameters(request, ())
        return send_json(request, document(site, request), media=MEDIA)

    def one(request: Request) -> Response:
        given = parameters(request, ("as_of",))
        dataset = request.path_params["dataset"]
        view = site.door.view(dataset, given.get("as_of", ""), site.caller(request))
        return send_json(request, describe(site, request, view), media=MEDIA)

    methods = ["GET", "HEAD"]
    return [
        Route("/api/v1/openapi.json", whole, methods=methods),
        Route("/api/v1/datasets/{dataset}/openapi.json", one, methods=methods),
    ]


def _frame(site: Site, request: Request, title: str, about: str) -> dict[str, Any]:
    contact = site.settings.city.contact
    info: dict[str, Any] = {"title": title, "version": __version__, "description": about}
    if contact:
        info["contact"] = {"name": site.settings.city.name, "email": contact}
    responses = _RESPONSES | storefront.responses(_PROBLEM)
    out: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": site.base(request) or "/"}],
        "components": {"schemas": dict(_SCHEMAS), "parameters": {}, "responses": responses},
        "paths": {},
    }
    if site.callers is not None:  # otherwise nobody has a key
        out["components"]["securitySchemes"] = storefront.schemes(public_address(site.settings, request))
        out["security"] = storefront.SECURITY
    return out


def document(site: Site, request: Request) -> dict[str, Any]:
    """Every path, with ``{dataset}`` as a parameter."""
    out = _frame(
        site,
        request,
        f"Open data of {site.settings.city.name}",
        "Datasets, their rows, their versions and their files. No key is needed for open data. Every answer has an "
        "ETag; every read can be asked as of a time.",
    )
    ids = [entry.id for entry in site.catalogue.entries(limit=None).items]
    name = _path("dataset", "The dataset's id.", {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"})
    if ids:
        name["example"] = ids[0]
    out["paths"] = {
        "/api/v1": _get("Where everything is", "root", "Root", []),
        "/api/v1/datasets": _get(
            "The datasets, by title",
            "listDatasets",
            "Listing",
            [
                _limit(1000),
                _query("cursor", "The ``next`` of the page before.", {"type": "string"}),
                _query(
                    "q",
                    "Words that must all occur in title, description, tags or columns.",
                    {"type": "string", "maxLength": MAX_WORDS},
                ),
                _query("theme", "EU data theme code, such as ENVI.", {"type": "string"}),
            ],
        ),
    }
    out["paths"].update(_dataset_paths("/api/v1/datasets/{dataset}", [name], "", None, site.settings.serve.max_rows))
    out["paths"].update(_sql_paths(site.settings.sql.max_rows))
    if site.callers is not None:
        out["paths"].update(storefront.paths())
        out["paths"].update(agreement_forms.paths())
        out["paths"].update(ledger.paths())
        out["paths"].update(census.paths())
    out["paths"]["/healthz"] = _get("Whether the server is well", "health", "Object", [])
    return out


def describe(site: Site, request: Request, view: View) -> dict[str, Any]:
    """One dataset: its columns as plain filters, its row as a schema."""
    contract = view.contract
    out = _frame(site, request, contract.title(), contract.summary() or contract.title())
    out["components"]["schemas"]["Row"] = row_schema(view)
    out["components"]["schemas"]["Rows"] = _page_of({"$ref": "#/components/schemas/Row"})
    base = f"/api/v1/datasets/{segment(view.dataset)}"
    out["paths"] = _dataset_paths(base, [], f" of {contract.title()}", view, site.settings.serve.max_rows)
    return out


def row_schema(view: View) -> dict[str, Any]:
    """JSON schema of a row as the rows API writes it."""
    columns: dict[str, Any] = {}
    for item in view.columns:
        shape = json_kind(item.kind)
        if not item.required and "type" in shape:
            shape["type"] = [shape["type"], "null"]
        shape["title"] = item.title
        if item.declared and item.declared.description:
            shape["description"] = item.declared.description
        if item.unit:
            shape["x-unit"] = item.unit
        if item.declared and item.declared.examples and item.kind in (Kind.STRING, Kind.INTEGER, Kind.NUMBER):
            shape["examples"] = list(item.declared.examples)
        columns[item.name] = shape
    return {"type": "object", "properties": columns}


def _dataset_paths(
    at: str, path: list[dict[str, Any]], of: str, view: View | None, most: int
) -> dict[str, dict[str, Any]]:
    as_of = _query("as_of", _AS_OF, {"type": "string"})
    plain: list[dict[str, Any]] = []
    if view is not None:
        plain = [
            _query(item.name, f"Rows where {item.title} is this; repeated: one of them.", {"type": "string"})
            for item in view.columns
            if item.kind not in (Kind.GEOMETRY, Kind.JSON)
        ]
    ask = [_query(name, *_WORDS[name][:2]) for name in _WORDS]
    for item in ask:
        if item["name"] == "limit":
            item["schema"] = {"type": "integer", "minimum": 1, "maximum": most, "default": 100}
    narrow = [item for item in ask if item["name"] in ("filter", "filter-lang", "bbox", "datetime", "search", "as_of")]
    formats: dict[str, Any] = {item.media.split(";")[0]: {"schema": {}} for item in FORMATS.values()}
    rows_answer = {
        "200": {
            "description": "One page.",
            "headers": _HEADERS,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Rows"}},
                "application/geo+json": {"schema": _JSON},
                "application/vnd.arengo.arrays+json": {"schema": _JSON},
                "application/x-ndjson": {"schema": {}},
                "text/csv": {"schema": {"type": "string"}},
            },
        },
        **_ERRORS,
    }
    out: dict[str, dict[str, Any]] = {
        at: _get(f"What is known{of}", "dataset", "Dataset", [*path, as_of]),
        f"{at}/rows": {
            "get": {
                "summary": f"Rows or groups{of}",
                "operationId": "rows",
                "parameters": [*path, *ask, *plain],
                "responses": rows_answer,
            },
            "post": {
                "summary": f"Rows or groups{of}, the question in the body",
                "operationId": "askRows",
                "parameters": path,
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Question"}}},
                },
                "responses": {**rows_answer},
            },
        },
        f"{at}/facets": _get(
            f"The most frequent values of columns{of}",
            "facets",
            "Object",
            [
                *path,
                _query("columns", "Columns, with commas between them.", {"type": "string"}, required=True),
                _limit(1000, 10),
                *narrow,
                *plain,
            ],
        ),
        f"{at}/versions": _get(
            f"The versions{of}, newest first",
            "versions",
            "Listing",
            [*path, _limit(1000), _query("cursor", "The ``next`` of the page before.", {"type": "string"})],
        ),
        f"{at}/versions/{{number}}": _get(
            f"One version{of}",
            "version",
            "Object",
            [*path, _path("number", "A version's number, a date or a time.", {"type": "string"})],
        ),
        f"{at}/changes": _get(
            f"What changed between two versions{of}",
            "changes",
            "Listing",
            [
                *path,
                _query("from", "The older version; the one before ``to`` when left out.", {"type": "string"}),
                _query("to", "The newer version; the newest when left out.", {"type": "string"}),
                _limit(most),
                _query("cursor", "The ``next`` of the page before.", {"type": "string"}),
            ],
        ),
        f"{at}/history": _get(
            f"One row{of} through the versions",
            "history",
            "Listing",
            [
                *path,
                {
                    "name": "key",
                    "in": "query",
                    "required": True,
                    "description": "The row's primary key, once for each of its columns.",
                    "schema": {"type": "array", "items": {"type": "string"}},
                    "explode": True,
                },
            ],
        ),
        f"{at}/profile": _get(f"What the columns hold{of}", "profile", "Object", [*path, as_of]),
        f"{at}/quality": _get(f"Which quality rules held{of}", "quality", "Object", [*path, as_of]),
        f"{at}/contract": {
            "get": {
                "summary": f"The contract{of} (Open Data Contract Standard)",
                "operationId": "contract",
                "parameters": [*path, as_of],
                "responses": {
                    "200": {"description": "YAML", "content": {"application/yaml": {"schema": _JSON}}},
                    **_ERRORS,
                },
            }
        },
        f"{at}/export.{{format}}": {
            "get": {
                "summary": f"Everything{of} as a file",
                "operationId": "export",
                "parameters": [
                    *path,
                    _path("format", "The file's format.", {"type": "string", "enum": list(FORMATS)}),
                    as_of,
                    *[item for item in ask if item["name"] in ("select", "order_by")],
                    *[item for item in narrow if item["name"] != "as_of"],
                    _query("safe", "CSV: no text starts a formula in a spreadsheet.", {"type": "boolean"}),
                    _query("bom", "CSV: a UTF-8 mark in front, for Excel.", {"type": "boolean"}),
                    _query("delimiter", "CSV: between cells.", {"type": "string", "enum": [",", ";", "tab", "|"]}),
                ],
                "responses": {
                    "200": {"description": "The file.", "headers": _HEADERS, "content": formats},
                    "206": {"description": "A part of a built file."},
                    "416": {"description": "No such part."},
                    **_ERRORS,
                },
            }
        },
        f"{at}/documents/{{document}}": {
            "get": {
                "summary": f"The original file of a document{of}",
                "operationId": "document",
                "parameters": [
                    *path,
                    _path("document", "The document's id: column ``document`` of its pages.", {"type": "string"}),
                    as_of,
                    _query("download", "Whether it is saved, not shown.", {"type": "boolean"}),
                ],
                "responses": {
                    "200": {"description": "The file.", "headers": _HEADERS, "content": {"application/pdf": {}}},
                    "206": {"description": "A part of the file."},
                    **_ERRORS,
                },
            }
        },
        f"{at}/openapi.json": {
            "get": {
                "summary": f"This description{of}",
                "operationId": "openapi",
                "parameters": [*path, as_of],
                "responses": {
                    "200": {"description": "OpenAPI 3.1", "content": {MEDIA.split(";")[0]: {"schema": _JSON}}},
                    **_ERRORS,
                },
            }
        },
    }
    return out


def _sql_paths(most: int) -> dict[str, dict[str, Any]]:
    from arengo.door.sql.service import DIALECTS
    from arengo.faces import sql

    words = {
        "format": _query(
            "format", "Form of the answer; wins over Accept.", {"type": "string", "enum": list(sql.FORMS)}
        ),
        "as_of": _query("as_of", "The version of tables that name none with @.", {"type": "string"}),
        "limit": _query("limit", "Most rows.", {"type": "integer", "minimum": 0, "maximum": most, "default": most}),
        "dialect": _query("dialect", "How the text is read.", {"type": "string", "enum": list(DIALECTS)}),
        "id": _query("id", "A name to stop the question by.", {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"}),
        "safe": _query("safe", "CSV: no text starts a formula in a spreadsheet.", {"type": "boolean"}),
    }
    question = {"type": "string", "maxLength": LENGTH, "description": "One SELECT; tables are datasets by id."}
    body = {
        "type": "object",
        "required": ["q"],
        "properties": {
            "q": question,
            "params": {"type": ["object", "array"], "description": "Values for $name, or for ? in order."},
            **{name: item["schema"] for name, item in words.items()},
        },
    }
    answer = {
        "200": {
            "description": "The rows.",
            "headers": _HEADERS,
            "content": {media.split(";")[0]: {"schema": {}} for media in sql.FORMS.values()},
        },
        **_ERRORS,
        "409": {"$ref": "#/components/responses/Bad"},
    }
    asked = [
        _query("q", "One SELECT; tables are datasets by id. Values of $name are p.name=.", question, required=True)
    ]
    return {
        "/api/v1/sql": {
            "get": {
                "summary": "The answer to a question in SQL",
                "operationId": "sql",
                "parameters": [*asked, *words.values()],
                "responses": answer,
            },
            "post": {
                "summary": "The answer to a question in SQL, the question in the body",
                "operationId": "askSql",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": body},
                        "application/x-www-form-urlencoded": {"schema": body},
                        "text/plain": {"schema": question},
                    },
                },
                "responses": answer,
            },
        },
        "/api/v1/sql/tables": _get(
            "What may be asked in SQL: tables and their columns",
            "sqlTables",
            "Listing",
            [_limit(1000), _query("cursor", "The ``next`` of the page before.", {"type": "string"})],
        ),
        "/api/v1/sql/{id}": {
            "delete": {
                "summary": "Stop a question",
                "operationId": "stopSql",
                "parameters": [_path("id", "The id it was asked with.", {"type": "string"})],
                "responses": {"204": {"description": "It was stopped."}, **_ERRORS},
            }
        },
    }


def _get(summary: str, operation: str, schema: str, given: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "get": {
            "summary": summary,
            "operationId": operation,
            "parameters": given,
            "responses": {
                "200": {
                    "description": "The answer.",
                    "headers": _HEADERS,
                    "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
                },
                **_ERRORS,
            },
        }
    }


def _query(name: str, about: str, schema: Mapping[str, Any], required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "description": about, "schema": dict(schema)}


def _path(name: str, about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": about, "schema": dict(schema)}


def _limit(most: int, default: int = 100) -> dict[str, Any]:
    return _query("limit", "Items of one page.", {"type": "integer", "minimum": 1, "maximum": most, "default": default})


def _page_of(items: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": dict(items)},
            "next": {"type": ["string", "null"], "description": "Cursor of the following page."},
            "returned": {"type": "integer"},
            "matched": {"type": "integer", "description": "On all pages; only when count=true."},
            "dataset": {"type": "string"},
            "version": {"type": "integer"},
            "published_at": {"type": "string", "format": "date-time"},
        },
    }


_SCHEMAS: dict[str, Any] = {
    "Object": {"type": "object"},
    "Root": {"type": "object", "required": ["datasets", "openapi"]},
    "Dataset": {"type": "object", "required": ["id", "title"], "properties": {"id": {"type": "string"}}},
    "Listing": _page_of({"type": "object"}),
    "Rows": _page_of({"type": "object"}),
    "Question": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{name: {**shape, "description": about} for name, (about, shape, _) in _WORDS.items()},
            "select": {"type": ["string", "array"], "items": {"type": "string"}},
            "order_by": {"type": ["string", "array"], "items": {"type": "string"}},
            "group_by": {"type": ["string", "array"], "items": {"type": "string"}},
            "aggregate": {"type": ["string", "array"], "items": {"type": "string"}},
            "bbox": {"type": ["string", "array"], "items": {"type": "number"}},
            "filter": {"type": ["string", "object"], "description": "CQL2 text, or CQL2 JSON as it is."},
            "where": {"type": "object", "description": "Plain filters: a column and its value, or a list of values."},
        },
    },
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "todo": {"type": "string", "description": "What to do next."},
        },
    },
}
_HEADERS = {
    "ETag": {"schema": {"type": "string"}, "description": "Strong; send it back in If-None-Match."},
    **storefront.LIMITS,
}
_PROBLEM = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_RESPONSES = {
    "Bad": {"description": "The request cannot be answered.", "content": _PROBLEM},
    "Refused": {"description": "The policy says no; who decides is in it.", "content": _PROBLEM},
    "Missing": {"description": "There is no such dataset or version.", "content": _PROBLEM},
    "Form": {"description": "There is no such form.", "content": _PROBLEM},
    "Dear": {"description": "The answer costs more than one request may.", "content": _PROBLEM},
}
_ERRORS = {
    "304": {"description": "The caller has it already."},
    "400": {"$ref": "#/components/responses/Bad"},
    "401": {"$ref": "#/components/responses/Unknown"},
    "403": {"$ref": "#/components/responses/Refused"},
    "404": {"$ref": "#/components/responses/Missing"},
    "406": {"$ref": "#/components/responses/Form"},
    "429": {"$ref": "#/components/responses/Spent"},
    "503": {"$ref": "#/components/responses/Dear"},
}
