"""The budget of a population: durable, never spent twice, never overspent by two at a time."""

from __future__ import annotations

import math
import multiprocessing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arengo.errors import PolicyError, PublicationRefused
from arengo.privacy.noise import Budget, Spend, epsilon_of, total
from arengo.privacy.release import Population
from arengo.state import State, open_state

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
RESIDENTS = {"residents": Population("residents", epsilon=1.0, period=30)}


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(f"sqlite:///{tmp_path}/state.db")


def daily(day: int, epsilon: float = 0.3, **more: object) -> Spend:
    return replace(Spend("residents", "age-bands", "histogram", NOW + timedelta(days=day), epsilon), **more)  # type: ignore[arg-type]


def test_a_daily_histogram_is_refused_on_the_day_the_cap_is_exceeded(state: State) -> None:
    budget = Budget(state, RESIDENTS)
    for day in range(3):
        budget.spend(daily(day, run=f"run-{day}"))
    with pytest.raises(PublicationRefused, match="possible from 2026-03-31 08:00"):
        budget.spend(daily(3, run="run-3"))
    standing = Budget(open_state(state.url), RESIDENTS).left("residents", NOW + timedelta(days=3))  # another process
    assert standing.spent == pytest.approx(0.9)
    assert standing.left == pytest.approx(0.1)
    assert standing.frees == NOW + timedelta(days=30)
    assert not budget.fits(daily(3), NOW + timedelta(days=3))
    budget.spend(daily(30, run="run-30"))
    assert len(budget.history("residents")) == 4
    with pytest.raises(PublicationRefused, match="never fits"):
        budget.spend(daily(100, 1.5))
    with pytest.raises(PolicyError, match="no population"):
        budget.spend(daily(1, population="nobody"))
    for wrong in (0.0, -0.1, math.nan, math.inf):
        with pytest.raises(PolicyError):
            budget.spend(daily(200, wrong))


def test_a_resumed_run_spends_once(state: State) -> None:
    budget = Budget(state, RESIDENTS)
    first = budget.spend(daily(0, 0.8, run="run-1"))
    again = budget.spend(daily(0, 0.8, run="run-1", at=NOW + timedelta(hours=2)))
    assert again == first
    assert len(budget.history("residents")) == 1
    assert budget.when_possible(daily(0, 0.8, run="run-1"), NOW) == NOW


def test_a_clock_that_goes_back_frees_nothing(state: State) -> None:
    budget = Budget(state, RESIDENTS)
    budget.spend(daily(10, 0.9))
    with pytest.raises(PublicationRefused):
        budget.spend(daily(0, 0.9))


def test_only_what_is_provably_about_others_is_parallel() -> None:
    def about(district: str, basis: str = "residents v3", column: str = "district 1") -> Spend:
        return daily(0, 0.5, atoms={column: [district]}, basis=basis)

    assert total([about("1"), about("2")]) == 0.5
    assert total([about("1"), about("2"), about("2")]) == 1.0
    assert total([about("1"), about("2", basis="residents v4")]) == 1.0  # somebody may have moved
    assert total([about("1"), about("2", basis="")]) == 1.0
    assert total([about("1"), about("2", column="district 2")]) == 1.0  # another level
    assert total([about("1"), about("2"), daily(0, 0.25)]) == 0.75
    assert total([daily(0, 0.5, atoms={"district": []}, basis="v")] * 2) == 1.0  # an empty list frees nothing


@given(st.lists(st.tuples(st.sets(st.integers(0, 3)), st.sets(st.integers(0, 2)), st.integers(1, 9)), max_size=7))
def test_composition_is_never_below_what_one_person_loses(items: list[tuple[set[int], set[int], int]]) -> None:
    spends = []
    for first, second, loss in items:
        atoms = {"a": list(map(str, first)), "b": list(map(str, second))}
        spends.append(daily(0, loss / 10, atoms={key: value for key, value in atoms.items() if value}, basis="v1"))
    worst = max(
        sum(loss / 10 for first, second, loss in items if (not first or x in first) and (not second or y in second))
        for x in range(5)
        for y in range(4)
    )
    assert worst - 1e-9 <= total(spends) <= sum(item.epsilon for item in spends) + 1e-9


def test_zero_concentrated_loss_is_told_as_epsilon() -> None:
    assert epsilon_of(0) == 0
    for rho in (1e-6, 0.001, 0.1, 1.0, 30.0):
        simple = rho + 2 * math.sqrt(rho * math.log(1 / 1e-6))
        assert 0 <= epsilon_of(rho, 1e-6) <= simple
        assert epsilon_of(rho * 1.1, 1e-6) >= epsilon_of(rho, 1e-6)
    assert epsilon_of(0.1, 1e-6) == pytest.approx(2.24, abs=0.1)
    both = [daily(0, 0.0, rho=0.005), daily(1, 0.0, rho=0.005), daily(2, 0.2)]
    assert total(both) == pytest.approx(0.2 + epsilon_of(0.01))


def _take(url: str, start: object, number: int, taken: object) -> None:
    budget = Budget(open_state(url), RESIDENTS)
    start.wait()  # type: ignore[attr-defined]
    for turn in range(6):
        try:
            budget.spend(daily(0, 0.1, run=f"{number}-{turn}"))
            taken.put(1)  # type: ignore[attr-defined]
        except PublicationRefused:
            taken.put(0)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_two_processes_cannot_overspend(state: State) -> None:
    context = multiprocessing.get_context("spawn")
    start, taken = context.Event(), context.Queue()
    workers = [context.Process(target=_take, args=(state.url, start, number, taken)) for number in range(3)]
    for worker in workers:
        worker.start()
    start.set()
    results = [taken.get(timeout=60) for _ in range(18)]
    for worker in workers:
        worker.join(60)
    assert sum(results) == 10
    assert Budget(state, RESIDENTS).left("residents", NOW).spent == pytest.approx(1.0)
