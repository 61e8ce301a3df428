"""How number plates of vehicles are written, country by country (UNECE, *Distinguishing signs*; national decrees)."""

from __future__ import annotations

import re
from collections.abc import Sequence

PARTICULAR: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("Spanish", re.compile(r"\d{4}[- ]?[BCDFGHJKLMNPRSTVWXYZ]{3}")),
    ("Italian or French", re.compile(r"[A-HJ-NPR-TV-Z]{2}[- ]?\d{3}[- ]?[A-HJ-NPR-TV-Z]{2}")),
    ("Portuguese", re.compile(r"(?:\d{2}-[A-Z]{2}-\d{2}|[A-Z]{2}-\d{2}-[A-Z]{2}|\d{2}-\d{2}-[A-Z]{2})")),
    ("German", re.compile(r"[A-ZÄÖÜ]{1,3}[- ][A-Z]{1,2} ?\d{1,4}[EH]?")),
    ("Brazilian or Argentinian", re.compile(r"[A-Z]{3}\d[A-Z]\d{2}|[A-Z]{2}\d{3}[A-Z]{2}")),
)
"""Written so particularly that the values of a column without a telling name are evidence."""
_OTHERS = (
    r"[A-Z]{2,3} ?\d{4,5}[A-Z]?|[A-Z]{1,3} ?\d[A-Z0-9]{3,4}",  # Poland
    r"[A-Z]{1,3}-\d{2,3}-[A-Z]{1,3}|\d{1,2}-[A-Z]{2,3}-\d{1,2}|[A-Z]{2}-[A-Z]{2}-\d{2}|\d{1}-[A-Z]{3}-\d{3}",  # NL, BE
    r"[A-ZÅÄÖ]{2,3}[ -]?\d{2}[A-Z0-9]|[A-Z]{2} ?\d{2} ?\d{3}|[A-Z]{2} ?\d{5}",  # Sweden, Finland, Denmark, Norway
    r"\d[A-Z]\d ?\d{4}|\d[A-Z]{2} ?\d{4}|[A-Z]{2}[- ]?\d{3}[- ]?[A-Z]{2}",  # Czechia, Slovakia
    r"[A-Z]{1,2} ?\d{2,3} ?[A-Z]{3}|[A-Z]{3}-?\d{3}|[A-Z]{2} ?[A-Z]{2}-?\d{3}",  # Romania, Hungary, Lithuania
    r"[ΑΒΕΖΗΙΚΜΝΟΡΤΥΧA-Z]{3}[- ]?\d{4}",  # Greece
    r"[A-Z]{2}[ -]?\d{3,4}[- ]?[A-Z]{1,2}",  # Croatia, Slovenia, Serbia
    r"[A-Z]{2}\d{2} ?[A-Z]{3}|[A-Z]\d{1,3} ?[A-Z]{3}|\d{2,3}-[A-Z]{1,2}-\d{1,6}",  # Great Britain, Ireland
    r"[A-Z]{3}[- ]?\d{3,4}(?:[- ]?[A-Z])?|[A-Z]{3}-?\d{2}-?\d{2}|[A-Z]{2} ?\d{3} ?[A-Z]{2}|[A-Z]{3} ?\d[A-Z0-9]\d{2}",
    r"[A-Z]{2,4}[-· ]?\d{2}(?:[-· ]?\d{2})?|\d{3}[A-Z]{3}|[A-Z]\d{2}[A-Z0-9]-?\d{3}",  # Chile, Mexico, Peru
    r"\d{2} ?[A-Z]{1,3} ?\d{2,4}|[A-Z]{2} ?\d{4} ?[A-Z]{2}|[A-Z]{1,2}-?\d{4}-?[A-Z]{1,2}|[A-Z]-?\d{4}-?[A-Z]{2}",
)
_ANY = re.compile("|".join([*(pattern.pattern for _, pattern in PARTICULAR), *_OTHERS]))


def share(values: Sequence[str]) -> float:
    """Share of ``values`` that are written like plates of some country."""
    return sum(_ANY.fullmatch(value.strip().upper()) is not None for value in values) / len(values) if values else 0.0


def particular(values: Sequence[str]) -> tuple[str, float]:
    """The country whose particular form most of ``values`` have, and the share."""
    n = len(values) or 1
    return max(
        ((where, sum(form.fullmatch(value) is not None for value in values) / n) for where, form in PARTICULAR),
        key=lambda pair: pair[1],
    )
