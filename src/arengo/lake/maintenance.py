"""Housekeeping: versions past their retention leave, their files are deleted, small files become large ones."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.contract.model import Kind
from arengo.contract.period import Period
from arengo.errors import LakeError, SettingsError
from arengo.lake import originals, parquet
from arengo.lake.commit import Landing, settle
from arengo.lake.engine import job
from arengo.lake.iceberg import described
from arengo.lake.layout import BOX, ROW, of, quote, sort_term
from arengo.lake.version import Column, DataFile, Version
from arengo.state import tables as t

if TYPE_CHECKING:
    from arengo.contract.model import Contract
    from arengo.lake.store import Lake

GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Freed:
    """What a collection deleted."""

    files: int = 0
    bytes: int = 0


def cutoff(retention: str, keep_days: int, now: datetime) -> datetime | None:
    """The time before which versions expire: ``retention`` (ISO 8601 duration) wins over ``keep_days``; None: never."""
    if not retention:
        return now - timedelta(days=keep_days) if keep_days > 0 else None
    period = Period.parse(retention)
    if period is None:
        raise SettingsError(f"{retention!r} is not an ISO 8601 duration.", todo="Write P5Y, P18M, P30D or the like.")
    return period.before(now)


def expire(lake: Lake, dataset: str, now: datetime) -> tuple[int, ...]:
    """Drop the versions past their retention (never the newest) and free their files; the numbers dropped."""
    with lake.state.hold(f"lake {dataset}", wait=10):
        settle(lake, dataset)
        newest = lake.newest(dataset)
        if newest is None:
            return ()
        before = cutoff(str(newest.extra.get("retention", "")), lake.settings.lake.keep_days, now)
        return _drop(lake, dataset, past(lake, dataset, before), now)


def past(lake: Lake, dataset: str, before: datetime | None) -> tuple[int, ...]:
    """Numbers of the versions published before a time, without the newest, which always stays."""
    newest = lake.newest(dataset)
    if newest is None or before is None:
        return ()
    v = t.version.c
    chosen = sa.select(v.number).where(v.dataset == dataset, v.published_at < before, v.number < newest.number)
    with lake.state.read() as connection:
        return tuple(connection.scalars(chosen.order_by(v.number)))


def drop(lake: Lake, dataset: str, numbers: Iterable[int], now: datetime) -> tuple[int, ...]:
    """Drop these versions and free their files; the numbers dropped. The newest is never among them."""
    with lake.state.hold(f"lake {dataset}", wait=10):
        settle(lake, dataset)
        return _drop(lake, dataset, numbers, now)


def _drop(lake: Lake, dataset: str, numbers: Iterable[int], now: datetime) -> tuple[int, ...]:
    newest = lake.newest(dataset)
    wanted = [number for number in numbers if newest is not None and number < newest.number]
    if not wanted:
        return ()
    v, e = t.version, t.expired
    with lake.state.write() as connection:
        chosen = sa.select(v.c.number, v.c.published_at).where(v.c.dataset == dataset, v.c.number.in_(wanted))
        gone = connection.execute(chosen.order_by(v.c.number)).all()
        if not gone:
            return ()
        connection.execute(
            sa.insert(e),
            [
                {"dataset": dataset, "number": row.number, "published_at": row.published_at, "expired_at": now}
                for row in gone
            ],
        )
        connection.execute(sa.delete(v).where(v.c.dataset == dataset, v.c.number.in_([row.number for row in gone])))
        lake.state.bump(connection)
    _collect(lake, dataset, GRACE)
    return tuple(row.number for row in gone)


def collect(lake: Lake, dataset: str, grace: timedelta) -> Freed:
    """Delete every file of the dataset's folder that no retained version needs and that is older than ``grace``."""
    with lake.state.hold(f"lake {dataset}", wait=10):
        settle(lake, dataset)
        return _collect(lake, dataset, grace)


