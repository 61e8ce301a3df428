"""Writing a version's Parquet files: sorted, with Iceberg field ids and GeoParquet 1.1 metadata, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.contract.model import Contract, Geometry, Kind
from arengo.lake.iceberg import sync_folder
from arengo.lake.layout import BOX, ROW, SIDES, Layout, quote, sort_term, struct, text

if TYPE_CHECKING:
    import duckdb

ROW_GROUP = 30_720
FILE_BYTES = "128MB"


def content_sum(columns: Sequence[str]) -> str:
    """SQL of a checksum over rows that does not depend on their order: the sum of the rows' hashes."""
    inner = ", ".join(quote(name) for name in columns)
    return f"coalesce(sum(hash({inner})), 0)::HUGEINT"


def order_by(contract: Contract, geometry: Geometry | None, columns: Sequence[str], extent: Any) -> str:
    """The ORDER BY of a version: declared sort, else Hilbert order of the places, else the key, else '' (as it came).

    ``extent`` is (xmin, ymin, xmax, ymax) of the data or None when no row has a place.
    """
    held = set(columns)
    declared = [item for item in contract.sort if item.lstrip("-") in held]
    key = [name for name in contract.key if name in held]
    terms = [sort_term(item) for item in declared]
    if not terms and geometry is not None and extent is not None:
        terms = [hilbert(geometry, extent)]
    terms += [sort_term(name) for name in key if name not in {item.lstrip("-") for item in declared}]
    return ", ".join(terms)


def sides(geometry: Geometry) -> tuple[str, str, str, str]:
    """SQL of xmin, ymin, xmax, ymax of one staged row."""
    if geometry.stored:
        return ('"_xmin"', '"_ymin"', '"_xmax"', '"_ymax"')
    x, y = quote(geometry.x), quote(geometry.y)
    return (x, y, x, y)


def extent_sql(geometry: Geometry) -> str:
    xmin, ymin, xmax, ymax = sides(geometry)
    return (
        f"SELECT min({xmin}), min({ymin}), max({xmax}), max({ymax}) FROM {{source}} "
        f"WHERE isfinite({xmin}) AND isfinite({ymin}) AND isfinite({xmax}) AND isfinite({ymax})"
    )


def hilbert(geometry: Geometry, extent: Sequence[float]) -> str:
    """SQL of the place's position on a Hilbert curve over ``extent``; rows without a place come last."""
    xmin, ymin, xmax, ymax = sides(geometry)
    x0, y0, x1, y1 = (float(value) for value in extent)
    box = f"{{'min_x': {x0!r}, 'min_y': {y0!r}, 'max_x': {max(x1, x0 + 1e-9)!r}, 'max_y': {max(y1, y0 + 1e-9)!r}}}"
    return f"ST_Hilbert(({xmin} + {xmax}) / 2, ({ymin} + {ymax}) / 2, {box}::BOX_2D) NULLS LAST"


def geo_metadata(geometry: Geometry, extent: Any) -> str:
    """The ``geo`` file key (GeoParquet 1.1.0, *Metadata*), with the bounding box column as covering."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": list(geometry.types),
        "covering": {"bbox": {side: [BOX, side] for side in SIDES}},
    }
    if extent is not None:
        column["bbox"] = [float(value) for value in extent]
    return orjson.dumps(
        {"version": "1.1.0", "primary_column": geometry.column, "columns": {geometry.column: column}}
    ).decode()


def stored(layout: Layout, geometry: Geometry | None, row: str) -> str:
    """SELECT list that turns staged columns into stored ones; ``row`` is SQL of the row's number."""
    parts = [quote(column.name) for column in layout.columns]
    parts.append(f"{row} AS {quote(ROW)}")
    if layout.box and geometry is not None:
        inner = ", ".join(f"'{side}': {sql}" for side, sql in zip(SIDES, sides(geometry), strict=True))
        parts.append(f"{{{inner}}} AS {quote(BOX)}")
    return ", ".join(parts)


def write(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    layout: Layout,
    folder: Path,
    geometry: Geometry | None,
    extent: Any,
) -> list[tuple[str, int, int]]:
    """COPY ``select`` into files of about 128 MB below ``folder``; (path, rows, bytes) of each, on disk.

    An empty result gives no file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = [
        "FORMAT parquet",
        "COMPRESSION zstd",
        "COMPRESSION_LEVEL 1",
        f"ROW_GROUP_SIZE {ROW_GROUP}",
        f"FILE_SIZE_BYTES '{FILE_BYTES}'",
        "FILENAME_PATTERN 'part-{i}'",
        f"FIELD_IDS {struct(layout.field_ids())}",
        "OVERWRITE_OR_IGNORE true",
    ]
    if geometry is not None and geometry.stored and any(c.kind is Kind.GEOMETRY for c in layout.columns):
        options.append(f"KV_METADATA {{'geo': {text(geo_metadata(geometry, extent))}}}")
    connection.execute(f"COPY ({select}) TO {text(str(folder))} ({', '.join(options)})")
    out = []
    for path in sorted(folder.glob("*.parquet"), key=lambda item: int(item.stem.split("-")[1])):
        found = connection.execute("SELECT num_rows FROM parquet_file_metadata(?)", [str(path)]).fetchone()
        rows = int(found[0]) if found else 0
        if rows == 0:
            path.unlink()
            continue
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        out.append((str(path), rows, path.stat().st_size))
    sync_folder(folder)
    sync_folder(folder.parent)
    return out
