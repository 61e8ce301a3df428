"""What an append brings to the gate: the rows that are new, and what was kept of the version they are added to.

An append is judged by what was counted of the version before and the rows it brings, so that its verdict costs what is
added. What was counted lies in ``.arengo/privacy/kept/<dataset>/v<n>``, of the newest version only and of datasets that
are open, whose rows everybody has; whatever does not agree (another contract, other rows, another engine) is not used,
and the verdict takes a pass over the whole table (reference: decision 0220).
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arengo.lake.layout import listing, quote
from arengo.privacy.overlap.layers import state_of
from arengo.privacy.reckoning import FORM, NOTE, Added
from arengo.privacy.releases import FOLDER, KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from arengo.contract.model import Contract
    from arengo.lake.version import Version
    from arengo.privacy.reckoning import Reckoning
    from arengo.settings import Settings

GROWN = "released_grown"
BARE = "released_bare"
PEOPLE = "released_people"
SUBJECT = "_subject"


@dataclass(frozen=True, slots=True)
class Growth:
    """``table``: view of all rows readers would get; ``people``: of persons and what is told of them, '' where nobody
    is known; ``bare``: of all rows without persons. ``held``: SQL of the persons of the version before, ``rows`` and
    ``number``: of that version; ``added``: None where nothing was kept of it."""

    table: str
    people: str
    bare: str
    held: str
    rows: int
    number: int
    added: Added | None


def keeps(contract: Contract, mode: str) -> bool:
    """Whether what is counted of a version is kept: of open rows that more are added to."""
    from arengo.privacy.statistics import alone

    return mode != "replace" and contract.access == "open" and not alone(contract)


def home(settings: Settings, dataset: str) -> Path:
    return settings.home / FOLDER / KEPT / dataset


def mark(contract: Contract, settings: Settings) -> str:
    """What must be the same for counts to be added up: the contract, the engine's hashes, how much is kept."""
    import duckdb

    from arengo.contract.load import sha

    told = [sha(contract), duckdb.__version__, FORM, settings.privacy.sample]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()


def kept_of(contract: Contract, settings: Settings, before: Version) -> Path | None:
    """The folder of what was kept of a version, None when it is not to be used."""
    folder = home(settings, contract.id) / before.label
    try:
        note = orjson.loads((folder / NOTE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    same = isinstance(note, dict) and (
        note.get("mark"), note.get("checksum"), note.get("rows"), note.get("persons")
    ) == (mark(contract, settings), before.checksum, before.rows, _persons(settings, contract.id, before))  # fmt: skip
    if not same or before.extra.get("deletes"):
        return None
    there = {path.name: path.stat().st_size for path in folder.glob("*.parquet")}
    return folder if there == note.get("files") else None


def adds_only(connection: duckdb.DuckDBPyConnection, key: Sequence[str], held: str, rows: str) -> bool:
    """Whether no row of an upsert replaces one that is held."""
    match = " AND ".join(f"o.{quote(name)} IS NOT DISTINCT FROM n.{quote(name)}" for name in key)
    sql = f"SELECT 1 FROM {held} o SEMI JOIN {rows} n ON {match} LIMIT 1"
    return bool(key) and connection.execute(sql).fetchone() is None


def views(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], new: str, source: str, old: str, blind: str,
    kept: Path | None, before: Version, told: Sequence[str],
) -> Growth:  # fmt: skip
    """The views of a table that grows. ``new``: SQL of the rows that are added; ``source``: of those that were there;
    ``old``: of these with ``_subject`` and ``_row``; ``blind``: of what is kept of their persons, '' where nobody is
    known; ``told``: its columns."""
    listed = listing(names)
    connection.execute(
        f"CREATE OR REPLACE VIEW {quote(GROWN)} AS SELECT {listed}, {quote(SUBJECT)}, rowid FROM {new} "
        f"UNION ALL SELECT {listed}, {quote(SUBJECT)}, {quote('_row')} AS rowid FROM {old}"
    )
    connection.execute(
        f"CREATE OR REPLACE VIEW {quote(BARE)} AS SELECT {listed} FROM {new} UNION ALL SELECT {listed} FROM {source}"
    )
    people = ""
    if blind:
        columns = listing((*told, SUBJECT))
        connection.execute(
            f"CREATE OR REPLACE VIEW {quote(PEOPLE)} AS SELECT {columns} FROM {new} "
            f"UNION ALL SELECT {columns} FROM {blind}"
        )
        people = quote(PEOPLE)
    added = Added(new, kept, blind) if kept is not None else None
    return Growth(quote(GROWN), people, quote(BARE), blind, before.rows, before.number, added)


def keep(reckoning: Reckoning, contract: Contract, settings: Settings, folder: Path) -> None:
    """Write what a verdict counted into the run's ``folder``; it becomes the version's with the commit."""
    folder = folder / KEPT
    shutil.rmtree(folder, ignore_errors=True)
    told = reckoning.keep(folder)
    files = {path.name: path.stat().st_size for path in sorted(folder.glob("*.parquet"))}
    note: dict[str, Any] = {**told, "files": files, "mark": mark(contract, settings)}
    _noted(folder / NOTE, note)


def settle(settings: Settings, version: Version, folder: Path) -> None:
    """What a run kept is that of the version it made; what was kept of those before goes. Twice is once."""
    folder = folder / KEPT
    try:
        told = orjson.loads((folder / NOTE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return  # the next verdict takes a pass over it all
    target = home(settings, version.dataset)
    shutil.rmtree(target, ignore_errors=True)
    if told["rows"] != version.rows:
        return
    target.mkdir(parents=True, exist_ok=True)
    persons = _persons(settings, version.dataset, version)
    _noted(folder / NOTE, {**told, "checksum": version.checksum, "persons": persons})
    shutil.move(folder, target / version.label)


def _persons(settings: Settings, dataset: str, version: Version) -> list[int]:
    """What tells whether the publication ledger's files of a version are those that were written with it: whoever is
    found to be another person afterwards was counted as somebody else. [] where there is none."""
    return state_of(settings.home / FOLDER, dataset, int(version.number))


def _noted(path: Path, note: Mapping[str, Any]) -> None:
    """Whole or not at all: what a kill leaves is read when the run goes on."""
    part = path.with_suffix(".part")
    part.write_bytes(orjson.dumps(note))
    part.replace(path)
