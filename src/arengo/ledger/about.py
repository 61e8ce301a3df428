"""Whom an entry is about, as it is held: one blob an entry, written with it, erasable person by person.

A slot is 32 bytes: a random salt and a pseudonym, 16 each; sorted, so by chance. The entry's leaf holds a root over the
slots' commitments. When the entry is counted (:mod:`arengo.ledger.tally`), each person's how-manieth entry this is gets
a commitment under the same salt. Forgetting somebody puts the two commitments in her slot's place: the roots stay right
and nothing says whose they were.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from hashlib import sha256

SALT = 16
PSEUDONYM = 16
SLOT = SALT + PSEUDONYM
_GONE = 2 + 32


def slots(pseudonyms: Sequence[bytes]) -> list[bytes]:
    """Slots for these persons, each with a new salt; their order says nothing about the order given."""
    salts = secrets.token_bytes(SALT * len(pseudonyms))
    made = [salts[at * SALT : at * SALT + SALT] + person for at, person in enumerate(pseudonyms)]
    made.sort()
    return made


def commitment(slot: bytes) -> bytes:
    """Binds to the pseudonym and tells nothing about it without the salt (SHA-256 over 32 bytes, half of them salt)."""
    return sha256(slot).digest()


def counted(slot: bytes, number: int, counter: int) -> bytes:
    """Binds to the pseudonym, the entry's ``number``, and that it is her ``counter``-th."""
    return sha256(slot + number.to_bytes(8, "big") + counter.to_bytes(8, "big")).digest()


class About:
    """The persons of entry ``number``. ``gone``: of each erased slot its place and its second commitment."""

    __slots__ = ("gone", "held", "number")

    def __init__(self, number: int, held: bytes, gone: bytes = b"") -> None:
        self.number = number
        self.held = held
        self.gone = {
            int.from_bytes(gone[at : at + 2], "big"): gone[at + 2 : at + _GONE] for at in range(0, len(gone), _GONE)
        }

    def __len__(self) -> int:
        return len(self.held) // SLOT

    def slot(self, place: int) -> bytes:
        return self.held[place * SLOT : place * SLOT + SLOT]

    def persons(self) -> Iterator[tuple[int, bytes]]:
        """(place, pseudonym) of those who are not erased."""
        for place in range(len(self)):
            if place not in self.gone:
                yield place, self.held[place * SLOT + SALT : place * SLOT + SLOT]

    def place(self, pseudonym: bytes) -> int:
        """Where somebody stands, -1 when nowhere."""
        return next((place for place, person in self.persons() if person == pseudonym), -1)

    def commitments(self) -> list[bytes]:
        return [self.slot(at) if at in self.gone else commitment(self.slot(at)) for at in range(len(self))]

    def counts(self, counters: Sequence[int]) -> list[bytes]:
        """The second commitments. ``counters``: of each slot."""
        return [
            self.gone.get(at) or counted(self.slot(at), self.number, counter)
            for at, counter in zip(range(len(self)), counters, strict=True)
        ]

    def forget(self, place: int, counter: int) -> None:
        slot = self.slot(place)
        self.gone[place] = counted(slot, self.number, counter)
        self.held = self.held[: place * SLOT] + commitment(slot) + self.held[place * SLOT + SLOT :]

    def erased(self) -> bytes:
        """``gone`` as it is held."""
        return b"".join(place.to_bytes(2, "big") + found for place, found in sorted(self.gone.items()))
