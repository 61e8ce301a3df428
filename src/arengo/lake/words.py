"""The side file of a version: which rows hold a word, and each row by its number or key.

SQLite, read-only once built. The word index is FTS5 without content (``detail=none``): words are folded to lower
case without accents by FTS5's own tokeniser; stems are kept as a list of the words that share one, so a query for
any form asks for all of them. The row store answers *these hundred rows* and *the row with this key*, which a
column store cannot do without reading most of a table (decision 0043).
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.contract.model import Kind
from arengo.lake.layout import ROW, listing, quote, text
from arengo.lake.relation import BOX_COLUMNS, Relation
from arengo.lake.version import Version

if TYPE_CHECKING:
    import duckdb

    from arengo.lake.engine import Engine
    from arengo.lake.serving import Plan

MOST_FETCHED = 1000
"""Above this many rows a scan of the clustered copy is quicker than fetching rows one by one."""

STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
"""BCP 47 primary language -> Snowball stemmer of DuckDB's fts extension; other languages are searched by whole word."""

_SQLITE = {Kind.INTEGER: "INTEGER", Kind.NUMBER: "REAL", Kind.BOOLEAN: "INTEGER"}


def stemmer(language: str) -> str:
    return STEMMERS.get(language.split("-")[0].lower(), "none")


def build(connection: duckdb.DuckDBPyConnection, source: str, work: Plan, path: Path) -> None:
    """Write the side file for the rows of ``source`` (a table with ``_row``)."""
    kinds = [(name, Kind(kind)) for name, kind in work.columns]
    box = [str(row[0]) for row in connection.execute(f"DESCRIBE {source}").fetchall() if row[0] in BOX_COLUMNS]
    columns = [f"{quote(ROW)} INTEGER PRIMARY KEY"]
    values = [quote(ROW)]
    for name, kind in kinds:
        columns.append(f"{quote(name)} {_SQLITE.get(kind, 'TEXT')}")
        values.append(_to_sqlite(quote(name), kind))
    columns += [f"{quote(name)} REAL" for name in box]
    values += [quote(name) for name in box]
    side = sqlite3.connect(path, isolation_level=None)
    try:
        side.execute("PRAGMA page_size = 8192")
        side.execute("PRAGMA journal_mode = OFF")
        side.execute(f"CREATE TABLE rows ({', '.join(columns)})")
    finally:
        side.close()
    connection.execute(f"ATTACH {text(str(path))} AS side (TYPE sqlite, JOURNAL_MODE 'off')")
    connection.execute(f"INSERT INTO side.rows SELECT {', '.join(values)} FROM {source} ORDER BY {quote(ROW)}")
    connection.execute("DETACH side")
    side = sqlite3.connect(path, isolation_level=None)
    try:
        side.execute("PRAGMA journal_mode = OFF")
        side.execute("PRAGMA synchronous = OFF")
        side.execute("BEGIN")
        if work.key:
            side.execute(f"CREATE INDEX by_key ON rows ({listing(work.key)})")
        if work.search:
            _index(connection, side, work)
        side.execute("COMMIT")
    finally:
        side.close()


def _index(connection: duckdb.DuckDBPyConnection, side: sqlite3.Connection, work: Plan) -> None:
    side.execute(
        "CREATE VIRTUAL TABLE words USING fts5(text, content='', detail=none, columnsize=0, "
        "tokenize='unicode61 remove_diacritics 2')"
    )
    side.execute("INSERT INTO words(words, rank) VALUES('hashsize', 16000000)")
    joined = " || ' ' || ".join(f"coalesce({quote(name)}, '')" for name in work.search)
    side.execute(f"INSERT INTO words(rowid, text) SELECT {quote(ROW)}, {joined} FROM rows")
    side.execute("INSERT INTO words(words) VALUES('optimize')")
    side.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row)")
    side.execute("CREATE TABLE stems (stem TEXT, word TEXT, PRIMARY KEY (stem, word)) WITHOUT ROWID")
    named = stemmer(work.language)
    cursor = side.execute("SELECT term FROM vocabulary")
    while batch := [str(row[0]) for row in cursor.fetchmany(20_000)]:
        found = connection.execute("SELECT w, stem(w, ?) FROM (SELECT unnest(?::VARCHAR[]) AS w)", [named, batch])
        side.executemany(
            "INSERT OR IGNORE INTO stems(stem, word) VALUES (?2, ?1)",
            [row for row in found.fetchall() if row[1] != row[0]],
        )
    side.execute("DROP TABLE vocabulary")


def _to_sqlite(sql: str, kind: Kind) -> str:
    if kind is Kind.BOOLEAN:
        return f"{sql}::BIGINT"
    if kind is Kind.GEOMETRY:
        return f"hex({sql})"
    if kind in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP):
        return f"{sql}::VARCHAR"
    return sql


