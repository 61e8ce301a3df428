"""Populations of one register: who of another population is who in this one.

Each population has blind numbers of its own, so that its files meet no other's by themselves. Where ``privacy.toml``
lets two populations of one unit name the same register (pupils and voters, both out of the residents' register), the
register says which two numbers are one person's, and what is public about one is laid beside what is public about the
other. The pairs are kept in ``.arengo/privacy/bridges/``, so that a person who has left the register since is still
known as one; erasing a person takes hers out (reference: decision 0240).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.errors import ArengoError
from arengo.lake.layout import quote, text
from arengo.privacy.overlap.layers import SUBJECT, note_of, write
from arengo.privacy.population import blind_sql, subject_of
from arengo.privacy.release import Population, Release
from arengo.privacy.releases import BRIDGES, PAIRS, WAIT

if TYPE_CHECKING:
    import duckdb

    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.state import State

_FORM = 1  # of the files; another one is made anew


def moved(source: str, pairs: str) -> str:
    """SQL of a source's rows with their persons under the numbers ``pairs`` (SQL of ``theirs``, ``mine``) gives them.
    Who is in no pair keeps the number of the other population, and is nobody here."""
    if not source or not pairs:
        return source
    return (
        f"(SELECT s.* REPLACE (coalesce(b.mine, s.{SUBJECT}) AS {SUBJECT}) FROM {source} s "
        f"LEFT JOIN {pairs} b ON b.theirs = s.{SUBJECT})"
    )


class Bridge:
    """Pairs of numbers in ``connection``, made when they are first asked for. ``staged``: name of a table of it with
    the persons of a candidate (``_person``, ``_blind``), where there is one: they are known though the register does
    not list them."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, lake: Lake, state: State, home: Path, secret: bytes,
        population: Population | None, others: Sequence[Population], staged: str = "",
    ) -> None:  # fmt: skip
        self._connection = connection
        self._lake = lake
        self._state = state
        self._home = home / BRIDGES
        self._secret = secret
        self._population = population
        self._others = {item.name: item for item in others}
        self._staged = staged
        self._made: dict[str, str] = {}

    def pairs(self, population: str) -> str:
        """SQL of (``theirs``, ``mine``), each number once, of a population of the same register; '' for another."""
        other = self._others.get(population)
        if other is None or self._population is None:
            return ""
        if population not in self._made:
            self._made[population] = self._make(self._population, other, f"_bridge_{len(self._made)}")
        return self._made[population]

    def rows(self, release: Release, source: str) -> str:
        """A release's rows (SQL) with their persons under the numbers of here."""
        return moved(source, self.pairs(release.population)) if source and release.subject else source

    def _make(self, mine: Population, other: Population, name: str) -> str:
        subjects = self._subjects(mine, other)
        held = self._register(mine, other, subjects, f"{name}_register") if all(subjects) else ""
        listed = [held] if held else []
        if subjects[0] == subjects[1] and self._is_staged():
            number, params = blind_sql(self._secret, other.name, "_person")
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {name}_staged AS SELECT {number} AS theirs, _blind AS mine "
                f"FROM {quote(self._staged)} WHERE _blind IS NOT NULL",
                params,
            )
            listed.append(f"{name}_staged")
        if not listed:
            return ""
        union = " UNION ALL ".join(f"SELECT theirs, mine, {at} AS age FROM {item}" for at, item in enumerate(listed))
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {_once(union, 'theirs', 'mine')}")
        return name

    def _is_staged(self) -> bool:
        found = self._connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [self._staged]
        ).fetchone()
        return bool(self._staged and found and found[0])

    def _subjects(self, *populations: Population) -> tuple[str, ...]:
        """The register's column of each population's numbers, '' where that is not known."""
        from arengo.contract.load import loads

        record = self._state.contracts().get(populations[0].register)
        try:
            contract = loads(record.text) if record is not None else None
        except ArengoError:
            contract = None
        return tuple(item.subject or (subject_of(contract, item.name) if contract else "") for item in populations)

    def _register(self, mine: Population, other: Population, subjects: Sequence[str], name: str) -> str:
        """Make the table ``name`` of the pairs the register tells, and told before; '' where there is none to be had.
        Beside others who do, and an erasure."""
        with self._state.hold(PAIRS, wait=WAIT):
            newest = self._lake.newest(mine.register)
            if newest is None:
                return ""
            pairs = self._held(mine, other, subjects, newest)
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {pairs}")
        return name

    def _held(self, mine: Population, other: Population, subjects: Sequence[str], newest: Version) -> str:
        """SQL of the pairs in the file, which are those of today's register afterwards."""
        (first, column), (second, column_) = sorted(zip((mine.name, other.name), subjects, strict=True))
        mark = hashlib.sha256(
            repr((mine.register, first, column, second, column_, hashlib.sha256(self._secret).hexdigest())).encode()
        ).hexdigest()
        path = self._home / f"{hashlib.sha256(f'{first} {second}'.encode()).hexdigest()[:32]}.parquet"
        wanted = {"form": _FORM, "mark": mark, "register": _state_of(newest)}
        note = note_of(path)
        sides = ("mine", "theirs") if first == mine.name else ("theirs", "mine")
        if note != wanted:
            known = (note.get("form"), note.get("mark")) == (_FORM, mark)
            # Who is in no newer version of the register is looked for in those that are still kept.
            versions = [newest] if known else list(self._lake.retained(mine.register))
            self._tell(first, second, (column, column_), path, versions, known)
            write(self._connection, f"SELECT first, second FROM {quote(path.stem)}", path, wanted)
            self._connection.execute(f"DROP TABLE {quote(path.stem)}")
        return f"(SELECT first AS {sides[0]}, second AS {sides[1]} FROM read_parquet({text(str(path))}))"

    def _tell(
        self, first: str, second: str, columns: tuple[str, str], path: Path, versions: Sequence[Version], known: bool
    ) -> None:
        """Make a table of the pairs that versions of the register tell, and those of the file when it is ``known``."""
        listed = [
            f"SELECT DISTINCT CAST({quote(columns[0])} AS VARCHAR) AS a, CAST({quote(columns[1])} AS VARCHAR) AS b, "
            f"{age} AS age FROM {self._lake.source(version)}"
            for age, version in enumerate(sorted(versions, key=lambda item: -item.number))
            if set(columns) <= {column.name for column in version.schema}
        ] or ["SELECT NULL::VARCHAR AS a, NULL::VARCHAR AS b, 0 AS age WHERE false"]
        one, params = blind_sql(self._secret, first, "a")
        two, more = blind_sql(self._secret, second, "b")
        alike = f"SELECT a, b, min(age) AS age FROM ({' UNION ALL '.join(listed)}) GROUP BY a, b"
        told = f"SELECT {one} AS first, {two} AS second, age FROM ({alike})"
        if known:
            told += f" UNION ALL SELECT first, second, {len(listed)} FROM read_parquet({text(str(path))})"
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {quote(path.stem)} AS {_once(told, 'first', 'second')}", (*params, *more)
        )


def _once(pairs: str, one: str, other: str) -> str:
    """SQL of pairs in which each number stands once, in the youngest of its pairs: a number that was corrected in the
    register is the person's it is now."""
    whole = f"SELECT * FROM ({pairs}) WHERE {one} IS NOT NULL AND {other} IS NOT NULL"
    left = f"SELECT {one}, arg_min({other}, (age, {other})) AS {other}, min(age) AS age FROM ({whole}) GROUP BY {one}"
    return f"SELECT arg_min({one}, (age, {one})) AS {one}, {other} FROM ({left}) GROUP BY {other}"


def _state_of(version: Version) -> list[Any]:
    return [version.number, str(version.checksum), version.rows, str(version.snapshot_id),
            bool(version.extra.get("deletes"))]  # fmt: skip
