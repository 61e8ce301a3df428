"""One dataset in the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from arengo.contract.model import Contract
from arengo.lake.version import Version


@dataclass(frozen=True, slots=True)
class Entry:
    """``contract``: the one in force, as it stands for the newest version (:mod:`arengo.catalogue.standing`): not open
    before a version was made under an open one. ``version``: the newest, None before the first publication.

    ``versions``: how many are kept. ``updated``: when the newest was published; ``next_update``: when the
    contract's frequency lets one expect the next, None when it names none. ``changed``: when the rows or the words
    of the contract changed last. All in UTC.
    """

    contract: Contract
    sha: str
    version: Version | None
    versions: int
    created: datetime
    updated: datetime | None
    next_update: datetime | None
    changed: datetime

    @property
    def id(self) -> str:
        return self.contract.id


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of entries. ``next``: cursor of the following page, '' at the end. ``total``: matches of all pages."""

    items: tuple[Entry, ...]
    next: str
    total: int
