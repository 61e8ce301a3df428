"""What a version's profile and quality report tell of what is granted; of a cut they are computed over nothing else."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.contract.model import Contract
from arengo.door.view import View
from arengo.lake.engine import job
from arengo.lake.version import Staged, Version
from arengo.query.compile import ROW
from arengo.query.scope import quote
from arengo.settings import Settings

if TYPE_CHECKING:
    from arengo.lake import Lake

TABLE = "granted"


def profile(lake: Lake, settings: Settings, held: Version, contract: Contract, path: Path) -> bytes:
    """The bytes of ``profile.json`` over a cut, kept at ``path`` for the next time.

    ``held``: the cut as a version.
    """
    from arengo.quality import Counts
    from arengo.quality.profile import profile as measure

    if path.is_file():
        return path.read_bytes()
    scratch = settings.home / "scratch"
    database = scratch / f"profile-{os.getpid()}-{secrets.token_hex(4)}.duckdb"
    columns = [item for item in held.schema if not item.name.startswith("_")]
    stored = held.geometry is not None and held.geometry.stored
    names = [*(quote(item.name) for item in columns), quote(ROW)]
    names += [quote(f"_{side}") for side in ("xmin", "ymin", "xmax", "ymax")] if stored else []
    try:
        with job(settings, scratch, database=database) as connection:
            connection.execute(f"CREATE TABLE {TABLE} AS SELECT {', '.join(names)} FROM {lake.source(held)} AS held")
        staged = Staged(
            database,
            TABLE,
            tuple((item.name, item.kind, item.required) for item in columns),
            held.geometry,
            held.rows,
            ROW,
        )
        counts = Counts(held.rows, held.rows, 0)
        made = orjson.dumps(
            measure(contract, staged, counts, memory=settings.engine.job_memory, threads=settings.engine.threads),
            default=str,
        )
    finally:
        database.unlink(missing_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(3)}")
    half.write_bytes(made)
    os.replace(half, path)
    return made


def told_profile(view: View, body: bytes) -> dict[str, Any]:
    """A profile with the granted columns alone."""
    out: dict[str, Any] = orjson.loads(body)
    out["columns"] = {name: item for name, item in out.get("columns", {}).items() if name in view.scope.fields}
    if view.geometry is None:
        out["bbox"] = None
    if out.get("time") and out["time"].get("column") not in view.scope.fields:
        out["time"] = None
    return out


def told_quality(view: View, body: bytes) -> dict[str, Any]:
    """A quality report without the rules about columns that are not granted."""
    out: dict[str, Any] = orjson.loads(body)
    known = {item.name for item in view.version.schema}
    hidden = known - set(view.scope.fields)
    out["rules"] = [rule for rule in out.get("rules", []) if rule.get("column") not in hidden]
    return out
