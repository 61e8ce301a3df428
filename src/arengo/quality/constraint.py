"""What a contract promises of single rows, as conditions that are true for a row that breaks it.

Sources: ODCS ``required``, primary key, ``logicalTypeOptions`` (minLength, maxLength, pattern, minimum, maximum,
exclusiveMinimum, exclusiveMaximum, multipleOf, format of integers), ``enum``, and the quality rules of severity
*error* that speak of rows: nullValues, missingValues and invalidValues that ``mustBe: 0``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract, Kind, Property, Rule
from arengo.quality.expression import Values

if TYPE_CHECKING:
    pass

ORDERED = (Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.TIME, Kind.TIMESTAMP)
_BOUNDS = (
    ("minimum", "<", "less than"),
    ("maximum", ">", "more than"),
    ("exclusiveMinimum", "<=", "not more than"),
    ("exclusiveMaximum", ">=", "not less than"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """``broken``: SQL, true for a row that breaks the promise, never NULL. ``reason``: the sentence for a clerk.

    ``rule``: the quality rule it comes from, None for the schema's own promises.
    """

    column: str
    broken: str
    reason: str
    rule: Rule | None = None


Column = Callable[[str], str]
"""The SQL of a contract column's typed value."""


def checks(contract: Contract, column: Column, values: Values) -> Iterator[Check]:
    key = set(contract.key)
    for prop in contract.properties:
        sql = column(prop.name)
        if prop.name in key:
            yield Check(prop.name, f"{sql} IS NULL", "is empty, but it is part of the key")
        elif prop.required:
            yield Check(prop.name, f"{sql} IS NULL", "is empty, but the contract requires a value")
        yield from _options(prop, sql, values)
        if prop.enum:
            yield Check(prop.name, _outside(sql, prop.kind, prop.enum, values), f"is not one of {_list(prop.enum)}")
    for rule in row_rules(contract):
        assert rule.column is not None
        kept = contract.column(rule.column)
        assert kept is not None
        broken = broken_row(rule, column(rule.column), kept.kind, values)
        yield Check(rule.column, broken, _reason(rule), rule)


def rules_of(contract: Contract) -> tuple[Rule, ...]:
    """All quality rules of a contract, the dataset's first; their position here names them."""
    return (*contract.quality, *(rule for prop in contract.properties for rule in prop.quality))


def row_rules(contract: Contract) -> list[Rule]:
    """Rules of severity error that are about single rows: they quarantine, others refuse or report."""
    return [r for r in rules_of(contract) if _is_row_rule(r) and r.column and contract.column(r.column)]


def repeats(contract: Contract) -> Iterator[tuple[tuple[str, ...], Rule]]:
    """Rules of severity error saying that values may not repeat at all: they quarantine the later rows."""
    for rule in rules_of(contract):
        wanted = rule.severity == "error" and rule.metric == "duplicateValues" and rule.type == "library"
        if wanted and rule.operator in ("mustBe", "mustBeLessOrEqualTo", None) and _zero(rule.operand):
            columns = tuple(rule.arguments.get("properties") or ([rule.column] if rule.column else []))
            if columns and all(contract.column(name) for name in columns):
                yield columns, rule


def _is_row_rule(rule: Rule) -> bool:
    return (
        rule.severity == "error"
        and rule.type == "library"
        and rule.metric in ("nullValues", "missingValues", "invalidValues")
        and rule.operator in ("mustBe", "mustBeLessOrEqualTo", None)
        and _zero(rule.operand)
    )


def _zero(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value == 0)


def broken_row(rule: Rule, sql: str, kind: Kind, values: Values) -> str:
    """The condition that counts for nullValues, missingValues or invalidValues (ODCS *Library metrics*)."""
    arguments = rule.arguments
    if rule.metric == "nullValues":
        return f"{sql} IS NULL"
    if rule.metric == "missingValues":
        marks = [mark for mark in arguments.get("missingValues", [None, ""]) if mark is not None]
        if not marks:
            return f"{sql} IS NULL"
        return f"({sql} IS NULL OR CAST({sql} AS VARCHAR) IN ({values.several([str(mark) for mark in marks])}))"
    parts = []
    valid = arguments.get("validValues")
    if valid:
        parts.append(_outside(sql, kind, valid, values))
    pattern = arguments.get("pattern")
    if pattern:
        parts.append(_unlike(f"CAST({sql} AS VARCHAR)", str(pattern), values))
    for name, operator, _ in _BOUNDS:
        if name in arguments and kind in ORDERED:
            parts.append(_beyond(sql, kind, operator, arguments[name], values))
    for name, operator in (("minLength", "<"), ("maxLength", ">")):
        if name in arguments:
            parts.append(
                f"coalesce(length(CAST({sql} AS VARCHAR)) {operator} {values.bind(int(arguments[name]))}, false)"
            )
    return f"({' OR '.join(parts)})" if parts else "false"


