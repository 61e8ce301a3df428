"""Who can read what: complete, and in agreement with what is decided at a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from enrolment import ENROLMENT, PLANNING, TREES, Town, columns_of, make_town

from arengo.errors import PolicyError
from arengo.governance import ANYONE, Caller, Mask
from arengo.governance.hierarchy import Hierarchies
from arengo.governance.hierarchy import folder as hierarchy_files
from arengo.governance.hierarchy import read as read_hierarchy
from arengo.governance.hierarchy import take as take_hierarchies
from arengo.governance.policy import phrase
from arengo.governance.policy.analysis import Analysis, Reader
from arengo.governance.policy.book import make
from arengo.governance.policy.trial import read, run, trials

PEOPLE = {
    "p-sara": ("schools", (("schools", "steward"),)),
    "p-rita": ("schools", (("schools", "reader"),)),
    "p-piero": ("mobility", ()),
}
RULES = """
@id("readers") @reason("Readers see classes.") @columns("school, class") @rows("meals = true")
permit (principal in Role::"schools/reader", action == Action::"read", resource == Dataset::"enrolment")
when { context.time.hour >= 8 && context.zone == "office" };

@id("rita") @reason("Rita keeps the notes.")
permit (principal == Person::"p-rita", action == Action::"see-column", resource == Column::"enrolment/notes");

@id("statistics") @reason("Programs of the city count.") @mask("round 100")
permit (principal is Application in Organisation::"city", action == Action::"see-column",
        resource == Column::"enrolment/distance");

@id("either") @reason("Planners or auditors.")
permit (principal is Person, action == Action::"see-column", resource == Column::"enrolment/district")
when { principal in Role::"parks/publisher" || principal in Role::"*/auditor" };

