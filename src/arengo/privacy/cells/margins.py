"""Rows about people as sums of the cells of a table about the same people.

That rows are about the people a table counts is taken from the published numbers: their counts and the table's are the
same wherever both are told. Rows that are left out, and single values, leave room: a sum is then at least what the rows
show. Where rows or table are about a part of the people the other is about, that part is looked for in their labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from math import inf, prod
from typing import TYPE_CHECKING

import numpy as np

from arengo.contract.model import Kind
from arengo.lake.layout import quote, text
from arengo.privacy.cells.labels import Labels, alike, maps
from arengo.privacy.cells.table import Equation, Key, Layout, Table
from arengo.privacy.release import Attribute, Release

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from arengo.privacy.case import Case

CELLS = 2_000
"""Cells a group would have if none were missing, up to which those that are missing are looked for."""
GROUPS = 100_000
"""Different combinations in rows up to which they are counted."""
LABELS = 5_000
"""Different values of one column up to which they are compared."""
NEAR = 0.05
"""Two numbers of people may be of the same people while they differ by no more: some rows may be left out."""
PARTS = 8
"""Parts of the rows or of the table that are tried where the whole is not about the same people."""
SLICES = 50
"""Values of a column up to which the rows of each are tried as a part."""
ENOUGH = 4
"""Groups that agree but for what is left out on either side, from which that is no accident."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is missing in rows. ``most``: how many are left out at most, infinite where nobody counted. ``by``: columns
    whose groups are left out whole when they are smaller than ``below``; () where any row may be missing. ``blank``:
    columns of which single values are left out.
    """

    most: float = 0.0
    by: tuple[str, ...] = ()
    below: int = 0
    blank: tuple[str, ...] = ()


WHOLE = Gaps()


@dataclass(frozen=True, slots=True)
class Match:
    """A column of the rows that tells what dimension ``at`` of the table tells, in groups of both. ``proved``: whether
    their counts were compared and agree."""

    at: int
    column: str
    rows: Labels
    cells: Labels
    proved: bool


@dataclass(frozen=True, slots=True)
class Margin:
    """``cells`` of the table, and labels of ``missing`` ones, have ``people`` together, and up to ``room`` more.
    ``group``: columns and the values of the rows that say so, combination by combination. ``news``:
    whether the table does not say so itself."""

    cells: tuple[int, ...]
    missing: tuple[Key, ...]
    people: float
    room: float = 0.0
    news: bool = True
    group: tuple[tuple[str, tuple[str | None, ...]], ...] = ()

    @property
    def place(self) -> tuple[int | Key, ...]:
        return (*self.cells, *self.missing)


@dataclass(frozen=True, slots=True)
class Figures:
    """``table``: cells with ``count``. ``values``: its figures, with those the city knows beside what is shown.
    ``hidden``: what is left out of the table, ``leaf``: what is no sum and stands once. ``release``: whose attributes
    are those of its columns, ``told``: how it lies."""

    table: Table
    values: NDArray[np.float64]
    hidden: NDArray[np.bool_]
    leaf: NDArray[np.bool_]
    release: Release
    told: Layout


def figures(
    table: Table, told: Layout, release: Release, values: NDArray[np.float64], hidden: NDArray[np.bool_]
) -> Figures:  # fmt: skip
    coarse = [set(above.values()) for above in table.parents]
    leaf = np.array([all(label not in coarse[at] and (not told.total or label != told.total)
                         for at, label in enumerate(key)) for key in table.keys], bool)  # fmt: skip
    leaf &= ~np.isin(np.arange(len(table)), table.repeated)
    return Figures(table, values, hidden, leaf, release, told)


class Counted:
    """Rows of a release, counted by combinations of columns; each question is asked once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: str) -> None:
        self.source = source
        self._connection = connection
        self.columns = frozenset(
            row[0] for row in connection.execute(f"SELECT column_name FROM (DESCRIBE FROM {source})").fetchall()
        )
        self._known: dict[tuple[tuple[str, ...], str, int], dict[tuple[str | None, ...], int]] = {}

    def total(self, where: str = "") -> int:
        return self.of((), where, 1).get((), 0)

    def of(self, columns: Sequence[str], where: str = "", most: int = GROUPS) -> Mapping[tuple[str | None, ...], int]:
        """Values of some columns -> rows; empty where there are more combinations than ``most``."""
        key = (tuple(columns), where, most)
        if key not in self._known:
            listed = "".join(f"CAST({quote(name)} AS VARCHAR), " for name in columns)
            rows = self._connection.execute(
                f"SELECT {listed}count(*) FROM {self.source}{where} GROUP BY ALL LIMIT {most + 1}"
            ).fetchall()
            self._known[key] = {tuple(row[:-1]): row[-1] for row in rows} if len(rows) <= most else {}
        return self._known[key]


