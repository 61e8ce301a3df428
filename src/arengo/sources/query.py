"""Datasets made of the city's other datasets by one SELECT: the source is the city itself.

The reader knows no engine: who opened the city hands it what can answer (:class:`~arengo.sources.base.Questions`), with
the same closed list and the same walls as a question of anybody. The state of the source is the versions of the
datasets it reads, so nothing is read again while they stay the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import ContractError, Place, SourceMalformed, SourceMissing
from arengo.sources import projection
from arengo.sources.base import ROW, Asked, Context, Fingerprint, Pull
from arengo.sources.batches import declared, numbered, plain_type, sampled

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST = 20_000


class QueryReader:
    """One SELECT over the city's own datasets."""

    kind = "query"
    title = "SQL over the city's datasets"
    suffixes: tuple[str, ...] = ()
    options: Mapping[str, str] = {
        "sql": 'One SELECT; its tables are datasets by id, such as "street-trees" or street_trees.',
        "dialect": "duckdb (the default) or postgres.",
    }

    def matches(self, target: str, head: bytes) -> int:
        return 60 if target.lower().endswith(".sql") and b"\0" not in head else 0

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        if spec.options.get("path") and not spec.options.get("sql"):
            spec = SourceSpec(self.kind, {"sql": read_sql(spec.path())}, spec.base)
        asked = _asked(spec, context)
        try:
            schema = asked.schema
            names = [name for name in schema.names if name not in asked.geometries]  # a second geometry is left out
            values, extra, met = sampled(_numbered(asked, names), names, rows)
            found = dict(zip(names, values, strict=True))
            geometry = asked.geometries[0] if asked.geometries else ""
            columns = [
                SampleColumn(name, asked.geometry_types[:1] * min(met, 1), "GEOMETRY")
                if name == geometry
                else SampleColumn(name, found[name], declared(schema.field(name).type), asked.titles.get(name, ""))
                for name in schema.names
                if name == geometry or name in found
            ]
            yield Sample(
                name="query",
                kind=self.kind,
                options={key: str(value).strip() for key, value in spec.options.items() if key in self.options},
                columns=tuple(columns),
                crs=projection.WORLD if geometry else "",
                geometry=geometry,
                geometry_types=asked.geometry_types,
                total=met,
                keys=asked.keys,
                extra=extra,
            )
        finally:
            asked.close()

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        asked = _asked(spec, context)
        try:
            return Fingerprint(asked.fingerprint)
        finally:
            asked.close()

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        asked = _asked(spec, context)
        try:
            have = asked.schema
            for name in columns:
                if name not in have.names:
                    raise SourceMalformed(
                        f"The SQL gives no column {name!r}.",
                        todo=f"It gives {', '.join(have.names)}.",
                        place=Place(column=name),
                    )
        except BaseException:
            asked.close()
            raise
        names = columns or tuple(have.names)
        schema = _schema(asked, names)
        pull = Pull(schema=schema, batches=iter(()), fingerprint=Fingerprint(asked.fingerprint), close=asked.close)
        pull.batches = _batches(asked, schema, pull, names, context)
        return pull


def _batches(
    asked: Asked, schema: pa.Schema, pull: Pull, names: tuple[str, ...], context: Context
) -> Iterator[pa.RecordBatch]:
    """The rows with their numbers."""
    try:
        for batch in asked.batches():
            yield numbered(batch.select(list(names)), schema, pull.read + 1)
            pull.read += batch.num_rows
            context.progress(pull.read, None)
    finally:
        asked.close()


def _numbered(asked: Asked, names: list[str]) -> Iterator[pa.RecordBatch]:
    schema, met = _schema(asked, names), 0
    for batch in asked.batches():
        yield numbered(batch.select(names), schema, met + 1)
        met += batch.num_rows


def _schema(asked: Asked, names: Iterable[str]) -> pa.Schema:
    import pyarrow as pa

    have = asked.schema
    fields = [pa.field(name, plain_type(have.field(name).type)) for name in names]
    return pa.schema([pa.field(ROW, pa.int64()), *fields])


def _asked(spec: SourceSpec, context: Context) -> Asked:
    sql = str(spec.options.get("sql") or "")
    if not sql.strip():
        raise ContractError(
            "The source says no SQL.", todo='Write arengoSource: {kind: query, sql: "SELECT ... FROM street_trees"}.'
        )
    if context.ask is None:
        raise ContractError("SQL over the city's datasets needs a city.", todo="Name the city's folder with --city.")
    return context.ask(sql, str(spec.options.get("dialect") or "duckdb"))


def read_sql(path: Path) -> str:
    """The SQL in a file. Raises SourceMissing, SourceMalformed."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceMissing(f"The file cannot be read: {error.strerror}.", place=Place(file=path.name)) from error
    except UnicodeDecodeError as error:
        raise SourceMalformed("The file is not UTF-8 text.", place=Place(file=path.name)) from error
    if len(text) > LONGEST:
        raise SourceMalformed(f"The SQL has more than {LONGEST:,} characters.", place=Place(file=path.name))
    return text
