"""Long lists of the privacy desk in pages: what a check found, column by column, can be thousands of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from arengo.errors import BadQuery
from arengo.portal.visit import Visit

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Turn:
    """Which part of a list of ``all`` items is shown: those from ``first`` to ``last``, counted from 1; 0 and 0 of an
    empty one. ``before`` and ``after``: addresses of the pages beside it, '' where there is none."""

    number: int
    pages: int
    first: int
    last: int
    all: int
    before: str = ""
    after: str = ""

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items of this page."""
        return items[self.first - 1 : self.last] if self.last else items[:0]


def turn(visit: Visit, count: int, most: int, name: str = "page", mark: str = "") -> Turn:
    """The page of a list that the address asks for in its parameter ``name``, at most ``most`` items long; the last
    one when it asks for one behind it. ``mark``: id of the list on the page. Raises BadQuery for what is no number."""
    pages = max(-(-count // most), 1)
    number = min(asked(visit, name), pages)
    at = f"#{mark}" if mark else ""
    before = visit.here(**{name: number - 1 if number > 2 else None}) + at if number > 1 else ""
    after = visit.here(**{name: number + 1}) + at if number < pages else ""
    first = (number - 1) * most + 1 if count else 0
    return Turn(number, pages, first, min(number * most, count), count, before, after)


def asked(visit: Visit, name: str = "page") -> int:
    """The number of a page that the address asks for. Raises BadQuery."""
    given = visit.param(name, "1")
    if not (given.isascii() and given.isdecimal() and 0 < len(given) < 7 and int(given) > 0):
        raise BadQuery(f"{name} is {given[:20]!r}, and pages are counted from 1.")
    return int(given)
