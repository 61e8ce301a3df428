"""Who may read what: the contract, the agreement, the city's and the owner's policies, in this order."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from arengo.contract.model import Contract
from arengo.governance.caller import Caller
from arengo.governance.decision import Decision, fingerprint
from arengo.governance.policy.ground import Accords, Ground, NoAccords, ground

if TYPE_CHECKING:
    from arengo.settings import Settings
    from arengo.state import State

REMEMBERED = 20_000

_Key = tuple[object, ...]


def _now() -> datetime:
    return datetime.now(UTC)


class CityJudge:
    """Implements :class:`arengo.governance.decision.Judge`. Thread-safe, one a process.

    A decision is remembered until the state's generation counts up (a suspension, a new policy or contract), until it
    expires, or until the clock goes back behind it.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        agreements: Accords | None = None,
        parties: object | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._settings = settings
        self._state = state
        self._agreements: Accords = agreements or NoAccords()
        self._parties = parties
        self._now = now
        self._guard = threading.Lock()
        self._generation = -1
        self._kept: OrderedDict[_Key, tuple[datetime, Decision]] = OrderedDict()

    def decide(self, contract: Contract, columns: Sequence[str], caller: Caller) -> Decision:
        """The decision on one dataset. ``columns``: names the version holds; hidden ones (``_row``) never granted."""
        now = self._now()
        key = (
            contract.text, contract.id, tuple(columns), caller.party, caller.organisation, caller.application,
            caller.roles, caller.assurance, caller.purpose, caller.agreement, caller.zone,
        )  # fmt: skip
        generation = self._state.generation()
        with self._guard:
            if generation != self._generation:
                self._kept.clear()
                self._generation = generation
            held = self._kept.get(key)
        if held is not None:
            since, decision = held
            if since <= now and (decision.expires is None or now < decision.expires):
                return decision
        decision = self._decide(contract, columns, caller, now)
        with self._guard:
            if generation == self._generation:
                self._kept[key] = (now, decision)
                while len(self._kept) > REMEMBERED:
                    self._kept.popitem(last=False)
        return decision

    def _decide(self, contract: Contract, columns: Sequence[str], caller: Caller, now: datetime) -> Decision:
        names = frozenset(name for name in columns if not name.startswith("_"))
        base = ground(contract, names, caller, self._agreements, now)
        return _decision(contract, base)


def _decision(contract: Contract, base: Ground) -> Decision:
    masks = tuple((column, mask) for column, mask in base.masks if column in base.columns)
    if base.kind in ("open", "city") and not base.rows and not masks:
        mark = fingerprint("open-2", contract.access, *sorted(base.columns))
    else:
        keyed = any(mask.kind == "pseudonym" for _, mask in masks)
        secret = (base.agreement, base.purpose, base.recipient) if keyed else ()
        mark = fingerprint("city-1", bool(base.kind), sorted(base.columns), base.rows, masks, secret)
    return Decision(
        bool(base.kind),
        base.reason,
        base.rule,
        base.columns,
        mark,
        base.rows,
        masks,
        base.obligations,
        base.kind == "open",
        base.purpose,
        base.agreement,
        base.recipient,
        base.expires,
        base.todo,
    )
