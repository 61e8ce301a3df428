"""Tables of counts and sums: rules, the attacker with linear programs, the three protections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from gate_case import Kind, Plain, World, plain, quasi, sensitive, table
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.errors import BadQuery, PolicyError, TooExpensive
from arengo.privacy import cells
from arengo.privacy.cells import attacker, key, repair, rounding, rules, step, suppress
from arengo.privacy.cells.repair import cheapest
from arengo.privacy.cells.table import Table, build, layout, read, tree
from arengo.privacy.protect import protect
from arengo.privacy.verdict import Repair

LIMIT = 5


def cube(shape: tuple[int, ...], values: Any) -> Table:
    """All cells of the margins of a table, the total labelled T."""
    full = np.array(values, float).reshape(shape)
    for axis in range(len(shape)):
        full = np.concatenate([full, full.sum(axis=axis, keepdims=True)], axis=axis)
    labels = [[f"{'abcd'[at]}{place}" for place in range(size)] + ["T"] for at, size in enumerate(shape)]
    keys = [tuple(labels[at][place] for at, place in enumerate(index)) for index in np.ndindex(*full.shape)]
    parents = [tree(row, "T") for row in labels]
    return build(list("abcd")[: len(shape)], keys, {"count": full.ravel()}, parents, "T")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


def counts(
    dataset: str, rows: list[tuple[Any, ...]], dims: tuple[str, ...] = ("district", "age"), **custom: Any
) -> Any:
    columns = {name: quasi(Kind.STRING, name) for name in dims} | {"people": plain(Kind.INTEGER)}
    told = {"arengoCells": {"by": list(dims), "count": "people", "total": "All"}, **custom}
    return table(dataset, columns, rows, people=(), **told)


def codes_of(report: Any) -> dict[str, str]:
    return {item.code: item.outcome for item in report.findings}


def square(small: int | None, second: int | None = 20) -> list[tuple[str, str, int | None]]:
    """Two districts, two ages, and every margin."""
    return [
        ("north", "young", small), ("north", "old", 30), ("south", "young", second), ("south", "old", 40),
        ("north", "All", 30 + 3), ("south", "All", 60), ("All", "young", 23), ("All", "old", 70), ("All", "All", 93),
    ]  # fmt: skip


def test_threshold_spares_empty_and_withheld_cells() -> None:
    assert rules.small(np.array([0.0, 1, 4, 5, np.nan]), 5).tolist() == [False, True, True, False, False]


def test_dominance_and_p_percent_by_the_handbooks_examples() -> None:
    sums, first, second = np.array([100.0, 100, 100]), np.array([70.0, 50, 60]), np.array([20.0, 20, 38])
    assert rules.dominated(sums, first, second, None, 2, 0.85).tolist() == [True, False, True]
    assert rules.estimable(sums, first, second, 0.1).tolist() == [False, False, True]
    # One contributor dominates alone, whatever the share says.
    assert rules.dominated(sums[:1], sums[:1], np.zeros(1), np.ones(1), 1, 0.99).tolist() == [True]


def test_rows_become_cells_with_their_sums(world: World) -> None:
    name = world.put(counts("t", square(3)))
    told = layout({"by": ["district", "age"], "count": "people", "total": "All"})
    made = read(world.connection, name, told, ("people",))
    assert len(made) == 9
    assert len(made.equations) == 6
    assert made.inner().sum() == 4


def test_a_hierarchy_in_one_column_adds_up_level_by_level() -> None:
    above = {"s1": ["d1"], "s2": ["d1"], "s3": ["d2"]}
    parents = tree(["s1", "s2", "s3", "d1", "d2", "T"], "T", lambda label: above.get(label, []))
    keys = [(name,) for name in ("s1", "s2", "s3", "d1", "d2", "T")]
    made = build(["place"], keys, {"count": np.array([1.0, 2, 3, 3, 3, 6])}, [parents], "T")
    assert {(item.parent, item.children) for item in made.equations} == {(3, (0, 1)), (4, (2,)), (5, (3, 4))}
    # What is left out of a district with one section is given away by the district.
    found = attacker.audit(made, "count", 5.0, withheld=np.array([False, False, True, False, False, False]))
    assert (found.bounds.lower, found.bounds.upper) == ([3.0], [3.0])


def test_a_small_cell_calls_for_a_repair(world: World) -> None:
    report = step.look(world.case(counts("t", square(3))))
    assert codes_of(report) == {"cells-small": "repair"}
    assert report.findings[0].people == 3


def test_a_large_table_passes_with_a_note(world: World) -> None:
    rows = [("north", "All", 33), ("south", "All", 60), ("All", "All", 93)]
    assert codes_of(step.look(world.case(counts("t", rows)))) == {"cells-judged": "pass"}


def test_one_withheld_cell_is_derived_from_its_margins(world: World) -> None:
    """Acceptance case 8."""
    report = step.look(world.case(counts("t", square(None))))
    assert codes_of(report) == {"cells-recovered": "block"}


def test_two_withheld_cells_of_a_line_are_still_derived_by_the_other_line(world: World) -> None:
    assert codes_of(step.look(world.case(counts("t", square(None, None)))))["cells-recovered"] == "block"


def test_a_cell_that_was_left_out_as_a_row_is_found_by_the_sum(world: World) -> None:
    rows = [row for row in square(3) if row[:2] != ("north", "young")]
    assert codes_of(step.look(world.case(counts("t", rows))))["cells-recovered"] == "block"


def test_a_narrow_interval_calls_for_a_repair(world: World) -> None:
    rows = [("a", "All", None), ("b", "All", None), ("c", "All", 50), ("All", "All", 53)]
    assert codes_of(step.look(world.case(counts("t", rows)))) == {"cells-narrow": "repair"}


def test_contributors_count_and_not_rows(world: World) -> None:
    """Acceptance case 6: a heat map's cell with many points of one person."""
    columns = {"cell": plain(Kind.STRING), "points": plain(Kind.INTEGER), "users": plain(Kind.INTEGER)}
    data = table("heat", columns, [("x1", 9000, 1), ("x2", 7000, 80), ("x3", 12, 3)], people=(),
                 arengoCells={"by": ["cell"], "sums": [{"column": "points", "contributors": "users"}]})  # fmt: skip
    report = step.look(world.case(data))
    assert codes_of(report) == {"cells-few-contributors": "repair"}
    assert report.findings[0].facts["cells"] == 2


