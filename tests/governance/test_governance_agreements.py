"""Every transition of an agreement, and every one that must not happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from notary import (
    CLERK,
    COLLEAGUE,
    DEPUTY,
    DEVELOPER,
    DPO,
    EVERYBODY,
    HEAD,
    NOBODY,
    PLATFORM,
    PRIVACY,
    PROGRAM,
    PURPOSE,
    START,
    STRANGER,
    TWO,
    YEAR,
    Notary,
    make_notary,
)

from arengo.errors import BadForm, Conflict, NotAllowed, NotFound
from arengo.governance.agreement import ENDED, STATES, Agreement, diff
from arengo.governance.approval import Level
from arengo.governance.caller import Caller
from arengo.governance.decision import Mask
from arengo.governance.transition import ACTIONS, BY_HAND, TRANSITIONS, WHO, reference_table


@pytest.fixture
def notary(tmp_path: Path) -> Iterator[Notary]:
    made = make_notary(tmp_path)
    yield made
    made.state.close()


def in_state(notary: Notary, state: str) -> Agreement:
    """An agreement of DEVELOPER's in a state, reached the way it is reached."""
    a = notary.agreements
    if state == "draft":
        return notary.draft()
    if state == "pending":
        return notary.request()
    if state == "rejected":
        return a.reject(notary.request().id, by=HEAD, why="Ask for the statistics instead.")
    item = notary.granted()
    if state == "suspended":
        return a.suspend(item.id, by=HEAD, why="Please check.")
    if state == "revoked":
        return a.revoke(item.id, by=HEAD, why="The project ended.")
    if state == "expired":
        notary.pass_time(days=366)
        return a.expire()[0]
    if state == "superseded":
        follower = a.renew(item.id, by=DEVELOPER, until=START + 2 * YEAR)
        a.approve(follower.id, by=HEAD)
    return a.get(item.id)


def act(notary: Notary, action: str, id: str, by: Caller) -> Agreement:
    a = notary.agreements
    acts: dict[str, Callable[[], Agreement]] = {
        "edit": lambda: a.edit(id, by=by, terms=notary.terms(columns=("school",), masks=())),
        "submit": lambda: a.submit(id, by=by),
        "discard": lambda: a.discard(id, by=by),
        "approve": lambda: a.approve(id, by=by),
        "confirm": lambda: a.approve(id, by=by),
        "reject": lambda: a.reject(id, by=by, why="No, because."),
        "return": lambda: a.send_back(id, by=by, why="Please correct."),
        "withdraw": lambda: a.withdraw(id, by=by),
        "suspend": lambda: a.suspend(id, by=by, why="Stop."),
        "resume": lambda: a.resume(id, by=by),
        "revoke": lambda: a.revoke(id, by=by, why="It is over."),
    }
    return acts[action]()


RIGHT = {
    ("draft", "edit"): (DEVELOPER, "draft"),
    ("draft", "submit"): (DEVELOPER, "pending"),
    ("draft", "discard"): (DEVELOPER, "revoked"),
    ("pending", "approve"): (HEAD, "active"),
    ("pending", "reject"): (HEAD, "rejected"),
    ("pending", "return"): (HEAD, "draft"),
    ("pending", "withdraw"): (DEVELOPER, "draft"),
    ("active", "suspend"): (HEAD, "suspended"),
    ("active", "revoke"): (HEAD, "revoked"),
    ("suspended", "resume"): (HEAD, "active"),
    ("suspended", "revoke"): (DEVELOPER, "revoked"),
}


@pytest.mark.parametrize(("state", "action"), list(RIGHT))
def test_each_transition_happens_and_is_stamped(notary: Notary, state: str, action: str) -> None:
    by, after = RIGHT[state, action]
    item = in_state(notary, state)
    generation = notary.state.generation()
    done = act(notary, action, item.id, by)
    assert done.state == after
    assert after in TRANSITIONS[state, action].after
    assert notary.state.generation() > generation
    last = notary.agreements.history(item.id)[-1]
    assert (last.action, last.actor, last.before, last.after) == (action, by.party, state, after)
    assert last.at == notary.time[0]
    told = [facts for kind, facts in notary.told if kind == "agreement"]
    assert told[-1]["body"]["action"] == action
    assert told[-1]["dataset"] == "enrolment"


