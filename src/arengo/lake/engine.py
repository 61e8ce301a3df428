"""DuckDB, opened two ways: one locked-down engine that answers requests, and a connection for each heavy job."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.errors import BadQuery, LakeError, MissingExtra, StorageFull, TooExpensive
from arengo.lake.layout import quote, text

if TYPE_CHECKING:
    import duckdb

    from arengo.settings import Settings


@cache
def extension_path(name: str) -> str:
    """Path of a DuckDB extension's signed file inside its PyPI package, for ``LOAD``.

    Raises MissingExtra when the package is not installed. Nothing is downloaded, the signature check stays on.
    """
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        found = sorted(Path(folder).glob(f"extensions/*/{name}.duckdb_extension"))
        if found:
            return str(found[-1])
    raise MissingExtra(
        f"The DuckDB extension {name} is not installed.",
        todo=f"Run: pip install duckdb-extension-{name.replace('_', '-')}==1.5.5",
    )


def load(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    for name in names:
        connection.execute(f"LOAD {text(extension_path(name))}")


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    # Geometry is held as WKB in a binary column; the geo key in our files is for other readers.
    connection.execute("SET GLOBAL enable_geoparquet_conversion = false")


@contextlib.contextmanager
def job(
    settings: Settings, scratch: Path, *, extensions: Sequence[str] = (), database: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own for one publication or maintenance job; what exceeds the memory limit spills to scratch.

    Disk full becomes StorageFull, out of memory TooExpensive.
    """
    import duckdb

    scratch.mkdir(parents=True, exist_ok=True)
    spill = scratch / "spill"
    connection = duckdb.connect(
        str(database) if database else ":memory:",
        config={
            "threads": settings.engine.threads,
            "memory_limit": settings.engine.job_memory,
            "temp_directory": str(spill),
        },
    )
    try:
        _prepare(connection)
        load(connection, *extensions)
        with translated(scratch):
            yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


_FULL = ("no space left", "disk quota", "file too large", "failed to offload data block")


@contextlib.contextmanager
def translated(where: Path) -> Iterator[None]:
    """DuckDB's and the system's errors about space and memory, as ours."""
    import errno

    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise TooExpensive(f"Out of memory: {error}.", todo="Raise [engine] job_memory in city.toml.") from error
    except duckdb.Error as error:
        words = str(error).lower()
        if any(sign in words for sign in _FULL):
            raise StorageFull(
                f"No space left while writing to {where}: {error}.", todo="Free space, then retry."
            ) from error
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and not isinstance(error, StorageFull):
            raise StorageFull(f"No space left while writing to {where}.", todo="Free space, then retry.") from error
        raise


