"""Letters reach a real mail server, once, with what mail programs want to see in them."""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from services_people import services
from tiny_city import AREAS, SQUARES

from arengo.contract import loads
from arengo.errors import NotFound, TooOften
from arengo.services.amendment import Report
from arengo.services.mail import message
from arengo.state.participation import letter, subscription


class Box:
    """A mail server's memory; addresses that begin with 'gone' do not exist, 'busy' is asked to come again."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.fail = False

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address.startswith("gone"):
            return "550 No such user here"
        if address.startswith("busy") or self.fail:
            return "451 Come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        made = email.message_from_bytes(envelope.content, policy=default)
        self.letters.append(made)
        return "250 OK"

    def take(self) -> list[EmailMessage]:
        out, self.letters = self.letters, []
        return out


@pytest.fixture(scope="module")
def post() -> Iterator[tuple[Box, int]]:
    from aiosmtpd.controller import Controller

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = Box()
    server = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=120)
    server.start()
    yield box, port
    server.stop()


@pytest.fixture(scope="module")
def city(tiny, post):
    found = services(tiny, port=post[1])
    found.turn()
    return found


def links(made: EmailMessage) -> list[str]:
    return [word for word in made.get_content().split() if word.startswith("https://data.tiny.example")]


def confirm_path(made: EmailMessage) -> tuple[str, str, str]:
    path = next(link for link in links(made) if "/confirm/" in link)
    kind, number, secret = path.partition("/confirm/")[2].split("/")
    return kind, number, secret


def test_nobody_is_written_to_before_agreeing(city, post, sender) -> None:
    box, _ = post
    item = city.amendments.send(Report("trees", "Wrong."), sender("anna@b.example", "it"))
    city.amendments.move(item.id, "review")
    assert city.letters.send() == 1
    (first,) = box.take()
    assert first["To"] == "anna@b.example"
    assert first["From"] == "Tinyville <city@tiny.example>"
    assert first["Reply-To"] == "data@tiny.example"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"] == f"<confirm-amendment-{item.id}@data.tiny.example>"
    assert first["List-Unsubscribe"] is None
    assert confirm_path(first)[:2] == ("amendment", item.id)
    city.amendments.confirm(*confirm_path(first)[1:])
    city.amendments.move(item.id, "answered", "Thank you; it is as it should be.")
    city.letters.send()
    (second,) = box.take()
    assert "Thank you; it is as it should be." in second.get_content()
    assert any(f"/track/amendment/{item.id}/" in link for link in links(second))
    with city._state.read() as connection:
        rows = connection.execute(sa.select(letter)).all()
    assert all(row.mail is None and row.words is None for row in rows if row.state == "sent")


def test_following_with_one_click_to_end_it(tiny, city, post) -> None:
    box, _ = post
    city.follows.begin("dataset", "areas", "immediate", "Leser@b.example", "fr")
    city.letters.send()
    (asked,) = box.take()
    kind, number, secret = confirm_path(asked)
    assert kind == "follow"
    tiny.publish(loads(AREAS), (*SQUARES, ("E", "Epsilon", 5, None)), datetime(2026, 4, 1, 8, tzinfo=UTC))
    city.turn()
    assert box.take() == []  # not confirmed yet
    with pytest.raises(NotFound):
        city.follows.confirm(number, "wrong")
    city.follows.confirm(number, secret)
    city.turn()
    assert box.take() == []  # what was before is no news
    tiny.publish(loads(AREAS), SQUARES, datetime(2026, 4, 2, 8, tzinfo=UTC))
    city.turn()
    (news,) = box.take()
    assert news["Content-Language"] == "fr"
    assert news["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = news["List-Unsubscribe"].strip("<>")
    assert address.startswith(f"https://data.tiny.example/unsubscribe/{number}/")
    assert "https://data.tiny.example/datasets/areas" in links(news)
    tiny.publish(loads(AREAS), SQUARES[:3], datetime(2026, 4, 3, 8, tzinfo=UTC))
    city.turn()
    assert box.take() == []  # within the hour it is gathered
    city.turn(datetime.now(UTC) + timedelta(hours=2))
    assert len(box.take()) == 1
    city.follows.end(number, address.rpartition("/")[2])
    city.follows.end(number, address.rpartition("/")[2])
    with city._state.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(subscription)) == 0


def test_topics_and_rhythms(tiny, city, post) -> None:
    box, _ = post
    follows = city.follows
    wanted = [("theme", "REGI"), ("everything", ""), ("search", "q=areas"), ("dataset", "trees"), ("theme", "ENVI")]
    for number, (topic, value) in enumerate(wanted):
        mine = follows.begin(topic, value, "daily" if number else "weekly", f"r{number}@b.example", "en")
        follows.confirm(mine, follows.secret("confirm", mine))
    city.letters.send()
    box.take()
    tiny.publish(loads(AREAS), SQUARES, datetime(2026, 4, 5, 8, tzinfo=UTC))
    city._look()
    now = datetime.now(UTC)
    assert follows.tell(now) == 0
    tuesday = (now + timedelta(days=1 + (1 - now.weekday() - 1) % 7)).replace(hour=19)  # twelve hours on, at least
    assert tuesday.weekday() == 1
    assert follows.tell(tuesday) == 2  # everything and the search
    monday = tuesday + timedelta(days=6)
    assert follows.tell(monday) == 1
    city.letters.send(monday + timedelta(hours=1))
    assert sorted(str(made["To"]) for made in box.take()) == ["r0@b.example", "r1@b.example", "r2@b.example"]


def test_one_address_is_not_buried_in_questions(city) -> None:
    for number in range(5):
        city.follows.begin("theme", ["ENVI", "ECON", "TRAN", "EDUC", "REGI"][number], "daily", "victim@b.example", "en")
    with pytest.raises(TooOften):
        city.follows.begin("reuses", "", "daily", "Victim@b.example", "en")


def test_a_letter_is_tried_again_and_given_up(city, post, sender) -> None:
    box, _ = post
    now = datetime.now(UTC)
    box.fail = True
    item = city.amendments.send(Report("areas", "Later."), sender("late@b.example"))
    mine = f"confirm-amendment-{item.id}"
    city.letters.send(now + timedelta(seconds=5))
    record = next(found for found in city.letters.records() if found.id == mine)
    assert (record.state, record.attempts) == ("waiting", 1)
    assert record.next_at > now
    city.letters.send(now + timedelta(seconds=10))
    assert next(found for found in city.letters.records() if found.id == mine).attempts == 1
    box.fail = False
    city.letters.send(now + timedelta(minutes=5))
    assert any(made["To"] == "late@b.example" for made in box.take())
    box.fail = True
    other = city.amendments.send(Report("areas", "Never."), sender("never@b.example"))
    city.letters.send(now + timedelta(days=4))
    record = next(found for found in city.letters.records() if found.id == f"confirm-amendment-{other.id}")
    box.fail = False
    assert record.state == "failed"


def test_an_address_that_does_not_exist_is_asked_once(city) -> None:
    follows = city.follows
    mine = follows.begin("everything", "", "daily", "gone@b.example", "en")
    follows.confirm(mine, follows.secret("confirm", mine))
    with city._state.write() as connection:
        city.letters.put(connection, "news-x", "news", "gone@b.example", "en",
                         {"topic": "everything", "value": "", "count": 1, "end": "/", "events": [
                             {"kind": "dataset.added", "dataset": "trees", "subject": "trees", "body": {}}]},
                         subscription=mine)  # fmt: skip
    city.letters.send(datetime.now(UTC) + timedelta(minutes=1))
    assert next(item for item in city.letters.records() if item.id == "news-x").state == "failed"
    with pytest.raises(NotFound):
        follows.one(mine, follows.secret("end", mine))


def test_a_server_that_is_down_loses_nothing(tiny, city, sender) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    down = services(tiny, port=port)
    item = down.amendments.send(Report("areas", "Down."), sender("down@b.example"))
    assert down.letters.send() == 0
    record = next(found for found in down.letters.records() if found.id == f"confirm-amendment-{item.id}")
    assert record.state == "waiting"
    assert "ConnectionRefused" in record.error


def test_without_a_server_no_letter_is_kept(people, sender) -> None:
    item = people.amendments.send(Report("areas", "Quiet."), sender("quiet@b.example"))
    assert not people.letters.able
    assert people.letters.missing == ("mail.host", "city.url")
    assert not [found for found in people.letters.records(limit=500) if item.id in found.id]


def test_nothing_smuggles_a_header(city) -> None:
    row = SimpleNamespace(
        id="x", subject="Hi\r\nBcc: all@b.example\u2028x", created_at=datetime.now(UTC), language="en",
        unsubscribe="", kind="news",
    )  # fmt: skip
    made = message(city.letters._settings, row, "a@b.example", "one\n.\nBcc: x\n")
    assert made["Bcc"] is None
    assert made["Subject"] == "Hi Bcc: all@b.example x"
    again = email.message_from_bytes(made.as_bytes(), policy=default)
    assert again["Bcc"] is None
    assert [name for name in again if name.lower() == "subject"] == ["Subject"]
    with pytest.raises(Exception, match=r"(?i)invalid|header|address"):
        message(city.letters._settings, row, "a@b.example\nBcc: c@d.example", "x")


def test_every_kind_of_letter_is_said_in_every_language(city) -> None:
    from arengo.portal.language import LANGUAGES
    from arengo.portal.letters import composer
    from arengo.services.event import KINDS
    from arengo.services.follow import TOPICS
    from arengo.services.progress import KINDS as PROGRESS

    compose = composer(city.letters._settings)
    for language in LANGUAGES:
        for what in ("amendment", "comment", "reuse", "wish", "support", "follow"):
            for topic in TOPICS if what == "follow" else ("",):
                facts = {"what": what, "number": "AB", "confirm": "/c", "track": "/t", "topic": topic, "value": "q=a"}
                assert all(compose("confirm", language, facts))
        for kind, progress in PROGRESS.items():
            for state in progress.states:
                facts = {"what": kind, "number": "AB", "state": state, "words": "x\ny", "track": "/t", "label": "L"}
                assert all(compose("moved", language, facts))
        events = [{"kind": kind, "dataset": "trees", "subject": "AB", "body": {"version": 2}} for kind in KINDS]
        news = {"topic": "everything", "value": "", "count": len(events) + 1, "events": events, "end": "/f"}
        subject, words = compose("news", language, news)
        assert subject
        assert all(len(line) < 998 for line in words.splitlines())
