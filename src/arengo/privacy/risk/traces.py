"""Rows that say where or with what somebody was, again and again: the part of step 5 that needs no second release.

Cases: the taxi trips of New York (a sighting at a pick-up leads to the trip), Netflix (ratings give or take 14 days),
search words of one user (privacy.md, section 3, acceptance tests 3 to 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import Frozen, Kind
from arengo.lake.layout import quote
from arengo.privacy.finding import Finding
from arengo.privacy.mask import derive
from arengo.privacy.risk.trajectory import Points, Unicity, rare_sets, unicity
from arengo.privacy.sketch import LOOKED

if TYPE_CHECKING:
    from arengo.privacy.case import Case
from arengo.privacy.release import Attribute

SUBJECT = "_subject"
DAYS, MINUTES, METRES = 14, 15, 100
"""How wrong an attacker may be: days of a date, minutes of a moment, metres of a coordinate."""
_ABOUT = 1.5
"""How far the number of different values of a column may be off, at the very most, where it is estimated."""
ROWS = 20_000_000
"""Rows that are looked at; of more, the persons are drawn until there are about so many rows."""
ROUNDED = {"latitude", "longitude", "lat", "lon", "lng"}
_DEGREE = 111_320  # metres
_FEW = 2  # persons, below which nobody can hide anyway
DOOR = 8
"""Letters and digits of a house number, at most: a column of addresses that has no more names nobody by itself."""


TRACE, HIDDEN, SIGHTING = "trace", "hidden", "sighting"
"""Kinds: readers can tell whose rows belong together; only the city can; every row by itself."""
_CODES = {TRACE: "linkage-trace", HIDDEN: "linkage-hidden-trace", SIGHTING: "linkage-sighting"}


@dataclass(frozen=True, slots=True)
class Trace:
    """``person``: SQL that tells whose row it is. ``columns``: of a point; ``moment``: the one of its time, if any."""

    person: str
    columns: tuple[Attribute, ...]
    moment: Attribute | None
    kind: str


def look(case: Case) -> tuple[list[Finding], dict[str, Any]]:
    """Findings ``linkage-trace``, ``-hidden-trace``, ``-sighting`` and ``-sets``; ``measured``: ``traces``, a list of
    what was tried, each ``kind``, ``columns``, ``subjects``, ``points`` and ``unicity`` (points known -> ``unique`` of
    ``looked``, ``share``); ``sets`` of lists of items.
    """
    findings: list[Finding] = []
    tried = []
    for held in traces(case):
        try:
            found, told = _tried(case, held)
        except OverflowError as error:
            facts = Frozen(what="Whether points tell people apart", why=str(error))
            found, told = [Finding("not-looked", "review", facts, _names(held))], {}
        findings += found
        tried.append({"kind": held.kind, "columns": list(_names(held)), **told})
    return findings, {"traces": tried} if tried else {}


def _tried(case: Case, held: Trace) -> tuple[list[Finding], dict[str, Any]]:
    points = _points(case, held)
    numbers = (1,) if held.kind == SIGHTING else (2, 3, 4)
    seed = int.from_bytes(derive(case.secret, "unicity", case.release.dataset)[:8], "big")
    told = unicity(points, numbers, tolerance=_tolerance(held.moment), seed=seed)
    measured: dict[str, Any] = {
        "subjects": points.subjects, "points": len(points.subject),
        "unicity": {str(item.points): {"unique": item.unique, "looked": item.looked, "share": round(item.share, 6)}
                    for item in told},
    }  # fmt: skip
    findings = _found(case, held, told)
    if held.kind == TRACE and held.moment is None:
        findings += _sets(case, held, points, measured)
    return findings, measured


def _found(case: Case, held: Trace, told: Sequence[Unicity]) -> list[Finding]:
    most = case.target.suppression
    if not any(item.unique for item in told):
        return []
    many = next((item for item in told if item.share > most), None)
    # What is said is the fewest points that are already too many.
    first = many or next(item for item in told if item.unique)
    facts = Frozen(points=first.points, share=round(100 * first.share, 1), looked=first.looked)
    outcome = "block" if many else "repair"
    if held.kind == HIDDEN:
        if not many:
            return []
        outcome = "review"
    return [Finding(_CODES[held.kind], outcome, facts, _names(held), people=first.unique)]


def _sets(case: Case, held: Trace, points: Points, measured: dict[str, Any]) -> list[Finding]:
    """k^m for lists of items without time: a pair of them that few have."""
    told = rare_sets(points.subject, points.key, case.target.k, 2)
    measured["sets"] = [{"items": item.items, "sets": item.sets, "rare": item.rare, "people": item.people}
                        for item in told]  # fmt: skip
    first = next((item for item in told if item.rare), None)
    if first is None:
        return []
    facts = Frozen(items=first.items, k=case.target.k)
    return [Finding("linkage-sets", "repair", facts, _names(held), people=first.people)]


# What a point is


def traces(case: Case) -> list[Trace]:
    """How the rows of the candidate follow people."""
    quasi = [item for item in case.release.quasi if item.kind is not Kind.JSON]
    out = []
    person, kind = _person(case)
    if quasi and person:
        varying = _varying(case, person, quasi)
        if varying:
            out.append(Trace(person, varying, _moment(varying), kind))
    # A moment together with a place or thing is a sighting, whoever's the other rows are.
    moment = _moment(quasi)
    if moment is not None and moment.kind is Kind.TIMESTAMP and len(quasi) > 1 and kind != TRACE:
        out.append(Trace("", tuple(quasi), moment, SIGHTING))
    return out


def _person(case: Case) -> tuple[str, str]:
    """SQL that tells whose row it is: a released pseudonym or id that occurs several times, or a column that is the
    same as the city's number but for its name; else that number itself, which is hidden from readers."""
    release = case.release
    there = {item.column for item in release.attributes}
    named = [name for name in release.pseudonyms if name in there]
    named += [item.column for item in release.of_role("identifier") if not _door(case, item.column)]
    hidden = _several(case, SUBJECT)
    if hidden:
        others = [item for item in release.attributes if item.role == "" and _may_be(case, item)]
        named += [item.column for item in others if _same(case, item.column)]
    for name in dict.fromkeys(named):
        if _several(case, quote(name)):
            return quote(name), TRACE
    return (SUBJECT, HIDDEN) if hidden else ("", "")


