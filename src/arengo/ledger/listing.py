"""Reading the record: one entry, entries by kind, dataset, organisation and day, how many there were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import NotFound
from arengo.ledger import tables
from arengo.ledger.entry import IMMEDIATE, Entry, Visibility
from arengo.ledger.store import Store

MOST = 1000


class Listing:
    """What is held. ``whole`` shows bodies too, for auditors: never those that are hidden."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def head(self) -> tuple[int, bytes]:
        """(size, peaks of the tree) of what is on the disk now."""
        c = tables.head.c
        with self._store.read() as connection:
            row = connection.execute(sa.select(c.size, c.peaks)).one()
        return int(row.size), bytes(row.peaks)

    def entry(self, number: int, *, whole: bool = False) -> Entry:
        """Raises NotFound."""
        found = self.numbered([number], whole=whole) if 0 <= number < 1 << 62 else ()
        if not found:
            raise NotFound(f"The record has no entry {number}.", todo=f"It has {self.head()[0]:,} entries, from 0.")
        return found[0]

    def numbered(self, numbers: Iterable[int], *, whole: bool = False) -> tuple[Entry, ...]:
        """Entries by their numbers, in order; those that are not there are left out."""
        wanted = sorted(set(numbers))
        out: list[Entry] = []
        with self._store.read() as connection:
            for start in range(0, len(wanted), 500):
                part = sa.select(tables.leaf).where(tables.leaf.c.n.in_(wanted[start : start + 500]))
                out += self._made(connection, part.order_by(tables.leaf.c.n), whole)
        return tuple(out)

    def entries(
        self,
        after: int = -1,
        limit: int = 100,
        *,
        before: int | None = None,
        kind: str = "",
        dataset: str = "",
        organisation: str = "",
        day: str = "",
        actor: str = "",
        whole: bool = False,
    ) -> tuple[Entry, ...]:
        """Entries behind ``after``, the oldest first; with ``before`` those below it, the newest first.

        ``day``: YYYY-MM-DD in UTC. ``actor``: the id told, found only while the body is held.
        """
        c = tables.leaf.c
        wanted = sa.select(tables.leaf).where(c.n > after).limit(max(0, min(limit, MOST)))
        for column, value in ((c.kind, kind), (c.dataset, dataset), (c.organisation, organisation)):
            if value:
                wanted = wanted.where(column == value)
        with self._store.read() as connection:
            if day:
                first, last = self._span(connection, day)
                wanted = wanted.where(c.n >= first, c.n < last)
            if actor:
                mine = sa.select(tables.body.c.n).where(tables.body.c.actor == actor)
                wanted = wanted.where(c.n.in_(mine))
            wanted = wanted.order_by(c.n) if before is None else wanted.where(c.n < before).order_by(c.n.desc())
            return tuple(self._made(connection, wanted, whole))

    def days(self, since: str = "") -> dict[str, dict[str, int]]:
        """Day -> kind -> entries, the newest day first; from ``since`` on (YYYY-MM-DD, UTC)."""
        c = tables.day.c
        out: dict[str, dict[str, int]] = {}
        with self._store.read() as connection:
            for row in connection.execute(
                sa.select(c.day, c.kind, c.entries).where(c.day >= since).order_by(c.day.desc(), c.kind)
            ):
                out.setdefault(row.day, {})[row.kind] = int(row.entries)
        return out

    def _span(self, connection: Connection, day: str) -> tuple[int, int]:
        """The first entry of a day and the one behind its last: times never go back, so counting is enough."""
        c = tables.day.c
        total = sa.func.coalesce(sa.func.sum(c.entries), 0)
        first = int(connection.scalar(sa.select(total).where(c.day < day)) or 0)
        return first, first + int(connection.scalar(sa.select(total).where(c.day == day)) or 0)

    def _made(self, connection: Connection, wanted: sa.Select[Any], whole: bool) -> list[Entry]:
        rows = connection.execute(wanted).all()
        numbers = [int(row.n) for row in rows]
        hidden = self._hidden(connection, numbers)
        held = self._held(connection, numbers, whole)
        now = self._now()
        out = []
        for row in rows:
            number, leaf = int(row.n), bytes(row.leaf)
            way = hidden.get(number, IMMEDIATE)
            kept = held.get(number)
            shown = whole and not way.hides(now) and kept is not None
            text = kept[0] if kept and shown else b""
            out.append(
                Entry(
                    number,
                    leaf,
                    bytes(row.hash),
                    _facts(leaf),
                    way.hides(now),
                    kept is None,
                    _facts(text) if shown else None,
                    text.decode(),
                    kept[1].hex() if kept and shown else "",
                    way,
                )
            )
        return out

    def _hidden(self, connection: Connection, numbers: list[int]) -> dict[int, Visibility]:
        c = tables.hidden.c
        return {
            int(row.n): Visibility(
                row.kind, datetime.fromisoformat(row.until) if row.until else None, row.by, row.basis
            )
            for row in connection.execute(sa.select(tables.hidden).where(c.n.in_(numbers)))
        }

    def _held(self, connection: Connection, numbers: list[int], whole: bool) -> dict[int, tuple[bytes, bytes]]:
        c = tables.body.c
        if not whole:
            found = connection.scalars(sa.select(c.n).where(c.n.in_(numbers)))
            return {int(number): (b"", b"") for number in found}
        rows = connection.execute(sa.select(c.n, c.text, c.salt).where(c.n.in_(numbers)))
        return {int(row.n): (bytes(row.text), bytes(row.salt)) for row in rows}


def _facts(text: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:  # somebody changed it; the proof will say so
        return {}
    return found if isinstance(found, dict) else {}
