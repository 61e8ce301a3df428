"""The other rooms an erasure asks, as a city has them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.contract import loads
from arengo.errors import ArengoError
from arengo.services.erasure.steps import Around
from arengo.state.agreements import agreement

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.services.accord import Accord
    from arengo.settings import Settings
    from arengo.state import State

_log = logging.getLogger(__name__)
UNKNOWN = "not judged"


def around(settings: Settings, state: State, lake: Lake, accord: Callable[[], Accord]) -> Around:
    """``accord``: who writes to the readers of agreements."""

    def recipients(dataset: str) -> tuple[str, ...]:
        c = agreement.c
        chosen = sa.select(c.id).where(c.dataset == dataset, c.state.in_(("active", "suspended"))).order_by(c.id)
        with state.read() as connection:
            return tuple(connection.scalars(chosen))

    def notify(dataset: str, agreements: tuple[str, ...], request: str, kind: str) -> int:
        return accord().erased(dataset, agreements, request, kind)

    def gate(dataset: str) -> str:
        from arengo.publish.safety import Safety

        record, version = state.contracts().get(dataset), lake.newest(dataset)
        if record is None or version is None:
            return ""
        contract = loads(record.text, base=settings.root)
        if contract.access != "open":
            return ""
        try:
            return Safety(settings, state, lake).again(contract, version, version.published_at).outcome
        except ArengoError as error:
            _log.warning("the gate could not look at %s again: %s", dataset, error)
            return UNKNOWN

    def releases(mark: str) -> int:
        from arengo.privacy.releases import Releases

        return Releases(settings, state, lake).forget([mark])

    def seal(pdf: bytes, at: datetime) -> bytes:
        from arengo.services.seal import Sealer

        return Sealer(settings).seal(pdf, reason="erasure receipt", at=at)

    return Around(recipients, notify, gate, releases, seal)
