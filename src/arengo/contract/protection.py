"""What a contract's columns are once they are protected: which stay, and how they are held.

``arengoProtect`` of a column and ``arengoProtection`` of the contract say what is done between the read and the
commit; :mod:`arengo.privacy.protect` does it. Everything after the commit sees only the columns as they are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from arengo.contract.model import EMPTY, Contract, Frozen, Kind, Property

_TO_TEXT = ("pseudonym", "level", "truncate", "redact", "pram", "vault")


def released(contract: Contract) -> Contract:
    """The contract over the columns that are stored, with the one over those that are read as its ``intake``.

    A key that is dropped or made coarser is no key any more; what names a column that is gone goes with it.
    """
    columns, custom = contract.properties, contract.custom
    local = _local(columns, custom)
    means = set(custom.get("arengoProtection", EMPTY).get("microaggregate", EMPTY).get("columns", ()))
    open_cells = _figures(custom) | set(custom.get("arengoProtection", EMPTY).get("suppress", EMPTY).get("blank", ()))
    kept = [_one(item, local, means, item.name in open_cells) for item in columns if "drop" not in item.protect]
    if tuple(kept) == columns and not any(item.protect for item in columns):
        return contract
    whole = sum(item.key_position >= 0 for item in kept) == sum(item.key_position >= 0 for item in columns)
    if not whole or any(item.key_position >= 0 and not _tells_apart(item) for item in kept):
        kept = [replace(item, key_position=-1, unique=item.unique and _tells_apart(item)) for item in kept]
    there = {item.name for item in kept}
    place = contract.geometry
    if place is not None and not {name for name in (place.column if not place.derived else "", place.x, place.y)
                                  if name} <= there:  # fmt: skip
        place = None
    return replace(
        contract, properties=tuple(kept), custom=Frozen(_of_those(custom, there)), geometry=place, intake=contract
    )


def _of_those(custom: Mapping[str, Any], there: set[str]) -> dict[str, Any]:
    """What the contract says of its columns, without those that are not stored."""
    out = dict(custom)
    for name in ("arengoSort", "arengoSearch"):
        if name in out:
            out[name] = tuple(item for item in out[name] if item.lstrip("-") in there)
    if "arengoFilters" in out:
        groups = (tuple(item for item in group if item.lstrip("-") in there) for group in out["arengoFilters"])
        out["arengoFilters"] = tuple(group for group in groups if group)
    for name in ("arengoTime", "arengoRetentionFrom"):
        if out.get(name) not in there:
            out.pop(name, None)
    return out


def step_name(step: Any) -> str:
    """Name of a step of ``arengoProtect``: a word, or the key of a mapping (``hierarchy`` beside ``level`` is none)."""
    return step if isinstance(step, str) else next(name for name in step if name != "hierarchy")


def names(column: Property) -> Iterator[str]:
    yield from (step_name(step) for step in column.protect)


def coarse(contract: Contract) -> frozenset[str]:
    """Columns whose released values name groups instead of single values: a level of a hierarchy, or Mondrian's."""
    levels = {item.name for item in contract.properties if item.custom.get("arengoLevel") or "level" in names(item)}
    return frozenset(levels | _local(contract.properties, contract.custom))


def _local(columns: tuple[Property, ...], custom: Mapping[str, Any]) -> set[str]:
    told = custom.get("arengoProtection", EMPTY).get("local")
    if not told:
        return set()
    return set(told.get("by", ())) or {item.name for item in columns if item.privacy_role == "quasi"}


def _figures(custom: Mapping[str, Any]) -> set[str]:
    """Columns of figures some of which are left out when a table of counts is protected."""
    told, cells = custom.get("arengoProtection", EMPTY).get("cells"), custom.get("arengoCells", EMPTY)
    if not told:
        return set()
    return {str(cells.get("count", ""))} | {str(item.get("column", "")) for item in cells.get("sums", ())}


def _one(column: Property, local: set[str], means: set[str], figure: bool) -> Property:
    steps = set(names(column))
    if figure and column.required:
        column = replace(column, required=False)
    if not steps and column.name not in local and column.name not in means:
        return column
    kind = column.kind
    if column.name in local or (steps & set(_TO_TEXT) and kind is not Kind.STRING):
        kind = Kind.STRING
    elif column.name in means and kind is Kind.INTEGER:  # a text stays one, and the rule refuses it by name
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
        examples=(),
        required=column.required and not changed,
        unique=(column.unique and not changed) or (column.unique and steps == {"pseudonym"}),
        quality=() if changed else column.quality,
        custom=Frozen({key: value for key, value in column.custom.items() if key != "arengoParse"}),
    )  # fmt: skip


def _tells_apart(column: Property) -> bool:
    return set(names(column)) <= {"pseudonym", "redact"}
