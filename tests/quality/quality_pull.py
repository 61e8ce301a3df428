"""A pull from columns given in a test, and what came of conforming it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pyarrow as pa

from arengo.contract.model import Contract, Geometry, Property, Rule
from arengo.lake.version import Staged
from arengo.quality import Counts
from arengo.sources.base import ROW, Fingerprint, Pull, Reject


def contract_of(
    *properties: Property, geometry: Geometry | None = None, quality: Sequence[Rule] = (), **custom: Any
) -> Contract:
    named = tuple(replace(item, physical_name=item.physical_name or item.name) for item in properties)
    return Contract(
        "things",
        "1.0.0",
        "Things",
        "active",
        "",
        named,
        "things",
        None,
        geometry,
        quality=tuple(quality),
        custom=custom,
    )


def pull_of(
    columns: Mapping[str, Any],
    *,
    size: int = 1000,
    rejects: Sequence[Reject] = (),
    types: Mapping[str, Any] | None = None,
) -> Pull:
    table = pa.table(
        {
            name: values
            if isinstance(values, pa.Array | pa.ChunkedArray)
            else pa.array(values, (types or {}).get(name))
            for name, values in columns.items()
        }
    )
    table = table.append_column(ROW, pa.array(range(1, table.num_rows + 1), pa.int64()))
    return Pull(
        table.schema,
        iter(table.to_batches(max_chunksize=size)),
        Fingerprint("x"),
        list(rejects),
        table.num_rows + len(rejects),
    )


@dataclass(frozen=True)
class Conformed:
    staged: Staged
    counts: Counts
    quarantine: list[dict[str, Any]]

    def rows(self, columns: str = "* EXCLUDE (_source)") -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.staged.database), read_only=True) as connection:
            return connection.execute(f"SELECT {columns} FROM {self.staged.table} ORDER BY _source").fetchall()

    def column(self, name: str) -> list[Any]:
        return [row[0] for row in self.rows(f'"{name}"')]
