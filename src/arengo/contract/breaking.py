"""Two versions of a contract compared, from both sides.

The consumer's side is breaking when the new version may give what the old one ruled out: another name or type, an
empty cell, a value outside the old bounds. The producer's side is breaking when rows that passed the old contract
may be refused by the new one. So what is only tightened is compatible for readers and breaking for the publisher;
what is only loosened the other way round.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from arengo.contract import vocabulary
from arengo.contract.columns import earlier_names
from arengo.contract.lint import SEMVER
from arengo.contract.model import Contract, Kind, Property, Rule


class Effect(enum.StrEnum):
    """What a change means to one side."""

    BREAKING = "breaking"
    COMPATIBLE = "compatible"
    NONE = "none"


BREAKING, COMPATIBLE, NONE = Effect.BREAKING, Effect.COMPATIBLE, Effect.NONE


@dataclass(frozen=True, slots=True)
class Comparison:
    """One difference. ``column`` is '' for the dataset itself; the new name of a renamed column."""

    code: str
    column: str
    consumer: Effect
    producer: Effect
    sentence: str

    @property
    def breaking(self) -> bool:
        return BREAKING in (self.consumer, self.producer)

    def as_dict(self) -> dict[str, str]:
        return {
            "code": self.code,
            "column": self.column,
            "consumer": str(self.consumer),
            "producer": str(self.producer),
            "sentence": self.sentence,
        }


_WIDER = {
    Kind.BOOLEAN: {Kind.STRING},
    Kind.INTEGER: {Kind.NUMBER, Kind.STRING},
    Kind.NUMBER: {Kind.STRING},
    Kind.DATE: {Kind.TIMESTAMP, Kind.STRING},
    Kind.TIME: {Kind.STRING},
    Kind.TIMESTAMP: {Kind.STRING},
    Kind.JSON: {Kind.STRING},
    Kind.GEOMETRY: set(),
    Kind.STRING: set(),
}
"""Every value of the key can be held by the kinds behind it, though readers meet another type."""

_STILL_READ = {(Kind.NUMBER, Kind.INTEGER)}
"""Narrowings that a reader of the old type does not notice."""
_OPEN_TO_CLOSED = tuple(vocabulary.ACCESS)
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def compare(old: Contract, new: Contract) -> list[Comparison]:
    """Differences that mean something to a reader or to the publisher; empty when nothing but words changed.

    Breaking ones come first. A column is the same when it keeps its name, when ``arengoRenamedFrom`` says so, or
    when a new and a missing column read the same source column.
    """
    found: list[Comparison] = []
    pairs, renamed = match(old, new)
    if old.id != new.id:
        found.append(_made("id-changed", "", BREAKING, NONE, f"The dataset is called {new.id}, no longer {old.id}."))
    for name, column in pairs.items():
        before = old.column(name)
        if before is None:
            continue
        if before.name != column.name:
            found.append(_made("column-renamed", column.name, BREAKING, NONE,
                               f"The column {before.name} is now called {column.name}."))  # fmt: skip
        found += _column(before, column)
    kept = {column.name for column in pairs.values()}
    for column in old.properties:
        if column.name not in pairs:
            found.append(_made("column-removed", column.name, BREAKING, NONE, f"The column {column.name} is gone."))
    for column in new.properties:
        if column.name not in kept:
            found.append(_added(column))
    found += _dataset(old, new, renamed)
    return sorted(found, key=lambda item: (not item.breaking, item.column, item.code))


def match(old: Contract, new: Contract) -> tuple[dict[str, Property], dict[str, str]]:
    """Old column name to new column, and old name to new name where they differ."""
    pairs = {item.name: item for item in new.properties if old.column(item.name) is not None}
    taken = {item.name for item in pairs.values()}
    left = {item.name: item for item in old.properties if item.name not in pairs}
    for column in new.properties:
        if column.name not in taken:
            earlier = next((name for name in earlier_names(column) if name in left), None)
            if earlier is not None:
                pairs[earlier] = column
                taken.add(column.name)
                del left[earlier]
    by_source: dict[str, list[str]] = {}
    for item in left.values():
        by_source.setdefault(item.physical_name, []).append(item.name)
    for column in new.properties:
        candidates = by_source.get(column.physical_name, [])
        if column.name not in taken and len(candidates) == 1:
            pairs[candidates[0]] = column
            taken.add(column.name)
            by_source[column.physical_name] = []
    return pairs, {name: column.name for name, column in pairs.items() if name != column.name}


def version_asked(found: Iterable[Comparison]) -> str:
    """Which part of the version a set of differences asks to raise: major, minor, patch."""
    items = list(found)
    if any(item.consumer is BREAKING for item in items):
        return "major"
    return "minor" if any(item.consumer is not NONE or item.producer is BREAKING for item in items) else "patch"


def next_version(version: str, part: str) -> str:
    """``version`` raised by ``part`` (major, minor, patch); ``1.0.0`` when it is not three numbers."""
    matched = SEMVER.fullmatch(version)
    if not matched:
        return "1.0.0"
    major, minor, patch = (int(text) for text in matched.groups()[:3])
    if part == "major":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if part == "minor" else f"{major}.{minor}.{patch + 1}"


def version_gap(old: Contract, new: Contract) -> str:
    """A sentence when the new contract's version is lower than its changes ask for; '' when it is right."""
    if old.text == new.text:
        return ""
    part = version_asked(compare(old, new))
    wanted = next_version(old.version, part)
    before, after, least = (SEMVER.fullmatch(text) for text in (old.version, new.version, wanted))
    if before is None or after is None or least is None:
        return ""
    numbers = [tuple(int(text) for text in item.groups()[:3]) for item in (after, least)]
    if numbers[0] >= numbers[1]:
        return ""
    why = {"major": "readers would notice", "minor": "something was added or tightened", "patch": "words changed"}[part]
    return f"The version is {new.version}, but {why}: {wanted} or higher is wanted."


