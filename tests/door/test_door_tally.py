"""Where statistics alone are open, no address gives a row, a value of one person or a figure about few."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faces"))

from tiny_city import TinyCity, open_tiny

from arengo.contract import loads
from arengo.errors import CallerError, NotAllowed
from arengo.governance import CITY
from arengo.privacy.figures import Figures, few
from arengo.privacy.statistics import KEYS, Rule, complement, differs
from arengo.query.model import Aggregate, Group, Order, Query

PEOPLE = """\
apiVersion: v3.1.0
kind: DataContract
id: people
name: People
version: 1.0.0
status: active
description: {purpose: Who lives where and earns what.}
schema:
  - name: people
    properties:
      - {name: person, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true,
         customProperties: [{property: arengoSubject, value: residents}]}
      - {name: surname, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: identifier}]}
      - {name: district, logicalType: string}
      - {name: age, logicalType: integer}
      - {name: sex, logicalType: string}
      - {name: income, logicalType: number}
      - {name: moved, logicalType: date}
      - {name: country, logicalType: string}
      - {name: lon, logicalType: number}
      - {name: lat, logicalType: number}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoGeometry, value: {x: lon, y: lat}}
  - {property: arengoTime, value: moved}
  - {property: arengoSearch, value: [surname]}
  - {property: arengoStatistics, value: %s}
