"""One commit: from a staged table to a recorded version, able to be killed at any moment.

Order of what reaches the disk: Parquet files, an intent (what the version will be), the Iceberg commit, the
reports, the state row. The state row is what makes a version; whatever a kill leaves before it is either finished
(the Iceberg snapshot carries the run's id) or removed at the next commit to the dataset.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from arengo.contract.period import versions_kept
from arengo.errors import PublisherError, StorageFull
from arengo.lake import layout as layouts
from arengo.lake import parquet, record
from arengo.lake.engine import job, translated
from arengo.lake.iceberg import RUN, Written, sync_folder, written
from arengo.lake.layout import ROW, Layout, listing, quote, text
from arengo.lake.relation import file_groups
from arengo.lake.version import DataFile, Staged, Version

if TYPE_CHECKING:
    import duckdb

    from arengo.contract.model import Contract
    from arengo.lake.store import Lake

TIER = 8
"""Append: eight files of about the same size become one in the commit that adds the eighth (or more)."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a mode decided: rows to write, files of the newest version that stay, the sum of all content."""

    select: str  # yields the stored columns
    keep: tuple[int, ...]  # indexes into the newest version's files
    checksum: int
    next_row: int


class Commit:
    def __init__(
        self,
        lake: Lake,
        contract: Contract,
        staged: Staged,
        run: str,
        published_at: datetime,
        rows_in: int,
        quarantined: int,
        fingerprint: str,
        mode: str,
    ) -> None:
        self.lake = lake
        self.contract = contract
        self.staged = staged
        self.run = run
        at = published_at if published_at.tzinfo else published_at.replace(tzinfo=UTC)
        self.published_at = at.astimezone(UTC)
        self.rows_in = rows_in
        self.quarantined = quarantined
        self.fingerprint = fingerprint
        self.mode = mode
        self.landing = Landing(lake, contract.id, run)

    def make(self, reports: Mapping[str, Path]) -> Version | None:
        held = self.lake.by_run(self.contract.id, self.run)
        if held is not None:
            return held
        settle(self.lake, self.contract.id)
        held = self.lake.by_run(self.contract.id, self.run)
        if held is not None:
            return held
        before = self.lake.newest(self.contract.id)
        self._check(before)
        if before is not None and self.mode != "replace":
            before = self._foreign(before) or before
        number = self.lake.next_number(self.contract.id)
        folder = self.lake.warehouse / self.contract.id / "data" / f"v{number}-{uuid.uuid4().hex[:8]}"
        try:
            with translated(self.lake.warehouse):
                return self._make(before, number, folder, reports)
        except BaseException as error:
            # Whatever happened before the Iceberg commit leaves nothing; after it, the next call finishes the work.
            if not self.landing.committed:
                shutil.rmtree(folder, ignore_errors=True)
                shutil.rmtree(self.lake.beside(self.contract.id, number), ignore_errors=True)
                self.landing.forget()
            if isinstance(error, OSError) and not isinstance(error, StorageFull):
                with translated(self.lake.warehouse):
                    raise
            raise

    def _check(self, before: Version | None) -> None:
        if self.mode not in ("replace", "append", "upsert"):
            raise PublisherError(f"There is no mode {self.mode!r}.", todo="Use replace, append or upsert.")
        if self.mode == "upsert" and not self.contract.key:
            raise PublisherError(
                f"{self.contract.id} has no primary key to upsert by.", todo="Mark the key's columns with primaryKey."
            )
        if before is not None and self.published_at <= before.published_at:
            raise PublisherError(
                f"{self.contract.id} {before.label} was published at {record.stamp(before.published_at)}, "
                f"a new version at {record.stamp(self.published_at)} would not be later.",
                todo="Publish with a later time.",
            )

    def _foreign(self, before: Version) -> Version | None:
        """What another engine committed since, taken in as a version so that adding to it loses nothing."""
        from arengo.lake.maintenance import adopt

        table = self.lake.iceberg.find(self.contract.id)
        snapshot = table.current_snapshot() if table is not None else None
        if snapshot is None or snapshot.snapshot_id == before.snapshot_id:
            return None
        seen = datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
        tick = timedelta(microseconds=1)
        return adopt(self.lake, self.contract, max(before.published_at + tick, min(seen, self.published_at - tick)))

    def _make(self, before: Version | None, number: int, folder: Path, reports: Mapping[str, Path]) -> Version | None:
        plan = layouts.plan(self.contract, self.staged, before)
        geometry = self.staged.geometry
        extensions = ("spatial",) if geometry is not None else ()
        # In the run's own folder, so that it goes with it whatever happens here.
        scratch = self.lake.settings.home / "runs" / self.run / f"commit-{uuid.uuid4().hex[:8]}"
        try:
            with job(self.lake.settings, scratch, extensions=extensions) as connection:
                # Numbering the sorted rows is one thread's work; a second one waits for it, busily, for half the CPU.
                connection.execute("SET threads = 1")
                connection.execute(f"ATTACH {text(str(self.staged.database))} AS staged (READ_ONLY)")
                source = f"staged.{quote(self.staged.table)}"
                extent = None
                if geometry is not None:
                    extent = connection.execute(parquet.extent_sql(geometry).format(source=source)).fetchone()
                    extent = extent if extent and extent[0] is not None else None
                order = parquet.order_by(self.contract, geometry, [c.name for c in plan.columns], extent)
                draft = self._draft(connection, source, plan, before, order)
                checksum = f"{meaning(plan, self.contract)}-{draft.checksum:x}"
                if before is not None and checksum == before.checksum and self._as_open(before):
                    return None
                files = parquet.write(connection, draft.select, plan, folder, geometry, extent)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            with contextlib.suppress(OSError):  # the run keeps what it staged there
                scratch.parent.rmdir()
        version = self._version(before, number, plan, draft, checksum, files)
        removed: frozenset[str] | None = None
        if before is not None and draft.keep:
            kept = {before.files[index].path for index in draft.keep}
            removed = frozenset(file.path for file in before.files if file.path not in kept)
        self._keep(version, reports)
        return self.landing.publish(version, plan, [path for path, _, _ in files], removed)

    def _as_open(self, before: Version) -> bool:
        """Whether ``before`` was made under a contract as open as this one: otherwise it is never the same version,
        since it was judged for other readers. (A checksum of an earlier release does not tell.)"""
        if before.contract_sha == hashlib.sha256(self.contract.text.encode()).hexdigest():
            return True
        from arengo.contract.load import loads

        held = self.lake.state.contract_text(before.dataset, before.contract_sha)
        return held is not None and _openness(loads(held)) == _openness(self.contract)

    # What to write

    def _draft(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: str,
        plan: Layout,
        before: Version | None,
        order: str,
    ) -> Draft:
        names = [column.name for column in plan.columns]
        sum_of = parquet.content_sum(names)
        geometry = self.staged.geometry
        fresh = f"SELECT * FROM {source}{f' ORDER BY {order}' if order else ''}"
        mode = self.mode if before is not None else "replace"
        if before is None or mode == "replace":
            total = _number(connection, f"SELECT {sum_of} FROM {source}")
            rows = self.staged.rows
            return Draft(
                f"SELECT {parquet.stored(plan, geometry, 'row_number() OVER () - 1')} FROM ({fresh})", (), total, rows
            )
        first = int(before.extra["next_row"])
        stays = layouts.compatible(plan, before) and not before.extra.get("deletes")
        held_sum = int(before.checksum.rsplit("-", 1)[1], 16)
        same_columns = [c.name for c in before.schema] == names and stays
        old = self.lake.source(before, replace(before, schema=plan.columns))
        if not same_columns:
            held_sum = _number(connection, f"SELECT {sum_of} FROM {old}")
        new = f"SELECT {parquet.stored(plan, geometry, f'{first} + row_number() OVER () - 1')} FROM ({fresh})"
        if mode == "append":
            added = _number(connection, f"SELECT {sum_of} FROM {source}")
            next_row = first + self.staged.rows
            merge = _tier(before, self.staged.rows) if stays else tuple(range(len(before.files)))
            keep = tuple(index for index in range(len(before.files)) if index not in merge)
            if merge:
                new = self._merged(before, plan, merge, new, order)
            return Draft(new, keep, held_sum + added, next_row)
        return self._upsert(connection, source, plan, before, order, held_sum, stays)

    def _merged(self, before: Version, plan: Layout, merge: Sequence[int], new: str, order: str) -> str:
        """Rows of some old files beside the new rows, each keeping its number, sorted together."""
        part = _only(before, merge)
        old = self.lake.source(part, replace(part, schema=plan.columns))
        select = f"SELECT {self._stored_again(plan)} FROM {old}"
        both = f"SELECT * FROM ({select} UNION ALL {new})"
        # The order is over staged columns; stored ones have the same names, and the box's sides hide in a struct.
        return f"{both} ORDER BY {_over_stored(order)}" if order else f"{both} ORDER BY {quote(ROW)}"

    def _stored_again(self, plan: Layout) -> str:
        return parquet.stored(plan, self.staged.geometry, quote(ROW))

    def _upsert(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: str,
        plan: Layout,
        before: Version,
        order: str,
        held_sum: int,
        stays: bool,
    ) -> Draft:
        """Only files that hold one of the keys are rewritten; an updated row keeps its number."""
        key = self.contract.key
        names = [column.name for column in plan.columns]
        match = " AND ".join(f"o.{quote(name)} IS NOT DISTINCT FROM n.{quote(name)}" for name in key)
        touched = []
        for index in range(len(before.files)):
            part = _only(before, [index])
            old = self.lake.source(part, replace(part, schema=plan.columns))
            hit = connection.execute(f"SELECT 1 FROM {old} o SEMI JOIN {source} n ON {match} LIMIT 1").fetchone()
            if hit or not stays:
                touched.append(index)
        part = _only(before, touched)
        old = self.lake.source(part, replace(part, schema=plan.columns))
        sum_of = parquet.content_sum(names)
        removed = _number(connection, f"SELECT {sum_of} FROM {old} o SEMI JOIN {source} n ON {match}")
        added = _number(connection, f"SELECT {sum_of} FROM {source}")
        first = int(before.extra["next_row"])
        numbered = (
            f"SELECT n.*, coalesce(o.{quote(ROW)}, {first} - 1 + count(*) FILTER (o.{quote(ROW)} IS NULL) "
            f"OVER (ORDER BY n.{quote(self.staged.number)} ROWS UNBOUNDED PRECEDING)) AS {quote(ROW)} "
            f"FROM {source} n LEFT JOIN (SELECT {listing(key)}, {quote(ROW)} FROM {old}) o ON {match}"
        )
        again = self._stored_again(plan)
        select = (
            f"SELECT * FROM (SELECT {again} FROM {old} o ANTI JOIN {source} n ON {match} "
            f"UNION ALL SELECT {again} FROM ({numbered}))"
        )
        select += f" ORDER BY {_over_stored(order)}" if order else f" ORDER BY {quote(ROW)}"
        keep = tuple(index for index in range(len(before.files)) if index not in touched)
        return Draft(select, keep, held_sum - removed + added, first + self.staged.rows)

    # Recording it

    def _version(
        self,
        before: Version | None,
        number: int,
        plan: Layout,
        draft: Draft,
        checksum: str,
        fresh: Sequence[tuple[str, int, int]],
    ) -> Version:
        kept = [before.files[index] for index in draft.keep] if before is not None else []
        files = (*kept, *(DataFile(path, rows, size) for path, rows, size in fresh))
        own = {column.field_id: column.name for column in plan.columns}
        extra: dict[str, Any] = {
            **plan.extra(),
            "next_row": draft.next_row,
            "mode": self.mode,
            **_promised(self.contract),
        }
        if before is not None and kept:
            names_of = {path: names for names, paths in file_groups(before) for path in paths}
            schemas: list[dict[int, str]] = [own]
            which = []
            for file in files:
                names = names_of.get(file.path, own)
                if names not in schemas:
                    schemas.append(names)
                which.append(schemas.index(names))
            if len(schemas) > 1:
                extra["file_schemas"] = [sorted(names.items()) for names in schemas]
                extra["file_schema"] = which
        contract = self.contract
        return Version(
            dataset=contract.id,
            number=number,
            published_at=self.published_at,
            contract_version=contract.version,
            contract_sha=hashlib.sha256(contract.text.encode()).hexdigest(),
            schema=plan.columns,
            key=contract.key,
            sort=contract.sort,
            geometry=self.staged.geometry,
            rows=sum(file.rows for file in files),
            rows_in=self.rows_in,
            quarantined=self.quarantined,
            bytes=sum(file.bytes for file in files),
            checksum=checksum,
            fingerprint=self.fingerprint,
            snapshot_id=0,
            metadata="",
            files=files,
            run=self.run,
            title=contract.title(),
            extra=MappingProxyType(extra),
        )

    def _keep(self, version: Version, reports: Mapping[str, Path]) -> None:
        folder = self.lake.beside(version.dataset, version.number)
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        for name, path in reports.items():
            target = folder / f"{name}{path.suffix}"
            shutil.copyfile(path, target)
            _sync(target)
        sync_folder(folder)
        sync_folder(folder.parent)


