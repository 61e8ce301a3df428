"""The dialect of a delimited text, from its first lines: delimiter, quotes, where the table starts, its header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from arengo.sources.cell_kind import filled_cells
from arengo.sources.column_names import names_of, width_of
from arengo.sources.csv_records import Marks, Record, records
from arengo.sources.delimiter import SNIFF_RECORDS, marks_of
from arengo.sources.header import after_names, first_body_row, first_text_row, header_top, looks_like_header
from arengo.sources.text import _split_lines
from arengo.sources.text_title import title

SECTION = re.compile(r"\[?[A-Z][A-Z0-9_ ]{1,30}\]?:?")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Everything needed to read the table the same way again.

    ``skip``: records above the header; ``header``: header records (0: none); ``names`` and ``captions``: one a column;
    ``width``: cells of a sound record (more than names when each ends in a delimiter); ``pad``: the writer
    leaves out empty cells at the end of a record;
    ``start``: UTF-8 bytes of the decoded text before the first data record; ``section``: its word, '' for one table.
    """

    marks: Marks
    skip: int = 0
    header: int = 1
    names: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    width: int = 0
    pad: bool = False
    start: int = 0
    title: str = ""
    above: tuple[str, ...] = ()
    section: str = ""
    header_cells: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def sections(text: str) -> tuple[str, ...]:
    """Words that stand alone on a line and open a table of their own (Pabulib: META, PROJECTS, VOTES)."""
    lines = [line.strip() for line in _split_lines(text)]
    first = next((line for line in lines if line), "")
    if not SECTION.fullmatch(first):
        return ()
    found = []
    for index, line in enumerate(lines[:-1]):
        if SECTION.fullmatch(line) and _delimiters(line) == 0 and _delimiters(lines[index + 1]) >= 1:
            before = lines[index - 1] if index else ""
            if not index or not before or _delimiters(before) >= 1:
                found.append(line)
    if len(found) < 2 or len(set(found)) != len(found) or len(found) > 12:
        return ()
    return tuple(found)


def _delimiters(line: str) -> int:
    return max(line.count(mark) for mark in (";", ",", "\t", "|"))


def sniff(
    text: str,
    *,
    complete: bool,
    marks: Marks | None = None,
    skip: int | None = None,
    header: int | None = None,
    section: str = "",
    delimiter: str = "",
    quote: str | None = None,
) -> Dialect:
    """Dialect of the first part of a decoded file. ``complete``: the text is the whole file.

    What the caller already knows (``marks``, ``skip``, ``header``) is taken, not guessed.
    """
    start = 0
    lines = list(_split_lines(text))
    if not complete and lines:
        lines.pop()
    if section:
        at = next((i for i, line in enumerate(lines) if line.strip() == section), None)
        if at is not None:
            start += sum(len(line.encode()) for line in lines[: at + 1])
            lines = lines[at + 1 :]
            others = set(sections(text)) - {section}
            end = next((i for i, line in enumerate(lines) if line.strip() in others), None)
            if end is not None:
                lines, complete = lines[:end], True
    if lines and (declared := re.fullmatch(r'"?sep=(.|\\t)"?\s*', lines[0], re.IGNORECASE)):
        start += len(lines[0].encode())
        lines = lines[1:]
        delimiter = delimiter or declared[1].replace("\\t", "\t")
    if marks is None:
        marks = marks_of(lines, delimiter, quote)
    found = []
    for record in records(lines, marks):
        found.append(record)
        if len(found) > SNIFF_RECORDS * 5:
            break
    if found and found[-1].open and not complete:
        found.pop()
    dialect = table_of(found, marks, skip, header)
    used = dialect.skip + dialect.header
    start += _bytes_before(lines, found, used)
    return replace(dialect, start=start, section=section)


def _bytes_before(lines: Sequence[str], found: Sequence[Record], used: int) -> int:
    """UTF-8 bytes of the first ``used`` records, the empty lines between them included."""
    if not used:
        return 0
    wanted, total, count = sum(len(record.raw) for record in found[:used]), 0, 0
    for seen, line in enumerate(lines):
        if count >= wanted:
            break
        total += len(line.encode())
        if line.strip("\r\n"):
            count += len(line)
        elif seen > 0:
            count += _inside(line, found, count)
    return total


def _inside(line: str, found: Sequence[Record], count: int) -> int:
    """An empty line counts when it is part of a quoted cell: its record's text holds it."""
    position = 0
    for record in found:
        if position <= count < position + len(record.raw):
            return len(line) if count > position else 0
        position += len(record.raw)
    return 0


def table_of(found: Sequence[Record], marks: Marks, skip: int | None, header: int | None) -> Dialect:
    rows = [record.cells for record in found]
    if not any(filled_cells(row) for row in rows):
        return Dialect(marks, skip=skip or 0, header=header or 0)
    widths = Counter(len(row) for row in rows[:2000] if filled_cells(row))
    modal = max(widths.items(), key=lambda pair: (pair[1] * min(pair[0], 8), pair[0]))[0] if widths else len(rows[0])
    body = first_body_row(rows, modal) if skip is None or header is None else skip + header
    top = header_top(rows, body, modal)
    if header is None and skip is None and any(filled_cells(row) >= max(2, 0.6 * modal) for row in rows[:top]):
        body = first_text_row(rows, modal)  # full records are no title: the numbers only begin further down
        top = header_top(rows, body, modal)
    if header is None:
        body = after_names(rows, top if skip is None else skip, body, modal)
    if skip is not None and header is None:
        header = max(0, body - skip) if body > skip else int(body == skip and looks_like_header(rows, skip, modal))
        top = skip
    if header is None:
        header = body - top
    if skip is None:
        skip = max(0, body - header)
    head = [list(row) for row in rows[skip : skip + header]]
    data = rows[skip + header :]
    width, pad = width_of(head, data, modal)
    shown = width
    while shown > 1 and head and _all_empty(head, data, shown - 1):
        shown -= 1  # every record ends in a delimiter
    names, captions = names_of(head, shown, data)
    above = [" ".join(cell.strip() for cell in row if cell.strip()) for row in rows[:skip]]
    above = [text for text in above if text]
    doubts = []
    if header == 0:
        doubts.append("No header was found; the columns are numbered.")
    if header > 1:
        doubts.append(f"The header takes {header} rows; their words were joined.")
    return Dialect(
        marks,
        skip=skip,
        header=header,
        names=names,
        captions=captions,
        width=width,
        pad=pad,
        title=title(above),
        above=tuple(above),
        header_cells=tuple(head[-1]) if head else (),
        doubts=tuple(doubts),
    )


def _all_empty(head: Sequence[Sequence[str]], data: Sequence[Sequence[str]], column: int) -> bool:
    """Nothing stands in a column, neither a name nor a value."""
    return not any(len(row) > column and row[column].strip() for rows in (head, data) for row in rows)
