"""Step 6 of rows that come after tables of counts: what a table left out is not told by who counts the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from gate_case import Kind, Table, World, plain, quasi, table
from scipy.optimize import linprog

from arengo.privacy import gate, plans
from arengo.privacy import repair as row_repair
from arengo.privacy.case import Case
from arengo.privacy.cells import differencing, later, repair
from arengo.privacy.finding import OUTCOMES

DISTRICTS = ["North", "Old Town", "East", "West", "Hill", "Harbour", "Fields", "Woods"]
SHARE = [30, 20, 15, 12, 10, 6, 5, 2]
Voter = tuple[int, str, str]
"""Age, sex, district."""
CELLS = {"method": "suppress", "threshold": 5}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def voters(seed: int, number: int = 3_778) -> list[Voter]:
    random = Random(seed)
    return [
        (min(max(int(random.gauss(45, 19)), 3), 84), random.choice("KM"), random.choices(DISTRICTS, SHARE)[0])
        for _ in range(number)
    ]


def decade(age: int) -> str:
    return f"{age // 10 * 10}-{age // 10 * 10 + 9}" if age < 80 else "80+"


def five(age: int) -> str:
    return f"{age // 5 * 5}–{age // 5 * 5 + 4}" if age < 80 else "80+"


def counts(people: Sequence[Voter], name: str = "turnout", totals: bool = True, **more: Any) -> Table:
    """Counts by district and decade, with their totals."""
    listed: Counter[tuple[str, str]] = Counter()
    for age, _, district in people:
        for key in ((district, decade(age)), (district, "All"), ("All", decade(age)), ("All", "All")):
            listed[key] += totals or "All" not in key
    rows = [(*key, n) for key, n in sorted(listed.items()) if n]
    columns = {"district": plain(Kind.STRING), "age_band": plain(Kind.STRING), "people": plain(Kind.INTEGER)}
    told = {"by": ["district", "age_band"], "count": "people", **({"total": "All"} if totals else {}), **more}
    return table(name, columns, rows, (), arengoCells=told)


def published(world: World, data: Table, protection: dict[str, Any] | None = None) -> dict[tuple[str, str], int]:
    """Publish a table as the street protects it; the true figures of what it left out."""
    case = repair._made(world.case(data), protection or CELLS, {})
    assert "block" not in {item.outcome for item in differencing.look(case).findings}
    shown = case.connection.execute(f"SELECT district, age_band, people FROM {case.table}").fetchall()
    world.publish(replace(data, rows=shown))
    gone = {(row[0], row[1]) for row in shown if row[2] is None}
    true = {(row[0], row[1]): row[2] for row in data.rows}
    assert gone
    return {key: true[key] for key in gone}


DIMS: dict[str, Callable[[Voter], str]] = {
    "district": lambda voter: voter[2], "age": lambda voter: five(voter[0]), "band": lambda voter: decade(voter[0]),
    "sex": lambda voter: voter[1],
}  # fmt: skip


def rows(people: Sequence[Voter], by: Sequence[str], name: str = "ballots", **custom: Any) -> Table:
    """A row a voter, as it is read."""
    columns = {item: quasi(Kind.STRING) for item in by}
    return table(name, columns, [tuple(DIMS[item](voter) for item in by) for voter in people], (), **custom)


def suppressed(world: World, data: Table, below: int = 5, blank: str = "") -> Case:
    """The rows without those of small groups (or without one value of theirs), as the street makes them."""
    sizes = Counter(tuple(row) for row in data.rows)
    at = list(data.columns).index(blank) if blank else -1
    left = [row if sizes[tuple(row)] >= below else (*row[:at], None, *row[at + 1 :]) for row in data.rows
            if blank or sizes[tuple(row)] >= below]  # fmt: skip
    rule = {"below": below, **({"blank": [blank], "beside": True} if blank else {})}
    shown = replace(data, rows=left, custom={**data.custom, "arengoProtection": {"suppress": rule}})
    return replace(world.case(shown), intake=world.put(data))


def found(case: Case) -> dict[str, Any]:
    return {item.code: item for item in differencing.look(case).findings}


@pytest.mark.parametrize("seed", range(3))
def test_finer_rows_that_add_up_to_what_a_table_left_out(world: World, seed: int) -> None:
    """First shape: districts are not told, but five years make decades, and the table has no totals."""
    people = voters(seed)
    left = published(world, counts(people, totals=False))
    data = rows(people, ("age", "sex"))
    verdict = gate.judge(world.case(data))
    told = {item.code: item for item in verdict.findings}
    assert told["cells-differenced"].outcome == "block"
    assert told["cells-differenced"].releases == ("turnout v1",)
    assert "turnout v1" in told["cells-differenced"].sentence()
    assert 0 < told["cells-differenced"].people <= sum(n for n in left.values() if n < 5)
    assert "age" in told["cells-differenced"].columns


def test_rows_beside_a_table_that_left_something_out_of_nearly_every_line(world: World) -> None:
    people = voters(0, 1_500)
    left = published(world, counts(people, totals=False))
    assert len({band for _, band in left}) == 8
    assert found(world.case(rows(people, ("age", "sex"))))["cells-differenced"].outcome == "block"


@pytest.mark.parametrize("seed", range(3))
def test_rows_whose_small_groups_are_left_out_tell_the_cells_around_them(world: World, seed: int) -> None:
    """Third shape: the small cell is in neither, and its total less the large ones is the rest."""
    people = voters(seed)
    left = published(world, counts(people))
    assert any(n >= 5 for n in left.values())
    case = suppressed(world, rows(people, ("district", "band")))
    told = found(case)
    assert told["cells-differenced"].outcome == "block"
    assert told["cells-differenced"].releases == ("turnout v1",)
    assert told["cells-differenced"].people <= sum(n for n in left.values() if n < 5)


def test_rows_with_single_values_left_out_tell_them_too(world: World) -> None:
    people = voters(1)
    published(world, counts(people))
    case = suppressed(world, rows(people, ("district", "band")), blank="district")
    told = found(case)
    assert told.keys() & {"cells-differenced", "cells-pinned"}


@pytest.mark.parametrize("by", [("district", "band"), ("band",)])
def test_rows_of_one_part_of_the_people(world: World, by: tuple[str, ...]) -> None:
    """Second shape: the rows are those of one district, which a column says in each of them or nothing does."""
    people = voters(2)
    left = published(world, counts(people))
    (around,) = {district for (district, _), n in left.items() if n > 6} - {"Woods", "Fields"}
    part = [voter for voter in people if voter[2] == around]
    told = found(suppressed(world, rows(part, by)))
    assert told["cells-differenced"].releases == ("turnout v1",)


def test_a_table_about_a_part_of_the_rows(world: World) -> None:
    """Second shape: the table counts women (and says so, or not), the rows are everybody's."""
    people = voters(3, 8_000)
    women = [voter for voter in people if voter[1] == "K"]
    published(world, counts(women, where={"sex": ["K"]}))
    assert found(suppressed(world, rows(people, ("district", "band", "sex"))))["cells-differenced"].outcome == "block"