def _door(case: Case, name: str) -> bool:
    """Whether a column of addresses holds bare house numbers: half the streets have a number 12."""
    column = case.contract.column(name)
    if column is None or column.protect or column.custom.get("arengoPersonalKind") != "address":
        return False
    row = case.connection.execute(f"SELECT max(length(CAST({quote(name)} AS VARCHAR))) FROM {case.table}").fetchone()
    return row is not None and int(row[0] or 0) <= DOOR


def _source(case: Case, person: str) -> str:
    """Where the points of persons are read: what is told of them where their numbers are the city's own."""
    return case.about if person == SUBJECT else case.table


def _several(case: Case, sql: str) -> bool:
    if sql == SUBJECT:
        return case.reckoned().persons().several
    row = case.connection.execute(f"SELECT count({sql}) > count(DISTINCT {sql}) FROM {case.table}").fetchone()
    return bool(row and row[0])


def _may_be(case: Case, item: Attribute) -> bool:
    """Whether a column has about as many values as there are persons in the rows that have one."""
    if item.kind not in LOOKED:
        return True
    reckoning = case.reckoned()
    held, people = reckoning.columns([(item.column, item.kind)])[item.column], reckoning.persons()
    values = len(held.texts) / held.share
    least = people.persons - (people.rows - held.filled)
    return least / _ABOUT <= values <= people.persons * _ABOUT


def _same(case: Case, name: str) -> bool:
    """Whether a column tells persons apart exactly as their numbers do."""
    row = case.connection.execute(
        f"SELECT count(*), count(DISTINCT {SUBJECT}), count(DISTINCT held) FROM "
        f"(SELECT DISTINCT {SUBJECT}, CAST({quote(name)} AS VARCHAR) AS held FROM {case.table} "
        f"WHERE {SUBJECT} IS NOT NULL AND {quote(name)} IS NOT NULL)"
    ).fetchone() or (0, 0, 0)
    return bool(row[0]) and row[0] == row[1] == row[2]


