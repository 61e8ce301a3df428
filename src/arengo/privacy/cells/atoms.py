"""What published tables say about a population, over its smallest parts.

A released cell is a predicate: which persons it counts. The *atoms* are the finest parts of the population that all
released predicates together can tell apart; they come from one group-by of the register over the codes in use, so
what follows costs what the distinct combinations cost and not the persons. A concept the register does not hold (a
diagnosis, a year) multiplies the atoms by its published values; how many persons those hold is then unknown and taken
from the published figures themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import Kind
from arengo.errors import ArengoError
from arengo.lake.layout import quote, text
from arengo.privacy.cells import places
from arengo.privacy.cells import table as table_
from arengo.privacy.release import Attribute, Release
from arengo.privacy.spelling import rows_today

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.case import Case, Codes

LARGEST = 1_500_000
"""Atoms up to which released predicates are compared."""
NOISY = 1e9
"""Slack of a table with noise of differential privacy: its loss is counted by step 7, and no bound is drawn from it."""
OTHER = "\x00other"
"""All values of an unregistered concept that nobody published."""
FINEST = "0"
"""Level of a coding whose values are areas of a hierarchy's own."""
Coding = tuple[str, str, str]
"""(concept, hierarchy, level): the function from a person to the label that is published. Level '' is the value."""


@dataclass(frozen=True, slots=True)
class Published:
    """The cells of one release. ``codings[d]``: per dimension, (coding of each cell's label, None for a total).
    ``figures``: (n,) counts of persons, NaN where withheld or not kept. ``slack``: how far a figure may be from the
    truth (rounding, noise), 0 when exact. ``sums``: concept -> (column, (n,) sums, (n,) who contributes to each), NaN
    where not shown.
    """

    release: Release
    layout: table_.Layout
    codings: tuple[tuple[Coding | None, ...], ...]
    keys: tuple[table_.Key, ...]
    figures: NDArray[np.float64]
    shown: NDArray[np.bool_]
    slack: float
    sums: Mapping[str, tuple[str, NDArray[np.float64], NDArray[np.float64]]] = field(default_factory=dict)

    def concepts(self) -> set[str]:
        used = {coding[0] for column in self.codings for coding in column if coding is not None}
        return used | set(self.layout.where)


def published(case: Case, release: Release, source: str, layout: table_.Layout) -> Published:
    """The cells of a release from its rows (SQL after FROM)."""
    by = {item.column: item for item in release.attributes}
    here = {row[0] for row in case.connection.execute(f"SELECT column_name FROM (DESCRIBE FROM {source})").fetchall()}
    source = rows_today(release, source, frozenset(here))
    layout = replace(layout, by=tuple(name for name in layout.by if name in here))
    people = next(
        (name for name in (layout.count, *(item.contributors for item in layout.sums)) if name and name in here), ""
    )
    first = next((name for name in layout.measures if name in here), "")
    sums = [item for item in layout.sums if item.column in here]
    named = (people, first, *(name for item in sums for name in (item.column, item.contributors) if name in here))
    figures = tuple(dict.fromkeys(name for name in named if name))
    held = table_.read(case.connection, source, layout, figures)
    codings = tuple(
        _codings(case, by.get(name) or Attribute(name, kind=Kind.STRING, concept=f"{release.dataset}.{name}"), held,
                 at, layout.total)
        for at, name in enumerate(layout.by)
    )  # fmt: skip
    unknown = np.full(len(held), np.nan)
    counts = held.values.get(people, unknown)
    shown = ~np.isnan(held.values.get(first, np.zeros(len(held)))) if first else np.ones(len(held), bool)
    added = {
        (by[item.column].concept if item.column in by else f"{release.dataset}.{item.column}"):
        (item.column, held.values[item.column], held.values.get(item.contributors, counts))
        for item in sums
    }  # fmt: skip
    return Published(release, layout, codings, held.keys, counts, shown, slack_of(held, people, layout), added)


