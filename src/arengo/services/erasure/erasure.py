"""The erasure job: durable, step by step; after a kill it goes on with the step it was at.

Order: the person's key goes first, so that what is sealed is unreadable at once; then nothing may come back in
(tombstones); then the rows, dataset by dataset; then every other trace; then those who must know are told, and the
city gets its receipt. Every step may be done twice. While a request runs, what must be known to go on (her number)
is in the state sealed under the city's secret, and it is deleted with the last step.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.errors import BadForm, Busy, Conflict, PublicationHeld
from arengo.services.erasure import plan as plans
from arengo.services.erasure.person import Found, Person, Places
from arengo.services.erasure.plan import ERASE, RESTRICT, Plan
from arengo.services.erasure.requests import DONE, LIFTING, RUNNING, Finished, Requests, Work, words
from arengo.services.erasure.restriction import Restrictions
from arengo.services.erasure.steps import Around, Steps
from arengo.services.retention import Disposals
from arengo.state import vault as t

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.ledger import Ledger
    from arengo.privacy.vault import Vault
    from arengo.settings import Settings
    from arengo.state import State


class Erasure:
    """Requests to be forgotten (Art. 17) and to be left alone (Art. 18). Safe beside other processes."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        lake: Lake,
        keys: Vault,
        ledger: Ledger | None = None,
        around: Around | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        later: Callable[[str, Callable[[], object]], None] = lambda name, work: None,
    ) -> None:
        self._state = state
        self._around = around or Around()
        self._now = now
        self._later = later
        self._disposals = Disposals(state)
        self.places = Places(settings, state, lake, keys)
        self._requests = Requests(settings, state, keys, ledger, now)
        self._restrictions = Restrictions(self._requests, lake, self.places)
        self._steps = Steps(self._requests, lake, self._around, self.places, self._disposals, self._restrictions)

    # Looking

    def populations(self) -> tuple[str, ...]:
        return self.places.populations()

    def find(self, population: str, id: str) -> tuple[Found, ...]:
        """Where a person is, dataset by dataset. Raises BadForm."""
        return self.places.find(self._person(population, id))

    def who(self, value: str) -> tuple[Person, ...]:
        """Persons with this sealed identifier (an e-mail address, say); their number where it is stored openly."""
        return self.places.who(value)

    def plan(self, population: str, id: str, kind: str = ERASE) -> Plan:
        """What would happen, and changes nothing. Raises BadForm."""
        person = self._person(population, id)
        if kind not in (ERASE, RESTRICT):
            raise BadForm(f"There is no request {kind[:20]!r}.", todo="Say erase or restrict.")
        items, blind = [], []
        for contract in self.places.contracts(population):
            found = self.places.found(contract, person)
            if not found.by:
                blind.append(found.title)
                continue
            hold = self._disposals.hold_on(contract)
            items.append(plans.decide(contract, found, kind, hold, self._around.recipients(contract.id)))
        return Plan(population, person.mark, kind, tuple(items), tuple(blind))

    def _person(self, population: str, id: str) -> Person:
        if not id.strip() or len(id) > 200:
            raise BadForm("The person's number is missing.", todo="Write the number of the register.")
        if population not in self.places.populations():
            known = ", ".join(self.places.populations()) or "none"
            raise BadForm(f"No dataset is about a population {population[:80]!r}.", todo=f"There are: {known}.")
        return self.places.person(population, id)

    def listed(self, limit: int = 100) -> tuple[Finished, ...]:
        """Requests, the newest first."""
        return self._requests.listed(limit)

    def get(self, id: str) -> Finished:
        """Raises NotFound."""
        return self._requests.get(id)

    def receipt(self, id: str) -> bytes:
        """The sealed PDF. Raises NotFound before the request is done."""
        return self._requests.receipt(id)

    # Doing it

    def run(
        self, population: str, id: str, kind: str = ERASE, *, by: str, reference: str, reason: str = ""
    ) -> Finished:
        """Erase or restrict a person, to the end. Raises BadForm, Conflict (a request about her runs already)."""
        return self.resume(self.start(population, id, kind, by=by, reference=reference, reason=reason).id)

    def start(
        self, population: str, id: str, kind: str = ERASE, *, by: str, reference: str, reason: str = ""
    ) -> Finished:
        """Take a request down; :meth:`resume` does it."""
        reference, reason = words(reference), words(reason)
        if len(reference) < 3:
            raise BadForm("A request needs a reference.", todo="Write the number of the letter or the file.")
        if kind == RESTRICT and len(reason) < 3:
            raise BadForm("A restriction needs a reason.", todo="Name the case of Art. 18(1).")
        person = self._person(population, id)
        plan = self.plan(population, id, kind)
        needles = {
            needle for contract in self.places.contracts(population) for needle in self.places.needles(contract, person)
            if any(item.dataset == contract.id for item in plan.acts)
        } | {person.id}  # fmt: skip
        number = f"E{self._now():%Y%m%d}-{secrets.token_hex(4)}"
        sealed = self._requests.close(number, {"id": person.id, "key": person.key, "needles": sorted(needles)})
        c = t.erasure.c
        with self._state.write() as connection:
            alive = sa.select(c.id).where(
                c.population == population, c.mark == person.mark,
                sa.or_(c.state.in_((RUNNING, LIFTING)), (c.kind == RESTRICT) & (c.state == DONE)),
            )  # fmt: skip
            there = connection.execute(alive).first()
            if there is not None:
                raise Conflict(
                    f"A request about this person stands already: {there[0]}.", todo="Finish or lift that one first."
                )
            connection.execute(sa.insert(t.erasure).values(
                id=number, kind=kind, population=population, mark=person.mark, state=RUNNING, by=by,
                reference=reference, reason=reason, at=self._now(), sealed=sealed, plan=plans.as_json(plan), steps=[],
                receipt="", lifted_by="", why="",
            ))  # fmt: skip
        self._requests.tell(f"{kind} begun", number, by, {"reference": reference})
        return self._requests.get(number)

    def resume_all(self) -> tuple[Finished, ...]:
        """Go on with every request that a kill left unfinished; those that somebody works on are left to them."""
        c = t.erasure.c
        with self._state.read() as connection:
            rows = connection.execute(
                sa.select(c.id, c.state).where(c.state.in_((RUNNING, LIFTING))).order_by(c.at)
            ).all()
        done: list[Finished] = []
        for row in rows:
            with contextlib.suppress(Busy, PublicationHeld):
                done.append((self.resume if row.state == RUNNING else self._restrictions.finish)(row.id, wait=0.0))
        return tuple(done)

    def begin(self, id: str) -> None:
        """Do the request's work while nobody waits; what a kill leaves goes on with the next housekeeping."""
        self._later(f"erasure {id}", partial(self.resume, id))

    def resume(self, id: str, *, wait: float = 600.0) -> Finished:
        """Do what is left of a request. Raises NotFound, Busy; what was done stays done."""
        with self._state.hold(f"erasure {id}", wait=wait):
            item = self._requests.get(id)
            if item.state != RUNNING:
                return item
            told = self._requests.opened(id)
            person = Person(item.population, str(told["id"]), item.mark, str(told["key"]))
            needles = tuple(str(needle) for needle in told["needles"])
            work = Work(item, person, needles)
            for name, step in self._steps.of(work):
                if name not in {done[0] for done in self._requests.get(id).steps}:
                    self._requests.done(id, name, step())
            return self._requests.get(id)

    def lift(self, id: str, *, by: str, why: str) -> Finished:
        """End a restriction: the key opens again and the rows come back with a new version, as far as the gate lets
        them; what it holds back stays kept, and :meth:`resume_all` tries again. Raises NotFound, Conflict, BadForm,
        PublicationHeld."""
        return self._restrictions.lift(id, by=by, why=why)
