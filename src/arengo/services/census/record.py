"""What the census holds: applications, and what one hands to another."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cached_property
from typing import Any

from arengo.contract.draft.naming import latin

KINDS = ("application", "database", "files", "service", "external")
"""``files``: spreadsheets and shared folders; ``service``: one that several applications use; ``external``: another
body's application."""
WAYS = ("by-hand", "by-file", "by-api", "through-platform")
"""From the most laborious on: typed over or carried, sent or left as a file, program to program, through Arengo."""
CRITICALITY = ("low", "medium", "high")
PRIVATE = ("technology", "hosting", "contract_ends", "contact", "criticality", "note")
"""What of an application is told only to those who keep the census: it would help an intruder, or names a person."""


@dataclass(frozen=True, slots=True)
class Application:
    """One application or database. ``personal``: whether it holds personal data, None when nobody said."""

    id: str
    name: str
    organisation: str = ""
    vendor: str = ""
    kind: str = "application"
    databases: str = ""
    technology: str = ""
    hosting: str = ""
    personal: bool | None = None
    criticality: str = ""
    contract_ends: date | None = None
    contact: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What ``source`` hands to ``target`` (ids of applications). ``dataset``: the id that holds it, '' when none."""

    id: str
    source: str
    target: str
    what: str
    way: str
    dataset: str = ""
    frequency: str = ""
    volume: str = ""
    personal: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a difference. ``action``: added, changed or removed; ``fields``: (name, before, after)."""

    kind: str
    id: str
    title: str
    action: str
    fields: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Register:
    """The census whole, by id."""

    applications: Mapping[str, Application] = field(default_factory=dict)
    exchanges: Mapping[str, Exchange] = field(default_factory=dict)

    @cached_property
    def mark(self) -> str:
        """Equal marks mean equal registers."""
        found = hashlib.sha256()
        for held in (self.applications, self.exchanges):
            for item in sorted(held):
                found.update(repr(held[item]).encode())
        return found.hexdigest()[:24]

    @cached_property
    def organisations(self) -> tuple[str, ...]:
        return tuple(sorted({item.organisation for item in self.applications.values()}, key=str.casefold))

    def of(self, application: str) -> tuple[Exchange, ...]:
        """What an application gives and receives."""
        return tuple(item for item in self.exchanges.values() if application in (item.source, item.target))


def slug(text: str) -> str:
    """A name as an id: Latin letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", latin(text).lower()).strip("-")[:80].strip("-")


def exchange_id(source: str, target: str, what: str) -> str:
    """The same two and the same thing are the same exchange, however it travels this year."""
    said = "\0".join((source, target, " ".join(what.casefold().split())))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def compare(before: Register, after: Register) -> tuple[Change, ...]:
    """What would change, applications first, in the order of names."""
    names = {key: item.name for held in (before, after) for key, item in held.applications.items()}
    out: list[Change] = []
    pairs: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
        ("application", before.applications, after.applications),
        ("exchange", before.exchanges, after.exchanges),
    )
    for kind, old, new in pairs:
        found = []
        for key in {**old, **new}:
            item = new.get(key) or old[key]
            title = item.name if isinstance(item, Application) else told(item, names)
            if key not in old:
                found.append(Change(kind, key, title, "added"))
            elif key not in new:
                found.append(Change(kind, key, title, "removed"))
            elif old[key] != new[key]:
                found.append(Change(kind, key, title, "changed", _differences(old[key], new[key])))
        out += sorted(found, key=lambda change: (change.title.casefold(), change.id))
    return tuple(out)


def told(item: Exchange, names: Mapping[str, str]) -> str:
    return f"{names.get(item.source, item.source)} → {names.get(item.target, item.target)}: {item.what}"


def _differences(old: Any, new: Any) -> tuple[tuple[str, str, str], ...]:
    pairs = ((item.name, getattr(old, item.name), getattr(new, item.name)) for item in fields(old))
    return tuple((name, written(before), written(after)) for name, before, after in pairs if before != after)


def written(value: object) -> str:
    """A field as the sheet writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)


def merged(held: Register, applications: Iterable[Application], exchanges: Iterable[Exchange]) -> Register:
    """A register with some lines more, or written anew."""
    return Register(
        {**held.applications, **{item.id: item for item in applications}},
        {**held.exchanges, **{item.id: item for item in exchanges}},
    )
