"""Differences of sums by the rules for large contributions: within one table and beside earlier ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gate_case import Kind, Plain, World, plain, quasi, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arengo.privacy.cells import differencing, repair, step

TOTAL = "all"
Firms = Mapping[tuple[str, ...], Sequence[float]]
"""What each firm of a group turned over."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def turnover(
    dataset: str, by: Sequence[str], firms: Firms, hidden: Sequence[tuple[str, ...]] = (),
    at: Sequence[int] | None = None, total: bool = True, **custom: Any,
) -> Any:  # fmt: skip
    """Sums of firms by some places of their keys, with totals of one column; ``hidden`` is left out of what is public,
    and largest contributions are read and not stored."""
    chosen = list(range(len(by))) if at is None else list(at)
    cells: dict[tuple[str, ...], list[float]] = {}
    for key, values in firms.items():
        own = tuple(key[place] for place in chosen)
        for name in {own, *([(*own[:-1], TOTAL)] if total else [])}:
            cells.setdefault(name, []).extend(values)
    rows = []
    for name, values in cells.items():
        top = [*sorted(values, reverse=True), 0.0, 0.0]
        rows.append((*name, len(values), sum(values), top[0], top[1]))
    drop = {"arengoProtect": "drop"}
    columns: dict[str, Any] = {name: quasi(Kind.STRING, name) for name in by}
    columns |= {"firms": plain(Kind.INTEGER), "turnover": plain(Kind.NUMBER, arengoPrivacyConcept="turnover"),
                "top": plain(Kind.NUMBER, **drop), "next": plain(Kind.NUMBER, **drop)}  # fmt: skip
    told = {"by": list(by), "total": TOTAL if total else "",
            "sums": [{"column": "turnover", "contributors": "firms", "largest": "top", "second": "next"}]}  # fmt: skip
    return table(dataset, columns, rows, people=(), arengoCells=told, **custom), set(hidden)


def case_of(world: World, made: Any) -> Any:
    data, hidden = made
    case = world.case(data)
    by = data.custom["arengoCells"]["by"]
    for key in hidden:
        where = " AND ".join(f'"{name}" = ?' for name in by)
        world.connection.execute(f"UPDATE {case.table} SET turnover = NULL, firms = NULL WHERE {where}", list(key))
    return case


def publish(world: World, made: Any) -> None:
    from dataclasses import replace

    data, hidden = made
    width = len(data.custom["arengoCells"]["by"])
    rows = [(*row[:width], None, None, *row[width + 2 :]) if row[:width] in hidden else row for row in data.rows]
    world.publish(replace(data, rows=rows))


def said(world: World, made: Any) -> dict[str, str]:
    found = differencing.look(case_of(world, made)).findings
    return {item.code: item.outcome for item in found if item.outcome != "pass"}


MANY = [10.0, 9.0, 8.0, 7.0, 6.0, 5.0]
BIG = [100.0, 1.0, 1.0, 1.0, 1.0]
SECTORS = ("bread", "wood", "steel", "glass")


def test_the_sum_of_two_hidden_cells_tells_the_big_one_to_the_other(world: World) -> None:
    """The baker's cell and the joiners' are hidden, each for the other; together they are the baker and little more."""
    firms = {("north", "bread"): BIG, ("north", "wood"): [2.0] * 5, ("north", "steel"): MANY, ("north", "glass"): MANY}
    hidden = [("north", "bread"), ("north", "wood")]
    made = turnover("firms", ("district", "sector"), firms, hidden)
    assert said(world, made) == {"cells-sums-telling": "block"}
    (found,) = [item for item in differencing.look(case_of(world, made)).findings if item.outcome == "block"]
    assert (found.facts["parts"], found.releases) == (1, ())
    assert found.sentence().startswith("By subtracting sums of turnover (firms), that of 1 group can be worked out, in")
    assert "100" not in found.sentence().replace("100 %", "")


def test_the_sum_of_hidden_cells_that_are_alike_passes(world: World) -> None:
    firms = {("north", "bread"): BIG, ("north", "wood"): [90.0, 80.0, 70.0, 60.0, 50.0], ("north", "steel"): MANY}
    made = turnover("firms", ("district", "sector"), firms, [("north", "bread"), ("north", "wood")])
    assert said(world, made) == {}


def test_the_repair_leaves_out_one_more(world: World) -> None:
    """What protects each cell is not enough for what they are together."""
    firms, case, (made,) = _repaired(world, 11)
    assert (made.id, made.outcome, made.contract["cells"]["beside"]) == ("cells-suppress", "pass", True)
    before = repair._made(case, {"method": "suppress", "threshold": 5}, {})
    assert "cells-sums-telling" in {item.code for item in differencing.look(before).findings}
    assert _won(firms, before)
    assert not _won(firms, repair._made(case, dict(made.contract)["cells"], {}))


def test_a_total_that_comes_later_tells_the_big_one(world: World) -> None:
    """An earlier table left a cell out; the sum of its district, published later, gives it."""
    firms = {("north", "bread"): BIG, ("north", "wood"): MANY, ("north", "steel"): MANY, ("south", "bread"): MANY}
    publish(world, turnover("sectors", ("district", "sector"), firms, [("north", "bread")], total=False))
    assert said(world, turnover("districts", ("district",), firms, at=(0,), total=False)) == {
        "cells-sums-telling": "block"
    }


