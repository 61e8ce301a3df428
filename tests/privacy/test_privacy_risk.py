"""Measures of risk against their definitions, written out plainly, and against worked examples of the papers."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.privacy.risk import groups, sensitive, trajectory, uniqueness
from arengo.privacy.risk.groups import Sizes
from arengo.privacy.tuples import Tuples, tuples

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from("abcd")), min_size=1, max_size=30)


def made(rows: list[tuple[Any, ...]], names: str = "xys") -> Tuples:
    """Distinct combinations of rows, as the engine would give them."""
    counted = Counter(rows)
    values = tuple(tuple(dict.fromkeys(row[at] for row in counted)) for at in range(len(names)))
    codes = np.array([[values[at].index(row[at]) for row in counted] for at in range(len(names))], np.int32)
    return Tuples(tuple(names), values, codes.reshape(len(names), -1), np.array(list(counted.values()), np.int64))


def classes(rows: list[tuple[Any, ...]]) -> list[list[str]]:
    out: dict[Any, list[str]] = defaultdict(list)
    for *key, value in rows:
        out[tuple(key)].append(value)
    return list(out.values())


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(2, 6))
def test_sizes_are_those_of_the_definition(rows: list[tuple[Any, ...]], k: int) -> None:
    plain = [len(item) for item in classes(rows)]
    held = groups.k_anonymity(made(rows), "xy")
    assert (held.smallest, held.rows, held.number) == (min(plain), len(rows), len(plain))
    assert held.below(k) == sum(size for size in plain if size < k)
    assert held.histogram() == {str(size): size * plain.count(size) for size in sorted(set(plain))}
    chance = groups.prosecutor(held, k)
    assert chance.highest == pytest.approx(max(1 / size for size in plain))
    assert chance.success == pytest.approx(sum(1 / len(item) for item in classes(rows) for _ in item) / len(rows))


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_sensitive_measures_are_those_of_the_definitions(rows: list[tuple[Any, ...]]) -> None:
    held = sensitive.cells(made(rows), "xy", "s")
    every = Counter(row[-1] for row in rows)
    q = {value: times / len(rows) for value, times in every.items()}
    domain = made(rows).values[2]
    ls, hs, cs, ts, os_, ds, bs = [], [], [], [], [], [], []
    order = {value: rank for rank, value in enumerate(sorted(domain))}
    for item in classes(rows):
        p = {value: times / len(item) for value, times in Counter(item).items()}
        ls.append(len(p))
        hs.append(-sum(share * math.log(share) for share in p.values()))
        ranked = sorted(Counter(item).values(), reverse=True)
        cs.append(ranked[0] / sum(ranked[1:]) if len(ranked) > 1 else math.inf)
        ts.append(sum(abs(p.get(value, 0) - q[value]) for value in domain) / 2)
        path = itertools.accumulate(p.get(value, 0) - q[value] for value in sorted(domain))
        os_.append(sum(map(abs, path)) / max(len(domain) - 1, 1))
        ds.append(max(abs(math.log(p[value] / q[value])) for value in p))
        bs.append(max((p[value] - q[value]) / q[value] for value in p))
    assert sensitive.distinct(held) == min(ls)
    assert sensitive.entropy(held) == pytest.approx(math.exp(min(hs)))
    assert sensitive.recursive(held, 2) == pytest.approx(max(cs))
    assert sensitive.closeness(held) == pytest.approx(max(ts))
    ranks = np.array([order[value] for value in domain])
    assert sensitive.closeness_ordered(held, ranks) == pytest.approx(max(os_), abs=1e-9)
    assert sensitive.delta_disclosure(held) == pytest.approx(max(ds))
    assert sensitive.beta_likeness(held) == pytest.approx(max(bs), abs=1e-12)
    alone = [item for item in classes(rows) if len(set(item)) == 1]
    assert sensitive.known(held) == (len(alone), sum(map(len, alone)))


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_hierarchical_distance_is_the_cheapest_transport(rows: list[tuple[Any, ...]]) -> None:
    """Against the linear program of the earth mover's distance itself."""
    from scipy.optimize import linprog

    parents = {"a": 0, "b": 0, "c": 1, "d": 1}
    domain = made(rows).values[2]
    held = sensitive.cells(made(rows), "xy", "s")
    levels = np.array([[parents[value] for value in domain], [0 for _ in domain]])
    far = [[0.0 if a == b else 0.5 if parents[a] == parents[b] else 1.0 for b in domain] for a in domain]
    n, worst = len(domain), 0.0
    q = np.array([sum(row[-1] == value for row in rows) / len(rows) for value in domain])
    out = np.kron(np.eye(n), np.ones(n))
    into = np.kron(np.ones(n), np.eye(n))
    for item in classes(rows):
        p = np.array([item.count(value) / len(item) for value in domain])
        worst = max(worst, linprog(np.ravel(far), A_eq=np.vstack([out, into]), b_eq=np.concatenate([p, q])).fun)
    assert sensitive.closeness_hierarchical(held, levels) == pytest.approx(worst, abs=1e-7)


