"""The demo goes down the real street: reader, checks, lake, door."""

from __future__ import annotations

import datetime as dt
import re
import stat
from pathlib import Path

import pytest

from arengo.city import open_city
from arengo.demo import build, play, pupils, readers
from arengo.errors import NotAllowed, SettingsError, UnknownColumn
from arengo.governance import Caller
from arengo.query.model import Query
from arengo.terminal import Progress

END = dt.date(2026, 3, 14)


@pytest.mark.slow
def test_a_small_dataset_is_published_with_its_history(tmp_path: Path) -> None:
    demo = build(tmp_path, 7, END)
    with open_city(tmp_path) as city:
        for step in (0, 3):
            if step:
                assert "libraries" in demo.turn(step)
            (run,) = city.publish(["libraries"], at=demo.world.moment(step), trigger="demo")
            assert run.state == "succeeded", run.error
        newest, first = city.versions("libraries")
    assert (first.number, newest.number) == (1, 2)
    assert first.published_at == demo.world.moment(0)
    assert newest.published_at == demo.world.moment(3)
    assert newest.rows == newest.rows_in == 9


def test_what_can_be_tried_names_the_port_that_is_served(tmp_path: Path) -> None:
    path = tmp_path / readers.ACCOUNTS
    readers.served_at(path, 8451)
    assert not path.exists()
    path.write_text("key\n  'http://localhost:8000/api/v1/x?limit=3'\n", encoding="utf-8")
    path.chmod(0o600)
    readers.served_at(path, 8451)
    assert path.read_text(encoding="utf-8") == "key\n  'http://localhost:8451/api/v1/x?limit=3'\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_steps_are_told_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(quiet=False, lines="Arvenza") as progress:
        progress.listen("Arvenza", "The first day", 0, 2)
        progress.listen("trees", "read", 5, 10)
        progress.listen("Arvenza", "A day later", 1, 2)
    assert capsys.readouterr().err == "1/2  The first day\n2/2  A day later\n"
    with Progress(quiet=True) as progress:
        progress.listen("Arvenza", "The first day", 0, 2)
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_the_door_of_the_city_is_in_use(tmp_path: Path) -> None:
    demo = build(tmp_path, 7, END)
    with open_city(tmp_path) as city:
        (run,) = city.publish([pupils.ID], at=demo.world.moment(0), trigger="demo")
        assert run.state == "succeeded", run.error
        city.apply()
        accounts = readers.open_door(city)
        assert stat.S_IMODE(accounts.stat().st_mode) == 0o600
        text = accounts.read_text(encoding="utf-8")
        (key,) = re.findall(r"^arengo_\w+$", text, re.MULTILINE)
        access = city.access

        (waiting,) = access.agreements.inbox([readers.OWNER])
        assert (waiting.state, waiting.organisation) == ("pending", readers.CITIZENS)
        states = sorted(item.state for item in access.agreements.about(pupils.ID))
        assert states == ["active", "suspended"]

        caller = access.store.credentials.caller([(b"authorization", f"Bearer {key}".encode())], "GET", "http://x/")
        assert caller is not None
        answer = city.door.ask(Query(pupils.ID, limit=5), caller)
        assert tuple(column.name for column in answer.columns) == readers.COLUMNS
        assert not any(str(row[0]).startswith("AL") for row in answer.rows())
        with pytest.raises(UnknownColumn):
            city.door.ask(Query(pupils.ID, select=("birth_date",), limit=5), caller)
        with pytest.raises(NotAllowed):
            city.door.ask(Query(pupils.ID, limit=5))

        granted = next(item for item in access.agreements.about(pupils.ID) if item.state == "active")
        assert len(granted.approvals) == 2
        assert granted.volume == readers.DAILY < granted.asked.volume  # type: ignore[union-attr]
        days = access.store.consumption.used(["day"], dataset=pupils.ID, agreement=granted.id)
        assert len(days) > 15

        lucia = access.parties.by_mail(pupils.HEAD)
        assert lucia is not None
        (password,) = re.findall(rf"^{re.escape(pupils.HEAD)} +(\S+)", text, re.MULTILINE)
        assert access.parties.passwords.check(lucia.id, password)
        steward = Caller(lucia.id, readers.OWNER, roles=((readers.OWNER, "steward"),), assurance=2)
        access.agreements.suspend(granted.id, by=steward, why="A test.")
        with pytest.raises(NotAllowed):
            city.door.ask(Query(pupils.ID, limit=5), caller)
        assert len(city.census.register().applications) == 30
        for place in tmp_path.rglob("*.log"):
            assert key not in place.read_text(encoding="utf-8", errors="replace")


def test_somebody_elses_city_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text('[city]\nname = "Mine"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="not the demo"):
        play(tmp_path, end=END, open_city=open_city)
    assert "Mine" in (tmp_path / "city.toml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_whole_story_is_published_and_kept(tmp_path: Path) -> None:
    made = play(tmp_path, end=END, open_city=open_city)
    assert made.datasets == 44
    assert made.versions == 145
    assert made.rows > 250_000
    with open_city(tmp_path) as city:
        assert city.versions("transit-stop-times")[0].rows > 5_000
        bikes = city.versions("bike-stations")
        assert (len(bikes), bikes[-1].rows, bikes[0].rows) == (7, 63, 65)
        assert city.versions("street-trees")[-1].quarantined == 6
        assert city.versions("street-trees")[0].quarantined == 0
        held = {column.name: column.field_id for column in city.versions("addresses")[-1].schema}
        now = {column.name: column.field_id for column in city.versions("addresses")[0].schema}
        assert held["zip_code"] == now["postcode"]
    again = play(tmp_path, end=END, open_city=open_city)
    assert (again.versions, again.rows) == (made.versions, made.rows)