@id("births") @reason("Years only.") @mask("generalise year")
permit (principal, action == Action::"shape", resource == Column::"enrolment/birth_date")
unless { principal in resource.owner };
"""
SURE = """
@id("sure") @reason("Restricted columns need a sure login.")
forbid (principal is Person, action == Action::"see-column", resource)
when { resource.classification == "restricted" && context.assurance < 2 };
"""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = make_town(tmp_path)
    yield made
    made.state.close()


@pytest.fixture
def analysis(town: Town) -> Analysis:
    return Analysis(
        town.judge,
        town.held,
        PEOPLE.get,
        lambda party: {"school-routes": "mobility", "counter": "city"}.get(party, ""),
        lambda organisation, role: [who for who, (_, roles) in PEOPLE.items() if (organisation, role) in roles],
    )


def by_party(readers: tuple[Reader, ...]) -> dict[tuple[str, str], Reader]:
    return {(item.kind, item.party): item for item in readers}


def test_without_policies_there_are_everyone_stewards_and_agreements(analysis: Analysis) -> None:
    found = by_party(analysis.readers(ENROLMENT))
    assert set(found) == {("role", "schools/steward"), ("application", "school-routes")}
    steward = found["role", "schools/steward"]
    assert [item.column for item in steward.columns] == list(columns_of(ENROLMENT))
    assert steward.people == ("p-sara",)
    program = found["application", "school-routes"]
    assert program.rule == "agreement agr-1"
    assert program.until == PLANNING.valid_to
    assert program.rows == ("district <> 'Nord'",)
    assert {item.column: item.masks for item in program.columns}["pupil"] == (Mask("pseudonym"),)
    assert [(item.kind, item.ground) for item in analysis.readers(TREES)] == [("everyone", "open")]


def test_every_way_to_a_column_is_listed(town: Town, analysis: Analysis) -> None:
    town.rules(schools=RULES, city=SURE)
    found = by_party(analysis.readers(ENROLMENT))
    assert set(found) == {
        ("role", "schools/steward"),
        ("application", "school-routes"),
        ("role", "schools/reader"),
        ("person", "p-rita"),
        ("applications", "city"),
        ("role", "parks/publisher"),
        ("role", "*/auditor"),
    }
    reader = found["role", "schools/reader"]
    assert reader.people == ("p-rita",)
    assert [item.column for item in reader.columns] == ["school", "class"]
    assert reader.columns[0].when == ("when the hour is at least 8:00 and the network zone is office",)
    assert reader.rows == ("meals = true",)
    rita = found["person", "p-rita"]
    assert [item.column for item in rita.columns] == ["school", "class", "notes"]
    assert rita.columns[2].when == ()
    assert found["applications", "city"].columns[0].masks == (Mask("round", "100"),)
    program = {item.column: item for item in found["application", "school-routes"].columns}
    assert program["birth_date"].masks == (Mask("generalise", "year"),)
    assert program["birth_date"].when == ()
    steward = {item.column: item for item in found["role", "schools/steward"].columns}
    assert steward["birth_date"].masks == ()
    assert steward["income"].when == ("unless the assurance of the login is below substantial",)
    assert {item.party for item in analysis.readers(ENROLMENT, ["notes"])} == {"schools/steward", "p-rita"}


def test_a_forbid_takes_from_the_list_only_what_it_takes_for_certain(town: Town, analysis: Analysis) -> None:
    town.rules(schools='@id("no") @reason("No.") forbid (principal is Application, action == Action::"read", '
                       "resource);")  # fmt: skip
    assert {item.kind for item in analysis.readers(ENROLMENT)} == {"role"}
    town.rules(schools='@id("no") @reason("No.") forbid (principal is Application, action == Action::"read", resource) '
                       'when { context.zone != "office" && context.time.weekday > 5 };')  # fmt: skip
    found = by_party(analysis.readers(ENROLMENT))["application", "school-routes"]
    assert found.when == ("unless the network zone is not office and the weekday is above Friday",)


def test_what_does_not_hold_now_is_not_listed(town: Town, analysis: Analysis) -> None:
    for values in (
        {"state": "suspended"},
        {"state": "active", "valid_to": datetime(2026, 1, 2, tzinfo=UTC)},
        {"valid_to": datetime(2028, 1, 2, tzinfo=UTC), "valid_from": datetime(2027, 1, 2, tzinfo=UTC)},
    ):
        town.change(**values)
        assert {item.kind for item in analysis.readers(ENROLMENT)} == {"role"}


def test_a_party_sees_what_it_can_read(town: Town, analysis: Analysis) -> None:
    town.rules(schools=RULES)
    both = (ENROLMENT, TREES)

    def reads(party: str) -> dict[str, list[str]]:
        return {item.dataset: [shown.column for shown in item.columns] for item in analysis.reads(party, both)}

    open_trees = {"trees": list(columns_of(TREES))}
    assert reads("p-rita") == {"enrolment": ["school", "class", "notes"], **open_trees}
    assert reads("p-sara") == {"enrolment": list(columns_of(ENROLMENT)), **open_trees}
    assert reads("p-piero") == open_trees
    assert reads("school-routes") == {"enrolment": list(PLANNING.columns), **open_trees}
    assert reads("counter") == {"enrolment": ["distance"], **open_trees}
    town.change(application="")
    assert reads("mobility") == {"enrolment": list(PLANNING.columns), **open_trees}
    assert reads("p-piero") == {"enrolment": list(PLANNING.columns), **open_trees}


def test_the_analysis_agrees_with_the_decisions(town: Town, analysis: Analysis) -> None:
    """Whoever is granted something at any request is on the list with it, and nobody without a condition is refused."""
    town.rules(schools=RULES, city=SURE)
    callers = [
        ANYONE,
        Caller(party="school-routes", organisation="mobility", application="school-routes"),
        Caller(party="counter", organisation="city", application="counter"),
        *(Caller(party=who, organisation=office, roles=roles) for who, (office, roles) in PEOPLE.items()),
    ]
    for contract in (ENROLMENT, TREES):
        names = columns_of(contract)
        everyone = {s.column for item in analysis.readers(contract) if item.kind == "everyone" for s in item.columns}
        for caller in callers:
            listed = analysis.reads(caller.party, [contract]) if caller.party else ()
            can = {shown.column for item in listed for shown in item.columns} | everyone
            must = {shown.column for item in listed for shown in item.columns if not shown.when and not item.when}
            for assurance in range(4):
                for zone in ("", "office"):
                    for hour in (3, 12):
                        town.time[0] = datetime(2026, 11, 20, hour, tzinfo=UTC)
                        asked = replace(caller, assurance=assurance, zone=zone)
                        made = town.judge.decide(contract, names, asked)
                        assert made.columns <= can, (caller, made)
                        assert must <= made.columns, (caller, made)


def test_conditions_are_said_in_words() -> None:
    book = make({"policies/rules.cedar": """
