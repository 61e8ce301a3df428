"""Expiry that frees the disk, collection, compaction, and what other engines committed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lake_bench import START, TREES, Bench, make_contract, pair

from arengo.contract.model import Kind
from arengo.errors import SettingsError, UnknownVersion
from arengo.lake.iceberg import reachable, static_table
from arengo.lake.maintenance import cutoff
from arengo.lake.version import Version
from arengo.settings import LakeSettings

Make = Callable[..., Bench]
AT = datetime(2026, 3, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("retention", "days", "expected"),
    [
        ("", 0, None),
        ("", 10, datetime(2026, 3, 21, tzinfo=UTC)),
        ("P1M", 10, datetime(2026, 2, 28, tzinfo=UTC)),
        ("P2Y", 0, datetime(2024, 3, 31, tzinfo=UTC)),
        ("P1Y6M", 0, datetime(2024, 9, 30, tzinfo=UTC)),
        ("P2W", 0, datetime(2026, 3, 17, tzinfo=UTC)),
        ("PT36H", 0, datetime(2026, 3, 29, 12, tzinfo=UTC)),
        ("P9999Y", 0, None),
    ],
)
def test_retention_is_an_iso_duration(retention: str, days: int, expected: datetime | None) -> None:
    assert cutoff(retention, days, AT) == expected


@pytest.mark.parametrize("wrong", ["30 days", "P", "1Y", "P-1D"])
def test_retention_that_is_none(wrong: str) -> None:
    with pytest.raises(SettingsError, match="ISO 8601"):
        cutoff(wrong, 0, AT)


def test_expiry_frees_the_disk_and_keeps_what_is_kept(bench: Make) -> None:
    b = bench(make_contract({"id": Kind.INTEGER, "name": Kind.STRING}, arengoRetention="P2D"))
    versions = [b.must(f"SELECT i, 'secret-of-version-{n}' FROM range(50) r(i)") for n in range(1, 6)]
    b.must(f"SELECT i, 'row-{6}' FROM range(3) r(i)", mode="append")
    now = versions[4].published_at + timedelta(hours=1)
    assert b.lake.expire(now=now) == {"trees": (1, 2, 3)[:3]}
    kept = b.lake.versions("trees")
    assert [version.number for version in kept] == [6, 5, 4]
    needed = set[str]()
    for version in kept:
        needed |= reachable(version.metadata, version.snapshot_id)
        assert static_table(version.metadata).scan(snapshot_id=version.snapshot_id).to_arrow().num_rows == version.rows
        assert len(b.read(version)) == version.rows
    b.lake.collect(grace=timedelta(0))
    table = b.lake.iceberg.find("trees")
    assert table is not None
    assert b.files() == needed | {table.metadata_location}
    gone = [Path(file.path) for version in versions[:3] for file in version.files]
    assert not any(path.exists() for path in gone)
    assert not any(b"secret-of-version-1" in Path(path).read_bytes() for path in b.files())
    with pytest.raises(UnknownVersion):
        b.lake.resolve("trees", "v1")
    assert b.must([[1, "next"]]).number == 7
    assert b.lake.expire(now=now + timedelta(days=400)) == {"trees": (4, 5, 6)}
    assert b.lake.resolve("trees").number == 7
    assert b.must([[2, "numbers never repeat"]]).number == 8


def test_the_city_wide_setting_expires_too(bench: Make) -> None:
    b = bench(TREES, lake=LakeSettings(keep_days=1))
    b.must([[1, "oak"]])
    b.must([[2, "elm"]])
    assert b.lake.expire(now=START + timedelta(days=30)) == {"trees": (1,)}


def test_collection_spares_what_is_young_and_what_is_needed(bench: Make) -> None:
    b = bench(TREES)
    version = b.must([[1, "oak"]])
    stray = b.lake.warehouse / "trees" / "data" / "stray.parquet"
    stray.write_bytes(b"x" * 10)
    assert b.lake.collect() == (0, 0)
    assert b.lake.collect(grace=timedelta(0))[1] >= 10
    assert not stray.exists()
    assert b.read(version, "id") == [(1,)]


@pytest.mark.slow
def test_compaction_changes_files_not_content(bench: Make) -> None:
    b = bench(TREES)
    b.must([[1, "a"]])
    for number in range(2, 5):
        last = b.must([[number, "x"]], mode="append")
    assert len(last.files) > 1
    rows = b.read(last)
    assert b.lake.compact("trees")
    packed = b.lake.resolve("trees")
    assert len(packed.files) == 1
    assert (packed.number, packed.checksum, packed.published_at) == (last.number, last.checksum, last.published_at)
    assert b.read(packed) == rows
    assert not b.lake.compact("trees")
    after = b.must([[9, "z"]], mode="append")
    assert (after.number, after.rows) == (5, 5)
    b.lake.collect(grace=timedelta(0))
    assert len(b.read(after)) == 5


def delete_rows(b: Bench, version: Version, positions: list[int]) -> None:
    """Commit a positional delete file as another engine would (Iceberg v2 spec, *Position Delete Files*)."""
    from pyiceberg.manifest import (
        DataFile,
        DataFileContent,
        FileFormat,
        ManifestContent,
        ManifestEntry,
        ManifestEntryStatus,
        ManifestWriterV2,
    )
    from pyiceberg.table.snapshots import Operation
    from pyiceberg.table.update.snapshot import _FastAppendFiles
    from pyiceberg.typedef import Record

    path = b.lake.warehouse / "trees" / "data" / "deletes.parquet"
    schema = pa.schema(
        [
            pa.field("file_path", pa.string(), False, metadata={"PARQUET:field_id": "2147483546"}),
            pa.field("pos", pa.int64(), False, metadata={"PARQUET:field_id": "2147483545"}),
        ]
    )
    pq.write_table(pa.table([[version.files[0].path] * len(positions), positions], schema=schema), path)
    table = b.lake.iceberg.find("trees")
    assert table is not None

    class DeleteManifest(ManifestWriterV2):
        def content(self) -> ManifestContent:
            return ManifestContent.DELETES

        @property
        def _meta(self) -> dict[str, str]:
            return {**super()._meta, "content": "deletes"}

    class RowDelta(_FastAppendFiles):
        def _manifests(self) -> list:  # type: ignore[type-arg]
            output = self.new_manifest_output()
            with DeleteManifest(
                spec=table.spec(),
                schema=table.schema(),
                output_file=output,
                snapshot_id=self.snapshot_id,
                avro_compression="deflate",
            ) as writer:
                file = DataFile.from_args(
                    content=DataFileContent.POSITION_DELETES,
                    file_path=str(path),
                    file_format=FileFormat.PARQUET,
                    partition=Record(),
                    record_count=len(positions),
                    file_size_in_bytes=path.stat().st_size,
                    spec_id=0,
                )
                writer.add(
                    ManifestEntry.from_args(
                        status=ManifestEntryStatus.ADDED, snapshot_id=self.snapshot_id, data_file=file
                    )
                )
            return [writer.to_manifest_file(), *self._existing_manifests()]

    transaction = table.transaction()
    RowDelta(Operation.OVERWRITE, transaction, table.io, uuid.uuid4()).commit()
    transaction.commit_transaction()


@pytest.mark.slow
def test_delete_files_of_another_engine_are_honoured(bench: Make) -> None:
    b = bench(TREES)
    one = b.must([[1, "oak"], [2, "elm"], [3, "ash"]])
    delete_rows(b, one, [1])
    two = b.lake.adopt(TREES, START + timedelta(days=2))
    assert two is not None
    assert (two.number, two.rows) == (2, 2)
    assert b.read(two, "id, name, _row") == [(1, "oak", 0), (3, "ash", 1)]
    assert b.read(one, "id") == [(1,), (2,), (3,)]
    assert b.lake.diff(*pair(b.lake, "trees", 1, 2)).removed == 1
    b.day = 5
    three = b.must([[4, "yew"]], mode="append")
    assert [row[0] for row in b.read(three, "id")] == [1, 3, 4]
    arrow = static_table(three.metadata).scan(snapshot_id=three.snapshot_id).to_arrow()
    assert sorted(arrow["id"].to_pylist()) == [1, 3, 4]
    b.lake.collect(grace=timedelta(0))
    assert [row[0] for row in b.read(two, "id")] == [1, 3]


@pytest.mark.slow
def test_rows_of_another_engine_are_not_lost_by_an_append(bench: Make) -> None:
    b = bench(TREES)
    b.must([[1, "oak"]])
    table = b.lake.iceberg.find("trees")
    assert table is not None
    table.append(pa.table({"id": [2], "name": ["elm"], "_row": pa.array([None], pa.int64())}))
    b.day = 30
    newest = b.must([[3, "ash"]], mode="append")
    assert sorted(row[0] for row in b.read(newest, "id")) == [1, 2, 3]
    assert newest.number == 3
    assert b.read(newest, "count(DISTINCT _row)", "") == [(3,)]
    two = b.lake.resolve("trees", "2")
    assert sorted(row[0] for row in b.read(two, "id")) == [1, 2]
