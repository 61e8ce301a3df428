"""Where a person is: which rows of which versions are about her, by her own number, its pseudonym or her key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from arengo.contract import loads
from arengo.contract.model import EMPTY, Contract, Property
from arengo.contract.protection import step_name
from arengo.errors import ArengoError
from arengo.lake import erasure as lake_erasure
from arengo.lake.erasure import Match
from arengo.lake.layout import quote
from arengo.privacy import mask, vault

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.privacy.vault import Vault
    from arengo.settings import Settings
    from arengo.state import State

SHORTEST = 4
"""Shorter values are not looked for in files that hold no columns: they would be found in everybody's lines."""


@dataclass(frozen=True, slots=True)
class Person:
    """``id``: her number in the population's registers; ``mark``: her blind number; ``key``: the name of her key."""

    population: str
    id: str
    mark: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Where she is in one dataset. ``rows``: version -> rows about her, only where there are some. ``by``: how she is
    told there: ``number``, ``pseudonym``, ``key``; '' when the dataset keeps nothing that leads to her.
    """

    dataset: str
    title: str
    by: str
    rows: Mapping[int, int] = field(default_factory=dict)
    newest: int = 0

    @property
    def there(self) -> bool:
        return bool(self.rows)


class Places:
    """Looks for persons in the lake."""

    def __init__(self, settings: Settings, state: State, lake: Lake, keys: Vault) -> None:
        self._settings = settings
        self._state = state
        self._lake = lake
        self._vault = keys

    def person(self, population: str, id: str) -> Person:
        mark = self._vault.mark(population, id.strip())
        key = self._vault.get(population, mark)
        return Person(population, id.strip(), mark, key.id if key else "")

    def contracts(self, population: str) -> Iterator[Contract]:
        """The datasets about a population, retired ones too: some version may hold its persons."""
        for record in self._state.contracts(retired=True).values():
            try:
                contract = loads(record.text, base=self._settings.root)
            except ArengoError:
                continue
            if subjects(contract, population):
                yield contract

    def contract(self, dataset: str) -> Contract | None:
        """A dataset's contract as it is in force, retired ones too."""
        record = self._state.contracts(retired=True).get(dataset)
        return loads(record.text, base=self._settings.root) if record else None

    def populations(self) -> tuple[str, ...]:
        """Populations that some dataset names."""
        found: set[str] = set()
        for record in self._state.contracts(retired=True).values():
            try:
                contract = loads(record.text, base=self._settings.root)
            except ArengoError:
                continue
            named = [str(item.custom["arengoSubject"]) for item in contract.as_read().properties
                     if item.custom.get("arengoSubject")]  # fmt: skip
            told = str(contract.custom.get("arengoPopulation", ""))
            found |= {told} if told and named else set(named)
        return tuple(sorted(found))

    def find(self, person: Person) -> tuple[Found, ...]:
        """Every dataset about her population, whether she is in it or not."""
        return tuple(self.found(contract, person) for contract in self.contracts(person.population))

    def found(self, contract: Contract, person: Person) -> Found:
        rows: dict[int, int] = {}
        versions = self._lake.retained(contract.id)
        for version in versions:
            count = lake_erasure.count(self._lake, version, self.match(contract, version, person))
            if count:
                rows[version.number] = count
        newest = versions[0].number if versions else 0
        return Found(contract.id, contract.title(), self._how(contract, person.population), rows, newest)

    def _how(self, contract: Contract, population: str) -> str:
        kinds = {_kept(item) for item in subjects(contract, population)}
        if "number" in kinds:
            return "number"
        return "key" if vault.columns_of(contract) else "pseudonym" if "pseudonym" in kinds else ""

    def match(self, current: Contract, version: Version, person: Person) -> Match | None:
        """Her rows in a version: None when nothing in it leads to her."""
        contract = self._of(current, version)
        there = {column.name for column in version.schema}
        parts: list[str] = []
        params: list[object] = []
        for item in subjects(contract, person.population):
            if item.name not in there:
                continue
            for value in self.values(contract, item, person.id):
                parts.append(f"trim(CAST({quote(item.name)} AS VARCHAR)) = ?")
                params.append(value)
        sealed = version.extra.get("vault", ())
        if sealed and person.key and vault.population_of(contract) == person.population:
            sql, bound = vault.sealed_with(str(sealed[0]), person.key)
            parts.append(sql)
            params += bound
        return Match(" OR ".join(f"({part})" for part in parts), tuple(params)) if parts else None

    def _of(self, current: Contract, version: Version) -> Contract:
        """The contract a version was published under."""
        text = self._state.contract_text(version.dataset, version.contract_sha)
        try:
            return loads(text, base=self._settings.root) if text else current
        except ArengoError:
            return current

    def values(self, contract: Contract, item: Property, id: str) -> tuple[str, ...]:
        """What a stored column of persons says for a number."""
        kept = _kept(item)
        if kept == "number":
            return (id,)
        return (pseudonym(contract, item, id, self._vault.secret),) if kept == "pseudonym" else ()

    def digests(self, contract: Contract, person: Person) -> tuple[str, ...]:
        """How the record names her in entries about a dataset: a digest of what its column of persons holds."""
        out = []
        for item in subjects(contract, person.population):
            key = mask.derive(self._vault.secret, "subject", str(item.custom.get("arengoSubject", "")))
            out += [mask.digest(key, value) for value in self.values(contract, item, person.id)]
        return tuple(out)

    def needles(self, contract: Contract, person: Person) -> tuple[str, ...]:
        """What identifies her in a dataset's rows: her number and the values of the columns of identifiers."""
        names = [item.name for item in contract.as_read().properties if item.privacy_role == "identifier"]
        found: set[str] = {person.id}
        for version in self._lake.retained(contract.id):
            sealed = tuple(version.extra.get("vault", ()))
            held = lake_erasure.rows(self._lake, version, self.match(contract, version, person))
            if held is None:
                continue
            there = [name for name in names if name in held.column_names and name not in sealed]
            for name in there:
                found |= {str(value) for value in held.column(name).to_pylist() if value is not None}
            if sealed and sealed[0] in held.column_names:
                bound = [[None if value is None else str(value) for value in held.column(name).to_pylist()]
                         for name in version.extra.get("bound", ())]  # fmt: skip
                opened = self._vault.opened(contract.id, sealed, held.column(sealed[0]).to_pylist(), bound)
                for name, values in zip(sealed, opened, strict=True):
                    if name in names:
                        found |= {value for value in values if value}
        return tuple(sorted(item for item in found if len(item.strip()) >= SHORTEST or item == person.id))

    def who(self, value: str) -> tuple[Person, ...]:
        """Persons one of whose sealed identifiers is ``value``: through the blind index, nothing is opened for it."""
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for record in self._state.contracts(retired=True).values():
            try:
                contract = loads(record.text, base=self._settings.root)
            except ArengoError:
                continue
            for column in vault.columns_of(contract):
                for key in self._vault.lookup(contract.id, column, value):
                    held = self._vault.mark_of(key)
                    if held is not None and not found.get(held, ("",))[0]:
                        found[held] = self._number(contract, key), key
        return tuple(Person(population, told, mark, key) for (population, mark), (told, key) in found.items())

    def _number(self, contract: Contract, key: str) -> str:
        """The person's own number, where a dataset stores it beside what is sealed with her key; else ''."""
        newest = self._lake.newest(contract.id)
        if newest is None or not newest.extra.get("vault"):
            return ""
        there = {column.name for column in newest.schema}
        plain = [item.name for item in subjects(contract, vault.population_of(contract))
                 if _kept(item) == "number" and item.name in there]  # fmt: skip
        sql, params = vault.sealed_with(str(newest.extra["vault"][0]), key)
        held = lake_erasure.rows(self._lake, newest, Match(sql, params)) if plain else None
        return str(held.column(plain[0])[0].as_py()) if held is not None else ""


def subjects(contract: Contract, population: str) -> tuple[Property, ...]:
    """The columns, as read, that name persons of a population."""
    told = str(contract.custom.get("arengoPopulation", ""))
    return tuple(
        item for item in contract.as_read().properties
        if item.custom.get("arengoSubject") and population in (told, str(item.custom["arengoSubject"]))
    )  # fmt: skip


def _kept(item: Property) -> str:
    steps = [step_name(step) for step in item.protect]
    if not steps:
        return "number"
    return "pseudonym" if steps == ["pseudonym"] else ""


def pseudonym(contract: Contract, item: Property, id: str, secret: bytes) -> str:
    """What the step ``pseudonym`` of :mod:`arengo.privacy.protect.steps` makes of a person's number."""
    told: Any = item.protect[0]
    argument = told["pseudonym"] if isinstance(told, Mapping) else EMPTY
    domain = str(argument.get("domain", "")) or f"{contract.id}.{item.name}"
    key = mask.derive(secret, "pseudonym", "", "", domain, str(argument.get("epoch", "")))
    return mask.digest(key, id)
