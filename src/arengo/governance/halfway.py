"""What is half done while somebody signs in, and secrets that were used up: short-lived, used once, sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from arengo.errors import NotKnown
from arengo.governance.seal import digest, secret
from arengo.state.parties import login_state as table

if TYPE_CHECKING:
    from arengo.governance.party import Parties

MOST = 20_000
"""Logins under way at one time; strangers can begin them."""


def begin(parties: Parties, kind: str, body: Mapping[str, Any], lasts: timedelta, name: str = "") -> str:
    """Keep ``body`` under a new secret (or the random ``name``), which is returned. Raises NotKnown when too many."""
    made, now = name or secret(), parties.now()
    mark = digest(made)
    with parties.state.write() as connection:
        connection.execute(table.delete().where(table.c.expires_at < now))
        if (connection.scalar(sa.select(sa.func.count()).where(table.c.kind == kind)) or 0) >= MOST:
            raise NotKnown("Too many people are signing in.", todo="Try again in a few minutes.")
        sealed = parties.seal.close(kind, json.dumps(dict(body)), mark)
        connection.execute(table.insert().values(hash=mark, kind=kind, sealed=sealed, expires_at=now + lasts))
    return made


def look(parties: Parties, kind: str, name: str) -> dict[str, Any] | None:
    """What is kept under a secret, None when nothing (any more)."""
    mark = digest(name)
    with parties.state.read() as connection:
        sealed = connection.scalar(sa.select(table.c.sealed).where(*_lives(parties, kind, mark)))
    return None if sealed is None else dict(json.loads(parties.seal.open(kind, sealed, mark)))


def end(parties: Parties, kind: str, name: str) -> dict[str, Any] | None:
    """The same, and it is gone: of two who come at once, one gets it."""
    found = look(parties, kind, name)
    if found is None:
        return None
    with parties.state.write() as connection:
        gone = connection.execute(table.delete().where(*_lives(parties, kind, digest(name)))).rowcount
    return found if gone else None


def spend(parties: Parties, connection: Connection, use: str, text: str, lasts: timedelta) -> bool:
    """Whether ``text`` was not used before; now it is, for as long as it could be used again."""
    mark, now = digest(f"{use}\0{text}"), parties.now()
    connection.execute(table.delete().where(table.c.expires_at < now))
    if connection.scalar(sa.select(table.c.hash).where(table.c.hash == mark)) is not None:
        return False
    try:
        with connection.begin_nested():
            connection.execute(table.insert().values(hash=mark, kind="spent", sealed="", expires_at=now + lasts))
    except IntegrityError:  # another process, between the look and the note
        return False
    return True


def _lives(parties: Parties, kind: str, mark: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (table.c.hash == mark, table.c.kind == kind, table.c.expires_at > parties.now())
