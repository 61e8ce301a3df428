# ruff: noqa: E501, SIM905, RUF100 - long patterns read better on one line
"""Dates and times as people write them, and the order of day and month decided over the whole column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from arengo.contract import digits

MONTH_FIRST = frozenset({"US", "PH", "FM", "PW", "GU", "AS", "VI", "PR"})
_EN_SHORT = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_EN_LONG = """
    january february march april may june july august september october november december
    """.split()
_TIME = (
    r"(?P<H>\d{1,2})(?P<hs>[:.h])(?P<M>\d{2})(?:(?P=hs)(?P<S>\d{2})(?P<f>[.,]\d{1,9})?)?"
    r"(?P<ap>\s?[AaPp]\.?\s?[Mm]\b\.?)?(?P<zs>\s?)(?P<z>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
)
_MONTH = r"[^\W\d_]{3,12}"
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(rf"{body}(?:(?P<ts>[T ]|, ?| - |\s{{1,3}}|T ){_TIME})?", re.IGNORECASE))
    for name, body in (
        ("ymd", r"(?P<Y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"),
        ("abY", r"(?P<a>\d{1,2})(?P<s>[-/.]|\. )(?P<b>\d{1,2})(?P=s)(?P<Y>\d{4})"),
        ("aby", r"(?P<a>\d{1,2})(?P<s>[-/.])(?P<b>\d{1,2})(?P=s)(?P<y>\d{2})"),
        ("dBY", rf"(?P<d>\d{{1,2}})(?P<s>[-/. ]|\. )(?P<mon>{_MONTH})\.?(?P<s2>[-/. ]|, )(?P<Y>\d{{4}})"),
        ("dBy", rf"(?P<d>\d{{1,2}})(?P<s>[-/. ])(?P<mon>{_MONTH})\.?(?P<s2>[-/. ])(?P<y>\d{{2}})"),
        ("BdY", rf"(?P<mon>{_MONTH})\.?(?P<s>\s)(?P<d>\d{{1,2}})(?P<s2>, ?|\s)(?P<Y>\d{{4}})"),
        ("words", rf"(?P<d>\d{{1,2}})º?\.? ?(?:de |d')?(?P<mon>{_MONTH})(?: de| del)? (?P<Y>\d{{4}})"),
        ("cjk", r"(?P<Y>\d{4})年(?P<m>\d{1,2})月(?P<d>\d{1,2})日"),
        ("hangul", r"(?P<Y>\d{4})년 ?(?P<m>\d{1,2})월 ?(?P<d>\d{1,2})일"),
        ("dots", r"(?P<Y>\d{4})\. ?(?P<m>\d{1,2})\. ?(?P<d>\d{1,2})\.?"),
        ("hungarian", rf"(?P<Y>\d{{4}})\. (?P<mon>{_MONTH}) (?P<d>\d{{1,2}})\."),
    )
)  # fmt: skip
_CLOCK = re.compile(_TIME)
_COMPACT = re.compile(
    r"(?P<Y>(?:19|20)\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?:(?P<H>[01]\d|2[0-3])(?P<M>[0-5]\d)(?P<S>[0-5]\d))?"
)
PERIOD = re.compile(
    r"(?:19|20)\d\d[-/. ]?(?:[QqTtКк]\.?\s?[1-4]|[1-4]/4|[1-4][QqTt])|[QqTt][1-4][-/. ]?(?:19|20)\d\d|[1-4](?:er|e|º|ª|\.)?\s?(?:trim\w*|quart\w*|кв\w*)\.?\s?"
    r"(?:de )?(?:19|20)\d\d|(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[-/.](?:19|20)\d\d|(?:19|20)\d\d[-/–](?:(?:19|20)?\d\d)|"
    r"(?:19|20)\d\d년?\s?[1-4]?/?4?분기?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """``kind``: date, time or timestamp. ``formats``: strptime patterns, none where ISO 8601 is read by itself."""

    kind: str
    share: float
    formats: tuple[str, ...] = ()
    doubt: str = ""
    misfits: tuple[str, ...] = ()
    unreadable: str = ""  # dates, but in words the reader of sources does not know
    order: str = ""  # dm or md when the column itself tells
    zoned: bool = False


def read(
    values: Mapping[str, float], *, order: str = "", country: str = "", language: str = "", named: bool = False
) -> Reading | None:
    """The best reading of the values as dates or times; None when fewer than half are.

    ``order``: what other columns of the table say about day and month; ``named``: the column's name speaks of dates.
    """
    total = sum(values.values())
    if not total:
        return None
    if not all(map(str.isascii, values)):
        if any(map(digits.foreign, values)):
            return None
        shown = {digits.fold(text): text for text in values}
        if any(text != folded for folded, text in shown.items()):
            found = read(
                {folded: values[text] for folded, text in shown.items()},
                order=order, country=country, language=language, named=named,
            )  # fmt: skip
            return found and replace(found, misfits=tuple(shown[text] for text in found.misfits))
    probe = list(values)
    probe = probe[:: max(1, len(probe) // 40)]
    if sum(1 for text in probe if _looks_like_time(text)) < 0.4 * len(probe):
        return None
    clock = _clock(values, total)
    if clock is not None:
        return clock
    return _compact(values, total, named) or _dates(values, total, order, country, language)


def _looks_like_time(text: str) -> bool:
    if not 4 <= len(text) <= 45:
        return False
    return bool(_CLOCK.fullmatch(text) or _COMPACT.fullmatch(text)) or any(
        pattern.fullmatch(text) for _, pattern in _PATTERNS
    )


def _clock(values: Mapping[str, float], total: float) -> Reading | None:
    share, formats, lost = 0.0, Counter[str](), []
    for text, weight in values.items():
        parts = _CLOCK.fullmatch(text) if len(text) <= 22 else None
        if parts is None or not _hour_fits(parts) or parts["z"] or parts["hs"] == ".":
            lost.append(text)
            continue
        share += weight
        formats[_clock_format(parts)] += 1
    if share < 0.5 * total:
        return None
    iso = all(item in ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f") for item in formats)
    return Reading(
        "time", share / total, () if iso else tuple(item for item, _ in formats.most_common()), misfits=tuple(lost)
    )


def _hour_fits(parts: re.Match[str]) -> bool:
    hour = int(parts["H"])
    limit = 12 if parts["ap"] else 23
    return hour <= limit and int(parts["M"]) < 60 and int(parts["S"] or 0) < 60


def _clock_format(parts: re.Match[str]) -> str:
    mark = parts["hs"]
    out = ("%I" if parts["ap"] else "%H") + mark + "%M"
    if parts["S"]:
        out += mark + "%S"
    if parts["f"]:
        out += parts["f"][0] + "%f"
    if parts["ap"]:
        out += (" " if parts["ap"][0].isspace() else "") + "%p"
    if parts["z"]:
        zone = parts["z"].upper()
        out += parts["zs"] + ("%z" if zone[0] in "+-" else "%Z")
    return out


def _compact(values: Mapping[str, float], total: float, named: bool) -> Reading | None:
    """20240131 and 20240131123000: only when every value is one, and the name speaks of dates or there are many."""
    if not all(_COMPACT.fullmatch(text) for text in values):
        return None
    if not named or not all(_real(int(t[:4]), int(t[4:6]), int(t[6:8])) for t in values):
        return None
    timed = any(len(text) > 8 for text in values)
    if timed and not all(len(text) == 14 for text in values):
        return None
    return Reading("timestamp", 1.0, ("%Y%m%d%H%M%S",)) if timed else Reading("date", 1.0, ("%Y%m%d",))


def _dates(values: Mapping[str, float], total: float, order: str, country: str, language: str) -> Reading | None:
    met: list[tuple[str, float, str, re.Match[str]]] = []
    lost: list[str] = []
    for text, weight in values.items():
        name, found = "", None
        if 6 <= len(text) <= 45:
            name, found = _shape(text)
        if found is None or (found["H"] and not _hour_fits(found)):
            lost.append(text)
        else:
            met.append((text, weight, name, found))
    share = sum(item[1] for item in met)
    if share < 0.5 * total:
        return None
    decided, doubt, own = _order(met, order, country, language)
    formats: Counter[str] = Counter()
    fits = 0.0
    iso = True
    foreign = ""
    timed = zoned = False
    untimed = False
    for text, weight, name, parts in met:
        made = _format(name, parts, decided)
        if made == "":
            foreign = foreign or parts["mon"]
            continue
        if made is None:
            lost.append(text)
            continue
        fits += weight
        formats[made] += weight  # type: ignore[assignment]
        timed = timed or bool(parts["H"])
        untimed = untimed or not parts["H"]
        zoned = zoned or bool(parts["z"])
        iso = iso and name == "ymd" and parts["s"] in "-/" and _iso_time(parts)
    if foreign:
        return Reading("date", share / total, unreadable=foreign, misfits=tuple(lost))
    if not fits:
        return None
    if timed and untimed and not iso and sum(w for f, w in formats.items() if "%M" in f) < 0.02 * fits:
        doubt = doubt or "A few values carry a time of day."
    patterns = () if iso else _ordered(formats)
    return Reading("timestamp" if timed else "date", fits / total, patterns, doubt, tuple(lost), order=own, zoned=zoned)


def _iso_time(parts: re.Match[str]) -> bool:
    return not parts["H"] or (
        parts["hs"] == ":"
        and not parts["ap"]
        and len(parts["ts"]) == 1
        and parts["zs"] in ("", " ")
        and len(parts["H"]) == 2
    )


def _shape(text: str) -> tuple[str, re.Match[str] | None]:
    for name, pattern in _PATTERNS:
        found = pattern.fullmatch(text)
        if found:
            return name, found
    return "", None


def _part(parts: re.Match[str], name: str) -> str:
    return parts[name] or "" if name in parts.re.groupindex else ""


def _order(
    met: list[tuple[str, float, str, re.Match[str]]], order: str, country: str, language: str
) -> tuple[str, str, str]:
    """dm, md or ymd for dates of two small numbers; a doubt; what this column alone proves."""
    numbers = [
        (int(p["a"]), int(p["b"]), int(_part(p, "Y") or _part(p, "y")), p) for _, _, n, p in met if n in ("abY", "aby")
    ]
    if not numbers:
        return "dm", "", ""
    short = all(_part(p, "y") for *_, p in numbers)
    first_day = sum(1 for a, b, _, _ in numbers if a > 12 and b <= 12)
    second_day = sum(1 for a, b, _, _ in numbers if b > 12 and a <= 12)
    if short and any(a > 31 for a, *_ in numbers):
        return "yy", "", ""
    if first_day and not second_day:
        return "dm", "", "dm"
    if second_day and not first_day:
        return "md", "", "md"
    if first_day and second_day:
        if min(first_day, second_day) <= 0.02 * (first_day + second_day):
            return ("dm" if first_day > second_day else "md"), "", ""
        return "dm", "Some dates are day first, some month first; the latter are not readable.", ""
    if order:
        return order, "", ""
    if country:
        return (
            ("md" if country.upper() in MONTH_FIRST else "dm"),
            "No date tells which number is the day; the country decided.",
            "",
        )
    ampm = any(p["ap"] for *_, p in numbers)
    american = language == "en" and ampm
    word = "month/day" if american else "day/month"
    return ("md" if american else "dm"), f"No date tells which number is the day; {word} was assumed.", ""


def _format(name: str, parts: re.Match[str], order: str) -> str | None:
    """The strptime pattern of one date; None when it is no real date, '' when its month is a word not readable."""
    s = parts["s"] if "s" in parts.re.groupindex else ""
    groups = parts.re.groupindex
    year = int(parts["Y"]) if "Y" in groups else 2000 + int(parts["y"])
    y = "%Y" if "Y" in groups else "%y"
    month, day = 1, 1
    if name in ("ymd",):
        month, day = int(parts["m"]), int(parts["d"])
        out = f"%Y{s}%m{s}%d"
    elif name in ("abY", "aby"):
        a, b = int(parts["a"]), int(parts["b"])
        if order == "yy":
            year, month, day, out = 2000 + a, b, int(parts["y"]), f"%y{s}%m{s}%d"
        elif order == "md":
            month, day, out = a, b, f"%m{s}%d{s}{y}"
        else:
            day, month, out = a, b, f"%d{s}%m{s}{y}"
    elif name in ("cjk", "hangul", "dots"):
        month, day = int(parts["m"]), int(parts["d"])
        raw = parts.group(0)
        out = re.sub(
            r"^\d{4}(\D+)\d{1,2}(\D+)\d{1,2}(\D*).*$",
            r"%Y\1%m\2%d\3",
            raw if not parts["H"] else raw[: parts.start("ts")],
        )
    else:
        day = int(parts["d"])
        low = parts["mon"].casefold()
        if low in _EN_SHORT:
            month, sign = _EN_SHORT.index(low) + 1, "%b"
        elif low in _EN_LONG:
            month, sign = _EN_LONG.index(low) + 1, "%B"
        else:
            return ""
        if name in ("words", "hungarian"):
            return ""
        dot = "." if f"{parts['mon']}." in parts.group(0) and not s.startswith(".") else ""
        s2 = parts["s2"]
        out = f"{sign}{dot}{s}%d{s2}{y}" if name == "BdY" else f"%d{s}{sign}{dot}{s2}{y}"
    if not _real(year, month, day):
        return None
    if parts["H"]:
        out += re.sub(r"\s+", " ", parts["ts"]) + _clock_format(parts)
    return out


def _real(year: int, month: int, day: int) -> bool:
    try:
        date(max(year, 1), month, day)
    except ValueError:
        return False
    return year <= 2200  # later years are another calendar or a mark for "never"


def _ordered(formats: Counter[str]) -> tuple[str, ...]:
    """Two-digit years first (a four-digit pattern would read 20 as the year 20), then by weight."""
    return tuple(sorted(formats, key=lambda item: ("%y" not in item, -formats[item])))
