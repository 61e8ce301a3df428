"""Parties: organisations with their departments, people, and the roles that tie them.

Organisations that contracts name as owners are there by themselves; others, and departments, are added. An
organisation's id is the slug of its name, as in the catalogue.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from arengo.contract import Contract
from arengo.errors import BadForm, Conflict, NotFound
from arengo.governance import role as roles
from arengo.governance.caller import CITY_WIDE, ROLES, Caller
from arengo.governance.person import Person, address, person_of
from arengo.governance.role import Role, administers
from arengo.governance.seal import Seal
from arengo.settings import Settings
from arengo.state import State
from arengo.state import parties as tables

if TYPE_CHECKING:
    from arengo.governance.invitation import Invitations
    from arengo.governance.passkey import Passkeys
    from arengo.governance.password import Passwords
    from arengo.governance.throttle import Throttle
    from arengo.governance.totp import Totps

Tell = Callable[..., object]
"""The ledger's ``tell``: (kind, *, actor, organisation, dataset, body, subjects)."""
CITY_ID = "city"
"""The organisation that answers for what names no owner: the city itself."""
MAIL = re.compile(r"[^@\s,;<>\"\\]{1,64}@[^@\s,;<>\"\\]{1,190}\.[^@\s.,;<>\"\\]{2,63}")
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


def now_utc() -> datetime:
    return datetime.now(UTC)


def untold(kind: str, **facts: object) -> None:
    """Where nobody keeps a record."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """``parent``: the organisation it is a department of, ''. ``owner``: whether contracts name it."""

    id: str
    name: str
    parent: str = ""
    owner: bool = False


def organisation_id(name: str) -> str:
    """The slug of an organisation's name, as it stands in addresses and in the catalogue."""
    from arengo.contract.draft.naming import latin

    return re.sub(r"[^a-z0-9]+", "-", latin(name).lower()).strip("-")[:80] or "unnamed"


def owner_id(contract: Contract) -> str:
    """The organisation that answers for a dataset."""
    return organisation_id(contract.owner) if contract.owner else CITY_ID


