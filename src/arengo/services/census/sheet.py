"""What a sheet says of applications and exchanges, and every line that needs a correction, each with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from arengo.errors import Place
from arengo.services.census import words
from arengo.services.census.grid import MOST_TEXT, Grid
from arengo.services.census.record import Application, Exchange, Register, exchange_id, merged, slug

HEADER_WITHIN = 40
MOST_PROBLEMS = 200
MOST_APPLICATIONS = 5000
MOST_EXCHANGES = 50_000
LONGEST = 500
"""Characters of a name or another short text."""
_DATASET = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct. ``place``: file (with its sheet), row and header of the column."""

    met: str
    todo: str
    place: Place

    def __str__(self) -> str:
        where = f"{self.place}: " if str(self.place) else ""
        return f"{where}{self.met} {self.todo}".rstrip()


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. With a problem in it nothing is taken; ``doubts`` are told and stop nothing."""

    register: Register
    problems: tuple[Problem, ...]
    doubts: tuple[str, ...]
    more: int = 0


def header_score(cells: Sequence[str]) -> int:
    """How many cells are headers of a census; 0 unless they name an application or both ends of an exchange."""
    return max(_score(cells, words.APPLICATION_HEADERS, ("name",)), _score(cells, words.EXCHANGE_HEADERS, ENDS))


ENDS = ("source", "target")


def _score(cells: Sequence[str], known: Mapping[str, str], needed: tuple[str, ...]) -> int:
    found = {known.get(words.plain(cell), "") for cell in cells} - {""}
    return len(found) if len(found) > 1 and found.issuperset(needed) else 0


class _Table:
    """One sheet with its header found."""

    def __init__(self, grid: Grid, kind: str, at: int, told: Callable[[str, str, Place], None]) -> None:
        self.kind = kind
        self.file = f"{grid.file}, sheet {grid.sheet}" if grid.sheet else grid.file
        self.rows = grid.rows[at + 1 :]
        self._tell = told
        self.header_row, header = grid.rows[at]
        known = words.APPLICATION_HEADERS if kind == "applications" else words.EXCHANGE_HEADERS
        self.columns: dict[str, tuple[int, str]] = {}
        self.unread: list[str] = []
        for place, text in enumerate(header):
            name = known.get(words.plain(text), "")
            if name in self.columns and words.plain(text) == "comment":  # French for how, English for a note
                name = "note" if "note" not in self.columns else name
            elif words.plain(text) == "comment" and any(
                known.get(words.plain(t)) == "way" for t in header[place + 1 :]
            ):
                name = "note"
            if name and name not in self.columns:
                self.columns[name] = (place, text)
            elif text:
                self.unread.append(text)

    def place(self, row: int, field: str = "") -> Place:
        return Place(file=self.file, row=row, column=self.columns[field][1] if field in self.columns else None)

    def problem(self, row: int, field: str, met: str, todo: str) -> None:
        self._tell(met, todo, self.place(row, field))

    def text(self, row: int, cells: Sequence[str], field: str, most: int = LONGEST) -> str:
        held = self.columns.get(field)
        if held is None or held[0] >= len(cells):
            return ""
        said = " ".join(cells[held[0]].split())
        if said[:1] == "'" and said[1:2] in tuple("=+-@"):  # the mark our own files put before it
            said = said[1:]
        if len(said) > most:
            self.problem(row, field, f"The text is longer than {most:,} characters.", "Shorten it.")
            return said[:most]
        if any(ord(mark) < 32 or ord(mark) == 127 for mark in said):
            self.problem(row, field, "The text holds a character that cannot be shown.", "Type it again.")
        return said

    def one_of(
        self,
        row: int,
        cells: Sequence[str],
        field: str,
        meaning: Callable[[str], Any],
        choices: Iterable[str],
        default: Any,
    ) -> Any:
        said = self.text(row, cells, field)
        if not said:
            return default
        found = meaning(said)
        if found is None:
            self.problem(row, field, f"{said[:60]!r} is not understood.", f"Write {' or '.join(choices)}.")
            return default
        return found

    def day(self, row: int, cells: Sequence[str], field: str) -> date | None:
        said = self.text(row, cells, field)
        if not said:
            return None
        found = re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:T.*)?", said)
        parts = tuple(map(int, found.groups())) if found else ()
        if not parts:
            found = re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})", said)
            parts = tuple(map(int, reversed(found.groups()))) if found else ()
        if not parts and (found := re.fullmatch(r"(?:(\d{1,2})[-/.])?(\d{4})", said)):
            month = int(found[1] or 12)
            parts = (int(found[2]), month, _last(int(found[2]), month)) if 1 <= month <= 12 else ()
        try:
            return date(*parts)
        except (TypeError, ValueError):
            self.problem(row, field, f"{said[:40]!r} is no day.", "Write it as 2027-12-31.")
            return None


def _last(year: int, month: int) -> int:
    from calendar import monthrange

    return monthrange(year, month)[1]


def read(grids: Sequence[Grid], held: Register, datasets: Iterable[str] = (), *, partial: bool = False) -> Reading:
    """The register that the sheets make. ``partial``: they add to and correct ``held`` instead of replacing it."""
    return _Reader(held if partial else Register(), frozenset(datasets)).read(grids)


class _Reader:
    def __init__(self, base: Register, datasets: frozenset[str]) -> None:
        self.base = base
        self.datasets = datasets
        self.problems: list[Problem] = []
        self.more = 0
        self.doubts: list[str] = []
        self.applications: dict[str, Application] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.seen: dict[str, str] = {}  # id -> where it was met

    def tell(self, met: str, todo: str, place: Place) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(met, todo, place))
        else:
            self.more += 1

    def read(self, grids: Sequence[Grid]) -> Reading:
        tables = [table for grid in grids if (table := self._table(grid)) is not None]
        kinds = {table.kind for table in tables}
        files = ", ".join(dict.fromkeys(grid.file for grid in grids)) or "nothing"
        empty = not self.base.applications
        if "applications" not in kinds and (empty or not tables):
            self.tell(
                "No sheet lists the applications.",
                "It needs a header with the columns Application and Department. Take the template.",
                Place(file=files),
            )
        if "exchanges" not in kinds and empty:
            self.tell(
                "No sheet lists the exchanges.",
                "It needs a header with the columns From, To, What and How. Take the template.",
                Place(file=files),
            )
        for table in tables:
            if table.kind == "applications":
                self._applications(table)
        names = self._names()
        for table in tables:
            if table.kind == "exchanges":
                self._exchanges(table, names)
        for table in tables:
            if table.unread:
                listed = ", ".join(text[:40] for text in table.unread[:8])
                self.doubts.append(f"{table.file}: not read, since no column of a census is called so: {listed}.")
        register = merged(self.base, self.applications.values(), self.exchanges.values())
        for count, most, what in (
            (len(register.applications), MOST_APPLICATIONS, "applications"),
            (len(register.exchanges), MOST_EXCHANGES, "exchanges"),
        ):
            if count > most:
                self.tell(f"It would have more than {most:,} {what}.", "A census of one city has fewer.", Place(files))
        missing = sorted({item.dataset for item in self.exchanges.values() if item.dataset} - self.datasets)
        if missing:
            listed = ", ".join(missing[:8])
            self.doubts.append(f"No dataset here has the id {listed}; these exchanges count as not published.")
        return Reading(register, tuple(self.problems), tuple(self.doubts), self.more)

    def _table(self, grid: Grid) -> _Table | None:
        best, at, kind = 0, -1, ""
        for place, (_, cells) in enumerate(grid.rows[:HEADER_WITHIN]):
            for name, known, needed in (
                ("exchanges", words.EXCHANGE_HEADERS, ENDS),
                ("applications", words.APPLICATION_HEADERS, ("name",)),
            ):
                score = _score(cells, known, needed)
                if score > best:
                    best, at, kind = score, place, name
        return _Table(grid, kind, at, self.tell) if best else None

    def _applications(self, table: _Table) -> None:
        if "organisation" not in table.columns:
            self.tell(
                "The column with the department is missing.",
                "Add a column Department.",
                Place(file=table.file, row=table.header_row),
            )
            return
        for row, cells in table.rows:
            name = table.text(row, cells, "name", 200)
            organisation = table.text(row, cells, "organisation", 200)
            if not name:
                table.problem(row, "name", "The application has no name.", "Write its name, or empty the row.")
                continue
            if not organisation:
                table.problem(row, "organisation", f"Nobody answers for {name!r}.", "Write the department.")
            code = table.text(row, cells, "id", 80)
            key = slug(code or name)
            if not key:
                table.problem(row, "name", f"{name!r} has neither letter nor digit.", "Write a name that can be said.")
                continue
            where = f"{table.file}, row {row}"
            if key in self.seen:
                todo = f"It stands in {self.seen[key]} already. Give one of the two another name or a code."
                table.problem(row, "name", f"{name!r} is there twice.", todo)
                continue
            self.seen[key] = where
            self.applications[key] = Application(
                key,
                name,
                organisation,
                vendor=table.text(row, cells, "vendor"),
                kind=table.one_of(row, cells, "kind", words.kind, _first(words.KINDS), "application"),
                databases=table.text(row, cells, "databases"),
                technology=table.text(row, cells, "technology"),
                hosting=table.text(row, cells, "hosting"),
                personal=table.one_of(row, cells, "personal", words.yes_no, ("yes", "no"), None),
                criticality=table.one_of(row, cells, "criticality", words.criticality, _first(words.CRITICALITY), ""),
                contract_ends=table.day(row, cells, "contract_ends"),
                contact=table.text(row, cells, "contact"),
                note=table.text(row, cells, "note", MOST_TEXT),
            )

    def _names(self) -> dict[str, list[str]]:
        """What an exchange may call an application -> ids: its name, its code."""
        found: dict[str, list[str]] = {}
        for key, item in {**self.base.applications, **self.applications}.items():
            for said in {words.folded(item.name), key, key.replace("-", " ")}:
                found.setdefault(said, []).append(key)
        return found

    def _exchanges(self, table: _Table, names: Mapping[str, list[str]]) -> None:
        missing = [name for name in ("what", "way") if name not in table.columns]
        if missing:
            header = " and ".join(words.EXCHANGE[name][0] for name in missing)
            todo = f"Add a column {header}."
            self.tell("A column is missing.", todo, Place(file=table.file, row=table.header_row))
            return
        for row, cells in table.rows:
            ends = [self._end(table, row, cells, field, names) for field in ENDS]
            what = table.text(row, cells, "what", 300)
            if not what:
                table.problem(row, "what", "It is not said what is exchanged.", "Write it in a few words.")
            way = table.one_of(row, cells, "way", words.way, _first(words.WAYS), "")
            if not way and not table.text(row, cells, "way"):
                table.problem(row, "way", "It is not said how.", f"Write {' or '.join(_first(words.WAYS))}.")
            dataset = table.text(row, cells, "dataset", 200)
            if dataset and not _DATASET.fullmatch(dataset):
                table.problem(
                    row,
                    "dataset",
                    f"{dataset[:60]!r} is no id of a dataset.",
                    "Write it as in its address, or nothing.",
                )
            source, target = ends
            if not source or not target or not what:
                continue
            if source == target:
                table.problem(row, "target", "It gives to itself.", "An exchange has two ends; correct one or drop it.")
                continue
            key = exchange_id(source, target, what)
            if key in self.seen:
                todo = f"It stands in {self.seen[key]} already. Say in What how they differ."
                table.problem(row, "what", "The same exchange is there twice.", todo)
                continue
            self.seen[key] = f"{table.file}, row {row}"
            self.exchanges[key] = Exchange(
                key,
                source,
                target,
                what,
                way,
                dataset=dataset,
                frequency=table.text(row, cells, "frequency"),
                volume=table.text(row, cells, "volume"),
                personal=table.one_of(row, cells, "personal", words.yes_no, ("yes", "no"), None),
                note=table.text(row, cells, "note", MOST_TEXT),
            )

    def _end(self, table: _Table, row: int, cells: Sequence[str], field: str, names: Mapping[str, list[str]]) -> str:
        said = table.text(row, cells, field, 200)
        if not said:
            table.problem(row, field, "One end is empty.", "Write the name of an application.")
            return ""
        found = names.get(words.folded(said), [])
        if len(found) == 1:
            return found[0]
        if found:
            todo = f"Write its code: {', '.join(found[:6])}."
            table.problem(row, field, f"Several applications are called {said[:60]!r}.", todo)
            return ""
        from difflib import get_close_matches

        near = get_close_matches(words.folded(said), list(names), 1) if len(self.problems) < 30 else []
        known = {**self.base.applications, **self.applications}
        hint = f"Did you mean {known[names[near[0]][0]].name!r}? " if near else ""
        todo = f"{hint}Correct the name, or add the application to the first sheet."
        table.problem(row, field, f"No application is called {said[:60]!r}.", todo)
        return ""


def _first(table: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(said[0] for said in table.values())
