from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faces"))

from tiny_city import TinyCity, make_city


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyCity]:
    """A city that tests only read."""
    city = make_city(Path(tmp_path_factory.mktemp("tiny")))
    yield city
    city.close()
