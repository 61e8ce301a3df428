"""Runs of processes that are no more: gone on with, or given up and marked so. One dataset never waits for another.

Only runs of the datasets asked for go on. A run that keeps dying is given up, since whatever kills it would kill the
next process too; so is one whose contract is gone or another by now.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.errors import ArengoError, Busy, OperatorError
from arengo.publish import run as records
from arengo.publish.judged import keep_verdict
from arengo.publish.street import STEPS
from arengo.publish.workflow import CRON, DUE, NAME, REVISION

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.publish.workflow import Runtime
    from arengo.state import State

INTERRUPTIONS = 2
"""How often a run that was interrupted goes on; at the next interruption it is given up."""
_ALIVE = ("PENDING", "ENQUEUED", "DELAYED")


def resume(active: Runtime, state: State, lake: Lake, wanted: Mapping[str, str]) -> dict[str, list[str]]:
    """Set interrupted runs going again: their ids by dataset, to be waited for.

    ``wanted``: the datasets asked for and the text of their contract now. Runs of others are left for later, unless
    nothing can come of them.
    """
    found: dict[str, list[str]] = {}
    in_force = {dataset: held.text for dataset, held in state.contracts().items()} | dict(wanted)
    with state.hold("resume", wait=60.0):
        dead: dict[str, bool] = {active.identity: False}
        for item in active.dbos.list_workflows(name=[NAME, DUE, CRON], status="PENDING", load_output=False):
            executor = item.executor_id or ""
            if executor not in dead:
                dead[executor] = _is_dead(state, executor)
            if not dead[executor]:
                continue
            if item.name != NAME:  # a tick that died: the next one looks again
                active.dbos.cancel_workflow(item.workflow_id)
                continue
            run, ticket = records.find(state, item.workflow_id), _ticket(item)
            dataset = run.dataset if run is not None else str(ticket.get("dataset", ""))
            why = _hopeless(item.app_version, run, ticket, in_force.get(dataset))
            if why is not None:
                active.dbos.cancel_workflow(item.workflow_id)
                give_up(state, lake, run, why)
            elif dataset in wanted:
                if run is not None:
                    _count(state, run)
                active.dbos.resume_workflow(item.workflow_id)
                found.setdefault(dataset, []).append(item.workflow_id)
        for run in records.last(state).values():
            if not run.finished and _lost(active, run.id):
                give_up(state, lake, run, _interrupted("The run was interrupted."))
    return found


def give_up(state: State, lake: Lake, run: records.Run | None, why: ArengoError) -> None:
    """Mark a run as failed; one that had made its version before it was interrupted has succeeded."""
    run = records.find(state, run.id) if run is not None else None
    if run is None or run.finished:
        return
    with contextlib.suppress(Busy), state.hold(f"publish {run.dataset}"):
        from arengo.publish.safety import Safety

        Safety(lake.settings, state, lake).entries.clear(run.dataset)
    made = lake.by_run(run.dataset, run.id)
    ended = replace(run, ended_at=datetime.now(UTC))
    if made is not None:
        keep_verdict(state, lake.settings.home / "runs" / run.id, made.number)
        state.announce()
        records.update(state, replace(ended, state=records.SUCCEEDED, version=made.number, rows=made.rows))
        return
    steps = tuple(replace(step, state=records.FAILED) if step.state == "running" else step for step in run.steps)
    records.update(state, replace(ended, state=records.FAILED, steps=steps, error=why.as_dict()))


def _hopeless(
    revision: str | None, run: records.Run | None, ticket: Mapping[str, Any], text: str | None
) -> ArengoError | None:
    """Why a run cannot go on, None when it can. ``text``: the dataset's contract now, None without one."""
    if revision != REVISION:
        return _interrupted("The run was interrupted and Arengo was upgraded since.")
    path = Path(str(ticket.get("path", "")))
    places = (path, Path(str(ticket.get("home", ""))).parent / path)
    if text is None or (ticket.get("path") and not any(place.exists() for place in places)):
        return _interrupted("The run was interrupted and the dataset's contract is gone since.")
    if ticket and ticket.get("contract") != text:
        return _interrupted("The run was interrupted and the dataset's contract was changed since.")
    if run is not None and run.interrupted >= INTERRUPTIONS:
        times = run.interrupted + 1
        return OperatorError(f"The run was interrupted {times} times.", todo="Publish it again to retry.")
    return None


def _interrupted(met: str) -> ArengoError:
    return OperatorError(met, todo="Publish it again.")


def _count(state: State, run: records.Run) -> None:
    steps = run.steps or (records.StepRecord(STEPS[0], "running", datetime.now(UTC)),)
    records.update(state, replace(run, steps=steps, interrupted=run.interrupted + 1))


def _ticket(item: Any) -> Mapping[str, Any]:
    """The input a workflow was started with; empty when it cannot be read any more."""
    given = item.input or {}
    args = given.get("args") or ((),)
    return args[0] if isinstance(args[0], Mapping) else {}


def _lost(active: Runtime, run: str) -> bool:
    """Whether no workflow will ever end this run: its record was lost, or could not be written at its end."""
    status = active.dbos.get_workflow_status(run)
    return status is None or status.status not in _ALIVE


def _is_dead(state: State, executor: str) -> bool:
    try:
        with state.hold(f"process {executor}"):
            return True
    except Busy:
        return False
