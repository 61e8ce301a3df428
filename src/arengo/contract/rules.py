"""Lint of the quality rules: what they name must exist, and what they ask must be answerable."""

from __future__ import annotations

from typing import Any

from arengo.contract import columns, sql
from arengo.contract.document import Path
from arengo.contract.finding import Report
from arengo.contract.model import Contract, Property, Rule

_COLUMN_ARGUMENTS = ("properties", "columns", "property", "column")
_SEVERITIES = ("error", "warning", "info")
_WORDS = ("critical", "blocker", "high", "fatal", "warn", "medium", "major", "low", "minor", "notice")
_CONSTRAINTS = ("pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength")


def check(contract: Contract, report: Report, table: dict[str, Any]) -> None:
    """Findings about every rule of the dataset and of its columns; ``table`` is the raw ``schema[0]``."""
    for number, rule in enumerate(contract.quality):
        _rule(contract, None, rule, ("schema", 0, "quality", number), report, table["quality"][number])
    for position, column in enumerate(contract.properties):
        for number, rule in enumerate(column.quality):
            here: Path = ("schema", 0, "properties", position, "quality", number)
            _rule(contract, column, rule, here, report, table["properties"][position]["quality"][number])


def named_columns(rule: Rule) -> tuple[str, ...]:
    """Columns a rule's arguments name."""
    out: list[str] = []
    for key in _COLUMN_ARGUMENTS:
        value = rule.arguments.get(key, ())
        out += [str(item) for item in value] if isinstance(value, tuple) else [str(value)]
    return tuple(out)


def _rule(
    contract: Contract, column: Property | None, rule: Rule, here: Path, report: Report, item: dict[str, Any]
) -> None:
    names = [item.name for item in contract.properties]
    for name in named_columns(rule):
        if name not in names:
            report.error(
                here, "unknown-column", f"The rule '{rule.name}' names the column '{name}', which does not exist.",
                columns.nearest(name, names),
            )  # fmt: skip
    severity = str(item.get("severity", "warning")).lower()
    if severity not in _SEVERITIES and severity not in _WORDS:
        report.warning((*here, "severity"), "unknown-severity", f"The severity is '{severity}'; it is read as warning.",
                       "Write error, warning or info.")  # fmt: skip
    unit = str(item.get("unit", "rows")).lower()
    if unit not in ("rows", "percent", "%", "percentage", "number", "count"):
        report.warning((*here, "unit"), "unknown-unit", f"The unit is '{unit}'; it is read as rows.",
                       "Write rows or percent.")  # fmt: skip
    if rule.type == "library":
        _library(column, rule, here, report)
    elif rule.type == "sql":
        message, todo = sql.complaint(contract, rule.query or "", rule.column)
        if message:
            report.error((*here, "query"), "sql-rule", message, todo)
    elif rule.type == "custom":
        report.info(here, "rule-not-run", f"The rule '{rule.name}' is for the engine '{item.get('engine', '')}'; it is "
                    "shown, but not run.", "Write it as an sql rule to have it checked.")  # fmt: skip
    _operand(rule, here, report)


def _library(column: Property | None, rule: Rule, here: Path, report: Report) -> None:
    if rule.metric == "rowCount":
        if column is not None:
            report.warning(here, "row-count-on-column", f"rowCount counts the rows of the dataset, but stands on the "
                           f"column '{column.name}'.", "Move it to the quality list of the schema object.")  # fmt: skip
        return
    if column is None and not named_columns(rule):
        report.error(
            here, "rule-without-column", f"{rule.metric} stands on the whole dataset and names no column.",
            "Move it below a property, or add 'arguments: {properties: [name]}'.",
        )  # fmt: skip
    arguments = rule.arguments
    if "pattern" in arguments:
        columns.regex(str(arguments["pattern"]), (*here, "arguments", "pattern"), report)
    if rule.metric == "invalidValues" and column is not None:
        if not set(arguments) & {"validValues", "pattern"} and not (
            column.enum or any(name in column.options for name in _CONSTRAINTS)
        ):
            report.warning(
                here, "nothing-to-compare", f"invalidValues of '{column.name}' has nothing to compare with.",
                "Add 'arguments: {validValues: [...]}' or 'arguments: {pattern: ...}'.",
            )  # fmt: skip
        values = arguments.get("validValues", ())
        if not isinstance(values, tuple):
            report.error((*here, "arguments", "validValues"), "wrong-arguments", f"validValues of '{column.name}' "
                         "is no list.", "Write 'validValues: [a, b]'.")  # fmt: skip
            return
        for value in values:
            if not columns.fits(column.kind, value):
                report.error(
                    (*here, "arguments", "validValues"), "wrong-enum",
                    f"'{column.name}' is of type {column.logical_type}, but validValues holds {value!r}.",
                    "Write the values as the column's type has them.",
                )  # fmt: skip
    if rule.metric == "missingValues" and "missingValues" not in arguments:
        report.info(here, "missing-default", "missingValues without a list counts empty cells only.",
                    "Add 'arguments: {missingValues: [null, \"\", \"N/A\"]}' to count more.")  # fmt: skip


def _operand(rule: Rule, here: Path, report: Report) -> None:
    if rule.operator is None:
        return
    operand, place = rule.operand, (*here, rule.operator)
    numbers = operand if isinstance(operand, tuple) else (operand,)
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers)
    if rule.type == "library" and (not numeric or isinstance(operand, tuple) != rule.operator.endswith("Between")):
        report.error(place, "wrong-operand", f"{rule.operator} is {operand!r}, but {rule.metric} is a number.",
                     f"Write '{rule.operator}: 0', say.")  # fmt: skip
        return
    if isinstance(operand, tuple) and numeric and len(operand) == 2 and operand[0] > operand[1]:
        report.error(place, "crossed-bounds", f"{rule.operator} goes from {operand[0]} to {operand[1]}.",
                     f"Write '{rule.operator}: [{operand[1]}, {operand[0]}]'.")  # fmt: skip
    if rule.unit == "percent" and numeric and any(not 0 <= value <= 100 for value in numbers):
        report.warning(place, "percent-range", f"{rule.operator} is {operand!r} percent.",
                       "Percent goes from 0 to 100.")  # fmt: skip
    if rule.unit == "percent" and rule.metric == "rowCount":
        report.warning(here, "percent-of-rows", "rowCount in percent is always 100.", "Take 'unit' out.")
