"""What a pass over data from outside found: other countries' plates, other languages' words, persons with many rows."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gate_case import Kind, Plain, Table, World, plain, quasi, table

from arengo.privacy import gate
from arengo.privacy.cells import differencing, undeclared
from arengo.privacy.detect import leaks, step
from arengo.privacy.detect.domains import domains
from arengo.privacy.finding import Report
from arengo.privacy.risk import step as risk


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def _codes(report: Report) -> dict[str, str]:
    return {item.code: item.outcome for item in report.findings}


def _hashed(*values: str) -> list[str]:
    return [hashlib.md5(value.encode()).hexdigest() for value in values]


# Hashes


@pytest.mark.parametrize(("country", "plate"), [("DE", "B-KX 4711"), ("ES", "4711KXB"), ("PL", "KR 47110"),
                                                ("PT", "AB-47-CD"), ("IT", "AB471CD"), ("BR", "ABC4D71")])  # fmt: skip
def test_plates_are_written_as_the_country_writes_them(world: World, country: str, plate: str) -> None:
    import re

    forms = [item for item in domains(country, plates=True) if item.name == f"plates of {country}"]
    shapes = set()
    for item in forms:
        sql, n = item.values(2_000)
        made = [row[0] for row in world.connection.execute(f"SELECT v FROM {sql}").fetchall()]
        assert len(set(made)) == n
        shapes.add(re.sub(r"[A-Z]", "A", re.sub(r"\d", "9", made[0])))
    assert re.sub(r"[A-Z]", "A", re.sub(r"\d", "9", plate)) in shapes
    assert not [item for item in domains(country) if item.name.startswith("plates of")]


def test_hashes_named_after_somebody_are_a_review_when_they_cannot_be_traced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arengo.privacy.detect.hashes.BUDGET", 1_000)
    values = _hashed(*(f"secret {n}" for n in range(80)))
    for name, outcome in (("plate_hash", "review"), ("kennzeichen", "review"), ("checksum", "pass")):
        data = table("parking", {name: plain(Kind.STRING)}, [(value,) for value in values], (), population="")
        assert _codes(leaks.look(world.case(data)))["hash-unkeyed"] == outcome


def test_hashes_of_the_registers_numbers_are_recovered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arengo.privacy.detect.hashes.BUDGET", 1_000)
    numbers = [f"Q/{n:04d}/x" for n in range(90)]
    data = table("visits", {"code": plain(Kind.STRING)}, [(value,) for value in _hashed(*numbers)], ())
    case = world.case(data)

    class Truth:
        def __call__(self) -> str:
            return ""

        def numbers(self) -> str:
            return f"(SELECT unnest({numbers!r}) AS v)"

    assert "hash-recovered" not in _codes(leaks.look(case))
    (found,) = leaks.look(replace(case, truth=Truth())).findings
    assert (found.code, found.facts["recovered"], found.facts["domain"]) == (
        "hash-recovered", 90, "numbers of residents",
    )  # fmt: skip


# Words of other languages


@pytest.mark.parametrize("name", ["uzytkownik", "czytelnik_nr", "utilizador", "leser", "konto"])
def test_texts_of_one_writer_in_other_languages(world: World, name: str) -> None:
    rows = [(f"u{n % 6:04d}", f"where is the office number {n} of the town") for n in range(120)]
    data = table("asked", {name: plain(Kind.STRING), "text": plain(Kind.STRING)}, rows, (), population="")
    assert _codes(leaks.look(world.case(data)))["texts-of-one"] == "review"


@pytest.mark.parametrize(
    ("dim", "count"),
    [("raster", "nutzer"), ("dzielnica", "liczba_osob"), ("wijk", "inwoners"), ("freguesia", "moradores")],
)
def test_counts_of_people_in_other_languages_are_asked_about(world: World, dim: str, count: str) -> None:
    dice = random.Random(1)
    rows = [(f"R{n}", dice.randint(30, 400), dice.randint(1, 60)) for n in range(60)]
    columns = {dim: plain(Kind.STRING), "fahrten": plain(Kind.INTEGER), count: plain(Kind.INTEGER)}
    report = undeclared.look(world.case(table("heat", columns, rows, (), population="")))
    assert _codes(report) == {"cells-undeclared": "review"}


def test_persons_beside_dwellings_are_a_census_whatever_the_rows_are_called(world: World) -> None:
    dice = random.Random(2)
    rows = [(f"04{n:06d}-A", bool(n % 3), dice.randint(0, 90), dice.randint(1, 30)) for n in range(200)]
    columns = {"codigo": plain(Kind.STRING), "validado": plain(Kind.BOOLEAN), "personas": plain(Kind.INTEGER)}
    blocks = columns | {"viviendas": plain(Kind.INTEGER)}
    data = table("blocks", blocks, rows, (), population="")
    assert _codes(undeclared.look(world.case(data))) == {"cells-undeclared": "review"}
    firms = columns | {"importe": plain(Kind.INTEGER)}
    assert undeclared.look(world.case(table("firms", firms, rows, (), population=""))).findings == ()


# Numbers of persons


def test_persons_with_many_rows_stand_alone_once(world: World) -> None:
    rows = [(f"2026-01-{n % 28 + 1:02d}", f"place {n}") for n in range(300)]
    columns = {"day": quasi(Kind.STRING, "time"), "place": quasi(Kind.STRING, "place")}
    data = table("trips", columns, rows, [n % 40 for n in range(300)])
    found = next(item for item in risk.look(world.case(data)).findings if item.code == "risk-small-groups")
    assert (found.people, found.facts["unique"], found.facts["rows"]) == (40, 40, 40)


def test_somebody_who_can_be_worked_out_three_ways_is_told_once(world: World) -> None:
    wards, bands = ("A", "B", "C", "D"), ("0-17", "18-64", "65+")
    dice = random.Random(5)
    counts = {(w, b): dice.randint(20, 90) for w in wards for b in bands}
    counts["B", "65+"] = 3
    rows: list[tuple[Any, ...]] = [(w, b, n) for (w, b), n in counts.items() if (w, b) != ("B", "65+")]
    rows += [(w, "Total", sum(counts[w, b] for b in bands)) for w in wards]
    rows += [("Total", b, sum(counts[w, b] for w in wards)) for b in bands]
    rows += [("Total", "Total", sum(counts.values())), ("B", "65+", None)]
    columns = {"ward": quasi(Kind.STRING, "residence"), "band": quasi(Kind.STRING, "age-band"),
               "people": plain(Kind.INTEGER)}  # fmt: skip
    cells = {"by": ["ward", "band"], "count": "people", "total": "Total"}
    data = table("counts", columns, rows, (), arengoCells=cells)
    (found,) = [item for item in differencing.look(world.case(data)).findings if item.code.startswith("cells-diff")]
    assert (found.outcome, found.people) == ("block", 3)
    assert gate.judge(world.case(data)).outcome == "block"


# Sentences that were not true


def test_what_is_not_open_is_not_said_to_be_open(world: World) -> None:
    columns = {"nr": (Kind.STRING, {"arengoPrivacyRole": "identifier"}), "ward": quasi(Kind.STRING, "residence")}
    rows = [(f"P{n}", f"W{n % 3}") for n in range(60)]
    shared = Table("people", columns, rows, list(range(60)), {"arengoAccess": "closed"})
    assert set(_codes(step.look(world.case(shared)))) == {"not-public"}
    public = Table("people", columns, rows, list(range(60)), {})
    assert _codes(step.look(world.case(public)))["identifier-open"] == "block"


def test_rows_of_a_table_of_counts_are_no_small_places(world: World) -> None:
    columns = {"district": quasi(Kind.STRING, "residence"), "people": plain(Kind.INTEGER)}
    rows = [(f"D{n}", 50 + n) for n in range(12)]
    counts = table("counts", columns, rows, (), arengoCells={"by": ["district"], "count": "people"})
    assert "small-places" not in _codes(step.look(world.case(counts)))
    assert "small-places" in _codes(step.look(world.case(table("rows", columns, rows))))


# Sums beside counts that are not exact


def _sums(dataset: str, column: str, zones: dict[str, str], moved: bool, **told: Any) -> Table:
    people = {f"{home}{n}": home for home in zones for n in range(60)}
    where = {who: zones[home] for who, home in people.items()}
    if moved:  # two persons live in the one ward and in the other zone
        where["A0"] = where["A1"] = zones["B"]
    rows = []
    for place in sorted(set(zones.values())):
        members = [who for who, there in where.items() if there == place]
        rows.append(
            (place, 5 * round(len(members) / 5) if told else len(members), sum(100 + len(who) for who in members))
        )
    concept = "residence" if column == "ward" else "school-zone"
    columns = {column: quasi(Kind.STRING, concept), "people": plain(Kind.INTEGER), "paid": plain(Kind.INTEGER)}
    cells = {"by": [column], "count": "people", "sums": [{"column": "paid"}]}
    return table(dataset, columns, rows, (), arengoCells=cells, **told)


def test_sums_stay_exact_where_counts_are_rounded(world: World) -> None:
    wards, zones = {home: home for home in "ABCD"}, {home: f"Z{home}" for home in "ABCD"}
    lives = {f"{home}{n}": (home, zones["B"] if f"{home}{n}" in ("A0", "A1") else zones[home])
             for home in "ABCD" for n in range(60)}  # fmt: skip
    world.register(("residence", "school-zone"), lives)
    rounded = {"arengoProtection": {"cells": {"method": "round", "base": 5, "threshold": 5}}}
    world.publish(_sums("by-ward", "ward", wards, False))
    moved = world.case(_sums("by-zone", "zone", zones, True, **rounded))
    (found,) = [item for item in differencing.look(moved).findings if item.code == "cells-sums-differenced"]
    assert (found.outcome, found.people, found.releases) == ("review", 2, ("by-ward v1",))
    world.register(("residence", "school-zone"), {who: (home, zones[home]) for who, (home, _) in lives.items()})
    same = world.case(_sums("by-zone", "zone", zones, False, **rounded))
    assert "cells-sums-differenced" not in {item.code for item in differencing.look(same).findings}
