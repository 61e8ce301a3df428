"""Records to Arrow batches: text columns for text kinds, plain types for typed kinds, always in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from arengo.sources.base import ROW

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 16_384
BYTES = 8_000_000
T = TypeVar("T")


def text_schema(columns: Sequence[str], geometry: str = "") -> pa.Schema:
    """``_row`` and one string column a name; ``geometry`` is binary (WKB)."""
    import pyarrow as pa

    kinds = [pa.field(name, pa.binary() if name == geometry else pa.string()) for name in columns]
    return pa.schema([pa.field(ROW, pa.int64()), *kinds])


def text_batches(schema: pa.Schema, records: Iterable[tuple[int, Sequence[Any]]]) -> Iterator[pa.RecordBatch]:
    """``records``: (row number from 1, one text, WKB or None a column). A batch holds 16,384 rows or about 8 MB."""
    import pyarrow as pa

    numbers: list[int] = []
    rows: list[Sequence[Any]] = []
    held = 0

    def batch() -> pa.RecordBatch:
        columns = zip(*rows, strict=True) if len(schema) > 1 else ()
        arrays = [pa.array(numbers, pa.int64())]
        arrays += [pa.array(values, item.type) for values, item in zip(columns, list(schema)[1:], strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    for number, row in records:
        numbers.append(number)
        rows.append(row)
        held += sum(map(len, filter(None, row)))
        if len(rows) >= ROWS or held >= BYTES:
            yield batch()
            numbers, rows, held = [], [], 0
    if rows:
        yield batch()


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type a typed kind hands on: nested, interval and oversized types become text, views become plain."""
    import pyarrow as pa

    test = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if test.is_dictionary(kind) or test.is_run_end_encoded(kind):
        kind = kind.value_type
    if test.is_boolean(kind) or test.is_date32(kind) or test.is_decimal128(kind):
        return kind
    if test.is_uint64(kind):
        return pa.decimal128(20, 0)
    if test.is_integer(kind):
        return pa.int64()
    if test.is_floating(kind):
        return pa.float64()
    if test.is_binary(kind) or test.is_large_binary(kind) or test.is_fixed_size_binary(kind):
        return pa.binary()
    if test.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if test.is_date(kind):
        return pa.date32()
    if test.is_time(kind):
        return pa.time64("us")
    return pa.string()


def plain(column: pa.Array) -> pa.Array:
    """``column`` cast to :func:`plain_type`; lists, structs and maps are written as JSON text."""
    import pyarrow as pa

    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    target = plain_type(column.type)
    if column.type == target:
        return column
    if pa.types.is_nested(column.type):
        return pa.array([None if value is None else json_text(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    if pa.types.is_duration(column.type) or pa.types.is_interval(column.type):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    return column.cast(target, safe=not pa.types.is_temporal(target))


def numbered(batch: pa.RecordBatch, schema: pa.Schema, first: int) -> pa.RecordBatch:
    """``batch`` with plain types and ``_row`` counted from ``first``; columns are taken by the names of ``schema``."""
    import pyarrow as pa

    rows = pa.array(range(first, first + batch.num_rows), pa.int64())
    columns = [plain(batch.column(name)).cast(schema.field(name).type) for name in schema.names[1:]]
    return pa.RecordBatch.from_arrays([rows, *columns], schema=schema)


def declared(kind: pa.DataType) -> str:
    """The SQL name of an Arrow type, as written in ``SampleColumn.declared``."""
    import pyarrow as pa

    test = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if test.is_nested(kind):
        return "JSON"
    plain_kind = plain_type(kind)
    if test.is_decimal(plain_kind):
        return f"DECIMAL({plain_kind.precision},{plain_kind.scale})"
    if test.is_timestamp(plain_kind):
        return "TIMESTAMP WITH TIME ZONE" if plain_kind.tz else "TIMESTAMP"
    names: list[tuple[Callable[[Any], bool], str]] = [
        (test.is_boolean, "BOOLEAN"),
        (test.is_integer, "BIGINT"),
        (test.is_floating, "DOUBLE"),
        (test.is_date, "DATE"),
        (test.is_time, "TIME"),
        (test.is_binary, "BLOB"),
    ]
    return next((name for check, name in names if check(plain_kind)), "VARCHAR")


def texts(column: pa.Array) -> tuple[str | None, ...]:
    """Values of a typed column as a person reads them: ISO dates and times, ``true``/``false``, no exponent noise."""
    import pyarrow as pa

    column = plain(column)
    if pa.types.is_boolean(column.type):
        return tuple(None if value is None else str(value).lower() for value in column.to_pylist())
    if pa.types.is_binary(column.type):
        return tuple(None if value is None else value[:32].hex() for value in column.to_pylist())
    if pa.types.is_temporal(column.type):
        return tuple(None if value is None else value.isoformat() for value in column.to_pylist())
    return tuple(None if value is None else str(value) for value in column.to_pylist())


def json_text(value: Any) -> str:
    """``value`` as compact JSON text, keys in their order, non-ASCII kept."""
    import json

    import orjson

    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, orjson.JSONEncodeError):  # integers beyond 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


WHOLE = 20_000
"""A table of at most this many rows is sampled whole."""


def spread(items: Iterable[T], rows: int, scan: int = 1_000_000) -> tuple[list[T], int, bool]:
    """The items of a sample, how many were met, and whether all were.

    Up to 20,000 items are kept whole. Of more, the first ``rows`` with a fifth of them replaced by later ones: a
    draft that sees only the top of a file misses what begins in its middle. At most ``scan`` items are met.
    """
    kept: list[T] = []
    late: list[T] = []
    head, met = max(1, rows - rows // 5), 0
    choice = Random(rows)  # noqa: S311 - a repeatable choice, not a secret
    for item in items:
        if met >= scan:
            return kept[:head] + late, met, False
        met += 1
        if met <= WHOLE:
            kept.append(item)
            continue
        if met == WHOLE + 1:
            late = choice.sample(kept[head:], min(rows - head, len(kept) - head)) if rows > head else []
        if late and (slot := choice.randrange(met - head)) < len(late):
            late[slot] = item
    return (kept if met <= WHOLE else kept[:head] + late), met, True


def sampled(
    batches: Iterable[pa.RecordBatch], names: Sequence[str], rows: int, scan: int = 2_000_000
) -> tuple[list[tuple[str | None, ...]], dict[str, Any], int]:
    """Texts by column, ``Sample.extra`` and the rows met, from batches with ``_row`` first and then ``names``."""
    import pyarrow as pa

    from arengo.sources.csv_sample import Picker

    picker = Picker(names, rows)
    for batch in batches:
        columns = [pa.array(texts(batch.column(name)), pa.string()) for name in names]
        picker.add(pa.RecordBatch.from_arrays([batch.column(0), *columns], names=[ROW, *names]))
        if picker.total >= scan:
            break
    values, extra = picker.result()
    if picker.total >= scan:
        extra.pop("unique", None)
        extra["complete"] = False
    return values, extra, picker.total
