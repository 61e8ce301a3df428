"""How to take the data: files for people, addresses and examples for programs."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from arengo.contract.model import Kind
from arengo.portal.dossier import Dossier
from arengo.portal.site import Visit


def downloads(visit: Visit) -> Response:
    """``/datasets/{id}/downloads``."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    sizes = {ext: _built(d, ext) for ext, *_rest in _formats(d)}
    known = visit.unchanged(*d.mark, sizes)
    if known:
        return known
    tail = f"?as_of={d.version.number}" if visit.as_of and d.version else ""
    formats = [
        {
            "name": name,
            "words": words,
            "href": f"/api/v1/datasets/{d.id}/export.{ext}{tail}",
            "size": visit.speech.size(size) if (size := sizes[ext]) else visit._("made when asked"),
        }
        for ext, name, words in _formats(d)
    ]
    return visit.page(
        "downloads.html", {"d": d, "tab": "downloads", "tab_title": visit._("Download"), "formats": formats}
    )


def _formats(d: Dossier) -> list[tuple[str, str, str]]:
    """(extension, name, good for), the most asked first."""
    _ = d.visit._
    plain = [
        ("csv", "CSV", _("every program; text, one line a row")),
        ("xlsx", "Excel (XLSX)", _("spreadsheets, up to 1,048,575 rows")),
        ("parquet", "Parquet", _("analysis of large data: small, typed, quick")),
        ("ndjson", "JSON (NDJSON)", _("programs; one object a line")),
        ("arrow", "Arrow IPC", _("programs that share memory: Python, R, DuckDB")),
    ]
    if d.view.geometry is None:
        return plain
    places = [
        ("geojson", "GeoJSON", _("maps on the web")),
        ("gpkg", "GeoPackage", _("geographic programs such as QGIS")),
        ("geoparquet", "GeoParquet", _("large geographic analysis")),
    ]
    return [*plain[:2], *places, *plain[2:]]


def _built(d: Dossier, ext: str) -> int:
    """Bytes of the file when it is already there."""
    try:
        path = d.visit.door.artefact(d.view, f"export.{ext}")
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def api(visit: Visit) -> Response:
    """``/datasets/{id}/api``: the addresses, and examples with this dataset's own columns."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    known = visit.unchanged(*d.mark, str(visit.request.base_url))
    if known:
        return known
    base = visit.settings.city.url.rstrip("/") or str(visit.request.base_url).rstrip("/")
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
            "examples": _examples(base, root, query),
        },
    )


def _asked(d: Dossier) -> dict[str, str]:
    """Parameters that mean something for this dataset, with values that occur in it."""
    from urllib.parse import urlencode

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


def _examples(base: str, root: str, query: str) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    pairs = parse_qsl(query)
    python = ",\n".join(f"    {name!r}: {value!r}" for name, value in pairs)
    r = ",\n".join(f"  {_r_name(name)} = {_quoted(value)}" for name, value in pairs)
    script = ",\n".join(f"  {_quoted(name)}: {_quoted(value)}" for name, value in pairs)
    data = "\n".join(f"  --data-urlencode {_shell(f'{name}={value}')} \\" for name, value in pairs).rstrip(" \\")
    return [
        ("curl", f"curl --get '{base}{root}/rows' \\\n{data}"),
        (
            "Python",
            "import pandas as pd\nimport requests\n\n"
            f"answer = requests.get({base + root + '/rows'!r}, params={{\n{python},\n}})\nanswer.raise_for_status()\n"
            'rows = pd.DataFrame(answer.json()["items"])\n\n'
            f"# {'everything at once'}\nwhole = pd.read_parquet({base + root + '/export.parquet'!r})",
        ),
        (
            "R",
            "library(httr2)\n\n"
            f"answer <- request({_quoted(base + root + '/rows')}) |>\n  req_url_query(\n"
            + "\n".join("  " + line for line in r.splitlines())
            + "\n  ) |>\n  req_perform() |>\n  resp_body_json(simplifyVector = TRUE)\nrows <- answer$items",
        ),
        (
            "JavaScript",
            f"const asked = new URLSearchParams({{\n{script},\n}});\n"
            f"const answer = await fetch({_quoted(base + root + '/rows?')} + asked);\n"
            "const { items } = await answer.json();",
        ),
    ]


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _r_name(name: str) -> str:
    return name if name.isidentifier() and not name.startswith("_") else f"`{name}`"
