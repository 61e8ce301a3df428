"""Step 4 of an append: only the persons it adds can lose values, everybody else keeps what was left to them.

Where every version holds all rows of the one before, each person has one row, and all releases show the attribute at
one level, the values of a person's class only become more from version to version. What is left to somebody who was
there before is then what was left at the last verdict, and what versions show of who came is only news about those who
came now. So a verdict keeps how many values are left to how many people, and of each other release its values by class;
an append reckons with its own persons (``candidates``), and says what a whole pass would say.
That is only so where nothing is found: what would be found, rows that another release's people could be told from by
what vanished or appeared, and whatever is not as above takes the whole pass (reference: decision 0231).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from arengo.lake.layout import quote, text
from arengo.privacy.overlap import candidates
from arengo.privacy.overlap.candidates import Related, value_of
from arengo.privacy.overlap.classes import SUBJECT, canonical, series_of
from arengo.privacy.overlap.layers import state_of

if TYPE_CHECKING:
    from arengo.privacy.case import Case
    from arengo.privacy.reckoning import Added
    from arengo.privacy.release import Attribute

_MOST = 51  # values left that are told apart


@dataclass(frozen=True, slots=True)
class _Split:
    """The related releases: earlier versions of the candidate's own series, and those of others."""

    own: tuple[Related, ...]
    others: tuple[Related, ...]
    stamps: Mapping[str, str]  # label -> what must be the same for what was kept of a release to be true


def _name(attribute: Attribute) -> str:
    return f"values {attribute.column}"


def _split(case: Case, attribute: Attribute, related: Sequence[Related]) -> _Split | None:
    """None where the step is not one of those an append can add to."""
    release, persons = case.release, case.reckoned().persons()
    level = value_of(quote(attribute.column))
    if not release.subject or not release.quasi or case.target.t > 0:
        return None
    if not persons.rows or persons.linked < persons.rows or persons.several:
        return None
    stamps = {}
    for item in related:
        held = state_of(case.home, item.release.dataset, item.release.number)
        if not item.release.subject or not item.release.quasi or item.mine != level or not held:
            return None
        if item.release.population != release.population:
            return None  # who is who there may have become known since
        told = [item.release.declared, *held, item.theirs, item.shared, series_of(item.release)]
        stamps[item.release.label] = sha256(orjson.dumps(told)).hexdigest()
    own = tuple(item for item in related if item.release.dataset == release.dataset)
    for item in own:
        same = series_of(item.release) == series_of(release) and item.theirs == item.mine
        if not same or len(item.shared) != len(release.quasi) or any(mine != theirs for mine, theirs in item.shared):
            return None
    others = tuple(item for item in related if item.release.dataset != release.dataset)
    if len(stamps) < len(related):
        return None
    return _Split(tuple(sorted(own, key=lambda item: item.release.number)), others, stamps)


# Of an append


def look(case: Case, attribute: Attribute, related: Sequence[Related]) -> dict[str, Any] | None:
    """What is measured of an attribute, as :func:`arengo.privacy.overlap.intersection.look` does; None where a whole
    pass must be taken, as it must where something is found."""
    reckoning = case.reckoned()
    known = reckoning.held(_name(attribute))
    added = reckoning.added
    split = _split(case, attribute, related) if known is not None and added is not None and added.held else None
    if known is None or added is None or split is None or not split.own:
        return None
    note = known[1]
    newest = split.own[-1].release.label
    stamps = dict(split.stamps)
    if newest != f"{case.release.dataset} {added.kept.name}" or stamps.pop(newest) is None:
        return None
    if note.get("stamps") != stamps:
        return None
    kept = []
    for item in split.others:
        tables = [reckoning.held(f"{_name(attribute)} {item.release.label} {what}") for what in _KEPT]
        kept.append([table[0] for table in tables if table is not None])
        if len(kept[-1]) < len(_KEPT):
            return None
    _own_classes(case, attribute)
    _persons(case, attribute, split, added, kept)
    if _moved(case, split, added, kept) or _worked_out(case, split):
        return None
    candidates.narrow(case.connection, len(split.others))
    candidates.left(case.connection, len(split.others))
    least = max(2, int(case.target.l))
    new = f"true_one AND after < {least} AND alone >= {least} AND before >= {least}"
    compared, few = case.connection.execute(f"SELECT count(*), count(*) FILTER ({new}) FROM _left").fetchone() or (0, 0)
    if few:
        return None
    late = Counter({int(size): int(people) for size, people in note["late"]})
    left = Counter({int(size): int(people) for size, people in note["left"]}) + late
    after = left + _counts(case, "after", "_left")
    all_ = int(note["compared"]) + late.total() + int(compared)
    _keep(case, attribute, split, all_, after, kept)
    return {
        "compared": all_, "known": 0, "few": 0, "moved": 0, "before": _spread(left + _counts(case, "before", "_left")),
        "after": _spread(after),
    }  # fmt: skip