def _options(prop: Property, sql: str, values: Values) -> Iterator[Check]:
    options = prop.options
    if prop.kind is Kind.STRING:
        if "minLength" in options:
            low = int(options["minLength"])
            broken = f"coalesce(length({sql}) < {values.bind(low)}, false)"
            yield Check(prop.name, broken, f"is shorter than {low} characters")
        if "maxLength" in options:
            high = int(options["maxLength"])
            broken = f"coalesce(length({sql}) > {values.bind(high)}, false)"
            yield Check(prop.name, broken, f"is longer than {high} characters")
        if options.get("pattern") and pattern_works(str(options["pattern"])):
            pattern = str(options["pattern"])
            yield Check(prop.name, _unlike(sql, pattern, values), f"does not have the form {pattern}")
    if prop.kind in ORDERED:
        for name, operator, words in _BOUNDS:
            if name in options:
                bound = options[name]
                yield Check(prop.name, _beyond(sql, prop.kind, operator, bound, values), f"is {words} {bound}")
    if prop.kind in (Kind.INTEGER, Kind.NUMBER) and options.get("multipleOf"):
        step = float(options["multipleOf"])
        ratio = f"({sql} / {values.bind(step)}::DOUBLE)"
        broken = f"coalesce(abs({ratio} - round({ratio})) > 1e-9 * greatest(1, abs({ratio})), false)"
        yield Check(prop.name, broken, f"is not a multiple of {options['multipleOf']}")
    size = re.fullmatch(r"([iu])(8|16|32)", str(options.get("format", "")))
    if prop.kind is Kind.INTEGER and (size or options.get("format") in ("u64", "u128")):
        bits = int(size[2]) if size else 63
        signed = bool(size and size[1] == "i")
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        broken = f"coalesce({sql} NOT BETWEEN {values.bind(low)} AND {values.bind(high)}, false)"
        yield Check(prop.name, broken, f"does not fit {options['format']} ({low} to {high})")


def _beyond(sql: str, kind: Kind, operator: str, bound: Any, values: Values) -> str:
    number = kind in (Kind.INTEGER, Kind.NUMBER)
    value = f"{values.bind(bound)}::DOUBLE" if number else f"CAST({values.bind(str(bound))} AS {kind.duckdb})"
    return f"coalesce({sql} {operator} {value}, false)"


def _outside(sql: str, kind: Kind, allowed: Any, values: Values) -> str:
    cast = "DOUBLE" if kind in (Kind.INTEGER, Kind.NUMBER) else kind.duckdb
    items = []
    for item in allowed:
        text = str(item).lower() if isinstance(item, bool) else str(item)
        items.append(f"try_cast({values.bind(text)} AS {cast})" if cast != "VARCHAR" else values.bind(text))
    return f"coalesce({sql} NOT IN ({', '.join(items)}), false)"


def _unlike(sql: str, pattern: str, values: Values) -> str:
    return f"coalesce(NOT regexp_matches({sql}, {values.bind(re2(pattern))}), false)"


def re2(pattern: str) -> str:
    r"""An ECMA-262 pattern in RE2's spelling (``\u00e0`` becomes ``\x{00e0}``)."""
    return re.sub(r"\\u\{?([0-9a-fA-F]{4,6})\}?", r"\\x{\1}", pattern)


def pattern_works(pattern: str) -> bool:
    """Whether the engine can check this pattern (RE2 has no look-around and no back references)."""
    import duckdb

    try:
        duckdb.execute("SELECT regexp_matches('', $1)", [re2(pattern)]).fetchone()
    except duckdb.Error:
        return False
    return True


def unchecked(contract: Contract) -> Iterator[str]:
    """Sentences on promises that cannot be checked here, for the run's warnings."""
    for prop in contract.properties:
        pattern = prop.options.get("pattern")
        if pattern and not pattern_works(str(pattern)):
            yield f"The pattern of {prop.name} uses a form that cannot be checked (look-around or back reference)."


def _reason(rule: Rule) -> str:
    name = f" (rule {rule.name})" if rule.name else ""
    if rule.metric in ("nullValues", "missingValues"):
        return f"is missing, but a quality rule wants a value{name}"
    valid = rule.arguments.get("validValues")
    if valid:
        return f"is not one of {_list(valid)}{name}"
    if rule.arguments.get("pattern"):
        return f"does not have the form {rule.arguments['pattern']}{name}"
    return f"is not a valid value{name}"


def _list(items: Any) -> str:
    shown = [str(item) for item in items]
    return ", ".join(shown[:8]) + (f" or {len(shown) - 8} others" if len(shown) > 8 else "")
