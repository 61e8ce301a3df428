"""Comparing contract versions: the two laws and every kind of change."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.contract import Contract, Kind, Property, compare, loads, next_version, version_asked, version_gap

HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: trees\nversion: {version}\nname: {title}\n"
BASE = """\
schema:
  - name: trees
    properties:
      - {name: id, logicalType: integer, primaryKey: true, required: true}
      - {name: species, logicalType: string, physicalName: SPECIE}
      - {name: height, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 50}}
      - {name: state, logicalType: string, enum: [{value: good}, {value: bad}]}
      - {name: code, logicalType: string, logicalTypeOptions: {maxLength: 8, pattern: "[A-Z]+"}}
      - {name: lon, logicalType: number}
      - {name: lat, logicalType: number}
    quality:
      - {type: library, metric: rowCount, mustBeGreaterThan: 10, severity: error}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoLicence, value: CC-BY-4.0}
  - {property: arengoGeometry, value: {x: lon, y: lat}}
  - {property: arengoSource, value: {kind: csv, path: a.csv}}
"""


def contract(body: str = BASE, version: str = "1.0.0", title: str = "Trees") -> Contract:
    return loads(HEAD.format(version=version, title=title) + body)


def edited(old: str, new: str) -> Contract:
    assert old in BASE
    return contract(BASE.replace(old, new))


B, C, N = "breaking", "compatible", "none"
CASES: dict[str, tuple[str, str, str, str, str, str]] = {
    # what: (old text, new text, code, column, consumer, producer)
    "removed": ("      - {name: species, logicalType: string, physicalName: SPECIE}\n", "", "column-removed", "species",
                B, N),
    "added": ("      - {name: lon,", "      - {name: new, logicalType: string}\n      - {name: lon,", "column-added",
              "new", C, C),
    "added required": ("      - {name: lon,", "      - {name: new, logicalType: string, required: true}\n"
                       "      - {name: lon,", "column-added", "new", C, B),
    "renamed by source": ("{name: species,", "{name: kind,", "column-renamed", "kind", B, N),
    "renamed by word": ("{name: code, logicalType: string,", "{name: label, logicalType: string, customProperties: "
                        "[{property: arengoRenamedFrom, value: code}],", "column-renamed", "label", B, N),
    "source column": ("physicalName: SPECIE", "physicalName: SORTE", "source-column-changed", "species", N, C),
    "wider": ("{name: id, logicalType: integer,", "{name: id, logicalType: number,", "type-widened", "id", B, C),
    "narrower": ("{name: lon, logicalType: number}", "{name: lon, logicalType: integer}", "type-narrowed", "lon", C, B),
    "other type": ("{name: lon, logicalType: number}", "{name: lon, logicalType: date}", "type-changed", "lon", B, B),
    "text to number": ("{name: species, logicalType: string,", "{name: species, logicalType: number,", "type-narrowed",
                       "species", B, B),
    "may be empty": ("required: true", "required: false", "required-dropped", "id", B, C),
    "must be filled": ("{name: lon, logicalType: number}", "{name: lon, logicalType: number, required: true}",
                       "required-added", "lon", C, B),
    "unique": ("{name: lon, logicalType: number}", "{name: lon, logicalType: number, unique: true}", "unique-added",
               "lon", C, B),
    "value gone": (", {value: bad}", "", "enum-narrowed", "state", C, B),
    "value more": ("{value: bad}", "{value: bad}, {value: dead}", "enum-widened", "state", B, C),
    "values free": (", enum: [{value: good}, {value: bad}]", "", "enum-dropped", "state", B, C),
    "maximum up": ("maximum: 50", "maximum: 99", "maximum-loosened", "height", B, C),
    "maximum down": ("maximum: 50", "maximum: 9", "maximum-tightened", "height", C, B),
    "minimum off": ("minimum: 0, ", "", "minimum-loosened", "height", B, C),
    "shorter": ("maxLength: 8", "maxLength: 4", "max-length-tightened", "code", C, B),
    "pattern": ("[A-Z]+", "[a-z]+", "pattern-changed", "code", B, B),
    "pattern off": (', pattern: "[A-Z]+"', "", "pattern-dropped", "code", B, C),
    "key dropped": ("primaryKey: true, ", "", "key-dropped", "", B, C),
    "key wider": ("{name: species, ", "{name: species, primaryKey: true, ", "key-widened", "", B, C),
    "closed": ("value: open", "value: closed", "access-changed", "", B, N),
    "licence stricter": ("CC-BY-4.0", "CC-BY-NC-4.0", "licence-changed", "", B, N),
    "licence freer": ("CC-BY-4.0", "CC0-1.0", "licence-changed", "", C, N),
    "no geometry": ("arengoGeometry, value: {x: lon, y: lat}", "other, value: 1", "geometry-removed", "", B, N),
    "swapped axes": ("{x: lon, y: lat}", "{x: lat, y: lon}", "geometry-changed", "", B, C),
    "rule tighter": ("mustBeGreaterThan: 10", "mustBeGreaterThan: 20", "rule-changed", "", C, B),
    "rule milder": ("severity: error", "severity: info", "rule-changed", "", C, C),
    "source": ("path: a.csv", "path: b.csv", "source-changed", "", N, C),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_change(name: str) -> None:
    old, new, code, column, consumer, producer = CASES[name]
    found = compare(contract(), edited(old, new))
    assert [(item.code, item.column, item.consumer, item.producer) for item in found] == [
        (code, column, consumer, producer)
    ]
    assert found[0].sentence.endswith(".")
    assert found[0].as_dict()["consumer"] == consumer


def test_words_alone_are_no_difference() -> None:
    assert compare(contract(), contract(title="All trees")) == []
    assert compare(contract(), edited("CC-BY-4.0", "cc-by")) == []


def test_a_renamed_key_and_geometry_stay_the_same() -> None:
    new = BASE.replace("{name: id, ", "{name: number, physicalName: id, ").replace(
        "{name: lon,", "{name: x, physicalName: lon,"
    )
    found = compare(contract(), contract(new.replace("{x: lon,", "{x: x,")))
    assert {item.code for item in found} == {"column-renamed"}


def test_version_asked() -> None:
    assert version_asked(compare(contract(), edited("value: open", "value: closed"))) == "major"
    assert version_asked(compare(contract(), edited("maximum: 50", "maximum: 9"))) == "minor"
    assert version_asked(compare(contract(), edited("path: a.csv", "path: b.csv"))) == "patch"
    assert version_asked([]) == "patch"
    assert next_version("1.2.3", "major") == "2.0.0"
    assert next_version("1.2.3", "minor") == "1.3.0"
    assert next_version("1.2.3", "patch") == "1.2.4"
    assert next_version("spring", "patch") == "1.0.0"


def test_version_gap() -> None:
    closed = BASE.replace("value: open", "value: closed")
    assert version_gap(contract(), contract()) == ""
    assert "2.0.0" in version_gap(contract(), contract(closed, version="1.1.0"))
    assert version_gap(contract(), contract(closed, version="2.0.0")) == ""
    assert "1.0.1" in version_gap(contract(), contract(title="All trees"))
    assert version_gap(contract(), contract(title="All trees", version="1.0.1")) == ""


# The law behind the two sides, on one column: a value that only the new contract lets through breaks the reader,
# one that only the old contract lets through breaks the publisher.

CELLS = (None, 0, 1, 2, 3, 4, 5)
SMALL = st.integers(0, 5)
PROMISES = st.fixed_dictionaries(
    {"required": st.booleans(), "enum": st.lists(SMALL, max_size=4, unique=True)},
    optional={"minimum": SMALL, "maximum": SMALL, "exclusiveMinimum": SMALL, "exclusiveMaximum": SMALL},
)


def passes(promise: dict[str, Any], cell: int | None) -> bool:
    if cell is None:
        return not promise["required"]
    return (
        (not promise["enum"] or cell in promise["enum"])
        and cell >= promise.get("minimum", cell)
        and cell <= promise.get("maximum", cell)
        and cell > promise.get("exclusiveMinimum", cell - 1)
        and cell < promise.get("exclusiveMaximum", cell + 1)
    )


def promised(promise: dict[str, Any]) -> Contract:
    options = {key: value for key, value in promise.items() if key not in ("required", "enum")}
    column = Property(
        "n", Kind.INTEGER, "integer", "n", required=promise["required"], enum=tuple(promise["enum"]), options=options
    )
    return dataclasses.replace(contract(), properties=(column,), geometry=None, quality=())


@given(PROMISES, PROMISES)
@settings(max_examples=120, deadline=None)
def test_both_sides_are_told(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = compare(promised(before), promised(after))
    if any(passes(after, cell) and not passes(before, cell) for cell in CELLS):
        assert any(item.consumer == "breaking" for item in found)
    if any(passes(before, cell) and not passes(after, cell) for cell in CELLS):
        assert any(item.producer == "breaking" for item in found)
    mirrored = compare(promised(after), promised(before))
    assert {(item.consumer, item.producer) for item in mirrored} == {(item.producer, item.consumer) for item in found}


@given(PROMISES)
@settings(max_examples=20, deadline=None)
def test_nothing_differs_from_itself(promise: dict[str, Any]) -> None:
    assert compare(promised(promise), promised(promise)) == []
    assert compare(contract(), contract()) == []