@pytest.mark.parametrize("state", STATES)
def test_what_is_not_in_the_table_does_not_happen(notary: Notary, state: str) -> None:
    item = in_state(notary, state)
    held = len(notary.agreements.history(item.id))
    forbidden = [action for action in BY_HAND if (state, action) not in TRANSITIONS and action != "confirm"]
    assert len(forbidden) >= 6
    for action in forbidden:
        with pytest.raises(NotFound if state == "draft" else Conflict):  # a draft is not even there for the owner
            act(notary, action, item.id, HEAD)
        with pytest.raises(Conflict):
            act(notary, action, item.id, DEVELOPER)
    assert notary.agreements.get(item.id) == item
    assert len(notary.agreements.history(item.id)) == held


MAY = {
    "edit": {DEVELOPER, COLLEAGUE},
    "submit": {DEVELOPER, COLLEAGUE},
    "discard": {DEVELOPER, COLLEAGUE},
    "withdraw": {DEVELOPER, COLLEAGUE},
    "approve": {HEAD, DEPUTY},
    "reject": {HEAD, DEPUTY},
    "return": {HEAD, DEPUTY},
    "suspend": {HEAD, DEPUTY, DEVELOPER, COLLEAGUE, PLATFORM},
    "revoke": {HEAD, DEPUTY, DEVELOPER, COLLEAGUE},
}


@pytest.mark.parametrize(("state", "action"), [pair for pair in RIGHT if pair[1] in MAY])
def test_only_who_may_does(notary: Notary, state: str, action: str) -> None:
    """Each of eleven callers tries; who may not is refused, and who may not see it does not learn that it is there."""
    item = in_state(notary, state)
    for by in EVERYBODY:
        if by in MAY[action]:
            continue
        with pytest.raises((NotAllowed, NotFound)) as met:
            act(notary, action, item.id, by)
        seen = notary.agreements.sees(item, by)
        assert isinstance(met.value, NotAllowed) == seen
    assert notary.agreements.get(item.id) == item
    for by in MAY[action]:
        fresh = in_state(notary, state) if action in ("suspend", "revoke") else item
        if fresh is not item or by == next(iter(MAY[action])):
            act(notary, action, fresh.id, by)
            break


def test_the_table_says_who_and_leads_only_to_states() -> None:
    assert {item.who for item in TRANSITIONS.values()} <= set(WHO)
    assert all(set(item.after) <= set(STATES) for item in TRANSITIONS.values())
    assert not {state for state, _ in TRANSITIONS} & set(ENDED)
    table = reference_table()
    assert all(f"`{action}`" in table for action in ACTIONS)


def test_a_platform_role_suspends_and_grants_nothing(notary: Notary) -> None:
    item = notary.request()
    for call in (notary.agreements.approve, notary.agreements.reject):
        with pytest.raises(NotAllowed) as met:
            call(item.id, by=PLATFORM, why="I can do everything.")
        assert "steward of schools" in str(met.value)
    granted = notary.agreements.approve(item.id, by=HEAD)
    stopped = notary.agreements.suspend(granted.id, by=PLATFORM, why="A key leaked.")
    assert stopped.suspended_by == {"platform"}
    with pytest.raises(NotAllowed):
        notary.agreements.revoke(granted.id, by=PLATFORM, why="And away.")


def test_all_flags_must_be_lifted_each_by_its_own_side(notary: Notary) -> None:
    a, item = notary.agreements, notary.granted()
    for by, side in ((HEAD, "owner"), (DEVELOPER, "consumer"), (PLATFORM, "platform")):
        assert side in a.suspend(item.id, by=by, why="Stop.").suspended_by
        with pytest.raises(Conflict):
            a.suspend(item.id, by=by, why="Stop again.")
    with pytest.raises(NotAllowed):
        a.resume(item.id, by=HEAD, side="consumer")
    assert a.resume(item.id, by=DEPUTY).state == "suspended"
    with pytest.raises(NotAllowed) as met:
        a.resume(item.id, by=HEAD)
    assert "consumer and platform" in str(met.value)
    assert a.resume(item.id, by=PLATFORM).suspended_by == {"consumer"}
    assert a.resume(item.id, by=COLLEAGUE).state == "active"


def test_who_wrote_or_sent_does_not_approve(notary: Notary) -> None:
    both = Caller("p-both", "schools", roles=(("schools", "steward"), ("mobility", "reader")))
    purpose = notary.purpose()
    item = notary.agreements.draft("enrolment", by=both, organisation="mobility", purpose=purpose, terms=notary.terms())
    notary.agreements.submit(item.id, by=DEVELOPER)
    with pytest.raises(NotAllowed) as met:
        notary.agreements.approve(item.id, by=both)
    assert "wrote or sent" in str(met.value)
    assert notary.agreements.deciders(notary.agreements.get(item.id), both) == ()
    assert notary.agreements.approve(item.id, by=HEAD).state == "active"


