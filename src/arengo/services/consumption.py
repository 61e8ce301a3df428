"""What each program took, by agreement, dataset, face, day and outcome: for the owner, and for whoever took it.

Counted in memory and written every two seconds by a thread of each server process, so a request waits for nothing and
a killed process loses two seconds of counts at most. It says how much was read, never which rows: that is the record's.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from arengo.errors import ArengoError
from arengo.governance.caller import Caller
from arengo.services.reading import classify
from arengo.state import State
from arengo.state.applications import consumption

FLUSH_SECONDS = 2.0
KEPT_DAYS = 800
"""Two years and a little, so that a year can be held against the one before."""
REFUSED = ("401", "403", "429")
BY = ("day", "application", "agreement", "dataset", "face", "status")

_log = logging.getLogger(__name__)

Key = tuple[str, str, str, str, date, str]
"""(application, agreement, dataset, face, day, status)"""


@dataclass(frozen=True, slots=True)
class Used:
    """``key``: values of what was grouped by, in that order. ``refused``: calls answered 401, 403 or 429."""

    key: tuple[object, ...]
    calls: int
    refused: int
    rows: int
    bytes: int


class Consumption:
    """``zone``: IANA name; days are the city's. ``also``: called with each writing, for what else is kept loosely."""

    def __init__(
        self,
        state: State,
        zone: str = "UTC",
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        also: Callable[[], None] = lambda: None,
    ) -> None:
        self._state = state
        self._now = now
        self._also = also
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            self._zone = ZoneInfo("UTC")
        self._guard = threading.Lock()
        self._counts: dict[Key, list[int]] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._purged = date.min

    # ---- counting -----------------------------------------------------------------------------------------------

    def note(
        self,
        caller: Caller,
        path: str,
        status: int,
        size: int = 0,
        read: Iterable[tuple[str, str, int]] = (),
    ) -> None:
        """One request was answered. ``read``: (dataset, agreement, rows) of what it looked at; otherwise the address
        says which dataset was asked for. People in a browser are not counted. A few microseconds."""
        if not caller.application:
            return
        dataset, face = classify(path) or ("", "other")
        day, outcome = self.today(), outcome_of(status)
        taken = list(read) or [(dataset, caller.agreement, 0)]
        with self._guard:
            for place, (name, agreement, rows) in enumerate(taken):
                key = (caller.application, agreement, name[:200], face[:40], day, outcome)
                held = self._counts.setdefault(key, [0, 0, 0])
                held[0] += 1
                held[1] += rows
                held[2] += size if place == 0 else 0  # the bytes of one answer are counted once
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="arengo-consumption", daemon=True)
                self._thread.start()
                atexit.register(self._last)

    def today(self) -> date:
        return self._now().astimezone(self._zone).date()

    def flush(self) -> int:
        """Write what was counted; how many rows. What cannot be written now is kept for the next time."""
        self._also()
        with self._guard:
            counts, self._counts = self._counts, {}
        if not counts:
            return 0
        try:
            self._write(counts)
        except BaseException:
            with self._guard:
                for key, held in counts.items():
                    mine = self._counts.setdefault(key, [0, 0, 0])
                    for place, n in enumerate(held):
                        mine[place] += n
            raise
        return len(counts)

    def close(self) -> None:
        """Write the rest and stop."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(FLUSH_SECONDS * 2)
            atexit.unregister(self._last)
        self.flush()

    def _run(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            try:
                self.flush()
                if self.today() != self._purged:
                    self._purged = self.today()
                    self.purge(self._purged - timedelta(days=KEPT_DAYS))
            except ArengoError as error:
                _log.warning("What programs took is written later: %s", error)
            except Exception:  # requests are answered on, whatever happens here
                _log.exception("What programs took is written later")

    def _last(self) -> None:
        try:
            self.flush()
        except Exception:
            _log.warning("The last seconds of what programs took are lost")

    def _write(self, counts: Mapping[Key, Sequence[int]]) -> None:
        t = consumption
        with self._state.write() as connection:
            for (application, agreement, dataset, face, day, status), (calls, rows, size) in counts.items():
                mine = (
                    (t.c.application == application)
                    & (t.c.agreement == agreement)
                    & (t.c.dataset == dataset)
                    & (t.c.face == face)
                    & (t.c.day == day)
                    & (t.c.status == status)
                )
                more = {"calls": t.c.calls + calls, "rows": t.c.rows + rows, "bytes": t.c.bytes + size}
                if not connection.execute(t.update().where(mine).values(**more)).rowcount:
                    connection.execute(
                        t.insert().values(
                            application=application, agreement=agreement, dataset=dataset, face=face, day=day,
                            status=status, calls=calls, rows=rows, bytes=size,
                        )
                    )  # fmt: skip

    def purge(self, before: date) -> int:
        """Forget days before; how many rows."""
        with self._state.write() as connection:
            return int(connection.execute(consumption.delete().where(consumption.c.day < before)).rowcount)

    # ---- looking ------------------------------------------------------------------------------------------------

    def used(
        self,
        by: Sequence[str],
        *,
        dataset: str | None = None,
        datasets: Iterable[str] | None = None,
        applications: Iterable[str] | None = None,
        agreement: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> list[Used]:
        """Sums grouped by some of :data:`BY`, ordered by them. None is no restriction; both days are included.

        Whoever asks must be entitled to: the owner of a dataset, or of an application.
        """
        t = consumption.c
        unknown = [name for name in by if name not in BY]
        if unknown:
            raise ValueError(f"usage is not grouped by {unknown[0]}")
        keys = [t[name] for name in by]
        refused = sa.func.sum(sa.case((t.status.in_(REFUSED), t.calls), else_=0))
        sums = (sa.func.sum(t.calls), refused, sa.func.sum(t.rows), sa.func.sum(t.bytes))
        chosen = sa.select(*keys, *sums).group_by(*keys).order_by(*keys)
        if dataset is not None:
            chosen = chosen.where(t.dataset == dataset)
        if datasets is not None:
            chosen = chosen.where(t.dataset.in_(list(datasets)))
        if applications is not None:
            chosen = chosen.where(t.application.in_(list(applications)))
        if agreement is not None:
            chosen = chosen.where(t.agreement == agreement)
        if since is not None:
            chosen = chosen.where(t.day >= since)
        if until is not None:
            chosen = chosen.where(t.day <= until)
        with self._state.read() as connection:
            rows = connection.execute(chosen).all()
        n = len(keys)
        return [Used(tuple(row[:n]), *(int(value or 0) for value in row[n:])) for row in rows if row[n]]


def outcome_of(status: int) -> str:
    """The class of a status code; those a reader can do something about by name."""
    return str(status) if str(status) in REFUSED else f"{status // 100}xx"
