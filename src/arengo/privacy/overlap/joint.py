"""Step 3, joint refinement: how small the groups become that all releases together make (privacy.md, section 3).

Two people are in one joint class when every release shows the same of both; a release that does not tell of a person
is a value of its own. Somebody is *newly below k* when the group known before had at least k people, the one after has
fewer, and it is the candidate's columns that split it (not merely who is in the candidate). That is the worst case: an
attacker who knows every observable attribute and can tell which row is whose (Ganta, Kasiviswanathan, Smith, KDD 2008).
Where rows are not linked to persons, the register's people take their place: what the release would show of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arengo.contract.model import Frozen
from arengo.lake.layout import quote
from arengo.privacy.bridge import moved
from arengo.privacy.declared import K_MAP, model_of
from arengo.privacy.finding import Finding, Report
from arengo.privacy.overlap import grown, mapped
from arengo.privacy.overlap.classes import SUBJECT, Classes, Sources, by_series, counted, marks, series_of
from arengo.privacy.release import ROWS, Attribute, Release

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arengo.privacy.case import Case

MORE = 50
"""Sizes of groups up to which a histogram tells them apart."""
_GROUPS = "_joint_groups"
_NAMED = 5  # earlier releases a sentence names at most


@dataclass(frozen=True, slots=True)
class Joint:
    """Made in the case's connection. ``_joint``: one row a person of the candidate: ``_subject``, ``other`` (class by
    all other series), ``code`` (mark of the candidate), ``after``, ``n_before``, ``n_members`` (people of the
    candidate that were alike before), ``n_after``, ``known`` (an other release tells of them), ``newly`` below k,
    ``further`` (in a group smaller than k before already, that the candidate splits).
    """

    columns: tuple[Attribute, ...]
    series: tuple[tuple[Release, str], ...]  # newest release of each other series, SQL of its marks
    unlinked: tuple[Release, ...]  # could not be compared
    unmapped: tuple[str, ...]  # columns the register does not tell
    gone: tuple[Release, ...]
    linked: bool
    whole: bool = False  # everybody's marks are those of linked rows, so counts may move with what is added
    persons: bool = True  # who they are is at hand, not only how many


def scope(case: Case) -> tuple[Release, ...]:
    """Earlier releases about rows that the candidate's readers may hold too: those to everybody and to the same
    recipient; when the candidate is for everybody, all of them."""
    mine = case.release.recipient
    held = (item for item in case.earlier if item.form == ROWS and item.quasi)
    return tuple(item for item in held if not mine or item.recipient in ("", mine))


def look(case: Case) -> Report:
    """Findings ``overlap-*`` and ``register-*``. ``measured``: ``before`` and ``after`` (size of a group -> people),
    ``people`` newly below k, ``further`` (see :class:`Joint`), ``singled_out`` (of the new ones alone), ``groups``
    (that they make), ``releases`` (each ``label``, ``columns``, ``alone``: people it puts below k by itself,
    ``together``: with the candidate, ``costs``: people who would stay in a group of k without it), ``columns`` (of the
    candidate: ``column``, ``costs``), ``k``.
    """
    release = case.release
    if release.form != ROWS or not release.quasi:
        return Report()
    stated = _population(case)
    if stated is not None:
        return Report((stated,))
    truth = case.truth()
    register = tuple(item for item in getattr(case.truth, "findings", ()) if not _first(case, item))
    before = scope(case)
    if not before:
        return Report((*register, *_strangers(case)))
    alone = _among_its_own(case, before)
    if alone is not None:
        return Report((*register, *_strangers(case), *alone.findings), alone.measured)
    mark = Classes(case.home).made(release.population).mark
    joint, measured = _grown(case, before, mark)
    if joint is None:
        if not _is_linked(case) or model_of(case.contract) == K_MAP or not all(item.subject for item in before):
            truth = case.stored_truth()  # it stands in for persons
        joint = _build(case, before, truth)
        measured = _measured(case, joint)
        if joint.whole:
            grown.hold(case, before, mark)
    findings = [*register, *_strangers(case), *_unseen(case, joint)]
    if measured["people"]:
        findings += _newly(case, joint, measured)
    if measured["further"]:
        labels = tuple(item["label"] for item in measured["releases"][:_NAMED])
        findings.append(Finding("overlap-joint-further", "review", Frozen(k=case.target.k), (), labels,
                                measured["further"]))  # fmt: skip
    return Report(tuple(findings), measured)


def _population(case: Case) -> Finding | None:
    if not case.release.population:
        return Finding("overlap-no-population", "review", columns=tuple(item.column for item in case.release.quasi))
    if case.population is None:
        return Finding("overlap-unknown-population", "review", Frozen(population=case.release.population))
    return None


def _strangers(case: Case) -> Iterator[Finding]:
    """Persons of another population than the contract's: their other publications were not compared."""
    for column in case.contract.as_read().properties:
        named = str(column.custom.get("arengoSubject", ""))
        if named and named not in (case.release.population, *(item.name for item in case.kin)):
            facts = Frozen(what=column.name, why=f"its persons are of the population {named}, and this is published "
                           f"as {case.release.population}")  # fmt: skip
            yield Finding("not-looked", "review", facts, (column.name,))


