"""Who may read what: grounds first, then what policies give, take and blur."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from enrolment import ENROLMENT, PLANNING, TREES, Town, columns_of, make_town

from arengo.governance import ANYONE, CITY, Caller, Decision, Mask, OpenJudge

PROGRAM = Caller(party="school-routes", organisation="mobility", application="school-routes")
STEWARD = Caller(party="sara", organisation="schools", roles=(("schools", "steward"),), assurance=2)
READER = Caller(party="rita", organisation="schools", roles=(("schools", "reader"),), assurance=2)
ADMINISTRATOR = Caller(
    party="adam",
    organisation="city",
    assurance=3,
    roles=(("*", "administrator"), ("schools", "administrator"), ("*", "steward"), ("*", "auditor")),
)
EVERY = frozenset(columns_of(ENROLMENT))

READERS = """
@id("readers-see-classes")
@reason("Readers of the schools see how classes are made up.")
@columns("school, class, district")
@rows("meals = true")
permit (principal in Role::"schools/reader", action == Action::"read", resource == Dataset::"enrolment");
"""
RESTRICTED = """
@id("restricted-needs-certainty")
@reason("Restricted columns are shown only after a login that is certain enough.")
forbid (principal is Person, action == Action::"see-column", resource)
when { resource.classification == "restricted" && context.assurance < 2 };
"""
BIRTHS = """
@id("births-by-year")
@reason("Birth dates are shown by year outside the office that keeps them.")
@mask("generalise year")
@oblige("Do not try to find out who somebody is.")
permit (principal, action == Action::"shape", resource is Column)
when { resource.personalKind == "birth-date" } unless { principal in resource.owner };
"""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = make_town(tmp_path)
    yield made
    made.state.close()


def ask(town: Town, caller: Caller) -> Decision:
    return town.judge.decide(ENROLMENT, [*columns_of(ENROLMENT), "_row"], caller)


# Grounds


def test_open_data_is_decided_as_without_governance(town: Town) -> None:
    names = [*columns_of(TREES), "_row", "_xmin"]
    for caller in (ANYONE, PROGRAM, STEWARD):
        assert town.judge.decide(TREES, names, caller) == OpenJudge().decide(TREES, names, ANYONE)


def test_the_city_itself_reads_everything_and_is_not_stopped_by_policies(town: Town) -> None:
    town.rules(city='@id("nobody") @reason("Nobody.") forbid (principal, action, resource);')
    made = ask(town, CITY)
    assert made.allowed
    assert made.columns == EVERY
    assert not made.public


def test_a_stranger_is_told_how_to_ask(town: Town) -> None:
    made = ask(town, ANYONE)
    assert not made.allowed
    assert made.columns == frozenset()
    assert made.todo == "Ask for access at /datasets/enrolment/access."
    assert "shared" in made.reason


def test_the_owners_steward_reads_her_own_data_and_it_is_not_public(town: Town) -> None:
    made = ask(town, STEWARD)
    assert made.allowed
    assert made.columns == EVERY
    assert not made.public
    assert "steward of schools" in made.rule


def test_no_role_but_the_owners_steward_reads(town: Town) -> None:
    for caller in (ADMINISTRATOR, READER, replace(STEWARD, roles=(("parks", "steward"),))):
        assert not ask(town, caller).allowed


def test_an_agreement_opens_what_it_names(town: Town) -> None:
    made = ask(town, PROGRAM)
    assert made.allowed
    assert made.columns == frozenset(PLANNING.columns)
    assert made.rows == ("district <> 'Nord'",)
    assert made.masks == (("pupil", Mask("pseudonym")),)
    assert made.obligations == PLANNING.obligations
    assert (made.agreement, made.purpose, made.recipient) == ("agr-1", "planning", "mobility")
    assert made.expires == PLANNING.valid_to
    assert made.rule == "agreement agr-1"
    assert not made.public


def test_an_agreement_is_not_another_programs(town: Town) -> None:
    assert not ask(town, replace(PROGRAM, application="other", party="other")).allowed
    named = ask(town, replace(PROGRAM, application="other", party="other", agreement="agr-1"))
    assert not named.allowed
    assert "agr-1" in named.reason


def test_a_program_that_went_to_another_organisation_leaves_its_agreements_behind(town: Town) -> None:
    assert not ask(town, replace(PROGRAM, organisation="parks")).allowed


def test_people_read_under_what_their_own_organisation_agreed(town: Town) -> None:
    town.change(application="")
    person = Caller(party="piero", organisation="mobility", assurance=1)
    assert ask(town, person).allowed
    assert not ask(town, replace(person, organisation="parks")).allowed
    assert not ask(town, ANYONE).allowed


def test_a_column_that_is_not_held_is_not_granted(town: Town) -> None:
    town.change(columns=("school", "gone", "_row"))
    assert ask(town, PROGRAM).columns == frozenset({"school"})


def test_several_purposes_have_to_be_named(town: Town) -> None:
    town.agree(PLANNING, replace(PLANNING, id="agr-2", purpose="safety", columns=("school",)))
    made = ask(town, PROGRAM)
    assert not made.allowed
    assert "planning, safety" in made.reason
    assert ask(town, replace(PROGRAM, purpose="safety")).columns == frozenset({"school"})
    assert ask(town, replace(PROGRAM, agreement="agr-1")).agreement == "agr-1"
    wrong = ask(town, replace(PROGRAM, purpose="fun"))
    assert not wrong.allowed
    assert "planning, safety" in wrong.reason


def test_the_newer_of_two_agreements_for_one_purpose_counts(town: Town) -> None:
    newer = replace(PLANNING, id="agr-2", valid_from=datetime(2026, 6, 1, tzinfo=UTC), columns=("school",))
    town.agree(newer, PLANNING)
    assert ask(town, PROGRAM).agreement == "agr-2"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "suspended", "suspended_by": frozenset({"owner"})}, ("suspended by Schools on 2026-11-19",)),
        ({"state": "suspended", "suspended_by": frozenset({"owner", "consumer"})},
         ("the organisation that reads and Schools",)),
        ({"state": "pending"}, ("waits for Schools since 2026-11-19",)),
        ({"state": "expired", "valid_to": datetime(2026, 11, 1, tzinfo=UTC)}, ("ended on 2026-11-01",)),
        ({"valid_to": datetime(2026, 11, 20, 9, 30, tzinfo=UTC)}, ("ended on 2026-11-20",)),
        ({"valid_from": datetime(2026, 12, 1, tzinfo=UTC)}, ("begins on 2026-12-01",)),
        ({"state": "revoked"}, ("revoked since 2026-11-19",)),
    ],
)  # fmt: skip
def test_an_agreement_that_does_not_hold_says_why(
    town: Town, values: dict[str, object], words: tuple[str, ...]
) -> None:
    town.change(updated_at=datetime(2026, 11, 19, 8, tzinfo=UTC), **values)
    made = ask(town, PROGRAM)
    assert not made.allowed
    assert made.columns == frozenset()
    assert all(word in made.reason for word in words)
    assert made.todo


def test_a_suspension_is_felt_at_the_next_request(town: Town) -> None:
    assert ask(town, PROGRAM).allowed
    town.change(state="suspended", suspended_by=frozenset({"owner"}))
    assert not ask(town, PROGRAM).allowed


def test_a_suspension_is_felt_at_once_while_others_are_asking(town: Town) -> None:
    import threading

    town.rules(city=BIRTHS, schools=READERS)
    stop = threading.Event()
    failed: list[BaseException] = []

    def hammer() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                ask(town, replace(PROGRAM, zone=f"z{number % 50}"))
                ask(town, PROGRAM)
            except BaseException as error:
                failed.append(error)
                return

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(20):
            state = "suspended" if turn % 2 == 0 else "active"
            town.change(state=state)
            assert ask(town, PROGRAM).allowed is (state == "active")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failed == []


def test_an_agreement_ends_by_the_clock_alone(town: Town) -> None:
    assert ask(town, PROGRAM).allowed
    town.time[0] = PLANNING.valid_to
    assert not ask(town, PROGRAM).allowed
    town.time[0] = PLANNING.valid_to - timedelta(seconds=1)
    assert ask(town, PROGRAM).allowed


# Policies


def test_an_owners_permit_gives_to_a_role(town: Town) -> None:
    town.rules(schools=READERS)
    made = ask(town, READER)
    assert made.allowed
    assert made.columns == frozenset({"school", "class", "district"})
    assert made.rows == ("meals = true",)
    assert made.rule == "policy schools/readers-see-classes"
    assert made.reason == "Readers of the schools see how classes are made up."
    assert not made.public
    for other in (ANYONE, ADMINISTRATOR, replace(READER, roles=(("parks", "reader"),))):
        assert not ask(town, other).allowed


def test_permits_are_added_up_and_their_limits_too(town: Town) -> None:
    town.rules(schools=READERS + """
