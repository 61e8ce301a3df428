"""The purposes organisations have written down, kept and never changed once a request names them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from arengo.contract.model import Frozen
from arengo.errors import Conflict, NotAllowed, NotFound
from arengo.governance.approval import member
from arengo.governance.caller import Caller
from arengo.governance.purpose import Purpose, written
from arengo.state import State
from arengo.state.agreements import agreement, purpose

MOST = 500
"""Purposes of one organisation that are listed."""


class Purposes:
    """Thread-safe."""

    def __init__(self, state: State, now: Callable[[], datetime]) -> None:
        self._state = state
        self._now = now

    def find(self, id: str) -> Purpose | None:
        with self._state.read() as connection:
            row = connection.execute(sa.select(purpose).where(purpose.c.id == id)).first()
        return _purpose(row) if row else None

    def get(self, id: str, by: Caller | None = None) -> Purpose:
        """``by``: one of the organisation's own people. Raises NotFound."""
        found = self.find(id)
        if found is None or (by is not None and not member(by, found.organisation)):
            raise NotFound("There is no such purpose of your organisation.", todo="Choose one from the list.")
        return found

    def titles(self, ids: tuple[str, ...]) -> Mapping[str, str]:
        """Id -> title, for lists."""
        with self._state.read() as connection:
            rows = connection.execute(sa.select(purpose.c.id, purpose.c.title).where(purpose.c.id.in_(ids[:1000])))
            return {row.id: row.title for row in rows}

    def listing(self, organisation: str, by: Caller | None = None) -> tuple[Purpose, ...]:
        """The organisation's purposes, the newest first; those that others were written instead of are left out."""
        if by is not None and not member(by, organisation):
            return ()
        c = purpose.c
        later = sa.select(c.follows).where(c.organisation == organisation, c.follows != "")
        chosen = sa.select(purpose).where(c.organisation == organisation, c.id.not_in(later))
        with self._state.read() as connection:
            rows = connection.execute(chosen.order_by(c.created_at.desc(), c.id).limit(MOST))
            return tuple(_purpose(row) for row in rows)

    def write(self, organisation: str, values: Mapping[str, Any], *, by: Caller, follows: str = "") -> Purpose:
        """Write a purpose down. ``values``: the fields of :class:`Purpose`; it may be incomplete until it is used.

        ``follows``: the purpose it is written instead of. Raises BadForm, NotAllowed.
        """
        if not member(by, organisation):
            raise NotAllowed(
                f"You are not one of {organisation[:80] or 'an organisation'}.",
                todo="Write the purpose for your own organisation.",
            )
        if follows:
            self.get(follows, by)
        kept, now = written(values), self._now()
        made = f"u-{secrets.token_hex(6)}"
        with self._state.write() as connection:
            connection.execute(
                purpose.insert().values(
                    **kept, id=made, organisation=organisation, follows=follows, created_by=by.party, created_at=now,
                    updated_at=now,
                )
            )  # fmt: skip
        return self.get(made)

    def edit(self, id: str, values: Mapping[str, Any], *, by: Caller) -> Purpose:
        """Correct a purpose that no request names yet. Raises BadForm, NotFound, Conflict."""
        self.get(id, by)
        kept = written(values)
        with self._state.write() as connection:
            used = sa.select(agreement.c.id).where(agreement.c.purpose == id, agreement.c.state != "draft").limit(1)
            if connection.scalar(used) is not None:
                raise Conflict(
                    "A request names this purpose, so it stays as it is.",
                    todo="Write another one instead of it, then ask for the change.",
                )
            connection.execute(purpose.update().where(purpose.c.id == id).values(**kept, updated_at=self._now()))
        return self.get(id)


def _purpose(row: Any) -> Purpose:
    return Purpose(
        row.id, row.organisation, row.title, row.text, row.dpv, row.legal_basis, row.personal, row.special_basis,
        Frozen(row.answers), row.retention, tuple(row.recipients), row.follows, row.created_by, row.created_at,
    )  # fmt: skip
