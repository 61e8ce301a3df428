"""Retention runs: what is due goes once, with a record; a hold stops it; what went does not come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import register_city
from register_city import NOW

from arengo.city import City
from arengo.contract.purpose import aging
from arengo.errors import BadForm, Conflict, NotFound
from arengo.publish.disposal import dispose
from arengo.publish.run import Run, find, insert, last, update
from arengo.query.model import Query
from arengo.services.retention import Noted, Retention, counted
from arengo.state.register import ALL

THEN = datetime(2023, 1, 1, tzinfo=UTC)
"""Of the six pupils the first two left before; with five years kept, the first was due already."""


class Told:
    """The record, as far as it is told."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def __call__(self, kind: str, **facts: Any) -> None:
        self.entries.append({"kind": kind, **facts})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    city = register_city.make(tmp_path_factory.mktemp("retention"))
    city.apply()
    yield city
    city.close()


def keeper(city: City, now: datetime = NOW, told: Told | None = None) -> Retention:
    return Retention(city.settings, city.state, city.lake, told or Told(), lambda: now)


def publish(city: City, at: datetime, school: str) -> Any:
    source = city.settings.root / "sources" / "pupils.csv"
    source.write_text(register_city.pupils().replace("School 0", school), encoding="utf-8")
    (run,) = city.publish(["pupils"], at=at)
    assert run.state == "succeeded", run.error
    return run


def left(city: City) -> list[str]:
    """Pupils held, by their number."""
    from arengo.governance.caller import CITY

    rows = city.door.ask(Query("pupils", select=("pupil",), limit=100), CITY).rows()
    return sorted(str(row[0]) for row in rows)


def on_disk(root: Path, text: str) -> list[Path]:
    """Files of the lake that hold a text: names are stored unpacked in files this small, or as a statistic."""
    import duckdb

    found = []
    for path in (root / ".arengo").rglob("*.parquet"):
        rows = duckdb.sql(f"SELECT count(*) FROM read_parquet('{path}') WHERE surname = '{text}'").fetchone()
        if rows and rows[0]:
            found.append(path)
    return found


def test_the_whole_life_of_rows(made: City) -> None:
    """Due, held, disposed of once, proved, and not taken in again."""
    first = publish(made, THEN, "School A")
    assert first.rows == 6  # on that day nobody had been gone for five years
    publish(made, THEN + timedelta(days=100), "School B")
    assert left(made) == ["0", "1", "2", "3", "4", "5"]

    told = Told()
    retention = keeper(made, told=told)
    (due,) = retention.due()
    assert (due.dataset, due.rows, due.stale, due.old) == ("pupils", 2, (1, 2), ())
    assert due.before == datetime(2021, 3, 1, 9, tzinfo=UTC)
    assert counted((due,)) == (2, 2)
    assert retention.due("pupils") == (due,)
    assert retention.noted() == (None, ())
    assert retention.note() == (due,)
    assert retention.noted() == (NOW, (Noted("pupils", 2, 2),))
    assert left(made) == ["0", "1", "2", "3", "4", "5"]  # looking changes nothing

    held = retention.hold("pupils", reason="Lawsuit 12/2026", by="operator", since=date(2026, 2, 1))
    assert retention.due()[0].hold == held
    assert counted(retention.due()) == (0, 0)
    assert retention.run(by="operator") == ()
    assert left(made) == ["0", "1", "2", "3", "4", "5"]
    with pytest.raises(Conflict):
        retention.hold("pupils", reason="Lawsuit 12/2026", by="operator")
    retention.lift(held.id, by="operator", why="Settled.")
    with pytest.raises(Conflict):
        retention.lift(held.id, by="operator", why="Settled.")

    (done,) = retention.run(by="operator")
    assert (done.rows, done.versions) == (due.rows, due.versions)  # what was foretold
    assert left(made) == ["2", "3", "4", "5"]
    assert [version.number for version in made.lake.versions("pupils")] == [3] == [done.version]
    assert retention.run(by="operator") == ()  # twice is once
    assert retention.due() == ()
    assert retention.runs() == (done,)
    version = made.lake.newest("pupils")
    assert version is not None
    assert version.rows == 4
    assert made.lake.report(version, "profile")
    assert made.publisher.runs("pupils")[0].trigger == "retention"
    assert last(made.state)["pupils"].trigger == "manual"  # the calendar counts from the last publication
    kinds = [(entry["kind"], entry["dataset"], entry["body"].get("action", "run")) for entry in told.entries]
    assert kinds == [("retention", "pupils", "hold"), ("retention", "pupils", "lift"), ("retention", "pupils", "run")]
    proof = told.entries[-1]["body"]
    assert (proof["rows"], proof["versions"], proof["rule"]["column"]) == (2, [1, 2], "left_on")
    assert register_city.NAMES[0] not in str(told.entries)

    made.lake.collect(grace=timedelta(0))
    assert on_disk(made.settings.root, register_city.NAMES[0]) == []
    assert on_disk(made.settings.root, register_city.NAMES[3])

    again = publish(made, NOW + timedelta(days=1), "School C")  # the office still delivers all six
    assert (again.rows_in, again.rows) == (3, 3)
    assert "3 rows are past the retention" in again.warnings[0]
    assert left(made) == ["2", "3", "4"]  # the sixth became due the day after

    later = keeper(made, NOW + timedelta(days=6 * 365))
    (due,) = later.due("pupils")
    assert due.old == (3,)  # published more than five years before
    assert (due.rows, due.stale) == (2, (4,))
    contract = made.catalogue.entry("pupils").contract
    column, before = aging(contract, NOW + timedelta(days=6 * 365)) or (None, None)
    assert column is not None
    assert before is not None
    at = NOW + timedelta(days=5 * 365)
    assert dispose(made.settings, made.state, made.lake, contract, column, before, at) == (2, 5)
    (due,) = later.due("pupils")  # as if it was killed there: the earlier versions are found again
    assert (due.rows, due.versions) == (0, (3, 4))
    (done,) = later.run("pupils", by="operator")
    assert (done.rows, done.versions, done.version) == (0, (3, 4), None)
    assert left(made) == ["4"]  # whose day is not known stays


