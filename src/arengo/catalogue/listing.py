"""The catalogue of a city, kept in memory and renewed when the state's generation has moved."""

from __future__ import annotations

import base64
import binascii
import heapq
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from arengo.catalogue import local
from arengo.catalogue.entry import Entry, Listing
from arengo.catalogue.harvest import store
from arengo.catalogue.record import Agent, Record, Service, say
from arengo.contract.load import loads
from arengo.contract.model import Contract
from arengo.contract.vocabulary import FREQUENCIES
from arengo.errors import BadQuery, UnknownDataset
from arengo.state import tables

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.state import State


KEPT_RECORDS = 4096
"""Records held in memory: all of a city's own; more are made again when asked for."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    generation: int
    entries: Mapping[str, Entry]
    order: tuple[Entry, ...]
    texts: Mapping[str, tuple[str, str]]  # dataset -> (folded titles, folded everything)


class Catalogue:
    """Thread-safe. All reads of one snapshot are consistent with each other."""

    def __init__(self, state: State, lake: Lake) -> None:
        self._state = state
        self._lake = lake
        self._guard = threading.Lock()
        self._held: _Snapshot | None = None
        self._contracts: dict[tuple[str, str], Contract] = {}
        self._records: dict[tuple[str, str, int], Record] = {}

    @property
    def generation(self) -> int:
        """Grows with every publication and every applied contract, of any process."""
        return self._state.generation()

    def entries(self, q: str = "", theme: str = "", limit: int | None = 100, cursor: str = "") -> Listing:
        """Datasets in the order of their titles; with ``q`` (all words, accents and case aside) the best first.

        ``theme``: EU data theme code. ``limit`` None gives all. Raises BadQuery for a broken cursor.
        """
        held = self._snapshot()
        found = [entry for entry in held.order if not theme or entry.contract.theme == theme.upper()]
        if q.strip():
            scored = [(_score(fold(q).split(), *held.texts[entry.id]), entry) for entry in found]
            found = [entry for score, entry in sorted(scored, key=lambda pair: -pair[0]) if score > 0]
        start = _start(cursor, found) if cursor else 0
        end = len(found) if limit is None else start + limit
        page = tuple(found[start:end])
        return Listing(page, _cursor(page[-1].id) if page and end < len(found) else "", len(found))

    def entry(self, dataset: str) -> Entry:
        """Raises UnknownDataset, naming the nearest."""
        held = self._snapshot()
        found = held.entries.get(dataset)
        if found is None:
            raise UnknownDataset(f"There is no dataset {dataset!r}.", todo=_nearest(dataset, held.entries))
        return found

    def themes(self) -> dict[str, int]:
        """Theme code -> number of datasets, most first."""
        return dict(
            Counter(entry.contract.theme for entry in self._snapshot().order if entry.contract.theme).most_common()
        )

    def contract(self, version: Version) -> Contract:
        """The contract a version was published under; the one in force when the register no longer has it."""
        entry = self.entry(version.dataset)
        if version.contract_sha == entry.sha:
            return entry.contract
        held = self._contracts.get((version.dataset, version.contract_sha))
        if held is not None:
            return held
        text = self._state.contract_text(version.dataset, version.contract_sha)
        return self._contract(version.dataset, version.contract_sha, text) if text else entry.contract

    # ---- records ------------------------------------------------------------------------------------------------

    @cached_property
    def home(self) -> local.Home:
        """What all records of this city share. Read once: a changed city.toml asks for a restart."""
        return local.home(self._lake.settings)

    def record(self, dataset: str) -> Record:
        """The catalogue record of a dataset or series, held here or harvested. Raises UnknownDataset."""
        held = self._snapshot()
        entry = held.entries.get(dataset)
        if entry is not None:
            return self._record(entry)
        for made in self._series(held):
            if made.id == dataset:
                return made
        found = store.get(self._state, dataset)
        if found is None:
            raise UnknownDataset(f"There is no dataset {dataset!r}.", todo=_nearest(dataset, held.entries))
        return found

    def records(
        self,
        after: str = "",
        limit: int | None = None,
        modified_since: datetime | None = None,
        local_only: bool = False,
    ) -> Iterator[Record]:
        """Records ordered by id, those after ``after``; streamed, so that any number fits into memory."""
        held = self._snapshot()
        names = sorted(name for name in held.entries if name > after)
        own: Iterator[Record] = (self._record(held.entries[name]) for name in names)
        if modified_since is not None:
            own = (item for item in own if item.modified is None or item.modified >= modified_since)
        others: Iterator[Record] = iter(())
        if not local_only:
            others = store.walk(self._state, after=after, modified_since=modified_since)
        merged = heapq.merge(own, others, key=lambda item: item.id)
        return merged if limit is None else islice(merged, limit)

    def count(self, local_only: bool = False) -> int:
        """Number of datasets."""
        return len(self._snapshot().entries) + (0 if local_only else store.count(self._state))

    def organisations(self) -> tuple[tuple[Agent, int], ...]:
        """Offices that answer for datasets, with how many, most first."""
        counts: Counter[str] = Counter()
        agents: dict[str, Agent] = {}
        for entry in self._snapshot().order:
            found = local.agent(entry.contract.owner, self.home, entry.contract.language)
            agents.setdefault(found.id, found)
            counts[found.id] += 1
        for item, number in store.publishers(self._state):
            agents.setdefault(item.id, item)
            counts[item.id] += number
        return tuple((agents[name], number) for name, number in counts.most_common())

    def organisation(self, id: str) -> Agent:
        """Raises UnknownDataset when nobody of that name answers for a dataset."""
        for item, _ in self.organisations():
            if item.id == id:
                return item
        raise UnknownDataset(f"There is no organisation {id!r}.", todo="See the list of organisations.")

    def series(self) -> tuple[tuple[Record, int], ...]:
        """Series with how many datasets each has, by id."""
        held = self._snapshot()
        members: Counter[str] = Counter(local.series_of(entry.contract)[0] for entry in held.order)
        return tuple((item, members[item.id]) for item in self._series(held))

    def services(self) -> tuple[Service, ...]:
        """The interfaces that give the city's datasets."""
        return local.services(self.home)

    def _record(self, entry: Entry) -> Record:
        key = (entry.id, entry.sha, entry.version.number if entry.version else 0)
        made = self._records.get(key)
        if made is None:
            if len(self._records) >= KEPT_RECORDS:
                self._records.clear()
            made = self._records[key] = local.record(entry, self.home, lambda: self._profile(entry), self._built(entry))
        return made

    def _profile(self, entry: Entry) -> Mapping[str, Any]:
        body = self._lake.report(entry.version, "profile") if entry.version is not None else None
        return orjson.loads(body) if body else {}

    def _built(self, entry: Entry) -> Callable[[str], int | None]:
        def size(suffix: str) -> int | None:
            if entry.version is None:
                return None
            folder = self._lake.beside(entry.id, entry.version.number)
            found = next(folder.glob(f"*-export.{suffix}"), None)
            return found.stat().st_size if found is not None else None

        return size

    def _series(self, held: _Snapshot) -> tuple[Record, ...]:
        members: dict[str, list[Entry]] = {}
        for entry in held.order:
            name = local.series_of(entry.contract)[0]
            if name and name not in held.entries:
                members.setdefault(name, []).append(entry)
        return tuple(self._one_series(name, entries) for name, entries in sorted(members.items()))

    def _one_series(self, name: str, entries: list[Entry]) -> Record:
        made = [self._record(entry) for entry in entries]
        titles = next((local.series_of(entry.contract)[1] for entry in entries), {})
        newest = max(made, key=lambda item: item.modified.timestamp() if item.modified else 0.0)
        return Record(
            id=name,
            title=titles or {"en": name},
            description={language: ", ".join(say(item.title, language)[0] for item in made) for language in titles},
            kind="series",
            language=made[0].language,
            themes=tuple(dict.fromkeys(theme for item in made for theme in item.themes)),
            publisher=newest.publisher,
            contact=newest.contact,
            frequency=newest.frequency,
            issued=min((item.issued for item in made if item.issued), default=None),
            modified=newest.modified,
            landing_page=f"/series/{name}",
        )

    def _snapshot(self) -> _Snapshot:
        generation = self._state.generation()
        held = self._held
        if held is not None and held.generation == generation:
            return held
        with self._guard:
            held = self._held
            if held is None or held.generation != generation:
                held = self._held = self._read(generation)
        return held

    def _read(self, generation: int) -> _Snapshot:
        versions = tables.version
        with self._state.read() as connection:
            rows = connection.execute(sa.select(versions.c.dataset, sa.func.count()).group_by(versions.c.dataset))
            counts: dict[str, int] = {str(row[0]): int(row[1]) for row in rows}
        entries: dict[str, Entry] = {}
        texts: dict[str, tuple[str, str]] = {}
        for record in self._state.contracts().values():
            contract = self._contract(record.dataset, record.sha, record.text)
            entry = self._entry(contract, record.sha, record.created_at, counts.get(record.dataset, 0))
            entries[record.dataset] = entry
            texts[record.dataset] = _texts(contract)
        order = tuple(sorted(entries.values(), key=lambda entry: (fold(entry.contract.title()), entry.id)))
        return _Snapshot(generation, entries, order, texts)

    def _entry(self, contract: Contract, sha: str, created: datetime, versions: int) -> Entry:
        version = self._lake.resolve(contract.id) if versions else None
        updated = version.published_at if version else None
        frequency = FREQUENCIES.get(contract.frequency)
        every = frequency.every if frequency else None
        return Entry(contract, sha, version, versions, created, updated, updated + every if updated and every else None)

    def _contract(self, dataset: str, sha: str, text: str) -> Contract:
        key = (dataset, sha)
        if key not in self._contracts:
            self._contracts[key] = loads(text)
        return self._contracts[key]


