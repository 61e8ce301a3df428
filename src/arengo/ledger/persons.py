"""Entries about one person: found by her pseudonym, proved, shown to be all there are, and forgotten.

Every entry about a person commits to her with a salt of its own, and before it is signed a count commits to which
how-manieth it is (:mod:`arengo.ledger.tally`). Counters run 1, 2, 3 ... without a gap, and once a day a map of all
counters goes into the record (:mod:`arengo.ledger.sparse`): so an entry that is kept from her leaves a gap, and a
counter that is set back contradicts the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import sqlalchemy as sa

from arengo.ledger import sheaf, tables
from arengo.ledger.about import SALT, About, commitment, counted
from arengo.ledger.entry import Entry, Pseudonyms, Visibility, written
from arengo.ledger.listing import Listing
from arengo.ledger.sparse import MapProof, SparseMap, key_of, value_of
from arengo.ledger.sparse import verify as verify_map
from arengo.ledger.store import Store, Transaction
from arengo.ledger.tally import spans

MAPS_KEPT = 1


@dataclass(frozen=True, slots=True)
class Mention:
    """An entry about somebody. ``counter``: her how-manieth, as entry ``count`` says.

    ``salt`` and ``path`` prove that the entry's ``subjects`` root commits to her; ``salt``, ``within`` (to a root over
    the persons of the entry) and ``beyond`` (from there) that the ``map`` of ``count`` commits to her counter. Both are
    paths of :mod:`arengo.ledger.sheaf`.
    """

    entry: Entry
    counter: int
    salt: bytes
    path: sheaf.Path
    count: Entry
    within: sheaf.Path
    beyond: sheaf.Path

    def holds(self, pseudonym: bytes) -> bool:
        """Whether the entry is about ``pseudonym`` and is her ``counter``-th."""
        if self.count.facts.get("action") != "count" or self.count.number <= self.entry.number:
            return False
        slot = self.salt + pseudonym
        if sheaf.top(commitment(slot), self.path) != _root(self.entry, "subjects"):
            return False
        within = sheaf.top(counted(slot, self.entry.number, self.counter), self.within)
        return sheaf.top(within, self.beyond) == _root(self.count, "map")


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the newest map says about somebody. ``number``: the entry that holds ``root``; ``size``: the map counts the
    entries below.
    """

    number: int
    size: int
    root: bytes
    proof: MapProof


@dataclass(frozen=True, slots=True)
class Mentions:
    """All entries about somebody (or about everybody of a dataset). ``complete``: none is missing, as far as the
    counters and the newest map can show; otherwise ``why`` says what is wrong.
    """

    pseudonym: bytes
    items: tuple[Mention, ...]
    mapped: Mapped | None
    complete: bool
    why: str = ""


