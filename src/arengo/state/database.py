"""Opening, migrating, reading and locking the state database."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from arengo.errors import Busy, OperatorError, SettingsError, storage_full
from arengo.state import sqlite, tables
from arengo.state.records import ContractRecord, RunRecord, SavedRecord

HEAD = "0012"
"""The newest migration shipped with this package (state/migrations/versions)."""

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30.0
POSTGRES_GENERATION_SECONDS = 0.05
SESSIONS = 2
"""The counter that moves with every ended session, and with everything else that is announced."""


def open_state(url: str) -> State:
    """Connect to ``url`` (SQLAlchemy form), bring its tables up to :data:`HEAD`, return the open state.

    The parent folder of a SQLite file is made. Raises SettingsError for an address that cannot be read and
    OperatorError when the database does not answer or was made by a newer Arengo.
    """
    try:
        address = make_url(url)
        if address.drivername in ("postgresql", "postgres"):
            address = address.set(drivername="postgresql+psycopg")
        sqlite_file = address.database if address.get_backend_name() == "sqlite" else None
        if sqlite_file and sqlite_file != ":memory:":
            Path(sqlite_file).parent.mkdir(parents=True, exist_ok=True)
        engine = _sqlite(address) if sqlite_file else sa.create_engine(address, pool_pre_ping=True)
    except (SQLAlchemyError, ImportError) as error:
        raise SettingsError(
            f"The state address cannot be used: {error}.", todo="Correct [state] url in city.toml."
        ) from error
    state = State(engine, url)
    try:
        _upgrade(state)
    except SQLAlchemyError as error:
        engine.dispose()
        raise OperatorError(
            f"The state database does not answer: {error}.", todo="Check [state] url in city.toml and the server."
        ) from error
    return state


def _sqlite(address: sa.URL) -> Engine:
    engine = sa.create_engine(address, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def pragmas(connection: DBAPIConnection, _record: Any) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.isolation_level = None  # SQLAlchemy's begin event says when a transaction starts
        sqlite.begin(
            connection,
            f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}",
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "PRAGMA foreign_keys=ON",
        )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later cannot wait for the write lock, so writers take it at once.
        reading = connection.get_execution_options().get("arengo_read", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


class State:
    """An open state database.

    ``engine`` is SQLAlchemy's; use :meth:`write` (commits at the end, rolls back on an error) and :meth:`read`.
    """

    def __init__(self, engine: Engine, url: str) -> None:
        self.engine = engine
        self.url = url
        self.backend = engine.url.get_backend_name()
        self._guard = threading.Lock()
        self._peek: sqlite3.Connection | None = None
        self._peek_pid = 0
        self._seen: dict[int, tuple[int, float]] = {}

    @contextlib.contextmanager
    def write(self, within: Connection | None = None) -> Iterator[Connection]:
        """A transaction. A full disk is StorageFull, without the statement that met it. ``within``: one that is open
        already; what is written becomes part of it."""
        if within is not None:
            yield within
            return
        try:
            with self.engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            full = storage_full(error)
            if full is None:
                raise
            raise full from None

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        with self.engine.connect().execution_options(arengo_read=True) as connection:
            yield connection

    def generation(self, of: int = 1) -> int:
        """A counter that grows whenever what readers may see has changed. A few microseconds on SQLite.

        ``of``: 2 (:data:`SESSIONS`) counts ended sessions too, which concern no dataset.
        """
        if self.backend != "sqlite":
            seen, at = self._seen.get(of, (0, 0.0))
            if at and time.monotonic() - at < POSTGRES_GENERATION_SECONDS:
                return seen
            with self.read() as connection:
                seen = int(connection.scalar(sa.select(tables.generation.c.n).where(tables.generation.c.id == of)) or 0)
            self._seen[of] = (seen, time.monotonic())
            return seen
        with self._guard:
            if self._peek is None or self._peek_pid != os.getpid():
                self._peek = sqlite3.connect(
                    str(self.engine.url.database), timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
                )
                self._peek_pid = os.getpid()
            row = self._peek.execute("SELECT n FROM generation WHERE id = ?", (of,)).fetchone()
        return int(row[0]) if row else 0

    def bump(self, connection: Connection, of: int = 0) -> None:
        """Count the generation up inside the caller's transaction; only one of the counters when ``of`` names it."""
        counted = sa.update(tables.generation).values(n=tables.generation.c.n + 1)
        connection.execute(counted.where(tables.generation.c.id == of) if of else counted)
        self._seen = {}

    def announce(self) -> int:
        """Count the generation up by itself; returns the new value."""
        with self.write() as connection:
            self.bump(connection)
        return self.generation()

    # Contracts

    def put_contract(
        self, dataset: str, *, version: str, sha: str, text: str, path: str, at: datetime,
        within: Connection | None = None,
    ) -> None:  # fmt: skip
        """Keep a contract's text and make it the dataset's current one. Doing it twice changes nothing."""
        contracts, datasets = tables.contract, tables.dataset
        with self.write(within) as connection:
            held = connection.scalar(
                sa.select(contracts.c.sha).where(contracts.c.dataset == dataset, contracts.c.sha == sha)
            )
            row = {"version": version, "text": text, "path": path}
            if held is None:
                connection.execute(sa.insert(contracts).values(dataset=dataset, sha=sha, applied_at=at, **row))
            current = connection.execute(sa.select(datasets).where(datasets.c.id == dataset)).first()
            if current is None:
                connection.execute(sa.insert(datasets).values(id=dataset, contract_sha=sha, created_at=at))
            elif current.contract_sha != sha or current.retired_at is not None:
                connection.execute(
                    sa.update(datasets).where(datasets.c.id == dataset).values(contract_sha=sha, retired_at=None)
                )
                connection.execute(
                    sa.update(contracts)
                    .where(contracts.c.dataset == dataset, contracts.c.sha == sha)
                    .values(applied_at=at, **row)
                )
            else:
                return
            self.bump(connection)

    def retire(self, dataset: str, at: datetime) -> None:
        """Mark a dataset as no longer kept up; its versions stay."""
        with self.write() as connection:
            connection.execute(
                sa.update(tables.dataset)
                .where(tables.dataset.c.id == dataset, tables.dataset.c.retired_at.is_(None))
                .values(retired_at=at)
            )
            self.bump(connection)

    def contracts(self, retired: bool = False) -> dict[str, ContractRecord]:
        """The current contract of every dataset by id, in the order of ids; with ``retired`` those too."""
        contracts, datasets = tables.contract, tables.dataset
        select = (
            sa.select(contracts, datasets.c.created_at, datasets.c.retired_at)
            .join(datasets, sa.and_(datasets.c.id == contracts.c.dataset, datasets.c.contract_sha == contracts.c.sha))
            .order_by(contracts.c.dataset)
        )
        if not retired:
            select = select.where(datasets.c.retired_at.is_(None))
        with self.read() as connection:
            return {row.dataset: ContractRecord(**row._mapping) for row in connection.execute(select)}

    def contract_text(self, dataset: str, sha: str) -> str | None:
        """A contract's text as it was applied, by its SHA-256."""
        c = tables.contract.c
        with self.read() as connection:
            found = connection.scalar(sa.select(c.text).where(c.dataset == dataset, c.sha == sha))
        return None if found is None else str(found)

    # Runs

    def put_run(self, run: RunRecord) -> None:
        """Write a run's record, new or again."""
        values = {name: getattr(run, name) for name in RunRecord.__slots__}
        values["steps"] = [dict(step) for step in run.steps]
        with self.write() as connection:
            done = connection.execute(sa.update(tables.run).where(tables.run.c.id == run.id).values(**values))
            if done.rowcount == 0:
                connection.execute(sa.insert(tables.run).values(**values))

    def run(self, id: str) -> RunRecord | None:
        found = self._runs(sa.select(tables.run).where(tables.run.c.id == id))
        return found[0] if found else None

    def runs(self, dataset: str = "", limit: int = 100) -> tuple[RunRecord, ...]:
        """Runs, newest first; all datasets when ``dataset`` is empty."""
        select = sa.select(tables.run).order_by(tables.run.c.started_at.desc(), tables.run.c.id.desc()).limit(limit)
        return self._runs(select.where(tables.run.c.dataset == dataset) if dataset else select)

    def published(self, dataset: str, but: Sequence[str] = ()) -> bool:
        """Whether a run of another trigger than ``but`` has published a dataset, or found it published as it is."""
        r = tables.run.c
        select = sa.select(r.id).where(r.dataset == dataset, r.trigger.not_in(tuple(but)))
        with self.read() as connection:
            return (
                connection.execute(select.where(r.state.in_(("succeeded", "unchanged"))).limit(1)).first() is not None
            )

    def last_runs(self) -> dict[str, RunRecord]:
        """The newest run of every dataset that has one."""
        r = tables.run
        newest = sa.select(r.c.dataset, sa.func.max(r.c.started_at).label("at")).group_by(r.c.dataset).subquery()
        select = (
            sa.select(r)
            .join(newest, sa.and_(newest.c.dataset == r.c.dataset, newest.c.at == r.c.started_at))
            .order_by(r.c.id)
        )
        return {run.dataset: run for run in self._runs(select)}

    def _runs(self, select: sa.Select[Any]) -> tuple[RunRecord, ...]:
        with self.read() as connection:
            rows = connection.execute(select).all()
        return tuple(RunRecord(**{**row._mapping, "steps": tuple(row.steps)}) for row in rows)

    # Sources

    def source_state(self, dataset: str) -> tuple[str, Mapping[str, Any]]:
        """(fingerprint, state) the last pull left; ('', {}) before the first."""
        s = tables.source_state.c
        with self.read() as connection:
            row = connection.execute(sa.select(s.fingerprint, s.state).where(s.dataset == dataset)).first()
        return (row.fingerprint, row.state) if row else ("", {})

    def put_source_state(self, dataset: str, fingerprint: str, state: Mapping[str, Any], at: datetime) -> None:
        table = tables.source_state
        values = {"fingerprint": fingerprint, "state": dict(state), "updated_at": at}
        with self.write() as connection:
            done = connection.execute(sa.update(table).where(table.c.dataset == dataset).values(**values))
            if done.rowcount == 0:
                connection.execute(sa.insert(table).values(dataset=dataset, **values))

    # Locks

    def save(
        self, kind: str, id: str, title: str, body: Mapping[str, Any], at: datetime, within: Connection | None = None
    ) -> None:
        """Keep a query, chart or dashboard under its name; a newer one of the same name replaces it."""
        saved = tables.saved
        with self.write(within) as connection:
            mine = (saved.c.kind == kind) & (saved.c.id == id)
            values = {"title": title, "body": dict(body), "updated_at": at}
            if not connection.execute(saved.update().where(mine).values(**values)).rowcount:
                connection.execute(saved.insert().values(kind=kind, id=id, created_at=at, **values))
            self.bump(connection)

    def saved(self, kind: str, id: str = "") -> tuple[SavedRecord, ...]:
        """What is kept of one kind, the newest first; only ``id`` when given."""
        saved = tables.saved
        chosen = sa.select(saved).where(saved.c.kind == kind).order_by(saved.c.updated_at.desc(), saved.c.id)
        with self.read() as connection:
            rows = connection.execute(chosen.where(saved.c.id == id) if id else chosen).all()
        return tuple(SavedRecord(row.kind, row.id, row.title, row.body, row.created_at, row.updated_at) for row in rows)

    def forget(self, kind: str, id: str) -> bool:
        """Drop what is kept under a name; whether it was there."""
        saved = tables.saved
        with self.write() as connection:
            gone = connection.execute(saved.delete().where((saved.c.kind == kind) & (saved.c.id == id))).rowcount
            self.bump(connection)
        return bool(gone)

    @contextlib.contextmanager
    def hold(self, name: str, wait: float = 0.0) -> Iterator[None]:
        """Hold a lock of that name among all processes of this city; it dies with the process.

        Waits up to ``wait`` seconds, then raises Busy. PostgreSQL: a session advisory lock. SQLite: flock on a
        file beside the database. Not reentrant.
        """
        until = time.monotonic() + wait
        take = self._hold_file if self.backend == "sqlite" else self._hold_advisory
        with contextlib.ExitStack() as stack:
            while not take(name, stack):
                if time.monotonic() >= until:
                    raise Busy(f"Another process is working on {name}.", todo="Try again when it is done.")
                time.sleep(0.02)
            yield

    def _hold_file(self, name: str, stack: contextlib.ExitStack) -> bool:
        folder = self._locks()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock"
        while (handle := _flock(path, os.O_RDWR | os.O_CREAT)) is not None:
            if _is_at(handle, path):
                stack.callback(os.close, handle)
                return True
            os.close(handle)  # swept between the opening and the lock: others will lock another file of that name
        return False

    def _locks(self) -> Path:
        database = str(self.engine.url.database or "")
        return (Path(database).parent if database and database != ":memory:" else Path(tempfile.gettempdir())) / "locks"

    def sweep_locks(self) -> None:
        """Remove the files of locks that nobody holds; each process that ever published left one."""
        folder = self._locks()
        for path in folder.glob("*.lock") if self.backend == "sqlite" and folder.is_dir() else ():
            with contextlib.suppress(OSError):
                handle = _flock(path, os.O_RDWR)
                if handle is not None:
                    if _is_at(handle, path):
                        path.unlink()
                    os.close(handle)

    def _hold_advisory(self, name: str, stack: contextlib.ExitStack) -> bool:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))):
            connection.close()
            return False

        def release() -> None:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))
            connection.close()

        stack.callback(release)
        return True

    def close(self) -> None:
        with self._guard:
            if self._peek is not None:
                self._peek.close()
                self._peek = None
        self.engine.dispose()

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _flock(path: Path, flags: int) -> int | None:
    """The locked file, None when another holds it."""
    import fcntl

    handle = os.open(path, flags)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _revision(state: State) -> str | None:
    with state.read() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return None if found is None else str(found)


def _upgrade(state: State) -> None:
    found = _revision(state)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise OperatorError(
            f"The state database was made by a newer Arengo (schema {found}, this one knows {HEAD}).",
            todo="Upgrade Arengo, or restore the state database from before the upgrade.",
        )
    from alembic import command
    from alembic.config import Config

    with state.hold("state-migration", wait=BUSY_SECONDS):
        if _revision(state) == HEAD:
            return
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        with state.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
