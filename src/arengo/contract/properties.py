"""THE registry of Arengo's ``customProperties``: every fact that ODCS has no key for.

One entry a property: where it may stand, its shape as a JSON schema, its default and one sentence. The reference
page of the documentation, the lint and the loader all read this table. A property whose name starts with ``arengo``
and is not in it is refused: a misspelt ``arengoAccess`` must not publish a closed dataset.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from arengo.contract import vocabulary
from arengo.contract.document import Document, Path
from arengo.contract.finding import Finding, Severity
from arengo.contract.standard import describe_value, spell

Shape = Mapping[str, Any]

_TEXT: Shape = {"type": "string", "minLength": 1}
_TEXTS: Shape = {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True}
_WORD: Shape = {"type": ["string", "number", "boolean", "null"]}
_WORDS: Shape = {"anyOf": [_WORD, {"type": "array", "items": _WORD}]}
_COUNT: Shape = {"type": "integer", "minimum": 1, "maximum": 1_000_000_000_000}
_ISO_DURATION = r"^P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?$"
_GEOMETRY_TYPES = (
    "Geometry", "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon",
    "GeometryCollection",
)  # fmt: skip
_GEOMETRY_TYPE: Shape = {"enum": list(_GEOMETRY_TYPES)}
_TYPES: Shape = {"anyOf": [_GEOMETRY_TYPE, {"type": "array", "items": _GEOMETRY_TYPE, "minItems": 1}]}


def _object(required: tuple[str, ...] = (), closed: bool = True, **keys: Shape) -> Shape:
    shape: dict[str, Any] = {"type": "object", "properties": keys, "required": list(required)}
    if closed:
        shape["additionalProperties"] = False
    return shape


_STEP: Shape = {"anyOf": [
    {"enum": ["keep", "drop", "redact", "pseudonym", "vault"]},
    _object(("level",), level={"type": ["string", "integer"]}, hierarchy=_TEXT),
    _object(("pseudonym",), pseudonym=_object(domain=_TEXT, epoch=_TEXT)),
    _object(("top",), top={"type": "number"}), _object(("bottom",), bottom={"type": "number"}),
    _object(("round",), round={"type": "number", "exclusiveMinimum": 0}),
    _object(("truncate",), truncate=_COUNT),
    _object(("pram",), pram={"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
    _object(("grid",), grid=_object(("k",), k=_COUNT, smallest={"type": "number"})),
    _object(("donut",), donut=_object(("k",), k=_COUNT, inner={"type": "number"}, outer={"type": "number"})),
    _object(("laplace",), laplace=_object(("epsilon",), epsilon={"type": "number", "exclusiveMinimum": 0},
                                          metres={"type": "number", "exclusiveMinimum": 0})),
]}  # fmt: skip
PROTECT: Shape = {"anyOf": [_STEP, {"type": "array", "items": _STEP, "minItems": 1}]}


def _one_of(values: Mapping[str, Any]) -> Shape:
    return {"enum": list(values)}


@dataclass(frozen=True, slots=True)
class CustomProperty:
    """One entry of the registry.

    ``levels``: ``contract`` (top of the file or its schema object), ``column``, ``server``. ``shape``: JSON schema of
    the value. ``form``: the same for a reader. ``default``: what holds when it is absent. ``recorded``: it is kept
    and checked, but no part of this release acts on it. ``at_column``: the shape on a column where it is another.
    """

    name: str
    levels: tuple[str, ...]
    shape: Shape
    form: str
    sentence: str
    default: str = ""
    example: Any = None
    recorded: bool = False
    at_column: Shape | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """The allowed values when they are a closed list."""
        return tuple(str(value) for value in self.shape.get("enum", ()))


_CONTRACT, _COLUMN, _SERVER = ("contract",), ("column",), ("contract", "server")

_ENTRIES = (
    # Who may read it and what it is called
    CustomProperty("arengoAccess", _CONTRACT, _one_of(vocabulary.ACCESS), "", "Who may read the dataset.",
                   "open", "open"),
    CustomProperty("arengoOwner", _CONTRACT, _TEXT, "text", "The organisation or office that answers for the data.",
                   "domain, then tenant", "Parks and Gardens"),
    CustomProperty("arengoLicence", _CONTRACT, _TEXT, "code or address",
                   "What readers may do with the data: a code of the list of licences, or the address of the text.",
                   "", "CC-BY-4.0"),
    CustomProperty("arengoTheme", _CONTRACT, _one_of(vocabulary.THEMES), "", "EU data theme.", "", "ENVI"),
    CustomProperty("arengoHvdCategory", _CONTRACT,
                   {"anyOf": [_one_of(vocabulary.HVD_CATEGORIES),
                              {"type": "array", "items": _one_of(vocabulary.HVD_CATEGORIES), "minItems": 1}]},
                   "one or a list of " + ", ".join(f"`{code}`" for code in vocabulary.HVD_TOP)
                   + ", or a finer one, such as `geospatial/addresses`",
                   "High-value dataset category of Regulation (EU) 2023/138.", "", "mobility"),
    CustomProperty("arengoLanguage", _CONTRACT, {"type": "string", "pattern": r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"},
                   "BCP 47 code", "Language of titles, descriptions and text columns; decides how words are stemmed "
                   "for search.", "en", "it"),
    CustomProperty("arengoTranslations", _CONTRACT,
                   {"type": "object", "propertyNames": {"pattern": r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"},
                    "additionalProperties": _object(
                        name=_TEXT, description=_TEXT, usage=_TEXT, limitations=_TEXT,
                        columns={"type": "object", "additionalProperties": _TEXT})},
                   "mapping of language to `name`, `description`, `columns`",
                   "Title, description and column labels in other languages.", "",
                   {"it": {"name": "Alberi", "columns": {"height": "Altezza"}}}),
    CustomProperty("arengoSeries", _CONTRACT,
                   {"anyOf": [_TEXT, _object(("id",), id=_TEXT, title={
                       "anyOf": [_TEXT, {"type": "object", "additionalProperties": _TEXT}]})]},
                   "title, or `{id: ..., title: ...}`",
                   "The series this dataset belongs to, such as one budget a year; one page and one catalogue entry "
                   "hold its members together.", "", {"id": "budgets", "title": {"en": "Budgets", "it": "Bilanci"}}),
    # Where it comes from and when
    CustomProperty("arengoSource", _SERVER, _object(("kind",), closed=False, kind=_TEXT),
                   "mapping with `kind` and the kind's options",
                   "Where the rows are pulled from; the kinds and their options are in the reference of sources. "
                   "At the top of the contract or on its first server of type `custom`.", "",
                   {"kind": "csv", "path": "sources/trees.csv"}),
    CustomProperty("arengoIncremental", _CONTRACT, _object(("column",), column=_TEXT, lag=_TEXT),
                   "mapping with `column`",
                   "Databases: pull only rows whose value in this column is higher than at the last pull.", "",
                   {"column": "updated_at"}),
    CustomProperty("arengoMode", _CONTRACT, _one_of(vocabulary.MODES), "",
                   "How a pull combines with the held rows.", "replace", "upsert"),
    CustomProperty("arengoFrequency", _CONTRACT, _one_of(vocabulary.FREQUENCIES),
                   "EU frequency code: " + ", ".join(f"`{code}`" for code in vocabulary.FREQUENCIES),
                   "How often the data is renewed; decides when it is published by itself.", "", "DAILY"),
    CustomProperty("arengoSchedule", _CONTRACT, _TEXT, "cron line of five fields",
                   "When the data is published by itself, where the frequency alone is too coarse.", "",
                   "30 5 * * 1-5"),
    CustomProperty("arengoRetention", _CONTRACT, {"type": "string", "pattern": _ISO_DURATION}, "ISO 8601 duration",
                   "Versions older than this expire; the newest always stays.", "city.toml, lake.keep_days", "P2Y"),
    # How it is held and found
    CustomProperty("arengoGeometry", ("contract", "column"),
                   {"anyOf": [_TEXT, _object(("column",), column=_TEXT, types=_TYPES),
                              _object(("x", "y"), x=_TEXT, y=_TEXT, types=_TYPES)]},
                   "`{column: ...}` or `{x: ..., y: ...}`; on a column a geometry type or a list of them",
                   "Where the places are: one geometry column, or two number columns (x is the longitude or easting).",
                   "the first geometry column", {"x": "lon", "y": "lat"},
                   at_column={"anyOf": [{"const": True}, _GEOMETRY_TYPE, _object(types=_TYPES),
                                        {"type": "array", "items": _GEOMETRY_TYPE, "minItems": 1}]}),
    CustomProperty("arengoCrs", ("contract", "column"), {"type": ["string", "integer"]}, "`EPSG:n`",
                   "Coordinate reference system of the source's geometry.", "EPSG:4326", "EPSG:25832"),
    CustomProperty("arengoTime", _CONTRACT, _TEXT, "column", "The column that says when a row happened; `datetime` "
                   "filters and time charts use it.", "", "created_at"),
    CustomProperty("arengoSort", _CONTRACT, _TEXTS, "list of columns, `-` before one for descending",
                   "Order in which rows are stored and given.", "the primary key", ["district", "-created_at"]),
    CustomProperty("arengoFilters", _CONTRACT, {"type": "array", "items": _TEXTS, "minItems": 1},
                   "list of lists of columns, `-` before one for descending",
                   "Groups of columns that readers filter and sort by together; each gets a clustered copy.", "",
                   [["category", "-created_at"]]),
    CustomProperty("arengoSearch", _CONTRACT, _TEXTS, "list of text columns", "Columns in the word index.", "",
                   ["name", "notes"]),
    CustomProperty("arengoDocuments", _CONTRACT, {"type": "boolean"}, "true",
                   "The rows are pages of documents, with the columns of the source kind `documents`: readers get "
                   "pages to read, the originals and a search that leads to a page.", "false", True),
    # How a column is read
    CustomProperty("arengoParse", _COLUMN,
                   _object(formats=_WORDS, decimal={"enum": [".", ",", "٫"]},
                           thousands={"type": "string", "maxLength": 1},
                           true=_WORDS, false=_WORDS, scale={"type": "number", "not": {"const": 0}},
                           strip=_WORDS, nulls=_WORDS, suppressed=_WORDS, spoilt_dates={"type": "boolean"}),
                   "mapping of `formats`, `decimal`, `thousands`, `true`, `false`, `scale`, `strip`, `nulls`, "
                   "`suppressed`, `spoilt_dates`",
                   "How a text source writes the column: date patterns, decimal mark, words for yes and no, factor, "
                   "marks taken off, texts that mean unknown and texts that mean withheld; `spoilt_dates: true` where "
                   "a spreadsheet turned some of the numbers into dates, which then mean unknown.", "",
                   {"decimal": ",", "nulls": ["S/N"]}),
    CustomProperty("arengoUnit", _COLUMN, _TEXT, "text", "Unit of measurement, as UCUM or as people write it.", "",
                   "µg/m³"),
    CustomProperty("arengoRenamedFrom", _COLUMN, {"anyOf": [_TEXT, _TEXTS]}, "earlier name, or a list of them",
                   "The column's earlier names: it stays one column through all versions.", "", "tree_height"),
    CustomProperty("arengoDoubt", ("contract", "column"), {"anyOf": [_TEXT, _TEXTS]}, "a sentence, or a list of them",
                   "What the draft is unsure of; take it out when checked.", "", "Days and months may be swapped."),
    # Persons
    CustomProperty("arengoPrivacyRole", _COLUMN, _one_of(vocabulary.PRIVACY_ROLES), "",
                   "What the column tells about a person.", "", "quasi"),
    CustomProperty("arengoPersonalKind", _COLUMN, _one_of(vocabulary.PERSONAL_KINDS), "",
                   "Which kind of personal data the column holds.", "", "email"),
    CustomProperty("arengoPersonalReason", _COLUMN, {
                       "type": "string", "minLength": 15, "pattern": r"\S+\s+\S+\s+\S"},
                   "a sentence of three words and 15 letters or more",
                   "Why a column about persons may stand in an open dataset.", "",
                   "Elected members' names are public by law."),
    CustomProperty("arengoSubject", _COLUMN, _TEXT, "text",
                   "The column names the person a row is about; the value says which population.", "",
                   "resident"),
    CustomProperty("arengoPrivacyConcept", _COLUMN, _TEXT, "text", "Concept shared by columns of different datasets.",
                   "", "birth-date"),
    CustomProperty("arengoHierarchy", _COLUMN, _TEXT, "name", "Generalisation hierarchy of the column.", "", "places"),
    CustomProperty("arengoLevel", _COLUMN, _TEXT, "name or number of a level",
                   "The level of the hierarchy the source's values already stand at.", "the finest", "district"),
    CustomProperty("arengoProtect", _COLUMN, PROTECT, "one step or a list of them: " + ", ".join(
                       f"`{name}`" for name in vocabulary.PROTECTION),
                   "What is done to the column before it becomes a version; what is dropped is read, checked and used "
                   "to judge the risk, and never stored. The steps are in the guide to safe publications.", "",
                   {"level": "district"}),
    CustomProperty("arengoProtection", _CONTRACT, _object(
                       suppress=_object(("below",), below=_COUNT, by=_TEXTS, beside={"type": "boolean"},
                                        blank=_TEXTS),
                       local=_object(("k",), k=_COUNT, by=_TEXTS),
                       microaggregate=_object(("k", "columns"), k=_COUNT, columns=_TEXTS),
                       shuffle={"type": "boolean"},
                       cells=_object(("method",), method={"enum": list(vocabulary.CELL_METHODS)}, base=_COUNT,
                                     beside={"type": "boolean"}, threshold=_COUNT, seed=_TEXT,
                                     hide={"type": "array", "items": {
                                         "type": "object", "additionalProperties": _WORD, "minProperties": 1}},
                                     epsilon={"type": "number", "exclusiveMinimum": 0, "maximum": 100},
                                     rho={"type": "number", "exclusiveMinimum": 0, "maximum": 100}, rows=_COUNT,
                                     bounds={"type": "object", "additionalProperties": {
                                         "type": "array", "items": {"type": "number"}, "minItems": 2,
                                         "maxItems": 2}})),
                   "mapping of `suppress` (`{below, by, beside, blank}`), `local` (`{k, by}`), `microaggregate` "
                   "(`{k, columns}`), `shuffle`, `cells` (`{method, base, threshold, seed, hide, beside}`; "
                   "method `noise`: `epsilon` or `rho`, `rows` a person may stand in, `bounds` of each summed column)",
                   "What is done to whole rows and tables before they become a version: rows of groups smaller than "
                   "`below` are left out, with `beside` also those that would make such groups together with what is "
                   "public already (of the columns `blank` only the value, where that is enough); columns are "
                   "coarsened only where a group would be smaller than `k`; numbers are averaged over groups "
                   "of `k`; the source's order is given up; cells of a table of counts are suppressed (with "
                   "`beside` also what would follow from them and earlier tables), rounded or perturbed.", "",
                   {"suppress": {"below": 5}}),
    CustomProperty("arengoCells", _CONTRACT, _object(
                       ("by",), by=_TEXTS, count=_TEXT, sums={"type": "array", "items": _object(
                           ("column",), column=_TEXT, largest=_TEXT, second=_TEXT, contributors=_TEXT)},
                       where={"type": "object", "additionalProperties": _WORDS}, total=_TEXT),
                   "mapping of `by`, `count`, `sums` (list of `{column, largest, second, contributors}`), `where`, "
                   "`total`",
                   "The rows are cells of a table, not persons: `count` holds how many persons of the population stand "
                   "in each group of the columns `by` (with `sums`, what they add up to and the largest "
                   "contributions); `where` says which part of the population it is about; `total` is the word that "
                   "means all.", "", {"by": ["district", "age_band"], "count": "people", "total": "Total"}),
    CustomProperty("arengoStatistics", _CONTRACT, _object(
                       threshold=_COUNT, method={"enum": ["suppress", "round", "cell-key"]}, base=_COUNT,
                       differencing={"type": "boolean"}),
                   "mapping of `threshold`, `method` (suppress, round or cell-key), `base`, `differencing`",
                   "Readers get groups, not rows: counts and sums asked over the dataset go through the same "
                   "protection as published tables, and single rows are not given. What is not said: `threshold` 5, "
                   "`method` cell-key; `differencing` compares each question with those answered before.", "",
                   {"threshold": 5}),
    CustomProperty("arengoErasure", _CONTRACT, _object(
                       ground={"enum": ["erase", "restrict", "keep"]}, reason=_TEXT),
                   "mapping of `ground` (erase, restrict or keep) and `reason`",
                   "What a person's request to be forgotten does here: erase the rows, seal them (GDPR, Art. 18), or "
                   "nothing, for the reason of Art. 17(3) that is named.", "erase", {"ground": "restrict",
                   "reason": "Accounts are kept for ten years (Art. 17(3)(b))."}),
    CustomProperty("arengoPopulation", _CONTRACT, _TEXT, "text",
                   "The population the rows are drawn from: a name of privacy.toml. Releases about the same "
                   "population are judged together.", "", "residents"),
    CustomProperty("arengoPrivacyTarget", _CONTRACT, _object(
                       model={"enum": ["k-anonymity", "k-map"]}, k=_COUNT, l=_COUNT,
                       t={"type": "number", "minimum": 0, "maximum": 1},
                       suppressionLimit={"type": "number", "minimum": 0, "maximum": 1}, threshold=_COUNT,
                       dominance=_object(("n", "share"), n=_COUNT,
                                         share={"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
                       p={"type": "number", "minimum": 0, "maximum": 1},
                       epsilonCap={"type": "number", "exclusiveMinimum": 0}, profiles=_TEXTS),
                   "mapping of `k`, `l`, `t`, `suppressionLimit`, `threshold`, `dominance` (`{n, share}`), `p`, "
                   "`epsilonCap`, `model` (k-anonymity or k-map), `profiles`",
                   "What a publication must reach: the smallest group, the variety and closeness of sensitive values "
                   "in it, the share of rows that may be withheld, the smallest count of a table. It may ask for "
                   "more than `[privacy]` of city.toml, never for less.",
                   "city.toml, [privacy]", {"k": 10, "l": 2}),
    CustomProperty("arengoPurposes", _CONTRACT,
                   {"type": "array", "minItems": 1, "items": _object(
                       ("id",), id={"type": "string", "pattern": r"^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 60},
                       title={"anyOf": [_TEXT, {"type": "object", "additionalProperties": _TEXT, "minProperties": 1}]},
                       dpv=_TEXT, legalBasis={"anyOf": [_TEXT, _TEXTS]},
                       retention={"type": "string", "pattern": _ISO_DURATION},
                       recipients={"type": "array", "items": {"anyOf": [_TEXT, _object(
                           ("name",), name=_TEXT, country={"type": "string", "pattern": "^[A-Z]{2}$"},
                           safeguard=_TEXT)]}},
                       necessity=_TEXT, dpia=_TEXT)},
                   "list of mappings with `id`, `title` (a text or one per language), `dpv`, `legalBasis` (one or a "
                   "list), `retention` (ISO 8601), `recipients` (names, or `{name, country, safeguard}`), `necessity`, "
                   "`dpia`",
                   "What the personal data is used for. A shared or closed dataset about persons needs `dpv`, "
                   "`legalBasis` and `retention` of each.", "",
                   [{"id": "place-planning", "dpv": "dpv:PublicPolicyMaking", "legalBasis": "eu-gdpr:A6-1-e",
                     "retention": "P10Y"}]),
    CustomProperty("arengoController", _CONTRACT,
                   {"anyOf": [_TEXT, _object(
                       ("name",), name=_TEXT, address=_TEXT, mail=_TEXT, phone=_TEXT, representative=_TEXT,
                       joint=_TEXTS, dpo={"anyOf": [_TEXT, _object(("name",), name=_TEXT, mail=_TEXT)]})]},
                   "name, or mapping of `name`, `address`, `mail`, `phone`, `representative`, `joint`, `dpo`",
                   "Who answers for the personal data (GDPR, Art. 4(7)).", "city.toml, register.controller",
                   "Comune di Arvenza"),
    CustomProperty("arengoDataSubjects", _CONTRACT, {"anyOf": [_TEXT, _TEXTS]}, "DPV term, or a list of them",
                   "The groups of people the rows are about.", "dpv:DataSubject",
                   ["dpv:Child", "dpv:ParentOfDataSubject"]),
    CustomProperty("arengoRetentionFrom", _CONTRACT, _TEXT, "column",
                   "The day from which a row ages: when the longest retention of the purposes has passed since, the "
                   "row is due for disposal and is no longer taken in.", "", "left_on"),
    CustomProperty("arengoLegalHold", _CONTRACT,
                   _object(("reason", "since", "by"), reason=_TEXT,
                           since={"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}, by=_TEXT),
                   "mapping of `reason`, `since` (a day), `by`",
                   "Nothing of the dataset is disposed of while it stands here.", "",
                   {"reason": "Lawsuit 12/2026", "since": "2026-03-01", "by": "Legal Office"}),
    # What is offered to those who ask
    CustomProperty("arengoPlans", _CONTRACT,
                   {"type": "array", "minItems": 1, "maxItems": 20, "items": _object(
                       ("id",), id={"type": "string", "pattern": r"^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 60},
                       title=_TEXT, rate={"type": "number", "exclusiveMinimum": 0, "maximum": 100_000},
                       daily=_COUNT, rows=_COUNT, perConsumer=_COUNT, total=_COUNT,
                       lifetime={"type": "string", "pattern": _ISO_DURATION})},
                   "list of mappings with `id`, `title`, `rate` (requests a second), `daily` (calls a day), `rows` (a "
                   "day), `perConsumer` and `total` (daily calls granted by themselves to one organisation, to all), "
                   "`lifetime` (of a token, ISO 8601)",
                   "How much readers of a shared dataset may use; the first is the usual one.",
                   "`standard`: 5 requests a second, 10,000 calls and 1,000,000 rows a day, tokens of 10 minutes",
                   [{"id": "standard", "rate": 5, "daily": 5000, "perConsumer": 2000, "total": 20000}]),
    CustomProperty("arengoApproval", _CONTRACT, {"enum": ["manual", "threshold", "automatic"]}, "",
                   "Who grants requests: `manual` the owner each; `threshold` nobody while the daily calls stay under "
                   "the plan's `perConsumer` and `total`, else the owner; `automatic` nobody, under the caps if any. "
                   "Columns about people asked for unmasked always wait for a person.", "manual", "threshold"),
    CustomProperty("arengoHistoryWindow", _CONTRACT, {"type": "string", "pattern": _ISO_DURATION},
                   "ISO 8601 duration", "How far back earlier versions may be read.", "", "P30D"),
    CustomProperty("arengoSmartDataModel", _CONTRACT, _TEXT, "address", "Smart Data Model the rows follow.", "",
                   "https://smart-data-models.org/dataModel.Parking/ParkingSpot", recorded=True),
)  # fmt: skip

PROPERTIES: Mapping[str, CustomProperty] = {entry.name: entry for entry in _ENTRIES}
"""Name to entry, in the order of the reference page."""


def reference_table() -> str:
    """The registry as a Markdown table: the reference page of the documentation."""
    rows = ["| property | stands at | value | default | meaning |", "|---|---|---|---|---|"]
    for entry in PROPERTIES.values():
        form = entry.form or "one of " + ", ".join(f"`{value}`" for value in entry.values)
        meaning = entry.sentence + (" Recorded; nothing acts on it yet." if entry.recorded else "")
        if entry.example is not None:
            meaning += f" Example: `{json.dumps(entry.example, ensure_ascii=False)}`"
        cells = (f"`{entry.name}`", ", ".join(entry.levels), form, entry.default, meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


@cache
def _validator(name: str, level: str) -> Any:
    import jsonschema_rs

    entry = PROPERTIES[name]
    return jsonschema_rs.validator_for(dict(entry.at_column if entry.at_column and level == "column" else entry.shape))


def check(document: Document) -> list[Finding]:
    """Unknown, misplaced, repeated and wrongly shaped Arengo properties, each with its line."""
    findings: list[Finding] = []
    for level, owner, place in _lists(document.data):
        seen: set[str] = set()
        for number, entry in enumerate(owner):
            name = entry.get("property") if isinstance(entry, dict) else None
            if not isinstance(name, str):
                continue
            here = (*place, number)
            if name in seen:
                findings.append(
                    _finding(document, here, "custom-twice", f"{name} is written twice in the same place.",
                             "Keep one of the two.")
                )  # fmt: skip
            seen.add(name)
            if name.lower().startswith("arengo"):
                findings += _entry(document, here, level, name, entry.get("value"))
    return findings


def _entry(document: Document, here: Path, level: str, name: str, value: Any) -> Iterator[Finding]:
    entry = PROPERTIES.get(name)
    if entry is None:
        folded = {known.lower(): known for known in PROPERTIES}
        close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.7)
        todo = f"Did you mean '{folded[close[0]]}'?" if close else "Names that start with 'arengo' are reserved."
        yield _finding(
            document, (*here, "property"), "unknown-property", f"There is no Arengo property '{name}'.", todo
        )
    elif level not in entry.levels:
        places = {"contract": "at the top of the contract", "column": "on a column", "server": "on a server"}
        wanted = " or ".join(places[item] for item in entry.levels)
        yield _finding(
            document, (*here, "property"), "misplaced-property", f"{name} does not stand {places.get(level, 'here')}.",
            f"Move it: it stands {wanted}.",
        )  # fmt: skip
    else:
        error = next(iter(_validator(name, level).iter_errors(value)), None)
        if error is not None:
            yield _shape(document, (*here, "value"), entry, error)


def _shape(document: Document, here: Path, entry: CustomProperty, error: Any) -> Finding:
    where = (*here, *error.instance_path)
    met: Any = error.instance
    what = spell((entry.name, *error.instance_path))
    kind = error.kind.name
    allowed = entry.values if not error.instance_path else ()
    wanted = entry.form or "one of " + ", ".join(entry.values)
    message, todo = f"{what} is {describe_value(met)}.", f"Wanted: {wanted.replace('`', '')}."
    if kind == "enum":
        allowed = allowed or tuple(str(value) for value in _options(error))
        close = difflib.get_close_matches(str(met).lower(), [value.lower() for value in allowed], n=1, cutoff=0.6)
        match = next((value for value in allowed if close and value.lower() == close[0]), "")
        todo = f"Did you mean '{match}'?" if match else f"Write one of {', '.join(allowed)}."
    elif kind == "additionalProperties":
        name = error.kind.unexpected[0]
        where = (*where, name)
        known = list(entry.shape.get("properties", {}))
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        message = f"{entry.name} has no part '{name}'."
        todo = f"Did you mean '{close[0]}'?" if close else todo
    elif kind == "required":
        message = f"{what} lacks '{error.kind.value}'."
    example = "" if entry.example is None else f" Example: {json.dumps(entry.example, ensure_ascii=False)}."
    return _finding(document, where, "wrong-shape", message, todo + ("" if kind == "enum" else example))


def _options(error: Any) -> list[Any]:
    options = error.kind.value
    return json.loads(options) if isinstance(options, str) else list(options)


def _finding(document: Document, path: Path, code: str, message: str, todo: str) -> Finding:
    return Finding(Severity.ERROR, document.line(path), code, message, todo, spell(path))


def _lists(data: Any) -> Iterator[tuple[str, list[Any], Path]]:
    """Every list of customProperties with the level it stands at ('' for places where Arengo keeps none)."""
    pending: list[tuple[Any, Path]] = [(data, ())]
    while pending:
        value, path = pending.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                if key == "customProperties" and isinstance(item, list):
                    yield _level(path), item, (*path, key)
                else:
                    pending.append((item, (*path, key)))
        elif isinstance(value, list):
            pending.extend((item, (*path, number)) for number, item in enumerate(value))


def _level(path: Path) -> str:
    if not path or (len(path) == 2 and path[0] == "schema"):
        return "contract"
    if len(path) == 2 and path[0] == "servers":
        return "server"
    if len(path) == 4 and path[0] == "schema" and path[2] == "properties":
        return "column"
    return ""
