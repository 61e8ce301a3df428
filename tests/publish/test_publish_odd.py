"""Odd declarations and odd tables, end to end: each gets a verdict or a sentence, never a pass by default."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_publish_history import PEOPLE, POPULATION, WHO, _column, _deliver, _publish, _quasi, _write

from arengo.city import City, init

REGISTER = '[populations.residents]\nunit = "person"\nregister = "register"\n'


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = init(tmp_path / "city")
    (made.settings.root / "privacy.toml").write_text(REGISTER)
    yield made
    made.close()


def _ages(city: City, lines: list[str] | None = None, subject: str = WHO, custom: str = POPULATION) -> dict[str, str]:
    """What is said of ages, an innocent table, as the city is now."""
    _deliver(city, "ages", ["pid,band", *(lines if lines is not None else [f"{n},{n // 10}" for n in PEOPLE])])
    _write(city, "ages", subject, _quasi("band"), custom=custom)
    _publish(city, "ages")
    held = city.desk.latest("ages")
    assert held is not None
    return {item.code: item.outcome for item in held.verdict.findings}


def _register(city: City, lines: list[str]) -> None:
    _deliver(city, "register", ["pid,band", *lines])
    who = _column("pid", arengoPrivacyRole="identifier", arengoSubject="residents")
    _write(city, "register", who, _quasi("band"), custom=POPULATION, access="closed")
    assert _publish(city, "register") == "succeeded"


def test_a_register_that_was_never_published(city: City) -> None:
    assert _ages(city)["register-missing"] == "review"


def test_a_register_is_not_missed_while_it_is_first_published(city: City) -> None:
    _register(city, [f"{n},{n // 10}" for n in PEOPLE])
    held = city.desk.latest("register")
    assert held is not None
    assert "register-missing" not in {item.code for item in held.verdict.findings}


def test_a_register_with_people_twice_and_without_number(city: City) -> None:
    _register(city, [*(f"{n},{n // 10}" for n in PEOPLE), "7,0", "8,0", ",3"])
    told = _ages(city)
    assert (told["register-duplicates"], told["register-nameless"]) == ("review", "review")


def test_a_register_of_nobody(city: City) -> None:
    _register(city, [f",{n}" for n in range(5)])
    assert _ages(city)["register-empty"] == "review"


def test_a_register_that_is_sound(city: City) -> None:
    _register(city, [f"{n},{n // 10}" for n in PEOPLE])
    assert set(_ages(city).values()) == {"pass"}


def test_a_population_nobody_declared(city: City) -> None:
    (city.settings.root / "privacy.toml").write_text("")
    assert _ages(city)["overlap-unknown-population"] == "review"


def test_a_contract_without_population(city: City) -> None:
    who = _column("pid", arengoPrivacyRole="identifier", arengoProtect="[drop]")
    assert _ages(city, subject=who, custom="")["overlap-no-population"] == "review"


def test_rows_without_the_number_of_a_person(city: City) -> None:
    _register(city, [f"{n},{n // 10}" for n in PEOPLE])
    lines = [f"{n if n % 4 != 1 else ''},{n // 10}" for n in PEOPLE]
    told = _ages(city, lines)
    assert told["not-looked"] == "review"
    held = city.desk.latest("ages")
    (said,) = (item for item in held.verdict.findings if item.code == "not-looked")  # type: ignore[union-attr]
    assert "25" in said.sentence()


def test_a_column_without_values(city: City) -> None:
    _register(city, [f"{n},{n // 10}" for n in PEOPLE])
    assert _ages(city, [f"{n}," for n in PEOPLE])["risk-empty-column"] == "pass"


@pytest.mark.parametrize("people", [1, 3])
def test_fewer_people_than_a_group_must_have(city: City, people: int) -> None:
    _register(city, [f"{n},{n // 10}" for n in PEOPLE])
    assert _ages(city, [f"{n},{n // 10}" for n in range(people)])["risk-larger-k"] == "repair"


def test_a_table_without_rows(city: City) -> None:
    _register(city, [f"{n},{n // 10}" for n in PEOPLE])
    assert _ages(city, [])["risk-empty"] == "pass"


def test_rows_of_another_engine_do_not_become_public_unseen(city: City) -> None:
    import pyarrow as pa

    _deliver(city, "trees", ["id,species", "1,oak", "2,elm"])
    _write(
        city, "trees", _column("id"), _column("species", "string"), custom="  - {property: arengoMode, value: append}"
    )
    assert _publish(city, "trees") == "succeeded"
    table = city.lake.iceberg.find("trees")
    assert table is not None
    table.append(pa.table({"id": [9], "species": ["Anna Rossi, 12 May 1980"], "_row": pa.array([None], pa.int64())}))
    _deliver(city, "trees", ["id,species", "3,ash"])
    assert _publish(city, "trees") == "refused"
    (held,) = city.desk.waiting()
    assert [item.code for item in held.verdict.findings if item.outcome == "review"] == ["not-looked"]
    assert [item.number for item in city.versions("trees")] == [1]
