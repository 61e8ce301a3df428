"""What is due, and the scheduler that publishes it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from publish_city import CONTRACT, deliver, make, rows

from arengo.caretaker import due
from arengo.contract import Contract, loads
from arengo.publish.run import Run
from arengo.publish.schedule import PREFIX, TICK, arrange, forget, is_due, period, waits
from arengo.publish.schedule import due as on_tick

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def contract(custom: str = "", sla: str = "") -> Contract:
    return loads(CONTRACT.format(id="trees", quality="", custom=custom) + sla)


def run(state: str, ago: timedelta) -> Run:
    return Run("r", "trees", "schedule", state, started_at=NOW - ago)


def test_periods() -> None:
    daily = "  - {property: arengoFrequency, value: DAILY}\n"
    assert period(contract(daily)) == timedelta(days=1)
    assert period(contract()) is None
    for value, unit, days in ((1, "d", 1), (2, "w", 14), (1, "y", 365.25), (6, "h", 0.25), (3, "months", 3 * 30.4375)):
        sla = f"slaProperties:\n  - {{property: frequency, value: {value}, unit: {unit}}}\n"
        assert period(contract(sla=sla)) == timedelta(days=days), unit


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        (run("running", timedelta(days=9)), False),
        (run("succeeded", timedelta(hours=23)), False),
        (run("succeeded", timedelta(hours=23, minutes=45)), True),
        (run("unchanged", timedelta(hours=1)), False),
        (run("failed", timedelta(minutes=59)), False),
        (run("failed", timedelta(minutes=61)), True),
    ],
)
def test_what_is_due(last: Run | None, due: bool) -> None:
    daily = contract("  - {property: arengoFrequency, value: DAILY}\n")
    assert is_due(daily, last, NOW) is due
    assert not is_due(contract(), last, NOW), "no frequency, no schedule"
    assert not is_due(replace(daily, source=None), last, NOW)
    cron = contract(
        '  - {property: arengoFrequency, value: DAILY}\n  - {property: arengoSchedule, value: "0 5 * * *"}\n'
    )
    assert not is_due(cron, last, NOW), "its cron line decides"


DAILY = "  - {property: arengoFrequency, value: DAILY}\n"
DOUBT = '  - {property: arengoDoubt, value: "These look like names; look whether they may be published."}\n'


def test_a_draft_waits_for_a_person(tmp_path: Path) -> None:
    with make(tmp_path, custom=DAILY) as opened:
        path = tmp_path / "contracts" / "trees.odcs.yaml"
        path.write_text(path.read_text().replace("status: active", "status: draft"))
        opened.apply()
        assert due(opened) == []
        assert on_tick(opened.publisher, [opened.catalogue.entry("trees").contract]) == []
        (run,) = opened.publish(["trees"])
        assert run.version == 1, "a person does"
        assert waits(opened.catalogue.entry("trees").contract, opened.state), "it is a draft still"
        path.write_text(path.read_text().replace("status: draft", "status: active"))
        opened.apply()
        assert not waits(opened.catalogue.entry("trees").contract, opened.state)


def test_what_is_in_force_and_due_does_not_wait(tmp_path: Path) -> None:
    with make(tmp_path, custom=DAILY) as opened:
        opened.apply()
        assert due(opened) == ["trees"]
        assert on_tick(opened.publisher, [opened.catalogue.entry("trees").contract])


@pytest.mark.parametrize("place", ["contract", "column"])
def test_a_doubt_waits_until_a_person_has_published(tmp_path: Path, place: str) -> None:
    with make(tmp_path, custom=DAILY + (DOUBT if place == "contract" else "")) as opened:
        path = tmp_path / "contracts" / "trees.odcs.yaml"
        if place == "column":
            plain = "{name: species, logicalType: string"
            told = plain + ", customProperties: [{property: arengoDoubt, value: [Is the comma a decimal sign?]}]"
            path.write_text(path.read_text().replace(plain, told))
        opened.apply()
        assert due(opened) == []
        assert on_tick(opened.publisher, [opened.catalogue.entry("trees").contract]) == []
        opened.publisher.publish([opened.catalogue.entry("trees").contract], trigger="schedule")
        assert waits(opened.catalogue.entry("trees").contract, opened.state), "what the clock published is no answer"
        opened.publish(["trees"])
        assert not waits(opened.catalogue.entry("trees").contract, opened.state)


@pytest.mark.slow
def test_it_publishes_by_itself(tmp_path: Path) -> None:
    custom = "  - {property: arengoFrequency, value: 1MIN}\n"
    with make(tmp_path, ("trees", "other"), custom=custom) as opened:
        other = tmp_path / "contracts" / "other.odcs.yaml"
        other.write_text(other.read_text() + '  - {property: arengoSchedule, value: "0 0 1 1 *"}\n')
        opened.apply()
        publisher = opened.publisher
        publisher.schedule(lambda: opened.contracts().values())
        publisher.schedule(lambda: opened.contracts().values())  # asked twice is once
        dbos = publisher._runtime().dbos
        assert {item["schedule_name"] for item in dbos.list_schedules()} == {TICK, PREFIX + "other"}

        def version(dataset: str, number: int) -> Run:
            """The run that made a version. The city's own clock ticks beside, and finds it unchanged."""
            until = time.monotonic() + 60
            while time.monotonic() < until:
                for run in publisher.runs(dataset):
                    if (run.state, run.version) == ("succeeded", number):
                        return run
                time.sleep(0.2)
            raise AssertionError(publisher.runs(dataset))

        dbos.trigger_schedule(TICK)
        assert version("trees", 1).trigger == "schedule"
        assert publisher.runs("other") == []
        dbos.trigger_schedule(PREFIX + "other")
        version("other", 1)
        deliver(tmp_path, rows(60), "other")
        dbos.trigger_schedule(PREFIX + "other")
        version("other", 2)
        other.write_text(other.read_text().replace("0 0 1 1 *", "0 0 2 2 *"))
        arrange(publisher, list(opened.contracts().values()))
        lines = {item["schedule_name"]: item["schedule"] for item in dbos.list_schedules()}
        assert lines[PREFIX + "other"] == "0 0 2 2 *", "a changed line is followed"

        def kept() -> set[str]:
            return {item.workflow_id for item in dbos.list_workflows(status="SUCCESS") if item.name == "publish"}

        ended = kept()
        forget(publisher._runtime(), days=-1)
        assert ended
        assert not ended & kept()
