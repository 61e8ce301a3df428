"""A dataset in a few sentences, computed from what was counted when it was published.

Every number is of the version shown. Nothing is guessed: what the profile does not say is left out.
"""

from __future__ import annotations

from typing import Any

from arengo.contract.model import Kind
from arengo.portal.cells import Head, yearly
from arengo.portal.dossier import Dossier
from arengo.portal.figure import Choice, _moment, categories, quantities


def sentences(d: Dossier) -> list[str]:
    """What the version shown holds, in plain sentences."""
    found = [_rows(d), _columns(d), _period(d), _most(d), _between(d), _places(d), _fresh(d)]
    return [item for item in found if item]


def _rows(d: Dossier) -> str:
    return d.speech.many("This table has %(n)s row.", "This table has %(n)s rows.", d.shown.rows)


def _columns(d: Dossier) -> str:
    names = [head.label for head in d.heads if head.kind is not Kind.GEOMETRY]
    told = names[:4]
    rest = len(names) - len(told)
    if not told:
        return ""
    said = ", ".join(told)
    if rest <= 0:
        return d.visit._("Each row says: %(names)s.", names=said)
    return d.speech.many(
        "Each row says: %(names)s, and %(n)s thing more.",
        "Each row says: %(names)s, and %(n)s things more.",
        rest,
        names=said,
    )


def _period(d: Dossier) -> str:
    """The first and last moment in the rows, never later than the version itself."""
    found = d.profile.get("time") or {}
    name = str(d.contract.custom.get("arengoTime", "")) or str(found.get("column", ""))
    head = next((item for item in d.heads if item.name == name), None)
    columns = d.profile.get("columns", {})
    if head is None:
        head = next((item for item in d.heads if yearly(item) and columns.get(item.name, {}).get("min")), None)
    if head is None:
        return ""
    measured = columns.get(head.name, {}) or found
    low, high = measured.get("min"), measured.get("max")
    if low in (None, "") or high in (None, ""):
        return ""
    if isinstance(low, int | float) and isinstance(high, int | float):
        first, last = str(int(low)), str(int(high))
    else:
        start, end = _moment(low), _moment(high)
        if start is None or end is None:
            return ""
        first, last = d.speech.date(start.date(), "long"), d.speech.date(end.date(), "long")
    if first == last:
        return d.visit._("“%(what)s” is %(first)s in all rows.", what=head.label, first=first)
    return d.visit._("“%(what)s” goes from %(first)s to %(last)s.", what=head.label, first=first, last=last)


def _most(d: Dossier) -> str:
    """The most frequent value of the column that sorts the rows best."""
    choice = categories(d.contract, d.profile)
    if choice is None or choice.function != "count":
        return ""
    head = next((item for item in d.heads if item.name == choice.category), None)
    top = d.profile.get("columns", {}).get(choice.category, {}).get("top") or []
    if head is None or not top or not isinstance(top[0].get("value"), str):
        return ""
    return d.speech.many(
        "The most frequent “%(what)s” is %(value)s, in %(n)s row.",
        "The most frequent “%(what)s” is %(value)s, in %(n)s rows.",
        int(top[0]["count"]),
        what=head.label,
        value=str(top[0]["value"])[:60],
    )


def _between(d: Dossier) -> str:
    """The span of the first quantity with a unit."""
    columns = d.profile.get("columns", {})
    for item in quantities(d.contract):
        head = next((found for found in d.heads if found.name == item.name), None)
        measured = columns.get(item.name, {})
        low, high = measured.get("min"), measured.get("max")
        numbers = isinstance(low, int | float) and isinstance(high, int | float)
        if head is None or not head.unit or not numbers or low == high:
            continue
        return d.visit._(
            "“%(what)s” lies between %(low)s and %(high)s %(unit)s.",
            what=head.label,
            low=_number(d, head, low),
            high=_number(d, head, high),
            unit=head.unit,
        )
    return ""


def _number(d: Dossier, head: Head, value: Any) -> str:
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return d.speech.number(value if isinstance(value, int) else round(float(value), 2), group=not head.code)


def _places(d: Dossier) -> str:
    if d.view.geometry is None or not d.profile.get("bbox", True):
        return ""
    return d.visit._("Every row has a place, so there is a map.")


def _fresh(d: Dossier) -> str:
    at = d.speech.date(d.shown.published_at, "long")
    if d.past:
        return d.visit._("This is how it was on %(date)s.", date=at)
    if d.next_update and d.frequency:
        return d.visit._(
            "It was renewed on %(date)s; the next time is expected on %(next)s.",
            date=at,
            next=d.speech.date(d.next_update, "long"),
        )
    return d.visit._("It was renewed on %(date)s.", date=at)


def headline(d: Dossier, choice: Choice) -> str:
    """What the lead figure says, in one sentence; '' when it says nothing by itself."""
    if choice.function == "count" and choice.category:
        return _most(d)
    return _between(d) or _period(d)
