"""Large answers take turns, so that the memory of a worker is bounded however many are asked for at once.

Waiting costs a caller time and the server nothing; first come, first served. A streamed download holds its turn only
while rows are read for it: a client that stops taking gives it up until it takes again, and is left after a minute.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

STREAMS = 4
BUILDS = 2
PAGES = 2
LARGE = 1000
"""From this many rows on a page waits for its turn."""
PATIENCE = 1.0
"""Seconds a client may take for one piece before others go first."""
STALLED = 60.0
"""Seconds after which a client that takes nothing is left."""


class Turns:
    """At most ``most`` at once in one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: WeakKeyDictionary[AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    @property
    def here(self) -> asyncio.Semaphore:
        """The semaphore of the running event loop."""
        loop = asyncio.get_running_loop()
        found = self._held.get(loop)
        if found is None:
            found = self._held[loop] = asyncio.Semaphore(self._most)
        return found


class Stream(StreamingResponse):
    """A body made piece by piece in worker threads, when its turn has come.

    An error before the first piece is raised before anything is sent, so it becomes a problem document.
    """

    def __init__(
        self, make: Callable[[], Iterator[bytes]], turns: Turns, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__((), 200, headers, media_type)
        self._make = make
        self._turns = turns

    async def stream_response(self, send: Any) -> None:
        turn = self._turns.here
        await turn.acquire()
        held = True
        pieces: Iterator[bytes] | None = None
        try:
            pieces = self._make()
            piece = await run_in_threadpool(next, pieces, None)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while piece is not None:
                sending = asyncio.ensure_future(send({"type": "http.response.body", "body": piece, "more_body": True}))
                piece = None
                try:
                    await asyncio.wait((sending,), timeout=PATIENCE)
                    if not sending.done():
                        turn.release()
                        held = False
                        await asyncio.wait((sending,), timeout=STALLED)
                        if not sending.done():
                            raise ClientDisconnect
                finally:
                    if not sending.done():
                        sending.cancel()
                sending.result()
                if not held:
                    await turn.acquire()
                    held = True
                piece = await run_in_threadpool(next, pieces, None)
        finally:
            with anyio.CancelScope(shield=True):
                if isinstance(pieces, Generator):
                    await run_in_threadpool(pieces.close)  # and with it the cursor and what it holds
            if held:
                turn.release()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