def _own_classes(case: Case, attribute: Attribute) -> None:
    """Make ``_all_0``, ``_words`` and ``_cells_0`` (the candidate's combinations under its own names) of what was
    counted."""
    names = [item.column for item in case.release.quasi]
    cells = case.reckoned().cells(names, attribute.column)
    listed = ", ".join(f"c{at} AS {quote(name)}" for at, name in enumerate((*names, attribute.column)))
    connection = case.connection
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _cells_0 AS SELECT {listed}, n AS _n FROM {cells}")
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _all_0 AS SELECT code, value, sum(n) / sum(sum(n)) OVER (PARTITION BY code)
        AS share, count(*) OVER (PARTITION BY code) AS kinds FROM (SELECT {_code(case)} AS code,
        {value_of(quote(attribute.column))} AS value, _n AS n FROM _cells_0) GROUP BY code, value"""
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE _words AS SELECT DISTINCT value FROM _all_0")


def _code(case: Case) -> str:
    ordered = sorted(case.release.quasi, key=lambda item: (item.concept, item.column))
    return f"md5_number_lower({canonical([quote(item.column) for item in ordered])})"


def _persons(case: Case, attribute: Attribute, split: _Split, added: Added, kept: Sequence[Sequence[str]]) -> None:
    """Make ``_who`` of the persons who come, with ``_new`` (all of them), and of each other release ``_all_``, and
    ``_theirs_`` (its rows about them)."""
    connection = case.connection
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _new AS SELECT {SUBJECT}, {_code(case)} AS _code, "
        f"{value_of(quote(attribute.column))} AS _value FROM {added.rows}"
    )
    joins, chosen, some = [], [], ["false"]
    for at, item in enumerate(split.others, start=1):
        mine = f"(SELECT * FROM {item.rows} SEMI JOIN _new USING ({SUBJECT}))"
        candidates.classes(connection, f"_in_{at}", mine, item.release, item.theirs)
        shared = f"md5_number_lower({canonical([pair[1] for pair in item.shared])})"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _theirs_{at} AS SELECT {SUBJECT}, {shared} AS class, {item.theirs} AS value "
            f"FROM {mine}"
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _of_{at} AS SELECT {SUBJECT}, any_value(code) AS code FROM _in_{at} "
            f"GROUP BY {SUBJECT} HAVING min(code) = max(code)"
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _all_{at} AS SELECT code, value, n / sum(n) OVER (PARTITION BY code) "
            f"AS share FROM {kept[at - 1][0]}"
        )
        joins.append(f"LEFT JOIN _of_{at} r{at} ON r{at}.{SUBJECT} = d.{SUBJECT}")
        chosen.append(f", r{at}.code AS c{at}")
        some.append(f"r{at}.code IS NOT NULL")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _who AS SELECT d.{SUBJECT}, d._code AS c0, d._value AS value{''.join(chosen)} "
        f"FROM _new d {' '.join(joins)} WHERE {' OR '.join(some)}"
    )


def _moved(case: Case, split: _Split, added: Added, kept: list[list[str]]) -> bool:
    """Whether what vanished or appeared between another release and the candidate tells of those who are in one of
    them alone. Puts the persons who came into the counts of those who are in both."""
    connection = case.connection
    for at, item in enumerate(split.others, start=1):
        mine = f"md5_number_lower({canonical([pair[0] for pair in item.shared])})"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE _here AS SELECT {SUBJECT}, {mine} AS class FROM {added.rows}")
        both = (
            f"SELECT class, 1 AS mine, 0 AS theirs FROM _here SEMI JOIN _theirs_{at} t USING ({SUBJECT}, class) "
            f"UNION ALL SELECT class, 0, 1 FROM _theirs_{at} SEMI JOIN _here h USING ({SUBJECT}, class)"
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _met_{at} AS SELECT class, sum(mine)::BIGINT AS mine, sum(theirs)::BIGINT "
            f"AS theirs FROM (SELECT * FROM {kept[at - 1][2]} UNION ALL {both}) GROUP BY class"
        )
        now = f"SELECT {mine} AS class, {item.mine} AS value, sum(_n) AS n FROM _cells_0 GROUP BY ALL"
        (told,) = connection.execute(
            f"""WITH change AS (SELECT coalesce(n.class, w.class) AS class, coalesce(n.n, 0) AS now,
                coalesce(w.n, 0) AS was FROM ({now}) n FULL JOIN {kept[at - 1][1]} w
                ON n.class = w.class AND n.value = w.value),
            sums AS (SELECT class, sum(now) AS now, sum(was) AS was,
                coalesce(sum(was - now) FILTER (was > now), 0) AS gone, count(*) FILTER (was > now) AS gone_kinds,
                coalesce(sum(now - was) FILTER (now > was), 0) AS come, count(*) FILTER (now > was) AS come_kinds,
                count(*) FILTER (was > 0) AS was_kinds, count(*) FILTER (now > 0) AS now_kinds
                FROM change GROUP BY class)
            SELECT count(*) FROM sums LEFT JOIN _met_{at} m USING (class)
            WHERE (gone > 0 AND gone = sums.was - coalesce(m.theirs, 0) AND gone_kinds < was_kinds)
                OR (come > 0 AND come = sums.now - coalesce(m.mine, 0) AND come_kinds < now_kinds)"""
        ).fetchone() or (1,)
        if told:
            return True
        kept[at - 1][2] = f"_met_{at}"
    return False


def _worked_out(case: Case, split: _Split) -> bool:
    """Whether the values that came to a class, with what other releases leave, tell somebody's who came."""
    connection = case.connection
    least = max(2, int(case.target.l))
    told = "\n".join(
        f"UNION ALL SELECT w.{SUBJECT}, a.value, 1, 0 FROM _who w JOIN _all_{at} a ON a.code = w.c{at}"
        for at, _ in enumerate(split.others, start=1)
    )
    stands = " + ".join(["0", *(f"(w.c{at} IS NOT NULL)::INTEGER" for at, _ in enumerate(split.others, start=1))])
    (worked,) = connection.execute(
        f"""WITH come AS (SELECT DISTINCT _code AS code, _value AS value FROM _new),
        telling AS (SELECT c.code FROM come c JOIN (SELECT DISTINCT code, kinds FROM _all_0) USING (code)
            GROUP BY c.code, kinds HAVING count(*) < kinds),
        people AS (SELECT n.{SUBJECT}, n._code AS code, n._value AS value, coalesce({stands}, 0) AS stands
            FROM _new n SEMI JOIN telling t ON t.code = n._code LEFT JOIN _who w ON w.{SUBJECT} = n.{SUBJECT}),
        sets AS (SELECT p.{SUBJECT}, c.value, 0 AS old, 1 AS new FROM people p JOIN come c USING (code) {told}),
        kept AS (SELECT s.{SUBJECT}, s.value, any_value(p.value) = s.value AS true_one,
            sum(old) + sum(new) = any_value(p.stands) + 1 AS now, any_value(p.stands) > 0
            AND sum(old) = any_value(p.stands) AS before FROM sets s JOIN people p ON p.{SUBJECT} = s.{SUBJECT}
            GROUP BY s.{SUBJECT}, s.value)
        SELECT count(*) FROM (SELECT {SUBJECT} FROM kept GROUP BY {SUBJECT} HAVING bool_or(true_one AND now)
            AND count(*) FILTER (now) < {least} AND NOT (bool_or(before)
            AND count(*) FILTER (before) < {least}))"""
    ).fetchone() or (1,)
    return bool(worked)