def test_a_repair_keeps_what_is_promised_of_cells(world: World) -> None:
    hide = [{"district": "south", "age": "old"}]
    there = {"method": "suppress", "threshold": 8, "hide": hide, "beside": True, "seed": "a"}
    case = world.case(counts("t", square(3), arengoProtection={"cells": there, "shuffle": True}))
    repairs = {item.id: item for item in repair.propose(case, step.look(case).findings)}
    assert repairs
    for item in repairs.values():
        told = item.contract["cells"]
        assert item.contract["shuffle"] is True
        assert (told["threshold"], told["seed"], len(told["hide"])) == (8, "a", 1)
        assert told["method"] != "suppress" or told["beside"] is True


def test_of_many_repairs_the_three_cheapest_that_differ_are_shown() -> None:
    def made(id: str, loss: float, kind: str = "generalise", outcome: str = "pass", **more: Any) -> Repair:
        return Repair(id, kind, loss=loss, outcome=outcome, **more)

    found = [
        made("dear", 0.6), made("cells-key", 0.01, "noise", "review"),
        made("cells-suppress", 0.2, "cells", suppressed=4), made("one", 0.3), made("same", 0.3),
        made("cells-round", 0.1, "cells"),
    ]  # fmt: skip
    assert [item.id for item in cheapest(found)] == ["cells-round", "cells-suppress", "one"]
    assert [item.id for item in cheapest(found[:2])] == ["dear", "cells-key"]
    assert cheapest([]) == ()


def test_dominated_sums_and_shown_contributions(world: World) -> None:
    columns = {"sector": plain(Kind.STRING), "firms": plain(Kind.INTEGER), "turnover": plain(Kind.NUMBER),
               "top": plain(Kind.NUMBER), "next": plain(Kind.NUMBER)}  # fmt: skip
    told = {"by": ["sector"], "count": "firms",
            "sums": [{"column": "turnover", "largest": "top", "second": "next"}]}  # fmt: skip
    rows = [("bread", 12, 100.0, 60.0, 38.0), ("wood", 20, 100.0, 20.0, 10.0)]
    report = step.look(world.case(table("firms", columns, rows, people=(), arengoCells=told)))
    assert codes_of(report) == {
        "cells-contribution-shown": "repair", "cells-dominated": "repair", "cells-estimable": "repair",
    }  # fmt: skip


def test_a_margin_of_one_category_discloses_the_group(world: World) -> None:
    columns = {"district": quasi(Kind.STRING, "district"), "benefit": sensitive(Kind.STRING, "benefit"),
               "people": plain(Kind.INTEGER)}  # fmt: skip
    rows = [("north", "yes", 12), ("north", "no", 0), ("south", "yes", 9), ("south", "no", 50)]
    data = table("t", columns, rows, people=(), arengoCells={"by": ["district", "benefit"], "count": "people"})
    report = step.look(world.case(data))
    assert codes_of(report) == {"cells-one-category": "repair"}
    assert report.findings[0].people == 12


