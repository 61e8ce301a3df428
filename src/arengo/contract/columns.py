"""Lint of the columns: names, keys, types, bounds, and how texts are read."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable
from typing import Any

from arengo.contract.document import Path
from arengo.contract.finding import Report
from arengo.contract.model import Contract, Kind, Property

_NAME = re.compile(r"[^\W\d]\w*")
_NUMBERS = (Kind.INTEGER, Kind.NUMBER)
_MOMENTS = (Kind.DATE, Kind.TIME, Kind.TIMESTAMP)
_BOUNDS = (("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum"), ("minLength", "maxLength"))
_PYTHON_ONLY = re.compile(r"\(\?[=!<]|\\[1-9]|\(\?P=")


def nearest(name: str, names: Iterable[str]) -> str:
    """A 'did you mean' for a column, or the list of columns when there are few."""
    known = list(names)
    folded = {item.lower(): item for item in known}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{folded[close[0]]}'?"
    return f"The columns are {', '.join(known)}." if len(known) <= 12 else "Look at the list of properties."


def check(contract: Contract, report: Report, items: list[dict[str, Any]]) -> None:
    """Findings about every property; ``items`` are the raw entries of ``schema[0].properties``."""
    first: dict[str, str] = {}
    sources: dict[str, str] = {}
    for number, column in enumerate(contract.properties):
        here: Path = ("schema", 0, "properties", number)
        _name(column, here, report, first)
        other = sources.setdefault(column.physical_name, column.name)
        if other != column.name:
            report.info(here, "same-source", f"'{column.name}' and '{other}' both read '{column.physical_name}'.",
                        "That is allowed; check that it is meant.")  # fmt: skip
        _type(column, here, report, items[number])
        _options(column, here, report)
        _enum(column, here, report)
        _parse(column, here, report)
        _renamed(contract, column, here, report)
    _key(contract, report, items)


def _name(column: Property, here: Path, report: Report, first: dict[str, str]) -> None:
    name = column.name
    if name.lower() in first:
        report.error(
            (*here, "name"), "duplicate-column",
            f"Two columns are called '{name}'." if first[name.lower()] == name
            else f"'{name}' and '{first[name.lower()]}' differ only in capital letters.",
            "Rename one of them; physicalName keeps the name the source uses.",
        )  # fmt: skip
    first.setdefault(name.lower(), name)
    if not name.strip():
        report.error((*here, "name"), "empty-name", "A column has an empty name.", "Give it a name.")
    elif name.startswith("_"):
        report.error(
            (*here, "name"), "reserved-name", f"'{name}' starts with '_', which is kept for hidden columns.",
            f"Call it '{name.lstrip('_') or 'value'}' and write 'physicalName: {name}'.",
        )  # fmt: skip
    elif len(name) > 120 or any(ord(letter) < 32 for letter in name):
        report.error((*here, "name"), "awkward-name", f"The name '{name[:40]}' is too long or holds control marks.",
                     "Give it a short name; physicalName keeps the source's.")  # fmt: skip
    elif not _NAME.fullmatch(name):
        report.info(
            (*here, "name"), "awkward-name", f"The name '{name}' needs quotes in addresses and queries.",
            "Letters, digits and '_' read easier; physicalName keeps the source's name.",
        )  # fmt: skip


def _type(column: Property, here: Path, report: Report, item: dict[str, Any]) -> None:
    if "logicalType" not in item and column.kind is not Kind.GEOMETRY:
        guess = f" from physicalType '{column.physical_type}'" if column.physical_type else ""
        report.warning(
            here, "no-type", f"'{column.name}' has no logicalType; it is read as {column.logical_type}{guess}.",
            f"Write 'logicalType: {column.logical_type}', or the right type.",
        )  # fmt: skip
    if column.kind is Kind.GEOMETRY and column.logical_type not in ("object", "string"):
        report.error(
            here, "geometry-type", f"'{column.name}' is a geometry column, but its logicalType is "
            f"{column.logical_type}.", "Write 'logicalType: object' and 'physicalType: geometry'.",
        )  # fmt: skip


def _options(column: Property, here: Path, report: Report) -> None:
    options = column.options
    place = (*here, "logicalTypeOptions")
    for low, high in _BOUNDS:
        if low in options and high in options:
            try:
                crossed = options[low] > options[high]
            except TypeError:
                continue
            if crossed:
                report.error(
                    (*place, low), "crossed-bounds",
                    f"No value of '{column.name}' can be at least {options[low]} and at most {options[high]}.",
                    f"Change {low} or {high}.",
                )  # fmt: skip
    if "pattern" in options:
        regex(str(options["pattern"]), (*place, "pattern"), report)
    for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if name in options and column.kind in _MOMENTS and not moment(column.kind, options[name]):
            report.error(
                (*place, name), "wrong-bound", f"{name} of '{column.name}' is {options[name]!r}, which is no "
                f"{column.kind}.", _example(column.kind),
            )  # fmt: skip


def regex(pattern: str, path: Path, report: Report) -> None:
    """A pattern must compile, and must not use what the engine's RE2 dialect has not."""
    try:
        re.compile(pattern)
    except re.error as error:
        report.error(path, "wrong-pattern", f"The pattern {pattern!r} cannot be read: {error}.",
                     "Escape marks such as ( ) [ ] . with a backslash.")  # fmt: skip
        return
    if _PYTHON_ONLY.search(pattern):
        report.error(path, "wrong-pattern", f"The pattern {pattern!r} looks ahead, back or refers to a group.",
                     "Write it without (?=...), (?!...), (?<...) and \\1 (RE2 syntax).")  # fmt: skip


