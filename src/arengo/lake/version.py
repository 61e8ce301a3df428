"""A version: one immutable published state of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from arengo.contract.model import EMPTY, Geometry, Kind


@dataclass(frozen=True, slots=True)
class Column:
    """One stored column of a version. ``field_id`` is Iceberg's and stays when the column is renamed."""

    name: str
    kind: Kind
    field_id: int
    required: bool = False


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of a version, absolute path or address."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Version:
    """Everything a face's answer may depend on, beside the query and the policy.

    ``number`` counts from 1 within the dataset and never repeats. ``published_at`` is the time as_of looks at;
    it only grows within a dataset. ``checksum`` is over the rows' content, independent of file layout, so equal
    content gives no new version. ``rows_in == rows + quarantined`` always.
    """

    dataset: str
    number: int
    published_at: datetime  # UTC, aware
    contract_version: str
    contract_sha: str
    schema: tuple[Column, ...]
    key: tuple[str, ...]
    sort: tuple[str, ...]
    geometry: Geometry | None
    rows: int
    rows_in: int
    quarantined: int
    bytes: int
    checksum: str
    fingerprint: str
    snapshot_id: int
    metadata: str  # address of the Iceberg metadata file that knows this snapshot
    files: tuple[DataFile, ...]
    run: str
    title: str = ""
    erased_at: datetime | None = None
    extra: Mapping[str, Any] = EMPTY

    @property
    def label(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True, slots=True)
class Staged:
    """Rows that passed the checks, waiting for their commit.

    ``database``: a DuckDB file; ``table`` (or view) in it holds the contract's columns under the contract's names and
    DuckDB types (:attr:`Kind.duckdb`), plus ``_xmin _ymin _xmax _ymax`` DOUBLE when ``geometry.stored``.
    Row order is the source's; ``number``: the column that tells it, unique.
    """

    database: Path
    table: str
    columns: tuple[tuple[str, Kind, bool], ...]  # name, kind, required
    geometry: Geometry | None
    rows: int
    number: str = "rowid"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a difference. ``before`` and ``after`` hold only the changed columns for kind ``changed``."""

    kind: str  # added | changed | removed
    key: tuple[Any, ...]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Counts of a difference between two versions by primary key (or by whole row when there is no key)."""

    dataset: str
    before: int
    after: int
    added: int
    changed: int
    removed: int
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_renamed: tuple[tuple[str, str], ...] = ()
