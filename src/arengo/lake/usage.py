"""What readers ask for, counted: the shapes of slow queries become clustered copies at the next build."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.lake.relation import Access
from arengo.lake.version import Version
from arengo.state import tables as t

if TYPE_CHECKING:
    from arengo.state import State

FLUSH_EVERY = 500
FLUSH_SECONDS = 60.0
SLOW_MS = 25.0
OFTEN = 20
MOST = 2


def shape(access: Access) -> str:
    """A query's shape as text: columns compared for equality, then the order; '' for neither."""
    equals = ",".join(sorted(access.equals))
    order = ",".join(access.order)
    return f"{equals}|{order}" if equals or order else ""


def group(form: str) -> tuple[str, ...]:
    """The sort that serves a shape."""
    equals, _, order = form.partition("|")
    names = tuple(name for name in equals.split(",") if name)
    return (*names, *(item for item in order.split(",") if item and item.lstrip("-") not in names))


class Usage:
    """Counts in memory, written to the state now and then; losing the last minute in a crash costs nothing."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._guard = threading.Lock()
        self._counts: dict[tuple[str, str], tuple[int, float]] = {}
        self._pending = 0
        self._flushed = time.monotonic()

    def add(self, dataset: str, access: Access, ms: float) -> None:
        key = (dataset, shape(access))
        if not key[1]:
            return
        with self._guard:
            n, total = self._counts.get(key, (0, 0.0))
            self._counts[key] = (n + 1, total + ms)
            self._pending += 1
            due = self._pending >= FLUSH_EVERY or time.monotonic() - self._flushed > FLUSH_SECONDS
        if due:
            self.flush()

    def flush(self) -> None:
        with self._guard:
            counts, self._counts, self._pending = self._counts, {}, 0
            self._flushed = time.monotonic()
        if not counts:
            return
        u = t.usage
        with self._state.write() as connection:
            for (dataset, form), (n, ms) in counts.items():
                done = connection.execute(
                    sa.update(u).where(u.c.dataset == dataset, u.c.shape == form).values(n=u.c.n + n, ms=u.c.ms + ms)
                )
                if done.rowcount == 0:
                    connection.execute(sa.insert(u).values(dataset=dataset, shape=form, n=n, ms=ms))

    def slow(self, version: Version) -> list[tuple[str, ...]]:
        """Sorts that would serve the shapes readers waited for most, most waited for first."""
        u = t.usage.c
        with self._state.read() as connection:
            rows = connection.execute(
                sa.select(u.shape)
                .where(u.dataset == version.dataset, u.n >= OFTEN, u.ms >= u.n * SLOW_MS)
                .order_by(u.ms.desc())
            ).all()
        held = {column.name for column in version.schema}
        found = [group(row.shape) for row in rows]
        return [item for item in found if all(name.lstrip("-") in held for name in item)][:MOST]
