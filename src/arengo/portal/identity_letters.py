"""Letters that let somebody in: an invitation, and a link for a new password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arengo.portal.language import Speech
from arengo.settings import Settings


def invited(speech: Speech, settings: Settings, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    """``link``, ``name``, ``days``."""
    _, city = speech._, settings.city.name
    return _("%(city)s invites you", city=city), [
        _("Hello %(name)s,", name=facts["name"]),
        _("%(city)s gives you an account on its data platform. Choose a password here:", city=city),
        settings.city.url.rstrip("/") + str(facts["link"]),
        speech.many("The link opens once, within %(n)s day.", "The link opens once, within %(n)s days.",
                    round(float(facts["days"]))),
        _("If you do not know why you get this, do nothing."),
    ]  # fmt: skip


def reset(speech: Speech, settings: Settings, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    """``link``, ``name``, ``hours``."""
    _, city = speech._, settings.city.name
    return _("A new password for %(city)s", city=city), [
        _("Hello %(name)s,", name=facts["name"]),
        _("here you can choose a new password:"),
        settings.city.url.rstrip("/") + str(facts["link"]),
        speech.many("The link opens once, within %(n)s hour.", "The link opens once, within %(n)s hours.",
                    round(float(facts["hours"]))),
        _("If you did not ask for it, do nothing: your password stays as it is."),
    ]  # fmt: skip
