"""The same rows for programs: addresses, a console that asks them, examples with this dataset's own columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.responses import Response

from arengo.contract.model import EMPTY, Kind
from arengo.faces.site import public_address
from arengo.portal.dossier import Dossier
from arengo.portal.visit import Visit

ENVIRONMENT = "ARENGO_KEY"
"""Where examples take the key from."""


@dataclass(frozen=True, slots=True)
class Door:
    """One standard that gives this dataset. ``address``: path on this site; ``who``: programs that speak it."""

    name: str
    address: str
    who: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the console. ``value``: what it begins with; ``known``: values that may be chosen."""

    name: str
    label: str
    value: str
    known: tuple[str, ...] = ()


def api(visit: Visit, more: Mapping[str, Any] = EMPTY) -> Response:
    """``/datasets/{id}/api``: the addresses, and examples with this dataset's own columns. ``more``: other values."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    known = visit.unchanged(*d.mark, public_address(visit.settings, visit.request), more)
    if known:
        return known
    base = public_address(visit.settings, visit.request)
    root = f"/api/v1/datasets/{d.id}"
    asked = _asked(d)
    _ = visit._
    addresses = [(_("the first hundred rows"), f"{root}/rows?limit=100")]
    if asked["filter"]:
        addresses.append((_("some rows and columns"), f"{root}/rows?{asked['filter']}"))
    if asked["group"]:
        addresses.append((_("counts by group"), f"{root}/rows?{asked['group']}"))
    if d.view.geometry is not None and d.profile.get("bbox"):
        box = ",".join(f"{part:.4f}" for part in d.profile["bbox"])
        addresses.append((_("places in a box, as GeoJSON"), f"{root}/rows?f=geojson&bbox={box}"))
    addresses += [
        (_("all rows as a file"), f"{root}/export.csv"),
        (
            _("how it was on a day"),
            f"{root}/rows?as_of={d.version.published_at.date().isoformat() if d.version else ''}",
        ),
        (_("what every version held"), f"{root}/versions"),
        (_("the contract"), f"{root}/contract"),
    ]
    query = asked["filter"] or "limit=100"
    return visit.page(
        "api.html",
        {
            "d": d,
            "tab": "api",
            "tab_title": visit._("For programs"),
            "addresses": addresses,
            "examples": examples(base, root, query, form_of((item.name, item.kind) for item in d.heads)),
            "doors": doors(visit, d.id),
            "fields": _fields(d, dict(parse_qsl(asked["filter"]))),
            "rows": f"{root}/rows",
            **more,
        },
    )


def _asked(d: Dossier) -> dict[str, str]:
    """Parameters that mean something for this dataset, with values that occur in it."""
    columns = d.profile.get("columns", {})
    select = [item.name for item in d.heads if item.kind is not Kind.GEOMETRY][:4]
    condition: dict[str, str] = {}
    group = ""
    for item in d.heads:
        found = columns.get(item.name, {})
        top = found.get("top") or []
        if item.kind is Kind.STRING and top and 2 <= int(found.get("distinct") or 0) <= 60:
            condition = {item.name: str(top[0]["value"])}
            group = item.name
            break
    order = next((item.name for item in d.heads if item.numeric or item.kind in (Kind.DATE, Kind.TIMESTAMP)), "")
    asked: dict[str, Any] = {"select": ",".join(dict.fromkeys([*select, *condition])), **condition}
    if order:
        asked["order_by"] = f"-{order}"
    asked["limit"] = 100
    return {
        "filter": urlencode(asked, safe=",-") if len(asked) > 2 else "",
        "group": urlencode({"group_by": group, "aggregate": "count"}) if group else "",
    }


def examples(base: str, root: str, query: str, frame: str, *, key: bool = False) -> list[tuple[str, str]]:
    """(language, code) of one question. ``frame``: types of the columns, by :func:`form_of`.

    ``key``: whether a key is shown; it is taken from the environment, so that none stands in code.
    """
    pairs = parse_qsl(query)
    python = ",\n".join(f"    {name!r}: {value!r}" for name, value in pairs)
    r = ",\n".join(f"  {_r_name(name)} = {_quoted(value)}" for name, value in pairs)
    script = ",\n".join(f"  {_quoted(name)}: {_quoted(value)}" for name, value in pairs)
    data = "\n".join(f"  --data-urlencode {_shell(f'{name}={value}')} \\" for name, value in pairs).rstrip(" \\")
    bearer = f'  --header "Authorization: Bearer ${ENVIRONMENT}" \\\n' if key else ""
    shown = f'key = {{"Authorization": "Bearer " + os.environ["{ENVIRONMENT}"]}}\n' if key else ""
    whole = base + root + "/export.parquet"
    return [
        ("curl", f"curl --get '{base}{root}/rows' \\\n{bearer}{data}"),
        (
            "Python",
            ("import os\n\n" if key else "")
            + "import pandas as pd\nimport requests\n\n"
            + shown
            + f"answer = requests.get({base + root + '/rows'!r}, params={{\n{python},\n}}"
            + (", headers=key)\n" if key else ")\n")
            + 'answer.raise_for_status()\nrows = pd.DataFrame(answer.json()["items"])\n\n'
            f"# {'everything at once'}\nwhole = pd.read_parquet({whole!r}{', storage_options=key' if key else ''})",
        ),
        (
            "R",
            "library(httr2)\n\n"
            f"answer <- request({_quoted(base + root + '/rows')}) |>\n"
            + (f'  req_auth_bearer_token(Sys.getenv("{ENVIRONMENT}")) |>\n' if key else "")
            + "  req_url_query(\n"
            + "\n".join("  " + line for line in r.splitlines())
            + "\n  ) |>\n  req_perform() |>\n  resp_body_json(simplifyVector = TRUE)\nrows <- answer$items",
        ),
        (
            "Node" if key else "JavaScript",
            f"const asked = new URLSearchParams({{\n{script},\n}});\n"
            f"const answer = await fetch({_quoted(base + root + '/rows?')} + asked"
            + (f", {{\n  headers: {{ Authorization: `Bearer ${{process.env.{ENVIRONMENT}}}` }},\n}}" if key else "")
            + ");\nconst { items } = await answer.json();",
        ),
        ("Excel (Power Query)", _power_query(base, root, query, frame, key=key)),
    ]


def token_example(base: str) -> str:
    """How a program gets a short-lived token, and shows it."""
    return (
        'curl --user "$CLIENT_ID:$CLIENT_SECRET" \\\n'
        f"  --data grant_type=client_credentials \\\n  '{base}/oauth/token'\n"
        '# {"access_token": "…", "token_type": "Bearer", "expires_in": 600, "scope": "read"}'
    )


def form_of(columns: Iterable[tuple[str, Kind]]) -> str:
    """Types of the columns as Power Query's M names them."""
    types = {
        Kind.INTEGER: "Int64.Type", Kind.NUMBER: "type number", Kind.BOOLEAN: "type logical", Kind.DATE: "type date",
        Kind.TIMESTAMP: "type datetimezone", Kind.TIME: "type time",
    }  # fmt: skip
    return json.dumps({name: types.get(kind, "type text") for name, kind in columns})


