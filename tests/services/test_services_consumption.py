"""What programs took is counted for the owner and the reader, and little of it is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from arengo.governance.caller import ANYONE, Caller
from arengo.services import consumption as module
from arengo.services.consumption import Consumption, Used
from arengo.state import State, open_state

ATLAS = Caller(party="app-1", application="app-1", agreement="agr-1")
TREES = Caller(party="app-2", application="app-2")
ROWS = "/api/v1/datasets/pupils/rows"


class Clock:
    at = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # half past midnight in Rome

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")
    yield made
    made.close()


@pytest.fixture
def counted(state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[Consumption]:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.05)
    made = Consumption(state, "Europe/Rome", now=Clock())
    yield made
    made.close()


def test_owner_and_reader_see_what_was_taken(counted: Consumption, state: State) -> None:
    before = state.generation()
    for _ in range(3):
        counted.note(ATLAS, ROWS, 200, 1000, [("pupils", "agr-1", 100)])
    counted.note(ATLAS, ROWS, 429, 80)
    counted.note(ATLAS, "/api/v1/datasets/pupils/export.csv", 200, 5000, [("pupils", "agr-1", 900)])
    counted.note(ATLAS, "/api/v1/sql", 200, 700, [("pupils", "agr-1", 7), ("schools", "agr-2", 7)])
    counted.note(TREES, ROWS, 403, 300)
    counted.note(TREES, "/ogc/collections/trees/items", 304)
    counted.note(ANYONE, ROWS, 200, 10)
    counted.note(Caller(party="rita"), ROWS, 200, 10)
    counted.flush()
    day = date(2026, 3, 2)
    assert counted.used(("day",), dataset="pupils") == [Used((day,), 7, 2, 1207, 9080)]
    assert counted.used(("application",), dataset="pupils") == [
        Used(("app-1",), 6, 1, 1207, 8780),
        Used(("app-2",), 1, 1, 0, 300),
    ]
    faces = {item.key: item.calls for item in counted.used(("dataset", "face", "status"), applications=["app-1"])}
    assert faces == {
        ("pupils", "api", "2xx"): 3,
        ("pupils", "api", "429"): 1,
        ("pupils", "download:csv", "2xx"): 1,
        ("pupils", "sql", "2xx"): 1,
        ("schools", "sql", "2xx"): 1,
    }
    assert counted.used((), agreement="agr-2")[0].rows == 7
    assert counted.used((), applications=[]) == []
    assert counted.used(("day",), since=date(2026, 3, 3)) == []
    assert counted.used(("status",), applications=["app-2"], datasets=["trees"]) == [Used(("3xx",), 1, 0, 0, 0)]
    with pytest.raises(ValueError, match="grouped by"):
        counted.used(("day; DROP TABLE consumption",))
    assert state.generation() == before  # nothing that is decided has changed
    assert counted.purge(date(2026, 3, 3)) > 0
    assert counted.used(()) == []


def test_counts_are_written_by_themselves(counted: Consumption) -> None:
    counted.note(ATLAS, ROWS, 200)
    until = time.monotonic() + 120
    while not counted.used(()) and time.monotonic() < until:
        time.sleep(0.02)
    assert counted.used(())[0].calls == 1


def test_what_could_not_be_written_is_written_later(counted: Consumption, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(counts: object) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(counted, "_write", full)
        counted._counts[("app-1", "", "pupils", "api", date(2026, 3, 2), "2xx")] = [2, 5, 9]
        with pytest.raises(OSError, match="no space"):
            counted.flush()
    counted.flush()
    assert counted.used(()) == [Used((), 2, 0, 5, 9)]


def test_counting_asks_nothing_of_the_database(state: State, statements: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 3600.0)
    made = Consumption(state)
    with statements.counted() as asked:
        for n in range(5000):
            made.note(ATLAS, ROWS, 200, n, [("pupils", "agr-1", 100)])
    assert asked == []
    made.close()
