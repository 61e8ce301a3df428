"""``privacy.toml`` and the register: who is published about, which attackers are reckoned with, everybody once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from gate_case import SECRET, START

from arengo.contract.model import Kind
from arengo.errors import PolicyError
from arengo.privacy import population
from arengo.privacy.population import Populations, blind, blind_sql, check, folder, take
from arengo.privacy.release import EVERYTHING
from arengo.settings import Settings
from arengo.state import State, open_state

GOOD = """
[populations.residents]
register = "resident-register"
epsilon = 2
[populations.vehicles]
unit = "vehicle"
[profiles.neighbour]
title = "A neighbour"
knows = ["residence", "sex"]
populations = ["residents"]
[profiles.roll]
knows = ["birth-date"]
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    settings = Settings(root=tmp_path)
    settings.home.mkdir()
    with open_state(settings.state_url) as opened:
        yield opened


def test_what_the_file_says_holds_after_it_was_taken(state: State, tmp_path: Path) -> None:
    held = Populations(Settings(root=tmp_path), state)
    assert held.get("residents") is None
    assert held.profiles("residents") == (EVERYTHING,)
    assert held.mark == ""
    (tmp_path / "privacy.toml").write_text(GOOD, encoding="utf-8")
    told = folder(tmp_path)
    check(told)
    assert take(state, told, START)
    assert not take(state, told, START)
    residents = held.get("residents")
    assert residents is not None
    assert (residents.register, residents.unit, residents.epsilon) == ("resident-register", "person", 2)
    assert [item.name for item in held.profiles("residents")] == ["neighbour", "roll", "everything"]
    assert [item.name for item in held.profiles("vehicles")] == ["roll", "everything"]
    assert [item.name for item in held.all()] == ["residents", "vehicles"]
    assert len(held.mark) == 64
    assert take(state, "", START)
    assert held.get("residents") is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("[populations", "not TOML"),
        ("[people.x]", "no section 'people'"),
        ("populations = 3", "no table"),
        ("[populations]\nresidents = 3", "populations.residents is no table"),
        ('[populations."Residents of X"]', "no word"),
        ('[populations."../x"]', "no word"),
        ("[populations.x]\nregistr = 'a'", "no key 'registr'"),
        ("[populations.x]\nregister = 3", "not a text"),
        ("[populations.x]\nregister = '../etc'", "no id of a dataset"),
        ("[populations.x]\nunit = 'dog'", "no unit 'dog'"),
        ("[populations.x]\nepsilon = 0", "not between 0"),
        ("[populations.x]\nepsilon = nan", "not between 0"),
        ("[populations.x]\nperiod = true", "not a whole number"),
        ("[populations.x]\nperiod = 0", "no number of days"),
        ("[profiles.x]", "knows nothing"),
        ("[profiles.x]\nknows = []", "knows nothing"),
        ("[profiles.x]\nknows = [3]", "not a list of texts"),
        ("[profiles.x]\nknows = 'sex'", "not a list of texts"),
        ("[profiles.x]\nknows = ['sex']\npopulations = ['y']", "no population 'y'"),
        ("[profiles.everything]\nknows = ['sex']", "always reckoned with"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(wrong: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said.replace("(", "\\(")) as met:
        check(wrong)
    assert met.value.place is not None
    assert met.value.place.file == "privacy.toml"


def test_a_file_outside_of_the_city_is_not_read(tmp_path: Path) -> None:
    city = tmp_path / "city"
    city.mkdir()
    assert folder(city) == ""
    (tmp_path / "other.toml").write_text(GOOD, encoding="utf-8")
    (city / "privacy.toml").symlink_to(tmp_path / "other.toml")
    with pytest.raises(PolicyError, match="outside"):
        folder(city)


def test_blind_numbers_are_the_same_in_the_engine_and_differ_by_population() -> None:
    sql, params = blind_sql(SECRET, "residents", "id")
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT {sql} FROM (VALUES ('RSSMRA'), ('42'), (''), (NULL)) t(id)", params
        ).fetchall()
    assert [row[0] for row in rows] == [
        blind(SECRET, "residents", "RSSMRA"),
        blind(SECRET, "residents", "42"),
        None,
        None,
    ]
    assert blind(SECRET, "residents", "42") != blind(SECRET, "visitors", "42")
    assert blind(SECRET, "residents", "42") != blind(bytes(32), "residents", "42")


