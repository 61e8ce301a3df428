"""Delimited text as Arrow batches of texts: a fast road and a forgiving one behind it.

The fast road is pyarrow's parser. What it cannot take (a quote that never closes, a record larger than a block) is
left to :mod:`arengo.sources.csv_records` from the first record that was not yet handed on. Both count records the
same way, so ``_row`` is the record's number in the table whichever road it came by.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from arengo.errors import Place, SourceTooLarge
from arengo.sources.base import ROW, Reject
from arengo.sources.csv_records import Marks, looks_swallowed, records
from arengo.sources.dialect import SECTION, Dialect
from arengo.sources.text import Feed

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 4 << 20
ROWS = 16_384
RAW_KEPT = 2_000  # characters of a rejected record that go to the quarantine
TAIL = 12  # records at the end that may be notes under the table
MAX_REJECTS = 100_000


class _Unsuitable(Exception):
    """The fast road ends here."""


@dataclass(slots=True)
class Count:
    """What a stream met so far."""

    rejects: list[Reject] = field(default_factory=list)
    read: int = 0
    last: int = 0  # number of the last record handed on
    notes: list[str] = field(default_factory=list)


def schema(columns: Sequence[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(ROW, pa.int64()), *(pa.field(name, pa.string()) for name in columns)])


def batches(
    open_feed: Callable[[int], Feed], dialect: Dialect, columns: Sequence[str], file: str, count: Count, limit: int
) -> Iterator[pa.RecordBatch]:
    """Batches of the wanted columns. ``open_feed(drop)`` opens the text anew without its first ``drop`` bytes.

    Raises SourceTooLarge for a line beyond the limit. Empty records are passed over, records of another width and
    notes under the table go to ``count.rejects``.
    """
    if _fast_enough(dialect):
        feed = open_feed(dialect.start)
        try:
            yield from _fast(feed, dialect, columns, file, count)
            return
        except _Unsuitable:
            kept = [item for item in count.rejects if item.row <= count.last]
            count.read -= len(count.rejects) - len(kept)
            count.rejects[:] = kept
            feed.finish()
    yield from _forgiving(open_feed(dialect.start), dialect, columns, file, count, limit)


def _fast_enough(dialect: Dialect) -> bool:
    marks = dialect.marks
    return (
        len(marks.delimiter) == 1
        and marks.delimiter.isascii()
        and not dialect.section
        and not dialect.pad
        and not marks.escape
        and not marks.wrapped
    )


# --- the fast road


def _fast(feed: Feed, dialect: Dialect, columns: Sequence[str], file: str, count: Count) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    marks, width = dialect.marks, dialect.width
    names = [f"c{n}" for n in range(width)]
    odd: list[tuple[int, str]] = []  # records of another width: number, text

    def other_width(row: Any) -> str:
        if "\n" in row.text and looks_swallowed(row.text, marks.delimiter, width):
            return "error"  # a quote was left open
        odd.append((int(row.number), row.text))
        if len(odd) > MAX_REJECTS:
            return "error"
        return "skip"

    try:
        reader = arrow_csv.open_csv(
            pa.PythonFile(feed, mode="r"),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=BLOCK, use_threads=False),
            parse_options=arrow_csv.ParseOptions(
                delimiter=marks.delimiter,
                quote_char=marks.quote or False,
                double_quote=bool(marks.quote),
                newlines_in_values=bool(marks.quote),
                invalid_row_handler=other_width,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), check_utf8=False, strings_can_be_null=False
            ),
        )
    except StopIteration:
        return
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            _mend_all(odd, dialect, columns, file, count)
            return
        raise _Unsuitable from error
    number = 0  # records before the next batch, the odd ones included
    passed = 0  # odd records already accounted for
    held: pa.RecordBatch | None = None
    places = [dialect.names.index(name) for name in columns]
    mended: list[tuple[int, list[str]]] = []
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            break
        except pa.ArrowInvalid as error:
            raise _Unsuitable from error
        _suspicious(batch, dialect)
        rows, passed = _numbers(number, batch.num_rows, odd, passed)
        number = int(rows[-1]) if len(rows) else number
        table = pa.RecordBatch.from_arrays([pa.array(rows), *batch.columns], names=[ROW, *names])
        if held is not None:
            yield from _give(held, dialect, places, columns, file, count, last=False)
        held = table
    if held is not None:
        yield from _give(held, dialect, places, columns, file, count, last=True)
    for row, text in odd:
        cells = _cells(text, marks)
        fixed = _mend(cells, dialect)
        if fixed is not None and not _is_note(fixed, dialect) and not _is_header(fixed, dialect):
            mended.append((row, fixed))
        elif any(cell.strip() for cell in cells):
            _reject(count, file, row, text, cells, dialect)
    if mended:
        count.read += len(mended)
        yield _batch(mended, places, columns)


def _mend_all(odd: list[tuple[int, str]], dialect: Dialect, columns: Sequence[str], file: str, count: Count) -> None:
    for row, text in odd:
        cells = _cells(text, dialect.marks)
        if any(cell.strip() for cell in cells):
            _reject(count, file, row, text, cells, dialect)


def _numbers(before: int, rows: int, odd: list[tuple[int, str]], passed: int) -> tuple[Any, int]:
    """Record numbers of ``rows`` sound records that follow record ``before``, stepping over the odd ones."""
    import numpy as np

    out = np.arange(before + 1, before + rows + 1, dtype=np.int64)
    while passed < len(odd) and rows:
        place = odd[passed][0]
        index = int(np.searchsorted(out, place))
        if index >= rows and out[-1] < place:
            break
        out[index:] += 1
        passed += 1
    return out, passed


def _suspicious(batch: pa.RecordBatch, dialect: Dialect) -> None:
    """Raises _Unsuitable when a cell holds lines that look like records: a quote was left open."""
    import pyarrow.compute as pc

    if not dialect.marks.quote or dialect.width < 2:
        return
    for column in batch.columns:
        if b"\n" not in memoryview_bytes(column):
            continue
        lines = pc.count_substring(column, "\n")
        for cell in column.filter(pc.greater_equal(lines, 1)).to_pylist():
            if looks_swallowed(cell, dialect.marks.delimiter, dialect.width):
                raise _Unsuitable


def memoryview_bytes(column: pa.Array) -> bytes:
    """The text bytes of a string column, or b'' when it has none."""
    buffer = column.buffers()[2]
    return buffer.to_pybytes() if buffer is not None and column.offset == 0 else b"\n"


def _give(
    table: pa.RecordBatch,
    dialect: Dialect,
    places: list[int],
    columns: Sequence[str],
    file: str,
    count: Count,
    last: bool,
) -> Iterator[pa.RecordBatch]:
    """One batch without empty records, repeated headers and, at the end, notes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    width = dialect.width
    drop: set[int] = set()
    first = table.column(1)
    unusual = pc.equal(first, "")
    if dialect.header_cells and dialect.header_cells[0].strip():
        unusual = pc.or_(unusual, pc.equal(pc.utf8_trim_whitespace(first), dialect.header_cells[0].strip()))
    if pc.any(unusual).as_py():
        for index in pc.indices_nonzero(unusual).to_pylist() if width < 400 else ():
            cells = [table.column(1 + n)[index].as_py() for n in range(width)] if not drop or width < 60 else None
            if cells is None:
                continue
            if not any(cell.strip() for cell in cells):
                drop.add(index)
            elif _is_header(cells, dialect):
                drop.add(index)
                _reject(count, file, table.column(0)[index].as_py(), "", cells, dialect, "The header again.")
    for hidden in range(len(dialect.names), width):
        filled = pc.not_equal(pc.utf8_trim_whitespace(table.column(1 + hidden)), "")
        for index in pc.indices_nonzero(filled).to_pylist():
            if index not in drop:
                drop.add(index)
                cells = [table.column(1 + n)[index].as_py() for n in range(width)]
                _reject(count, file, table.column(0)[index].as_py(), "", cells, dialect, _MORE)
    if last:
        rows = range(max(0, table.num_rows - TAIL), table.num_rows)
        cells_of = {i: [table.column(1 + n)[i].as_py() for n in range(width)] for i in rows}
        for index in reversed(rows):
            if index in drop:
                continue
            if not _is_note(cells_of[index], dialect):
                break
            drop.add(index)
            _reject(count, file, table.column(0)[index].as_py(), "", cells_of[index], dialect, _NOTE)
    kept = table
    if drop:
        mask = [index not in drop for index in range(table.num_rows)]
        kept = table.filter(pa.array(mask))
    if not kept.num_rows:
        return
    count.read += kept.num_rows
    count.last = kept.column(0)[-1].as_py()
    for start in range(0, kept.num_rows, ROWS * 4):
        part = kept.slice(start, ROWS * 4)
        yield pa.RecordBatch.from_arrays([part.column(0), *(part.column(1 + n) for n in places)], names=[ROW, *columns])


