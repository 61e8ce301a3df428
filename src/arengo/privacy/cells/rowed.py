# ruff: noqa: SIM905 - word lists read better as text
"""Step 6 beside rows: counted by whoever reads them, earlier rows about the same people are a table of counts as well.

That rows are about the people a table counts is taken from the published numbers: their counts and the table's are the
same wherever both are told. Such counts are sums of the table's cells that its readers know.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.draft.words import concepts, words
from arengo.contract.model import Frozen, Kind
from arengo.errors import ArengoError
from arengo.lake.layout import quote
from arengo.privacy.cells import attacker
from arengo.privacy.cells.table import Equation, Key, Layout, Table, read
from arengo.privacy.cells.undeclared import PLACES
from arengo.privacy.finding import Finding
from arengo.privacy.release import ROWS, Attribute, Release

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.case import Case

CELLS = 2_000
"""Cells a group would have if none were missing, up to which those that are missing are looked for."""
GROUPS = 100_000
"""Different combinations in rows up to which they are counted."""
NEAR = 0.05
"""Two numbers of people may be of the same people while they differ by no more: some rows may be left out."""
SECONDS = 10.0
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


@dataclass(frozen=True, slots=True)
class Match:
    """A column of the rows that tells what dimension ``at`` of the table tells, in groups of both."""

    at: int
    column: str
    rows: Labels
    cells: Labels


@dataclass(frozen=True, slots=True)
class Known:
    """``table``: the candidate's, with cells beyond ``size``: those its readers know from rows, and those that must
    be missing in it, which have no figure.
    ``releases``: labels of those rows. ``open``: (release, columns) that could not be compared.
    """

    table: Table
    size: int
    releases: tuple[str, ...]
    open: tuple[tuple[str, tuple[str, ...]], ...]


def look(case: Case, told: Layout) -> list[Finding]:
    """What follows from the candidate and rows that are public already."""
    from arengo.privacy.cells.step import behind, primary

    here = {
        row[0] for row in case.connection.execute(f"SELECT column_name FROM (DESCRIBE FROM {case.table})").fetchall()
    }
    if told.inexact or not told.count or not told.by or not {told.count, *told.by} <= here or not earlier(case):
        return []
    by = [item for item in case.release.attributes if item.column in told.by]
    held = read(case.connection, case.table, told, (told.count,), by, case.codes)
    truth = behind(case, told, held)
    values = held.values[told.count]
    gone = np.isnan(values)
    real = truth.get(told.count, values)
    known = found(case, held, told, np.where(gone, real, values), gone)
    findings = [_unlooked(label, columns) for label, columns in known.open]
    if not known.releases:
        return findings
    threshold = case.target.threshold
    only = np.ones(len(known.table), bool)
    only[: known.size] = (primary(told, truth, case.target, threshold) if truth else gone) | np.isnan(real)
    seen = attacker.audit(known.table, told.count, float(threshold), only=only, seconds=SECONDS)
    bounds = seen.bounds
    if not bounds.feasible:
        why = f"the rows of {' and '.join(known.releases)} and this table contradict each other"
        what = "What earlier rows tell of the figures that are left out"
        return [*findings, Finding("not-looked", "review", Frozen({"what": what, "why": why}), (), known.releases)]
    lower, upper = bounds.lower, bounds.upper
    few = (upper > 0) & (lower < threshold)
    exact = bounds.looked & (bounds.width < 0.5) & few
    there = np.array(seen.cells, np.int64) < known.size  # of groups that are no cell, only what is sure
    close = there & bounds.looked & ~exact & (bounds.width < threshold) & few & ((lower > 0) | (upper < threshold))
    facts = {"threshold": threshold}
    if exact.any():
        findings.append(Finding("cells-differenced", "block", Frozen({**facts, "parts": int(exact.sum())}), told.by,
                                known.releases, int(lower[exact].sum())))  # fmt: skip
    if close.any():
        findings.append(Finding("cells-pinned", "repair", Frozen({**facts, "parts": int(close.sum())}), told.by,
                                known.releases))  # fmt: skip
    if not bounds.looked.all():
        why = f"{int((~bounds.looked).sum()):,} figures were left when the time for linear programs was used up"
        findings.append(Finding("not-looked", "review", Frozen({"what": "What earlier rows tell of the figures that "
                                                                "are left out", "why": why})))  # fmt: skip
    return findings


def _unlooked(label: str, columns: tuple[str, ...]) -> Finding:
    why = (
        f"{label} lists rows that may be about the same people, and its columns {', '.join(columns)} could not be "
        "compared with the groups of this table"
    )
    facts = {"what": "What earlier rows tell of the figures that are left out", "why": why}
    return Finding("not-looked", "review", Frozen(facts), releases=(label,))


def earlier(case: Case) -> list[Release]:
    """Earlier rows about people of the candidate's population."""
    return [item for item in case.earlier if item.form == ROWS and item.population and item.rows]


