"""Files the pages need: style sheets, scripts, typefaces, the city's colours and mark. All from this host."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from arengo.errors import ArengoError
from arengo.portal import look
from arengo.portal.drawing import Studio
from arengo.portal.rendering import HERE
from arengo.settings import Settings

FOR_EVER = "public, max-age=31536000, immutable"
DAY = "public, max-age=86400"
TEXTS = (".css", ".js", ".mjs", ".svg", ".json")
SEATS = [(3, 24), (6.2, 13.8), (13, 6.2), (22, 3.4), (31, 6.2), (37.8, 13.8), (41, 24)]
INNER = [(13, 24), (16.2, 17.2), (22, 14.2), (27.8, 17.2), (31, 24)]


class Files(StaticFiles):
    """Static files; those asked for with a version in the address are kept for ever. Texts come packed."""

    async def get_response(self, path: str, scope: Any) -> Response:
        answer = await super().get_response(path, scope)
        versioned = b"v=" in scope.get("query_string", b"") or "/vendor/" in f"/{path}"
        answer.headers["Cache-Control"] = FOR_EVER if versioned else "no-cache"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        if path.endswith(".mjs"):
            answer.headers["Content-Type"] = "text/javascript; charset=utf-8"
        if not path.endswith(TEXTS):
            return answer
        answer.headers["Vary"] = "Accept-Encoding"
        asks = Headers(scope=scope)
        if not isinstance(answer, FileResponse) or "range" in asks or "gzip" not in asks.get("accept-encoding", ""):
            return answer
        body = await run_in_threadpool(_packed, os.fspath(answer.path), answer.headers["last-modified"])
        headers = {name: value for name, value in answer.headers.items() if name not in ("content-length", "etag")}
        # Weak: packed and plain are the same file, not the same bytes.
        return Response(body, headers=headers | {"Content-Encoding": "gzip", "ETag": f"W/{answer.headers['etag']}"})


@lru_cache(maxsize=256)
def _packed(path: str, changed: str) -> bytes:
    """A text, packed once as small as it gets."""
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)


def routes(settings: Settings, studio: Studio) -> list[BaseRoute]:
    """Raises SettingsError for colours, a logo or typefaces that cannot be shown."""
    held = look.read(settings)
    drawn = mark(held.accent)
    static = os.fspath(HERE / "static")
    return [
        Route("/city.css", _given(held.style.encode(), "text/css", FOR_EVER)),
        Route("/mark.svg", _given(drawn.encode(), "image/svg+xml", DAY)),
        Route("/favicon.ico", _icon(studio, held, 48, icon)),
        Route("/apple-touch-icon.png", _icon(studio, held, 180, bytes)),
        *([Route("/look/logo", _given(held.logo, held.logo_type, FOR_EVER))] if held.logo else []),
        *(
            Route(f"/look/{name}", _given(face.body, look.MEDIA[face.form], FOR_EVER))
            for name, face in held.faces.items()
        ),
        Mount("/static", Files(directory=static), name="static"),
    ]


def _given(body: bytes, media: str, kept: str) -> Callable[[Request], Any]:
    headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
    # A drawing opened by itself may ask nobody for anything and run nothing.
    headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

    async def answer(request: Request) -> Response:
        return Response(body, media_type=media, headers=headers)

    return answer


def _icon(studio: Studio, held: look.Look, size: int, packed: Callable[[bytes], bytes]) -> Callable[[Request], Any]:
    """The mark as a picture, for programs that know no SVG; the drawing when it cannot be made."""

    def answer(request: Request) -> Response:
        svg = mark(held.accent, held.paper, size)
        headers = {"Cache-Control": DAY, "X-Content-Type-Options": "nosniff"}
        try:
            body = packed(studio.picture(svg, 1, "look"))
        except ArengoError:
            return Response(svg, media_type="image/svg+xml", headers=headers)
        return Response(body, media_type="image/png" if packed is bytes else "image/x-icon", headers=headers)

    return answer


def mark(fill: str, ground: str = "", size: int = 0) -> str:
    """The assembly's seats in the city's colour."""
    square = f' width="{size}" height="{size}"' if size else ""
    under = f'<rect x="-8" y="-8" width="60" height="60" fill="{ground}"/>' if ground else ""
    box = "-8 -8 60 60" if ground else "-1 -1 46 46"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"{square} fill="{fill}">{under}{seats()}</svg>'


def seats() -> str:
    dots = "".join(f'<circle cx="{x}" cy="{y + 8}" r="3"/>' for x, y in SEATS)
    return dots + "".join(f'<circle cx="{x}" cy="{y + 8}" r="2.4"/>' for x, y in INNER)


def icon(png: bytes) -> bytes:
    """An icon file that holds one picture."""
    width, height = struct.unpack(">II", png[16:24])
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, width % 256, height % 256, 0, 0, 1, 32, len(png), 22) + png
