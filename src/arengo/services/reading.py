"""How often each dataset is read: counted in memory, written in bulk, without anything about who reads.

A request leaves its path and what the program called itself; at the next writing both become (dataset, kind, robot)
and are gone. No address is looked at at all.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from arengo.state import State
from arengo.state.participation import reading

FULL = 20_000
"""Different (path, program) pairs held before they are folded."""
_ROBOT = re.compile(
    rb"bot\b|bot[/;_-]|crawl|spider|slurp|preview|monitor|uptime|headless|lighthouse|scan|archiv|externalhit|harvest|"
    rb"validator|check|feed|index", re.I,
)  # fmt: skip
_PROGRAM = re.compile(rb"curl|wget|python|java/|okhttp|go-http|libwww|axios|node|ruby|perl|httpx|aiohttp|scrapy", re.I)
_PAGE = re.compile(r"/datasets/([^/]+)(?:/(?!.*\.(?:csv|svg|png|json)$)[^/]*.*)?$")
_SEMANTIC = re.compile(r"/datasets/([^/]+)\.(?:ttl|jsonld|rdf|nt|json)$")
_API = re.compile(r"/api/v1/datasets/([^/]+)(?:/([^/]+))?")
_CKAN = re.compile(r"/dataset/([^/]+)")
_OGC = re.compile(r"/ogc/(?:[^/]+/)?collections/([^/]+)")
_ICEBERG = re.compile(r"/iceberg/v1/(?:.*/)?tables/([^/]+)")
_FEED = re.compile(r"/feeds/datasets/([^/]+?)(?:/changes)?\.atom$")
_PREFIXES = (
    ("/api/3/", "ckan"),
    ("/api/action/", "ckan"),
    ("/datastore/", "ckan"),
    ("/api/v1/sql", "sql"),
    ("/catalog", "dcat"),
    ("/mcp", "mcp"),
    ("/iceberg/", "iceberg"),
    ("/ogc/", "ogc"),
    ("/feeds/", "feed"),
)
KINDS = ("page", "api", "download", "ckan", "dcat", "ogc", "sql", "iceberg", "mcp", "feed")
"""Families of kinds; a download's kind names its format after a colon."""


@dataclass(frozen=True, slots=True)
class Day:
    """``n``: readings by people and programs, ``robots``: by crawlers."""

    day: date
    kind: str
    n: int
    robots: int


