"""Files the pages need: style sheets, scripts, typefaces, the city's colour and mark. All from this host."""

from __future__ import annotations

import os
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from arengo.portal import colour
from arengo.portal.site import HERE
from arengo.settings import Settings

FOR_EVER = "public, max-age=31536000, immutable"


class Files(StaticFiles):
    """Static files; those asked for with a version in the address are kept for ever."""

    async def get_response(self, path: str, scope: Any) -> Response:
        answer = await super().get_response(path, scope)
        versioned = b"v=" in scope.get("query_string", b"") or "/vendor/" in f"/{path}"
        answer.headers["Cache-Control"] = FOR_EVER if versioned else "no-cache"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        if path.endswith(".mjs"):
            answer.headers["Content-Type"] = "text/javascript; charset=utf-8"
        return answer


def routes(settings: Settings) -> list[BaseRoute]:
    """Raises SettingsError for an accent colour that cannot be read."""
    colour.check(settings.city.accent, str(settings.root / "city.toml"))
    style = colour.sheet(settings.city.accent)
    mark = _mark(settings)

    async def city(request: Request) -> Response:
        return Response(
            style, media_type="text/css", headers={"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
        )

    async def icon(request: Request) -> Response:
        return Response(mark, media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})

    static = os.fspath(HERE / "static")
    return [
        Route("/city.css", city),
        Route("/mark.svg", icon),
        Route("/favicon.ico", icon),
        Mount("/static", Files(directory=static), name="static"),
    ]


def _mark(settings: Settings) -> str:
    """The assembly's seats in the city's colour, as the icon of the tab."""
    outer = [(3, 24), (6.2, 13.8), (13, 6.2), (22, 3.4), (31, 6.2), (37.8, 13.8), (41, 24)]
    inner = [(13, 24), (16.2, 17.2), (22, 14.2), (27.8, 17.2), (31, 24)]
    dots = "".join(f'<circle cx="{x}" cy="{y + 8}" r="3"/>' for x, y in outer)
    dots += "".join(f'<circle cx="{x}" cy="{y + 8}" r="2.4"/>' for x, y in inner)
    fill = colour.nearest(settings.city.accent)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 46 46" fill="{fill}">{dots}</svg>'
