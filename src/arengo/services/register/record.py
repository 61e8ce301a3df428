"""The register of a city: activities of every dataset about persons, as the contracts in force say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.contract import purpose
from arengo.contract.model import Contract
from arengo.contract.purpose import Controller
from arengo.errors import NotFound, UnknownDataset
from arengo.governance.caller import CITY_WIDE, Caller
from arengo.services.register.activity import Activity, Reader, activities
from arengo.state.agreements import purpose as agreement_purpose
from arengo.state.register import ALL, Hold, holds

if TYPE_CHECKING:
    from arengo.catalogue import Catalogue
    from arengo.governance.party import Parties
    from arengo.governance.procedure import Agreements
    from arengo.settings import Settings
    from arengo.state import State

Readers = Callable[[str], tuple[Reader, ...]]
"""Who reads a dataset under an active agreement."""
PAGE = 1000
AUDITOR = Caller(party="arengo-register", roles=((CITY_WIDE, "auditor"),))
"""As whom the register looks at agreements: it may see that they stand, and reads no row."""


def nobody(dataset: str) -> tuple[Reader, ...]:
    """Where no agreements are kept."""
    return ()


class Register:
    """What the city does with personal data. Safe from several threads; nothing is stored."""

    def __init__(self, settings: Settings, state: State, catalogue: Catalogue, readers: Readers = nobody) -> None:
        self._settings = settings
        self._state = state
        self._catalogue = catalogue
        self._readers = readers
        self._guard = threading.Lock()
        self._held: tuple[int, tuple[Activity, ...]] = (-1, ())

    def activities(self) -> tuple[Activity, ...]:
        """All of them, by the dataset's id, purposes in the order of the contract."""
        generation = self._state.generation()
        with self._guard:
            if self._held[0] != generation:
                self._held = (generation, self._all())
            return self._held[1]

    def of(self, dataset: str) -> tuple[Activity, ...]:
        """Those of one dataset. Raises UnknownDataset, and NotFound when it holds no personal data."""
        entry = self._catalogue.entry(dataset)
        found = tuple(item for item in self.activities() if item.dataset == dataset)
        if not found:
            raise NotFound(
                f"{entry.contract.title()} holds no personal data.", todo="See the record of processing activities."
            )
        return found

    def about_persons(self, dataset: str) -> bool:
        """Whether a dataset is in the register."""
        try:
            return bool(purpose.personal(self._catalogue.entry(dataset).contract))
        except UnknownDataset:
            return False

    def controller(self, contract: Contract) -> Controller:
        """Who answers: the contract's, completed with the city's."""
        told, city = self._settings.register, self._settings.city
        usual = Controller(
            told.controller or city.name,
            told.address,
            told.mail or city.contact,
            dpo=told.dpo,
            dpo_mail=told.dpo_mail,
        )
        named = purpose.controller(contract)
        if named is None:
            return usual
        # A contract that names its own officer names it whole; what it leaves out is the city's.
        if not (named.dpo or named.dpo_mail):
            named = replace(named, dpo=usual.dpo, dpo_mail=usual.dpo_mail)
        return replace(named, address=named.address or usual.address, mail=named.mail or usual.mail)

    def _all(self) -> tuple[Activity, ...]:
        from arengo.catalogue import lineage

        with self._state.read() as connection:
            standing = holds(connection)
        found: list[Activity] = []
        entries = {entry.id: entry for entry in self._catalogue.entries(limit=None).items}
        for entry in sorted(entries.values(), key=lambda item: item.id):
            contract = entry.contract
            if not purpose.personal(contract):
                continue
            found += activities(
                contract,
                self.controller(contract),
                self._settings.register,
                readers=self._readers(entry.id),
                inputs=lineage.inputs(contract, entries),
                hold=_hold(contract, standing),
                keep_days=self._settings.lake.keep_days,
                updated=entry.updated,
            )
        return tuple(found)


def _hold(contract: Contract, standing: tuple[Hold, ...]) -> Hold | None:
    named = purpose.legal_hold(contract)
    if named is not None:
        return Hold("", contract.id, named.reason, None, named.by)
    return next((item for item in standing if item.dataset in (contract.id, ALL)), None)


def _kinds(state: State, ids: set[str]) -> dict[str, str]:
    """Id of a purpose -> its DPV term. Its own title is the reader's free text and stays out of public pages."""
    table = agreement_purpose
    with state.read() as connection:
        rows = connection.execute(sa.select(table.c.id, table.c.dpv).where(table.c.id.in_(sorted(ids))))
        return {row.id: row.dpv for row in rows}


def readers_of(
    agreements: Agreements, parties: Parties, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Readers:
    """Who reads under active agreements: organisations by name, never a person, each purpose once."""

    def readers(dataset: str) -> tuple[Reader, ...]:
        names = {name: item.name for name, item in parties.organisations().items()}
        found: dict[tuple[str, str], Reader] = {}
        after, moment = "", now()
        while page := agreements.listing(
            AUDITOR, side="owner", states=("active",), dataset=dataset, limit=PAGE, after=after
        ):
            kinds = _kinds(agreements.state, {item.purpose for item in page})
            for item in page:
                if not item.current(moment):
                    continue
                name, purpose = names.get(item.organisation, item.organisation), kinds.get(item.purpose, "")
                hidden = tuple(dict.fromkeys(column for column, _ in item.masks))
                made = Reader(item.organisation, name, purpose, item.columns, hidden, item.valid_to)
                held = found.get((item.organisation, purpose))
                if held is None or held.until < made.until:
                    found[item.organisation, purpose] = made
            if len(page) < PAGE:
                break
            after = page[-1].id
        return tuple(sorted(found.values(), key=lambda one: (one.name, one.purpose)))

    return readers
