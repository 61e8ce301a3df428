"""What of a contract and of its rules tells values that are protected before they are stored.

The contract's own text and what its rules measure look at the columns as they are read; readers get neither the
literals of a protected column nor what was measured over it.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from arengo.contract.document import parse
from arengo.contract.model import EMPTY, Contract, Rule
from arengo.contract.rules import named_columns

_LITERALS = ("examples", "enum", "quality")
_HARMLESS = ("format", "minLength", "maxLength", "timezone", "defaultTimezone", "multipleOf", "pattern")
NAMED = ("identifier", "sensitive")
"""Roles of columns of which no value may stand in a contract as an example."""


def protects(contract: Contract) -> bool:
    """Whether anything is done to the rows between the read and the commit."""
    return contract.intake is not None or bool(contract.custom.get("arengoProtection"))


def columns(contract: Contract) -> frozenset[str]:
    """Columns whose stored values are not those that are read: dropped or changed."""
    told = contract.custom.get("arengoProtection", EMPTY)
    stored = {item.name: item for item in contract.properties}
    changed = {item.name for item in contract.as_read().properties if item.protect or stored.get(item.name) != item}
    return frozenset(changed | set(told.get("microaggregate", EMPTY).get("columns", ())))


def tells(contract: Contract, rule: Rule) -> bool:
    """Whether what the rule measures tells more than the stored rows do.

    An SQL rule may look at any column; where rows are withheld or changed together, every count may tell.
    """
    if not protects(contract):
        return False
    if rule.type == "sql" or contract.custom.get("arengoProtection"):
        return True
    hidden = columns(contract)
    return rule.column in hidden or bool(hidden & set(named_columns(rule)))


def public_text(contract: Contract) -> str:
    """The contract's text for readers: without examples, lists and rules that hold values of protected columns.

    The text itself, comments included, when there is nothing to leave out; else its content written anew.
    """
    hidden = columns(contract) if protects(contract) else frozenset()
    named = frozenset(item.name for item in contract.as_read().properties if item.privacy_role in NAMED)
    return _written(contract.text, hidden, named, protects(contract)) if hidden or named else contract.text


@lru_cache(maxsize=256)
def _written(text: str, hidden: frozenset[str], named: frozenset[str], sql: bool) -> str:
    before = parse(text).data
    wanted = copy.deepcopy(before)
    for table in wanted.get("schema") or ():
        _rules(table, hidden, sql)
        for column in _properties(table):
            name = column.get("name")
            if name in hidden:
                for key in _LITERALS:
                    column.pop(key, None)
                options = column.get("logicalTypeOptions")
                if isinstance(options, dict):
                    column["logicalTypeOptions"] = {key: options[key] for key in options if key in _HARMLESS}
            elif name in named:
                column.pop("examples", None)
            else:
                _rules(column, hidden, sql)
    return text if wanted == before else _dumped(wanted)


def _properties(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (item for item in table.get("properties") or () if isinstance(item, dict))


def _rules(owner: dict[str, Any], hidden: frozenset[str], sql: bool) -> None:
    """Take out the rules that are SQL of a protected dataset, or name a protected column."""
    rules = owner.get("quality")
    if not sql or not isinstance(rules, list):
        return
    kept = [rule for rule in rules if not (isinstance(rule, dict) and ("query" in rule or _names(rule, hidden)))]
    if len(kept) != len(rules):
        owner["quality"] = kept


def _names(rule: dict[str, Any], hidden: frozenset[str]) -> bool:
    def texts(told: Any) -> Iterator[str]:
        if isinstance(told, str):
            yield told
        elif isinstance(told, dict):
            for item in told.values():
                yield from texts(item)
        elif isinstance(told, list):
            for item in told:
                yield from texts(item)

    return bool(hidden & set(texts(rule)))


def _dumped(data: Any) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.allow_unicode = True
    yaml.width = 4096
    out = io.StringIO()
    yaml.dump(data, out)
    return out.getvalue()
