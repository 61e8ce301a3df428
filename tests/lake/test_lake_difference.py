"""Differences between versions, against a naive oracle, and one row through time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lake_bench import TREES, Bench, make_contract, open_lake, pair

from arengo.contract.model import Kind
from arengo.errors import BadQuery

Make = Callable[..., Bench]


def test_added_changed_removed_with_old_and_new_value(bench: Make) -> None:
    b = bench(make_contract({"id": Kind.INTEGER, "name": Kind.STRING, "h": Kind.NUMBER}, key=["id"]))
    b.must([[1, "oak", 1.0], [2, "elm", None], [3, "ash", 3.0]])
    b.must([[1, "oak", 1.0], [2, "elm", 2.5], [4, "yew", 4.0]])
    difference = b.lake.diff(*pair(b.lake, "trees", 1, 2))
    assert (difference.added, difference.changed, difference.removed) == (1, 1, 1)
    found = [(c.kind, c.key, c.before, c.after) for c in b.lake.changes(*pair(b.lake, "trees", 1, 2))]
    assert found == [
        ("changed", (2,), {"h": None}, {"h": 2.5}),
        ("removed", (3,), {"id": 3, "name": "ash", "h": 3.0}, None),
        ("added", (4,), None, {"id": 4, "name": "yew", "h": 4.0}),
    ]
    first = b.lake.changes(*pair(b.lake, "trees", 1, 2), limit=2)
    assert [c.key for c in first + b.lake.changes(*pair(b.lake, "trees", 1, 2), limit=2, after_key=first[-1].key)] == [
        (2,),
        (3,),
        (4,),
    ]
    back = b.lake.diff(*pair(b.lake, "trees", 2, 1))
    assert (back.added, back.changed, back.removed) == (1, 1, 1)
    with pytest.raises(BadQuery, match="1 parts"):
        b.lake.changes(*pair(b.lake, "trees", 1, 2), after_key=(1, 2))


def test_one_row_through_time(bench: Make) -> None:
    b = bench(TREES)
    b.must([[1, "oak"]])
    b.must([[1, "oak"], [2, "elm"]])
    b.must([[1, "oak"], [2, "lime"]])
    b.must([[1, "oak"]])
    found = [(version.number, row and row["name"]) for version, row in b.lake.history(b.lake.versions("trees"), (2,))]
    assert found == [(2, "elm"), (3, "lime"), (4, None)]
    assert b.lake.history(b.lake.versions("trees"), (7,)) == []
    with pytest.raises(BadQuery):
        b.lake.history(b.lake.versions("trees"), (1, 2))


rows = st.dictionaries(st.integers(0, 5), st.sampled_from(["a", "b", None]), max_size=6)
bags = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["a", None])), max_size=6)


@pytest.fixture(scope="module")
def lake_of() -> Any:
    with TemporaryDirectory() as folder:
        lake = open_lake(Path(folder))
        yield lambda contract, day: Bench(lake, Path(folder), contract, day)
        lake.close()
        lake.state.close()


@pytest.mark.slow
@given(st.lists(rows, min_size=2, max_size=4))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_difference_by_key_agrees_with_a_naive_one(lake_of: Any, states: list[dict[int, str | None]]) -> None:
    contract = make_contract({"id": Kind.INTEGER, "name": Kind.STRING}, key=["id"], id="keyed")
    newest = lake_of(contract, 0).lake.newest("keyed")
    b = lake_of(contract, (newest.published_at.toordinal() - 738886 if newest else 0) + 1)
    known: dict[int, dict[int, str | None]] = {}
    for state in states:
        if version := b.put([[k, v] for k, v in state.items()]):
            known[version.number] = state
    for old in known:
        for new in known:
            x, y = known[old], known[new]
            found = {c.key[0]: (c.kind, c.before, c.after) for c in b.lake.changes(*pair(b.lake, "keyed", old, new))}
            expected: dict[int, Any] = {}
            for key in x.keys() | y.keys():
                if key not in x:
                    expected[key] = ("added", None, {"id": key, "name": y[key]})
                elif key not in y:
                    expected[key] = ("removed", {"id": key, "name": x[key]}, None)
                elif x[key] != y[key]:
                    expected[key] = ("changed", {"name": x[key]}, {"name": y[key]})
            assert found == expected


@pytest.mark.slow
@given(st.lists(bags, min_size=2, max_size=3))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_difference_without_a_key_counts_whole_rows(lake_of: Any, states: list[list[tuple[int, str | None]]]) -> None:
    contract = make_contract({"n": Kind.INTEGER, "_name": Kind.STRING}, id="bag")
    newest = lake_of(contract, 0).lake.newest("bag")
    b = lake_of(contract, (newest.published_at.toordinal() - 738886 if newest else 0) + 1)
    known: dict[int, Counter[tuple[int, str | None]]] = {}
    for state in states:
        if version := b.put(state):
            known[version.number] = Counter(state)
    for old in known:
        for new in known:
            changes = b.lake.changes(*pair(b.lake, "bag", old, new))
            added = Counter(c.key for c in changes if c.kind == "added")
            removed = Counter(c.key for c in changes if c.kind == "removed")
            assert added == known[new] - known[old]
            assert removed == known[old] - known[new]
            difference = b.lake.diff(*pair(b.lake, "bag", old, new))
            assert (difference.added, difference.removed) == (added.total(), removed.total())