def _varying(case: Case, person: str, columns: Sequence[Attribute]) -> tuple[Attribute, ...]:
    """The columns that are not the same in all rows of a person (those step 2 counts)."""
    listed = ", ".join(f"count(DISTINCT {quote(item.column)}) > 1 AS c{at}" for at, item in enumerate(columns))
    row = case.connection.execute(
        f"SELECT {', '.join(f'count(*) FILTER (c{at})' for at in range(len(columns)))}, count(*) "
        f"FROM (SELECT {listed} FROM {_source(case, person)} WHERE {person} IS NOT NULL GROUP BY {person})"
    ).fetchone()
    *changing, people = row or (0,)
    if people < _FEW:
        return ()
    # An address that changed for a few is still no trace.
    return tuple(item for item, times in zip(columns, changing, strict=True) if times > 0.1 * people)


def _moment(columns: Sequence[Attribute]) -> Attribute | None:
    fine = [item for item in columns if item.kind in (Kind.TIMESTAMP, Kind.DATE) and item.level in ("", "0")]
    return next((item for item in fine if item.kind is Kind.TIMESTAMP), fine[0] if fine else None)


def _tolerance(moment: Attribute | None) -> int:
    if moment is None:
        return 0
    return DAYS if moment.kind is Kind.DATE else MINUTES


def moment_sql(kind: Kind, column: str) -> str:
    """A moment as a whole number: days of a date, minutes of a time stamp; NULL when it is unknown or infinite."""
    sql = f"date_diff('day', DATE '1970-01-01', {column})"
    if kind is not Kind.DATE:
        sql = f"CAST(floor(epoch({column}) / 60) AS BIGINT)"
    return f"CASE WHEN isfinite({column}) THEN {sql} END"


def place_sql(item: Attribute, column: str, metres: float = METRES) -> str:
    """A column as a text to compare; a coordinate is rounded to about ``metres``."""
    if item.kind is Kind.NUMBER and set(item.concept.replace(".", "-").replace("_", "-").split("-")) & ROUNDED:
        return f"CAST(TRY_CAST(round({column} * {_DEGREE} / {metres!r}) AS BIGINT) AS VARCHAR)"
    return f"hex({column})" if item.kind is Kind.GEOMETRY else f"CAST({column} AS VARCHAR)"


def _points(case: Case, held: Trace) -> Points:
    others = [item for item in held.columns if item is not held.moment]
    parts = [f"coalesce({place_sql(item, quote(item.column))}, '~')" for item in others]
    key = f"dense_rank() OVER (ORDER BY {', '.join(parts)}) - 1" if parts else "0"
    time = moment_sql(held.moment.kind, quote(held.moment.column)) if held.moment else "0"
    whose = f"dense_rank() OVER (ORDER BY {held.person}) - 1" if held.person else "row_number() OVER () - 1"
    conditions = [f"{held.person} IS NOT NULL"] if held.person else []
    if held.moment:
        conditions.append(f"isfinite({quote(held.moment.column)})")
    source = _source(case, held.person)
    (rows,) = case.connection.execute(f"SELECT count(*) FROM {source}").fetchone() or (0,)
    if rows > ROWS:
        # Fewer people make each of them easier to tell apart, so the figure errs to the safe side.
        part = f"hash({held.person or 'rowid'}) % {int(rows)} < {ROWS}"
        conditions.append(part)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    found = case.connection.execute(
        f"SELECT {whose} AS s, {key} AS k, {time} AS t FROM {source} {where}"
    ).to_arrow_table()
    arrays = [found.column(name).to_numpy().astype(np.int64) for name in ("s", "k", "t")]
    return Points(*arrays)


def _names(held: Trace) -> tuple[str, ...]:
    return tuple(item.column for item in held.columns)
