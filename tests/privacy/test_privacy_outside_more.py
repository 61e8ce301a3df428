"""What a second pass over data from outside found: one reader's many loans, other countries' hashes, wide tables."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from gate_case import Kind, Plain, Table, World, plain, quasi, table

from arengo.privacy import measure, repair
from arengo.privacy.cells import step as cells_step
from arengo.privacy.cells import undeclared
from arengo.privacy.detect import leaks
from arengo.privacy.detect.domains import domains
from arengo.privacy.finding import Report
from arengo.privacy.population import numbered_by
from arengo.privacy.risk import step as risk
from arengo.privacy.risk import traces


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def _codes(report: Report) -> dict[str, str]:
    return {item.code: item.outcome for item in report.findings}


# Hashes of other countries


@pytest.mark.parametrize(
    ("country", "name", "check"),
    [("FI", "FI HETU", "fi.hetu"), ("CZ", "rodné číslo", "cz.rc"), ("CZ", "rodné číslo with a stroke", "cz.rc"),
     ("BE", "BE national number", "be.nn"), ("TR", "TR kimlik", "tr.tckimlik"),
     ("SE", "SE personnummer", "se.personnummer")],
)  # fmt: skip
def test_numbers_of_persons_that_are_tried_are_valid_ones(world: World, country: str, name: str, check: str) -> None:
    (item,) = [item for item in domains(country) if item.name == name]
    sql, n = item.values(500)
    made = [row[0] for row in world.connection.execute(f"SELECT v FROM {sql}").fetchall()]
    assert len(set(made)) == n
    valid = import_module(f"stdnum.{check}").is_valid
    assert [value for value in made if not valid(value)] == []


def test_plates_of_a_column_that_does_not_speak_of_them_are_tried_last() -> None:
    names = [item.name for item in domains("CZ", late=True)]
    assert names[-2] == "plates of CZ"
    assert names[0] != "plates of CZ"
    assert not [name for name in (item.name for item in domains("CZ")) if name.startswith("plates of")]
    assert next(domains("CZ", plates=True, late=True)).name == "plates of CZ"


def test_hashes_that_come_again_are_somebodys(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arengo.privacy.detect.hashes.BUDGET", 1_000)
    values = [hashlib.md5(f"secret {n}".encode()).hexdigest() for n in range(80)]
    for rows, outcome in ((values * 4, "review"), (values, "pass")):
        data = table("parking", {"vozidlo": plain(Kind.STRING)}, [(value,) for value in rows], (), population="")
        assert _codes(leaks.look(world.case(data)))["hash-unkeyed"] == outcome


# One person of many rows


def test_a_persons_many_rows_are_one_person_though_no_population_is_named() -> None:
    kinds: dict[str, tuple[Kind, dict[str, Any]]] = {
        "loan": plain(Kind.STRING, arengoPrivacyRole="identifier"),
        "card": plain(
            Kind.STRING, arengoPrivacyRole="identifier", arengoPersonalKind="person-id", arengoProtect="drop"
        ),
        "born": quasi(Kind.STRING, "birth-year"),
    }
    assert numbered_by(Table("loans", kinds, []).contract()) == "card"
    kinds["rc"] = plain(Kind.STRING, arengoPrivacyRole="identifier", arengoPersonalKind="national-id")
    assert numbered_by(Table("loans", kinds, []).contract()) == "rc"
    assert numbered_by(Table("loans", {"born": kinds["born"], "loan": kinds["loan"]}, []).contract()) == ""
    allowed = plain(Kind.STRING, arengoPrivacyRole="quasi", arengoPersonalKind="person-id")
    assert numbered_by(Table("loans", {"card": allowed}, []).contract()) == ""


def test_coarser_values_where_needed_are_counted_in_persons(world: World) -> None:
    dice = random.Random(3)
    born = {who: 1940 + dice.randrange(60) for who in range(120)}
    who = [person for person in born for _ in range(3 + person % 9)]
    data = table("loans", {"born": quasi(Kind.INTEGER, "birth-year")}, [(born[person],) for person in who], who)
    case = world.case(data)
    (found,) = [item for item in risk.look(case).findings if item.code == "risk-small-groups"]
    (local,) = [item for item in repair.propose(case, [found]) if item.kind == "local"]
    assert local.suppressed == 0
    assert local.facts["rows"] == len(who)
    assert min(int(size) for size in local.after if size.isdecimal()) >= 5


def test_a_repair_that_publishes_nothing_is_none(world: World) -> None:
    # Every row of everybody is another group, and everybody is in it with himself alone.
    rows = [(f"S{n % 40}", f"day {n}") for n in range(200)]
    columns = {"stop": quasi(Kind.STRING, "stop"), "day": quasi(Kind.STRING, "time")}
    case = world.case(table("rides", columns, rows, [n % 4 for n in range(200)]))
    findings = risk.look(case).findings
    assert [item.id for item in repair.propose(case, findings) if item.suppressed >= len(rows)] == []


# Tables of counts in other languages and shapes


@pytest.mark.parametrize(
    ("dim", "count"),
    [("kerület", "lakosok_száma"), ("mahalle", "kişi sayısı"), ("kaupunginosa", "asukkaita"),
     ("městská_část", "počet obyvatel"), ("συνοικία", "κάτοικοι"), ("stadsdeel", "uitkeringsgerechtigden"),
     ("districte", "infants"), ("stadsdel", "invånare"), ("cella", "corredors")],
)  # fmt: skip
def test_counts_of_people_in_languages_of_more_town_halls(world: World, dim: str, count: str) -> None:
    dice = random.Random(1)
    rows = [(f"R{n}", dice.randint(1, 60)) for n in range(60)]
    report = undeclared.look(world.case(_open({dim: Kind.STRING, count: Kind.INTEGER}, rows)))
    assert _codes(report) == {"cells-undeclared": "review"}


@pytest.mark.parametrize(("dim", "count"), [("kerület", "fák"), ("mahalle", "ağaç sayısı"), ("kaupunginosa", "koiria"),
                                            ("ulice", "vozidla"), ("οδός", "δέντρα"), ("straat", "bomen")])  # fmt: skip
def test_things_in_those_languages_are_no_people(world: World, dim: str, count: str) -> None:
    rows = [(f"R{n}", n % 7 + 1) for n in range(60)]
    assert undeclared.look(world.case(_open({dim: Kind.STRING, count: Kind.INTEGER}, rows))).findings == ()


def _open(columns: dict[str, Kind], rows: Any, dataset: str = "lista") -> Table:
    return table(dataset, {name: plain(kind) for name, kind in columns.items()}, rows, (), population="")


def _pivot(heads: list[str], most: int = 30) -> tuple[dict[str, Kind], list[tuple[Any, ...]]]:
    dice = random.Random(4)
    rows = [(f"Place {n}", *(dice.randint(1, most) for _ in heads)) for n in range(8)]
    return {"where": Kind.STRING, **dict.fromkeys(heads, Kind.INTEGER)}, rows


def test_groups_that_are_columns_are_asked_about(world: World) -> None:
    bands = _pivot(["0-17", "18-39", "40-64", "65+"])
    assert _codes(undeclared.look(world.case(_open(*bands)))) == {"cells-undeclared": "review"}
    sexes = _pivot([f"{sex} {low}-{low + 9}" for sex in ("man", "vrouw") for low in range(10, 90, 10)])
    assert _codes(undeclared.look(world.case(_open(*sexes)))) == {"cells-undeclared": "review"}
    years = _pivot([str(year) for year in range(2016, 2026)])
    births = _open(*years, dataset="naissances-par-maternite")
    assert _codes(undeclared.look(world.case(births))) == {"cells-undeclared": "review"}


def test_other_things_that_are_columns_are_not(world: World) -> None:
    metres = _pivot(["0-15", "15-30", "30-60", "60-100"])
    speeds = _pivot(["0-29", "30-49", "50-129"])
    few = _pivot(["0-17", "18+"])
    for data in (metres, speeds, few):
        assert undeclared.look(world.case(_open(*data))).findings == ()
    years = _pivot([str(year) for year in range(2016, 2026)])
    for dataset in ("budget-par-service", "bomen-per-wijk", "repas-servis-enfants"):
        assert undeclared.look(world.case(_open(*years, dataset=dataset))).findings == ()


def test_counts_among_shares_of_a_long_table_are_seen(world: World) -> None:
    rows: list[tuple[Any, ...]] = []
    for ward in range(9):
        for age in ("0-11", "12-17", "18-64", "65+"):
            people, given = 40 + 7 * ward, 3 + ward
            rows += [(f"Wijk {ward}", age, "inwoners", people), (f"Wijk {ward}", age, "gevaccineerd", given),
                     (f"Wijk {ward}", age, "percentage", round(100 * given / people, 1))]  # fmt: skip
    columns = {"wijk": Kind.STRING, "leeftijd": Kind.STRING, "measure": Kind.STRING, "value": Kind.NUMBER}
    (found,) = undeclared.look(world.case(_open(columns, rows))).findings
    assert (found.code, found.outcome, found.facts["cells"]) == ("cells-undeclared", "review", 8)
    shares = [row for row in rows if row[2] == "percentage"]
    assert undeclared.look(world.case(_open(columns, shares))).findings == ()


def test_sizes_of_groups_are_told_in_persons(world: World) -> None:
    # Six persons of one stop; each of them also rode once from a stop where nobody else did.
    rows = [("A",)] * 6 + [(f"S{n}",) for n in range(6)] + [("B",)] * 7
    who = [*range(6), *range(6), *range(10, 17)]
    case = world.case(table("rides", {"stop": quasi(Kind.STRING, "stop")}, rows, who))
    told = {"1": 6, "7": 7}
    assert risk.look(case).measured["sizes"] == told
    assert measure.histogram(case.connection, case.table, ["stop"]) == told
    assert measure.histogram(case.connection, case.table, []) == {"13": 13}


# Shares beside counts


def _shares(seed: int, decimals: int, whole: float = 100.0) -> list[tuple[Any, ...]]:
    """Areas, their people, and the share of them without work."""
    dice = random.Random(seed)
    rows = []
    for n in range(40):
        people = dice.randint(40, 300)
        rows.append((f"Alue {n}", people, round(whole * dice.randint(1, people // 4) / people, decimals)))
    return rows


SHARES = {"alue": Kind.STRING, "asukkaita": Kind.INTEGER, "tyottomyysaste": Kind.NUMBER}


@pytest.mark.parametrize(("decimals", "whole"), [(2, 100.0), (1, 100.0), (4, 1.0)])
def test_a_share_beside_the_count_tells_the_few(world: World, decimals: int, whole: float) -> None:
    rows = _shares(7, decimals, whole)
    half = 0.5 * 10.0**-decimals
    few = sum(1 <= round(people * share / whole) < 5 and 2 * half * people / whole < 0.5 for _, people, share in rows)
    assert few
    (found,) = undeclared.look(world.case(_open(SHARES, rows))).findings
    assert (found.code, found.outcome, found.facts["cells"]) == ("cells-shares", "review", few)
    cells = {"by": ["alue"], "count": "asukkaita"}
    columns = {"alue": quasi(Kind.STRING, "residence"), "asukkaita": plain(Kind.INTEGER),
               "tyottomyysaste": plain(Kind.NUMBER)}  # fmt: skip
    declared = cells_step.look(world.case(table("areas", columns, rows, (), arengoCells=cells)))
    assert _codes(declared) == {"cells-shares": "review"}


def test_other_figures_beside_the_count_are_no_shares_of_it(world: World) -> None:
    dice = random.Random(9)
    green = [(area, people, round(dice.uniform(0.5, 60), 1)) for area, people, _ in _shares(7, 2)]
    coarse = _shares(7, 0)
    dense = [(area, people, round(people / dice.uniform(0.2, 4), 2)) for area, people, _ in _shares(7, 2)]
    for rows in (green, coarse, dense):
        assert undeclared.look(world.case(_open(SHARES, rows))).findings == ()


def test_a_table_of_counts_and_shares_has_no_repair_as_if_all_were_counts(world: World) -> None:
    rows: list[tuple[Any, ...]] = []
    for ward in range(9):
        people, given = 40 + 7 * ward, 3 + ward
        rows += [(f"Wijk {ward}", "65+", "inwoners", people), (f"Wijk {ward}", "65+", "gevaccineerd", given),
                 (f"Wijk {ward}", "65+", "percentage", round(100 * given / people, 1))]  # fmt: skip
    columns = {"wijk": Kind.STRING, "leeftijd": Kind.STRING, "measure": Kind.STRING, "value": Kind.NUMBER}
    case = world.case(_open(columns, rows))
    assert undeclared.propose(case, undeclared.look(case).findings) == ()
    cells = {"by": ["wijk", "leeftijd", "measure"], "count": "value"}
    told = {name: plain(kind) for name, kind in columns.items()}
    found = cells_step.look(world.case(table("given", told, rows, (), arengoCells=cells))).findings
    assert ("not-looked", "review") in [(item.code, item.outcome) for item in found]


def test_a_house_number_is_not_somebody_whose_rows_are_followed(world: World) -> None:
    dice = random.Random(6)
    rows = [(f"{3510 + dice.randrange(9)} {dice.choice('ABCD')}", dice.randint(1, 60)) for _ in range(300)]
    columns = {"postcode": quasi(Kind.STRING, "residence"),
               "huisnummer": plain(Kind.INTEGER, arengoPrivacyRole="identifier",
                                   arengoPersonalKind="address")}  # fmt: skip
    found, _ = traces.look(world.case(table("dogs", columns, rows, (), population="")))
    assert found == []


@pytest.mark.parametrize("name", ["olvasó", "käyttäjä", "kullanıcı", "uživatel", "bezoeker", "χρήστης"])
def test_texts_of_one_writer_in_languages_of_more_town_halls(world: World, name: str) -> None:
    rows = [(f"u{n % 6:04d}", f"where is the office number {n} of the town") for n in range(120)]
    data = table("asked", {name: plain(Kind.STRING), "text": plain(Kind.STRING)}, rows, (), population="")
    assert _codes(leaks.look(world.case(data)))["texts-of-one"] == "review"
