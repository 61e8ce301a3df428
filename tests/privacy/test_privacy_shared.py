"""Tables that list the same groups under other column names: what follows when nobody declared that they are one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gate_case import Kind, Plain, World, plain, quasi, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arengo.privacy import gate
from arengo.privacy.cells import differencing, shared

DISTRICTS = ("Ciutat Vella", "Eixample", "Sants", "Les Corts", "Sarrià", "Gràcia", "Horta", "Nou Barris", "Sant Andreu",
             "Sant Martí", "Montjuïc", "Poblenou")  # fmt: skip
AGES = ("0-17", "18-34", "35-64", "65-120")
KINDS = ("bakery", "butcher", "grocer", "florist")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def counts(dataset: str, by: Sequence[str], cells: Mapping[Any, int | None], **custom: Any) -> Any:
    """A table whose columns have no concept."""
    columns: dict[str, Any] = {name: quasi(Kind.STRING) for name in by}
    columns |= custom.pop("columns", {})
    told = {"by": list(by), "count": "people", **custom.pop("more", {})}
    rows = [(*(key if isinstance(key, tuple) else (key,)), count) for key, count in cells.items()]
    return table(dataset, {**columns, "people": plain(Kind.INTEGER)}, rows, people=(), arengoCells=told, **custom)


def people(seed: int = 1) -> dict[tuple[str, str], int]:
    source = np.random.default_rng(seed)
    return {(place, age): int(source.integers(40, 4_000)) for place in DISTRICTS for age in AGES}


def summed(cells: Mapping[tuple[str, ...], int], at: int) -> dict[str, int]:
    out: Counter[str] = Counter()
    for key, count in cells.items():
        out[key[at]] += count
    return dict(out)


HELD = people() | {("Horta", "0-17"): 3}
SHOWN: dict[Any, int | None] = {**HELD, ("Horta", "0-17"): None}


def findings(world: World, data: Any) -> list[Any]:
    return [item for item in differencing.look(world.case(data)).findings if item.outcome != "pass"]


def test_the_same_districts_under_another_name_give_a_small_cell_away(world: World) -> None:
    world.publish(counts("ages", ("district", "age"), SHOWN))
    data = counts("barris", ("barri",), summed(HELD, 0))
    (found,) = findings(world, data)
    assert (found.code, found.outcome, found.people, found.releases) == ("cells-differenced", "review", 3, ("ages v1",))
    verdict = gate.judge(world.case(data))
    assert verdict.outcome == "review"
    (note,) = [item for item in verdict.findings if item.code == "cells-taken-for-one"]
    assert "barri of barris and district of ages v1 (12)" in note.sentence()
    assert "cells-judged" not in {item.code for item in verdict.findings}


def test_the_other_order_and_another_spelling(world: World) -> None:
    told = {name.upper().replace("À", "A"): n for name, n in summed(HELD, 0).items()}
    world.publish(counts("barris", ("barri",), told))
    (found,) = findings(world, counts("ages", ("district", "age"), SHOWN))
    assert (found.outcome, found.people) == ("review", 3)


def test_what_contracts_say_counts_more(world: World) -> None:
    """Two different concepts are two; one concept is a block and no guess."""
    world.publish(counts("ages", ("district", "age"), SHOWN,
                         columns={"district": quasi(Kind.STRING, "residence")}))  # fmt: skip
    apart = counts("work", ("barri",), summed(HELD, 0), columns={"barri": quasi(Kind.STRING, "workplace")})
    assert not findings(world, apart)
    same = counts("live", ("barri",), summed(HELD, 0), columns={"barri": quasi(Kind.STRING, "residence")})
    assert [(item.code, item.outcome) for item in findings(world, same)] == [("cells-differenced", "block")]
    unsaid = counts("unsaid", ("barri",), summed(HELD, 0))
    assert [(item.code, item.outcome) for item in findings(world, unsaid)] == [("cells-differenced", "review")]


def test_a_guess_takes_nothing_from_what_is_certain(world: World) -> None:
    """A block by declared concepts stays one, whatever a guess adds."""
    zones = {("w1", "z1"): 400, ("w2", "z1"): 3, ("w2", "z2"): 300, ("w3", "z3"): 200}
    world.connection.execute("CREATE TABLE _t AS SELECT * FROM (VALUES " + ", ".join(
        f"('p{a}{b}{n}', '{a}', '{b}')" for (a, b), many in zones.items() for n in range(many)
    ) + ") t(_subject, ward, zone)")  # fmt: skip
    world._truth["residents"] = "_t"
    world.publish(counts("wards", ("ward",), summed(zones, 0), columns={"ward": quasi(Kind.STRING, "ward")}))
    world.publish(counts("ages", ("district", "age"), SHOWN))
    data = counts("zones", ("zone",), summed(zones, 1), columns={"zone": quasi(Kind.STRING, "zone")})
    assert [item.outcome for item in findings(world, data)] == ["block"]


def test_a_table_of_another_population_is_not_subtracted(world: World) -> None:
    world.publish(counts("ages", ("district", "age"), SHOWN, population="members"))
    assert not findings(world, counts("barris", ("barri",), summed(HELD, 0)))


def test_other_people_of_the_same_districts_are_not_subtracted(world: World) -> None:
    """Births and deaths are no one number, though both list the same districts."""
    source = np.random.default_rng(2)
    for at in range(6):
        births = {(place, age): None if source.random() < 0.1 else int(source.integers(5, 60))
                  for place in DISTRICTS for age in AGES}  # fmt: skip
        world.publish(counts(f"births{at}", ("district", "age"), births))
    for at in range(6):
        deaths = {place: int(source.integers(20, 240)) for place in DISTRICTS}
        assert not findings(world, counts(f"deaths{at}", ("area",), deaths))


@pytest.mark.parametrize(
    "labels", [("yes", "no"), ("f", "m"), ("1", "2", "3", "4", "5"), tuple(map(str, range(2015, 2027))),
               ("0-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69"), ("low", "middle", "high"),
               ("January", "February", "March", "April", "May", "June", "July", "August", "September")]
)  # fmt: skip
def test_small_and_common_lists_of_labels_link_nothing(world: World, labels: tuple[str, ...]) -> None:
    source = np.random.default_rng(3)
    first = {(label, kind): int(source.integers(5, 400)) for label in labels for kind in KINDS}
    world.publish(counts("one", ("state", "kind"), {**first, (labels[0], KINDS[0]): None}))
    whole = {label: n + int(source.integers(1, 4)) for label, n in summed(first, 0).items()}
    assert not findings(world, counts("two", ("answer",), whole))


def test_figures_say_themselves_that_a_short_list_is_the_same(world: World) -> None:
    """Women and men, and the very same numbers of them: nobody counts two things to the last person alike."""
    held = {(sex, kind): n for sex, n0 in (("f", 51_300), ("m", 49_870)) for kind, n in zip(KINDS, (
        n0, n0 + 1_117, n0 + 2_009, n0 - 913), strict=True)}  # fmt: skip
    held["m", "bakery"] = 2
    shown = {**held, ("m", "bakery"): None, ("f", "bakery"): None}
    total = {(sex, "all"): n for sex, n in summed(held, 0).items()}
    world.publish(counts("trades", ("sex", "trade"), shown | total, more={"total": "all"}))
    by = {(sex, half): n for sex, m in summed(held, 0).items() for half, n in (("x", m - 40_000), ("y", 40_000))}
    assert not findings(world, counts("halves", ("sexe", "half"), by))
    told = shared.linked([_read(world, counts("trades", ("sex", "trade"), shown | total, more={"total": "all"})),
                          _read(world, counts("sexes", ("sexe",), summed(held, 0)))])[1]  # fmt: skip
    assert [(item.column, item.other) for item in told] == [("sexe", "sex")]


def _read(world: World, data: Any) -> Any:
    from arengo.privacy.cells.atoms import published
    from arengo.privacy.cells.table import layout

    case = world.case(data)
    return published(case, case.release, case.table, layout(case.release.cells))


def test_a_second_column_is_linked_by_its_name(world: World) -> None:
    """District and sex in both: the third column of the first table follows for each sex."""
    source = np.random.default_rng(4)
    held = {(place, sex, age): int(source.integers(40, 900)) for place in DISTRICTS for sex in "fm" for age in AGES}
    held["Horta", "f", "0-17"] = 2
    shown = {**held, ("Horta", "f", "0-17"): None, **{(place, "m", "65-120"): None for place in DISTRICTS}}
    world.publish(counts("ages", ("district", "sex", "age"), shown))
    both: Counter[tuple[str, str]] = Counter()
    for (place, sex, _), n in held.items():
        both[place, sex] += n
    (found,) = findings(world, counts("barris", ("barri", "sexe"), both))
    assert (found.outcome, found.people) == ("review", 2)


def test_journeys_have_two_columns_of_the_same_districts(world: World) -> None:
    ways = {(here, there): 30 + len(here) for here in DISTRICTS for there in DISTRICTS}
    world.publish(counts("trips", ("origin", "destination"), {**ways, ("Horta", "Sants"): None}))
    again = {place: n + 400 for place, n in summed(ways, 0).items()}
    assert not findings(world, counts("barris", ("barri",), again))


def test_twenty_tables_with_columns_of_their_own_are_compared_in_turn(world: World) -> None:
    source = np.random.default_rng(5)
    for at in range(20):
        cells = {(place, f"group {at} {n}"): int(source.integers(20, 90)) for place in DISTRICTS for n in range(6)}
        world.publish(counts(f"topic{at}", (f"where{at}", f"what{at}"), cells))
    world.publish(counts("ages", ("district", "age"), SHOWN))
    started = time.process_time()
    (found,) = findings(world, counts("barris", ("barri",), summed(HELD, 0)))
    assert (found.outcome, found.people) == ("review", 3)
    assert time.process_time() - started < 60


# Sums


def sums(dataset: str, by: Sequence[str], cells: Mapping[Any, tuple[int | None, int | None]], name: str) -> Any:
    columns: dict[str, Any] = {item: quasi(Kind.STRING) for item in by}
    columns |= {name: plain(Kind.INTEGER), "payers": plain(Kind.INTEGER)}
    told = {"by": list(by), "sums": [{"column": name, "contributors": "payers"}]}
    rows = [(*(key if isinstance(key, tuple) else (key,)), *pair) for key, pair in cells.items()]
    return table(dataset, columns, rows, people=(), arengoCells=told)


@pytest.mark.parametrize("name", ["tax", "impost"])
@pytest.mark.parametrize("few", [1, 60])
def test_sums_of_the_same_districts_are_subtracted(world: World, name: str, few: int) -> None:
    source = np.random.default_rng(6)
    held = {(place, kind): (int(source.integers(20, 90)) * 1_000 + 7, int(source.integers(20, 70)))
            for place in DISTRICTS for kind in KINDS}  # fmt: skip
    held["Horta", "bakery"] = (91_234, few)
    shown: dict[Any, Any] = {**held, ("Horta", "bakery"): (None, None)}
    whole = {place: tuple(sum(held[place, kind][at] for kind in KINDS) for at in (0, 1)) for place in DISTRICTS}
    world.publish(sums("trades", ("district", "trade"), shown, "tax"))
    found = findings(world, sums("barris", ("barri",), whole, name))  # type: ignore[arg-type]
    told = [(item.code, item.outcome, item.people) for item in found if item.code == "cells-sums-differenced"]
    assert told == ([("cells-sums-differenced", "review", 1)] if few < 5 else [])


# The attacker


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 100_000))
def test_the_attacker_who_matches_labels_wins_only_where_it_was_said(world: World, seed: int) -> None:
    """All ways to fill what is missing in small tables, tried one by one: what is the same in each is known."""
    source = np.random.default_rng(seed)
    places = DISTRICTS[:7]
    held = {(place, kind): int(source.integers(1, 12)) for place in places for kind in KINDS[:3]}
    hidden = {key for key, n in held.items() if n < 5 or source.random() < 0.15}
    for dataset in {item.dataset for item in world.releases.of("residents")}:
        for release in world.releases.of_dataset(dataset):
            world.releases.remove(dataset, release.number)
    name = f"cells{seed}-{time.monotonic_ns()}"
    world.publish(counts(name, ("district", "trade"), {key: None if key in hidden else n for key, n in held.items()}))
    whole = summed(held, 0)
    # What is a cell of the candidate as a whole was judged as that.
    parts = [place for place in places if any((place, kind) not in hidden for kind in KINDS[:3])]
    small = sum(sum(_known(held, hidden, place)) for place in parts)
    found = [item for item in findings(world, counts("barris", ("barri",), whole)) if item.code == "cells-differenced"]
    assert sum(item.people for item in found) == small


def _known(held: Mapping[tuple[str, str], int], hidden: set[tuple[str, str]], place: str) -> list[int]:
    """Sizes below 5 of the smallest sets of cells of a place that count as many however what is hidden is filled in."""
    free = sorted(key for key in hidden if key[0] == place)
    left = sum(held[key] for key in free)
    ways = [way for way in product(range(left + 1), repeat=len(free)) if sum(way) == left]
    out: list[tuple[int, ...]] = []
    for many in range(1, len(free) + 1):
        for chosen in combinations(range(len(free)), many):
            told = {sum(way[at] for at in chosen) for way in ways}
            if len(told) == 1 and 0 < next(iter(told)) < 5 and not any(set(less) <= set(chosen) for less in out):
                out.append(chosen)
    return [sum(held[free[at]] for at in chosen) for chosen in out]
