"""A case before the gate from plain tables: what a test says is the columns, the rows, and what was published before.

world = World(tmp_path)
world.register({"residence": ..., "sex": ...}, rows)           # the population's register, by id
world.publish(table("visits", ...))                            # goes into the publication ledger
verdict = gate.judge(world.case(table("loans", ...)))
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from arengo.contract.load import freeze
from arengo.contract.model import EMPTY, Contract, Frozen, Kind, Property
from arengo.contract.protection import released
from arengo.governance import hierarchy
from arengo.lake.layout import quote
from arengo.privacy.bridge import moved
from arengo.privacy.case import Case, Codes
from arengo.privacy.declared import profiles_of, release_of, target_of
from arengo.privacy.population import Populations, blind, take
from arengo.privacy.release import Population, Profile, Release
from arengo.privacy.releases import Releases
from arengo.settings import PrivacySettings, Settings
from arengo.state import State, open_state

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = bytes(range(32))
RESIDENTS = '[populations.residents]\nunit = "person"\n'


def quasi(kind: Kind, concept: str = "", **custom: Any) -> tuple[Kind, dict[str, Any]]:
    return kind, {"arengoPrivacyRole": "quasi", **({"arengoPrivacyConcept": concept} if concept else {}), **custom}


def sensitive(kind: Kind, concept: str = "", **custom: Any) -> tuple[Kind, dict[str, Any]]:
    return kind, {"arengoPrivacyRole": "sensitive", **({"arengoPrivacyConcept": concept} if concept else {}), **custom}


def plain(kind: Kind, **custom: Any) -> tuple[Kind, dict[str, Any]]:
    return kind, custom


@dataclass(frozen=True)
class Table:
    """``columns``: name -> (kind, custom properties). ``rows``: values in the order of the columns. ``people``: the
    person's id of each row, () when the city cannot tell. ``custom``: of the contract."""

    dataset: str
    columns: Mapping[str, tuple[Kind, Mapping[str, Any]]]
    rows: Sequence[Sequence[Any]]
    people: Sequence[Any] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)

    def contract(self) -> Contract:
        """As it is stored: protected columns are as they are after ``arengoProtect``."""
        read = tuple(Property(name, kind, custom=freeze(dict(told))) for name, (kind, told) in self.columns.items())
        custom = Frozen({"arengoAccess": "open", **freeze(dict(self.custom))})
        return released(Contract(
            self.dataset, "1.0.0", self.dataset.title(), "active", repr((self.dataset, self.columns, self.custom)),
            read, self.dataset, None, custom=custom,
        ))  # fmt: skip


def table(
    dataset: str,
    columns: Mapping[str, tuple[Kind, Mapping[str, Any]]],
    rows: Sequence[Sequence[Any]],
    people: Sequence[Any] | None = None,
    population: str = "residents",
    **custom: Any,
) -> Table:
    """``people``: None is the number of the row; () when the city cannot tell whose row it is."""
    ids = list(range(len(rows))) if people is None else people
    told = {"arengoPopulation": population} if population else {}
    return Table(dataset, columns, rows, ids, {**told, **custom})


