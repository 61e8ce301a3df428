"""How much a record is read and how new it is: a small part of its rank, so that words always decide first."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.state.participation import reading

if TYPE_CHECKING:
    import numpy as np

    from arengo.catalogue.arrays import Arrays
    from arengo.state import State

DAYS = 90
"""Readings of so many days count."""
EVERY = 600.0
"""Seconds between two looks at the counts."""
NEW, READ = 0.08, 0.06
"""Largest share of a score that being new, and being the most read, adds."""
HALF = 180.0
"""Days after which being new counts half."""


class Popularity:
    """Weights by which scores are multiplied, one a record: 1 to ``1 + NEW + READ``."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._counts: dict[str, int] = {}
        self._looked = -EVERY
        self._held: tuple[Arrays, float, np.ndarray[Any, Any]] | None = None

    def weights(self, arrays: Arrays) -> np.ndarray[Any, Any]:
        """Of the records in ``arrays``."""
        import numpy as np

        now = time.monotonic()
        if now - self._looked > EVERY:
            self._looked = now
            self._counts = self._read()
        held = self._held
        if held is not None and held[0] is arrays and held[1] == self._looked:
            return held[2]
        age = np.maximum(0.0, time.time() // 86_400 - arrays.updated / 86_400)
        made: np.ndarray[Any, Any] = 1.0 + NEW * np.exp2(-age / HALF)
        most = max(self._counts.values(), default=0)
        if most:
            counts = self._counts
            read = np.array([counts.get(name, 0) for name in arrays.ids], dtype=np.float64)
            made += READ * np.log1p(read) / np.log1p(most)
        self._held = (arrays, self._looked, made)
        return made

    def _read(self) -> dict[str, int]:
        since = (datetime.now(UTC) - timedelta(days=DAYS)).date()
        chosen = (
            sa.select(reading.c.dataset, sa.func.sum(reading.c.n))
            .where(reading.c.day >= since, reading.c.robot.is_(False), reading.c.dataset != "")
            .group_by(reading.c.dataset)
        )
        with self._state.read() as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(chosen)}
