"""The file of what did not fit: one line a bad value, so that its owner can mend the source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.sources.base import Reject

if TYPE_CHECKING:
    import pyarrow as pa

LINES = 50_000
Line = tuple[str, int, str, str | None, str]
"""file, row, column, value, reason"""


class Quarantine:
    """Writes ``quarantine.parquet`` (file, row, column, value, reason) in bounded memory.

    ``rejected`` counts the records the reader could not deliver, ``rejected_values`` their lines, ``values`` all lines.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rejected = 0
        self.rejected_values = 0
        self.values = 0
        self._last: tuple[str, int] | None = None
        self._held: list[Line] = []
        self._writer: Any = None

    def __enter__(self) -> Quarantine:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._schema: pa.Schema = pa.schema(
            [
                ("file", pa.string()),
                ("row", pa.int64()),
                ("column", pa.string()),
                ("value", pa.string()),
                ("reason", pa.string()),
            ]
        )
        self._writer = pq.ParquetWriter(self.path, self._schema, compression="zstd")
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()

    def lines(self, lines: Sequence[Line]) -> None:
        self._held += lines
        self.values += len(lines)
        if len(self._held) >= LINES:
            self._flush()

    def rejects(self, rejects: list[Reject]) -> None:
        """Take over what the reader rejected so far; the list is emptied so that it cannot grow without bound."""
        if not rejects:
            return
        taken = rejects[:]
        del rejects[: len(taken)]
        for item in taken:
            if (item.file, item.row) != self._last:
                self.rejected += 1
                self._last = (item.file, item.row)
        self.rejected_values += len(taken)
        self.lines([(item.file, item.row, item.column, item.value, item.reason) for item in taken])

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._held:
            return
        columns = [list(column) for column in zip(*self._held, strict=True)]
        columns[3] = [None if item is None else item[:10_000] for item in columns[3]]
        self._writer.write_table(pa.table(columns, schema=self._schema))
        self._held = []


def blank(path: Path, into: Path) -> Path:
    """The same lines without a value: file, row and column, and the reason without what it quotes. Returns ``into``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as held, pq.ParquetWriter(into, held.schema_arrow, compression="zstd") as out:
        for batch in held.iter_batches(LINES):
            table = pa.Table.from_batches([batch])
            told = zip(table.column("value").to_pylist(), table.column("reason").to_pylist(), strict=True)
            reasons = pa.array([_unquoted(value or "", reason or "") for value, reason in told], pa.string())
            table = table.set_column(table.schema.get_field_index("reason"), "reason", reasons)
            empty = pa.nulls(table.num_rows, pa.string())
            out.write_table(table.set_column(table.schema.get_field_index("value"), "value", empty))
    return into


def _unquoted(value: str, reason: str) -> str:
    shown = value if len(value) <= 80 else value[:77] + "..."
    for quoted in (repr(value), repr(shown)) if value else ():
        reason = reason.replace(quoted, "\u2026")
    reason = re.sub(r"""(['"])(?:(?!\1).)*\1""", "\u2026", reason)
    if value and (value in reason or (len(value) > 20 and value[:20] in reason)):
        return "The value does not fit."
    return reason
