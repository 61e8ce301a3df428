# ruff: noqa: SIM905 - word lists read better as text
"""Labels of rows and of cells that mean the same groups: equal words, sexes, ages in bands, levels of a hierarchy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.draft.words import concepts, words
from arengo.errors import ArengoError
from arengo.privacy.cells.undeclared import PLACES
from arengo.privacy.release import Attribute, Release

if TYPE_CHECKING:
    from arengo.privacy.case import Case

_FAMILIES = ({"age", "birth"}, {"sex"}, {"nationality"}, {"home", "address", "postcode", "city", "location"})
_FEMALE = frozenset(
    "f female females woman women girl girls femme femmes feminin féminin mujer mujeres femenino donna donne femmina "
    "femminile frau frauen weiblich w k kobieta kobiety dona dones mulher".split()
)
_MALE = frozenset(
    "m male males man men boy boys homme hommes masculin masculino hombre hombres h uomo uomini maschio maschile mann "
    "männer maenner männlich mężczyzna mezczyzna home homes homem".split()
)
_BETWEEN = re.compile(r"[\[(]?\s*(\d+)\s*[a-z]*\s*(?:-|,|\.\.|to|a|à|do|bis|until)\s*(\d+)\s*[a-z]*\s*([\])]?)")
_DAY = re.compile(r"(\d{4})-(?:0[1-9]|1[0-2])(?:-\d\d.*)?")
_ONE = re.compile(r"(\d+)\s*(?:[a-z]+)?")
_UP = re.compile(r"(?:[≥>]=?\s*(\d+)|(\d+)\s*(?:[a-z]+\s*)?(?:\+|and over|and older|or more|und mehr|und älter|"
                 r"et plus|ou plus|e oltre|o más|o mas|y más|y mas|e mais|i więcej))\s*[a-z]*")  # fmt: skip
_DOWN = re.compile(r"(?:[≤<]=?|under|below|unter|moins de|menos de|meno di|poniżej)\s*(\d+)\s*[a-z]*")

Labels = Mapping[str | None, int]
"""Label -> the group it is in: what rows and the table can both tell apart."""


def alike(item: Attribute, dim: Attribute, release: Release) -> bool:
    """Whether a column may tell what a dimension tells: it is not said to mean something else."""
    own, others = item.concept == f"{release.dataset}.{item.column}", dim.concept.endswith(f".{dim.column}")
    if not own and not others and item.concept != dim.concept:
        return False
    mine, other = families(item), families(dim)
    return not mine or not other or bool(mine & other)


def families(item: Attribute) -> set[int]:
    """What a column is about by its name and concept; empty where they do not say."""
    named = (item.column, item.concept.rpartition(".")[2])
    meant = {told for name in named for told in concepts(name)}
    if any(set(words(name)) & PLACES for name in named):
        meant.add("home")
    return {at for at, family in enumerate(_FAMILIES) if meant & family}


def maps(
    case: Case, item: Attribute, dim: Attribute, rows: Sequence[str | None], cells: Sequence[str | None]
) -> Iterable[tuple[Labels, Labels]]:
    """Ways in which labels of rows and of cells may be the same groups, the plainest first."""
    for made in (_equal, _sexes, _ranges):
        found_ = made(rows, cells)
        if found_ is not None:
            yield found_
    for name in dict.fromkeys(name for name in (item.hierarchy, dim.hierarchy) if name):
        for one, two, upward in ((item, dim, True), (dim, item, False)):
            try:
                map_ = case.codes.between(name, one.level or "0", two.level or "0")
            except (ArengoError, KeyError, ValueError):
                continue
            finer, coarser = (rows, cells) if upward else (cells, rows)
            places: Labels = {label: at for at, label in enumerate(coarser)}
            told: Labels = {label: places[up] for label in finer if label and (up := map_.get(label)) in places}
            if 2 * len(told) >= len(finer):
                yield (told, places) if upward else (places, told)


def _grouped(
    rows: Sequence[str | None], cells: Sequence[str | None], plain: Callable[[str], Any]
) -> tuple[Labels, Labels] | None:
    numbers: dict[Any, int] = {}
    told: list[Labels] = [
        {label: numbers.setdefault(value, len(numbers)) for label in side
         if label is not None and (value := plain(label)) is not None}
        for side in (rows, cells)
    ]  # fmt: skip
    shared = set(told[0].values()) & set(told[1].values())
    if not shared or 2 * len(shared) < min(len(set(told[0].values())), len(set(told[1].values()))):
        return None
    return told[0], told[1]


def _equal(rows: Sequence[str | None], cells: Sequence[str | None]) -> tuple[Labels, Labels] | None:
    return _grouped(rows, cells, _plain)


def _plain(label: str) -> str:
    return re.sub(r"\s+", " ", re.sub("[‐-―−]", "-", label)).strip().casefold()


def _sexes(rows: Sequence[str | None], cells: Sequence[str | None]) -> tuple[Labels, Labels] | None:
    told: list[dict[str | None, int]] = []
    for side in (rows, cells):
        plain = {label: _plain(label) for label in side if label is not None}
        spanish = "h" in plain.values() and "m" in plain.values()
        made: dict[str | None, int] = {
            label: 0 if word in _FEMALE or (spanish and word == "m") else 1 for label, word in plain.items()
            if word in _FEMALE or word in _MALE
        }  # fmt: skip
        if len(made) != 2 or len(set(made.values())) != 2 or len(plain) > 4:
            return None
        told.append(made)
    return told[0], told[1]


def _ranges(rows: Sequence[str | None], cells: Sequence[str | None]) -> tuple[Labels, Labels] | None:
    """Ages, years and bands of them: groups are what the borders of both have in common."""
    told = [intervals(side) for side in (rows, cells)]
    if any(2 * len(made) < len(side) for made, side in zip(told, (rows, cells), strict=True)) or not all(told):
        return None
    ends = sorted({(low, high, side, label) for side, made in enumerate(told) for label, (low, high) in made.items()})
    groups: tuple[dict[str | None, int], dict[str | None, int]] = ({}, {})
    number, until = -1, -np.inf
    for low, high, side, label in ends:
        if low >= until:
            number += 1
        until = max(until, high)
        groups[side][label] = number
    return groups if set(groups[0].values()) & set(groups[1].values()) else None


def intervals(labels: Iterable[str | None]) -> dict[str, tuple[float, float]]:
    raw: dict[str, tuple[float, float, bool]] = {}
    for label in labels:
        word = _plain(label) if label is not None else ""
        if at := _DAY.fullmatch(word):
            raw[str(label)] = (float(at[1]), float(at[1]) + 1, False)
        elif at := _BETWEEN.fullmatch(word):
            if float(at[1]) <= float(at[2]):
                raw[str(label)] = (float(at[1]), float(at[2]), at[3] != ")")
        elif at := _UP.fullmatch(word):
            raw[str(label)] = (float(at[1] or at[2]) + (word.startswith(">") and "=" not in word), np.inf, False)
        elif at := _DOWN.fullmatch(word):
            raw[str(label)] = (-np.inf, float(at[1]) + (word.startswith(("≤", "<="))), False)
        elif at := _ONE.fullmatch(word):
            raw[str(label)] = (float(at[1]), float(at[1]) + 1, False)
    lows = {low for low, high, closed in raw.values() if closed and low < high}
    half = any(high in lows for low, high, closed in raw.values() if closed and low < high)
    return {label: (low, high + (closed and not half)) for label, (low, high, closed) in raw.items()}