def slack_of(held: table_.Table, people: str, layout: table_.Layout) -> float:
    """How far figures may be off: what the contract says, else what the figures show (all multiples of one base, or
    sums that do not add up).
    """
    if layout.method == "round":
        return float(max(layout.base - 1, 1))
    if layout.method == "cell-key":
        return float(layout.base or 5)
    if layout.method == "noise":
        return NOISY
    if not people:
        return 0.0
    counts = held.values[people]
    counts = counts[~np.isnan(counts) & (counts != 0)]
    if layout.method == "" and len(counts) >= 12:
        whole = np.round(counts).astype(np.int64)
        base = int(np.gcd.reduce(whole))
        if base > 1 and len(set(whole.tolist())) > 2:
            return float(base - 1)
    values = held.values[people]
    off = [
        abs(float(values[item.parent] - values[list(item.children)].sum()))
        for item in held.equations
        if not np.isnan(values[[item.parent, *item.children]]).any()
    ]
    wrong = [item for item in off if item > 0.5]
    return float(np.median(wrong)) if len(off) >= 4 and len(wrong) > len(off) / 2 else 0.0


def _codings(
    case: Case, attribute: Attribute, held: table_.Table, at: int, total: str
) -> tuple[Coding | None, ...]:  # fmt: skip
    """Of each cell's label its coding: the column's level, or a coarser one of its hierarchy the label belongs to.

    Areas of two datasets are not one list of values though both are the finest of their hierarchies.
    """
    codes = case.codes
    level = "" if attribute.level in ("", "0") else _named(attribute, codes)
    own: Coding = (attribute.concept, attribute.hierarchy if level else "", level)
    if not level and places.area_of(case, attribute.hierarchy, "") is not None:
        own = (attribute.concept, attribute.hierarchy, FINEST)
    coarser: list[tuple[Coding, set[str]]] = []
    known: set[str] = set()
    if attribute.hierarchy:
        try:
            names = list(codes.levels(attribute.hierarchy))
            place = names.index(level) + 1 if level in names else 0
            for name in names[place:]:
                rows = codes.between(attribute.hierarchy, level or "0", name)
                known |= set(rows)
                coarser.append(((attribute.concept, attribute.hierarchy, name), set(rows.values())))
        except (ArengoError, KeyError, ValueError):
            coarser = []
    found: dict[str | None, Coding | None] = {}
    for label in {key[at] for key in held.keys}:
        if total and label == total:
            found[label] = None
        elif label is None or label in known or not coarser:
            found[label] = own
        else:
            found[label] = next((coding for coding, labels in coarser if label in labels), own)
    return tuple(found[key[at]] for key in held.keys)


def _named(attribute: Attribute, codes: Codes) -> str:
    """A level by its name, also when the contract gives its number."""
    try:
        levels = codes.levels(attribute.hierarchy)
    except ArengoError:
        return attribute.level
    number = int(attribute.level) if attribute.level.isascii() and attribute.level.isdecimal() else 0
    return levels[number - 1] if attribute.level not in levels and 0 < number <= len(levels) else attribute.level


@dataclass(frozen=True, slots=True)
class Atoms:
    """``codes``: coding -> (n,) int32 into ``labels`` of that coding. ``counts``: persons, NaN where nobody can say.
    ``registered``: concepts the register holds. ``met``: how zonings were laid over each other, where they were.
    """

    codes: Mapping[Coding, NDArray[np.int32]]
    labels: Mapping[Coding, Mapping[str | None, int]]
    counts: NDArray[np.float64]
    registered: frozenset[str]
    met: places.Met | None = None

    def __len__(self) -> int:
        return len(self.counts)


class TooMany(Exception):
    """More atoms than are looked at."""


