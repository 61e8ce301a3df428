"""What happens by itself while a city is served: clustered copies, scheduled publications, expiry.

``watch`` runs as a thread of each server process and builds the copies a new version calls for (one process at a
time; the build is a process of its own when it is large). ``tend`` is a process beside the server, started only when
a contract asks to be published by itself, since the workflow runtime costs memory that readers should not pay.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from arengo.errors import ArengoError

if TYPE_CHECKING:
    from arengo.city import City
    from arengo.settings import Settings

LOOK_SECONDS = 2.0
USAGE_SECONDS = 120.0
TIDY = timedelta(days=1)

_log = logging.getLogger(__name__)


def watch(city: City) -> threading.Thread:
    """Start the thread that keeps the copies of newest versions current."""
    thread = threading.Thread(target=_watch, args=(city,), name="arengo-copies", daemon=True)
    thread.start()
    return thread


def _watch(city: City) -> None:
    seen, looked = -1, 0.0
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            generation = city.state.generation()
            if generation == seen and time.monotonic() - looked < USAGE_SECONDS:
                continue
            seen, looked = generation, time.monotonic()
            for dataset in city.lake.datasets():
                version = city.lake.newest(dataset)
                if version is not None:
                    city.lake.prepare(version)
        except ArengoError as error:  # reading goes on without copies
            _log.warning("Copies could not be built: %s", error)
        except Exception:
            _log.exception("Copies could not be built")


def wanted(city: City) -> bool:
    """Whether any contract in force is to be published by itself."""
    found = (entry.contract for entry in city.catalogue.entries(limit=None).items)
    return any(contract.frequency or contract.custom.get("arengoSchedule") for contract in found)


def start(settings: Settings) -> subprocess.Popen[bytes]:
    """Start ``arengo tend`` beside the server; it ends with its parent."""
    command = [sys.executable, "-m", "arengo", "tend", "--city", str(settings.root), "--parent", str(os.getpid())]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def tend(city: City, parent: int = 0) -> None:
    """Resume what was interrupted, publish what is due, expire what is past its retention; until stopped.

    ``parent``: a process id; when that process is gone, so is this one.
    """
    stop = threading.Event()

    def leave(*_: Any) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    if not wanted(city):
        city.publisher.resume()
        return
    city.publisher.resume()
    city.publisher.schedule(lambda: [entry.contract for entry in city.catalogue.entries(limit=None).items])
    tidied = datetime.now(UTC) - TIDY
    while not stop.wait(1.0):
        if parent and os.getppid() != parent:
            break
        if datetime.now(UTC) - tidied >= TIDY:
            tidied = datetime.now(UTC)
            try:
                tidy(city)
            except ArengoError as error:
                _log.warning("Expiry did not finish: %s", error)


def tidy(city: City) -> dict[str, Any]:
    """Drop versions past their retention and files nothing needs; what was dropped, by dataset, and bytes freed."""
    expired = city.lake.expire()
    files, freed = city.lake.collect()
    return {"expired": {name: list(numbers) for name, numbers in expired.items()}, "files": files, "bytes": freed}
