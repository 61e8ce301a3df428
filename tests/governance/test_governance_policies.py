"""Policies as files: read, refused with a place and advice, taken over whole, kept apart by owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from enrolment import ENROLMENT, NOW, TREES, Office, Town, columns_of, make_town

from arengo.contract import loads
from arengo.errors import BadForm, PolicyError, SettingsError
from arengo.governance import Caller, Mask
from arengo.governance.hierarchy import read as read_hierarchy
from arengo.governance.policy import starter
from arengo.governance.policy.annotation import read_columns, read_masks, read_rows
from arengo.governance.policy.book import make
from arengo.governance.policy.check import Facts, check
from arengo.governance.policy.force import Policies, changes, files_in_force, in_force, take
from arengo.governance.policy.mask import together
from arengo.governance.policy.rule import statements
from arengo.governance.policy.zone import Zones

CONTRACTS = {"enrolment": ENROLMENT, "trees": TREES}
PLACES = read_hierarchy("places", "value,quarter,side\nNord,Old town,North\nSud,Harbour,South\n")
FACTS = Facts(CONTRACTS, ("mobility", "city"), {"places": PLACES}, ("office",))
HEAD = '@id("a") @reason("Because.") '


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = make_town(tmp_path)
    yield made
    made.state.close()


def errors(text: str, owner: str = "schools", facts: Facts = FACTS) -> list[str]:
    file = f"policies/{owner}/rules.cedar" if owner else "policies/rules.cedar"
    return [str(error) for error in check({file: text}, facts).errors]


def test_the_policies_of_a_new_city_are_sound() -> None:
    found = check({"policies/city.cedar": starter.CITY_CEDAR}, FACTS)
    assert found.errors == ()
    assert found.warnings == ()
    commented = starter.CITY_CEDAR.replace("// @", "@").replace("// forbid", "forbid").replace("// when", "when")
    assert check({"policies/city.cedar": commented}, FACTS).errors == ()
    assert len(make({"policies/city.cedar": commented}).policies) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "permit (principal, action, resource) when { true", "line 2: .*semicolon"),
        (HEAD + "forbid (prinipal, action, resource);", "prinipal"),
        (HEAD + "forbid (principal, action, resource) when { ;", "unexpected token"),
        ("forbid (principal, action, resource);", "no @id"),
        ('@id("A b") @reason("R.") forbid (principal, action, resource);', "small letters"),
        ('@id("a") forbid (principal, action, resource);', "no @reason"),
        ('@id("a") @reason(" ") forbid (principal, action, resource);', "@reason is empty"),
        (HEAD + '@maks("x: hide") forbid (principal, action, resource);', "Did you mean @mask"),
        (HEAD + '@mask("income: hide") forbid (principal, action, resource);', "takes away whole"),
        (HEAD + 'permit (principal, action == Action::"read", resource);', "strangers too"),
        (HEAD + 'permit (principal is Anyone, action == Action::"read", resource);', "strangers too"),
        (HEAD + "permit (principal is Person, action, resource);", "what it permits"),
        (HEAD + 'permit (principal is Person, action == Action::"shape", resource);', "no @mask, @rows or @oblige"),
        (HEAD + 'forbid (principal, action == Action::"shape", resource);', "cannot be forbidden"),
        (HEAD + '@oblige("x") permit (principal is Person, action in [Action::"read", Action::"shape"], resource);',
         "does not go together"),
        (HEAD + '@columns("school") permit (principal is Person, action == Action::"see-column", resource);',
         "@columns belongs"),
        (HEAD + '@columns("school,,") permit (principal is Person, action == Action::"read", resource);', "@columns"),
        (HEAD + '@columns("scool") permit (principal is Person, action == Action::"read", '
         'resource == Dataset::"enrolment");', "no column 'scool'. Did you mean school"),
        (HEAD + '@mask("hide") permit (principal is Person, action == Action::"read", resource);', "which column"),
        (HEAD + '@mask("school: hide") permit (principal, action == Action::"shape", resource is Column);',
         "names none"),
        (HEAD + '@mask("school: blur") permit (principal, action == Action::"shape", resource is Dataset);',
         "no mask 'blur'"),
        (HEAD + '@mask("school: round 10") permit (principal, action == Action::"shape", '
         'resource == Dataset::"enrolment");', "this one is string"),
        (HEAD + '@mask("generalise year") permit (principal, action == Action::"shape", '
         'resource == Column::"enrolment/district");', "this one is string"),
        (HEAD + '@mask("district: generalise place:1") permit (principal, action == Action::"shape", '
         'resource == Dataset::"enrolment");', "no hierarchy 'place'"),
        (HEAD + '@mask("district: generalise places:3") permit (principal, action == Action::"shape", '
         'resource == Dataset::"enrolment");', "no level '3'. It has quarter, side"),
        (HEAD + '@rows("(") permit (principal is Person, action == Action::"read", resource);', "not a condition"),
        (HEAD + '@rows("  ") permit (principal is Person, action == Action::"read", resource);', "@rows is empty"),
        (HEAD + 'forbid (principal, action == Action::"reed", resource);', "actions are read"),
        (HEAD + "forbid (principal == User::\"x\", action, resource);", "User"),
        (HEAD + 'forbid (principal, action == Action::"read", resource) when { resource.acess == "open" };',
         "Did you mean access"),
        (HEAD + 'forbid (principal, action == Action::"read", resource) when { resource.kind == "date" };',
         "resource is Column"),
        (HEAD + 'forbid (principal, action == Action::"read", resource) when { context.assurance == "high" };',
         "not compatible"),
        (HEAD + 'forbid (principal, action == Action::"read", resource is Column);', "applicable action"),
        (HEAD + 'forbid (principal, action == Action::"read", resource) when { resource.access == "opn" };',
         "no access is ever 'opn'. Did you mean open"),
        (HEAD + 'forbid (principal, action, resource) when { context.zone == "offce" };',
         "no zone 'offce'. Did you mean office"),
        (HEAD + 'forbid (principal in Role::"schools/redaer", action, resource);', "is no role"),
        (HEAD + 'forbid (principal, action, resource == Dataset::"enrollment");', "Did you mean enrolment"),
        (HEAD + 'forbid (principal, action, resource == Column::"enrolment/pupils");', "Did you mean pupil"),
        (HEAD + 'forbid (principal, action, resource == Dataset::"trees");', "belongs to parks"),
        (HEAD + 'forbid (principal, action == Action::"read", resource) when { resource == Dataset::"trees" };',
         "belongs to parks"),
        (HEAD + 'forbid (principal, action, resource in Organisation::"parks");', "own data"),
        (HEAD + "permit (principal == ?principal, action, resource);", "never filled in"),
    ],
)  # fmt: skip
def test_a_policy_that_says_nothing_here_is_refused_with_its_place(text: str, said: str) -> None:
    import re

    found = errors("// a comment; with a semicolon\n" + text)
    assert found
    assert found[0].startswith("policies/schools/rules.cedar, line 2: ")
    assert re.search(said, found[0]), found[0]


def test_deep_and_large_policies_are_refused() -> None:
    for text in (
        HEAD + f"forbid (principal, action, resource) when {{ {'(' * 5000}true{')' * 5000} }};",
        HEAD + f"forbid (principal, action, resource) when {{ {'[' * 5000}{']' * 5000} == [] }};",
        HEAD + f"forbid (principal, action, resource) when {{ {'{a:' * 5000}1{'}' * 5000} == 1 }};",
        HEAD + f"forbid (principal, action, resource) when {{ {' && '.join(['true'] * 5000)} }};",
        HEAD + f"forbid (principal, action, resource) when {{ {'+'.join('1' * 5000)} > 0 }};",
        HEAD + f"forbid (principal, action, resource) when {{ context{'.a' * 5000} }};",
        HEAD + f"forbid (principal, action, resource) when {{ {'if true then ' * 5000}true{' else true' * 5000} }};",
        HEAD + f"forbid (principal, action, resource) when {{ {'!' * 500}true }};",
        HEAD + f"forbid (principal, action, resource) when {{ {' && '.join(['!(false)'] * 300)} }};",
        HEAD.replace("Because.", "x" * 5000) + "forbid (principal, action, resource);",
        HEAD.replace("Because.", "a\\u{0}b") + "forbid (principal, action, resource);",
        '@id("' * 2000,
    ):
        assert errors(text)
    sound = HEAD + f"forbid (principal, action, resource) when {{ {' && '.join(['context.assurance < 2'] * 40)} }};"
    assert errors(sound) == []
    assert len(make({"policies/schools/a.cedar": sound}).policies) == 1


def test_only_owners_give() -> None:
    text = HEAD + 'permit (principal is Person, action == Action::"read", resource == Dataset::"enrolment");'
    assert errors(text) == []
    assert "owner's to give" in errors(text, owner="")[0]


def test_a_folder_of_nobody_is_refused() -> None:
    text = HEAD + "forbid (principal, action, resource);"
    assert "no organisation scools" in errors(text, owner="scools")[0]
    for file in ("policies/tests/x.cedar", "policies/a/b/c.cedar", "policies/../x.cedar", "elsewhere/x.cedar"):
        assert check({file: text}, FACTS).errors


def test_two_policies_of_one_name_are_refused() -> None:
    text = HEAD + "forbid (principal, action, resource);\n"
    found = check({"policies/schools/a.cedar": text, "policies/schools/b.cedar": "\n\n" + text}, FACTS).errors
    assert "policies/schools/b.cedar, line 3: There is a policy schools/a already, in policies/schools/a.cedar" in str(
        found[0]
    )
    with pytest.raises(PolicyError, match="already"):
        make({"policies/schools/a.cedar": text + text})
    assert check({"policies/schools/a.cedar": text, "policies/parks/a.cedar": text}, FACTS).errors == ()


def test_every_error_is_told_and_the_first_is_raised() -> None:
    text = "\n".join(f'@id("a{n}") forbid (principal, action, resource);' for n in range(3))
    found = check({"policies/schools/a.cedar": text}, FACTS)
    assert [error.place.line for error in found.errors if error.place] == [1, 2, 3]
    with pytest.raises(PolicyError, match="2 more errors"):
        found.refuse()


def test_rows_are_asked_of_every_dataset_they_would_cut() -> None:
    def rows(contract: object, text: str) -> None:
        if "meals" in text and contract is not ENROLMENT:
            raise BadForm("There is no column meals.")

    facts = replace(FACTS, rows=rows)
    text = HEAD + '@rows("meals = true") permit (principal, action == Action::"shape", resource is Dataset)'
    assert errors(text + ";", facts=facts) == []
    assert "cannot be asked of trees" in errors(text + ";", "", facts)[0]
    assert errors(text + ' when { resource.access == "shared" };', "", facts) == []


def test_statements_end_outside_texts_and_comments() -> None:
    text = '// ;\n@id("a;\\";b")\n// "\nforbid (principal, action, resource); permit (x);\n // end ; \n'
    assert [(line, part[:6]) for line, part in statements(text)] == [(2, '@id("a'), (4, "permit")]
    assert list(statements("")) == []
    assert list(statements("// nothing")) == []
    assert [line for line, _ in statements('"never closed')] == [1]


def test_masks_and_names_with_marks_are_read() -> None:
    assert read_columns('a, "b, c", d e') == ("a", "b, c", "d e")
    assert read_masks('"a:b; c": hide; d: generalise places:2', named=True) == (
        ("a:b; c", Mask("hide")),
        ("d", Mask("generalise", "places:2")),
    )
    assert read_masks("generalise places:2", named=False) == (("", Mask("generalise", "places:2")),)
    assert read_rows(" name = 'O''Brien' ") == "name = 'O''Brien'"
    wrong = (
        "", "a:", "a: truncate", "a: truncate 0", "a: truncate x", "a: round -1", "a: hide 3", "a: top", '"a',
        "a: generalise", "a: generalise 0", "a: pseudonym 4", ": hide", "a: round 1e9", "a: top nan",
    )  # fmt: skip
    for text in wrong:
        with pytest.raises(ValueError):
            read_masks(text, named=True)
    for text in ('"' * 4000, " " * 4000, "a:" * 2000, '"\\' * 2000):
        with pytest.raises(ValueError):
            read_masks(text, named=True)


def test_masks_that_meet_show_no_more_than_each() -> None:
    def of(*texts: str) -> list[str]:
        masks = [Mask(*text.split(" ", 1)) for text in texts]
        return [str(item) for item in together(masks, lambda name, level: int(level))]

    assert of("generalise month", "generalise year") == ["generalise year"]
    assert of("truncate 4", "truncate 2", "truncate 4") == ["truncate 2"]
    assert of("round 10", "top 100", "round 50", "top 80", "bottom 1") == ["bottom 1", "top 80", "round 50"]
    assert of("pseudonym", "pseudonym") == ["pseudonym"]
    assert of("generalise places:1", "generalise places:2") == ["generalise places:2"]
    assert of("generalise 10", "generalise 25") == ["generalise 25"]
    for pair in (("pseudonym", "truncate 3"), ("hide", "round 1"), ("generalise a:1", "generalise b:1"),
                 ("generalise year", "generalise 10")):  # fmt: skip
        assert of(*pair) == ["hide"]


def test_a_mask_that_a_column_cannot_carry_hides_it(town: Town) -> None:
    town.rules(city='@id("m") @reason("M.") @mask("generalise year") permit (principal, action == Action::"shape", '
                    'resource is Column) when { resource.classification == "restricted" };')  # fmt: skip
    steward = Caller(party="s", organisation="schools", roles=(("schools", "steward"),))
    made = dict(town.judge.decide(ENROLMENT, columns_of(ENROLMENT), steward).masks)
    assert made == {"pupil": Mask("hide"), "birth_date": Mask("generalise", "year"), "income": Mask("hide")}


def test_the_rules_of_the_guide_are_sound() -> None:
    import re

    guide = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "policies.md").read_text(encoding="utf-8")
    found = re.findall(r"```cedar\n(.*?)```", guide, re.S)
    assert len(found) == 2
    text = ENROLMENT.text.replace("id: enrolment", "id: families").replace("Schools", "Registry office")
    families = loads(
        text.replace("{name: school,", "{name: neighbourhood,").replace("{name: class,", "{name: members,")
    )
    facts = replace(FACTS, contracts={**CONTRACTS, "families": families})
    for rule in found:
        assert check({"policies/registry-office/rules.cedar": rule}, facts).errors == ()
    (table,) = re.findall(r"```csv\n(.*?)```", guide, re.S)
    assert read_hierarchy("places", table).levels == ("quarter", "side")


# In force


def test_policies_hold_from_apply_on_and_all_at_once(town: Town, tmp_path: Path) -> None:
    folder = town.settings.root / "policies" / "schools"
    folder.mkdir(parents=True)
    file = folder / "rules.cedar"
    file.write_text(HEAD + "forbid (principal, action, resource);")
    policies = Policies(town.settings, town.state, lambda: CONTRACTS, lambda: ("mobility",), town.tell, lambda: NOW)
    program = Caller(party="school-routes", organisation="mobility", application="school-routes")

    def allowed() -> bool:
        return town.judge.decide(ENROLMENT, columns_of(ENROLMENT), program).allowed

    assert allowed()
    assert not policies.ever
    assert policies.waiting()
    assert [(item.file, item.action) for item in policies.plan()] == [("policies/schools/rules.cedar", "add")]
    assert allowed()
    policies.apply(actor="sara")
    assert policies.ever
    assert not policies.waiting()
    assert not allowed()
    assert [kind for kind, _ in town.told] == ["policy"]
    facts = town.told[0][1]
    assert facts["actor"] == "sara"
    assert facts["organisation"] == "schools"
    assert facts["body"]["policies"] == ["schools/a"]  # type: ignore[index]
    policies.apply()
    assert len(town.told) == 1
    file.write_text("broken")
    with pytest.raises(PolicyError):
        policies.apply()
    assert not allowed()
    file.unlink()
    assert [item.action for item in policies.apply()] == ["retire"]
    assert allowed()
    assert town.told[-1][1]["body"]["before"] == ["schools/a"]  # type: ignore[index]


def test_files_outside_the_folder_are_not_read(town: Town, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.cedar"
    outside.write_text(HEAD + "forbid (principal, action, resource);")
    (town.settings.root / "policies").mkdir()
    (town.settings.root / "policies" / "x.cedar").symlink_to(outside)
    policies = Policies(town.settings, town.state, lambda: CONTRACTS)
    assert "outside the city folder" in str(policies.check().errors[0])
    (town.settings.root / "policies" / "x.cedar").unlink()
    (town.settings.root / "policies" / "x.cedar").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in str(policies.check().errors[0])


def test_what_changes_is_told_file_by_file() -> None:
    one = HEAD + "forbid (principal, action, resource);"
    held = {"policies/a.cedar": one, "policies/schools/a.cedar": one}
    wanted = make({"policies/a.cedar": one + "\n// more\n", "policies/parks/a.cedar": one})
    assert [(item.file, item.action) for item in changes(held, wanted)] == [
        ("policies/a.cedar", "change"),
        ("policies/parks/a.cedar", "add"),
        ("policies/schools/a.cedar", "retire"),
    ]


def test_a_thousand_policies_are_numbered_as_they_stand(town: Town) -> None:
    kinds = ["health", "origin", "religion", "politics"]
    text = "".join(
        f'@id("p{n}") @reason("Reason {n}.") forbid (principal, action == Action::"see-column", '
        f'resource == Column::"enrolment/{columns_of(ENROLMENT)[n % 9]}") '
        f'when {{ context.purpose.id == "x{n}" || context.zone == "{kinds[n % 4]}" && context.assurance > {n} }};\n'
        for n in range(1000)
    )
    take(town.state, make({"policies/schools/many.cedar": text}), NOW, town.tell)
    assert len(in_force(town.state).policies) == 1000
    town.change(purpose="x123", columns=columns_of(ENROLMENT))
    program = Caller(party="school-routes", organisation="mobility", application="school-routes")
    made = town.judge.explain(ENROLMENT, columns_of(ENROLMENT), program)
    gone = [item for item in made.columns if not item.granted]
    assert [(item.column, item.rule, item.reason) for item in gone] == [
        (columns_of(ENROLMENT)[123 % 9], "policy schools/p123", "Reason 123.")
    ]


def test_what_is_held_survives_another_process(town: Town) -> None:
    from arengo.governance.policy import force

    town.rules(schools=HEAD + "forbid (principal, action, resource);")
    force._made.clear()
    assert [item.id for item in in_force(town.state).policies] == ["schools/a"]
    assert list(files_in_force(town.state)) == ["policies/schools/rules.cedar"]


# Zones


def test_zones_are_the_narrowest_network_that_holds_the_address() -> None:
    zones = Zones(("office 10.0.0.0/8 2001:db8::/32", "registry 10.1.0.0/16"))
    assert zones.of("10.2.3.4") == "office"
    assert zones.of("10.1.3.4") == "registry"
    assert zones.of("::ffff:10.1.3.4") == "registry"
    assert zones.of("[2001:db8::1]") == "office"
    for other in ("192.0.2.1", "", "x", "10.1.3.4.5", "2001:db9::1", "' or 1"):
        assert zones.of(other) == ""
    assert Zones().of("10.1.1.1") == ""
    for bad in ("office", "Office 10.0.0.0/8", "office 10.0.0.1/8", "office x", ""):
        with pytest.raises(SettingsError):
            Zones((bad,)) if bad else Zones(("o!",))


def test_departments_know_their_parents(town: Town) -> None:
    assert town.judge.offices("mobility") == ("mobility", "city")
    assert town.judge.offices("") == ()

    class Loop:
        def organisations(self) -> Mapping[str, Office]:
            return {"a": Office("a", "b"), "b": Office("b", "a")}

    town.judge._parties = Loop()
    assert town.judge.offices("a") == ("a", "b")
