"""Applications: the programs that read, with the keys they prove themselves by.

A key is made and turned by the application's owner alone, so that no administrator can read in somebody's name
without the record showing a change of owner first; it may be revoked, and the application blocked, by more people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.errors import BadForm, BadQuery, Conflict, NotAllowed, NotFound
from arengo.governance import apikey
from arengo.governance.caller import CITY_WIDE, Caller
from arengo.state import applications as tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from arengo.governance.party import Parties
    from arengo.governance.person import Person
    from arengo.state import State

DAYS = 365
"""Most days a key lasts."""
OVERLAP = timedelta(days=7)
"""How long the old key goes on when it is turned into a new one."""
MOST_KEYS = 20
MOST_APPLICATIONS = 50
LONGEST = 200
_MAIL = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]{1,190}")

Tell = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Application:
    """``organisation``: for whom it acts, '' for its owner alone. ``owner``: person.

    ``reason``, ``blocked_by``: why and by whom it is blocked, '' while it is active.
    """

    id: str
    title: str
    words: str
    organisation: str
    owner: str
    contacts: tuple[str, ...]
    state: str
    reason: str
    blocked_by: str
    created_at: datetime
    updated_at: datetime

    @property
    def active(self) -> bool:
        return self.state == "active"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """``agreement``: the only one it opens, '' for all of the application's. ``used``: the last day it was shown."""

    id: str
    application: str
    agreement: str
    title: str
    digest: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    rotated_from: str
    used: date | None = None

    @property
    def prefix(self) -> str:
        return apikey.prefix(self.id)

    def state(self, now: datetime) -> str:
        """live | expired | revoked"""
        return "revoked" if self.revoked_at else "expired" if self.expires_at <= now else "live"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """By what an application gets tokens. ``kind``: secret | jwk. ``jwk``: a public key (RFC 7517)."""

    id: str
    application: str
    kind: str
    digest: str
    jwk: Mapping[str, Any] | None
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    used: date | None = None

    def state(self, now: datetime) -> str:
        """live | expired | revoked"""
        return "revoked" if self.revoked_at else "expired" if self.expires_at <= now else "live"


def _silent(kind: str, **entry: Any) -> None:
    """Nobody writes it down."""


