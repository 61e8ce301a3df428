"""Passwords, codes, passkeys, links, and how often they may be tried."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from governance_people import HERE, PHRASE, Device, Hall, hall

from arengo.errors import ArengoError, BadForm, Conflict, NotFound, NotKnown, OperatorError, QuotaSpent, TooOften
from arengo.governance import password
from arengo.governance.party import Parties
from arengo.governance.passkey import Place
from arengo.governance.role import OPERATOR
from arengo.governance.throttle import network
from arengo.settings import LoginSettings


@pytest.fixture
def town(tmp_path: Path) -> Hall:
    return hall(tmp_path)


# Passwords


def test_a_password_opens_its_own_account_only(town: Hall) -> None:
    anna, bruno = town.person("anna@city.example"), town.person("bruno@city.example")
    check = town.parties.passwords.check
    assert check(anna.id, PHRASE)
    assert not check(anna.id, PHRASE + " ")
    assert not check("", PHRASE)
    assert not check("p-nobody", PHRASE)
    assert not check(bruno.id, "")
    assert check(anna.id, PHRASE.replace("t", "\uff54", 1))  # a full-width t, as another keyboard writes it


@pytest.mark.parametrize(
    ("given", "why"),
    [("short", "short"), ("a" * 300, "long"), ("aaaaaaaaaaaaaaaa", "common"), ("Password12345", "common"),
     ("anna@city.example", "near"), ("annatinyville", "near"), (PHRASE, ""), ("пароль-из-трёх-слов", "")],
)  # fmt: skip
def test_weak_passwords_are_named(town: Hall, given: str, why: str) -> None:
    assert town.parties.passwords.weakness(given, town.person("anna@city.example")) == why


def test_hashes_follow_the_settings(town: Hall) -> None:
    anna = town.person("anna@city.example")
    stronger = Parties(
        replace(town.parties.settings, login=LoginSettings(argon2_memory=128, argon2_passes=2)), town.parties.state
    )
    assert "m=64,t=1" in _hash(town, anna.id)
    assert stronger.passwords.check(anna.id, PHRASE)
    assert "m=128,t=2" in _hash(town, anna.id)
    assert stronger.passwords.check(anna.id, PHRASE)


def _hash(town: Hall, person: str) -> str:
    from arengo.state.parties import password as kept

    with town.parties.state.read() as connection:
        return str(connection.scalar(kept.select().with_only_columns(kept.c.hash).where(kept.c.person == person)))


def test_a_flood_of_logins_leaves_threads_for_others(town: Hall) -> None:
    anna = town.person("anna@city.example")
    with ExitStack() as others:
        for _ in range(4):  # as many as may be judged or wait for it
            password._queue.acquire()
            others.callback(password._queue.release)
        with pytest.raises(TooOften):
            town.parties.passwords.check(anna.id, PHRASE)
    assert town.parties.passwords.check(anna.id, PHRASE)


# How often


def test_the_pause_doubles_and_ends(town: Hall) -> None:
    throttle = town.parties.throttle
    for _ in range(5):
        throttle.enter("anna@city.example", "192.0.2.1")
    pauses = []
    for _ in range(4):
        with pytest.raises(QuotaSpent) as met:
            throttle.enter("anna@city.example", "192.0.2.1")
        pauses.append(met.value.seconds)
        town.later(seconds=met.value.seconds)
        throttle.enter("anna@city.example", "192.0.2.1")
    assert pauses == [1, 2, 4, 8]
    throttle.enter("bruno@city.example", "192.0.2.1")  # neither the neighbour
    throttle.enter("anna@city.example", "198.51.100.1")  # nor the owner elsewhere is stopped
    town.later(days=2)
    throttle.enter("anna@city.example", "192.0.2.1")


def test_success_forgets_the_wrong_tries(town: Hall) -> None:
    for _ in range(4):
        town.parties.throttle.enter("anna@city.example", "192.0.2.1")
    town.parties.throttle.passed(town.parties.throttle.enter("anna@city.example", "192.0.2.1"))
    for _ in range(5):
        town.parties.throttle.enter("anna@city.example", "192.0.2.1")


def test_many_accounts_from_one_place_and_one_account_from_many(town: Hall) -> None:
    for number in range(60):
        town.parties.throttle.enter(f"p{number}@city.example", "192.0.2.1")
    with pytest.raises(QuotaSpent):
        town.parties.throttle.enter("q@city.example", "192.0.2.1")
    met: list[int] = []
    for number in range(60):
        try:
            town.parties.throttle.enter("anna@city.example", f"198.51.100.{number}")
        except QuotaSpent as error:
            met.append(error.seconds)
    assert met
    assert max(met) <= 60  # strangers cannot lock the owner out for longer


def test_a_hundred_tries_at_once_are_a_hundred(town: Hall) -> None:
    passed: list[int] = []

    def one() -> None:
        try:
            town.parties.throttle.enter("anna@city.example", "192.0.2.1")
            passed.append(1)
        except QuotaSpent:
            pass

    threads = [threading.Thread(target=one) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 5


def test_networks() -> None:
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert network("::ffff:192.0.2.1") == network("192.0.2.1")
    assert network("not an address") == "unknown"


# Codes


def test_a_code_opens_once_and_only_now(town: Hall) -> None:
    anna, totps = town.person("anna@city.example"), town.parties.totps
    secret, address = totps.begin(anna)
    assert totps.begin(anna)[0] == secret  # the page can be opened twice
    assert address.startswith("otpauth://totp/")
    made = pyotp.TOTP(secret)
    assert totps.confirm(anna.id, "000000") == ()
    assert not totps.has(anna.id)
    assert not totps.check(anna.id, made.at(town.at[0]))  # not confirmed yet
    codes = totps.confirm(anna.id, made.at(town.at[0]))
    assert len(set(codes)) == 10
    assert totps.has(anna.id)
    assert not totps.check(anna.id, made.at(town.at[0]))  # used when it was confirmed
    town.later(seconds=30)
    now = made.at(town.at[0])
    assert totps.check(anna.id, f" {now[:3]} {now[3:]}")
    assert not totps.check(anna.id, now)
    town.later(seconds=60)
    assert totps.check(anna.id, made.at(town.at[0] - timedelta(seconds=30)))  # a slow clock
    assert not totps.check(anna.id, made.at(town.at[0] - timedelta(seconds=90)))
    assert not totps.check(anna.id, made.at(town.at[0] + timedelta(seconds=120)))
    assert totps.begin(anna)[0] != secret
    assert totps.check(anna.id, made.at(town.at[0]))  # opening the page of a new app changes nothing


def test_recovery_codes_open_once(town: Hall) -> None:
    anna, bruno, totps = town.person("anna@city.example"), town.person("bruno@city.example"), town.parties.totps
    codes = totps.confirm(anna.id, pyotp.TOTP(totps.begin(anna)[0]).at(town.at[0]))
    assert not totps.check(bruno.id, codes[0])
    assert totps.check(anna.id, codes[0].upper())
    assert not totps.check(anna.id, codes[0])
    assert totps.left(anna.id) == 9
    fresh = totps.renew(anna.id)
    assert not totps.check(anna.id, codes[1])
    assert totps.check(anna.id, fresh[1])
    totps.drop(anna.id)
    assert not totps.check(anna.id, fresh[2])
    for hostile in ("", "' OR 1=1", "１２３４５６", "9" * 5000):
        assert not totps.check(anna.id, hostile)


def test_another_key_opens_no_sealed_secret(town: Hall, tmp_path: Path) -> None:
    anna = town.person("anna@city.example")
    sealed = town.parties.seal.close("totp", "secret", anna.id)
    assert town.parties.seal.open("totp", sealed, anna.id) == "secret"
    for use, about in (("totp", "p-other"), ("id_token", anna.id)):
        with pytest.raises(OperatorError):
            town.parties.seal.open(use, sealed, about)
    with pytest.raises(OperatorError):
        hall(tmp_path / "another").parties.seal.open("totp", sealed, anna.id)


# Passkeys


def test_a_passkey_is_made_and_opens(town: Hall) -> None:
    anna, keys, device = town.person("anna@city.example"), town.parties.passkeys, Device()
    challenge = keys.challenge("add", anna.id)
    answer = device.create(keys.creation(anna, challenge, HERE))
    made = keys.add(anna, challenge, answer, HERE, "  My   telephone ")
    assert made.name == "My telephone"
    with pytest.raises(NotKnown):  # the same answer again
        keys.add(anna, challenge, answer, HERE, "x")
    for _ in range(2):
        challenge = keys.challenge("open")
        answer = device.get(keys.request(challenge, HERE))
        assert keys.check(challenge, answer, HERE) == anna.id
        with pytest.raises(NotKnown):
            keys.check(challenge, answer, HERE)  # replayed
    assert keys.of(anna.id)[0].used_at is not None


def _with_key(town: Hall, mail: str) -> tuple[str, Device]:
    person, keys, device = town.person(mail), town.parties.passkeys, Device()
    challenge = keys.challenge("add", person.id)
    keys.add(person, challenge, device.create(keys.creation(person, challenge, HERE)), HERE, "")
    return person.id, device


def test_hostile_answers_open_nothing(town: Hall) -> None:
    keys = town.parties.passkeys
    anna, device = _with_key(town, "anna@city.example")
    bruno, _ = _with_key(town, "bruno@city.example")

    def refused(change: str) -> None:
        challenge = keys.challenge("open")
        options = keys.request(challenge, HERE)
        person = ""
        if change == "origin":
            device.place = Place(HERE.domain, "https://evil.example")
        if change == "domain":
            device.place = Place("evil.example", HERE.origin)
        if change == "person":
            person = bruno
            challenge = keys.challenge("open", bruno)
            options = keys.request(challenge, HERE)
        if change == "challenge":
            options = keys.request(keys.challenge("open"), HERE)
        if change == "use":
            challenge = keys.challenge("add", anna)
            options = keys.request(challenge, HERE)
        answer = device.get(options, verified=change != "unverified")
        device.place = HERE
        if change == "count":
            device.count = 0
            challenge = keys.challenge("open")
            answer = device.get(keys.request(challenge, HERE))
        if change == "signature":
            answer = answer.replace('"signature": "', '"signature": "AAAA')
        if change == "old":
            town.later(minutes=11)
        if change == "forged":
            challenge = challenge[:-4] + "0000"
        if change == "junk":
            answer = "[1, 2"
        with pytest.raises(NotKnown):
            keys.check(challenge, answer, HERE, person=person)

    for change in ("origin", "domain", "person", "challenge", "use", "unverified", "signature", "old", "forged",
                   "junk", "count"):  # fmt: skip
        refused(change)
    challenge = keys.challenge("open")
    with pytest.raises(NotKnown):
        keys.check(challenge, Device().get(keys.request(challenge, HERE)), HERE)


def test_a_key_belongs_to_one_person(town: Hall) -> None:
    keys = town.parties.passkeys
    anna, device = _with_key(town, "anna@city.example")
    bruno = town.person("bruno@city.example")
    challenge = keys.challenge("add", bruno.id)
    with pytest.raises(Conflict):
        keys.add(bruno, challenge, device.create(keys.creation(bruno, challenge, HERE)), HERE, "mine")
    with pytest.raises(NotFound):
        keys.drop(bruno.id, keys.of(anna)[0].id)
    keys.drop(anna, keys.of(anna)[0].id)
    assert keys.of(anna) == ()
    challenge = keys.challenge("add", bruno.id)
    with pytest.raises((BadForm, NotKnown)):
        keys.add(bruno, challenge, device.create(keys.creation(bruno, challenge, HERE), verified=False), HERE, "")


# Links


def test_an_invitation_opens_once(town: Hall) -> None:
    links = town.parties.invitations
    person, link = links.invite("", "New@City.Example", "registry-office", ["steward"], by=OPERATOR)
    assert (person.mail, person.name, person.state) == ("new@city.example", "new", "invited")
    with pytest.raises(NotKnown):
        town.sessions.open(person.id, 1)
    assert links.look(link).person.id == person.id
    came = links.accept(link, PHRASE, "Nina Verdi")
    assert (came.name, came.state) == ("Nina Verdi", "active")
    assert town.parties.passwords.check(person.id, PHRASE)
    for again in (links.look, lambda text: links.accept(text, PHRASE)):
        with pytest.raises(NotFound):
            again(link)


@pytest.mark.parametrize("name", ["anna", "ANNA ", "dpo@city.example"])
def test_nobody_takes_the_name_of_somebody_else(town: Hall, name: str) -> None:
    assert town.person("anna@city.example").name.casefold() == "anna"
    person, link = town.parties.invitations.invite("Nina", "n@city.example", "city", ["reader"], by=OPERATOR)
    with pytest.raises(BadForm):
        town.parties.invitations.accept(link, PHRASE, name)
    assert town.parties.person(person.id).state == "invited"
    assert town.parties.invitations.accept(link, PHRASE, "Nina Verdi").name == "Nina Verdi"


def test_of_two_who_accept_at_once_one_is_let_in(town: Hall) -> None:
    _, link = town.parties.invitations.invite("N", "n@city.example", "city", ["reader"], by=OPERATOR)
    met: list[str] = []

    def one(password: str) -> None:
        try:
            town.parties.invitations.accept(link, password)
            met.append("in")
        except NotFound:
            met.append("out")

    threads = [threading.Thread(target=one, args=(f"{PHRASE} {number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(met) == ["in", *["out"] * 5]


def test_links_end(town: Hall) -> None:
    links = town.parties.invitations
    person, old = links.invite("N", "n@city.example", "city", ["reader"], by=OPERATOR)
    newer = links.renew(person.id, by=OPERATOR)
    with pytest.raises(NotFound):
        links.look(old)
    town.later(days=8)
    for link in (newer, "x" * 43, ""):
        with pytest.raises(NotFound) as met:
            links.look(link)
        assert met.value.met == "This link opens nothing."
    last = links.renew(person.id, by=OPERATOR)
    town.parties.block(person.id, by=OPERATOR)
    with pytest.raises(NotFound):
        links.look(last)


def test_a_link_for_a_new_password_ends_every_session(town: Hall) -> None:
    anna = town.person("anna@city.example")
    cookie = town.sessions.open(anna.id, 1)
    link = town.parties.invitations.renew(anna.id, by=OPERATOR)
    assert town.sessions.caller(cookie).party == anna.id
    town.parties.invitations.accept(link, "another phrase entirely", "Somebody Else")
    assert town.sessions.caller(cookie).party == ""
    assert town.parties.person(anna.id).name == "Anna"  # the link changes the password only
    assert not town.parties.passwords.check(anna.id, PHRASE)


def test_who_is_known_gets_roles_and_no_link(town: Hall) -> None:
    anna = town.person("anna@city.example", "registry-office")
    person, link = town.parties.invitations.invite(
        "Another Name", "ANNA@city.example", "parks-and-gardens", ["reader"], by=OPERATOR
    )
    assert (person.id, person.name, link) == (anna.id, "Anna", "")
    with pytest.raises(BadForm):
        town.parties.invitations.invite("X", "no address", "city", ["reader"], by=OPERATOR)
    with pytest.raises(ArengoError):
        town.parties.invitations.invite("X", "x@city.example", "city", ["king"], by=OPERATOR)