def test_an_owner_s_own_department_asks_itself_and_another_decides(notary: Notary) -> None:
    item = notary.request(HEAD)
    with pytest.raises(NotAllowed):
        notary.agreements.approve(item.id, by=HEAD)
    assert notary.agreements.approve(item.id, by=DEPUTY).state == "active"


def test_two_approvers_where_people_are_concerned(tmp_path: Path) -> None:
    notary = make_notary(tmp_path, roles=TWO)
    a, item = notary.agreements, notary.request()
    with pytest.raises((NotAllowed, Conflict)):
        a.approve(item.id, by=PRIVACY)  # the second before the first
    first = a.approve(item.id, by=HEAD, why="Fine with us.")
    assert (first.state, len(first.approvals)) == ("pending", 1)
    assert first.approvals[0].who == "p-head"
    for by in (HEAD, DEPUTY):
        with pytest.raises(NotAllowed):
            a.approve(item.id, by=by)
    for by in (PRIVACY, DPO):  # by e-mail address, by a role of another organisation
        assert a.deciders(first, by) == ("",)
    done = a.approve(item.id, by=DPO, why="Lawful.")
    assert done.state == "active"
    assert [one.who for one in done.approvals] == ["p-head", "p-dpo"]
    assert [stamp.action for stamp in a.history(item.id)] == ["draft", "submit", "approve", "confirm"]
    plain = notary.request(purpose=notary.purpose(personal=False, answers={}), columns=("school",), masks=())
    assert a.approve(plain.id, by=HEAD).state == "active"  # nobody is concerned: one is enough
    notary.state.close()


def test_the_second_approver_narrows_what_the_first_gave(tmp_path: Path) -> None:
    notary = make_notary(tmp_path, roles=TWO)
    a, item = notary.agreements, notary.request()
    assert item.asked is not None
    a.approve(item.id, by=HEAD, terms=replace(item.asked, columns=("pupil", "school")))
    with pytest.raises(BadForm):
        a.approve(item.id, by=DPO, terms=item.asked)  # wider than the first approver's
    done = a.approve(item.id, by=DPO, terms=replace(item.asked, columns=("school",), masks=()))
    assert done.columns == ("school",)
    notary.state.close()


def test_returning_voids_approvals(tmp_path: Path) -> None:
    notary = make_notary(tmp_path, roles=TWO)
    a, item = notary.agreements, notary.request()
    assert item.asked is not None
    a.approve(item.id, by=HEAD, terms=replace(item.asked, volume=10))
    back = a.send_back(item.id, by=PRIVACY, why="Which server?")
    assert (back.state, back.approvals, back.volume) == ("draft", (), 100)
    again = a.submit(item.id, by=DEVELOPER)
    assert (again.state, again.approvals) == ("pending", ())
    notary.state.close()


def test_a_named_approver_who_is_no_steward_sees_and_decides(tmp_path: Path) -> None:
    named = TWO.replace("firstLevelApprovers: steward", "firstLevelApprovers: ada privacy").split(", second")[0] + "}\n"
    notary = make_notary(tmp_path, roles=named)
    item = notary.request()
    with pytest.raises(NotAllowed) as met:
        notary.agreements.approve(item.id, by=HEAD)
    assert "ada privacy" in str(met.value)
    assert [one.id for one in notary.agreements.inbox_of(PRIVACY)] == [item.id]
    assert notary.agreements.approve(item.id, by=PRIVACY).state == "active"
    notary.state.close()


def test_who_calls_himself_an_address_is_not_whom_it_belongs_to() -> None:
    level = Level(2, "schools", ("dpo@example.org", "Ada Rossi"))
    called = {"p-a": ("a@x.y", "DPO@example.org"), "p-b": ("dpo@example.org", "B"), "p-c": ("c@x.y", "ada rossi")}
    able = [name for name in (*called, "p-d") if level.entitles(Caller(name, "parks"), lambda who: called.get(who, ()))]
    assert able == ["p-b", "p-c"]


