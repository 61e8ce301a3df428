"""What a draft proposes beside the types: how often the data is renewed, its language, its name."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from arengo.contract.draft import Draft, infer
from arengo.contract.sample import Sample, SampleColumn

START = dt.datetime(2024, 1, 1)
SHUFFLED = random.Random(4)


def table(*columns: tuple[str, list[str]], name: str = "t.csv", kind: str = "csv", **about: object) -> Draft:
    found = tuple(SampleColumn(title, tuple(values)) for title, values in columns)
    options = about.pop("options", {})
    return infer(Sample(name, kind, options, found, total=len(found[0].values), **about))  # type: ignore[arg-type]


def often(name: str, values: list[str]) -> str:
    numbers = [str(n % 17) for n in range(len(values))]
    return str(table((name, values), ("value", numbers)).contract.custom.get("arengoFrequency", ""))


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (dt.timedelta(minutes=10), "CONT"),
        (dt.timedelta(hours=1), "HOURLY"),
        (dt.timedelta(days=1), "DAILY"),
        (dt.timedelta(days=7), "WEEKLY"),
    ],
)
def test_the_spacing_of_the_times_tells(step: dt.timedelta, code: str) -> None:
    times = [(START + step * n).isoformat() for n in range(200)]
    assert often("time", times) == code
    assert often("time", [text for text in times for _ in range(3)]) == code


def test_registers_propose_nothing() -> None:
    days = [(START + dt.timedelta(days=SHUFFLED.randrange(9000))).date().isoformat() for _ in range(200)]
    assert often("date", days) == ""
    assert often("birth date", days) == ""
    assert often("construction year", [str(1900 + SHUFFLED.randrange(120)) for _ in range(200)]) == ""
    assert often("year", [str(2015 + n % 9) for n in range(200)]) == "ANNUAL"


def test_too_few_words_are_no_language() -> None:
    draft = table(("mtaa", ["q1", "q2", "q3"] * 9), ("na", ["1", "2", "3"] * 9))
    assert draft.contract.custom["arengoLanguage"] == "en"
    assert any("language" in sentence for sentence in draft.doubts)


@pytest.mark.parametrize(
    ("name", "member", "kind", "options", "id"),
    [
        ("lotes.zip", "Lotes 2025/lotes.shp", "shapefile", {}, "lotes-2025"),
        ("stops", "stops", "gtfs", {"path": "sources/GTFS_Accra.zip"}, "accra-stops"),
        ("stops", "stops", "gtfs", {"path": "sources/gtfs.zip"}, "stops"),
        ("book.xlsx", "Parks", "excel", {}, "book-parks"),
    ],
)
def test_names_hold_no_word_twice(name: str, member: str, kind: str, options: dict[str, str], id: str) -> None:
    draft = table(("a", ["x", "y", "z"]), ("b", ["1", "2", "3"]), name=name, kind=kind, table=member, options=options)
    assert draft.id == id


def test_petrol_stations_are_no_total_rows() -> None:
    stops = ["Total", "Total Filling Station", *(f"Stop {n}" for n in range(40))]
    zones = [str(n) for n in range(len(stops))]
    draft = table(("stop_name", stops), ("zone", zones[::-1]), name="stops", kind="gtfs", table="stops")
    assert not any("totals" in sentence for sentence in draft.doubts)
