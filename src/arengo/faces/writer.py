"""``python -m arengo.faces.writer``: an Arrow stream on standard input to one file.

The first line of the input is JSON: form, path, names. Reads no dataset and knows no city; memory is bounded by one
row group (Parquet) or one batch (the others).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

GROUP = 65_536
CELL = 32_767
"""Characters of one Excel cell (ECMA-376 readers refuse more)."""
EXACT = 2**53


def main() -> None:
    import pyarrow as pa

    source = sys.stdin.buffer
    options = json.loads(source.readline())
    with pa.ipc.open_stream(source) as reader:
        _WRITERS[options["form"]](reader, options)


def parquet(reader: Any, options: dict[str, Any]) -> None:
    """Parquet, zstd; with a geometry column the GeoParquet 1.1.0 key, covering and bounding box.

    With a geometry the stream's last five columns are each row's box and geometry type.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    geometry = options["geometry"]
    schema = reader.schema
    name = "bbox"
    if geometry:
        schema = pa.schema(list(schema)[: -len(_SIDES) - 1])
        while name in schema.names:
            name += "_"
        schema = schema.append(pa.field(name, pa.struct([(side, pa.float64()) for side in _SIDES])))
    extent = _Extent()
    with pq.ParquetWriter(options["path"], schema, compression="zstd", compression_level=3) as writer:
        for table in _groups(reader):
            if geometry:
                table = _covered(table, schema, extent)
            writer.write_table(table, row_group_size=GROUP)
        if geometry:
            writer.add_key_value_metadata({"geo": json.dumps(_geo(geometry, name, extent))})
        writer.add_key_value_metadata(
            {key: str(options[key]) for key in ("title", "dataset", "version", "published_at", "licence")}
        )


_SIDES = ("xmin", "ymin", "xmax", "ymax")
_TYPES = {
    item.upper(): item
    for item in (
        "Point",
        "LineString",
        "Polygon",
        "MultiPoint",
        "MultiLineString",
        "MultiPolygon",
        "GeometryCollection",
    )
}


class _Extent:
    """The box and the geometry types of what was written."""

    def __init__(self) -> None:
        self.box: list[float] = []
        self.types: set[str] = set()


def _groups(reader: Any) -> Iterator[Any]:
    """Batches collected to row groups."""
    import pyarrow as pa

    held: list[Any] = []
    rows = 0
    for batch in reader:
        held.append(batch)
        rows += batch.num_rows
        if rows >= GROUP:
            yield pa.Table.from_batches(held, reader.schema)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held, reader.schema)


def _covered(table: Any, schema: Any, extent: _Extent) -> Any:
    """The table with its box columns as one struct, NULL where there is no place."""
    import pyarrow as pa
    import pyarrow.compute as pc

    count = len(schema) - 1
    sides = [table.column(count + i).combine_chunks() for i in range(4)]
    kinds = table.column(count + 4)
    extent.types |= {_TYPES[item] for item in pc.unique(kinds).to_pylist() if item in _TYPES}
    found = [pc.min(sides[0]).as_py(), pc.min(sides[1]).as_py(), pc.max(sides[2]).as_py(), pc.max(sides[3]).as_py()]
    if found[0] is not None:
        old = extent.box or found
        extent.box = [min(old[0], found[0]), min(old[1], found[1]), max(old[2], found[2]), max(old[3], found[3])]
    box = pa.StructArray.from_arrays(sides, list(_SIDES), mask=pc.is_null(sides[0]))
    return pa.Table.from_arrays([*table.columns[:count], box], schema=schema)


