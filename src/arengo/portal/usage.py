"""How often the data is read: a chart of days, the numbers beside it, nothing about who reads."""

from __future__ import annotations

import csv as csvlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from arengo.portal.amendment import dossier
from arengo.portal.reuse import title as dataset_title
from arengo.portal.visit import HEADERS, Visit
from arengo.services.reading import Day

SPANS = (30, 90, 365)
WIDTH, HEIGHT, EDGE = 720, 180, 44


@dataclass(frozen=True, slots=True)
class Bars:
    """A column for each day (or week): x, y, height, words. ``ticks``: (y, number); ``ends``: first and last day."""

    bars: tuple[tuple[float, float, float, str], ...]
    width: float
    ticks: tuple[tuple[float, str], ...]
    ends: tuple[str, str]
    words: str


def of_dataset(visit: Visit) -> Response:
    """``/datasets/{id}/usage?days=``."""
    d = dossier(visit)
    return _page(visit, "usage.html", {"d": d, "tab": "usage", "tab_title": visit._("How it is used")}, d.id)


def of_city(visit: Visit) -> Response:
    """``/usage?days=``."""
    usage = visit.site.participation.usage
    since = usage.today() - timedelta(days=_span(visit) - 1)
    most = [(name, dataset_title(visit, name), n) for name, n in usage.most(since)]
    return _page(visit, "usage_city.html", {"most": most}, None)


def csv_of_dataset(visit: Visit) -> Response:
    """``/datasets/{id}/usage.csv``: day, kind, readings, by robots."""
    d = dossier(visit)
    return _csv(visit, d.id, f"{d.id}-usage.csv")


def csv_of_city(visit: Visit) -> Response:
    """``/usage.csv``."""
    return _csv(visit, None, "usage.csv")


def kind_word(visit: Visit, kind: str) -> str:
    """What a kind of reading is called."""
    _ = visit._
    family, _colon, form = kind.partition(":")
    words = {
        "page": _("pages"),
        "api": _("rows API"),
        "ckan": _("CKAN interface"),
        "dcat": _("DCAT metadata"),
        "ogc": _("OGC interface"),
        "sql": _("SQL"),
        "iceberg": _("Iceberg tables"),
        "mcp": _("assistants (MCP)"),
        "feed": _("feeds"),
    }
    if family == "download":
        return _("download as %(format)s", format=form.upper())
    return words.get(family, family)


def _span(visit: Visit) -> int:
    asked = visit.param("days")
    return int(asked) if asked.isdigit() and int(asked) in SPANS else SPANS[0]


def _page(visit: Visit, template: str, values: dict[str, Any], dataset: str | None) -> Response:
    usage = visit.site.participation.usage
    span, today = _span(visit), usage.today()
    since = today - timedelta(days=span - 1)
    days = usage.days(dataset, since)
    total = sum(item.n for item in days)
    robots = sum(item.robots for item in days)
    kinds: Counter[str] = Counter()
    for item in days:
        kinds[item.kind] += item.n
    values |= {
        "span": span,
        "spans": SPANS,
        "total": total,
        "robots": robots,
        "bars": bars(visit, days, since, today) if total else None,
        "kinds": [(kind_word(visit, kind), n) for kind, n in kinds.most_common() if n],
        "table": _table(visit, days),
        "counted": visit.site.participation.settings.usage,
        "csv": f"/datasets/{dataset}/usage.csv" if dataset else "/usage.csv",
    }
    return visit.page(template, values)


def _table(visit: Visit, days: Sequence[Day]) -> list[tuple[str, str, str]]:
    sums: dict[date, list[int]] = {}
    for item in days:
        held = sums.setdefault(item.day, [0, 0])
        held[0] += item.n
        held[1] += item.robots
    say = visit.speech
    return [(say.date(day), say.number(sums[day][0]), say.number(sums[day][1])) for day in sorted(sums, reverse=True)]


def bars(visit: Visit, days: Sequence[Day], since: date, today: date) -> Bars:
    """Readings of people and programs as columns: a day each, a week each beyond a quarter."""
    step = 7 if (today - since).days > 100 else 1
    sums: Counter[int] = Counter()
    for item in days:
        sums[(item.day - since).days // step] += item.n
    slots = (today - since).days // step + 1
    most = max(max(sums.values(), default=0), 1)
    top = round_up(most)
    width = (WIDTH - EDGE) / slots
    say = visit.speech
    drawn = []
    for slot in range(slots):
        n = sums.get(slot, 0)
        tall = (HEIGHT - 30) * n / top
        day = since + timedelta(days=slot * step)
        words = say.many("%(date)s: %(n)s reading", "%(date)s: %(n)s readings", n, date=say.date(day))
        if n:
            drawn.append((round(EDGE + slot * width, 1), round(HEIGHT - 20 - tall, 1), round(tall, 1), words))
    ticks = tuple(
        (round(HEIGHT - 20 - (HEIGHT - 30) * value / top, 1), say.number(value))
        for value in ((0, top // 2, top) if top > 1 else (0, 1))
    )
    words = say.many("%(n)s reading", "%(n)s readings", sum(sums.values()))
    words += f", {say.date(since)} – {say.date(today)}"
    return Bars(tuple(drawn), round(max(width - 1.5, 1), 1), ticks, (say.date(since), say.date(today)), words)


def round_up(most: int) -> int:
    """The next even round number."""
    if most <= 2:
        return 2
    size = 10 ** (len(str(most)) - 1)
    for factor in (1, 2, 4, 6, 8, 10):
        if size * factor >= most:
            return int(size * factor)
    return most


def _csv(visit: Visit, dataset: str | None, name: str) -> Response:
    out = io.StringIO()
    writer = csvlib.writer(out, lineterminator="\n")
    writer.writerow(("day", "kind", "readings", "by_robots"))
    for item in visit.site.participation.usage.days(dataset):
        writer.writerow((item.day.isoformat(), item.kind, item.n, item.robots))
    headers = dict(HEADERS) | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(out.getvalue(), 200, headers, "text/csv; charset=utf-8")
