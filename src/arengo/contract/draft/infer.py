"""From a sample to a contract: everything that can be known without asking, and what must be asked, marked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arengo.contract import digits
from arengo.contract.draft import (
    keys,
    kinds,
    layout,
    naming,
    numbers,
    people,
    places,
    systems,
    theme,
    units,
)
from arengo.contract.draft import (
    language as languages,
)
from arengo.contract.draft.column import Column, gather
from arengo.contract.draft.words import concepts, plain
from arengo.contract.load import loads
from arengo.contract.model import Contract, Kind
from arengo.contract.sample import Sample

FREE_TEXT = 60  # mean length of a text that is read, not looked up


@dataclass(frozen=True, slots=True)
class Draft:
    """A contract to be read by a person. ``text``: YAML with comments; ``doubts``: every sentence marked unsure."""

    id: str
    text: str
    contract: Contract
    doubts: tuple[str, ...]


def infer(sample: Sample, *, id: str = "", language: str = "", country: str = "") -> Draft:
    """Draft a contract for one table.

    ``language``: BCP 47 of the data when known, else guessed. ``country``: ISO 3166, orders ambiguous dates and
    chooses between reference systems. Raises ContractError only when the sample has no column.
    """
    columns = gather(sample)
    for column, item in zip(columns, sample.columns, strict=True):
        bare, letter = kinds.split_dbase(item.name)
        column.title = bare
        if letter and not column.declared:
            column.declared = letter
    doubts = list(sample.doubts)
    spoken, sure = (language, 1.0) if language else _language(sample, columns)
    tongue = spoken.split("-")[0]
    if not country and "-" in spoken:
        country = spoken.split("-")[1]
    if not sure and not language:
        doubts.append(f"Too few words tell the language of the table; {spoken!r} was assumed.")
    whole = _whole(sample)
    _types(sample, columns, tongue, country)
    _suspicious_rows(sample, columns, doubts)
    for column in columns:
        if column.kind in (Kind.INTEGER, Kind.NUMBER):
            column.unit = column.unit or units.unit(column.title or column.name, column.caption)
    place = _place(sample, columns, country, tongue, doubts)
    doubts += people.find(_renamed(columns), _texts(sample), tongue, country)
    key, key_doubt = keys.find(sample, columns, whole)
    idents = naming.column_names(
        [column.title or column.name for column in columns],
        next((column.title or column.name for column in columns if column.kind is Kind.GEOMETRY), ""),
    )
    for column, ident in zip(columns, idents, strict=True):
        column.ident = ident
        if key_doubt and column.name in key:
            column.doubts.append(key_doubt)
    made = _Draft(sample, columns, place, key, spoken if sure >= 0.2 or language else tongue, sure, doubts, id, whole)
    text = made.text()
    contract = loads(text)
    every = [*doubts, *(f"{c.ident}: {sentence}" for c in columns for sentence in dict.fromkeys(c.doubts))]
    return Draft(contract.id, text, contract, tuple(every))


def _renamed(columns: Sequence[Column]) -> Sequence[Column]:
    return columns


def _whole(sample: Sample) -> bool:
    """Is the sample the whole table?"""
    if "complete" in sample.extra:
        return bool(sample.extra["complete"])
    rows = len(sample.columns[0].values) if sample.columns else 0
    return sample.total is not None and sample.total == rows


def _texts(sample: Sample) -> list[str]:
    return [text for text in (naming.title(naming.stem(sample.name)), sample.table, sample.title) if text]


def _language(sample: Sample, columns: Sequence[Column]) -> tuple[str, float]:
    texts: list[str] = []
    for column in columns:
        values = [text for text in list(column.weights)[:600] if any(c.isalpha() for c in text)]
        texts += values[:300]
    names = [*(column.title or column.name for column in columns), *_texts(sample)]
    return languages.guess([*texts, *sample.notes], names)


def _types(sample: Sample, columns: Sequence[Column], language: str, country: str) -> None:
    habit = numbers.habit(
        [column.weights for column in columns], language, country, str(sample.options.get("delimiter", ""))
    )
    typed = any(kinds.declared_kind(c.declared) in (Kind.INTEGER, Kind.NUMBER) and len(c.declared) > 1 for c in columns)
    order = _date_order(columns)
    rows = float(sample.total or (len(sample.columns[0].values) if sample.columns else 0))
    for column in columns:
        if sample.geometry and column.name == sample.geometry:
            column.kind = Kind.GEOMETRY
            column.options["types"] = tuple(sample.geometry_types)
            continue
        if sample.kind == "gtfs" and column.name.endswith("_time"):
            column.note = "Hours after midnight are written as 24 and more, so it stays text."
            continue
        kinds.decide(column, habit, order=order, country=country, language=language, typed_table=typed, rows=rows)


def _date_order(columns: Sequence[Column]) -> str:
    """dm or md where some column of the table proves it."""
    from arengo.contract.draft import dates

    votes: Counter[str] = Counter()
    for column in columns:
        values = dict(list(column.weights.items())[:3000])
        reading = dates.read(values) if values and not column.declared else None
        if reading is not None and reading.order and reading.share > 0.9:
            votes[reading.order] += 1
    return votes.most_common(1)[0][0] if len(votes) == 1 else ""


_TOTALS = re.compile(
    r"^[\W_]*(?:(?:sub|grand )?total(?:es|e|i|s)?|totaal|gesamt\w*|summe|suma|razem|ogółem|celkem|összesen|totalt|"
    r"yhteensä|toplam|"
    r"итого|всего|разом|всього|σύνολο|합계|총계|소계|합 계|計|"
    r"合計|総数|总计|合计|總計|المجموع|الإجمالي|jumlah|ukupno|skupaj|viso|kopā)\b.*$",
    re.IGNORECASE,
)


def _suspicious_rows(sample: Sample, columns: Sequence[Column], doubts: list[str]) -> None:
    """Total rows among the data, headings in between: a person has to decide about them."""
    totals: Counter[str] = Counter()
    for column in columns[:4]:
        if column.kind is Kind.STRING and column.distinct > 1:
            found = [text for text in column.weights if len(text) < 40 and _TOTALS.match(text)]
            if sample.kind == "gtfs" or sum(column.weights[text] for text in found) > 0.2 * column.filled:
                continue  # petrol stations of that name, or a table of nothing but totals
            n = _true_totals(sample, columns, column, frozenset(found)) if found else 0
            if n:
                totals[column.title or column.name] += n
    for name, n in totals.most_common(1):
        doubts.append(
            f"{n:,} row{'s' if n > 1 else ''} of {name} look like totals of the others; sums would count twice."
        )
    if len(columns) >= 4 and sample.columns:
        rows = list(zip(*(item.values for item in sample.columns if item.name != sample.geometry), strict=False))[:5000]
        lone = sum(1 for row in rows if sum(1 for cell in row if cell and cell.strip()) == 1)
        if lone >= 2 and lone >= 0.01 * len(rows):
            doubts.append(f"{lone:,} rows hold a single value: headings of blocks of rows, or empty records.")


def _true_totals(sample: Sample, columns: Sequence[Column], column: Column, words: frozenset[str]) -> int:
    """Rows under a word for *total* whose numbers are as large as the largest of the other rows."""
    values = sample.columns[column.index].values
    rows = [n for n, text in enumerate(values) if text and text.strip() in words]
    if not rows or len(rows) > 0.34 * len(values):
        return 0
    chosen, measures, larger = set(rows), 0, 0
    for other in columns:
        if other.kind not in (Kind.INTEGER, Kind.NUMBER) or concepts(other.name) & {
            "code",
            "id",
            "year",
            "latitude",
            "longitude",
        }:
            continue
        cells = sample.columns[other.index].values
        read = {n: value for n in range(len(cells)) if (value := _figure(cells[n], other)) is not None}
        mine = [value for n, value in read.items() if n in chosen]
        rest = [value for n, value in read.items() if n not in chosen]
        if mine and rest:
            measures += 1
            larger += max(mine) >= max(rest)
    return len(rows) if measures and larger >= 0.5 * measures else 0


def _figure(text: str | None, column: Column) -> float | None:
    if text is None:
        return None
    reading = numbers.Reading(1.0, False, column.parse.get("decimal", "."), column.parse.get("thousands", ""))
    return numbers.to_float(text.strip(), reading)


def _place(
    sample: Sample, columns: Sequence[Column], country: str, language: str, doubts: list[str]
) -> places.Found | None:
    if sample.geometry:
        found = places.Found(column=sample.geometry, crs=sample.crs, types=tuple(sample.geometry_types))
        if not found.crs and sample.bounds:
            x0, y0, x1, y1 = sample.bounds
            if x0 >= -180.5 and x1 <= 180.5 and y0 >= -90.5 and y1 <= 90.5:
                found.crs = "EPSG:4326"
                if sample.kind not in ("geojson", "kml"):
                    found.doubts.append("The source names no reference system; the coordinates look like degrees.")
            else:
                code, why, _ = systems.system((x0, x1), (y0, y1), country, language, _hint(sample, columns))
                found.crs = code
                found.doubts.append(
                    f"{code} is a guess ({why})."
                    if code
                    else "Nothing says in which reference system the coordinates are."
                )
        for column in columns:
            if column.name == sample.geometry:
                column.doubts += found.doubts
        return found
    texts = [column for column in columns if column.kind is Kind.GEOMETRY]
    hint = _hint(sample, columns)
    for column in columns:
        if column.note == "latitude and longitude in one text" and f"{column.name} latitude" not in {
            c.name for c in columns
        }:
            column.doubts.append("Each text holds both coordinates; it is kept as text.")
    pair = places.find(columns, country=country, language=language, crs=sample.crs, hint=hint)
    if pair is not None:
        for column in columns:
            if column.name in (pair.x, pair.y):
                column.options["axis"] = True
                if column.kind is Kind.INTEGER and pair.crs == "EPSG:4326":
                    column.kind = Kind.NUMBER
                if column.name == pair.x:
                    column.doubts += pair.doubts
                _zero_places(column)
    shapes = [column for column in texts if set(column.options.get("types", ())) - {"Point", "MultiPoint"}]
    chosen = (shapes or ([] if pair and pair.crs else texts))[:1]
    if chosen:
        srid = chosen[0].options.get("srid")
        crs = sample.crs or (f"EPSG:{srid}" if srid else "EPSG:4326")
        box = places.text_bounds(chosen[0])
        if crs == "EPSG:4326" and box and (max(abs(box[0]), abs(box[2])) > 181 or max(abs(box[1]), abs(box[3])) > 91):
            crs, why, _ = systems.system((box[0], box[2]), (box[1], box[3]), country, language, hint)
            chosen[0].doubts.append(
                f"{crs} is a guess ({why})." if crs else "Nothing says in which reference system the coordinates are."
            )
        return places.Found(column=chosen[0].name, crs=crs, types=tuple(chosen[0].options.get("types", ())))
    return pair if pair is not None and pair.crs else None


def _hint(sample: Sample, columns: Sequence[Column]) -> str:
    """Words of the table that may name a region or a reference system."""
    texts = [sample.name, sample.title, sample.table, *(c.name for c in columns)]
    for column in columns:
        if column.kind is Kind.STRING:
            texts += [text for text, _ in column.weights.most_common(8) if len(text) < 60]
    return " ".join(texts)


def _zero_places(column: Column) -> None:
    """0, 0 is no place of a city that is elsewhere."""
    zeros = [text for text in column.told() if re.fullmatch(r"0+(?:[.,]0+)?", text)]
    others = [number for number in column.numbers if number]
    if (
        zeros
        and others
        and min(abs(number) for number in others) > 0.5
        and max(others) - min(others) < 20 * max(1.0, abs(others[0]) / 50)
    ):
        column.nulls += [text for text in zeros if text not in column.nulls]
        column.doubts.append("0 was taken for an unknown place.")


class _Draft:
    """Holds what was found while the text is written."""

    def __init__(
        self,
        sample: Sample,
        columns: Sequence[Column],
        place: places.Found | None,
        key: tuple[str, ...],
        language: str,
        sure: float,
        doubts: list[str],
        wanted: str,
        whole: bool,
    ) -> None:
        self.sample, self.columns, self.place, self.key = sample, columns, place, key
        self.language, self.sure, self.doubts, self.whole = language, sure, doubts, whole
        name = _name(sample)
        self.id = wanted or naming.dataset_id(name)
        self.title = _title(sample, name)
        self.by_name = {column.name: column for column in columns}
        self.persons = any(column.personal for column in columns)

    def text(self) -> str:
        lines = [*self._head(), *self._schema(), *self._foot()]
        return "\n".join(lines) + "\n"

    def _head(self) -> list[str]:
        sample = self.sample
        personal = [column.ident for column in self.columns if column.personal]
        rows = (
            f"{sample.total:,} rows"
            if sample.total is not None
            else f"{len(sample.columns[0].values) if sample.columns else 0:,} sampled rows"
        )
        seen = "all of them read" if self.whole else "drafted from a sample spread over them"
        table = f", table {sample.table}" if sample.table else ""
        lines = [
            f"# Drafted by Arengo from {layout.comment(sample.name)}{layout.comment(table)}: {rows} ({seen}), "
            f"{len(self.columns)} columns.",
            "# Read it, correct it, fill in what is marked. Where arengoDoubt stands the draft is unsure:",
            "# check, then take it out.",
        ]
        if personal:
            shown = ", ".join(personal[:8]) + (" ..." if len(personal) > 8 else "")
            lines.append(
                f"# PERSONS: {shown} look like personal data. Decide whether they may be published before you publish."
            )
        purpose = layout.TO_FILL
        about = [text for text in (sample.title, *sample.notes) if text and len(text) > 15]
        lines += [
            "apiVersion: v3.1.0",
            "kind: DataContract",
            f"id: {layout.scalar(self.id)}",
            f"name: {layout.scalar(self.title)}",
            "version: 1.0.0",
            "status: draft",
            "description:",
            f"  purpose: {layout.scalar(purpose)}",
        ]
        if about:
            lines += layout.block(" ".join(about)[:1500], "    ", "  usage:" if False else "  limitations:")
        return lines

    def _schema(self) -> list[str]:
        source = {"kind": self.sample.kind, **{k: v for k, v in self.sample.options.items() if v not in (None, "")}}
        lines = [
            "",
            "servers:",
            "  - server: source",
            "    type: custom",
            "    customProperties:",
            *layout.custom([("arengoSource", source)], "      "),
            "",
            "schema:",
            f"  - name: {layout.scalar(self.id.replace('-', '_'))}",
            *([f"    physicalName: {layout.scalar(self.sample.table)}"] if self.sample.table else []),
            "    properties:",
        ]
        for column in self.columns:
            place = self.key.index(column.name) + 1 if column.name in self.key else 0
            shape = self.place is not None and self.place.column == column.name
            lines += layout.prop(column, place, _examples(column, self.persons), shape or column.kind is Kind.GEOMETRY)
        lines += [
            "    quality:",
            "      - {type: library, metric: rowCount, mustBeGreaterThan: 0, severity: error, dimension: completeness}",
        ]
        if self.key:
            names = [self.by_name[name].ident for name in self.key]
            lines.append(
                "      - {type: library, metric: duplicateValues, mustBe: 0, severity: warning, dimension: uniqueness, "
                f"arguments: {{properties: {layout.flow(names)}}}}}"
            )
        return lines

    def _foot(self) -> list[str]:
        pairs: list[tuple[str, Any]] = [("arengoAccess", "open")]
        comments: dict[str, str] = {}
        if any(column.personal for column in self.columns):
            comments["arengoAccess"] = "open to everybody; see PERSONS above"
        code, spoke = theme.theme(_texts(self.sample), self.columns)
        pairs.append(("arengoTheme", code))
        comments["arengoTheme"] = "a proposal" if spoke else "nothing spoke for another theme: check"
        moment = _main_time(self.columns)
        cells = self.sample.columns[moment.index].values if moment is not None else ()
        often, why = theme.frequency(self.columns, _texts(self.sample), moment, cells, self.key)
        if often:
            pairs.append(("arengoFrequency", often))
            comments["arengoFrequency"] = f"a proposal: {layout.comment(why)}"
        pairs.append(("arengoLanguage", self.language))
        if self.sure < 0.3:
            comments["arengoLanguage"] = "check"
        if self.place is not None and (self.place.column or self.place.x):
            if self.place.column:
                value: Mapping[str, Any] = (
                    {"column": self.by_name[self.place.column].ident} if self.place.column in self.by_name else {}
                )
            else:
                value = {"x": self.by_name[self.place.x].ident, "y": self.by_name[self.place.y].ident}
            if value:
                pairs.append(("arengoGeometry", value))
                if self.place.crs:
                    pairs.append(("arengoCrs", self.place.crs))
        if moment is not None:
            pairs.append(("arengoTime", moment.ident))
        search = [c.ident for c in self.columns if c.kind is Kind.STRING and not c.personal and _read(c)][:5]
        if search:
            pairs.append(("arengoSearch", search))
        if self.sample.extra.get("documents"):
            pairs = [pair for pair in pairs if pair[0] != "arengoSearch"]
            pairs += [("arengoDocuments", True), ("arengoSearch", ["title", "text"])]
        if self.doubts:
            pairs.append(("arengoDoubt", self.doubts if len(self.doubts) > 1 else self.doubts[0]))
        return [
            "",
            "# Still missing: arengoOwner (the office in charge) and arengoLicence (such as CC-BY-4.0).",
            "customProperties:",
            *layout.custom(pairs, "  ", comments),
        ]


def _name(sample: Sample) -> str:
    """The source's name with what tells this table from its others; no word twice (lotes, Lotes 2025/lotes.shp)."""
    parts = [naming.stem(sample.name)]
    if sample.kind == "gtfs":  # the files of every feed have the same names
        feed = naming.stem(str(sample.options.get("path") or sample.options.get("url") or ""))
        parts.insert(0, re.sub(r"(?i)(?:^|[\W_]+)gtfs(?=$|[\W_])|^gtfs[\W_]*", "", feed).strip("_- "))
    if sample.table:
        *folders, last = sample.table.replace("\\", "/").split("/")
        parts += [*folders[-1:], naming.stem(last)]
    kept: list[str] = []
    for part in parts:
        low = plain(part).replace("_", " ")
        if not low or any(low in plain(other).replace("_", " ") for other in kept):
            continue
        kept = [other for other in kept if plain(other).replace("_", " ") not in low]
        kept.append(part)
    return " ".join(kept) or naming.stem(sample.name)


