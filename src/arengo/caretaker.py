"""What happens by itself while a city is served: clustered copies, scheduled publications, expiry.

``watch`` runs as a thread of each server process. It builds the copies a new version calls for (one process at a
time; a large build is a process of its own) and, when a publication is due, starts ``arengo tend --once``: the
workflow runtime costs memory that readers should not pay while nothing is due. ``arengo tend`` without ``--once``
stays and leaves the clock to DBOS, for a machine that only publishes.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from arengo.errors import ArengoError, Busy

if TYPE_CHECKING:
    from pathlib import Path

    from arengo.city import City

LOOK_SECONDS = 2.0
USAGE_SECONDS = 120.0
DUE_SECONDS = 30.0
PEOPLE_SECONDS = 10.0
"""How long a letter, a delivery or a count of readings waits at most."""
TIDY = timedelta(days=1)
CUT = timedelta(minutes=1)
"""A run that began before this and that nobody holds has lost its process."""

_log = logging.getLogger(__name__)


def watch(city: City) -> threading.Thread:
    """Start the thread that looks after the city while this process serves it."""
    thread = threading.Thread(target=_watch, args=(city,), name="arengo-caretaker", daemon=True)
    thread.start()
    return thread


def _watch(city: City) -> None:
    seen, looked, clocked = -1, 0.0, time.monotonic()
    told, turned = -1, 0.0
    child: subprocess.Popen[bytes] | None = None
    gatherer: subprocess.Popen[bytes] | None = None
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            now = time.monotonic()
            generation = city.state.generation()
            if generation != seen or now - looked > USAGE_SECONDS:
                seen, looked = generation, now
                _copies(city)
            if generation != told or now - turned > PEOPLE_SECONDS:
                told, turned = generation, now
                city.turn()
                city.participation.count()
            if city.settings.serve.schedule and now - clocked > DUE_SECONDS:
                clocked = now
                if (child is None or child.poll() is not None) and (due(city) or cut_off(city)):
                    child = _start(city.settings.root, "tend", "--once")
                gatherer = _gather(city, gatherer)
        except Exception:  # the city is served on, whatever happens here
            _log.exception("The caretaker met an error")


def _copies(city: City) -> None:
    for dataset in city.lake.datasets():
        version = city.lake.newest(dataset)
        try:
            if version is not None:
                city.lake.prepare(version)
        except ArengoError as error:  # reading goes on without copies
            _log.warning("Copies of %s could not be built: %s", dataset, error)


def due(city: City) -> list[str]:
    """Datasets that their contract wants published now, or that people decided to publish before a kill."""
    from arengo.publish import run as records
    from arengo.publish.schedule import decided, is_late, waits

    entries = {entry.id: entry for entry in city.catalogue.entries(limit=None).items}
    last = records.last(city.state)
    now, zone = datetime.now(UTC), city.settings.city.timezone
    late = [name for name, entry in entries.items() if is_late(entry.contract, last.get(name), now, zone)]
    cut = decided(city.state, last, now)
    return [name for name in entries if name in cut or (name in late and not waits(entries[name].contract, city.state))]


def cut_off(city: City) -> bool:
    """Whether a run was left by a process that is no more: it is gone on with, or given up and said so."""
    from arengo.publish import run as records

    for run in records.last(city.state).values():
        with contextlib.suppress(Busy):
            if not run.finished and run.started_at and datetime.now(UTC) - run.started_at > CUT:
                with city.state.hold(f"publish {run.dataset}"):
                    return True
    return False


def _gather(city: City, running: subprocess.Popen[bytes] | None) -> subprocess.Popen[bytes] | None:
    """Take in other catalogues that are due, in a process of its own: a slow one holds up no publication."""
    if running is not None and running.poll() is None:
        return running
    names = _harvests(city)
    return _start(city.settings.root, "harvest", *names) if names else None


def _start(root: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "arengo", *words, "--city", str(root)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def tend(city: City, *, once: bool = False) -> None:
    """Resume what was interrupted, publish what is due, expire what is past its retention.

    ``once``: do that and return, when no other process is at it; otherwise stay until stopped.
    """
    if once:
        with city.state.hold("tend"):
            city.publisher.resume()
            if names := due(city):  # the contracts in force; what was edited in the folder waits for 'apply'
                city.publisher.publish([city.catalogue.entry(name).contract for name in names], trigger="schedule")
            city.turn()
            _tidy_daily(city)
            _harvest(city)
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    city.publisher.resume()
    city.publisher.schedule(lambda: [entry.contract for entry in city.catalogue.entries(limit=None).items])
    gatherer: subprocess.Popen[bytes] | None = None
    clocked = 0.0
    while not stop.wait(PEOPLE_SECONDS):
        city.turn()
        _tidy_daily(city)
        if time.monotonic() - clocked > DUE_SECONDS:
            clocked = time.monotonic()
            gatherer = _gather(city, gatherer)


def _harvests(city: City) -> list[str]:
    """Other catalogues that are due."""
    from arengo.catalogue.harvest import run
    from arengo.catalogue.harvest.declared import declared

    return [source.id for source in run.due(city.settings, city.state, declared(city.settings.root))]


def _harvest(city: City) -> None:
    try:
        if names := _harvests(city):
            city.harvest(names)
    except ArengoError as error:
        _log.warning("Other catalogues could not be taken in: %s", error)


def _tidy_daily(city: City) -> None:
    mark = city.settings.home / "tidied"
    if mark.exists() and time.time() - mark.stat().st_mtime < TIDY.total_seconds():
        return
    mark.touch()
    try:
        tidy(city)
    except ArengoError as error:
        _log.warning("Expiry did not finish: %s", error)


def tidy(city: City) -> dict[str, Any]:
    """Drop versions past their retention and files nothing needs; what was dropped, by dataset, and bytes freed."""
    done = city.retention.run(by="arengo", rows=False)
    city.retention.note()  # rows that are due wait for an operator; stewards see how many
    files, freed = city.lake.collect()
    files += city.lake.sweep_cuts()
    return {"expired": {item.dataset: list(item.versions) for item in done}, "files": files, "bytes": freed}
