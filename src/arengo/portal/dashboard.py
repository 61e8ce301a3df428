"""A dashboard as one YAML file: rows of charts, numbers, texts, tables and maps over published datasets.

``dashboards/*.yaml`` in the city folder, or text kept by the operator. What may stand in a file is the tables below;
the JSON schema of docs/reference and the messages with their lines come from them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arengo.contract.document import Document, parse
from arengo.contract.model import EMPTY
from arengo.errors import ContractError, DashboardError, Place
from arengo.portal.charts.design import FIELDS, FUNCTIONS
from arengo.query.scope import nearest

FOLDER = "dashboards"
LARGEST = 200_000  # characters of one file
MOST_FILES = 200
MOST_ROWS, MOST_ACROSS, MOST_FILTERS = 40, 6, 6
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
COMPARISONS = ("version", "period", "none")


@dataclass(frozen=True, slots=True)
class Field:
    """``kind``: text | long | whole | list | where | choice."""

    kind: str
    doc: str
    needed: bool = False
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 0


CHART: dict[str, Field] = {
    "dataset": Field("text", "The dataset.", True),
    **{
        name: Field(
            {"choice": "choice", "number": "whole"}.get(rule.kind, "text"), rule.doc, False, rule.choices, rule.least,
            rule.most,
        )
        for name, rule in FIELDS.items()
    },
    "where": Field("where", "Plain filters: column, or column__gte and so on, and its value."),
    "as_of": Field("text", "A version or a date the chart stays at."),
}  # fmt: skip
NUMBER: dict[str, Field] = {
    "dataset": Field("text", "The dataset.", True),
    "label": Field("text", "What the number is."),
    "of": Field("choice", "How it is summed up; rows are counted when nothing is said.", False, FUNCTIONS),
    "y": Field("text", "The column that is summed up."),
    "compare": Field("choice", "The change against the version or the period before.", False, COMPARISONS),
    "time": Field("text", "The column of time for a period; the dataset's own when left out."),
    "period": Field("choice", "Length of a period.", False, ("day", "week", "month", "quarter", "year")),
    "filter": Field("text", "CQL2 text, as in the rows API."),
    "where": CHART["where"],
}
TABLE: dict[str, Field] = {
    "dataset": Field("text", "The dataset.", True),
    "title": Field("text", "Title; the dataset's when empty."),
    "select": Field("list", "The columns, in order."),
    "order_by": Field("text", "A column, with - before it for descending."),
    "limit": Field("whole", "How many rows.", False, (), 1, 50),
    "filter": Field("text", "CQL2 text, as in the rows API."),
    "where": CHART["where"],
}
BLOCKS: dict[str, Mapping[str, Field]] = {
    "chart": CHART,
    "map": {name: field for name, field in CHART.items() if name != "kind"},
    "number": NUMBER,
    "table": TABLE,
    "text": {},
}
FILTER: dict[str, Field] = {
    "column": Field("text", "A column that several of the datasets have.", True),
    "label": Field("text", "What the reader sees; the column's own words when empty."),
}
WORDS: dict[str, Field] = {"title": Field("text", "Title."), "summary": Field("long", "One or two sentences.")}
TOP = ("title", "summary", "language", "translations", "filters", "rows")


@dataclass(frozen=True, slots=True)
class Block:
    """``given``: the fields of its kind; for a text its words; for a kept chart the name under ``kept``."""

    kind: str
    given: Mapping[str, Any]
    width: int = 1
    line: int = 0

    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of the chart builder that say the same."""
        out = [(name, str(value)) for name, value in self.given.items() if name in FIELDS]
        return [*out, *((name, str(value)) for name, value in self.given.get("where", {}).items())]


@dataclass(frozen=True, slots=True)
class Filter:
    column: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """``text``: the YAML as written; ``place``: its file, '' when the operator keeps it."""

    id: str
    title: str
    rows: tuple[tuple[Block, ...], ...]
    text: str
    place: str = ""
    summary: str = ""
    language: str = ""
    translations: Mapping[str, Any] = EMPTY
    filters: tuple[Filter, ...] = ()

    def title_in(self, language: str) -> str:
        return str(self.translations.get(language, {}).get("title") or self.title)

    def summary_in(self, language: str) -> str:
        return str(self.translations.get(language, {}).get("summary") or self.summary)

    @property
    def blocks(self) -> list[Block]:
        return [block for row in self.rows for block in row]


