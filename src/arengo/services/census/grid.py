"""The cells of a sheet, read in a process of its own that may not take more memory or time than a sheet needs.

A workbook of five kilobytes can name a cell so far away that its reader asks for all the memory there is and takes its
process with it. Here that process is a child: the city goes on, and whoever sent the sheet gets a sentence.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from arengo.errors import Place, SourceMalformed, SourceTooLarge
from arengo.settings import SourceSettings

MEMORY = 1 << 30
SECONDS = 60
MOST_BYTES = 16_000_000
MOST_ROWS = 50_000
MOST_COLUMNS = 60
MOST_TEXT = 4000
"""Of one file, one sheet, one row and one cell."""
BOOKS = (".xlsx", ".xlsm", ".ods", ".xls", ".xlsb")
TEXTS = (".csv", ".tsv", ".txt")
_PACKED = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet as it stands: (row of the sheet from 1, texts) of each row that is not empty."""

    file: str
    sheet: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read(paths: Sequence[Path], limits: SourceSettings, names: Sequence[str] = ()) -> list[Grid]:
    """Every sheet of the files. ``names``: what the files are called, when they lie under others.

    Raises SourceMalformed (no table, damaged, no kind we read), SourceTooLarge.
    """
    called = list(names) or [path.name for path in paths]
    for path, name in zip(paths, called, strict=True):
        if path.stat().st_size > MOST_BYTES:
            raise SourceTooLarge(
                f"It is larger than {MOST_BYTES:,} bytes.", todo="A census is smaller.", place=Place(file=name)
            )
    found = _asked([(str(path), name) for path, name in zip(paths, called, strict=True)], limits)
    return [
        Grid(called[file], sheet, tuple((int(number), tuple(cells)) for number, cells in rows))
        for file, sheet, rows in found
    ]


def _asked(files: list[tuple[str, str]], limits: SourceSettings) -> list[tuple[int, str, list[Row]]]:
    said = {"files": files, "max_ratio": limits.max_ratio}
    name = ", ".join(name for _, name in files)
    root = str(Path(__file__).resolve().parents[3])
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RUST_BACKTRACE": "0"}
    environ["PYTHONPATH"] = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "arengo.services.census.grid"],
            input=json.dumps(said).encode(),
            capture_output=True,
            timeout=SECONDS,
            env=environ,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceTooLarge(
            "Reading it takes too long.", todo="Save the two sheets as a new file.", place=Place(file=name)
        ) from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:  # the process ended in the middle: out of memory, or a file made to break its reader
        raise SourceTooLarge(
            "It asks for far more memory than a sheet needs.",
            todo="Copy the two sheets into a new file; a cell far outside of the table makes it that large.",
            place=Place(file=name),
        ) from error
    if "error" in answer:
        kind = SourceTooLarge if answer["kind"] == "SourceTooLarge" else SourceMalformed
        raise kind(answer["error"], todo=answer["todo"], place=Place(file=answer["file"]))
    sheets: list[tuple[int, str, list[Row]]] = answer["sheets"]
    return sheets


# --- in the child


def main() -> None:
    """Reads what standard input names, writes one JSON document."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    said = json.load(sys.stdin)
    answer: dict[str, object] = {}
    sheets: list[tuple[int, str, list[Row]]] = []
    for file, (path, name) in enumerate(said["files"]):
        try:
            sheets += [(file, title, list(rows)) for title, rows in _sheets(Path(path), name, int(said["max_ratio"]))]
        except (SourceMalformed, SourceTooLarge) as error:
            answer = {"error": error.met, "todo": error.todo, "kind": type(error).__name__, "file": name}
            break
        except MemoryError:
            met, todo = "It asks for far more memory than a sheet needs.", "Copy the two sheets into a new file."
            answer = {"error": met, "todo": todo, "kind": "SourceTooLarge", "file": name}
            break
    json.dump(answer or {"sheets": sheets}, sys.stdout)


def _sheets(path: Path, name: str, ratio: int) -> Iterator[tuple[str, Iterator[Row]]]:
    with path.open("rb") as stream:
        head = stream.read(4096)
    suffix = Path(name).suffix.lower()
    if head.startswith(_PACKED):
        yield from _book(path, ratio)
    elif suffix in TEXTS or (b"\0" not in head and not head.lstrip().startswith((b"<", b"{", b"%PDF"))):
        yield "", _text(path)
    else:
        raise SourceMalformed("This is no spreadsheet.", todo="Send XLSX, ODS or CSV.")


def _book(path: Path, ratio: int) -> Iterator[tuple[str, Iterator[Row]]]:
    from python_calamine import CalamineError, load_workbook

    from arengo.sources import archive
    from arengo.sources.base import Context
    from arengo.sources.excel import cell

    with tempfile.TemporaryDirectory() as scratch:
        if archive.packing(path) == "zip":
            archive.check(path, Context(SourceSettings(max_bytes=200_000_000, max_ratio=ratio), Path(scratch)))
    try:
        book = load_workbook(str(path))
        visible = [item.name for item in book.sheets_metadata if str(item.visible).endswith("Visible")]
        for name in visible:
            sheet = book.get_sheet_by_name(name)
            if sheet.total_height > MOST_ROWS * 2 or sheet.total_width > 2000:
                raise SourceTooLarge(f"Sheet {name!r} has more than {MOST_ROWS:,} rows.", todo="A census has fewer.")
            yield (
                name,
                _rows(
                    enumerate(
                        ([cell(value) or "" for value in row] for row in sheet.to_python(skip_empty_area=False)), 1
                    )
                ),
            )
    except (CalamineError, ValueError, OSError) as error:
        raise SourceMalformed(
            f"The workbook cannot be opened: {error}.",
            todo="Open it in a spreadsheet program and save it again without a password.",
        ) from error


def _text(path: Path) -> Iterator[Row]:
    """Delimited text; the delimiter is the one under which the header says most."""
    from arengo.services.census.sheet import header_score
    from arengo.sources.csv_records import Marks, records
    from arengo.sources.text import Bytes, Feed, find_encoding, opener

    limits = SourceSettings()
    source = Bytes(opener(path)(), path.name, limits, digest=False)
    try:
        encoding = find_encoding(source, whole=True)
    finally:
        source.close()
    feed = Feed(Bytes(opener(path)(), path.name, limits, digest=False), encoding)
    pieces = []
    while piece := feed.read(1 << 20):
        pieces.append(piece)
    feed.finish()
    lines = b"".join(pieces).decode("utf-8", "replace").splitlines(keepends=True)

    def score(mark: str) -> tuple[int, int]:
        tops = [record.cells for _, record in zip(range(40), records(lines[:200], Marks(mark)), strict=False)]
        return max(map(header_score, tops), default=0), max(map(len, tops), default=0)

    marks = Marks(max((";", ",", "\t", "|"), key=score))
    taken = 0

    def counted() -> Iterator[str]:
        nonlocal taken
        for line in lines:
            taken += 1
            yield line

    def numbered() -> Iterator[tuple[int, list[str]]]:
        for record in records(counted(), marks):
            yield taken - max(record.raw.count("\n"), 1) + 1, record.cells

    return _rows(numbered())


def _rows(found: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Row]:
    kept = 0
    for number, cells in found:
        row = [text.strip()[: MOST_TEXT + 1] for text in cells[:MOST_COLUMNS]]
        if not any(row):
            continue
        kept += 1
        if kept > MOST_ROWS:
            raise SourceTooLarge(f"The sheet has more than {MOST_ROWS:,} rows.", todo="A census has fewer.")
        yield number, row


if __name__ == "__main__":
    main()
