"""Step 4, sensitive intersection: what several releases together tell of a sensitive value (privacy.md, section 3).

In each release a person stands in a class; the values of the class are what the person's may be. Where several
releases show the same attribute, what it may be is in all of those sets (Ganta, Kasiviswanathan, Smith, KDD 2008).
From one version to the next the attacker also sees what vanished from a class and what appeared in it: that is what
those who left it and those who joined it had (Xiao and Tao, *m-Invariance*, SIGMOD 2007).

Everything is held against the truth: who really had the value that an attacker would infer is counted, nobody else.
Even where the contract asks for no variety (l = 1), a value that only becomes known by two releases is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Frozen
from arengo.errors import PolicyError
from arengo.lake.layout import quote
from arengo.privacy.finding import Finding, Report
from arengo.privacy.hierarchy.builders import chosen
from arengo.privacy.overlap import appended, candidates
from arengo.privacy.overlap.candidates import Related, value_of
from arengo.privacy.overlap.classes import SUBJECT, canonical
from arengo.privacy.release import ROWS, Attribute, Release
from arengo.privacy.spelling import today

if TYPE_CHECKING:
    from arengo.privacy.case import Case

PEOPLE = "_intersection_people"
_LIKELY = 0.5
"""A value is only said to become likely when it becomes likelier than all others together."""


def look(case: Case) -> Report:
    """Findings ``overlap-known``, ``overlap-candidates``, ``overlap-posterior``, ``overlap-leavers``. ``measured``: per
    sensitive column ``releases``, ``compared`` people, ``candidates`` (how many values are left -> people) before and
    after, ``known``, ``moved``.
    """
    release = case.release
    case.connection.execute(f"CREATE OR REPLACE TEMP TABLE {PEOPLE} ({SUBJECT} VARCHAR)")
    if release.form != ROWS or not release.sensitive or case.population is None:
        return Report()
    findings: list[Finding] = []
    measured: dict[str, Any] = {}
    for attribute in release.sensitive:
        related, incomparable, gone = _related(case, attribute)
        if gone:
            findings.append(Finding("overlap-rows-gone", "review", releases=_labels(gone)))
        if incomparable:
            why = f"{', '.join(_labels(incomparable))} shows it at a level that no hierarchy relates to this one"
            findings.append(Finding("not-looked", "review", Frozen(what=attribute.column, why=why)))
        if not related:
            continue
        if not _linked(case):
            findings += _unlinked(case, attribute, related)
            continue
        told: dict[str, Any] = {"releases": list(_labels([item.release for item in related]))}
        linked = [item for item in related if item.release.subject and item.release.quasi] if release.quasi else []
        quick = appended.look(case, attribute, related)
        if quick is not None:
            measured[attribute.column] = {**told, **quick}
            continue
        levels = dict.fromkeys(item.mine for item in linked)
        own = value_of(quote(attribute.column))
        for level in levels:
            if level != own or len(levels) == 1:
                findings += _intersect(case, attribute, [item for item in linked if item.mine == level], level, told)
        if len(levels) > 1:
            # Some show it coarser: what they leave of the candidate's own values, all of them together.
            findings += _intersect(case, attribute, linked, own, told)
        findings += _versions(case, attribute, related, linked, told)
        measured[attribute.column] = told
        appended.hold(case, attribute, related, told)
    return Report(tuple(findings), measured)


def people(case: Case) -> set[str]:
    """Blind numbers of the people the findings are about, for a repair that leaves them out; never shown."""
    look(case)
    return {str(row[0]) for row in case.connection.execute(f"SELECT DISTINCT {SUBJECT} FROM {PEOPLE}").fetchall()}


def _note(case: Case, source: str) -> None:
    case.connection.execute(f"INSERT INTO {PEOPLE} SELECT DISTINCT {SUBJECT} FROM {source}")


# Which releases


def _related(case: Case, attribute: Attribute) -> tuple[list[Related], list[Release], list[Release]]:
    """(releases that show the attribute, those at a level that cannot be compared, those whose rows are gone)."""
    mine = case.release.recipient
    good: list[Related] = []
    incomparable: list[Release] = []
    gone: list[Release] = []
    for item in case.earlier:
        if item.form != ROWS or (mine and item.recipient not in ("", mine)):
            continue
        theirs = next((other for other in item.sensitive if other.concept == attribute.concept), None)
        if theirs is None:
            continue
        rows = case.rows(item)
        pair = _comparable(case, attribute, theirs, rows) if rows else None
        if not rows:
            gone.append(item)
        elif pair is None:
            incomparable.append(item)
        else:
            good.append(Related(item, rows, *pair, tuple(_shared(case, item, rows))))
    return good, incomparable, gone


def _comparable(case: Case, mine: Attribute, theirs: Attribute, rows: str) -> tuple[str, str] | None:
    """SQL of both columns' values at the coarser of their levels; None when nothing relates them."""
    first, second = value_of(today(mine)), value_of(today(theirs))
    levels = tuple(item.level if item.level != "0" else "" for item in (mine, theirs))
    if levels[0] == levels[1]:
        return first, second
    name = mine.hierarchy
    if not name or name != theirs.hierarchy:
        return None
    if coarser := _coarser(case, name, levels[0], levels[1], mine, case.about):
        return coarser, second
    if coarser := _coarser(case, name, levels[1], levels[0], theirs, rows):
        return first, coarser
    return None


