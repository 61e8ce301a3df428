"""The time limit of a stream: only the seconds in which the engine worked for it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from arengo.errors import TooExpensive

if TYPE_CHECKING:
    import duckdb


class Watch:
    """``seconds``: what all stretches of :meth:`on` together may take, 0 for no limit."""

    def __init__(self, seconds: float) -> None:
        self._limit = seconds
        self._left = seconds

    @contextlib.contextmanager
    def on(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """One stretch of work. Raises TooExpensive when the time is up; the cursor is interrupted then."""
        if not self._limit:
            yield
            return
        if self._left <= 0:
            raise self._over()
        import duckdb

        late, done = threading.Event(), threading.Event()

        def stop() -> None:
            late.set()
            while not done.is_set():  # a query that is only beginning forgets an interruption
                cursor.interrupt()
                done.wait(0.05)

        timer = threading.Timer(self._left, stop)
        timer.daemon = True
        started = time.monotonic()
        timer.start()
        try:
            yield
        except (duckdb.InterruptException, OSError) as error:  # Arrow's stream says it as an OSError
            if not late.is_set():
                raise
            raise self._over() from error
        finally:
            timer.cancel()
            done.set()
            self._left -= time.monotonic() - started

    def _over(self) -> TooExpensive:
        return TooExpensive(
            f"The answer took more than {self._limit:g} seconds of reading and was stopped.",
            todo="Ask for less: a filter, fewer columns, or a file that is made once, such as parquet.",
        )
