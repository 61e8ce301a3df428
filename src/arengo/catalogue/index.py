"""The search index of the catalogue: one disposable SQLite file for words, arrays in memory for facets.

Every process of the server reads the same file; whoever finds it behind brings it up to date, one at a time. What
changed is known by each record's stamp, so a publication costs one record. A damaged file is thrown away and made anew.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.catalogue.record import Record, say
from arengo.catalogue.vocabulary import FILE_TYPES, file_type
from arengo.catalogue.words import fold, tokens
from arengo.contract.vocabulary import ACCESS, FREQUENCIES, HVD_CATEGORIES, THEMES, licence

if TYPE_CHECKING:
    import numpy as np

SCHEMA = 1
AT_ONCE = 200
"""So many records are taken in before a question is answered; more are taken in beside it."""
FIELDS = ("title", "keyword", "owner", "description", "column_", "value", "place")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """One record to take in (``record`` None: to take out). ``stamp``: equal stamps mean nothing changed.

    ``values``: values worth finding, most frequent first.
    """

    id: str
    stamp: str
    record: Callable[[], Record | None]
    values: Callable[[], tuple[str, ...]] = tuple


@dataclass(frozen=True, slots=True)
class Arrays:
    """What is held in memory of every record, by its place in the arrays.

    ``numbers``: row in the word index. ``facets``: name -> (starts, codes): codes[starts[i]:starts[i+1]] are those of
    record i; ``values``: name -> the value of each code. ``titles``, ``names``: rank by title
    and by id. ``boxes``: west, south, east, north or NaN.
    """

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
    labels: Mapping[tuple[str, str], Mapping[str, str]]
    documents: tuple[int, ...]


class Index:
    """Thread-safe. ``hold``: a lock between processes, by name (State.hold)."""

    def __init__(self, path: Path, hold: Callable[[str], contextlib.AbstractContextManager[None]]) -> None:
        self.path = path
        self._hold = hold
        self._guard = threading.Lock()
        self._local = threading.local()
        self._arrays: Arrays | None = None
        self._loaded = -1
        self._worker: threading.Thread | None = None

    # Reading

    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        held: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if held is None or not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            held = sqlite3.connect(self.path, timeout=10.0, isolation_level=None)
            held.execute("PRAGMA journal_mode=WAL")
            held.execute("PRAGMA synchronous=OFF")  # it can be made again
            _create(held)
            self._local.connection = held
        return held

    def arrays(self) -> Arrays:
        """The arrays of the index as the file has it now."""
        connection = self.connection()
        version = int(connection.execute("SELECT n FROM state").fetchone()[0])
        if self._arrays is None or version != self._loaded:
            with self._guard:
                if self._arrays is None or version != self._loaded:
                    self._arrays = _load(connection)
                    self._loaded = version
        return self._arrays

    def stamps(self) -> dict[str, str]:
        """id -> stamp of the records in the index that are the city's own."""
        rows = self.connection().execute("SELECT id, stamp FROM doc WHERE harvested = 0")
        return {str(row[0]): str(row[1]) for row in rows}

    def harvested(self) -> int:
        """The last harvest stamp that was taken in."""
        return int(self.connection().execute("SELECT harvested FROM state").fetchone()[0])

    # Writing

    def update(self, own: Iterable[Change], foreign: Iterator[tuple[int, Change]], many: bool) -> None:
        """Take in what changed: before returning when it is little, in a thread beside when it is ``many``."""
        if not many:
            self._take(list(own), foreign)
            return
        with self._guard:
            if self._worker is not None and self._worker.is_alive():
                return
            self._worker = threading.Thread(
                target=self._take, args=(list(own), foreign), name="arengo-catalogue-index", daemon=True
            )
            self._worker.start()

    def wait(self) -> None:
        """Until what is being taken in is in."""
        worker = self._worker
        if worker is not None:
            worker.join()

    def _take(self, own: list[Change], foreign: Iterator[tuple[int, Change]]) -> None:
        try:
            with self._hold("catalogue-index"):
                connection = self.connection()
                held = self.stamps()
                fresh = [change for change in own if held.get(change.id) != change.stamp]
                self._write(connection, fresh, ())
                names = {change.id for change in own}
                gone = [name for name in held if name not in names]
                if gone:
                    self._write(connection, [Change(name, "", lambda: None) for name in gone], ())
                batch: list[tuple[int, Change]] = []
                for item in foreign:
                    batch.append(item)
                    if len(batch) >= 500:
                        self._write(connection, (), batch)
                        batch = []
                if batch:
                    self._write(connection, (), batch)
        except sqlite3.DatabaseError as error:
            _log.warning("The catalogue's search index is damaged and is made anew: %s", error)
            self.drop()
        except Exception:
            _log.exception("The catalogue's search index could not be brought up to date")

    def drop(self) -> None:
        """Throw the file away; the next question makes it anew."""
        self._local = threading.local()
        self._arrays = None
        self._loaded = -1
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _write(
        self, connection: sqlite3.Connection, own: Iterable[Change], foreign: Iterable[tuple[int, Change]]
    ) -> None:
        own, foreign = list(own), list(foreign)
        if not own and not foreign:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for change in own:
                _put(connection, change, harvested=False)
            for stamp, change in foreign:
                _put(connection, change, harvested=True)
                connection.execute("UPDATE state SET harvested = max(harvested, ?)", (stamp,))
            connection.execute("UPDATE state SET n = n + 1")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _create(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == SCHEMA:
        return
    columns = ", ".join(FIELDS)
    connection.executescript(f"""
        BEGIN IMMEDIATE;
        DROP TABLE IF EXISTS doc; DROP TABLE IF EXISTS facet; DROP TABLE IF EXISTS label;
        DROP TABLE IF EXISTS words; DROP TABLE IF EXISTS vocabulary; DROP TABLE IF EXISTS state;
        CREATE TABLE doc (n INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, stamp TEXT NOT NULL,
            harvested INTEGER NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL, updated REAL, created REAL,
            w REAL, s REAL, e REAL, t REAL, found TEXT NOT NULL);
        CREATE TABLE facet (n INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL);
        CREATE INDEX facet_n ON facet (n);
        CREATE TABLE label (name TEXT, value TEXT, texts TEXT NOT NULL, PRIMARY KEY (name, value));
        CREATE VIRTUAL TABLE words USING fts5 ({columns}, tokenize = 'unicode61 remove_diacritics 0', detail = column,
            prefix = '2 3 4');
        CREATE VIRTUAL TABLE vocabulary USING fts5vocab ('words', 'row');
        CREATE TABLE state (n INTEGER NOT NULL, harvested INTEGER NOT NULL);
        INSERT INTO state VALUES (1, 0);
        PRAGMA user_version = {SCHEMA};
        COMMIT;
    """)


def _put(connection: sqlite3.Connection, change: Change, harvested: bool) -> None:
    row = connection.execute("SELECT n FROM doc WHERE id = ?", (change.id,)).fetchone()
    record = change.record()
    if row is not None:
        for table, key in (("words", "rowid"), ("facet", "n"), ("doc", "n")):
            connection.execute(f"DELETE FROM {table} WHERE {key} = ?", row)
    if record is None:
        return
    values = change.values()
    language = record.language.split("-")[0]
    box = record.spatial or (None, None, None, None)
    title, _ = say(record.title, language)
    cursor = connection.execute(
        "INSERT INTO doc (id, stamp, harvested, kind, title, updated, created, w, s, e, t, found) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.id, change.stamp, int(harvested), record.kind, fold(title),
            record.modified.timestamp() if record.modified else None,
            record.issued.timestamp() if record.issued else None, *box, "\n".join(values),
        ),
    )  # fmt: skip
    number = cursor.lastrowid
    marks = ", ".join("?" * (len(FIELDS) + 1))
    connection.execute(
        f"INSERT INTO words (rowid, {', '.join(FIELDS)}) VALUES ({marks})", (number, *_texts(record, values))
    )
    rows, labels = facets(record)
    connection.executemany("INSERT INTO facet VALUES (?, ?, ?)", [(number, name, value) for name, value in rows])
    connection.executemany(
        "INSERT OR IGNORE INTO label VALUES (?, ?, ?)",
        [(name, value, orjson.dumps(dict(texts)).decode()) for (name, value), texts in labels.items()],
    )


