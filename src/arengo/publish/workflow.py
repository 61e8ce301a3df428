"""The durable workflow on DBOS: one process-wide runtime, one workflow a run, one DBOS step a step of the street.

DBOS keeps each step's result in ``.arengo/dbos.sqlite`` (or beside the state in PostgreSQL). After a kill the
workflow is run again and finished steps give their recorded result. Every process has an identity of its own and
holds a lock of that name as long as it lives, so that only runs of dead processes are resumed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.contract.load import loads
from arengo.errors import (
    ArengoError,
    Busy,
    LakeError,
    OperatorError,
    PublicationRefused,
    StorageFull,
    storage_full,
)
from arengo.publish import run as records
from arengo.publish import scratch
from arengo.publish.run_folder import Found
from arengo.publish.street import STEPS, Street, settled, untold
from arengo.settings import Settings
from arengo.state import State

if TYPE_CHECKING:
    from dbos import DBOS

    from arengo.lake import Lake
    from arengo.sources.base import Questions

NAME, DUE, CRON = "publish", "arengo-due", "arengo-cron"
REVISION = "arengo-street-3"
"""Changed when the steps change, so that a run begun by another revision is not resumed with these."""
WAIT = 600.0
"""Seconds one publication of a dataset waits for another of the same before it says Busy."""
Listener = Callable[[str, str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Home:
    """What the workflow needs of one opened city. Workflows are recovered by name, so homes are looked up by path."""

    settings: Settings
    state: State
    lake: Lake
    questions: Questions | None = None
    tell: Callable[..., object] = untold


_homes: dict[str, Home] = {}
_listeners: dict[str, Listener] = {}
_active: set[str] = set()
_guard = threading.RLock()
_runtime: Runtime | None = None


class Runtime:
    """DBOS launched for one city. A process has one at a time; another city's replaces it when nothing runs."""

    def __init__(self, settings: Settings, state: State, queues: tuple[str, ...]) -> None:
        from dbos import DBOS, DBOSConfig

        self.home = str(settings.home)
        self.queues = queues
        self.identity = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.pid = os.getpid()
        self._alive = contextlib.ExitStack()
        self._alive.enter_context(state.hold(f"process {self.identity}"))
        settings.home.mkdir(parents=True, exist_ok=True)
        for name in ("dbos", "dbos.dbos"):
            logger = logging.getLogger(name)
            logger.setLevel(logging.CRITICAL)
            # Its handler keeps the standard error of its first use, which a notebook or a test may have closed since.
            logger.handlers = [logging.NullHandler()]
        config = DBOSConfig(
            name="arengo",
            system_database_url=database(settings, state),
            application_version=REVISION,
            executor_id=self.identity,
            log_level="CRITICAL",
            enable_otlp=False,
            run_migrations=True,
            scheduler_polling_interval_sec=5.0,
        )
        self.publish = _workflow()
        DBOS(config=config)
        DBOS.listen_queues(list(queues))
        with state.hold("dbos launch", wait=60.0):  # two processes must not migrate the same new database
            DBOS.launch()
        self.dbos = DBOS

    def close(self) -> None:
        if self.pid == os.getpid():
            self.dbos.destroy()
        self._alive.close()


def database(settings: Settings, state: State) -> str:
    """Where DBOS keeps its records: beside the state in PostgreSQL, else a SQLite file of its own."""
    if state.backend != "sqlite":
        return state.engine.url.render_as_string(hide_password=False)
    return f"sqlite:///{settings.home / 'dbos.sqlite'}"


def runtime(home: Home, queues: tuple[str, ...] = ()) -> Runtime:
    """The process's runtime for this city, launched when needed. ``queues``: those this process works on."""
    global _runtime
    with _guard:
        _homes[str(home.settings.home)] = home
        if _runtime is not None and _runtime.pid != os.getpid():
            _runtime = None  # a fork: the parent's threads are not here
        if _runtime is not None:
            if _runtime.home == str(home.settings.home) and set(queues) <= set(_runtime.queues):
                return _runtime
            if _active:
                raise Busy("This process is publishing for another city.", todo="Try again when it is done.")
            close()
        try:
            _runtime = Runtime(home.settings, home.state, queues)
        except ArengoError:
            raise
        except Exception as error:
            close()
            if (full := storage_full(error)) is not None:
                raise full from None
            raise OperatorError(
                f"The workflow database cannot be opened: {_words(error)}.",
                todo="Check that .arengo can be written.",
            ) from error
        return _runtime


