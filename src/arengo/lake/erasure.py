"""Rows taken out of every version of a dataset, and out of every file on the disk that still had them.

A version keeps its number, its time and the numbers of its other rows; only the Parquet files that hold one of the
rows are written anew, and its checksum and :attr:`Version.erased_at` say so. The Iceberg table is committed twice: the
first commit names the files that leave *with their bounds*, the second one does not, and only it is kept. Everything
that is not needed any more leaves the disk at once, without the hour of grace that housekeeping gives a reader.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from arengo.lake.engine import job, translated
from arengo.lake.layout import ROW, of, quote
from arengo.lake.version import DataFile, Version

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from arengo.lake.store import Lake


@dataclass(frozen=True, slots=True)
class Match:
    """Which rows: a condition over the version's columns with its bound values."""

    sql: str
    params: tuple[object, ...] = ()


Matcher = Callable[[Version], Match | None]
"""The rows of a version that are meant; None when it cannot have any."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What one version lost."""

    number: int
    rows: int


def count(lake: Lake, version: Version, match: Match | None) -> int:
    """How many rows of a version are meant."""
    if match is None or not version.files:
        return 0
    with _job(lake, version) as connection:
        sql = f"SELECT count(*) FROM {lake.source(version)} WHERE {match.sql}"
        row = connection.execute(sql, list(match.params)).fetchone()
    return int(row[0]) if row else 0


def rows(lake: Lake, version: Version, match: Match | None) -> pa.Table | None:
    """The rows that are meant, as the version stores them, with their hidden columns; None when there are none."""
    if match is None or not version.files:
        return None
    with _job(lake, version) as connection:
        sql = f"SELECT * FROM {lake.source(version)} WHERE {match.sql} ORDER BY {quote(ROW)}"
        found = connection.execute(sql, list(match.params)).to_arrow_table()
    return found if found.num_rows else None


def without(lake: Lake, dataset: str, matcher: Matcher, at: datetime) -> tuple[Gone, ...]:
    """Take rows out of every retained version; what each lost, the oldest first. Doing it again does what is left.

    Killed at any moment it leaves every version readable. Raises Busy when somebody commits to the dataset for long.
    """
    from arengo.lake import maintenance
    from arengo.lake.commit import settle

    gone: list[Gone] = []
    with lake.state.hold(f"lake {dataset}", wait=600.0), translated(lake.warehouse):
        settle(lake, dataset)
        newest = lake.newest(dataset)
    if newest is not None and newest.extra.get("deletes"):
        lake.compact(dataset)  # another engine's delete files hide rows that are still there
    with lake.state.hold(f"lake {dataset}", wait=600.0), translated(lake.warehouse):
        settle(lake, dataset)
        versions = sorted(lake.retained(dataset), key=lambda item: item.number)
        for version in versions:
            if version.extra.get("deletes") and version.number != versions[-1].number:
                maintenance._drop(lake, dataset, [version.number], at)
                gone.append(Gone(version.number, version.rows))
                continue
            lost = _rewrite(lake, version, matcher(version), at, newest=version.number == versions[-1].number)
            if lost:
                gone.append(Gone(version.number, lost))
        _purge(lake, dataset, fresh=bool(gone))
    return tuple(gone)


def _rewrite(lake: Lake, version: Version, match: Match | None, at: datetime, *, newest: bool) -> int:
    from arengo.lake import parquet

    if match is None or not version.files:
        return 0
    folder = lake.warehouse / version.dataset / "data" / f"v{version.number}-{uuid.uuid4().hex[:8]}"
    made: list[tuple[int, DataFile | None]] = []
    landed = False
    try:
        with _job(lake, version) as connection:
            names = [column.name for column in version.schema]
            for index, file in enumerate(version.files):
                found = _numbers(connection, lake, version, index, match)
                if found:
                    made.append((index, _filtered(Path(file.path), folder / f"part-{index}.parquet", found)))
            if not made:
                return 0
            sums = f"SELECT {parquet.content_sum(names)}, count(*) FROM {lake.source(version)} WHERE {match.sql}"
            row = connection.execute(sums, list(match.params)).fetchone()
        assert row is not None
        smaller = _smaller(version, dict(made), int(row[0]), int(row[1]), at)
        landed = True
        if newest:
            _land(lake, version, smaller, [index for index, _ in made])
        else:
            lake.record(smaller)
        return int(row[1])
    finally:
        if not landed:
            shutil.rmtree(folder, ignore_errors=True)


