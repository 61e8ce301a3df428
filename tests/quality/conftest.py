from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from quality_pull import Conformed, pull_of

from arengo.contract.model import Contract
from arengo.quality import conform
from arengo.sources.base import Pull


@pytest.fixture
def conformed(tmp_path: Path) -> Callable[..., Conformed]:
    counter = iter(range(1000))

    def run(contract: Contract, columns: Mapping[str, Any] | Pull, timezone: str = "UTC", **options: Any) -> Conformed:
        pull = columns if isinstance(columns, Pull) else pull_of(columns, **options)
        here = tmp_path / str(next(counter))
        staged, counts = conform(
            contract, pull, here / "staged.duckdb", here / "quarantine.parquet", timezone=timezone, file="things.csv"
        )
        assert counts.rows_in == counts.rows + counts.quarantined
        found = Conformed(staged, counts, pq.read_table(here / "quarantine.parquet").to_pylist())
        assert len(found.rows()) == counts.rows == staged.rows
        assert len({line["row"] for line in found.quarantine}) == counts.quarantined
        assert len(found.quarantine) == counts.values
        return found

    return run
