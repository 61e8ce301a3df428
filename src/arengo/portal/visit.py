"""One request for a page: who asks, in which language and theme, and how it is answered."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from arengo.faces.site import forwarded
from arengo.governance import ANYONE, Caller
from arengo.portal import look
from arengo.portal.form import CSRF, FORM
from arengo.portal.language import LANGUAGES, Speech, choose
from arengo.portal.rendering import render, stamp
from arengo.settings import Settings

if TYPE_CHECKING:
    from arengo.door import Door
    from arengo.governance.person import Person
    from arengo.governance.session import Session
    from arengo.portal.look import Look
    from arengo.portal.site import Site

THEMES = ("light", "dark")
PREFERENCES: Mapping[str, Container[str]] = {
    "lang": LANGUAGES,
    "theme": (*THEMES, "auto"),
    "words": ("plain", "usual"),
}
"""What a visitor may choose, by its parameter; each is kept in a cookie of its own."""
YEAR = 365 * 24 * 3600
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Vary": "Accept, Accept-Language, Cookie",
    "Cache-Control": "no-cache",
}


class Visit:
    """One request for a page: who asks in which language and theme, and how to answer it."""

    def __init__(self, request: Request, settings: Settings, site: Site | None = None) -> None:
        self.request = request
        self.settings = settings
        self._site = site
        query = request.query_params
        cookies = request.cookies
        wishes = [query.get("lang", ""), cookies.get("arengo_lang", "")]
        language = choose(wishes, request.headers.get("accept-language", ""), settings.city.language)
        self.speech = Speech(language, settings.city.timezone, settings.city.country)
        self._ = self.speech._
        theme = query.get("theme", "") or cookies.get("arengo_theme", "")
        self.theme = theme if theme in THEMES else ""
        self.plain = (query.get("words", "") or cookies.get("arengo_words", "")) == "plain"
        self.as_of = query.get("as_of", "").strip()
        self._tag = ""
        self._cookie: str | None = None

    # The rooms

    @property
    def site(self) -> Site:
        assert self._site is not None
        return self._site

    @property
    def door(self) -> Door:
        return self.site.door.acting(self.caller)

    @property
    def look(self) -> Look:
        """What the pages take from the city."""
        return look.read(self.settings)

    @cached_property
    def meanings(self) -> Mapping[str, str]:
        """Id of a word -> what it means, for those who asked for plain language."""
        from arengo.portal.glossary import meanings

        return meanings(self)

    @cached_property
    def now(self) -> datetime:
        """When the page was asked for, in UTC."""
        return datetime.now(UTC)

    @property
    def language(self) -> str:
        return self.speech.language

    @cached_property
    def waiting(self) -> int | None:
        """How much waits on the desk; None for who decides nothing."""
        if self._sent is None:
            return self.held or None
        return self._sent + (self.held or 0)

    @cached_property
    def held(self) -> int | None:
        """How many publications of the visitor's datasets the gate holds back; None for who does not see that."""
        if self._site is None or ("arengo_operator" not in self.request.cookies and not self.caller.roles):
            return None
        from arengo.portal.privacy import waiting

        return waiting(self)

    def privacy_of(self, dataset: str) -> bool:
        """Whether the visitor may see what the gate found in a dataset."""
        if self.held is None:
            return False
        from arengo.portal.privacy import sees

        return sees(self, dataset)

    @cached_property
    def _sent(self) -> int | None:
        """How much of what people sent waits for the visitor."""
        if self._site is None:
            return None
        asked = self.asked_access
        if "arengo_operator" not in self.request.cookies and not self.caller.roles:
            return asked
        from arengo.portal.desk import waiting
        from arengo.portal.operator import kept

        return asked if kept(self) == frozenset() else sum(waiting(self).values()) + (asked or 0)

    @property
    def desk(self) -> str:
        """Where what waits is decided: the one place where there is of several kinds, else that of the kind."""
        if self.held:
            return "/privacy" if not self._sent else "/desk" if self._sees_desk else "/desk/access"
        return "/desk/access" if self.asked_access or self._sent == self.asked_access else "/desk"

    @property
    def _sees_desk(self) -> bool:
        """Whether what people send is decided by the visitor, too."""
        from arengo.portal.operator import kept

        return kept(self) != frozenset()

    @cached_property
    def asked_access(self) -> int | None:
        """How many requests for access wait for whoever is signed in; None for who decides about nothing."""
        if self._site is None or not self.caller.party:
            return None
        from arengo.portal.granting import waiting

        found = len(waiting(self))
        return found if found or any(role == "steward" for _held, role in self.caller.roles) else None

    # Who asks

    @cached_property
    def secure(self) -> bool:
        """Whether the browser speaks https with the city."""
        return self.request.url.scheme == "https" or self.settings.city.url.startswith("https:")

    @property
    def cookie(self) -> str:
        """The cookie of the session, '' when there is none."""
        from arengo.governance.session import cookie_name

        held = self.request.cookies.get(cookie_name(self.secure), "")
        return held if self._cookie is None else self._cookie

    @cached_property
    def session(self) -> Session | None:
        """The session of whoever is signed in."""
        cookie = self.cookie
        return self._site.sessions.find(cookie) if cookie and self._site is not None else None

    def renew(self, cookie: str) -> None:
        """Answer as to the session of ``cookie``, which this very request made; to anyone when it is ''."""
        self._cookie = cookie
        for name in ("session", "csrf"):
            self.__dict__.pop(name, None)

    @property
    def caller(self) -> Caller:
        """Who asks: a person who is signed in, or anyone."""
        found = self.session.caller if self.session else ANYONE
        if self._site is None:
            return found
        peer = self.request.client.host if self.request.client else ""
        return self._site.access.placed(found, peer, forwarded(self.request))

    @property
    def person(self) -> Person | None:
        return self.session.person if self.session else None

    @property
    def initials(self) -> str:
        """The person's, where a name finds no room."""
        words = self.person.name.split() if self.person else []
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()

    @cached_property
    def csrf(self) -> str:
        """What every posted form of a signed-in person carries in the field :data:`CSRF`; :meth:`page` writes it."""
        return self.site.sessions.token(self.cookie) if self.session else ""

    @property
    def tag(self) -> str:
        """The page's ETag, '' before :meth:`unchanged` was asked."""
        return self._tag

    def param(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default).strip()

    # Addresses

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What the address asks; how pages look is not part of it (theme=ENVI is a facet, theme=dark is not)."""
        given = self.request.query_params.multi_items()
        return [(name, value) for name, value in given if value not in PREFERENCES.get(name, ())]

    def here(self, **changes: Any) -> str:
        """This page's address with some parameters changed; None or '' takes one away."""
        kept = [(name, value) for name, value in self.pairs if name not in changes]
        kept += [(name, str(value)) for name, value in changes.items() if value not in (None, "")]
        path = quote(self.request.url.path)
        return f"{path}?{urlencode(kept)}" if kept else path

    def link(self, *parts: Any, **params: Any) -> str:
        """An address on this site; ``as_of`` is kept, so a walk through the past stays there."""
        path = "/" + "/".join(quote(str(part), safe="") for part in parts)
        asked = {name: value for name, value in params.items() if value not in (None, "")}
        if self.as_of and "as_of" not in params and parts and parts[0] == "datasets" and len(parts) > 1:
            asked["as_of"] = self.as_of
        return f"{path}?{urlencode(asked)}" if asked else path

    def wish(self, **choice: str) -> str:
        """Address that remembers a language or theme and comes back here."""
        return f"/preferences?{urlencode({**choice, 'next': self.here()})}"

    # Answers

    def unchanged(self, *parts: object) -> Response | None:
        """304 when the reader already has the page made of ``parts``; otherwise None, and the tag is kept for it."""
        query = sorted(self.request.query_params.multi_items())
        # Only what pages can differ by goes in: the operator's page differs by the operator's cookie.
        known = (
            self.request.url.path,
            query,
            self.language,
            self.theme,
            self.plain,
            self.look.mark,
            stamp(),
            self.settings.city,
            self.waiting,
            self.caller,
            self.csrf,
            parts,
        )
        self._tag = f'"{hashlib.blake2b(repr(known).encode(), digest_size=12).hexdigest()}"'
        asked = self.request.headers.get("if-none-match", "")
        if self._tag in {mark.strip().removeprefix("W/") for mark in asked.split(",")}:
            return Response(status_code=304, headers={**HEADERS, **self._private(), "ETag": self._tag})
        return None

    def page(self, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
        frame = {"visit": self, "s": self.speech, "city": self.settings.city, "look": self.look}
        text = render(template, {**frame, **values})
        if self.csrf:
            text = FORM.sub(rf'\g<0><input type="hidden" name="{CSRF}" value="{self.csrf}">', text)
        headers = dict(HEADERS) | {"Content-Language": self.language} | self._private()
        if self._tag and status == 200:
            headers["ETag"] = self._tag
        return HTMLResponse(text, status, headers)

    def _private(self) -> dict[str, str]:
        """Pages of a signed-in person are kept by no cache but the person's own."""
        return {"Cache-Control": "private, no-cache"} if self.session else {}

    def remember(self, response: Response) -> Response:
        """Keep a language or theme asked for in the address for the next page."""
        for name, known in PREFERENCES.items():
            value = self.request.query_params.get(name, "")
            if value in known and response.status_code == 200:
                _cookie(response, f"arengo_{name}", value)
        return response


def preferences(visit: Visit) -> Response:
    """``/preferences?lang=it&next=/...``: remembers and returns; only to an address of this site."""
    response = RedirectResponse(safe_target(visit.param("next")), 303, {"Cache-Control": "no-store"})
    for name, known in PREFERENCES.items():
        value = visit.param(name)
        if value in known:
            _cookie(response, f"arengo_{name}", value)
    return response


def safe_target(target: str) -> str:
    """``target`` when it is an address of this site, otherwise the first page."""
    foreign = not target.startswith("/") or target.startswith("//") or "\\" in target
    return "/" if foreign or any(ord(mark) < 32 for mark in target) else target


def _cookie(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, path="/", samesite="lax", httponly=True)
