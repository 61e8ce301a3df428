"""One change in a contract's text that leaves every comment and every other value as the author wrote it.

What is edited in the portal or by ``arengo draft`` goes back into the file this way. After each change the text is
read again and compared with the text before: a change that would alter anything else is refused.
"""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from arengo.contract.document import parse, resolve
from arengo.contract.standard import spell
from arengo.errors import ContractError

_MISSING = object()
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def set_value(text: str, path: Sequence[str | int], value: Any) -> str:
    """The text with one value set; mappings on the way are made, list entries must exist or be the next one.

    ``value``: plain JSON data. Raises ContractError when the path leads through a scalar.
    """
    return _changed(text, tuple(path), value)


def remove(text: str, path: Sequence[str | int]) -> str:
    """The text without one key or list entry; unchanged when it is not there."""
    return _changed(text, tuple(path), _MISSING)


def set_property(text: str, name: str, value: Any, column: str = "") -> str:
    """The text with a custom property of the contract, or of a column, set; None takes it out."""
    data = parse(text).data
    place: tuple[str | int, ...] = ()
    if column:
        columns = data["schema"][0]["properties"]
        numbers = [number for number, item in enumerate(columns) if item.get("name") == column]
        if not numbers:
            raise ContractError(f"There is no column '{column}'.", todo="Look at the list of properties.")
        place = ("schema", 0, "properties", numbers[0])
    owner = data
    for part in place:
        owner = owner[part]
    entries = owner.get("customProperties") or []
    at = next((number for number, entry in enumerate(entries) if entry.get("property") == name), None)
    if value is None:
        return text if at is None else remove(text, (*place, "customProperties", at))
    if at is not None:
        return set_value(text, (*place, "customProperties", at, "value"), value)
    entry = {"property": name, "value": value}
    if not entries:
        return set_value(text, (*place, "customProperties"), [entry])
    return set_value(text, (*place, "customProperties", len(entries)), entry)


def _changed(text: str, path: tuple[str | int, ...], value: Any) -> str:
    before = parse(text).data
    wanted = _applied(before, path, value)
    if wanted == before:
        return text
    yaml = _yaml(text)
    tree = _applied(yaml.load(text), path, value if value is _MISSING else _opaque(value), same=True)
    out = io.StringIO()
    yaml.dump(tree, out)
    written = out.getvalue()
    if parse(written).data != wanted:
        raise ContractError(
            f"{spell(path)} cannot be changed without changing other lines of the contract.",
            todo="Change it in the file by hand.",
        )
    return written


def _opaque(value: Any) -> Any:
    """A value for a writer that knows texts only: what is no text is spelt, a text that could be misread is quoted."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, PlainScalarString

    if isinstance(value, dict):
        return {key: _opaque(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_opaque(item) for item in value]
    if isinstance(value, str):
        # PyYAML and other tools of the standard read YAML 1.1, where 'yes', '1:30' and dates are no texts.
        safe = re.fullmatch(r"[^\W\d][\w ./()-]*[\w.)]", value) and value.lower() not in _WORDS
        return value if safe and resolve(value) == value else DoubleQuotedScalarString(value)
    return PlainScalarString(json.dumps(value))


def _yaml(text: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import ScalarNode
    from ruamel.yaml.resolver import VersionedResolver

    class Opaque(VersionedResolver):
        """Every scalar is a text, so it is written as it was read."""

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            return self.DEFAULT_SCALAR_TAG if kind is ScalarNode else super().resolve(kind, value, implicit)

    yaml = YAML(typ="rt")
    yaml.Resolver = Opaque
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.allow_unicode = True
    indented = re.search(r"^( *)[^\s#][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*( *)- ", text, re.MULTILINE)
    offset = max(len(indented[2]) - len(indented[1]), 0) if indented else 2
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    yaml.explicit_start = text.lstrip().startswith("---")
    return yaml


def _applied(tree: Any, path: tuple[str | int, ...], value: Any, same: bool = False) -> Any:
    """``tree`` (a copy of it unless ``same``) with the change made."""
    if not same:
        tree = copy.deepcopy(tree)
    node = tree
    for position, part in enumerate(path[:-1]):
        if value is _MISSING and not _holds(node, part):
            return tree
        if isinstance(part, str) and isinstance(node, dict) and node.get(part) is None:
            node[part] = {} if isinstance(path[position + 1], str) else []
        node = _step(node, part, path)
    last = path[-1]
    if value is _MISSING:
        if _holds(node, last):
            del node[last]
    elif isinstance(node, list) and last == len(node):
        node.append(value)
    else:
        _step(node, last, path, new=isinstance(node, dict))
        node[last] = value
    return tree


def _holds(node: Any, part: str | int) -> bool:
    if isinstance(node, dict):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and 0 <= part < len(node)


def _step(node: Any, part: str | int, path: tuple[str | int, ...], new: bool = False) -> Any:
    if _holds(node, part):
        return node[part]
    if new and isinstance(part, str):
        return None
    raise ContractError(f"{spell(path)} does not lead to a place in the contract.", todo="Check its names and numbers.")
