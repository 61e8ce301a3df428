"""The chart builder: pictures to choose from, a form whose whole state is the address, and the files to take along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from arengo.contract.model import Kind
from arengo.errors import ArengoError, BadQuery, CallerError
from arengo.faces.site import public_address
from arengo.portal.cells import Head
from arengo.portal.charts import picture as pictures
from arengo.portal.charts import words
from arengo.portal.charts.design import (
    DIMENSIONS,
    FIELDS,
    FUNCTIONS,
    KINDS,
    NUMBERS,
    PALETTES,
    SORTS,
    STACKS,
    TIMES,
    Design,
    read,
    ready,
)
from arengo.portal.charts.picture import MIDDLE, NARROW, WIDE, Picture
from arengo.portal.charts.plot import Chart
from arengo.portal.charts.portable import portable
from arengo.portal.charts.proposal import proposals
from arengo.portal.charts.sheet import Sheet, around
from arengo.portal.dossier import Dossier
from arengo.portal.operator import is_operator
from arengo.portal.visit import HEADERS, Visit
from arengo.query.model import BUCKETS

FILE = 700  # pixels of a drawing in a file, without its margins
DEFAULTS = {"sort": "-value", "palette": "city", "series": "4", "stack": "stacked"}
"""What a form says when nobody chose; left out of addresses."""
LEAST, MOST = 320, 1400  # of the width a file may be asked in


@dataclass(frozen=True, slots=True)
class Take:
    """The ways to take a chart along: addresses and the lines to paste."""

    page: str
    svg: str
    png: str
    png2: str
    csv: str
    vega: str
    vega_url: str
    embed: str
    snippet: str
    fixed: bool


def page(visit: Visit) -> Response:
    """``/datasets/{id}/chart``: what fits, or with ``kind`` the chart and its form."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    short = _shortened(visit, d)
    if short:
        return RedirectResponse(short, 303, {"Cache-Control": "no-store"})
    operator = is_operator(visit, d.id)
    known = visit.unchanged(*d.mark, operator, _districts(d))
    if known:
        return known
    problems: list[str] = []
    design = read(d, visit.request.query_params.multi_items(), problems)
    values: dict[str, Any] = {"d": d, "tab": "charts", "tab_title": visit._("Make a chart"), "design": design}
    if not design.kind:
        values["proposals"] = _proposals(d, design)
        values["problems"] = problems
        return visit.page("builder_choice.html", values)
    made, chart = None, None
    if ready(d, design):
        try:
            made = pictures.make(d, design)
            chart = finish(d, made, level=2)
        except CallerError as error:
            problems.append(f"{error.met} {error.todo}".strip())
    values |= {
        "problems": problems,
        "made": made,
        "chart": chart,
        "form": form(d, design),
        "take": take(d, design, made) if made else None,
        "operator": operator,
        "all_kinds": _kinds(visit, d, design),
    }
    return visit.page("builder.html", values, 200 if made or not problems else 400)


def _shortened(visit: Visit, d: Dossier) -> str:
    """The same address without what says nothing, and with a filter that was added in the form; '' when it is so."""
    pairs = visit.request.query_params.multi_items()
    added, text = visit.param("add"), visit.param("is")
    said = [(name, value) for name, value in pairs if value.strip() and DEFAULTS.get(name) != value]
    if said == pairs and not added:
        return ""
    kept = [(name, value) for name, value in said if name not in ("add", "is")]
    if added in d.view.scope.fields and text:
        kept = [(name, value) for name, value in kept if name != f"f.{added}"] + [(f"f.{added}", text)]
    return f"{quote(visit.request.url.path)}{f'?{urlencode(kept)}' if kept else ''}"


def _districts(d: Dossier) -> str:
    """Changes when another dataset's areas do, which proposals look at."""
    from arengo.portal.charts.maps import district_sets

    return ",".join(d.visit.door.view(dataset).identity for dataset, _title in district_sets(d)[:6])


def _proposals(d: Dossier, asked: Design) -> list[dict[str, Any]]:
    """Each chart that fits, drawn small. A filter that was brought along is kept."""
    out = []
    for item in proposals(d):
        design = item.design.but(
            where=asked.where, filter=asked.filter, search=asked.search, datetime=asked.datetime, bbox=asked.bbox,
            expr=asked.expr,
        )  # fmt: skip
        try:
            made = pictures.make(d, design)
        except ArengoError:
            continue
        if made.empty:
            continue
        svg = pictures.drawing(d, made, NARROW)
        out.append({"name": item.name, "title": made.title, "svg": svg, "href": address(d, design), "sub": made.sub})
    return out


