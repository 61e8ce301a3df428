"""The one door through which every kind of source is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from arengo.contract.model import EMPTY, Contract, SourceSpec
from arengo.contract.sample import Sample
from arengo.settings import SourceSettings

if TYPE_CHECKING:
    import pyarrow as pa

ROW = "_row"
"""Name of the int64 column every batch carries: the record's number in the source, from 1."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be read, or a value that could not be typed. Nothing is lost: it goes to quarantine."""

    file: str
    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What identifies the state of a source without reading its rows twice.

    ``value``: equal values mean equal content (a SHA-256, an ETag, a database's counter); '' when a source cannot
    tell. ``state``: what the next pull needs (etag, last_modified, high-water mark of an incremental read).
    """

    value: str
    size: int | None = None
    state: Mapping[str, Any] = EMPTY


class Asked(Protocol):
    """A judged SELECT over the city's own datasets. Nothing runs before ``schema`` or ``batches``."""

    @property
    def fingerprint(self) -> str:
        """Equal as long as the SELECT and the versions it reads are; '' when it asks for the time."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """Columns as they come; geometries as WKB."""
        ...

    @property
    def geometries(self) -> tuple[str, ...]: ...

    @property
    def geometry_types(self) -> tuple[str, ...]: ...

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns whose values together are another for each row, () when the SELECT does not say."""
        ...

    @property
    def titles(self) -> Mapping[str, str]:
        """What the datasets read call a column of this name."""
        ...

    def batches(self) -> Iterator[pa.RecordBatch]: ...

    def close(self) -> None: ...


class Questions(Protocol):
    """What answers SQL for the city itself; given by who opened the city."""

    def inputs(self, contract: Contract) -> frozenset[str]:
        """Ids of the datasets that a contract's SQL reads; empty for another kind of source."""
        ...

    def ask(self, contract: Contract | None, sql: str, dialect: str) -> Asked:
        """``contract``: whose rows they become; it may not be more open than what it reads. Raises ContractError."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader may use: limits, a folder for its scratch files, the last pull's state, a progress listener.

    ``progress(done, total)`` counts bytes (files) or rows (databases); total is None when unknown.
    """

    settings: SourceSettings
    scratch: Path
    state: Mapping[str, Any] = EMPTY
    timezone: str = "UTC"
    country: str = ""
    progress: Callable[[int, int | None], None] = lambda done, total: None
    ask: Callable[[str, str], Asked] | None = None
    """SQL and its dialect -> its answer, for datasets made of other datasets."""


@dataclass(slots=True)
class Pull:
    """One opened read of one table.

    ``schema``: Arrow schema of the batches, ``_row`` included. Text kinds yield strings only; typed kinds yield
    their own types. Columns carry the source's own names (``Property.physical_name``).
    ``batches``: in bounded memory, consumed once; after it is exhausted ``rejects`` and ``read`` are complete and
    ``fingerprint`` tells what was read. Reading may raise SourceChanged, SourceMalformed, SourceTooLarge.
    ``read`` counts the records met: rows yielded plus rejected records.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    fingerprint: Fingerprint
    rejects: list[Reject] = field(default_factory=list)
    read: int = 0
    incremental: bool = False
    close: Callable[[], None] = lambda: None
    # Kinds that join several files: ``_row`` -> (file, record in that file). None: ``_row`` is the record itself.
    origin: Callable[[int], tuple[str, int]] | None = None


class Reader(Protocol):
    """One kind of source. Built-in kinds and plugins (entry point group ``arengo.sources``) look the same."""

    @property
    def kind(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Ends of file names; a kind that has some gets downloads, unpacking and change detection for free."""
        ...

    @property
    def options(self) -> Mapping[str, str]:
        """Option -> sentence, printed by ``arengo plugins`` and in the docs."""
        ...

    def matches(self, target: str, head: bytes) -> int:
        """How well this kind fits a path, URL or DSN whose first bytes are ``head``: 0 no, 100 certain."""
        ...

    def samples(self, spec: SourceSpec, context: Context, rows: int) -> Iterator[Sample]:
        """One sample a table; ``spec.options`` holds at least ``path``, ``url`` or ``dsn``; the rest is sniffed."""
        ...

    def fingerprint(self, spec: SourceSpec, context: Context) -> Fingerprint:
        """The state of the source now, cheaply."""
        ...

    def open(self, spec: SourceSpec, columns: tuple[str, ...], context: Context) -> Pull:
        """Start reading. ``columns``: source names wanted, empty for all; a missing one raises SourceMalformed."""
        ...


Registry = dict[str, Reader]
JsonObject = dict[str, Any]
