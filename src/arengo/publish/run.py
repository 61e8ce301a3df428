"""The record of a run: what was tried, how far it came, what came of it. Kept in ``state.run``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from arengo.contract.model import EMPTY
from arengo.state import State, tables

QUEUED, RUNNING, SUCCEEDED, UNCHANGED, REFUSED, FAILED = (
    "queued",
    "running",
    "succeeded",
    "unchanged",
    "refused",
    "failed",
)
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
    """One attempt to publish one dataset. ``error`` is :meth:`ArengoError.as_dict`, None when there was none."""

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
    with state.write() as connection:
        known = connection.scalar(sa.select(tables.run.c.id).where(tables.run.c.id == run.id))
        if known is None:
            connection.execute(sa.insert(tables.run).values(_row(run)))


def update(state: State, run: Run) -> None:
    row = _row(run)
    with state.write() as connection:
        connection.execute(sa.update(tables.run).where(tables.run.c.id == run.id).values(row))


def find(state: State, run: str) -> Run | None:
    with state.read() as connection:
        row = connection.execute(sa.select(tables.run).where(tables.run.c.id == run)).mappings().first()
    return _read(row) if row else None


def listed(state: State, dataset: str = "", limit: int = 50, states: Sequence[str] = ()) -> list[Run]:
    """Runs, newest first."""
    query = sa.select(tables.run).order_by(tables.run.c.started_at.desc(), tables.run.c.id.desc()).limit(limit)
    if dataset:
        query = query.where(tables.run.c.dataset == dataset)
    if states:
        query = query.where(tables.run.c.state.in_(states))
    with state.read() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def _row(run: Run) -> dict[str, Any]:
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
    return {
        "id": run.id,
        "dataset": run.dataset,
        "trigger": run.trigger,
        "state": run.state,
        "step": run.step,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "steps": steps,
        "rows_in": run.rows_in,
        "rows": run.rows,
        "quarantined": run.quarantined,
        "version": run.version,
        "error": dict(run.error) if run.error else None,
    }


def _read(row: Mapping[Any, Any]) -> Run:
    steps = row["steps"] or []
    return Run(
        row["id"],
        row["dataset"],
        row["trigger"],
        row["state"],
        row["step"] or "",
        row["started_at"],
        row["ended_at"],
        tuple(
            StepRecord(s["name"], s["state"], datetime.fromisoformat(s["started_at"]), s["seconds"], s["rows"])
            for s in steps
        ),
        row["rows_in"],
        row["rows"],
        row["quarantined"],
        row["version"],
        dict(row["error"]) if row["error"] else None,
        tuple(warning for step in steps for warning in step.get("warnings", ())),
    )


def source_state(state: State, dataset: str) -> tuple[str, Mapping[str, Any]]:
    """Fingerprint and notes of the last pull that came through, empty when there was none."""
    query = sa.select(tables.source_state).where(tables.source_state.c.dataset == dataset)
    with state.read() as connection:
        row = connection.execute(query).mappings().first()
    return (str(row["fingerprint"]), dict(row["state"] or {})) if row else ("", EMPTY)


def put_source_state(state: State, dataset: str, fingerprint: str, notes: Mapping[str, Any]) -> None:
    values = {"fingerprint": fingerprint, "state": dict(notes), "updated_at": datetime.now(UTC)}
    with state.write() as connection:
        done = connection.execute(
            sa.update(tables.source_state).where(tables.source_state.c.dataset == dataset).values(values)
        )
        if not done.rowcount:
            connection.execute(sa.insert(tables.source_state).values(dataset=dataset, **values))


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
