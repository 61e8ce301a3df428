"""Every finding of the lint: its code, its line, a sentence and something to do."""

import copy
import resource
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.contract import PROPERTIES, Severity, lint, loads, reference_table, vocabulary
from arengo.contract.cron import complaint
from arengo.contract.sql import complaint as sql_complaint
from arengo.contract.sql import fill
from arengo.errors import ContractError

CLEAN = """\
apiVersion: v3.1.0
kind: DataContract
id: street-trees
name: Street trees
version: 1.0.0
status: active
description: {purpose: Every tree on public ground.}
servers:
  - server: files
    type: custom
    customProperties:
      - {property: arengoSource, value: {kind: csv, path: sources/trees.csv}}
schema:
  - name: trees
    properties:
      - {name: id, logicalType: integer, primaryKey: true, required: true, description: Number}
      - {name: species, logicalType: string, description: Latin name}
      - {name: height, logicalType: number, description: Metres}
      - {name: planted, logicalType: date, description: Day}
      - {name: lon, logicalType: number, description: Longitude}
      - {name: lat, logicalType: number, description: Latitude}
    quality:
      - {type: library, metric: rowCount, mustBeGreaterThan: 0, severity: error}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoTheme, value: ENVI}
  - {property: arengoLicence, value: CC-BY-4.0}
  - {property: arengoFrequency, value: MONTHLY}
  - {property: arengoOwner, value: Parks}
  - {property: arengoGeometry, value: {x: lon, y: lat}}
"""


def codes(text: str) -> list[str]:
    return [item.code for item in lint(text)]


def custom(name: str, value: str) -> str:
    return CLEAN + f"  - {{property: {name}, value: {value}}}\n"


def column(line: str) -> str:
    return CLEAN.replace("    quality:\n", f"      - {line}\n    quality:\n")


def rule(line: str) -> str:
    return CLEAN.replace("customProperties:\n  - {property: arengoAccess", f"      - {line}\ncustomProperties:\n"
                         "  - {property: arengoAccess")  # fmt: skip


def without(words: str) -> str:
    return "\n".join(line for line in CLEAN.splitlines() if words not in line) + "\n"


def test_a_clean_contract_has_no_finding() -> None:
    assert lint(CLEAN) == []


