"""The web application: faces and portal over one door, and the server that runs it.

``create()`` is the ASGI factory; the city folder comes from ``ARENGO_CITY``. Any ASGI server can run it.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any
from urllib.parse import quote, urlsplit

from arengo.errors import AddressTaken
from arengo.settings import Settings

THREADS = 8  # of one server process; more would only share the same engine's memory
SLASHED = ("/api/3/action/", "/api/action/")
"""Clients of CKAN post here with a last slash and follow no redirect."""
SERVED = "address"
"""The file beside the state that says where the city is served."""
KILL_TIMEOUT = 5  # seconds; granian's default is to wait for ever (reference/stack.md 4.3)


def create() -> Any:
    """Open the city of ``ARENGO_CITY`` and compose faces and portal into one ASGI application."""
    from starlette.applications import Starlette

    import arengo
    from arengo import caretaker, faces, portal
    from arengo.city import open_city
    from arengo.faces.callers import CityCallers, CityWatch

    if os.environ.get("ARENGO_LEAN"):  # set by serve(): this process is ours alone
        arengo.lean()
    # The first publication brings it in, in a thread of its own; until it is whole, every query of the others that
    # binds a list fails, since sqlalchemy asks the half of it that is there already.
    import_module("sqlalchemy.orm")
    city = open_city(os.environ.get("ARENGO_CITY", "."))
    callers, watch = CityCallers(city.access), CityWatch(city.access, city.door)
    api = faces.routes(city.door, city.catalogue, city.settings, callers, city.access)
    pages = portal.routes(city.door, city.catalogue, city.settings, city.state, city.lake.quarantine, city.access,
                          city.desk, lambda: city.erasure)  # fmt: skip
    inner = Starlette(routes=[*api, *pages], exception_handlers=faces.handlers(portal.error_page(city.settings)))
    inner.router.redirect_slashes = False  # it would repeat whatever Host the request claims; see _Entry
    inner.state.city = city
    caretaker.watch(city)
    return _Entry(faces.wrap(inner, city.door, city.catalogue, city.settings, watch))


class _Entry:
    """What every request passes first: a bounded number of worker threads, and addresses without a last slash."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.ready = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not self.ready:
            import anyio.to_thread

            anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
            self.ready = True
        path = scope.get("path", "/")
        if len(path) > 1 and path.endswith("/") and not path.startswith(SLASHED):
            query = scope.get("query_string", b"")
            place = (
                "/"
                + quote(path.strip("/"), safe="/:@!$&'()*+,;=-._~")
                + (f"?{query.decode('latin-1')}" if query else "")
            )
            headers = [(b"location", place.encode("latin-1")), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 308, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await self.app(scope, receive, send)


def address_of(settings: Settings) -> str:
    """Where the city is met in a browser, without a last slash: ``city.url``, else where it is served at this moment,
    else where it would be."""
    import socket

    if settings.city.url:
        return settings.city.url.rstrip("/")
    try:
        said = (settings.home / SERVED).read_text(encoding="ascii").strip()
        parts = urlsplit(said)
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1.0):
            return said
    except (OSError, ValueError):  # nobody serves it there now
        return f"http://localhost:{settings.serve.port}"


def serve(settings: Settings, *, host: str = "", port: int = 0, workers: int = 0) -> None:
    """Serve until stopped. Raises AddressTaken when somebody listens there."""
    import socket

    from granian import Granian
    from granian.constants import Interfaces, Loops

    address, number = host or settings.serve.host, port or settings.serve.port
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, number))
        except OSError as error:
            raise AddressTaken(
                f"Port {number} of {address} is not free: {error.strerror}.", todo="Choose another with --port."
            ) from error
    os.environ["ARENGO_CITY"] = str(settings.root)
    os.environ["ARENGO_LEAN"] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # glibc keeps an arena a thread; bursts would never be given back
    shown = "localhost" if address in ("127.0.0.1", "0.0.0.0") else address  # noqa: S104 - compared, not bound
    here = f"http://{f'[{shown}]' if ':' in shown else shown}:{number}"
    print(f"{settings.city.name}: {here}/")
    sys.stdout.flush()
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / SERVED).write_text(here + "\n", encoding="ascii")
    Granian(
        "arengo.app:create",
        factory=True,
        address=address,
        port=number,
        interface=Interfaces.ASGINL,
        workers=workers or settings.serve.workers,
        loop=Loops.uvloop,
        websockets=False,
        log_level="warning",  # type: ignore[arg-type]
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_TIMEOUT,
    ).serve()