def found(
    case: Case, held: Table, told: Layout, values: NDArray[np.float64], gone: NDArray[np.bool_] | None = None
) -> Known:
    """The table with what its readers know of it from earlier rows. ``values``: its figures, those that are left out
    (``gone``) too where the city knows them."""
    hidden = np.isnan(values) if gone is None else gone
    coarse = [set(above.values()) for above in held.parents]
    leaf = np.array([all(label not in coarse[at] and (not told.total or label != told.total)
                         for at, label in enumerate(key)) for key in held.keys], bool)  # fmt: skip
    leaf &= ~np.isin(np.arange(len(held)), held.repeated)
    margins: dict[tuple[int | Key, ...], float] = {}
    names, open_ = [], []
    for release in earlier(case):
        source = case.rows(release)
        made = _Rows(case, release, source, held, told, values, hidden, leaf) if source else None
        if made is None:
            people = float(np.nansum(values[leaf]))
            if hidden.any() and people * (1 - NEAR) <= release.rows <= people * (1 + 5 * NEAR) + 5 * hidden.sum():
                open_.append((release.label, tuple(item.column for item in release.quasi)))
            continue
        sums = made.sums()
        if sums:
            names.append(release.label)
            margins |= sums
        left = made.left()
        if left and hidden[leaf].any():
            open_.append((release.label, left))
    return Known(_wide(held, told.count, values, hidden, margins), len(held), tuple(dict.fromkeys(names)), tuple(open_))


def _wide(
    held: Table, count: str, values: NDArray[np.float64], hidden: NDArray[np.bool_],
    margins: Mapping[tuple[int | Key, ...], float],
) -> Table:  # fmt: skip
    """The table with a known cell for each sum, and one without a figure for each that must be missing. ``margins``:
    cells, or labels of missing ones -> how many people they have."""
    keys: list[Key] = list(held.keys)
    figures = np.where(hidden, np.nan, values).tolist()
    equations = list(held.equations)
    places: dict[Key, int] = {}
    for part in margins:
        for key in part:
            if not isinstance(key, int) and key not in places:
                places[key] = len(keys)
                keys.append(key)
                figures.append(np.nan)
    for part, people in margins.items():
        children = tuple(sorted(key if isinstance(key, int) else places[key] for key in part))
        equations.append(Equation(len(keys), children))
        keys.append((f"\x00rows {len(keys)}",) * len(held.by))
        figures.append(people)
    return Table(held.by, tuple(keys), {count: np.array(figures, float)}, held.parents, held.total, tuple(equations))


