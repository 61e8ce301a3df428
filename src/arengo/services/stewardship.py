"""A steward edits a contract in the portal: proposed, checked, compared, then kept as a new contract version.

The register gets the new text at once. The city folder gets it with ``arengo export --contracts``; until then the
edit is remembered, so that ``apply`` does not take it back (``City.plan`` says *edited*).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.contract import Finding, Severity, compare, lint, loads
from arengo.contract.breaking import Comparison, next_version, version_asked
from arengo.contract.write import set_value
from arengo.errors import ContractError, UnknownDataset
from arengo.state import tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from arengo.contract.model import Contract
    from arengo.state import State
    from arengo.state.records import ContractRecord

EDIT = "edit"
"""Kind of the state's saved records that remember which contracts were edited in the portal."""


def nothing(connection: Connection, contract: Contract) -> None:
    """Nothing else goes with an edit."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """``text``: the contract as it would be kept, its version raised. ``errors`` keep it from being kept."""

    text: str
    version: str
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    differences: tuple[Comparison, ...]
    contract: Contract | None

    @property
    def sound(self) -> bool:
        return not self.errors


class Stewardship:
    """The contracts in force, and how they are changed by hand."""

    def __init__(self, state: State) -> None:
        self._state = state

    def current(self, dataset: str) -> ContractRecord:
        """The contract in force. Raises UnknownDataset."""
        found = self._state.contracts().get(dataset)
        if found is None:
            raise UnknownDataset(f"There is no dataset {dataset!r}.")
        return found

    def propose(self, dataset: str, text: str) -> Proposal:
        """What ``text`` would be as the dataset's next contract: its errors, its differences, its version number."""
        held = loads(self.current(dataset).text)
        text = text.replace("\r\n", "\n")
        findings = lint(text)
        errors = tuple(item for item in findings if item.severity is Severity.ERROR)
        warnings = tuple(item for item in findings if item.severity is Severity.WARNING)
        if errors:
            return Proposal(text, held.version, errors, warnings, (), None)
        wanted = loads(text)
        if wanted.id != dataset:
            return Proposal(
                text,
                held.version,
                (
                    Finding(
                        Severity.ERROR,
                        None,
                        "other-dataset",
                        f"The contract's id is {wanted.id}, and this is {dataset}.",
                        "A dataset keeps its id; make a new contract for another one.",
                    ),
                ),
                warnings,
                (),
                None,
            )
        differences = tuple(compare(held, wanted))
        if wanted.version == held.version and text != held.text:
            text = set_value(text, ("version",), next_version(held.version, version_asked(differences)))
            wanted = loads(text)
        return Proposal(text, wanted.version, (), warnings, differences, wanted)

    def keep(
        self, dataset: str, text: str, base: str, also: Callable[[Connection, Contract], None] = nothing
    ) -> Contract:
        """Make ``text`` the contract in force. ``base``: SHA-256 of the text the steward started from. ``also``: what
        becomes true with it or not at all; it writes into the same transaction, and what it raises undoes both.

        Raises ContractError when it has an error, or when somebody else changed the contract meanwhile.
        """
        held = self.current(dataset)
        if held.sha != base:
            raise _changed(held)
        made = self.propose(dataset, text)
        if not made.sound or made.contract is None:
            first = made.errors[0]
            raise ContractError(first.message, todo=first.todo)
        now = datetime.now(UTC)
        sha = hashlib.sha256(made.text.encode()).hexdigest()
        before = edits(self._state).get(dataset)
        folder = before["folder"] if before and before["sha"] == held.sha else held.sha
        d = tables.dataset.c
        with self._state.write() as connection:
            also(connection, made.contract)
            current = connection.scalar(sa.select(d.contract_sha).where(d.id == dataset).with_for_update())
            if current != base:  # somebody was faster: two edits of one text never overwrite each other
                raise _changed(held)
            if made.text != held.text:
                self._state.save(EDIT, dataset, made.version, {"sha": sha, "folder": folder}, now, within=connection)
                self._state.put_contract(
                    dataset, version=made.version, sha=sha, text=made.text, path=held.path or "", at=now,
                    within=connection,
                )  # fmt: skip
        return made.contract


def _changed(held: ContractRecord) -> ContractError:
    return ContractError(
        f"The contract of {held.dataset} was changed by somebody else meanwhile; it was version {held.version}.",
        todo="What you typed is still in this form. Open it anew in another window and bring it over.",
    )


def edits(state: State) -> Mapping[str, Mapping[str, Any]]:
    """Dataset -> ``sha`` of the text edited in the portal, ``folder``: the SHA-256 the folder's file had then."""
    return {item.id: item.body for item in state.saved(EDIT)}
