"""Counting: which how-manieth entry about each of its persons every entry is, put into the record before it is signed.

An entry commits to its persons when it is written. How many there were before about each is looked up later, for all
entries since the last count at once and in the order of pseudonyms: an entry of a hundred persons then costs one write
and not a hundred. A count is an entry of its own (``completeness``) with the root over the counters it gave. It is made
before each checkpoint; until then a city could rewrite the entries themselves unseen, so nothing is lost by the delay.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.ledger import sheaf, tables
from arengo.ledger.about import SLOT, About, counted
from arengo.ledger.store import Transaction

MOST_PERSONS = 8192
"""Counted in one transaction (about 50 ms): nobody appends meanwhile."""
ENTRIES = 512
LOOKED_UP = 500


@dataclass(frozen=True, slots=True)
class Tally:
    """One count: of the entries from ``first`` up to ``size`` (exclusive). ``rows``: (pseudonym, counter, entry).

    ``roots``: of each entry about somebody, over its counters' commitments; ``root``: over those. ``counters``: of each
    slot of each entry, in order, 4 bytes each. ``more``: there is more to count.
    """

    first: int
    size: int
    rows: list[tuple[bytes, int, int]]
    roots: bytes
    root: bytes
    counters: bytes
    more: bool


def take(transaction: Transaction) -> Tally | None:
    """What is to count now; None when every entry about somebody is counted. Nobody else appends meanwhile."""
    ((first, size),) = transaction.rows("SELECT counted, size FROM ledger_head WHERE id = 1")
    found: list[About] = []
    persons, last, more = 0, int(first) - 1, True
    while more and persons < MOST_PERSONS:
        sql = "SELECT n, slots, gone FROM ledger_about WHERE n > ? ORDER BY n LIMIT ?"
        rows = transaction.rows(sql, (last, ENTRIES))
        for n, held, gone in rows:
            found.append(About(int(n), bytes(held), bytes(gone)))
            persons += len(found[-1])
            last = int(n)
            if persons >= MOST_PERSONS:
                break
        else:
            more = len(rows) == ENTRIES
    if not found:
        return None
    counters = _counters(transaction, found)
    rows, roots, numbers = [], [], array("I")
    for item in found:
        made = []
        for place, person in item.persons():
            counter = counters.get(person, 0) + 1
            counters[person] = counter
            rows.append((person, counter, item.number))
            numbers.append(counter)
            made.append(counted(item.slot(place), item.number, counter))
        roots.append(sheaf.root(made))
    end = last + 1 if more else int(size)
    return Tally(int(first), end, sorted(rows), b"".join(roots), sheaf.root(roots), _packed(numbers), more)


def keep(transaction: Transaction, number: int, made: Tally) -> None:
    """Keep what entry ``number`` tells, and remember how far was counted."""
    transaction.insert("ledger_subject", "pseudonym, counter, n", made.rows)
    row = (number, made.first, made.size, made.roots, made.counters)
    transaction.insert("ledger_count", "n, first, size, roots, counters", [row])
    transaction.run("UPDATE ledger_head SET counted = ? WHERE id = 1", (made.size,))


@dataclass(frozen=True, slots=True)
class Span:
    """A count as it is held, for proofs. ``number``: its entry. ``roots``: of the entries about somebody; ``places``:
    of each of them its place among the roots, and where its persons' counters begin and end.
    """

    number: int
    roots: list[bytes]
    places: dict[int, tuple[int, int, int]]
    packed: bytes

    def counters(self, number: int) -> Sequence[int]:
        """Of each slot of an entry; none when they are not all there."""
        _, start, end = self.places[number]
        held = self.packed[start * 4 : end * 4]
        if len(held) != (end - start) * 4:
            return ()
        out = array("I", held)
        if sys.byteorder == "little":
            out.byteswap()
        return out


def spans(connection: Connection, numbers: Sequence[int]) -> Iterator[Span]:
    """The counts of entries, each once. ``numbers``: ascending."""
    c, size = tables.count.c, 0
    for number in numbers:
        if number < size:
            continue
        wanted = sa.select(tables.count).where(c.size > number).order_by(c.size).limit(1)
        row = connection.execute(wanted).first()
        if row is None:
            return
        size = int(row.size)
        yield span(connection, row)


def span(connection: Connection, row: sa.Row[tuple[int, int, int, bytes, bytes]]) -> Span:
    """``row``: of the table of counts."""
    a = tables.about.c
    wide = sa.select(a.n, sa.func.length(a.slots)).where(a.n >= row.first, a.n < row.size).order_by(a.n)
    places: dict[int, tuple[int, int, int]] = {}
    end = 0
    for place, (n, length) in enumerate(connection.execute(wide)):
        start, end = end, end + int(length) // SLOT
        places[int(n)] = (place, start, end)
    roots = bytes(row.roots)
    return Span(int(row.n), [roots[at : at + 32] for at in range(0, len(roots), 32)], places, bytes(row.counters))


def _packed(given: array[int]) -> bytes:
    if sys.byteorder == "little":
        given.byteswap()
    return given.tobytes()


def _counters(transaction: Transaction, found: list[About]) -> dict[bytes, int]:
    """How many entries are counted about each person so far."""
    persons = sorted({person for item in found for _, person in item.persons()})
    newest = "SELECT counter FROM ledger_subject s WHERE s.pseudonym = v.column1 ORDER BY counter DESC LIMIT 1"
    out: dict[bytes, int] = {}
    for start in range(0, len(persons), LOOKED_UP):
        part = persons[start : start + LOOKED_UP]
        marks = ", ".join(["(?)"] * len(part))
        rows = transaction.rows(f"SELECT v.column1, ({newest}) FROM (VALUES {marks}) AS v", part)
        out |= {bytes(person): int(count) for person, count in rows if count}
    return out