def _made(code: str, column: str, consumer: Effect, producer: Effect, sentence: str) -> Comparison:
    return Comparison(code, column, consumer, producer, sentence)


def _added(column: Property) -> Comparison:
    producer = BREAKING if column.required else COMPATIBLE
    must = " and must be filled" if column.required else ""
    return _made("column-added", column.name, COMPATIBLE, producer, f"The column {column.name} is new{must}.")


def _column(old: Property, new: Property) -> Iterable[Comparison]:
    name = new.name
    if old.kind is not new.kind:
        yield _type(old, new)
    if old.physical_name != new.physical_name and old.name == new.name:
        yield _made("source-column-changed", name, NONE, COMPATIBLE,
                    f"{name} is read from the source column {new.physical_name}, no longer from "
                    f"{old.physical_name}.")  # fmt: skip
    if old.parse != new.parse:
        yield _made("parse-changed", name, NONE, COMPATIBLE, f"Texts of {name} are read in another way.")
    if old.required != new.required:
        yield (
            _made("required-added", name, COMPATIBLE, BREAKING, f"{name} must now be filled.")
            if new.required
            else _made("required-dropped", name, BREAKING, COMPATIBLE, f"{name} may now be empty.")
        )
    if old.unique != new.unique:
        yield (
            _made("unique-added", name, COMPATIBLE, BREAKING, f"Values of {name} must now be unique.")
            if new.unique
            else _made("unique-dropped", name, BREAKING, COMPATIBLE, f"Values of {name} may now repeat.")
        )
    if old.kind is new.kind:
        yield from _values(old, new)
        yield from _bounds(old, new)
    if old.unit != new.unit and (old.unit or new.unit):
        # A unit written for the first time says what was true before; another unit changes every number.
        effect = BREAKING if old.unit and new.unit else COMPATIBLE
        sentence = f"The unit of {name} is {new.unit or 'no longer said'}" + (
            f", it was {old.unit}." if old.unit and new.unit else "."
        )
        yield _made("unit-changed", name, effect, NONE, sentence)
    if old.privacy_role != new.privacy_role:
        yield _made("privacy-role-changed", name, NONE, COMPATIBLE,
                    f"The privacy role of {name} is {new.privacy_role or 'none'}, it was "
                    f"{old.privacy_role or 'none'}.")  # fmt: skip
    if old.classification != new.classification:
        yield _made("classification-changed", name, NONE, COMPATIBLE,
                    f"The classification of {name} is {new.classification or 'none'}.")  # fmt: skip
    yield from _rules(old.quality, new.quality, name)


