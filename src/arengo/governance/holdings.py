"""What is agreed, asked for and decided: reading the agreements of a city.

What a caller may not see is not there for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

import sqlalchemy as sa

from arengo.contract.load import loads, sha
from arengo.contract.model import EMPTY, Contract
from arengo.errors import BadForm, NotFound, UnknownDataset
from arengo.governance import approval as approvals
from arengo.governance import dossier
from arengo.governance.agreement import Agreement, Stamp, Terms
from arengo.governance.approval import Level, Named, is_person, member, named_nobody, steward
from arengo.governance.caller import CITY_WIDE, Caller
from arengo.governance.delegation import Delegations, Roles
from arengo.governance.owner import owner_of
from arengo.governance.product import Product, Products
from arengo.governance.purposes import Purposes
from arengo.governance.standing import STANDS, Standing, standing
from arengo.settings import AgreementSettings
from arengo.state import State
from arengo.state.agreements import agreement
from arengo.state.tables import dataset as datasets

KEPT = 20_000
"""Answers of :meth:`Agreements.of` held at most."""


def now_utc() -> datetime:
    return datetime.now(UTC)


def untold(kind: str, **facts: object) -> None:
    """Where nobody keeps a record."""


class Overlap(Protocol):
    """Persons who come out of a group of at least ``k`` that hid them (:mod:`arengo.services.together`)."""

    @property
    def people(self) -> int: ...
    @property
    def k(self) -> int: ...
    @property
    def unseen(self) -> tuple[str, ...]: ...

    def as_json(self) -> dict[str, Any]: ...


def nothing_together(item: Agreement, terms: Terms) -> Overlap | None:
    """Where nobody can compare."""
    return None


class Holdings:
    """The agreements of a city, to be read. Thread-safe; several processes may use the same state.

    ``contract``: the contract in force of a dataset, raising UnknownDataset. ``tell``: writes the record (the
    ledger's). ``application``: id of an application -> the organisation it belongs to, '' when there is no such one or
    it is blocked. ``roles``: id of a person -> roles she has now. ``named``: id of a person -> how a contract may name
    her. ``rows``: the columns a row filter looks at; raises for one that the query room cannot read. ``levels``:
    role -> the assurance of a login at which it holds. ``together``: what granting some terms would let the recipient
    put together with all else it reads, None for nothing that was to be compared.
    """

    def __init__(
        self,
        state: State,
        *,
        contract: Callable[[str], Contract],
        tell: Callable[..., object] = untold,
        now: Callable[[], datetime] = now_utc,
        settings: AgreementSettings | None = None,
        application: Callable[[str], str] = lambda name: "",
        roles: Roles = lambda person: (),
        named: Named = named_nobody,
        rows: Callable[[Contract, str], Iterable[str]] = lambda contract, text: (),
        levels: Mapping[str, int] = EMPTY,
        together: Callable[[Agreement, Terms], Overlap | None] = nothing_together,
    ) -> None:
        self.state = state
        self.now = now
        self.settings = settings or AgreementSettings()
        self.purposes = Purposes(state, now)
        self.products = Products(state)
        self.delegations = Delegations(state, roles=roles, now=now, tell=tell, levels=levels)
        self._contract = contract
        self._tell = tell
        self._application = application
        self.named = named
        self._rows = rows
        self.together = together
        self._held: dict[tuple[str, str], tuple[Agreement, ...]] = {}
        self._generation = -1
        self._texts: dict[tuple[str, str], Contract | None] = {}

    # ---- reading --------------------------------------------------------------------------------------------------

    def of(self, application: str, dataset: str) -> tuple[Agreement, ...]:
        """What an application ('' for organisations' own people) agreed about a dataset, the newest first.

        Active, suspended and pending ones and those that ended otherwise than by being followed; which of them counts
        now is for the judge (:meth:`Agreement.current`). One that the contract in force no longer carries, and every
        one of a product that is suspended or retired, is suspended. Kept until anything changes who may read.
        """
        generation = self.state.generation()
        if generation != self._generation:
            self._held, self._generation = {}, generation
        held, key = self._held, (application, dataset)
        found = held.get(key)
        if found is None:
            if len(held) > KEPT:
                held.clear()
            found = held[key] = self._of(application, dataset)
        return found

    def _of(self, application: str, dataset: str) -> tuple[Agreement, ...]:
        c = agreement.c
        chosen = sa.select(agreement).where(
            c.application == application, c.dataset == dataset, c.state.not_in(("draft", "superseded"))
        ).order_by(c.created_at.desc(), c.id)  # fmt: skip
        with self.state.read() as connection:
            found = dossier.read(connection, chosen.limit(200))
        return self._effective(dataset, found)

    def about(self, dataset: str) -> tuple[Agreement, ...]:
        """Everybody's agreements on a dataset that count now or may again, the newest first: who can read it."""
        c = agreement.c
        found = self._list(c.dataset == dataset, ("active", "suspended"), c.created_at.desc(), c.id)
        return self._effective(dataset, found)

    def _effective(self, dataset: str, found: tuple[Agreement, ...]) -> tuple[Agreement, ...]:
        """As they count now: what the product and the contract in force no longer carry is suspended."""
        if not any(item.state == "active" for item in found):
            return found
        try:
            contract = self._contract(dataset)
        except UnknownDataset:
            return tuple(_stopped(item, "owner") for item in found)
        offered = self.products.of(contract, self.now())
        if not offered.readable:
            return tuple(_stopped(item, "owner") for item in found)
        text, out = sha(contract), []
        for item in found:
            moved = item.state == "active" and item.contract_sha != text
            if moved and self.standing(item, contract).verdict == "stop":
                item = _stopped(item, "platform")
            if item.state == "active" and offered.until is not None and offered.until < item.valid_to:
                item = replace(item, valid_to=offered.until)
            out.append(item)
        return tuple(out)

    def get(self, id: str, by: Caller | None = None) -> Agreement:
        """``by``: for whom; what it may not see is not there. Raises NotFound, the same for both."""
        with self.state.read() as connection:
            found = dossier.one(connection, id)
        if found is None or (by is not None and not self.sees(found, by)):
            raise NotFound("There is no such agreement of yours.", todo="Look at your agreements.")
        return found

    def sees(self, item: Agreement, by: Caller) -> bool:
        """Whether ``by`` is on one of its two sides, or watches over the city."""
        if by.application:
            return bool(item.application) and by.application == item.application
        if member(by, item.organisation):
            return True
        if item.state == "draft" or not is_person(by):
            return False
        owner = self.owner(item)
        if any(by.has(role, owner) for role in ("auditor", "administrator")) or steward(by, owner):
            return True
        if any(level.entitles(by, self.named) for level in self._levels(item)):
            return True
        return bool(self.delegations.stood_in_for(by.party, owner))

    def history(self, id: str, by: Caller | None = None) -> tuple[Stamp, ...]:
        """Every step, oldest first. Raises NotFound."""
        self.get(id, by)
        with self.state.read() as connection:
            return dossier.stamps(connection, id)

    def why(self, agreement: str) -> str:
        """What was said when it was last suspended, '' for nothing."""
        with self.state.read() as connection:
            steps = [item for item in dossier.stamps(connection, agreement) if item.after == "suspended" and item.why]
        return steps[-1].why if steps else ""

    def inbox(self, owners: Iterable[str]) -> tuple[Agreement, ...]:
        """Requests that wait for these organisations, the oldest first."""
        return self._list(agreement.c.owner.in_(list(owners)), ("pending",), agreement.c.requested_at, agreement.c.id)

    def inbox_of(self, by: Caller) -> tuple[Agreement, ...]:
        """Requests ``by`` can decide about, herself or standing in for somebody, the oldest first."""
        if not is_person(by):
            return ()
        c = agreement.c
        principals = self._principals(by)
        with self.state.read() as connection:
            asked = dossier.ids(connection, sa.select(c.dataset).where(c.state == "pending").distinct())
        mine = [name for name in asked if self._concerns(name, (by, *principals.values()))]
        found: list[Agreement] = []
        for at in range(0, len(mine), 500):
            found += self._list(c.dataset.in_(mine[at : at + 500]), ("pending",), c.requested_at, c.id)
        able = [item for item in found if self._deciders(item, by, principals)]
        return tuple(sorted(able, key=lambda item: (item.requested_at or item.created_at, item.id)))

    def _concerns(self, dataset: str, people: Iterable[Caller]) -> bool:
        """Whether one of these people may have to decide about a dataset: its steward, or anybody it names."""
        try:
            contract = self._contract(dataset)
        except UnknownDataset:
            return False
        owner = owner_of(contract)
        return any(contract.approvers) or any(steward(who, owner) for who in people)

    def _principals(self, by: Caller) -> dict[str, Caller]:
        """Whom ``by`` stands in for now, with their own rights."""
        return {
            one.person: self.delegations.principal(one.person, by, one.organisation)
            for one in self.delegations.stood_in_for(by.party)
        }

    def listing(
        self, by: Caller, *, side: str = "", states: Sequence[str] = (), dataset: str = "", limit: int = 100,
        after: str = "",
    ) -> tuple[Agreement, ...]:  # fmt: skip
        """What ``by`` may see, the newest first. ``side``: consumer or owner, '' for both. ``after``: the id of the
        last one of the page before. Raises BadForm."""
        c = agreement.c
        mine = {by.organisation, *(held for held, _ in by.roles)} - {"", CITY_WIDE}
        gives = {held for held, role in by.roles if role in ("steward", "auditor", "administrator")}
        if by.application:
            reads, gives = c.application == by.application, set()
        else:
            reads = c.organisation.in_(sorted(mine) if is_person(by) else [])
        given = (sa.true() if CITY_WIDE in gives else c.owner.in_(sorted(gives))) & (c.state != "draft")
        chosen = {"consumer": reads, "owner": given, "": sa.or_(reads, given)}.get(side)
        if chosen is None:
            raise BadForm(f"There is no side {side[:20]!r}.", todo="Write consumer or owner.")
        if dataset:
            chosen &= c.dataset == dataset
        if after:
            last = self.get(after, by)
            chosen &= sa.or_(c.created_at < last.created_at, (c.created_at == last.created_at) & (c.id > last.id))
        return self._list(chosen, states, c.created_at.desc(), c.id, limit=min(max(limit, 1), 1000))

    def held_by(self, organisations: Collection[str] | None, states: Sequence[str]) -> tuple[Agreement, ...]:
        """Every agreement of these organisations (None: any) in one of these states, the newest first."""
        c = agreement.c
        chosen = sa.true() if organisations is None else c.organisation.in_(sorted(organisations))
        select = sa.select(agreement).where(chosen, c.state.in_(list(states))).order_by(c.created_at.desc(), c.id)
        with self.state.read() as connection:
            return dossier.read(connection, select)

    def _list(
        self, chosen: sa.ColumnElement[bool], states: Sequence[str], *order: Any, limit: int = 10_000
    ) -> tuple[Agreement, ...]:
        select = sa.select(agreement).where(chosen).order_by(*order).limit(limit)
        if states:
            select = select.where(agreement.c.state.in_(list(states)))
        with self.state.read() as connection:
            return dossier.read(connection, select)

    def for_purpose(self, purpose: str) -> tuple[Agreement, ...]:
        """Agreements that name a purpose, in any state."""
        return self._list(agreement.c.purpose == purpose, (), agreement.c.created_at, agreement.c.id, limit=200)

    def moved(self, *states: str) -> tuple[Agreement, ...]:
        """Those in these states whose contract is not the one in force any more."""
        c = agreement.c
        select = sa.select(agreement).join(
            datasets, (datasets.c.id == c.dataset) & (datasets.c.contract_sha != c.contract_sha)
        ).where(c.state.in_(states)).order_by(c.dataset, c.id)  # fmt: skip
        with self.state.read() as connection:
            return dossier.read(connection, select)

    def followed_by(self, id: str) -> tuple[Agreement, ...]:
        """The agreements that renew, change or upgrade this one, the newest first."""
        return self._list(agreement.c.follows == id, (), agreement.c.created_at.desc(), agreement.c.id)

    def product(self, dataset: str) -> Product:
        """Raises UnknownDataset."""
        return self.products.of(self._contract(dataset), self.now())

    def standing(self, item: Agreement, contract: Contract | None = None) -> Standing:
        """Whether it stands on the contract in force."""
        contract = contract or self._contract(item.dataset)
        if sha(contract) == item.contract_sha:
            return STANDS
        return standing(self.agreed(item), contract, item)

    def agreed(self, item: Agreement) -> Contract | None:
        """The contract it was made about; None when its text is lost."""
        key = (item.dataset, item.contract_sha)
        if key not in self._texts:
            text = self.state.contract_text(*key)
            if len(self._texts) > 500:
                self._texts.clear()
            self._texts[key] = loads(text) if text is not None else None
        return self._texts[key]

    def levels(self, item: Agreement) -> tuple[Level, ...]:
        """The approvals a request needs, with who gives them."""
        return self._levels(item)

    def _levels(self, item: Agreement) -> tuple[Level, ...]:
        try:
            contract = self._contract(item.dataset)
        except UnknownDataset:
            return (Level(1, item.owner),)
        purpose = self.purposes.find(item.purpose)
        wanted = item.asked or item.terms
        asked = replace(item, columns=self._looked_at(contract, wanted.columns, wanted.rows))
        return approvals.levels(contract, asked, bool(purpose and purpose.personal))

    def _looked_at(self, contract: Contract, columns: tuple[str, ...], rows: str) -> tuple[str, ...]:
        """``columns`` and those the row filter compares: which rows are given tells of them as well."""
        if not rows:
            return columns
        try:
            compared = frozenset(self._rows(contract, rows))
        except BadForm:  # the contract has changed since; then it may be any
            compared = frozenset(approvals.columns_of(contract))
        return (*columns, *sorted(compared - set(columns)))

    def deciders(self, item: Agreement, by: Caller) -> tuple[str, ...]:
        """As whom ``by`` may give the approval that is due: '' for herself, otherwise persons stood in for."""
        if item.state != "pending" or not is_person(by):
            return ()
        return self._deciders(item, by, self._principals(by))

    def _deciders(self, item: Agreement, by: Caller, principals: Mapping[str, Caller]) -> tuple[str, ...]:
        due = self.due(item)
        taken = {item.drafted_by, item.requested_by}
        taken |= {name for given in item.approvals for name in (given.who, given.behalf) if name}
        if by.party in taken:
            return ()
        found = [""] if due.entitles(by, self.named) else []
        return (*found, *(name for name, who in principals.items()
                          if name not in taken and due.entitles(who, self.named)))  # fmt: skip

    def due(self, item: Agreement) -> Level:
        """The approval that is due: the first level that has none."""
        given = {approval.level for approval in item.approvals}
        wanted = self._levels(item)
        return next((level for level in wanted if level.number not in given), wanted[-1])

    def owner(self, item: Agreement) -> str:
        """Who answers for the dataset now; whoever did when it was asked for, once the dataset is gone."""
        try:
            return owner_of(self._contract(item.dataset))
        except UnknownDataset:
            return item.owner


def _stopped(item: Agreement, flag: str) -> Agreement:
    """An active agreement as it counts while something stands in its way."""
    if item.state != "active":
        return item
    return replace(item, state="suspended", suspended_by=item.suspended_by | {flag})
