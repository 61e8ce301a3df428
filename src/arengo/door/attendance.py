"""What non-open data one request touched, so that it is on record before the first byte leaves.

The door notes each view it grants; whoever sends the answer settles the notes (:mod:`arengo.faces.gate`). Where
nobody attends (a library call), the door writes the note by itself at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from arengo.contract.model import EMPTY
from arengo.door.grant import subject_of
from arengo.lake.cut import SUBJECT
from arengo.privacy.mask import digest
from arengo.query.scope import quote

if TYPE_CHECKING:
    from arengo.door.decision import Caller
    from arengo.door.view import View

MOST_SUBJECTS = 5000
"""A reading about more persons is recorded as one of all persons of the dataset."""


@dataclass(slots=True)
class Reading:
    """One view of one caller in this request. ``rows``: how many left, None when it cannot be said beforehand.

    ``everyone``: it may be about any person of the dataset (a group, a file, a stream).
    """

    view: View
    caller: Caller
    rows: int | None = 0
    everyone: bool = False
    subjects: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    headers: Mapping[str, str] = EMPTY
    touched: bool = False
    """Whether values or counts were read, and not only what the columns are."""
    recorded: tuple[int, bool] | None = None
    """:attr:`mark` when it was put on record."""

    @property
    def mark(self) -> tuple[int, bool]:
        """Changes when it is about more persons."""
        return len(self.subjects), self.everyone

    def add(self, rows: int | None, columns: frozenset[str], subjects: tuple[str, ...] | None) -> None:
        """``subjects`` None: any."""
        self.touched = True
        self.rows = None if rows is None or self.rows is None else self.rows + rows
        self.columns |= columns
        if subjects is None or len(self.subjects) + len(subjects) > MOST_SUBJECTS:
            self.everyone = True
        else:
            self.subjects.update(subjects)


@dataclass(slots=True)
class Attendance:
    """The readings of one request. ``enter``: called before each new one; what it raises refuses the reading.
    ``record``: puts on record what is not yet, and returns when that is durable.
    """

    enter: Callable[[View, Caller], Mapping[str, str]] | None = None
    readings: list[Reading] = field(default_factory=list)
    record: Callable[[], None] | None = None


_HERE: ContextVar[Attendance | None] = ContextVar("arengo_attendance", default=None)


@contextlib.contextmanager
def attended(enter: Callable[[View, Caller], Mapping[str, str]] | None = None) -> Iterator[Attendance]:
    """Collects what is read inside, in threads started from here too."""
    found = Attendance(enter)
    token = _HERE.set(found)
    try:
        yield found
    finally:
        _HERE.reset(token)


@contextlib.contextmanager
def resumed(here: Attendance | None) -> Iterator[None]:
    """Goes on with the attendance of a request in a task that does not come from it."""
    if here is None:
        yield
        return
    token = _HERE.set(here)
    try:
        yield
    finally:
        _HERE.reset(token)


def conclude() -> None:
    """Told in the worker thread that read all an answer needs: it is put on record here, not in a thread of its own
    before the first byte. Whoever never says so pays that turn.
    """
    here = _HERE.get()
    if here is not None and here.record is not None and here.readings:
        here.record()


class Attend:
    """What an answer tells of itself. ``key``: of the digests of persons; ``settle``: when nobody attends."""

    def __init__(self, view: View, caller: Caller, key: bytes, settle: Callable[[Reading], None]) -> None:
        self.view = view
        self._caller = caller
        self._key = key
        self._settle = settle
        subject = subject_of(view.contract)
        self.about_persons = subject is not None
        self.person = ""
        """SQL of the person of a row."""
        if view.cut is not None:
            self.person = quote(SUBJECT) if view.cut.subject else ""
        elif subject is not None and any(item.name == subject.name for item in view.columns):
            self.person = quote(subject.name)

    def page(self, columns: frozenset[str], rows: int, persons: Sequence[object] | None) -> tuple[str, ...] | None:
        """A page of ``rows`` rows about ``persons``; None when that cannot be told. Returns their digests."""
        found: tuple[str, ...] | None = ()
        if self.about_persons:
            found = None if persons is None else self._digests(persons)
        self._tell(rows, columns, found)
        return found

    def seen(self, columns: frozenset[str], rows: int | None, subjects: tuple[str, ...] | None) -> None:
        """An answer out of the cache."""
        self._tell(rows, columns, subjects)

    def stream(self, columns: frozenset[str]) -> None:
        """Rows that leave while they are read."""
        self._tell(None, columns, None if self.about_persons else ())

    def counted(self, columns: frozenset[str]) -> None:
        """How many rows there are, and nothing of any."""
        self._tell(0, columns, ())

    def _digests(self, persons: Sequence[object]) -> tuple[str, ...]:
        values = {str(item) for item in persons if item is not None}
        if self.view.cut is not None:
            return tuple(values)
        return tuple(digest(self._key, value) for value in values)

    def _tell(self, rows: int | None, columns: frozenset[str], subjects: tuple[str, ...] | None) -> None:
        reading = note(self.view, self._caller)
        if reading is not None:
            reading.add(rows, columns, subjects)
            return
        alone = Reading(self.view, self._caller)
        alone.add(rows, columns, subjects)
        self._settle(alone)


def note(view: View, caller: Caller) -> Reading | None:
    """The note of a view in this request; None when nobody attends."""
    here = _HERE.get()
    if here is None:
        return None
    for item in here.readings:
        if item.view.identity == view.identity and item.caller == caller:
            return item
    made = Reading(view, caller)
    if here.enter is not None:
        made.headers = here.enter(view, caller)
    here.readings.append(made)
    return made


def whole(view: View) -> None:
    """A file of all rows of a view leaves, made for somebody before."""
    here = _HERE.get()
    for item in here.readings if here is not None else ():
        if item.view.identity == view.identity:
            names = frozenset(column.name for column in view.columns)
            item.add(view.version.rows, names, None if subject_of(view.contract) else ())


_BUCKETS = (0, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000)


def bucket(rows: int | None) -> str:
    """A number of rows as the record tells it: the power of ten it does not exceed; 'any' when nobody knows."""
    if rows is None:
        return "any"
    return next((str(limit) for limit in _BUCKETS if rows <= limit), f"over {_BUCKETS[-1]}")


def told(reading: Reading) -> dict[str, Any]:
    """What the record keeps of a reading: who for what, which version and columns, how many; never a value."""
    view, decision = reading.view, reading.view.decision
    return {
        "version": view.version.number,
        "contract": view.contract.version,
        "columns": sorted(reading.columns or {item.name for item in view.columns}),
        "masks": [f"{name}: {mask}" for name, mask in decision.masks],
        "rows": bucket(reading.rows),
        "persons": "any" if reading.everyone else str(len(reading.subjects)),
        "purpose": decision.purpose,
        "agreement": decision.agreement,
        "rule": decision.rule,
        "grant": decision.fingerprint,
        "application": reading.caller.application,
        "behalf": reading.caller.behalf,
    }
