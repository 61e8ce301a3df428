"""Building a file of a version in a process of its own.

The rows go through the door here and over a pipe as an Arrow stream to ``python -m arengo.faces.writer``, which
writes the file. So the server's memory and its interpreter stay free, and only the door reads the lake.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.contract.model import Kind
from arengo.door import Answer
from arengo.errors import LakeError, StorageFull

if TYPE_CHECKING:
    import pyarrow as pa

REVISION = 1
"""Goes up when the bytes of a built file change for the same version; part of its name and its ETag."""
ROWS = 16_384
PLACE = "geometry"


SIDES = ("__xmin", "__ymin", "__xmax", "__ymax")
TYPE = "__type"


def schema_of(answer: Answer, *, place: bool = False, cover: bool = False, wkt: bool = False) -> pa.Schema:
    """Arrow types of an answer: timestamps are UTC, geometries WKB (or WKT), JSON is text."""
    import pyarrow as pa

    types = {
        Kind.STRING: pa.string(),
        Kind.INTEGER: pa.int64(),
        Kind.NUMBER: pa.float64(),
        Kind.BOOLEAN: pa.bool_(),
        Kind.DATE: pa.date32(),
        Kind.TIME: pa.time64("us"),
        Kind.TIMESTAMP: pa.timestamp("us", tz="UTC"),
        Kind.GEOMETRY: pa.string() if wkt else pa.binary(),
        Kind.JSON: pa.string(),
    }
    fields = [pa.field(item.name, types[item.kind]) for item in answer.columns]
    if place:
        fields.append(pa.field(place_name(answer), pa.binary()))
    if cover:
        fields += [pa.field(side, pa.float64()) for side in SIDES] + [pa.field(TYPE, pa.string())]
    return pa.schema(fields)


def place_name(answer: Answer) -> str:
    """Name of the geometry column in files: its own, or ``geometry`` when it is made of two number columns."""
    geometry = answer.view.geometry
    if geometry is not None and geometry.stored:
        return geometry.column
    names = {item.name.lower() for item in answer.columns}
    name = PLACE
    while name in names:
        name += "_"
    return name


def typed(
    answer: Answer, *, place: bool = False, cover: bool = False, wkt: bool = False, seconds: float = 0
) -> Iterator[pa.RecordBatch]:
    """The rows as Arrow batches in the types of :func:`schema_of`."""
    import pyarrow as pa

    schema = schema_of(answer, place=place, cover=cover, wkt=wkt)
    for batch in answer.batches("wkt" if wkt else "wkb", rows=ROWS, seconds=seconds, place=place, cover=cover):
        columns = [
            column if column.type == field.type else column.cast(field.type)
            for column, field in zip(batch.columns, schema, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def make(answer: Answer, form: str, path: Path, scratch: Path) -> None:
    """Write the answer as ``form`` to ``path``. Raises StorageFull, LakeError; what is half written is the caller's."""
    import pyarrow as pa

    view = answer.view
    geometry = view.geometry
    shape = {
        "place": geometry is not None and not geometry.stored and form in ("geoparquet", "gpkg"),
        "cover": geometry is not None and (form == "geoparquet" or (form == "parquet" and geometry.stored)),
        "wkt": form == "xlsx",
    }
    options: dict[str, Any] = {
        "form": form,
        "path": str(path),
        "title": view.contract.title(),
        "dataset": view.dataset,
        "version": view.version.number,
        "published_at": view.version.published_at.isoformat(),
        "licence": view.contract.licence,
        "geometry": place_name(answer) if geometry is not None and (geometry.stored or shape["place"]) else "",
        "types": list(geometry.types) if geometry and geometry.stored else ["Point"],
        "titles": {item.name: item.title for item in answer.columns},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    child = subprocess.Popen(
        [sys.executable, "-m", "arengo.faces.writer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(scratch), "PYTHONPATH": _python_path()},
    )
    assert child.stdin is not None
    broken = False
    try:
        try:
            child.stdin.write(orjson.dumps(options) + b"\n")
            with pa.ipc.new_stream(child.stdin, schema_of(answer, **shape)) as writer:
                for batch in typed(answer, **shape):
                    writer.write_batch(batch)
        except (BrokenPipeError, pa.ArrowInvalid, OSError):
            broken = True
        _, errors = child.communicate()
    except BaseException:
        child.kill()
        child.wait()
        raise
    if child.returncode or broken:
        words = errors.decode(errors="replace").strip().splitlines()
        said = words[-1] if words else "it ended without a word"
        if "No space left" in said or "disk" in said.lower():
            raise StorageFull(f"The {form} of {view.dataset} was not written: {said}.", todo="Free space, then retry.")
        raise LakeError(f"The {form} of {view.dataset} was not written: {said}.", todo="Run 'arengo doctor'.")


def _python_path() -> str:
    here = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(part for part in (here, os.environ.get("PYTHONPATH", "")) if part)
