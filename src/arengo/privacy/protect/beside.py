"""``arengoProtection.suppress`` with ``beside``: rows are left out that would single people out together with what is
public already (privacy.md, section 3, steps 3 to 5 and 8).

The street asks at every publication, against the ledger as it is then. Whom it concerns is what the gate's own steps
find; what is done about it is chosen by :mod:`arengo.privacy.search.withheld`, and looked at again until the steps find
nobody more. The gate judges the result like any other table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.errors import Place, PolicyError
from arengo.lake.layout import listing, quote, text
from arengo.privacy.protect.work import NUMBER, SUBJECT, Work, stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.case import Case
    from arengo.privacy.search.withheld import People

ROUNDS = 8
"""How often what was left is looked at again: leaving rows out makes other groups smaller."""
BASE, STATE, ROWS = "_beside_base", "_beside_state", "_beside_rows"


@dataclass(frozen=True, slots=True)
class Held:
    """``people``: whom the table is about. ``names``: what finds their rows, in the same order: blind numbers, or what
    the table tells (``_code``) where it is not known whose row is whose (``whole``)."""

    people: People
    names: Sequence[Any]
    whole: bool


def leave_out(work: Work, table: str, told: Mapping[str, Any], by: Sequence[str]) -> int:
    """Leave out of the made ``table`` (SQL) what singles people out, alone and beside earlier releases; how many rows
    went. Rows of groups that are too small alone go as without ``beside``, and count among those who are missing.

    ``told``: the rule. ``blank``: columns whose values go first, before rows do. Raises PolicyError where the rule
    stands in a place that knows of no other releases, or names columns that are not stored.
    """
    from arengo.privacy.search import withheld

    blank = stored(work.contract, told.get("blank", ()), "leaves out values of", "suppress")
    if work.beside is None:
        raise PolicyError(
            "arengoProtection.suppress asks to compare with earlier releases, and there are none to compare with here.",
            todo="Publish the dataset: its population's releases are known then.",
            place=Place(column="arengoProtection.suppress"),
        )
    connection = work.connection
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {BASE} AS SELECT * FROM {table}")
    case = work.beside(table)
    k = max(int(told["below"]), case.target.k)
    held = _held(work, case, blank)
    least = np.zeros(len(held.people), np.int8)
    places = {name: at for at, name in enumerate(held.names)}
    small, found = _small(work, table, case.table, by, int(told["below"]))
    least[[places[name] for name in small if name in places and not held.whole]] = withheld.OUT
    rows = {at for who, at in found if held.whole or who not in places}
    for _ in range(ROUNDS):
        state = withheld.choose(held.people, k, least, held.whole)
        _apply(work, table, held, state, rows, blank)
        people, found = _concerned(work, table, work.beside(table), by, k, held.whole)
        lonely = {at for who, at in found if held.whole or who not in places}
        here = [places[name] for name in sorted(people) if name in places]
        more = [at for at in here if state[at] < withheld.OUT and not held.people.fixed[at]]
        for at in more:
            partly = state[at] == withheld.SHOWN and held.people.blank[at] >= 0
            least[at] = withheld.BLANK if partly else withheld.OUT
        others = []
        if not more:
            others = _company(held.people, state, [at for at in here if state[at] == withheld.OUT], k)
            left = {name for name in people if name not in places}
            others += _around(work, case, held, state, places, left, k) if left and not held.whole else []
        least[others] = withheld.OUT
        if not more and not others and lonely <= rows:
            counted = _counted(work, table, work.beside(table), k)
            lonely = {at for who, at in counted if held.whole or who not in places}
            known = [places[who] for who, _ in counted if who in places and not held.whole]
            least[[at for at in known if not held.people.fixed[at]]] = withheld.OUT
            if not counted:
                break
        rows |= lonely
    (before, after) = connection.execute(
        f"SELECT (SELECT count(*) FROM {BASE}), (SELECT count(*) FROM {table})"
    ).fetchone() or (0, 0)
    for name in blank:
        column = quote(name)
        (gone,) = connection.execute(
            f"SELECT count(b.{column}) - count(t.{column}) FROM {table} t JOIN {BASE} b USING ({quote(NUMBER)})"
        ).fetchone() or (0,)
        work.blanked += int(gone)
    connection.execute(f"DROP TABLE {BASE}")
    return int(before) - int(after)


def _company(people: People, state: NDArray[np.int8], gone: Sequence[int], k: int) -> list[int]:
    """Others who go with those left out whose values follow from their going: from each class as many as make a group
    of them, whose values are mixed."""
    out: list[int] = []
    for other in np.unique(people.other[list(gone)]):
        left = np.flatnonzero((people.other == other) & (state == 0) & ~people.fixed)
        out += [int(at) for at in left[np.argsort(people.draw[left], kind="stable")][:k]]
    return out


def _around(
    work: Work, case: Case, held: Held, state: NDArray[np.int8], places: Mapping[Any, int], left: set[str], k: int
) -> list[int]:
    """Others who go where somebody left since an earlier version: of the group that each stood in there, as many as
    make a group of those who are gone now."""
    columns = [item.column for item in case.release.quasi]
    _register_people(work, left)
    match = " AND ".join(f"b.{quote(name)} IS NOT DISTINCT FROM r.{quote(name)}" for name in columns) or "true"
    listed = ", ".join(f"b.{quote(name)}" for name in columns) or "0"
    found: dict[Any, set[int]] = {}
    for release in case.earlier:
        rows = case.rows(release) if release.dataset == case.release.dataset else ""
        if not rows or {item.column for item in release.quasi} != set(columns):
            continue
        for who, group in work.connection.execute(
            f"SELECT DISTINCT b.{quote(SUBJECT)}, hash({listed}) FROM {BASE} b SEMI JOIN (SELECT * FROM {rows} "
            f"SEMI JOIN {STATE}_people USING ({quote(SUBJECT)})) r ON {match} WHERE b.{quote(SUBJECT)} IS NOT NULL"
        ).fetchall():
            at = places.get(who, -1)
            if at >= 0 and state[at] == 0 and not held.people.fixed[at]:
                found.setdefault(group, set()).add(at)
    return [at for members in found.values() for at in sorted(members, key=lambda at: int(held.people.draw[at]))[:k]]


# Whom the table is about


def _held(work: Work, case: Case, blank: Sequence[str]) -> Held:
    """The people of the table with their classes by all that is public elsewhere."""
    from arengo.privacy.declared import K_MAP, model_of
    from arengo.privacy.overlap import joint
    from arengo.privacy.overlap.classes import canonical, marks, series_of
    from arengo.privacy.release import ROWS as OF_ROWS
    from arengo.privacy.search.withheld import People

    before = joint.scope(case)
    linked = case.release.subject
    if case.release.form != OF_ROWS or case.population is None or not case.release.quasi:
        return _alone(work, blank)
    truth = case.truth()
    made = joint.build(case, before, truth)
    whole = not made.linked or (model_of(case.contract) == K_MAP and bool(truth))
    series = series_of(case.release)
    kept = ["NULL" if item.column in blank else f"c{at}" for at, item in enumerate(made.columns)]
    bare = marks(series, kept, "_joint_rows")
    mine = f"{quote(SUBJECT)} IN (SELECT {quote(SUBJECT)} FROM {BASE})" if linked and not whole else "true"
    protected = "other <> 0" if whole else "known"
    # A class that was smaller than k before is judged by another finding, which asks people and holds nothing back.
    least = int(case.target.k)
    name = "CAST(j.code AS VARCHAR)" if whole else f"j.{quote(SUBJECT)}"
    found = case.connection.execute(
        f"""SELECT {name} AS name, CASE WHEN {protected} AND n_before >= {least} THEN dense_rank() OVER (ORDER BY other)
            ELSE -1 END AS other, dense_rank() OVER (ORDER BY j.code) AS shown,
        {"dense_rank() OVER (ORDER BY b.code)" if blank and not whole else "-1"} AS blank,
        {_draw(work, f"j.{quote(SUBJECT)}")} AS draw, NOT ({mine}) AS fixed
        FROM _joint j LEFT JOIN ({bare}) b USING ({quote(SUBJECT)}) ORDER BY j.{quote(SUBJECT)}"""
    ).to_arrow_table()
    numbers = {item: found.column(item).to_numpy().astype(np.int64) for item in ("other", "shown", "blank", "draw")}
    if whole:
        told = canonical([quote(item.column) for item in made.columns])
        case.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {ROWS} AS SELECT {quote(NUMBER)}, CAST(md5_number_lower("
            f"{text(series + '|')} || {told}) AS VARCHAR) AS _name FROM {BASE}"
        )
    fixed = found.column("fixed").to_numpy(zero_copy_only=False).astype(bool)
    return Held(People(**numbers, fixed=fixed), found.column("name").to_pylist(), whole)


def _alone(work: Work, blank: Sequence[str]) -> Held:
    """The people of a table that is compared with no classes: each by themselves."""
    from arengo.privacy.search.withheld import People

    subject = quote(SUBJECT)
    found = work.connection.execute(
        f"SELECT DISTINCT {subject}, {_draw(work, subject)} FROM {BASE} WHERE {subject} IS NOT NULL ORDER BY 1"
    ).fetchall()
    draw = np.array([row[1] for row in found], np.int64)
    same, no = np.zeros(len(found), np.int64), np.full(len(found), -1, np.int64)
    return Held(People(no, same, same if blank else no, draw, same.astype(bool)), [row[0] for row in found], False)


def _draw(work: Work, subject: str) -> str:
    """SQL of a person's place in an order that only the city knows, the same at each publication."""
    return f"CAST('0x' || left(sha256({text(work.key('beside').hex())} || {subject}), 12) AS BIGINT)"