def atoms(case: Case, tables: Sequence[Published]) -> Atoms:
    """The atoms of all predicates of ``tables``. Raises TooMany, TooManyPieces."""
    truth = case.truth()
    here: set[str] = set()
    if truth:
        here = {
            row[0] for row in case.connection.execute(f"SELECT column_name FROM (DESCRIBE FROM {truth})").fetchall()
        }
    used: dict[Coding, set[str]] = {}
    for item in tables:
        for at, column in enumerate(item.codings):
            for key, coding in zip(item.keys, column, strict=True):
                if coding is not None:
                    used.setdefault(coding, set()).add(key[at] or "")
    wheres = {name: values for item in tables for name, values in item.layout.where.items()}
    every = {coding[0] for coding in used} | set(wheres)
    inside = [coding for coding in used if coding[0] in here]
    for name in sorted(set(wheres) & here):
        for coding in _where_codings(name, inside):
            if coding not in inside:
                inside.append(coding)
    kinds = {
        item.concept: item.kind
        for release in tables
        for item in release.release.attributes
        if item.level in ("", "0") and not item.protect
    }
    held: Mapping[str, Kind] = getattr(case.truth, "kinds", kinds)
    sql = {item: _sql(case.codes, item, quote(item[0]), held.get(item[0], Kind.STRING)) for item in inside}
    met = places.meet(case, used, truth, here, held, sql)

    def made(column: str) -> Atoms:
        told, source, laid = dict(sql), truth, None
        if met is not None and met.source == places.REGISTER:
            source = met.truth
            told |= {item: quote(f"{column}{at}") for item, at in met.columns.items()}
        elif met is not None:
            laid = _laid(met, used)
            told = {item: told[item] for item in told if item not in met.columns or item in met.told}
        first = [_grouped(case, source, told)] if here else []
        if laid is not None:
            first = [_joined(first[0], laid)] if first else [laid]
        elsewhere = met.columns if met is not None else {}
        for concept in sorted(every - here):
            codings = sorted(item for item in used if item[0] == concept and item not in elsewhere)
            values = {value for item in tables for value in item.layout.where.get(concept, ())}
            if codings or values or not any(item[0] == concept for item in elsewhere):
                kind = kinds.get(concept, Kind.STRING)
                first.append(_unregistered(case.codes, case, concept, codings, used, values, kind))
        return replace(_product(first, frozenset(every & here)), met=met)

    drawn = made("z")
    if met is None or not met.strips:
        return drawn
    # Some live between two drawings of one boundary: the published figures say by which they were counted. That they
    # were counted by both is only believed where it explains the figures far better than either.
    moved = min((made(f"s{at}_") for at in range(len(met.zonings))), key=lambda held: _off(held, tables))
    return drawn if 2 * _off(drawn, tables) < _off(moved, tables) else moved


def _off(held: Atoms, tables: Sequence[Published]) -> float:
    """Persons by which exact figures and those of the register differ."""
    out = 0.0
    for item in tables:
        if item.slack == 0 and not np.isnan(held.counts).any():
            matrix, _ = incidence(held, item)
            out += float(np.nansum(np.abs(item.figures - np.asarray(matrix @ held.counts).ravel())))
    return out


def _where_codings(concept: str, inside: Iterable[Coding]) -> list[Coding]:
    return [(concept, "", ""), *(coding for coding in inside if coding[0] == concept)]


def _sql(codes: Codes, coding: Coding, column: str, kind: Kind) -> str:
    """The label of a value held as text in ``column``, whose own type is ``kind``."""
    _, hierarchy, level = coding
    held = column if kind is Kind.STRING else f"TRY_CAST({column} AS {kind.duckdb})"
    return f"CAST({codes.sql(hierarchy, level, held, str(kind)) if level not in ('', FINEST) else held} AS VARCHAR)"


@dataclass(frozen=True, slots=True)
class _Part:
    """Distinct codes of some concepts. ``codes[c]``: (n,) index into ``labels[c]``; ``counts``: persons or NaN."""

    codings: tuple[Coding, ...]
    codes: tuple[NDArray[np.int32], ...]
    labels: tuple[tuple[Any, ...], ...]
    counts: NDArray[np.float64]


def _grouped(case: Case, truth: str, sql: Mapping[Coding, str]) -> _Part:
    """Distinct codes of everybody in the register, with how many. ``sql``: label of each coding."""
    codings = tuple(sql)
    if not codings:
        (count,) = case.connection.execute(f"SELECT count(*) FROM {truth}").fetchone() or (0,)
        return _Part((), (), (), np.array([float(count)]))
    told = [f"{label} AS c{at}" for at, label in enumerate(sql.values())]
    found = case.connection.execute(
        f"SELECT {', '.join(told)}, count(*) AS n FROM {truth} GROUP BY ALL LIMIT {LARGEST + 1}"
    ).to_arrow_table()
    if found.num_rows > LARGEST:
        raise TooMany
    codes, labels = [], []
    for at in range(len(codings)):
        column = found.column(at).combine_chunks().dictionary_encode(null_encoding="encode")
        labels.append(tuple(column.dictionary.to_pylist()))
        codes.append(column.indices.to_numpy(zero_copy_only=False).astype(np.int32))
    return _Part(tuple(codings), tuple(codes), tuple(labels), found.column("n").to_numpy().astype(float))