LAST = 31  # line after the clean contract's last
CASES: dict[str, tuple[str, str, int | None, str]] = {
    # the standard
    "unknown top key": (CLEAN.replace("status:", "statsu:"), "unknown-key", 6, "Did you mean 'status'?"),
    "unknown column key": (column("{name: a, logicalType: string, requird: true}"), "unknown-key", 22, "'required'"),
    "unknown table key": (CLEAN.replace("    quality:", "    qualty:"), "unknown-key", 22, "'quality'"),
    "arengo key at the top": (CLEAN + "arengoAccess: open\n", "unknown-key", LAST, "customProperties"),
    "option of another type": (column("{name: a, logicalType: integer, logicalTypeOptions: {maxLength: 3}}"),
                               "unknown-key", 22, "maximum"),
    "missing kind": (without("kind: DataContract"), "missing-key", 1, "kind: DataContract"),
    "missing name": (column("{logicalType: string}"), "missing-key", 22, "Give it a name"),
    "version a number": (CLEAN.replace("1.0.0", "1.0"), "schema-type", 5, "quotes: '1.0'"),
    "unknown type": (column("{name: a, logicalType: strin}"), "schema-enum", 22, "Did you mean 'string'?"),
    "mqtt server": (CLEAN.replace("type: custom", "type: mqtt"), "schema-enum", 10, "arengoSource"),
    "no operator": (rule("{type: library, metric: rowCount}"), "no-operator", 24, "mustBe"),
    "two operators": (rule("{type: library, metric: rowCount, mustBeGreaterThan: 1, mustBeLessThan: 9}"),
                      "two-operators", 24, "mustBeBetween"),
    "operand a word": (rule("{type: library, metric: rowCount, mustBeGreaterThan: many}"), "wrong-operand", 24, "100"),
    "operand no pair": (rule("{type: library, metric: rowCount, mustBeBetween: 3}"), "wrong-operand", 24, "[1, 100]"),
    "unknown metric": (rule("{type: library, metric: rowcount, mustBe: 1}"), "schema-enum", 24, "rowCount"),
    # Arengo's properties
    "misspelt property": (custom("arengoAcess", "closed"), "unknown-property", LAST, "arengoAccess"),
    "other capitals": (custom("ArengoTime", "planted"), "unknown-property", LAST, "arengoTime"),
    "unknown access": (CLEAN.replace("value: open", "value: opne"), "wrong-shape", 25, "Did you mean 'open'?"),
    "lower-case theme": (CLEAN.replace("ENVI", "envi"), "wrong-shape", 26, "Did you mean 'ENVI'?"),
    "filters flat": (custom("arengoFilters", "[species]"), "wrong-shape", LAST, "list of lists"),
    "unknown part": (column("{name: a, logicalType: number, customProperties: [{property: arengoParse, value: "
                            "{decimals: ','}}]}"), "wrong-shape", 22, "'decimal'"),
    "source without kind": (CLEAN.replace("kind: csv, ", ""), "wrong-shape", 12, "kind"),
    "misplaced": (custom("arengoUnit", "m"), "misplaced-property", LAST, "on a column"),
    "twice": (custom("arengoTheme", "TRAN"), "custom-twice", LAST, "one of the two"),
    # names and keys
    "id": (CLEAN.replace("id: street-trees", "id: Street_Trees"), "id-not-kebab", 3, "street-trees"),
    "two tables": (CLEAN.replace("customProperties:\n  - {property: arengoAccess",
                                 "  - {name: more}\ncustomProperties:\n  - {property: arengoAccess"),
                   "several-tables", 24, "contracts of their own"),
    "duplicate column": (column("{name: id, logicalType: string}"), "duplicate-column", 22, "Rename"),
    "capital twin": (column("{name: Height, logicalType: string}"), "duplicate-column", 22, "Rename"),
    "reserved": (column("{name: _row, logicalType: string}"), "reserved-name", 22, "physicalName"),
    "awkward": (column("{name: 'tree name', logicalType: string}"), "awkward-name", 22, "physicalName"),
    "no type": (column("{name: a, physicalType: int4}"), "no-type", 22, "integer"),
    "key may be empty": (CLEAN.replace("primaryKey: true, required: true", "primaryKey: true"), "key-not-required",
                         16, "required: true"),
    "key position alone": (column("{name: a, logicalType: string, primaryKeyPosition: 2}"), "position-without-key",
                           22, "primaryKey"),
    "no key": (CLEAN.replace("primaryKey: true, ", ""), "no-key", 14, "primaryKey: true"),
    "same source": (column("{name: a, logicalType: string, physicalName: id}"), "same-source", 22, "meant"),
    "renamed from held": (column("{name: a, logicalType: string, customProperties: [{property: arengoRenamedFrom, "
                                 "value: height}]}"), "renamed-from-held", 22, "arengoRenamedFrom"),
    # values
    "crossed": (column("{name: a, logicalType: integer, logicalTypeOptions: {minimum: 5, maximum: 2}}"),
                "crossed-bounds", 22, "minimum"),
    "pattern": (column("{name: a, logicalType: string, logicalTypeOptions: {pattern: '(a'}}"), "wrong-pattern", 22,
                "backslash"),
    "lookahead": (column("{name: a, logicalType: string, logicalTypeOptions: {pattern: 'a(?=b)'}}"), "wrong-pattern",
                  22, "RE2"),
    "bound": (column("{name: a, logicalType: date, logicalTypeOptions: {minimum: 1/2/2020}}"), "wrong-bound", 22,
              "2024-01-31"),
    "enum": (column("{name: a, logicalType: string, enum: [{value: 7}]}"), "wrong-enum", 22, "quotes: '7'"),
    "same marks": (column("{name: a, logicalType: number, customProperties: [{property: arengoParse, value: "
                          "{decimal: ',', thousands: ','}}]}"), "same-marks", 22, "differ"),
    "two meanings": (column("{name: a, logicalType: number, customProperties: [{property: arengoParse, value: "
                            "{nulls: ['..'], suppressed: ['..']}}]}"), "two-meanings", 22, "one of the two"),
    "format": (column("{name: a, logicalType: date, customProperties: [{property: arengoParse, value: "
                      "{formats: [DD/MM/YYYY]}}]}"), "wrong-format", 22, "%d/%m/%Y"),
    # rules
    "rule column": (rule("{type: library, metric: duplicateValues, mustBe: 0, arguments: {properties: [hight]}}"),
                    "unknown-column", 24, "Did you mean 'height'?"),
    "rule without column": (rule("{type: library, metric: nullValues, mustBe: 0}"), "rule-without-column", 24,
                            "arguments"),
    "nothing to compare": (column("{name: a, logicalType: string, quality: [{type: library, metric: invalidValues, "
                                  "mustBe: 0}]}"), "nothing-to-compare", 22, "validValues"),
    "severity": (rule("{type: library, metric: rowCount, mustBe: 1, severity: fatall}"), "unknown-severity", 24,
                 "error, warning or info"),
    "percent": (rule("{type: library, metric: duplicateValues, mustBeLessThan: 120, unit: percent, arguments: "
                     "{properties: [id]}}"), "percent-range", 24, "100"),
    "crossed operand": (rule("{type: library, metric: rowCount, mustBeBetween: [9, 1]}"), "crossed-bounds", 24,
                        "[1, 9]"),
    "mustBe a word": (rule("{type: library, metric: rowCount, mustBe: some}"), "wrong-operand", 24, "mustBe: 0"),
    "sql delete": (rule("{type: sql, query: DELETE FROM trees, mustBe: 0}"), "sql-rule", 24, "SELECT"),
    "sql two": (rule("{type: sql, query: SELECT 1; SELECT 2, mustBe: 0}"), "sql-rule", 24, "SELECT"),
    "sql copy": (rule("{type: sql, query: \"COPY trees TO '/tmp/x'\", mustBe: 0}"), "sql-rule", 24, "SELECT"),
    "sql file": (rule("{type: sql, query: \"SELECT count(*) FROM read_text('/etc/passwd')\", mustBe: 0}"), "sql-rule",
                 24, "${table}"),
    "sql other table": (rule("{type: sql, query: SELECT count(*) FROM citizens, mustBe: 0}"), "sql-rule", 24,
                        "${table}"),
    "sql subquery": (rule("{type: sql, query: 'SELECT count(*) FROM ${table} WHERE id IN (SELECT id FROM "
                          "information_schema.tables)', mustBe: 0}"), "sql-rule", 24, "${table}"),
    "sql column": (rule("{type: sql, query: 'SELECT count(hight) FROM ${table}', mustBe: 0}"), "sql-rule", 24, "names"),
    "sql words": (rule("{type: sql, query: how many are there, mustBe: 0}"), "sql-rule", 24, "SELECT"),
    "sql two columns": (rule("{type: sql, query: 'SELECT 1, 2 FROM ${table}', mustBe: 0}"), "sql-rule", 24, "number"),
    "custom rule": (rule("{type: custom, engine: soda, implementation: x}"), "rule-not-run", 24, "sql"),
    # what a reader misses
    "no title": (without("name: Street trees"), "no-title", 1, "citizen"),
    "no description": (without("description: {purpose"), "no-description", 1, "purpose"),
    "no licence": (without("arengoLicence"), "no-licence", 1, "CC-BY-4.0"),
    "no theme": (without("arengoTheme"), "no-theme", 1, "ENVI"),
    "no owner": (without("arengoOwner"), "no-owner", 1, "arengoOwner"),
    "no frequency": (without("arengoFrequency"), "no-frequency", 1, "MONTHLY"),
    "licence": (CLEAN.replace("CC-BY-4.0", "free-for-all"), "unknown-licence", 27, "CC-BY-4.0"),
    "licence spelling": (CLEAN.replace("CC-BY-4.0", "cc-by"), "licence-spelling", 27, "CC-BY-4.0"),
    "licence not open": (CLEAN.replace("CC-BY-4.0", "CC-BY-NC-4.0"), "licence-not-open", 27, "shared"),
    "hvd licence": (custom("arengoHvdCategory", "mobility").replace("CC-BY-4.0", "ODbL-1.0"), "licence-too-strict", 27,
                    "CC0"),
    "status": (CLEAN.replace("active", "ready"), "unknown-status", 6, "active"),
    "semver": (CLEAN.replace("1.0.0", "'2024'"), "version-not-semver", 5, "1.0.0"),
    "cron": (custom("arengoSchedule", "'61 * * * *'"), "wrong-schedule", LAST, "half past"),
    "translation": (custom("arengoTranslations", "{it: {columns: {hieght: Altezza}}}"), "unknown-column", LAST,
                    "'height'"),
    # layout and place
    "sort": (custom("arengoSort", "[specie]"), "unknown-column", LAST, "species"),
    "filters": (custom("arengoFilters", "[[species, -year]]"), "unknown-column", LAST, "columns are"),
    "search number": (custom("arengoSearch", "[height]"), "wrong-kind", LAST, "type"),
    "time": (custom("arengoTime", "species"), "wrong-kind", LAST, "type"),
    "geometry column": (CLEAN.replace("{x: lon, y: lat}", "{x: lng, y: lat}"), "unknown-column", 30, "'lon'"),
    "geometry text": (CLEAN.replace("{x: lon, y: lat}", "{x: species, y: lat}"), "wrong-kind", 30, "number"),
    "geometry no shape": (CLEAN.replace("{x: lon, y: lat}", "{column: species}"), "wrong-kind", 30, "geometry"),
    "same axes": (CLEAN.replace("y: lat", "y: lon"), "same-axes", 30, "longitude"),
    "crs": (custom("arengoCrs", "Roma40"), "unknown-crs", LAST, "EPSG:4326"),
    "crs alone": (without("arengoGeometry") + "  - {property: arengoCrs, value: 3003}\n", "crs-without-geometry", 30,
                  "arengoGeometry"),
    # source
    "no source": (CLEAN.replace("arengoSource, value: {kind: csv, path: sources/trees.csv}", "x, value: 1"),
                  "no-source", 8, "arengoSource"),
    "outside": (CLEAN.replace("sources/trees.csv", "../trees.csv"), "path-outside", 8, "below"),
    "absolute": (CLEAN.replace("sources/trees.csv", "/data/trees.csv"), "absolute-path", 8, "below"),
    "password": (CLEAN.replace("kind: csv, path: sources/trees.csv", "kind: postgres, dsn: 'postgresql://a:b@c/d'"),
                 "secret-in-contract", 8, "password_env"),
    "header": (CLEAN.replace("kind: csv, path: sources/trees.csv", "kind: http-json, url: 'https://a.example', "
                             "headers: {Authorization: Bearer x}"), "secret-in-contract", 8, "headers_env"),
    "upsert": (custom("arengoMode", "upsert").replace("primaryKey: true, ", ""), "upsert-without-key", LAST, "key"),
    "incremental": (custom("arengoIncremental", "{column: planted}"), "incremental-replace", LAST, "append"),
    # persons
    "personal": (column("{name: owner, logicalType: string, customProperties: [{property: arengoPersonalKind, value: "
                        "name}]}"), "personal-open", 22, "arengoPersonalReason"),
    "doubt": (column("{name: a, logicalType: string, customProperties: [{property: arengoDoubt, value: A code?}]}"),
              "doubt", 22, "arengoDoubt"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_finding(name: str) -> None:
    text, code, line, todo = CASES[name]
    found = [item for item in lint(text) if item.code == code]
    assert found, codes(text)
    assert found[0].line == line
    assert todo in found[0].todo
    assert found[0].message.endswith((".", "?", "!"))
    assert str(found[0].line) in str(found[0])


def test_a_cause_is_told_once() -> None:
    for name in ("no operator", "operand a word", "unknown metric", "unknown column key", "version a number"):
        errors = [item for item in lint(CASES[name][0]) if item.severity is Severity.ERROR]
        assert len(errors) == 1, (name, errors)


def test_shapes_differ_between_contract_and_column() -> None:
    assert "wrong-shape" in codes(CLEAN.replace("{x: lon, y: lat}", "true"))
    shape = "{name: a, logicalType: object, physicalType: geometry, description: A, customProperties: "
    assert "wrong-shape" not in codes(column(shape + "[{property: arengoGeometry, value: [Point]}]}"))
    assert "wrong-shape" in codes(column(shape + "[{property: arengoGeometry, value: {x: lon, y: lat}}]}"))
    text = rule("{type: library, rule: validValues, validValues: [a], arguments: 3, mustBe: 0}")
    assert "schema-type" in codes(text)


def test_a_reason_lets_a_personal_column_be_open() -> None:
    text = column(
        "{name: owner, logicalType: string, customProperties: [{property: arengoPersonalKind, value: name}, "
        "{property: arengoPersonalReason, value: Elected members are public by law.}]}"
    )
    assert "personal-open" not in codes(text)
    assert "personal-open" not in codes(CASES["personal"][0].replace("value: open", "value: shared"))


def test_good_sql_rules() -> None:
    for query in (
        "SELECT count(*) FROM ${table} WHERE height < 0",
        "SELECT count(*) FROM {model} WHERE height < 0;",
        "WITH a AS (SELECT * FROM trees) SELECT count(*) FROM a JOIN trees USING (id)",
        "SELECT count(*) FROM ${table} WHERE extract(year FROM current_date) < 9 OR lower(height::VARCHAR) LIKE '%x'",
        "SELECT max(height) - min(height) FROM (SELECT height, row_number() OVER (ORDER BY id) AS n FROM trees) t",
        "SELECT count(*) FROM ${table} WHERE coalesce(try_cast(id AS DOUBLE), 0) NOT IN (1, 2) AND id || '-' = 'a'",
        "SELECT count(*) FROM ${object} t WHERE NOT ST_IsValid(ST_Point(t.lon, t.lat))",
    ):
        assert codes(rule(f'{{type: sql, query: "{query}", mustBe: 0}}')) == []
    line = "{name: a, logicalType: string, description: A, quality: [{type: sql, query: 'SELECT count(*) FROM ${table} "
    assert codes(column(line + "WHERE ${column} IS NULL', mustBe: 0}]}")) == []
    assert "sql-rule" in codes(rule("{type: sql, query: 'SELECT count(${column}) FROM ${table}', mustBe: 0}"))


LONG = "x" * 3000


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("SELECT count(*) FROM ${table} WHERE length(repeat(name, 3900000000)) > 0", "repeat()"),
        ("SELECT length(repeat('a', 2000000000)) FROM ${table} LIMIT 1", "repeat()"),
        ("SELECT length(main.repeat('a', 2000000000)) FROM ${table} LIMIT 1", "repeat()"),
        ('SELECT length("RePeat"(\'a\', 2000000000)) FROM ${table} LIMIT 1', "repeat()"),
        ("SELECT length(lpad('a', 2000000000, 'b')) FROM ${table}", "lpad()"),
        ("SELECT length(string_agg(name, ',')) FROM ${table}", "string_agg()"),
        ("SELECT len(list(name)) FROM ${table}", "list()"),
        ("SELECT count(current_setting('threads')) FROM ${table}", "current_setting()"),
        ("SELECT count(version()) FROM ${table}", "version()"),
        ("SELECT count(getvariable('a')) FROM ${table}", "getvariable()"),
        ("SELECT count(getenv('HOME')) FROM ${table}", "getenv()"),
        ("SELECT count(*) FROM ${table}, range(1000000000000)", "range()"),
        ("SELECT count(*) FROM ${table} JOIN generate_series(1, 9) ON true", "generate_series()"),
        ("SELECT sum(unnest([1, 2])) FROM ${table}", "unnest()"),
        ("SELECT length(format('{:>2000000000}', 'a')) FROM ${table}", "format()"),
        ("SELECT sum(length(repeat('a', 9))) OVER () FROM ${table}", "repeat()"),
        ("SELECT count(*) FROM ${table} ORDER BY repeat('a', 9)", "repeat()"),
        ("SELECT count(*) FILTER (WHERE repeat('a', 9) = '') FROM ${table}", "repeat()"),
        ("SELECT count(*) FROM ${table} LIMIT length(repeat('a', 9))", "repeat()"),
        ("SELECT length(NULL::INTEGER[99999]::VARCHAR) FROM ${table}", "cast"),
        ("SELECT count(*) FROM ${table} a, ${table} b", "without a condition"),
        ("SELECT count(*) FROM ${table} a CROSS JOIN ${table} b", "without a condition"),
        ("WITH a AS (SELECT repeat('a', 9) AS s) SELECT count(s) FROM a", "repeat()"),
        ("SELECT count(*) FROM ${table} WHERE id IN (SELECT length(repeat('a', 9)))", "repeat()"),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r", "WITH RECURSIVE"),
        ("SELECT count(*) FROM ${table} GROUP BY CUBE (id, name)", "CUBE"),
        ("SELECT max(length(COLUMNS(*))) FROM ${table}", "columns()"),
        ("SELECT count(*) FROM (SUMMARIZE ${table})", "SUMMARIZE"),
        ("SELECT length(" + "||".join(["name"] * 40) + ") FROM ${table}", "many times longer"),
        (f"SELECT length(replace(name, 'a', '{LONG}')) FROM ${{table}}", "many times longer"),
        (f"SELECT length(replace(replace('a', 'a', '{LONG}'), 'x', '{LONG}')) FROM ${{table}}", "many times longer"),
        ("WITH " + ", ".join(f"a{n + 1} AS (SELECT name || name AS name FROM a{n})" for n in range(7)).replace("a0)",
         "${table})") + " SELECT max(length(name)) FROM a7", "many times longer"),
        ("SELECT max(c40) FROM (SELECT id + id AS c0, " + ", ".join(f"c{n} + c{n} AS c{n + 1}" for n in range(40))
         + " FROM ${table})", "names that it makes itself"),
        ("SELECT 1 WHERE " + "1 = 1 AND " * 3000 + "true", "characters"),
    ],
)  # fmt: skip
def test_sql_rules_use_listed_functions_only(query: str, word: str) -> None:
    """Each of these took gigabytes or minutes when it was bound, or says more about the machine than the dataset."""
    contract = loads(CLEAN)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    met, todo = sql_complaint(contract, query.replace("name", "species"), None)
    assert word in met
    assert todo
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_placeholders_are_quoted() -> None:
    assert fill("SELECT ${column} FROM ${table}", 'a"b', "c d") == 'SELECT "c d" FROM "a""b"'


