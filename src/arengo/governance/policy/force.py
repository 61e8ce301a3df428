"""Which policies hold: those that ``arengo apply`` took. What is edited in the folder waits for the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.contract.model import Contract
from arengo.governance.hierarchy import take as take_hierarchies
from arengo.governance.party import now_utc, untold
from arengo.governance.policy.book import EMPTY, Book, fingerprint_of, folder, make
from arengo.governance.policy.check import Checked, check_folder
from arengo.governance.policy.zone import Zones
from arengo.state import tables

if TYPE_CHECKING:
    from arengo.settings import Settings
    from arengo.state import State

KIND, NAME = "policy", "in-force"
"""The one saved record that holds all files in force: taken whole, so nobody meets half a change."""

Tell = Callable[..., object]

_made: dict[str, Book] = {"": EMPTY}
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class FileChange:
    """``action``: add, change, same, retire. ``before``, ``after``: ids of the policies in the file."""

    file: str
    action: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def files_in_force(state: State) -> dict[str, str]:
    """Path in the city folder -> text."""
    found = state.saved(KIND, NAME)
    return dict(found[0].body["files"]) if found else {}


def taken_at(state: State) -> datetime | None:
    """When the policies in force were brought into force."""
    saved = tables.saved.c
    with state.read() as connection:
        found: datetime | None = connection.scalar(
            sa.select(saved.updated_at).where(saved.kind == KIND, saved.id == NAME)
        )
    return found


def ever(state: State) -> bool:
    """Whether policies were ever taken over."""
    return _mark(state) is not None


def _mark(state: State) -> str | None:
    saved = tables.saved.c
    with state.read() as connection:
        found = connection.scalar(sa.select(saved.title).where(saved.kind == KIND, saved.id == NAME))
    return None if found is None else str(found)


def in_force(state: State) -> Book:
    """The policies in force. Cheap while they stay the same: only their fingerprint is read."""
    mark = _mark(state) or ""
    known = _made.get(mark)
    if known is not None:
        return known
    book = make(files_in_force(state))
    with _guard:
        if len(_made) > 8:  # several cities in one process, as in tests
            _made.clear()
            _made[""] = EMPTY
        _made[book.fingerprint] = book
    return book


def changes(held: Mapping[str, str], wanted: Book) -> tuple[FileChange, ...]:
    """What taking ``wanted`` over would change, file by file."""
    before: dict[str, list[str]] = {}
    if fingerprint_of(held) != wanted.fingerprint:
        for item in make(held).policies:
            before.setdefault(item.file, []).append(item.id)
    after: dict[str, list[str]] = {}
    for item in wanted.policies:
        after.setdefault(item.file, []).append(item.id)
    out = []
    for file in sorted({*held, *wanted.files}):
        if file not in wanted.files:
            action = "retire"
        elif file not in held:
            action = "add"
        else:
            action = "same" if held[file] == wanted.files[file] else "change"
        known = after if action == "same" else before
        out.append(FileChange(file, action, tuple(known.get(file, ())), tuple(after.get(file, ()))))
    return tuple(out)


def take(state: State, wanted: Book, at: datetime, tell: Tell, actor: str = "") -> tuple[FileChange, ...]:
    """Bring policies into force, all at once; twice is once. Each changed file is told to the record."""
    held = files_in_force(state)
    if ever(state) and fingerprint_of(held) == wanted.fingerprint:
        return changes(held, wanted)
    found = changes(held, wanted)
    body = {"files": dict(wanted.files), "before": fingerprint_of(held)}
    state.save(KIND, NAME, wanted.fingerprint, body, at)
    for item in found:
        if item.action != "same":
            owner = item.file.split("/")[1] if item.file.count("/") == 2 else ""
            said = {
                "file": item.file,
                "action": item.action,
                "policies": list(item.after),
                "before": list(item.before),
                "sha256": fingerprint_of({item.file: wanted.files.get(item.file, "")}),
                "set": wanted.fingerprint,
            }
            tell("policy", actor=actor, organisation=owner, body=said)
    return found


class Policies:
    """The policies of a city: in its folder, and in force.

    ``contracts``: what policies may name, by dataset; ``organisations``: ids beyond those of owners; ``tell``: where
    a change is recorded (kind ``policy``); ``rows``: raises BadQuery or UnknownColumn for a filter that is none.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        contracts: Callable[[], Mapping[str, Contract]],
        organisations: Callable[[], Iterable[str]] = tuple,
        tell: Tell = untold,
        now: Callable[[], datetime] = now_utc,
        rows: Callable[[Contract, str], object] = lambda contract, text: None,
    ) -> None:
        self.settings = settings
        self.state = state
        self.contracts = contracts
        self._organisations = organisations
        self._tell = tell
        self._now = now
        self._rows = rows

    @property
    def book(self) -> Book:
        """Those in force."""
        return in_force(self.state)

    def check(self) -> Checked:
        """The folder's policies and hierarchies with everything that is wrong with them."""
        zones = Zones(self.settings.policy.zones)
        return check_folder(self.settings.root, self.contracts(), self._organisations(), zones.names, self._rows)

    def plan(self) -> tuple[FileChange, ...]:
        """What :meth:`apply` would change. Raises PolicyError for what it would refuse."""
        checked = self.check()
        checked.refuse()
        return changes(files_in_force(self.state), checked.book)

    def apply(self, actor: str = "") -> tuple[FileChange, ...]:
        """Bring policies and hierarchies of the folder into force; twice is once. Raises PolicyError."""
        checked = self.check()
        checked.refuse()
        now = self._now()
        take_hierarchies(self.state, checked.hierarchies, now)  # first: a policy may name a new one
        return take(self.state, checked.book, now, self._tell, actor)

    @property
    def ever(self) -> bool:
        """Whether policies were ever brought into force, be it none."""
        return ever(self.state)

    def waiting(self) -> bool:
        """Whether the folder holds other policies than those in force."""
        return fingerprint_of(folder(self.settings.root)) != self.book.fingerprint
