"""The API store: applications, what they prove themselves by, what they may spend and what they took, in one hand.

Opened once a process; the same city's stores in other processes see each other's changes at the next request.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from arengo.errors import CallerError
from arengo.governance.application import Applications
from arengo.governance.caller import Caller
from arengo.governance.counter import counters
from arengo.governance.credential import Credentials
from arengo.governance.plan import STANDARD, Plan, plan_of
from arengo.governance.quota import Allowance, Quotas
from arengo.governance.signing import SigningKeys
from arengo.governance.token import LASTS, Tokens
from arengo.services.consumption import Consumption

if TYPE_CHECKING:
    from arengo.contract.model import Contract
    from arengo.governance.agreement import Agreement
    from arengo.governance.holdings import Holdings
    from arengo.settings import Settings
    from arengo.state import State

ENDPOINT = Plan("oauth", "token endpoint", rate=10, daily=0, rows=0)
"""What one application may ask of the token endpoint."""


class Store:
    """``contract``: the contract in force of a dataset. ``agreements``: set when both are open, since each needs the
    other. ``tell``: writes the record (the ledger's)."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        contract: Callable[[str], Contract],
        *,
        tell: Callable[..., object] = lambda kind, **entry: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        agreements: Holdings | None = None,
    ) -> None:
        self.settings = settings
        self.agreements = agreements
        self._state = state
        self._contract = contract
        self._held: dict[str, Agreement | None] = {}
        self._generation = -1
        seen = counters(state, settings.home)
        self.applications = Applications(state, now=now, tell=tell, belongs=self.belongs)
        self.keys = SigningKeys(settings.home / "oauth", now)
        self.tokens = Tokens(self.applications, self.keys, seen, now=now, lifetime=self._lifetime, belongs=self.belongs)
        self.credentials = Credentials(settings, state, self.applications, self.tokens, now)
        self.quotas = Quotas(seen, settings.city.timezone, now)
        self.consumption = Consumption(state, settings.city.timezone, now=now, also=self._touch)

    def belongs(self, agreement: str, application: str) -> bool:
        """Whether the agreement is the application's own."""
        found = self.agreement(agreement)
        return found is not None and found.application == application

    def agreement(self, id: str) -> Agreement | None:
        """None when there is none, or nobody keeps agreements."""
        if self.agreements is None or not id:
            return None
        generation = self._state.generation()
        if generation != self._generation:
            self._held, self._generation = {}, generation
        held = self._held
        if id not in held:
            try:
                held[id] = self.agreements.get(id)
            except CallerError:
                held[id] = None
        return held[id]

    def plan(self, agreement: Agreement) -> Plan:
        """The plan an agreement is under; the standard one when its contract no longer has it."""
        try:
            return plan_of(self._contract(agreement.dataset), agreement.plan)
        except CallerError:
            return STANDARD

    def charge(self, caller: Caller, agreement: str, rows: int = 0) -> Allowance | None:
        """Count one request under an agreement by its id; None where nothing is limited. Raises QuotaSpent."""
        found = self.agreement(agreement)
        return None if found is None else self.quotas.charge(caller, found, self.plan(found), rows)

    def spend(self, caller: Caller, agreement: str, rows: int) -> None:
        """Count rows given under an agreement, when their number is known only afterwards."""
        found = self.agreement(agreement)
        if found is not None:
            self.quotas.spend(caller, found, rows)

    def left(self, caller: Caller, agreement: Agreement) -> Allowance:
        """What is left of an agreement now."""
        return self.quotas.left(caller, agreement, self.plan(agreement))

    def throttle(self, application: str) -> Allowance:
        """Count one question of an application to the token endpoint. Raises QuotaSpent."""
        from types import SimpleNamespace

        held: Any = SimpleNamespace(id=f"oauth {application}", volume=0)
        return self.quotas.charge(Caller(application=application), held, ENDPOINT)

    def close(self) -> None:
        """Write what was counted."""
        self.consumption.close()

    def _lifetime(self, agreement: str) -> timedelta:
        found = self.agreement(agreement)
        return LASTS if found is None else self.plan(found).lifetime

    def _touch(self) -> None:
        self.applications.touch(self.credentials.used())
