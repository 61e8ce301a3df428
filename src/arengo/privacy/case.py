"""One publication before the gate: everything a step may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from arengo.contract.model import Contract
from arengo.privacy.release import Population, Profile, Release, Target

if TYPE_CHECKING:
    import duckdb

    from arengo.privacy.reckoning import Reckoning
    from arengo.settings import Settings
    from arengo.state import State


class Codes(Protocol):
    """The hierarchies in force. A hierarchy has levels named from fine to coarse; level '' or '0' is the value itself.

    ``sql(name, level, column_sql, kind)`` is the SQL text (no parameters; literals quoted) that generalises a column
    to a level; NULL stays NULL, a value it does not know becomes ``*``. ``levels(name)``: names of its levels above
    the values. ``between(name, level, other)``: label at ``level`` -> label at the coarser ``other``. PolicyError for
    a name or level nobody has.
    """

    def levels(self, name: str) -> tuple[str, ...]: ...

    def sql(self, name: str, level: str, column: str, kind: str) -> str: ...

    def between(self, name: str, level: str, other: str) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Case:
    """``contract``: as readers get it. ``table``: in ``connection``, the released columns under their released names
    plus ``_subject`` VARCHAR: the person's blind number (None where the city cannot tell), never released. ``intake``:
    the table as it was read, before protection, same row order by ``rowid``. ``earlier``: releases in force of the same
    population, of every dataset and version, oldest first. ``truth()``: makes (once) and names the table of the
    population: ``_subject`` VARCHAR unique and one VARCHAR column a concept, '' when there is no register.
    ``rows(release)``: SQL of an earlier release's rows with ``_subject``, or '' when they are gone.
    ``kin``: other populations whose people the same register lists; ``pairs(name)``: SQL of (``theirs``, ``mine``) of
    one of them, whose number there is whose here; ``rows`` gives the numbers of here.
    ``people``: of the same rows the persons and what is told of them alone, where that costs less than ``table``;
    ``whole()``: makes ``table`` one that is stored, where it is a view, and names it.
    ``remade(contract, into)``: the table (SQL) of all that readers would get under another contract, made of what was
    read as a publication makes it, with the rows that stay, and how many single values are left out; None where what
    was read is not at hand, or making it anew would tell nothing that ``table`` does not. ``into``: its name.
    ``secret``: 32 bytes of the city, from which keys are derived. ``now``: the moment of the verdict.
    """

    contract: Contract
    release: Release
    target: Target
    connection: duckdb.DuckDBPyConnection
    table: str
    intake: str
    intake_contract: Contract
    population: Population | None
    earlier: tuple[Release, ...]
    profiles: tuple[Profile, ...]
    codes: Codes
    settings: Settings
    state: State
    home: Path  # .arengo/privacy
    now: datetime
    secret: bytes = b""
    truth: Callable[[], str] = field(default=lambda: "")
    rows: Callable[[Release], str] = field(default=lambda release: "")
    reckoning: Reckoning | None = None
    people: str = ""
    whole: Callable[[], str] = field(default=lambda: "")
    remade: Callable[[Contract, str], tuple[str, int] | None] = field(default=lambda contract, into: None)
    kin: tuple[Population, ...] = ()
    pairs: Callable[[str], str] = field(default=lambda population: "")

    @property
    def about(self) -> str:
        """SQL of what is told of persons, with ``_subject``: the whole table, or what of it costs less to read."""
        return self.people or self.table

    def stored_truth(self) -> str:
        """The table of the population for a step that reads it more than once: where only its counts were kept, the
        register is read now."""
        store = getattr(self.truth, "store", None)
        if store is not None:
            store()
        return self.truth()

    def reckoned(self) -> Reckoning:
        """The aggregates of ``table``: those every step shares, where the gate made them, else new ones."""
        from arengo.privacy.reckoning import Reckoning

        if self.reckoning is not None and self.reckoning.table == self.table:
            return self.reckoning
        return Reckoning(self.connection, self.table, self.settings.privacy.sample)
