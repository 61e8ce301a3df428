"""A ladder of levels over the values of a column, as SQL that any engine can run.

A ladder goes from fine to coarse and its groups are nested: two values that share a group share every coarser one. So
the number of people in a group only grows on the way up, which is what lets a search prune
(Samarati, *Protecting respondents' identities in microdata release*, IEEE TKDE 2001).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from arengo.contract.model import Kind
from arengo.errors import PolicyError

ALL = "*"
"""The top of every ladder: one group. Also what a value becomes that its ladder does not know."""


class Ladder(ABC):
    """``levels``: names from fine to coarse, the last is :data:`ALL`. A level is named by its name or its number, from
    1; ``""`` and ``"0"`` are the value itself.
    """

    name: str
    levels: tuple[str, ...]

    def place(self, level: str) -> int:
        """Number of a level, 0 for the value itself. Raises PolicyError."""
        if level in ("", "0"):
            return 0
        if level in self.levels:
            return self.levels.index(level) + 1
        number = int(level) if level.isascii() and level.isdecimal() and len(level) < 4 else 0
        if 0 < number <= len(self.levels):
            return number
        raise PolicyError(
            f"The hierarchy {self.name} has no level {level[:80]!r}.",
            todo=f"It has {', '.join(f'{n + 1} ({name})' for n, name in enumerate(self.levels))}.",
        )

    def sql(self, level: str, column: str, kind: str, at: str = "") -> str:
        """SQL of the group of ``column`` at ``level``. ``at``: the level the column's own values stand at already.

        Unknown (NULL) stays unknown below the top and is ``*`` at the top, where nothing is told apart.
        """
        to, here = self.place(level), self.place(at)
        text = as_text(column, kind)
        if to == len(self.levels):
            return f"'{ALL}'"
        if to <= here:
            return text
        label = self.lift(text, here, to) if here else self.label(self.value(column, kind), to)
        return f"CASE WHEN {column} IS NULL THEN NULL ELSE coalesce({label}, '{ALL}') END"

    @abstractmethod
    def value(self, column: str, kind: str) -> str:
        """SQL of what :meth:`label` works on; NULL where it is no such value."""

    @abstractmethod
    def label(self, value: str, place: int) -> str:
        """SQL of the group's name at ``place``, which is neither 0 nor the top; NULL where it has none."""

    def lift(self, label: str, place: int, to: int) -> str:
        """SQL from the name of a group at ``place`` to that of the coarser group at ``to``."""
        return self.label(self.value(label, Kind.STRING), to)

    def between(self, level: str, other: str) -> Mapping[str, str]:
        """Name of a group at ``level`` -> name of the group at the coarser ``other`` that holds it."""
        here, to = self.place(level), self.place(other)
        return Lifted(lambda label: self._lift_one(label, here, to))

    def _lift_one(self, label: str, here: int, to: int) -> str:
        from arengo.lake.layout import text

        if to == len(self.levels) or label == ALL:
            return ALL
        if to <= here:
            return label
        told = text(label)
        lifted = self.lift(told, here, to) if here else self.label(self.value(told, Kind.STRING), to)
        return str(_asked(f"SELECT coalesce({lifted}, '{ALL}')"))


class Lifted(Mapping[str, str]):
    """A mapping over names that cannot be listed: each is worked out when asked for, once."""

    def __init__(self, of: Callable[[str], str]) -> None:
        self._of = of
        self._known: dict[str, str] = {}

    def __getitem__(self, label: str) -> str:
        if label not in self._known:
            self._known[label] = self._of(label)
        return self._known[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def as_text(column: str, kind: str) -> str:
    if kind == Kind.GEOMETRY:
        return f"hex({column})"
    return column if kind in (Kind.STRING, Kind.JSON) else f"CAST({column} AS VARCHAR)"


def nested(mapping: Mapping[str, Sequence[str]], levels: Sequence[str]) -> tuple[str, str, str] | None:
    """A group that lies in two coarser ones, with both; None when every group lies in one."""
    above: dict[tuple[int, str], str] = {}
    for groups in mapping.values():
        for at in range(len(levels) - 1):
            held = above.setdefault((at, groups[at]), groups[at + 1])
            if held != groups[at + 1]:
                return groups[at], held, groups[at + 1]
    return None


def _asked(sql: str) -> Any:
    import duckdb

    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        found = connection.execute(sql).fetchone()
    return found[0] if found else None
