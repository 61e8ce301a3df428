"""The twelve acceptance cases of privacy.md, section 3, and ordinary publications, through the whole gate.

Each case is one of the leaks that made the history of the field, at the size of a town; the step that the algorithm
says must find it does, and the verdict stops the publication. Ordinary publications pass: an alarm on one is false.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import pytest
from gate_case import Kind, Table, World, plain, quasi, sensitive, table

from arengo.privacy import gate
from arengo.privacy.case import Case
from arengo.privacy.finding import OUTCOMES, Finding, worst
from arengo.privacy.verdict import Verdict

PRIVACY = """
[populations.residents]
epsilon = 1.0
period = 365
[populations.passengers]
[populations.viewers]
[populations.visitors]
[profiles.voters-list]
title = "Anybody with a copy of the electoral roll"
knows = ["residence", "birth-date", "sex"]
populations = ["residents"]
"""
STEPS = dict(gate.STEPS)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, PRIVACY)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _without_repairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """They change no verdict and cost more than all steps together."""
    monkeypatch.setattr(gate, "REPAIRS", ())


def found(case: Case, step: str) -> list[Finding]:
    """What one step says that is no pass."""
    return [item for item in import_module(STEPS[step]).look(case).findings if item.outcome != "pass"]


def stopped(case: Case, *steps: str, least: str = "repair") -> tuple[Verdict, list[Finding]]:
    """The whole gate stops it, and one of ``steps`` finds it, with an outcome of at least ``least``."""
    verdict = gate.judge(case)
    told = [item for step in steps for item in found(case, step)]
    assert verdict.outcome in ("block", "repair"), verdict.said()
    worst_told = worst(item.outcome for item in told)
    assert OUTCOMES.index(worst_told) >= OUTCOMES.index(least), (steps, verdict.findings)
    for item in verdict.findings:
        assert "…" not in item.sentence(), item
    return verdict, told


def born(random: Random) -> date:
    return date(1940, 1, 1) + timedelta(days=random.randrange(25_000))


# 1


def test_1_hospital_rows_and_the_voters_list(world: World) -> None:
    random = Random(1)
    people = [(f"021{random.randrange(30, 40)}", born(random), random.choice("FM")) for _ in range(600)]
    world.register(("residence", "birth-date", "sex"), dict(enumerate(people)))
    ill = ("flu", "asthma", "diabetes", "hepatitis")
    hospital = table(
        "hospital-visits",
        {
            "zip": quasi(Kind.STRING, "residence"),
            "birth_date": quasi(Kind.DATE, "birth-date"),
            "sex": quasi(Kind.STRING, "sex"),
            "diagnosis": sensitive(Kind.STRING, "illness"),
        },
        [(*people[who], random.choice(ill)) for who in range(0, 600, 4)],
        list(range(0, 600, 4)),
    )
    verdict, told = stopped(world.case(hospital), "single")
    assert {"zip", "birth_date", "sex"} <= {column for item in told for column in item.columns}
    assert verdict.outcome == "block"


# 2


def trips(random: Random, number: int) -> list[tuple[str, datetime, int, float]]:
    day = datetime(2025, 3, 1)
    plates = [f"{random.randrange(1, 10)}{random.choice('ABCDEFGH')}{random.randrange(10, 100)}" for _ in range(80)]
    return [
        (random.choice(plates), day + timedelta(minutes=random.randrange(40_000)), random.randrange(1, 60),
         random.randrange(50, 900) / 10) for _ in range(number)
    ]  # fmt: skip


def test_2_taxis_under_a_hash_without_a_key(world: World) -> None:
    rows = [
        (hashlib.md5(plate.encode()).hexdigest(), at, zone, fare) for plate, at, zone, fare in trips(Random(2), 400)
    ]
    taxis = table(
        "taxi-trips",
        {
            "medallion": plain(Kind.STRING),
            "pickup": plain(Kind.TIMESTAMP),
            "zone": plain(Kind.INTEGER),
            "fare": plain(Kind.NUMBER),
        },
        rows, population="",
    )  # fmt: skip
    _, told = stopped(world.case(taxis), "leaks", "detection")
    assert any("medallion" in item.columns for item in told)


def test_2_the_hash_of_nothing_is_recovered_too(world: World) -> None:
    zero = hashlib.md5(b"0").hexdigest()
    random = Random(22)
    ids = [zero if who % 3 == 0 else hashlib.md5(str(random.randrange(10**6)).encode()).hexdigest()
           for who in range(300)]  # fmt: skip
    rows = [(value, random.randrange(1, 60)) for value in ids]
    taxis = table("taxi-trips", {"licence": plain(Kind.STRING), "zone": plain(Kind.INTEGER)}, rows, population="")
    stopped(world.case(taxis), "leaks")


# 3


def test_3_timed_trips_and_one_known_sighting(world: World) -> None:
    random = Random(3)
    streets = [
        f"{random.randrange(1, 200)} {name} Street" for name in ("Oak", "Elm", "Main", "Lake", "Hill", "Park")
    ] * 4
    rows = [
        (datetime(2025, 3, 1) + timedelta(minutes=random.randrange(40_000)), random.choice(streets),
         random.choice(streets), random.choice((0.0, 1.5, 3.0))) for _ in range(500)
    ]  # fmt: skip
    columns = {
        "pickup": quasi(Kind.TIMESTAMP, "moment"),
        "from_address": quasi(Kind.STRING, "place"),
        "to_address": sensitive(Kind.STRING, "destination"),
        "tip": sensitive(Kind.NUMBER, "tip"),
    }
    sightings = table(
        "gazette-photos",
        {"moment": quasi(Kind.TIMESTAMP, "moment"), "street": quasi(Kind.STRING, "place")},
        [row[:2] for row in rows[::50]], list(range(0, 500, 50)), population="passengers",
    )  # fmt: skip
    world.publish(sightings)
    stopped(world.case(table("taxi-trips", columns, rows, population="passengers")), "linkage")


# 4


def test_4_one_number_a_user_over_free_text(world: World) -> None:
    random = Random(4)
    about = ("landscapers in lilburn ga", "homes sold in shadow lake", "numb fingers", "60 single men", "school bus",
             "best bread", "dog that urinates on everything", "hand tremors", "hotel rome", "weather")  # fmt: skip
    rows, people = [], []
    for who in range(120):
        for _ in range(random.randrange(8, 20)):
            rows.append((4_417_000 + who, f"{random.choice(about)} {random.choice(about)} {random.randrange(99)}",
                         datetime(2006, 3, 1) + timedelta(minutes=random.randrange(90_000))))  # fmt: skip
            people.append(who)
    columns = {
        "user": plain(Kind.INTEGER, arengoPrivacyRole="identifier"),
        "query": quasi(Kind.STRING, "query"),
        "at": quasi(Kind.TIMESTAMP, "moment"),
    }
    stopped(world.case(table("searches", columns, rows, people, "viewers")), "leaks", "linkage", "detection")


# 5


def test_5_sparse_ratings(world: World) -> None:
    random = Random(5)
    rows, people = [], []
    for who in range(250):
        for film in random.sample(range(400), 8):
            rows.append((f"film {film}", random.randrange(1, 6), date(2005, 1, 1) + timedelta(random.randrange(700))))
            people.append(who)
    columns = {
        "film": quasi(Kind.STRING, "film"),
        "rating": sensitive(Kind.INTEGER, "rating"),
        "day": quasi(Kind.DATE, "moment"),
    }
    stopped(world.case(table("ratings", columns, rows, people, "viewers")), "linkage", least="review")


# 6


def test_6_one_runner_on_a_remote_cell(world: World) -> None:
    rows = [(f"cell {n}", 40 + n, 300 + n) for n in range(30)] + [("remote base", 1, 260)]
    columns = {
        "cell": quasi(Kind.STRING, "residence"),
        "athletes": plain(Kind.INTEGER),
        "activities": plain(Kind.INTEGER),
    }
    heat = table("heat", columns, rows, (), arengoCells={"by": ["cell"], "count": "athletes"})
    stopped(world.case(heat), "cells")


# 7


def town(random: Random, sections: int = 24) -> dict[int, tuple[str]]:
    """Residents by section; one section has three, the others at least twelve."""
    out: dict[int, tuple[str]] = {}
    for section in range(sections):
        for _ in range(3 if section == 7 else random.randrange(12, 40)):
            out[len(out)] = (f"s{section:02}",)
    return out


def counted(people: dict[int, tuple[str]], group: Callable[[int], str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for (section,) in people.values():
        key = group(int(section[1:]))
        out[key] = out.get(key, 0) + 1
    return out


def ward(section: int) -> str:
    return f"W{section // 8}"


def zone(section: int) -> str:
    return "Z1" if section == 7 else f"Z{section // 8}"  # as the wards, but for one section


def areas(name: str, column: str, counts: dict[str, int]) -> Table:
    where = quasi(Kind.STRING, "residence", arengoHierarchy=f"{column}s", arengoLevel=column)
    columns = {column: where, "people": plain(Kind.INTEGER)}
    return table(name, columns, sorted(counts.items()), (), arengoCells={"by": [column], "count": "people"})


def geography(world: World) -> dict[int, tuple[str]]:
    people = town(Random(7))
    world.register(("residence",), people)
    world.lists(
        wards="section,ward\n" + "".join(f"s{n:02},{ward(n)}\n" for n in range(24)),
        zones="section,zone\n" + "".join(f"s{n:02},{zone(n)}\n" for n in range(24)),
    )
    return people


def test_7_a_school_zone_less_a_ward_is_one_section(world: World) -> None:
    people = geography(world)
    world.publish(areas("ward-counts", "ward", counted(people, ward)))
    _, told = stopped(world.case(areas("zone-counts", "zone", counted(people, zone))), "differencing")
    assert any("ward-counts v1" in item.releases for item in told)


# 8


def test_8_one_suppressed_cell_and_the_margins(world: World) -> None:
    rows: list[tuple[Any, ...]] = []
    counts = [[30, 12, 22], [18, 3, 41], [25, 60, 17]]
    for area in range(3):
        for kind in range(3):
            rows.append((f"d{area}", f"b{kind}", None if (area, kind) == (1, 1) else counts[area][kind]))
        rows.append((f"d{area}", "Total", sum(counts[area])))
    rows += [("Total", f"b{kind}", sum(row[kind] for row in counts)) for kind in range(3)]
    rows.append(("Total", "Total", sum(map(sum, counts))))
    columns = {
        "district": quasi(Kind.STRING, "residence"),
        "benefit": sensitive(Kind.STRING, "benefit"),
        "people": plain(Kind.INTEGER),
    }
    told = {"by": ["district", "benefit"], "count": "people", "total": "Total"}
    stopped(world.case(table("benefits", columns, rows, (), arengoCells=told)), "cells", "differencing")


# 9, 10


ILLNESS = {"band": quasi(Kind.STRING, "age-band"), "illness": sensitive(Kind.STRING, "illness")}
ILLNESSES = ("flu", "asthma", "diabetes", "hepatitis", "migraine", "gout")


def test_9_a_leaver_between_two_versions(world: World) -> None:
    rows = [(f"{band}s", ILLNESSES[n % 6]) for band in (20, 40, 60) for n in range(7)]
    world.publish(table("ward-7", ILLNESS, rows))
    stopped(world.case(table("ward-7", ILLNESS, rows[1:], list(range(1, 21)))), "intersection")


def test_10_two_hospitals_each_with_groups_of_five(world: World) -> None:
    north = [("20-39", ill) for ill in ("flu", "asthma", "diabetes", "gout", "migraine")]
    south = [("30-49", ill) for ill in ("flu", "hepatitis", "hepatitis", "cold", "cold")]
    world.publish(table("north-hospital", ILLNESS, north))
    columns = {"age": quasi(Kind.STRING, "age-band-south"), "illness": ILLNESS["illness"]}
    candidate = world.case(table("south-hospital", columns, south, [0, 100, 101, 102, 103]))
    _, told = stopped(candidate, "intersection")
    assert told[0].people == 1
    assert told[0].releases == ("north-hospital v1",)


# 11


def test_11_everybody_in_a_group_of_five_has_the_same(world: World) -> None:
    rows = [("d1", "housing")] * 6 + [("d2", "housing"), ("d2", "care")] * 4
    columns = {"district": quasi(Kind.STRING, "residence"), "benefit": sensitive(Kind.STRING, "benefit")}
    stopped(world.case(table("benefits", columns, rows, arengoPrivacyTarget={"k": 5, "l": 2})), "single")


# 12


@pytest.mark.slow
def test_12_a_noisy_histogram_every_day_until_the_budget_is_spent(world: World) -> None:
    from arengo.privacy.noise.budget import Budget
    from arengo.privacy.noise.step import settle

    rows = [(f"d{n}", 200 + n) for n in range(8)]
    columns = {"district": quasi(Kind.STRING, "residence"), "people": plain(Kind.INTEGER)}
    histogram = table(
        "daily-visits", columns, rows, (), arengoCells={"by": ["district"], "count": "people"},
        arengoProtection={"cells": {"method": "noise", "epsilon": 0.3}},
    )  # fmt: skip
    population = world.populations.get("residents")
    assert population is not None
    budget = Budget(world.state, {"residents": population})
    refused = []
    for day in range(5):
        case = world.case(histogram)
        told = found(case, "budget")
        if any(item.outcome == "block" for item in told):
            assert gate.judge(case).outcome == "block"
            refused.append((day, told[0]))
            break
        settle(budget, histogram.contract(), "residents", world.now, f"run-{day}")
        world.publish(histogram)
    assert [(day, item.code) for day, item in refused] == [(3, "budget-exceeded")]


# What must pass


def people_rows(seed: int, number: int = 4000) -> list[tuple[str, str, str]]:
    random = Random(seed)
    return [(f"district {random.randrange(6)}", f"{random.randrange(4) * 20}+", random.choice("FM"))
            for _ in range(number)]  # fmt: skip


DISTRICT = quasi(Kind.STRING, "residence")
BAND = quasi(Kind.STRING, "birth-date")
SEX = quasi(Kind.STRING, "sex")


def yearly(world: World) -> Iterator[Table]:
    """Coarse district counts, year after year, somebody always moving."""
    for year in (2023, 2024, 2025):
        counts = {f"district {n}": 800 + 37 * n + year % 7 for n in range(6)}
        columns = {"district": DISTRICT, "people": plain(Kind.INTEGER)}
        yield table(f"population-{year}", columns, list(counts.items()), (),
                    arengoCells={"by": ["district"], "count": "people"})  # fmt: skip


def same_again(world: World) -> Iterator[Table]:
    counts = [(f"district {n}", f"{band}+", 40 + 7 * n + band) for n in range(6) for band in (0, 20, 40, 60)]
    told = {"by": ["district", "band"], "count": "people"}
    columns = {"district": DISTRICT, "band": BAND, "people": plain(Kind.INTEGER)}
    for _ in range(3):
        yield table("age-bands", columns, counts, (), arengoCells=told)


def same_rows_again(world: World) -> Iterator[Table]:
    rows = people_rows(8, 600)
    benefit = [(row[0], ("housing", "care", "school", "none")[n % 4]) for n, row in enumerate(rows)]
    for _ in range(3):
        yield table("benefits", {"district": DISTRICT, "benefit": sensitive(Kind.STRING, "benefit")}, benefit)


def other_people(world: World) -> Iterator[Table]:
    """Two populations; and two datasets about different people of one."""
    rows = people_rows(9, 800)
    yield table("residents", {"district": DISTRICT, "sex": SEX}, [(row[0], row[2]) for row in rows])
    yield table("guests", {"band": BAND, "sex": SEX}, [row[1:] for row in rows], population="visitors")
    yield table("newcomers", {"band": BAND, "sex": SEX}, [row[1:] for row in rows], list(range(5000, 5800)))


def coarse_rows(world: World) -> Iterator[Table]:
    """Several tables of rows about the same people, coarse enough to stand beside each other."""
    rows = people_rows(10)
    yield table("members", {"district": DISTRICT}, [row[:1] for row in rows])
    yield table("subscribers", {"band": BAND}, [row[1:2] for row in rows])
    yield table("voters", {"sex": SEX}, [row[2:] for row in rows])
    yield table("readers", {"district": DISTRICT, "band": BAND}, [row[:2] for row in rows])


def movers(world: World) -> Iterator[Table]:
    """The same dataset next year: some moved, some left, some came; nothing sensitive in it."""
    rows = people_rows(11, 1200)
    yield table("members", {"district": DISTRICT, "sex": SEX}, [(row[0], row[2]) for row in rows])
    other = people_rows(12, 1200)
    moved = [(other[n][0] if n % 20 == 0 else row[0], row[2]) for n, row in enumerate(rows)]
    yield table("members", {"district": DISTRICT, "sex": SEX}, moved, list(range(60, 1260)))


def known_already(world: World) -> Iterator[Table]:
    """A few of those who are public already, and nothing new about them."""
    rows = people_rows(13, 2000)
    yield table("residents", {"district": DISTRICT, "band": BAND}, [row[:2] for row in rows])
    yield table("courses", {"band": BAND}, [row[1:2] for row in rows[:300]])


def declared_cells(world: World) -> Iterator[Table]:
    by = {"district": DISTRICT, "band": BAND, "sex": SEX, "people": plain(Kind.INTEGER)}
    rows = [(f"district {d}", f"{b}+", s, 60 + 5 * d + b) for d in range(6) for b in (0, 20, 40, 60) for s in "FM"]
    yield table("pyramid", by, rows, (), arengoCells={"by": ["district", "band", "sex"], "count": "people"})


def trees(world: World) -> Iterator[Table]:
    random = Random(14)
    rows = [(n, random.choice(("oak", "lime", "plane")), random.randrange(3, 25), 45.4 + random.random() / 50,
             9.1 + random.random() / 50) for n in range(400)]  # fmt: skip
    yield table("trees", {"id": plain(Kind.INTEGER), "species": plain(Kind.STRING), "height": plain(Kind.INTEGER),
                          "lat": plain(Kind.NUMBER), "lon": plain(Kind.NUMBER)}, rows, (), "")  # fmt: skip


def stops(world: World) -> Iterator[Table]:
    rows = [(f"S{n:03}", f"{('North', 'South', 'East')[n % 3]} Square {n}", n % 7) for n in range(150)]
    yield table("bus-stops", {"code": plain(Kind.STRING), "name": plain(Kind.STRING), "zone": plain(Kind.INTEGER)},
                rows, (), "")  # fmt: skip


def air(world: World) -> Iterator[Table]:
    random = Random(15)
    rows = [(datetime(2025, 1, 1) + timedelta(hours=n), f"station-{n % 5}", random.randrange(5, 60) / 1.0)
            for n in range(1000)]  # fmt: skip
    yield table("air-quality", {"at": plain(Kind.TIMESTAMP), "station": plain(Kind.STRING), "pm10": plain(Kind.NUMBER)},
                rows, (), "")  # fmt: skip


def budget(world: World) -> Iterator[Table]:
    random = Random(16)
    rows = [(2020 + n % 5, f"{n % 12:02}.{n % 7}", random.choice(("Roads", "Schools", "Parks", "Culture")),
             random.randrange(1000, 900_000)) for n in range(300)]  # fmt: skip
    yield table("budget", {"year": plain(Kind.INTEGER), "item": plain(Kind.STRING), "office": plain(Kind.STRING),
                           "amount": plain(Kind.INTEGER)}, rows, (), "")  # fmt: skip


def lights(world: World) -> Iterator[Table]:
    rows = [
        (f"L{n:05}", ("LED", "sodium")[n % 2], 30 + n % 5 * 10, date(2010 + n % 14, 1 + n % 12, 1)) for n in range(500)
    ]
    yield table("street-lights", {"code": plain(Kind.STRING), "lamp": plain(Kind.STRING), "watt": plain(Kind.INTEGER),
                                  "installed": plain(Kind.DATE)}, rows, (), "")  # fmt: skip


def traffic(world: World) -> Iterator[Table]:
    random = Random(17)
    rows = [
        (datetime(2025, 5, 1) + timedelta(hours=n // 4), f"loop {n % 4}", random.randrange(0, 900)) for n in range(800)
    ]
    yield table("traffic", {"hour": plain(Kind.TIMESTAMP), "loop": plain(Kind.STRING), "vehicles": plain(Kind.INTEGER)},
                rows, (), "")  # fmt: skip


def waste(world: World) -> Iterator[Table]:
    rows = [(2018 + n // 12, 1 + n % 12, ("glass", "paper", "organic")[n % 3], 100.5 + n) for n in range(96)]
    yield table("waste", {"year": plain(Kind.INTEGER), "month": plain(Kind.INTEGER), "fraction": plain(Kind.STRING),
                          "tonnes": plain(Kind.NUMBER)}, rows, (), "")  # fmt: skip


def schools(world: World) -> Iterator[Table]:
    rows = [(f"School {n}", ("primary", "secondary")[n % 2], 120 + 13 * n) for n in range(40)]
    yield table("schools", {"school": plain(Kind.STRING), "level": plain(Kind.STRING), "pupils": plain(Kind.INTEGER)},
                rows, (), "")  # fmt: skip


def projects(world: World) -> Iterator[Table]:
    words = ("Benches", "Playground", "Bicycle lane", "Trees", "Library hours", "Fountain", "Murals")
    rows = [(n, f"{words[n % 7]} {n // 7 + 1}", 20_000 + 500 * n, 310 + 17 * n) for n in range(60)]
    yield table("projects", {"id": plain(Kind.INTEGER), "title": plain(Kind.STRING), "cost": plain(Kind.INTEGER),
                             "votes": plain(Kind.INTEGER)}, rows, (), "")  # fmt: skip


def stations(world: World) -> Iterator[Table]:
    rows = [(f"polling station {n}", 900 + 3 * n, 480 + 2 * n) for n in range(50)]
    yield table("turnout", {"station": plain(Kind.STRING), "voters": plain(Kind.INTEGER), "voted": plain(Kind.INTEGER)},
                rows, (), "")  # fmt: skip


def events(world: World) -> Iterator[Table]:
    about = ("Open-air concert in the park.", "Guided tour of the old town walls.", "Farmers market with local cheese.",
             "Story hour at the library, all welcome.")  # fmt: skip
    rows = [(date(2026, 1, 1) + timedelta(n), f"Event {n}", about[n % 4]) for n in range(120)]
    yield table(
        "events", {"day": plain(Kind.DATE), "title": plain(Kind.STRING), "about": plain(Kind.STRING)}, rows, (), ""
    )


def council(world: World) -> Iterator[Table]:
    """Elected members: names that are public by law, and the contract says so."""
    names = ("Anna Rossi", "Marco Bianchi", "Lucia Verdi", "Paolo Neri", "Sara Galli", "Luca Fontana", "Elena Greco",
             "Davide Conti", "Chiara Moretti", "Andrea Ricci")  # fmt: skip
    said = {"arengoPersonalKind": "name", "arengoPersonalReason": "Elected members' names are public by law."}
    rows = [(name, ("Left", "Right", "Centre")[n % 3], 2020 + n % 3) for n, name in enumerate(names)]
    yield table("council", {"name": plain(Kind.STRING, **said), "group": plain(Kind.STRING),
                            "since": plain(Kind.INTEGER)}, rows, (), "")  # fmt: skip


def varied(world: World) -> Iterator[Table]:
    """Rows with a sensitive column, each group large and varied; a second release of it about others."""
    random = Random(18)
    kinds = ("housing", "care", "school", "energy", "none")
    columns = {"district": DISTRICT, "benefit": sensitive(Kind.STRING, "benefit")}
    rows = [(f"district {n % 4}", random.choice(kinds)) for n in range(1200)]
    told = {"arengoPrivacyTarget": {"k": 10, "l": 3}}
    yield table("benefits-2024", columns, rows, **told)
    yield table("benefits-2025", columns, rows[::-1], list(range(2000, 3200)), **told)


ORDINARY = (
    yearly, same_again, same_rows_again, other_people, coarse_rows, movers, known_already, declared_cells, trees, stops,
    air, budget, lights, traffic, waste, schools, projects, stations, events, council, varied,
)  # fmt: skip


@pytest.mark.parametrize("ordinary", ORDINARY, ids=lambda item: item.__name__)
def test_ordinary_publications_pass(world: World, ordinary: Callable[[World], Iterator[Table]]) -> None:
    for data in ordinary(world):
        verdict = gate.judge(world.case(data))
        assert verdict.outcome == "pass", (data.dataset, verdict.said())
        world.publish(data)


def test_wards_and_zones_that_differ_by_many_pass(world: World) -> None:
    people = geography(world)
    world.publish(areas("ward-counts", "ward", counted(people, ward)))
    assert gate.judge(world.case(areas("zone-counts", "ward", counted(people, ward)))).outcome == "pass"