class Readings:
    """Counts of this process. :meth:`note` is called by the gate for each answer and must cost next to nothing."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._raw: dict[tuple[str, bytes], int] = {}
        self._folded: Counter[tuple[str, str, bool]] = Counter()

    def note(self, path: str, agent: bytes) -> None:
        """One answer was given. Not locked: one event loop a process calls it."""
        raw = self._raw
        key = (path, agent)
        raw[key] = raw.get(key, 0) + 1
        if len(raw) > FULL:
            self._fold()

    def count(self, dataset: str, kind: str, agent: bytes = b"") -> None:
        """For a face whose path does not name the dataset, such as SQL. Counted once an answer, even if it is kept."""
        told = _TOLD.get()
        if told is not None:
            told.add((dataset, kind))
        else:
            self.add(((dataset, kind),), agent)

    def add(self, told: Iterable[tuple[str, str]], agent: bytes) -> None:
        """Each (dataset, kind) was read once."""
        with self._guard:
            for dataset, kind in told:
                self._folded[dataset, kind, robot(agent, kind)] += 1

    def _fold(self) -> None:
        raw, self._raw = self._raw, {}
        with self._guard:
            for (path, agent), n in raw.items():
                found = classify(path)
                if found is not None:
                    self._folded[found[0], found[1], robot(agent, found[1])] += n

    def take(self) -> Counter[tuple[str, str, bool]]:
        """(dataset, kind, robot) -> readings since the last take."""
        self._fold()
        with self._guard:
            out, self._folded = self._folded, Counter()
        return out


_TOLD: ContextVar[set[tuple[str, str]] | None] = ContextVar("arengo_readings", default=None)


@contextmanager
def telling() -> Iterator[set[tuple[str, str]]]:
    """What faces :meth:`Readings.count` within, for whoever gives the answer (and gives a kept one again)."""
    told: set[tuple[str, str]] = set()
    token = _TOLD.set(told)
    try:
        yield told
    finally:
        _TOLD.reset(token)


READINGS = Readings()
"""One a process, as its requests are counted."""


class Usage:
    """The counts of all days. ``zone``: IANA name; days are the city's."""

    def __init__(self, state: State, zone: str) -> None:
        self._state = state
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            self._zone = ZoneInfo("UTC")

    def today(self, now: datetime | None = None) -> date:
        return (now or datetime.now(UTC)).astimezone(self._zone).date()

    def write(self, counts: Mapping[tuple[str, str, bool], int], day: date | None = None) -> int:
        """Add counts to a day's (today's by default) in one transaction; how many rows."""
        if not counts:
            return 0
        day = day or self.today()
        r = reading.c
        with self._state.write() as connection:
            for (dataset, kind, robot), n in counts.items():
                mine = (r.dataset == dataset[:200]) & (r.day == day) & (r.kind == kind[:40]) & (r.robot == robot)
                if not connection.execute(reading.update().where(mine).values(n=r.n + n)).rowcount:
                    connection.execute(
                        reading.insert().values(dataset=dataset[:200], day=day, kind=kind[:40], robot=robot, n=n)
                    )
        return len(counts)

    def days(self, dataset: str | None = None, since: date | None = None) -> list[Day]:
        """Counts by day and kind, oldest first; of one dataset ('' what belongs to none), or of all when None."""
        r = reading.c
        people = sa.func.sum(sa.case((r.robot.is_(False), r.n), else_=0))
        robots = sa.func.sum(sa.case((r.robot.is_(True), r.n), else_=0))
        chosen = sa.select(r.day, r.kind, people, robots).group_by(r.day, r.kind).order_by(r.day, r.kind)
        if dataset is not None:
            chosen = chosen.where(r.dataset == dataset)
        if since is not None:
            chosen = chosen.where(r.day >= since)
        with self._state.read() as connection:
            return [Day(row[0], str(row[1]), int(row[2]), int(row[3])) for row in connection.execute(chosen)]

    def most(self, since: date, limit: int = 20) -> list[tuple[str, int]]:
        """The datasets read most since a day, robots left out."""
        r = reading.c
        total = sa.func.sum(r.n)
        chosen = (
            sa.select(r.dataset, total)
            .where(r.day >= since, r.robot.is_(False), r.dataset != "")
            .group_by(r.dataset)
            .order_by(total.desc(), r.dataset)
            .limit(limit)
        )
        with self._state.read() as connection:
            return [(str(row[0]), int(row[1])) for row in connection.execute(chosen)]

    def total(self, dataset: str, days: int = 30) -> int:
        """Readings of one dataset by people and programs in the last days."""
        r = reading.c
        since = self.today() - timedelta(days=days - 1)
        chosen = sa.select(sa.func.sum(r.n)).where(r.dataset == dataset, r.day >= since, r.robot.is_(False))
        with self._state.read() as connection:
            return int(connection.scalar(chosen) or 0)


def classify(path: str) -> tuple[str, str] | None:
    """(dataset, kind) of an address that answered; dataset '' when it names none, None when it is not counted."""
    found = _API.match(path)
    if found:
        last = found[2] or ""
        if last.startswith("export."):
            return found[1], f"download:{last[7:][:12]}"
        return found[1], "api"
    found = _SEMANTIC.match(path)
    if found:
        return found[1], "dcat"
    found = _PAGE.match(path)
    if found:
        return found[1], "page"
    for pattern, kind in ((_CKAN, "ckan"), (_OGC, "ogc"), (_ICEBERG, "iceberg"), (_FEED, "feed")):
        found = pattern.match(path)
        if found:
            return found[1], kind
    for prefix, kind in _PREFIXES:
        if path.startswith(prefix):
            return "", kind
    return ("", "page") if path in ("/", "/datasets") else None


def robot(agent: bytes, kind: str) -> bool:
    """A coarse guess from what a program calls itself; a program that reads pages rather than data is one too."""
    if _ROBOT.search(agent):
        return True
    return kind == "page" and (not agent or _PROGRAM.search(agent) is not None)


def by_kind(days: Iterable[Day]) -> Counter[str]:
    out: Counter[str] = Counter()
    for item in days:
        out[item.kind] += item.n
    return out
