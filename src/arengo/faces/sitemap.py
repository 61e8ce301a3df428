"""``/sitemap.xml`` (sitemaps.org 0.9; an index above 45,000 pages) and ``/robots.txt``."""

from __future__ import annotations

from hashlib import blake2b
from itertools import islice
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from arengo.errors import UnknownDataset
from arengo.faces.site import Site, headers_of, matches, unchanged

SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
MOST = 45_000
FIXED = ("/", "/datasets", "/organisations", "/reuses", "/wishes", "/about", "/accessibility")


def routes(site: Site) -> list[BaseRoute]:
    async def sitemap(request: Request) -> Response:
        return await run_in_threadpool(_sitemap, site, request, 0)

    async def part(request: Request) -> Response:
        return await run_in_threadpool(_sitemap, site, request, int(request.path_params["number"]))

    async def robots(request: Request) -> Response:
        base = site.absolute(request)
        return PlainTextResponse(
            "User-agent: *\nDisallow: /operator\nDisallow: /desk\nDisallow: /preferences\n"
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
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    if parts > 1 and number == 0:
        lines.append(f'<sitemapindex xmlns="{SPACE}">')
        lines += [f"<sitemap><loc>{escape(base)}/sitemap-{item}.xml</loc></sitemap>" for item in range(1, parts + 1)]
        lines.append("</sitemapindex>")
    else:
        lines.append(f'<urlset xmlns="{SPACE}">')
        if number <= 1:
            lines += [f"<url><loc>{escape(base + page)}</loc></url>" for page in FIXED]
        start = max(0, number - 1) * MOST
        records: Any = islice(site.catalogue.records(), start, start + MOST)
        for record in records:
            day = f"<lastmod>{record.modified.date().isoformat()}</lastmod>" if record.modified else ""
            lines.append(f"<url><loc>{escape(base)}/datasets/{quote(record.id)}</loc>{day}</url>")
        lines.append("</urlset>")
    return Response("\n".join(lines).encode(), 200, headers, "application/xml; charset=utf-8")
