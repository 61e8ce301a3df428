"""Signing the record: checkpoints, the tiles they speak of, the cosignatures of witnesses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from arengo.errors import BadForm, Busy, LedgerBroken, NotFound
from arengo.ledger import checkpoint, note, tables
from arengo.ledger.checkpoint import Checkpoint
from arengo.ledger.entry import written
from arengo.ledger.keys import Keys
from arengo.ledger.listing import Listing
from arengo.ledger.nodes import Nodes
from arengo.ledger.store import Store
from arengo.ledger.tiles import WIDTH, Folder, Tile, parse, tiles_of
from arengo.ledger.tree import Frontier, root_of
from arengo.state.database import State

KEEP_ALL = timedelta(days=2)
"""After that, of the checkpoints that no witness cosigned one an hour is kept."""


class Signing:
    """One process at a time signs and writes the tiles; every process may ask."""

    def __init__(
        self, home: Path, state: State, store: Store, keys: Keys, nodes: Nodes, now: Callable[[], datetime]
    ) -> None:
        self.folder = Folder(home / "ledger" / "tiles")
        self._state = state
        self._store = store
        self._keys = keys
        self._nodes = nodes
        self._now = now
        self._listing = Listing(store, now)

    def floor(self) -> int:
        """How long the record was when it was signed last, by the file that was published.

        Raises LedgerBroken when the database does not begin with what was signed: it was set back or changed.
        """
        signed = self._published()
        if signed is None:
            return 0
        size, _ = self._listing.head()
        self._continues(signed, size)
        return signed.size

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint, with the cosignatures that came in."""
        found = self.checkpoints(1)
        return found[0] if found else None

    def age(self) -> timedelta | None:
        """How long ago the newest checkpoint was signed; None before the first."""
        c = tables.checkpoint.c
        with self._store.read() as connection:
            found = connection.scalar(sa.select(c.at).order_by(c.size.desc()).limit(1))
        return self._now() - datetime.fromisoformat(found) if found else None

    def at(self, size: int) -> Checkpoint:
        """Raises NotFound when none was signed over ``size`` entries, or it is no longer kept."""
        c = tables.checkpoint.c
        with self._store.read() as connection:
            found = connection.scalar(sa.select(c.note).where(c.size == size))
        if found is None:
            raise NotFound(f"No checkpoint over {size} entries is kept.")
        return checkpoint.parse(found)

    def checkpoints(self, limit: int = 100, before: int | None = None) -> tuple[Checkpoint, ...]:
        """Kept checkpoints, the newest first."""
        c = tables.checkpoint.c
        wanted = sa.select(c.note).order_by(c.size.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(c.size < before)
        with self._store.read() as connection:
            return tuple(checkpoint.parse(found) for found in connection.scalars(wanted))

    def sign(self, *, again: bool = False) -> Checkpoint:
        """Sign what is on the disk now, when it grew; write the tiles first.

        ``again``: sign although nothing grew, with a key that is new. Raises LedgerBroken when the record is no longer
        what was signed before; nothing is signed then.
        """
        try:
            with self._state.hold("ledger-checkpoint"):
                return self._sign(again)
        except Busy:
            found = self.latest()
            if found is None:
                raise
            return found

    def _sign(self, again: bool) -> Checkpoint:
        size, peaks = self._listing.head()
        tree = Frontier(size, [peaks[i : i + 32] for i in range(0, len(peaks), 32)])
        before, published = self.latest(), self._published()
        for known in (before, published):
            if known is not None:
                self._continues(known, size)
        if root_of(size, self._nodes) != tree.root:
            raise LedgerBroken(
                "The hashes of the record do not give its root: the database was changed.",
                todo="Run 'arengo ledger verify --city DIR'; nothing is signed until then.",
            )
        done = published.size if published is not None else 0
        for tile in tiles_of(size, done):
            self.folder.keep(tile, self._nodes.tile(tile))
        if before is not None and before.size == size and not again:
            made = before
        else:
            made = checkpoint.sign(self._keys.log, size, tree.root)
            self._keep(made)
        if self.folder.checkpoint() != made.text:
            self.folder.keep_checkpoint(made.text)
        return made

    def _published(self) -> Checkpoint | None:
        """The checkpoint in the folder, when it is one of this record."""
        text = self.folder.checkpoint()
        if not text:
            return None
        try:
            found = checkpoint.parse(text)
            ours = found.origin == self._keys.log.name and found.note.signed_by(
                [self._keys.log.verifier, *self._keys.before]
            )
        except BadForm:
            return None  # damaged or somebody's else: it is written anew
        return found if ours else None

    def _continues(self, signed: Checkpoint, size: int) -> None:
        if size < signed.size:
            raise LedgerBroken(
                f"The record was signed over {signed.size:,} entries and holds {size:,}: it was set back.",
                todo="Restore the newer ledger database; nothing is written until then.",
            )
        if root_of(signed.size, self._nodes) != signed.root:
            raise LedgerBroken(
                f"The first {signed.size:,} entries are not those that were signed.",
                todo="Run 'arengo ledger verify --city DIR'; nothing is written until then.",
            )

    def _keep(self, made: Checkpoint) -> None:
        c = tables.checkpoint.c
        now = self._now()
        values = {"root": made.root, "note": made.text, "at": written(now), "cosigned": 0}
        hourly = sa.select(sa.func.max(c.size)).group_by(sa.func.substr(c.at, 1, 13))
        old = sa.delete(tables.checkpoint).where(
            c.at < written(now - KEEP_ALL), c.cosigned == 0, c.size.not_in(hourly.scalar_subquery())
        )
        with self._store.engine.begin() as connection:
            connection.execute(sa.delete(tables.checkpoint).where(c.size == made.size))
            connection.execute(sa.insert(tables.checkpoint).values(size=made.size, **values))
            connection.execute(old)

    def cosigned(self, size: int, lines: str, keys: Iterable[note.VerifierKey]) -> int:
        """Add the signatures of witnesses to the checkpoint over ``size``; how many were new and right.

        Signatures of unknown keys and wrong ones are left out. Raises BadForm, NotFound.
        """
        c = tables.checkpoint.c
        given = note.signatures(lines)
        known = {(key.name, key.id): key for key in keys}
        with self._store.engine.begin() as connection:
            found = connection.scalar(sa.select(c.note).where(c.size == size))
            if found is None:
                raise NotFound(f"No checkpoint over {size} entries is kept.")
            held = checkpoint.parse(found)
            there = {(item.name, item.id) for item in held.note.signatures}
            added = [
                item
                for item in given
                if (key := known.get((item.name, item.id)))
                and (item.name, item.id) not in there
                and key.checks(held.note.text, item.made)
            ]
            if not added:
                return 0
            text = found + "".join(map(str, added))
            connection.execute(
                sa.update(tables.checkpoint).where(c.size == size).values(note=text, cosigned=c.cosigned + len(added))
            )
            newest = int(connection.scalar(sa.select(sa.func.max(c.size))) or 0) == size
        if newest:
            self.folder.keep_checkpoint(text)
        return len(added)

    def tile(self, path: str) -> bytes:
        """A tile or bundle of what is signed, by its path; made again when its file is lost. Raises NotFound."""
        wanted = parse(path)
        found = self.folder.read(wanted)
        if found is not None:
            return found
        signed = self.latest()
        if signed is None or not wanted.within(signed.size):
            raise NotFound("The signed record has no such tile (yet).")
        made = self._nodes.tile(wanted)
        if wanted.width == WIDTH or wanted in _edge(signed.size):
            self.folder.keep(wanted, made)
        return made


def _edge(size: int) -> set[Tile]:
    """The tiles at the right edge of a tree."""
    return {tile for tile in tiles_of(size, size - 1) if tile.width < WIDTH} if size else set()
