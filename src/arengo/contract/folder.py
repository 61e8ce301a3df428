"""The contracts of a city folder: found, read, checked."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from arengo.contract.finding import Finding, Severity
from arengo.contract.lint import lint
from arengo.contract.load import load
from arengo.contract.model import Contract
from arengo.errors import ContractError, Place, UnknownDataset


class Folder:
    """The folder ``contracts`` of the city at ``root``. A text that was found sound is not linted again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._sound: set[tuple[str, str]] = set()

    def paths(self) -> list[Path]:
        return sorted((self._root / "contracts").glob("**/*.odcs.y*ml"))

    def contracts(self, datasets: Sequence[str] = ()) -> dict[str, Contract]:
        """Contracts by dataset id; only ``datasets`` when given (a path to a contract counts too).

        Raises ContractError for the first contract that cannot be used, UnknownDataset for a name nobody has.
        """
        good, bad = self.read(datasets)
        for error in bad.values():
            raise error
        return good

    def read(self, datasets: Sequence[str] = ()) -> tuple[dict[str, Contract], dict[str, ContractError]]:
        """The contracts that can be used, and what is wrong with the others, each by dataset id.

        A contract that cannot be read goes by its file's name. Only ``datasets`` when given.
        """
        good: dict[str, Contract] = {}
        bad: dict[str, ContractError] = {}
        paths: dict[Path, str] = {}
        for path in self.paths():
            name = path.name.split(".odcs.")[0]
            try:
                contract = load(path, self._root)
                name = contract.id
                self._refuse(contract, path, good)
                good[name] = contract
            except ContractError as error:
                bad[name] = error
            paths[path.resolve()] = name
        if not datasets:
            return good, bad
        names = [paths.get(Path(item).resolve(), item) for item in datasets]
        for name in names:
            if name not in good and name not in bad:
                raise UnknownDataset(
                    f"No contract in {self._root / 'contracts'} has the id {name}.",
                    todo=_nearest(name, good),
                )
        return (
            {name: good[name] for name in names if name in good},
            {name: bad[name] for name in names if name in bad},
        )

    def _refuse(self, contract: Contract, path: Path, good: dict[str, Contract]) -> None:
        """Raise ContractError when a contract that loads must not come into force."""
        if contract.id in good:
            raise ContractError(
                f"The id {contract.id} is already used by {good[contract.id].path}.",
                todo="Give one of the two another id.",
                place=Place(file=str(path)),
            )
        if (contract.text, str(path)) in self._sound:
            return
        for item in lint(contract.text, path):
            if item.severity == "error":
                raise ContractError(item.message, todo=item.todo, place=Place(file=str(path), line=item.line))
        self._sound.add((contract.text, str(path)))

    def lint(self) -> dict[Path, list[Finding]]:
        """Findings of each contract file."""
        return {path: lint_file(path) for path in self.paths()}


def lint_file(path: Path) -> list[Finding]:
    """Findings of one contract file. Raises ContractError when it cannot be read at all."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return [
            Finding(Severity.ERROR, line, "encoding", "This is not UTF-8 text.", "Save the contract again as UTF-8.")
        ]
    except OSError as error:
        raise ContractError(f"{path} cannot be read: {error.strerror}.") from error
    return lint(text, path)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 3)
    return f"Did you mean {' or '.join(near)}?" if near else "'arengo status' lists the datasets."
