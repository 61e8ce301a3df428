"""The tree's hashes and leaves, read from the database tile by tile."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import sqlalchemy as sa

from arengo.errors import LedgerBroken
from arengo.ledger import tables
from arengo.ledger.store import Store
from arengo.ledger.tiles import ENTRIES, WIDTH, Tile, bundle
from arengo.ledger.tree import TILE, node_hash

MOST_KEPT = 256  # full tiles in memory, 8 KB each


class Nodes:
    """Perfect subtrees by (level, index), for the proofs of :mod:`arengo.ledger.tree`. Safe for threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._guard = Lock()

    def __call__(self, level: int, index: int) -> bytes:
        height, inner = divmod(level, TILE)
        start, count = index << inner, 1 << inner
        tile, offset = divmod(start, WIDTH)
        hashes = self._hashes(height, tile, offset, count)
        row = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
        while len(row) > 1:
            row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        return row[0]

    def _hashes(self, level: int, tile: int, offset: int, count: int) -> bytes:
        with self._guard:
            kept = self._kept.get((level, tile))
            if kept is not None:
                self._kept.move_to_end((level, tile))
        if kept is None:
            found = self._read(level, tile * WIDTH, WIDTH)
            if len(found) == WIDTH * 32:
                with self._guard:
                    self._kept[level, tile] = found
                    while len(self._kept) > MOST_KEPT:
                        self._kept.popitem(last=False)
            kept = found
        out = kept[offset * 32 : (offset + count) * 32]
        if len(out) != count * 32:
            first = (tile * WIDTH + offset) << (8 * level)
            raise LedgerBroken(
                f"Hashes of the record are missing from entry {first:,} on.",
                todo="Run 'arengo ledger verify --city DIR', and restore the ledger database.",
            )
        return out

    def _read(self, level: int, start: int, count: int) -> bytes:
        if level == 0:
            table, place = tables.leaf, tables.leaf.c.n
        else:
            table, place = tables.node, tables.node.c.i
        wanted = sa.select(table.c.hash, place).where(place >= start, place < start + count).order_by(place)
        if level:
            wanted = wanted.where(tables.node.c.level == level)
        with self._store.read() as connection:
            rows = connection.execute(wanted).all()
        if any(int(row[1]) != start + at for at, row in enumerate(rows)):
            rows = []  # a gap: whoever needs what is behind it is told
        return b"".join(bytes(row[0]) for row in rows)

    def leaves(self, start: int, count: int) -> list[bytes]:
        c = tables.leaf.c
        wanted = sa.select(c.leaf).where(c.n >= start, c.n < start + count).order_by(c.n)
        with self._store.read() as connection:
            return [bytes(leaf) for leaf in connection.scalars(wanted)]

    def tile(self, tile: Tile) -> bytes:
        """A tile or bundle, made from the database. The caller sees to it that the tree has it."""
        if tile.level == ENTRIES:
            found = self.leaves(tile.index * WIDTH, tile.width)
            if len(found) != tile.width:
                raise LedgerBroken(f"Entries of the record are missing from entry {tile.index * WIDTH:,} on.")
            return bundle(found)
        return self._hashes(tile.level, tile.index, 0, tile.width)
