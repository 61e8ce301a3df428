"""The accessibility statement (Directive (EU) 2016/2102, article 7; model: Implementing Decision (EU) 2018/1523).

What was tested is said with what; what the city has not told (who evaluated, when, which body enforces) is said to
be missing, never filled in.
"""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from arengo.errors import Place, SettingsError
from arengo.portal.visit import Visit
from arengo.settings import Settings

STATES = ("full", "partial", "none")


def page(visit: Visit) -> Response:
    """``/accessibility``."""
    known = visit.unchanged(visit.settings.accessibility)
    if known:
        return known
    held, city = visit.settings.accessibility, visit.settings.city
    values = {
        "a": held,
        "status": held.status,
        "limits": limits(visit),
        "prepared": _day(held.prepared),
        "reviewed": _day(held.reviewed),
        "contact": held.contact or city.contact,
        "enforcement": held.enforcement if held.enforcement.startswith(("http://", "https://")) else "",
        "adopted": bool(held.prepared),
    }
    return visit.page("accessibility.html", values)


def limits(visit: Visit) -> list[str]:
    """What is known not to be accessible in these pages, whoever runs them, and what to use instead."""
    _ = visit._
    return [
        _("The map that moves is drawn on a canvas. The list beside it has the same places and works by keyboard."),
        _("Charts are drawings. The table under each has the same numbers."),
        _("Documents that were scanned or made elsewhere are shown as their authors left them."),
        _("Titles and texts that were not translated are shown in the language they were written in, and marked so."),
        _("Some messages about an address that is wrong are in English only."),
    ]


def check(settings: Settings) -> None:
    """Raises SettingsError for a state or a day that is not one."""
    held = settings.accessibility
    place = Place(file=str(settings.root / "city.toml"))
    if held.status not in STATES:
        raise SettingsError(
            f"accessibility.status is {held.status!r}.", todo=f"Write one of {', '.join(STATES)}.", place=place
        )
    for name in ("prepared", "reviewed"):
        said = getattr(held, name)
        if said and _day(said) is None:
            raise SettingsError(f"accessibility.{name} is {said!r}.", todo="Write a day as 2026-09-23.", place=place)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
