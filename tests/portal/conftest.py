from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from portal_register import application, make_city

from arengo.city import City

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A small published city that tests only read."""
    city = make_city(Path(tmp_path_factory.mktemp("register")))
    yield city
    city.close()


@pytest.fixture(scope="session")
def client(register: City) -> Iterator[TestClient]:
    with TestClient(application(register), raise_server_exceptions=True, follow_redirects=False) as made:
        yield made
