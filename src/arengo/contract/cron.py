"""Cron lines of five fields, checked: minute, hour, day of month, month, day of week."""

from __future__ import annotations

import re

_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day of the week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_PART = re.compile(r"(\*|[0-9]+|[a-z]{3})(?:-([0-9]+|[a-z]{3}))?(?:/([0-9]+))?")


def complaint(line: str) -> str:
    """What is wrong with a cron line, in one sentence; '' when nothing is."""
    parts = line.lower().split()
    if len(parts) != len(_FIELDS):
        return f"A cron line has five fields (minute, hour, day, month, weekday); this one has {len(parts)}."
    for text, (name, low, high, words) in zip(parts, _FIELDS, strict=True):
        for part in text.split(","):
            match = _PART.fullmatch(part)
            if not match:
                return f"The {name} is {text!r}, which cannot be read."
            first, last, step = match.groups()
            if first == "*" and last:
                return f"The {name} is {text!r}, which cannot be read."
            bounds = [_number(word, words) for word in (first, last) if word and word != "*"]
            if any(value is None or not low <= value <= high for value in bounds):
                return f"The {name} is {text!r}; it goes from {low} to {high}."
            if len(bounds) == 2 and (bounds[0] or 0) > (bounds[1] or 0):
                return f"The {name} is {text!r}, which ends before it begins."
            if step is not None and not 1 <= int(step) <= high:
                return f"The {name} is {text!r}, whose step is not between 1 and {high}."
    return ""


def _number(word: str, words: tuple[str, ...]) -> int | None:
    if word.isdigit():
        return int(word)
    return words.index(word) + (1 if len(words) == 12 else 0) if word in words else None
