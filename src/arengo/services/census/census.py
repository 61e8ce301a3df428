"""The census of one city: read a sheet, see what it would change, take it; never half."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from arengo.errors import Conflict, NotFound, SourceMalformed
from arengo.governance.caller import Caller
from arengo.services.census import grid, sheet
from arengo.services.census.record import Application, Change, Exchange, Register, compare
from arengo.services.census.sheet import Reading
from arengo.settings import SourceSettings
from arengo.state import State
from arengo.state import census as tables

WAITS = timedelta(days=2)
"""How long a sheet that was read waits for a yes."""
KEEPERS = ("steward", "publisher", "administrator")
"""Roles, in whatever organisation, that keep the census."""
Tell = Callable[..., object]


def keeper(caller: Caller) -> bool:
    """Whether a caller keeps the census: brings in sheets and sees all of it. A program never does."""
    return not caller.application and any(role in KEEPERS for _, role in caller.roles)


@dataclass(frozen=True, slots=True)
class Batch:
    """One sheet that was read. ``n``: its place among those taken, 0 while it waits."""

    id: str
    n: int
    at: datetime
    file: str
    state: str
    partial: bool
    by: str
    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sheet would do. ``id``: of the batch that waits, '' when nothing waits (a problem, or no change)."""

    id: str
    file: str
    partial: bool
    reading: Reading
    changes: tuple[Change, ...]

    @property
    def counts(self) -> dict[str, int]:
        return counts_of(self.changes)


def counts_of(changes: Iterable[Change]) -> dict[str, int]:
    out = {"added": 0, "changed": 0, "removed": 0}
    for change in changes:
        out[change.action] += 1
    return out


def _no_one(*_: object, **__: object) -> None:
    """Who tells nobody."""