def test_undeclared_counts_are_a_note_and_no_alarm(world: World) -> None:
    columns = {"district": plain(Kind.STRING), "population": plain(Kind.INTEGER)}
    assert codes_of(step.look(world.case(table("t", columns, [("n", 4), ("s", 900)], people=())))) == {
        "cells-not-declared": "pass"
    }
    trees = {"street": plain(Kind.STRING), "height": plain(Kind.INTEGER)}
    assert not step.look(world.case(table("trees", trees, [("a", 3)], people=()))).findings


def test_cells_that_stand_twice_are_said(world: World) -> None:
    rows = [("north", "young", 30), ("north", "young", 31)]
    assert codes_of(step.look(world.case(counts("t", rows)))) == {"cells-repeated": "review"}


def test_a_table_without_its_columns_is_not_passed(world: World) -> None:
    data = counts("t", square(3))
    told = {"by": ["district", "nowhere"], "count": "people"}
    report = step.look(world.case(table("t", data.columns, data.rows, people=(), arengoCells=told)))
    assert codes_of(report) == {"not-looked": "review"}


# Protection


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_the_attacker_does_not_win_after_suppression(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(3, 3), (4, 3), (5,), (3, 3, 2)]))
    size = int(np.prod(shape))
    made = cube(shape, data.draw(st.lists(st.integers(0, 30), min_size=size, max_size=size)))
    values = made.values["count"]
    first = rules.small(values, LIMIT)
    width = np.full(len(made), float(LIMIT))
    done = suppress.protect(made, "count", first, width, seconds=5)
    assert (done.withheld | ~first).all()
    if done.open:  # nothing protects it in this table: then all it adds up to is withheld
        return
    shown = np.where(done.withheld, np.nan, values)
    seen = build(made.by, made.keys, {"count": shown}, made.parents, made.total)
    found = attacker.audit(seen, "count", float(LIMIT), only=first, seconds=20)
    assert found.bounds.looked.all()
    assert (found.bounds.width >= LIMIT).all()


def test_the_cheapest_second_cells_are_found() -> None:
    made = cube((3, 3), [3, 30, 31, 40, 6, 60, 70, 80, 90])
    first = rules.small(made.values["count"], LIMIT)
    done = suppress.protect(made, "count", first, np.full(len(made), float(LIMIT)))
    assert done.optimal
    assert done.second == 3
    assert made.keys.index(("a1", "b1")) in np.flatnonzero(done.withheld)


def test_a_table_with_unknown_figures_is_refused() -> None:
    made = cube((2,), [3, 40])
    holes = build(made.by, made.keys, {"count": np.array([3.0, np.nan, 43.0])}, made.parents, made.total)
    with pytest.raises(BadQuery):
        suppress.protect(holes, "count", np.array([True, False, False]), np.full(3, 5.0))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=12, max_size=12), st.sampled_from([3, 5, 10]), st.binary(max_size=4))
def test_controlled_rounding_adds_up_and_stays_near(values: list[int], base: int, seed: bytes) -> None:
    made = cube((4, 3), values)
    out = rounding.rounded(made, "count", base, seed=seed)
    assert (out % base == 0).all()
    assert (np.abs(out - made.values["count"]) < base).all()
    assert np.abs(suppress.sums_of(made) @ out).max() == 0
    assert (out == rounding.rounded(made, "count", base, seed=seed)).all()


def test_three_dimensions_round_too() -> None:
    source = np.random.default_rng(5)
    made = cube((4, 3, 3), source.integers(0, 25, 36))
    out = rounding.rounded(made, "count", 5)
    assert np.abs(suppress.sums_of(made) @ out).max() == 0
    assert (np.abs(out - made.values["count"]) < 10).all()


@given(st.integers(1, 200), st.integers(2, 10), st.integers(0, 9))
def test_cell_key_noise_has_no_bias_and_shows_nothing_small(count: int, limit: int, hidden: int) -> None:
    steps, chance = key.noise(min(count, 2 * limit + hidden + 1), limit, hidden, limit * limit / 4)
    true = min(count, 2 * limit + hidden + 1)
    assert sum(chance) == pytest.approx(1)
    assert float(np.dot(steps, chance)) == pytest.approx(0, abs=1e-6)
    assert all(true + item >= 0 and not 0 < true + item <= hidden for item in steps)
    assert key.noise(0, limit, hidden, 4.0) == ((0,), (1.0,))


