"""The services over a tiny city, with or without a mail server."""

from __future__ import annotations

from dataclasses import replace

from tiny_city import TinyCity

from arengo.portal.letters import composer
from arengo.services import Participation
from arengo.settings import MailSettings, ParticipationSettings


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
