"""What is released, to whom it belongs, and who is assumed to look: plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arengo.contract.model import EMPTY, Kind

ROWS, CELLS = "rows", "cells"
"""Forms of a release: one row about one person (or household, vehicle), or a table of counts and sums."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a release must reach (``arengoPrivacyTarget``; what it does not say comes from ``[privacy]``).

    ``k``: persons in the smallest group. ``l``: different sensitive values in a group. ``t``: largest earth mover's
    distance of a group's sensitive values from all (0: not asked). ``suppression``: share of rows that may be
    withheld. ``threshold``: smallest count a table may show. ``dominance``: (n, share) of the (n, k) rule, share 0..1.
    ``p``: of the p % rule, 0..1 (0: not asked). ``epsilon``: differential privacy spent on the population in a year.
    """

    k: int = 5
    l: int = 1  # noqa: E741 - the literature's own letter
    t: float = 0.0
    suppression: float = 0.05
    threshold: int = 5
    dominance: tuple[int, float] = (2, 0.85)
    p: float = 0.1
    epsilon: float = 1.0


@dataclass(frozen=True, slots=True)
class Attribute:
    """One released column as an attacker sees it.

    ``role``: identifier, quasi, sensitive or ''. ``concept``: what it means over all datasets
    (``arengoPrivacyConcept``, else the column's own ``dataset.column``, which meets no other). ``hierarchy`` and
    ``level``: how coarse the released values are; level '' or '0' is the finest.
    """

    column: str
    kind: Kind
    role: str = ""
    concept: str = ""
    hierarchy: str = ""
    level: str = ""
    protect: tuple[Any, ...] = ()  # the steps of ``arengoProtect``, as the contract writes them


@dataclass(frozen=True, slots=True)
class Release:
    """One version as it is (or would be) public. ``number`` 0 is a candidate, not yet a version.

    ``subject``: whether the rows are linked to persons by the city (never in what is released). ``cells``: of a table
    of counts and sums, value of ``arengoCells``. ``pseudonyms``: column -> mark of the key it was made with.
    ``declared``: SHA-256 of the contract by which it is described.
    """

    dataset: str
    number: int
    at: datetime
    population: str = ""
    unit: str = "person"
    form: str = ROWS
    attributes: tuple[Attribute, ...] = ()
    cells: Mapping[str, Any] = EMPTY
    subject: bool = False
    rows: int = 0
    recipient: str = ""  # '' is everybody
    pseudonyms: Mapping[str, str] = EMPTY
    withdrawn: bool = False
    declared: str = ""

    @property
    def label(self) -> str:
        return f"{self.dataset} v{self.number}" if self.number else self.dataset

    def of_role(self, role: str) -> tuple[Attribute, ...]:
        return tuple(item for item in self.attributes if item.role == role)

    @property
    def quasi(self) -> tuple[Attribute, ...]:
        return self.of_role("quasi")

    @property
    def sensitive(self) -> tuple[Attribute, ...]:
        return self.of_role("sensitive")


@dataclass(frozen=True, slots=True)
class Population:
    """``[populations.NAME]`` of the city's ``privacy.toml``.

    ``register``: the dataset that lists everybody once, '' when there is none; ``subject``: its column that identifies
    (by default the one marked ``arengoSubject``). ``epsilon``: cap of differential privacy over ``period`` days.
    ``addresses``: the dataset of the points where its members live, for when the register has no coordinates.
    ``sliver``: metres below which a strip between two drawn boundaries is taken for one boundary drawn twice.
    """

    name: str
    register: str = ""
    unit: str = "person"
    subject: str = ""
    epsilon: float = 1.0
    period: int = 365
    addresses: str = ""
    sliver: float = 5.0


def kin(population: Population | None, known: Iterable[Population]) -> tuple[Population, ...]:
    """The other populations whose people the register of this one lists, by the same unit: what is public about any
    of them is public about the same people."""
    if population is None or not population.register:
        return ()
    same = (population.register, population.unit)
    return tuple(item for item in known if item.name != population.name and (item.register, item.unit) == same)


@dataclass(frozen=True, slots=True)
class Profile:
    """An attacker the city reckons with: ``knows`` concepts of a person (``*`` is everything observable).

    ``colluding``: ids of organisations that are assumed to put together what they read by agreements (``*`` is all of
    them); a profile may say one of the two, or both.
    """

    name: str
    knows: tuple[str, ...]
    title: str = ""
    populations: tuple[str, ...] = ()  # () is all
    colluding: tuple[str, ...] = ()


EVERYTHING = Profile("everything", ("*",), "Somebody who knows every observable attribute")
"""The attacker of the worst case; always reckoned with."""
