"""Sessions and roles: who somebody is at the next request, and who may say so."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from governance_people import Hall, hall

from arengo.errors import Conflict, NotAllowed, NotFound, NotKnown, SettingsError
from arengo.governance import ANYONE
from arengo.governance.party import owner_id
from arengo.governance.role import OPERATOR


@pytest.fixture
def town(tmp_path: Path) -> Hall:
    return hall(tmp_path)


def test_a_cookie_stands_for_a_person_with_roles(town: Hall) -> None:
    anna = town.person("anna@city.example", "registry-office", "steward", "reader")
    cookie = town.sessions.open(anna.id, 1)
    caller = town.sessions.caller(cookie)
    assert (caller.party, caller.organisation, caller.assurance) == (anna.id, "registry-office", 1)
    assert caller.roles == (("registry-office", "reader"), ("registry-office", "steward"))
    assert caller.has("steward", "registry-office")
    assert not caller.has("steward", "parks-and-gardens")
    assert cookie not in repr(caller)


@pytest.mark.parametrize("cookie", ["", "x", "a" * 43, "a" * 10_000, "\x00" * 43, "é" * 43, "' OR 1=1 --" * 4])
def test_what_is_no_cookie_is_anyone(town: Hall, cookie: str) -> None:
    assert town.sessions.caller(cookie) is ANYONE


def test_changes_are_felt_at_the_next_call(town: Hall) -> None:
    anna = town.person("anna@city.example", "registry-office", "steward")
    cookie = town.sessions.open(anna.id, 2)
    other = hall_of(town)  # another process over the same state
    for sessions in (town.sessions, other.sessions):
        assert sessions.caller(cookie).roles
    town.parties.take(anna.id, "registry-office", "steward", by=OPERATOR)
    assert town.sessions.caller(cookie).roles == other.sessions.caller(cookie).roles == ()
    town.parties.block(anna.id, by=OPERATOR)
    assert town.sessions.caller(cookie) is other.sessions.caller(cookie) is ANYONE
    with pytest.raises(NotKnown):
        town.sessions.open(anna.id, 2)
    town.parties.block(anna.id, by=OPERATOR, blocked=False)
    assert town.sessions.caller(cookie) is ANYONE  # what ended stays ended
    again = town.sessions.open(anna.id, 2)
    assert other.sessions.caller(again).party == anna.id
    town.sessions.close(again)
    assert other.sessions.caller(again) is ANYONE


def hall_of(town: Hall) -> Hall:
    from arengo.governance.party import Parties
    from arengo.governance.session import Sessions
    from arengo.state import open_state

    state = open_state(town.parties.settings.state_url)
    parties = Parties(town.parties.settings, state, now=lambda: town.at[0])
    return Hall(parties, Sessions(parties), town.at)


def test_signing_out_moves_no_dataset(town: Hall) -> None:
    anna = town.person("anna@city.example")
    before = town.parties.state.generation()
    for _ in range(3):
        town.sessions.close(town.sessions.open(anna.id, 1))
    assert town.parties.state.generation() == before


def test_sessions_end_by_idleness_and_by_age(town: Hall) -> None:
    anna = town.person("anna@city.example")
    cookie = town.sessions.open(anna.id, 1)
    for _ in range(13):
        town.later(minutes=50)
        assert town.sessions.caller(cookie).party == anna.id
    idle = town.sessions.open(anna.id, 1)
    town.later(minutes=61)
    assert town.sessions.caller(idle) is ANYONE
    assert hall_of(town).sessions.caller(idle) is ANYONE


def test_after_twelve_hours_a_session_ends_however_it_is_used(town: Hall) -> None:
    anna = town.person("anna@city.example")
    cookie = town.sessions.open(anna.id, 1)
    for _ in range(24):
        assert town.sessions.caller(cookie).party == anna.id
        town.later(minutes=30)
    assert town.sessions.caller(cookie) is ANYONE


def test_each_login_and_step_up_makes_a_new_cookie(town: Hall) -> None:
    anna = town.person("anna@city.example", "city", "administrator", wide=True)
    planted = "A" * 43
    first = town.sessions.open(anna.id, 1, before=planted)
    assert first != planted
    assert town.sessions.caller(first).roles == ()  # the role asks for a second factor
    (rests,) = town.sessions.find(first).resting  # type: ignore[union-attr]
    assert rests == ("*", "administrator", 2)
    surer = town.sessions.step_up(first, 2, method="password totp")
    assert surer != first
    assert town.sessions.caller(first) is ANYONE
    assert town.sessions.caller(surer).roles == (("*", "administrator"),)
    assert town.sessions.caller(town.sessions.step_up(surer, 1, method="password")).assurance == 2
    assert town.sessions.open(anna.id, 1, before=surer)
    assert town.sessions.caller(surer) is ANYONE
    with pytest.raises(NotKnown):
        town.sessions.step_up(first, 2, method="x")


def test_people_end_their_own_sessions_and_nobody_elses(town: Hall) -> None:
    anna, bruno = town.person("anna@city.example"), town.person("bruno@city.example")
    mine, other = town.sessions.open(anna.id, 1, agent="Firefox, Linux"), town.sessions.open(anna.id, 1)
    theirs = town.sessions.open(bruno.id, 1)
    with pytest.raises(NotFound):
        town.sessions.end(anna.id, town.sessions.caller(theirs).credential)
    assert [item[1] for item in town.sessions.of(anna.id)].count("Firefox, Linux") == 1
    assert town.sessions.end(anna.id, but=town.sessions.caller(mine).credential) == 1
    assert town.sessions.caller(other) is ANYONE
    assert town.sessions.caller(mine).party == anna.id
    assert town.sessions.caller(theirs).party == bruno.id


def test_the_token_of_forms_hangs_on_the_cookie(town: Hall) -> None:
    anna = town.person("anna@city.example")
    one, two = (town.sessions.open(anna.id, 1) for _ in range(2))
    assert town.sessions.opens(one, town.sessions.token(one))
    assert not town.sessions.opens(two, town.sessions.token(one))
    assert not town.sessions.opens(one, "")
    assert not town.sessions.opens(one, "é")


def test_a_known_cookie_asks_nothing_of_the_database(town: Hall, statements: Any) -> None:
    anna = town.person("anna@city.example", "registry-office", "steward")
    cookie = town.sessions.open(anna.id, 1)
    town.sessions.caller(cookie)
    with statements.counted() as asked:
        for _ in range(200):
            assert town.sessions.caller(cookie).party == anna.id
    assert len(asked) <= 1  # how new the state is, now and then


# Organisations and roles


def test_owners_of_contracts_are_organisations_by_themselves(town: Hall) -> None:
    from datetime import UTC, datetime

    from arengo.contract import loads

    text = (
        "apiVersion: v3.1.0\nkind: DataContract\nid: trees\nname: Trees\nversion: 1.0.0\nstatus: active\n"
        "schema: [{name: trees, properties: [{name: id, logicalType: integer}]}]\n"
        "customProperties: [{property: arengoOwner, value: Ufficio Città Sostenibile}]\n"
    )
    at = datetime(2026, 1, 1, tzinfo=UTC)
    town.parties.state.put_contract("trees", version="1.0.0", sha="x", text=text, path="", at=at)
    assert owner_id(loads(text)) == "ufficio-citta-sostenibile"
    found = town.parties.organisation("ufficio-citta-sostenibile")
    assert (found.name, found.owner) == ("Ufficio Città Sostenibile", True)
    assert town.parties.organisation("city").name == "Tinyville"
    with pytest.raises(NotFound):
        town.parties.organisation("nobody")


def test_administrators_rule_their_own_house_only(town: Hall) -> None:
    chief = town.person("chief@city.example", "registry-office", "administrator")
    clerk = town.person("clerk@city.example", "parks-and-gardens", "steward")
    by = town.as_(chief)
    for refused in (
        lambda: town.parties.give(chief.id, "*", "administrator", by=by),
        lambda: town.parties.give(chief.id, "parks-and-gardens", "steward", by=by),
        lambda: town.parties.take(clerk.id, "parks-and-gardens", "steward", by=by),
        lambda: town.parties.block(clerk.id, by=by),
        lambda: town.parties.invitations.renew(clerk.id, by=by),
        lambda: town.parties.invitations.invite("X", "x@city.example", "*", ["steward"], by=by),
        lambda: town.parties.invitations.invite("X", "x@city.example", "parks-and-gardens", ["reader"], by=by),
        lambda: town.parties.add_organisation("Another", by=by),
        lambda: town.parties.add_organisation("Another", "parks-and-gardens", by=by),
        lambda: town.parties.add_organisation("An office that publishes next year", "registry-office", by=by),
        lambda: town.parties.give(clerk.id, "parks-and-gardens", "steward", by=ANYONE),
    ):
        with pytest.raises(NotAllowed):
            refused()
    town.parties.give(clerk.id, "registry-office", "reader", by=by)  # a role in the own house may go to anyone
    # but it gives no power over the person, who is somebody elsewhere
    for refused in (
        lambda: town.parties.block(clerk.id, by=by),
        lambda: town.parties.invitations.renew(clerk.id, by=by),
    ):
        with pytest.raises(NotAllowed):
            refused()
    with pytest.raises(Conflict):
        town.parties.block(chief.id, by=by)


def test_nobody_takes_over_who_may_more(town: Hall) -> None:
    """A link for a new password is the account: it is given only by who administers all of the person's roles."""
    chief = town.person("chief@city.example", "registry-office", "administrator")
    mayor = town.person("mayor@city.example", "registry-office", "administrator", wide=True)
    with pytest.raises(NotAllowed):
        town.parties.invitations.renew(mayor.id, by=town.as_(chief))
    assert town.parties.invitations.renew(chief.id, by=town.as_(mayor))


