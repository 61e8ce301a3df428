"""Names of intervals as categories: ``5–9`` before ``10–14``, and ``[0.5, 1.0)`` in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from arengo.portal.language import Speech

_NAME = re.compile(r"(?P<mark>\[|< |>= )?(?P<low>-?\d+(?:\.\d+)?)(?:(?:–|, )(?P<high>-?\d+(?:\.\d+)?)(?P<end>\))?)?")


def place(name: str) -> float | None:
    """The number a name of an interval stands at, None when it is no such name."""
    met = _NAME.fullmatch(name)
    if met is None:
        return None
    return float(met["low"]) - (0.5 if met["mark"] == "< " else 0)


def all_ranges(values: Iterable[Any]) -> bool:
    """Whether values are names of intervals, unknown ones and ``*`` aside, and more than one. Codes and years are
    none: one of the names at least has two ends or a sign."""
    told = [value for value in values if value is not None and value != "*"]
    met = [_NAME.fullmatch(value) if isinstance(value, str) else None for value in told]
    return len(met) > 1 and all(met) and any(item["high"] or item["mark"] for item in met if item)


def order(value: Any) -> tuple[int, float]:
    """A key by which they stand in the order of numbers, ``*`` and unknown last."""
    found = place(value) if isinstance(value, str) else None
    return (1, 0.0) if found is None else (0, found)


def words(s: Speech, name: str) -> str:
    """An interval in words where its name is a sign: ``[0.5, 1.0)`` is *0.5 to under 1.0*; else the name."""
    met = _NAME.fullmatch(name)
    if met is None:
        return name
    if met["end"]:
        return s._("%(low)s to under %(high)s", low=met["low"], high=met["high"])
    if met["mark"] == "< ":
        return s._("under %(high)s", high=met["low"])
    if met["mark"] == ">= ":
        return s._("%(low)s and more", low=met["low"])
    return name
