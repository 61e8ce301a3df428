"""Contracts of the demo, written down compactly and turned into Open Data Contract Standard YAML.

A department's module says what a clerk would say (columns, units, code lists, rules, both languages); this module
knows where the standard puts it. The YAML is what a city would keep in its repository: ordered, short lines, no
anchors, one blank line between the parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from arengo.demo.names import CITY

OPEN = "CC-BY-4.0"


@dataclass(frozen=True, slots=True)
class Rule:
    """One quality rule; ``must`` is (operator, operand) of the standard."""

    name: str
    must: tuple[str, Any]
    metric: str = ""
    query: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    severity: str = "warning"
    dimension: str = ""
    unit: str = ""
    text: str = ""

    def document(self) -> dict[str, Any]:
        out: dict[str, Any] = {"name": self.name, "type": "sql" if self.query else "library"}
        if self.metric:
            out["metric"] = self.metric
        if self.query:
            out["query"] = self.query
        if self.arguments:
            out["arguments"] = dict(self.arguments)
        out[self.must[0]] = self.must[1]
        if self.unit:
            out["unit"] = self.unit
        out["severity"] = self.severity
        if self.dimension:
            out["dimension"] = self.dimension
        if self.text:
            out["description"] = self.text
        return out


def rows_at_least(count: int) -> Rule:
    return Rule(
        "enough-rows",
        ("mustBeGreaterOrEqualTo", count),
        metric="rowCount",
        severity="error",
        dimension="completeness",
        text=f"Fewer than {count} rows means that the export was cut short.",
    )


def one_of(*values: str, severity: str = "warning") -> Rule:
    return Rule(
        "known-codes",
        ("mustBe", 0),
        metric="invalidValues",
        arguments={"validValues": list(values)},
        severity=severity,
        dimension="conformity",
    )


def few_empty(percent: int) -> Rule:
    return Rule(
        "mostly-filled",
        ("mustBeLessOrEqualTo", percent),
        metric="nullValues",
        unit="percent",
        dimension="completeness",
    )


def between(column: str, low: float, high: float, *, severity: str = "warning", text: str = "") -> Rule:
    return Rule(
        f"{column.replace('_', '-')}-plausible",
        ("mustBe", 0),
        query=f"SELECT count(*) FROM ${{object}} WHERE {column} NOT BETWEEN {low} AND {high}",
        severity=severity,
        dimension="accuracy",
        text=text or f"Values of {column} outside {low} to {high} are reported.",
    )


def personal(role: str, kind: str = "") -> dict[str, Any]:
    """What a column tells about a person."""
    return {"arengoPrivacyRole": role} | ({"arengoPersonalKind": kind} if kind else {})


def purpose(id: str, title: str, italian: str, dpv: str, basis: str, retention: str, **more: Any) -> dict[str, Any]:
    """One entry of arengoPurposes."""
    told = {"id": id, "title": {"en": title, "it": italian}, "dpv": dpv, "legalBasis": basis, "retention": retention}
    return told | more


# What each register says of the people in it: who answers, whom it is about.
ABOUT_RESIDENTS: dict[str, Any] = {
    "arengoPopulation": "residents",
    "arengoController": {
        "name": "Comune di Arvenza", "address": "Piazza del Porto 1, Arvenza", "mail": "privacy@arvenza.example",
        "dpo": {"name": "Data protection officer of Arvenza", "mail": "dpo@arvenza.example"},
    },
    "arengoDataSubjects": ["dpv:Citizen", "dpv:NonCitizen", "dpv:Child"],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, logical type, English label, what it means; ``it`` is the Italian label."""

    name: str
    type: str
    title: str
    meaning: str = ""
    it: str = ""
    source: str = ""
    key: bool = False
    required: bool = False
    unique: bool = False
    unit: str = ""
    parse: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    examples: tuple[Any, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    classification: str = ""

    def document(self, key_position: int) -> dict[str, Any]:
        out: dict[str, Any] = {"name": self.name}
        if self.source and self.source != self.name:
            out["physicalName"] = self.source
        out["businessName"] = self.title
        if self.type == "geometry":
            out |= {"logicalType": "object", "physicalType": "geometry"}
        else:
            out["logicalType"] = self.type
        if self.options:
            out["logicalTypeOptions"] = dict(self.options)
        if self.meaning:
            out["description"] = self.meaning
        if self.key:
            out |= {"primaryKey": True, "primaryKeyPosition": key_position}
        if self.required or self.key:
            out["required"] = True
        if self.unique:
            out["unique"] = True
        if self.classification:
            out["classification"] = self.classification
        if self.codes:
            out["enum"] = [_Flow({"value": value, "label": label}) for value, label in self.codes.items()]
        if self.examples:
            out["examples"] = list(self.examples)
        custom: dict[str, Any] = {}
        if self.unit:
            custom["arengoUnit"] = self.unit
        if self.parse:
            custom["arengoParse"] = dict(self.parse)
        custom |= self.custom
        if custom:
            out["customProperties"] = _custom(custom)
        if self.rules:
            out["quality"] = [_Flow(rule.document()) for rule in self.rules]
        return out


@dataclass(frozen=True, slots=True)
class Promise:
    """One dataset's contract, before it is written. ``source`` is its ``arengoSource``."""

    id: str
    name: str
    purpose: str
    it: tuple[str, str]  # Italian name and description
    owner: str
    domain: str
    theme: str
    frequency: str
    source: Mapping[str, Any]
    columns: tuple[Column, ...]
    version: str = "1.0.0"
    table: str = ""
    usage: str = ""
    limitations: str = ""
    tags: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    access: str = "open"
    licence: str = OPEN
    contact: str = ""
    geometry: Mapping[str, str] = field(default_factory=dict)
    crs: str = "EPSG:4326"
    time: str = ""
    sort: tuple[str, ...] = ()
    filters: tuple[tuple[str, ...], ...] = ()
    search: tuple[str, ...] = ()
    language: str = "en"
    retention: str = ""
    approvers: tuple[str, ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)

    def yaml(self) -> str:
        """The contract as ODCS text."""
        contact = self.contact or f"{self.domain}@arvenza.example"
        description = {"purpose": self.purpose, "usage": self.usage, "limitations": self.limitations}
        position = 0
        properties = []
        for column in self.columns:
            position += column.key
            properties.append(column.document(position))
        table: dict[str, Any] = {"name": self.table or self.id.replace("-", "_"), "physicalType": "table"}
        table["properties"] = properties
        if self.rules:
            table["quality"] = [_Flow(rule.document()) for rule in self.rules]
        parts: list[dict[str, Any]] = [
            {"apiVersion": "v3.2.0", "kind": "DataContract", "id": self.id, "name": self.name}
            | {"version": self.version, "status": "active", "domain": self.domain, "tenant": CITY.lower()},
            {"description": {key: text for key, text in description.items() if text}},
            {"tags": _FlowList(self.tags)} if self.tags else {},
            {"servers": [{"server": "source", "type": "custom",
            "customProperties": _custom({"arengoSource": self.source})}]},
            {"schema": [table]},
            {"team": {"name": self.owner, "members": [_Flow({"username": contact, "role": "owner"})]}},
            self._roles(),
            {"slaProperties": [_Flow(item) for item in self._service_level()]},
            {"customProperties": _custom(self._facts(contact))},
        ]  # fmt: skip
        return "\n".join(_dump(part) for part in parts if part)

    def _roles(self) -> dict[str, Any]:
        if not self.approvers:
            return {}
        role = {"role": "reader", "access": "read", "firstLevelApprovers": self.approvers[0]}
        if len(self.approvers) > 1:
            role["secondLevelApprovers"] = self.approvers[1]
        return {"roles": [_Flow(role)]}

    def _service_level(self) -> list[dict[str, Any]]:
        value, unit = _PERIOD[self.frequency]
        return [{"property": "frequency", "value": value, "unit": unit}]

    def _facts(self, contact: str) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "arengoAccess": self.access,
            "arengoOwner": self.owner,
            "arengoTheme": self.theme,
            "arengoLicence": self.licence,
            "arengoFrequency": self.frequency,
            "arengoLanguage": self.language,
            "arengoGeometry": dict(self.geometry),
            "arengoCrs": self.crs if self.geometry else "",
            "arengoTime": self.time,
            "arengoSort": list(self.sort),
            "arengoFilters": [list(group) for group in self.filters],
            "arengoSearch": list(self.search),
            "arengoRetention": self.retention,
        }
        labels = {column.name: column.it for column in self.columns if column.it}
        italian: dict[str, Any] = {"name": self.it[0], "description": self.it[1]}
        if labels:
            italian["columns"] = labels
        facts = {name: value for name, value in facts.items() if value}
        return facts | dict(self.custom) | {"arengoTranslations": {"it": italian}}


_PERIOD = {
    "15MIN": (15, "min"),
    "HOURLY": (1, "h"),
    "DAILY": (1, "d"),
    "WEEKLY": (7, "d"),
    "MONTHLY": (1, "mo"),
    "QUARTERLY": (3, "mo"),
    "ANNUAL_2": (6, "mo"),
    "ANNUAL": (1, "y"),
    "IRREG": (1, "y"),
}


class _Flow(dict[str, Any]):
    """A mapping that is written on one line."""


class _FlowList(list[Any]):
    """A list that is written on one line."""


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


_BLOCKS = ("arengoTranslations", "arengoPurposes", "arengoController", "arengoPlans")
"""Facts that would be long on one line."""


def _custom(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for name, value in facts.items():
        entry = {"property": name, "value": _plain(value)}
        out.append(entry if name in _BLOCKS else _Flow(entry))
    return out


def _dump(part: dict[str, Any]) -> str:
    return yaml.dump(part, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=116, default_flow_style=False)


_Dumper.add_representer(
    _Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)
_Dumper.add_representer(
    _FlowList, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", list(data), flow_style=True)
)
