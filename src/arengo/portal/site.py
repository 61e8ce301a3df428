"""What every page has: the city's name, the language and theme of this visit, the frame, the cache answer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container, Mapping
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from arengo import __version__
from arengo.errors import ArengoError, BadQuery, NotAllowed, NotKnown, StepUp
from arengo.faces.site import forwarded
from arengo.governance import ANYONE, Caller
from arengo.portal import look
from arengo.portal.language import LANGUAGES, Speech, choose
from arengo.settings import Settings

if TYPE_CHECKING:
    from arengo.catalogue import Catalogue
    from arengo.door import Door
    from arengo.governance.agreement import Agreement
    from arengo.governance.application import Applications
    from arengo.governance.party import Parties
    from arengo.governance.person import Person
    from arengo.governance.procedure import Agreements
    from arengo.governance.session import Session, Sessions
    from arengo.lake.version import Version
    from arengo.portal.drawing import Studio
    from arengo.portal.finding import Findings
    from arengo.portal.look import Look
    from arengo.portal.news import Counts
    from arengo.portal.register import Papers
    from arengo.portal.upload import File
    from arengo.services import Participation
    from arengo.services.access import Access
    from arengo.services.census import Census
    from arengo.services.consumption import Consumption
    from arengo.services.erasure import Erasure
    from arengo.services.gate import Desk
    from arengo.services.login import Local, Logins
    from arengo.services.register import Register
    from arengo.services.retention import Disposals
    from arengo.services.seal import Sealer
    from arengo.state import State

Quarantine = Callable[["Version"], "Path | None"]
"""Where the file of rows set aside lies, None when none was."""

HERE = Path(__file__).parent
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
CSRF = "csrf"
"""The field of a form that says for which session it was made."""
FORM = re.compile(r"<form\b[^>]*\bmethod=\"post\"[^>]*>", re.IGNORECASE)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Vary": "Accept, Accept-Language, Cookie",
    "Cache-Control": "no-cache",
}


class Site:
    """The portal of one city: its rooms and its templates. One per process."""

    def __init__(
        self,
        settings: Settings,
        door: Door,
        catalogue: Catalogue,
        state: State,
        studio: Studio,
        quarantine: Quarantine,
        access: Access | None = None,
        desk: Desk | None = None,
        erased: Callable[[], Erasure] | None = None,
    ) -> None:
        self.settings = settings
        self._access = access
        self._desk = desk
        self._erased = erased
        self.door = door
        self.catalogue = catalogue
        self.state = state
        self.studio = studio
        self.quarantine = quarantine
        self.inboxes: dict[Caller, tuple[object, tuple[Agreement, ...]]] = {}

    @cached_property
    def access(self) -> Access:
        """Who may read what: people, programs, agreements, the record."""
        if self._access is not None:
            return self._access
        from arengo.ledger import Ledger
        from arengo.services.access import Access

        ledger = Ledger(self.settings, self.state)
        return Access(self.settings, self.state, ledger, lambda dataset: self.catalogue.entry(dataset).contract)

    @property
    def parties(self) -> Parties:
        """Organisations, people and roles."""
        return self.access.parties

    @property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        return self.access.sessions

    @property
    def applications(self) -> Applications:
        """The programs that read."""
        return self.access.applications

    @property
    def agreements(self) -> Agreements:
        """Who may read what is not open, for what; requests and decisions."""
        return self.access.agreements

    @cached_property
    def desk(self) -> Desk:
        """What the gate holds back, and what people decide about it; without a publisher a decision counts at the
        next publication."""
        if self._desk is not None:
            return self._desk
        from arengo.services.gate import Desk

        return Desk(self.state, lambda dataset: self.catalogue.entry(dataset).contract, self.access.ledger.tell)

    @cached_property
    def erasure(self) -> Erasure | None:
        """Who asked to be forgotten or left alone; None where nobody can do it from here."""
        return self._erased() if self._erased is not None else None

    @cached_property
    def register(self) -> Register:
        """What the city does with personal data."""
        from arengo.services.register import Register, readers_of

        return Register(self.settings, self.state, self.catalogue, readers_of(self.agreements, self.parties))

    @cached_property
    def disposals(self) -> Disposals:
        """What was disposed of, and legal holds."""
        from arengo.services.retention import Disposals

        return Disposals(self.state)

    @cached_property
    def sealer(self) -> Sealer:
        """Seals the city's documents."""
        from arengo.services.seal import Sealer

        return Sealer(self.settings)

    @cached_property
    def papers(self) -> Papers:
        """Documents that were sealed, as far as they are kept."""
        from arengo.portal.register import Papers

        return Papers()

    @property
    def consumption(self) -> Consumption:
        """What programs read."""
        return self.access.store.consumption

    @cached_property
    def local(self) -> Local:
        """Signing in with what is kept here."""
        from arengo.services.login import Local

        return Local(self.parties)

    @cached_property
    def logins(self) -> Logins:
        """Signing in with providers of identities."""
        from arengo.services.login import Logins

        return Logins(self.parties)

    @cached_property
    def counts(self) -> Counts:
        """Rows that changed between versions, as far as they are counted."""
        from arengo.portal.news import Counts

        return Counts(self.door)

    @cached_property
    def findings(self) -> Findings:
        """Charts for the first page, as far as they are drawn."""
        from arengo.portal.finding import Findings

        return Findings()

    @cached_property
    def participation(self) -> Participation:
        """What people send and follow."""
        from arengo.portal.letters import composer
        from arengo.services import Participation

        return Participation(self.settings, self.state, self.door, self.catalogue, composer(self.settings))

    @cached_property
    def census(self) -> Census:
        """The city's applications and what they hand to each other."""
        from arengo.services.census import Census

        def datasets() -> list[str]:
            return [entry.id for entry in self.catalogue.entries(limit=None).items]

        return Census(self.state, self.settings.sources, datasets, tell=self.access.ledger.tell)

    def serve(self, answer: Callable[[Visit], Response]) -> Callable[[Request], Response]:
        """A Starlette endpoint (run in a thread) that answers Arengo's errors as pages."""

        def endpoint(request: Request) -> Response:
            visit = Visit(request, self.settings, self)
            try:
                return visit.remember(answer(visit))
            except (NotKnown, StepUp) as error:
                again = "/login/again?level=substantial&" if isinstance(error, StepUp) else "/login?"
                aim = again + urlencode({"next": visit.here()})
                return RedirectResponse(aim, 303, {"Cache-Control": "no-store"})
            except ArengoError as error:
                from arengo.portal.failure import page

                return page(visit, error)

        endpoint.__name__ = answer.__name__
        return endpoint

    def take(self, answer: Callable[[Visit, Form], Response], most: int = 65_536) -> Callable[[Request], Any]:
        """An endpoint for a posted form of at most ``most`` bytes, sent from a page of this site.

        A browser says where a form comes from (Fetch Metadata, Origin); one from another site is refused.
        """

        async def endpoint(request: Request) -> Response:
            body = b""
            try:
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > most:
                        return await run_in_threadpool(self._refuse_form, request, most)
            except ClientDisconnect:  # nobody reads the answer
                return Response(status_code=400)
            return await run_in_threadpool(read, request, body)

        def read(request: Request, body: bytes) -> Response:
            visit = Visit(request, self.settings, self)
            try:
                if is_foreign(request):
                    raise NotAllowed("This form was sent from another site.", todo="Open the page here and send again.")
                form = _posted(request, body)
                if visit.session is not None and not self.sessions.opens(visit.cookie, form.one(CSRF)):
                    raise NotAllowed(
                        "This form was not made for your session.", todo="Open the page again and send it from there."
                    )
                made = answer(visit, form)
            except (ArengoError, ValueError) as error:
                from arengo.portal.failure import page

                made = page(visit, error if isinstance(error, ArengoError) else BadQuery("The form cannot be read."))
            made.headers["Cache-Control"] = "no-store"
            return made

        endpoint.__name__ = answer.__name__
        return endpoint

    def _refuse_form(self, request: Request, most: int) -> Response:
        from arengo.portal.failure import page

        visit = Visit(request, self.settings, self)
        return page(visit, BadQuery(f"The form is larger than {most:,} bytes.", todo="Send less."))


