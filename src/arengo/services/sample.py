"""Rows that look like a dataset's and are nobody's: made from its contract alone.

Nothing that is held goes in: neither rows nor the profile, whose extremes are somebody's values, nor what a draft may
have taken from the file: the contract's ``examples``, and the ``enum`` of columns that tell of persons. So two datasets
with equal contracts have equal samples, whatever is in them. The same contract gives the same sample.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from arengo.contract.model import Contract, Kind, Property

ROWS = 10
MOST = 100
_FORMATS: Mapping[str, str] = {
    "email": "person{n}@example.org",
    "uri": "https://example.org/{n}",
    "url": "https://example.org/{n}",
    "hostname": "host{n}.example.org",
    "ipv4": "192.0.2.{n}",
    "ipv6": "2001:db8::{n}",
}
"""Addresses that belong to nobody (RFC 2606, RFC 5737, RFC 3849)."""
_START = date(2024, 1, 1)
_LONGEST = 60
_UNKNOWN_EVERY = 7


def rows(contract: Contract, n: int = ROWS) -> tuple[tuple[Any, ...], ...]:
    """``n`` made-up rows (at most 100), a value for each column of the contract in its order; None is unknown.

    Integers, floats, booleans, texts, ISO 8601 texts for dates and times, GeoJSON for geometries.
    """
    count = min(max(n, 1), MOST)
    made = [_column(contract, item, count) for item in contract.properties]
    return tuple(zip(*made, strict=True)) if made else ()


def _column(contract: Contract, item: Property, count: int) -> list[Any]:
    seed = hashlib.blake2b(f"{contract.id}\0{item.name}\0{item.kind}".encode(), digest_size=8).digest()
    dice = random.Random(seed)  # noqa: S311 - the same rows each time are the point
    alike = _taken_together(contract, item)
    out: list[Any] = []
    for number in range(1, count + 1):
        unknown = not item.required and item.key_position < 0 and not alike and dice.randrange(_UNKNOWN_EVERY) == 0
        value = _value(contract, item, number, dice)
        out.append(None if unknown else value)
    return out


def _taken_together(contract: Contract, item: Property) -> bool:
    """Half of a place is no place."""
    geometry = contract.geometry
    return geometry is not None and item.name in (geometry.x, geometry.y, geometry.column)


def _value(contract: Contract, item: Property, n: int, dice: random.Random) -> Any:
    one_of_a_kind = item.unique or item.key_position >= 0
    if item.enum and not one_of_a_kind and not item.privacy_role:
        return dice.choice(item.enum)
    geometry = contract.geometry
    if geometry is not None and item.name in (geometry.x, geometry.y):
        return round(dice.uniform(0, 0.1), 5)
    if item.kind is Kind.BOOLEAN:
        return dice.random() < 0.5
    if item.kind in (Kind.INTEGER, Kind.NUMBER):
        return _number(item, n, dice, one_of_a_kind)
    if item.kind in (Kind.DATE, Kind.TIMESTAMP, Kind.TIME):
        return _moment(item, n, dice)
    if item.kind is Kind.GEOMETRY:
        return _place(geometry.types if geometry else (), dice)
    if item.kind is Kind.JSON:
        return [] if item.logical_type == "array" else {}
    return _text(item, n, dice, one_of_a_kind)


def _number(item: Property, n: int, dice: random.Random, unique: bool) -> int | float:
    low, high = _limit(item, "minimum", "exclusiveMinimum"), _limit(item, "maximum", "exclusiveMaximum")
    step = _plain(item.options.get("multipleOf"))
    least = low if low is not None else (0.0 if high is None else min(0.0, high - 100))
    most = high if high is not None else least + 100
    whole = item.kind is Kind.INTEGER
    if "exclusiveMinimum" in item.options:
        least += 1 if whole else (most - least) / 1000
    if "exclusiveMaximum" in item.options:
        most -= 1 if whole else (most - least) / 1000
    value = least + (n if unique else dice.random() * max(most - least, 0))
    if step and step > 0:
        value = round(value / step) * step
    if whole:
        return int(min(max(round(value), least), max(most, least + n if unique else most)))
    return round(value, 2)


def _limit(item: Property, *names: str) -> float | None:
    for name in names:
        found = _plain(item.options.get(name))
        if found is not None:
            return found
    return None


def _plain(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if abs(found) < 1e15 else None


def _moment(item: Property, n: int, dice: random.Random) -> str:
    if item.kind is Kind.TIME:
        return time(dice.randrange(24), dice.choice((0, 15, 30, 45))).isoformat()
    low, high = (_day(item.options.get(name)) for name in ("minimum", "maximum"))
    start = low or (high - timedelta(days=365) if high else _START)
    span = max((high - start).days, 0) if high else 365
    day = start + timedelta(days=dice.randint(0, span))
    if item.kind is Kind.DATE:
        return day.isoformat()
    at = datetime(day.year, day.month, day.day, dice.randrange(24), dice.choice((0, 15, 30, 45)), tzinfo=UTC)
    return at.isoformat().replace("+00:00", "Z")


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _place(types: tuple[str, ...], dice: random.Random) -> dict[str, Any]:
    """Near 0, 0 in the sea, where no city is."""
    x, y = round(dice.uniform(0, 0.1), 5), round(dice.uniform(0, 0.1), 5)
    kind = types[0] if types else "Point"
    square = [[x, y], [x + 0.001, y], [x + 0.001, y + 0.001], [x, y + 0.001], [x, y]]
    shapes: dict[str, Any] = {
        "Point": [x, y],
        "MultiPoint": [[x, y]],
        "LineString": square[:3],
        "MultiLineString": [square[:3]],
        "Polygon": [square],
        "MultiPolygon": [[square]],
    }
    kind = kind if kind in shapes else "Point"
    return {"type": kind, "coordinates": shapes[kind]}


def _text(item: Property, n: int, dice: random.Random, unique: bool) -> str:
    options = item.options
    form = str(options.get("format", "")).lower()
    if form == "uuid":
        return f"00000000-0000-4000-8000-{n:012d}"
    if form in _FORMATS:
        return _FORMATS[form].format(n=n)
    pattern = str(options.get("pattern", "") or "")
    if pattern:
        found = like(pattern, dice)
        if found is not None:
            return found
    label = item.label if len(item.label) <= 30 else item.name
    text = f"{label} {n if unique else dice.randint(1, 9)}"
    least, most = int(_plain(options.get("minLength")) or 0), int(_plain(options.get("maxLength")) or _LONGEST)
    return (
        text.ljust(min(least, _LONGEST), "x")[: max(most, 1)] if len(text) <= most else str(n)[:most].rjust(least, "x")
    )


def like(pattern: str, dice: random.Random) -> str | None:
    """A text that fits a regular expression; None for one that is too clever to be walked through."""
    from re import _constants as sign  # type: ignore[attr-defined]
    from re import _parser as parser  # type: ignore[attr-defined]

    def walk(parts: Any, depth: int) -> str:
        if depth > 20:
            raise ValueError("too deep")
        return "".join(one(operation, given, depth) for operation, given in parts)

    def one(operation: Any, given: Any, depth: int) -> str:
        if operation is sign.LITERAL:
            return chr(given)
        if operation is sign.IN:
            return pick(given)
        if operation is sign.ANY:
            return dice.choice("abcdef")
        if operation is sign.NOT_LITERAL:
            return "a" if given != ord("a") else "b"
        if operation in (sign.MAX_REPEAT, sign.MIN_REPEAT):
            least, most, inner = given
            times = dice.randint(least, min(int(most), least + 4, 60)) if int(most) > least else least
            if times > 60:
                raise ValueError("too long")
            return "".join(walk(inner, depth + 1) for _ in range(times))
        if operation is sign.SUBPATTERN:
            return walk(given[-1], depth + 1)
        if operation is sign.BRANCH:
            return walk(dice.choice(given[1]), depth + 1)
        if operation is sign.AT:
            return ""
        raise ValueError("not walked through")

    def pick(given: Any) -> str:
        if given and given[0][0] is sign.NEGATE:
            refused = re.compile("[" + "".join(_class(item, sign) for item in given[1:]) + "]")
            return next(letter for letter in "abcxyz0123 -_" if not refused.match(letter))
        kind, value = dice.choice(given)
        if kind is sign.LITERAL:
            return chr(value)
        if kind is sign.RANGE:
            return chr(dice.randint(value[0], value[1]))
        if kind is sign.CATEGORY and value is sign.CATEGORY_DIGIT:
            return dice.choice("0123456789")
        if kind is sign.CATEGORY and value is sign.CATEGORY_WORD:
            return dice.choice("abcdefghij")
        if kind is sign.CATEGORY and value is sign.CATEGORY_SPACE:
            return " "
        raise ValueError("not walked through")

    try:
        if len(pattern) > 500:
            return None
        made = walk(parser.parse(pattern), 0)
        return made if len(made) <= 200 and re.fullmatch(pattern, made) else None
    except (ValueError, re.error, StopIteration, RecursionError, OverflowError):
        return None


def _class(item: Any, sign: Any) -> str:
    kind, value = item
    if kind is sign.LITERAL:
        return re.escape(chr(value))
    if kind is sign.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    known = {sign.CATEGORY_DIGIT: r"\d", sign.CATEGORY_WORD: r"\w", sign.CATEGORY_SPACE: r"\s"}
    if kind is sign.CATEGORY and value in known:
        return known[value]
    raise ValueError("not walked through")
