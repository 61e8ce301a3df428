"""The publisher: publish contracts now, several at a time, or by themselves when they are due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract
from arengo.errors import LakeError, StorageFull
from arengo.publish import run as records
from arengo.publish.run import Run
from arengo.publish.street import untold
from arengo.settings import Settings
from arengo.state import State

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.publish.workflow import Home, Listener, Runtime
    from arengo.sources.base import Questions


class Publisher:
    """The street in of one city. Safe to use from several threads."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        lake: Lake,
        questions: Questions | None = None,
        tell: Callable[..., object] = untold,
    ) -> None:
        self.settings = settings
        self.state = state
        self.lake = lake
        self.questions = questions
        """What answers the SQL of datasets made of other datasets."""
        self.tell = tell
        """Puts each new version on record."""

    def publish(
        self,
        datasets: Sequence[Contract],
        *,
        at: datetime | None = None,
        force_shrink: bool = False,
        trigger: str = "manual",
        progress: Listener | None = None,
    ) -> list[Run]:
        """Publish each contract's dataset; one run each, in the order given. Errors are inside the runs.

        ``at``: the publication time of a backfilled version (UTC when without zone), later than the newest
        version's. ``force_shrink``: accept far fewer rows than the version before. ``trigger``: manual, schedule or
        demo. ``progress(dataset, step, done, total)`` is called from worker threads; total is None when unknown.
        Up to ``settings.publish.parallel`` datasets at a time; one made of others of them comes after those. Before
        a dataset's run, one that a killed process left of it is finished; those of other datasets wait for their
        turn. Raises StorageFull when the disk has no space even for the record of the failure.
        """
        from arengo.publish import order, recovery, scratch, workflow

        scratch.sweep(self.state, self.settings.home)
        try:
            active = self._runtime()
        except StorageFull:
            if not scratch.sweep(self.state, self.settings.home, everything=True):
                raise
            active = self._runtime()
        left = recovery.resume(active, self.state, self.lake, {item.id: item.text for item in datasets})
        home = self._home()
        moment = at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
        tickets = [
            workflow.ticket(home, item.text, item.id, item.path, trigger, moment, force_shrink) for item in datasets
        ]

        def one(item: Mapping[str, Any]) -> str:
            workflow.wait(active, left.get(item["dataset"], ()))
            return workflow.start(active, item, progress)

        for wave in order.waves(datasets, self.questions):
            items = [item for item in tickets if item["dataset"] in wave]
            if len(items) == 1:
                one(items[0])
            elif items:
                with ThreadPoolExecutor(max(1, self.settings.publish.parallel), "publish") as pool:
                    list(pool.map(one, items))
        return [self.run(item["run"]) for item in tickets]

    def resume(self) -> list[Run]:
        """Finish the runs that a killed process left unfinished, if there are any; returns them.

        Those whose contract is no longer in force, or that were interrupted again and again, are marked failed.
        """
        from arengo.publish import recovery, workflow

        active = self._runtime()
        in_force = {dataset: held.text for dataset, held in self.state.contracts().items()}
        found = [run for runs in recovery.resume(active, self.state, self.lake, in_force).values() for run in runs]
        workflow.wait(active, found)
        return [self.run(item) for item in found]

    def schedule(self, contracts: Callable[[], Iterable[Contract]]) -> None:
        """Publish by itself what is due, while this process lives. ``contracts``: those in force, asked each time.

        A contract's ``arengoSchedule`` (cron, in the city's time zone) comes first; without one its
        ``arengoFrequency`` counts from the last run. The scheduler is DBOS's; several processes share one schedule.
        """
        from arengo.publish import schedule

        schedule.start(self, contracts)

    def run(self, run: str) -> Run:
        """One run by its id. Raises LakeError when there is none."""
        found = records.find(self.state, run)
        if found is None:
            raise LakeError(f"There is no run {run}.")
        return found

    def runs(self, dataset: str = "", limit: int = 50) -> list[Run]:
        """Runs, newest first; of one dataset when named."""
        return records.listed(self.state, dataset, limit)

    def close(self) -> None:
        """Stop the schedule and the workflow runtime. A run in another thread is resumed at the next start."""
        from arengo.publish import schedule, workflow

        schedule.stop(str(self.settings.home))
        workflow.close(str(self.settings.home))

    def _home(self) -> Home:
        from arengo.publish.workflow import Home

        return Home(self.settings, self.state, self.lake, self.questions, self.tell)

    def _runtime(self, queues: tuple[str, ...] = ()) -> Runtime:
        from arengo.publish import workflow

        return workflow.runtime(self._home(), queues)
