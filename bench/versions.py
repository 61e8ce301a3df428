"""Cost of one publication, of finding a version and of reading it, as versions grow to 1,000.

Run: python bench/versions.py [VERSIONS] [replace|append]. Prints CPU milliseconds (median of the last ten) and the
ratio to the first measured point. Small rows on purpose: what grows with age shows, what grows with data does not.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from arengo.contract.model import Contract, Kind, Property
from arengo.lake import Lake, Staged, Version
from arengo.settings import Settings
from arengo.state import open_state

POINTS = (10, 50, 100, 250, 500, 1000)


def cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


def stage(path: Path, number: int) -> Staged:
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"CREATE TABLE rows AS SELECT {number * 100} + i AS id, random() AS value FROM range(100) r(i)"
        )
    return Staged(path, "rows", (("id", Kind.INTEGER, True), ("value", Kind.NUMBER, False)), None, 100)


def publish(lake: Lake, contract: Contract, staged: Staged, number: int, mode: str) -> None:
    lake.commit(
        contract,
        staged,
        run=f"run-{number}",
        published_at=datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number),
        rows_in=100,
        quarantined=0,
        fingerprint="",
        reports={},
        mode=mode,
    )


def cold(lake: Lake, as_of: str) -> float:
    lake._resolved.clear()
    return cpu(lambda: lake.resolve("readings", as_of))


def read(lake: Lake, version: Version) -> None:
    with lake.engine.execute(f"SELECT count(value) FROM {lake.relation(version).sql}") as cursor:
        cursor.fetchall()


def measure(lake: Lake, commits: list[float]) -> tuple[dict[str, float], int]:
    version = lake.resolve("readings")
    row = {
        "commit": statistics.median(commits),
        "resolve": statistics.median(cold(lake, "") for _ in range(20)),
        "as_of": statistics.median(cold(lake, "2020-01-06") for _ in range(20)),
        "read": statistics.median(cpu(partial(read, lake, version)) for _ in range(5)),
    }
    return row, len(version.files)


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    mode = sys.argv[2] if len(sys.argv) > 2 else "append"
    properties = (Property("id", Kind.INTEGER, key_position=0), Property("value", Kind.NUMBER))
    contract = Contract("readings", "1.0.0", "Readings", "active", "text", properties, "readings", None)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        settings = Settings(root=root)
        lake = Lake(settings, open_state(settings.state_url))
        commits: list[float] = []
        first: dict[str, float] = {}
        print("versions  commit resolve   as_of    read  files  disk MB  ratios to the first line")
        for number in range(1, most + 1):
            staged = stage(root / "staged.duckdb", number)
            commits = [*commits[-9:], cpu(partial(publish, lake, contract, staged, number, mode))]
            if number in POINTS:
                row, files = measure(lake, commits)
                first = first or row
                disk = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) / 1e6
                figures = " ".join(f"{value:>7.2f}" for value in row.values())
                ratios = " ".join(f"{key} {row[key] / first[key]:.2f}" for key in row)
                print(f"{number:>8} {figures} {files:>6} {disk:>8.1f}  {ratios}", flush=True)
        print(f"collect with nothing to free: {cpu(lake.collect):.0f} ms")
        print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