def test_a_table_about_a_part_of_the_rows_that_does_not_say_so(world: World) -> None:
    people = voters(3, 8_000)
    published(world, counts([voter for voter in people if voter[1] == "K"]))
    assert found(suppressed(world, rows(people, ("district", "band", "sex"))))["cells-differenced"].outcome == "block"


def test_what_was_known_before_is_not_held_against_the_rows(world: World) -> None:
    people = voters(1)
    data = rows(people, ("age", "sex"))
    published(world, counts(people, totals=False))
    world.publish(data)
    assert not found(world.case(data))
    assert not found(world.case(rows(people, ("age", "sex"), "again")))


def test_rows_that_tell_nothing_of_what_is_left_out_pass(world: World) -> None:
    people = voters(1)
    published(world, counts(people))
    assert not found(world.case(rows(people, ("band",), "bands")))
    assert not found(world.case(rows(people, ("district",), "districts")))
    assert not found(world.case(rows(people, ("sex",), "sexes")))


def test_rows_of_other_people_stop_nothing(world: World) -> None:
    published(world, counts(voters(1)))
    for seed, number in ((2, 3_778), (3, 3_700), (4, 900), (5, 9_000)):
        assert not found(suppressed(world, rows(voters(seed, number), ("district", "band")))), number
        assert not found(world.case(rows(voters(seed, number), ("age", "sex")))), number


def test_a_table_that_leaves_nothing_out_stops_no_rows(world: World) -> None:
    people = [voter for voter in voters(4) for _ in range(5)]
    world.publish(counts(people))
    assert not found(world.case(rows(people, ("age", "sex"))))
    assert not found(suppressed(world, rows(people, ("district", "band"))))


