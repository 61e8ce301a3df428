"""The Iceberg side: one catalogue, one table a dataset, one commit a publication.

The live table metadata keeps the newest :data:`LIVE` snapshots, so the cost of a commit does not grow with the
number of versions. Every version remembers the metadata file its own commit wrote; that file knows its snapshot
for as long as the version is kept.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.io import FileIO, InputFile, OutputFile
from pyiceberg.manifest import DataFile as IcebergFile
from pyiceberg.manifest import DataFileContent, FileFormat, ManifestEntryStatus, ManifestFile
from pyiceberg.table import StaticTable, Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Operation, Snapshot
from pyiceberg.table.update import AddSchemaUpdate, RemoveSnapshotsUpdate, SetCurrentSchemaUpdate
from pyiceberg.table.update.snapshot import _FastAppendFiles, _OverwriteFiles

from arengo.errors import Busy, LakeError
from arengo.lake.layout import Layout, iceberg_schema
from arengo.state import sqlite

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine as SqlEngine

NAMESPACE = "arengo"
LIVE = 20
RUN = "arengo.run"

PROPERTIES = {
    "format-version": "2",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",
    "commit.retry.num-retries": "10",
    # Old metadata files belong to the versions that name them; Lake.collect removes what no version needs.
    "write.metadata.delete-after-commit.enabled": "false",
    "write.metadata.previous-versions-max": "5",
    "write.parquet.compression-codec": "zstd",
}


class LocalFile(InputFile, OutputFile):
    """A file of the local disk; what is written is on the disk when it is closed."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.path = location.removeprefix("file://")

    def __len__(self) -> int:
        return os.path.getsize(self.path)

    def exists(self) -> bool:
        return os.path.exists(self.path)

    def open(self, seekable: bool = True) -> Any:
        return open(self.path, "rb")

    def to_input_file(self) -> LocalFile:
        return self

    def create(self, overwrite: bool = False) -> Any:
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        return _Durable(self.path, "wb" if overwrite else "xb")


