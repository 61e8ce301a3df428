"""What stands before the application: the quick 304, CORS for reads, compression, counters. Plain ASGI.

An answer is a pure function of (version, query, policy), and all that readers may see changes only when the state's
generation does. So once an address was answered with an ETag, the same address in the same generation has the
same ETag, and a caller who already has it is answered before any routing; a caller who has it not gets the
finished answer again, as long as it is small and asked for often enough to be still held.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from arengo.catalogue import Catalogue
from arengo.door import Cache
from arengo.door.attendance import Attendance, Reading, attended
from arengo.errors import ArengoError
from arengo.faces.meter import METER
from arengo.faces.problem import is_machine, of
from arengo.services.reading import READINGS, telling

if TYPE_CHECKING:
    from arengo.door import Caller, View

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
Told = tuple[tuple[str, str], ...]
"""(dataset, kind) of what a face says it read."""

KEPT = 4096
LARGEST = 262_144
"""Larger bodies are not held twice; the door's own cache has them."""
LONGEST = 2048
ATTENDANCE = "arengo.attendance"
"""Where a face that answers in another task finds who attends (ASGI scope)."""
STILL_SECONDS = 1.0
"""How often a running answer of data that is not open asks whether it may go on."""
SMALLEST = 1024
"""A body below a kilobyte costs more to compress than to send."""
_MARK = b"-gz"
_TEXT = (b"text/", b"application/json", b"application/geo+json", b"application/problem+json", b"application/x-ndjson",
         b"application/vnd.arengo.", b"application/yaml", b"image/svg+xml", b"application/javascript",
         b"application/vnd.oai.openapi", b"application/ld+json", b"application/rdf+xml", b"application/n-triples",
         b"application/atom+xml", b"application/xml")  # fmt: skip
_CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"ETag, Link, Last-Modified, Content-Disposition, Arengo-Version, Arengo-Matched, Retry-After, "
        b"Arengo-Question, Arengo-Rows, Arengo-Truncated, Arengo-Limit-Rows, Arengo-Limit-Seconds, RateLimit, "
        b"RateLimit-Policy, WWW-Authenticate",
    ),
]
_PREFLIGHT: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"Accept, Content-Type, If-None-Match, If-Range, Range, Authorization, X-API-Key, X-CKAN-API-Key, DPoP, "
        b"Arengo-Purpose, Mcp-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID",
    ),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]
_APART = frozenset(
    (b"authorization", b"cookie", b"x-api-key", b"x-ckan-api-key", b"dpop", b"range", b"if-range", b"accept-profile")
)
"""Requests with one of these are always answered by the application."""
_READ = frozenset((200, 206, 304))
"""Answers that count as a reading."""
_NO_STORE = (b"cache-control", b"no-store")
_WHOLE = (b"content-length", b"accept-ranges")
_COPIED = frozenset((b"etag", b"cache-control", b"vary", b"last-modified", b"content-location"))


class Watch:
    """What is done about readings of data that is not open. The default does nothing: there are none.

    ``enter``: before the first look at a view; what it raises (QuotaSpent) refuses it, what it returns are headers.
    ``settle``: before the first byte leaves. ``still``: raises when what was granted is granted no more. ``leave``:
    after any answer to a caller who is known. All but ``leave`` are called in worker threads.
    """

    def enter(self, view: View, caller: Caller) -> Mapping[str, str]:
        return {}

    def settle(self, readings: Sequence[Reading], path: str) -> None: ...

    def still(self, readings: Sequence[Reading]) -> None: ...

    def leave(self, caller: Caller, readings: Sequence[Reading], path: str, status: int, size: int) -> None: ...


class _Held:
    """A finished answer."""

    __slots__ = ("body", "generation", "headers", "size", "told")

    def __init__(self, generation: int, headers: Headers, body: bytes, told: Told) -> None:
        self.told = told
        self.generation = generation
        self.headers = headers
        self.body = body
        self.size = len(body) + 600