def test_two_releases_with_other_people_missing_are_laid_together(world: World) -> None:
    """Of each district other voters are missing in the one and in the other: both together miss nobody."""
    people = voters(1)
    published(world, counts(people))
    columns = ("district", "band")
    rule = {"suppress": {"below": 5, "beside": True}}
    small = {key for key, n in Counter((v[2], decade(v[0])) for v in people).items() if n < 5}
    large = [voter for voter in people if (voter[2], decade(voter[0])) not in small]
    around = [voter for voter in large if voter[2] == "Harbour"]
    first, second = (
        [v for v in large if v not in gone]
        for gone in ([v for v in around if decade(v[0]) in ("70-79", "10-19")][:12],
                     [v for v in around if decade(v[0]) in ("0-9", "80+")])
    )  # fmt: skip
    case = replace(world.case(rows(first, columns, arengoProtection=rule)), intake=world.put(rows(people, columns)))
    alone = found(case)
    world.publish(rows(first, columns, "one", arengoProtection=rule))
    case = replace(world.case(rows(second, columns, arengoProtection=rule)), intake=world.put(rows(people, columns)))
    both = found(case)
    assert not alone.keys() & {"cells-differenced"}
    assert any("one v1" in item.releases and "turnout v1" in item.releases for item in both.values()), both


# Repairs


def shown_of(case: Case) -> list[tuple[Any, ...]]:
    columns = ", ".join(f'"{item.column}"' for item in case.release.attributes)
    return case.connection.execute(f"SELECT {columns} FROM {case.table}").fetchall()


def apart(table_: dict[tuple[str, str], int | None], true: Table, seen: Sequence[tuple[str, str]]) -> list[float]:
    """How far apart the least and the most are that somebody who has both finds for each small figure of the table, who
    knows that each count of the rows is the least there is and how many are missing in all."""
    cells = [key for key in table_ if "All" not in key]
    small = {(row[0], row[1]) for row in true.rows if row[2] < 5}
    many = Counter(seen)
    missing = sum(row[2] for row in true.rows if "All" not in row) - len(seen)
    equal = [[float(all(a in (b, "All") for a, b in zip(key, cell, strict=True))) for cell in cells]
             for key, n in table_.items() if n is not None]  # fmt: skip
    figures = [float(n) for n in table_.values() if n is not None]
    ends = [(float(many[cell]), float(many[cell] + missing)) for cell in cells]
    out = []
    for at, cell in enumerate(cells):
        if table_[cell] is None and cell in small:
            unit = np.eye(len(cells))[at]
            low, high = (linprog(sign * unit, A_eq=equal, b_eq=figures, bounds=ends).fun * sign for sign in (1, -1))
            out.append(float(high - low))
    return out


@pytest.mark.parametrize("seed", range(4))
def test_a_repair_leaves_out_the_few_rows_that_tell(world: World, seed: int) -> None:
    people = voters(seed)
    data = counts(people)
    left = published(world, data)
    case = suppressed(world, rows(people, ("district", "band")))
    true = {(row[0], row[1]): row[2] for row in data.rows}
    table_ = {key: None if key in left else n for key, n in true.items()}
    assert min(apart(table_, data, shown_of(case))) < 4.99
    verdict = gate.judge(case)
    wrong = [item for item in verdict.findings if item.outcome in ("repair", "block")]
    (offered,) = [item for item in verdict.repairs if item.kind == "beside"]
    assert 5 <= offered.suppressed <= 0.02 * len(people)
    plan = next(item for item in plans.plans(case, wrong) if item.kind == "beside")
    mended = row_repair._trial(case, plan).case
    assert not {item.code for item in differencing.look(mended).findings}
    assert min(apart(table_, data, shown_of(mended))) >= 4.99
    assert min(Counter(shown_of(mended)).values()) >= 5


def test_a_column_of_which_nothing_is_said_is_not_mended_by_other_names(world: World) -> None:
    people = voters(1)
    published(world, counts(people))
    data = rows(people, ("district", "band"))
    columns = {"district": plain(Kind.STRING), "band": quasi(Kind.STRING)}
    verdict = gate.judge(suppressed(world, replace(data, columns=columns)))
    assert "cells-differenced" in {item.code for item in verdict.findings if item.outcome == "block"}
    assert "beside" in {item.kind for item in verdict.repairs}
    assert not {item.kind for item in verdict.repairs} & {"pseudonym", "redact"}
    assert all(told == ("drop",) for item in verdict.repairs for told in item.columns.values())


