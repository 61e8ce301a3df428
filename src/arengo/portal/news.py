"""What changed lately, day by day, in rows: counted once a pair of versions, beside the pages that tell it.

Two versions never change, so neither does what is between them. A page waits a moment for counts that are missing
and shows what it has; the rest is counted while it is read.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from arengo.errors import ArengoError
from arengo.lake.version import Difference, Version

if TYPE_CHECKING:
    from arengo.catalogue import Entry
    from arengo.door import Door
    from arengo.portal.visit import Visit

DAYS = 7
MOST_ROWS = 2_000_000
"""Rows of two versions compared for a count; of larger ones only the number of rows is told."""
HELD = 20_000
WAITING = 500
PATIENCE = 0.25  # seconds a page waits for counts

Key = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Change:
    """One dataset on one day. ``counted``: the rest says how many rows; otherwise only ``rows`` is known.

    ``first``: nothing was there before. ``href``: the comparison, or the dataset.
    """

    entry: Entry
    title: str
    href: str
    at: datetime
    rows: int
    first: bool
    counted: bool
    added: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def moved(self) -> int:
        return self.added + self.changed + self.removed


@dataclass(frozen=True, slots=True)
class Day:
    """``rest``: changes beyond those listed."""

    day: date
    changes: tuple[Change, ...]
    rest: int


@dataclass(frozen=True, slots=True)
class News:
    """The last days with a change. ``recent``: within the last week; otherwise the week of the newest change.

    ``datasets``: how many changed. ``whole``: every change is counted.
    """

    days: tuple[Day, ...]
    recent: bool
    datasets: int
    added: int
    changed: int
    removed: int
    whole: bool


class Counts:
    """Differences between versions, remembered. Thread-safe; one counting at a time."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._guard = threading.Lock()
        self._held: OrderedDict[Key, Difference | None] = OrderedDict()
        self._asked: dict[Key, Future[None]] = {}
        self._workers: ThreadPoolExecutor | None = None

    def of(self, keys: Iterable[Key], patience: float = PATIENCE) -> dict[Key, Difference | None]:
        """Those that are known after waiting ``patience`` seconds at most; None for one that is not told."""
        wanted = list(dict.fromkeys(keys))
        with self._guard:
            missing = [key for key in wanted if key not in self._held]
            for key in missing:
                if key not in self._asked and len(self._asked) < WAITING:
                    if self._workers is None:
                        self._workers = ThreadPoolExecutor(1, "arengo-news")
                    self._asked[key] = self._workers.submit(self._count, key)
            futures = [self._asked[key] for key in missing if key in self._asked]
        until = time.monotonic() + patience
        for future in futures:
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                future.exception(left)
            except TimeoutError:
                break
        with self._guard:
            return {key: self._held[key] for key in wanted if key in self._held}

    def _count(self, key: Key) -> None:
        found: Difference | None = None
        try:
            found = self._door.diff(key[0], str(key[1]), str(key[2]))
        except ArengoError:
            pass  # the page tells the number of rows
        finally:
            with self._guard:
                self._held[key] = found
                self._asked.pop(key, None)
                while len(self._held) > HELD:
                    self._held.popitem(last=False)


def news(
    visit: Visit, entries: Sequence[Entry], *, listed: int = 5, days: int = DAYS, patience: float = PATIENCE
) -> News:
    """What changed in the last ``days`` days, or in as many before the newest change; at most ``listed`` a day."""
    speech = visit.speech
    told = [entry for entry in entries if entry.version is not None and entry.updated is not None]
    newest = max((speech.local(entry.updated).date() for entry in told if entry.updated), default=None)
    if newest is None:
        return News((), False, 0, 0, 0, 0, True)
    today = speech.local(datetime.now(speech.zone)).date()
    recent = today - newest < timedelta(days=days)
    since = (today if recent else newest) - timedelta(days=days - 1)
    steps: list[tuple[date, Entry, Version | None, Version]] = []
    for entry in told:
        if entry.updated and speech.local(entry.updated).date() >= since:
            steps += _steps(visit, entry, since)
    keys = {
        (item.id, before.number, after.number): before.rows + after.rows <= MOST_ROWS
        for _day, item, before, after in steps
        if before is not None
    }
    counts = visit.site.counts.of((key for key, small in keys.items() if small), patience)
    found: dict[date, list[Change]] = {}
    for day, entry, before, after in steps:
        made = _change(visit, entry, before, after, counts)
        if made.first or not made.counted or made.moved:
            found.setdefault(day, []).append(made)
    shown = tuple(
        Day(day, tuple(sorted(items, key=_weight)[:listed]), max(0, len(items) - listed))
        for day, items in sorted(found.items(), reverse=True)
    )
    every = [item for items in found.values() for item in items]
    return News(
        shown,
        recent,
        len({item.entry.id for item in every}),
        sum(item.added for item in every),
        sum(item.changed for item in every),
        sum(item.removed for item in every),
        all(item.counted for item in every),
    )


def _weight(change: Change) -> tuple[int, int, str]:
    """New ones first, then those with the most changes."""
    return (0 if change.first else 1, -change.moved, change.title.casefold())


def _steps(visit: Visit, entry: Entry, since: date) -> list[tuple[date, Entry, Version | None, Version]]:
    """For each day with a publication: the version before that day, and the last one of it."""
    if entry.contract.access != "open":
        # What changed in data that is not open is not told; that there is a new version is.
        assert entry.version
        return [(visit.speech.local(entry.version.published_at).date(), entry, None, entry.version)]
    try:
        versions = visit.door.versions(entry.id)
    except ArengoError:
        return []
    steps: list[tuple[date, Entry, Version | None, Version]] = []
    last: dict[date, Version] = {}
    older: Version | None = None
    for version in versions:  # the newest first
        day = visit.speech.local(version.published_at).date()
        if day < since:
            older = version
            break
        last.setdefault(day, version)
    days = sorted(last)
    for index, day in enumerate(days):
        before = last[days[index - 1]] if index else older
        steps.append((day, entry, before, last[day]))
    return steps


def _change(
    visit: Visit, entry: Entry, before: Version | None, after: Version, counts: dict[Key, Difference | None]
) -> Change:
    title = entry.contract.title(visit.language)
    page = visit.link("datasets", entry.id)
    hidden = entry.contract.access != "open"
    if before is None:
        return Change(entry, title, page, after.published_at, after.rows, not hidden and after.number == 1, False)
    found = counts.get((entry.id, before.number, after.number))
    compare = visit.link("datasets", entry.id, "compare", **{"from": before.number, "to": after.number})
    if found is None:
        return Change(entry, title, compare, after.published_at, after.rows, False, False)
    return Change(
        entry, title, compare, after.published_at, after.rows, False, True, found.added, found.changed, found.removed
    )