def moment(kind: Kind, value: Any) -> bool:
    """Whether a text is an ISO 8601 date, time or date-time."""
    try:
        if kind is Kind.DATE:
            dt.date.fromisoformat(str(value))
        elif kind is Kind.TIME:
            dt.time.fromisoformat(str(value))
        else:
            dt.datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _example(kind: Kind) -> str:
    example = {Kind.DATE: "2024-01-31", Kind.TIME: "08:30:00"}.get(kind, "2024-01-31T08:30:00Z")
    return f"Write it as '{example}'."


def fits(kind: Kind, value: Any) -> bool:
    """Whether a value written in the contract can be a value of the column."""
    if value is None:
        return True
    if kind is Kind.STRING:
        return isinstance(value, str)
    if kind is Kind.INTEGER:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is Kind.NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is Kind.BOOLEAN:
        return isinstance(value, bool)
    return moment(kind, value) if kind in _MOMENTS else True


def _enum(column: Property, here: Path, report: Report) -> None:
    for number, value in enumerate(column.enum):
        if not fits(column.kind, value):
            todo = f"Put it between quotes: '{value}'." if column.kind is Kind.STRING else "Change it or the type."
            report.error(
                (*here, "enum", number), "wrong-enum",
                f"'{column.name}' is of type {column.logical_type}, but its list of values holds {value!r}.", todo,
            )  # fmt: skip


def _parse(column: Property, here: Path, report: Report) -> None:
    if "arengoParse" not in column.custom:
        return
    parse = column.parse
    place = (*here, "customProperties")
    if parse.decimal == parse.thousands:
        report.error(place, "same-marks", f"'{column.name}' has {parse.decimal!r} as decimal and as thousands mark.",
                     "They must differ.")  # fmt: skip
    for left, right, words in (("true", "false", set(parse.true) & set(parse.false)),
                               ("nulls", "suppressed", set(parse.nulls) & set(parse.suppressed))):  # fmt: skip
        if words:
            report.error(place, "two-meanings", f"{sorted(words)[0]!r} of '{column.name}' is in {left} and in {right}.",
                         "Keep it in one of the two.")  # fmt: skip
    if parse.formats and column.kind not in _MOMENTS:
        report.warning(place, "useless-formats", f"'{column.name}' has date patterns, but is of type "
                       f"{column.logical_type}.", "Change the type to date or timestamp.")  # fmt: skip
    for pattern in parse.formats:
        if "%" not in pattern:
            report.error(place, "wrong-format", f"{pattern!r} is no date pattern.",
                         "Write it as '%d/%m/%Y' or '%Y-%m-%dT%H:%M:%S'.")  # fmt: skip
    if parse.scale != 1.0 and column.kind not in _NUMBERS:
        report.warning(place, "useless-scale", f"'{column.name}' has a scale, but is no number.", "Take it out.")


def _renamed(contract: Contract, column: Property, here: Path, report: Report) -> None:
    for old in earlier_names(column):
        if contract.column(old) is not None:
            report.error(
                (*here, "customProperties"), "renamed-from-held",
                f"'{column.name}' says it was called '{old}', but '{old}' is still a column.",
                "Take out arengoRenamedFrom, or the old column.",
            )  # fmt: skip


def earlier_names(column: Property) -> tuple[str, ...]:
    """``arengoRenamedFrom`` as a tuple."""
    value = column.custom.get("arengoRenamedFrom", ())
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)


def _key(contract: Contract, report: Report, items: list[dict[str, Any]]) -> None:
    if not contract.key:
        report.info(
            ("schema", 0), "no-key", "No column is part of the primary key, so versions are compared by whole rows.",
            "Write 'primaryKey: true' on the column that names a row, if there is one.",
        )  # fmt: skip
    positions: dict[int, str] = {}
    for number, item in enumerate(items):
        here: Path = ("schema", 0, "properties", number)
        column = contract.properties[number]
        position = int(item.get("primaryKeyPosition", -1))
        if position >= 0 and not item.get("primaryKey"):
            report.warning(here, "position-without-key", f"'{column.name}' has a primaryKeyPosition, but is no key.",
                           "Write 'primaryKey: true', or take the position out.")  # fmt: skip
        elif item.get("primaryKey"):
            if position >= 0 and positions.setdefault(position, column.name) != column.name:
                report.warning(here, "same-position", f"'{column.name}' and '{positions[position]}' have the same "
                               f"primaryKeyPosition {position}.", "Number them 1, 2, 3.")  # fmt: skip
            if not column.required:
                report.warning(here, "key-not-required", f"'{column.name}' is part of the key, but may be empty.",
                               "Write 'required: true'.")  # fmt: skip
            if column.kind in (Kind.GEOMETRY, Kind.JSON):
                report.error(here, "key-kind", f"'{column.name}' is of type {column.kind}, which cannot be a key.",
                             "Take another column.")  # fmt: skip