def close(home: str = "") -> None:
    """Shut the runtime down; with ``home`` only when it is that city's."""
    global _runtime
    with _guard:
        if _runtime is not None and (not home or _runtime.home == home):
            _runtime.close()
            _runtime = None
        if home:
            _homes.pop(home, None)


_registered: Callable[[Mapping[str, Any]], str] | None = None


def _workflow() -> Callable[[Mapping[str, Any]], str]:
    """The workflow, made known to DBOS once a process."""
    global _registered
    if _registered is None:
        from dbos import DBOS

        _registered = DBOS.workflow(name=NAME, max_recovery_attempts=20)(publish_dataset)
    return _registered


def start(active: Runtime, ticket: Mapping[str, Any], listener: Listener | None) -> str:
    """Run one publication in this thread; returns the run's final state."""
    from dbos import SetWorkflowID

    run = str(ticket["run"])
    _active.add(run)
    if listener is not None:
        _listeners[run] = listener
    try:
        with SetWorkflowID(run):
            return active.publish(dict(ticket))
    except Exception as error:  # only what could not even be recorded
        if (full := storage_full(error)) is not None:
            raise full from None
        raise
    finally:
        _active.discard(run)
        _listeners.pop(run, None)


def ticket(
    home: Home, contract_text: str, dataset: str, path: Path | None, trigger: str, at: datetime | None, force: bool
) -> dict[str, Any]:
    """The input of a workflow: plain values only, so that another process can resume it."""
    return {
        "home": str(home.settings.home),
        "run": records.new_id(dataset),
        "dataset": dataset,
        "contract": contract_text,
        "path": str(path) if path else "",
        "trigger": trigger,
        "at": at.isoformat() if at else "",
        "force_shrink": force,
    }


def publish_dataset(ticket: Mapping[str, Any]) -> str:
    """The street, step by step. Never raises: what went wrong is in the run's record."""
    from dbos import DBOS

    home = _homes.get(ticket["home"])
    if home is None:
        raise LakeError(f"{ticket['home']} is not open in this process.")
    run = records.Run(
        ticket["run"], ticket["dataset"], ticket["trigger"], records.RUNNING, started_at=datetime.now(UTC)
    )
    records.insert(home.state, run)
    run = records.find(home.state, run.id) or run
    if run.finished:
        return run.state
    walk = _Walk(DBOS, home, run, ticket)
    return walk.whole()


