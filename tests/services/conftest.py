from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faces"))

from tiny_city import TinyCity, make_city

from arengo.portal.letters import composer
from arengo.services import Participation
from arengo.services.tracked import Sender
from arengo.settings import MailSettings, ParticipationSettings


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyCity]:
    """A city in which people write; each test module has its own."""
    city = make_city(Path(tmp_path_factory.mktemp("people")), trees=20)
    yield city
    city.close()


def services(city: TinyCity, *, port: int = 0, settings: ParticipationSettings | None = None) -> Participation:
    """Everything about participation; with ``port`` letters go to a mail server there."""
    mail = MailSettings(host="127.0.0.1" if port else "", port=port or 25, tls="none", sender="city@tiny.example")
    chosen = replace(
        city.settings,
        city=replace(city.settings.city, url="https://data.tiny.example" if port else ""),
        mail=mail,
        participation=settings or ParticipationSettings(per_hour=1000),
    )
    return Participation(chosen, city.state, city.door, city.catalogue, composer(chosen))


@pytest.fixture(scope="module")
def people(tiny: TinyCity) -> Participation:
    """Without a mail server."""
    return services(tiny)


@pytest.fixture
def sender() -> Callable[..., Sender]:
    """Somebody new each time."""
    count = iter(range(10_000))

    def make(mail: str = "", language: str = "en") -> Sender:
        return Sender(language, f"nonce-{id(count)}-{next(count)}", mail)

    return make
