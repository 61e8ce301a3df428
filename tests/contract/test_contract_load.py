"""Reading a contract: the law of the round trip, hostile text, and every part of the model."""

import json
import pickle
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.contract import Geometry, Kind, SourceSpec, lint, load, loads
from arengo.contract.document import parse, resolve
from arengo.contract.load import crs_code
from arengo.errors import ContractError

HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: trees\nversion: 1.0.0\n"
COLUMN = "schema:\n  - name: trees\n    properties:\n      - {name: id, logicalType: integer, primaryKey: true}\n"


def contract(columns: str = "", top: str = "", table: str = "") -> str:
    return HEAD + top + COLUMN + columns + table


def test_minimal() -> None:
    found = loads(contract())
    assert (found.id, found.version, found.status, found.schema_name) == ("trees", "1.0.0", "draft", "trees")
    assert found.key == ("id",)
    assert found.properties[0].physical_name == "id"
    assert found.properties[0].line == 8
    assert found.source is None
    assert found.geometry is None
    assert found.title() == "Trees"


def test_a_contract_can_be_pickled_copied_and_hashed() -> None:
    found = loads(contract(top="customProperties:\n  - {property: arengoSort, value: [id]}\n"))
    assert pickle.loads(pickle.dumps(found)) == found
    assert json.loads(json.dumps(found.custom)) == {"arengoSort": ["id"]}
    assert hash(found) == hash(loads(found.text))
    with pytest.raises(TypeError, match="cannot be changed"):
        found.custom["x"] = 1  # type: ignore[index]


def test_key_positions() -> None:
    text = HEAD + (
        "schema:\n  - name: t\n    properties:\n"
        "      - {name: a, logicalType: string, primaryKey: true, primaryKeyPosition: 2}\n"
        "      - {name: b, logicalType: string}\n"
        "      - {name: c, logicalType: string, primaryKey: true, primaryKeyPosition: 1}\n"
        "      - {name: d, logicalType: string, primaryKey: true}\n"
    )
    assert loads(text).key == ("c", "a", "d")


def test_texts_of_parse_are_kept_as_written() -> None:
    found = loads(
        contract(
            "      - name: height\n        logicalType: number\n        customProperties:\n"
            "          - property: arengoParse\n"
            "            value: {decimal: ',', thousands: ., true: [yes, si], nulls: [-99.90, 0999, '', ~, no], "
            "formats: '%d/%m/%Y', scale: 1e-6, suppressed: [..]}\n"
        )
    )
    parse_ = found.properties[1].parse
    assert parse_.nulls == ("-99.90", "0999", "", "~", "no")
    assert (parse_.decimal, parse_.thousands, parse_.true, parse_.suppressed) == (",", ".", ("yes", "si"), ("..",))
    assert parse_.formats == ("%d/%m/%Y",)
    assert parse_.scale == 1e-6


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ("{column: shape}", Geometry(column="shape")),
        ("shape", Geometry(column="shape")),
        ("{x: lon, y: lat}", Geometry(x="lon", y="lat", types=("Point",))),
        ("{column: shape, types: [Polygon]}", Geometry(column="shape", types=("Polygon",))),
    ],
)
def test_geometry(facts: str, expected: Geometry) -> None:
    columns = (
        "      - {name: lon, logicalType: number}\n      - {name: lat, logicalType: number}\n"
        "      - {name: shape, logicalType: object, physicalType: geometry}\n"
    )
    top = f"customProperties:\n  - {{property: arengoGeometry, value: {facts}}}\n"
    found = loads(contract(columns, top))
    assert found.geometry == expected
    assert found.column("shape").kind is Kind.GEOMETRY  # type: ignore[union-attr]


def test_projected_points_get_a_derived_column() -> None:
    columns = "      - {name: x, logicalType: number}\n      - {name: y, logicalType: number}\n"
    top = "customProperties:\n  - {property: arengoGeometry, value: {x: x, y: y}}\n"
    top += "  - {property: arengoCrs, value: 25832}\n"
    found = loads(contract(columns, top)).geometry
    assert found == Geometry(column="geometry", x="x", y="y", crs="EPSG:25832", types=("Point",))
    assert found.stored
    assert found.derived


