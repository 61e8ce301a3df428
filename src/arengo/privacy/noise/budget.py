"""The budget of differential privacy, one a *population*: what was spent on its people by all datasets together.

What was spent on another population whose people the same register lists was spent on the same people, and counts.
Kept in the state database, so that it outlives every process and nothing is spent twice or at the same time by two.
Composition is sequential: the losses add up. Only what is provably about other people is taken in parallel, where the
largest counts: statements over the same state of the population (``basis``) whose predicates hold the same column at
the same level to values that have none in common (McSherry: *Privacy integrated queries*, SIGMOD 2009). A person may
move between two states, so statements over different states always add up.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from arengo.contract.model import EMPTY
from arengo.errors import PolicyError, PublicationRefused
from arengo.privacy.release import Population, kin
from arengo.state.spending import spending

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from arengo.state import State

DELTA = 1e-9
"""Chance that is left out when rho is told as epsilon: far below one in the inhabitants of any city."""
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Spend:
    """One statement about a population. ``epsilon``: pure loss; ``rho``: loss in zCDP; one of them may be 0.

    ``atoms``: what part of the population it is about, ``"concept level"`` -> the values it is held to; nothing means
    everybody. ``basis``: which state of the population that refers to, '' when that cannot be said. ``statement``: what
    is told, the same words for the same statistic. ``run``: the publication; the same run never spends twice.
    """

    population: str
    dataset: str
    statement: str
    at: datetime
    epsilon: float = 0.0
    rho: float = 0.0
    atoms: Mapping[str, Sequence[str]] = EMPTY
    basis: str = ""
    run: str = ""

    @property
    def id(self) -> str:
        told = "\0".join((self.population, self.dataset, self.statement, self.run or self.at.isoformat()))
        return hashlib.sha256(told.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a population stands in its period: ``spent`` and ``left`` of ``cap``, all as epsilon.

    ``pure``: the part that holds without exception; ``rho``: the part in zCDP; where it is above 0 the epsilon holds
    but for a chance of :data:`DELTA`. ``frees``: when the oldest of it leaves the period.
    """

    population: str
    cap: float
    period: int
    spent: float
    pure: float
    rho: float
    frees: datetime | None

    @property
    def left(self) -> float:
        return max(0.0, self.cap - self.spent)


class Budget:
    """``populations``: those of the city, by name. Safe over threads and processes."""

    def __init__(self, state: State, populations: Mapping[str, Population]) -> None:
        self._state = state
        self._populations = populations

    def population(self, name: str) -> Population:
        found = self._populations.get(name)
        if found is None:
            raise PolicyError(
                f"There is no population {name!r}.", todo=f"Add [populations.{name}] to privacy.toml, then apply."
            )
        return found

    def _names(self, of: Population) -> tuple[str, ...]:
        """Whose spending is the population's as well: that of all whose people the same register lists."""
        return (of.name, *(item.name for item in kin(of, self._populations.values())))

    def _latest(
        self, connection: Connection, of: Population, spend: Spend, now: datetime
    ) -> tuple[Population, list[Spend], datetime | None]:
        """When it fits the cap of the population and of each whose people are in it: (the one it has to wait for, what
        was spent of that, the moment or None)."""
        worst: tuple[Population, list[Spend], datetime | None] | None = None
        for item in (of, *kin(of, self._populations.values())):
            held = _held(connection, item, self._names(item), now)
            when = _when(item, held, spend, now)
            if worst is None or (worst[2] is not None and (when is None or when > worst[2])):
                worst = item, held, when
        assert worst is not None
        return worst

    def left(self, population: str, now: datetime) -> Standing:
        """How it stands at ``now``. Raises PolicyError for a population nobody declared."""
        of = self.population(population)
        with self._state.read() as connection:
            held = _held(connection, of, self._names(of), now)
        return _standing(of, held)

    def history(self, population: str, limit: int = 1000) -> tuple[Spend, ...]:
        """What was spent, the newest first, also what left the period."""
        named = self._names(self.population(population)) if population in self._populations else (population,)
        query = sa.select(spending).where(spending.c.population.in_(named))
        with self._state.read() as connection:
            rows = connection.execute(query.order_by(spending.c.n.desc()).limit(limit)).all()
        return tuple(_spend(row) for row in rows)

    def fits(self, spend: Spend, now: datetime) -> bool:
        """Whether it could be spent at ``now`` (or was, by the same run)."""
        return self.when_possible(spend, now) == now

    def when_possible(self, spend: Spend, now: datetime) -> datetime | None:
        """The first moment from ``now`` at which it fits; None when it never does."""
        of = self.population(spend.population)
        _check(spend)
        with self._state.read() as connection:
            if _known(connection, spend) is not None:
                return now
            return self._latest(connection, of, spend, now)[2]

    def spend(self, spend: Spend) -> Spend:
        """Spend it, or raise PublicationRefused with the day it would be possible. What the same run spent is given
        back as it was. One transaction: two that ask at the same time cannot both take the last of it.
        """
        of = self.population(spend.population)
        _check(spend)
        with self._state.write() as connection:
            if self._state.backend != "sqlite":  # there a writing transaction is alone anyway
                lock = f"spend {min(self._names(of))}".encode()
                key = int.from_bytes(hashlib.sha256(lock).digest()[:8], "big", signed=True)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
            known = _known(connection, spend)
            if known is not None:
                return known
            whose, held, when = self._latest(connection, of, spend, spend.at)
            if when != spend.at:
                raise refusal(whose, _standing(whose, held), spend, when)
            last = connection.scalar(sa.select(sa.func.max(spending.c.n)).where(spending.c.population == of.name))
            connection.execute(
                sa.insert(spending).values(
                    id=spend.id,
                    n=int(last or 0) + 1,
                    population=of.name,
                    dataset=spend.dataset,
                    statement=spend.statement,
                    run=spend.run,
                    basis=spend.basis,
                    at=spend.at,
                    epsilon=float(spend.epsilon),
                    rho=float(spend.rho),
                    atoms={key: sorted(map(str, values)) for key, values in spend.atoms.items()},
                )
            )
        return spend


