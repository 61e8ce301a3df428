"""``/sitemap.xml`` (sitemaps.org 0.9; an index above 45,000 pages) and ``/robots.txt``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from urllib.parse import quote
from xml.sax.saxutils import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from arengo.catalogue import Catalogue
from arengo.errors import UnknownDataset
from arengo.faces.site import Site, headers_of, matches, unchanged

SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
MOST = 45_000
"""Datasets of one part; with the pages before them it stays under the 50,000 the format allows."""
FIXED = (
    "/", "/datasets", "/organisations", "/dashboards", "/charts", "/reuses", "/wishes", "/usage",
    "/quality-of-metadata", "/about", "/words", "/accessibility",
)  # fmt: skip


def routes(site: Site) -> list[BaseRoute]:
    async def sitemap(request: Request) -> Response:
        return await run_in_threadpool(_sitemap, site, request, 0)

    async def part(request: Request) -> Response:
        return await run_in_threadpool(_sitemap, site, request, int(request.path_params["number"]))

    async def robots(request: Request) -> Response:
        base = site.absolute(request)
        return PlainTextResponse(
            "User-agent: *\nDisallow: /operator\nDisallow: /desk\nDisallow: /preferences\n"
            "Disallow: /login\nDisallow: /account\nDisallow: /people\nDisallow: /invitation\n"
            "Disallow: /track\nDisallow: /*?*ask=\n"
            f"Sitemap: {base}/sitemap.xml\n",
            headers={"Cache-Control": "public, max-age=3600"},
        )

    reading = ["GET", "HEAD"]
    return [
        Route("/sitemap.xml", sitemap, methods=reading),
        Route("/sitemap-{number:int}.xml", part, methods=reading),
        Route("/robots.txt", robots, methods=reading),
    ]


def _sitemap(site: Site, request: Request, number: int) -> Response:
    base = site.absolute(request)
    total = site.catalogue.count()
    parts = -(-total // MOST)
    etag = f'"{blake2b(repr((base, number, site.catalogue.generation, total)).encode(), digest_size=16).hexdigest()}"'
    headers = headers_of(etag)
    if matches(request, etag):
        return unchanged(headers)
    if number > max(1, parts):
        raise UnknownDataset("The sitemap has no such part.")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    if parts > 1 and number == 0:
        named = (f"<sitemap><loc>{escape(base)}/sitemap-{part}.xml</loc></sitemap>" for part in range(1, parts + 1))
        text = f'{head}<sitemapindex xmlns="{SPACE}">\n' + "\n".join(named) + "\n</sitemapindex>\n"
    else:
        text = f'{head}<urlset xmlns="{SPACE}">\n' + "\n".join(_pages(site.catalogue, base, number)) + "\n</urlset>\n"
    return Response(text.encode(), 200, headers, "application/xml; charset=utf-8")


def _pages(catalogue: Catalogue, base: str, number: int) -> Iterator[str]:
    """The addresses of a part: in the first the fixed pages, themes, offices and series, then the datasets by id."""
    after = ""
    if number <= 1:
        yield from (_page(base + path) for path in FIXED)
        yield from (_page(f"{base}/themes/{code}") for code in catalogue.themes())
        yield from (_page(f"{base}/organisations/{quote(agent.id, safe='')}") for agent, _ in catalogue.organisations())
        yield from (_page(f"{base}/series/{quote(made.id)}", made.modified) for made, _ in catalogue.series())
    else:
        start = (number - 1) * MOST
        after = next(islice(catalogue.ids(), start - 1, start), "\uffff")
    for record in catalogue.records(after=after, limit=MOST):
        yield _page(f"{base}/datasets/{quote(record.id)}", record.modified)


def _page(address: str, modified: datetime | None = None) -> str:
    day = f"<lastmod>{modified.date().isoformat()}</lastmod>" if modified else ""
    return f"<url><loc>{escape(address)}</loc>{day}</url>"
