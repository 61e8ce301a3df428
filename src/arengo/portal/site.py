"""The portal of one city: its rooms, and the endpoints that answer a visit or take a form."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from arengo.errors import ArengoError, BadQuery, NotAllowed, NotKnown, StepUp
from arengo.governance import Caller
from arengo.portal.form import CSRF, Form, is_foreign, posted
from arengo.portal.visit import Visit
from arengo.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from arengo.catalogue import Catalogue
    from arengo.door import Door
    from arengo.governance.agreement import Agreement
    from arengo.governance.application import Applications
    from arengo.governance.party import Parties
    from arengo.governance.procedure import Agreements
    from arengo.governance.session import Sessions
    from arengo.lake.version import Version
    from arengo.portal.drawing import Studio
    from arengo.portal.finding import Findings
    from arengo.portal.news import Counts
    from arengo.portal.register import Papers
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
                form = posted(request, body)
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
