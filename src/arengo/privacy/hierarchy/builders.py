"""The kinds of ladders: intervals, periods, masks, prefixes, the whole, and groups that are listed.

All of them are plain expressions (CASE, casts, string functions), which DuckDB and, transpiled, Spark understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import itemgetter

from arengo.contract.model import Frozen, Kind
from arengo.lake.layout import text
from arengo.privacy.hierarchy.ladder import ALL, Ladder

_NUMBER = r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?"
TO = "–"
"""Between the first and the last of a group: a dash that no number begins with."""
MOST_CASES = 200
"""Listed values up to which a group is found by CASE; more are joined."""
MOST_ROWS = 2_000
"""Listed values up to which what is joined is a list of rows; more are one text, which the engine takes apart."""
_BETWEEN = (("\x1f", "\x1e"), ("\x1d", "\x1c"), ("\x02", "\x01"))
"""What may stand between value and group, and between one pair and the next: none means anything in an expression."""


class Whole(Ladder):
    """Nothing between a value and all of them."""

    def __init__(self, name: str = "all") -> None:
        self.name, self.levels = name, (ALL,)

    def value(self, column: str, kind: str) -> str:
        return column

    def label(self, value: str, place: int) -> str:
        return "NULL"


class Intervals(Ladder):
    """Numbers in intervals. Each width is a multiple of the one before.

    Where every width and bound is whole they are named by their first and last whole number, ``20–24`` (what lies
    between is with the number below); else, or with ``open``, closed below and open above: ``[0.5, 1)``. ``lower``,
    ``upper``: what lies outside is in one group each: ``< 15``, ``>= 85``. The name depends on the ladder alone, not on
    the type of a column, so that two columns that hold the same in different types can be compared.
    """

    def __init__(
        self, name: str, widths: Sequence[float], lower: float | None = None, upper: float | None = None,
        open: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self.widths = tuple(widths)
        self.lower, self.upper = lower, upper
        self.whole = not open and all(item == int(item) for item in (*widths, lower or 0, upper or 0))
        self.levels = (*(f"by-{plain(width)}" for width in widths), ALL)

    def value(self, column: str, kind: str) -> str:
        if kind in (Kind.INTEGER, Kind.NUMBER):
            return column
        # Texts may have been named by a ladder already, in the words of today or of before.
        return (
            f"CASE WHEN {column} LIKE '<%' OR {column} LIKE '[%' OR {column} LIKE '>%' THEN {self._first(column)} "
            f"ELSE TRY_CAST({column} AS DOUBLE) END"
        )

    def lift(self, label: str, place: int, to: int) -> str:
        return self.label(self._first(label), to)

    def _first(self, label: str) -> str:
        """SQL of a number that is in the group of that name."""
        told = f"TRY_CAST(regexp_extract({label}, '{_NUMBER}', 0) AS DOUBLE)"
        # The name of the group below the lower bound holds the bound itself, which is not in it.
        return f"CASE WHEN {label} LIKE '<%' THEN {told} - 1 ELSE {told} END"

    def label(self, value: str, place: int) -> str:
        width = self.widths[place - 1]
        start = self.lower or 0
        shifted = f"({value} - {plain(start)})" if start else value
        low = f"floor({shifted} / {plain(width)}) * {plain(width)}" + (f" + {plain(start)}" if start else "")
        high = f"{low} + {plain(width)}"
        if self.upper is not None:
            high = f"least({high}, {plain(self.upper)})"
        if self.whole:
            last = f" || '{TO}' || {self._shown(f'{high} - 1')}" if width > 1 else ""
            inside = f"{self._shown(low)}{last}"
        else:
            inside = f"'[' || {self._shown(low)} || ', ' || {self._shown(high)} || ')'"
        cases = ""
        if self.lower is not None:
            cases += f"WHEN {value} < {plain(self.lower)} THEN '< {plain(self.lower)}' "
        if self.upper is not None:
            cases += f"WHEN {value} >= {plain(self.upper)} THEN '>= {plain(self.upper)}' "
        return f"CASE {cases}ELSE {inside} END" if cases else inside

    def _shown(self, number: str) -> str:
        bounds = [*self.widths, self.lower or 0, self.upper or 0]
        if all(item == int(item) for item in bounds):
            return f"CAST(TRY_CAST({number} AS BIGINT) AS VARCHAR)"
        digits = max(len(plain(item).partition(".")[2]) for item in bounds)
        return f"CAST(round({number}, {digits}) AS VARCHAR)"


PERIODS = ("hour", "day", "month", "quarter", "year", "five-years", "decade")


class Dates(Ladder):
    """Periods of the calendar: ``2024-03-15 14:00``, ``2024-03-15``, ``2024-03``, ``2024-Q1``, ``2024``,
    ``2020–2024``, ``2020–2029``. A whole number is a year.
    """

    def __init__(self, name: str, periods: Sequence[str]) -> None:
        self.name = name
        self.levels = (*periods, ALL)

    def value(self, column: str, kind: str) -> str:
        if kind in (Kind.DATE, Kind.TIMESTAMP):
            return column
        told = as_year(column) if kind in (Kind.INTEGER, Kind.NUMBER) else column
        month = f"lpad(CAST(3 * TRY_CAST(right({told}, 1) AS INTEGER) - 2 AS VARCHAR), 2, '0')"
        return (
            f"TRY_CAST(CASE WHEN {told} LIKE '____-Q_' THEN left({told}, 5) || {month} || '-01' "
            f"WHEN {told} LIKE '____-__' THEN {told} || '-01' "
            f"WHEN {told} LIKE '____' OR {told} LIKE '____{TO}____' OR {told} LIKE '____-____' OR {told} LIKE '____s' "
            f"THEN left({told}, 4) || '-01-01' WHEN {told} LIKE '____-__-__ __:__' THEN {told} || ':00' "
            f"ELSE {told} END AS TIMESTAMP)"
        )

    def label(self, value: str, place: int) -> str:
        year = f"CAST(year({value}) AS VARCHAR)"
        month = f"lpad(CAST(month({value}) AS VARCHAR), 2, '0')"
        day = f"lpad(CAST(day({value}) AS VARCHAR), 2, '0')"
        five, ten = (f"CAST(floor(year({value}) / {width}) * {width} AS BIGINT)" for width in (5, 10))
        return {
            "hour": f"{year} || '-' || {month} || '-' || {day} || ' ' || "
                    f"lpad(CAST(hour({value}) AS VARCHAR), 2, '0') || ':00'",
            "day": f"{year} || '-' || {month} || '-' || {day}",
            "month": f"{year} || '-' || {month}",
            "quarter": f"{year} || '-Q' || CAST(quarter({value}) AS VARCHAR)",
            "year": year,
            "five-years": f"CAST({five} AS VARCHAR) || '{TO}' || CAST({five} + 4 AS VARCHAR)",
            "decade": f"CAST({ten} AS VARCHAR) || '{TO}' || CAST({ten} + 9 AS VARCHAR)",
        }[self.levels[place - 1]]  # fmt: skip


class Times(Ladder):
    """Times of the day: ``14:00``, then six hours: ``12:00-18:00``."""

    def __init__(self, name: str = "times") -> None:
        self.name, self.levels = name, ("hour", "part", ALL)

    def value(self, column: str, kind: str) -> str:
        return column if kind in (Kind.TIME, Kind.TIMESTAMP) else f"TRY_CAST(left({column}, 5) AS TIME)"

    def label(self, value: str, place: int) -> str:
        if place == 1:
            return f"lpad(CAST(hour({value}) AS VARCHAR), 2, '0') || ':00'"
        start = f"CAST(floor(hour({value}) / 6) * 6 AS BIGINT)"
        begin, end = (f"lpad(CAST({part} AS VARCHAR), 2, '0') || ':00'" for part in (start, f"{start} + 6"))
        return f"{begin} || '-' || {end}"


class _Texts(Ladder):
    def value(self, column: str, kind: str) -> str:
        return column if kind in (Kind.STRING, Kind.JSON) else f"CAST({column} AS VARCHAR)"


class Hidden(_Texts):
    """Characters hidden from the right, one star each: ``9025*``, ``902**``."""

    def __init__(self, name: str, hide: Sequence[int]) -> None:
        self.name = name
        self.hide = tuple(hide)
        self.levels = (*(f"hide-{number}" for number in hide), ALL)

    def label(self, value: str, place: int) -> str:
        number = self.hide[place - 1]
        shown = f"left({value}, greatest(length({value}) - {number}, 0))"
        return f"{shown} || repeat('*', least(length({value}), {number}))"


class Mask(_Texts):
    """The first characters, then one star for all the others: ``902*``."""

    def __init__(self, name: str, keep: Sequence[int]) -> None:
        self.name = name
        self.keep = tuple(keep)
        self.levels = (*(f"keep-{number}" for number in keep), ALL)

    def label(self, value: str, place: int) -> str:
        number = self.keep[place - 1]
        return f"CASE WHEN length({value}) > {number} THEN left({value}, {number}) || '*' ELSE {value} END"


class Prefix(_Texts):
    """The coarser codes of a code list whose codes begin with those above them, as NACE, COFOG or CPV:
    ``01.11`` -> ``01.1`` -> ``01``. Marks at the end of a cut code are taken off.
    """

    def __init__(self, name: str, lengths: Sequence[int]) -> None:
        self.name = name
        self.lengths = tuple(lengths)
        self.levels = (*(f"first-{number}" for number in lengths), ALL)

    def label(self, value: str, place: int) -> str:
        return f"rtrim(rtrim(left({value}, {self.lengths[place - 1]}), '.'), '-')"


class Groups(_Texts):
    """Values whose groups are listed. ``mapping``: value -> its group at each level below the top."""

    def __init__(self, name: str, levels: Sequence[str], mapping: Mapping[str, Sequence[str]]) -> None:
        self.name = name
        self.levels = (*levels, ALL)
        self.mapping = mapping
        self._told: dict[tuple[int, int], str | Mapping[str, str]] = {}

    def label(self, value: str, place: int) -> str:
        return self.lift(value, 0, place)

    def lift(self, label: str, place: int, to: int) -> str:
        # Worked out once: every measure, search and trial asks for the same few levels.
        told = self._told.get((place, to))
        if told is None:
            groups = self._above(place, to)
            told = self._told[place, to] = listed(groups) if len(groups) > MOST_CASES else groups
        return looked_up(label, told) if isinstance(told, str) else chosen(label, told)

    def between(self, level: str, other: str) -> Mapping[str, str]:
        here, to = self.place(level), self.place(other)
        return Frozen({**self._above(here, max(here, to)), ALL: ALL})

    def _above(self, here: int, to: int) -> dict[str, str]:
        return dict(zip(self._names(here), self._names(to), strict=True))

    def _names(self, place: int) -> Iterable[str]:
        """Of each listed value its group at ``place``."""
        if place == len(self.levels):
            return repeat(ALL, len(self.mapping))
        return map(itemgetter(place - 1), self.mapping.values()) if place else self.mapping


def chosen(value: str, groups: Mapping[str, str]) -> str:
    """SQL from a text to its group. Few values are a CASE; many are looked up in a table of their own."""
    if not groups:
        return "NULL"
    if len(groups) > MOST_CASES:
        return looked_up(value, listed(groups))
    members: dict[str, list[str]] = {}
    for item, group in groups.items():
        members.setdefault(group, []).append(text(item))
    cases = " ".join(f"WHEN {value} IN ({', '.join(items)}) THEN {text(group)}" for group, items in members.items())
    return f"CASE {cases} END"


def looked_up(value: str, table: str) -> str:
    """SQL from a text to its group in a table that :func:`listed` gave."""
    return f'(SELECT max("_hg") FROM {table} WHERE "_hv" = {value})'


def listed(groups: Mapping[str, str]) -> str:
    """SQL of a table of values (``_hv``) and their groups (``_hg``).

    Of many values it is one text that the engine takes apart: as rows each is an expression of its own, which an
    engine reads and plans for longer than it then looks them up.
    """
    for inner, outer in _BETWEEN if len(groups) > MOST_ROWS else ():
        told = outer.join(map(inner.join, groups.items()))
        # More marks than were put there: one stands in a value, which would be taken for two.
        if told.count(inner) == len(groups) and told.count(outer) == len(groups) - 1:
            part = f'split_part("_he", {text(inner)}, '
            rows = f'SELECT unnest(str_split_regex({text(told)}, {text(outer)})) AS "_he"'
            return f'(SELECT {part}1) AS "_hv", {part}2) AS "_hg" FROM ({rows}) AS "_hl") AS "_h"'
    rows = ", ".join(f"({text(item)}, {text(group)})" for item, group in groups.items())
    return f'(VALUES {rows}) AS "_h"("_hv", "_hg")'


def plain(number: float) -> str:
    """A number as SQL and as a person writes it."""
    return str(int(number)) if number == int(number) else repr(float(number))


def as_year(column: str) -> str:
    return f"CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR)"
