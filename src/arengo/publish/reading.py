"""Read the source of a dataset into the run's folder, without the rows that may not come in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from arengo.contract.load import sha
from arengo.contract.model import Contract
from arengo.errors import ContractError, PublicationRefused, SourceChanged
from arengo.lake.version import Staged
from arengo.publish.run_folder import RunFolder
from arengo.settings import Settings
from arengo.state import State

if TYPE_CHECKING:
    from arengo.quality import Counts
    from arengo.sources.base import Context, Pull, Questions, Reader

ATTEMPTS = 3
"""How often a source that changes under the read is read again before it is refused."""
WAITS = (0.5, 2.0)
Progress = Callable[[str, int, int | None], None]


class Reading:
    """One reading of the source that ``contract`` names. ``at``: the time the run is of."""

    def __init__(
        self, settings: Settings, state: State, contract: Contract, folder: RunFolder, at: datetime | None,
        progress: Progress, questions: Questions | None,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.state = state
        self.contract = contract
        self.folder = folder
        self.at = at
        self.progress = progress
        self.questions = questions

    def fingerprint(self) -> str:
        """The source's state, '' where it tells none."""
        reader, context = self.reader()
        assert self.contract.source is not None
        return reader.fingerprint(self.contract.source, context).value

    def rows(self) -> tuple[Staged, Counts, Pull]:
        """The typed rows; those that do not fit are in the quarantine. Raises PublicationRefused when the source
        changes under every try."""
        from arengo.lake.engine import translated
        from arengo.quality import conform

        for attempt in range(ATTEMPTS):
            self.folder.clean()
            reader, context = self.reader()
            assert self.contract.source is not None
            try:
                with translated(self.folder.path):
                    pull = reader.open(self.contract.source, (), context)
                    staged, counts = conform(
                        self.contract.as_read(),
                        pull,
                        self.folder.staged,
                        self.folder.path / "quarantine.parquet",
                        lambda done, total: self.progress("read", done, total),
                        timezone=self.settings.city.timezone,
                        file=source_name(self.contract),
                    )
                break
            except SourceChanged as error:
                if attempt + 1 == ATTEMPTS:
                    raise PublicationRefused(
                        f"The source changed under the read, {ATTEMPTS} times in a row. {error.met}",
                        todo="Publish again when nobody writes to it, or let its owner deliver into a new file.",
                        place=error.place,
                    ) from error
                time.sleep(WAITS[attempt])
        staged, counts = self._young(staged, counts)
        staged, counts = self._forgotten(staged, counts)
        return staged, counts, pull

    def _young(self, staged: Staged, counts: Counts) -> tuple[Staged, Counts]:
        """Without the rows that are past their retention: what is due for disposal does not come back in."""
        from arengo.publish import disposal

        if disposal.held(self.state, self.contract):
            return staged, counts
        gone = disposal.leave_out(staged, self.contract.as_read(), self.at or datetime.now(UTC))
        if not gone:
            return staged, counts
        said = f"{gone:,} rows are" if gone > 1 else "1 row is"
        said += " past the retention the contract names and not taken in."
        counts = replace(
            counts, rows_in=counts.rows_in - gone, rows=counts.rows - gone, warnings=(*counts.warnings, said)
        )
        return replace(staged, rows=staged.rows - gone), counts

    def _forgotten(self, staged: Staged, counts: Counts) -> tuple[Staged, Counts]:
        """Without the rows of persons who were erased or are restricted: a source that has them still is the city's."""
        from arengo.publish import forgotten

        gone = forgotten.leave_out(self.settings, self.state, self.contract, staged)
        if not gone:
            return staged, counts
        said = "Rows about persons who were erased or are restricted are not taken in."  # everybody reads it: no number
        counts = replace(
            counts, rows_in=counts.rows_in - gone, rows=counts.rows - gone, warnings=(*counts.warnings, said)
        )
        return replace(staged, rows=staged.rows - gone), counts

    def reader(self) -> tuple[Reader, Context]:
        """Who reads the kind of source that the contract names. Raises ContractError when it names none."""
        from arengo.sources import reader
        from arengo.sources.base import Context

        if self.contract.source is None:
            raise ContractError(
                f"The contract of {self.contract.id} names no source.",
                todo="Add arengoSource, for example {kind: csv, path: sources/file.csv}.",
            )
        scratch = self.folder.path / "source"
        scratch.mkdir(parents=True, exist_ok=True)
        _, notes = self.state.source_state(self.contract.id)
        known = notes.get("reader", {}) if notes.get("contract") == sha(self.contract) else {}
        city = self.settings.city
        context = Context(
            self.settings.sources,
            scratch,
            known,
            city.timezone,
            city.country,
            lambda done, total: self.progress("read", done, total),
            partial(self.questions.ask, self.contract) if self.questions is not None else None,
        )
        return reader(self.contract.source.kind), context


def source_name(contract: Contract) -> str:
    """What a clerk calls the source: its file, address or table."""
    options = contract.source.options if contract.source else {}
    table = str(options.get("table") or options.get("sheet") or options.get("layer") or "")
    name = str(options.get("path") or options.get("url") or "")
    return " ".join(part for part in (name, table) if part) or table
