"""Invitations and links for a new password: one secret, used once, for a few days or hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.errors import BadForm, Conflict, NotFound
from arengo.governance import role as roles
from arengo.governance.caller import CITY_WIDE, Caller
from arengo.governance.person import Person, person_of
from arengo.governance.role import administers
from arengo.governance.seal import digest, secret
from arengo.state import parties as tables

if TYPE_CHECKING:
    from arengo.governance.party import Parties


@dataclass(frozen=True, slots=True)
class Invitation:
    """``kind``: invite or reset. ``given_by``: a person, the operator, or '' for whoever forgot a password."""

    id: str
    kind: str
    person: Person
    given_by: str
    created_at: datetime
    expires_at: datetime


class Invitations:
    """Links that let somebody in for the first time, or again."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties

    def invite(
        self, name: str, mail: str, organisation: str, wanted: Sequence[str], *, by: Caller, language: str = ""
    ) -> tuple[Person, str]:
        """(person, secret of the link). '' when the person signs in already and only got the roles.

        ``organisation``: where the roles hold; the person acts for it (for the city when it is '*').
        Raises NotAllowed, BadForm, NotFound, Conflict (a blocked person).
        """
        parties = self._parties
        for role in wanted:
            parties.may_give(organisation, role, by)
        administers(by, organisation)
        home = "city" if organisation == CITY_WIDE else organisation
        parties.organisation(home)
        known = parties.by_mail(mail)
        if known is not None and known.state == "blocked":
            raise Conflict("That person was blocked.", todo="Let the person in again first.")
        now = parties.now()
        link = ""
        with parties.state.write() as connection:
            person = known or parties.put_person(connection, name, mail, home, "invited", language)
            for role in wanted:
                roles.give(connection, person.id, organisation, role, by=by.party, now=now)
            if person.state == "invited":
                link = self._put(connection, "invite", person.id, by.party, now)
            parties.state.bump(connection)
        body = {"act": "person invited", "person": person.id, "roles": list(wanted)}
        parties.tell("administration", actor=by.party, organisation=organisation, body=body, subjects=[person.id])
        return person, link

    def renew(self, person: str, *, by: Caller) -> str:
        """A new link for somebody who is invited, or who can no longer sign in; older ones open nothing.

        Raises NotAllowed, NotFound, Conflict.
        """
        found = self._parties.person(person)
        self._parties.answers_for(found, by)
        if found.state == "blocked":
            raise Conflict("That person was blocked.", todo="Let the person in again first.")
        kind = "invite" if found.state == "invited" else "reset"
        with self._parties.state.write() as connection:
            link = self._put(connection, kind, person, by.party, self._parties.now())
        body = {"act": "link made", "person": person, "kind": kind}
        self._parties.tell(
            "administration", actor=by.party, organisation=found.organisation, body=body, subjects=[person]
        )
        return link

    def forgotten(self, connection: Connection, person: Person) -> str:
        """A link for who asked for it by mail, in the caller's transaction."""
        return self._put(connection, "reset", person.id, "", self._parties.now())

    def _put(self, connection: Connection, kind: str, person: str, by: str, now: datetime) -> str:
        login = self._parties.settings.login
        lasts = timedelta(days=login.invitation_days) if kind == "invite" else timedelta(hours=login.reset_hours)
        i, made = tables.invitation.c, secret()
        connection.execute(tables.invitation.delete().where((i.person == person) | (i.expires_at < now)))
        connection.execute(
            tables.invitation.insert().values(
                id="i-" + secret()[:12],
                hash=digest(made),
                kind=kind,
                person=person,
                given_by=by,
                created_at=now,
                expires_at=now + lasts,
            )
        )
        return made

    def look(self, link: str) -> Invitation:
        """What a link opens. Raises NotFound: the same for a wrong, a used and an old one."""
        i, p = tables.invitation.c, tables.person.c
        with self._parties.state.read() as connection:
            row = connection.execute(
                sa.select(tables.invitation).where(
                    i.hash == digest(link), i.used_at.is_(None), i.expires_at > self._parties.now()
                )
            ).first()
            found = (
                connection.execute(sa.select(tables.person).where(p.id == row.person, p.state != "blocked")).first()
                if row is not None
                else None
            )
        if row is None or found is None:
            raise NotFound(
                "This link opens nothing.", todo="Links are good once and for a short time. Ask for a new one."
            )
        return Invitation(row.id, row.kind, person_of(found), row.given_by, row.created_at, row.expires_at)

    def use(self, connection: Connection, found: Invitation, name: str = "") -> None:
        """Use the link up in the caller's transaction and make its person active. Raises NotFound for the second.

        A contract may name its approvers: nobody takes the name of somebody else. Raises BadForm.
        """
        i, p = tables.invitation.c, tables.person.c
        if name and name.casefold() != found.person.name.casefold():
            others = connection.execute(sa.select(p.name).where(p.id != found.person.id)).scalars()
            if "@" in name or name.casefold() in {other.casefold() for other in others}:
                raise BadForm("Somebody else here is called that.", todo="Keep the name of the invitation.")
        used = tables.invitation.update().where(i.id == found.id, i.used_at.is_(None))
        if not connection.execute(used.values(used_at=self._parties.now())).rowcount:
            raise NotFound("This link opens nothing.", todo="It was used before. Ask for a new one.")
        values = {"state": "active"} | ({"name": name} if name else {})
        self._parties.change_person(connection, found.person.id, **values)

    def accept(self, link: str, password: str, name: str = "") -> Person:
        """Set the password of whoever was invited or forgot it; every session before ends. Raises NotFound, BadForm.

        A lost second factor is not given up by this: whoever has one needs it still.
        """
        found = self.look(link)
        parties = self._parties
        hashed = parties.passwords.hashed(password)
        now = parties.now()
        with parties.state.write() as connection:
            self.use(connection, found, " ".join(name.split())[:200] if found.kind == "invite" else "")
            parties.passwords.put(connection, found.person.id, hashed)
            s = tables.session.c
            open_ones = (s.person == found.person.id) & s.ended_at.is_(None)
            connection.execute(tables.session.update().where(open_ones).values(ended_at=now, sealed=""))
        act = "invitation accepted" if found.kind == "invite" else "password changed by link"
        body = {"act": act, "person": found.person.id}
        parties.tell(
            "login",
            actor=found.person.id,
            organisation=found.person.organisation,
            body=body,
            subjects=[found.person.id],
        )
        return parties.person(found.person.id)

    def void(self, connection: Connection, person: str) -> None:
        """The links of a person open nothing any more; in the caller's transaction."""
        connection.execute(tables.invitation.delete().where(tables.invitation.c.person == person))

    def waiting(self) -> dict[str, datetime]:
        """Person -> until when the link is good, of those invited and not come."""
        i = tables.invitation.c
        chosen = sa.select(i.person, i.expires_at).where(
            i.kind == "invite", i.used_at.is_(None), i.expires_at > self._parties.now()
        )
        with self._parties.state.read() as connection:
            return {row.person: row.expires_at for row in connection.execute(chosen)}
