"""How long: an ISO 8601 duration, counted back from a moment with calendar years and months."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_DURATION = re.compile(
    r"P(?=.)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?"
)


@dataclass(frozen=True, slots=True)
class Period:
    """``months``: years and months together. ``rest``: weeks, days and times."""

    months: int = 0
    rest: timedelta = timedelta()

    @classmethod
    def parse(cls, text: str) -> Period | None:
        """None when the text is no ISO 8601 duration."""
        match = _DURATION.fullmatch(text.strip().upper())
        if match is None:
            return None
        years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return cls(
            years * 12 + months, timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        )

    @property
    def about(self) -> timedelta:
        """For comparing: a year is 365.2425 days."""
        return timedelta(days=self.months * 30.436875) + self.rest

    def before(self, moment: datetime) -> datetime | None:
        """The moment this much earlier; a day its month does not have is the month's last. None: before year 1."""
        total = moment.year * 12 + moment.month - 1 - self.months
        if total < 12:
            return None
        year, month = divmod(total, 12)
        day = min(moment.day, calendar.monthrange(year, month + 1)[1])
        try:
            return moment.replace(year=year, month=month + 1, day=day) - self.rest
        except OverflowError:
            return None


def versions_kept(custom: Mapping[str, Any]) -> str:
    """How long earlier versions are kept: the shorter of ``arengoRetention`` and ``arengoHistoryWindow``, or ''."""
    told = [str(custom.get(name, "")) for name in ("arengoRetention", "arengoHistoryWindow")]
    known = {text: period.about for text in told if (period := Period.parse(text)) is not None}
    return min(known, key=lambda text: known[text], default=told[0])