def _coarser(case: Case, name: str, fine: str, coarse: str, item: Attribute, rows: str) -> str:
    """SQL of a column's values at a coarser level, '' when its own is not finer."""
    try:
        levels = case.codes.levels(name)
        if _place(levels, fine) >= _place(levels, coarse):
            return ""
        if not fine:
            return value_of(case.codes.sql(name, coarse, quote(item.column), str(item.kind)))
        groups = case.codes.between(name, fine, coarse)
    except PolicyError:
        return ""
    held = case.connection.execute(
        f"SELECT DISTINCT CAST({quote(item.column)} AS VARCHAR) FROM {rows} WHERE {quote(item.column)} IS NOT NULL"
    ).fetchall()
    pairs = {str(value): str(group) for (value,) in held if (group := groups.get(value)) is not None}
    if not pairs:
        return ""
    return value_of(chosen(f"CAST({quote(item.column)} AS VARCHAR)", pairs))


def _place(levels: Sequence[str], level: str) -> int:
    if level in levels:
        return levels.index(level) + 1
    return int(level) if level.isascii() and level.isdecimal() else 0


def _shared(case: Case, theirs: Release, rows: str) -> Iterator[tuple[str, str]]:
    """SQL of the quasi-identifiers both show, the candidate's and its own, at the coarser of the two levels."""
    for item in sorted(case.release.quasi, key=lambda item: (item.concept, item.column)):
        other = next((other for other in theirs.quasi if other.concept == item.concept), None)
        pair = _comparable(case, item, other, rows) if other is not None else None
        if pair is not None:
            yield pair


def _linked(case: Case) -> bool:
    return bool(case.release.subject and case.reckoned().persons().linked)


# What is in all sets


