"""What happened, in order: versions published, datasets added, changed and retired, steps of requests.

Events are written in the transaction of what they tell, numbered without gaps in the order of commit. A reader keeps
the number of the last event it handled under its own name, so each hears of everything once, whatever stops between.
The street in knows nobody here: publications are found by comparing the registers with what was last seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.contract.model import EMPTY
from arengo.state import State, tables
from arengo.state.participation import counter, event, observed

KINDS = (
    "version.published",
    "dataset.added",
    "dataset.changed",
    "dataset.retired",
    "amendment.received",
    "amendment.review",
    "amendment.accepted",
    "amendment.answered",
    "amendment.declined",
    "amendment.corrected",
    "amendment.withdrawn",
    "comment.shown",
    "comment.hidden",
    "reuse.shown",
    "reuse.hidden",
    "wish.received",
    "wish.review",
    "wish.planned",
    "wish.published",
    "wish.declined",
    "agreement.pending",
    "agreement.active",
    "agreement.rejected",
    "agreement.returned",
    "agreement.suspended",
    "agreement.revoked",
    "agreement.expired",
    "agreement.superseded",
    "agreement.erasure",
)
"""What can be subscribed to. ``amendment.received`` and ``wish.received`` carry no text: nobody has read it yet.
``agreement.*`` names organisations and no person, and goes only where it is asked for by that name."""


@dataclass(frozen=True, slots=True)
class Event:
    """``subject``: id of what it is about, the dataset's own for datasets. ``body``: facts anybody may read."""

    seq: int
    kind: str
    dataset: str
    subject: str
    at: datetime
    body: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


class Events:
    """The city's events. Thread-safe."""

    def __init__(self, state: State) -> None:
        self._state = state

    def emit(
        self,
        connection: Connection,
        kind: str,
        *,
        dataset: str = "",
        subject: str = "",
        body: Mapping[str, Any] = EMPTY,
        at: datetime | None = None,
    ) -> int:
        """Write an event inside the caller's transaction; its number."""
        seq = count_up(connection, "event")
        values = {"kind": kind, "dataset": dataset, "subject": subject or dataset, "body": dict(body)}
        connection.execute(event.insert().values(seq=seq, at=at or datetime.now(UTC), **values))
        return seq

    def last(self) -> int:
        """Number of the newest event; 0 before the first."""
        with self._state.read() as connection:
            return int(connection.scalar(sa.select(counter.c.n).where(counter.c.name == "event")) or 0)

    def after(self, seq: int, limit: int = 500, dataset: str = "") -> tuple[Event, ...]:
        """Events with a number above ``seq``, oldest first; of one dataset when given."""
        chosen = sa.select(event).where(event.c.seq > seq).order_by(event.c.seq).limit(limit)
        with self._state.read() as connection:
            rows = connection.execute(chosen.where(event.c.dataset == dataset) if dataset else chosen).all()
        return tuple(Event(**row._mapping) for row in rows)

    def mark(self, dataset: str = "") -> int:
        """Number of the newest event about a dataset (or any): what a page's tag depends on."""
        if not dataset:
            return self.last()
        with self._state.read() as connection:
            return int(connection.scalar(sa.select(sa.func.max(event.c.seq)).where(event.c.dataset == dataset)) or 0)

    def place(self, reader: str) -> int | None:
        """How far a reader has come; None when it never read."""
        with self._state.read() as connection:
            found = connection.scalar(sa.select(counter.c.n).where(counter.c.name == reader))
        return None if found is None else int(found)

    def keep_place(self, connection: Connection, reader: str, seq: int) -> None:
        """Remember inside the caller's transaction how far a reader has come."""
        done = connection.execute(counter.update().where(counter.c.name == reader).values(n=seq))
        if not done.rowcount:
            connection.execute(counter.insert().values(name=reader, n=seq))

    # Publications

    def look(self) -> int:
        """Write the events of what was published, added, changed and retired since the last look; how many.

        The first look of a city only takes note of what is there.
        """
        sets, versions, contracts = tables.dataset, tables.version, tables.contract
        with self._state.write() as connection:
            first = connection.scalar(sa.select(counter.c.n).where(counter.c.name == "observed")) is None
            if first:
                connection.execute(counter.insert().values(name="observed", n=0))
            seen = {row.dataset: row for row in connection.execute(sa.select(observed))}
            newest = {
                row.dataset: row.number
                for row in connection.execute(
                    sa.select(versions.c.dataset, sa.func.max(versions.c.number).label("number")).group_by(
                        versions.c.dataset
                    )
                )
            }
            count = 0
            for row in connection.execute(sa.select(sets).order_by(sets.c.id)).all():
                old = seen.get(row.id)
                now = {
                    "version": int(newest.get(row.id, 0)),
                    "contract_sha": row.contract_sha,
                    "retired": row.retired_at is not None,
                }
                if old is not None and all(getattr(old, name) == value for name, value in now.items()):
                    continue
                if not first:
                    count += self._tell(connection, row.id, old, now, versions, contracts)
                if old is None:
                    connection.execute(observed.insert().values(dataset=row.id, **now))
                else:
                    connection.execute(observed.update().where(observed.c.dataset == row.id).values(**now))
        return count

    def _tell(
        self, connection: Connection, dataset: str, old: Any, now: Mapping[str, Any], versions: Any, contracts: Any
    ) -> int:
        count = 0
        before = old.version if old is not None else 0
        back = old is not None and old.retired and not now["retired"]
        if (old is None or back) and not now["retired"]:
            self.emit(connection, "dataset.added", dataset=dataset)
            count += 1
        elif old is not None and old.contract_sha != now["contract_sha"]:
            told = connection.scalar(
                sa.select(contracts.c.version).where(
                    contracts.c.dataset == dataset, contracts.c.sha == now["contract_sha"]
                )
            )
            self.emit(connection, "dataset.changed", dataset=dataset, body={"contract": told})
            count += 1
        if now["retired"] and not (old is not None and old.retired):
            self.emit(connection, "dataset.retired", dataset=dataset)
            count += 1
        newer = sa.select(versions.c.number, versions.c.published_at).where(
            versions.c.dataset == dataset, versions.c.number > before
        )
        for row in connection.execute(newer.order_by(versions.c.number)).all():
            body = {"version": row.number, "published_at": row.published_at.isoformat()}
            self.emit(connection, "version.published", dataset=dataset, subject=str(row.number), body=body)
            count += 1
        return count


def count_up(connection: Connection, name: str) -> int:
    """The next number of a counter. Its row is locked until the transaction ends, so numbers follow the commits."""
    done = connection.execute(counter.update().where(counter.c.name == name).values(n=counter.c.n + 1))
    if not done.rowcount:
        connection.execute(counter.insert().values(name=name, n=1))
    return int(connection.scalar(sa.select(counter.c.n).where(counter.c.name == name)) or 0)
