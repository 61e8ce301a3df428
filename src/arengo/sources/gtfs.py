"""GTFS Schedule (gtfs.org reference): a zip of tables, one dataset a table, types and keys as the reference says.

Times of day may run past midnight (25:10:00), so they stay text; dates are written YYYYMMDD.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import IO
from zipfile import ZipFile, ZipInfo

from arengo.contract.model import SourceSpec
from arengo.contract.sample import Sample, SampleColumn
from arengo.errors import Place, SourceMalformed, SourceTooLarge
from arengo.sources import archive
from arengo.sources.base import Context, Fingerprint, Pull, Reject
from arengo.sources.batches import sampled, text_batches, text_schema
from arengo.sources.location import digest

# Table -> primary key (gtfs.org/documentation/schedule/reference, "Primary key" of each file).
KEYS: dict[str, tuple[str, ...]] = {
    "agency": ("agency_id",),
    "stops": ("stop_id",),
    "routes": ("route_id",),
    "trips": ("trip_id",),
    "stop_times": ("trip_id", "stop_sequence"),
    "calendar": ("service_id",),
    "calendar_dates": ("service_id", "date"),
    "fare_attributes": ("fare_id",),
    "shapes": ("shape_id", "shape_pt_sequence"),
    "frequencies": ("trip_id", "start_time"),
    "pathways": ("pathway_id",),
    "levels": ("level_id",),
    "attributions": ("attribution_id",),
    "areas": ("area_id",),
    "stop_areas": ("area_id", "stop_id"),
    "networks": ("network_id",),
    "route_networks": ("route_id",),
    "location_groups": ("location_group_id",),
    "booking_rules": ("booking_rule_id",),
}
_INTEGERS = frozenset(
    """
    location_type wheelchair_boarding route_type route_sort_order continuous_pickup continuous_drop_off
    direction_id wheelchair_accessible bikes_allowed cars_allowed stop_sequence pickup_type drop_off_type
    timepoint exception_type payment_method transfers transfer_duration shape_pt_sequence headway_secs
    exact_times transfer_type min_transfer_time pathway_mode is_bidirectional traversal_time stair_count monday
    tuesday wednesday thursday friday saturday sunday is_producer is_operator is_authority stop_access
    rider_fare_category
    """.split()  # noqa: SIM905 - a list of words reads better
)
_NUMBERS = frozenset(
    """
    stop_lat stop_lon shape_pt_lat shape_pt_lon shape_dist_traveled price amount length max_slope min_width
    level_index
    """.split()  # noqa: SIM905 - a list of words reads better
)
_DATES = frozenset(["date", "start_date", "end_date", "feed_start_date", "feed_end_date"])
_POINTS = {"stops": ("stop_lon", "stop_lat"), "shapes": ("shape_pt_lon", "shape_pt_lat")}


def declared(column: str) -> str:
    """SQL type of a field by the reference; '' for fields the reference does not name as number or date."""
    if column in _INTEGERS:
        return "BIGINT"
    if column in _NUMBERS:
        return "DOUBLE"
    if column in _DATES:
        return "DATE"
    return "VARCHAR"


class GtfsReader:
    """A timetable feed; ``table`` chooses one of its files."""

    kind = "gtfs"
    title = "GTFS timetable"
    suffixes: tuple[str, ...] = (".zip", ".gtfs")
    packed = True
    options: Mapping[str, str] = {
        "path": "File, relative to the city folder.",
        "url": "Address, instead of path.",
        "table": "Table of the feed: stops, routes, trips, stop_times, ...",
    }

    def matches(self, target: str, head: bytes) -> int:
        if not head.startswith(b"PK\x03\x04"):
            return 0
        names = [name for name in (b"agency.txt", b"stops.txt", b"routes.txt", b"trips.txt") if name in head]
        if names:
            return 98
        path = target if target.startswith("/") else ""
        try:
            with ZipFile(path) as bundle:
                return 98 if len(set(_tables(bundle)) & {"stops", "routes", "trips", "agency"}) >= 3 else 0
        except Exception:  # not a zip file we can look into: then it is no feed
            return 0

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        path = spec.path()
        wanted = str(spec.options.get("table", ""))
        with archive.opened(path) as bundle:
            tables = _tables(bundle)
            for table in tables:
                if wanted and table != wanted:
                    continue
                pull = self.open(SourceSpec(self.kind, {**spec.options, "table": table}, spec.base), (), context)
                header = pull.schema.names[1:]
                values, extra, met = sampled(pull.batches, header, rows)
                if not met:
                    continue
                columns = tuple(SampleColumn(name, values[n], declared(name)) for n, name in enumerate(header))
                options = {key: value for key, value in spec.options.items() if key in self.options}
                key = KEYS.get(table, ())
                yield Sample(
                    name=table,
                    kind=self.kind,
                    options={**options, "table": table},
                    columns=columns,
                    table=table,
                    crs="EPSG:4326" if table in _POINTS else "",
                    total=met,
                    keys=key if set(key) <= set(header) else (),
                    extra=extra | ({"x": _POINTS[table][0], "y": _POINTS[table][1]} if table in _POINTS else {}),
                )

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        return digest((spec.path(),), context)

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        path = spec.path()
        table = str(spec.options.get("table", ""))
        bundle = archive.opened(path)
        try:
            tables = _tables(bundle)
            if table not in tables:
                raise SourceMalformed(
                    f"The feed has no table {table!r}.",
                    todo=f"Name one in the source's option 'table': {', '.join(tables)}.",
                    place=Place(file=path.name),
                )
            header = next(_rows(bundle, tables[table], context, []), (0, []))[1]
            for column in columns:
                if column not in header:
                    raise SourceMalformed(
                        f"There is no column {column!r} in {table}.txt.",
                        todo=f"It has {', '.join(header)}.",
                        place=Place(file=f"{path.name}/{table}.txt", column=column),
                    )
        except Exception:
            bundle.close()
            raise
        wanted = columns or tuple(header)
        places = [header.index(column) for column in wanted]
        schema = text_schema(wanted)
        pull = Pull(schema=schema, batches=iter(()), fingerprint=Fingerprint(""), close=bundle.close)
        size = tables[table].file_size

        def rows() -> Iterator[tuple[int, list[str | None]]]:
            with bundle:
                source = _rows(bundle, tables[table], context, pull.rejects)
                next(source, None)
                for number, row in source:
                    pull.read += 1
                    if pull.read % 50_000 == 0:
                        context.progress(pull.read, None)
                    yield number, [row[index] or None for index in places]
            pull.read += len(pull.rejects)
            context.progress(size, size)

        pull.batches = text_batches(schema, rows())
        return pull


def _tables(bundle: ZipFile) -> dict[str, ZipInfo]:
    found: dict[str, ZipInfo] = {}
    for info in archive.members(bundle):
        name = PurePosixPath(info.filename)
        if name.suffix.lower() == ".txt":
            found.setdefault(name.stem.lower(), info)
    return found


class _Counted(io.RawIOBase):
    """A member's bytes, counted against the limits as they come out; a line longer than the limit is refused."""

    def __init__(self, source: IO[bytes], info: ZipInfo, context: Context) -> None:
        self.source, self.info, self.settings = source, info, context.settings
        self.done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        chunk = self.source.read(len(view))
        view[: len(chunk)] = chunk
        self.done += len(chunk)
        packed = max(self.info.compress_size, 1)
        if self.done > self.settings.max_bytes or (
            self.done > archive.FREE_RATIO and self.done > self.settings.max_ratio * packed
        ):
            raise SourceTooLarge(
                "It unpacks to far more than its size, as a zip bomb does.",
                todo="Raise sources.max_ratio or sources.max_bytes in city.toml if this is right.",
                place=Place(file=self.info.filename),
            )
        return len(chunk)


