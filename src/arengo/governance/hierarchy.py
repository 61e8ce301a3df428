"""Code lists that say which group a value is in: what a mask ``generalise NAME:LEVEL`` shows instead of the value.

``hierarchies/NAME.csv`` of the city folder: UTF-8, commas, a first row of names (``value,district,city``), then one row
a value, from fine to coarse. A level goes by its name or its number, 1 for the first one above the values. Like
policies they hold from the next ``arengo apply`` on, so that equal answers stay equal until then.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from arengo.contract.model import Frozen
from arengo.errors import Place, PolicyError
from arengo.state import texts

if TYPE_CHECKING:
    from arengo.settings import Settings
    from arengo.state import State

FOLDER = "hierarchies"
KIND = "hierarchy"
LARGEST = 50_000_000
BATCH = 100_000
"""Rows of a list that are read together."""
_NAME = re.compile(r"[\w-]{1,80}")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """``levels``: their names, the finest first. ``mapping``: value -> its group at each level."""

    name: str
    levels: tuple[str, ...]
    mapping: Mapping[str, tuple[str, ...]]

    def level(self, level: str) -> Mapping[str, str]:
        """Value -> its group at a level, by name or number. Raises PolicyError."""
        place = self.place(level)
        if place < 0:
            raise PolicyError(
                f"The hierarchy {self.name} has no level {level!r}.",
                todo=f"It has {', '.join(f'{n + 1} ({name})' for n, name in enumerate(self.levels))}.",
                place=Place(file=f"{FOLDER}/{self.name}.csv"),
            )
        return Frozen({value: groups[place] for value, groups in self.mapping.items()})

    def place(self, level: str) -> int:
        """Where a level stands, from 0; -1 when there is none."""
        if level in self.levels:
            return self.levels.index(level)
        number = int(level) if level.isascii() and level.isdecimal() and len(level) < 4 else 0
        return number - 1 if 0 < number <= len(self.levels) else -1


class Hierarchies:
    """The hierarchies in force. Thread-safe: what it keeps is replaced, never changed."""

    def __init__(self, settings: Settings, state: State) -> None:
        self._root = settings.root
        self._state = state
        self._kept: tuple[int, Mapping[str, str]] = (-1, {})
        self._made: dict[tuple[str, str], Hierarchy] = {}
        self._levels: dict[tuple[str, str, str], Mapping[str, str]] = {}

    def marks(self) -> Mapping[str, str]:
        """Name -> SHA-256 of its text, of those in force."""
        generation = self._state.generation()
        if self._kept[0] != generation:
            self._kept = (generation, texts.marks(self._state, KIND))
        return self._kept[1]

    def get(self, name: str) -> Hierarchy:
        """Raises PolicyError for a name nobody has."""
        mark = self.marks().get(name)
        if mark is None:
            there = (self._root / FOLDER / f"{name}.csv").is_file() if _NAME.fullmatch(name) else False
            raise PolicyError(
                f"There is no hierarchy {name[:80]!r} in force.",
                todo="It is in the folder: run 'arengo apply'." if there else f"Put it into {FOLDER}/{name[:80]}.csv.",
            )
        made = self._made.get((name, mark))
        if made is None:
            (record,) = self._state.saved(KIND, name)
            made = self._made[name, mark] = read(name, str(record.body["text"]))
        return made

    def level(self, name: str, level: str) -> Mapping[str, str]:
        """Value -> its group. Raises PolicyError."""
        key = (name, self.marks().get(name, ""), level)
        found = self._levels.get(key)
        if found is None:
            if len(self._levels) > 200:
                self._levels.clear()
            found = self._levels[key] = self.get(name).level(level)
        return found

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> names of its levels, of all in force."""
        return {name: self.get(name).levels for name in sorted(self.marks())}


def read(name: str, text: str) -> Hierarchy:
    """A hierarchy from its text. Raises PolicyError with file and row (the first row of values is 2)."""
    return _whole(name, text) or _by_row(name, text)


def _whole(name: str, text: str) -> Hierarchy | None:
    """Many rows at a time; None where one of them needs a closer look."""
    if "\0" in text:
        return None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    mapping: dict[str, tuple[str, ...]] = {}
    try:
        head = tuple(cell.strip() for cell in next(rows, ()))
        if not head:
            return None
        _head(head, f"{FOLDER}/{name}.csv")
        width, read = len(head), 0
        above: list[set[tuple[str, str]]] = [set() for _ in range(width - 2)]
        while batch := list(islice(rows, BATCH)):
            filled = [row for row in batch if row]
            if not set(map(len, filled)) <= {width}:
                return None
            columns = [[row[at].strip() for row in filled] for at in range(width)]
            if any("" in column for column in columns):
                return None
            mapping.update(zip(columns[0], zip(*columns[1:], strict=True), strict=True))
            read += len(filled)
            for pairs, fine, coarse in zip(above, columns[1:], columns[2:], strict=False):
                pairs.update(zip(fine, coarse, strict=True))
    except csv.Error:
        return None
    if not mapping or len(mapping) < read or any(len(pairs) > len({fine for fine, _ in pairs}) for pairs in above):
        return None
    return Hierarchy(name, head[1:], Frozen(mapping))