class _Walk:
    """One workflow's way through the steps, with its record."""

    def __init__(self, dbos: type[DBOS], home: Home, run: records.Run, ticket: Mapping[str, Any]) -> None:
        self.dbos = dbos
        self.home = home
        self.before = {step.name: step for step in run.steps if step.state == "done"}  # of a killed attempt
        self.run = replace(run, state=records.RUNNING, steps=())
        self.ticket = ticket
        self.listener = _listeners.get(run.id)
        self.found: dict[str, Any] = {"warnings": []}

    def whole(self) -> str:
        street: Street | None = None
        try:
            path = Path(self.ticket["path"]) if self.ticket["path"] else None
            contract = loads(self.ticket["contract"], path=path, base=self.home.settings.root)
            at = datetime.fromisoformat(self.ticket["at"]) if self.ticket["at"] else None
            street = Street(
                self.home.settings,
                self.home.state,
                self.home.lake,
                contract,
                self.run.id,
                at=at,
                force_shrink=bool(self.ticket["force_shrink"]),
                progress=self._progress,
                questions=self.home.questions,
                tell=self.home.tell,
            )
            with self._held(contract.id):
                state = self._steps(street)
            self.run = settled(self.run, self.found, state)
        except Exception as error:
            self._ended_by(storage_full(error) or error, street)
        try:
            records.update(self.home.state, self.run)
        except StorageFull:
            self._make_room(street)
            records.update(self.home.state, self.run)
        return self.run.state

    def _ended_by(self, error: Exception, street: Street | None) -> None:
        if isinstance(error, StorageFull):
            self._make_room(street)
        elif street is not None:
            street.folder.abandon()
        if isinstance(error, ArengoError):
            refused = isinstance(error, PublicationRefused)
            self._failed(records.REFUSED if refused else records.FAILED, error.as_dict())
        else:
            self._failed(records.FAILED, {"code": "error", "message": _sentence(error), "retry": False})

    def _make_room(self, street: Street | None) -> None:
        """On a full disk first what is only scratch goes, else not even the failure can be recorded."""
        if street is not None:
            street.folder.drop()
        scratch.sweep(self.home.state, self.home.settings.home, everything=True)

    @contextlib.contextmanager
    def _held(self, dataset: str) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self.home.state.hold(f"publish {dataset}", wait=WAIT))
            except Busy as error:
                raise Busy(
                    f"{dataset} is being published by somebody else, for more than {WAIT / 60:.0f} minutes.",
                    todo="Try again when that run is done; 'arengo status' shows it.",
                ) from error
            yield

    def _steps(self, street: Street) -> str:
        for name in STEPS:
            if name == "read" and self.found["unchanged"]:
                self._step(street, "announce")
                return records.UNCHANGED
            self._step(street, name)
        return records.SUCCEEDED if self.found.get("version") is not None else records.UNCHANGED

    def _step(self, street: Street, name: str) -> None:
        started = datetime.now(UTC)
        self._record(name, records.StepRecord(name, "running", started))
        self._progress(name, 0, None)
        added = self.dbos.run_step({"name": name}, _quiet, street, getattr(street, name), self.found)
        if "error" in added:
            raise added["error"]
        warnings = [*self.found["warnings"], *added.pop("warnings", [])]
        self.found = {**self.found, **added, "warnings": warnings}
        seconds = round((datetime.now(UTC) - started).total_seconds(), 3)
        done = self.before.get(name) or records.StepRecord(name, "done", started, seconds, added.get("rows"))
        self.run = replace(self.run, steps=(*self.run.steps[:-1], done))

    def _record(self, name: str, step: records.StepRecord) -> None:
        counts = self.found.get("counts", {})
        self.run = replace(
            self.run,
            step=name,
            steps=(*self.run.steps, step),
            rows_in=counts.get("rows_in"),
            rows=counts.get("rows"),
            quarantined=counts.get("quarantined"),
        )
        records.update(self.home.state, self.run)

    def _failed(self, state: str, error: Mapping[str, Any]) -> None:
        steps = self.run.steps
        if steps and steps[-1].state == "running":
            seconds = round((datetime.now(UTC) - steps[-1].started_at).total_seconds(), 3)
            steps = (*steps[:-1], replace(steps[-1], state=state, seconds=seconds))
        self.run = settled(replace(self.run, steps=steps), self.found, state, error)

    def _progress(self, step: str, done: int, total: int | None) -> None:
        if self.listener is not None:
            self.listener(self.run.dataset, step, done, total)


def _quiet(street: Street, step: Callable[[Found], dict[str, Any]], found: Found) -> dict[str, Any]:
    """A step whose error is a value: DBOS records it like any result, and does not shout."""
    try:
        return step(found)
    except Exception as error:
        full = storage_full(error)
        if full is not None:
            street.folder.drop()  # DBOS is about to write, too
            return {"error": full}
        if isinstance(error, ArengoError):
            return {"error": error}
        raise


def wait(active: Runtime, runs: Sequence[str]) -> None:
    for run in runs:
        handle: Any = active.dbos.retrieve_workflow(run)
        with contextlib.suppress(Exception):  # its outcome is in the run's record
            handle.get_result(polling_interval_sec=0.1)


def _sentence(error: BaseException) -> str:
    """An unforeseen error in one line: its type, and of its words only what cannot quote a value of the data."""
    error = getattr(error, "orig", None) or error
    if isinstance(error, OSError):
        return f"{type(error).__name__}{_where(error)}: {error.strerror or 'a file or a connection failed'}"
    return f"{type(error).__name__}{_where(error)}: its words are left out, since they may quote values of the data"


def _where(error: BaseException) -> str:
    """Which line of ours an error came out of, '' where none did."""
    found, at = "", error.__traceback__
    while at is not None:
        module = str(at.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == "arengo":
            found = f" at {module}:{at.tb_lineno}"
        at = at.tb_next
    return found


def _words(error: BaseException) -> str:
    """An error of the workflow's own database, which holds no data, in one line without its statement."""
    error = getattr(error, "orig", None) or error
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
