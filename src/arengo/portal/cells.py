"""A value as a reader sees it: numbers of one column line up, what is missing has a mark, long text a full form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from arengo.contract.direction import steady
from arengo.contract.model import Contract, Kind, Property
from arengo.portal.language import Speech
from arengo.portal.ranges import words

LONG = 48  # characters shown of a text in a table
_YEAR = re.compile(r"(^|_)(year|anno|annee|ann[ée]e|ano|a[nñ]o|jahr|jaar|any|exercice|esercizio|ejercicio)($|_)", re.I)


@dataclass(frozen=True, slots=True)
class Cell:
    """``mark`` is '' | nil | withheld; ``text`` is what is shown, ``full`` the whole value when it was clipped."""

    text: str
    mark: str = ""
    full: str = ""
    raw: Any = None


@dataclass(frozen=True, slots=True)
class Head:
    """A column's heading: words, unit, and how its cells are set."""

    name: str
    label: str
    unit: str
    kind: Kind
    numeric: bool
    key: bool
    description: str = ""
    code: bool = False  # digits that are a name: no thousands marks
    lang: str = ""  # language of the label when it is not the reader's
    withheld: bool = False  # the contract knows a mark for "withheld" in this column

    @property
    def style(self) -> str:
        """Class of a table cell: numbers at the end of the line, dates in one piece."""
        return "n" if self.numeric else "d" if self.kind in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP) else ""


def heads(
    contract: Contract, names: Iterable[str], language: str, profile: Mapping[str, Any] | None = None
) -> list[Head]:
    """Headings of the columns ``names`` in the reader's language, in order."""
    key = set(contract.key)
    measured = (profile or {}).get("columns", {})
    out = []
    for name in names:
        item = contract.column(name)
        if item is None:
            continue
        label, words = spoken(contract, item, language)
        numeric = item.kind in (Kind.INTEGER, Kind.NUMBER)
        out.append(
            Head(
                name,
                label,
                item.unit,
                item.kind,
                numeric and not _named(item, name in key) and not _code(item),
                name in key,
                words,
                code=_named(item, name in key) or _code(item) or _years(item, measured.get(name, {})),
                withheld=bool(item.parse.suppressed),
                lang=_tongue(contract, item, language),
            )
        )
    return out


def spoken(contract: Contract, item: Property, language: str) -> tuple[str, str]:
    """Label and description of a column, translated where the contract has a translation."""
    words = contract.custom.get("arengoTranslations", {}).get(language.split("-")[0], {}).get("columns", {})
    found = words.get(item.name) if isinstance(words, Mapping) else None
    if isinstance(found, Mapping):
        told = written(str(found.get("description") or item.description))
        return steady(str(found.get("label") or item.label)), told
    return steady(str(found or _first(item.label, contract.language))), written(item.description)


def _tongue(contract: Contract, item: Property, language: str) -> str:
    """The language a label is in when it is not ``language``: that of the contract, for want of a translation."""
    own, wanted = contract.language.split("-")[0], language.split("-")[0]
    if own == wanted:
        return ""
    told = contract.custom.get("arengoTranslations", {}).get(wanted, {}).get("columns", {})
    found = told.get(item.name) if isinstance(told, Mapping) else None
    label = found.get("label") if isinstance(found, Mapping) else found
    return "" if label else own


def _first(label: str, language: str = "") -> str:
    """The label with a capital, as its language writes it: Turkish has a dotted one."""
    capital = "İ" if label[:1] == "i" and language.split("-")[0] in ("tr", "az") else label[:1].upper()
    return capital + label[1:]


_UNWRITTEN = "to be filled in:"


def written(text: str) -> str:
    """``text``, '' while a draft's own words stand where the owner's belong."""
    return "" if text.strip().lower().startswith(_UNWRITTEN) else text


def _named(item: Property, key: bool) -> bool:
    """An integer that names something (a key, an identifier) is not a quantity."""
    return item.kind is Kind.INTEGER and (key or item.unique or item.privacy_role == "identifier")


_CODE = re.compile(
    r"(^|_)(id|ids|gid|fid|uid|uuid|objectid|code|codes|codi|codigo|código|codice|cod|cd|kod|kodu|kode|nature|account|"
    r"compte|cuenta|conto|konto|zip|zipcode|postcode|postal|postalcode|cap|plz|insee|istat|siren|siret|phone|tel|telefono|"
    r"number_id|ref|nif|cif|iban|fonction|chapitre|chapter|capitolo|capitulo|articolo|articulo)($|_)",
    re.I,
)