@cache
def _empty_state() -> bytes:
    """A state database with all its tables: making one costs more than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.sqlite"
        open_state(f"sqlite:///{path}").close()
        return path.read_bytes()


class World:
    """A city's state with what was published so far, and the clock."""

    def __init__(self, folder: Path, privacy: str = RESIDENTS, codes: Codes | None = None, **settings: Any) -> None:
        self.settings = Settings(root=folder, privacy=PrivacySettings(**settings))
        self.settings.home.mkdir(parents=True, exist_ok=True)
        (self.settings.home / "state.sqlite").write_bytes(_empty_state())
        self.state: State = open_state(self.settings.state_url)
        take(self.state, privacy, START)
        self.populations = Populations(self.settings, self.state)
        self.releases = Releases(self.settings, self.state)
        self.connection = duckdb.connect(":memory:")
        self.codes = codes
        self.day = 0
        self._truth: dict[str, str] = {}
        self._listed: set[str] = set()
        self._tables = 0

    def close(self) -> None:
        self.connection.close()
        self.state.close()

    @property
    def now(self) -> datetime:
        return START + timedelta(days=self.day)

    def hierarchies(self) -> Codes:
        """The hierarchies in force, once the city's own are there."""
        if self.codes is None:
            from arengo.governance.hierarchy import Hierarchies
            from arengo.privacy.hierarchy.codes import CityCodes

            self.codes = CityCodes(self.settings, self.state, Hierarchies(self.settings, self.state))
        return self.codes

    def lists(self, **files: str) -> None:
        """Bring code lists of ``hierarchies/`` into force: name -> text."""
        hierarchy.take(self.state, files, START)

    def register(
        self, concepts: Sequence[str], rows: Mapping[Any, Sequence[Any]], population: str = "residents"
    ) -> None:
        """The truth about a population: values of the concepts by person's id."""
        name = f"_truth_{population}"
        listed = "".join(f", {quote(concept)} VARCHAR" for concept in concepts)
        self.connection.execute(f"CREATE OR REPLACE TABLE {quote(name)} (_subject VARCHAR{listed})")
        told = [[blind(SECRET, population, str(who)), *_texts(values)] for who, values in rows.items()]
        marks = ", ".join("?" for _ in range(len(concepts) + 1))
        if told:
            self.connection.executemany(f"INSERT INTO {quote(name)} VALUES ({marks})", told)
        self._truth[population] = quote(name)
        self._listed |= {str(who) for who in rows}

    def pairs(self, mine: str, theirs: str) -> str:
        """Who of a population of the same register is who in another."""
        if theirs not in (item.name for item in self.populations.kin(mine)):
            return ""
        name = quote(f"_pairs_{theirs}_{mine}")
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} (theirs VARCHAR, mine VARCHAR)")
        _fill(
            self.connection, name, [[blind(SECRET, theirs, one), blind(SECRET, mine, one)] for one in self._listed], 2
        )
        return name

    def rows(self, release: Release, mine: str) -> str:
        """Of an earlier release, under the numbers of another population of its register."""
        return moved(self.releases.rows(release), self.pairs(mine, release.population))

    def put(self, data: Table, contract: Contract | None = None) -> str:
        """The table as it is released, with ``_subject``; its SQL name."""
        self._tables += 1
        name = quote(f"_table_{self._tables}")
        contract = contract or data.contract()
        wanted = {item.name: item for item in contract.properties}
        columns = [(name_, wanted[name_].kind) for name_ in data.columns if name_ in wanted]
        places = [list(data.columns).index(name_) for name_, _ in columns]
        told = ", ".join(f"{quote(name_)} {kind.duckdb}" for name_, kind in columns)
        self.connection.execute(f"CREATE TABLE {name} ({told}, _subject VARCHAR)")
        population = str(data.custom.get("arengoPopulation", ""))
        ids = [blind(SECRET, population, str(item)) if item is not None else None for item in data.people]
        ids = ids or [None] * len(data.rows)
        filled = [[*(row[at] for at in places), who] for row, who in zip(data.rows, ids, strict=True)]
        _fill(self.connection, name, filled, len(columns) + 1)
        return name

    def case(self, data: Table, *, recipient: str = "", profiles: tuple[Profile, ...] | None = None) -> Case:
        """``data`` as the next candidate, after all that was published."""
        contract = data.contract()
        name = self.put(data, contract)
        intake = contract.as_read()
        read = self.put(data, intake) if contract.intake else name
        release = self.release(data, 0, recipient)
        population = self.populations.get(release.population)
        kin = self.populations.kin(release.population)
        return Case(
            contract=contract,
            release=release,
            target=target_of(contract, self.settings),
            connection=self.connection,
            table=name,
            intake=read,
            intake_contract=intake,
            population=population,
            earlier=self.releases.of(release.population, *(item.name for item in kin)),
            profiles=profiles or profiles_of(contract, self.populations.profiles(population)),
            codes=self.hierarchies(),
            settings=self.settings,
            state=self.state,
            home=self.releases.home,
            now=self.now,
            secret=SECRET,
            truth=lambda: self._truth.get(release.population, ""),
            rows=lambda item: self.rows(item, release.population),
            kin=kin,
            pairs=lambda name: self.pairs(release.population, name),
        )

    def release(self, data: Table, number: int, recipient: str = "") -> Release:
        contract = data.contract()
        population = self.populations.get(str(data.custom.get("arengoPopulation", "")))
        if population is not None and population.name in self._truth:
            population = replace(population, register="resident-register")
        return release_of(
            contract, number, self.now, len(data.rows), population=population, subject=bool(len(data.people)),
            recipient=recipient,
        )  # fmt: skip

    def publish(self, data: Table, recipient: str = "") -> Release:
        """Write ``data`` into the publication ledger as the next version of its dataset, a day later."""
        self.day += 1
        number = max((item.number for item in self.releases.of_dataset(data.dataset)), default=0) + 1
        release = self.release(data, number, recipient)
        name = self.put(data)
        self.releases.add(release, self.connection, name)
        return release


class Plain:
    """Codes for tests that use no hierarchy: the values themselves."""

    def levels(self, name: str) -> tuple[str, ...]:
        return ()

    def sql(self, name: str, level: str, column: str, kind: str) -> str:
        return f"CAST({column} AS VARCHAR)"

    def between(self, name: str, level: str, other: str) -> Mapping[str, str]:
        return EMPTY


def _texts(values: Sequence[Any]) -> list[str | None]:
    return [None if item is None else str(item) for item in values]


def _fill(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Sequence[Any]], width: int) -> None:
    if not rows:
        return
    import pyarrow as pa

    arrays = {f"c{at}": pa.array([row[at] for row in rows]) for at in range(width)}
    connection.register("_given", pa.table(arrays))
    connection.execute(f"INSERT INTO {name} SELECT * FROM _given")
    connection.unregister("_given")


__all__ = [
    "EMPTY", "Frozen", "Kind", "Plain", "Population", "Table", "World", "plain", "quasi", "sensitive", "table",
]  # fmt: skip