def _rows(bundle: ZipFile, info: ZipInfo, context: Context, rejects: list[Reject]) -> Iterator[tuple[int, list[str]]]:
    """The header as row 0, then (row from 1, cells); a record of another width goes to ``rejects``."""
    import zlib
    from zipfile import BadZipFile

    name = PurePosixPath(info.filename).name
    previous = csv.field_size_limit(context.settings.max_cell)
    try:
        with bundle.open(info) as member:
            counted = io.BufferedReader(_Counted(member, info, context), 1 << 18)
            text = io.TextIOWrapper(counted, encoding="utf-8-sig", errors="replace", newline="")
            source = csv.reader(text, strict=False)
            header: list[str] = []
            number = -1
            for row in source:
                if not row:
                    continue
                number += 1
                if number == 0:
                    header = [cell.strip() for cell in row]
                    yield 0, header
                    continue
                if len(row) == len(header):
                    yield number, row
                elif len(row) > len(header) and not any(row[len(header) :]):
                    yield number, row[: len(header)]
                elif len(row) < len(header):
                    yield number, row + [""] * (len(header) - len(row))
                else:
                    reason = f"The record has {len(row)} cells and the header {len(header)}."
                    rejects.append(Reject(name, number, "", ",".join(row)[:500], reason))
    except (zlib.error, BadZipFile, EOFError) as error:
        raise SourceMalformed(
            f"{name} is cut off or damaged: {error}.", todo="Fetch the feed again.", place=Place(file=name)
        ) from error
    except csv.Error as error:
        raise SourceMalformed(f"{name} cannot be read: {error}.", place=Place(file=name)) from error
    finally:
        csv.field_size_limit(previous)
