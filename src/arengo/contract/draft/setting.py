"""What kind of table this is, and how a column is marked as being about persons."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arengo.contract.draft.column import Column


@dataclass(slots=True)
class Setting:
    """What kind of table this is: it decides whether a telephone is a person's or an office's."""

    persons: bool = False  # rows are persons
    owners: bool = False  # rows name persons beside something else
    private: bool = False  # private mail addresses or mobile numbers
    offices: bool = False  # rows are offices, shops, facilities
    cases: bool = False  # rows are requests, incidents, permits
    counts: bool = False  # rows are groups with a count
    rows: bool = False  # a column numbers the rows, or rows are cases
    timed: bool = False  # rows carry an exact time
    animals: bool = False  # rows are dogs and other animals: their race, sex and age are nobody's


def some_values(column: Column, most: int = 400) -> list[str]:
    values = list(column.told())
    if len(values) > most:
        values = random.Random(0).sample(values, most)  # noqa: S311 - a repeatable choice, not a secret
    return values


def share_of(values: Sequence[str], test: Callable[[str], object]) -> float:
    return sum(1 for value in values if test(value)) / len(values) if values else 0.0


def mark(column: Column, kind: str, role: str, reason: str) -> None:
    column.personal, column.role, column.reason = kind, role, reason
