"""The catalogue of a city, kept in memory and renewed when the state's generation has moved."""

from __future__ import annotations

import base64
import binascii
import threading
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import orjson
import sqlalchemy as sa

from arengo.catalogue.entry import Entry, Listing
from arengo.contract.load import loads
from arengo.contract.model import Contract
from arengo.contract.vocabulary import FREQUENCIES
from arengo.errors import BadQuery, UnknownDataset
from arengo.state import tables

if TYPE_CHECKING:
    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.state import State


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
