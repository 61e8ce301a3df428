"""One-time codes of an authenticator app (RFC 6238), and recovery codes for the day it is lost."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.state import parties as tables

if TYPE_CHECKING:
    from arengo.governance.party import Parties
    from arengo.governance.person import Person

STEP = 30
"""Seconds a code shows."""
SKEW = 1
"""Codes before and after that are taken too: clocks differ (RFC 6238, 5.2)."""
CODES = 10
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


class Totps:
    """One authenticator app a person."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties

    def has(self, person: str) -> bool:
        """Whether the app was set up and confirmed."""
        t = tables.totp.c
        with self._parties.state.read() as connection:
            chosen = sa.select(t.person).where(t.person == person, t.confirmed_at.is_not(None))
            return connection.scalar(chosen) is not None

    def begin(self, person: Person) -> tuple[str, str]:
        """(secret in base 32, address for the QR code) of an app that is being set up; the same until confirmed."""
        import pyotp

        t, seal = tables.totp.c, self._parties.seal
        with self._parties.state.write() as connection:
            row = connection.execute(sa.select(tables.totp).where(t.person == person.id)).first()
            if row is not None and row.confirmed_at is None:
                made = seal.open("totp", row.sealed, person.id)
            else:
                made = pyotp.random_base32()
                if row is None:
                    values = {"sealed": seal.close("totp", made, person.id), "step": 0, "confirmed_at": None}
                    connection.execute(tables.totp.insert().values(person=person.id, **values))
        city = self._parties.settings.city.name
        return made, pyotp.TOTP(made).provisioning_uri(name=person.mail, issuer_name=city)

    def confirm(self, person: str, code: str) -> tuple[str, ...]:
        """Recovery codes, shown once, when the code is right; none when it is not."""
        with self._parties.state.write() as connection:
            if not self._use(connection, person, code, confirmed=False):
                return ()
            mine = tables.totp.c.person == person
            connection.execute(tables.totp.update().where(mine).values(confirmed_at=self._parties.now()))
            return self._renew(connection, person)

    def check(self, person: str, code: str) -> bool:
        """Whether a code of the app, or a recovery code, is right; each opens once."""
        given = "".join(code.split()).replace("-", "").lower()
        with self._parties.state.write() as connection:
            if given.isdecimal() and given.isascii() and len(given) == 6:
                return self._use(connection, person, given, confirmed=True)
            c = tables.recovery_code.c
            used = tables.recovery_code.update().where(
                c.person == person, c.hash == self._mark(person, given), c.used_at.is_(None)
            )
            return bool(connection.execute(used.values(used_at=self._parties.now())).rowcount)

    def _use(self, connection: Connection, person: str, code: str, *, confirmed: bool) -> bool:
        import pyotp

        t = tables.totp.c
        row = connection.execute(sa.select(tables.totp).where(t.person == person)).first()
        if row is None or (row.confirmed_at is not None) != confirmed:
            return False
        made = pyotp.TOTP(self._parties.seal.open("totp", row.sealed, person))
        now = int(self._parties.now().timestamp()) // STEP
        given = "".join(code.split())
        for step in range(now - SKEW, now + SKEW + 1):
            at = datetime.fromtimestamp(step * STEP, UTC)
            if step > row.step and pyotp.utils.strings_equal(made.at(at), given):
                mine = (t.person == person) & (t.step < step)
                return bool(connection.execute(tables.totp.update().where(mine).values(step=step)).rowcount)
        return False

    def drop(self, person: str) -> None:
        """Take the app and its recovery codes away."""
        with self._parties.state.write() as connection:
            connection.execute(tables.totp.delete().where(tables.totp.c.person == person))
            connection.execute(tables.recovery_code.delete().where(tables.recovery_code.c.person == person))

    def renew(self, person: str) -> tuple[str, ...]:
        """New recovery codes instead of the old, shown once."""
        with self._parties.state.write() as connection:
            return self._renew(connection, person)

    def left(self, person: str) -> int:
        """Recovery codes that were not used."""
        c = tables.recovery_code.c
        with self._parties.state.read() as connection:
            return int(
                connection.scalar(sa.select(sa.func.count()).where(c.person == person, c.used_at.is_(None))) or 0
            )

    def _renew(self, connection: Connection, person: str) -> tuple[str, ...]:
        codes = ["".join(secrets.choice(_ALPHABET) for _ in range(12)) for _ in range(CODES)]  # 59 bits each
        connection.execute(tables.recovery_code.delete().where(tables.recovery_code.c.person == person))
        rows = [{"person": person, "hash": self._mark(person, code), "used_at": None} for code in codes]
        connection.execute(tables.recovery_code.insert(), rows)
        return tuple(f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes)

    def _mark(self, person: str, code: str) -> str:
        return self._parties.seal.mark("recovery", f"{person} {code}")