def _title(sample: Sample, name: str) -> str:
    title = layout.comment(sample.title)
    if title and 8 <= len(title) <= 120 and any(c.isalpha() for c in title):
        return title
    return naming.title(name)


def _read(column: Column) -> bool:
    """Words somebody would search for: names and free texts, not codes."""
    if column.geometry_format or not column.weights or column.options.get("period"):
        return False
    texts = list(column.weights)[:300]
    letters = sum(1 for text in texts if sum(c.isalpha() for c in text) >= 4)
    return (
        letters >= 0.7 * len(texts)
        and (column.distinct >= 8 or column.distinct > 0.5 * column.filled)
        and not any(t.startswith("http") for t in texts[:5])
    )


def _main_time(columns: Sequence[Column]) -> Column | None:
    moments = [
        c
        for c in columns
        if c.kind in (Kind.TIMESTAMP, Kind.DATE) and c.personal == "" and c.filled >= 0.5 * max(1.0, c.rows)
    ]
    if not moments:
        return None

    def rank(column: Column) -> tuple[int, int, int]:
        low = plain(column.name)
        first = any(
            word in low
            for word in (
                "creat",
                "open",
                "date",
                "fecha",
                "data",
                "datum",
                "inicio",
                "start",
                "debut",
                "time",
                "reference",
                "alta",
            )
        )
        last = any(word in low for word in ("updat", "modif", "close", "fin", "end", "baja", "due", "birth"))
        return (-int(first) + 2 * int(last), int(column.distinct <= 1), column.index)

    return min(moments, key=rank)


