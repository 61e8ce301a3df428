"""Sessions: who is signed in on which browser, how surely, and until when.

The cookie is 256 random bits; the database keeps its SHA-256. A cookie is never taken from a request: it is made at
each login and each step up, so one that was planted before opens nothing (session fixation). Idle and absolute ends
follow NIST SP 800-63B, section 7.2.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from arengo.errors import NotFound, NotKnown, StorageFull
from arengo.governance import role as roles
from arengo.governance.caller import ANYONE, ASSURANCE, Caller
from arengo.governance.party import Parties, Tell, untold
from arengo.governance.person import Person, person_of
from arengo.governance.seal import digest, secret
from arengo.state import parties as tables
from arengo.state.database import SESSIONS

SEEN = timedelta(minutes=1)
"""A session's last use is written so often."""
KEPT = timedelta(days=1)
"""Ended sessions are forgotten after it; the ledger keeps that they were."""
MOST = 2048
"""Sessions a process remembers."""
COOKIE = "arengo_session"


def cookie_name(secure: bool) -> str:
    """``__Host-`` keeps other hosts of the domain from planting one (RFC 6265bis, 4.1.3.2); it asks for https."""
    return f"__Host-{COOKIE}" if secure else COOKIE


@dataclass(frozen=True, slots=True)
class Session:
    """``method``: password, password totp, passkey, or a provider's id. ``agent``: browser and system in words."""

    id: str
    person: Person
    assurance: int
    method: str
    agent: str
    created_at: datetime
    authenticated_at: datetime
    seen_at: datetime
    expires_at: datetime
    caller: Caller
    resting: tuple[tuple[str, str, int], ...] = ()
    """(organisation, role, level) of roles that ask for a surer login than this one."""