def _intersect(
    case: Case, attribute: Attribute, linked: Sequence[Related], level: str, told: dict[str, Any]
) -> list[Finding]:  # fmt: skip
    """People whose possible values, in all classes they stand in, become fewer than l; held against the truth.

    Works on the distinct combinations of classes (``_combos``), not on people: one running intersection over all of
    ``linked``. ``level``: SQL of the candidate's values as they are compared; a release that shows coarser ones leaves
    those whose coarser value it shows. Who has rows in several classes of a release is not told by it: that is for the
    linkage of rows.
    """
    connection = case.connection
    candidates.classes(case.connection, "_in_0", case.about, case.release, level)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _words AS SELECT DISTINCT {level} AS value FROM {case.about}")
    joins, chosen, some = [], [], []
    for at, item in enumerate(linked, start=1):
        candidates.classes(case.connection, f"_in_{at}", item.rows, item.release, item.theirs)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _of_{at} AS SELECT {SUBJECT}, any_value(code) AS code FROM _in_{at} "
            f"WHERE {SUBJECT} IS NOT NULL GROUP BY {SUBJECT} HAVING min(code) = max(code)"
        )
        joins.append(f"LEFT JOIN _of_{at} r{at} ON r{at}.{SUBJECT} = d.{SUBJECT}")
        chosen.append(f"r{at}.code AS c{at}")
        some.append(f"r{at}.code IS NOT NULL")
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE _all_{at} AS SELECT code, value, count(*) / sum(count(*)) OVER "
            f"(PARTITION BY code) AS share FROM _in_{at} GROUP BY code, value"
        )
        if item.mine != level:
            pairs = f"SELECT DISTINCT {level} AS fine, {item.mine} AS coarse FROM {case.about}"
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE _all_{at} AS SELECT a.code, p.fine AS value, a.share FROM _all_{at} a "
                f"JOIN ({pairs}) p ON p.coarse = a.value"
            )
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE _all_0 AS SELECT code, value, count(*) / sum(count(*)) OVER (PARTITION BY code)
        AS share, count(*) OVER (PARTITION BY code) AS kinds FROM _in_0 GROUP BY code, value"""
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _who AS SELECT d.{SUBJECT}, d.code AS c0, d.value, {', '.join(chosen)} "
        f"FROM _in_0 d {' '.join(joins)} WHERE d.{SUBJECT} IS NOT NULL AND ({' OR '.join(some)})"
    )
    candidates.narrow(connection, len(linked))
    return _counted(case, attribute, linked, told)


def _counted(case: Case, attribute: Attribute, linked: Sequence[Related], told: dict[str, Any]) -> list[Finding]:
    connection = case.connection
    least = max(2, int(case.target.l))
    candidates.left(connection, len(linked))
    new = f"true_one AND after < {least} AND alone >= {least} AND before >= {least}"
    compared, known, few = connection.execute(
        f"""SELECT count(DISTINCT {SUBJECT}), count(DISTINCT {SUBJECT}) FILTER ({new} AND after = 1),
        count(DISTINCT {SUBJECT}) FILTER ({new} AND after > 1) FROM _left"""
    ).fetchone() or (0, 0, 0)
    told |= {"compared": int(compared), "known": int(known), "few": int(few),
             "before": _spread(case, "before"), "after": _spread(case, "after")}  # fmt: skip
    if known or few:
        _note(case, f"_left WHERE {new}")
    out = []
    for code, people, when in (("overlap-known", known, "after = 1"), ("overlap-candidates", few, "after > 1")):
        if people:
            labels = _taking_part(case, linked, f"{new} AND {when}")
            out.append(Finding(code, "block", Frozen(l=least), (attribute.column,), labels, int(people)))
    if case.target.t > 0:
        likely = (
            f"true_one AND after >= {least} AND posterior > {_LIKELY} AND posterior - single > {float(case.target.t)}"
        )
        (people,) = connection.execute(f"SELECT count(DISTINCT {SUBJECT}) FILTER ({likely}) FROM _left").fetchone() or (
            0,
        )
        if people:
            _note(case, f"_left WHERE {likely}")
            labels = _taking_part(case, linked, likely)
            out.append(Finding("overlap-posterior", "block", Frozen(share=int(_LIKELY * 100)), (attribute.column,),
                               labels, int(people)))  # fmt: skip
    return out


def _taking_part(case: Case, linked: Sequence[Related], where: str) -> tuple[str, ...]:
    """The releases in which those concerned stand, the most concerned first."""
    counts = ", ".join(f"count(c{at})" for at in range(1, len(linked) + 1))
    row = case.connection.execute(f"SELECT {counts} FROM _left WHERE {where}").fetchone() or ()
    ordered = sorted(zip(row, linked, strict=True), key=lambda pair: -int(pair[0]))
    return _labels([item.release for people, item in ordered if people][:5])


def _spread(case: Case, column: str) -> dict[str, int]:
    rows = case.connection.execute(
        f"SELECT least({column}, 51) AS n, count(DISTINCT {SUBJECT}) FROM _left GROUP BY n ORDER BY n"
    ).fetchall()
    return {str(size) if size <= 50 else "more": int(people) for size, people in rows}


# What vanished, what appeared


def _versions(
    case: Case, attribute: Attribute, related: Sequence[Related], linked: Sequence[Related], told: dict[str, Any]
) -> list[Finding]:  # fmt: skip
    """What changed from each earlier release to the candidate, and from one version to the next before it.

    Each change of a class says of those who moved what they may have (``_hints``); what a person may have is in all of
    them. Where no quasi-identifier is shared, everybody is one class. Held against the truth, and only what the
    candidate adds.
    """
    connection = case.connection
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _hints ({SUBJECT} VARCHAR, hint VARCHAR, label VARCHAR, new BOOLEAN, "
        "held VARCHAR, value VARCHAR)"
    )
    loaded: tuple[list[str], str] | None = None
    for item in related:
        _load(case, "_was", item.rows, [pair[1] for pair in item.shared], item.theirs)
        now = [pair[0] for pair in item.shared], item.mine
        if now != loaded:
            _load(case, "_now", case.about, *now)
            loaded = now
        _moved(case, item.release.label, True)
    ordered = sorted(related, key=lambda item: (item.release.dataset, item.release.number))
    for before, after in pairwise(ordered):
        if before.release.dataset == after.release.dataset and before.theirs == after.theirs:
            columns = [pair[1] for pair in after.shared]
            _load(case, "_was", before.rows, [pair[1] for pair in before.shared], before.theirs)
            _load(case, "_now", after.rows, columns, after.theirs)
            _moved(case, before.release.label, False)
    _standing(case, attribute, related, linked)
    least = max(2, int(case.target.l))
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _worked AS
        WITH people AS (SELECT {SUBJECT}, count(DISTINCT hint) AS n, count(DISTINCT hint) FILTER (NOT new) AS old
            FROM _hints GROUP BY {SUBJECT}),
        left_ AS (SELECT h.{SUBJECT}, h.value, bool_or(h.value = h.held) AS true_one,
            count(DISTINCT h.hint) = any_value(p.n) AS now,
            any_value(p.old) > 0 AND count(DISTINCT h.hint) FILTER (NOT h.new) = any_value(p.old) AS before
            FROM _hints h JOIN people p USING ({SUBJECT}) GROUP BY h.{SUBJECT}, h.value)
        SELECT {SUBJECT} FROM left_ GROUP BY {SUBJECT}
        HAVING bool_or(true_one AND now) AND count(*) FILTER (now) < {least}
            AND NOT (bool_or(before) AND count(*) FILTER (before) < {least})"""
    )
    (people,) = connection.execute("SELECT count(*) FROM _worked").fetchone() or (0,)
    told["moved"] = int(people)
    if not people:
        return []
    _note(case, "_worked")
    rows = connection.execute(
        f"SELECT label, count(DISTINCT {SUBJECT}) AS n FROM _hints JOIN _worked USING ({SUBJECT}) "
        "WHERE label <> ? GROUP BY label ORDER BY n DESC, label LIMIT 5",
        [case.release.label],  # what is compared is no earlier release
    ).fetchall()
    return [Finding("overlap-leavers", "block", columns=(attribute.column,), releases=tuple(row[0] for row in rows),
                    people=int(people))]  # fmt: skip


