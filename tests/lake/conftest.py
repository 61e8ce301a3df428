"""The ``bench`` fixture: a lake in a temporary folder, closed at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lake_bench import Bench, open_lake

from arengo.contract.model import Contract


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    opened: list[Bench] = []

    def make(contract: Contract, **settings: Any) -> Bench:
        opened.append(Bench(open_lake(tmp_path, **settings), tmp_path, contract))
        return opened[-1]

    yield make
    for item in opened:
        item.lake.close()
        item.lake.state.close()
