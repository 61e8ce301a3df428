"""Which datasets belong together: shared keys, concepts, columns and words; and which look like copies.

Every comparison is of what contracts and versions already say; no row is read. Copies are one of the seeds of waste in
a town hall: two offices that keep the same list.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from arengo.catalogue.record import Record, say
from arengo.catalogue.wanted import Related, Twins
from arengo.catalogue.words import asked, fold, stem
from arengo.contract.model import Contract
from arengo.lake.version import Version

Own = Sequence[tuple[Record, Contract, Version | None]]
COMMON = frozenset(
    (
        "id",
        "name",
        "date",
        "year",
        "lon",
        "lat",
        "longitude",
        "latitude",
        "geometry",
        "notes",
        "description",
        "title",
    )
)
"""Column names that join nothing."""
ALIKE = 0.72


def related(record: Record, own: Own, limit: int) -> tuple[Related, ...]:
    """The nearest first; ``shared`` names what they have in common."""
    mine = next((contract for item, contract, _ in own if item.id == record.id), None)
    out: list[Related] = []
    for other, contract, _ in own:
        if other.id == record.id:
            continue
        found = _shared(record, mine, other, contract)
        if found is not None:
            out.append(found)
    return tuple(sorted(out, key=lambda item: (-item.score, item.record.id))[:limit])


def _shared(record: Record, mine: Contract | None, other: Record, theirs: Contract) -> Related | None:
    if record.series and record.series == other.series:
        return Related(other, "series", (record.series,), 10.0)
    if mine is not None:
        concepts = sorted(_concepts(mine) & _concepts(theirs))
        if concepts:
            return Related(other, "concept", tuple(concepts), 6.0 + len(concepts))
        keys = {name for name in (*mine.key, *theirs.key) if fold(name) not in COMMON}
        joined = sorted(keys & _names(mine) & _names(theirs))
        if joined:
            return Related(other, "key", tuple(joined), 5.0 + len(joined))
        columns = sorted((_names(mine) & _names(theirs)) - COMMON)
        if len(columns) >= 2:
            return Related(other, "columns", tuple(columns[:5]), 2.0 + 0.3 * len(columns))
    words = sorted(_subject(record) & _subject(other))
    if words:
        bonus = 0.5 if set(record.themes) & set(other.themes) else 0.0
        return Related(other, "words", tuple(words[:5]), 0.8 * len(words) + bonus)
    return None


def _names(contract: Contract) -> set[str]:
    return {item.name for item in contract.properties}


def _concepts(contract: Contract) -> set[str]:
    return {
        str(item.custom["arengoPrivacyConcept"])
        for item in contract.properties
        if item.custom.get("arengoPrivacyConcept")
    }


def _subject(record: Record) -> set[str]:
    language = record.language.split("-")[0]
    told = [say(record.title, language)[0], *(word for words in record.keywords.values() for word in words)]
    return {stem(word, language) for text in told for word in asked(text)}


def twins(own: Own, limit: int) -> tuple[Twins, ...]:
    """Pairs that look like copies: equal rows, or nearly the same columns under nearly the same title."""
    out: list[Twins] = []
    for (one, first, a), (two, second, b) in combinations(own, 2):
        if a is not None and b is not None and a.checksum == b.checksum and a.rows > 0:
            out.append(Twins(one.id, two.id, 1.0, "rows"))
            continue
        left, right = _names(first), _names(second)
        if len(left) < 3 or len(right) < 3:
            continue
        columns = len(left & right) / len(left | right)
        if columns < 0.6:
            continue
        title = _alike(_subject(one), _subject(two))
        sizes = min(a.rows, b.rows) / max(a.rows, b.rows, 1) if a and b and min(a.rows, b.rows) else 0.0
        share = 0.6 * columns + 0.25 * title + 0.15 * sizes
        if share >= ALIKE:
            out.append(Twins(one.id, two.id, round(share, 3), "columns"))
    return tuple(sorted(out, key=lambda item: -item.share)[:limit])


def _alike(one: set[str], two: set[str]) -> float:
    return len(one & two) / len(one | two) if one | two else 0.0
