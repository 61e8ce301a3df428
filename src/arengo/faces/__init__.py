"""How others speak to us: one module a standard, each thin: parse a request into a Query, ask the door, write.

In: HTTP. Out: the native rows API (``rows``), downloads (``export``), their description (``openapi``), health and
metrics (``health``), errors as RFC 9457 problems (``problem``). Promise: all faces of a dataset agree on rows, types,
unknown values, geometry and order; every answer carries a strong ETag; an unknown parameter is an error.
May import: door, catalogue, query, contract, lake.version, settings, errors. One more standard is one more module
and its line in :func:`routes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import BaseRoute

    from arengo.catalogue import Catalogue
    from arengo.door import Door
    from arengo.faces.gate import Watch
    from arengo.faces.site import Callers
    from arengo.services.access import Access
    from arengo.settings import Settings

__all__ = ["application", "handlers", "routes", "wrap"]


def routes(
    door: Door,
    catalogue: Catalogue,
    settings: Settings,
    callers: Callers | None = None,
    access: Access | None = None,
) -> list[BaseRoute]:
    """All routes of the faces. ``callers``: who tells who asks; everybody is anyone without.

    ``access``: who may read what is not open; without it there is no API store, since nobody could be given a key.
    """
    from arengo.faces import documents, export, feeds, health, iceberg, openapi, rows, sitemap, sql, structured
    from arengo.faces.ckan import pages as ckan
    from arengo.faces.dcat import pages as dcat
    from arengo.faces.mcp import pages as mcp
    from arengo.faces.site import Site

    site = Site(door, catalogue, settings, callers)
    standards = (openapi, export, documents, rows, iceberg, sql, dcat, feeds, sitemap, structured, ckan, mcp)
    found = health.routes(site, access)
    found += [route for standard in standards for route in standard.routes(site)]
    if access is not None:
        from arengo.faces import agreements, applications, census, ledger, oauth, store

        for governed in (oauth, store, applications, agreements, ledger, census):
            found += governed.routes(site, access)
    return found


def handlers(page: Callable[..., Any] | None = None) -> dict[Any, Any]:
    """Exception handlers for a Starlette application: problem+json under the machine paths, ``page`` elsewhere."""
    from arengo.faces.problem import handlers as made

    return dict(made(page))


def wrap(app: Any, door: Door, catalogue: Catalogue, settings: Settings, watch: Watch | None = None) -> Any:
    """The ASGI application with the quick answers, CORS, compression and counters around it."""
    from arengo.faces.gate import Gate

    return Gate(app, catalogue, settings.engine.cache_bytes // 4, watch)


def application(
    door: Door,
    catalogue: Catalogue,
    settings: Settings,
    callers: Callers | None = None,
    watch: Watch | None = None,
    access: Access | None = None,
) -> Any:
    """The faces alone as an ASGI application, without the portal."""
    from starlette.applications import Starlette

    inner = Starlette(routes=routes(door, catalogue, settings, callers, access), exception_handlers=handlers())
    return wrap(inner, door, catalogue, settings, watch)
