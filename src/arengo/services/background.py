"""Work that a decision starts and that no request waits for: a publication after a repair, an erasure.

A thread each; what a stop or a kill cuts off is on record in the state database and goes on later.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from arengo.errors import ArengoError

if TYPE_CHECKING:
    from collections.abc import Callable

CLOSE_SECONDS = 10.0
"""How long a city that closes waits; a longer publication is resumed at the next start."""

_log = logging.getLogger(__name__)


class Background:
    """Safe from any thread."""

    def __init__(self) -> None:
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()

    def start(self, name: str, work: Callable[[], object]) -> None:
        """Do ``work`` in a thread of its own; what goes wrong is logged, its record is the work's own."""

        def run() -> None:
            try:
                work()
            except ArengoError as error:
                _log.warning("%s stopped: %s", name, error)
            except Exception:
                _log.exception("%s met an error", name)
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=name, daemon=True)
        with self._lock:  # who waits finds threads that have begun
            self._threads.add(thread)
            thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all is done, ``seconds`` at most; whether it is."""
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            with self._lock:
                thread = next(iter(self._threads), None)
            if thread is None:
                return True
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
            if until is not None and time.monotonic() >= until:
                return False

    def close(self) -> None:
        self.wait(CLOSE_SECONDS)
