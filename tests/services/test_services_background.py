"""Work that a decision starts: waited for when the city closes, and a failure of it stays its own."""

from __future__ import annotations

import logging
import threading

import pytest

from arengo.errors import Conflict
from arengo.services.background import Background


def test_who_closes_waits_for_what_runs() -> None:
    background, gate, done = Background(), threading.Event(), threading.Event()

    def work() -> None:
        gate.wait(30)
        done.set()

    background.start("a publication", work)
    assert not background.wait(0.05)
    threading.Timer(0.1, gate.set).start()
    background.close()
    assert done.is_set()
    assert background.wait(0)


def test_work_may_start_more_work() -> None:
    background, done = Background(), threading.Event()
    background.start("first", lambda: background.start("second", done.set))
    assert background.wait(30)
    assert done.is_set()


@pytest.mark.parametrize("error", [Conflict("Somebody was faster."), ValueError("a fault of ours")])
def test_what_goes_wrong_is_logged_and_ends_nothing_else(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def work() -> None:
        raise error

    background = Background()
    with caplog.at_level(logging.WARNING):
        background.start("publishing ballots", work)
        assert background.wait(30)
    assert "publishing ballots" in caplog.text
    assert str(error) in caplog.text
