"""Two populations of one register: what is public about pupils is laid beside what is public about voters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from gate_case import SECRET, Kind, Plain, Table, World, plain, quasi, sensitive, table

from arengo.errors import PublicationRefused
from arengo.portal import privacy_words
from arengo.portal.language import Speech
from arengo.privacy import gate
from arengo.privacy.cells import differencing
from arengo.privacy.finding import Finding
from arengo.privacy.noise.budget import Budget, Spend
from arengo.privacy.overlap import intersection, joint
from arengo.privacy.population import blind
from arengo.privacy.release import Population, kin
from arengo.privacy.risk import linkage

TWO = """\
[populations.pupils]
register = "resident-register"
[populations.voters]
register = "resident-register"
[populations.guests]
register = "guest-register"
[populations.households]
register = "resident-register"
unit = "household"
"""
APART = TWO.replace('"resident-register"\n[populations.voters]', '"school-roll"\n[populations.voters]')


def world_of(folder: Path, told: str = TWO, **settings: Any) -> World:
    world = World(folder, told, codes=Plain(), **{"k": 5, **settings})
    for name in ("pupils", "voters"):
        world.register(
            ("residence", "school", "age", "turnout"), dict.fromkeys(range(2000), ("a", "b", "c", "d")), name
        )
    return world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = world_of(tmp_path)
    yield made
    made.close()


DISTRICT = {"district": quasi(Kind.STRING, "residence")}
SCHOOL = {**DISTRICT, "school": quasi(Kind.STRING, "school")}
POLL = {**DISTRICT, "poll": quasi(Kind.STRING, "turnout")}


def pupils(n: int = 200, name: str = "enrolments", columns: Mapping[str, Any] = SCHOOL) -> Table:
    random = Random(3)
    rows = [(f"d{who % 2}", random.choice("xyz"))[: len(columns)] for who in range(n)]
    return table(name, columns, rows, population="pupils")


def voters(first: int, last: int, columns: Mapping[str, Any] = POLL, population: str = "voters") -> Table:
    random = Random(4)
    rows = [(f"d{who % 2}", random.choice("NMSW"))[: len(columns)] for who in range(first, last)]
    return table("ballots", columns, rows, list(range(first, last)), population=population)


def small(one: Table, other: Table, k: int = 5) -> tuple[int, set[Any]]:
    """From the definition: who of ``other`` stands in a group below k that both tables make, and is also in ``one``."""
    first = dict(zip(one.people, one.rows, strict=True))
    second = dict(zip(other.people, other.rows, strict=True))
    seen = {who: (first.get(who), second.get(who)) for who in {*first, *second}}
    sizes: dict[Any, int] = {}
    for key in seen.values():
        sizes[key] = sizes.get(key, 0) + 1
    met = {who for who in first.keys() & second.keys() if sizes[seen[who]] < k}
    return len(met), met


def test_who_shares_a_register(world: World) -> None:
    known = world.populations
    assert [item.name for item in known.kin("pupils")] == ["voters"]
    assert [item.name for item in known.kin("voters")] == ["pupils"]
    assert known.kin("guests") == known.kin("households") == known.kin("nobody") == ()
    assert kin(Population("a"), [Population("a"), Population("b")]) == ()  # no register is not one register
    assert kin(None, known.all()) == ()


def test_people_of_both_are_counted_together(world: World) -> None:
    first = world.publish(pupils())
    second = voters(160, 400)  # forty of the pupils vote
    case = world.case(second)
    report = joint.look(case)
    people, _ = small(pupils(), second)
    (finding,) = (item for item in report.findings if item.code == "overlap-joint")
    assert (finding.outcome, finding.people, finding.releases) == ("block", people, (first.label,))
    assert 10 < people <= 40, "who is in one table only is in no group of both"
    assert report.measured["releases"][0]["costs"] == people


def test_the_files_and_the_rows_say_the_same(world: World) -> None:
    world.publish(pupils())
    world.publish(pupils(120, "clubs"))
    world.publish(replace(voters(100, 300, DISTRICT), dataset="turnout"))
    second = voters(100, 300)
    first = joint.look(world.case(second))
    assert first.measured["people"]
    assert len(first.measured["releases"]) == 3
    world.releases.classes.path("pupils").unlink()
    assert joint.look(world.case(second)) == first
    world.releases.rebuild("pupils")
    world.releases.classes.path("voters").unlink()
    assert joint.look(world.case(second)) == first


def test_populations_of_two_registers_stay_apart(tmp_path: Path) -> None:
    world = world_of(tmp_path, APART)
    world.publish(pupils())
    assert [item.code for item in joint.look(world.case(voters(160, 400))).findings] == []
    world.close()


@pytest.mark.parametrize(
    "second",
    [
        voters(300, 600),  # nobody is in both
        voters(100, 400, DISTRICT),  # the same district of the same people tells nothing new
        voters(0, 200, {"district": plain(Kind.STRING, arengoPrivacyConcept="residence")}),
    ],
)
def test_what_tells_nothing_new_passes(world: World, second: Table) -> None:
    world.publish(pupils(columns=SCHOOL))
    case = world.case(second)
    found: Sequence[Finding] = [
        item
        for look in (joint.look, intersection.look, linkage.look, differencing.look)
        for item in look(case).findings
    ]
    assert [item.code for item in found if item.outcome != "pass"] == []


def test_the_same_again_under_another_population_passes(world: World) -> None:
    """A contract that corrects its population is compared with its own earlier versions, and splits nobody."""
    world.publish(replace(pupils(), dataset="register-of-schools"))
    again = pupils(name="register-of-schools")
    moved = replace(again, custom={**again.custom, "arengoPopulation": "voters"})
    assert joint.look(world.case(moved)).findings == ()
    world.publish(moved)
    assert joint.look(world.case(moved)).findings == ()
    assert joint.look(world.case(again)).findings == ()


def test_sensitive_values_meet(world: World) -> None:
    benefit = {**DISTRICT, "aid": sensitive(Kind.STRING, "aid")}
    one = [(f"g{who // 4}", "meal" if who % 4 < 2 else "bus") for who in range(40)]
    other = [(f"h{who % 10}", "meal" if who % 4 < 2 else ("rent" if who % 4 == 2 else "bus")) for who in range(40)]
    world.publish(table("school-aid", benefit, one, population="pupils"))
    telling = {"quarter": quasi(Kind.STRING, "quarter"), "aid": sensitive(Kind.STRING, "aid")}
    second = [(quarter, "bus" if value == "rent" else value) for quarter, value in other]
    pairs: dict[str, set[str]] = {}
    for (_, first), (quarter, value) in zip(one, second, strict=True):
        assert first == value, "each person has one value"
        pairs.setdefault(quarter, set()).add(value)
    report = intersection.look(world.case(table("city-aid", telling, second, population="voters")))
    assert report.measured["aid"]["compared"] == 40
    apart = intersection.look(world.case(table("city-aid", telling, second, population="guests")))
    assert apart.measured == {}


def test_a_value_that_both_leave_becomes_known(world: World) -> None:
    """Ten people: in one table they are among a and b, in the other among a and c."""
    one = {"group": quasi(Kind.STRING, "class"), "aid": sensitive(Kind.STRING, "aid")}
    two = {"area": quasi(Kind.STRING, "residence"), "aid": sensitive(Kind.STRING, "aid")}
    first = [("g", "a") for _ in range(10)] + [("g", "b") for _ in range(10)] + [("h", "c") for _ in range(10)]
    second = [("n", "a") for _ in range(10)] + [("s", "b") for _ in range(10)] + [("n", "c") for _ in range(10)]
    second[10:20] = [("s", "b")] * 10
    world.publish(table("school-aid", one, [*first, *[("h", "b")] * 10], population="pupils"))
    case = world.case(table("city-aid", two, [*second, *[("s", "d")] * 10], list(range(30)) + list(range(500, 510)),
                            population="voters"))  # fmt: skip
    report = intersection.look(case)
    known = [item for item in report.findings if item.code == "overlap-known"]
    assert [(item.people, item.releases) for item in known] == [(30, ("school-aid v1",))]
    assert intersection.people(case) >= {blind(SECRET, "voters", str(who)) for who in range(30)}, "a repair finds them"


def test_rows_are_linked_over_populations(world: World) -> None:
    day = {"day": quasi(Kind.STRING, "day"), "place": quasi(Kind.STRING, "place")}
    rows = [(f"{who // 3}", f"{who % 3}") for who in range(60)]
    world.publish(table("meals", {**day, "diet": plain(Kind.STRING, arengoPrivacyRole="sensitive")},
                        [(*row, "v") for row in rows], population="pupils"))  # fmt: skip
    report = linkage.look(world.case(table("votes", {**day, "party": sensitive(Kind.STRING, "party")},
                                           [(*row, "p") for row in rows], population="voters")))  # fmt: skip
    (finding,) = (item for item in report.findings if item.code == "linkage-unique")
    assert (finding.people, finding.releases) == (60, ("meals v1",))


CELLS = {"by": ["area"], "count": "people"}


def _cells(name: str, population: str, areas: Mapping[str, int], concept: str) -> Table:
    columns = {"area": quasi(Kind.STRING, concept), "people": plain(Kind.INTEGER)}
    return table(name, columns, list(areas.items()), (), population=population, arengoCells=CELLS)


def test_tables_of_both_are_subtracted(tmp_path: Path) -> None:
    """A ward of one table less a school zone of the other are three people: both count everybody in the register."""
    people = {who: ("w1" if who < 103 else "w2", "z1" if who < 100 else "z2") for who in range(400)}
    found = {}
    for told in (TWO, APART):
        folder = tmp_path / str(len(found))
        world = World(folder, told, codes=Plain(), k=5, threshold=5)
        for name in ("pupils", "voters"):
            world.register(("ward", "zone"), people, name)
        world.publish(_cells("zones", "pupils", {"z1": 100, "z2": 300}, "zone"))
        case = world.case(_cells("wards", "voters", {"w1": 103, "w2": 297}, "ward"))
        found[told] = [item for item in differencing.look(case).findings if item.outcome != "pass"]
        world.close()
    (finding,) = found[TWO]
    assert (finding.code, finding.outcome, finding.people) == ("cells-differenced", "block", 3)
    assert finding.releases == ("zones v1",)
    assert found[APART] == []


def test_a_table_of_some_of_them_is_not_subtracted(tmp_path: Path) -> None:
    """What counts pupils says nothing of all residents by being subtracted from them."""
    people = {who: ("w1" if who < 103 else "w2", "z1" if who < 100 else "z2") for who in range(400)}
    world = World(tmp_path, TWO, codes=Plain(), k=5, threshold=5)
    for name in ("pupils", "voters"):
        world.register(("ward", "zone"), people, name)
    world.publish(_cells("zones", "pupils", {"z1": 20, "z2": 51}, "zone"))
    report = differencing.look(world.case(_cells("wards", "voters", {"w1": 103, "w2": 297}, "ward")))
    assert [item.code for item in report.findings if item.outcome != "pass"] == []
    world.close()


def test_what_is_spent_on_one_is_spent_on_the_other(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    known = {"pupils": Population("pupils", "persons", epsilon=3.0), "voters": Population("voters", "persons"),
             "guests": Population("guests", "guests")}  # fmt: skip
    budget = Budget(world.state, known)
    budget.spend(Spend("pupils", "meals", "histogram", now, 0.7, run="1"))
    assert budget.left("voters", now).spent == pytest.approx(0.7)
    assert budget.left("guests", now).spent == 0
    assert [item.dataset for item in budget.history("voters")] == ["meals"]
    with pytest.raises(PublicationRefused, match="privacy of voters"):
        budget.spend(Spend("voters", "turnout", "histogram", now, 0.5, run="2"))
    with pytest.raises(PublicationRefused, match="privacy of voters"):
        budget.spend(Spend("pupils", "books", "histogram", now, 0.5, run="3"))  # its own cap would let it
    budget.spend(Spend("guests", "nights", "histogram", now, 0.9, run="4"))
    world.close()


def test_the_verdict_says_who_was_laid_together(world: World) -> None:
    verdict = gate.judge(world.case(pupils()))
    (told,) = (item for item in verdict.assumptions if item.code == "kin")
    assert dict(told.facts) == {"population": "pupils", "others": ["voters"]}
    assert all(item.code != "kin" for item in gate.judge(world.case(voters(0, 50, population="guests"))).assumptions)


def test_whom_the_city_takes_for_one_reader(tmp_path: Path) -> None:
    told = (
        TWO
        + """
