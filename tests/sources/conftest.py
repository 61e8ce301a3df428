"""What the tests of the sources share: a context in a temporary folder, one call that reads all, a web server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from arengo.contract.model import SourceSpec
from arengo.settings import SourceSettings
from arengo.sources import Context, reader, samples

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real"


@pytest.fixture
def real() -> Path:
    if not REAL.is_dir():
        pytest.skip("the real files are not on this machine")
    return REAL


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait between tries; the waiting itself is tested on its own."""
    monkeypatch.setattr("arengo.sources.download.wait", lambda *_: None)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(SourceSettings(allow_hosts=("127.0.0.1",), timeout=60.0), tmp_path / "scratch")


@dataclass
class Read:
    """Everything a pull gave."""

    rows: list[dict[str, Any]]
    rejects: list[Any]
    read: int
    pull: Any

    @property
    def numbers(self) -> list[int]:
        return [row["_row"] for row in self.rows]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]


@pytest.fixture
def pull(context: Context) -> Callable[..., Read]:
    """Read a source whole: ``pull(kind, path=..., columns=(...), ...)``."""

    def run(
        kind: str, *, columns: tuple[str, ...] = (), context: Context = context, base: Path = Path(), **options: Any
    ):
        found = reader(kind).open(SourceSpec(kind, options, base), columns, context)
        rows: list[dict[str, Any]] = []
        for batch in found.batches:
            assert batch.schema.names == found.schema.names
            rows += batch.to_pylist()
        found.close()
        assert found.read == len(rows) + len(found.rejects)
        return Read(rows, found.rejects, found.read, found)

    return run


@pytest.fixture
def sample(context: Context) -> Callable[..., Any]:
    """The samples of a source; each is read back with its own options and must give its own columns."""

    def run(kind: str, *, context: Context = context, base: Path = Path(), **options: Any):
        found = samples(SourceSpec(kind, options, base), context, 500)
        for one in found:
            names = tuple(column.name for column in one.columns)
            opened = reader(one.kind).open(SourceSpec(one.kind, one.options, base), names, context)
            assert opened.schema.names == ["_row", *names]
            opened.close()
        return found

    return run


@dataclass
class Web:
    """A web server on the loopback address. ``routes``: path -> function of the handler."""

    url: str
    routes: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def serve(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        self.routes[path] = lambda handler: answer(handler, body, status, **headers)
        return self.url + path


def answer(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if "Content_Length" not in headers:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def web() -> Iterator[Web]:
    state = Web("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            route = state.routes.get(self.path) or state.routes.get(self.path.split("?")[0])
            if route is None:
                answer(self, b"not here", 404)
            else:
                route(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:  # clients of these tests hang up on purpose
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