class Landing:
    """From files on the disk to a recorded version: intent, Iceberg commit, state row."""

    def __init__(self, lake: Lake, dataset: str, run: str) -> None:
        self.lake = lake
        self.run = run
        self.committed = False
        self.intents = lake.folder / dataset / "intents"

    def publish(self, version: Version, plan: Layout, added: Sequence[str], removed: frozenset[str] | None) -> Version:
        """Intent, Iceberg commit, state row. ``removed``: files that leave the table, None for all it holds."""
        iceberg = self.lake.iceberg
        table = iceberg.find(version.dataset) or iceberg.create(version.dataset, plan)
        self._write_intent(version, added)
        summary = {
            RUN: self.run,
            "arengo.version": str(version.number),
            "arengo.published-at": record.stamp(version.published_at),
            "arengo.contract": version.contract_sha,
            "arengo.checksum": version.checksum,
        }
        done = iceberg.commit(table, plan, added, removed, summary)
        self.committed = True
        version = _finished(self.lake, version, done)
        self.lake.record(version)
        self._intent(self.run).unlink(missing_ok=True)
        return version

    def _intent(self, run: str) -> Path:
        return self.intents / f"{hashlib.sha256(run.encode()).hexdigest()[:32]}.json"

    def _write_intent(self, version: Version, added: Sequence[str]) -> None:
        self.intents.mkdir(parents=True, exist_ok=True)
        path = self._intent(self.run)
        body = {"run": self.run, "added": list(added), "version": record.to_json(version, self.lake.warehouse)}
        path.write_bytes(orjson.dumps(body))
        _sync(path)
        sync_folder(self.intents)

    def forget(self) -> None:
        self._intent(self.run).unlink(missing_ok=True)


