"""How people see the city's data: server-rendered pages that work without JavaScript.

In: the door and the catalogue (the only way to rows and datasets), the settings, the runs in the state.
Out: Starlette routes and one page for errors. Promise: every page is readable by keyboard, without script, at
400 % zoom, in five languages; no request leaves the city's host; the address is the state of the page.
May import: door, catalogue, query, contract, lake.version, state, settings, errors. Never the engine or the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from arengo.catalogue import Catalogue
    from arengo.door import Door
    from arengo.lake.version import Version
    from arengo.services.access import Access
    from arengo.services.erasure import Erasure
    from arengo.services.gate import Desk
    from arengo.settings import Settings
    from arengo.state import State

__all__ = ["error_page", "routes"]


def routes(
    door: Door,
    catalogue: Catalogue,
    settings: Settings,
    state: State,
    quarantine: Callable[[Version], Path | None] = lambda version: None,
    access: Access | None = None,
    desk: Desk | None = None,
    erasure: Callable[[], Erasure] | None = None,
) -> list[BaseRoute]:
    """All routes of the portal. ``quarantine``: the file of rows set aside of a version (``Lake.quarantine``).

    ``access``: who may read what, opened here when it is not given. ``desk``: the privacy desk, which publishes what
    people let pass; without it that waits for the next publication. ``erasure``: who asked to be forgotten.

    Raises SettingsError when the city's accent colour has too little contrast."""
    from arengo.portal.paths import pages

    return pages(door, catalogue, settings, state, quarantine, access, desk, erasure)


def error_page(settings: Settings) -> Callable[[Request, Exception], Response]:
    """A handler that answers an error as a page in the city's name: what happened, what is safe, what to do."""
    from arengo.portal.failure import handler

    made: Any = handler(settings)
    return made  # type: ignore[no-any-return]