def _standing(case: Case, attribute: Attribute, related: Sequence[Related], linked: Sequence[Related]) -> None:
    """Put into ``_hints`` the values of every class in which those who moved stand, in each release at the candidate's
    level: what a move leaves open, another release may close. Only of those of whom a move tells something. The
    classes of ``linked`` were made for the candidates."""
    connection = case.connection
    own = value_of(quote(attribute.column))
    made = {item.release.label: f"_in_{at}" for at, item in enumerate(linked, start=1)}
    told = [(item.release, item.rows, item.theirs, False) for item in related if item.mine == own]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _movers AS SELECT {SUBJECT}, any_value(held) AS held FROM _hints "
        f"GROUP BY {SUBJECT}"
    )
    for release, rows, value, new in (*told, (case.release, case.about, own, True)):
        if not release.quasi or not release.subject:
            continue
        held = made.get(release.label, "") if not new else ""
        if not held:
            held = "_in_m"
            candidates.classes(case.connection, held, rows, release, value)
        connection.execute(
            f"""INSERT INTO _hints SELECT m.{SUBJECT}, ?, ?, ?, m.held, v.value
            FROM (SELECT {SUBJECT}, any_value(code) AS code FROM {held} WHERE {SUBJECT} IS NOT NULL GROUP BY {SUBJECT}
                HAVING min(code) = max(code)) c JOIN _movers m USING ({SUBJECT})
            JOIN (SELECT DISTINCT code, value FROM {held}) v USING (code)""",
            [f"class {release.label}", release.label, new],
        )