def _geo(geometry: str, box: str, extent: _Extent) -> dict[str, Any]:
    """The ``geo`` key (GeoParquet 1.1.0, *Metadata*); no ``crs`` means OGC:CRS84."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(extent.types),
        "covering": {"bbox": {side: [box, side] for side in _SIDES}},
    }
    if extent.box:
        column["bbox"] = extent.box
    return {"version": "1.1.0", "primary_column": geometry, "columns": {geometry: column}}


def gpkg(reader: Any, options: dict[str, Any]) -> None:
    """GeoPackage 1.3 with one layer named after the dataset."""
    import pyarrow as pa
    import pyogrio

    schema = reader.schema
    times = [i for i, field in enumerate(schema) if pa.types.is_time(field.type)]
    flat = schema
    for i in times:
        flat = flat.set(i, schema.field(i).with_type(pa.string()))

    def batches() -> Iterator[Any]:
        for batch in reader:
            columns = [
                column.cast(field.type) if field.type != column.type else column
                for column, field in zip(batch.columns, flat, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=flat)

    types = options["types"]
    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(flat, batches()),
        options["path"],
        layer=options["dataset"],
        driver="GPKG",
        geometry_name=options["geometry"],
        geometry_type=types[0] if len(types) == 1 else "Unknown",
        crs="EPSG:4326",
        layer_metadata={"IDENTIFIER": options["title"], "VERSION": str(options["version"])},
        layer_options={"GEOMETRY_NAME": options["geometry"], "SPATIAL_INDEX": "YES"},
    )


def xlsx(reader: Any, options: dict[str, Any]) -> None:
    """An Excel workbook. Texts are never formulas; what a cell cannot hold exactly is written as text."""
    import pyarrow as pa
    import xlsxwriter

    book = xlsxwriter.Workbook(
        options["path"],
        {
            "constant_memory": True,
            "tmpdir": str(Path(options["path"]).parent),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        },
    )
    sheet = book.add_worksheet(_sheet_name(options["dataset"]))
    bold = book.add_format({"bold": True})
    styles = {
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "timestamp": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        "time": book.add_format({"num_format": "hh:mm:ss"}),
    }
    sheet.freeze_panes(1, 0)
    names = reader.schema.names
    for i, field in enumerate(reader.schema):
        style = "timestamp" if pa.types.is_timestamp(field.type) else "date" if pa.types.is_date(field.type) else ""
        sheet.set_column(i, i, 20 if style == "timestamp" else 12 if style else min(40, max(10, len(names[i]) + 2)))
    for i, name in enumerate(names):
        sheet.write_string(0, i, name[:CELL], bold)
    cut = 0
    row = 0
    for batch in reader:
        columns = [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            row += 1
            for i, value in enumerate(values):
                if value is not None:
                    cut += _cell(sheet, row, i, value, styles)
    notes = book.add_worksheet("About")
    facts = [
        ("Title", options["title"]),
        ("Dataset", options["dataset"]),
        ("Version", str(options["version"])),
        ("Published", options["published_at"]),
        ("Licence", options["licence"] or ""),
        ("Rows", str(row)),
        ("Times", "Coordinated Universal Time (UTC)"),
    ]
    if cut:
        facts.append(("Cells cut", f"{cut}: Excel holds {CELL:,} characters in a cell; take csv for the whole texts."))
    for i, (name, value) in enumerate(facts):
        notes.write_string(i, 0, name, bold)
        notes.write_string(i, 1, value)
    notes.set_column(0, 1, 24)
    book.close()


def _cell(sheet: Any, row: int, column: int, value: Any, styles: dict[str, Any]) -> int:
    """Write one value; 1 when it had to be cut."""
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int):
        if abs(value) <= EXACT:
            sheet.write_number(row, column, value)
        else:
            sheet.write_string(row, column, str(value))
    elif isinstance(value, float):
        if math.isfinite(value):
            sheet.write_number(row, column, value)
    elif isinstance(value, datetime):
        plain = value.replace(tzinfo=None)
        if plain.year >= 1900:
            sheet.write_datetime(row, column, plain, styles["timestamp"])
        else:
            sheet.write_string(row, column, f"{plain.isoformat()}Z")
    elif isinstance(value, date):
        if value.year >= 1900:
            sheet.write_datetime(row, column, value, styles["date"])
        else:
            sheet.write_string(row, column, value.isoformat())
    elif isinstance(value, time):
        sheet.write_datetime(row, column, value, styles["time"])
    else:
        text = str(value)
        sheet.write_string(row, column, text if len(text) <= CELL else text[: CELL - 1] + "…")
        return len(text) > CELL
    return 0


def _sheet_name(dataset: str) -> str:
    return "".join("-" if char in "[]:*?/\\'" else char for char in dataset)[:31] or "data"


_WRITERS = {"parquet": parquet, "geoparquet": parquet, "gpkg": gpkg, "xlsx": xlsx}

if __name__ == "__main__":
    main()