def address(d: Dossier, design: Design, name: str = "chart", **more: Any) -> str:
    """The address of a design on this site: its page, or the file ``chart.svg`` and so on."""
    pairs = [*design.pairs(), *((key, str(value)) for key, value in more.items() if value)]
    if d.visit.as_of and "as_of" not in more:
        pairs.append(("as_of", d.visit.as_of))
    return f"/datasets/{quote(d.id, safe='')}/{name}?{urlencode(pairs)}"


def finish(d: Dossier, made: Picture, level: int = 2, width: int = WIDE, link: str = "") -> dict[str, Any]:
    """The picture as the template wants it: both drawings, words, table, foot."""
    wide, narrow = pictures.drawing(d, made, width), pictures.drawing(d, made, NARROW)
    chart = Chart(
        made.title, made.sub, wide, narrow, made.heads, made.rows, d.source, d.version_words, "",
        open=not wide and not made.empty, link=link,
    )  # fmt: skip
    return {"c": chart, "told": made.told, "note": made.note, "level": level, "empty": made.empty, "dataset": d}


# The form


@dataclass(frozen=True, slots=True)
class Choice:
    """One select of the form."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: str
    hint: str = ""


def _kinds(visit: Visit, d: Dossier, design: Design) -> list[dict[str, Any]]:
    _ = visit._
    names = {
        "bar": _("Bars"),
        "line": _("Lines"),
        "area": _("Areas"),
        "scatter": _("Scatter plot"),
        "histogram": _("Histogram"),
        "heat": _("Heat map"),
        "map": _("Map"),
    }
    return [{"id": kind, "name": names[kind], "on": kind == design.kind} for kind in KINDS]


def form(d: Dossier, design: Design) -> dict[str, Any]:
    """What may be chosen for this kind of chart, in the reader's words."""
    _ = d.visit._
    heads = [head for head in d.heads if _drawable(d, head)]
    numbers = [head for head in heads if head.kind in NUMBERS]
    amounts = [head for head in numbers if head.numeric] or numbers
    dimensions = [head for head in heads if head.kind is not Kind.NUMBER]
    nothing = ("", _("none"))
    kind = design.kind
    measures = [("", _("number of rows")), *_options(amounts)]
    along = {
        "scatter": [*amounts, *(head for head in heads if head.kind in TIMES)],
        "histogram": amounts,
    }.get(kind, dimensions)
    main: list[Choice] = []
    x_label = {"scatter": _("Horizontal axis"), "histogram": _("Number"), "bar": _("Bars for"),
               "map": _("Areas named by"), "heat": _("Columns")}.get(kind, _("Horizontal axis"))  # fmt: skip
    first = [nothing] if kind == "map" else [] if design.x else [("", _("choose"))]
    main.append(Choice("x", x_label, (*first, *_options(along)), design.x))
    if design.x and d.head(design.x).kind in TIMES and kind != "scatter":
        main.append(_calendar(d, "bucket", _("In steps of"), design.x, design.bucket))
    if kind == "map":
        from arengo.portal.charts.maps import district_sets

        main.append(Choice("places", _("Areas from"), (nothing, *district_sets(d)), design.places))
    if kind == "heat":
        main.append(Choice("by", _("Rows"), tuple(_options(dimensions)), design.by))
        if design.by and d.head(design.by).kind in TIMES:
            main.append(_calendar(d, "by_bucket", _("Rows in steps of"), design.by, design.by_bucket))
    if kind == "scatter":
        main.append(Choice("y", _("Vertical axis"), tuple(_options(amounts)), design.y))
    elif kind != "histogram":
        main.append(Choice("y", _("What is measured"), tuple(measures), design.y))
        if design.y:
            main.append(Choice("of", _("Summed up as"), tuple(_functions(d)), design.function))
    split: list[Choice] = []
    few = [head for head in dimensions if head.name != design.x and _few(d, head)]
    if kind in ("bar", "line", "area", "scatter") or (kind == "map" and not design.x):
        split.append(Choice("by", _("Colours"), (nothing, *_options(few)), design.by))
        if design.by:
            split.append(
                Choice("series", _("Most colours"), tuple((str(n), str(n)) for n in range(1, 7)),
                       str(design.series or 4), _("the rest is drawn as others"))
            )  # fmt: skip
        if design.by and kind in ("bar", "area"):
            stacks = {"stacked": _("on top of each other"), "grouped": _("side by side"), "share": _("as shares")}
            shown = STACKS if kind == "bar" else ("stacked", "share")
            split.append(Choice("stack", _("Colours stand"), tuple((n, stacks[n]) for n in shown), design.stack))
    if kind in ("bar", "line", "area"):
        split.append(Choice("facet", _("Small multiples"), (nothing, *_options(few)), design.facet))
    order: list[Choice] = []
    if kind in ("bar", "heat") and design.x and d.head(design.x).kind not in TIMES:
        sorts = {"-value": _("largest first"), "value": _("smallest first"), "name": _("by name"),
                 "-name": _("by name, backwards")}  # fmt: skip
        order.append(Choice("sort", _("Order"), tuple((n, sorts[n]) for n in SORTS), design.sort or "-value"))
    palettes = {"city": _("the city's"), "blue": _("blue first"), "green": _("green first"),
                "ochre": _("ochre first"), "violet": _("violet first")}  # fmt: skip
    return {
        "main": main,
        "split": split,
        "order": order,
        "top": kind in ("bar", "heat", "map") and bool(design.x) and d.head(design.x).kind not in TIMES,
        "bins": kind == "histogram",
        "palette": Choice("palette", _("Colours"), tuple((n, palettes[n]) for n in PALETTES), design.palette or "city"),
        "filters": [(name, value, _filter_label(d, name)) for name, value in design.where],
        "columns": _options(heads),
        "rules": FIELDS,
        "defaults": DEFAULTS,
        "titles": {"title": words.title(d, design.but(title="")) if design.x and ready(d, design) else ""},
    }