def _collect(lake: Lake, dataset: str, grace: timedelta) -> Freed:
    versions = lake.retained(dataset)
    if not versions:
        return Freed()
    lake.iceberg.forget(dataset, frozenset(version.snapshot_id for version in versions))
    keep = needed(lake, dataset, versions)
    freed = _sweep(lake.warehouse / dataset, keep, time.time() - grace.total_seconds())
    numbers = {str(version.number) for version in versions}
    beside = lake.folder / dataset
    for folder in beside.iterdir() if beside.is_dir() else ():
        if folder.name.isdigit() and folder.name not in numbers:
            shutil.rmtree(folder, ignore_errors=True)
    serving = lake.serving / dataset
    for path in serving.glob("v*.clean.parquet"):
        if path.name.split(".", 1)[0][1:] not in numbers:
            path.unlink(missing_ok=True)
    files, size = originals.sweep(lake, dataset, versions, time.time() - grace.total_seconds())
    return Freed(freed.files + files, freed.bytes + size)


def needed(lake: Lake, dataset: str, versions: Iterable[Version]) -> set[str]:
    """Absolute paths that the retained versions and the live table need."""
    keep: set[str] = set()
    for version in versions:
        keep.add(version.metadata)
        keep.update(file.path for file in version.files)
        keep.update(lake.absolute(path) for path in version.extra.get("manifests", ()))
    table = lake.iceberg.find(dataset)
    if table is not None:
        keep.add(table.metadata_location)
        snapshot = table.current_snapshot()
        if snapshot is not None:
            keep.update(described(table, snapshot, data=True))
    return {path.removeprefix("file://") for path in keep}


def _sweep(folder: Path, keep: set[str], before: float) -> Freed:
    files = size = 0
    empty: list[Path] = []
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.is_dir():
            empty.append(path)
        elif str(path) not in keep:
            found = path.stat()
            if found.st_mtime < before:
                path.unlink(missing_ok=True)
                files += 1
                size += found.st_size
    for path in sorted(empty, key=lambda item: len(item.parts), reverse=True):
        if not any(path.iterdir()) and path.stat().st_mtime < before + 1:
            path.rmdir()
    return Freed(files, size)


def compact(lake: Lake, dataset: str) -> bool:
    """Rewrite the newest version of a dataset into as few sorted files as it can be; its content and number stay."""
    with lake.state.hold(f"lake {dataset}"):
        settle(lake, dataset)
        version = lake.newest(dataset)
        if version is None or (len(version.files) < 2 and not version.extra.get("deletes")):
            return False
        plan = of(version)
        geometry = version.geometry
        folder = lake.warehouse / dataset / "data" / f"v{version.number}-{uuid.uuid4().hex[:8]}"
        scratch = lake.settings.home / "runs" / f"compact-{uuid.uuid4().hex[:8]}"
        source = lake.source(version)
        landing: Landing | None = None
        try:
            with job(lake.settings, scratch, extensions=("spatial",) if geometry else ()) as connection:
                extent = None
                if geometry is not None:
                    extent = connection.execute(parquet.extent_sql(geometry).format(source=source)).fetchone()
                    extent = extent if extent and extent[0] is not None else None
                order = ", ".join(sort_term(item) for item in version.sort)
                if not order and geometry is not None and extent is not None:
                    order = parquet.hilbert(geometry, extent)
                select = f"SELECT {parquet.stored(plan, geometry, quote(ROW))} FROM {source}"
                select += f" ORDER BY {order}, {quote(ROW)}" if order else f" ORDER BY {quote(ROW)}"
                written = parquet.write(connection, select, plan, folder, geometry, extent)
            extra = {
                key: value
                for key, value in version.extra.items()
                if key not in ("file_schemas", "file_schema", "deletes", "manifests")
            }
            packed = replace(
                version,
                files=tuple(DataFile(path, rows, size) for path, rows, size in written),
                bytes=sum(size for _, _, size in written),
                extra=MappingProxyType(extra),
            )
            landing = Landing(lake, dataset, f"compact-{uuid.uuid4().hex}")
            landing.publish(packed, plan, [path for path, _, _ in written], None)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            if landing is None or not landing.committed:
                shutil.rmtree(folder, ignore_errors=True)
                if landing is not None:
                    landing.forget()
        return True