class Parties:
    """``now``: what time it is; ``tell``: where changes are recorded. Thread-safe, cheap to make."""

    def __init__(
        self, settings: Settings, state: State, now: Callable[[], datetime] = now_utc, tell: Tell = untold
    ) -> None:
        self.settings = settings
        self.state = state
        self.now = now
        self.tell = tell
        self.seal = Seal(settings.home / "parties.key")
        self._owners: dict[tuple[str, str], tuple[str, str]] = {}  # (dataset, sha) -> (id, name)
        self._known: tuple[int, Mapping[str, Organisation]] = (-1, {})

    @cached_property
    def passwords(self) -> Passwords:
        from arengo.governance.password import Passwords

        return Passwords(self)

    @cached_property
    def totps(self) -> Totps:
        from arengo.governance.totp import Totps

        return Totps(self)

    @cached_property
    def passkeys(self) -> Passkeys:
        from arengo.governance.passkey import Passkeys

        return Passkeys(self)

    @cached_property
    def invitations(self) -> Invitations:
        from arengo.governance.invitation import Invitations

        return Invitations(self)

    @cached_property
    def throttle(self) -> Throttle:
        from arengo.governance.throttle import Throttle

        return Throttle(self)

    # Organisations

    def organisations(self) -> Mapping[str, Organisation]:
        """Every organisation by id, in the order of names; kept until the state's generation moves."""
        generation = self.state.generation()
        if self._known[0] != generation:
            self._known = (generation, self._organisations())
        return self._known[1]

    def _organisations(self) -> Mapping[str, Organisation]:
        found = {CITY_ID: Organisation(CITY_ID, self.settings.city.name, "", True)}
        held: dict[tuple[str, str], tuple[str, str]] = {}
        for record in self.state.contracts().values():
            key = (record.dataset, record.sha)
            owner, name = held[key] = self._owners.get(key) or _owner(record.text)
            found.setdefault(owner, Organisation(owner, name, "", True))
        self._owners = held
        with self.state.read() as connection:
            rows = connection.execute(sa.select(tables.organisation).where(tables.organisation.c.state == "active"))
            for row in rows:
                found[row.id] = Organisation(row.id, row.name, row.parent, row.id in found)
        return dict(sorted(found.items(), key=lambda item: (item[1].name.casefold(), item[0])))

    def organisation(self, id: str) -> Organisation:
        """Raises NotFound."""
        found = self.organisations().get(id)
        if found is None:
            raise NotFound(f"There is no organisation {id[:80]!r}.", todo="See the list of organisations.")
        return found

    def add_organisation(self, name: str, parent: str = "", *, by: Caller) -> Organisation:
        """An organisation, or a department of ``parent``. Raises NotAllowed, BadForm, Conflict, NotFound.

        Only who administers the whole city may: a department of one's own, named as an office that does not
        publish yet, would inherit that office's data with its name.
        """
        administers(by, CITY_WIDE)
        name = " ".join(name.split())
        if not name or len(name) > 200:
            raise BadForm("An organisation needs a name of at most 200 characters.")
        if parent:
            self.organisation(parent)
        new = organisation_id(name)
        known = self.organisations().get(new)
        if known is not None and (known.parent or not known.owner or not parent):
            raise Conflict(f"{known.name} is there already.", todo="Choose another name.")
        if known is not None and parent in self._below(new):
            raise Conflict(f"{known.name} cannot be a department of its own department.")
        now = self.now()
        with self.state.write() as connection:
            connection.execute(tables.organisation.delete().where(tables.organisation.c.id == new))
            connection.execute(
                tables.organisation.insert().values(id=new, name=name, parent=parent, state="active", created_at=now)
            )
            self.state.bump(connection)
        self._told(by, parent or new, {"act": "organisation added", "organisation": new, "parent": parent})
        return Organisation(new, name, parent, known is not None)

    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Organisation -> its departments."""
        out: dict[str, tuple[str, ...]] = {}
        for item in self.organisations().values():
            if item.parent:
                out[item.parent] = (*out.get(item.parent, ()), item.id)
        return out

    def house(self, id: str) -> frozenset[str]:
        """The whole organisation that one is a department of, with all its departments; itself for one nobody knows."""
        known, top = self.organisations(), id
        while (item := known.get(top)) is not None and item.parent and item.parent in known:
            top = item.parent
        return frozenset(self._below(top))

    def _below(self, id: str) -> set[str]:
        children = self.children()
        out, waiting = {id}, [id]
        while waiting:
            for child in children.get(waiting.pop(), ()):
                if child not in out:
                    out.add(child)
                    waiting.append(child)
        return out

    # People

    def person(self, id: str) -> Person:
        """Raises NotFound."""
        with self.state.read() as connection:
            found = connection.execute(sa.select(tables.person).where(tables.person.c.id == id)).first()
        if found is None:
            raise NotFound("There is no such person.")
        return person_of(found)

    def by_mail(self, mail: str) -> Person | None:
        with self.state.read() as connection:
            found = connection.execute(sa.select(tables.person).where(tables.person.c.mail == address(mail))).first()
        return None if found is None else person_of(found)

    def people(self, organisation: str = "") -> tuple[Person, ...]:
        """People of an organisation: who acts for it or has a role in it. All when '' or '*' is asked."""
        chosen = sa.select(tables.person).order_by(sa.func.lower(tables.person.c.name), tables.person.c.id)
        if organisation and organisation != CITY_WIDE:
            with_role = sa.select(tables.role.c.person).where(tables.role.c.organisation == organisation)
            chosen = chosen.where((tables.person.c.organisation == organisation) | tables.person.c.id.in_(with_role))
        with self.state.read() as connection:
            return tuple(person_of(row) for row in connection.execute(chosen))

    def names(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Names of people by id, for lists; ids that are nobody's are left out."""
        wanted = sorted(set(ids))
        with self.state.read() as connection:
            chosen = sa.select(tables.person.c.id, tables.person.c.name).where(tables.person.c.id.in_(wanted))
            return {row.id: row.name for row in connection.execute(chosen)}

    def add_person(
        self, name: str, mail: str, organisation: str, *, by: Caller, state: str = "invited", language: str = ""
    ) -> Person:
        """Raises NotAllowed, BadForm, NotFound, Conflict (the address is somebody's)."""
        administers(by, organisation)
        self.organisation(organisation)
        with self.state.write() as connection:
            made = self.put_person(connection, name, mail, organisation, state, language)
        self._told(by, organisation, {"act": "person added", "person": made.id}, [made.id])
        return made

    def put_person(
        self, connection: Connection, name: str, mail: str, organisation: str, state: str, language: str = ""
    ) -> Person:
        """The same in the caller's transaction, asking nobody."""
        name, mail = " ".join(name.split())[:200], address(mail)
        if not MAIL.fullmatch(mail):
            raise BadForm("That is not an e-mail address.", todo="Write one like name@example.org.")
        if connection.scalar(sa.select(tables.person.c.id).where(tables.person.c.mail == mail)) is not None:
            raise Conflict("That address belongs to somebody here.", todo="Give that person a role instead.")
        now = self.now()
        made = Person(
            "p-" + "".join(secrets.choice(_ALPHABET) for _ in range(12)),
            name or mail.partition("@")[0],
            mail,
            organisation,
            state,
            language or self.settings.city.language,
            now,
            now,
        )
        values = {name: getattr(made, name) for name in Person.__slots__}
        try:
            with connection.begin_nested():
                connection.execute(tables.person.insert().values(**values))
        except IntegrityError:  # somebody else, between the look and the note
            raise Conflict("That address belongs to somebody here.", todo="Give that person a role instead.") from None
        return made

    def change_person(self, connection: Connection, id: str, **values: Any) -> None:
        """In the caller's transaction; who may see what can change with it."""
        connection.execute(
            tables.person.update().where(tables.person.c.id == id).values(updated_at=self.now(), **values)
        )
        self.state.bump(connection)

    def block(self, id: str, *, by: Caller, blocked: bool = True) -> None:
        """Nobody blocked signs in; sessions end at once. Raises NotAllowed, NotFound, Conflict."""
        person = self.person(id)
        self.answers_for(person, by)
        if by.party == id:
            raise Conflict("Nobody can block themselves.", todo="Ask another administrator.")
        with self.state.write() as connection:
            has_way = self._can_sign_in(connection, id)
            state = "blocked" if blocked else "active" if has_way else "invited"
            if blocked:
                its = (tables.session.c.person == id) & tables.session.c.ended_at.is_(None)
                connection.execute(tables.session.update().where(its).values(ended_at=self.now()))
            self.change_person(connection, id, state=state)
        act = "person blocked" if blocked else "person let in again"
        self._told(by, person.organisation, {"act": act, "person": id}, [id])

    def erase(self, id: str, *, by: Caller) -> None:
        """Forget who somebody was: name, address, roles, keys, sessions. The id stays where it stands on record.

        Raises NotAllowed, NotFound, Conflict.
        """
        person = self.person(id)
        self.answers_for(person, by)
        if by.party == id:
            raise Conflict("Nobody can erase themselves.", todo="Ask another administrator.")
        gone = (
            *(tables.role, tables.identity, tables.password, tables.totp, tables.recovery_code),
            *(tables.passkey, tables.invitation, tables.session),
        )
        with self.state.write() as connection:
            for table in gone:
                connection.execute(table.delete().where(table.c.person == id))
            self.change_person(connection, id, name="–", mail=f"{id}@erased.invalid", state="blocked")
        self._told(by, person.organisation, {"act": "person erased", "person": id}, [id])

    def _can_sign_in(self, connection: Connection, id: str) -> bool:
        return any(
            connection.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.person == id))
            for table in (tables.password, tables.passkey, tables.identity)
        )

    def answers_for(self, person: Person, by: Caller) -> None:
        """Raises NotAllowed unless ``by`` manages the person's organisation and every one the person has a role in.

        Otherwise an administrator could take over somebody who may more elsewhere.
        """
        for organisation in {person.organisation, *(item.organisation for item in self.roles(person.id))}:
            administers(by, organisation)

    # Roles

    def roles(self, person: str = "", organisation: str = "") -> tuple[Role, ...]:
        with self.state.read() as connection:
            return roles.of(connection, person, organisation)

    def give(self, person: str, organisation: str, role: str, *, by: Caller) -> None:
        """Raises NotAllowed, NotFound, BadForm."""
        self.may_give(organisation, role, by)
        self.person(person)
        with self.state.write() as connection:
            if not roles.give(connection, person, organisation, role, by=by.party, now=self.now()):
                return
            self.state.bump(connection)
        self._told(by, organisation, {"act": "role given", "person": person, "role": role}, [person])

    def take(self, person: str, organisation: str, role: str, *, by: Caller) -> None:
        """Take a role. What a directory says comes back at the next login if it still says so. Raises NotAllowed."""
        self.may_give(organisation, role, by)
        with self.state.write() as connection:
            if not roles.take(connection, person, organisation, role):
                return
            self.state.bump(connection)
        self._told(by, organisation, {"act": "role taken", "person": person, "role": role}, [person])

    def set_roles(self, person: str, organisation: str, wanted: Sequence[str], *, by: Caller) -> None:
        """Make the roles given here in one organisation exactly ``wanted``."""
        held = {item.role for item in self.roles(person, organisation) if not item.source}
        for name in wanted:
            if name not in held:
                self.give(person, organisation, name, by=by)
        for name in held.difference(wanted):
            self.take(person, organisation, name, by=by)

    def may_give(self, organisation: str, role: str, by: Caller) -> None:
        """Raises NotAllowed, NotFound, BadForm."""
        administers(by, organisation)
        if role not in ROLES:
            raise BadForm(f"There is no role {role[:40]!r}.", todo=f"Roles are {', '.join(ROLES)}.")
        if organisation != CITY_WIDE:
            self.organisation(organisation)

    # Who a provider says a person is

    def by_identity(self, provider: str, subject: str) -> Person | None:
        found = tables.identity.c
        with self.state.read() as connection:
            held = connection.scalar(
                sa.select(found.person).where(found.provider == provider, found.subject == subject)
            )
        return None if held is None else self.person(str(held))

    def bind(self, connection: Connection, person: str, provider: str, subject: str) -> None:
        """Remember who a person is at a provider, in the caller's transaction. Raises Conflict."""
        c, now = tables.identity.c, self.now()
        held = connection.scalar(sa.select(c.person).where(c.provider == provider, c.subject == subject))
        if held is None:
            made = tables.identity.insert().values(
                provider=provider, subject=subject, person=person, created_at=now, used_at=now
            )
            try:
                with connection.begin_nested():
                    connection.execute(made)
            except IntegrityError:
                raise Conflict("That identity is being tied to somebody right now.", todo="Sign in again.") from None
        elif held != person:
            raise Conflict("Somebody else here already signs in with that identity.")
        else:
            mine = (c.provider == provider) & (c.subject == subject)
            connection.execute(tables.identity.update().where(mine).values(used_at=now))

    def identities(self, person: str) -> tuple[str, ...]:
        """Providers a person signs in with."""
        with self.state.read() as connection:
            chosen = sa.select(tables.identity.c.provider).where(tables.identity.c.person == person).distinct()
            return tuple(str(row.provider) for row in connection.execute(chosen))

    def directory_roles(self, person: str, provider: str, wanted: Iterable[tuple[str, str]]) -> None:
        """The roles a directory says, exactly: those it no longer says are gone."""
        known = self.organisations()
        fit = {(where, name) for where, name in wanted if name in ROLES and (where == CITY_WIDE or where in known)}
        with self.state.write() as connection:
            new, gone = roles.told(connection, person, provider, fit, self.now())
            if new or gone:
                self.state.bump(connection)
        for act, changed in (("role given", new), ("role taken", gone)):
            for organisation, name in sorted(changed):
                body = {"act": act, "person": person, "role": name, "by": provider}
                self.tell("administration", actor=provider, organisation=organisation, body=body, subjects=[person])

    def _told(self, by: Caller, organisation: str, body: Mapping[str, Any], subjects: Iterable[str] = ()) -> None:
        self.tell("administration", actor=by.party, organisation=organisation, body=body, subjects=subjects)


def _owner(text: str) -> tuple[str, str]:
    from arengo.contract import loads

    contract = loads(text)
    return owner_id(contract), contract.owner or CITY_ID