def fold(text: str) -> str:
    """Lower case without accents, for comparison."""
    return "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))


def _texts(contract: Contract) -> tuple[str, str]:
    translations = contract.custom.get("arengoTranslations", {})
    words = [item for item in translations.values() if hasattr(item, "get")]
    titles = [contract.id, contract.title(), *(str(item.get("name", "")) for item in words)]
    rest = [
        contract.summary(),
        *(str(item.get("description", "")) for item in words),
        *contract.tags,
        contract.owner,
        contract.domain,
        *(f"{column.name} {column.title}" for column in contract.properties),
    ]
    title = fold(" ".join(titles))
    return title, f"{title} {fold(' '.join(rest))}"


def _score(words: list[str], titles: str, everything: str) -> int:
    """0 when a word occurs nowhere; whole words of the title count most."""
    total = 0
    parts = set(titles.replace("-", " ").split())
    for word in words:
        if word not in everything:
            return 0
        total += 4 if word in parts else 2 if word in titles else 1
    return total


def _cursor(dataset: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([dataset])).decode().rstrip("=")


def _start(cursor: str, found: list[Entry]) -> int:
    try:
        (last,) = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        raise BadQuery("The cursor is broken.", todo="Start again without cursor; follow the next links.") from None
    for index, entry in enumerate(found):
        if entry.id == last:
            return index + 1
    raise BadQuery("The cursor names a dataset that is no longer in this list.", todo="Start again without cursor.")


def _nearest(name: str, known: Mapping[str, Entry]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else "GET /api/v1/datasets lists what there is."
