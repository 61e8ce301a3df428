"""The record of one city: what the other rooms tell and ask."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from arengo.ledger import entry as entries_module
from arengo.ledger import keys
from arengo.ledger.entry import IMMEDIATE, Visibility
from arengo.ledger.writer import Ticket, Writer
from arengo.settings import Settings

if TYPE_CHECKING:
    from arengo.ledger.store import Store
    from arengo.state import State


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

    @cached_property
    def store(self) -> Store:
        from arengo.ledger.store import Store

        return Store(self.settings, self.state)

    @cached_property
    def keys(self) -> keys.Keys:
        return keys.read(self.settings)

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

        ``kind``: one of ``KINDS``. ``actor``: id of who acted. ``body``: facts; the identifiers ``contract``,
        ``version``, ``snapshot``, ``purpose``, ``basis``, ``decision``, ``policy``, ``agreement``, ``request``, the
        list ``fields`` and the count ``rows`` (rounded for reads) are seen by everybody, the rest by auditors until it
        is erased. ``subjects``: whom it is about, ``*`` for everybody in the dataset; they never leave the machine.
        Raises BadForm for what cannot be recorded, LedgerBroken, StorageFull.
        """
        made = self._told(kind, actor, organisation, dataset, body, subjects, visibility)
        return self._open().append(made)

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
    ) -> Ticket:
        """Like :meth:`tell` without waiting: ``ticket.wait()`` returns when the entry is on the disk."""
        made = self._told(kind, actor, organisation, dataset, body, subjects, visibility)
        return self._open().submit(made)

    def _told(
        self,
        kind: str,
        actor: str,
        organisation: str,
        dataset: str,
        body: Mapping[str, Any],
        subjects: Iterable[str],
        visibility: Visibility,
    ) -> entries_module.Told:
        return entries_module.told(
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
                    self.__dict__.pop("store", None)
                self._writer = Writer(self.store, self.keys.names, self.now)
            return self._writer

    def close(self) -> None:
        """Write what waits and let go of the database."""
        with self._guard:
            writer, self._writer = self._writer, None
            if writer is not None and writer.pid == os.getpid():
                writer.close()
            store = self.__dict__.pop("store", None)
            if store is not None:
                store.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