def _power_query(base: str, root: str, query: str, frame: str, *, key: bool = False) -> str:
    """What goes into Data, Get data, Blank query, Advanced editor: M, the language of Power Query."""
    pairs = dict(parse_qsl(query))
    types: dict[str, str] = json.loads(frame)
    names = [name for name in pairs.get("select", "").split(",") if name in types] or list(types)
    address = f"{base}{root}/rows?{urlencode({**pairs, 'f': 'csv'}, safe=',-')}"
    typed = ",\n".join(f"        {{{_m(name)}, {types[name]}}}" for name in names)
    headers = ', [Headers=[#"X-API-Key"=Key]]' if key else ""
    return (
        "let\n"
        f"    Address = {_m(address)},\n"
        + ('    Key = Excel.CurrentWorkbook(){[Name="Key"]}[Content]{0}[Column1],\n' if key else "")
        + f"    Answer = Web.Contents(Address{headers}),\n"
        '    Source = Csv.Document(Answer, [Delimiter=",", Encoding=65001, QuoteStyle=QuoteStyle.Csv]),\n'
        "    Rows = Table.PromoteHeaders(Source, [PromoteAllScalars=true]),\n"
        f'    Typed = Table.TransformColumnTypes(Rows, {{\n{typed}\n    }}, "en-US")\n'
        "in\n    Typed"
    )


def _m(text: str) -> str:
    """A text of M: a quotation mark is doubled, and #( would begin a mark of its own."""
    return '"' + text.replace("#(", "#(#)(").replace('"', '""') + '"'


def doors(visit: Visit, dataset: str) -> list[Door]:
    """Every standard that gives this dataset, with the address to begin at."""
    _, name = visit._, quote(dataset)
    return [
        Door("REST", f"/api/v1/datasets/{name}/openapi.json", _("any language; described by OpenAPI 3.1")),
        Door(
            "SQL",
            f"/sql?{urlencode({'q': f'SELECT * FROM {_sql(dataset)} LIMIT 100'})}",
            _("questions over several tables at once"),
        ),
        Door("CKAN", f"/api/3/action/package_show?id={name}", "ckanapi, ckanr, QGIS, frictionless"),
        Door("DCAT-AP", f"/datasets/{name}.ttl", _("catalogues that collect, such as data.europa.eu")),
        *(
            [Door("Iceberg REST", f"/iceberg/v1/namespaces/arengo/tables/{name}", "pyiceberg, DuckDB")]
            if visit.door.grants_whole(dataset)
            else []
        ),
        Door("MCP", "/mcp", _("assistants")),
        Door("Atom", f"/feeds/datasets/{name}.atom", _("feed readers: new versions")),
        Door("Atom", f"/feeds/datasets/{name}/changes.atom", _("feed readers: changed rows")),
        Door("schema.org, Croissant", f"/datasets/{name}/croissant.json", _("search engines and machine learning")),
    ]


def _sql(name: str) -> str:
    return name if name.isidentifier() else '"' + name.replace('"', '""') + '"'


def _fields(d: Dossier, asked: dict[str, str]) -> list[Field]:
    """What the console asks, beginning with something this dataset can answer."""
    _ = d.visit._
    names = {item.name for item in d.heads}
    condition = next(
        (f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in asked.items() if name in names), ""
    )
    return [
        Field("filter", _("Filter (CQL2)"), condition),
        Field("select", _("Columns"), asked.get("select", "")),
        Field("group_by", _("Group by"), ""),
        Field("aggregate", _("Aggregate"), ""),
        Field("order_by", _("Order"), asked.get("order_by", "")),
        Field("as_of", _("As of"), ""),
        Field("limit", _("Rows"), "10"),
        Field(
            "f",
            _("Format"),
            "json",
            ("json", "csv", "ndjson", "geojson") if d.view.geometry else ("json", "csv", "ndjson"),
        ),
    ]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _r_name(name: str) -> str:
    return name if name.isidentifier() and not name.startswith("_") else f"`{name}`"
