"""Arrow batches made ready for the engine: grouped to a useful size, texts trimmed and made clean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from arengo.sources.base import ROW

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 122_880  # one row group of the engine
BYTES = 48_000_000


def regroup(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of at most :data:`ROWS` rows and about :data:`BYTES` bytes, in order."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            fit = max(1, min(ROWS - rows, batch.num_rows - start))
            if batch.nbytes > BYTES:
                fit = max(1, min(fit, BYTES * batch.num_rows // batch.nbytes))
            part = batch.slice(start, fit)
            start += fit
            held.append(part)
            rows += fit
            size += part.nbytes
            if rows >= ROWS or size >= BYTES:
                yield pa.Table.from_batches(held)
                held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held)


def texts(table: pa.Table, names: list[str], text: list[bool]) -> tuple[pa.Table, list[str]]:
    """The columns ``names`` as ``s0``, ``s1``, ... plus ``_row``; texts trimmed (no-break spaces too), valid, no NUL.

    Returns the table and sentences on what had to be cleaned.
    """
    import pyarrow as pa

    columns: list[pa.ChunkedArray] = []
    notes: list[str] = []
    for name, is_text in zip(names, text, strict=True):
        column = table.column(name)
        columns.append(_text(column, name, notes) if is_text else _typed(column))
    fields = [f"s{number}" for number in range(len(names))]
    # One chunk: the engine writes the rows of several chunks twice.
    return pa.table([*columns, table.column(ROW)], names=[*fields, ROW]).combine_chunks(), notes


def _text(column: pa.ChunkedArray, name: str, notes: list[str]) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    if _has_nul(column):
        column = pc.replace_substring(column, "\0", "")
        notes.append(f"NUL bytes were taken out of the texts of {name}.")
    try:
        return pc.utf8_trim_whitespace(column)
    except pa.ArrowInvalid:
        notes.append(f"Bytes of {name} that are no text in its encoding were replaced by \ufffd.")
        repaired = [
            None if item is None else item.decode("utf-8", "replace") for item in column.cast(pa.binary()).to_pylist()
        ]
        return pc.utf8_trim_whitespace(pa.chunked_array([pa.array(repaired, pa.string())]))


def _has_nul(column: pa.ChunkedArray) -> bool:
    import numpy as np

    for chunk in column.chunks:
        data = chunk.buffers()[2]
        if data is None or not len(chunk):
            continue
        first, last = np.frombuffer(chunk.buffers()[1], np.int32, count=len(chunk) + 1, offset=4 * chunk.offset)[
            [0, -1]
        ]
        if not np.frombuffer(data, np.uint8, count=last)[first:].all():
            return True
    return False


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], type=kind.storage_type)
        kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        micro = column.cast(pa.timestamp("us", kind.tz), safe=False)
        if kind.tz:  # the stored value is UTC already
            return pa.chunked_array([chunk.view(pa.timestamp("us")) for chunk in micro.chunks], type=pa.timestamp("us"))
        return micro
    return column
