"""Every column of a table: which kind of personal data it holds, on which evidence, how well it tells rows apart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from arengo.contract.draft import people, person_plates, places
from arengo.contract.draft.column import Column as Drafted
from arengo.contract.draft.words import concepts
from arengo.contract.model import Contract, Frozen, Kind
from arengo.privacy.detect import checks, text
from arengo.privacy.detect.checks import BOTH, FIRM, Hit
from arengo.privacy.detect.column import IDENTIFIERS, ColumnFinding, Sampled
from arengo.privacy.detect.column import sample as taken
from arengo.privacy.reckoning import Reckoning

if TYPE_CHECKING:
    import duckdb

NAMED = frozenset({"national_id", "person_id"})
CONTRARY = frozenset({"official_code", "postcode", "phone", "fax", "count", "x", "y", "order", "latitude", "longitude",
                      "organisation", "facility", "url"})  # fmt: skip
"""Concepts of a column's name that speak against numbers of persons."""
WORDS = 1.6
"""Words in a value, on average, from which a column is read as text."""
PLACES = frozenset({"street", "address", "postcode", "home"})
_AREA = re.compile(r"district|ward|barri|quart|zona|section|seccio|munic", re.IGNORECASE)
_WHERE = ("", "address", "postcode", "location")
"""Kinds of what may be a place; an owner's year of birth is none, though it speaks of an owner."""
_NUMBERS = 0.95
"""Distinct values by rows from which a column numbers the rows."""
_ALIKE = 0.05
"""Share of rows that are like another one from which rows are single persons."""
_WIDE = 30
"""Columns compared at most."""
_ROLES = {"age": "quasi", "sex": "quasi", "birth-date": "quasi", "location": "quasi"}


def detect(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[tuple[str, Kind]],
    *,
    country: str = "",
    sample: int = 10_000,
    declared: Contract | None = None,
    inside: bool = True,
    threshold: int = 5,
) -> tuple[ColumnFinding, ...]:
    """One finding a column, in their order; kind '' where nothing personal was found.

    ``table``: SQL, a quoted name or a subquery in parentheses. ``country``: ISO 3166, of the city. ``sample``: rows
    that are looked at closely. ``declared``: the contract, for titles and language; what it says of persons is not
    taken over. ``inside``: also look through every text of the text columns. Spurious columns cost nothing.
    """
    reckoning = Reckoning(connection, table, sample)
    return tuple(find(reckoning, columns, country, declared, inside, threshold)[0])


def find(
    reckoning: Reckoning,
    columns: Sequence[tuple[str, Kind]],
    country: str,
    declared: Contract | None,
    inside: bool,
    threshold: int,
) -> tuple[list[ColumnFinding], tuple[Sampled, ...], dict[str, text.Inside]]:
    """:func:`detect` with what it was made from: the values, and what the texts hold."""
    titles: Mapping[str, str] = (
        {item.name: item.physical_name or item.title for item in declared.properties} if declared else {}
    )
    held = taken(reckoning, columns, titles)
    drafted = [item.drafted(at) for at, item in enumerate(held)]
    language = (declared.language.split("-")[0] if declared and "arengoLanguage" in declared.custom else "") or ""
    texts = [part for part in (declared.name, declared.schema_name, declared.id) if part] if declared else []
    full = [item for item in drafted if item.weights]
    pair = places.find(full, country=country, language=language, crs="", hint=" ".join(titles))
    for draft in full:
        draft.options["axis"] = pair is not None and draft.name in (pair.x, pair.y)
    people.find(full, texts, language, country, lambda: alike(reckoning, held))
    personal = any(item.personal not in ("", "ip-address", "device-id") for item in drafted)
    out: list[ColumnFinding] = []
    looked: dict[str, text.Inside] = {}
    for item, draft in zip(held, drafted, strict=True):
        finding = _one(item, draft, country, personal)
        if inside and not finding.strong and _is_text(item):
            seen = looked[item.name] = text.search(reckoning, item.name, country)
            if seen.found:
                facts = Frozen({"texts": seen.texts, "what": seen.what})
                finding = _made(item, "free-text", "identifier", True, "inside", facts)
        small = _smallest(item, threshold) if finding.kind in _WHERE and _place(item) else 0
        out.append(_with(finding, small) if small else finding)
    return out, held, looked