def _type(old: Property, new: Property) -> Comparison:
    words = f"{new.name} is of type {new.kind}, it was {old.kind}."
    if new.kind in _WIDER[old.kind]:
        return _made("type-widened", new.name, BREAKING, COMPATIBLE, words)
    if old.kind in _WIDER[new.kind]:
        consumer = COMPATIBLE if (old.kind, new.kind) in _STILL_READ else BREAKING
        return _made("type-narrowed", new.name, consumer, BREAKING, words)
    return _made("type-changed", new.name, BREAKING, BREAKING, words)


def _values(old: Property, new: Property) -> Iterable[Comparison]:
    before, after = set(old.enum), set(new.enum)
    if before == after:
        return
    if not before:
        yield _made("enum-added", new.name, COMPATIBLE, BREAKING, f"{new.name} now has a closed list of values.")
    elif not after:
        yield _made("enum-dropped", new.name, BREAKING, COMPATIBLE, f"{new.name} may now hold any value.")
    else:
        if gone := sorted(map(str, before - after)):
            yield _made("enum-narrowed", new.name, COMPATIBLE, BREAKING,
                        f"{new.name} may no longer be {_some(gone)}.")  # fmt: skip
        if come := sorted(map(str, after - before)):
            yield _made("enum-widened", new.name, BREAKING, COMPATIBLE, f"{new.name} may now also be {_some(come)}.")


def _bounds(old: Property, new: Property) -> Iterable[Comparison]:
    name = new.name
    for option in (*_LOWER, *_UPPER):
        before, after = old.options.get(option), new.options.get(option)
        if before == after:
            continue
        tighter = before is None or (after is not None and _greater(after, before) == (option in _LOWER))
        yield (
            _made(f"{_kebab(option)}-tightened", name, COMPATIBLE, BREAKING,
                  f"{option} of {name} is {after}{f', it was {before}' if before is not None else ''}.")
            if tighter
            else _made(f"{_kebab(option)}-loosened", name, BREAKING if before is not None else NONE, COMPATIBLE,
                       f"{option} of {name} is {'no longer set' if after is None else after}, it was {before}.")
        )  # fmt: skip
    before, after = old.options.get("pattern"), new.options.get("pattern")
    if before != after:
        if before is None:
            yield _made("pattern-added", name, COMPATIBLE, BREAKING, f"Values of {name} must now match {after}.")
        elif after is None:
            yield _made(
                "pattern-dropped", name, BREAKING, COMPATIBLE, f"Values of {name} need no longer match {before}."
            )
        else:
            yield _made("pattern-changed", name, BREAKING, BREAKING,
                        f"Values of {name} must match {after}, it was {before}.")  # fmt: skip
    for option in ("format", "timezone", "defaultTimezone", "multipleOf", "uniqueItems"):
        if old.options.get(option) != new.options.get(option):
            yield _made(f"{_kebab(option)}-changed", name, COMPATIBLE, BREAKING,
                        f"{option} of {name} is {new.options.get(option, 'no longer set')}.")  # fmt: skip


def _greater(left: Any, right: Any) -> bool:
    try:
        return bool(left > right)
    except TypeError:
        return str(left) > str(right)