def _texts(record: Record, values: tuple[str, ...]) -> tuple[str, ...]:
    """The tokens of each field of the word index."""
    own = record.language.split("-")[0]

    def spoken(texts: Mapping[str, str]) -> str:
        return " ".join(tokens(text, language) for language, text in texts.items() if text)

    themes = [THEMES[code].labels for code in record.themes if code in THEMES]
    keywords = [tokens(" ".join(words), language) for language, words in record.keywords.items()]
    keywords += [spoken(labels) for labels in themes]
    columns = [f"{tokens(item.name.replace('_', ' '), own)} {spoken(item.label)}" for item in record.columns]
    return (
        f"{spoken(record.title)} {tokens(record.id.replace('-', ' '), own)}",
        " ".join(keywords),
        spoken(record.publisher.name) if record.publisher else "",
        spoken(record.description),
        " ".join(columns),
        tokens("\n".join(values), own),
        "",
    )


def facets(record: Record) -> tuple[list[tuple[str, str]], dict[tuple[str, str], Mapping[str, str]]]:
    """(name, value) of every facet a record counts for, and what each value is called."""
    rows: dict[tuple[str, str], Mapping[str, str]] = {}
    for code in record.themes:
        if code in THEMES:
            rows["theme", code] = THEMES[code].labels
    if record.publisher is not None:
        rows["owner", record.publisher.id] = record.publisher.name
    for item in record.distributions:
        kind = FILE_TYPES.get(item.format) or file_type(item.format)
        if kind is not None:
            rows["format", kind.code] = {"en": kind.name}
        elif item.format:
            rows["format", item.format[:40]] = {"en": item.format[:40]}
    if record.licence:
        known = licence(record.licence)
        rows["licence", known.code if known else record.licence] = known.labels if known else {"en": record.licence}
    rows["access", record.access] = ACCESS[record.access].labels if record.access in ACCESS else {"en": record.access}
    if record.frequency in FREQUENCIES:
        rows["frequency", record.frequency] = FREQUENCIES[record.frequency].labels
    for words in record.keywords.values():
        for word in words[:30]:
            rows["tag", fold(word)[:60]] = {"en": word}
    rows["kind", record.kind] = {"en": record.kind}
    for code in record.hvd:
        if code in HVD_CATEGORIES:
            rows["hvd", code] = HVD_CATEGORIES[code].labels
    if record.provenance is not None:
        rows["source", record.provenance.source] = {"en": record.provenance.title or record.provenance.source}
    rows["language", record.language.split("-")[0]] = {}
    return list(rows), rows


