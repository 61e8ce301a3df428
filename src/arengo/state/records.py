"""Rows of the state database as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """A contract as it was applied. ``path`` is relative to the city folder, '' when it came from elsewhere."""

    dataset: str
    sha: str
    version: str
    text: str
    path: str | None
    applied_at: datetime
    created_at: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One publication, finished or not.

    ``state``: queued, running, succeeded, unchanged, refused, failed. ``steps``: name, state, started_at, seconds,
    rows of each step so far. ``error``: :meth:`arengo.errors.ArengoError.as_dict`.
    """

    id: str
    dataset: str
    trigger: str  # manual | schedule | demo | retention
    state: str
    step: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    steps: tuple[Mapping[str, Any], ...] = ()
    rows_in: int | None = None
    rows: int | None = None
    quarantined: int | None = None
    version: int | None = None
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SavedRecord:
    """A query, chart or dashboard kept under a name. ``body`` is its own kind's JSON."""

    kind: str
    id: str
    title: str
    body: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
