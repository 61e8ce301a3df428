"""What runs leave on the disk, and when it goes: ``.arengo/runs/`` and the files of released locks.

A run that ended well leaves nothing; one that was refused or failed leaves its quarantine and its quality report for
the owner, until a later run of the dataset ends or a week is over. A run that may still be resumed keeps everything.
"""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from arengo.publish import run as records
from arengo.state import State

KEEP = timedelta(days=7)
STRANGE = 86_400.0
"""Seconds after which a folder that belongs to no run goes: a compaction may be writing to a younger one."""


def sweep(state: State, home: Path, *, everything: bool = False) -> int:
    """Remove what nobody will ask for; how many folders went. ``everything``: of all runs that ended, to gain space."""
    last = {run.id for run in records.last(state).values()}
    now = datetime.now(UTC)
    gone = 0
    for left in _folders(home / "runs"):
        held = records.find(state, left.name)
        if held is None:
            old = time.time() - _touched(left) > STRANGE
        else:
            ended = held.ended_at or held.started_at or now
            old = held.finished and (everything or held.id not in last or now - ended > KEEP)
        if old:
            shutil.rmtree(left, ignore_errors=True)
            gone += 1
    state.sweep_locks()
    return gone


def _folders(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if item.is_dir()) if folder.is_dir() else []


def _touched(folder: Path) -> float:
    """When something was last written in the folder. What vanishes meanwhile counts as written now."""
    try:
        return max(item.stat().st_mtime for item in (folder, *folder.rglob("*")))
    except OSError:
        return time.time()
