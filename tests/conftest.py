"""No test is timed: machines are shared. What must be cheap is counted; what must end has a bound no load reaches."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

# The same examples each time: what they find is of the change that is tested.
settings.register_profile("untimed", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """A question waits until the few records that changed are in the index, not only for the moment a reader has."""
    from arengo.catalogue import index

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "PATIENCE", 120.0)
        yield


class Statements:
    """What this thread asks of state databases: ``with statements.counted() as asked`` gives the texts."""

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        asked: list[str] = []
        here = threading.get_ident()

        def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if threading.get_ident() == here:  # a workflow runtime of another test may be at work beside
                asked.append(statement)

        sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
        try:
            yield asked
        finally:
            sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)


@pytest.fixture
def statements() -> Statements:
    return Statements()