def _dataset(old: Contract, new: Contract, renamed: Mapping[str, str]) -> Iterable[Comparison]:
    before = tuple(renamed.get(name, name) for name in old.key)
    if before != new.key:
        words = ", ".join(new.key) or "none"
        # Fewer or other columns name a row: rows that were different may now collide.
        if set(before) < set(new.key) and before:
            yield _made("key-widened", "", BREAKING, COMPATIBLE, f"The key is now {words}; it was {', '.join(before)}.")
        elif not before:
            yield _made("key-added", "", COMPATIBLE, BREAKING, f"The key is now {words}; there was none.")
        elif not new.key:
            yield _made("key-dropped", "", BREAKING, COMPATIBLE, f"There is no key; it was {', '.join(before)}.")
        elif set(before) == set(new.key):
            yield _made("key-reordered", "", BREAKING, NONE, f"The key's order is now {words}.")
        else:
            yield _made("key-changed", "", BREAKING, BREAKING, f"The key is now {words}; it was {', '.join(before)}.")
    if old.access != new.access:
        closer = _rank(new.access) > _rank(old.access)
        yield _made("access-changed", "", BREAKING if closer else COMPATIBLE, NONE,
                    f"The dataset is {new.access}, it was {old.access}.")  # fmt: skip
    if old.licence != new.licence and vocabulary.licence(old.licence) != (vocabulary.licence(new.licence) or 0):
        yield _licence(old, new)
    if old.geometry != new.geometry:
        yield from _geometry(old, new, renamed)
    if old.status != new.status and new.status in ("deprecated", "retired"):
        yield _made("status-changed", "", BREAKING if new.status == "retired" else COMPATIBLE, NONE,
                    f"The dataset is {new.status}.")  # fmt: skip
    if old.source != new.source:
        kinds = (old.source.kind if old.source else "nothing", new.source.kind if new.source else "nothing")
        yield _made("source-changed", "", NONE, COMPATIBLE, f"Rows are pulled from another source "
                    f"({kinds[1]}, before {kinds[0]}).")  # fmt: skip
    for name, code, words in (("arengoMode", "mode-changed", "A pull now combines with the held rows by"),
                              ("arengoFrequency", "frequency-changed", "The data is now renewed"),
                              ("arengoRetention", "retention-changed", "Versions are now kept for")):  # fmt: skip
        if old.custom.get(name) != new.custom.get(name):
            yield _made(code, "", COMPATIBLE if name != "arengoMode" else NONE, COMPATIBLE,
                        f"{words} {new.custom.get(name, 'the default')}.")  # fmt: skip
    yield from _persons(old, new)
    yield from _rules(old.quality, new.quality, "")


_ABOUT = {
    "arengoProtection": ("protection-changed", "Before rows are stored, this is done to them now:"),
    "arengoPrivacyTarget": ("target-changed", "What a publication must reach is now"),
    "arengoPopulation": ("population-changed", "The rows are now about the population"),
    "arengoPurposes": ("purposes-changed", "The purposes of the personal data are now"),
    "arengoRetentionFrom": ("ageing-changed", "Rows now age from"),
    "arengoHistoryWindow": ("window-changed", "Earlier versions may now be read for"),
    "arengoStatistics": ("statistics-changed", "Readers get groups, not rows:"),
    "arengoErasure": ("erasure-changed", "A request to be forgotten now means"),
}


def _persons(old: Contract, new: Contract) -> Iterable[Comparison]:
    """What changed in how persons are protected: a reader's rows change with it, their shape need not."""
    for name, (code, words) in _ABOUT.items():
        if old.custom.get(name) != new.custom.get(name):
            told = spoken(new.custom[name]) if name in new.custom else "nothing"
            yield _made(code, "", COMPATIBLE, COMPATIBLE, f"{words} {told}.")
    before = {item.name: item for item in old.as_read().properties}
    for column in new.as_read().properties:
        was = before.get(column.name)
        if was is not None and was.protect != column.protect:
            told = ", ".join(_done(step) for step in column.protect) or "as it is"
            yield _made("protection-changed", column.name, BREAKING if column.protect else COMPATIBLE, NONE,
                        f"The column {column.name} is now published {told}.")  # fmt: skip