def coded(name: str) -> bool:
    """Whether a column is named as what holds codes: accounts, postcodes, identifiers."""
    return _CODE.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)) is not None


def _code(item: Property) -> bool:
    """An integer without a unit under the name of a code is no quantity either."""
    return item.kind is Kind.INTEGER and not item.unit and coded(item.name)


def yearly(head: Head) -> bool:
    """A column of years."""
    return head.kind is Kind.INTEGER and head.code and not head.key and _YEAR.search(head.name) is not None


def _years(item: Property, measured: Mapping[str, Any]) -> bool:
    if item.kind is not Kind.INTEGER or not _YEAR.search(item.name):
        return False
    low, high = measured.get("min"), measured.get("max")
    numbers = isinstance(low, int | float) and isinstance(high, int | float)
    return not numbers or (1000 <= low <= high <= 2999)  # type: ignore[operator]


_TAG = re.compile(
    r"<!--.*?-->|</?(?:a|abbr|article|b|big|blockquote|br|center|code|dd|div|dl|dt|em|font|h[1-6]|hr|i|img|li|ol|p|pre|"
    r"s|section|small|span|strong|sub|sup|table|tbody|td|th|thead|tr|u|ul)(?:\s[^<>]*)?/?>",
    re.I | re.S,
)


def plain(text: str) -> str:
    """A text that a page editor wrote, without its tags (HTML); any other text as it is."""
    if "<" not in text or not _TAG.search(text):
        return text
    from html import unescape

    return " ".join(unescape(_TAG.sub(" ", text)).split())


class Writer:
    """Writes the cells of one page of rows. ``whole``: as the file says it, tags and all, for the page of one row."""

    def __init__(
        self, speech: Speech, columns: Sequence[Head], rows: Sequence[Sequence[Any]], *, whole: bool = False
    ) -> None:
        self.whole = whole
        self.speech = speech
        self.columns = columns
        self.decimals = [self._decimals(index, rows) for index in range(len(columns))]
        self.yes, self.no = speech._("yes"), speech._("no")

    def rows(self, rows: Iterable[Sequence[Any]]) -> list[list[Cell]]:
        return [[self.cell(index, row[index]) for index in range(len(self.columns))] for row in rows]

    def cell(self, index: int, value: Any) -> Cell:
        head = self.columns[index]
        if value is None:
            return Cell("–", "nil")
        if isinstance(value, bool):
            return Cell(self.yes if value else self.no, raw=value)
        if isinstance(value, Decimal):
            value = float(value)
        if isinstance(value, int | float):
            places = self.decimals[index] if isinstance(value, float) else None
            return Cell(self.speech.number(value, places, group=not head.code), raw=value)
        if isinstance(value, datetime):
            here = self.speech.local(value)
            clock = "" if (here.hour, here.minute, here.second) == (0, 0, 0) else f" {self.speech.clock(here.time())}"
            return Cell(self.speech.date(value) + clock, raw=value)
        if isinstance(value, date):
            return Cell(self.speech.date(value), raw=value)
        if isinstance(value, time):
            return Cell(self.speech.clock(value), raw=value)
        if isinstance(value, bytes | bytearray | memoryview):
            from arengo.portal.geography import describe

            return Cell(describe(bytes(value), self.speech), raw=None)
        said = str(value) if self.whole else plain(str(value))
        if said[:1] in ("[", "<", ">"):
            said = words(self.speech, said)
        if len(said) > LONG:
            return Cell(said[:LONG].rstrip() + "…", full=said, raw=value)
        return Cell(said, raw=value)

    def _decimals(self, index: int, rows: Sequence[Sequence[Any]]) -> int | None:
        """As many decimals as the longest value of the page has, at most 6, so that the points line up."""
        if self.columns[index].kind is not Kind.NUMBER:
            return None
        most = 0
        for row in rows:
            value = row[index]
            if isinstance(value, float) and value == value and value not in (float("inf"), float("-inf")):
                most = max(most, len(f"{value:.6f}".rstrip("0").partition(".")[2]))
        return most


def one(speech: Speech, head: Head, value: Any) -> Cell:
    """A single value on its own, such as a fact in a popup."""
    return Writer(speech, [head], [[value]]).cell(0, value)