class Rows:
    """Rows beside a table: which columns tell the same, and what sums of the table's cells follow. ``where``: SQL of
    the rows that are compared, ``cells``: the cells they are compared with, all where neither is given."""

    def __init__(
        self, case: Case, release: Release, counted: Counted, held: Figures, threshold: int, gaps: Gaps = WHOLE,
        where: str | None = None, cells: NDArray[np.int64] | None = None,
    ) -> None:  # fmt: skip
        self._case, self._release, self._counted, self._held = case, release, counted, held
        self._threshold, self._gaps = threshold, gaps
        self._keys = held.table.keys
        self._cells = np.flatnonzero(held.leaf) if cells is None else cells
        self._attributes = [
            item for item in release.attributes if item.column in counted.columns and item.role != "identifier"
        ]
        self.where = self._declared() if where is None else where
        self._total = counted.total(self.where)
        by = {item.column: item for item in held.release.attributes}
        self._dims = [
            by.get(name) or Attribute(name, Kind.STRING, concept=f"{held.release.dataset}.{name}")
            for name in held.table.by
        ]
        self._compared: set[tuple[int, str]] = set()

    def fitted(self) -> Rows:
        """These, or the part of them and of the table that is about the same people, where the whole is not."""
        if self.could:
            return self
        for where, cells in self._parts():
            made = Rows(self._case, self._release, self._counted, self._held, self._threshold, self._gaps, where, cells)
            if made.could and any(item.proved for item in made.matches):
                return made
        return self

    def _declared(self) -> str:
        """The rows the table is about, where a column tells it in its words."""
        parts = []
        for concept, values in self._held.told.where.items():
            column = next((i.column for i in self._attributes if concept in (i.concept, i.column)), "")
            if column:
                parts.append(f"CAST({quote(column)} AS VARCHAR) IN ({', '.join(map(text, values))})")
        where = " WHERE " + " AND ".join(parts) if parts else ""
        return where if self._counted.total(where) else ""

    def _count(self, column: str) -> dict[str | None, int]:
        return {key[0]: many for key, many in self._counted.of((column,), self.where, LABELS).items()}

    # Whether it is about the same people

    @cached_property
    def _sums_shown(self) -> Mapping[tuple[int, ...], float]:
        """Sets of inner cells whose sum the table shows."""
        made: dict[int, frozenset[int]] = {}
        inner = self._held.leaf
        for item in self._held.table.equations:
            made.setdefault(item.parent, frozenset(cell for cell in item.children if inner[cell]))
        for item in self._held.table.equations:  # a sum of sums
            if not inner[list(item.children)].any():
                parts = [made.get(cell, frozenset()) for cell in item.children]
                if all(parts):
                    made[item.parent] = frozenset().union(*parts)
        values = self._held.values
        return {tuple(sorted(cells)): float(values[whole]) for whole, cells in made.items()
                if cells and not np.isnan(values[whole])}  # fmt: skip

    def _sum(self, cells: Iterable[int]) -> tuple[float, int]:
        """People in some cells, and how many of those cells nobody but their owner knows."""
        listed = [int(cell) for cell in cells]
        values = self._held.values[listed]
        gone = np.isnan(values)
        if gone.any():
            whole = self._sums_shown.get(tuple(sorted(listed)))
            if whole is not None:
                return whole, 0
        return float(values[~gone].sum()), int(gone.sum())

    @cached_property
    def could(self) -> bool:
        """Whether as many rows as people: what is left out and unknown may be of any small size."""
        return self._near(self._total, *self._sum(self._cells))

    def _near(self, rows: int, people: float, unknown: int) -> bool:
        if not people or not rows:
            return False
        most = people * (1 + NEAR) if not unknown else people * (1 + 5 * NEAR) + unknown * self._threshold
        left_out = self._gaps.most if self._gaps.most < inf else 5 * NEAR * people
        return bool(people * (1 - NEAR) <= rows + left_out and rows <= most)

    def _same(self) -> bool:
        people, unknown = self._sum(self._cells)
        return bool(not unknown and people in (self._total, self._total + self._gaps.most))

    @cached_property
    def matches(self) -> tuple[Match, ...]:
        if not self.could:
            return ()
        found = []
        for at in range(len(self._held.table.by)):
            met = next((m for item in self._attributes if (m := self._match(at, item)) is not None), None)
            if met is not None:
                found.append(met)
        return tuple(found)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that tell what the table tells."""
        return tuple(dict.fromkeys(item.column for item in self.matches))

    def _labels(self, at: int) -> list[str | None]:
        return list(dict.fromkeys(self._keys[cell][at] for cell in self._cells))

    def _match(self, at: int, item: Attribute) -> Match | None:
        counts = self._count(item.column)
        for rows, cells in maps(self._case, item, self._dims[at], list(counts), self._labels(at)):
            self._compared.add((at, item.column))
            agreed = self._agree(at, item.column, counts, rows, cells)
            if agreed is not None:
                return Match(at, item.column, rows, cells, agreed)
        return None

    def _agree(
        self, at: int, column: str, counts: Mapping[str | None, int], rows: Labels, cells: Labels
    ) -> bool | None:  # fmt: skip
        """Whether both count as many wherever the table tells, and nowhere fewer are in the rows than it shows, but for
        those that are left out of them. False where nothing could be compared, None where they differ."""
        sums: dict[int, list[int]] = defaultdict(list)
        for cell in self._cells:
            group = cells.get(self._keys[cell][at])
            if group is not None:
                sums[group].append(int(cell))
        read: dict[int, int] = defaultdict(int)
        for label, many in counts.items():
            if label in rows:
                read[rows[label]] += many
        room = self._gaps.most + (counts.get(None, 0) if column in self._gaps.blank else 0)
        agreed = compared = large = short = within = close = apart = 0
        weight = whole = lacking = 0.0
        for group, listed in sums.items():
            people, unknown = self._sum(listed)
            many = read.get(group, 0)
            short += many + room < people
            if unknown:  # what is left out is small
                most = unknown * self._threshold
                apart += not 0 <= many - people <= most
                close += 0 <= many - people <= most <= 5 * NEAR * people
                continue
            compared += 1
            whole += people
            if many == people:
                agreed += 1
                weight += people
                large += people >= self._threshold
            elif many < people <= many + room:
                within += 1
                lacking += people - many
        if agreed == compared and not apart and agreed + close >= ENOUGH:
            return True
        if not compared:
            return False if sums and not short else None
        if 2 * agreed >= compared and 2 * weight >= whole and (large >= 2 or self._same()):
            return True
        few = lacking <= min(room, 5 * NEAR * whole)
        return True if few and agreed + within == compared and (compared >= ENOUGH or self._same()) else None

    def _parts(self) -> list[tuple[str, NDArray[np.int64]]]:
        """Parts of the rows and of the table that may be about the same people, those with the nearest counts first."""
        found: dict[tuple[str, tuple[int, ...]], float] = {}

        def add(
            labels: Sequence[str | None], column: str, many: int, cells: Sequence[int], people: float, unknown: int
        ) -> None:
            if self._near(many, people, unknown):
                listed = ", ".join(text(label) for label in labels if label is not None)
                told = f"CAST({quote(column)} AS VARCHAR) IN ({listed})"
                where = self.where
                if many < self._total:
                    where += (" AND " if where else " WHERE ") + told
                found.setdefault((where, tuple(cells)), abs(many - people) / people)

        whole = [int(cell) for cell in self._cells]
        everybody = self._sum(whole)
        for item in self._attributes:
            counts = self._count(item.column)
            for at in range(len(self._dims)):
                for rows, cells in maps(self._case, item, self._dims[at], list(counts), self._labels(at)):
                    both = {rows[label] for label in counts if label in rows} & set(cells.values())
                    inside = [label for label in counts if rows.get(label) in both]
                    kept = [cell for cell in whole if cells.get(self._keys[cell][at]) in both]
                    add(inside, item.column, sum(counts[label] for label in inside), kept, *self._sum(kept))
            if len(counts) <= SLICES:
                for label, many in counts.items():
                    if label is not None:
                        add([label], item.column, many, whole, *everybody)
        for at in range(len(self._dims)):  # a part of the table that the rows do not name
            groups: dict[str | None, list[int]] = defaultdict(list)
            for cell in whole:
                groups[self._keys[cell][at]].append(cell)
            if len(groups) <= LABELS:
                for kept in groups.values():
                    add((), "", self._total, kept, *self._sum(kept))
        nearest = sorted(found, key=lambda part: (found[part], part))[:PARTS]
        return [(where, np.array(cells, np.int64)) for where, cells in nearest]

    # What follows

    def margins(self) -> list[Margin]:
        """What the rows say of sums of the table's cells."""
        if not self.matches and not self._same():
            return []
        levels: list[Sequence[Match]] = [(), *((item,) for item in self.matches)]
        if len(self.matches) <= 4:
            levels += [held for size in range(2, len(self.matches)) for held in combinations(self.matches, size)]
        if len(self.matches) > 1:
            levels.append(self.matches)
        out: dict[tuple[int | Key, ...], Margin] = {}
        for level in levels:
            for made in self._of(level):
                known = out.get(made.place)
                if known is None or made.room <= known.room:
                    out[made.place] = made
        return list(out.values())

    def _of(self, level: Sequence[Match]) -> Iterable[Margin]:
        columns = [item.column for item in level]
        if len(set(columns)) < len(columns):
            return
        counted = self._counted.of(columns, self.where)
        if columns and not counted:
            return
        many: dict[tuple[int, ...], int] = defaultdict(int)
        labels: dict[tuple[int, ...], list[tuple[str | None, ...]]] = defaultdict(list)
        for told, count in counted.items():
            if all(label in item.rows for label, item in zip(told, level, strict=True)):
                group = tuple(item.rows[label] for label, item in zip(told, level, strict=True))
                many[group] += count
                labels[group].append(told)
        cells: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for cell in self._cells:
            key = self._keys[cell]
            if all(key[item.at] in item.cells for item in level):
                cells[tuple(item.cells[key[item.at]] for item in level)].append(int(cell))
        rooms = self._rooms(level, counted)
        for group, children in cells.items():
            people, unknown = self._sum(children)
            count, room = many.get(group, 0), rooms(group, many.get(group, 0))
            parts = zip(columns, zip(*labels[group], strict=True), strict=False)
            who = tuple((name, tuple(part)) for name, part in parts)
            gone = bool(np.isnan(self._held.values[children]).any())
            # Where they differ the rows are not quite these people, and nothing is a sum of anything.
            if count == people if not unknown else count + room >= people:
                yield Margin(tuple(children), (), float(count), room if unknown else 0.0, bool(unknown), who)
            elif level and people < count < people + self._threshold and not gone:
                missing = self._missing(dict(zip((item.at for item in level), group, strict=True)), level)
                if missing:
                    yield Margin(tuple(children), tuple(missing), float(count), room, True, who)

    def _rooms(self, level: Sequence[Match], counted: Mapping[tuple[str | None, ...], int]) -> _Rooms:
        gaps = self._gaps
        blank = [at for at, item in enumerate(level) if item.column in gaps.blank]
        partly = [(told, many) for told, many in counted.items() if any(told[at] is None for at in blank)]
        groups: dict[tuple[int, ...], int] = {}
        sizes: dict[tuple[int, ...], int] = {}
        if gaps.most and gaps.by:
            there = [name for name in gaps.by if name in self._counted.columns]
            columns = tuple(dict.fromkeys([*(item.column for item in level), *there]))
            fine = self._counted.of(columns, self.where) if len(there) == len(gaps.by) else {}
            seen: dict[tuple[int, ...], set[tuple[str | None, ...]]] = defaultdict(set)
            by = [columns.index(name) for name in gaps.by] if fine else []
            for told in fine:
                if all(told[at] in item.rows for at, item in enumerate(level)):
                    seen[tuple(item.rows[told[at]] for at, item in enumerate(level))].add(tuple(told[at] for at in by))
            groups = {group: len(found) for group, found in seen.items()}
            inside = {item.column: item for item in level}
            free = prod(len(self._count(name)) or LABELS for name in gaps.by if name not in inside)
            for group in groups:
                place = dict(zip((item.column for item in level), group, strict=True))
                sizes[group] = free * prod(
                    sum(inside[name].rows.get(label) == place[name] for label in self._count(name))
                    for name in gaps.by if name in inside
                )  # fmt: skip
        return _Rooms(gaps, self._threshold, tuple(level), partly, groups, sizes)

    def _missing(self, group: Mapping[int, int], level: Sequence[Match]) -> list[Key]:
        """Labels of cells that could be in a group and are not in the table, where they are few."""
        told = {item.at: item.cells for item in level}
        lists = []
        for at in range(len(self._held.table.by)):
            labels = sorted({self._keys[cell][at] for cell in self._cells}, key=str)
            lists.append([label for label in labels if at not in group or told[at].get(label) == group[at]])
        if prod(map(len, lists)) > CELLS:
            return []
        there = set(self._keys)
        return [key for key in product(*lists) if key not in there]

    def left(self) -> tuple[str, ...]:
        """Columns that may tell what a dimension tells and could not be compared with it."""
        if not self.could:
            return ()
        done = {item.at for item in self.matches}
        # A column that was compared with one dimension tells nothing of another.
        used = {item.column for item in self.matches} | {column for _, column in self._compared}
        out = []
        for item in self._release.attributes:
            kept = any(item.column == other.column for other in self._attributes)
            if item.role == "identifier" or item.column in used or not (kept or item.role):
                continue
            for at, dim in enumerate(self._dims):
                if at not in done and alike(item, dim, self._release):
                    out.append(item.column)
                    break
        return tuple(out)