def _first(case: Case, item: Finding) -> bool:
    """Whether the register is missed because it is what is being published, for the first time."""
    return item.code == "register-missing" and item.facts.get("register") == case.release.dataset


def _among_its_own(case: Case, before: Sequence[Release]) -> Report | None:
    """Where nothing but earlier versions of the same series is public, no other release tells of anybody: what is
    measured without the classes, None where more must be looked at."""
    mine = series_of(case.release)
    persons = case.reckoned().persons()
    if not case.release.subject or not persons.rows or persons.linked < persons.rows:
        return None
    if model_of(case.contract) == K_MAP or any(series_of(item) != mine for item in before):
        return None
    if any(item.population != case.release.population for item in before):
        return None  # of this dataset as it was published about another population of the same register
    linked = tuple(item for item in before if item.subject)
    classes = Classes(case.home)
    fresh = classes.fresh(case.release.population, linked)
    k = int(case.target.k)
    sizes = f"SELECT n FROM {case.reckoned().groups([item.column for item in case.release.quasi])}"
    if persons.several:
        codes = _codes(case, classes if fresh else None, linked)
        if not codes:
            return None
        sizes = f"SELECT count(*) AS n FROM ({codes}) GROUP BY code"
    (alone,) = case.connection.execute(f"SELECT coalesce(sum(n) FILTER (n < {k}), 0) FROM ({sizes})").fetchone() or (0,)
    gone = () if fresh else tuple(item for item in counted(linked) if not case.rows(item))
    findings = (Finding("overlap-rows-gone", "review", releases=_labels(gone)),) if gone else ()
    measured: dict[str, Any] = {
        "k": k, "people": 0, "singled_out": 0, "groups": 0, "further": 0, "before": {}, "after": {}, "releases": [],
        "columns": [], "alone": int(alone),
    }  # fmt: skip
    return Report(findings, measured)


def _codes(case: Case, classes: Classes | None, linked: Sequence[Release]) -> str:
    """SQL of (``_subject``, ``code``) of an append: the marks of its series stay but for persons of new rows. '' where
    the series may tell of others than the version before."""
    added = case.reckoned().added
    if added is None or not added.held or classes is None:
        return ""
    series = series_of(case.release)
    own = classes.sources(case.connection, case.release.population, linked, case.rows).series.get(series, "")
    if not own or case.reckoned().count(own) != case.reckoned().kept.get("people", {}).get("persons"):
        return ""
    ordered = sorted(case.release.quasi, key=lambda item: (item.concept, item.column))
    touched = f"(SELECT * FROM {case.about} SEMI JOIN (SELECT {SUBJECT} FROM {added.rows}) t USING ({SUBJECT}))"
    new = marks(series, [quote(item.column) for item in ordered], touched)
    return (
        f"SELECT {SUBJECT}, code FROM {own} ANTI JOIN (SELECT {SUBJECT} FROM {added.rows}) t USING ({SUBJECT}) "
        f"UNION ALL SELECT {SUBJECT}, code FROM ({new})"
    )


# The classes


