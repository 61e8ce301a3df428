"""The verdicts that were given, and the decisions people took about them, as they are kept.

A decision covers what was found when it was taken, or less of it: a later publication under the same contract in which
the same is found about no more people passes; anything else found holds it back again. Where a finding counts no
people, the publication may not have grown and its figures may not be larger. Once given, a decision settles its
verdict: no other is taken about it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.contract.model import EMPTY
from arengo.errors import Conflict, NotFound
from arengo.privacy.finding import Finding
from arengo.privacy.verdict import Verdict
from arengo.state import State
from arengo.state import gate as tables

HELD, PUBLISHED, DECIDED, REPAIRED, REPLACED = "held", "published", "decided", "repaired", "replaced"
"""What became of a verdict. ``decided``: published because people decided so. ``replaced``: another one came after."""
WAITING, GIVEN, DECLINED, WITHDRAWN = "waiting", "given", "declined", "withdrawn"
APPROVE, OVERRIDE, REPAIR = "approve", "override", "repair"
_ALIKE = 1.1
"""As many rows as were seen when a decision was taken, times this, are still what was decided about."""


def nothing(connection: Connection, decision: str) -> None:
    """Nothing else goes with a decision."""


@dataclass(frozen=True, slots=True)
class Held:
    """A verdict as it is kept. ``settled``: one of the words above. ``version``: number of the version it led to."""

    id: str
    dataset: str
    run: str
    at: datetime
    outcome: str
    settled: str
    version: int | None
    mark: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """What people decided. ``kind``: approve, override or repair. ``covers``: what was found, see :func:`covered`.

    An override is ``waiting`` until ``second``, somebody else, gives it. ``by`` and ``second`` are ids of persons.
    """

    id: str
    dataset: str
    verdict: str
    kind: str
    state: str
    by: str
    at: datetime
    reason: str
    contract: str
    covers: tuple[Mapping[str, Any], ...]
    second: str = ""
    second_at: datetime | None = None
    second_reason: str = ""


class Verdicts:
    """Thread-safe, cheap to make."""

    def __init__(self, state: State) -> None:
        self._state = state

    # Verdicts

    def keep(self, verdict: Verdict, settled: str, version: int | None = None) -> Held:
        """Keep a verdict; one of the same run is replaced. What was held before of the dataset waits no longer."""
        told = verdict.as_json()
        table = tables.verdict
        with self._state.write() as connection:
            known = connection.execute(
                sa.select(table.c.id).where(
                    table.c.dataset == verdict.dataset, table.c.run == verdict.run, table.c.run != ""
                )
            ).scalar()
            mine = table.c.dataset == verdict.dataset
            connection.execute(
                table.update()
                .where(mine, table.c.settled == HELD, table.c.id != (known or ""))
                .values(settled=REPLACED)
            )
            values = {
                "dataset": verdict.dataset, "run": verdict.run, "at": verdict.at, "contract_sha": verdict.contract,
                "outcome": verdict.outcome, "settled": settled, "version": version, "mark": told["mark"], "body": told,
            }  # fmt: skip
            if known:
                connection.execute(table.update().where(table.c.id == known).values(**values))
            else:
                known = secrets.token_hex(8)
                connection.execute(table.insert().values(id=known, n=_next(connection), **values))
        return self.get(known)

    def settle(self, id: str, settled: str) -> None:
        """What became of a verdict."""
        table = tables.verdict
        with self._state.write() as connection:
            connection.execute(table.update().where(table.c.id == id).values(settled=settled))

    def get(self, id: str) -> Held:
        """Raises NotFound."""
        found = self._read(tables.verdict.c.id == id, limit=1)
        if not found:
            raise NotFound(f"There is no verdict {id[:40]!r}.")
        return found[0]

    def latest(self, dataset: str) -> Held | None:
        found = self._read(tables.verdict.c.dataset == dataset, limit=1)
        return found[0] if found else None

    def of_version(self, dataset: str, number: int) -> Held | None:
        """The verdict with which a version was published."""
        found = self._read(tables.verdict.c.dataset == dataset, tables.verdict.c.version == number, limit=1)
        return found[0] if found else None

    def history(self, dataset: str, limit: int = 50) -> tuple[Held, ...]:
        """Newest first."""
        return self._read(tables.verdict.c.dataset == dataset, limit=limit)

    def waiting(self, datasets: Iterable[str] | None = None) -> tuple[Held, ...]:
        """Those that hold a publication back, newest first; only of ``datasets`` when given."""
        held = self._read(tables.verdict.c.settled == HELD, limit=2000)
        wanted = None if datasets is None else frozenset(datasets)
        return tuple(item for item in held if wanted is None or item.dataset in wanted)

    def outcomes(self) -> Mapping[str, tuple[str, str, datetime]]:
        """Dataset -> outcome, what became of it, and when, of its newest verdict."""
        table = tables.verdict
        newest = sa.select(sa.func.max(table.c.n)).group_by(table.c.dataset)
        chosen = sa.select(table.c.dataset, table.c.outcome, table.c.settled, table.c.at).where(table.c.n.in_(newest))
        with self._state.read() as connection:
            return {row.dataset: (row.outcome, row.settled, row.at) for row in connection.execute(chosen)}

    def _read(self, *conditions: sa.ColumnElement[bool], limit: int) -> tuple[Held, ...]:
        table = tables.verdict
        chosen = sa.select(table).where(*conditions).order_by(table.c.n.desc()).limit(limit)
        with self._state.read() as connection:
            rows = connection.execute(chosen).all()
        return tuple(
            Held(row.id, row.dataset, row.run, row.at, row.outcome, row.settled, row.version, row.mark,
                 Verdict.of(row.body))
            for row in rows
        )  # fmt: skip

    # Decisions

    def decide(
        self, held: Held, kind: str, state: str, by: str, reason: str, at: datetime,
        also: Callable[[Connection, str], None] = nothing, within: Connection | None = None,
    ) -> str:  # fmt: skip
        """Keep what somebody decided about a verdict; the decision's id. ``also`` writes with it, given that id;
        ``within``: a transaction that the decision becomes part of. Of several at once one is kept; Conflict."""
        made = secrets.token_hex(8)
        with self._state.write(within) as connection:
            self._still(connection, held.id)
            if state == GIVEN:
                self._taken(connection, held.id, REPAIRED if kind == REPAIR else DECIDED)
            else:
                self._first(connection, held.id)
            connection.execute(
                tables.decision.insert().values(
                    id=made, dataset=held.dataset, verdict=held.id, kind=kind, state=state, by=by, at=at, reason=reason,
                    second="", second_at=None, second_reason="", contract_sha=held.verdict.contract,
                    covers=covered(held.verdict),
                )
            )  # fmt: skip
            also(connection, made)
        return made

    def second(
        self, id: str, state: str, by: str, reason: str, at: datetime,
        also: Callable[[Connection, str], None] = nothing,
    ) -> Decision:  # fmt: skip
        """The second person's word on a decision that waits for it. Raises Conflict when it does not, or when what it
        is about is not held back any more."""
        table = tables.decision
        with self._state.write() as connection:
            moved = connection.execute(
                table.update().where(table.c.id == id, table.c.state == WAITING)
                .values(state=state, second=by, second_at=at, second_reason=reason)
            ).rowcount  # fmt: skip
            if not moved:
                raise Conflict("This decision does not wait for anybody any more.")
            if state == GIVEN:
                about = str(connection.execute(sa.select(table.c.verdict).where(table.c.id == id)).scalar())
                self._still(connection, about)
                self._taken(connection, about, DECIDED)
            also(connection, id)
        return self.decision(id)

    def _first(self, connection: Connection, verdict: str) -> None:
        c = tables.decision.c
        if connection.scalar(sa.select(c.id).where(c.verdict == verdict, c.state == WAITING).limit(1)):
            raise Conflict("An override of this publication waits for its second person already.")

    def _taken(self, connection: Connection, verdict: str, settled: str) -> None:
        """A decision is given: its verdict waits no longer, and what else waits about it is withdrawn."""
        connection.execute(tables.verdict.update().where(tables.verdict.c.id == verdict).values(settled=settled))
        table = tables.decision
        connection.execute(
            table.update().where(table.c.verdict == verdict, table.c.state == WAITING).values(state=WITHDRAWN)
        )

    def _still(self, connection: Connection, verdict: str) -> None:
        table = tables.verdict
        now = connection.scalar(sa.select(table.c.settled).where(table.c.id == verdict).with_for_update())
        if now != HELD:
            raise Conflict("This publication is not held back any more.", todo="Look at the newest verdict.")

    def decision(self, id: str) -> Decision:
        """Raises NotFound."""
        found = self._decisions(tables.decision.c.id == id)
        if not found:
            raise NotFound(f"There is no decision {id[:40]!r}.")
        return found[0]

    def decisions(self, dataset: str) -> tuple[Decision, ...]:
        """Newest first."""
        return self._decisions(tables.decision.c.dataset == dataset)

    def _decisions(self, condition: sa.ColumnElement[bool]) -> tuple[Decision, ...]:
        table = tables.decision
        with self._state.read() as connection:
            rows = connection.execute(sa.select(table).where(condition).order_by(table.c.at.desc(), table.c.id)).all()
        return tuple(
            Decision(row.id, row.dataset, row.verdict, row.kind, row.state, row.by, row.at, row.reason,
                     row.contract_sha, tuple(row.covers), row.second, row.second_at, row.second_reason)
            for row in rows
        )  # fmt: skip

    def unpublished(self, since: datetime) -> tuple[tuple[str, datetime], ...]:
        """Datasets whose newest verdict was decided after ``since`` and led to no version, with when that was."""
        d, v = tables.decision.c, tables.verdict
        newest = sa.select(sa.func.max(v.c.n)).group_by(v.c.dataset)
        chosen = (
            sa.select(d.dataset, d.at, d.second_at)
            .join(v, v.c.id == d.verdict)
            .where(d.state == GIVEN, sa.or_(d.at > since, d.second_at > since))
            .where(v.c.n.in_(newest), v.c.version.is_(None))
        )
        with self._state.read() as connection:
            return tuple((row.dataset, row.second_at or row.at) for row in connection.execute(chosen))

    def cover(self, verdict: Verdict) -> Decision | None:
        """The decision under which a verdict that does not pass may be published all the same."""
        for item in self.decisions(verdict.dataset):
            given = item.state == GIVEN and item.contract == verdict.contract
            enough = item.kind == OVERRIDE or (item.kind == APPROVE and verdict.outcome == "review")
            rows = _rows(verdict)
            if given and enough and all(_within(finding, rows, item.covers) for finding in _stopping(verdict.findings)):
                return item
        return None


def _next(connection: Connection) -> int:
    return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.max(tables.verdict.c.n), 0))) or 0) + 1


def covered(verdict: Verdict) -> list[dict[str, Any]]:
    """What a decision covers: each finding that stops, with its columns, the datasets it meets, its people and figures,
    and the rows that were judged (None when unknown)."""
    return [
        {
            "code": item.code, "columns": sorted(item.columns), "datasets": _datasets(item), "people": item.people,
            "rows": _rows(verdict), "facts": _figures(item),
        }
        for item in _stopping(verdict.findings)
    ]  # fmt: skip


def _stopping(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(item for item in findings if item.outcome != "pass")


def _rows(verdict: Verdict) -> int | None:
    """How many rows were judged."""
    rows = verdict.measured.get("release", EMPTY).get("rows")
    return int(rows) if rows is not None else None


def _figures(finding: Finding) -> dict[str, int]:
    """Whole numbers a finding tells: how often something was met."""
    return {name: item for name, item in finding.facts.items() if isinstance(item, int) and not isinstance(item, bool)}


def _grown(finding: Finding, rows: int | None, seen: Mapping[str, Any]) -> bool:
    """Whether there is more of what no people were counted for than what was decided about, or it is unknown."""
    before = seen.get("rows")
    if rows is None or before is None or rows > before * _ALIKE:
        return True
    held = seen.get("facts", EMPTY)
    return any(name not in held or item > held[name] for name, item in _figures(finding).items())


def _within(finding: Finding, rows: int | None, covers: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        item["code"] == finding.code
        and set(finding.columns) <= set(item["columns"])
        and set(_datasets(finding)) <= set(item["datasets"])
        and finding.people <= item["people"]
        and (finding.people > 0 or not _grown(finding, rows, item))
        for item in covers
    )


def _datasets(finding: Finding) -> list[str]:
    return sorted({label.rpartition(" v")[0] or label for label in finding.releases})