def alike(reckoning: Reckoning, held: Sequence[Sampled]) -> bool:
    """Whether rows are alike in all but what numbers them, as rows about single persons are: those of a table of
    counts differ by its groups, however they are named."""
    shared = [item.name for item in held
              if item.distinct < _NUMBERS * reckoning.rows and item.kind not in (Kind.GEOMETRY, Kind.JSON)]  # fmt: skip
    if not shared or len(shared) > _WIDE:
        return False
    found = reckoning.combos(shared).table
    return bool(found.num_rows < (1 - _ALIKE) * int(found.column("n").to_numpy().sum()))


def _is_text(item: Sampled) -> bool:
    return item.kind is Kind.JSON or (item.kind is Kind.STRING and item.words >= WORDS)


def _made(
    item: Sampled, kind: str = "", role: str = "", strong: bool = False, evidence: str = "none",
    facts: Mapping[str, object] = Frozen({}),
) -> ColumnFinding:  # fmt: skip
    share = item.withheld / item.sampled if item.sampled else 0.0
    return ColumnFinding(
        item.name, kind, role, strong, evidence, facts, item.distinct, item.distinction, item.separation, share
    )


def _with(finding: ColumnFinding, smallest: int) -> ColumnFinding:
    from dataclasses import replace

    return replace(finding, smallest=smallest)


