"""The hierarchies in force: lists and rules of the city folder, and those that are built in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from arengo.contract.model import Kind, Property
from arengo.errors import PolicyError
from arengo.privacy.hierarchy.builders import Dates, Groups, Hidden, Intervals, Times, Whole, plain
from arengo.privacy.hierarchy.file import FOLDER, KIND, read
from arengo.privacy.hierarchy.ladder import Ladder
from arengo.privacy.hierarchy.places import Places, Zoning
from arengo.state import texts

if TYPE_CHECKING:
    from arengo.governance.hierarchy import Hierarchies
    from arengo.lake import Lake
    from arengo.settings import Settings
    from arengo.state import State

STEPS = (1, 2, 4, 8, 16)
"""Widths of ``numbers/N`` and ``measures/N`` as multiples of N."""
BUILT_IN: Mapping[str, Ladder] = {
    "dates": Dates("dates", ("month", "quarter", "year", "five-years", "decade")),
    "moments": Dates("moments", ("hour", "day", "month", "quarter", "year", "five-years", "decade")),
    "times": Times("times"),
    "numbers": Intervals("numbers", (5, 10, 20, 40)),
    "measures": Intervals("measures", (5, 10, 20, 40), open=True),
    "characters": Hidden("characters", (1, 2, 3, 4, 5, 6)),
    "all": Whole("all"),
}
"""Where the contract names none; the city's own of the same name comes first."""
_USUAL = {
    Kind.DATE: "dates",
    Kind.TIMESTAMP: "moments",
    Kind.TIME: "times",
    Kind.INTEGER: "numbers",
    Kind.NUMBER: "measures",
    Kind.STRING: "characters",
}


def usual(kind: Kind) -> str:
    """The built-in hierarchy of a kind of column."""
    return _USUAL.get(kind, "all")


def hierarchy_of(column: Property) -> str:
    """Name of a column's hierarchy: the contract's, else the usual one of its kind."""
    return str(column.custom.get("arengoHierarchy", "")) or usual(column.kind)


class CityCodes:
    """Implements :class:`arengo.privacy.case.Codes`. Thread-safe: what it keeps is replaced, never changed.

    ``numbers/N`` is built in for every positive N: intervals of N, 2N, 4N, 8N, 16N; ``measures/N`` for fractions.
    """

    def __init__(self, settings: Settings, state: State, hierarchies: Hierarchies, lake: Lake | None = None) -> None:
        self._settings = settings
        self._state = state
        self._lists = hierarchies
        self._own_lake = lake
        self._kept: tuple[int, Mapping[str, str]] = (-1, {})
        self._made: dict[tuple[object, ...], Ladder] = {}

    def levels(self, name: str) -> tuple[str, ...]:
        """Names of the levels above the values; the last is ``*``."""
        return self.ladder(name).levels

    def sql(self, name: str, level: str, column: str, kind: str, at: str = "") -> str:
        """SQL of the group of ``column`` at ``level``, VARCHAR. ``at``: the level its values stand at already."""
        return self.ladder(name).sql(str(level), column, kind, str(at))

    def between(self, name: str, level: str, other: str) -> Mapping[str, str]:
        """Name of a group at ``level`` -> name of the one at the coarser ``other``; where groups cannot be listed
        (numbers, dates), the mapping answers but does not list them."""
        return self.ladder(name).between(str(level), str(other))

    def areas(self, name: str, level: str) -> Zoning | None:
        """The areas with shapes that a level of a hierarchy of places names; None for any other hierarchy."""
        if not name or name in self._lists.marks() or name not in self._rules():
            return None
        (record,) = self._state.saved(KIND, name)
        made = read(name, str(record.body["text"]))
        return made.zoning(self._lake, str(level)) if isinstance(made, Places) else None

    def ladder(self, name: str) -> Ladder:
        """Raises PolicyError for a name nobody has."""
        mark = self._lists.marks().get(name)
        if mark is not None:
            return self._once((name, mark), lambda: self._listed(name))
        rule = self._rules().get(name)
        if rule is not None:
            (record,) = self._state.saved(KIND, name)
            made = read(name, str(record.body["text"]))
            if isinstance(made, Places):
                return self._once((name, rule, made.marks(self._lake)), lambda: made.made(self._lake))
            return made
        built = BUILT_IN.get(name or "all") or _numbers(name)
        if built is not None:
            return built
        there = (self._settings.root / FOLDER / f"{name}.toml").is_file() if name.isprintable() else False
        raise PolicyError(
            f"There is no hierarchy {name[:80]!r} in force.",
            todo="It is in the folder: run 'arengo apply'."
            if there
            else f"Put it into {FOLDER}/{name[:80]}.csv or .toml. Built in: {', '.join(BUILT_IN)}.",
        )

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> names of its levels, of all in force, the built-in ones among them."""
        own = {name: self.ladder(name).levels for name in (*self._lists.marks(), *self._rules())}
        return {**{name: ladder.levels for name, ladder in BUILT_IN.items()}, **dict(sorted(own.items()))}

    @property
    def _lake(self) -> Lake:
        if self._own_lake is None:
            from arengo.lake import Lake

            self._own_lake = Lake(self._settings, self._state)
        return self._own_lake

    def _listed(self, name: str) -> Ladder:
        held = self._lists.get(name)
        return Groups(name, held.levels, held.mapping)

    def _once(self, key: tuple[object, ...], make: _Make) -> Ladder:
        found = self._made.get(key)
        if found is None:
            if len(self._made) > 100:
                self._made.clear()
            found = self._made[key] = make()
        return found

    def _rules(self) -> Mapping[str, str]:
        generation = self._state.generation()
        if self._kept[0] != generation:
            self._kept = (generation, texts.marks(self._state, KIND))
        return self._kept[1]


def _numbers(name: str) -> Ladder | None:
    head, _, width = name.partition("/")
    if head not in ("numbers", "measures") or len(width) > 20:
        return None
    try:
        step = float(width)
    except ValueError:
        return None
    if not 1e-9 <= step <= 1e15:
        return None
    return Intervals(f"{head}/{plain(step)}", [step * times for times in STEPS], open=head == "measures")


if TYPE_CHECKING:
    from collections.abc import Callable

    _Make = Callable[[], Ladder]
