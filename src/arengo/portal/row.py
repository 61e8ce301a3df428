"""One row: its values, its place, its history through the versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from urllib.parse import quote, unquote

from starlette.responses import Response

from arengo.contract.model import Kind
from arengo.errors import UnknownDataset
from arengo.portal.cells import Cell, Head, Writer, heads, plain
from arengo.portal.dossier import Dossier
from arengo.portal.geography import from_row
from arengo.portal.visit import Visit


def row_link(d: Dossier, row: Mapping[str, Any]) -> str:
    """``/datasets/{id}/rows/{key}``, '' when the dataset has no key or the row does not show it."""
    key = d.view.scope.key
    if not key or any(row.get(name) is None for name in key):
        return ""
    path = f"/datasets/{d.id}/rows/{write_key([row[name] for name in key])}"
    return f"{path}?as_of={quote(d.visit.as_of)}" if d.visit.as_of else path


@dataclass(frozen=True, slots=True)
class Link:
    """``words``: what a screen reader says when the first cell alone does not name the row."""

    href: str
    words: str


def row_links(
    d: Dossier,
    shown: Sequence[Head],
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    cells: Sequence[Sequence[Cell]],
) -> list[Link | None]:
    """The link of each row; it starts with the words of the first cell and goes on with the key."""
    key = [head for head in d.heads if head.name in d.view.scope.key]
    alone = bool(shown) and [head.name for head in key] == [shown[0].name]
    writer = Writer(d.speech, key, [])
    out: list[Link | None] = []
    for row, written in zip(rows, cells, strict=True):
        values = dict(zip(names, row, strict=True))
        href = row_link(d, values)
        rest = [writer.cell(i, values.get(head.name)).text for i, head in enumerate(key) if head.name != shown[0].name]
        words = "" if alone else ", ".join([written[0].text, *rest])
        out.append(Link(href, words) if href else None)
    return out


def write_key(parts: Sequence[Any]) -> str:
    """Key values as one path segment: each escaped, commas between. Two escapes, since servers undo one."""
    return quote(",".join(quote(_plain(part), safe="") for part in parts), safe=",")


def read_key(text: str) -> list[str]:
    return [unquote(part) for part in text.split(",")]


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat() + ("" if value.tzinfo else "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def page(visit: Visit) -> Response:
    """``/datasets/{id}/rows/{key}``."""
    d = Dossier(visit, visit.request.path_params["dataset"])
    known = visit.unchanged(*d.mark)
    if known:
        return known
    key = read_key(visit.request.path_params["key"])
    past = visit.door.history(d.id, key)
    seen = [item for item in past if item.row is not None]
    if not seen:
        raise UnknownDataset(
            f"No version of {d.title} has a row with the key {', '.join(key)}.", todo="Look for it in the table."
        )
    here = next((item.row for item in past if item.version.number == d.shown.number), None)
    older = [item.row for item in past if item.row is not None and item.version.number <= d.shown.number]
    row = here or (older[0] if older else seen[-1].row) or {}
    columns = [item for item in d.heads if item.name in row]
    writer = Writer(d.speech, columns, [[row.get(item.name) for item in columns]], whole=True)
    facts = [(head, writer.cell(index, row.get(head.name))) for index, head in enumerate(columns)]
    geometry = d.view.geometry
    picture = None
    title = row_name(d, columns, row, key)
    if geometry is not None:
        from arengo.portal import place

        shape = from_row(row, geometry.column, geometry.x, geometry.y)
        picture = place.one(d, shape, title) if shape else None
    values = {
        "d": d,
        "tab": "table",
        "tab_title": title,
        "row_title": title,
        "gone": here is None,
        "facts": facts,
        "m": picture,
        "history": _history(d, past),
    }
    return visit.page("row.html", values)


def row_name(d: Dossier, columns: Sequence[Head], row: Mapping[str, Any], key: Sequence[str]) -> str:
    """How a row is called: by its titled column, otherwise by its key."""
    from arengo.portal.place import title_columns

    title, _facts = title_columns(d.contract, [item for item in columns if item.kind is not Kind.GEOMETRY])
    said = plain(str(row.get(title.name) or "")) if title and title.kind is Kind.STRING else ""
    return said if said and len(said) < 90 else " / ".join(key)


def _history(d: Dossier, past: Sequence[Any]) -> list[dict[str, Any]]:
    """The versions in which the row changed, newest first."""
    out: list[dict[str, Any]] = []
    before: Mapping[str, Any] | None = None
    started = False
    for item in sorted(past, key=lambda entry: entry.version.number):
        event, fields = "", []
        if item.row is None:
            if started and before is not None:
                event = "gone"
        elif not started:
            event, started = "first", True
        elif before is None:
            event = "back"
        else:
            fields = changed(d, before, item.row)
            event = "changed" if fields else ""
        before = item.row
        if event:
            number = item.version.number
            out.append(
                {
                    "number": number,
                    "date": d.speech.moment(item.version.published_at),
                    "event": event,
                    "fields": fields,
                    "now": False,
                    "href": d.visit.here(as_of=number),
                }
            )
    current = [item for item in out if item["number"] <= d.shown.number]
    if current:
        current[-1]["now"] = True
    return out[::-1]


def changed(d: Dossier, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """The values that differ, in words; for an added or removed row all of its values."""
    names = list(dict.fromkeys([*(before or {}), *(after or {})]))
    known = heads(d.contract, names, d.speech.language, d.profile)
    labels = {item.name: item for item in known}
    out = []
    for name in names:
        old, new = (before or {}).get(name), (after or {}).get(name)
        if before is not None and after is not None and old == new:
            continue
        head = labels.get(name) or Head(name, name, "", Kind.STRING, False, False)
        if head.kind is Kind.GEOMETRY and (before is None or after is None):
            continue
        writer = Writer(d.speech, [head], [[old], [new]], whole=True)
        out.append(
            {"name": name, "label": head.label, "old": _said(writer.cell(0, old)), "new": _said(writer.cell(0, new))}
        )
    return out


def _said(cell: Cell) -> str:
    return cell.full or cell.text