class Gate:
    """ASGI application around ``app``. ``hold``: bytes for finished answers, 0 for none."""

    def __init__(self, app: App, catalogue: Catalogue, hold: int = 0, watch: Watch | None = None) -> None:
        self._app = app
        self._catalogue = catalogue
        self._watch = watch or Watch()
        self._answers: Cache[_Held] = Cache(hold)
        self._known: dict[bytes, tuple[int, bytes, Headers, Told]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        asked = accept = encodings = agent = b""
        apart = False
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                asked = value
            elif name == b"accept":
                accept = value
            elif name == b"accept-encoding":
                encodings = value
            elif name == b"user-agent":
                agent = value
            elif name in _APART:
                apart = True
        path: str = scope["path"]
        machine = is_machine(path)
        method: str = scope["method"]
        reading = method in ("GET", "HEAD")
        target = b""
        generation = -1
        if machine and reading and not apart:
            place = scope.get("raw_path") or path.encode()
            target = b"\0".join((place, scope.get("query_string", b""), accept))  # no answer depends on Host
            if asked:
                held = self._known.get(target)
                if held is not None and held[0] == self._catalogue.generation:
                    tag = asked.replace(_MARK + b'"', b'"') if _MARK in asked else asked
                    if tag == held[1] or held[1] in [part.strip() for part in tag.split(b",")]:
                        METER.quick += 1
                        _count(path, agent, held[3])
                        headers = held[2] if tag is asked else _marked(held[2])
                        await send({"type": "http.response.start", "status": 304, "headers": headers})
                        await send({"type": "http.response.body", "body": b""})
                        return
            generation = self._generation()
            found = self._answers.get(target + encodings) if method == "GET" and not asked else None
            if found is not None and found.generation == generation:
                METER.add(path, method, 200, time.perf_counter() - started)
                _count(path, agent, found.told)
                await send({"type": "http.response.start", "status": 200, "headers": list(found.headers)})
                await send({"type": "http.response.body", "body": found.body})
                return
        if machine and method == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": list(_PREFLIGHT)})
            await send({"type": "http.response.body", "body": b""})
            return
        marked = _MARK in asked
        if marked:
            scope["headers"] = [
                (name, value.replace(_MARK + b'"', b'"') if name == b"if-none-match" else value)
                for name, value in scope["headers"]
            ]
        METER.open += 1
        told: Told = ()
        with attended(self._watch.enter) as attendance:
            scope[ATTENDANCE] = attendance
            sender = _Sender(send, machine, method, b"gzip" in encodings, marked, attendance, self._watch, path)
            told = await self._answer(scope, receive, sender, path, method, agent, started)
        lasting = sender.etag and sender.status in (200, 304) and _NO_STORE not in sender.headers
        if generation >= 0 and lasting and not attendance.readings and len(target) < LONGEST:
            self._remember(target, generation, sender, told)
            if sender.whole is not None and method == "GET":
                self._answers.put(target + encodings, _Held(generation, sender.sent, sender.whole, told))

    async def _answer(
        self, scope: Scope, receive: Receive, sender: _Sender, path: str, method: str, agent: bytes, started: float
    ) -> Told:
        told: Told = ()
        try:
            with telling() as datasets:
                await self._app(scope, receive, sender)
            told = tuple(datasets)
        except Exception as error:
            if sender.done:
                return told  # the application answered it already
            if sender.started:
                raise
            if isinstance(error, RuntimeError) and isinstance(error.__cause__, ArengoError):
                error = error.__cause__  # Starlette thinks that the answer has begun when it could not be put on record
            response: Any = of(error)
            await response(scope, receive, sender)
        finally:
            METER.open -= 1
            METER.add(path, method, sender.status, time.perf_counter() - started)
            if sender.status in _READ and method != "HEAD":
                _count(path, agent, told)
            caller = scope.get("arengo.caller")
            if caller is not None and caller.application:
                self._watch.leave(caller, sender.attendance.readings, path, sender.status, sender.bytes)
        return told

    def _generation(self) -> int:
        try:
            return self._catalogue.generation
        except Exception:
            return -1

    def _remember(self, target: bytes, generation: int, sender: _Sender, told: Told) -> None:
        if len(self._known) >= KEPT:
            self._known.clear()
        kept = [pair for pair in sender.headers if pair[0] in _COPIED or pair[0].startswith(b"access-control")]
        self._known[target] = (generation, sender.etag, kept, told)


def _count(path: str, agent: bytes, told: Told) -> None:
    if told:
        READINGS.add(told, agent)
    else:
        READINGS.note(path, agent)


def _marked(headers: Headers) -> Headers:
    return [(name, value[:-1] + _MARK + b'"' if name == b"etag" else value) for name, value in headers]


class _Sender:
    """Adds CORS, compresses where it pays, keeps what the gate wants to remember."""

    __slots__ = (
        "_checked",
        "_first",
        "_gzip",
        "_head",
        "_machine",
        "_marked",
        "_packer",
        "_path",
        "_send",
        "_start",
        "_watch",
        "attendance",
        "bytes",
        "done",
        "etag",
        "headers",
        "sent",
        "started",
        "status",
        "whole",
    )

    def __init__(
        self,
        send: Send,
        machine: bool,
        method: str,
        gzip: bool,
        marked: bool,
        attendance: Attendance,
        watch: Watch,
        path: str = "",
    ) -> None:
        self._send = send
        self.attendance = attendance
        attendance.record = self._record
        self._watch = watch
        self._path = path
        self._checked = 0.0
        self.bytes = 0
        self._machine = machine
        self._head = method == "HEAD"
        self._gzip = gzip
        self._marked = marked
        self._packer: Any = None
        self._first = True
        self._start: Message | None = None
        self.started = False
        self.done = False
        self.status = 500
        self.etag = b""
        self.headers: Headers = []
        self.sent: Headers = []
        self.whole: bytes | None = None

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            headers: Headers = list(message.get("headers", ()))
            if self.attendance.readings:
                headers = await self._settle(headers, message["status"])
            self.started = True
            self.status = message["status"]
            if self._machine:
                headers += _CORS
            self.headers = headers
            self.etag = next((value for name, value in headers if name == b"etag"), b"")
            if self.status == 304:
                self.done = True
                if self._marked:
                    headers = _marked(headers)
                await self._send({**message, "headers": [pair for pair in headers if pair[0] != b"content-length"]})
                return
            message = {**message, "headers": headers}
            if self._gzip and self.status == 200 and _pays(headers):
                self._start = message
                return
            self.sent = headers
            await self._send(message)
            return
        if kind != "http.response.body":
            await self._flush(None)
            await self._send(message)
            return
        if self._head:
            message = {**message, "body": b""}
        if self.attendance.readings and self.status < 400:
            await self._go_on()
        await self._flush(message)

    async def _settle(self, headers: Headers, status: int) -> Headers:
        """Put what was read on record; only then may the first byte leave."""
        readings = self.attendance.readings
        more = {name: value for item in readings for name, value in item.headers.items()}
        if status < 400:
            await self._recorded()
            self._checked = time.monotonic()
        kept = [pair for pair in headers if pair[0] not in (b"cache-control", b"access-control-allow-origin")]
        kept.append((b"cache-control", b"private, no-store"))  # an answer for one reader alone
        return kept + [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in more.items()]

    async def _go_on(self) -> None:
        """What a stream began to read meanwhile is put on record; once a second, whether it may go on is asked."""
        await self._recorded()
        now = time.monotonic()
        if now - self._checked > STILL_SECONDS:
            self._checked = now
            await to_thread.run_sync(self._watch.still, tuple(self.attendance.readings))

    async def _recorded(self) -> None:
        """See to it that all that was read is on record."""
        if self._open():
            await to_thread.run_sync(self._record)

    def _open(self) -> tuple[Reading, ...]:
        """What was read and is not on record yet."""
        return tuple(item for item in self.attendance.readings if item.touched and item.mark != item.recorded)

    def _record(self) -> None:
        """Put on record what was read and is not yet. In a worker thread: it waits for the disk."""
        found = self._open()
        if found:
            marks = [item.mark for item in found]
            self._watch.settle(found, self._path)
            for item, mark in zip(found, marks, strict=True):
                item.recorded = mark

    async def _flush(self, message: Message | None) -> None:
        start, self._start = self._start, None
        if message is None:
            if start is not None:
                await self._send(start)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        self.done = not more
        if start is not None:
            if not more and len(body) < SMALLEST:
                self.sent = start["headers"]
                await self._send(start)
            else:
                self._packer = zlib.compressobj(4 if not more else 1, zlib.DEFLATED, 31)
                headers = [
                    pair for pair in _marked(start["headers"]) if pair[0] not in (b"content-length", b"accept-ranges")
                ]
                headers.append((b"content-encoding", b"gzip"))
                if not more:
                    body = self._packer.compress(body) + self._packer.flush()
                    headers.append((b"content-length", str(len(body)).encode()))
                    self._packer = None
                self.sent = headers
                await self._send({**start, "headers": headers})
        if self._packer is not None:
            body = self._packer.compress(body)
            if not more:
                body += self._packer.flush()
            if not body and more:
                return
        if not more and self.whole is None and self.status == 200 and len(body) <= LARGEST and self._first:
            self.whole = body
        self._first = False
        self.bytes += len(body)
        await self._send({**message, "body": body})


def _pays(headers: Headers) -> bool:
    kind = b""
    for name, value in headers:
        if name == b"content-type":
            kind = value
        elif name in (b"content-encoding", b"content-range") or (name == b"content-length" and int(value) < SMALLEST):
            return False
    return kind.startswith(_TEXT)