# --- the forgiving road


def _forgiving(
    feed: Feed, dialect: Dialect, columns: Sequence[str], file: str, count: Count, limit: int
) -> Iterator[pa.RecordBatch]:
    marks = dialect.marks
    places = [dialect.names.index(name) for name in columns]
    rows: list[tuple[int, list[str]]] = []
    held = 0
    after = count.last
    number = 0
    tail: list[tuple[int, list[str], str]] = []
    lines = _until_section(feed.lines(), dialect) if dialect.section else feed.lines()

    def flush(keep: int) -> Iterator[pa.RecordBatch]:
        nonlocal held
        out = rows[: len(rows) - keep] if keep else rows
        if out:
            count.read += len(out)
            count.last = out[-1][0]
            yield _batch(out, places, columns)
        del rows[: len(out)]
        held = 0

    for record in records(lines, marks, dialect.width, limit):
        number += 1
        if number <= after:
            continue
        cells = record.cells
        if len(record.raw) > limit:
            raise SourceTooLarge(
                f"A record is longer than {limit:,} characters.",
                todo="Raise sources.max_cell in city.toml when this is meant.",
                place=Place(file=file, row=number),
            )
        if not any(cell.strip() for cell in cells):
            continue
        fixed = cells if len(cells) == dialect.width else _mend(cells, dialect)
        if fixed is not None and any(cell.strip() for cell in fixed[len(dialect.names) :]):
            _reject(count, file, number, record.raw, cells, dialect, _MORE)
            continue
        if fixed is None:
            why = "A quotation mark is opened and never closed." if record.open else ""
            _reject(count, file, number, record.raw, cells, dialect, why)
            continue
        if _is_header(fixed, dialect):
            _reject(count, file, number, record.raw, cells, dialect, "The header again.")
            continue
        rows.append((number, fixed))
        held += len(record.raw)
        if len(rows) >= ROWS + TAIL or held > BLOCK:
            yield from flush(min(TAIL, len(rows) - 1))
    while rows and _is_note(rows[-1][1], dialect):
        tail_number, cells = rows.pop()
        _reject(count, file, tail_number, "", cells, dialect, _NOTE)
    del tail
    yield from flush(0)


