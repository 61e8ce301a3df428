"""Publishing by itself: what is due is found from the contracts and the last runs; the clock is DBOS's scheduler.

One DBOS schedule ticks each minute and publishes what its ``arengoFrequency`` makes due; each contract with an
``arengoSchedule`` has a cron schedule of its own. DBOS gives each tick one workflow id, so that several server
processes share one schedule. Only processes that serve work on the schedule's queue.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract, doubts
from arengo.contract.vocabulary import FREQUENCIES
from arengo.errors import ArengoError
from arengo.publish import run as records
from arengo.publish.run import Run
from arengo.publish.workflow import CRON, DUE

if TYPE_CHECKING:
    from arengo.publish.publisher import Publisher
    from arengo.publish.workflow import Runtime
    from arengo.state import State

QUEUE = "arengo-schedule"
TICK = "arengo-due"
PREFIX = "arengo-cron-"
DRAFT = "draft"
"""ODCS ``status`` of a contract that is being worked on."""
EARLY = 0.02
"""Share of a period by which a run may be early, so that a daily run does not creep later each day."""
AGAIN = timedelta(hours=1)
"""A run that failed is tried again after this, or after the contract's own period when that is shorter."""
SOON = timedelta(minutes=1)
"""Whoever decides about a publication has begun it by then."""
LOST = timedelta(days=30)
"""A decision older than this is published with the dataset's next version only."""
KEEP_DAYS = 2
"""DBOS's own records are kept this long; a minute's tick makes one."""
UNITS = {
    "y": 365.25,
    "a": 365.25,
    "m": 30.4375,
    "mo": 30.4375,
    "w": 7.0,
    "d": 1.0,
    "h": 1 / 24,
    "min": 1 / 1440,
    "s": 1 / 86400,
}
"""Days in a unit of an ODCS SLA property."""


@dataclass(frozen=True, slots=True)
class _Service:
    publisher: Publisher
    contracts: Callable[[], Iterable[Contract]]


_services: dict[str, _Service] = {}
_guard = threading.Lock()
_registered: tuple[Callable[..., None], Callable[..., None]] | None = None


def start(publisher: Publisher, contracts: Callable[[], Iterable[Contract]]) -> None:
    """Make the schedules of this city known to DBOS and work on them in this process."""
    _workflows()
    with _guard:
        _services[str(publisher.settings.home)] = _Service(publisher, contracts)
    active = publisher._runtime((QUEUE,))
    parallel = max(1, publisher.settings.publish.parallel)
    active.dbos.register_queue(
        QUEUE, worker_concurrency=parallel, on_conflict="always_update", polling_interval_sec=5.0
    )
    arrange(publisher, list(contracts()))


def arrange(publisher: Publisher, contracts: Sequence[Contract]) -> None:
    """Bring DBOS's schedules to what the contracts say; what is right already is left alone."""
    home, zone = str(publisher.settings.home), publisher.settings.city.timezone
    tick, cron = _workflows()
    lines = {item.id: str(item.custom.get("arengoSchedule", "")) for item in contracts}
    wanted: dict[str, Any] = {TICK: (tick, "* * * * *", {"home": home})}
    for dataset, line in lines.items():
        if line:
            wanted[PREFIX + dataset] = (cron, line, {"home": home, "dataset": dataset})
    dbos = publisher._runtime((QUEUE,)).dbos
    held: dict[str, str] = {}
    for item in dbos.list_schedules():
        held[item["schedule_name"]] = f"{item['schedule']} {item['cron_timezone']}"
    for name in held:
        if name.startswith("arengo-") and name not in wanted:
            dbos.delete_schedule(name)
    new: list[Any] = [
        {
            "schedule_name": name,
            "workflow_fn": function,
            "schedule": line,
            "context": context,
            "queue_name": QUEUE,
            "cron_timezone": zone,
        }
        for name, (function, line, context) in wanted.items()
        if held.get(name) != f"{line} {zone}"
    ]
    if new:
        dbos.apply_schedules(new)


def stop(home: str) -> None:
    with _guard:
        _services.pop(home, None)


def _workflows() -> tuple[Callable[..., None], Callable[..., None]]:
    """Both workflows, made known to DBOS once a process."""
    global _registered
    if _registered is None:
        from dbos import DBOS

        _registered = (
            DBOS.workflow(name=DUE)(publish_due),
            DBOS.workflow(name=CRON)(publish_cron),
        )
    return _registered


def publish_due(moment: datetime, context: Mapping[str, Any]) -> None:
    """Publish the datasets whose frequency makes them due now, and follow changes of the cron lines."""
    service = _services.get(context["home"])
    if service is None:
        return
    with ThreadPoolExecutor(1, "arengo-due") as pool:  # outside this workflow: its runs are their own
        pool.submit(_publish_due, service).result()


def _publish_due(service: _Service) -> None:
    contracts = list(service.contracts())
    if found := due(service.publisher, contracts):
        service.publisher.publish(found, trigger="schedule")
    arrange(service.publisher, contracts)
    forget(service.publisher._runtime((QUEUE,)))


