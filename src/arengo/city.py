"""Composition root: opens the rooms from the settings and hands them to the app, the command line and notebooks.

``arengo.open("city/")`` gives a :class:`City`. Every command of the command line is one call of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo import settings as settings_module
from arengo.errors import SettingsError
from arengo.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from arengo.catalogue import Catalogue
    from arengo.catalogue.harvest.run import Harvest
    from arengo.contract import Contract
    from arengo.contract.draft import Draft
    from arengo.contract.folder import Folder
    from arengo.door import Answer, Door, PastRow
    from arengo.door.sql.derived import CityQuestions
    from arengo.governance.agreement import Agreement, Terms
    from arengo.governance.policy.force import Policies
    from arengo.lake import Lake
    from arengo.lake.version import Change, Difference, Version
    from arengo.ledger import Ledger
    from arengo.privacy.vault import Vault
    from arengo.publish import Publisher, Run
    from arengo.query.model import Query
    from arengo.services import Participation
    from arengo.services.access import Access
    from arengo.services.accord import Accord
    from arengo.services.background import Background
    from arengo.services.census import Census
    from arengo.services.enactment import Enactment, PlanItem
    from arengo.services.erasure import Erasure
    from arengo.services.gate import Desk
    from arengo.services.held import HeldLetters
    from arengo.services.register import Register
    from arengo.services.retention import Retention
    from arengo.services.together import Recipients, Together
    from arengo.sources.base import Context
    from arengo.state import State

CITY_TOML = """\
# The city's own settings. Every setting, its default and what it does: docs/reference/settings.md
[city]
name = "{name}"
language = "{language}"
timezone = "{timezone}"
country = "{country}"
licence = "CC-BY-4.0"  # of open datasets whose contract names none; "" when there is none
"""

FOLDERS = ("contracts", "sources", "policies", "hierarchies", "indicators", "translations")


@dataclass(frozen=True, slots=True)
class Status:
    """One dataset at a glance."""

    dataset: str
    title: str
    contract: str
    version: int | None
    rows: int | None
    quarantined: int | None
    published_at: datetime | None
    last_run: str
    next_update: datetime | None


class City:
    """A city folder, opened. Rooms open when first asked for, so a command pays only for what it needs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __repr__(self) -> str:
        return f"<City {self.settings.city.name!r} at {self.settings.root}>"

    # The rooms

    @cached_property
    def folder(self) -> Folder:
        """The contracts of the folder, good and bad."""
        from arengo.contract.folder import Folder

        return Folder(self.settings.root)

    @cached_property
    def state(self) -> State:
        from arengo.state import open_state

        self.settings.home.mkdir(parents=True, exist_ok=True)
        return open_state(self.settings.state_url)

    @cached_property
    def lake(self) -> Lake:
        from arengo.lake import Lake

        lake = Lake(self.settings, self.state)
        lake.opener = self.vault
        return lake

    @cached_property
    def vault(self) -> Vault:
        """The persons' keys of sealed columns."""
        from arengo.privacy.vault import Vault

        return Vault(self.settings.home, self.state)

    @cached_property
    def catalogue(self) -> Catalogue:
        from arengo.catalogue import Catalogue

        return Catalogue(self.state, self.lake)

    @cached_property
    def door(self) -> Door:
        from arengo.door import Door

        access = self.access
        door = Door(self.settings, self.catalogue, self.lake, access.judge, access.hierarchies, access.record)
        self.catalogue.pages = door.pages  # the catalogue finds pages, but only the door reads rows
        return door

    @cached_property
    def ledger(self) -> Ledger:
        """The record of what happened."""
        from arengo.ledger import Ledger

        return Ledger(self.settings, self.state)

    @cached_property
    def access(self) -> Access:
        """Who may read what: people, programs, agreements, policies; and the record of it."""
        from arengo.services.access import Access

        def weigh(item: Agreement, terms: Terms) -> Together | None:
            return self.recipients.weigh(item, terms)

        return Access(self.settings, self.state, self.ledger, self._in_force, together=weigh)

    def _in_force(self, dataset: str) -> Contract:
        return self.catalogue.entry(dataset).contract

    @cached_property
    def recipients(self) -> Recipients:
        """What an organisation could put together from all that it reads by agreements and all that is public."""
        from arengo.services.together import Recipients

        access = self.access
        return Recipients(
            self.settings, self.state, self.lake, lambda: access.agreements, lambda: access.hierarchies,
            self._in_force, lambda: datetime.now(UTC), lambda: self.ledger, lambda name: access.parties.house(name),
        )  # fmt: skip

    @cached_property
    def policies(self) -> Policies:
        """The rules of ``policies/`` and ``hierarchies/``: what is wrong with them, what would change, what holds."""
        from arengo.door.grant import check_rows
        from arengo.governance.policy.force import Policies

        def contracts() -> dict[str, Contract]:
            good, bad = self.folder.read()
            held = {name: self.enactment.loaded(item) for name, item in self.state.contracts().items() if name in bad}
            return {**held, **good}

        def organisations() -> tuple[str, ...]:
            return tuple(self.access.parties.organisations())

        return Policies(self.settings, self.state, contracts, organisations, self.ledger.tell, rows=check_rows)

    @cached_property
    def enactment(self) -> Enactment:
        """What brings the contracts and rules of the folder into force."""
        from arengo.services.enactment import Enactment

        return Enactment(self.settings, self.state, self.folder, lambda: self.policies, lambda: self.ledger)

    @cached_property
    def participation(self) -> Participation:
        """What people send and follow: requests, comments, reuses, wishes, letters, webhooks, counts."""
        from arengo.portal.letters import composer
        from arengo.services import Participation

        return Participation(self.settings, self.state, self.door, self.catalogue, composer(self.settings))

    @cached_property
    def retention(self) -> Retention:
        """What is past its retention, what was disposed of, legal holds."""
        from arengo.services.retention import Retention

        return Retention(self.settings, self.state, self.lake, tell=self.ledger.tell)

    @cached_property
    def erasure(self) -> Erasure:
        """Who asked to be forgotten or left alone, and what was done about it."""
        from arengo.services.erasure import Erasure
        from arengo.services.erasure.around import around

        made = around(self.settings, self.state, self.lake, lambda: self.accord)
        return Erasure(self.settings, self.state, self.lake, self.vault, self.ledger, made, later=self.background.start)

    @cached_property
    def register(self) -> Register:
        """What the city does with personal data (GDPR, Art. 30), from contracts and agreements."""
        from arengo.services.register import Register, readers_of

        readers = readers_of(self.access.agreements, self.access.parties)
        return Register(self.settings, self.state, self.catalogue, readers)

    @cached_property
    def census(self) -> Census:
        """The city's applications and what they hand to each other."""
        from arengo.services.census import Census

        return Census(self.state, self.settings.sources, self.datasets, tell=self.ledger.tell)

    @cached_property
    def desk(self) -> Desk:
        """The privacy desk: what the gate holds back, and what people decide about it."""
        from arengo.publish.exposure import withdraw
        from arengo.services.gate import Desk

        drop = partial(withdraw, self.settings, self.state, self.lake)
        contract, recorded = self.enactment.registered, self._on_record
        return Desk(self.state, contract, self.ledger.tell, self._publish_later, drop, recorded=recorded)

    def _on_record(self, dataset: str, request: str) -> bool:
        held = self.ledger.entries(before=self.ledger.size, limit=50, kind="administration", dataset=dataset)
        return any(entry.facts.get("request") == request for entry in held)

    @cached_property
    def background(self) -> Background:
        """What decisions started and nobody waits for."""
        from arengo.services.background import Background

        return Background()

    def _publish_later(self, dataset: str) -> None:
        self.background.start(f"publishing {dataset} after a decision", partial(self._publish_one, dataset))

    def _publish_one(self, dataset: str) -> None:
        """Publish under the contract in force, after a decision on the desk."""
        self.publisher.publish([self.enactment.registered(dataset)], trigger="desk")

    @cached_property
    def publisher(self) -> Publisher:
        from arengo.publish import Publisher

        return Publisher(self.settings, self.state, self.lake, self.questions, self._published)

    def _published(self, kind: str, **facts: Any) -> None:
        """A publication on record, once: a run that was killed after it was told tells it again."""
        held = self.ledger.entries(before=self.ledger.size, limit=20, kind=kind, dataset=facts["dataset"])
        if all(entry.facts.get("request") != facts["body"]["request"] for entry in held):
            self.ledger.tell(kind, actor="publisher", **facts)

    @cached_property
    def accord(self) -> Accord:
        """Letters, reminders and ends of agreements."""
        from arengo.services.accord import Accord

        people = self.participation
        return Accord(
            self.access.agreements,
            self.access.parties,
            people.letters,
            people.events,
            lambda dataset, language: self.catalogue.entry(dataset).contract.title(language),
        )

    @cached_property
    def held_letters(self) -> HeldLetters:
        """Letters about publications that the gate holds back."""
        from arengo.services.held import HeldLetters

        return HeldLetters(self.desk, self.access.parties, self.participation.letters, self.enactment.registered)

    def turn(self) -> None:
        """What is done between people from time to time: letters, deliveries, agreements, the record's signature."""
        from arengo.services.witness import cosign

        self.erasure.resume_all()
        self.desk.turn()
        self.accord.turn()  # its letters leave with the others
        self.held_letters.turn()
        self.participation.turn()
        if self.ledger.turn() is not None:
            cosign(self.settings, self.ledger)

    @cached_property
    def questions(self) -> CityQuestions:
        """What answers the SQL of datasets made of other datasets."""
        from arengo.door.sql.derived import CityQuestions

        return CityQuestions(self.door)

    def close(self) -> None:
        """Release what is open; a City can be used as a context manager instead."""
        for name in ("background", "publisher", "door", "access", "ledger", "lake", "state"):
            room = self.__dict__.pop(name, None)
            close = getattr(room, "close", None)
            if close is not None:
                close()

    def __enter__(self) -> City:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The contracts of the folder

    def contracts(self, datasets: Sequence[str] = ()) -> dict[str, Contract]:
        """Contracts of the folder by dataset id; only ``datasets`` when given (a path to a contract counts too).

        Raises ContractError for the first contract that cannot be used, UnknownDataset for a name nobody has.
        """
        return self.folder.contracts(datasets)

    def plan(self, datasets: Sequence[str] | str = ()) -> list[PlanItem]:
        """What ``apply`` would change, without changing it. A contract that cannot be used is ``invalid``.

        With ``datasets`` only those, and none is retired.
        """
        return self.enactment.plan(_names(datasets))

    def apply(self, datasets: Sequence[str] | str = (), *, folder_wins: bool = False) -> list[PlanItem]:
        """Bring the running city to what the folder says. Applying twice changes nothing.

        With ``datasets`` only those are applied and none is retired. Versions of a retired dataset are kept. Without,
        and the first time, policies and hierarchies come into force too; PolicyError for one that says nothing here.
        ``folder_wins``: what was edited in the portal gives way to the folder.
        """
        return self.enactment.apply(_names(datasets), folder_wins=folder_wins)

    def export_contracts(self) -> list[Path]:
        """Write every contract in force whose text differs from the folder's into the folder."""
        return self.enactment.write_back()

    # The street in

    def context(self, progress: Callable[[int, int | None], None] = lambda done, total: None) -> Context:
        from arengo.sources.base import Context

        scratch = self.settings.home / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        city = self.settings.city
        return Context(
            self.settings.sources,
            scratch,
            timezone=city.timezone,
            country=city.country,
            progress=progress,
            ask=partial(self.questions.ask, None),
        )

    def draft_sql(self, sql: str, *, dialect: str = "duckdb", id: str = "") -> Draft:
        """A drafted contract for a dataset made of the city's datasets by one SELECT. Raises BadSql."""
        from arengo.door.sql.derived import draft as derive

        return derive(self.door, sql, dialect=dialect, id=id)

    def draft(self, target: str, *, table: str = "", id: str = "", rows: int = 5000) -> list[Draft]:
        """One drafted contract for each table of a file, address or database."""
        from arengo.sources.drafts import draft

        path = Path(target)
        if target.lower().endswith(".sql") and path.is_file():
            from arengo.sources.query import read_sql

            return [self.draft_sql(read_sql(path), id=id or path.stem.replace("_", "-"))]
        return draft(target, table=table, id=id, rows=rows, settings=self.settings)

    def publish(
        self,
        datasets: Sequence[str] | str = (),
        *,
        at: datetime | None = None,
        force_shrink: bool = False,
        trigger: str = "manual",
        progress: Any = None,
    ) -> list[Run]:
        """Apply the contracts named (all by default) and publish them; one run each, errors inside the runs."""
        from arengo.publish import Run

        if not self.policies.ever:  # a new city is not published without its rules; later they wait for apply
            self.enactment.enforce()
        good, bad = self.folder.read(_names(datasets))
        runs = [Run("", name, trigger, "failed", error=error.as_dict()) for name, error in bad.items()]
        if good:
            for item in self.apply(list(good)):
                if item.action in ("edited", "conflict"):
                    good[item.dataset] = self.enactment.registered(item.dataset)
            publish = self.publisher.publish
            runs += publish(list(good.values()), at=at, force_shrink=force_shrink, trigger=trigger, progress=progress)
        return runs

    # Other catalogues

    def harvest(
        self,
        sources: Sequence[str] | str = (),
        *,
        force: bool = False,
        progress: Callable[[str, int], None] | None = None,
    ) -> list[Harvest]:
        """Take in the catalogues declared in ``harvest/*.toml``, all that are enabled by default; one run each.

        ``force``: take a run over that shrank more than the source allows. Errors of a source are in its run.
        """
        from arengo.catalogue.harvest.declared import chosen
        from arengo.catalogue.harvest.run import harvest

        tell = progress or (lambda name, met: None)
        return [
            harvest(self.settings, self.state, item, force=force, progress=partial(tell, item.id))
            for item in chosen(self.settings.root, _names(sources))
        ]

    # The street out

    def status(self) -> list[Status]:
        runs = self.state.last_runs()
        out = []
        for entry in self.catalogue.entries(limit=None).items:
            version = entry.version
            out.append(
                Status(
                    entry.contract.id,
                    entry.contract.title(self.settings.city.language),
                    entry.contract.version,
                    version.number if version else None,
                    version.rows if version else None,
                    version.quarantined if version else None,
                    version.published_at if version else None,
                    runs[entry.id].state if entry.id in runs else "never",
                    entry.next_update,
                )
            )
        return out

    def versions(self, dataset: str) -> tuple[Version, ...]:
        """Versions held, newest first. Metadata only, so it answers for closed datasets too."""
        self.catalogue.entry(dataset)
        return self.lake.versions(dataset)

    def datasets(self) -> list[str]:
        """Ids of the datasets in force, in the order of their titles."""
        return [entry.id for entry in self.catalogue.entries(limit=None).items]

    def diff(self, dataset: str, before: str | int, after: str | int = "") -> Difference:
        """Counts of rows added, changed and removed between two versions (numbers, dates or times)."""
        return self.door.diff(dataset, str(before), str(after))

    def changes(self, dataset: str, before: str | int, after: str | int = "", limit: int = 100) -> list[Change]:
        """Rows added, changed and removed between two versions (numbers, dates or times)."""
        return list(self.door.changes(dataset, str(before), str(after), limit=limit))

    def history(self, dataset: str, *key: Any) -> list[PastRow]:
        """One row through time, by the values of its primary key, oldest first."""
        return self.door.history(dataset, key)

    def query(self, dataset: str | Query, **words: Any) -> Answer:
        """Ask a dataset in the words of the rows API, or with a ready Query.

        ``city.query("street-trees", filter="height > 12", order_by="-height", as_of=3)``; lists stand where the
        address has commas; ``limit=None`` gives all rows. The answer has ``columns``, ``rows()`` and ``batches()``.
        Raises BadQuery, UnknownColumn, UnknownDataset.
        """
        from arengo.query import Query, from_parameters

        if isinstance(dataset, Query):
            return self.door.ask(dataset)
        limit = words.pop("limit", 100)
        given = {name: _word(value) for name, value in words.items() if value is not None}
        return self.door.ask(replace(from_parameters(dataset, given), limit=None if limit is None else int(limit)))

    def table(self, dataset: str, **words: Any) -> pa.Table:
        """Like :meth:`query`, all rows by default, as an Arrow table (``.to_pandas()`` where pandas is installed)."""
        import pyarrow as pa

        answer = self.query(dataset, **{"limit": None, **words})
        return pa.Table.from_batches(list(answer.batches()))

    def export(self, dataset: str, *, format: str = "", output: Path | None = None, as_of: str | int = "") -> Path:
        """Write one version to a file; the format is the output's suffix unless given. Returns the file's path."""
        from arengo.faces.export import write

        wanted = format or (output.suffix.lstrip(".").lower() if output else "csv")
        return write(self.door, dataset, wanted, output, as_of=str(as_of))