@id("a") @reason("A.")
forbid (principal in Role::"*/auditor", action == Action::"read", resource)
when { (context.time.hour < 8 || context.time.weekday == 7) && !(context.purpose.id == "planning") }
unless { context.time.now < datetime("2027-01-01") || resource.personal || resource.theme like "ED*" };
"""})  # fmt: skip
    (policy,) = book.policies
    assert phrase.who(policy) == "every auditor of any organisation"
    assert phrase.conditions(policy) == (
        "the hour is below 8:00 or the weekday is Sunday",
        "the purpose is not planning",
        "the time is not below 2027-01-01",
        "the data is not about persons",
        'not (resource.theme like "ED*")',
    )


# Tests beside policies


def test_tests_beside_policies_say_what_came_out_otherwise(town: Town, tmp_path: Path) -> None:
    text = """
- name: Readers
  dataset: enrolment
  as: {person: r, organisation: schools, roles: [schools/reader], assurance: low, zone: office}
  at: 2026-11-20 09:30
  expect: allow
  columns: school, class
  rows: [meals = true]
  rule: schools/readers
- name: At night
  dataset: enrolment
  as: {person: r, organisation: schools, roles: [schools/reader], zone: office}
  at: 2026-11-20 03:00
  expect: deny
- name: Wrong in every way
  dataset: enrolment
  as: {application: x, organisation: mobility}
  given: {columns: [pupil, birth_date, notes], masks: {pupil: pseudonym}, purpose: planning}
  expect: deny
  columns: [school]
  hidden: [notes]
  masks: {}
  rows: [a = 1]
  rule: schools/other
