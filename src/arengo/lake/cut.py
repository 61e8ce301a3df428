"""A cut: what one decision grants of a version, held as a small version of its own.

What was not granted is not in its files, so nothing that reads a cut (an index, a sort, a count, a plan of the
engine, another process) can tell it. Its rows come in the order of their granted values and are numbered anew: a
cut is a function of the granted values alone. It is made when first asked for, under ``serving``, and disposable.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from arengo.contract.model import Geometry, Kind
from arengo.errors import LakeError
from arengo.lake import serving
from arengo.lake.engine import job, translated
from arengo.lake.layout import BOX, ROW, SIDES, quote, sort_term, struct, text
from arengo.lake.version import Column, DataFile, Version

if TYPE_CHECKING:
    import duckdb

    from arengo.lake.store import Lake

SUBJECT = "_subject"
"""Column of a cut with a keyed digest of the person a row is about; never granted, read for the record only."""
ROW_GROUP = 16_384


class Opener(Protocol):
    """Opens sealed columns (:mod:`arengo.privacy.vault`)."""

    def open_columns(
        self,
        connection: duckdb.DuckDBPyConnection,
        dataset: str,
        source: str,
        columns: Sequence[str],
        bound: Sequence[str],
        into: str,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """One column of a cut: ``sql`` computes it from the version's own columns, ``params`` stand in it in order."""

    column: Column
    sql: str
    params: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """``name``: short, the same for equal cuts. ``where`` with its ``params``: which rows, '' for all.

    ``order``: columns that sort before the rest. ``key``: the columns that still tell rows apart. ``spatial``: the
    condition needs the spatial extension. ``subject``: SQL of :data:`SUBJECT`, None when rows are about nobody.
    """

    name: str
    columns: tuple[Shown, ...]
    where: str = ""
    params: tuple[object, ...] = ()
    order: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    geometry: Geometry | None = None
    spatial: bool = False
    subject: Shown | None = None


def make(lake: Lake, version: Version, cut: Cut) -> Version:
    """The cut as a version, made now unless it is there. Raises StorageFull, TooExpensive, Busy."""
    dataset = f"{version.dataset}/cut-{cut.name}"
    folder = lake.serving / dataset
    path = folder / f"v{version.number}.{version.checksum[:16]}.parquet"
    rows = _rows(path)
    if rows is None:
        with lake.state.hold(f"cut {dataset} {version.number}", wait=600):
            rows = _rows(path)
            if rows is None:
                _write(lake, version, cut, path)
                rows = _rows(path) or 0
    made = _version(version, cut, dataset, path, rows)
    if made.rows >= serving.CLUSTER_FROM and serving.ready(folder, dataset, version.number) is None:
        with lake.state.hold(f"cut {dataset} {version.number}", wait=600), translated(folder):
            if serving.ready(folder, dataset, version.number) is None:
                work = serving.plan(made, lake.settings, folder, serving.layouts_for(made), lake.source(made))
                serving.build(work, apart=made.bytes >= serving.APART_FROM)
                lake.forget_copies(dataset, version.number)
    return made


def count(lake: Lake, version: Version, cut: Cut) -> int:
    """How many rows of the version the cut has."""
    if not cut.where:
        return version.rows
    if any(quote(name) in cut.where for name in version.extra.get("vault", ())):
        return make(lake, version, cut).rows
    relation = lake.relation(version)
    sql = f"SELECT count(*) FROM {relation.sql} WHERE {cut.where}"
    with lake.engine.execute(sql, (*relation.params, *cut.params)) as found:
        row = found.fetchone()
    return int(row[0]) if row else 0


def rows(lake: Lake, connection: duckdb.DuckDBPyConnection, version: Version, cut: Cut, table: str) -> None:
    """Make the temporary ``table`` of the cut's rows, unsorted, with :data:`SUBJECT` where the cut has it."""
    shown = [*cut.columns, *([cut.subject] if cut.subject else [])]
    select = [f"{item.sql} AS {quote(item.column.name)}" for item in shown]
    params: list[object] = [value for item in shown for value in item.params]
    if cut.geometry is not None and cut.geometry.stored:
        select.append("{" + ", ".join(f"'{side}': \"_{side}\"" for side in SIDES) + "} AS " + quote(BOX))
    where = f" WHERE {cut.where}" if cut.where else ""
    source = _opened(lake, connection, version, " ".join([*select, where]))
    connection.execute(
        f"CREATE TEMP TABLE {quote(table)} AS SELECT {', '.join(select)} FROM {source} AS held{where}",
        [*params, *cut.params],
    )


