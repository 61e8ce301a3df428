"""How often somebody may try: by account and by network, the pause doubling, the same in every process.

A try is counted before it is judged, in one transaction, so a hundred at once are a hundred. Neither account nor
address is stored: both are keyed hashes, thrown away after a day. Whether an account exists changes nothing here.
"""

from __future__ import annotations

import ipaddress
import math
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import QuotaSpent
from arengo.state import parties as tables

if TYPE_CHECKING:
    from arengo.governance.party import Parties

SPAN = timedelta(hours=24)
FREE = {"both": 5, "account": 30, "place": 60}
"""Wrong tries without a pause: of one account from one network, of one account from everywhere, of one network."""
LONGEST = {"both": 900.0, "account": 60.0, "place": 900.0}
"""Longest pause in seconds. Strangers can slow an account's owner down by a minute, not lock her out."""


@dataclass(frozen=True, slots=True)
class Try:
    """A counted try; taken back by :meth:`Throttle.passed`."""

    account: str
    place: str


class Throttle:
    """Counts wrong tries in the state database."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties

    def of(self, account: str, address: str) -> Try:
        """The marks of an account and a network."""
        seal = self._parties.seal
        return Try(seal.mark("try account", account), seal.mark("try place", network(address)))

    def enter(self, account: str, address: str) -> Try:
        """Count a try. Raises QuotaSpent with the seconds to wait, counting nothing, when it comes too early."""
        now, made = self._parties.now(), self.of(account, address)
        a = tables.login_attempt.c
        chosen = {
            "both": (a.account == made.account) & (a.place == made.place),
            "account": a.account == made.account,
            "place": a.place == made.place,
        }
        with self._parties.state.write() as connection:
            self._alone(connection, made)
            connection.execute(tables.login_attempt.delete().where(a.at < now - SPAN))
            wait = 0.0
            for name, which in chosen.items():
                count, last = connection.execute(sa.select(sa.func.count(), sa.func.max(a.at)).where(which)).one()
                if count >= FREE[name] and last is not None:
                    pause = min(LONGEST[name], 2.0 ** min(20, count - FREE[name]))
                    wait = max(wait, pause - (now - last).total_seconds())
            if wait <= 0:
                connection.execute(
                    tables.login_attempt.insert().values(
                        id=secrets.token_hex(8), account=made.account, place=made.place, at=now
                    )
                )
        if wait > 0:
            seconds = math.ceil(wait)
            raise QuotaSpent(
                "There were too many tries.", todo=f"Wait {seconds} seconds, then try again.", seconds=seconds
            )
        return made

    def _alone(self, connection: Connection, made: Try) -> None:
        """Tries of the same account or network one after the other. SQLite has one writer anyway."""
        if self._parties.state.backend == "sqlite":
            return
        for mark in sorted((made.account, made.place)):
            number = int.from_bytes(bytes.fromhex(mark)[:8], "big", signed=True)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def passed(self, made: Try) -> None:
        """The try was right: forget the wrong ones of this account from this network, and this one."""
        a = tables.login_attempt.c
        with self._parties.state.write() as connection:
            connection.execute(tables.login_attempt.delete().where(a.account == made.account, a.place == made.place))


def network(address: str) -> str:
    """The part of an address that one household has: all of IPv4, the first 64 bits of IPv6."""
    try:
        found = ipaddress.ip_address(address.strip().strip("[]").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)