def refusal(of: Population, standing: Standing, spend: Spend, when: datetime | None) -> PublicationRefused:
    """Says what is left and when it would be possible."""
    wanted = total([spend])
    met = (
        f"The publication would spend {wanted:.3g} of the privacy of {of.name}, and {standing.left:.3g} of "
        f"{of.epsilon:.3g} is left in these {of.period} days."
    )
    if when is None:
        return PublicationRefused(met, todo="It never fits: ask for less precise figures (a smaller epsilon).")
    return PublicationRefused(met, todo=f"It is possible from {when:%Y-%m-%d %H:%M} UTC, or with a smaller epsilon.")


def epsilon_of(rho: float, delta: float = DELTA) -> float:
    """The smallest epsilon such that rho-zCDP is (epsilon, delta)-differentially private.

    Proposition 7 of Canonne, Kamath, Steinke: *The discrete Gaussian for differential privacy*, NeurIPS 2020, over the
    order alpha of the Renyi divergence, by golden section; never above Bun and Steinke's rho + 2 sqrt(rho ln(1/delta)).
    """
    if rho <= 0:
        return 0.0

    def at(log: float) -> float:
        alpha = 1 + math.exp(log)
        return rho * alpha + (math.log(1 / (alpha * delta)) + (alpha - 1) * math.log1p(-1 / alpha)) / (alpha - 1)

    low, high, ratio = -12.0, 24.0, (math.sqrt(5) - 1) / 2
    for _ in range(120):
        one, two = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, two) if at(one) < at(two) else (one, high)
    simple = rho + 2 * math.sqrt(rho * math.log(1 / delta))
    return max(0.0, min(at((low + high) / 2), simple))


def total(spends: Iterable[Spend], delta: float = DELTA) -> float:
    """The loss of all of it together as epsilon: pure parts add up; rho adds up and is told as epsilon at the end."""
    pure, rho = _composed(tuple(spends))
    return pure + epsilon_of(rho, delta)


def _composed(spends: Sequence[Spend]) -> tuple[float, float]:
    """(epsilon, rho) that no person's loss exceeds."""
    states: dict[tuple[str, str], list[Spend]] = {}
    pure = rho = 0.0
    for item in spends:
        if item.basis and item.atoms:
            states.setdefault((item.population, item.basis), []).append(item)
        else:
            pure, rho = pure + item.epsilon, rho + item.rho
    for items in states.values():
        pure += _largest(items, [item.epsilon for item in items])
        rho += _largest(items, [item.rho for item in items])
    return pure, rho


def _largest(items: Sequence[Spend], losses: Sequence[float]) -> float:
    """The most one person can lose: every column at a level is a partition, and a person stands in one part of it.

    Each column alone gives an upper bound, so the least of them holds.
    """
    best = sum(losses)
    for column in {key for item in items for key in item.atoms}:
        everybody, parts = 0.0, dict[str, float]()
        for item, loss in zip(items, losses, strict=True):
            values = item.atoms.get(column)
            if not values:
                everybody += loss
            for value in set(map(str, values or ())):
                parts[value] = parts.get(value, 0.0) + loss
        best = min(best, everybody + max(parts.values(), default=0.0))
    return best


def _check(spend: Spend) -> None:
    if not (math.isfinite(spend.epsilon) and math.isfinite(spend.rho)) or min(spend.epsilon, spend.rho) < 0:
        raise PolicyError("A loss of privacy is 0 or more.", todo="Correct epsilon or rho.")
    if spend.epsilon == 0 and spend.rho == 0:
        raise PolicyError("A noisy table says its loss of privacy.", todo="Write epsilon or rho, such as 0.1.")


def _known(connection: Connection, spend: Spend) -> Spend | None:
    row = connection.execute(sa.select(spending).where(spending.c.id == spend.id)).first()
    return _spend(row) if row is not None else None


def _held(connection: Connection, of: Population, names: Sequence[str], now: datetime) -> list[Spend]:
    """What counts at ``now``, oldest first. What is dated later counts too: a clock that went back frees nothing."""
    since = now - timedelta(days=of.period)
    query = sa.select(spending).where(spending.c.population.in_(names), spending.c.at > since)
    return [_spend(row) for row in connection.execute(query.order_by(spending.c.at, spending.c.n))]


def _spend(row: Any) -> Spend:
    atoms = row.atoms if isinstance(row.atoms, Mapping) else orjson.loads(row.atoms or b"{}")
    return Spend(row.population, row.dataset, row.statement, row.at, row.epsilon, row.rho, atoms, row.basis, row.run)


def _standing(of: Population, held: Sequence[Spend]) -> Standing:
    pure, rho = _composed(held)
    frees = held[0].at + timedelta(days=of.period) if held else None
    return Standing(of.name, of.epsilon, of.period, pure + epsilon_of(rho), pure, rho, frees)


def _when(of: Population, held: Sequence[Spend], spend: Spend, now: datetime) -> datetime | None:
    """The moment after which enough has left the period, ``now`` when it fits at once."""
    for gone in range(len(held) + 1):
        if total((*held[gone:], spend)) <= of.epsilon + _SLACK:
            return now if gone == 0 else max(now, held[gone - 1].at + timedelta(days=of.period))
    return None