@id("distances") @reason("Distances are harmless.") @mask("round 100") @rows("distance > 0")
permit (principal in Role::"schools/reader", action == Action::"see-column", resource == Column::"enrolment/distance");
""")  # fmt: skip
    made = ask(town, READER)
    assert made.columns == frozenset({"school", "class", "district", "distance"})
    assert set(made.rows) == {"meals = true", "distance > 0"}
    assert made.masks == (("distance", Mask("round", "100")),)


def test_a_forbid_takes_columns_from_an_agreement_and_says_so(town: Town) -> None:
    town.rules(schools='@id("no-births") @reason("Birth dates stay here.") forbid (principal is Application, '
                       'action == Action::"see-column", resource == Column::"enrolment/birth_date");')  # fmt: skip
    made = ask(town, PROGRAM)
    assert made.columns == frozenset(PLANNING.columns) - {"birth_date"}
    assert made.rule == "agreement agr-1; policy schools/no-births"
    assert "Birth dates stay here." in made.reason
    said = {item.column: item for item in town.judge.explain(ENROLMENT, columns_of(ENROLMENT), PROGRAM).columns}
    assert said["birth_date"].rule == "policy schools/no-births"
    assert not said["birth_date"].granted
    assert said["school"].granted
    assert said["notes"].reason == "Agreement agr-1 does not name this column."


def test_a_permit_does_not_widen_an_agreement(town: Town) -> None:
    town.rules(schools='@id("all") @reason("All.") permit (principal is Application, action == Action::"read", '
                       "resource);")  # fmt: skip
    assert ask(town, PROGRAM).columns == frozenset(PLANNING.columns)


def test_no_permit_heals_a_suspension(town: Town) -> None:
    town.rules(schools='@id("all") @reason("All.") permit (principal is Application, action == Action::"read", '
                       "resource);")  # fmt: skip
    town.change(state="suspended", suspended_by=frozenset({"owner"}))
    assert not ask(town, PROGRAM).allowed


def test_a_forbid_wins_over_every_ground(town: Town) -> None:
    town.rules(schools=READERS + '@id("closed") @reason("Closed for repair.") forbid (principal, action, resource);')
    for caller in (READER, PROGRAM, STEWARD):
        made = ask(town, caller)
        assert not made.allowed
        assert made.columns == frozenset()
        assert made.reason == "Closed for repair."
        assert made.rule == "policy schools/closed"


def test_a_surer_login_is_asked_for_where_it_would_help(town: Town) -> None:
    town.rules(city='@id("sure") @reason("Shared data needs a sure login.") forbid (principal is Person, '
                    'action == Action::"read", resource) when { resource.access != "open" && context.assurance < 2 };',
               schools=READERS)  # fmt: skip
    made = ask(town, replace(READER, assurance=1))
    assert not made.allowed
    assert "substantial" in made.todo
    assert ask(town, READER).allowed
    assert "substantial" not in ask(town, replace(READER, assurance=1, roles=())).todo


def test_columns_are_taken_by_what_the_contract_says_of_them(town: Town) -> None:
    town.rules(city=RESTRICTED)
    assert ask(town, replace(STEWARD, assurance=1)).columns == EVERY - {"pupil", "birth_date", "income"}
    assert ask(town, STEWARD).columns == EVERY
    assert ask(town, PROGRAM).columns == frozenset(PLANNING.columns)


def test_when_no_column_is_left_nothing_is(town: Town) -> None:
    town.rules(city='@id("none") @reason("None.") forbid (principal, action == Action::"see-column", resource);')
    made = ask(town, PROGRAM)
    assert not made.allowed
    assert made.rule == "policy city-wide/none"


def test_shaping_blurs_what_others_give(town: Town) -> None:
    town.rules(city=BIRTHS)
    made = ask(town, PROGRAM)
    assert made.masks == (("pupil", Mask("pseudonym")), ("birth_date", Mask("generalise", "year")))
    assert made.obligations == ("Erase after a year.", "Do not try to find out who somebody is.")
    assert made.rule == "agreement agr-1; policy city-wide/births-by-year"
    assert ask(town, STEWARD).masks == ()
    assert not ask(town, READER).allowed


def test_shaping_a_dataset_names_its_columns(town: Town) -> None:
    town.rules(schools='@id("coarse") @reason("Coarse for programs.") @mask("distance: round 500; gone: hide") '
                       '@rows("meals = true") permit (principal is Application, action == Action::"shape", '
                       'resource == Dataset::"enrolment");')  # fmt: skip
    made = ask(town, PROGRAM)
    assert made.masks == (("pupil", Mask("pseudonym")), ("distance", Mask("round", "500")))
    assert made.rows == ("district <> 'Nord'", "meals = true")


def test_policies_of_one_owner_say_nothing_about_others(town: Town) -> None:
    town.rules(parks='@id("closed") @reason("Closed.") forbid (principal, action, resource);')
    assert ask(town, PROGRAM).allowed
    assert not town.judge.decide(TREES, columns_of(TREES), ANYONE).allowed


def test_open_data_stays_public_as_long_as_strangers_see_the_same(town: Town) -> None:
    names = columns_of(TREES)
    town.rules(city='@id("r") @reason("R.") @mask("generalise year") permit (principal, action == Action::"shape", '
                    'resource is Column) when { resource.kind == "date" };')  # fmt: skip
    made = town.judge.decide(TREES, names, READER)
    assert made.public
    assert made.masks == (("planted", Mask("generalise", "year")),)
    assert made.fingerprint == town.judge.decide(TREES, names, ANYONE).fingerprint
    assert made.fingerprint != OpenJudge().decide(TREES, names, ANYONE).fingerprint
    town.rules(city='@id("r") @reason("R.") forbid (principal is Anyone, action == Action::"read", resource);')
    assert not town.judge.decide(TREES, names, READER).public
    assert town.judge.decide(TREES, names, READER).allowed
    assert not town.judge.decide(TREES, names, ANYONE).allowed


def test_zone_purpose_and_parents_are_known_to_policies(town: Town) -> None:
    town.rules(city="""