class Engine:
    """The engine that answers requests: one in-memory database a process, one cursor a request.

    Locked down: it sees only the lake's folders, cannot load anything, and its configuration is frozen.
    """

    def __init__(self, settings: Settings, folders: Sequence[Path]) -> None:
        self._settings = settings
        self._folders = tuple(folders)
        self._guard = threading.Lock()
        self._root: duckdb.DuckDBPyConnection | None = None
        self._attached: dict[str, str] = {}

    @property
    def root(self) -> duckdb.DuckDBPyConnection:
        """The process-wide connection; opened on first use (about 0.3 s, most of it the spatial extension)."""
        if self._root is None:
            with self._guard:
                if self._root is None:
                    self._root = self._open()
        return self._root

    def _open(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        engine = self._settings.engine
        spill = self._settings.home / "serving" / "spill"
        for folder in (*self._folders, spill):
            folder.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(
            ":memory:",
            config={
                "threads": engine.threads,
                "memory_limit": engine.serve_memory,
                "temp_directory": str(spill),
                "allow_community_extensions": "false",
            },
        )
        _prepare(connection)
        load(connection, "spatial", "fts")
        connection.execute("SET GLOBAL parquet_metadata_cache = true")
        listed = ", ".join(text(str(folder)) for folder in (*self._folders, spill))
        connection.execute(f"SET allowed_directories = [{listed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return connection

    @contextlib.contextmanager
    def execute(
        self, sql: str, params: Sequence[object] = (), seconds: float | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Run one statement and yield its cursor; after ``seconds`` it is interrupted and TooExpensive is raised.

        The limit covers the fetching inside the ``with`` block too. ``seconds=None`` takes
        ``engine.request_seconds``; 0 means no limit.
        """
        import duckdb

        limit = self._settings.engine.request_seconds if seconds is None else seconds
        cursor = self.root.cursor()
        late = False

        def stop() -> None:
            nonlocal late
            late = True
            cursor.interrupt()

        timer = _WATCH.after(limit, stop) if limit else None
        try:
            cursor.execute(sql, list(params))
            yield cursor
        except duckdb.InterruptException as error:
            if not late:
                raise
            raise TooExpensive(
                f"The answer took more than {limit:g} seconds and was stopped.",
                todo="Ask for less: a filter, fewer rows, or the whole dataset as a download.",
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise TooExpensive(
                "The answer needs more memory than one request may use.",
                todo="Ask for less: fewer groups or columns, or the whole dataset as a download.",
            ) from error
        except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
            raise BadQuery(f"A value does not fit: {str(error).splitlines()[0]}") from error
        except duckdb.IOException as error:
            raise LakeError(f"A stored file cannot be read: {error}.", todo="Run 'arengo doctor'.") from error
        finally:
            if timer is not None:
                timer.cancel()
            cursor.close()

    def attach(self, name: str, path: str) -> None:
        """Attach a DuckDB file read-only under ``name``; doing it twice is free."""
        if name in self._attached:
            return
        root = self.root
        with self._guard:
            if name not in self._attached:
                root.execute(f"ATTACH {text(path)} AS {quote(name)} (READ_ONLY)")
                self._attached[name] = path

    def detach(self, name: str) -> None:
        """Release a file; queries that already run on it finish."""
        with self._guard:
            if self._attached.pop(name, None) is not None and self._root is not None:
                self._root.execute(f"DETACH {quote(name)}")

    @property
    def attached(self) -> frozenset[str]:
        return frozenset(self._attached)

    def close(self) -> None:
        with self._guard:
            if self._root is not None:
                self._root.close()
                self._root = None
            self._attached.clear()


_AGAIN = 0.05  # seconds: a query that is only being bound forgets an interruption, so it is told again


class _Ticket:
    __slots__ = ("at", "call")

    def __init__(self, at: float, call: Any) -> None:
        self.at = at
        self.call = call

    def cancel(self) -> None:
        self.call = None


class _Watch:
    """One thread that interrupts late queries. (A thread a query costs 60 microseconds; this costs two.)"""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._tickets: list[_Ticket] = []
        self._thread: threading.Thread | None = None

    def after(self, seconds: float, call: Any) -> _Ticket:
        import time

        ticket = _Ticket(time.monotonic() + seconds, call)
        with self._guard:
            self._tickets.append(ticket)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="arengo-query-limit", daemon=True)
                self._thread.start()
        if seconds < 0.1:
            self._wake.set()
        return ticket

    def _run(self) -> None:
        import time

        while True:
            now = time.monotonic()
            due: list[_Ticket] = []
            with self._guard:
                waiting: list[_Ticket] = []
                for ticket in self._tickets:
                    if ticket.call is None:
                        continue
                    (due if ticket.at <= now else waiting).append(ticket)
                self._tickets = waiting
                soonest = min((ticket.at for ticket in waiting), default=None)
                if not due and soonest is None:
                    self._thread = None
                    return
            for ticket in due:
                if (call := ticket.call) is not None:
                    with contextlib.suppress(Exception):
                        call()
                    ticket.at = now + _AGAIN
            with self._guard:
                self._tickets += [ticket for ticket in due if ticket.call is not None]
            if not due and soonest is not None:
                self._wake.wait(min(0.25, max(0.001, soonest - now)))
                self._wake.clear()


_WATCH = _Watch()
