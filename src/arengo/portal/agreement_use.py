"""How much is read under agreements, by day: a chart with its table, a small one for lists, words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from arengo.governance.agreement import Agreement
from arengo.portal.usage import EDGE, HEIGHT, WIDTH, Bars, round_up
from arengo.portal.visit import Visit
from arengo.services.consumption import Used

SPAN = 30
"""Days shown."""
SPARK_WIDTH, SPARK_HEIGHT = 120.0, 28.0


@dataclass(frozen=True, slots=True)
class Spark:
    """A small chart of days: (left, top, width, height) of each column."""

    bars: tuple[tuple[float, float, float, float], ...]
    words: str


def of_dataset(visit: Visit, dataset: str) -> Mapping[str, list[Used]]:
    """Agreement -> its use of a dataset by day in the last :data:`SPAN` days, in one question."""
    since = _since(visit)
    out: dict[str, list[Used]] = {}
    for item in visit.site.consumption.used(("agreement", "day"), dataset=dataset, since=since):
        agreement, day = item.key
        out.setdefault(str(agreement), []).append(Used((day,), item.calls, item.refused, item.rows, item.bytes))
    return out


def last_day(used: Iterable[Used]) -> date | None:
    """The last day of some use by day on which something was answered."""
    return max((_day(item) for item in used if item.calls > item.refused), default=None)


def last_read(visit: Visit, agreement: str) -> date | None:
    """The last day on which something was answered under an agreement."""
    days = visit.site.consumption.used(("day",), agreement=agreement)
    return next((_day(item) for item in reversed(days) if item.calls > item.refused), None)


def use_of(visit: Visit, agreements: Iterable[Agreement]) -> dict[str, Any]:
    """The chart and the table of some agreements together."""
    found: list[Used] = []
    for agreement in agreements:
        found += visit.site.consumption.used(("day",), agreement=agreement.id, since=_since(visit))
    return shown(visit, found)


def shown(visit: Visit, used: Iterable[Used]) -> dict[str, Any]:
    """What the pages draw of use by day."""
    _, say = visit._, visit.speech
    sums: dict[date, list[int]] = {}
    for item in used:
        held = sums.setdefault(_day(item), [0, 0, 0])
        held[0] += item.calls
        held[1] += item.rows
        held[2] += item.refused
    calls, rows, refused = (sum(held[place] for held in sums.values()) for place in range(3))
    words = _("Nothing was called in the last %(n)s days.", n=say.number(SPAN))
    if calls:
        words = say.many("%(n)s call", "%(n)s calls", calls) + ", " + say.many("%(n)s row", "%(n)s rows", rows)
        words = _("%(what)s in the last %(days)s days.", what=words, days=say.number(SPAN))
        if refused:
            words += " " + say.many("%(n)s call was refused.", "%(n)s calls were refused.", refused)
    table = [
        {
            "day": say.date(day),
            "calls": say.number(held[0]),
            "rows": say.number(held[1]),
            "refused": say.number(held[2]),
        }
        for day, held in sorted(sums.items(), reverse=True)
    ]
    bars = _bars(visit, {day: held[0] for day, held in sums.items()}) if calls else None
    nothing = _("Calls appear here within seconds.")
    return {"bars": bars, "table": table, "words": words, "nothing": nothing, "calls": calls}


def _bars(visit: Visit, calls: Mapping[date, int]) -> Bars:
    say, since, today = visit.speech, _since(visit), visit.speech.local(visit.now).date()
    most = max(calls.values())
    top, width = round_up(most), (WIDTH - EDGE) / SPAN
    drawn = []
    for slot in range(SPAN):
        day = since + timedelta(days=slot)
        n = calls.get(day, 0)
        if n:
            tall = (HEIGHT - 30) * n / top
            words = say.many("%(date)s: %(n)s call", "%(date)s: %(n)s calls", n, date=say.date(day))
            drawn.append((round(EDGE + slot * width, 1), round(HEIGHT - 20 - tall, 1), round(tall, 1), words))
    ticks = tuple(
        (round(HEIGHT - 20 - (HEIGHT - 30) * value / top, 1), say.number(value)) for value in (0, top // 2, top)
    )
    total = say.many("%(n)s call", "%(n)s calls", sum(calls.values()))
    words = f"{total}, {say.date(since)} – {say.date(today)}"
    return Bars(tuple(drawn), round(width - 1.5, 1), ticks, (say.date(since), say.date(today)), words)


def spark(visit: Visit, used: Iterable[Used]) -> Spark | None:
    """The days of one agreement, without axes; None when nothing was called."""
    since, sums = _since(visit), Counter[int]()
    for item in used:
        sums[(_day(item) - since).days] += item.calls
    if not sums:
        return None
    most, width = max(sums.values()), SPARK_WIDTH / SPAN
    bars = []
    for slot, n in sorted(sums.items()):
        tall = max(SPARK_HEIGHT * n / most, 1.0)
        bars.append((round(slot * width, 1), round(SPARK_HEIGHT - tall, 1), round(width - 0.6, 1), round(tall, 1)))
    words = visit.speech.many("%(n)s call in a month", "%(n)s calls in a month", sum(sums.values()))
    return Spark(tuple(bars), words)


def _since(visit: Visit) -> date:
    return visit.speech.local(visit.now).date() - timedelta(days=SPAN - 1)


def _day(item: Used) -> date:
    found = item.key[0]
    return found if isinstance(found, date) else date.fromisoformat(str(found))