SHARED = 5  # rows that must have a value before it is shown of a table with persons


def _examples(column: Column, persons: bool) -> list[Any]:
    """Up to three values as the contract's type writes them; none for persons, geometries and long texts.

    ``persons``: some column of the table is about persons. Then a column that was not recognised may be as well, so
    only values are shown that many rows share, of a column with few of them.
    """
    if column.personal or column.kind in (Kind.GEOMETRY, Kind.JSON, Kind.BOOLEAN) or not column.weights:
        return []
    told = sorted(column.told().items(), key=lambda item: -item[1])
    if persons:
        if column.distinct > 0.2 * column.filled:
            return []
        told = [(text, weight) for text, weight in told if weight >= SHARED]
    texts = [text for text, _ in told]
    if column.kind is Kind.STRING:
        short = [text for text in texts[:50] if len(text) <= 60 and "\n" not in text]
        return short[:3]
    if column.kind in (Kind.INTEGER, Kind.NUMBER):
        return _figures(column, texts if persons else None)
    if not column.parse.get("formats"):
        return [digits.fold(text) for text in texts[:2]]
    return []


def _figures(column: Column, texts: Sequence[str] | None) -> list[Any]:
    """Numbers as examples; ``texts``: only those of these values."""
    scale = float(column.parse.get("scale", 1.0))
    numbers: Sequence[float | None] = column.numbers[:60]
    if texts is not None:
        numbers = [_figure(text, column) for text in texts]
    out: list[Any] = []
    for number in numbers:
        if number is None:
            continue
        value: Any = round(number * scale, 9)
        value = int(value) if column.kind is Kind.INTEGER and value == int(value) else value
        if value not in out and abs(value) < 1e15:
            out.append(value)
        if len(out) == 3:
            break
    return out


__all__ = ["Draft", "concepts", "infer"]
