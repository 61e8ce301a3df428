"""Signing in with what is kept here: password, then the code of an app where one was set up; or a passkey alone.

A stranger learns nothing about who has an account: a wrong address, a wrong password, a blocked person and an account
without a password cost one argon2id check each and get the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from arengo.errors import NotAllowed, NotKnown
from arengo.governance import halfway
from arengo.governance.party import Parties
from arengo.governance.passkey import Place
from arengo.governance.person import Person, address

LASTS = timedelta(minutes=10)
SECOND = "second"
LONGEST_MAIL = 254
"""Characters of an address (RFC 5321, 4.5.3.1.3); longer ones are nobody's."""
PASSWORD, WITH_CODE, PASSKEY = "password", "password totp", "passkey"
ASSURED = {PASSWORD: 1, WITH_CODE: 2, PASSKEY: 2}
"""Place in ASSURANCE: one factor is low, two are substantial (EU 2015/1502, annex 2.2.1). High is for providers."""


@dataclass(frozen=True, slots=True)
class Right:
    """What was given is right. ``pending``: secret of a login that still needs a code, '' when it is done."""

    person: Person
    method: str
    pending: str = ""

    @property
    def assurance(self) -> int:
        return ASSURED[self.method]


class Local:
    """Local accounts."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties

    def password(self, mail: str, given: str, place: str) -> Right:
        """``place``: network address of whoever tries. Raises NotKnown, QuotaSpent, NotAllowed."""
        self._allowed()
        parties = self._parties
        mail = address(mail)
        made = parties.throttle.enter(mail[:LONGEST_MAIL], place)
        # counted and looked up as one text: cut after the count, blanks before the cut would hide whose tries these are
        person = parties.by_mail(mail) if len(mail) <= LONGEST_MAIL else None
        right = parties.passwords.check(person.id if person else "", given)
        if person is None or not right or not person.active:
            raise NotKnown("The address or the password is not right.", todo="Check both, or ask for a new password.")
        if parties.totps.has(person.id):
            # not taken back yet: whoever has only the password stays slow
            return Right(person, PASSWORD, halfway.begin(parties, SECOND, {"person": person.id}, LASTS))
        parties.throttle.passed(made)
        return Right(person, PASSWORD)

    def confirm(self, person: Person, given: str, place: str) -> Right:
        """The same for somebody who is signed in and confirms it."""
        found = self.password(person.mail, given, place)
        if found.person.id != person.id:
            raise NotKnown("The password is not right.")
        return found

    def pending(self, secret: str) -> Person | None:
        """Who is half in."""
        body = halfway.look(self._parties, SECOND, secret) if secret else None
        return self._parties.person(str(body["person"])) if body else None

    def code(self, secret: str, given: str, place: str) -> Right:
        """The second half. Raises NotKnown, QuotaSpent."""
        self._allowed()
        parties = self._parties
        person = self.pending(secret)
        if person is None:
            raise NotKnown("This login took too long.", todo="Sign in again.")
        made = parties.throttle.enter(f"code {person.id}", place)
        if not parties.totps.check(person.id, given) or not person.active:
            raise NotKnown("That code is not right, or was used before.", todo="Wait for the next one and try again.")
        if halfway.end(parties, SECOND, secret) is None:
            raise NotKnown("This login took too long.", todo="Sign in again.")
        parties.throttle.passed(made)
        parties.throttle.passed(parties.throttle.of(person.mail, place))
        return Right(person, WITH_CODE)

    def passkey(self, challenge: str, answer: str, place: Place, network: str, person: str = "") -> Right:
        """A passkey; only of ``person`` when given. Raises NotKnown, QuotaSpent."""
        self._allowed()
        parties = self._parties
        made = parties.throttle.enter(f"passkey {network}", network)
        found = parties.person(parties.passkeys.check(challenge, answer, place, person=person))
        if not found.active:
            raise NotKnown("That key opens nothing here.", todo="Try another, or sign in another way.")
        parties.throttle.passed(made)
        return Right(found, PASSKEY)

    def _allowed(self) -> None:
        if not self._parties.settings.login.local:
            raise NotAllowed("This city keeps no passwords.", todo="Sign in with one of its providers.")