def test_the_same_persons_get_the_same_noise_in_every_table() -> None:
    connection = duckdb.connect(":memory:")
    connection.execute("CREATE TABLE people AS SELECT 'p' || i AS _subject, i % 7 AS ward, i % 7 < 3 AS half "
                       "FROM range(500) t(i)")  # fmt: skip
    secret = key.secret_for(b"city", "residents").hex()
    one, two = (
        connection.execute(
            f"SELECT count(*), sum({cells.record_key('_subject')}) FROM people WHERE {where}", [secret]
        ).fetchone()
        for where in ("ward IN (0, 1, 2)", "half")
    )
    connection.close()
    assert one is not None
    assert one == two
    assert 0 <= int(one[1]) % key.SPAN < key.SPAN
    shown = [cells.protect_groups([{"x": name}], [one[0]], method="cell-key", keys=[int(one[1])]) for name in "ab"]
    assert shown[0].counts == shown[1].counts


def test_groups_of_an_answer_are_protected_also_by_the_total_the_reader_knows() -> None:
    groups = [{"d": name} for name in "abc"]
    done = cells.protect_groups(groups, [3, 40, 12], whole=55, figures={"sum": [1.5, 2.0, None]})
    assert done.counts == (None, 40, None)
    assert (done.withheld, done.second) == (2, 1)
    assert done.figures["sum"] == (None, 2.0, None)
    rounded = cells.protect_groups(groups, [3, 40, 12], method="round", base=5)
    assert all(item is not None and item % 5 == 0 for item in rounded.counts)
    assert cells.protect_groups([], []).counts == ()
    with pytest.raises(TooExpensive):
        cells.protect_groups([{"d": 1}] * 20_001, [9] * 20_001)


def test_two_answers_with_one_group_and_the_whole_hide_the_group() -> None:
    done = cells.protect_groups([{"d": "a"}, {"d": "b"}], [3, 40], whole=43)
    assert done.counts == (None, None)


def made_by(world: World, data: Any, **extra: Any) -> tuple[list[tuple[Any, ...]], Any]:
    contract = data.contract()
    name = world.put(data, contract.as_read())
    done = protect(world.connection, name, contract, world.hierarchies(), secret=bytes(32), subject="", into="_made",
                   **extra)  # fmt: skip
    rows = world.connection.execute("SELECT district, age, people FROM _made ORDER BY _number").fetchall()
    return rows, done


@pytest.mark.parametrize("method", ["suppress", "round", "cell-key"])
def test_the_street_protects_a_table_and_the_gate_lets_it_pass(world: World, method: str) -> None:
    data = counts("t", square(3), arengoProtection={"cells": {"method": method, "base": 5}})
    rows, done = made_by(world, data)
    shown = {row[:2]: row[2] for row in rows}
    assert shown["north", "young"] != 3
    case = world.case(counts("t", rows, arengoProtection={"cells": {"method": method, "base": 5}}))
    assert codes_of(step.look(case)) == {"cells-judged": "pass"}
    if method == "suppress":
        assert done.suppressed == sum(value is None for value in shown.values()) == 4
    if method == "round":
        assert shown["All", "All"] == shown["north", "All"] + shown["south", "All"]
    assert rows == made_by(world, data)[0]  # the same at the next publication


def test_named_cells_are_hidden_with_what_protects_them(world: World) -> None:
    hide = [{"district": "south", "age": "old"}]
    data = counts("t", square(23), arengoProtection={"cells": {"method": "suppress", "hide": hide}})
    data.rows[4], data.rows[6], data.rows[8] = (*data.rows[4][:2], 53), ("All", "young", 43), ("All", "All", 113)
    rows, _ = made_by(world, data)
    assert sum(row[2] is None for row in rows) >= 4
    assert {row[:2]: row[2] for row in rows}["south", "old"] is None


def test_what_is_no_table_of_counts_cannot_be_protected_as_one(world: World) -> None:
    data = table("t", {"district": plain(Kind.STRING)}, [("a",)], people=(),
                 arengoProtection={"cells": {"method": "suppress"}})  # fmt: skip
    with pytest.raises(PolicyError, match="arengoCells"):
        protect(world.connection, world.put(data), data.contract(), world.hierarchies(), secret=bytes(32), subject="",
                into="_made")  # fmt: skip


def test_repairs_are_tried_and_measured(world: World) -> None:
    case = world.case(counts("t", square(3)))
    findings = step.look(case).findings
    repairs = {item.id: item for item in repair.propose(case, findings)}
    assert set(repairs) == {"cells-suppress", "cells-round", "cells-key"}
    assert all(item.outcome == "pass" and 0 < item.loss < 1 for item in repairs.values())
    assert repairs["cells-suppress"].suppressed == 4
    assert repairs["cells-round"].errors["margins"] < 0.2
    assert dict(repairs["cells-suppress"].contract)["cells"]["method"] == "suppress"
    assert not list(repair.propose(case, ()))
