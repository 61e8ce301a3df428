"""Letters about publications that the gate holds back: to those who decide, once a verdict and once a second word.

A letter has the verdict's id and the person's in its own, so that it is written once however often this turns.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from arengo.errors import NotFound, UnknownDataset
from arengo.governance.owner import owner_of
from arengo.services.gate import SECONDS, Desk

if TYPE_CHECKING:
    from arengo.contract.model import Contract
    from arengo.governance.party import Parties
    from arengo.privacy.verdicts import Held
    from arengo.services.letter import Letters

FRESH = timedelta(days=3)
"""Verdicts older than this are not told by letter: the server was off, or the city was restored."""
DECIDERS = ("steward",)
_log = logging.getLogger(__name__)


class HeldLetters:
    """``contract``: the one in force of a dataset. Any process may turn."""

    def __init__(self, desk: Desk, parties: Parties, letters: Letters, contract: Callable[[str], Contract]) -> None:
        self._desk = desk
        self._parties = parties
        self._letters = letters
        self._contract = contract

    def turn(self, now: datetime | None = None) -> int:
        """Write what is due; how many letters."""
        if not self._letters.able:
            return 0
        now = now or datetime.now(UTC)
        count = 0
        for held in self._desk.waiting():
            try:
                contract = self._contract(held.dataset)
            except (NotFound, UnknownDataset):
                continue
            if now - held.at < FRESH:
                count += self._write(held, contract, "held", self._people(contract, DECIDERS), now)
            waits = self._desk.open_override(held)
            if waits is not None and now - waits.at < FRESH:
                others = [person for person in self._people(contract, SECONDS) if person != waits.by]
                name = self._parties.names([waits.by]).get(waits.by, "") if waits.by else ""
                count += self._write(held, contract, "second", others, now, decision=waits.id, by=name)
        return count

    def _people(self, contract: Contract, roles: Iterable[str]) -> tuple[str, ...]:
        held = self._parties.roles(organisation=owner_of(contract))
        return tuple(dict.fromkeys(one.person for one in held if one.role in roles))

    def _write(
        self, held: Held, contract: Contract, what: str, people: Iterable[str], now: datetime, **more: Any
    ) -> int:
        count = 0
        for one in people:
            try:
                person = self._parties.person(one)
            except NotFound:
                continue
            if not person.mail or person.state == "blocked":
                continue
            told = {**held.verdict.as_json(), "repairs": [], "measured": {}}
            language = person.language or "en"
            facts = {
                "what": what, "link": f"/datasets/{held.dataset}/privacy", "label": contract.title(language),
                "verdict": told, "repairs": len(held.verdict.repairs), "by": "", **more,
            }  # fmt: skip
            name = f"gate-{more.get('decision', held.id)}-{one}"
            with self._desk.state.write() as connection:
                count += self._letters.put(connection, name, "privacy", person.mail, language, facts, now=now)
        return count