# What is left of it


def _apply(work: Work, table: str, held: Held, state: NDArray[np.int8], rows: set[int], blank: Sequence[str]) -> None:
    """Make the table anew: without those left out, and with less of those of whom less is told."""
    import pyarrow as pa

    chosen = np.flatnonzero(state)
    told = {held.names[at]: int(state[at]) for at in chosen.tolist()}
    named = pa.table({"_name": pa.array(list(told), pa.string()), "_state": pa.array(list(told.values()), pa.int8())})
    _register(work, STATE, named)
    _register(work, f"{STATE}_rows", pa.table({NUMBER: pa.array(sorted(rows), pa.int64())}))
    match = f"s._name = b.{quote(SUBJECT)}"
    source = f"{BASE} b"
    if held.whole:
        source += f" JOIN {ROWS} r USING ({quote(NUMBER)})"
        match = "s._name = r._name"
    shown = ", ".join(f"CASE WHEN s._state = 1 THEN NULL ELSE b.{quote(name)} END AS {quote(name)}" for name in blank)
    replaced = f" REPLACE ({shown})" if blank else ""
    work.connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT b.*{replaced} FROM {source} LEFT JOIN {STATE} s ON {match} "
        f"WHERE coalesce(s._state, 0) < 2 AND b.{quote(NUMBER)} NOT IN (SELECT {quote(NUMBER)} FROM {STATE}_rows) "
        f"ORDER BY b.{quote(NUMBER)}"
    )


