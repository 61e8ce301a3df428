"""The raw YAML against the JSON schema of the Open Data Contract Standard, told in plain sentences.

The schema is the one bundled in ``open-data-contract-standard`` (3.2.0; it covers every 3.x). The Python model of
that package drops unknown keys silently, so it is never used: a misspelt key must be a finding, not a loss.
"""

from __future__ import annotations

import copy
import difflib
import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from arengo.contract.document import Document, Path
from arengo.contract.finding import Finding, Severity

OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
METRICS = ("rowCount", "nullValues", "missingValues", "invalidValues", "duplicateValues")

LEGACY_METRICS = {
    "rowCount": "rowCount",
    "nullCheck": "nullValues",
    "nullValues": "nullValues",
    "nulls": "nullValues",
    "duplicateCount": "duplicateValues",
    "duplicates": "duplicateValues",
    "duplicateValues": "duplicateValues",
    "uniqueCheck": "duplicateValues",
    "validValues": "invalidValues",
    "invalidCount": "invalidValues",
    "invalidValues": "invalidValues",
    "missingValues": "missingValues",
}
"""``rule`` of ODCS 3.0 library rules to ``metric`` of 3.1."""

LEGACY_OPERATORS = {
    "mustBeGreaterThanOrEqualTo": "mustBeGreaterOrEqualTo",
    "mustBeLessThanOrEqualTo": "mustBeLessOrEqualTo",
}

PHYSICAL_TYPES = {
    "string": r"(n?var)?char.*|n?text|string|str|uuid|enum.*|clob",
    "integer": r"(big|small|tiny|medium)?int(eger)?\d*.*|u?int\d+|long|short|serial.*",
    "number": r"(double( precision)?|float\d*|real|decimal.*|numeric.*|number.*|money)",
    "boolean": r"bool(ean)?|bit",
    "date": r"date",
    "time": r"time( .*)?(\(\d\))?",
    "timestamp": r"(timestamp|datetime).*",
    "object": r"geometry.*|geography.*|jsonb?|struct.*|object|map.*|wkb|wkt",
}

_API_VERSION = re.compile(r"v3\.\d+(\.\d+)?")
_TYPE_WORDS = {
    "string": "a text", "number": "a number", "integer": "a whole number", "boolean": "true or false",
    "array": "a list (lines starting with '- ')", "object": "a mapping (lines of 'key: value')", "null": "nothing",
}  # fmt: skip


@cache
def schema() -> dict[str, Any]:
    """The bundled JSON schema."""
    text = files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    value: dict[str, Any] = json.loads(text)
    return value


@cache
def _validator() -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema())


@cache
def _known(*definitions: str) -> frozenset[str]:
    names: set[str] = {"map", "items"} if "SchemaBaseProperty" in definitions else set()
    for name in definitions:
        names.update(schema()["$defs"][name]["properties"])
    return frozenset(names)


def modern(data: Any) -> Any:
    """A copy in the words of ODCS 3.2: old rule and operator names renamed, left-out defaults filled in."""
    data = copy.deepcopy(data)
    if not isinstance(data, dict):
        return data
    if isinstance(data.get("apiVersion"), str) and _API_VERSION.fullmatch(data["apiVersion"]):
        data["apiVersion"] = "v3.2.0"
    for item in _dicts(data.get("schema")):
        _modern_rules(item.get("quality"))
        for column in _dicts(item.get("properties")):
            _modern_column(column)
    return data


def _modern_column(column: dict[str, Any]) -> None:
    if "logicalType" not in column:
        # The bundled schema asks a property without a type for 'map', by a slip in its conditions.
        column["logicalType"] = logical_type(str(column.get("physicalType", ""))) or "string"
    _modern_rules(column.get("quality"))
    for inner in _dicts(column.get("properties")):
        _modern_column(inner)
    items = column.get("items")
    if isinstance(items, dict):
        _modern_column(items)
    if isinstance(column.get("map"), dict):
        for inner in column["map"].values():
            if isinstance(inner, dict):
                _modern_column(inner)


def _modern_rules(rules: Any) -> None:
    for rule in _dicts(rules):
        for old, new in LEGACY_OPERATORS.items():
            if old in rule and new not in rule:
                rule[new] = rule.pop(old)
        old_name = rule.get("rule")
        if isinstance(old_name, str) and "metric" not in rule and rule.get("type", "library") == "library":
            rule["metric"] = LEGACY_METRICS.get(old_name, old_name)
            del rule["rule"]
            if "validValues" in rule and isinstance(rule.setdefault("arguments", {}), dict):
                rule["arguments"]["validValues"] = rule.pop("validValues")
        if "type" not in rule:
            rule["type"] = "sql" if "query" in rule else "custom" if "engine" in rule else "library"


