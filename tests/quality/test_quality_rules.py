"""Quality rules of every type, all operators, and the profile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quality_pull import Conformed, contract_of

from arengo.contract.model import Contract, Geometry, Kind, Parse, Property, Rule
from arengo.quality import QualityReport, check, profile
from arengo.quality.profile import nice_edges
from arengo.quality.rules import holds

OPERATORS = [
    ("mustBe", 5, [5, 5.0, "5"], [4, "x"]),
    ("mustBe", "ok", ["ok"], ["no", 1]),
    ("mustBe", True, [True, "true"], [False]),
    ("mustNotBe", 5, [4], [5]),
    ("mustBeGreaterThan", 5, [6, 5.1], [5, 4]),
    ("mustBeGreaterOrEqualTo", 5, [5, 6], [4]),
    ("mustBeLessThan", 5, [4], [5]),
    ("mustBeLessOrEqualTo", 5, [5], [5.1]),
    ("mustBeBetween", (1, 5), [1, 3, 5], [0, 6]),
    ("mustNotBeBetween", (1, 5), [0, 6], [1, 5]),
]


@pytest.mark.parametrize(("operator", "operand", "good", "bad"), OPERATORS)
def test_operators(operator: str, operand: Any, good: list[Any], bad: list[Any]) -> None:
    assert all(holds(operator, operand, value) for value in good)
    assert not any(holds(operator, operand, value) for value in bad)


def measured(conformed: Callable[..., Conformed], *rules: Rule, columns: dict[str, Any] | None = None) -> QualityReport:
    contract = contract_of(
        Property("n", Kind.INTEGER),
        Property("s", Kind.STRING, quality=tuple(rule for rule in rules if rule.column == "s")),
        quality=[rule for rule in rules if rule.column is None],
    )
    found = conformed(contract, columns or {"n": ["1", "2", "2", None], "s": ["open", "shut", "n/a", None]})
    return check(contract, found.staged, found.counts)


def library(metric: str, column: str | None = "s", **about: Any) -> Rule:
    return Rule("library", metric, column, metric, **about)


def test_library_metrics(conformed: Callable[..., Conformed]) -> None:
    report = measured(
        conformed,
        library("rowCount", None, operator="mustBeBetween", operand=(1, 4)),
        library("duplicateValues", None, arguments={"properties": ["n"]}, operator="mustBe", operand=0),
        library("nullValues", operator="mustBeLessThan", operand=30, unit="percent"),
        library("missingValues", arguments={"missingValues": [None, "n/a"]}, operator="mustBe", operand=2),
        library("invalidValues", arguments={"validValues": ["open", "shut"]}, operator="mustBe", operand=0),
        library("invalidValues", arguments={"pattern": "^[a-z]+$"}, operator="mustBeLessOrEqualTo", operand=1),
        library("invalidValues", arguments={"pattern": "(?=a)b"}, operator="mustBe", operand=0),
        library("freshness", operator="mustBe", operand=0),
    )
    assert [(rule.metric, rule.passed, rule.value) for rule in report.rules] == [
        ("rowCount", True, 4),
        ("duplicateValues", False, 1),
        ("nullValues", True, 25.0),
        ("missingValues", True, 2),
        ("invalidValues", False, 1),
        ("invalidValues", True, 1),
        ("invalidValues", None, None),
        ("freshness", None, None),
    ]
    assert (report.passed, report.failed) == (4, 2)
    assert report.rules[2].expected == "must be less than 30"
    assert "look-around" in (report.rules[6].error or "")
    assert "no metric 'freshness'" in (report.rules[7].error or "")
    assert not report.refusals
    body = report.as_dict()
    assert set(body) == {"rules", "passed", "failed", "rows_in", "rows", "quarantined", "warnings"}
    assert "refuses" not in body["rules"][0]


def test_severity_error_refuses_or_puts_aside(conformed: Callable[..., Conformed]) -> None:
    report = measured(
        conformed,
        library("rowCount", None, operator="mustBeGreaterThan", operand=10, severity="error"),
        library("nullValues", operator="mustBe", operand=0, severity="error"),
        library("invalidValues", arguments={"validValues": ["open"]}, operator="mustBeLessThan", operand=1,
                severity="error"),
        Rule("sql", "broken", query="SELECT nothing FROM ${table}", operator="mustBe", operand=0, severity="error"),
    )  # fmt: skip
    assert [(rule.passed, rule.failed_rows, rule.refuses) for rule in report.rules] == [
        (False, None, True),
        (None, None, True),
        (True, 1, False),
        (False, 2, True),
    ]
    assert report.quarantined == 1
    assert report.refusals[0].sentence() == "The rule rowCount must be greater than 10, but it is 3."


def sql(query: str, operator: str = "mustBe", operand: Any = 0, column: str | None = None) -> Rule:
    return Rule("sql", "q", column, query=query, operator=operator, operand=operand)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (sql("SELECT count(*) FROM ${table} WHERE n > 1"), 2),
        (sql("SELECT count(*) FROM {object} WHERE ${column} IS NULL", column="s"), 1),
        (sql("WITH x AS (SELECT max(n) AS m FROM ${table}) SELECT m FROM x", operand=2), 2),
        (sql("SELECT max(upper(s)) FROM ${table}", operand="SHUT"), "SHUT"),
        (sql("SELECT count(*) FROM things"), 4),
    ],
)
def test_sql_rules(conformed: Callable[..., Conformed], rule: Rule, value: Any) -> None:
    (result,) = measured(conformed, rule).rules
    assert (result.value, result.error) == (value, None)
    assert result.passed is holds("mustBe", rule.operand, value)


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE ${table}",
        "SELECT 1; SELECT 2",
        "SELECT count(*) FROM read_csv('/etc/passwd')",
        "SELECT count(*) FROM '/etc/passwd'",
        "SELECT count(*) FROM ${table}, duckdb_settings()",
        "COPY ${table} TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "SET memory_limit = '1TB'",
        "SELECT n FROM ${table} WHERE n = 99",
        "SELECT NULL",
        "SELECT _source FROM ${table}",
        "SELECT getenv('HOME')",
        "SELECT count(*) FROM ${table} WHERE length(repeat(s, 3900000000)) > 0",
    ],
)
def test_sql_rules_only_read_their_dataset(conformed: Callable[..., Conformed], query: str) -> None:
    (result,) = measured(conformed, sql(query)).rules
    assert result.passed is None
    assert result.error


def test_an_endless_sql_rule_is_stopped(conformed: Callable[..., Conformed]) -> None:
    pairs = "SELECT count(*) FROM ${table} a JOIN ${table} b ON a.n <> b.n JOIN ${table} c ON c.n <> a.n + b.n"
    contract = contract_of(Property("n", Kind.INTEGER), quality=[sql(pairs)])
    found = conformed(contract, {"n": [str(n) for n in range(20_000)]})
    (result,) = check(contract, found.staged, found.counts, seconds=0.2).rules
    assert "longer than 0.2 seconds" in (result.error or "")


def test_text_and_custom_rules_are_not_passed(conformed: Callable[..., Conformed]) -> None:
    report = measured(
        conformed,
        Rule("text", "by eye", None, severity="error"),
        Rule("custom", "soda", None, arguments={"engine": "soda"}, severity="error"),
    )
    assert [rule.passed for rule in report.rules] == [None, None]
    assert "soda" in (report.rules[1].error or "")
    assert not report.refusals


def town() -> Contract:
    return contract_of(
        Property("id", Kind.STRING, key_position=0),
        Property("kind", Kind.STRING, parse=Parse(suppressed=("*",))),
        Property("cost", Kind.NUMBER),
        Property("day", Kind.DATE),
        Property("at", Kind.TIMESTAMP),
        Property("ok", Kind.BOOLEAN),
        Property("name", Kind.STRING, custom={"arengoPersonalKind": "name"}),
        Property("lon", Kind.NUMBER),
        Property("lat", Kind.NUMBER),
        geometry=Geometry(x="lon", y="lat"),
    )


def test_profile(conformed: Callable[..., Conformed]) -> None:
    contract = town()
    columns = {
        "id": [f"AB-{n:03}" for n in range(100)],
        "kind": ["tree"] * 60 + ["bench"] * 30 + ["*"] * 5 + [None] * 5,
        "cost": [str(n) for n in range(100)],
        "day": [f"2024-{n % 12 + 1:02}-01" for n in range(100)],
        "at": ["2024-01-01T00:00:00"] * 100,
        "ok": ["yes"] * 75 + ["no"] * 25,
        "name": [f"Person {n}" for n in range(100)],
        "lon": ["12"] * 99 + ["13"],
        "lat": ["42"] * 100,
    }
    found = conformed(contract, columns)
    measured = profile(contract, found.staged, found.counts)
    held = measured["columns"]
    assert measured["rows"] == 100
    assert measured["bbox"] == [12, 42, 13, 42]
    assert measured["time"] == {"column": "day", "min": "2024-01-01", "max": "2024-12-01"}
    assert held["kind"] | {"patterns": 0} == {
        "kind": "string", "count": 90, "nulls": 10, "suppressed": 5, "distinct": 2, "exact": True, "min": "bench",
        "max": "tree", "length": {"min": 4, "max": 5, "mean": 4.33}, "patterns": 0,
        "top": [{"value": "tree", "count": 60}, {"value": "bench", "count": 30}],
    }  # fmt: skip
    assert held["id"]["distinct"] == 100
    assert "top" not in held["id"], "all different: none stands out"
    assert held["id"]["patterns"][0]["pattern"] == "AA-999"
    cost = held["cost"]
    assert (cost["min"], cost["max"], cost["mean"]) == (0, 99, 49.5)
    assert cost["quantiles"]["p50"] == pytest.approx(49.5, abs=1)
    assert sum(cost["histogram"]["counts"]) == 100
    assert cost["histogram"]["edges"][:3] == [0, 5, 10]
    assert sum(held["day"]["histogram"]["counts"]) == 100
    assert held["at"]["max"] == "2024-01-01T00:00:00Z"
    assert held["ok"]["mean"] == 0.75
    assert {value["value"] for value in held["ok"]["top"]} == {True, False}
    assert not {"min", "max", "top", "patterns", "quantiles"} & set(held["name"])
    assert held["name"]["distinct"] == pytest.approx(100, abs=15)


def test_profile_of_nothing(conformed: Callable[..., Conformed]) -> None:
    contract = town()
    found = conformed(contract, {prop.name: [None] for prop in contract.properties[1:]} | {"id": ["1"]})
    measured = profile(contract, found.staged, found.counts)
    assert measured["bbox"] is None
    assert measured["time"] is None
    assert measured["columns"]["cost"]["nulls"] == 1


def test_profile_of_extremes(conformed: Callable[..., Conformed]) -> None:
    contract = contract_of(Property("x", Kind.NUMBER), Property("d", Kind.DATE), Property("n", Kind.INTEGER))
    columns = {
        "x": ["1e308", "-1e308", "0", "5e-324"],
        "d": ["1000-01-01", "9999-12-31", None, None],
        "n": ["9223372036854775807", "-9223372036854775808", "0", None],
    }
    found = conformed(contract, columns)
    measured = profile(contract, found.staged, found.counts)["columns"]
    assert measured["d"]["max"] == "9999-12-31"
    for column in measured.values():
        assert sum(column["histogram"]["counts"]) == column["count"]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(values=st.lists(st.integers(-1000, 1000) | st.floats(-1e3, 1e3), min_size=1, max_size=60))
def test_bins_count_what_lies_between_their_edges(conformed: Callable[..., Conformed], values: list[float]) -> None:
    contract = contract_of(Property("x", Kind.NUMBER))
    found = conformed(contract, {"x": [repr(float(value)) for value in values]})
    histogram = profile(contract, found.staged, found.counts)["columns"]["x"]["histogram"]
    edges, counts = histogram["edges"], histogram["counts"]
    assert sum(counts) == len(values)
    for at, count in enumerate(counts):
        low, high = edges[at], edges[at + 1]
        near = 1e-9 * max(1.0, abs(low), abs(high))
        assert sum(low + near < value < high - near for value in values) <= count
        assert sum(low - near <= value <= high + near for value in values) >= count


def test_outliers_get_wide_bins(conformed: Callable[..., Conformed]) -> None:
    contract = contract_of(Property("x", Kind.NUMBER))
    found = conformed(contract, {"x": [str(n % 50) for n in range(1000)] + ["1e9", "-1e9"]})
    histogram = profile(contract, found.staged, found.counts)["columns"]["x"]["histogram"]
    edges, counts = histogram["edges"], histogram["counts"]
    assert (edges[0], edges[-1], counts[0], counts[-1]) == (-1e9, 1e9, 1, 1)
    assert len(edges) == len(counts) + 1
    assert sum(counts) == 1002
    assert edges == sorted(edges)


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.booleans())
def test_edges_are_round_and_cover(low: float, width: float, whole: bool) -> None:
    high = low + width
    edges = nice_edges(low, high, 20, whole=whole)
    assert len(edges) == 2 or all(a < b for a, b in pairwise(edges))
    slack = 1e-9 * max(abs(low), abs(high), 1e-9)
    assert edges[0] <= low + slack
    assert edges[-1] >= high - slack
    assert len(edges) <= 82


def test_any_name_of_a_column_is_safe(conformed: Callable[..., Conformed]) -> None:
    names = ["t", "v", "n", "s", "p", "h", "r0", "s0", "c0", "rows", "batch", 'a"b', "count", "select", "_x"]
    contract = contract_of(
        *(Property(name, Kind.STRING, unique=True, key_position=at) for at, name in enumerate(names)),
        Property("x", Kind.NUMBER),
        Property("y", Kind.DATE),
        quality=[library("duplicateValues", None, arguments={"properties": names}, operator="mustBe", operand=0)],
    )
    columns = {name: [f"{name}{n}" for n in (1, 2, 2)] for name in names}
    found = conformed(contract, columns | {"x": ["1", "2", "3"], "y": ["2024-01-01"] * 3})
    assert found.counts.rows == 2
    assert check(contract, found.staged, found.counts).passed == 1
    assert profile(contract, found.staged, found.counts)["columns"]['a"b']["distinct"] == 2


def test_dates_in_the_profile_are_iso(conformed: Callable[..., Conformed]) -> None:
    contract = contract_of(Property("d", Kind.DATE), Property("t", Kind.TIMESTAMP))
    found = conformed(contract, {"d": ["2024-02-01"], "t": ["2024-02-01T10:00:00"]})
    held = profile(contract, found.staged, found.counts)["columns"]
    assert date.fromisoformat(held["d"]["top"][0]["value"]) == date(2024, 2, 1)
    assert datetime.fromisoformat(held["t"]["min"]).utcoffset() is not None
