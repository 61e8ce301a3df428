"""What a search holds in memory of every record: order, place, times and facets, as arrays."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Arrays:
    """One state of the index. A record's place is its position in the arrays.

    ``n``: the state's number. ``numbers``: row in the word index; ``by_number``: place of a row, -1 for none.
    ``titles``, ``names``: rank by title and by id. ``updated``, ``created``: seconds since 1970, 0 unknown. ``boxes``:
    west, south, east, north or NaN. ``facets``: name -> (starts, codes): codes[starts[i]:starts[i+1]] are those of
    record i; ``values``: name -> the value of each code. ``documents``: places of datasets of documents. ``own``: which
    are the city's. ``languages``: those that texts are written in.
    """

    n: int
    ids: list[str]
    numbers: np.ndarray[Any, Any]
    by_number: np.ndarray[Any, Any]
    titles: np.ndarray[Any, Any]
    names: np.ndarray[Any, Any]
    updated: np.ndarray[Any, Any]
    created: np.ndarray[Any, Any]
    boxes: np.ndarray[Any, Any]
    facets: Mapping[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]
    values: Mapping[str, list[str]]
    documents: tuple[int, ...]
    own: np.ndarray[Any, Any]
    languages: tuple[str, ...]


def load(connection: sqlite3.Connection) -> Arrays:
    """The arrays of the index as the file has it now, all of one moment."""
    connection.execute("BEGIN")
    try:
        n = int(connection.execute("SELECT n FROM state").fetchone()[0])
        rows = connection.execute(
            "SELECT n, id, title, updated, created, w, s, e, t, kind, harvested, codes FROM doc ORDER BY n"
        ).fetchall()
        named = connection.execute("SELECT code, name, value FROM value ORDER BY code").fetchall()
        languages = tuple(str(row[0]) for row in connection.execute("SELECT language FROM spoken ORDER BY 1"))
    finally:
        connection.execute("COMMIT")
    return _arrays(n, rows, named, languages)


def _arrays(n: int, rows: list[Any], named: list[Any], languages: tuple[str, ...]) -> Arrays:
    import numpy as np

    count = len(rows)
    numbers = np.array([row[0] for row in rows], dtype=np.int64)
    by_number = np.full(int(numbers[-1]) + 1 if count else 1, -1, dtype=np.int64)
    by_number[numbers] = np.arange(count)
    titles, names = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    titles[sorted(range(count), key=lambda i: (rows[i][2], rows[i][1]))] = np.arange(count)
    names[sorted(range(count), key=lambda i: rows[i][1])] = np.arange(count)
    boxes = np.array([row[5:9] for row in rows], dtype=np.float64).reshape(-1, 4)  # None becomes NaN
    facets, values = _facets(rows, named)
    return Arrays(
        n,
        [str(row[1]) for row in rows],
        numbers,
        by_number,
        titles,
        names,
        np.array([row[3] or 0.0 for row in rows], dtype=np.float64),
        np.array([row[4] or 0.0 for row in rows], dtype=np.float64),
        boxes,
        facets,
        values,
        tuple(place for place, row in enumerate(rows) if row[9] == "documents"),
        np.array([not row[10] for row in rows], dtype=bool),
        languages,
    )


def _facets(
    rows: list[Any], named: list[Any]
) -> tuple[dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]], dict[str, list[str]]]:
    """The codes of each record, taken apart by facet."""
    import numpy as np

    lengths = np.array([len(row[11]) // 4 for row in rows], dtype=np.int64)
    codes = np.frombuffer(b"".join(row[11] for row in rows), dtype=np.int32)
    places = np.repeat(np.arange(len(rows)), lengths)
    most = max((int(row[0]) for row in named), default=0) + 1
    kinds: dict[str, int] = {}
    values: dict[str, list[str]] = {}
    kind, within = np.full(most, -1, dtype=np.int64), np.zeros(most, dtype=np.int64)
    for code, name, value in named:
        kind[code] = kinds.setdefault(name, len(kinds))
        held = values.setdefault(name, [])
        within[code] = len(held)
        held.append(str(value))
    facets = {}
    for name, number in kinds.items():
        mine = kind[codes] == number
        starts = np.searchsorted(places[mine], np.arange(len(rows) + 1))
        facets[name] = (starts, within[codes[mine]])
    return facets, values
