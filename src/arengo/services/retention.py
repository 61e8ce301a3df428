"""What is past its retention, what was disposed of, and what must stay because of a legal hold.

Two things are due. **Versions**: those older than ``arengoRetention`` (then ``lake.keep_days``; then, for datasets
about persons, the longest retention of their purposes); the newest always stays. **Rows**: those whose day in the
column of ``arengoRetentionFrom`` is further back than the longest retention of the purposes; the newest version is
published again without them, and every older version that still has one is dropped. A hold stops both.

Dropped files leave the disk with the housekeeping, at the earliest one hour later: a reader may have them open.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.contract import loads, purpose
from arengo.contract.model import Contract
from arengo.contract.period import versions_kept
from arengo.errors import ArengoError, BadForm, Conflict, NotFound
from arengo.state.register import ALL, Hold, holds, legal_hold, retention_run

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.settings import Settings
    from arengo.state import State

MOST_WORDS = 2_000
NOTE = "retention"
"""Kind of the note about what is due, in the state; its only entry is called ``due``."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a run would do to one dataset.

    ``old``: versions past their retention. ``rows``: rows of the newest version that are due. ``stale``: older
    versions that hold due rows and are not in ``old``. ``limit``: the version rule, ISO 8601 or days; ``column``,
    ``retention``, ``before``: the row rule, '' and None where rows do not age. ``unknown``: what stands in the way of
    the row rule, a sentence. ``hold``: why nothing happens.
    """

    dataset: str
    title: str
    old: tuple[int, ...]
    rows: int
    stale: tuple[int, ...]
    limit: str = ""
    column: str = ""
    retention: str = ""
    before: datetime | None = None
    unknown: str = ""
    hold: Hold | None = None

    @property
    def versions(self) -> tuple[int, ...]:
        return tuple(sorted({*self.old, *self.stale}))

    @property
    def nothing(self) -> bool:
        return not (self.versions or self.rows)


@dataclass(frozen=True, slots=True)
class Noted:
    """How many versions and rows of a dataset were due."""

    dataset: str
    versions: int
    rows: int


@dataclass(frozen=True, slots=True)
class Disposed:
    """The record of one run: what went from one dataset. ``version``: the one without the rows, None when none was."""

    id: str
    dataset: str
    at: datetime
    by: str
    versions: tuple[int, ...]
    rows: int
    version: int | None
    rule: Mapping[str, Any]


def _untold(kind: str, **_: Any) -> None:
    """Nobody keeps a record."""


class Disposals:
    """What was disposed of, and legal holds. Needs the state only; safe from several threads and processes."""

    def __init__(
        self,
        state: State,
        tell: Callable[..., object] = _untold,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._state = state
        self._tell = tell
        self._now = now

    def runs(self, dataset: str = "", limit: int = 100) -> tuple[Disposed, ...]:
        """What was disposed of, the newest first."""
        c = retention_run.c
        chosen = sa.select(retention_run).order_by(c.at.desc(), c.id).limit(limit)
        if dataset:
            chosen = chosen.where(c.dataset == dataset)
        with self._state.read() as connection:
            rows = connection.execute(chosen).all()
        return tuple(
            Disposed(row.id, row.dataset, row.at, row.by, tuple(row.versions), row.rows, row.version, row.rule)
            for row in rows
        )

    def noted(self) -> tuple[datetime | None, tuple[Noted, ...]]:
        """What was due when it was last looked at, and when that was; (None, ()) before the first time."""
        found = self._state.saved(NOTE, "due")
        if not found:
            return None, ()
        body = found[0].body
        due = tuple(Noted(str(item["dataset"]), int(item["versions"]), int(item["rows"])) for item in body["due"])
        return datetime.fromisoformat(body["at"]), due

    # Holds

    def hold_on(self, contract: Contract) -> Hold | None:
        """The hold that stands on a dataset: of its contract, of the register, of the whole city."""
        named = purpose.legal_hold(contract)
        if named is not None:
            try:
                since = date.fromisoformat(named.since)
            except ValueError:
                since = None
            return Hold("", contract.id, named.reason, since, named.by)
        with self._state.read() as connection:
            return next(iter(holds(connection, contract.id)), None)

    def holds(self, dataset: str = "", lifted: bool = False) -> tuple[Hold, ...]:
        """Holds of the register, the oldest first; contracts name theirs themselves."""
        with self._state.read() as connection:
            return holds(connection, dataset, lifted)

    def hold(self, dataset: str, *, reason: str, by: str, since: date | None = None) -> Hold:
        """Stop every disposal of a dataset (``*``: of all). Raises BadForm, NotFound, Conflict (it stands already)."""
        reason = " ".join(reason.split())
        if not 3 <= len(reason) <= MOST_WORDS:
            raise BadForm("A hold needs a reason.", todo="Name the case or the letter that asks for it.")
        if dataset != ALL and dataset not in self._state.contracts(retired=True):
            raise NotFound(f"There is no dataset {dataset[:100]!r}.", todo="Name a dataset of the catalogue.")
        now = self._now()
        made = Hold(secrets.token_hex(6), dataset, reason, since or now.date(), by, now)
        with self._state.write() as connection:
            if any(item.dataset == dataset and item.reason == reason for item in holds(connection, dataset)):
                raise Conflict("This hold stands already.", todo="See 'arengo register hold'.")
            connection.execute(
                sa.insert(legal_hold).values(
                    id=made.id, dataset=dataset, reason=reason, since=made.since, set_at=now, set_by=by, lifted_by="",
                    why="",
                )
            )  # fmt: skip
            self._state.bump(connection)
        self._told("hold", made, by, {"reason": reason, "since": str(made.since)})
        return made

    def lift(self, id: str, *, by: str, why: str) -> Hold:
        """End a hold. Raises NotFound, BadForm (no reason), Conflict (lifted already)."""
        why = " ".join(why.split())
        if not 3 <= len(why) <= MOST_WORDS:
            raise BadForm("Lifting a hold needs a reason.", todo="Say what ended the case.")
        now = self._now()
        with self._state.write() as connection:
            found = next((item for item in holds(connection, lifted=True) if item.id == id), None)
            if found is None:
                raise NotFound(f"There is no hold {id[:40]!r}.", todo="See 'arengo register hold'.")
            if found.lifted_at is not None:
                raise Conflict("This hold was lifted already.")
            values = {"lifted_at": now, "lifted_by": by, "why": why}
            connection.execute(sa.update(legal_hold).where(legal_hold.c.id == id).values(**values))
            self._state.bump(connection)
        self._told("lift", found, by, {"why": why})
        return Hold(found.id, found.dataset, found.reason, found.since, found.by, found.set_at, now, by, why)

    def _told(self, what: str, hold: Hold, by: str, body: Mapping[str, Any]) -> None:
        dataset = "" if hold.dataset == ALL else hold.dataset
        self._tell("retention", actor=by, dataset=dataset, body={"hold": hold.id, "action": what, **body})


class Retention(Disposals):
    """Retention runs of one city."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        lake: Lake,
        tell: Callable[..., object] = _untold,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(state, tell, now)
        self._settings = settings
        self._lake = lake

    # What is due

    def due(self, dataset: str = "", *, rows: bool = True) -> tuple[Due, ...]:
        """What is due, by dataset; only where something is. ``rows``: look at rows too, which reads their column.

        Raises NotFound for a dataset that holds nothing.
        """
        found = (self._due(contract, rows) for contract in self._contracts(dataset))
        return tuple(item for item in found if not item.nothing or item.unknown)

    def note(self) -> tuple[Due, ...]:
        """Look at everything and keep a note of it for :meth:`noted`; the daily housekeeping calls it."""
        from arengo.publish import disposal

        found, now = self.due(), self._now()
        for contract in self._contracts(""):
            if contract.custom.get("arengoRetentionFrom"):
                disposal.end_killed(self._state, self._lake, contract.id)
        told = [
            {"dataset": item.dataset, "versions": len(item.versions), "rows": item.rows}
            for item in found
            if not item.nothing
        ]
        self._state.save(NOTE, "due", "", {"at": now.isoformat(), "due": told}, now)
        return found

    def _contracts(self, dataset: str) -> Iterator[Contract]:
        names = set(self._lake.datasets())
        if dataset and dataset not in names:
            raise NotFound(f"Nothing is held of {dataset[:100]!r}.", todo="Name a published dataset.")
        for name, record in self._state.contracts(retired=True).items():
            if name in names and dataset in ("", name):
                try:
                    yield loads(record.text, base=self._settings.root)
                except ArengoError:  # of an earlier release; its versions stay until it is mended
                    continue

    def _due(self, contract: Contract, rows: bool) -> Due:
        from arengo.lake import maintenance
        from arengo.publish import disposal

        now = self._now()
        limit, before = self._limit(contract, now)
        newest = self._lake.newest(contract.id)
        old = maintenance.past(self._lake, contract.id, before)
        held = self.hold_on(contract)
        aging = purpose.aging(contract, now) if rows else None
        if aging is None or newest is None:
            return Due(contract.id, contract.title(), old, 0, (), limit, hold=held)
        column, start = aging
        longest = purpose.longest(contract)
        if not any(item.name == column.name and item.kind is column.kind for item in newest.schema):
            said = f"The newest version has no column '{column.name}' of type {column.kind}; publish the dataset first."
            return Due(
                contract.id, contract.title(), old, 0, (), limit, column.name, longest, start, unknown=said, hold=held
            )
        stale = [
            version.number
            for version in self._lake.versions(contract.id)
            if version.number not in old
            and version.number != newest.number
            and disposal.aged(self._lake, version, column, start)
        ]
        count = disposal.aged(self._lake, newest, column, start)
        if count:  # the newest becomes an older one that holds them
            stale.append(newest.number)
        return Due(
            contract.id, contract.title(), old, count, tuple(sorted(stale)), limit, column.name, longest, start,
            hold=held,
        )  # fmt: skip

    def _limit(self, contract: Contract, now: datetime) -> tuple[str, datetime | None]:
        from arengo.lake.maintenance import cutoff

        days = self._settings.lake.keep_days
        limit = versions_kept(contract.custom)
        if not limit and not days and purpose.personal(contract):
            limit = purpose.longest(contract)
        before = cutoff(limit, days, now)
        return limit or (f"P{days}D" if days else ""), before

    # Doing it

    def run(self, dataset: str = "", *, by: str, rows: bool = True) -> tuple[Disposed, ...]:
        """Dispose of what is due, where no hold stands; what was done, by dataset. Doing it twice does it once.

        ``rows`` False: only versions, as the daily housekeeping does. Raises Busy when a dataset is being published
        for long; what was done before stays done and recorded.
        """
        return tuple(
            done
            for item in self.due(dataset, rows=rows)
            if not item.nothing and item.hold is None and (done := self._run(item, by)) is not None
        )

    def _run(self, item: Due, by: str) -> Disposed | None:
        from arengo.lake import maintenance
        from arengo.publish import disposal

        contract = next(self._contracts(item.dataset))
        if self.hold_on(contract) is not None:  # set while the others were worked on
            return None
        now = self._now()
        gone, made = 0, None
        column = contract.column(item.column) if item.rows else None
        if column is not None and item.before is not None:
            newest = self._lake.newest(item.dataset)
            at = now if newest is None else max(now, newest.published_at + timedelta(microseconds=1))
            gone, made = disposal.dispose(self._settings, self._state, self._lake, contract, column, item.before, at)
        versions = maintenance.drop(self._lake, item.dataset, item.versions, now)
        if not versions and not gone:
            return None
        rule = {"versions": item.limit, "column": item.column, "retention": item.retention}
        if item.before is not None:
            rule["before"] = item.before.isoformat()
        done = Disposed(secrets.token_hex(8), item.dataset, now, by, versions, gone, made, rule)
        with self._state.write() as connection:
            connection.execute(
                sa.insert(retention_run).values(
                    id=done.id, dataset=done.dataset, at=now, by=by, versions=list(versions), rows=gone, version=made,
                    rule=rule,
                )
            )  # fmt: skip
            self._state.bump(connection)
        body = {"run": done.id, "versions": list(versions), "rows": gone, "version": made, "rule": rule}
        self._tell("retention", actor=by, dataset=done.dataset, body=body)
        return done


def counted(found: Iterable[Due]) -> tuple[int, int]:
    """Versions and rows of what is due and not held."""
    free = [item for item in found if item.hold is None]
    return sum(len(item.versions) for item in free), sum(item.rows for item in free)