class _Durable:
    def __init__(self, path: str, mode: str) -> None:
        self._file = open(path, mode)  # noqa: SIM115 closed by close(), as pyiceberg does
        self._folder = os.path.dirname(path)

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            sync_folder(self._folder)

    @property
    def closed(self) -> bool:
        return self._file.closed

    def __enter__(self) -> _Durable:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LocalIO(FileIO):
    """pyiceberg's file access on the local disk with fsync, so that a commit that was reported survives a power cut."""

    def new_input(self, location: str) -> LocalFile:
        return LocalFile(location)

    def new_output(self, location: str) -> LocalFile:
        return LocalFile(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        path = location if isinstance(location, str) else location.location
        os.remove(path.removeprefix("file://"))


def sync_folder(folder: str | Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Replace(_OverwriteFiles):
    """An overwrite that keeps no manifest of the parent, delete files of other engines included."""

    def _existing_manifests(self) -> list[ManifestFile]:
        return []


@dataclass(frozen=True, slots=True)
class Written:
    """What a commit left: where its metadata file is, which snapshot it made, through which files that is read."""

    metadata: str
    snapshot_id: int
    manifests: tuple[str, ...]


class Iceberg:
    """The catalogue of one city. ``url``: SQLAlchemy address; ``warehouse``: absolute folder."""

    def __init__(self, url: str, warehouse: Path) -> None:
        self.warehouse = warehouse
        self.catalog = SqlCatalog(
            "arengo", uri=url, warehouse=str(warehouse), **{"py-io-impl": "arengo.lake.iceberg.LocalIO"}
        )
        if self.catalog.engine.url.get_backend_name() == "sqlite":
            _tune_sqlite(self.catalog.engine)

    def find(self, dataset: str) -> Table | None:
        try:
            return self.catalog.load_table((NAMESPACE, dataset))
        except NoSuchTableError:
            return None
        except FileNotFoundError as error:
            raise LakeError(
                f"The Iceberg metadata of {dataset} is missing: {error.filename}.",
                todo="Restore the .arengo folder from the backup; versions already recorded can still be read.",
            ) from error

    def create(self, dataset: str, layout: Layout) -> Table:
        """An empty table. Field ids are set by the first commit, which adds the schema itself."""
        with contextlib.suppress(NamespaceAlreadyExistsError):
            self.catalog.create_namespace(NAMESPACE)
        location = f"{self.warehouse}/{dataset}"
        try:
            return self.catalog.create_table(
                (NAMESPACE, dataset), iceberg_schema(layout), location=location, properties=PROPERTIES
            )
        except TableAlreadyExistsError:
            return self.catalog.load_table((NAMESPACE, dataset))

    def commit(
        self,
        table: Table,
        layout: Layout,
        added: Sequence[str],
        removed: frozenset[str] | None,
        summary: Mapping[str, str],
    ) -> Written:
        """One commit: schema, files in, files out (None: all), old snapshots out of the live metadata."""
        transaction = table.transaction()
        _set_schema(transaction, layout)
        metadata = transaction.table_metadata
        files = [data_file(table.io, metadata, path) for path in added]
        parent = metadata.current_snapshot()
        producer: _Replace | _OverwriteFiles | _FastAppendFiles
        if removed is None:
            producer = _Replace(Operation.OVERWRITE, transaction, table.io, snapshot_properties=dict(summary))
        elif removed:
            producer = _OverwriteFiles(Operation.OVERWRITE, transaction, table.io, snapshot_properties=dict(summary))
        else:
            producer = transaction.update_snapshot(dict(summary)).merge_append()
        if parent is not None and (removed is None or removed):
            for entry in live_files(table.io, parent):
                if entry.content == DataFileContent.DATA and (removed is None or entry.file_path in removed):
                    producer.delete_data_file(entry)
        for file in files:
            producer.append_data_file(file)
        producer.commit()
        _expire(transaction)
        try:
            done = transaction.commit_transaction()
        except CommitFailedException as error:
            raise Busy(
                f"Another engine committed to {table.name()[-1]} at the same time.", todo="Publish again."
            ) from error
        return written(done, producer.snapshot_id)

    def forget(self, dataset: str, keep: frozenset[int]) -> None:
        """Take every snapshot that is neither current nor in ``keep`` out of the live metadata."""
        table = self.find(dataset)
        if table is None:
            return
        transaction = table.transaction()
        if _expire(transaction, keep=keep):
            transaction.commit_transaction()

    def by_run(self, table: Table, run: str) -> Snapshot | None:
        for snapshot in reversed(table.metadata.snapshots):
            if snapshot.summary is not None and snapshot.summary.get(RUN) == run:
                return snapshot
        return None


def written(table: Table, snapshot_id: int) -> Written:
    """A commit as it is found in the table's metadata."""
    snapshot = table.snapshot_by_id(snapshot_id)
    if snapshot is None:
        raise LakeError(f"The commit to {table.name()[-1]} is not in its metadata.", todo="Run 'arengo doctor'.")
    return Written(table.metadata_location, snapshot_id, tuple(described(table, snapshot, data=False)))


def _tune_sqlite(engine: SqlEngine) -> None:
    import sqlalchemy as sa

    @sa.event.listens_for(engine, "connect")
    def pragmas(connection: Any, _record: Any) -> None:
        sqlite.begin(connection, "PRAGMA busy_timeout=30000", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")


def _set_schema(transaction: Transaction, layout: Layout) -> None:
    wanted = iceberg_schema(layout)
    metadata = transaction.table_metadata
    if metadata.schema() == wanted:
        return
    held = next((item for item in metadata.schemas if item == wanted), None)
    if held is not None:
        transaction._apply((SetCurrentSchemaUpdate.model_validate({"schema-id": held.schema_id}),))
        return
    number = max(item.schema_id for item in metadata.schemas) + 1
    schema = wanted.model_copy(update={"schema_id": number})
    transaction._apply((AddSchemaUpdate(schema=schema), SetCurrentSchemaUpdate.model_validate({"schema-id": number})))


def _expire(transaction: Transaction, keep: frozenset[int] | None = None) -> bool:
    metadata = transaction.table_metadata
    protected = {ref.snapshot_id for ref in metadata.refs.values()}
    ordered = sorted(metadata.snapshots, key=lambda item: item.sequence_number or 0)
    out = ordered[: max(0, len(ordered) - LIVE)] if keep is None else [s for s in ordered if s.snapshot_id not in keep]
    gone = [item.snapshot_id for item in out if item.snapshot_id not in protected]
    if gone:
        transaction._apply((RemoveSnapshotsUpdate.model_validate({"snapshot-ids": gone}),))
    return bool(gone)


def data_file(io: FileIO, metadata: TableMetadata, path: str) -> IcebergFile:
    """The manifest entry of a Parquet file that carries this table's field ids, statistics included."""
    import pyarrow.parquet as pq
    from pyiceberg.io.pyarrow import (
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
    )

    schema = metadata.schema()
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=pq.read_metadata(path),
        stats_columns=compute_statistics_plan(schema, metadata.properties),
        parquet_column_mapping=parquet_path_to_id_mapping(schema),
    )
    return IcebergFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=statistics.partition(metadata.spec(), schema),
        file_size_in_bytes=os.path.getsize(path),
        sort_order_id=None,
        spec_id=metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def live_files(io: FileIO, snapshot: Snapshot) -> Iterator[IcebergFile]:
    """Data and delete files a snapshot reads."""
    for manifest in snapshot.manifests(io):
        for entry in manifest.fetch_manifest_entry(io, discard_deleted=True):
            if entry.status != ManifestEntryStatus.DELETED:
                yield entry.data_file


def described(table: Table, snapshot: Snapshot, *, data: bool) -> list[str]:
    """Paths a snapshot is read through: manifest list and manifests; with ``data`` data and delete files too."""
    out = [snapshot.manifest_list]
    for manifest in snapshot.manifests(table.io):
        out.append(manifest.manifest_path)
        if data:
            out += [entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io)]
    return [path.removeprefix("file://") for path in out]


def reachable(path: str, snapshot_id: int) -> set[str]:
    """Every file that reading one snapshot from its own metadata file needs, found by walking it."""
    table = static_table(path)
    snapshot = table.snapshot_by_id(snapshot_id)
    if snapshot is None:
        raise LakeError(f"{path} does not know snapshot {snapshot_id}.", todo="Run 'arengo doctor'.")
    return {path, *described(table, snapshot, data=True)}


def static_table(metadata: str) -> Table:
    return StaticTable.from_metadata(metadata, properties={"py-io-impl": "arengo.lake.iceberg.LocalIO"})
