"""The search finds what trying all finds; local recoding keeps every group as large as it promises."""

from __future__ import annotations

import time
from importlib import import_module

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.privacy.search import Found, InEngine, Problem, axis, engine, loss, mondrian, optimum, recoded
from arengo.privacy.search.lattice import Members
from arengo.privacy.search.optimum import brute
from arengo.privacy.tuples import Stored

module = import_module("arengo.privacy.search.mondrian")


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Up to four columns with nested random levels, and up to 40 combinations."""
    axes = []
    widths = []
    for number in range(draw(st.integers(1, 4))):
        values = draw(st.integers(1, 6))
        levels: list[list[object]] = [list(range(values))]
        for _ in range(draw(st.integers(0, 2))):
            groups = max(1, len(set(levels[-1])) - 1)
            of = {item: draw(st.integers(0, groups - 1)) for item in sorted(set(levels[-1]), key=str)}
            levels.append([of[item] for item in levels[-1]])
        levels.append(["*"] * values)
        axes.append(axis(f"c{number}", levels))
        widths.append(values)
    length = draw(st.integers(1, 40))
    rows = {tuple(draw(st.integers(0, width - 1)) for width in widths) for _ in range(length)}
    codes = np.array(sorted(rows), np.int32).T.reshape(len(widths), -1)
    counts = np.array([draw(st.integers(1, 6)) for _ in range(codes.shape[1])], np.int64)
    joint = None
    if draw(st.booleans()):
        joint = np.array([draw(st.integers(0, 3)) for _ in range(codes.shape[1])], np.int64)
    return Problem(tuple(axes), codes, counts, draw(st.integers(1, 9)), draw(st.sampled_from([0.0, 0.05, 0.3])), joint)


def fresh(problem: Problem) -> Problem:
    return Problem(problem.axes, problem.codes, problem.counts, problem.k, problem.limit, problem.joint,
                   problem.promise)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(problems())
def test_the_search_finds_what_trying_all_finds(problem: Problem) -> None:
    least, nodes = brute(fresh(problem))
    found = optimum(problem)
    assert found.optimal
    if not nodes:
        assert found.node is None
        assert problem.rows < problem.k
    else:
        assert found.node in nodes
        assert found.loss == pytest.approx(least)
        assert found.withheld == fresh(problem).withheld(found.node)


def in_engine(problem: Problem, connection: duckdb.DuckDBPyConnection) -> InEngine:
    """The same problem with its combinations in the engine, whose numbers of the values have gaps."""
    columns = [*(row * 2 + 1 for row in problem.codes), *([] if problem.joint is None else [problem.joint])]
    lists = {**{f"c{at}": row.tolist() for at, row in enumerate(columns)}, "n": problem.counts.tolist()}
    shown = ", ".join(f"unnest({told})::UINTEGER AS {name}" for name, told in lists.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE held AS SELECT {shown}")
    places = []
    for item in problem.axes:
        place = np.full(2 * item.groups.shape[1], -1, np.int32)
        place[1::2] = np.arange(item.groups.shape[1])
        places.append(place)
    values: list[tuple[object, ...]] = [tuple(range(item.groups.shape[1])) for item in problem.axes]
    if problem.joint is not None:
        places.append(np.arange(4, dtype=np.int32))
        values.append((0, 1, 2, 3))
    held = Stored(connection, "held", tuple(f"c{at}" for at in range(len(columns))), tuple(values), tuple(places),
                  problem.rows, len(problem.counts))  # fmt: skip
    at = len(problem.axes) if problem.joint is not None else -1
    return InEngine(problem.axes, held, tuple(range(len(problem.axes))), problem.k, problem.limit, at, problem.promise)


@settings(max_examples=6, deadline=None)
@given(st.data())
def test_what_stays_in_the_engine_finds_the_same(data: st.DataObject) -> None:
    same_in_the_engine(data)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_stays_in_the_engine_finds_the_same_of_many(data: st.DataObject) -> None:
    same_in_the_engine(data)


def same_in_the_engine(data: st.DataObject) -> None:
    problem = data.draw(problems())
    with duckdb.connect(config={"threads": 1}) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "TAKEN", data.draw(st.integers(0, 12)))
        patch.setattr(engine, "KEPT", 15)
        patch.setattr(engine, "WORD", data.draw(st.sampled_from([6, 1 << 62])))
        held = in_engine(problem, connection)
        for _ in range(3):
            node = tuple(data.draw(st.integers(0, size - 1)) for size in problem.shape)
            assert held.withheld(node) == problem.withheld(node)
            assert loss(held, node) == pytest.approx(loss(problem, node))
        least, nodes = brute(fresh(problem))
        found = optimum(held)
        assert found.optimal
        assert (found.node in nodes) if nodes else found.node is None
        assert not nodes or found.loss == pytest.approx(least)


@settings(max_examples=80, deadline=None)
@given(problems(), st.integers(0, 2**20))
def test_the_loss_is_the_mean_over_people_who_are_withheld_are_lost_whole(problem: Problem, seed: int) -> None:
    draw = np.random.default_rng(seed)
    node = tuple(int(draw.integers(0, size)) for size in problem.shape)
    gone = problem.violating(node)
    lost = 0.0
    for at, people in enumerate(problem.counts):
        parts = []
        for item, level, codes in zip(problem.axes, node, problem.codes, strict=True):
            groups, values = item.groups[level], item.groups.shape[1]
            parts.append((int((groups == groups[codes[at]]).sum()) - 1) / max(values - 1, 1))
        lost += people * (1.0 if gone[at] else sum(parts) / len(parts))
    assert loss(problem, node) == pytest.approx(lost / problem.rows)


def test_withholding_many_is_not_taken_for_cheaper_than_a_little_coarser() -> None:
    """Of each pair of ages one has four people: withheld they are lost whole, in pairs all lose a ninth."""
    ages = axis("age", [list(range(10)), [value // 2 for value in range(10)], ["*"] * 10])

    def told(many: int) -> Found:
        counts = np.array([4, many] * 5, np.int64)
        return optimum(Problem((ages,), np.arange(10, dtype=np.int32)[None, :], counts, 5, 0.2))

    assert told(33).node == (0,)  # 20 of 185 are 0.108, less than a ninth
    assert told(33).loss == pytest.approx(20 / 185)
    assert told(31).node == (1,)  # 20 of 175 are 0.114; within the limit, and dearer
    assert told(31).loss == pytest.approx(1 / 9)
    assert told(31).withheld == 0


@settings(max_examples=80, deadline=None)
@given(problems(), st.integers(0, 2**20))
def test_what_fits_goes_on_fitting_above(problem: Problem, seed: int) -> None:
    draw = np.random.default_rng(seed)
    node = tuple(int(draw.integers(0, size)) for size in problem.shape)
    above = tuple(int(draw.integers(level, size)) for level, size in zip(node, problem.shape, strict=True))
    assert problem.withheld(above) <= problem.withheld(node)
    assert problem.violating(above).sum() <= problem.violating(node).sum()


@settings(max_examples=60, deadline=None)
@given(problems())
def test_a_promise_that_does_not_grow_upwards_is_asked_of_each_node(problem: Problem) -> None:
    def odd(held: Members) -> bool:
        return len(held.sizes) % 2 == 1

    problem.promise = odd
    least, nodes = brute(fresh(problem))
    found = optimum(problem)
    assert (found.node in nodes) if nodes else found.node is None
    if nodes:
        assert found.loss == pytest.approx(least)


def test_the_counts_of_a_node_do_not_depend_on_what_was_asked_before() -> None:
    problem = people(3_000, 5)
    alone = {node: fresh(problem).withheld(node) for node in [(1, 1, 0, 0, 1), (2, 1, 1, 0, 1), (3, 2, 1, 1, 1)]}
    rolled = fresh(problem)
    assert {node: rolled.withheld(node) for node in alone} == alone


def test_people_alike_elsewhere_stay_together_or_in_groups_of_k() -> None:
    """Groups of ten alone, but halves of them were told apart by an earlier release."""
    ages = axis("age", [[0, 1, 2, 3], [0, 0, 1, 1], ["*"] * 4])
    codes = np.array([[0, 0, 1, 1, 2, 2, 3, 3]], np.int32)
    counts = np.full(8, 4, np.int64)
    joint = np.array([1, 2, 1, 2, 1, 2, 1, 2])
    assert optimum(Problem((ages,), codes, counts, 8)).node == (0,)
    assert optimum(Problem((ages,), codes, counts, 8, 0.0, joint)).node == (1,)
    assert optimum(Problem((ages,), codes, counts, 16, 0.0, joint)).node == (2,)
    # A class that has fewer than k people to begin with only has to stay whole.
    assert optimum(Problem((ages,), codes, counts, 30, 0.0, joint)).node == (2,)


def test_time_that_runs_out_gives_the_best_so_far() -> None:
    problem = people(5_000, 5)
    ticks = iter(range(10_000))
    found = optimum(problem, 3, lambda: float(next(ticks)))
    assert not found.optimal
    assert found.node is not None
    assert problem.fits(found.node)


def test_a_busy_machine_takes_no_time_from_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = import_module("arengo.privacy.search.optimum")
    passed = iter(range(0, 10**9, 2))  # two seconds between any two looks at the clock on the wall
    monkeypatch.setattr(searched.time, "monotonic", lambda: float(next(passed)))
    monkeypatch.setattr(searched.time, "thread_time", lambda: 0.0)
    spent = searched.Spent()
    assert [round(spent(), 2) for _ in range(3)] == [0.13, 0.27, 0.4]
    assert optimum(people(5_000, 5), 60).optimal
    assert not optimum(people(5_000, 5), 0.5).optimal, "it ends at last"
    monkeypatch.setattr(searched.time, "thread_time", lambda: float(next(passed)))
    assert not optimum(people(5_000, 5), 3).optimal


def test_more_people_asked_than_there_are_fits_nowhere() -> None:
    assert optimum(people(50, 200)).node is None


@settings(max_examples=80, deadline=None)
@given(problems())
def test_mondrian_keeps_groups_of_k_and_splits_what_it_can(problem: Problem) -> None:
    groups = mondrian(problem.codes, problem.counts, problem.k)
    sizes = np.bincount(groups, weights=problem.counts)
    if problem.rows >= problem.k:
        assert sizes.min() >= problem.k
    for group in range(len(sizes)):  # none of them could still be halved by a column
        members = np.flatnonzero(groups == group)
        for row in problem.codes[:, members]:
            for cut in sorted(set(row.tolist()))[:-1]:
                below = problem.counts[members][row <= cut].sum()
                assert below < problem.k or sizes[group] - below < problem.k


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_mondrian_splits_the_same_in_blocks_and_with_values_far_apart(data: st.DataObject) -> None:
    problem = data.draw(problems())
    apart = problem.codes * data.draw(st.sampled_from([1, 100_000]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SMALL", 0)
        patch.setattr(module, "BLOCK", data.draw(st.integers(1, 6)))
        blocks = mondrian(apart, problem.counts, problem.k)
    whole = mondrian(problem.codes, problem.counts, problem.k)
    assert len(set(zip(blocks.tolist(), whole.tolist(), strict=True))) == len(set(whole.tolist())) == blocks.max() + 1


def test_local_recoding_in_parts_keeps_its_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arengo.privacy.tuples.MANY", 0)
    monkeypatch.setattr("arengo.privacy.tuples.MEMORY", 100)
    monkeypatch.setattr(module, "MOST", 60)
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT hash(r) % 40 AS age, 's' || hash(r * 3) % 9 AS section, "
            "hash(r * 5) % 30 = 0 AS away FROM range(2000) t(r)"
        )
        by = ["age", "section", "away"]
        recoded(connection, "t", by, 7, "told")
        match = " AND ".join(f"t.{name} IS NOT DISTINCT FROM told.v{at}" for at, name in enumerate(by))
        sizes = connection.execute(
            f"SELECT l0, l1, l2, count(*) FROM t JOIN told ON {match} GROUP BY ALL ORDER BY 4"
        ).fetchall()
        tables = connection.execute("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()
    assert sum(row[-1] for row in sizes) == 2000
    assert sizes[0][-1] >= 7
    assert len(sizes) > 50
    assert tables == [("t",), ("told",)]


def test_local_recoding_names_what_a_group_holds() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT CASE WHEN r % 3 = 0 THEN NULL ELSE r END AS age, "
            "CASE r % 2 WHEN 0 THEN 'f' ELSE 'm' END AS sex FROM range(30) t(r)"
        )
        recoded(connection, "t", ["age", "sex"], 5, "told")
        told = connection.execute("FROM told").to_arrow_table().to_pylist()
    for row in told:
        low, _, high = str(row["l0"]).partition("–")
        assert row["l0"] in (None, "*") or int(low) <= row["v0"] <= int(high)
        assert row["l1"] in (row["v1"], "*")


def test_a_table_smaller_than_k_tells_nothing() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT r AS age FROM range(3) t(r)")
        recoded(connection, "t", ["age"], 5, "told")
        assert connection.execute("SELECT DISTINCT l0 FROM told").fetchall() == [("*",)]


def people(rows: int, k: int, limit: float = 0.0, seed: int = 5) -> Problem:
    """Columns like those of a census: age, section, nationality, sex, schooling."""
    draw = np.random.default_rng(seed)
    sizes = (80, 60, 30, 2, 12)
    drawn = np.stack([np.minimum((draw.gamma(2.0, size / 6, rows)).astype(np.int64), size - 1) for size in sizes])
    unique, counts = np.unique(drawn, axis=1, return_counts=True)
    widths = ((5, 10, 20, 40), (4, 12), (6,), (), (3,))
    axes = tuple(
        axis(f"c{at}", [list(range(size)), *([value // w for value in range(size)] for w in widths[at]), [0] * size])
        for at, size in enumerate(sizes)
    )
    return Problem(axes, unique.astype(np.int32), counts.astype(np.int64), k, limit)


def test_thirty_thousand_people_of_five_columns_take_no_time() -> None:
    problem = people(30_000, 5)
    begin = time.process_time()
    found = optimum(problem)
    assert found.node is not None
    assert found.optimal
    assert time.process_time() - begin < 60