@dataclass(frozen=True, slots=True)
class _Rooms:
    """How many more people a group may have than rows show. ``partly``: rows with values that are left out; ``groups``:
    how many of the combinations whose small groups go are there in a group, ``sizes``: how many could be. ``least``:
    the threshold."""

    gaps: Gaps
    least: int
    level: tuple[Match, ...]
    partly: Sequence[tuple[tuple[str | None, ...], int]]
    groups: Mapping[tuple[int, ...], int]
    sizes: Mapping[tuple[int, ...], int]

    def __call__(self, group: tuple[int, ...], many: int) -> float:
        room = float(sum(count for told, count in self.partly if self._may(told, group)))
        if not self.gaps.most:
            return room
        # What is no more than the rule itself says of a group that is not there is no bound.
        most = max(self.gaps.most, float(self.least))
        if not self.gaps.by or not many or group not in self.sizes:
            return room + most
        lacking = max(self.sizes[group] - self.groups.get(group, 0), 0)
        return room + min(most, float(lacking * max(self.gaps.below - 1, self.least)))

    def _may(self, told: tuple[str | None, ...], group: tuple[int, ...]) -> bool:
        return all(
            (label is None and item.column in self.gaps.blank) or item.rows.get(label) == place
            for label, item, place in zip(told, self.level, group, strict=True)
        )


