"""Step 4: what several releases, or a version and the next, tell of a sensitive value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from gate_case import Kind, Plain, Table, World, quasi, sensitive, table

from arengo.privacy.overlap import intersection


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, codes=Plain())
    yield made
    made.close()


ILLNESSES = ("flu", "asthma", "diabetes", "hepatitis", "migraine")


def hospital(name: str, groups: dict[str, str], **more: object) -> Table:
    """``groups``: name of a group of age -> an illness a word; people are numbered in that order from ``first``."""
    rows = [(band, illness) for band, listed in groups.items() for illness in listed.split()]
    columns = {"band": quasi(Kind.STRING, f"{name}-band"), "illness": sensitive(Kind.STRING, "illness")}
    return table(name, columns, rows, **more)  # type: ignore[arg-type]


def test_two_hospitals_that_have_one_illness_in_common_tell_it(world: World) -> None:
    world.publish(
        hospital("north", {"20-39": "flu flu asthma diabetes diabetes", "40-59": "flu migraine asthma flu flu"})
    )
    second = hospital("south", {"30-49": "flu hepatitis migraine hepatitis migraine"}, people=[0, 100, 101, 102, 103])
    report = intersection.look(world.case(second))
    (finding,) = report.findings
    assert (finding.code, finding.outcome, finding.people) == ("overlap-known", "block", 1)
    assert finding.releases == ("north v1",)
    assert report.measured["illness"]["after"] == {"1": 1}
    assert "flu" not in finding.sentence()


def test_l_values_must_be_left_where_the_contract_asks_for_them(world: World) -> None:
    world.publish(hospital("north", {"20-39": "flu asthma diabetes hepatitis migraine"}))
    second = hospital("south", {"30-49": "flu asthma cold cough gout"}, people=[0, 100, 101, 102, 103])
    assert intersection.look(world.case(second)).findings == ()
    asked = replace(second, custom={**second.custom, "arengoPrivacyTarget": {"l": 3}})
    (finding,) = intersection.look(world.case(asked)).findings
    assert (finding.code, finding.people) == ("overlap-candidates", 1)


def test_a_value_that_becomes_likely_is_found_where_closeness_is_asked(world: World) -> None:
    world.publish(hospital("north", {"20-39": "flu flu flu flu asthma diabetes"}))
    second = hospital("south", {"30-49": "flu flu flu asthma cold gout"}, people=[0, 100, 101, 102, 103, 104])
    assert intersection.look(world.case(second)).findings == ()
    asked = replace(second, custom={**second.custom, "arengoPrivacyTarget": {"t": 0.3}})
    assert [item.code for item in intersection.look(world.case(asked)).findings] == ["overlap-posterior"]


def test_an_attackers_wrong_conclusion_is_no_breach(world: World) -> None:
    world.publish(hospital("north", {"20-39": "flu asthma diabetes cold gout"}))
    changed = hospital("south", {"30-49": "hepatitis flu migraine migraine hepatitis"}, people=[0, 100, 101, 102, 103])
    assert intersection.look(world.case(changed)).findings == ()  # person 0 is thought to have the flu and has not


def test_who_leaves_a_class_leaves_a_value_behind(world: World) -> None:
    first = hospital("north", {"20-39": "flu asthma diabetes hepatitis migraine flu"})
    world.publish(first)
    same = intersection.look(world.case(first))
    assert same.findings == ()
    one_less = replace(first, rows=first.rows[1:], people=list(range(1, 6)))
    (finding,) = intersection.look(world.case(one_less)).findings
    assert (finding.code, finding.people, finding.releases) == ("overlap-leavers", 1, ("north v1",))
    two_less = replace(first, rows=first.rows[2:], people=list(range(2, 6)))
    assert intersection.look(world.case(two_less)).findings == ()
    one_more = replace(first, rows=[*first.rows, ("20-39", "gout")], people=range(7))
    assert intersection.look(world.case(one_more)).measured["illness"]["moved"] == 1


def test_somebody_who_comes_with_the_leavers_value_hides_it(world: World) -> None:
    first = hospital("north", {"20-39": "flu asthma diabetes hepatitis migraine flu"})
    world.publish(first)
    replaced = replace(first, people=[100, 1, 2, 3, 4, 5])
    assert intersection.look(world.case(replaced)).findings == ()


def test_an_appended_part_tells_of_who_joined_not_of_who_left(world: World) -> None:
    first = hospital("north", {"20-39": "flu asthma diabetes hepatitis migraine flu"})
    world.publish(first)
    grown = replace(first, rows=[*first.rows, ("20-39", "gout")], people=[*([None] * 6), 9])
    (finding,) = intersection.look(world.case(grown)).findings
    assert (finding.code, finding.people) == ("overlap-leavers", 1)
    assert finding.releases == ("north v1",)


def test_only_earlier_releases_are_named_beside_the_table_that_is_looked_at(world: World) -> None:
    first = hospital("north", {"20-39": "flu asthma diabetes hepatitis migraine flu", "40-59": "flu asthma"})
    world.publish(first)
    moved = replace(first, rows=[*first.rows[1:6], ("40-59", "flu"), *first.rows[6:]], people=[1, 2, 3, 4, 5, 0, 6, 7])
    for now in (moved, replace(first, rows=first.rows[1:], people=range(1, 8))):
        for finding in intersection.look(world.case(now)).findings:
            assert finding.releases == ("north v1",)
            assert finding.sentence().startswith(("Compared with north v1, ", "Together with north v1, "))


def test_rows_that_are_linked_to_nobody_are_for_a_person_to_look_at(world: World) -> None:
    world.publish(hospital("north", {"20-39": "flu asthma diabetes hepatitis migraine"}))
    report = intersection.look(world.case(hospital("south", {"30-49": "flu cold cough gout"}, people=())))
    assert [(item.code, item.outcome) for item in report.findings] == [("not-looked", "review")]


def test_three_hospitals_of_which_no_two_tell(world: World) -> None:
    world.publish(hospital("north", {"20-39": "flu asthma gout diabetes"}))
    world.publish(hospital("south", {"30-49": "flu asthma cold hepatitis"}, people=[0, 100, 101, 102]))
    third = hospital("west", {"0-99": "flu gout cold rash"}, people=[0, 200, 201, 202])
    (finding,) = intersection.look(world.case(third)).findings
    assert (finding.code, finding.people) == ("overlap-known", 1)
    assert set(finding.releases) == {"north v1", "south v1"}
    alone = hospital("east", {"0-99": "flu asthma rash"}, people=[0, 200, 201])
    assert intersection.look(world.case(alone)).findings == ()


def test_what_a_leaver_leaves_open_another_hospital_closes(world: World) -> None:
    """Two leave and two values vanish: whose is which is open, but one of the two was in another hospital, too."""
    world.publish(hospital("south", {"30-49": "flu cold rash"}, people=[0, 100, 101]))
    first = hospital("north", {"20-39": "flu gout asthma diabetes hepatitis"})
    assert intersection.look(world.case(replace(first, rows=first.rows[2:], people=[2, 3, 4]))).findings == ()
    world.publish(replace(first, rows=[("20-39", ill) for ill in ("flu", "gout", "asthma", "cold", "migraine", "rash")],
                          people=range(6)))  # fmt: skip
    less = replace(first, rows=[("20-39", ill) for ill in ("asthma", "cold", "migraine", "rash")], people=range(2, 6))
    (finding,) = intersection.look(world.case(less)).findings
    assert (finding.code, finding.people) == ("overlap-leavers", 1)
    assert {"north v1", "south v1"} <= set(finding.releases)


def test_a_fine_and_a_coarse_release_together_leave_one_value(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lists(icd="value,chapter\nflu,lungs\nasthma,lungs\ngout,joints\narthrosis,joints\nhepatitis,liver\n")
    fine = sensitive(Kind.STRING, "illness", arengoHierarchy="icd")
    coarse = sensitive(Kind.STRING, "illness", arengoHierarchy="icd", arengoLevel="chapter")
    band = quasi(Kind.STRING, "band")
    world.publish(table("fine", {"band": band, "illness": fine}, [("a", "flu"), ("a", "gout"), ("a", "hepatitis")]))
    world.publish(table("coarse", {"age": band, "chapter": coarse}, [("b", "lungs"), ("b", "liver")], [0, 50]))
    one = {"years": band, "ill": fine}
    told = table("third", one, [("c", "flu"), ("c", "gout"), ("c", "asthma")], [0, 100, 101])
    (finding,) = [item for item in intersection.look(world.case(told)).findings if item.code == "overlap-known"][-1:]
    assert finding.people == 1
    assert set(finding.releases) == {"fine v1", "coarse v1"}
    world.close()


def test_other_attributes_and_other_people_are_no_matter(world: World) -> None:
    world.publish(hospital("north", {"20-39": "flu flu asthma diabetes diabetes"}))
    apart = hospital("south", {"30-49": "flu gout"}, people=[100, 101])
    assert intersection.look(world.case(apart)).findings == ()
    columns = {"band": quasi(Kind.STRING, "band"), "income": sensitive(Kind.STRING, "income")}
    assert intersection.look(world.case(table("pay", columns, [("a", "low"), ("a", "high")]))).findings == ()


def test_a_value_and_its_group_are_compared_as_groups(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lists(icd="value,chapter\nflu,lungs\nasthma,lungs\ngout,joints\narthrosis,joints\nhepatitis,liver\n")
    fine = sensitive(Kind.STRING, "illness", arengoHierarchy="icd")
    coarse = sensitive(Kind.STRING, "illness", arengoHierarchy="icd", arengoLevel="chapter")
    band = quasi(Kind.STRING, "band")
    rows = [("a", "flu"), ("a", "asthma"), ("a", "gout"), ("a", "arthrosis")]
    world.publish(table("fine", {"band": band, "illness": fine}, rows))
    later = [("b", "lungs"), ("b", "liver"), ("b", "liver"), ("b", "liver")]
    candidate = table("coarse", {"age": band, "chapter": coarse}, later, [0, 100, 101, 102])
    (finding,) = intersection.look(world.case(candidate)).findings
    assert (finding.code, finding.people) == ("overlap-known", 1)
    odd = sensitive(Kind.STRING, "illness", arengoLevel="chapter")
    report = intersection.look(world.case(table("odd", {"age": band, "chapter": odd}, later, [0, 100, 101, 102])))
    assert [(item.code, item.outcome) for item in report.findings] == [("not-looked", "review")]
    world.close()


def test_a_long_list_relates_a_group_to_its_coarser_one_like_a_short_one(tmp_path: Path) -> None:
    # Labels of one level are lifted to the next: by a CASE, by rows, by one text; the answer is the same.
    found = []
    for more in (0, 300, 3_000):
        world = World(tmp_path / str(more))
        others = "".join(f'o{at},"o\'{at}",liver\n' for at in range(more))
        world.lists(icd=f"value,chapter,part\nflu,lungs,chest\nasthma,heart,chest\ngout,joints,legs\n{others}")
        fine = sensitive(Kind.STRING, "illness", arengoHierarchy="icd", arengoLevel="chapter")
        coarse = sensitive(Kind.STRING, "illness", arengoHierarchy="icd", arengoLevel="part")
        band = quasi(Kind.STRING, "band")
        rows = [("a", "lungs"), ("a", "heart"), ("a", "joints"), ("a", "joints")]
        rows += [("z", f"o'{at}") for at in range(more)]
        world.publish(table("fine", {"band": band, "illness": fine}, rows))
        later = [("b", "chest"), ("b", "liver"), ("b", "liver"), ("b", "liver")]
        told = table("coarse", {"age": band, "chapter": coarse}, later, [0, 900_100, 900_101, 900_102])
        found.append([(item.code, item.people) for item in intersection.look(world.case(told)).findings])
        world.close()
    assert found[0] == found[1] == found[2] == [("overlap-known", 1)]