def test_what_is_granted_is_kept_beside_what_was_asked(notary: Notary) -> None:
    item = notary.request(columns=("pupil", "birth_date", "school"), volume=200)
    assert item.asked is not None
    granted = replace(
        item.asked, columns=("pupil", "school"), volume=50, rows="district = 'Nord'",
        masks=(("pupil", Mask("pseudonym")),), obligations=("Erase after a year.",),
    )  # fmt: skip
    done = notary.agreements.approve(item.id, by=HEAD, terms=granted)
    assert done.asked == item.asked
    assert (done.columns, done.volume, done.rows) == (("pupil", "school"), 50, "district = 'Nord'")
    assert [one.what for one in diff(done)] == ["columns", "rows", "volume", "obligations"]
    assert notary.agreements.of("", "enrolment")[0].columns == ("pupil", "school")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"columns": ("pupil", "school", "meals")}, "not asked for"),
        ({"masks": ()}, "mask"),
        ({"masks": (("pupil", Mask("truncate", "3")),)}, "mask"),
        ({"volume": 101}, "100 calls"),
        ({"plan": "large"}, "more than standard"),
        ({"valid_to": START + 2 * YEAR}, "longer"),
        ({"columns": ()}, "No column"),
    ],
)
def test_a_grant_is_never_wider(notary: Notary, change: dict[str, Any], says: str) -> None:
    item = notary.request()
    assert item.asked is not None
    with pytest.raises(BadForm) as met:
        notary.agreements.approve(item.id, by=HEAD, terms=replace(item.asked, **change))
    assert says in str(met.value)
    assert notary.agreements.get(item.id).state == "pending"


def test_a_row_filter_only_takes_away(notary: Notary) -> None:
    item = notary.request(rows="meals = TRUE")
    assert item.asked is not None
    done = notary.agreements.approve(item.id, by=HEAD, terms=replace(item.asked, rows="district = 'Nord' OR TRUE"))
    assert done.rows == "(meals = TRUE) AND (district = 'Nord' OR TRUE)"


@pytest.mark.parametrize(
    "values",
    [
        {"title": "x"},
        {"text": ""},
        {"dpv": ""},
        {"legal_basis": ""},
        {"retention": ""},
        {"personal": False},
        {"answers": {}},
        {"answers": PURPOSE["answers"] | {"people": "no"}},
    ],
)
def test_an_incomplete_purpose_is_not_sent(notary: Notary, values: dict[str, Any]) -> None:
    item = notary.draft(purpose=notary.purpose(**values))
    with pytest.raises(BadForm):
        notary.agreements.submit(item.id, by=DEVELOPER)
    assert notary.agreements.get(item.id).state == "draft"


@pytest.mark.parametrize(
    "values",
    [
        {"columns": ("nonsense",), "masks": ()},
        {"columns": (), "masks": ()},
        {"plan": "golden"},
        {"volume": 0},
        {"volume": 1001},
        {"valid_to": START},
        {"valid_to": START + 4 * YEAR},
        {"masks": (("meals", Mask("hide")),)},
        {"masks": (("pupil", Mask("rot13")),)},
        {"masks": (("pupil", Mask("truncate", "-1")),)},
        {"masks": (("pupil", Mask("round", "nan")),)},
        {"rows": "x" * 5000},
        {"valid_to": (START + YEAR).replace(tzinfo=None)},
    ],
)
def test_terms_outside_the_contract_are_refused(notary: Notary, values: dict[str, Any]) -> None:
    with pytest.raises(BadForm):
        notary.draft(**values)


def test_ids_of_others_do_not_tell_that_they_exist(notary: Notary) -> None:
    """IDOR: for whoever is on neither side, an agreement is not there, in the same words as one nobody made."""
    item = notary.granted()
    draft = notary.draft()
    for by, held in ((STRANGER, item), (NOBODY, item), (PROGRAM, item), (HEAD, draft), (CLERK, item), (PRIVACY, item)):
        words = set()
        for name in (held.id, "a-000000000000", "", "' OR 1=1 --"):
            with pytest.raises(NotFound) as met:
                notary.agreements.get(name, by)
            words.add(str(met.value))
            with pytest.raises(NotFound):
                notary.agreements.history(name, by)
        assert len(words) == 1
        assert held.id not in {one.id for one in notary.agreements.listing(by)}
        assert notary.agreements.inbox_of(by) == ()
    with pytest.raises(NotFound):
        notary.agreements.purposes.get(item.purpose, STRANGER)