def _counts(case: Case, column: str, table: str) -> Counter[int]:
    rows = case.connection.execute(
        f"SELECT least({column}, {_MOST}) AS n, count(*) FROM {table} GROUP BY n ORDER BY n"
    ).fetchall()
    return Counter({int(size): int(people) for size, people in rows})


def _spread(counts: Counter[int]) -> dict[str, int]:
    return {str(size) if size < _MOST else "more": people for size, people in sorted(counts.items())}


# Keeping it

_KEPT = ("classes", "shared", "met")


def hold(case: Case, attribute: Attribute, related: Sequence[Related], told: Mapping[str, Any]) -> None:
    """Keep what a whole pass counted, when an append may add to it. The tables of that pass are still there."""
    if not case.reckoned().keeping:
        return
    split = _split(case, attribute, related)
    if split is None or not _chained(case, related, split):
        return
    connection = case.connection
    others = ", ".join(["''", *(text(item.release.label) for item in split.others)])
    (old,) = connection.execute(
        f"SELECT count(*) FROM _hints WHERE NOT new AND hint NOT LIKE 'class %' AND label IN ({others})"
    ).fetchone() or (1,)
    if old:
        return
    kept = []
    for item in split.others:
        at = 1 + list(related).index(item)  # all that are related were read for the candidates
        theirs = f"md5_number_lower({canonical([pair[1] for pair in item.shared])})"
        mine = f"md5_number_lower({canonical([pair[0] for pair in item.shared])})"
        there, here, classes = f"_there_{at}", "_here", f"_classes_{at}"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {classes} AS SELECT code, value, count(*) AS n FROM _in_{at} GROUP BY ALL"
        )
        foreign, lost = connection.execute(
            f"SELECT (SELECT count(*) FROM {classes} ANTI JOIN (SELECT DISTINCT value FROM _all_0) USING (value)), "
            f"(SELECT count(*) FROM _in_{at} WHERE {SUBJECT} IS NULL)"
        ).fetchone() or (1, 1)
        if lost or foreign:
            return
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {there} AS SELECT {SUBJECT}, {theirs} AS class, {item.theirs} AS value "
            f"FROM {item.rows}"
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {here} AS SELECT {SUBJECT}, {mine} AS class FROM {case.about}"
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _met_{at} AS SELECT class, sum(mine)::BIGINT AS mine, sum(theirs)::BIGINT "
            f"AS theirs FROM (SELECT class, 1 AS mine, 0 AS theirs FROM {here} SEMI JOIN {there} t "
            f"USING ({SUBJECT}, class) UNION ALL SELECT class, 0, 1 FROM {there} SEMI JOIN {here} h "
            f"USING ({SUBJECT}, class)) GROUP BY class"
        )
        kept.append([classes, f"(SELECT class, value, count(*) AS n FROM {there} GROUP BY ALL)", f"_met_{at}"])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _new AS SELECT {SUBJECT}, code AS _code FROM _in_0")
    _keep(case, attribute, split, int(told["compared"]), _counts(case, "after", "_left"), kept)