def _grown(case: Case, before: Sequence[Release], mark: str) -> tuple[Joint | None, dict[str, Any]]:
    """Of an append: moved by what it adds; nothing where a whole pass must be taken, as it must to say who is newly
    alone by what."""
    if not grown.tally(case, before):
        return None, {}
    case.connection.execute(f"CREATE OR REPLACE TEMP TABLE {_GROUPS} AS {_groups(case, grown.TALLY, grown.WAS)}")
    ordered = tuple(sorted(case.release.quasi, key=lambda item: (item.concept, item.column)))
    series = [(versions[-1], "") for key, versions in by_series(before).items() if key != series_of(case.release)]
    joint = Joint(ordered, tuple(series), (), (), (), True, True, False)
    measured = _measured(case, joint)
    if measured["people"]:
        return None, {}
    grown.hold(case, before, mark)
    return joint, measured


def build(case: Case, before: Sequence[Release], truth: str) -> Joint:
    """Make the table ``_joint`` of the candidate against ``before`` (see :class:`Joint`)."""
    made = _build(case, before, truth)
    _persons(case)
    return made


def _build(case: Case, before: Sequence[Release], truth: str) -> Joint:
    """Make the groups alone: how many people there are of each kind."""
    connection, release = case.connection, case.release
    linked = tuple(item for item in before if item.subject)
    sources = _sources(case, linked)
    series = [(versions[-1], sources.series[key]) for key, versions in by_series(linked).items()
              if key != series_of(release)]  # fmt: skip
    own = sources.series.get(series_of(release), "")
    unlinked = []
    extra = []
    for number, item in enumerate(before):
        if item.subject:
            continue
        told = mapped.marks(case, item, case.rows(item), truth)
        if not told:
            if series_of(item) != series_of(release):
                unlinked.append(item)
            continue
        connection.execute(f"CREATE OR REPLACE TEMP TABLE _mapped_{number} AS {told}")
        if series_of(item) == series_of(release):
            continue
        extra.append(f"SELECT {SUBJECT}, code FROM _mapped_{number}")
        series.append((item, f"_mapped_{number}"))
    known = f"SELECT {SUBJECT}, class FROM {sources.before}"
    if extra:
        union = " UNION ALL ".join((f"SELECT {SUBJECT}, class AS code FROM {sources.before}", *extra))
        known = f"SELECT {SUBJECT}, bit_xor(code) AS class FROM ({union}) GROUP BY {SUBJECT}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _joint_before AS {known}")
    ordered = tuple(sorted(release.quasi, key=lambda item: (item.concept, item.column)))
    columns, unmapped = _candidate(case, ordered, truth, own)
    _together(case, own)
    whole = not extra and not unlinked and model_of(case.contract) != K_MAP
    linked_ = _is_linked(case)
    return Joint(columns, tuple(series), tuple(unlinked), unmapped, sources.gone, linked_, whole and linked_)


def _sources(case: Case, linked: Sequence[Release]) -> Sources:
    """Where the classes are read. Those of other populations of the register are files of their own, read under the
    numbers of here: what somebody is in one population and in the other makes one class."""
    classes, mine = Classes(case.home), case.release.population
    of = {
        name: tuple(item for item in linked if item.population == name) for name in {item.population for item in linked}
    }
    keys = [key for releases in of.values() for key in by_series(releases)]
    apart = len(keys) == len(set(keys)) and all(classes.fresh(name, releases) for name, releases in of.items())
    if set(of) <= {mine} or not apart:
        return classes.sources(case.connection, mine, linked, case.rows)
    parts: list[str] = []
    series: dict[str, str] = {}
    for name, releases in of.items():
        if not by_series(releases):
            continue
        held, pairs = classes.sources(case.connection, name, releases, case.rows), case.pairs(name)
        parts.append(f"SELECT {SUBJECT}, class AS code FROM {moved(held.before, pairs)}")
        series |= {key: moved(sql, pairs) for key, sql in held.series.items()}
    before = f"SELECT {SUBJECT}, bit_xor(code) AS class FROM ({' UNION ALL '.join(parts)}) GROUP BY {SUBJECT}"
    return Sources(f"({before})", series)


def _is_linked(case: Case) -> bool:
    if not case.release.subject:
        return False
    (known,) = case.connection.execute(f"SELECT count({SUBJECT}) FROM {case.about}").fetchone() or (0,)
    return bool(known)