class Side:
    """Open side files, one connection each, the least recently used closed first."""

    def __init__(self, engine: Engine, most: int = 32) -> None:
        self._engine = engine
        self._most = most
        self._guard = threading.Lock()
        self._open: OrderedDict[str, tuple[sqlite3.Connection, threading.Lock]] = OrderedDict()
        self._stems: dict[tuple[str, str], str] = {}

    def search(self, path: str, words: str, limit: int | None, language: str, after: int) -> list[int]:
        """Numbers (ascending) of the rows after row ``after`` that hold all the words, in any of their forms."""
        asked = list(dict.fromkeys(re.findall(r"[^\W_]+", words)))
        if not asked:
            return []
        connection, lock = self._connection(path)
        with lock:
            match = " AND ".join(self._forms(connection, word, language) for word in asked)
            try:
                found = connection.execute(
                    "SELECT rowid FROM words WHERE words MATCH ? AND rowid > ? ORDER BY rowid LIMIT ?",
                    (match, after, -1 if limit is None else limit),
                ).fetchall()
            except sqlite3.OperationalError as error:
                if "fts5" in str(error):
                    return []
                raise
        return [int(row[0]) for row in found]

    def _forms(self, connection: sqlite3.Connection, word: str, language: str) -> str:
        stem = self._stem(word, language)
        known = [str(row[0]) for row in connection.execute("SELECT word FROM stems WHERE stem = ?", (stem,))]
        forms = dict.fromkeys((*known, stem, word))
        return "(" + " OR ".join('"' + form.replace('"', '""') + '"' for form in forms) + ")"

    def _stem(self, word: str, language: str) -> str:
        key = (word, stemmer(language))
        found = self._stems.get(key)
        if found is None:
            with self._engine.execute("SELECT stem(strip_accents(lower(?)), ?)", key) as cursor:
                row = cursor.fetchone()
            found = str(row[0]) if row else word
            if len(self._stems) > 10_000:
                self._stems.clear()
            self._stems[key] = found
        return found

    def locate(self, path: str, version: Version, key: Sequence[Any]) -> list[int]:
        """Numbers of the rows with that primary key."""
        connection, lock = self._connection(path)
        where = " AND ".join(f"{quote(name)} IS ?" for name in version.key)
        values = [value if isinstance(value, int | float | str) or value is None else str(value) for value in key]
        with lock:
            found = connection.execute(f"SELECT {quote(ROW)} FROM rows WHERE {where}", values).fetchall()
        return [int(row[0]) for row in found]

    def fetch(self, path: str, version: Version, rows: Sequence[int]) -> Relation:
        """A relation of these rows alone; its values are bound, as one JSON text."""
        connection, lock = self._connection(path)
        with lock:
            cursor = connection.execute(
                "SELECT * FROM rows WHERE _row IN (SELECT value FROM json_each(?))",
                (orjson.dumps(list(rows)).decode(),),
            )
            names = [item[0] for item in cursor.description]
            found = [dict(zip(names, row, strict=True)) for row in cursor]
        kinds = {column.name: column.kind for column in version.schema}
        fields, select = [], []
        for name in names:
            kind = kinds.get(name)
            held = "BIGINT" if name == ROW else "DOUBLE" if kind is None else _held(kind)
            fields.append({name: held})
            select.append(_from_json(quote(name), kind))
        shape = orjson.dumps([{name: kind for field in fields for name, kind in field.items()}]).decode()
        inner = f"SELECT unnest(from_json(?, {text(shape)}), recursive := true)"
        return Relation(f"(SELECT {', '.join(select)} FROM ({inner}))", (orjson.dumps(found).decode(),), "rows")

    def _connection(self, path: str) -> tuple[sqlite3.Connection, threading.Lock]:
        with self._guard:
            held = self._open.get(path)
            if held is None:
                address = f"{Path(path).as_uri()}?mode=ro&immutable=1"
                connection = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
                connection.execute("PRAGMA mmap_size = 67108864")
                held = self._open[path] = (connection, threading.Lock())
                while len(self._open) > self._most:
                    self._close(self._open.popitem(last=False)[1])
            self._open.move_to_end(path)
            return held

    def release(self, path: str) -> None:
        with self._guard:
            held = self._open.pop(path, None)
        if held:
            self._close(held)

    def close(self) -> None:
        with self._guard:
            while self._open:
                self._close(self._open.popitem()[1])

    @staticmethod
    def _close(held: tuple[sqlite3.Connection, threading.Lock]) -> None:
        with held[1]:
            held[0].close()


def _held(kind: Kind) -> str:
    if kind is Kind.GEOMETRY:
        return "VARCHAR"
    return "BIGINT" if kind is Kind.BOOLEAN else kind.duckdb


def _from_json(name: str, kind: Kind | None) -> str:
    if kind is Kind.GEOMETRY:
        return f"unhex({name}) AS {name}"
    if kind is Kind.BOOLEAN:
        return f"{name}::BOOLEAN AS {name}"
    return name
