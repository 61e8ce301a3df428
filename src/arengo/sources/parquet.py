"""Parquet and GeoParquet: typed columns, read row group by row group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import Place, SourceMalformed
from arengo.sources import projection
from arengo.sources.base import ROW, Context, Fingerprint, Pull
from arengo.sources.batches import ROWS, declared, numbered, plain_type, sampled
from arengo.sources.location import digest

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


class ParquetReader:
    """Apache Parquet; the ``geo`` key of GeoParquet 1.x names the geometry column and its CRS."""

    kind = "parquet"
    title = "Parquet, GeoParquet"
    suffixes: tuple[str, ...] = (".parquet", ".geoparquet", ".pq")
    options: Mapping[str, str] = {"path": "File, relative to the city folder.", "url": "Address, instead of path."}

    def matches(self, target: str, head: bytes) -> int:
        return 100 if head.startswith(b"PAR1") else 0

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        with _opened(spec) as file:
            schema = file.schema_arrow
            geo = _geo(schema)
            geometry = str(geo.get("primary_column", ""))
            about = geo.get("columns", {}).get(geometry, {})
            names = [name for name in schema.names if name != geometry]
            values, extra, met = sampled(self.open(spec, (), context).batches, names, rows)
            found = dict(zip(names, values, strict=True))
            kinds = tuple(about.get("geometry_types") or ("Geometry",))
            columns = [
                SampleColumn(name, kinds[:1] * min(met, 1), "GEOMETRY")
                if name == geometry
                else SampleColumn(name, found[name], declared(schema.field(name).type))
                for name in schema.names
            ]
            box = list(about.get("bbox") or ())
            half = len(box) // 2
            # GeoParquet 1.1: no crs key means OGC:CRS84, a null one means unknown.
            crs, doubt = "", ""
            bounds = (box[0], box[1], box[half], box[half + 1]) if half >= 2 else None
            if geometry:
                crs = projection.from_projjson(about["crs"]) if about.get("crs") else ""
                if not crs:
                    standard = "" if "crs" in about else projection.WORLD
                    crs, doubt = projection.guess(bounds, context, declared_default=standard)
            yield Sample(
                name=spec.path().stem,
                kind=self.kind,
                options={key: value for key, value in spec.options.items() if key in self.options},
                columns=tuple(columns),
                crs=crs,
                doubts=(doubt,) if doubt else (),
                geometry=geometry,
                geometry_types=tuple(about.get("geometry_types") or ()),
                bounds=bounds,
                total=file.metadata.num_rows,
                extra=extra,
            )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        return digest((spec.path(),), context)

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        import pyarrow as pa

        file = _opened(spec)
        have = file.schema_arrow
        missing = [name for name in columns if name not in have.names]
        if missing:
            file.close()
            raise SourceMalformed(
                f"There is no column {missing[0]!r}.",
                todo=f"The file has {', '.join(have.names)}.",
                place=Place(file=spec.path().name, column=missing[0]),
            )
        names = columns or tuple(have.names)
        _check_geometry(have, names, spec)
        fields = [pa.field(name, plain_type(have.field(name).type)) for name in names]
        schema = pa.schema([pa.field(ROW, pa.int64()), *fields])
        pull = Pull(schema=schema, batches=iter(()), fingerprint=Fingerprint(""), close=file.close)
        total = file.metadata.num_rows

        def batches() -> Iterator[pa.RecordBatch]:
            try:
                for batch in file.iter_batches(batch_size=ROWS, columns=list(names), use_threads=False):
                    yield numbered(batch, schema, pull.read + 1)
                    pull.read += batch.num_rows
                    context.progress(pull.read, total)
            except (pa.ArrowException, OSError) as error:
                raise SourceMalformed(
                    f"The Parquet file breaks off: {error}.", place=Place(file=spec.path().name, row=pull.read + 1)
                ) from error
            finally:
                file.close()

        pull.batches = batches()
        return pull


def _opened(spec: SourceSpec) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = spec.path()
    try:
        return pq.ParquetFile(path, memory_map=False, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise SourceMalformed(f"This is not a Parquet file: {error}.", place=Place(file=path.name)) from error


def _geo(schema: pa.Schema) -> dict[str, Any]:
    import orjson

    text = (schema.metadata or {}).get(b"geo")
    try:
        value = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _check_geometry(schema: pa.Schema, names: tuple[str, ...], spec: SourceSpec) -> None:
    for name, about in _geo(schema).get("columns", {}).items():
        if name in names and str(about.get("encoding", "WKB")).upper() != "WKB":
            raise SourceMalformed(
                f"The geometry is encoded as {about['encoding']}, which Arengo does not read.",
                todo="Write the file with encoding WKB, the default of GeoParquet 1.0.",
                place=Place(file=spec.path().name, column=name),
            )