def test_closeness_of_the_papers_table() -> None:
    """Li, Li, Venkatasubramanian 2007, table 3: salaries {3, 4, 5}, {6, 11, 8} and {7, 9, 10} thousand of nine."""
    rows = [(0, 0, v) for v in (3, 4, 5)] + [(1, 0, v) for v in (6, 11, 8)] + [(2, 0, v) for v in (7, 9, 10)]
    data = made(rows)
    ranks = np.array([value - 3 for value in data.values[2]])
    first = made(rows[:3] + [(1, 0, v) for *_, v in rows[3:]])  # {3, 4, 5} against the rest
    order = np.array([value - 3 for value in first.values[2]])
    assert sensitive.closeness_ordered(sensitive.cells(first, "x", "s"), order) == pytest.approx(0.375)
    assert sensitive.closeness_ordered(sensitive.cells(data, "x", "s"), ranks) == pytest.approx(0.375)
    second = [row for row in rows if row[0] == 1]
    p = np.cumsum([sum(row[-1] == v for row in second) / 3 - 1 / 9 for v in range(3, 12)])
    assert np.abs(p).sum() / 8 == pytest.approx(0.167, abs=1e-3)  # the paper's other figure, D[P2, Q]


def test_diversity_as_the_paper_reckons() -> None:
    """Three groups of four as in Machanavajjhala et al. 2007: a homogeneous one, and three with three diseases each."""
    ill = [
        "heart",
        "heart",
        "viral",
        "viral",
        "cancer",
        "heart",
        "viral",
        "viral",
        "cancer",
        "cancer",
        "cancer",
        "cancer",
    ]
    rows = [(at // 4, 0, value) for at, value in enumerate(ill)]
    held = sensitive.cells(made(rows), "x", "s")
    assert sensitive.distinct(held) == 1
    assert sensitive.recursive(held, 2) == math.inf
    assert sensitive.known(held) == (1, 4)  # everybody of the last group has cancer
    better = ["heart", "viral", "cancer", "cancer", "cancer", "heart", "viral", "viral", "heart", "viral", "cancer",
              "cancer"]  # fmt: skip
    held = sensitive.cells(made([(at // 4, 0, value) for at, value in enumerate(better)]), "x", "s")
    assert sensitive.distinct(held) == 3
    assert sensitive.entropy(held) == pytest.approx(2.8284, abs=1e-4)  # (1/2, 1/4, 1/4): "2.8-diverse"
    assert sensitive.recursive(held, 2) == 1.0
    assert sensitive.recursive(held, 3) == 2.0
    assert sensitive.closeness(held) < 0.2
    assert not sensitive.poor(held, 3).any()
    assert sensitive.poor(held, 4).all()
    assert sensitive.beta_enhanced(held)


@settings(max_examples=40, deadline=None)
@given(ROWS, st.data())
def test_map_into_the_population(people: list[tuple[Any, ...]], data: Any) -> None:
    picked = data.draw(st.lists(st.integers(0, len(people) - 1), unique=True, min_size=1))
    rows = [people[at][:2] for at in picked]
    all_ = [person[:2] for person in people]
    rows_of, people_of = groups.mapped(made(rows, "xy"), made(all_, "xy"))
    there = rows_of > 0
    plain = {key: all_.count(key) for key in set(rows)}
    assert sorted(people_of[there]) == sorted(plain.values())
    low, high = groups.delta_presence(rows_of, people_of)
    shares = [rows.count(key) / all_.count(key) for key in set(all_)]
    assert (low, high) == (pytest.approx(min(shares)), pytest.approx(max(shares)))
    assert groups.marketer(rows_of, people_of) == pytest.approx(sum(1 / plain[row] for row in rows) / len(rows))
    chance = groups.journalist(rows_of, people_of, 3)
    assert chance.highest == pytest.approx(1 / min(plain.values()))
    assert chance.at_risk == pytest.approx(sum(plain[row] < 3 for row in rows) / len(rows))


def test_delta_presence_as_the_paper_reckons() -> None:
    """As Nergiz, Atzori, Clifton 2007 work it out: 3 of 6 and 2 of 3 people are in the data, (1/2, 2/3)-presence."""
    public = [("*", "America")] * 6 + [("*", "Europe")] * 3
    private = [("*", "America")] * 3 + [("*", "Europe")] * 2
    assert groups.delta_presence(*groups.mapped(made(private, "xy"), made(public, "xy"))) == (1 / 2, 2 / 3)


# The population


def test_pitman_finds_its_own_parameters() -> None:
    """A population drawn by Pitman's urn, a sample of it: the estimate of its uniques is near the truth."""
    random = np.random.default_rng(3)
    theta, alpha, people, rows = 50.0, 0.5, 20_000, 2_000
    urn: list[int] = []
    sizes: list[int] = []
    for number in range(people):
        if random.random() < (theta + alpha * len(sizes)) / (theta + number):
            urn.append(len(sizes))
            sizes.append(1)
        else:  # an old group, in proportion to its size less alpha
            while True:
                at = urn[random.integers(number)]
                if random.random() > alpha / sizes[at]:
                    break
            urn.append(at)
            sizes[at] += 1
    truth = sizes.count(1)
    assert uniqueness.pitman_uniques(theta, alpha, people) == pytest.approx(truth, rel=0.15)
    sample = Sizes.of(np.bincount(random.choice(np.array(urn), rows, replace=False)))
    told = uniqueness.pitman_parameters(sample)
    assert told is not None
    assert told[1] == pytest.approx(alpha, abs=0.08)
    found = uniqueness.estimate(sample, people)
    assert found.model == "pitman"
    assert found.uniques == pytest.approx(truth, rel=0.35)


def test_pitman_is_hoshinos_formula_for_many_people() -> None:
    from scipy.special import gammaln

    theta, alpha, people = 120.0, 0.4, 5_000_000
    asymptotic = math.exp(gammaln(theta + 1) - gammaln(theta + alpha) + alpha * math.log(people))
    assert uniqueness.pitman_uniques(theta, alpha, people) == pytest.approx(asymptotic, rel=1e-3)
    assert uniqueness.pitman_uniques(40.0, 0.0, 1000) == pytest.approx(1000 * 40 / (40 + 999))  # Ewens


def test_pitman_solves_the_equations_of_the_likelihood() -> None:
    """Those Hoshino solves (and ARX by Newton's method): both derivatives vanish."""
    sizes = Sizes.of(np.array([1] * 60 + [2] * 25 + [3] * 12 + [5] * 6 + [9] * 3 + [20]))
    told = uniqueness.pitman_parameters(sizes)
    assert told is not None
    theta, alpha = told
    i, n = np.arange(1, sizes.number), np.arange(1, sizes.rows)
    first = (1 / (theta + i * alpha)).sum() - (1 / (theta + n)).sum()
    inner = sum(
        count * (1 / (np.arange(1, size) - alpha)).sum() for size, count in zip(sizes.size, sizes.groups, strict=True)
    )
    assert first == pytest.approx(0, abs=1e-4)
    assert (i / (theta + i * alpha)).sum() - inner == pytest.approx(0, abs=1e-2)


def test_snb_finds_the_uniques_of_a_population_it_describes() -> None:
    random = np.random.default_rng(5)
    sizes = 1 + random.negative_binomial(0.6, 0.25, 6_000)
    people = np.repeat(np.arange(len(sizes)), sizes)
    rows = random.random(len(people)) < 0.3
    found = uniqueness.estimate(Sizes.of(np.bincount(people[rows])), len(people))
    assert found.model == "snb"
    assert found.uniques == pytest.approx((sizes == 1).sum(), rel=0.15)
    assert 0 < found.share < 1


def test_snb_solves_the_equation_of_groups_of_one() -> None:
    """K f (b / (1 - d))^a (a d / (1 - d) + 1) = groups of one, d = (1 - f)(1 - b): Chen and McNulty 1998, and ARX's."""
    random = np.random.default_rng(5)
    sizes = 1 + random.negative_binomial(0.6, 0.25, 6_000)
    people = np.repeat(np.arange(len(sizes)), sizes)
    sample = Sizes.of(np.bincount(people[random.random(len(people)) < 0.3]))
    told = uniqueness.snb_parameters(sample, len(people))
    assert told is not None
    number, a, b = told
    assert (number, a, b) == (pytest.approx(6_000, rel=0.05), pytest.approx(0.6, rel=0.3), pytest.approx(0.25, rel=0.3))
    f = sample.rows / len(people)
    d = (1 - f) * (1 - b)
    assert number * f * (b / (1 - d)) ** a * (a * d / (1 - d) + 1) == pytest.approx(sample.unique, rel=1e-4)
    # Groups of two, which were not asked for, come out too.
    two = number * a * b**a * f * f * (1 - b) / 2 / (1 - d) ** (a + 2) * (2 - (1 - a) * d)
    assert two == pytest.approx(int(sample.groups[1]), rel=0.1)


def test_estimates_say_when_they_cannot() -> None:
    flat = Sizes.of(np.array([1, 1, 1]))
    assert uniqueness.pitman(flat, 30) is None
    assert uniqueness.estimate(flat, 30).model in ("snb", "sample")
    assert uniqueness.estimate(Sizes.of(np.array([1, 4])), 5).uniques == 1
    assert uniqueness.estimate(Sizes.of(np.array([], np.int64)), 0).share == 0


# Trajectories and sets


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=40),
    st.integers(0, 2),
)
def test_alone_is_what_looking_through_everybody_says(rows: list[tuple[int, int, int]], tolerance: int) -> None:
    ids = {old: new for new, old in enumerate(sorted({row[0] for row in rows}))}
    seen = [(ids[who], key, time) for who, key, time in rows]
    points = trajectory.Points(*(np.array(column, np.int64) for column in zip(*seen, strict=True)))
    index = trajectory.Index(points, tolerance)
    subjects = sorted(set(ids.values()))
    for number in (1, 2):
        owners, keys, times, plain = [], [], [], []
        for who in subjects:
            mine = sorted({row for row in seen if row[0] == who})
            for known in itertools.combinations(mine, number):
                fits = {
                    other for other in subjects
                    if all(any(o == other and key == k and abs(time - t) <= tolerance for o, k, t in seen)
                           for _, key, time in known)
                }  # fmt: skip
                owners.append(who)
                keys.append([row[1] for row in known])
                times.append([row[2] for row in known])
                plain.append(fits == {who})
        if owners:
            got = trajectory._alone(index, *(np.array(item, np.int64) for item in (owners, keys, times)))
            assert got.tolist() == plain


def test_unicity_is_drawn_by_its_seed() -> None:
    random = np.random.default_rng(1)
    subject = np.repeat(np.arange(400), 6)
    points = trajectory.Points(subject, random.integers(0, 12, 2400), random.integers(0, 10, 2400))
    once = trajectory.unicity(points, (2, 3, 4), seed=7)
    assert once == trajectory.unicity(points, (2, 3, 4), seed=7)
    shares = [item.share for item in once]
    assert shares == sorted(shares)
    assert shares[-1] > 0.9
    loose = trajectory.unicity(points, (2, 3, 4), seed=7, tolerance=10)
    assert loose[0].share < once[0].share
    same = trajectory.Points(subject, np.tile(np.arange(6), 400), np.zeros(2400, np.int64))
    assert [item.unique for item in trajectory.unicity(same)] == [0, 0, 0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=25), st.integers(2, 4))
def test_rare_sets_are_those_of_the_definition(rows: list[tuple[int, int]], k: int) -> None:
    baskets: dict[int, set[int]] = defaultdict(set)
    for who, what in rows:
        baskets[who].add(what)
    found = trajectory.rare_sets(*(np.array(column) for column in zip(*rows, strict=True)), k, 3)
    for number, told in enumerate(found, 1):
        had = Counter(item for basket in baskets.values() for item in itertools.combinations(sorted(basket), number))
        few = {item for item, times in had.items() if times < k}
        people = sum(any(set(item) <= basket for item in few) for basket in baskets.values())
        assert (told.sets, told.rare, told.people) == (len(had), len(few), people)


def test_sets_beyond_the_bound_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectory, "PAIRS", 10)
    assert len(trajectory.rare_sets(np.zeros(20, np.int64), np.arange(20), 2, 3)) == 1
    assert trajectory.rare_sets(np.zeros(0, np.int64), np.zeros(0, np.int64), 2) == ()


def test_groups_from_the_engine_and_from_arrays_agree() -> None:
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT * FROM (VALUES (3, 2), (1, 4), (70, 1))").fetchall()
        table = "(SELECT i % 3 AS a, i % 2 AS b FROM range(20) t(i))"
        data = tuples(connection, table, ["a", "b"])
        for columns in (["a", "b"], ["a"], []):
            plain, counted = groups.k_anonymity(data, columns), groups.of_table(connection, table, columns)
            assert (plain.size.tolist(), plain.groups.tolist()) == (counted.size.tolist(), counted.groups.tolist())
    held = Sizes.counted(rows)
    assert (held.rows, held.number, held.smallest, held.unique) == (80, 7, 1, 4)
    assert held.histogram() == {"1": 4, "3": 6, "more": 70}
    empty = Sizes.counted([])
    assert (empty.rows, empty.smallest, empty.share_below(5)) == (0, 0, 0.0)
    assert groups.prosecutor(empty, 5) == groups.NONE