def _one(item: Sampled, draft: Drafted, country: str, personal: bool) -> ColumnFinding:
    values = [value for value in item.weights if len(value) <= 40]
    known = concepts(draft.name)
    if item.kind in (Kind.STRING, Kind.INTEGER) and len(values) >= 3:
        hit = checks.explain(values, country, item.kind is Kind.INTEGER)
        if hit is not None:
            made = _number(item, hit, known, country)
            if made is not None:
                return made
    if draft.personal:
        role = draft.role or _ROLES.get(draft.personal, "identifier" if draft.personal in IDENTIFIERS else "quasi")
        strong = role == "identifier" or bool(draft.options.get("supply"))
        return _made(item, draft.personal, role, strong, "values", Frozen({"reason": draft.reason}))
    if draft.options.get("public_role"):
        return _made(item, "name", "identifier", False, "office")
    if item.kind is Kind.STRING and len(values) >= 8 and item.distinct >= 0.3 * item.filled:
        where, share = person_plates.particular(values[:400])
        if share >= 0.9:
            named = bool(known & {"plate"})
            return _made(item, "plate", "identifier", named, "plate-shape", {"share": share, "country": where})
    if draft.options.get("axis") and personal:
        return _made(item, "location", "quasi", False, "coordinates")
    if item.kind in (Kind.DATE, Kind.TIMESTAMP) and personal:
        days = sorted(value[:10] for value in values)
        if len(days) >= 20:
            first, last, middle = int(days[0][:4]), int(days[-1][:4]), int(days[len(days) // 2][:4])
            if last - first >= 60 and first >= 1890 and 1935 <= middle <= 2012 and last <= date.max.year:
                return _made(item, "birth-date", "quasi", False, "birth-like", {"years": last - first, "latest": last})
    return _made(item)


def _number(item: Sampled, hit: Hit, known: frozenset[str], country: str) -> ColumnFinding | None:
    """A column of checked numbers: whose, and whether the check and the name together prove it."""
    check = hit.check
    facts = Frozen({"share": hit.share, "tried": hit.tried, "label": check.label, "chance": hit.chance})
    if check.whose == FIRM:
        return _made(item, evidence="firm-number", facts=facts) if hit.proven else None
    named = bool(known & NAMED) or {"tax_id", "person"} <= known
    home = not country or country.upper() in check.countries or not check.countries
    particular = any("A" in shape for shape in check.shapes) and check.rate <= 0.02
    if named:
        # The name is evidence already; the check only has to agree better than by chance.
        strong = hit.tried >= 3 and (hit.share >= checks.RATIO * hit.chance or hit.ratio >= 7.0)
    elif check.kind == "card" or check.whose == BOTH:
        strong = False
    elif not hit.proven or hit.tried < 8:
        return None
    elif known & CONTRARY:
        strong = particular
    elif hit.chance <= 0.045:
        strong = home or particular or hit.chance <= 0.005
    else:
        strong = home and bool(country)
    if not strong and (not hit.proven or hit.tried < 8):
        return None
    if not strong and not named and not home:
        return None  # another country's check alone, on a column that does not claim to be about people
    return _made(item, check.kind, "identifier", strong, "number", facts)


def _place(item: Sampled) -> bool:
    return item.kind in (Kind.STRING, Kind.INTEGER) and bool(concepts(item.name) & PLACES or _AREA.search(item.name))


def _smallest(item: Sampled, threshold: int) -> int:
    """Values that fewer rows than the threshold have; estimated where there are very many values."""
    return round(sum(count < threshold for count in item.weights.values()) / item.share)


@dataclass(frozen=True, slots=True)
class Rank:
    """How well some columns together tell rows apart: ``distinction``: distinct combinations by rows, ``separation``:
    share of pairs of rows that differ in one of them (Motwani and Xu 2008; ARX, ``RiskModelAttributes``)."""

    columns: tuple[str, ...]
    distinction: float
    separation: float


def ranks(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], *, most: int = 3, size: int = 20_000
) -> tuple[Rank, ...]:
    """:func:`ranked` of a table (SQL)."""
    return ranked(Reckoning(connection, table), columns, most=most, size=size)


def ranked(reckoning: Reckoning, columns: Sequence[str], *, most: int = 3, size: int = 20_000) -> tuple[Rank, ...]:
    """Every set of up to ``most`` of ``columns``, the most telling first (distinction, then separation, then fewer).

    Where the table is large, distinction is what ``size`` rows drawn from it would have: the more rows, the fewer new
    combinations, whatever the columns are (rarefaction: Hurlbert, *The nonconcept of species diversity*, 1971).
    """
    names = list(columns)[:10]
    if not names:
        return ()
    held = reckoning.combos(names)
    if reckoning.rows < 2 or not held.table.num_rows:
        return ()
    counts = held.table.column("n").to_numpy().astype(np.float64)
    n = float(counts.sum())
    drawn = n if reckoning.rows <= 2 * size else min(float(size), n)
    codes = [
        held.table.column(at).combine_chunks().dictionary_encode(null_encoding="encode").indices.to_numpy(
            zero_copy_only=False).astype(np.int64)
        for at in range(len(names))
    ]  # fmt: skip
    out = []
    for width in range(1, most + 1):
        for chosen in combinations(range(len(names)), width):
            class_of = np.zeros(len(counts), np.int64)
            for at in chosen:
                _, class_of = np.unique(class_of * (int(codes[at].max()) + 1) + codes[at], return_inverse=True)
            sizes = np.bincount(class_of, counts)
            pairs = float((sizes * (sizes - 1)).sum())
            seen = float(len(sizes)) if drawn == n else float((-np.expm1(drawn * np.log1p(-sizes / (n + 1)))).sum())
            separation = 1.0 - pairs / (n * (n - 1.0)) if n > 1 else 0.0
            out.append(Rank(tuple(names[at] for at in chosen), min(1.0, seen / drawn), separation))
    return tuple(sorted(out, key=lambda item: (-item.distinction, -item.separation, len(item.columns))))