def test_departments_are_administered_from_above_and_keep_their_data(town: Hall) -> None:
    made = town.parties.add_organisation("Nurseries", "parks-and-gardens", by=OPERATOR)
    chief = town.person("chief@city.example", "parks-and-gardens", "administrator", "steward", "auditor")
    caller = town.as_(chief)
    assert caller.has("administrator", made.id)
    assert caller.has("auditor", made.id)
    assert not caller.has("steward", made.id)
    town.parties.add_organisation("Seeds", made.id, by=OPERATOR)
    assert town.as_(chief).has("administrator", "seeds")
    for parent in ("", "registry-office"):
        with pytest.raises(Conflict):
            town.parties.add_organisation("Nurseries", parent, by=OPERATOR)


def test_what_a_directory_says_is_exactly_what_holds(town: Hall) -> None:
    anna = town.person("anna@city.example", "registry-office", "reader")
    town.parties.directory_roles(anna.id, "city-id", [("registry-office", "steward"), ("nobody", "steward")])
    assert {(item.role, item.source) for item in town.parties.roles(anna.id)} == {
        ("reader", ""),
        ("steward", "city-id"),
    }
    town.parties.take(anna.id, "registry-office", "steward", by=OPERATOR)
    assert not town.as_(anna).has("steward", "registry-office")
    town.parties.directory_roles(anna.id, "city-id", [("registry-office", "steward")])  # it comes back with a login
    assert town.as_(anna).has("steward", "registry-office")
    town.parties.directory_roles(anna.id, "city-id", [])
    assert [item.role for item in town.parties.roles(anna.id)] == ["reader"]


