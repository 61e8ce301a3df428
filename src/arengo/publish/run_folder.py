"""The folder of one run, ``.arengo/runs/<run>/``: the staged table, the reports, the quarantine.

What a step found is a JSON-like mapping that the workflow keeps; what is large lies here.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.contract.model import Contract
from arengo.errors import LakeError
from arengo.lake.version import Staged

if TYPE_CHECKING:
    from arengo.quality import Counts

Found = Mapping[str, Any]


class RunFolder:
    """``path`` of one run of ``contract``; what is in it is there until the run ends."""

    def __init__(self, path: Path, contract: Contract) -> None:
        self.path = path
        self.contract = contract

    @property
    def staged(self) -> Path:
        """The database of staged rows."""
        return self.path / "staged.duckdb"

    def intake(self, found: Found) -> Staged:
        """The staged rows as they were read."""
        return self.table({"staged": found.get("intake", found["staged"])}, self.contract.as_read())

    def table(self, found: Found, contract: Contract | None = None) -> Staged:
        """The staged rows as they stand after the last step. Raises LakeError when they are gone."""
        from arengo.contract.model import Kind

        if not self.staged.is_file():
            raise LakeError(
                f"The staged rows of {self.path.name} are gone: {self.staged}.", todo="Publish the dataset again."
            )
        told = found["staged"]
        columns = tuple((name, Kind(kind), required) for name, kind, required in told["columns"])
        geometry = (contract or (self.contract if "intake" in found else self.contract.as_read())).geometry
        return Staged(self.staged, told["table"], columns, geometry, told["rows"], told["number"])

    def counts(self, found: Found) -> Counts:
        """What was counted while the rows were typed."""
        from arengo.quality import Counts

        told = dict(found["counts"])
        told["broken"] = {int(key): value for key, value in told["broken"].items()}
        told["warnings"] = tuple(told["warnings"])
        return Counts(**told)

    def counted(self) -> dict[str, tuple[int, int]]:
        """What the profile counted of each column: rows that have a value, and about how many different ones."""
        told = orjson.loads((self.path / "profile.json").read_bytes())["columns"]
        return {name: (int(item["count"]), int(item["distinct"])) for name, item in told.items() if "distinct" in item}

    def write(self, name: str, body: Any) -> None:
        """A report, whole or not at all."""
        path = self.path / f"{name}.json"
        part = path.with_suffix(".part")
        part.write_bytes(orjson.dumps(body))
        part.replace(path)

    def clean(self) -> None:
        """An empty folder for the read, without what a killed attempt left; what was downloaded may stay."""
        for left in self.path.glob("*") if self.path.is_dir() else ():
            if left.name != "source":
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
        self.path.mkdir(parents=True, exist_ok=True)

    def drop(self) -> None:
        """On a full disk: nothing of the run is kept."""
        shutil.rmtree(self.path, ignore_errors=True)

    def abandon(self) -> None:
        """After a refusal or failure: keep the quarantine and the quality report for the owner, remove the rest."""
        kept = ("quarantine.parquet", "quality.json", "measured.json")
        for left in self.path.glob("*") if self.path.is_dir() else ():
            if left.name not in kept:
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
        if self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()


def told_of(staged: Staged) -> dict[str, Any]:
    """A staged table as the workflow keeps it."""
    return {
        "table": staged.table,
        "columns": [[name, kind.value, required] for name, kind, required in staged.columns],
        "rows": staged.rows,
        "number": staged.number,
    }