def _load(case: Case, name: str, rows: str, columns: Sequence[str], value: str) -> None:
    case.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {SUBJECT}, md5_number_lower({canonical(columns)}) AS class, "
        f"{value} AS value FROM {rows}"
    )


def _moved(case: Case, label: str, new: bool) -> None:
    """Put into ``_hints`` what those who left a class of ``_was`` or joined one of ``_now`` may have."""
    connection = case.connection
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE _change AS SELECT coalesce(n.class, w.class) AS class,
        coalesce(n.value, w.value) AS value, coalesce(n.n, 0) - coalesce(w.n, 0) AS d, coalesce(w.n, 0) AS was,
        coalesce(n.n, 0) AS now FROM (SELECT class, value, count(*) AS n FROM _now GROUP BY ALL) n
        FULL JOIN (SELECT class, value, count(*) AS n FROM _was GROUP BY ALL) w
        ON n.class = w.class AND n.value = w.value"""
    )
    for here, there, which, held in (("_was", "_now", "-d", "was"), ("_now", "_was", "d", "now")):
        # Rows that are linked to nobody were there before: an appended part tells of who joined, not of who left.
        (lost,) = connection.execute(f"SELECT count(*) FROM {there} WHERE {SUBJECT} IS NULL").fetchone() or (0,)
        if lost:
            continue
        connection.execute(
            f"""INSERT INTO _hints WITH moved AS (SELECT h.* FROM {here} h ANTI JOIN {there} t
                ON t.{SUBJECT} = h.{SUBJECT} AND t.class = h.class WHERE h.{SUBJECT} IS NOT NULL),
            movers AS (SELECT class, count(*) AS n FROM moved GROUP BY class),
            changed AS (SELECT class, sum({which}) FILTER ({which} > 0) AS n, count(*) FILTER ({which} > 0) AS kinds,
                count(*) FILTER ({held} > 0) AS all_kinds FROM _change GROUP BY class)
            SELECT m.{SUBJECT}, ? || m.class, ?, ?, m.value, v.value
            FROM moved m JOIN movers USING (class) JOIN changed c USING (class) JOIN _change v ON v.class = m.class
            WHERE {which.replace("d", "v.d")} > 0 AND c.n = movers.n AND c.kinds < c.all_kinds""",
            [f"{here} {label} {new} ", label, new],
        )


def _unlinked(case: Case, attribute: Attribute, related: Sequence[Related]) -> list[Finding]:
    labels = _labels([item.release for item in related])
    why = f"the rows are not linked to persons, so what {', '.join(labels)} shows of the same people is unknown"
    return [Finding("not-looked", "review", Frozen(what=attribute.column, why=why), (attribute.column,), labels)]


def _labels(releases: Sequence[Release]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.label for item in releases))