def _numbers(connection: duckdb.DuckDBPyConnection, lake: Lake, version: Version, index: int, match: Match) -> set[int]:
    from arengo.lake.commit import _only

    part = _only(version, [index])
    source = lake.source(replace(part, rows=version.files[index].rows))
    sql = f"SELECT {quote(ROW)} FROM {source} WHERE {match.sql}"
    return {int(row[0]) for row in connection.execute(sql, list(match.params)).fetchall()}


def _filtered(old: Path, new: Path, gone: set[int]) -> DataFile | None:
    """A copy of a Parquet file without some rows, group by group; None when none is left."""
    import os

    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    new.parent.mkdir(parents=True, exist_ok=True)
    left = 0
    with pq.ParquetFile(old) as file:
        schema = file.schema_arrow
        with pq.ParquetWriter(new, schema, compression="zstd") as writer:
            numbers = pa.array(sorted(gone), pa.int64())
            for group in range(file.num_row_groups):
                held = file.read_row_group(group)
                stays = pc.invert(pc.is_in(held.column(ROW), value_set=numbers.cast(held.column(ROW).type)))
                held = held.filter(stays)
                left += held.num_rows
                if held.num_rows:
                    writer.write_table(held, row_group_size=held.num_rows)
    if not left:
        new.unlink()
        return None
    with new.open("rb") as handle:
        os.fsync(handle.fileno())
    return DataFile(str(new), left, new.stat().st_size)


def _smaller(version: Version, made: dict[int, DataFile | None], lost: int, rows: int, at: datetime) -> Version:
    """The version with some of its files replaced."""
    files, schemas = [], []
    held = version.extra.get("file_schema")
    for index, file in enumerate(version.files):
        taken = made.get(index, file)
        if taken is not None:
            files.append(taken)
            if held is not None:
                schemas.append(held[index])
    extra: dict[str, Any] = {key: value for key, value in version.extra.items() if key not in ("manifests", "purged")}
    if held is not None:
        extra["file_schema"] = schemas
    extra["rewritten"] = True
    meaning, total = version.checksum.rsplit("-", 1)
    return replace(
        version,
        files=tuple(files),
        rows=version.rows - rows,
        rows_in=version.rows_in - rows,
        bytes=sum(file.bytes for file in files),
        checksum=f"{meaning}-{int(total, 16) - lost:x}",
        erased_at=at.astimezone(UTC),
        extra=MappingProxyType(extra),
    )


def _land(lake: Lake, before: Version, smaller: Version, touched: Sequence[int]) -> None:
    from arengo.lake.commit import Landing

    plan = of(smaller)
    removed = frozenset(before.files[index].path for index in touched)
    kept = {file.path for file in before.files}
    added = [file.path for file in smaller.files if file.path not in kept]
    Landing(lake, before.dataset, f"erase-{uuid.uuid4().hex}").publish(smaller, plan, added, removed)


def _purge(lake: Lake, dataset: str, *, fresh: bool) -> None:
    """Take what no version needs off the disk, without grace: old files, manifests with their bounds, snapshots."""
    from arengo.lake import maintenance
    from arengo.lake.commit import Landing

    versions = lake.retained(dataset)
    if not versions:
        return
    newest, touched = versions[0], any(item.extra.get("rewritten") for item in versions)
    if fresh or (touched and not newest.extra.get("purged")):
        # The newest snapshot may name what its commit took out; one more names only what is there.
        extra = {**newest.extra, "purged": True}
        newest = Landing(lake, dataset, f"erased-{uuid.uuid4().hex}").publish(
            replace(newest, extra=MappingProxyType(extra)), of(newest), [], frozenset()
        )
    for version in versions[1:]:
        if touched and "manifests" in version.extra:
            # Its own rows stay, but a manifest may name what another version lost.
            extra = {key: value for key, value in version.extra.items() if key != "manifests"} | {"rewritten": True}
            lake.record(replace(version, extra=MappingProxyType(extra)))
    if touched:
        lake.iceberg.forget(dataset, frozenset({newest.snapshot_id}))
    shutil.rmtree(lake.serving / dataset, ignore_errors=True)
    lake.state.announce()
    maintenance._collect(lake, dataset, timedelta(seconds=-1))


class _job:  # noqa: N801 a context manager, used like job()
    """An engine of its own over a version's files."""

    def __init__(self, lake: Lake, version: Version) -> None:
        self._scratch = lake.settings.home / "runs" / f"erase-{version.dataset}-{uuid.uuid4().hex[:8]}"
        self._held = job(lake.settings, self._scratch, extensions=("spatial",) if version.geometry else ())

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        return self._held.__enter__()

    def __exit__(self, *told: Any) -> None:
        try:
            self._held.__exit__(*told)
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
