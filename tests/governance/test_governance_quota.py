"""Plans are kept to the request, also when several processes count at once."""

from __future__ import annotations

import multiprocessing
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from governance_programs import Programs

from arengo.errors import QuotaSpent
from arengo.faces.problem import of
from arengo.governance.caller import Caller
from arengo.governance.counter import Count, FileCounters, StateCounters
from arengo.governance.plan import Plan
from arengo.governance.quota import Quotas

PROGRAM = Caller(party="app-1", application="app-1", organisation="schools")
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


def agreed(id: str = "agr-1", volume: int = 0) -> Any:
    return SimpleNamespace(id=id, volume=volume)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[Programs]:
    made = Programs(tmp_path)
    yield made
    made.state.close()


@pytest.fixture(params=["file", "state"])
def quotas(city: Programs, request: pytest.FixtureRequest) -> Quotas:
    store: Any = city.seen if request.param == "file" else StateCounters(city.state)
    return Quotas(store, "Europe/Rome", city.now)


def test_a_seconds_worth_may_come_at_once(city: Programs, quotas: Quotas) -> None:
    plan = Plan("slow", "Slow", rate=3, daily=100, rows=0)
    left = [quotas.charge(PROGRAM, agreed(), plan).burst_remaining for _ in range(3)]
    assert left == [2, 1, 0]
    with pytest.raises(QuotaSpent, match="3 requests a second") as error:
        quotas.charge(PROGRAM, agreed(), plan)
    assert error.value.seconds == 1
    assert quotas.left(PROGRAM, agreed(), plan).remaining == 97  # a refused one is not counted
    city.later(seconds=0.34)
    assert quotas.charge(PROGRAM, agreed(), plan).burst_remaining == 0
    with pytest.raises(QuotaSpent):
        quotas.charge(PROGRAM, agreed(), plan)
    city.later(seconds=60)
    assert quotas.charge(PROGRAM, agreed(), plan).burst_remaining == 2
    assert quotas.charge(PROGRAM, agreed("agr-2"), plan).remaining == 99  # another agreement counts by itself


def test_less_than_one_a_second(city: Programs, quotas: Quotas) -> None:
    plan = Plan("rare", rate=0.1)
    assert quotas.charge(PROGRAM, agreed(), plan).policy.startswith('"burst";q=1;w=10')
    with pytest.raises(QuotaSpent) as error:
        quotas.charge(PROGRAM, agreed(), plan)
    assert error.value.seconds == 10
    city.later(seconds=10)
    quotas.charge(PROGRAM, agreed(), plan)


def test_a_day_is_the_citys_and_begins_anew(city: Programs, quotas: Quotas) -> None:
    city.at = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # 23.30 in Rome
    plan = Plan("small", "Small", rate=100, daily=3, rows=50)
    for _ in range(2):
        quotas.charge(PROGRAM, agreed(), plan)
    assert quotas.charge(PROGRAM, agreed(), plan).remaining == 0
    with pytest.raises(QuotaSpent, match="3 calls a day") as error:
        quotas.charge(PROGRAM, agreed(), plan)
    assert error.value.seconds == 1800
    answer = of(error.value)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1800"
    assert '"daily";r=0;t=1800' in answer.headers["ratelimit"]
    city.later(minutes=31)
    assert quotas.charge(PROGRAM, agreed(), plan).remaining == 2


def test_what_was_agreed_may_be_less_than_the_plan(city: Programs, quotas: Quotas) -> None:
    assert quotas.charge(PROGRAM, agreed(volume=5), Plan("p", daily=100)).limit == 5
    assert quotas.charge(PROGRAM, agreed("b", volume=500), Plan("p", daily=100)).limit == 100


def test_rows_are_counted_before_or_after(city: Programs, quotas: Quotas) -> None:
    plan = Plan("rows", "Rows", rate=1000, daily=100, rows=50)
    assert quotas.charge(PROGRAM, agreed(), plan, rows=40).rows_remaining == 10
    with pytest.raises(QuotaSpent, match="10 are left"):
        quotas.charge(PROGRAM, agreed(), plan, rows=11)
    quotas.spend(PROGRAM, agreed(), 25)
    quotas.spend(PROGRAM, agreed(), 0)
    assert quotas.left(PROGRAM, agreed(), plan).rows_remaining == 0
    with pytest.raises(QuotaSpent, match="50 rows a day"):
        quotas.charge(PROGRAM, agreed(), plan)


def test_the_fields_are_structured_as_the_draft_says(quotas: Quotas) -> None:
    headers = quotas.charge(PROGRAM, agreed(), Plan("p", rate=5, daily=1000, rows=10)).headers
    item = r'"[a-z]+"(;[a-z]+=(\d+|"[a-z]+"))+'
    for name in ("RateLimit", "RateLimit-Policy"):
        assert re.fullmatch(rf"{item}(, {item})*", headers[name])
    assert headers["RateLimit-Policy"] == '"burst";q=5;w=1, "daily";q=1000;w=86400, "rows";q=10;w=86400;qu="rows"'
    assert headers["RateLimit"].startswith('"burst";r=4;t=1, "daily";r=999;t=')
    assert quotas.charge(PROGRAM, agreed("free"), Plan("free", rate=0, daily=0, rows=0)).headers == {}


def test_a_mark_is_taken_once_until_it_ends(city: Programs) -> None:
    for store in (city.seen, StateCounters(city.state)):
        assert store.once("a", until=100, now=10)
        assert not store.once("a", until=100, now=99)
        assert store.once("a", until=300, now=101)
        assert not store.once("a", until=300, now=200)
        assert store.once("b", until=300, now=200)


def test_a_broken_file_of_counters_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite"
    path.write_bytes(b"this is no database, but long enough to be looked at as one" * 40)
    counters = FileCounters(path)
    assert counters.turn("a", lambda held: Count(1.0, "d", held.calls + 1, 0)) == Count()
    assert counters.look("a").calls == 1
    counters.close()


def _spend(path: str, until: float, together: Any, done: Any) -> None:
    quotas = Quotas(FileCounters(Path(path)), "UTC", lambda: DAY)  # of one day, also where the test meets midnight
    taken = 0
    together.wait(150)  # a process that starts late would find everything spent
    while time.time() < until:
        try:
            quotas.charge(PROGRAM, agreed(), Plan("p", rate=100_000, daily=5000, rows=0))
            taken += 1
        except QuotaSpent:
            break
    done.put(taken)


@pytest.mark.slow
def test_processes_share_one_quota(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    done: Any = context.Queue()
    args = (str(tmp_path / "quota.sqlite"), time.time() + 240, context.Barrier(4), done)
    workers = [context.Process(target=_spend, args=args) for _ in range(4)]
    for worker in workers:
        worker.start()
    taken = [done.get(timeout=260) for _ in workers]
    for worker in workers:
        worker.join()
    assert sum(taken) == 5000
    assert sum(1 for n in taken if n) >= 2