def _until_section(lines: Iterator[str], dialect: Dialect) -> Iterator[str]:
    """Lines of one section: up to the next word that opens a table."""
    for line in lines:
        word = line.strip()
        if word and dialect.marks.delimiter not in word and SECTION.fullmatch(word) and dialect.width > 1:
            return
        yield line


def _batch(rows: Sequence[tuple[int, list[str]]], places: list[int], columns: Sequence[str]) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = [pa.array([number for number, _ in rows], pa.int64())]
    for place in places:
        arrays.append(pa.array([cells[place] for _, cells in rows], pa.string()))
    return pa.RecordBatch.from_arrays(arrays, names=[ROW, *columns])


# --- records that are not like the others

_SOURCE = re.compile(
    r"(?:fuentes?|sources?|quellen?|fonti?|fontes?|bron|nota|notas|notes?|note|anmerkung|hinweis|źródło|zdroj|forrás|kaynak|lähde|källa|kilde|"
    r"font|izvor|sursa|πηγή|источник|примечание|джерело|자료|출처|주|出典|資料|注|来源|資料來源|المصدر|מקור|elaboraci[óo]n?|elaborazione|"
    r"\(?\*{1,3}\)?|\(1\))\s*[:：.)\]]",
    re.IGNORECASE,
)
_MORE = "It has more cells than there are columns."
_NOTE = "It stands at the end and fills only its first cell: a note under the table."


def _cells(text: str, marks: Marks) -> list[str]:
    reader = csv.reader(
        io.StringIO(text),
        delimiter=marks.delimiter,
        quotechar=marks.quote or None,
        quoting=csv.QUOTE_MINIMAL if marks.quote else csv.QUOTE_NONE,
    )
    try:
        return next(reader, [])
    except csv.Error:
        return text.split(marks.delimiter)


def _mend(cells: list[str], dialect: Dialect) -> list[str] | None:
    """Cells of the right width, when only empty cells at the end are too many or, by the writer's habit, missing."""
    width = dialect.width
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        return cells[:width]
    if len(cells) < width and (dialect.pad or len(cells) >= len(dialect.names)):
        return cells + [""] * (width - len(cells))
    return None


def _is_header(cells: Sequence[str], dialect: Dialect) -> bool:
    """The header repeated between the records, whole or with some of its cells."""
    head = {cell.strip() for cell in dialect.header_cells if cell.strip()}
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(head) > 1 and len(filled) >= max(2, 0.5 * len(head)) and all(cell in head for cell in filled)


def _is_note(cells: Sequence[str], dialect: Dialect) -> bool:
    """Words in the first cell alone, of a table of three columns or more."""
    first = cells[0].strip()
    if dialect.width < 3 or not first:
        return False
    filled = sum(1 for cell in cells if cell.strip())
    if filled <= dialect.width // 2 and _SOURCE.match(first):
        return True
    if filled > 1:
        return False
    return (len(first) >= 12 and " " in first) or not any(char.isdigit() for char in first)


def _reject(count: Count, file: str, row: int, raw: str, cells: Sequence[str], dialect: Dialect, why: str = "") -> None:
    text = raw.rstrip("\r\n") or dialect.marks.delimiter.join(cells)
    if not why:
        why = f"It has {len(cells)} cells where {dialect.width} are expected."
        if len(cells) == 1:
            why += " It may be a note or a title."
    count.read += 1
    count.rejects.append(Reject(file=file, row=row, column="", value=text[:RAW_KEPT], reason=why))