def test_the_daily_housekeeping_drops_versions_only(made: City) -> None:
    source = made.settings.root / "sources" / "staff.csv"
    for year, name in ((2010, "Galvani"), (2020, "Volta")):
        source.write_text(f"name\n{name}\n", encoding="utf-8")
        (run,) = made.publish(["staff"], at=datetime(year, 1, 1, tzinfo=UTC))
        assert run.state == "succeeded", run.error
    retention = keeper(made)
    assert [item.old for item in retention.due("staff", rows=False)] == [(1,)]
    (done,) = retention.run("staff", by="arengo", rows=False)
    assert (done.versions, done.rows, done.version) == ((1,), 0, None)
    assert retention.due("staff", rows=False) == ()


def test_a_hold_of_the_contract_and_of_all_stops_everything(made: City) -> None:
    now = NOW + timedelta(days=30 * 365)
    retention = keeper(made, now)
    publish(made, NOW + timedelta(days=7 * 365), "School D")
    before = counted(retention.due("pupils"))
    assert before != (0, 0)
    everything = retention.hold(ALL, reason="Inspection of the court", by="operator")
    assert retention.run("pupils", by="operator") == ()
    retention.lift(everything.id, by="operator", why="It is over.")
    path = made.settings.root / "contracts" / "pupils.odcs.yaml"
    named = "  - {property: arengoLegalHold, value: {reason: Case 7, since: 2026-01-05, by: Legal Office}}\n"
    path.write_text(path.read_text(encoding="utf-8").replace("1.0.0", "1.0.1") + named, encoding="utf-8")
    made.apply()
    (due,) = retention.due("pupils")
    assert due.hold is not None
    assert (due.hold.reason, due.hold.since, due.hold.id) == ("Case 7", date(2026, 1, 5), "")
    assert retention.run("pupils", by="operator") == ()
    again = publish(made, NOW + timedelta(days=8 * 365), "School E")  # what is delivered under a hold is kept
    assert again.rows == 6


def test_a_killed_disposal_ends_as_what_it_was(made: City) -> None:
    version = made.lake.newest("pupils")
    assert version is not None
    for run in ("killed-before", version.run):
        insert(made.state, Run(run, "pupils", "retention", "running", started_at=NOW))
    update(
        made.state, replace(find(made.state, version.run) or Run("", "", "", ""), trigger="retention", state="running")
    )
    keeper(made).note()
    before, after = find(made.state, "killed-before"), find(made.state, version.run)
    assert before is not None
    assert after is not None
    assert (before.state, after.state, after.version) == ("failed", "succeeded", version.number)


def test_holds_need_a_reason_and_a_dataset(made: City) -> None:
    retention = keeper(made)
    with pytest.raises(BadForm):
        retention.hold("pupils", reason=" ", by="operator")
    with pytest.raises(NotFound):
        retention.hold("'; DROP TABLE legal_hold; --", reason="Case 1", by="operator")
    with pytest.raises(NotFound):
        retention.lift("none", by="operator", why="It is over.")
    with pytest.raises(NotFound):
        retention.due("benches-of-the-moon")
    held = retention.hold("staff", reason="Case\n 1 " + "x" * 10, by="operator")
    assert held.reason == "Case 1 xxxxxxxxxx"
    with pytest.raises(BadForm):
        retention.lift(held.id, by="operator", why="")
    assert [item.id for item in retention.holds("staff")] == [held.id]
    retention.lift(held.id, by="operator", why="It is over.")
    assert retention.holds("staff") == ()
    assert retention.holds("staff", lifted=True)[0].why == "It is over."