def test_who_left_is_forgotten(town: Hall, tmp_path: Path) -> None:
    anna = town.person("anna.rossi@city.example", "registry-office", "steward")
    cookie = town.sessions.open(anna.id, 1)
    chief = town.person("chief@city.example", "parks-and-gardens", "administrator")
    with pytest.raises(NotAllowed):
        town.parties.erase(anna.id, by=town.as_(chief))
    town.parties.erase(anna.id, by=OPERATOR)
    assert town.sessions.caller(cookie) is ANYONE
    assert town.parties.roles(anna.id) == ()
    assert town.parties.by_mail("anna.rossi@city.example") is None
    with sqlite3.connect(tmp_path / ".arengo" / "state.sqlite") as connection:
        assert "anna.rossi" not in "\n".join(connection.iterdump()).lower()
    town.person("anna.rossi@city.example")  # the address is free again


def test_the_record_hears_of_everything(town: Hall) -> None:
    anna = town.person("anna@city.example", "registry-office", "steward")
    cookie = town.sessions.open(anna.id, 1)
    town.sessions.close(cookie)
    town.parties.block(anna.id, by=OPERATOR)
    kinds = [(item["kind"], item["body"]["act"]) for item in town.told]
    assert ("administration", "role given") in kinds
    assert ("login", "signed in") in kinds
    assert ("login", "signed out") in kinds
    assert kinds[-1] == ("administration", "person blocked")
    assert cookie not in str(town.told)


def test_nothing_secret_lies_in_the_database(town: Hall, tmp_path: Path) -> None:
    anna = town.person("anna@city.example")
    cookie = town.sessions.open(anna.id, 1, id_token="a.token.of-the-provider")
    _, link = town.parties.invitations.invite("B", "b@city.example", "city", ["reader"], by=OPERATOR)
    secret, _ = town.parties.totps.begin(anna)
    town.parties.throttle.enter("anna@city.example", "192.0.2.77")
    with sqlite3.connect(tmp_path / ".arengo" / "state.sqlite") as connection:
        dump = "\n".join(connection.iterdump())
    for text in (cookie, link, secret, "tulip", "token.of-the-provider", "192.0.2.77"):
        assert text not in dump
    assert "$argon2id$" in dump
    assert (tmp_path / ".arengo" / "parties.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("entry", ["administrator", "mayor=high", "reader=extreme", "=low"])
def test_a_misspelt_level_is_refused_at_the_start(tmp_path: Path, entry: str) -> None:
    with pytest.raises(SettingsError):
        hall(tmp_path, assurance=(entry,))