def _laid(met: places.Met, used: Mapping[Coding, set[str]]) -> _Part:
    """Pieces of zonings, with a piece of its own for a label without a shape, and one for all that lies outside."""
    columns = tuple(met.columns)
    rows = [tuple(OTHER if row[at] is None else row[at] for at in met.columns.values()) for row in met.rows]
    for place, coding in enumerate(columns):
        known = {row[place] for row in rows}
        for label in sorted(used[coding] - known):
            rows.append(tuple(label if at == place else OTHER for at in range(len(columns))))
    outside = tuple(OTHER for _ in columns)
    return _listed(columns, [*sorted({*rows} - {outside}, key=str), outside])


def _joined(one: _Part, two: _Part) -> _Part:
    """The parts of both that agree in the codings they share. Counts are those of ``one`` where it is not divided."""
    shared = [coding for coding in two.codings if coding in one.codings]
    mine = [coding for coding in two.codings if coding not in shared]

    def keys(part: _Part) -> list[tuple[Any, ...]]:
        if not shared:
            return [()] * len(part.counts)
        columns = []
        for coding in shared:
            at = part.codings.index(coding)
            labels = [OTHER if item is None else item for item in part.labels[at]]
            columns.append([labels[code] for code in part.codes[at]])
        return list(zip(*columns, strict=True))

    places_: dict[tuple[Any, ...], list[int]] = {}
    for at, key in enumerate(keys(two)):
        places_.setdefault(key, []).append(at)
    outside = len(two.counts) - 1
    found = [places_.get(key, [outside]) for key in keys(one)]
    size = sum(map(len, found))
    if size > LARGEST:
        raise TooMany
    first = np.repeat(np.arange(len(found)), [len(item) for item in found])
    second = np.array([at for item in found for at in item], np.int64)
    counts = np.where(np.repeat([len(item) for item in found], [len(item) for item in found]) == 1,
                      one.counts[first], np.nan)  # fmt: skip
    codes = [column[first] for column in one.codes]
    codes += [two.codes[two.codings.index(coding)][second] for coding in mine]
    labels = [*one.labels, *(two.labels[two.codings.index(coding)] for coding in mine)]
    return _Part((*one.codings, *mine), tuple(codes), tuple(labels), counts)


def _listed(codings: Sequence[Coding], rows: Sequence[tuple[Any, ...]]) -> _Part:
    codes, labels = [], []
    for at in range(len(codings)):
        known: dict[Any, int] = {}
        codes.append(np.array([known.setdefault(row[at], len(known)) for row in rows], np.int32))
        labels.append(tuple(known))
    return _Part(tuple(codings), tuple(codes), tuple(labels), np.full(len(rows), np.nan))


def _unregistered(
    codes: Codes, case: Case, concept: str, codings: Sequence[Coding], used: Mapping[Coding, set[str]],
    values: set[str], kind: Kind,
) -> _Part:  # fmt: skip
    """The values of a concept nobody registers: those that are published at its finest level and those its hierarchies
    list, with the labels each has at the levels in use; and everything else.
    """
    fine = set(values) | used.get((concept, "", ""), set())
    told = [coding for coding in codings if coding[2]]
    for coding in codings:
        fine |= used[coding] if coding[2] == FINEST else set()
    for _, hierarchy, level in told:
        try:
            fine |= set(codes.between(hierarchy, "0", level))
        except (ArengoError, KeyError, ValueError):
            continue
    columns: tuple[Coding, ...] = tuple(codings) or ((concept, "", ""),)
    rows: set[tuple[Any, ...]] = set()
    if fine:
        listed = ", ".join(f"({text(value)})" for value in sorted(fine))
        chosen = ", ".join(_sql(codes, item, "v", kind) for item in columns)
        import duckdb

        try:
            rows = set(case.connection.execute(f"SELECT {chosen} FROM (VALUES {listed}) t(v)").fetchall())
        except (ArengoError, duckdb.Error):  # the hierarchy reads dates or numbers, and these labels are neither
            rows = set()
    there: list[set[Any]] = [{row[at] for row in rows} for at in range(len(columns))]
    for at, coding in enumerate(columns):
        for label in sorted(used.get(coding, set()) | (values if not coding[2] else set())):
            if label not in there[at]:  # a label without a known place stands for itself
                rows.add(tuple(label if at == place else _up(codes, coding, other, label)
                               for place, other in enumerate(columns)))  # fmt: skip
    rows.add(tuple(OTHER for _ in columns))
    return _listed(columns, sorted(rows, key=lambda row: tuple(str(item) for item in row)))


