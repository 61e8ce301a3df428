# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Numbers as people write them: decimal comma, thousands marks, currency and per cent signs, units, micro-degrees."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from arengo.contract import digits as scripts

COMMA_LANGUAGES = frozenset(
    """
    es fr it de pt ca nl pl cs sk hu ro hr sl sr sv da no fi et lt lv tr el ru uk bg id vi eu gl be mk sq az kk
    is
    """.split()
)
DOT_COUNTRIES = frozenset(
    """
    MX GT SV HN NI PA DO PR PE US GB IE AU NZ CA IN CN JP KR TW HK SG MY PH TH KE NG GH UG TZ CH LI IL EG
    """.split()
)
CURRENCY: dict[str, str] = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "$": "", "us$": "USD", "usd": "USD", "£": "GBP", "gbp": "GBP", "¥": "JPY",
    "円": "JPY", "元": "CNY", "₩": "KRW", "원": "KRW", "r$": "BRL", "brl": "BRL", "zł": "PLN", "zl": "PLN", "pln": "PLN", "kč": "CZK",
    "kc": "CZK", "czk": "CZK", "ft": "HUF", "huf": "HUF", "lei": "RON", "ron": "RON", "лв": "BGN", "лв.": "BGN", "kr": "", "kr.": "",
    "sek": "SEK", "nok": "NOK", "dkk": "DKK", "chf": "CHF", "fr.": "CHF", "₽": "RUB", "руб": "RUB", "руб.": "RUB", "₴": "UAH",
    "грн": "UAH", "грн.": "UAH", "₺": "TRY", "tl": "TRY", "₹": "INR", "rs": "", "rs.": "", "s/": "PEN", "s/.": "PEN", "bs": "BOB",
    "bs.": "BOB", "cop": "COP", "mxn": "MXN", "clp": "CLP", "ars": "ARS", "uyu": "UYU", "pen": "PEN", "fcfa": "XOF", "f cfa": "XOF",
    "xof": "XOF", "xaf": "XAF", "ksh": "KES", "kes": "KES", "₦": "NGN", "ghs": "GHS", "gh₵": "GHS", "zar": "ZAR", "r": "ZAR",
    "dh": "MAD", "mad": "MAD", "da": "DZD", "dt": "TND", "egp": "EGP", "₪": "ILS", "aed": "AED", "sar": "SAR", "nt$": "TWD", "hk$": "HKD",
    "a$": "AUD", "c$": "CAD", "rp": "IDR", "idr": "IDR", "₫": "VND", "đ": "VND", "฿": "THB", "₱": "PHP",
}  # fmt: skip
UNITS = frozenset(
    """
    % ‰ m km cm mm m2 m² km2 km² ha m3 m³ l kg g t mg µg ug kw kwh mw mwh gwh w wh v a h min s ms km/h m/s °c °f
    ° c° db db(a) dba hpa mbar ppm ppb µg/m3 µg/m³ ug/m3 mg/l mg/m3 l/s m3/s nº hab hab. hab/km2 hab./km² inh.
    kg/hab mi ft sqm sq.m. sqft acres ac años anos ans jahre years kb mb gb fte etp명 명 개 원 ㎡ ㎢ 대 건 세대
    가구 人 件 台 世帯 m.s.n.m. msnm pcs szt szt. ks db. stk st. stück
    """.split()
)
_SPACE = "\u00a0\u202f\u2009 "
_CORE = re.compile(
    r"(?P<sign>[-+−]?)\s*(?P<pre>[^\d\s.,+\-−(][^\d.,+\-−]{0,5}?|)\s*(?P<sign2>[-+−]?)\s*"
    r"(?P<num>\d[\d.,'’\s]*|[.,]\d+)(?P<exp>[eE][-+]?\d{1,3})?\s*(?P<post>[^\d]*)"
)


_SIMPLE = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d+(?:[eE][-+]?\d{1,3})?)?")


