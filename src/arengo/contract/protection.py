"""What a contract's columns are once they are protected: which stay, and how they are held.

``arengoProtect`` of a column and ``arengoProtection`` of the contract say what is done between the read and the
commit; :mod:`arengo.privacy.protect` does it. Everything after the commit sees only the columns as they are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from arengo.contract.model import EMPTY, Frozen, Kind, Property

_TO_TEXT = ("pseudonym", "level", "truncate", "redact", "pram")


def released(columns: tuple[Property, ...], custom: Mapping[str, Any]) -> tuple[Property, ...]:
    """The columns that are stored. A key that is dropped or made coarser is no key any more."""
    local = _local(columns, custom)
    means = set(custom.get("arengoProtection", EMPTY).get("microaggregate", EMPTY).get("columns", ()))
    kept = [_one(item, local, means) for item in columns if "drop" not in item.protect]
    whole = sum(item.key_position >= 0 for item in kept) == sum(item.key_position >= 0 for item in columns)
    if not whole or any(item.key_position >= 0 and not _tells_apart(item) for item in kept):
        kept = [replace(item, key_position=-1, unique=item.unique and _tells_apart(item)) for item in kept]
    return tuple(kept)


def step_name(step: Any) -> str:
    """Name of a step of ``arengoProtect``: a word, or the key of a mapping (``hierarchy`` beside ``level`` is none)."""
    return step if isinstance(step, str) else next(name for name in step if name != "hierarchy")


def names(column: Property) -> Iterator[str]:
    yield from (step_name(step) for step in column.protect)


def _local(columns: tuple[Property, ...], custom: Mapping[str, Any]) -> set[str]:
    told = custom.get("arengoProtection", EMPTY).get("local")
    if not told:
        return set()
    return set(told.get("by", ())) or {item.name for item in columns if item.privacy_role == "quasi"}


def _one(column: Property, local: set[str], means: set[str]) -> Property:
    steps = set(names(column))
    if not steps and column.name not in local and column.name not in means:
        return column
    kind = column.kind
    if column.name in local or (steps & set(_TO_TEXT) and kind is not Kind.STRING):
        kind = Kind.STRING
    elif column.name in means:
        kind = Kind.NUMBER
    changed = column.name in local or bool(steps & set(_TO_TEXT))
    return replace(
        column,
        kind=kind,
        logical_type={Kind.STRING: "string", Kind.NUMBER: "number"}.get(kind, column.logical_type)
        if kind is not column.kind else column.logical_type,
        # Rules and lists about the values that are read do not hold for those that are stored.
        options=EMPTY if changed else column.options,
        enum=() if changed else column.enum,
        enum_labels=EMPTY if changed else column.enum_labels,
        examples=() if changed else column.examples,
        required=column.required and not changed,
        unique=(column.unique and not changed) or (column.unique and steps == {"pseudonym"}),
        quality=() if changed else column.quality,
        custom=Frozen({key: value for key, value in column.custom.items() if key != "arengoParse"}),
    )  # fmt: skip


def _tells_apart(column: Property) -> bool:
    return set(names(column)) <= {"pseudonym", "redact"}