def open_city(path: Path | str = ".") -> City:
    """Open a city folder. Raises SettingsError when there is no ``city.toml``."""
    return City(settings_module.load(path))


def init(path: Path | str, *, name: str = "", language: str = "en", timezone: str = "UTC", country: str = "") -> City:
    """Make a city folder. What is there already is kept; a second call changes nothing."""
    root = Path(path).resolve()
    toml = root / "city.toml"
    if root.exists() and not root.is_dir():
        raise SettingsError(f"{root} is a file, a folder is wanted.")
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    if not toml.exists():
        title = name or root.name.replace("-", " ").replace("_", " ").title()
        words = {"name": title, "language": language, "timezone": timezone, "country": country}
        for key, value in words.items():
            if any(mark in value for mark in '"\\\n'):
                raise SettingsError(f"The {key} may not hold quotes, backslashes or line breaks: {value!r}.")
        toml.write_text(CITY_TOML.format(**words), encoding="utf-8")
        from arengo.governance.policy import starter

        for file, text in starter.FILES.items():
            (root / file).parent.mkdir(exist_ok=True)
            if not (root / file).exists():
                (root / file).write_text(text, encoding="utf-8")
    ignore = root / ".gitignore"
    if not ignore.exists():
        ignore.write_text(".arengo/\n", encoding="utf-8")
    return open_city(root)


def _names(datasets: Sequence[str] | str) -> Sequence[str]:
    return (datasets,) if isinstance(datasets, str) else datasets


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
