"""How long an owner usually takes to answer a request."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.state.agreements import agreement as table
from arengo.state.agreements import agreement_stamp

if TYPE_CHECKING:
    from arengo.state import State

LOOKED_AT = 50
"""Answers looked at, the newest."""
ANSWERS = ("approve", "confirm", "reject", "return")
"""Steps of a person who answers; what a rule grants takes no time and says nothing about people."""


def usual(state: State, dataset: str) -> timedelta | None:
    """The median time from a request to its first answer; None before the first answer."""
    s, c = agreement_stamp.c, table.c
    asked = sa.select(s.agreement, s.action, s.at, s.seq).join(table, c.id == s.agreement)
    newest = asked.where(c.dataset == dataset, s.action.in_(("submit", *ANSWERS))).order_by(s.seq.desc())
    with state.read() as connection:
        rows = connection.execute(newest.limit(LOOKED_AT * 4)).all()
    waiting, took = {}, []
    for row in reversed(rows):
        if row.action == "submit":
            waiting[row.agreement] = row.at
        elif row.agreement in waiting:
            took.append(row.at - waiting.pop(row.agreement))
    return timedelta(seconds=median(item.total_seconds() for item in took[-LOOKED_AT:])) if took else None
