"""JSON and newline-delimited JSON: arrays of objects or of lists, at any path of a document; GeoJSON beside them.

Values are handed on as texts: numbers and booleans as JSON writes them, nested lists and objects as JSON text.
Members of nested objects are columns of their own, named ``parent.child``, down to the depth ``flatten``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import Place, SourceMalformed
from arengo.sources import projection, records
from arengo.sources.base import Context, Fingerprint, Pull, Reject
from arengo.sources.batches import json_text, spread, text_batches, text_schema
from arengo.sources.wkb import NAMES, Extent, encode

_WORD = re.compile(rb"^[\s\xef\xbb\xbf\x1e]*[\[{]")


def text(value: Any) -> str | None:
    """One JSON value as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return json_text(value)


def flattened(record: Mapping[str, Any], depth: int, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(column name, value) pairs of one record."""
    for name, value in record.items():
        if depth and isinstance(value, dict) and value and value.get("type") not in NAMES:
            yield from flattened(value, depth - 1, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def pick(record: Mapping[str, Any], column: str) -> Any:
    """The value of ``column``: a member of that name, or a path of members joined by dots. Missing is ``...``."""
    if column in record:
        return record[column]
    head, dot, rest = column.partition(".")
    while dot:
        inner = record.get(head)
        if isinstance(inner, dict):
            found = pick(inner, rest)
            if found is not ...:
                return found
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return ...


def described(
    kept: Sequence[Mapping[str, Any]], depth: int, geometry: str
) -> tuple[tuple[SampleColumn, ...], str, Extent, tuple[str, ...]]:
    """Columns of sampled records, the geometry among them ('' when there is none), its extent, doubts."""
    rows = [dict(flattened(record, depth)) for record in kept]
    names: dict[str, None] = {}
    for record in rows:
        names.update(dict.fromkeys(record))
    geometry = geometry or next((name for name in names if _geometries(record.get(name) for record in rows)), "")
    extent = Extent()
    doubts: tuple[str, ...] = ()
    for record in rows if geometry else ():
        try:
            _encoded(record.get(geometry), extent)
        except ValueError as error:
            doubts = (f"A geometry will go to quarantine: {error}",)
    columns = tuple(_column(name, [record.get(name) for record in rows], name == geometry) for name in names)
    return columns, geometry, extent, doubts


def shaped(record: Mapping[str, Any], columns: Sequence[str], geometry: str, met: set[str]) -> list[Any] | str:
    """The cells of ``columns``, or the sentence that says why the record's geometry cannot be read."""
    row: list[Any] = []
    for column in columns:
        value = record.get(column, ...)
        if value is ... and "." in column:
            head, _, rest = column.partition(".")
            inner = record.get(head)
            value = inner.get(rest, ...) if inner.__class__ is dict else ...
            if value is ...:
                value = pick(record, column)
        if value is ...:
            row.append(None)
            continue
        met.add(column)
        if column != geometry:
            kind = value.__class__
            plain = value is None or kind is str
            row.append(value if plain else repr(value) if kind is int or kind is float else text(value))
            continue
        try:
            row.append(_encoded(value))
        except ValueError as error:
            return str(error)
    return row


class JsonReader:
    """A document that holds records."""

    kind = "json"
    title = "JSON document"
    suffixes: tuple[str, ...] = (".json",)
    options: Mapping[str, str] = {
        "path": "File, relative to the city folder.",
        "url": "Address, instead of path.",
        "records": "Where the records are: member names joined by dots, '*' for the members of an object; "
        "found when empty.",
        "flatten": "How many levels of nested objects become columns named parent.child (default 1).",
        "geometry": "Member that holds a GeoJSON geometry.",
        "encoding": "Text encoding when it is not UTF-8.",
        "header": "true when records are lists and the first of them holds the column names.",
    }

    def matches(self, target: str, head: bytes) -> int:
        if not _WORD.match(head[:200].replace(b"\x00", b"")):
            return 0
        return 70 if target.lower().split("?")[0].endswith(self.suffixes) else 50

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        encoding, doubts = self._encoding(spec)
        spec = replace(spec, options={**spec.options, **({"encoding": encoding} if doubts else {})})
        layout = self.layout(spec, context)
        names = self._list_names(spec, context)
        kept, met, complete = spread(self.read(spec, context, layout, names, []), rows)
        if not kept:
            raise SourceMalformed("There are no records.", place=Place(file=spec.path().name))
        told = str(spec.options.get("geometry", ""))
        columns, geometry, extent, odd = described(
            [record for _, record in kept], int(spec.options.get("flatten", 1)), told
        )
        doubts += odd
        options = {key: value for key, value in spec.options.items() if key in self.options}
        if str(layout):
            options["records"] = str(layout)
        if geometry:
            options["geometry"] = geometry
        crs, crs_doubt = self.crs(spec, extent, context) if geometry else ("", "")
        yield Sample(
            name=spec.path().stem,
            kind=self.kind,
            options=options,
            columns=columns,
            doubts=(*doubts, *((crs_doubt,) if crs_doubt else ())),
            crs=crs,
            geometry=geometry,
            geometry_types=tuple(extent.types),
            bounds=extent.bounds,
            total=met if complete else None,
            extra={"complete": complete and len(kept) == met},
        )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        from arengo.sources.location import digest

        return digest((spec.path(),), context)

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        layout = self.layout(spec, context)
        names = self._list_names(spec, context)
        geometry = str(spec.options.get("geometry", ""))
        if not columns:
            columns = self._all_columns(spec, context, layout, names, geometry)
        schema = text_schema(columns, geometry)
        pull = Pull(schema=schema, batches=iter(()), fingerprint=Fingerprint(""))
        name = spec.path().name

        def rows() -> Iterator[tuple[int, list[Any]]]:
            met: set[str] = set()
            for number, record in self.read(spec, context, layout, names, pull.rejects):
                pull.read += 1
                row = shaped(record, columns, geometry, met)
                if isinstance(row, str):
                    pull.rejects.append(Reject(name, number, geometry, (text(record.get(geometry)) or "")[:500], row))
                else:
                    yield number, row
            pull.read += sum(1 for reject in pull.rejects if not reject.column)
            missing = [column for column in columns if column not in met]
            if missing and pull.read:
                raise SourceMalformed(
                    f"No record has {', '.join(map(repr, missing))}.",
                    todo="Correct the contract's column (physicalName), or the option 'records' of its source.",
                    place=Place(file=name, column=missing[0]),
                )

        pull.batches = text_batches(schema, rows())
        return pull

    # -- what GeoJSON and line kinds do differently --

    def layout(self, spec: SourceSpec, context: Context) -> records.Layout:
        if "records" in spec.options:
            return records.Layout.parse(str(spec.options["records"]))
        with spec.path().open("rb") as stream:
            return records.find(self._window(stream, spec, context))

    def read(
        self, spec: SourceSpec, context: Context, layout: records.Layout, names: list[str], rejects: list[Reject]
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """(number from 1, record) of every record."""
        path = spec.path()
        size = path.stat().st_size
        with path.open("rb") as stream:
            window = self._window(stream, spec, context)
            at = 0
            for number, record in enumerate(records.read(window, layout), 1):
                if names and number == 1 and self._has_header(spec, record):
                    continue
                if window.bytes != at:
                    at = window.bytes
                    context.progress(at, size)
                yield number, self.record(record, names)

    def record(self, value: Any, names: list[str]) -> Mapping[str, Any]:
        """One record as a mapping; a list takes its column names from ``names``."""
        if isinstance(value, dict):
            return value
        if isinstance(value, list):
            extra = [f"column_{index + 1}" for index in range(len(names), len(value))]
            return dict(zip([*names, *extra], value, strict=False))
        return {"value": value}

    def crs(self, spec: SourceSpec, extent: Extent, context: Context) -> tuple[str, str]:
        return projection.guess(extent.bounds, context, declared_default="EPSG:4326")

    # -- inner --

    def _window(self, stream: Any, spec: SourceSpec, context: Context) -> records.Window:
        encoding = str(spec.options.get("encoding", ""))
        if not encoding:
            encoding = records.encoding_of(stream.read(4))
            stream.seek(0)
        return records.Window(stream, spec.path().name, encoding, context.settings.max_cell)

    def _encoding(self, spec: SourceSpec) -> tuple[str, tuple[str, ...]]:
        """The encoding and, when the file is not what JSON must be, a doubt about it."""
        if "encoding" in spec.options:
            return str(spec.options["encoding"]), ()
        with spec.path().open("rb") as stream:
            head = stream.read(4_000_000)
        encoding = records.encoding_of(head)
        if encoding != "utf-8":
            return encoding, ()
        try:
            head.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                return "cp1252", ("JSON must be UTF-8 but this file is not; it is read as Windows-1252.",)
        return encoding, ()

    def _list_names(self, spec: SourceSpec, context: Context) -> list[str]:
        """Column names when records are lists: of the first record, or Socrata's ``meta.view.columns``."""
        layout = self.layout(spec, context)
        with spec.path().open("rb") as stream:
            first = next(records.read(self._window(stream, spec, context), layout), None)
        if not isinstance(first, list):
            return []
        if layout.path == ("data",):
            with spec.path().open("rb") as stream:
                try:
                    view = next(records.read(self._window(stream, spec, context), records.Layout(("meta", "view"))))
                    return [str(column["name"]) for column in view["columns"]]
                except (SourceMalformed, KeyError, TypeError, StopIteration):
                    pass
        if self._has_header(spec, first):
            return [str(value) for value in first]
        return [f"column_{index + 1}" for index in range(len(first))]

    def _has_header(self, spec: SourceSpec, record: Any) -> bool:
        if not isinstance(record, list):
            return False
        told = spec.options.get("header")
        words = all(isinstance(value, str) and value for value in record) and len(set(record)) == len(record)
        return words and bool(record) if told is None else bool(told)

    def _all_columns(
        self, spec: SourceSpec, context: Context, layout: records.Layout, names: list[str], geometry: str
    ) -> tuple[str, ...]:
        """Every column of the file: one pass more, since a record late in the file may bring a new member."""
        depth = int(spec.options.get("flatten", 1))
        found: dict[str, None] = {}
        for _, record in self.read(spec, replace(context, progress=lambda *_: None), layout, names, []):
            for column, _value in flattened(record, depth):
                found[column] = None
        if geometry:
            found[geometry] = None
        return tuple(found)


class NdjsonReader(JsonReader):
    """One JSON value a line; a line that is no JSON goes to quarantine."""

    kind = "ndjson"
    title = "Newline-delimited JSON"
    suffixes = (".ndjson", ".jsonl")

    def matches(self, target: str, head: bytes) -> int:
        lines = [line for line in head.lstrip(b"\xef\xbb\xbf").split(b"\n")[:3] if line.strip()]
        if len(lines) < 2 and not target.lower().endswith(self.suffixes):
            return 0
        return 80 if lines and all(_line_is_whole(line) for line in lines[:2]) else 0

    def layout(self, spec: SourceSpec, context: Context) -> records.Layout:
        return records.Layout()

    def _list_names(self, spec: SourceSpec, context: Context) -> list[str]:
        return []

    def read(
        self, spec: SourceSpec, context: Context, layout: records.Layout, names: list[str], rejects: list[Reject]
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        path = spec.path()
        size = path.stat().st_size
        with path.open("rb") as stream:
            encoding = str(spec.options.get("encoding", "")) or records.encoding_of(stream.read(4))
            stream.seek(0)
            for number, value, reason in records.lines(stream, path.name, encoding, context.settings.max_cell):
                if reason:
                    rejects.append(Reject(path.name, number, "", value[:500], reason))
                    continue
                if number % 10_000 == 0:
                    context.progress(stream.tell(), size)
                yield number, self.record(value, names)


class GeoJsonReader(JsonReader):
    """A GeoJSON FeatureCollection, streamed feature by feature; also newline-delimited features (RFC 8142)."""

    kind = "geojson"
    title = "GeoJSON"
    suffixes = (".geojson", ".geojsonl", ".geojsons")
    options: Mapping[str, str] = {
        "path": "File, relative to the city folder.",
        "url": "Address, instead of path.",
        "flatten": "How many levels of nested properties become columns named parent.child (default 1).",
        "lines": "true when each line is one feature.",
        "encoding": "Text encoding when it is not UTF-8.",
    }

    def matches(self, target: str, head: bytes) -> int:
        if not _WORD.match(head[:200].replace(b"\x00", b"")):
            return 0
        if re.search(rb'"type"\s*:\s*"Feature(Collection)?"', head[:65_536]):
            return 95
        return 90 if target.lower().split("?")[0].endswith(self.suffixes) else 0

    def layout(self, spec: SourceSpec, context: Context) -> records.Layout:
        return records.Layout() if self._lines(spec) else records.Layout(("features",))

    def _list_names(self, spec: SourceSpec, context: Context) -> list[str]:
        return []

    def _lines(self, spec: SourceSpec) -> bool:
        if "lines" in spec.options:
            return bool(spec.options["lines"])
        with spec.path().open("rb") as stream:
            head = stream.read(65_536).lstrip(b"\xef\xbb\xbf\x1e")
        return b'"FeatureCollection"' not in head and _line_is_whole(head.split(b"\n")[0]) and b"\n" in head

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        inner = replace(spec, options={**spec.options, "geometry": "geometry"})
        for sample in super().samples(inner, context, rows):
            options = {key: value for key, value in sample.options.items() if key in self.options}
            if self._lines(spec):
                options["lines"] = True
            yield replace(sample, options=options)

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        inner = replace(spec, options={**spec.options, "geometry": "geometry"})
        return super().open(inner, columns, context)

    def read(
        self, spec: SourceSpec, context: Context, layout: records.Layout, names: list[str], rejects: list[Reject]
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        base = NdjsonReader.read if self._lines(spec) else JsonReader.read
        yield from base(self, spec, context, layout, names, rejects)  # type: ignore[arg-type]

    def record(self, value: Any, names: list[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            return {"geometry": value}
        properties = value.get("properties")
        out = dict(properties) if isinstance(properties, dict) else {}
        if "id" in value and "id" not in out:
            out = {"id": value["id"], **out}
        out["geometry"] = value.get("geometry")
        return out

    def crs(self, spec: SourceSpec, extent: Extent, context: Context) -> tuple[str, str]:
        with spec.path().open("rb") as stream:
            head = stream.read(65_536)
            stream.seek(max(0, spec.path().stat().st_size - 65_536))
            ends = head + stream.read(65_536)
        named = re.search(rb'"crs"\s*:\s*\{.{0,200}?"name"\s*:\s*"([^"]+)"', ends, re.DOTALL)
        if named:
            return projection.named(named.group(1).decode("utf-8", "replace")), ""
        return projection.guess(extent.bounds, context, declared_default="EPSG:4326")


def _line_is_whole(line: bytes) -> bool:
    from json import loads

    try:
        return isinstance(loads(line.lstrip(b"\xef\xbb\xbf\x1e")), (dict, list))
    except ValueError:
        return False


def _geometries(values: Iterator[Any]) -> bool:
    found = [value for value in values if value is not None]
    return bool(found) and all(
        isinstance(value, dict)
        and (value.get("type") in NAMES or (value.get("type") == "Feature" and "geometry" in value))
        for value in found
    )


def _encoded(value: Any, extent: Extent | None = None) -> bytes | None:
    if isinstance(value, dict) and value.get("type") == "Feature":
        value = value.get("geometry")
    return encode(value, extent)


def _column(name: str, values: list[Any], geometry: bool) -> SampleColumn:
    if geometry:
        kinds = tuple(str(value.get("type")) if isinstance(value, dict) else None for value in values)
        return SampleColumn(name=name, values=kinds, declared="GEOMETRY")
    present = [value for value in values if value is not None]
    declared = ""
    if present:
        if all(isinstance(value, bool) for value in present):
            declared = "BOOLEAN"
        elif all(isinstance(value, int) and not isinstance(value, bool) for value in present):
            declared = "BIGINT"
        elif all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in present):
            declared = "DOUBLE"
        elif all(isinstance(value, (dict, list)) for value in present):
            declared = "JSON"
    return SampleColumn(name=name, values=tuple(text(value) for value in values), declared=declared)