- {name: Nowhere, dataset: nowhere, expect: deny}
"""
    book = make({"policies/schools/r.cedar": RULES})
    found = tuple(read(text, "policies/tests/a.yaml", "Europe/Rome"))
    results = run(found, book, {"enrolment": ENROLMENT}, town.settings, town.state)
    assert [item.passed for item in results] == [True, True, False, False]
    said = " ".join(results[2].problems)
    for words in ("It is allowed", "Shown although not expected: birth_date, notes, pupil", "Not shown although",
                  "should be hidden: notes", "The masks are", "birth_date: generalise year", "The rows are all",
                  "decided by agreement"):  # fmt: skip
        assert words in said
    (tmp_path / "policies" / "tests").mkdir(parents=True)
    (tmp_path / "policies" / "tests" / "a.yaml").write_text(text)
    assert [item.name for item in trials(tmp_path, "UTC")] == [item.name for item in found]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "not YAML"),
        ("a: 1", "is a list"),
        ("- 1", "Test 1: A test is a mapping"),
        ("- {dataset: x, expect: allow}\n- {dataset: x}", "Test 2: It lacks 'expect'"),
        ("- {dataset: x, expect: maybe}", "write allow or deny"),
        ("- {dataset: x, expect: allow, colums: [a]}", "did you mean columns"),
        ("- {dataset: x, expect: allow, as: {roles: [boss]}}", "is no role"),
        ("- {dataset: x, expect: allow, as: {assurance: sure}}", "assurance is 'sure'"),
        ("- {dataset: x, expect: allow, as: 3}", "'as' is no mapping"),
        ("- {dataset: x, expect: allow, at: soon}", "Test 1"),
        ("- {dataset: x, expect: allow, masks: {a: blur}}", "no mask 'blur'"),
        ("- {dataset: x, expect: allow, columns: 3}", "list of names"),
        ("- {dataset: x, expect: allow, columns: [[a]]}", "list of names"),
        ("- {dataset: x, expect: allow, rule: [a]}", "a text is wanted"),
        ("- {dataset: x, expect: allow, given: {rows: {a: b}}}", "a text is wanted"),
        ("- {dataset: x, expect: allow, given: {masks: [a]}}", "mapping of column"),
        ("[" * 5000, "too deep|not YAML"),
        ("- &a [*a]", "Test 1"),
        ("- !!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
def test_a_test_that_cannot_be_read_says_where(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        list(read(text, "policies/tests/a.yaml"))


# Hierarchies


PLACES = "value,quarter,side\nNord,Old town,North\nSud,Harbour,South\nPorto,Harbour,South\n"


def test_a_hierarchy_groups_values_by_level() -> None:
    made = read_hierarchy("places", PLACES)
    assert made.levels == ("quarter", "side")
    assert made.level("quarter") == made.level("1") == {"Nord": "Old town", "Sud": "Harbour", "Porto": "Harbour"}
    assert made.level("side")["Porto"] == "South"
    for level in ("3", "0", "-1", "town", "", "²"):
        with pytest.raises(PolicyError, match="no level"):
            made.level(level)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("value,a\n", "is empty"),
        ("value\nx\n", "row 1: The first row names no level"),
        ("value,a,a\nx,1,2\n", "row 1"),
        ("value,a\nx\n", "row 2: This row has 1 cells"),
        ("value,a\nx,1\ny,\n", "row 3: A cell of this row is empty"),
        ("value,a\nx,1\nx,2\n", "row 3: The value 'x' is in two groups"),
        ("value,a\nx,1\0\n", "row 2: A cell of this row holds a zero byte"),
        ('value,a\n"x,1\n', "cannot be read"),
        ("value,a,b\nx,1,2\ny,1,3\n", "'1' .a. is in '2' at 'x' and in '3' at 'y'"),
    ],
)
def test_a_hierarchy_that_cannot_be_used_says_where(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        read_hierarchy("places", text)


def test_hierarchies_hold_from_apply_on_and_change_what_is_equal(town: Town) -> None:
    folder = town.settings.root / "hierarchies"
    folder.mkdir()
    (folder / "places.csv").write_text(PLACES, encoding="utf-8-sig")
    held = Hierarchies(town.settings, town.state)
    with pytest.raises(PolicyError, match="run 'arengo apply'"):
        held.get("places")
    with pytest.raises(PolicyError, match="Put it into hierarchies"):
        held.get("other")
    for name in ("../../etc/passwd", "a/b", "", "\0"):
        with pytest.raises(PolicyError):
            held.get(name)
    assert take_hierarchies(town.state, hierarchy_files(town.settings.root), town.time[0]) == ("places",)
    assert held.level("places", "2")["Nord"] == "North"
    assert held.names() == {"places": ("quarter", "side")}
    town.change(masks=(("district", Mask("generalise", "places:2")),))
    program = Caller(party="school-routes", organisation="mobility", application="school-routes")
    before = town.judge.decide(ENROLMENT, columns_of(ENROLMENT), program).fingerprint
    assert take_hierarchies(town.state, {"places": PLACES}, town.time[0]) == ()
    assert town.judge.decide(ENROLMENT, columns_of(ENROLMENT), program).fingerprint == before
    assert take_hierarchies(town.state, {"places": PLACES.replace("North", "Nord")}, town.time[0]) == ("places",)
    assert held.level("places", "2")["Nord"] == "Nord"
    assert town.judge.decide(ENROLMENT, columns_of(ENROLMENT), program).fingerprint != before
    assert take_hierarchies(town.state, {}, town.time[0]) == ("places",)
    with pytest.raises(PolicyError):
        held.level("places", "2")
    (folder / "bad name.csv").write_text(PLACES)
    with pytest.raises(PolicyError, match="no word"):
        hierarchy_files(town.settings.root)
