"""The record of one city: what the other rooms tell and ask."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from arengo.errors import BadForm, Busy, LedgerBroken, NotFound
from arengo.ledger import keys, tally
from arengo.ledger.checkpoint import Checkpoint
from arengo.ledger.entry import IMMEDIATE, Entry, Told, Visibility, told, written
from arengo.ledger.listing import Listing
from arengo.ledger.nodes import Nodes
from arengo.ledger.note import VerifierKey
from arengo.ledger.persons import Mentions, Persons
from arengo.ledger.signing import Signing
from arengo.ledger.store import Store, Transaction
from arengo.ledger.tree import Frontier, consistency_proof, inclusion_proof
from arengo.ledger.witness import Witness
from arengo.ledger.writer import Ticket, Writer
from arengo.settings import Settings
from arengo.state.database import State

ROOMS = ("store", "listing", "nodes", "signing", "persons", "witness")


COUNT_SECONDS = 5.0
"""What counting may take before a checkpoint that is due: many readings must not keep the record unsigned."""


def _utc() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Append-only and provable. Opens its database when first used; safe for threads and for several processes."""

    def __init__(self, settings: Settings, state: State, *, now: Callable[[], datetime] = _utc) -> None:
        self.settings = settings
        self.state = state
        self.now = now
        self._guard = threading.Lock()
        self._writer: Writer | None = None
        self._broken: LedgerBroken | None = None

    @cached_property
    def store(self) -> Store:
        return Store(self.settings, self.state)

    @cached_property
    def keys(self) -> keys.Keys:
        return keys.read(self.settings)

    @cached_property
    def listing(self) -> Listing:
        return Listing(self.store, self.now)

    @cached_property
    def nodes(self) -> Nodes:
        return Nodes(self.store)

    @cached_property
    def signing(self) -> Signing:
        return Signing(self.settings.home, self.state, self.store, self.keys, self.nodes, self.now)

    @cached_property
    def persons(self) -> Persons:
        return Persons(self.store, self.keys.names, self.listing)

    @cached_property
    def witness(self) -> Witness:
        """Cosigns the records named in [ledger] logs. Raises SettingsError for a key that cannot be read."""
        return Witness(self.store, self.keys.witness, keys.logs(self.settings), self.now)

    # Writing

    def tell(
        self,
        kind: str,
        *,
        actor: str = "",
        organisation: str = "",
        dataset: str = "",
        body: Mapping[str, Any] = {},
        subjects: Iterable[str] = (),
        visibility: Visibility = IMMEDIATE,
    ) -> int:
        """Record what happened; returns the entry's number when it is on the disk.

        ``kind``: one of ``KINDS``. ``actor``: id of who acted. ``body``: facts. Of these everybody sees identifiers
        under the names of :data:`arengo.ledger.entry.WORDS`, the list ``fields`` (``columns``) and the count ``rows``
        (rounded for reads); auditors see the rest until it is erased. ``subjects``: whom it is about, ``*`` for
        everybody in the dataset; they never leave the machine.
        Raises BadForm for what cannot be recorded, LedgerBroken, StorageFull.
        """
        made = self._told(kind, actor, organisation, dataset, body, subjects, visibility)
        return self._open().submit(made, wake=False).wait()

    def submit(
        self,
        kind: str,
        *,
        actor: str = "",
        organisation: str = "",
        dataset: str = "",
        body: Mapping[str, Any] = {},
        subjects: Iterable[str] = (),
        visibility: Visibility = IMMEDIATE,
        wake: bool = True,
    ) -> Ticket:
        """Like :meth:`tell` without waiting: ``ticket.wait()`` returns when the entry is on the disk.

        ``wake`` False: the caller waits soon, and then writes by itself all that waits.
        """
        made = self._told(kind, actor, organisation, dataset, body, subjects, visibility)
        return self._open().submit(made, wake=wake)

    def _told(
        self,
        kind: str,
        actor: str,
        organisation: str,
        dataset: str,
        body: Mapping[str, Any],
        subjects: Iterable[str],
        visibility: Visibility,
    ) -> Told:
        return told(
            kind,
            actor=actor,
            organisation=organisation,
            dataset=dataset,
            body=body,
            subjects=subjects,
            visibility=visibility,
            names=self.keys.names,
        )

    def _open(self) -> Writer:
        writer = self._writer
        if writer is not None and writer.pid == os.getpid():
            return writer
        with self._guard:
            if self._writer is None or self._writer.pid != os.getpid():
                if self._writer is not None:  # this process was forked: nothing of the parent's may be used
                    for name in ROOMS:
                        self.__dict__.pop(name, None)
                self._writer = Writer(self.store, self.keys.names, self.now, self.signing.floor())
            return self._writer

    # Reading

    @property
    def size(self) -> int:
        """Entries on the disk."""
        return self.listing.head()[0]

    @property
    def root(self) -> bytes:
        """Root of the tree over all of them."""
        size, peaks = self.listing.head()
        return Frontier(size, [peaks[at : at + 32] for at in range(0, len(peaks), 32)]).root

    def entry(self, number: int, *, whole: bool = False) -> Entry:
        """``whole``: with its body, when it is neither hidden nor erased. Raises NotFound."""
        return self.listing.entry(number, whole=whole)

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

        At most 1,000. ``day``: YYYY-MM-DD (UTC). ``whole``: with bodies that are neither hidden nor erased.
        """
        chosen = {"kind": kind, "dataset": dataset, "organisation": organisation, "day": day, "actor": actor}
        return self.listing.entries(after, limit, before=before, whole=whole, **chosen)

    def days(self, since: str = "") -> dict[str, dict[str, int]]:
        """Day -> kind -> entries, the newest day first."""
        return self.listing.days(since)

    # Proving

    def inclusion(self, number: int, size: int | None = None) -> tuple[bytes, ...]:
        """Proof that an entry is in the tree of the first ``size`` entries. Raises NotFound."""
        held = self.size
        size = held if size is None else size
        if not 0 <= number < size <= held:
            raise NotFound(f"There is no entry {number} among the first {size} of {held}.")
        return tuple(inclusion_proof(number, size, self.nodes))

    def consistency(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """Proof that the tree of ``size`` entries begins with the one of ``old``. Raises NotFound."""
        held = self.size
        size = held if size is None else size
        if not 0 <= old <= size <= held:
            raise NotFound(f"The record has {held} entries; {old} to {size} is no span of it.")
        return tuple(consistency_proof(old, size, self.nodes))

    def checkpoint(self) -> Checkpoint | None:
        """The newest signed checkpoint with its cosignatures."""
        return self.signing.latest()

    def sign(self, *, seconds: float | None = None) -> Checkpoint:
        """Count, sign what is on the disk and publish its tiles. Raises LedgerBroken.

        ``seconds``: how long counting may take; what is left is counted before the next checkpoint.
        """
        try:
            self.count(seconds)
            made = self.signing.sign()
        except LedgerBroken as error:
            self._broken = error
            raise
        self._broken = None
        return made

    def check(self) -> int:
        """How many entries there are. Raises LedgerBroken when they are known not to be what was signed."""
        if self._broken is not None:
            raise self._broken
        size = self.size
        self._open().check(size)
        return size

    def count(self, seconds: float | None = None) -> None:
        """Put into the record which how-manieth entry about each person every new entry is. Raises LedgerBroken.

        ``seconds``: stop after so many, None to go on to the end.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while self.persons.uncounted() and (until is None or time.monotonic() < until):
            with self._open().alone() as transaction:
                self._count(transaction)

    def _count(self, transaction: Transaction) -> bool:
        """One count; whether there is more."""
        made = tally.take(transaction)
        if made is None:
            return False
        body = {"action": "count", "map": made.root.hex(), "size": made.size}
        number = self._open().put(transaction, [self._told("completeness", "", "", "", body, (), IMMEDIATE)])
        tally.keep(transaction, number, made)
        return made.more

    def turn(self) -> Checkpoint | None:
        """What is due by itself: the day's map, and a checkpoint when the record grew. Called every few seconds."""
        signed = self.signing.latest()
        head = self.size
        if not head or (signed is not None and signed.size == head and self._is_published(signed)):
            return None
        age = self.signing.age()
        if age is not None and age.total_seconds() < self.settings.ledger.checkpoint_seconds:
            return None
        self._map_daily()
        return self.sign(seconds=COUNT_SECONDS)

    def public_keys(self) -> tuple[VerifierKey, ...]:
        """The record's own key, those it had before, then its witnesses'. Raises SettingsError."""
        return (self.keys.log.verifier, *self.keys.before, *(item.key for item in keys.witnesses(self.settings)))

    def rotate(self, *, actor: str = "") -> VerifierKey:
        """Give the record a new key under its old name. The old key signs the entry that names the new one.

        Other processes of this city sign with the old key, which stays valid, until they open the record again.
        """
        made = keys.rotated(self.settings, self.keys)
        body = {"action": "key-changed", "verifier": str(made.log.verifier), "before": str(self.keys.log.verifier)}
        self.tell("administration", actor=actor, body=body)
        self.sign()
        keys.write(self.settings.home / "ledger.key", made)
        self.close()
        self.__dict__.pop("keys", None)
        self.signing.sign(again=True)
        return made.log.verifier

    def _is_published(self, signed: Checkpoint) -> bool:
        return self.signing.folder.checkpoint() == signed.text

    def _map_daily(self) -> None:
        today = self.now().strftime("%Y-%m-%d")
        if self.persons.mapped_on() >= today:
            return
        with contextlib.suppress(Busy), self.state.hold("ledger-map"):
            if self.persons.mapped_on() < today:
                self.map()

    def map(self) -> int | None:
        """Record how many entries there are about each person, as the root of a map; the entry's number.

        None when there are none about anybody.
        """
        self.count()
        size, made = self.persons.map()
        if not len(made):
            return None
        number = self.tell("completeness", body={"action": "map", "map": made.root.hex(), "size": size})
        with self._open().alone() as transaction:
            self.persons.keep_map(transaction, number, size, made)
        return number

    # Persons

    def of_subject(self, subject: str, *, datasets: Iterable[str] = (), whole: bool = False) -> tuple[Mentions, ...]:
        """What is recorded about a person: her own entries, then those about everybody of each of ``datasets``.

        Each with the proof that it is all there is. Hidden entries are among them, without their bodies.
        """
        with contextlib.suppress(LedgerBroken):  # then what was counted before is shown
            self.count()
        names = self.keys.names
        wanted = [names.subject(subject), *(names.everyone(dataset) for dataset in datasets)]
        return tuple(self.persons.about(pseudonym, whole=whole) for pseudonym in wanted)

    def erase_subject(self, subject: str, *, actor: str = "", basis: str = "") -> int:
        """Forget which entries were about a person; how many there were. The erasure itself is recorded."""
        pseudonym = self.keys.names.subject(subject)
        self.count()
        with self._open().alone() as transaction:
            while self._count(transaction):
                pass
            count = self.persons.erase(transaction, pseudonym)
        self.store.forget()
        if count:
            self.tell("retention", actor=actor, body={"basis": basis, "erased": "subject", "entries": count})
            self.map()  # the last one still counts her
        return count

    def erase_bodies(self, *, before: datetime, kinds: Iterable[str] = (), actor: str = "", basis: str = "") -> int:
        """Erase the bodies and salts of entries older than ``before``; their leaves stay. How many there were."""
        with self._open().alone() as transaction:
            count = self.persons.erase_bodies(transaction, written(before), tuple(kinds))
        self.store.forget()
        if count:
            told = {"basis": basis, "erased": "bodies", "entries": count, "before": written(before)}
            self.tell("retention", actor=actor, body=told)
        return count

    def hide(self, number: int, visibility: Visibility, *, organisation: str = "") -> None:
        """Defer or seal an entry that was told openly: its body is shown to nobody. That it was hidden is recorded.

        Its leaf is already public; what must not be seen from the start is told with a visibility.
        """
        self.entry(number)
        if visibility.kind == "immediate":
            raise BadForm("An entry is hidden as deferred or sealed.", todo="Use reveal() to show it again.")
        until = written(visibility.until) if visibility.until else ""
        body = {"entry": number, "visibility": visibility.kind, "until": until, "basis": visibility.basis}
        self.tell("administration", actor=visibility.by, organisation=organisation, body=body)
        with self._open().alone() as transaction:
            self.persons.hide(transaction, number, visibility)

    def reveal(self, number: int, *, by: str, basis: str, organisation: str = "") -> None:
        """Open a deferred or sealed entry. That it was opened is recorded first."""
        self.entry(number)
        body = {"entry": number, "visibility": "immediate", "basis": basis}
        self.tell("administration", actor=by, organisation=organisation, body=body)
        with self._open().alone() as transaction:
            transaction.run("DELETE FROM ledger_hidden WHERE n = ?", (number,))

    def close(self) -> None:
        """Write what waits and let go of the database."""
        with self._guard:
            writer, self._writer = self._writer, None
            if writer is not None and writer.pid == os.getpid():
                writer.close()
            store = self.__dict__.get("store")
            if store is not None:
                store.close()
            for name in ROOMS:
                self.__dict__.pop(name, None)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