def _candidate(
    case: Case, ordered: tuple[Attribute, ...], truth: str, own: str
) -> tuple[tuple[Attribute, ...], tuple[str, ...]]:
    """Make ``_joint_rows``: what the candidate shows of each person, columns ``c0``, ``c1``, ...; and ``_joint_marks``.

    Rows that are linked are taken as they are. With the model k-map, or where they are not linked, everybody of the
    register whom the candidate may be about stands in. An appended part is read with what its series told before.
    """
    connection, series = case.connection, series_of(case.release)
    linked = _is_linked(case)
    unmapped: tuple[str, ...] = ()
    columns = ordered
    if not linked or (model_of(case.contract) == K_MAP and truth):
        columns, unmapped = mapped.columns(case, ordered, truth)
        shown = mapped.shown(case, columns, case.about, truth) if columns else ""
        inside = f"{SUBJECT} IN (SELECT {SUBJECT} FROM {case.about})" if linked else "true"
    else:
        listed = "".join(f", {quote(item.column)} AS c{at}" for at, item in enumerate(columns))
        shown = f"SELECT DISTINCT {SUBJECT}{listed} FROM {case.about} WHERE {SUBJECT} IS NOT NULL"
        inside = "true"
    shown = shown or f"SELECT CAST(NULL AS VARCHAR) AS {SUBJECT} WHERE false"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _joint_rows AS {shown}")
    told = marks(series, [f"c{at}" for at in range(len(columns))], "_joint_rows")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _joint_marks AS SELECT *, {inside} AS inside FROM ({told})")
    (lost,) = connection.execute(f"SELECT count(*) - count({SUBJECT}) FROM {case.about}").fetchone() or (0,)
    if linked and lost and own:
        connection.execute(
            f"INSERT INTO _joint_marks SELECT {SUBJECT}, code, true FROM {own} ANTI JOIN _joint_marks USING ({SUBJECT})"
        )
    return columns, unmapped


def _together(case: Case, own: str) -> None:
    known = f"LEFT JOIN {own} o USING ({SUBJECT})" if own else ""
    was = "coalesce(o.code, 0)" if own else "0::UBIGINT"
    case.connection.execute(f"CREATE OR REPLACE TEMP TABLE {grown.WAS} AS SELECT class, count(*) AS n "
                            "FROM _joint_before GROUP BY class")  # fmt: skip
    case.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _joint_people AS SELECT m.{SUBJECT}, m.code, m.inside, b.class AS class,
            CASE WHEN b.class IS NULL THEN 0::UBIGINT ELSE xor(b.class, {was}) END AS other
        FROM _joint_marks m LEFT JOIN _joint_before b USING ({SUBJECT}) {known}"""
    )
    case.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {grown.TALLY} AS SELECT class, other, code, inside, count(*) AS n "
        "FROM _joint_people GROUP BY ALL"
    )
    case.connection.execute(f"CREATE OR REPLACE TEMP TABLE {_GROUPS} AS {_groups(case, grown.TALLY, grown.WAS)}")


def _persons(case: Case) -> None:
    """Make ``_joint`` of the groups: who is in each."""
    case.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _joint AS SELECT p.{SUBJECT}, g.* EXCLUDE (class, inside, n)
        FROM _joint_people p JOIN {_GROUPS} g ON g.class IS NOT DISTINCT FROM p.class AND g.other = p.other
            AND g.code = p.code AND g.inside = p.inside"""
    )


def _groups(case: Case, tally: str, was: str) -> str:
    """SQL of the columns of ``_joint`` for each kind of person, and ``n``, how many there are."""
    k = int(case.target.k)
    return f"""WITH people AS (SELECT * FROM {tally}), was AS (SELECT * FROM {was}),
        alike AS (SELECT other, sum(n) AS n FROM people GROUP BY other),
        now AS (SELECT xor(other, code) AS after, sum(n) AS n FROM people GROUP BY ALL)
        SELECT p.class, p.inside, p.n, p.other, p.code, now.after, coalesce(was.n, 0)::BIGINT AS n_before,
            alike.n::BIGINT AS n_members, now.n::BIGINT AS n_after, p.inside AND p.other <> 0 AS known,
            coalesce(p.inside AND p.other <> 0 AND was.n >= {k} AND now.n < {k} AND now.n < alike.n, false) AS newly,
            coalesce(p.inside AND p.other <> 0 AND was.n < {k} AND now.n < was.n AND now.n < alike.n, false) AS further
        FROM people p LEFT JOIN was ON was.class = p.class JOIN alike ON alike.other = p.other
        JOIN now ON now.after = xor(p.other, p.code)"""


