"""A version is as open as the contract it was made under: opening a dataset opens the version that is made next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from arengo.city import City, init
from arengo.errors import NotAllowed
from arengo.governance import ANYONE
from arengo.query import Query

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {id}
version: {version}
status: active
schema:
  - name: {id}
    properties:
      - {{name: id, logicalType: integer, primaryKey: true}}
      - {{name: age, logicalType: integer{role}}}
customProperties:
  - {{property: arengoAccess, value: {access}}}
  - {{property: arengoSource, value: {source}}}
  - {{property: arengoPopulation, value: residents}}
  - {{property: arengoRetention, value: P10Y}}
  - property: arengoPurposes
    value:
      - {{id: planning, dpv: 'dpv:PublicPolicyMaking', legalBasis: 'eu-gdpr:A6-1-e', retention: P10Y, title: Planning}}
{more}
"""
ROLE = ", customProperties: [{property: arengoPrivacyRole, value: quasi}]"
STATISTICS = "  - {property: arengoStatistics, value: {threshold: 5}}"
ASKED = '{kind: query, sql: "SELECT id, age FROM ages"}'


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = init(tmp_path / "city")
    (made.settings.root / "sources/ages.csv").write_text("id,age\n" + "".join(f"{n},{20 + n % 2}\n" for n in range(40)))
    (made.settings.root / "privacy.toml").write_text('[populations.residents]\nunit = "person"\n')
    yield made
    made.close()


def _write(city: City, version: str, access: str, more: str = "", id: str = "ages", source: str = "", role: str = ROLE):  # type: ignore[no-untyped-def]
    told = source or "{kind: csv, path: sources/ages.csv}"
    text = CONTRACT.format(id=id, version=version, access=access, more=more, source=told, role=role)
    (city.settings.root / f"contracts/{id}.odcs.yaml").write_text(text)


def _rows(city: City, as_of: str = "") -> int:
    return len(city.door.ask(Query("ages", limit=5, as_of=as_of), ANYONE).rows())


@pytest.mark.parametrize("access", ["closed", "shared"])
def test_an_older_version_is_not_opened_by_a_contract(city: City, access: str) -> None:
    _write(city, "1.0.0", access)
    city.publish(["ages"])
    _write(city, "2.0.0", "open")
    city.apply()
    with pytest.raises(NotAllowed, match="was made when the dataset was not open"):
        _rows(city)
    with pytest.raises(NotAllowed):
        city.door.sql("SELECT * FROM ages")
    # the same rows are another version, which passes the gate and has its verdict
    (run,) = city.publish(["ages"])
    assert (run.state, run.version) == ("succeeded", 2)
    held = city.desk.latest("ages")
    assert held is not None
    assert held.version == 2
    assert _rows(city) == 5
    assert [item.number for item in city.door.versions("ages")] == [2]
    with pytest.raises(NotAllowed, match="was made when the dataset was not open"):
        _rows(city, "1")


def test_rows_are_not_opened_by_taking_the_statistics_away(city: City) -> None:
    _write(city, "1.0.0", "open", STATISTICS)
    city.publish(["ages"])
    _write(city, "2.0.0", "open")
    city.apply()
    with pytest.raises(NotAllowed):
        _rows(city)
    (run,) = city.publish(["ages"])
    assert run.version == 2
    assert _rows(city) == 5
    for ask in (lambda: _rows(city, "1"), lambda: city.door.changes("ages", "1", "2")):
        with pytest.raises(NotAllowed):
            ask()


@pytest.mark.parametrize(("more", "met"), [(STATISTICS, "statistics alone"), ("", "says nothing of age")])
def test_a_derived_dataset_keeps_what_its_source_says_of_persons(city: City, more: str, met: str) -> None:
    _write(city, "1.0.0", "open", more)
    _write(city, "1.0.0", "open", id="der", source=ASKED, role="")
    runs = {run.dataset: run for run in city.publish(["ages", "der"])}
    assert runs["ages"].state == "succeeded"
    assert runs["der"].state == "refused"
    assert met in str(runs["der"].error)
