"""Points and spans of time in queries: RFC 3339 instants, ISO 8601 dates, ``start/end`` intervals.

A date stands for its whole day wherever it meets a timestamp: 2024-01-31 as an end includes the 31st.
All times are UTC without zone, as they are stored; a text without an offset is UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from arengo.errors import BadQuery

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_MONTH = re.compile(r"\d{4}-\d{2}\Z")
_YEAR = re.compile(r"\d{4}\Z")
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """First and last moment, both included; None is open. ``whole_days``: both ends were given as dates."""

    start: datetime | None
    end: datetime | None
    whole_days: bool = False


def read_date(text: str) -> date:
    try:
        if not _DATE.match(text):
            raise ValueError("not YYYY-MM-DD")
        return date.fromisoformat(text)
    except ValueError:
        raise BadQuery(f"{text!r} is not a date.", todo="Write YYYY-MM-DD.") from None


def read_timestamp(text: str) -> datetime:
    """An RFC 3339 date-time as UTC without zone."""
    try:
        if "T" not in text.upper() and " " not in text:
            raise ValueError("no time part")
        value = datetime.fromisoformat(text.replace("z", "Z").strip())
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return value
    except (ValueError, OverflowError):
        raise BadQuery(f"{text!r} is not a time.", todo="Write YYYY-MM-DDThh:mm:ssZ.") from None


def read(text: str) -> date | datetime:
    """A date when there is no time part, else a timestamp."""
    return read_date(text) if _DATE.match(text.strip()) else read_timestamp(text.strip())


def read_time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise BadQuery(f"{text!r} is not a time of day.", todo="Write hh:mm or hh:mm:ss.") from None


def first(value: date | datetime) -> datetime:
    """The first moment of a date or a time."""
    return value if isinstance(value, datetime) else datetime.combine(value, time.min)


def last(value: date | datetime) -> datetime:
    """The last moment (to the microsecond) of a date or a time."""
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time.max)


def next_day(value: date) -> datetime:
    try:
        return datetime.combine(value, time.min) + _DAY
    except OverflowError:
        return datetime.max


def read_span(text: str) -> Span:
    """The ``datetime`` parameter of OGC API Features (17-069r4, 7.15.4), with years, months and dates beside times."""
    head, slash, tail = text.strip().partition("/")
    start: datetime | None
    end: datetime | None
    if not slash:
        start, end = _bounds(head)
        return Span(start, end, _is_day(head))
    start = None if head in ("", "..") else _bounds(head)[0]
    end = None if tail in ("", "..") else _bounds(tail)[1]
    if start is not None and end is not None and start > end:
        raise BadQuery(f"The interval {text!r} ends before it starts.", todo="Write start/end.")
    if start is None and end is None:
        return Span(None, None, True)
    return Span(start, end, all(part in ("", "..") or _is_day(part) for part in (head, tail)))


def _is_day(text: str) -> bool:
    return bool(_DATE.match(text) or _MONTH.match(text) or _YEAR.match(text))


def _bounds(text: str) -> tuple[datetime, datetime]:
    if _YEAR.match(text):
        return first(read_date(f"{text}-01-01")), last(read_date(f"{text}-12-31"))
    if _MONTH.match(text):
        begin = read_date(f"{text}-01")
        following = (begin + timedelta(days=31)).replace(day=1) if begin.year < 9999 or begin.month < 12 else None
        return first(begin), (first(following) - _TICK if following else datetime.max)
    value = read(text)
    return first(value), last(value)
