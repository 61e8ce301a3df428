"""Texts of the city folder that were brought into force: by kind and name, each marked by its SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from arengo.state import tables

if TYPE_CHECKING:
    from arengo.state.database import State


def marks(state: State, kind: str) -> dict[str, str]:
    """Name -> mark of the texts of a kind that are in force, the newest first."""
    saved = tables.saved.c
    chosen = sa.select(saved.id, saved.title).where(saved.kind == kind).order_by(saved.updated_at.desc(), saved.id)
    with state.read() as connection:
        return {row.id: row.title for row in connection.execute(chosen)}


def take(state: State, kind: str, files: Mapping[str, str], at: datetime) -> tuple[str, ...]:
    """Bring all texts of a kind into force, and no others; names of those that changed. Twice is once."""
    held = marks(state, kind)
    changed = []
    for name, text in files.items():
        mark = hashlib.sha256(text.encode()).hexdigest()
        if held.pop(name, None) != mark:
            state.save(kind, name, mark, {"text": text}, at)
            changed.append(name)
    for name in held:
        state.forget(kind, name)
        changed.append(name)
    return tuple(changed)
