"""What ``arengoProtect`` and ``arengoProtection`` make of a table, between the read and the commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from arengo.contract.load import freeze
from arengo.contract.model import Contract, Frozen, Geometry, Kind, Property
from arengo.contract.protection import released
from arengo.errors import PolicyError
from arengo.governance.hierarchy import Hierarchies
from arengo.privacy import mask
from arengo.privacy.hierarchy import CityCodes
from arengo.privacy.protect import protect
from arengo.quality.place import load_spatial
from arengo.settings import Settings
from arengo.state import open_state

SECRET = b"s" * 32


@pytest.fixture
def codes(tmp_path: Path) -> Iterator[CityCodes]:
    settings = Settings(root=tmp_path)
    settings.home.mkdir(parents=True)
    state = open_state(settings.state_url)
    yield CityCodes(settings, state, Hierarchies(settings, state))
    state.close()


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(
            "CREATE TABLE rows AS SELECT r AS _source, 'P' || r AS id, CAST((r * 7) % 60 + 18 AS BIGINT) AS age, "
            "CASE r % 2 WHEN 0 THEN 'm' ELSE 'f' END AS sex, DATE '1950-01-01' + CAST(r * 13 AS INTEGER) AS born, "
            "CAST(r * 10.5 AS DOUBLE) AS income, 'note ' || r AS note FROM range(1, 401) t(r)"
        )
        yield connection


def column(name: str, kind: Kind, protect: Any = (), role: str = "", **more: Any) -> Property:
    custom = {"arengoProtect": protect} if protect else {}
    if role:
        custom["arengoPrivacyRole"] = role
    return Property(name, kind, custom=freeze({**custom, **more}))


COLUMNS = {
    "id": Kind.STRING, "age": Kind.INTEGER, "sex": Kind.STRING, "born": Kind.DATE, "income": Kind.NUMBER,
    "note": Kind.STRING,
}  # fmt: skip


def contract(id: str = "ballots", rules: Mapping[str, Any] | None = None, **steps: Any) -> Contract:
    columns = tuple(
        column(name, kind, steps.get(name, ()), "quasi" if name in ("age", "sex", "born") else "")
        for name, kind in COLUMNS.items()
    )
    custom = Frozen({"arengoProtection": freeze(rules)}) if rules else Frozen()
    return released(Contract(id, "1.0.0", id, "active", "", columns, id, None, custom=custom))


def made(engine: duckdb.DuckDBPyConnection, codes: CityCodes, told: Contract, **more: Any) -> list[dict[str, Any]]:
    protect(engine, '"rows"', told, codes, secret=SECRET, subject=more.pop("subject", ""), into="out", **more)
    return engine.execute('SELECT * FROM out ORDER BY "_number"').to_arrow_table().to_pylist()


def test_steps_are_done_in_their_order(engine: duckdb.DuckDBPyConnection, codes: CityCodes) -> None:
    told = contract(
        age={"level": "by-10"}, born={"level": "decade"}, income=[{"top": 3000}, {"bottom": 100}, {"round": 50}],
        note="drop", sex={"truncate": 1},
    )  # fmt: skip
    rows = made(engine, codes, told)
    assert list(rows[0]) == ["id", "age", "sex", "born", "income", "_subject", "_number"]
    assert (rows[0]["age"], rows[0]["born"]) == ("20–29", "1950–1959")
    assert {row["income"] for row in rows} <= {float(step * 50) for step in range(2, 61)}
    assert [row["_number"] for row in rows] == list(range(1, 401))


def test_the_columns_are_those_of_the_stored_contract(engine: duckdb.DuckDBPyConnection, codes: CityCodes) -> None:
    told = contract(age={"level": "by-5"}, note="drop")
    result = protect(engine, "rows", told, codes, secret=SECRET, subject="", into="out")
    assert result.columns == tuple((item.name, item.kind, item.required) for item in told.properties)
    kinds = {row[0]: row[1] for row in engine.execute("DESCRIBE out").fetchall()}
    assert all(kinds[name] == kind.duckdb for name, kind, _ in result.columns)


def test_a_view_without_numbers_keeps_its_order(engine: duckdb.DuckDBPyConnection, codes: CityCodes) -> None:
    engine.execute("CREATE VIEW bare AS SELECT * EXCLUDE (_source) FROM rows")
    protect(engine, "bare", contract(note="drop"), codes, secret=SECRET, subject="", into="out")
    assert engine.execute('SELECT list(id ORDER BY _number) = list("id" ORDER BY rowid) FROM out').fetchone() == (True,)


def test_pseudonyms_of_two_datasets_do_not_meet_unless_the_contract_says_so(
    engine: duckdb.DuckDBPyConnection, codes: CityCodes
) -> None:
    ballots = [row["id"] for row in made(engine, codes, contract(id="pseudonym"))]
    assert len(set(ballots)) == 400
    columns = (column("id", Kind.STRING, "pseudonym"),)
    held = {}
    for name, step in (("a", "pseudonym"), ("b", "pseudonym"), ("c", {"pseudonym": {"domain": "voter"}}),
                       ("d", {"pseudonym": {"domain": "voter"}}),
                       ("e", {"pseudonym": {"domain": "voter", "epoch": "2026"}})):  # fmt: skip
        columns = (column("id", Kind.STRING, step),)
        told = released(Contract(name, "1.0.0", name, "active", "", columns, name, None))
        held[name] = {row["id"] for row in made(engine, codes, told)}
    assert held["c"] == held["d"]
    assert not held["a"] & held["b"]
    assert not held["c"] & (held["a"] | held["e"])
    key = mask.derive(SECRET, "pseudonym", "", "", "a.id", "")
    assert mask.digest(key, "P1") in held["a"]


def test_small_groups_are_left_out_by_persons_not_by_rows(engine: duckdb.DuckDBPyConnection, codes: CityCodes) -> None:
    steps: dict[str, Any] = {"born": "drop", "age": {"level": "by-20"}, "note": "drop"}
    told = contract(rules={"suppress": {"below": 30}}, **steps)
    # Every four rows are of one person, so that a group has a quarter of the persons.
    result = protect(engine, "rows", told, codes, secret=SECRET, subject="'s' || (_source // 4)", into="out")
    (left, least) = engine.execute(
        "SELECT sum(n), min(p) FROM (SELECT count(*) n, count(DISTINCT _subject) p FROM out GROUP BY age, sex)"
    ).fetchone() or (0, 0)
    assert least >= 30
    assert left + result.suppressed == 400
    assert result.suppressed > 0


def test_values_are_coarsened_only_where_people_stand_out(engine: duckdb.DuckDBPyConnection, codes: CityCodes) -> None:
    told = contract(rules={"local": {"k": 5, "by": ["age", "sex"]}}, born="drop", note="drop")
    rows = made(engine, codes, told)
    assert {item.name: item.kind for item in told.properties}["age"] is Kind.STRING
    (least,) = engine.execute("SELECT min(n) FROM (SELECT count(*) n FROM out GROUP BY age, sex)").fetchone() or (0,)
    assert least >= 5
    assert len(rows) == 400


def test_the_order_is_given_up_for_one_only_the_city_knows(engine: duckdb.DuckDBPyConnection, codes: CityCodes) -> None:
    first, again, other = (
        [row["id"] for row in made(engine, codes, contract(name, {"shuffle": True}))] for name in ("a", "a", "b")
    )
    assert first == again
    assert first != other
    assert first != sorted(first, key=lambda item: int(item[1:]))
    assert engine.execute("SELECT min(_number), max(_number) FROM out").fetchone() == (1, 400)


@pytest.mark.parametrize(
    ("steps", "rules", "word"),
    [
        ({"note": {"top": 3}}, None, "no number"),
        ({"age": {"round": 2.5}}, None, "whole"),
        ({"age": {"level": "by-7"}}, None, "no level"),
        ({"age": {"level": "1", "hierarchy": "unheard"}}, None, "unheard"),
        ({"note": "drop"}, {"suppress": {"below": 5, "by": ["note"]}}, "not stored"),
    ],
)
def test_what_does_not_fit_is_refused(
    engine: duckdb.DuckDBPyConnection, codes: CityCodes, steps: dict[str, Any], rules: Any, word: str
) -> None:
    with pytest.raises(PolicyError, match=word):
        made(engine, codes, contract(rules=rules, **steps))


def test_hostile_values_and_names_stay_what_they_are(engine: duckdb.DuckDBPyConnection, codes: CityCodes) -> None:
    name = 'x"; DROP TABLE rows; --'
    engine.execute(f"CREATE TABLE odd AS SELECT '''); DROP TABLE rows; --' AS {mask_quote(name)}, 1 AS _source")
    told = released(
        Contract("odd", "1", "odd", "active", "", (column(name, Kind.STRING, {"truncate": 9}),), "odd", None)
    )
    protect(engine, "odd", told, codes, secret=SECRET, subject="", into="out")
    assert engine.execute(f"SELECT {mask_quote(name)} FROM out").fetchone() == ("'); DROP ",)
    assert engine.execute("SELECT count(*) FROM rows").fetchone() == (400,)


def mask_quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def test_the_box_follows_the_shapes(engine: duckdb.DuckDBPyConnection, codes: CityCodes) -> None:
    load_spatial(engine)
    engine.execute(
        "CREATE TABLE places AS SELECT r AS _source, r * 1.03 AS x, 40.0 + r AS y, "
        "ST_AsWKB(ST_Point(r * 1.03, 40.0 + r)) AS place FROM range(1, 4) t(r)"
    )
    columns = (column("x", Kind.NUMBER, {"round": 1}), column("y", Kind.NUMBER))
    told = released(Contract("p", "1", "p", "active", "", columns, "p", None, geometry=Geometry("place", "x", "y")))
    result = protect(engine, "places", told, codes, secret=SECRET, subject="", into="out")
    assert [name for name, _, _ in result.columns] == ["x", "y", "place"]
    assert engine.execute("SELECT _xmin, _ymin, ST_X(ST_GeomFromWKB(place)) FROM out ORDER BY _number").fetchall() == [
        (1.0, 41.0, 1.0), (2.0, 42.0, 2.0), (3.0, 43.0, 3.0)
    ]  # fmt: skip


def test_levels_already_reached_are_lifted_from_there(engine: duckdb.DuckDBPyConnection, codes: CityCodes) -> None:
    engine.execute("CREATE TABLE coarse AS SELECT '2024-05' AS month, 1 AS _source")
    columns = (column("month", Kind.STRING, {"level": "year"}, arengoHierarchy="dates", arengoLevel="month"),)
    told = released(Contract("c", "1", "c", "active", "", columns, "c", None))
    protect(engine, "coarse", told, codes, secret=SECRET, subject="", into="out")
    assert engine.execute("SELECT month FROM out").fetchone() == ("2024",)
