"""What else of a person lies about in ``.arengo``: reports, quarantine, exports, folders of runs, logs of databases.

Each function may be called again and then does what is left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.errors import ArengoError
from arengo.services.erasure.person import SHORTEST

if TYPE_CHECKING:
    from arengo.contract.model import Contract
    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.settings import Settings
    from arengo.state import State

ROUNDS = 5_000
"""Milliseconds a database may be busy before it is left as it is, and said so."""
_KEPT = ("profile.json", "quality.json", "documents.json", "quarantine.parquet")
HIDDEN = "[erased]"


def beside(settings: Settings, state: State, lake: Lake, contract: Contract, version: Version) -> None:
    """What is kept beside a version, made anew from the rows it has left: profile and quality; exports go."""
    from arengo.publish import disposal
    from arengo.quality import Counts, check, profile

    folder = lake.beside(contract.id, version.number)
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.name not in _KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if not version.erased_at or not version.files:
        return
    scratch = settings.home / "runs" / f"erase-{contract.id}-{uuid.uuid4().hex[:8]}"
    scratch.mkdir(parents=True)
    try:
        told = disposal.contract_of(state, contract, version)
        staged = disposal.stage(lake, version, "false", scratch)
        counts = Counts(staged.rows, staged.rows, 0)
        threads = settings.engine.threads
        made = {
            "quality": check(told, staged, counts, threads=threads).as_dict(),
            "profile": profile(told, staged, counts, threads=threads),
        }
        for name, body in made.items():
            _write(folder / f"{name}.json", orjson.dumps(body))
    except ArengoError:  # rules of an earlier release: what they measured goes with the rows
        for name in ("quality", "profile"):
            (folder / f"{name}.json").unlink(missing_ok=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def quarantine(path: Path, needles: Sequence[str]) -> int:
    """Take the lines of every quarantined record out of which one line names the person; how many lines."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        return 0
    held = pq.read_table(path)
    records = list(zip(held.column("file").to_pylist(), held.column("row").to_pylist(), strict=True))
    texts = zip(held.column("value").to_pylist(), held.column("reason").to_pylist(), strict=True)
    hers = {
        record for record, told in zip(records, texts, strict=True) if any(names(str(one), needles) for one in told)
    }
    if not hers:
        return 0
    stays = pa.array([record not in hers for record in records])
    part = path.with_name(f"{path.name}.{os.getpid()}")
    pq.write_table(held.filter(stays), part, compression="zstd")
    os.replace(part, path)
    return sum(record in hers for record in records)


def names(text: str, needles: Sequence[str]) -> bool:
    """Whether a text holds one of the values; a short one only when it is the whole text."""
    folded = text.casefold()
    return any(
        needle.casefold() in folded if len(needle) >= SHORTEST else needle.casefold() == folded.strip()
        for needle in needles
    )


def runs(settings: Settings, state: State, dataset: str, needles: Sequence[str]) -> int:
    """Remove the folders of a dataset's runs and what their records quote of the person; how many folders.

    The caller holds the dataset's publications, so none of them is alive; one that waits for its recovery reads anew.
    """
    gone = 0
    for item in state.runs(dataset, limit=1_000_000):
        folder = settings.home / "runs" / item.id
        if folder.is_dir():
            shutil.rmtree(folder)
            gone += 1
        told = orjson.dumps([item.error, [dict(step) for step in item.steps]]).decode()
        if names(told, [needle for needle in needles if len(needle) >= SHORTEST]):
            state.put_run(replace(
                item, error=without(item.error, needles),
                steps=tuple(without([dict(step) for step in item.steps], needles)),
            ))  # fmt: skip
    return gone


def without(told: Any, needles: Sequence[str]) -> Any:
    """The same value, every text in it that names the person replaced."""
    if isinstance(told, str):
        return HIDDEN if names(told, [needle for needle in needles if len(needle) >= SHORTEST]) else told
    if isinstance(told, dict):
        return {key: without(value, needles) for key, value in told.items()}
    if isinstance(told, (list, tuple)):
        return type(told)(without(item, needles) for item in told)
    return told


def steps(settings: Settings, ids: Iterable[str]) -> int:
    """Forget what finished runs kept of their steps in ``dbos.sqlite``; how many rows."""
    path = settings.home / "dbos.sqlite"
    if not path.is_file():
        return 0
    gone = 0
    with contextlib.closing(sqlite3.connect(path, timeout=ROUNDS / 1000)) as connection, connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = [name for name in tables if any(
            row[1] == "workflow_uuid" for row in connection.execute(f'PRAGMA table_info("{name}")'))]  # fmt: skip
        tables.sort(key=lambda name: name == "workflow_status")  # what refers to it goes first
        for run in ids:
            found = connection.execute("SELECT status FROM workflow_status WHERE workflow_uuid = ?", (run,)).fetchone()
            if found is None or found[0] not in ("SUCCESS", "ERROR", "CANCELLED"):
                continue
            for name in tables:
                gone += connection.execute(f'DELETE FROM "{name}" WHERE workflow_uuid = ?', (run,)).rowcount
    return gone


def scratch(settings: Settings) -> None:
    """Remove what questions and drafts left on the way; whoever works there now fails and asks again."""
    for path in _children(settings.home / "scratch"):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _children(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from folder.iterdir()


def vacuum(settings: Settings) -> tuple[str, ...]:
    """Write every SQLite database of the city anew, so that no free page and no log holds what was deleted.

    Names of those that were too busy, which the next try does. (SQLite, *VACUUM* and *secure_delete*.)
    """
    busy = []
    for path in sorted(settings.home.glob("*.sqlite")):
        connection = sqlite3.connect(path, timeout=ROUNDS / 1000, isolation_level=None)
        try:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("VACUUM")
            row = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if row and row[0]:
                busy.append(path.name)
        except sqlite3.OperationalError:
            busy.append(path.name)
        finally:
            connection.close()
    return tuple(busy)


def _write(path: Path, body: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_bytes(body)
    os.replace(part, path)