def test_a_coarser_level_is_offered(world: World) -> None:
    people = voters(2)
    world.lists(parts="\n".join(["district,part,side", *(f"{name},p{at // 2},s{at // 4}"
                                                        for at, name in enumerate(DISTRICTS))]))  # fmt: skip
    published(world, counts(people))
    data = rows(people, ("district", "band"))
    columns = {**data.columns, "district": quasi(Kind.STRING, arengoHierarchy="parts")}
    verdict = gate.judge(suppressed(world, replace(data, columns=columns)))
    levels = [
        item for item in verdict.repairs if item.kind == "generalise" and item.columns.get("district") != ("drop",)
    ]
    assert levels
    assert levels[0].columns["district"][0]["level"] in ("part", "side")
    assert all(OUTCOMES.index(item.outcome) <= OUTCOMES.index("review") for item in verdict.repairs)


def test_rows_that_are_linked_to_persons_lose_the_same_persons(world: World) -> None:
    people = voters(1)
    world.register(("district", "band"), {at: (v[2], decade(v[0])) for at, v in enumerate(people)})
    published(world, counts(people))
    data = rows(people, ("district", "band"))
    data = replace(data, columns={"district": quasi(Kind.STRING, "district"), "band": quasi(Kind.STRING, "band")})
    sizes = Counter(tuple(row) for row in data.rows)
    kept = [at for at, row in enumerate(data.rows) if sizes[tuple(row)] >= 5]
    rule = {"suppress": {"below": 5}}
    shown = replace(data, rows=[data.rows[at] for at in kept], people=kept,
                    custom={**data.custom, "arengoProtection": rule})  # fmt: skip
    case = replace(world.case(shown), intake=world.put(data))
    verdict = gate.judge(case)
    assert {item.code for item in verdict.findings if item.outcome == "block"} == {"cells-differenced"}
    wrong = [item for item in verdict.findings if item.outcome in ("repair", "block")]
    plan = next(item for item in plans.plans(case, wrong) if item.kind == "beside")
    gone = []
    for _ in range(2):
        mended = row_repair._trial(case, plan).case
        left = {row[0] for row in mended.connection.execute(f"SELECT _subject FROM {mended.table}").fetchall()}
        gone.append(frozenset(row[0] for row in case.connection.execute(
            f"SELECT _subject FROM {case.table}").fetchall() if row[0] not in left))  # fmt: skip
    assert gone[0] == gone[1]
    assert len(gone[0]) >= 5


# Bad input


def test_names_that_are_sql_are_only_names(world: World) -> None:
    """Columns and labels with quotes of both kinds."""
    people = [(age, sex, {"Woods": "Wo'o\"ds'; --", "Hill": "H'"}.get(place, place)) for age, sex, place in voters(1)]
    published(world, counts(people))
    data = rows(people, ("district", "band"))
    columns = {"dis'tr\"ict; --": data.columns["district"], "ba\"nd')": data.columns["band"]}
    told = found(suppressed(world, replace(data, columns=columns)))
    assert told["cells-differenced"].outcome == "block"
    verdict = gate.judge(suppressed(world, replace(data, columns=columns)))
    assert "beside" in {item.kind for item in verdict.repairs}


def test_what_the_time_does_not_suffice_for_is_a_review(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    people = voters(1)
    published(world, counts(people))
    monkeypatch.setattr(later, "SECONDS", -1.0)
    told = found(suppressed(world, rows(people, ("district", "band"))))
    assert {item.code: item.outcome for item in told.values()} == {"not-looked": "review"}
    assert told["not-looked"].releases == ("turnout v1",)


def test_a_table_whose_cells_are_not_kept_is_a_review(world: World) -> None:
    people = voters(1)
    published(world, counts(people))
    case = replace(world.case(rows(people, ("band",))), rows=lambda release: "")
    assert found(case)["not-looked"].outcome == "review"


def test_tables_of_nothing_but_hidden_figures_say_nothing(world: World) -> None:
    people = voters(1)
    data = counts(people)
    world.publish(replace(data, rows=[(*row[:2], None) for row in data.rows]))
    world.publish(replace(data, dataset="empty", rows=[]))
    assert not found(world.case(rows(people, ("age", "sex"))))


def test_rounded_tables_are_no_sums(world: World) -> None:
    people = voters(1)
    data = counts(people)
    rounded = [(*row[:2], round(row[2] / 5) * 5 or None) for row in data.rows]
    custom = {**data.custom, "arengoProtection": {"cells": {"method": "round", "base": 5}}}
    world.publish(replace(data, rows=rounded, custom=custom))
    assert not found(world.case(rows(people, ("age", "sex"))))
