"""Appending: many threads and processes at once, each acknowledged when its entry is on the disk.

Entries that wait are written in one transaction (group commit). Whoever waits first writes for all who wait; a thread
of its own writes for those who do not wait.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from arengo.errors import ArengoError, LedgerBroken, storage_full
from arengo.ledger.entry import UNNAMED, Pseudonyms, Told, written
from arengo.ledger.store import Store, Transaction
from arengo.ledger.tree import Frontier, leaf_hash

MOST = 4096
"""Entries of one transaction."""


class Ticket:
    """An entry that was handed in. ``wait()`` returns its number when it is durable."""

    __slots__ = ("_done", "_error", "_number", "_writer", "told")

    def __init__(self, told: Told, writer: Writer) -> None:
        self.told = told
        self._writer = writer
        self._done = threading.Event()
        self._error: Exception | None = None
        self._number = -1

    @property
    def done(self) -> bool:
        return self._done.is_set()

    def wait(self, timeout: float | None = None) -> int:
        """The entry's number. Raises what kept it from being written, TimeoutError when it takes longer."""
        self._writer.help(self)
        if not self._done.wait(timeout):
            raise TimeoutError("The entry is not written yet.")
        if self._error is not None:
            raise self._error
        return self._number

    def settle(self, number: int, error: Exception | None = None) -> None:
        self._number, self._error = number, error
        self._done.set()


class Writer:
    """The one place that appends. Safe for threads; made anew in a process that was forked."""

    def __init__(self, store: Store, names: Pseudonyms, now: Callable[[], datetime], floor: int = 0) -> None:
        self._store = store
        self._names = names
        self._now = now
        self._floor = floor  # the record was this long once: it can never be shorter
        self._turn = threading.Lock()
        self._starting = threading.Lock()
        self._pending: deque[Ticket] = deque()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.pid = os.getpid()

    def submit(self, told: Told, *, wake: bool = True) -> Ticket:
        """Hand in. Without ``wake`` it is for the caller to wait soon: it is then written in the caller's own thread,
        together with all that waits, when nobody else writes.
        """
        ticket = Ticket(told, self)
        self._pending.append(ticket)
        if wake:
            self._start()
            self._wake.set()
        return ticket

    def check(self, size: int) -> None:
        """Raises LedgerBroken when the record holds fewer entries than it did."""
        if size < self._floor:
            raise LedgerBroken(
                f"The record held {self._floor:,} entries and holds {size:,} now: it was set back.",
                todo="Restore the newer ledger database; nothing is written until then.",
            )

    def help(self, ticket: Ticket) -> None:
        """Write what waits until ``ticket`` is written, unless somebody writes already; leave the rest to the thread.

        Whoever finds the turn taken may wait: the one who has it looks again after giving it back.
        """
        while not ticket.done:
            if not self._turn.acquire(blocking=False):
                return
            try:
                self._write()
            finally:
                self._turn.release()
        self._leave()

    def _leave(self) -> None:
        """What came while the turn was held is written by the thread."""
        if self._pending:
            self._start()
            self._wake.set()

    @contextlib.contextmanager
    def alone(self) -> Iterator[Transaction]:
        """A transaction of another kind while nobody appends, in this process or another."""
        try:
            with self._turn, self._store.write() as transaction:
                transaction.head()
                yield transaction
        finally:
            self._leave()

    def close(self) -> None:
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with self._turn:
            while self._pending:
                self._write()

    def _start(self) -> None:
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="arengo-ledger", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait()
            self._wake.clear()
            while self._pending:
                with self._turn:
                    self._write()

    def _write(self) -> None:
        """One transaction for what waits now. The turn is held."""
        batch: list[Ticket] = []
        while self._pending and len(batch) < MOST:
            batch.append(self._pending.popleft())
        if not batch:
            return
        try:
            first = self._commit([ticket.told for ticket in batch])
        except Exception as error:
            met = error if isinstance(error, ArengoError) else storage_full(error) or error
            for ticket in batch:
                ticket.settle(-1, met)
            return
        for number, ticket in enumerate(batch, first):
            ticket.settle(number)

    def _commit(self, batch: Sequence[Told]) -> int:
        with self._store.write() as transaction:
            first = self.put(transaction, batch)
        self._floor = first + len(batch)
        return first

    def put(self, transaction: Transaction, batch: Sequence[Told]) -> int:
        """Add entries in a transaction that somebody else ends; the first one's number. Raises LedgerBroken."""
        size, peaks, last = transaction.head()
        self.check(size)
        made = _Batch(size, peaks, max(last, written(self._now())), self._names)
        for told in batch:
            made.add(told)
        made.write(transaction)
        return size


class _Batch:
    """The rows of one transaction."""

    def __init__(self, size: int, peaks: bytes, at: str, names: Pseudonyms) -> None:
        self.tree = Frontier(size, [peaks[i : i + 32] for i in range(0, len(peaks), 32)])
        self.at = at  # never before the entry before, whatever the clock does
        self.names = names
        self.month = datetime.fromisoformat(at).astimezone(UTC)
        self.leaves: list[tuple[int, bytes, bytes, str, str, str, str]] = []
        self.nodes: list[tuple[int, int, bytes]] = []
        self.bodies: list[tuple[int, str, bytes, bytes]] = []
        self.hidden: list[tuple[int, str, str, str, str]] = []
        self.persons: list[tuple[int, bytes, bytes]] = []
        self.kinds: Counter[str] = Counter()

    def add(self, told: Told) -> None:
        number = self.tree.size
        if told.slots:
            self.persons.append((number, told.slots, b""))
        actor = self.names.actor(told.actor, told.organisation, self.month) if told.actor else ""
        leaf = told.leaf(number, self.at, actor)
        found = leaf_hash(leaf)
        self.nodes += self.tree.add(found)
        shown = told.visibility.kind == "immediate" and told.kind not in UNNAMED
        dataset, organisation = (told.dataset, told.organisation) if shown else ("", "")
        self.leaves.append((number, leaf, found, told.kind, dataset, organisation, self.at))
        self.bodies.append((number, told.actor, told.text, told.salt))
        self.kinds[told.kind] += 1
        if told.visibility.kind != "immediate":
            way = told.visibility
            self.hidden.append((number, way.kind, written(way.until) if way.until else "", way.by, way.basis))

    def write(self, transaction: Transaction) -> None:
        insert = transaction.insert
        insert("ledger_leaf", "n, leaf, hash, kind, dataset, organisation, at", self.leaves)
        insert("ledger_body", "n, actor, text, salt", self.bodies)
        insert("ledger_node", "level, i, hash", self.nodes)
        insert("ledger_hidden", 'n, kind, until, "by", basis', self.hidden)
        insert("ledger_about", "n, slots, gone", self.persons)
        days = [(self.at[:10], kind, count) for kind, count in self.kinds.items()]
        added = "ON CONFLICT (day, kind) DO UPDATE SET entries = ledger_day.entries + excluded.entries"
        insert("ledger_day", "day, kind, entries", days, added)
        transaction.run(
            "UPDATE ledger_head SET size = ?, peaks = ?, at = ? WHERE id = 1",
            (self.tree.size, b"".join(self.tree.peaks), self.at),
        )
