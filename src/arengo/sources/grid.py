"""Where the table of a sheet is: title rows above, header of one row or more, notes below.

The header is found by the same rules as a delimited text's (:mod:`arengo.sources.dialect`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from arengo.sources.csv_records import Marks, Record
from arengo.sources.delimiter import SNIFF_RECORDS
from arengo.sources.dialect import table_of

Grid = list[list[str | None]]
_TAIL = 30
_NOTE = re.compile(
    r"\s*(?:\*|\(?\d?\)|source|fuente|fonte|quelle|bron|note|nota|remar|hinweis|obs|출처|자료|주|註|注)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class TableLayout:
    """``skip_rows``: above the header; ``end``: first sheet row (from 0) below the table; one caption a name."""

    skip_rows: int
    header_rows: int
    names: tuple[str, ...]
    captions: tuple[str, ...]
    end: int
    title: str = ""
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def find_table(
    grid: Sequence[Sequence[str | None]],
    *,
    skip_rows: int | None = None,
    header_rows: int | None = None,
    footer: int | None = None,
) -> TableLayout:
    """The layout of the table in ``grid``; what the contract already tells is not looked for."""
    height = len(grid)
    while height and not any(grid[height - 1]):
        height -= 1
    width = max((index + 1 for row in grid[:height] for index, cell in enumerate(row) if cell), default=0)
    end = height - footer if footer is not None else _end(grid, height, width)
    # Empty rows count for skip_rows but would hide the table's shape.
    filled = [index for index in range(min(end, SNIFF_RECORDS)) if any(grid[index][:width])]
    rows = [[cell or "" for cell in grid[index][:width]] + [""] * (width - len(grid[index])) for index in filled]
    if not rows:
        return TableLayout(0, 0, (), (), 0)
    skip = sum(1 for index in filled if index < skip_rows) if skip_rows is not None else None
    found = table_of([Record(row, "") for row in rows], Marks(",", ""), skip, header_rows)
    first = filled[found.skip] if found.skip < len(filled) else 0
    last = filled[found.skip + found.header - 1] if found.header else first - 1
    names = found.names[:width] + tuple(f"column_{n + 1}" for n in range(len(found.names), width))
    captions = found.captions[:width] + ("",) * (width - len(found.captions))
    below = [" ".join(cell for cell in grid[index] if cell) for index in range(end, height)]
    return TableLayout(
        skip_rows=first,
        header_rows=last - first + 1,
        names=names,
        captions=captions,
        end=end,
        title=found.title,
        notes=(*(text for text in found.above if text != found.title), *(text for text in below if text)),
        doubts=found.doubts,
    )


def _end(grid: Sequence[Sequence[str | None]], height: int, width: int) -> int:
    """The row after the last one of the table: notes are lone texts at the very end."""
    end = height
    if width < 3:
        return end
    for index in range(height - 1, max(0, height - _TAIL), -1):
        cells = [(place, cell) for place, cell in enumerate(grid[index]) if cell]
        if not cells:
            continue
        place, text = cells[0]
        lone = len(cells) == 1 and place <= 1 and not re.fullmatch(r"[\d.,\s-]+", text)
        after_gap = not any(grid[index - 1]) or end < height
        if not (lone and (len(text) > 25 or _NOTE.match(text) or after_gap)):
            break
        end = index
    return end