def _load(connection: sqlite3.Connection) -> Arrays:
    import numpy as np

    rows = connection.execute("SELECT n, id, title, updated, created, w, s, e, t, kind FROM doc ORDER BY n").fetchall()
    numbers = np.array([row[0] for row in rows], dtype=np.int64)
    by_number = np.full(int(numbers[-1]) + 1 if len(rows) else 1, -1, dtype=np.int64)
    by_number[numbers] = np.arange(len(rows))
    order = sorted(range(len(rows)), key=lambda i: (rows[i][2], rows[i][1]))
    titles = np.empty(len(rows), dtype=np.int64)
    titles[order] = np.arange(len(rows))
    names = np.empty(len(rows), dtype=np.int64)
    names[sorted(range(len(rows)), key=lambda i: rows[i][1])] = np.arange(len(rows))
    nan = float("nan")
    lists: dict[str, tuple[list[int], list[int]]] = {}
    codes: dict[str, dict[str, int]] = {}
    for number, name, value in connection.execute("SELECT n, name, value FROM facet ORDER BY n"):
        places, held = lists.setdefault(name, ([], []))
        known = codes.setdefault(name, {})
        places.append(int(by_number[number]))
        held.append(known.setdefault(value, len(known)))
    made = {}
    for name, (places, held) in lists.items():
        starts = np.searchsorted(np.array(places, dtype=np.int64), np.arange(len(rows) + 1))
        made[name] = (starts, np.array(held, dtype=np.int64))
    labels = {
        (str(name), str(value)): orjson.loads(texts)
        for name, value, texts in connection.execute("SELECT name, value, texts FROM label")
    }
    return Arrays(
        [str(row[1]) for row in rows],
        numbers,
        by_number,
        titles,
        names,
        np.array([row[3] or 0.0 for row in rows], dtype=np.float64),
        np.array([row[4] or 0.0 for row in rows], dtype=np.float64),
        np.array([[nan if part is None else part for part in row[5:9]] for row in rows], dtype=np.float64).reshape(
            -1, 4
        ),
        made,
        {name: list(known) for name, known in codes.items()},
        labels,
        tuple(place for place, row in enumerate(rows) if row[9] == "documents"),
    )
