"""The demo goes down the real street: reader, checks, lake, door."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from arengo.city import open_city
from arengo.demo import build, play
from arengo.errors import SettingsError

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


def test_somebody_elses_city_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text('[city]\nname = "Mine"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="not the demo"):
        play(tmp_path, end=END, open_city=open_city)
    assert "Mine" in (tmp_path / "city.toml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_whole_story_is_published_and_kept(tmp_path: Path) -> None:
    made = play(tmp_path, end=END, open_city=open_city)
    assert made.datasets == 42
    assert made.versions == 142
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
