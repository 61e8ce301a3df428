"""Excel and OpenDocument workbooks (xls, xlsx, xlsb, ods) through calamine: one table a sheet.

Cells are handed on as texts, as a person sees them in the program.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import Place, SourceMalformed, SourceTooLarge
from arengo.sources import archive
from arengo.sources.base import Context, Fingerprint, Pull
from arengo.sources.batches import sampled, text_batches, text_schema
from arengo.sources.grid import Grid, TableLayout, find_table
from arengo.sources.location import digest

MEMORY = 4 << 30
MOST_CELLS = 100_000_000
"""A million rows of a hundred columns, empty cells between them included."""
_FAR = 42
_PROBE = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from python_calamine import load_workbook
book = load_workbook(sys.argv[1])
for name in book.sheet_names:
    try:
        sheet = book.get_sheet_by_name(name)
    except BaseException:
        continue
    if sheet.total_height * sheet.total_width > int(sys.argv[3]):
        sys.exit({_FAR})
"""


def cell(value: Any) -> str | None:
    """One cell as text: ISO dates, whole numbers without ``.0``, at most 15 digits as Excel shows them."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return f"{value:.15g}"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(timespec="seconds")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        seconds = round(value.total_seconds())
        minutes, seconds = divmod(abs(seconds), 60)
        sign = "-" if value.total_seconds() < 0 else ""
        return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return str(value)


class ExcelReader:
    """A workbook; ``sheet`` chooses the table, ``skip_rows`` and ``header_rows`` tell where it begins."""

    kind = "excel"
    title = "Excel, OpenDocument spreadsheet"
    suffixes: tuple[str, ...] = (".xlsx", ".xls", ".ods", ".xlsm", ".xlsb")
    packed = True
    options: Mapping[str, str] = {
        "path": "File, relative to the city folder.",
        "url": "Address, instead of path.",
        "sheet": "Name of the sheet (the first with a table when empty).",
        "skip_rows": "Rows above the header, such as a title; found when empty.",
        "header_rows": "Rows the header takes (1, 2, 3; 0 for none); found when empty.",
        "skip_footer": "Rows below the table, such as notes; found when empty.",
    }

    def matches(self, target: str, head: bytes) -> int:
        name = target.lower().split("?")[0]
        if head.startswith(b"\xd0\xcf\x11\xe0"):
            return 90
        if not head.startswith(b"PK\x03\x04"):
            return 0
        if name.endswith(self.suffixes):
            return 95
        return 90 if b"xl/" in head or b"opendocument.spreadsheet" in head else 0

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        book = _workbook(spec.path(), context)
        wanted = str(spec.options.get("sheet", ""))
        visible = [item.name for item in book.sheets_metadata if str(item.visible).endswith("Visible")]
        chosen = [wanted] if wanted else visible or list(book.sheet_names)
        found = []
        for name in chosen:
            grid = _grid(book, name, spec)
            if not any(any(value is not None for value in row) for row in grid):
                continue
            layout = _layout(grid, spec)
            body = _body(grid, layout)
            if body and layout.names:
                found.append((name, layout, body))
        if not found:
            raise SourceMalformed("The workbook holds no table.", place=Place(file=spec.path().name))
        for name, layout, body in found:
            schema = text_schema(layout.names)
            kept, extra, _ = sampled(text_batches(schema, body), layout.names, rows)
            options = {key: value for key, value in spec.options.items() if key in self.options}
            options |= {"skip_rows": layout.skip_rows, "header_rows": layout.header_rows}
            if len(book.sheet_names) > 1 or wanted:
                options["sheet"] = name
            columns = [
                SampleColumn(title, kept[index], caption=layout.captions[index])
                for index, title in enumerate(layout.names)
            ]
            yield Sample(
                name=name if len(found) > 1 else spec.path().stem,
                kind=self.kind,
                options=options,
                columns=tuple(columns),
                table=name if len(book.sheet_names) > 1 else "",
                title=layout.title,
                notes=layout.notes,
                doubts=layout.doubts,
                total=len(body),
                extra=extra,
            )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        return digest((spec.path(),), context)

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        path = spec.path()
        book = _workbook(path, context)
        name = self._sheet(book, spec)
        grid = _grid(book, name, spec)
        layout = _layout(grid, spec)
        names = list(layout.names)
        for column in columns:
            if column not in names:
                raise SourceMalformed(
                    f"There is no column {column!r} in sheet {name!r}.",
                    todo=f"It has {', '.join(names)}.",
                    place=Place(file=path.name, column=column),
                )
        wanted = columns or tuple(names)
        places = [names.index(column) for column in wanted]
        schema = text_schema(wanted)
        pull = Pull(schema=schema, batches=iter(()), fingerprint=Fingerprint(""))

        def rows() -> Iterator[tuple[int, Sequence[str | None]]]:
            body = _body(grid, layout)
            for number, row in body:
                pull.read += 1
                if pull.read % 10_000 == 0:
                    context.progress(pull.read, len(body))
                yield number, [row[index] for index in places]

        pull.batches = text_batches(schema, rows())
        return pull

    def _sheet(self, book: Any, spec: SourceSpec) -> str:
        names: list[str] = list(book.sheet_names)
        wanted = str(spec.options.get("sheet", ""))
        if wanted:
            if wanted not in names:
                raise SourceMalformed(
                    f"There is no sheet {wanted!r}.",
                    todo=f"The workbook has {', '.join(names)}.",
                    place=Place(file=spec.path().name),
                )
            return wanted
        for name in names:
            grid = _grid(book, name, spec)
            if any(any(value is not None for value in row) for row in grid):
                return name
        raise SourceMalformed("The workbook holds no table.", place=Place(file=spec.path().name))


def _workbook(path: Path, context: Context) -> Any:
    from python_calamine import CalamineError, load_workbook

    if archive.packing(path) == "zip":
        archive.check(path, context)
    about = path.stat()
    _bounded(str(path), about.st_size, about.st_mtime_ns)
    try:
        return load_workbook(str(path))
    except (CalamineError, OSError, ValueError) as error:
        raise SourceMalformed(
            f"The workbook cannot be opened: {error}.",
            todo="Open it in a spreadsheet program and save it again without a password.",
            place=Place(file=path.name),
        ) from error


@lru_cache(maxsize=64)
def _bounded(path: str, size: int, modified: int) -> None:
    """Open the workbook in a process that may not take more than :data:`MEMORY`; the same state of a file once.

    A cell far away from the others makes the library ask for the whole rectangle between them, and end its process
    when there is not so much. Raises SourceTooLarge.
    """
    words = [sys.executable, "-c", _PROBE, path, str(MEMORY), str(MOST_CELLS)]
    ended = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode
    if ended < 0 or ended == _FAR:
        raise SourceTooLarge(
            f"A sheet spans more than {MOST_CELLS:,} cells, or needs more than {MEMORY >> 30} GB to open.",
            todo="A cell far outside of the table does that: copy the table into a new workbook.",
            place=Place(file=Path(path).name),
        )


def _grid(book: Any, name: str, spec: SourceSpec) -> Grid:
    """All cells of a sheet as texts; a cell merged downwards stands in each row it covers."""
    from python_calamine import CalamineError

    try:
        sheet = book.get_sheet_by_name(name)
        grid = [[cell(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
        merged = sheet.merged_cell_ranges or []
    except (CalamineError, ValueError) as error:
        raise SourceMalformed(f"Sheet {name!r} cannot be read: {error}.", place=Place(file=spec.path().name)) from error
    # A label merged over several rows belongs to each of them; merged sideways it is a heading, which find_table reads.
    for (top, left), (bottom, _) in merged:
        for row in range(top + 1, min(bottom + 1, len(grid))):
            if left < len(grid[row]) and grid[row][left] is None and left < len(grid[top]):
                grid[row][left] = grid[top][left]
    return grid


def _layout(grid: Grid, spec: SourceSpec) -> TableLayout:
    def told(name: str) -> int | None:
        return int(spec.options[name]) if name in spec.options else None

    return find_table(grid, skip_rows=told("skip_rows"), header_rows=told("header_rows"), footer=told("skip_footer"))


def _body(grid: Grid, layout: TableLayout) -> list[tuple[int, list[str | None]]]:
    """(sheet row from 1, cells) of the table's rows; wholly empty rows are left out."""
    width = len(layout.names)
    out = []
    for index in range(layout.skip_rows + layout.header_rows, layout.end):
        row = (grid[index] + [None] * width)[:width]
        if any(value is not None for value in row):
            out.append((index + 1, row))
    return out