def _dots_may_group(values: Mapping[str, float]) -> bool:
    """Every fraction has three digits: the dot may be a thousands mark."""
    return any("." in text for text in values) and all(re.search(r"\.\d{3}$", text) for text in values if "." in text)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a column of numbers is written. ``whole``: no value has a fraction. ``share``: weight that fits."""

    share: float
    whole: bool
    decimal: str = "."
    thousands: str = ""
    strip: tuple[str, ...] = ()
    unit: str = ""
    padded: float = 0.0  # share of whole numbers with leading zeros
    zero_fraction: bool = False  # 12.0: whole numbers written as fractions
    ambiguous: str = ""
    misfits: tuple[str, ...] = ()
    longest: int = 0


@dataclass(frozen=True, slots=True)
class Habit:
    """How numbers are written in this table: what other columns and the language say. '' when nothing does."""

    decimal: str = ""
    language: str = ""
    country: str = ""
    counts: bool = False  # the column's name speaks of a number of things

    @property
    def comma(self) -> bool:
        if self.decimal:
            return self.decimal == ","
        if self.country.upper() in DOT_COUNTRIES:
            return False
        return self.language in COMMA_LANGUAGES


def habit(columns: Iterable[Mapping[str, float]], language: str, country: str, delimiter: str = "") -> Habit:
    """Votes of all columns: fractions that can only be read one way."""
    votes: Counter[str] = Counter()
    for values in columns:
        mine: Counter[str] = Counter()
        for text in list(values)[:400]:
            if re.fullmatch(r"[-+−]?\d{1,3}(?:[.\s\u00a0\u202f'’]\d{3})*,(?:\d{1,2}|\d{4,})\s*\D{0,3}", text):
                mine[","] += 1
            elif re.fullmatch(
                r"[-+−]?\d{1,3}(?:[,\s\u00a0\u202f'’]\d{3})*\.(?:\d{1,2}|\d{4,})\s*\D{0,3}", text
            ) or re.fullmatch(r"[-+−]?\d+\.(?:\d{1,2}|\d{4,})", text):
                mine["."] += 1
            elif re.fullmatch(r"[-+−]?\d+,(?:\d{1,2}|\d{4,})", text):
                mine[","] += 1
        if mine and mine.most_common(1)[0][1] >= 0.8 * mine.total():
            votes[mine.most_common(1)[0][0]] += 1
    if votes:
        (best, n), *rest = votes.most_common(2)
        if not rest or n > rest[0][1]:
            return Habit(best, language, country)
    return (
        Habit(",", language, country)
        if delimiter == ";" and language in COMMA_LANGUAGES
        else Habit("", language, country)
    )


def read(values: Mapping[str, float], habit: Habit) -> Reading | None:
    """The best reading of the values as numbers, None when fewer than half are."""
    total = sum(values.values())
    if not total:
        return None
    if not all(map(str.isascii, values)):
        shown = {scripts.fold(text, number=True): text for text in values}
        if any(map(scripts.foreign, values)):
            return None
        if len(shown) != len(values) or any(text != folded for folded, text in shown.items()):
            return _folded(values, habit, shown)
    cores: list[tuple[str, str, str, float, bool]] = []  # text, number, affix, weight, exponent
    affixes: Counter[str] = Counter()
    lost: list[str] = []
    simple = _SIMPLE.fullmatch
    plain_share, plain_whole, plain_longest, plain_zero = 0.0, True, 0, True
    for text, weight in values.items():
        found = simple(text)
        if found is not None and len(text) <= 25:
            plain_share += weight
            if found[2]:
                plain_whole = False
                plain_zero = plain_zero and found[2] in (".0", ".00")
            plain_longest = max(plain_longest, len(found[1]))
    if plain_share >= 0.999999 * total and not (habit.comma and _dots_may_group(values)):
        return Reading(1.0, plain_whole, zero_fraction=not plain_whole and plain_zero, longest=plain_longest)
    for text, weight in values.items():
        parts = _CORE.fullmatch(text) if len(text) <= 40 else None
        if parts is None:
            lost.append(text)
            continue
        pre, post = parts["pre"].strip(), parts["post"].strip()
        if any(not _affix(part) for part in (pre, post) if part) or (pre and post):
            lost.append(text)
            continue
        if pre or post:
            affixes[pre or post] += weight  # type: ignore[assignment]
        cores.append((text, parts["num"].strip(), pre or post, weight, bool(parts["exp"])))
    if not cores or sum(item[3] for item in cores) < 0.5 * total:
        return None
    if len({_unit_of(affix) for affix in affixes}) > 1:
        main = affixes.most_common(1)[0][0]
        lost += [item[0] for item in cores if item[2] and _unit_of(item[2]) != _unit_of(main)]
        cores = [item for item in cores if not item[2] or _unit_of(item[2]) == _unit_of(main)]
    decimal, thousands, ambiguous = _marks([(num, weight) for _, num, _, weight, _ in cores], habit)
    pattern = _pattern(decimal, thousands)
    share, whole, padded, longest = 0.0, True, 0.0, 0
    fractions: set[str] = set()
    for text, num, _, weight, exponent in cores:
        if not pattern.fullmatch(num):
            lost.append(text)
            continue
        share += weight
        before, mark, after = num.partition(decimal)
        digits = re.sub(r"\D", "", before)
        longest = max(longest, len(digits.lstrip("0")))
        if mark or exponent:
            whole = False
            fractions.add(after)
        elif len(digits) > 1 and digits.startswith("0"):
            padded += weight
    zero = not whole and bool(fractions) and fractions <= {"0", "00", ""}
    unit = ""
    if affixes:
        unit = _unit_of(affixes.most_common(1)[0][0])
    return Reading(
        share=share / total,
        whole=whole,
        decimal=decimal if not whole or thousands else ".",
        thousands=thousands,
        strip=tuple(sorted(affixes)),
        unit=unit,
        padded=padded / total,
        zero_fraction=zero,
        ambiguous=ambiguous,
        misfits=tuple(lost),
        longest=longest,
    )


def _folded(values: Mapping[str, float], habit: Habit, shown: Mapping[str, str]) -> Reading | None:
    """The reading of numbers in digits of another script; its misfits are the texts of the source."""
    marks = any(scripts.DECIMAL in text or scripts.THOUSANDS in text for text in values)
    weights: Counter[str] = Counter()
    for text, weight in values.items():
        weights[scripts.fold(text, number=True)] += weight  # type: ignore[assignment]
    found = read(weights, replace(habit, decimal=".") if marks else habit)
    if found is None:
        return None
    if marks and found.thousands != "," and any(scripts.THOUSANDS in text for text in values):
        found = replace(found, decimal=".", thousands=",", whole=not any("." in text for text in weights))
    return replace(
        found, misfits=tuple(shown[text] for text in found.misfits), ambiguous="" if marks else found.ambiguous
    )


def _affix(text: str) -> bool:
    low = text.casefold()
    if len(text) == 1 and text.isalpha() and text.isascii():
        return text == "m"
    return low in CURRENCY or low in UNITS or low.replace(" ", "") in UNITS


def _unit_of(text: str) -> str:
    low = text.casefold()
    return CURRENCY.get(low) or text.strip()


def _group(thousands: str) -> str:
    if thousands == " ":
        return rf"[{_SPACE}]"
    return "['’]" if thousands in "'’" else re.escape(thousands)


def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    mark = re.escape(decimal)
    if not thousands:
        return re.compile(rf"\d+(?:{mark}\d*)?|{mark}\d+")
    group = _group(thousands)
    return re.compile(rf"\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}}(?:{mark}\d*)?|\d*(?:{mark}\d*)?")


def _marks(numbers: list[tuple[str, float]], habit: Habit) -> tuple[str, str, str]:
    """Decimal mark, thousands mark, and a sentence when the column alone does not tell."""
    seen: Counter[str] = Counter()
    for num, weight in numbers:
        for char in set(re.sub(r"\d", "", num)):
            seen["'" if char in "'’" else " " if char.isspace() else char] += weight  # type: ignore[assignment]
    if not seen:
        return (".", "", "")
    if set(seen) <= {"."}:
        return _single(numbers, ".", habit)
    if set(seen) <= {","}:
        return _single(numbers, ",", habit)
    options = [(".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"), (".", ""), (",", "")]
    best, best_score = (".", ""), -1.0
    for decimal, thousands in options:
        pattern = _pattern(decimal, thousands)
        score = sum(weight for num, weight in numbers if pattern.fullmatch(num))
        score *= 1.0 if not thousands or seen.get(thousands) else 0.5
        if decimal == ("," if habit.comma else "."):
            score *= 1.0001
        if score > best_score:
            best, best_score = (decimal, thousands), score
    if best[1] == " " and not any(char in seen for char in ".,"):
        return (",", " ", "") if habit.comma else (".", " ", "")
    return (*best, "")


def _single(numbers: list[tuple[str, float]], mark: str, habit: Habit) -> tuple[str, str, str]:
    """Only dots, or only commas: a decimal or a thousands mark?"""
    marked = [num for num, _ in numbers if mark in num]
    bare = [num for num, _ in numbers if mark not in num]
    other = "," if mark == "." else "."
    grouped = [num for num in marked if re.fullmatch(rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+", num)]
    lakh = [
        num for num in marked if re.fullmatch(rf"\d{{1,2}}(?:{re.escape(mark)}\d{{2}})+{re.escape(mark)}\d{{3}}", num)
    ]
    several = [num for num in marked if num.count(mark) > 1]
    if len(grouped) + len(lakh) >= 0.9 * len(marked) and several:
        return (other, mark, "")
    if len(grouped) < len(marked):
        return (mark, "", "")
    if any(len(num) >= 4 for num in bare):
        return (mark, "", "")  # 1234 beside 1,234: the mark is no thousands mark
    natural = mark == ("." if habit.comma else ",")  # this mark groups thousands here
    hundreds = any(len(num) == 3 for num in bare)
    if mark == "," and (hundreds or natural or habit.counts):
        sure = (hundreds or habit.counts) and natural
        return (other, mark, "" if sure else "Commas were read as thousands marks, not as decimal commas.")
    if mark == "." and habit.counts:
        return (
            other,
            mark,
            "" if natural else "Dots were read as thousands marks: the name speaks of a number of things.",
        )
    if mark == "." and natural and (hundreds or len(bare) >= 3):
        return (
            other,
            mark,
            "" if habit.decimal == "," else "Dots were read as thousands marks, not as decimal points.",
        )
    if mark == "." and natural and habit.decimal == "," and len(marked) >= 3:
        return (other, mark, "Dots were read as thousands marks, since other columns have decimal commas.")
    if mark == "." and natural and not habit.decimal and len(marked) >= 8:
        return (other, mark, "Dots were read as thousands marks, not as decimal points.")
    if mark == ",":
        return (mark, "", "Commas were read as decimal commas; they may be thousands marks.")
    return (mark, "", "")


def to_float(text: str, reading: Reading) -> float | None:
    """The number a text stands for under a reading."""
    text = scripts.fold(text, number=True)
    if not reading.thousands and _SIMPLE.fullmatch(text):
        return float(text)
    parts = _CORE.fullmatch(text)
    if parts is None:
        return None
    num = parts["num"].strip()
    if reading.thousands:
        num = re.sub(_group(reading.thousands), "", num)
    num = num.replace(reading.decimal, ".") if reading.decimal != "." else num
    try:
        value = float(re.sub(r"\s", "", num) + (parts["exp"] or ""))
    except ValueError:
        return None
    return -value if "-" in parts["sign"] + parts["sign2"] or "−" in parts["sign"] + parts["sign2"] else value


SENTINELS = frozenset(
    float(text)
    for text in """
    -1 -9 -99 -999 -9999 -99999 -999999 -8888 -888 999 9999 99999 999999 9999999 99999999 -32768 888888
    """.split()
)


def sentinels(values: Mapping[str, float], reading: Reading) -> list[str]:
    """Texts such as 99999 or -9999 that stand far out of a column of measurements and come again and again."""
    read_values = [
        (text, weight, number) for text, weight in values.items() if (number := to_float(text, reading)) is not None
    ]
    out: list[str] = []
    candidates = [item for item in read_values if item[2] in SENTINELS]
    if not candidates or len(read_values) < 8:
        return out
    for text, weight, number in candidates:
        rest = [other for _, _, other in read_values if other not in SENTINELS]
        if len(rest) < 6:
            continue
        low, high = min(rest), max(rest)
        if number < 0:
            far = (low >= 0 and number < -1) or (low < 0 and number < 5 * low - 10)
            often = weight >= 2 or number <= -999
        else:
            far = high > 0 and number >= 3 * high and number >= 999
            often = weight >= 2
        if far and often:
            out.append(text)
    return out
