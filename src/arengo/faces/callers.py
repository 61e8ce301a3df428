"""Who asks, from what a request shows; and what is done before and after data that is not open leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.requests import Request

from arengo.door import ANYONE, Caller
from arengo.door.attendance import Reading
from arengo.faces.gate import Watch
from arengo.faces.site import forwarded, public_address
from arengo.governance.credential import purpose_of
from arengo.governance.session import cookie_name

if TYPE_CHECKING:
    from arengo.door import View
    from arengo.services.access import Access

PLAIN, SECURE = cookie_name(False), cookie_name(True)


class CityCallers:
    """A key or a token first, then the session of a person in a browser; otherwise anyone."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def of(self, request: Request) -> Caller:
        """Raises NotKnown for a credential that opens nothing, BadQuery for two of them."""
        access = self._access
        url = public_address(access.settings, request) + request.url.path
        found = access.store.credentials.caller(request.scope["headers"], request.method, url)
        if found is None:
            secure = request.url.scheme == "https" or access.settings.city.url.startswith("https:")
            cookie = request.cookies.get(SECURE if secure else PLAIN) or ""
            found = access.sessions.caller(cookie) if cookie else ANYONE
            purpose = purpose_of(request.scope["headers"]) if found.party else ""
            if purpose:
                found = replace(found, purpose=purpose)
        return access.placed(found, request.client.host if request.client else "", forwarded(request))


class CityWatch(Watch):
    """Quotas before, the record before the first byte, the decision again while it runs, the use afterwards."""

    def __init__(self, access: Access, door: object) -> None:
        from arengo.door import Door

        assert isinstance(door, Door)
        self._access = access
        self._door = door

    def enter(self, view: View, caller: Caller) -> Mapping[str, str]:
        return self._access.enter(caller, view.decision.agreement)

    def settle(self, readings: Sequence[Reading], path: str) -> None:
        self._access.record(readings, path)

    def still(self, readings: Sequence[Reading]) -> None:
        for item in readings:
            self._door.still(item.view, item.caller)

    def leave(self, caller: Caller, readings: Sequence[Reading], path: str, status: int, size: int) -> None:
        self._access.leave(caller, readings, path, status, size)
