"""What was agreed: who may read which part of a dataset, for what, how blurred, how often and until when.

A frozen reading of the stored record. What is asked and what is granted are both kept: :attr:`Agreement.asked` never
changes after the request was sent, the fields of the agreement itself are what holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from arengo.contract.model import EMPTY
from arengo.governance.decision import Mask

STATES = ("draft", "pending", "active", "suspended", "rejected", "expired", "revoked", "superseded")
ENDED = ("rejected", "expired", "revoked", "superseded")
"""States nothing leads out of; only a new request that follows the old one."""
FLAGS = ("consumer", "owner", "platform")
"""Who can suspend. Each lifts only its own flag, and all must be lifted."""

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Approval:
    """``who`` decided, ``behalf``: the person stood in for, '' when for herself. ``level``: 1 or 2."""

    who: str
    at: datetime
    why: str = ""
    behalf: str = ""
    level: int = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked or granted. ``rows``: CQL2 text, '' for all. ``volume``: calls a day."""

    columns: tuple[str, ...]
    plan: str
    volume: int
    valid_from: datetime
    valid_to: datetime
    rows: str = ""
    masks: tuple[tuple[str, Mask], ...] = ()
    obligations: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is stored and sent."""
        return {
            "columns": list(self.columns),
            "plan": self.plan,
            "volume": self.volume,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat(),
            "rows": self.rows,
            "masks": [{"column": name, "kind": mask.kind, "argument": mask.argument} for name, mask in self.masks],
            "obligations": list(self.obligations),
        }

    @classmethod
    def of_json(cls, body: Mapping[str, Any]) -> Terms:
        """The reverse of :meth:`as_json`."""
        return cls(
            tuple(body["columns"]),
            body["plan"],
            int(body["volume"]),
            datetime.fromisoformat(body["valid_from"]),
            datetime.fromisoformat(body["valid_to"]),
            body["rows"],
            tuple((item["column"], Mask(item["kind"], item["argument"])) for item in body["masks"]),
            tuple(body["obligations"]),
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """``owner``, ``organisation``: ids of who gives and who reads. ``application``: the reading program, '' for the
    organisation's own people. ``purpose``: id of a Purpose. ``plan`` to ``valid_to``: what is granted; while nothing
    is, what is asked. ``state``: one of :data:`STATES`. ``follows``: the agreement this one renews, changes or
    upgrades. ``drafted_by``, ``requested_by``: persons; neither may approve. ``revision`` grows with every change."""

    id: str
    dataset: str
    contract_version: str
    contract_sha: str
    owner: str
    organisation: str
    application: str
    purpose: str
    plan: str
    columns: tuple[str, ...]
    rows: str = ""
    masks: tuple[tuple[str, Mask], ...] = ()
    obligations: tuple[str, ...] = ()
    volume: int = 0
    valid_from: datetime = NEVER
    valid_to: datetime = NEVER
    state: str = "draft"
    suspended_by: frozenset[str] = frozenset()
    approvals: tuple[Approval, ...] = ()
    created_at: datetime = NEVER
    updated_at: datetime = NEVER
    asked: Terms | None = None
    follows: str = ""
    drafted_by: str = ""
    requested_by: str = ""
    requested_at: datetime | None = None
    revision: int = 0

    @property
    def terms(self) -> Terms:
        """The fields from ``plan`` to ``valid_to`` as one value."""
        return Terms(**{item.name: getattr(self, item.name) for item in fields(Terms)})

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def current(self, now: datetime) -> bool:
        """Whether rows may be read under it at ``now``."""
        return self.state == "active" and self.valid_from <= now < self.valid_to


def fingerprint_of(item: Agreement, granted: Terms, purpose: Mapping[str, Any]) -> str:
    """SHA-256 of everything both sides agreed on, as canonical JSON: what ties the record to the document.

    ``purpose``: its fields as they are kept.
    """
    body = {
        "agreement": item.id,
        "dataset": item.dataset,
        "contract": item.contract_sha,
        "owner": item.owner,
        "organisation": item.organisation,
        "application": item.application,
        "purpose": dict(purpose),
        "asked": item.asked.as_json() if item.asked else None,
        "granted": granted.as_json(),
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stamp:
    """One step in an agreement's history. ``actor``: a person or application, ``arengo`` for the clock and rules.

    ``behalf``: the person stood in for. ``before``, ``after``: states; equal when only something about it changed.
    """

    seq: int
    agreement: str
    at: datetime
    action: str
    actor: str
    organisation: str
    behalf: str
    why: str
    before: str
    after: str
    body: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class Difference:
    """One point where what is granted is not what was asked. ``what``: columns, masks, rows, plan, volume, valid_from,
    valid_to or obligations. ``column``: for masks and columns."""

    what: str
    asked: str
    granted: str
    column: str = ""


def diff(agreement: Agreement) -> tuple[Difference, ...]:
    """Where the grant is narrower than the request, in the order of the form; () when they are equal."""
    return () if agreement.asked is None else compare(agreement.asked, agreement.terms)


def compare(asked: Terms, granted: Terms) -> tuple[Difference, ...]:
    """Where two terms differ, in the order of the form."""
    out: list[Difference] = []
    for name in asked.columns:
        if name not in granted.columns:
            out.append(Difference("columns", name, "", name))
    out += [Difference("columns", "", name, name) for name in granted.columns if name not in asked.columns]
    before, after = masks_by_column(asked.masks), masks_by_column(granted.masks)
    for name in granted.columns:
        if before.get(name, ()) != after.get(name, ()):
            out.append(Difference("masks", _said(before.get(name, ())), _said(after.get(name, ())), name))
    for what in ("rows", "plan", "volume", "valid_from", "valid_to"):
        old, new = getattr(asked, what), getattr(granted, what)
        if old != new:
            out.append(Difference(what, str(old), str(new)))
    if asked.obligations != granted.obligations:
        out.append(Difference("obligations", "; ".join(asked.obligations), "; ".join(granted.obligations)))
    return tuple(out)


def masks_by_column(masks: Iterable[tuple[str, Mask]]) -> dict[str, tuple[Mask, ...]]:
    """Column -> its masks in the order they are applied."""
    out: dict[str, tuple[Mask, ...]] = {}
    for name, mask in masks:
        out[name] = (*out.get(name, ()), mask)
    return out


def _said(masks: tuple[Mask, ...]) -> str:
    return ", ".join(map(str, masks))
