"""Delimited text to records, forgivingly: the reader for what the fast one cannot take.

One record at a time, in bounded memory. A quote that never closes costs the one line it stands on, not the rest
of the file: when a quoted cell swallows lines that look like records themselves, the opening line is handed out
alone and reading goes on behind it.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_LINES = 4000  # lines of one record; a longer one is an open quote
_SPACES = re.compile(r"\s{2,}|\t")


@dataclass(frozen=True, slots=True)
class Marks:
    """How cells are told apart: ``delimiter`` (``"  "`` for two or more blanks), ``quote`` and ``escape`` ('' none).

    ``wrapped``: each whole line stands between quotation marks, its own doubled (a CSV saved as one column).
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    wrapped: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """``cells`` as written; ``raw``: its text; ``open``: its quote never closed (cells are then split without it)."""

    cells: list[str]
    raw: str
    open: bool = False


class _Runaway(Exception):
    pass


def records(lines: Iterable[str], marks: Marks, width: int = 0, limit: int = 16_000_000) -> Iterator[Record]:
    """Records of text lines (ends included); empty lines are none. ``width``: cells of a sound record, 0 unknown.

    ``limit``: characters of one record; beyond it the record counts as an open quote.
    """
    source = map(unwrap, lines) if marks.wrapped else iter(lines)
    if len(marks.delimiter) > 1:
        for line in source:
            text = line.strip("\r\n")
            if text.strip():
                yield Record(_SPACES.split(text.strip()), line)
        return
    pending: deque[str] = deque()
    taken: list[str] = []
    size = 0

    def feed() -> Iterator[str]:
        nonlocal size
        while True:
            if pending:
                line = pending.popleft()
            else:
                found = next(source, None)
                if found is None:
                    return
                line = found
            taken.append(line)
            size += len(line)
            if len(taken) > MAX_LINES or size > limit:
                raise _Runaway
            yield line

    reader = _reader(feed(), marks)
    while True:
        taken.clear()
        size = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (_Runaway, csv.Error):
            first, *rest = taken
            pending.extendleft(reversed(rest))
            yield _alone(first, marks)
            reader = _reader(feed(), marks)
            continue
        if not cells:
            continue
        if len(taken) > 1 and _swallowed(taken, cells, marks, width):
            first, *rest = taken
            pending.extendleft(reversed(rest))
            yield _alone(first, marks)
            reader = _reader(feed(), marks)
            continue
        yield Record(cells, taken[0] if len(taken) == 1 else "".join(taken))


def unwrap(line: str) -> str:
    """A line without the quotation marks around it."""
    text = line.strip()
    if len(text) >= 2 and text.startswith('"') and text.endswith('"'):
        return text[1:-1].replace('""', '"') + "\n"
    return line


def _reader(lines: Iterator[str], marks: Marks) -> Iterator[list[str]]:
    if csv.field_size_limit() < 1 << 30:
        csv.field_size_limit(1 << 30)  # our own limit is on records
    return csv.reader(
        lines,
        delimiter=marks.delimiter,
        quotechar=marks.quote or None,
        quoting=csv.QUOTE_MINIMAL if marks.quote else csv.QUOTE_NONE,
        escapechar=marks.escape or None,
        doublequote=not marks.escape,
        strict=False,
    )


def _alone(line: str, marks: Marks) -> Record:
    return Record(line.rstrip("\r\n").split(marks.delimiter), line, open=True)


def _swallowed(taken: list[str], cells: list[str], marks: Marks, width: int) -> bool:
    """Did a quoted cell eat records? Many inner lines have the delimiters of a record, or the file ended inside."""
    text = "".join(taken)
    if marks.quote and not marks.escape and text.count(marks.quote) % 2:
        return True
    if width > 1:
        alike = sum(1 for line in taken[1:] if line.count(marks.delimiter) == width - 1)
        if len(cells) != width:
            return alike >= 1
        return alike >= 2 and alike >= 0.8 * (len(taken) - 1)
    return False


def looks_swallowed(cell: str, delimiter: str, width: int) -> bool:
    """The same test for one cell the fast reader gave: at least two of its inner lines look like records."""
    lines = cell.splitlines()[1:]
    alike = sum(1 for line in lines if line.count(delimiter) == width - 1)
    return width > 1 and alike >= 1 and alike >= 0.8 * (len(lines) - 1)
