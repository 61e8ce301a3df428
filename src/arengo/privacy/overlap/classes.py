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

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.errors import storage_full
from arengo.lake.layout import quote, text
from arengo.privacy.release import ROWS, Release

if TYPE_CHECKING:
    import duckdb

SUBJECT = "_subject"
CLASSES = "classes.parquet"
SERIES = "series"
_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FORM = 1  # of the files; another one is made anew

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
    """Where a file of classes comes from. ``mark``: its own, another one each time it is written; ``of``: that of the
    file it was made of by adding the one release ``by``, '' where it was made anew."""

    mark: str = ""
    of: str = ""
    by: str = ""


class Classes:
    """The files of the joint classes under ``home`` (``.arengo/privacy``). Replaced whole, never changed in place."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def folder(self, population: str) -> Path:
        """A contract may name a population in any words; only plain ones name a folder."""
        plain = len(population) <= 80 and _PLAIN.fullmatch(population)
        name = population if plain else f"x-{hashlib.sha256(population.encode()).hexdigest()[:32]}"
        return self._home / "populations" / name

    def path(self, population: str) -> Path:
        """Parquet of (``_subject`` VARCHAR, ``class`` UBIGINT), one row a person."""
        return self.folder(population) / CLASSES

    def _series(self, population: str, series: str) -> Path:
        return self.folder(population) / SERIES / f"{hashlib.sha256(series.encode()).hexdigest()[:32]}.parquet"

    def fresh(self, population: str, releases: Sequence[Release]) -> bool:
        """Whether the files hold exactly these releases."""
        wanted = by_series(releases)
        note = note_of(self.path(population))
        labels = sorted(item.label for item in counted(releases))
        if (note.get("form"), note.get("releases")) != (_FORM, labels):
            return not wanted and not self.path(population).exists()
        return all(
            note_of(self._series(population, series)) == {"form": _FORM, "releases": [item.label for item in versions]}
            for series, versions in wanted.items()
        )

    def made(self, population: str) -> Made:
        """Where the file of the classes comes from."""
        told = (note_of(self.path(population)).get("made") or {}).get
        return Made(str(told("mark", "")), str(told("of", "")), str(told("by", "")))

    def extend(self, connection: duckdb.DuckDBPyConnection, release: Release, rows: str, touched: str = "") -> None:
        """Bring one more release into files that are fresh. Costs what the population costs, in one pass. ``touched``:
        of a release that adds rows to the newest of its series, SQL of rows about the persons these are about; the
        marks of all others stay.
        """
        if not counted((release,)) or not rows:
            return
        population, series = release.population, series_of(release)
        path, held = self.path(population), self._series(population, series)
        note = note_of(path)
        labels = sorted({*note.get("releases", ()), release.label})
        mine = list(note_of(held).get("releases", ()))
        newest = max((int(label.rpartition(" v")[2]) for label in mine), default=0)
        if touched and held.is_file() and newest:
            rows = f"(SELECT * FROM {rows} SEMI JOIN (SELECT {SUBJECT} FROM {touched}) t USING ({SUBJECT}))"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE _new_marks AS {marks_of(release, rows)}")
        old = f"read_parquet({text(str(held))})" if held.is_file() else ""
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
        # The classes go first: whatever moment a kill comes at, the notes in the files tell that they do not agree.
        moved = f"SELECT {SUBJECT}, xor(code, coalesce(was, 0)) AS code FROM _marks WHERE code IS DISTINCT FROM was"
        known = f"read_parquet({text(str(path))})" if path.is_file() else ""
        joined = (
            f"SELECT coalesce(c.{SUBJECT}, m.{SUBJECT}) AS {SUBJECT}, "
            f"xor(coalesce(c.class, 0), coalesce(m.code, 0)) AS class "
            f"FROM {known} c FULL JOIN ({moved}) m ON c.{SUBJECT} = m.{SUBJECT}"
            if known
            else f"SELECT {SUBJECT}, code AS class FROM ({moved})"
        )
        come = {"mark": secrets.token_hex(16), "of": (note.get("made") or {}).get("mark", ""), "by": release.label}
        write(connection, joined, path, {"form": _FORM, "releases": labels, "made": come})
        versions = sorted([*mine, release.label], key=lambda label: int(label.rpartition(" v")[2]))
        write(connection, f"SELECT {SUBJECT}, code FROM _marks", held, {"form": _FORM, "releases": versions})
        connection.execute("DROP TABLE _new_marks; DROP TABLE _marks")

    def rebuild(
        self, connection: duckdb.DuckDBPyConnection, population: str, releases: Sequence[Release], rows: Rows
    ) -> None:
        """Make the files anew from the blind files."""
        wanted = by_series(releases)
        keep = {self._series(population, series) for series in wanted}
        for path in (self.folder(population) / SERIES).glob("*.parquet"):
            if path not in keep:
                path.unlink()
        if not wanted:
            self.path(population).unlink(missing_ok=True)
            return
        parts = []
        for series, versions in wanted.items():
            path = self._series(population, series)
            note = {"form": _FORM, "releases": [item.label for item in versions]}
            write(connection, last_marks(versions, rows), path, note)
            parts.append(f"SELECT {SUBJECT}, code FROM read_parquet({text(str(path))})")
        union = f"SELECT {SUBJECT}, bit_xor(code) AS class FROM ({' UNION ALL '.join(parts)}) GROUP BY {SUBJECT}"
        labels = sorted(item.label for item in counted(releases))
        come = {"mark": secrets.token_hex(16), "of": "", "by": ""}
        write(connection, union, self.path(population), {"form": _FORM, "releases": labels, "made": come})

    def holds(self, population: str, subjects: Sequence[str]) -> bool:
        """Whether a person is still in a file of the population."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        wanted = pa.array(list(subjects), pa.string())
        for path in (self.path(population), *(self.folder(population) / SERIES).glob("*.parquet")):
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
            files = {series: f"read_parquet({text(str(self._series(population, series)))})" for series in wanted}
            return Sources(f"read_parquet({text(str(self.path(population)))})", files)
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


def write(connection: duckdb.DuckDBPyConnection, sql: str, path: Path, note: Mapping[str, Any] | None = None) -> None:
    """A query into a Parquet file that is there whole or not at all. Raises StorageFull."""
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f"{path.name}.building-{os.getpid()}")
    told = f", KV_METADATA {{arengo: {text(orjson.dumps(note).decode())}}}" if note else ""
    try:
        connection.execute(f"COPY ({sql}) TO {text(str(building))} (FORMAT parquet, COMPRESSION zstd{told})")
        with open(building, "rb") as file:
            os.fsync(file.fileno())
        os.replace(building, path)
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except Exception as error:
        full = storage_full(error)
        if full is not None:
            raise full from None
        raise
    finally:
        with contextlib.suppress(OSError):
            building.unlink()


def note_of(path: Path) -> dict[str, Any]:
    """What was written into a file's metadata; {} when there is no such file or it cannot be read."""
    if not path.is_file():
        return {}
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = (pq.read_metadata(path).metadata or {}).get(b"arengo", b"{}")
        told = orjson.loads(found)
    except (OSError, pa.ArrowInvalid, orjson.JSONDecodeError):
        return {}
    return told if isinstance(told, dict) else {}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