def sweep(lake: Lake, dataset: str, kept: Sequence[int], unused_since: float) -> int:
    """Delete cuts of versions not in ``kept`` and those nobody read since (seconds since 1970); how many files."""
    gone = 0
    labels = {f"v{number}" for number in kept}
    for path in (lake.serving / dataset).glob("cut-*/v*.*"):
        stale = path.stat().st_mtime < unused_since and path.stat().st_atime < unused_since
        if path.name.split(".", 1)[0] not in labels or stale:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _write(lake: Lake, version: Version, cut: Cut, path: Path) -> None:
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    shown = [*cut.columns, *([cut.subject] if cut.subject else [])]
    stored = cut.geometry is not None and cut.geometry.stored
    names = [item.column.name for item in cut.columns]
    terms = [sort_term(item) for item in cut.order]
    terms += [sort_term(name) for name in names if name not in {item.lstrip("-") for item in cut.order}]
    ids: dict[str, Any] = {item.column.name: item.column.field_id for item in shown}
    row, box = version.extra["hidden"]
    ids[ROW] = int(row)
    if stored and box:
        ids[BOX] = {"__duckdb_field_id": int(box[0]), **dict(zip(SIDES, map(int, box[1:]), strict=True))}
    half = path.with_name(f"{path.name}.building-{os.getpid()}")
    with job(lake.settings, path.parent, extensions=("spatial",) if cut.spatial else ()) as connection:
        try:
            rows(lake, connection, version, cut, "cut")
            connection.execute(
                f"COPY (SELECT *, row_number() OVER (ORDER BY {', '.join(terms)}) - 1 AS {quote(ROW)} FROM cut "
                f"ORDER BY {quote(ROW)}) TO {text(str(half))} "
                f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}, FIELD_IDS {struct(ids)})"
            )
            with half.open("rb") as file:  # a power cut must not leave the name without the rows
                os.fsync(file.fileno())
            os.replace(half, path)
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException):
            # The engine's message quotes the value it met, which nobody granted.
            raise LakeError(
                f"What is granted of {version.dataset.partition('/')[0]} {version.label} cannot be computed.",
                todo="Try the masks and the row filter on the owner's desk.",
            ) from None
        finally:
            half.unlink(missing_ok=True)


def _opened(lake: Lake, connection: duckdb.DuckDBPyConnection, version: Version, told: str) -> str:
    """SQL of the version's rows, with its sealed columns opened when the cut looks at one of them."""
    sealed = version.extra.get("vault", ())
    source = lake.source(version)
    if not any(quote(name) in told for name in sealed):
        return source
    if lake.opener is None:
        raise LakeError(f"Nothing here opens the sealed columns of {version.dataset}.", todo="Ask through the door.")
    lake.opener.open_columns(connection, version.dataset, source, sealed, version.extra.get("bound", ()), "opened")
    return quote("opened")


def _rows(path: Path) -> int | None:
    """How many rows the file of a cut has, None when there is none or what is there cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (FileNotFoundError, NotADirectoryError, pa.ArrowInvalid, EOFError):
        return None


def _version(version: Version, cut: Cut, dataset: str, path: Path, rows: int) -> Version:
    schema = tuple(item.column for item in (*cut.columns, *([cut.subject] if cut.subject else [])))
    return replace(
        version,
        dataset=dataset,
        schema=schema,
        key=cut.key,
        sort=cut.order,
        geometry=cut.geometry,
        rows=rows,
        bytes=path.stat().st_size,
        files=(DataFile(str(path), rows, path.stat().st_size),),
        extra=MappingProxyType(extra(version, cut, rows)),
    )


def extra(version: Version, cut: Cut, rows: int) -> Mapping[str, Any]:
    """What a version of the cut says beside its columns: only what is about granted columns."""
    names = {item.column.name: item.column.kind for item in cut.columns}
    held = version.extra
    row, box = held["hidden"]
    stored = cut.geometry is not None and cut.geometry.stored
    groups = [[item for item in group if item.lstrip("-") in names] for group in held.get("filters", ())]
    time = held.get("time", "")
    return {
        "hidden": [row, box if stored else None],
        "last_field": int(held.get("last_field", 0)) + 1,
        "next_row": rows,
        "search": [name for name in held.get("search", ()) if names.get(name) is Kind.STRING],
        "filters": [group for group in groups if group],
        "time": time if names.get(time) in (Kind.DATE, Kind.TIMESTAMP) else "",
        "language": held.get("language", ""),
    }
