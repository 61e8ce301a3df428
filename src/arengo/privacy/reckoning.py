"""What the steps of the gate reckon with, each counted once: values of columns, combinations of them, texts, groups.

Every aggregate is a function of the rows' content alone and is added to by more rows: what was kept of a version and
the rows an append brings give what a pass over the whole table would give (reference: decision 0220). A column of very
many values is told by a sketch (:mod:`arengo.privacy.sketch`).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import EMPTY, Kind
from arengo.lake.layout import listing, quote, text
from arengo.privacy.overlap.layers import write
from arengo.privacy.sketch import Combos, Values, halved, places_of, power_of, values_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SIZE = 10_000
"""Values of a column, and combinations of columns, that are kept of very many."""
WHOLE = 4
"""Times the size: a table of at most so many rows is kept with all its values."""
MOST_KEPT = 1_000_000
"""Rows of one aggregate beyond which it is not kept, so that the next version takes a pass over it all."""
SUBJECT = "_subject"
NOTE = "note.json"
FORM = 2
"""Of what is kept; another one is not used."""
_NUMBERS = itertools.count()
_NEGATIVE_ZERO = "-0.0"


@dataclass(frozen=True, slots=True)
class People:
    """``rows`` of a table, ``linked`` of them to persons, and ``persons`` they are about."""

    rows: int
    linked: int
    persons: int

    @property
    def several(self) -> bool:
        """Whether persons have several rows."""
        return self.linked > self.persons

    @property
    def people(self) -> int:
        return self.rows - self.linked + self.persons


@dataclass(frozen=True, slots=True)
class Added:
    """An append: ``rows`` is SQL of the rows that are new, of all released columns and ``_subject``; ``kept`` the
    folder of what was kept of the version they are added to; ``held``: SQL of that version's persons and what is told
    of them ('' where nobody is known)."""

    rows: str
    kept: Path
    held: str = ""


@dataclass(slots=True)
class Reckoning:
    """The aggregates of ``table`` in ``connection``, made when they are asked for and then held. ``told``: column ->
    (rows that have a value, about how many different ones), where that was counted before. ``people``: SQL of the same
    rows, of persons and what is told of them alone, and ``bare`` of all columns without persons, where these cost less
    than ``table``. ``keeping``: whether what is counted will be kept for the next append.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    size: int = SIZE
    told: Mapping[str, tuple[int, int]] = EMPTY
    added: Added | None = None
    people: str = ""
    bare: str = ""
    keeping: bool = False
    _columns: dict[str, Values] = field(default_factory=dict)
    _every: dict[str, Values] = field(default_factory=dict)
    _combos: dict[tuple[str, ...], Combos] = field(default_factory=dict)
    _texts: dict[str, tuple[tuple[tuple[str, int], ...], int]] = field(default_factory=dict)
    _grouped: dict[tuple[str, ...], str] = field(default_factory=dict)
    _more: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    _register: Mapping[str, Any] = EMPTY
    _persons: People | None = None
    _rows: int = -1
    _passes: list[str] = field(default_factory=list)
    _note: dict[str, Any] | None = None

    # What was kept

    @property
    def kept(self) -> Mapping[str, Any]:
        """What the version before kept; {} when this is no append."""
        if self._note is None:
            self._note = _read_note(self.added.kept) if self.added is not None else {}
        return self._note

    @property
    def passes(self) -> tuple[str, ...]:
        """What had to be counted over the whole table."""
        return tuple(self._passes)

    def _kept(self, name: str, key: str) -> Any:
        """What was kept under a key, None when nothing was."""
        return self.kept.get(name, {}).get(key)

    def _file(self, name: str) -> str:
        assert self.added is not None
        return f"read_parquet({text(str(self.added.kept / name))})"

    def _whole(self, what: str) -> None:
        self._passes.append(what)

    # What a step counts by itself

    def held(self, name: str) -> tuple[str, Mapping[str, Any]] | None:
        """(SQL of a table a step asked to keep at the version before, what it noted beside it), None when there is
        none."""
        note = self._kept("more", name)
        return (self._file(note["file"]), note) if note is not None and self.added is not None else None

    def hold(self, name: str, sql: str, **note: Any) -> None:
        """Keep the rows of a query, as they are now, for the same step of the next append. The first of a name stays:
        what is tried for repairs is about other tables."""
        if self.keeping and name not in self._more:
            table = f"_held_{next(_NUMBERS)}"
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {sql}")
            self._more[name] = (table, note)

    def register(self, truth: Any, told: Sequence[str], source: str) -> str:
        """SQL of ``c0``, ``c1``, ... and ``people``: how many people of the register each combination of the SQL
        ``told`` over ``source`` is about. ``truth``: of :class:`arengo.privacy.population.Truth`, whose ``note`` says
        what the register was."""
        note: Mapping[str, Any] = getattr(truth, "note", EMPTY)
        by = ", ".join(f"c{at}" for at in range(len(told)))
        listed = ", ".join(f"{sql} AS c{at}" for at, sql in enumerate(told))
        sql = f"SELECT {by}, count(*) AS people FROM (SELECT {listed} FROM {source}) GROUP BY {by}"
        if not note:
            return f"({sql})"
        self._register = note
        name = "register " + hashlib.sha256("\n".join((str(note["mark"]), *told)).encode()).hexdigest()
        if name in self._more:
            return self._more[name][0]
        known = self.held(name)
        if known is not None:
            sql = f"SELECT * FROM {known[0]}"
        table = f"_register_{next(_NUMBERS)}"
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {sql}")
        self._more[name] = (table, {})
        return table

    # Rows

    @property
    def rows(self) -> int:
        if self._rows < 0:
            if self.added is not None and "rows" in self.kept:
                self._rows = int(self.kept["rows"]) + self.count(self.added.rows)
            else:
                self._rows = self.count(self._rows_of)
        return self._rows

    def count(self, table: str) -> int:
        """Rows of SQL that stands after FROM."""
        (rows,) = self.connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
        return int(rows)

    # Values of a column

    def columns(self, wanted: Sequence[tuple[str, Kind]]) -> dict[str, Values]:
        """The values of columns of texts, numbers, days or structures."""
        missing = [item for item in wanted if item[0] not in self._columns]
        self._load([name for name, _ in missing])
        missing = [item for item in missing if item[0] not in self._columns]
        if missing:
            self._scan(missing)
        return {name: self._columns[name] for name, _ in wanted}

    def _limit(self) -> int:
        return self.size * WHOLE if self.rows <= self.size * WHOLE else self.size

    def _load(self, names: Sequence[str]) -> None:
        """From what was kept, with the rows that are new."""
        held = {name: told for name in names if (told := self._kept("columns", name)) is not None}
        if not held or self.added is None:
            return
        found = self.connection.execute(
            f"SELECT name, value, hash, n FROM {self._file('values.parquet')} ORDER BY name, hash, value"
        ).to_arrow_table()
        place = places_of(found.column("name"))
        for name, note in held.items():
            start, stop = place.get(name, (0, 0))
            part = found.slice(start, stop - start)
            old = Values(
                tuple(part.column("value").to_pylist()), part.column("hash").to_numpy(), part.column("n").to_numpy(),
                int(note["filled"]), int(note["power"]),
            )  # fmt: skip
            filled = self.count(f"{self.added.rows} WHERE {quote(name)} IS NOT NULL")
            new = self._values(self.added.rows, name, old.power, filled)
            self._columns[name] = old.joined(new).settled(self._limit())

    def _scan(self, wanted: Sequence[tuple[str, Kind]]) -> None:
        self._whole("values of " + ", ".join(name for name, _ in wanted))
        limit, all_ = self._limit(), self.rows <= self.size * WHOLE
        told = dict(self.told)
        unknown = [name for name, _ in wanted if name not in told]
        if unknown and not all_:
            asked = ", ".join(f"count({quote(name)}), approx_count_distinct({quote(name)})" for name in unknown)
            row = self.connection.execute(f"SELECT {asked} FROM {self._rows_of}").fetchone() or ()
            told |= {name: (int(row[2 * at]), int(row[2 * at + 1])) for at, name in enumerate(unknown)}
        for name, _ in wanted:
            filled, distinct = told.get(name, (0, 0))
            power = 0 if all_ else power_of(distinct, limit)
            made = self._values(self._rows_of, name, power, filled)
            while power and len(made.texts) <= limit // 2:  # an estimate was too high
                power -= 1
                made = self._values(self._rows_of, name, power, filled)
            if not made.power:
                made = Values(made.texts, made.hashes, made.counts, int(made.counts.sum()))
            self._columns[name] = made.settled(limit)
            if not made.power:
                self._every[name] = made

    def _values(self, table: str, name: str, power: int, filled: int) -> Values:
        held = quote(name)
        small = f" AND hash({held}) < {1 << (64 - power)}::UBIGINT" if power else ""
        found = self.connection.execute(
            f"SELECT CAST({held} AS VARCHAR), hash({held}), count(*) FROM {table} WHERE {held} IS NOT NULL{small} "
            f"GROUP BY {held}"
        ).to_arrow_table()
        texts = [("0.0" if item == _NEGATIVE_ZERO else item) for item in found.column(0).to_pylist()]
        return values_of(texts, found.column(1).to_numpy(), found.column(2).to_numpy(), filled, power)

    # Combinations

    def combos(self, names: Sequence[str]) -> Combos:
        """The distinct combinations of some columns, of very many those whose hash is small."""
        key = tuple(names)
        if key not in self._combos:
            self._combos[key] = self._combined(key)
        return self._combos[key]

    def _combined(self, names: tuple[str, ...]) -> Combos:
        limit = (WHOLE if self.rows <= WHOLE * self.size else 2) * self.size
        note = self._kept("combos", "\n".join(names))
        listed = ", ".join(f"{quote(name)} AS c{at}" for at, name in enumerate(names))
        by = ", ".join(f"c{at}" for at in range(len(names)))
        if note is not None and self.added is not None:
            power = int(note["power"])
            small = f" WHERE h < {1 << (64 - power)}::UBIGINT" if power else ""
            here = f"(SELECT {listed} FROM {self.added.rows})"
            new = f"SELECT {by}, hash({by}) AS h, count(*) AS n FROM {here} GROUP BY {by}"
            both = f"SELECT * FROM {self._file(note['file'])} UNION ALL SELECT * FROM ({new}){small}"
            sql = f"SELECT {by}, h, sum(n)::BIGINT AS n FROM ({both}) GROUP BY {by}, h ORDER BY h, {by}"
            return halved(self.connection.execute(sql).to_arrow_table(), power, limit, self.rows)
        self._whole("combinations of " + ", ".join(names))
        power = 0
        if self.rows > limit:
            (many,) = self.connection.execute(
                f"SELECT approx_count_distinct(hash({listing(names)})) FROM {self._rows_of}"
            ).fetchone() or (0,)
            power = power_of(int(many), limit)
        while True:
            small = f"WHERE hash({by}) < {1 << (64 - power)}::UBIGINT " if power else ""
            found = self.connection.execute(
                f"SELECT {by}, hash({by}) AS h, count(*) AS n FROM (SELECT {listed} FROM {self._rows_of}) {small}"
                f"GROUP BY {by} ORDER BY h, {by}"
            ).to_arrow_table()
            if not power or found.num_rows > limit // 2:
                return halved(found, power, limit, self.rows)
            power -= 1

    # Texts that could hold something of a person

    def texts(self, name: str, pattern: str, most: int) -> tuple[tuple[tuple[str, int], ...], int]:
        """(text, rows that have it) of the texts that match, in an order by chance; and how many there are, of which at
        most ``most`` are told."""
        if name not in self._texts:
            self._texts[name] = self._matching(name, pattern, most)
        return self._texts[name]

    def _matching(self, name: str, pattern: str, most: int) -> tuple[tuple[tuple[str, int], ...], int]:
        known = self._every.get(name) or self._columns.get(name)
        if known is not None and not known.power:
            import pyarrow as pa

            every = pa.table({"v": pa.array(known.texts, pa.string()), "n": pa.array(known.counts)})
            self.connection.register("_known_texts", every)
            try:
                return self._aside(f"SELECT v, n FROM _known_texts WHERE regexp_matches(v, {text(pattern)})", most)
            finally:
                self.connection.unregister("_known_texts")
        table, old = self._rows_of, ""
        if self._kept("texts", name) and self.added is not None:
            table = self.added.rows
            old = f" UNION ALL SELECT value, n FROM {self._file('texts.parquet')} WHERE name = {text(name)}"
        else:
            self._whole(f"texts of {name}")
        held = f"CAST({quote(name)} AS VARCHAR)"
        found = (
            f"SELECT {held} AS v, count(*) AS n FROM {table} WHERE regexp_matches({held}, {text(pattern)}) GROUP BY 1"
        )
        return self._aside(f"SELECT v, sum(n)::BIGINT AS n FROM ({found}{old}) GROUP BY v" if old else found, most)

    def _aside(self, sql: str, most: int) -> tuple[tuple[tuple[str, int], ...], int]:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE _aside AS {sql}")
        number = self.count("_aside")
        rows = self.connection.execute(f"SELECT v, n FROM _aside ORDER BY hash(v), v LIMIT {int(most)}").fetchall()
        return tuple((str(told), int(many)) for told, many in rows), number

    # Persons and groups

    def persons(self) -> People:
        if self._persons is None:
            self._persons = self._counted_people()
        return self._persons

    @property
    def _rows_of(self) -> str:
        return self.bare or self.table

    @property
    def _about(self) -> str:
        return self.people or self.table

    def _counted_people(self) -> People:
        asked = f"SELECT count(*), count({SUBJECT}), count(DISTINCT {SUBJECT}) FROM "
        note = self.kept.get("people")
        if note is not None and self.added is not None and (self.added.held or not note["linked"]):
            rows, linked, persons = self.connection.execute(asked + self.added.rows).fetchone() or (0, 0, 0)
            again = 0
            if persons and note["linked"]:
                (again,) = self.connection.execute(
                    f"SELECT count(DISTINCT h.{SUBJECT}) FROM {self.added.held} h SEMI JOIN {self.added.rows} a "
                    f"ON a.{SUBJECT} = h.{SUBJECT}"
                ).fetchone() or (0,)
            return People(note["rows"] + rows, note["linked"] + linked, note["persons"] + persons - again)
        self._whole("persons")
        rows, linked, persons = self.connection.execute(asked + self._about).fetchone() or (0, 0, 0)
        return People(int(rows), int(linked), int(persons))

    def groups(self, names: Sequence[str]) -> str:
        """Make a table of ``c0``, ``c1``, ... and ``n``, the persons of each group; its name. A person counts once in a
        group, a row about nobody known counts for one."""
        key = ("", *names)
        if key not in self._grouped:
            name = f"_risk_groups_{next(_NUMBERS)}"
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {self._groups(names)}")
            self._grouped[key] = name
        return self._grouped[key]

    def _groups(self, names: Sequence[str]) -> str:
        by, listed = _aliased(names)
        people = self.persons()
        note = self._kept("groups", "\n".join(names))
        if note is not None and self.added is not None and (self.added.held or not people.linked):
            new = f"SELECT {listed}, {SUBJECT} FROM {self.added.rows}"
            if people.several:
                again = ""
                if note["linked"]:
                    match = " AND ".join(f"a.c{at} IS NOT DISTINCT FROM h.c{at}" for at in range(len(names)))
                    again = (
                        f" ANTI JOIN (SELECT {listed}, {SUBJECT} FROM {self.added.held} SEMI JOIN {self.added.rows} r "
                        f"USING ({SUBJECT})) h ON a.{SUBJECT} = h.{SUBJECT} AND {match}"
                    )
                new = (
                    f"SELECT * FROM (SELECT DISTINCT * FROM ({new}) WHERE {SUBJECT} IS NOT NULL) a{again} "
                    f"UNION ALL SELECT * FROM ({new}) WHERE {SUBJECT} IS NULL"
                )
            kept = f"SELECT {by}, n FROM {self._file(note['file'])}"
            both = f"{kept} UNION ALL SELECT {by}, count(*) AS n FROM ({new}) GROUP BY {by}"
            return f"SELECT {by}, sum(n)::BIGINT AS n FROM ({both}) GROUP BY {by}"
        if not people.several and (
            cells := next((item for item in self._grouped if item[0] and item[1:] == tuple(names)), None)
        ):
            return f"SELECT {by}, sum(n)::BIGINT AS n FROM {self._grouped[cells]} GROUP BY {by}"
        self._whole("groups")
        return f"SELECT {by}, count(*) AS n FROM {self.base(names)} GROUP BY {by}"

    def base(self, names: Sequence[str]) -> str:
        """SQL of ``c0``, ``c1``, ... once a person and group, with ``_subject``."""
        _, listed = _aliased(names)
        if not self.persons().several:
            return f"(SELECT {listed}, {SUBJECT} FROM {self._about})"
        return (
            f"(SELECT DISTINCT {listed}, {SUBJECT} FROM {self._about} WHERE {SUBJECT} IS NOT NULL "
            f"UNION ALL SELECT {listed}, {SUBJECT} FROM {self._about} WHERE {SUBJECT} IS NULL)"
        )

    def cells(self, names: Sequence[str], sensitive: str) -> str:
        """Make a table of the combinations of some columns and a sensitive one (``c0``, ``c1``, ..., the last is it),
        and ``n``, the rows of each; its name."""
        key = (sensitive, *names)
        if key not in self._grouped:
            name = f"_risk_cells_{next(_NUMBERS)}"
            by, listed = _aliased((*names, sensitive))
            new = f"SELECT {by}, count(*) AS n FROM (SELECT {listed} FROM {{}}) GROUP BY {by}"
            note = self._kept("cells", "\n".join(key))
            if note is not None and self.added is not None:
                both = f"SELECT {by}, n FROM {self._file(note['file'])} UNION ALL {new.format(self.added.rows)}"
                sql = f"SELECT {by}, sum(n)::BIGINT AS n FROM ({both}) GROUP BY {by}"
            else:
                self._whole(f"groups with {sensitive}")
                sql = new.format(self._about)
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
            self._grouped[key] = name
        return self._grouped[key]

    # Keeping it

    def keep(self, folder: Path) -> dict[str, Any]:
        """Write what was counted into a folder, for the next append; the note that tells what is there."""
        import pyarrow as pa

        folder.mkdir(parents=True, exist_ok=True)
        note: dict[str, Any] = {"rows": self.rows, "columns": {}, "combos": {}, "texts": {}, "groups": {}, "cells": {}}
        note |= {"more": {}, "register": dict(self._register)}
        names = sorted(self._columns)
        note["columns"] = {
            name: {"filled": self._columns[name].filled, "power": self._columns[name].power} for name in names
        }
        self._write(folder / "values.parquet", pa.table({
            "name": pa.array([name for name in names for _ in self._columns[name].texts], pa.string()),
            "value": pa.array([told for name in names for told in self._columns[name].texts], pa.string()),
            "hash": pa.array(np.concatenate([np.zeros(0, np.uint64), *(self._columns[name].hashes for name in names)])),
            "n": pa.array(np.concatenate([np.zeros(0, np.int64), *(self._columns[name].counts for name in names)])),
        }))  # fmt: skip
        for at, (key, held) in enumerate(sorted(self._combos.items())):
            file = f"combos-{at}.parquet"
            self._write(folder / file, held.table)
            note["combos"]["\n".join(key)] = {"file": file, "power": held.power}
        whole = {name: told for name, (told, number) in sorted(self._texts.items()) if len(told) == number}
        listed = [(name, *pair) for name, told in whole.items() for pair in told]
        self._write(folder / "texts.parquet", pa.table({
            "name": pa.array([item[0] for item in listed], pa.string()),
            "value": pa.array([item[1] for item in listed], pa.string()),
            "n": pa.array([item[2] for item in listed], pa.int64()),
        }))  # fmt: skip
        note["texts"] = dict.fromkeys(whole, True)
        if self._persons is not None:
            held_ = self._persons
            note["people"] = {"rows": held_.rows, "linked": held_.linked, "persons": held_.persons}
        for at, (key, table) in enumerate(sorted(self._grouped.items())):
            if self.count(table) > MOST_KEPT:
                continue
            file, kind = f"groups-{at}.parquet", "cells" if key[0] else "groups"
            write(self.connection, f"SELECT * FROM {table}", folder / file)
            note[kind]["\n".join(key if key[0] else key[1:])] = {
                "file": file, "linked": self._persons.linked if self._persons else 0,
            }  # fmt: skip
        for at, (name, (table, told)) in enumerate(sorted(self._more.items())):
            if self.count(table) <= MOST_KEPT:
                write(self.connection, f"SELECT * FROM {table}", folder / f"more-{at}.parquet")
                note["more"][name] = {**told, "file": f"more-{at}.parquet"}
        return note

    def _write(self, path: Path, table: pa.Table) -> None:
        self.connection.register("_keeping", table)
        try:
            write(self.connection, "SELECT * FROM _keeping", path)
        finally:
            self.connection.unregister("_keeping")


def _aliased(names: Sequence[str]) -> tuple[str, str]:
    by = ", ".join(f"c{at}" for at in range(len(names)))
    return by, ", ".join(f"{quote(name)} AS c{at}" for at, name in enumerate(names))


def _read_note(folder: Path) -> dict[str, Any]:
    import orjson

    try:
        told = orjson.loads((folder / NOTE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return told if isinstance(told, dict) else {}
