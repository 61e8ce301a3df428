"""Roles: what a person may be in an organisation, and who may say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import NotAllowed, SettingsError
from arengo.governance.caller import ASSURANCE, CITY_WIDE, ROLES, Caller
from arengo.state.parties import role as table

INHERITED = ("administrator", "auditor")
"""Roles in an organisation that hold in its departments too. A department's data stays with its own stewards."""
OPERATOR = Caller(
    party="operator",
    organisation="city",
    roles=tuple((CITY_WIDE, role) for role in ("administrator", "steward", "publisher")),
    assurance=len(ASSURANCE) - 1,
    credential="operator-key",
)
"""Whoever holds the key of the city folder. Ids of people begin with ``p-``, so nobody else has this one."""


@dataclass(frozen=True, slots=True)
class Role:
    """``source``: '' when it was given here, otherwise the directory that says so at each login."""

    person: str
    organisation: str
    role: str
    source: str
    given_by: str
    created_at: datetime


def needed(entries: Iterable[str]) -> Mapping[str, int]:
    """``login.assurance`` of the settings: role -> the lowest place in ASSURANCE at which it holds.

    Raises SettingsError.
    """
    out: dict[str, int] = {}
    for entry in entries:
        name, _, level = (part.strip() for part in entry.partition("="))
        if name not in ROLES or level not in ASSURANCE[1:]:
            raise SettingsError(
                f"login.assurance holds {entry!r}.",
                todo=f"Write ROLE=LEVEL; roles are {', '.join(ROLES)}, levels {', '.join(ASSURANCE[1:])}.",
            )
        out[name] = ASSURANCE.index(level)
    return out


def administers(by: Caller, organisation: str) -> None:
    """Raises NotAllowed unless ``by`` manages the people of ``organisation``."""
    if not by.has("administrator", organisation):
        where = "the whole city" if organisation == CITY_WIDE else organisation
        raise NotAllowed(
            f"Only an administrator of {where} may do this.",
            todo="Ask an administrator, or whoever keeps the city's key.",
        )


def spread(held: Iterable[tuple[str, str]], children: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, str], ...]:
    """Roles with those that hold in departments too; ``children``: organisation -> its departments."""
    out: dict[tuple[str, str], None] = {}
    waiting = list(held)
    while waiting:
        organisation, name = waiting.pop(0)
        if (organisation, name) in out:
            continue
        out[organisation, name] = None
        if name in INHERITED:
            waiting += [(child, name) for child in children.get(organisation, ())]
    return tuple(sorted(out))


def of(connection: Connection, person: str = "", organisation: str = "") -> tuple[Role, ...]:
    """Roles of a person, in an organisation, or all."""
    chosen = sa.select(table).order_by(table.c.organisation, table.c.person, table.c.role, table.c.source)
    if person:
        chosen = chosen.where(table.c.person == person)
    if organisation:
        chosen = chosen.where(table.c.organisation == organisation)
    return tuple(
        Role(row.person, row.organisation, row.role, row.source, row.given_by, row.created_at)
        for row in connection.execute(chosen)
    )


def give(
    connection: Connection, person: str, organisation: str, role: str, *, by: str, now: datetime, source: str = ""
) -> bool:
    """Whether it is new."""
    key = _key(person, organisation, role, source)
    if connection.scalar(sa.select(sa.func.count()).select_from(table).where(key)):
        return False
    connection.execute(
        table.insert().values(
            person=person, organisation=organisation, role=role, source=source, given_by=by, created_at=now
        )
    )
    return True


def take(connection: Connection, person: str, organisation: str, role: str, source: str | None = None) -> bool:
    """Whether it was there. ``source``: only what that one says, None for whoever says it."""
    c = table.c
    mine = (c.person == person) & (c.organisation == organisation) & (c.role == role)
    chosen = mine if source is None else mine & (c.source == source)
    return bool(connection.execute(table.delete().where(chosen)).rowcount)


def told(
    connection: Connection, person: str, source: str, roles: Iterable[tuple[str, str]], now: datetime
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Make the roles that ``source`` says exactly ``roles``; which are new and which are gone."""
    wanted = set(roles)
    held = {
        (row.organisation, row.role)
        for row in connection.execute(sa.select(table).where(table.c.person == person, table.c.source == source))
    }
    for organisation, name in wanted - held:
        give(connection, person, organisation, name, by=source, now=now, source=source)
    for organisation, name in held - wanted:
        take(connection, person, organisation, name, source)
    return wanted - held, held - wanted


def _key(person: str, organisation: str, role: str, source: str) -> sa.ColumnElement[bool]:
    c = table.c
    return sa.and_(c.person == person, c.organisation == organisation, c.role == role, c.source == source)
