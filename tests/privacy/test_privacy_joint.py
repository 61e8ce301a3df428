"""Step 3: groups that several releases make together, who pays for them, and what is not counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from gate_case import Kind, Plain, Table, World, quasi, table

from arengo.privacy.finding import Report
from arengo.privacy.overlap import joint


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain(), k=5)
    yield made
    made.close()


def people(n: int, seed: int = 5) -> list[tuple[str, str, str]]:
    random = Random(seed)
    return [(f"d{random.randrange(8)}", f"{random.randrange(9) * 10}s", random.choice("FM")) for _ in range(n)]


COLUMNS = {
    "district": quasi(Kind.STRING, "residence"),
    "band": quasi(Kind.STRING, "birth-date"),
    "sex": quasi(Kind.STRING, "sex"),
}


def some(world: World, name: str, columns: str, n: int = 400, **more: object) -> Table:
    chosen = columns.split()
    at = [list(COLUMNS).index(column) for column in chosen]
    rows = [tuple(row[i] for i in at) for row in people(n)]
    return table(name, {column: COLUMNS[column] for column in chosen}, rows, **more)  # type: ignore[arg-type]


def exact(releases: list[tuple[dict[int, tuple[object, ...]], bool]]) -> dict[int, int]:
    """Size of each person's joint class, from the definition: one dictionary of released values a series."""
    everybody = {who for told, _ in releases for who in told}
    seen = {who: tuple(told.get(who) for told, _ in releases) for who in everybody}
    sizes: dict[tuple[object, ...], int] = {}
    for key in seen.values():
        sizes[key] = sizes.get(key, 0) + 1
    return {who: sizes[seen[who]] for who in everybody}


def test_two_harmless_tables_single_people_out_together(world: World) -> None:
    world.publish(some(world, "loans", "district sex"))
    report = joint.look(world.case(some(world, "visits", "band sex")))
    told = people(400)
    sizes = exact(
        [({i: (r[0], r[2]) for i, r in enumerate(told)}, True), ({i: (r[1], r[2]) for i, r in enumerate(told)}, True)]
    )
    below = [who for who, n in sizes.items() if n < 5]
    (finding,) = report.findings
    assert finding.outcome == "block"
    assert finding.people == len(below) > 20
    assert finding.releases == ("loans v1",)
    assert report.measured["singled_out"] == sum(n == 1 for n in sizes.values())
    assert sum(report.measured["after"].values()) == 400
    assert report.measured["releases"][0] == {
        "label": "loans v1", "columns": ["district", "sex"], "alone": 0, "together": len(below), "costs": len(below)
    }  # fmt: skip
    assert report.measured["columns"][0]["column"] == "band"
    assert "turns" in finding.sentence()
    assert "…" not in finding.sentence()


def test_what_is_public_already_tells_nothing_new(world: World) -> None:
    world.publish(some(world, "loans", "district sex"))
    assert joint.look(world.case(some(world, "clubs", "sex"))).findings == ()
    assert joint.look(world.case(some(world, "loans", "district sex"))).findings == ()
    half = some(world, "clubs", "sex")
    assert joint.look(world.case(replace(half, rows=half.rows[:40], people=half.people[:40]))).findings == ()


def test_other_people_are_not_refined(world: World) -> None:
    world.publish(some(world, "loans", "district sex"))
    other = some(world, "visits", "band sex", people=list(range(1000, 1400)))
    assert joint.look(world.case(other)).findings == ()


def test_the_dear_release_is_named_and_the_harmless_is_not(world: World) -> None:
    world.publish(some(world, "clubs", "sex"))
    world.publish(some(world, "loans", "district"))
    report = joint.look(world.case(some(world, "visits", "band sex")))
    assert report.findings[0].releases == ("loans v1",)
    assert {item["label"]: item["costs"] > 0 for item in report.measured["releases"]} == {
        "loans v1": True,
        "clubs v1": False,
    }


def test_without_files_the_classes_come_from_the_rows(world: World) -> None:
    world.publish(some(world, "loans", "district sex"))
    case = world.case(some(world, "visits", "band sex"))
    first = joint.look(case)
    world.releases.classes.path("residents").unlink()
    again = joint.look(case)
    assert first == again
    assert joint.people_below(case) == first.findings[0].people


def test_rows_that_are_gone_are_said(world: World) -> None:
    release = world.publish(some(world, "loans", "district sex"))
    case = world.case(some(world, "visits", "band sex"))
    world.releases.classes.path("residents").unlink()
    world.releases.path(release.dataset, release.number).unlink()
    report = joint.look(case)
    assert [(item.code, item.outcome) for item in report.findings] == [("overlap-rows-gone", "review")]


def test_nothing_declared_is_no_pass(world: World) -> None:
    bare = some(world, "visits", "band sex", population="")
    assert [item.code for item in joint.look(world.case(bare)).findings] == ["overlap-no-population"]
    unknown = some(world, "visits", "band sex", population="martians")
    assert [item.code for item in joint.look(world.case(unknown)).findings] == ["overlap-unknown-population"]


def test_rows_of_nobody_are_compared_through_the_register(world: World) -> None:
    world.publish(some(world, "loans", "district sex"))
    unlinked = some(world, "visits", "band sex", people=())
    assert [item.code for item in joint.look(world.case(unlinked)).findings] == ["overlap-unlinked"]
    world.register(("residence", "birth-date", "sex"), dict(enumerate(people(400))))
    linked = joint.look(world.case(some(world, "visits", "band sex")))
    assert joint.look(world.case(unlinked)).findings == linked.findings
    other = World(world.settings.root / "other", codes=Plain())
    other.register(("residence", "birth-date", "sex"), dict(enumerate(people(400))))
    other.publish(some(other, "loans", "district sex", people=()))
    assert joint.look(other.case(some(other, "visits", "band sex"))).findings[0].people == linked.findings[0].people
    other.close()


def test_a_recipients_own_release_counts_for_that_recipient_and_for_everybody(world: World) -> None:
    world.publish(some(world, "loans", "district sex"), recipient="university")
    candidate = some(world, "visits", "band sex")
    assert joint.look(world.case(candidate, recipient="institute")).findings == ()
    assert joint.look(world.case(candidate, recipient="university")).findings[0].outcome == "block"
    assert joint.look(world.case(candidate)).findings[0].outcome == "block"


def test_an_appended_part_is_read_with_what_was_there(world: World) -> None:
    world.publish(some(world, "clubs", "sex", 401))
    whole = some(world, "loans", "district sex", 401)
    world.publish(replace(whole, rows=whole.rows[:400], people=range(400)))
    grown = replace(whole, people=[*([None] * 400), 400])
    assert joint.look(world.case(grown)).findings == ()


def test_the_repair_search_gets_the_classes_of_the_others(world: World) -> None:
    world.publish(some(world, "loans", "district"))
    candidate = some(world, "visits", "band sex")
    case = world.case(replace(candidate, people=[*range(399), 5000]))
    found = joint.joint_classes(case)
    assert found.shape == (400,)
    assert found[399] == 0
    told = people(400)
    pairs = {(told[i][0], int(found[i])) for i in range(399)}
    assert len(pairs) == len({district for district, _ in pairs}) == len({number for _, number in pairs})
    counts = table("counts", {"n": (Kind.INTEGER, {})}, [(400,)], ())
    assert joint.look(world.case(counts)) == Report()
