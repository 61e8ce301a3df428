"""What was told about each population with noise: the budget of differential privacy, spent and left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from arengo.portal.privacy_labels import Labels
from arengo.portal.visit import Visit

if TYPE_CHECKING:
    from arengo.privacy.noise.budget import Spend
    from arengo.privacy.release import Population

MOST = 50
"""Statements shown of a population."""


@dataclass(frozen=True, slots=True)
class Spent:
    """One statement. ``counts``: it still lies in the period."""

    at: datetime
    title: str
    href: str
    statement: str
    amount: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Stock:
    """One population. ``share``: what is spent of the cap, 0 to 1. ``frees``: when the oldest of it leaves."""

    name: str
    unit: str
    register: str
    register_href: str
    spent: str
    left: str
    cap: str
    period: int
    share: float
    frees: datetime | None
    statements: tuple[Spent, ...]
    full: bool


def populations(visit: Visit) -> tuple[Stock, ...]:
    """Those of privacy.toml, in its order; () when there is none."""
    from arengo.privacy.noise.budget import Budget
    from arengo.privacy.population import Populations

    site = visit.site
    found = Populations(site.settings, site.state).all()
    budget = Budget(site.state, {item.name: item for item in found})
    labels = Labels(visit.speech, None, site.catalogue)
    return tuple(_stock(visit, budget, item, labels) for item in found)


def _stock(visit: Visit, budget: object, item: Population, labels: Labels) -> Stock:
    from arengo.privacy.noise.budget import Budget

    assert isinstance(budget, Budget)
    s, _ = visit.speech, visit._
    standing = budget.left(item.name, visit.now)
    units = {"person": _("persons"), "household": _("households"), "vehicle": _("vehicles"), "device": _("devices")}
    since = standing.period * 86_400
    statements = tuple(
        Spent(
            one.at, labels.title(one.dataset), visit.link("datasets", one.dataset), one.statement, amount(visit, one),
            (visit.now - one.at).total_seconds() < since,
        )
        for one in budget.history(item.name, MOST)
    )  # fmt: skip
    return Stock(
        item.name, units.get(item.unit, item.unit), labels.title(item.register) if item.register else "",
        visit.link("datasets", item.register) if item.register else "", _short(visit, standing.spent),
        _short(visit, standing.left), s.number(standing.cap), standing.period,
        min(1.0, standing.spent / standing.cap) if standing.cap else 1.0, standing.frees, statements,
        standing.left < 0.005 * standing.cap,
    )  # fmt: skip


def amount(visit: Visit, one: Spend) -> str:
    """What a statement spent, as epsilon, or as rho where that is what was promised."""
    if one.rho and not one.epsilon:
        return f"ρ {_short(visit, one.rho)}"
    return f"ε {_short(visit, one.epsilon)}"


def _short(visit: Visit, value: float) -> str:
    return visit.speech.number(float(f"{value:.3g}"))
