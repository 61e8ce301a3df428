"""The languages of the interface and the way each writes numbers and dates.

English is the source; ``translations/<language>.po`` holds the others (gettext). A catalogue is read the first
time its language is asked for, so there is nothing to compile and nothing to forget.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from arengo.contract.direction import apart

FOLDER = Path(__file__).parent / "translations"
LANGUAGES = {"en": "English", "it": "Italiano", "fr": "Français", "es": "Español", "ca": "Català", "ar": "العربية"}
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> gettext.NullTranslations:
    """Translations of one language; English is the text itself."""
    path = FOLDER / f"{language}.po"
    if language == "en" or not path.is_file():
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    packed = io.BytesIO()
    with path.open("rb") as file:
        write_mo(packed, read_po(file, locale=language))
    packed.seek(0)
    return gettext.GNUTranslations(packed)


def choose(asked: Iterable[str], accept: str, default: str) -> str:
    """The first language we have: explicit wishes, then Accept-Language (RFC 9110, 12.5.4), then the city's."""
    for wish in asked:
        found = wish.lower().split("-")[0]
        if found in LANGUAGES:
            return found
    ranked: list[tuple[float, int, str]] = []
    for position, part in enumerate(accept.split(",")[:20]):
        tag, _, rest = part.strip().partition(";")
        weight = 1.0
        if rest.strip().startswith("q="):
            try:
                weight = float(rest.strip()[2:])
            except ValueError:
                continue
        ranked.append((-weight, position, tag.strip().lower().split("-")[0]))
    for weight, _, tag in sorted(ranked):
        if weight < 0 and tag in LANGUAGES:
            return tag
    wish = default.lower().split("-")[0]
    return wish if wish in LANGUAGES else "en"


@dataclass(frozen=True, slots=True)
class Marks:
    """How a language writes numbers."""

    group: str
    decimal: str
    minus: str
    least: int  # digits before grouping starts: Spanish writes 1234 but 12.345


_LATE = frozenset({"es", "pt", "pl"})  # CLDR minimumGroupingDigits 2, which Babel does not tell


@lru_cache(maxsize=16)
def marks(language: str) -> Marks:
    from babel import Locale

    symbols = Locale.parse(language).number_symbols
    table = symbols.get("latn", symbols)
    group, decimal, minus = str(table["group"]), str(table["decimal"]), str(table["minusSign"])
    return Marks(group, decimal, minus, 5 if language in _LATE else 4)