def settle(lake: Lake, dataset: str) -> None:
    """Finish or clear what killed commits to ``dataset`` left. The caller holds the dataset."""
    folder = lake.folder / dataset / "intents"
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            intent = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError:
            path.unlink()  # killed while it was written, before anything was committed
            continue
        version = record.from_json(intent["version"], lake.warehouse)
        table = lake.iceberg.find(dataset)
        snapshot = lake.iceberg.by_run(table, intent["run"]) if table is not None else None
        held = lake.by_run(dataset, version.run)
        if table is not None and snapshot is not None:
            if held is None or held.snapshot_id != snapshot.snapshot_id:
                lake.record(_finished(lake, version, written(table, snapshot.snapshot_id)))
        elif held is None or intent["run"] != version.run:
            for file in intent["added"]:
                shutil.rmtree(Path(file).parent, ignore_errors=True)
            if held is None:
                shutil.rmtree(lake.beside(version.dataset, version.number), ignore_errors=True)
        path.unlink()


def _finished(lake: Lake, version: Version, done: Written) -> Version:
    extra = {**version.extra, "manifests": [lake.relative(path) for path in done.manifests]}
    return replace(version, metadata=done.metadata, snapshot_id=done.snapshot_id, extra=MappingProxyType(extra))


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _promised(contract: Contract) -> dict[str, Any]:
    """What later readers of the version need from its contract without loading it."""
    read = contract.as_read()
    out = {
        "filters": [list(group) for group in contract.filters],
        "search": list(contract.custom.get("arengoSearch", ())),
        "time": str(contract.custom.get("arengoTime", "")),
        "language": contract.language,
        "retention": versions_kept(contract.custom),
        "vault": (sealed := [item.name for item in contract.properties if "vault" in item.protect]),
        "bound": [name for name in read.key if sealed and (item := read.column(name)) is not None and not item.protect],
    }  # fmt: skip
    return {name: value for name, value in out.items() if value}


