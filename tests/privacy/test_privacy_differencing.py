"""Step 6: what tables of counts give away together. The fixtures are rebuilt from a seed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gate_case import Frozen, Kind, Plain, World, plain, quasi, sensitive, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from arengo.privacy.cells import differencing, rank, repair, step


class Ladders(Plain):
    """Two ways to group the same places, and bands of age: lists as a city writes them."""

    def __init__(self, **maps: Mapping[str, Mapping[str, str]]) -> None:
        self.maps = maps

    def levels(self, name: str) -> tuple[str, ...]:
        return (*self.maps[name], "*")

    def sql(self, name: str, level: str, column: str, kind: str, at: str = "") -> str:
        whens = " ".join(f"WHEN '{value}' THEN '{label}'" for value, label in self.between(name, at, level).items())
        return f"CASE CAST({column} AS VARCHAR) {whens} ELSE '*' END" if whens else f"CAST({column} AS VARCHAR)"

    def between(self, name: str, level: str, other: str) -> Mapping[str, str]:
        if other == "*":
            return dict.fromkeys(next(iter(self.maps[name].values())), "*")
        upper = self.maps[name][other]
        if level in ("", "0"):
            return upper
        return {label: upper[value] for value, label in self.maps[name][level].items()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def residents(world: World, concepts: Sequence[str], groups: Mapping[tuple[str, ...], int]) -> None:
    """A register with so many people in each combination."""
    import pyarrow as pa

    rows = [key for key, size in groups.items() for _ in range(size)]
    columns: dict[str, Any] = {"_subject": [f"p{at}" for at in range(len(rows))]}
    columns |= {name: [row[at] for row in rows] for at, name in enumerate(concepts)}
    world.connection.register("_people", pa.table(columns))
    world.connection.execute("CREATE OR REPLACE TABLE _truth AS SELECT * FROM _people")
    world._truth["residents"] = "_truth"


def by(dataset: str, dims: Mapping[str, Any], cells: Mapping[tuple[str, ...], int | None], **custom: Any) -> Any:
    """A table of counts over columns with their kinds and properties."""
    rows = [(*key, count) for key, count in cells.items()]
    told = {"by": list(dims), "count": "people", **custom.pop("more", {})}
    return table(dataset, {**dims, "people": plain(Kind.INTEGER)}, rows, people=(), arengoCells=told, **custom)


def places(dataset: str, concept: str, cells: Mapping[str, int | None], **custom: Any) -> Any:
    return by(
        dataset, {concept: quasi(Kind.STRING, concept)}, {(key,): count for key, count in cells.items()}, **custom
    )


def summed(groups: Mapping[tuple[str, ...], int], at: int) -> dict[str, int]:
    out: Counter[str] = Counter()
    for key, size in groups.items():
        out[key[at]] += size
    return dict(out)


def outcomes(report: Any) -> dict[str, str]:
    return {item.code: item.outcome for item in report.findings}


SECTIONS = {("w1", "z1"): 400, ("w2", "z1"): 3, ("w2", "z2"): 300, ("w3", "z3"): 200}
"""Ward w1 is school zone z1 but for one section of three people."""


def test_a_zone_less_a_ward_is_one_section(world: World) -> None:
    """Acceptance case 7."""
    residents(world, ("ward", "zone"), SECTIONS)
    world.publish(places("wards", "ward", summed(SECTIONS, 0)))
    report = differencing.look(world.case(places("zones", "zone", summed(SECTIONS, 1))))
    (found,) = report.findings
    assert (found.code, found.outcome, found.releases, found.people) == ("cells-differenced", "block", ("wards v1",), 3)
    assert "wards v1" in found.sentence()


def test_the_same_without_a_register_by_two_hierarchies_of_the_place(world: World) -> None:
    sections = {f"s{at}": key for at, key in enumerate(SECTIONS)}
    world.codes = Ladders(
        wards={"ward": {name: key[0] for name, key in sections.items()}},
        zones={"zone": {name: key[1] for name, key in sections.items()}},
    )
    wards = {"place": quasi(Kind.STRING, "residence", arengoHierarchy="wards", arengoLevel="ward")}
    zones = {"place": quasi(Kind.STRING, "residence", arengoHierarchy="zones", arengoLevel="zone")}
    world.publish(by("wards", wards, {(key,): size for key, size in summed(SECTIONS, 0).items()}))
    report = differencing.look(world.case(by("zones", zones, {(k,): size for k, size in summed(SECTIONS, 1).items()})))
    assert outcomes(report) == {"cells-differenced": "block"}
    assert report.findings[0].people == 3
    assert not report.measured["register"]


def overlay(seed: int, sections: int = 1_000) -> dict[tuple[str, str, str, str], int]:
    """Wards, school zones and health zones over 1,000 sections; every ward has at least 40 people.

    School zones follow wards; in 25 places one section of a ward is counted to the next zone.
    """
    source = np.random.default_rng(seed)
    ward = np.arange(sections) * 145 // sections
    zone, health = ward // 2, ward // 7
    size = source.integers(12, 120, sections)
    moved = [at for at in range(1, sections - 1) if ward[at] != ward[at + 1] and zone[at] != zone[at + 1]][:25]
    zone[moved] += 1
    size[moved[:4]] = (1, 2, 3, 4)
    out: Counter[tuple[str, str, str, str]] = Counter()
    for at in range(sections):
        out[f"s{at}", f"w{ward[at]}", f"z{zone[at]}", f"h{health[at]}"] += int(size[at])
    assert min(summed(out, 1).values()) >= 40
    return dict(out)


def test_wards_school_zones_and_health_zones(world: World) -> None:
    """The fixture of the reference: 25 single sections are derivable, 4 of them with counts of 1 to 4."""
    groups = overlay(1)
    residents(world, ("section", "ward", "zone", "health"), groups)
    world.publish(by("city", {}, {(): sum(groups.values())}))
    world.publish(places("wards", "ward", summed(groups, 1)))
    world.publish(places("health", "health", summed(groups, 3)))
    report = differencing.look(world.case(places("zones", "zone", summed(groups, 2))))
    assert report.measured["cells"] in range(220, 260)
    (found,) = report.findings
    assert (found.code, found.facts["parts"], found.people) == ("cells-differenced", 4, 10)
    assert found.releases == ("wards v1",)
    assert report.measured["derivable"] - report.measured["derivable_before"] >= 25


def test_the_same_statistic_again_and_coarse_counts_pass(world: World) -> None:
    residents(world, ("ward", "zone"), SECTIONS)
    first = places("wards", "ward", summed(SECTIONS, 0))
    assert not differencing.look(world.case(first)).findings
    world.publish(first)
    assert not differencing.look(world.case(first)).findings
    for year in range(3):
        later = {key: count + 7 * year for key, count in summed(SECTIONS, 0).items()}
        data = places("yearly", "ward", later)
        assert not differencing.look(world.case(data)).findings
        world.publish(data)


def test_years_are_slices_that_are_not_subtracted(world: World) -> None:
    residents(world, ("ward", "zone"), SECTIONS)
    world.publish(places("wards", "ward", summed(SECTIONS, 0)))
    dims = {"ward": quasi(Kind.STRING, "ward"), "year": plain(Kind.INTEGER)}
    cells = {(key, year): count + year - 2024 for key, count in summed(SECTIONS, 0).items() for year in (2024, 2026)}
    assert not differencing.look(world.case(by("years", dims, cells))).findings


def test_disjoint_populations_pass(world: World) -> None:
    residents(world, ("ward", "zone", "sex"), {(*key, sex): size for key, size in SECTIONS.items() for sex in "fm"})
    women = places("women", "ward", summed(SECTIONS, 0), more={"where": {"sex": ["f"]}})
    men = places("men", "zone", summed(SECTIONS, 1), more={"where": {"sex": ["m"]}})
    world.publish(women)
    assert not differencing.look(world.case(men)).findings
    both = places("zones", "zone", summed(SECTIONS, 1), more={"where": {"sex": ["f"]}})
    assert outcomes(differencing.look(world.case(both))) == {"cells-differenced": "block"}


def test_everybody_less_all_but_a_few(world: World) -> None:
    """All residents, and those with an address: the two without can be counted by subtraction."""
    groups = {("w1", "yes"): 500, ("w1", "no"): 2, ("w2", "yes"): 300}
    residents(world, ("ward", "housed"), groups)
    world.publish(places("wards", "ward", summed(groups, 0)))
    housed = places("housed", "ward", {"w1": 500, "w2": 300}, more={"where": {"housed": ["yes"]}})
    report = differencing.look(world.case(housed))
    assert outcomes(report) == {"cells-differenced": "block"}
    assert report.findings[0].people == 2


def test_members_of_a_library_are_not_subtracted_from_residents(world: World) -> None:
    residents(world, ("ward", "zone"), SECTIONS)
    world.publish(places("wards", "ward", summed(SECTIONS, 0)))
    members = {key: max(count // 10, 1) for key, count in summed(SECTIONS, 1).items()}
    assert not differencing.look(world.case(places("members", "zone", members))).findings


def test_rounded_and_withheld_cells_are_not_subtracted(world: World) -> None:
    residents(world, ("ward", "zone"), SECTIONS)
    world.publish(places("wards", "ward", summed(SECTIONS, 0)))
    rounded = {key: 5 * round(count / 5) for key, count in summed(SECTIONS, 1).items()}
    data = places("zones", "zone", rounded, arengoProtection={"cells": {"method": "round", "base": 5}})
    assert not differencing.look(world.case(data)).findings
    hidden = summed(SECTIONS, 1) | {"z1": None, "z2": None}
    assert not differencing.look(world.case(places("zones", "zone", hidden))).findings


def test_a_group_that_subtraction_sets_apart_shares_one_diagnosis(world: World) -> None:
    residents(world, ("ward", "zone"), SECTIONS | {("w2", "z1"): 9})
    kinds = {"ward": quasi(Kind.STRING, "ward"), "ill": sensitive(Kind.STRING, "illness")}
    cells = {("w1", "a"): 90, ("w1", "b"): 60, ("w2", "a"): 40, ("w2", "b"): 30, ("w3", "a"): 20, ("w3", "b"): 20}
    world.publish(by("ill-wards", kinds, cells))
    kinds = {"zone": quasi(Kind.STRING, "zone"), "ill": sensitive(Kind.STRING, "illness")}
    zones = {("z1", "a"): 98, ("z1", "b"): 60, ("z2", "a"): 32, ("z2", "b"): 30, ("z3", "a"): 20, ("z3", "b"): 20}
    report = differencing.look(world.case(by("ill-zones", kinds, zones)))
    assert report.measured["register"] is False
    assert outcomes(report)["cells-differenced-group"] == "block"


def test_an_earlier_table_whose_cells_are_gone_is_said(world: World) -> None:
    residents(world, ("ward", "zone"), SECTIONS)
    made = world.publish(places("wards", "ward", summed(SECTIONS, 0)))
    world.releases.path(made.dataset, made.number).unlink()
    report = differencing.look(world.case(places("zones", "zone", summed(SECTIONS, 1))))
    assert outcomes(report) == {"not-looked": "review"}


def test_bounds_without_rank(world: World) -> None:
    """Nothing is derivable exactly, but a large neighbour nearly fills the sum: the rest is pinned down."""
    groups = {("w1", "z1"): 2, ("w1", "z2"): 300, ("w2", "z1"): 1, ("w2", "z2"): 400, ("w3", "z3"): 50}
    residents(world, ("ward", "zone"), groups)
    world.publish(places("wards", "ward", summed(groups, 0)))
    report = differencing.look(world.case(places("zones", "zone", summed(groups, 1) | {"z1": 3})))
    assert "cells-pinned" in outcomes(report)


def test_repairs_of_an_overlap_hold_against_the_same_check(world: World) -> None:
    residents(world, ("ward", "zone"), SECTIONS)
    world.publish(places("wards", "ward", summed(SECTIONS, 0)))
    case = world.case(places("zones", "zone", summed(SECTIONS, 1)))
    findings = (*step.look(case).findings, *differencing.look(case).findings)
    repairs = {item.id: item for item in repair.propose(case, findings)}
    assert {"cells-suppress", "cells-round", "cells-key"} <= set(repairs)
    assert repairs["cells-suppress"].facts["hidden"] >= 1
    assert all(item.outcome in ("pass", "review") for item in repairs.values())


def test_a_coarser_level_mends_an_overlap(world: World) -> None:
    sections = {f"s{at}": key for at, key in enumerate(SECTIONS)}
    world.codes = Ladders(
        wards={"ward": {name: key[0] for name, key in sections.items()}},
        zones={"zone": {name: key[1] for name, key in sections.items()},
               "half": {name: "h1" if key[1] in ("z1", "z2") else "h2" for name, key in sections.items()}},
    )  # fmt: skip
    wards = {"place": quasi(Kind.STRING, "residence", arengoHierarchy="wards", arengoLevel="ward")}
    zones = {"place": quasi(Kind.STRING, "residence", arengoHierarchy="zones", arengoLevel="zone")}
    world.publish(by("wards", wards, {(key,): size for key, size in summed(SECTIONS, 0).items()}))
    case = world.case(by("zones", zones, {(key,): size for key, size in summed(SECTIONS, 1).items()}))
    repairs = {item.id: item for item in repair.propose(case, differencing.look(case).findings)}
    assert repairs["cells-coarser-place"].outcome == "pass"
    assert repairs["cells-coarser-place"].columns == Frozen({"place": {"level": "half", "hierarchy": "zones"}})


# Sums


def incomes(dataset: str, concept: str, at: int, groups: Mapping[tuple[str, str], tuple[int, int]], **more: Any) -> Any:
    """Income and how many have one by a place; ``more``: columns left out."""
    held: dict[str, list[int]] = {}
    for key, (n, income) in groups.items():
        cell = held.setdefault(key[at], [0, 0])
        cell[0] += n
        cell[1] += income
    income = plain(Kind.INTEGER, arengoPrivacyConcept="income")
    columns = {concept: quasi(Kind.STRING, concept), "income": income, "earners": plain(Kind.INTEGER)}
    told = {"by": [concept], "sums": [{"column": "income", "contributors": "earners"}]}
    rows = [(key, income, n) for key, (n, income) in held.items()]
    return table(dataset, columns, rows, people=(), arengoCells=told, **more)


EARNERS = {("w1", "z1"): (120, 4_000_000), ("w2", "z1"): (1, 91_000), ("w2", "z2"): (90, 3_000_000),
           ("w3", "z3"): (60, 2_000_000)}  # fmt: skip


@pytest.mark.parametrize("few", [1, 2, 4, 5, 30])
def test_a_sum_less_a_sum_is_one_persons_income(world: World, few: int) -> None:
    """Many live in the section, so its count tells nothing; few of them earn."""
    residents(world, ("ward", "zone"), dict.fromkeys(EARNERS, 40))
    groups = EARNERS | {("w2", "z1"): (few, 91_000)}
    world.publish(incomes("income-wards", "ward", 0, groups))
    report = differencing.look(world.case(incomes("income-zones", "zone", 1, groups)))
    found = [item for item in report.findings if item.code == "cells-sums-differenced"]
    assert len(found) == (few < 5)
    if found:
        assert (found[0].outcome, found[0].people, found[0].releases) == ("block", few, ("income-wards v1",))
        assert "income-wards v1" in found[0].sentence()
        assert "91" not in found[0].sentence()


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 10_000))
def test_the_attacker_who_subtracts_sums_learns_no_small_one(world: World, seed: int) -> None:
    source = np.random.default_rng(seed)
    groups: dict[tuple[str, str], tuple[int, int]] = {}
    for _ in range(9):
        key = (f"w{source.integers(4)}", f"z{source.integers(4)}")
        groups[key] = (int(source.choice([1, 2, 20, 70])), int(source.integers(10_000, 10**6)))
    if (
        min(
            sum(n for key, (n, _) in groups.items() if key[at] == label)
            for at in (0, 1)
            for label in {key[at] for key in groups}
        )
        < 5
    ):
        return
    residents(world, ("ward", "zone"), dict.fromkeys(groups, 30))
    for dataset in [item.dataset for item in world.releases.of("residents")]:
        world.releases.remove(dataset, 1)
    world.publish(incomes(f"income-{seed}-{time.monotonic_ns()}", "ward", 0, groups))
    report = differencing.look(world.case(incomes("income-zones", "zone", 1, groups)))
    if report.findings:
        return
    keys = list(groups)
    rows = [[int(key[at] == label) for key in keys] for at in (0, 1) for label in sorted({key[at] for key in keys})]
    before = [row for row, at in zip(rows, [0] * len({key[0] for key in keys}), strict=False)]
    for at, key in enumerate(keys):
        if groups[key][0] < 5:
            unit = np.eye(len(keys))[at]
            assert not derivable(np.array(rows), unit) or derivable(np.array(before), unit)


def test_sums_of_two_things_or_of_one_statistic_again_are_not_subtracted(world: World) -> None:
    residents(world, ("ward", "zone"), dict.fromkeys(EARNERS, 40))
    world.publish(incomes("income-wards", "ward", 0, EARNERS))
    again = incomes("income-wards", "ward", 0, {key: (n + 1, income) for key, (n, income) in EARNERS.items()})
    assert not differencing.look(world.case(again)).findings
    other = incomes("rent-zones", "zone", 1, EARNERS)
    columns = {**other.columns, "income": plain(Kind.INTEGER, arengoPrivacyConcept="rent")}
    assert not [item for item in differencing.look(world.case(replace(other, columns=columns))).findings
                if item.code == "cells-sums-differenced"]  # fmt: skip


# The rank test itself


def derivable(matrix: np.ndarray[Any, Any], target: np.ndarray[Any, Any]) -> bool:
    """By rank over the rationals, in whole numbers (Bareiss)."""

    def whole_rank(rows: list[list[int]]) -> int:
        from fractions import Fraction

        held = [[Fraction(item) for item in row] for row in rows]
        done = 0
        for column in range(len(held[0]) if held else 0):
            pivot = next((at for at in range(done, len(held)) if held[at][column]), None)
            if pivot is None:
                continue
            held[done], held[pivot] = held[pivot], held[done]
            for at in range(done + 1, len(held)):
                factor = held[at][column] / held[done][column]
                held[at] = [a - factor * b for a, b in zip(held[at], held[done], strict=True)]
            done += 1
        return done

    rows = matrix.astype(int).tolist()
    return whole_rank(rows) == whole_rank([*rows, target.astype(int).tolist()])


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 7).flatmap(lambda n: st.lists(st.lists(st.integers(0, 1), min_size=n, max_size=n), min_size=1,
                                                    max_size=7)))  # fmt: skip
def test_the_rank_test_agrees_with_exact_elimination(rows: list[list[int]]) -> None:
    matrix = np.array(rows)
    counts = np.arange(1, matrix.shape[1] + 1).astype(float)
    found = rank.derive(csr_matrix(matrix), matrix @ counts)
    size = matrix.shape[1]
    for atom in range(size):
        unit = np.eye(size)[atom]
        assert found.single[atom] == derivable(matrix, unit)
        if found.single[atom]:
            assert found.value[atom] == pytest.approx(counts[atom])
    cells = matrix[matrix.any(axis=1)]
    if len(cells):  # the way of very many cells comes to the same
        once, figures = rank._distinct(csr_matrix(cells), cells @ counts)
        drawn = rank._drawn(once, figures, None, False)
        assert (drawn.single == found.single)[cells.any(axis=0)].all()
    pairs = {(a, b) for a, b, _ in found.pairs}
    for a, b in pairs:
        assert derivable(matrix, np.eye(size)[a] + np.eye(size)[b])
    assert found.unproved == 0


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 10_000))
def test_the_attacker_who_subtracts_never_wins_after_the_repair(world: World, seed: int) -> None:
    """Random overlays of two maps: what the gate lets pass, after the suppression it proposes, gives nothing away."""
    source = np.random.default_rng(seed)
    groups: Counter[tuple[str, ...]] = Counter()
    for _ in range(14):
        groups[f"w{source.integers(4)}", f"z{source.integers(4)}"] += int(source.choice([2, 3, 60, 150]))
    residents(world, ("ward", "zone"), groups)
    name = f"wards{seed}-{time.monotonic_ns()}"
    for dataset in [item.dataset for item in world.releases.of("residents")]:
        world.releases.remove(dataset, 1)
    world.publish(places(name, "ward", {key: n for key, n in summed(groups, 0).items() if n >= 5}))
    case = world.case(places("zones", "zone", {key: n for key, n in summed(groups, 1).items() if n >= 5}))
    before = differencing.look(case)
    if not before.findings:
        return
    for made in repair.propose(case, before.findings):
        if made.id != "cells-suppress" or made.outcome != "pass":
            continue
        tried = repair._made(case, dict(made.contract)["cells"], made.columns)
        shown = dict(world.connection.execute(f"SELECT zone, people FROM {tried.table}").fetchall())
        wards = [key for key, n in summed(groups, 0).items() if n >= 5]
        atoms = sorted(groups)
        rows = [[int(atom[0] == ward) for atom in atoms] for ward in wards]
        rows += [[int(atom[1] == zone) for atom in atoms] for zone, count in shown.items() if count is not None]
        matrix = np.array(rows)
        for at, atom in enumerate(atoms):
            if 0 < groups[atom] < 5:
                unit = np.eye(len(atoms))[at]
                assert not derivable(matrix, unit) or derivable(matrix[: len(wards)], unit)
