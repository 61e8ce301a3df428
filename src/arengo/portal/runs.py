"""Publications as the operator watches them: runs with their steps, times, counts and errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from arengo.contract.withheld import protects
from arengo.errors import ArengoError, UnknownDataset
from arengo.portal.operator import KEEPERS, is_operator, kept
from arengo.portal.visit import Visit

if TYPE_CHECKING:
    from arengo.state import RunRecord, State

ON_PAGE = 50
MOST = 2000


def runs(state: State, dataset: str = "", kind: str = "", limit: int = ON_PAGE) -> list[RunRecord]:
    """The newest runs, of one dataset and one result when asked."""
    wanted = MOST if kind else limit
    found = [run for run in state.runs(dataset, wanted) if not kind or run.state == kind]
    return found[:limit]


def listing(visit: Visit) -> Response:
    """``/runs?state=&dataset=&show=``."""
    dataset, kind = visit.param("dataset"), visit.param("state")
    words = _states(visit)
    kind = kind if kind in words else ""
    shown = min(MOST, int(visit.param("show"))) if visit.param("show").isdigit() else ON_PAGE
    found = runs(visit.site.state, dataset, kind, shown + 1)
    more = len(found) > shown
    found = found[:shown]
    known = visit.unchanged(
        [(run.id, run.state, run.step, str(run.ended_at)) for run in found],
        visit.site.catalogue.generation,
        kept(visit, KEEPERS),
    )
    if known:
        return known
    values = {
        "runs": [_run(visit, run) for run in found],
        "dataset": dataset,
        "state": kind,
        "states": [("", visit._("all")), *words.items()],
        "after": visit.here(show=shown + ON_PAGE) if more else "",
    }
    return visit.page("runs.html", values)


def single(visit: Visit) -> Response:
    """``/runs/{run}``."""
    name = visit.request.path_params["run"]
    run = visit.site.state.run(name)
    if run is None:
        raise UnknownDataset(f"There is no run {name}.", todo="See the list of publications.")
    operator = is_operator(visit, run.dataset, KEEPERS)
    known = visit.unchanged(run.state, run.step, len(run.steps), str(run.ended_at), operator)
    if known:
        return known
    answer = visit.page("run.html", {"run": _run(visit, run), "operator": operator})
    if operator:
        answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _run(visit: Visit, run: RunRecord) -> dict[str, Any]:
    """``run`` as its page shows it; counts of a dataset that is not open are the operator's."""
    _ = visit._
    if not (is_operator(visit, run.dataset, KEEPERS) or _open(visit, run.dataset)):
        run = _untold(run)
    elif not is_operator(visit, run.dataset, KEEPERS):
        run = _bounded(run, _protected(visit, run.dataset))
    seconds = None
    if run.started_at:
        seconds = ((run.ended_at or datetime.now(UTC)) - run.started_at).total_seconds()
    tones = {"succeeded": "good", "failed": "bad", "refused": "warn"}
    return {
        "id": run.id,
        "dataset": run.dataset,
        "title": _title(visit, run.dataset),
        "state": run.state,
        "state_word": _states(visit).get(run.state, run.state),
        "tone": tones.get(run.state, ""),
        "running": run.state in ("running", "queued"),
        "trigger_word": {
            "manual": _("started by hand"),
            "schedule": _("started by the calendar"),
            "demo": _("part of the demonstration"),
            "retention": _("rows past their retention were taken out"),
        }.get(run.trigger, run.trigger),
        "step_word": _step(visit, run.step),
        "started_at": run.started_at,
        "seconds": seconds,
        "rows_in": run.rows_in,
        "rows": run.rows,
        "quarantined": run.quarantined,
        "version": run.version,
        "error": dict(run.error) if run.error else None,
        "error_word": _("The publication did not finish.")
        if run.state == "failed"
        else _("The new version was refused."),
        "steps": [
            {
                "word": _step(visit, str(step.get("name", ""))),
                "state_word": _states(visit).get(str(step.get("state", "")), _done(visit, str(step.get("state", "")))),
                "seconds": step.get("seconds"),
                "rows": step.get("rows"),
            }
            for step in run.steps
        ],
    }


def _untold(run: RunRecord) -> RunRecord:
    """Without any count of rows."""
    steps = tuple({**step, "rows": None} for step in run.steps)
    return replace(run, rows_in=None, rows=None, quarantined=None, steps=steps)


def _bounded(run: RunRecord, protected: bool) -> RunRecord:
    """Without what tells how many rows were withheld: the counts of steps before rows are protected. ``protected``:
    the contract says that they are, so a run that has not come so far tells nothing."""
    names = [str(step.get("name", "")) for step in run.steps]
    at = names.index("protect") if "protect" in names else len(names)
    if at == len(names) or run.steps[at].get("rows") is None:
        return _untold(run) if protected else run
    steps = tuple({**step, "rows": None} if place < at else step for place, step in enumerate(run.steps))
    return replace(run, steps=steps)


def _protected(visit: Visit, dataset: str) -> bool:
    try:
        return protects(visit.site.catalogue.entry(dataset).contract)
    except UnknownDataset:
        return False


def _open(visit: Visit, dataset: str) -> bool:
    try:
        return visit.site.catalogue.entry(dataset).contract.access == "open"
    except UnknownDataset:
        return False


def _title(visit: Visit, dataset: str) -> str:
    try:
        return visit.site.catalogue.entry(dataset).contract.title(visit.language)
    except ArengoError:
        return dataset


def _states(visit: Visit) -> dict[str, str]:
    _ = visit._
    return {
        "queued": _("waiting"),
        "running": _("running"),
        "succeeded": _("published"),
        "unchanged": _("unchanged"),
        "refused": _("refused"),
        "failed": _("failed"),
    }


def _done(visit: Visit, state: str) -> str:
    return visit._("done") if state in ("done", "ok", "finished") else state


def _step(visit: Visit, name: str) -> str:
    _ = visit._
    return {
        "read": _("read the source"),
        "conform": _("fit the types"),
        "check": _("check quality"),
        "profile": _("measure"),
        "gate": _("privacy gate"),
        "commit": _("write the version"),
        "announce": _("announce"),
        "prepare": _("prepare for readers"),
    }.get(name, name)