class Persons:
    def __init__(self, store: Store, names: Pseudonyms, listing: Listing) -> None:
        self._store = store
        self._names = names
        self._listing = listing

    def uncounted(self) -> bool:
        """Whether there are entries about somebody that are not counted yet."""
        c = tables.about.c
        counted_to = sa.select(tables.head.c.counted).scalar_subquery()
        with self._store.read() as connection:
            return connection.scalar(sa.select(c.n).where(c.n >= counted_to).limit(1)) is not None

    def about(self, pseudonym: bytes, *, whole: bool = False) -> Mentions:
        """Entries about a pseudonym that are counted, the oldest first, with what proves them complete."""
        s, c = tables.subject.c, tables.about.c
        held: dict[int, About] = {}
        with self._store.read(snapshot=True) as connection:
            wanted = sa.select(s.counter, s.n).where(s.pseudonym == pseudonym).order_by(s.counter)
            rows = [(int(row.counter), int(row.n)) for row in connection.execute(wanted)]
            numbers = [number for _, number in rows]
            for start in range(0, len(numbers), 500):
                part = sa.select(tables.about).where(c.n.in_(numbers[start : start + 500]))
                held |= {
                    int(row.n): About(int(row.n), bytes(row.slots), bytes(row.gone)) for row in connection.execute(part)
                }
            counts = {number: span for span in spans(connection, numbers) for number in span.places}
        needed = {*numbers, *(span.number for span in counts.values())}
        entries = {entry.number: entry for entry in self._listing.numbered(needed, whole=whole)}
        items: list[Mention] = []
        for counter, number in rows:
            about, span = held.get(number), counts.get(number)
            place = about.place(pseudonym) if about is not None else -1
            counters = span.counters(number) if span is not None else ()
            held_whole = span is not None and {number, span.number} <= entries.keys()
            if about is None or span is None or place < 0 or len(counters) != len(about) or not held_whole:
                why = f"Entry {number} does not hold what was committed to."
                return Mentions(pseudonym, tuple(items), None, False, why)
            items.append(
                Mention(
                    entries[number],
                    counter,
                    about.slot(place)[:SALT],
                    sheaf.path(about.commitments(), place),
                    entries[span.number],
                    sheaf.path(about.counts(counters), place),
                    sheaf.path(span.roots, span.places[number][0]),
                )
            )
        mapped = self._mapped(pseudonym)
        why = gap(pseudonym, items, mapped)
        return Mentions(pseudonym, tuple(items), mapped, not why, why)

    def mapped_on(self) -> str:
        """The day of the newest map (YYYY-MM-DD, UTC), '' before the first."""
        c = tables.day_map.c
        newest = sa.select(tables.leaf.c.at).join(tables.day_map, c.n == tables.leaf.c.n)
        with self._store.read() as connection:
            return str(connection.scalar(newest.order_by(c.n.desc()).limit(1)) or "")[:10]

    def _mapped(self, pseudonym: bytes) -> Mapped | None:
        c = tables.day_map.c
        with self._store.read() as connection:
            row = connection.execute(sa.select(tables.day_map).order_by(c.n.desc()).limit(1)).first()
        if row is None:
            return None
        pairs = bytes(row.pairs)
        made = SparseMap({pairs[at : at + 32]: pairs[at + 32 : at + 64] for at in range(0, len(pairs), 64)})
        return Mapped(int(row.n), int(row.size), made.root, made.prove(key_of(pseudonym)))

    def map(self) -> tuple[int, SparseMap]:
        """(entries counted, the map of all persons) at one moment."""
        c, leaf = tables.subject.c, tables.leaf.c
        counts = (
            sa.select(c.pseudonym, sa.func.max(c.counter).label("entries"), sa.func.max(c.n).label("n"))
            .group_by(c.pseudonym)
            .subquery()
        )
        wanted = sa.select(counts.c.pseudonym, counts.c.entries, leaf.hash).join(tables.leaf, leaf.n == counts.c.n)
        with self._store.read(snapshot=True) as connection:
            size = int(connection.scalar(sa.select(tables.head.c.counted)) or 0)
            values = {
                key_of(bytes(row.pseudonym)): value_of(int(row.entries), bytes(row.hash))
                for row in connection.execute(wanted)
            }
        return size, SparseMap(values)

    def keep_map(self, transaction: Transaction, number: int, size: int, made: SparseMap) -> None:
        """Keep what proofs against the map of entry ``number`` are made from, and drop older ones."""
        transaction.insert("ledger_map", "n, size, pairs", [(number, size, made.pairs())])
        for (gone,) in transaction.rows("SELECT n FROM ledger_map ORDER BY n DESC")[MAPS_KEPT:]:
            transaction.run("DELETE FROM ledger_map WHERE n = ?", (gone,))

    def erase(self, transaction: Transaction, pseudonym: bytes) -> int:
        """Forget which entries were about somebody; how many there were. Everything must be counted.

        Her salts go, so no commitment can be traced to her; bodies go where she was the only one they were about.
        """
        rows = transaction.rows(
            "SELECT a.n, s.counter, a.slots, a.gone FROM ledger_subject s JOIN ledger_about a ON a.n = s.n "
            "WHERE s.pseudonym = ?",
            (pseudonym,),
        )
        for number, counter, held, gone in rows:
            about = About(int(number), bytes(held), bytes(gone))
            place = about.place(pseudonym)
            if place < 0:
                continue
            about.forget(place, int(counter))
            values = (about.held, about.erased(), number)
            transaction.run("UPDATE ledger_about SET slots = ?, gone = ? WHERE n = ?", values)
            if len(about) == 1:
                transaction.run("DELETE FROM ledger_body WHERE n = ?", (number,))
        transaction.run("DELETE FROM ledger_subject WHERE pseudonym = ?", (pseudonym,))
        return len(rows)

    def erase_bodies(self, transaction: Transaction, before: str, kinds: tuple[str, ...]) -> int:
        """Erase bodies of entries older than ``before``, of ``kinds`` only when given."""
        old = "SELECT n FROM ledger_leaf WHERE at < ?"
        if kinds:
            old += f" AND kind IN ({', '.join('?' * len(kinds))})"
        return transaction.run(f"DELETE FROM ledger_body WHERE n IN ({old})", (before, *kinds))

    def hide(self, transaction: Transaction, number: int, visibility: Visibility) -> None:
        until = written(visibility.until) if visibility.until else ""
        row = (number, visibility.kind, until, visibility.by, visibility.basis)
        transaction.run("DELETE FROM ledger_hidden WHERE n = ?", (number,))
        transaction.insert("ledger_hidden", 'n, kind, until, "by", basis', [row])


def gap(pseudonym: bytes, items: Sequence[Mention], mapped: Mapped | None) -> str:
    """What contradicts that ``items`` are all entries about ``pseudonym``; '' when nothing does.

    Needs no database: a citizen's own program can call it on what she was given.
    """
    for place, item in enumerate(items, 1):
        if item.counter != place:
            return f"The entry counted {place} is missing: after {place - 1} comes {item.counter}."
        if not item.holds(pseudonym):
            return f"Entry {item.entry.number} does not hold what was committed to."
    for before, after in pairwise(items):
        if before.entry.number >= after.entry.number:
            return f"The entries counted {before.counter} and {after.counter} are not in the order of the record."
    if mapped is None:
        return ""
    earlier = [item for item in items if item.entry.number < mapped.size]
    newest = earlier[-1].entry.hash if earlier else b""
    value = value_of(len(earlier), newest) if earlier else b""
    if not verify_map(mapped.root, key_of(pseudonym), value, mapped.proof):
        return f"The map of entry {mapped.number} counts another number of entries than the {len(earlier)} shown."
    return ""


def _root(entry: Entry, name: str) -> bytes:
    try:
        return bytes.fromhex(str(entry.facts.get(name, "")))
    except ValueError:
        return b"none"
