"""A record of a few entries and a clock that tests set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from arengo.ledger import Ledger


class Clock:
    """A clock that tests set; every look is a millisecond later."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


def fill(ledger: Ledger, count: int, start: int = 0) -> None:
    """``count`` entries about a few persons, written in few transactions."""
    tickets = [
        ledger.submit(
            "read",
            actor=f"app-{i % 3}",
            organisation="parks",
            dataset="trees" if i % 2 else "children",
            body={"version": 3, "fields": ["id", "age"], "purpose": "planning", "decision": "permit", "rows": i},
            subjects=[f"person-{i % 7}"] if i % 2 == 0 else (),
        )
        for i in range(start, start + count)
    ]
    for ticket in tickets:
        ticket.wait()
