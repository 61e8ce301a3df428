"""Charts on other people's pages: the page inside a frame, and oEmbed (oembed.com) for editors that ask for it.

A frame page sets no cookie and reads none: its language and theme come from its address, then from the browser. Any
site may frame it; it holds no form and no script.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

import orjson
from starlette.requests import Request
from starlette.responses import Response

from arengo.errors import ArengoError, BadQuery, NotAcceptable, NotFound
from arengo.faces.site import public_address
from arengo.portal.charts import picture as pictures
from arengo.portal.charts.design import read, ready
from arengo.portal.dossier import Dossier
from arengo.portal.site import Site
from arengo.portal.visit import HEADERS, POLICY, Visit

FRAME = HEADERS | {
    "Content-Security-Policy": POLICY.replace("frame-ancestors 'none'", "frame-ancestors *").replace(
        "script-src 'self'; ", ""
    ),
    "Vary": "Accept-Language",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
LEAST, MOST = 240, 1600


def framed(site: Site, answer: Callable[[Visit], Response]) -> Callable[[Request], Response]:
    """An endpoint for a page inside a frame: as if the visitor had no cookies, and none set."""

    def endpoint(request: Request) -> Response:
        bare = dict(request.scope)
        bare["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"cookie"]
        visit = Visit(Request(bare), site.settings, site)
        try:
            made = answer(visit)
        except ArengoError as error:
            from arengo.portal.failure import page

            made = page(visit, error)
        for name, value in FRAME.items():
            if name != "Cache-Control" or made.status_code < 400:
                made.headers[name] = value
        return made

    endpoint.__name__ = answer.__name__
    return endpoint


def chart(visit: Visit) -> Response:
    """``/embed/chart?dataset=...&kind=...``: one chart with its words, source and table, and nothing around it."""
    from arengo.portal import builder

    d = Dossier(visit, visit.param("dataset") or "-")
    pairs = visit.request.query_params.multi_items()
    design = read(d, pairs)
    if not ready(d, design):
        raise BadQuery("This address names no whole chart.", todo="Make one in the chart builder.")
    known = visit.unchanged(*d.mark, pictures.identity(d, design))
    if known:
        return known
    made = pictures.make(d, design)
    values = {"p": builder.finish(d, made, level=1), "d": d, "href": builder.address(d, design), "title": made.title}
    return visit.page("embed_chart.html", values)


def kept(visit: Visit) -> Response:
    """``/embed/charts/{id}``: a chart the city keeps under a name, the newest form of it."""
    from arengo.portal import builder, gallery

    chart = gallery.find(visit, visit.request.path_params["chart"])
    d = Dossier(visit, chart.dataset)
    design = read(d, chart.pairs, [])
    known = visit.unchanged(*d.mark, pictures.identity(d, design), chart.stamp)
    if known:
        return known
    made = pictures.make(d, design)
    values = {"p": builder.finish(d, made, level=1), "d": d, "title": made.title, "href": f"/charts/{chart.id}"}
    return visit.page("embed_chart.html", values)


# oEmbed


def oembed(visit: Visit) -> Response:
    """``/oembed?url=...&maxwidth=&maxheight=&format=json|xml`` (oEmbed 1.0, sections 2.2 and 2.3, type ``rich``)."""
    form = visit.param("format") or "json"
    if form not in ("json", "xml"):
        raise NotAcceptable(f"oEmbed is given as json or xml, not {form[:40]!r}.")
    embed, title, height = _target(visit, visit.param("url"))
    width = _bounded(visit.param("maxwidth"), 720)
    height = min(height, _bounded(visit.param("maxheight"), MOST))
    from arengo.portal.builder import snippet

    html = snippet(embed, title, height).replace('width="100%"', f'width="{width}"')
    base = public_address(visit.settings, visit.request)
    body = {
        "version": "1.0",
        "type": "rich",
        "title": title,
        "provider_name": visit.settings.city.name,
        "provider_url": f"{base}/",
        "width": width,
        "height": height,
        "html": html,
    }
    known = visit.unchanged(body)
    if known:
        return known
    headers = {**HEADERS, "ETag": visit._tag, "Access-Control-Allow-Origin": "*"}
    if form == "json":
        return Response(orjson.dumps(body), media_type="application/json", headers=headers)
    parts = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in body.items())
    text = f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<oembed>{parts}</oembed>'
    return Response(text, media_type="text/xml; charset=utf-8", headers=headers)


def _bounded(text: str, default: int) -> int:
    return min(MOST, max(LEAST, int(text))) if text.isdigit() and len(text) < 6 else default


def _target(visit: Visit, url: str) -> tuple[str, str, int]:
    """The frame's address, title and height for a page of this site. Raises NotFound for any other address."""
    from arengo.portal import builder, dashboards, gallery

    parts = urlsplit(url[:8000])
    base = public_address(visit.settings, visit.request)
    own = {urlsplit(base).netloc, visit.request.headers.get("host", "")}
    nowhere = NotFound("There is no chart at this address.", todo="Give the address of a chart of this site.")
    if parts.scheme not in ("http", "https", "") or (parts.netloc and parts.netloc not in own):
        raise nowhere
    pairs = parse_qsl(parts.query)
    steps = [unquote(step) for step in parts.path.strip("/").split("/")]
    if len(steps) == 2 and steps[0] == "charts":
        chart = gallery.find(visit, steps[1])
        d = Dossier(visit, chart.dataset)
        made = pictures.make(d, read(d, chart.pairs, []))
        return f"{base}/embed/charts/{chart.id}", made.title, builder.tall(made)
    if len(steps) == 2 and steps[0] == "dashboards":
        board = dashboards.find(visit, steps[1])
        return f"{base}/embed/dashboards/{board.id}", board.title_in(visit.language), 900
    if len(steps) == 3 and steps[0] == "datasets" and steps[2] == "chart":
        pairs = [("dataset", steps[1]), *pairs]
    elif steps != ["embed", "chart"]:
        raise nowhere
    asked = dict(pairs)
    as_of = asked.get("as_of", "")
    inner = Visit(visit.request, visit.settings, visit.site)
    inner.as_of = as_of
    d = Dossier(inner, asked.get("dataset", "-"))
    design = read(d, pairs)
    if not ready(d, design):
        raise nowhere
    made = pictures.make(d, design)
    again = [("dataset", d.id), *design.pairs(), *([("as_of", as_of)] if as_of else [])]
    return f"{base}/embed/chart?{urlencode(again)}", made.title, builder.tall(made)