def adopt(lake: Lake, contract: Contract, published_at: datetime, run: str = "") -> Version | None:
    """Record what another engine committed to the dataset's table as its next version; None when there is nothing new.

    Delete files are honoured. Raises LakeError when a column has a type Arengo does not hold.
    """
    from arengo.lake.commit import meaning

    table = lake.iceberg.find(contract.id)
    newest = lake.newest(contract.id)
    snapshot = table.current_snapshot() if table is not None else None
    if table is None or snapshot is None or newest is None or snapshot.snapshot_id == newest.snapshot_id:
        return None
    kinds = {item.name: item.kind for item in contract.properties}
    columns = []
    hidden: dict[str, Any] = {}
    for field in table.schema().fields:
        if field.name in (ROW, BOX):
            hidden[field.name] = field
        else:
            columns.append(Column(field.name, _kind(kinds.get(field.name), str(field.field_type)), field.field_id))
    box = hidden.get(BOX)
    plan = replace(
        of(newest),
        columns=tuple(columns),
        row=hidden[ROW].field_id if ROW in hidden else of(newest).row,
        box=(box.field_id, *(side.field_id for side in box.field_type.fields)) if box is not None else None,
        last=table.metadata.last_column_id,
    )
    tasks = list(table.scan(snapshot_id=snapshot.snapshot_id).plan_files())
    version = replace(
        newest,
        number=lake.next_number(contract.id),
        published_at=published_at.astimezone(UTC),
        schema=plan.columns,
        files=tuple(
            DataFile(task.file.file_path.removeprefix("file://"), task.file.record_count, task.file.file_size_in_bytes)
            for task in tasks
        ),
        bytes=sum(task.file.file_size_in_bytes for task in tasks),
        snapshot_id=snapshot.snapshot_id,
        metadata=table.metadata_location,
        run=run or f"adopted-{snapshot.snapshot_id}",
        quarantined=0,
        extra=MappingProxyType(
            {
                **{k: v for k, v in newest.extra.items() if k not in ("file_schemas", "file_schema")},
                **plan.extra(),
                "deletes": True,
                "mode": "adopted",
                "manifests": [lake.relative(path) for path in described(table, snapshot, data=True)],
            }
        ),
    )
    scratch = lake.settings.home / "runs" / f"adopt-{uuid.uuid4().hex[:8]}"
    try:
        with job(lake.settings, scratch) as connection:
            sums = parquet.content_sum([column.name for column in columns])
            row = connection.execute(f"SELECT count(*), {sums} FROM {lake.source(version)}").fetchone()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    assert row is not None
    version = replace(
        version,
        rows=int(row[0]),
        rows_in=int(row[0]),
        checksum=f"{meaning(plan, contract)}-{int(row[1]):x}",
        extra=MappingProxyType({**version.extra, "next_row": int(row[0])}),
    )
    lake.record(version)
    return version


def _kind(told: Kind | None, iceberg: str) -> Kind:
    found = {
        "string": Kind.STRING,
        "long": Kind.INTEGER,
        "int": Kind.INTEGER,
        "double": Kind.NUMBER,
        "float": Kind.NUMBER,
        "boolean": Kind.BOOLEAN,
        "date": Kind.DATE,
        "time": Kind.TIME,
        "timestamp": Kind.TIMESTAMP,
        "binary": Kind.GEOMETRY,
    }.get(iceberg)
    if found is None:
        raise LakeError(f"Another engine added a column of type {iceberg}, which Arengo does not hold.")
    return told if told is not None and told is not found and {told, found} == {Kind.STRING, Kind.JSON} else found
