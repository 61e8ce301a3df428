from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_record import Clock

from arengo.ledger import Ledger
from arengo.settings import CitySettings, Settings
from arengo.state import open_state


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state database with all its tables, to be copied: making one takes longer than most tests."""
    path = Path(tmp_path_factory.mktemp("state")) / "state.sqlite"
    state = open_state(f"sqlite:///{path}")
    with state.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    state.close()
    return path


@pytest.fixture
def make(clock: Clock, migrated: Path) -> Iterator[Callable[[Path], Ledger]]:
    """Open the record of a city folder; closed at the end."""
    made: list[Ledger] = []

    def build(root: Path, name: str = "Castellaro") -> Ledger:
        settings = Settings(root, CitySettings(name=name, url="https://data.example.org"))
        if not (settings.home / "state.sqlite").exists():
            settings.home.mkdir(parents=True, exist_ok=True)
            shutil.copy(migrated, settings.home / "state.sqlite")
        made.append(Ledger(settings, open_state(settings.state_url), now=clock))
        return made[-1]

    yield build
    for ledger in made:
        ledger.close()
        ledger.state.close()


@pytest.fixture
def ledger(make: Callable[[Path], Ledger], tmp_path: Path) -> Ledger:
    return make(tmp_path / "city")
