"""A person who can sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

STATES = ("invited", "active", "blocked")


@dataclass(frozen=True, slots=True)
class Person:
    """``organisation``: for whom the person acts. ``state``: one of :data:`STATES`; only active ones sign in."""

    id: str
    name: str
    mail: str
    organisation: str
    state: str
    language: str
    created_at: datetime
    updated_at: datetime

    @property
    def active(self) -> bool:
        return self.state == "active"


def person_of(row: Any) -> Person:
    """A row of the table as a value."""
    return Person(row.id, row.name, row.mail, row.organisation, row.state, row.language, row.created_at, row.updated_at)


def address(mail: str) -> str:
    """An e-mail address as it is compared: without spaces around, in lower case."""
    return mail.strip().lower()