@pytest.mark.parametrize("line", ["* * * * *", "*/5 8-18 * * mon-fri", "0 3 1,15 * *", "30 5 * jan,jul 7"])
def test_good_cron_lines(line: str) -> None:
    assert complaint(line) == ""


BAD_LINES = (
    "", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *",
    "a * * * *", "*-3 * * * *", "* * * * * *", "@daily",
)  # fmt: skip


@pytest.mark.parametrize("line", BAD_LINES)
def test_bad_cron_lines(line: str) -> None:
    assert complaint(line).endswith(".")


@given(st.integers(0, len(CLEAN)), st.integers(0, 30), st.text(max_size=12))
@settings(max_examples=200, deadline=None)
def test_a_damaged_contract_never_breaks_the_lint(start: int, length: int, text: str) -> None:
    damaged = CLEAN[:start] + text + CLEAN[start + length :]
    findings = lint(damaged)
    assert all(item.message and item.code for item in findings)
    if not any(item.severity is Severity.ERROR for item in findings):
        loads(damaged)
    assert refusal(damaged) in {"", *(item.message for item in findings)}


RICH = (
    CLEAN.replace(
        "    quality:\n",
        """\
      - name: state
        logicalType: string
        logicalTypeOptions: {pattern: "[a-z]+", minLength: 1, maxLength: 9}
        enum: [{value: good, label: Good}]
        quality:
          - {type: library, metric: invalidValues, arguments: {validValues: [a]}, mustBeBetween: [1, 2], unit: percent}
        customProperties:
          - {property: arengoParse, value: {nulls: ["-"], formats: ["%d"], decimal: ","}}
          - {property: arengoRenamedFrom, value: [status]}
          - {property: arengoDoubt, value: A word}
    quality:
""",
    )
    + """\
  - {property: arengoFilters, value: [[species, -height]]}
  - {property: arengoSort, value: [planted]}
  - {property: arengoIncremental, value: {column: id}}
  - {property: arengoTranslations, value: {it: {name: Alberi, columns: {height: Altezza}}}}
slaProperties:
  - {property: frequency, value: 1, unit: d, schedule: "0 1 * * *"}
team: {members: [{username: parks}]}
"""
)


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


