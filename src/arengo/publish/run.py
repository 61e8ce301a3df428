"""The record of a run: what was tried, how far it came, what came of it. Kept in ``state.run``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from arengo.state import RunRecord, State

QUEUED, RUNNING, SUCCEEDED, UNCHANGED, REFUSED, FAILED = (
    "queued",
    "running",
    "succeeded",
    "unchanged",
    "refused",
    "failed",
)
RETENTION = "retention"
"""Trigger of a run that took out rows past their retention."""
FINISHED = (SUCCEEDED, UNCHANGED, REFUSED, FAILED)


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a run. ``seconds`` and ``rows`` are None until known."""

    name: str
    state: str
    started_at: datetime
    seconds: float | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt to publish one dataset. ``error`` is :meth:`ArengoError.as_dict`, None when there was none.

    ``interrupted``: how often its process died and another went on with it.
    """

    id: str
    dataset: str
    trigger: str
    state: str
    step: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    steps: tuple[StepRecord, ...] = ()
    rows_in: int | None = None
    rows: int | None = None
    quarantined: int | None = None
    version: int | None = None
    error: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = field(default=())
    interrupted: int = 0

    @property
    def seconds(self) -> float:
        if self.started_at is None:
            return 0.0
        return ((self.ended_at or datetime.now(UTC)) - self.started_at).total_seconds()

    @property
    def finished(self) -> bool:
        return self.state in FINISHED


def new_id(dataset: str) -> str:
    """Sorts by time, is unique, and says what it is about."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{dataset}-{secrets.token_hex(4)}"


def insert(state: State, run: Run) -> None:
    """Write a new run. A run of that id that is there already stays as it is."""
    if state.run(run.id) is None:
        update(state, run)


def update(state: State, run: Run) -> None:
    steps: list[dict[str, Any]] = [
        {
            "name": step.name,
            "state": step.state,
            "started_at": _stamp(step.started_at),
            "seconds": step.seconds,
            "rows": step.rows,
        }
        for step in run.steps
    ]
    if run.warnings and steps:  # the run's table has no column of its own for them
        steps[-1]["warnings"] = list(run.warnings)
    if run.interrupted and steps:
        steps[0]["interrupted"] = run.interrupted
    same = {name: getattr(run, name) for name in RunRecord.__slots__ if name not in ("steps", "error")}
    state.put_run(RunRecord(**same, steps=tuple(steps), error=dict(run.error) if run.error else None))


def find(state: State, run: str) -> Run | None:
    held = state.run(run)
    return _read(held) if held else None


def listed(state: State, dataset: str = "", limit: int = 50) -> list[Run]:
    """Runs, newest first."""
    return [_read(item) for item in state.runs(dataset, limit)]


def last(state: State) -> dict[str, Run]:
    """The newest run of each dataset that has one. A disposal of rows is no publication: the calendar goes on."""
    found = {}
    for dataset, item in state.last_runs().items():
        if item.trigger == RETENTION:
            item = next((other for other in state.runs(dataset) if other.trigger != RETENTION), item)
        found[dataset] = _read(item)
    return found


def _read(held: RunRecord) -> Run:
    same = {name: getattr(held, name) for name in RunRecord.__slots__ if name != "steps"}
    steps = tuple(
        StepRecord(s["name"], s["state"], datetime.fromisoformat(s["started_at"]), s["seconds"], s["rows"])
        for s in held.steps
    )
    warnings = tuple(text for step in held.steps for text in step.get("warnings", ()))
    interrupted = max((int(step.get("interrupted", 0)) for step in held.steps), default=0)
    return Run(**same, steps=steps, warnings=warnings, interrupted=interrupted)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
