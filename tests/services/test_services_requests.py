"""Requests go their way to an answer, and a newer version that holds what was proposed is noticed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from services_people import services
from tiny_city import TREES, tree

from arengo.contract import loads
from arengo.errors import BadForm, NotFound, TooOften
from arengo.services.amendment import Report, same
from arengo.services.posting import Posting
from arengo.services.progress import KINDS
from arengo.settings import ParticipationSettings
from arengo.state.participation import TABLES, amendment, posting


def test_the_migration_makes_exactly_the_tables(tiny) -> None:
    found = sa.inspect(tiny.state.engine)
    for table in TABLES:
        columns = {item["name"]: item["nullable"] for item in found.get_columns(table.name)}
        assert set(columns) == {item.name for item in table.columns}, table.name
        wrong = [c.name for c in table.columns if columns[c.name] != c.nullable and not c.primary_key]
        assert not wrong, table.name
        assert {item["name"] for item in found.get_indexes(table.name)} == {item.name for item in table.indexes}


def test_states_lead_only_to_states_and_end_somewhere() -> None:
    for progress in KINDS.values():
        assert progress.first in progress.ways
        reached = {progress.first, "pending"} & set(progress.ways)
        for _ in progress.ways:
            reached |= {after for state in reached for after in progress.ways[state]}
        assert reached == set(progress.ways), progress.kind
        assert progress.ended | progress.told | progress.unseen <= set(progress.ways)


def test_a_request_goes_its_way(people, sender) -> None:
    amendments = people.amendments
    item = amendments.send(
        Report("trees", "The lime stands in Sud.", key=("2",), proposed={"district": "Nord"}), sender()
    )
    assert item.state == "received"
    assert not item.seen
    for state, words in (("planned", ""), ("received", ""), ("declined", ""), ("declined", "  ")):
        with pytest.raises(BadForm):
            amendments.move(item.id, state, words)
    assert amendments.move(item.id, "review").seen
    declined = amendments.move(item.id, "declined", "It was moved in spring.")
    assert declined.closed_at
    assert [step.state for step in amendments.steps(item.id)] == ["received", "review", "declined"]
    assert amendments.steps(item.id)[-1].words == "It was moved in spring."
    tally = amendments.tally("trees")
    assert (tally.open, tally.answered) == (0, 1)
    assert tally.days is not None
    again = amendments.reply(item.id, amendments.secret("track", item.id), "No, I was there yesterday.")
    assert again.state == "review"
    assert again.closed_at is None
    with pytest.raises(NotFound):
        amendments.reply(item.id, "wrong", "words")
    with pytest.raises(NotFound):
        amendments.one("nothing")


def test_the_same_form_sent_twice_is_one_request(people, sender) -> None:
    once = sender()
    first = people.amendments.send(Report("areas", "Twice."), once)
    second = people.amendments.send(Report("areas", "Twice."), once)
    assert first.id == second.id
    assert len(people.amendments.of("areas")) == 1


def test_a_newer_version_that_holds_it_corrects_by_itself(tiny, people, sender) -> None:
    amendments = people.amendments
    newest = tiny.lake.newest("trees").number
    wrong_height = Report(
        "trees", "Taller.", key=("5",), version=newest, proposed={"height": "12.5", "district": "Nord"}
    )
    felled = Report("trees", "Felled.", key=("7",), version=newest, gone=True)
    other = Report("trees", "Not so.", key=("6",), version=newest, proposed={"height": "99"})
    first, second, third = (amendments.send(item, sender()) for item in (wrong_height, felled, other))
    amendments.move(first.id, "accepted")
    people.turn()
    assert amendments.one(first.id).state == "accepted"
    rows = [
        (*row[:2], "Nord", row[3], 12.5, *row[5:]) if row[0] == 5 else row
        for row in map(tree, range(1, 21))
        if row[0] != 7
    ]
    version = tiny.publish(loads(TREES), rows, datetime(2026, 3, 10, 8, tzinfo=UTC))
    done = people.turn()
    assert done["events"] == 1
    assert done["corrected"] == 2
    assert (amendments.one(first.id).state, amendments.one(first.id).corrected) == ("corrected", version.number)
    assert (amendments.one(second.id).state, amendments.one(second.id).corrected) == ("corrected", version.number)
    assert amendments.one(third.id).state == "received"
    assert amendments.steps(first.id)[-1].by == "arengo"
    kinds = [item.kind for item in people.events.after(0, dataset="trees")]
    assert kinds.count("amendment.corrected") == 2
    assert kinds.count("version.published") == 1  # what was there at the first look is no news
    assert people.turn()["corrected"] == 0


@pytest.mark.parametrize(
    ("value", "text", "equal"),
    [
        (None, "", True), (None, "x", False), ("", "", True), (1.5, "1.50", True), (1.5, "x", False), (3, "3", True),
        (True, "true", True), (True, "false", False), (date(2026, 5, 1), "2026-05-01", True), ("é ", "e\u0301", True),
        (datetime(2026, 5, 1, 12), "2026-05-01T14:00:00+02:00", True), ("a  b", "a b", True), ("A", "a", False),
    ],
)  # fmt: skip
def test_what_is_the_same(value, text, equal) -> None:
    assert same(value, text) is equal


def test_taking_it_back_erases_the_address_and_the_text_is_gone(people, sender) -> None:
    item = people.amendments.send(Report("areas", "Mine."), sender("a@b.example"))
    people.amendments.withdraw(item.id, people.amendments.secret("track", item.id))
    assert people.amendments.row(item.id).mail is None
    assert people.amendments.one(item.id).state == "withdrawn"
    with pytest.raises(BadForm):
        people.amendments.move(item.id, "review")


def test_addresses_are_erased_after_closing_and_when_never_confirmed(tiny, people, sender) -> None:
    amendments, now = people.amendments, datetime.now(UTC)
    closed = amendments.send(Report("areas", "Closed."), sender("closed@b.example"))
    amendments.confirm(closed.id, amendments.secret("confirm", closed.id))
    amendments.move(closed.id, "answered", "So it is.")
    open_one = amendments.send(Report("areas", "Open."), sender("open@b.example"))
    amendments.confirm(open_one.id, amendments.secret("confirm", open_one.id))
    never = amendments.send(Report("areas", "Never."), sender("never@b.example"))
    people.purge(now + timedelta(days=6))
    assert [amendments.row(item.id).mail is not None for item in (closed, open_one, never)] == [True, True, True]
    people.purge(now + timedelta(days=8))
    assert [amendments.row(item.id).mail is not None for item in (closed, open_one, never)] == [True, True, False]
    people.purge(now + timedelta(days=31))
    assert [amendments.row(item.id).mail is not None for item in (closed, open_one, never)] == [False, True, False]
    people.forget("open@b.example")
    with tiny.state.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).where(amendment.c.mail.is_not(None))) == 0


def test_stamps_of_forms(people) -> None:
    posts = people.posting
    opened = posts.stamp("wish", at=datetime.now(UTC).timestamp() - 60)
    assert posts.nonce("wish", opened) == posts.nonce("wish", opened)
    for form, stamp, trap in (
        ("comment", opened, ""),  # of another form
        ("wish", opened, "x"),  # a field nobody sees was filled
        ("wish", posts.stamp("wish"), ""),  # faster than anybody writes
        ("wish", posts.stamp("wish", at=0), ""),
        ("wish", "", ""),
        ("wish", opened[:-1] + "~", ""),
        ("wish", "ffffffff" + opened, ""),
    ):
        with pytest.raises(BadForm):
            posts.nonce(form, stamp, trap)


def test_who_sends_too_much_is_stopped_without_being_known(tiny, people) -> None:
    posts = Posting(ParticipationSettings(per_hour=3, per_hour_all=5), tiny.state, people.key)
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    one, two = posts.sender("192.0.2.1", now=now), posts.sender("192.0.2.2", now=now)
    assert one != two
    assert posts.sender("2001:db8::1", now=now) == posts.sender("2001:db8::ffff", now=now)  # one household
    assert posts.sender("::ffff:192.0.2.1", now=now) == one
    for _ in range(3):
        posts.count("comment", one, now)
    with pytest.raises(TooOften):
        posts.count("comment", one, now)
    posts.count("wish", one, now)
    posts.count("comment", two, now)
    posts.count("comment", two, now)
    with pytest.raises(TooOften):  # everybody together
        posts.count("comment", two, now)
    posts.count("comment", one, now + timedelta(hours=1, seconds=1))
    with tiny.state.read() as connection:
        held = str(connection.execute(sa.select(posting)).all())
    assert "192.0.2" not in held
    assert posts.sender("192.0.2.1", now=now + timedelta(days=1)) != one  # tomorrow nobody can compute today's
    posts.purge(now + timedelta(days=2))


def test_only_proxies_of_ours_are_believed(tiny, people) -> None:
    now = datetime.now(UTC)
    bare = Posting(ParticipationSettings(), tiny.state, people.key)
    behind = Posting(ParticipationSettings(proxies=1), tiny.state, people.key)
    assert bare.sender("10.0.0.1", "192.0.2.9", now) == bare.sender("10.0.0.1", "", now)
    assert behind.sender("10.0.0.1", "6.6.6.6, 192.0.2.9", now) == bare.sender("192.0.2.9", "", now)


def test_comments_wait_or_are_shown(tiny, people, sender) -> None:
    talk = people.discussions
    first = talk.say("trees", "Since when is this kept?", sender(), title="History")
    assert first.state == "shown"
    spam = talk.say("trees", "Buy at https://spam.example", sender(), thread=first.id)
    assert spam.state == "pending"
    assert [item.id for item in talk.waiting()] == [spam.id]
    known = talk.say("trees", "See https://source.example", sender("k@b.example"), thread=first.id)
    talk.confirm(known.id, talk.secret("confirm", known.id))
    assert talk.one(known.id).state == "shown"
    answer = talk.say("trees", "Since 1998, see https://city.example", sender(), thread=first.id, official=True)
    assert answer.state == "shown"
    (thread,) = talk.threads("trees")
    assert [item.id for item in thread.replies] == [known.id, answer.id]
    assert thread.answered
    with pytest.raises(NotFound):
        talk.say("areas", "Wrong dataset", sender(), thread=first.id)
    with pytest.raises(NotFound):
        talk.say("trees", "Reply to a reply", sender(), thread=known.id)
    with pytest.raises(BadForm):
        talk.say("trees", "\u200b \n", sender(), title="Empty")
    talk.report(known.id, "who-1", "advertising")
    talk.report(known.id, "who-1", "again")
    talk.report(known.id, "who-2")
    assert talk.one(known.id).reports == 2
    assert talk.reports([known.id]) == {known.id: ["advertising"]}
    with pytest.raises(BadForm):
        talk.move(known.id, "hidden")
    assert talk.move(known.id, "hidden", "Advertising.").reason == "Advertising."
    (thread,) = talk.threads("trees")
    assert [item.state for item in thread.replies] == ["hidden", "shown"]
    talk.withdraw(first.id, talk.secret("track", first.id))
    assert talk.one(first.id).words == ""
    assert talk.threads("trees")[0].first.state == "withdrawn"  # its replies still stand on something
    strict = services(tiny, settings=ParticipationSettings(moderate="all"))
    assert strict.discussions.say("trees", "Harmless", sender(), title="T").state == "pending"


def test_reuses_are_shown_after_a_look(people, sender) -> None:
    reuses = people.reuses
    item = reuses.send(
        "Shade map", "Where to walk.", "application", "https://shade.example", "Group", ("trees", "areas"), sender()
    )
    assert reuses.shown("trees") == []
    reuses.move(item.id, "shown")
    assert [found.id for found in reuses.shown("trees")] == [item.id]
    assert reuses.shown("trees")[0].datasets == ("areas", "trees")
    assert reuses.shown(kind="article") == []
    with pytest.raises(BadForm):
        reuses.move(item.id, "hidden")
    reuses.move(item.id, "hidden", "Dead link.")
    assert reuses.shown() == []
    for wrong in (("", "w", "article", "https://a.example", "A"), ("t", "w", "poem", "https://a.example", "A"),
                  ("t", "w", "article", "javascript:alert(1)", "A")):  # fmt: skip
        with pytest.raises(BadForm):
            reuses.send(*wrong, ("trees",), sender())


def test_wishes_count_people_once(people, sender) -> None:
    wishes = people.wishes
    item = wishes.send("Toilets", "Where and when open.", "A map.", sender())
    with pytest.raises(BadForm):
        wishes.back(item.id, browser="b1")  # nobody has read it yet
    wishes.move(item.id, "review")
    assert wishes.back(item.id, browser="b1")
    assert wishes.back(item.id, browser="b1")
    assert wishes.back(item.id, browser="b2")
    assert wishes.one(item.id).support == 2
    assert not wishes.back(item.id, browser="b2", mail="x@b.example")
    assert wishes.one(item.id).support == 2
    from arengo.state.participation import support

    with people._state.read() as connection:
        row = connection.scalar(sa.select(support.c.id).where(support.c.mail.is_not(None)))
    secret = people.key.secret("confirm support", row)
    assert wishes.confirm_support(row, secret) == item.id
    wishes.confirm_support(row, secret)
    assert wishes.one(item.id).support == 2  # the address in place of its browser
    with pytest.raises(NotFound):
        wishes.confirm_support(row, "wrong")
    assert wishes.backs([item.id], "b1") == {item.id}
    wishes.unback(item.id, "b1")
    assert wishes.one(item.id).support == 1
    for state, more in (("planned", {}), ("published", {}), ("declined", {})):
        with pytest.raises(BadForm):
            wishes.move(item.id, state, **more)
    assert wishes.move(item.id, "planned", planned=date(2026, 9, 1)).planned == date(2026, 9, 1)
    assert wishes.move(item.id, "published", dataset="trees").dataset == "trees"
    with pytest.raises(BadForm):
        wishes.back(item.id, browser="b3")


def test_what_waits_is_counted(people) -> None:
    waiting = people.waiting()
    assert waiting.total == waiting.amendments + waiting.comments + waiting.reuses + waiting.wishes
    assert waiting.amendments == len(people.amendments.of(states=people.amendments.progress.waiting))
