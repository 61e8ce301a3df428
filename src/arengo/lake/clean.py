"""A plain copy of a snapshot that cannot be read as a list of files.

When another engine committed delete files (Iceberg v2 spec, *Row-level deletes*) or files without our row numbers,
pyiceberg's scan applies them once and the result is kept as one Parquet file, numbered anew. Runs in a process of
its own (``python -m arengo.lake.clean``), so that pyiceberg never loads on the read path.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from arengo.errors import LakeError
from arengo.lake.layout import BOX, ROW, quote, text
from arengo.lake.version import Version

if TYPE_CHECKING:
    from arengo.settings import Settings


def ensure(version: Version, path: Path, settings: Settings) -> Path:
    """The clean file of ``version`` at ``path``, made if it is not there."""
    if path.is_file():
        return path
    work = {
        "metadata": version.metadata,
        "snapshot": version.snapshot_id,
        "path": str(path),
        "box": bool(version.extra["hidden"][1]),
        "columns": [column.name for column in version.schema],
        "memory": settings.engine.job_memory,
        "threads": settings.engine.threads,
    }
    done = subprocess.run(
        [sys.executable, "-m", "arengo.lake.clean"],
        input=orjson.dumps(work),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise LakeError(f"{version.dataset} {version.label} cannot be read: {lines[-1]}", todo="Run 'arengo doctor'.")
    return path


def main() -> None:
    import duckdb

    from arengo.lake.iceberg import static_table

    work = orjson.loads(sys.stdin.buffer.read())
    path = Path(work["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f"{path.name}.building-{os.getpid()}")
    scan = static_table(work["metadata"]).scan(snapshot_id=work["snapshot"])
    names = [*work["columns"], *([BOX] if work["box"] else [])]
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": work["threads"],
            "memory_limit": work["memory"],
            "temp_directory": str(path.parent / f"spill-{os.getpid()}"),
        },
    )
    try:
        connection.register("rows", scan.select(*names).to_arrow_batch_reader())
        columns = ", ".join(quote(name) for name in names)
        connection.execute(
            f"COPY (SELECT {columns}, row_number() OVER () - 1 AS {quote(ROW)} FROM rows) "
            f"TO {text(str(building))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 30720)"
        )
        os.replace(building, path)
    finally:
        connection.close()
        building.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