class Census:
    """``datasets``: ids of the datasets there are. ``tell``: the ledger's, called when a sheet was taken.

    Thread-safe; several processes may use it. Every reading method answers from the register of the last sheet taken.
    """

    def __init__(
        self,
        state: State,
        limits: SourceSettings | None = None,
        datasets: Callable[[], Iterable[str]] = lambda: (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tell: Tell = _no_one,
    ) -> None:
        self._state = state
        self._limits = limits or SourceSettings()
        self._datasets = datasets
        self._now = now
        self._tell = tell
        self._guard = threading.Lock()
        self._held: tuple[int, Register] | None = None

    # What is there

    def register(self) -> Register:
        """The census as it is; the same value until a sheet is taken."""
        with self._state.read() as connection:
            newest = self._newest(connection)
            held = self._held
            if held is not None and held[0] == newest:
                return held[1]
            found = self._read(connection)
        with self._guard:
            self._held = (newest, found)
        return found

    def batches(self, limit: int = 20) -> tuple[Batch, ...]:
        """The sheets taken, the newest first."""
        b = tables.batch
        chosen = sa.select(b).where(b.c.n > 0).order_by(b.c.n.desc()).limit(limit)
        with self._state.read() as connection:
            return tuple(_batch(row) for row in connection.execute(chosen))

    # A sheet

    def read(self, paths: Sequence[Path], names: Sequence[str] = (), *, partial: bool = False) -> Plan:
        """What the sheets say against what is held; nothing is kept. Raises SourceMalformed, SourceTooLarge."""
        grids = grid.read(paths, self._limits, names)
        held = self.register()
        reading = sheet.read(grids, held, self._datasets(), partial=partial)
        changes = compare(held, reading.register) if not reading.problems else ()
        file = ", ".join(dict.fromkeys(item.file for item in grids)) or ", ".join(names)
        return Plan("", file[:300], partial, reading, changes)

    def offer(self, plan: Plan, by: str) -> str:
        """Keep a sheet until :meth:`take`; the batch's id. What waited too long is dropped."""
        if plan.reading.problems:
            raise SourceMalformed(str(plan.reading.problems[0]))
        now, b = self._now(), tables.batch
        key = secrets.token_hex(12)
        with self._state.write() as connection:
            connection.execute(sa.delete(b).where(b.c.state == "waiting", b.c.at < now - WAITS))
            connection.execute(
                sa.insert(b).values(
                    id=key,
                    n=0,
                    at=now,
                    state="waiting",
                    by=by[:200],
                    file=plan.file,
                    partial=plan.partial,
                    base=self.register().mark,
                    mark=plan.reading.register.mark,
                    body=_dumped(plan.reading.register),
                    **plan.counts,
                )
            )
        return key

    def waiting(self, batch: str) -> Plan:
        """The plan of a batch that waits, against the register as it is now. Raises NotFound."""
        b = tables.batch
        with self._state.read() as connection:
            row = connection.execute(sa.select(b).where(b.c.id == batch, b.c.state == "waiting")).first()
        if row is None:
            raise NotFound("This sheet waits no longer.", todo="Send it again.")
        register = _loaded(row.body)
        reading = Reading(register, (), ())
        return Plan(batch, row.file, row.partial, reading, compare(self.register(), register))

    def take(self, batch: str, by: str) -> Batch:
        """Take a sheet that waits, whole, in one transaction. Of two at the same time one wins.

        Raises NotFound, Conflict when the census was changed since the sheet was compared with it.
        """
        b = tables.batch
        with self._state.hold("census", wait=10), self._state.write() as connection:
            row = connection.execute(sa.select(b).where(b.c.id == batch, b.c.state == "waiting")).first()
            if row is None:
                raise NotFound("This sheet waits no longer.", todo="Send it again.")
            before = self._read(connection)
            if before.mark != row.base:
                raise Conflict(
                    "The census was changed since you looked at this sheet; nothing was taken.",
                    todo="Send the sheet again and look at what it would change now.",
                )
            after = _loaded(row.body)
            changes = compare(before, after)
            for kind, table, held in (
                ("application", tables.application, after.applications),
                ("exchange", tables.exchange, after.exchanges),
            ):
                mine = [change for change in changes if change.kind == kind]
                gone = [change.id for change in mine if change.action != "added"]
                new = [asdict(held[change.id]) for change in mine if change.action != "removed"]
                for start in range(0, len(gone), 500):
                    connection.execute(sa.delete(table).where(table.c.id.in_(gone[start : start + 500])))
                if new:
                    connection.execute(sa.insert(table), new)
            now, n = self._now(), self._newest(connection) + 1
            counts = counts_of(changes)
            said = {"n": n, "at": now, "state": "taken", "by": by[:200], "body": "", **counts}
            connection.execute(sa.update(b).where(b.c.id == batch).values(**said))
        taken = Batch(batch, n, now, row.file, "taken", row.partial, by, **counts)
        body = {"what": "census", "file": taken.file, "applications": len(after.applications), **counts}
        self._tell("administration", actor=by, body={**body, "exchanges": len(after.exchanges), "mark": row.mark})
        return taken

    def drop(self, batch: str) -> None:
        """Forget a sheet that waits."""
        b = tables.batch
        with self._state.write() as connection:
            connection.execute(sa.delete(b).where(b.c.id == batch, b.c.state == "waiting"))

    # Inside

    def _newest(self, connection: sa.Connection) -> int:
        return int(connection.scalar(sa.select(sa.func.max(tables.batch.c.n))) or 0)

    def _read(self, connection: sa.Connection) -> Register:
        a, e = tables.application, tables.exchange
        return Register(
            {row.id: Application(**row._mapping) for row in connection.execute(sa.select(a).order_by(a.c.id))},
            {row.id: Exchange(**row._mapping) for row in connection.execute(sa.select(e).order_by(e.c.id))},
        )


def _batch(row: Any) -> Batch:
    return Batch(**{item.name: getattr(row, item.name) for item in fields(Batch)})


def _dumped(register: Register) -> str:
    """Values in the order of the fields; the names would weigh more than the facts."""

    def lines(held: Mapping[str, Any]) -> list[list[Any]]:
        return [[_plain(value) for value in asdict(item).values()] for item in held.values()]

    return json.dumps([lines(register.applications), lines(register.exchanges)], separators=(",", ":"))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _loaded(text: str) -> Register:
    day = [item.name for item in fields(Application)].index("contract_ends")
    applications, exchanges = json.loads(text)
    for line in applications:
        line[day] = date.fromisoformat(line[day]) if line[day] else None
    return Register(
        {line[0]: Application(*line) for line in applications}, {line[0]: Exchange(*line) for line in exchanges}
    )