def _chained(case: Case, related: Sequence[Related], split: _Split) -> bool:
    """Whether each version of the series, and the candidate, holds all rows of the one before."""
    parts = [f"_in_{1 + list(related).index(item)}" for item in split.own]  # as they were read for the candidates
    for before, after in pairwise((*parts, "_in_0")):
        (gone,) = case.connection.execute(
            f"SELECT count(*) FROM {before} b ANTI JOIN {after} a "
            f"ON a.{SUBJECT} = b.{SUBJECT} AND a.code = b.code AND a.value = b.value"
        ).fetchone() or (1,)
        if gone:
            return False
    return True


def _keep(
    case: Case, attribute: Attribute, split: _Split, compared: int, left: Counter[int], kept: Sequence[Sequence[str]]
) -> None:
    """``late``: of the persons in ``_new`` whom no release told of, how many values their class has."""
    late = _counts(
        case,
        "kinds",
        f"(SELECT kinds FROM _new n ANTI JOIN _who w ON w.{SUBJECT} = n.{SUBJECT} "
        "JOIN (SELECT DISTINCT code, kinds FROM _all_0) a ON a.code = n._code)",
    )
    for item, tables in zip(split.others, kept, strict=True):
        for what, sql in zip(_KEPT, tables, strict=True):
            case.reckoned().hold(f"{_name(attribute)} {item.release.label} {what}", f"SELECT * FROM {sql}")
    case.reckoned().hold(
        _name(attribute), "SELECT 1 AS nothing WHERE false", stamps=dict(split.stamps), compared=compared,
        left=sorted(left.items()), late=sorted(late.items()),
    )  # fmt: skip