def joint_classes(case: Case, table: str = "") -> NDArray[np.int64]:
    """For each row of ``table`` (default the candidate; it has ``_subject``), in its order, the class of its person by
    all *other* releases, without the candidate's own columns: numbers from 0, 0 for everybody of whom nothing is
    known or whose group was below k before already. Shape (rows,). A repair must leave at least k people in each
    group of this number together with the released columns.
    """
    table = table or case.table
    before = scope(case)
    (rows,) = case.connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    if case.release.form != ROWS or case.population is None or not before:
        return np.zeros(int(rows), np.int64)
    build(case, before, case.truth())
    found = case.connection.execute(
        f"""WITH held AS (SELECT {SUBJECT}, dense_rank() OVER (ORDER BY other) AS class FROM _joint
            WHERE known AND n_before >= {int(case.target.k)}),
        given AS (SELECT {SUBJECT}, row_number() OVER () AS at FROM {table})
        SELECT coalesce(h.class, 0) AS class FROM given g LEFT JOIN held h USING ({SUBJECT}) ORDER BY g.at"""
    ).fetchnumpy()["class"]
    return np.asarray(found, np.int64)


def people_below(case: Case) -> int:
    """How many people the candidate would newly put into a group smaller than k, together with what is public."""
    before = scope(case)
    if case.release.form != ROWS or case.population is None or not before or not case.release.quasi:
        return 0
    _build(case, before, case.truth())
    sql = f"SELECT coalesce(sum(n) FILTER (newly), 0) FROM {_GROUPS}"
    (found,) = case.connection.execute(sql).fetchone() or (0,)
    return int(found)


# What is said


def _unseen(case: Case, joint: Joint) -> list[Finding]:
    out = []
    if joint.gone:
        out.append(Finding("overlap-rows-gone", "review", releases=_labels(joint.gone)))
    if not joint.linked and (joint.unmapped or not joint.columns):
        others = [item for item in scope(case) if series_of(item) != series_of(case.release)]
        if others:
            names = joint.unmapped or tuple(item.column for item in case.release.quasi)
            out.append(Finding("overlap-unlinked", "review", columns=names, releases=_labels(others)))
    elif joint.unlinked:
        columns = sorted({item.column for release in joint.unlinked for item in release.quasi})
        out.append(Finding("overlap-unlinked", "review", columns=tuple(columns), releases=_labels(joint.unlinked)))
    return out


def _newly(case: Case, joint: Joint, measured: dict[str, Any]) -> list[Finding]:
    costly = [item for item in measured["releases"] if item["costs"]] or measured["releases"]
    labels = tuple(item["label"] for item in costly[:_NAMED])
    sql = f"SELECT min(n_before), max(n_after) FROM {_GROUPS} WHERE newly"
    least, most = case.connection.execute(sql).fetchone() or (case.target.k, 1)
    first = measured["columns"][0]["column"] if measured["columns"] else ""
    facts = {"k": int(least), "most": int(most), "alone": measured["singled_out"], "column": first,
             "release": labels[0] if labels else ""}  # fmt: skip
    out = [Finding("overlap-joint", "block", Frozen(facts), tuple(item["column"] for item in measured["columns"]),
                   labels, measured["people"])]  # fmt: skip
    withdrawn = {item.label for item in case.earlier if item.withdrawn}
    out += [Finding("overlap-withdrawn", releases=(label,)) for label in labels if label in withdrawn]
    return out