class Speech:
    """One language: its words (``_``, ``ngettext``), numbers, dates. Cheap; one per request."""

    def __init__(self, language: str, zone: str = "UTC", country: str = "") -> None:
        self.language = language
        self.country = country.upper()
        self.direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
        self.words = catalogue(language)
        try:
            self.zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            self.zone = ZoneInfo("UTC")

    @property
    def locale(self) -> str:
        """Babel's name; English outside the United States writes the day before the month."""
        return "en_GB" if self.language == "en" and self.country != "US" else self.language

    def _(self, message: str, **values: Any) -> str:
        """A sentence with its values, each of them apart (:mod:`arengo.contract.direction`)."""
        said = self.words.gettext(message)
        return said % self.apart(values) if values else said

    def many(self, one: str, several: str, n: int, **values: Any) -> str:
        """Plural form for ``n``; ``%(n)s`` in the text is the number as the language writes it."""
        said = self.words.ngettext(one, several, n)
        return said % {"n": self.number(n), **self.apart(values)}

    def apart(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values as they may stand in a sentence: what runs the other way, or tries to turn it, is isolated."""
        rtl = self.direction == "rtl"
        return {name: apart(value, rtl) if isinstance(value, str) else value for name, value in values.items()}

    def number(self, value: float | int | None, decimals: int | None = None, group: bool = True) -> str:
        """A number with the language's separators. ``decimals``: exactly so many; None: as many as it has, up to 6."""
        if value is None:
            return "–"
        if isinstance(value, float) and value != value:
            return "NaN"
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            return "∞" if value > 0 else "-∞"
        sign = marks(self.language)
        if isinstance(value, int):
            plain = f"{abs(value)}" if not decimals else f"{abs(value)}.{'0' * decimals}"
        elif decimals is None:
            plain = f"{abs(value):.6f}".rstrip("0").rstrip(".")
            if plain == "0" and value:
                plain = f"{abs(value):.3g}"
        else:
            plain = f"{abs(value):.{decimals}f}"
        whole, _, rest = plain.partition(".")
        if group and whole.isdigit() and len(whole) >= sign.least:
            whole = f"{int(whole):,}".replace(",", sign.group)
        out = f"{whole}{sign.decimal}{rest}" if rest else whole
        return f"{sign.minus}{out}" if value < 0 else out

    def tongue(self, code: str) -> str:
        """What a language is called in this one: "in English" is marked so where a text was not translated."""
        from babel import Locale, UnknownLocaleError

        try:
            name = Locale.parse(code.replace("-", "_")).get_display_name(self.locale)
        except (ValueError, UnknownLocaleError):
            name = None
        return name or code

    def percent(self, share: float, decimals: int = 1) -> str:
        from babel.numbers import format_percent

        pattern = "#,##0." + "0" * decimals + "%" if decimals else None
        said = (
            format_percent(share, locale=self.locale)
            if pattern is None
            else format_percent(share, pattern, self.locale)
        )
        return str(said)

    def size(self, count: int) -> str:
        """Bytes in decimal units, as download pages of public bodies give them."""
        for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
            if count >= step:
                return f"{self.number(count / step, 1)} {unit}"
        return f"{self.number(count)} B"

    def date(self, value: date | datetime | None, style: str = "medium") -> str:
        if value is None:
            return "–"
        if isinstance(value, datetime):
            value = self.local(value)
        return _date(value.date() if isinstance(value, datetime) else value, style, self.locale)

    def moment(self, value: datetime | None) -> str:
        """Date and time in the city's zone, to the minute."""
        if value is None:
            return "–"
        here = self.local(value)
        return f"{_date(here.date(), 'medium', self.locale)}, {here:%H:%M}"

    def clock(self, value: time) -> str:
        return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"

    def local(self, value: datetime) -> datetime:
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(self.zone)

    def duration(self, seconds: float | None) -> str:
        if seconds is None:
            return "–"
        if seconds < 60:
            return self._("%(n)s s", n=self.number(seconds, 1 if seconds >= 0.1 else 2))
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return self._("%(m)s min %(s)s s", m=minutes, s=rest)
        return self._("%(h)s h %(m)s min", h=minutes // 60, m=minutes % 60)

    def vega(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Locale definitions of d3-format and d3-time-format for charts."""
        from babel.dates import get_day_names, get_month_names, get_period_names

        sign = marks(self.language)
        months = [str(get_month_names("wide", locale=self.locale)[n]) for n in range(1, 13)]
        short = [str(get_month_names("abbreviated", "stand-alone", self.locale)[n]) for n in range(1, 13)]
        order = (6, 0, 1, 2, 3, 4, 5)
        days = [str(get_day_names("wide", locale=self.locale)[n]) for n in order]
        periods = get_period_names(locale=self.locale)
        number = {"decimal": sign.decimal, "thousands": sign.group, "grouping": [3], "currency": ["", ""]}
        times = {
            "dateTime": "%x, %X",
            "date": "%d/%m/%Y",
            "time": "%H:%M:%S",
            "periods": [str(periods.get("am", "AM")), str(periods.get("pm", "PM"))],
            "days": days,
            "shortDays": [str(get_day_names("abbreviated", "stand-alone", self.locale)[n]) for n in order],
            "months": months,
            "shortMonths": short,
        }
        return number, times


@lru_cache(maxsize=4096)
def _date(value: date, style: str, locale: str) -> str:
    from babel.dates import format_date

    return str(format_date(value, style, locale))
