"""Everything the departments of Arvenza share: the calendar of the demo, the ground, and dice of their own."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from arengo.demo import names
from arengo.demo.geography import Geography
from arengo.demo.promise import Promise

DAYS_BEFORE_END = (180, 150, 120, 90, 60, 30, 1)
"""When the demo publishes: seven mornings, the last one the day before ``end``."""

LAST = len(DAYS_BEFORE_END) - 1


class World:
    """One seed, one city. Each dataset draws from its own generator, so a change in one moves no other."""

    def __init__(self, seed: int, end: date) -> None:
        self.seed = seed
        self.end = end
        self.memory: dict[str, Any] = {}

    def day(self, step: int) -> date:
        """The day a step is published; the data reach to the evening before."""
        return self.end - timedelta(days=DAYS_BEFORE_END[step])

    def moment(self, step: int) -> datetime:
        return datetime.combine(self.day(step), time(4, 30), tzinfo=UTC)

    def random(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    @cached_property
    def ground(self) -> Geography:
        return Geography(self.random("ground"))

    def once(self, name: str, make: Callable[[np.random.Generator], Any]) -> Any:
        """What a dataset keeps between steps (all trees ever, all requests ever), made when first asked for."""
        if name not in self.memory:
            self.memory[name] = make(self.random(name))
        return self.memory[name]

    @cached_property
    def firms(self) -> tuple[str, ...]:
        random = self.random("firms")
        found: dict[str, None] = {}
        while len(found) < 140:
            start, end = random.choice(names.FIRM_START), random.choice(names.FIRM_END)
            found[f"{start}{end} {random.choice(names.FIRM_FORM)}"] = None
        return tuple(found)

    def surname(self, random: np.random.Generator) -> str:
        middle = random.choice(names.SURNAME_MIDDLE) if random.random() < 0.7 else ""
        return f"{random.choice(names.SURNAME_START)}{middle}{random.choice(names.SURNAME_END)}".replace("rr", "r")


Writer = Callable[[World, int, Path], None]


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset of the demo.

    ``promises``: its contract by the step from which it holds. ``write(world, step, folder)`` puts the source into
    the state of that step; None when another dataset's writer makes the same file. ``steps``: when it is published.
    """

    promises: Mapping[int, Promise]
    steps: tuple[int, ...]
    write: Writer | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return next(iter(self.promises.values())).id

    def promise(self, step: int) -> Promise:
        return self.promises[max(number for number in self.promises if number <= step)]


EVERY = tuple(range(len(DAYS_BEFORE_END)))
