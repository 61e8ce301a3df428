"""Calendar buckets as charts know them: their names, their order, and the empty ones between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from arengo.portal.language import Speech


def period(speech: Speech, at: date | datetime, bucket: str) -> str:
    """A bucket's name in words: March 2024, 12 Mar 2024, 12 Mar 2024 14:00."""
    from babel.dates import format_skeleton

    if bucket == "year":
        return str(at.year)
    if bucket == "quarter":
        return f"{at.year}-Q{(at.month - 1) // 3 + 1}"
    if bucket == "month":
        return str(format_skeleton("yMMM", at, locale=speech.locale))
    if bucket == "hour" and isinstance(at, datetime):
        return f"{speech.date(at.date())} {at:%H:%M}"
    return speech.date(at.date() if isinstance(at, datetime) else at)


def moment(value: Any, bucket: str) -> date | datetime | None:
    """The start of a bucket as the door names it (2024, 2024-03, 2024-Q1, 2024-W05, a date or a time)."""
    if isinstance(value, datetime | date):
        return value
    text = str(value)
    try:
        if bucket == "year":
            return date(int(text), 1, 1)
        if bucket == "month":
            return date(int(text[:4]), int(text[5:7]), 1)
        if bucket == "quarter":
            return date(int(text[:4]), int(text[-1]) * 3 - 2, 1)
        if bucket == "week":
            return date.fromisocalendar(int(text[:4]), int(text[-2:]), 1)
    except ValueError:
        return None
    return None


_STEP = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


def fill(
    points: Sequence[tuple[date | datetime, float | None]], bucket: str, most: int = 3000
) -> list[tuple[date | datetime, float | None]]:
    """The same points with an empty one for every bucket between that has none, so that a gap is drawn as a gap."""
    if len(points) < 2:
        return list(points)
    out: list[tuple[date | datetime, float | None]] = [points[0]]
    for at, value in points[1:]:
        expected = _after(out[-1][0], bucket)
        while expected < at and len(out) < most:
            out.append((expected, None))
            expected = _after(expected, bucket)
        out.append((at, value))
    return out


def _after(at: date | datetime, bucket: str) -> date | datetime:
    if bucket in _STEP:
        return at + _STEP[bucket]
    months = {"month": 1, "quarter": 3, "year": 12}[bucket]
    index = at.year * 12 + at.month - 1 + months
    return at.replace(year=index // 12, month=index % 12 + 1, day=1)


def stamp(at: date | datetime) -> str:
    return at.isoformat() if isinstance(at, datetime) else f"{at.isoformat()}T00:00:00"


# bucket: how a tick is written, its calendar unit, how many of the units a bucket has
TIMES = {
    "hour": ("%-d %b %H:%M", "hour", 1),
    "day": ("%-d %b %Y", "day", 1),
    "week": ("%-d %b %Y", "day", 7),
    "month": ("%b %Y", "month", 1),
    "quarter": ("%b %Y", "month", 3),
    "year": ("%Y", "year", 1),
}
_STEPS = {
    "hour": (1, 3, 6, 12, 24),
    "day": (1, 2, 7, 14),
    "month": (1, 3, 6, 12, 24, 60),
    "year": (1, 2, 5, 10, 20, 50),
}


def ticks(bucket: str, buckets: int, most: int) -> dict[str, Any]:
    """Ticks at round calendar places, at most ``most`` of them."""
    _format, unit, length = TIMES[bucket]
    size = float(length)
    step = next((step for step in _STEPS[unit] if buckets * size / step <= most), None)
    if step is None and unit == "day":  # more than a year of days: months are told apart
        unit, size = "month", size / 30.4
        step = next((step for step in _STEPS[unit] if buckets * size / step <= most), None)
    return {"interval": unit, "step": step or _STEPS[unit][-1]}


def period_word(speech: Speech, bucket: str) -> str:
    words = {
        "hour": speech._("Hour"),
        "day": speech._("Day"),
        "week": speech._("Week from"),
        "month": speech._("Month"),
        "quarter": speech._("Quarter"),
        "year": speech._("Year"),
    }
    return words[bucket]
