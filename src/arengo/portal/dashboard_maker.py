"""Arranging a dashboard in the browser: charts are added by address or name and moved with buttons."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from starlette.responses import RedirectResponse, Response

from arengo.errors import BadQuery, CallerError, DashboardError, NotAllowed
from arengo.portal import dashboards, gallery
from arengo.portal.charts.design import ASIDE, FIELDS, read, ready
from arengo.portal.dashboard import ID
from arengo.portal.dashboard import read as read_text
from arengo.portal.dossier import Dossier
from arengo.portal.form import Form
from arengo.portal.operator import is_operator
from arengo.portal.visit import Visit

MOST = 24
ACROSS = ("1", "2", "3")


def page(visit: Visit) -> Response:
    """``/dashboards/new?title=&summary=&across=2&item=...``; ``do`` and ``add`` change the list and are taken away."""
    problems: list[str] = []
    items = visit.request.query_params.getlist("item")[:MOST]
    added = visit.param("add") or visit.param("kept")
    if visit.param("do") or added:
        items = _moved(items, visit.param("do"))
        if added:
            try:
                items.append(_item(visit, added))
            except CallerError as error:
                problems.append(f"{error.met} {error.todo}".strip())
        if not problems:
            return RedirectResponse(_address(visit, items), 303, {"Cache-Control": "no-store"})
    operator = is_operator(visit)
    charts = gallery.every(visit)
    text, board = "", None
    if items:
        try:
            text = _yaml(visit, items)
            board = read_text("new", text)
        except (CallerError, DashboardError) as error:
            problems.append(f"{error.met} {error.todo}".strip())
    values: dict[str, Any] = {
        "items": [(item, _said(visit, item)) for item in items],
        "title": visit.param("title"),
        "summary": visit.param("summary"),
        "across": visit.param("across") if visit.param("across") in ACROSS else "2",
        "charts": charts,
        "problems": problems,
        "operator": operator,
        "yaml": text,
        "query": urlencode(_state(visit, items)),
        "board": board,
        "rows": dashboards.shown(visit, board)["rows"] if board else [],
    }
    answer = visit.page("dashboard_new.html", values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def source(visit: Visit) -> Response:
    """``/dashboards/new.yaml``: the file for the folder of the city."""
    items = visit.request.query_params.getlist("item")[:MOST]
    if not items:
        raise BadQuery("Nothing was added yet.", todo="Add a chart first.")
    return dashboards.yaml_file(visit, gallery.slug(visit.param("title") or "dashboard", set()), _yaml(visit, items))


def keep(visit: Visit, form: Form) -> Response:
    """``POST /dashboards/new`` by the operator."""
    if not is_operator(visit):
        raise NotAllowed("Only the operator keeps dashboards.", todo="Sign in with the city's key first.")
    text = form.one("yaml")
    title = read_text("new", text).title
    taken = {item.id for item in dashboards.every(visit)}
    name = gallery.slug(title, taken)
    visit.site.state.save(dashboards.KIND, name, title, {"yaml": text}, datetime.now(UTC))
    return RedirectResponse(f"/dashboards/{name}", 303)


def drop(visit: Visit, form: Form) -> Response:
    """``POST /dashboards/{id}`` by the operator: drop a kept one; a file is dropped from the folder by its owner."""
    if not is_operator(visit):
        raise NotAllowed("Only the operator drops dashboards.", todo="Sign in with the city's key first.")
    visit.site.state.forget(dashboards.KIND, visit.request.path_params["dashboard"])
    return RedirectResponse("/dashboards", 303)


def _moved(items: list[str], wish: str) -> list[str]:
    """``up:2``, ``down:0``, ``out:1``: the item at that place, moved."""
    what, _mark, at = wish.partition(":")
    if not at.isdigit() or int(at) >= len(items):
        return items
    place = int(at)
    out = list(items)
    item = out.pop(place)
    if what == "up":
        out.insert(max(0, place - 1), item)
    elif what == "down":
        out.insert(place + 1, item)
    elif what != "out":
        out.insert(place, item)
    return out


def _item(visit: Visit, text: str) -> str:
    """What stands in the address for a chart: ``kept`` name, or the path of a builder page. Raises BadQuery."""
    if ID.fullmatch(text):
        return gallery.find(visit, text).id
    parts = urlsplit(text[:8000])
    steps = [unquote(step) for step in parts.path.strip("/").split("/")]
    if len(steps) == 2 and steps[0] == "charts":
        return gallery.find(visit, steps[1]).id
    if len(steps) == 2 and steps == ["embed", "chart"]:
        asked = dict(parse_qsl(parts.query))
        steps = ["datasets", asked.get("dataset", ""), "chart"]
    if len(steps) != 3 or steps[0] != "datasets" or steps[2] != "chart":
        raise BadQuery("This is no address of a chart here.", todo="Copy it from the chart builder.")
    d = Dossier(visit, steps[1])
    design = read(d, parse_qsl(parts.query))
    if not ready(d, design):
        raise BadQuery("This address names no whole chart.", todo="Finish it in the chart builder.")
    return f"/datasets/{d.id}/chart?{urlencode(design.pairs())}"


def _said(visit: Visit, item: str) -> str:
    """An item in words."""
    from arengo.portal.charts import words

    try:
        if ID.fullmatch(item):
            return gallery.find(visit, item).title
        parts = urlsplit(item)
        d = Dossier(visit, unquote(parts.path.split("/")[2]))
        return f"{words.title(d, read(d, parse_qsl(parts.query)))}, {d.title}"
    except (CallerError, IndexError):
        return item[:120]


def _state(visit: Visit, items: list[str]) -> list[tuple[str, str]]:
    kept = [(name, visit.param(name)) for name in ("title", "summary", "across") if visit.param(name)]
    return [*kept, *(("item", item) for item in items)]


def _address(visit: Visit, items: list[str]) -> str:
    return f"/dashboards/new?{urlencode(_state(visit, items))}#items"


def _yaml(visit: Visit, items: list[str]) -> str:
    """The dashboard as its file."""
    import yaml

    blocks: list[dict[str, Any]] = []
    for item in items:
        checked = _item(visit, item)
        if ID.fullmatch(checked):
            blocks.append({"chart": checked})
            continue
        parts = urlsplit(checked)
        given: dict[str, Any] = {"dataset": unquote(parts.path.split("/")[2])}
        where: dict[str, str] = {}
        for name, value in parse_qsl(parts.query):
            if name in ASIDE:
                continue
            if name in FIELDS:
                given[name] = int(value) if FIELDS[name].kind == "number" else value
            else:
                where[name] = value
        if where:
            given["where"] = where
        blocks.append({"chart": given})
    across = int(visit.param("across")) if visit.param("across") in ACROSS else 2
    rows = [blocks[at : at + across] for at in range(0, len(blocks), across)]
    body: dict[str, Any] = {"title": visit.param("title")[:200] or visit._("New dashboard")}
    if visit.param("summary"):
        body["summary"] = visit.param("summary")[:600]
    body["rows"] = rows
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110))
