"""Letters about agreements reach people on both sides, once; reminders, ends and webhooks."""

from __future__ import annotations

import email
import json
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "governance"))

from notary import START, TWO, Notary, make_notary

from arengo.contract.model import Contract
from arengo.governance import role
from arengo.governance.caller import Caller
from arengo.governance.party import Parties
from arengo.portal.letters import composer
from arengo.services.accord import Accord
from arengo.services.event import Events
from arengo.services.key import Key
from arengo.services.letter import Letters
from arengo.services.posting import Posting
from arengo.services.tracked import Office
from arengo.services.webhook import Hook, Webhooks
from arengo.settings import CitySettings, MailSettings, ParticipationSettings, Settings, SourceSettings


class Box:
    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.letters.append(email.message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        return "250 OK"


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


@dataclass
class Town:
    notary: Notary
    parties: Parties
    accord: Accord
    letters: Letters
    webhooks: Webhooks
    box: Box
    people: dict[str, Caller]

    def turn(self) -> dict[str, tuple[str, str]]:
        """A round, then what was delivered: name of the addressee -> (subject, text)."""
        self.accord.turn()
        self.letters.send(self.notary.time[0])
        out, self.box.letters = self.box.letters, []
        found = {}
        for made in out:
            name = str(made["To"]).partition("@")[0]
            assert name not in found, f"two letters to {name}: {found[name][0]}, {made['Subject']}"
            found[name] = (str(made["Subject"]), made.get_content())
        return found


PEOPLE = {
    "head": ("schools", "steward", "en"),
    "deputy": ("schools", "steward", "it"),
    "clerk": ("schools", "reader", "en"),
    "dev": ("mobility", "reader", "en"),
    "dpo": ("dpo", "auditor", "en"),
    "stranger": ("parks", "steward", "en"),
}


@pytest.fixture
def town(tmp_path: Path, post: tuple[Box, int]) -> Iterator[Town]:
    notary = make_notary(tmp_path)
    box, port = post
    box.letters = []
    settings = Settings(
        tmp_path, CitySettings(name="Limewood", url="https://data.limewood.example", language="en"),
        mail=MailSettings(host="127.0.0.1", port=port, tls="none", sender="city@limewood.example", per_minute=1000),
        sources=SourceSettings(allow_hosts=("127.0.0.1",)),
    )  # fmt: skip
    settings.home.mkdir(parents=True, exist_ok=True)
    parties = Parties(settings, notary.state, now=lambda: notary.time[0])
    people = {}
    with notary.state.write() as connection:
        for name, (organisation, held, language) in PEOPLE.items():
            made = parties.put_person(
                connection, name.title(), f"{name}@limewood.example", organisation, "active", language
            )
            role.give(connection, made.id, organisation, held, by="", now=START)
            people[name] = Caller(made.id, organisation, roles=((organisation, held),))
    notary.people = {by.party: by.roles for by in people.values()}
    key, events = Key(tmp_path / "key"), Events(notary.state)
    letters = Letters(settings, notary.state, key, composer(settings))
    posting = Posting(ParticipationSettings(), notary.state, key)
    office = Office(notary.state, key, events, letters, posting, lambda: notary.time[0])

    def title(dataset: str, language: str) -> str:
        contract: Contract = notary.contract(dataset)
        return contract.title(language)

    accord = Accord(notary.agreements, parties, letters, events, title)
    yield Town(notary, parties, accord, letters, Webhooks(office, settings), box, people)
    notary.state.close()


def test_a_request_reaches_the_stewards_and_the_decision_who_asked(town: Town) -> None:
    head, dev = town.people["head"], town.people["dev"]
    item = town.notary.request(dev)
    got = town.turn()
    assert set(got) == {"head", "deputy"}
    subject, text = got["head"]
    assert subject == "mobility asks to read: School enrolment"
    assert f"https://data.limewood.example/desk/access/{item.id}" in text
    assert "Safe ways to school" in text
    assert town.turn() == {}
    town.notary.agreements.approve(item.id, by=head, why="Gladly.")
    got = town.turn()
    assert set(got) == {"dev"}
    subject, text = got["dev"]
    assert subject == "You may read: School enrolment"
    assert "> Gladly." in text
    assert f"https://data.limewood.example/agreements/{item.id}" in text


@pytest.mark.parametrize(
    ("action", "by", "to", "subject"),
    [
        ("reject", "head", {"dev"}, "Your request was rejected"),
        ("send_back", "head", {"dev"}, "Please correct your request"),
        ("suspend", "head", {"dev"}, "Suspended"),
        ("suspend", "dev", {"head", "deputy"}, "Suspended"),
        ("revoke", "dev", {"head", "deputy"}, "Ended"),
        ("revoke", "deputy", {"dev"}, "Ended"),
    ],
)
def test_the_other_side_hears_of_each_decision(town: Town, action: str, by: str, to: set[str], subject: str) -> None:
    item = town.notary.request(town.people["dev"])
    if action in ("suspend", "revoke"):
        town.notary.agreements.approve(item.id, by=town.people["head"])
    town.turn()
    getattr(town.notary.agreements, action)(item.id, by=town.people[by], why="Because of <b>this</b>.")
    got = town.turn()
    assert set(got) == to
    for said, text in got.values():
        if "deputy" not in got:
            assert said.startswith(subject)
        assert "> Because of <b>this</b>." in text  # words are words: nothing in a letter is markup


def test_the_second_approver_is_asked_when_it_is_her_turn(town: Town) -> None:
    town.notary.apply(roles=TWO)
    item = town.notary.request(town.people["dev"])
    assert set(town.turn()) == {"head", "deputy"}
    town.notary.agreements.approve(item.id, by=town.people["head"])
    got = town.turn()
    assert set(got) == {"dpo"}
    assert "yours is the second" in got["dpo"][1]
    town.notary.agreements.approve(item.id, by=town.people["dpo"])
    assert set(town.turn()) == {"dev"}


def test_who_stands_in_is_asked_too(town: Town) -> None:
    town.notary.agreements.delegations.put(
        town.people["clerk"].party, "schools", START, START + timedelta(days=7), by=town.people["head"]
    )
    town.notary.request(town.people["dev"])
    assert set(town.turn()) == {"head", "deputy", "clerk"}


def test_what_a_rule_granted_is_told_to_both(town: Town) -> None:
    town.notary.apply(approval="threshold")
    town.notary.request(town.people["dev"])
    got = town.turn()
    assert set(got) == {"dev", "head", "deputy"}
    assert "by the rule of" in got["head"][1]


def test_reminders_come_every_few_days_and_grant_nothing(town: Town) -> None:
    item = town.notary.request(town.people["dev"])
    town.turn()
    seen = []
    for day in range(1, 16):
        town.notary.pass_time(days=1)
        if got := town.turn():
            assert set(got) == {"head", "deputy"}
            seen.append((day, got["head"][0]))
    assert [day for day, _ in seen] == [5, 10, 15]
    assert seen[0][1] == "Waiting for 5 days: School enrolment"
    assert town.notary.agreements.get(item.id).state == "pending"
    town.notary.agreements.reject(item.id, by=town.people["head"], why="No, because.")
    town.turn()
    town.notary.pass_time(days=30)
    assert town.turn() == {}


def test_both_hear_before_the_end_and_at_the_end(town: Town) -> None:
    item = town.notary.request(town.people["dev"])
    town.notary.agreements.approve(item.id, by=town.people["head"])
    town.turn()
    town.notary.pass_time(days=334)
    assert town.turn() == {}
    town.notary.pass_time(days=2)
    got = town.turn()
    assert set(got) == {"dev", "head", "deputy"}
    assert got["dev"][0].startswith("Ends on ")
    assert town.turn() == {}
    town.notary.pass_time(days=30)
    got = town.turn()
    assert set(got) == {"dev", "head", "deputy"}
    assert got["dev"][0] == "Expired: School enrolment"
    assert town.notary.agreements.get(item.id).state == "expired"


def test_a_broken_contract_is_told_then_stops(town: Town) -> None:
    item = town.notary.request(town.people["dev"])
    town.notary.agreements.approve(item.id, by=town.people["head"])
    town.turn()
    town.notary.apply(version="2.0.0")
    got = town.turn()
    assert set(got) == {"dev", "head", "deputy"}
    assert "2.0.0" in got["dev"][1]
    town.notary.pass_time(days=29)
    assert town.turn() == {}
    town.notary.pass_time(days=2)
    got = town.turn()
    assert got["dev"][0] == "Suspended: School enrolment"
    assert town.notary.agreements.get(item.id).suspended_by == {"platform"}


def test_old_steps_are_not_told_after_a_long_silence(town: Town) -> None:
    town.notary.request(town.people["dev"])
    town.notary.pass_time(days=4)
    assert town.turn() == {}
    town.notary.pass_time(days=1)
    assert set(town.turn()) == {"head", "deputy"}  # the reminder


def test_where_nobody_can_decide_who_keeps_people_hears_of_it(town: Town) -> None:
    with town.notary.state.write() as connection:
        for name in ("head", "deputy"):
            role.take(connection, town.people[name].party, "schools", "steward")
        boss = town.parties.put_person(connection, "Boss", "boss@limewood.example", "city", "active", "en")
        role.give(connection, boss.id, "*", "administrator", by="", now=START)
    town.notary.request(town.people["dev"])
    got = town.turn()
    assert set(got) == {"boss"}
    assert got["boss"][0] == "Nobody can decide: School enrolment"
    assert "a steward of schools" in got["boss"][1]
    town.notary.pass_time(days=5)
    assert set(town.turn()) == {"boss"}
    with town.notary.state.write() as connection:
        role.give(connection, town.people["head"].party, "schools", "steward", by="", now=START)
    town.notary.pass_time(days=5)
    assert set(town.turn()) == {"head"}


def test_a_blocked_person_gets_nothing(town: Town) -> None:
    with town.notary.state.write() as connection:
        town.parties.change_person(connection, town.people["deputy"].party, state="blocked")
    town.notary.request(town.people["dev"])
    assert set(town.turn()) == {"head"}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.got.append(body)  # type: ignore[attr-defined]
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def test_webhooks_hear_of_agreements_only_by_that_name(town: Town) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.got = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    town.webhooks.add("office", f"{address}/office", ["agreement.*"])
    item = town.notary.request(town.people["dev"])
    town.notary.agreements.approve(item.id, by=town.people["head"], why="A secret reason.")
    town.accord.turn()
    town.webhooks.turn(town.notary.time[0])
    server.shutdown()
    server.server_close()
    got = server.got  # type: ignore[attr-defined]
    assert [one["type"] for one in got] == ["agreement.pending", "agreement.active"]
    assert got[1]["data"] == {
        "seq": 2, "dataset": "enrolment", "subject": item.id, "agreement": item.id, "owner": "schools",
        "organisation": "mobility", "url": f"https://data.limewood.example/agreements/{item.id}",
    }  # fmt: skip
    everything = Hook("all", "https://example.org", "", ("*",), (), False)
    event = Events(town.notary.state).after(0)[0]
    assert not everything.wants(event)
    assert replace(everything, events=("agreement.active", "agreement.p*")).wants(event)


def test_the_record_is_completed_by_the_clock(town: Town) -> None:
    """A kill between a step and its telling leaves nothing out."""
    told: list[int] = []
    agreements = town.notary.agreements

    def killed(kind: str, **facts: Any) -> None:
        raise KeyboardInterrupt

    agreements._tell = killed
    with pytest.raises(KeyboardInterrupt):
        town.notary.draft(town.people["dev"])
    agreements._tell = lambda kind, **facts: told.append(facts["body"]["step"])
    town.accord.turn()
    assert told == [1]
