"""Columns of several tables that list the same groups though no contract says so, and so are taken for one.

Two tables of one population, a column *district* here and *barrio* there, the same names in both: whoever has the two
subtracts the one from the other. Nobody declared it, so it is a guess. It is made where the labels are names (many, no
bands, years, sexes or flags) and the figures of both do not contradict it; of other labels only where the figures say
it themselves. What follows from a guess is looked at by a person, and it takes nothing from what the contracts say.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.draft import words
from arengo.contract.model import Kind
from arengo.privacy.cells.atoms import NOISY, Coding, Published
from arengo.privacy.cells.labels import alike, families, intervals
from arengo.privacy.release import Attribute

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = 6
"""Shared labels that are names, from which two columns may list the same groups by their labels alone."""
SHARE = 0.8
"""Of the shorter list that must stand in the other one."""
LETTERS, DIGITS = 3, 5
"""Of a label that is a name, or a code so long that two lists do not share it by accident."""
EVIDENCE = 5.0
"""Decimal digits of figures that agree, from which they say themselves that two columns are one."""
RARE = 0.05
"""Of a group that may be of kinds the table does not show anywhere."""
VERSIONS = 3
"""Of a dataset that are compared with a table, the newest first."""
CELLS = 200_000
"""Cells of a table up to which its columns are compared with others'."""
WORK = 2_000_000
"""Figures of groups up to which each sum of a table is compared with each of another one; beyond, those of one name."""
_TIMES = frozenset({"date", "year", "month", "hour", "quarter"})
_CALENDAR = re.compile(
    r"(?:jan|ene|gen|feb|fev|mar|apr|abr|avr|may|mai|mag|jun|juin|giu|jul|juil|lug|aug|ago|aou|sep|set|oct|okt|ott|out"
    r"|nov|dec|dic|dez|des|mon|tue|wed|thu|fri|sat|sun|lun|mie|jue|vie|sab|dom)[a-z.]{0,8}"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """``column`` of ``release`` is taken for ``other`` of the release ``beside``; ``labels``: that stand in both."""

    release: str
    column: str
    beside: str
    other: str
    labels: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the figures say of two columns: groups in which both tables count as many, groups in which they cannot be
    of the same persons, and how many decimal digits agree."""

    agree: int = 0
    against: int = 0
    digits: float = 0.0

    @property
    def fits(self) -> bool:
        return self.against <= self.agree

    @property
    def certain(self) -> bool:
        return self.agree >= 2 and not self.against and self.digits >= EVIDENCE


@dataclass(slots=True)
class _Held:
    """A table with the plain labels of its columns. ``number``: its place in what was given. ``parts``, ``figures``:
    what was worked out of some columns, as every pair of columns and tables asks again."""

    number: int
    item: Published
    labels: list[Mapping[str, str | None] | None] = field(default_factory=list)
    parts: dict[tuple[int, ...], _Parts] = field(default_factory=dict)
    figures: dict[tuple[tuple[int, ...], str], Mapping[Group, _Figure]] = field(default_factory=dict)


Pair = tuple[int, int]
Group = tuple[str, ...]


def linked(tables: Sequence[Published]) -> tuple[list[Published], tuple[Taken, ...]]:
    """The tables with such columns (and sums) taken for one, and which were. The candidate is the last; the others are
    of its population."""
    mine = _held(len(tables) - 1, tables[-1])
    if len(mine.item.keys) > CELLS or not mine.item.codings:
        return list(tables), ()
    known: dict[str, list[_Held]] = defaultdict(list)
    for number in range(len(tables) - 2, -1, -1):
        if len(tables[number].keys) <= CELLS and len(known[tables[number].release.dataset]) < VERSIONS:
            known[tables[number].release.dataset].append(_held(number, tables[number]))
    groups = _Groups()
    taken: list[Taken] = []
    sums: dict[str, dict[str, str]] = {}
    near: list[_Held] = []
    known.pop(mine.item.release.dataset, None)  # its columns are the candidate's
    for listed in known.values():
        for other in listed:
            found = groups.join(mine, other, _pairs(mine, other))
            if found:
                near.append(other)
                taken += [_named(mine, other, pair) for pair in found]
                sums[other.item.release.dataset] = _sums(mine, other, found)
                break
    for at, one in enumerate(near):  # what two earlier tables share may be no column of the candidate's
        for other in near[at + 1 :]:
            taken += [_named(one, other, pair) for pair in groups.join(one, other, _pairs(one, other))]
    if not taken:
        return list(tables), ()
    return [_said(item, groups, sums.get(item.release.dataset, {})) for item in tables], tuple(dict.fromkeys(taken))


def _held(number: int, item: Published) -> _Held:
    return _Held(number, item, [_labels(item, at) for at in range(len(item.codings))])


def plain(label: str) -> str:
    """A label without its spelling: capitals, accents, kinds of dashes and spaces."""
    return re.sub(r"\s+", " ", re.sub("[‐-―−]", "-", words.plain(label))).strip()


def _labels(item: Published, at: int) -> Mapping[str, str | None] | None:
    """Plain label -> label, of all that are no total; None where two are spelt alike."""
    out: dict[str, str | None] = {}
    for label in {key[at] for key, coding in zip(item.keys, item.codings[at], strict=True) if coding is not None}:
        if label is not None and out.setdefault(plain(label), label) != label:
            return None
    return out


def _attribute(item: Published, at: int) -> Attribute:
    name = item.layout.by[at]
    told = next((one for one in item.release.attributes if one.column == name), None)
    return told or Attribute(name, Kind.STRING, concept=f"{item.release.dataset}.{name}")


def _own(item: Published, at: int) -> bool:
    """Whether the contract gives a column no concept."""
    return _attribute(item, at).concept == f"{item.release.dataset}.{item.layout.by[at]}"


def _pairs(one: _Held, other: _Held) -> list[Pair]:
    """Columns of two tables that are taken for one; each is in one pair at the most."""
    may: list[tuple[bool, Told, Pair]] = []
    for a in range(len(one.labels)):
        for b in range(len(other.labels)):
            if _same(one, other, (a, b)):
                pair = (a, b)
                may.append((_names(one, other, pair), _told(one, other, [pair]), pair))
    chosen = _clear([(told, pair) for names, told, pair in may if (names and told.fits) or told.certain])
    if not chosen:
        return []
    left = [pair for _, _, pair in may if not {pair[0]} & {a for a, _ in chosen} | {pair[1]} & {b for _, b in chosen}]
    more = [(told, pair) for pair in left if _beside(one, other, pair, told := _told(one, other, [*chosen, pair]))]
    return [*chosen, *_clear(more)]


def _clear(may: Sequence[tuple[Told, Pair]]) -> list[Pair]:
    """Those that no other one of a column is as good as: a journey has two columns of the same districts."""
    out: list[Pair] = []
    for told, pair in sorted(may, key=lambda item: -item[0].agree):
        rivals = [other for other in may if other[1] != pair and (other[1][0] == pair[0] or other[1][1] == pair[1])]
        if all(told.agree > other.agree for other, _ in rivals):
            out.append(pair)
    return out


def _same(one: _Held, other: _Held, pair: Pair) -> bool:
    """Whether two columns list the same labels, and nobody says that they mean something else."""
    mine, theirs = one.labels[pair[0]], other.labels[pair[1]]
    if not mine or not theirs:
        return False
    shared = len(mine.keys() & theirs.keys())
    if shared < 2 or shared < SHARE * min(len(mine), len(theirs)):
        return False
    a, b = _attribute(one.item, pair[0]), _attribute(other.item, pair[1])
    if not _own(one.item, pair[0]) and not _own(other.item, pair[1]):
        return False  # of one concept they are compared already, and of two they are two
    return alike(a, b, one.item.release)


def _names(one: _Held, other: _Held, pair: Pair) -> bool:
    """Whether the shared labels are names, so many that two unrelated lists would not have them."""
    columns = (one.item.layout.by[pair[0]], other.item.layout.by[pair[1]])
    if any(words.concepts(name) & _TIMES for name in columns):
        return False
    shared = (one.labels[pair[0]] or {}).keys() & (other.labels[pair[1]] or {}).keys()
    bands = {label for label in intervals(shared) if sum(map(str.isdigit, label)) < DIGITS or not label.isdecimal()}
    told = [
        label for label in shared - bands
        if not _CALENDAR.fullmatch(label)
        and (sum(map(str.isalpha, label)) >= LETTERS or sum(map(str.isdigit, label)) >= DIGITS)
    ]  # fmt: skip
    return len(told) >= NAMES


def _beside(one: _Held, other: _Held, pair: Pair, told: Told) -> bool:
    """A further column of two tables that are known to list the same groups: as the figures say, or by its name too."""
    if told.certain:
        return True
    a, b = _attribute(one.item, pair[0]), _attribute(other.item, pair[1])
    named = plain(a.column) == plain(b.column) or bool(families(a) & families(b))
    all_ = (one.labels[pair[0]] or {}).keys() == (other.labels[pair[1]] or {}).keys()
    return told.fits and all_ and named


def _named(one: _Held, other: _Held, pair: Pair) -> Taken:
    shared = len((one.labels[pair[0]] or {}).keys() & (other.labels[pair[1]] or {}).keys())
    return Taken(one.item.release.label, one.item.layout.by[pair[0]], other.item.release.label,
                 other.item.layout.by[pair[1]], shared)  # fmt: skip


# What the figures say


@dataclass(frozen=True, slots=True)
class _Figure:
    """Of a group what a table says: ``least`` that is in it, and the ``most`` that may be: no more where a cell is
    the group itself; a little more where all its parts are shown, as kinds that are rare everywhere may be missing."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class _Parts:
    """Cells by the groups of some columns. ``kinds``: coarse ones first, cells whose other columns are of one coding:
    whether they are the groups themselves, which cells, and the place in ``groups`` of each."""

    groups: list[Group]
    kinds: list[tuple[bool, NDArray[np.int64], NDArray[np.int64]]]


def _told(one: _Held, other: _Held, pairs: Sequence[Pair]) -> Told:
    """What the figures of two tables say of columns taken for one, by those figures that speak for it most."""
    apart = one.item.layout.where != other.item.layout.where
    best: Told | None = None
    for first, second, meant in _measures(one, other, pairs):
        found = _compared(_figures(one, [a for a, _ in pairs], first), _figures(other, [b for _, b in pairs], second),
                          one.item.slack + other.item.slack if meant == "count" else 0.0)  # fmt: skip
        if not meant and found.agree < 2:
            continue  # figures of two things may differ
        if apart or not meant:
            found = replace(found, against=0)
        if best is None or (found.agree, -found.against) > (best.agree, -best.against):
            best = found
    return best or Told()


def _measures(one: _Held, other: _Held, pairs: Sequence[Pair]) -> Iterator[tuple[str, str, str]]:
    """Figures of two tables that may be of the same thing ('' the counts, else the concept of a sum), and how far that
    is told; '' where nothing says that they are."""
    mine, theirs = one.item, other.item
    counts = not np.isnan(mine.figures).all() and not np.isnan(theirs.figures).all()
    if counts and max(mine.slack, theirs.slack) < NOISY:
        yield "", "", "count" if mine.layout.count and theirs.layout.count else ""
    every = _affordable(one, other, pairs)
    for concept, (column, _, _) in mine.sums.items():
        for key, (name, _, _) in theirs.sums.items():
            meant = concept == key or plain(column) == plain(name)
            if meant or every:
                yield concept, key, "sum" if meant else ""


def _affordable(one: _Held, other: _Held, pairs: Sequence[Pair]) -> bool:
    """Whether each sum of a table can be compared with each of the other one."""
    shared = min(len(_parts(one, [a for a, _ in pairs]).groups), len(_parts(other, [b for _, b in pairs]).groups))
    return len(one.item.sums) * len(other.item.sums) * shared <= WORK


def _coded(values: Iterable[Any]) -> tuple[NDArray[np.int64], list[Any]]:
    """Of each value its place in the different ones."""
    places: dict[Any, int] = {}
    codes = [places.setdefault(value, len(places)) for value in values]
    return np.array(codes, np.int64), list(places)


def _classes(codes: Sequence[NDArray[np.int64]], number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first place of each combination of codes, and of each place its combination."""
    of = np.zeros(number, np.int64)
    for more in codes:
        _, of = np.unique(of * (int(more.max(initial=0)) + 1) + more, return_inverse=True)
    _, first, of = np.unique(of, return_index=True, return_inverse=True)
    return first, of


def _parts(held: _Held, dims: Sequence[int]) -> _Parts:
    known = held.parts.get(tuple(dims))
    if known is not None:
        return known
    item = held.item
    there = np.ones(len(item.keys), bool)
    names: list[list[str]] = []
    labelled: list[NDArray[np.int64]] = []
    for at in dims:
        codes, labels = _coded(key[at] if coding is not None else None
                               for key, coding in zip(item.keys, item.codings[at], strict=True))  # fmt: skip
        there &= np.array([label is not None for label in labels], bool)[codes]
        spelt, plains = _coded(plain(str(label)) for label in labels)
        labelled.append(spelt[codes])
        names.append(plains)
    cells = np.flatnonzero(there)
    first, group = _classes([codes[cells] for codes in labelled], len(cells))
    groups = [tuple(listed[codes[cells[at]]] for listed, codes in zip(names, labelled, strict=True)) for at in first]
    coded = [_coded(item.codings[at]) for at in range(len(item.codings)) if at not in dims]
    begin, kind = _classes([codes[cells] for codes, _ in coded], len(cells))
    fine = [sum(bool(told[codes[cells[at]]]) for codes, told in coded) for at in begin]
    order = np.argsort(kind, kind="stable")
    bounds = np.searchsorted(kind[order], np.arange(len(begin) + 1))
    kinds = [(fine[at] == 0, cells[order[bounds[at] : bounds[at + 1]]], group[order[bounds[at] : bounds[at + 1]]])
             for at in sorted(range(len(begin)), key=lambda at: (fine[at], begin[at]))]  # fmt: skip
    made = held.parts[tuple(dims)] = _Parts(groups, kinds)
    return made


def _figures(held: _Held, dims: Sequence[int], name: str) -> Mapping[Group, _Figure]:
    """Of each group of some columns what the table says of it: the cell that is the group itself, else what its parts
    come to, which may be fewer than all of them. ``name``: the concept of a sum, '' for the counts."""
    known = held.figures.get((tuple(dims), name))
    if known is not None:
        return known
    values = held.item.sums[name][1] if name else held.item.figures
    parts = _parts(held, dims)
    number = len(parts.groups)
    out: dict[Group, _Figure] = {}
    for whole, cells, group in parts.kinds:
        blank = np.bincount(group[np.isnan(values[cells])], minlength=number) > 0
        sums = np.bincount(group, np.nan_to_num(values[cells]), minlength=number)
        lengths = np.bincount(group, minlength=number)
        marked = bool(blank.any())  # then what is not there is nobody
        longest = int(lengths.max(initial=0))
        for at in np.flatnonzero(lengths).tolist():
            least, key = float(sums[at]), parts.groups[at]
            if whole:
                if not blank[at]:
                    out[key] = _Figure(least, least)
            elif key not in out or (least > out[key].least and out[key].most > out[key].least):
                shown = not blank[at] and (marked or lengths[at] == longest)
                out[key] = _Figure(least, least * (1 + RARE) if shown else inf)
    held.figures[tuple(dims), name] = out
    return out


def _compared(one: Mapping[Group, _Figure], other: Mapping[Group, _Figure], slack: float) -> Told:
    agree = against = 0
    digits = 0.0
    for group in one.keys() & other.keys():
        a, b = one[group], other[group]
        near = slack + 1e-9 * max(abs(a.least), abs(b.least))
        if abs(a.least - b.least) <= near:
            if a.least:
                agree += 1
                digits += 0.0 if slack else log10(abs(a.least) + 1)
        elif a.most + near < b.least or b.most + near < a.least:
            against += 1
    return Told(agree, against, digits)


def _sums(one: _Held, other: _Held, pairs: Sequence[Pair]) -> dict[str, str]:
    """Sums of the other table that are the candidate's by another name: their figures say it. Concept -> its."""
    out: dict[str, str] = {}
    every = _affordable(one, other, pairs)
    for concept, (column, _, _) in one.item.sums.items():
        for key, (name, _, _) in other.item.sums.items():
            declared = concept != f"{one.item.release.dataset}.{column}"
            theirs = key != f"{other.item.release.dataset}.{name}"
            if concept == key or (declared and theirs) or key in out or concept in out.values():
                continue
            named = plain(column) == plain(name)
            if not named and not every:
                continue
            told = _compared(_figures(one, [a for a, _ in pairs], concept),
                             _figures(other, [b for _, b in pairs], key), 0.0)  # fmt: skip
            if told.certain or (told.fits and named):
                out[key] = concept
    return out


# One name for what is taken for one


class _Groups:
    """Columns of datasets that are taken for one, with one coding a label."""

    def __init__(self) -> None:
        self._above: dict[tuple[str, str], tuple[str, str]] = {}
        self._tables: dict[tuple[str, str], tuple[_Held, int]] = {}
        self._words: dict[tuple[str, str], Mapping[str, tuple[str | None, Coding]]] = {}

    def _root(self, column: tuple[str, str]) -> tuple[str, str]:
        while column in self._above:
            column = self._above[column]
        return column

    def join(self, one: _Held, other: _Held, pairs: Iterable[Pair]) -> list[Pair]:
        """Take columns for one; no table gets one column twice, and no column two concepts. Those that were taken."""
        done: list[Pair] = []
        for a, b in pairs:
            columns = [(held.item.release.dataset, held.item.layout.by[at]) for held, at in ((one, a), (other, b))]
            for column, held, at in zip(columns, (one, other), (a, b), strict=True):
                self._tables.setdefault(column, (held, at))
            roots = [self._root(column) for column in columns]
            if roots[0] == roots[1]:
                continue
            both = [*self._members(roots[0]), *self._members(roots[1])]
            said = {_concept(*self._tables[column]) for column in both} - {""}
            if len({dataset for dataset, _ in both}) < len(both) or len(said) > 1:
                continue
            self._above[roots[1]] = roots[0]
            self._words.clear()
            done.append((a, b))
        return done

    def _members(self, root: tuple[str, str]) -> list[tuple[str, str]]:
        return [column for column in self._tables if self._root(column) == root]

    def said(self, item: Published, at: int) -> Mapping[str, tuple[str | None, Coding]] | None:
        """Plain label -> how the group spells and codes it, None where the column is in no group. First comes the
        column that has a concept, then the candidate's."""
        column = (item.release.dataset, item.layout.by[at])
        if column not in self._tables:
            return None
        root = self._root(column)
        if root in self._words:
            return self._words[root]
        members = self._members(root)
        if len(members) < 2:
            return None
        members.sort(key=lambda name: not _concept(*self._tables[name]))
        out: dict[str, tuple[str | None, Coding]] = {}
        usual: Coding | None = None
        for name in members:
            held, place = self._tables[name]
            codings = held.item.codings[place]
            if usual is None:
                usual = Counter(coding for coding in codings if coding is not None).most_common(1)[0][0]
            for label, coding in dict.fromkeys(zip((key[place] for key in held.item.keys), codings, strict=True)):
                if coding is not None and label is not None:
                    mine = coding if coding[0] == usual[0] else usual
                    out.setdefault(plain(str(label)), (label, mine))
        self._words[root] = out
        return out


def _concept(held: _Held, at: int) -> str:
    """The concept a contract gives a column, '' when none."""
    return "" if _own(held.item, at) else _attribute(held.item, at).concept


def _said(item: Published, groups: _Groups, sums: Mapping[str, str]) -> Published:
    """A table in the words of the groups its columns are in."""
    codings, columns = [], []
    for at, own in enumerate(item.codings):
        told = groups.said(item, at)
        labels = [key[at] for key in item.keys]
        if told is None:
            codings.append(own)
            columns.append(labels)
            continue
        usual = next(iter(told.values()))[1]
        spelt = {label: told.get(plain(label), (label, usual)) for label in set(labels) if label is not None}
        made = [
            (label, coding) if coding is None or label is None else spelt[label]
            for label, coding in zip(labels, own, strict=True)
        ]
        codings.append(tuple(coding for _, coding in made))
        columns.append([label for label, _ in made])
    keys = tuple(zip(*columns, strict=True)) if columns else item.keys
    held = {sums.get(concept, concept): told for concept, told in item.sums.items()}
    return replace(item, codings=tuple(codings), keys=keys, sums=held)
