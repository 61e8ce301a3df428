"""Which datasets belong together: shared keys, concepts, columns and words; and which look like copies.

Every comparison is of what contracts, versions and profiles already say; no row is read. Copies are one of the seeds of
waste in a town hall: two offices that keep the same list. Pairs are found by what two datasets share (a rare column, a
hash of values), never by comparing each with each, so thousands of datasets take seconds.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from arengo.catalogue.record import Record, say
from arengo.catalogue.wanted import Related, Twins
from arengo.catalogue.words import asked, fold, stem
from arengo.contract.document import parse
from arengo.contract.model import Contract, Kind
from arengo.lake.version import Version

_USUAL = (
    "id name date year month lon lat longitude latitude x y geometry geom notes note description title "
    "type code status nome data anno tipo codice stato nom annee nombre fecha ano codigo"
)
COMMON = frozenset(_USUAL.split())
"""Column names that join nothing."""
ALIKE = 0.72
"""Share from which two datasets look like copies."""
HASHES = 32
"""Smallest hashes of values kept a dataset (minhash, Broder 1997): their overlap estimates the values' overlap."""
CROWD = 60
"""A column or hash that more datasets have than this tells nothing."""


@dataclass(frozen=True, slots=True)
class Kin:
    """What is compared of one dataset.

    ``names``: its columns; ``keys``: its primary key's. ``points``: what a column points at, by name -> the column.
    ``subject``: stem -> word of title and keywords. ``values``: smallest hashes of its values worth finding.
    """

    record: Record
    contract: Contract
    version: Version | None
    names: frozenset[str]
    kinds: Mapping[str, str]
    keys: frozenset[str]
    points: Mapping[str, str]
    concepts: frozenset[str]
    subject: Mapping[str, str]
    values: frozenset[int]


def kin(record: Record, contract: Contract, version: Version | None, profile: Mapping[str, Any]) -> Kin:
    """``profile``: of the newest version, {} when nobody may see it."""
    names = {fold(item.name): str(item.kind) for item in contract.properties}
    return Kin(
        record,
        contract,
        version,
        frozenset(names),
        names,
        frozenset(fold(name) for name in contract.key),
        _points(contract),
        frozenset(
            str(item.custom["arengoPrivacyConcept"])
            for item in contract.properties
            if item.custom.get("arengoPrivacyConcept")
        ),
        subject(record),
        _minhash(contract, profile),
    )


def _points(contract: Contract) -> Mapping[str, str]:
    """What columns point at: as ODCS relationships say (3.1, *Relationships*), else as names like ``school_id`` do."""
    out = {}
    for item in contract.properties:
        plain = fold(item.name)
        for ending in ("_id", "_code", "_number"):
            if plain.endswith(ending) and len(plain) > len(ending) + 2:
                out[plain.removesuffix(ending)] = item.name
    if "relationships" in contract.text:
        for shape in parse(contract.text).data.get("schema") or ():
            for column in shape.get("properties") or ():
                for tie in column.get("relationships") or ():
                    ends = tie.get("to") if isinstance(tie, dict) else None
                    for end in [ends] if isinstance(ends, str) else ends or ():
                        out[fold(re.split(r"[./]", str(end).removeprefix("schema/"))[0])] = str(column.get("name"))
    return out


def _minhash(contract: Contract, profile: Mapping[str, Any]) -> frozenset[int]:
    columns = profile.get("columns", {})
    found: set[int] = set()
    for item in contract.properties:
        personal = item.privacy_role or item.custom.get("arengoPersonalKind")
        if personal or item.kind is not Kind.STRING:
            continue
        for top in columns.get(item.name, {}).get("top") or ():
            value = top.get("value")
            if isinstance(value, str) and len(value) > 3 and any(mark.isalpha() for mark in value):
                found.add(zlib.crc32(fold(value).encode()))
    return frozenset(sorted(found)[:HASHES])


def subject(record: Record) -> Mapping[str, str]:
    """Words of a record's title and keywords by their stems."""
    language = record.language.split("-")[0]
    told = [say(record.title, language)[0], *(word for words in record.keywords.values() for word in words)]
    return {stem(word, language): word for text in reversed(told) for word in asked(text)}


# ---- related ----------------------------------------------------------------------------------------------------


def related(record: Record, own: Mapping[str, Kin], limit: int) -> tuple[Related, ...]:
    """The nearest first; ``shared`` names what they have in common."""
    mine = own.get(record.id)
    words = mine.subject if mine is not None else subject(record)
    rarity = _rarity(own)
    out = []
    for other in own.values():
        if other.record.id != record.id:
            found = _shared(record, words, mine, other, rarity)
            if found is not None:
                out.append(found)
    return tuple(sorted(out, key=lambda item: (-item.score, item.record.id))[:limit])


def _rarity(own: Mapping[str, Kin]) -> Callable[[str], float]:
    """How much a shared column or word tells: the logarithm of the share of datasets without it."""
    count = max(len(own), 8)
    usual = Counter(name for item in own.values() for name in (*item.names, *(item.subject.keys() - item.names)))
    return lambda name: math.log((1 + count) / (1 + usual[name]))