def test_geometry_of_the_only_geometry_column() -> None:
    column = (
        "      - name: shape\n        logicalType: object\n        physicalType: GEOMETRY(Polygon,4326)\n"
        "        customProperties: [{property: arengoGeometry, value: [Polygon, MultiPolygon]}, "
        "{property: arengoCrs, value: 'EPSG:3003'}]\n"
    )
    assert loads(contract(column)).geometry == Geometry(
        column="shape", crs="EPSG:3003", types=("Polygon", "MultiPolygon")
    )


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (25831, "EPSG:25831"),
        ("epsg:4326", "EPSG:4326"),
        ("OGC:CRS84", "EPSG:4326"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326"),
        ("urn:ogc:def:crs:EPSG::32632", "EPSG:32632"),
        ("http://www.opengis.net/def/crs/EPSG/0/3857", "EPSG:3857"),
        ("Gauss-Boaga", ""),
    ],
)
def test_crs(value: object, code: str) -> None:
    assert crs_code(value) == code


def test_source_of_contract_server_and_native_server(tmp_path: Path) -> None:
    folder = tmp_path / "city" / "contracts"
    folder.mkdir(parents=True)
    file = folder / "trees.odcs.yaml"
    file.write_text(
        contract(
            top="servers:\n  - server: s\n    type: custom\n    customProperties:\n"
            "      - {property: arengoSource, value: {kind: csv, path: sources/trees.csv}}\n"
        ),
        encoding="utf-8",
    )
    found = load(file)
    assert found.source == SourceSpec("csv", {"path": "sources/trees.csv"}, tmp_path / "city")
    assert found.source.path() == (tmp_path / "city" / "sources" / "trees.csv").resolve()
    assert found.path == file
    local = loads(contract(top="servers: [{server: s, type: local, path: a.parquet, format: parquet}]\n"))
    assert local.source == SourceSpec("parquet", {"path": "a.parquet"})
    postgres = loads(
        contract(top="servers: [{server: s, type: postgres, host: db, port: 5432, database: d, schema: public}]\n")
    )
    assert postgres.source == SourceSpec(
        "postgresql", {"host": "db", "port": 5432, "database": "d", "table": "public.trees"}
    )


def test_the_incremental_column_reaches_the_source_under_its_own_name() -> None:
    top = (
        "customProperties:\n  - {property: arengoIncremental, value: {column: changed}}\n"
        "  - {property: arengoSource, value: {kind: sqlite, database: a.sqlite, table: T}}\n"
    )
    found = loads(contract("      - {name: changed, physicalName: UPD, logicalType: timestamp}\n", top))
    assert found.source == SourceSpec("sqlite", {"path": "a.sqlite", "table": "T", "incremental": "UPD"})


def test_rules_of_all_types_and_the_old_words() -> None:
    table = (
        "    quality:\n"
        "      - {metric: rowCount, mustBeBetween: [1, 10], severity: error, dimension: completeness}\n"
        "      - {type: library, rule: duplicateCount, mustBe: 0, arguments: {properties: [id]}, unit: percent}\n"
        "      - {type: sql, query: 'SELECT count(*) FROM ${table}', mustBeGreaterThanOrEqualTo: 3}\n"
        "      - {type: text, description: Read by a person}\n"
        "      - {type: custom, engine: soda, implementation: 'checks: []'}\n"
        "      - {rule: nullCheck, mustBeLessThan: 2, name: empties}\n"
    )
    rules = loads(contract(table=table)).quality
    assert [(rule.type, rule.metric, rule.operator) for rule in rules] == [
        ("library", "rowCount", "mustBeBetween"),
        ("library", "duplicateValues", "mustBe"),
        ("sql", None, "mustBeGreaterOrEqualTo"),
        ("text", None, None),
        ("custom", None, None),
        ("library", "nullValues", "mustBeLessThan"),
    ]
    assert rules[0].operand == (1, 10)
    assert rules[0].severity == "error"
    assert rules[1].unit == "percent"
    assert rules[5].name == "empties"
    assert rules[4].arguments["engine"] == "soda"
    assert rules[0].line == 10


