"""One row through time: the key it is followed by, and what it was at a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arengo.door.view import View
from arengo.errors import BadQuery
from arengo.lake.version import Version
from arengo.query.notation import value
from arengo.query.scope import Field


@dataclass(frozen=True, slots=True)
class PastRow:
    """One row at one version; ``row`` None: it was not there."""

    version: Version
    row: Mapping[str, Any] | None


def row_key(view: View, key: Sequence[Any]) -> tuple[Any, ...]:
    """The primary key of a row, texts in it read as their columns' types. Raises BadQuery when it is none."""
    names = view.scope.key
    if not names:
        raise BadQuery(f"{view.dataset} has no primary key, so a row cannot be followed.", todo="See its versions.")
    if len(key) != len(names):
        raise BadQuery(f"The key of {view.dataset} is {', '.join(names)}; {len(key)} values were given.")
    return tuple(_typed(view.scope.fields[name], part) for name, part in zip(names, key, strict=True))


def _typed(field: Field, part: Any) -> Any:
    if not isinstance(part, str):
        return part
    from arengo.query.literal import Node, fit

    found = value(field, part)
    if isinstance(found, dict):
        found = next(iter(found.values()))
    return fit(found, Node("", kind=field.kind, column=field.name)).literal