def logical_type(physical: str) -> str:
    """ODCS logical type of a database type name, '' when unknown."""
    word = physical.strip().lower()
    return next((name for name, pattern in PHYSICAL_TYPES.items() if word and re.fullmatch(pattern, word)), "")


def check(document: Document) -> list[Finding]:
    """Every place where the text is not ODCS 3.x. Empty when it is."""
    data = document.data
    if not isinstance(data, dict):
        return [
            Finding(
                Severity.ERROR, 1, "not-a-contract", "A contract is a mapping of 'key: value' lines; this is not.",
                "Start with 'apiVersion: v3.1.0' and 'kind: DataContract', or let 'arengo draft FILE' write it.",
            )
        ]  # fmt: skip
    version = data.get("apiVersion")
    if isinstance(version, str) and not _API_VERSION.fullmatch(version):
        return [
            Finding(
                Severity.ERROR, document.line(("apiVersion",)), "api-version",
                f"apiVersion is {version!r}; Arengo reads version 3 of the Open Data Contract Standard.",
                "Write 'apiVersion: v3.1.0'.", "apiVersion",
            )
        ]  # fmt: skip
    errors = [(tuple(error.instance_path), error) for error in _validator().iter_errors(modern(data))]
    findings: dict[tuple[Any, ...], Finding] = {}
    for path, error in errors:
        kind = error.kind.name
        if kind in ("unevaluatedProperties", "additionalProperties"):
            for name, todo in _strangers(path, error, [other for other, _ in errors if other]):
                here = (*path, name)
                findings.setdefault((here, "unknown-key"), _unknown(document, here, name, todo))
        else:
            item = _sentence(document, path, error)
            findings.setdefault((path, item.code, item.message), item)
    return list(findings.values())


def _strangers(path: Path, error: Any, others: list[Path]) -> Iterable[tuple[str, str]]:
    """The unexpected names that are unknown at their place; a known one is only reported by its real cause."""
    known = _names(path, error)
    for name in error.kind.unexpected:
        if name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        if close:
            yield name, f"Did you mean '{close[0]}'?"
        elif name.startswith("arengo"):
            yield name, f"Arengo's own facts stand in customProperties: '- {{property: {name}, value: ...}}'."
        elif "logicalTypeOptions" in path:
            yield name, f"This type has the options {', '.join(sorted(known))}."
        else:
            yield name, "Take it out, or keep it as an entry of customProperties."


def _names(path: Path, error: Any) -> frozenset[str]:
    if not path:
        return frozenset(schema()["properties"])
    if "quality" in path:
        return frozenset(
            _known("DataQuality", "DataQualityLibrary", "DataQualitySql", "DataQualityCustom") | set(OPERATORS)
        )
    if path[0] == "schema" and "logicalTypeOptions" not in path and path[-1] != "relationships":
        if len(path) == 2:
            return _known("SchemaElement", "SchemaObject")
        if (isinstance(path[-1], int) and path[-2] == "properties") or path[-1] in ("items", "key", "value"):
            return _known("SchemaElement", "SchemaBaseProperty")
    rule: Any = schema()
    for part in error.schema_path[:-1]:
        rule = rule[part] if isinstance(rule, list) else rule.get(part, {})
    return frozenset(rule.get("properties", {}))


def _unknown(document: Document, here: Path, name: str, todo: str) -> Finding:
    message = f"There is no key '{name}' {_at(document, here[:-1])} in the standard."
    return Finding(Severity.ERROR, document.line(here), "unknown-key", message, todo, spell(here))


