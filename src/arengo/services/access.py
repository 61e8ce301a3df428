"""Who may read what, composed: people, programs, agreements, policies, quotas and the record, over one state.

One a process. The faces and the portal ask it who asks, the door asks it who may read, and it puts on record what was
read before the first byte of it leaves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from arengo.contract.model import EMPTY
from arengo.door.attendance import Reading, told
from arengo.door.grant import check_rows
from arengo.errors import NotFound
from arengo.governance import Caller

if TYPE_CHECKING:
    from arengo.contract.model import Contract
    from arengo.governance.agreement import Agreement, Terms
    from arengo.governance.application import Applications
    from arengo.governance.hierarchy import Hierarchies
    from arengo.governance.party import Parties
    from arengo.governance.policy import CityJudge
    from arengo.governance.policy.analysis import Analysis
    from arengo.governance.policy.zone import Zones
    from arengo.governance.procedure import Agreements
    from arengo.governance.session import Sessions
    from arengo.ledger import Ledger
    from arengo.services.store import Store
    from arengo.services.together import Together
    from arengo.settings import Settings
    from arengo.state import State

_log = logging.getLogger(__name__)

WAIT = 30.0
"""Seconds a reading waits for its place in the record; then it is not answered."""


class Access:
    """``contract``: the contract in force of a dataset; raises UnknownDataset. ``now``: what time it is. ``together``:
    what a grant would let its recipient put together with all else it reads.

    Rooms open when asked for.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        ledger: Ledger,
        contract: Callable[[str], Contract],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        together: Callable[[Agreement, Terms], Together | None] = lambda item, terms: None,
    ) -> None:
        self.settings = settings
        self.state = state
        self.ledger = ledger
        self._contract = contract
        self._now = now
        self._together = together
        self._purposes: dict[str, tuple[str, str]] = {}

    # The rooms

    @cached_property
    def parties(self) -> Parties:
        """Organisations, people and roles."""
        from arengo.governance.party import Parties

        return Parties(self.settings, self.state, self._now, tell=self.ledger.tell)

    @cached_property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        from arengo.governance.session import Sessions

        return Sessions(self.parties, tell=self.ledger.tell)

    @cached_property
    def store(self) -> Store:
        """The programs that read: their keys, tokens, plans and what they took."""
        from arengo.services.store import Store

        tell, agreements = self.ledger.tell, self.agreements
        return Store(self.settings, self.state, self._contract, tell=tell, now=self._now, agreements=agreements)

    @property
    def applications(self) -> Applications:
        return self.store.applications

    @cached_property
    def agreements(self) -> Agreements:
        """Who may read what is not open, for what; requests and decisions."""
        from arengo.governance.procedure import Agreements
        from arengo.governance.role import needed

        return Agreements(
            self.state,
            contract=self._contract,
            tell=self._tell_agreement,
            now=self._now,
            settings=self.settings.agreements,
            application=self._reads_for,
            roles=lambda person: tuple((item.organisation, item.role) for item in self.parties.roles(person)),
            named=self._named,
            rows=check_rows,
            levels=needed(self.settings.login.assurance),
            together=self._together,
        )

    @cached_property
    def hierarchies(self) -> Hierarchies:
        """What values are generalised to."""
        from arengo.governance.hierarchy import Hierarchies

        return Hierarchies(self.settings, self.state)

    @cached_property
    def judge(self) -> CityJudge:
        """Decides for the door."""
        from arengo.governance.policy import CityJudge

        return CityJudge(self.settings, self.state, self.agreements, self.parties, rows=check_rows)

    @cached_property
    def analysis(self) -> Analysis:
        """Who can read what, and what a party can read."""
        from arengo.governance.policy.analysis import Analysis

        return Analysis(self.judge, self.agreements, self._person, self._reads_for, self._holders)

    # Who asks

    @cached_property
    def _zones(self) -> Zones:
        from arengo.governance.policy.zone import Zones

        return Zones(self.settings.policy.zones)

    def placed(self, caller: Caller, peer: str, forwarded: str) -> Caller:
        """The caller with the network zone the request comes from. ``forwarded``: X-Forwarded-For."""
        if not self.settings.policy.zones:
            return caller
        hops = self.settings.participation.proxies
        listed = [part.strip() for part in forwarded.split(",") if part.strip()]
        zone = self._zones.of(listed[max(0, len(listed) - hops)] if hops > 0 and listed else peer)
        return replace(caller, zone=zone) if zone else caller

    # What is done about a reading

    def enter(self, caller: Caller, agreement: str) -> Mapping[str, str]:
        """Count a call of a program under its plan; the headers that say what is left. Raises QuotaSpent."""
        allowance = self.store.charge(caller, agreement) if agreement else None
        return allowance.headers if allowance is not None else {}

    def record(self, readings: Sequence[Reading], place: str = "") -> None:
        """Put readings on record; returns when that is durable. What it raises (LedgerBroken) keeps the data back."""
        tickets = [
            self.ledger.submit(
                "read",
                actor=item.caller.party or item.caller.application,
                organisation=item.caller.organisation,
                dataset=item.view.dataset,
                body={**self._stated(told(item)), "face": place},
                subjects=("*",) if item.everyone else item.subjects,
                wake=False,
            )
            for item in readings
        ]
        for ticket in tickets:
            ticket.wait(WAIT)

    def leave(self, caller: Caller, readings: Sequence[Reading], place: str, status: int, size: int) -> None:
        """Count what an application used. Never raises: the answer has left."""
        if not caller.application:
            return
        taken = [(item.view.dataset, item.view.decision.agreement, _rows(item)) for item in readings if item.touched]
        self.store.consumption.note(caller, place, status, size, taken)
        for _, agreement, rows in taken if status < 400 else ():
            if rows and agreement:
                try:
                    self.store.spend(caller, agreement, rows)
                except Exception:  # counting is not worth an answer that has left already
                    _log.warning("The rows of %s were not counted", agreement, exc_info=True)

    def close(self) -> None:
        """Write what is still counted in memory."""
        if "store" in self.__dict__:
            self.store.close()
        self.ledger.close()

    # What the rooms ask of each other

    def _stated(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The facts with the purpose as terms everybody knows (DPV, GDPR) beside the city's own number of it."""
        number = str(body.get("purpose", ""))
        held = self._purposes.get(number)
        if held is None:
            found = self.agreements.purposes.find(number) if number else None
            held = (found.dpv, found.legal_basis) if found is not None else ("", "")
            if len(self._purposes) > 4096:
                self._purposes.clear()
            self._purposes[number] = held
        if not held[0]:
            return dict(body)
        return {**body, "purpose": held[0], "basis": held[1], "purpose_number": number}

    def _tell_agreement(self, kind: str, *, body: Mapping[str, Any] = EMPTY, **facts: Any) -> object:
        return self.ledger.tell(kind, body=self._stated(body), **facts)

    def _reads_for(self, application: str) -> str:
        """The organisation an application reads for, '' when it is blocked or gone."""
        found = self.applications.find(application)
        return found.organisation if found is not None and found.active else ""

    def _person(self, id: str) -> tuple[str, tuple[tuple[str, str], ...]] | None:
        """The organisation and roles of a person who may sign in."""
        try:
            found = self.parties.person(id)
        except NotFound:
            return None
        if not found.active:
            return None
        return found.organisation, tuple((item.organisation, item.role) for item in self.parties.roles(id))

    def _holders(self, organisation: str, role: str) -> tuple[str, ...]:
        """Ids of the people who have a role in an organisation."""
        return tuple(dict.fromkeys(item.person for item in self.parties.roles(organisation=organisation)
                                   if item.role == role))  # fmt: skip

    def _named(self, person: str) -> tuple[str, ...]:
        """How a contract may name a person."""
        try:
            found = self.parties.person(person)
        except NotFound:
            return ()
        alone = sum(item.name == found.name for item in self.parties.people()) == 1
        return (found.mail, found.name) if alone else (found.mail,)


def _rows(item: Reading) -> int:
    """Rows that left; all of the view where nobody can say."""
    return item.view.version.rows if item.rows is None else item.rows
