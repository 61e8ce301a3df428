"""Which records of a long table the draft gets to see: the first ones, some of all the rest, and the unusual ones.

A table is read whole when a contract is drafted. In columns that look like numbers, dates or codes every later value
with a character not met before is noticed, so that the one ``S/N`` in row 80,000 is known before the type is chosen.
"""

from __future__ import annotations

import random
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = 20_000
KEY_ROWS = 10_000_000
UNUSUAL = 400
WATCHED = 6


class Picker:
    """Fed with batches in order; keeps at most ``rows`` of them plus the unusual."""

    def __init__(self, names: Sequence[str], rows: int) -> None:
        self.names = list(names)
        self.total = 0
        self._rows = max(rows, 1)
        self._kept: list[tuple[str | None, ...]] = []
        self._whole = True
        self._late: list[tuple[str | None, ...]] = []
        self._met_late = 0
        self._unusual: list[tuple[str | None, ...]] = []
        self._choice = random.Random(0)  # noqa: S311 - a repeatable choice, not a secret
        self._strange: dict[int, str] = {}  # column -> pattern of a value unlike the first ones
        self._few: dict[int, frozenset[str]] = {}  # column of few values -> those met first
        self._counts: dict[int, Counter[str]] = {}
        self._hashes: dict[int, array[int]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        columns = [batch.column(n + 1) for n in range(len(self.names))]
        start = 0
        if self._whole:
            room = WHOLE - len(self._kept)
            part = [column.slice(0, room).to_pylist() for column in columns]
            self._kept += list(zip(*part, strict=True)) if part else []
            start = min(room, batch.num_rows)
            if batch.num_rows > room:
                self._settle()
        self.total += batch.num_rows
        if start < batch.num_rows:
            self._later([column.slice(start) for column in columns], batch.num_rows - start)

    def _settle(self) -> None:
        """The table is too long to keep: decide what to watch in the rest."""
        self._whole = False
        by_column = list(zip(*self._kept, strict=True))
        keys = []
        for index, values in enumerate(by_column):
            found = [value.strip() for value in values if value and value.strip()]
            distinct = set(found)
            if len(distinct) == len(values) and max(map(len, found), default=99) <= 40:
                keys.append(index)
            if not found or max(map(len, found)) > 80:
                continue
            letters = sum(c.isalpha() for value in distinct for c in value)
            if len(distinct) <= 12 and max(map(len, found)) <= 20:
                self._few[index] = frozenset(value for value in values if value)
                self._counts[index] = Counter()
            elif letters < 0.5 * sum(map(len, distinct)):
                chars = sorted({c for value in distinct for c in value})
                known = "".join(re.escape(c) if c.isascii() else c for c in chars)
                zeros = r"|^\s*0\d" if not any(re.match(r"0\d", value) for value in distinct) else ""
                self._strange[index] = rf"[^{known}\s]|^\s*[^\p{{L}}\p{{N}}\s]+\s*${zeros}"
                self._counts[index] = Counter()
        for index in sorted(keys, key=lambda i: (not _names_a_row(self.names[i]), i))[:WATCHED]:
            self._hashes[index] = array("q", map(hash, by_column[index]))
        head = self._rows - self._rows // 2
        rest = self._kept[head:]
        self._kept = self._kept[:head]
        for row in rest:
            self._reservoir(row)

    def _reservoir(self, row: tuple[str | None, ...]) -> None:
        self._met_late += 1
        room = self._rows - len(self._kept)
        if len(self._late) < room:
            self._late.append(row)
        elif (slot := self._choice.randrange(self._met_late)) < room:
            self._late[slot] = row

    def _later(self, columns: list[pa.Array], rows: int) -> None:
        import pyarrow.compute as pc

        wanted: set[int] = set()
        for index, pattern in self._strange.items():
            if len(self._counts[index]) > 60:
                continue
            places = pc.indices_nonzero(pc.match_substring_regex(columns[index], pattern))
            if len(places):
                self._notice(index, columns[index], places, wanted)
        for index, known_values in self._few.items():
            if len(self._counts[index]) > 60:
                continue
            new = [v for v in columns[index].unique().to_pylist() if v.strip() and v not in known_values]
            for value in new[:60]:
                places = pc.indices_nonzero(pc.equal(columns[index], value))
                self._notice(index, columns[index], places, wanted)
        for index, hashes in self._hashes.items():
            if len(hashes) <= KEY_ROWS:
                hashes.extend(map(hash, columns[index].to_pylist()))
        room = UNUSUAL - len(self._unusual)
        for place in sorted(wanted)[:room]:
            self._unusual.append(tuple(column[place].as_py() for column in columns))
        # about a hundred records of each batch compete for the places of the later ones
        step = max(1, rows // 100)
        for place in range(self._choice.randrange(step), rows, step):
            self._reservoir(tuple(column[place].as_py() for column in columns))

    def _notice(self, index: int, column: pa.Array, places: pa.Array, wanted: set[int]) -> None:
        """Count unusual values and remember the first row of each."""
        known = self._counts[index]
        values = column.take(places).to_pylist()
        for place, value in zip(places.to_pylist(), values, strict=True):
            if value not in known and len(known) <= 60:
                wanted.add(place)
            known[value] += 1

    def result(self) -> tuple[list[tuple[str | None, ...]], dict[str, Any]]:
        """Values by column, and ``Sample.extra``."""
        import numpy as np

        rows = self._kept + self._late + self._unusual
        extra: dict[str, Any] = {"complete": self._whole, "unusual": len(self._unusual)}
        if not self._whole:
            unique = {}
            for index, hashes in self._hashes.items():
                if len(hashes) <= KEY_ROWS:
                    unique[self.names[index]] = len(np.unique(np.frombuffer(hashes, dtype=np.int64))) == len(hashes)
            extra["unique"] = unique
            extra["unusual_counts"] = {self.names[i]: dict(known) for i, known in self._counts.items() if known}
        by_column: list[tuple[str | None, ...]] = list(zip(*rows, strict=True)) if rows else [() for _ in self.names]
        return by_column, extra


def _names_a_row(name: str) -> bool:
    return bool(re.search(r"(^|[^a-z])(id|key|code?|n[oº°]?|num\w*|uuid|gid|fid|objectid)([^a-z]|$)", name.casefold()))
