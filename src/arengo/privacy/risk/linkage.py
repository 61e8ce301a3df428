"""Step 5 of the gate: rows of the candidate matched with rows that are public already (privacy.md, section 3).

Two releases are joined on the columns that mean the same in both, at the coarser of their levels. A row with exactly
one partner is *linked*; with the city's own numbers it is checked whether the two are about the same person. It counts
only when the pair tells more than each alone: the earlier release has a column the candidate lacks and the other way
round, and fewer than k rows of the candidate could be meant. Numbers of partners are counted on keys, pairs of rows
are never made, so a million rows against a million cost two group-bys and a join (reference: decision 0202).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from arengo.contract.model import Frozen, Kind
from arengo.errors import PolicyError
from arengo.lake.layout import quote
from arengo.privacy.finding import Finding, Report
from arengo.privacy.release import ROWS, Attribute, Release
from arengo.privacy.risk import traces
from arengo.privacy.risk.traces import DAYS, MINUTES, moment_sql, place_sql
from arengo.privacy.spelling import today

if TYPE_CHECKING:
    from arengo.privacy.case import Case

SUBJECT = "_subject"
PEOPLE = "_linkage_people"
CORRECT = "_linkage_correct"
LABELS = 200_000
"""Different values of a column that are brought to a coarser level one by one."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A column of both. ``mine``, ``theirs``: SQL of its value as text, on the same level."""

    attribute: Attribute
    mine: str
    theirs: str
    moment: bool = False


@dataclass(frozen=True, slots=True)
class Linked:
    """``rows`` of the candidate that were compared; ``unique``: with exactly one partner; ``telling``: of those, in
    groups below k of the candidate; ``correct``: of those, about the same person; None when that is not known."""

    rows: int
    unique: int
    telling: int
    correct: int | None


def look(case: Case) -> Report:
    """Findings ``linkage-*``. ``measured``: ``releases`` (each ``label``, ``shared``, ``rows``, ``unique``,
    ``telling``, ``correct``), ``traces`` (see :mod:`arengo.privacy.risk.traces`)."""
    case.connection.execute(f"CREATE OR REPLACE TEMP TABLE {PEOPLE} ({SUBJECT} VARCHAR)")
    if case.release.form != ROWS or case.contract.access != "open":
        return Report()
    findings, measured = traces.look(case)
    findings += _rows(case, measured)
    return Report(tuple(findings), measured)


def people(case: Case) -> set[str]:
    """Blind numbers of the people whose rows are linked rightly, for a repair that leaves them out; never shown."""
    case.connection.execute(f"CREATE OR REPLACE TEMP TABLE {PEOPLE} ({SUBJECT} VARCHAR)")
    if case.release.form == ROWS and case.contract.access == "open" and case.release.subject:
        _rows(case, {})
    return {str(row[0]) for row in case.connection.execute(f"SELECT DISTINCT {SUBJECT} FROM {PEOPLE}").fetchall()}


def _rows(case: Case, measured: dict[str, Any]) -> list[Finding]:
    """Findings about rows that match those of earlier releases."""
    findings: list[Finding] = []
    compared = []
    for earlier in case.earlier:
        if earlier.form != ROWS or not _meets(case.release, earlier):
            continue
        rows = case.rows(earlier)
        if not rows:
            findings.append(Finding("linkage-rows-gone", "review", releases=(earlier.label,)))
            continue
        shared, unlike = _shared(case, earlier, rows)
        if unlike:
            findings.append(Finding("linkage-not-compared", "review", columns=unlike, releases=(earlier.label,)))
        if not shared:
            continue
        try:
            linked = link(case, earlier, rows, shared)
        except OverflowError as error:
            facts = Frozen(what=f"The time of rows against {earlier.label}", why=str(error))
            findings.append(Finding("not-looked", "review", facts, releases=(earlier.label,)))
            continue
        names = [item.attribute.column for item in shared]
        compared.append({"label": earlier.label, "shared": names, "rows": linked.rows, "unique": linked.unique,
                         "telling": linked.telling, "correct": linked.correct})  # fmt: skip
        findings += _found(case, earlier, linked, names)
    if compared:
        measured["releases"] = compared
    return findings


def _found(case: Case, earlier: Release, linked: Linked, names: Sequence[str]) -> list[Finding]:
    if not linked.telling:
        return []
    told = tuple(item.column for item in _added(earlier, case.release))
    facts = Frozen(shared=", ".join(names))
    if linked.correct is None:
        return [Finding("linkage-unchecked", "review", facts, told, (earlier.label,), linked.telling)]
    # An attacker cannot tell right pairs from wrong ones: with fewer right ones than 1 in k he knows no more than in a
    # group of k.
    if linked.correct * case.target.k <= linked.telling:
        return []
    case.connection.execute(f"INSERT INTO {PEOPLE} SELECT DISTINCT {SUBJECT} FROM {CORRECT}")
    return [Finding("linkage-unique", "block", facts, told, (earlier.label,), linked.correct)]


