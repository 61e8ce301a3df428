"""Both coordinates in one cell, as several portals export them: ``48.86, 2.27`` or ``(41.88, -87.63)``.

The reader gives such a column as it is and, beside it, its two numbers as columns of their own, so that a contract
can say where the places are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

PATTERN = r"^\s*[\[(]?\s*(?P<a>-?\d{1,3}(?:\.\d+)?)\s*[,;]\s*(?P<b>-?\d{1,3}(?:\.\d+)?)\s*[\])]?\s*$"
_PAIR = re.compile(PATTERN)


def order(values: Iterable[str | None]) -> str:
    """``lat lon`` or ``lon lat`` when every value is a pair of coordinates with fractions, '' when not."""
    first: list[float] = []
    second: list[float] = []
    fractions = 0
    for text in values:
        if not text or not text.strip():
            continue
        found = _PAIR.match(text)
        if found is None:
            return ""
        first.append(float(found["a"]))
        second.append(float(found["b"]))
        fractions += len(found["a"].partition(".")[2]) >= 2 and len(found["b"].partition(".")[2]) >= 2
    if not first or fractions < 0.9 * len(first):
        return ""
    if all(abs(value) <= 90 for value in first) and all(abs(value) <= 180 for value in second):
        return "lat lon"
    if all(abs(value) <= 180 for value in first) and all(abs(value) <= 90 for value in second):
        return "lon lat"
    return ""


def names(column: str) -> tuple[str, str]:
    """Names of the derived columns: latitude, longitude."""
    return f"{column} latitude", f"{column} longitude"


def split(text: str | None, order: str) -> tuple[str, str]:
    """Latitude and longitude of one value, '' where there is none."""
    found = _PAIR.match(text) if text else None
    if found is None:
        return "", ""
    return (found["a"], found["b"]) if order == "lat lon" else (found["b"], found["a"])


def columns(column: pa.Array, order: str) -> tuple[pa.Array, pa.Array]:
    """The same for a whole column of texts."""
    import pyarrow as pa

    pairs = [split(text, order) for text in column.to_pylist()]
    return pa.array([lat for lat, _ in pairs], pa.string()), pa.array([lon for _, lon in pairs], pa.string())


def wanted(chosen: Sequence[str], points: dict[str, str]) -> tuple[tuple[str, ...], dict[str, tuple[str, int]]]:
    """Columns to read from the text for the chosen ones, and where each derived one comes from (column, 0 or 1)."""
    derived = {name: (column, part) for column in points for part, name in enumerate(names(column))}
    read: list[str] = []
    for name in chosen:
        real = derived[name][0] if name in derived else name
        if real not in read:
            read.append(real)
    return tuple(read), {name: derived[name] for name in chosen if name in derived}
