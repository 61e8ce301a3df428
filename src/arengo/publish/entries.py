"""The place of a version in the publication ledger: taken before anybody can read it, given back when none was made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from arengo.contract.model import Contract
from arengo.lake.layout import quote
from arengo.lake.version import Staged
from arengo.publish.released import RELEASED, Released

if TYPE_CHECKING:
    import duckdb

    from arengo.lake.version import Version
    from arengo.publish.growth import Growth

WAIT = 600.0
"""Seconds a publication waits for another one of its population to take its place in the ledger."""


class Entries:
    """What one city published about persons, as publications enter it."""

    def __init__(self, released: Released) -> None:
        self.released = released
        self.state = released.state
        self.lake = released.lake

    def seen(self, contract: Contract) -> list[str]:
        """What a publication is judged against; the dataset is held by the caller."""
        self.clear(contract.id)
        populations = self.released.together(contract)
        return [f"{item.label} {item.declared}" for item in self.released.releases.of(*populations)]

    def clear(self, dataset: str) -> None:
        """Finish what a kill left of a commit, and take out of the ledger what never became a version."""
        from arengo.lake.commit import settle

        settle(self.lake, dataset)
        first, ledger = self.lake.next_number(dataset), self.released.releases
        for item in ledger.of_dataset(dataset):
            if item.number >= first:
                ledger.remove(dataset, item.number)

    @contextlib.contextmanager
    def entered(
        self, contract: Contract, staged: Staged, intake: Staged, mode: str, at: datetime, run: str,
        against: list[str] | None, again: Callable[[], None],
    ) -> Iterator[None]:  # fmt: skip
        """While the version is committed: its place in the ledger is taken before, and given back when none was made.

        Two publications of one population, or of populations of one register, take their places one after the other;
        who was judged before the other's is judged ``again``, which raises when it may not go on. The dataset is held
        by the caller.
        """
        number = 0
        if self.released.recorded(contract):
            self.clear(contract.id)
            if self.lake.by_run(contract.id, run) is None:
                with self.state.hold(f"gate {min(self.released.together(contract))}", wait=WAIT):
                    if against != self.seen(contract):
                        again()
                    number = self.lake.next_number(contract.id)
                    self._enter(contract, number, at, staged, intake, mode)
        try:
            yield
        except Exception:
            with contextlib.suppress(Exception):  # what made the commit fail is told; the next one clears up
                self.clear(contract.id)
            raise
        made = self.lake.by_run(contract.id, run)
        if number and (made is None or made.number != number):
            if made is not None:
                self.record(contract, made, staged, intake, mode)
                self.released.releases.remove(contract.id, number)
            else:
                self.clear(contract.id)

    def record(self, contract: Contract, version: Version, staged: Staged, intake: Staged, mode: str) -> None:
        """Write the version into the publication ledger, when it is about persons and public. Twice is once."""
        known = any(item.number == version.number for item in self.released.releases.of_dataset(contract.id))
        if self.released.recorded(contract) and not known:
            self._enter(contract, version.number, version.published_at, staged, intake, mode)

    def _enter(self, contract: Contract, number: int, at: datetime, staged: Staged, intake: Staged, mode: str) -> None:
        with self.released.open(intake) as connection:
            grown = self.released.grown(connection, contract, staged, intake, mode, number)
            if grown is not None and grown.held:
                self._enter_grown(connection, contract, number, at, staged, grown)
                return
            table = self.released.table(connection, contract, staged, intake, mode, number)
            (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
            mark = self.released.mark(contract.key, [name for name, _, _ in staged.columns])
            self.released.releases.add(self.released.release(contract, number, at, int(rows)), connection, table, mark)

    def _enter_grown(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, number: int, at: datetime, staged: Staged,
        grown: Growth,
    ) -> None:  # fmt: skip
        """Of an append: what is known of the rows before stays as it is, and only persons of new rows are looked at."""
        (rows,) = connection.execute(f"SELECT count(*) FROM {quote(RELEASED)}").fetchone() or (0,)
        release = self.released.release(contract, number, at, int(rows) + grown.rows)
        mark = self.released.mark(contract.key, [name for name, _, _ in staged.columns])
        self.released.releases.add(release, connection, quote(RELEASED), mark, grown.number)

    def lessen(
        self, contract: Contract, before: Version, staged: Staged, number: int, at: datetime, back: str = ""
    ) -> None:
        """Enter a version made of rows of the version before, whose persons are known from there, and of ``back``."""
        if not self.released.recorded(contract):
            return
        self.clear(contract.id)
        with self.released.open(staged) as connection:
            held = self.released.held_rows(contract, before, staged, back)
            mark = self.released.mark(contract.key, [name for name, _, _ in staged.columns])
            self.released.releases.add(self.released.release(contract, number, at, staged.rows), connection, held, mark)