def _filter_label(d: Dossier, name: str) -> str:
    column = name.removeprefix("f.").partition("__")[0]
    return d.head(column).label if column in d.view.scope.fields else column


def _options(heads: Sequence[Head]) -> list[tuple[str, str]]:
    labels = [head.label for head in heads]
    return [
        (head.name, f"{head.label} ({head.name})" if labels.count(head.label) > 1 else head.label) for head in heads
    ]


def _drawable(d: Dossier, head: Head) -> bool:
    item = d.contract.column(head.name)
    personal = item is not None and (item.privacy_role == "identifier" or bool(item.custom.get("arengoPersonalKind")))
    return head.kind in DIMENSIONS and not personal


def _few(d: Dossier, head: Head) -> bool:
    distinct = int(d.profile.get("columns", {}).get(head.name, {}).get("distinct") or 0)
    return head.kind in (Kind.STRING, Kind.BOOLEAN, Kind.INTEGER) and 1 < distinct <= 500


def _functions(d: Dossier) -> list[tuple[str, str]]:
    _ = d.visit._
    said = {"count": _("number of rows"), "sum": _("sum"), "avg": _("average"), "median": _("median"),
            "min": _("lowest"), "max": _("highest")}  # fmt: skip
    return [(name, said[name]) for name in FUNCTIONS]


def _calendar(d: Dossier, name: str, label: str, column: str, chosen: str) -> Choice:
    from arengo.portal.charts.material import unit_of

    units = [unit for unit in BUCKETS if d.head(column).kind is Kind.TIMESTAMP or not unit.startswith("hour")]
    options = tuple((unit, words.unit_word(d.speech, unit)) for unit in units)
    return Choice(name, label, options, unit_of(d, column, chosen))


# Files


def take(d: Dossier, design: Design, made: Picture) -> Take:
    """Every way out of the page with this chart, whole addresses in what is pasted elsewhere."""
    base = public_address(d.visit.settings, d.visit.request)
    pairs = [("dataset", d.id), *design.pairs(), ("lang", d.visit.language)]
    if d.visit.as_of:
        pairs.append(("as_of", d.visit.as_of))
    embed = f"{base}/embed/chart?{urlencode(pairs)}"
    return Take(
        base + address(d, design),
        address(d, design, "chart.svg", lang=d.visit.language),
        address(d, design, "chart.png", lang=d.visit.language),
        address(d, design, "chart.png", lang=d.visit.language, scale=2),
        address(d, design, "chart.csv"),
        address(d, design, "chart.vl.json", lang=d.visit.language),
        address(d, design, "chart.vl.json", lang=d.visit.language, data="url"),
        embed,
        snippet(embed, made.title, tall(made)),
        bool(d.visit.as_of),
    )


