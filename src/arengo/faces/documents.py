"""Documents: the original file of each, ``/api/v1/datasets/{id}/documents/{document}``; pages are rows.

A file that somebody else wrote is never shown as a page of this site: only PDF and plain text open in the browser,
in a sandbox without script; everything else is a download.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from arengo.faces.site import Site, headers_of, matches, parameters, unchanged

MEDIA = {
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
SHOWN = (".pdf", ".txt", ".md")
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'; sandbox"


def routes(site: Site) -> list[BaseRoute]:
    async def original(request: Request) -> Response:
        """The original file of a document (ranges, ETag); ``as_of`` for an earlier version."""
        given = parameters(request, ("as_of", "download"))
        caller = site.caller(request)
        names = request.path_params
        found = await run_in_threadpool(
            site.door.original, names["dataset"], names["document"], given.get("as_of", ""), caller
        )
        etag = f'"{found.checksum}"'
        headers = headers_of(etag, found.version.published_at)
        suffix = found.path.suffix
        name = PurePosixPath(found.name).name
        plain = "".join(mark if mark.isascii() and (mark.isalnum() or mark in "._- ") else "_" for mark in name)
        way = "inline" if suffix in SHOWN and not given.get("download") else "attachment"
        headers["Content-Disposition"] = f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Arengo-Version"] = str(found.version.number)
        if suffix != ".pdf":  # browsers' own PDF viewers do not start in a sandbox
            headers["Content-Security-Policy"] = SANDBOX
        if matches(request, etag):
            return unchanged(headers)
        return FileResponse(found.path, headers=headers, media_type=MEDIA.get(suffix, "application/octet-stream"))

    endpoint: Any = original
    return [Route("/api/v1/datasets/{dataset}/documents/{document}", endpoint, methods=["GET", "HEAD"])]
