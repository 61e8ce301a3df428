"""Whose home a row is about: house numbers in tables about households; and who is born where things are counted."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest

from arengo.contract.draft import infer
from arengo.contract.sample import Sample, SampleColumn


def _kinds(columns: Mapping[str, Sequence[str]], file: str = "lista.csv") -> dict[str, tuple[str, str]]:
    held = tuple(SampleColumn(name, tuple(values)) for name, values in columns.items())
    made = infer(Sample(file, "csv", {}, held, total=len(held[0].values)), country="NL").contract.properties
    return {
        item.physical_name or item.name: (item.privacy_role, str(item.custom.get("arengoPersonalKind", "")))
        for item in made
    }


def _homes(n: int = 200) -> dict[str, list[str]]:
    dice = random.Random(8)
    return {
        "Postcode": [f"{dice.randint(3510, 3530)} {dice.choice('ABCD')}{dice.choice('ABCD')}" for _ in range(n)],
        "Huisnummer": [str(dice.randint(1, 199)) + dice.choice(["", "", "A", "B"]) for _ in range(n)],
    }


@pytest.mark.parametrize(
    ("file", "more"),
    [("hondenbelasting.csv", "Aantal honden"), ("lista.csv", "Kwijtschelding"), ("lista.csv", "Type huishouden"),
     ("lista.csv", "membres de la llar"), ("dog-licences.csv", "breed")],
)  # fmt: skip
def test_a_house_number_in_a_table_about_households_is_somebodys_home(file: str, more: str) -> None:
    found = _kinds({**_homes(), more: [str(n % 3) for n in range(200)]}, file)
    assert found["Huisnummer"] == ("identifier", "address")
    assert found["Postcode"] == ("quasi", "postcode")


@pytest.mark.parametrize(
    ("file", "more"),
    [("bomen.csv", "Soort"), ("oplaadpunten.csv", "Vermogen"), ("arbres.csv", "famille"), ("winkels.csv", "Branche"),
     ("llars-infants.csv", "places")],
)  # fmt: skip
def test_house_numbers_of_things_are_not(file: str, more: str) -> None:
    found = _kinds({**_homes(), more: [f"x{n % 7}" for n in range(200)]}, file)
    assert found["Huisnummer"] == found["Postcode"] == ("", "")


def test_who_is_born_on_a_day_is_a_person_though_the_household_is_counted_beside() -> None:
    dice = random.Random(3)
    found = _kinds({
        "date de naissance": [f"{dice.randint(1, 28):02d}/{dice.randint(1, 12):02d}/{dice.randint(1940, 2005)}"
                              for _ in range(300)],
        "nationalité": [dice.choice(["française", "UE", "hors UE"]) for _ in range(300)],
        "situation familiale": [dice.choice(["célibataire", "marié(e)", "veuf(ve)"]) for _ in range(300)],
        "revenu fiscal": [str(dice.randint(0, 45_000)) for _ in range(300)],
        "nb personnes": [str(dice.randint(1, 7)) for _ in range(300)],
    })  # fmt: skip
    assert found["date de naissance"] == ("quasi", "birth-date")
    assert found["nationalité"] == ("quasi", "nationality")
    assert found["situation familiale"] == ("quasi", "family")
    assert found["revenu fiscal"] == ("sensitive", "income")


def test_owners_with_turkish_names_are_persons() -> None:
    dice = random.Random(5)
    given, last = ["Ayşe", "Mehmet", "Fatma", "Ali", "Zeynep"], ["Yılmaz", "Kaya", "Demir", "Şahin"]
    found = _kinds({
        "sahip adı": [f"{dice.choice(given)} {dice.choice(last)}" for _ in range(200)],
        "köpek ırkı": [dice.choice(["kangal", "golden"]) for _ in range(200)],
    })  # fmt: skip
    assert found["sahip adı"] == ("identifier", "name")