def meaning(plan: Layout, contract: Contract) -> str:
    """Short hash of what the rows mean: columns, kinds, key, how open. Equal rows under another are another version."""
    words = [[column.name, column.kind.value, column.required] for column in plan.columns]
    told = [words, list(contract.key)]
    if (openness := _openness(contract)) != ("open", ""):
        told.append(openness)
    return hashlib.sha256(orjson.dumps(told)).hexdigest()[:16]


def _openness(contract: Contract) -> tuple[str, str]:
    """Who may read the rows: what a version was judged by."""
    statistics = contract.custom.get("arengoStatistics")
    return contract.access, "" if statistics is None else repr(sorted(statistics.items()))


def _only(version: Version, indexes: Sequence[int]) -> Version:
    """The same version reduced to some of its files."""
    extra = dict(version.extra)
    if "file_schema" in extra:
        extra["file_schema"] = [extra["file_schema"][index] for index in indexes]
    return replace(version, files=tuple(version.files[index] for index in indexes), extra=MappingProxyType(extra))


def _tier(before: Version, rows: int) -> tuple[int, ...]:
    """Indexes of old files to merge with ``rows`` new rows so that no eight files have about the same size."""
    merge: list[int] = []
    size = max(rows, 1)
    while True:
        tier = _level(size)
        same = [i for i, f in enumerate(before.files) if i not in merge and _level(f.rows) <= tier]
        if len(same) < TIER - 1:
            return tuple(merge)
        merge += same
        size += sum(before.files[index].rows for index in same)


def _level(rows: int) -> int:
    level = 0
    while rows >= TIER:
        rows //= TIER
        level += 1
    return level


def _over_stored(order: str) -> str:
    for side in ("xmin", "ymin", "xmax", "ymax"):
        order = order.replace(f'"_{side}"', f'"_bbox".{side}')
    return order


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
