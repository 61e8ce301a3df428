"""What the platform saves: exchanges that pass through it, hands and files that are left, reads spared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import sqlalchemy as sa

from arengo.services.census import words
from arengo.services.census.record import WAYS, Exchange, Register
from arengo.state import State
from arengo.state.participation import reading
from arengo.state.tables import run

PLATFORM = "\0platform"
"""Stands for the platform itself at one end of a line."""
VIEWS = ("today", "published", "all")
READ_KINDS = ("api", "download", "ckan", "ogc", "sql", "iceberg", "mcp")
"""Families of readings that take data; pages, metadata and feeds would not have troubled a source."""
SPAN = 90
"""Days that are counted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the picture: from, to, how, and the exchanges it stands for."""

    source: str
    target: str
    way: str
    exchanges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """``ways``: exchanges by way; ``handed``: times a year something is carried by hand or as a file, as far as told;
    ``lines``: lines between two ends in each of the three pictures; ``covered``: exchanges of a published dataset.
    """

    applications: int
    exchanges: int
    ways: Mapping[str, int]
    handed: int
    lines: Mapping[str, int]
    covered: int

    def share(self, *ways: str) -> float:
        """0 to 1."""
        return sum(self.ways.get(way, 0) for way in ways) / self.exchanges if self.exchanges else 0.0


@dataclass(frozen=True, slots=True)
class Spared:
    """One dataset over some days. ``reads``: data taken from the platform; ``pulls``: times its source was asked."""

    dataset: str
    reads: int
    pulls: int

    @property
    def spared(self) -> int:
        return max(0, self.reads - self.pulls)


def passes(item: Exchange, published: frozenset[str], view: str) -> bool:
    """Whether an exchange goes through the platform in a picture."""
    if item.way == "through-platform" or view == "all":
        return True
    return view == "published" and item.dataset in published


def lines(exchanges: Iterable[Exchange], published: Iterable[str], view: str) -> tuple[Line, ...]:
    """The lines of a picture: ``today`` as the census says, ``published`` when each published dataset replaces the
    exchanges that carry it, ``all`` when everything passes through the platform.

    What passes is one line from its source to the platform, however many receive it, and one to each receiver.
    """
    known = frozenset(published)
    held: dict[tuple[str, str, str], list[str]] = {}
    for item in exchanges:
        if passes(item, known, view):
            for ends in ((item.source, PLATFORM), (PLATFORM, item.target)):
                held.setdefault((*ends, "through-platform"), []).append(item.id)
        else:
            held.setdefault((item.source, item.target, item.way), []).append(item.id)
    return tuple(Line(*key, tuple(ids)) for key, ids in held.items())


def figures(register: Register, published: Iterable[str]) -> Figures:
    known = frozenset(published)
    every = register.exchanges.values()
    ways = Counter(item.way for item in every)
    carried = (words.times_a_year(item.frequency) or 0 for item in every if item.way in ("by-hand", "by-file"))
    return Figures(
        len(register.applications),
        len(register.exchanges),
        {way: ways.get(way, 0) for way in WAYS},
        sum(carried),
        {view: len(lines(every, known, view)) for view in VIEWS},
        sum(1 for item in every if passes(item, known, "published")),
    )


def spared(state: State, datasets: Iterable[str], now: datetime | None = None, days: int = SPAN) -> tuple[Spared, ...]:
    """Reads served against pulls of the source over the last days, most spared first; datasets never read are left out.

    Robots are not counted. A pull is a run that looked at the source, also when nothing had changed there.
    """
    since = (now or datetime.now(UTC)).date() - timedelta(days=days - 1)
    wanted = frozenset(datasets)
    r = reading.c
    family = sa.or_(*(r.kind == kind for kind in READ_KINDS), r.kind.like("download:%"))
    reads = sa.select(r.dataset, sa.func.sum(r.n)).where(r.day >= since, r.robot.is_(False), r.dataset != "", family)
    begin = datetime.combine(since, time(), UTC)
    pulls = sa.select(run.c.dataset, sa.func.count()).where(run.c.started_at >= begin, run.c.state != "queued")
    with state.read() as connection:
        served = {str(row[0]): int(row[1]) for row in connection.execute(reads.group_by(r.dataset))}
        asked = {str(row[0]): int(row[1]) for row in connection.execute(pulls.group_by(run.c.dataset))}
    found = [Spared(name, n, asked.get(name, 0)) for name, n in served.items() if name in wanted]
    return tuple(sorted(found, key=lambda item: (-item.spared, item.dataset)))