class _Reader:
    """One file, judged; every complaint names its line."""

    def __init__(self, document: Document, file: str) -> None:
        self.document = document
        self.file = file

    def fail(self, met: str, path: tuple[str | int, ...], todo: str = "") -> DashboardError:
        return DashboardError(met, todo=todo, place=Place(file=self.file or None, line=self.document.line(path)))

    def known(self, value: Any, path: tuple[str | int, ...], names: Sequence[str], what: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self.fail(f"{what} is no mapping of names to values.", path, f"Known: {', '.join(names)}.")
        for name in value:
            if name not in names:
                raise self.fail(f"{what} has no {str(name)[:60]!r}.", (*path, str(name)), nearest(str(name), names))
        return value

    def fields(self, value: Any, path: tuple[str | int, ...], rules: Mapping[str, Field], what: str) -> dict[str, Any]:
        given = self.known(value, path, tuple(rules), what)
        for name, rule in rules.items():
            if rule.needed and given.get(name) in (None, ""):
                raise self.fail(f"{what} names no {name}.", path, rule.doc)
        return {
            name: self.one(rules[name], found, (*path, name), f"{what}: {name}")
            for name, found in given.items()
            if found is not None
        }

    def one(self, rule: Field, value: Any, path: tuple[str | int, ...], what: str) -> Any:
        if rule.kind == "list":
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise self.fail(f"{what} is no list of names.", path, "Write [one, two].")
            return tuple(value)
        if rule.kind == "where":
            if not isinstance(value, Mapping) or any(isinstance(item, dict | list) for item in value.values()):
                raise self.fail(f"{what} is no mapping of columns to values.", path, "Write {district: Porto}.")
            return {str(name): _text(item) for name, item in value.items()}
        if isinstance(value, Mapping | list):
            raise self.fail(f"{what} is no single value.", path)
        if rule.kind == "whole":
            if not isinstance(value, int) or isinstance(value, bool) or not rule.least <= value <= rule.most:
                raise self.fail(f"{what} is {value!r}, and a number from {rule.least} to {rule.most} is wanted.", path)
            return value
        text = _text(value)
        if rule.kind == "choice" and text not in rule.choices:
            raise self.fail(f"{what} is {text[:60]!r}.", path, nearest(text[:60], rule.choices))
        return text

    def block(self, value: Any, path: tuple[str | int, ...]) -> Block:
        names = (*BLOCKS, "width")
        given = self.known(value, path, names, "A block")
        kinds = [name for name in given if name in BLOCKS]
        if len(kinds) != 1:
            raise self.fail("A block is one of chart, map, number, table and text.", path, "Write one of them.")
        kind = kinds[0]
        inner, at = given[kind], (*path, kind)
        width = given.get("width", 1)
        if not isinstance(width, int) or isinstance(width, bool) or not 1 <= width <= MOST_ACROSS:
            raise self.fail(f"width is {width!r}, and 1 to {MOST_ACROSS} is possible.", (*path, "width"))
        line = self.document.line(at) or 0
        if kind == "text":
            if not isinstance(inner, str) or not inner.strip():
                raise self.fail("A text has no words.", at)
            return Block(kind, {"words": inner.strip()}, width, line)
        if kind == "chart" and isinstance(inner, str):
            if not ID.fullmatch(inner):
                raise self.fail(f"{inner[:60]!r} is no name of a kept chart.", at, "See /charts.")
            return Block(kind, {"kept": inner}, width, line)
        found = self.fields(inner, at, BLOCKS[kind], f"A {kind}")
        if kind == "map":
            found = {**found, "kind": "map"}
        elif kind == "chart" and not found.get("kind"):
            raise self.fail("A chart names no kind.", at, f"One of {', '.join(FIELDS['kind'].choices)}.")
        return Block(kind, found, width, line)


def _text(value: Any) -> str:
    return "true" if value is True else "false" if value is False else str(value).strip()


def read(id: str, text: str, file: str = "") -> Dashboard:
    """A dashboard from its YAML. Raises DashboardError with the line of what does not fit."""
    if len(text) > LARGEST:
        raise DashboardError(f"A dashboard has at most {LARGEST:,} characters.", place=Place(file=file or None))
    if not text.strip():
        raise DashboardError("The dashboard is empty.", place=Place(file=file or None, line=1))
    try:
        document = parse(text, file or None)
    except ContractError as error:
        raise DashboardError(error.met, todo=error.todo, place=error.place) from None
    r = _Reader(document, file)
    top = r.known(document.data, (), TOP, "A dashboard")
    title = _text(top.get("title") or "")
    if not title or isinstance(top.get("title"), dict | list):
        raise r.fail("The dashboard has no title.", ("title",), "Write title: ... in its first line.")
    rows = top.get("rows")
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_ROWS:
        raise r.fail(f"rows is no list of 1 to {MOST_ROWS} rows.", ("rows",), "Each row is a list of blocks.")
    made = []
    for at, row in enumerate(rows):
        blocks = row if isinstance(row, list) else [row]
        if not 1 <= len(blocks) <= MOST_ACROSS:
            raise r.fail(f"A row has 1 to {MOST_ACROSS} blocks.", ("rows", at))
        where = [("rows", at, index) if isinstance(row, list) else ("rows", at) for index in range(len(blocks))]
        made.append(tuple(r.block(block, path) for block, path in zip(blocks, where, strict=True)))
    filters = top.get("filters") or []
    if not isinstance(filters, list) or len(filters) > MOST_FILTERS:
        raise r.fail(f"filters is no list of at most {MOST_FILTERS}.", ("filters",))
    shared = tuple(
        Filter(**r.fields({"column": item} if isinstance(item, str) else item, ("filters", at), FILTER, "A filter"))
        for at, item in enumerate(filters)
    )
    said: dict[str, Any] = {}
    translations = top.get("translations") or {}
    if not isinstance(translations, Mapping):
        raise r.fail("translations is no mapping of languages to words.", ("translations",))
    for language, words in translations.items():
        said[str(language)] = r.fields(words, ("translations", str(language)), WORDS, f"The translation {language}")
    return Dashboard(
        id, title, tuple(made), text, file, _text(top.get("summary") or ""), _text(top.get("language") or ""), said,
        shared,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A file that cannot be read as a dashboard."""

    id: str
    error: DashboardError


_READ: dict[str, tuple[tuple[int, int], Dashboard | Spoilt]] = {}


def folder(root: Path) -> list[Dashboard | Spoilt]:
    """The dashboards of a city folder by name; files read again only when they changed."""
    out: list[Dashboard | Spoilt] = []
    here = root / FOLDER
    paths = sorted([*here.glob("*.yaml"), *here.glob("*.yml")]) if here.is_dir() else []
    for path in paths[:MOST_FILES]:
        try:
            stat = path.stat()
            mark = (stat.st_mtime_ns, stat.st_size)
            held = _READ.get(str(path))
            if held is None or held[0] != mark:
                held = (mark, _file(path, stat.st_size))
                _READ[str(path)] = held
        except OSError:
            continue
        out.append(held[1])
    return out


def _file(path: Path, size: int) -> Dashboard | Spoilt:
    name = f"{FOLDER}/{path.name}"
    place = Place(file=name, line=1)
    if not ID.fullmatch(path.stem):
        told = "Name the file with small letters, digits and hyphens."
        return Spoilt(path.stem, DashboardError(f"{path.name!r} is no name for an address.", todo=told, place=place))
    if size > 4 * LARGEST:
        return Spoilt(path.stem, DashboardError(f"The file has {size:,} bytes.", place=place))
    try:
        return read(path.stem, path.read_text(encoding="utf-8"), name)
    except DashboardError as error:
        return Spoilt(path.stem, error)
    except UnicodeDecodeError:
        return Spoilt(path.stem, DashboardError("The file is not UTF-8.", place=place))


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a dashboard, for editors."""
    blocks: list[dict[str, Any]] = []
    for kind, rules in BLOCKS.items():
        inner: dict[str, Any] = {"type": "string"} if kind == "text" else _object(rules)
        if kind == "chart":
            inner["required"] = ["dataset", "kind"]
            inner = {"oneOf": [{"type": "string", "description": "The name of a kept chart."}, inner]}
        width = {"type": "integer", "minimum": 1, "maximum": MOST_ACROSS, "description": "Share of the row."}
        blocks.append(
            {"type": "object", "properties": {kind: inner, "width": width}, "required": [kind],
             "additionalProperties": False}
        )  # fmt: skip
    block = {"oneOf": blocks}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Dashboard of an Arengo city",
        "type": "object",
        "required": ["title", "rows"],
        "additionalProperties": False,
        "properties": {
            "title": {"type": "string"},
            "summary": {"type": "string"},
            "language": {"type": "string"},
            "translations": {"type": "object", "additionalProperties": _object(WORDS)},
            "filters": {
                "type": "array", "maxItems": MOST_FILTERS, "items": {"oneOf": [{"type": "string"}, _object(FILTER)]},
            },
            "rows": {
                "type": "array", "minItems": 1, "maxItems": MOST_ROWS,
                "items": {"oneOf": [block, {"type": "array", "minItems": 1, "maxItems": MOST_ACROSS, "items": block}]},
            },
        },
    }  # fmt: skip


def _object(rules: Mapping[str, Field]) -> dict[str, Any]:
    shapes: dict[str, dict[str, Any]] = {
        "list": {"type": "array", "items": {"type": "string"}},
        "where": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
        "whole": {"type": "integer"},
    }
    properties = {}
    for name, rule in rules.items():
        shape = dict(shapes.get(rule.kind, {"type": "string"}), description=rule.doc)
        if rule.kind == "whole":
            shape |= {"minimum": rule.least, "maximum": rule.most}
        if rule.choices:
            shape["enum"] = list(rule.choices)
        properties[name] = shape
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name, rule in rules.items() if rule.needed],
        "additionalProperties": False,
    }