def wide(held: Figures, count: str, margins: Iterable[Margin]) -> tuple[Table, NDArray[np.bool_]]:
    """The table of what its readers know: with a cell for each sum, and one without a figure for each that must be
    missing in it; and which cells beyond its own are such missing ones, shape (cells,)."""
    table = held.table
    keys: list[Key] = list(table.keys)
    values = np.where(held.hidden, np.nan, held.values).tolist()
    equations = list(table.equations)
    places: dict[Key, int] = {}
    chosen = list(margins)
    for part in chosen:
        for key in part.missing:
            if key not in places:
                places[key] = len(keys)
                keys.append(key)
                values.append(np.nan)
    many = len(keys)

    def cell(figure: float) -> int:
        keys.append((f"\x00rows {len(keys)}",) * len(table.by))
        values.append(figure)
        return len(keys) - 1

    for part in chosen:
        children = tuple(sorted((*part.cells, *(places[key] for key in part.missing))))
        if not part.room:
            equations.append(Equation(cell(part.people), children))
            continue
        whole, more = cell(np.nan), cell(np.nan)
        equations += [Equation(whole, children), Equation(whole, (cell(part.people), more))]
        if part.room < inf:
            equations.append(Equation(cell(part.room), (more, cell(np.nan))))
    beyond = np.zeros(len(keys), bool)
    beyond[len(table) : many] = True
    made = Table(table.by, tuple(keys), {count: np.array(values, float)}, table.parents, table.total, tuple(equations))
    return made, beyond