REGISTER = """apiVersion: v3.1.0
kind: DataContract
id: resident-register
version: 1.0.0
status: active
name: Residents
customProperties:
  - {property: arengoAccess, value: closed}
schema:
  - name: residents
    logicalType: object
    physicalType: table
    properties:
      - name: code
        logicalType: string
        customProperties: [{property: arengoSubject, value: residents}]
      - name: born
        logicalType: date
        customProperties: [{property: arengoPrivacyConcept, value: birth-date}]
      - name: section
        logicalType: integer
        customProperties: [{property: arengoPrivacyConcept, value: residence}]
      - {name: note, logicalType: string}
"""
COLUMNS = (("code", Kind.STRING), ("born", Kind.DATE), ("section", Kind.INTEGER), ("note", Kind.STRING))


@dataclass
class _Lake:
    """The newest version of the register is a table of the connection."""

    sql: str

    def newest(self, dataset: str) -> Any:
        schema = tuple(SimpleNamespace(name=name, kind=kind) for name, kind in COLUMNS)
        told = {"dataset": "resident-register", "checksum": "", "rows": 0, "snapshot_id": 0, "files": (), "extra": {}}
        return SimpleNamespace(schema=schema, number=4, published_at=START, **told) if self.sql else None

    def source(self, version: Any) -> str:
        return self.sql


def truth(state: State, tmp_path: Path, rows: str, text: str = REGISTER) -> tuple[population.Truth, Any]:
    take(state, GOOD, START)
    if text:
        state.put_contract("resident-register", version="1.0.0", sha="0" * 64, text=text, path="", at=START)
    held = Populations(Settings(root=tmp_path), state)
    connection = duckdb.connect()
    lake: Any = _Lake(f"(SELECT * FROM (VALUES {rows}) t(code, born, section, note))" if rows else "")
    return held.truth(connection, lake, held.get("residents"), SECRET), connection


def test_everybody_of_the_register_is_there_once(state: State, tmp_path: Path) -> None:
    rows = (
        "('a', DATE '1980-02-03', 12, 'x'), ('b', DATE '1990-01-01', 7, 'y'), "
        "('a', DATE '1980-02-03', 12, 'z'), (NULL, NULL, 1, '')"
    )
    made, connection = truth(state, tmp_path, rows)
    table = made()
    assert made() == table
    found = connection.execute(f'SELECT _subject, "birth-date", residence FROM {table} ORDER BY residence').fetchall()
    assert found == [
        (blind(SECRET, "residents", "a"), "1980-02-03", "12"),
        (blind(SECRET, "residents", "b"), "1990-01-01", "7"),
    ]
    assert [(item.code, item.outcome, item.facts["times"]) for item in made.findings] == [
        ("register-duplicates", "review", 1), ("register-nameless", "review", 1)
    ]  # fmt: skip
    assert made.kinds == {"birth-date": Kind.DATE, "residence": Kind.INTEGER}
    assert (made.rows, made.version) == (2, 4)


@pytest.mark.parametrize(
    ("rows", "text", "code"),
    [
        ("", REGISTER, "register-missing"),
        ("('a', DATE '1980-02-03', 12, 'x')", "", "register-missing"),
        ("('a', DATE '1980-02-03', 12, 'x')", REGISTER.replace("arengoSubject", "note"), "register-no-subject"),
        ("(NULL, DATE '1980-02-03', 12, 'x')", REGISTER, "register-empty"),
    ],
)
def test_a_register_that_tells_nothing_is_no_pass(
    state: State, tmp_path: Path, rows: str, text: str, code: str
) -> None:
    made, _ = truth(state, tmp_path, rows, text)
    assert made() == ""
    assert made.findings[0].code == code
    assert made.findings[0].outcome == "review"
