"""Who may send how much: stamped forms, and counts by a hash that is thrown away with the day.

An address is never stored. It is hashed with a salt that exists for one day; with the salt the link between a hash
and an address is gone for everybody, the city included.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import BadForm, TooOften
from arengo.services.key import Key
from arengo.settings import ParticipationSettings
from arengo.state import State
from arengo.state.participation import posting, salt

FASTEST = 3.0
"""Seconds; nobody reads and fills a form in less."""
LONGEST = 24 * 3600.0
LOOSER: Mapping[str, int] = {"support": 6, "report": 2, "follow": 2, "look": 30}
"""Acts that are done more often, as a multiple of ``per_hour``."""
MOST_LETTERS = 5
"""Letters to one address that it did not confirm, a day: nobody can be buried in them."""


class Posting:
    """``clock``: seconds, for tests of time."""

    def __init__(self, settings: ParticipationSettings, state: State, key: Key) -> None:
        self._settings = settings
        self._state = state
        self._key = key
        self._salt: tuple[date, str] = (date.min, "")

    # Stamps

    def stamp(self, form: str, at: float | None = None) -> str:
        """What a form carries, so that it is known when it was opened and sent only once."""
        body = f"{int(time.time() if at is None else at):x}.{secrets.token_urlsafe(9)}"
        return f"{body}.{self._key.secret('stamp ' + form, body)}"

    def nonce(self, form: str, stamp: str, trap: str = "") -> str:
        """The stamp's own number. Raises BadForm: none of ours, too young or old, a filled trap."""
        body, _, sign = stamp.rpartition(".")
        opened = body.partition(".")[0]
        if not body or not self._key.opens("stamp " + form, body, sign):
            raise BadForm("The form has lost its mark.", todo="Look it over and send it again.")
        if trap:
            raise BadForm("One field must stay empty, and was filled.", todo="Look it over and send it again.")
        age = time.time() - int(opened, 16)
        if age > LONGEST:
            raise BadForm("The form was open for more than a day.", todo="Look it over and send it again.")
        if age < FASTEST:
            raise BadForm("That was faster than anybody writes.", todo="Look it over and send it again.")
        return body

    # Counts

    def sender(self, address: str, forwarded: str = "", now: datetime | None = None) -> str:
        """A hash for whoever asks from ``address``, good for today. ``forwarded``: X-Forwarded-For as it came."""
        hops = self._settings.proxies
        if hops > 0 and forwarded:
            listed = [part.strip() for part in forwarded.split(",")]
            address = listed[max(0, len(listed) - hops)]
        network = _network(address)
        today = (now or datetime.now(UTC)).date()
        return hmac.new(self._salt_of(today).encode(), network.encode(), hashlib.sha256).hexdigest()[:32]

    def count(self, act: str, who: str, now: datetime | None = None) -> None:
        """Count one act. Raises TooOften when ``who``, or everybody together, sent too much in the last hour."""
        now = now or datetime.now(UTC)
        since = now - timedelta(hours=1)
        most = self._settings.per_hour * LOOSER.get(act, 1)
        recent = sa.and_(posting.c.act == act, posting.c.at > since)
        with self._state.write() as connection:
            count = sa.select(sa.func.count()).select_from(posting)
            mine = connection.scalar(count.where(recent, posting.c.who == who)) or 0
            everybody = connection.scalar(count.where(recent)) or 0
            if mine >= most:
                raise TooOften(f"At most {most} of these are taken from one place in an hour.", todo="Try again later.")
            if everybody >= self._settings.per_hour_all * LOOSER.get(act, 1):
                raise TooOften("More is being sent than can be read.", todo="Try again in an hour.")
            connection.execute(posting.insert().values(id=secrets.token_hex(12), who=who, act=act, at=now))

    def letter(self, who: str, now: datetime | None = None) -> None:
        """Count one unasked letter to an address. Raises TooOften."""
        now = now or datetime.now(UTC)
        with self._state.write() as connection:
            chosen = (posting.c.act == "letter") & (posting.c.who == who) & (posting.c.at > now - timedelta(days=1))
            if (connection.scalar(sa.select(sa.func.count()).where(chosen)) or 0) >= MOST_LETTERS:
                raise TooOften(
                    f"That address got {MOST_LETTERS} letters today and confirmed none.", todo="Look into its letters."
                )
            connection.execute(posting.insert().values(id=secrets.token_hex(12), who=who, act="letter", at=now))

    def confirmed(self, connection: Connection, who: str) -> None:
        """An address has answered, so its letters of today were not unasked; in the caller's transaction."""
        connection.execute(posting.delete().where(posting.c.act == "letter", posting.c.who == who))

    def purge(self, now: datetime) -> None:
        """Forget the counts and the salts of the days before."""
        with self._state.write() as connection:
            connection.execute(posting.delete().where(posting.c.at < now - timedelta(days=1)))
            connection.execute(salt.delete().where(salt.c.day < now.date()))

    def _salt_of(self, day: date) -> str:
        if self._salt[0] != day:
            with self._state.write() as connection:
                held = connection.scalar(sa.select(salt.c.salt).where(salt.c.day == day))
                if held is None:
                    held = secrets.token_hex(32)
                    connection.execute(salt.insert().values(day=day, salt=held))
                connection.execute(salt.delete().where(salt.c.day < day))
            self._salt = (day, str(held))
        return self._salt[1]


def _network(address: str) -> str:
    """The part of an address that one household has: all of IPv4, the first 64 bits of IPv6."""
    try:
        found = ipaddress.ip_address(address.strip().strip("[]").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