def _shared(
    record: Record, words: Mapping[str, str], mine: Kin | None, other: Kin, rarity: Callable[[str], float]
) -> Related | None:
    """The strongest tie of two datasets; weaker ones add a little to its score."""
    ties: list[tuple[float, str, tuple[str, ...]]] = []
    if record.series and record.series == other.record.series:
        ties.append((10.0, "series", (record.series,)))
    if mine is not None:
        concepts = sorted(mine.concepts & other.concepts)
        if concepts:
            ties.append((6.0 + len(concepts), "concept", tuple(concepts)))
        keys = _joins(mine, other)
        if keys:
            ties.append((5.0 + len(keys), "key", keys))
        columns = sorted(mine.names & other.names - COMMON, key=lambda name: (-rarity(name), name))
        weight = sum(map(rarity, columns))
        if len(columns) >= 2 and weight >= 1.0:
            ties.append((0.5 * weight, "columns", tuple(columns[:5])))
    told = words.keys() & other.subject.keys()
    if told:
        ties.append((0.5 * sum(map(rarity, told)), "words", tuple(sorted(words[root] for root in told)[:5])))
    if not ties:
        return None
    ties.sort(key=lambda tie: -tie[0])
    score, reason, what = ties[0]
    score += 0.2 * sum(min(tie[0], 3.0) for tie in ties[1:])
    score += 0.5 * bool(set(record.themes) & set(other.record.themes)) + 0.3 * _meet(record, other.record)
    return Related(other.record, reason, what, round(score, 3))


def _joins(one: Kin, two: Kin) -> tuple[str, ...]:
    """Columns by which the rows of two datasets meet: the only key of one, or a column that points at the other."""
    found: set[str] = set()
    for first, second in ((one, two), (two, one)):
        if len(first.keys) == 1:
            found |= {name for name in first.keys & second.names - COMMON if first.kinds[name] == second.kinds[name]}
        known = {fold(first.record.id).replace("-", "_"), fold(first.record.id), fold(first.contract.schema_name)}
        known |= {name.removesuffix("s") for name in known}
        found |= {second.points[name] for name in second.points.keys() & known}
    return tuple(sorted(found))


def _meet(one: Record, two: Record) -> bool:
    """The same quarter: two boxes that meet, neither of them the whole city's."""
    a, b = one.spatial, two.spatial
    if a is None or b is None or a == b:
        return False
    return a[0] <= b[2] and a[2] >= b[0] and a[1] <= b[3] and a[3] >= b[1]


# ---- copies -----------------------------------------------------------------------------------------------------


def twins(own: Sequence[Kin], limit: int) -> tuple[Twins, ...]:
    """Pairs that look like copies: equal rows, or nearly the same columns with the same values, size or title."""
    found: dict[tuple[str, str], Twins] = {}
    for one, two in _candidates(own):
        pair = _pair(one, two)
        if pair is not None:
            found[pair.first, pair.second] = pair
    return tuple(sorted(found.values(), key=lambda item: (-item.share, item.first, item.second))[:limit])


def _candidates(own: Sequence[Kin]) -> list[tuple[Kin, Kin]]:
    """Pairs that share rows, values or columns that few datasets have."""
    shelves: dict[tuple[str, Any], list[int]] = {}
    for number, item in enumerate(own):
        if item.version is not None and item.version.rows:
            shelves.setdefault(("rows", item.version.checksum), []).append(number)
        for name in item.names - COMMON:
            shelves.setdefault(("column", name), []).append(number)
        for value in item.values:
            shelves.setdefault(("value", value), []).append(number)
        shelves.setdefault(("shape", tuple(sorted(item.names))), []).append(number)
    met: Counter[tuple[int, int]] = Counter()
    for (kind, _), members in shelves.items():
        if len(members) > CROWD and kind in ("column", "value"):
            continue
        for pair in combinations(members[: 2 * CROWD], 2):
            met[pair] += 5 if kind in ("rows", "shape") else 1
    return [(own[first], own[second]) for (first, second), times in met.items() if times >= 2]


def _pair(one: Kin, two: Kin) -> Twins | None:
    first, second = sorted((one.record.id, two.record.id))
    a, b = one.version, two.version
    if a is not None and b is not None and a.rows > 0 and a.checksum == b.checksum:
        return Twins(first, second, 1.0, "rows")
    if one.record.series and one.record.series == two.record.series:
        return None  # years of one thing are alike and no copies
    columns = _overlap(one.names, two.names)
    title = _overlap(frozenset(one.subject), frozenset(two.subject))
    values = _overlap(one.values, two.values)
    sizes = min(a.rows, b.rows) / max(a.rows, b.rows, 1) if a and b and min(a.rows, b.rows) else 0.0
    same = [name for name in one.names & two.names if one.kinds[name] == two.kinds[name]]
    if len(one.names) >= 3 and len(two.names) >= 3 and columns >= 0.6:
        kinds = len(same) / max(1, len(one.names & two.names))
        share = 0.5 * columns * kinds + 0.2 * title + 0.15 * sizes + 0.15 * values
        share += 0.15 * (not one.values and not two.values) * columns  # nothing to compare is no difference
        if share >= ALIKE:
            return Twins(first, second, round(min(share, 0.99), 3), "columns")
    like = min(len(one.names), len(two.names)) / max(len(one.names), len(two.names), 1)
    if values >= 0.8 and min(len(one.values), len(two.values)) >= 8 and sizes >= 0.9 and like >= 0.6 and title >= 0.3:
        return Twins(first, second, round(min(0.99, 0.5 * values + 0.3 * sizes + 0.2 * title), 3), "values")
    return None


def _overlap(one: frozenset[Any], two: frozenset[Any]) -> float:
    return len(one & two) / len(one | two) if one | two else 0.0