def snippet(embed: str, title: str, height: int) -> str:
    """The line a journalist pastes: an iframe with a name, loaded when it comes into sight."""
    return str(
        Markup('<iframe src="{}" title="{}" width="100%" height="{}" loading="lazy" frameborder="0"></iframe>').format(
            embed, title, height
        )
    )


def tall(made: Picture) -> int:
    """A height in which the whole chart fits on a page of common width."""
    spec = made.spec(MIDDLE)
    drawn = spec.get("height") or spec.get("spec", {}).get("height", 200)
    if "facet" in spec:
        drawn = (drawn + 60) * -(-len(made.material.panels) // int(spec["columns"]))
    return min(1400, int(drawn) + 270)


def _asked(visit: Visit) -> tuple[Dossier, Design]:
    """The dataset and the design of a file; anything that does not fit is an error here."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    design = read(d, visit.request.query_params.multi_items())
    if not ready(d, design):
        raise BadQuery("This address names no whole chart.", todo="Make one in the chart builder.")
    return d, design


def _headers(visit: Visit, d: Dossier, ending: str, *, attached: bool = False) -> dict[str, str]:
    how = "attachment" if attached else "inline"
    return {
        **HEADERS,
        "ETag": visit._tag,
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Arengo-Version": str(d.shown.number),
        "Content-Disposition": f'{how}; filename="{d.id}-v{d.shown.number}-chart.{ending}"',
    }


def _sheet(visit: Visit, d: Dossier, made: Picture) -> str:
    width = int(visit.param("width")) if visit.param("width").isdigit() else FILE
    width = min(MOST, max(LEAST, width))
    source = visit._("Source: %(source)s", source=d.source)
    foot = [f"{source}, {d.title}", d.version_words]
    if d.licence:
        foot.append(d.licence)
    spec = made.spec(width)
    svg = visit.site.studio.draw(spec, d.speech.vega(), f"{d.id}/{d.shown.number}")
    notes = [made.note] if made.note else []
    return around(
        svg,
        Sheet(made.title, made.sub, made.told, notes, foot, visit.language, d.speech.direction == "rtl",
              visit.settings.city.accent),
        width,
    )  # fmt: skip


def svg(visit: Visit) -> Response:
    """``/datasets/{id}/chart.svg``: title, drawing, source and version in one file."""
    d, design = _asked(visit)
    known = visit.unchanged(*d.mark, pictures.identity(d, design))
    if known:
        return known
    text = _sheet(visit, d, pictures.make(d, design))
    return Response(text, media_type="image/svg+xml", headers=_headers(visit, d, "svg", attached=True))


def png(visit: Visit) -> Response:
    """``/datasets/{id}/chart.png?scale=2``."""
    d, design = _asked(visit)
    known = visit.unchanged(*d.mark, pictures.identity(d, design))
    if known:
        return known
    scale = visit.param("scale") or "1"
    if scale not in ("1", "2"):
        raise BadQuery("scale is 1 or 2.")
    text = _sheet(visit, d, pictures.make(d, design))
    body = visit.site.studio.picture(text, int(scale), f"{d.id}/{d.shown.number}")
    return Response(body, media_type="image/png", headers=_headers(visit, d, "png"))


def csv(visit: Visit) -> Response:
    """``/datasets/{id}/chart.csv``: the numbers that are drawn, as the rows API names and writes them."""
    d, design = _asked(visit)
    known = visit.unchanged(*d.mark, pictures.identity(d, design))
    if known:
        return known
    body = pictures.as_csv(pictures.make(d, design))
    return Response(body, media_type="text/csv; charset=utf-8", headers=_headers(visit, d, "csv", attached=True))


def vega(visit: Visit) -> Response:
    """``/datasets/{id}/chart.vl.json``: Vega-Lite with its data, or with ``data=url`` the address of them."""
    d, design = _asked(visit)
    known = visit.unchanged(*d.mark, pictures.identity(d, design))
    if known:
        return known
    made = pictures.make(d, design)
    x, y = words.axes(d, design) if design.x else ("", "")
    url = ""
    if visit.param("data") == "url":
        url = public_address(visit.settings, visit.request) + address(d, design, "chart.csv")
    foot = f"{visit._('Source: %(source)s', source=d.source)}, {d.title}, {d.version_words}"
    spec = portable(made, x, y, foot, visit.settings.city.accent, url)
    body = orjson.dumps(spec, option=orjson.OPT_INDENT_2, default=str)
    return Response(body, media_type="application/json", headers=_headers(visit, d, "vl.json", attached=True))
