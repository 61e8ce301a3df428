"""Rows taken out of every version: others' rows stay, and no byte of the ones that went is left on the disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lake_bench import TREES, Bench
from pyiceberg.avro.file import AvroFile
from pyiceberg.typedef import Record

from arengo.lake.erasure import Gone, Match, count, rows, without
from arengo.lake.iceberg import LocalFile
from arengo.lake.mirror import manifests
from arengo.lake.version import Version

Make = Callable[..., Bench]
AT = datetime(2026, 6, 1, tzinfo=UTC)
NAME = "Zyxwvut Qrstsson"


def _named(version: Version) -> Match:
    return Match('"name" = ?', (NAME,))


def _hits(folder: Path, needle: str) -> list[str]:
    """Files below a folder that hold the text, Parquet as values and everything as bytes."""
    import pyarrow.parquet as pq

    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            body = path.read_bytes()
            if path.suffix == ".parquet":
                body += repr(pq.read_table(path).to_pydict()).encode() + str(pq.read_metadata(path)).encode()
            if path.suffix == ".avro":
                with AvroFile[Record](LocalFile(str(path))) as reader:
                    body += repr([str(item) for item in reader]).encode()
            if needle.encode() in body:
                found.append(str(path.relative_to(folder)))
    return found


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_rows_leave_every_version_and_every_file(bench: Make, mode: str) -> None:
    b = bench(TREES)
    first = b.must([[1, "oak"], [2, NAME], [3, "elm"]])
    second = b.must([[4, "ash"]] if mode == "append" else [[1, "oak"], [2, NAME], [4, "ash"]], mode=mode)
    last = b.must([[5, NAME]] if mode == "append" else [[1, "oak"], [5, "fir"]], mode=mode)
    lake, home = b.lake, b.lake.settings.home
    assert _hits(home, NAME[:9])
    kept = {item.number: [row for row in b.read(item, "id, name, _row") if row[1] != NAME]
            for item in (first, second, last)}  # fmt: skip
    found = rows(lake, first, _named(first))
    assert found is not None
    assert found.to_pylist() == [{"id": 2, "name": NAME, "_row": 1}]

    gone = without(lake, "trees", _named, AT)

    assert [item.number for item in gone] == ([1, 2, 3] if mode == "append" else [1, 2])
    for version in lake.retained("trees"):
        assert b.read(version, "id, name, _row") == kept[version.number]
        assert count(lake, version, _named(version)) == 0
        assert version.rows == len(kept[version.number])
        touched = version.number in [item.number for item in gone]
        assert (version.erased_at == AT) is touched
        listed, sheet = manifests(version, "https://city.example/lake")
        assert listed
        assert sheet or not version.rows
    assert _hits(home, NAME[:9]) == []
    assert without(lake, "trees", _named, AT) == ()
    following = b.must([[1, "oak"], [7, "yew"]])
    assert b.read(following, "id") == [(1,), (7,)]


def test_the_checksum_is_that_of_the_rows_that_stay(bench: Make) -> None:
    b = bench(TREES)
    b.must([[1, "oak"], [2, NAME]])
    assert without(b.lake, "trees", _named, AT) == (Gone(1, 1),)
    assert b.put([[1, "oak"]]) is None  # the source without her is what is held already
    assert [item.number for item in b.lake.retained("trees")] == [1]


def test_a_version_may_lose_all_its_rows(bench: Make) -> None:
    b = bench(TREES)
    b.must([[2, NAME]])
    without(b.lake, "trees", _named, AT)
    (version,) = b.lake.retained("trees")
    assert version.rows == 0
    assert b.read(version, "id") == []
    assert b.read(b.must([[3, "elm"]]), "id") == [(3,)]