def _sentence(document: Document, path: Path, error: Any) -> Finding:
    kind, value = error.kind.name, error.kind.value
    met = _get(document.data, path)
    what = f"'{path[-1]}'" if path and isinstance(path[-1], str) else "This entry"
    code, message, todo = f"schema-{kind.lower()}", error.message, ""
    if kind == "required":
        code = "missing-key"
        message = f"'{value}' is missing {_at(document, path)}."
        todo = _REQUIRED.get(value, f"Add '{value}: ...'.")
    elif kind == "type":
        wanted = " or ".join(_TYPE_WORDS.get(name, name) for name in error.kind.types)
        message = f"{what} is {describe_value(met)}, but {wanted} is wanted{_within(document, path)}."
        if error.kind.types == ["string"] and not isinstance(met, dict | list):
            raw = document.text_of(path)
            todo = f"Put it between quotes: '{raw}'." if raw else "Write a text between quotes."
    elif kind == "enum":
        allowed = [str(option) for option in _enum(error)]
        close = difflib.get_close_matches(str(met), allowed, n=1, cutoff=0.6)
        message = (
            f"{what} is {describe_value(met)}, which is not one of the standard's values{_within(document, path)}."
        )
        todo = f"Did you mean '{close[0]}'?" if close else f"Write one of {', '.join(allowed)}."
        if path[-2:-1] != ("servers",) and len(path) > 1 and path[0] == "servers" and path[-1] == "type":
            todo = "Write 'type: custom' and describe the source in arengoSource."
    elif kind == "oneOf" and "quality" in path:
        return _operator(document, path, met)
    elif kind == "pattern":
        message = f"{what} is {describe_value(met)}, which has characters that the standard does not allow there."
        todo = "Use letters, digits, '-' and '_' only."
    elif kind in ("minItems", "maxItems"):
        message = f"{what} has {len(met) if isinstance(met, list) else 0} entries, but {value} are wanted."
    elif kind == "uniqueItems":
        message = f"{what} holds the same entry twice."
    elif kind == "not":
        message = f"{what} holds a key that does not belong there."
    return Finding(Severity.ERROR, document.line(path), code, message, todo, spell(path))


def _operator(document: Document, path: Path, rule: Any) -> Finding:
    met = [name for name in (*OPERATORS, *LEGACY_OPERATORS) if isinstance(rule, dict) and name in rule]
    if not met:
        message, todo = "This rule says what to measure, but not what the result must be.", "Add 'mustBe: 0', say."
        code = "no-operator"
    elif len(met) > 1:
        message = f"This rule has {len(met)} operators: {', '.join(met)}."
        todo = "Keep one: mustBeBetween: [from, to] holds two bounds; or write two rules."
        code = "two-operators"
    else:
        name = met[0]
        wanted = "a list of two different numbers" if name.endswith("Between") else "a number"
        message, code = f"{name} is {describe_value(rule[name])}, but {wanted} is wanted.", "wrong-operand"
        todo = f"Write '{name}: [1, 100]', say." if name.endswith("Between") else f"Write '{name}: 100', say."
    return Finding(Severity.ERROR, document.line((*path, *met[:1])), code, message, todo, spell(path))


_REQUIRED = {
    "version": "Add the contract's own version, such as 'version: 1.0.0'.",
    "apiVersion": "Add 'apiVersion: v3.1.0'.",
    "kind": "Add 'kind: DataContract'.",
    "id": "Add the dataset's stable name in small letters and hyphens, such as 'id: street-trees'.",
    "name": "Give it a name: 'name: ...'.",
    "metric": f"Add 'metric:' with one of {', '.join(METRICS)}.",
    "query": "Add 'query:' with one SELECT that gives one number.",
    "value": "Add 'value: ...'.",
}


def _enum(error: Any) -> list[Any]:
    options = error.kind.options if hasattr(error.kind, "options") else error.kind.value
    if isinstance(options, str):
        options = json.loads(options)
    return list(options)


def _at(document: Document, path: Path) -> str:
    if not path:
        return "at the top of the contract"
    column = _column(document.data, path)
    word = path[-1] if isinstance(path[-1], str) else f"{path[-2]}, entry {path[-1] + 1}," if len(path) > 1 else ""
    if column and path[-2:-1] == ("properties",):
        return f"at column '{column}'"
    return f"at {word} of column '{column}'" if column else f"at {word}".rstrip(",")


def _within(document: Document, path: Path) -> str:
    column = _column(document.data, path)
    return f" (column '{column}')" if column else ""


def _column(data: Any, path: Path) -> str:
    if len(path) >= 4 and path[0] == "schema" and path[2] == "properties":
        name = _get(data, (*path[:4], "name"))
        return str(name) if name else f"number {int(path[3]) + 1}"
    return ""


def _get(data: Any, path: Path) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def describe_value(value: Any) -> str:
    """A value as a sentence can hold it: ``"text"``, ``3``, ``a list``."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def spell(path: Path) -> str:
    """``("schema", 0, "name")`` as ``schema[0].name``."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else str(part)
    return out