def _register(work: Work, name: str, table: Any) -> None:
    work.connection.register("_beside", table)
    work.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM _beside")
    work.connection.unregister("_beside")


def _concerned(
    work: Work, table: str, case: Case, by: Sequence[str], k: int, whole: bool
) -> tuple[set[str], set[tuple[str, int]]]:
    """Whom the gate's steps still find: (blind numbers, rows of ``table``, see :func:`_small`). ``case.table``: all
    that readers would get, with rows that stay from the version before."""
    from arengo.privacy.overlap import intersection, joint
    from arengo.privacy.risk import linkage

    connection = case.connection
    subject, number = quote(SUBJECT), quote(NUMBER)
    persons, rows = _small(work, table, case.table, by, k)
    before = joint.scope(case)
    if case.population is not None and before and case.release.quasi and not whole:
        joint.build(case, before, case.truth())
        persons |= {str(row[0]) for row in connection.execute(f"SELECT {subject} FROM _joint WHERE newly").fetchall()}
    concerned = {*intersection.people(case), *linkage.people(case)}
    if whole and concerned:
        _register_people(work, concerned)
        rows |= {("", int(row[0])) for row in connection.execute(
            f"SELECT {number} FROM {table} SEMI JOIN {STATE}_people USING ({subject})").fetchall()}  # fmt: skip
    return persons | concerned, rows


def _counted(work: Work, table: str, case: Case, k: int) -> set[tuple[str, int]]:
    """Rows of ``table`` (see :func:`_small`) whose number tells what an earlier table left out, as many as must go."""
    from arengo.privacy.cells.leaving import to_leave

    subject, number = quote(SUBJECT), quote(NUMBER)
    drawn = _draw(work, f"coalesce({subject}, CAST({number} AS VARCHAR))")
    found: set[tuple[str, int]] = set()
    for item in to_leave(case, k):
        rows = work.connection.execute(
            f"SELECT {subject}, {number} FROM {table}{item.where} ORDER BY {drawn}, {number} LIMIT {item.many}"
        ).fetchall()
        found |= {(str(who or ""), int(at)) for who, at in rows}
    return found


def _small(work: Work, table: str, whole: str, by: Sequence[str], k: int) -> tuple[set[str], set[tuple[str, int]]]:
    """Who stands in a group of fewer than ``k`` of ``whole`` by the released columns alone: the blind numbers, and of
    each row in ``table`` the blind number ('' where it is not known) and its own."""
    if not by:
        return set(), set()
    subject = quote(SUBJECT)
    people = f"count(DISTINCT {subject}) + count(*) FILTER ({subject} IS NULL)"
    match = " AND ".join(f"t.{quote(name)} IS NOT DISTINCT FROM g.{quote(name)}" for name in by)
    found = work.connection.execute(
        f"SELECT t.{subject}, t.{quote(NUMBER)} FROM {table} t SEMI JOIN (SELECT {listing(by)} FROM {whole} "
        f"GROUP BY {listing(by)} HAVING {people} < {k}) g ON {match}"
    ).fetchall()
    return {str(who) for who, _ in found if who is not None}, {(str(who or ""), int(at)) for who, at in found}


def _register_people(work: Work, people: set[str]) -> None:
    import pyarrow as pa

    _register(work, f"{STATE}_people", pa.table({SUBJECT: pa.array(sorted(people), pa.string())}))