def test_what_a_later_total_leaves_open_is_looked_at_by_a_person(world: World) -> None:
    """The largest of the district may be in what is left, or in what is shown: no table that is public says."""
    even = [20.0] * 6
    firms = {("north", "bread"): even, ("north", "wood"): [30.0, *even], ("south", "bread"): MANY}
    publish(world, turnover("sectors", ("district", "sector"), firms, [("north", "bread")], total=False))
    assert said(world, turnover("districts", ("district",), firms, at=(0,), total=False)) == {}
    firms = {("north", "bread"): [20.0] * 6, ("north", "wood"): [100.0, *even], ("south", "bread"): MANY}
    world.releases.remove("sectors", 1)
    publish(world, turnover("sectors", ("district", "sector"), firms, [("north", "bread")], total=False))
    later = turnover("districts", ("district",), firms, at=(0,), total=False)
    assert said(world, later) == {"not-looked": "review"}


def test_tables_without_contributions_are_judged_as_before(world: World) -> None:
    data, _ = turnover("firms", ("district", "sector"), {("north", sector): MANY for sector in SECTORS})
    told = {"by": ["district", "sector"], "total": TOTAL, "sums": [{"column": "turnover", "contributors": "firms"}]}
    from dataclasses import replace

    assert said(world, (replace(data, custom={**data.custom, "arengoCells": told}), {("north", "bread")})) == {}


def telling(values: Sequence[float]) -> bool:
    """(2, 85 %) and p 10 %, from the contributions themselves."""
    if not values or sum(values) <= 0:
        return False
    top = [*sorted(values, reverse=True), 0.0]
    return len(values) <= 2 or sum(top[:2]) > 0.85 * sum(values) or sum(values) - top[0] - top[1] < 0.1 * top[0]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 100_000))
def test_the_attacker_who_adds_and_subtracts_finds_no_telling_sum_that_passed(world: World, seed: int) -> None:
    """Every sum with coefficients of 1, 0 and -1 over the shown cells of a district that gives a set of its sectors."""
    source = np.random.default_rng(seed)
    firms = {("north", sector): [float(source.choice([1, 2, 5, 20, 150]))
                                 for _ in range(source.integers(3, 8))] for sector in SECTORS}  # fmt: skip
    hidden = [key for key in firms if telling(firms[key]) or source.random() < 0.2]
    found = said(world, turnover("firms", ("district", "sector"), firms, hidden))
    won = False
    open_ = [key for key in firms if key not in hidden]
    for many in range(len(open_) + 1):
        for chosen in combinations(open_, many):  # the total less these, and unions of shown cells
            rest = [value for key in firms if key not in chosen for value in firms[key]]
            union = [value for key in chosen for value in firms[key]]
            won |= bool(hidden) and telling(rest)
            won |= telling(union)
    assert (found.get("cells-sums-telling") == "block") == won


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 100_000))
def test_the_attacker_with_two_tables_finds_no_telling_sum_that_passed(world: World, seed: int) -> None:
    """A table by sector with cells left out, then one of totals, or the other way round."""
    source = np.random.default_rng(seed)
    for dataset in {item.dataset for item in world.releases.of("residents")}:
        for release in world.releases.of_dataset(dataset):
            world.releases.remove(dataset, release.number)
    firms = {(place, sector): [float(source.choice([1, 2, 5, 20, 150])) for _ in range(source.integers(5, 9))]
             for place in ("north", "south") for sector in SECTORS[:3]}  # fmt: skip
    hidden = [key for key in firms if telling(firms[key]) or source.random() < 0.3]
    fine = turnover("sectors", ("district", "sector"), firms, hidden, total=False)
    coarse = turnover("districts", ("district",), firms, at=(0,), total=False)
    first, second = (fine, coarse) if source.random() < 0.5 else (coarse, fine)
    publish(world, first)
    found = said(world, second)
    won = False
    for place in ("north", "south"):
        shown = [key for key in firms if key[0] == place and key not in hidden]
        rest = [value for key in firms if key[0] == place and key in hidden for value in firms[key]]
        won |= bool(shown) and telling(rest)
    if won:
        assert found, "what tells was let through"
    if "cells-sums-telling" in found:
        assert won, "what does not tell was blocked"
    if second is fine:  # the contributions of all that is left are known
        assert (found.get("cells-sums-telling") == "block") == won


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 100_000))
def test_the_attacker_wins_nothing_from_what_the_repair_leaves(world: World, seed: int) -> None:
    firms, case, made = _repaired(world, seed)
    for item in made:
        if item.id == "cells-suppress" and item.outcome == "pass":
            assert not _won(firms, repair._made(case, dict(item.contract)["cells"], {}))


def _won(firms: Firms, tried: Any) -> bool:
    """Whether the total of a place, less the cells that are shown, tells of a large contributor."""
    rows = tried.connection.execute(f"SELECT district, sector FROM {tried.table} WHERE turnover IS NOT NULL")
    shown = set(rows.fetchall())
    return any(
        (place, TOTAL) in shown
        and telling(
            [value for key, values in firms.items() if key[0] == place and key not in shown for value in values]
        )
        for place in ("north", "south")
    )


def _repaired(world: World, seed: int) -> Any:
    source = np.random.default_rng(seed)
    firms = {(place, sector): [float(source.choice([1, 2, 5, 20, 150])) for _ in range(source.integers(5, 9))]
             for place in ("north", "south") for sector in SECTORS}  # fmt: skip
    case = world.case(turnover("firms", ("district", "sector"), firms)[0])
    return firms, case, repair.propose(case, (*step.look(case).findings, *differencing.look(case).findings))
