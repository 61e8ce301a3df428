"""``/mcp``: one POST a message (MCP 2025-11-25 and 2026-07-28, *Transports*, *Streamable HTTP*).

Nothing is kept between requests, so any worker answers any of them; a stream that waits for messages of the city (GET)
is not offered, since the city sends none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute, Route

from arengo.faces.site import Site

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

PATH = "/mcp"
BODY_LIMIT = 200_000
"""Bytes of one message; the largest honest one is a question in SQL."""


def routes(site: Site) -> list[BaseRoute]:
    return [Route(PATH, _Endpoint(site), methods=["POST"])]


class _Endpoint:
    """ASGI application of one path."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._server: Server[Any] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
        from mcp.server.transport_security import TransportSecuritySettings

        if self._server is None:
            from starlette.concurrency import run_in_threadpool

            self._server = await run_in_threadpool(_build, self._site)
        # A manager lives as long as its request: its tasks end with it, whatever the client does. Host and Origin are
        # not judged: the same rows go to every web page by every other face, without a cookie or a key to steal.
        manager = StreamableHTTPSessionManager(
            self._server,
            json_response=True,
            stateless=True,
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=BODY_LIMIT,
        )
        async with manager.run():
            await manager.handle_request(scope, receive, send)


def _build(site: Site) -> Server[Any]:
    from arengo.faces.mcp.server import build

    return build(site)
