"""The first page: what is there, what changed, what it says; and what these pages are."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from arengo.errors import UnknownDataset
from arengo.faces import structured
from arengo.faces.site import public_address
from arengo.portal.finding import most_read
from arengo.portal.news import Change, News, news
from arengo.portal.preview import address
from arengo.portal.visit import Visit
from arengo.portal.vocabulary import theme_name

BLOCKS = 5
READ = 6


@dataclass(frozen=True, slots=True)
class Theme:
    code: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Line:
    """A change as it is listed. ``blocks``: kinds of the five small squares that show its parts."""

    change: Change
    words: tuple[str, ...]
    blocks: tuple[str, ...]


def home(visit: Visit) -> Response:
    """``/``: what is there, what changed."""
    catalogue = visit.site.catalogue
    entries = catalogue.entries(limit=None).items
    told = news(visit, entries)
    found = visit.site.findings.of(visit, told) if told.days else None
    read = _read(visit)
    total = catalogue.count()
    mark = (catalogue.generation, total, told, found.chart.version if found else "", found and found.dataset, read)
    known = visit.unchanged(*mark)
    if known:
        return known
    published = [entry for entry in entries if entry.version is not None]
    rows = sum(entry.version.rows for entry in published if entry.version and entry.contract.access == "open")
    say = visit.speech
    figures = []
    if published or total:
        figures = [
            (say.number(total), visit.speech.words.ngettext("dataset", "datasets", total)),
            (say.number(rows), visit.speech.words.ngettext("row", "rows", rows)),
            (say.number(sum(entry.versions for entry in published)), visit._("versions kept")),
        ]
    values = {
        "figures": figures,
        "themes": themes(visit),
        "total": total,
        "news": told,
        "days": [(_day_words(visit, day.day), day, [line(visit, item) for item in day.changes]) for day in told.days],
        "week": week(visit, told),
        "finding": found,
        "read": read,
        "image": address(visit, "preview.png"),
    }
    known_as = structured.catalog(
        visit.settings.city, public_address(visit.settings, visit.request), catalogue.count(True)
    )
    return visit.page("home.html", {**values, "structured": structured.embedded(known_as)})


def week(visit: Visit, told: News) -> str:
    """The last days in one sentence."""
    if not told.datasets:
        return ""
    say = visit.speech
    if told.recent:
        first = say.many("%(n)s dataset changed this week", "%(n)s datasets changed this week", told.datasets)
    else:
        first = say.many(
            "%(n)s dataset changed in the week to %(date)s",
            "%(n)s datasets changed in the week to %(date)s",
            told.datasets,
            date=say.date(told.days[0].day),
        )
    parts = moved_words(visit, told.added, told.changed, told.removed)
    if not parts or not told.whole:
        return f"{first}."
    return visit._("%(first)s: %(parts)s.", first=first, parts=", ".join(parts))


def moved_words(visit: Visit, added: int, changed: int, removed: int) -> tuple[str, ...]:
    say = visit.speech
    words = (
        (added, say.many("%(n)s row added", "%(n)s rows added", added)),
        (changed, say.many("%(n)s changed", "%(n)s changed", changed)),
        (removed, say.many("%(n)s removed", "%(n)s removed", removed)),
    )
    return tuple(said for count, said in words if count)


def line(visit: Visit, change: Change) -> Line:
    say = visit.speech
    rows = say.many("%(n)s row", "%(n)s rows", change.rows)
    if change.entry.contract.access != "open":
        return Line(change, (visit._("new version"),), ())
    if change.first:
        return Line(change, (visit._("new: %(rows)s", rows=rows),), ("added",) * BLOCKS)
    if not change.counted:
        return Line(change, (rows,), ())
    return Line(change, moved_words(visit, change.added, change.changed, change.removed), _blocks(change))


def _blocks(change: Change) -> tuple[str, ...]:
    """Five squares shared out by what moved; each kind that occurs has at least one."""
    parts = {"added": change.added, "changed": change.changed, "removed": change.removed}
    parts = {kind: count for kind, count in parts.items() if count}
    if not parts:
        return ()
    counts = {kind: max(1, round(BLOCKS * count / change.moved)) for kind, count in parts.items()}
    while sum(counts.values()) > BLOCKS:
        counts[max(counts, key=lambda kind: counts[kind])] -= 1
    while sum(counts.values()) < BLOCKS:
        counts[max(parts, key=lambda kind: parts[kind])] += 1
    return tuple(kind for kind, count in counts.items() for _n in range(count))


def _day_words(visit: Visit, day: object) -> str:
    from datetime import date, datetime, timedelta

    from babel.dates import format_date

    assert isinstance(day, date)
    today = visit.speech.local(datetime.now(visit.speech.zone)).date()
    if day == today:
        return visit._("Today")
    if day == today - timedelta(days=1):
        return visit._("Yesterday")
    pattern = "EEEE d MMMM" if day.year == today.year else "d MMMM y"
    said = str(format_date(day, pattern, visit.speech.locale))
    return said[:1].upper() + said[1:]


def _read(visit: Visit) -> list[tuple[str, str, int]]:
    """(title, address, readings) of what was read most in thirty days."""
    if not visit.site.participation.settings.usage:
        return []
    out = []
    for name, count in most_read(visit).items():
        try:
            entry = visit.site.catalogue.entry(name)
        except UnknownDataset:
            continue  # read while it was there
        out.append((entry.contract.title(visit.language), visit.link("datasets", name), count))
        if len(out) == READ:
            break
    return out


def about(visit: Visit) -> Response:
    known = visit.unchanged()
    return known or visit.page("about.html", {})


def themes(visit: Visit) -> list[Theme]:
    """Themes that have a dataset, by name."""
    counts = visit.site.catalogue.themes()
    found = [Theme(code, theme_name(code, visit.speech), count) for code, count in counts.items() if count]
    return sorted(found, key=lambda item: item.name.casefold())
