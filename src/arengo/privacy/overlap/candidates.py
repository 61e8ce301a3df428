"""What several releases leave of a sensitive value: each person's classes, and the values that are in all of them.

The tables are made in the connection of a case. ``_who``: ``_subject``, ``value``, and the class of the person in the
candidate (``c0``) and in each other release (``c1``, ...; NULL where it does not tell of them). ``_all_0``: ``code``,
``value``, ``share``, ``kinds`` of the candidate's classes; ``_all_1``, ...: those of the others. ``_words``: all values
of the candidate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from arengo.lake.layout import quote
from arengo.privacy.overlap.classes import SUBJECT, canonical
from arengo.privacy.release import Release

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Related:
    """An earlier release that shows the same sensitive attribute. ``mine``, ``theirs``: SQL of the values over the
    candidate's and its own rows, at the coarser of the two levels. ``shared``: the same of the quasi-identifiers of one
    concept.
    """

    release: Release
    rows: str
    mine: str
    theirs: str
    shared: tuple[tuple[str, str], ...]


def value_of(sql: str) -> str:
    return f"coalesce(CAST({sql} AS VARCHAR), '~')"


def classes(connection: duckdb.DuckDBPyConnection, name: str, rows: str, release: Release, value: str) -> None:
    """Make ``name``: (``_subject``, ``code``, ``value``), a row for each row; ``code``: the class of its
    quasi-identifiers. Rows that are linked to nobody are in their class all the same."""
    ordered = sorted(release.quasi, key=lambda item: (item.concept, item.column))
    mark = f"md5_number_lower({canonical([quote(item.column) for item in ordered])})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {SUBJECT}, {mark} AS code, {value} AS value FROM {rows}"
    )


def narrow(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    """Make ``_before`` and ``_after``: (``combo``, ``value``, ``weight``), what each combination of classes leaves.
    ``_who``, ``_all_0`` and an ``_all_`` of each release are made.

    ``weight``: product of the shares the value has in the classes, which makes the posterior once renormalised.
    """
    listed = ", ".join(f"c{at}" for at in range(number + 1))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE _combos AS SELECT row_number() OVER () AS combo, * FROM "
        f"(SELECT DISTINCT {listed} FROM _who)"
    )
    parts = []
    for at in range(1, number + 1):
        first = " AND ".join([f"c{at} IS NOT NULL", *(f"c{other} IS NULL" for other in range(1, at))])
        parts.append(f"SELECT combo, value, share AS weight FROM _combos JOIN _all_{at} ON code = c{at} WHERE {first}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _before AS {' UNION ALL '.join(parts)}")
    for at in range(2, number + 1):
        first = " AND ".join(f"c.c{other} IS NULL" for other in range(1, at))
        connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE _before AS SELECT b.combo, b.value, CASE WHEN c.c{at} IS NULL OR {first}
                THEN b.weight ELSE b.weight * a.share END AS weight
            FROM _before b JOIN _combos c USING (combo) LEFT JOIN _all_{at} a ON a.code = c.c{at} AND a.value = b.value
            WHERE c.c{at} IS NULL OR a.value IS NOT NULL OR b.value NOT IN (SELECT value FROM _words)"""
        )
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE _after AS SELECT b.combo, b.value, b.weight * a.share AS weight
        FROM _before b JOIN _combos c USING (combo) JOIN _all_0 a ON a.code = c.c0 AND a.value = b.value"""
    )


def left(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    """Make ``_left``: of each row of ``_who`` how many values were left ``before`` and are ``after``, how many its
    class has ``alone``, whether its own is among those left (``true_one``), and how likely that is."""
    keys = " AND ".join(f"w.c{at} IS NOT DISTINCT FROM c.c{at}" for at in range(number + 1))
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _left AS
        WITH old AS (SELECT combo, count(*) AS n FROM _before GROUP BY combo),
        new AS (SELECT combo, count(*) AS n, sum(weight) AS weight FROM _after GROUP BY combo),
        own AS (SELECT DISTINCT code, kinds FROM _all_0)
        SELECT w.{SUBJECT}, coalesce(old.n, 0) AS before, coalesce(new.n, 0) AS after, own.kinds AS alone,
            a.value IS NOT NULL AS true_one, a.weight / new.weight AS posterior, s.share AS single
            {"".join(f", w.c{at}" for at in range(1, number + 1))}
        FROM _who w JOIN _combos c ON {keys} LEFT JOIN old ON old.combo = c.combo LEFT JOIN new ON new.combo = c.combo
        LEFT JOIN _after a ON a.combo = c.combo AND a.value = w.value JOIN own ON own.code = w.c0
        JOIN _all_0 s ON s.code = w.c0 AND s.value = w.value"""
    )
