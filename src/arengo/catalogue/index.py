"""The search index of the catalogue: one disposable SQLite file with the words, beside arrays in memory.

Every process of the server reads the same file; whoever finds it behind brings it up to date, a few records a
transaction, one process at a time. What changed is known by each record's stamp, so a publication costs one record.
A damaged file is thrown away and made anew, and no question waits long for either.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import orjson

import arengo
from arengo.catalogue import arrays
from arengo.catalogue.arrays import Arrays
from arengo.catalogue.record import Record, say
from arengo.catalogue.terms import Terms
from arengo.catalogue.terms import load as read_terms
from arengo.catalogue.vocabulary import FILE_TYPES, file_type
from arengo.catalogue.words import fold, tokens, words
from arengo.contract.vocabulary import ACCESS, FREQUENCIES, HVD_CATEGORIES, THEMES, licence
from arengo.errors import Busy
from arengo.state import sqlite

SCHEMA = 4
AT_ONCE = 200
"""So many changed records are waited for; more are taken in while questions are answered from what is there."""
PATIENCE = 2.0
"""Seconds a question waits for those few records at most."""
BATCH = 200
"""Records a transaction."""
SMALL = 5000
"""Records up to which changed arrays are read at once; of more the last ones serve until the new ones are there."""
MANY = 50_000
"""Words up to which the vocabulary is read anew for every change."""
AGAIN = 2.0
"""Seconds before this process tries again when another one is at work."""
FIELDS = ("title", "keyword", "owner", "description", "column_", "value", "place")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """One record to take in (``record`` gives None: to take out). ``stamp``: equal stamps mean nothing changed.

    ``values``: values worth finding, most frequent first. ``place``: names of where it is about.
    """

    id: str
    stamp: str
    record: Callable[[], Record | None]
    values: Callable[[], tuple[str, ...]] = tuple
    place: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """Where the file stands. ``n`` grows with every change of it. ``own``: generation of the city's records that is
    whole in it; ``aim``: the highest that anybody began with. ``harvested``: stamp of the last harvested record."""

    n: int
    own: int
    aim: int
    harvested: int


class Index:
    """Thread-safe. ``hold``: a lock between processes, by name and longest wait in seconds (State.hold)."""

    def __init__(self, path: Path, hold: Callable[[str, float], contextlib.AbstractContextManager[None]]) -> None:
        self.path = path
        self._hold = hold
        self._guard = threading.Lock()
        self._reading = threading.Lock()
        self._local = threading.local()
        self._held: tuple[int, Arrays] | None = None  # which file, what was read of it
        self._terms: tuple[int, int, Terms] | None = None
        self._worker: threading.Thread | None = None
        self._reader: threading.Thread | None = None
        self._until = 0.0
        self._not_before = 0.0
        self._rest = 0.0

    # ---- reading ------------------------------------------------------------------------------------------------

    def connection(self) -> sqlite3.Connection:
        """This thread's connection to the file that is there now; an empty one is made when none is."""
        held: tuple[sqlite3.Connection, tuple[int, int]] | None = getattr(self._local, "held", None)
        if held is not None and held[1] == self._identity():
            return held[0]
        if held is not None:
            held[0].close()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        made = sqlite3.connect(self.path, timeout=10.0, isolation_level=None)
        sqlite.begin(made, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=OFF")  # it can be made again
        _create(made)
        self._local.held = (made, self._identity())
        return made

    def _identity(self) -> tuple[int, int]:
        """Which file it is: another process may have thrown the last one away."""
        try:
            found = os.stat(self.path)
        except OSError:
            return 0, 0
        return found.st_dev, found.st_ino

    def state(self) -> State:
        """Where the file stands."""
        return State(*self.connection().execute("SELECT n, own, aim, harvested FROM state").fetchone())

    def arrays(self) -> Arrays:
        """The arrays as the file has them now; of a large catalogue, as it had them a moment ago."""
        connection = self.connection()
        n, file = connection.execute("SELECT n, birth FROM state").fetchone()
        held = self._held
        if held is not None and held[0] == file:
            if held[1].n == n:
                return held[1]
            if len(held[1].ids) > SMALL:
                with self._guard:
                    if not _alive(self._reader) and time.monotonic() >= self._rest:
                        self._reader = self._beside(self._read_beside, "arengo-catalogue-arrays")
                return held[1]
        with self._reading:
            held = self._held
            if held is None or held[0] != file or held[1].n < n:
                held = self._held = (file, arrays.load(connection))
        return held[1]

    def _read_beside(self) -> None:
        began = time.monotonic()
        connection = self.connection()
        file = int(connection.execute("SELECT birth FROM state").fetchone()[0])
        read = arrays.load(connection)
        self._held = (file, read)
        took = time.monotonic() - began
        self._rest = time.monotonic() + 5 * took  # while much is taken in, most of the time is for answers

    def terms(self) -> Terms:
        """The words of the index; of a large catalogue, those of a moment ago."""
        connection = self.connection()
        n, file = connection.execute("SELECT n, birth FROM state").fetchone()
        held = self._terms
        if held is not None and held[0] == file and (held[1] == n or (held[2].count > MANY and n < held[1] + 300)):
            return held[2]
        with self._reading:
            held = self._terms
            if held is None or held[0] != file or held[1] < n:
                held = self._terms = (file, n, read_terms(connection))
        return held[2]

    def labels(self, name: str, values: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """What the values of a facet are called, by language."""
        connection = self.connection()
        out: dict[str, Mapping[str, str]] = {}
        for start in range(0, len(values), 500):
            some = values[start : start + 500]
            marks = ", ".join("?" * len(some))
            for value, texts in connection.execute(
                f"SELECT value, texts FROM value WHERE name = ? AND value IN ({marks})", (name, *some)
            ):
                out[str(value)] = orjson.loads(texts)
        return out

    def spelt(self, word: str) -> str:
        """A folded word as people write it, with its accents."""
        row = self.connection().execute("SELECT shown FROM spelling WHERE word = ?", (word,)).fetchone()
        return str(row[0]) if row else word

    # ---- writing ------------------------------------------------------------------------------------------------

    def update(
        self,
        generation: int,
        own: Callable[[], Iterable[Change]],
        foreign: Callable[[int], Iterator[tuple[int, Change]]],
        newest: int,
    ) -> None:
        """Take in the city's records as of ``generation`` and harvested ones up to the stamp ``newest``.

        ``foreign``: (stamp, change) after a stamp, oldest first. Waits only for a little.
        """
        with self._guard:
            if not _alive(self._worker):
                if time.monotonic() < self._not_before:
                    return
                few = self._few(own(), newest)
                self._until = time.monotonic() + (PATIENCE if few else 0.0)
                work = partial(self._take, generation, own, foreign)
                self._worker = self._beside(work, "arengo-catalogue-index")
            worker = self._worker
        if worker is not None:
            worker.join(max(0.0, self._until - time.monotonic()))

    def _few(self, own: Iterable[Change], newest: int) -> bool:
        known = self._stamps()
        behind = sum(known.get(change.id) != change.stamp for change in own)
        return behind + max(0, newest - self.state().harvested) <= AT_ONCE

    def wait(self) -> None:
        """Until what is being taken in is in."""
        worker = self._worker
        if worker is not None:
            worker.join()

    def _beside(self, work: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
        thread.start()
        return thread

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Busy:
            self._not_before = time.monotonic() + AGAIN  # another process does it
        except sqlite3.DatabaseError as error:
            _log.warning("The catalogue's search index is damaged and is made anew: %s", error)
            self._not_before = time.monotonic() + AGAIN
            with contextlib.suppress(Busy):
                self.drop()
        except Exception:
            self._not_before = time.monotonic() + 10 * AGAIN
            _log.exception("The catalogue's search index could not be brought up to date")
        finally:
            held = getattr(self._local, "held", None)
            if held is not None:
                held[0].close()
                self._local.held = None

    def _stamps(self) -> dict[str, str]:
        rows = self.connection().execute("SELECT id, stamp FROM doc WHERE harvested = 0")
        return {str(row[0]): str(row[1]) for row in rows}

    def _take(
        self,
        generation: int,
        own: Callable[[], Iterable[Change]],
        foreign: Callable[[int], Iterator[tuple[int, Change]]],
    ) -> None:
        """A batch under the lock, then the lock is free for a moment: no process waits for the whole of another's."""
        wanted = {change.id: change for change in own()}
        while True:
            with self._hold("catalogue-index", 1.0):
                if self.state().aim > generation:
                    return  # somebody knows more
                held = self._stamps()
                behind = [change for name, change in wanted.items() if held.get(name) != change.stamp]
                behind += [Change(name, "", _nothing) for name in held if name not in wanted]
                done = len(behind) <= BATCH
                self._write([(0, change) for change in behind[:BATCH]], generation, generation if done else 0)
            if done:
                break
        while True:
            with self._hold("catalogue-index", 1.0):
                since = self.state().harvested
                batch = list(islice(foreign(since), BATCH))
                if not batch:
                    return
                self._write(batch, generation, 0)

    def _write(self, changes: Sequence[tuple[int, Change]], aim: int, own: int) -> None:
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for stamp, change in changes:
                _put(connection, change, harvested=stamp > 0)
            last = max((stamp for stamp, _ in changes), default=0)
            connection.execute(
                "UPDATE state SET n = n + ?, aim = max(aim, ?), own = max(own, ?), harvested = max(harvested, ?)",
                (1 if changes else 0, aim, own, last),
            )
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def drop(self) -> None:
        """Throw the file away, unless somebody has done so already; the next question makes it anew."""
        held: tuple[sqlite3.Connection, tuple[int, int]] | None = getattr(self._local, "held", None)
        damaged = held[1] if held is not None else self._identity()
        self._local.held = None
        self._held = None
        self._terms = None
        with self._hold("catalogue-index", 2.0):
            if self._identity() == damaged:
                for suffix in ("-wal", "-shm", ""):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


def _nothing() -> None:
    return None


def _alive(thread: threading.Thread | None) -> bool:
    return thread is not None and thread.is_alive()


def _create(connection: sqlite3.Connection) -> None:
    """The tables, empty, unless this program has made them already."""
    maker = f"{SCHEMA} {arengo.__version__}"
    if _maker(connection) == maker:
        return
    columns = ", ".join(FIELDS)
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _maker(connection) != maker:  # another process may have been quicker
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'"
            ).fetchall():
                connection.execute(f'DROP TABLE "{name}"')
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall():
                connection.execute(f'DROP TABLE IF EXISTS "{name}"')
            for statement in (
                "CREATE TABLE doc (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, stamp TEXT NOT NULL, "
                "harvested INTEGER NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL, updated REAL, created REAL, "
                "w REAL, s REAL, e REAL, t REAL, codes BLOB NOT NULL, found TEXT NOT NULL)",
                "CREATE INDEX doc_own ON doc (id, stamp) WHERE harvested = 0",
                "CREATE TABLE value (code INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL, "
                "texts TEXT NOT NULL, UNIQUE (name, value))",
                "CREATE TABLE spelling (word TEXT PRIMARY KEY, shown TEXT NOT NULL) WITHOUT ROWID",
                "CREATE TABLE spoken (language TEXT PRIMARY KEY) WITHOUT ROWID",
                f"CREATE VIRTUAL TABLE words USING fts5 ({columns}, tokenize = 'ascii', "
                "detail = column, prefix = '2 3 4')",
                "CREATE VIRTUAL TABLE vocabulary USING fts5vocab ('words', 'row')",
                "CREATE TABLE state (n INTEGER NOT NULL, own INTEGER NOT NULL, aim INTEGER NOT NULL, "
                "harvested INTEGER NOT NULL, maker TEXT NOT NULL, birth INTEGER NOT NULL)",
            ):
                connection.execute(statement)
            connection.execute("INSERT INTO state VALUES (1, -1, -1, 0, ?, ?)", (maker, time.time_ns()))
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _maker(connection: sqlite3.Connection) -> str:
    try:
        return str(connection.execute("SELECT maker FROM state").fetchone()[0])
    except (sqlite3.OperationalError, TypeError):
        return ""


# ---- one record -------------------------------------------------------------------------------------------------


def _put(connection: sqlite3.Connection, change: Change, harvested: bool) -> None:
    row = connection.execute("SELECT n FROM doc WHERE id = ?", (change.id,)).fetchone()
    record = change.record()
    if row is not None:
        for table, key in (("words", "rowid"), ("doc", "n")):
            connection.execute(f"DELETE FROM {table} WHERE {key} = ?", row)
    if record is None:
        return
    values = change.values()
    language = record.language.split("-")[0]
    box = record.spatial or (None, None, None, None)
    title, _ = say(record.title, language)
    codes = [_code(connection, name, value, texts) for (name, value), texts in facets(record).items()]
    cursor = connection.execute(
        "INSERT INTO doc (id, stamp, harvested, kind, title, updated, created, w, s, e, t, codes, found) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.id, change.stamp, int(harvested), record.kind, fold(title),
            record.modified.timestamp() if record.modified else None,
            record.issued.timestamp() if record.issued else None, *box,
            struct.pack(f"={len(codes)}i", *codes), "\n".join(values),
        ),
    )  # fmt: skip
    marks = ", ".join("?" * (len(FIELDS) + 1))
    place = " ".join(filter(None, (change.place, record.provenance.title if record.provenance else "")))
    connection.execute(
        f"INSERT INTO words (rowid, {', '.join(FIELDS)}) VALUES ({marks})",
        (cursor.lastrowid, *_texts(record, values, place)),
    )
    spoken = {language, *(item.split("-")[0] for texts in (record.title, record.description) for item in texts)}
    connection.executemany("INSERT OR IGNORE INTO spoken VALUES (?)", [(item,) for item in spoken if item])
    accented = {
        (plain, word)
        for text in (*record.title.values(), *(word for some in record.keywords.values() for word in some))
        for word in words(text)
        if (plain := fold(word)) != word
    }
    connection.executemany("INSERT OR IGNORE INTO spelling VALUES (?, ?)", sorted(accented))


def _code(connection: sqlite3.Connection, name: str, value: str, texts: Mapping[str, str]) -> int:
    """The number of a facet's value; what it is called is kept as it was said last, a tag's as the first in order."""
    told = orjson.dumps(dict(texts), option=orjson.OPT_SORT_KEYS).decode()
    row = connection.execute("SELECT code, texts FROM value WHERE name = ? AND value = ?", (name, value)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO value (name, value, texts) VALUES (?, ?, ?) RETURNING code", (name, value, told)
        ).fetchone()
    elif told < row[1] if name == "tag" else told != row[1]:
        connection.execute("UPDATE value SET texts = ? WHERE code = ?", (told, row[0]))
    return int(row[0])


def _texts(record: Record, values: tuple[str, ...], place: str) -> tuple[str, ...]:
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
        tokens(place, own),
    )


def facets(record: Record) -> dict[tuple[str, str], Mapping[str, str]]:
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
    for some in record.keywords.values():
        for word in some[:30]:
            rows["tag", fold(word)[:60]] = {"en": word}
    rows["kind", record.kind] = {"en": record.kind}
    for code in record.hvd:
        parts = code.split("/")
        for wider in ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1)):
            if wider in HVD_CATEGORIES:
                rows["hvd", wider] = HVD_CATEGORIES[wider].labels
    if record.provenance is not None:
        rows["source", record.provenance.source] = {"en": record.provenance.title or record.provenance.source}
    rows["language", record.language.split("-")[0]] = {}
    return rows
