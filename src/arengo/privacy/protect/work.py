"""What a step of the protection gets to work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from arengo.contract.model import Contract, Kind, Property
from arengo.errors import Place, PolicyError
from arengo.lake.layout import quote
from arengo.privacy.mask import derive

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from arengo.privacy.case import Case

NUMBER = "_number"
SUBJECT = "_subject"


class Ladders(Protocol):
    """What the steps ask of the hierarchies (:class:`arengo.privacy.hierarchy.CityCodes`)."""

    def sql(self, name: str, level: str, column: str, kind: str, at: str = "") -> str: ...


@dataclass(frozen=True, slots=True)
class Held:
    """A column on its way: ``sql`` over the intake's row (alias ``i``) with its bound values in order."""

    sql: str
    kind: Kind
    params: tuple[object, ...] = ()

    def text(self) -> str:
        return self.sql if self.kind is Kind.STRING else f"CAST({self.sql} AS VARCHAR)"


def stored(contract: Contract, names: Sequence[object], said: str, rule: str) -> tuple[str, ...]:
    """The columns that a rule names. Raises PolicyError for one that is not stored; ``said``: what is done with it."""
    there = {item.name for item in contract.properties}
    named = tuple(str(item) for item in names)
    for name in named:
        if name not in there:
            raise PolicyError(
                f"arengoProtection {said} the column {name!r}, which is not stored.",
                todo=f"Name columns that are: {', '.join(sorted(there)[:12])}.",
                place=Place(column=f"arengoProtection.{rule}"),
            )
    return named


@dataclass(slots=True)
class Work:
    """One table being protected.

    ``intake``: SQL of the table as read. ``number``: SQL of a row's number in it, unique. ``subject``: SQL of the
    person's blind number over a row of the intake, '' when unknown. ``beside(table)``: the made table (SQL) as a case
    before the gate, with the earlier releases it is compared with; None where none are known. ``whole(table)``: SQL of
    the made table with the rows that stay from the version before, where rows are added to one; '' where none stay.
    """

    connection: duckdb.DuckDBPyConnection
    intake: str
    contract: Contract
    codes: Ladders
    secret: bytes
    number: str
    subject: str = ""
    population: str = ""
    epoch: str = ""
    notes: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    beside: Callable[[str], Case] | None = None
    whole: Callable[[str], str] | None = None
    blanked: int = 0  # single values that were left out of rows that stayed

    def key(self, *parts: str) -> bytes:
        """A key of this dataset's own for what must look random and be the same at the next publication."""
        return derive(self.secret, "protect", self.contract.id, *parts)

    def values(self, held: Held, *more: str) -> pa.Table:
        """The column as it is so far: ``number`` BIGINT, ``value``, then ``more`` (SQL over the row, as ``c0``, ...),
        ordered by number. For steps that cannot be said in SQL."""
        listed = "".join(f", {sql} AS c{at}" for at, sql in enumerate(more))
        return self.connection.execute(
            f"SELECT {self.number} AS number, {held.sql} AS value{listed} FROM {self.source()} ORDER BY 1",
            list(held.params),
        ).to_arrow_table()

    def keep(self, table: pa.Table, kind: Kind) -> Held:
        """New values of a column: ``number`` BIGINT and ``value``. Rows that are not in it get NULL."""
        alias = f"_step{len(self.joins)}"
        self.connection.register("_protected", table)
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {alias} AS SELECT number, CAST(value AS {kind.duckdb}) AS value "
            "FROM _protected"
        )
        self.connection.unregister("_protected")
        self.joins.append(f"LEFT JOIN {alias} ON {alias}.number = {self.number}")
        return Held(f"{alias}.value", kind)

    def source(self) -> str:
        """The FROM of a statement over the intake's rows."""
        return " ".join((f"{self.intake} AS i", *self.joins))

    def original(self, column: str) -> Held:
        """A column as it was read."""
        held = next(item for item in self.contract.as_read().properties if item.name == column)
        return Held(f"i.{quote(column)}", held.kind)


@dataclass(frozen=True, slots=True)
class Column:
    """Which column a step is done to: as it is read, and as it is stored."""

    read: Property
    stored: Property
    hierarchy: str = ""
    at: str = ""  # the level its values stand at so far
    facts: dict[str, Any] = field(default_factory=dict)
