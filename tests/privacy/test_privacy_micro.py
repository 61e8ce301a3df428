"""Single values made less telling: averaged in groups, drawn anew, bounded, rounded."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from gate_case import Plain
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.contract.load import freeze
from arengo.contract.model import Contract, Frozen, Kind, Property
from arengo.contract.protection import released
from arengo.errors import PolicyError
from arengo.privacy.micro import draw, numbers
from arengo.privacy.protect import table as protect

NUMBERS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3)), min_size=0, max_size=60)


@settings(max_examples=60, deadline=None)
@given(NUMBERS, st.integers(1, 7))
def test_groups_have_k_to_2k_rows(rows: list[tuple[float, float]], k: int) -> None:
    group = numbers.mdav(np.array(rows, float).reshape(-1, 2), k)
    if len(rows):
        sizes = np.bincount(group)
        assert sizes.min() >= min(k, len(rows))
        assert sizes.max() <= max(2 * k - 1, min(len(rows), 2 * k - 1))


def test_mdav_finds_the_groups_a_person_sees() -> None:
    """Five clusters of three far from each other: the partition of least variance."""
    random = np.random.default_rng(1)
    centres = np.array([[0, 0], [100, 0], [0, 100], [100, 100], [50, 50]])
    values = np.repeat(centres, 3, axis=0) + random.random((15, 2))
    group = numbers.mdav(values, 3)
    assert [len(set(group[at : at + 3])) for at in range(0, 15, 3)] == [1] * 5
    assert len(set(group)) == 5


def test_means_stay_and_many_rows_are_cut_first() -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=(20_000, 2)) * [1, 1000] + [5, 10]
    told = numbers.microaggregate(values, 5)
    assert told.mean(axis=0) == pytest.approx(values.mean(axis=0))
    _, sizes = np.unique(told, axis=0, return_counts=True)
    assert sizes.min() >= 5
    lost = ((values - told) ** 2).sum(axis=0) / ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    assert lost.max() < 0.02


def test_unknown_values_stay_unknown_among_themselves() -> None:
    values = np.array([[1.0, np.nan]] * 3 + [[2.0, 5.0]] * 4 + [[np.nan, np.nan], [np.nan, 3.0]])
    told = numbers.microaggregate(values, 3)
    assert np.isnan(told[:3, 1]).all()
    assert told[:3, 0].tolist() == [1, 1, 1]
    assert np.isnan(told[7:]).all()  # one row alone knows its column: it would keep its own value
    assert numbers.microaggregate(np.zeros((0, 2)), 3).shape == (0, 2)
    with pytest.raises(ValueError, match="at least one row"):
        numbers.mdav(values, 0)


def test_bounds_and_rounding() -> None:
    values = np.array([-3.0, 2.5, 7.0, np.nan])
    np.testing.assert_array_equal(numbers.top(values, 5), [-3, 2.5, 5, np.nan])
    np.testing.assert_array_equal(numbers.bottom(values, 0), [0, 2.5, 7, np.nan])
    np.testing.assert_array_equal(numbers.rounded(values, 5), [-5, 5, 5, np.nan])
    assert numbers.percentile_bound(np.arange(10.0), 3) == 7
    assert numbers.percentile_bound(np.arange(10.0), 3, largest=False) == 2
    assert np.isnan(numbers.percentile_bound(values, 9))
    with pytest.raises(ValueError, match="above zero"):
        numbers.rounded(values, 0)


def test_frequencies_stay_in_expectation() -> None:
    """The matrix is invariant, and what is drawn follows it."""
    shares = np.array([0.7, 0.2, 0.1])
    matrix = draw.transition(shares, 0.4)
    assert shares @ matrix == pytest.approx(shares)
    assert matrix.sum(axis=1) == pytest.approx(1)
    random = draw.generator(b"key", "dataset", "column")
    codes = np.repeat([0, 1, 2, -1], [70_000, 20_000, 10_000, 500])
    told = draw.pram(codes, 0.4, random.random(len(codes)), random.random(len(codes)))
    assert (told[-500:] == -1).all()
    assert np.bincount(told[:-500]) / 1e5 == pytest.approx(shares, abs=0.005)
    for was in range(3):
        became = np.bincount(told[codes == was], minlength=3) / (codes == was).sum()
        assert became == pytest.approx(matrix[was], abs=0.015)
    assert draw.estimated(np.bincount(told[:-500]).astype(float), matrix).sum() == pytest.approx(1e5)
    assert (draw.pram(codes, 0, codes / 1.0, codes / 1.0) == codes).all()
    assert len(draw.pram(np.zeros(0, np.int64), 0.5, np.zeros(0), np.zeros(0))) == 0
    for wrong in (-0.1, 1.1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            draw.pram(codes, wrong, codes / 1.0, codes / 1.0)
        with pytest.raises(ValueError, match="between 0 and 1"):
            draw.transition(shares, wrong)


def test_an_order_that_only_the_key_knows() -> None:
    once, again, other = (draw.shuffle(100, draw.generator(key, "rows")) for key in (b"a", b"a", b"b"))
    assert once.tolist() == again.tolist() != other.tolist()
    assert sorted(once) == list(range(100))


def contract(**custom: object) -> Contract:
    columns = (
        Property("job", Kind.STRING, custom=freeze({"arengoProtect": {"pram": 0.3}})),
        Property("wage", Kind.NUMBER),
        Property("years", Kind.INTEGER),
    )
    return released(Contract("staff", "1.0.0", "Staff", "active", "staff", columns, "staff", None,
                             custom=Frozen(freeze({"arengoAccess": "open", **custom}))))  # fmt: skip


def protected(connection: duckdb.DuckDBPyConnection, order: str, **custom: object) -> dict[str, tuple[object, ...]]:
    connection.execute(
        "CREATE OR REPLACE TABLE read AS SELECT CASE WHEN i % 9 = 0 THEN NULL WHEN i % 3 = 0 THEN 'clerk' ELSE "
        "'nurse' END AS job, CAST(i AS DOUBLE) AS wage, i // 2 AS years, 'p' || i AS id FROM range(300) t(i) "
        f"ORDER BY {order}"
    )
    protect.protect(connection, "read", contract(**custom), Plain(), secret=bytes(32), subject="i.id", into="stored")
    rows = connection.execute("SELECT _subject, job, wage, years FROM stored").fetchall()
    return {row[0]: row[1:] for row in rows}


def test_the_street_draws_the_same_for_a_person_again() -> None:
    with duckdb.connect() as connection:
        once, again = protected(connection, "i"), protected(connection, "i DESC")
        assert once == again
        assert all(row[0] is None for who, row in once.items() if int(who[1:]) % 9 == 0)
        read = dict(connection.execute("SELECT id, job FROM read").fetchall())
        changed = [who for who in read if read[who] != once[who][0]]
        assert 10 < len(changed) < 120


def test_the_street_averages_numbers() -> None:
    with duckdb.connect() as connection:
        told = protected(connection, "i", arengoProtection={"microaggregate": {"k": 4, "columns": ["wage"]}})
        wages = [row[1] for row in told.values()]
        assert min(wages.count(wage) for wage in set(wages)) >= 4
        assert sum(wages) == pytest.approx(sum(range(300)))
        assert told["p7"][2] == 3
        with pytest.raises(PolicyError, match="names the column 'nobody'"):
            protected(connection, "i", arengoProtection={"microaggregate": {"k": 4, "columns": ["nobody"]}})