class Form(dict[str, tuple[str, ...]]):
    """A posted form: name -> values, texts without spaces around; the files sent with it."""

    files: tuple[File, ...] = ()

    def one(self, name: str, default: str = "") -> str:
        values = self.get(name, ())
        return values[0].strip() if values else default


def _posted(request: Request, body: bytes) -> Form:
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        from arengo.portal.upload import parts

        fields, files = parts(kind, body)
        form = Form(fields)
        form.files = files
        return form
    given = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=2000)
    return Form({name: tuple(values) for name, values in given.items()})


def is_foreign(request: Request) -> bool:
    """Whether a browser says that another site sent this request. Programs say nothing and carry no cookies of ours."""
    site = request.headers.get("sec-fetch-site", "")
    if site:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin", "")
    return bool(origin) and origin.partition("://")[2] != request.headers.get("host", "")


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


@lru_cache(maxsize=1)
def stamp() -> str:
    """Changes whenever a template, style sheet, script or translation does; part of every page's tag."""
    found = hashlib.blake2b(__version__.encode(), digest_size=5)
    for folder, marks in (("templates", "*.html"), ("static", "*.css"), ("static", "*.js"), ("translations", "*.po")):
        for path in sorted((HERE / folder).glob(marks)):
            found.update(path.read_bytes())
    return found.hexdigest()


class Pages(Environment):
    """Templates, in which an attribute that is there and fails says why; jinja takes it for one that is not there."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        try:
            return getattr(obj, attribute)
        except AttributeError as error:
            if error.name != attribute or error.obj is not obj:  # raised further in, by what the attribute asks
                raise
        return super().getattr(obj, attribute)


@lru_cache(maxsize=1)
def environment() -> Environment:
    made = Pages(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals |= {"gettext": _said, "stamp": stamp, "languages": LANGUAGES, "many": _many}
    return made


def render(template: str, values: Mapping[str, Any]) -> str:
    return environment().get_template(template).render(values)


@pass_context
def _gettext(context: Context, message: str) -> str:
    speech: Speech = context["s"]
    return speech.words.gettext(message)


@pass_context
def _ngettext(context: Context, one: str, several: str, n: int) -> str:
    speech: Speech = context["s"]
    return speech.words.ngettext(one, several, n)


@pass_context
def _said(context: Context, message: str, **values: Any) -> str:
    """A sentence of a template: markup, whose values are escaped and stand apart."""
    speech: Speech = context["s"]
    said = speech.words.gettext(message)
    made = Markup(said) if context.eval_ctx.autoescape else said  # noqa: S704 - our own words
    return made % speech.apart(values)


@pass_context
def _many(context: Context, one: str, several: str, n: int, **values: Any) -> str:
    speech: Speech = context["s"]
    return speech.many(one, several, n, **values)
