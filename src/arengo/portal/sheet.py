"""A form on its way: what was given, what needs a correction, and the marks that keep machines out.

A page that cannot take a form shows it again with everything in it, a summary on top that links to each field, and
the sentence beside the field (the pattern of the GOV.UK design system).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from arengo.errors import BadForm, TooOften
from arengo.faces.site import forwarded
from arengo.portal.form import Form
from arengo.portal.visit import Visit
from arengo.services.tracked import Sender
from arengo.services.wording import clean, mail, web

ASKED = frozenset(("amendment", "comment", "reuse", "wish"))
"""What sends a letter that asks whether the address is the sender's."""
TRAP = "website"
"""A field people do not see; programs that fill everything fill it."""


@dataclass(slots=True)
class Sheet:
    """``name`` of the form, ``given``: what was posted, None when it is opened."""

    visit: Visit
    name: str
    given: Form | None = None
    errors: list[tuple[str, str]] = field(default_factory=list)
    stamp: str = ""
    status: int = 200

    def __post_init__(self) -> None:
        self.stamp = self.visit.site.participation.posting.stamp(self.name)

    def value(self, name: str, default: str = "") -> str:
        """What the field holds when the form is shown (again)."""
        return default if self.given is None else self.given.one(name)[:8000]

    def values(self, name: str) -> tuple[str, ...]:
        return () if self.given is None else tuple(item.strip() for item in self.given.get(name, ()))

    def error(self, name: str) -> str:
        """The sentence beside a field, '' when it is right."""
        return next((words for field_name, words in self.errors if field_name == name), "")

    def wrong(self, name: str, words: str, status: int = 400) -> None:
        if not self.error(name):
            self.errors.append((name, words))
        self.status = max(self.status, status)

    # Reading fields

    def text(self, name: str, most: int, missing: str = "", *, line: bool = False) -> str:
        """A text; ``missing``: what is said when it is empty, '' when it may be."""
        _ = self.visit._
        try:
            found = clean(self.value(name), most, line=line)
        except BadForm:
            self.wrong(name, _("This is too long: at most %(n)s characters.", n=self.visit.speech.number(most)))
            return ""
        if missing and not found:
            self.wrong(name, missing)
        return found

    def mail(self, name: str = "mail", missing: str = "") -> str:
        given = self.value(name)
        if not given:
            if missing:
                self.wrong(name, missing)
            return ""
        try:
            return mail(given)
        except BadForm:
            self.wrong(name, self.visit._("Write an e-mail address like name@example.org."))
            return ""

    def web(self, name: str, missing: str) -> str:
        given = self.value(name)
        if not given:
            self.wrong(name, missing)
            return ""
        try:
            return web(given)
        except BadForm:
            self.wrong(name, self.visit._("Write the whole address, beginning with https://."))
            return ""

    def choice(self, name: str, known: tuple[str, ...], missing: str) -> str:
        found = self.value(name)
        if found not in known:
            self.wrong(name, missing)
            return ""
        return found

    # Who sends

    def who(self) -> str:
        """A hash of where this comes from, good for today."""
        return who(self.visit)

    def sender(self, act: str, address: str = "", *, known: bool = False) -> Sender:
        """Who sends it, when nothing else is wrong. ``known``: the city itself, which is not counted."""
        posting, _ = self.visit.site.participation.posting, self.visit._
        nonce = ""
        given = self.value("stamp")
        try:
            nonce = posting.nonce(self.name, given, self.value(TRAP))
            self.stamp = given
        except BadForm as error:
            if "faster" in error.met:
                self.stamp = given
            self.wrong("", _("The form could not be taken as it came. Look it over and send it again."))
        if not self.errors and not known:
            self._count(act, _)
        if not self.errors and address and act in ASKED:
            services = self.visit.site.participation
            try:
                posting.letter(services.key.mark("mail", address.lower()))
            except TooOften:
                words = _("That address got several letters today and confirmed none. Look into them, or leave it out.")
                self.wrong("mail", words, 429)
        return Sender(self.visit.language, nonce, address)

    def _count(self, act: str, _: Callable[..., str]) -> None:
        try:
            self.visit.site.participation.posting.count(act, self.who())
        except TooOften:
            words = _("A lot was sent from here in the last hour. Try again later; what you wrote is kept below.")
            self.wrong("", words, 429)


def who(visit: Visit) -> str:
    request = visit.request
    address = request.client.host if request.client else ""
    return visit.site.participation.posting.sender(address, forwarded(request))