def due(publisher: Publisher, contracts: Sequence[Contract]) -> list[Contract]:
    """Those that the clock publishes now."""
    last = records.last(publisher.state)
    now = datetime.now(UTC)
    late = [
        contract
        for contract in contracts
        if is_due(contract, last.get(contract.id), now) or is_behind(publisher, contract, last.get(contract.id), now)
    ]
    cut = decided(publisher.state, last, now)
    return [
        contract
        for contract in contracts
        if contract.id in cut or (contract in late and not waits(contract, publisher.state))
    ]


def decided(state: State, last: Mapping[str, Run], now: datetime) -> frozenset[str]:
    """Datasets that people decided to publish, and of which no run began since: the process in which they decided was
    killed first. ``last``: dataset -> its newest run."""
    from arengo.privacy.verdicts import Verdicts

    found = Verdicts(state).unpublished(now - LOST)
    begun = {dataset: run.started_at or now for dataset, run in last.items()}
    return frozenset(dataset for dataset, at in found if at < now - SOON and begun.get(dataset, at) <= at)


def forget(active: Runtime, days: int = KEEP_DAYS) -> None:
    """Remove DBOS's records of what ended long ago; the runs stay in the state database."""
    before = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    old = active.dbos.list_workflows(
        completed_before=before,
        status=["SUCCESS", "ERROR", "CANCELLED"],
        limit=2000,
        load_input=False,
        load_output=False,
    )
    if old:
        active.dbos.delete_workflows([item.workflow_id for item in old])


def publish_cron(moment: datetime, context: Mapping[str, Any]) -> None:
    """Publish one dataset at the time its ``arengoSchedule`` names."""
    service = _services.get(context["home"])
    if service is None:
        return
    found = [contract for contract in service.contracts() if contract.id == context["dataset"]]
    if found and found[0].custom.get("arengoSchedule") and not waits(found[0], service.publisher.state):
        with ThreadPoolExecutor(1, "arengo-cron") as pool:
            pool.submit(service.publisher.publish, found, trigger="schedule").result()


def period(contract: Contract) -> timedelta | None:
    """How often a dataset is renewed: ``arengoFrequency``, else the SLA property ``frequency`` (value and unit)."""
    known = FREQUENCIES.get(contract.frequency)
    if known is not None:
        return known.every
    told = contract.sla.get("frequency")
    if isinstance(told, Mapping):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            unit = str(told.get("unit", "d")).lower().rstrip(".")
            days = float(told["value"]) * UNITS.get(unit, UNITS.get(unit[:-1], UNITS.get(unit[:1], 0.0)))
            return timedelta(days=days) if days > 0 else None
    return None


def waits(contract: Contract, state: State) -> bool:
    """Whether the clock leaves a dataset to a person: a draft, and one whose draft is unsure of something as long as
    nobody has published it by hand."""
    if contract.status == DRAFT:
        return True
    unsure = doubts(contract.custom) or any(doubts(item.custom) for item in contract.properties)
    return bool(unsure) and not state.published(contract.id, but=("schedule", records.RETENTION))


def is_due(contract: Contract, last: Run | None, now: datetime) -> bool:
    """Whether a dataset without a cron line should be published now. ``last``: its newest run."""
    every = period(contract)
    if every is None or contract.source is None or contract.custom.get("arengoSchedule"):
        return False
    if last is None:
        return True
    if not last.finished:
        return False
    since = now - (last.started_at or now)
    if last.state in (records.FAILED, records.REFUSED):
        return since >= min(every, AGAIN)
    return since >= every * (1 - EARLY)


def is_behind(publisher: Publisher, contract: Contract, last: Run | None, now: datetime) -> bool:
    """Whether a dataset made of others has one among them that was published since its own newest run began."""
    questions = publisher.questions
    if questions is None or contract.source is None or contract.source.kind != "query":
        return False
    if contract.custom.get("arengoSchedule") or (last is not None and not last.finished):
        return False
    if last is not None and last.state in (records.FAILED, records.REFUSED) and now - (last.started_at or now) < AGAIN:
        return False
    try:
        newest = [publisher.lake.newest(dataset) for dataset in questions.inputs(contract)]
    except ArengoError:
        return False
    since = last.started_at if last is not None else None
    return (
        bool(newest)
        and all(newest)
        and any(since is None or version.published_at > since for version in newest if version is not None)
    )


def is_late(contract: Contract, last: Run | None, now: datetime, timezone: str = "UTC") -> bool:
    """Like :func:`is_due`, for contracts with a cron line too: a line's last moment has passed without a run."""
    line = str(contract.custom.get("arengoSchedule", ""))
    if not line:
        return is_due(contract, last, now)
    from zoneinfo import ZoneInfo

    from croniter import croniter  # comes with dbos, which reads the same lines

    before: datetime = croniter(line, now.astimezone(ZoneInfo(timezone))).get_prev(datetime)
    return last is not None and last.started_at is not None and last.finished and last.started_at < before
