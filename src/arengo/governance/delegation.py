"""Standing in: a steward who is away lets a colleague decide on her behalf, from one moment until another.

Who stands in has only the rights of the person stood in for, in one organisation, as long as that person has them, and
cannot pass them on.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from arengo.contract.model import EMPTY
from arengo.errors import BadForm, NotAllowed, NotFound
from arengo.governance.approval import is_person
from arengo.governance.caller import Caller
from arengo.state import State
from arengo.state.agreements import delegation

LONGEST = timedelta(days=366)
Roles = Callable[[str], tuple[tuple[str, str], ...]]
"""Id of a person -> (organisation, role) pairs she has now."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """``person`` lets ``to`` decide on her behalf in ``organisation``."""

    id: str
    person: str
    to: str
    organisation: str
    since: datetime
    until: datetime
    created_at: datetime
    ended_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.ended_at is None and self.since <= now < self.until


class Delegations:
    """``roles``: what people may be now. ``levels``: role -> the assurance at which it holds. Thread-safe."""

    def __init__(
        self,
        state: State,
        *,
        roles: Roles,
        now: Callable[[], datetime],
        tell: Callable[..., object],
        levels: Mapping[str, int] = EMPTY,
    ) -> None:
        self._levels = levels
        self._state = state
        self._roles = roles
        self._now = now
        self._tell = tell

    def put(self, to: str, organisation: str, since: datetime, until: datetime, *, by: Caller) -> Delegation:
        """``by`` lets ``to`` stand in. Raises BadForm, NotAllowed."""
        now = self._now()
        if not is_person(by) or not any(held == organisation for held, _ in by.roles):
            raise NotAllowed(
                f"You have no role in {organisation[:80]}.", todo="Only who decides there can let somebody stand in."
            )
        if not to or to == by.party:
            raise BadForm("Nobody else is named to stand in.", todo="Name a colleague.")
        if not any(held == organisation for held, _ in self._roles(to)):
            raise BadForm(
                "Who stands in has to be of the same organisation.", todo="Name a colleague with a role there."
            )
        if since.tzinfo is None or until.tzinfo is None:
            raise BadForm("The times have no time zone.", todo="Write times in UTC.")
        if until <= max(since, now) or until - since > LONGEST:
            raise BadForm("The time of standing in is not between now and a year.", todo="Choose another end.")
        made = Delegation(f"d-{secrets.token_hex(6)}", by.party, to, organisation, since, until, now)
        with self._state.write() as connection:
            values = {name: getattr(made, name) for name in Delegation.__slots__}
            connection.execute(delegation.insert().values(**values))
        body = {"act": "delegation", "id": made.id, "person": by.party, "to": to, "until": until.isoformat()}
        self._tell("administration", actor=by.party, organisation=organisation, body=body)
        return made

    def end(self, id: str, *, by: Caller) -> None:
        """Either of the two ends it. Raises NotFound."""
        now, c = self._now(), delegation.c
        with self._state.write() as connection:
            row = connection.execute(sa.select(delegation).where(c.id == id)).first()
            if row is None or not is_person(by) or by.party not in (row.person, row.to):
                raise NotFound("There is no such delegation of yours.")
            connection.execute(delegation.update().where(c.id == id, c.ended_at.is_(None)).values(ended_at=now))
        body = {"act": "delegation ended", "id": id, "person": row.person, "to": row.to}
        self._tell("administration", actor=by.party, organisation=row.organisation, body=body)

    def of(self, person: str) -> tuple[Delegation, ...]:
        """Those a person gave or was given, the newest first."""
        c = delegation.c
        chosen = sa.select(delegation).where(sa.or_(c.person == person, c.to == person)).order_by(c.created_at.desc())
        with self._state.read() as connection:
            return tuple(_delegation(row) for row in connection.execute(chosen))

    def stood_in_for(self, to: str, organisation: str = "") -> tuple[Delegation, ...]:
        """For whom ``to`` may decide now; of one organisation when given."""
        now, c = self._now(), delegation.c
        chosen = sa.select(delegation).where(
            c.to == to, c.since <= now, c.until > now, c.ended_at.is_(None)
        ).order_by(c.person)  # fmt: skip
        if organisation:
            chosen = chosen.where(c.organisation == organisation)
        with self._state.read() as connection:
            return tuple(_delegation(row) for row in connection.execute(chosen))

    def deputies(self, person: str, organisation: str) -> tuple[str, ...]:
        """Who stands in for a person in an organisation now."""
        now, c = self._now(), delegation.c
        chosen = sa.select(c.to).where(
            c.person == person, c.organisation == organisation, c.since <= now, c.until > now, c.ended_at.is_(None)
        ).order_by(c.to)  # fmt: skip
        with self._state.read() as connection:
            return tuple(dict.fromkeys(str(row[0]) for row in connection.execute(chosen)))

    def principal(self, person: str, by: Caller, organisation: str) -> Caller:
        """The person ``by`` stands in for, with the rights she has now. Raises NotAllowed."""
        for item in self.stood_in_for(by.party, organisation):
            if item.person == person and is_person(by):
                held = tuple(
                    (where, role)
                    for where, role in self._roles(person)
                    if where == organisation and self._levels.get(role, 0) <= by.assurance
                )
                return Caller(party=person, organisation=organisation, roles=held, assurance=by.assurance)
        raise NotAllowed(
            "You do not stand in for this person here now.", todo="Ask her to let you stand in, or decide as yourself."
        )


def _delegation(row: Any) -> Delegation:
    return Delegation(**{name: getattr(row, name) for name in Delegation.__slots__})