def _measured(case: Case, joint: Joint) -> dict[str, Any]:
    connection, k = case.connection, int(case.target.k)
    people, singled, groups, further = connection.execute(
        "SELECT coalesce(sum(n) FILTER (newly), 0), coalesce(sum(n) FILTER (newly AND n_after = 1), 0), "
        f"count(DISTINCT after) FILTER (newly), coalesce(sum(n) FILTER (further), 0) FROM {_GROUPS}"
    ).fetchone() or (0, 0, 0, 0)
    out: dict[str, Any] = {
        "k": k, "people": int(people), "singled_out": int(singled), "groups": int(groups), "further": int(further),
        "before": _histogram(case, "n_before"), "after": _histogram(case, "n_after"), "releases": [], "columns": [],
    }  # fmt: skip
    (alone,) = connection.execute(
        f"SELECT coalesce(sum(n) FILTER (n < {k}), 0) FROM (SELECT sum(n) AS n FROM {_GROUPS} GROUP BY code)"
    ).fetchone() or (0,)
    out["alone"] = int(alone)
    if people and joint.persons:
        _persons(case)
        out["releases"] = sorted(
            (_release(case, item, sql) for item, sql in joint.series), key=lambda it: (-it["costs"], -it["together"])
        )
        out["columns"] = sorted(_columns(case, joint), key=lambda item: -item["costs"])
    else:
        out["releases"] = [{"label": item.label, "columns": _names(item)} for item, _ in joint.series]
    return out


def _histogram(case: Case, column: str) -> dict[str, int]:
    rows = case.connection.execute(
        f"SELECT least({column}, {MORE + 1}) AS size, sum(n) FROM {_GROUPS} WHERE known GROUP BY size ORDER BY size"
    ).fetchall()
    return {str(size) if size <= MORE else "more": int(people) for size, people in rows}


def _release(case: Case, release: Release, marks_sql: str) -> dict[str, Any]:
    """What an earlier release has to do with it: leave it out, and see who would stay in a group of k."""
    k = int(case.target.k)
    together, saved = case.connection.execute(
        f"""WITH met AS (SELECT j.newly, j.code, xor(j.after, coalesce(s.code, 0)) AS rest, s.code AS seen
            FROM _joint j LEFT JOIN {marks_sql} s USING ({SUBJECT})),
        small AS (SELECT rest, count(*) AS n FROM met GROUP BY rest),
        pairs AS (SELECT seen, code, count(*) AS n FROM met WHERE seen IS NOT NULL GROUP BY seen, code),
        hit AS (SELECT rest, seen, code FROM met WHERE newly)
        SELECT (SELECT count(*) FROM hit JOIN pairs USING (seen, code) WHERE n < {k}),
            (SELECT count(*) FROM hit JOIN small USING (rest) WHERE n >= {k})"""
    ).fetchone() or (0, 0)
    (alone,) = case.connection.execute(
        f"SELECT coalesce(sum(n) FILTER (n < {k}), 0) FROM (SELECT count(*) AS n FROM {marks_sql} GROUP BY code)"
    ).fetchone() or (0,)
    return {"label": release.label, "columns": _names(release), "alone": int(alone), "together": int(together),
            "costs": int(saved)}  # fmt: skip


def _columns(case: Case, joint: Joint) -> list[dict[str, Any]]:
    """What each column of the candidate costs: leave it out, and see who would stay in a group of k."""
    out = []
    k, series = int(case.target.k), series_of(case.release)
    for left, item in enumerate(joint.columns):
        kept = [f"c{at}" for at in range(len(joint.columns)) if at != left]
        (saved,) = case.connection.execute(
            f"""WITH rest AS (SELECT j.newly, xor(j.other, m.code) AS after
                FROM _joint j JOIN ({marks(series, kept, "_joint_rows")}) m USING ({SUBJECT})),
            small AS (SELECT after, count(*) AS n FROM rest GROUP BY after)
            SELECT count(*) FROM rest JOIN small USING (after) WHERE newly AND n >= {k}"""
        ).fetchone() or (0,)
        out.append({"column": item.column, "concept": item.concept, "costs": int(saved)})
    return out


def _names(release: Release) -> list[str]:
    return [item.column for item in release.quasi]


def _labels(releases: Sequence[Release]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.label for item in releases))


__all__ = ["Joint", "build", "counted", "joint_classes", "look", "people_below", "scope"]