[profiles.a]
colluding = ["one", "two"]
[profiles.b]
colluding = ["two", "three"]
populations = ["voters"]
[profiles.c]
colluding = ["*"]
populations = ["guests"]
"""
    )
    world = World(tmp_path, told, codes=Plain())

    def house(name: str) -> tuple[str, ...]:
        return (name, "three-office") if name == "three" else (name,)

    readers = world.populations.readers
    assert readers("pupils", "one", house) == ({"one", "two"}, ("a",))
    assert readers("voters", "one", house) == ({"one", "two", "three", "three-office"}, ("a", "b"))
    assert readers("voters", "four", house) == ({"four"}, ())
    assert readers("guests", "four", house) == ({"four", "*"}, ("c",))
    told_ = table("ballots", SCHOOL, [("d", "x")] * 9, population="guests", arengoPrivacyTarget={"profiles": ["none"]})
    verdict = gate.judge(world.case(told_))
    sentences = [privacy_words.assumption(Speech("en"), item) for item in verdict.assumptions]
    assert any(text.endswith("by agreements (c): everybody.") for text in sentences), "no contract takes them apart"
    kin_ = gate.judge(world.case(pupils()))
    assert "That register also lists voters: what is public about them was laid beside it." in [
        privacy_words.assumption(Speech("en"), item) for item in kin_.assumptions
    ]
    world.close()
