"""A lake in a temporary folder and a way to publish rows into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from arengo.contract.model import Contract, Geometry, Kind, Property
from arengo.lake import Lake, Staged, Version
from arengo.settings import Settings
from arengo.state import open_state

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_contract(
    columns: Mapping[str, Kind],
    key: Sequence[str] = (),
    geometry: Geometry | None = None,
    id: str = "trees",
    **custom: Any,
) -> Contract:
    properties = tuple(
        Property(name, kind, key_position=list(key).index(name) if name in key else -1)
        for name, kind in columns.items()
    )
    return Contract(
        id,
        "1.0.0",
        id.title(),
        "active",
        f"{id} {sorted(columns)}",
        properties,
        id,
        None,
        geometry,
        custom=MappingProxyType(custom),
    )


TREES = make_contract({"id": Kind.INTEGER, "name": Kind.STRING}, key=["id"])


def open_lake(folder: Path, **settings: Any) -> Lake:
    """The lake of a city folder, with single settings sections replaced."""
    told = replace(Settings(root=folder), **settings)
    return Lake(told, open_state(told.state_url))


@dataclass
class Bench:
    """``put`` publishes rows as the next version, one day later each time."""

    lake: Lake
    folder: Path
    contract: Contract
    day: int = 0

    def stage(self, rows: Sequence[Sequence[Any]] | str, contract: Contract | None = None) -> Staged:
        contract = contract or self.contract
        path = self.folder / f"staged-{contract.id}-{self.day}.duckdb"
        path.unlink(missing_ok=True)
        stored = contract.geometry is not None and contract.geometry.stored
        columns = [f'"{c.name}" {c.kind.duckdb}' for c in contract.properties]
        columns += [f'"_{side}" DOUBLE' for side in ("xmin", "ymin", "xmax", "ymax")] if stored else []
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"CREATE TABLE rows ({', '.join(columns)})")
            if isinstance(rows, str):
                connection.execute(f"INSERT INTO rows {rows}")
            elif rows:
                marks = ", ".join("?" for _ in columns)
                connection.executemany(f"INSERT INTO rows VALUES ({marks})", [list(row) for row in rows])
            found = connection.execute("SELECT count(*) FROM rows").fetchone()
        assert found is not None
        return Staged(
            path,
            "rows",
            tuple((c.name, c.kind, c.required) for c in contract.properties),
            contract.geometry,
            int(found[0]),
        )

    def put(
        self,
        rows: Sequence[Sequence[Any]] | str,
        contract: Contract | None = None,
        *,
        mode: str = "replace",
        run: str = "",
        reports: Mapping[str, Path] = MappingProxyType({}),
    ) -> Version | None:
        self.day += 1
        staged = self.stage(rows, contract)
        return self.lake.commit(
            contract or self.contract,
            staged,
            run=run or f"run-{self.day}",
            published_at=START + timedelta(days=self.day),
            rows_in=staged.rows,
            quarantined=0,
            fingerprint=f"f{self.day}",
            reports=reports,
            mode=mode,
        )

    def must(self, rows: Sequence[Sequence[Any]] | str, contract: Contract | None = None, **more: Any) -> Version:
        version = self.put(rows, contract, **more)
        assert version is not None
        return version

    def read(self, version: Version, columns: str = "*", tail: str = "ORDER BY _row") -> list[tuple[Any, ...]]:
        relation = self.lake.relation(version)
        with self.lake.engine.execute(f"SELECT {columns} FROM {relation.sql} {tail}", relation.params) as cursor:
            return cursor.fetchall()

    def files(self) -> set[str]:
        return {str(path) for path in (self.lake.warehouse / self.contract.id).rglob("*") if path.is_file()}


def pair(lake: Lake, dataset: str, before: int, after: int) -> tuple[Version, Version]:
    """Two versions by number."""
    return lake.resolve(dataset, str(before)), lake.resolve(dataset, str(after))
