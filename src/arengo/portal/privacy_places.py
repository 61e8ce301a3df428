"""Where small groups are: the places of a verdict on the city's own boundaries, with the table that says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arengo.errors import ArengoError
from arengo.portal.geography import Drawing, Shape, draw, read
from arengo.portal.visit import Visit
from arengo.query.model import Query

if TYPE_CHECKING:
    from arengo.privacy.verdict import Verdict

MOST = 500
"""Places in the table, and areas on the map."""
CLASSES = 4


@dataclass(frozen=True, slots=True)
class Place:
    """One place with the persons in groups that are too small."""

    name: str
    below: int


@dataclass(frozen=True, slots=True)
class Places:
    """``drawing`` None: no boundaries were found for these places. ``keys``: (class of the colour, words)."""

    places: tuple[Place, ...]
    drawing: Drawing | None
    keys: tuple[tuple[str, str], ...]
    words: str
    source: str
    whole: bool


def picture(visit: Visit, verdict: Verdict) -> Places | None:
    """The places of the step that measured them; None when none did, or nobody stands in a small group anywhere."""
    found = _measured(verdict)
    if not any(item.below for item in found or ()):
        return None
    places = sorted(found, key=lambda item: (-item.below, item.name))
    shapes, source = _boundaries(visit, {item.name for item in places})
    below = [item for item in places if item.below]
    drawing, keys = _drawn(visit, places, shapes)
    words = visit.speech.many(
        "%(n)s place has persons in groups that are too small.",
        "%(n)s places have persons in groups that are too small.",
        len(below),
    )
    return Places(tuple(places[:MOST]), drawing, keys, words, source, len(places) <= MOST)


def _measured(verdict: Verdict) -> list[Place]:
    for measured in verdict.measured.values():
        told = measured.get("places") if isinstance(measured, Mapping) else None
        below = told.get("below") if isinstance(told, Mapping) else None
        if isinstance(below, Mapping):
            return [Place(str(name), int(people)) for name, people in below.items()]
    return []


def _boundaries(visit: Visit, names: set[str]) -> tuple[dict[str, Shape], str]:
    """Areas of the open dataset that knows most of the names by one of its columns, and its title."""
    best: tuple[dict[str, Shape], str] = ({}, "")
    for entry in visit.site.catalogue.entries(limit=None).items:
        contract = entry.contract
        place = contract.geometry
        if place is None or not place.column or contract.access != "open" or entry.version is None:
            continue
        if entry.version.rows > MOST * 4:
            continue
        for item in contract.properties:
            if item.kind.value not in ("string", "integer"):
                continue
            if not _knows(visit, entry.id, item.name, names, len(best[0])):
                continue
            shapes = _areas(visit, entry.id, item.name, place.column, names)
            if len(shapes) > len(best[0]):
                best = (shapes, contract.title(visit.language))
    return best if 2 * len(best[0]) >= len(names) else ({}, "")


def _knows(visit: Visit, dataset: str, column: str, names: set[str], beat: int) -> bool:
    """By the profile: whether a column's commonest values hold enough of the names to be worth a look."""
    try:
        told = visit.site.door.profile(dataset, "").get("columns", {}).get(column, {})
    except ArengoError:
        return False
    top = {str(item["value"]) for item in told.get("top") or ()}
    return len(top & names) > 0 or (not top and int(told.get("distinct") or 0) > beat)


def _areas(visit: Visit, dataset: str, column: str, geometry: str, names: set[str]) -> dict[str, Shape]:
    try:
        rows: list[tuple[Any, ...]] = visit.door.ask(Query(dataset, select=(column, geometry), limit=MOST)).rows()
    except ArengoError:
        return {}
    out: dict[str, Shape] = {}
    for name, raw in rows:
        if str(name) in names and isinstance(raw, bytes | bytearray | memoryview):
            shape = read(bytes(raw))
            if shape is not None and shape.rings:
                out[str(name)] = shape
    return out


def _drawn(
    visit: Visit, places: list[Place], shapes: Mapping[str, Shape]
) -> tuple[Drawing | None, tuple[tuple[str, str], ...]]:
    """Areas in classes of persons below the limit, the darkest for the most."""
    if not shapes:
        return None, ()
    s, _ = visit.speech, visit._
    most = max((item.below for item in places), default=0)
    classes: dict[int, list[Shape]] = {}
    ends: dict[int, list[int]] = {}
    for item in places:
        if item.name in shapes:
            number = 0 if not item.below else 1 + min(CLASSES - 1, (item.below - 1) * CLASSES // max(most, 1))
            classes.setdefault(number, []).append(shapes[item.name])
            ends.setdefault(number, []).append(item.below)
    base = [(f"few-{number}", classes[number]) for number in sorted(classes)]
    from arengo.portal.geography import bounds

    drawing = draw([], base, bounds(shapes.values()))
    keys = []
    for number in sorted(classes):
        low, high = min(ends[number]), max(ends[number])
        label = _("nobody") if not number else s.number(low) if low == high else f"{s.number(low)}–{s.number(high)}"
        keys.append((f"few-{number}", label))
    return drawing, tuple(keys)
