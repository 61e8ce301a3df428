"""Tools that find datasets and say what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arengo.catalogue import Record, Wanted, say
from arengo.errors import NotAllowed
from arengo.faces.mcp import shapes
from arengo.faces.mcp.desk import Desk

SHORT = 300
"""Characters of a description in a list."""
SHOWN_VALUES = 12
SHOWN_COLUMNS = 40


def search_datasets(desk: Desk, given: shapes.Search) -> shapes.Found:
    only = {"theme": (given.theme.upper(),) if given.theme else (), "owner": (given.owner,) if given.owner else ()}
    west, south, east, north = given.bbox or (0.0, 0.0, 0.0, 0.0)
    wanted = Wanted(
        given.words,
        desk.language,
        only={name: values for name, values in only.items() if values},
        bbox=(west, south, east, north) if given.bbox else None,
        since=given.since,
        start=given.start,
        limit=given.limit,
        where=("not", ("facet", "source", "*")) if given.held_here else (),
    )
    found = desk.site.catalogue.search(wanted)
    end = given.start + given.limit
    return shapes.Found(
        total=found.total,
        datasets=[_brief(desk, hit.record) for hit in found.hits],
        corrected=found.corrected,
        relaxed=found.relaxed,
        next_start=end if end < found.total else None,
    )


def list_datasets(desk: Desk, given: shapes.Listing) -> shapes.Listed:
    found = list(desk.site.catalogue.records(after=given.after, limit=given.limit + 1, local_only=True))
    shown = found[: given.limit]
    return shapes.Listed(
        total=desk.site.catalogue.count(local_only=True),
        datasets=[_brief(desk, record, columns=False) for record in shown],
        next_after=shown[-1].id if len(found) > given.limit else None,
    )


def _brief(desk: Desk, record: Record, columns: bool = True) -> shapes.Brief:
    text = say(record.description, desk.language)[0]
    return shapes.Brief(
        id=record.id,
        title=say(record.title, desk.language)[0],
        description=text if len(text) <= SHORT else f"{text[:SHORT]}…",
        owner=record.publisher.id if record.publisher else "",
        access=record.access if record.access in ("open", "shared") else "closed",  # type: ignore[arg-type]
        held_here=record.local,
        themes=list(record.themes),
        licence=record.licence,
        rows=record.rows,
        version=record.version,
        updated=record.modified.isoformat() if record.modified else None,
        columns=[item.name for item in record.columns][:SHOWN_COLUMNS] if columns else [],
        page=desk.page(record.id),
    )


def describe_dataset(desk: Desk, given: shapes.Describe) -> shapes.Described:
    record = desk.site.catalogue.record(given.dataset)
    about = _brief(desk, record, columns=False)
    about.description = say(record.description, desk.language)[0][:5000]
    told = shapes.Described(
        about=about,
        may_read=False,
        period=[day.isoformat() if day else None for day in record.temporal],
        bbox=list(record.spatial) if record.spatial else None,
        versions=record.versions,
        downloads={item.id: _whole(desk, item.download_url or item.access_url) for item in record.distributions[:20]},
    )
    if not record.local:
        told.why_not = "The rows are not held here; see the downloads and the page."
        return told
    told.related = [item.record.id for item in desk.site.catalogue.related(record.id, 6)]
    try:
        view = desk.site.door.view(record.id, given.as_of, desk.caller)
    except NotAllowed as refusal:
        told.why_not = str(refusal)
        return told
    facts = desk.site.door.profile(record.id, given.as_of, desk.caller).get("columns", {})
    checks = desk.site.door.quality(record.id, given.as_of, desk.caller)
    told.may_read = True
    told.source = desk.source(view)
    told.columns = [_column(item, facts.get(item.name, {})) for item in view.columns]
    told.key = list(view.scope.key)
    told.time_column = view.scope.time
    told.places = view.geometry is not None
    told.limitations = view.contract.limitations
    if checks:
        told.quality = f"{checks.get('passed', 0)} checks passed, {checks.get('failed', 0)} failed."
    return told


def _column(item: Any, facts: Mapping[str, Any]) -> shapes.Column:
    declared = item.declared
    values = [
        shapes.Value(value=top["value"], count=top["count"])
        for top in (facts.get("top") or ())[:SHOWN_VALUES]
        if len(str(top["value"])) <= 80
    ]
    return shapes.Column(
        name=item.name,
        kind=item.kind,
        title=item.title,
        description=declared.description if declared else "",
        unit=item.unit,
        required=item.required,
        unknown=facts.get("nulls"),
        distinct=facts.get("distinct"),
        min=facts.get("min"),
        max=facts.get("max"),
        values=values,
    )


def _whole(desk: Desk, address: str) -> str:
    return f"{desk.base}{address}" if address.startswith("/") else address
