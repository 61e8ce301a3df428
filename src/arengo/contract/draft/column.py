# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""The values of one column as evidence: each distinct text with its weight, and the texts that mean *nothing*."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from arengo.contract.draft.words import plain
from arengo.contract.model import Kind, Parse
from arengo.contract.sample import Sample, SampleColumn

# Texts that mean "not known" in any column.
NULLS = frozenset(
    r"""
    #n/a #n/d #nv #ref! #value! #valor! #wert! #name? #nombre? #null! #div/0! #¡valor! #¡ref! #zahl! null (null)
    <null> n/a na/ n.a. n.a n/d n.d. n.d s/n s/d s/i s/inf n/i n/c none(null) nan nodata no_data -- --- ---- – —
    -nan nil \n n.v. k.a. k.a b.d. - .. ... н/д н.д. n/s n.r. n.k. n/r
    """.split()
)
# Texts that mean "not known" where numbers, dates or yes and no are expected.
NULLS_HERE = frozenset(
    """
    . : / _ ? ?? na nd nc ns nr nv kd none x0 sd null nulo nullo inf -inf tbd tba unknown missing unbekannt
    onbekend inconnu sconosciuto desconocido desconhecido brak ukendt ukjent okand tuntematon neznamo nepoznato
    없음 미상 不明 無 无 なし 暂无 нет н
    """.split()
) | frozenset(
    {
        "sin dato", "sin datos", "no disponible", "no aplica", "sin informacion", "non disponible", "non renseigne", "non connu",
        "keine angabe", "keine daten", "ohne angabe", "nicht bekannt", "non disponibile", "dato non disponibile", "nao informado",
        "nao disponivel", "nao se aplica", "sem informacao", "geen gegevens", "niet bekend", "brak danych", "no data", "not available",
        "not known", "uppgift saknas", "ingen data", "нет данных", "неизвестно", "немає даних", "غير متوفر", "bilinmiyor", "k. a.",
        "sense dades", "no consta", "ei tietoa", "nije poznato", "nincs adat", "해당없음", "해당 없음", "자료없음", "not applicable",
        "no informa", "sin especificar", "vacio", "leer",
    }
)  # fmt: skip
# Texts that mean "known, but withheld": small counts, statistical secrecy.
SUPPRESSED = frozenset(
    """
    * ** *** (*) c :c (c) [c] (s) [s] [x] (x) (d) (n) secret confidential confidentiel suppressed <3 <4 <5 <6 <10
    <11 <20 ≤5 ≤3 ss s.s. geheim vertraulich riservato s.e. n.p. 1-4 1-5 1-9 1_4 r. x
    """.split()
) | frozenset(
    {"secret statistique", "< 5", "< 3", "< 10", "< 4", "secreto estadistico", "segreto statistico", "under 5"}
)
ZERO_DATES = frozenset(
    {"0000-00-00", "00/00/0000", "0000-00-00 00:00:00", "00.00.0000", "00-00-0000", "00000000", "0", "0/0/0000"}
)


@dataclass(slots=True)
class Column:
    """One column while it is being drafted. ``weights``: trimmed text -> share of the table's rows it stands for."""

    name: str  # as the source writes it
    index: int
    caption: str = ""
    declared: str = ""
    weights: Counter[str] = field(default_factory=Counter)
    blank: float = 0.0
    rows: float = 0.0
    padded: bool = False
    # what is decided
    kind: Kind = Kind.STRING
    parse: dict[str, Any] = field(default_factory=dict)
    nulls: list[str] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)  # dates that a spreadsheet made of numbers
    unit: str = ""
    doubts: list[str] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    note: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    unique: bool | None = None
    personal: str = ""
    role: str = ""
    reason: str = ""
    ident: str = ""
    title: str = ""
    numbers: tuple[float, ...] = ()
    geometry_format: str = ""

    @property
    def filled(self) -> float:
        return sum(self.weights.values())

    @property
    def distinct(self) -> int:
        return len(self.weights)

    def told(self) -> dict[str, float]:
        """Distinct values that are neither missing nor withheld."""
        out = {*self.nulls, *self.suppressed, *self.damaged}
        return {text: weight for text, weight in self.weights.items() if text not in out}

    def made(self) -> Parse:
        return Parse(
            formats=tuple(self.parse.get("formats", ())),
            decimal=self.parse.get("decimal", "."),
            thousands=self.parse.get("thousands", ""),
        )


def gather(sample: Sample) -> list[Column]:
    """Columns of a sample with the weights of their values; unusual rows count as often as they really come."""
    unusual = int(sample.extra.get("unusual", 0) or 0)
    rows = len(sample.columns[0].values) if sample.columns else 0
    regular = rows - unusual
    counts: Mapping[str, Mapping[str, int]] = sample.extra.get("unusual_counts", {}) or {}
    scale = regular / sample.total if sample.total and regular else 1.0
    out = []
    for index, item in enumerate(sample.columns):
        column = Column(item.name, index, item.caption, item.declared)
        _weigh(column, item, regular, counts.get(item.name, {}), scale)
        out.append(column)
    return out


def _weigh(column: Column, item: SampleColumn, regular: int, counts: Mapping[str, int], scale: float) -> None:
    weights: Counter[str] = Counter()
    raw = Counter(item.values[:regular])
    for text, n in raw.items():
        stripped = text.strip() if text is not None else ""
        if not stripped:
            column.blank += n
            continue
        if stripped != text:
            column.padded = True
        weights[stripped] += n
    for text in item.values[regular:]:
        stripped = text.strip() if text is not None else ""
        if stripped and stripped not in weights:
            weights[stripped] += max(counts.get(text or "", 1), 1) * scale  # type: ignore[assignment]
    column.weights = weights
    column.rows = float(regular)


def markers(column: Column) -> None:
    """Find the texts that stand for a missing or a withheld value in a column of numbers, dates or yes and no."""
    for text in column.weights:
        if len(text) > 24 or (len(text) > 3 and text[0].isdigit()):
            continue
        low = plain(text)
        if low in SUPPRESSED and not (low == "x" and column.distinct <= 2):
            column.suppressed.append(text)
        elif low in NULLS or low in NULLS_HERE or text == "..":
            column.nulls.append(text)


def text_markers(column: Column) -> None:
    """The same for a column of words, where fewer texts are beyond doubt."""
    column.nulls.extend(
        text for text in column.weights if len(text) <= 12 and not text.isdigit() and plain(text) in NULLS
    )