def _by_row(name: str, text: str) -> Hierarchy:
    file = f"{FOLDER}/{name}.csv"
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    mapping: dict[str, tuple[str, ...]] = {}
    levels: tuple[str, ...] = ()
    number = 0
    try:
        for number, row in enumerate(rows, start=1):
            cells = tuple(cell.strip() for cell in row)
            if number == 1:
                levels = cells[1:]
                _head(cells, file)
            elif any(cells):
                _row(cells, levels, mapping, Place(file=file, row=number))
    except csv.Error as error:
        raise PolicyError(f"This row cannot be read: {error}.", place=Place(file=file, row=number + 1)) from None
    if not mapping:
        raise PolicyError(
            "The hierarchy is empty.", todo="Write a row of names, then one row a value.", place=Place(file=file)
        )
    _nested(mapping, levels, file)
    return Hierarchy(name, levels, Frozen(mapping))


def _head(cells: tuple[str, ...], file: str) -> None:
    place = Place(file=file, row=1)
    if len(cells) < 2:
        raise PolicyError("The first row names no level.", todo="Write 'value,level1,level2', say.", place=place)
    if len(set(cells)) < len(cells) or not all(_NAME.fullmatch(cell) for cell in cells):
        raise PolicyError(
            "The names of the levels are not all different words.",
            todo="Use letters, digits, - and _, each name once.",
            place=place,
        )


def _row(cells: tuple[str, ...], levels: tuple[str, ...], mapping: dict[str, tuple[str, ...]], place: Place) -> None:
    if len(cells) != len(levels) + 1:
        raise PolicyError(
            f"This row has {len(cells)} cells, and the first one has {len(levels) + 1}.",
            todo="Write a value and its group at each level.",
            place=place,
        )
    if any("\0" in cell for cell in cells):
        raise PolicyError("A cell of this row holds a zero byte.", todo="Save the file as UTF-8 text.", place=place)
    if not all(cells):
        raise PolicyError("A cell of this row is empty.", todo="Write the group, or leave the row out.", place=place)
    if mapping.get(cells[0], cells[1:]) != cells[1:]:
        raise PolicyError(f"The value {cells[0]!r} is in two groups.", todo="Keep one of the rows.", place=place)
    mapping[cells[0]] = cells[1:]


def _nested(mapping: Mapping[str, tuple[str, ...]], levels: tuple[str, ...], file: str) -> None:
    """A group lies in one coarser group, otherwise a coarser level tells what the finer one hides."""
    above: dict[tuple[int, str], tuple[str, str]] = {}
    for value, groups in mapping.items():
        for at, (fine, coarse) in enumerate(pairwise(groups)):
            held, first = above.setdefault((at, fine), (coarse, value))
            if held != coarse:
                raise PolicyError(
                    f"{fine!r} ({levels[at]}) is in {held!r} at {first!r} and in {coarse!r} at {value!r}.",
                    todo="A group lies in one coarser group; give one of the two another name.",
                    place=Place(file=file),
                )


def folder(root: Path) -> dict[str, str]:
    """Name -> text of each hierarchy of a city folder. Raises PolicyError for one that cannot be read."""
    out = {}
    for path in sorted((root / FOLDER).glob("*.csv")):
        file = f"{FOLDER}/{path.name}"
        if not _NAME.fullmatch(path.stem):
            raise PolicyError("The name of this file is no word.", todo="Use letters, digits, - and _.",
                              place=Place(file=file))  # fmt: skip
        if not path.resolve().is_relative_to(root.resolve()):
            raise PolicyError("This file lies outside the city folder.", todo="Copy it here.", place=Place(file=file))
        try:
            if path.stat().st_size > LARGEST:
                raise PolicyError(f"This file is larger than {LARGEST:,} bytes.", place=Place(file=file))
            out[path.stem] = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(
                f"This file cannot be read: {error}.", todo="Save it as UTF-8 text.", place=Place(file=file)
            ) from None
    return out


def take(state: State, files: Mapping[str, str], at: datetime) -> tuple[str, ...]:
    """Bring hierarchies into force; names of those that changed. Twice is once."""
    return texts.take(state, KIND, files, at)
