"""What was found out about one column, and the values it was found out from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.contract.draft.column import NULLS, SUPPRESSED
from arengo.contract.draft.column import Column as Drafted
from arengo.contract.draft.words import concepts, plain
from arengo.contract.model import EMPTY, Kind
from arengo.privacy.sketch import LOOKED

if TYPE_CHECKING:
    from arengo.privacy.reckoning import Reckoning
    from arengo.privacy.sketch import Values

IDENTIFIERS = frozenset(
    {"name", "email", "phone", "address", "national-id", "document-id", "person-id", "iban", "card", "plate",
     "ip-address", "device-id", "biometric", "image"}
)  # fmt: skip
"""Kinds that name one person by themselves."""
_LOOKED = frozenset({Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.TIMESTAMP, Kind.BOOLEAN})

_CODE = 2
"""Letters that a code may have which is also written for what is withheld."""


@dataclass(frozen=True, slots=True)
class ColumnFinding:
    """``kind``: of :data:`~arengo.contract.vocabulary.PERSONAL_KINDS`, '' where nothing personal was found. ``strong``:
    the values prove it; else it is a hint. ``evidence``: code of :data:`EVIDENCE`, ``facts`` fill it. ``distinct``:
    distinct values of the column (an estimate above the sample's size). ``distinction``: distinct values by rows;
    ``separation``: share of pairs of rows that the column tells apart (Motwani and Xu 2008, as ARX measures them).
    ``suppressed``: share of values that are marks of something withheld. ``smallest``: of a column of places, values
    held by fewer rows than the threshold.
    """

    column: str
    kind: str = ""
    role: str = ""
    strong: bool = False
    evidence: str = "none"
    facts: Mapping[str, Any] = EMPTY
    distinct: int = 0
    distinction: float = 0.0
    separation: float = 0.0
    suppressed: float = 0.0
    smallest: int = 0

    @property
    def sentence(self) -> str:
        """The evidence in English."""
        return EVIDENCE[self.evidence].format_map(self.facts)


EVIDENCE: Mapping[str, str] = {
    "none": "nothing personal",
    "number": "{share:.0%} of {tried} different values are valid {label} numbers; by chance {chance:.2%} would be",
    "firm-number": "{share:.0%} of {tried} different values are valid {label} numbers, which firms or goods have",
    "values": "{reason}",
    "header": "{reason}",
    "office": "these look like names of persons in a public office or candidacy; look whether all of them may be "
    "published",
    "inside": "{texts} texts hold {what}",
    "birth-like": "its days span {years} years up to {latest}, as birth dates do",
    "coordinates": "its values and its name are those of coordinates",
    "plate-shape": "{share:.0%} of the values are written like {country} number plates",
    "personal-text": "it is free text of {words:.0f} words on average",
}
"""Code of a kind of evidence -> English sentence."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """One column's values: ``weights``: distinct text -> rows of the table that have it. ``filled``, ``rows``: of the
    whole table. ``share``: of the different values, about so many are here (1: all). ``sampled``: rows whose values are
    here, and their part of the rows without one."""

    name: str
    kind: Kind
    weights: Counter[str]
    rows: int
    filled: int
    distinct: int
    sampled: int
    withheld: int
    title: str = ""
    share: float = 1.0

    @property
    def separation(self) -> float:
        """Share of pairs of rows with different values, unknown being a value of its own; estimated where there are
        very many values."""
        n = self.rows
        empty = max(0.0, n - sum(self.weights.values()) / self.share)
        same = sum(count * (count - 1) for count in self.weights.values()) / self.share + empty * max(empty - 1, 0)
        return min(1.0, max(0.0, 1.0 - same / (n * (n - 1)))) if n > 1 else 0.0

    @property
    def distinction(self) -> float:
        return min(1.0, self.distinct / self.rows) if self.rows else 0.0

    @property
    def words(self) -> float:
        """Words in a value, on average over the distinct ones."""
        some = list(self.weights)[:500]
        return sum(len(text.split()) for text in some) / len(some) if some else 0.0

    def drafted(self, index: int) -> Drafted:
        """As the drafting of contracts sees a column."""
        made = Drafted(self.name, index, weights=self.weights, rows=float(self.sampled), kind=self.kind)
        if not concepts(self.name) and self.title:
            made.name = self.title
        if self.kind in (Kind.INTEGER, Kind.NUMBER):
            made.numbers = tuple(float(text) for text in self.weights)
        if self.kind in (Kind.GEOMETRY, Kind.JSON):
            made.geometry_format = "geometry"
        return made


def sample(
    reckoning: Reckoning, columns: Sequence[tuple[str, Kind]], titles: Mapping[str, str] = EMPTY
) -> tuple[Sampled, ...]:
    """The values of each column, of very many those whose hash is small. Columns whose kind holds no text, number or
    day are given without values."""
    looked = [(name, kind) for name, kind in columns if kind in LOOKED or kind is Kind.JSON]
    rows = reckoning.rows
    held = reckoning.columns(looked) if looked and rows else {}
    made = {name: _sampled(name, kind, held[name], rows, titles) for name, kind in looked if name in held}
    return tuple(
        made.get(name) or Sampled(name, kind, Counter(), rows, 0, 0, 0, 0, titles.get(name, ""))
        for name, kind in columns
    )


def _sampled(name: str, kind: Kind, held: Values, rows: int, titles: Mapping[str, str]) -> Sampled:
    weights: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    withheld = 0
    for value, count in zip(held.texts, held.counts.tolist(), strict=True):
        text = value.strip()
        if not text:
            continue
        if len(text) <= 16 and not text.isdigit() and marks(text):
            if text.isalpha() and len(text) <= _CODE:
                letters[text] += count
            else:
                withheld += count
            continue
        weights[text] += count
    shapes = {len(text) for text in weights if len(text) <= _CODE and text.isalpha()}
    for text, count in letters.items():
        if len(text) in shapes:
            weights[text] += count
        else:
            withheld += count
    share = held.share
    filled = held.filled if held.power else sum(weights.values()) + withheld
    sampled = int(held.counts.sum()) + round((rows - held.filled) * share)
    distinct = min(round(len(weights) / share), rows)
    return Sampled(name, kind, weights, rows, filled, distinct, sampled, withheld, titles.get(name, ""), share)


def marks(text: str) -> bool:
    """Whether a text stands for something withheld or unknown: ``..``, ``*``, ``<5``, ``c``, ``-``. Letters such as
    ``c`` are a code like any other where the column holds more codes of as many letters."""
    low = text.casefold() if text.isascii() else plain(text)
    return low in SUPPRESSED or low in NULLS
