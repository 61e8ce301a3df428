from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faces"))

from services_people import services
from tiny_city import TinyCity, make_city

from arengo.services import Participation
from arengo.services.tracked import Sender

COUNT = itertools.count()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyCity]:
    """A city in which people write; each test module has its own."""
    city = make_city(Path(tmp_path_factory.mktemp("people")), trees=20)
    yield city
    city.close()


@pytest.fixture(scope="module")
def people(tiny: TinyCity) -> Participation:
    """Without a mail server."""
    return services(tiny)


@pytest.fixture
def sender() -> Callable[..., Sender]:
    """Somebody new each time."""

    def make(mail: str = "", language: str = "en") -> Sender:
        return Sender(language, f"nonce-{next(COUNT)}", mail)

    return make
