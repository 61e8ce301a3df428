"""The joint classes of a population: one 64-bit number a person for all that was ever published about them.

Two people are in one class when every release shows the same of both. A person's number is the exclusive or of one
mark a *series* of releases (the first 64 bits of MD5 over the series and the released values); 0 where nothing was
published. So a release is added, replaced by its next version or left out in one pass over the people it is about,
whatever number of releases went before (Zobrist, *A new hashing method*, 1970). With a million people the chance that
any two classes meet is 3 in 100 million (reference: decision 0208).

A series is one dataset's versions with the same quasi-identifiers at the same levels; a person's mark in it is that of
the newest version that told of them. What a version tells beside the one before it is step 4.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.lake.layout import quote, text
from arengo.privacy.overlap.layers import Persons, scan
from arengo.privacy.release import ROWS, Release

if TYPE_CHECKING:
    import duckdb

SUBJECT = "_subject"
CLASSES = "classes.parquet"
SERIES = "series"
_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FORM = 1  # of the files; another one is made anew
_MOVED = "_moved_marks"

Rows = Callable[[Release], str]


# Marks


def series_of(release: Release) -> str:
    """The series a release belongs to: dataset, recipient, and what its quasi-identifiers are and how coarse."""
    columns = sorted((a.concept, a.hierarchy, a.level, orjson.dumps(_plain(a.protect)).decode()) for a in release.quasi)
    return orjson.dumps([release.dataset, release.recipient, columns]).decode()


def canonical(columns: Sequence[str]) -> str:
    """SQL of one text for the values of some columns, the same only where all are the same; NULL is a value."""
    parts = [f"coalesce(length(CAST({sql} AS VARCHAR)) || ':' || CAST({sql} AS VARCHAR), '~')" for sql in columns]
    return " || ".join(parts) or "''"


def marks(series: str, columns: Sequence[str], rows: str, where: str = "") -> str:
    """SQL of (``_subject``, ``code``): what a release shows of each person. Several rows of a person are one set."""
    mark = f"md5_number_lower({text(series + '|')} || {canonical(columns)})"
    told = f"SELECT DISTINCT {SUBJECT}, {mark} AS code FROM {rows} WHERE {SUBJECT} IS NOT NULL {where}"
    return f"SELECT {SUBJECT}, bit_xor(code) AS code FROM ({told}) GROUP BY {SUBJECT}"


def marks_of(release: Release, rows: str) -> str:
    """:func:`marks` of a release whose rows are linked to persons."""
    ordered = sorted(release.quasi, key=lambda item: (item.concept, item.column))
    return marks(series_of(release), [quote(item.column) for item in ordered], rows)


def counted(releases: Sequence[Release]) -> tuple[Release, ...]:
    """Those that refine the classes: rows that are linked to persons and show a quasi-identifier."""
    return tuple(item for item in releases if item.form == ROWS and item.subject and item.quasi)


def by_series(releases: Sequence[Release]) -> dict[str, list[Release]]:
    """Series -> its releases, the newest version last."""
    out: dict[str, list[Release]] = {}
    for item in sorted(counted(releases), key=lambda item: (item.dataset, item.number)):
        out.setdefault(series_of(item), []).append(item)
    return out


def last_marks(versions: Sequence[Release], rows: Rows) -> str:
    """SQL of (``_subject``, ``code``) of a series: the mark in the newest version that told of the person."""
    parts = [(item.number, marks_of(item, sql)) for item in versions if (sql := rows(item))]
    if len(parts) == 1:
        return parts[0][1]
    union = " UNION ALL ".join(f"SELECT {SUBJECT}, code, {number} AS n FROM ({sql})" for number, sql in parts)
    empty = f"SELECT CAST(NULL AS VARCHAR) AS {SUBJECT}, CAST(NULL AS UBIGINT) AS code WHERE false"
    return f"SELECT {SUBJECT}, arg_max(code, n) AS code FROM ({union}) GROUP BY {SUBJECT}" if parts else empty


# Files


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the classes of some releases are read. ``before``: SQL of (``_subject``, ``class``); ``series``: series ->
    SQL of (``_subject``, ``code``); ``gone``: releases whose rows are not at hand.
    """

    before: str
    series: Mapping[str, str]
    gone: tuple[Release, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """Where classes come from. ``mark``: their own, another one each time they change; ``of``: that of those they were
    made of by adding the one release ``by``, '' where they were made anew."""

    mark: str = ""
    of: str = ""
    by: str = ""


class Classes:
    """The files of the joint classes under ``home`` (``.arengo/privacy``), see :mod:`arengo.privacy.overlap.layers`."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def folder(self, population: str) -> Path:
        """A contract may name a population in any words; only plain ones name a folder."""
        plain = len(population) <= 80 and _PLAIN.fullmatch(population)
        name = population if plain else f"x-{hashlib.sha256(population.encode()).hexdigest()[:32]}"
        return self._home / "populations" / name

    def path(self, population: str) -> Path:
        """Parquet of (``_subject`` VARCHAR, ``class`` UBIGINT), one row a person: the ground of its layers."""
        return self.folder(population) / CLASSES

    def persons(self, population: str) -> Persons:
        """The class of each person."""
        return Persons(self.path(population), "class")

    def series(self, population: str, series: str) -> Persons:
        """The mark of each person in a series."""
        name = f"{hashlib.sha256(series.encode()).hexdigest()[:32]}.parquet"
        return Persons(self.folder(population) / SERIES / name, "code")

    def fresh(self, population: str, releases: Sequence[Release]) -> bool:
        """Whether the files hold exactly these releases."""
        wanted = by_series(releases)
        note = self.persons(population).note()
        labels = sorted(item.label for item in counted(releases))
        if (note.get("form"), note.get("releases")) != (_FORM, labels):
            return not wanted and not self.path(population).exists()
        return all(
            _told(self.series(population, series).note()) == (_FORM, [item.label for item in versions])
            for series, versions in wanted.items()
        )

    def made(self, population: str) -> Made:
        """Where the classes come from."""
        note = self.persons(population).note()
        told = (note.get("made") or {}).get
        return Made(str(note.get("mark") or told("mark", "")), str(told("of", "")), str(told("by", "")))

    def extend(
        self, connection: duckdb.DuckDBPyConnection, release: Release, rows: str, touched: str = "", new: str = "",
        onto: str = "",
    ) -> None:  # fmt: skip
        """Bring one more release into files that are fresh. Costs what the population costs, in one pass. ``touched``:
        of a release that adds rows to the one of the label ``onto``, SQL of rows about the persons these are about, and
        ``new`` of the release's own rows with at least all that are added; the marks of all others stay, and what is
        written is what these persons cost.
        """
        if not counted((release,)) or not rows:
            return
        population, series = release.population, self.series(release.population, series_of(release))
        note, mine = self.persons(population).note(), list(series.note().get("releases", ()))
        labels = sorted({*note.get("releases", ()), release.label})
        newest = max((_number(label) for label in mine), default=0)
        come = {"of": self.made(population).mark, "by": release.label}
        told = {"form": _FORM, "releases": labels, "made": come}
        versions = {"form": _FORM, "releases": sorted([*mine, release.label], key=_number)}
        if touched and mine and newest == _number(onto) < release.number and onto in mine:
            self._move(connection, release, rows, touched, new)
            # The classes go first: whatever moment a kill comes at, the notes in the files tell that they do not agree.
            self.persons(population).lay(connection, f"SELECT {SUBJECT}, class FROM {_MOVED}", told)
            series.lay(connection, f"SELECT {SUBJECT}, code FROM {_MOVED}", versions)
            connection.execute(f"DROP TABLE {_MOVED}")
            return
        connection.execute(f"CREATE OR REPLACE TEMP TABLE _new_marks AS {marks_of(release, rows)}")
        old = series.sql()
        if old:
            first, second = ("n", "o") if release.number > newest else ("o", "n")
            both = (
                f"SELECT coalesce(n.{SUBJECT}, o.{SUBJECT}) AS {SUBJECT}, "
                f"coalesce({first}.code, {second}.code) AS code, o.code AS was "
                f"FROM _new_marks n FULL JOIN {old} o ON n.{SUBJECT} = o.{SUBJECT}"
            )
        else:
            both = f"SELECT {SUBJECT}, code, CAST(NULL AS UBIGINT) AS was FROM _new_marks"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE _marks AS {both}")
        moved = f"SELECT {SUBJECT}, xor(code, coalesce(was, 0)) AS code FROM _marks WHERE code IS DISTINCT FROM was"
        known = self.persons(population).sql()
        joined = (
            f"SELECT coalesce(c.{SUBJECT}, m.{SUBJECT}) AS {SUBJECT}, "
            f"xor(coalesce(c.class, 0), coalesce(m.code, 0)) AS class "
            f"FROM {known} c FULL JOIN ({moved}) m ON c.{SUBJECT} = m.{SUBJECT}"
            if known
            else f"SELECT {SUBJECT}, code AS class FROM ({moved})"
        )
        self.persons(population).whole(connection, joined, told)
        series.whole(connection, f"SELECT {SUBJECT}, code FROM _marks", versions)
        connection.execute("DROP TABLE _new_marks; DROP TABLE _marks")

    def _move(
        self, connection: duckdb.DuckDBPyConnection, release: Release, rows: str, touched: str, new: str
    ) -> None:  # fmt: skip
        """Make a table of the persons whose mark is another one now, with it and their class."""
        run = connection.execute
        series = self.series(release.population, series_of(release)).sql()
        run(f"CREATE OR REPLACE TEMP TABLE _touched AS SELECT DISTINCT {SUBJECT} FROM {touched} "
            f"WHERE {SUBJECT} IS NOT NULL")  # fmt: skip
        run(f"CREATE OR REPLACE TEMP TABLE _touched_was AS SELECT {SUBJECT}, code AS was FROM {series} "
            f"SEMI JOIN _touched USING ({SUBJECT})")  # fmt: skip
        (again,) = run("SELECT count(*) FROM _touched_was").fetchone() or (1,)
        # Of those who come for the first time all rows are among the new ones.
        of = f"(SELECT * FROM {rows if again else new} SEMI JOIN _touched USING ({SUBJECT}))"
        run(f"CREATE OR REPLACE TEMP TABLE _marks AS SELECT {SUBJECT}, code, was FROM ({marks_of(release, of)}) "
            f"LEFT JOIN _touched_was USING ({SUBJECT}) WHERE code IS DISTINCT FROM was")  # fmt: skip
        known = self.persons(release.population).sql()
        run(
            f"CREATE OR REPLACE TEMP TABLE {_MOVED} AS SELECT m.{SUBJECT}, m.code, "
            f"xor(coalesce(c.class, 0), xor(m.code, coalesce(m.was, 0))) AS class FROM _marks m "
            f"LEFT JOIN (SELECT * FROM {known} SEMI JOIN _marks USING ({SUBJECT})) c USING ({SUBJECT})"
        )
        run("DROP TABLE _touched; DROP TABLE _touched_was; DROP TABLE _marks")

    def rebuild(
        self, connection: duckdb.DuckDBPyConnection, population: str, releases: Sequence[Release], rows: Rows
    ) -> None:
        """Make the files anew from the blind files."""
        wanted = {self.series(population, series): versions for series, versions in by_series(releases).items()}
        keep = {path for series in wanted for path in (series.ground, *series.left())}
        for path in (self.folder(population) / SERIES).glob("*.parquet"):
            if path not in keep:
                path.unlink()
        if not wanted:
            self.persons(population).remove()
            return
        parts = []
        for series, versions in wanted.items():
            note = {"form": _FORM, "releases": [item.label for item in versions]}
            series.whole(connection, last_marks(versions, rows), note)
            parts.append(f"SELECT {SUBJECT}, code FROM {scan([series.ground])}")
        union = f"SELECT {SUBJECT}, bit_xor(code) AS class FROM ({' UNION ALL '.join(parts)}) GROUP BY {SUBJECT}"
        labels = sorted(item.label for item in counted(releases))
        made = {"form": _FORM, "releases": labels, "made": {"of": "", "by": ""}}
        self.persons(population).whole(connection, union, made)

    def holds(self, population: str, subjects: Sequence[str]) -> bool:
        """Whether a person is still in a file of the population."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        wanted = pa.array(list(subjects), pa.string())
        for path in sorted(self.folder(population).rglob("*.parquet")):  # whether they count or not
            if path.is_file():
                column = pq.read_table(path, columns=[SUBJECT]).column(0)
                if pc.any(pc.is_in(column, value_set=wanted)).as_py():
                    return True
        return False

    def sources(
        self, connection: duckdb.DuckDBPyConnection, population: str, releases: Sequence[Release], rows: Rows
    ) -> Sources:
        """Where to read the classes of ``releases``: the files when they hold just these, else made here from rows."""
        wanted = by_series(releases)
        if wanted and self.fresh(population, releases):
            files = {series: self.series(population, series).sql() for series in wanted}
            return Sources(self.persons(population).sql(), files)
        made: dict[str, str] = {}
        gone = tuple(item for item in counted(releases) if not rows(item))
        for number, (series, versions) in enumerate(wanted.items()):
            name = f"_series_{number}"
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {last_marks(versions, rows)}")
            made[series] = name
        union = " UNION ALL ".join(f"SELECT {SUBJECT}, code FROM {name}" for name in made.values())
        empty = f"SELECT CAST(NULL AS VARCHAR) AS {SUBJECT}, CAST(NULL AS UBIGINT) AS code WHERE false"
        before = f"SELECT {SUBJECT}, bit_xor(code) AS class FROM ({union or empty}) GROUP BY {SUBJECT}"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE _classes_before AS {before}")
        return Sources("_classes_before", made, gone)


def _told(note: Mapping[str, Any]) -> tuple[Any, Any]:
    return note.get("form"), note.get("releases")


def _number(label: str) -> int:
    return int(label.rpartition(" v")[2] or 0)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