"""
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def resident(number: int) -> tuple[Any, ...]:
    district = "Tiny" if number % 50 == 0 else ["Nord", "Sud", "Est", "Ovest"][number % 4]
    country = "FR" if number in (5, 60, 111) else "IT"
    return (f"p{number:04d}", f"UNIQUE{number}", district, 18 + number % 40, "FM"[number % 2],
            20_000 + number % 97 * 100.0, f"20{10 + number % 10}-01-01", country, 9 + number / 1e4, 45.0)  # fmt: skip


ROWS = [resident(number) for number in range(1, 201)]


def city_of(folder: Path, told: str) -> TinyCity:
    city = open_tiny(folder)
    city.settings.home.mkdir(parents=True, exist_ok=True)
    (city.settings.home / "pseudonym.key").write_text("22" * 32)
    for number, rows in enumerate((ROWS[:-1], ROWS)):
        city.publish(loads(PEOPLE % told), rows, AT.replace(month=3 + number))
    return city


@pytest.fixture(
    scope="module", params=["cell-key", *(pytest.param(name, marks=pytest.mark.slow) for name in ("round", "suppress"))]
)
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyCity]:
    made = city_of(tmp_path_factory.mktemp("tally"), f"{{threshold: 5, method: {request.param}, differencing: false}}")
    yield made
    made.door.close()
    made.close()


def counted(city: TinyCity, *groups: str, where: Any = None, **more: Any) -> dict[Any, Any]:
    asked = Query("people", filter=where, group_by=tuple(map(Group, groups)), aggregates=(Aggregate("count"),), **more)
    return {row[:-1] if len(groups) != 1 else row[0]: row[-1] for row in city.door.ask(asked).rows()}


def test_what_the_city_itself_asked_is_never_given_from_the_cache(city: TinyCity) -> None:
    asked = Query("people", group_by=(Group("district"),), aggregates=(Aggregate("count"),))

    def body(answer: Any) -> bytes:
        return repr(answer.rows()).encode()

    own, other = city.door.ask(asked, CITY), city.door.ask(asked)
    assert b"Tiny" in own.encoded("test", body).body
    assert b"Tiny" not in other.encoded("test", body).body
    assert own.etag != other.etag
    text = "SELECT district, count(*) FROM people GROUP BY 1"
    assert city.door.sql(text, caller=CITY).key != city.door.sql(text).key


def test_groups_are_told_and_small_ones_are_not_there(city: TinyCity) -> None:
    found = counted(city, "district")
    truth = Counter(row[2] for row in ROWS)
    assert truth["Tiny"] == 4
    assert set(found) >= {"Nord", "Sud"}
    for name, count in found.items():
        assert abs(count - truth[name]) <= 6
        assert count >= 5
    truth_of_two = Counter((row[2], row[4]) for row in ROWS)
    for key, count in counted(city, "district", "sex").items():
        assert count >= 5
        assert truth_of_two[key] >= 5
    one = {"op": "=", "args": [{"property": "district"}, "Tiny"]}
    nobody = {"op": "=", "args": [{"property": "district"}, "Nowhere"]}
    assert counted(city, where=one) == counted(city, where=nobody) == {(): None}


def test_the_same_people_always_give_the_same_figure(city: TinyCity) -> None:
    by = {"op": "=", "args": [{"property": "sex"}, "F"]}
    other = {"op": "and", "args": [by, by]}
    assert counted(city, where=by) == counted(city, where=other)
    assert counted(city, "sex")["F"] == counted(city, where=by)[()]
    assert counted(city, "sex", order_by=(Order("count", True),)) == counted(city, "sex")


def test_sums_and_means_are_near(city: TinyCity) -> None:
    asked = Query("people", group_by=(Group("sex"),), aggregates=(
        Aggregate("sum", "income"), Aggregate("avg", "income"), Aggregate("count", "income")))  # fmt: skip
    for sex, total, mean, count in city.door.ask(asked).rows():
        truth = [row[5] for row in ROWS if row[4] == sex]
        assert abs(count - len(truth)) <= 6
        assert abs(total - sum(truth)) <= 6 * max(truth)
        assert mean == pytest.approx(total / count)


def test_pages_follow_the_protected_order(city: TinyCity) -> None:
    asked = Query("people", group_by=(Group("moved", "year"),), aggregates=(Aggregate("count"),),
                  order_by=(Order("count", True),), limit=3)  # fmt: skip
    every, cursor = [], ""
    while True:
        answer = city.door.ask(Query(**{**_fields(asked), "cursor": cursor}))
        every += answer.rows()
        cursor = answer.next_cursor
        if not cursor:
            break
    assert every == city.door.ask(Query(**{**_fields(asked), "limit": None})).rows()
    assert [row[1] for row in every] == sorted((row[1] for row in every), reverse=True)
    assert city.door.ask(asked).matched == len(every)
    table = [tuple(row.values()) for batch in city.door.ask(asked).batches() for row in batch.to_pylist()]
    assert len(table) == 3
    lines = b"".join(city.door.ask(asked).lines("ndjson"))
    assert lines.count(b"\n") == 3


def _fields(query: Query) -> dict[str, Any]:
    return {name: getattr(query, name) for name in Query.__slots__}


REFUSED: tuple[Query, ...] = (
    Query("people"),
    Query("people", limit=None),
    Query("people", select=("district",)),
    Query("people", aggregates=(Aggregate("max", "income"),)),
    Query("people", aggregates=(Aggregate("median", "income"),)),
    Query("people", aggregates=(Aggregate("distinct", "surname"),)),
    Query("people", group_by=(Group("person"),)),
    Query("people", group_by=(Group("surname"),), aggregates=(Aggregate("count"),)),
    Query("people", group_by=(Group("lon"),), aggregates=(Aggregate("count"),)),
    Query("people", group_by=(Group("age"),), aggregates=(Aggregate("count"),)),
    Query("people", group_by=(Group("sex"), Group("income")), aggregates=(Aggregate("count"),)),
    Query("people", aggregates=(Aggregate("count"),), filter={"op": "=", "args": [{"property": "income"}, 20100.0]}),
    Query("people", aggregates=(Aggregate("count"),), filter={"op": "=", "args": [{"property": "person"}, "p0007"]}),
    Query("people", aggregates=(Aggregate("count"),), filter={"op": "<", "args": [{"property": "lon"}, 9.01]}),
    Query("people", aggregates=(Aggregate("count"),), bbox=(9, 45, 9.001, 45.1)),
    Query("people", aggregates=(Aggregate("count"),), search="unique7"),
    Query("people", aggregates=(Aggregate("count"),), as_of="1"),
    Query("people", aggregates=(Aggregate("count"),), datetime="2012-01-01/2013-01-01"),
    Query("people", aggregates=(Aggregate("count"),), filter={"op": ">", "args": [{"property": "age"}, 30]}),
    Query("people", aggregates=(Aggregate("count"),), filter={"op": "in", "args": [{"property": "age"}, [30, 31]]}),
    Query(
        "people",
        aggregates=(Aggregate("count"),),
        filter={
            "op": "or",
            "args": [{"op": "=", "args": [{"property": "age"}, 30]}, {"op": "=", "args": [{"property": "sex"}, "F"]}],
        },
    ),
    Query(
        "people",
        aggregates=(Aggregate("count"),),
        filter={"op": "not", "args": [{"op": "=", "args": [{"property": "age"}, 30]}]},
    ),
    Query(
        "people",
        aggregates=(Aggregate("count"),),
        filter={"op": "=", "args": [{"op": "%", "args": [{"property": "age"}, 7]}, 3]},
    ),
    Query(
        "people",
        aggregates=(Aggregate("count"),),
        filter={"op": "=", "args": [{"op": "casei", "args": [{"property": "sex"}]}, "f"]},
    ),
)


@pytest.mark.parametrize("query", REFUSED)
def test_what_tells_of_one_person_is_refused(city: TinyCity, query: Query) -> None:
    with pytest.raises(NotAllowed) as met:
        city.door.ask(query)
    assert "statistics" in str(met.value).lower()
    assert "UNIQUE" not in str(met.value)


def test_nothing_else_of_the_door_gives_rows(city: TinyCity) -> None:
    door = city.door
    for call in (
        lambda: door.diff("people", "1", "2"),
        lambda: door.changes("people", "1", "2"),
        lambda: door.history("people", ["p0007"]),
        lambda: door.table("people", "https://x"),
        lambda: door.table_files("people"),
        lambda: door.table_file("people", "metadata/v1/list", "https://x"),
        lambda: door.original("people", "x"),
        lambda: door.preview("people", door.decide("people"), 5, door._caller),
    ):
        with pytest.raises(NotAllowed, match="statistics of people are open"):
            call()
    assert door.profile("people") == door.quality("people") == {}
    assert not door.grants_whole("people")
    assert door.pages("people", "unique7", 5) == ()
    facets = door.facets(Query("people"), ["district", "sex"])
    assert {item.value for item in facets[0].values}.isdisjoint({"Tiny"})
    assert door.ask(Query("people", limit=3), CITY).rows()  # the city itself
    assert [item.dataset for item in door.sql_tables()] == ["people"]


ANSWERED = (
    "SELECT district, count(*) FROM people GROUP BY district ORDER BY district",
    "SELECT count(*) AS n, district AS d FROM people p WHERE p.sex = 'F' GROUP BY ALL ORDER BY n DESC, d LIMIT 1",
    "SELECT sex, sum(income), avg(income) FROM people WHERE moved = DATE '2013-01-01' GROUP BY 1",
    "SELECT sex, count(*) FROM people WHERE district = 'Nord' GROUP BY 1 ORDER BY 1 OFFSET 0",
    "SELECT count(*) FROM people WHERE sex = $sex",
)


@pytest.mark.parametrize("text", ANSWERED)
def test_sql_gives_the_same_groups(city: TinyCity, text: str) -> None:
    answer = city.door.sql(text, {"sex": "F"} if "$sex" in text else ())
    rows = answer.rows()
    assert rows
    assert answer.returned == len(rows)
    assert not answer.truncated
    assert len(answer.columns) == len(rows[0])
    if text == ANSWERED[0]:
        assert dict(rows) == counted(city, "district")
        assert [item.name for item in answer.columns] == ["district", "count_star()"]
    if "LIMIT" in text:
        assert [item.name for item in answer.columns] == ["n", "d"]
        assert len(rows) == 1
    if "$sex" in text:
        assert rows == [(counted(city, "sex")["F"],)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM people",
        "SELECT district FROM people",
        "SELECT surname, count(*) FROM people GROUP BY 1",
        "SELECT max(income) FROM people",
        "SELECT count(DISTINCT surname) FROM people",
        "SELECT string_agg(surname) FROM people",
        "SELECT list(surname) FROM people",
        "SELECT count(*) FROM people WHERE person = 'p0007'",
        "SELECT count(*) FROM people WHERE surname LIKE 'UNIQUE7%'",
        "SELECT count(*) FROM people WHERE age + 1 > 30",
        "SELECT count(*) FROM people WHERE age > 30",
        "SELECT count(*) FROM people WHERE age IN (30, 31)",
        "SELECT count(*) FROM people WHERE age BETWEEN 30 AND 40",
        "SELECT count(*) FROM people WHERE NOT (sex = 'F')",
        "SELECT count(*) FROM people WHERE sex = 'F' OR age = 30",
        "SELECT count(*) FROM people WHERE (SELECT max(income) FROM people) > 3",
        "SELECT count(*) FROM people WHERE district IN (SELECT district FROM people)",
        "SELECT district, count(*) FROM people GROUP BY district HAVING count(*) > 3",
        "SELECT district, count(*) FILTER (WHERE age > 30) FROM people GROUP BY district",
        "SELECT district, row_number() OVER () FROM people",
        "SELECT count(*) FROM people, people AS q",
        "SELECT count(*) FROM people JOIN people AS q USING (person)",
        "WITH x AS (SELECT * FROM people) SELECT count(*) FROM x",
        "SELECT count(*) FROM (SELECT * FROM people)",
        "SELECT count(*) FROM people UNION ALL SELECT count(*) FROM people",
        "SELECT DISTINCT district FROM people",
        "SELECT count(*) FROM people GROUP BY person",
        "SELECT district, sex, count(*) FROM people GROUP BY GROUPING SETS ((district), (sex))",
        "SELECT sum(income * 2) FROM people",
        "SELECT sum(CASE WHEN person = 'p0007' THEN income END) FROM people",
        "SELECT count(*) FROM people ORDER BY (SELECT 1)",
        "SELECT count(*) FROM people QUALIFY row_number() OVER () > 0",
        'SELECT count(*) FROM "people@1"',
    ],
)
def test_sql_that_tells_of_one_person_is_refused(city: TinyCity, text: str) -> None:
    with pytest.raises(CallerError) as met:
        city.door.sql(text).rows()
    assert "UNIQUE" not in str(met.value).replace("'UNIQUE7%'", "")


def test_no_address_gives_a_row_or_a_small_cell(city: TinyCity) -> None:
    import warnings

    from arengo import faces

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient
    base = "/api/v1/datasets/people"
    paths = [f"{base}{rest}" for rest in (
        "", "/rows", "/rows?limit=2", "/rows?f=geojson", "/rows?search=unique7", "/rows?bbox=9,45,9.01,45.1",
        "/rows?aggregate=max:income", "/rows?group_by=person", "/rows?group_by=district",
        "/facets?columns=district,surname",
        "/rows?aggregate=count&group_by=district", "/history?key=p0007", "/changes?from=1", "/profile", "/quality",
        "/versions", "/versions/1", "/contract", *(f"/export.{f}" for f in (
            "csv", "parquet", "geoparquet", "geojson", "gpkg", "xlsx", "ndjson", "arrow")))]  # fmt: skip
    paths += ["/api/v1/sql/tables", "/api/3/action/datastore_search?resource_id=people",
              "/api/3/action/datastore_info?id=people", "/datastore/dump/people?format=json", "/catalog.ttl",
              "/feeds/datasets/people/changes.atom", "/iceberg/v1/namespaces/arengo/tables/people",
              "/ogc/collections/people/items", "/datasets/people/croissant.json",
              "/api/3/action/package_show?id=people"]  # fmt: skip
    paths += [f"/api/v1/sql?q={quote(text)}" for text in ("SELECT * FROM people", "SELECT surname FROM people")]
    paths += [f"/api/3/action/datastore_search_sql?sql={quote('SELECT surname FROM people')}"]
    app = faces.application(city.door, city.catalogue, city.settings)
    answered = 0
    with TestClient(app, raise_server_exceptions=False) as client:
        for path in paths:
            found = client.get(path, headers={"accept-encoding": "identity"})
            assert found.status_code < 500, (path, found.text[:500])
            assert b"UNIQUE" not in found.content, path
            assert b"p0007" not in found.content.replace(b"key=p0007", b""), path
            answered += found.status_code == 200
        small = client.get(f"{base}/rows?aggregate=count&group_by=district").json()
        assert "Tiny" not in str(small)
        refused = client.get(f"{base}/rows")
        assert refused.status_code == 403
        assert "statistics of people are open" in refused.text
    assert answered > 8


# ---- groups of one person -----------------------------------------------------------------------------------------

SICK = """\
apiVersion: v3.1.0
kind: DataContract
id: sick
name: Sick
version: 1.0.0
status: active
schema:
  - name: sick
    properties:
      - {name: number, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: age, logicalType: integer, customProperties: [{property: arengoPrivacyRole, value: quasi}]}
      - {name: street, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: quasi}]}
      - {name: salary, logicalType: integer, customProperties: [{property: arengoPrivacyRole, value: sensitive}]}
      - {name: illness, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: sensitive}]}
      - {name: insured, logicalType: integer}
