"""What a release would show of each person of the register: the stand-in where its rows are linked to nobody.

The function from a person's true value to the released one is the level of the hierarchy the release names
(privacy.md, section 3, *value mapping*). A column changed in another way than by its hierarchy cannot be stood in for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from arengo.contract.model import Kind
from arengo.contract.protection import step_name
from arengo.errors import PolicyError
from arengo.lake.layout import quote
from arengo.privacy.overlap.classes import SUBJECT, series_of
from arengo.privacy.overlap.classes import marks as marks_

if TYPE_CHECKING:
    from arengo.privacy.case import Case
    from arengo.privacy.release import Attribute, Release

_EXACT = frozenset({"keep", "level"})


def columns(case: Case, attributes: Sequence[Attribute], truth: str) -> tuple[tuple[Attribute, ...], tuple[str, ...]]:
    """(those the register tells at the released level, names of those it does not)."""
    held = _concepts(case, truth)
    good = tuple(item for item in attributes if item.concept in held and _sql(case, item))
    return good, tuple(item.column for item in attributes if item not in good)


def shown(case: Case, attributes: Sequence[Attribute], rows: str, truth: str) -> str:
    """SQL of ``_subject`` and ``c0``, ``c1``, ...: what the released columns would say of each person of the register,
    of those only whom a row may be about."""
    told = ", ".join(f"{_sql(case, item)} AS c{at}" for at, item in enumerate(attributes))
    match = " AND ".join(f"r.{quote(item.column)} IS NOT DISTINCT FROM p.c{at}" for at, item in enumerate(attributes))
    names = ", ".join(f"CAST({quote(item.column)} AS VARCHAR) AS {quote(item.column)}" for item in attributes)
    return (
        f"SELECT p.* FROM (SELECT {SUBJECT}, {told} FROM {truth}) p "
        f"SEMI JOIN (SELECT DISTINCT {names} FROM {rows}) r ON {match}"
    )


def told(case: Case, attributes: Sequence[Attribute]) -> list[str]:
    """SQL over the table of the truth of what the released columns would say of a person, of columns it tells."""
    return [_sql(case, item) for item in attributes]


def marks(case: Case, release: Release, rows: str, truth: str) -> str:
    """SQL of (``_subject``, ``code``) of an earlier release through the register; '' when it does not tell all of its
    columns, or its rows are gone."""
    if not truth or not rows:
        return ""
    ordered = sorted(release.quasi, key=lambda item: (item.concept, item.column))
    good, missing = columns(case, ordered, truth)
    if missing:
        return ""
    listed = [f"c{at}" for at in range(len(good))]
    return marks_(series_of(release), listed, f"({shown(case, good, rows, truth)})")


def _concepts(case: Case, truth: str) -> frozenset[str]:
    if not truth:
        return frozenset()
    described = case.connection.execute(f"SELECT * FROM {truth} LIMIT 0").description or ()
    return frozenset(column[0] for column in described) - {SUBJECT}


def _sql(case: Case, item: Attribute) -> str:
    """SQL over the table of the truth of what the release shows of a concept, as text; '' when that is unknown."""
    if any(step_name(step) not in _EXACT for step in item.protect):
        return ""
    kinds: Mapping[str, Kind] = getattr(case.truth, "kinds", {})
    kind = kinds.get(item.concept, item.kind)
    held = quote(item.concept)
    if kind is not Kind.STRING:
        held = f"TRY_CAST({held} AS {kind.duckdb})"
    if item.hierarchy and item.level not in ("", "0"):
        try:
            return f"CAST({case.codes.sql(item.hierarchy, item.level, held, str(kind))} AS VARCHAR)"
        except PolicyError:
            return ""
    return f"CAST({held} AS VARCHAR)"
