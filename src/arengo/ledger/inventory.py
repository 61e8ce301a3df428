"""Checking a running city's record in its database: leaves and signatures as in an export, and what stands around them.

Besides the proofs: hashes kept beside leaves, bodies against their commitments, persons against their roots, the files
that are published against what the database gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import sqlalchemy as sa

from arengo.errors import LedgerBroken
from arengo.ledger import audit, note, tables
from arengo.ledger.audit import Problem, Report
from arengo.ledger.entry import commitment, counted, subjects_root
from arengo.ledger.tiles import WIDTH, tiles_of
from arengo.ledger.tree import Frontier

if TYPE_CHECKING:
    from arengo.ledger.ledger import Ledger

STEP = 2000


class City:
    """A city's record as a source of :func:`arengo.ledger.audit.verify`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def keys(self) -> Sequence[note.VerifierKey]:
        return self._ledger.public_keys()

    def checkpoints(self) -> Iterator[str]:
        published = self._ledger.signing.folder.checkpoint()
        if published:
            yield published
        c = tables.checkpoint.c
        with self._ledger.store.read() as connection:
            yield from connection.scalars(sa.select(c.note).order_by(c.size)).all()

    def leaves(self) -> Iterator[bytes]:
        c, last = tables.leaf.c, -1
        while True:
            wanted = sa.select(c.n, c.leaf).where(c.n > last).order_by(c.n).limit(STEP)
            with self._ledger.store.read() as connection:
                rows = connection.execute(wanted).all()
            for row in rows:
                yield bytes(row.leaf)
            if not rows:
                return
            last = int(rows[-1].n)

    def hashes(self, tile: int) -> bytes:
        c = tables.leaf.c
        wanted = sa.select(c.hash).where(c.n >= tile * WIDTH, c.n < (tile + 1) * WIDTH).order_by(c.n)
        with self._ledger.store.read() as connection:
            return b"".join(bytes(found) for found in connection.scalars(wanted))


def verify(ledger: Ledger, *, trusted: Sequence[note.VerifierKey] = (), against: Sequence[str] = ()) -> Report:
    """Check the record of a city. The report's problems name entries whose bodies or persons were changed too."""
    found = audit.verify(City(ledger), trusted=trusted, against=against)
    problems = [*found.problems, *_around(ledger, found)]
    return replace(found, problems=tuple(problems))


def _around(ledger: Ledger, found: Report) -> Iterator[Problem]:
    size, peaks = ledger.listing.head()
    if size != found.entries:
        yield Problem("damage", f"The record counts {size:,} entries and holds {found.entries:,}.")
    elif not found.problems:
        tree = Frontier(size, [peaks[at : at + 32] for at in range(0, len(peaks), 32)])
        if found.root != tree.root:
            yield Problem("damage", "The tree that new entries are added to is not that of the entries held.")
    yield from _bodies(ledger)
    yield from _persons(ledger)
    yield from _files(ledger)


def _bodies(ledger: Ledger) -> Iterator[Problem]:
    b, last = tables.body.c, -1
    while True:
        wanted = (
            sa.select(b.n, b.text, b.salt, tables.leaf.c.leaf)
            .join(tables.leaf, tables.leaf.c.n == b.n, isouter=True)
            .where(b.n > last)
            .order_by(b.n)
            .limit(STEP)
        )
        with ledger.store.read() as connection:
            rows = connection.execute(wanted).all()
        for row in rows:
            said = _said(row.leaf, "body")
            if said != commitment(bytes(row.salt), bytes(row.text)).hex():
                yield Problem(
                    "edit", f"The body of entry {row.n} was edited: it is not what its leaf commits to.", row.n
                )
        if not rows:
            return
        last = int(rows[-1].n)


def _persons(ledger: Ledger) -> Iterator[Problem]:
    c, last = tables.commitments.c, -1
    while True:
        wanted = (
            sa.select(c.n, c.hashes, tables.leaf.c.leaf)
            .join(tables.leaf, tables.leaf.c.n == c.n, isouter=True)
            .where(c.n > last)
            .order_by(c.n)
            .limit(STEP)
        )
        with ledger.store.read() as connection:
            rows = connection.execute(wanted).all()
            s = tables.subject.c
            numbers = [int(row.n) for row in rows]
            span = sa.select(s.n, s.pseudonym, s.counter, s.salt).where(
                s.n >= (numbers[0] if numbers else 0), s.n <= (numbers[-1] if numbers else -1)
            )
            persons = connection.execute(span).all()
        held: dict[int, set[bytes]] = {}
        for row in rows:
            hashes = bytes(row.hashes)
            parts = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
            held[int(row.n)] = set(parts)
            if _said(row.leaf, "subjects") != subjects_root(parts).hex():
                sentence = f"The persons of entry {row.n} were edited: they are not what its leaf commits to."
                yield Problem("edit", sentence, int(row.n))
        for person in persons:
            made = commitment(bytes(person.salt), counted(person.pseudonym, int(person.counter)))
            if made not in held.get(int(person.n), set()):
                sentence = f"A person was added to entry {person.n}, or her count was changed, after it was recorded."
                yield Problem("edit", sentence, int(person.n))
        if not rows:
            return
        last = numbers[-1]


def _files(ledger: Ledger) -> Iterator[Problem]:
    signed = ledger.checkpoint()
    folder = ledger.signing.folder
    for tile in tiles_of(signed.size) if signed is not None else ():
        held = folder.read(tile)
        try:
            made = ledger.nodes.tile(tile)
        except LedgerBroken as error:
            yield Problem("damage", error.met)
            return
        if held is not None and held != made:
            sentence = f"The published file {tile.path} is not what the record gives; delete it and it is made again."
            yield Problem("damage", sentence)


def _said(leaf: object, name: str) -> str:
    if not isinstance(leaf, (bytes, bytearray, memoryview)):
        return ""
    try:
        facts = orjson.loads(bytes(leaf))
    except orjson.JSONDecodeError:
        return ""
    return str(facts.get(name, "")) if isinstance(facts, dict) else ""