DATA = yaml.safe_load(RICH)
PLACES = places(DATA)[1:]
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("abc-_.*[({%/", max_size=5)
ANY = st.recursive(
    SCALARS, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text("abc", max_size=3), some, max_size=2)
)


@given(st.lists(st.tuples(st.sampled_from(PLACES), ANY), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_a_value_of_another_shape_never_breaks_the_lint(changes: list[tuple[tuple[str | int, ...], object]]) -> None:
    data = copy.deepcopy(DATA)
    for path, value in changes:
        owner = data
        try:
            for part in path[:-1]:
                owner = owner[part]
            owner[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    text = yaml.safe_dump(data, allow_unicode=True)
    findings = lint(text)
    if not any(item.severity is Severity.ERROR for item in findings):
        loads(text)
    assert refusal(text) in {"", *(item.message for item in findings)}


def refusal(text: str) -> str:
    try:
        loads(text)
    except ContractError as error:
        return error.met
    return ""


def test_every_property_has_a_valid_example_and_a_row() -> None:
    import jsonschema_rs

    table = reference_table()
    for entry in PROPERTIES.values():
        validator = jsonschema_rs.validator_for(dict(entry.shape))
        assert validator.is_valid(entry.example), entry.name
        assert f"| `{entry.name}` |" in table
        assert entry.sentence.endswith(".")
        assert entry.form or entry.values
        assert set(entry.levels) <= {"contract", "column", "server"}
    assert len(table.splitlines()) == len(PROPERTIES) + 2


def test_vocabularies() -> None:
    assert len(vocabulary.THEMES) == 14
    assert vocabulary.theme("http://publications.europa.eu/resource/authority/data-theme/ENVI") is not None
    assert vocabulary.frequency("DAILY").every.days == 1  # type: ignore[union-attr]
    for spelling in ("CC BY 4.0", "cc-by", "CC_BY_4_0", "http://creativecommons.org/licenses/by/4.0/",
                     "https://creativecommons.org/licenses/by/4.0/"):  # fmt: skip
        assert vocabulary.licence(spelling).code == "CC-BY-4.0"  # type: ignore[union-attr]
    assert vocabulary.licence("my own") is None
    for table in (vocabulary.THEMES, vocabulary.FREQUENCIES, vocabulary.LICENCES, vocabulary.ACCESS,
                  vocabulary.HVD_CATEGORIES):  # fmt: skip
        for code, term in table.items():
            assert term.code == code
            assert term.label("it-IT")
            assert code == "none" or term.uri.startswith("http")


def test_the_example_of_the_design_has_no_error() -> None:
    path = Path(__file__).resolve().parents[2].parent / "shared" / "design" / "example.odcs.yaml"
    if not path.is_file():
        pytest.skip("the design folder is not here")
    assert not [item for item in lint(path.read_text(encoding="utf-8")) if item.severity is Severity.ERROR]
