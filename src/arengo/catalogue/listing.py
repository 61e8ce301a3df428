"""The catalogue of a city, kept in memory and renewed when the state's generation has moved."""

from __future__ import annotations

import base64
import binascii
import hashlib
import heapq
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import sqlalchemy as sa

from arengo.catalogue import kinship, lineage, local, search, suggestion
from arengo.catalogue.entry import Entry, Listing
from arengo.catalogue.harvest import store
from arengo.catalogue.index import Change, Index
from arengo.catalogue.popularity import Popularity
from arengo.catalogue.record import Agent, Record, Service, say, uuid_of
from arengo.catalogue.standing import standing
from arengo.catalogue.wanted import Found, Related, Suggestion, Twins, Wanted
from arengo.catalogue.words import fold
from arengo.contract.load import loads
from arengo.contract.model import Contract, Kind
from arengo.contract.vocabulary import FREQUENCIES
from arengo.errors import BadQuery, LakeError, UnknownDataset, storage_full
from arengo.state import tables

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.state import State
    from arengo.state.records import ContractRecord


T = TypeVar("T")
AHEAD = 60.0
"""Seconds that an index may know of more than this server: longer, and the state went back to an earlier one."""
KEPT_RECORDS = 4096
"""Records held in memory: all of a city's own; more are made again when asked for."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    generation: int
    entries: Mapping[str, Entry]
    order: tuple[Entry, ...]


class Catalogue:
    """Thread-safe. All reads of one snapshot are consistent with each other."""

    def __init__(self, state: State, lake: Lake) -> None:
        self._state = state
        self._lake = lake
        self._guard = threading.Lock()
        self._held: _Snapshot | None = None
        self._contracts: dict[tuple[str, str], Contract] = {}
        self._standing: dict[tuple[str, str, str], Contract] = {}
        self._records: dict[tuple[str, str, int], Record] = {}
        self._newest = (-1, 0)
        self._behind = 0.0
        self._kinship: tuple[int, Mapping[str, kinship.Kin]] = (-1, {})
        self._popularity = Popularity(state)
        self._uuids: tuple[int, dict[str, str]] = (-1, {})
        self._counted = (-1, 0)
        self._publishers: tuple[int, list[tuple[Agent, int]]] = (-1, [])
        self.pages: search.Pages | None = None
        """Finds words in the pages of documents; given by who has the door (the lake's rows are not read here)."""

    @property
    def generation(self) -> int:
        """Grows with every publication and every applied contract, of any process."""
        return self._state.generation()

    @property
    def harvested(self) -> int:
        """Grows with every change of a harvested record."""
        return store.newest(self._state)

    def entries(self, q: str = "", theme: str = "", limit: int | None = 100, cursor: str = "") -> Listing:
        """Datasets in the order of their titles; with ``q`` (all words, accents and case aside) the best first.

        ``theme``: EU data theme code. ``limit`` None gives all. Raises BadQuery for a broken cursor.
        """
        held = self._snapshot()
        found = [entry for entry in held.order if not theme or entry.contract.theme == theme.upper()]
        if q.strip():
            known = {entry.id: entry for entry in found}
            found = [known[name] for name in self._asked(search.own_ids, Wanted(q)) if name in known]
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

    def standing(self, version: Version) -> Contract:
        """The contract by which readers of a version are judged: the one in force, never more open than its own."""
        entry = self.entry(version.dataset)
        if entry.version is not None and entry.version.contract_sha == version.contract_sha:
            return entry.contract
        key = (entry.id, entry.sha, version.contract_sha)
        held = self._standing.get(key)
        if held is None:
            text = self._state.contract_text(entry.id, entry.sha)
            now = self._contract(entry.id, entry.sha, text) if text else entry.contract
            if len(self._standing) > KEPT_RECORDS:
                self._standing.clear()
            held = self._standing[key] = standing(now, self._own(version))
        return held

    def opening(self, dataset: str) -> Version | None:
        """The newest version of a dataset whose contract opens it, while that version was made for few readers."""
        entry = self.entry(dataset)
        if entry.version is None or entry.contract.access == "open":
            return None
        now = self._contracts.get((dataset, entry.sha))
        return entry.version if now is not None and now.access == "open" else None

    def _own(self, version: Version) -> Contract | None:
        """The contract a version was made under, None when the register no longer has it."""
        held = self._contracts.get((version.dataset, version.contract_sha))
        if held is not None:
            return held
        text = self._state.contract_text(version.dataset, version.contract_sha)
        return self._contract(version.dataset, version.contract_sha, text) if text else None

    # ---- records ------------------------------------------------------------------------------------------------

    @cached_property
    def home(self) -> local.Home:
        """What all records of this city share. Read once: a changed city.toml asks for a restart."""
        return replace(local.home(self._lake.settings), box=self._middle_box())

    def _middle_box(self) -> tuple[float, float, float, float] | None:
        """Where the city is, for datasets without places: the middle one of its datasets' boxes, side by side.

        One dataset with a misplaced point must not make a city as large as the world.
        """
        boxes = [
            box
            for entry in self._snapshot().order
            if entry.contract.access == "open" and entry.contract.geometry is not None
            and (box := self._profile(entry).get("bbox"))
        ]  # fmt: skip
        if not boxes:
            return None
        west, south, east, north = (median(float(box[side]) for box in boxes) for side in range(4))
        return west, south, east, north

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

    def gone(self, dataset: str) -> tuple[Record, datetime] | None:
        """What a harvested record said last, and since when its origin no longer has it."""
        return store.gone(self._state, dataset)

    def ids(self) -> Iterator[str]:
        """Ids of all datasets, in order."""
        return heapq.merge(sorted(self._snapshot().entries), store.ids(self._state))

    def by_uuid(self, beginning: str) -> Record | None:
        """The record whose UUID begins so (at least 20 characters), None when there is none."""
        if len(beginning) < 20:
            return None
        held = self._snapshot()
        if held.generation != self._uuids[0]:
            self._uuids = (held.generation, {uuid_of(entry.id): entry.id for entry in held.order})
        for uuid, name in self._uuids[1].items():
            if uuid.startswith(beginning):
                return self._record(held.entries[name])
        return store.by_uuid(self._state, beginning)

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
        own = len(self._snapshot().entries)
        if local_only:
            return own
        stamp, held = self.harvested, self._counted
        if held[0] != stamp:  # counting many takes longer than a page may
            held = self._counted = (stamp, store.count(self._state))
        return own + held[1]

    def organisations(self) -> tuple[tuple[Agent, int], ...]:
        """Offices that answer for datasets, with how many, most first."""
        counts: Counter[str] = Counter()
        agents: dict[str, Agent] = {}
        for entry in self._snapshot().order:
            found = local.agent(entry.contract.owner, self.home, entry.contract.language)
            agents.setdefault(found.id, found)
            counts[found.id] += 1
        stamp, held = self.harvested, self._publishers
        if held[0] != stamp:
            held = self._publishers = (stamp, store.publishers(self._state))
        for item, number in held[1]:
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

    # ---- searching ----------------------------------------------------------------------------------------------

    def search(self, wanted: Wanted) -> Found:
        """Records that fit, the best first, with the facets asked for.

        Raises BadQuery for an order or a date that is not known, never for any words; StorageFull and LakeError when
        there is no room for the index.
        """
        return self._asked(partial(search.search, load=self._load), wanted)

    def suggest(self, text: str, language: str = "", limit: int = 8) -> tuple[Suggestion, ...]:
        """What may be meant by what was typed so far: datasets, themes, offices, columns, words spelt right."""
        self._refresh()
        return suggestion.suggest(self.index, text, language, limit, self._load)

    def _asked(self, what: Callable[..., T], wanted: Wanted) -> T:
        """An answer of the index, which is made anew when it is damaged."""
        for last in (False, True):
            try:
                self._refresh()
                return what(self.index, wanted, pages=self.pages, weights=self._popularity.weights)
            except sqlite3.DatabaseError as error:
                full = storage_full(error)
                if full is not None:
                    raise full from error
                if last:
                    raise LakeError(
                        f"The search index cannot be used: {error}.",
                        todo=f"See whether {self.index.path} can be written.",
                    ) from error
                self.index.drop()
        raise AssertionError

    def related(self, dataset: str, limit: int = 6) -> tuple[Related, ...]:
        """Datasets that share keys, concepts, columns, a series or words with this one, the nearest first."""
        return kinship.related(self.record(dataset), self._kin(), limit)

    def lineage(self, dataset: str, language: str = "") -> lineage.Lineage:
        """From the source system to the files, the datasets it is made of and those made of it, column by column.

        Raises UnknownDataset; a harvested record has no lineage here.
        """
        self.entry(dataset)
        return lineage.lineage(dataset, self._snapshot().entries, self.record, language)

    def twins(self, limit: int = 100) -> tuple[Twins, ...]:
        """Pairs of the city's datasets that look like copies of each other."""
        return kinship.twins(tuple(self._kin().values()), limit)

    @cached_property
    def index(self) -> Index:
        return Index(self._lake.settings.home / "serving" / "catalogue.sqlite", self._state.hold)

    def _load(self, names: Sequence[str]) -> Mapping[str, Record]:
        entries = self._snapshot().entries
        found = {name: self._record(entries[name]) for name in names if name in entries}
        others = [name for name in names if name not in entries]
        return found | store.some(self._state, others) if others else found

    def _kin(self) -> Mapping[str, kinship.Kin]:
        """What is compared of each of the city's datasets; one that stayed as it was is not looked at again."""
        held, known = self._snapshot(), self._kinship
        if known[0] != held.generation:
            made = {}
            for entry in held.order:
                record = self._record(entry)
                old = known[1].get(entry.id)
                if old is not None and old.record is record:
                    made[entry.id] = old
                else:
                    profile = self._profile(entry) if entry.contract.access == "open" else {}
                    made[entry.id] = kinship.kin(record, entry.contract, entry.version, profile)
            known = self._kinship = (held.generation, made)
        return known[1]

    def _refresh(self) -> None:
        """Let the index take in what changed; the file itself says how far it is, whoever brought it there."""
        held = self._snapshot()
        if held.generation != self._newest[0]:
            self._newest = (held.generation, store.newest(self._state))
        newest = self._newest[1]
        there = self.index.state()
        if there.own == held.generation and there.harvested == newest:
            return
        if there.aim <= held.generation:
            self._behind = 0.0
        elif not self._behind:
            self._behind = time.monotonic()
        before = self._behind and time.monotonic() - self._behind > AHEAD
        if before or there.harvested > store.newest(self._state):
            self.index.drop()  # it was made for a later state than the one that is there
        self.index.update(held.generation, partial(self._changes, held), self._foreign, newest)

    def _changes(self, held: _Snapshot) -> Iterator[Change]:
        home = self._home_stamp
        city = " ".join(self.home.publisher.name.values())
        for entry in held.order:
            stamp = f"{entry.sha[:16]} {entry.version.number if entry.version else 0} {home}"
            yield Change(entry.id, stamp, partial(self._record, entry), partial(self._values, entry), city)

    @cached_property
    def _home_stamp(self) -> str:
        """What records take from the settings, in short."""
        return hashlib.sha256(repr(local.home(self._lake.settings)).encode()).hexdigest()[:8]

    def _foreign(self, since: int) -> Iterator[tuple[int, Change]]:
        for stamp, name, found in store.changes(self._state, since):
            yield stamp, Change(name, str(stamp), partial(_same, found))

    def _values(self, entry: Entry) -> tuple[str, ...]:
        """Values worth finding: frequent ones of short text columns, of open data, never about persons."""
        contract = entry.contract
        if contract.access != "open" or contract.custom.get("arengoDocuments"):
            return ()
        found: dict[str, None] = {}
        columns = self._profile(entry).get("columns", {})
        for item in contract.properties:
            personal = item.privacy_role or item.custom.get("arengoPersonalKind")
            told = columns.get(item.name, {})
            if personal or item.kind is not Kind.STRING or float((told.get("length") or {}).get("mean") or 99) > 40:
                continue
            for value in [*item.enum_labels.values(), *(top["value"] for top in told.get("top") or ())][:30]:
                if isinstance(value, str) and len(value) > 2 and any(mark.isalpha() for mark in value):
                    found[value[:80]] = None
        return tuple(found)[:200]

    def _record(self, entry: Entry) -> Record:
        key = (entry.id, entry.sha, entry.version.number if entry.version else 0)
        made = self._records.get(key)
        if made is None:
            if len(self._records) >= KEPT_RECORDS:
                self._records.clear()
            made = self._records[key] = local.record(entry, self.home, lambda: self._profile(entry), self._built(entry))
        return made

    def _profile(self, entry: Entry) -> Mapping[str, Any]:
        if "arengoStatistics" in entry.contract.custom:
            return {}  # readers get groups; its values and extremes are of single persons
        body = self._lake.report(entry.version, "profile") if entry.version is not None else None
        return orjson.loads(body) if body else {}

    def _built(self, entry: Entry) -> Callable[[str], int | None]:
        def size(suffix: str) -> int | None:
            if entry.version is None or "arengoStatistics" in entry.contract.custom:
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
            hvd=tuple(dict.fromkeys(code for item in made for code in item.hvd)),
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
        for record in self._state.contracts().values():
            contract = self._contract(record.dataset, record.sha, record.text)
            entry = self._entry(contract, record, counts.get(record.dataset, 0))
            entries[record.dataset] = entry
        order = tuple(sorted(entries.values(), key=lambda entry: (fold(entry.contract.title()), entry.id)))
        return _Snapshot(generation, entries, order)

    def _entry(self, contract: Contract, record: ContractRecord, versions: int) -> Entry:
        version = self._lake.resolve(contract.id) if versions else None
        if version is not None and contract.access == "open" and version.contract_sha != record.sha:
            contract = standing(contract, self._own(version))
        updated = version.published_at if version else None
        frequency = FREQUENCIES.get(contract.frequency)
        every = frequency.every if frequency else None
        following = updated + every if updated and every else None
        edited = record.applied_at if record.applied_at != record.created_at else None
        changed = max(filter(None, (updated, edited)), default=record.created_at)
        return Entry(contract, record.sha, version, versions, record.created_at, updated, following, changed)

    def _contract(self, dataset: str, sha: str, text: str) -> Contract:
        key = (dataset, sha)
        if key not in self._contracts:
            self._contracts[key] = loads(text)
        return self._contracts[key]


def _same(found: Record | None) -> Record | None:
    return found


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
