from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_city import TinyCity, make_city

from arengo import faces

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyCity]:
    """A city that tests only read."""
    city = make_city(Path(tmp_path_factory.mktemp("tiny")))
    yield city
    city.close()


@pytest.fixture(scope="session")
def client(tiny: TinyCity) -> Iterator[TestClient]:
    app = faces.application(tiny.door, tiny.catalogue, tiny.settings)
    with TestClient(app, headers={"accept-encoding": "identity"}) as made:
        yield made


@pytest.fixture(scope="session")
def address(tiny: TinyCity) -> Iterator[str]:
    """The faces of the small city on a real socket."""
    import uvicorn

    app = faces.application(tiny.door, tiny.catalogue, tiny.settings)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