def _meets(mine: Release, theirs: Release) -> bool:
    """Whether a pair of rows would tell more than each alone, and the same people may hold both."""
    if mine.recipient and theirs.recipient not in ("", mine.recipient):
        return False
    return bool(_added(theirs, mine)) and bool(_added(mine, theirs))


def _added(release: Release, other: Release) -> tuple[Attribute, ...]:
    """What a release tells that the other does not."""
    held = {item.concept for item in other.attributes}
    return tuple(item for item in release.attributes if item.concept not in held)


def _telling(release: Release) -> dict[str, Attribute]:
    """Concept -> the column of what is told of people."""
    return {item.concept: item for item in release.attributes if item.role in ("quasi", "sensitive")}


def _shared(case: Case, earlier: Release, rows: str) -> tuple[list[Shared], tuple[str, ...]]:
    """The columns of both, each on the coarser of its levels; names of those that cannot be brought to one."""
    theirs = _telling(earlier)
    out: list[Shared] = []
    unlike = []
    for concept, mine in _telling(case.release).items():
        other = theirs.get(concept)
        if other is None:
            continue
        made = _level(case, mine, other, rows)
        if made is None:
            unlike.append(mine.column)
        elif made.moment and any(item.moment for item in out):
            out.append(Shared(mine, f"CAST({made.mine} AS VARCHAR)", f"CAST({made.theirs} AS VARCHAR)"))
        else:
            out.append(made)
    return out, tuple(unlike)


def _level(case: Case, mine: Attribute, theirs: Attribute, rows: str) -> Shared | None:
    one, two = quote(mine.column), quote(theirs.column)
    fine = ("", "0")
    if mine.level in fine and theirs.level in fine:
        if mine.kind is theirs.kind and mine.kind in (Kind.DATE, Kind.TIMESTAMP):
            return Shared(mine, moment_sql(mine.kind, one), moment_sql(theirs.kind, two), True)
        return Shared(mine, place_sql(mine, one), place_sql(theirs, two))
    one, two = today(mine), today(theirs)
    name = mine.hierarchy or theirs.hierarchy
    if mine.level == theirs.level and (mine.hierarchy == theirs.hierarchy or not (mine.hierarchy and theirs.hierarchy)):
        return Shared(mine, f"CAST({one} AS VARCHAR)", f"CAST({two} AS VARCHAR)")
    if mine.hierarchy and theirs.hierarchy and mine.hierarchy != theirs.hierarchy:
        return None
    try:
        order = ("", *case.codes.levels(name))
        at, to = _place(order, mine.level), _place(order, theirs.level)
        if at < to:
            return Shared(mine, _lifted(case, name, mine, theirs.level, case.about), f"CAST({two} AS VARCHAR)")
        return Shared(mine, f"CAST({one} AS VARCHAR)", _lifted(case, name, theirs, mine.level, rows))
    except (PolicyError, ValueError, KeyError):
        return None


def _place(order: Sequence[str], level: str) -> int:
    if level in ("", "0"):
        return 0
    return order.index(level) if level in order else int(level)


def _lifted(case: Case, name: str, item: Attribute, level: str, source: str) -> str:
    """SQL of a column brought to a coarser level: by rule from the values, through a table from a level."""
    column = quote(item.column)
    if item.level in ("", "0"):
        return f"CAST({case.codes.sql(name, level, column, str(item.kind))} AS VARCHAR)"
    labels = case.connection.execute(
        f"SELECT DISTINCT CAST({column} AS VARCHAR) FROM {source} WHERE {column} IS NOT NULL LIMIT {LABELS + 1}"
    ).fetchall()
    if len(labels) > LABELS:
        raise ValueError("too many labels")
    above: Mapping[str, str] = case.codes.between(name, item.level, level)
    table = f"_lifted_{crc32(repr((name, item.column, item.level, level, source)).encode())}"
    import pyarrow as pa

    told = [(str(label), above.get(str(label), "*")) for (label,) in labels]
    given = pa.table(
        {"a": pa.array([a for a, _ in told], pa.string()), "b": pa.array([b for _, b in told], pa.string())}
    )
    case.connection.register("_labels", given)
    case.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM _labels")
    case.connection.unregister("_labels")
    return f"(SELECT max(b) FROM {table} l WHERE l.a = CAST({column} AS VARCHAR))"


# Matching