def test_valid_values_of_odcs_3_0() -> None:
    column = (
        "      - name: c\n        logicalType: string\n"
        "        quality: [{type: library, rule: validValues, validValues: [a, b], mustBe: 0}]\n"
    )
    rule = loads(contract(column)).properties[1].quality[0]
    assert (rule.metric, rule.column, rule.arguments) == ("invalidValues", "c", {"validValues": ("a", "b")})


@pytest.mark.parametrize("version", ["v3.0.0", "v3.1.0", "v3.2.0", "v3.7.2"])
def test_every_version_3(version: str) -> None:
    assert loads(contract().replace("v3.1.0", version)).id == "trees"


def test_missing_logical_type_follows_the_physical_one() -> None:
    columns = "      - {name: n, physicalType: BIGINT}\n      - {name: w, physicalType: varchar(30)}\n"
    found = loads(contract(columns + "      - {name: d, physicalType: timestamp with time zone}\n      - {name: u}\n"))
    assert [item.kind for item in found.properties[1:]] == [Kind.INTEGER, Kind.STRING, Kind.TIMESTAMP, Kind.STRING]


HOSTILE = {
    "empty": ("", None, "empty"),
    "list": ("[1, 2]", 1, "mapping"),
    "two documents": (contract() + "---\na: 1\n", 9, "second document"),
    "tag": (contract(top="name: !!python/object/apply:os.system [ls]\n"), 5, "tag"),
    "string tag": (contract(top="name: !secret x\n"), 5, "tag"),
    "twice": (contract(top="name: a\nname: b\n"), 6, "written twice"),
    "broken": (contract(top="name: [a\n"), None, "not YAML"),
    "unknown alias": (contract(top="name: *x\n"), 5, ""),
    "deep": (HEAD + "tags: " + "[" * 5000 + "]" * 5000, None, ""),
    "long": ("#" * 4_000_001, None, "characters"),
    "bomb": (
        HEAD + "tags: [&a [x,x,x,x,x,x,x,x,x,x]" + "".join(
            f", &{new} [{', '.join(['*' + old] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ) + "]\n",
        None, "unfold",
    ),
    "recursive": (HEAD + "tags: &a [*a]\n", None, ""),
    "id path": (contract().replace("id: trees", "id: ../../etc"), 3, "id"),
    "version 2": (contract().replace("v3.1.0", "v2.2.0"), 1, "apiVersion"),
    "float version": (contract().replace("1.0.0", "1.0"), 4, "version"),
    "no columns": (HEAD + "schema: [{name: t}]\n", 5, "no column"),
    "no schema": (HEAD, None, "no column"),
    "unknown key": (contract(top="domian: x\n"), 5, "domian"),
    "unknown nested key": (contract("      - {name: a, logicalType: string, requird: true}\n"), 9, "requird"),
    "unknown type": (contract("      - {name: a, logicalType: banana}\n"), 9, "banana"),
    "yes": (contract("      - {name: a, logicalType: string, required: yes}\n"), 9, "required"),
    "unknown arengo": (contract(top="customProperties: [{property: arengoAcess, value: closed}]\n"), 5, "arengoAcess"),
    "wrong shape": (contract(top="customProperties: [{property: arengoAccess, value: secret}]\n"), 5, "secret"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_with_its_line(name: str) -> None:
    text, line, words = HOSTILE[name]
    with pytest.raises(ContractError) as caught:
        loads(text, path=Path("contracts/trees.odcs.yaml"))
    assert caught.value.place
    assert caught.value.place.file == "contracts/trees.odcs.yaml"
    if line:
        assert caught.value.place.line == line
    assert words in str(caught.value)
    found = [item for item in lint(text) if item.severity == "error"]
    assert found
    assert any(item.message == caught.value.met for item in found)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot be read"):
        load(tmp_path / "absent.yaml")
    with pytest.raises(ContractError, match="cannot be read"):
        load(tmp_path)
    bad = tmp_path / "latin.yaml"
    bad.write_bytes(b"id: x\nname: caf\xe9\n")
    with pytest.raises(ContractError, match="UTF-8") as caught:
        load(bad)
    assert caught.value.place
    assert caught.value.place.line == 2


def test_merge_keys_and_aliases() -> None:
    text = HEAD + (
        "schema:\n  - name: t\n    properties:\n"
        "      - &base {name: a, logicalType: string, required: true}\n"
        "      - {<<: *base, name: b}\n"
    )
    found = loads(text)
    assert [(item.name, item.required) for item in found.properties] == [("a", True), ("b", True)]


@pytest.mark.parametrize(
    ("text", "value"),
    [("007", "007"), ("7", 7), ("-7", -7), ("1e+3", 1000.0), ("12E3", "12E3"), ("1_000", "1_000"),
     ("12:30", "12:30"), ("no", "no"),
     ("2024-01-01", "2024-01-01"), ("true", True), ("~", None), ("0x1F", "0x1F"), (".5", 0.5), ("1.", 1.0),
     ("1e999", "1e999"), (".", "."), ("-", "-")],
)  # fmt: skip
def test_plain_scalars(text: str, value: object) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


# The law: what is written is what is read, however it is laid out.

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
SIGNED = re.compile(r"[-+.0-9]+[eE][-+][0-9]+")  # PyYAML writes such a text without quotes
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(
    lambda text: not SIGNED.fullmatch(text)
)
SIMPLE = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False), WORDS
)
VALUES = st.recursive(
    SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
)
CUSTOM = st.lists(
    st.fixed_dictionaries({"property": st.from_regex(r"x[A-Za-z]{1,8}", fullmatch=True), "value": VALUES}),
    max_size=3, unique_by=lambda entry: entry["property"],
)  # fmt: skip
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "date", "time", "timestamp", "object", "array"])
COLUMNS = st.fixed_dictionaries(
    {"name": NAMES, "logicalType": TYPES},
    optional={
        "physicalName": WORDS, "businessName": WORDS, "required": st.booleans(), "unique": st.booleans(),
        "primaryKey": st.booleans(), "classification": WORDS, "examples": st.lists(SIMPLE, max_size=3),
        "tags": st.lists(WORDS, max_size=3), "customProperties": CUSTOM,
    },
)  # fmt: skip
CONTRACTS = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["v3.0.2", "v3.1.0", "v3.2.0"]),
        "kind": st.just("DataContract"),
        "id": st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True),
        "version": st.from_regex(r"[0-9]\.[0-9]\.[0-9]", fullmatch=True),
        "schema": st.tuples(
            st.fixed_dictionaries(
                {"name": NAMES, "properties": st.lists(COLUMNS, min_size=1, max_size=5, unique_by=lambda c: c["name"])}
            )
        ).map(list),
    },
    optional={
        "name": WORDS,
        "status": WORDS,
        "domain": WORDS,
        "tags": st.lists(WORDS, max_size=3),
        "customProperties": CUSTOM,
    },
)


