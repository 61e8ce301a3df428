"""Typing of source columns, and what is put aside."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quality_pull import contract_of, pull_of

from arengo.contract.model import Geometry, Kind, Parse, Property, Rule
from arengo.errors import ContractError, SourceMalformed
from arengo.quality import conform
from arengo.sources.base import Reject


def one(kind: Kind, **about: Any) -> Property:
    return Property("v", kind, **about)


NUMBERS = [
    (Kind.INTEGER, Parse(), {"12": 12, " 12\u00a0": 12, "12.0": 12, "-3": -3, "+5": 5, "1e3": 1000, "": None,
                             "NaN": None, "9007199254740993": 9007199254740993, "−7": -7},
     ["12.5", "0x1F", "1_000", "abc", "1,5", "99999999999999999999"]),
    (Kind.NUMBER, Parse(), {"1.5": 1.5, ".5": 0.5, "1e-3": 0.001, "nan": None}, ["inf", "1,5", "1_0.0", "--1"]),
    (Kind.NUMBER, Parse(decimal=","), {"1,5": 1.5, "12": 12.0}, ["1.5", "1.234,5"]),
    (Kind.NUMBER, Parse(decimal=",", thousands="."), {"1.234,5": 1234.5, "1.234.567": 1234567.0, "12,5": 12.5,
                                                      "1234,5": 1234.5, "-1.000": -1000.0}, ["1.5", "1.2345", "1,2,3"]),
    (Kind.NUMBER, Parse(thousands=" "), {"1 234.5": 1234.5, "1\u202f234": 1234.0, "1\u00a0234\u00a0567.25": 1234567.25},
     ["1 2"]),
    (Kind.INTEGER, Parse(thousands="'"), {"1'234": 1234, "1’234": 1234}, ["1'2"]),
    (Kind.NUMBER, Parse(scale=1e-6), {"41234567": 41.234567}, ["x"]),
    (Kind.NUMBER, Parse(strip=("%", "€")), {"12 %": 12.0, "€ 5": 5.0, "7€": 7.0, "%": None}, ["12 $"]),
    (Kind.NUMBER, Parse(nulls=("..", "99999"), suppressed=("S/N",)), {"..": None, "99999": None, "S/N": None, "1": 1.0},
     ["."]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "parse", "good", "bad"), NUMBERS)
def test_numbers(conformed: Any, kind: Kind, parse: Parse, good: dict[str, Any], bad: list[str]) -> None:
    bad = [*bad] if "%" not in good else [*bad, "%"]
    good = {text: value for text, value in good.items() if text not in bad}
    found = conformed(contract_of(one(kind, parse=parse)), {"v": [*good, *bad]})
    assert found.column("v") == pytest.approx(list(good.values()), abs=1e-12)
    assert [line["value"] for line in found.quarantine] == bad
    assert all("number" in line["reason"] for line in found.quarantine)


@pytest.mark.parametrize(
    ("parse", "options", "good", "bad"),
    [
        (Parse(), {}, {"2024-02-29": date(2024, 2, 29), "2024-02-29T10:00:00Z": date(2024, 2, 29),
                        "20240131": date(2024, 1, 31)},
         ["2023-02-29", "infinity", "31/12/2024", "20241301", "0024-01-01"]),
        (Parse(formats=("%d/%m/%Y", "%d/%m/%y")), {}, {"31/12/2024": date(2024, 12, 31), "1/2/24": date(2024, 2, 1)},
         ["12/31/2024", "2024-01-01"]),
        (Parse(), {"format": "dd.MM.yyyy"}, {"31.12.2024": date(2024, 12, 31)}, ["31.13.2024"]),
    ],
)  # fmt: skip
def test_dates(conformed: Any, parse: Parse, options: dict[str, str], good: dict[str, Any], bad: list[str]) -> None:
    found = conformed(contract_of(one(Kind.DATE, parse=parse, options=options)), {"v": [*good, *bad]})
    assert found.column("v") == list(good.values())
    assert [line["value"] for line in found.quarantine] == bad


@pytest.mark.parametrize(
    ("zone", "options", "parse", "text", "utc"),
    [
        ("UTC", {}, Parse(), "2024-07-01T12:00:00", "2024-07-01T12:00:00"),
        ("Europe/Rome", {}, Parse(), "2024-07-01T12:00:00", "2024-07-01T10:00:00"),
        ("Europe/Rome", {}, Parse(), "2024-01-01 12:00", "2024-01-01T11:00:00"),
        ("Europe/Rome", {}, Parse(), "2024-07-01T12:00:00Z", "2024-07-01T12:00:00"),
        ("Europe/Rome", {}, Parse(), "2024-07-01T12:00:00+05:30", "2024-07-01T06:30:00"),
        ("Europe/Rome", {"defaultTimezone": "America/New_York"}, Parse(), "2024-07-01T12:00", "2024-07-01T16:00:00"),
        ("Europe/Rome", {"defaultTimezone": "America/New_York"}, Parse(), "2024-07-01T12:00+02", "2024-07-01T10:00:00"),
        ("Europe/Rome", {"defaultTimezone": "UTC"}, Parse(), "2024-07-01", "2024-07-01T00:00:00"),
        ("Europe/Rome", {}, Parse(formats=("%d/%m/%Y %H:%M",)), "01/07/2024 12:00", "2024-07-01T10:00:00"),
        ("Europe/Rome", {}, Parse(formats=("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M %z")), "01/07/2024 12:00 +0000",
         "2024-07-01T12:00:00"),
    ],
)  # fmt: skip
def test_times_become_utc(
    conformed: Any, zone: str, options: dict[str, str], parse: Parse, text: str, utc: str
) -> None:
    found = conformed(contract_of(one(Kind.TIMESTAMP, options=options, parse=parse)), {"v": [text, "yesterday"]}, zone)
    assert found.column("v") == [datetime.fromisoformat(utc)]
    assert "is not a date with a time" in found.quarantine[0]["reason"]


def test_booleans_times_json(conformed: Any) -> None:
    contract = contract_of(
        Property("b", Kind.BOOLEAN),
        Property("sì", Kind.BOOLEAN, parse=Parse(true=("Sì", "vero"), false=("No",))),
        Property("t", Kind.TIME),
        Property("j", Kind.JSON),
    )
    columns = {
        "b": ["TRUE", "0", "perhaps"],
        "sì": ["sì", "NO", "Vero"],
        "t": ["10:00", "23:59:59", "25:00"],
        "j": ['{"a": [1]}', "3", "{"],
    }
    found = conformed(contract, columns)
    assert found.rows() == [(True, True, time(10), '{"a": [1]}'), (False, False, time(23, 59, 59), "3")]
    assert [(line["row"], line["column"]) for line in found.quarantine] == [(3, "b"), (3, "t"), (3, "j")]
    assert found.counts.quarantined == 1


def test_sources_that_type_their_columns(conformed: Any) -> None:
    at = datetime(2024, 7, 1, 12, tzinfo=UTC)
    contract = contract_of(
        Property("code", Kind.STRING),
        Property("n", Kind.INTEGER),
        Property("x", Kind.NUMBER),
        Property("yes", Kind.BOOLEAN),
        Property("at", Kind.TIMESTAMP),
        Property("local", Kind.TIMESTAMP),
        Property("day", Kind.DATE),
        Property("tags", Kind.JSON),
    )
    columns = {
        "code": pa.array([12.0, 1.5, None]),
        "n": pa.array([1.0, 2.5, 3.0]),
        "x": pa.array([1, 2, 3]),
        "yes": pa.array([1, 0, 2]),
        "at": pa.array([at] * 3, pa.timestamp("ns", "Europe/Rome")),
        "local": pa.array([at.replace(tzinfo=None)] * 3, pa.timestamp("ms")),
        "day": pa.array([at] * 3, pa.timestamp("us", "UTC")),
        "tags": pa.array([["a"], [], None], pa.list_(pa.string())),
    }
    found = conformed(contract, columns, "Europe/Rome")
    noon = datetime(2024, 7, 1, 12)
    assert found.rows() == [("12", 1, 1.0, True, noon, datetime(2024, 7, 1, 10), date(2024, 7, 1), '["a"]')]
    assert [(line["row"], line["column"], line["value"]) for line in found.quarantine] == [
        (2, "n", "2.5"),
        (3, "yes", "2"),
    ]


def test_texts_are_trimmed_and_clean(conformed: Any) -> None:
    contract = contract_of(Property("v", Kind.STRING, parse=Parse(suppressed=("*",))))
    found = conformed(contract, {"v": ["\u00a0 Sant Martí \t", "a\0b", "", "  ", "*", None, "012"]})
    assert found.column("v") == ["Sant Martí", "ab", None, None, None, None, "012"]
    assert found.counts.suppressed == {"v": 1}
    assert any("NUL" in warning for warning in found.counts.warnings)
    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xffb")]
    )
    found = conformed(contract, {"v": broken})
    assert found.column("v") == ["a\ufffd", "b"]


def test_constraints_say_what_is_wrong(conformed: Any) -> None:
    contract = contract_of(
        Property("id", Kind.STRING, key_position=0, options={"pattern": "^[A-Z]{2}$"}),
        Property("n", Kind.INTEGER, options={"minimum": 1, "exclusiveMaximum": 10, "multipleOf": 2}),
        Property("s", Kind.STRING, required=True, enum=("a", "b"), options={"maxLength": 3}),
        Property("d", Kind.DATE, options={"maximum": "2024-12-31"}),
    )
    columns = {
        "id": ["AA", "BB", None, "cc", "DD", "AA", "EE"],
        "n": ["2", "3", "2", "2", "10", "4", None],
        "s": ["a", "a", "a", "a", "abcd", "b", None],
        "d": ["2024-01-01", None, None, None, "2025-01-01", None, None],
    }
    found = conformed(contract, columns)
    assert found.counts.rows == 1
    lines = {(line["row"], line["column"]): line["reason"] for line in found.quarantine}
    assert lines == {
        (2, "n"): "'3' is not a multiple of 2.",
        (3, "id"): "The value is empty, but it is part of the key.",
        (4, "id"): "'cc' does not have the form ^[A-Z]{2}$.",
        (5, "n"): "'10' is not less than 10.",
        (5, "s"): "'abcd' is not one of a, b.",
        (5, "d"): "'2025-01-01' is more than 2024-12-31.",
        (6, "id"): "The key 'AA' is already used by row 1.",
        (7, "s"): "The value is empty, but the contract requires a value.",
    } | {(5, "s"): lines[(5, "s")]}
    assert found.quarantine[0]["file"] == "things.csv"


def test_rules_of_severity_error_put_rows_aside(conformed: Any) -> None:
    rules = (
        Rule("library", "state", "s", "invalidValues", arguments={"validValues": ["open"]}, operator="mustBe",
             operand=0, severity="error"),
        Rule("library", "no gaps", "s", "missingValues", arguments={"missingValues": [None, "?"]}, operator="mustBe",
             operand=0, severity="error"),
        Rule("library", "mild", "s", "nullValues", operator="mustBe", operand=0),
    )  # fmt: skip
    repeat = Rule("library", "once", None, "duplicateValues", arguments={"properties": ["n"]}, severity="error")
    contract = contract_of(Property("n", Kind.INTEGER), Property("s", Kind.STRING, quality=rules), quality=[repeat])
    found = conformed(
        contract, {"n": ["1", "2", "3", "1", None, None], "s": ["open", "shut", "?", "open", "open", None]}
    )
    assert found.column("n") == [1, None]
    assert found.counts.broken == {0: 1, 1: 2, 2: 2}
    assert "The value '1' is already used by row 1." in [line["reason"] for line in found.quarantine]


def test_places(conformed: Any) -> None:
    contract = contract_of(
        Property("g", Kind.GEOMETRY, "object"), geometry=Geometry("g", crs="EPSG:25831", types=("Polygon",))
    )
    bow = "POLYGON((430000 4580000,430100 4580100,430100 4580000,430000 4580100,430000 4580000))"
    columns = {"g": [
        "POINT (431000 4581000)",
        '{"type": "Point", "coordinates": [431000, 4581000]}',
        "SRID=25831;POINT Z (431000 4581000 7)",
        "0101000000000000000000F03F000000000000F03F",
        bow, "POINT EMPTY", None, "nowhere", "POINT (1e30 5)",
    ]}  # fmt: skip
    found = conformed(contract, columns)
    boxes = found.rows("_xmin, _ymin, _xmax, _ymax")
    assert boxes[0] == boxes[1] == boxes[2] == pytest.approx((2.17484, 41.37756, 2.17484, 41.37756), abs=1e-5)
    assert boxes[5] == boxes[6] == (None,) * 4
    assert [line["row"] for line in found.quarantine] == [8, 9]
    assert "outside the world" in found.quarantine[1]["reason"]
    wkb = found.column("g")[4]
    import duckdb

    from arengo.quality.place import load_spatial

    with duckdb.connect() as connection:
        load_spatial(connection)
        row = connection.execute("SELECT ST_IsValid(ST_GeomFromWKB($1)), ST_GeometryType(ST_GeomFromWKB($1))", [wkb])
        assert row.fetchone() == (True, "MULTIPOLYGON")


def test_projected_pairs_get_a_geometry(conformed: Any) -> None:
    contract = contract_of(
        Property("x", Kind.NUMBER), Property("y", Kind.NUMBER), geometry=Geometry("geometry", "x", "y", "EPSG:25831")
    )
    found = conformed(contract, {"x": ["431000", "1e30", None], "y": ["4581000", "4581000", "1"]})
    assert found.staged.columns[-1] == ("geometry", Kind.GEOMETRY, False)
    assert found.rows("_xmin, _ymax") == [pytest.approx((2.17484, 41.37756), abs=1e-5), (None, None)]
    assert "not a place on Earth in EPSG:25831" in found.quarantine[0]["reason"]


def test_degrees_outside_the_world(conformed: Any) -> None:
    contract = contract_of(
        Property("lon", Kind.NUMBER), Property("lat", Kind.NUMBER), geometry=Geometry(x="lon", y="lat")
    )
    found = conformed(contract, {"lon": ["2", "200", "2"], "lat": ["41", "41", "-91"]})
    assert found.counts.rows == 1
    assert [line["column"] for line in found.quarantine] == ["lon", "lat"]


def test_columns_that_are_missing_or_new(conformed: Any, tmp_path: Path) -> None:
    contract = contract_of(Property("district", Kind.STRING, physical_name="Distretto"), Property("n", Kind.INTEGER))
    with pytest.raises(SourceMalformed, match=r"does not have: Distretto \(the nearest there: distreto\)"):
        conform(contract, pull_of({"distreto": ["a"], "n": ["1"]}), tmp_path / "a", tmp_path / "b")
    found = conformed(contract, {" Distretto ": ["a"], "n": ["1"], "extra": ["x"]})
    assert found.counts.warnings == ("The source has a column the contract does not declare, left out: extra.",)
    placed = contract_of(Property("g", Kind.GEOMETRY), geometry=Geometry("g", crs="EPSG:99999"))
    with pytest.raises(ContractError, match="EPSG:99999 is not known"):
        conform(placed, pull_of({"g": ["x"]}), tmp_path / "c", tmp_path / "d")


def test_records_the_reader_could_not_read(conformed: Any) -> None:
    rejects = [Reject("things.csv", 7, "", "a;b;c", "has three fields"), Reject("things.csv", 9, "", "x", "is cut")]
    pull = pull_of({"n": ["1", "x"]}, rejects=rejects)
    found = conformed(contract_of(Property("n", Kind.INTEGER)), pull)
    assert (found.counts.rows_in, found.counts.rows, found.counts.quarantined) == (4, 1, 3)
    lost = pull_of({"n": ["1"]})
    lost.read = 5
    with pytest.raises(SourceMalformed, match="5 records, but only 1"):
        conformed(contract_of(Property("n", Kind.INTEGER)), lost)


def test_an_empty_source_is_an_empty_table(conformed: Any) -> None:
    found = conformed(contract_of(Property("n", Kind.INTEGER)), {"n": pa.array([], pa.string())})
    assert found.counts.rows_in == 0


TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["1", "2", "12.0", "x", "", " 3 ", "2024-01-01", "NaN", "\u00a04"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=40), size=st.integers(1, 50))
def test_every_row_is_kept_or_put_aside(conformed: Any, rows: list[tuple[Any, ...]], size: int) -> None:
    contract = contract_of(
        Property("id", Kind.STRING, key_position=0),
        Property("n", Kind.INTEGER, options={"minimum": 2}),
        Property("d", Kind.DATE),
    )
    columns = {name: [row[at] for row in rows] for at, name in enumerate(("id", "n", "d"))}
    found = conformed(contract, columns, size=size, types=dict.fromkeys(columns, pa.string()))
    aside = {line["row"] for line in found.quarantine}
    kept = set(found.column("_source"))
    assert not aside & kept
    assert aside | kept == set(range(1, len(rows) + 1))
    assert len(set(found.column("id"))) == found.counts.rows