def link(case: Case, earlier: Release, rows: str, shared: Sequence[Shared]) -> Linked:
    """Match the candidate's rows with those of an earlier release on ``shared``. A row that lacks a value matches
    nothing."""
    moment = next((item for item in shared if item.moment), None)
    exact = [item for item in shared if item is not moment]
    checked = case.release.subject and earlier.subject
    for side, source in (("mine", case.about), ("theirs", rows)):
        keys = [getattr(item, side) for item in exact]
        key = f"hash({', '.join(keys)})" if keys else "CAST(0 AS UBIGINT)"
        time = getattr(moment, side) if moment else "CAST(0 AS BIGINT)"
        there = " AND ".join(f"{part} IS NOT NULL" for part in [*keys, *([time] if moment else [])])
        case.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _linkage_{side} AS SELECT {key} AS key, {time} AS time, {SUBJECT} "
            f"FROM {source} WHERE {there}"
        )
    k = int(case.target.k)
    case.connection.execute(f"CREATE OR REPLACE TEMP TABLE {CORRECT} ({SUBJECT} VARCHAR)")
    if moment is not None:
        # An attacker takes times as they are, and as about right; whichever leads him farther.
        near = DAYS if moment.attribute.kind is Kind.DATE else MINUTES
        tried = [_near(case, tolerance, k, checked) for tolerance in (0, near)]
        return max(tried, key=lambda item: (item.correct or 0, item.telling))
    row = case.connection.execute(
        f"""WITH theirs AS (SELECT key, count(*) AS n, any_value({SUBJECT}) AS s FROM _linkage_theirs GROUP BY key),
        mine AS (SELECT key, count(*) AS n, count({SUBJECT}) AS known FROM _linkage_mine GROUP BY key),
        met AS (SELECT m.key, m.n, t.s FROM mine m JOIN theirs t USING (key) WHERE t.n = 1)
        SELECT (SELECT count(*) FROM _linkage_mine), coalesce(sum(n), 0), coalesce(sum(n) FILTER (n < {k}), 0),
            (SELECT count(*) FROM _linkage_mine c JOIN met USING (key) WHERE met.n < {k} AND c.{SUBJECT} = met.s)
        FROM met"""
    ).fetchone() or (0, 0, 0, 0)
    if checked and row[3]:
        case.connection.execute(
            f"""INSERT INTO {CORRECT} WITH theirs AS (SELECT key, any_value({SUBJECT}) AS s FROM _linkage_theirs
            GROUP BY key HAVING count(*) = 1), met AS (SELECT key, s FROM _linkage_mine JOIN theirs USING (key)
            GROUP BY key, s HAVING count(*) < {k})
            SELECT c.{SUBJECT} FROM _linkage_mine c JOIN met USING (key) WHERE c.{SUBJECT} = met.s"""
        )
    total, unique, telling, correct = (int(item) for item in row)
    return Linked(total, unique, telling, correct if checked else None)


def _keep(case: Case, people: Any) -> None:
    import pyarrow as pa

    case.connection.register("_linked_now", pa.table({SUBJECT: people}))
    case.connection.execute(f"INSERT INTO {CORRECT} SELECT {SUBJECT} FROM _linked_now")
    case.connection.unregister("_linked_now")


def _near(case: Case, tolerance: int, k: int, checked: bool) -> Linked:
    """With a moment: partners are those of the same key whose moment is near. By binary search in one sorted array."""
    mine, theirs = (
        case.connection.execute(
            f"SELECT key, time, dense_rank() OVER (ORDER BY key) AS r, {SUBJECT} AS s FROM _linkage_{side} "
            "WHERE key IN (SELECT key FROM _linkage_theirs) AND key IN (SELECT key FROM _linkage_mine) "
            "ORDER BY key, time"
        ).to_arrow_table()
        for side in ("mine", "theirs")
    )
    (total,) = case.connection.execute("SELECT count(*) FROM _linkage_mine").fetchone() or (0,)
    # Both sides hold the same keys, so their ranks are the same numbers.
    group, time = (mine.column(name).to_numpy().astype(np.int64) for name in ("r", "time"))
    group_, time_ = (theirs.column(name).to_numpy().astype(np.int64) for name in ("r", "time"))
    if not len(group):
        return Linked(int(total), 0, 0, 0 if checked else None)
    low = int(min(time.min(), time_.min()))
    width = int(max(time.max(), time_.max())) - low + 2 * tolerance + 1
    if width * (int(group.max()) + 2) >= 2**62:
        raise OverflowError("the times are too fine for their span")
    at = group * width + (time - low + tolerance)
    at_ = group_ * width + (time_ - low + tolerance)
    first = np.searchsorted(at_, at - tolerance, "left")
    unique = np.searchsorted(at_, at + tolerance, "right") - first == 1
    same = np.searchsorted(at, at + tolerance, "right") - np.searchsorted(at, at - tolerance, "left")
    telling = unique & (same < k)
    correct = None
    if checked:
        import pyarrow.compute as pc

        chosen = np.flatnonzero(telling)
        own = mine.column("s").take(chosen)
        pairs = pc.equal(own, theirs.column("s").take(first[chosen]))
        correct = int(pc.sum(pairs).as_py() or 0)
        if correct:
            _keep(case, own.filter(pairs))
    return Linked(int(total), int(unique.sum()), int(telling.sum()), correct)