class _Rows:
    """Earlier rows beside a table: which columns tell the same, and what sums of the table's cells follow."""

    def __init__(
        self, case: Case, release: Release, source: str, held: Table, told: Layout, values: NDArray[np.float64],
        hidden: NDArray[np.bool_], leaf: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        self._case, self._release, self._held, self._told = case, release, held, told
        self._values, self._hidden = values, hidden
        self._cells = np.flatnonzero(leaf)
        here = [
            row[0] for row in case.connection.execute(f"SELECT column_name FROM (DESCRIBE FROM {source})").fetchall()
        ]
        self._attributes = [item for item in release.attributes if item.column in here and item.role != "identifier"]
        self._source = source + self._where()
        (self._total,) = case.connection.execute(f"SELECT count(*) FROM {self._source}").fetchone() or (0,)
        self._compared: set[tuple[int, str]] = set()
        self._matches: list[Match] = []
        by = {item.column: item for item in case.release.attributes}
        self._dims = [
            by.get(name) or Attribute(name, Kind.STRING, concept=f"{release.dataset}.{name}") for name in held.by
        ]
        self._counts: dict[str, dict[str | None, int]] = {}
        if self._could():
            self._counts = {item.column: self._count(item.column) for item in self._attributes}
            for at in range(len(held.by)):
                match = next((m for item in self._attributes if (m := self._match(at, item)) is not None), None)
                if match is not None:
                    self._matches.append(match)

    def _where(self) -> str:
        parts = []
        for concept, values in self._told.where.items():
            column = next((i.column for i in self._attributes if concept in (i.concept, i.column)), "")
            if column:
                listed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
                parts.append(f"CAST({quote(column)} AS VARCHAR) IN ({listed})")
        return " WHERE " + " AND ".join(parts) if parts else ""

    def _count(self, column: str) -> dict[str | None, int]:
        rows = self._case.connection.execute(
            f"SELECT CAST({quote(column)} AS VARCHAR), count(*) FROM {self._source} GROUP BY 1 LIMIT 5001"
        ).fetchall()
        return dict(rows) if len(rows) <= 5000 else {}

    # Whether it is about the same people

    def _sum(self, cells: Iterable[int]) -> tuple[float, int]:
        """People in some cells, and how many of those cells nobody but their owner knows."""
        values = self._values[list(cells)]
        gone = np.isnan(values)
        return float(values[~gone].sum()), int(gone.sum())

    def _could(self) -> bool:
        """Whether as many rows as people: what is left out and unknown may be of any small size."""
        people, unknown = self._sum(self._cells)
        if not people or not self._total:
            return False
        most = people * (1 + NEAR) if not unknown else people * (1 + 5 * NEAR) + unknown * self._case.target.threshold
        return bool(people * (1 - NEAR) <= self._total <= most)

    def _same(self) -> bool:
        people, unknown = self._sum(self._cells)
        return bool(not unknown and people == self._total)

    def _match(self, at: int, item: Attribute) -> Match | None:
        counts = self._counts[item.column]
        labels = list(dict.fromkeys(self._held.keys[cell][at] for cell in self._cells))
        for rows, cells in _maps(self._case, item, self._dims[at], list(counts), labels):
            self._compared.add((at, item.column))
            if self._agree(at, counts, rows, cells):
                return Match(at, item.column, rows, cells)
        return None

    def _agree(self, at: int, counts: Mapping[str | None, int], rows: Labels, cells: Labels) -> bool:
        """Whether both count as many wherever the table tells, and nowhere fewer are in the rows than it shows."""
        sums: dict[int, list[int]] = defaultdict(list)
        for cell in self._cells:
            group = cells.get(self._held.keys[cell][at])
            if group is not None:
                sums[group].append(int(cell))
        read_: dict[int, int] = defaultdict(int)
        for label, many in counts.items():
            if label in rows:
                read_[rows[label]] += many
        agreed = compared = 0
        weight = whole = 0.0
        large = short = 0
        for group, listed in sums.items():
            people, unknown = self._sum(listed)
            many = read_.get(group, 0)
            short += many < people
            if unknown:
                continue
            compared += 1
            whole += people
            if many == people:
                agreed += 1
                weight += people
                large += people >= self._case.target.threshold
        if not compared:
            return bool(sums) and not short
        return 2 * agreed >= compared and 2 * weight >= whole and (large >= 2 or self._same())

    # What follows

    def sums(self) -> dict[tuple[int | Key, ...], float]:
        """Cells of the table -> how many people the rows say they have together."""
        if not self._matches and not self._same():
            return {}
        out: dict[tuple[int | Key, ...], float] = {}
        chosen: list[Sequence[Match]] = [(), *((item,) for item in self._matches)]
        if len(self._matches) > 1:
            chosen.append(self._matches)
        for matches in chosen:
            self._add(out, matches)
        return out

    def _add(self, out: dict[tuple[int | Key, ...], float], matches: Sequence[Match]) -> None:
        columns = [item.column for item in matches]
        if len(set(columns)) < len(columns):
            return
        many: dict[tuple[int, ...], int] = defaultdict(int)
        if columns:
            listed = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in columns)
            rows = self._case.connection.execute(
                f"SELECT {listed}, count(*) FROM {self._source} GROUP BY ALL LIMIT {GROUPS + 1}"
            ).fetchall()
            if len(rows) > GROUPS:
                return
            for *labels, count in rows:
                if all(label in item.rows for label, item in zip(labels, matches, strict=True)):
                    many[tuple(item.rows[label] for label, item in zip(labels, matches, strict=True))] += count
        else:
            many[()] = self._total
        cells: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for cell in self._cells:
            key = self._held.keys[cell]
            if all(key[item.at] in item.cells for item in matches):
                cells[tuple(item.cells[key[item.at]] for item in matches)].append(int(cell))
        for group, children in cells.items():
            people, unknown = self._sum(children)
            # Where they differ the rows are not quite these people, and nothing is a sum of anything.
            if many.get(group, 0) == people if not unknown else many.get(group, 0) >= people:
                out[tuple(children)] = float(many.get(group, 0))
            elif matches and people < many.get(group, 0) < people + self._case.target.threshold:
                missing = self._missing(dict(zip((item.at for item in matches), group, strict=True)), matches)
                if missing:
                    out[(*children, *missing)] = float(many[group])

    def _missing(self, group: Mapping[int, int], matches: Sequence[Match]) -> list[Key]:
        """Labels of cells that could be in a group and are not in the table, where they are few."""
        told = {item.at: item.cells for item in matches}
        lists = []
        for at in range(len(self._held.by)):
            labels = sorted({self._held.keys[cell][at] for cell in self._cells}, key=str)
            lists.append([label for label in labels if at not in group or told[at].get(label) == group[at]])
        if prod(map(len, lists)) > CELLS:
            return []
        there = set(self._held.keys)
        return [key for key in product(*lists) if key not in there]

    def left(self) -> tuple[str, ...]:
        """Columns that may tell what a dimension tells and could not be compared with it."""
        if not self._could():
            return ()
        done = {item.at for item in self._matches}
        used = {item.column for item in self._matches}
        out = []
        for item in self._release.attributes:
            kept = any(item.column == other.column for other in self._attributes)
            if item.role == "identifier" or item.column in used or not (kept or item.role):
                continue
            for at, dim in enumerate(self._dims):
                if at not in done and (at, item.column) not in self._compared and _alike(item, dim, self._release):
                    out.append(item.column)
                    break
        return tuple(out)


def _alike(item: Attribute, dim: Attribute, release: Release) -> bool:
    """Whether a column may tell what a dimension tells: it is not said to mean something else."""
    own, others = item.concept == f"{release.dataset}.{item.column}", dim.concept.endswith(f".{dim.column}")
    if not own and not others and item.concept != dim.concept:
        return False
    mine, other = _families(item), _families(dim)
    return not mine or not other or bool(mine & other)


def _families(item: Attribute) -> set[int]:
    """What a column is about by its name and concept; empty where they do not say."""
    named = (item.column, item.concept.rpartition(".")[2])
    meant = {told for name in named for told in concepts(name)}
    if any(set(words(name)) & PLACES for name in named):
        meant.add("home")
    return {at for at, family in enumerate(_FAMILIES) if meant & family}


# Labels of both


def _maps(
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
    told = [_intervals(side) for side in (rows, cells)]
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


def _intervals(labels: Iterable[str | None]) -> dict[str, tuple[float, float]]:
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
