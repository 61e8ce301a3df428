"""Which form of a sentence about a finding its numbers ask for."""

from __future__ import annotations

from collections.abc import Callable

from arengo.portal.language import Speech
from arengo.privacy.finding import Finding

Count = Callable[[str], int]
"""Name of a fact -> its number, which decides between one and several."""


def counted(item: Finding) -> Count:
    """The numbers of a finding."""

    def count(fact: str) -> int:
        value = item.values.get(fact)
        return value if isinstance(value, int) else 2

    return count


def several(fact: str) -> int:
    """More than one of everything."""
    return 2


def forms(s: Speech, n: Count) -> Callable[[str, str, str], str]:
    """(one, several, fact) -> the form that the number of the fact decides on."""
    return lambda one, several, fact: s.words.ngettext(one, several, n(fact))
