"""How much a reader may use, and whether the owner decides each request.

A contract names its plans and its rule of approval (``arengoPlans``, ``arengoApproval``); what it leaves out is
:data:`STANDARD` and ``manual``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from arengo.contract.model import Contract
from arengo.contract.period import Period
from arengo.errors import BadForm

APPROVALS = ("manual", "threshold", "automatic")
"""``manual``: the owner decides each request. ``threshold``: granted by itself while the daily calls asked by this
consumer and by all together stay under the plan's caps. ``automatic``: granted by itself, under the caps if any."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``rate``: requests a second. ``daily``: calls a day. ``rows``: rows a day. ``per_consumer``, ``total``: daily
    calls granted by themselves to one organisation and to all, 0 for no cap declared. ``lifetime``: of a token."""

    id: str
    title: str = ""
    rate: float = 5.0
    daily: int = 10_000
    rows: int = 1_000_000
    per_consumer: int = 0
    total: int = 0
    lifetime: timedelta = timedelta(minutes=10)

    def wider(self, other: Plan) -> bool:
        """Whether it gives more of anything than ``other``."""
        return self.rate > other.rate or self.daily > other.daily or self.rows > other.rows


STANDARD = Plan("standard", "Standard")
"""The plan of a dataset whose contract names none."""


def plans(contract: Contract) -> tuple[Plan, ...]:
    """The plans of a dataset, in the order of its contract; never empty."""
    return tuple(_plan(item) for item in contract.custom.get("arengoPlans") or ()) or (STANDARD,)


def plan_of(contract: Contract, id: str) -> Plan:
    """The plan of that name, the first for ''. Raises BadForm."""
    known = plans(contract)
    for plan in known:
        if plan.id == id or not id:
            return plan
    raise BadForm(
        f"{contract.title()} has no plan {id[:60]!r}.", todo=f"Choose one of {', '.join(plan.id for plan in known)}."
    )


def approval_rule(contract: Contract) -> str:
    """One of :data:`APPROVALS`."""
    return str(contract.custom.get("arengoApproval", "manual"))


def _plan(item: Mapping[str, Any]) -> Plan:
    lifetime = Period.parse(str(item.get("lifetime", "")))
    return Plan(
        str(item["id"]),
        str(item.get("title", "") or item["id"]),
        float(item.get("rate", STANDARD.rate)),
        int(item.get("daily", STANDARD.daily)),
        int(item.get("rows", STANDARD.rows)),
        int(item.get("perConsumer", 0)),
        int(item.get("total", 0)),
        lifetime.about if lifetime else STANDARD.lifetime,
    )
