"""The table of all that readers would get of a publication, with the persons' blind numbers beside it (``_subject``).

Everything happens in the run's own staged database, so that a kill leaves nothing half; the numbers never leave the
city.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from arengo.contract.model import Contract
from arengo.lake.layout import listing, quote, text
from arengo.lake.version import Staged
from arengo.privacy.mask import secret_of

if TYPE_CHECKING:
    import duckdb

    from arengo.lake import Lake
    from arengo.lake.version import Version
    from arengo.privacy.population import Populations
    from arengo.privacy.release import Release
    from arengo.privacy.releases import Releases
    from arengo.publish.growth import Growth
    from arengo.settings import Settings
    from arengo.state import State

RELEASED = "released"
WHOLE = "released_whole"
BLIND = "blind_of"
INTAKE = "as_read"
SUBJECT = "_subject"


class Released:
    """What readers would get of datasets of one city, and whom the rows are about."""

    def __init__(self, settings: Settings, state: State, lake: Lake) -> None:
        self.settings = settings
        self.state = state
        self.lake = lake

    @contextlib.contextmanager
    def open(self, staged: Staged, shapes: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """The run's staged database. ``shapes``: whether places are asked for as shapes."""
        import duckdb

        from arengo.lake.engine import load

        connection = duckdb.connect(
            str(staged.database),
            config={
                "threads": self.settings.engine.threads,
                "memory_limit": self.settings.engine.job_memory,
                "temp_directory": str(staged.database.with_suffix(".tmp")),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        try:
            if staged.geometry is not None and (shapes or staged.geometry.stored):
                load(connection, "spatial")
            yield connection
        finally:
            connection.close()

    def table(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged, intake: Staged, mode: str,
        number: int = 0, into: str = RELEASED,
    ) -> str:  # fmt: skip
        """The table of all that readers would get, with the persons' blind numbers; quoted. ``into``: the table of the
        rows that come."""
        names = [name for name, _, _ in staged.columns]
        if staged.table != RELEASED:
            subject = self.subject(contract)
            number_of = self.blind(connection, contract, intake, subject) if subject else "NULL::VARCHAR"
            connection.execute(
                f"CREATE OR REPLACE VIEW {quote(RELEASED)} AS SELECT {listing(names)}, "
                f"{number_of} AS {quote(SUBJECT)}, {_place(staged)} AS rowid FROM {quote(staged.table)}"
            )
        before = self._before(contract, number) if mode != "replace" else None
        if before is None:
            return quote(into)
        held = self.lake.source(before)
        there = {column.name for column in before.schema}
        old = ", ".join(quote(name) if name in there else f"NULL AS {quote(name)}" for name in names)
        gone = ""
        if mode == "upsert" and contract.key:
            match = " AND ".join(f"o.{quote(name)} IS NOT DISTINCT FROM n.{quote(name)}" for name in contract.key)
            gone = f" ANTI JOIN {quote(into)} n ON {match}"
        subject = f"coalesce(o.{quote(SUBJECT)}, {self._kept_subject(contract)})"
        held = self.known(contract, before, held, [column.name for column in before.schema])
        whole = quote(WHOLE if into == RELEASED else f"{into}_whole")
        connection.execute(
            f"CREATE OR REPLACE TABLE {whole} AS SELECT {listing(names)}, {quote(SUBJECT)} "
            f"FROM {quote(into)} UNION ALL SELECT {old}, {subject} FROM {held} o{gone}"
        )
        return whole

    def _kept_subject(self, contract: Contract) -> str:
        """The blind number of a row that is held already: only where the person's own number is a stored column."""
        subject = self.subject(contract)
        stored = contract.column(subject) if subject else None
        if stored is not None and not stored.protect:
            return f"(SELECT _blind FROM {quote(BLIND)} WHERE _person = CAST(o.{quote(subject)} AS VARCHAR))"
        return "NULL::VARCHAR"

    def _before(self, contract: Contract, number: int) -> Version | None:
        versions = [item for item in self.lake.retained(contract.id) if not number or item.number < number]
        return max(versions, key=lambda item: item.number, default=None)

    def grown(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, staged: Staged, intake: Staged, mode: str,
        number: int = 0,
    ) -> Growth | None:  # fmt: skip
        """The table of an append, as rows that are held and rows that come; None for anything else."""
        from arengo.privacy.overlap.layers import count_of
        from arengo.privacy.releases import MARK, told
        from arengo.publish import growth

        before = self._before(contract, number) if growth.keeps(contract, mode) else None
        kept = growth.kept_of(contract, self.settings, before) if before is not None else None
        names = [name for name, _, _ in staged.columns]
        here = [(name, kind) for name, kind, _ in staged.columns]
        if before is None or here != [(column.name, column.kind) for column in before.schema]:
            return None
        self.table(connection, contract, staged, intake, "replace")
        held = self.lake.source(before)
        if mode == "upsert" and not growth.adds_only(connection, contract.key, held, quote(RELEASED)):
            return None
        blind, columns = "", list[str]()
        if self.recorded(contract):
            path = self.releases.path(contract.id, before.number)
            columns = [item.column for item in told(self.release(contract, number or 1, before.published_at, 0))]
            if not path.is_file() or before.key != contract.key or before.extra.get("deletes"):
                return None
            rows = count_of(self.releases.home, contract.id, before.number)
            if set(pq_names(path)) != {SUBJECT, MARK, *columns} or rows != before.rows:
                return None
            blind = self.releases.rows(self.release(contract, before.number, before.published_at, 0))
        old = f"(SELECT o.* FROM {self.known(contract, before, held, names)} o)"
        if blind and self._kept_subject(contract) != "NULL::VARCHAR":
            return None  # persons stand in the rows themselves, and are read from there
        return growth.views(connection, names, quote(RELEASED), held, old, blind, kept, before, columns)

    def as_read(self, connection: duckdb.DuckDBPyConnection, intake: Staged) -> str:
        """The table as it was read, with its order as ``rowid``; quoted."""
        if intake.number == "rowid":
            return quote(intake.table)
        connection.execute(
            f"CREATE OR REPLACE VIEW {quote(INTAKE)} AS SELECT *, {_place(intake)} AS rowid FROM {quote(intake.table)}"
        )
        return quote(INTAKE)

    def known(self, contract: Contract, before: Version, held: str, columns: Sequence[str]) -> str:
        """SQL of rows of a version with the persons that its release tells them to be about, in ``_subject``."""
        from arengo.privacy.releases import MARK

        ledger = self.releases
        release = next((item for item in ledger.of_dataset(contract.id) if item.number == before.number), None)
        rows = ledger.rows(release) if release is not None else ""
        if rows and MARK in pq_names(ledger.path(contract.id, before.number)):
            nth = f"row_number() OVER (PARTITION BY {MARK}) AS _nth"
            marked = f"SELECT *, {nth} FROM (SELECT *, {self.mark(before.key, columns)} AS {MARK} FROM {held})"
            persons = f"SELECT {quote(SUBJECT)}, {MARK}, {nth} FROM {rows}"
            return (
                f"(SELECT h.* EXCLUDE ({MARK}, _nth), p.{quote(SUBJECT)} FROM ({marked}) h LEFT JOIN ({persons}) p "
                f"ON p.{MARK} = h.{MARK} AND p._nth = h._nth)"
            )
        return f"(SELECT *, NULL::VARCHAR AS {quote(SUBJECT)} FROM {held})"

    def held_rows(self, contract: Contract, before: Version, staged: Staged, back: str) -> str:
        """SQL of staged rows of a version with their persons; ``back``: whose the rows are that it had not."""
        held = self.known(contract, before, quote(staged.table), [name for name, _, _ in staged.columns])
        if not back:
            return held
        first = int(before.extra["next_row"])
        whose = f"CASE WHEN {staged.number} >= {first} THEN {text(back)} ELSE {quote(SUBJECT)} END"
        return f"(SELECT * REPLACE ({whose} AS {quote(SUBJECT)}) FROM {held})"

    def subject(self, contract: Contract) -> str:
        """The column of the intake that names the person, '' when there is none. Where no population is named, what
        numbers persons tells at least which rows are one person's."""
        from arengo.privacy.declared import population_of
        from arengo.privacy.population import numbered_by, subject_of

        name = population_of(contract)
        return subject_of(contract.as_read(), name) if name else numbered_by(contract)

    def blind(self, connection: duckdb.DuckDBPyConnection, contract: Contract, intake: Staged, subject: str) -> str:
        """Make the table of blind numbers of the staged persons; SQL of a row's own."""
        from arengo.privacy.declared import population_of
        from arengo.privacy.population import blind_sql

        number, values = blind_sql(secret_of(self.settings.home), population_of(contract), "_person")
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {quote(BLIND)} AS SELECT _person, {number} AS _blind FROM (SELECT DISTINCT "
            f"CAST({quote(subject)} AS VARCHAR) AS _person FROM {quote(intake.table)})",
            values,
        )
        return f"(SELECT _blind FROM {quote(BLIND)} WHERE _person = CAST({quote(subject)} AS VARCHAR))"

    def mark(self, key: Sequence[str], columns: Sequence[str]) -> str:
        """SQL of what a row is found again by in the publication ledger."""
        from arengo.privacy.releases import mark_of

        return mark_of(secret_of(self.settings.home), key, columns)

    def release(self, contract: Contract, number: int, at: datetime, rows: int) -> Release:
        """What a version of the dataset tells, as the contract declares it."""
        from arengo.privacy.declared import population_of, release_of

        return release_of(
            contract, number, at, rows, population=self.populations.get(population_of(contract)),
            subject=bool(self.subject(contract)),
        )  # fmt: skip

    def recorded(self, contract: Contract) -> bool:
        """Whether the publication ledger keeps what versions of the dataset tell: it is about persons, and public."""
        from arengo.privacy.declared import judged
        from arengo.privacy.statistics import alone

        return contract.access == "open" and judged(contract) and not alone(contract)

    def together(self, contract: Contract) -> tuple[str, ...]:
        """The population of a contract and those whose people the same register lists."""
        from arengo.privacy.declared import population_of

        name = population_of(contract)
        return (name, *(item.name for item in self.populations.kin(name)))

    @cached_property
    def populations(self) -> Populations:
        from arengo.privacy.population import Populations

        return Populations(self.settings, self.state)

    @property
    def releases(self) -> Releases:
        from arengo.privacy.releases import Releases

        return Releases(self.settings, self.state, self.lake)


def pq_names(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def _place(staged: Staged) -> str:
    """SQL of a staged row's place in the source's order."""
    return staged.number if staged.number == "rowid" else quote(staged.number)