def test_nobody_asks_for_another_organisation_or_its_program(notary: Notary) -> None:
    purpose, terms = notary.purpose(), notary.terms()
    for by, organisation, application in (
        (STRANGER, "mobility", ""),
        (PLATFORM, "mobility", ""),
        (PROGRAM, "mobility", "app-routes"),
        (NOBODY, "", ""),
        (DEVELOPER, "mobility", "app-parks"),
        (DEVELOPER, "mobility", "app-nowhere"),
        (DEVELOPER, "parks", ""),
    ):
        with pytest.raises((NotAllowed, NotFound)):
            notary.agreements.draft(
                "enrolment", by=by, organisation=organisation, application=application, purpose=purpose, terms=terms
            )
    with pytest.raises(NotFound):  # with the purpose of somebody else
        notary.agreements.draft("enrolment", by=STRANGER, organisation="parks", purpose=purpose, terms=terms)
    with pytest.raises(NotAllowed):
        notary.agreements.purposes.write("mobility", PURPOSE, by=STRANGER)
    foreign = notary.granted(STRANGER)
    with pytest.raises((NotAllowed, NotFound)):
        notary.agreements.renew(foreign.id, by=DEVELOPER, until=START + 2 * YEAR)


def test_a_program_sees_its_own_and_changes_nothing(notary: Notary) -> None:
    item = notary.granted(application="app-routes")
    assert notary.agreements.get(item.id, PROGRAM).id == item.id
    assert [one.id for one in notary.agreements.listing(PROGRAM)] == [item.id]
    with pytest.raises(NotAllowed):
        notary.agreements.revoke(item.id, by=PROGRAM, why="I am free.")
    other = notary.granted(STRANGER, application="app-parks")
    with pytest.raises(NotFound):
        notary.agreements.get(other.id, PROGRAM)


def test_open_and_closed_datasets_are_not_asked_for(tmp_path: Path) -> None:
    for access in ("open", "closed"):
        folder = tmp_path / access
        folder.mkdir()
        notary = make_notary(folder, access=access)
        with pytest.raises(Conflict):
            notary.request()
        notary.state.close()


def test_a_stale_page_does_not_decide(notary: Notary) -> None:
    item = notary.request()
    notary.agreements.withdraw(item.id, by=DEVELOPER)
    notary.agreements.submit(item.id, by=DEVELOPER)
    with pytest.raises(Conflict):
        notary.agreements.approve(item.id, by=HEAD, seen=item.revision)
    assert notary.agreements.approve(item.id, by=HEAD, seen=item.revision + 2).state == "active"


def test_one_open_agreement_for_a_purpose(notary: Notary) -> None:
    purpose = notary.purpose()
    first = notary.request(purpose=purpose)
    with pytest.raises(Conflict) as met:
        notary.request(purpose=purpose)
    assert first.id in str(met.value)


def test_decisions_in_bulk_stand_alone(notary: Notary) -> None:
    items = [notary.request() for _ in range(3)]
    notary.agreements.reject(items[1].id, by=HEAD, why="Not this one.")
    done = notary.agreements.decide([item.id for item in items] + ["a-nothing"], "approve", by=DEPUTY, why="Fine.")
    assert [(one.agreement.state if one.agreement else one.error.code) for one in done] == [  # type: ignore[union-attr]
        "active", "conflict", "active", "not-found",
    ]  # fmt: skip
    with pytest.raises(BadForm):
        notary.agreements.decide([], "edit", by=HEAD)


def test_a_purpose_in_use_stays_as_it_is(notary: Notary) -> None:
    item = notary.request()
    with pytest.raises(Conflict):
        notary.agreements.purposes.edit(item.purpose, PURPOSE | {"title": "Something else"}, by=DEVELOPER)
    newer = notary.agreements.purposes.write(
        "mobility", PURPOSE | {"title": "Something else"}, by=DEVELOPER, follows=item.purpose
    )
    assert [one.id for one in notary.agreements.purposes.listing("mobility", DEVELOPER)] == [newer.id]
    assert notary.agreements.purposes.listing("mobility", STRANGER) == ()


@pytest.mark.parametrize(
    "values",
    [
        {"dpv": "dpv:Nonsense"},
        {"legal_basis": "dpv:PublicBenefit"},
        {"answers": {"sql": "x"}},
        {"retention": "for ever"},
        {"text": "x" * 5000},
        {"recipients": "everybody"},
        {"colour": "red"},
    ],
)
def test_a_purpose_that_cannot_be_read(notary: Notary, values: dict[str, Any]) -> None:
    with pytest.raises(BadForm):
        notary.purpose(**values)


def test_nothing_is_told_twice_and_nothing_is_left_out(notary: Notary) -> None:
    item = notary.granted()
    notary.agreements.suspend(item.id, by=HEAD, why="Stop.")
    steps = [facts["body"]["step"] for kind, facts in notary.told if kind == "agreement"]
    assert steps == list(range(1, 5))
    assert notary.agreements.record() == 0
