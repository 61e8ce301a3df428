"""Passwords: argon2id (RFC 9106), at least twelve characters, no rules on their mixture (NIST SP 800-63B, 3.1.1.2)."""

from __future__ import annotations

import contextlib
import threading
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import TooOften
from arengo.state import parties as tables

if TYPE_CHECKING:
    from argon2 import PasswordHasher

    from arengo.governance.party import Parties
    from arengo.governance.person import Person

LONGEST = 256
"""Characters; more would only let strangers choose how long a check takes."""
COMMON = frozenset(
    (
        *("passwordpassword", "passwortpasswort", "123456789012", "1234567890123", "12345678910", "qwertyuiop12"),
        *("qwertyuiopas", "administrator", "letmeinletmein", "iloveyouiloveyou", "abcdefghijkl", "abcdefghijklm"),
        *("changemechangeme", "welcomewelcome", "motdepasse123", "contrasena123", "password1234", "password12345"),
        *("password123456", "qwerty123456", "azertyuiop12", "admin1234567", "passwortgeheim", "passwordword"),
    )
)
_turns = threading.BoundedSemaphore(2)  # each check holds argon2_memory
_queue = threading.BoundedSemaphore(4)  # a flood of logins is refused before it takes every thread of the server


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    if not _queue.acquire(blocking=False):
        raise TooOften("Many people are signing in right now.", todo="Try again in a few seconds.")
    try:
        with _turns:
            yield
    finally:
        _queue.release()


class Passwords:
    """One password a person."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties
        self._settings = parties.settings

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        login = self._settings.login
        return PasswordHasher(
            time_cost=login.argon2_passes, memory_cost=login.argon2_memory, parallelism=1, hash_len=32, salt_len=16
        )

    @cached_property
    def _nobodys(self) -> str:
        """A hash that nothing opens: whoever is unknown costs as much as whoever is not."""
        from arengo.governance.seal import secret

        return self._hasher.hash(secret())

    def weakness(self, given: str, person: Person) -> str:
        """Why a password is not taken: short, long, common or near; '' when it is."""
        plain = _plain(given)
        low = plain.casefold()
        if len(plain) < self._settings.login.password_length:
            return "short"
        if len(plain) > LONGEST:
            return "long"
        if len(set(low)) < 5 or low in COMMON:
            return "common"
        near = {*person.mail.split("@"), *person.name.casefold().split(), self._settings.city.name.casefold()}
        rest = low
        for word in sorted(near, key=len, reverse=True):
            rest = rest.replace(word, "") if len(word) > 3 else rest
        return "near" if len(rest) < 6 else ""

    def put(self, connection: Connection, person: str, given: str) -> None:
        """Set a person's password in the caller's transaction; hash it before with :meth:`hashed`."""
        connection.execute(tables.password.delete().where(tables.password.c.person == person))
        connection.execute(tables.password.insert().values(person=person, hash=given, changed_at=self._parties.now()))

    def hashed(self, given: str) -> str:
        """The hash of a password. Raises TooOften when too many ask at once."""
        with _turn():
            return self._hasher.hash(_plain(given))

    def check(self, person: str, given: str) -> bool:
        """Whether it is the person's password; takes one argon2id check for '' and strangers too.

        Raises TooOften when too many ask at once.
        """
        from argon2.exceptions import InvalidHashError, VerificationError

        with self._parties.state.read() as connection:
            held = connection.scalar(sa.select(tables.password.c.hash).where(tables.password.c.person == person))
        plain = _plain(given)[:LONGEST]
        nobodys = self._nobodys
        with _turn():
            try:
                right = self._hasher.verify(str(held or nobodys), plain)
            except (VerificationError, InvalidHashError):
                return False
        if held is None or not right:
            return False
        if self._hasher.check_needs_rehash(str(held)):
            better = self.hashed(given)
            with self._parties.state.write() as connection:
                mine = (tables.password.c.person == person) & (tables.password.c.hash == held)
                connection.execute(tables.password.update().where(mine).values(hash=better))
        return True

    def has(self, person: str) -> bool:
        with self._parties.state.read() as connection:
            chosen = sa.select(sa.func.count()).where(tables.password.c.person == person)
            return bool(connection.scalar(chosen))


def _plain(given: str) -> str:
    """The same password from every keyboard (RFC 8265: NFC; NFKC as SP 800-63B asks)."""
    return unicodedata.normalize("NFKC", given)
