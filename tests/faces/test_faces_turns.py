"""Many large answers at once: all are given, a few at a time, and a client that stops taking holds nobody up."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from tiny_city import TinyCity

from arengo import faces
from arengo.door import Door
from arengo.errors import TooExpensive
from arengo.faces import export, turn
from arengo.faces.site import Site
from arengo.query import Query

AT = "/api/v1/datasets/trees/export.geojson"


class Client:
    """One request at an ASGI application. ``slow``: an event to wait for before each piece is taken."""

    def __init__(self, app: Any, path: str, query: bytes = b"", slow: asyncio.Event | None = None) -> None:
        self.app, self.path, self.query, self.slow = app, path, query, slow
        self.status = 0
        self.body = b""

    async def run(self) -> Client:
        scope = {
            "type": "http",
            "method": "GET",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": self.query,
            "headers": [],
            "scheme": "http",
            "server": ("localhost", 80),
        }
        await self.app(scope, self._receive, self._send)
        return self

    async def _receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            if self.slow is not None:
                await self.slow.wait()
            self.body += message.get("body", b"")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many streams are being read, now and at most."""
    seen = {"now": 0, "most": 0}
    real = export.stream

    def stream(*args: Any, **options: Any) -> Any:
        seen["now"] += 1
        seen["most"] = max(seen["most"], seen["now"])
        try:
            yield from real(*args, **options)
        finally:
            seen["now"] -= 1

    monkeypatch.setattr(export, "stream", stream)
    monkeypatch.setattr(export, "_PIECE", 16)
    return seen


def test_many_downloads_at_once_are_all_answered(tiny: TinyCity, counted: dict[str, int]) -> None:
    app = faces.application(tiny.door, tiny.catalogue, tiny.settings)

    async def all_at_once() -> list[Client]:
        return await asyncio.gather(*(Client(app, AT).run() for _ in range(32)))

    answers = asyncio.run(all_at_once())
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert answers[0].body.endswith(b"]}\n")
    assert 1 < counted["most"] <= turn.STREAMS
    assert counted["now"] == 0


def test_clients_that_stop_taking_hold_nobody_up(
    tiny: TinyCity, counted: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "PATIENCE", 0.02)
    app = faces.application(tiny.door, tiny.catalogue, tiny.settings)

    async def play() -> None:
        go = asyncio.Event()
        slow = [asyncio.create_task(Client(app, AT, slow=go).run()) for _ in range(turn.STREAMS)]
        quick = await asyncio.wait_for(Client(app, AT, b"order_by=-id").run(), 120)
        assert quick.status == 200
        assert not any(task.done() for task in slow)
        go.set()
        for answer in await asyncio.gather(*slow):
            assert (answer.status, answer.body[-3:]) == (200, b"]}\n")
        # One that never takes anything is left, and its rows are released.
        monkeypatch.setattr(turn, "STALLED", 0.02)
        with pytest.raises(ClientDisconnect):
            await Client(app, AT, slow=asyncio.Event()).run()

    asyncio.run(play())
    assert counted["now"] == 0


def test_an_error_before_the_first_piece_is_a_problem(tiny: TinyCity, monkeypatch: pytest.MonkeyPatch) -> None:
    def stream(*args: Any, **options: Any) -> Any:
        raise TooExpensive("It took too long.")
        yield b""

    monkeypatch.setattr(export, "stream", stream)
    app = faces.application(tiny.door, tiny.catalogue, tiny.settings)
    answers = [asyncio.run(Client(app, AT).run()) for _ in range(turn.STREAMS + 1)]  # each gives its turn back
    assert {answer.status for answer in answers} == {503}
    assert b"It took too long." in answers[0].body


def test_large_pages_take_turns(tiny: TinyCity) -> None:
    app = faces.application(tiny.door, tiny.catalogue, tiny.settings)

    async def all_at_once() -> list[Client]:
        path = "/api/v1/datasets/trees/rows"
        return await asyncio.gather(*(Client(app, path, f"limit={5000 + i}".encode()).run() for i in range(12)))

    assert {answer.status for answer in asyncio.run(all_at_once())} == {200}


def test_reading_is_limited_but_waiting_is_not(tiny: TinyCity) -> None:
    door: Door = tiny.door
    lines = door.ask(Query("trees", limit=None)).lines("ndjson", rows=16, seconds=3)
    next(lines)
    time.sleep(3.2)
    assert sum(piece.count(b"\n") for piece in lines) > 100
    late = door.ask(Query("trees", limit=None)).lines("ndjson", rows=16, seconds=1e-9)
    with pytest.raises(TooExpensive, match="of reading"):
        list(late)


def test_each_application_has_its_own_turns(tiny: TinyCity) -> None:
    one, two = (Site(tiny.door, tiny.catalogue, tiny.settings) for _ in range(2))
    assert one.streams is not two.streams