@id("office") @reason("Only from the office.")
forbid (principal in Organisation::"city", action == Action::"read", resource in Organisation::"city")
when { context.zone != "office" && context.purpose.legalBasis == "eu-gdpr:A6-1-e"
       && context.purpose.dpv == "dpv:PublicBenefit"
       && context.agreement.plan == "free" && context.agreement.id == "agr-1" && resource.personal
       && resource.classifications.contains("restricted") && resource.tags.contains("schools") };
""")  # fmt: skip
    assert not ask(town, PROGRAM).allowed
    assert ask(town, replace(PROGRAM, zone="office")).allowed


# Time


def test_hours_are_the_citys_and_change_on_the_hour(town: Town) -> None:
    town.rules(schools='@id("hours") @reason("Between eight and six.") forbid (principal, action == Action::"read", '
                       "resource) when { context.time.hour < 8 || context.time.hour >= 18 "
                       "|| context.time.weekday > 5 };")  # fmt: skip
    town.time[0] = datetime(2026, 11, 20, 16, 59, 30, tzinfo=UTC)  # 17:59:30 in Rome
    made = ask(town, PROGRAM)
    assert made.allowed
    assert made.expires == datetime(2026, 11, 20, 17, tzinfo=UTC)
    town.time[0] = datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert not ask(town, PROGRAM).allowed
    town.time[0] = datetime(2026, 11, 20, 16, 59, 31, tzinfo=UTC)  # the clock was put back
    assert ask(town, PROGRAM).allowed
    town.time[0] = datetime(2026, 11, 21, 9, tzinfo=UTC)  # a Saturday
    assert not ask(town, PROGRAM).allowed


def test_a_named_moment_ends_a_decision_to_the_second(town: Town) -> None:
    town.rules(schools='@id("until") @reason("Until noon.") forbid (principal, action == Action::"read", resource) '
                       'when { context.time.now >= datetime("2026-11-20T12:00:10Z") };')  # fmt: skip
    town.time[0] = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
    made = ask(town, PROGRAM)
    assert made.allowed
    assert made.expires == datetime(2026, 11, 20, 12, 0, 10, tzinfo=UTC)
    town.time[0] = datetime(2026, 11, 20, 12, 0, 10, tzinfo=UTC)
    assert not ask(town, PROGRAM).allowed
    town.time[0] = datetime(2026, 11, 20, 12, 0, 5, tzinfo=UTC)
    assert ask(town, PROGRAM).allowed


# Fingerprints


def test_equal_grants_are_equal_and_pseudonyms_are_each_readers_own(town: Town) -> None:
    second = replace(PLANNING, id="agr-2", application="other", organisation="parks")
    town.agree(PLANNING, second)
    other = Caller(party="other", organisation="parks", application="other")
    assert ask(town, PROGRAM).fingerprint != ask(town, other).fingerprint
    town.agree(replace(PLANNING, masks=()), replace(second, masks=()))
    assert ask(town, PROGRAM).fingerprint == ask(town, other).fingerprint
    town.agree(replace(PLANNING, masks=()), replace(second, masks=(), rows=""))
    assert ask(town, PROGRAM).fingerprint != ask(town, other).fingerprint


# What cannot be worked out


def test_a_policy_that_fails_closes_the_data(town: Town) -> None:
    town.rules(schools='@id("sum") @reason("A sum.") forbid (principal, action == Action::"read", resource) '
                       "when { context.assurance + 9223372036854775807 < 0 };")  # fmt: skip
    made = ask(town, replace(PROGRAM, assurance=1))
    assert not made.allowed
    assert made.rule == "policy schools/sum"
    assert "cannot be worked out" in made.reason


@pytest.mark.parametrize(
    "name",
    [
        'x" || true || "',
        "a\nb",
        "a\\",
        '"); permit (principal, action, resource); //',
        "città",
        "\u200b",
        "\x00",
        "😀",
        " ",
        "\ud800",
    ],
)
def test_names_cannot_become_rules(town: Town, name: str) -> None:
    town.rules(schools=READERS, city=BIRTHS)
    for caller in (
        Caller(party=name, organisation=name, roles=((name, "reader"), ("schools", name)), zone=name),
        Caller(party=name, organisation=name, application=name, purpose=name, agreement=name),
    ):
        assert not ask(town, caller).allowed
    made = town.judge.decide(ENROLMENT, [*columns_of(ENROLMENT), name], STEWARD)
    assert made.allowed
    assert name in made.columns


def test_no_agreement_chooses_rows_by_what_a_rule_withholds_or_blurs(town: Town) -> None:
    town.agree(replace(PLANNING, columns=("school",), masks=(), rows="income > 20000"))
    assert ask(town, PROGRAM).allowed
    town.rules(
        city='@id("no-income") @reason("Income stays here.") '
        'forbid (principal, action == Action::"see-column", resource == Column::"enrolment/income");'
    )
    found = ask(town, PROGRAM)
    assert not found.allowed
    assert "Income stays here." in found.reason
    town.agree(replace(PLANNING, columns=("school",), masks=(), rows="birth_date = '2015-03-01'"))
    assert ask(town, PROGRAM).allowed
    town.rules(city=BIRTHS)
    assert not ask(town, PROGRAM).allowed
