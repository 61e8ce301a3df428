"""The draft as text a person reads: one YAML file with short comments, doubts beside what they are about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from arengo.contract.draft.column import Column
from arengo.contract.model import Kind

TO_FILL = "To be filled in: what this dataset holds, who collects it and what for."


def scalar(value: Any) -> str:
    """One value on one line, quoted where YAML needs it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return (
            re.sub(r"^(-?)(\d+)e([-+]\d+)$", r"\g<1>\2.0e\3", repr(value)) if isinstance(value, float) else repr(value)
        )
    text = str(value)
    plain = re.fullmatch(r"[^\W\d_][\w .()/+²³µ€%°-]*", text) and not re.search(r"\s$|: |\s#", text) and len(text) < 200
    if plain and yaml.safe_load(f"k: {text}") == {"k": text}:
        return text
    out = yaml.safe_dump(text, allow_unicode=True, default_style='"', width=1_000_000).strip()
    return out.splitlines()[0] if "\n" not in out else yaml.safe_dump(text, default_style='"', width=1_000_000).strip()


def flow(value: Any) -> str:
    """Mappings and lists on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_inner(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inner(item) for item in value) + "]"
    return scalar(value)


def _inner(value: Any) -> str:
    """A scalar inside brackets, where commas and brackets mean something."""
    if isinstance(value, Mapping | list | tuple):
        return flow(value)
    if isinstance(value, str) and not re.fullmatch(r"[^\W\d_][\w. /-]*", value):
        return yaml.safe_dump(value, allow_unicode=True, default_style='"', width=1_000_000).strip()
    return scalar(value)


def custom(pairs: Iterable[tuple[str, Any]], indent: str, comments: Mapping[str, str] | None = None) -> list[str]:
    out = []
    for name, value in pairs:
        note = (comments or {}).get(name, "")
        out.append(f"{indent}- {{property: {name}, value: {_inner(value)}}}" + (f"  # {note}" if note else ""))
    return out


def prop(column: Column, key: int, examples: Sequence[Any], geometry: bool) -> list[str]:
    """One entry of ``properties``."""
    kind = column.kind
    out = [f"      - name: {scalar(column.ident)}"]
    if column.title:
        out.append(f"        businessName: {scalar(column.title)}")
    if column.name != column.ident:
        out.append(f"        physicalName: {scalar(column.name)}")
    logical = {Kind.GEOMETRY: "object", Kind.JSON: "object"}.get(kind, kind.value)
    out.append(f"        logicalType: {logical}")
    if kind is Kind.GEOMETRY:
        out.append("        physicalType: geometry")
    elif column.declared and len(column.declared) > 1:
        out.append(f"        physicalType: {scalar(column.declared)}")
    if key > 0:
        out += ["        required: true", "        primaryKey: true", f"        primaryKeyPosition: {key}"]
    if column.personal:
        out.append(f"        classification: restricted  # {comment(column.reason)}")
    if examples:
        out.append(f"        examples: {flow(list(examples))}")
    pairs: list[tuple[str, Any]] = []
    parse = {name: value for name, value in column.parse.items() if value not in ("", [], None)}
    if column.nulls:
        parse["nulls"] = sorted(column.nulls)
    if column.suppressed:
        parse["suppressed"] = sorted(column.suppressed)
    if parse:
        pairs.append(("arengoParse", parse))
    if column.unit:
        pairs.append(("arengoUnit", column.unit))
    if column.personal:
        pairs += [("arengoPrivacyRole", column.role), ("arengoPersonalKind", column.personal)]
    if geometry and column.options.get("types"):
        pairs.append(("arengoGeometry", list(column.options["types"])))
    doubts = list(dict.fromkeys(column.doubts))
    if doubts:
        pairs.append(("arengoDoubt", doubts[0] if len(doubts) == 1 else doubts))
    if pairs:
        out.append("        customProperties:")
        out += custom(pairs, "          ")
    return out


def comment(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def block(text: str, indent: str, first: str) -> list[str]:
    """A long text as a folded block."""
    words = text.split()
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > 90:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines.append(line)
    if len(lines) == 1:
        return [f"{first} {scalar(text)}"]
    return [f"{first} >-", *(f"{indent}{line}" for line in lines)]
