"""Checking a running city's record in its database: leaves and signatures as in an export, and what stands around them.

Besides the proofs: hashes kept beside leaves, bodies against their commitments, persons against their roots, the files
that are published against what the database gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import LedgerBroken
from arengo.ledger import audit, note, sheaf, tables
from arengo.ledger.about import About
from arengo.ledger.audit import Problem, Report
from arengo.ledger.entry import commitment
from arengo.ledger.tally import Span, span, spans
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
    """Persons against leaves, counters against counts, and the index of persons against both."""
    c, a = tables.count.c, tables.about.c
    told, indexed = _Sum(), _Sum()
    with ledger.store.read(snapshot=True) as connection:
        below = int(connection.scalar(sa.select(tables.head.c.counted)) or 0)
        done = 0
        for row in connection.execute(sa.select(tables.count).where(c.size <= below).order_by(c.size)).all():
            made = span(connection, row)
            between = (a.n >= int(row.first), a.n < int(row.size))
            roots = []
            for about, leaf in _abouts(connection, between):
                yield from _committed(about, leaf)
                counters = made.counters(about.number)
                if len(counters) != len(about):
                    break
                roots.append(sheaf.root(about.counts(counters)))
                for place, person in about.persons():
                    told.add(person, counters[place], about.number)
            said = connection.scalar(sa.select(tables.leaf.c.leaf).where(tables.leaf.c.n == row.n))
            right = roots == made.roots and roots and _said(said, "map") == sheaf.root(roots).hex()
            if int(row.first) != done or not right:
                sentence = f"The count of entry {row.n} was edited: persons or counters are not what it commits to."
                yield Problem("edit", sentence, int(row.n))
            done = int(row.size)
        for about, leaf in _abouts(connection, (a.n >= done,)):
            yield from _committed(about, leaf)
        s = tables.subject.c
        for found in connection.execute(sa.select(s.pseudonym, s.counter, s.n).execution_options(yield_per=STEP)):
            indexed.add(bytes(found.pseudonym), int(found.counter), int(found.n))
        if told != indexed:
            yield from _misplaced(connection)


def _abouts(connection: Connection, where: Sequence[sa.ColumnElement[bool]]) -> Iterator[tuple[About, object]]:
    a = tables.about.c
    wanted = sa.select(a.n, a.slots, a.gone, tables.leaf.c.leaf).where(*where).order_by(a.n)
    wanted = wanted.join(tables.leaf, tables.leaf.c.n == a.n, isouter=True).execution_options(yield_per=STEP)
    for row in connection.execute(wanted):
        yield About(int(row.n), bytes(row.slots), bytes(row.gone)), row.leaf


def _committed(about: About, leaf: object) -> Iterator[Problem]:
    made = about.commitments()
    if not made or _said(leaf, "subjects") != sheaf.root(made).hex():
        sentence = f"The persons of entry {about.number} were edited: they are not what its leaf commits to."
        yield Problem("edit", sentence, about.number)


class _Sum:
    """A digest of rows in any order: two sets of rows are the same when it is (sum of SHA-256, modulo 2**256)."""

    def __init__(self) -> None:
        self.value = 0

    def add(self, person: bytes, counter: int, number: int) -> None:
        made = sha256(person + counter.to_bytes(8, "big", signed=True) + number.to_bytes(8, "big", signed=True))
        self.value = self.value + int.from_bytes(made.digest(), "big") & (1 << 256) - 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Sum) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]


def _misplaced(connection: Connection) -> Iterator[Problem]:
    """Which rows of the index are not what was counted; where none is, one was taken out."""
    s, found = tables.subject.c, False
    wanted = sa.select(s.pseudonym, s.counter, s.n).order_by(s.n)
    made: Span | None = None
    about: About | None = None
    for row in connection.execute(wanted).all():
        number = int(row.n)
        if about is None or about.number != number:
            about = next((item for item, _ in _abouts(connection, (tables.about.c.n == number,))), None)
        if made is None or number not in made.places:
            made = next(iter(spans(connection, [number])), None)
        place = about.place(bytes(row.pseudonym)) if about is not None else -1
        right = place >= 0 and made is not None and number in made.places
        counters = made.counters(number) if right and made is not None else ()
        if not 0 <= place < len(counters) or counters[place] != int(row.counter):
            found = True
            sentence = f"A person was added to entry {number}, or her count was changed, after it was recorded."
            yield Problem("edit", sentence, number)
    if not found:
        yield Problem("drop", "An entry is kept from a person it is about: the index does not name it.")


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
