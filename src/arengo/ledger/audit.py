"""Checking a whole record against what was signed, offline, and saying in a sentence where it is not right.

Nothing is believed but keys and signatures: every leaf is hashed again, every checkpoint's root is computed again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from arengo.errors import ArengoError
from arengo.ledger import checkpoint, note
from arengo.ledger.checkpoint import Checkpoint
from arengo.ledger.tiles import WIDTH
from arengo.ledger.tree import Frontier, leaf_hash


class Source(Protocol):
    """A record as it is held: an export, or a city."""

    def keys(self) -> Sequence[note.VerifierKey]: ...

    def checkpoints(self) -> Iterable[str]: ...

    def leaves(self) -> Iterator[bytes]: ...

    def hashes(self, tile: int) -> bytes:
        """Leaf hashes of a tile, as they were written beside the leaves; b'' when they are not held."""
        ...


@dataclass(frozen=True, slots=True)
class Problem:
    """``kind``: drop, insert, reorder, edit, fork, rollback, signature, unsigned, damage. ``number``: the entry, -1."""

    kind: str
    sentence: str
    number: int = -1


@dataclass(frozen=True, slots=True)
class Report:
    """``entries``: held; ``signed``: over how many of them a checkpoint stands and was found right. ``key``: whose
    signature. ``cosigners``: witnesses on the newest checkpoint. ``trusted``: the key was given by the reader, not by
    the record itself. ``root``: of the tree over all entries held.
    """

    origin: str
    entries: int
    signed: int
    checkpoints: int
    first: str
    last: str
    key: str
    trusted: bool
    cosigners: tuple[str, ...]
    problems: tuple[Problem, ...]
    root: bytes

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(
    source: Source,
    *,
    trusted: Sequence[note.VerifierKey] = (),
    against: Iterable[str] = (),
) -> Report:
    """Check a record. ``trusted``: keys to believe instead of those the record brings. ``against``: texts of
    checkpoints kept elsewhere; they find a record that was forked or set back together with its own checkpoints.
    """
    brought = list(source.keys())
    logs = [key for key in trusted or brought if key.kind == note.ED25519]
    found = _Checkpoints(logs)
    for text in source.checkpoints():
        found.add(text, own=True)
    for text in against:
        found.add(text, own=False)
    walk = _Walk(found, source)
    walk.run()
    problems = [*found.problems, *walk.problems()]
    newest = max((item for item in found.own if item.size in walk.right), key=lambda item: item.size, default=None)
    witnesses = [key for key in (*trusted, *brought) if key.kind == note.COSIGNATURE]
    cosigners: dict[str, None] = {}
    if newest is not None:
        for signature in newest.note.signatures:
            for key in witnesses:
                same = (key.name, key.id) == (signature.name, signature.id)
                if same and key.checks(newest.note.text, signature.made):
                    cosigners[key.name] = None
    if not found.own:
        problems.append(Problem("unsigned", "The record brings no checkpoint that is signed: nothing is proved."))
    return Report(
        newest.origin if newest else (logs[0].name if logs else ""),
        walk.tree.size,
        newest.size if newest else 0,
        len(found.own),
        walk.first,
        walk.last,
        str(logs[0]) if logs else "",
        bool(trusted),
        tuple(cosigners),
        tuple(problems),
        walk.tree.root,
    )


class _Checkpoints:
    """Checkpoints by size, with what is wrong among themselves."""

    def __init__(self, keys: Sequence[note.VerifierKey]) -> None:
        self.keys = keys
        self.own: list[Checkpoint] = []
        self.by_size: dict[int, list[tuple[Checkpoint, bool]]] = {}
        self.problems: list[Problem] = []

    def add(self, text: str, *, own: bool) -> None:
        where = "A checkpoint of the record" if own else "A checkpoint kept elsewhere"
        try:
            made = checkpoint.parse(text)
            signed = [key for key in made.note.signed_by(self.keys) if key.name == made.origin]
        except ArengoError as error:
            self.problems.append(Problem("signature", f"{where} cannot be believed: {error.met}"))
            return
        if not signed:
            known = ", ".join(key.name for key in self.keys) or "nobody"
            sentence = f"{where}, over {made.size:,} entries of {made.origin}, is not signed by {known}."
            self.problems.append(Problem("signature", sentence))
            return
        for other, _ in self.by_size.get(made.size, []):
            if other.root != made.root:
                sentence = (
                    f"Two different records of {made.size:,} entries were both signed by {made.origin}: "
                    "the history was forked."
                )
                self.problems.append(Problem("fork", sentence))
        self.by_size.setdefault(made.size, []).append((made, own))
        if own:
            self.own.append(made)


class _Walk:
    """One pass over the leaves."""

    def __init__(self, found: _Checkpoints, source: Source) -> None:
        self.found = found
        self.source = source
        self.tree = Frontier()
        self.numbers = array("q")
        self.first = self.last = ""
        self.right: set[int] = set()
        self.wrong: list[tuple[Checkpoint, bool]] = []
        self.edited = -1
        self.early = -1
        self.strange = -1
        self.late = ""
        self.broken = ""

    def run(self) -> None:
        self._mark()
        hashes = b""
        try:
            for leaf in self.source.leaves():
                at = self.tree.size
                if at % WIDTH == 0:
                    hashes = self.source.hashes(at // WIDTH)
                made = leaf_hash(leaf)
                beside = hashes[at % WIDTH * 32 : (at % WIDTH + 1) * 32]
                if beside and beside != made and self.edited < 0:
                    self.edited = at
                self._read(leaf, at)
                self.tree.add(made)
                self._mark()
        except ArengoError as error:
            self.broken = error.met

    def _read(self, leaf: bytes, at: int) -> None:
        try:
            facts: Any = orjson.loads(leaf)
            number, time = int(facts["n"]), str(facts["t"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            if self.strange < 0:
                self.strange = at
            self.numbers.append(at)
            return
        self.numbers.append(number)
        if time < self.last and self.early < 0:
            self.early, self.late = at, self.last
        self.first = self.first or time
        self.last = max(self.last, time)

    def _mark(self) -> None:
        for made, own in self.found.by_size.get(self.tree.size, []):
            if made.root == self.tree.root:
                self.right.add(made.size)
            else:
                self.wrong.append((made, own))

    def problems(self) -> Iterator[Problem]:
        if self.broken:
            yield Problem("damage", self.broken, self.tree.size)
        local = self._order() or self._content()
        if local is not None:
            yield local
        yield from self._short()
        own = [made for made, mine in self.wrong if mine]
        others = [made for made, mine in self.wrong if not mine]
        if local is None and own:
            yield self._between(own[0])
        if not own and others:
            made = others[0]
            sentence = (
                f"A checkpoint kept elsewhere, signed by {made.origin} over {made.size:,} entries, has another root "
                "than these entries give: the history was forked, and two readers were shown two records."
            )
            yield Problem("fork", sentence)

    def _order(self) -> Problem | None:
        """What the numbers in the leaves say about their places."""
        held = self.numbers
        at = next((place for place, number in enumerate(held) if place != number), -1)
        if at < 0:
            return None
        known = set(held)
        if len(known) < len(held):
            seen: set[int] = set()
            twice = next(number for number in held if number in seen or seen.add(number))  # type: ignore[func-returns-value]
            return Problem("insert", f"Entry {twice} is there twice: one of them was put in.", twice)
        missing = next((number for number in range(len(held)) if number not in known), -1)
        if missing >= 0:
            sentence = f"Entry {missing} is missing: at its place stands entry {held[missing]}. It was left out."
            return Problem("drop", sentence, missing)
        return Problem("reorder", f"Entry {held[at]} stands at the place of entry {at}: the order was changed.", at)

    def _content(self) -> Problem | None:
        if self.strange >= 0:
            return Problem("edit", f"Entry {self.strange} is not a leaf of a record: it was edited.", self.strange)
        if self.edited >= 0:
            sentence = (
                f"Entry {self.edited} was edited after it was recorded: its text does not give the hash in the tree."
            )
            return Problem("edit", sentence, self.edited)
        if self.early >= 0:
            sentence = f"Entry {self.early} is dated before the entry before it ({self.late}): its time was edited."
            return Problem("edit", sentence, self.early)
        return None

    def _short(self) -> Iterator[Problem]:
        size = max(self.found.by_size, default=0)
        if size > self.tree.size:
            own = self.found.by_size[size][0][1]
            where = "A checkpoint of this record" if own else "A checkpoint kept elsewhere"
            sentence = (
                f"{where} was signed over {size:,} entries, but {self.tree.size:,} are here: the record was set back "
                "or its end was cut off."
            )
            yield Problem("rollback", sentence, self.tree.size)

    def _between(self, made: Checkpoint) -> Problem:
        good = max((size for size in self.right if size < made.size), default=0)
        sentence = (
            f"Between entry {good} and entry {made.size - 1} something was changed, left out, put in or reordered, and "
            f"numbers and hashes were made to fit: they do not give the root signed over {made.size:,} entries."
        )
        return Problem("edit", sentence, good)
