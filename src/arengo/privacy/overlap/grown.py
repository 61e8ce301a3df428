"""Step 3 of an append: the persons it adds to leave their joint classes and join others, everybody else stays.

What step 3 says is a function of how many people stand in each class, so that is kept with a version: ``W``, people of
the population in each joint class, and ``P``, persons of the dataset by class and mark of their own series. An append
changes the marks of its own persons alone (a class is the exclusive or of marks, decision 0208); their old class and
mark are read from the files of the classes, and the counts move by them. Counts are only used where the file of the
classes is the one that came of the kept one by this dataset's newest version and nothing else; where another release
came between, they are counted from the files, without marks being made anew. Whatever else differs takes a whole pass
(reference: decision 0231).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from arengo.lake.layout import quote
from arengo.privacy.declared import K_MAP, model_of
from arengo.privacy.overlap.classes import SUBJECT, Classes, by_series, marks, series_of

if TYPE_CHECKING:
    from arengo.privacy.case import Case
    from arengo.privacy.release import Release

WAS = "_grown_was"
TALLY = "_grown_tally"
CLASSES = "joint classes"
PERSONS = "joint persons"


def tally(case: Case, before: Sequence[Release]) -> bool:
    """Make ``_grown_was`` (``class``, ``n``: people of the population) and ``_grown_tally`` (``class`` by all that is
    public, NULL where nothing is, ``other``: by all other series, ``code``: mark of the candidate, ``n`` persons of the
    candidate) of an append. False where a whole pass must be taken."""
    reckoning, release = case.reckoned(), case.release
    added = reckoning.added
    if added is None or not added.held or not release.subject or model_of(case.contract) == K_MAP:
        return False
    if not all(item.subject for item in before):
        return False
    classes, population = Classes(case.home), release.population
    series = series_of(release)
    versions = by_series(before).get(series, [])
    if not versions or versions[-1].label != f"{release.dataset} {added.kept.name}":
        return False
    if not classes.fresh(population, tuple(before)):
        return False
    sources = classes.sources(case.connection, population, tuple(before), case.rows)
    own = sources.series[series]
    people = reckoning.kept.get("people", {})
    if not people.get("persons") or reckoning.count(own) != people["persons"]:
        return False  # the series tells of persons whom its newest version does not
    known = _known(case, classes, versions[-1])
    if known is None:
        was = f"SELECT class, count(*) AS n FROM {sources.before} GROUP BY class"
        persons = f"SELECT class, code, count(*) AS n FROM {own} JOIN {sources.before} USING ({SUBJECT}) GROUP BY ALL"
    else:
        was, persons = f"SELECT * FROM {known[0]}", f"SELECT * FROM {known[1]}"
    run = case.connection.execute
    run(f"CREATE OR REPLACE TEMP TABLE {WAS} AS {was}")
    run(
        f"CREATE OR REPLACE TEMP TABLE _grown_touched AS SELECT DISTINCT {SUBJECT} FROM {added.rows} "
        f"WHERE {SUBJECT} IS NOT NULL"
    )
    rows = added.rows
    if reckoning.persons().several:
        rows = f"(SELECT * FROM {case.about} SEMI JOIN _grown_touched USING ({SUBJECT}))"
    ordered = sorted(release.quasi, key=lambda item: (item.concept, item.column))
    new = marks(series, [quote(item.column) for item in ordered], rows)
    run(
        f"CREATE OR REPLACE TEMP TABLE _grown_moved AS SELECT t.{SUBJECT}, b.class, o.code AS was, n.code "
        f"FROM _grown_touched t JOIN ({new}) n USING ({SUBJECT}) "
        f"LEFT JOIN (SELECT * FROM {own} SEMI JOIN _grown_touched USING ({SUBJECT})) o USING ({SUBJECT}) "
        f"LEFT JOIN (SELECT * FROM {sources.before} SEMI JOIN _grown_touched USING ({SUBJECT})) b USING ({SUBJECT})"
    )
    run(
        f"CREATE OR REPLACE TEMP TABLE {TALLY} AS SELECT class, other, code, true AS inside, sum(n)::BIGINT AS n FROM ("
        f"SELECT class, xor(class, code) AS other, code, n FROM ({persons}) UNION ALL "
        "SELECT class, xor(class, was), was, -1 FROM _grown_moved WHERE was IS NOT NULL UNION ALL "
        "SELECT class, CASE WHEN class IS NULL THEN 0::UBIGINT ELSE xor(class, coalesce(was, 0)) END, code, 1 "
        "FROM _grown_moved) GROUP BY ALL HAVING sum(n) <> 0"
    )
    (wrong,) = run(f"SELECT count(*) FROM {TALLY} WHERE n < 0").fetchone() or (1,)
    (all_,) = run(f"SELECT sum(n) FROM {TALLY}").fetchone() or (0,)
    return not wrong and all_ == reckoning.persons().persons


def _known(case: Case, classes: Classes, newest: Release) -> tuple[str, str] | None:
    """(people of each class, persons of each class and mark) as they were kept, where the classes are what the newest
    version made of those the counts were taken of."""
    reckoning = case.reckoned()
    was, persons = reckoning.held(CLASSES), reckoning.held(PERSONS)
    if was is None or persons is None:
        return None
    made = classes.made(case.release.population)
    if not made.of or made.by != newest.label or not made.of == was[1].get("of") == persons[1].get("of"):
        return None
    return was[0], persons[0]


def hold(case: Case, before: Sequence[Release], mark: str) -> None:
    """Keep the counts as they are when the candidate is published. ``_grown_was`` and ``_grown_tally`` are made.
    ``mark``: of the classes before they were made; where it is another one now, they are not of those that are there.
    """
    classes = Classes(case.home)
    if not case.reckoned().keeping or not classes.fresh(case.release.population, tuple(before)):
        return
    made = classes.made(case.release.population)
    if not made.mark or made.mark != mark:
        return
    after = f"SELECT xor(other, code) AS class, code, sum(n)::BIGINT AS n FROM {TALLY} GROUP BY ALL"
    case.reckoned().hold(
        CLASSES,
        f"SELECT class, sum(n)::BIGINT AS n FROM (SELECT class, n FROM {WAS} UNION ALL SELECT class, -n FROM {TALLY} "
        f"WHERE class IS NOT NULL UNION ALL SELECT class, n FROM ({after})) GROUP BY class HAVING sum(n) <> 0",
        of=made.mark,
    )
    case.reckoned().hold(PERSONS, after, of=made.mark)
