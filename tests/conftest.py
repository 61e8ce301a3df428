"""No test is timed: machines are shared. What must be cheap is counted; what must end has a bound no load reaches."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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