customProperties:
  - {property: arengoAccess, value: open}
  - {property: arengoStatistics, value: {threshold: 5}}
"""
PATIENTS = [(20 + n % 61, f"Street {n % 83}", 1000 + n * 37, ("flu", "hiv", "ok")[n % 7 % 3], int(n in (0, 61)))
            for n in range(1000)]  # fmt: skip


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyCity]:
    city = open_tiny(tmp_path_factory.mktemp("sick"))
    city.settings.home.mkdir(parents=True, exist_ok=True)
    (city.settings.home / "pseudonym.key").write_text("33" * 32)
    city.publish(loads(SICK), numbered(PATIENTS), AT)
    yield city
    city.door.close()
    city.close()


def numbered(people: list[Any]) -> list[Any]:
    return [(number, *person) for number, person in enumerate(people)]


def test_a_group_of_few_is_never_told_whatever_the_noise_says(sick: TinyCity) -> None:
    """61 ages by 83 streets: all 1,000 groups are single persons, and noise would lift many over the threshold."""
    rows = sick.door.sql("SELECT age, street, count(*) FROM sick GROUP BY ALL").rows()
    assert rows == []
    assert len(sick.door.sql("SELECT age, count(*) FROM sick GROUP BY ALL").rows()) > 50
    told = {age for age, total in sick.door.sql("SELECT age, sum(insured) FROM sick GROUP BY ALL").rows() if total}
    assert told == set()  # a sum of ones and zeros counts two people
    many = 4000
    ones = np.ones(many)
    keys = np.arange(many, dtype=np.uint64) * (KEYS // many)
    for people in range(1, 12):
        hidden = few(Figures(ones * people, (ones * people).astype(np.int64), keys, ones, ones, True), Rule())
        assert hidden.all() == (people < 5)
        assert hidden.any() == (people < 11)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT age, salary, illness, count(*) FROM sick GROUP BY ALL",
        "SELECT age, illness, count(*) FROM sick GROUP BY ALL",
        "SELECT illness, count(*) FROM sick WHERE age = 30 GROUP BY ALL",
        "SELECT age, count(*) FROM sick WHERE illness = 'hiv' GROUP BY ALL",
        "SELECT count(*) FROM sick WHERE illness = 'hiv' AND age = 30",
        "SELECT count(*) FROM sick WHERE illness IS NULL AND street = 'Street 1'",
        "SELECT salary, count(*) FROM sick GROUP BY ALL",
        "SELECT count(*) FROM sick WHERE salary = 1000",
    ],
)
def test_what_is_sensitive_is_told_of_all_together(sick: TinyCity, text: str) -> None:
    with pytest.raises(NotAllowed, match=r"sensitive|so many different values"):
        sick.door.sql(text).rows()
    assert {row[0] for row in sick.door.sql("SELECT illness, count(*) FROM sick GROUP BY 1").rows()} == {
        "flu", "hiv", "ok"}  # fmt: skip
    assert sick.door.sql("SELECT age, avg(salary) FROM sick GROUP BY 1").rows()


def test_rows_before_others_do_not_draw_the_noise_anew(tmp_path: Path) -> None:
    city = open_tiny(tmp_path)
    city.settings.home.mkdir(parents=True, exist_ok=True)
    (city.settings.home / "pseudonym.key").write_text("33" * 32)
    found = []
    for more in (0, 1, 5):
        newcomers = [(99, "Street 1", 5, "ok", 0)] * more
        city.publish(loads(SICK), numbered(newcomers + PATIENTS), AT.replace(month=3 + more))
        told = dict(city.door.sql("SELECT age, count(*) FROM sick GROUP BY ALL").rows())
        told.pop(99, None)
        found.append(told)
    assert found[0] == found[1] == found[2]
    truth = Counter(person[0] for person in PATIENTS)
    assert any(found[0][age] != truth[age] for age in found[0])
    city.door.close()
    city.close()


# ---- differencing -----------------------------------------------------------------------------------------------


@pytest.fixture
def exact(tmp_path: Path) -> Iterator[TinyCity]:
    made = city_of(tmp_path, "{threshold: 5, method: suppress}")
    yield made
    made.door.close()
    made.close()


def test_a_question_that_differs_by_few_from_an_answered_one_is_refused(exact: TinyCity) -> None:
    """Everybody against everybody of unknown district but four."""
    assert counted(exact, "sex") == {"F": 100, "M": 100}
    with pytest.raises(NotAllowed, match="fewer than 5 people"):
        counted(exact, where={"op": "=", "args": [{"property": "country"}, "IT"]})  # all but the three of elsewhere
    assert counted(exact, "sex") == {"F": 100, "M": 100}  # what was answered is answered again
    with pytest.raises(NotAllowed, match="fewer than 5 people"):
        counted(exact, "sex", where={"op": "=", "args": [{"property": "country"}, "IT"]})
    assert exact.state  # the log is in the state database, so another process refuses too


@pytest.mark.slow
def test_groups_together_are_compared_too(exact: TinyCity) -> None:
    found = counted(exact, "district")
    assert "Tiny" not in found
    assert sum(found.values()) <= len(ROWS) - 5  # one more is left out, or the rest of all would tell the four
    assert set(found) < {"Nord", "Sud", "Est", "Ovest"}


def test_an_answer_is_safe_to_subtract_from_its_own_total() -> None:
    keys = [(a, b) for a in "xyz" for b in "123"]
    people = [50, 40, 3, 30, 20, 60, 10, 70, 80]
    hidden = complement(keys, people, [count < 5 for count in people], 5)
    for column in (0, 1):
        for value in {key[1 - column] for key in keys}:
            gone = [people[at] for at, key in enumerate(keys) if key[1 - column] == value and hidden[at]]
            assert not gone or (len(gone) > 1 and sum(gone) >= 5)
    assert complement([("a",)], [3], [True], 5) == [True]
    assert complement([], [], [], 5) == []


def test_differences_of_unions_are_seen() -> None:
    whole = {("all", "1"): 40, ("all", "2"): 30, ("all", None): 3}
    assert differs(whole, 5)
    assert differs({(b, a): count for (a, b), count in whole.items()}, 5)
    assert not differs({("all", "1"): 40, ("all", "2"): 30}, 5)
    assert not differs({("all", "1"): 40, ("all", None): 30}, 5)
    assert differs({("all", "1"): 40, (None, "1"): 1}, 5)
    assert not differs({("all", "1"): 3, (None, "1"): 90}, 5)  # three were never told


@pytest.mark.slow
def test_a_dataset_without_the_property_is_answered_as_ever(tmp_path: Path) -> None:
    made = open_tiny(tmp_path)
    text = "\n".join(line for line in PEOPLE.splitlines() if "arengoStatistics" not in line)
    made.publish(loads(text), ROWS, AT)
    assert len(made.door.ask(Query("people", limit=None)).rows()) == len(ROWS)
    assert dict(made.door.sql("SELECT district, count(*) FROM people GROUP BY ALL").rows())["Tiny"] == 4
    made.door.close()
    made.close()