class Applications:
    """``tell``: writes the record (the ledger's). ``belongs``: whether (agreement, application) go together."""

    def __init__(
        self,
        state: State,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tell: Tell = _silent,
        belongs: Callable[[str, str], bool] = lambda agreement, application: True,
    ) -> None:
        self.state = state
        self.now = now
        self._tell = tell
        self._belongs = belongs
        self._held: dict[str, Application | None] = {}
        self._generation = -1

    # ---- applications -------------------------------------------------------------------------------------------

    def find(self, id: str) -> Application | None:
        """None when there is no such application. Kept until anything changes who may read."""
        generation = self.state.generation()
        if generation != self._generation:
            self._held, self._generation = {}, generation
        held = self._held
        if id not in held:
            with self.state.read() as connection:
                found = connection.execute(sa.select(tables.application).where(tables.application.c.id == id)).first()
            if len(held) > 10_000:
                held.clear()
            held[id] = _application(found) if found else None
        return held[id]

    def get(self, id: str) -> Application:
        """Raises NotFound."""
        found = self.find(id)
        if found is None:
            raise _unknown()
        return found

    def organisation_of(self, id: str) -> str:
        """The organisation an application acts for, '' when there is no such one or it is blocked."""
        found = self.find(id)
        return found.organisation if found is not None and found.active else ""

    def mine(self, by: Caller) -> tuple[Application, ...]:
        """Those ``by`` may look after, by title: its own, those of organisations it administers."""
        t = tables.application.c
        administered = [organisation for organisation, role in by.roles if role == "administrator"]
        if not by.party or by.application:
            return ()
        chosen = sa.select(tables.application).order_by(t.title, t.id)
        if CITY_WIDE not in administered:
            chosen = chosen.where(sa.or_(t.owner == by.party, t.organisation.in_(administered)))
        with self.state.read() as connection:
            return tuple(_application(row) for row in connection.execute(chosen))

    def seen(self, id: str, by: Caller) -> Application:
        """The application when ``by`` may look after it; NotFound, the same for one that is not there, otherwise."""
        found = self.find(id)
        if found is None or not (self.owns(found, by) or self.oversees(found, by)):
            raise _unknown()
        return found

    @staticmethod
    def owns(application: Application, by: Caller) -> bool:
        """Whether ``by`` may make keys for it. A program never may."""
        return bool(by.party) and not by.application and application.owner == by.party

    @staticmethod
    def oversees(application: Application, by: Caller) -> bool:
        """Whether ``by`` may block it, revoke its keys and give it another owner."""
        administered = by.has("administrator", application.organisation or CITY_WIDE)
        return bool(by.party) and not by.application and administered

    def create(
        self, title: str, by: Caller, *, organisation: str = "", words: str = "", contacts: Iterable[str] = ()
    ) -> Application:
        """Raises NotAllowed for who is not signed in or not of that organisation, BadForm, Conflict for too many."""
        if not by.party or by.application:
            raise NotAllowed("Only a person who signed in registers an application.", todo="Sign in first.")
        known = {by.organisation, *(name for name, _ in by.roles)} - {CITY_WIDE}
        if organisation and organisation not in known:
            raise NotAllowed(f"You do not act for {organisation}.", todo="Register it for your own organisation.")
        values = {**_words(title, words, contacts), "organisation": organisation, "owner": by.party}
        made, now = f"app-{apikey.make()[0].lower()}", self.now()
        with self.state.write() as connection:
            owned = sa.select(sa.func.count()).where(tables.application.c.owner == by.party)
            if int(connection.scalar(owned) or 0) >= MOST_APPLICATIONS:
                raise Conflict(f"You own {MOST_APPLICATIONS} applications already.", todo="Use one of them.")
            connection.execute(
                tables.application.insert().values(
                    id=made, **values, state="active", reason="", blocked_by="", created_at=now, updated_at=now
                )
            )
            self.state.bump(connection)
        self._record("application registered", by, organisation, application=made)
        return self.get(made)

    def describe(self, id: str, by: Caller, *, title: str, words: str, contacts: Iterable[str]) -> Application:
        """Change the words of an application. Raises NotFound, NotAllowed, BadForm."""
        self._own(id, by)
        with self.state.write() as connection:
            self._set(connection, id, **_words(title, words, contacts))
        return self.get(id)

    def block(self, id: str, by: Caller, why: str) -> Application:
        """None of its credentials opens anything from the next request on. Raises NotFound."""
        return self._turn(id, by, "blocked", why)

    def unblock(self, id: str, by: Caller, why: str = "") -> Application:
        """Only whoever oversees it undoes a block that another made. Raises NotFound, NotAllowed."""
        return self._turn(id, by, "active", why)

    def transfer(self, id: str, to: str, by: Caller, why: str, *, acts_for: Iterable[str] = ()) -> Application:
        """Give it another owner, a person's id; every credential of the old one is revoked.

        ``acts_for``: organisations of that person. Raises NotFound, BadForm for somebody of another organisation: who
        administers the city does not get at an office's agreements by this.
        """
        item = self.seen(id, by)
        if not to or not why.strip():
            raise BadForm("A new owner and a reason are needed.", todo="Say who looks after it from now on and why.")
        if item.organisation and item.organisation not in set(acts_for):
            raise BadForm(
                "That person is not one of the application's organisation.",
                todo=f"Choose somebody of {item.organisation}, or register the application anew.",
            )
        with self.state.write() as connection:
            self._set(connection, id, owner=to)
            for table in (tables.api_key, tables.oauth_key):
                mine = (table.c.application == id) & table.c.revoked_at.is_(None)
                connection.execute(table.update().where(mine).values(revoked_at=self.now()))
        self._record("application given to another owner", by, item.organisation, application=id, owner=to, why=why)
        return self.get(id)

    def _turn(self, id: str, by: Caller, state: str, why: str) -> Application:
        item = self.seen(id, by)
        if state == "active" and item.blocked_by not in ("", by.party) and not self.oversees(item, by):
            raise NotAllowed("Your organisation or the city blocked it.", todo=f"They said: {item.reason}")
        blocked = {"reason": why.strip()[:LONGEST], "blocked_by": by.party}
        with self.state.write() as connection:
            self._set(
                connection, id, state=state, **(blocked if state == "blocked" else {"reason": "", "blocked_by": ""})
            )
        word = "blocked" if state == "blocked" else "unblocked"
        self._record(f"application {word}", by, item.organisation, application=id, why=why.strip()[:LONGEST])
        return self.get(id)

    def _set(self, connection: Connection, id: str, **values: Any) -> None:
        connection.execute(
            tables.application.update().where(tables.application.c.id == id).values(updated_at=self.now(), **values)
        )
        self.state.bump(connection)

    def _own(self, id: str, by: Caller) -> Application:
        item = self.seen(id, by)
        if not self.owns(item, by):
            raise NotAllowed(
                f"Only the owner of {item.title} may do this.", todo="Give it another owner first, with a reason."
            )
        return item

    # ---- keys ---------------------------------------------------------------------------------------------------

    def keys(self, id: str, by: Caller) -> tuple[ApiKey, ...]:
        """The application's keys, newest first. Raises NotFound."""
        self.seen(id, by)
        k, use = tables.api_key, tables.credential_use
        chosen = (
            sa.select(k, use.c.day)
            .outerjoin(use, use.c.credential == k.c.id)
            .where(k.c.application == id)
            .order_by(k.c.created_at.desc(), k.c.id)
        )
        with self.state.read() as connection:
            return tuple(_key(row, row.day) for row in connection.execute(chosen))

    def key(self, key: str) -> ApiKey | None:
        """One key by the id that stands in it."""
        with self.state.read() as connection:
            row = connection.execute(sa.select(tables.api_key).where(tables.api_key.c.id == key)).first()
        return _key(row) if row else None

    def issue(
        self, id: str, by: Caller, *, agreement: str = "", title: str = "", days: int = DAYS
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which nobody can show again. Raises NotFound, NotAllowed, BadQuery, Conflict."""
        item = self._own(id, by)
        if not 1 <= days <= DAYS:
            raise BadQuery(f"A key lasts between 1 and {DAYS} days, not {days}.")
        self._scope(agreement, id)
        until = self.now() + timedelta(days=days)
        with self.state.write() as connection:
            made, text = self._put_key(connection, item, by, agreement, title, until)
        self._record("key made", by, item.organisation, application=id, credential=made.id, agreement=agreement)
        return made, text

    def rotate(self, id: str, key: str, by: Caller, *, overlap: timedelta = OVERLAP) -> tuple[ApiKey, str]:
        """A new key with the same scope; the old one goes on for ``overlap`` at most.

        Raises NotFound, NotAllowed; Conflict for a key that is revoked, expired or was turned already.
        """
        item = self._own(id, by)
        now = self.now()
        overlap = min(max(overlap, timedelta(0)), timedelta(days=30))
        k = tables.api_key
        with self.state.write() as connection:
            row = connection.execute(sa.select(k).where(k.c.id == key, k.c.application == id)).first()
            if row is None:
                raise _unknown()
            old = _key(row)
            turned = connection.scalar(sa.select(k.c.id).where(k.c.rotated_from == key, k.c.revoked_at.is_(None)))
            if old.state(now) != "live" or turned:
                raise Conflict(f"{old.prefix} cannot be turned any more.", todo="Make a new key.")
            lasts = max(old.expires_at - old.created_at, timedelta(days=1))
            made, text = self._put_key(connection, item, by, old.agreement, old.title, now + lasts, key)
            until = min(old.expires_at, now + overlap)
            connection.execute(k.update().where(k.c.id == key).values(expires_at=until))
        self._record("key turned", by, item.organisation, application=id, credential=made.id, before=key)
        return made, text

    def revoke(self, id: str, key: str, by: Caller) -> None:
        """A key or client key opens nothing from the next request on; doing it twice changes nothing.

        Raises NotFound.
        """
        item = self.seen(id, by)
        with self.state.write() as connection:
            known = False
            for table in (tables.api_key, tables.oauth_key):
                mine = (table.c.id == key) & (table.c.application == id)
                known = known or connection.scalar(sa.select(table.c.id).where(mine)) is not None
                still = mine & table.c.revoked_at.is_(None)
                connection.execute(table.update().where(still).values(revoked_at=self.now()))
            if not known:
                raise _unknown()
            self.state.bump(connection)
        self._record("credential revoked", by, item.organisation, application=id, credential=key)

    def _put_key(
        self,
        connection: Connection,
        item: Application,
        by: Caller,
        agreement: str,
        title: str,
        until: datetime,
        before: str = "",
    ) -> tuple[ApiKey, str]:
        self._room(connection, tables.api_key, item.id)
        key, text, digest = apikey.make()
        values: dict[str, Any] = {
            "id": key, "application": item.id, "agreement": agreement, "title": title.strip()[:LONGEST],
            "digest": digest, "created_at": self.now(), "created_by": by.party, "expires_at": until,
            "revoked_at": None, "rotated_from": before,
        }  # fmt: skip
        connection.execute(tables.api_key.insert().values(**values))
        self.state.bump(connection)
        return ApiKey(**values), text

    def _scope(self, agreement: str, application: str) -> None:
        if agreement and not self._belongs(agreement, application):
            raise NotFound("There is no such agreement of this application.", todo="Its agreements are on its page.")

    def _room(self, connection: Connection, table: sa.Table, application: str) -> None:
        c = table.c
        live = (c.application == application) & c.revoked_at.is_(None) & (c.expires_at > self.now())
        if int(connection.scalar(sa.select(sa.func.count()).where(live)) or 0) >= MOST_KEYS:
            raise Conflict(f"It has {MOST_KEYS} keys already.", todo="Revoke one that is not used.")

    # ---- what tokens are got with -------------------------------------------------------------------------------

    def clients(self, id: str, by: Caller) -> tuple[ClientKey, ...]:
        """The application's client secrets and public keys, newest first. Raises NotFound."""
        self.seen(id, by)
        k, use = tables.oauth_key, tables.credential_use
        chosen = (
            sa.select(k, use.c.day)
            .outerjoin(use, use.c.credential == k.c.id)
            .where(k.c.application == id)
            .order_by(k.c.created_at.desc(), k.c.id)
        )
        with self.state.read() as connection:
            return tuple(_client(row, row.day) for row in connection.execute(chosen))

    def proofs(self, id: str) -> tuple[ClientKey, ...]:
        """Those that prove it at the token endpoint now."""
        k = tables.oauth_key
        live = (k.c.application == id) & k.c.revoked_at.is_(None) & (k.c.expires_at > self.now())
        with self.state.read() as connection:
            return tuple(_client(row) for row in connection.execute(sa.select(k).where(live)))

    def secret(self, id: str, by: Caller, *, days: int = DAYS) -> tuple[ClientKey, str]:
        """A new client secret (RFC 6749, 2.3.1) and its text, which nobody can show again."""
        key, text, digest = apikey.make(apikey.SECRET)
        return self._put_client(id, by, key, "secret", digest, None, days), text

    def register(self, id: str, jwk: Mapping[str, Any], by: Caller, *, days: int = DAYS) -> ClientKey:
        """A public key for ``private_key_jwt`` (RFC 7523). Raises BadForm for one that cannot be used."""
        from arengo.governance.jose import public

        shown, thumbprint = public(jwk)
        return self._put_client(id, by, thumbprint[:22], "jwk", thumbprint, shown, days)

    def _put_client(
        self, id: str, by: Caller, key: str, kind: str, digest: str, jwk: Mapping[str, Any] | None, days: int
    ) -> ClientKey:
        item = self._own(id, by)
        if not 1 <= days <= DAYS:
            raise BadQuery(f"A key lasts between 1 and {DAYS} days, not {days}.")
        now = self.now()
        made = ClientKey(key, id, kind, digest, jwk, now, by.party, now + timedelta(days=days), None)
        values = {name: getattr(made, name) for name in ClientKey.__slots__ if name != "used"}
        with self.state.write() as connection:
            self._room(connection, tables.oauth_key, id)
            if connection.scalar(sa.select(tables.oauth_key.c.id).where(tables.oauth_key.c.id == key)) is not None:
                raise Conflict("This key is registered already.", todo="Make a new pair of keys.")
            connection.execute(tables.oauth_key.insert().values(**values))
            self.state.bump(connection)
        self._record(f"client {kind} registered", by, item.organisation, application=id, credential=key)
        return made

    # ---- traces -------------------------------------------------------------------------------------------------

    def touch(self, used: Mapping[str, date]) -> None:
        """Keep the last day each credential was shown. Changes nothing that is decided, so nothing is forgotten."""
        if not used:
            return
        t = tables.credential_use
        with self.state.write() as connection:
            for credential, day in used.items():
                mine = t.c.credential == credential
                if not connection.execute(t.update().where(mine).values(day=day)).rowcount:
                    connection.execute(t.insert().values(credential=credential, day=day))

    def _record(self, act: str, by: Caller, organisation: str, **body: Any) -> None:
        self._tell("administration", actor=by.party, organisation=organisation, body={"act": act, **body})


def offices(parties: Parties, person: Person) -> frozenset[str]:
    """The organisations a person who can sign in acts for."""
    if not person.active:
        return frozenset()
    return frozenset((person.organisation, *(item.organisation for item in parties.roles(person.id)))) - {CITY_WIDE}


def _application(row: Any) -> Application:
    return Application(**{**row._mapping, "contacts": tuple(row.contacts)})


def _key(row: Any, used: date | None = None) -> ApiKey:
    return ApiKey(**{name: row._mapping[name] for name in ApiKey.__slots__ if name != "used"}, used=used)


def _client(row: Any, used: date | None = None) -> ClientKey:
    return ClientKey(**{name: row._mapping[name] for name in ClientKey.__slots__ if name != "used"}, used=used)


def _words(title: str, words: str, contacts: Iterable[str]) -> dict[str, Any]:
    title, words = " ".join(title.split()), words.strip()
    mails = [mail.strip() for mail in contacts if mail.strip()]
    if not 2 <= len(title) <= LONGEST:
        raise BadForm(f"A title has 2 to {LONGEST} characters.", todo="Name it as its users do.")
    if len(words) > 5000:
        raise BadForm("A description has at most 5,000 characters.")
    if len(mails) > 5 or not all(_MAIL.fullmatch(mail) for mail in mails):
        raise BadForm("Up to five e-mail addresses are taken.", todo="Write one a line, such as team@example.org.")
    return {"title": title, "words": words, "contacts": mails}


def _unknown() -> NotFound:
    return NotFound("There is no such application or key.", todo="Your applications are at /applications.")
