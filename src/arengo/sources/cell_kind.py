# ruff: noqa: E501, RUF100 - long patterns and letters read better on one line
"""What a cell of a table that is not understood yet looks like: a number, a date, a link, a unit, a missing value."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(
    r"[(<>≤≥~]?\s*[-+−]?\s*(?:[^\W\d_]{0,3}[$€£¥₩₹₽₺₴]?\s*)?(?:\d[\d.,'’\s\u00a0\u202f]*|[.,]\d+)(?:[eE][-+]?\d+)?\s*"
    r"(?:%|‰|°C?|[$€£¥₩₹₽₺₴]|EUR|USD|[^\W\d_]{1,3}[²³23]?)?\)?"
)
_BARE_NUMBER = re.compile(
    r"\(?[-+−]?\s*[$€£¥₩₹R]{0,2}\s*(?:\d[\d.,'’\u00a0\u202f ]*|[.,]\d+)(?:[eE][-+]?\d+)?\s*[%‰€$£°]?\)?"
)
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\.?(?:[T ,]+\d{1,2}[:.h]\d{2}.*)?|\d{1,2}[:h]\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[ap]\.?m\.?)?"
    r"|\d{1,2}\.?[ -](?:de )?[^\W\d_]{3,12}\.?(?: de)?[ -]\d{2,4}.*|\d{4}年\d{1,2}月(?:\d{1,2}日)?|\d{4}[-/.]?[QqTtМ]?\d{1,2}",
    re.IGNORECASE,
)
LINK = re.compile(r"(?:https?://|www\.)\S+|[^@\s]+@[^@\s]+\.\w+", re.IGNORECASE)
_PLAIN = re.compile(r"[\w\s.'’´`\-–/()&:+#°ºª%!?*\"“”«»@=·<>\[\]³²µ]+")
_MARKER = re.compile(
    r"[-–—.:*?/\\ _#xX]{1,4}|n/?[adcrs]\.?|n\.[adcrs]\.?|s/[ndi]|#\S+|null|none|nan|\(null\)|nd|k\.?a\.?|x",
    re.IGNORECASE,
)
UNIT = re.compile(
    r"[(\[].{1,20}[)\]]|%|[€$£]|(?:k|m|c|d|µ|μ|h)?(?:m|g|l|w|wh|b|a|v|pa|hz|ha)[²³23]?(?:/\S{1,5})?|°c|°|ud\.?|uds\.?|hab\.?"
    r"|nº|n°|no\.|eur|euros?|usd|min\.?|seg\.?|horas?|hours?|años?|jahre|stück|st\.?|km/h|명|개|원|㎡|人|件|円|평|대|건",
    re.IGNORECASE,
)
YEAR = r"(?:1[89]|20|21)\d\d"
LABEL_NUMBER = re.compile(
    rf"{YEAR}(?:\s?[-/–.]\s?(?:\d{{1,2}}|{YEAR}))?(?:-\d{{2}})?|\d{{1,2}}[/.-]{YEAR}|[QqTt]?\d{{1,2}}[.ºª]?"
)


def is_typed(cell: str) -> bool:
    text = cell.strip()
    return bool(
        not text
        or _NUMBER.fullmatch(text)
        or _DATE.fullmatch(text)
        or LINK.fullmatch(text)
        or (len(text) < 80 and _PLAIN.fullmatch(text))
    )


def kind_of(cell: str) -> str:
    """e empty, n number or date, m marker of a missing value, t text."""
    text = cell.strip()
    if not text:
        return "e"
    if _BARE_NUMBER.fullmatch(text):
        return "n"
    if _DATE.fullmatch(text):
        return "n"
    if _MARKER.fullmatch(text):
        return "m"
    return "t"


def filled_cells(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if cell.strip())