def _up(codes: Codes, coding: Coding, other: Coding, label: str) -> str:
    """A released label at another level in use, where the hierarchy leads there."""
    if coding[1] and coding[1] == other[1]:
        try:
            return codes.between(coding[1], coding[2] or "0", other[2]).get(label, OTHER)
        except (ArengoError, KeyError, ValueError):
            return OTHER
    return OTHER


def _product(parts: Sequence[_Part], registered: frozenset[str]) -> Atoms:
    size = 1
    for part in parts:
        size *= max(len(part.counts), 1)
    if size > LARGEST:
        raise TooMany
    codes: dict[Coding, NDArray[np.int32]] = {}
    labels: dict[Coding, Mapping[str | None, int]] = {}
    counts = np.ones(size)
    inner = size
    for part in parts:
        inner //= max(len(part.counts), 1)
        place = (np.arange(size) // inner) % max(len(part.counts), 1)
        counts = counts * part.counts[place]
        for coding, own, known in zip(part.codings, part.codes, part.labels, strict=True):
            codes[coding], labels[coding] = own[place], {label: at for at, label in enumerate(known)}
    return Atoms(codes, labels, counts, registered)


def incidence(held: Atoms, item: Published) -> tuple[Any, NDArray[np.int64]]:
    """Which atoms each cell counts: sparse 0/1 (cells, atoms), and a number of the *kind* of each cell (cells of one
    kind do not overlap). A cell nobody is in has an empty row.
    """
    from scipy.sparse import csr_matrix

    inside = np.ones(len(held), bool)
    for name, values in item.layout.where.items():
        inside &= _where(held, name, values)
    patterns: dict[tuple[Coding | None, ...], list[int]] = {}
    for cell in range(len(item.keys)):
        patterns.setdefault(tuple(column[cell] for column in item.codings), []).append(cell)
    rows, columns = [], []
    kinds = np.zeros(len(item.keys), np.int64)
    chosen = np.flatnonzero(inside)
    for number, (pattern, cells) in enumerate(patterns.items()):
        kinds[cells] = number
        dims = [(at, coding) for at, coding in enumerate(pattern) if coding is not None]
        places: dict[tuple[int, ...], int] = {}
        for cell in cells:
            key = tuple(held.labels[coding].get(item.keys[cell][at], -1) for at, coding in dims)
            if -1 not in key:
                places.setdefault(key, cell)  # a cell that stands twice is one predicate
        if not places:
            continue
        told = np.zeros(len(chosen), np.int64)
        wanted = np.zeros(len(places), np.int64)
        for place, (_, coding) in enumerate(dims):
            size = len(held.labels[coding])
            told = told * size + held.codes[coding][chosen]
            wanted = wanted * size + np.array([key[place] for key in places], np.int64)
        order = np.argsort(wanted, kind="stable")
        near = np.minimum(np.searchsorted(wanted[order], told), len(order) - 1)
        hit = wanted[order][near] == told
        rows.append(np.array(list(places.values()), np.int64)[order[near[hit]]])
        columns.append(chosen[hit])
    at_ = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    which = np.concatenate(columns) if columns else np.zeros(0, np.int64)
    shape = (len(item.keys), len(held))
    return csr_matrix((np.ones(len(at_), np.int64), (at_, which)), shape=shape), kinds


def _where(held: Atoms, name: str, values: Sequence[str]) -> NDArray[np.bool_]:
    out = np.zeros(len(held), bool)
    for coding, column in held.codes.items():
        if coding[0] == name:
            wanted = [held.labels[coding][value] for value in values if value in held.labels[coding]]
            out |= np.isin(column, wanted)
    return out
