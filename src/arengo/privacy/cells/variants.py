"""Variants of one table: columns that nobody gave a concept, and that list the very same groups.

Taken for columns of their own, each multiplies the parts of the population by all its groups, so that a handful of
small tables can no longer be compared. Taken for one column, nothing that could be worked out before is lost: a
published sum tells of its groups in either reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from arengo.privacy.cells.atoms import Coding, Published

Labels = frozenset[str | None]


def merged(tables: Sequence[Published]) -> tuple[list[Published], bool]:
    """The tables with such columns taken for one, and whether there were any. The candidate is the last."""
    seen = [[_labels(item, at) for at in range(len(item.codings))] for item in tables]
    twice = {key for each in seen for key, many in Counter(each).items() if many > 1}  # of one table: two columns
    groups: dict[Labels, list[tuple[int, int, Coding]]] = {}
    for number, each in enumerate(seen):
        for at, key in enumerate(each):
            coding = _one(tables[number], at)
            if coding is not None and key not in twice and len(key) > 1:
                groups.setdefault(key, []).append((number, at, coding))
    codings = [list(item.codings) for item in tables]
    found = False
    for places in groups.values():
        meant = _meant(tables, places)
        if meant is None:
            continue
        for number, at, coding in places:
            if coding[0] != meant[0] and _own(tables[number], at, coding):
                codings[number][at] = tuple(meant if item is not None else None for item in codings[number][at])
                found = True
    return [replace(item, codings=tuple(own)) for item, own in zip(tables, codings, strict=True)], found


def _meant(tables: Sequence[Published], places: Sequence[tuple[int, int, Coding]]) -> Coding | None:
    """What the columns of one group are taken for: the concept that some of them have, else the candidate's column."""
    last = len(tables) - 1
    declared = {coding for number, at, coding in places if not _own(tables[number], at, coding)}
    mine = [(at, coding) for number, at, coding in places if number == last and _own(tables[number], at, coding)]
    if not declared:
        return mine[0][1] if mine else places[0][2]
    sensitive = {item.concept for item in tables[last].release.attributes if item.role == "sensitive"}
    return next(iter(declared)) if len(declared) == 1 and not any(item[0] in sensitive for _, item in mine) else None


def _own(item: Published, at: int, coding: Coding) -> bool:
    """Whether the contract gives a column no concept."""
    return coding[0] == f"{item.release.dataset}.{item.layout.by[at]}"


def _one(item: Published, at: int) -> Coding | None:
    """The coding of all labels of a column, None where they have several."""
    held = {coding for coding in item.codings[at] if coding is not None}
    return next(iter(held)) if len(held) == 1 else None


def _labels(item: Published, at: int) -> Labels:
    told = zip(item.keys, item.codings[at], strict=True)
    return frozenset(key[at] for key, coding in told if coding is not None)