def _done(step: Any) -> str:
    if isinstance(step, Mapping) and "level" in step:
        return f"at the level {step['level']}" + (f" of {step['hierarchy']}" if "hierarchy" in step else "")
    return {"drop": "no more", "redact": "with identifiers blacked out"}.get(str(step), spoken(step))


def spoken(value: Any, inner: bool = False) -> str:
    """A value of a property in a line, as the contract spells it. ``inner``: it stands inside another one."""
    if isinstance(value, Mapping):
        told = ", ".join(f"{name}: {spoken(item, True)}" for name, item in value.items() if name != "title")
        return f"{{{told}}}" if inner else told
    if isinstance(value, list | tuple):
        return "; ".join(spoken(item, True) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rank(access: str) -> int:
    return _OPEN_TO_CLOSED.index(access) if access in _OPEN_TO_CLOSED else len(_OPEN_TO_CLOSED)


def _licence(old: Contract, new: Contract) -> Comparison:
    before, after = vocabulary.licence(old.licence), vocabulary.licence(new.licence)
    freer = before is None or (after is not None and (after.open, after.hvd) >= (before.open, before.hvd))
    sentence = f"The licence is {new.licence or 'not said'}, it was {old.licence or 'not said'}."
    return _made("licence-changed", "", COMPATIBLE if freer and after is not None else BREAKING, NONE, sentence)


def _geometry(old: Contract, new: Contract, renamed: Mapping[str, str]) -> Iterable[Comparison]:
    before, after = old.geometry, new.geometry
    if before is None or after is None:
        yield (
            _made("geometry-added", "", COMPATIBLE, COMPATIBLE, "The dataset now has a place for each row.")
            if before is None
            else _made("geometry-removed", "", BREAKING, NONE, "The dataset no longer has a place for each row.")
        )
        return
    names = [renamed.get(name, name) for name in (before.column, before.x, before.y)]
    if names != [after.column, after.x, after.y]:
        yield _made("geometry-changed", "", BREAKING, COMPATIBLE, "The place of a row is taken from other columns.")
    if before.crs != after.crs:
        yield _made("crs-changed", "", COMPATIBLE, COMPATIBLE,
                    f"The source's places are read as {after.crs}, before as {before.crs}.")  # fmt: skip
    if before.types and after.types and not set(after.types) <= set(before.types):
        yield _made("geometry-types-widened", "", BREAKING, COMPATIBLE,
                    f"Places may now also be {_some(sorted(set(after.types) - set(before.types)))}.")  # fmt: skip


def _rules(old: Iterable[Rule], new: Iterable[Rule], column: str) -> Iterable[Comparison]:
    """Rules matched by name; a rule of severity error refuses rows, the others only report."""
    before, after = {rule.name: rule for rule in old}, {rule.name: rule for rule in new}
    where = f" of {column}" if column else ""
    for name, rule in after.items():
        earlier = before.get(name)
        effect = BREAKING if rule.severity == "error" and rule.type != "text" else COMPATIBLE
        if earlier is None:
            yield _made("rule-added", column, COMPATIBLE, effect, f"The rule '{name}'{where} is new.")
        elif _meaning(earlier) != _meaning(rule):
            yield _made(
                "rule-changed", column, COMPATIBLE, effect, f"The rule '{name}'{where} asks for something else."
            )
    for name in before:
        if name not in after:
            yield _made("rule-removed", column, COMPATIBLE, COMPATIBLE, f"The rule '{name}'{where} is gone.")


def _meaning(rule: Rule) -> tuple[Any, ...]:
    return (rule.type, rule.metric, rule.query, rule.arguments, rule.operator, rule.operand, rule.unit, rule.severity)


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)


def _some(values: list[str]) -> str:
    return ", ".join(values[:5]) + (f" and {len(values) - 5} more" if len(values) > 5 else "")
