"""One thing the data says right now: the lead chart of a dataset that changed, on the first page.

Chosen from what changed lately and what is read most. Drawing takes longer than a page may: it is done beside it,
once a version and language, and the page is shown without it until then.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arengo.errors import ArengoError
from arengo.portal import diagram
from arengo.portal.charts import Chart
from arengo.portal.digest import headline
from arengo.portal.dossier import Dossier
from arengo.portal.figure import Choice, choose, series
from arengo.portal.place import BASE_TAGS

if TYPE_CHECKING:
    from arengo.catalogue import Entry
    from arengo.portal.news import News
    from arengo.portal.visit import Visit

TRIED = 12
MOST_ROWS = 3_000_000
HELD = 32
PATIENCE = 0.4  # seconds a page waits for a chart that is not drawn yet


@dataclass(frozen=True, slots=True)
class Finding:
    """``chart``: as a dataset's page has it. ``words``: what it says in a sentence."""

    dataset: str
    title: str
    href: str
    summary: str
    words: str
    chart: Chart


Key = tuple[str, ...]


class Findings:
    """Finished findings of a few versions and languages. Thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: OrderedDict[Key, Finding | None] = OrderedDict()
        self._made: dict[Key, Future[Finding | None]] = {}
        self._workers: ThreadPoolExecutor | None = None

    def of(self, visit: Visit, news: News, patience: float = PATIENCE) -> Finding | None:
        """What stands on the first page; None while it is being made, and when there is nothing to show."""
        if visit.as_of:  # the first page is always of today
            visit = copy(visit)
            visit.as_of = ""
        candidates = _candidates(visit, news)
        if not candidates:
            return None
        versions = [f"{entry.id}/{entry.version.number}" for entry in candidates if entry.version]
        key = (visit.language, visit.speech.locale, *versions)
        with self._guard:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
            future = self._made.get(key)
            if future is None:
                if self._workers is None:
                    self._workers = ThreadPoolExecutor(1, "arengo-finding")
                future = self._made[key] = self._workers.submit(self._make, key, visit, candidates)
        try:
            return future.result(patience)
        except TimeoutError:
            return self._older(visit.language)

    def _older(self, language: str) -> Finding | None:
        """The last one shown in this language, while the next is drawn."""
        with self._guard:
            return next((made for key, made in reversed(self._held.items()) if key[0] == language and made), None)

    def _make(self, key: Key, visit: Visit, candidates: Sequence[Entry]) -> Finding | None:
        made: Finding | None = None
        try:
            for entry in candidates:
                made = _finding(visit, entry)
                if made is not None:
                    break
        finally:
            with self._guard:
                self._held[key] = made
                self._made.pop(key, None)
                while len(self._held) > HELD:
                    self._held.popitem(last=False)
        return made


def _candidates(visit: Visit, news: News) -> list[Entry]:
    """Open datasets that changed, the most telling first."""
    moved: dict[str, int] = {}
    entries: dict[str, Entry] = {}
    for day in news.days:
        for change in day.changes:
            entries[change.entry.id] = change.entry
            moved[change.entry.id] = moved.get(change.entry.id, 0) + max(change.moved, int(change.first))
    read = most_read(visit)
    found = [
        entry
        for entry in entries.values()
        if entry.contract.access == "open"
        and entry.version is not None
        and 2 <= entry.version.rows <= MOST_ROWS
        and not BASE_TAGS & {tag.lower() for tag in entry.contract.tags}
    ]
    found.sort(key=lambda entry: (-_telling(entry, moved[entry.id], read.get(entry.id, 0)), entry.id))
    return found[:TRIED]


def _telling(entry: Entry, moved: int, read: int) -> float:
    rows = entry.version.rows if entry.version else 0
    timed = 2.0 if entry.contract.custom.get("arengoTime") else 0.0
    return timed + math.log10(1 + read) + (0.5 + min(1.0, moved / rows) if moved and rows else 0)


def most_read(visit: Visit, days: int = 30) -> Mapping[str, int]:
    """Dataset -> readings of the last days, most first."""
    from datetime import timedelta

    usage = visit.site.participation.usage
    try:
        return dict(usage.most(usage.today() - timedelta(days=days)))
    except ArengoError:
        return {}


def _finding(visit: Visit, entry: Entry) -> Finding | None:
    try:
        d = Dossier(visit, entry.id)
        choice: Choice | None = choose(d.contract, d.profile)
        if choice is None or choice.kind == "map":
            choice = series(d.contract, d.profile)  # the map is one step away; what moves is told here
        if choice is None or choice.kind not in ("line", "bars"):
            return None
        plot = diagram.lead(d, choice)
        if plot is None:
            return None
        chart = diagram.finish(d, plot)
    except ArengoError:
        return None
    if not chart.wide:
        return None
    return Finding(
        d.id,
        d.title,
        visit.link("datasets", d.id),
        d.summary,
        newest(visit, chart, choice) or headline(d, choice),
        chart,
    )


def newest(visit: Visit, chart: Chart, choice: Choice) -> str:
    """The last moment of a line with its values; '' for other figures."""
    if choice.kind != "line" or not chart.rows:
        return ""
    row = chart.rows[-1]
    values = [(head, cell) for head, cell in zip(chart.heads[1:4], row[1:4], strict=True) if not cell.mark]
    told = []
    for head, cell in values:
        name = "" if len(values) == 1 else f"{head.label} "
        told.append(f"{name}{cell.text}{f' {head.unit}' if head.unit else ''}")
    return visit._("%(when)s: %(values)s.", when=row[0].text, values=", ".join(told)) if told else ""