class Sessions:
    """``tell``: where logins are recorded. Thread-safe; :meth:`caller` is fit for every request."""

    def __init__(self, parties: Parties, now: Callable[[], datetime] | None = None, tell: Tell = untold) -> None:
        self.parties = parties
        self.settings = parties.settings.login
        self.now = now or parties.now
        self.tell = tell
        self._state = parties.state
        self._needed = roles.needed(self.settings.assurance)
        self._idle = timedelta(minutes=self.settings.idle_minutes)
        self._held: dict[str, tuple[int, Session]] = {}

    # Every request

    def caller(self, cookie: str) -> Caller:
        """Whom a cookie stands for; :data:`ANYONE` for none, a wrong or an ended one. Below 100 µs when known.

        Blocking, a changed role and an ended session are felt at the next call, in every process.
        """
        found = self.find(cookie)
        return found.caller if found else ANYONE

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie, None when it opens nothing."""
        if not 40 <= len(cookie) <= 64:
            return None
        mark = hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()
        generation = self._state.generation(SESSIONS)
        now = self.now()
        known = self._held.get(mark)
        if known is not None and known[0] == generation and self._lasts(known[1], now):
            session = known[1]
        else:
            read = self._read(mark, now)
            if read is None:
                self._held.pop(mark, None)
                return None
            session = read
            if len(self._held) >= MOST:
                self._held.clear()
            self._held[mark] = (generation, session)
        if now - session.seen_at > SEEN:
            session = replace(session, seen_at=now)
            self._held[mark] = (generation, session)
            seen = tables.session.c
            used = tables.session.update().where(seen.id == session.id, seen.seen_at < now).values(seen_at=now)
            # a page must not fail because the time it was asked cannot be noted
            with contextlib.suppress(StorageFull, SQLAlchemyError), self._state.write() as connection:
                connection.execute(used)
        return session

    def _lasts(self, session: Session, now: datetime) -> bool:
        return now < session.expires_at and now - session.seen_at < self._idle

    def _read(self, mark: str, now: datetime) -> Session | None:
        s = tables.session.c
        with self._state.read() as connection:
            row = connection.execute(
                sa.select(tables.session).where(s.hash == mark, s.ended_at.is_(None), s.expires_at > now)
            ).first()
            if row is None or now - row.seen_at >= self._idle:
                return None
            found = self._person(connection, row.person)
            if found is None:
                return None
            held = {(item.organisation, item.role) for item in roles.of(connection, row.person)}
        spread = roles.spread(held, self.parties.children())
        active = tuple((where, name) for where, name in spread if row.assurance >= self._needed.get(name, 0))
        resting = tuple(
            (where, name, self._needed[name]) for where, name in spread if row.assurance < self._needed.get(name, 0)
        )
        caller = Caller(
            party=found.id,
            organisation=found.organisation,
            roles=active,
            assurance=row.assurance,
            credential=row.id,
        )
        return Session(
            row.id,
            found,
            row.assurance,
            row.method,
            row.agent,
            row.created_at,
            row.authenticated_at,
            row.seen_at,
            row.expires_at,
            caller,
            resting,
        )

    def _person(self, connection: Connection, id: str) -> Person | None:
        row = connection.execute(
            sa.select(tables.person).where(tables.person.c.id == id, tables.person.c.state == "active")
        ).first()
        return None if row is None else person_of(row)

    # Beginning and ending

    def open(
        self,
        person: str,
        assurance: int,
        *,
        method: str = "password",
        agent: str = "",
        id_token: str = "",
        before: str = "",
    ) -> str:
        """A new session's cookie. ``before``: the cookie the browser had, whose session ends.

        Raises NotKnown for who may not sign in.
        """
        if not 0 < assurance < len(ASSURANCE):
            raise ValueError(f"assurance {assurance}")
        cookie, now = secret(), self.now()
        new = "s-" + secret()[:16]
        sealed = self.parties.seal.close("id_token", id_token, new) if id_token else ""
        with self._state.write() as connection:
            found = self._person(connection, person)
            if found is None:
                raise NotKnown("This account cannot be used.", todo="Ask an administrator of your organisation.")
            self._sweep(connection, now)
            if before:
                self._end(connection, tables.session.c.hash == digest(before), now)
            connection.execute(
                tables.session.insert().values(
                    id=new,
                    hash=digest(cookie),
                    person=person,
                    assurance=assurance,
                    method=method,
                    agent=agent[:120],
                    sealed=sealed,
                    created_at=now,
                    authenticated_at=now,
                    seen_at=now,
                    expires_at=now + timedelta(hours=self.settings.hours),
                )
            )
        self._told("signed in", found, new, assurance, method)
        return cookie

    def step_up(self, cookie: str, assurance: int, *, method: str, id_token: str = "") -> str:
        """The same session under a new cookie, surer than before or confirmed anew. Raises NotKnown."""
        held = self.find(cookie)
        if held is None:
            raise NotKnown("The session has ended.", todo="Sign in again.")
        fresh, now = secret(), self.now()
        level = max(assurance, held.assurance)
        values = {"hash": digest(fresh), "assurance": level, "authenticated_at": now, "seen_at": now, "method": method}
        if id_token:
            values["sealed"] = self.parties.seal.close("id_token", id_token, held.id)
        s = tables.session.c
        with self._state.write() as connection:
            done = connection.execute(
                tables.session.update()
                .where(s.id == held.id, s.hash == digest(cookie), s.ended_at.is_(None))
                .values(**values)
            )
            if not done.rowcount:
                raise NotKnown("The session has ended.", todo="Sign in again.")
            self._state.bump(connection, SESSIONS)
        self._told("confirmed", held.person, held.id, level, method)
        return fresh

    def close(self, cookie: str) -> str:
        """End a session. The provider's id_token, '' when there is none (it signs out there)."""
        found = self.find(cookie)
        if found is None:
            return ""
        token = self.id_token(found)
        with self._state.write() as connection:
            self._end(connection, tables.session.c.id == found.id, self.now())
        self._told("signed out", found.person, found.id, found.assurance, found.method)
        return token

    def id_token(self, session: Session) -> str:
        with self._state.read() as connection:
            sealed = connection.scalar(sa.select(tables.session.c.sealed).where(tables.session.c.id == session.id))
        return self.parties.seal.open("id_token", sealed, session.id) if sealed else ""

    def end(self, person: str, id: str = "", *, but: str = "") -> int:
        """End one session of a person, or all but ``but``; how many. Raises NotFound for one of somebody else."""
        s = tables.session.c
        chosen = (s.person == person) & (s.id != but)
        with self._state.write() as connection:
            count = self._end(connection, chosen & (s.id == id) if id else chosen, self.now())
        if id and not count:
            raise NotFound("There is no such session.")
        if count:
            body = {"act": "sessions ended", "person": person, "count": count}
            self.tell("login", actor=person, body=body, subjects=[person])
        return count

    def of(self, person: str) -> tuple[tuple[str, str, str, datetime, datetime], ...]:
        """(id, agent, method, since, last seen) of the sessions a person has, the newest first."""
        s, now = tables.session.c, self.now()
        chosen = sa.select(tables.session).where(
            s.person == person, s.ended_at.is_(None), s.expires_at > now, s.seen_at > now - self._idle
        )
        with self._state.read() as connection:
            rows = connection.execute(chosen.order_by(s.seen_at.desc())).all()
        return tuple((row.id, row.agent, row.method, row.created_at, row.seen_at) for row in rows)

    # What hangs on a session

    def fresh(self, session: Session) -> bool:
        """Whether the login is recent enough to change passwords, keys and roles."""
        return self.now() - session.authenticated_at < timedelta(minutes=self.settings.step_up_minutes)

    def token(self, cookie: str) -> str:
        """What a form of this session carries; computed from the cookie, so it is kept nowhere."""
        return self.parties.seal.mark("form", cookie)

    def opens(self, cookie: str, given: str) -> bool:
        """Whether a posted form was made for this session."""
        return hmac.compare_digest(self.token(cookie).encode(), given.encode("utf-8", "replace"))

    def _end(self, connection: Connection, chosen: sa.ColumnElement[bool], now: datetime) -> int:
        ended = tables.session.update().where(chosen, tables.session.c.ended_at.is_(None))
        count = connection.execute(ended.values(ended_at=now, sealed="")).rowcount
        if count:
            self._state.bump(connection, SESSIONS)
        return count

    def _sweep(self, connection: Connection, now: datetime) -> None:
        s = tables.session.c
        connection.execute(tables.session.delete().where((s.expires_at < now - KEPT) | (s.ended_at < now - KEPT)))

    def _told(self, act: str, person: Person, session: str, assurance: int, method: str) -> None:
        body = {"act": act, "assurance": ASSURANCE[assurance], "method": method, "session": session}
        self.tell("login", actor=person.id, organisation=person.organisation, body=body, subjects=[person.id])
