"""Entries about one person: found by her pseudonym, proved, shown to be all there are, and forgotten.

Every entry about a person commits to (pseudonym, counter) with a salt of its own. Counters run 1, 2, 3 ... without a
gap, and once a day a map of all counters goes into the record (:mod:`arengo.ledger.sparse`): so an entry that is kept
from her leaves a gap, and a counter that is set back contradicts the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import sqlalchemy as sa

from arengo.ledger import tables
from arengo.ledger.entry import Entry, Pseudonyms, Visibility, commitment, counted, written
from arengo.ledger.listing import Listing
from arengo.ledger.sparse import MapProof, SparseMap, key_of, value_of
from arengo.ledger.sparse import verify as verify_map
from arengo.ledger.store import Store, Transaction
from arengo.ledger.tree import Leaves, inclusion_proof, leaf_hash, verify_inclusion

MAPS_KEPT = 1


@dataclass(frozen=True, slots=True)
class Mention:
    """An entry about somebody. ``counter``: her how-manieth; ``salt``, ``index``, ``of``, ``path``: the proof that the
    entry's ``subjects`` root commits to her (RFC 9162 over the entry's ``of`` commitments).
    """

    entry: Entry
    counter: int
    salt: bytes
    index: int
    of: int
    path: tuple[bytes, ...]

    def holds(self, pseudonym: str) -> bool:
        """Whether the entry is about ``pseudonym`` and is her ``counter``-th."""
        made = leaf_hash(commitment(self.salt, counted(pseudonym, self.counter)))
        root = bytes.fromhex(str(self.entry.facts.get("subjects", "")))
        return verify_inclusion(made, self.index, self.of, self.path, root)


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

    pseudonym: str
    items: tuple[Mention, ...]
    mapped: Mapped | None
    complete: bool
    why: str = ""


class Persons:
    def __init__(self, store: Store, names: Pseudonyms, listing: Listing) -> None:
        self._store = store
        self._names = names
        self._listing = listing

    def about(self, pseudonym: str, *, whole: bool = False) -> Mentions:
        """Entries about a pseudonym, the oldest first, with what proves them complete."""
        s = tables.subject.c
        with self._store.read() as connection:
            rows = connection.execute(
                sa.select(s.counter, s.n, s.salt).where(s.pseudonym == pseudonym).order_by(s.counter)
            ).all()
            numbers = [int(row.n) for row in rows]
            hashes: dict[int, bytes] = {}
            c = tables.commitments.c
            for start in range(0, len(numbers), 500):
                part = sa.select(c.n, c.hashes).where(c.n.in_(numbers[start : start + 500]))
                hashes |= {int(row.n): bytes(row.hashes) for row in connection.execute(part)}
        entries = {entry.number: entry for entry in self._listing.numbered(numbers, whole=whole)}
        items: list[Mention] = []
        for row in rows:
            number, counter, salt = int(row.n), int(row.counter), bytes(row.salt)
            mine = commitment(salt, counted(pseudonym, counter))
            found = [hashes.get(number, b"")[at : at + 32] for at in range(0, len(hashes.get(number, b"")), 32)]
            if number not in entries or mine not in found:
                why = f"Entry {number} does not hold what was committed to."
                return Mentions(pseudonym, tuple(items), None, False, why)
            index = found.index(mine)
            path = inclusion_proof(index, len(found), Leaves([leaf_hash(item) for item in found]))
            items.append(Mention(entries[number], counter, salt, index, len(found), tuple(path)))
        mapped = self._mapped(pseudonym)
        why = gap(pseudonym, items, mapped)
        return Mentions(pseudonym, tuple(items), mapped, not why, why)

    def _mapped(self, pseudonym: str) -> Mapped | None:
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
            size = int(connection.scalar(sa.select(tables.head.c.size)) or 0)
            values = {
                key_of(row.pseudonym): value_of(int(row.entries), bytes(row.hash)) for row in connection.execute(wanted)
            }
        return size, SparseMap(values)

    def keep_map(self, transaction: Transaction, number: int, size: int, made: SparseMap) -> None:
        """Keep what proofs against the map of entry ``number`` are made from, and drop older ones."""
        transaction.insert("ledger_map", "n, size, pairs", [(number, size, made.pairs())])
        for (gone,) in transaction.rows("SELECT n FROM ledger_map ORDER BY n DESC")[MAPS_KEPT:]:
            transaction.run("DELETE FROM ledger_map WHERE n = ?", (gone,))

    def erase(self, transaction: Transaction, pseudonym: str) -> int:
        """Forget which entries were about somebody; how many there were.

        Their salts go, so no commitment can be traced to her; bodies go where she was the only one they were about.
        """
        rows = transaction.rows(
            "SELECT s.n, length(c.hashes) FROM ledger_subject s LEFT JOIN ledger_commitments c ON c.n = s.n "
            "WHERE s.pseudonym = ?",
            (pseudonym,),
        )
        alone = [number for number, length in rows if length == 32]
        for start in range(0, len(alone), 500):
            part = alone[start : start + 500]
            transaction.run(f"DELETE FROM ledger_body WHERE n IN ({', '.join('?' * len(part))})", part)
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


def gap(pseudonym: str, items: Sequence[Mention], mapped: Mapped | None) -> str:
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
