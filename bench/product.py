"""Arengo's side: a city folder with the one dataset, published and served by its own command line."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from bench import measure

REPOSITORY = Path(__file__).resolve().parents[1]

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: civic
name: Civic requests
version: 1.0.0
status: active
domain: bench
description:
  purpose: The rows that every workload of the measuring kit runs on.
servers:
  - server: source
    type: custom
    customProperties:
      - {property: arengoSource, value: {kind: csv, path: sources/civic.csv, encoding: utf-8, delimiter: ","}}
schema:
  - name: civic
    properties:
      - {name: id, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: created_at, logicalType: timestamp, required: true}
      - {name: category, logicalType: string, required: true}
      - {name: status, logicalType: string}
      - {name: district, logicalType: string, required: true}
      - {name: lon, logicalType: number, required: true}
      - {name: lat, logicalType: number, required: true}
      - {name: address, logicalType: string}
      - {name: description, logicalType: string}
      - {name: department, logicalType: string}
      - {name: response_hours, logicalType: number}
      - {name: cost_eur, logicalType: number}
    quality:
      - {name: enough-rows, type: library, metric: rowCount, mustBeGreaterThan: 0, severity: error}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoOwner, value: Bench}
  - {property: arengoTheme, value: GOVE}
  - {property: arengoLicence, value: CC0-1.0}
  - {property: arengoFrequency, value: DAILY}
  - {property: arengoGeometry, value: {x: lon, y: lat}}
  - {property: arengoTime, value: created_at}
  - {property: arengoSort, value: [created_at]}
  - {property: arengoFilters, value: [[category, district, -created_at]]}
  - {property: arengoSearch, value: [description]}
"""


def command() -> list[str]:
    """The installed program, or the package beside this folder when it is not installed."""
    installed = Path(sys.executable).with_name("arengo")
    return [str(installed)] if installed.exists() else [sys.executable, "-c", "from arengo.cli import main; main()"]


def environment(**more: str) -> dict[str, str]:
    path = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": f"{REPOSITORY / 'src'}{os.pathsep + path if path else ''}", **more}


def make_city(folder: Path, csv: Path) -> Path:
    """A fresh city whose source is a link to ``csv``."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "contracts").mkdir(parents=True)
    (folder / "sources").mkdir()
    (folder / "city.toml").write_text('[city]\nname = "Bench"\n\n[serve]\nschedule = false\n', encoding="utf-8")
    (folder / "contracts" / "civic.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    os.link(csv, folder / "sources" / "civic.csv")
    return folder


def publish(folder: Path) -> dict[str, float]:
    """The whole street for the one dataset, cold: read, type, quarantine, check, profile, sort, commit, announce."""
    return measure.run([*command(), "publish", "--city", str(folder), "civic"], env=environment())


def serve(folder: Path, *, cache: bool, logs: Path) -> measure.Server:
    """``cache``: whether answers may be kept. The first answer is a row of data, not a health check."""
    port = measure.free_port()
    env = environment() if cache else environment(ARENGO_ENGINE_CACHE_BYTES="0")
    return measure.start(
        "arengo-cached" if cache else "arengo",
        "arengo",
        [*command(), "serve", "--city", str(folder), "--port", str(port)],
        port,
        "/api/v1/datasets/civic/rows?limit=1",
        folder=logs,
        env=env,
    )


BARE = """\
import sys, duckdb
c = duckdb.connect(); c.execute("SET TimeZone = 'UTC'; SET threads = 2")
c.execute("COPY (SELECT * REPLACE (created_at AT TIME ZONE 'UTC' AS created_at) FROM read_csv($1)) TO '%s' "
          "(FORMAT parquet, COMPRESSION zstd)" % sys.argv[2].replace("'", "''"), [sys.argv[1]])
"""


def bare_copy(csv: Path, parquet: Path) -> dict[str, float]:
    """The bare DuckDB copy, CSV to Parquet, that the street is held against."""
    parquet.unlink(missing_ok=True)
    return measure.run([sys.executable, "-c", BARE, str(csv), str(parquet)])
