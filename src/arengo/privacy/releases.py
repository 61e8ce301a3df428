"""The publication ledger: what is public about each population, person by person, under blind numbers.

Every public version is kept as a *blind file*, ``.arengo/privacy/releases/<dataset>/v<n>.parquet``: what it tells of
persons (quasi-identifiers, sensitive values, columns with a concept) and ``_subject``. Of a version that only adds rows
the file holds these, and names the files of earlier versions that hold the others. Each population's joint classes
(:mod:`arengo.privacy.overlap.classes`) are brought up to date by it. Files are written first and the row of the state
last, so a release that is in the state is whole on the disk; writing one twice changes nothing
(reference: decisions 0207 and 0238).
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.contract.model import Contract, Frozen, Kind
from arengo.errors import LakeError
from arengo.lake.layout import quote, text
from arengo.privacy.overlap.classes import Classes, canonical, series_of
from arengo.privacy.overlap.layers import (
    ON,
    files_of,
    note_of,
    path_of,
    rows_of,
    scan,
    scratch,
    stay,
    sweep,
    sweep_scratch,
    write,
)
from arengo.privacy.population import Populations
from arengo.privacy.release import ROWS, Attribute, Release
from arengo.state.gate import release as table_

if TYPE_CHECKING:
    import duckdb

    from arengo.lake import Lake
    from arengo.privacy.history import Source
    from arengo.settings import Settings
    from arengo.state import State

SUBJECT = "_subject"
MARK = "_mark"
FOLDER = "privacy"
BRIDGES = "bridges"
"""Whose number in one population is whose in another (:mod:`arengo.privacy.bridge`)."""
PAIRS = "privacy bridges"
"""The lock of who reads or writes these: who is taken out of them is put back by nobody who read them before."""
SPILL = "spill"
KEPT = "kept"
"""What was counted of the newest versions (:mod:`arengo.publish.growth`)."""
WAIT = 600.0
"""Seconds a writer waits for another one of the same population."""


def respelt(label: str) -> str:
    """SQL of the name of a group as it is spelt today: ``[45, 50)`` was ``45–49``, ``1950s`` was ``1950–1959``. Two
    releases meet by these names, so those written down before the change are read in the words of today."""
    first, end = (f"regexp_extract({label}, '^\\[(-?[0-9]+), (-?[0-9]+)\\)$', {part})" for part in (1, 2))
    return (
        f"CASE WHEN regexp_full_match(CAST({label} AS VARCHAR), '\\[-?[0-9]+, -?[0-9]+\\)') "
        f"THEN CASE WHEN CAST({end} AS BIGINT) - CAST({first} AS BIGINT) > 1 "
        f"THEN {first} || '–' || CAST(CAST({end} AS BIGINT) - 1 AS VARCHAR) ELSE {first} END "
        f"WHEN regexp_full_match(CAST({label} AS VARCHAR), '[0-9]{{3}}0s') "
        f"THEN left({label}, 4) || '–' || left({label}, 3) || '9' "
        f"WHEN regexp_full_match(CAST({label} AS VARCHAR), '[0-9]{{3}}[05]-[0-9]{{3}}[49]') "
        f"THEN replace({label}, '-', '–') ELSE {label} END"
    )


class Releases:
    """Safe beside readers and other processes: one writer a population (:meth:`State.hold`), files replaced whole."""

    def __init__(self, settings: Settings, state: State, lake: Lake | None = None) -> None:
        self._settings = settings
        self._state = state
        self._lake = lake
        self.home = settings.home / FOLDER
        self.classes = Classes(self.home)

    # What is public

    def of(self, *populations: str) -> tuple[Release, ...]:
        """Every release of some populations that somebody may hold, withdrawn ones too, the oldest first."""
        named = [item for item in populations if item]
        return self._read(table_.c.population.in_(named)) if named else ()

    def of_dataset(self, dataset: str) -> tuple[Release, ...]:
        return self._read(table_.c.dataset == dataset)

    def populations(self) -> tuple[str, ...]:
        """Names of the populations something is public about, sorted."""
        c = table_.c
        with self._state.read() as connection:
            return tuple(connection.scalars(sa.select(c.population).where(c.population != "").distinct().order_by(
                c.population)))  # fmt: skip

    def _read(self, *conditions: sa.ColumnElement[bool]) -> tuple[Release, ...]:
        c = table_.c
        chosen = sa.select(c.body, c.withdrawn_at).where(*conditions).order_by(c.at, c.dataset, c.number)
        with self._state.read() as connection:
            rows = connection.execute(chosen).all()
        return tuple(replace(from_json(row.body), withdrawn=row.withdrawn_at is not None) for row in rows)

    def path(self, dataset: str, number: int) -> Path:
        """The file of a release; of one that only adds rows, with these alone."""
        return path_of(self.home, dataset, number)

    def rows(self, release: Release) -> str:
        """SQL of a release's rows with ``_subject``, to stand after FROM; '' when they are not kept."""
        files = files_of(self.home, release.dataset, release.number)
        return self._spelt(release, files) if files else ""

    def _spelt(self, release: Release, files: Sequence[Path]) -> str:
        rows = scan(files)
        named = [
            item.column
            for item in told(release)
            if item.level not in ("", "0") and item.kind is Kind.STRING and not item.hierarchy.startswith("measures")
        ]
        spelt = ", ".join(f"{respelt(quote(name))} AS {quote(name)}" for name in named)
        return f"(SELECT * REPLACE ({spelt}) FROM {rows})" if spelt else rows

    # Writing

    def add(
        self, release: Release, connection: duckdb.DuckDBPyConnection, table: str, mark: str = "", onto: int = 0
    ) -> bool:
        """Write down that a version is public. ``table``: SQL of its rows in ``connection``, released columns and
        ``_subject``. False when it was written down already. Nothing that is in the state is ever half on the disk:
        a kill at any moment is made good by calling again. ``mark``: SQL of what tells a row from others
        (:func:`mark_of`), kept so that the next version finds the persons of the rows it keeps. ``onto``: the
        number of a version of which it holds every row, told alike and with its mark; ``table`` then are the rows it
        adds, and what is written costs what these do. Raises StorageFull, Busy.
        """
        if release.number < 1:
            raise LakeError("A candidate is no release yet.", todo="Write it down after its commit.")
        with self._held(release.population):
            if self._known(release):
                return False
            laid = self._lay(release, connection, table, mark, onto) if onto else None
            if not onto:
                self._write(release, connection, table, mark)
            if release.population and release.form == ROWS and release.subject:
                self._join(connection, release, laid, table)
            self._insert(release)
            return True

    def rewrite(
        self, known: Release, release: Release, connection: duckdb.DuckDBPyConnection, table: str, mark: str = ""
    ) -> None:
        """Write down anew what is in the ledger as ``known``. It is in the ledger all the while, so that nothing is
        judged without it and no kill takes from it what is known of persons; calling again finishes it."""
        populations = sorted({known.population, release.population})
        with contextlib.ExitStack() as stack:
            for name in populations:
                stack.enter_context(self._held(name))
            self._stand(release.dataset, release.number)
            self._write(release, connection, table, mark)
            for name in populations:
                if name:
                    self._rebuild(name, release)
            self._update(release)

    def _write(self, release: Release, connection: duckdb.DuckDBPyConnection, table: str, mark: str) -> None:
        write(connection, f"SELECT {_listed(release, mark)} FROM {table}", self.path(release.dataset, release.number))

    def _lay(
        self, release: Release, connection: duckdb.DuckDBPyConnection, table: str, mark: str, onto: int
    ) -> Release | None:  # fmt: skip
        """Write the rows a release adds to the version ``onto``, together with those of the smaller files it lies on;
        that version, None where it was told of otherwise than the release is."""
        files = files_of(self.home, release.dataset, onto)
        if not files:
            raise LakeError(
                f"The rows of {release.dataset} v{onto} in the publication ledger are gone.",
                todo="Restore .arengo/privacy from a backup, or publish the whole table.",
            )
        rows = f"SELECT {_listed(release, mark)} FROM {table}"
        older = f"SELECT {_listed(release, MARK if mark else '')} FROM "
        known = next((item for item in self.of_dataset(release.dataset) if item.number == onto), None)
        alike = known is not None and _alike(known, release) and len({
            tuple(map(str, connection.execute(f"DESCRIBE {sql}").fetchnumpy()["column_type"]))
            for sql in (rows, *(older + scan([file]) for file in files))
        }) == 1  # fmt: skip
        (more,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
        kept = stay([rows_of(file) for file in files], int(more)) if alike else 0
        if joined := files[kept:]:
            rows += f" UNION ALL {older}{scan(joined) if alike else self._spelt(known or release, joined)}"
        note = {ON: [file.name for file in files[:kept]]} if kept else None
        write(connection, rows, self.path(release.dataset, release.number), note)
        return known if alike else None

    def _stand(self, dataset: str, number: int) -> None:
        """Make the files whole that lie on one that is about to go or to tell another thing."""
        gone = self.path(dataset, number).name
        numbers = [item.number for item in self.of_dataset(dataset)]
        lying = [item for item in numbers if gone in note_of(self.path(dataset, item)).get(ON, ())]
        if lying:
            with self.engine() as connection:
                for item in lying:
                    files = files_of(self.home, dataset, item)
                    write(connection, f"SELECT * FROM {scan(files)}", self.path(dataset, item))

    def _join(
        self, connection: duckdb.DuckDBPyConnection, release: Release, onto: Release | None = None, table: str = ""
    ) -> None:
        before = tuple(item for item in self.of(release.population) if item.form == ROWS and item.subject)
        if not self.classes.fresh(release.population, before):
            self.classes.rebuild(connection, release.population, (*before, release), self.rows)
            return
        own = self._spelt(release, [self.path(release.dataset, release.number)])
        label = onto.label if onto is not None else ""
        self.classes.extend(connection, release, self.rows(release), table if label else "", own, label)

    def withdraw(self, dataset: str, number: int, at: datetime | None = None) -> bool:
        """Say that a release is public no more. Whoever took a copy still has it, so it stays in scope."""
        c = table_.c
        chosen = (c.dataset == dataset) & (c.number == number) & c.withdrawn_at.is_(None)
        with self._state.write() as connection:
            done = connection.execute(sa.update(table_).where(chosen).values(withdrawn_at=at or datetime.now(UTC)))
            return bool(done.rowcount)

    def remove(self, dataset: str, number: int) -> bool:
        """Take out a release that nobody ever got, as if it had not been."""
        held = next((item for item in self.of_dataset(dataset) if item.number == number), None)
        if held is None:
            return False
        with self._held(held.population):
            self._stand(dataset, number)
            c = table_.c
            with self._state.write() as connection:
                connection.execute(sa.delete(table_).where((c.dataset == dataset) & (c.number == number)))
            self.path(dataset, number).unlink(missing_ok=True)
            if held.population:
                self._rebuild(held.population)
        return True

    def forget(self, subjects: Iterable[str]) -> int:
        """Take persons (blind numbers) out of every file; how many rows went. Doing it twice takes nothing more."""
        # What was counted of versions holds values of rows: it is counted anew.
        shutil.rmtree(self.home / KEPT, ignore_errors=True)
        sweep_scratch(self.home / SPILL)
        gone = sorted(set(subjects))
        if not gone:
            return 0
        import pyarrow as pa

        self._apart(gone)
        taken, changed, known = 0, set(), set()
        with self.engine() as connection:
            connection.register("_gone", pa.table({SUBJECT: pa.array(gone, pa.string())}))
            for release in self._read():
                path = self.path(release.dataset, release.number)
                known.add(path)
                with self._held(release.population):
                    sweep(path.parent)
                    found = _without(connection, path)
                if found:
                    taken += found
                    changed.add(release.population)
            for path in sorted((self.home / "releases").rglob("*.parquet")):
                if path not in known:  # what a kill left of a release that is in the state no more, or not yet
                    _without(connection, path)
            for folder in {*(self.home / "releases").glob("*")} - {path.parent for path in known}:
                sweep(folder)
        for population in sorted({*changed, *self.populations()}):
            with self._held(population):
                sweep(self.classes.folder(population))
                if population in changed or self.classes.holds(population, gone):
                    self._rebuild(population)
        shutil.rmtree(self.home / KEPT, ignore_errors=True)  # what was counted meanwhile of the files as they were
        return taken

    def _apart(self, gone: Sequence[str]) -> None:
        """Take persons out of the pairs of numbers. The others stay: of who has left the register nothing else tells
        that they are one person."""
        import duckdb

        folder = self.home / BRIDGES
        listed = ", ".join(map(text, gone))
        with self._state.hold(PAIRS, wait=WAIT), self.engine() as connection:
            sweep(folder)
            for path in sorted(folder.glob("*.parquet")):
                rows, hers = scan([path]), f"first IN ({listed}) OR second IN ({listed})"
                try:
                    (found,) = connection.execute(f"SELECT count(*) FROM {rows} WHERE {hers}").fetchone() or (0,)
                except duckdb.Error:  # no such file any more: made anew of who is in the register then
                    path.unlink()
                    continue
                if found:
                    write(connection, f"SELECT * FROM {rows} WHERE NOT ({hers})", path, note_of(path))

    def rebuild(self, population: str) -> None:
        """Make the joint classes of a population anew from its blind files."""
        with self._held(population):
            self._rebuild(population)

    def _rebuild(self, population: str, instead: Release | None = None) -> None:
        """``instead``: a release in the place of the one that is in the state under its number."""
        found = [item for item in self.of(population) if instead is None or item.label != instead.label]
        if instead is not None and instead.population == population:
            found.append(instead)
        held = tuple(item for item in found if item.form == ROWS and item.subject)
        with self.engine() as connection:
            self.classes.rebuild(connection, population, held, self.rows)

    def describe(self, release: Release) -> None:
        """Say another thing of a release that is written down, whose rows stay as they are."""
        held = next((item for item in self.of_dataset(release.dataset) if item.number == release.number), None)
        if held is None:
            return
        with self._held(release.population):
            self._update(release)
            if release.population and series_of(held) != series_of(release):
                self._rebuild(release.population)

    def catch_up(
        self,
        populations: Populations | None = None,
        loads: Callable[[str], Contract] | None = None,
        progress: Callable[[str], None] = lambda label: None,
        candidate: Contract | None = None,
        source: Source | None = None,
    ) -> tuple[str, ...]:
        """Write down what is public and not in the ledger, or in other words than today's: see
        :meth:`arengo.privacy.history.History.catch_up`. The labels of what was written."""
        if self._lake is None:
            return ()
        from arengo.privacy.history import History

        known = populations or Populations(self._settings, self._state)
        return History(self._settings, self._state, self._lake, self, known, loads).catch_up(
            candidate, source, progress
        )

    # The state

    def _held(self, population: str) -> Any:
        return self._state.hold(f"privacy {population}", wait=WAIT)

    @contextlib.contextmanager
    def engine(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own for rewriting files, with the memory of a job."""
        import duckdb

        engine = self._settings.engine
        (self.home / SPILL).mkdir(parents=True, exist_ok=True)
        with scratch(self.home / SPILL) as folder:
            config: dict[str, Any] = {"memory_limit": engine.job_memory, "temp_directory": str(folder)}
            if engine.threads:
                config["threads"] = engine.threads
            with duckdb.connect(":memory:", config=config) as connection:
                yield connection

    def _known(self, release: Release) -> bool:
        c = table_.c
        chosen = (c.dataset == release.dataset) & (c.number == release.number)
        with self._state.read() as connection:
            return connection.scalar(sa.select(c.number).where(chosen)) is not None

    def _update(self, release: Release) -> None:
        c = table_.c
        with self._state.write() as connection:
            connection.execute(
                sa.update(table_).where((c.dataset == release.dataset) & (c.number == release.number)).values(
                    population=release.population, form=release.form, rows=release.rows, body=as_json(release)
                )
            )  # fmt: skip

    def _insert(self, release: Release) -> None:
        with self._state.write() as connection:
            connection.execute(
                sa.insert(table_).values(
                    dataset=release.dataset,
                    number=release.number,
                    population=release.population,
                    form=release.form,
                    at=release.at,
                    rows=release.rows,
                    withdrawn_at=release.at if release.withdrawn else None,
                    body=as_json(release),
                )
            )


def _without(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Take the persons of the table ``_gone`` out of one file; how many rows went. The files it lies on are of releases
    as well."""
    if not path.is_file():
        return 0
    rows, mine = scan([path]), f"{SUBJECT} IN (SELECT {SUBJECT} FROM _gone)"
    (found,) = connection.execute(f"SELECT count(*) FROM {rows} WHERE {mine}").fetchone() or (0,)
    if found:
        write(connection, f"SELECT * FROM {rows} WHERE {SUBJECT} IS NULL OR NOT ({mine})", path, note_of(path))
    return int(found)


def _listed(release: Release, mark: str) -> str:
    names = [quote(SUBJECT), *(quote(item.column) for item in told(release))]
    return ", ".join([*names, f"{mark} AS {MARK}"] if mark else names)


def _alike(onto: Release, release: Release) -> bool:
    """Whether the files of one may hold rows of the other: same columns and types, persons under the same numbers."""
    kinds = [[(item.column, item.kind) for item in told(one)] for one in (onto, release)]
    same = (onto.population, onto.form, onto.subject) == (release.population, release.form, release.subject)
    return same and kinds[0] == kinds[1]


def mark_of(secret: bytes, key: Sequence[str], columns: Sequence[str]) -> str:
    """SQL of a number that tells a stored row from others: by its key, else by all it holds. Keyed by the city."""
    named = key if key and set(key) <= set(columns) else sorted(columns)
    salt = hashlib.sha256(b"arengo row of a release" + secret).hexdigest()
    return f"md5_number_lower({text(salt)} || {canonical([quote(name) for name in named])})"


def told(release: Release) -> tuple[Attribute, ...]:
    """The columns the blind file keeps: what is told of persons, and in a table of counts everything."""
    if release.form != ROWS:
        return release.attributes
    own = f"{release.dataset}."
    kept = (item for item in release.attributes if item.role != "identifier")
    return tuple(item for item in kept if item.role or not item.concept.startswith(own))


# A release as JSON


def as_json(release: Release) -> dict[str, Any]:
    out = {name: getattr(release, name) for name in Release.__slots__ if name not in ("withdrawn", "attributes", "at")}
    out["at"] = release.at.isoformat()
    out["attributes"] = [
        {**{name: getattr(item, name) for name in Attribute.__slots__}, "kind": str(item.kind)}
        for item in release.attributes
    ]
    plain = _plain(out)
    assert isinstance(plain, dict)
    return plain


def from_json(told: Mapping[str, Any]) -> Release:
    """From :func:`as_json`."""
    attributes = tuple(
        Attribute(**{**item, "kind": Kind(item["kind"]), "protect": _frozen(item.get("protect", ()))})
        for item in told["attributes"]
    )
    frozen = {name: Frozen({key: _frozen(item) for key, item in told.get(name, {}).items()})
              for name in ("cells", "pseudonyms")}  # fmt: skip
    values = {**told, **frozen, "at": datetime.fromisoformat(told["at"]), "attributes": attributes}
    return Release(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Frozen({key: _frozen(item) for key, item in value.items()})
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