def thaw(value: object) -> object:
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    return [thaw(item) for item in value] if isinstance(value, tuple) else value


@given(CONTRACTS, st.sampled_from(["block", "flow", "json"]))
@settings(max_examples=120, deadline=None)
def test_round_trip(written: dict, layout: str) -> None:
    text = (
        json.dumps(written, ensure_ascii=False, indent=1)
        if layout == "json"
        else yaml.safe_dump(written, allow_unicode=True, default_flow_style=layout == "flow", sort_keys=False)
    )
    assert parse(text).data == written
    found = loads(text)
    again = loads(json.dumps(written, ensure_ascii=False))
    assert found.text == text
    assert found.id == written["id"]
    assert found.name == written.get("name", "")
    assert found.tags == tuple(written.get("tags", ()))
    assert thaw(found.custom) == {item["property"]: item["value"] for item in written.get("customProperties", ())}
    for column, item in zip(found.properties, written["schema"][0]["properties"], strict=True):
        assert column.name == item["name"]
        assert column.physical_name == item.get("physicalName", item["name"])
        assert column.logical_type == item["logicalType"]
        assert column.required == item.get("required", False)
        assert thaw(column.examples) == item.get("examples", [])
        assert (column.key_position >= 0) == item.get("primaryKey", False)
        assert thaw(column.custom) == {entry["property"]: entry["value"] for entry in item.get("customProperties", ())}
    assert [item.name for item in again.properties] == [item.name for item in found.properties]
    assert pickle.loads(pickle.dumps(found)) == found


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    findings = lint(text)
    try:
        loads(text)
    except ContractError:
        assert any(item.severity == "error" for item in findings)
